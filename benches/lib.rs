//! What the benches share: equal documents for us and for each rival, and the ratios harness.
//!
//! `cargo bench -p benches --bench ratios` runs every row, our batches and the rival's taking turns in one process, and
//! prints the median of the ratios beside its goal. A word behind `--` picks the rows that contain it.

pub mod ratio;
/// The rows of the table, a module for each crate.
pub mod rows {
    pub mod atlas;
    pub mod atlas_streams;
    pub mod datakit;
    pub mod drift;
    pub mod karabo;
    pub mod msgpack_numpy;
    pub mod qpack;
    pub mod thingsdb;
}
/// What is measured, a module for each crate.
pub mod work {
    pub mod atlas;
    pub mod atlas_streams;
    pub mod datakit;
    pub mod drift;
    pub mod karabo;
    pub mod msgpack_numpy;
    pub mod qpack;
}

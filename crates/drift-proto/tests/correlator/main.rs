//! Packages joined by id: against a plain model by random operations (`model.rs`), and each event and limit by name (`cases.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

mod cases;
mod model;

use std::time::Duration;

use drift_proto::{Package, PackageBuilder};

/// A package with a payload of so many bytes.
fn package(id: i64, len: usize) -> Package {
    PackageBuilder::new(id).payload(vec![0; len]).build().unwrap()
}

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

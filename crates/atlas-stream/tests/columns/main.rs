//! Columns however they lie, views of them, what has names and what has indexes, and numbers as they are written.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_cmp,
    clippy::excessive_precision,
    clippy::type_complexity,
    clippy::eq_op,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

#[path = "../hostile/proto.rs"]
mod proto;

mod column;
mod names;
mod view;
mod writing;

//! The laws of the workspace over golden and generated trains: totality, determinism, good–bad–good, pass-through, round trip, and what is
//! allocated and borrowed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::type_complexity,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

mod faults;
mod memory;
mod round_trip;
mod spellings;
mod support;
mod totality;
mod unknown;

//! Records and documents that mean harm to who reads them: one test or comment for each bug class R1 to R15. What is announced and kept (R1, R2,
//! R5) is in `memory.rs`, nesting (R3) in `depth.rs`, odd input by the thousand (R4, R8, R9) in `input.rs`, work that grows with the square
//! (R7) in `work.rs`, limits (R13, R15) in `limits.rs`, and the rest (R6, R10 to R12, R14) in `values.rs`.

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

mod depth;
mod input;
mod limits;
mod memory;
mod proto;
mod support;
mod values;
mod work;

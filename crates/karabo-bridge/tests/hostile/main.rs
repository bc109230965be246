//! Messages that mean harm to who reads them: one test or comment for each bug class R1 to R15. What is taken from a length, kept and
//! recursed into (R1 to R3) is in `memory.rs`, odd input by the thousand (R4) in `input.rs`, writing what would be read as something else
//! (R6) in `writing.rs`, work that grows with the square (R7) in `work.rs`, values (R5, R8 to R11) in `values.rs`, and what is of the whole
//! message (R12 to R15) in `whole.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::type_complexity,
    clippy::print_stderr,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

mod input;
mod memory;
mod support;
mod values;
mod whole;
#[cfg(not(miri))]
mod work;
mod writing;

//! The laws that every crate of this workspace keeps, as functions over closures.
//!
//! | law | functions |
//! |---|---|
//! | 1 chunking | [`chunking`] |
//! | 2 prefix | [`prefix`] |
//! | 3 round trip | [`round_trip_value`], [`round_trip_value_by`], [`round_trip_or_error`], [`round_trip_bytes`] |
//! | 4 size | [`size`], [`nothing_written`] |
//! | 5 totality | [`totality`] over [`mutations`] and [`hostile_lengths`] |
//! | 6 two forms | [`two_forms`] |
//! | 7 idle | [`idle`], [`repeats_error`] |
//! | 8 determinism | [`deterministic`] |
//! | 9 good–bad–good | [`good_bad_good`] |
//! | 10 pass-through | [`pass_through`] |
//! | 11 linear work | [`linear_work`], [`linear_cpu`] |
//!
//! Each panics when the law is broken, and names the law, the input in hex and the cut. A panic out of a closure is
//! passed on after a line that says the same; so closures may simply `unwrap`.

mod codec;
mod machine;
mod report;
mod stream;
mod totality;
mod work;

#[cfg(test)]
mod toy;

pub use codec::{
    Prefix, nothing_written, pass_through, prefix, round_trip_bytes, round_trip_or_error, round_trip_value,
    round_trip_value_by, size, two_forms,
};
pub use machine::{deterministic, idle, repeats_error};
pub use stream::{Cut, chunking, cuts, good_bad_good};
pub use totality::{hostile_lengths, mutations, totality};
pub use work::{linear_cpu, linear_work, thread_cpu_time};

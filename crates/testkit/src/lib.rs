//! What the tests of this workspace share. It knows no codec: every check takes closures.
//!
//! | module | what it holds |
//! |---|---|
//! | [`laws`] | the eleven laws of `DESIGN.md`, as functions that panic with the law, the input and the cut |
//! | [`alloc`] | a counting allocator for test binaries, [`measure`] and [`assert_no_alloc`] |
//! | [`stack`] | run something on a stack as small as [`SMALL_STACK`] |
//! | [`slices`] | the same bytes at every alignment, and right before a guard page |
//! | [`vectors`] | loaders for golden vectors: JSON lines, hex, hex lines |
//! | [`rng`] | a small seeded generator |
//! | [`wire`] | two machines on a virtual wire with a virtual clock |
//! | [`peers`] | the real Python implementations, in one pinned virtual environment |
//!
//! ```
//! use testkit::laws::{self, Prefix};
//!
//! // One byte of length, then that many bytes.
//! let decode = |bytes: &[u8]| match bytes.first() {
//!     None => Prefix::Incomplete { needed: 1 },
//!     Some(&len) => match (usize::from(len) + 1).checked_sub(bytes.len()) {
//!         None | Some(0) => Prefix::Complete { consumed: usize::from(len) + 1 },
//!         Some(needed) => Prefix::Incomplete { needed },
//!     },
//! };
//! laws::prefix(b"\x02ok", decode);
//! ```

pub mod alloc;
pub mod laws;
pub mod peers;
pub mod rng;
pub mod slices;
pub mod stack;
pub mod vectors;
pub mod wire;

pub use alloc::{assert_no_alloc, measure};
pub use peers::Worker;
pub use rng::Rng;
pub use stack::{SMALL_STACK, on_small_stack};

/// The README's examples are compiled too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(test)]
counting_allocator!();

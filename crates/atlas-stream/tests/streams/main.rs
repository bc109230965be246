//! Streams as machines: the reader, the writer, the barrier and the partitioner.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod barrier;
mod bounds;
mod formats;
mod kept;
mod laws;
mod order;
mod pair;
mod partitioner;
mod permutations;
#[path = "../hostile/proto.rs"]
mod proto;
mod reader;
mod release_notes;
mod sessions;
mod support;
mod writer;

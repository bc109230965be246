//! Corners of the format that the vectors do not reach: how messages merge (`merge.rs`), what is unknown (`unknown.rs`), numbers and groups on
//! the wire (`wire.rs`), versions, kinds and statuses (`versions.rs`), what is made and written (`written.rs`), times (`times.rs`), and what
//! errors say (`errors.rs`); and what is equal (`equality.rs`). Bytes are put together by hand, after the numbers of the fields.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

mod equality;
mod errors;
mod merge;
#[path = "../hostile/proto.rs"]
mod proto;
mod times;
mod unknown;
mod versions;
mod wire;
mod written;

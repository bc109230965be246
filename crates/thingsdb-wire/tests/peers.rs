//! Live against the Python packages python-thingsdb, siridb-connector and py-timod, over TCP and pipes. No server can be had from
//! there: ours are made of [`Server`](thingsdb_wire::Server), and our client meets one made of python-thingsdb's own package class.
#![cfg(all(feature = "msgpack", feature = "qpack"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::print_stdout,
    unreachable_pub
)]
#![cfg(not(miri))]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the peers are at the end of sockets and pipes"
)]

#[path = "peers/driver.rs"]
mod driver;
#[path = "peers/hub.rs"]
mod hub;
#[path = "peers/module.rs"]
mod module;
#[path = "peers/siridb.rs"]
mod siridb;
#[path = "peers/v1.rs"]
mod v1;

use std::time::Duration;

use serde_json::{Value as Json, json};
use testkit::{Rng, Worker};

/// Nothing here is meant to run out of time.
const NOW: Duration = Duration::ZERO;

/// Only to make a failure of what would hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bytes whole, or torn into pieces of one to seven.
fn pieces<'a>(tear: &mut Option<Rng>, bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    std::iter::from_fn(|| piece(tear, &mut rest)).collect()
}

/// The first of these pieces.
fn piece<'a>(tear: &mut Option<Rng>, bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = tear.as_mut().map_or(bytes.len(), |rng| (1 + rng.below(7)).min(bytes.len()));
    let (piece, rest) = bytes.split_at(len);
    *bytes = rest;
    Some(piece).filter(|piece| !piece.is_empty())
}

/// How to tear, if at all.
fn tear(torn: bool, salt: u64) -> Option<Rng> {
    torn.then(|| Rng::new(seed() ^ salt))
}

/// Shown with a failure.
fn seed() -> u64 {
    let seed = testkit::rng::seed();
    println!("TESTKIT_SEED={seed}");
    seed
}

/// The peer is what SPEC.md and the manual say it is.
fn assert_version(peer: &mut Worker, package: &str, version: &str) {
    assert_eq!(peer.call(&json!({"op": "version", "package": package})), json!({"version": version}));
}

/// The value of a MessagePack datum, for what JSON can hold.
fn msgpack(data: &[u8]) -> Json {
    rmp_serde::from_slice(data).unwrap()
}

fn to_msgpack(value: &Json) -> Vec<u8> {
    rmp_serde::to_vec(value).unwrap()
}

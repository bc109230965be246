//! Live against the Python packages drift-protocol and drift-bytes: what is written there is read here, what is written here is the same bytes
//! and is read there, and what is odd or broken is taken, or refused, by both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::redundant_pub_crate,
    unreachable_pub
)]
#![cfg(not(miri))]

mod building;
mod drift_bytes;
mod odd;
mod packages;
mod reading;
mod typed;

use serde_json::Value as Json;
use testkit::Rng;

/// Of a list, the texts.
fn texts(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// In some places, so many at most, bytes are changed, cut out or put in, or the end is lost.
fn mutated(rng: &mut Rng, bytes: &[u8], most: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(most) {
        let at = rng.below(bytes.len() + 1);
        let end = bytes.len().min(at + 1 + rng.below(4));
        match rng.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let len = 1 + rng.below(3);
                let more = rng.bytes(len);
                bytes.splice(at..at, more);
            }
            // What looks like a tag or a length of a small message.
            3 if at < bytes.len() => bytes[at] = *rng.choose(&[0x0a, 0x12, 0x1a, 0x08, 0x0b, 0x0c, 0x3a, 2, 0]),
            4 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(1),
            5 if at < bytes.len() => bytes[at] = bytes[at].wrapping_sub(1),
            _ if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            _ => bytes.push(rng.next_u64() as u8),
        }
    }
    bytes
}

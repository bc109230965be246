//! What both test files read with.
#![allow(dead_code, unreachable_pub)]

use serde_json::Value as Json;
use testkit::vectors::encoding;
use thingsdb_wire::{DecodeError, Decoded, Decoder, Limits, Package};

/// The vectors of a file, so many of them. Under Miri, which is some thousand times slower, every twelfth.
pub fn vectors(file: &str, count: usize) -> Vec<Json> {
    let text = std::fs::read_to_string(format!("tests/vectors/{file}")).unwrap();
    assert_eq!(text.lines().count(), count);
    let lines = text.lines().enumerate().filter(|(index, _)| !cfg!(miri) || index % 12 == 0);
    lines.map(|(_, line)| serde_json::from_str(line).unwrap()).collect()
}

/// The golden frames, and their bytes.
pub fn frames() -> Vec<(Json, Vec<u8>)> {
    let vectors = vectors("thingsdb.jsonl", 242).into_iter();
    vectors.map(|vector| (encoding(&vector), vector)).map(|(bytes, vector)| (vector, bytes)).collect()
}

pub fn limits(dialect: &str) -> Limits {
    match dialect {
        "siridb-qpack" => Limits::SIRIDB,
        "v1-msgpack" | "module-msgpack" => Limits::V1,
        _ => Limits::LEGACY,
    }
}

/// What comes out of a stream that arrives in pieces, and how it ends.
pub fn read(pieces: &mut dyn Iterator<Item = &[u8]>, limits: &Limits) -> (Vec<Package>, Result<usize, DecodeError>) {
    let (mut decoder, mut held, mut packages) = (Decoder::with_limits(limits), Vec::new(), Vec::new());
    let mut missing = 0;
    for piece in pieces {
        held.extend_from_slice(piece);
        let mut start = 0;
        loop {
            match decoder.decode(&held[start..]) {
                Ok(Decoded::Complete { value, consumed }) => {
                    packages.push(value.into_owned());
                    start += consumed;
                }
                Ok(Decoded::Incomplete { needed }) => {
                    missing = if start < held.len() { needed.get() } else { 0 };
                    break;
                }
                Err(error) => return (packages, Err(error)),
            }
        }
        held.drain(..start);
    }
    (packages, Ok(missing))
}

//! What both directions of the live tests share: the far end, and trains in words.
#![allow(dead_code, reason = "each file uses its half")]

use karabo_bridge::msgpack_numpy_codec::{ArrayRef, ValueRef};
use karabo_bridge::{Property, Train};
use serde_json::{Map, Value, json};
use testkit::Worker;

/// karabo-bridge 0.7.0, or nothing where the peers are skipped. Large trains take it a while in a loaded machine.
pub(crate) fn start() -> Option<Worker> {
    Worker::start(include_str!("peer.py")).map(|peer| peer.with_patience(core::time::Duration::from_secs(300)))
}

/// The same number as in the script, worked out in another way.
pub(crate) fn checksum(data: &[u8]) -> String {
    let word =
        |total: u64, word: [u8; 8]| total.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(u64::from_le_bytes(word));
    let words = data.chunks_exact(8);
    let rest = words.remainder();
    let mut total = words.fold(1, |total, bytes| word(total, bytes.try_into().unwrap()));
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        total = word(total, last);
    }
    format!("{total:016x}")
}

pub(crate) fn array(dtype: &str, shape: impl Iterator<Item = u64>, data: &[u8]) -> Value {
    json!({"dtype": dtype, "shape": shape.collect::<Vec<_>>(), "sum": checksum(data)})
}

pub(crate) fn describe_array(value: ArrayRef<'_>) -> Value {
    array(&value.dtype().name().to_string(), value.shape().iter(), value.data())
}

pub(crate) fn describe(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Nil => Value::Null,
        ValueRef::Bool(value) => value.into(),
        ValueRef::Int(value) => json!({"int": value.to_string()}),
        ValueRef::UInt(value) => json!({"int": value.to_string()}),
        ValueRef::F64(value) => json!({"f64": format!("{:016x}", value.to_bits())}),
        ValueRef::Str(text) => core::str::from_utf8(text).unwrap().into(),
        ValueRef::Bin(bytes) => json!({"bin": testkit::vectors::to_hex(bytes)}),
        ValueRef::List(list) => list.iter().map(describe).collect(),
        ValueRef::Map(map) => {
            let entries = map.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), describe(value)));
            json!({"map": entries.collect::<Map<_, _>>()})
        }
        ValueRef::Array(value) => describe_array(value),
        other => panic!("{other:?} was not expected"),
    }
}

pub(crate) fn describe_train(train: &Train) -> Value {
    let indexed = train.indexed();
    assert_eq!(indexed.errors().map(|error| error.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
    let sources = indexed.sources().map(|source| {
        let data = indexed.properties(source.name()).map(|(path, property)| {
            let what = match property {
                Property::Value(value) => describe(value),
                Property::Array(part) => array(part.dtype().as_str(), part.shape().iter(), part.data()),
                other => panic!("{other:?} was not expected"),
            };
            (path.to_owned(), what)
        });
        let meta = source.metadata().entries().map(|(name, value)| (name.to_owned(), describe(value)));
        let (data, meta) = (data.collect::<Map<_, _>>(), meta.collect::<Map<_, _>>());
        (source.name().to_owned(), json!({"data": data, "meta": meta}))
    });
    Value::Object(sources.collect())
}

#[test]
fn the_checksum_tells_what_moved() {
    // 1 · f² + 1 · f + 2 and 1 · f² + 2 · f + 1, modulo 2^64.
    let f = u128::from(0x9e37_79b9_7f4a_7c15_u64);
    let of = |first: u128, second: u128| format!("{:016x}", (f * f % (1 << 64) + first * f + second) % (1 << 64));
    let words = |words: [u64; 2]| words.map(u64::to_le_bytes).concat();
    assert_eq!(checksum(&words([1, 2])), of(1, 2));
    assert_eq!(checksum(&words([2, 1])), of(2, 1));
}

//! Live against the Python package qpack: its C extension, which most clients run, and its pure-Python fallback.

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
    clippy::std_instead_of_alloc
)]
#![cfg(not(miri))]

mod common;

use common::Kinds;
use qpack_codec::{Config, Value, ValueRef};
use serde_json::{Value as Json, json};
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, Worker};

/// Packs and unpacks lists of values in the notation of the vectors.
const SCRIPT: &str = r#"
import struct
import qpack
import qpack.fallback

def build(described):
    (kind, content), = described.items()
    if kind == "int":
        return int(content)
    if kind == "f64":
        return struct.unpack(">d", bytes.fromhex(content))[0]
    if kind == "raw":
        return bytes.fromhex(content)
    if kind == "text":
        return content
    if kind == "bool":
        return content
    if kind == "null":
        return None
    if kind == "array":
        return [build(item) for item in content]
    if kind == "map":
        built = {build(key): build(value) for key, value in content}
        assert len(built) == len(content)
        return built
    raise ValueError(kind)

def describe(value):
    kind = type(value)
    if kind is bool:
        return {"bool": value}
    if kind is int:
        return {"int": str(value)}
    if kind is float:
        return {"f64": struct.pack(">d", value).hex()}
    if kind is bytes:
        return {"raw": value.hex()}
    if value is None:
        return {"null": True}
    if kind is list:
        return {"array": [describe(item) for item in value]}
    if kind is dict:
        return {"map": [[describe(key), describe(item)] for key, item in value.items()]}
    raise TypeError(kind)

def module(request):
    return qpack.fallback if request.get("fallback") else qpack

def refusal(value, call):
    try:
        return {"hex": call(value).hex()}
    except Exception as error:
        return {"refused": type(error).__name__}

serve({
    "kind": lambda request: {"kind": type(qpack.packb).__name__, "version": qpack.__version__},
    "pack": lambda request: {"hex": [module(request).packb(build(value)).hex() for value in request["values"]]},
    "unpack": lambda request: {"values": [describe(module(request).unpackb(bytes.fromhex(digits))) for digits in request["hex"]]},
    "try_pack": lambda request: refusal(build(request["value"]), module(request).packb),
})
"#;

const BATCH: usize = 500;
const BATCHES: usize = 20;

fn start() -> Option<Worker> {
    let mut peer = Worker::start(SCRIPT)?;
    let expected = json!({"kind": "builtin_function_or_method", "version": "0.0.21"});
    assert_eq!(peer.call(&json!({"op": "kind"})), expected, "the C extension is not what runs");
    Some(peer)
}

fn pack(peer: &mut Worker, values: &[Json], fallback: bool) -> Vec<Vec<u8>> {
    let answer = peer.call(&json!({"op": "pack", "values": values, "fallback": fallback}));
    answer["hex"].as_array().unwrap().iter().map(|digits| hex(digits.as_str().unwrap())).collect()
}

fn unpack(peer: &mut Worker, encodings: &[Vec<u8>], fallback: bool) -> Vec<Json> {
    let digits: Vec<String> = encodings.iter().map(|bytes| to_hex(bytes)).collect();
    let mut answer = peer.call(&json!({"op": "unpack", "hex": digits, "fallback": fallback}));
    serde_json::from_value(answer["values"].take()).unwrap()
}

/// As the peers have it once written: −0.0 is 0.0.
fn without_minus_zero(value: &Json) -> Json {
    let minus_zero = json!({"f64": "8000000000000000"});
    if *value == minus_zero {
        return json!({"f64": "0000000000000000"});
    }
    match value {
        Json::Array(items) => items.iter().map(without_minus_zero).collect(),
        Json::Object(object) => {
            object.iter().map(|(kind, content)| (kind.clone(), without_minus_zero(content))).collect()
        }
        _ => value.clone(),
    }
}

/// How often each first byte was met.
struct Tags([usize; 256]);

impl Tags {
    fn count(&mut self, encoding: &[u8]) {
        common::first_bytes(encoding).into_iter().for_each(|first| self.0[usize::from(first)] += 1);
    }

    fn assert_all(&self, seed: u64, excepted: &[u8]) {
        let rare: Vec<(u8, usize)> = (0..=u8::MAX)
            .map(|tag| (tag, self.0[usize::from(tag)]))
            .filter(|(tag, count)| *count < 20 && !excepted.contains(tag))
            .collect();
        assert!(rare.is_empty(), "tags met too seldom: {rare:02x?} (TESTKIT_SEED={seed})");
    }
}

#[test]
fn values_go_there_and_back() {
    let Some(mut peer) = start() else { return };
    let seed = testkit::rng::seed();
    let mut rng = Rng::new(seed);
    let mut tags = Tags([0; 256]);
    for batch in 0..BATCHES {
        let mut values: Vec<Value> = (0..BATCH).map(|_| common::value(&mut rng, 3, Kinds::Python)).collect();
        if batch == 0 {
            // Raws that need four bytes of length are too large to be met by chance.
            values.extend([65_535, 65_536, 65_537].map(|len| Value::from(rng.bytes(len).as_slice())));
        }
        let described: Vec<Json> = values.iter().map(common::of_value).collect();
        let lossy: Vec<Json> = described.iter().map(without_minus_zero).collect();
        let packed = pack(&mut peer, &described, false);
        let exact: Vec<Vec<u8>> = values.iter().map(|value| value.encode_to_vec().unwrap()).collect();
        let alike: Vec<Vec<u8>> = values.iter().map(|value| value.encode_to_vec_with(&Config::PEER).unwrap()).collect();
        for (index, bytes) in packed.iter().enumerate() {
            tags.count(bytes);
            let place = format!("{} (TESTKIT_SEED={seed})", to_hex(bytes));
            assert_eq!(to_hex(&alike[index]), to_hex(bytes), "{place}");
            let view = ValueRef::decode(bytes).expect(&place);
            assert_eq!(common::of_ref(view), lossy[index], "{place}");
            let owned = Value::decode(bytes).expect(&place);
            assert_eq!(to_hex(&owned.encode_to_vec_with(&Config::PEER).unwrap()), to_hex(bytes), "{place}");
            // Whoever lost the sign of zero, what is left is written alike by default, too.
            assert_eq!(to_hex(&owned.encode_to_vec().unwrap()), to_hex(bytes), "{place}");
        }
        // By default even the sign of zero arrives.
        for (expected, encodings) in [(&described, &exact), (&lossy, &alike)] {
            let found = unpack(&mut peer, encodings, false);
            for ((expected, found), bytes) in expected.iter().zip(&found).zip(encodings) {
                assert_eq!(found, expected, "{} (TESTKIT_SEED={seed})", to_hex(bytes));
            }
        }
    }
    // What the packer never writes; the rest must have come, e6 but seldom.
    let rare: Vec<u8> = vec![0x7c, 0xe6, 0xe7];
    tags.assert_all(seed, &rare);
    assert!(tags.0[0xe6] >= 2 && tags.0[0x7c] == 0 && tags.0[0xe7] == 0);
}

#[test]
fn every_legal_encoding_is_read_alike() {
    let Some(mut peer) = start() else { return };
    let seed = testkit::rng::seed();
    let mut rng = Rng::new(seed ^ 0x6e63);
    let mut tags = Tags([0; 256]);
    let mut torn = 0;
    for _ in 0..BATCHES {
        let made: Vec<(Vec<u8>, Value, bool)> =
            (0..BATCH).map(|_| common::encoding(&mut rng, 3, Kinds::Python, true)).collect();
        let encodings: Vec<Vec<u8>> = made.iter().map(|(bytes, ..)| bytes.clone()).collect();
        let found = unpack(&mut peer, &encodings, false);
        for ((bytes, value, left_open), found) in made.iter().zip(&found) {
            tags.count(bytes);
            torn += usize::from(*left_open);
            let place = format!("{} (TESTKIT_SEED={seed})", to_hex(bytes));
            let view = ValueRef::decode_with(bytes, &Config::PEER).expect(&place);
            assert_eq!(common::of_ref(view), *found, "{place}");
            assert_eq!(common::of_value(value), *found, "{place}");
            assert_eq!(ValueRef::decode(bytes).is_err(), *left_open, "{place}");
        }
    }
    tags.assert_all(seed, &[0x7c]);
    assert!(torn > 500, "{torn}");
}

/// The fallback packs like the extension but for the longer forms of the smallest integers of a width.
#[test]
fn the_fallback_differs_in_three_values() {
    let Some(mut peer) = start() else { return };
    for (value, longer, ours) in [
        (-128, "e980ff", "e880"),
        (-32_768, "ea0080ffff", "e90080"),
        (-2_147_483_648, "eb00000080ffffffff", "ea00000080"),
    ] {
        let described = [common::int(value)];
        assert_eq!(pack(&mut peer, &described, true), [hex(longer)]);
        assert_eq!(pack(&mut peer, &described, false), [hex(ours)]);
        assert_eq!(ValueRef::decode(&hex(longer)).unwrap().as_int(), Some(value));
        assert_eq!(to_hex(&Value::Int(value).encode_to_vec_with(&Config::PEER).unwrap()), ours);
        for encoding in [longer, ours] {
            assert_eq!(unpack(&mut peer, &[hex(encoding)], true), described);
            assert_eq!(unpack(&mut peer, &[hex(encoding)], false), described);
        }
    }
    // The fallback refuses the least integer, and nobody takes one above.
    let refused = |peer: &mut Worker, value: &str, fallback| {
        let request = json!({"op": "try_pack", "value": {"int": value}, "fallback": fallback});
        peer.call(&request).get("refused").map(|name| name.as_str().unwrap().to_owned())
    };
    assert_eq!(refused(&mut peer, "-9223372036854775808", true).as_deref(), Some("OverflowError"));
    assert_eq!(refused(&mut peer, "-9223372036854775808", false), None);
    assert_eq!(refused(&mut peer, "9223372036854775808", true).as_deref(), Some("OverflowError"));
    assert!(refused(&mut peer, "9223372036854775808", false).is_some());
}

#[test]
fn values_go_to_the_fallback_and_back() {
    let Some(mut peer) = start() else { return };
    let seed = testkit::rng::seed();
    let mut rng = Rng::new(seed ^ 0xfa11);
    let mut longer = 0;
    for _ in 0..4 {
        let values: Vec<Value> = (0..BATCH)
            .map(|_| common::value(&mut rng, 3, Kinds::Python))
            .filter(|value| !format!("{value:?}").contains("-9223372036854775808"))
            .collect();
        let described: Vec<Json> = values.iter().map(common::of_value).collect();
        let packed = pack(&mut peer, &described, true);
        for (described, bytes) in described.iter().zip(&packed) {
            let place = format!("{} (TESTKIT_SEED={seed})", to_hex(bytes));
            let owned = Value::decode(bytes).expect(&place);
            assert_eq!(common::of_value(&owned), without_minus_zero(described), "{place}");
            longer += usize::from(owned.encode_to_vec().unwrap().len() < bytes.len());
        }
        let exact: Vec<Vec<u8>> = values.iter().map(|value| value.encode_to_vec().unwrap()).collect();
        assert_eq!(unpack(&mut peer, &exact, true), described, "(TESTKIT_SEED={seed})");
    }
    assert!(longer > 0, "none of the longer forms was met (TESTKIT_SEED={seed})");
}

/// Text and bytes are one kind on the wire.
#[test]
fn text_is_packed_as_its_bytes() {
    let Some(mut peer) = start() else { return };
    for text in ["", "a", "é", "€", "😀", "a\0b", &"x".repeat(100)] {
        for fallback in [false, true] {
            let [packed] = &pack(&mut peer, &[json!({"text": text})], fallback)[..] else { panic!("one for one") };
            assert_eq!(ValueRef::decode(packed).unwrap().as_str(), Some(text));
            assert_eq!(Value::from(text).encode_to_vec().unwrap(), *packed);
        }
    }
}

/// Where no value is read, the peer says so in its own way; where it reads one, so do we under its rules.
#[test]
fn malformed_inputs_are_refused_by_both() {
    let Some(mut peer) = start() else { return };
    let (mut alike, mut odd) = (0, 0);
    for vector in testkit::vectors::jsonl("tests/vectors/qpack_malformed.jsonl") {
        let digits = testkit::vectors::text(&vector, "hex").to_owned();
        // A close byte alone kills the peer's process; a hook it takes for null; a container as a key it cannot hold.
        if ["fe", "ff"].contains(&digits.as_str()) {
            continue;
        }
        let bytes = hex(&digits);
        let ours = ValueRef::decode_with(&bytes, &Config::PEER);
        match peer.try_call(&json!({"op": "unpack", "hex": [digits]})) {
            Ok(answer) => {
                let ours = common::of_ref(ours.unwrap_or_else(|error| panic!("{digits}: {error}")));
                let hook_as_null = ours.to_string().replace(r#"{"hook":true}"#, r#"{"null":true}"#);
                if serde_json::from_str::<Json>(&hook_as_null).unwrap() == answer["values"][0] {
                    alike += 1;
                } else {
                    // The same key twice: the last wins there.
                    assert!(
                        ["f5816101816102", "f501010102", "fd816101816102ff"].contains(&digits.as_str()),
                        "{digits}"
                    );
                    odd += 1;
                }
            }
            Err(_) if ours.is_err() => alike += 1,
            Err(problem) => {
                assert!(problem.starts_with("TypeError: unhashable type"), "{digits}: {problem}");
                odd += 1;
            }
        }
    }
    assert_eq!((alike, odd), (50, 6));
}

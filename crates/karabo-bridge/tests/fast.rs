//! What is read in haste is read the same at leisure: headers field by field as Python writes them have a way of their own, and the same
//! headers with a longer head have not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{Item, Limits, PartError};
use testkit::rng::{Rng, seed};
use testkit::vectors::hex;

/// Headers and what is behind them, of all golden vectors in versions 2.x, whole and malformed, and of dtypes that Python writes.
fn pairs() -> Vec<(Vec<u8>, Vec<u8>)> {
    let file = include_str!("vectors/karabo_bridge.jsonl");
    let sample = file.lines().enumerate().filter(|(index, _)| !cfg!(miri) || index % 12 == 0).map(|(_, line)| line);
    let parts = |line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap())).collect::<Vec<_>>()
    };
    let golden = sample.map(parts).filter(|parts| parts.len() > 1);
    let golden = golden
        .flat_map(|parts| parts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect::<Vec<_>>());
    golden.chain(DTYPES.iter().flat_map(|dtype| (0..=16).map(|len| (array(dtype), vec![7; len])))).collect()
}

const DTYPES: [&str; 17] = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    ">u2",
    "<?",
    "object",
    "datetime64[ns]",
];

/// The header of an array of one item.
fn array(dtype: &str) -> Vec<u8> {
    let len = u8::try_from(dtype.len()).unwrap();
    let front = b"\x85\xa6source\xa1S\xa7content\xa5array\xa4path\xaaimage.data\xa5dtype";
    [&front[..], &[0xa0 | len], dtype.as_bytes(), b"\xa5shape\x91\x01"].concat()
}

/// The same map with a head of three bytes instead of one; `None` if it has none of one.
fn widened(header: &[u8]) -> Option<Vec<u8>> {
    match header {
        // Empty maps look like pickles, and are told from these by what follows.
        [head @ 0x81..=0x8f, rest @ ..] => Some([&[0xde, 0, head & 0x0f], rest].concat()),
        _ => None,
    }
}

fn told(value: &ValueRef<'_>) -> String {
    let inside = match value {
        ValueRef::List(items) => items.iter().map(|item| told(&item)).collect::<Vec<_>>().concat(),
        ValueRef::Map(map) | ValueRef::Faulty(map, _) => {
            map.iter().map(|(key, value)| told(&key) + &told(&value)).collect()
        }
        ValueRef::Bin(bytes) => format!("{bytes:?}"),
        ValueRef::Array(array) => format!("{:?}", array.data()),
        _ => String::new(),
    };
    format!("{value:?}{inside};")
}

fn all<'a>(entries: impl Iterator<Item = (&'a str, ValueRef<'a>)>) -> String {
    entries.map(|(name, value)| format!("{name}={}", told(&value))).collect()
}

/// All of it; bytes of the header but for its head.
fn spelled(item: &Item<'_>) -> String {
    match item {
        Item::Source(source) => {
            let (metadata, properties) = (all(source.metadata().entries()), all(source.properties()));
            format!("{} {} {:?} {metadata} {properties}", source.name(), source.part(), source.version())
        }
        Item::Array(array) => {
            let params = array.params().map(|params| params.iter().map(|(_, value)| told(&value)).collect::<String>());
            let dtype = (array.dtype(), array.dtype().as_plain());
            format!("{array:?} {} {dtype:?} {:?} {params:?}", array.part(), array.data())
        }
        Item::Other(other) => format!("{other:?} {:?} {} {:?}", other.path(), other.part(), other.data()),
        other => panic!("{other:?}"),
    }
}

/// Reads a pair both ways, and tells whether it is whole.
fn assert_same(header: &[u8], data: &[u8], limits: &Limits) -> Option<bool> {
    let wide = widened(header)?;
    let context = || format!("{limits:?} {} | {}", header.escape_ascii(), data.escape_ascii());
    match (Item::decode_with(4, header, data, limits), Item::decode_with(4, &wide, data, limits)) {
        (Ok(hasty), Ok(slow)) => {
            assert_eq!(spelled(&hasty), spelled(&slow), "{}", context());
            Some(true)
        }
        (Err(hasty), Err(slow)) => {
            let of = |error: &PartError<'_>| {
                let PartError { source_name, path, error } = error;
                format!("{source_name:?} {path:?} {:?} {:?} {}", error.kind(), error.what(), error.part())
            };
            assert_eq!(of(&hasty), of(&slow), "{}", context());
            // The head is two bytes longer; what is missing is told of the map.
            let (hasty, slow) = (hasty.error, slow.error);
            let shift = if hasty.part() == 4 && slow.offset() > 0 { 2 } else { 0 };
            assert_eq!(hasty.offset() + shift, slow.offset(), "{}", context());
            Some(false)
        }
        (hasty, slow) => panic!("{hasty:?} {slow:?} {}", context()),
    }
}

#[test]
fn pairs_of_golden_vectors_are_read_the_same_at_leisure() {
    let read =
        pairs().iter().filter_map(|(header, data)| assert_same(header, data, &Limits::DEFAULT)).collect::<Vec<_>>();
    let whole = read.iter().filter(|whole| **whole).count();
    assert!(cfg!(miri) || (whole > 100 && read.len() - whole > 100), "{whole} of {}", read.len());
}

/// Pieces that fields are made of.
const PIECES: [&[u8]; 16] = [
    b"\xa6source",
    b"\xa7content",
    b"\xa5array",
    b"\xa7msgpack",
    b"\xa8metadata\x80",
    b"\xa5shape\x91\x02",
    b"\xa5dtype",
    b"\xa7float32",
    b"\xa4path\xa1p",
    b"\xa2nd",
    b"\xa7complex",
    b"\xc4\x01a",
    b"\xa2\xff\xfe",
    b"\x91\x91",
    b"\x2e",
    b"\xd9\x02ab",
];

fn mutated(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(2) {
        // Fields are at the front of long parts.
        let at = rng.below(bytes.len().min(200) + 1);
        let end = (at + rng.below(8)).min(bytes.len());
        match rng.below(5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..end, rng.choose(&PIECES).iter().copied())),
            3 => drop(bytes.splice(at..at, rng.choose(&PIECES).iter().copied())),
            _ => drop(bytes.splice(at..end.min(at + 1), rng.bytes(1))),
        }
    }
    bytes
}

#[test]
fn mutated_pairs_are_read_the_same_at_leisure() {
    let mut rng = Rng::new(seed());
    let (mut whole, mut faulty) = (0, 0);
    let pairs = pairs();
    for _ in 0..if cfg!(miri) { 1 } else { 60 } {
        for (header, data) in &pairs {
            let mut limits = Limits::DEFAULT;
            if rng.below(3) == 0 {
                let mut few = || u8::try_from(rng.below(5)).unwrap();
                limits = limits.with_max_depth(few()).with_max_axes(few()).with_max_dtype(u32::from(few()) * 3);
            }
            let (header, data) = match rng.below(3) {
                0 => (mutated(&mut rng, header), data.clone()),
                1 => (header.clone(), mutated(&mut rng, data)),
                _ => (mutated(&mut rng, header), mutated(&mut rng, data)),
            };
            match assert_same(&header, &data, &limits) {
                Some(true) => whole += 1,
                Some(false) => faulty += 1,
                None => {}
            }
        }
    }
    assert!(cfg!(miri) || (whole > 1000 && faulty > 1000), "{whole} whole, {faulty} faulty");
}

/// Iterators hand their values over in two ways.
#[test]
fn entries_are_the_same_one_by_one_and_all_at_once() {
    let mut seen = 0;
    for (header, data) in pairs() {
        let Ok(Item::Source(source)) = Item::decode_with(0, &header, &data, &Limits::DEFAULT) else { continue };
        let mut loops = Vec::new();
        let (metadata, properties) = (source.metadata().entries(), source.properties());
        for entry in metadata {
            loops.push(entry);
        }
        for entry in properties {
            loops.push(entry);
        }
        let mut folds = Vec::new();
        source.metadata().entries().for_each(|entry| folds.push(entry));
        source.properties().for_each(|entry| folds.push(entry));
        assert_eq!(loops, folds);
        seen += loops.len();
    }
    assert!(cfg!(miri) || seen > 100, "{seen}");
}

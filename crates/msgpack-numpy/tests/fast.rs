//! What is read in haste is read the same at leisure: maps of texts, entries by name, iterators all at once, shapes.

#![allow(
    clippy::unwrap_used,
    clippy::unreachable,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use msgpack_numpy_codec::{Limits, MapRef, Reader, ShapeRef, Token, ValueRef};
use testkit::rng::{Rng, seed};
use testkit::vectors::hex;

/// The golden vectors, and maps and lists of them.
fn seeds() -> Vec<Vec<u8>> {
    let file = include_str!("vectors/msgpack_numpy.jsonl");
    let sample = file.lines().enumerate().filter(|(index, _)| !cfg!(miri) || index % 12 == 0).map(|(_, line)| line);
    let golden: Vec<Vec<u8>> = sample
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| hex(line["msgpack_hex"].as_str().unwrap_or("c0")))
        .filter(|bytes| bytes.len() < 300)
        .collect();
    let maps = golden
        .iter()
        .map(|value| [b"\x83\xa1a", &value[..], b"\xc4\x02bc\x92\x01\xa2xy\xa4name\xcb\0\0\0\0\0\0\0\0"].concat());
    let shapes = [
        &b"\x90"[..],
        b"\x92\x02\x7f",
        b"\x91\xcd\x01\0",
        b"\x93\xcc\xff\xce\0\0\0\0\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xdc\0\x01\x05",
        b"\xdd\0\0\0\x02\x01\xd0\x05",
        b"\x91\xd3\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x91\xff",
        b"\x91\xc0",
    ];
    golden.iter().cloned().chain(maps).chain(shapes.iter().cycle().take(90).map(|shape| shape.to_vec())).collect()
}

/// A value as something that NaN is equal to itself in.
fn told<'a>(value: &ValueRef<'a>) -> (String, Option<&'a [u8]>) {
    let list = value.as_list().map(|list| list.as_encoded());
    (format!("{value:?}"), list.or_else(|| value.as_map().map(|map| map.as_encoded())).or_else(|| value.as_bytes()))
}

/// Entries by two other ways.
fn assert_entries(map: MapRef<'_>) {
    let slow = map.iter().filter_map(|(key, value)| Some((key.as_bytes()?, told(&value)))).collect::<Vec<_>>();
    let mut named = Vec::new();
    for (key, value) in map.named() {
        named.push((key, told(&value)));
    }
    assert_eq!(named, slow);
    let mut folded = Vec::new();
    map.named().for_each(|(key, value)| folded.push((key, told(&value))));
    assert_eq!(folded, slow);
    // Every other value is passed.
    let (mut entries, mut at) = (map.named(), 0);
    while let Some(key) = entries.key() {
        assert_eq!(key, slow[at].0);
        if at % 2 == 0 {
            entries.pass();
        } else {
            assert_eq!(entries.value_into(None, |_, value| Some(told(&value))).as_ref(), Some(&slow[at].1));
        }
        at += 1;
    }
    assert_eq!(at, slow.len());
}

/// What [`Reader::map_of_texts`] does, step by step.
fn map_of_texts<'a>(bytes: &'a [u8], limits: &Limits) -> Option<(MapRef<'a>, &'a [u8])> {
    let mut reader = Reader::new(bytes);
    let map = reader.map_with(limits).ok()?;
    let is_name = |key: &[u8]| core::str::from_utf8(key).is_ok() && key != b"nd" && key != b"complex";
    let plain = map.iter().all(|(key, _)| key.as_bytes().is_some_and(is_name));
    plain.then_some((map, reader.rest()))
}

/// Tells how many of the ways there were something to be read.
fn assert_same(bytes: &[u8], limits: &Limits) -> [usize; 3] {
    let context = || format!("{limits:?} {}", bytes.escape_ascii());
    let mut reader = Reader::new(bytes);
    let hasty = reader.map_of_texts(limits);
    let slow = map_of_texts(bytes, limits);
    assert_eq!(hasty.map(|map| (map, reader.rest())), slow, "{}", context());
    assert!(hasty.is_some() || reader.position() == 0, "{}", context());

    let map = Reader::new(bytes).map_with(limits).ok();
    map.into_iter().for_each(assert_entries);

    let hasty = ShapeRef::decode_with(bytes, limits);
    if let Ok(ValueRef::List(list)) = ValueRef::decode_with(bytes, limits) {
        assert_eq!(hasty.is_ok(), ShapeRef::of_list(list).is_ok(), "{}", context());
        let (mut one_by_one, mut at_once) = (Vec::new(), Vec::new());
        for item in list.iter() {
            one_by_one.push(told(&item));
        }
        list.iter().for_each(|item| at_once.push(told(&item)));
        assert_eq!(one_by_one, at_once, "{}", context());
    }
    if let Ok(shape) = hasty {
        let mut reader = Reader::new(bytes);
        assert_eq!(reader.token(), Ok(Token::List(u32::try_from(shape.len()).unwrap())));
        let axes: Vec<u64> = (0..shape.len())
            .map(|_| match reader.token().unwrap() {
                Token::Int(len) => u64::try_from(len).unwrap(),
                Token::UInt(len) => len,
                other => unreachable!("{other:?}"),
            })
            .collect();
        assert_eq!(shape.iter().collect::<Vec<_>>(), axes);
        let product = axes.iter().try_fold(1_u128, |items, axis| items.checked_mul(u128::from(*axis)));
        let product = if axes.contains(&0) { Some(0) } else { product.and_then(|items| u64::try_from(items).ok()) };
        assert_eq!(shape.product(), product);
    }
    [slow.is_some().into(), map.is_some().into(), hasty.is_ok().into()]
}

const PIECES: [&[u8]; 12] = [
    b"\xa2nd",
    b"\xa7complex",
    b"\xc4\x01a",
    b"\xa2\xff\xfe",
    b"\x91\x91",
    b"\xd9\x02ab",
    b"\x80",
    b"\xc1",
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xa9\xc3\xa4123456\xc3",
    b"\xac\xc3\xa4123456789\xc3",
    b"\x93\x01\x02\x03",
];

#[test]
fn what_is_read_in_haste_is_read_the_same_at_leisure() {
    let (seeds, mut rng, mut read) = (seeds(), Rng::new(seed()), [0; 3]);
    for round in 0..if cfg!(miri) { 1 } else { 150 } {
        for whole in &seeds {
            let mut bytes = whole.clone();
            for _ in 0..if round == 0 { 0 } else { 1 + rng.below(2) } {
                let at = rng.below(bytes.len() + 1);
                let end = (at + rng.below(6)).min(bytes.len());
                match rng.below(4) {
                    0 => bytes.truncate(at),
                    1 => drop(bytes.drain(at..end)),
                    2 => drop(bytes.splice(at..end, rng.choose(&PIECES).iter().copied())),
                    _ => drop(bytes.splice(at..end.min(at + 1), rng.bytes(1))),
                }
            }
            let mut few = || u8::try_from(rng.below(5)).unwrap();
            let limits = Limits::DEFAULT.with_max_depth(few()).with_max_axes(few());
            for limits in [Limits::DEFAULT, limits] {
                let ways = assert_same(&bytes, &limits);
                read.iter_mut().zip(ways).for_each(|(sum, way)| *sum += way);
            }
        }
    }
    assert!(cfg!(miri) || read.iter().all(|read| *read > 500), "{read:?}");
}

/// There is room for eight in one another at first.
#[test]
fn values_of_any_depth_are_passed_whole_or_refused() {
    for deep in (0..=12).chain(250..=257) {
        let bytes = [vec![0x91; deep], vec![0xc0]].concat();
        for max in [0, 1, 7, 8, 9, 12, 250, 254, 255] {
            let limits = Limits::DEFAULT.with_max_depth(max);
            let mut reader = Reader::new(&bytes);
            let read = reader.value_with(&limits);
            assert_eq!(read.is_ok(), deep <= usize::from(max), "{deep} of {max}");
            assert_eq!(reader.position(), if read.is_ok() { bytes.len() } else { 0 });
            if let Err(error) = read {
                assert_eq!(error.offset(), u64::from(max), "where there is one too many");
            }
        }
    }
}

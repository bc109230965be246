//! Feature `serde`: what is refused, and why; what it costs; and that it is what the crate's own reader refuses.

#![cfg(feature = "serde")]
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

testkit::counting_allocator!();

mod common;
#[path = "common/serde.rs"]
mod shared;

use std::collections::BTreeMap;

use common::{Pack, array_of, golden};
use msgpack_numpy_codec::{Array, ArrayRef, DType, Field, Limits, Reader, Scalar, ShapeRef, ValueRef};
use rmp_serde::{from_slice, to_vec, to_vec_named};
use serde::{Deserialize, Serialize};
use shared::*;
use testkit::laws::{hostile_lengths, mutations, totality};
use testkit::vectors::to_hex;
use testkit::{Rng, measure, on_small_stack};

#[test]
fn what_is_no_array_is_refused_and_the_message_says_why() {
    let with = |at: usize, value: &[u8]| {
        let mut entries = entries();
        entries[at].1 = value.to_vec();
        map_of(&entries)
    };
    refused(&with(0, b"\xc2"), "invalid value: boolean `false`, expected nd true, as an array has it");
    refused(&with(0, b"\xc0"), "invalid type: unit value, expected nd true, as an array has it");
    refused(&with(0, b"\x01"), "invalid type: integer `1`, expected nd true, as an array has it");
    refused(&with(2, b"\xc4\x01O"), "kind: an array of objects, which is a pickle");
    refused(&with(2, b"\xa1O"), "kind: an array of objects, which is a pickle");
    refused(&with(2, b"\xc0"), "kind: value of another type");
    refused(&with(3, b"\x02"), "invalid type: integer `2`, expected shape, a list of integers that are not negative");
    refused(
        &with(3, b"\xc4\x01\x02"),
        "invalid type: byte array, expected shape, a list of integers that are not negative",
    );
    refused(&with(3, b"\x91\xff"), "invalid value: integer `-1`, expected u64");
    refused(&with(3, b"\x91\xca\x40\x00\x00\x00"), "invalid type: floating point `2.0`, expected u64");
    refused(&with(3, b"\x91\xc3"), "invalid type: boolean `true`, expected u64");
    refused(&with(3, b"\x92\x02\x02"), "2 bytes of data, where shape and type make 4");
    refused(&with(3, b"\x91\x00"), "2 bytes of data, where shape and type make 0");
    refused(
        &with(3, b"\x92\xcf\x80\x00\x00\x00\x00\x00\x00\x00\xcf\x80\x00\x00\x00\x00\x00\x00\x00"),
        "more items than 64 bits count",
    );
    refused(&with(3, &[&[0xdc, 0, 65][..], &[1; 65]].concat()), "more than 64 axes");
    assert_eq!(both_alike(&with(3, &[&[0xdc, 0, 64, 2][..], &[1; 63]].concat())), "array");
    refused(&with(1, b"\xa3|S0"), "items without bytes");
    refused(&with(1, b"\x90"), "items without bytes");
    refused(&with(4, b"\xc0"), "invalid type: unit value, expected data, bytes");
    refused(&with(4, b"\x92\x80\xff"), "invalid type: sequence, expected data, bytes");
    for (at, name) in ["nd", "type", "", "shape", "data"].into_iter().enumerate() {
        let mut fewer = entries().to_vec();
        if name.is_empty() {
            continue;
        }
        fewer.remove(at);
        refused(&map_of(&fewer), &format!("missing field `{name}`"));
    }
    for (at, name) in ["nd", "type", "kind", "shape", "data"].into_iter().enumerate() {
        // As a text the second time.
        let mut more = entries().to_vec();
        more.push((Pack::default().str(name).0, more[at].1.clone()));
        refused(&map_of(&more), &format!("duplicate field `{name}`"));
    }
    let complex = (Pack::default().bin(b"complex").0, vec![0xc3]);
    let mut more = entries().to_vec();
    more.push(complex.clone());
    assert_eq!(both_alike(&map_of(&more)), "array");
    more.push(complex);
    refused(&map_of(&more), "duplicate field `complex`");
    refused(b"\x93\x01\x02\x03", "invalid type: sequence, expected a numpy array");
    refused(b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", "invalid type: floating point `1.0`, expected a numpy array");
    assert_eq!(
        from_slice::<Scalar>(b"\x07").unwrap_err().to_string(),
        "invalid type: integer `7`, expected a numpy scalar"
    );
    let array = map_of(&entries());
    assert_eq!(
        from_slice::<Scalar>(&array).unwrap_err().to_string(),
        "invalid value: boolean `true`, expected nd false, as a scalar has it"
    );
    // There is nothing to borrow from.
    let refusal = <Array<&[u8]>>::deserialize(&mut serde_json::Deserializer::from_reader(
        &br#"{"nd": true, "type": "|u1", "shape": [2], "data": "ab"}"#[..],
    ));
    let message = refusal.unwrap_err().to_string();
    assert!(message.starts_with("invalid type: byte array, expected data, bytes that can be borrowed"), "{message}");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let field = |name: &str, offset| Field {
        name: name.into(),
        title: None,
        offset,
        dtype: DType::parse("<i4").unwrap(),
        shape: Vec::new(),
    };
    let overlapping = DType::structured(vec![field("a", 0), field("b", 2)], 8).unwrap();
    let array = Array::new(overlapping, vec![1], [0; 8]).unwrap();
    assert_eq!(to_vec(&array).unwrap_err().to_string(), "fields that overlap or are out of order cannot be described");
}

/// Zeros that nothing ever touches.
#[test]
#[cfg(all(target_pointer_width = "64", not(miri)))]
fn four_gibibytes_are_refused() {
    let zeros = vec![0_u8; 1 << 32];
    let array = Array::from_slice(&[1 << 32], &zeros).unwrap();
    assert_eq!(to_vec(&array).unwrap_err().to_string(), "4294967296 bytes exceed the 4294967295 of MessagePack");
}

#[test]
fn depth_counts_from_the_array_and_is_that_of_the_crate() {
    let lists = |levels: usize| [vec![0x91; levels], vec![0x90]].concat();
    let maps = |levels: usize| [b"\x81\xc0".repeat(levels), vec![0x80]].concat();
    let exts = |levels: usize| [vec![0x91; levels], b"\xd4\x01\x02".to_vec()].concat();
    // The map of the array is the first.
    for (nested, made) in [
        (lists(62), "array"),
        (lists(63), "neither"),
        (maps(62), "array"),
        (maps(63), "neither"),
        (exts(63), "array"),
        (exts(64), "neither"),
    ] {
        assert_eq!(both_alike(&array_of(&nested, b"", &[1], b"\xc4\x01x")), made);
        for entry in [(Pack::default().bin(b"x").0, nested.clone()), (nested.clone(), vec![0xc0])] {
            let mut entries = entries().to_vec();
            entries.push(entry);
            assert_eq!(both_alike(&map_of(&entries)), made);
        }
        // One deeper in the place of data.
        let mut inner = entries().to_vec();
        inner.push((vec![0xc0], nested.clone()));
        let masked = array_of(b"\xa3|u1", b"", &[2], &map_of(&inner));
        assert_eq!(both_alike(&masked), "neither");
        assert_eq!(
            both_alike(&{
                inner[5].1.remove(0);
                if nested[0] == 0x81 {
                    inner[5].1.remove(0);
                }
                array_of(b"\xa3|u1", b"", &[2], &map_of(&inner))
            }),
            made
        );
    }
    // Read under another limit, and too deep to be written for others.
    let bytes = array_of(&lists(100), b"", &[1], b"\xc4\x01x");
    let deep = ArrayRef::decode_with(&bytes, &Limits::DEFAULT.with_max_depth(200)).unwrap();
    assert_eq!(to_vec(&deep).unwrap_err().to_string(), "a dtype nested too deep");
    let bytes = array_of(&lists(62), b"", &[1], b"\xc4\x01x");
    on_small_stack(STACK, || {
        let array: Array = from_slice(&bytes).unwrap();
        assert_eq!(to_vec(&array).unwrap().len(), array.encode_to_vec().unwrap().len());
    });
}

#[test]
fn a_mebibyte_of_openers_ends_on_a_small_stack() {
    for opener in
        [&b"\x91"[..], b"\x81\xc0", b"\x81", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc7\x00\x00"]
    {
        let openers = opener.repeat((1 << 20) / opener.len());
        let head = || Pack::map(5).bin(b"nd").raw(&[0xc3]);
        for bytes in [
            head().bin(b"type").raw(&openers).0,
            head().bin(b"kind").raw(&openers).0,
            head().bin(b"shape").raw(&openers).0,
            head().bin(b"data").raw(&openers).0,
            head().bin(b"x").raw(&openers).0,
            head().raw(&openers).0,
        ] {
            on_small_stack(STACK, || {
                assert!(from_slice::<Array<&[u8]>>(&bytes).is_err());
                assert!(from_slice::<Array>(&bytes).is_err());
                assert!(from_slice::<Scalar>(&bytes).is_err());
            });
        }
    }
    // `data` in `data` in `data`.
    let nested = Pack::map(1).bin(b"data").0.repeat(1 << 16);
    on_small_stack(STACK, || assert!(from_slice::<Array>(&nested).is_err()));
}

#[test]
fn lengths_that_are_only_announced_cost_nothing() {
    let mut seen = 0;
    for (head, width) in [(0xc4, 8), (0xc5, 16), (0xc6, 32), (0xd9, 8), (0xdb, 32), (0xdc, 16), (0xdd, 32), (0xde, 16)]
        .into_iter()
        .chain([(0xdf, 32), (0xc7, 8), (0xc9, 32)])
    {
        for len in hostile_lengths(width, 4) {
            let len = &len.to_be_bytes()[8 - width as usize / 8..];
            for key in [&b"type"[..], b"kind", b"shape", b"data", b"x", b"nd"] {
                let head = [&[head], len, b"\x01\x01\x01\x01"].concat();
                let bytes = Pack::map(5).bin(b"nd").raw(&[0xc3]).bin(key).raw(&head).0;
                totality(&bytes, 4096, |bytes| from_slice::<Array>(bytes).is_err());
                totality(&bytes, 4096, |bytes| from_slice::<Array<&[u8]>>(bytes).is_err());
                totality(&bytes, 4096, |bytes| from_slice::<Scalar>(bytes).is_err());
                seen += 1;
                if cfg!(miri) {
                    break;
                }
            }
        }
    }
    assert!(seen > 100);
    // Axes that are there, but more than an array has.
    let shape = [&[0xdd, 0x00, 0x10, 0x00, 0x00][..], &vec![1; 1 << 20]].concat();
    let bytes = Pack::map(1).bin(b"shape").raw(&shape).0;
    totality(&bytes, 4096, |bytes| {
        assert_eq!(from_slice::<Array>(bytes).unwrap_err().to_string(), "more than 64 axes")
    });
}

#[test]
fn payloads_are_borrowed_or_copied_once() {
    const LEN: usize = if cfg!(miri) { 1 << 12 } else { 1 << 20 };
    let items = vec![7_u8; LEN];
    let message = framed(&Array::from_slice(&[LEN as u64], &items).unwrap().encode_to_vec().unwrap());
    let (frame, stats) = measure(|| from_slice::<Frame<Array<&[u8]>>>(&message).unwrap());
    let place = frame.value.data().as_ptr() as usize - message.as_ptr() as usize;
    assert_eq!((place, frame.value.data().len()), (message.len() - LEN - b"\xa5after\xa3end".len(), LEN));
    assert!(stats.bytes < 512, "{stats:?}");
    let (copied, stats) = measure(|| from_slice::<Frame<Array>>(&message).unwrap());
    assert_eq!(copied.value, frame.value);
    assert!((LEN as u64..LEN as u64 + 512).contains(&stats.bytes), "{stats:?}");

    let mut out = Vec::with_capacity(2 * LEN);
    let ((), stats) = measure(|| rmp_serde::encode::write_named(&mut out, &frame).unwrap());
    assert!(out == message);
    assert!(stats.bytes < 512, "{stats:?}");
}

#[test]
fn options_lists_maps_and_enums_hold_arrays() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(f64),
        Scalar(Scalar),
        Array(Array),
        List(Vec<Self>),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Train<'a> {
        #[serde(borrow)]
        first: Option<Array<&'a [u8]>>,
        none: Option<Array>,
        #[serde(borrow)]
        by_name: BTreeMap<String, Array<&'a [u8]>>,
        any: Any,
        #[serde(flatten)]
        rest: BTreeMap<String, Any>,
    }

    let array = || Array::from_slice(&[3], &[1_u16, 2, 3]).unwrap();
    // An extension in the dtype goes through the buffer of an untagged enum, too.
    let opaque = from_slice::<Array>(&array_of(b"\x92\xd4\x07\x01\xc0", b"?", &[9], b"\xc4\x01x")).unwrap();
    let train = Train {
        first: Some(array()),
        none: None,
        by_name: [("a".into(), array()), ("b".into(), array())].into(),
        any: Any::List(vec![
            Any::Number(1.5),
            Any::Scalar(Scalar::of(7_i8)),
            Any::Array(opaque),
            Any::Array(array().into_owned()),
        ]),
        rest: [("x".into(), Any::Array(array().into_owned()))].into(),
    };
    let bytes = to_vec_named(&train).unwrap();
    assert_eq!(from_slice::<Train<'_>>(&bytes).unwrap(), train);
    // The crate's own reader finds them, too.
    let ValueRef::Map(map) = ValueRef::decode(&bytes).unwrap() else { panic!() };
    let Some(ValueRef::List(any)) = map.get("any") else { panic!() };
    assert!(matches!(
        any.iter().collect::<Vec<_>>()[..],
        [ValueRef::F64(1.5), ValueRef::Scalar(_), ValueRef::Array(_), ValueRef::Array(_)]
    ));
    assert_eq!(map.get("x"), Some(ValueRef::Array(array().as_ref())));
}

#[test]
fn other_formats_get_errors_and_no_panics() {
    let array = Array::from_slice(&[2], &[1_u8, 2]).unwrap();
    // Keys of bytes are nothing that JSON has.
    assert_eq!(serde_json::to_string(&array).unwrap_err().to_string(), "key must be a string");
    assert_eq!(serde_json::to_string(&Scalar::of(1_u8)).unwrap_err().to_string(), "key must be a string");
    let json = r#"{"data": "ab", "nd": true, "x": [{"y": null}, 1.5, -1], "type": "|u1", "shape": [2]}"#;
    assert_eq!(serde_json::from_str::<Array<&[u8]>>(json).unwrap().data(), b"ab");
    assert_eq!(serde_json::from_str::<Array>(&json.replace("ab", r"\u0000\n")).unwrap().data(), b"\0\n");
    assert!(serde_json::from_str::<Array<&[u8]>>(&json.replace("ab", r"\u0000\n")).is_err());
    // What gives no number of items in advance.
    let json = json.replace(r#""|u1""#, r#"[["a", "|u1"], ["b", [["c", "|i1"]], []]]"#).replace("[2]}", "[1]}");
    let read: Array = serde_json::from_str(&json).unwrap();
    assert_eq!(read.dtype().to_string(), "[('a', '|u1'), ('b', [('c', '|i1')])]");
    for json in ["null", "[]", "{}", r#"{"nd": 1}"#, r#"{"nd": true, "shape": [1e3]}"#, r#"{"nd": true, "data": [1]}"#]
    {
        assert!(serde_json::from_str::<Array>(json).is_err(), "{json}");
        assert!(serde_json::from_str::<Scalar>(json).is_err(), "{json}");
    }
}

/// Every prefix, every byte changed, left out and doubled, of each vector that is short; one in thirty of them.
#[test]
#[cfg_attr(miri, ignore = "too many")]
fn mutated_vectors_are_read_or_refused_as_by_the_crate() {
    let seed = testkit::rng::seed();
    println!("seed {seed:#x}");
    let mut rng = Rng::new(seed);
    let mut made = BTreeMap::new();
    for (_, bytes) in ["valid", "legacy", "malformed"].into_iter().flat_map(golden) {
        if bytes.len() < 100 {
            for mutation in mutations(&bytes).filter(|_| rng.below(30) == 0) {
                *made.entry(both_alike(&mutation)).or_insert(0_usize) += 1;
            }
        }
    }
    println!("{made:?}");
    assert!(made["array"] > 5000 && made["scalar"] > 500 && made["neither"] > 5000, "{made:?}");
}

/// Whole values of one vector in the place of those of another, and several bytes changed at once.
#[test]
#[cfg_attr(miri, ignore = "too many")]
fn spliced_vectors_are_read_or_refused_as_by_the_crate() {
    let seed = testkit::rng::seed();
    println!("seed {seed:#x}");
    let mut rng = Rng::new(seed);
    let vectors: Vec<Vec<u8>> =
        ["valid", "legacy", "malformed"].into_iter().flat_map(golden).map(|(_, bytes)| bytes).collect();
    let maps: Vec<_> = vectors.iter().filter_map(|bytes| parts(bytes)).collect();
    let mut values: Vec<Vec<u8>> =
        maps.iter().flatten().flat_map(|(key, value)| [key.clone(), value.clone()]).collect();
    values.extend(vectors.iter().filter(|bytes| bytes.len() < 100).cloned());
    let mut made = BTreeMap::new();
    for _ in 0..40_000 {
        let mut entries = rng.choose(&maps).clone();
        for _ in 0..=rng.below(2) {
            let at = rng.below(entries.len());
            match rng.below(6) {
                0 => entries[at].0 = rng.choose(&values).clone(),
                1 => entries[at].1 = rng.choose(&values).clone(),
                2 => {
                    let other = rng.choose(&maps).clone();
                    let (key, value) = rng.choose(&other).clone();
                    let key = if rng.below(2) == 0 { entries[at].0.clone() } else { key };
                    match entries.iter().position(|(old, _)| *old == key) {
                        Some(at) => entries[at].1 = value,
                        None => entries.push((key, value)),
                    }
                }
                3 => drop(entries.remove(at)),
                4 => entries.push((rng.choose(&values).clone(), rng.choose(&values).clone())),
                _ => {
                    let byte = rng.below(entries[at].1.len());
                    entries[at].1[byte] = rng.next_u64() as u8;
                }
            }
            if entries.is_empty() {
                break;
            }
        }
        entries.truncate(15);
        *made.entry(both_alike(&map_of(&entries))).or_insert(0_usize) += 1;
    }
    println!("{made:?}");
    assert!(made["array"] > 2000 && made["scalar"] > 200 && made["neither"] > 2000, "{made:?}");
}

/// The entries of a map of up to 15.
fn parts(bytes: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let len = bytes[0].checked_sub(0x80).filter(|len| (1..16).contains(len))?;
    let mut reader = Reader::new(bytes);
    reader.token().ok()?;
    let mut value = || {
        let start = reader.position();
        reader.skip().ok()?;
        Some(bytes[start..reader.position()].to_vec())
    };
    (0..len).map(|_| Some((value()?, value()?))).collect()
}

#[test]
fn views_that_were_made_are_written_as_those_that_were_read() {
    let dtype = DType::parse("[('a', '<i2'), ('b', '|S2')]").unwrap();
    let view = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[2, 1]), b"\x01\x00ab\x02\x00cd").unwrap();
    let bytes = to_vec(&view).unwrap();
    assert_eq!(ArrayRef::decode(&bytes).unwrap(), view);
    assert_eq!(
        to_hex(&bytes),
        "85c4026e64c3c404747970659292a161a33c693292a162a37c5332c4046b696e64c40156c4057368617065920201c40464617461c408010061620200\
         6364"
    );
}

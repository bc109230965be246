//! Feature `serde`: arrays and scalars inside what rmp-serde reads and writes, against the vectors and against the crate's own reader.

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

mod common;
#[path = "common/serde.rs"]
mod shared;

use std::collections::BTreeMap;

use common::{Pack, array, array_of, golden};
use msgpack_numpy_codec::{Array, ArrayRef, DType, DTypeRef, Scalar};
use rmp_serde::{from_read, from_slice, to_vec, to_vec_named};
use serde_json::Value as Json;
use shared::*;
use testkit::vectors::{hex, to_hex};

#[test]
fn every_golden_array_and_scalar_stands_in_a_struct() {
    let (mut arrays, mut scalars, mut others) = (0, 0, 0);
    for (vector, bytes) in golden("valid").into_iter().chain(golden("legacy")) {
        let name = vector["name"].as_str().unwrap();
        let message = framed(&bytes);
        // What Python writes today comes out as it went in; a masked array becomes a plain one.
        let canonical = vector["class"] == "valid" && name != "masked";
        match both_alike(&bytes) {
            "array" => {
                arrays += 1;
                let own = ArrayRef::decode(&bytes).unwrap();
                let borrowed: Frame<Array<&[u8]>> = from_slice(&message).unwrap();
                assert_eq!((borrowed.before, borrowed.after.as_str()), (7, "end"), "{name}");
                assert_eq!(borrowed.value, own.to_array(), "{name}");
                assert_eq!(to_hex(borrowed.value.data()), vector["data_hex"].as_str().unwrap(), "{name}");
                let copied: Frame<Array> = from_read(&message[..]).unwrap();
                assert_eq!(copied.value, own.to_array(), "{name}");
                let written = if canonical { message.clone() } else { framed(&own.encode_to_vec().unwrap()) };
                for bytes in [to_vec_named(&borrowed), to_vec_named(&copied), to_vec_named(&frame(own))] {
                    assert_eq!(to_hex(&bytes.unwrap()), to_hex(&written), "{name}");
                }
            }
            "scalar" => {
                scalars += 1;
                let own = scalar(&bytes).unwrap();
                let copied: Frame<Scalar> = from_slice(&message).unwrap();
                assert_eq!(copied, frame(own.into_owned()), "{name}");
                assert_eq!(to_hex(copied.value.data()), vector["data_hex"].as_str().unwrap(), "{name}");
                let written = if canonical { message.clone() } else { framed(&own.encode_to_vec().unwrap()) };
                for bytes in [to_vec_named(&copied), to_vec_named(&frame(own))] {
                    assert_eq!(to_hex(&bytes.unwrap()), to_hex(&written), "{name}");
                }
            }
            _ => {
                others += 1;
                assert!(NEITHER.contains(&name) || vector["dtype"] == "complex", "{name}");
                assert!(from_slice::<Frame<Array>>(&message).is_err());
                assert!(from_slice::<Frame<Scalar>>(&message).is_err());
            }
        }
    }
    // All have a shape that are arrays, and `NEITHER` has two of these.
    let vectors = testkit::vectors::jsonl("tests/vectors/msgpack_numpy.jsonl");
    let of = |is: fn(&&Json) -> bool| vectors.iter().filter(|vector| vector["class"] != "malformed").filter(is).count();
    let complex = of(|vector| vector["dtype"] == "complex");
    let shaped = of(|vector| !vector["shape"].is_null());
    if !cfg!(miri) {
        assert_eq!((arrays, others), (shaped - 2, complex + NEITHER.len()));
        assert_eq!(arrays + scalars + others, 127);
    }
}

/// A pickle, items without bytes, what Python writes without a tag, the tag of 2013, and a map that holds arrays.
const NEITHER: [&str; 7] =
    ["object", "struct_nofields", "scalar_f8", "scalar_str", "scalar_bytes", "legacy_0.03_np_f4", "nested_container"];

#[test]
fn malformed_vectors_are_refused_as_the_crate_refuses_them() {
    // Without exceptions.
    let mut made = BTreeMap::new();
    for (_, bytes) in golden("malformed") {
        *made.entry(both_alike(&bytes)).or_insert(0) += 1;
    }
    if !cfg!(miri) {
        let expected = testkit::vectors::jsonl("tests/vectors/expected.jsonl");
        let arrays = expected.iter().filter(|line| line["value"] == "array").count();
        let scalars = expected.iter().filter(|line| line["value"] == "scalar").count();
        assert_eq!(made.get("array").copied(), Some(arrays));
        assert_eq!(made.get("scalar").copied().unwrap_or_default(), scalars);
        assert_eq!(made.values().sum::<usize>(), 66);
    }
}

#[test]
fn compact_and_named_are_what_encode_writes() {
    let plain =
        "|b1 |i1 |u1 <i2 >i2 <u4 >u8 <f2 >f4 <f8 <f16 <c8 >c16 |S3 |S0 <U2 >U2 |V4 <M8[ns] >m8[25us] <M8 <m8[7D]";
    let structured = [
        "[('a', '<i4'), ('b', '<f8')]",
        "[('a', '|i1'), ('', '|V7'), ('b', '<f8', (2, 3))]",
        "[(('a title', 'a'), '>u2'), ('in', [('x', '<U3'), ('y', '|S2')], (2,))]",
        "{'names': ['a', 'b'], 'formats': ['<i2', '<i4'], 'offsets': [0, 4], 'itemsize': 12}",
    ];
    let shapes: [&[u64]; 7] = [&[], &[0], &[3], &[1, 2], &[300, 0], &[70_000, 0, 1], &[0, 1 << 32, 200, 128]];
    let mut count = 0;
    for text in plain.split(' ').chain(structured) {
        let dtype = DType::parse(text).expect(text);
        for shape in shapes {
            let items: u64 = if shape.contains(&0) { 0 } else { shape.iter().product() };
            let len = usize::try_from(items * dtype.itemsize().unwrap()).unwrap();
            let data: Vec<u8> = (0..len).map(|at| at as u8).collect();
            // `|S0` is the one that is none.
            let Ok(array) = Array::new(dtype.clone(), shape.to_vec(), &data[..]) else { continue };
            let own = array.encode_to_vec().unwrap();
            for bytes in [to_vec(&array), to_vec_named(&array), to_vec(&array.as_ref()), to_vec(&Some(&array))] {
                assert_eq!(to_hex(&bytes.unwrap()), to_hex(&own), "{text} {shape:?}");
            }
            assert_eq!(from_slice::<Array<&[u8]>>(&own).unwrap(), array, "{text} {shape:?}");
            count += 1;
        }
        let data = vec![1; usize::try_from(dtype.itemsize().unwrap()).unwrap()];
        let Ok(scalar) = Scalar::new(dtype, data.into()) else { continue };
        let own = scalar.encode_to_vec().unwrap();
        for bytes in [to_vec(&scalar), to_vec_named(&scalar), to_vec(&scalar.as_ref())] {
            assert_eq!(to_hex(&bytes.unwrap()), to_hex(&own), "{text}");
        }
    }
    assert_eq!(count, (22 - 1 + 4) * 7);
    // A compact frame is a list, and the array in it is a map all the same.
    let array = Array::from_slice(&[2], &[1_u8, 2]).unwrap();
    let compact = to_vec(&frame(array)).unwrap();
    let own = Pack(vec![0x93, 7])
        .raw(&hex("85c4026e64c3c40474797065a37c7531c4046b696e64c400c405736861706591 02c40464617461c4020102"));
    assert_eq!(to_hex(&compact), to_hex(&own.str("end").0));
    assert_eq!(from_slice::<Frame<Array<&[u8]>>>(&compact).unwrap().value.data(), [1, 2]);
}

#[test]
fn a_dtype_that_is_not_understood_survives() {
    let deep = [vec![0x91; 60], vec![0xc0]].concat();
    let long = [&[0xda, 0x01, 0x00][..], &[b'x'; 256]].concat();
    let few = [&[0x9f][..], &[0x7f; 15]].concat();
    let many = [&[0xdc, 0x00, 0x10][..], &[0x7f; 16]].concat();
    let more = [&[0xdc, 0xff, 0xff][..], &[0x7f; 0xffff]].concat();
    let most = [&[0xdd, 0x00, 0x01, 0x00, 0x00][..], &[0x7f; 0x1_0000]].concat();
    let entries = [&[0x8f][..], &[0xc2, 0xc3].repeat(15)].concat();
    let more_entries = [&[0xde, 0x00, 0x10][..], &[0xc2, 0xc3].repeat(16)].concat();
    let types: [(&str, &[u8]); 25] = [
        ("nil", b"\xc0"),
        ("true", b"\xc3"),
        ("small", b"\x05"),
        ("negative", b"\xd1\xff\x00"),
        ("large", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("f32", b"\xca\x3f\x80\x00\x00"),
        ("f64", b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01"),
        ("unknown text", b"\xa2??"),
        ("objects", b"\xa2|O"),
        ("unknown bytes", b"\xc4\x01!"),
        ("long text", &long),
        ("no list of fields", b"\x91\x91\xa1a"),
        ("objects in fields", b"\x92\x92\xa1a\xa3<i4\x92\xa1b\xa2|O"),
        ("fifteen", &few),
        ("sixteen", &many),
        ("65535", &more),
        ("65536", &most),
        ("map", b"\x81\xa5names\x91\xa1a"),
        ("map in a list in a map", b"\x82\x81\x01\x02\x92\x80\x90\xc4\x00\xa0"),
        ("fifteen entries", &entries),
        ("sixteen entries", &more_entries),
        ("ext 1", b"\xd4\xff\x01"),
        ("ext 3", b"\xc7\x03\x05abc"),
        ("ext in a list", b"\x92\xd6\x01abcd\xa1x"),
        ("deep", &deep),
    ];
    for (name, encoded) in types {
        for kind in [&b""[..], b"V", b"?"] {
            let bytes = array_of(encoded, kind, &[2], b"\xc4\x03abc");
            assert_eq!(both_alike(&bytes), "array", "{name}");
            let array: Array = from_slice(&bytes).unwrap();
            let DTypeRef::Opaque(opaque) = array.as_ref().dtype() else { panic!("{name}") };
            // All of these are in the shortest forms, so that not a byte differs.
            assert_eq!((to_hex(opaque.as_encoded()), opaque.kind()), (to_hex(encoded), kind), "{name}");
            assert_eq!(to_hex(&to_vec(&array).unwrap()), to_hex(&array.encode_to_vec().unwrap()), "{name}");
            assert_eq!(from_slice::<Array>(&to_vec(&array).unwrap()).unwrap(), array, "{name}");
        }
        let bytes = Pack::map(3).str("nd").raw(&[0xc2]).str("data").bin(b"abc").str("type").raw(encoded).0;
        assert_eq!(both_alike(&bytes), "scalar", "{name}");
        let scalar: Scalar = from_slice(&bytes).unwrap();
        assert_eq!(to_hex(&to_vec(&scalar).unwrap()), to_hex(&scalar.encode_to_vec().unwrap()), "{name}");
    }
    // Longer forms become shorter, and a text that is none becomes bytes.
    for (encoded, through) in [
        (&b"\xd9\x02??"[..], &b"\xa2??"[..]),
        (b"\xd2\x00\x00\x00\x05", b"\x05"),
        (b"\xdd\x00\x00\x00\x01\xc0", b"\x91\xc0"),
        (b"\xa1\xff", b"\xc4\x01\xff"),
    ] {
        let bytes = array_of(encoded, b"", &[2], b"\xc4\x03abc");
        assert_eq!(both_alike(&bytes), "array");
        let array: Array = from_slice(&bytes).unwrap();
        let DTypeRef::Opaque(opaque) = array.as_ref().dtype() else { panic!() };
        assert_eq!(to_hex(opaque.as_encoded()), to_hex(through));
        // Written by the crate's own reader and through serde.
        let own = ArrayRef::decode(&bytes).unwrap();
        assert_eq!(to_hex(&to_vec(&own).unwrap()), to_hex(&array.encode_to_vec().unwrap()));
    }
}

#[test]
fn keys_come_in_any_order_as_text_or_bytes_and_with_others_beside_them() {
    let entries = entries();
    let mut orders = 0;
    for order in 0..5_usize.pow(5) {
        let places: Vec<usize> = (0..5).map(|place| order / 5_usize.pow(place) % 5).collect();
        if (0..5).any(|at| !places.contains(&at)) {
            continue;
        }
        orders += 1;
        for texts in [0, 0b10110, 0b11111] {
            let entry = |at: &usize| {
                let (key, value) = entries[*at].clone();
                // `c4 len` of bytes, or the head of a text.
                let text = Pack::default().str(core::str::from_utf8(&key[2..]).unwrap()).0;
                (if texts >> at & 1 == 1 { text } else { key }, value)
            };
            let bytes = map_of(&places.iter().map(entry).collect::<Vec<_>>());
            assert_eq!(both_alike(&bytes), "array");
            assert_eq!(from_slice::<Array<&[u8]>>(&bytes).unwrap().data(), [0x80, 0xff]);
        }
    }
    assert_eq!(orders, 120);

    let others: [&[u8]; 16] = [
        b"\xc0",
        b"\xc2",
        b"\x07",
        b"\xe0",
        b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xca\x7f\xc0\x00\x00",
        b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
        b"\xa1x",
        b"\xa2\xff\xfe",
        b"\xc4\x00",
        b"\x90",
        b"\x92\x91\xa2nd\xc3",
        b"\x80",
        b"\x82\xc4\x02nd\xc3\x80\x81\xc0\xc0",
        b"\xd4\x01\x02",
        b"\xc7\x00\x05",
    ];
    for key in others {
        for value in others {
            for at in 0..=5 {
                let mut entries = entries.to_vec();
                entries.insert(at, (key.to_vec(), value.to_vec()));
                assert_eq!(both_alike(&map_of(&entries)), "array");
            }
        }
    }
}

#[test]
fn what_older_versions_wrote_is_read() {
    let with = |at: usize, value: &[u8]| {
        let mut entries = entries();
        entries[at].1 = value.to_vec();
        map_of(&entries)
    };
    let entries = entries();
    let no_kind: Vec<_> = [0, 1, 3, 4].map(|at| entries[at].clone()).to_vec();
    let cases = [
        map_of(&no_kind),
        with(1, b"\xc4\x03|u1"),
        with(2, b"\xa0"),
        // In the form of texts, and not UTF-8.
        with(4, b"\xa2\x80\xff"),
        with(4, b"\xd9\x02\x80\xff"),
        with(4, b"\xdb\x00\x00\x00\x02\x80\xff"),
    ];
    for bytes in cases {
        assert_eq!(both_alike(&bytes), "array", "{}", to_hex(&bytes));
        let array: Array<&[u8]> = from_slice(&bytes).unwrap();
        assert_eq!((array.dtype().to_string().as_str(), array.data()), ("|u1", &b"\x80\xff"[..]));
    }
    let ascii = with(4, b"\xa2ab");
    assert_eq!(from_slice::<Array<&[u8]>>(&ascii).unwrap().data(), b"ab");
    both_alike(&ascii);
}

#[test]
fn a_masked_array_is_its_bytes_once() {
    let inner = array("<i2", &[1, 2], b"\x01\x00\x02\x00");
    let outer = array_of(b"\xa3>i2", b"", &[2], &inner);
    assert_eq!(both_alike(&outer), "array");
    let read: Array<&[u8]> = from_slice(&outer).unwrap();
    assert_eq!(read.as_ref().to_vec::<i16>().unwrap(), [0x100, 0x200]);
    refused(&array_of(b"\xa3<i2", b"", &[2], &outer), "invalid type: map, expected data, bytes");
    refused(&array_of(b"\xa3<i2", b"", &[2], b"\x80"), "missing field `nd`");
    refused(
        &array_of(b"\xa3<i2", b"", &[2], &array("<i2", &[3], b"\x01\x00\x02\x00")),
        "4 bytes of data, where shape and type make 6",
    );
    refused(&array_of(b"\xa3<i2", b"", &[3], &inner), "4 bytes of data, where shape and type make 6");
    refused(
        &array_of(b"\xa3<i2", b"", &[2], &array_of(b"\xa3<i2", b"O", &[2], b"\xc4\x04abcd")),
        "kind: an array of objects, which is a pickle",
    );
    let scalar = Pack::map(3).bin(b"nd").raw(&[0xc2]).bin(b"type").str("<i2").bin(b"data").bin(b"ab").0;
    refused(
        &array_of(b"\xa3<i2", b"", &[1], &scalar),
        "invalid value: boolean `false`, expected nd true, as an array has it",
    );
    // A scalar has no mask.
    let masked = Pack::map(3).bin(b"nd").raw(&[0xc2]).bin(b"type").str("<i2").bin(b"data").raw(&inner).0;
    assert_eq!(both_alike(&masked), "neither");
}

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

testkit::counting_allocator!();

mod common;

use std::collections::BTreeMap;

use common::{Pack, array, array_of, golden};
use msgpack_numpy_codec::{
    Array, ArrayRef, DType, DTypeRef, Field, Limits, Plain, Reader, Scalar, ScalarRef, ShapeRef, ValueRef,
};
use rmp_serde::decode::Error;
use rmp_serde::{Deserializer, from_read, from_slice, to_vec, to_vec_named};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use testkit::laws::{hostile_lengths, mutations, totality};
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, SMALL_STACK, measure, on_small_stack};

/// Without optimisation rmp-serde has frames of some 3 KiB for each list or map.
const STACK: usize = if cfg!(debug_assertions) { 3 * SMALL_STACK } else { SMALL_STACK };

/// A value next to others.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Frame<T> {
    before: u8,
    value: T,
    after: String,
}

/// The same in MessagePack, made without serde.
fn framed(value: &[u8]) -> Vec<u8> {
    let head = Pack::map(3).str("before").raw(&[7]).str("value").raw(value);
    head.str("after").str("end").0
}

fn frame<T>(value: T) -> Frame<T> {
    Frame { before: 7, value, after: "end".into() }
}

/// Exactly one value: rmp-serde passes in silence what follows it.
fn whole<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, String> {
    let mut deserializer = Deserializer::from_read_ref(bytes);
    let value = T::deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    match IgnoredAny::deserialize(&mut deserializer) {
        Err(Error::InvalidMarkerRead(_)) => Ok(value),
        other => Err(format!("trailing bytes: {other:?}")),
    }
}

/// The same from a reader, which has nothing to borrow from.
fn whole_read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut deserializer = Deserializer::new(std::io::Cursor::new(bytes));
    let value = T::deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    if deserializer.position() == bytes.len() as u64 { Ok(value) } else { Err("trailing bytes".into()) }
}

fn scalar(bytes: &[u8]) -> Option<ScalarRef<'_>> {
    match ValueRef::decode(bytes) {
        Ok(ValueRef::Scalar(scalar)) => Some(scalar),
        _ => None,
    }
}

/// A dtype to compare by. One that is not understood comes through serde in the shortest forms, and its texts that are not UTF-8 as bytes.
fn dtype(dtype: DTypeRef<'_>) -> (DType, Vec<u8>) {
    let DTypeRef::Opaque(opaque) = dtype else { return (dtype.into_owned(), Vec::new()) };
    let mut out = Vec::new();
    let value = rmpv::decode::read_value(&mut opaque.as_encoded()).unwrap();
    rmpv::encode::write_value(&mut out, &without_bad_texts(value)).unwrap();
    (DType::Plain(Plain::parse("|V1").unwrap()), [opaque.kind(), b"/", &out].concat())
}

fn without_bad_texts(value: rmpv::Value) -> rmpv::Value {
    use rmpv::Value;
    match value {
        Value::String(text) if text.is_err() => Value::Binary(text.into_bytes()),
        Value::Array(items) => Value::Array(items.into_iter().map(without_bad_texts).collect()),
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (without_bad_texts(key), without_bad_texts(value)));
            Value::Map(entries.collect())
        }
        other => other,
    }
}

#[track_caller]
fn assert_same(serde: ArrayRef<'_>, own: ArrayRef<'_>, bytes: &[u8]) {
    assert_eq!(serde.shape(), own.shape(), "{}", to_hex(bytes));
    assert_eq!(serde.data(), own.data(), "{}", to_hex(bytes));
    assert_eq!(dtype(serde.dtype()), dtype(own.dtype()), "{}", to_hex(bytes));
}

#[track_caller]
fn of<T>(read: Result<T, String>, bytes: &[u8]) -> T {
    read.unwrap_or_else(|error| panic!("{error}: {}", to_hex(bytes)))
}

/// Through serde as through the crate, whatever is made of these bytes. Tells what was made.
#[track_caller]
fn both_alike(bytes: &[u8]) -> &'static str {
    let own = ArrayRef::decode(bytes);
    let borrowed = whole::<Array<&[u8]>>(bytes);
    let copied = whole::<Array>(bytes);
    let read = whole_read::<Array>(bytes);
    match own {
        Ok(own) => {
            for array in [copied, read] {
                let array = of(array, bytes);
                assert_same(array.as_ref(), own, bytes);
                assert_eq!(to_hex(&to_vec(&array).unwrap()), to_hex(&array.encode_to_vec().unwrap()));
            }
            let borrowed = of(borrowed, bytes);
            assert_same(borrowed.as_ref(), own, bytes);
            assert_eq!(borrowed.data().as_ptr(), own.data().as_ptr(), "{}", to_hex(bytes));
        }
        Err(error) => {
            assert!(borrowed.is_err() && copied.is_err() && read.is_err(), "{error}: {}", to_hex(bytes));
        }
    }
    let scalars = [whole::<Scalar>(bytes), whole_read::<Scalar>(bytes)];
    match scalar(bytes) {
        Some(own) => {
            for scalar in scalars {
                let scalar = of(scalar, bytes);
                assert_eq!(scalar.data(), own.data(), "{}", to_hex(bytes));
                assert_eq!(dtype(scalar.as_ref().dtype()), dtype(own.dtype()), "{}", to_hex(bytes));
            }
            "scalar"
        }
        None => {
            assert!(scalars.iter().all(Result::is_err), "{}", to_hex(bytes));
            if own.is_ok() { "array" } else { "neither" }
        }
    }
}

#[track_caller]
fn refused(bytes: &[u8], message: &str) {
    assert_eq!(both_alike(bytes), "neither");
    assert_eq!(from_slice::<Array>(bytes).unwrap_err().to_string(), message, "{}", to_hex(bytes));
}

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

/// The five entries of an array of two bytes, keys and values in MessagePack.
fn entries() -> [(Vec<u8>, Vec<u8>); 5] {
    let bin = |bytes: &[u8]| Pack::default().bin(bytes).0;
    [
        (bin(b"nd"), vec![0xc3]),
        (bin(b"type"), Pack::default().str("|u1").0),
        (bin(b"kind"), bin(b"")),
        (bin(b"shape"), vec![0x91, 2]),
        (bin(b"data"), bin(b"\x80\xff")),
    ]
}

fn map_of(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    entries.iter().fold(Pack::map(entries.len()), |map, (key, value)| map.raw(key).raw(value)).0
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

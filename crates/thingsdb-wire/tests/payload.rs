//! Data into types that derive serde's traits, and out of them.
#![cfg(feature = "serde")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::disallowed_types
)]

use std::collections::BTreeMap;

use rmpv::Value;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};
use testkit::vectors::{hex, to_hex};
use thingsdb_wire::msgpack::{Data, ValueRef, ValuesBuf};
use thingsdb_wire::{PackageRef, PayloadError};

fn data(bytes: &[u8]) -> Data<'_> {
    Data::of(PackageRef { id: 3, kind: 18, data: bytes })
}

/// Read as data and as a value: the same.
fn payload<T: DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Result<T, PayloadError> {
    let read = data(bytes).payload::<T>();
    if let Ok(value) = ValueRef::decode(bytes) {
        assert_eq!(value.payload::<T>().ok().as_ref(), read.as_ref().ok());
    }
    read
}

fn written(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Person<'a> {
    #[serde(rename = "#")]
    id: u64,
    #[serde(borrow)]
    name: &'a str,
    #[serde(with = "serde_bytes", borrow)]
    photo: &'a [u8],
    height: Option<f64>,
    tags: Vec<String>,
}

#[test]
fn a_thing_is_a_struct_that_borrows_from_the_data() {
    let bytes = written(&Value::Map(vec![
        ("#".into(), 3.into()),
        ("name".into(), "Iris".into()),
        ("photo".into(), Value::Binary(vec![0xff, 0])),
        ("height".into(), Value::Nil),
        ("tags".into(), Value::Array(vec!["a".into()])),
    ]));
    let person: Person<'_> = data(&bytes).payload().unwrap();
    let expected = Person { id: 3, name: "Iris", photo: &[0xff, 0], height: None, tags: vec!["a".into()] };
    assert_eq!(person, expected);
    assert!(bytes.as_ptr_range().contains(&person.name.as_ptr()), "borrowed, not copied");
    assert!(bytes.as_ptr_range().contains(&person.photo.as_ptr()), "borrowed, not copied");
    let mut values = ValuesBuf::new();
    values.push_payload(&person).unwrap();
    assert_eq!(to_hex(values.as_ref().as_bytes()), to_hex(&bytes), "structs are maps, fields in order");
    // Fields in another order, and further ones.
    let Value::Map(mut entries) = rmpv::decode::read_value(&mut &bytes[..]).unwrap() else { panic!() };
    entries.reverse();
    entries.insert(1, ("more".into(), Value::Array(vec![Value::Nil])));
    assert_eq!(data(&written(&Value::Map(entries))).payload::<Person<'_>>().unwrap(), expected);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(i64, i64),
    Named { name: String },
}

#[test]
fn enums_come_back() {
    for (shape, expected) in [
        (Shape::Point, Value::from("Point")),
        (Shape::Circle(1.5), Value::Map(vec![("Circle".into(), Value::F64(1.5))])),
        (Shape::Line(1, -2), Value::Map(vec![("Line".into(), Value::Array(vec![1.into(), (-2).into()]))])),
        (
            Shape::Named { name: "n".into() },
            Value::Map(vec![("Named".into(), Value::Map(vec![("name".into(), "n".into())]))]),
        ),
    ] {
        let mut values = ValuesBuf::new();
        values.push_payload(&shape).unwrap();
        assert_eq!(to_hex(values.as_ref().as_bytes()), to_hex(&written(&expected)));
        assert_eq!(values.as_ref().iter().next().unwrap().payload::<Shape>().unwrap(), shape);
    }
    assert!(payload::<Shape>(b"\xa4None").is_err());
}

/// The convention of rmp-serde for extensions.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "_ExtStruct")]
struct Extension((i8, ByteBuf));

#[test]
fn bytes_and_extensions_come_back() {
    assert_eq!(payload::<ByteBuf>(b"\xc4\x02\xff\x00").unwrap(), ByteBuf::from([0xff, 0]));
    assert_eq!(data(b"\xc4\x02\xff\x00").payload::<&Bytes>().unwrap(), Bytes::new(&[0xff, 0]));
    let thing = b"\xd7\x05\0\0\0\0\0\0\0\x05";
    let extension = payload::<Extension>(thing).unwrap();
    assert_eq!(extension, Extension((5, ByteBuf::from(5_u64.to_be_bytes()))));
    let mut values = ValuesBuf::new();
    values.push_payload(&extension).unwrap().push_payload(Bytes::new(b"\xff")).unwrap();
    assert_eq!(values.as_ref().as_bytes(), [&thing[..], b"\xc4\x01\xff"].concat());
}

#[test]
fn plain_values_come_as_they_are() {
    assert_eq!(payload::<i64>(&hex("cf7fffffffffffffff")).unwrap(), i64::MAX);
    assert_eq!(payload::<u64>(&hex("cfffffffffffffffff")).unwrap(), u64::MAX);
    assert_eq!(payload::<i8>(&hex("d3ffffffffffffffc8")).unwrap(), -56);
    assert_eq!(payload::<Option<u8>>(b"\xc0").unwrap(), None);
    assert_eq!(payload::<Option<u8>>(b"\x05").unwrap(), Some(5));
    payload::<()>(b"\xc0").unwrap();
    assert_eq!(payload::<(bool, String)>(b"\x92\xc3\xa1x").unwrap(), (true, "x".into()));
    assert_eq!(payload::<BTreeMap<i64, bool>>(b"\x81\xff\xc2").unwrap(), BTreeMap::from([(-1, false)]));
    assert!(payload::<u8>(b"\xcd\x01\x00").is_err(), "256 is too large");
    assert!(payload::<u64>(b"\xff").is_err(), "-1 has a sign");
}

/// How many bytes were read when it did not fit: the first byte of what is refused at least, and nothing behind it.
#[test]
fn an_error_tells_how_far_it_came() {
    fn check<T: DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8], refused: core::ops::Range<u64>) {
        let error = payload::<T>(bytes).unwrap_err();
        let offset = error.offset().unwrap();
        assert!(refused.start < offset && offset <= refused.end, "{error} in {}", to_hex(bytes));
        assert!(error.to_string().ends_with(&format!(" at byte {offset}")), "{error}");
    }
    check::<Vec<u32>>(b"\x93\x01\x02\xc3", 3..4);
    check::<Vec<u32>>(b"\x93\x01\xa3abc\x02", 2..6);
    check::<Vec<String>>(b"\x92\xa1a\xcd\x01\x00", 3..6);
    check::<BTreeMap<String, bool>>(b"\x82\xa1a\xc3\xa1b\xc0", 6..7);
    check::<BTreeMap<String, bool>>(b"\x82\x05\xc3\xa1b\xc3", 1..2);
    check::<u8>(b"\xcd\x01\x00", 0..3);
    check::<(u8, u8)>(b"\x92\x01\x91\x02", 2..3);
    // Too few items are found out at their end.
    check::<(u8, u8, u8)>(b"\x92\x01\x02", 2..3);
}

#[derive(Debug, PartialEq, Deserialize)]
struct Pair {
    first: u8,
    second: u8,
}

#[test]
fn a_missing_field_is_named() {
    let bytes = b"\x81\xa5first\x01";
    let error = payload::<Pair>(bytes).unwrap_err();
    assert_eq!(error.to_string(), "missing field `second` at byte 8");
    assert_eq!(error.offset(), Some(bytes.len() as u64));
    let pair = payload::<Pair>(b"\x82\xa6second\x02\xa5first\x01").unwrap();
    assert_eq!((pair.first, pair.second), (1, 2));
}

/// What is malformed is told where SPEC.md §3 says, whatever the type.
#[test]
fn malformed_data_is_told_at_its_place() {
    for (bytes, offset) in [
        (&b""[..], 0),
        (b"\x92\x01", 2),
        (b"\x91\xa5ab", 4),
        (b"\x93\x01\xc1\x02", 2),
        (b"\xdd\xff\xff\xff\xff", 5),
        (b"\x91\xcd\x01", 3),
    ] {
        assert_eq!(payload::<Vec<u16>>(bytes).unwrap_err().offset(), Some(offset), "{}", to_hex(bytes));
        assert_eq!(data(bytes).payload::<IgnoredAny>().unwrap_err().offset(), Some(offset), "{}", to_hex(bytes));
    }
}

#[test]
fn bytes_behind_the_value_are_refused_where_they_begin() {
    for rest in [&b"\x00"[..], b"\xc0", b"\xc1", b"\xcc", b"\xa5", b"\x91", b"\xff\xff"] {
        for (value, len) in [(&b"\x92\x01\x02"[..], 3), (b"\x90", 1), (b"\xdc\0\x01\x07", 4)] {
            let bytes = [value, rest].concat();
            let error = payload::<Vec<u8>>(&bytes).unwrap_err();
            assert_eq!(error.offset(), Some(len), "{}", to_hex(&bytes));
            assert_eq!(error.to_string(), format!("bytes follow the value at byte {len}"));
        }
        for value in [&b"\xc0"[..], b"\x05"] {
            let bytes = [value, rest].concat();
            assert_eq!(payload::<Option<u8>>(&bytes).unwrap_err().offset(), Some(1), "{}", to_hex(&bytes));
        }
    }
}

/// Searched for up to 64 KiB, and above that only where the data itself is malformed.
#[test]
fn the_place_of_another_type_is_searched_for_in_small_data_only() {
    let of = |len: usize| {
        let items = len - 5;
        let mut bytes = [&[0xdd][..], &(items as u32).to_be_bytes(), &vec![0x01; items]].concat();
        bytes[len - 10] = 0xc0;
        bytes
    };
    let small = of(64 << 10);
    let error = data(&small).payload::<Vec<u8>>().unwrap_err();
    assert_eq!(error.offset(), Some((64 << 10) - 9), "{error}");
    let large = of((64 << 10) + 1);
    let error = data(&large).payload::<Vec<u8>>().unwrap_err();
    assert_eq!(error.offset(), None, "{error}");
    assert!(!error.to_string().contains("at byte"), "{error}");
    let torn = &large[..large.len() - 1];
    assert_eq!(data(torn).payload::<Vec<u8>>().unwrap_err().offset(), Some(torn.len() as u64));
    let trailing = [&vec![0x01; 70_000][..]].concat();
    assert_eq!(data(&trailing).payload::<u8>().unwrap_err().offset(), Some(1));
}

fn nested(depth: usize) -> Vec<u8> {
    [vec![0x91; depth], vec![0xc0]].concat()
}

#[test]
fn a_hundred_and_28_levels_are_read_and_129_are_not() {
    data(&nested(100)).payload::<IgnoredAny>().unwrap();
    data(&nested(128)).payload::<IgnoredAny>().unwrap();
    for depth in [129, 130, 1000, 100_000] {
        let bytes = nested(depth);
        let error = data(&bytes).payload::<IgnoredAny>().unwrap_err();
        assert!(error.to_string().starts_with("nested deeper than 128"), "{error}");
        assert!(ValueRef::decode(&bytes).unwrap().payload::<IgnoredAny>().is_err());
    }
}

#[derive(Debug, PartialEq, Deserialize)]
enum Choice {
    Leaf,
    Next(Box<Self>),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Endless(Option<Box<Self>>);

/// rmp-serde counts no level for an enum: without a count of ours, 600 kB overflow the stack and end the process.
#[test]
fn enums_that_nest_end_at_the_limit() {
    let nested = |depth| [b"\x81\xa4Next".repeat(depth), b"\xa4Leaf".to_vec()].concat();
    // The leaf is one of them.
    assert!(data(&nested(127)).payload::<Choice>().is_ok());
    for depth in [128, 100_000] {
        let error = data(&nested(depth)).payload::<Choice>().unwrap_err();
        assert!(error.to_string().starts_with("nested deeper than 128"), "{error}");
    }
}

/// Neither does it count options and newtypes, which take no bytes: one byte would do.
#[test]
fn options_that_take_no_bytes_end_at_the_limit() {
    let error = data(b"\x01").payload::<Endless>().unwrap_err();
    assert!(error.to_string().starts_with("more than 16 options and newtypes"), "{error}");
}

struct Stubborn;

impl Serialize for Stubborn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut items = serializer.serialize_seq(Some(2))?;
        items.serialize_element(&1)?;
        Err(serde::ser::Error::custom("not me"))
    }
}

#[test]
fn what_does_not_serialize_adds_nothing() {
    let mut values = ValuesBuf::new();
    values.push_payload(&(1, "x")).unwrap();
    let before = values.clone();
    let error = values.push_payload(&Stubborn).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.offset()), ("not me", None));
    assert!(values == before);
    assert_eq!(values.as_ref().as_bytes(), b"\x92\x01\xa1x");
    values.push_payload("text").unwrap().push_payload(&None::<u8>).unwrap();
    assert_eq!((values.as_ref().len(), values.as_ref().as_bytes()), (3, &b"\x92\x01\xa1x\xa4text\xc0"[..]));
}

/// Values that rmpv makes of what was pushed, for types that serde has names for.
#[test]
fn what_is_pushed_is_one_value_each() {
    let mut values = ValuesBuf::new();
    values.push_payload(&vec![1_u64, 128, u64::MAX]).unwrap();
    values.push_payload(&BTreeMap::from([("b", 1.5_f64), ("a", -0.0)])).unwrap();
    values.push_payload(&'é').unwrap();
    let expected = [
        Value::Array(vec![1.into(), 128.into(), u64::MAX.into()]),
        Value::Map(vec![("a".into(), Value::F64(-0.0)), ("b".into(), Value::F64(1.5))]),
        "é".into(),
    ];
    let found: Vec<_> = values.as_ref().iter().map(|value| to_hex(value.as_bytes())).collect();
    assert_eq!(found, expected.iter().map(|value| to_hex(&written(value))).collect::<Vec<_>>());
}

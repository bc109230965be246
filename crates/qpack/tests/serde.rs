//! serde: the mapping table of `qpack_codec::serde` row by row, and what it promises around it.

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

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use common::Kinds;
use qpack_codec::serde::{Deserializer, Error, from_slice, from_slice_with, to_vec, to_vec_with};
use qpack_codec::{Config, DecodeErrorKind, EncodeError, Limit, Limits, Value, ValueRef};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};
use testkit::Rng;
use testkit::vectors::to_hex;

/// Written as these bytes, and read from them.
#[track_caller]
fn both<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: &T, bytes: &[u8]) {
    assert_eq!(to_hex(&to_vec(value).unwrap()), to_hex(bytes), "{value:?}");
    read(bytes, value);
}

#[track_caller]
fn read<T: DeserializeOwned + PartialEq + fmt::Debug>(bytes: &[u8], value: &T) {
    assert_eq!(from_slice::<T>(bytes).as_ref().map_err(Error::to_string), Ok(value), "{}", to_hex(bytes));
}

/// What the type says when it refuses, with the place.
#[track_caller]
fn refused<'de, T: Deserialize<'de> + fmt::Debug>(bytes: &'de [u8]) -> (String, Option<usize>) {
    let error = from_slice::<T>(bytes).expect_err(&to_hex(bytes));
    (error.to_string(), error.offset())
}

#[test]
fn integers() {
    both(&-1_i8, b"\x40");
    both(&i8::MIN, b"\xe8\x80");
    both(&i16::MIN, b"\xe9\x00\x80");
    both(&i32::MAX, b"\xea\xff\xff\xff\x7f");
    both(&i64::MIN, b"\xeb\0\0\0\0\0\0\0\x80");
    both(&u8::MAX, b"\xe9\xff\x00");
    both(&u16::MAX, b"\xea\xff\xff\x00\x00");
    both(&u32::MAX, b"\xeb\xff\xff\xff\xff\0\0\0\0");
    both(&63_u64, b"\x3f");
    both(&(i64::MAX as u64), b"\xeb\xff\xff\xff\xff\xff\xff\xff\x7f");
    both(&i128::from(i64::MIN), b"\xeb\0\0\0\0\0\0\0\x80");
    both(&7_u128, b"\x07");
    // In any width, if the type can hold it.
    read(b"\xeb\x05\0\0\0\0\0\0\0", &5_u8);
    for (bytes, message) in [
        (&b"\xe9\x00\x01"[..], "invalid value: integer `256`, expected u8 at byte 0"),
        (b"\x40", "invalid value: integer `-1`, expected u8 at byte 0"),
        (b"\x7f", "invalid type: floating point `1.0`, expected u8 at byte 0"),
        (b"\xf9", "invalid type: boolean `true`, expected u8 at byte 0"),
    ] {
        assert_eq!(refused::<u8>(bytes).0, message);
    }
    assert!(from_slice::<u128>(b"\x40").is_err());
}

#[test]
fn integers_beyond_i64_are_not_written() {
    fn error<T: Serialize>(value: T) -> EncodeError {
        *to_vec(&value).unwrap_err().encode_error().unwrap()
    }
    let above = |magnitude| EncodeError::IntOutOfRange { negative: false, magnitude };
    let below = |magnitude| EncodeError::IntOutOfRange { negative: true, magnitude };
    let first = 1_u128 << 63;
    assert_eq!(error(first as u64), above(first));
    assert_eq!(error(u64::MAX), above(u64::MAX.into()));
    assert_eq!(error(first), above(first));
    assert_eq!(error(u128::MAX), above(u128::MAX));
    assert_eq!(error(i128::MAX), above(i128::MAX as u128));
    assert_eq!(error(-(first as i128) - 1), below(first + 1));
    assert_eq!(error(i128::MIN), below(1 << 127));
    assert_eq!(error(vec![0, u64::MAX]).to_string(), "integer 18446744073709551615 is outside of i64");
}

#[test]
fn doubles() {
    both(&1.0_f64, b"\x7f");
    both(&0.0_f64, b"\x7e");
    both(&-1.0_f64, b"\x7d");
    both(&0.5_f64, b"\xec\0\0\0\0\0\0\xe0\x3f");
    both(&0.5_f32, b"\xec\0\0\0\0\0\0\xe0\x3f");
    both(&f32::INFINITY, b"\xec\0\0\0\0\0\0\xf0\x7f");
    both(&2.0_f64, b"\xec\0\0\0\0\0\0\0\x40");
    for bits in [0x8000_0000_0000_0000, 0x7ff0_0000_0000_0001, 0xfff8_dead_beef_cafe_u64] {
        let bytes = to_vec(&f64::from_bits(bits)).unwrap();
        assert_eq!((bytes[0], from_slice::<f64>(&bytes).unwrap().to_bits()), (0xec, bits));
    }
    assert_eq!(to_vec_with(&-0.0_f64, &Config::PEER).unwrap(), b"\x7e");
    // From an integer, to the nearest.
    read(b"\x07", &7.0_f64);
    read(b"\x40", &-1.0_f32);
    read(b"\xeb\x01\0\0\0\0\0\x20\0", &9_007_199_254_740_992.0_f64);
    read(b"\xec\x9a\x99\x99\x99\x99\x99\xb9\x3f", &0.1_f32);
}

#[test]
fn booleans_null_and_units() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;

    both(&true, b"\xf9");
    both(&false, b"\xfa");
    both(&(), b"\xfb");
    both(&Unit, b"\xfb");
    both(&None::<u8>, b"\xfb");
    both(&Some(7_u8), b"\x07");
    both(&Some("a".to_owned()), b"\x81a");
    both(&vec![Some(1), None, Some(2)], b"\xf0\x01\xfb\x02");
    // The one thing that an option of an option cannot tell.
    assert_eq!(to_vec(&Some(None::<u8>)).unwrap(), b"\xfb");
    assert!(from_slice::<()>(b"\x00").is_err());
    assert!(from_slice::<bool>(b"\x01").is_err());
}

#[test]
fn text_and_bytes() {
    both(&'a', b"\x81a");
    both(&'€', b"\x83\xe2\x82\xac");
    both(&String::from("é"), b"\x82\xc3\xa9");
    both(&String::new(), b"\x80");
    both(&"x".repeat(100), &[&b"\xe4\x64"[..], &[b'x'; 100]].concat());
    both(&ByteBuf::from(vec![0xff, 0x00]), b"\x82\xff\x00");
    assert_eq!(to_vec(&Bytes::new(b"\xff")).unwrap(), b"\x81\xff");
    // As serde has it: a list of integers.
    both(&vec![1_u8, 255], b"\xef\x01\xe9\xff\x00");
    both(&[1_u8, 2], b"\xef\x01\x02");
    read(b"\xe7\x01\0\0\0\0\0\0\0a", &"a".to_owned());
    assert!(from_slice::<Vec<u8>>(b"\x82ab").is_err());
    assert!(from_slice::<char>(b"\x82ab").is_err());
    // What is no text is told with its place, that of the tag.
    let refused = from_slice::<Vec<String>>(b"\xef\x81a\xe5\x01\x00\xff").unwrap_err();
    let error = refused.decode_error().unwrap();
    assert_eq!((error.kind(), error.offset(), error.what()), (DecodeErrorKind::InvalidUtf8, 3, "RAW16"));
    assert!(from_slice::<Vec<ByteBuf>>(b"\xef\x81a\xe5\x01\x00\xff").is_ok());
}

#[test]
fn text_and_bytes_borrow_from_the_input() {
    #[derive(Debug, Deserialize)]
    struct Borrowed<'a> {
        text: &'a str,
        #[serde(borrow)]
        either: Cow<'a, str>,
        #[serde(with = "serde_bytes")]
        bytes: &'a [u8],
        #[serde(borrow)]
        list: Vec<&'a str>,
        #[serde(borrow)]
        names: BTreeMap<&'a str, &'a [u8]>,
    }

    let input =
        b"\xf8\x84text\x82ab\x86either\x82cd\x85bytes\x82\xff\x00\x84list\xef\x81x\xe4\x01y\x85names\xf4\x81k\x81v"
            .to_vec();
    let found: Borrowed<'_> = from_slice(&input).unwrap();
    let inside = |part: &[u8]| input.as_ptr_range().contains(&part.as_ptr());
    assert!(inside(found.text.as_bytes()) && inside(found.bytes));
    assert!(matches!(&found.either, Cow::Borrowed(text) if inside(text.as_bytes())));
    assert!(found.list.iter().all(|item| inside(item.as_bytes())));
    assert!(found.names.iter().all(|(name, bytes)| inside(name.as_bytes()) && inside(bytes)));
    assert_eq!((found.text, found.bytes, found.list.as_slice()), ("ab", &b"\xff\x00"[..], &["x", "y"][..]));
}

#[test]
fn newtypes_sequences_and_tuples() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Meters(u16);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Point(i32, i32);

    both(&Meters(5), b"\x05");
    both(&Point(1, -1), b"\xef\x01\x40");
    both(&(1_u8, "a".to_owned(), true), b"\xf0\x01\x81a\xf9");
    both(&Vec::<u8>::new(), b"\xed");
    both(&vec![1; 5], b"\xf2\x01\x01\x01\x01\x01");
    both(&vec![1; 6], b"\xfc\x01\x01\x01\x01\x01\x01\xfe");
    both(&vec![vec![Meters(1)], vec![]], b"\xef\xee\x01\xed");
    // Open forms of any length.
    read(b"\xfc\xfe", &Vec::<u8>::new());
    read(b"\xfc\x01\xfe", &vec![1]);
    read(b"\xfc\x01\x02\xfe", &Point(1, 2));
    for wrong in [&b"\xee\x01"[..], b"\xf0\x01\x02\x03", b"\xfc\x01\xfe", b"\xfc\x01\x02\x03\xfe", b"\xed", b"\xfb"] {
        assert!(from_slice::<Point>(wrong).is_err(), "{}", to_hex(wrong));
        assert!(from_slice::<(u8, u8)>(wrong).is_err(), "{}", to_hex(wrong));
        assert!(from_slice::<[u8; 2]>(wrong).is_err(), "{}", to_hex(wrong));
    }
    assert_eq!(refused::<(u8, u8)>(b"\xf0\x01\x02\x03"), ("more items than the type takes at byte 3".into(), Some(3)));
    assert_eq!(refused::<(u8, u8)>(b"\xee\x01").1, Some(2));
}

/// A sequence and a map whose lengths serde is not told are written as if it were.
#[test]
fn lengths_that_are_not_told_or_told_wrong() {
    struct Liar(Option<usize>, usize);

    impl Serialize for Liar {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut sequence = serializer.serialize_seq(self.0)?;
            (0..self.1).try_for_each(|_| sequence.serialize_element(&1))?;
            sequence.end()
        }
    }

    for count in [0, 1, 5, 6, 7] {
        let expected = to_vec(&vec![1; count]).unwrap();
        for told in [None, Some(0), Some(count), Some(usize::MAX)] {
            assert_eq!(to_vec(&Liar(told, count)).unwrap(), expected);
        }
    }
}

#[test]
fn maps() {
    let map = |pairs: &[(i64, bool)]| pairs.iter().copied().collect::<BTreeMap<i64, bool>>();
    both(&map(&[]), b"\xf3");
    both(&map(&[(-1, true), (300, false)]), b"\xf5\x40\xf9\xe9\x2c\x01\xfa");
    both(
        &map(&[(1, true), (2, true), (3, true), (4, true), (5, true)]),
        b"\xf8\x01\xf9\x02\xf9\x03\xf9\x04\xf9\x05\xf9",
    );
    both(
        &map(&[(1, true), (2, true), (3, true), (4, true), (5, true), (6, true)]),
        b"\xfd\x01\xf9\x02\xf9\x03\xf9\x04\xf9\x05\xf9\x06\xf9\xff",
    );
    read(b"\xfd\x01\xf9\xff", &map(&[(1, true)]));
    // Keys of any kind.
    both(&BTreeMap::from([(vec![1_u8], 2_u8)]), b"\xf4\xee\x01\x02");
    both(&BTreeMap::from([((), 2_u8)]), b"\xf4\xfb\x02");
    both(&BTreeMap::from([(Some(true), 2_u8)]), b"\xf4\xf9\x02");
    // The same key twice: the map's type decides.
    read(b"\xf5\x01\xfa\x01\xf9", &map(&[(1, true)]));
    assert!(from_slice::<BTreeMap<i64, bool>>(b"\xed").is_err());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    id: u32,
    #[serde(rename = "val", alias = "value")]
    reading: f64,
    #[serde(default)]
    tags: Vec<String>,
    note: Option<String>,
}

fn reading() -> Reading {
    Reading { id: 7, reading: 1.0, tags: vec![], note: None }
}

#[test]
fn structs() {
    both(&reading(), b"\xf7\x82id\x07\x83val\x7f\x84tags\xed\x84note\xfb");
    // In any order, open or counted, with an alias, without what has a default.
    read(b"\xf7\x84note\xfb\x84tags\xed\x83val\x7f\x82id\x07", &reading());
    read(b"\xfd\x84tags\xed\x82id\x07\x84note\xfb\x83val\x7f\xff", &reading());
    read(b"\xf5\x85value\x7f\x82id\x07", &reading());
    read(b"\xf5\xe4\x02id\x07\xe5\x03\x00val\x7f", &reading());
    // Unknown fields are skipped, whatever they hold, hooks and odd keys included.
    for unknown in ["00", "7c", "ee7c", "fdee01f4fb02ff", "fcfc01fefe", "e40161", "f47c7c"] {
        for (open, close) in [("f6", ""), ("fd", "ff")] {
            let digits = [open, "82696407", "8178", unknown, "8376616c7f", close].concat();
            read(&testkit::vectors::hex(&digits), &reading());
        }
    }
    // Keys that are no text, or none of its names.
    assert!(from_slice::<Reading>(b"\xf6\x82id\x07\x83val\x7f\x80\x00").is_ok());
    // Missing, doubled, of the wrong kind.
    assert_eq!(refused::<Reading>(b"\xf4\x82id\x07"), ("missing field `val` at byte 5".into(), Some(5)));
    assert!(refused::<Reading>(b"\xf6\x82id\x07\x83val\x7f\x82id\x07").0.starts_with("duplicate field `id`"));
    assert!(refused::<Reading>(b"\xf6\x82id\x07\x83val\x7f\x85value\x7f").0.starts_with("duplicate field `val`"));
    assert!(refused::<Reading>(b"\xf5\x82id\x81a\x83val\x7f").0.contains("expected u32"));
    assert!(from_slice::<Reading>(b"\xfb").is_err());
}

#[test]
fn unknown_fields_may_be_denied() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Closed {
        a: u8,
    }

    read(b"\xf4\x81a\x01", &Closed { a: 1 });
    let (message, offset) = refused::<Closed>(b"\xf5\x81a\x01\x81b\x02");
    assert_eq!((message.starts_with("unknown field `b`"), offset), (true, Some(4)));
}

#[test]
fn flattened_and_untagged_types() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        a: u8,
        #[serde(flatten)]
        inner: Inner,
        #[serde(flatten)]
        rest: BTreeMap<String, Untagged>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        b: f64,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(i64),
        Text(String),
        Raw(ByteBuf),
        List(Vec<Self>),
    }

    let rest = BTreeMap::from([
        ("x".to_owned(), Untagged::Number(-1)),
        (
            "y".to_owned(),
            Untagged::List(vec![Untagged::Text("é".into()), Untagged::Raw(ByteBuf::from(b"\xff".to_vec()))]),
        ),
    ]);
    let value = Outer { a: 1, inner: Inner { b: 1.0 }, rest };
    both(&value, b"\xf7\x81a\x01\x81b\x7f\x81x\x40\x81y\xef\x82\xc3\xa9\x81\xff");
    read(b"\xfd\x81y\xfc\x82\xc3\xa9\x81\xff\xfe\x81b\x7f\x81x\x40\x81a\x01\xff", &value);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(u8, String),
    Struct { a: u8, b: Option<Box<Self>> },
}

#[test]
fn enums_of_all_shapes() {
    both(&Shape::Unit, b"\x84Unit");
    both(&Shape::Newtype(7), b"\xf4\x87Newtype\x07");
    both(&Shape::Tuple(7, "a".into()), b"\xf4\x85Tuple\xef\x07\x81a");
    both(&Shape::Struct { a: 7, b: None }, b"\xf4\x86Struct\xf5\x81a\x07\x81b\xfb");
    let nested = Shape::Struct { a: 7, b: Some(Box::new(Shape::Newtype(1))) };
    both(&nested, b"\xf4\x86Struct\xf5\x81a\x07\x81b\xf4\x87Newtype\x01");
    both(&vec![Shape::Unit, Shape::Newtype(1), Shape::Unit], b"\xf0\x84Unit\xf4\x87Newtype\x01\x84Unit");
    // In open forms, and with fields in another order or unknown.
    read(b"\xfd\x87Newtype\x07\xff", &Shape::Newtype(7));
    read(b"\xfd\x85Tuple\xfc\x07\x81a\xfe\xff", &Shape::Tuple(7, "a".into()));
    read(b"\xf4\x86Struct\xfd\x81b\xfb\x81x\x7c\x81a\x07\xff", &Shape::Struct { a: 7, b: None });
    read(b"\xe4\x04Unit", &Shape::Unit);
    for wrong in [
        &b"\x83One"[..],
        b"\x87Newtype",
        b"\xf3",
        b"\xfd\xff",
        b"\xf4\x83One\x07",
        b"\xf5\x87Newtype\x07\x87Newtype\x07",
        b"\xfd\x87Newtype\x07\x87Newtype\x07\xff",
        b"\xfd\x87Newtype\xff",
        b"\xf4\x84Unit\x07",
        b"\xf4\x85Tuple\xee\x07",
        b"\xf4\x85Tuple\xf0\x07\x81a\x07",
        b"\x07",
        b"\xed",
        b"\x7c",
    ] {
        assert!(from_slice::<Shape>(wrong).is_err(), "{}", to_hex(wrong));
    }
    let keys: BTreeMap<String, Shape> = BTreeMap::from([("k".into(), Shape::Unit)]);
    both(&keys, b"\xf4\x81k\x84Unit");
}

#[test]
fn enums_tagged_by_attributes() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "t")]
    enum Internal {
        A { x: u8 },
        B,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        A(u8),
        B,
    }

    both(&Internal::A { x: 1 }, b"\xf5\x81t\x81A\x81x\x01");
    both(&Internal::B, b"\xf4\x81t\x81B");
    read(b"\xfd\x81x\x01\x81t\x81A\xff", &Internal::A { x: 1 });
    both(&Adjacent::A(1), b"\xf5\x81t\x81A\x81c\x01");
    both(&Adjacent::B, b"\xf4\x81t\x81B");
    read(b"\xfd\x81c\x01\x81t\x81A\xff", &Adjacent::A(1));
}

#[test]
fn the_hook_is_an_error_unless_it_is_skipped() {
    assert_eq!(refused::<Option<u8>>(b"\x7c"), ("invalid type: hook byte, expected u8 at byte 0".into(), Some(0)));
    assert_eq!(refused::<Vec<u8>>(b"\xef\x01\x7c").1, Some(2));
    assert!(from_slice::<String>(b"\x7c").is_err() && from_slice::<Anything>(b"\xf4\x7c\x01").is_err());
    assert!(from_slice::<IgnoredAny>(b"\xf4\x7c\x7c").is_ok());
}

#[test]
fn faults_in_the_bytes_carry_the_place() {
    for (bytes, kind, offset) in [
        (&b""[..], DecodeErrorKind::UnexpectedEnd, 0),
        (b"\xf5\x81a\x01\x81b\xe9\x00", DecodeErrorKind::UnexpectedEnd, 6),
        (b"\xf5\x81a\x01", DecodeErrorKind::UnexpectedEnd, 4),
        (b"\xf4\x81a", DecodeErrorKind::UnexpectedEnd, 3),
        (b"\xfd\x81a\x01", DecodeErrorKind::Unclosed, 4),
        (b"\xfd\x81a\xff", DecodeErrorKind::MissingValue, 3),
        (b"\xfd\x81a\xfe", DecodeErrorKind::UnexpectedClose, 3),
        (b"\xfd\xfe", DecodeErrorKind::UnexpectedClose, 1),
        (b"\xf4\xff", DecodeErrorKind::UnexpectedClose, 1),
        (b"\xf4\x81a\x01\x00\x00", DecodeErrorKind::TrailingBytes, 4),
        (b"\xf4\x81\xff\x01", DecodeErrorKind::InvalidUtf8, 1),
        (b"\xf4\x81a\xe7\xff\xff\xff\xff\xff\xff\xff\xff", DecodeErrorKind::LimitExceeded, 3),
    ] {
        let error = from_slice::<BTreeMap<String, u16>>(bytes).expect_err(&to_hex(bytes));
        let fault = error.decode_error().unwrap_or_else(|| panic!("{}: {error}", to_hex(bytes)));
        assert_eq!((fault.kind(), fault.offset(), error.offset()), (kind, offset, Some(offset)), "{}", to_hex(bytes));
        assert_eq!(error.to_string(), fault.to_string());
    }
    // A value that the type refuses, of whatever kind, is where it starts.
    assert_eq!(refused::<Vec<u8>>(b"\xf0\x01\x81a\x02").1, Some(2));
    assert_eq!(refused::<Vec<u8>>(b"\xf0\x01\xe9\x00\x01\x02").1, Some(2));
}

/// A walk by types that take anything meets the same faults as a reader: kind, place and name.
#[test]
fn faults_are_those_of_a_reader() {
    let mut wrong = Vec::new();
    for expected in testkit::vectors::jsonl("tests/vectors/qpack_malformed_expected.jsonl") {
        let bytes = testkit::vectors::encoding(&expected);
        for config in [Config::DEFAULT, Config::PEER] {
            let found = from_slice_with::<Anything>(&bytes, &config);
            match (ValueRef::decode_with(&bytes, &config), found) {
                (Ok(value), Ok(Anything(found))) => assert_eq!(value.into_owned(), found),
                (Ok(value), Err(error)) => {
                    assert!(error.to_string().contains("hook") && format!("{value:?}").contains("hook"), "{error}");
                }
                (Err(error), found) => {
                    let found = *found.unwrap_err().decode_error().unwrap();
                    if found != error {
                        wrong.push(format!("{}: {found} instead of {error}", to_hex(&bytes)));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_end_closes_open_containers_where_it_may() {
    let lenient = Config::DEFAULT.with_end_closes_open(true);
    let answer = b"\xfd\x89error_msg\x82ho";
    type Answer = BTreeMap<String, String>;
    let expected = Answer::from([("error_msg".into(), "ho".into())]);
    assert_eq!(from_slice_with::<Answer>(answer, &lenient).unwrap(), expected);
    assert_eq!(from_slice::<Answer>(answer).unwrap_err().decode_error().unwrap().kind(), DecodeErrorKind::Unclosed);
    assert_eq!(from_slice_with::<Vec<Vec<u8>>>(b"\xfc\xfc\x01", &lenient).unwrap(), [[1]]);
    assert_eq!(from_slice_with::<Vec<Vec<u8>>>(b"\xee\xfc\x01", &lenient).unwrap(), [[1]]);
    assert_eq!(from_slice_with::<Shape>(b"\xfd\x87Newtype\x07", &lenient).unwrap(), Shape::Newtype(7));
    assert_eq!(from_slice_with::<Reading>(b"\xfd\x82id\x07\x83val\x7f\x81x\xfc\xfd", &lenient).unwrap(), reading());
    assert_eq!(from_slice_with::<(u8, u8)>(b"\xfc\x01\x02", &lenient).unwrap(), (1, 2));
    for torn in [&b"\xf5\x81a\x81b"[..], b"\xfd\x81a", b"\xfd\x81a\xe4"] {
        assert!(from_slice_with::<Answer>(torn, &lenient).is_err(), "{}", to_hex(torn));
    }
    let config = lenient.with_limits(Limits::DEFAULT.with_max_len(2));
    let error = from_slice_with::<Vec<u8>>(b"\xfc\x01\x02", &config).unwrap_err();
    assert_eq!(error.decode_error().unwrap().limit(), Some(Limit::MaxLen));
    assert_eq!(from_slice_with::<u8>(b"\x01\xfe\xff", &Config::DEFAULT.with_ignore_trailing(true)).unwrap(), 1);
}

#[test]
fn a_deserializer_can_be_driven_by_hand() {
    let mut deserializer = Deserializer::with_config(b"\xee\x07\x01", &Config::DEFAULT);
    assert_eq!(Vec::<u8>::deserialize(&mut deserializer).unwrap(), [7]);
    assert_eq!(deserializer.position(), 2);
    assert_eq!(deserializer.finish().unwrap_err().offset(), Some(2));
    let mut deserializer = Deserializer::with_config(b"\xee\x07\x01", &Config::PEER);
    Vec::<u8>::deserialize(&mut deserializer).unwrap();
    assert_eq!(deserializer.finish().unwrap(), 2);
}

#[test]
fn limits_are_kept_both_ways() {
    type Deep = Vec<Vec<Vec<u8>>>;
    let value: Deep = vec![vec![vec![1, 2]]];
    let bytes = to_vec(&value).unwrap();
    let exact = Limits::DEFAULT.with_max_depth(3).with_max_len(bytes.len()).with_max_values(5);
    let read = |limits| from_slice_with::<Deep>(&bytes, &Config::DEFAULT.with_limits(limits));
    let write = |limits| to_vec_with(&value, &Config::DEFAULT.with_limits(limits));
    assert_eq!((read(exact).unwrap(), write(exact).unwrap()), (value.clone(), bytes.clone()));
    for (limits, limit) in [
        (exact.with_max_depth(2), Limit::MaxDepth),
        (exact.with_max_len(bytes.len() - 1), Limit::MaxLen),
        (exact.with_max_values(4), Limit::MaxValues),
    ] {
        assert_eq!(read(limits).unwrap_err().decode_error().unwrap().limit(), Some(limit));
        let error = write(limits).unwrap_err();
        assert!(matches!(error.encode_error(), Some(EncodeError::LimitExceeded { limit: met, .. }) if *met == limit));
    }
}

/// A hand-written `Deserialize` over fields, whose key is read as `K`.
macro_rules! by_hand {
    ($name:ident, $key:ty) => {
        #[derive(Debug, PartialEq)]
        struct $name(u8);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;

                impl<'de> Visitor<'de> for Fields {
                    type Value = u8;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a map with a")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<u8, A::Error> {
                        let mut found = None;
                        while let Some(key) = map.next_key::<$key>()? {
                            let key: &[u8] = key.as_ref();
                            match key {
                                b"a" => found = Some(map.next_value()?),
                                _ => drop(map.next_value::<IgnoredAny>()?),
                            }
                        }
                        found.ok_or_else(|| serde::de::Error::missing_field("a"))
                    }
                }

                deserializer.deserialize_struct("ByHand", &["a", "b"], Fields).map(Self)
            }
        }
    };
}

by_hand!(ByStr, &'de str);
by_hand!(ByBytes, &'de [u8]);
by_hand!(ByString, String);
by_hand!(ByNewtype, NewtypeKey<'de>);

#[derive(Deserialize)]
struct NewtypeKey<'a>(#[serde(borrow)] Cow<'a, str>);

impl AsRef<[u8]> for NewtypeKey<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

const BY_HAND: [&[u8]; 3] = [b"\xf4\x81a\x07", b"\xf6\x81b\x01\x81a\x07\x81c\xed", b"\xfd\x81c\x7c\x81a\x07\xff"];

#[test]
fn fields_by_hand_with_an_owned_key() {
    for bytes in BY_HAND {
        read(bytes, &ByString(7));
    }
}

/// A key that is a type of its own around a text.
#[test]
fn fields_by_hand_with_a_newtype_key() {
    for bytes in BY_HAND {
        read(bytes, &ByNewtype(7));
    }
}

/// A key that borrows is read from the input whether or not it is one of the names.
#[test]
fn fields_by_hand_with_a_borrowed_key() {
    for bytes in BY_HAND {
        read(bytes, &ByStr(7));
    }
}

#[test]
fn fields_by_hand_with_a_key_of_bytes() {
    for bytes in BY_HAND {
        read(bytes, &ByBytes(7));
    }
}

/// A field visitor that implements `visit_str` only, as few derive but many write.
#[test]
fn fields_by_hand_with_visit_str_only() {
    #[derive(Debug, PartialEq)]
    enum Field {
        A,
        Other,
    }

    impl<'de> Deserialize<'de> for Field {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Name;

            impl Visitor<'_> for Name {
                type Value = Field;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a field name")
                }

                fn visit_str<E>(self, name: &str) -> Result<Field, E> {
                    Ok(if name == "a" { Field::A } else { Field::Other })
                }
            }

            deserializer.deserialize_identifier(Name)
        }
    }

    #[derive(Debug, PartialEq)]
    struct Manual(u8);

    impl<'de> Deserialize<'de> for Manual {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Fields;

            impl<'de> Visitor<'de> for Fields {
                type Value = Manual;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a map with a")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Manual, A::Error> {
                    let mut found = 0;
                    while let Some(field) = map.next_key::<Field>()? {
                        match field {
                            Field::A => found = map.next_value()?,
                            Field::Other => drop(map.next_value::<IgnoredAny>()?),
                        }
                    }
                    Ok(Manual(found))
                }
            }

            deserializer.deserialize_struct("Manual", &["a", "b"], Fields)
        }
    }

    for bytes in BY_HAND {
        read(bytes, &Manual(7));
    }
}

/// Any value but a hook, through `deserialize_any`.
#[derive(Debug, PartialEq)]
struct Anything(Value);

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Int(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Double(value))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value, E> {
                Ok(Value::from(text))
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Value, E> {
                assert!(std::str::from_utf8(bytes).is_err());
                Ok(Value::from(bytes))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut array = qpack_codec::Array::new();
                while let Some(Anything(item)) = items.next_element()? {
                    array.push(item);
                }
                Ok(Value::Array(array))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
                let mut map = qpack_codec::Map::new();
                while let Some((Anything(key), Anything(value))) = pairs.next_entry()? {
                    map.push(key, value);
                }
                Ok(Value::Map(map))
            }
        }

        deserializer.deserialize_any(Any).map(Self)
    }
}

/// As it came, for writing.
struct Written<'a>(&'a Value);

impl Serialize for Written<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Double(value) => serializer.serialize_f64(*value),
            Value::Raw(bytes) => serializer.serialize_bytes(bytes),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Null | Value::Hook => serializer.serialize_unit(),
            Value::Array(array) => serializer.collect_seq(array.iter().map(Written)),
            Value::Map(map) => serializer.collect_map(map.iter().map(|(key, value)| (Written(key), Written(value)))),
        }
    }
}

#[test]
fn any_value_is_read_and_written_as_without_serde() {
    let seed = testkit::rng::seed();
    let mut rng = Rng::new(seed);
    let config = Config::DEFAULT.with_end_closes_open(true);
    for _ in 0..if cfg!(miri) { 10 } else { 3_000 } {
        let (bytes, value, left_open) = common::encoding(&mut rng, 4, Kinds::Python, true);
        let place = format!("{} (TESTKIT_SEED={seed})", to_hex(&bytes));
        let Anything(found) = from_slice_with(&bytes, &config).expect(&place);
        assert_eq!(common::of_value(&found), common::of_value(&value), "{place}");
        assert_eq!(from_slice::<Anything>(&bytes).is_err(), left_open, "{place}");
        assert_eq!(to_hex(&to_vec(&Written(&value)).unwrap()), to_hex(&value.encode_to_vec().unwrap()), "{place}");
    }
}

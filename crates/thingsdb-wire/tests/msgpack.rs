//! The reader of MessagePack against rmpv, over generated, mutated and hostile bytes.
#![cfg(feature = "msgpack")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

use proptest::prelude::*;
use proptest::sample::Index;
use rmpv::Value;
use testkit::laws::{self, hostile_lengths};
use testkit::vectors::to_hex;
use testkit::{SMALL_STACK, assert_no_alloc, on_small_stack};
use thingsdb_wire::msgpack::{Reader, Token, ValueRef, ValuesBuf, ValuesRef};
use thingsdb_wire::{BodyErrorKind, PackageRef};

/// A token that equals itself whatever float it is.
#[derive(Debug, PartialEq)]
enum Flat {
    Nil,
    Bool(bool),
    Int(i64),
    UInt(u64),
    F32(u32),
    F64(u64),
    Str(Vec<u8>),
    Bin(Vec<u8>),
    Array(usize),
    Map(usize),
    Ext(i8, Vec<u8>),
}

/// All tokens, one after the other, and where the reader stands.
fn tokens(data: &[u8]) -> Vec<Flat> {
    let mut reader = Reader::new(data);
    let mut flat = Vec::new();
    while reader.finish().is_err() {
        let before = reader.position();
        flat.push(match reader.token().unwrap() {
            Token::Nil => Flat::Nil,
            Token::Bool(value) => Flat::Bool(value),
            Token::Int(value) => Flat::Int(value),
            Token::UInt(value) => {
                assert!(i64::try_from(value).is_err(), "{value} fits");
                Flat::UInt(value)
            }
            Token::F32(value) => Flat::F32(value.to_bits()),
            Token::F64(value) => Flat::F64(value.to_bits()),
            Token::Str(text) => Flat::Str(text.to_vec()),
            Token::Bin(bytes) => Flat::Bin(bytes.to_vec()),
            Token::Array(len) => Flat::Array(len as usize),
            Token::Map(len) => Flat::Map(len as usize),
            Token::Ext(kind, content) => Flat::Ext(kind, content.to_vec()),
        });
        assert!(reader.position() > before);
        assert_eq!(reader.rest(), &data[reader.position()..]);
    }
    flat
}

/// What rmpv read, with the items of a container behind it.
fn flatten(value: &Value, flat: &mut Vec<Flat>) {
    match value {
        Value::Nil => flat.push(Flat::Nil),
        Value::Boolean(value) => flat.push(Flat::Bool(*value)),
        Value::Integer(value) => {
            flat.push(value.as_i64().map_or_else(|| Flat::UInt(value.as_u64().unwrap()), Flat::Int));
        }
        Value::F32(value) => flat.push(Flat::F32(value.to_bits())),
        Value::F64(value) => flat.push(Flat::F64(value.to_bits())),
        Value::String(text) => flat.push(Flat::Str(text.as_bytes().to_vec())),
        Value::Binary(bytes) => flat.push(Flat::Bin(bytes.clone())),
        Value::Array(items) => {
            flat.push(Flat::Array(items.len()));
            items.iter().for_each(|item| flatten(item, flat));
        }
        Value::Map(entries) => {
            flat.push(Flat::Map(entries.len()));
            for (key, value) in entries {
                flatten(key, flat);
                flatten(value, flat);
            }
        }
        Value::Ext(kind, content) => flat.push(Flat::Ext(*kind, content.clone())),
    }
}

/// What rmpv reads at the front, and how many bytes that took. It takes `c1` for nil.
fn oracle(data: &[u8]) -> Option<(Value, usize)> {
    let mut rest = data;
    let value = rmpv::decode::read_value(&mut rest).ok()?;
    Some((value, data.len() - rest.len()))
}

/// Both say the same of these bytes; whether they are a value.
fn agree(data: &[u8]) -> bool {
    let theirs = oracle(data);
    let mut reader = Reader::new(data);
    let skipped = reader.skip().map(|()| reader.position());
    let place = to_hex(data);
    match ValueRef::decode(data) {
        Ok(value) => {
            let (tree, consumed) = theirs.unwrap_or_else(|| panic!("{place} is a value to us alone"));
            assert_eq!((consumed, value.as_bytes(), skipped), (data.len(), data, Ok(data.len())), "{place}");
            let mut flat = Vec::new();
            flatten(&tree, &mut flat);
            assert_eq!(tokens(data), flat, "{place}");
            assert_eq!((value.is_map(), value.is_array()), (tree.is_map(), tree.is_array()), "{place}");
            return true;
        }
        Err(error) if error.kind() == BodyErrorKind::TrailingBytes => {
            let (_, consumed) = theirs.unwrap_or_else(|| panic!("{place} begins with a value to us alone"));
            assert_eq!((error.offset(), skipped), (consumed as u64, Ok(consumed)), "{place}");
        }
        Err(error) if error.kind() == BodyErrorKind::InvalidTag => {
            assert_eq!((data[error.offset() as usize], reader.position()), (0xc1, 0), "{place}");
            // As nil it would make no difference to them.
            let mut mended = data.to_vec();
            mended[error.offset() as usize] = 0xc0;
            let shown = |read: Option<(Value, usize)>| read.map(|(value, len)| (format!("{value:?}"), len));
            assert_eq!(shown(oracle(&mended)), shown(theirs), "{place}");
        }
        Err(error) => {
            assert_eq!((error.kind(), error.offset()), (BodyErrorKind::UnexpectedEnd, data.len() as u64), "{place}");
            assert!(theirs.is_none(), "{place} is no value to us alone");
            assert_eq!(reader.position(), 0, "{place}");
        }
    }
    false
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::from),
        (-200_i64..300).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))),
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
        ".{0,40}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Binary),
        (any::<i8>(), prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(kind, bytes)| Value::Ext(kind, bytes)),
    ];
    leaf.prop_recursive(5, 32, 18, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..18).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner), 0..18).prop_map(Value::Map),
        ]
    })
}

fn written(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 10 } else { 500 }))]

    #[test]
    fn what_rmpv_writes_is_read_and_what_is_left_of_it_is_not(value in value(), cut: Index) {
        let bytes = written(&value);
        prop_assert!(agree(&bytes));
        let end = cut.index(bytes.len());
        let error = ValueRef::decode(&bytes[..end]).unwrap_err();
        prop_assert_eq!((error.kind(), error.offset()), (BodyErrorKind::UnexpectedEnd, end as u64));
    }

    #[test]
    fn mutated_bytes_are_read_as_rmpv_reads_them(
        value in value(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), 0..4_u8), 1..4),
    ) {
        let mut bytes = written(&value);
        for (at, byte, what) in changes {
            let at = at.index(bytes.len() + 1);
            match what {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                _ if at < bytes.len() => bytes[at] = byte,
                _ => bytes.push(byte),
            }
        }
        agree(&bytes);
    }

    #[test]
    fn any_bytes_are_read_as_rmpv_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        agree(&bytes);
    }

    /// Values in a row are those that went in, and their array is rmpv's.
    #[test]
    fn a_run_of_values_is_what_was_pushed(values in prop::collection::vec(value(), 0..5)) {
        let mut run = ValuesBuf::new();
        for value in &values {
            match value {
                Value::Nil => run.push_nil(),
                Value::Boolean(value) => run.push_bool(*value),
                Value::Integer(value) if value.is_i64() => run.push_int(value.as_i64().unwrap()),
                Value::F64(value) => run.push_f64(*value),
                Value::String(text) => run.push_str(text.as_str().unwrap()),
                Value::Binary(bytes) => run.push_bin(bytes),
                other => run.push(ValueRef::decode(&written(other)).unwrap()),
            };
        }
        let each: Vec<_> = values.iter().map(written).collect();
        prop_assert_eq!(run.as_ref().len(), values.len());
        prop_assert_eq!(run.as_ref().is_empty(), values.is_empty());
        prop_assert_eq!(run.as_ref().as_bytes(), each.concat());
        prop_assert_eq!(run.as_ref().iter().map(|value| value.as_bytes().to_vec()).collect::<Vec<_>>(), each);
        prop_assert_eq!(run.to_array().as_bytes().to_vec(), written(&Value::Array(values.clone())));
        let pairs = values.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        let map = (values.len() % 2 == 0).then(|| written(&Value::Map(pairs)));
        prop_assert_eq!(run.to_map().map(|map| map.as_bytes().to_vec()), map);
    }
}

/// Each first byte, with nothing and with much behind it.
#[test]
fn every_first_byte_is_read_as_rmpv_reads_it() {
    let mut whole = 0;
    for first in 0..=u8::MAX {
        for fill in [0_u8, 1, 0x41, 0xc0] {
            for len in [0, 1, 2, 3, 4, 5, 8, 9, 17, 18, 31, 32] {
                let bytes = [vec![first], vec![fill; len]].concat();
                whole += usize::from(agree(&bytes));
            }
        }
    }
    assert!(whole > 800, "{whole}");
    let error = ValueRef::decode(b"\xc1").unwrap_err();
    assert_eq!((error.kind(), error.offset()), (BodyErrorKind::InvalidTag, 0));
    let error = ValueRef::decode(b"").unwrap_err();
    assert_eq!((error.kind(), error.offset(), error.what()), (BodyErrorKind::UnexpectedEnd, 0, "DATA"));
}

/// SPEC.md §3: positive integers unsigned, and all in their shortest form.
#[test]
fn integers_are_written_in_the_form_of_the_server() {
    // The golden answer 7 of `thingsdb.jsonl`.
    let expected = "007fcc80ccffcd0100cdffffce00010000cf0000000100000000cf7fffffffffffffffffe0d0dfd080d1ff7f";
    let mut run = ValuesBuf::new();
    for value in [0, 127, 128, 255, 256, 65535, 65536, 1 << 32, i64::MAX, -1, -32, -33, -128, -129] {
        run.push_int(value);
    }
    assert_eq!(to_hex(run.as_ref().as_bytes()), expected);
    let back: Vec<_> = run.as_ref().iter().map(|value| value.reader().token().unwrap()).collect();
    assert_eq!((back[8], back[13]), (Token::Int(i64::MAX), Token::Int(-129)));
}

/// After an error a reader stays where it was, and says it again.
#[test]
fn a_reader_stays_before_what_it_cannot_read() {
    for (data, start, kind, offset) in [
        (&b"\x93\x01\xc1\x02"[..], 2, BodyErrorKind::InvalidTag, 2),
        (b"\x92\x01\xa5ab", 2, BodyErrorKind::UnexpectedEnd, 5),
        (b"\x92\x01\xdc\x00\x09\x01", 2, BodyErrorKind::UnexpectedEnd, 6),
    ] {
        let mut reader = Reader::new(data);
        reader.token().unwrap();
        reader.token().unwrap();
        for _ in 0..3 {
            for error in [reader.token().unwrap_err(), reader.skip().unwrap_err()] {
                assert_eq!((error.kind(), error.offset(), reader.position()), (kind, offset, start));
            }
            assert_eq!(reader.finish().unwrap_err().offset(), start as u64);
        }
    }
    let mut nested = Reader::new(b"\x92\x92\x01\xc1\x02");
    nested.token().unwrap();
    assert_eq!((nested.skip().unwrap_err().offset(), nested.position()), (3, 1));
}

#[test]
fn counts_that_were_only_announced_are_errors_at_once() {
    let fields = [(0xd9_u8, 1), (0xda, 2), (0xdb, 4), (0xc4, 1), (0xc5, 2), (0xc6, 4), (0xc7, 1), (0xc8, 2), (0xc9, 4)];
    let containers = [(0xdc_u8, 2), (0xdd, 4), (0xde, 2), (0xdf, 4)];
    let mut tried = 0;
    for body in [&b""[..], b"\xc0\xc0\xc0"] {
        for (first, size) in fields.into_iter().chain(containers) {
            for len in hostile_lengths(8 * size as u32, body.len() as u64) {
                if len <= body.len() as u64 {
                    continue;
                }
                tried += 1;
                for inside in [&b""[..], b"\x91", b"\x81\xc0", b"\x92\xc0\x91"] {
                    let data = [inside, &[first], &len.to_be_bytes()[8 - size..], body].concat();
                    let mut reader = Reader::new(&data);
                    let (decoded, skipped) = assert_no_alloc(|| (ValueRef::decode(&data), reader.skip()));
                    for error in [decoded.unwrap_err(), skipped.unwrap_err()] {
                        let found = (error.kind(), error.offset());
                        assert_eq!(found, (BodyErrorKind::UnexpectedEnd, data.len() as u64), "{}", to_hex(&data));
                    }
                    let mut reader = Reader::new(&data);
                    while assert_no_alloc(|| reader.token()).is_ok() {}
                    assert_eq!(reader.position(), inside.len(), "refused before an item is read: {}", to_hex(&data));
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

const MEBIBYTE: usize = if cfg!(miri) { 1 << 12 } else { 1 << 20 };

#[test]
fn a_mebibyte_of_openers_needs_no_stack() {
    let units: [&[u8]; 5] = [b"\x91", b"\x81\xc0", b"\xdc\0\x01", b"\x92\xc0", b"\xdf\0\0\0\x01\xa0"];
    for unit in units {
        let depth = MEBIBYTE / unit.len();
        let open = unit.repeat(depth);
        let whole = [&open[..], b"\xc0"].concat();
        on_small_stack(SMALL_STACK, || {
            assert_no_alloc(|| {
                let error = ValueRef::decode(&open).unwrap_err();
                assert_eq!((error.kind(), error.offset()), (BodyErrorKind::UnexpectedEnd, open.len() as u64));
                let value = ValueRef::decode(&whole).unwrap();
                assert_eq!(value.as_bytes().len(), whole.len());
                let mut reader = value.reader();
                let mut containers = 0;
                while let Ok(token) = reader.token() {
                    containers += usize::from(matches!(token, Token::Array(_) | Token::Map(_)));
                }
                assert_eq!((containers, reader.finish()), (depth, Ok(())));
                assert_eq!(value, ValueRef::decode(&whole).unwrap());
            });
            let value = ValueRef::decode(&whole).unwrap();
            assert_eq!(format!("{value:?}"), format!("ValueRef([{} bytes])", whole.len()));
            let mut run = ValuesBuf::new();
            run.push(value).push(value);
            assert_eq!(run.clone().as_ref().iter().count(), 2);
        });
    }
}

/// A container may announce as many items as there are bytes, again and again: the sum is never taken as there.
#[test]
fn announced_items_add_up_without_wrapping() {
    let mut data = Vec::new();
    for left in (0..if cfg!(miri) { 100 } else { 20_000_u32 }).rev() {
        data.extend([0xdf]);
        data.extend((left * 5 / 2).to_be_bytes());
    }
    let error = assert_no_alloc(|| ValueRef::decode(&data)).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (BodyErrorKind::UnexpectedEnd, data.len() as u64));
}

#[test]
fn twice_the_data_is_twice_the_work() {
    if cfg!(miri) {
        return;
    }
    let shapes: [fn(usize) -> Vec<u8>; 4] = [
        |n| [&[0xdd][..], &(n as u32).to_be_bytes(), &vec![0xc0; n]].concat(),
        |n| [vec![0x91; n], vec![0xc0]].concat(),
        |n| [&[0xdf][..], &(n as u32).to_be_bytes(), &b"\xa1k\x90".repeat(n)].concat(),
        |n| [[0x92, 0xc0].repeat(n), vec![0xc0]].concat(),
    ];
    for shape in shapes {
        laws::linear_cpu(10_000, shape, |data| ValueRef::decode(&data).unwrap().as_bytes().len());
        laws::linear_cpu(10_000, shape, |data| {
            let mut reader = Reader::new(&data);
            std::iter::from_fn(|| reader.token().ok()).count()
        });
    }
    let rooms = |n: usize| [&[0xdd][..], &(n as u32 + 1).to_be_bytes(), b"\xa0", &b"\xa4name".repeat(n)].concat();
    laws::linear_cpu(10_000, rooms, |data| {
        let request = thingsdb_wire::v1::RequestRef::decode(PackageRef { id: 0, kind: 38, data: &data }).unwrap();
        let thingsdb_wire::v1::RequestRef::Join { rooms, .. } = request else { panic!() };
        rooms.rooms().count()
    });
}

#[test]
fn no_debug_shows_what_is_in_a_value() {
    let data = b"\x93\xa6secret\xc4\x06secret\xc7\x06\x01secret";
    let value = ValueRef::decode(data).unwrap();
    let mut reader = value.reader();
    let mut shown = format!("{value:?} {reader:?}");
    while let Ok(token) = reader.token() {
        shown += &format!(" {token:?}");
    }
    assert_eq!(
        shown,
        format!(
            "ValueRef([{0} bytes]) Reader(at 0 of {0}) Array(3) Str([6 bytes]) Bin([6 bytes]) Ext(1, [6 bytes])",
            data.len()
        )
    );
    assert_eq!(format!("{:?} {:?}", ValuesRef::EMPTY, Token::Int(-1)), "ValuesRef(0, [0 bytes]) Int(-1)");
}

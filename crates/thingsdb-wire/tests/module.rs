//! What passes between node and module, from outside: golden frames field by field, and faults by SPEC.md §3 and §4.
#![cfg(feature = "msgpack")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

mod common;

use common::frames;
use proptest::prelude::*;
use rmpv::Value;
use serde_json::{Value as Json, json};
use testkit::assert_no_alloc;
use testkit::vectors::{text, to_hex};
use thingsdb_wire::module::{ErrorRef, FromModule, Kind, ToModule};
use thingsdb_wire::msgpack::Data;
use thingsdb_wire::v1::ErrorCode;
use thingsdb_wire::{BodyErrorKind, PackageRef, Raw};

/// A value as the vectors state it, by rmpv.
fn shown(mut data: &[u8]) -> Json {
    fn to_json(value: &Value) -> Json {
        match value {
            Value::Nil => Json::Null,
            Value::Boolean(value) => json!(value),
            Value::Integer(value) => json!(value.as_i64().unwrap()),
            Value::String(text) => json!(text.as_str().unwrap()),
            Value::Array(items) => items.iter().map(to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), to_json(value))).collect()
            }
            other => panic!("no vector has {other}"),
        }
    }
    let value = rmpv::decode::read_value(&mut data).unwrap();
    assert!(data.is_empty());
    to_json(&value)
}

fn of_error(error: ErrorRef<'_>) -> Json {
    json!([error.code.0, error.message])
}

/// A CONF_OK with nil, as py-timod sends it: written without.
const NOT_CANONICAL: &str = "01000000000041bec0";

#[test]
fn golden_frames_have_the_fields_stated_and_are_written_again() {
    let (mut to, mut from, mut other) = (0, 0, 0);
    for (vector, bytes) in frames().into_iter().filter(|(vector, _)| vector["dialect"] == "module-msgpack") {
        let package = PackageRef::decode(&bytes).unwrap();
        let (fields, kind, body) = if text(&vector, "dir") == "server->module" {
            to += 1;
            let message = ToModule::from(package);
            let fields = match (message, package.kind) {
                (ToModule::Conf(data), 64) | (ToModule::Req(data), 80) => shown(data.value().unwrap().as_bytes()),
                _ => panic!("{vector}"),
            };
            (fields, message.kind(), message.to_body())
        } else {
            from += 1;
            let message = FromModule::decode(package).unwrap();
            let fields = match (message, package.kind) {
                (FromModule::ConfOk, 65) => Json::Null,
                (FromModule::ConfErr(error), 66) => error.map_or(Json::Null, of_error),
                (FromModule::Res(data), 81) => shown(data.value().unwrap().as_bytes()),
                (FromModule::Err(error), 82) => of_error(error),
                _ => panic!("{vector}"),
            };
            (fields, message.kind(), message.to_body())
        };
        assert_eq!(fields, vector["payload_json"], "{vector}");
        assert_eq!(kind, Kind(package.kind), "{vector}");
        let again = body.unwrap().with_id(package.id).as_ref().encode_to_vec().unwrap();
        if text(&vector, "hex") == NOT_CANONICAL {
            other += 1;
            assert_eq!(to_hex(&again), "00000000000041be");
        } else {
            assert_eq!(to_hex(&again), to_hex(&bytes), "{vector}");
        }
    }
    if !cfg!(miri) {
        assert_eq!((to, from, other), (15, 8, 1));
    }
}

#[test]
fn golden_frames_are_read_without_allocating() {
    for (_, bytes) in frames().into_iter().filter(|(vector, _)| vector["dialect"] == "module-msgpack") {
        let package = PackageRef::decode(&bytes).unwrap();
        assert_no_alloc(|| (ToModule::from(package).kind(), FromModule::decode(package).is_ok()));
    }
}

#[test]
fn each_fault_has_its_kind_its_place_and_its_field() {
    use BodyErrorKind::{InvalidLength, InvalidTag, InvalidUtf8, TrailingBytes, UnexpectedEnd, UnexpectedType};
    let faults: [(&[u8], _); 15] = [
        (b"\x92", (UnexpectedEnd, 1, "DATA")),
        (b"\x92\xd0", (UnexpectedEnd, 2, "DATA")),
        (b"\x92\xd1\xff", (UnexpectedEnd, 3, "code")),
        (b"\x92\xff\xa2x", (UnexpectedEnd, 4, "text")),
        (b"\x92\xc1\xa0", (InvalidTag, 1, "code")),
        (b"\x92\xff\xc1", (InvalidTag, 2, "text")),
        (b"\x80", (UnexpectedType, 0, "DATA")),
        (b"\xa1x", (UnexpectedType, 0, "DATA")),
        (b"\x92\xa0\xa0", (UnexpectedType, 1, "code")),
        (b"\x92\xcf\xff\0\0\0\0\0\0\0\xa0", (UnexpectedType, 1, "code")),
        (b"\x92\xff\xc4\x00", (UnexpectedType, 2, "text")),
        (b"\x91\xff", (InvalidLength, 0, "DATA")),
        (b"\x93\xff\xa0\xa0", (InvalidLength, 0, "DATA")),
        (b"\x92\xff\xa1\xff", (InvalidUtf8, 2, "text")),
        (b"\x92\xff\xa0\xc0", (TrailingBytes, 3, "DATA")),
    ];
    for kind in [66, 82] {
        for (data, expected) in faults {
            let error = FromModule::decode(PackageRef { id: 300, kind, data }).unwrap_err();
            assert_eq!((error.kind(), error.offset(), error.what()), expected, "{kind} {}", to_hex(data));
            assert_eq!((error.package_id(), error.package_kind()), (300, kind));
        }
    }
    let error = FromModule::decode(PackageRef { id: 0, kind: 82, data: b"" }).unwrap_err();
    assert_eq!((error.kind(), error.offset(), error.what()), (UnexpectedEnd, 0, "DATA"));
}

/// SPEC.md §4: nodes look at no data of a CONF_OK, and the data of the others is any value.
#[test]
fn data_that_nobody_looks_at_is_left_alone() {
    for data in [&b""[..], b"\xc0", b"\xc1", b"\x92\x01"] {
        let package = |kind| PackageRef { id: 5, kind, data };
        assert_eq!(FromModule::decode(package(65)), Ok(FromModule::ConfOk));
        assert_eq!(FromModule::decode(package(81)), Ok(FromModule::Res(Data::of(package(81)))));
        assert_eq!(ToModule::from(package(64)), ToModule::Conf(Data::of(package(64))));
        assert_eq!(ToModule::from(package(80)), ToModule::Req(Data::of(package(80))));
        for kind in [0, 63, 67, 79, 83, 255] {
            let from = FromModule::decode(package(kind)).unwrap();
            assert_eq!(from, FromModule::Unknown(Kind(kind), Raw(data)));
            let to = ToModule::from(package(kind));
            assert_eq!(to, ToModule::Unknown(Kind(kind), Raw(data)));
            for body in [from.to_body().unwrap(), to.to_body().unwrap()] {
                assert_eq!(body.with_id(5).as_ref(), package(kind));
            }
        }
        // Each has its own direction.
        assert_eq!(FromModule::decode(package(80)), Ok(FromModule::Unknown(Kind::REQ, Raw(data))));
        assert_eq!(ToModule::from(package(82)), ToModule::Unknown(Kind::ERR, Raw(data)));
    }
    assert_eq!(FromModule::decode(PackageRef { id: 0, kind: 66, data: b"" }), Ok(FromModule::ConfErr(None)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 5 } else { 500 }))]

    #[test]
    fn errors_come_back_and_are_written_as_rmpv_writes_them(code: i64, message: String, id: u16) {
        let error = ErrorRef { code: ErrorCode(code), message: &message };
        let mut expected = Vec::new();
        rmpv::encode::write_value(&mut expected, &Value::Array(vec![code.into(), message.as_str().into()])).unwrap();
        for sent in [FromModule::Err(error), FromModule::ConfErr(Some(error))] {
            let package = sent.to_body().unwrap().with_id(id);
            prop_assert_eq!(to_hex(&package.data), to_hex(&expected));
            prop_assert_eq!(FromModule::decode(package.as_ref()), Ok(sent));
        }
    }
}

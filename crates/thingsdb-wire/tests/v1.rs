//! The bodies of v1 from outside: golden frames field by field, faults by SPEC.md §3, and rmpv as a second opinion on values.
#![cfg(feature = "msgpack")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

mod common;

use common::{frames, vectors};
use proptest::prelude::*;
use rmpv::Value;
use serde_json::{Value as Json, json};
use testkit::assert_no_alloc;
use testkit::vectors::{encoding, hex, text, to_hex};
use thingsdb_wire::msgpack::{Data, ValueRef, ValuesBuf, ValuesRef};
use thingsdb_wire::v1::{
    AnswerRef, Credentials, ErrorCode, ErrorRef, EventRef, Ext, ExtRef, Kind, RequestRef, Room, RoomRef, Scope,
};
use thingsdb_wire::{BodyError, BodyErrorKind, EncodeError, Limit, Limits, PackageRef, Raw};

/// A value as the vectors state it, by rmpv.
fn shown(mut data: &[u8]) -> Json {
    let value = rmpv::decode::read_value(&mut data).unwrap();
    assert!(data.is_empty());
    to_json(&value)
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Integer(value) => value.as_i64().map_or_else(|| json!(value.as_u64()), |value| json!(value)),
        Value::F32(value) => json!(value),
        Value::F64(value) => json!(value),
        Value::String(text) => json!(text.as_str().unwrap()),
        Value::Binary(bytes) => json!({"$bytes": to_hex(bytes)}),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => {
            entries.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), to_json(value))).collect()
        }
        Value::Ext(..) => panic!("no vector has one"),
    }
}

fn many(values: ValuesRef<'_>) -> Vec<Json> {
    let shown: Vec<_> = values.iter().map(|value| shown(value.as_bytes())).collect();
    assert_eq!(shown.len(), values.len());
    shown
}

fn room(room: Room<'_>) -> Json {
    match room {
        Room::Id(id) => json!(id),
        Room::Name(name) => json!(name),
    }
}

/// What the fields of a request say, in the shape of `payload_json`.
fn of_request(request: &RequestRef<'_>) -> Json {
    match *request {
        RequestRef::Ping => Json::Null,
        RequestRef::Auth(Credentials::Password { user, password }) => json!([user, password]),
        RequestRef::Auth(Credentials::Token(token)) => json!(token),
        RequestRef::Query { scope, code: second, variables: third }
        | RequestRef::Run { scope, procedure: second, args: third } => {
            let mut items = vec![json!(scope), json!(second)];
            items.extend(third.map(|value| shown(value.as_bytes())));
            items.into()
        }
        RequestRef::Watch(data) | RequestRef::Unwatch(data) => shown(data.0),
        RequestRef::Join { scope, rooms } | RequestRef::Leave { scope, rooms } => {
            let mut items = vec![json!(scope)];
            items.extend(rooms.rooms().map(room));
            assert_eq!(items.len(), rooms.len() + 1);
            items.into()
        }
        RequestRef::Emit { scope, room: at, event, args } | RequestRef::EmitPeer { scope, room: at, event, args } => {
            let mut items = vec![json!(scope), room(at), json!(event)];
            items.extend(many(args));
            items.into()
        }
        _ => panic!("{request:?}"),
    }
}

fn of_answer(answer: &AnswerRef<'_>) -> Json {
    match *answer {
        AnswerRef::Pong | AnswerRef::Ok => Json::Null,
        AnswerRef::Data(data) => {
            assert_eq!(data.value().unwrap().as_bytes(), data.as_bytes());
            shown(data.as_bytes())
        }
        AnswerRef::Error(error) => json!({"error_code": error.code.0, "error_msg": error.message}),
        _ => panic!("{answer:?}"),
    }
}

fn of_event(event: &EventRef<'_>) -> Json {
    match *event {
        EventRef::NodeStatus { node, status } => json!({"id": node.unwrap(), "status": status}),
        EventRef::Warn { code, message } => json!({"warn_code": code, "warn_msg": message}),
        EventRef::RoomJoin(room) | EventRef::RoomLeave(room) | EventRef::RoomDelete(room) => {
            json!({"scope": room.scope.unwrap(), "id": room.id})
        }
        EventRef::RoomEmit { room, event, args } => {
            json!({"scope": room.scope.unwrap(), "id": room.id, "event": event, "args": many(args)})
        }
        _ => panic!("{event:?}"),
    }
}

/// Golden requests that a server refuses, and what we say of them; offsets by SPEC.md §3.
const REFUSED: [(&str, BodyErrorKind, u64, &str); 3] = [
    // ["admin"], which the server answered with -53.
    ("07000000020021de91a561646d696e", BodyErrorKind::InvalidLength, 0, "DATA"),
    // The published RUN: ["@t", "add_one", 41].
    ("0d000000170025da93a24074a76164645f6f6e6529", BodyErrorKind::UnexpectedType, 12, "args"),
    // An EMIT without an event: ["//stuff", 5].
    ("0a000000200028d792a72f2f737475666605", BodyErrorKind::InvalidLength, 0, "DATA"),
];

/// The PING of the Go client, with nil, which is written without.
const NOT_CANONICAL: &str = "01000000000020dfc0";

#[test]
fn golden_frames_have_the_fields_stated_and_are_written_again() {
    let (mut requests, mut answers, mut events, mut refused, mut other) = (0, 0, 0, 0, 0);
    for (vector, bytes) in frames().into_iter().filter(|(vector, _)| vector["dialect"] == "v1-msgpack") {
        let package = PackageRef::decode(&bytes).unwrap();
        let (fields, kind, body) = if text(&vector, "dir") == "client->server" {
            requests += 1;
            let request = RequestRef::decode(package);
            if let Some((_, kind, offset, what)) = REFUSED.iter().find(|refused| refused.0 == text(&vector, "hex")) {
                let error = request.unwrap_err();
                assert_eq!((error.kind(), error.offset(), error.what()), (*kind, *offset, *what), "{vector}");
                assert_eq!((error.package_id(), error.package_kind()), (package.id, package.kind));
                refused += 1;
                continue;
            }
            let request = request.unwrap();
            (of_request(&request), request.kind(), request.to_body())
        } else if package.kind < 16 {
            events += 1;
            let event = EventRef::decode(package).unwrap();
            (of_event(&event), event.kind(), event.to_body())
        } else {
            answers += 1;
            let answer = AnswerRef::decode(package).unwrap();
            (of_answer(&answer), answer.kind(), answer.to_body())
        };
        assert_eq!(fields, vector["payload_json"], "{vector}");
        assert_eq!(kind, Kind(package.kind), "{vector}");
        let again = body.unwrap().with_id(package.id).as_ref().encode_to_vec().unwrap();
        if text(&vector, "hex") == NOT_CANONICAL {
            other += 1;
            assert_eq!(to_hex(&again), "00000000000020df");
        } else {
            assert_eq!(to_hex(&again), to_hex(&bytes), "{vector}");
        }
    }
    if !cfg!(miri) {
        assert_eq!((requests, answers, events, refused, other), (45, 55, 11, REFUSED.len(), 1));
    }
}

#[test]
fn golden_frames_are_read_without_allocating() {
    for (_, bytes) in frames().into_iter().filter(|(vector, _)| vector["dialect"] == "v1-msgpack") {
        let package = PackageRef::decode(&bytes).unwrap();
        assert_no_alloc(|| {
            let rooms = match RequestRef::decode(package) {
                Ok(RequestRef::Join { rooms, .. } | RequestRef::Emit { args: rooms, .. }) => rooms.rooms().count(),
                _ => 0,
            };
            let args = match EventRef::decode(package) {
                Ok(EventRef::RoomEmit { args, .. }) => args.iter().count(),
                _ => 0,
            };
            let data = AnswerRef::decode(package).is_ok_and(|answer| match answer {
                AnswerRef::Data(data) => data.value().is_ok() && data.room_ids(|_| ()).is_ok(),
                _ => false,
            });
            (rooms, args, data)
        });
    }
}

#[test]
fn faulty_bodies_come_to_what_is_committed() {
    let expected = testkit::vectors::jsonl("tests/vectors/v1_expected.jsonl");
    assert_eq!(expected.len(), 24);
    let mut seen = 0;
    for vector in vectors("thingsdb_malformed.jsonl", 43) {
        let bytes = encoding(&vector);
        let Ok(package) = PackageRef::decode_with(&bytes, &Limits::V1) else { continue };
        if vector["dialect"] != "v1-msgpack" {
            continue;
        }
        seen += 1;
        let mut found = json!({"hex": vector["hex"]});
        match RequestRef::decode(package) {
            Ok(request) => found["ok"] = json!(request.kind().to_string()),
            Err(error) => {
                found["error"] = json!(error.kind().to_string());
                found["offset"] = json!(error.offset());
                found["what"] = json!(error.what());
            }
        }
        let expected = expected.iter().find(|expected| expected["hex"] == vector["hex"]);
        assert_eq!(Some(&found), expected, "{vector}");
    }
    assert!(seen == expected.len() || cfg!(miri), "{seen}");
}

/// What was wrong, or nothing.
type Verdict = Option<(BodyErrorKind, u64, &'static str)>;

fn verdict<T>(result: Result<T, BodyError>) -> Verdict {
    result.err().map(|error| (error.kind(), error.offset(), error.what()))
}

/// Reads the data of a package of this type as what it is.
fn read(kind: Kind, data: &[u8]) -> Verdict {
    let package = PackageRef { id: 7, kind: kind.0, data };
    let result = match kind.0 {
        0..16 => EventRef::decode(package).map(drop),
        16..32 => AnswerRef::decode(package).map(drop),
        _ => RequestRef::decode(package).map(drop),
    };
    if let Err(error) = result {
        assert_eq!((error.package_id(), error.package_kind()), (7, kind.0));
    }
    verdict(result)
}

/// The fault table of SPEC.md §3, counted by hand. Digits are data in hex, texts in between stand for themselves.
#[test]
fn each_fault_has_its_kind_its_place_and_its_field() {
    use BodyErrorKind::{
        DuplicateField, InvalidLength, InvalidTag, InvalidUtf8, MissingField, TrailingBytes, UnexpectedEnd,
        UnexpectedType,
    };
    let table: &[(Kind, &[u8], Verdict)] = &[
        // No data, and data that ends in a value.
        (Kind::QUERY, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::RUN, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::JOIN, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::LEAVE, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::EMIT, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::EMIT_PEER, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::ERROR, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::WARN, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::NODE_STATUS, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::ROOM_JOIN, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::ROOM_EMIT, b"", Some((UnexpectedEnd, 0, "DATA"))),
        (Kind::QUERY, b"\x92", Some((UnexpectedEnd, 1, "DATA"))),
        (Kind::QUERY, b"\x92\xa2@", Some((UnexpectedEnd, 3, "scope"))),
        (Kind::QUERY, b"\x92\xa2@t\xa61", Some((UnexpectedEnd, 6, "code"))),
        (Kind::QUERY, b"\x93\xa2@t\xa11\x81\xa1", Some((UnexpectedEnd, 8, "variables"))),
        (Kind::QUERY, b"\x93\xa2@t\xa11", Some((UnexpectedEnd, 6, "variables"))),
        (Kind::RUN, b"\x92\xa2@t\xd9", Some((UnexpectedEnd, 5, "procedure"))),
        (Kind::RUN, b"\x93\xa2@t\xa1p\x92\x01", Some((UnexpectedEnd, 8, "args"))),
        (Kind::AUTH, b"\x92\xa1u", Some((UnexpectedEnd, 3, "password"))),
        (Kind::AUTH, b"\x92\xa5u", Some((UnexpectedEnd, 3, "user"))),
        (Kind::AUTH, b"\xb6xx", Some((UnexpectedEnd, 3, "token"))),
        (Kind::JOIN, b"\x92\xa2@t\xcd\x01", Some((UnexpectedEnd, 6, "room"))),
        (Kind::EMIT, b"\x94\xa2@t\x05\xa1e\xcb\0\0", Some((UnexpectedEnd, 10, "args"))),
        (Kind::ERROR, b"\x82\xaaerror_code\xd0", Some((UnexpectedEnd, 13, "error_code"))),
        (Kind::ERROR, b"\x82\xaaerror_code\xff\xa9error_msg\xa2x", Some((UnexpectedEnd, 25, "error_msg"))),
        (Kind::ERROR, b"\x82\xaaerr", Some((UnexpectedEnd, 5, "key"))),
        // More items than bytes are left.
        (Kind::EMIT, b"\xdd\xff\xff\xff\xff\xa0", Some((UnexpectedEnd, 6, "DATA"))),
        (Kind::ERROR, b"\xdf\x80\0\0\0\xa0\xa0", Some((UnexpectedEnd, 7, "DATA"))),
        (Kind::ERROR, b"\x82\xa1a\xa1", Some((UnexpectedEnd, 4, "DATA"))),
        (Kind::ROOM_EMIT, b"\x82\xa4args\xdc\xff\xff\x01", Some((UnexpectedEnd, 10, "args"))),
        // c1
        (Kind::QUERY, b"\x92\xc1\xa0", Some((InvalidTag, 1, "scope"))),
        (Kind::QUERY, b"\x92\xa0\xc1", Some((InvalidTag, 2, "code"))),
        (Kind::QUERY, b"\x93\xa0\xa0\x81\xa1a\xc1", Some((InvalidTag, 6, "variables"))),
        (Kind::RUN, b"\x93\xa0\xa0\xc1", Some((InvalidTag, 3, "args"))),
        (Kind::JOIN, b"\x92\xa0\xc1", Some((InvalidTag, 2, "room"))),
        (Kind::EMIT, b"\x94\xa0\x01\xa0\x91\xc1", Some((InvalidTag, 5, "args"))),
        (Kind::ERROR, b"\x81\xc1\xc0", Some((InvalidTag, 1, "key"))),
        (Kind::WARN, b"\x81\xa9warn_code\xc1", Some((InvalidTag, 11, "warn_code"))),
        (Kind::ROOM_EMIT, b"\x81\xa4args\x92\xc0\xc1", Some((InvalidTag, 8, "args"))),
        // A value of another type.
        (Kind::QUERY, b"\x80", Some((UnexpectedType, 0, "DATA"))),
        (Kind::QUERY, b"\xa0", Some((UnexpectedType, 0, "DATA"))),
        (Kind::AUTH, b"\x80", Some((UnexpectedType, 0, "DATA"))),
        (Kind::AUTH, b"\xc4\x01u", Some((UnexpectedType, 0, "DATA"))),
        (Kind::AUTH, b"\x92\xc4\x01u\xa1p", Some((UnexpectedType, 1, "user"))),
        (Kind::AUTH, b"\x92\xa1u\xc0", Some((UnexpectedType, 3, "password"))),
        (Kind::QUERY, b"\x92\xc4\x02@t\xa0", Some((UnexpectedType, 1, "scope"))),
        (Kind::QUERY, b"\x92\xa2@t\xc4\x00", Some((UnexpectedType, 4, "code"))),
        (Kind::QUERY, b"\x93\xa2@t\xa0\xc0", Some((UnexpectedType, 5, "variables"))),
        (Kind::QUERY, b"\x93\xa2@t\xa0\x90", Some((UnexpectedType, 5, "variables"))),
        (Kind::RUN, b"\x92\xa2@t\x05", Some((UnexpectedType, 4, "procedure"))),
        (Kind::RUN, b"\x93\xa2@t\xa0\xc2", Some((UnexpectedType, 5, "args"))),
        (Kind::RUN, b"\x93\xa2@t\xa0\xa0", Some((UnexpectedType, 5, "args"))),
        (Kind::RUN, b"\x93\xa2@t\xa0\xd4\x00\x80", Some((UnexpectedType, 5, "args"))),
        (Kind::JOIN, b"\x93\xa2@t\x05\xcb\0\0\0\0\0\0\0\0", Some((UnexpectedType, 5, "room"))),
        (Kind::LEAVE, b"\x92\xa2@t\xc4\x01a", Some((UnexpectedType, 4, "room"))),
        (Kind::JOIN, b"\x92\xa2@t\xcf\x80\0\0\0\0\0\0\0", Some((UnexpectedType, 4, "room"))),
        (Kind::EMIT, b"\x93\xa2@t\xc0\xa1e", Some((UnexpectedType, 4, "room"))),
        (Kind::EMIT_PEER, b"\x93\xa2@t\x05\xc4\x01e", Some((UnexpectedType, 5, "event"))),
        (Kind::ERROR, b"\x90", Some((UnexpectedType, 0, "DATA"))),
        (Kind::ERROR, b"\x82\xaaerror_code\xa1x\xa9error_msg\xa0", Some((UnexpectedType, 12, "error_code"))),
        (Kind::ERROR, b"\x82\xaaerror_code\xff\xa9error_msg\xc0", Some((UnexpectedType, 23, "error_msg"))),
        (Kind::ERROR, b"\x81\xaaerror_code\xcf\x80\0\0\0\0\0\0\0", Some((UnexpectedType, 12, "error_code"))),
        (Kind::WARN, b"\x81\xa8warn_msg\x01", Some((UnexpectedType, 10, "warn_msg"))),
        (Kind::NODE_STATUS, b"\xc4\x01a", Some((UnexpectedType, 0, "DATA"))),
        (Kind::NODE_STATUS, b"\x82\xa2id\xc0\xa6status\xa0", Some((UnexpectedType, 4, "id"))),
        (Kind::NODE_STATUS, b"\x82\xa2id\x00\xa6status\x01", Some((UnexpectedType, 12, "status"))),
        (Kind::ROOM_JOIN, b"\x82\xa5scope\xc0\xa2id\x05", Some((UnexpectedType, 7, "scope"))),
        (Kind::ROOM_DELETE, b"\x81\xa2id\xa15", Some((UnexpectedType, 4, "id"))),
        (Kind::ROOM_EMIT, b"\x81\xa5event\x05", Some((UnexpectedType, 7, "event"))),
        (Kind::ROOM_EMIT, b"\x81\xa4args\x80", Some((UnexpectedType, 6, "args"))),
        // Too few items, and too many.
        (Kind::AUTH, b"\x90", Some((InvalidLength, 0, "DATA"))),
        (Kind::QUERY, b"\x90", Some((InvalidLength, 0, "DATA"))),
        (Kind::QUERY, b"\x94\xa0\xa0\x80\x01", Some((InvalidLength, 0, "DATA"))),
        (Kind::RUN, b"\x91\xa0", Some((InvalidLength, 0, "DATA"))),
        (Kind::RUN, b"\x94\xa0\xa0\x90\x01", Some((InvalidLength, 0, "DATA"))),
        (Kind::JOIN, b"\x90", Some((InvalidLength, 0, "DATA"))),
        (Kind::EMIT, b"\x91\xa0", Some((InvalidLength, 0, "DATA"))),
        (Kind::EMIT_PEER, b"\x92\xa0\x05", Some((InvalidLength, 0, "DATA"))),
        // Not UTF-8.
        (Kind::AUTH, b"\xa1\xff", Some((InvalidUtf8, 0, "token"))),
        (Kind::AUTH, b"\x92\xa1\xff\xa0", Some((InvalidUtf8, 1, "user"))),
        (Kind::AUTH, b"\x92\xa0\xa1\xff", Some((InvalidUtf8, 2, "password"))),
        (Kind::QUERY, b"\x92\xa1\xff\xa0", Some((InvalidUtf8, 1, "scope"))),
        (Kind::QUERY, b"\x92\xa0\xd9\x02\xc3\x28", Some((InvalidUtf8, 2, "code"))),
        (Kind::RUN, b"\x92\xa0\xa1\x80", Some((InvalidUtf8, 2, "procedure"))),
        (Kind::JOIN, b"\x93\xa0\x01\xa1\xff", Some((InvalidUtf8, 3, "room"))),
        (Kind::EMIT, b"\x93\xa0\xa1\xff\xa0", Some((InvalidUtf8, 2, "room"))),
        (Kind::EMIT, b"\x93\xa0\x01\xa1\xff", Some((InvalidUtf8, 3, "event"))),
        (Kind::ERROR, b"\x82\xaaerror_code\xff\xa9error_msg\xa1\xff", Some((InvalidUtf8, 23, "error_msg"))),
        (Kind::WARN, b"\x81\xa8warn_msg\xa1\xff", Some((InvalidUtf8, 10, "warn_msg"))),
        (Kind::NODE_STATUS, b"\x81\xa6status\xa1\xff", Some((InvalidUtf8, 8, "status"))),
        (Kind::ROOM_LEAVE, b"\x82\xa5scope\xa1\xff\xa2id\x05", Some((InvalidUtf8, 7, "scope"))),
        (Kind::ROOM_EMIT, b"\x81\xa5event\xa1\xff", Some((InvalidUtf8, 7, "event"))),
        // A field twice; the second value may be anything.
        (Kind::ERROR, b"\x82\xaaerror_code\xff\xaaerror_code\xff", Some((DuplicateField, 24, "error_code"))),
        (Kind::ERROR, b"\x82\xa9error_msg\xa0\xa9error_msg\x01", Some((DuplicateField, 22, "error_msg"))),
        (Kind::WARN, b"\x82\xa9warn_code\x01\xa9warn_code\x01", Some((DuplicateField, 22, "warn_code"))),
        (Kind::NODE_STATUS, b"\x82\xa2id\x01\xa2id\x01", Some((DuplicateField, 8, "id"))),
        (Kind::ROOM_JOIN, b"\x82\xa5scope\xa0\xa5scope\xa0", Some((DuplicateField, 14, "scope"))),
        (Kind::ROOM_EMIT, b"\x82\xa4args\x90\xa4args\x90", Some((DuplicateField, 12, "args"))),
        // A field that is not there.
        (Kind::ERROR, b"\x80", Some((MissingField, 0, "error_code"))),
        (Kind::ERROR, b"\x81\xaaerror_code\xff", Some((MissingField, 0, "error_msg"))),
        (Kind::WARN, b"\x81\xa9warn_code\x01", Some((MissingField, 0, "warn_msg"))),
        (Kind::WARN, b"\x81\xa8warn_msg\xa0", Some((MissingField, 0, "warn_code"))),
        (Kind::NODE_STATUS, b"\x81\xa2id\x01", Some((MissingField, 0, "status"))),
        (Kind::ROOM_JOIN, b"\x81\xa5scope\xa0", Some((MissingField, 0, "id"))),
        (Kind::ROOM_DELETE, b"\x80", Some((MissingField, 0, "id"))),
        (Kind::ROOM_EMIT, b"\x82\xa2id\x01\xa4args\x90", Some((MissingField, 0, "event"))),
        (Kind::ROOM_EMIT, b"\x82\xa2id\x01\xa5event\xa0", Some((MissingField, 0, "args"))),
        (Kind::ROOM_EMIT, b"\x82\xa4args\x90\xa5event\xa0", Some((MissingField, 0, "id"))),
        // Bytes behind the value.
        (Kind::AUTH, b"\xa1t\xc0", Some((TrailingBytes, 2, "DATA"))),
        (Kind::QUERY, b"\x92\xa0\xa0\xc1", Some((TrailingBytes, 3, "DATA"))),
        (Kind::RUN, b"\x92\xa0\xa0\x90", Some((TrailingBytes, 3, "DATA"))),
        (Kind::JOIN, b"\x91\xa0\x05", Some((TrailingBytes, 2, "DATA"))),
        (Kind::EMIT, b"\x93\xa0\x05\xa0\xa0", Some((TrailingBytes, 4, "DATA"))),
        (Kind::ERROR, b"\x82\xaaerror_code\xff\xa9error_msg\xa0\0", Some((TrailingBytes, 24, "DATA"))),
        (Kind::NODE_STATUS, b"\xa5READY\xc0", Some((TrailingBytes, 6, "DATA"))),
        (Kind::ROOM_JOIN, b"\x81\xa2id\x05\xff", Some((TrailingBytes, 5, "DATA"))),
        // What is fine though it looks odd.
        (Kind::PING, b"\xc1\xff\x00", None),
        (Kind::PONG, b"\xc1", None),
        (Kind::OK, b"\x92", None),
        (Kind::DATA, b"\xc1", None),
        (Kind::DATA, b"", None),
        (Kind::WATCH, b"\xc1", None),
        (Kind::UNWATCH, b"", None),
        (Kind::AUTH, b"\xa0", None),
        (Kind::AUTH, b"\xdd\0\0\0\x02\xdb\0\0\0\x01u\xda\0\x01p", None),
        (Kind::QUERY, b"\x93\xa0\xa0\xdf\0\0\0\x01\xc0\xc0", None),
        (Kind::RUN, b"\x93\xa0\xa0\xc0", None),
        (Kind::RUN, b"\x93\xa0\xa0\xdc\0\0", None),
        (Kind::RUN, b"\x93\xa0\xa0\xde\0\0", None),
        (Kind::JOIN, b"\x91\xa0", None),
        (Kind::JOIN, b"\x93\xa0\xd3\xff\xff\xff\xff\xff\xff\xff\xff\xce\0\0\0\x05", None),
        (Kind::EMIT, b"\x93\xa0\x05\xa0", None),
        (Kind::NODE_STATUS, b"\xa5READY", None),
        (Kind::NODE_STATUS, b"\x81\xa6status\xa5READY", None),
        (Kind::ERROR, b"\x83\xa9error_msg\xa0\x05\x91\xc0\xaaerror_code\xd3\xff\xff\xff\xff\xff\xff\xff\xc8", None),
        (Kind(42), b"\xc1", None),
        (Kind(63), b"", None),
        (Kind(31), b"\xc1", None),
        (Kind(1), b"\xc1", None),
    ];
    for (kind, data, expected) in table {
        assert_eq!(&read(*kind, data), expected, "{kind} {}", to_hex(data));
    }
}

/// SPEC.md §3: `DATA` before the first field, as nothing is there to tell which form it is.
#[test]
fn an_auth_without_data_lacks_its_data() {
    assert_eq!(read(Kind::AUTH, b""), Some((BodyErrorKind::UnexpectedEnd, 0, "DATA")));
}

/// A NODE_STATUS of 2021 and before.
#[test]
fn a_status_that_is_a_faulty_text_is_told_as_such() {
    let cut = (BodyErrorKind::UnexpectedEnd, 3, "status");
    assert_eq!(
        [read(Kind::NODE_STATUS, b"\xa1\xff"), read(Kind::NODE_STATUS, b"\xa5RE")],
        [Some((BodyErrorKind::InvalidUtf8, 0, "status")), Some(cut)]
    );
}

/// Every strict prefix of a golden body ends too early, at its end.
#[test]
fn a_body_that_is_cut_ends_too_early() {
    let mut cuts = 0;
    for (_, bytes) in frames().into_iter().filter(|(vector, _)| vector["dialect"] == "v1-msgpack") {
        let package = PackageRef::decode(&bytes).unwrap();
        let looked_at = !matches!(Kind(package.kind), Kind::PING | Kind::WATCH | Kind::UNWATCH | Kind::DATA);
        let whole = read(Kind(package.kind), package.data);
        if !looked_at || whole.is_some() {
            continue;
        }
        for end in 0..package.data.len() {
            let (kind, offset, _) = read(Kind(package.kind), &package.data[..end]).unwrap();
            assert_eq!((kind, offset), (BodyErrorKind::UnexpectedEnd, end as u64), "{}", to_hex(&bytes));
            cuts += 1;
        }
    }
    assert!(cuts > 2000 || cfg!(miri), "{cuts}");
}

/// Sheet §4.3; the refused ones are those it calls errors, and what follows none of its forms.
#[test]
fn scopes_have_the_forms_that_servers_take() {
    let (long, too_long) = (format!("//{}", "n".repeat(255)), format!("@:{}", "n".repeat(256)));
    let table: &[(&str, Option<Scope<'_>>)] = &[
        ("@thingsdb", Some(Scope::ThingsDb)),
        ("/thingsdb", Some(Scope::ThingsDb)),
        ("@t", Some(Scope::ThingsDb)),
        ("@th", Some(Scope::ThingsDb)),
        ("/thingsd", Some(Scope::ThingsDb)),
        ("@node", Some(Scope::Node(None))),
        ("/node", Some(Scope::Node(None))),
        ("@n", Some(Scope::Node(None))),
        ("/no", Some(Scope::Node(None))),
        ("@node:", Some(Scope::Node(None))),
        ("/n/", Some(Scope::Node(None))),
        ("@node:0", Some(Scope::Node(Some(0)))),
        ("/node/63", Some(Scope::Node(Some(63)))),
        ("@n:7", Some(Scope::Node(Some(7)))),
        ("@node:64", None),
        ("/node/255", None),
        ("@node:256", None),
        ("@node:-1", None),
        ("@node:+1", None),
        ("@node: 1", None),
        ("@node:x", None),
        ("@node:1:2", None),
        ("@node:٣", None),
        ("@node:99999999999999999999999999", None),
        ("@collection:stuff", Some(Scope::Collection("stuff"))),
        ("/collection/stuff", Some(Scope::Collection("stuff"))),
        ("/c/stuff", Some(Scope::Collection("stuff"))),
        ("@co:stuff", Some(Scope::Collection("stuff"))),
        ("@:stuff", Some(Scope::Collection("stuff"))),
        ("//stuff", Some(Scope::Collection("stuff"))),
        ("//_", Some(Scope::Collection("_"))),
        ("@:a1_B", Some(Scope::Collection("a1_B"))),
        (&long, Some(Scope::Collection(&long[2..]))),
        (&too_long, None),
        ("@:", None),
        ("//", None),
        ("@:1a", None),
        ("@:a-b", None),
        ("@:a b", None),
        ("@:é", None),
        ("@:a:b", None),
        ("//a/b", None),
        ("@collection", None),
        ("/c", None),
        ("@collection:", None),
        // Mixed.
        ("@/stuff", None),
        ("/:stuff", None),
        ("@collection/stuff", None),
        ("/collection:stuff", None),
        ("@node/3", None),
        ("/node:3", None),
        // No scopes.
        ("", None),
        ("@", None),
        ("/", None),
        ("stuff", None),
        ("thingsdb", None),
        ("@x", None),
        ("@thingsdbs", None),
        ("@nodes", None),
        ("@collections:stuff", None),
        ("@hingsdb", None),
        (" @t", None),
        ("@@t", None),
    ];
    for (text, expected) in table {
        let found = Scope::parse(text);
        assert_eq!(found.ok(), *expected, "{text}");
        if let Ok(scope) = found {
            assert_eq!(Scope::parse(&scope.to_string()), Ok(scope), "{text}");
        }
    }
    for (scope, text) in [
        (Scope::ThingsDb, "@thingsdb"),
        (Scope::Node(None), "@node"),
        (Scope::Node(Some(63)), "@node:63"),
        (Scope::Collection("stuff"), "@collection:stuff"),
    ] {
        assert_eq!(scope.to_string(), text);
    }
}

/// The golden requests name scopes as real clients do.
#[test]
fn golden_scopes_are_scopes_but_for_the_refused_one() {
    let mut refused = Vec::new();
    for (vector, _) in frames().into_iter().filter(|(vector, _)| vector["dialect"] == "v1-msgpack") {
        let asks = vector["type"].as_u64().is_some_and(|kind| matches!(kind, 34 | 37..=41));
        if let Some(scope) = vector["payload_json"][0].as_str().filter(|_| asks) {
            if Scope::parse(scope).is_err() {
                refused.push(scope.to_owned());
            }
        }
    }
    assert!(refused == ["stuff"] || cfg!(miri), "{refused:?}");
}

/// Sheet §4.6.
#[test]
fn error_codes_have_the_names_that_servers_give() {
    let table = [
        (-64, "CANCELLED", ErrorCode::CANCELLED),
        (-63, "OPERATION", ErrorCode::OPERATION),
        (-62, "NUM_ARGUMENTS", ErrorCode::NUM_ARGUMENTS),
        (-61, "TYPE", ErrorCode::TYPE),
        (-60, "VALUE", ErrorCode::VALUE),
        (-59, "OVERFLOW", ErrorCode::OVERFLOW),
        (-58, "ZERO_DIV", ErrorCode::ZERO_DIV),
        (-57, "MAX_QUOTA", ErrorCode::MAX_QUOTA),
        (-56, "AUTH", ErrorCode::AUTH),
        (-55, "FORBIDDEN", ErrorCode::FORBIDDEN),
        (-54, "LOOKUP", ErrorCode::LOOKUP),
        (-53, "BAD_DATA", ErrorCode::BAD_DATA),
        (-52, "SYNTAX", ErrorCode::SYNTAX),
        (-51, "NODE", ErrorCode::NODE),
        (-50, "ASSERTION", ErrorCode::ASSERTION),
        (-6, "RESULT_TOO_LARGE", ErrorCode::RESULT_TOO_LARGE),
        (-5, "REQUEST_TIMEOUT", ErrorCode::REQUEST_TIMEOUT),
        (-4, "REQUEST_CANCELLED", ErrorCode::REQUEST_CANCELLED),
        (-3, "WRITE", ErrorCode::WRITE),
        (-2, "MEMORY", ErrorCode::MEMORY),
        (-1, "INTERNAL", ErrorCode::INTERNAL),
    ];
    for code in -200..=200 {
        let entry = table.iter().find(|entry| entry.0 == code);
        assert_eq!(ErrorCode(code).name(), entry.map(|entry| entry.1), "{code}");
        assert_eq!(ErrorCode(code).is_raised_by_user(), (-127..=-100).contains(&code), "{code}");
    }
    for (code, name, constant) in table {
        assert_eq!((constant.0, constant.to_string().as_str()), (code, name));
    }
}

/// Codes that no server sends survive, in the shortest form, and first: in one byte from -32, in `d0 xx` down to -128.
#[test]
fn any_error_code_is_kept_and_written_short() {
    for (code, form) in [
        (-1, "ff"),
        (-32, "e0"),
        (-33, "d0df"),
        (-64, "d0c0"),
        (-128, "d080"),
        (-129, "d1ff7f"),
        (0, "00"),
        (127, "7f"),
        (128, "cc80"),
        (i64::MIN, "d38000000000000000"),
        (i64::MAX, "cf7fffffffffffffff"),
    ] {
        let error = ErrorRef { code: ErrorCode(code), message: "m" };
        let body = AnswerRef::Error(error).to_body().unwrap();
        let expected = format!("82{}{form}{}a16d", "aa6572726f725f636f6465", "a96572726f725f6d7367");
        assert_eq!(to_hex(&body.data), expected, "{code}");
        assert_eq!(AnswerRef::decode(body.with_id(1).as_ref()), Ok(AnswerRef::Error(error)));
    }
    // In any width.
    for wide in ["d0c8", "d1ffc8", "d2ffffffc8", "d3ffffffffffffffc8"] {
        let data = hex(&format!("82aa6572726f725f636f6465{wide}a96572726f725f6d7367a0"));
        let answer = AnswerRef::decode(PackageRef { id: 0, kind: 19, data: &data }).unwrap();
        assert_eq!(answer, AnswerRef::Error(ErrorRef { code: ErrorCode::AUTH, message: "" }), "{wide}");
    }
}

#[test]
fn extensions_are_those_of_servers_both_ways() {
    let id = 0x0102_0304_0506_0708_u64;
    let id_bytes = [1, 2, 3, 4, 5, 6, 7, 8];
    let table: [(i8, &[u8], ExtRef<'_>, Option<&str>); 15] = [
        (0, b"\x92\x01", ExtRef::Mpdata(b"\x92\x01"), Some("MPDATA")),
        (1, b"/a.*/i", ExtRef::Regex(b"/a.*/i"), Some("REGEX")),
        (2, b"|x|x+1", ExtRef::Closure(b"|x|x+1"), Some("CLOSURE")),
        (3, &id_bytes, ExtRef::Room(id), Some("ROOM")),
        (4, &id_bytes, ExtRef::Task(id), Some("TASK")),
        (5, &id_bytes, ExtRef::Thing(id), Some("THING")),
        (6, b"name", ExtRef::Name(b"name"), Some("NAME")),
        (7, b"\x80", ExtRef::AnonymousType(b"\x80"), Some("ANONYMOUS_TYPE")),
        // The timestamp of MessagePack, and numbers without a meaning.
        (-1, b"\0\0\0\x01", ExtRef::Unknown(Ext(-1), b"\0\0\0\x01"), None),
        (8, b"", ExtRef::Unknown(Ext(8), b""), None),
        (i8::MIN, b"x", ExtRef::Unknown(Ext(i8::MIN), b"x"), None),
        (i8::MAX, &[7; 300], ExtRef::Unknown(Ext(i8::MAX), &[7; 300]), None),
        // IDs that are none.
        (3, b"", ExtRef::Unknown(Ext::ROOM, b""), Some("ROOM")),
        (4, b"1234567", ExtRef::Unknown(Ext::TASK, b"1234567"), Some("TASK")),
        (5, b"123456789", ExtRef::Unknown(Ext::THING, b"123456789"), Some("THING")),
    ];
    for (kind, content, ext, name) in table {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &Value::Ext(kind, content.to_vec())).unwrap();
        let mut values = ValuesBuf::new();
        values.push_ext(ext);
        assert_eq!(to_hex(values.as_ref().as_bytes()), to_hex(&bytes), "{kind}");
        assert_eq!(ExtRef::of(ValueRef::decode(&bytes).unwrap()), Some(ext), "{kind}");
        assert_eq!(ExtRef::new(Ext(kind), content), ext);
        assert_eq!(Ext(kind).name(), name);
    }
    for length in [0, 1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 255, 256, 65_535, 65_536] {
        let content = vec![0xa5; length];
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &Value::Ext(1, content.clone())).unwrap();
        let mut values = ValuesBuf::new();
        values.push_ext(ExtRef::Regex(&content));
        assert!(values.as_ref().as_bytes() == bytes, "{length}");
    }
    for other in [&b"\xc0"[..], b"\xc4\x01\x05", b"\xa1x", b"\x91\xd4\x05\x01"] {
        assert_eq!(ExtRef::of(ValueRef::decode(other).unwrap()), None);
    }
}

fn room_ids(data: &[u8]) -> Result<Vec<Option<i64>>, BodyError> {
    let mut ids = Vec::new();
    Data::of(PackageRef { id: 26, kind: 18, data }).room_ids(|id| ids.push(id)).map(|()| ids)
}

#[test]
fn the_answer_to_a_join_is_ids_and_nil() {
    use BodyErrorKind::{InvalidTag, TrailingBytes, UnexpectedEnd, UnexpectedType};
    assert_eq!(room_ids(b"\x92\x05\xc0"), Ok(vec![Some(5), None]));
    assert_eq!(room_ids(b"\x90"), Ok(vec![]));
    assert_eq!(
        room_ids(b"\xdc\0\x02\xcd\x01\xc8\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
        Ok(vec![Some(456), Some(i64::MAX)])
    );
    for (data, expected) in [
        (&b""[..], (UnexpectedEnd, 0, "DATA")),
        (b"\xc0", (UnexpectedType, 0, "DATA")),
        (b"\x80", (UnexpectedType, 0, "DATA")),
        (b"\x92\x05", (UnexpectedEnd, 2, "DATA")),
        (b"\x92\x05\xcd\x01", (UnexpectedEnd, 4, "room")),
        (b"\x92\x05\xa1x", (UnexpectedType, 2, "room")),
        (b"\x91\xc2", (UnexpectedType, 1, "room")),
        (b"\x91\xcf\x80\0\0\0\0\0\0\0", (UnexpectedType, 1, "room")),
        (b"\x91\xc1", (InvalidTag, 1, "room")),
        (b"\x91\x05\x05", (TrailingBytes, 2, "DATA")),
    ] {
        let error = room_ids(data).unwrap_err();
        assert_eq!((error.kind(), error.offset(), error.what()), expected, "{}", to_hex(data));
        assert_eq!((error.package_id(), error.package_kind()), (26, 18));
    }
}

/// One of each that has data.
fn check_bodies(check: impl Fn(&dyn Fn(&Limits) -> Result<thingsdb_wire::Body, EncodeError>)) {
    let mut values = ValuesBuf::new();
    values.push_int(1).push_str("name");
    let rooms = values.as_ref();
    let map = values.to_map();
    let variables = map.as_ref().map(|map| map.as_ref());
    assert_eq!(variables.unwrap().as_bytes(), b"\x81\x01\xa4name");
    let (scope, room) = ("//stuff", Room::Name("chat"));
    for request in [
        RequestRef::Auth(Credentials::Token("xxxxxxxxxxxxxxxxxxxxxx")),
        RequestRef::Auth(Credentials::Password { user: "admin", password: "pass" }),
        RequestRef::Query { scope, code: "1 + 1;", variables },
        RequestRef::Query { scope, code: "1 + 1;", variables: None },
        RequestRef::Watch(Raw(b"\x90")),
        RequestRef::Unwatch(Raw(b"\x90")),
        RequestRef::Run { scope, procedure: "add", args: Some(ValueRef::NIL) },
        RequestRef::Join { scope, rooms },
        RequestRef::Leave { scope, rooms: ValuesRef::EMPTY },
        RequestRef::Emit { scope, room, event: "e", args: rooms },
        RequestRef::EmitPeer { scope, room: Room::Id(i64::MIN), event: "", args: rooms },
        RequestRef::Unknown(Kind(60), Raw(b"data")),
    ] {
        check(&|limits| request.to_body_with(limits));
    }
    for answer in [
        AnswerRef::Data(Data::of(PackageRef { id: 0, kind: 18, data: b"\x91\xc0" })),
        AnswerRef::Error(ErrorRef { code: ErrorCode(-101), message: "mine" }),
        AnswerRef::Unknown(Kind(31), Raw(b"data")),
    ] {
        check(&|limits| answer.to_body_with(limits));
    }
    let at = RoomRef { scope: Some("@collection:stuff"), id: 5 };
    for event in [
        EventRef::NodeStatus { node: Some(0), status: "READY" },
        EventRef::NodeStatus { node: None, status: "READY" },
        EventRef::Warn { code: 2, message: "hello" },
        EventRef::RoomJoin(at),
        EventRef::RoomLeave(at),
        EventRef::RoomDelete(RoomRef { scope: None, id: 1 << 40 }),
        EventRef::RoomEmit { room: at, event: "e", args: rooms },
        EventRef::Unknown(Kind(1), Raw(b"data")),
    ] {
        check(&|limits| event.to_body_with(limits));
    }
}

#[test]
fn the_limit_is_what_is_written_and_not_a_byte_less() {
    check_bodies(|write| {
        let body = write(&Limits::V1).unwrap();
        let len = u32::try_from(body.data.len()).unwrap();
        assert_eq!(write(&Limits::V1.with_max_data_len(len)).unwrap(), body);
        for max in [len - 1, 0] {
            let error = write(&Limits::V1.with_max_data_len(max)).unwrap_err();
            let EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met, max: told } = error else {
                panic!("{error}")
            };
            assert!(told == u64::from(max) && met > told && met <= u64::from(len), "{error}");
        }
    });
}

/// Refused by the sum of the parts, before any of them is copied.
#[test]
fn what_is_far_over_the_limit_is_refused_without_a_copy() {
    let long = "x".repeat(1000);
    let bytes = long.as_bytes();
    let limits = Limits::V1.with_max_data_len(900);
    assert_no_alloc(|| {
        let half = &long[..500];
        assert!(RequestRef::Query { scope: half, code: half, variables: None }.to_body_with(&limits).is_err());
        assert!(RequestRef::Auth(Credentials::Token(&long)).to_body_with(&limits).is_err());
        assert!(RequestRef::Unknown(Kind(60), Raw(bytes)).to_body_with(&limits).is_err());
        let data = Data::of(PackageRef { id: 0, kind: 18, data: bytes });
        assert!(AnswerRef::Data(data).to_body_with(&limits).is_err());
        let error = ErrorRef { code: ErrorCode::TYPE, message: &long };
        assert!(AnswerRef::Error(error).to_body_with(&limits).is_err());
        assert!(EventRef::Warn { code: 1, message: &long }.to_body_with(&limits).is_err());
    });
}

/// Texts around the lengths at which their headers change.
fn texts() -> impl Strategy<Value = String> {
    let odd = prop_oneof![Just(31_usize), Just(32), Just(255), Just(256)].prop_map(|len| "x".repeat(len));
    prop_oneof![8 => any::<String>(), 1 => odd, 1 => Just(String::new())]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::from),
        (-200_i64..300).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::F64),
        texts().prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Binary),
        (any::<i8>(), prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(kind, bytes)| Value::Ext(kind, bytes)),
    ];
    leaf.prop_recursive(3, 16, 18, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..18).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner), 0..5).prop_map(Value::Map),
        ]
    })
}

fn written(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

fn run(values: &[Value]) -> ValuesBuf {
    let mut run = ValuesBuf::new();
    for value in values {
        run.push(ValueRef::decode(&written(value)).unwrap());
    }
    run
}

fn map(entries: Vec<(&str, Value)>) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// Writes the request: the bytes are rmpv's for the same tree, and read again it is the same.
fn same_request(request: &RequestRef<'_>, tree: &Value) {
    let package = request.to_body().unwrap().with_id(9);
    assert_eq!(to_hex(&package.data), to_hex(&written(tree)));
    assert_eq!((package.id, Kind(package.kind)), (9, request.kind()));
    assert_eq!(RequestRef::decode(package.as_ref()).as_ref(), Ok(request));
}

fn same_event(event: &EventRef<'_>, tree: &Value) {
    let package = event.to_body().unwrap().with_id(u16::MAX);
    assert_eq!(to_hex(&package.data), to_hex(&written(tree)));
    assert_eq!(Kind(package.kind), event.kind());
    assert_eq!(EventRef::decode(package.as_ref()).as_ref(), Ok(event));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 5 } else { 250 }))]

    #[test]
    fn requests_come_back_and_are_written_as_rmpv_writes_them(
        scope in texts(),
        second in texts(),
        third in texts(),
        values in prop::collection::vec(value(), 0..20),
        entries in prop::collection::vec((value(), value()), 0..4),
        rooms in prop::collection::vec(prop_oneof![any::<i64>().prop_map(Value::from), texts().prop_map(Value::from)], 0..20),
        id: i64,
    ) {
        let (scope, second) = (scope.as_str(), second.as_str());
        let variables = Value::Map(entries);
        let (as_map, as_array) = (written(&variables), run(&values).to_array().as_bytes().to_vec());
        prop_assert_eq!(&as_array, &written(&Value::Array(values.clone())));
        same_request(
            &RequestRef::Auth(Credentials::Password { user: scope, password: second }),
            &Value::Array(vec![scope.into(), second.into()]),
        );
        same_request(&RequestRef::Auth(Credentials::Token(scope)), &scope.into());
        let head = vec![Value::from(scope), Value::from(second)];
        let with = |more: &[Value]| Value::Array([head.clone(), more.to_vec()].concat());
        same_request(&RequestRef::Query { scope, code: second, variables: None }, &with(&[]));
        let value = ValueRef::decode(&as_map).unwrap();
        prop_assert!(value.is_map() && !value.is_array());
        same_request(&RequestRef::Query { scope, code: second, variables: Some(value) }, &with(std::slice::from_ref(&variables)));
        same_request(&RequestRef::Run { scope, procedure: second, args: None }, &with(&[]));
        same_request(&RequestRef::Run { scope, procedure: second, args: Some(value) }, &with(&[variables]));
        let value = ValueRef::decode(&as_array).unwrap();
        prop_assert!(value.is_array() && !value.is_map());
        same_request(&RequestRef::Run { scope, procedure: second, args: Some(value) }, &with(&[Value::Array(values.clone())]));
        same_request(&RequestRef::Run { scope, procedure: second, args: Some(ValueRef::NIL) }, &with(&[Value::Nil]));

        let named: Vec<Room<'_>> = rooms.iter().map(|room| match room {
            Value::String(name) => Room::Name(name.as_str().unwrap()),
            id => Room::Id(id.as_i64().unwrap()),
        }).collect();
        let buffer = Room::values(named.iter().copied());
        prop_assert_eq!(buffer.as_ref().rooms().collect::<Vec<_>>(), named);
        let tree = Value::Array([vec![Value::from(scope)], rooms].concat());
        same_request(&RequestRef::Join { scope, rooms: buffer.as_ref() }, &tree);
        same_request(&RequestRef::Leave { scope, rooms: buffer.as_ref() }, &tree);

        let args = run(&values);
        let emit = |room: Value| Value::Array([vec![scope.into(), room, third.as_str().into()], values.clone()].concat());
        let (event, args) = (third.as_str(), args.as_ref());
        same_request(&RequestRef::Emit { scope, room: Room::Id(id), event, args }, &emit(id.into()));
        same_request(&RequestRef::EmitPeer { scope, room: Room::Name(second), event, args }, &emit(second.into()));
    }

    #[test]
    fn answers_and_events_come_back_and_are_written_as_rmpv_writes_them(
        scope in prop::option::of(texts()),
        name in texts(),
        values in prop::collection::vec(value(), 0..20),
        number: i64,
        code in -130_i64..5,
    ) {
        let (scope, name) = (scope.as_deref(), name.as_str());
        for code in [code, number] {
            let answer = AnswerRef::Error(ErrorRef { code: ErrorCode(code), message: name });
            let package = answer.to_body().unwrap().with_id(3);
            let tree = map(vec![("error_code", code.into()), ("error_msg", name.into())]);
            prop_assert_eq!(to_hex(&package.data), to_hex(&written(&tree)));
            prop_assert_eq!(AnswerRef::decode(package.as_ref()), Ok(answer));
        }
        let bytes = written(&Value::Array(values.clone()));
        let answer = AnswerRef::Data(Data::of(PackageRef { id: 3, kind: 18, data: &bytes }));
        let package = answer.to_body().unwrap().with_id(3);
        prop_assert_eq!(&package.data, &bytes);
        prop_assert_eq!(AnswerRef::decode(package.as_ref()), Ok(answer));

        same_event(&EventRef::NodeStatus { node: Some(number), status: name }, &map(vec![("id", number.into()), ("status", name.into())]));
        same_event(&EventRef::NodeStatus { node: None, status: name }, &name.into());
        same_event(&EventRef::Warn { code: number, message: name }, &map(vec![("warn_code", number.into()), ("warn_msg", name.into())]));
        let mut tree: Vec<_> = scope.iter().map(|scope| ("scope", Value::from(*scope))).collect();
        tree.push(("id", number.into()));
        let room = RoomRef { scope, id: number };
        same_event(&EventRef::RoomJoin(room), &map(tree.clone()));
        same_event(&EventRef::RoomLeave(room), &map(tree.clone()));
        same_event(&EventRef::RoomDelete(room), &map(tree.clone()));
        tree.extend([("event", name.into()), ("args", Value::Array(values.clone()))]);
        let args = run(&values);
        same_event(&EventRef::RoomEmit { room, event: name, args: args.as_ref() }, &map(tree));
    }

    /// Fields in any order, further keys in between, whatever they are: as without them.
    #[test]
    fn further_keys_and_another_order_change_nothing(
        further in prop::collection::vec((value(), value()), 0..6),
        seed: u64,
    ) {
        let names = ["error_code", "error_msg", "id", "status", "scope", "event", "args", "warn_code", "warn_msg"];
        let mut rng = testkit::Rng::new(seed);
        for (kind, fields) in [
            (19, vec![("error_code", Value::from(-54)), ("error_msg", "m".into())]),
            (0, vec![("id", 3.into()), ("status", "READY".into())]),
            (5, vec![("warn_code", 1.into()), ("warn_msg", "w".into())]),
            (9, vec![("scope", "@c:x".into()), ("id", 3.into())]),
            (8, vec![("scope", "@c:x".into()), ("id", 3.into()), ("event", "e".into()), ("args", Value::Array(vec![1.into()]))]),
        ] {
            let plain = written(&map(fields.clone()));
            let known = fields.into_iter().map(|(key, value)| (Value::from(key), value));
            let strange = further.iter().filter(|(key, _)| !names.iter().any(|name| key.as_str() == Some(name)));
            let mut entries: Vec<_> = known.chain(strange.cloned()).collect();
            for at in (1..entries.len()).rev() {
                entries.swap(at, rng.below(at + 1));
            }
            let mixed = written(&Value::Map(entries));
            let (plain, mixed) = (PackageRef { id: 1, kind, data: &plain }, PackageRef { id: 1, kind, data: &mixed });
            if kind == 19 {
                prop_assert_eq!(AnswerRef::decode(mixed).unwrap(), AnswerRef::decode(plain).unwrap());
            } else {
                prop_assert_eq!(EventRef::decode(mixed).unwrap(), EventRef::decode(plain).unwrap());
            }
        }
    }
}

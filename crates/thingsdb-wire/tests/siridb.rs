//! The bodies of SiriDB: every golden frame against the payload it was captured with, the faults, and the laws over generated bodies.
#![cfg(feature = "qpack")]
#![allow(
    clippy::unwrap_used,
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

use common::frames;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use testkit::laws;
use testkit::vectors::{hex, text, to_hex};
use thingsdb_wire::siridb::{Answer, AnswerRef, Credentials, Data, Precision, Request, RequestRef, Service, ValueRef};
use thingsdb_wire::{Body, BodyError, BodyErrorKind, EncodeError, Limit, Limits, PackageRef, Raw};

/// What a package is, by who sent it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Read<'a> {
    Request(RequestRef<'a>),
    Answer(AnswerRef<'a>),
}

impl<'a> Read<'a> {
    fn decode(package: PackageRef<'a>, of_client: bool) -> Result<Self, BodyError> {
        if of_client {
            RequestRef::decode(package).map(Self::Request)
        } else {
            AnswerRef::decode(package).map(Self::Answer)
        }
    }

    fn to_body(self) -> Body {
        match self {
            Self::Request(request) => request.to_body(),
            Self::Answer(answer) => answer.to_body(),
        }
        .unwrap()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Request(request) => request.kind().name().unwrap(),
            Self::Answer(answer) => answer.kind().name().unwrap(),
        }
    }

    /// The payload as those who captured it write it.
    fn json(self) -> Json {
        match self {
            Self::Request(request) => match request {
                RequestRef::Query { query, precision } => json!([query, precision.map(|precision| precision.0)]),
                RequestRef::Insert(data) => qpack_json(data.value().unwrap()),
                RequestRef::Auth(Credentials { user, password, database }) => json!([user, password, database]),
                RequestRef::Ping | RequestRef::Info | RequestRef::FileServers => Json::Null,
                other => panic!("{other:?}"),
            },
            Self::Answer(answer) => match answer {
                AnswerRef::AuthSuccess | AnswerRef::Ack | AnswerRef::Error { message: None, .. } => Json::Null,
                AnswerRef::Insert { message } => json!({"success_msg": message}),
                AnswerRef::Error { message: Some(message), .. } => json!({"error_msg": message}),
                other => panic!("{other:?}"),
            },
        }
    }
}

/// A value as the vectors show it.
fn qpack_json(value: ValueRef<'_>) -> Json {
    let raw = |bytes: &[u8]| std::str::from_utf8(bytes).map_or(json!({"$bytes": to_hex(bytes)}), |text| json!(text));
    match value {
        ValueRef::Int(int) => json!(int),
        ValueRef::Double(double) => json!(double),
        ValueRef::Raw(bytes) => raw(bytes),
        ValueRef::Bool(bool) => json!(bool),
        ValueRef::Null => Json::Null,
        ValueRef::Hook => panic!("no vector has one"),
        ValueRef::Array(items) => items.iter().map(qpack_json).collect(),
        ValueRef::Map(map) => {
            map.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), qpack_json(value))).collect()
        }
    }
}

/// The golden frames of SiriDB: vector, bytes, whether a client sent it.
fn golden() -> Vec<(Json, Vec<u8>, bool)> {
    let frames = frames().into_iter().filter(|(vector, _)| vector["dialect"] == "siridb-qpack");
    frames
        .map(|(vector, bytes)| {
            let of_client = text(&vector, "dir") == "client->server";
            (vector, bytes, of_client)
        })
        .collect()
}

#[test]
fn golden_bodies_are_the_payloads_stated_and_written_again() {
    let golden = golden();
    if !cfg!(miri) {
        assert_eq!(golden.len(), 14);
    }
    for (vector, bytes, of_client) in golden {
        let package = PackageRef::decode_with(&bytes, &Limits::SIRIDB).unwrap();
        let body = Read::decode(package, of_client).unwrap();
        assert_eq!(body.json(), vector["payload_json"], "{vector}");
        let name = text(&vector, "name");
        let name = name.strip_prefix("REQ_").or(name.strip_prefix("RES_")).unwrap_or(name);
        assert_eq!(body.name(), name, "{vector}");
        // All of them, the maps that are never closed among them.
        assert_eq!(to_hex(&body.to_body().with_id(package.id).as_ref().encode_to_vec().unwrap()), to_hex(&bytes));
    }
}

/// A body cut short is torn; in a map that is never closed there may be a field too few instead.
#[test]
fn a_prefix_of_a_body_is_torn() {
    let step = if cfg!(miri) { 7 } else { 1 };
    for (vector, bytes, of_client) in golden() {
        let whole = PackageRef::decode_with(&bytes, &Limits::SIRIDB).unwrap();
        for len in (0..whole.data.len()).step_by(step) {
            let cut = PackageRef { data: &whole.data[..len], ..whole };
            let read = Read::decode(cut, of_client).and_then(|read| match read {
                Read::Request(RequestRef::Insert(data)) => data.value().map(|_| ()),
                _ => Ok(()),
            });
            let is_open = whole.data.first() == Some(&0xfd);
            match read {
                Err(error) if error.kind() == BodyErrorKind::MissingField => assert!(is_open && len == 1, "{vector}"),
                Err(error) => {
                    assert_eq!((error.kind(), error.offset()), (BodyErrorKind::UnexpectedEnd, len as u64), "{vector}");
                }
                // An error without data has no text.
                Ok(()) => assert!(is_open && len == 0 && whole.kind == 65, "{vector} cut to {len}"),
            }
        }
    }
}

#[test]
fn mutations_do_no_harm() {
    let (step, most) = if cfg!(miri) { (40, 400) } else { (1, usize::MAX) };
    for (_, bytes, of_client) in golden() {
        let whole = PackageRef::decode_with(&bytes, &Limits::SIRIDB).unwrap();
        for data in laws::mutations(whole.data).take(most).step_by(step) {
            let package = PackageRef { data: &data, ..whole };
            let Ok(read) = Read::decode(package, of_client) else { continue };
            let _ = format!("{read:?}");
            let again = read.to_body().with_id(package.id);
            assert_eq!(Read::decode(again.as_ref(), of_client), Ok(read), "{}", to_hex(&data));
        }
    }
}

fn package(kind: u8, data: &[u8]) -> PackageRef<'_> {
    PackageRef { id: 1, kind, data }
}

#[test]
fn each_fault_has_its_kind_and_place() {
    use BodyErrorKind::{
        DuplicateField, InvalidLength, InvalidUtf8, MissingField, TrailingBytes, UnexpectedEnd, UnexpectedType,
    };

    fn error_of<T: std::fmt::Debug>(result: Result<T, BodyError>) -> (BodyErrorKind, u64, &'static str) {
        let error = result.unwrap_err();
        (error.kind(), error.offset(), error.what())
    }
    let request = |kind, data: &str| error_of(RequestRef::decode(package(kind, &hex(data))));
    let answer = |kind, data: &str| error_of(AnswerRef::decode(package(kind, &hex(data))));
    assert_eq!(request(0, ""), (UnexpectedEnd, 0, "DATA"));
    assert_eq!(request(0, "ee8171"), (InvalidLength, 0, "DATA"));
    assert_eq!(request(0, "f08171fbfb"), (InvalidLength, 0, "DATA"));
    assert_eq!(request(0, "ef8171f9"), (UnexpectedType, 3, "precision"));
    assert_eq!(request(0, "ef81ff00"), (InvalidUtf8, 1, "query"));
    assert_eq!(request(2, "ef81618162"), (InvalidLength, 0, "DATA"));
    assert_eq!(request(2, "f08161816201"), (UnexpectedType, 5, "database"));
    assert_eq!(request(2, "f081618162816300"), (TrailingBytes, 7, "DATA"));
    assert_eq!(request(6, "f18161816801 8170"), (UnexpectedType, 6, "pool"));
    assert_eq!(request(32, "f18161816201 ed"), (UnexpectedType, 6, "data"));
    assert_eq!(request(32, "f18161816281 72f3"), (UnexpectedType, 5, "request"));
    assert_eq!(answer(1, ""), (UnexpectedEnd, 0, "DATA"));
    assert_eq!(answer(1, "fd896572726f725f6d73678161"), (MissingField, 0, "success_msg"));
    assert_eq!(answer(64, "fd896572726f725f6d7367"), (UnexpectedEnd, 11, "error_msg"));
    assert_eq!(answer(69, "fd896572726f725f6d73678161896572726f725f6d73678161"), (DuplicateField, 23, "error_msg"));
    assert_eq!(answer(96, "8161"), (UnexpectedType, 0, "DATA"));
    assert_eq!(error_of(Data::new(b"\x01\x02").value()), (TrailingBytes, 1, "DATA"));
}

/// The requests and answers of which there is no golden frame, by SPEC.md §6.
#[test]
fn bodies_without_a_golden_frame() {
    let register = RequestRef::RegisterServer { uuid: &[7; 16], host: "h", port: 9010, pool: 0 };
    let body = register.to_body().unwrap();
    assert_eq!((body.kind, to_hex(&body.data)), (6, format!("f190{}8168e9322300", "07".repeat(16))));
    assert_eq!(RequestRef::decode(body.with_id(1).as_ref()), Ok(register));

    let service = hex("f1827361 8470617373 05 f48161fd 8162 01");
    let read = RequestRef::decode(package(32, &service)).unwrap();
    let RequestRef::Service(Service { user: "sa", password: "pass", request: 5, data }) = read else { panic!() };
    assert_eq!(qpack_json(data.value().unwrap()), json!({"a": {"b": 1}}));
    // A map that was left open is closed, since here more could follow.
    assert_eq!(to_hex(&read.to_body().unwrap().data), "f18273618470617373 05f48161f4816201".replace(' ', ""));
    let with = |data| RequestRef::Service(Service { user: "u", password: "p", request: 1, data: Data::new(data) });
    assert_eq!(to_hex(&with(b"\xfb").to_body().unwrap().data), "f18175817001fb");
    assert_eq!(with(b"").to_body(), Err(EncodeError::NotWritable { what: "data" }));

    for (request, kind) in [
        (RequestRef::LoadDb(Raw(b"x")), 5),
        (RequestRef::FileUsers, 8),
        (RequestRef::FileGroups, 9),
        (RequestRef::FileDatabase, 10),
        (RequestRef::Unknown(Request(128), Raw(b"x")), 128),
    ] {
        let body = request.to_body().unwrap();
        assert_eq!(body.kind, kind);
        assert_eq!(RequestRef::decode(body.with_id(1).as_ref()), Ok(request));
    }

    // A result is never closed, and a file is no qpack.
    let data = b"\xfd\x86points\x03";
    let AnswerRef::Query(result) = AnswerRef::decode(package(0, data)).unwrap() else { panic!() };
    assert_eq!(qpack_json(result.value().unwrap()), json!({"points": 3}));
    for (answer, kind) in [
        (AnswerRef::Query(Data::new(data)), 0),
        (AnswerRef::File(Raw(b"\xfe\xfe")), 5),
        (AnswerRef::ServiceOk, 32),
        (AnswerRef::ServiceData(Data::new(b"\xed")), 33),
        (AnswerRef::Error { kind: Answer::ERR_SERVICE, message: Some("no") }, 96),
        (AnswerRef::Error { kind: Answer::ERR_INVALID_SERVICE, message: None }, 97),
        (AnswerRef::Unknown(Answer::DEFERRED, Raw(b"x")), 127),
        (AnswerRef::Unknown(Answer(76), Raw(b"")), 76),
    ] {
        let body = answer.to_body().unwrap();
        assert_eq!(body.kind, kind);
        assert_eq!(AnswerRef::decode(body.with_id(1).as_ref()), Ok(answer));
    }
}

#[test]
fn limits_hold_when_writing() {
    // 1 + 10 + 3 bytes, and no close byte.
    let error = AnswerRef::Error { kind: Answer::ERR_POOL, message: Some("no") };
    assert_eq!(error.to_body_with(&Limits::SIRIDB.with_max_data_len(14)).unwrap().data.len(), 14);
    let refused = error.to_body_with(&Limits::SIRIDB.with_max_data_len(13)).unwrap_err();
    assert_eq!(refused, EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met: 14, max: 13 });
    let insert = RequestRef::Insert(Data::new(&[0; 9]));
    assert!(insert.to_body_with(&Limits::SIRIDB.with_max_data_len(9)).is_ok());
    assert!(insert.to_body_with(&Limits::SIRIDB.with_max_data_len(8)).is_err());
}

#[test]
fn credentials_are_not_shown() {
    let data = hex("f4 8470617373 8468757368");
    let requests = [
        RequestRef::Auth(Credentials { user: "iris", password: "hush", database: "hush" }),
        RequestRef::Service(Service { user: "iris", password: "hush", request: 1, data: Data::new(&data) }),
    ];
    for request in requests {
        let body = request.to_body().unwrap();
        for shown in [format!("{request:?}"), format!("{request:#?}"), format!("{body:?}")] {
            assert!(!shown.contains("hush") && !shown.contains("iris"), "{shown}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 1000 }))]

    #[test]
    fn any_request_comes_back(
        kind in 0..5_u8,
        (text, other, third) in (".*", ".*", ".*"),
        (port, pool, precision) in (any::<i64>(), any::<i64>(), prop::option::of(any::<i64>())),
        bytes in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let map = [&[0xf4, 0x81, 0x61, 0xe4, bytes.len() as u8], &bytes[..]].concat();
        let request = match kind {
            0 => RequestRef::Query { query: &text, precision: precision.map(Precision) },
            1 => RequestRef::Insert(Data::new(&bytes)),
            2 => RequestRef::Auth(Credentials { user: &text, password: &other, database: &third }),
            3 => RequestRef::RegisterServer { uuid: &bytes, host: &text, port, pool },
            _ => RequestRef::Service(Service { user: &text, password: &other, request: port, data: Data::new(&map) }),
        };
        let sent = request.to_body().unwrap().with_id(7);
        let read = RequestRef::decode(sent.as_ref()).unwrap();
        if let (RequestRef::Service(read), RequestRef::Service(sent)) = (read, request) {
            // The same values, in their shortest form.
            prop_assert_eq!((read.user, read.password, read.request), (sent.user, sent.password, sent.request));
            prop_assert_eq!(read.data.value().unwrap(), sent.data.value().unwrap());
        } else {
            prop_assert_eq!(read, request);
        }
    }

    #[test]
    fn any_answer_comes_back(
        class in prop::sample::select((64..=75).chain([96, 97]).collect::<Vec<u8>>()),
        (kind, message) in (0..4_u8, prop::option::of(".*")),
        bytes in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let answer = match kind {
            0 => AnswerRef::Query(Data::new(&bytes)),
            1 => AnswerRef::File(Raw(&bytes)),
            2 => AnswerRef::Insert { message: message.as_deref().unwrap_or("") },
            _ => AnswerRef::Error { kind: Answer(class), message: message.as_deref() },
        };
        let sent = answer.to_body().unwrap().with_id(7);
        prop_assert_eq!(AnswerRef::decode(sent.as_ref()), Ok(answer));
    }
}

//! The bodies of 2019: every golden frame of the three states against the payload it was captured with, the committed faults, and
//! the laws over generated bodies.
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

use common::{frames, vectors};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use testkit::laws;
use testkit::vectors::{encoding, hex, text, to_hex};
use thingsdb_wire::legacy::{
    AnswerRef, Blobs, Collection, Credentials, Data, ErrorCode, ErrorRef, EventRef, Ids, Job, Kind, RequestRef,
    Special, State, Target, ThingRef, Things, ValueRef, ValuesBuf,
};
use thingsdb_wire::{Body, BodyError, BodyErrorKind, EncodeError, Limit, Limits, PackageRef, Raw};

/// What a package is, by who sent it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Read<'a> {
    Request(RequestRef<'a>),
    Answer(AnswerRef<'a>),
    Event(EventRef<'a>),
}

impl<'a> Read<'a> {
    fn decode(package: PackageRef<'a>, of_client: bool, state: State) -> Result<Self, BodyError> {
        match package.kind {
            _ if of_client => RequestRef::decode(package, state).map(Self::Request),
            16..=31 => EventRef::decode(package).map(Self::Event),
            _ => AnswerRef::decode(package, state).map(Self::Answer),
        }
    }

    fn to_body(self, state: State) -> Body {
        match self {
            Self::Request(request) => request.to_body(state),
            Self::Answer(answer) => answer.to_body(),
            Self::Event(event) => event.to_body(),
        }
        .unwrap()
    }

    /// The payload as those who captured it write it.
    fn json(self) -> Json {
        match self {
            Self::Request(request) => of_request(request),
            Self::Answer(answer) => match answer {
                AnswerRef::Ping | AnswerRef::Auth | AnswerRef::Watch | AnswerRef::Unwatch => Json::Null,
                AnswerRef::Query(data) => qpack_json(data.value().unwrap()),
                AnswerRef::Error(error) => json!({"error_code": error.code.0, "error_msg": error.message}),
                other => panic!("{other:?}"),
            },
            Self::Event(event) => match event {
                EventRef::WatchIni { event, thing } => {
                    assert_eq!(thing.properties().count() + 1, thing.as_map().len());
                    assert_eq!(Some(ValueRef::Int(thing.id())), thing.get("#"));
                    json!({"event": event, "thing": qpack_json(ValueRef::Map(thing.as_map()))})
                }
                EventRef::WatchUpd { id, event, jobs } => {
                    json!({"#": id, "event": event, "jobs": jobs.iter().map(of_job).collect::<Vec<_>>()})
                }
                EventRef::WatchDel { id } => json!({"#": id}),
                EventRef::NodeStatus(status) => json!(status),
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

fn of_collection(collection: Collection<'_>) -> Json {
    match collection {
        Collection::Name(name) => json!(name),
        Collection::Id(id) => json!(id),
    }
}

fn of_blobs(blobs: Blobs<'_>) -> Vec<Json> {
    blobs.iter().map(|blob| qpack_json(ValueRef::Raw(blob))).collect()
}

fn of_request(request: RequestRef<'_>) -> Json {
    match request {
        RequestRef::Ping | RequestRef::Watch(None) | RequestRef::Unwatch(None) => Json::Null,
        RequestRef::Auth(Credentials::Password { user, password }) => json!([user, password]),
        RequestRef::Auth(Credentials::Token(token)) => json!(token),
        RequestRef::Query { target, code, blobs, deep, all } => {
            let mut fields = json!({"query": code});
            if let Target::Collection(collection) = target {
                fields["collection"] = of_collection(collection);
            }
            if !blobs.is_empty() {
                fields["blobs"] = json!(of_blobs(blobs));
            }
            if let Some(deep) = deep {
                fields["deep"] = json!(deep);
            }
            if let Some(all) = all {
                fields["all"] = json!(all);
            }
            fields
        }
        RequestRef::QueryScope { scope, code, blobs } => {
            json!([vec![json!(scope), json!(code)], of_blobs(blobs)].concat())
        }
        RequestRef::Watch(Some(things)) | RequestRef::Unwatch(Some(things)) => {
            json!({"things": things.ids.iter().collect::<Vec<_>>(), "collection": of_collection(things.collection)})
        }
        RequestRef::Run { target, procedure, args } => {
            let mut items = vec![of_collection(target), json!(procedure)];
            items.extend(args.iter().map(qpack_json));
            json!(items)
        }
        other => panic!("{other:?}"),
    }
}

fn of_job(value: ValueRef<'_>) -> Json {
    let key = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    match Job::of(value) {
        Job::Set { name, value } => json!({"set": {key(name): qpack_json(value)}}),
        Job::Del { name } => json!({"del": key(name)}),
        Job::Splice { name, start, removed, items } => {
            let mut list = vec![json!(start), json!(removed), json!(items.len())];
            list.extend(items.iter().map(qpack_json));
            json!({"splice": {key(name): list}})
        }
        other => panic!("{other:?}"),
    }
}

fn state(vector: &Json) -> Option<State> {
    match text(vector, "dialect") {
        "legacy-qpack-2019-06" => Some(State::S1),
        "legacy-qpack" => Some(State::S2),
        "legacy-qpack-2019-09" => Some(State::September),
        _ => None,
    }
}

/// The golden frames of the three states: vector, bytes, whether a client sent it, state.
fn golden() -> Vec<(Json, Vec<u8>, bool, State)> {
    let frames = frames().into_iter().filter_map(|(vector, bytes)| {
        let state = state(&vector)?;
        let of_client = text(&vector, "dir") == "client->server";
        Some((vector, bytes, of_client, state))
    });
    frames.collect()
}

/// Golden requests that were sent to be refused, and what is wrong with them.
fn refused(vector: &Json) -> Option<(BodyErrorKind, u64, &'static str)> {
    match text(vector, "note") {
        "authentication with a wrong shape" => Some((BodyErrorKind::UnexpectedType, 0, "DATA")),
        "collection key missing" => Some((BodyErrorKind::MissingField, 0, "collection")),
        _ => None,
    }
}

#[test]
fn golden_bodies_are_the_payloads_stated_and_written_again() {
    let (mut read, mut faulty) = (0, 0);
    for (vector, bytes, of_client, state) in golden() {
        let package = PackageRef::decode_with(&bytes, &Limits::LEGACY).unwrap();
        let result = Read::decode(package, of_client, state);
        if let Some(expected) = refused(&vector) {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.offset(), error.what()), expected, "{vector}");
            assert_eq!((error.package_id(), error.package_kind()), (package.id, package.kind));
            faulty += 1;
            continue;
        }
        let body = result.unwrap();
        assert_eq!(body.json(), vector["payload_json"], "{vector}");
        // All of them are canonical.
        assert_eq!(to_hex(&body.to_body(state).with_id(package.id).as_ref().encode_to_vec().unwrap()), to_hex(&bytes));
        read += 1;
    }
    if !cfg!(miri) {
        assert_eq!((read, faulty), (91, 3));
    }
}

/// Fields that the payload does not show.
#[test]
fn golden_bodies_have_the_kinds_and_targets_of_their_types() {
    for (vector, bytes, of_client, state) in golden() {
        let package = PackageRef::decode_with(&bytes, &Limits::LEGACY).unwrap();
        if refused(&vector).is_some() {
            continue;
        }
        let name = text(&vector, "name");
        let name = name.strip_prefix("REQ_").unwrap_or(name);
        let kind = match Read::decode(package, of_client, state).unwrap() {
            Read::Request(request) => {
                match (name, request) {
                    ("QUERY_NODE", RequestRef::Query { target: Target::Node, .. })
                    | ("QUERY_THINGSDB", RequestRef::Query { target: Target::ThingsDb, .. })
                    | ("QUERY_COLLECTION", RequestRef::Query { target: Target::Collection(_), .. })
                    | ("QUERY", RequestRef::QueryScope { .. })
                    | ("PING", RequestRef::Ping)
                    | ("AUTH", RequestRef::Auth(_))
                    | ("WATCH", RequestRef::Watch(_))
                    | ("UNWATCH", RequestRef::Unwatch(_))
                    | ("RUN", RequestRef::Run { .. }) => {}
                    wrong => panic!("{wrong:?}"),
                }
                request.kind()
            }
            Read::Answer(answer) => {
                if let AnswerRef::Error(error) = answer {
                    assert_eq!(error.kind, Kind(package.kind));
                    if state == State::S1 {
                        assert_eq!(error.code, ErrorCode(-i64::from(package.kind)));
                    }
                }
                answer.kind()
            }
            Read::Event(event) => event.kind(),
        };
        assert_eq!((kind, kind.name(state)), (Kind(package.kind), Some(name)), "{vector}");
    }
}

#[test]
fn faulty_bodies_come_to_what_is_committed() {
    let expected = testkit::vectors::jsonl("tests/vectors/legacy_expected.jsonl");
    assert_eq!(expected.len(), 9);
    let mut seen = 0;
    for vector in vectors("thingsdb_malformed.jsonl", 43) {
        let bytes = encoding(&vector);
        let Ok(package) = PackageRef::decode_with(&bytes, &Limits::LEGACY) else { continue };
        if vector["dialect"] != "legacy-qpack" {
            continue;
        }
        seen += 1;
        let mut found = json!({"hex": vector["hex"]});
        match RequestRef::decode(package, State::S2) {
            Ok(request) => {
                let Kind(number) = request.kind();
                found["ok"] = json!(request.kind().name(State::S2).map_or(number.to_string(), str::to_owned));
            }
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

/// A body cut short is torn, unless a container that may end there is open.
#[test]
fn a_prefix_of_a_body_is_torn() {
    let (mut shorter, mut without_id) = (0, 0);
    for (vector, bytes, of_client, state) in golden() {
        let whole = PackageRef::decode_with(&bytes, &Limits::LEGACY).unwrap();
        let step = if cfg!(miri) { 7 } else { 1 };
        for len in (0..whole.data.len()).step_by(step) {
            let cut = PackageRef { data: &whole.data[..len], ..whole };
            let read = Read::decode(cut, of_client, state).and_then(|read| {
                if let Read::Answer(AnswerRef::Query(data)) = read {
                    data.value()?;
                }
                Ok(read)
            });
            let is_open = whole.data.iter().any(|byte| matches!(byte, 0xfc | 0xfd));
            match read {
                Err(error) if error.kind() == BodyErrorKind::UnexpectedEnd => {
                    assert_eq!(error.offset(), len as u64, "{vector} cut to {len}");
                }
                // Nothing is a WATCH too.
                Ok(Read::Request(RequestRef::Watch(None) | RequestRef::Unwatch(None))) => assert_eq!(len, 0),
                Ok(_) => {
                    assert!(is_open, "{vector} cut to {len}");
                    shorter += 1;
                }
                Err(error) if is_open => {
                    assert_eq!((error.kind(), error.what()), (BodyErrorKind::MissingField, "#"), "{vector}");
                    without_id += 1;
                }
                Err(error) => {
                    let found = (error.kind(), error.offset(), error.what());
                    assert_eq!(Some(found), refused(&vector), "{vector} cut to {len}");
                }
            }
        }
    }
    // The same thing, ten pairs opened and closed, in an answer and in an event. It may end in front of its first pair and behind each;
    // but in the event it needs its first, which is the ID.
    if !cfg!(miri) {
        assert_eq!((shorter, without_id), (11 + 10, 1));
    }
}

/// Whatever a byte becomes, reading does not panic, and what was read is written and read alike.
#[test]
fn mutations_do_no_harm() {
    let (step, most) = if cfg!(miri) { (40, 400) } else { (1, usize::MAX) };
    for (_, bytes, of_client, state) in golden().into_iter().step_by(step) {
        let whole = PackageRef::decode_with(&bytes, &Limits::LEGACY).unwrap();
        for data in laws::mutations(whole.data).take(most).step_by(step) {
            let package = PackageRef { data: &data, ..whole };
            let Ok(read) = Read::decode(package, of_client, state) else { continue };
            let _ = format!("{read:?}");
            if let Read::Event(EventRef::WatchUpd { jobs, .. }) = read {
                assert_eq!(jobs.iter().map(Job::of).count(), jobs.len());
            }
            let again = read.to_body(state).with_id(package.id);
            assert_eq!(Read::decode(again.as_ref(), of_client, state), Ok(read), "{}", to_hex(&data));
        }
    }
}

fn package(kind: u8, data: &[u8]) -> PackageRef<'_> {
    PackageRef { id: 1, kind, data }
}

fn error_of<T: std::fmt::Debug>(result: Result<T, BodyError>) -> (BodyErrorKind, u64, &'static str) {
    let error = result.unwrap_err();
    (error.kind(), error.offset(), error.what())
}

#[test]
fn each_fault_has_its_kind_and_place() {
    use BodyErrorKind::{
        DuplicateField, InvalidLength, InvalidNesting, InvalidTag, InvalidUtf8, InvalidValue, MissingField,
        TrailingBytes, UnexpectedEnd, UnexpectedType, UnknownField,
    };
    use State::{S1, S2, September};

    let request = |kind, data: &str, state| error_of(RequestRef::decode(package(kind, &hex(data)), state));
    // AUTH
    assert_eq!(request(33, "", S2), (UnexpectedEnd, 0, "DATA"));
    assert_eq!(request(33, "ee8161", S2), (InvalidLength, 0, "DATA"));
    assert_eq!(request(33, "fc8161fe", S2), (InvalidLength, 0, "DATA"));
    assert_eq!(request(33, "f0816181628163", S2), (InvalidLength, 0, "DATA"));
    assert_eq!(request(33, "ef0181 62", S2), (UnexpectedType, 1, "user"));
    assert_eq!(request(33, "ef816181ff", S2), (InvalidUtf8, 3, "password"));
    assert_eq!(request(33, "ef8161fe", S2), (InvalidTag, 3, "password"));
    assert_eq!(request(33, "ff", S2), (InvalidTag, 0, "DATA"));
    assert_eq!(request(33, "81ff", S2), (InvalidUtf8, 0, "token"));
    assert_eq!(request(33, "816100", S2), (TrailingBytes, 2, "DATA"));
    // Queries: "query" and "collection" with "q" and "c".
    let (q, c) = ("8571756572798171", "8a636f6c6c656374696f6e8163");
    assert_eq!(request(34, &format!("f5{q}{q}"), S2), (DuplicateField, 15, "query"));
    assert_eq!(request(34, &format!("f5{q}{c}"), S2), (UnknownField, 9, "key"));
    assert_eq!(request(36, &format!("f4{q}"), S2), (MissingField, 0, "collection"));
    assert_eq!(request(36, &format!("f4{c}"), S2), (MissingField, 0, "query"));
    assert_eq!(request(36, &format!("f5{q}8a636f6c6c656374696f6efb"), S2), (UnexpectedType, 20, "collection"));
    assert_eq!(request(34, &format!("f50101{q}"), S2), (UnknownField, 1, "key"));
    assert_eq!(request(34, &format!("f5{q}85626c6f6273ed"), S1), (UnknownField, 9, "key"));
    assert_eq!(request(34, &format!("f5{q}85626c6f6273ee01"), S2), (UnexpectedType, 16, "blobs"));
    assert_eq!(request(34, &format!("f5{q}846465657003"), S2), (UnknownField, 9, "key"));
    assert_eq!(request(34, &format!("f5{q}8464656570e880"), S1), (InvalidValue, 14, "deep"));
    assert_eq!(request(34, &format!("f5{q}83616c6c01"), S1), (UnexpectedType, 13, "all"));
    assert_eq!(request(34, "fd857175657279ff", S2), (InvalidTag, 7, "query"));
    assert_eq!(request(34, "ee8161", September), (InvalidLength, 0, "DATA"));
    assert_eq!(request(34, &format!("f4{q}"), September), (UnexpectedType, 0, "DATA"));
    // WATCH
    assert_eq!(request(48, "f4867468696e6773ee03", S2), (MissingField, 0, "collection"));
    assert_eq!(request(49, &format!("f4{c}"), S2), (MissingField, 0, "things"));
    assert_eq!(request(48, &format!("f5867468696e6773ee8133{c}"), S2), (UnexpectedType, 9, "things"));
    // RUN
    assert_eq!(request(50, "ee8161", S2), (InvalidLength, 0, "DATA"));
    assert_eq!(request(50, "effb8161", S2), (UnexpectedType, 1, "target"));
    assert_eq!(request(50, "f08161816201 02", S2), (TrailingBytes, 6, "DATA"));
    assert_eq!(request(50, "f081618162 e9ff", S2), (UnexpectedEnd, 7, "args"));
    let deep = format!("f0 8161 8162 {} 01", "ee".repeat(64));
    assert_eq!(request(50, &deep, S2), (InvalidNesting, 68, "args"));
    // Answers and events.
    let answer = |data: &str| error_of(AnswerRef::decode(package(96, &hex(data)), S2));
    assert_eq!(answer("f3"), (MissingField, 0, "error_code"));
    assert_eq!(answer("f48a6572726f725f636f646501"), (MissingField, 0, "error_msg"));
    assert_eq!(answer("f48a6572726f725f636f64658131"), (UnexpectedType, 12, "error_code"));
    let event = |kind, data: &str| error_of(EventRef::decode(package(kind, &hex(data))));
    assert_eq!(event(19, "f3"), (UnexpectedType, 0, "status"));
    assert_eq!(event(18, "f5812301812302"), (DuplicateField, 6, "#"));
    assert_eq!(event(16, "f5856576656e7403857468696e67f3"), (MissingField, 14, "#"));
    assert_eq!(event(16, "f5856576656e7403857468696e6705"), (UnexpectedType, 14, "thing"));
    assert_eq!(event(17, "f5812301846a6f6273ed"), (MissingField, 0, "event"));
}

#[test]
fn open_containers_are_taken_closed_or_not() {
    let password = RequestRef::Auth(Credentials::Password { user: "admin", password: "pass" });
    for data in ["ef8561646d696e8470617373", "fc8561646d696e8470617373", "fc8561646d696e8470617373fe"] {
        assert_eq!(RequestRef::decode(package(33, &hex(data)), State::S2), Ok(password));
        assert_eq!(to_hex(&password.to_body(State::S2).unwrap().data), "ef8561646d696e8470617373");
    }
    // An argument that is not closed is closed when it is written again.
    let run = hex("fc 8173 8170 07 fd 8161 fc 01");
    let request = RequestRef::decode(package(50, &run), State::S2).unwrap();
    let RequestRef::Run { target: Collection::Name("s"), procedure: "p", args } = request else { panic!() };
    assert_eq!(args.iter().map(qpack_json).collect::<Vec<_>>(), [json!(7), json!({"a": [1]})]);
    assert_eq!(to_hex(&request.to_body(State::S2).unwrap().data), "f18173817007f48161ee01");
    // So is a thing.
    let event = hex("fd 856576656e74 01 857468696e67 fd 8123 04");
    let event = EventRef::decode(package(16, &event)).unwrap();
    assert_eq!(to_hex(&event.to_body().unwrap().data), "f5856576656e7401857468696e67f4812304");
}

#[test]
fn what_a_state_does_not_know_is_kept_or_not_written() {
    for (kind, state) in [(99, State::S2), (35, State::September), (36, State::September), (64, State::S1)] {
        let request = RequestRef::decode(package(kind, b"x"), state).unwrap();
        assert_eq!(request, RequestRef::Unknown(Kind(kind), Raw(b"x")));
        assert_eq!(request.to_body(state).unwrap(), Body::new(kind, &b"x"[..]));
    }
    // Arrays, of which no more is known.
    let watch = RequestRef::decode(package(48, b"\xee\x03"), State::September).unwrap();
    assert_eq!(watch, RequestRef::Unknown(Kind::WATCH, Raw(b"\xee\x03")));
    assert_eq!(RequestRef::decode(package(48, b""), State::September), Ok(RequestRef::Watch(None)));

    for (kind, state, is_error) in
        [(96, State::S1, true), (127, State::S1, true), (106, State::S1, false), (97, State::S2, false)]
    {
        let data = hex("f58a6572726f725f636f646501896572726f725f6d736780");
        let answer = AnswerRef::decode(package(kind, &data), state).unwrap();
        assert_eq!(matches!(answer, AnswerRef::Error(_)), is_error, "{kind} in {state:?}");
        assert_eq!((answer.kind(), &answer.to_body().unwrap().data[..]), (Kind(kind), &data[..]));
    }

    let query = RequestRef::Query {
        target: Target::Node,
        code: "q",
        blobs: Blobs::new(&[b"b"]),
        deep: Some(3),
        all: Some(false),
    };
    let written = |query: RequestRef<'_>, state| query.to_body(state).map(|body| to_hex(&body.data));
    let refused = |what| Err(EncodeError::NotWritable { what });
    assert_eq!(written(query, State::S1), refused("blobs"));
    assert_eq!(written(query, State::S2), refused("deep"));
    assert_eq!(written(query, State::September), refused("query by target"));
    let with = |blobs, deep, all| RequestRef::Query { target: Target::Node, code: "q", blobs, deep, all };
    let s1 = written(with(Blobs::NONE, Some(3), Some(false)), State::S1);
    assert_eq!(s1.unwrap(), "f68571756572798171846465657003 83616c6cfa".replace(' ', ""));
    assert_eq!(written(with(Blobs::NONE, Some(128), None), State::S1), refused("deep"));
    assert_eq!(written(with(Blobs::NONE, None, Some(true)), State::S2), refused("all"));
    let s2 = written(with(Blobs::new(&[b"b"]), None, None), State::S2);
    assert_eq!(s2.unwrap(), "f5857175657279817185626c6f6273ee8162");
    let scoped = RequestRef::QueryScope { scope: "stuff", code: "q", blobs: Blobs::NONE };
    assert_eq!(written(scoped, State::S2), refused("query by scope"));
    let things = Things { ids: Ids::new(&[3]), collection: Collection::Id(3) };
    assert_eq!(written(RequestRef::Watch(Some(things)), State::September), refused("things"));
}

#[test]
fn answers_and_events_take_any_order_and_pass_further_keys() {
    let data = hex("f7 01fb 896572726f725f6d7367826f6e f901 8a6572726f725f636f6465 75");
    let AnswerRef::Error(error) = AnswerRef::decode(package(96, &data), State::S2).unwrap() else { panic!() };
    assert_eq!(error, ErrorRef { kind: Kind::RES_ERROR, code: ErrorCode::INDEX, message: "on" });
    // The code comes first and short when it is written.
    let wide = ErrorRef { code: ErrorCode(-100), ..error };
    let body = AnswerRef::Error(wide).to_body().unwrap();
    assert_eq!(to_hex(&body.data), "f58a6572726f725f636f6465e89c896572726f725f6d7367826f6e");
    let event = hex("f7 846a6f6273ed f3f3 856576656e7407 812301");
    let event = EventRef::decode(package(17, &event)).unwrap();
    assert!(matches!(event, EventRef::WatchUpd { id: 1, event: 7, jobs } if jobs.is_empty()));
}

/// SPEC.md §5.
#[test]
fn jobs_are_told_apart() {
    let job = |data: &str| format!("{:?}", Job::of(ValueRef::decode(&hex(data)).unwrap()));
    let add = hex("f4 83616464 f4 8173 ef 01 f4812305");
    let Job::Add { name: b"s", things } = Job::of(ValueRef::decode(&add).unwrap()) else { panic!() };
    assert_eq!(things.iter().map(qpack_json).collect::<Vec<_>>(), [json!({"#": 5})]);
    let remove = hex("f4 8672656d6f7665 f4 8173 f0 02 05 06");
    let Job::Remove { name: b"s", ids } = Job::of(ValueRef::decode(&remove).unwrap()) else { panic!() };
    assert_eq!(ids.iter().filter_map(ValueRef::as_int).collect::<Vec<_>>(), [5, 6]);
    let rename = hex("f4 8672656e616d65 f4 8161 8162");
    assert_eq!(Job::of(ValueRef::decode(&rename).unwrap()), Job::Rename { from: b"a", to: b"b" });
    // What the server of 2019-09-12 leaves of the `add` above.
    assert!(job("ef01f4812305").starts_with("Damaged"));
    for unknown in
        ["f3", "f48378797a01", "f483736574 01", "f48672656d6f7665f48173ef0205", "01", "f5 83736574f3 83736574f3"]
    {
        assert!(job(unknown).starts_with("Unknown"), "{unknown}");
    }
    // It costs none of the others.
    let event = hex("f6 812304 856576656e7406 846a6f6273 ef ef01f4812305 f48364656c8174");
    let EventRef::WatchUpd { jobs, .. } = EventRef::decode(package(17, &event)).unwrap() else { panic!() };
    let jobs: Vec<_> = jobs.iter().map(Job::of).collect();
    assert!(matches!(jobs[..], [Job::Damaged(_), Job::Del { name: b"t" }]));
}

/// The thing of the golden answer that holds every kind of value.
#[test]
fn maps_are_told_apart_by_their_first_key() {
    let special = |data: &str| {
        let bytes = hex(data);
        match Special::of(ValueRef::decode(&bytes).unwrap()) {
            Some(Special::Thing { id, map }) => json!({"thing": id, "len": map.len()}),
            Some(Special::Set(items)) => json!({"set": items.len()}),
            Some(Special::Closure(text)) => json!({"closure": String::from_utf8_lossy(text)}),
            Some(Special::Regex(text)) => json!({"regex": String::from_utf8_lossy(text)}),
            Some(Special::Error(map)) => json!({"error": map.get("error_code").and_then(ValueRef::as_int)}),
            Some(Special::Info(_)) => json!("info"),
            Some(Special::Plain(map)) => json!({"plain": map.len()}),
            None => Json::Null,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(special("f5812304816101"), json!({"thing": 4, "len": 2}));
    assert_eq!(special("f48124ed"), json!({"set": 0}));
    assert_eq!(special("f4813e847c787c78"), json!({"closure": "|x|x"}));
    assert_eq!(special("f4812a852f612e2a2f"), json!({"regex": "/a.*/"}));
    let error = "f6812189657272282d31303029896572726f725f6d7367816d8a6572726f725f636f6465e89c";
    assert_eq!(special(error), json!({"error": -100}));
    assert_eq!(special("f4813ff3"), json!("info"));
    for (data, pairs) in [("f3", 0), ("f4812381 33", 1), ("f48001", 1), ("f40102", 1), ("f5816101812304", 2)] {
        assert_eq!(special(data), json!({"plain": pairs}), "{data}");
    }
    assert_eq!(special("ed"), Json::Null);
}

#[test]
fn limits_hold_when_writing() {
    let code = "x".repeat(40);
    let query = RequestRef::QueryScope { scope: "s", code: &code, blobs: Blobs::NONE };
    let len = query.to_body(State::September).unwrap().data.len() as u32;
    assert!(query.to_body_with(State::September, &Limits::LEGACY.with_max_data_len(len)).is_ok());
    for short in [len - 1, 1, 0] {
        let limits = Limits::LEGACY.with_max_data_len(short);
        let error = query.to_body_with(State::September, &limits).unwrap_err();
        let EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met, max } = error else { panic!("{error:?}") };
        assert!(met > max && max == u64::from(short), "{met} and {max}");
    }
    let data = AnswerRef::Query(Data::new(&[0x82, 0, 0]));
    assert!(data.to_body_with(&Limits::LEGACY.with_max_data_len(3)).is_ok());
    assert!(data.to_body_with(&Limits::LEGACY.with_max_data_len(2)).is_err());
    // What is put together by hand leaves room for the containers around it.
    let mut args = ValuesBuf::new();
    let (fits, deep) = (hex(&("ee".repeat(62) + "01")), hex(&("ee".repeat(63) + "01")));
    assert!(args.push(ValueRef::decode(&deep).unwrap()).is_err());
    assert_eq!((args.as_ref().len(), args.as_ref().as_bytes()), (0, &b""[..]));
    args.push(ValueRef::decode(&fits).unwrap()).unwrap();
    let upd = EventRef::WatchUpd { id: 1, event: 1, jobs: args.as_ref() };
    assert_eq!(EventRef::decode(upd.to_body().unwrap().with_id(0).as_ref()), Ok(upd));
    let thing = |depth: usize| ThingRef::decode(&hex(&format!("f5 8123 01 8161 {} 01", "ee".repeat(depth)))).is_ok();
    assert_eq!((thing(61), thing(62)), (true, false));
}

#[test]
fn credentials_are_not_shown() {
    let secrets = [
        RequestRef::Auth(Credentials::Password { user: "iris", password: "hush" }),
        RequestRef::Auth(Credentials::Token("hush-iris")),
    ];
    for request in secrets {
        let body = request.to_body(State::S2).unwrap();
        for shown in [format!("{request:?}"), format!("{request:#?}"), format!("{body:?}")] {
            assert!(!shown.contains("hush") && !shown.contains("iris"), "{shown}");
        }
    }
    let (blobs, mut args) = (Blobs::new(&[b"hush"]), ValuesBuf::new());
    args.push_str("hush");
    let shown = format!("{blobs:?} {args:?} {:?} {:?}", args.as_ref(), Data::new(b"\x84hush"));
    assert!(!shown.contains("hush"), "{shown}");
}

#[cfg(feature = "serde")]
#[test]
fn payloads_become_types() {
    use std::collections::BTreeMap;

    let data = Data::of(package(66, b"\xfd\x84name\x84Iris"));
    assert_eq!(data.payload::<BTreeMap<&str, &str>>().unwrap()["name"], "Iris");
    let error = Data::new(b"\x01\x02").payload::<i64>().unwrap_err();
    assert_eq!(error.offset(), Some(1));
    let mut args = ValuesBuf::new();
    args.push_payload(&(1, "a")).unwrap();
    assert_eq!(to_hex(args.as_ref().as_bytes()), "ef018161");
}

/// Values of any kind, encoded one behind the other.
fn values() -> impl Strategy<Value = Vec<u8>> {
    let value = (0..6, any::<i64>(), any::<f64>(), prop::collection::vec(any::<u8>(), 0..120));
    prop::collection::vec(value, 0..9).prop_map(|values| {
        let mut buf = ValuesBuf::new();
        for (kind, int, double, raw) in &values {
            match kind {
                0 => buf.push_int(*int),
                1 => buf.push_double(*double),
                2 => buf.push_bool(*int > 0),
                3 => buf.push_raw(raw),
                4 => buf.push(ValueRef::decode(b"\xfc\xf4\x81a\xfd\xff\x7c\xfe").unwrap()).unwrap(),
                _ => buf.push_null(),
            };
        }
        buf.as_ref().as_bytes().to_vec()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 1000 }))]

    #[test]
    fn any_request_comes_back(
        kind in 0..9_u8,
        state in prop::sample::select(vec![State::S1, State::S2, State::September]),
        (text, other, name) in (".*", ".*", prop::option::of(".*")),
        (id, deep, all) in (any::<i64>(), prop::option::of(0..=127_i64), prop::option::of(any::<bool>())),
        blobs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 0..8),
        ids in prop::collection::vec(any::<i64>(), 0..8),
        run in values(),
    ) {
        let slices: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
        let blobs = Blobs::new(&slices);
        let collection = name.as_deref().map_or(Collection::Id(id), Collection::Name);
        let things = Things { ids: Ids::new(&ids), collection };
        let array = [&[0xfc, 0x80, 0x80], &run[..]].concat();
        let RequestRef::Run { args, .. } = RequestRef::decode(package(50, &array), state).unwrap() else { panic!() };
        let is_old = state == State::S1;
        let (deep, all) = (deep.filter(|_| is_old), all.filter(|_| is_old));
        let target = [Target::Node, Target::ThingsDb, Target::Collection(collection)][ids.len() % 3];
        let known = if is_old && !matches!(target, Target::Collection(_)) { Blobs::NONE } else { blobs };
        let request = match kind {
            0 => RequestRef::Ping,
            1 => RequestRef::Auth(Credentials::Password { user: &text, password: &other }),
            2 if !is_old => RequestRef::Auth(Credentials::Token(&text)),
            3 if state != State::September => RequestRef::Watch(Some(things)),
            4 if state != State::September => RequestRef::Unwatch(Some(things)),
            5 => RequestRef::Watch(None),
            6 => RequestRef::Unwatch(None),
            7 => RequestRef::Run { target: collection, procedure: &text, args },
            _ if state == State::September => RequestRef::QueryScope { scope: &text, code: &other, blobs },
            _ => RequestRef::Query { target, code: &text, blobs: known, deep, all },
        };
        let sent = request.to_body(state).unwrap().with_id(7);
        prop_assert_eq!(RequestRef::decode(sent.as_ref(), state), Ok(request));
        prop_assert_eq!(sent.kind, request.kind().0);
    }

    #[test]
    fn any_answer_and_event_comes_back(
        kind in 0..9_u8,
        state in prop::sample::select(vec![State::S1, State::S2, State::September]),
        text in ".*",
        (id, event, class) in (any::<i64>(), any::<i64>(), 96..=105_u8),
        run in values(),
    ) {
        let thing = [&hex("fd 8123 e907 00"), &hex("8164")[..], &[0xfc], &run, &[0xfe]].concat();
        let upd = [&hex("fd 8123 07 856576656e74 05 846a6f6273"), &[0xfc][..], &run].concat();
        let EventRef::WatchUpd { jobs, .. } = EventRef::decode(package(17, &upd)).unwrap() else { panic!() };
        let error = if state == State::S1 { Kind(class) } else { Kind::RES_ERROR };
        let read = match kind {
            0 => Read::Answer(AnswerRef::Ping),
            1 => Read::Answer(AnswerRef::Auth),
            2 => Read::Answer(AnswerRef::Query(Data::new(&run))),
            3 => Read::Answer([AnswerRef::Watch, AnswerRef::Unwatch][usize::from(class % 2)]),
            4 => Read::Answer(AnswerRef::Error(ErrorRef { kind: error, code: ErrorCode(id), message: &text })),
            5 => Read::Event(EventRef::WatchIni { event, thing: ThingRef::decode(&thing).unwrap() }),
            6 => Read::Event(EventRef::WatchUpd { id, event, jobs }),
            7 => Read::Event(EventRef::WatchDel { id }),
            _ => Read::Event(EventRef::NodeStatus(&text)),
        };
        let sent = read.to_body(state).with_id(7);
        prop_assert_eq!(Read::decode(sent.as_ref(), false, state), Ok(read));
    }
}

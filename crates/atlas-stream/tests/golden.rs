//! Keys, states, laps and ids of the golden vectors.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use atlas_stream::{DecodeErrorKind, Key, KeyRef, LapType, MessageType, SessionState, dependency_id, item_path};
use serde_json::Value as Json;

/// Under Miri, which is some thousand times slower, every tenth.
const SAMPLE: usize = if cfg!(miri) { 10 } else { 1 };

fn vectors() -> Vec<Json> {
    let lines = include_str!("vectors/atlas.jsonl").lines().step_by(SAMPLE);
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The bytes of a key; `None` for Kafka's null.
fn key(vector: &Json) -> Option<Vec<u8>> {
    let text = vector["key"].as_str()?;
    match vector["key_encoding"].as_str() {
        None => Some(text.as_bytes().to_vec()),
        // The only one in base64.
        Some("base64") if text == "dGRhdGE6//5B" => Some(b"tdata:\xff\xfeA".to_vec()),
        other => panic!("{other:?}"),
    }
}

fn is_message(vector: &Json) -> bool {
    vector["kind"] != "dependency"
}

#[test]
fn keys_are_read_and_written_again() {
    let mut read = 0;
    for vector in vectors().into_iter().filter(|vector| is_message(vector) && vector["level"] != "key") {
        let bytes = key(&vector).unwrap();
        let found = KeyRef::decode(&bytes).unwrap();
        let text = vector["key"].as_str().unwrap();
        let due: Vec<_> = text.splitn(2, ':').collect();
        assert_eq!([found.message_type().as_str(), found.stream_id()], due[..], "{}", vector["id"]);
        let owned = Key::from(found);
        assert_eq!((owned.as_str(), owned.as_ref()), (text, found));
        assert_eq!(Key::new(found.message_type(), found.stream_id()), Some(owned));
        assert_eq!(KeyRef::decode_lenient(&bytes), Ok(found));
        read += 1;
    }
    assert!(read * SAMPLE >= 130, "{read}");
}

#[test]
fn what_is_no_key_is_refused_where_it_is() {
    let due = [
        ("atlas-074", DecodeErrorKind::MissingColon, 5),
        ("atlas-075", DecodeErrorKind::Empty, 0),
        ("atlas-076", DecodeErrorKind::Empty, 6),
        ("atlas-077", DecodeErrorKind::ByteOrderMark, 0),
        ("atlas-078", DecodeErrorKind::InvalidUtf8, 6),
    ];
    for vector in vectors().into_iter().filter(|vector| is_message(vector) && vector["level"] == "key") {
        let Some(bytes) = key(&vector) else {
            assert_eq!(vector["id"], "atlas-079", "the one without a key");
            continue;
        };
        let error = KeyRef::decode(&bytes).unwrap_err();
        let (_, kind, offset) = due.iter().find(|due| vector["id"] == due.0).unwrap();
        assert_eq!((error.kind(), error.offset()), (*kind, *offset), "{}", vector["id"]);
        assert_eq!(KeyRef::decode_lenient(&bytes).is_ok(), vector["lenient"] == true, "{}", vector["id"]);
    }
}

#[test]
fn unknown_types_are_types() {
    for (text, is_known) in [("weather", false), ("x-blob", false), ("TDATA", false), ("tdata", true), ("$start", true)]
    {
        assert_eq!(MessageType::new(text).unwrap().is_known(), is_known, "{text}");
    }
    assert_eq!(MessageType::ALL.map(MessageType::is_known), [true; 8]);
}

#[test]
fn states_and_laps_have_the_names_of_the_vectors() {
    let (mut sessions, mut laps) = (0, 0);
    for vector in vectors().into_iter().filter(|vector| vector["valid"] == true && is_message(vector)) {
        let Some(value) = vector["value"].as_str().and_then(|text| serde_json::from_str::<Json>(text).ok()) else {
            continue;
        };
        let kind = vector["key"].as_str().unwrap();
        if kind.starts_with("session:") {
            let name = value["state"].as_str().unwrap();
            assert_eq!(SessionState::from_name(name).unwrap().name(), Some(name));
            sessions += 1;
        } else if kind.starts_with("lap:") {
            let name = value["type"].as_str().unwrap();
            assert!(!matches!(LapType::from_name(name), LapType::Other(_)), "{name}");
            assert_eq!(LapType::from_name(name).name(), name);
            laps += 1;
        }
    }
    if SAMPLE == 1 {
        assert_eq!((sessions, laps), (18, 7), "all that are valid");
    }
}

#[test]
fn documents_have_the_ids_that_they_were_published_under() {
    let mut made = 0;
    for vector in vectors().into_iter().filter(|vector| !is_message(vector)) {
        let path: Vec<_> = vector["key"].as_str().unwrap().split('/').collect();
        let found = item_path(path[0], path[1], path[2]);
        assert_eq!(found.is_ok(), vector["level"] != "key", "{}", vector["id"]);
        if let Ok(found) = found {
            assert_eq!(found, vector["key"].as_str().unwrap());
        }
        if let Some(sha1) = vector["sha1"].as_str() {
            assert!(sha1.starts_with(&dependency_id(vector["value"].as_str().unwrap())));
            assert_eq!(dependency_id(vector["value"].as_str().unwrap()), path[2], "{}", vector["id"]);
            made += 1;
        }
    }
    assert!(made >= 2 || cfg!(miri), "{made}");
    assert_eq!(
        dependency_id(
            r#"{"appGroups":{"app":{"conversions":{},"events":{},"groups":{"group":{"groups":{},"parameters":{"example:app":{"name":"example","units":"kmh"}}}},"parameters":{}}}}"#
        ),
        "e7548e787967"
    );
}

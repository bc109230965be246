//! The names of types, against those that the golden frames were given by who captured them.
#![cfg(all(feature = "msgpack", feature = "qpack"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

mod common;

use common::frames;
use testkit::vectors::text;
use thingsdb_wire::{PackageRef, legacy, module, node, siridb, v1};

/// In the words of the vectors.
fn name(dialect: &str, is_request: bool, kind: u8) -> String {
    let of_state = |state| legacy::Kind(kind).name(state).unwrap().to_owned();
    match dialect {
        "v1-msgpack" => v1::Kind(kind).to_string(),
        "module-msgpack" => module::Kind(kind).to_string(),
        "siridb-qpack" if is_request => siridb::Request(kind).to_string(),
        "siridb-qpack" => siridb::Answer(kind).to_string(),
        "legacy-qpack-2019-06" => of_state(legacy::State::S1),
        "legacy-qpack" => of_state(legacy::State::S2),
        "legacy-qpack-2019-09" => of_state(legacy::State::September),
        other => panic!("no dialect {other}"),
    }
}

#[test]
fn golden_frames_have_the_names_they_were_captured_under() {
    for (vector, bytes) in frames() {
        let package = PackageRef::decode(&bytes).unwrap();
        let expected = text(&vector, "name");
        let is_request = expected.starts_with("REQ_");
        let found = name(text(&vector, "dialect"), is_request, package.kind);
        // The vectors say of each type what it is for; a table that has its name twice does, too.
        let bare = |name: &str| {
            ["REQ_", "RES_", "MODULE_", "DEPRECATED_"]
                .iter()
                .find_map(|prefix| name.strip_prefix(prefix))
                .unwrap_or(name)
                .to_owned()
        };
        assert_eq!(bare(&found), bare(expected), "{vector}");
    }
}

#[test]
fn numbers_without_a_name_survive() {
    assert_eq!((v1::Kind(42).name(), v1::Kind(42).to_string(), u8::from(v1::Kind(42))), (None, "42".into(), 42));
    assert_eq!(format!("{:?} {:?} {:?}", v1::ErrorCode(-99), node::Kind(255), legacy::Kind(34)), "-99 255 34");
    assert_eq!(i64::from(v1::ErrorCode::from(i64::MIN)), i64::MIN);
}

/// The error codes of the golden answers are those of the tables, by the texts that came with them.
#[test]
fn golden_error_codes_have_names() {
    let mut seen = 0;
    for (vector, _) in frames() {
        let Some(code) = vector["payload_json"]["error_code"].as_i64() else { continue };
        seen += 1;
        let message = text(&vector["payload_json"], "error_msg");
        let found = match text(&vector, "dialect") {
            "v1-msgpack" if v1::ErrorCode(code).is_raised_by_user() => continue,
            "v1-msgpack" => v1::ErrorCode(code).name(),
            "legacy-qpack" if matches!(code, -127..=-100) => continue,
            "legacy-qpack" => legacy::ErrorCode(code).name(),
            _ => legacy::Kind((-code) as u8).name(legacy::State::S1),
        };
        let found = found.unwrap_or_else(|| panic!("{vector}"));
        if message.contains("not authenticated")
            || message.contains("invalid token")
            || message.contains("invalid username")
        {
            assert!(found.ends_with("AUTH"), "{found}: {message}");
        }
        if message.contains("syntax") || message.contains("error at position") {
            assert!(found.ends_with("SYNTAX"), "{found}: {message}");
        }
    }
    assert!(seen > 20 || cfg!(miri), "{seen}");
}

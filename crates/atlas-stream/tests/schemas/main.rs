//! The JSON Schemas in `schemas/atlas`: what they say of the golden vectors, what they ask of each member, and that what is written here
//! passes.

// No code of ours is at work in most of it, and Miri needs minutes for a validator.
#![cfg(not(miri))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

mod changes;
mod writers;

use std::collections::{BTreeMap, BTreeSet};

use atlas_stream::{LapType, SessionState};
use changes::pointers;
use jsonschema::Validator;
use serde_json::{Value as Json, json};

macro_rules! schemas {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../../schemas/atlas/", $name, ".schema.json")))),*]
    };
}

const SCHEMAS: [(&str, &str); 9] = schemas!(
    "atlas-configuration",
    "data-format",
    "events",
    "lap",
    "session",
    "sync",
    "tdata",
    "tsamples",
    "tsamples-legacy"
);

fn schema(name: &str) -> Json {
    let (_, text) = SCHEMAS.iter().find(|schema| schema.0 == name).unwrap_or_else(|| panic!("{name}"));
    serde_json::from_str(text).unwrap()
}

/// With `formats`, one that also looks at `date-time`.
fn validator(name: &str, formats: bool) -> Validator {
    jsonschema::options().should_validate_formats(formats).build(&schema(name)).unwrap()
}

fn validators(formats: bool) -> BTreeMap<&'static str, Validator> {
    SCHEMAS.iter().map(|(name, _)| (*name, validator(name, formats))).collect()
}

/// Of members that stand twice, the last.
fn parse(text: &Json) -> Json {
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

fn vectors() -> Vec<Json> {
    include_str!("../vectors/atlas.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `valid`, or at which level it is not.
fn level(vector: &Json) -> String {
    vector["level"].as_str().unwrap_or("valid").to_owned()
}

#[test]
fn files_are_schemas_of_draft_7_and_closed_to_nobody() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/atlas");
    let found: BTreeSet<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let due: BTreeSet<_> = SCHEMAS.iter().map(|(name, _)| format!("{name}.schema.json")).collect();
    assert_eq!(found, due, "a file that no test looks at");

    for (name, text) in SCHEMAS {
        let schema = schema(name);
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#", "{name}");
        assert_eq!(schema["$id"], format!("urn:atlas-stream:schema:{name}"));
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert!(schema["title"].is_string() && schema["description"].is_string(), "{name}");
        assert!(text.ends_with("}\n"), "{name}");
        for pointer in pointers(&schema) {
            let part = schema.pointer(&pointer).unwrap();
            assert_ne!(part, &json!(false), "{name}: {pointer} shuts out members of tomorrow");
            let parent = pointer.rsplit_once('/').unwrap().0;
            if parent.ends_with("/properties") {
                let told = part["description"].is_string() || part["$ref"].is_string();
                assert!(told, "{name}: {pointer} has no words");
            }
        }
    }
}

/// How many vectors of each level pass, and how many do not. Each has been held against what it says itself.
fn judged(formats: bool) -> BTreeMap<(String, bool), usize> {
    let validators = validators(formats);
    let mut counts = BTreeMap::new();
    for vector in vectors() {
        let level = level(&vector);
        let Some(file) = vector["schema"]["file"].as_str() else {
            assert!(level != "schema" && level != "format", "{} does not say by which schema", vector["id"]);
            continue;
        };
        let passes = validators[file].is_valid(&parse(&vector["value"]));
        let due = match vector["schema"]["result"].as_str().unwrap() {
            "pass" => true,
            "fail" => false,
            "format-fail" => !formats,
            other => panic!("{other}"),
        };
        assert_eq!(passes, due, "{} ({file}): {}", vector["id"], vector["note"]);
        *counts.entry((level, passes)).or_default() += 1;
    }
    counts
}

fn counts(due: &[(&str, bool, usize)]) -> BTreeMap<(String, bool), usize> {
    due.iter().map(|(level, passes, count)| (((*level).to_owned(), *passes), *count)).collect()
}

#[test]
fn messages_pass_and_fail_by_their_level() {
    let due = [
        ("format", true, 2),
        ("json", true, 1),
        ("key", true, 6),
        ("order", true, 6),
        ("schema", false, 36),
        ("semantic", true, 16),
        ("valid", true, 52),
    ];
    assert_eq!(judged(false), counts(&due));
}

#[test]
fn dates_fail_where_formats_count() {
    let due = [
        ("format", false, 2),
        ("json", true, 1),
        ("key", true, 6),
        ("order", true, 6),
        ("schema", false, 36),
        ("semantic", true, 16),
        ("valid", true, 52),
    ];
    assert_eq!(judged(true), counts(&due));
}

#[test]
fn every_date_is_looked_at() {
    for (date, is_date) in [("2023-11-14T10:15:30+01:00", true), ("2023-11-14T10:15:30", false), ("soon", false)] {
        for session in [
            json!({"id": "i", "state": "open", "lastHeartbeat": date}),
            json!({"id": "i", "state": "open", "activity": {"start": date}}),
        ] {
            let passes = [false, true].map(|formats| validator("session", formats).is_valid(&session));
            assert_eq!(passes, [true, is_date], "{session}");
        }
    }
}

#[test]
fn messages_that_came_before_pass() {
    let (validators, mut seen) = (validators(true), 0);
    for vector in vectors() {
        for prior in vector["prior"].as_array().into_iter().flatten() {
            if prior["key"].as_str().unwrap().starts_with("session:") {
                assert!(validators["session"].is_valid(&parse(&prior["value"])), "{}", vector["id"]);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 8);
}

#[test]
fn samples_are_of_one_form() {
    let (current, legacy) = (validator("tsamples", false), validator("tsamples-legacy", false));
    let mut seen = [0, 0];
    for vector in vectors() {
        let file = vector["schema"]["file"].as_str().unwrap_or_default();
        // The oldest form under the schema of today is a vector of its own.
        let is_legacy = file == "tsamples-legacy" || vector["id"] == "atlas-108";
        if is_legacy || (file == "tsamples" && vector["schema"]["result"] == "pass") {
            let value = parse(&vector["value"]);
            assert_eq!(
                (current.is_valid(&value), legacy.is_valid(&value)),
                (!is_legacy, is_legacy),
                "{}",
                vector["id"]
            );
            seen[usize::from(is_legacy)] += 1;
        }
    }
    assert_eq!(seen, [9, 4]);
}

#[test]
fn documents_of_dependencies_pass() {
    let (format, configuration) = (validator("data-format", true), validator("atlas-configuration", true));
    let (mut documents, mut formats) = (BTreeMap::new(), 0);
    for vector in vectors() {
        if vector["kind"] == "dependency" {
            let of_format = vector["value"].as_str().unwrap().contains("feeds");
            let passes = if of_format { &format } else { &configuration }.is_valid(&parse(&vector["value"]));
            // 155 has a list of feeds and is marked as semantic, for there is no published schema of a data format that it could fail.
            assert_eq!(passes, vector["id"] != "atlas-155", "{}", vector["id"]);
            *documents.entry((level(&vector), passes)).or_default() += 1;
        }
        if vector["format"].is_string() {
            assert!(format.is_valid(&parse(&vector["format"])), "{}", vector["id"]);
            formats += 1;
        }
    }
    let due = [("key", true, 1), ("semantic", false, 1), ("semantic", true, 2), ("valid", true, 5)];
    assert_eq!((documents, formats), (counts(&due), 48));
}

#[test]
fn a_sync_may_say_nothing() {
    let (sync, mut seen) = (validator("sync", true), 0);
    for vector in vectors() {
        let is_sync = vector["key"].as_str().is_some_and(|key| key.starts_with("sync:"));
        // One has no value, which is no JSON.
        if is_sync && vector["value"] != "" {
            assert!(sync.is_valid(&parse(&vector["value"])), "{}", vector["id"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 1);
    for (value, due) in
        [("{}", true), (r#"{"epoch":1}"#, true), (r#"{"time":-1}"#, true), ("[]", false), ("null", false)]
    {
        assert_eq!(sync.is_valid(&serde_json::from_str(value).unwrap()), due, "{value}");
    }
}

#[test]
fn names_are_those_of_the_crate() {
    use SessionState as State;

    let states = [State::WAITING, State::OPEN, State::CLOSED, State::TRUNCATED, State::FAILED, State::ABANDONED];
    assert_eq!(schema("session")["properties"]["state"]["enum"], json!(states.map(|state| state.name().unwrap())));
    let laps = [LapType::Fast, LapType::PitLane, LapType::Out, LapType::In];
    assert_eq!(schema("lap")["properties"]["type"]["enum"], json!(laps.each_ref().map(|lap| lap.name())));
}

//! Every row of the tables of SPEC.md §9 that is about the place of a record, what a session tells, and what is new in it.

use atlas_stream::{Changes, SessionState, StreamNotes};

use crate::support::*;

const STATES: [(&str, SessionState); 7] = [
    ("waiting", SessionState::WAITING),
    ("open", SessionState::OPEN),
    ("closed", SessionState::CLOSED),
    ("truncated", SessionState::TRUNCATED),
    ("failed", SessionState::FAILED),
    ("abandoned", SessionState::ABANDONED),
    ("paused", SessionState::UNKNOWN),
];
const CLOSED: [&str; 4] = ["closed", "truncated", "failed", "abandoned"];

/// Of each type that is known, with a value that can be read, but for `$start`.
fn others() -> [(&'static str, String); 7] {
    [
        ("$end:a", String::new()),
        ("session:a", session("open", "")),
        ("tdata:a", data("")),
        ("tsamples:a", NAMED.to_owned()),
        ("events:a", EVENT.to_owned()),
        ("lap:a", LAP.to_owned()),
        ("sync:a", String::new()),
    ]
}

/// A stream up to an open session, and no further.
fn running() -> Desk {
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    desk.one("session:a", session("open", ""));
    desk
}

#[test]
fn start_opens_a_complete_stream() {
    let mut desk = Desk::default();
    let told = desk.one("$start:a", "");
    assert_eq!((told.notes, told.changes, told.state), (StreamNotes::OPENED, Changes::NONE, None));
    let stream = desk.reader.stream("a").unwrap();
    assert_eq!((stream.id(), stream.is_complete(), stream.has_ended()), ("a", true, false));
    assert_eq!((stream.session(), stream.is_stale(), stream.waiting()), (None, false, 0));
}

#[test]
fn anything_else_joins_a_stream_in_the_middle() {
    for (key, value) in others() {
        let mut desk = Desk::default();
        assert_eq!(desk.notes(key, &value), StreamNotes::OPENED | StreamNotes::LATE, "{key}");
        let stream = desk.reader.stream("a").unwrap();
        assert_eq!((stream.is_complete(), stream.has_ended()), (false, key == "$end:a"), "{key}");
        // It is told once.
        if key != "$end:a" {
            assert_eq!(desk.notes("sync:a", ""), StreamNotes::NONE, "{key}");
        }
    }
}

#[test]
fn a_type_that_nobody_knows_opens_no_stream() {
    let mut desk = Desk::default();
    for key in ["other:a", "TDATA:a", "http://somewhere"] {
        let told = desk.one(key, "anything");
        assert_eq!((told.notes, told.state), (StreamNotes::NONE, None), "{key}");
    }
    assert_eq!((desk.reader.streams().count(), desk.reader.foreign_records()), (0, 0));
    assert_eq!(desk.notes("$start:a", ""), StreamNotes::OPENED, "the stream is new");
    assert_eq!(desk.notes("other:a", ""), StreamNotes::NONE);
    let received = desk.reader.handle_record(desk.now, 9, b"other:a", b"x").unwrap().unwrap();
    assert_eq!(received.stream().unwrap().id(), "a", "it is of the stream that is known");
}

#[test]
fn a_refused_record_opens_and_changes_nothing() {
    let mut desk = Desk::default();
    assert!(matches!(desk.hand("tdata:a", "{"), Err(atlas_stream::ReadError::Decode(_))));
    assert_eq!(desk.reader.streams().count(), 0);
    assert_eq!(desk.notes("$start:a", ""), StreamNotes::OPENED, "the stream is new");
    for (key, value) in [("session:a", "{"), ("tdata:a", "[]"), ("lap:a", "{}"), ("events:a", "")] {
        desk.hand(key, value).unwrap_err();
    }
    assert_eq!(desk.notes("session:a", session("open", "")), StreamNotes::NONE, "no data was read before it");
    // Keys of somebody else are counted.
    assert_eq!(desk.reader.foreign_records(), 0);
    for key in ["no colon", ":a", "tdata:"] {
        desk.hand(key, data("")).unwrap_err();
    }
    assert_eq!((desk.reader.foreign_records(), desk.reader.streams().count()), (3, 1));
}

#[test]
fn a_second_start_begins_anew() {
    let mut desk = running();
    desk.one("tdata:a", data(""));
    assert_eq!(desk.notes("$start:a", ""), StreamNotes::RESTARTED);
    let stream = desk.reader.stream("a").unwrap();
    assert_eq!((stream.is_complete(), stream.session(), stream.state()), (true, None, None));
    let told = desk.one("session:a", session("waiting", ""));
    assert_eq!((told.notes, told.changes), (StreamNotes::NONE, Changes::ID | Changes::STATE), "all is new again");
    desk.one("session:a", session("closed", ""));
    desk.one("$end:a", "");
    assert_eq!(desk.notes("$start:a", ""), StreamNotes::RESTARTED | StreamNotes::AFTER_END);
    assert!(!desk.reader.stream("a").unwrap().has_ended());
    // One that was joined late is complete from its next start on.
    desk.one("lap:b", LAP);
    assert_eq!(desk.notes("$start:b", ""), StreamNotes::RESTARTED);
    assert!(desk.reader.stream("b").unwrap().is_complete());
    assert_eq!(desk.notes("session:b", session("open", "")) | StreamNotes::REPLAY, StreamNotes::REPLAY, "no data");
}

#[test]
fn behind_the_end_nothing_changes() {
    for (key, value) in others().into_iter().chain([("other:a", String::new())]) {
        let mut desk = running();
        desk.one("session:a", session("closed", r#""identifier":"x""#));
        assert_eq!(desk.notes("$end:a", ""), StreamNotes::NONE);
        let before = desk.reader.stream("a").unwrap().session().cloned();
        let told = desk.one(key, &value);
        assert_eq!((told.notes, told.changes), (StreamNotes::AFTER_END, Changes::NONE), "{key}");
        let stream = desk.reader.stream("a").unwrap();
        assert_eq!((stream.session(), stream.state()), (before.as_ref(), Some(SessionState::CLOSED)), "{key}");
        assert!(stream.has_ended() && stream.is_complete(), "{key}");
    }
}

#[test]
fn an_end_needs_a_closed_session() {
    for (state, due) in [("waiting", SessionState::WAITING), ("open", SessionState::OPEN)] {
        let mut desk = Desk::default();
        desk.one("$start:a", "");
        desk.one("session:a", session(state, ""));
        assert_eq!(desk.notes("$end:a", ""), StreamNotes::NOT_CLOSED, "{state}");
        assert_eq!(desk.state("a"), Some(due));
        assert!(desk.reader.stream("a").unwrap().has_ended());
    }
    for state in CLOSED {
        let mut desk = running();
        desk.one("session:a", session(state, ""));
        assert_eq!(desk.notes("$end:a", ""), StreamNotes::NONE, "{state}");
    }
    // Without a session there is none to be closed.
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    assert_eq!(desk.notes("$end:a", ""), StreamNotes::NONE);
}

#[test]
fn behind_a_closed_state_no_data_may_stand() {
    for state in CLOSED {
        for (key, value) in others() {
            let mut desk = running();
            desk.one("session:a", session(state, ""));
            let due = match key {
                "tdata:a" | "tsamples:a" | "events:a" | "lap:a" => StreamNotes::AFTER_CLOSE,
                "session:a" => StreamNotes::REOPENED,
                _ => StreamNotes::NONE,
            };
            assert_eq!(desk.notes(key, &value), due, "{state} {key}");
        }
        let mut desk = running();
        desk.one("session:a", session(state, ""));
        assert_eq!(desk.notes("other:a", ""), StreamNotes::NONE, "{state}");
        let told = desk.one("session:a", session(state, r#""label":"x""#));
        assert_eq!((told.notes, told.changes), (StreamNotes::NONE, Changes::LABEL), "{state}");
    }
}

#[test]
fn a_session_comes_before_data() {
    for (key, value) in [("tdata:a", data("")), ("tsamples:a", NAMED.into()), ("events:a", EVENT.into())] {
        let mut desk = Desk::default();
        desk.one("$start:a", "");
        assert_eq!(desk.notes(key, &value), StreamNotes::NONE, "it is the session that is too late");
        assert_eq!(desk.notes("session:a", session("open", "")), StreamNotes::AFTER_DATA, "{key}");
        assert_eq!(desk.notes("session:a", session("open", "")), StreamNotes::NONE, "{key}");
    }
    // Of a stream that was joined in the middle it may have come before; what is not data counts for nothing.
    for first in [("lap:a", LAP), ("$start:a", "")] {
        let mut desk = Desk::default();
        desk.one(first.0, first.1);
        desk.one("sync:a", "");
        desk.one("other:a", "");
        assert_eq!(desk.notes("session:a", session("open", "")), StreamNotes::NONE, "{first:?}");
    }
}

/// The table of what a session tells: note, state, and whether the state is told to have changed.
fn due(from: Option<SessionState>, to: SessionState) -> (StreamNotes, SessionState, bool) {
    let Some(from) = from else { return (StreamNotes::NONE, to, true) };
    let is_closed = |state| CLOSED.iter().any(|name| SessionState::from_name(name) == Some(state));
    if is_closed(from) {
        let note = match to {
            SessionState::OPEN | SessionState::WAITING => StreamNotes::REOPENED,
            _ if is_closed(to) && to != from => StreamNotes::CLOSED_AGAIN,
            _ => StreamNotes::NONE,
        };
        return (note, from, false);
    }
    if from == SessionState::OPEN && to == SessionState::WAITING {
        return (StreamNotes::WENT_BACK, from, false);
    }
    (StreamNotes::NONE, to, from != to)
}

#[test]
fn every_state_after_every_other() {
    for (first, from) in STATES {
        for (second, to) in STATES {
            let mut desk = Desk::default();
            desk.one("$start:a", "");
            let told = desk.one("session:a", session(first, ""));
            let all = Changes::ID | Changes::STATE;
            assert_eq!((told.notes, told.changes, told.state), (StreamNotes::NONE, all, Some(from)), "{first}");
            let (notes, state, has_changed) = due(Some(from), to);
            let changes = if has_changed { Changes::STATE } else { Changes::NONE };
            let told = desk.one("session:a", session(second, ""));
            assert_eq!((told.notes, told.changes, told.state), (notes, changes, Some(state)), "{first} {second}");
            // And a third time, so that what was told is not taken for what is.
            for (third, next) in STATES {
                let mut desk = Desk::default();
                let told = [first, second, third].map(|name| desk.one("session:a", session(name, "")));
                let (notes, state, has_changed) = due(Some(state), next);
                let is_due = (told[2].notes, told[2].changes.contains(Changes::STATE), told[2].state);
                assert_eq!(is_due, (notes, has_changed, Some(state)), "{first} {second} {third}");
            }
        }
    }
}

#[test]
fn states_by_other_names_and_numbers() {
    let mut desk = Desk::default();
    desk.one("session:a", session("paused", ""));
    let told = desk.one("session:a", session("stopped", ""));
    assert_eq!((told.changes, told.state), (Changes::STATE, Some(SessionState::UNKNOWN)), "another name");
    assert_eq!(desk.one("session:a", session("stopped", "")).changes, Changes::NONE);
    let told = desk.one("session:a", r#"{"id":"s","state":44}"#);
    assert_eq!((told.changes, told.state), (Changes::STATE, Some(SessionState::ABANDONED)));
    let told = desk.one("session:a", session("stopped", ""));
    assert_eq!((told.notes, told.changes), (StreamNotes::NONE, Changes::NONE), "it stays as it was");
    assert_eq!(told.state, Some(SessionState::ABANDONED));
}

#[test]
fn another_id_begins_anew() {
    let mut desk = running();
    desk.one("session:a", session("closed", ""));
    let told = desk.one("session:a", r#"{"id":"t","state":"waiting"}"#);
    assert_eq!((told.notes, told.changes), (StreamNotes::NONE, Changes::ID | Changes::STATE));
    assert_eq!(told.state, Some(SessionState::WAITING), "that the other was closed says nothing of it");
    assert_eq!(desk.notes("session:a", r#"{"id":"t","state":"open"}"#), StreamNotes::NONE);
    assert_eq!(desk.notes("tdata:a", data("")), StreamNotes::NONE);
}

/// What is told, what it becomes, and what of it has changed then.
const CHANGES: [(&str, &str, Changes); 16] = [
    (r#""identifier":"x""#, r#""identifier":"y""#, Changes::IDENTIFIER),
    (r#""details":{"Driver":"x"}"#, r#""details":{"Driver":"y"}"#, Changes::DETAILS),
    (r#""details":{"Driver":"x"}"#, r#""details":{"driver":"x"}"#, Changes::DETAILS),
    (r#""details":{}"#, r#""details":{"Driver":""}"#, Changes::DETAILS),
    (r#""dependencies":{"dataFormat":["x"]}"#, r#""dependencies":{"dataFormat":["x","y"]}"#, Changes::DEPENDENCIES),
    (r#""dependencies":{"dataFormat":["x"]}"#, r#""dependencies":{"other":["x"]}"#, Changes::DEPENDENCIES),
    (r#""label":"x""#, r#""label":"y""#, Changes::LABEL),
    (r#""sources":[{"id":"x","state":"open"}]"#, r#""sources":[{"id":"x","state":"closed"}]"#, Changes::SOURCES),
    (r#""type":"x""#, r#""type":"y""#, Changes::TYPE),
    (r#""quality":0.5"#, r#""quality":0.75"#, Changes::QUALITY),
    (r#""model":{"group":"x"}"#, r#""model":{"group":"x","version":1}"#, Changes::MODEL),
    (r#""activity":{"durationNanos":1}"#, r#""activity":{"durationNanos":2}"#, Changes::ACTIVITY),
    (
        r#""activity":{"start":"2023-11-14T11:15:30Z"}"#,
        r#""activity":{"start":"2023-11-14T11:15:31Z"}"#,
        Changes::ACTIVITY,
    ),
    (r#""futureField":{"x":1}"#, r#""futureField":{"x":2}"#, Changes::UNKNOWN),
    (r#""lastHeartbeat":"2023-11-14T11:15:30Z""#, r#""lastHeartbeat":"2023-11-14T11:15:40Z""#, Changes::NONE),
    (r#""lastHeartbeat":null"#, r#""lastHeartbeat":"2023-11-14T11:15:40Z""#, Changes::NONE),
];

#[test]
fn each_change_alone_is_told_alone() {
    for (before, after, due) in CHANGES {
        // Once by itself, and once among all others that do not change.
        for is_alone in [true, false] {
            let name = before.split(':').next().unwrap();
            let rest = CHANGES.iter().enumerate().filter(|(at, _)| [0, 1, 4, 6, 7, 8, 9, 10, 11, 13].contains(at));
            let rest: Vec<_> = rest.map(|(_, row)| row.0).filter(|row| !is_alone && !row.starts_with(name)).collect();
            let with = |row: &str| session("open", &[rest.as_slice(), &[row]].concat().join(","));
            let without = session("open", &rest.join(","));
            let mut desk = Desk::default();
            desk.one("session:a", with(before));
            for (value, changes) in [(before, Changes::NONE), (after, due), (after, Changes::NONE), (before, due)] {
                let told = desk.one("session:a", with(value));
                assert_eq!((told.notes, told.changes), (StreamNotes::NONE, changes), "{before} {value}");
            }
            assert_eq!(desk.one("session:a", &without).changes, due, "{before} taken away");
            assert_eq!(desk.one("session:a", with(after)).changes, due, "{after} put in");
            assert_eq!(due.iter().count(), usize::from(!due.is_empty()));
        }
    }
}

#[test]
fn of_the_first_session_all_is_new() {
    let all: Vec<_> = [0, 1, 4, 6, 7, 8, 9, 10, 11, 13, 14].iter().map(|at| CHANGES[*at].0).collect();
    let changes = Desk::default().one("session:a", session("open", &all.join(","))).changes;
    assert_eq!(changes.iter().count(), 12);
    let words = "state, identifier, details, dependencies, label, sources, id, type, quality, model, activity, unknown";
    assert_eq!(changes.to_string(), words);
    assert_eq!(Desk::default().one("session:a", session("open", "")).changes, Changes::ID | Changes::STATE);
    // The id alone, with the rest as it was.
    let mut desk = running();
    assert_eq!(desk.one("session:a", r#"{"id":"t","state":"open"}"#).changes, Changes::ID);
}

#[test]
fn a_heartbeat_is_no_change_but_is_kept() {
    let mut desk = Desk::default();
    let beat = |second: u32| session("open", &format!(r#""lastHeartbeat":"2023-11-14T11:15:{second}Z""#));
    desk.one("session:a", beat(30));
    for second in 31..40 {
        assert_eq!(desk.one("session:a", beat(second)).changes, Changes::NONE);
        let heartbeat = desk.reader.stream("a").unwrap().session().unwrap().last_heartbeat.clone();
        assert_eq!(heartbeat.unwrap().as_str(), format!("2023-11-14T11:15:{second}Z"));
    }
    desk.one("session:a", session("open", ""));
    assert_eq!(desk.reader.stream("a").unwrap().session().unwrap().last_heartbeat, None);
}

#[test]
fn a_session_in_another_stream_is_a_replay() {
    let mut desk = running();
    assert_eq!(desk.notes("$start:b", ""), StreamNotes::OPENED);
    assert_eq!(desk.notes("session:b", session("open", "")), StreamNotes::REPLAY);
    assert_eq!(desk.notes("session:b", session("closed", "")), StreamNotes::NONE, "it is told once");
    assert_eq!(desk.notes("session:a", session("closed", "")), StreamNotes::NONE, "only of the second");
    assert_eq!(desk.state("a"), desk.state("b"));
    // Another session is none, until it is told to be that one.
    assert_eq!(desk.notes("session:c", r#"{"id":"t","state":"open"}"#), StreamNotes::OPENED | StreamNotes::LATE);
    assert_eq!(desk.notes("session:c", session("open", "")), StreamNotes::REPLAY);
    // A stream that begins anew is no replay of itself, but of the others.
    let mut desk = running();
    desk.one("$start:a", "");
    assert_eq!(desk.notes("session:a", session("open", "")), StreamNotes::NONE);
}

#[test]
fn streams_do_not_mind_each_other() {
    let mut desk = Desk::default();
    let records = |id: &str| {
        let name = |kind: &str| format!("{kind}:{id}");
        let open = format!(r#"{{"id":"{id}","state":"open"}}"#);
        let closed = format!(r#"{{"id":"{id}","state":"closed"}}"#);
        let start = [(name("$start"), String::new()), (name("session"), open), (name("lap"), LAP.to_owned())];
        start.into_iter().chain([(name("session"), closed), (name("$end"), String::new())])
    };
    for (of_a, of_b) in records("a").zip(records("b:c")) {
        for (key, value) in [of_a, of_b] {
            let due = if key.starts_with("$start") { StreamNotes::OPENED } else { StreamNotes::NONE };
            assert_eq!(desk.notes(&key, &value), due, "{key}");
        }
    }
    let ids: Vec<_> = desk.reader.streams().map(|stream| (stream.id(), stream.has_ended())).collect();
    assert_eq!(ids, [("a", true), ("b:c", true)]);
}

//! What limits, forgetting and silence must not do on the way (SPEC.md §9).

use core::time::Duration;

use atlas_stream::{ReaderEvent, ReaderLimits, SessionState, StreamNotes, StreamReader};

use super::support::{Desk, LAP, NAMED, data, forgotten, listing, session, stale};

fn limited(limits: ReaderLimits) -> Desk {
    Desk::of(StreamReader::new().with_limits(limits))
}

/// A session of another stream, with a detail that is this long.
fn long(len: usize) -> String {
    session("open", &format!(r#""identifier":"{}""#, "x".repeat(len)))
}

#[test]
fn a_shorter_interval_brings_the_end_forward() {
    let mut desk = Desk::default();
    desk.one("session:a", session("open", ""));
    desk.at(20).one("session:a", session("open", ""));
    assert_eq!(desk.timeout(30), []);
    desk.at(22).one("session:a", session("open", ""));
    // Time does not go back: it came at 30.
    assert_eq!((desk.timeout(59), desk.timeout(60)), (vec![], stale(&["a"])));
}

#[test]
fn sessions_that_come_seldom_are_learned() {
    let mut desk = Desk::default();
    desk.one("session:a", session("open", ""));
    assert_eq!(desk.timeout(30), stale(&["a"]));
    for second in [40, 80, 120] {
        desk.at(second).one("session:a", session("open", ""));
        assert_eq!(desk.timeout(second + 39), [], "three times 40 s");
    }
    assert_eq!((desk.timeout(239), desk.timeout(240)), (vec![], stale(&["a"])));
    // What is longer than three times the least is a pause.
    assert_eq!(desk.at(240).notes("session:a", session("open", "")), StreamNotes::RETURNED);
    assert_eq!((desk.timeout(359), desk.timeout(360)), (vec![], stale(&["a"])));
}

#[test]
fn a_stream_that_gives_a_sign_by_what_is_refused_can_fall_silent_again() {
    let mut desk = Desk::default();
    desk.one("lap:a", LAP);
    assert_eq!(desk.timeout(30), stale(&["a"]));
    assert!(desk.at(40).hand("lap:a", "{").is_err());
    assert_eq!((desk.timeout(69), desk.timeout(70)), (vec![], stale(&["a"])));
}

#[test]
fn restarts_give_back_what_sessions_took() {
    let mut desk = limited(ReaderLimits::DEFAULT.with_max_stream_bytes(400));
    desk.one("$start:b", "");
    for _ in 0..50 {
        desk.one("$start:a", "");
        assert!(!desk.notes("session:a", long(200)).contains(StreamNotes::NO_ROOM));
    }
    desk.one("$start:a", "");
    assert!(!desk.notes("session:b", long(250)).contains(StreamNotes::NO_ROOM));
    assert_eq!((desk.events(), desk.reader.streams().count()), (vec![], 2));
}

#[test]
fn a_longer_heartbeat_counts_with_its_length() {
    let mut desk = limited(ReaderLimits::DEFAULT.with_max_stream_bytes(300));
    desk.one("session:b", long(30));
    desk.one("session:a", session("open", ""));
    let heartbeat = format!(r#""lastHeartbeat":"2023-11-14T10:15:30.{}Z""#, "0".repeat(200));
    assert_eq!(desk.notes("session:a", session("open", &heartbeat)), StreamNotes::NONE);
    assert_eq!(desk.events(), forgotten(&["b"]));
}

#[test]
fn nobody_goes_for_what_there_is_no_room_for_all_the_same() {
    // `w` waits and cannot go; without the others there would still be no room for the long id.
    let mut desk = limited(ReaderLimits::DEFAULT.with_max_stream_bytes(60));
    desk.wait(&format!("tdata:{}", "w".repeat(23)), data("f"));
    for id in ["p", "q", "r"] {
        desk.one(&format!("lap:{id}"), LAP);
    }
    assert_eq!(desk.notes(&format!("lap:{}", "n".repeat(50)), LAP), StreamNotes::NO_ROOM);
    assert_eq!((desk.asked(), desk.reader.streams().count()), (vec!["f".to_owned()], 4));
    // Nor for a session that is too long by itself.
    let mut desk = limited(ReaderLimits::DEFAULT.with_max_stream_bytes(100));
    desk.one("lap:a", LAP);
    desk.one("lap:b", LAP);
    assert_eq!(desk.notes("session:b", long(200)), StreamNotes::NO_ROOM);
    assert_eq!((desk.events(), desk.reader.streams().count()), (vec![], 2));
    assert_eq!(desk.state("b"), Some(SessionState::OPEN));
}

#[test]
fn a_stream_that_comes_back_is_not_told_to_be_forgotten() {
    let mut desk = limited(ReaderLimits::DEFAULT.with_max_streams(1));
    for _ in 0..20 {
        desk.one("lap:a", LAP);
        desk.one("lap:b", LAP);
    }
    assert_eq!(desk.events(), forgotten(&["a"]), "b is there");
}

#[test]
fn named_data_asks_for_its_format_and_does_not_wait() {
    let mut desk = Desk::default();
    desk.one("tsamples:a", NAMED);
    assert_eq!(desk.asked(), ["f"]);
}

#[test]
fn what_is_only_listed_takes_nobodys_place() {
    let mut desk = limited(ReaderLimits::DEFAULT.with_max_formats(1));
    assert!(desk.give("f"));
    desk.one("session:a", listing("open", &["g", ""]));
    assert_eq!(desk.asked(), [""; 0]);
    assert!(desk.one("tdata:a", data("f")).is_bound);
    // What is listed, and nobody waits for, goes for what data names.
    let mut desk = limited(ReaderLimits::DEFAULT.with_max_formats(2));
    desk.one("session:a", listing("open", &["f", "g"]));
    desk.wait("tdata:a", data("h"));
    assert_eq!(desk.asked(), ["g", "h"], "f was forgotten before it was told");
}

#[test]
fn a_format_that_is_forgotten_while_data_waits_is_asked_for_again() {
    let mut desk = limited(ReaderLimits::DEFAULT.with_max_formats(2));
    assert!(desk.give("f"));
    desk.wait("tdata:a", data("g"));
    desk.wait("tdata:a", data("f"));
    // Takes the place of f, which was there when the record came.
    desk.wait("tdata:b", data("h"));
    assert_eq!(desk.asked(), ["g", "h"]);
    assert!(desk.give("g"));
    assert_eq!(desk.drain().len(), 1);
    assert_eq!(desk.asked(), ["f"]);
    // It is waited for as any other: nothing is stuck.
    assert_eq!(desk.reader.poll_deadline(), Some(Duration::from_secs(10)));
    assert!(desk.give("f"));
    let told = desk.drain();
    assert!(told.len() == 1 && told[0].is_bound && told[0].notes == StreamNotes::NONE, "{told:?}");
}

#[test]
fn what_waits_again_has_an_end_again() {
    let mut desk = limited(ReaderLimits::DEFAULT.with_max_formats(1));
    for _ in 0..3 {
        desk.wait("tdata:a", data("f"));
    }
    assert_eq!(desk.timeout(10), [ReaderEvent::FormatNeeded { id: "f".to_owned() }]);
    assert!(desk.reader.poll_record().is_some());
    // Takes the place of what was given up, between two records of it.
    desk.one("tsamples:b", NAMED.replace("\"f\"", "\"z\""));
    assert!(desk.drain().is_empty());
    assert_eq!(desk.reader.poll_deadline(), Some(Duration::from_secs(20)));
    desk.timeout(20);
    assert_eq!((desk.drain().len(), desk.reader.waiting()), (2, 0));
}

#[test]
fn only_a_session_without_news_is_a_heartbeat() {
    let open = |more: &str| session("open", more);
    let records = [
        ("$start:a", String::new(), false),
        ("session:a", open(""), false),
        ("session:a", open(""), true),
        ("session:a", open(r#""lastHeartbeat":"2023-11-14T10:15:30Z""#), true),
        ("session:a", open(r#""activity":{"durationNanos":7}"#), true),
        ("session:a", open(r#""activity":{"durationNanos":7},"label":"x""#), false),
        ("lap:a", LAP.to_owned(), false),
        ("session:a", session("closed", r#""activity":{"durationNanos":7},"label":"x""#), false),
        ("session:a", open(r#""activity":{"durationNanos":7},"label":"x""#), false),
    ];
    let mut reader = StreamReader::new();
    for (offset, (key, value, due)) in (0..).zip(&records) {
        let received = reader.handle_record(Duration::ZERO, offset, key.as_bytes(), value.as_bytes());
        assert_eq!(received.unwrap().unwrap().is_heartbeat(), *due, "{offset}");
    }
}

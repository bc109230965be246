//! How long streams are kept, what is forgotten, and when a stream is stale.

use core::time::Duration;

use atlas_stream::{ReaderLimits, SessionState, StreamNotes, StreamReader};

use crate::support::*;

fn with_streams(max: usize) -> Desk {
    Desk::of(StreamReader::new().with_limits(ReaderLimits::DEFAULT.with_max_streams(max)))
}

fn ids(desk: &Desk) -> Vec<String> {
    desk.reader.streams().map(|stream| stream.id().to_owned()).collect()
}

#[test]
fn the_one_that_has_ended_goes_first_then_a_closed_one_then_the_silent_one() {
    let mut desk = with_streams(4);
    for (second, id) in (0..).zip(["silent", "lively", "closed", "ended"]) {
        desk.at(second).one(&format!("$start:{id}"), "");
    }
    desk.at(10).one("session:closed", r#"{"id":"1","state":"failed"}"#);
    desk.at(11).one("$end:ended", "");
    desk.at(12).one("sync:lively", "");
    for (id, due) in [("w", "ended"), ("x", "closed"), ("y", "silent"), ("z", "lively")] {
        desk.at(13).one(&format!("$start:{id}"), "");
        assert_eq!(desk.events(), forgotten(&[due]));
        assert_eq!(desk.reader.streams().count(), 4);
    }
    assert_eq!(ids(&desk), ["w", "x", "y", "z"]);
    assert_eq!(desk.notes("lap:closed", LAP), StreamNotes::OPENED | StreamNotes::LATE, "it is joined anew");
    assert_eq!(desk.state("closed"), None);
}

#[test]
fn streams_that_wait_are_not_forgotten() {
    let mut desk = with_streams(2);
    desk.wait("tdata:a", data("f"));
    desk.wait("tdata:b", data("f"));
    let told = desk.one("$start:c", "");
    assert_eq!((told.notes, told.state), (StreamNotes::NO_ROOM, None));
    let value = session("open", "");
    let received = desk.reader.handle_record(Duration::ZERO, 9, b"session:c", value.as_bytes());
    assert!(received.unwrap().unwrap().stream().is_none());
    assert_eq!(ids(&desk), ["a", "b"]);
    assert_eq!(desk.asked(), vec!["f".to_owned()]);
    desk.give("f");
    assert_eq!(desk.drain().len(), 2);
    assert_eq!(desk.notes("lap:c", LAP), StreamNotes::OPENED | StreamNotes::LATE);
    assert_eq!(ids(&desk), ["b", "c"]);
    assert_eq!(desk.events(), forgotten(&["a"]));
    // None at all may be kept: all is delivered.
    let mut desk = with_streams(0);
    assert_eq!(desk.notes("$start:a", ""), StreamNotes::NO_ROOM);
    assert_eq!(desk.notes("tdata:a", data("f")), StreamNotes::NO_ROOM | StreamNotes::UNBOUND);
    assert_eq!(desk.notes("other:a", ""), StreamNotes::NONE);
}

#[test]
fn who_asks_for_nothing_is_told_of_the_last_that_went() {
    let mut desk = with_streams(3);
    for at in 0..10 {
        desk.at(at).one(&format!("$start:{at}"), "");
    }
    assert_eq!(desk.events(), forgotten(&["4", "5", "6"]));
    assert_eq!(ids(&desk), ["7", "8", "9"]);
}

#[test]
fn bytes_of_ids_and_sessions_are_bounded() {
    let long = |id: char, len: usize| {
        let value = format!(r#"{{"id":"{id}","state":"open","identifier":"{}"}}"#, "x".repeat(len));
        (format!("session:{id}"), value)
    };
    let limits = ReaderLimits::DEFAULT.with_max_stream_bytes(1000);
    let mut desk = Desk::of(StreamReader::new().with_limits(limits));
    for (second, id) in (0..).zip(['a', 'b']) {
        let (key, value) = long(id, 400);
        assert_eq!(desk.at(second).notes(&key, &value), StreamNotes::OPENED | StreamNotes::LATE);
    }
    assert_eq!(ids(&desk), ["a", "b"]);
    let (key, value) = long('c', 400);
    desk.at(3).one(&key, &value);
    assert_eq!(ids(&desk), ["b", "c"]);
    assert_eq!(desk.events(), forgotten(&["a"]));
    // A session that is longer than before takes the room of others, too.
    let (key, value) = long('c', 800);
    assert_eq!(desk.at(4).notes(&key, &value), StreamNotes::NONE);
    assert_eq!(ids(&desk), ["c"]);
    assert_eq!(desk.events(), forgotten(&["b"]));
    let (key, value) = long('c', 10);
    desk.one(&key, &value);
    let (key, value) = long('d', 800);
    desk.one(&key, &value);
    assert_eq!(ids(&desk), ["c", "d"], "shorter ones give room back");
}

#[test]
fn a_session_that_is_too_long_by_itself_is_not_kept_but_its_state_is() {
    let limits = ReaderLimits::DEFAULT.with_max_stream_bytes(300);
    let mut desk = Desk::of(StreamReader::new().with_limits(limits));
    let long = |state: &str| session(state, &format!(r#""identifier":"{}""#, "x".repeat(300)));
    desk.one("$start:a", "");
    assert_eq!(desk.notes("session:a", long("open")), StreamNotes::NO_ROOM);
    let stream = desk.reader.stream("a").unwrap();
    assert_eq!((stream.session(), stream.state()), (None, Some(SessionState::OPEN)));
    assert_eq!(desk.notes("session:a", long("waiting")), StreamNotes::NO_ROOM | StreamNotes::WENT_BACK);
    assert_eq!(desk.notes("session:a", long("failed")), StreamNotes::NO_ROOM);
    assert_eq!(desk.notes("tdata:a", data("")), StreamNotes::AFTER_CLOSE);
    assert_eq!(desk.notes("session:a", session("open", "")), StreamNotes::REOPENED);
    assert_eq!(desk.notes("$end:a", ""), StreamNotes::NONE, "closed it stays");
    // Nor is a stream with an id like that.
    let key = format!("$start:{}", "x".repeat(301));
    assert_eq!(desk.notes(&key, ""), StreamNotes::NO_ROOM);
    assert_eq!(ids(&desk), ["a"]);
}

#[test]
fn who_takes_room_is_not_the_one_that_goes() {
    let limits = ReaderLimits::DEFAULT.with_max_stream_bytes(300);
    let mut desk = Desk::of(StreamReader::new().with_limits(limits));
    desk.one("session:a", r#"{"id":"1","state":"open","identifier":"x"}"#);
    desk.one("session:b", r#"{"id":"2","state":"closed"}"#);
    // It is closed, and would go first.
    let value = format!(r#"{{"id":"2","state":"closed","identifier":"{}"}}"#, "x".repeat(240));
    assert_eq!(desk.notes("session:b", value), StreamNotes::NONE);
    assert_eq!(desk.events(), forgotten(&["a"]));
    assert!(desk.reader.stream("b").unwrap().session().unwrap().identifier.is_some());
}

#[test]
fn a_replay_that_is_not_kept_is_told_once() {
    let limits = ReaderLimits::DEFAULT.with_max_stream_bytes(300);
    let mut desk = Desk::of(StreamReader::new().with_limits(limits));
    desk.one("$start:a", "");
    desk.one("session:a", session("open", ""));
    let long = session("open", &format!(r#""identifier":"{}""#, "x".repeat(300)));
    desk.one("$start:b", "");
    assert_eq!(desk.notes("session:b", &long), StreamNotes::REPLAY | StreamNotes::NO_ROOM);
    assert_eq!(desk.notes("session:b", &long), StreamNotes::NO_ROOM);
}

#[test]
fn a_session_that_was_not_kept_was_there_all_the_same() {
    let limits = ReaderLimits::DEFAULT.with_max_stream_bytes(300);
    let mut desk = Desk::of(StreamReader::new().with_limits(limits));
    desk.one("$start:a", "");
    desk.one("session:a", session("open", &format!(r#""identifier":"{}""#, "x".repeat(300))));
    desk.one("tdata:a", data(""));
    assert_eq!(desk.notes("session:a", session("open", "")), StreamNotes::NONE);
}

#[test]
fn silence_of_thirty_seconds_is_told_once() {
    let mut desk = Desk::default();
    desk.at(5).one("$start:a", "");
    assert_eq!(desk.reader.poll_deadline(), Some(Duration::from_secs(35)));
    assert_eq!(desk.timeout(34), []);
    assert_eq!(desk.timeout(35), stale(&["a"]));
    assert!(desk.reader.stream("a").unwrap().is_stale());
    assert_eq!((desk.timeout(36), desk.timeout(1000)), (vec![], vec![]));
    assert_eq!(desk.reader.poll_deadline(), None);
    // It comes back, and may be silent again.
    assert_eq!(desk.at(2000).notes("lap:a", LAP), StreamNotes::RETURNED);
    assert!(!desk.reader.stream("a").unwrap().is_stale());
    assert_eq!(desk.notes("lap:a", LAP), StreamNotes::NONE);
    assert_eq!((desk.timeout(2029), desk.timeout(2030)), (vec![], stale(&["a"])));
}

#[test]
fn any_record_is_a_sign_of_life() {
    let records = [("sync:a", ""), ("other:a", "x"), ("tdata:a", "refused"), ("session:a", "refused"), ("lap:a", LAP)];
    for (key, value) in records {
        let mut desk = Desk::default();
        desk.one("$start:a", "");
        let _ = desk.at(20).hand(key, value);
        assert_eq!((desk.timeout(49), desk.timeout(50)), (vec![], stale(&["a"])), "{key} {value}");
    }
    // One that is refused is not what tells that it came back.
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    assert_eq!(desk.timeout(30), stale(&["a"]));
    desk.at(40).hand("tdata:a", "refused").unwrap_err();
    assert!(!desk.reader.stream("a").unwrap().is_stale());
    assert_eq!(desk.notes("sync:a", ""), StreamNotes::RETURNED);
}

#[test]
fn three_intervals_between_sessions_if_that_is_more() {
    let mut desk = Desk::default();
    desk.one("session:a", session("open", ""));
    desk.at(20).one("session:a", session("open", ""));
    desk.at(25).one("lap:a", LAP);
    assert_eq!((desk.timeout(84), desk.timeout(85)), (vec![], stale(&["a"])), "20 seconds three times");
    // The pause that was told is no interval.
    assert_eq!(desk.at(1000).notes("session:a", session("open", "")), StreamNotes::RETURNED);
    assert_eq!((desk.timeout(1059), desk.timeout(1060)), (vec![], stale(&["a"])));
    // As it is told.
    let mut desk = Desk::of(StreamReader::new().with_stale_after(Duration::from_secs(2)));
    desk.one("session:a", session("open", ""));
    desk.at(1).one("session:a", session("open", ""));
    assert_eq!((desk.timeout(3), desk.timeout(4)), (vec![], stale(&["a"])));
}

#[test]
fn the_last_interval_counts_and_not_the_longest() {
    let mut desk = Desk::default();
    for second in [0, 20, 25] {
        desk.at(second).one("session:a", session("open", ""));
    }
    assert_eq!((desk.timeout(54), desk.timeout(55)), (vec![], stale(&["a"])));
}

#[test]
fn what_lies_between_two_recordings_is_no_interval() {
    for (key, value) in [("$start:a", ""), ("session:a", r#"{"id":"t","state":"open"}"#)] {
        let mut desk = Desk::of(StreamReader::new().with_stale_after(Duration::from_secs(4)));
        desk.one("session:a", session("open", ""));
        desk.at(100).one("session:a", session("open", ""));
        desk.at(110).one(key, value);
        desk.at(111).one("session:a", r#"{"id":"t","state":"open"}"#);
        assert_eq!((desk.timeout(114), desk.timeout(115)), (vec![], stale(&["a"])), "{key}");
    }
}

#[test]
fn what_is_closed_or_has_ended_is_never_stale() {
    for state in ["closed", "truncated", "failed", "abandoned"] {
        let mut desk = Desk::default();
        desk.one("session:a", session(state, ""));
        assert_eq!(desk.timeout(10_000), [], "{state}");
    }
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    desk.one("$end:a", "");
    assert_eq!((desk.timeout(10_000), desk.reader.poll_deadline()), (vec![], None));
}

#[test]
fn what_begins_anew_may_be_stale_again() {
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    desk.one("$end:a", "");
    assert_eq!(desk.timeout(100), []);
    desk.at(200).one("$start:a", "");
    assert_eq!(desk.timeout(230), stale(&["a"]));
}

#[test]
fn a_new_session_in_a_closed_stream_may_be_stale_again() {
    let mut desk = Desk::default();
    desk.one("session:a", session("closed", ""));
    assert_eq!(desk.timeout(100), []);
    desk.at(200).one("session:a", r#"{"id":"t","state":"open"}"#);
    assert_eq!(desk.timeout(1000), stale(&["a"]));
}

#[test]
fn a_stream_that_waits_for_a_format_is_not_stale() {
    let mut desk = Desk::of(StreamReader::new().with_format_timeout(Duration::from_secs(1000)));
    desk.one("$start:a", "");
    desk.wait("tdata:a", data("f"));
    assert_eq!(desk.asked(), ["f"]);
    for second in (0..900).step_by(10) {
        assert_eq!(desk.timeout(second), []);
    }
    desk.give("f");
    assert_eq!(desk.drain().len(), 1);
    assert_eq!(desk.timeout(1000), stale(&["a"]));
}

#[test]
fn several_streams_are_told_each_at_its_time() {
    let mut desk = Desk::default();
    for (second, id) in [(0, "b"), (1, "a"), (2, "c")] {
        desk.at(second).one(&format!("$start:{id}"), "");
    }
    assert_eq!((desk.timeout(30), desk.timeout(31)), (stale(&["b"]), stale(&["a"])));
    desk.at(32).one("sync:b", "");
    assert_eq!(desk.timeout(62), stale(&["c", "b"]));
    // One that came back before anybody asked is not told.
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    desk.reader.handle_timeout(Duration::from_secs(30));
    assert_eq!(desk.at(31).notes("sync:a", ""), StreamNotes::NONE);
    assert_eq!(desk.events(), []);
}

#[test]
fn time_does_not_go_back() {
    let mut desk = Desk::default();
    desk.at(100).one("$start:a", "");
    // It is taken for the time it was.
    desk.at(3).one("sync:a", "");
    assert_eq!((desk.timeout(50), desk.timeout(129), desk.timeout(130)), (vec![], vec![], stale(&["a"])));
    // The end of time is no deadline that is passed by.
    let mut desk = Desk::default();
    desk.now = Duration::MAX;
    desk.one("$start:a", "");
    desk.one("session:a", session("open", ""));
    assert_eq!(desk.reader.poll_deadline(), Some(Duration::MAX));
}

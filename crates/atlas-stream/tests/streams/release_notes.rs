//! Bugs that the vendor's own successor had, by its release notes, as tests of this one.

use core::time::Duration;

use atlas_stream::{
    Activity, Aggregates, Changes, Columns, DateTime, Message, Session, SessionState, StreamNotes, StreamReader,
    StreamWriter, SyncBarrier,
};

use crate::support::*;

#[test]
fn an_unlucky_order_at_start_up_does_no_harm() {
    // Data of a stream whose session and start come late, of another that has ended, and what is nobody's.
    let mut desk = Desk::default();
    let late = StreamNotes::OPENED | StreamNotes::LATE;
    desk.wait("tdata:a", data("f"));
    assert_eq!(desk.notes("$end:b", ""), late);
    assert_eq!(desk.notes("session:b", session("open", "")), StreamNotes::AFTER_END);
    assert_eq!(desk.notes("lap:c", LAP), late);
    desk.hand("gibberish", "").unwrap_err();
    desk.wait("session:a", listing("open", &["f"]));
    desk.wait("$start:a", "");
    desk.wait("session:a", listing("open", &["f"]));
    desk.give("f");
    let notes: Vec<_> = desk.drain().iter().map(|told| (told.key.clone(), told.notes, told.is_bound)).collect();
    let due = [
        ("tdata:a", late, true),
        ("session:a", StreamNotes::NONE, false),
        ("$start:a", StreamNotes::RESTARTED, false),
        ("session:a", StreamNotes::NONE, false),
    ];
    assert_eq!(notes, due.map(|(key, notes, is_bound)| (key.to_owned(), notes, is_bound)));
    assert_eq!(desk.notes("session:c", r#"{"id":"c","state":"open"}"#), StreamNotes::NONE);
    assert_eq!((desk.state("a"), desk.state("c")), (Some(SessionState::OPEN), Some(SessionState::OPEN)));
}

#[test]
fn times_that_are_not_sorted_are_no_error() {
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    desk.one("session:a", session("open", ""));
    for times in ["[3,1,2]", "[9,-9,9]", "[0,0,0]"] {
        let value = format!(r#"{{"time":{times},"data":[{{"status":[1,1,1],"avg":[1.0,2.0,3.0]}}]}}"#);
        assert_eq!(desk.notes("tdata:a", value), StreamNotes::NONE, "{times}");
    }
    // Nor from message to message, whatever the epoch.
    for epoch in ["1699920000000000000", "0", "-5"] {
        let value = format!(r#"{{"epoch":{epoch},"time":[1],"data":[{{"status":[1],"avg":[1.0]}}]}}"#);
        assert_eq!(desk.notes("tdata:a", value), StreamNotes::NONE, "{epoch}");
        let value = format!(r#"{{"epoch":{epoch},"time":1,"number":1,"type":"outLap","triggerSource":3}}"#);
        assert_eq!(desk.notes("lap:a", value), StreamNotes::NONE, "{epoch}");
    }
    // Who writes may do so, too.
    let mut writer = StreamWriter::new("a", 0, Session::new("s", SessionState::OPEN)).unwrap();
    writer.start(Duration::ZERO).unwrap();
    for times in [[5, 3], [2, 4]] {
        let mut columns = Columns::new();
        columns.start_data("f", "", 0, &times).unwrap().push_data(&[1, 1], &[(Aggregates::AVG, &[1.0, 2.0])]).unwrap();
        writer.send(&Message::from(&columns)).unwrap();
    }
    // And a barrier puts them in order.
    let mut barrier = SyncBarrier::new();
    for time in [5, 3, 2, 4] {
        barrier.push(time, ()).unwrap();
    }
    barrier.sync(Some(6));
    let times: Vec<_> = core::iter::from_fn(|| barrier.pop()).map(|released| released.time).collect();
    assert_eq!(times, [2, 3, 4, 5]);
}

#[test]
fn details_that_come_later_or_came_before_are_there() {
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    desk.one("session:a", session("waiting", ""));
    let told = desk.one("session:a", session("open", r#""identifier":"Rig 4 run 12","details":{"Driver":"KMZ"}"#));
    assert_eq!(told.changes, Changes::STATE | Changes::IDENTIFIER | Changes::DETAILS);
    let driver = |desk: &Desk, id: &str| {
        let session = desk.reader.stream(id).unwrap().session().cloned();
        session.and_then(|session| session.detail("Driver").map(ToOwned::to_owned))
    };
    assert_eq!(driver(&desk, "a").as_deref(), Some("KMZ"));
    // With the record they are there, not behind it.
    let value = session("open", r#""details":{"Driver":"KMX"}"#);
    let received = desk.reader.handle_record(Duration::ZERO, 9, b"session:a", value.as_bytes()).unwrap().unwrap();
    assert_eq!(received.stream().unwrap().session().unwrap().detail("Driver"), Some("KMX"));
    // Closed and ended it is told still.
    desk.one("session:a", session("closed", r#""details":{"Driver":"KMY"}"#));
    desk.one("$end:a", "");
    assert_eq!(driver(&desk, "a").as_deref(), Some("KMY"));
    // Who joins late has them from the next heartbeat on.
    let mut desk = Desk::default();
    desk.one("tdata:a", data(""));
    assert_eq!(driver(&desk, "a"), None);
    let told = desk.one("session:a", session("open", r#""details":{"Driver":"KMZ"}"#));
    assert_eq!((told.notes, told.changes), (StreamNotes::NONE, Changes::ID | Changes::STATE | Changes::DETAILS));
    assert_eq!(driver(&desk, "a").as_deref(), Some("KMZ"));
}

/// The tail of a session: data that waits, with all that ends the stream behind it.
fn with_tail() -> Desk {
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    desk.one("session:a", listing("open", &["f", "g"]));
    for (key, value) in [
        ("tdata:a", data("f")),
        ("lap:a", LAP.to_owned()),
        ("tdata:a", data("g")),
        ("session:a", listing("closed", &["f", "g"])),
        ("$end:a", String::new()),
    ] {
        desk.wait(key, value);
    }
    desk
}

#[test]
fn the_queued_tail_is_not_lost_at_the_end_of_a_session() {
    let none = StreamNotes::NONE;
    type Act = fn(&mut Desk);
    let ways: [(Act, [StreamNotes; 5]); 4] = [
        (
            |desk| {
                desk.give("f");
                desk.give("g");
            },
            [none; 5],
        ),
        (
            |desk| {
                desk.give("g");
                desk.reader.format_unavailable("f");
            },
            [StreamNotes::UNBOUND, none, none, none, none],
        ),
        (|desk| desk.reader.finish(), [StreamNotes::UNBOUND, none, StreamNotes::UNBOUND, none, none]),
        (
            |desk| {
                desk.reader.handle_timeout(Duration::from_secs(10));
                desk.give("g");
            },
            [StreamNotes::UNBOUND, none, none, none, none],
        ),
    ];
    for (act, due) in ways {
        let mut desk = with_tail();
        assert_eq!((desk.state("a"), desk.reader.waiting()), (Some(SessionState::OPEN), 5));
        act(&mut desk);
        let told = desk.drain();
        assert_eq!(told.iter().map(|told| told.offset).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
        assert_eq!(told.iter().map(|told| told.notes).collect::<Vec<_>>(), due);
        let stream = desk.reader.stream("a").unwrap();
        assert_eq!((stream.state(), stream.has_ended()), (Some(SessionState::CLOSED), true));
    }
}

#[test]
fn the_tail_of_a_stream_is_kept_when_others_come() {
    let limits = atlas_stream::ReaderLimits::DEFAULT.with_max_streams(1);
    let mut desk = Desk::of(StreamReader::new().with_limits(limits));
    desk.wait("tdata:a", data("f"));
    desk.wait("$end:a", "");
    assert_eq!(desk.notes("tdata:b", data("f")), StreamNotes::NO_ROOM | StreamNotes::UNBOUND);
    desk.give("f");
    assert_eq!(desk.drain().iter().map(|told| told.is_bound).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_queued_tail_of_a_writer_is_sent_with_its_end() {
    let mut writer = StreamWriter::new("a", 0, Session::new("s", SessionState::OPEN)).unwrap().with_max_queued_bytes(0);
    writer.start(Duration::ZERO).unwrap();
    writer.close(Duration::ZERO, SessionState::CLOSED).unwrap();
    let keys: Vec<_> = core::iter::from_fn(|| writer.poll_transmit()).map(|record| record.key.to_string()).collect();
    assert_eq!(keys, ["$start:a", "session:a", "session:a", "$end:a"]);
}

#[test]
fn negative_utc_offsets_do_not_hold_up_the_end() {
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    let at = |state: &str, second: u32, offset: &str| {
        let times = format!(
            r#""activity":{{"start":"2023-11-14T19:15:30{offset}","durationNanos":{second}}},"lastHeartbeat":"2023-11-14T19:15:{second}{offset}""#
        );
        session(state, &times)
    };
    for offset in ["-05:00", "-11:30", "-00:30", "-23:59"] {
        let mut desk = Desk::default();
        desk.one("$start:a", "");
        desk.one("session:a", at("open", 30, offset));
        let told = desk.one("session:a", at("closed", 40, offset));
        assert_eq!((told.notes, told.changes), (StreamNotes::NONE, Changes::STATE | Changes::ACTIVITY), "{offset}");
        assert_eq!(desk.notes("$end:a", ""), StreamNotes::NONE, "{offset}");
        let stream = desk.reader.stream("a").unwrap();
        assert_eq!((stream.state(), stream.has_ended()), (Some(SessionState::CLOSED), true), "{offset}");
    }
    // That a heartbeat has another offset than the one before is no change.
    desk.one("session:a", session("open", r#""lastHeartbeat":"2023-11-14T19:15:30-05:00""#));
    let told = desk.one("session:a", session("open", r#""lastHeartbeat":"2023-11-15T00:15:30Z""#));
    assert_eq!(told.changes, Changes::NONE);
}

#[test]
fn durations_are_right_with_a_negative_utc_offset() {
    // 19:15:30 five hours behind UTC is 00:15:30 of the next day: 19 676 days after 1970 and 930 seconds.
    let start: i64 = (19_676 * 86_400 + 930) * 1_000_000_000;
    let mut session = Session::new("s", SessionState::OPEN);
    session.activity = Some(Activity::new(DateTime::parse("2023-11-14T19:15:30-05:00").unwrap()));
    let mut writer = StreamWriter::new("a", 0, session).unwrap().with_unix_origin(start);
    writer.start(Duration::ZERO).unwrap();
    let mut columns = Columns::new();
    columns.start_data("f", "", start, &[2_500_000_000]).unwrap();
    columns.push_data(&[1], &[(Aggregates::AVG, &[1.0])]).unwrap();
    writer.send(&Message::from(&columns)).unwrap();
    writer.close(Duration::from_secs(3), SessionState::CLOSED).unwrap();
    let records: Vec<_> = core::iter::from_fn(|| writer.poll_transmit()).collect();
    assert_eq!(records.len(), 5);
    let closed: serde_json::Value = serde_json::from_slice(&records[3].value).unwrap();
    assert_eq!(closed["activity"]["start"], "2023-11-14T19:15:30-05:00", "as it was written");
    assert_eq!(closed["activity"]["durationNanos"], 2_500_000_000_i64);
    assert_eq!(closed["lastHeartbeat"], "2023-11-15T00:15:33Z");
    let mut desk = Desk::default();
    desk.give("f");
    for record in &records {
        let notes = desk.notes(record.key.as_str(), &record.value);
        let due = if record.key.as_str() == "$start:a" { StreamNotes::OPENED } else { StreamNotes::NONE };
        assert_eq!(notes, due, "{}", record.key);
    }
}

//! What the writer adds to a session, what it warns of, what it queues, and how it goes on with a stream of before.

use core::time::Duration;

use atlas_stream::{
    ATLAS_CONFIGURATION, Activity, Aggregates, Columns, DATA_FORMAT, DateTime, EncodeErrorKind, Event, JsonOptions,
    Lap, LapType, Limits, Message, Session, SessionState, StreamNotes, StreamWriter, Sync, Transmit, TriggerSource,
    WriteError, WriterWarnings,
};
use serde_json::Value as Json;

use crate::support::Desk;

const OPEN: SessionState = SessionState::OPEN;
const SECOND: i64 = 1_000_000_000;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn new(session: Session<'_>) -> StreamWriter {
    StreamWriter::new("a", 0, session).unwrap()
}

fn sent(writer: &mut StreamWriter) -> Vec<Transmit> {
    core::iter::from_fn(|| writer.poll_transmit()).collect()
}

/// The sessions among what was sent.
fn sessions(writer: &mut StreamWriter) -> Vec<Json> {
    let records = sent(writer);
    let sessions = records.iter().filter(|record| record.key.as_str().starts_with("session:"));
    sessions.map(|record| serde_json::from_slice(&record.value).unwrap()).collect()
}

fn columns(format: &str, epoch: i64, times: &[i64]) -> Columns {
    let mut columns = Columns::new();
    columns.start_data(format, "", epoch, times).unwrap();
    columns.push_data(&vec![1; times.len()], &[(Aggregates::AVG, &vec![0.5; times.len()])]).unwrap();
    columns
}

fn lap(time: i64) -> Message<'static> {
    Message::from(Lap::new(1, 0, time, LapType::Out, TriggerSource::DEFAULT))
}

/// Of a session whose data begins a day after 1970.
fn with_start() -> StreamWriter {
    let mut session = Session::new("s", OPEN);
    session.activity = Some(Activity::new(DateTime::parse("1970-01-02T00:00:00Z").unwrap()));
    new(session)
}

#[test]
fn heartbeats_tell_when_they_were_sent() {
    let mut writer = new(Session::new("s", OPEN)).with_unix_origin(SECOND * 86_400);
    writer.start(Duration::from_millis(1500)).unwrap();
    writer.handle_timeout(seconds(20));
    writer.update(seconds(25), |session| session.label = Some("x".into())).unwrap();
    writer.close(seconds(24), SessionState::CLOSED).unwrap();
    let times: Vec<_> = sessions(&mut writer).iter().map(|session| session["lastHeartbeat"].clone()).collect();
    let due = ["00:00:01.500000000Z", "00:00:20Z", "00:00:25Z", "00:00:25Z"];
    assert_eq!(times, due.map(|time| Json::from(format!("1970-01-02T{time}"))), "it does not go back");
    // Without a time there is none, and what the user says stays.
    let mut writer = new(Session::new("s", OPEN));
    writer.start(Duration::ZERO).unwrap();
    writer.update(seconds(1), |session| session.last_heartbeat = DateTime::parse("2023-11-14T11:15:30Z")).unwrap();
    writer.handle_timeout(seconds(100));
    let times: Vec<_> = sessions(&mut writer).iter().map(|session| session["lastHeartbeat"].clone()).collect();
    assert_eq!(times, [Json::Null, "2023-11-14T11:15:30Z".into(), "2023-11-14T11:15:30Z".into()]);
}

#[test]
fn durations_grow_with_the_data() {
    let mut writer = with_start();
    writer.start(Duration::ZERO).unwrap();
    let day = 86_400 * SECOND;
    let mut now = 0;
    let mut duration = |writer: &mut StreamWriter| {
        now += 10;
        writer.handle_timeout(seconds(now));
        sessions(writer).pop().unwrap()["activity"]["durationNanos"].clone()
    };
    assert_eq!(duration(&mut writer), Json::Null, "there is no data");
    writer.send(&lap(day - 1)).unwrap();
    assert_eq!(duration(&mut writer), Json::Null, "before its start");
    writer.send(&Message::from(&columns("f", day, &[7, 9, 3]))).unwrap();
    assert_eq!(duration(&mut writer), 9, "the latest, in whatever order");
    writer.send(&lap(day + 5)).unwrap();
    assert_eq!(duration(&mut writer), 9, "it does not shrink");
    writer.send(&Message::from(Event::new(day, 11, "02D4:Chassis"))).unwrap();
    assert_eq!(duration(&mut writer), 11);
    let mut samples = Columns::new();
    samples.start(atlas_stream::TelemetryKind::Samples, "f", "");
    for (name, epoch, time) in [("x", day, 12), ("y", day + 20, 5), ("z", day, 1)] {
        samples.push_samples(atlas_stream::ParamKey::Name(name), epoch, &[time], &[1.0]).unwrap();
    }
    writer.send(&Message::from(&samples)).unwrap();
    assert_eq!(duration(&mut writer), 25, "each parameter has its own times");
    writer.send(&Message::from(Sync::new(day, 1000))).unwrap();
    assert_eq!(duration(&mut writer), 25, "a sync is no data");
    writer.send(&lap(day + 30)).unwrap();
    writer.close(seconds(1000), SessionState::CLOSED).unwrap();
    assert_eq!(sessions(&mut writer).pop().unwrap()["activity"]["durationNanos"], 30);
    // Without a start there is none; one that is told and longer stays.
    let mut writer = new(Session::new("s", OPEN));
    writer.start(Duration::ZERO).unwrap();
    writer.send(&lap(5)).unwrap();
    assert_eq!(duration(&mut writer), Json::Null);
    let mut writer = with_start();
    writer.start(Duration::ZERO).unwrap();
    let longer = |session: &mut Session<'static>| session.activity.as_mut().unwrap().duration_nanos = Some(100);
    writer.update(Duration::ZERO, longer).unwrap();
    writer.send(&lap(day + 50)).unwrap();
    assert_eq!(duration(&mut writer), 100);
}

#[test]
fn durations_count_from_where_the_data_begins_now() {
    let mut writer = with_start();
    writer.start(Duration::ZERO).unwrap();
    let day = 86_400 * SECOND;
    writer.send(&lap(day + 5 * SECOND)).unwrap();
    writer.send(&lap(day + SECOND)).unwrap();
    writer.handle_timeout(seconds(10));
    let from = |second: &str| {
        let start = DateTime::parse(format!("1970-01-02T00:00:{second}Z")).unwrap();
        move |session: &mut Session<'static>| session.activity.as_mut().unwrap().start = Some(start)
    };
    writer.update(seconds(11), from("02")).unwrap();
    writer.update(seconds(12), from("09")).unwrap();
    let durations: Vec<_> =
        sessions(&mut writer).iter().map(|session| session["activity"]["durationNanos"].clone()).collect();
    // In the last it begins behind all data so far.
    assert_eq!(durations, [Json::Null, (5 * SECOND).into(), (3 * SECOND).into(), Json::Null]);
}

#[test]
fn a_heartbeat_that_would_be_too_long_goes_as_it_was() {
    let written = r#"{"id":"s","state":"open","activity":{"start":"1970-01-02T00:00:00Z"}}"#;
    let limits = Limits::DEFAULT.with_max_len(u32::try_from(written.len()).unwrap());
    let mut writer = with_start().with_options(JsonOptions::DEFAULT.with_limits(limits));
    writer.start(Duration::ZERO).unwrap();
    writer.send(&Message::from(Event::new(86_400 * SECOND, 5, ""))).unwrap();
    writer.handle_timeout(seconds(10));
    let records = sent(&mut writer);
    let values: Vec<_> = records.iter().map(|record| str::from_utf8(&record.value).unwrap()).collect();
    assert_eq!((values[1], values[3], values.len()), (written, written, 4));
    assert_eq!(writer.poll_deadline(), Some(seconds(20)));
}

#[test]
fn what_readers_may_miss_is_told() {
    let both = WriterWarnings::NO_DATA_FORMAT | WriterWarnings::NO_ATLAS_CONFIGURATION;
    let mut writer = new(Session::new("s", OPEN));
    assert_eq!(writer.start(Duration::ZERO), Ok(both));
    let add = |dependency_type: &'static str, id: &'static str| {
        move |session: &mut Session<'static>| *session = session.clone().with_dependency(dependency_type, id)
    };
    assert_eq!(writer.update(Duration::ZERO, add("other", "f")), Ok(both));
    assert_eq!(writer.update(Duration::ZERO, add(DATA_FORMAT, "f")), Ok(WriterWarnings::NO_ATLAS_CONFIGURATION));
    assert_eq!(writer.update(Duration::ZERO, add(ATLAS_CONFIGURATION, "c")), Ok(WriterWarnings::NONE));
    writer.send(&Message::from(&columns("f", 0, &[1]))).unwrap();
    writer.send(&lap(1)).unwrap();
    assert_eq!(writer.warnings(), WriterWarnings::NONE);
    writer.send(&Message::from(&columns("c", 0, &[1]))).unwrap();
    assert_eq!(writer.warnings(), WriterWarnings::UNLISTED_FORMAT, "not by its type");
    assert_eq!(writer.warnings().to_string(), "unlisted_format");
    let away = |session: &mut Session<'static>| session.dependencies = None;
    assert_eq!(writer.update(Duration::ZERO, away), Ok(both | WriterWarnings::UNLISTED_FORMAT));
    // Data that names none is not listed either.
    let mut writer = new(Session::new("s", OPEN).with_dependency(DATA_FORMAT, "f"));
    writer.start(Duration::ZERO).unwrap();
    let (json, mut decoder) = (crate::support::data(""), atlas_stream::Decoder::new());
    let record = decoder.decode(b"tdata:a", json.as_bytes()).unwrap();
    writer.send(record.message()).unwrap();
    assert!(writer.warnings().contains(WriterWarnings::UNLISTED_FORMAT));
}

#[test]
fn no_more_is_queued_than_told() {
    let mut writer = new(Session::new("s", OPEN)).with_max_queued_bytes(200);
    writer.start(Duration::ZERO).unwrap();
    let mut count = 2;
    while writer.queued_bytes() <= 200 {
        writer.send(&lap(1)).unwrap();
        count += 1;
    }
    let bytes = writer.queued_bytes();
    assert_eq!(writer.send(&lap(1)), Err(WriteError::Full));
    assert_eq!(writer.send(&Message::from(Sync::new(0, 1))), Err(WriteError::Full));
    assert_eq!(writer.update(Duration::ZERO, |_| {}), Err(WriteError::Full));
    writer.handle_timeout(seconds(10));
    assert_eq!((writer.queued_bytes(), writer.poll_deadline()), (bytes, Some(seconds(20))), "no heartbeat goes then");
    writer.close(seconds(11), SessionState::TRUNCATED).unwrap();
    let records = sent(&mut writer);
    assert_eq!((records.len(), writer.queued_bytes()), (count + 2, 0), "the end goes always");
    let total: usize = records[..count].iter().map(|record| record.key.as_str().len() + record.value.len()).sum();
    assert_eq!(total, bytes);
    // With room again it goes on.
    let mut writer = new(Session::new("s", OPEN)).with_max_queued_bytes(0);
    writer.start(Duration::ZERO).unwrap();
    assert_eq!(writer.send(&lap(1)), Err(WriteError::Full));
    sent(&mut writer);
    assert_eq!(writer.send(&lap(1)), Ok(()));
}

#[test]
fn a_stream_is_resumed_without_its_start() {
    let mut writer = StreamWriter::resume("a", 7, Session::new("s", OPEN)).unwrap();
    assert_eq!(writer.send(&lap(1)), Err(WriteError::NotStarted));
    writer.start(Duration::ZERO).unwrap();
    assert_eq!(writer.start(Duration::ZERO), Err(WriteError::Started));
    writer.send(&lap(1)).unwrap();
    writer.close(seconds(1), SessionState::ABANDONED).unwrap();
    let records = sent(&mut writer);
    let keys: Vec<_> = records.iter().map(|record| record.key.as_str()).collect();
    assert_eq!(keys, ["session:a", "lap:a", "session:a", "$end:a"]);
    assert!(records.iter().all(|record| record.partition == 7));
    // Behind what was there before nothing is wrong with it.
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    desk.one("session:a", crate::support::session("open", ""));
    for record in &records {
        assert_eq!(desk.notes(record.key.as_str(), &record.value), StreamNotes::NONE, "{}", record.key);
    }
    let state = SessionState::UNKNOWN;
    let error = StreamWriter::resume("a", 0, Session::new("s", state)).map(drop);
    assert_eq!(error, Err(WriteError::FirstState { state }));
}

#[test]
fn of_a_closed_session_only_the_end_is_due() {
    let closed = Session::new("s", SessionState::CLOSED);
    let mut writer = StreamWriter::resume("a", 0, closed).unwrap();
    writer.start(Duration::ZERO).unwrap();
    assert_eq!(writer.send(&lap(1)), Err(WriteError::Ended));
    let state = |to| WriteError::State { from: SessionState::CLOSED, to };
    for to in [SessionState::CLOSED, OPEN] {
        assert_eq!(writer.update(Duration::ZERO, |session| session.state = to), Err(state(to)));
    }
    assert_eq!(writer.close(seconds(1), SessionState::FAILED), Err(state(SessionState::FAILED)));
    assert!(!writer.has_ended());
    writer.close(seconds(1), SessionState::CLOSED).unwrap();
    assert!(writer.has_ended());
    let records = sent(&mut writer);
    let mut desk = Desk::default();
    desk.one("$start:a", "");
    desk.one("session:a", crate::support::session("closed", ""));
    for (record, key) in records.iter().zip(["session:a", "session:a", "$end:a"]) {
        assert_eq!((record.key.as_str(), desk.notes(key, &record.value)), (key, StreamNotes::NONE));
    }
    assert_eq!(records.len(), 3);
}

#[test]
fn after_an_error_the_stream_is_closed_as_truncated() {
    let mut writer = new(Session::new("s", OPEN));
    writer.start(Duration::ZERO).unwrap();
    let too_late = Message::from(Lap::new(1, i64::MAX, 1, LapType::Out, TriggerSource::DEFAULT));
    let Err(WriteError::Encode(error)) = writer.send(&too_late) else { panic!() };
    assert_eq!(error.kind(), EncodeErrorKind::TimeOverflow);
    writer.close(seconds(1), SessionState::TRUNCATED).unwrap();
    let states: Vec<_> = sessions(&mut writer).iter().map(|session| session["state"].clone()).collect();
    assert_eq!(states, ["open", "truncated"]);
}

#[test]
fn a_session_that_cannot_be_written_changes_nothing() {
    let run = |is_tried: bool| {
        let mut writer = new(Session::new("s", OPEN)).with_unix_origin(0);
        writer.start(Duration::ZERO).unwrap();
        if is_tried {
            let error = writer.update(seconds(100), |session| session.quality = Some(f64::NAN));
            assert!(matches!(error, Err(WriteError::Encode(error)) if error.kind() == EncodeErrorKind::NotFinite));
        }
        writer.update(seconds(1), |session| session.label = Some("x".into())).unwrap();
        let deadline = writer.poll_deadline();
        (sent(&mut writer), deadline)
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn a_message_that_cannot_be_written_changes_nothing() {
    let run = |is_tried: bool| {
        let mut writer = with_start().with_options(JsonOptions::DEFAULT.with_limits(Limits::DEFAULT.with_max_len(200)));
        writer.start(Duration::ZERO).unwrap();
        if is_tried {
            // Neither its time nor its format counts.
            writer.send(&Message::from(&columns("f", 86_400 * SECOND, &[7; 100]))).unwrap_err();
        }
        let warnings = writer.warnings();
        writer.close(seconds(1), SessionState::CLOSED).unwrap();
        (sent(&mut writer), warnings)
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn a_start_that_cannot_be_written_is_none() {
    let mut session = Session::new("s", OPEN);
    session.quality = Some(f64::INFINITY);
    let mut writer = new(session);
    assert!(matches!(writer.start(Duration::ZERO), Err(WriteError::Encode(_))));
    assert_eq!((sent(&mut writer), writer.poll_deadline()), (vec![], None));
    assert_eq!(writer.send(&lap(1)), Err(WriteError::NotStarted));
}

#[test]
fn what_times_make_too_long_goes_without() {
    let mut session = Session::new("s", OPEN);
    session.activity = Some(Activity::new(DateTime::parse("1970-01-01T00:00:00Z").unwrap()));
    let mut json = Vec::new();
    session.encode_json(&mut json).unwrap();
    // Two more for the longer name of the state; the duration has no room.
    let limits = Limits::DEFAULT.with_max_len(u32::try_from(json.len() + 2).unwrap());
    let mut writer = StreamWriter::new("a", 0, session).unwrap();
    writer.start(Duration::ZERO).unwrap();
    writer.send(&lap(1)).unwrap();
    let mut writer = writer.with_options(JsonOptions::DEFAULT.with_limits(limits));
    writer.handle_timeout(seconds(10));
    writer.close(seconds(11), SessionState::CLOSED).unwrap();
    let keys: Vec<_> = sent(&mut writer).iter().map(|record| record.key.to_string()).collect();
    assert_eq!(keys, ["$start:a", "session:a", "lap:a", "session:a", "session:a", "$end:a"]);
}

#[test]
fn a_heartbeat_that_cannot_be_written_is_tried_again_later() {
    let mut writer = StreamWriter::new("a", 0, Session::new("s", OPEN)).unwrap();
    writer.start(Duration::ZERO).unwrap();
    let mut writer = writer.with_options(JsonOptions::DEFAULT.with_limits(Limits::DEFAULT.with_max_len(5)));
    writer.handle_timeout(seconds(20));
    assert_eq!((writer.poll_deadline(), sent(&mut writer).len()), (Some(seconds(30)), 2));
}

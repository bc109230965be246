//! The writer: legal sequences and no others, and what it adds to a session.

use core::time::Duration;

use atlas_stream::{
    Aggregates, Columns, EncodeErrorKind, Event, EventValues, Lap, LapType, Message, MessageKind, MessageType, Session,
    SessionState, StreamNotes, StreamWriter, Sync, TelemetryKind, Transmit, TriggerSource, TypeMap, WriteError,
};

use crate::support::Desk;

const OPEN: SessionState = SessionState::OPEN;
const WAITING: SessionState = SessionState::WAITING;
const CLOSED: SessionState = SessionState::CLOSED;
const PARTITION: i32 = 3;
/// Noon of the first day after 1970-01-01.
const ORIGIN: i64 = (86_400 + 43_200) * 1_000_000_000;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn writer(state: SessionState) -> StreamWriter {
    StreamWriter::new("a", PARTITION, Session::new("s", state)).unwrap()
}

fn started(state: SessionState) -> StreamWriter {
    let mut writer = writer(state);
    writer.start(Duration::ZERO).unwrap();
    writer
}

fn lap(time: i64) -> Message<'static> {
    Message::from(Lap::new(1, 0, time, LapType::Out, TriggerSource::DEFAULT))
}

fn columns(format: &str, times: &[i64]) -> Columns {
    let mut columns = Columns::new();
    columns.start_data(format, "", 0, times).unwrap();
    columns.push_data(&vec![1; times.len()], &[(Aggregates::AVG, &vec![0.5; times.len()])]).unwrap();
    columns
}

fn sent(writer: &mut StreamWriter) -> Vec<Transmit> {
    core::iter::from_fn(|| writer.poll_transmit()).collect()
}

fn types(records: &[Transmit]) -> Vec<&str> {
    records.iter().map(|record| record.key.as_str().split_once(':').unwrap().0).collect()
}

fn json(record: &Transmit) -> serde_json::Value {
    serde_json::from_slice(&record.value).unwrap()
}

/// Whether a sequence is legal, told from its keys and the states in it alone.
#[track_caller]
fn is_legal(records: &[Transmit]) {
    let mut state = None::<String>;
    for (at, record) in records.iter().enumerate() {
        assert_eq!((record.partition, record.key.as_ref().stream_id()), (PARTITION, "a"));
        let is_closed = state.as_deref().is_some_and(|state| !["waiting", "open"].contains(&state));
        match record.key.as_ref().message_type().as_str() {
            "$start" => assert_eq!((at, record.value.len()), (0, 0)),
            "session" => {
                let json = json(record);
                assert_eq!(json["id"], "s");
                let next = json["state"].as_str().unwrap().to_owned();
                assert!(at > 0 && !is_closed, "a session behind the closed one");
                assert!(!(state.as_deref() == Some("open") && next == "waiting"), "it went back");
                state = Some(next);
            }
            "$end" => {
                assert_eq!((at, record.value.len()), (records.len() - 1, 0));
                assert!(is_closed, "not closed");
            }
            "lap" | "tdata" => assert_eq!(state.as_deref(), Some("open"), "data of {state:?}"),
            _ => assert!(at > 0 && state.is_some() && !is_closed),
        }
    }
    if state.is_some_and(|state| !["waiting", "open"].contains(&&*state)) {
        assert_eq!(types(records).last(), Some(&"$end"));
    }
}

/// A reader notes nothing but that the stream was opened.
#[track_caller]
fn is_read(records: &[Transmit]) -> Desk {
    let mut desk = Desk::default();
    for (at, record) in records.iter().enumerate() {
        let due = if at == 0 { StreamNotes::OPENED } else { StreamNotes::NONE };
        assert_eq!(desk.notes(record.key.as_str(), &record.value), due, "{:?}", types(records));
    }
    desk
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Start,
    Update(SessionState),
    Lap,
    Session,
    Close(SessionState),
    Timeout,
}

const CALLS: [Call; 9] = [
    Call::Start,
    Call::Update(OPEN),
    Call::Update(WAITING),
    Call::Update(CLOSED),
    Call::Lap,
    Call::Session,
    Call::Close(CLOSED),
    Call::Close(SessionState::FAILED),
    Call::Timeout,
];

fn call(writer: &mut StreamWriter, call: Call, at: u64) -> Result<(), WriteError> {
    let now = seconds(7 * at);
    match call {
        Call::Start => writer.start(now).map(drop),
        Call::Update(state) => writer.update(now, |session| session.state = state).map(drop),
        Call::Lap => writer.send(&lap(1)),
        Call::Session => writer.send(&Message::Session(Session::new("s", OPEN))),
        Call::Close(state) => writer.close(now, state),
        Call::Timeout => {
            writer.handle_timeout(seconds(1000 * (at + 1)));
            Ok(())
        }
    }
}

/// Whether a call is taken, by what the documentation of each has, and the state behind it: that of the session, `None` before the start and
/// behind the end.
fn due(has_started: bool, state: Option<SessionState>, call: Call) -> Result<(), WriteError> {
    let refused = match (call, state) {
        (Call::Timeout, _) => return Ok(()),
        (Call::Session, _) => WriteError::OwnType,
        (Call::Start, None) if !has_started => return Ok(()),
        (Call::Start, Some(_)) => WriteError::Started,
        (_, None) if !has_started => WriteError::NotStarted,
        (_, None) => WriteError::Ended,
        (Call::Update(to), Some(from)) if to == CLOSED || (from, to) == (OPEN, WAITING) => {
            WriteError::State { from, to }
        }
        (Call::Lap, Some(WAITING)) => WriteError::NotOpen,
        _ => return Ok(()),
    };
    Err(refused)
}

/// Every sequence of so many calls.
fn every_sequence(first: SessionState, len: u32) {
    let new = || writer(first).with_unix_origin(ORIGIN);
    for number in 0..CALLS.len().pow(len) {
        let calls = (0..len).map(|at| CALLS[number / CALLS.len().pow(at) % CALLS.len()]);
        let (mut writer, mut taken) = (new(), Vec::new());
        let (mut has_started, mut state, mut last) = (false, None, first);
        for (at, next) in calls.enumerate() {
            let result = call(&mut writer, next, at as u64);
            assert_eq!(result, due(has_started, state, next), "{next:?} behind {taken:?}");
            if result.is_err() {
                continue;
            }
            taken.push((at, next));
            match next {
                Call::Start => (has_started, state) = (true, Some(last)),
                Call::Update(to) => (state, last) = (Some(to), to),
                Call::Close(to) => (state, last) = (None, to),
                Call::Lap | Call::Session | Call::Timeout => {}
            }
            assert_eq!(writer.session().state, last);
            assert_eq!(writer.poll_deadline().is_some(), state.is_some(), "{taken:?}");
            assert_eq!(writer.has_ended(), has_started && state.is_none(), "{taken:?}");
        }
        let records = sent(&mut writer);
        is_legal(&records);
        let desk = is_read(&records);
        if has_started {
            assert_eq!(desk.state("a"), Some(last), "{taken:?}");
        }
        // What was refused changed nothing.
        if taken.len() < len as usize {
            let mut writer = new();
            taken.iter().for_each(|(at, next)| call(&mut writer, *next, *at as u64).unwrap());
            assert_eq!(sent(&mut writer), records, "{taken:?}");
        }
    }
}

#[test]
fn every_sequence_of_calls_from_an_open_session() {
    every_sequence(OPEN, if cfg!(miri) { 2 } else { 5 });
}

#[test]
fn every_sequence_of_calls_from_a_session_that_waits() {
    every_sequence(WAITING, if cfg!(miri) { 2 } else { 5 });
}

#[test]
fn each_closing_state_is_written() {
    let states = [CLOSED, SessionState::TRUNCATED, SessionState::FAILED, SessionState::ABANDONED];
    for (state, name) in states.into_iter().zip(["closed", "truncated", "failed", "abandoned"]) {
        for first in [WAITING, OPEN] {
            let mut writer = started(first);
            writer.close(seconds(1), state).unwrap();
            assert_eq!(writer.close(seconds(1), state), Err(WriteError::Ended));
            let records = sent(&mut writer);
            assert_eq!(types(&records), ["$start", "session", "session", "$end"]);
            assert_eq!(json(&records[2])["state"], name);
            assert_eq!(is_read(&records).state("a"), Some(state));
        }
    }
    let mut writer = started(OPEN);
    for to in [OPEN, WAITING, SessionState::UNKNOWN, SessionState(5)] {
        assert_eq!(writer.close(seconds(1), to), Err(WriteError::State { from: OPEN, to }));
    }
}

#[test]
fn what_a_stream_does_not_begin_with() {
    let new = |id: &str, partition, state| StreamWriter::new(id, partition, Session::new("s", state)).map(drop);
    assert_eq!(new("", 0, OPEN), Err(WriteError::NoStream));
    assert_eq!(new("a", -1, OPEN), Err(WriteError::NoStream));
    for state in [CLOSED, SessionState::FAILED, SessionState::UNKNOWN, SessionState(3)] {
        assert_eq!(new("a", 0, state), Err(WriteError::FirstState { state }));
    }
    assert_eq!(new("a", 0, WAITING), Ok(()));
}

#[test]
fn a_session_is_updated_but_not_its_id() {
    let mut writer = started(WAITING);
    let error = writer.update(seconds(1), |session| session.id = "t".into());
    assert_eq!(error, Err(WriteError::SessionId));
    let error = writer.update(seconds(1), |session| session.state = SessionState::UNKNOWN);
    assert_eq!(error, Err(WriteError::State { from: WAITING, to: SessionState::UNKNOWN }));
    writer.update(seconds(1), |session| *session = session.clone().with_detail("Driver", "KMZ")).unwrap();
    assert_eq!(writer.session().detail("Driver"), Some("KMZ"));
    let records = sent(&mut writer);
    assert_eq!((types(&records).len(), &json(&records[2])["details"]["Driver"]), (3, &"KMZ".into()));
}

#[test]
fn messages_of_the_writer_itself_are_not_sent() {
    let mut writer = started(OPEN);
    let raw = || Message::Unknown(b"x".as_slice().into());
    for message in [Message::Start, Message::End, Message::Session(Session::new("s", OPEN))] {
        assert_eq!(writer.send(&message), Err(WriteError::OwnType));
    }
    assert_eq!(writer.send(&raw()), Err(WriteError::NoType));
    for own in [MessageType::START, MessageType::END, MessageType::SESSION] {
        assert_eq!(writer.send_as(own, &raw()), Err(WriteError::OwnType));
        assert_eq!(writer.send_as(own, &lap(1)), Err(WriteError::OwnType));
    }
    assert_eq!(sent(&mut writer).len(), 2);
}

#[test]
fn messages_of_the_writer_itself_are_not_sent_whatever_the_types_say() {
    for own in [MessageType::START, MessageType::END, MessageType::SESSION] {
        for types in [TypeMap::new().without(own.as_str()), TypeMap::new().with(own.as_str(), MessageKind::Lap)] {
            let mut writer = writer(OPEN).with_types(types);
            writer.start(Duration::ZERO).unwrap();
            let raw = Message::Unknown(b"".as_slice().into());
            assert_eq!(writer.send_as(own, &raw), Err(WriteError::OwnType), "{own}");
            assert_eq!(writer.send_as(own, &lap(1)), Err(WriteError::OwnType), "{own}");
        }
    }
}

#[test]
fn syncs_and_unknown_types_go_while_the_session_waits_and_data_does_not() {
    let mut writer = started(WAITING);
    let other = MessageType::new("setup").unwrap();
    let data = columns("f", &[1]);
    let event = Message::from(Event::new(0, 1, "02D4:Chassis"));
    for message in [lap(1), Message::from(&data), event.clone()] {
        assert_eq!(writer.send(&message), Err(WriteError::NotOpen));
    }
    writer.send(&Message::from(Sync::new(0, 1))).unwrap();
    writer.send_as(other, &Message::Unknown(b"\x00x".as_slice().into())).unwrap();
    writer.update(Duration::ZERO, |session| session.state = OPEN).unwrap();
    for message in [lap(1), Message::from(&data), event] {
        writer.send(&message).unwrap();
    }
    writer.close(Duration::ZERO, CLOSED).unwrap();
    let records = sent(&mut writer);
    let due = ["$start", "session", "sync", "setup", "session", "lap", "tdata", "events", "session", "$end"];
    assert_eq!(types(&records), due);
    assert_eq!(records[3].value, b"\x00x");
    is_legal(&records);
}

#[test]
fn types_that_are_data_to_others_wait_for_an_open_session_too() {
    let map = TypeMap::new().without("tdata");
    let mut writer = writer(WAITING).with_types(map);
    writer.start(Duration::ZERO).unwrap();
    let raw = Message::Unknown(b"{}".as_slice().into());
    assert_eq!(writer.send_as(MessageType::TDATA, &raw), Err(WriteError::NotOpen));
    writer.update(Duration::ZERO, |session| session.state = OPEN).unwrap();
    assert_eq!(writer.send_as(MessageType::TDATA, &raw), Ok(()));
}

#[test]
fn protobuf_goes_by_the_types() {
    let (data, event) = (MessageType::new("x").unwrap(), MessageType::new("y").unwrap());
    let map = TypeMap::new()
        .with("x", MessageKind::ProtobufTelemetry(TelemetryKind::Data))
        .with("y", MessageKind::ProtobufEvent)
        .with("sess", MessageKind::Session);
    let mut writer = writer(OPEN).with_types(map);
    writer.start(Duration::ZERO).unwrap();
    let columns = columns("f", &[7]);
    writer.send_as(data, &Message::from(&columns)).unwrap();
    let mut message = Event::new(1, 2, "a");
    message.values = EventValues::from(vec![1.0]);
    writer.send_as(event, &Message::from(message)).unwrap();
    let wrong_kind = |result: Result<(), WriteError>| matches!(result, Err(WriteError::Encode(error)) if error.kind() == EncodeErrorKind::WrongKind);
    assert!(wrong_kind(writer.send_as(event, &lap(1))));
    assert!(wrong_kind(writer.send_as(MessageType::TSAMPLES, &Message::from(&columns))));
    assert!(wrong_kind(writer.send_as(MessageType::new("z").unwrap(), &lap(1))));
    let session = MessageType::new("sess").unwrap();
    assert_eq!(writer.send_as(session, &Message::Session(Session::new("s", OPEN))), Err(WriteError::OwnType));
    let records = sent(&mut writer);
    assert_eq!(types(&records), ["$start", "session", "x", "y"]);
    // The bytes of the published messages: format, times, and one parameter with a status and a mean; an event.
    let half = 0.5_f64.to_le_bytes();
    let due = [&b"\x0a\x01f\x22\x01\x07\x2a"[..], b"\x11\x08\x00\x12\x0d\x0a\x01\x01\x22\x08", &half].concat();
    assert_eq!(without_default_key(&records[2].value), without_default_key(&due));
    assert_eq!(records[3].value, b"\x08\x01\x10\x02\x1a\x01a\x2a\x08\x00\x00\x00\x00\x00\x00\xf0\x3f");
}

/// A key of 0 in the map may be written or not.
fn without_default_key(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(at) = bytes.windows(4).position(|part| part == b"\x11\x08\x00\x12") {
        bytes.splice(at..at + 3, [0x0f]);
    }
    bytes
}

#[test]
fn a_heartbeat_ten_seconds_after_the_last_session() {
    let mut writer = writer(WAITING);
    assert_eq!(writer.poll_deadline(), None);
    writer.handle_timeout(seconds(100));
    assert_eq!(sent(&mut writer), []);
    writer.start(seconds(100)).unwrap();
    assert_eq!(writer.poll_deadline(), Some(seconds(110)));
    writer.update(seconds(104), |session| session.state = OPEN).unwrap();
    assert_eq!(writer.poll_deadline(), Some(seconds(114)), "from the session that was sent last");
    sent(&mut writer);
    writer.handle_timeout(Duration::from_millis(113_999));
    assert_eq!(sent(&mut writer), []);
    writer.handle_timeout(seconds(114));
    assert_eq!(types(&sent(&mut writer)), ["session"]);
    writer.handle_timeout(seconds(114));
    assert_eq!((sent(&mut writer), writer.poll_deadline()), (vec![], Some(seconds(124))));
    // Long pauses are not made up for.
    writer.handle_timeout(seconds(1000));
    assert_eq!((sent(&mut writer).len(), writer.poll_deadline()), (1, Some(seconds(1010))));
    // Time that goes back is the time that was.
    writer.handle_timeout(seconds(5));
    assert_eq!((sent(&mut writer), writer.poll_deadline()), (vec![], Some(seconds(1010))));
    writer.close(seconds(1001), CLOSED).unwrap();
    sent(&mut writer);
    writer.handle_timeout(seconds(9999));
    assert_eq!((sent(&mut writer), writer.poll_deadline()), (vec![], None));
    // As it is told.
    let mut writer = self::writer(OPEN).with_heartbeat(seconds(1));
    writer.start(Duration::ZERO).unwrap();
    assert_eq!(writer.poll_deadline(), Some(seconds(1)));
}

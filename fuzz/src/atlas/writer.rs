//! A writer sends what is legal, refuses the rest, and what it sent reads back, whatever of its beginning is lost.

use std::collections::VecDeque;
use std::time::Duration;

use atlas_stream::{
    ATLAS_CONFIGURATION, Activity, Aggregates, Columns, DATA_FORMAT, DateTime, EncodeError, Event, JsonOptions, Lap,
    LapType, Limits, Message, MessageKind, MessageType, NanForm, ParamKey, Session, SessionState, StreamWriter, Sync,
    TelemetryKind, TriggerSource, TypeMap, WriteError, WriterWarnings,
};

use super::Script;
use super::writer_check::{Sent, check_order, check_read};

const STATES: [SessionState; 10] = [
    SessionState::OPEN,
    SessionState::WAITING,
    SessionState::CLOSED,
    SessionState::TRUNCATED,
    SessionState::FAILED,
    SessionState::ABANDONED,
    SessionState::UNKNOWN,
    SessionState(7),
    SessionState(3),
    SessionState(255),
];
const TYPES: [&str; 13] = [
    "tdata",
    "tsamples",
    "events",
    "lap",
    "sync",
    "pdata",
    "mine",
    "event",
    "TDATA",
    "mysession",
    "session",
    "$start",
    "$end",
];
const TIMES: [i64; 8] = [0, 1, 1_000_000_000, -1, i64::MAX, i64::MIN, 1_700_000_000_000_000_000, 1 << 40];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    New,
    Running,
    Ended,
}

/// Why something is refused; several may be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Why {
    NotStarted,
    Started,
    Ended,
    NotOpen,
    OwnType,
    NoType,
    State,
    SessionId,
    Full,
    Encode,
}

fn why(error: WriteError) -> Why {
    assert!(!error.to_string().is_empty());
    match error {
        WriteError::NotStarted => Why::NotStarted,
        WriteError::Started => Why::Started,
        WriteError::Ended => Why::Ended,
        WriteError::NotOpen => Why::NotOpen,
        WriteError::OwnType => Why::OwnType,
        WriteError::NoType => Why::NoType,
        WriteError::State { .. } => Why::State,
        WriteError::SessionId => Why::SessionId,
        WriteError::Full => Why::Full,
        WriteError::Encode(_) => Why::Encode,
        other => panic!("{other:?}"),
    }
}

/// What a writer does, by SPEC.md §10.
struct Model {
    stream: String,
    phase: Phase,
    is_resumed: bool,
    session: Session<'static>,
    types: TypeMap,
    options: JsonOptions,
    heartbeat: Duration,
    origin: Option<i64>,
    now: Duration,
    deadline: Option<Duration>,
    latest: Option<i64>,
    max: usize,
    queue: VecDeque<(String, Vec<u8>, Option<Session<'static>>)>,
    warnings: WriterWarnings,
}

/// A message, with the latest time of its data and the format that it names.
type Made = (Message<'static>, Option<i64>, Option<String>);

impl Model {
    fn queued(&self) -> usize {
        self.queue.iter().map(|(key, value, _)| key.len() + value.len()).sum()
    }

    fn running(&self) -> Vec<Why> {
        match self.phase {
            Phase::New => vec![Why::NotStarted],
            Phase::Running => Vec::new(),
            Phase::Ended => vec![Why::Ended],
        }
    }

    fn push(&mut self, message_type: &str, value: Vec<u8>, session: Option<Session<'static>>) {
        self.queue.push_back((format!("{message_type}:{}", self.stream), value, session));
    }

    /// A session as it is sent at a time, with its JSON.
    fn stamped(
        &self,
        now: Duration,
        mut session: Session<'static>,
    ) -> Result<(Session<'static>, Vec<u8>), EncodeError> {
        let plain = session.clone();
        if let Some(origin) = self.origin {
            let now = now.as_nanos() as i128;
            let nanos = i128::from(origin) + now;
            session.last_heartbeat = Some(DateTime::from_unix_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)));
        }
        if let Some(activity) = &mut session.activity {
            let start = activity.start.as_ref().and_then(DateTime::unix_nanos);
            // What is told of another beginning is not how long it was from the one before.
            if let Some(before) = &self.session.activity {
                let is_other = before.start.as_ref().and_then(DateTime::unix_nanos) != start;
                let is_left = before.duration_nanos == activity.duration_nanos;
                activity.duration_nanos.take_if(|_| is_other && is_left);
            }
            let grown = start.zip(self.latest).map(|(start, latest)| i128::from(latest) - i128::from(start));
            let grown = grown.and_then(|grown| i64::try_from(grown).ok()).filter(|grown| *grown >= 0);
            activity.duration_nanos = activity.duration_nanos.max(grown);
        }
        let mut json = Vec::new();
        // What its times make too long goes without.
        if session.encode_json_with(&mut json, &self.options).is_err() {
            plain.encode_json_with(&mut json, &self.options)?;
            return Ok((plain, json));
        }
        Ok((session, json))
    }

    fn push_session(&mut self, now: Duration, (session, json): (Session<'static>, Vec<u8>)) {
        self.now = now;
        self.deadline = now.checked_add(self.heartbeat);
        for (warning, of) in [
            (WriterWarnings::NO_DATA_FORMAT, DATA_FORMAT),
            (WriterWarnings::NO_ATLAS_CONFIGURATION, ATLAS_CONFIGURATION),
        ] {
            let ids = session.dependencies.as_ref().and_then(|all| all.get(of));
            let is_missing = ids.is_none_or(Vec::is_empty);
            self.warnings = self.warnings.without(warning) | if is_missing { warning } else { WriterWarnings::NONE };
        }
        self.session = session.clone();
        self.push("session", json, Some(session));
    }

    /// All reasons for which it is refused; none if it is sent.
    fn send(&mut self, message_type: &str, (message, latest, format): &Made) -> Vec<Why> {
        let mut why = self.running();
        let kind = self.types.get(MessageType::new(message_type).expect("a type"));
        let is_own = matches!(message_type, "$start" | "$end" | "session")
            || matches!(kind, Some(MessageKind::Start | MessageKind::End | MessageKind::Session))
            || matches!(message, Message::Start | Message::End | Message::Session(_));
        why.extend(is_own.then_some(Why::OwnType));
        let is_data = matches!(message, Message::Data(_) | Message::Samples(_) | Message::Event(_) | Message::Lap(_))
            || matches!(message_type, "tdata" | "tsamples" | "events" | "lap");
        let not_open = if self.session.state.is_closed() { Why::Ended } else { Why::NotOpen };
        why.extend((is_data && self.session.state != SessionState::OPEN).then_some(not_open));
        why.extend((self.queued() > self.max).then_some(Why::Full));
        let mut value = Vec::new();
        why.extend(message.encode_with(kind, &mut value, &self.options).is_err().then_some(Why::Encode));
        if why.is_empty() {
            if matches!(message, Message::Data(_) | Message::Samples(_)) {
                let listed = self.session.dependencies.as_ref().and_then(|all| all.get(DATA_FORMAT));
                let is_listed = listed.is_some_and(|ids| ids.iter().any(|id| Some(&**id) == format.as_deref()));
                self.warnings |= if is_listed { WriterWarnings::NONE } else { WriterWarnings::UNLISTED_FORMAT };
            }
            self.latest = self.latest.max(*latest);
            self.push(message_type, value, None);
        }
        why
    }
}

fn absolute(epoch: i64, time: i64) -> Option<i64> {
    i64::try_from(i128::from(epoch) + i128::from(time)).ok()
}

fn message(script: &mut Script<'_>) -> Made {
    let (epoch, time) = (script.pick(&TIMES), script.pick(&TIMES));
    let format = script.pick(&["f", "g", "", "h"]);
    let value = script.pick(&[0.5, f64::NAN, f64::INFINITY, 1e300]);
    let named = (!format.is_empty()).then(|| format.to_owned());
    let mut columns = Columns::new();
    let choice = script.byte() % 13;
    match choice {
        0..5 => {
            let avg = [(Aggregates::AVG, &[value, 1.0][..])];
            let two = [time, 5];
            let pushed = match choice {
                0..3 => columns.start_data(format, "", epoch, &two).and_then(|all| all.push_data(&[1, 1], &avg)),
                3 => columns.start(TelemetryKind::Samples, format, "").push_samples(
                    ParamKey::Name("x"),
                    epoch,
                    &two,
                    &[value, 1.0],
                ),
                // Has no JSON.
                _ => columns.start(TelemetryKind::Samples, format, "").push_samples(
                    ParamKey::Index(0),
                    epoch,
                    &two,
                    &[value, 1.0],
                ),
            };
            let is_there = pushed.is_ok();
            assert_eq!(is_there, two.iter().all(|time| absolute(epoch, *time).is_some()));
            if !is_there {
                return (Message::Unknown(b"x".into()), None, None);
            }
            let latest = two.iter().filter_map(|time| absolute(epoch, *time)).max();
            (Message::from(&columns).into_owned(), latest, named)
        }
        5..7 => (Message::from(Event::new(epoch, time, "x")), absolute(epoch, time), None),
        7..9 => (Message::from(Lap::new(1, epoch, time, LapType::Fast, TriggerSource(1))), absolute(epoch, time), None),
        9 => (Message::Sync(Sync::new(epoch, time)), None, None),
        10 => (Message::Unknown(script.bytes().to_vec().into()), None, None),
        11 => (if script.pick(&[0, 1]) == 0 { Message::Start } else { Message::End }, None, None),
        _ => (Message::Session(Session::new("s", SessionState::OPEN)), None, None),
    }
}

/// One of what may be told otherwise.
fn change(session: &mut Session<'static>, what: u8, more: u8) {
    let name = ["a", "b", "c"][usize::from(more) % 3];
    match what % 16 {
        0..3 => session.state = STATES[usize::from(more) % STATES.len()],
        3 => session.identifier = (more & 1 == 0).then(|| name.into()),
        4 | 5 => *session = session.clone().with_detail(name, if more & 8 == 0 { "x" } else { "\u{1f3c1}\"\n" }),
        6 => session.details = None,
        7 => *session = session.clone().with_dependency(DATA_FORMAT, ["f", "g", "h"][usize::from(more) % 3]),
        8 => *session = session.clone().with_dependency(ATLAS_CONFIGURATION, name),
        9 => session.dependencies = (more & 1 == 0).then(|| [(DATA_FORMAT.into(), Vec::new())].into()),
        10 => {
            let start = DateTime::from_unix_nanos(TIMES[usize::from(more) % TIMES.len()]);
            session.activity = (more & 8 == 0).then(|| Activity::new(start));
        }
        11 => {
            let activity = session.activity.get_or_insert_default();
            activity.duration_nanos = [None, Some(0), Some(1 << 40), Some(-1)][usize::from(more) % 4];
        }
        12 => session.last_heartbeat = (more & 1 == 0).then(|| DateTime::from_unix_nanos(i64::from(more))),
        13 => session.quality = [None, Some(0.5), Some(f64::NAN), Some(1e300)][usize::from(more) % 4],
        14 if more > 200 => session.id = name.into(),
        14 => session.label = Some(name.repeat(usize::from(more)).into()),
        _ => session.sources.push(Session::new(name, STATES[usize::from(more) % 6])),
    }
}

fn changed(mut session: Session<'static>, changes: &[u8]) -> Session<'static> {
    for pair in changes.chunks_exact(2) {
        change(&mut session, pair[0], pair[1]);
    }
    session
}

fn compare<T>(found: Result<T, WriteError>, due: &[Why]) -> Option<T> {
    match found {
        Ok(found) => {
            assert!(due.is_empty(), "was sent in spite of {due:?}");
            Some(found)
        }
        Err(error) => {
            assert!(due.contains(&why(error)), "refused by {error:?}, not {due:?}");
            None
        }
    }
}

fn take(writer: &mut StreamWriter, model: &mut Model, sent: &mut Vec<Sent>) -> bool {
    let Some(found) = writer.poll_transmit() else {
        assert!(model.queue.is_empty());
        return false;
    };
    let (key, value, session) = model.queue.pop_front().expect("nothing is queued");
    assert_eq!((found.key.as_str(), &found.value), (&*key, &value));
    sent.push(Sent { partition: found.partition, key, value, session });
    true
}

/// A writer against its model, and against a reader.
pub fn writer(data: &[u8]) {
    let mut script = Script(data);
    let (of_stream, of_writing, of_session) = (script.byte(), script.byte(), script.byte());
    let stream = ["s", "a:b", "", "\u{feff}\u{e4}", "s", "s", "s", "s"][usize::from(of_stream & 7)];
    let partition = [0, 3, 0, i32::MAX, -1, i32::MIN, 7, 0][usize::from(of_stream >> 3 & 7)];
    let is_resumed = of_stream & 64 != 0;
    let lost = script.byte();
    let session = changed(Session::new("s", STATES[usize::from(of_session & 15) % STATES.len()]), script.bytes());
    let made = if is_resumed { StreamWriter::resume } else { StreamWriter::new }(stream, partition, session.clone());
    let may_begin = match session.state {
        SessionState::WAITING | SessionState::OPEN => true,
        // Only to end what another writer has closed.
        state => is_resumed && state.name().is_some(),
    };
    let mut writer = match made {
        Ok(writer) => writer,
        Err(WriteError::NoStream) => return assert!(stream.is_empty() || partition < 0),
        Err(WriteError::FirstState { state }) => return assert!(!may_begin && state == session.state),
        Err(other) => panic!("{other:?}"),
    };
    assert!(may_begin && !stream.is_empty() && partition >= 0);
    let mut types = TypeMap::new();
    if of_writing & 1 != 0 {
        types = types.with("pdata", MessageKind::ProtobufTelemetry(TelemetryKind::Data));
        types = types.with("event", MessageKind::Event).with("mysession", MessageKind::Session).without("lap");
        types = types.without("$end");
    }
    let limits = if of_writing & 2 == 0 { Limits::DEFAULT } else { Limits::DEFAULT.with_max_len(90) };
    let nan = [NanForm::Quoted, NanForm::Bare, NanForm::Null, NanForm::Quoted][usize::from(of_session >> 4 & 3)];
    let mut model = Model {
        stream: stream.to_owned(),
        phase: Phase::New,
        is_resumed,
        session,
        types,
        options: JsonOptions::DEFAULT.with_limits(limits).with_nan(nan),
        heartbeat: [Duration::from_secs(10), Duration::ZERO, Duration::MAX, Duration::from_secs(1)]
            [usize::from(of_writing >> 2 & 3)],
        origin: [None, Some(0), Some(i64::MAX), Some(i64::MIN)][usize::from(of_writing >> 4 & 3)],
        now: Duration::ZERO,
        deadline: None,
        latest: None,
        max: [1 << 26, 0, 60, 200][usize::from(of_writing >> 6)],
        queue: VecDeque::new(),
        warnings: WriterWarnings::NONE,
    };
    writer = writer
        .with_types(model.types.clone())
        .with_options(model.options)
        .with_heartbeat(model.heartbeat)
        .with_max_queued_bytes(model.max);
    if let Some(origin) = model.origin {
        writer = writer.with_unix_origin(origin);
    }
    let mut sent = Vec::new();
    let mut now = Duration::ZERO;
    while !script.0.is_empty() {
        step(&mut script, &mut now, &mut writer, &mut model, &mut sent);
        assert_eq!(writer.poll_deadline(), model.deadline);
        assert_eq!((writer.queued_bytes(), writer.warnings()), (model.queued(), model.warnings));
        assert_eq!((writer.stream_id(), writer.partition()), (stream, partition));
        assert_eq!(writer.has_ended(), model.phase == Phase::Ended);
        let (found, due) = (writer.session(), &model.session);
        assert!(found == due || format!("{found:?}") == format!("{due:?}"), "{found:?} is not {due:?}");
    }
    while take(&mut writer, &mut model, &mut sent) {}
    let _ = format!("{writer:?}");
    check_order(&sent, stream, partition, model.is_resumed, &model.types);
    for lost in [usize::from(lost) % (sent.len() + 1), 0] {
        check_read(&sent, lost, stream, &model.types);
    }
}

fn step(
    script: &mut Script<'_>,
    now: &mut Duration,
    writer: &mut StreamWriter,
    model: &mut Model,
    sent: &mut Vec<Sent>,
) {
    let choice = script.byte();
    let at = model.now.max(*now);
    match choice {
        0..24 => *now = now.saturating_add(Duration::from_millis(u64::from(choice) * 700)),
        24..28 => *now = now.saturating_sub(Duration::from_secs(u64::from(choice - 20))),
        28..40 => *now = writer.poll_deadline().unwrap_or(*now),
        40 => *now = Duration::MAX,
        41..65 => {
            writer.handle_timeout(*now);
            model.now = at;
            if model.deadline.is_some_and(|deadline| deadline <= at) {
                if model.queued() > model.max {
                    model.deadline = at.checked_add(model.heartbeat);
                } else {
                    let session = model.stamped(at, model.session.clone()).expect("it was sent before");
                    model.push_session(at, session);
                }
            }
        }
        65..90 => {
            let mut due = match model.phase {
                Phase::New => Vec::new(),
                Phase::Running => vec![Why::Started],
                Phase::Ended => vec![Why::Ended],
            };
            let session = model.stamped(at, model.session.clone());
            due.extend((due.is_empty() && session.is_err()).then_some(Why::Encode));
            let found = compare(writer.start(*now), &due);
            if let (Some(warnings), Ok(session)) = (found, session) {
                if !model.is_resumed {
                    model.push("$start", Vec::new(), None);
                }
                model.phase = Phase::Running;
                model.push_session(at, session);
                assert_eq!(warnings, model.warnings);
            }
        }
        90..150 => {
            let made = message(script);
            let message_type = match made.0 {
                Message::Data(_) => "tdata",
                Message::Samples(_) => "tsamples",
                Message::Event(_) => "events",
                Message::Lap(_) => "lap",
                Message::Sync(_) => "sync",
                // Has no type, or the writer's own.
                _ => "$start",
            };
            let mut due = model.send(message_type, &made);
            if matches!(made.0, Message::Unknown(_)) {
                due = vec![Why::NoType];
            }
            compare(writer.send(&made.0), &due);
        }
        150..180 => {
            let message_type = script.pick(&TYPES);
            let made = message(script);
            let due = model.send(message_type, &made);
            compare(writer.send_as(MessageType::new(message_type).expect("a type"), &made.0), &due);
        }
        180..215 => {
            let changes = script.bytes();
            let session = changed(model.session.clone(), changes);
            let mut due = model.running();
            due.extend((session.id != model.session.id).then_some(Why::SessionId));
            let may_become = match session.state {
                SessionState::WAITING => model.session.state == SessionState::WAITING,
                SessionState::OPEN => !model.session.state.is_closed(),
                _ => false,
            };
            due.extend((!may_become).then_some(Why::State));
            due.extend((model.queued() > model.max).then_some(Why::Full));
            let session = model.stamped(at, session);
            due.extend(session.is_err().then_some(Why::Encode));
            let found = compare(writer.update(*now, |session| *session = changed(session.clone(), changes)), &due);
            if let (Some(warnings), Ok(session)) = (found, session) {
                model.push_session(at, session);
                assert_eq!(warnings, model.warnings);
            }
        }
        215..222 => {
            let state = script.pick(&STATES);
            let mut due = model.running();
            let is_other = model.session.state.is_closed() && model.session.state != state;
            due.extend((is_other || !matches!(state.0, 4 | 12 | 28 | 44)).then_some(Why::State));
            let mut session = model.session.clone();
            session.state = state;
            let session = model.stamped(at, session);
            due.extend(session.is_err().then_some(Why::Encode));
            let found = compare(writer.close(*now, state), &due);
            if let (Some(()), Ok(session)) = (found, session) {
                model.push_session(at, session);
                model.push("$end", Vec::new(), None);
                (model.phase, model.deadline) = (Phase::Ended, None);
            }
        }
        222..235 => {
            let _ = take(writer, model, sent);
        }
        _ => while take(writer, model, sent) {},
    }
}

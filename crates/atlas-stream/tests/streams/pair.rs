//! A writer and a reader, with the first records lost: as if the reader came late.

use core::time::Duration;

use atlas_stream::{
    ATLAS_CONFIGURATION, Aggregates, Columns, DATA_FORMAT, Lap, LapType, Message, Session, SessionState, StreamNotes,
    StreamReader, StreamWriter, Transmit, TriggerSource,
};
use proptest::prelude::*;

use crate::support::{Desk, Told, format};

#[derive(Clone, Debug)]
enum Step {
    Open,
    Identifier(String),
    Detail(u8, String),
    Format(u8),
    Configuration(u8),
    Data(u8),
    Lap,
    Heartbeat,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Open),
        1 => ".{0,8}".prop_map(Step::Identifier),
        1 => (0_u8..3, ".{0,8}").prop_map(|(name, text)| Step::Detail(name, text)),
        1 => (0_u8..4).prop_map(Step::Format),
        1 => (0_u8..4).prop_map(Step::Configuration),
        4 => (0_u8..4).prop_map(Step::Data),
        1 => Just(Step::Lap),
        2 => Just(Step::Heartbeat),
    ];
    prop::collection::vec(step, 0..25)
}

/// What was sent, and the session as it was with the last of it.
struct Sent {
    record: Transmit,
    session: Option<Session<'static>>,
}

/// Writes it all; data while the session waits is refused, and so left away.
fn write(steps: &[Step], close: SessionState) -> Vec<Sent> {
    let session = Session::new("s", SessionState::WAITING);
    let mut writer = StreamWriter::new("a:b", 5, session).unwrap().with_unix_origin(0);
    let (mut all, mut now) = (Vec::new(), Duration::ZERO);
    let mut take = |writer: &mut StreamWriter| {
        while let Some(record) = writer.poll_transmit() {
            let is_session = record.key.as_str().starts_with("session:");
            all.push(Sent { record, session: is_session.then(|| writer.session().clone()) });
        }
    };
    writer.start(now).unwrap();
    take(&mut writer);
    for step in steps {
        now += Duration::from_secs(3);
        let change = |session: &mut Session<'static>| match step.clone() {
            Step::Open => session.state = SessionState::OPEN,
            Step::Identifier(text) => session.identifier = Some(text.into()),
            Step::Detail(name, text) => *session = session.clone().with_detail(name.to_string(), text),
            Step::Format(id) => *session = session.clone().with_dependency(DATA_FORMAT, id.to_string()),
            Step::Configuration(id) => *session = session.clone().with_dependency(ATLAS_CONFIGURATION, id.to_string()),
            Step::Data(_) | Step::Lap | Step::Heartbeat => {}
        };
        let is_open = writer.session().state == SessionState::OPEN;
        match step {
            Step::Data(id) => {
                let mut columns = Columns::new();
                columns.start_data(&id.to_string(), "", 0, &[1]).unwrap();
                columns.push_data(&[1], &[(Aggregates::AVG, &[0.5])]).unwrap();
                assert_eq!(writer.send(&Message::from(&columns)).is_ok(), is_open);
            }
            Step::Lap => {
                let lap = Lap::new(1, 0, 5, LapType::Out, TriggerSource::DEFAULT);
                assert_eq!(writer.send(&Message::from(lap)).is_ok(), is_open);
            }
            Step::Heartbeat => {
                now += Duration::from_secs(10);
                writer.handle_timeout(now);
            }
            Step::Open | Step::Identifier(_) | Step::Detail(..) | Step::Format(_) | Step::Configuration(_) => {
                writer.update(now, change).unwrap();
            }
        }
        take(&mut writer);
    }
    writer.close(now, close).unwrap();
    take(&mut writer);
    all
}

/// Reads what is left, and tells what came. With formats given as soon as they are asked for, or never.
fn read(sent: &[Sent], is_given: bool) -> (Desk, Vec<Told>) {
    let mut desk = Desk::of(StreamReader::new());
    let mut told = Vec::new();
    let mut last = None;
    for Sent { record, session } in sent {
        let waited = desk.hand(record.key.as_str(), &record.value).unwrap();
        told.extend(waited);
        for id in desk.asked() {
            if is_given {
                assert!(desk.reader.provide_format(&id, format()));
            }
        }
        told.extend(desk.drain());
        last = session.as_ref().or(last);
        if desk.reader.waiting() > 0 {
            assert!(!is_given, "it waits though the format is there");
            continue;
        }
        // From the first heartbeat on the reader knows what the writer does.
        if let Some(last) = last {
            same(&desk, last);
        }
    }
    desk.reader.finish();
    told.extend(desk.drain());
    if let Some(last) = last {
        same(&desk, last);
    }
    (desk, told)
}

fn same(desk: &Desk, due: &Session<'_>) {
    let stream = desk.reader.stream("a:b").unwrap();
    let session = stream.session().unwrap();
    assert_eq!(stream.state(), Some(due.state));
    assert_eq!((&session.id, &session.identifier, &session.details), (&due.id, &due.identifier, &due.details));
    assert_eq!((&session.dependencies, &session.last_heartbeat), (&due.dependencies, &due.last_heartbeat));
    assert_eq!(session, due);
}

fn states() -> impl Strategy<Value = SessionState> {
    let states = [SessionState::CLOSED, SessionState::TRUNCATED, SessionState::FAILED, SessionState::ABANDONED];
    prop::sample::select(states.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 300 }))]

    #[test]
    fn a_reader_that_comes_late_knows_all_by_the_next_heartbeat(
        steps in steps(), close in states(), lost in 0_usize..30, is_given: bool,
    ) {
        let sent = write(&steps, close);
        // One at least is left.
        let lost = lost.min(sent.len() - 1);
        let left = &sent[lost..];
        let (desk, told) = read(left, is_given);
        // All that was not lost came, in order.
        let keys = |sent: &Sent| sent.record.key.as_str().to_owned();
        prop_assert_eq!(told.iter().map(|told| told.key.clone()).collect::<Vec<_>>(), left.iter().map(keys).collect::<Vec<_>>());
        prop_assert_eq!(told.iter().map(|told| told.offset).collect::<Vec<_>>(), (0..left.len() as i64).collect::<Vec<_>>());
        for (at, told) in told.iter().enumerate() {
            let is_data = told.key.starts_with("tdata:");
            let mut due = if at == 0 { StreamNotes::OPENED } else { StreamNotes::NONE };
            if at == 0 && lost > 0 {
                due |= StreamNotes::LATE;
            }
            if is_data && !is_given {
                due |= StreamNotes::UNBOUND;
            }
            prop_assert_eq!((told.notes, told.is_bound), (due, is_data && is_given), "{}", told.key);
        }
        let stream = desk.reader.stream("a:b").unwrap();
        prop_assert_eq!((stream.is_complete(), stream.has_ended()), (lost == 0, true));
        let is_known = left.iter().any(|sent| sent.session.is_some());
        prop_assert_eq!(stream.state(), is_known.then_some(close));
    }
}

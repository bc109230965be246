//! Whether what a writer sent is legal, and what a reader makes of it that came late.

use std::time::Duration;

use atlas_stream::{
    Decoder, Message, MessageType, ReaderEvent, Received, Session, SessionState, StreamNotes, StreamReader, TypeMap,
};

/// A record that was sent, and the session as the writer had it then.
pub(super) struct Sent {
    pub(super) partition: i32,
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    pub(super) session: Option<Session<'static>>,
}

/// By the keys: `$start`, sessions, what is in the stream, a closed session, `$end`.
pub(super) fn check_order(sent: &[Sent], stream: &str, partition: i32, is_resumed: bool, types: &TypeMap) {
    let mut decoder = Decoder::new().with_types(types.clone());
    let mut state: Option<SessionState> = None;
    let mut was_closed = false;
    for (at, record) in sent.iter().enumerate() {
        assert_eq!(record.partition, partition);
        let (message_type, id) = record.key.split_once(':').expect("a key has a colon");
        assert_eq!(id, stream);
        assert_eq!(message_type == "$start", at == 0 && !is_resumed, "{message_type} at {at}");
        let is_first_session = at == usize::from(!is_resumed);
        assert!(!is_first_session || message_type == "session", "{message_type} in front of the session");
        // What was closed before may be told again.
        let is_ending = state.is_some_and(SessionState::is_closed);
        let may_go_on = was_closed && message_type != "$end";
        assert_eq!(message_type == "$end", is_ending && !may_go_on, "{message_type} behind {state:?}");
        assert!(message_type != "$end" || at + 1 == sent.len(), "something is behind the end");
        let read = decoder.decode(record.key.as_bytes(), &record.value).expect("what is written may be read");
        match read.message() {
            Message::Session(session) => {
                let due = match state {
                    None | Some(SessionState::WAITING) => true,
                    Some(SessionState::OPEN) => session.state != SessionState::WAITING,
                    Some(closed) => session.state == closed,
                };
                assert!(due && session.state != SessionState::UNKNOWN, "{state:?} becomes {:?}", session.state);
                was_closed |= state.is_none() && is_resumed && session.state.is_closed();
                state = Some(session.state);
            }
            Message::Data(_) | Message::Samples(_) | Message::Event(_) | Message::Lap(_) => {
                assert_eq!(state, Some(SessionState::OPEN), "data while the session is not open");
            }
            _ => {}
        }
        assert_eq!(message_type == "session", record.session.is_some());
    }
}

/// Read without the first records: what the next session told is what the writer had.
pub(super) fn check_read(sent: &[Sent], lost: usize, stream: &str, types: &TypeMap) {
    let mut reader = StreamReader::new().with_decoder(Decoder::new().with_types(types.clone()));
    let mut is_open = false;
    for (offset, record) in (0..).zip(sent).skip(lost) {
        let taken = reader.handle_record(Duration::ZERO, offset, record.key.as_bytes(), &record.value);
        let mut found = taken.expect("what is written may be read").map(|received| parts(&received));
        if found.is_none() {
            while let Some(event) = reader.poll_event() {
                let ReaderEvent::FormatNeeded { id } = event else { panic!("{event:?}") };
                reader.format_unavailable(&id);
            }
            found = reader.poll_record().map(|received| parts(&received));
        }
        let (found, notes, is_known, is_telemetry) = found.expect("no format is waited for");
        assert_eq!(found, offset);
        let mut due = StreamNotes::NONE;
        if is_known && !is_open {
            let is_start = record.key.starts_with("$start:");
            due = StreamNotes::OPENED | if is_start { StreamNotes::NONE } else { StreamNotes::LATE };
        }
        is_open |= is_known;
        let notes = if is_telemetry { notes.without(StreamNotes::UNBOUND) } else { notes };
        assert_eq!(notes, due, "record {offset} without the first {lost}");
        let Some(due) = &record.session else { continue };
        let found = reader.stream(stream).expect("it is open");
        assert_eq!(found.state(), Some(due.state));
        let found = found.session().expect("it was told");
        assert_eq!((&found.id, found.state, &found.identifier), (&due.id, due.state, &due.identifier));
        assert_eq!((&found.details, &found.dependencies), (&due.details, &due.dependencies));
        assert_eq!(found.activity, due.activity);
        assert_eq!(found.last_heartbeat, due.last_heartbeat);
    }
    let knows_end = types.get(MessageType::END).is_some();
    let end = sent.last().is_some_and(|record| record.key.starts_with("$end:")) && lost < sent.len() && knows_end;
    assert_eq!(reader.stream(stream).is_some_and(|stream| stream.has_ended()), end);
    assert_eq!(reader.stream(stream).is_some_and(|stream| stream.is_complete()), {
        lost == 0 && sent.first().is_some_and(|record| record.key.starts_with("$start:"))
    });
    assert_eq!(reader.waiting(), 0);
}

fn parts(received: &Received<'_>) -> (i64, StreamNotes, bool, bool) {
    let is_telemetry = matches!(received.message(), Message::Data(_) | Message::Samples(_));
    (received.offset(), received.notes(), received.record().kind().is_some(), is_telemetry)
}

//! What the tests of streams share: records by their text, and a reader with what it told.

#![allow(clippy::std_instead_of_alloc, clippy::wildcard_enum_match_arm)]

use core::time::Duration;
use std::sync::Arc;

use atlas_stream::{
    Aggregates, Changes, DataFormat, Feed, ReadError, ReaderEvent, Received, SessionState, StreamNotes, StreamReader,
};

/// A record as it was delivered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) offset: i64,
    pub(crate) key: String,
    pub(crate) notes: StreamNotes,
    pub(crate) changes: Changes,
    pub(crate) is_bound: bool,
    /// Of its stream, if that is kept.
    pub(crate) state: Option<SessionState>,
}

impl From<Received<'_>> for Told {
    fn from(received: Received<'_>) -> Self {
        Self {
            offset: received.offset(),
            key: received.key().to_string(),
            notes: received.notes(),
            changes: received.changes(),
            is_bound: received.format().is_some(),
            state: received.stream().and_then(atlas_stream::Stream::state),
        }
    }
}

/// A reader that is given records by their text, with offsets from 0 on.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) reader: StreamReader,
    pub(crate) now: Duration,
    offset: i64,
}

impl Desk {
    pub(crate) fn of(reader: StreamReader) -> Self {
        Self { reader, ..Self::default() }
    }

    /// Hands in a record.
    pub(crate) fn hand(&mut self, key: &str, value: impl AsRef<[u8]>) -> Result<Option<Told>, ReadError> {
        let offset = self.offset;
        self.offset += 1;
        let received = self.reader.handle_record(self.now, offset, key.as_bytes(), value.as_ref())?;
        Ok(received.map(Told::from))
    }

    /// A record that is delivered at once.
    #[track_caller]
    pub(crate) fn one(&mut self, key: &str, value: impl AsRef<[u8]>) -> Told {
        self.hand(key, value).unwrap().expect("it waits")
    }

    #[track_caller]
    pub(crate) fn notes(&mut self, key: &str, value: impl AsRef<[u8]>) -> StreamNotes {
        self.one(key, value).notes
    }

    /// A record that has to wait.
    #[track_caller]
    pub(crate) fn wait(&mut self, key: &str, value: impl AsRef<[u8]>) {
        assert_eq!(self.hand(key, value).unwrap(), None, "{key} does not wait");
    }

    /// What need not wait any longer.
    pub(crate) fn drain(&mut self) -> Vec<Told> {
        let mut all = Vec::new();
        while let Some(next) = self.reader.poll_record() {
            all.push(Told::from(next));
        }
        all
    }

    pub(crate) fn events(&mut self) -> Vec<ReaderEvent> {
        core::iter::from_fn(|| self.reader.poll_event()).collect()
    }

    /// Ids of the formats that are asked for; nothing else is told.
    #[track_caller]
    pub(crate) fn asked(&mut self) -> Vec<String> {
        let events = self.events().into_iter();
        events
            .map(|event| match event {
                ReaderEvent::FormatNeeded { id } => id,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// At so many seconds.
    pub(crate) fn at(&mut self, seconds: u64) -> &mut Self {
        self.now = Duration::from_secs(seconds);
        self
    }

    /// What is told when it is so many seconds.
    pub(crate) fn timeout(&mut self, seconds: u64) -> Vec<ReaderEvent> {
        self.at(seconds).reader.handle_timeout(Duration::from_secs(seconds));
        self.events()
    }

    pub(crate) fn give(&mut self, id: &str) -> bool {
        self.reader.provide_format(id, format())
    }

    #[track_caller]
    pub(crate) fn state(&self, id: &str) -> Option<SessionState> {
        self.reader.stream(id).expect("not kept").state()
    }
}

/// One parameter, with a mean.
pub(crate) fn format() -> Arc<DataFormat<'static>> {
    Arc::new(DataFormat::new().with_feed("", Feed::new(50.0).with("vCar:Chassis", Aggregates::AVG)))
}

/// A session `s` in a state, with these members more.
pub(crate) fn session(state: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    format!(r#"{{"id":"s","state":"{state}"{comma}{more}}}"#)
}

/// One that lists data formats.
pub(crate) fn listing(state: &str, ids: &[&str]) -> String {
    session(state, &format!(r#""dependencies":{{"dataFormat":{ids:?}}}"#))
}

/// Data of one parameter by its index; of no format if that has no name.
pub(crate) fn data(format: &str) -> String {
    let format = if format.is_empty() { String::new() } else { format!(r#","format":"{format}""#) };
    format!(r#"{{"time":[1],"data":[{{"status":[1],"avg":[211.5]}}]{format}}}"#)
}

pub(crate) const LAP: &str = r#"{"number":7,"time":5,"type":"fastLap","triggerSource":0}"#;
pub(crate) const EVENT: &str = r#"{"epoch":0,"time":5,"id":"02D4:Chassis","values":[1.0]}"#;
/// Samples by their names.
pub(crate) const NAMED: &str =
    r#"{"feed":"","format":"f","data":{"vCar:Chassis":{"values":[1.0],"epoch":0,"time":[5]}}}"#;

/// What is told of streams that are silent.
pub(crate) fn stale(ids: &[&str]) -> Vec<ReaderEvent> {
    ids.iter().map(|id| ReaderEvent::Stale { stream_id: (*id).to_owned() }).collect()
}

/// What is told of streams that had to go.
pub(crate) fn forgotten(ids: &[&str]) -> Vec<ReaderEvent> {
    ids.iter().map(|id| ReaderEvent::Forgotten { stream_id: (*id).to_owned() }).collect()
}

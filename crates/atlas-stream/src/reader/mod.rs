mod formats;
mod limits;
mod notes;
mod stream;
mod streams;

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use self::formats::{Formats, Need};
pub use self::limits::ReaderLimits;
pub use self::notes::StreamNotes;
pub use self::stream::Stream;
use self::stream::Waiting;
use self::streams::Streams;
use crate::changes::Changes;
use crate::columns::ParamKey;
use crate::dependency::DATA_FORMAT;
use crate::error::DecodeError;
use crate::format::DataFormat;
use crate::key::KeyRef;
use crate::record::{Decoder, Message, RecordRef};
use crate::telemetry::TelemetryRef;

/// Reads the records of one partition of a topic: which streams there are, how far their sessions have come, and which format data has.
///
/// Each record that is read is delivered once, in the order of its stream, whatever is wrong with its place: [`StreamNotes`] say so. Data whose format is
/// not known yet waits for it, and all of its stream behind it, for a time and up to limits; then it is delivered without.
///
/// ```
/// use core::time::Duration;
/// use std::sync::Arc;
/// use atlas_stream::{Changes, DataFormat, Message, ReaderEvent, StreamNotes, StreamReader};
///
/// let format = br#"{"feeds":{"":{"parameters":[{"identifier":"vCar:Chassis","aggregates":"Avg"}],"frequency":50.0}}}"#;
/// let records: [(&[u8], &[u8]); 4] = [
///     (b"$start:7c1e", b""),
///     (b"session:7c1e", br#"{"id":"f2b8755c","state":"open","dependencies":{"dataFormat":["0ec6"]}}"#),
///     (b"tdata:7c1e", br#"{"time":[1],"data":[{"status":[1],"avg":[211.5]}],"format":"0ec6"}"#),
///     (b"session:7c1e", br#"{"id":"f2b8755c","state":"closed","dependencies":{"dataFormat":["0ec6"]}}"#),
/// ];
/// let mut reader = StreamReader::new();
/// let mut told = Vec::new();
/// for (offset, (key, value)) in (0..).zip(records) {
///     if let Some(received) = reader.handle_record(Duration::ZERO, offset, key, value)? {
///         told.push((received.offset(), received.notes(), received.changes()));
///     }
///     while let Some(event) = reader.poll_event() {
///         if let ReaderEvent::FormatNeeded { id } = event {
///             assert_eq!(id, "0ec6"); // to be fetched from where formats are
///             reader.provide_format(&id, Arc::new(DataFormat::decode(format)?.0));
///         }
///     }
///     while let Some(received) = reader.poll_record() {
///         told.push((received.offset(), received.notes(), received.changes()));
///     }
/// }
/// assert_eq!(told[0], (0, StreamNotes::OPENED, Changes::NONE));
/// assert_eq!(told[3], (3, StreamNotes::NONE, Changes::STATE));
/// assert!(reader.stream("7c1e").unwrap().state().unwrap().is_closed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StreamReader {
    decoder: Decoder,
    limits: ReaderLimits,
    format_timeout: Duration,
    stale_after: Duration,
    now: Duration,
    streams: Streams,
    formats: Formats,
    backlog: Backlog,
    /// The last record that had waited.
    current: Waiting,
}

/// What waits, of all streams.
#[derive(Default)]
struct Backlog {
    /// Streams whose first record no longer waits: its number, and that of the stream.
    ready: BTreeSet<(u64, u64)>,
    bytes: usize,
    records: usize,
    /// How many waited ever.
    count: u64,
    /// All is to be delivered, whatever it waits for.
    is_draining: bool,
}

impl Backlog {
    const fn is_over(&self, limits: &ReaderLimits) -> bool {
        self.is_draining || self.bytes > limits.max_waiting_bytes || self.records > limits.max_waiting
    }

    fn add(&mut self, record: &Waiting) {
        self.bytes = self.bytes.saturating_add(record.len());
        self.records = self.records.saturating_add(1);
    }

    fn remove(&mut self, record: &Waiting) {
        self.bytes = self.bytes.saturating_sub(record.len());
        self.records = self.records.saturating_sub(1);
        self.is_draining &= self.records > 0;
    }
}

/// What a [`StreamReader`] tells beside the records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReaderEvent {
    /// A session lists this data format, or data names it: fetch it, and give it to [`StreamReader::provide_format`], or tell
    /// [`StreamReader::format_unavailable`], at once or later; then [`StreamReader::poll_record`] may have what waited. It is told once, also if the format is
    /// given up since it did not come in time: who gets it later gives it then.
    FormatNeeded {
        /// Its id.
        id: String,
    },
    /// Nothing came of a stream for too long: its writer may be gone. A reader says no more than that; to tell that the session is
    /// [`ABANDONED`](crate::SessionState::ABANDONED) is for whoever watches over writers.
    Stale {
        /// The id of the stream.
        stream_id: String,
    },
    /// There were too many streams, and this one was forgotten: if a record of it comes, it is joined late.
    Forgotten {
        /// The id of the stream.
        stream_id: String,
    },
}

/// Why a record was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It was refused; the stream goes on with the next. Keys of somebody else are among these.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It was not taken, since too much waits: take what [`StreamReader::poll_record`] has, and hand it in again. Who calls that until there is none
    /// after each record, as the manual has it, never sees this.
    #[error("records that waited have to be taken first")]
    NotTaken,
}

#[cfg(feature = "std")]
impl From<ReadError> for std::io::Error {
    fn from(error: ReadError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

/// A record, and what it is in its stream.
#[derive(Debug)]
pub struct Received<'a> {
    record: RecordRef<'a>,
    offset: i64,
    notes: StreamNotes,
    changes: Changes,
    stream: Option<&'a Stream>,
    format: Option<&'a Arc<DataFormat<'static>>>,
}

impl<'a> Received<'a> {
    /// It.
    #[must_use]
    pub const fn record(&self) -> &RecordRef<'a> {
        &self.record
    }

    /// It, to be kept or taken apart.
    #[must_use]
    pub fn into_record(self) -> RecordRef<'a> {
        self.record
    }

    /// The number it was handed in with.
    #[must_use]
    pub const fn offset(&self) -> i64 {
        self.offset
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> KeyRef<'a> {
        self.record.key()
    }

    /// What it holds.
    #[must_use]
    pub const fn message(&self) -> &Message<'a> {
        self.record.message()
    }

    /// What it is in its stream, and what is wrong with its place.
    #[must_use]
    pub const fn notes(&self) -> StreamNotes {
        self.notes
    }

    /// What a session tells that it did not before; of other messages nothing.
    #[must_use]
    pub const fn changes(&self) -> Changes {
        self.changes
    }

    /// Whether it is a session that only says that it goes on: what changed is at most its [`ACTIVITY`](Changes::ACTIVITY), which grows with the data, and
    /// nothing is wrong with its place.
    #[must_use]
    pub const fn is_heartbeat(&self) -> bool {
        matches!(self.record.message(), Message::Session(_))
            && self.changes.without(Changes::ACTIVITY).is_empty()
            && self.notes.without(StreamNotes::RETURNED).is_empty()
    }

    /// Its stream, as it is with this record; `None` if the stream is not kept: of a type that nobody here knows the first record opens none, and
    /// there may be no room.
    #[must_use]
    pub const fn stream(&self) -> Option<&'a Stream> {
        self.stream
    }

    /// The format that data names, if it is known.
    #[must_use]
    pub const fn format(&self) -> Option<&'a Arc<DataFormat<'static>>> {
        self.format
    }
}

impl StreamReader {
    /// Data waits up to 10 seconds for its format; streams are stale after three intervals between their sessions, and 30 seconds at least.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a decoder that has other limits or types: before the first record.
    #[must_use]
    pub fn with_decoder(mut self, decoder: Decoder) -> Self {
        self.decoder = decoder;
        self
    }

    /// Under other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: ReaderLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How long data waits for a format from when it is first needed.
    #[must_use]
    pub const fn with_format_timeout(mut self, format_timeout: Duration) -> Self {
        self.format_timeout = format_timeout;
        self
    }

    /// How long a stream is silent at least before it is stale: more than the time between two sessions that peers are known for.
    #[must_use]
    pub const fn with_stale_after(mut self, stale_after: Duration) -> Self {
        self.stale_after = stale_after;
        self
    }

    /// Takes a record, with its offset in the partition or whatever else tells it from others. `None`: it waits, and comes out of
    /// [`poll_record`](Self::poll_record), which is to be called until there is none after each record.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`], also where it would have had to wait: such a record counts as a sign of life of its stream, and no more.
    /// [`ReadError::NotTaken`].
    pub fn handle_record<'a>(
        &'a mut self,
        now: Duration,
        offset: i64,
        key: &'a [u8],
        value: &'a [u8],
    ) -> Result<Option<Received<'a>>, ReadError> {
        self.now = self.now.max(now);
        let Self { decoder, limits, streams, formats, backlog, now, stale_after, .. } = self;
        let (now, head) = (*now, decoder.head(key)?);
        let (id, kind) = (head.key.stream_id(), head.kind);
        let found = streams.number(id);
        let is_behind = found.and_then(|number| streams.get(number)).is_some_and(|stream| stream.waiting() > 0);
        let may_wait = !backlog.is_over(limits);
        if is_behind && !may_wait {
            return Err(ReadError::NotTaken);
        }
        let record = match decoder.value(head, value) {
            Ok(record) => record,
            Err(error) => {
                if let Some(number) = found {
                    streams.note(number, now, None, *stale_after);
                    streams.watch(number, *stale_after);
                }
                return Err(error.into());
            }
        };
        if let Message::Session(session) = record.message() {
            formats.ask_listed(session.dependencies(DATA_FORMAT), limits.max_formats);
        }
        let number = found.or_else(|| kind.and_then(|_| streams.open(id, limits)));
        let format = missing(&record, formats, limits.max_formats);
        let waits = is_behind || (may_wait && format.is_some());
        if let Some(stream) = number.filter(|_| waits).and_then(|number| streams.get_mut(number)) {
            if let Some(format) = format {
                formats.wait(format, now.saturating_add(self.format_timeout));
            }
            if !is_behind {
                stream.blocked_on = format.map(ToOwned::to_owned);
            }
            // One that is known now may be forgotten before its turn comes.
            let format = format_by_index(&record).map(ToOwned::to_owned);
            backlog.count = backlog.count.wrapping_add(1);
            let (key, value) = (key.to_owned(), value.to_owned());
            let record = Waiting { number: backlog.count, offset, format, key, value };
            backlog.add(&record);
            stream.waiting.push_back(record);
            stream.liveness.note(now, kind, *stale_after);
            return Ok(None);
        }
        let (notes, changes) = advance(streams, limits, *stale_after, number, &record, value.len(), Some(now));
        Ok(Some(receive(record, offset, notes, changes, number, streams, formats)))
    }

    /// The next record that had waited, as it is delivered now; `None` when all others wait still, or none.
    pub fn poll_record(&mut self) -> Option<Received<'_>> {
        let number = self.next_ready()?;
        let Self { decoder, limits, streams, formats, current, stale_after, .. } = self;
        let Waiting { offset, ref key, ref value, .. } = *current;
        // It was read when it came: only another decoder since then could refuse it.
        let record = decoder.decode_or_raw(key, value)?;
        let (notes, changes) = advance(streams, limits, *stale_after, Some(number), &record, value.len(), None);
        Some(receive(record, offset, notes, changes, Some(number), streams, formats))
    }

    /// Puts the next record that need not wait into `current`, and tells its stream.
    fn next_ready(&mut self) -> Option<u64> {
        loop {
            let is_over = self.backlog.is_over(&self.limits);
            let Some((_, number)) = self.backlog.ready.pop_first() else {
                // Over the limits what waits longest goes on without.
                let format = self.formats.first_deadline().filter(|_| is_over)?.1.to_owned();
                self.give_up(&format, false);
                continue;
            };
            let Some(stream) = self.streams.get_mut(number) else { continue };
            let Some(record) = stream.waiting.pop_front() else { continue };
            let format = record.format.as_deref().filter(|_| !is_over);
            // It was waited for, but may have been forgotten since.
            if let Some(format) = format.filter(|id| self.formats.need(id, self.limits.max_formats) == Need::Wait) {
                self.formats.wait(format, self.now.saturating_add(self.format_timeout));
                stream.blocked_on = Some(format.to_owned());
                stream.waiting.push_front(record);
                continue;
            }
            self.backlog.remove(&record);
            match stream.waiting.front() {
                Some(next) => drop(self.backlog.ready.insert((next.number, number))),
                // Its memory goes, too.
                None => stream.waiting = VecDeque::new(),
            }
            self.current = record;
            return Some(number);
        }
    }

    /// Gives a data format, asked for or not: what waits for it goes on. Under one id there is one document; of a second the views do not know. Whether it
    /// is kept: not, if it was not asked for and records wait for all others that there is room for.
    pub fn provide_format(&mut self, id: &str, format: Arc<DataFormat<'static>>) -> bool {
        let is_kept = self.formats.provide(id, format, self.limits.max_formats);
        self.unblock(id);
        is_kept
    }

    /// Tells that a data format that was asked for is not to be had: what waits for it is delivered without. It may still be
    /// given later.
    pub fn format_unavailable(&mut self, id: &str) {
        self.give_up(id, true);
    }

    fn give_up(&mut self, id: &str, is_known: bool) {
        self.formats.give_up(id, is_known);
        self.unblock(id);
    }

    fn unblock(&mut self, id: &str) {
        for (number, stream) in self.streams.iter_mut() {
            if stream.blocked_on.as_deref() == Some(id) {
                stream.blocked_on = None;
                self.backlog.ready.extend(stream.waiting.front().map(|first| (first.number, number)));
            }
        }
    }

    /// Gives up formats whose time is up, and looks which streams are stale. After a pause of the reader's own, records that lie there are taken first: else
    /// all streams seem to have been silent.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.now = self.now.max(now);
        while let Some((_, id)) = self.formats.first_deadline().filter(|(deadline, _)| *deadline <= self.now) {
            let id = id.to_owned();
            self.give_up(&id, false);
        }
        self.streams.check(self.now, self.stale_after);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, or some time before.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Duration> {
        let format = self.formats.first_deadline().map(|(deadline, _)| deadline);
        let check = self.streams.first_check();
        format.into_iter().chain(check).min()
    }

    /// What there is to tell beside the records.
    pub fn poll_event(&mut self) -> Option<ReaderEvent> {
        if let Some(id) = self.formats.pop_untold() {
            return Some(ReaderEvent::FormatNeeded { id });
        }
        if let Some(stream) = self.streams.pop_stale() {
            return Some(ReaderEvent::Stale { stream_id: stream.id().to_owned() });
        }
        self.streams.pop_forgotten().map(|stream_id| ReaderEvent::Forgotten { stream_id })
    }

    /// Before a caller goes, or gives up the partition: what waits is to be had at once.
    pub fn finish(&mut self) {
        self.backlog.is_draining = self.backlog.records > 0;
    }

    /// The streams that are kept, in the order of their ids.
    pub fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter()
    }

    /// A stream that is kept.
    #[must_use]
    pub fn stream(&self, id: &str) -> Option<&Stream> {
        self.streams.get(self.streams.number(id)?)
    }

    /// The data formats that are known, in the order of their ids.
    pub fn formats(&self) -> impl Iterator<Item = (&str, &Arc<DataFormat<'static>>)> {
        self.formats.iter()
    }

    /// How many records wait.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.backlog.records
    }

    /// Bytes of keys and values of the records that wait.
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.backlog.bytes
    }

    /// The offset of the first record that waits: who tells the broker how far it has come does not go beyond.
    #[must_use]
    pub fn first_waiting_offset(&self) -> Option<i64> {
        let first = self.streams.iter().filter_map(|stream| stream.waiting.front());
        first.min_by_key(|record| record.number).map(|record| record.offset)
    }

    /// How many keys were refused so far: records of somebody else.
    #[must_use]
    pub const fn foreign_records(&self) -> u64 {
        self.decoder.foreign_records()
    }
}

impl Default for StreamReader {
    fn default() -> Self {
        Self {
            decoder: Decoder::new(),
            limits: ReaderLimits::DEFAULT,
            format_timeout: Duration::from_secs(10),
            stale_after: Duration::from_secs(30),
            now: Duration::ZERO,
            streams: Streams::default(),
            formats: Formats::default(),
            backlog: Backlog::default(),
            current: Waiting { number: 0, offset: 0, format: None, key: Vec::new(), value: Vec::new() },
        }
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader")
            .field("streams", &self.streams.iter().count())
            .field("waiting", &self.backlog.records)
            .finish_non_exhaustive()
    }
}

/// The format that data has to wait for: what has names for its parameters need not, and what names no format cannot. It is asked for in any case.
fn missing<'r>(record: &'r RecordRef<'_>, formats: &mut Formats, max: usize) -> Option<&'r str> {
    let id = telemetry(record)?.format().filter(|id| !id.is_empty())?;
    if formats.need(id, max) == Need::Wait { format_by_index(record) } else { None }
}

/// The format that tells whose data it is.
fn format_by_index<'r>(record: &'r RecordRef<'_>) -> Option<&'r str> {
    let telemetry = telemetry(record).filter(|telemetry| is_by_index(telemetry))?;
    telemetry.format().filter(|id| !id.is_empty())
}

fn is_by_index(telemetry: &TelemetryRef<'_>) -> bool {
    telemetry.parameters().next().is_some_and(|parameter| matches!(parameter.key(), ParamKey::Index(_)))
}

fn telemetry<'r, 'a>(record: &'r RecordRef<'a>) -> Option<&'r TelemetryRef<'a>> {
    match record.message() {
        Message::Data(telemetry) | Message::Samples(telemetry) => Some(telemetry),
        Message::Start
        | Message::End
        | Message::Session(_)
        | Message::Event(_)
        | Message::Lap(_)
        | Message::Sync(_)
        | Message::Unknown(_) => None,
    }
}

/// Takes a record into its stream, as one that came at a time, or that waited.
fn advance(
    streams: &mut Streams,
    limits: &ReaderLimits,
    stale_after: Duration,
    number: Option<u64>,
    record: &RecordRef<'_>,
    len: usize,
    came: Option<Duration>,
) -> (StreamNotes, Changes) {
    let stream = number.and_then(|number| Some((number, streams.get_mut(number)?)));
    let Some((number, stream)) = stream else {
        let notes = if record.kind().is_some() { StreamNotes::NO_ROOM } else { StreamNotes::NONE };
        return (notes, Changes::NONE);
    };
    if let Some(now) = came {
        stream.liveness.note(now, record.kind(), stale_after);
    }
    let (len_before, knows_session) = (stream.len(), stream.state().is_none() || stream.session().is_some());
    let (mut notes, changes) = stream.advance(record.message(), len);
    let (has_changed, is_watched) = (stream.len() != len_before, stream.is_watched(stale_after));
    if let Message::Session(session) = record.message() {
        let is_new = changes.contains(Changes::ID) && knows_session;
        if is_new && is_elsewhere(streams, &session.id, record.key().stream_id()) {
            notes |= StreamNotes::REPLAY;
        }
    }
    if has_changed && !streams.resize(number, len_before, limits) {
        notes |= StreamNotes::NO_ROOM;
    }
    if !is_watched {
        streams.watch(number, stale_after);
    }
    (notes, changes)
}

fn is_elsewhere(streams: &Streams, session: &str, stream_id: &str) -> bool {
    let mut others = streams.iter().filter(|stream| stream.id() != stream_id);
    others.any(|stream| stream.session().is_some_and(|other| other.id == session))
}

fn receive<'a>(
    record: RecordRef<'a>,
    offset: i64,
    mut notes: StreamNotes,
    changes: Changes,
    number: Option<u64>,
    streams: &'a Streams,
    formats: &'a Formats,
) -> Received<'a> {
    let id = telemetry(&record).and_then(TelemetryRef::format).filter(|id| !id.is_empty());
    let format = id.and_then(|id| formats.known(id));
    if format.is_none() && format_by_index(&record).is_some() {
        notes |= StreamNotes::UNBOUND;
    }
    let stream = number.and_then(|number| streams.get(number));
    Received { record, offset, notes, changes, stream, format }
}

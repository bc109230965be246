use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::bits::bits;
use crate::columns::Columns;
use crate::date_time::DateTime;
use crate::dependency::{ATLAS_CONFIGURATION, DATA_FORMAT};
use crate::encode::{EncodeError, JsonOptions};
use crate::event::Event;
use crate::key::{Key, MessageType};
use crate::lap::Lap;
use crate::record::Message;
use crate::session::{Activity, Session};
use crate::state::SessionState;
use crate::sync::Sync;
use crate::telemetry::{TelemetryKind, TelemetryRef};
use crate::type_map::{MessageKind, TypeMap};

/// Writes one stream: `$start`, its session, what is in it, its session again and again, its closed session, `$end`. What is out of that order is refused.
///
/// Documents are stored before a session refers to them. All records are for [`partition`](Self::partition): hand it to the producer, whose own choice
/// would scatter the stream.
///
/// ```
/// use core::time::Duration;
/// use atlas_stream::{Columns, DATA_FORMAT, Aggregates, Message, Session, SessionState, StreamWriter, WriterWarnings};
///
/// let session = Session::new("f2b8755c", SessionState::OPEN).with_dependency(DATA_FORMAT, "9a9627b7bc25");
/// let mut writer = StreamWriter::new("7c1e0a52", 3, session)?;
/// let warnings = writer.start(Duration::ZERO)?;
/// assert_eq!(warnings, WriterWarnings::NO_ATLAS_CONFIGURATION); // the recorder of ATLAS 10 wants one
/// let mut columns = Columns::new();
/// columns.start_data("9a9627b7bc25", "", 0, &[1])?.push_data(&[1], &[(Aggregates::AVG, &[211.5])])?;
/// writer.send(&Message::from(&columns))?;
/// writer.handle_timeout(Duration::from_secs(10)); // a heartbeat
/// writer.close(Duration::from_secs(12), SessionState::CLOSED)?;
/// let mut keys = Vec::new();
/// while let Some(record) = writer.poll_transmit() {
///     assert_eq!(record.partition, 3);
///     keys.push(record.key.to_string());
/// }
/// let types = ["$start", "session", "tdata", "session", "session", "$end"];
/// assert_eq!(keys, types.map(|message_type| format!("{message_type}:7c1e0a52")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StreamWriter {
    stream_id: String,
    partition: i32,
    session: Session<'static>,
    phase: Phase,
    types: TypeMap,
    options: JsonOptions,
    heartbeat: Duration,
    /// Nanoseconds since 1970 when `now` is zero.
    origin: Option<i64>,
    now: Duration,
    /// When the session is due again.
    deadline: Option<Duration>,
    /// The latest time of data, in nanoseconds since 1970.
    latest: Option<i64>,
    max_queued_bytes: usize,
    queue: VecDeque<Transmit>,
    queued_bytes: usize,
    warnings: WriterWarnings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    /// `$start` was sent by another.
    Resumed,
    Running,
    Ended,
}

/// A record to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transmit {
    /// Where it has to go.
    pub partition: i32,
    /// Its key.
    pub key: Key,
    /// Its value.
    pub value: Vec<u8>,
}

impl Transmit {
    fn len(&self) -> usize {
        self.key.as_str().len().saturating_add(self.value.len())
    }
}

bits! {
    /// What is written although readers may miss something.
    WriterWarnings;
    /// The session names no data format: the recorder of ATLAS 10 wants one.
    NO_DATA_FORMAT = 0, "no_data_format";
    /// The session names no configuration of ATLAS: the recorder of ATLAS 10 wants one.
    NO_ATLAS_CONFIGURATION = 1, "no_atlas_configuration";
    /// Data named a data format that the session did not, or none; once it is told it stays.
    UNLISTED_FORMAT = 2, "unlisted_format";
}

/// Why something was not sent; nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// It cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The id of a stream is empty, or the partition is below 0.
    #[error("no id of a stream, or no partition")]
    NoStream,
    /// Before [`StreamWriter::start`].
    #[error("the stream has not started")]
    NotStarted,
    /// A stream does not begin with a session in this state.
    #[error("a stream does not begin with a session in state {state}")]
    FirstState {
        /// The state.
        state: SessionState,
    },
    /// Once is enough.
    #[error("the stream has started before")]
    Started,
    /// Behind the closed state of the session.
    #[error("the stream has ended")]
    Ended,
    /// Data while the session waits: [`StreamWriter::update`] it to be open first.
    #[error("data before the session is open")]
    NotOpen,
    /// A message that nobody here knows has no type of its own: [`StreamWriter::send_as`] tells it one.
    #[error("an unknown message without a type")]
    NoType,
    /// `$start`, `$end` and sessions are the writer's own to send.
    #[error("the writer sends messages of this type itself")]
    OwnType,
    /// A state that the session may not have now: to close it is [`StreamWriter::close`], and a closed one is not opened again.
    #[error("a session that is {from} does not become {to} here")]
    State {
        /// What it is.
        from: SessionState,
        /// What it should be.
        to: SessionState,
    },
    /// A stream is a recording of one session, from its start on.
    #[error("the id of the session is another")]
    SessionId,
    /// Too much is queued: take what [`StreamWriter::poll_transmit`] has.
    #[error("records that are queued have to be taken first")]
    Full,
}

impl StreamWriter {
    /// Of a stream that is still to start, whose id is new, in the partition that a [`Partitioner`](crate::Partitioner) tells. The session waits or is
    /// open.
    ///
    /// # Errors
    ///
    /// No stream; a state that a session does not begin in.
    pub fn new(stream_id: impl Into<String>, partition: i32, session: Session<'_>) -> Result<Self, WriteError> {
        if !is_running(session.state) {
            return Err(WriteError::FirstState { state: session.state });
        }
        Self::with_phase(Phase::New, stream_id.into(), partition, session)
    }

    fn with_phase(phase: Phase, stream_id: String, partition: i32, session: Session<'_>) -> Result<Self, WriteError> {
        if stream_id.is_empty() || partition < 0 {
            return Err(WriteError::NoStream);
        }
        Ok(Self {
            stream_id,
            partition,
            session: session.into_owned(),
            phase,
            types: TypeMap::new(),
            options: JsonOptions::DEFAULT,
            heartbeat: Duration::from_secs(10),
            origin: None,
            now: Duration::ZERO,
            deadline: None,
            latest: None,
            max_queued_bytes: 1 << 26,
            queue: VecDeque::new(),
            queued_bytes: 0,
            warnings: WriterWarnings::NONE,
        })
    }

    /// Of a stream that has started, after its writer was started anew, or to close it since its writer is gone: in the partition where the stream is,
    /// with its session as it was last, which may be closed. [`start`](Self::start) then sends the session alone. Settings are not known from the stream: they
    /// have to be told again, and an origin where `now` begins anew.
    ///
    /// # Errors
    ///
    /// No stream; a session in a state that has no name.
    pub fn resume(stream_id: impl Into<String>, partition: i32, session: Session<'_>) -> Result<Self, WriteError> {
        if session.state.name().is_none() {
            return Err(WriteError::FirstState { state: session.state });
        }
        Self::with_phase(Phase::Resumed, stream_id.into(), partition, session)
    }

    /// How long after a session it is sent again; 10 seconds, or as is told here. With zero at every [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub const fn with_heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// With what the types of messages stand for.
    #[must_use]
    pub fn with_types(mut self, types: TypeMap) -> Self {
        self.types = types;
        self
    }

    /// How JSON is written, and what a value may cost.
    #[must_use]
    pub const fn with_options(mut self, options: JsonOptions) -> Self {
        self.options = options;
        self
    }

    /// What time it is, in nanoseconds since 1970, when `now` is zero: sessions then tell their `lastHeartbeat`.
    #[must_use]
    pub const fn with_unix_origin(mut self, nanos: i64) -> Self {
        self.origin = Some(nanos);
        self
    }

    /// Most bytes of keys and values that are queued; 64 MiB. One record more is taken. `$end` and the session in front of it are always taken.
    #[must_use]
    pub const fn with_max_queued_bytes(mut self, max_queued_bytes: usize) -> Self {
        self.max_queued_bytes = max_queued_bytes;
        self
    }

    /// Sends `$start`, but for a stream that is resumed, and the session, and tells what readers may miss in it.
    ///
    /// # Errors
    ///
    /// A second time; a session that cannot be written.
    pub fn start(&mut self, now: Duration) -> Result<WriterWarnings, WriteError> {
        let has_started = match self.phase {
            Phase::New => false,
            Phase::Resumed => true,
            Phase::Running => return Err(WriteError::Started),
            Phase::Ended => return Err(WriteError::Ended),
        };
        let start = self.record(MessageType::START, Vec::new())?;
        let now = self.now.max(now);
        let (session, record) = self.written(self.session.clone(), now)?;
        if !has_started {
            self.push(start);
        }
        self.phase = Phase::Running;
        self.push_session(session, record, now);
        Ok(self.warnings)
    }

    /// Sends a message that is not of the writer's own, with the type that is described for it.
    ///
    /// # Errors
    ///
    /// Before the start, behind the end, data of a session that waits; too much that is queued; what cannot be written. An unknown message: it has
    /// no type.
    pub fn send(&mut self, message: &Message<'_>) -> Result<(), WriteError> {
        let message_type = match message {
            Message::Data(_) => MessageType::TDATA,
            Message::Samples(_) => MessageType::TSAMPLES,
            Message::Event(_) => MessageType::EVENTS,
            Message::Lap(_) => MessageType::LAP,
            Message::Sync(_) => MessageType::SYNC,
            Message::Start | Message::End | Message::Session(_) => return Err(WriteError::OwnType),
            Message::Unknown(_) => return Err(WriteError::NoType),
        };
        self.send_as(message_type, message)
    }

    /// The same with a type that the writer was told of, such as one for protobuf; an unknown message with any that is not.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); a message of another kind than the type is of.
    pub fn send_as(&mut self, message_type: MessageType<'_>, message: &Message<'_>) -> Result<(), WriteError> {
        self.check_running()?;
        let kind = self.types.get(message_type);
        // By the type, too: what it stands for here it does not stand for with others.
        let is_own = [MessageType::START, MessageType::END, MessageType::SESSION].contains(&message_type)
            || matches!(kind, Some(MessageKind::Start | MessageKind::End | MessageKind::Session));
        if is_own {
            return Err(WriteError::OwnType);
        }
        let is_data = matches!(message, Message::Data(_) | Message::Samples(_) | Message::Event(_) | Message::Lap(_))
            || (message_type.is_known() && message_type != MessageType::SYNC);
        if is_data && self.session.state != SessionState::OPEN {
            return Err(if self.session.state.is_closed() { WriteError::Ended } else { WriteError::NotOpen });
        }
        if self.queued_bytes > self.max_queued_bytes {
            return Err(WriteError::Full);
        }
        let mut value = Vec::new();
        message.encode_with(kind, &mut value, &self.options)?;
        let record = self.record(message_type, value)?;
        self.look(message);
        self.push(record);
        Ok(())
    }

    /// What a message tells of the session.
    fn look(&mut self, message: &Message<'_>) {
        let latest = match message {
            Message::Data(telemetry) | Message::Samples(telemetry) => {
                let format = telemetry.format();
                if !self.session.dependencies(DATA_FORMAT).any(|id| Some(id) == format) {
                    self.warnings |= WriterWarnings::UNLISTED_FORMAT;
                }
                // Of data, times are the same for all.
                let is_shared = telemetry.kind() == TelemetryKind::Data;
                let parameters = telemetry.parameters().take(if is_shared { 1 } else { usize::MAX });
                parameters.filter_map(|parameter| parameter.absolute_times().max()).max()
            }
            Message::Event(event) => event.absolute(),
            Message::Lap(lap) => lap.absolute(),
            Message::Start | Message::End | Message::Session(_) | Message::Sync(_) | Message::Unknown(_) => None,
        };
        self.latest = self.latest.max(latest);
    }

    /// Changes what is told of the session, and sends it.
    ///
    /// # Errors
    ///
    /// Before the start, behind the end; another id; a state that the session may not become, a closed one among these; what cannot be
    /// written.
    pub fn update(
        &mut self,
        now: Duration,
        change: impl FnOnce(&mut Session<'static>),
    ) -> Result<WriterWarnings, WriteError> {
        self.check_running()?;
        let mut session = self.session.clone();
        change(&mut session);
        if session.id != self.session.id {
            return Err(WriteError::SessionId);
        }
        let (from, to) = (self.session.state, session.state);
        if !from.may_become(to) || !is_running(to) {
            return Err(WriteError::State { from, to });
        }
        if self.queued_bytes > self.max_queued_bytes {
            return Err(WriteError::Full);
        }
        self.send_session(session, self.now.max(now))?;
        Ok(self.warnings)
    }

    /// Sends the session if it is due: as a heartbeat, and for readers that come late. While too much is queued there is none.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.now = self.now.max(now);
        if self.deadline.is_none_or(|deadline| self.now < deadline) {
            return;
        }
        if self.queued_bytes > self.max_queued_bytes {
            self.deadline = self.now.checked_add(self.heartbeat);
            return;
        }
        if self.send_session(self.session.clone(), self.now).is_err() {
            self.deadline = self.now.checked_add(self.heartbeat);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due: while the stream runs.
    #[must_use]
    pub const fn poll_deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Sends the session in a closed state, and `$end`. Who has to stop before all is sent closes it as [`TRUNCATED`](SessionState::TRUNCATED), and as
    /// [`FAILED`](SessionState::FAILED) after an error; [`ABANDONED`](SessionState::ABANDONED) is for who closes it in the place of a writer that is gone.
    ///
    /// # Errors
    ///
    /// Before the start, behind the end; a state that is not closed; a session that cannot be written.
    pub fn close(&mut self, now: Duration, state: SessionState) -> Result<(), WriteError> {
        self.check_running()?;
        if !state.is_closed() || state.name().is_none() || !self.session.state.may_become(state) {
            return Err(WriteError::State { from: self.session.state, to: state });
        }
        let mut session = self.session.clone();
        session.state = state;
        let end = self.record(MessageType::END, Vec::new())?;
        self.send_session(session, self.now.max(now))?;
        self.push(end);
        self.phase = Phase::Ended;
        self.deadline = None;
        Ok(())
    }

    /// The next record to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let record = self.queue.pop_front()?;
        self.queued_bytes = self.queued_bytes.saturating_sub(record.len());
        Some(record)
    }

    /// The partition that all records are for.
    #[must_use]
    pub const fn partition(&self) -> i32 {
        self.partition
    }

    /// The id of the stream.
    #[must_use]
    pub fn stream_id(&self) -> &str {
        &self.stream_id
    }

    /// The session, as it was sent last.
    #[must_use]
    pub const fn session(&self) -> &Session<'static> {
        &self.session
    }

    /// Whether `$end` was sent.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// What readers may miss, in what was sent so far.
    #[must_use]
    pub const fn warnings(&self) -> WriterWarnings {
        self.warnings
    }

    /// Bytes of keys and values that are queued.
    #[must_use]
    pub const fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    const fn check_running(&self) -> Result<(), WriteError> {
        match self.phase {
            Phase::New | Phase::Resumed => Err(WriteError::NotStarted),
            Phase::Running => Ok(()),
            Phase::Ended => Err(WriteError::Ended),
        }
    }

    fn send_session(&mut self, session: Session<'static>, now: Duration) -> Result<(), WriteError> {
        let (session, record) = self.written(session, now)?;
        self.push_session(session, record, now);
        Ok(())
    }

    fn written(&self, session: Session<'static>, now: Duration) -> Result<(Session<'static>, Transmit), WriteError> {
        let stamped = self.stamped(session.clone(), now);
        // Times may make it longer than is allowed: then it goes without.
        match self.session_record(&stamped) {
            Ok(record) => Ok((stamped, record)),
            Err(_) => self.session_record(&session).map(|record| (session, record)),
        }
    }

    /// With when it is sent, and how long its data is by now.
    fn stamped(&self, mut session: Session<'static>, now: Duration) -> Session<'static> {
        if let Some(origin) = self.origin {
            // At most 2^94 nanoseconds: within 128 bits.
            let nanos = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX).saturating_add(origin.into());
            session.last_heartbeat = Some(DateTime::from_unix_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)));
        }
        if let Some(activity) = &mut session.activity {
            let before = self.session.activity.as_ref();
            let start = |activity: &Activity<'_>| activity.start.as_ref().and_then(DateTime::unix_nanos);
            // How long it was does not count if it begins elsewhere, unless that is told, too.
            let has_moved = before.is_some_and(|before| start(before) != start(activity));
            if has_moved && before.is_some_and(|before| before.duration_nanos == activity.duration_nanos) {
                activity.duration_nanos = None;
            }
            let nanos = self.latest.zip(start(activity)).and_then(|(latest, start)| latest.checked_sub(start));
            activity.duration_nanos = activity.duration_nanos.max(nanos.filter(|nanos| *nanos >= 0));
        }
        session
    }

    fn session_record(&self, session: &Session<'_>) -> Result<Transmit, WriteError> {
        let mut value = Vec::new();
        session.encode_json_with(&mut value, &self.options)?;
        self.record(MessageType::SESSION, value)
    }

    fn record(&self, message_type: MessageType<'_>, value: Vec<u8>) -> Result<Transmit, WriteError> {
        let key = Key::new(message_type, &self.stream_id).ok_or(WriteError::NoStream)?;
        Ok(Transmit { partition: self.partition, key, value })
    }

    fn push(&mut self, record: Transmit) {
        self.queued_bytes = self.queued_bytes.saturating_add(record.len());
        self.queue.push_back(record);
    }

    fn push_session(&mut self, session: Session<'static>, record: Transmit, now: Duration) {
        self.push(record);
        self.session = session;
        self.now = now;
        self.deadline = now.checked_add(self.heartbeat);
        let lacks = |dependency_type| self.session.dependencies(dependency_type).next().is_none();
        let missing = [
            (WriterWarnings::NO_DATA_FORMAT, lacks(DATA_FORMAT)),
            (WriterWarnings::NO_ATLAS_CONFIGURATION, lacks(ATLAS_CONFIGURATION)),
        ];
        for (warning, is_missing) in missing {
            self.warnings = if is_missing { self.warnings | warning } else { self.warnings.without(warning) };
        }
    }
}

/// Whether a session in this state goes on.
const fn is_running(state: SessionState) -> bool {
    matches!(state, SessionState::WAITING | SessionState::OPEN)
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter")
            .field("stream_id", &self.stream_id)
            .field("partition", &self.partition)
            .field("state", &self.session.state)
            .field("phase", &self.phase)
            .field("queued_bytes", &self.queued_bytes)
            .finish_non_exhaustive()
    }
}

impl<'a> From<TelemetryRef<'a>> for Message<'a> {
    fn from(telemetry: TelemetryRef<'a>) -> Self {
        if telemetry.kind().is_samples() { Self::Samples(telemetry) } else { Self::Data(telemetry) }
    }
}

impl<'a> From<&'a Columns> for Message<'a> {
    fn from(columns: &'a Columns) -> Self {
        Self::from(TelemetryRef::from(columns))
    }
}

impl<'a> From<Event<'a>> for Message<'a> {
    fn from(event: Event<'a>) -> Self {
        Self::Event(event)
    }
}

impl<'a> From<Lap<'a>> for Message<'a> {
    fn from(lap: Lap<'a>) -> Self {
        Self::Lap(lap)
    }
}

impl<'a> From<Sync<'a>> for Message<'a> {
    fn from(sync: Sync<'a>) -> Self {
        Self::Sync(sync)
    }
}

#[cfg(feature = "std")]
impl From<WriteError> for std::io::Error {
    fn from(error: WriteError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

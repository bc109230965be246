use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use crate::columns::Columns;
use crate::encode::{EncodeError, EncodeErrorKind, JsonOptions};
use crate::error::DecodeError;
use crate::event::Event;
use crate::key::{Key, KeyRef};
use crate::lap::Lap;
use crate::limits::Limits;
use crate::notes::Notes;
use crate::protobuf;
use crate::session::Session;
use crate::sync::Sync;
use crate::telemetry::{TelemetryKind, TelemetryRef};
use crate::type_map::{MessageKind, TypeMap};

/// What a record holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// The stream begins.
    Start,
    /// The stream has ended.
    End,
    /// What the stream is a recording of.
    Session(Session<'a>),
    /// Aggregated telemetry.
    Data(TelemetryRef<'a>),
    /// Telemetry as it was measured.
    Samples(TelemetryRef<'a>),
    /// Something happened.
    Event(Event<'a>),
    /// A lap began.
    Lap(Lap<'a>),
    /// All up to a point has come.
    Sync(Sync<'a>),
    /// A type that nobody here knows, with its value as it came.
    Unknown(Cow<'a, [u8]>),
}

impl Message<'_> {
    /// The same with buffers and texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Message<'static> {
        match self {
            Self::Start => Message::Start,
            Self::End => Message::End,
            Self::Session(session) => Message::Session(session.into_owned()),
            Self::Data(telemetry) => Message::Data(telemetry.into_owned().into()),
            Self::Samples(telemetry) => Message::Samples(telemetry.into_owned().into()),
            Self::Event(event) => Message::Event(event.into_owned()),
            Self::Lap(lap) => Message::Lap(lap.into_owned()),
            Self::Sync(sync) => Message::Sync(sync.into_owned()),
            Self::Unknown(value) => Message::Unknown(Cow::Owned(value.into_owned())),
        }
    }

    /// Writes it as the value of a record of this kind; `None` is for what is unknown.
    ///
    /// # Errors
    ///
    /// A kind that it is not of, and what the writers of each refuse. Nothing was written then.
    pub fn encode(&self, kind: Option<MessageKind>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_with(kind, out, &JsonOptions::DEFAULT)
    }

    /// The same with other options, whose limits are also those of protobuf.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_with(
        &self,
        kind: Option<MessageKind>,
        out: &mut Vec<u8>,
        options: &JsonOptions,
    ) -> Result<(), EncodeError> {
        let limits = &options.limits;
        match (self, kind) {
            (Self::Start, Some(MessageKind::Start)) | (Self::End, Some(MessageKind::End)) => Ok(()),
            (Self::Session(session), Some(MessageKind::Session)) => session.encode_json_with(out, options),
            (Self::Data(data), Some(MessageKind::Data)) if data.kind() == TelemetryKind::Data => {
                data.encode_json_with(out, options)
            }
            (Self::Samples(samples), Some(MessageKind::Samples)) if samples.kind() == TelemetryKind::Samples => {
                samples.encode_json_with(out, options)
            }
            (Self::Data(telemetry) | Self::Samples(telemetry), Some(MessageKind::ProtobufTelemetry(kind)))
                if telemetry.kind() == kind =>
            {
                telemetry.encode_protobuf_with(out, limits)
            }
            (Self::Event(event), Some(MessageKind::Event)) => event.encode_json_with(out, options),
            (Self::Event(event), Some(MessageKind::ProtobufEvent)) => event.encode_protobuf_with(out, limits),
            (Self::Lap(lap), Some(MessageKind::Lap)) => lap.encode_json_with(out, options),
            (Self::Sync(sync), Some(MessageKind::Sync)) => sync.encode_json_with(out, options),
            (Self::Unknown(value), None) => {
                out.extend_from_slice(value);
                Ok(())
            }
            _ => Err(EncodeError::new(EncodeErrorKind::WrongKind, "type of the key")),
        }
    }
}

/// A record of Kafka: a key, and what its value holds.
///
/// ```
/// use atlas_stream::{Message, RecordRef};
///
/// let value = br#"{"epoch":1511091963784000000,"time":[10000000,20000000],"data":[{"status":[1,1],"avg":[0.0,10.0]}],"feed":"","format":"9a9627b7bc25"}"#;
/// let record = RecordRef::decode(b"tdata:7c1e0a52", value)?;
/// let Message::Data(data) = record.message() else { panic!() };
/// let speed = data.parameters().next().unwrap();
/// assert_eq!(speed.absolute_times().last(), Some(1_511_091_963_804_000_000));
/// assert_eq!(speed.avg().unwrap().as_slice(), Some(&[0.0, 10.0][..]));
/// # Ok::<(), atlas_stream::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RecordRef<'a> {
    key: KeyRef<'a>,
    kind: Option<MessageKind>,
    message: Message<'a>,
    notes: Notes,
}

impl<'a> RecordRef<'a> {
    /// Reads a record. Of Kafka's null the value is no bytes; a record without a key is none of these. Who reads many has a [`Decoder`], which
    /// keeps its buffers.
    ///
    /// # Errors
    ///
    /// Of the key, if it is not of this protocol: such records are counted and passed. Of the value, if its type is known and it is not as that
    /// has to be; the stream goes on with the next.
    pub fn decode(key: &'a [u8], value: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(key, value, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_with(key: &'a [u8], value: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let types = TypeMap::new();
        let head = Head::read(key, &types)?;
        match head.telemetry() {
            Some(JsonOrProtobuf::Json(kind)) => {
                let mut columns = Columns::new();
                let notes = decode_json(&mut columns, kind, value, limits)?;
                Ok(head.with_telemetry(TelemetryRef::from(columns), notes))
            }
            _ => head.read_other(value, limits),
        }
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> KeyRef<'a> {
        self.key
    }

    /// What it is, and in what it was written; `None` for a type that nobody here knows.
    #[must_use]
    pub const fn kind(&self) -> Option<MessageKind> {
        self.kind
    }

    /// What it holds.
    #[must_use]
    pub const fn message(&self) -> &Message<'a> {
        &self.message
    }

    /// What it holds, where it lies: [`into_owned`](Self::into_owned) is for what is to be kept longer than the value, or than the decoder's next record.
    #[must_use]
    pub fn into_message(self) -> Message<'a> {
        self.message
    }

    /// Its value, written again in what it was written in.
    ///
    /// # Errors
    ///
    /// What was read in a form that is not written: samples in the form before February 2020 have no names. What was read under wider limits than
    /// the defaults.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.message.encode(self.kind, out)
    }

    /// The same with other options.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_with(&self, out: &mut Vec<u8>, options: &JsonOptions) -> Result<(), EncodeError> {
        self.message.encode_with(self.kind, out, options)
    }

    /// The same with buffers and texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Record {
        Record { key: self.key.into(), kind: self.kind, message: self.message.into_owned(), notes: self.notes }
    }

    /// What is not as the documents have it.
    #[must_use]
    pub const fn notes(&self) -> Notes {
        self.notes
    }

    /// Whether a message of an unknown type looks like telemetry in protobuf: as a hint to put its type into a [`TypeMap`], and never more, since
    /// several messages look the same.
    #[must_use]
    pub fn looks_like_protobuf(&self) -> bool {
        let Message::Unknown(value) = &self.message else { return false };
        let [0x0a, len, rest @ ..] = &**value else { return false };
        let id = rest.get(..usize::from(*len)).and_then(|id| core::str::from_utf8(id).ok());
        id.is_some_and(crate::dependency::is_dependency_id)
    }
}

/// A record that owns all it holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// Its key.
    pub key: Key,
    /// What it is, and in what it was written; `None` for a type that nobody here knows.
    pub kind: Option<MessageKind>,
    /// What it holds.
    pub message: Message<'static>,
    /// What is not as the documents have it.
    pub notes: Notes,
}

/// Reads records, one after the other, into buffers that it keeps, and that stay as large as the largest message made them.
///
/// ```
/// use atlas_stream::{Decoder, Message};
///
/// let mut decoder = Decoder::new();
/// let mut count = 0;
/// for (key, value) in [(&b"tdata:a"[..], &br#"{"time":[1],"data":[{"status":[1],"avg":[0.5]}]}"#[..]), (b"other", b"")] {
///     match decoder.decode(key, value) {
///         Ok(record) => match record.message() {
///             Message::Data(data) => count += data.times().len(),
///             _ => {}
///         },
///         Err(error) if error.is_of_key() => {} // a record of somebody else
///         Err(error) => println!("{error}: {}", error.path(value)),
///     }
/// }
/// assert_eq!((count, decoder.foreign_records()), (1, 1));
/// ```
#[derive(Clone, Default)]
pub struct Decoder {
    limits: Limits,
    types: TypeMap,
    columns: Columns,
    foreign: u64,
}

impl Decoder {
    /// With the default limits, and the types that are described.
    #[must_use]
    pub const fn new() -> Self {
        Self { limits: Limits::DEFAULT, types: TypeMap::new(), columns: Columns::new(), foreign: 0 }
    }

    /// Under other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With other types.
    #[must_use]
    pub fn with_types(mut self, types: TypeMap) -> Self {
        self.types = types;
        self
    }

    /// Whether members of JSON telemetry that nobody here knows are kept, to be written again. They are, unless this says otherwise; those of
    /// other messages always are.
    #[must_use]
    pub fn with_unknown_members(mut self, are_kept: bool) -> Self {
        self.columns = self.columns.with_unknown_members(are_kept);
        self
    }

    /// How many keys were refused so far: records of somebody else.
    #[must_use]
    pub const fn foreign_records(&self) -> u64 {
        self.foreign
    }

    /// Reads a record; what is read of telemetry stays in place up to the next.
    ///
    /// # Errors
    ///
    /// As [`RecordRef::decode`].
    pub fn decode<'a>(&'a mut self, key: &'a [u8], value: &'a [u8]) -> Result<RecordRef<'a>, DecodeError> {
        let head = self.head(key)?;
        self.value(head, value)
    }

    /// The same, and what is refused comes out raw; `None` if the key is refused.
    pub(crate) fn decode_or_raw<'a>(&'a mut self, key: &'a [u8], value: &'a [u8]) -> Option<RecordRef<'a>> {
        let (head, raw) = (self.head(key).ok()?, Message::Unknown(Cow::Borrowed(value)));
        let unread = RecordRef { key: head.key, kind: None, message: raw, notes: head.notes };
        Some(self.value(head, value).unwrap_or(unread))
    }

    /// The first half of it.
    pub(crate) fn head<'a>(&mut self, key: &'a [u8]) -> Result<Head<'a>, DecodeError> {
        Head::read(key, &self.types).inspect_err(|_| self.foreign = self.foreign.saturating_add(1))
    }

    /// The second half.
    pub(crate) fn value<'a>(&'a mut self, head: Head<'a>, value: &'a [u8]) -> Result<RecordRef<'a>, DecodeError> {
        let Self { limits, columns, .. } = self;
        match head.telemetry() {
            Some(JsonOrProtobuf::Json(kind)) => {
                let notes = decode_json(columns, kind, value, limits)?;
                Ok(head.with_telemetry(TelemetryRef::from(&*columns), notes))
            }
            Some(JsonOrProtobuf::Protobuf(kind)) => {
                let (telemetry, notes) = protobuf::telemetry(columns, kind, value, limits)?;
                Ok(head.with_telemetry(telemetry, notes))
            }
            None => head.read_other(value, limits),
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("limits", &self.limits).field("types", &self.types).finish_non_exhaustive()
    }
}

/// A key that was read, and what it says of the value.
pub(crate) struct Head<'a> {
    pub(crate) key: KeyRef<'a>,
    pub(crate) kind: Option<MessageKind>,
    notes: Notes,
}

enum JsonOrProtobuf {
    Json(TelemetryKind),
    Protobuf(TelemetryKind),
}

fn decode_json(
    columns: &mut Columns,
    kind: TelemetryKind,
    value: &[u8],
    limits: &Limits,
) -> Result<Notes, DecodeError> {
    if kind.is_samples() { columns.decode_samples_with(value, limits) } else { columns.decode_data_with(value, limits) }
}

impl<'a> Head<'a> {
    fn read(key: &'a [u8], types: &TypeMap) -> Result<Self, DecodeError> {
        let notes = if key.starts_with(b"\xef\xbb\xbf") { Notes::BYTE_ORDER_MARK } else { Notes::NONE };
        let key = KeyRef::decode_lenient(key)?;
        Ok(Self { key, kind: types.get(key.message_type()), notes })
    }

    fn telemetry(&self) -> Option<JsonOrProtobuf> {
        Some(match self.kind? {
            MessageKind::Data => JsonOrProtobuf::Json(TelemetryKind::Data),
            MessageKind::Samples => JsonOrProtobuf::Json(TelemetryKind::Samples),
            MessageKind::ProtobufTelemetry(kind) => JsonOrProtobuf::Protobuf(kind),
            MessageKind::Start
            | MessageKind::End
            | MessageKind::Session
            | MessageKind::Event
            | MessageKind::Lap
            | MessageKind::Sync
            | MessageKind::ProtobufEvent => return None,
        })
    }

    fn with_telemetry(self, telemetry: TelemetryRef<'a>, notes: Notes) -> RecordRef<'a> {
        let message =
            if telemetry.kind().is_samples() { Message::Samples(telemetry) } else { Message::Data(telemetry) };
        RecordRef { key: self.key, kind: self.kind, message, notes: self.notes | notes }
    }

    fn read_other(self, value: &'a [u8], limits: &Limits) -> Result<RecordRef<'a>, DecodeError> {
        let (message, notes) = match self.kind {
            Some(kind @ (MessageKind::Start | MessageKind::End)) => {
                let message = if kind == MessageKind::Start { Message::Start } else { Message::End };
                (message, if value.is_empty() { Notes::NONE } else { Notes::IGNORED_VALUE })
            }
            Some(MessageKind::Session) => {
                Session::decode_json_with(value, limits).map(|(session, notes)| (Message::Session(session), notes))?
            }
            Some(MessageKind::Event) => {
                Event::decode_json_with(value, limits).map(|(event, notes)| (Message::Event(event), notes))?
            }
            Some(MessageKind::Lap) => {
                Lap::decode_json_with(value, limits).map(|(lap, notes)| (Message::Lap(lap), notes))?
            }
            Some(MessageKind::Sync) => {
                let (sync, notes) = Sync::decode_json_with(value, limits);
                (Message::Sync(sync), notes)
            }
            Some(MessageKind::ProtobufEvent) => {
                Event::decode_protobuf_with(value, limits).map(|(event, notes)| (Message::Event(event), notes))?
            }
            Some(MessageKind::Data | MessageKind::Samples | MessageKind::ProtobufTelemetry(_)) | None => {
                (Message::Unknown(Cow::Borrowed(value)), Notes::NONE)
            }
        };
        Ok(RecordRef { key: self.key, kind: self.kind, message, notes: self.notes | notes })
    }
}

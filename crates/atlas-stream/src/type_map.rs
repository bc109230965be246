use alloc::collections::BTreeMap;
use alloc::string::String;

use crate::key::MessageType;
use crate::telemetry::TelemetryKind;

/// What a message is, and in what it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// `$start`
    Start,
    /// `$end`
    End,
    /// `session`
    Session,
    /// `tdata` in JSON.
    Data,
    /// `tsamples` in JSON.
    Samples,
    /// `events` in JSON.
    Event,
    /// `lap`
    Lap,
    /// `sync`
    Sync,
    /// Telemetry in protobuf.
    ProtobufTelemetry(TelemetryKind),
    /// `EventMessage` in protobuf.
    ProtobufEvent,
}

/// What message stands behind which type in a key. What those of protobuf are called is published nowhere: none is there until it is put in.
///
/// ```
/// use atlas_stream::{Decoder, Message, MessageKind, TelemetryKind, TypeMap};
///
/// let types = TypeMap::new()
///     .with("tdata-protobuf", MessageKind::ProtobufTelemetry(TelemetryKind::Data))
///     .with("event", MessageKind::Event);
/// let mut decoder = Decoder::new().with_types(types);
/// let record = decoder.decode(b"tdata-protobuf:a", b"\x0a\x01f")?;
/// assert!(matches!(record.message(), Message::Data(data) if data.format() == Some("f")));
/// # Ok::<(), atlas_stream::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeMap {
    more: BTreeMap<String, Option<MessageKind>>,
}

impl TypeMap {
    /// The types that are described, which are in JSON.
    #[must_use]
    pub const fn new() -> Self {
        Self { more: BTreeMap::new() }
    }

    /// One more, or another meaning of one. A text that is no [`MessageType`] is never met.
    #[must_use]
    pub fn with(mut self, message_type: impl Into<String>, kind: MessageKind) -> Self {
        self.more.insert(message_type.into(), Some(kind));
        self
    }

    /// One less: its messages come out raw.
    #[must_use]
    pub fn without(mut self, message_type: impl Into<String>) -> Self {
        self.more.insert(message_type.into(), None);
        self
    }

    /// What a message is; `None` for one that comes out raw.
    #[must_use]
    pub fn get(&self, message_type: MessageType<'_>) -> Option<MessageKind> {
        if let Some(kind) = self.more.get(message_type.as_str()) {
            return *kind;
        }
        Some(match message_type {
            MessageType::START => MessageKind::Start,
            MessageType::END => MessageKind::End,
            MessageType::SESSION => MessageKind::Session,
            MessageType::TDATA => MessageKind::Data,
            MessageType::TSAMPLES => MessageKind::Samples,
            MessageType::EVENTS => MessageKind::Event,
            MessageType::LAP => MessageKind::Lap,
            MessageType::SYNC => MessageKind::Sync,
            _ => return None,
        })
    }
}

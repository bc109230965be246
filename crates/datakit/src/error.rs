use core::fmt;

use crate::limits::Limit;
use crate::packet::PacketKind;

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends before the `\n`.
    UnexpectedEnd,
    /// Bytes follow the packet that was to be the only one.
    TrailingBytes,
    /// One of the [`Limits`](crate::Limits) is exceeded; [`DecodeError::limit`] says which.
    LimitExceeded,
    /// There is nothing before the `\n`.
    EmptyLine,
    /// The line begins like no packet.
    UnknownPacket,
    /// The line ends where a `|` and a further field were due.
    MissingField,
    /// A `|` where the line was due to end.
    UnexpectedField,
    /// A mandatory field has no text.
    EmptyField,
    /// The line is not UTF-8.
    InvalidUtf8,
    /// A `\r`: at the end of a line [`Config::accept_crlf`](crate::Config::accept_crlf) allows one, elsewhere nothing does.
    CarriageReturn,
    /// The timestamp is no whole number: digits, perhaps with a `-` in front.
    InvalidTimestamp,
    /// The timestamp has a fraction; [`Config::fractional_timestamps`](crate::Config::fractional_timestamps) allows it.
    FractionalTimestamp,
    /// The timestamp has a digit other than 0 after the ninth of its fraction.
    TimestampTooFine,
    /// The timestamp is outside of i64.
    TimestampOutOfRange,
    /// The value is not a floating-point number.
    InvalidValue,
}

/// Why a line was refused, and where: 32 bytes, `Copy`, made without allocation.
///
/// Line and column count from 1, offset and column in bytes. A [`Decoder`](crate::Decoder) counts lines and offset from
/// the start of the stream, whatever pieces it came in; `PacketRef::decode` counts from the start of its input.
///
/// ```
/// use datakit::{DecodeErrorKind, Decoder};
///
/// let mut input = &b"$P\n>tag|noon|1.5\n$P\n"[..];
/// let mut decoder = Decoder::new();
/// assert!(decoder.decode(&mut input).unwrap().is_ok());
/// let error = decoder.decode(&mut input).unwrap().unwrap_err();
/// assert_eq!(error.kind(), DecodeErrorKind::InvalidTimestamp);
/// assert_eq!((error.line(), error.column(), error.offset(), error.what()), (2, 6, 8, "timestamp"));
/// assert_eq!(error.to_string(), "not a whole number of seconds at line 2, column 6, byte 8 (timestamp)");
/// assert!(decoder.decode(&mut input).unwrap().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{} at line {line}, column {column}, byte {offset} ({})", self.reason(), self.what())]
pub struct DecodeError {
    offset: u64,
    line: u64,
    /// The limit's value.
    max: u64,
    /// Saturates.
    column: u32,
    kind: DecodeErrorKind,
    limit: Option<Limit>,
    what: Field,
}

impl DecodeError {
    /// What is wrong; prints as one word in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Bytes from the start of the stream to the fault.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The line at fault; the first is 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The byte in the line at which the fault is; the first is 1.
    #[must_use]
    pub const fn column(&self) -> u32 {
        self.column
    }

    /// The name of the field at fault, in the words of SPEC.md §1; `identifier` for what a line begins with, `line` for
    /// all of it.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what.name()
    }

    /// The limit that was exceeded, if that is the kind.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// Whether more bytes could mend it.
    #[must_use]
    pub const fn is_incomplete(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::UnexpectedEnd)
    }

    /// A fault at `at` bytes into the first line of an input.
    #[cold]
    pub(crate) fn new(kind: DecodeErrorKind, what: Field, at: usize) -> Self {
        let column = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
        Self { offset: at as u64, line: 1, max: 0, column, kind, limit: None, what }
    }

    #[cold]
    pub(crate) fn limit_exceeded(limit: Limit, what: Field, max: usize, at: usize) -> Self {
        Self { limit: Some(limit), max: max as u64, ..Self::new(DecodeErrorKind::LimitExceeded, what, at) }
    }

    /// The same fault in the line of this number that begins at `start`.
    pub(crate) const fn placed(mut self, line: u64, start: u64) -> Self {
        self.line = line;
        self.offset = self.offset.saturating_add(start);
        self
    }

    /// What is wrong, in words and without the place, for those who count offsets from somewhere else.
    pub fn reason(&self) -> impl fmt::Display + use<> {
        Reason(*self)
    }
}

struct Reason(DecodeError);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &self.0;
        f.write_str(match error.kind {
            DecodeErrorKind::UnexpectedEnd => "input ends before the newline",
            DecodeErrorKind::TrailingBytes => "bytes follow the packet",
            DecodeErrorKind::LimitExceeded => {
                return match error.limit {
                    Some(limit @ Limit::MaxLineLen) => write!(f, "line exceeds {limit} {}", error.max),
                    Some(limit) => write!(f, "{} exceeds {limit} {}", limit.noun(), error.max),
                    None => f.write_str("limit exceeded"),
                };
            }
            DecodeErrorKind::EmptyLine => "empty line",
            DecodeErrorKind::UnknownPacket => "no packet begins like this",
            DecodeErrorKind::MissingField => "field missing",
            DecodeErrorKind::UnexpectedField => "one field too many",
            DecodeErrorKind::EmptyField => "field is empty",
            DecodeErrorKind::InvalidUtf8 => "text is not UTF-8",
            DecodeErrorKind::CarriageReturn => {
                "carriage return, which only accept_crlf would allow, and only before the newline"
            }
            DecodeErrorKind::InvalidTimestamp => "not a whole number of seconds",
            DecodeErrorKind::FractionalTimestamp => {
                "fraction of a second, which only fractional_timestamps would allow"
            }
            DecodeErrorKind::TimestampTooFine => "finer than a nanosecond",
            DecodeErrorKind::TimestampOutOfRange => "timestamp outside of i64",
            DecodeErrorKind::InvalidValue => "not a floating-point number",
        })
    }
}

impl fmt::Display for DecodeErrorKind {
    /// In one word, `snake_case`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedEnd => "unexpected_end",
            Self::TrailingBytes => "trailing_bytes",
            Self::LimitExceeded => "limit_exceeded",
            Self::EmptyLine => "empty_line",
            Self::UnknownPacket => "unknown_packet",
            Self::MissingField => "missing_field",
            Self::UnexpectedField => "unexpected_field",
            Self::EmptyField => "empty_field",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::CarriageReturn => "carriage_return",
            Self::InvalidTimestamp => "invalid_timestamp",
            Self::FractionalTimestamp => "fractional_timestamp",
            Self::TimestampTooFine => "timestamp_too_fine",
            Self::TimestampOutOfRange => "timestamp_out_of_range",
            Self::InvalidValue => "invalid_value",
        })
    }
}

/// The parts of a line that an error can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Line,
    Identifier,
    Name,
    Units,
    DataType,
    CollectionType,
    Uid,
    Tag,
    Timestamp,
    Value,
}

impl Field {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Identifier => "identifier",
            Self::Name => "name",
            Self::Units => "units",
            Self::DataType => "data type",
            Self::CollectionType => "collection type",
            Self::Uid => "UID",
            Self::Tag => "tag",
            Self::Timestamp => "timestamp",
            Self::Value => "value",
        }
    }
}

/// Why something was not written. Nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// One of the [`Limits`](crate::Limits) is exceeded.
    #[error("{} {met} exceeds {limit} {max}", limit.noun())]
    LimitExceeded {
        /// Which limit.
        limit: Limit,
        /// What would be reached.
        met: u64,
        /// What is allowed.
        max: u64,
    },
    /// The buffer offered has no room.
    #[error("{len} bytes do not fit into {available}")]
    BufferTooSmall {
        /// Bytes to write.
        len: usize,
        /// Bytes of room.
        available: usize,
    },
    /// A mandatory field has no text.
    #[error("field is empty ({field})")]
    EmptyField {
        /// The field, in the words of SPEC.md §1.
        field: &'static str,
    },
    /// A character that would begin another field or line: `|`, `\n`, or `\r`.
    #[error("character 0x{byte:02x} would begin another field or line at byte {offset} ({field})")]
    ForbiddenCharacter {
        /// The field, in the words of SPEC.md §1.
        field: &'static str,
        /// The character.
        byte: u8,
        /// Its place in the field.
        offset: usize,
    },
    /// The timestamp has a fraction; [`Config::fractional_timestamps`](crate::Config::fractional_timestamps) allows it.
    #[error("fraction of a second, which only fractional_timestamps would allow (timestamp)")]
    FractionalTimestamp,
    /// A second has no more than 999 999 999 nanoseconds.
    #[error("{nanos} nanoseconds are a second or more (timestamp)")]
    NanosOutOfRange {
        /// What was to be written.
        nanos: u32,
    },
    /// A packet said to be unknown begins like a known one, or like none.
    #[error("not the identifier of an unknown packet (identifier)")]
    InvalidIdentifier,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nobody has said HELLO. Only a server is ever in it: a client starts as `Greeted`.
    Unregistered,
    /// HELLO was said, and the ACK is due.
    Greeted,
    /// Registered; the client waits for START.
    Standby,
    /// Registered; the client sends data.
    Sending,
    /// At its end.
    Closed,
}

impl State {
    /// Whether there was an ACK: in STANDBY or SENDING.
    #[must_use]
    pub const fn is_registered(self) -> bool {
        matches!(self, Self::Standby | Self::Sending)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unregistered => "unregistered",
            Self::Greeted => "greeted",
            Self::Standby => "STANDBY",
            Self::Sending => "SENDING",
            Self::Closed => "closed",
        })
    }
}

/// The peer sent a packet that is well formed and illegal in this state (SPEC.md §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{packet} is illegal while {state}")]
pub struct PeerError {
    state: State,
    packet: PacketKind,
}

impl PeerError {
    #[cfg(feature = "alloc")]
    pub(crate) const fn new(state: State, packet: PacketKind) -> Self {
        Self { state, packet }
    }

    /// The state in which it came.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What came.
    #[must_use]
    pub const fn packet(&self) -> PacketKind {
        self.packet
    }
}

/// The caller asked for something that is not to be had now. Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// Data may only be sent while SENDING.
    #[error("data may only be sent while SENDING, not while {state}")]
    NotSending {
        /// The state it is.
        state: State,
    },
    /// There is no registered client.
    #[error("no client is registered while {state}")]
    NotRegistered {
        /// The state it is.
        state: State,
    },
    /// There is no HELLO to answer.
    #[error("no HELLO to accept while {state}")]
    NotGreeted {
        /// The state it is.
        state: State,
    },
    /// Only a closed client reconnects.
    #[error("only a closed client reconnects, this one is {state}")]
    StillOpen {
        /// The state it is.
        state: State,
    },
    /// One of the [`Limits`](crate::Limits) is reached.
    #[error("{limit} {max} is reached")]
    LimitReached {
        /// Which limit.
        limit: Limit,
        /// What is allowed.
        max: u64,
    },
    /// The registry has no such connection, or no longer.
    #[error("no such connection")]
    UnknownConnection,
}

/// Why a call to a machine did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It may not be called now.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// What was to be sent cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

#[cfg(feature = "std")]
impl From<DecodeError> for std::io::Error {
    fn from(error: DecodeError) -> Self {
        let kind =
            if error.is_incomplete() { std::io::ErrorKind::UnexpectedEof } else { std::io::ErrorKind::InvalidData };
        Self::new(kind, error)
    }
}

#[cfg(feature = "std")]
impl From<EncodeError> for std::io::Error {
    fn from(error: EncodeError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(feature = "std")]
impl From<UsageError> for std::io::Error {
    fn from(error: UsageError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

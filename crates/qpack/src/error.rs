use core::fmt;

use crate::limits::Limit;
use crate::value::Kind;
use crate::wire;

/// What is wrong with the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends inside a token, inside a counted container, after a map key, or before the first value.
    UnexpectedEnd,
    /// The input ends where an array or map that was opened could be closed; every peer takes that for its close, and so
    /// do we under [`Config::end_closes_open`](crate::Config::end_closes_open).
    Unclosed,
    /// A close byte with nothing to close, or of the other kind of container, or in place of a counted item.
    UnexpectedClose,
    /// A map is closed after a key.
    MissingValue,
    /// Bytes follow the value; [`Config::ignore_trailing`](crate::Config::ignore_trailing) lets them.
    TrailingBytes,
    /// One of the [`Limits`](crate::Limits) is exceeded; [`DecodeError::limit`] says which.
    LimitExceeded,
    /// A raw that was asked for as text is not UTF-8.
    InvalidUtf8,
    /// The value is of another kind than the one asked for.
    UnexpectedKind,
    /// A value was asked for where a container, or the whole value, has come to its end.
    NoMoreValues,
    /// [`Reader::leave`](crate::Reader::leave) outside of any container.
    NothingOpen,
}

/// Why bytes were refused, and where: 32 bytes, `Copy`, made without allocation.
///
/// The offset counts from the first byte of the value. It is that of the token that could not be read or may not stand
/// there; where a token is missing, it is the place at which it was looked for.
///
/// ```
/// use qpack_codec::{DecodeErrorKind, ValueRef};
///
/// let input = b"\xf4\x84data\xf0\x01\x02"; // {"data": an array of three with two items
/// let error = ValueRef::decode(input).unwrap_err();
/// assert_eq!((error.kind(), error.offset(), error.what()), (DecodeErrorKind::UnexpectedEnd, 9, "value"));
/// assert_eq!(error.to_string(), "input ends, at least 1 byte missing at byte 9 (value)");
/// assert_eq!(error.path(input).to_string(), "data[2]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset} ({})", self.reason(), self.what())]
pub struct DecodeError {
    offset: u64,
    /// Bytes missing, the size met, or the first byte that does not belong.
    met: u64,
    /// The limit's value, or the kind asked for.
    max: u64,
    kind: DecodeErrorKind,
    limit: Option<Limit>,
    what: What,
}

/// Where in the byte map an error stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A token, by its first byte.
    Token(u8),
    Key,
    Value,
}

impl DecodeError {
    /// What is wrong; prints as one word in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Bytes from the start of the value to the fault.
    #[must_use]
    pub const fn offset(&self) -> usize {
        // Made from a `usize` by every constructor below.
        #[expect(clippy::cast_possible_truncation, reason = "the field was widened from a usize")]
        let offset = self.offset as usize;
        offset
    }

    /// The name, in the byte map of SPEC.md §1, of the token at fault; `key` or `value` where one is missing.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self.what {
            What::Token(first) => wire::tag_name(first),
            What::Key => "key",
            What::Value => "value",
        }
    }

    /// The limit that was exceeded, if that is the kind.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// Whether more bytes could mend it.
    #[must_use]
    pub const fn is_incomplete(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::UnexpectedEnd | DecodeErrorKind::Unclosed)
    }

    const fn new(kind: DecodeErrorKind, offset: usize, what: What) -> Self {
        Self { offset: offset as u64, met: 0, max: 0, kind, limit: None, what }
    }

    #[cold]
    pub(crate) const fn end(offset: usize, what: What, missing: u64) -> Self {
        Self { met: missing, ..Self::new(DecodeErrorKind::UnexpectedEnd, offset, what) }
    }

    #[cold]
    pub(crate) const fn unclosed(offset: usize, what: What) -> Self {
        Self { met: 1, ..Self::new(DecodeErrorKind::Unclosed, offset, what) }
    }

    #[cold]
    pub(crate) const fn close(kind: DecodeErrorKind, offset: usize, first: u8) -> Self {
        Self::new(kind, offset, What::Token(first))
    }

    #[cold]
    pub(crate) const fn trailing(offset: usize, first: u8, count: usize) -> Self {
        Self { met: count as u64, ..Self::new(DecodeErrorKind::TrailingBytes, offset, What::Token(first)) }
    }

    #[cold]
    pub(crate) const fn limited(limit: Limit, offset: usize, what: What, met: u64, max: usize) -> Self {
        Self { met, max: max as u64, limit: Some(limit), ..Self::new(DecodeErrorKind::LimitExceeded, offset, what) }
    }

    #[cold]
    pub(crate) const fn utf8(offset: usize, first: u8) -> Self {
        Self::new(DecodeErrorKind::InvalidUtf8, offset, What::Token(first))
    }

    #[cold]
    pub(crate) const fn unexpected(offset: usize, first: u8, asked: Kind) -> Self {
        Self { max: asked as u64, ..Self::new(DecodeErrorKind::UnexpectedKind, offset, What::Token(first)) }
    }

    #[cold]
    pub(crate) const fn no_more_values(offset: usize) -> Self {
        Self::new(DecodeErrorKind::NoMoreValues, offset, What::Value)
    }

    /// The same error of bytes that start so many further on.
    pub(crate) const fn shifted(self, by: usize) -> Self {
        Self { offset: self.offset.saturating_add(by as u64), ..self }
    }

    #[cold]
    pub(crate) const fn nothing_open(offset: usize) -> Self {
        Self::new(DecodeErrorKind::NothingOpen, offset, What::Value)
    }

    /// Bytes that are missing at least, of an error that more bytes could mend.
    pub(crate) const fn missing(&self) -> u64 {
        self.met
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
        match error.kind {
            DecodeErrorKind::UnexpectedEnd => {
                let s = if error.met == 1 { "" } else { "s" };
                write!(f, "input ends, at least {} byte{s} missing", error.met)
            }
            DecodeErrorKind::Unclosed => f.write_str("input ends in an open container, which end_closes_open allows"),
            DecodeErrorKind::UnexpectedClose => f.write_str("nothing here that this byte could close"),
            DecodeErrorKind::MissingValue => f.write_str("map closed after a key"),
            DecodeErrorKind::TrailingBytes => {
                let (s, verb) = if error.met == 1 { ("", "follows") } else { ("s", "follow") };
                write!(f, "{} byte{s} {verb} the value", error.met)
            }
            DecodeErrorKind::LimitExceeded => match error.limit {
                Some(limit) => write!(f, "{} {} exceeds {limit} {}", limit.noun(), error.met, error.max),
                None => f.write_str("limit exceeded"),
            },
            DecodeErrorKind::InvalidUtf8 => f.write_str("text is not UTF-8"),
            DecodeErrorKind::UnexpectedKind => {
                let asked = Kind::ALL.iter().find(|kind| **kind as u64 == error.max);
                write!(f, "expected {}, met {}", asked.map_or("another kind", |kind| kind.name()), error.what())
            }
            DecodeErrorKind::NoMoreValues => f.write_str("no more values here"),
            DecodeErrorKind::NothingOpen => f.write_str("no container to leave"),
        }
    }
}

impl fmt::Display for DecodeErrorKind {
    /// In one word, `snake_case`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedEnd => "unexpected_end",
            Self::Unclosed => "unclosed",
            Self::UnexpectedClose => "unexpected_close",
            Self::MissingValue => "missing_value",
            Self::TrailingBytes => "trailing_bytes",
            Self::LimitExceeded => "limit_exceeded",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::UnexpectedKind => "unexpected_kind",
            Self::NoMoreValues => "no_more_values",
            Self::NothingOpen => "nothing_open",
        })
    }
}

/// Why something was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// One of the [`Limits`](crate::Limits) is exceeded.
    #[error("{} {met} exceeds {limit} {max}", limit.noun())]
    LimitExceeded {
        /// Which limit.
        limit: Limit,
        /// What was reached.
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
    /// A container that was announced with a length got another number of items or pairs.
    #[error("container announced with {announced} items got {written}")]
    CountMismatch {
        /// Items or pairs announced.
        announced: usize,
        /// Items or pairs written, the one too many included.
        written: usize,
    },
    /// A key of a map without a value, or, from a type that serde writes, a value without a key.
    #[error("key without value in a map")]
    MissingValue,
    /// `end` with no container open.
    #[error("no container to end")]
    NothingOpen,
    /// `finish` before the value was complete.
    #[error("value not complete")]
    Unfinished,
    /// A second value after a complete one.
    #[error("value already complete")]
    AlreadyComplete,
    /// An integer outside of the range of i64, which qpack cannot express.
    #[error("integer {sign}{magnitude} is outside of i64", sign = if *negative { "-" } else { "" })]
    IntOutOfRange {
        /// Whether it is below zero.
        negative: bool,
        /// Its distance from zero, cut to `u128`.
        magnitude: u128,
    },
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

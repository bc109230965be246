use core::fmt;

use crate::limits::Limit;
use crate::package::HEADER_LEN;

/// What is wrong with a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends inside the package.
    UnexpectedEnd,
    /// CHK is not the inverse of TYPE: whatever this is, it is no header, and where the next one begins cannot be known.
    InvalidCheck,
    /// One of the [`Limits`](crate::Limits) is exceeded; [`DecodeError::limit`] says which.
    LimitExceeded,
    /// Bytes follow the package that was to be the only one.
    TrailingBytes,
}

/// Why bytes were refused, and where: 32 bytes, `Copy`, made without allocation.
///
/// ```
/// use thingsdb_wire::{DecodeErrorKind, PackageRef};
///
/// let error = PackageRef::decode(b"\x00\x00\x00\x00\x01\x00\x20\x20").unwrap_err();
/// assert_eq!((error.kind(), error.offset(), error.what()), (DecodeErrorKind::InvalidCheck, 7, "CHK"));
/// assert_eq!(error.header(), Some([0, 0, 0, 0, 1, 0, 0x20, 0x20]));
/// assert_eq!(error.to_string(), "check byte 0x20 is not the inverse of type 0x20 at byte 7 (CHK)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset} ({})", self.reason(), self.what())]
pub struct DecodeError {
    offset: u64,
    /// Bytes missing or left, or LEN.
    met: u32,
    max: u32,
    header: [u8; HEADER_LEN],
    has_header: bool,
    kind: DecodeErrorKind,
    limit: Option<Limit>,
}

impl DecodeError {
    /// What is wrong; prints as one word in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Bytes from the start of the package to the fault; a [`Decoder`](crate::Decoder) counts from the start of the stream.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The name of the field at fault: `LEN`, `CHK`, `DATA`, or `header` where it is not complete.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self.kind {
            DecodeErrorKind::UnexpectedEnd if !self.has_header => "header",
            DecodeErrorKind::UnexpectedEnd | DecodeErrorKind::TrailingBytes => "DATA",
            DecodeErrorKind::InvalidCheck => "CHK",
            DecodeErrorKind::LimitExceeded => "LEN",
        }
    }

    /// The limit that was exceeded, if that is the kind.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// The header as it came, if all of it did.
    #[must_use]
    pub fn header(&self) -> Option<[u8; HEADER_LEN]> {
        self.has_header.then_some(self.header)
    }

    /// Whether more bytes could mend it.
    #[must_use]
    pub const fn is_incomplete(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::UnexpectedEnd)
    }

    #[cold]
    pub(crate) fn new(kind: DecodeErrorKind, offset: usize, header: Option<[u8; HEADER_LEN]>) -> Self {
        Self {
            offset: offset as u64,
            met: 0,
            max: 0,
            header: header.unwrap_or_default(),
            has_header: header.is_some(),
            kind,
            limit: None,
        }
    }

    #[cold]
    pub(crate) fn limit_exceeded(met: u32, max: u32, header: [u8; HEADER_LEN]) -> Self {
        Self { met, max, limit: Some(Limit::MaxDataLen), ..Self::new(DecodeErrorKind::LimitExceeded, 0, Some(header)) }
    }

    /// The same fault, where it is this limit that stands in for `max_data_len`.
    pub(crate) const fn under(mut self, limit: Limit) -> Self {
        if self.limit.is_some() {
            self.limit = Some(limit);
        }
        self
    }

    /// The same fault in a package that begins at `start`.
    pub(crate) const fn shifted(mut self, start: u64) -> Self {
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
        match error.kind {
            DecodeErrorKind::UnexpectedEnd => f.write_str("input ends in a package"),
            DecodeErrorKind::TrailingBytes => f.write_str("bytes follow the package"),
            DecodeErrorKind::InvalidCheck => {
                let [.., kind, check] = error.header;
                write!(f, "check byte 0x{check:02x} is not the inverse of type 0x{kind:02x}")
            }
            DecodeErrorKind::LimitExceeded => match error.limit {
                Some(limit) => write!(f, "length {} exceeds {limit} {}", error.met, error.max),
                None => f.write_str("limit exceeded"),
            },
        }
    }
}

impl fmt::Display for DecodeErrorKind {
    /// In one word, `snake_case`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedEnd => "unexpected_end",
            Self::InvalidCheck => "invalid_check",
            Self::LimitExceeded => "limit_exceeded",
            Self::TrailingBytes => "trailing_bytes",
        })
    }
}

/// Why a package was not written. Nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// One of the [`Limits`](crate::Limits) is exceeded.
    #[error("length {met} exceeds {limit} {max} (LEN)")]
    LimitExceeded {
        /// Which limit.
        limit: Limit,
        /// What was to be written.
        met: u64,
        /// What is allowed.
        max: u64,
    },
    /// The dialect, or the state of it, has no such thing.
    #[error("{what} cannot be written here")]
    NotWritable {
        /// The name of the field.
        what: &'static str,
    },
    /// The buffer offered has no room.
    #[error("{len} bytes do not fit into {available}")]
    BufferTooSmall {
        /// Bytes to write.
        len: usize,
        /// Bytes of room.
        available: usize,
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

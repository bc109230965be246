use core::fmt;

/// What is wrong with MessagePack data, or with an array in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends inside a value, or there is none.
    UnexpectedEnd,
    /// Bytes follow the one value.
    TrailingBytes,
    /// The byte that begins no value, `c1`.
    InvalidTag,
    /// One of the [`Limits`](crate::Limits) is exceeded; [`DecodeError::limit`] says which.
    LimitExceeded,
    /// A value of another type than the field has.
    UnexpectedType,
    /// A tagged map with a field twice.
    DuplicateField,
    /// An axis that is negative or not an integer, or a product of axes beyond 64 bits.
    InvalidShape,
    /// Items without bytes, of which any number fits in none.
    ZeroItemSize,
    /// More or fewer bytes than shape and dtype say.
    InvalidLength,
    /// A text that is no complex number.
    InvalidComplex,
}

/// Which limit an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_depth`](crate::Limits::max_depth).
    MaxDepth,
    /// [`Limits::max_axes`](crate::Limits::max_axes).
    MaxAxes,
    /// Not one of [`Limits`](crate::Limits): an input of 4 GiB is too long for a [`Tape`](crate::Tape).
    MaxLen,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxDepth => "max_depth",
            Self::MaxAxes => "max_axes",
            Self::MaxLen => "max_len",
        })
    }
}

/// Which part of a value an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Value,
    Type,
    Kind,
    Shape,
    Data,
}

/// Why bytes were refused, and where: 32 bytes, `Copy`, made without allocation.
///
/// ```
/// use msgpack_numpy_codec::{DecodeErrorKind, ValueRef};
///
/// let error = ValueRef::decode(b"\x92\x01").unwrap_err(); // a list of two, with one item
/// assert_eq!((error.kind(), error.offset(), error.what()), (DecodeErrorKind::UnexpectedEnd, 2, "value"));
/// assert_eq!(error.to_string(), "input ends in a value at byte 2 (value)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset} ({})", self.reason(), self.what())]
pub struct DecodeError {
    offset: u64,
    met: u64,
    max: u64,
    kind: DecodeErrorKind,
    limit: Option<Limit>,
    what: What,
}

impl DecodeError {
    /// What is wrong; prints as one word in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Bytes from the start of the input to the fault.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The name of the field at fault: `type`, `kind`, `shape`, `data`, or `value` for MessagePack itself and the map.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self.what {
            What::Value => "value",
            What::Type => "type",
            What::Kind => "kind",
            What::Shape => "shape",
            What::Data => "data",
        }
    }

    /// The limit that was exceeded, if that is the kind.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        self.limit
    }

    #[cold]
    pub(crate) const fn new(kind: DecodeErrorKind, offset: usize, what: What) -> Self {
        Self { offset: offset as u64, met: 0, max: 0, kind, limit: None, what }
    }

    #[cold]
    pub(crate) const fn over(limit: Limit, max: u64, offset: usize, what: What) -> Self {
        Self { limit: Some(limit), max, ..Self::new(DecodeErrorKind::LimitExceeded, offset, what) }
    }

    /// `met` bytes where `due` were.
    #[cold]
    pub(crate) const fn length(met: u64, due: u64, offset: usize) -> Self {
        Self { met, max: due, ..Self::new(DecodeErrorKind::InvalidLength, offset, What::Data) }
    }

    /// The same in a value that begins at `start`.
    pub(crate) const fn shifted(mut self, start: usize) -> Self {
        self.offset = self.offset.saturating_add(start as u64);
        self
    }

    /// What is wrong, in words and without the place.
    pub fn reason(&self) -> impl fmt::Display + use<> {
        Reason(*self)
    }
}

struct Reason(DecodeError);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &self.0;
        f.write_str(match error.kind {
            DecodeErrorKind::UnexpectedEnd => "input ends in a value",
            DecodeErrorKind::TrailingBytes => "bytes follow the value",
            DecodeErrorKind::InvalidTag => "no value begins",
            DecodeErrorKind::UnexpectedType => "value of another type",
            DecodeErrorKind::DuplicateField => "field is there twice",
            DecodeErrorKind::InvalidShape => "no number of items",
            DecodeErrorKind::ZeroItemSize => "items without bytes",
            DecodeErrorKind::InvalidComplex => "no complex number",
            DecodeErrorKind::InvalidLength => {
                return write!(f, "{} bytes of data, where shape and type make {}", error.met, error.max);
            }
            DecodeErrorKind::LimitExceeded => match error.limit {
                Some(limit) => return write!(f, "exceeds {limit} {}", error.max),
                None => "limit exceeded",
            },
        })
    }
}

impl fmt::Display for DecodeErrorKind {
    /// In one word, `snake_case`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedEnd => "unexpected_end",
            Self::TrailingBytes => "trailing_bytes",
            Self::InvalidTag => "invalid_tag",
            Self::LimitExceeded => "limit_exceeded",
            Self::UnexpectedType => "unexpected_type",
            Self::DuplicateField => "duplicate_field",
            Self::InvalidShape => "invalid_shape",
            Self::ZeroItemSize => "zero_item_size",
            Self::InvalidLength => "invalid_length",
            Self::InvalidComplex => "invalid_complex",
        })
    }
}

/// Why shape, dtype and bytes are not those of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// More than 64 axes.
    #[error("more than 64 axes")]
    Axes,
    /// A product of axes, or of axes and item, beyond 64 bits.
    #[error("more items than 64 bits count")]
    Shape,
    /// Items without bytes, of which any number fits in none.
    #[error("items without bytes")]
    ZeroItemSize,
    /// Items of a dtype that is not understood, which cannot be told apart.
    #[error("items of unknown size")]
    UnknownItemSize,
    /// More or fewer bytes than shape and dtype say.
    #[error("{met} bytes of data, where shape and type make {due}")]
    Length {
        /// Bytes there are.
        met: u64,
        /// Bytes there should be.
        due: u64,
    },
    /// Strides that are not as many as axes, or lead out of the bytes.
    #[error("strides lead out of the data")]
    Strides,
}

/// Why something was not written. Nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// MessagePack has lengths of 32 bits.
    #[error("{len} bytes exceed the 4294967295 of MessagePack")]
    TooLong {
        /// Bytes to write.
        len: u64,
    },
    /// Fields that overlap, or are not in the order of their offsets: there is no descr for them, and numpy refuses them too.
    #[error("fields that overlap or are out of order cannot be described")]
    Fields,
    /// The buffer has no room.
    #[error("{needed} bytes do not fit into the {available} left")]
    BufferFull {
        /// Bytes to write.
        needed: usize,
        /// Bytes of room.
        available: usize,
    },
    /// There is no memory for so much.
    #[error("no memory for {len} bytes")]
    OutOfMemory {
        /// Bytes to write.
        len: u64,
    },
    /// One of the [`Limits`](crate::Limits) is exceeded.
    #[error("exceeds {limit} {max}")]
    LimitExceeded {
        /// Which.
        limit: Limit,
        /// The limit.
        max: u64,
    },
    /// A value behind the outermost one.
    #[error("the value is complete")]
    Complete,
    /// The outermost value, or lists and maps in it, lack so many values.
    #[error("{missing} more values are due")]
    Incomplete {
        /// Values that were announced and not written.
        missing: u64,
    },
}

#[cfg(feature = "std")]
impl From<EncodeError> for std::io::Error {
    fn from(error: EncodeError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(feature = "std")]
impl From<LayoutError> for std::io::Error {
    fn from(error: LayoutError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(feature = "std")]
impl From<DecodeError> for std::io::Error {
    fn from(error: DecodeError) -> Self {
        let kind = match error.kind {
            DecodeErrorKind::UnexpectedEnd => std::io::ErrorKind::UnexpectedEof,
            DecodeErrorKind::TrailingBytes
            | DecodeErrorKind::InvalidTag
            | DecodeErrorKind::LimitExceeded
            | DecodeErrorKind::UnexpectedType
            | DecodeErrorKind::DuplicateField
            | DecodeErrorKind::InvalidShape
            | DecodeErrorKind::ZeroItemSize
            | DecodeErrorKind::InvalidLength
            | DecodeErrorKind::InvalidComplex => std::io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

use core::fmt;

use msgpack_numpy_codec as msgpack;
use msgpack_numpy_codec::LayoutError;

/// What is wrong with a message, or with one of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// A message without parts.
    NoParts,
    /// The last of an odd number of parts has no partner.
    OddParts,
    /// A Python pickle: a program, which is not run.
    Pickle,
    /// A part ends inside a value, or has none.
    UnexpectedEnd,
    /// Bytes follow the value of a part.
    TrailingBytes,
    /// The byte that begins no value of MessagePack, `c1`.
    InvalidTag,
    /// One of the [`Limits`](crate::Limits) is exceeded; [`DecodeError::limit`] says which.
    LimitExceeded,
    /// A value of another type than the field has.
    UnexpectedType,
    /// A header without a field that it needs.
    MissingField,
    /// A header with a field twice.
    DuplicateField,
    /// A text that is not UTF-8.
    InvalidUtf8,
    /// An axis that is negative or not an integer, or a product of axes beyond 64 bits.
    InvalidShape,
    /// Items without bytes, of which any number fits in none.
    ZeroItemSize,
    /// More or fewer bytes than shape and dtype say.
    InvalidLength,
    /// An array of a source that the message has not, or not yet.
    UnknownSource,
    /// A source that was there before.
    DuplicateSource,
    /// A property of a source that was there before.
    DuplicatePath,
}

/// Which limit an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_parts`](crate::Limits::max_parts).
    MaxParts,
    /// [`Limits::max_properties`](crate::Limits::max_properties).
    MaxProperties,
    /// [`Limits::max_depth`](crate::Limits::max_depth).
    MaxDepth,
    /// [`Limits::max_axes`](crate::Limits::max_axes).
    MaxAxes,
    /// [`Limits::max_dtype`](crate::Limits::max_dtype).
    MaxDType,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxParts => "max_parts",
            Self::MaxProperties => "max_properties",
            Self::MaxDepth => "max_depth",
            Self::MaxAxes => "max_axes",
            Self::MaxDType => "max_dtype",
        })
    }
}

/// Which part of a message an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Message,
    Frame,
    Header,
    Source,
    Content,
    Path,
    DType,
    Shape,
    Params,
    Metadata,
    Data,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Frame => "frame",
            Self::Header => "header",
            Self::Source => "source",
            Self::Content => "content",
            Self::Path => "path",
            Self::DType => "dtype",
            Self::Shape => "shape",
            Self::Params => "params",
            Self::Metadata => "metadata",
            Self::Data => "data",
        }
    }
}

/// Why a message or a part of it was refused, and where: 32 bytes, `Copy`, made without allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset} of part {part} ({})", self.reason(), self.what())]
pub struct DecodeError {
    offset: u64,
    met: u64,
    max: u64,
    part: u32,
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

    /// The part at fault, counted from 0.
    #[must_use]
    pub const fn part(&self) -> usize {
        self.part as usize
    }

    /// Bytes from the start of that part to the fault; in a capture, from its start.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The name of the field at fault: one of a header, `header` or `data` for these themselves, `message` for all of it, `frame` for what
    /// stands in front of a part in a capture.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what.name()
    }

    /// The limit that was exceeded, if that is the kind.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        self.limit
    }

    #[cold]
    pub(crate) const fn new(kind: DecodeErrorKind, part: u32, offset: usize, what: What) -> Self {
        Self { offset: offset as u64, met: 0, max: 0, part, kind, limit: None, what }
    }

    #[cold]
    pub(crate) const fn over(limit: Limit, met: u64, max: u64, part: u32, offset: usize, what: What) -> Self {
        Self { limit: Some(limit), met, max, ..Self::new(DecodeErrorKind::LimitExceeded, part, offset, what) }
    }

    /// What is wrong with the MessagePack of a part, or with a value in it that begins at `start`.
    #[cold]
    #[expect(clippy::wildcard_enum_match_arm, reason = "of values, which are looked at one by one")]
    pub(crate) fn of(error: &msgpack::DecodeError, part: u32, start: usize, what: What, max: u64) -> Self {
        use msgpack::DecodeErrorKind as Kind;
        let offset = usize::try_from(error.offset()).unwrap_or(usize::MAX).saturating_add(start);
        let kind = match error.kind() {
            Kind::UnexpectedEnd => DecodeErrorKind::UnexpectedEnd,
            Kind::TrailingBytes => DecodeErrorKind::TrailingBytes,
            Kind::InvalidTag => DecodeErrorKind::InvalidTag,
            Kind::InvalidShape => DecodeErrorKind::InvalidShape,
            Kind::LimitExceeded => {
                let axes = error.limit() == Some(msgpack::Limit::MaxAxes);
                let limit = if axes { Limit::MaxAxes } else { Limit::MaxDepth };
                return Self::over(limit, 0, max, part, offset, what);
            }
            _ => DecodeErrorKind::UnexpectedType,
        };
        Self::new(kind, part, offset, what)
    }

    /// Why a shape, a dtype and the bytes of a part are not those of an array.
    #[cold]
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are about the axes")]
    pub(crate) const fn of_layout(error: LayoutError, header: u32, shape: usize, dtype: usize, axes: u64) -> Self {
        match error {
            LayoutError::Axes => Self::over(Limit::MaxAxes, 0, axes, header, shape, What::Shape),
            LayoutError::ZeroItemSize => Self::new(DecodeErrorKind::ZeroItemSize, header, dtype, What::DType),
            LayoutError::Length { met, due } => {
                let data = Self::new(DecodeErrorKind::InvalidLength, header.saturating_add(1), 0, What::Data);
                Self { met, max: due, ..data }
            }
            _ => Self::new(DecodeErrorKind::InvalidShape, header, shape, What::Shape),
        }
    }

    /// The same in another part, and behind so many bytes.
    pub(crate) const fn moved(self, part: u32, by: usize) -> Self {
        Self { part, offset: self.offset.saturating_add(by as u64), ..self }
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
            DecodeErrorKind::UnexpectedEnd if error.what == What::Frame => "capture ends in a message",
            DecodeErrorKind::InvalidTag if error.what == What::Frame => "no frame of a message begins",
            DecodeErrorKind::UnexpectedType if error.what == What::Frame => "length of 2^63 or more",
            DecodeErrorKind::NoParts => "no parts",
            DecodeErrorKind::OddParts => "header without a data part",
            DecodeErrorKind::Pickle => "a pickle, which is not run",
            DecodeErrorKind::UnexpectedEnd => "part ends in a value",
            DecodeErrorKind::TrailingBytes => "bytes follow the value",
            DecodeErrorKind::InvalidTag => "no value begins",
            DecodeErrorKind::UnexpectedType => "value of another type",
            DecodeErrorKind::MissingField => "field is missing",
            DecodeErrorKind::DuplicateField => "field is there twice",
            DecodeErrorKind::InvalidUtf8 => "text is not UTF-8",
            DecodeErrorKind::InvalidShape => "no number of items",
            DecodeErrorKind::ZeroItemSize => "items without bytes",
            DecodeErrorKind::UnknownSource => "array of a source that is not there",
            DecodeErrorKind::DuplicateSource => "source is there twice",
            DecodeErrorKind::DuplicatePath => "property is there twice",
            DecodeErrorKind::InvalidLength => {
                return write!(f, "{} bytes, where shape and dtype make {}", error.met, error.max);
            }
            DecodeErrorKind::LimitExceeded => match (error.limit, error.met) {
                (Some(limit), 0) => return write!(f, "exceeds {limit} {}", error.max),
                (Some(limit), met) => return write!(f, "{met} exceeds {limit} {}", error.max),
                (None, _) => "limit exceeded",
            },
        })
    }
}

impl fmt::Display for DecodeErrorKind {
    /// In one word, `snake_case`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoParts => "no_parts",
            Self::OddParts => "odd_parts",
            Self::Pickle => "pickle",
            Self::UnexpectedEnd => "unexpected_end",
            Self::TrailingBytes => "trailing_bytes",
            Self::InvalidTag => "invalid_tag",
            Self::LimitExceeded => "limit_exceeded",
            Self::UnexpectedType => "unexpected_type",
            Self::MissingField => "missing_field",
            Self::DuplicateField => "duplicate_field",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidShape => "invalid_shape",
            Self::ZeroItemSize => "zero_item_size",
            Self::InvalidLength => "invalid_length",
            Self::UnknownSource => "unknown_source",
            Self::DuplicateSource => "duplicate_source",
            Self::DuplicatePath => "duplicate_path",
        })
    }
}

#[cfg(feature = "std")]
impl From<DecodeError> for std::io::Error {
    fn from(error: DecodeError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

/// A part that was refused, and whose it is, as far as it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}{}", Names(*source_name, *path))]
#[expect(clippy::exhaustive_structs, reason = "all that there is to tell")]
pub struct PartError<'a> {
    /// The source, if the header says so.
    pub source_name: Option<&'a str>,
    /// The property, if the header says so.
    pub path: Option<&'a str>,
    /// What is wrong, and where.
    #[source]
    pub error: DecodeError,
}

/// Whose a part is, as far as it tells.
struct Names<'a>(Option<&'a str>, Option<&'a str>);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Some(source), Some(path)) => write!(f, " of {source:?}, {path:?}"),
            Self(Some(source), None) => write!(f, " of {source:?}"),
            Self(None, Some(path)) => write!(f, " of {path:?}"),
            Self(None, None) => Ok(()),
        }
    }
}

#[cfg(feature = "std")]
impl From<PartError<'_>> for std::io::Error {
    /// Without the names.
    fn from(error: PartError<'_>) -> Self {
        error.error.into()
    }
}

/// A message that comes at a wrong moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// An answer where nothing was asked.
    #[error("a reply to no request")]
    Unasked,
    /// A request before the answer to the last.
    #[error("a request before the last one was answered")]
    Unanswered,
}

/// A mistake of the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// A request before the answer to the last.
    #[error("a request is outstanding")]
    Outstanding,
    /// A request on a socket that was not answered in time.
    #[error("a request was not answered in time, and its socket not replaced")]
    StuckSocket,
}

/// A text that is the name of no [`Version`](crate::Version).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("no version 1.0, 2.0, 2.1 or 2.2")]
#[non_exhaustive]
pub struct UnknownVersion;

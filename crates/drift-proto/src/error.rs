use alloc::string::String;
use core::fmt::{self, Write as _};

use crate::schema::{Entry, Root};
use crate::wire::{Fields, Value};

/// What is wrong with a package, or with typed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// It ends inside a field.
    UnexpectedEnd,
    /// A number of more than ten bytes.
    InvalidVarint,
    /// A field number or a wire type that is none.
    InvalidTag,
    /// A group ends that did not begin.
    UnexpectedGroupEnd,
    /// A text that is not UTF-8.
    InvalidUtf8,
    /// One of the [`Limits`](crate::Limits) is exceeded; [`DecodeError::limit`] says which.
    LimitExceeded,
    /// Typed data of another version than 0.
    UnsupportedVersion,
    /// Typed data with a type that is none.
    UnknownType,
    /// Typed data with an item of type none that has values.
    NotEmpty,
    /// Typed data with more values than bytes are left for.
    InvalidShape,
}

/// Which limit an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_len`](crate::Limits::max_len).
    MaxLen,
    /// [`Limits::max_depth`](crate::Limits::max_depth).
    MaxDepth,
    /// [`Limits::max_rank`](crate::Limits::max_rank).
    MaxRank,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxLen => "max_len",
            Self::MaxDepth => "max_depth",
            Self::MaxRank => "max_rank",
        })
    }
}

/// Why something was refused, and where: 32 bytes, `Copy`, made without allocation.
#[derive(Clone, Copy, thiserror::Error)]
#[error("{} at byte {offset} ({})", self.reason(), self.what())]
pub struct DecodeError {
    offset: u64,
    entry: &'static Entry,
    met: u64,
    max: u32,
    kind: DecodeErrorKind,
    limit: Option<Limit>,
    root: Root,
}

impl DecodeError {
    #[cold]
    pub(crate) const fn new(kind: DecodeErrorKind, offset: usize, root: Root, entry: &'static Entry) -> Self {
        Self { offset: offset as u64, entry, met: 0, max: 0, kind, limit: None, root }
    }

    #[cold]
    pub(crate) fn over(limit: Limit, met: u64, max: u32, offset: usize, root: Root, entry: &'static Entry) -> Self {
        let error = Self::new(DecodeErrorKind::LimitExceeded, offset, root, entry);
        Self { met, max, limit: Some(limit), ..error }
    }

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

    /// The name of the field at fault, or of the field whose message it is in; for the outermost what that is, such as `package`.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.entry.name
    }

    /// What the offset counts in, and [`path`](Self::path) asks for: `package`, or what was in a package, `data_payload`, `trigger_message`,
    /// `interval_trigger_message`, `aligned_package` or `drift_bytes`.
    #[must_use]
    pub fn root(&self) -> &'static str {
        self.root.entry().name
    }

    /// The limit that was exceeded, if that is the kind.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// The way to it from the outermost message down, such as `meta.alignment_info.packages[3].topic`, of the bytes that were refused,
    /// which [`root`](Self::root) tells: a package, or what was in an [`AnyRef`](crate::AnyRef). They are read again up to there. Empty for faults of the outermost message, and
    /// of DriftBytes. An index counts within the piece of a message that came in pieces.
    #[must_use]
    pub fn path(&self, bytes: &[u8]) -> String {
        let mut path = String::new();
        let (Some(mut schema), true) = (self.root.schema(), self.limit != Some(Limit::MaxLen)) else { return path };
        // What ends a message too early is at its end, and a message that is too deep may be empty; all else is in front of an end.
        let is_at_end = matches!(self.kind, DecodeErrorKind::UnexpectedEnd | DecodeErrorKind::LimitExceeded);
        let (mut message, mut start) = (bytes, 0_u64);
        'down: loop {
            let mut fields = Fields::new(message);
            let mut met = [0_u32; 18];
            while let Some(field) = fields.next() {
                let end = start.saturating_add((message.len().saturating_sub(fields.rest().len())) as u64);
                let Value::Bytes(content) = field.value else {
                    if end < self.offset || end == self.offset && !is_at_end {
                        continue;
                    }
                    break 'down;
                };
                let index = met.get_mut(field.number as usize).map_or(0, |met| {
                    *met = met.saturating_add(1);
                    met.saturating_sub(1)
                });
                let step = schema.step(field.number);
                // A group that is too deep begins where the field in front of it ends, which is no message then.
                let is_message = step.is_some_and(|(_, inner)| inner.is_some());
                let may_be_at_end = is_at_end && (self.limit.is_none() || is_message);
                if end < self.offset || end == self.offset && !may_be_at_end {
                    continue;
                }
                let Some((name, inner)) = step else { break 'down };
                let dot = if path.is_empty() { "" } else { "." };
                let repeated = matches!(name, "data" | "labels" | "packages" | "items" | "variables" | "payloads");
                // Writing into a text does not fail.
                let _ = write!(path, "{dot}{name}");
                if repeated && inner.is_some() {
                    let _ = write!(path, "[{index}]");
                }
                start = end.saturating_sub(content.len() as u64);
                let Some(inner) = inner.filter(|_| self.limit.is_none() || start != self.offset) else { break 'down };
                (schema, message) = (inner, content);
                continue 'down;
            }
            break;
        }
        path
    }

    /// What is wrong, in words and without the place.
    pub fn reason(&self) -> impl fmt::Display + use<> {
        Reason(*self)
    }
}

impl PartialEq for DecodeError {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.offset, self.limit, self.root, self.what())
            == (other.kind, other.offset, other.limit, other.root, other.what())
    }
}

impl Eq for DecodeError {}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodeError({self})")
    }
}

struct Reason(DecodeError);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &self.0;
        f.write_str(match error.kind {
            DecodeErrorKind::UnexpectedEnd => "ends in a field",
            DecodeErrorKind::InvalidVarint => "number of more than ten bytes",
            DecodeErrorKind::InvalidTag => "no field begins",
            DecodeErrorKind::UnexpectedGroupEnd => "end of a group that did not begin",
            DecodeErrorKind::InvalidUtf8 => "text is not UTF-8",
            DecodeErrorKind::UnsupportedVersion => "version is not 0",
            DecodeErrorKind::UnknownType => "no such type",
            DecodeErrorKind::NotEmpty => "values of type none",
            DecodeErrorKind::InvalidShape => "more values than bytes",
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
            Self::UnexpectedEnd => "unexpected_end",
            Self::InvalidVarint => "invalid_varint",
            Self::InvalidTag => "invalid_tag",
            Self::UnexpectedGroupEnd => "unexpected_group_end",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::LimitExceeded => "limit_exceeded",
            Self::UnsupportedVersion => "unsupported_version",
            Self::UnknownType => "unknown_type",
            Self::NotEmpty => "not_empty",
            Self::InvalidShape => "invalid_shape",
        })
    }
}

#[cfg(feature = "std")]
impl From<DecodeError> for std::io::Error {
    fn from(error: DecodeError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

#[cfg(feature = "std")]
impl From<crate::EncodeError> for std::io::Error {
    fn from(error: crate::EncodeError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

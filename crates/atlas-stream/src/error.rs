use core::fmt;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// A text that is not UTF-8.
    InvalidUtf8,
    /// A byte order mark in front.
    ByteOrderMark,
    /// A key without a colon.
    MissingColon,
    /// Nothing, where something has to be.
    Empty,
    /// A character that may not be there.
    InvalidCharacter,
    /// More characters than allowed.
    TooLong,
}

/// Where something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Key,
    MessageType,
    StreamId,
    Group,
    DependencyType,
    DependencyId,
}

/// Why something was refused, and where: 16 bytes, `Copy`, made without allocation.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset} ({})", self.reason(), self.what())]
pub struct DecodeError {
    offset: u64,
    kind: DecodeErrorKind,
    field: Field,
}

impl DecodeError {
    #[cold]
    pub(crate) const fn new(kind: DecodeErrorKind, offset: usize, field: Field) -> Self {
        Self { offset: offset as u64, kind, field }
    }

    /// The same, so many bytes further on.
    pub(crate) const fn moved(self, by: u64) -> Self {
        Self { offset: self.offset.saturating_add(by), ..self }
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

    /// The name of the field at fault.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self.field {
            Field::Key => "key",
            Field::MessageType => "type",
            Field::StreamId => "stream id",
            Field::Group => "group",
            Field::DependencyType => "dependency type",
            Field::DependencyId => "dependency id",
        }
    }

    /// What is wrong, in words and without the place.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self.kind {
            DecodeErrorKind::InvalidUtf8 => "text is not UTF-8",
            DecodeErrorKind::ByteOrderMark => "begins with a byte order mark",
            DecodeErrorKind::MissingColon => "ends without a colon",
            DecodeErrorKind::Empty => "is empty",
            DecodeErrorKind::InvalidCharacter => "character that may not be there",
            DecodeErrorKind::TooLong => "more than 64 characters",
        }
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodeError({self})")
    }
}

impl fmt::Display for DecodeErrorKind {
    /// In one word, `snake_case`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidUtf8 => "invalid_utf8",
            Self::ByteOrderMark => "byte_order_mark",
            Self::MissingColon => "missing_colon",
            Self::Empty => "empty",
            Self::InvalidCharacter => "invalid_character",
            Self::TooLong => "too_long",
        })
    }
}

#[cfg(feature = "std")]
impl From<DecodeError> for std::io::Error {
    fn from(error: DecodeError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

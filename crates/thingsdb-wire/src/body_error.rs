use core::fmt;

use crate::package::PackageRef;

/// What is wrong with the data of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyErrorKind {
    /// The data ends inside a value, or there is none.
    UnexpectedEnd,
    /// Bytes follow the one value.
    TrailingBytes,
    /// A byte that begins no value.
    InvalidTag,
    /// A value of another type than the field has.
    UnexpectedType,
    /// An array with too few items, or too many.
    InvalidLength,
    /// A text that is not UTF-8.
    InvalidUtf8,
    /// A number out of range, or a text that does not follow its rule.
    InvalidValue,
    /// A map without a field that must be there.
    MissingField,
    /// A map with the same field twice.
    DuplicateField,
    /// A container that should have been closed before the data ends, or nested deeper than allowed.
    InvalidNesting,
    /// A key the peer would misread (`legacy` queries).
    UnknownField,
}

impl fmt::Display for BodyErrorKind {
    /// In one word, `snake_case`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedEnd => "unexpected_end",
            Self::TrailingBytes => "trailing_bytes",
            Self::InvalidTag => "invalid_tag",
            Self::UnexpectedType => "unexpected_type",
            Self::InvalidLength => "invalid_length",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidValue => "invalid_value",
            Self::MissingField => "missing_field",
            Self::DuplicateField => "duplicate_field",
            Self::InvalidNesting => "invalid_nesting",
            Self::UnknownField => "unknown_field",
        })
    }
}

/// Why the data of a package is not what its TYPE says, and where: `Copy`, made without allocation. The package itself is
/// unharmed, and so is the next.
///
/// ```
/// # #[cfg(feature = "msgpack")] {
/// use thingsdb_wire::{BodyErrorKind, PackageRef, v1::RequestRef};
///
/// let cut = PackageRef { id: 9, kind: 34, data: b"\x92\xa7//stu" }; // QUERY
/// let error = RequestRef::decode(cut).unwrap_err();
/// assert_eq!((error.kind(), error.offset(), error.what()), (BodyErrorKind::UnexpectedEnd, 7, "scope"));
/// assert_eq!((error.package_id(), error.package_kind()), (9, 34));
/// assert_eq!(error.to_string(), "data ends at byte 7 (scope) of package 9 of type 34");
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset} ({what}) of package {package_id} of type {package_kind}", self.reason())]
pub struct BodyError {
    what: &'static str,
    offset: u32,
    package_id: u16,
    package_kind: u8,
    kind: BodyErrorKind,
}

impl BodyError {
    /// What is wrong; prints as one word in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> BodyErrorKind {
        self.kind
    }

    /// Bytes from the start of the data to the fault; the header is not counted.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset as u64
    }

    /// The name of the field at fault, `DATA` for the whole.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// ID of the package.
    #[must_use]
    pub const fn package_id(&self) -> u16 {
        self.package_id
    }

    /// TYPE of the package.
    #[must_use]
    pub const fn package_kind(&self) -> u8 {
        self.package_kind
    }

    /// The bytes of `data` from the fault on, 16 at most, for a log. They may be part of a password.
    #[must_use]
    pub fn excerpt<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        let rest = usize::try_from(self.offset).ok().and_then(|offset| data.get(offset..)).unwrap_or_default();
        rest.get(..16).unwrap_or(rest)
    }

    #[cold]
    pub(crate) fn new(kind: BodyErrorKind, offset: usize, what: &'static str) -> Self {
        // LEN has 32 bits; a slice of the caller's own may be longer.
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        Self { what, offset, package_id: 0, package_kind: 0, kind }
    }

    /// The same, in this package.
    pub(crate) const fn of(mut self, package: PackageRef<'_>) -> Self {
        self.package_id = package.id;
        self.package_kind = package.kind;
        self
    }

    /// What is wrong, in words and without the place, for those who tell the place in their own way.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self.kind {
            BodyErrorKind::UnexpectedEnd => "data ends",
            BodyErrorKind::TrailingBytes => "bytes follow the value",
            BodyErrorKind::InvalidTag => "no value begins",
            BodyErrorKind::UnexpectedType => "value of another type",
            BodyErrorKind::InvalidLength => "wrong number of items",
            BodyErrorKind::InvalidUtf8 => "text is not UTF-8",
            BodyErrorKind::InvalidValue => "value is not allowed",
            BodyErrorKind::MissingField => "field is missing from the map",
            BodyErrorKind::DuplicateField => "field is there twice",
            BodyErrorKind::InvalidNesting => "containers are not closed, or nested too deep",
            BodyErrorKind::UnknownField => "field would be misread",
        }
    }
}

#[cfg(feature = "std")]
impl From<BodyError> for std::io::Error {
    fn from(error: BodyError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

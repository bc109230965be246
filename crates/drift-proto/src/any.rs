use core::fmt;

use crate::error::DecodeError;
use crate::limits::Limits;
use crate::package::text;
use crate::wire::{Fields, Value, two_bytes};

/// In front of the name of a message in an [`AnyRef`], when it is written.
pub(crate) const PREFIX: &str = "type.googleapis.com/";

/// `google.protobuf.Any`: a message of any type, where it lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AnyRef<'a> {
    /// In UTF-8.
    type_url: &'a [u8],
    value: &'a [u8],
}

/// A message that may be in an [`AnyRef`].
pub trait Unpack<'a>: Sized {
    /// Its full name, such as `drift.proto.common.DataPayload`; without slashes.
    const NAME: &'static str;

    /// Reads it.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes, with offsets in them.
    fn unpack(value: &'a [u8], limits: &Limits) -> Result<Self, DecodeError>;
}

impl<'a> AnyRef<'a> {
    /// Of a message that was checked.
    #[inline(always)]
    pub(crate) fn of(message: &'a [u8]) -> Self {
        if let Some((type_url, value)) = two_bytes(message) {
            return Self { type_url, value };
        }
        let (mut type_url, mut value) = (&[][..], &[][..]);
        for field in Fields::new(message) {
            match (field.number, field.value) {
                (1, Value::Bytes(bytes)) => type_url = bytes,
                (2, Value::Bytes(bytes)) => value = bytes,
                _ => {}
            }
        }
        Self { type_url, value }
    }

    /// Of its two fields.
    #[must_use]
    pub const fn new(type_url: &'a str, value: &'a [u8]) -> Self {
        Self { type_url: type_url.as_bytes(), value }
    }

    /// Which message it is, in the form of an address.
    #[must_use]
    #[inline]
    pub fn type_url(self) -> &'a str {
        text(self.type_url)
    }

    /// The message.
    #[must_use]
    pub const fn value(self) -> &'a [u8] {
        self.value
    }

    /// The name of the message: what is behind the last slash; `None` without one.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        self.type_url().rsplit_once('/').map(|(_, name)| name)
    }

    /// Whether it is a message of this name, whatever is in front of the last slash.
    #[must_use]
    pub fn is(self, name: &str) -> bool {
        self.holds(name) && !name.contains('/')
    }

    /// Whether it is a message of this name, which is without a slash.
    #[inline]
    pub(crate) fn holds(self, name: &str) -> bool {
        self.type_url.strip_suffix(name.as_bytes()).is_some_and(|front| front.last() == Some(&b'/'))
    }

    /// The message, if it is of this type, under [`Limits::DEFAULT`], whatever the package was read under.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with offsets in [`value`](Self::value).
    #[inline]
    pub fn unpack<T: Unpack<'a>>(self) -> Result<Option<T>, DecodeError> {
        self.unpack_with(&Limits::DEFAULT)
    }

    /// The same under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`unpack`](Self::unpack).
    #[inline]
    pub fn unpack_with<T: Unpack<'a>>(self, limits: &Limits) -> Result<Option<T>, DecodeError> {
        if self.holds(T::NAME) { T::unpack(self.value, limits).map(Some) } else { Ok(None) }
    }
}

impl fmt::Debug for AnyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyRef({:?}, [{} bytes])", self.type_url(), self.value.len())
    }
}

use alloc::boxed::Box;
use alloc::string::ToString;
use core::fmt;

use crate::error::{DecodeError, EncodeError};
use crate::path::Path;

/// Why serde could not read or write a value; one word, so that what succeeds pays nothing for it.
pub struct Error(Box<Cause>);

#[derive(Debug)]
enum Cause {
    Decode(DecodeError),
    Encode(EncodeError),
    /// In the words of the type that was read or written.
    Other {
        message: Box<str>,
        offset: Option<usize>,
    },
}

impl Error {
    /// The fault in the bytes, if it is one.
    #[must_use]
    pub fn decode_error(&self) -> Option<&DecodeError> {
        if let Cause::Decode(error) = &*self.0 { Some(error) } else { None }
    }

    /// The fault in writing, if it is one of this crate's.
    #[must_use]
    pub fn encode_error(&self) -> Option<&EncodeError> {
        if let Cause::Encode(error) = &*self.0 { Some(error) } else { None }
    }

    /// Reading: where the fault, or the value that the type refused, is; where it misses something, how many bytes had been
    /// read.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        match &*self.0 {
            Cause::Decode(error) => Some(error.offset()),
            Cause::Encode(_) => None,
            Cause::Other { offset, .. } => *offset,
        }
    }

    /// The way to the fault, found by walking `input`, the bytes that were read, once more up to the offset.
    #[must_use]
    pub fn path(&self, input: &[u8]) -> Option<Path> {
        self.offset().map(|offset| Path::to(input, offset))
    }

    /// The same error with a place, if it has none.
    #[cold]
    pub(super) fn or_at(mut self, position: usize) -> Self {
        if let Cause::Other { offset: offset @ None, .. } = &mut *self.0 {
            *offset = Some(position);
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Decode(error) => error.fmt(f),
            Cause::Encode(error) => error.fmt(f),
            Cause::Other { message, offset: Some(offset) } => write!(f, "{message} at byte {offset}"),
            Cause::Other { message, offset: None } => f.write_str(message),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for Error {}

impl serde::de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(Cause::Other { message: message.to_string().into_boxed_str(), offset: None }))
    }
}

impl serde::ser::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        <Self as serde::de::Error>::custom(message)
    }
}

impl From<DecodeError> for Error {
    #[cold]
    fn from(error: DecodeError) -> Self {
        Self(Box::new(Cause::Decode(error)))
    }
}

impl From<EncodeError> for Error {
    #[cold]
    fn from(error: EncodeError) -> Self {
        Self(Box::new(Cause::Encode(error)))
    }
}

use core::num::NonZeroUsize;

use crate::error::{DecodeError, DecodeErrorKind};
use crate::limits::Limits;
use crate::package::PackageRef;

/// What the front of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Decoded<T> {
    /// A whole package, and the bytes it took.
    Complete {
        /// What was read.
        value: T,
        /// Bytes to drop from the front of the stream.
        consumed: usize,
    },
    /// The start of one.
    Incomplete {
        /// So many bytes are missing: to the end of the header first, and then to the end of the package.
        needed: NonZeroUsize,
    },
}

/// Finds the packages of a stream that arrives in pieces.
///
/// The caller keeps the buffer: hand in the bytes that are not consumed yet, from the first, each time there are more. The
/// same packages come out however the stream is cut. After a header that is wrong nobody can know where the next one begins,
/// so an error is final: close the connection. It is repeated until [`reset`](Self::reset).
///
/// ```
/// use thingsdb_wire::{Decoded, Decoder};
///
/// let mut decoder = Decoder::new();
/// let stream = b"\x00\x00\x00\x00\x00\x00\x20\xdf\x01\x00\x00\x00\x03\x00\x12\xed\x02"; // PING, DATA
/// assert!(matches!(decoder.decode(&stream[..5])?, Decoded::Incomplete { needed } if needed.get() == 3));
/// let Decoded::Complete { value, consumed } = decoder.decode(stream)? else { panic!() };
/// assert_eq!((value.kind, value.data.len(), consumed), (32, 0, 8));
/// let Decoded::Complete { value, .. } = decoder.decode(&stream[consumed..])? else { panic!() };
/// assert_eq!((value.id, value.kind, value.data), (3, 18, &[2][..]));
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    limits: Limits,
    /// Bytes of the stream before the package that is due.
    offset: u64,
    failed: Option<DecodeError>,
}

impl Decoder {
    /// A decoder under [`Limits::DEFAULT`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(&Limits::DEFAULT)
    }

    /// A decoder with limits of the caller's.
    #[must_use]
    pub fn with_limits(limits: &Limits) -> Self {
        Self { limits: *limits, offset: 0, failed: None }
    }

    /// Looks for a whole package at the front of `input`, which starts where the last one ended.
    ///
    /// # Errors
    ///
    /// What is wrong with the header; the offset counts from the start of the stream.
    #[inline]
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Decoded<PackageRef<'a>>, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let decoded = PackageRef::decode_prefix(input, &self.limits);
        match decoded {
            Ok(Decoded::Complete { consumed, .. }) => self.offset = self.offset.saturating_add(consumed as u64),
            Ok(Decoded::Incomplete { .. }) => {}
            Err(error) => return Err(self.fail(error)),
        }
        decoded
    }

    /// At the end of the stream: is there a torn package in `rest`, the bytes not consumed? Whole ones are passed: decode them first.
    ///
    /// # Errors
    ///
    /// [`UnexpectedEnd`](DecodeErrorKind::UnexpectedEnd) if so, and whatever [`decode`](Self::decode) reports.
    pub fn finish(&mut self, rest: &[u8]) -> Result<(), DecodeError> {
        let mut at = 0;
        while let Some(rest) = rest.get(at..).filter(|rest| !rest.is_empty()) {
            match self.decode(rest)? {
                Decoded::Complete { consumed, .. } => at = at.saturating_add(consumed),
                Decoded::Incomplete { .. } => {
                    let header = rest.first_chunk().copied();
                    return Err(self.fail(DecodeError::new(DecodeErrorKind::UnexpectedEnd, rest.len(), header)));
                }
            }
        }
        Ok(())
    }

    /// Forgets an error, for another stream.
    pub fn reset(&mut self) {
        *self = Self::with_limits(&self.limits);
    }

    #[cold]
    fn fail(&mut self, error: DecodeError) -> DecodeError {
        let error = error.shifted(self.offset);
        self.failed = Some(error);
        error
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

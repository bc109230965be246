use core::num::NonZeroUsize;

use crate::error::DecodeError;
use crate::limits::Config;
use crate::reader::{Reader, State};
use crate::value_ref::ValueRef;

/// What the front of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Decoded<T> {
    /// A whole value, and the bytes it took.
    Complete {
        /// What was read.
        value: T,
        /// Bytes to drop from the front of the stream.
        consumed: usize,
    },
    /// The start of one.
    Incomplete {
        /// At least so many bytes are missing. It may turn out to be more; it never is fewer.
        needed: NonZeroUsize,
    },
}

impl<T> Decoded<T> {
    pub(crate) fn incomplete(missing: u64) -> Self {
        let needed = usize::try_from(missing).ok().and_then(NonZeroUsize::new);
        Self::Incomplete { needed: needed.unwrap_or(NonZeroUsize::MIN) }
    }

    pub(crate) fn map<U>(self, f: impl FnOnce(T, usize) -> U) -> Decoded<U> {
        match self {
            Self::Complete { value, consumed } => Decoded::Complete { value: f(value, consumed), consumed },
            Self::Incomplete { needed } => Decoded::Incomplete { needed },
        }
    }
}

/// Finds the values of a stream that arrives in pieces, and looks at no byte twice.
///
/// The caller keeps the buffer: hand in the bytes that are not consumed yet, from the first, each time there are more.
/// The same values come out however the stream is cut. qpack has no marker at which to start anew after a fault, so an
/// error is final: it is repeated until [`reset`](Self::reset).
///
/// ```
/// use qpack_codec::{Decoded, Decoder};
///
/// let mut decoder = Decoder::new();
/// let stream = b"\xef\x85admin\x84pass\x07";
/// assert!(matches!(decoder.decode(&stream[..5])?, Decoded::Incomplete { needed } if needed.get() == 2));
/// let Decoded::Complete { value, consumed } = decoder.decode(stream)? else { panic!() };
/// assert_eq!((value.as_array().unwrap().len(), consumed), (2, 12));
/// let Decoded::Complete { value, .. } = decoder.decode(&stream[consumed..])? else { panic!() };
/// assert_eq!(value.as_int(), Some(7));
/// # Ok::<(), qpack_codec::DecodeError>(())
/// ```
///
/// Over something that reads, with one move of the rest a read:
///
/// ```
/// use std::io::Read;
///
/// use qpack_codec::{Decoded, Decoder};
///
/// fn values(mut source: impl Read) -> Result<usize, Box<dyn std::error::Error>> {
///     let (mut decoder, mut buffer, mut chunk) = (Decoder::new(), Vec::new(), [0; 4096]);
///     let mut values = 0;
///     loop {
///         let mut start = 0;
///         while let Decoded::Complete { value: _, consumed } = decoder.decode(&buffer[start..])? {
///             values += 1;
///             start += consumed;
///         }
///         buffer.drain(..start);
///         match source.read(&mut chunk)? {
///             0 => return Ok(decoder.finish(&buffer).map(|()| values)?),
///             len => buffer.extend_from_slice(&chunk[..len]),
///         }
///     }
/// }
///
/// assert_eq!(values(&b"\x01\xee\x02\x83abc"[..])?, 3);
/// assert!(values(&b"\x01\xee"[..]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    config: Config,
    state: State,
    /// Bytes of the value at the front that were looked at and need not be again.
    scanned: usize,
    failed: Option<DecodeError>,
}

impl Decoder {
    /// A decoder under [`Limits::DEFAULT`](crate::Limits::DEFAULT).
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(&Config::DEFAULT)
    }

    /// A decoder with limits of the caller's. The lenient settings do not apply to streams, where the end of a piece is not
    /// the end of a value and what follows one is the next: a value that is never closed stays incomplete, and is cut out by the
    /// header in front of it, then decoded as a whole.
    #[must_use]
    pub fn with_config(config: &Config) -> Self {
        Self { config: *config, state: State::new(config), scanned: 0, failed: None }
    }

    /// Looks for a whole value at the front of `input`, which starts where the last value ended.
    ///
    /// # Errors
    ///
    /// What is wrong with the value; the offset counts from the front of `input`.
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Decoded<ValueRef<'a>>, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if input.len() < self.scanned {
            // Not the bytes of the last call: start over on these.
            self.reset();
        }
        let state = core::mem::replace(&mut self.state, State::new(&self.config));
        let mut reader = Reader::resume(input, self.scanned, state, &self.config);
        let decoded = reader.finish_prefix();
        match &decoded {
            Ok(Decoded::Complete { .. }) => self.scanned = 0,
            Ok(Decoded::Incomplete { .. }) => {
                self.scanned = reader.position();
                self.state = reader.into_state();
            }
            Err(error) => self.failed = Some(*error),
        }
        Ok(decoded?.map(|(), consumed| ValueRef::of_checked(input.get(..consumed).unwrap_or_default())))
    }

    /// At the end of the stream: is there a torn value in `rest`, the bytes not consumed?
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::UnexpectedEnd`](crate::DecodeErrorKind::UnexpectedEnd) or
    /// [`DecodeErrorKind::Unclosed`](crate::DecodeErrorKind::Unclosed) if so, and whatever
    /// [`decode`](Self::decode) reports.
    pub fn finish(&mut self, rest: &[u8]) -> Result<(), DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let strict = Config { end_closes_open: false, ignore_trailing: true, ..self.config };
        let mut at = 0;
        while let Some(rest) = rest.get(at..).filter(|rest| !rest.is_empty()) {
            match Reader::with_config(rest, &strict).finish() {
                Ok(len) => at = at.saturating_add(len),
                Err(error) => {
                    self.failed = Some(error.shifted(at));
                    return Err(error.shifted(at));
                }
            }
        }
        Ok(())
    }

    /// Forgets a value that was begun, and an error.
    pub fn reset(&mut self) {
        *self = Self::with_config(&self.config);
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

use alloc::vec::Vec;

use super::buffer::Buffer;
use super::forms::{close_counted, double, int, raw};
use crate::error::EncodeError;
use crate::limits::{Config, Limit};
use crate::token::Token;
use crate::wire::tag;

/// Pushes the tokens of one value into a buffer, each number and raw in its smallest form (SPEC.md §3).
///
/// A container of known length ([`array`](Self::array), [`map`](Self::map)) gets a counted tag up to five items or pairs,
/// else an open tag and a close byte. Where the length is not known, `*_auto` finds it out at the end and writes the same
/// bytes, and `*_open` streams: an open tag and a close byte whatever the length. All of them are ended by
/// [`end`](Self::end).
///
/// Nothing counts until [`finish`](Self::finish): on an error, or when a writer is dropped before, the buffer is cut back to
/// what it held.
///
/// ```
/// use qpack_codec::Writer;
///
/// let mut out = Vec::new();
/// let mut writer = Writer::new(&mut out);
/// writer.map(2)?.str("name")?.str("temperature")?.str("points")?.array_open()?;
/// for point in [20.5, 21.0] {
///     writer.double(point)?;
/// }
/// writer.end()?.end()?;
/// writer.finish()?;
/// assert!(out.starts_with(b"\xf5\x84name\x8btemperature\x86points\xfc"));
/// # Ok::<(), qpack_codec::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Writer<'b, B: Buffer> {
    out: &'b mut B,
    /// Bytes that the buffer held before.
    start: usize,
    config: Config,
    open: Vec<Frame>,
    values_left: usize,
    complete: bool,
    finished: bool,
    failed: Option<EncodeError>,
}

#[derive(Debug)]
struct Frame {
    tag_at: usize,
    form: Form,
    is_map: bool,
    /// Values written, keys counted.
    written: usize,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// So many values are announced, keys counted.
    Known(usize),
    Auto,
    Open,
}

impl<'b, B: Buffer> Writer<'b, B> {
    /// A writer that appends one value to `out`, exact, under [`Limits::DEFAULT`](crate::Limits::DEFAULT).
    pub fn new(out: &'b mut B) -> Self {
        Self::with_config(out, &Config::DEFAULT)
    }

    /// A writer that appends one value to `out`.
    pub fn with_config(out: &'b mut B, config: &Config) -> Self {
        Self {
            start: out.filled(),
            out,
            config: *config,
            open: Vec::new(),
            values_left: config.limits.max_values,
            complete: false,
            finished: false,
            failed: None,
        }
    }

    /// Writes an integer.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LimitExceeded`]; [`EncodeError::CountMismatch`] where the container is full;
    /// [`EncodeError::AlreadyComplete`] after the value. The first error is final and is repeated. So for all methods below.
    pub fn int(&mut self, value: i64) -> Result<&mut Self, EncodeError> {
        self.scalar(|out, _| int(out, value))
    }

    /// Writes a double: −1.0, 0.0 and 1.0 in one byte, everything else with all its bits. −0.0 goes out in the long form
    /// unless [`Config::peer_compatible`] is set.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn double(&mut self, value: f64) -> Result<&mut Self, EncodeError> {
        self.scalar(|out, config| double(out, value, config.peer_compatible))
    }

    /// Writes a boolean.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn bool(&mut self, value: bool) -> Result<&mut Self, EncodeError> {
        self.scalar(|out, _| out.push(if value { tag::TRUE } else { tag::FALSE }))
    }

    /// Writes null.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn null(&mut self) -> Result<&mut Self, EncodeError> {
        self.scalar(|out, _| out.push(tag::NULL))
    }

    /// Writes bytes.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn raw(&mut self, bytes: &[u8]) -> Result<&mut Self, EncodeError> {
        self.take()?;
        // Measured before it is copied.
        let len = self.out.filled().saturating_sub(self.start).saturating_add(bytes.len());
        let max = self.config.limits.max_len;
        if len > max {
            return self.fail(EncodeError::LimitExceeded { limit: Limit::MaxLen, met: len as u64, max: max as u64 });
        }
        raw(self.out, bytes);
        self.complete = self.open.is_empty();
        self.within_len()
    }

    /// Writes text, as the raw that it is on the wire.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn str(&mut self, text: &str) -> Result<&mut Self, EncodeError> {
        self.raw(text.as_bytes())
    }

    /// Writes the hook byte `7c`. Only to pass on what was received: no two peers read it alike (SPEC.md §6).
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn hook(&mut self) -> Result<&mut Self, EncodeError> {
        self.scalar(|out, _| out.push(tag::HOOK))
    }

    /// Starts an array of `len` items.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int), and [`EncodeError::LimitExceeded`] for the depth. So for the five methods below.
    pub fn array(&mut self, len: usize) -> Result<&mut Self, EncodeError> {
        self.begin(false, Form::Known(len))
    }

    /// Starts a map of `len` pairs; keys and values follow in turn.
    ///
    /// # Errors
    ///
    /// As [`array`](Self::array).
    pub fn map(&mut self, len: usize) -> Result<&mut Self, EncodeError> {
        self.begin(true, Form::Known(len.saturating_mul(2)))
    }

    /// Starts an array that is counted as it is written.
    ///
    /// # Errors
    ///
    /// As [`array`](Self::array).
    pub fn array_auto(&mut self) -> Result<&mut Self, EncodeError> {
        self.begin(false, Form::Auto)
    }

    /// Starts a map that is counted as it is written.
    ///
    /// # Errors
    ///
    /// As [`array`](Self::array).
    pub fn map_auto(&mut self) -> Result<&mut Self, EncodeError> {
        self.begin(true, Form::Auto)
    }

    /// Starts an array in the streaming form.
    ///
    /// # Errors
    ///
    /// As [`array`](Self::array).
    pub fn array_open(&mut self) -> Result<&mut Self, EncodeError> {
        self.begin(false, Form::Open)
    }

    /// Starts a map in the streaming form.
    ///
    /// # Errors
    ///
    /// As [`array`](Self::array).
    pub fn map_open(&mut self) -> Result<&mut Self, EncodeError> {
        self.begin(true, Form::Open)
    }

    /// Ends the innermost container.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NothingOpen`]; [`EncodeError::MissingValue`] after a key; [`EncodeError::CountMismatch`] if fewer items
    /// came than announced.
    pub fn end(&mut self) -> Result<&mut Self, EncodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let Some(frame) = self.open.pop() else { return self.fail(EncodeError::NothingOpen) };
        if frame.is_map && frame.written % 2 == 1 {
            return self.fail(EncodeError::MissingValue);
        }
        let items = if frame.is_map { frame.written / 2 } else { frame.written };
        match frame.form {
            Form::Known(announced) if announced != frame.written => {
                let announced = if frame.is_map { announced / 2 } else { announced };
                return self.fail(EncodeError::CountMismatch { announced, written: items });
            }
            Form::Known(_) | Form::Auto => close_counted(self.out, frame.tag_at, frame.is_map, items),
            Form::Open => self.out.push(if frame.is_map { tag::MAP_CLOSE } else { tag::ARRAY_CLOSE }),
        }
        self.complete = self.open.is_empty();
        self.within_len()
    }

    /// Writes the tokens of a whole value in canonical form.
    pub(crate) fn whole<'t>(&mut self, tokens: impl Iterator<Item = Token<'t>>) -> Result<&mut Self, EncodeError> {
        for token in tokens {
            match token {
                Token::Array(_) => self.array_auto()?,
                Token::Map(_) => self.map_auto()?,
                Token::Int(_)
                | Token::Double(_)
                | Token::Raw(_)
                | Token::Bool(_)
                | Token::Null
                | Token::Hook
                | Token::End => self.token(token)?,
            };
        }
        Ok(self)
    }

    /// Writes one token; containers whose length it does not tell are counted as they are written.
    ///
    /// # Errors
    ///
    /// As the method for the token.
    pub fn token(&mut self, token: Token<'_>) -> Result<&mut Self, EncodeError> {
        match token {
            Token::Int(value) => self.int(value),
            Token::Double(value) => self.double(value),
            Token::Raw(bytes) => self.raw(bytes),
            Token::Bool(value) => self.bool(value),
            Token::Null => self.null(),
            Token::Hook => self.hook(),
            Token::Array(Some(len)) => self.array(len),
            Token::Array(None) => self.array_auto(),
            Token::Map(Some(len)) => self.map(len),
            Token::Map(None) => self.map_auto(),
            Token::End => self.end(),
        }
    }

    /// Settles what was written; returns its length in bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Unfinished`] if the value is not complete, and the error that came before, if one did.
    pub fn finish(mut self) -> Result<usize, EncodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.complete {
            self.fail(EncodeError::Unfinished)?;
        }
        self.finished = true;
        Ok(self.out.filled().saturating_sub(self.start))
    }

    #[inline]
    fn scalar(&mut self, write: impl FnOnce(&mut B, &Config)) -> Result<&mut Self, EncodeError> {
        self.take()?;
        write(self.out, &self.config);
        self.complete = self.open.is_empty();
        self.within_len()
    }

    fn begin(&mut self, is_map: bool, form: Form) -> Result<&mut Self, EncodeError> {
        self.take()?;
        let depth = self.open.len().saturating_add(1);
        let max = usize::from(self.config.limits.max_depth);
        if depth > max {
            return self.fail(EncodeError::LimitExceeded {
                limit: Limit::MaxDepth,
                met: depth as u64,
                max: max as u64,
            });
        }
        self.open.push(Frame { tag_at: self.out.filled(), form, is_map, written: 0 });
        self.out.push(if is_map { tag::MAP_OPEN } else { tag::ARRAY_OPEN });
        self.within_len()
    }

    /// Takes the place of one more value.
    #[inline]
    fn take(&mut self) -> Result<(), EncodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let Some(left) = self.values_left.checked_sub(1) else {
            let max = self.config.limits.max_values as u64;
            return self
                .fail(EncodeError::LimitExceeded { limit: Limit::MaxValues, met: max.saturating_add(1), max })
                .map(|_| ());
        };
        self.values_left = left;
        match self.open.last_mut() {
            Some(frame) => {
                frame.written = frame.written.saturating_add(1);
                match frame.form {
                    Form::Known(announced) if frame.written > announced => {
                        let (announced, written) = if frame.is_map {
                            (announced / 2, frame.written.div_ceil(2))
                        } else {
                            (announced, frame.written)
                        };
                        self.fail(EncodeError::CountMismatch { announced, written }).map(|_| ())
                    }
                    Form::Known(_) | Form::Auto | Form::Open => Ok(()),
                }
            }
            None if self.complete => self.fail(EncodeError::AlreadyComplete).map(|_| ()),
            None => Ok(()),
        }
    }

    #[inline]
    fn within_len(&mut self) -> Result<&mut Self, EncodeError> {
        let len = self.out.filled().saturating_sub(self.start);
        if len > self.config.limits.max_len {
            let max = self.config.limits.max_len as u64;
            return self.fail(EncodeError::LimitExceeded { limit: Limit::MaxLen, met: len as u64, max });
        }
        Ok(self)
    }

    #[cold]
    fn fail(&mut self, error: EncodeError) -> Result<&mut Self, EncodeError> {
        self.out.cut(self.start);
        self.failed = Some(error);
        Err(error)
    }
}

impl<B: Buffer> Drop for Writer<'_, B> {
    fn drop(&mut self) {
        if !self.finished {
            self.out.cut(self.start);
        }
    }
}

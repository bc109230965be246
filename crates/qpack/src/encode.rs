use alloc::vec::Vec;

use bytes::{BufMut, BytesMut};

use self::sealed::Sealed;
use crate::error::EncodeError;
use crate::limits::{Config, Limit, Limits};
use crate::token::Token;
use crate::wire::{MAX_COUNTED, tag};

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

/// A buffer that a [`Writer`] appends to and can cut back: `Vec<u8>` or [`BytesMut`].
pub trait Buffer: Sealed {}

impl Buffer for Vec<u8> {}
impl Buffer for BytesMut {}
impl Buffer for Count {}

/// Apart from [`Buffer`], so that its methods do not come along with that name.
mod sealed {
    #[expect(unnameable_types, reason = "sealed: who cannot name it cannot implement it")]
    pub trait Sealed {
        /// Bytes it holds.
        fn filled(&self) -> usize;
        /// Appends a byte.
        fn push(&mut self, byte: u8);
        /// Appends bytes.
        fn extend(&mut self, bytes: &[u8]);
        /// Cuts back to `len` bytes.
        fn cut(&mut self, len: usize);
        /// Replaces the byte at `at`.
        fn patch(&mut self, at: usize, byte: u8);
    }
}

impl Sealed for Vec<u8> {
    #[inline]
    fn filled(&self) -> usize {
        self.len()
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        Self::push(self, byte);
    }

    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn cut(&mut self, len: usize) {
        self.truncate(len);
    }

    #[inline]
    fn patch(&mut self, at: usize, byte: u8) {
        if let Some(slot) = self.get_mut(at) {
            *slot = byte;
        }
    }
}

impl Sealed for BytesMut {
    fn filled(&self) -> usize {
        self.len()
    }

    fn push(&mut self, byte: u8) {
        self.put_u8(byte);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn cut(&mut self, len: usize) {
        self.truncate(len);
    }

    fn patch(&mut self, at: usize, byte: u8) {
        if let Some(slot) = self.get_mut(at) {
            *slot = byte;
        }
    }
}

/// Takes bytes by number only.
#[derive(Debug)]
pub(crate) struct Count(usize);

impl Sealed for Count {
    fn filled(&self) -> usize {
        self.0
    }

    fn push(&mut self, _: u8) {
        self.0 = self.0.saturating_add(1);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }

    fn cut(&mut self, len: usize) {
        self.0 = len;
    }

    fn patch(&mut self, _: usize, _: u8) {}
}

/// Bytes that the tokens of one value make; 0 where no limits would let it pass.
pub(crate) fn measure<'a>(tokens: impl Iterator<Item = Token<'a>>) -> usize {
    let mut count = Count(0);
    match append(&mut count, tokens, &Config::CHECKED) {
        Ok(()) => count.0,
        Err(_) => 0,
    }
}

pub(crate) fn to_vec<'a>(tokens: impl Iterator<Item = Token<'a>>, config: &Config) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    append(&mut out, tokens, config)?;
    Ok(out)
}

/// Writes into a buffer that cannot be cut back: all of it or nothing.
pub(crate) fn put<'a>(
    out: &mut impl BufMut,
    tokens: impl Iterator<Item = Token<'a>>,
    config: &Config,
) -> Result<(), EncodeError> {
    let encoded = to_vec(tokens, config)?;
    let available = out.remaining_mut();
    if encoded.len() > available {
        return Err(EncodeError::BufferTooSmall { len: encoded.len(), available });
    }
    out.put_slice(&encoded);
    Ok(())
}

/// Appends the canonical form of the one value that `tokens` are known to make; on an error the buffer is as it was.
fn append<'a, B: Buffer>(
    out: &mut B,
    mut tokens: impl Iterator<Item = Token<'a>>,
    config: &Config,
) -> Result<(), EncodeError> {
    let start = out.filled();
    let mut sink = Sink {
        innermost: Level { tag_at: start, values: 0, unit: 1 },
        open: Vec::new(),
        start,
        out,
        values_left: config.limits.max_values,
        limits: config.limits,
    };
    let done = tokens.try_for_each(|token| match token {
        Token::Int(value) => sink.scalar(|out| int(out, value)),
        Token::Double(value) => sink.scalar(|out| double(out, value, config.peer_compatible)),
        Token::Raw(bytes) => sink.raw(bytes),
        Token::Bool(value) => sink.scalar(|out| out.push(if value { tag::TRUE } else { tag::FALSE })),
        Token::Null => sink.scalar(|out| out.push(tag::NULL)),
        Token::Hook => sink.scalar(|out| out.push(tag::HOOK)),
        Token::Array(_) => sink.begin(tag::ARRAY_OPEN, 1),
        Token::Map(_) => sink.begin(tag::MAP_OPEN, 2),
        Token::End => sink.end(),
    });
    done.inspect_err(|_| out.cut(start))
}

/// A [`Writer`] without the checks that a caller's own tokens need.
struct Sink<'b, B> {
    out: &'b mut B,
    start: usize,
    limits: Limits,
    values_left: usize,
    innermost: Level,
    open: Vec<Level>,
}

/// A container that is open. Three words without padding: with a flag among them each move would stall.
struct Level {
    tag_at: usize,
    /// Values it got, keys counted.
    values: usize,
    /// Values to an item: 1, or 2 in a map.
    unit: usize,
}

impl<B: Buffer> Sink<'_, B> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn scalar(&mut self, write: impl FnOnce(&mut B)) -> Result<(), EncodeError> {
        self.take()?;
        write(self.out);
        self.within_len(0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn raw(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.take()?;
        // Measured before it is copied, and after, since a length goes in front.
        self.within_len(bytes.len())?;
        raw(self.out, bytes);
        self.within_len(0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn begin(&mut self, tag: u8, unit: usize) -> Result<(), EncodeError> {
        self.take()?;
        if self.open.len() >= usize::from(self.limits.max_depth) {
            return Err(exceeded(Limit::MaxDepth, self.open.len().saturating_add(1), self.limits.max_depth.into()));
        }
        let entered = Level { tag_at: self.out.filled(), values: 0, unit };
        self.open.push(core::mem::replace(&mut self.innermost, entered));
        self.out.push(tag);
        self.within_len(0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn end(&mut self) -> Result<(), EncodeError> {
        let Level { tag_at, values, unit } = self.innermost;
        let is_map = unit == 2;
        close_counted(self.out, tag_at, is_map, if is_map { values / 2 } else { values });
        if let Some(outer) = self.open.pop() {
            self.innermost = outer;
        }
        self.within_len(0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take(&mut self) -> Result<(), EncodeError> {
        let Some(values_left) = self.values_left.checked_sub(1) else {
            let max = self.limits.max_values;
            return Err(exceeded(Limit::MaxValues, max.saturating_add(1), max));
        };
        self.values_left = values_left;
        self.innermost.values = self.innermost.values.wrapping_add(1);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn within_len(&self, more: usize) -> Result<(), EncodeError> {
        let len = self.out.filled().saturating_sub(self.start).saturating_add(more);
        if len > self.limits.max_len { Err(exceeded(Limit::MaxLen, len, self.limits.max_len)) } else { Ok(()) }
    }
}

#[cold]
fn exceeded(limit: Limit, met: usize, max: usize) -> EncodeError {
    EncodeError::LimitExceeded { limit, met: met as u64, max: max as u64 }
}

/// Ends a container that was begun with an open tag at `tag_at`, in the form that its length asks for.
#[inline]
pub(crate) fn close_counted<B: Buffer>(out: &mut B, tag_at: usize, is_map: bool, items: usize) {
    match u8::try_from(items) {
        Ok(few) if items <= MAX_COUNTED => {
            out.patch(tag_at, if is_map { tag::MAP0 } else { tag::ARRAY0 }.wrapping_add(few));
        }
        _ => out.push(if is_map { tag::MAP_CLOSE } else { tag::ARRAY_CLOSE }),
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn int<B: Buffer>(out: &mut B, value: i64) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "each arm is the range of its form")]
    match value {
        0..=0x3f => out.push(value as u8),
        -60..=-1 => out.push(63_i64.wrapping_sub(value) as u8),
        -0x80..=0x7f => out.extend(&[tag::INT8, value as u8]),
        -0x8000..=0x7fff => {
            let [a, b] = (value as i16).to_le_bytes();
            out.extend(&[tag::INT16, a, b]);
        }
        -0x8000_0000..=0x7fff_ffff => {
            let [a, b, c, d] = (value as i32).to_le_bytes();
            out.extend(&[tag::INT32, a, b, c, d]);
        }
        _ => tagged(out, tag::INT64, value.to_le_bytes()),
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn double<B: Buffer>(out: &mut B, value: f64, peer_compatible: bool) {
    const ONE: u64 = 1.0_f64.to_bits();
    const NEG_ONE: u64 = (-1.0_f64).to_bits();
    const NEG_ZERO: u64 = (-0.0_f64).to_bits();
    match value.to_bits() {
        0 => out.push(tag::DOUBLE_ZERO),
        ONE => out.push(tag::DOUBLE_ONE),
        NEG_ONE => out.push(tag::DOUBLE_NEG_ONE),
        NEG_ZERO if peer_compatible => out.push(tag::DOUBLE_ZERO),
        _ => tagged(out, tag::DOUBLE, value.to_le_bytes()),
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn raw<B: Buffer>(out: &mut B, bytes: &[u8]) {
    #[expect(clippy::cast_possible_truncation, reason = "each arm is the range of its form")]
    match bytes.len() as u64 {
        len @ 0..=99 => out.push(tag::RAW_FIRST.wrapping_add(len as u8)),
        len @ 100..=0xff => out.extend(&[tag::RAW8, len as u8]),
        len @ 0x100..=0xffff => {
            let [a, b] = (len as u16).to_le_bytes();
            out.extend(&[tag::RAW16, a, b]);
        }
        len @ 0x1_0000..=0xffff_ffff => {
            let [a, b, c, d] = (len as u32).to_le_bytes();
            out.extend(&[tag::RAW32, a, b, c, d]);
        }
        len => tagged(out, tag::RAW64, len.to_le_bytes()),
    }
    out.extend(bytes);
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn tagged<B: Buffer>(out: &mut B, first: u8, [a, b, c, d, e, f, g, h]: [u8; 8]) {
    out.extend(&[first, a, b, c, d, e, f, g, h]);
}

const _: () = assert!(MAX_COUNTED == (tag::ARRAY5 - tag::ARRAY0) as usize);

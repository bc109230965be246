use serde::de::{Error as _, Visitor};

use super::access::{Access, Enum};
use super::error::Error;
use crate::error::{DecodeError, DecodeErrorKind, What};
use crate::limits::{Config, Limit};
use crate::reader::{Reader, State};
use crate::wire::{self, Lexeme, Short, Then, tag};

/// Reads qpack for serde.
///
/// [`from_slice`](super::from_slice) is the short way; this type is for adapters that take a deserializer.
#[derive(Debug)]
pub struct Deserializer<'de> {
    input: &'de [u8],
    rest: &'de [u8],
    /// Bytes of the input that may be read.
    window: usize,
    config: Config,
    /// Containers around the next value.
    depth: u8,
    /// Options and newtypes around it.
    wraps: u8,
    values_left: usize,
}

/// How the container that was entered tells its end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// So many values are to come.
    Counted(u8),
    ClosedBy(u8),
}

/// The first byte of a counted map of one pair.
const ONE_PAIR: u8 = tag::MAP0 + 1;

impl<'de> Deserializer<'de> {
    /// A deserializer of the one value in `input`.
    #[must_use]
    pub fn with_config(input: &'de [u8], config: &Config) -> Self {
        let rest = input.get(..config.limits.max_len).unwrap_or(input);
        Self {
            input,
            rest,
            window: rest.len(),
            config: *config,
            depth: 0,
            wraps: 0,
            values_left: config.limits.max_values.saturating_sub(1),
        }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.window.saturating_sub(self.rest.len())
    }

    /// Checks that nothing follows; returns the length of the value.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::TrailingBytes`](crate::DecodeErrorKind::TrailingBytes) unless
    /// [`Config::ignore_trailing`] is set.
    pub fn finish(&mut self) -> Result<usize, Error> {
        let position = self.position();
        match self.input.get(position..) {
            Some(trailing @ &[first, ..]) if !self.config.ignore_trailing => {
                Err(DecodeError::trailing(position, first, trailing.len()).into())
            }
            _ => Ok(position),
        }
    }

    /// The raw that comes next; `None`, and nothing read, if something else does.
    #[inline]
    fn raw(&mut self) -> Result<Option<&'de [u8]>, Error> {
        if !matches!(self.peek(), Some(tag::RAW_FIRST..=tag::RAW64)) {
            return Ok(None);
        }
        match wire::lex(self.rest) {
            Ok((Lexeme::Raw(bytes), rest)) => {
                self.rest = rest;
                Ok(Some(bytes))
            }
            _ => Err(self.ended()),
        }
    }

    /// The raw that comes next, if one does and is whole, and what follows it.
    #[inline]
    pub(super) fn peek_raw(&self) -> Option<(&'de [u8], &'de [u8])> {
        match wire::lex(self.rest) {
            Ok((Lexeme::Raw(bytes), rest)) => Some((bytes, rest)),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn go_on(&mut self, rest: &'de [u8]) {
        self.rest = rest;
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Whether a container of this form has another value; at its end, leaves it.
    #[inline]
    pub(super) fn more(&mut self, form: &mut Form) -> Result<bool, Error> {
        match form {
            Form::Counted(left) => match left.checked_sub(1) {
                Some(less) => {
                    *left = less;
                    Ok(true)
                }
                None => Ok(false),
            },
            Form::ClosedBy(close) => {
                let more = match self.rest.split_first() {
                    Some((first, rest)) if first == close => {
                        self.rest = rest;
                        false
                    }
                    Some(_) => {
                        self.charge(1)?;
                        true
                    }
                    None if self.config.end_closes_open && self.window == self.input.len() => false,
                    None => return Err(self.unclosed()),
                };
                if !more {
                    *form = Form::Counted(0);
                }
                Ok(more)
            }
        }
    }

    /// Between a key and its value: a container that ends here lacks the value.
    #[inline]
    pub(super) fn value_of_key(&mut self, form: &mut Form) -> Result<(), Error> {
        match form {
            Form::Counted(left) => *left = left.saturating_sub(1),
            Form::ClosedBy(close) => {
                if self.peek() == Some(*close) {
                    let kind = DecodeErrorKind::MissingValue;
                    return Err(DecodeError::close(kind, self.position(), *close).into());
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn container<T>(
        &mut self,
        form: Form,
        names: &'static [&'static str],
        read: impl FnOnce(&mut Access<'_, 'de>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth >= self.config.limits.max_depth {
            return Err(self.too_deep());
        }
        if let Form::Counted(values) = form {
            self.charge(values)?;
        }
        self.depth = self.depth.wrapping_add(1);
        let mut access = Access::new(self, form, names);
        // Handed on as it is: to unwrap it and wrap it again is to move it about.
        let result = read(&mut access);
        if result.is_ok() {
            access.finish()?;
            self.depth = self.depth.wrapping_sub(1);
        }
        result
    }

    /// Counts values: those of a counted container when it is entered, those of an open one as they come.
    #[inline]
    fn charge(&mut self, values: u8) -> Result<(), Error> {
        match self.values_left.checked_sub(usize::from(values)) {
            Some(left) => {
                self.values_left = left;
                Ok(())
            }
            None => Err(self.too_many()),
        }
    }

    /// An option or newtype: nothing on the wire, but a step down the stack.
    #[inline]
    fn wrapped<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.wraps >= self.config.limits.max_depth {
            return Err(self.too_deep());
        }
        self.wraps = self.wraps.wrapping_add(1);
        let result = read(self);
        self.wraps = self.wraps.wrapping_sub(1);
        result
    }

    fn skip(&mut self) -> Result<(), Error> {
        let at = self.position();
        let state = State::inside(self.depth, self.values_left);
        let mut reader = Reader::resume(self.input, at, state, &self.config);
        reader.skip()?;
        self.rest = self.input.get(reader.position()..self.window).unwrap_or_default();
        self.values_left = reader.into_state().values_left();
        Ok(())
    }

    /// The input ends at or inside the token that comes next.
    #[cold]
    fn ended(&self) -> Error {
        let missing = wire::lex(self.rest).err().map_or(1, |short| short.missing);
        let what = self.peek().map_or(What::Value, What::Token);
        let wanted = (self.window as u64).saturating_add(missing);
        let max = self.config.limits.max_len;
        if wanted > max as u64 {
            return DecodeError::limited(Limit::MaxLen, self.position(), what, wanted, max).into();
        }
        DecodeError::end(self.position(), what, missing).into()
    }

    #[cold]
    fn unclosed(&self) -> Error {
        let max = self.config.limits.max_len;
        if self.window >= max {
            let met = (self.window as u64).saturating_add(1);
            return DecodeError::limited(Limit::MaxLen, self.position(), What::Value, met, max).into();
        }
        DecodeError::unclosed(self.position(), What::Value).into()
    }

    #[cold]
    fn too_deep(&self) -> Error {
        let max = self.config.limits.max_depth;
        let what = self.peek().map_or(What::Value, What::Token);
        DecodeError::limited(Limit::MaxDepth, self.position(), what, u64::from(max).saturating_add(1), max.into())
            .into()
    }

    #[cold]
    fn too_many(&self) -> Error {
        let max = self.config.limits.max_values;
        let what = self.peek().map_or(What::Value, What::Token);
        let met = (max as u64).saturating_add(1);
        DecodeError::limited(Limit::MaxValues, self.position(), what, met, max).into()
    }

    #[cold]
    fn stray_close(&self) -> Error {
        let first = self.peek().unwrap_or_default();
        DecodeError::close(DecodeErrorKind::UnexpectedClose, self.position(), first).into()
    }

    fn text(&self, bytes: &'de [u8]) -> Result<&'de str, Error> {
        core::str::from_utf8(bytes).map_err(|_| self.not_text(bytes))
    }

    #[cold]
    fn not_text(&self, bytes: &[u8]) -> Error {
        // In front of the bytes stands the length, whose form tells where the tag is.
        let body = self.position().saturating_sub(bytes.len());
        let start = [1, 2, 3, 5, 9].into_iter().filter_map(|head| body.checked_sub(head)).find(|&start| {
            let here = self.input.get(start..).map(wire::lex);
            matches!(here, Some(Ok((Lexeme::Raw(raw), _))) if core::ptr::eq(raw, bytes))
        });
        let start = start.unwrap_or(body);
        DecodeError::utf8(start, self.input.get(start).copied().unwrap_or_default()).into()
    }

    #[cold]
    fn hook(&self) -> Error {
        Error::custom("the hook byte has no meaning to read")
    }
}

/// What a visitor that takes anything makes of a token.
struct Any<'r, 'de, V> {
    de: &'r mut Deserializer<'de>,
    visitor: V,
    /// Of a struct, its fields.
    names: &'static [&'static str],
}

impl<'de, V: Visitor<'de>> Then<'de> for Any<'_, 'de, V> {
    type Out = Result<V::Value, Error>;

    #[inline(always)]
    fn token(self, lexeme: Lexeme<'de>, rest: &'de [u8]) -> Self::Out {
        let Any { de, visitor, names } = self;
        if let Lexeme::Hook = lexeme {
            return Err(de.hook());
        }
        if let Lexeme::ArrayClose | Lexeme::MapClose = lexeme {
            return Err(de.stray_close());
        }
        de.rest = rest;
        match lexeme {
            Lexeme::Int(value) => visitor.visit_i64(value),
            Lexeme::Double(value) => visitor.visit_f64(value),
            Lexeme::Raw(bytes) => match core::str::from_utf8(bytes) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => visitor.visit_borrowed_bytes(bytes),
            },
            Lexeme::Bool(value) => visitor.visit_bool(value),
            Lexeme::Null | Lexeme::Hook | Lexeme::ArrayClose | Lexeme::MapClose => visitor.visit_unit(),
            Lexeme::Array(items) => de.container(Form::Counted(items), &[], |access| visitor.visit_seq(access)),
            Lexeme::ArrayOpen => {
                de.container(Form::ClosedBy(tag::ARRAY_CLOSE), &[], |access| visitor.visit_seq(access))
            }
            Lexeme::Map(pairs) => de.container(Form::Counted(pairs << 1), names, |access| visitor.visit_map(access)),
            Lexeme::MapOpen => de.container(Form::ClosedBy(tag::MAP_CLOSE), names, |access| visitor.visit_map(access)),
        }
    }

    #[inline(always)]
    fn short(self, _: Short) -> Self::Out {
        Err(self.de.ended())
    }
}

impl<'de> serde::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = Error;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        wire::lex_then(self.rest, Any { de: self, visitor, names: &[] })
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.raw()? {
            Some(bytes) => visitor.visit_borrowed_str(self.text(bytes)?),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.raw()? {
            Some(bytes) => visitor.visit_borrowed_bytes(bytes),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some((&tag::NULL, rest)) = self.rest.split_first() {
            self.rest = rest;
            return visitor.visit_none();
        }
        self.wrapped(|inner| visitor.visit_some(inner))
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        wire::lex_then(self.rest, Any { de: self, visitor, names })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.wrapped(|inner| visitor.visit_newtype_struct(inner))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (form, rest) = match self.rest.split_first() {
            Some((&ONE_PAIR, rest)) => (Form::Counted(2), rest),
            Some((&tag::MAP_OPEN, rest)) => (Form::ClosedBy(tag::MAP_CLOSE), rest),
            Some((tag::RAW_FIRST..=tag::RAW64, _)) => return visitor.visit_enum(Enum::unit(self)),
            _ => return self.deserialize_any(visitor),
        };
        self.rest = rest;
        self.container(form, &[], |access| visitor.visit_enum(Enum::with_content(access)))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 unit unit_struct seq tuple tuple_struct map
    }
}

use serde::de::{Error as _, Expected, Unexpected, Visitor};

use super::access::{Access, Enum};
use super::error::Error;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::limits::Config;
use crate::reader::{Due, Reader, State};
use crate::wire::{self, Lexeme, tag};

/// Reads qpack for serde.
///
/// [`from_slice`](super::from_slice) is the short way; this type is for adapters that take a deserializer.
#[derive(Clone, Copy, Debug)]
pub struct Deserializer<'de> {
    input: &'de [u8],
    rest: &'de [u8],
    /// Bytes of the input that may be read.
    window: usize,
    config: Config,
    /// Containers around the next value.
    depth: u8,
    /// Options and newtypes around it, up to the next container.
    wraps: u8,
    /// Whether it is the key of a map.
    at_key: bool,
    values_left: usize,
}

/// How the container that was entered tells its end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// So many values are to come.
    Counted(u8),
    ClosedBy(u8),
}

macro_rules! forward {
    ($($to:ident: $($from:ident)+;)+) => {$($(
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn $from<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.$to(visitor)
        }
    )+)+};
}

/// The first byte of a counted map of one pair.
const ONE_PAIR: u8 = tag::MAP0 + 1;

impl Due {
    /// In an open container that this byte closes.
    const fn of(close: u8) -> Self {
        if close == tag::MAP_CLOSE { Self::KeyOrClose } else { Self::ItemOrClose }
    }
}

impl<'de> Deserializer<'de> {
    /// A deserializer of the one value in `input`.
    #[must_use]
    pub fn with_config(input: &'de [u8], config: &Config) -> Self {
        // Where not even one value is allowed, none is there to be read; `fault` tells why.
        let max_len = if config.limits.max_values == 0 { 0 } else { config.limits.max_len };
        let rest = input.get(..max_len).unwrap_or(input);
        Self {
            input,
            rest,
            window: rest.len(),
            config: *config,
            depth: 0,
            wraps: 0,
            at_key: false,
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

    /// The raw that comes next, if one does and is whole, and what follows it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn peek_raw(&self) -> Option<(&'de [u8], &'de [u8])> {
        match wire::lex(self.rest) {
            Ok((Lexeme::Raw(bytes), rest)) => Some((bytes, rest)),
            _ => None,
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn go_on(&mut self, rest: &'de [u8]) {
        self.rest = rest;
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn expect_key(&mut self) {
        self.at_key = true;
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Whether a container of this form has another value; at its end, leaves it.
    #[cfg_attr(not(debug_assertions), inline(always))]
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
                        self.go_on(rest);
                        false
                    }
                    Some(_) => {
                        self.charge(1, Due::of(*close))?;
                        true
                    }
                    None if self.config.end_closes_open && self.window == self.input.len() => false,
                    None => return Err(self.fault(Due::of(*close))),
                };
                if !more {
                    *form = Form::Counted(0);
                }
                Ok(more)
            }
        }
    }

    /// Between a key and its value: a container that ends here lacks the value.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn value_of_key(&mut self, form: &mut Form) -> Result<(), Error> {
        match form {
            Form::Counted(left) => *left = left.saturating_sub(1),
            Form::ClosedBy(close) => {
                if self.peek() == Some(*close) {
                    let kind = DecodeErrorKind::MissingValue;
                    return Err(DecodeError::close(kind, self.position(), *close).into());
                }
                self.charge(1, Due::ValueOfOpen)?;
            }
        }
        self.at_key = false;
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn container<T>(
        &mut self,
        form: Form,
        names: &'static [&'static str],
        read: impl FnOnce(&mut Access<'_, 'de>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth >= self.config.limits.max_depth {
            return Err(self.fault(Due::Value));
        }
        if let Form::Counted(values) = form {
            self.charge(values, Due::Value)?;
        }
        // Its tag, which told the form.
        if let Some((_, rest)) = self.rest.split_first() {
            self.go_on(rest);
        }
        self.depth = self.depth.wrapping_add(1);
        let wraps = core::mem::take(&mut self.wraps);
        let mut access = Access::new(self, form, names);
        // Handed on as it is: to unwrap it and wrap it again is to move it about.
        let result = read(&mut access);
        if result.is_ok() {
            access.finish()?;
            self.depth = self.depth.wrapping_sub(1);
            self.wraps = wraps;
        }
        result
    }

    /// Counts values: those of a counted container when it is entered, those of an open one as they come.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn charge(&mut self, values: u8, due: Due) -> Result<(), Error> {
        match self.values_left.checked_sub(usize::from(values)) {
            Some(left) => {
                self.values_left = left;
                Ok(())
            }
            None => Err(self.fault(due)),
        }
    }

    /// An option or newtype: nothing on the wire, but a step down the stack.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn wrapped<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.wraps >= super::MAX_WRAPS {
            return Err(super::too_wrapped());
        }
        self.wraps = self.wraps.wrapping_add(1);
        let result = read(self);
        self.wraps = self.wraps.wrapping_sub(1);
        result
    }

    /// The deserializer behind the value that comes next, whatever it is.
    #[inline(never)]
    fn skipped(mut self) -> Result<Self, Error> {
        if self.config.limits.max_values == 0 {
            return Err(self.fault(Due::Value));
        }
        let state = State::inside(self.depth, self.values_left);
        let mut reader = Reader::resume(self.input, self.position(), state, &self.config);
        reader.skip()?;
        self.rest = self.input.get(reader.position()..self.window).unwrap_or_default();
        self.values_left = reader.into_state().values_left();
        Ok(self)
    }

    /// What is wrong with what comes next, in the words of the one who reads for everybody.
    #[cold]
    fn fault(self, due: Due) -> Error {
        let due = if due == Due::Value && self.at_key { Due::Key } else { due };
        let state = match self.config.limits.max_values {
            0 => State::new(&self.config),
            _ => State::inside(self.depth, self.values_left).awaiting(due),
        };
        match Reader::resume(self.input, self.position(), state, &self.config).token() {
            Err(error) => error.into(),
            // Cannot be: a fault was seen.
            Ok(_) => Error::custom("value not readable").or_at(self.position()),
        }
    }

    /// Something else comes than the type takes, or nothing that could be read.
    #[cold]
    fn unexpected(self, expected: &dyn Expected) -> Error {
        let unexpected = match wire::lex(self.rest) {
            Ok((Lexeme::Int(value), _)) => Unexpected::Signed(value),
            Ok((Lexeme::Double(value), _)) => Unexpected::Float(value),
            Ok((Lexeme::Raw(bytes), _)) => match core::str::from_utf8(bytes) {
                Ok(text) => Unexpected::Str(text),
                Err(_) => Unexpected::Bytes(bytes),
            },
            Ok((Lexeme::Bool(value), _)) => Unexpected::Bool(value),
            Ok((Lexeme::Null, _)) => Unexpected::Unit,
            Ok((Lexeme::Hook, _)) => Unexpected::Other("hook byte"),
            Ok((Lexeme::Array(_) | Lexeme::ArrayOpen, _)) => Unexpected::Seq,
            Ok((Lexeme::Map(_) | Lexeme::MapOpen, _)) => Unexpected::Map,
            Ok((Lexeme::ArrayClose | Lexeme::MapClose, _)) | Err(_) => return self.fault(Due::Value),
        };
        Error::invalid_type(unexpected, expected).or_at(self.position())
    }

    #[cold]
    fn not_text(self) -> Error {
        DecodeError::utf8(self.position(), self.peek().unwrap_or_default()).into()
    }
}

impl<'de> serde::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = Error;

    // A call of each visitor's method stands in one place only in what a type asks for: called in one place it is inlined.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (lexeme, rest) = match wire::lex(self.rest) {
            Ok(read) => read,
            Err(_) => return Err(self.fault(Due::Value)),
        };
        match lexeme {
            Lexeme::Int(_) => self.deserialize_i64(visitor),
            Lexeme::Double(_) => self.deserialize_f64(visitor),
            Lexeme::Bool(_) => self.deserialize_bool(visitor),
            Lexeme::Null => self.deserialize_unit(visitor),
            Lexeme::Array(_) | Lexeme::ArrayOpen => self.deserialize_seq(visitor),
            Lexeme::Map(_) | Lexeme::MapOpen => self.deserialize_map(visitor),
            Lexeme::Raw(bytes) => {
                self.go_on(rest);
                match core::str::from_utf8(bytes) {
                    Ok(text) => visitor.visit_borrowed_str(text),
                    Err(_) => visitor.visit_borrowed_bytes(bytes),
                }
            }
            Lexeme::Hook | Lexeme::ArrayClose | Lexeme::MapClose => Err(self.unexpected(&visitor)),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let at = self.position();
        if let Ok((Lexeme::Int(value), rest)) = wire::lex(self.rest) {
            self.go_on(rest);
            return visitor.visit_i64(value).map_err(|error: Error| error.or_at(at));
        }
        Err(self.unexpected(&visitor))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let at = self.position();
        match wire::lex(self.rest) {
            Ok((Lexeme::Double(value), rest)) => {
                self.go_on(rest);
                visitor.visit_f64(value).map_err(|error: Error| error.or_at(at))
            }
            Ok((Lexeme::Int(value), rest)) => {
                self.go_on(rest);
                visitor.visit_i64(value).map_err(|error: Error| error.or_at(at))
            }
            _ => Err(self.unexpected(&visitor)),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let at = self.position();
        if let Ok((Lexeme::Bool(value), rest)) = wire::lex(self.rest) {
            self.go_on(rest);
            return visitor.visit_bool(value).map_err(|error: Error| error.or_at(at));
        }
        Err(self.unexpected(&visitor))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let at = self.position();
        if let Ok((Lexeme::Null, rest)) = wire::lex(self.rest) {
            self.go_on(rest);
            return visitor.visit_unit().map_err(|error: Error| error.or_at(at));
        }
        Err(self.unexpected(&visitor))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let at = self.position();
        if let Some((bytes, rest)) = self.peek_raw() {
            let Ok(text) = core::str::from_utf8(bytes) else { return Err(self.not_text()) };
            self.go_on(rest);
            return visitor.visit_borrowed_str(text).map_err(|error: Error| error.or_at(at));
        }
        Err(self.unexpected(&visitor))
    }

    // A name that is no text is nobody's name, and may be passed over as unknown.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek_raw() {
            Some((bytes, _)) if core::str::from_utf8(bytes).is_err() => self.deserialize_bytes(visitor),
            _ => self.deserialize_str(visitor),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let at = self.position();
        if let Some((bytes, rest)) = self.peek_raw() {
            self.go_on(rest);
            return visitor.visit_borrowed_bytes(bytes).map_err(|error: Error| error.or_at(at));
        }
        Err(self.unexpected(&visitor))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some((&tag::NULL, rest)) = self.rest.split_first() {
            self.go_on(rest);
            return visitor.visit_none();
        }
        self.wrapped(|inner| visitor.visit_some(inner))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.wrapped(|inner| visitor.visit_newtype_struct(inner))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let form = match self.rest.split_first() {
            Some((&first @ tag::ARRAY0..=tag::ARRAY5, _)) => Form::Counted(first.wrapping_sub(tag::ARRAY0)),
            Some((&tag::ARRAY_OPEN, _)) => Form::ClosedBy(tag::ARRAY_CLOSE),
            _ => return Err(self.unexpected(&visitor)),
        };
        self.container(form, &[], |access| visitor.visit_seq(access))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", &[], visitor)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let form = match self.rest.split_first() {
            Some((&first @ tag::MAP0..=tag::MAP5, _)) => Form::Counted(first.wrapping_sub(tag::MAP0) << 1),
            Some((&tag::MAP_OPEN, _)) => Form::ClosedBy(tag::MAP_CLOSE),
            _ => return Err(self.unexpected(&visitor)),
        };
        self.container(form, names, |access| visitor.visit_map(access))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let form = match self.rest.split_first() {
            Some((&ONE_PAIR, _)) => Form::Counted(2),
            Some((&tag::MAP_OPEN, _)) => Form::ClosedBy(tag::MAP_CLOSE),
            Some((tag::RAW_FIRST..=tag::RAW64, _)) => return visitor.visit_enum(Enum::unit(self)),
            _ => return Err(self.unexpected(&visitor)),
        };
        self.container(form, &[], |access| visitor.visit_enum(Enum::with_content(access)))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        *self = self.skipped()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    forward! {
        deserialize_i64: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i128
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128;
        deserialize_f64: deserialize_f32;
        deserialize_str: deserialize_string deserialize_char;
        deserialize_bytes: deserialize_byte_buf;
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

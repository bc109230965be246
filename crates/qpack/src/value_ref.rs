use alloc::vec::Vec;
use core::fmt;

use bytes::BufMut;

use crate::decode::Decoded;
use crate::encode::{self, Writer};
use crate::error::{DecodeError, EncodeError};
use crate::limits::Config;
use crate::print;
use crate::reader::Reader;
use crate::token::Token;
use crate::value::{Kind, Value};
use crate::wire::{self, Lexeme, tag};

/// A value borrowed from checked bytes: `Copy`, made without allocation, whatever its size.
///
/// Decoding reads every byte once, to check it. An array or map is then a cursor: walking it costs a step an item, plus a
/// skip over each container passed by. Who jumps about in a deep value lends a [`Tape`](crate::Tape) instead.
///
/// Equality compares doubles by their bits, maps in order, and does not see which of several encodings was used.
///
/// ```
/// use qpack_codec::ValueRef;
///
/// let value = ValueRef::decode(b"\xef\x85admin\x84pass")?;
/// let words: Vec<_> = value.as_array().unwrap().iter().filter_map(|item| item.as_str()).collect();
/// assert_eq!(words, ["admin", "pass"]);
/// # Ok::<(), qpack_codec::DecodeError>(())
/// ```
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_enums, reason = "qpack assigns every first byte; there is nothing left to add")]
pub enum ValueRef<'a> {
    /// A signed integer.
    Int(i64),
    /// A double, its bits as sent.
    Double(f64),
    /// Bytes; text, where the sender meant text, is UTF-8 by convention only.
    Raw(&'a [u8]),
    /// A boolean.
    Bool(bool),
    /// Null.
    Null,
    /// The hook byte `7c` (SPEC.md §6).
    Hook,
    /// An array.
    Array(ArrayRef<'a>),
    /// A map.
    Map(MapRef<'a>),
}

impl<'a> ValueRef<'a> {
    /// Decodes the one value that `input` holds, strict, under [`Limits::DEFAULT`](crate::Limits::DEFAULT).
    ///
    /// # Errors
    ///
    /// Anything that SPEC.md §4 does not accept, trailing bytes among it.
    pub fn decode(input: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(input, &Config::DEFAULT)
    }

    /// Decodes the one value that `input` holds.
    ///
    /// # Errors
    ///
    /// Anything that SPEC.md §4 does not accept under `config`.
    pub fn decode_with(input: &'a [u8], config: &Config) -> Result<Self, DecodeError> {
        let len = Reader::with_config(input, config).finish()?;
        Ok(Self::of_checked(input.get(..len).unwrap_or_default()))
    }

    /// Decodes the value at the front of a stream. [`Decoder`](crate::Decoder) does so without looking twice at a value that
    /// arrives in pieces.
    ///
    /// # Errors
    ///
    /// As [`decode_with`](Self::decode_with), but neither a value cut short nor what follows one is an error. The lenient
    /// settings of `config` do not apply.
    pub fn decode_prefix(input: &'a [u8], config: &Config) -> Result<Decoded<Self>, DecodeError> {
        let found = Reader::with_config(input, config).finish_prefix()?;
        Ok(found.map(|(), consumed| Self::of_checked(input.get(..consumed).unwrap_or_default())))
    }

    /// The value that `bytes`, checked before, consist of.
    pub(crate) fn of_checked(bytes: &'a [u8]) -> Self {
        match wire::lex(bytes) {
            Ok((Lexeme::Int(value), _)) => Self::Int(value),
            Ok((Lexeme::Double(value), _)) => Self::Double(value),
            Ok((Lexeme::Raw(bytes), _)) => Self::Raw(bytes),
            Ok((Lexeme::Bool(value), _)) => Self::Bool(value),
            Ok((Lexeme::Hook, _)) => Self::Hook,
            Ok((Lexeme::Array(_) | Lexeme::ArrayOpen, _)) => Self::Array(ArrayRef { bytes }),
            Ok((Lexeme::Map(_) | Lexeme::MapOpen, _)) => Self::Map(MapRef { bytes }),
            // The last two cannot be: checked bytes start a value.
            Ok((Lexeme::Null | Lexeme::ArrayClose | Lexeme::MapClose, _)) | Err(_) => Self::Null,
        }
    }

    /// What kind of value this is.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Int(_) => Kind::Int,
            Self::Double(_) => Kind::Double,
            Self::Raw(_) => Kind::Raw,
            Self::Bool(_) => Kind::Bool,
            Self::Null => Kind::Null,
            Self::Hook => Kind::Hook,
            Self::Array(_) => Kind::Array,
            Self::Map(_) => Kind::Map,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub const fn as_int(self) -> Option<i64> {
        if let Self::Int(value) = self { Some(value) } else { None }
    }

    /// The double, if it is one. An integer is not taken for one.
    #[must_use]
    pub const fn as_double(self) -> Option<f64> {
        if let Self::Double(value) = self { Some(value) } else { None }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub const fn as_bool(self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(value) } else { None }
    }

    /// The bytes of a raw.
    #[must_use]
    pub const fn as_raw(self) -> Option<&'a [u8]> {
        if let Self::Raw(bytes) = self { Some(bytes) } else { None }
    }

    /// The text of a raw that is UTF-8.
    #[must_use]
    pub const fn as_str(self) -> Option<&'a str> {
        match self {
            // `Result::ok` is not const.
            Self::Raw(bytes) => match core::str::from_utf8(bytes) {
                Ok(text) => Some(text),
                Err(_) => None,
            },
            Self::Int(_)
            | Self::Double(_)
            | Self::Bool(_)
            | Self::Null
            | Self::Hook
            | Self::Array(_)
            | Self::Map(_) => None,
        }
    }

    /// The array, if it is one.
    #[must_use]
    pub const fn as_array(self) -> Option<ArrayRef<'a>> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// The map, if it is one.
    #[must_use]
    pub const fn as_map(self) -> Option<MapRef<'a>> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// Whether it is null.
    #[must_use]
    pub const fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same value in a form that owns it; its raws share one copy of the bytes.
    #[must_use]
    pub fn into_owned(self) -> Value {
        Value::from_ref(self)
    }

    /// Appends the canonical encoding of SPEC.md §3 in one piece.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LimitExceeded`] under the default limits, [`EncodeError::BufferTooSmall`]; nothing was written then.
    pub fn encode(self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        self.encode_with(out, &Config::DEFAULT)
    }

    /// As [`encode`](Self::encode), with limits and settings of the caller's.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_with(self, out: &mut impl BufMut, config: &Config) -> Result<(), EncodeError> {
        encode::put(out, self.tokens(), config)
    }

    /// Bytes that [`encode`](Self::encode) writes, limits aside.
    #[must_use]
    pub fn encoded_len(self) -> usize {
        encode::measure(self.tokens())
    }

    /// The canonical encoding of SPEC.md §3.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LimitExceeded`] under the default limits.
    pub fn encode_to_vec(self) -> Result<Vec<u8>, EncodeError> {
        self.encode_to_vec_with(&Config::DEFAULT)
    }

    /// As [`encode_to_vec`](Self::encode_to_vec), with limits and settings of the caller's.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LimitExceeded`].
    pub fn encode_to_vec_with(self, config: &Config) -> Result<Vec<u8>, EncodeError> {
        encode::to_vec(self.tokens(), config)
    }

    pub(crate) fn tokens(self) -> Tokens<'a> {
        match self {
            Self::Int(value) => Tokens::One(Some(Token::Int(value))),
            Self::Double(value) => Tokens::One(Some(Token::Double(value))),
            Self::Raw(bytes) => Tokens::One(Some(Token::Raw(bytes))),
            Self::Bool(value) => Tokens::One(Some(Token::Bool(value))),
            Self::Null => Tokens::One(Some(Token::Null)),
            Self::Hook => Tokens::One(Some(Token::Hook)),
            Self::Array(ArrayRef { bytes }) | Self::Map(MapRef { bytes }) => {
                Tokens::Many(Reader::with_config(bytes, &Config::CHECKED))
            }
        }
    }
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.tokens(), other.tokens());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                // How the lengths were told is a matter of encoding.
                (Some(Token::Array(_)), Some(Token::Array(_))) | (Some(Token::Map(_)), Some(Token::Map(_))) => {}
                (a, b) if a == b => {}
                _ => return false,
            }
        }
    }
}

impl Eq for ValueRef<'_> {}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::tokens(f, self.tokens())
    }
}

/// The tokens of a checked value.
#[expect(clippy::large_enum_variant, reason = "lives on the stack for the length of one walk")]
pub(crate) enum Tokens<'a> {
    One(Option<Token<'a>>),
    Many(Reader<'a>),
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    #[inline]
    fn next(&mut self) -> Option<Token<'a>> {
        match self {
            Self::One(token) => token.take(),
            Self::Many(reader) => reader.token().ok().flatten(),
        }
    }
}

/// An array borrowed from checked bytes.
#[derive(Clone, Copy)]
pub struct ArrayRef<'a> {
    /// From the tag to the close byte, if there is one.
    bytes: &'a [u8],
}

impl<'a> ArrayRef<'a> {
    /// How many items it holds. One step for a counted array; an open one is walked.
    #[must_use]
    pub fn len(self) -> usize {
        self.iter().count_left()
    }

    /// Whether it holds no item.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// The items, in order.
    #[must_use]
    pub fn iter(self) -> Items<'a> {
        Items { cursor: Cursor::inside(self.bytes) }
    }

    /// The item at `index`; walks there.
    #[must_use]
    pub fn get(self, index: usize) -> Option<ValueRef<'a>> {
        self.iter().nth(index)
    }

    /// Its encoding, as received.
    #[must_use]
    pub const fn as_encoded(self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> IntoIterator for ArrayRef<'a> {
    type Item = ValueRef<'a>;
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}

impl PartialEq for ArrayRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        ValueRef::Array(*self) == ValueRef::Array(*other)
    }
}

impl Eq for ArrayRef<'_> {}

impl fmt::Debug for ArrayRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ValueRef::Array(*self).fmt(f)
    }
}

/// A map borrowed from checked bytes: pairs in the order sent, keys of any kind, the same key perhaps more than once.
#[derive(Clone, Copy)]
pub struct MapRef<'a> {
    /// From the tag to the close byte, if there is one.
    bytes: &'a [u8],
}

impl<'a> MapRef<'a> {
    /// How many pairs it holds. One step for a counted map; an open one is walked.
    #[must_use]
    pub fn len(self) -> usize {
        self.iter().cursor.count_left() / 2
    }

    /// Whether it holds no pair.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// The pairs, in order.
    #[must_use]
    pub fn iter(self) -> Entries<'a> {
        Entries { cursor: Cursor::inside(self.bytes) }
    }

    /// The value of the first pair whose key is a raw of just these bytes.
    #[must_use]
    pub fn get(self, key: impl AsRef<[u8]>) -> Option<ValueRef<'a>> {
        self.iter().find(|(name, _)| name.as_raw() == Some(key.as_ref())).map(|(_, value)| value)
    }

    /// Its encoding, as received.
    #[must_use]
    pub const fn as_encoded(self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> IntoIterator for MapRef<'a> {
    type Item = (ValueRef<'a>, ValueRef<'a>);
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Entries<'a> {
        self.iter()
    }
}

impl PartialEq for MapRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        ValueRef::Map(*self) == ValueRef::Map(*other)
    }
}

impl Eq for MapRef<'_> {}

impl fmt::Debug for MapRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ValueRef::Map(*self).fmt(f)
    }
}

/// The items of an [`ArrayRef`].
#[derive(Clone, Debug)]
pub struct Items<'a> {
    cursor: Cursor<'a>,
}

impl Items<'_> {
    fn count_left(self) -> usize {
        self.cursor.count_left()
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        self.cursor.value()
    }
}

/// The pairs of a [`MapRef`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (ValueRef<'a>, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.cursor.value()?, self.cursor.value()?))
    }
}

/// Steps through the values of one checked container.
#[derive(Clone, Debug)]
struct Cursor<'a> {
    rest: &'a [u8],
    /// Values to come, where the tag told.
    left: Option<u8>,
}

impl<'a> Cursor<'a> {
    fn inside(container: &'a [u8]) -> Self {
        match wire::lex(container) {
            Ok((Lexeme::Array(items), rest)) => Self { rest, left: Some(items) },
            Ok((Lexeme::Map(pairs), rest)) => Self { rest, left: Some(pairs.saturating_mul(2)) },
            Ok((Lexeme::ArrayOpen | Lexeme::MapOpen, rest)) => Self { rest, left: None },
            // Cannot be: a container starts with one of these.
            _ => Self { rest: &[], left: Some(0) },
        }
    }

    fn value(&mut self) -> Option<ValueRef<'a>> {
        match &mut self.left {
            Some(left) => *left = left.checked_sub(1)?,
            None => match self.rest.first() {
                // Past the close byte, or past the end of the input that stood for it, there is nothing.
                None | Some(&(tag::ARRAY_CLOSE | tag::MAP_CLOSE)) => return None,
                Some(_) => {}
            },
        }
        let (lexeme, rest) = wire::lex(self.rest).ok()?;
        let (value, rest) = match lexeme {
            Lexeme::Int(value) => (ValueRef::Int(value), rest),
            Lexeme::Double(value) => (ValueRef::Double(value), rest),
            Lexeme::Raw(bytes) => (ValueRef::Raw(bytes), rest),
            Lexeme::Bool(value) => (ValueRef::Bool(value), rest),
            Lexeme::Null => (ValueRef::Null, rest),
            Lexeme::Hook => (ValueRef::Hook, rest),
            Lexeme::Array(_) | Lexeme::Map(_) | Lexeme::ArrayOpen | Lexeme::MapOpen => {
                // Only a skip tells where it ends.
                let mut reader = Reader::with_config(self.rest, &Config::CHECKED);
                reader.skip().ok()?;
                let (bytes, rest) = self.rest.split_at_checked(reader.position())?;
                (ValueRef::of_checked(bytes), rest)
            }
            Lexeme::ArrayClose | Lexeme::MapClose => return None,
        };
        self.rest = rest;
        Some(value)
    }

    fn count_left(mut self) -> usize {
        match self.left {
            Some(left) => usize::from(left),
            None => core::iter::from_fn(|| self.value()).count(),
        }
    }
}

impl<B: encode::Buffer> Writer<'_, B> {
    /// Writes a borrowed value in canonical form.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int), and [`EncodeError::LimitExceeded`] where it nests too deep.
    pub fn value_ref(&mut self, value: ValueRef<'_>) -> Result<&mut Self, EncodeError> {
        self.whole(value.tokens())
    }
}

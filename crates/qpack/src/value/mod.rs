mod build;
mod containers;
mod walk;

use alloc::vec::Vec;
use core::fmt;

use bytes::{BufMut, Bytes};

use self::build::Builder;
pub use self::containers::{Array, Map};
use self::walk::Walk;
use crate::encode::{self, Buffer, Writer};
use crate::error::{DecodeError, EncodeError};
use crate::limits::Config;
use crate::print;
use crate::reader::Reader;
use crate::token::Token;
use crate::value_ref::ValueRef;
use crate::wire::tag;

/// The kinds of value that qpack knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "qpack assigns every first byte; there is nothing left to add")]
pub enum Kind {
    /// A signed integer of 64 bits.
    Int,
    /// A double, IEEE 754 binary64.
    Double,
    /// Bytes or text.
    Raw,
    /// A boolean.
    Bool,
    /// Null.
    Null,
    /// The hook byte.
    Hook,
    /// An array.
    Array,
    /// A map.
    Map,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] =
        [Self::Int, Self::Double, Self::Raw, Self::Bool, Self::Null, Self::Hook, Self::Array, Self::Map];

    /// The kind of a value by its first byte; a close byte, which starts none, counts with what it closes.
    pub(crate) const fn of(first: u8) -> Self {
        match first {
            tag::HOOK => Self::Hook,
            0..=tag::NEG_LAST | tag::INT8..=tag::INT64 => Self::Int,
            tag::DOUBLE_NEG_ONE..=tag::DOUBLE_ONE | tag::DOUBLE => Self::Double,
            tag::RAW_FIRST..=tag::RAW64 => Self::Raw,
            tag::ARRAY0..=tag::ARRAY5 | tag::ARRAY_OPEN | tag::ARRAY_CLOSE => Self::Array,
            tag::MAP0..=tag::MAP5 | tag::MAP_OPEN | tag::MAP_CLOSE => Self::Map,
            tag::TRUE | tag::FALSE => Self::Bool,
            tag::NULL => Self::Null,
        }
    }

    /// With its article, for messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Int => "an integer",
            Self::Double => "a double",
            Self::Raw => "a raw",
            Self::Bool => "a boolean",
            Self::Null => "null",
            Self::Hook => "a hook",
            Self::Array => "an array",
            Self::Map => "a map",
        }
    }
}

/// A value that owns what it holds.
///
/// Raws are [`Bytes`]: decoded ones share one buffer, so that none is copied on its own. Equality and hashing take doubles
/// by their bits (two NaNs of the same bits are equal, −0.0 and 0.0 are not) and maps in order. Cloning, comparing,
/// printing, encoding and dropping need no stack, however deep a value was built. `Debug` is the printed form. There is no
/// serde for it: the hook has no place in serde's model.
///
/// ```
/// use qpack_codec::Value;
///
/// let value = Value::from_iter([Value::from("admin"), Value::from("pass")]);
/// assert_eq!(value.encode_to_vec()?, b"\xef\x85admin\x84pass");
/// assert_eq!(Value::decode(b"\xef\x85admin\x84pass")?, value);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
#[expect(clippy::exhaustive_enums, reason = "qpack assigns every first byte; there is nothing left to add")]
pub enum Value {
    /// A signed integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Bytes, or text in UTF-8.
    Raw(Bytes),
    /// A boolean.
    Bool(bool),
    /// Null.
    #[default]
    Null,
    /// The hook byte `7c` (SPEC.md §6): kept when it was received, and never worth sending.
    Hook,
    /// An array.
    Array(Array),
    /// A map: pairs in order, keys of any kind, the same key perhaps more than once.
    Map(Map),
}

impl Value {
    /// Decodes the one value that `input` holds, strict, under [`Limits::DEFAULT`](crate::Limits::DEFAULT). The bytes are
    /// copied once, together.
    ///
    /// # Errors
    ///
    /// Anything that SPEC.md §4 does not accept, trailing bytes among it.
    pub fn decode(input: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_with(input, &Config::DEFAULT)
    }

    /// Decodes the one value that `input` holds; the bytes are copied once, together.
    ///
    /// # Errors
    ///
    /// Anything that SPEC.md §4 does not accept under `config`.
    pub fn decode_with(input: &[u8], config: &Config) -> Result<Self, DecodeError> {
        // Looked at before it is copied: what is refused costs nothing.
        ValueRef::decode_with(input, config).map(ValueRef::into_owned)
    }

    /// Decodes the one value that `input` holds without copying: its raws are slices of `input`, which lives as long as any
    /// of them.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_bytes(input: &Bytes) -> Result<Self, DecodeError> {
        Self::decode_bytes_with(input, &Config::DEFAULT)
    }

    /// As [`decode_bytes`](Self::decode_bytes), with limits and settings of the caller's.
    ///
    /// # Errors
    ///
    /// As [`decode_with`](Self::decode_with).
    pub fn decode_bytes_with(input: &Bytes, config: &Config) -> Result<Self, DecodeError> {
        let mut reader = Reader::with_config(input, config);
        let mut builder = Builder::new();
        reader.for_each_token(|token| builder.token(token, |raw| input.slice_ref(raw)))?;
        reader.finish()?;
        Ok(builder.finish())
    }

    pub(crate) fn from_ref(value: ValueRef<'_>) -> Self {
        let encoded = match value {
            ValueRef::Int(value) => return Self::Int(value),
            ValueRef::Double(value) => return Self::Double(value),
            ValueRef::Raw(bytes) => return Self::Raw(Bytes::copy_from_slice(bytes)),
            ValueRef::Bool(value) => return Self::Bool(value),
            ValueRef::Null => return Self::Null,
            ValueRef::Hook => return Self::Hook,
            ValueRef::Array(array) => array.as_encoded(),
            ValueRef::Map(map) => map.as_encoded(),
        };
        // Checked before, so this cannot fail.
        Self::decode_bytes_with(&Bytes::copy_from_slice(encoded), &Config::CHECKED).unwrap_or_default()
    }

    /// What kind of value this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
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
    pub const fn as_int(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    /// The double, if it is one. An integer is not taken for one.
    #[must_use]
    pub const fn as_double(&self) -> Option<f64> {
        if let Self::Double(value) = self { Some(*value) } else { None }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The bytes of a raw.
    #[must_use]
    pub const fn as_raw(&self) -> Option<&Bytes> {
        if let Self::Raw(bytes) = self { Some(bytes) } else { None }
    }

    /// The text of a raw that is UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_raw().and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// The array, if it is one.
    #[must_use]
    pub const fn as_array(&self) -> Option<&Array> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// The map, if it is one.
    #[must_use]
    pub const fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// Whether it is null.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Appends the canonical encoding of SPEC.md §3 in one piece.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LimitExceeded`] under the default limits, [`EncodeError::BufferTooSmall`]; nothing was written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        self.encode_with(out, &Config::DEFAULT)
    }

    /// As [`encode`](Self::encode), with limits and settings of the caller's.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_with(&self, out: &mut impl BufMut, config: &Config) -> Result<(), EncodeError> {
        encode::put(out, Walk::tokens(self), config)
    }

    /// Bytes that [`encode`](Self::encode) writes; 0 for a value deeper than the 255 containers that any limits allow.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        encode::measure(Walk::tokens(self))
    }

    /// The canonical encoding of SPEC.md §3.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LimitExceeded`] under the default limits.
    pub fn encode_to_vec(&self) -> Result<Vec<u8>, EncodeError> {
        self.encode_to_vec_with(&Config::DEFAULT)
    }

    /// As [`encode_to_vec`](Self::encode_to_vec), with limits and settings of the caller's.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LimitExceeded`].
    pub fn encode_to_vec_with(&self, config: &Config) -> Result<Vec<u8>, EncodeError> {
        encode::to_vec(Walk::tokens(self), config)
    }
}

impl<B: Buffer> Writer<'_, B> {
    /// Writes an owned value in canonical form.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int), and [`EncodeError::LimitExceeded`] where it nests too deep.
    pub fn value(&mut self, value: &Value) -> Result<&mut Self, EncodeError> {
        self.whole(Walk::tokens(value))
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        match self {
            Self::Int(value) => Self::Int(*value),
            Self::Double(value) => Self::Double(*value),
            Self::Raw(bytes) => Self::Raw(bytes.clone()),
            Self::Bool(value) => Self::Bool(*value),
            Self::Null => Self::Null,
            Self::Hook => Self::Hook,
            Self::Array(_) | Self::Map(_) => build::copy_of(self),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        Walk::tokens(self).eq(Walk::tokens(other))
    }
}

impl Eq for Value {}

impl core::hash::Hash for Value {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        for token in Walk::tokens(self) {
            core::mem::discriminant(&token).hash(state);
            match token {
                Token::Int(value) => value.hash(state),
                Token::Double(value) => value.to_bits().hash(state),
                Token::Raw(bytes) => bytes.hash(state),
                Token::Bool(value) => value.hash(state),
                Token::Array(len) | Token::Map(len) => len.hash(state),
                Token::Null | Token::Hook | Token::End => {}
            }
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::tokens(f, Walk::tokens(self))
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        value.into_owned()
    }
}

macro_rules! from_ints {
    ($($int:ty),*) => {$(
        impl From<$int> for Value {
            fn from(value: $int) -> Self {
                Self::Int(i64::from(value))
            }
        }
    )*};
}

from_ints!(i8, i16, i32, i64, u8, u16, u32);

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Raw(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Raw(Bytes::copy_from_slice(bytes))
    }
}

impl From<alloc::string::String> for Value {
    fn from(text: alloc::string::String) -> Self {
        Self::Raw(Bytes::from(text))
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Raw(bytes)
    }
}

impl From<Array> for Value {
    fn from(array: Array) -> Self {
        Self::Array(array)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl FromIterator<Self> for Value {
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        Self::Array(items.into_iter().collect())
    }
}

impl FromIterator<(Self, Self)> for Value {
    fn from_iter<I: IntoIterator<Item = (Self, Self)>>(pairs: I) -> Self {
        Self::Map(pairs.into_iter().collect())
    }
}

use core::fmt;
use core::iter::FusedIterator;

use crate::array::{ArrayRef, PickleRef, ScalarRef};
use crate::error::{DecodeError, DecodeErrorKind, What};
use crate::limits::Limits;
use crate::named::Named;
use crate::reader::{Reader, pass};
use crate::tag::{self, Common, Tagged};
use crate::wire::Token;

/// Any MessagePack value, in which tagged maps are the arrays, scalars and complex numbers they stand for. Borrowed; nothing is
/// allocated.
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// Nothing.
    Nil,
    /// True or false.
    Bool(bool),
    /// An integer that fits, in whatever form it came.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// Of 32 bits.
    F32(f32),
    /// Of 64 bits; numpy's float64 scalars come as these.
    F64(f64),
    /// A text, or bytes in the form that texts have.
    Str(&'a [u8]),
    /// Bytes.
    Bin(&'a [u8]),
    /// A list.
    List(ListRef<'a>),
    /// A map that is not tagged, or lacks a field that its tag needs.
    Map(MapRef<'a>),
    /// Type and content of an extension.
    Ext(i8, &'a [u8]),
    /// A numpy array.
    Array(ArrayRef<'a>),
    /// A numpy scalar.
    Scalar(ScalarRef<'a>),
    /// A Python complex number: real and imaginary part.
    Complex(f64, f64),
    /// An array of objects: a Python pickle, which is code, and is never run.
    Pickle(PickleRef<'a>),
    /// A tagged map with a fault, and what that is; its offset counts from the start of the map.
    Faulty(MapRef<'a>, DecodeError),
}

impl<'a> ValueRef<'a> {
    /// Reads exactly one value, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// What is wrong with the MessagePack. A tagged map with a fault is [`Faulty`](Self::Faulty), and harms no other value.
    pub fn decode(input: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(input, &Limits::DEFAULT)
    }

    /// Reads exactly one value, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_with(input: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(input);
        let value = reader.value_with(limits)?;
        reader.finish()?;
        Ok(value)
    }

    /// The value of bytes that were checked to be one.
    pub(crate) fn of(encoded: &'a [u8], limits: &Limits) -> Self {
        let Some((token, _)) = pass(encoded) else { return Self::Nil };
        match Self::leaf(token) {
            Some(value) => value,
            None => Self::of_items(token, encoded, limits),
        }
    }

    /// The value of a token that has no items; `None` for lists and maps.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn leaf(token: Token<'a>) -> Option<Self> {
        Some(match token {
            Token::Nil => Self::Nil,
            Token::Bool(value) => Self::Bool(value),
            Token::Int(value) => Self::Int(value),
            Token::UInt(value) => Self::UInt(value),
            Token::F32(value) => Self::F32(value),
            Token::F64(value) => Self::F64(value),
            Token::Str(text) => Self::Str(text),
            Token::Bin(bytes) => Self::Bin(bytes),
            Token::Ext(kind, bytes) => Self::Ext(kind, bytes),
            Token::List(_) | Token::Map(_) => return None,
        })
    }

    /// The value of a token that has items, and of its bytes.
    pub(crate) fn of_items(token: Token<'a>, encoded: &'a [u8], limits: &Limits) -> Self {
        if let Token::Map(len) = token {
            return Self::of_map(MapRef::new(encoded, len, limits), limits);
        }
        // All others are leaves.
        if let Token::List(len) = token { Self::List(ListRef::new(encoded, len, limits)) } else { Self::Nil }
    }

    /// The next value of those that were checked.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next(reader: &mut Reader<'a>, limits: &Limits) -> Option<Self> {
        let (token, after) = pass(reader.rest())?;
        if let Some(value) = Self::leaf(token) {
            *reader = Reader::new(after);
            return Some(value);
        }
        Self::next_items(reader, token, limits)
    }

    /// The same, handed to `take` in the arm of its token, with `taken` before it; nothing is taken where nothing is left.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn next_into<T>(
        reader: &mut Reader<'a>,
        limits: &Limits,
        taken: T,
        take: impl FnOnce(T, Self) -> T,
    ) -> T {
        let Some((token, after)) = pass(reader.rest()) else { return taken };
        let start = core::mem::replace(reader, Reader::new(after));
        match token {
            Token::Nil => take(taken, Self::Nil),
            Token::Bool(value) => take(taken, Self::Bool(value)),
            Token::Int(value) => take(taken, Self::Int(value)),
            Token::UInt(value) => take(taken, Self::UInt(value)),
            Token::F32(value) => take(taken, Self::F32(value)),
            Token::F64(value) => take(taken, Self::F64(value)),
            Token::Str(text) => take(taken, Self::Str(text)),
            Token::Bin(bytes) => take(taken, Self::Bin(bytes)),
            Token::Ext(kind, bytes) => take(taken, Self::Ext(kind, bytes)),
            Token::List(_) | Token::Map(_) => {
                *reader = start;
                match Self::next_items(reader, token, limits) {
                    Some(value) => take(taken, value),
                    None => taken,
                }
            }
        }
    }

    #[inline(never)]
    fn next_items(reader: &mut Reader<'a>, token: Token<'a>, limits: &Limits) -> Option<Self> {
        if matches!(token, Token::Map(5)) {
            let common = Common::read(reader.rest());
            if let Some((array, rest)) = common.and_then(|(common, rest)| Some((common.array(limits)?, rest))) {
                *reader = Reader::new(rest);
                return Some(Self::Array(array));
            }
        }
        Some(Self::of_items(token, reader.pass().ok()?, limits))
    }

    /// What a map stands for, or the map.
    pub(crate) fn of_map(map: MapRef<'a>, limits: &Limits) -> Self {
        if let Some(array) = Common::read(map.as_encoded()).and_then(|(common, _)| common.array(limits)) {
            return Self::Array(array);
        }
        match tag::read(map, limits) {
            Ok(None) => Self::Map(map),
            Ok(Some(Tagged::Array(array))) => Self::Array(array),
            Ok(Some(Tagged::Scalar(scalar))) => Self::Scalar(scalar),
            Ok(Some(Tagged::Complex(real, imaginary))) => Self::Complex(real, imaginary),
            Ok(Some(Tagged::Pickle(pickle))) => Self::Pickle(pickle),
            Err(error) => Self::Faulty(map, error),
        }
    }

    /// Those it was read under, if there still is something to read in it.
    pub(crate) const fn limits(&self) -> Option<Limits> {
        if let Self::List(list) = self {
            return Some(list.limits);
        }
        if let Self::Map(map) | Self::Faulty(map, _) = self { Some(map.limits) } else { None }
    }

    /// The text in UTF-8, if it is one; Python 2 wrote texts as bytes.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        core::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The number, if it is an integer that fits; numpy's, too.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self.as_integer()? {
            Integer::Signed(value) => Some(value),
            Integer::Unsigned(value) => i64::try_from(value).ok(),
        }
    }

    /// The number, if it is an integer that fits; numpy's, too.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self.as_integer()? {
            Integer::Signed(value) => u64::try_from(value).ok(),
            Integer::Unsigned(value) => Some(value),
        }
    }

    /// The number, if it is a float of 32 or 64 bits; numpy's, too.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Scalar(scalar) = self {
            return scalar.get::<f64>().or_else(|| scalar.get::<f32>().map(f64::from));
        }
        if let Self::F32(value) = self {
            return Some((*value).into());
        }
        if let Self::F64(value) = self { Some(*value) } else { None }
    }

    /// True or false, if it is that; numpy's, too.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Scalar(scalar) = self {
            return scalar.get();
        }
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The array, if it is one; one with a fault is [`Faulty`](Self::Faulty), which tells what that is.
    #[must_use]
    pub const fn as_array(&self) -> Option<ArrayRef<'a>> {
        if let Self::Array(array) = self { Some(*array) } else { None }
    }

    /// The list, if it is one.
    #[must_use]
    pub const fn as_list(&self) -> Option<ListRef<'a>> {
        if let Self::List(list) = self { Some(*list) } else { None }
    }

    /// The map, if it is one and stands for nothing else.
    #[must_use]
    pub const fn as_map(&self) -> Option<MapRef<'a>> {
        if let Self::Map(map) = self { Some(*map) } else { None }
    }

    fn as_integer(&self) -> Option<Integer> {
        if let Self::Scalar(scalar) = self {
            let signed = scalar.get::<i8>().map(i64::from).or_else(|| scalar.get::<i16>().map(i64::from));
            let signed = signed.or_else(|| scalar.get::<i32>().map(i64::from)).or_else(|| scalar.get::<i64>());
            let unsigned = || scalar.get::<u8>().map(u64::from).or_else(|| scalar.get::<u16>().map(u64::from));
            let unsigned = || unsigned().or_else(|| scalar.get::<u32>().map(u64::from)).or_else(|| scalar.get::<u64>());
            return signed.map(Integer::Signed).or_else(|| unsigned().map(Integer::Unsigned));
        }
        if let Self::Int(value) = self {
            return Some(Integer::Signed(*value));
        }
        if let Self::UInt(value) = self { Some(Integer::Unsigned(*value)) } else { None }
    }

    /// The bytes of a text or of bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> Option<&'a [u8]> {
        if let Self::Str(bytes) | Self::Bin(bytes) = self { Some(bytes) } else { None }
    }
}

enum Integer {
    Signed(i64),
    Unsigned(u64),
}

/// Numbers and lengths; no texts and no bytes.
impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("Nil"),
            Self::Bool(value) => write!(f, "Bool({value})"),
            Self::Int(value) => write!(f, "Int({value})"),
            Self::UInt(value) => write!(f, "UInt({value})"),
            Self::F32(value) => write!(f, "F32({value:?})"),
            Self::F64(value) => write!(f, "F64({value:?})"),
            Self::Str(text) => match core::str::from_utf8(text) {
                Ok(text) => write!(f, "Str({text:?})"),
                Err(_) => write!(f, "Str([{} bytes])", text.len()),
            },
            Self::Bin(bytes) => write!(f, "Bin([{} bytes])", bytes.len()),
            Self::List(list) => list.fmt(f),
            Self::Map(map) => map.fmt(f),
            Self::Ext(kind, bytes) => write!(f, "Ext({kind}, [{} bytes])", bytes.len()),
            Self::Array(array) => array.fmt(f),
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::Complex(real, imaginary) => write!(f, "Complex({real:?}, {imaginary:?})"),
            Self::Pickle(pickle) => pickle.fmt(f),
            Self::Faulty(_, error) => write!(f, "Faulty({error})"),
        }
    }
}

/// A list, where it lies. Two are equal if their bytes are.
#[derive(Clone, Copy)]
pub struct ListRef<'a> {
    encoded: &'a [u8],
    len: u32,
    limits: Limits,
}

/// A map, where it lies. Two are equal if their bytes are.
#[derive(Clone, Copy)]
pub struct MapRef<'a> {
    encoded: &'a [u8],
    len: u32,
    limits: Limits,
}

macro_rules! container {
    ($name:ident, $iter:ident, $item:ty, $what:literal) => {
        impl<'a> $name<'a> {
            /// Of bytes that were checked.
            pub(crate) const fn new(encoded: &'a [u8], len: u32, limits: &Limits) -> Self {
                Self { encoded, len, limits: *limits }
            }

            #[doc = concat!("How many ", $what, ".")]
            #[must_use]
            pub const fn len(self) -> usize {
                // Each took a byte of a slice.
                self.len as usize
            }

            #[doc = concat!("Whether there are no ", $what, ".")]
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.len == 0
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_encoded(self) -> &'a [u8] {
                self.encoded
            }

            /// One after the other. Each is passed over to find the next: whoever goes down all of a deep value reads it as often as it
            /// is deep.
            #[must_use]
            pub fn iter(self) -> $iter<'a> {
                let mut reader = Reader::new(self.encoded);
                // It was checked.
                let _ = reader.token();
                $iter { reader, left: self.len, limits: self.limits }
            }
        }

        impl<'a> IntoIterator for $name<'a> {
            type Item = $item;
            type IntoIter = $iter<'a>;

            fn into_iter(self) -> $iter<'a> {
                self.iter()
            }
        }

        impl PartialEq for $name<'_> {
            fn eq(&self, other: &Self) -> bool {
                self.encoded == other.encoded
            }
        }

        impl Eq for $name<'_> {}

        impl ExactSizeIterator for $iter<'_> {}
        impl FusedIterator for $iter<'_> {}

        impl fmt::Debug for $iter<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($iter), "({} left)"), self.left)
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.len)
            }
        }

        #[doc = concat!("Iterator over a [`", stringify!($name), "`].")]
        #[derive(Clone)]
        pub struct $iter<'a> {
            pub(crate) reader: Reader<'a>,
            pub(crate) left: u32,
            pub(crate) limits: Limits,
        }
    };
}

container!(ListRef, Items, ValueRef<'a>, "items");
container!(MapRef, Entries, (ValueRef<'a>, ValueRef<'a>), "entries");

impl<'a> Iterator for Items<'a> {
    type Item = ValueRef<'a>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next(&mut self) -> Option<ValueRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        ValueRef::next(&mut self.reader, &self.limits)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn fold<T, F: FnMut(T, ValueRef<'a>) -> T>(mut self, mut folded: T, mut fold: F) -> T {
        for _ in 0..self.left {
            folded = ValueRef::next_into(&mut self.reader, &self.limits, folded, &mut fold);
        }
        folded
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (ValueRef<'a>, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let key = ValueRef::next(&mut self.reader, &self.limits)?;
        Some((key, ValueRef::next(&mut self.reader, &self.limits)?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ListRef<'_> {
    /// Those it was read under.
    pub(crate) const fn limits(self) -> Limits {
        self.limits
    }
}

impl<'a> MapRef<'a> {
    /// The value of the first key that is this text, as text or as bytes.
    #[must_use]
    pub fn get(self, key: impl AsRef<[u8]>) -> Option<ValueRef<'a>> {
        let mut reader = Reader::new(self.encoded);
        let _ = reader.token();
        for _ in 0..self.len {
            // Keys may be anything, so that they are passed whole.
            let name = Reader::new(reader.pass().ok()?).token().ok()?;
            let found = matches!(name, Token::Str(name) | Token::Bin(name) if name == key.as_ref());
            let value = reader.pass().ok()?;
            if found {
                return Some(ValueRef::of(value, &self.limits));
            }
        }
        None
    }
}

impl<'a> MapRef<'a> {
    /// The entries whose keys are texts or bytes, with these; faster than [`iter`](Self::iter), which hands out keys of any type.
    ///
    /// ```
    /// use msgpack_numpy_codec::{Limits, Reader, ValueRef};
    ///
    /// let map = Reader::new(b"\x82\x07\xc3\xa1b\x05").map_with(&Limits::DEFAULT)?;
    /// assert_eq!(map.named().collect::<Vec<_>>(), [(&b"b"[..], ValueRef::Int(5))]);
    /// # Ok::<(), msgpack_numpy_codec::DecodeError>(())
    /// ```
    #[must_use]
    pub fn named(self) -> Named<'a> {
        Named::new(self.iter())
    }
}

/// A value of another type at `offset`.
pub(crate) const fn unexpected(offset: usize, what: What) -> DecodeError {
    DecodeError::new(DecodeErrorKind::UnexpectedType, offset, what)
}

use core::fmt;

use rmp::Marker;
use rmp::decode::{Bytes, RmpRead, read_marker};

use crate::body_error::{BodyError, BodyErrorKind};

/// One step through MessagePack data.
///
/// A container is its header only: its items follow as further tokens, two for each entry of a map. `Debug` shows no text and
/// no bytes.
#[derive(Clone, Copy, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "all that MessagePack has")]
pub enum Token<'a> {
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
    /// Of 64 bits.
    F64(f64),
    /// A text: UTF-8 unless the peer is at fault.
    Str(&'a [u8]),
    /// Bytes.
    Bin(&'a [u8]),
    /// So many items follow.
    Array(u32),
    /// So many entries follow.
    Map(u32),
    /// Type and content of an extension.
    Ext(i8, &'a [u8]),
}

impl<'a> Token<'a> {
    /// The text, if it is one in UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        if let Self::Str(text) = self { core::str::from_utf8(text).ok() } else { None }
    }

    /// Values that belong to it and follow.
    const fn items(&self) -> u64 {
        if let Self::Array(len) = self {
            *len as u64
        } else if let Self::Map(len) = self {
            (*len as u64).saturating_mul(2)
        } else {
            0
        }
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("Nil"),
            Self::Bool(value) => write!(f, "Bool({value})"),
            Self::Int(value) => write!(f, "Int({value})"),
            Self::UInt(value) => write!(f, "UInt({value})"),
            Self::F32(value) => write!(f, "F32({value:?})"),
            Self::F64(value) => write!(f, "F64({value:?})"),
            Self::Str(text) => write!(f, "Str([{} bytes])", text.len()),
            Self::Bin(bytes) => write!(f, "Bin([{} bytes])", bytes.len()),
            Self::Array(len) => write!(f, "Array({len})"),
            Self::Map(len) => write!(f, "Map({len})"),
            Self::Ext(kind, bytes) => write!(f, "Ext({kind}, [{} bytes])", bytes.len()),
        }
    }
}

/// Walks through MessagePack data token by token. After an error it stays where it was.
///
/// ```
/// use thingsdb_wire::msgpack::{Reader, Token};
///
/// let mut reader = Reader::new(b"\x92\xa2@t\xa61 + 1;"); // ["@t", "1 + 1;"]
/// assert_eq!(reader.token()?, Token::Array(2));
/// assert_eq!(reader.token()?.as_str(), Some("@t"));
/// reader.skip()?;
/// assert_eq!(reader.position(), 11);
/// reader.finish()?;
/// # Ok::<(), thingsdb_wire::BodyError>(())
/// ```
#[derive(Clone)]
pub struct Reader<'a> {
    data: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the front of `data`.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, rest: data }
    }

    /// Bytes read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.data.len().saturating_sub(self.rest.len())
    }

    /// What was not read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next token.
    ///
    /// # Errors
    ///
    /// [`UnexpectedEnd`](BodyErrorKind::UnexpectedEnd), also for a container with more items than bytes are left, and
    /// [`InvalidTag`](BodyErrorKind::InvalidTag) for `c1`.
    pub fn token(&mut self) -> Result<Token<'a>, BodyError> {
        self.next("DATA")
    }

    /// Passes one value, with all that is in it.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token).
    pub fn skip(&mut self) -> Result<(), BodyError> {
        self.pass("DATA").map(|_| ())
    }

    /// There is nothing left.
    ///
    /// # Errors
    ///
    /// [`TrailingBytes`](BodyErrorKind::TrailingBytes) if there is.
    pub fn finish(&self) -> Result<(), BodyError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error(BodyErrorKind::TrailingBytes, "DATA")) }
    }

    /// An error here.
    pub(crate) fn error(&self, kind: BodyErrorKind, what: &'static str) -> BodyError {
        BodyError::new(kind, self.position(), what)
    }

    /// The bytes of one value.
    pub(crate) fn pass(&mut self, what: &'static str) -> Result<&'a [u8], BodyError> {
        let start = self.rest;
        let mut open: u64 = 1;
        while let Some(left) = open.checked_sub(1) {
            match self.next(what) {
                Ok(token) => open = left.saturating_add(token.items()),
                Err(error) => {
                    self.rest = start;
                    return Err(error);
                }
            }
        }
        let len = start.len().saturating_sub(self.rest.len());
        Ok(start.get(..len).unwrap_or(start))
    }

    /// The next token, of a field with this name.
    pub(crate) fn next(&mut self, what: &'static str) -> Result<Token<'a>, BodyError> {
        let mut bytes = Bytes::new(self.rest);
        let Some(token) = token(&mut bytes) else {
            return Err(match self.rest.first() {
                Some(0xc1) => self.error(BodyErrorKind::InvalidTag, what),
                _ => BodyError::new(BodyErrorKind::UnexpectedEnd, self.data.len(), what),
            });
        };
        let rest = bytes.remaining_slice();
        // Each item takes a byte at least.
        if token.items() > rest.len() as u64 {
            return Err(BodyError::new(BodyErrorKind::UnexpectedEnd, self.data.len(), what));
        }
        self.rest = rest;
        Ok(token)
    }

    /// Reads a field with `read`; a value of another type is an error at its start.
    pub(crate) fn field<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(Token<'a>) -> Option<T>,
    ) -> Result<T, BodyError> {
        let before = self.clone();
        let value = read(self.next(what)?);
        value.ok_or_else(|| {
            *self = before;
            self.error(BodyErrorKind::UnexpectedType, what)
        })
    }

    /// Whether a text comes next, whole or not.
    pub(crate) const fn is_str(&self) -> bool {
        matches!(self.rest, [0xa0..=0xbf | 0xd9..=0xdb, ..])
    }

    pub(crate) fn str(&mut self, what: &'static str) -> Result<&'a str, BodyError> {
        let before = self.clone();
        let text = self.field(what, |token| if let Token::Str(text) = token { Some(text) } else { None })?;
        core::str::from_utf8(text).map_err(|_| {
            *self = before;
            self.error(BodyErrorKind::InvalidUtf8, what)
        })
    }

    pub(crate) fn int(&mut self, what: &'static str) -> Result<i64, BodyError> {
        self.field(what, |token| if let Token::Int(value) = token { Some(value) } else { None })
    }

    pub(crate) fn array(&mut self, what: &'static str) -> Result<u32, BodyError> {
        self.field(what, |token| if let Token::Array(len) = token { Some(len) } else { None })
    }

    pub(crate) fn map(&mut self, what: &'static str) -> Result<u32, BodyError> {
        self.field(what, |token| if let Token::Map(len) = token { Some(len) } else { None })
    }
}

/// Shows no data.
impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader(at {} of {})", self.position(), self.data.len())
    }
}

/// One token; `None` if the bytes end in it or begin none.
fn token<'a>(bytes: &mut Bytes<'a>) -> Option<Token<'a>> {
    Some(match read_marker(bytes).ok()? {
        Marker::Null => Token::Nil,
        Marker::True => Token::Bool(true),
        Marker::False => Token::Bool(false),
        Marker::FixPos(value) => Token::Int(value.into()),
        Marker::FixNeg(value) => Token::Int(value.into()),
        Marker::U8 => Token::Int(bytes.read_data_u8().ok()?.into()),
        Marker::U16 => Token::Int(bytes.read_data_u16().ok()?.into()),
        Marker::U32 => Token::Int(bytes.read_data_u32().ok()?.into()),
        Marker::U64 => {
            let value = bytes.read_data_u64().ok()?;
            i64::try_from(value).map_or(Token::UInt(value), Token::Int)
        }
        Marker::I8 => Token::Int(bytes.read_data_i8().ok()?.into()),
        Marker::I16 => Token::Int(bytes.read_data_i16().ok()?.into()),
        Marker::I32 => Token::Int(bytes.read_data_i32().ok()?.into()),
        Marker::I64 => Token::Int(bytes.read_data_i64().ok()?),
        Marker::F32 => Token::F32(bytes.read_data_f32().ok()?),
        Marker::F64 => Token::F64(bytes.read_data_f64().ok()?),
        Marker::FixStr(len) => Token::Str(take(bytes, len.into())?),
        Marker::Str8 => str(bytes, |bytes| bytes.read_data_u8().ok().map(u32::from))?,
        Marker::Str16 => str(bytes, |bytes| bytes.read_data_u16().ok().map(u32::from))?,
        Marker::Str32 => str(bytes, |bytes| bytes.read_data_u32().ok())?,
        Marker::Bin8 => bin(bytes, |bytes| bytes.read_data_u8().ok().map(u32::from))?,
        Marker::Bin16 => bin(bytes, |bytes| bytes.read_data_u16().ok().map(u32::from))?,
        Marker::Bin32 => bin(bytes, |bytes| bytes.read_data_u32().ok())?,
        Marker::FixArray(len) => Token::Array(len.into()),
        Marker::Array16 => Token::Array(bytes.read_data_u16().ok()?.into()),
        Marker::Array32 => Token::Array(bytes.read_data_u32().ok()?),
        Marker::FixMap(len) => Token::Map(len.into()),
        Marker::Map16 => Token::Map(bytes.read_data_u16().ok()?.into()),
        Marker::Map32 => Token::Map(bytes.read_data_u32().ok()?),
        Marker::FixExt1 => ext(bytes, |_| Some(1))?,
        Marker::FixExt2 => ext(bytes, |_| Some(2))?,
        Marker::FixExt4 => ext(bytes, |_| Some(4))?,
        Marker::FixExt8 => ext(bytes, |_| Some(8))?,
        Marker::FixExt16 => ext(bytes, |_| Some(16))?,
        Marker::Ext8 => ext(bytes, |bytes| bytes.read_data_u8().ok().map(u32::from))?,
        Marker::Ext16 => ext(bytes, |bytes| bytes.read_data_u16().ok().map(u32::from))?,
        Marker::Ext32 => ext(bytes, |bytes| bytes.read_data_u32().ok())?,
        Marker::Reserved => return None,
    })
}

type Len<'a> = fn(&mut Bytes<'a>) -> Option<u32>;

fn str<'a>(bytes: &mut Bytes<'a>, len: Len<'a>) -> Option<Token<'a>> {
    let len = len(bytes)?;
    Some(Token::Str(take(bytes, len)?))
}

fn bin<'a>(bytes: &mut Bytes<'a>, len: Len<'a>) -> Option<Token<'a>> {
    let len = len(bytes)?;
    Some(Token::Bin(take(bytes, len)?))
}

fn ext<'a>(bytes: &mut Bytes<'a>, len: Len<'a>) -> Option<Token<'a>> {
    let len = len(bytes)?;
    let kind = bytes.read_data_i8().ok()?;
    Some(Token::Ext(kind, take(bytes, len)?))
}

fn take<'a>(bytes: &mut Bytes<'a>, len: u32) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.remaining_slice().split_at_checked(usize::try_from(len).ok()?)?;
    *bytes = Bytes::new(rest);
    Some(taken)
}

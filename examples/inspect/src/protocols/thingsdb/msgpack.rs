//! MessagePack: the fields of one value.

use alloc::borrow::Cow;

use thingsdb_wire::msgpack::{Reader, Token, ValueRef};

use crate::dissect::{By, Field, Place, Value};

/// Whether it is exactly one value.
pub(super) fn is_value(bytes: &[u8]) -> bool {
    ValueRef::decode(bytes).is_ok()
}

/// The fields of the one value in `bytes`, which start at `offset` in the stream; as far as they can be read.
pub(super) fn fields<'a>(
    part: &'static str,
    bytes: &'a [u8],
    offset: u64,
) -> impl Iterator<Item = Field<'a>> + use<'a> {
    Tokens { part, bytes, offset, reader: Reader::new(bytes), open: Vec::new(), is_done: false }
}

/// Walks a value and tells where each token stands.
struct Tokens<'a> {
    part: &'static str,
    bytes: &'a [u8],
    /// Of `bytes` in the stream.
    offset: u64,
    reader: Reader<'a>,
    /// The containers around the next token.
    open: Vec<Level>,
    is_done: bool,
}

struct Level {
    /// Values that are to come.
    left: u64,
    /// Where in the container the next one goes.
    next: Place,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.is_done {
            return None;
        }
        let start = self.reader.position();
        if self.open.last().is_some_and(|level| level.left == 0) {
            self.open.pop();
            self.is_done = self.open.is_empty();
            return Some(self.field(start, 0, Place::End, Value::Close(By::Count)));
        }
        let token = self.reader.token().ok()?;
        let place = self.take_place();
        let (value, content) = match token {
            Token::Nil => (Value::Null, 0),
            Token::Bool(value) => (Value::Bool(value), 0),
            Token::Int(value) => (Value::Int(value.into()), 0),
            Token::UInt(value) => (Value::Int(value.into()), 0),
            Token::F32(value) => (Value::Double(value.into()), 4),
            Token::F64(value) => (Value::Double(value), 8),
            Token::Str(text) => (Value::Raw(Cow::Borrowed(text)), text.len()),
            Token::Bin(bytes) => (Value::Bytes(bytes), bytes.len()),
            Token::Ext(kind, bytes) => (Value::Ext(kind, bytes), bytes.len()),
            Token::Array(_) => (Value::Array, 0),
            Token::Map(_) => (Value::Map, 0),
        };
        let field = self.field(start, content, place, value);
        let (left, next) = match token {
            Token::Array(len) => (u64::from(len), Place::Item(0)),
            Token::Map(len) => (u64::from(len).saturating_mul(2), Place::Key),
            Token::Nil | Token::Bool(_) | Token::Int(_) | Token::UInt(_) | Token::F32(_) | Token::F64(_) => {
                self.is_done = self.open.is_empty();
                return Some(field);
            }
            Token::Str(_) | Token::Bin(_) | Token::Ext(..) => {
                self.is_done = self.open.is_empty();
                return Some(field);
            }
        };
        self.open.push(Level { left, next });
        Some(field)
    }
}

impl<'a> Tokens<'a> {
    /// What was read from `start` on; at its end is `content`.
    fn field(&self, start: usize, content: usize, place: Place, value: Value<'a>) -> Field<'a> {
        let bytes = self.bytes.get(start..self.reader.position()).unwrap_or_default();
        Field {
            offset: self.offset.saturating_add(start as u64),
            bytes,
            tag_len: bytes.len().saturating_sub(content),
            depth: self.open.len(),
            place,
            tag: if place == Place::End { "" } else { bytes.first().map_or("", |first| form(*first)) },
            value,
            note: "".into(),
            secret: false,
        }
    }

    /// The place of the value that comes now; moves on to the next.
    fn take_place(&mut self) -> Place {
        let Some(level) = self.open.last_mut() else { return Place::Part(self.part) };
        level.left = level.left.saturating_sub(1);
        let next = match level.next {
            Place::Item(index) => Place::Item(index.saturating_add(1)),
            Place::Key => Place::Value,
            Place::Value | Place::Part(_) | Place::Member(_) | Place::End => Place::Key,
        };
        core::mem::replace(&mut level.next, next)
    }
}

/// The word of MessagePack's specification for what starts with this byte.
pub(in crate::protocols) fn form(first: u8) -> &'static str {
    match first {
        0x00..=0x7f => "positive fixint",
        0x80..=0x8f => "fixmap",
        0x90..=0x9f => "fixarray",
        0xa0..=0xbf => "fixstr",
        0xc0 => "nil",
        0xc1 => "",
        0xc2 => "false",
        0xc3 => "true",
        0xc4 => "bin 8",
        0xc5 => "bin 16",
        0xc6 => "bin 32",
        0xc7 => "ext 8",
        0xc8 => "ext 16",
        0xc9 => "ext 32",
        0xca => "float 32",
        0xcb => "float 64",
        0xcc => "uint 8",
        0xcd => "uint 16",
        0xce => "uint 32",
        0xcf => "uint 64",
        0xd0 => "int 8",
        0xd1 => "int 16",
        0xd2 => "int 32",
        0xd3 => "int 64",
        0xd4 => "fixext 1",
        0xd5 => "fixext 2",
        0xd6 => "fixext 4",
        0xd7 => "fixext 8",
        0xd8 => "fixext 16",
        0xd9 => "str 8",
        0xda => "str 16",
        0xdb => "str 32",
        0xdc => "array 16",
        0xdd => "array 32",
        0xde => "map 16",
        0xdf => "map 32",
        0xe0..=0xff => "negative fixint",
    }
}

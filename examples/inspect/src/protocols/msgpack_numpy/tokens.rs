//! The fields of one value: MessagePack token by token, but an array, scalar, complex number or pickle is one field.

use alloc::borrow::Cow;
use core::fmt::Write as _;

use msgpack_numpy_codec::{DecodeError, Limits, Reader, Token, ValueRef};

use super::Faulty;
use super::block::{self, complex};
use crate::dissect::{By, Field, Place, Value};
use crate::protocols::thingsdb::msgpack::form;
use crate::render::{clip, described, visible};

/// Walks a value and tells where each token stands.
pub(in crate::protocols) struct Tokens<'a> {
    /// The name of the value.
    part: &'static str,
    bytes: &'a [u8],
    /// Of `bytes` in the stream.
    offset: u64,
    /// Where in `bytes` it is to stop.
    end: usize,
    reader: Reader<'a>,
    /// The containers around the next token.
    open: Vec<Level<'a>>,
    is_done: bool,
    faulty: Option<Faulty>,
}

struct Level<'a> {
    /// Values that are to come.
    left: u64,
    /// Where in the container the next one goes.
    next: Place,
    /// The last key, where there is one.
    key: Option<Token<'a>>,
}

impl<'a> Tokens<'a> {
    /// Over the value at the front of `bytes`, which start at `offset` in the stream, as far as it goes before `end`.
    pub(in crate::protocols) fn new(part: &'static str, bytes: &'a [u8], offset: u64, end: usize) -> Self {
        Self { part, bytes, offset, end, reader: Reader::new(bytes), open: Vec::new(), is_done: false, faulty: None }
    }

    /// The faulty maps that were met.
    pub(in crate::protocols) fn faulty(self) -> Option<Faulty> {
        self.faulty
    }

    /// The way to the value that is next.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for level in &self.open {
            // Writing to a string cannot fail.
            let _ = match (level.next, level.key) {
                (Place::Item(index), _) => write!(path, "[{index}]"),
                (Place::Value, Some(key)) => write_key(&mut path, key),
                _ => Ok(()),
            };
        }
        clip(format_args!("{}", visible(&path)), PATH_LEN)
    }
}

/// Characters of one-line forms.
const PATH_LEN: usize = 200;
const NOTE_LEN: usize = 200;

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
            self.advance(None);
            return Some(self.field(start, 0, Place::End, Value::Close(By::Count)));
        }
        if start >= self.end {
            return None;
        }
        let mut note = Cow::Borrowed("");
        if let Some(map) = Map::at(self.bytes.get(start..self.end).unwrap_or_default())
            && let Some(meant) = self.meant(&map, start)
        {
            match meant {
                Meant::Instead(value, tag) => {
                    let place = self.place();
                    // It was read just now.
                    let _ = self.reader.skip();
                    let mut field = self.field(start, map.bytes.len(), place, value);
                    (field.tag, field.tag_len) = (tag, 0);
                    self.is_done = self.open.is_empty();
                    self.advance(None);
                    return Some(field);
                }
                Meant::Beside(text) => note = text.into(),
            }
        }
        let token = self.reader.token().ok()?;
        if matches!(token, Token::List(_) | Token::Map(_)) && self.open.len() >= usize::from(Limits::DEFAULT.max_depth)
        {
            self.is_done = true;
            return None;
        }
        let (value, content) = match token {
            Token::Nil => (Value::Null, 0),
            Token::Bool(value) => (Value::Bool(value), 0),
            Token::Int(value) => (Value::Int(value.into()), 0),
            Token::UInt(value) => (Value::Int(value.into()), 0),
            Token::F32(value) => (Value::Float(value), 4),
            Token::F64(value) => (Value::Double(value), 8),
            Token::Str(text) => (Value::Raw(Cow::Borrowed(text)), text.len()),
            Token::Bin(bytes) => (Value::Bytes(bytes), bytes.len()),
            Token::Ext(kind, bytes) => (Value::Ext(kind, bytes), bytes.len()),
            Token::List(_) => (Value::Array, 0),
            Token::Map(_) => (Value::Map, 0),
        };
        let mut field = self.field(start, content, self.place(), value);
        field.note = note;
        let (left, next) = match token {
            Token::List(len) => (u64::from(len), Place::Item(0)),
            Token::Map(len) => (u64::from(len).saturating_mul(2), Place::Key),
            Token::Nil | Token::Bool(_) | Token::Int(_) | Token::UInt(_) | Token::F32(_) | Token::F64(_) => {
                self.is_done = self.open.is_empty();
                self.advance(Some(token));
                return Some(field);
            }
            Token::Str(_) | Token::Bin(_) | Token::Ext(..) => {
                self.is_done = self.open.is_empty();
                self.advance(Some(token));
                return Some(field);
            }
        };
        self.open.push(Level { left, next, key: None });
        Some(field)
    }
}

/// What a map is to be shown as.
enum Meant<'a> {
    /// As this, under this tag.
    Instead(Value<'a>, &'static str),
    /// As it is, with this said of it: there is more to it than its meaning.
    Beside(String),
}

impl<'a> Tokens<'a> {
    /// What the map at `start` stands for, if for anything.
    fn meant(&mut self, map: &Map<'a>, start: usize) -> Option<Meant<'a>> {
        if !map.is_tagged {
            return None;
        }
        let at = |position: usize| self.offset.saturating_add(start as u64).saturating_add(position as u64);
        let (value, tag, is_all) = match ValueRef::decode(map.bytes).ok()? {
            ValueRef::Array(array) => (block::array(array, at(map.data)), "array", map.is_array),
            ValueRef::Scalar(scalar) => (block::scalar(scalar, at(map.data)), "scalar", map.is_scalar),
            ValueRef::Complex(real, imaginary) => {
                (complex([real, imaginary].map(Value::Double)), "complex", map.is_complex)
            }
            ValueRef::Pickle(pickle) => (block::pickle(pickle), "object array", map.is_array),
            ValueRef::Faulty(_, error) => return Some(Meant::Beside(self.fault(error, start))),
            // A map after all; no other value begins with a map's byte.
            ValueRef::Map(_) | _ => return None,
        };
        if is_all {
            return Some(Meant::Instead(value, tag));
        }
        Some(Meant::Beside(clip(format_args!("{tag} {}", described(&value)), NOTE_LEN)))
    }

    fn fault(&mut self, error: DecodeError, start: usize) -> String {
        let offset = self.offset.saturating_add(start as u64);
        match &mut self.faulty {
            Some(faulty) => faulty.count = faulty.count.saturating_add(1),
            None => self.faulty = Some(Faulty { count: 1, error, offset, path: self.path() }),
        }
        format!("faulty: {}", error.reason())
    }

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

    /// The place of the value that comes now.
    fn place(&self) -> Place {
        self.open.last().map_or(Place::Part(self.part), |level| level.next)
    }

    /// Goes on behind a value of the innermost container.
    fn advance(&mut self, token: Option<Token<'a>>) {
        let Some(level) = self.open.last_mut() else { return };
        level.left = level.left.saturating_sub(1);
        level.next = match level.next {
            Place::Item(index) => Place::Item(index.saturating_add(1)),
            Place::Key => {
                level.key = token;
                Place::Value
            }
            Place::Value | Place::Part(_) | Place::Member(_) | Place::End => Place::Key,
        };
    }
}

/// One step of a path; names that are no plain words stand in brackets and quotes.
fn write_key(path: &mut String, key: Token<'_>) -> core::fmt::Result {
    match key {
        Token::Str(name) | Token::Bin(name) => match core::str::from_utf8(name) {
            Ok(word) if is_word(word) && path.is_empty() => path.write_str(word),
            Ok(word) if is_word(word) => write!(path, ".{word}"),
            Ok(text) => write!(path, "[{:?}]", clip(format_args!("{text}"), PATH_LEN)),
            Err(_) => write!(path, "[b\"{}\"]", name.get(..PATH_LEN).unwrap_or(name).escape_ascii()),
        },
        Token::Int(value) => write!(path, "[={value}]"),
        Token::UInt(value) => write!(path, "[={value}]"),
        Token::Nil
        | Token::Bool(_)
        | Token::F32(_)
        | Token::F64(_)
        | Token::List(_)
        | Token::Map(_)
        | Token::Ext(..) => path.write_str("[=?]"),
    }
}

fn is_word(name: &str) -> bool {
    (1..=PATH_LEN).contains(&name.len()) && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '#'))
}

/// A map, and what its keys tell of it.
struct Map<'a> {
    bytes: &'a [u8],
    /// It may stand for something.
    is_tagged: bool,
    /// There is no more in it than the thing.
    is_array: bool,
    is_scalar: bool,
    is_complex: bool,
    /// Where what is in its data begins.
    data: usize,
}

impl<'a> Map<'a> {
    /// The map at the front, if there is one, whole and with more than one entry.
    fn at(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let Ok(Token::Map(count @ 2..)) = reader.token() else { return None };
        let mut map = Self { bytes, is_tagged: false, is_array: true, is_scalar: true, is_complex: true, data: 0 };
        for _ in 0..count {
            let key = peek(reader.rest())?;
            reader.skip().ok()?;
            let value = peek(reader.rest())?;
            reader.skip().ok()?;
            let (Token::Str(name) | Token::Bin(name)) = key else {
                map.keeps(false, false, false);
                continue;
            };
            match (name, value) {
                (b"nd", _) => {
                    map.is_tagged = true;
                    map.keeps(true, true, false);
                }
                (b"complex", _) => {
                    map.is_tagged = true;
                    map.keeps(false, false, true);
                }
                (b"data", Token::Str(content) | Token::Bin(content)) => {
                    map.data = reader.position().saturating_sub(content.len());
                }
                (b"type", _) => map.keeps(true, true, false),
                (b"shape", _) | (b"kind", Token::Str(b"" | b"V" | b"O") | Token::Bin(b"" | b"V" | b"O")) => {
                    map.keeps(true, false, false);
                }
                _ => map.keeps(false, false, false),
            }
        }
        map.bytes = bytes.get(..reader.position())?;
        Some(map)
    }

    /// An entry that belongs to these.
    fn keeps(&mut self, array: bool, scalar: bool, complex: bool) {
        self.is_array &= array;
        self.is_scalar &= scalar;
        self.is_complex &= complex;
    }
}

fn peek(bytes: &[u8]) -> Option<Token<'_>> {
    Reader::new(bytes).token().ok()
}

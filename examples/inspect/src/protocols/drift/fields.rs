//! The fields of a package, in the order in which they stand on the wire.

use alloc::borrow::Cow;
use alloc::rc::Rc;
use core::str;

use drift_proto::{AnyRef, DriftBytesRef, PayloadKind, StatusCode, Timestamp, TypedItems};

use super::items::Items;
use super::kinds::{Kinds, named, word};
use super::schema::{self, Kind, LIMITS, Message};
use super::wire::{self, Value as Wire};
use super::{class, of_millis, time};
use crate::dissect::{By, Field, Place, Value};

/// Messages of any type in one another that are unpacked; of what is deeper the bytes are shown.
const PACKED: u8 = 4;

/// Goes down into messages, and comes out of them again.
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    /// Of the bytes in the stream.
    offset: u64,
    kinds: Rc<Kinds<'a>>,
    /// What would be shown to here or further is not.
    stop: usize,
    at: usize,
    open: Vec<Open>,
    /// Of a payload, with their names, and how many there were.
    items: Option<(Items<'a>, Option<TypedItems<'a>>, u64)>,
    /// How many payloads of the package have begun.
    payloads: usize,
}

/// A message, or the items of a payload.
struct Open {
    message: &'static Message,
    place: Place,
    end: usize,
    note: Cow<'static, str>,
    /// What it holds, if it is an `Any`.
    packed: Option<&'static Message>,
    /// In how many of these it is.
    depth: u8,
}

impl<'a> Walk<'a> {
    /// Of a package that decodes.
    pub(super) fn new(bytes: &'a [u8], offset: u64, kinds: Rc<Kinds<'a>>) -> Self {
        let package = Open {
            message: &schema::PACKAGE,
            place: Place::Part(""),
            end: bytes.len(),
            note: "".into(),
            packed: None,
            depth: 0,
        };
        Self { bytes, offset, kinds, stop: usize::MAX, at: 0, open: vec![package], items: None, payloads: 0 }
    }

    /// Of one that does not, as far as it is right.
    pub(super) fn until(stop: usize, bytes: &'a [u8], offset: u64) -> Self {
        Self { stop, ..Self::new(bytes, offset, Rc::default()) }
    }

    fn depth(&self) -> usize {
        self.open.len().saturating_sub(1)
    }

    /// A line for the bytes up to `end`, which are taken.
    fn line(&mut self, name: &'static str, tag: &'static str, value: Value<'a>, end: usize) -> Field<'a> {
        let depth = self.depth();
        let place = if depth == 0 { Place::Part(name) } else { Place::Member(name) };
        let field = Field {
            offset: self.offset.saturating_add(self.at as u64),
            bytes: self.bytes.get(self.at..end).unwrap_or_default(),
            tag_len: 0,
            depth,
            place,
            tag,
            value,
            note: "".into(),
            secret: false,
        };
        self.at = end;
        field
    }

    /// Goes into a message, or into items.
    fn open(&mut self, field: &Field<'a>, message: &'static Message, end: usize, packed: Option<&'static Message>) {
        let depth = self.open.last().map_or(0, |open| open.depth.saturating_add(u8::from(packed.is_some())));
        let note = field.note.clone();
        self.open.push(Open { message, place: field.place, end, note, packed, depth });
    }

    fn close(&mut self) -> Option<Field<'a>> {
        let Open { place, end, note, .. } = self.open.pop()?;
        if self.open.is_empty() {
            return None;
        }
        let mut field = self.line("", "", Value::Close(By::Count), end);
        (field.place, field.note) = (Place::End, note);
        // JSON has the note of a part from where it ends.
        if !matches!(place, Place::Part(_)) {
            field.note = "".into();
        }
        Some(field)
    }

    fn item(&mut self) -> Option<Field<'a>> {
        let (items, names, index) = self.items.as_mut()?;
        let Some(mut field) = items.next() else {
            self.items = None;
            return self.close();
        };
        if let Some(item) = names.as_mut().and_then(Iterator::next) {
            let comma = if field.note.is_empty() { "" } else { "; " };
            field.note = format!("{}{comma}{}", named(item), field.note).into();
        }
        field.place = Place::Item(*index);
        *index = index.saturating_add(1);
        field.depth = self.depth();
        self.at = self.at.saturating_add(field.bytes.len());
        Some(field)
    }

    /// A field that is none of its message's.
    fn unknown(&mut self, field: &wire::Field<'a>, end: usize) -> Field<'a> {
        let (tag, value) = match field.value {
            Wire::Varint(value) => ("varint", Value::Int(value.into())),
            Wire::Fixed64(value) => ("fixed64", Value::Int(value.into())),
            Wire::Bytes(value) => ("bytes", Value::Bytes(value)),
            Wire::Group(value) => ("group", Value::Hex(value)),
            Wire::Fixed32(value) => ("fixed32", Value::Int(value.into())),
        };
        let mut line = self.line("unknown", tag, value, end);
        line.note = format!("field {}", field.number).into();
        line
    }

    fn message(
        &mut self,
        name: &'static str,
        message: &'static Message,
        content: &'a [u8],
        head: usize,
        end: usize,
    ) -> Field<'a> {
        let any = core::ptr::eq(message, &raw const schema::ANY).then(|| any(content));
        let has_room = self.open.last().is_some_and(|open| open.depth < PACKED);
        let packed = any.filter(|_| has_room).and_then(schema::packed);
        let start = self.at.saturating_add(head);
        let mut field = self.line(name, message.name, Value::Map, start);
        if core::ptr::eq(message, &raw const schema::TIMESTAMP) {
            field.note = timestamp(content).into();
        } else if core::ptr::eq(message, &raw const schema::META) && field.depth == 0 {
            field.note = self.kinds.note().into();
        }
        self.open(&field, message, end, packed);
        field
    }

    /// The bytes of a payload, by what they are told to be.
    fn payload(&mut self, name: &'static str, data: &'a [u8], head: usize, end: usize) -> Field<'a> {
        // Of payloads in messages in messages nothing is told.
        let is_own = self.open.get(1).is_some_and(|any| any.packed.is_some()) && self.open.len() == 3;
        let payload = self.payloads.saturating_sub(1);
        let kind = self.kinds.get(payload).filter(|_| is_own);
        if kind == Some(PayloadKind::DriftBytes) && DriftBytesRef::decode_with(data, &LIMITS).is_ok() {
            let start = self.at.saturating_add(head);
            let offset = self.offset.saturating_add(start as u64);
            let mut field = self.line(name, "DriftBytes", Value::Array, start.saturating_add(2));
            let order = if data.first() == Some(&1) { "little-endian" } else { "big-endian" };
            field.note = format!("{} bytes, {order}, version 0", data.len()).into();
            self.open(&field, &schema::DATA_PAYLOAD, end, None);
            self.items = Items::new(data, offset).map(|items| (items, self.kinds.names(payload), 0));
            return field;
        }
        let value = match kind {
            Some(PayloadKind::Text) => Value::Raw(Cow::Borrowed(data)),
            _ => Value::Bytes(data),
        };
        let mut field = self.line(name, "bytes", value, end);
        field.note = kind.map(word).unwrap_or_default().into();
        field
    }

    /// A field that its message has, of the wire type that it should have.
    fn known(&mut self, name: &'static str, kind: Kind, field: &wire::Field<'a>, end: usize) -> Option<Field<'a>> {
        let int = |value: u64| value.cast_signed();
        // Enums and `int32` are the low half.
        let low = |value: u64| half(value).cast_signed();
        let (tag, value, note): (_, _, Cow<'static, str>) = match (kind, field.value) {
            (Kind::Message(message), Wire::Bytes(content)) => {
                return Some(self.message(name, message, content, field.head, end));
            }
            (Kind::Packed, Wire::Bytes(content)) => match self.open.last().and_then(|any| any.packed) {
                Some(message) => {
                    if core::ptr::eq(message, &raw const schema::DATA_PAYLOAD) && self.open.len() == 2 {
                        self.payloads = self.payloads.saturating_add(1);
                    }
                    return Some(self.message(name, message, content, field.head, end));
                }
                None => ("bytes", Value::Bytes(content), "".into()),
            },
            (Kind::Payload, Wire::Bytes(data)) => return Some(self.payload(name, data, field.head, end)),
            (Kind::Text, Wire::Bytes(text)) => {
                ("string", Value::Raw(Cow::Borrowed(str::from_utf8(text).ok()?.as_bytes())), "".into())
            }
            (Kind::UInt32s, Wire::Bytes(axes)) => ("packed uint32", Value::Bytes(axes), numbers(axes).into()),
            (Kind::Float, Wire::Fixed32(bits)) => ("float", Value::Float(f32::from_bits(bits)), "".into()),
            (Kind::Millis, Wire::Varint(value)) => {
                ("int64", Value::Int(int(value).into()), of_millis(int(value)).into())
            }
            (Kind::Int64, Wire::Varint(value)) => ("int64", Value::Int(int(value).into()), "".into()),
            (Kind::Int32, Wire::Varint(value)) => ("int32", Value::Int(low(value).into()), "".into()),
            (Kind::UInt64, Wire::Varint(value)) => ("uint64", Value::Int(value.into()), "".into()),
            (Kind::UInt32 | Kind::UInt32s | Kind::WaveletType | Kind::Compression, Wire::Varint(value)) => {
                let value = half(value);
                let note = match (kind, value) {
                    (Kind::WaveletType, 0) => "no wavelet".into(),
                    (Kind::WaveletType, 1..=5) => format!("DB{value}").into(),
                    (Kind::Compression, 1..=31) => format!("{} bits kept", 33_u32.saturating_sub(value)).into(),
                    _ => "".into(),
                };
                ("uint32", Value::Int(value.into()), note)
            }
            (Kind::Status, Wire::Varint(value)) => {
                ("StatusCode", Value::Int(low(value).into()), noted(StatusCode(low(value))).into())
            }
            (Kind::DataType, Wire::Varint(value)) => {
                ("DataType", Value::Int(low(value).into()), schema::data_type(low(value)).into())
            }
            (Kind::ImageType, Wire::Varint(value)) => {
                ("ImageType", Value::Int(low(value).into()), schema::image_type(low(value)).into())
            }
            _ => return Some(self.unknown(field, end)),
        };
        let mut line = self.line(name, tag, value, end);
        line.note = note;
        Some(line)
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.items.is_some() {
            return self.item();
        }
        let open = self.open.last()?;
        if self.at >= open.end {
            return self.close();
        }
        let message = open.message;
        let field = wire::field(self.bytes.get(self.at..open.end)?)?;
        let end = self.at.saturating_add(field.len);
        let known = message.fields.iter().find(|(number, ..)| *number == field.number);
        let is_message = matches!((known, field.value), (Some((_, _, Kind::Message(_))), Wire::Bytes(_)));
        let shown = if is_message { self.at.saturating_add(field.head) } else { end };
        if shown > self.stop {
            self.open.clear();
            return None;
        }
        match known {
            Some((_, name, kind)) => self.known(name, *kind, &field, end),
            None => Some(self.unknown(&field, end)),
        }
    }
}

/// Of its fields the last ones. It was checked, or is not looked at.
fn any(content: &[u8]) -> AnyRef<'_> {
    let (mut type_url, mut value, mut rest) = ("", &[][..], content);
    while let Some(field) = wire::field(rest) {
        match (field.number, field.value) {
            (1, Wire::Bytes(text)) => type_url = str::from_utf8(text).unwrap_or_default(),
            (2, Wire::Bytes(bytes)) => value = bytes,
            _ => {}
        }
        rest = rest.get(field.len..).unwrap_or_default();
    }
    AnyRef::new(type_url, value)
}

fn noted(status: StatusCode) -> String {
    format!("{status}, {}", class(status))
}

/// What a timestamp says, if all of it is in this piece.
fn timestamp(content: &[u8]) -> String {
    let (mut found, mut rest) = (Timestamp::default(), content);
    while let Some(field) = wire::field(rest) {
        match (field.number, field.value) {
            (1, Wire::Varint(seconds)) => found.seconds = seconds.cast_signed(),
            (2, Wire::Varint(nanos)) => found.nanos = half(nanos).cast_signed(),
            _ => {}
        }
        rest = rest.get(field.len..).unwrap_or_default();
    }
    time(found)
}

/// The low half, as peers take it.
fn half(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Numbers one behind the other, the first few.
fn numbers(mut rest: &[u8]) -> String {
    let mut text = String::new();
    for _ in 0..8 {
        let Some((number, after)) = wire::varint(rest) else { return text };
        let comma = if text.is_empty() { "" } else { ", " };
        text.push_str(&format!("{comma}{}", half(number)));
        rest = after;
    }
    if !rest.is_empty() {
        text.push_str(", …");
    }
    text
}

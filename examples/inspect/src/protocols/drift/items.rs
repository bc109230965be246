//! Items of DriftBytes, each in one line.

use alloc::borrow::Cow;

use drift_proto::{DriftBytesReader, Element, ItemRef, ItemType};

use super::schema::LIMITS;
use crate::dissect::{Block, Field, First, Items as Shown, Place, Value};

/// Most values that are shown of an item.
const VALUES: usize = 8;

/// Items up to the first that cannot be read, as parts.
#[derive(Clone)]
pub(super) struct Items<'a> {
    reader: DriftBytesReader<'a>,
    bytes: &'a [u8],
    /// Of the bytes in the stream.
    offset: u64,
}

impl<'a> Items<'a> {
    /// None if the header is wrong.
    pub(super) fn new(bytes: &'a [u8], offset: u64) -> Option<Self> {
        Some(Self { reader: DriftBytesReader::with_limits(bytes, &LIMITS).ok()?, bytes, offset })
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let start = self.reader.position();
        let item = self.reader.next()?.ok()?;
        let bytes = self.bytes.get(start..self.reader.position()).unwrap_or_default();
        // Without values the type is none, whatever its byte says.
        let note = match bytes {
            [_, 12, ..] | [] | [_] => String::new(),
            [_, kind, ..] if item.is_empty() => format!("type {kind} without values"),
            [1, ..] => String::new(),
            [_, ..] => "big-endian".to_owned(),
        };
        Some(Field {
            offset: self.offset.saturating_add(start as u64),
            bytes,
            tag_len: 0,
            depth: 0,
            place: Place::Part("item"),
            tag: "array",
            value: value(item),
            note: note.into(),
            secret: false,
        })
    }
}

/// The two bytes in front of all items, as far as they are there.
pub(super) fn header(bytes: &[u8], offset: u64) -> impl Iterator<Item = Field<'_>> {
    let parts =
        [("flag", 0, if bytes.first() == Some(&1) { "little-endian" } else { "big-endian" }), ("version", 1, "")];
    parts.into_iter().filter_map(move |(name, at, note)| {
        Some(Field {
            offset: offset.saturating_add(at as u64),
            bytes: bytes.get(at..)?.get(..1)?,
            tag_len: 0,
            depth: 0,
            place: Place::Part(name),
            tag: "u8",
            value: Value::Int((*bytes.get(at)?).into()),
            note: note.into(),
            secret: false,
        })
    })
}

/// The name of a type as the Python package has it.
fn name(item_type: ItemType) -> &'static str {
    match item_type {
        ItemType::Bool => "bool",
        ItemType::I8 => "int8",
        ItemType::U8 => "uint8",
        ItemType::I16 => "int16",
        ItemType::U16 => "uint16",
        ItemType::I32 => "int32",
        ItemType::U32 => "uint32",
        ItemType::I64 => "int64",
        ItemType::U64 => "uint64",
        ItemType::F32 => "float32",
        ItemType::F64 => "float64",
        ItemType::String => "string",
        ItemType::None => "none",
    }
}

fn value(item: ItemRef<'_>) -> Value<'_> {
    let values = match item.item_type() {
        ItemType::Bool => first(item, Value::Bool),
        ItemType::I8 => first(item, |value: i8| Value::Int(value.into())),
        ItemType::U8 => first(item, |value: u8| Value::Int(value.into())),
        ItemType::I16 => first(item, |value: i16| Value::Int(value.into())),
        ItemType::U16 => first(item, |value: u16| Value::Int(value.into())),
        ItemType::I32 => first(item, |value: i32| Value::Int(value.into())),
        ItemType::U32 => first(item, |value: u32| Value::Int(value.into())),
        ItemType::I64 => first(item, |value: i64| Value::Int(value.into())),
        ItemType::U64 => first(item, |value: u64| Value::Int(value.into())),
        ItemType::F32 => first(item, Value::Float),
        ItemType::F64 => first(item, Value::Double),
        ItemType::String => {
            let texts = item.texts().into_iter().flatten();
            texts.take(VALUES).map(|text| Value::Raw(Cow::Borrowed(text))).collect()
        }
        ItemType::None => Vec::new(),
    };
    Value::Block(Box::new(Block {
        what: "array",
        dtype: Some(Value::Raw(Cow::Borrowed(name(item.item_type()).as_bytes()))),
        shape: Some(item.shape().iter().map(u64::from).collect()),
        data: item.data(),
        items: Shown::Plain(First { has_more: values.len() < item.len(), values }),
    }))
}

fn first<'a, T: Element>(item: ItemRef<'a>, of: fn(T) -> Value<'a>) -> Vec<Value<'a>> {
    item.values().into_iter().flatten().take(VALUES).map(of).collect()
}

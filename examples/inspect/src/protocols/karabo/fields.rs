//! The fields of a message: of each part its frame header, and what is in it.

use alloc::borrow::Cow;
use alloc::rc::Rc;

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{ArrayPart, Item, Limits};

use super::notes::Notes;
use super::scan::Place as Part;
use super::told::{FAULTS, Told};
use crate::dissect::{Field, FieldIter, Input, Place, Value};
use crate::protocols::msgpack_numpy::block;
use crate::protocols::msgpack_numpy::tokens::Tokens;

/// A message, or as much of it as is there.
#[derive(Clone)]
pub(super) struct Shown<'a> {
    parts: Rc<[Part]>,
    notes: Rc<Notes>,
    bytes: &'a [u8],
    /// Of `bytes` in the stream.
    offset: u64,
    /// Parts that are not there do not make it one of version 1.0.
    is_whole: bool,
    /// The first byte that tells nothing.
    end: usize,
}

/// What a part is shown as.
enum Kind<'a> {
    Values,
    Array(ArrayPart<'a>),
    /// Under this word.
    Bytes(&'static str),
    Text,
}

impl<'a> Shown<'a> {
    pub(super) fn whole(parts: Rc<[Part]>, notes: Notes, input: Input<'a>) -> Self {
        let end = parts.last().map_or(0, |part| part.end);
        Self { parts, notes: Rc::new(notes), bytes: input.bytes, offset: input.offset, is_whole: true, end }
    }

    /// As far as the place of a fault.
    pub(super) fn torn(parts: Vec<Part>, end: usize, input: Input<'a>) -> Self {
        let (parts, notes) = (parts.into(), Rc::default());
        Self { parts, notes, bytes: input.bytes, offset: input.offset, is_whole: false, end }
    }

    pub(super) fn fields(self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let last = self.clone().last();
        (0..self.parts.len()).flat_map(move |index| self.part(index)).chain(last)
    }

    /// Faulty arrays and the like among the values: of each part the first, and not of more parts than are told one by one.
    pub(super) fn faulty_values(&self) -> Vec<Told> {
        let of = |(index, part): (usize, &Part)| {
            let Kind::Values = self.kind(index) else { return None };
            let bytes = part.of(self.bytes);
            let mut tokens = Tokens::new("", bytes, self.at(part.start), bytes.len());
            tokens.by_ref().for_each(drop);
            Some(Told::of(tokens.faulty()?.told(), index))
        };
        self.parts.iter().enumerate().filter_map(of).take(FAULTS).collect()
    }

    fn at(&self, position: usize) -> u64 {
        self.offset.saturating_add(position as u64)
    }

    /// What is in a part; that of arrays is told by the one before.
    fn kind(&self, index: usize) -> Kind<'a> {
        let get = |index: usize| self.parts.get(index).map(|part| part.of(self.bytes)).unwrap_or_default();
        let part = get(index);
        if self.parts.len() == 1 && self.is_whole && part.starts_with(b"Error:") {
            return Kind::Text;
        }
        // One that is refused is shown as far as it goes.
        let is_single = self.parts.len() == 1 && self.is_whole;
        let plain = || match part {
            _ if is_pickle(part) => Kind::Bytes("pickle"),
            _ if is_single || ValueRef::decode(part).is_ok() => Kind::Values,
            _ => Kind::Bytes("bytes"),
        };
        if index.is_multiple_of(2) {
            return plain();
        }
        let before = index.saturating_sub(1);
        let header = get(before);
        let number = u32::try_from(before).unwrap_or(u32::MAX);
        match Item::decode_with(number, header, part, &Limits::DEFAULT) {
            Ok(Item::Source(_)) => Kind::Values,
            Ok(Item::Array(array)) => Kind::Array(array),
            // With nothing in it, it tells what it was to be.
            Err(_) if matches!(Item::decode_with(0, header, b"\x80", &Limits::DEFAULT), Ok(Item::Source(_))) => plain(),
            _ if is_pickle(part) => Kind::Bytes("pickle"),
            _ => Kind::Bytes("bytes"),
        }
    }

    fn part(&self, index: usize) -> FieldIter<'a> {
        let Some(part) = self.parts.get(index) else { return Box::new(core::iter::empty()) };
        let (bytes, offset) = (part.of(self.bytes), self.at(part.start));
        let name = match (self.parts.len(), self.is_whole) {
            (1, true) if bytes.starts_with(b"Error:") => "reply",
            (1, true) => "train",
            (1, false) => "part",
            _ if index.is_multiple_of(2) => "header",
            _ => "data",
        };
        let head = self.frame(index, part);
        let mut field = Field { offset, bytes, place: Place::Part(name), ..head.clone() };
        field.note = self.notes.at(bytes).unwrap_or_default().to_owned().into();
        match self.kind(index) {
            Kind::Values => {
                let shown = self.clone();
                let tokens = Tokens::new(name, bytes, offset, bytes.len());
                return Box::new(core::iter::once(head).chain(tokens.map(move |field| shown.noted(field, bytes))));
            }
            Kind::Array(array) => {
                field.tag = "array";
                let dtype = array.dtype();
                field.value = block::named(dtype.as_str(), dtype.parse().as_ref(), array.shape(), array.data(), offset);
            }
            Kind::Bytes(tag) => (field.tag, field.value) = (tag, Value::Bytes(bytes)),
            Kind::Text => (field.tag, field.value) = ("text", Value::Raw(Cow::Borrowed(bytes))),
        }
        Box::new([head, field].into_iter())
    }

    /// With what is told beside it. JSON has the note of a map from where it ends.
    fn noted(&self, mut field: Field<'a>, part: &'a [u8]) -> Field<'a> {
        let note = match field.place {
            Place::Part(_) => self.notes.at(part),
            Place::End if field.depth == 0 => self.notes.at(part),
            Place::Key => self.notes.at(field.bytes.get(field.tag_len..).unwrap_or_default()),
            Place::Item(_) | Place::Value | Place::Member(_) | Place::End => None,
        };
        if let Some(note) = note.filter(|_| field.note.is_empty()) {
            field.note = note.to_owned().into();
        }
        field
    }

    /// The header of a frame.
    fn frame(&self, index: usize, part: &Part) -> Field<'a> {
        let bytes = self.bytes.get(part.frame..part.start).unwrap_or_default();
        let more = bytes.first().is_some_and(|flags| flags & 1 == 1);
        Field {
            offset: self.at(part.frame),
            bytes,
            tag_len: 0,
            depth: 0,
            place: Place::Part("frame"),
            tag: if more { "more" } else { "last" },
            value: Value::Int(part.end.saturating_sub(part.start) as i128),
            note: format!("part {index}").into(),
            secret: false,
        }
    }

    /// What is behind the last part of a message that is torn.
    fn last(self) -> Option<Field<'a>> {
        let start = self.parts.last().map_or(0, |part| part.end);
        let bytes = self.bytes.get(start..self.end).filter(|bytes| !self.is_whole && !bytes.is_empty())?;
        Some(Field {
            offset: self.at(start),
            bytes,
            tag_len: 0,
            depth: 0,
            place: Place::Part("rest"),
            tag: "bytes",
            value: Value::Bytes(bytes),
            note: format!("part {}", self.parts.len()).into(),
            secret: false,
        })
    }
}

/// As SPEC.md §1 has it.
fn is_pickle(part: &[u8]) -> bool {
    matches!(part, [0x80, 1..=5, .., b'.'])
}

//! Telemetry whose arrays are in pieces, or whose parameters come twice: as protobuf has it, pieces are one behind the other, of numbers and of
//! parameters the last counts, and messages in pieces are as if their bytes were one behind the other.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{FEED, FORMAT, Kind, Reader, VALUES, signed};
use crate::column::{Column, Element};
use crate::columns::{Columns, Entry, Part, Span};
use crate::error::{DecodeError, DecodeErrorKind, Field};
use crate::notes::Notes;
use crate::telemetry::TelemetryKind;
use crate::wire::{Fields, Value};

impl Columns {
    /// Reads a message that the reader found nothing wrong with but lengths.
    pub(super) fn take_scattered(&mut self, reader: &Reader<'_>, kind: TelemetryKind) -> Result<Notes, DecodeError> {
        self.take_pieces(reader, kind).inspect_err(|_| self.clear(kind))
    }

    fn take_pieces(&mut self, reader: &Reader<'_>, kind: TelemetryKind) -> Result<Notes, DecodeError> {
        self.clear(kind);
        let (mut format, mut feed) = ("", "");
        let mut entries = Vec::new();
        let offset_in = |bytes: &[u8]| (bytes.as_ptr() as usize).wrapping_sub(reader.message.as_ptr() as usize);
        let mut times_at = 0;
        for field in Fields::new(reader.message) {
            match (field.number, field.value) {
                (FORMAT, Value::Bytes(text)) => format = reader.text(text, Field::DataFormatId)?,
                (FEED, Value::Bytes(text)) => feed = reader.text(text, Field::Feed)?,
                (3, Value::Varint(epoch)) if kind == TelemetryKind::Data => self.epoch = signed(epoch),
                // Where the first piece begins.
                (4, _) if kind == TelemetryKind::Data && times_at == 0 => times_at = offset_in(field.raw),
                (number, Value::Bytes(entry)) if number == kind.parameters() => {
                    entries.push((key(entry), offset_in(field.raw), entry));
                }
                _ => {}
            }
        }
        self.format.set(format);
        self.feed.set(feed);
        if kind == TelemetryKind::Data {
            self.common_times = gather(&mut self.times, reader.message, 4, times_at, signed);
        }
        // Of one key the last stays, where it is.
        entries.sort_unstable();
        let mut last =
            entries.iter().map(|(key, ..)| *key).skip(1).map(Some).chain([None]).collect::<Vec<_>>().into_iter();
        let count = entries.len();
        entries.retain(|(key, ..)| last.next().flatten() != Some(*key));
        let notes = if entries.len() < count { Notes::DUPLICATE_MEMBER } else { Notes::NONE };
        entries.sort_unstable_by_key(|(_, offset, _)| *offset);
        for (key, offset, bytes) in entries {
            self.take_entry(kind, key, offset, &pieces(bytes, 2));
        }
        self.check(|at, part| {
            let field = match part {
                Part::Times => Field::TimestampsNanos,
                Part::Statuses => Field::Statuses,
                Part::Values(_) if kind.is_samples() => Field::Values,
                Part::Values(place) => VALUES.get(usize::from(place)).map_or(Field::Values, |(_, field)| *field),
            };
            DecodeError::protobuf(DecodeErrorKind::LengthMismatch, at, field, Kind::Telemetry(kind))
        })?;
        Ok(notes)
    }

    fn take_entry(&mut self, kind: TelemetryKind, key: u32, at: usize, value: &[u8]) {
        let mut entry = Entry::new(key);
        if kind == TelemetryKind::Data {
            (entry.epoch, entry.times) = (self.epoch, self.common_times);
            self.take_values(&mut entry, value, at);
        } else {
            for field in Fields::new(value) {
                if let (1, Value::Varint(epoch)) = (field.number, field.value) {
                    entry.epoch = signed(epoch);
                }
            }
            entry.times = gather(&mut self.times, value, 2, at, signed);
            if kind.is_samples() {
                entry.values =
                    [gather(&mut self.values, value, 3, at, f64::from_bits), Span::NONE, Span::NONE, Span::NONE];
            } else {
                self.take_values(&mut entry, &pieces(value, 3), at);
            }
        }
        self.entries.push(entry);
    }

    fn take_values(&mut self, entry: &mut Entry, message: &[u8], at: usize) {
        entry.statuses = gather(&mut self.statuses, message, 1, at, |flags| (flags & 0xffff_ffff) as u32);
        entry.values = VALUES.map(|(number, _)| {
            let span = gather(&mut self.values, message, number, at, f64::from_bits);
            if span.len() == 0 { Span::NONE } else { span }
        });
    }
}

/// All values of a field, packed or not, behind what is in a buffer.
fn gather<T: Element>(buffer: &mut Vec<T>, message: &[u8], number: u32, at: usize, single: impl Fn(u64) -> T) -> Span {
    let start = buffer.len();
    for field in Fields::new(message).filter(|field| field.number == number) {
        match field.value {
            Value::Bytes(packed) => Column::<T>::packed(packed, usize::MAX).append_to(buffer),
            Value::Varint(value) if !T::IS_FIXED => buffer.push(single(value)),
            Value::Fixed64(value) if T::IS_FIXED => buffer.push(single(value)),
            Value::Varint(_) | Value::Fixed64(_) | Value::Group | Value::Fixed32(_) => {}
        }
    }
    Span::new(start, buffer.len(), at)
}

/// The bytes of a message, one behind the other if it is in pieces.
fn pieces(message: &[u8], number: u32) -> Cow<'_, [u8]> {
    let mut all = Cow::Borrowed(&[][..]);
    for field in Fields::new(message) {
        if let Some(bytes) = super::bytes_of(&field, number) {
            if all.is_empty() {
                all = Cow::Borrowed(bytes);
            } else {
                all.to_mut().extend_from_slice(bytes);
            }
        }
    }
    all
}

/// The index of a parameter, as far as it is not below zero.
fn key(entry: &[u8]) -> u32 {
    u32::try_from(signed_key(entry)).unwrap_or_default()
}

/// `int32`: the lower half of what is on the wire.
pub(super) fn signed_key(entry: &[u8]) -> i32 {
    let mut key = 0;
    for field in Fields::new(entry) {
        if let (1, Value::Varint(varint)) = (field.number, field.value) {
            key = varint;
        }
    }
    let low = u32::try_from(key & 0xffff_ffff).unwrap_or_default();
    i32::from_ne_bytes(low.to_ne_bytes())
}

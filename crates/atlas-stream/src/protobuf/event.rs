//! Events.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{Kind, Reader, signed};
use crate::column::Column;
use crate::error::{DecodeError, DecodeErrorKind, Field};
use crate::event::{Event, EventValues};
use crate::limits::Limits;
use crate::notes::Notes;
use crate::time::absolute;
use crate::wire::{Fields, Value};

impl<'a> Event<'a> {
    /// Reads an event in protobuf; its values are in place, unless they lie in pieces.
    ///
    /// # Errors
    ///
    /// What is not protobuf, or not UTF-8; a time beyond 64 bits; limits.
    pub fn decode_protobuf(message: &'a [u8]) -> Result<(Self, Notes), DecodeError> {
        Self::decode_protobuf_with(message, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`decode_protobuf`](Self::decode_protobuf).
    pub fn decode_protobuf_with(message: &'a [u8], limits: &Limits) -> Result<(Self, Notes), DecodeError> {
        let mut notes = Notes::NONE;
        let reader = Reader::new(message, Kind::Event, limits)?;
        let mut event = Self::new(0, 0, "");
        let mut fields = Fields::new(message);
        let mut pieces = 0_usize;
        let mut time_at = message;
        while let Some(field) = reader.next(&mut fields, Field::Value, 1)? {
            match (field.number, field.value) {
                (1, Value::Varint(epoch)) => event.epoch = signed(epoch),
                (2, Value::Varint(time)) => (event.time, time_at) = (signed(time), field.raw),
                (3, Value::Bytes(id)) => event.id = Cow::Borrowed(reader.text(id, Field::Id)?),
                // There is no telling an empty one from none.
                (4, Value::Bytes(status)) => {
                    let status = reader.text(status, Field::Status)?;
                    event.status = (!status.is_empty()).then_some(Cow::Borrowed(status));
                }
                (5, Value::Bytes(packed)) => {
                    let len = reader.count_doubles(packed, Field::Values)?;
                    event.values = EventValues::packed(Column::packed(packed, len));
                    pieces = pieces.saturating_add(1);
                }
                (5, Value::Fixed64(_)) => pieces = pieces.saturating_add(2),
                (1..=5, _) => notes |= Notes::SKIPPED_FIELD,
                _ => {}
            }
        }
        if pieces > 1 {
            event.values = gather(message);
        }
        if absolute(event.epoch, event.time).is_none() {
            return Err(reader.fault(DecodeErrorKind::TimeOverflow, time_at, Field::TimestampsNanos));
        }
        Ok((event, notes))
    }
}

fn gather<'a>(message: &[u8]) -> EventValues<'a> {
    let mut values = Vec::new();
    for field in Fields::new(message).filter(|field| field.number == 5) {
        match field.value {
            Value::Bytes(packed) => Column::<f64>::packed(packed, 0).append_to(&mut values),
            Value::Fixed64(bits) => values.push(f64::from_bits(bits)),
            Value::Varint(_) | Value::Group | Value::Fixed32(_) => {}
        }
    }
    EventValues::from(values)
}

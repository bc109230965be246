//! Telemetry and events into protobuf: a message is measured before it is written, since its length comes first.

use alloc::vec::Vec;

use super::{Keys, VALUES};
use crate::column::{Column, Element};
use crate::columns::{ParamKey, Parameter};
use crate::encode::{EncodeError, EncodeErrorKind as Kind};
use crate::event::Event;
use crate::limits::Limits;
use crate::telemetry::{TelemetryKind, TelemetryRef};

/// Takes fields. What is equal to its default is not written.
trait Sink {
    fn raw(&mut self, bytes: &[u8]);

    fn varint(&mut self, value: u64);

    fn doubles(&mut self, column: Column<'_>);

    fn head(&mut self, number: u32, kind: u8, value: u64) {
        self.varint(u64::from(number) << 3 | u64::from(kind));
        self.varint(value);
    }

    fn number(&mut self, number: u32, value: i64) {
        if value != 0 {
            self.head(number, 0, bits(value));
        }
    }

    fn text(&mut self, number: u32, text: &str) {
        if !text.is_empty() {
            self.head(number, 2, text.len() as u64);
            self.raw(text.as_bytes());
        }
    }

    fn packed_doubles(&mut self, number: u32, column: Column<'_>) {
        if !column.is_empty() {
            self.head(number, 2, (column.len() as u64).saturating_mul(8));
            self.doubles(column);
        }
    }

    fn packed<T: Element>(&mut self, number: u32, column: Column<'_, T>, value: impl Fn(T) -> u64) {
        if !column.is_empty() {
            let mut size = Size(0);
            column.for_each_chunk(|chunk| chunk.iter().for_each(|item| size.varint(value(*item))));
            self.head(number, 2, size.0 as u64);
            column.for_each_chunk(|chunk| chunk.iter().for_each(|item| self.varint(value(*item))));
        }
    }
}

/// Counts bytes.
struct Size(usize);

impl Sink for Size {
    fn raw(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }

    #[inline]
    fn varint(&mut self, value: u64) {
        // Seven bits a byte: of 1 to 64 bits this is a seventh, rounded up.
        let bits = u64::BITS.wrapping_sub((value | 1).leading_zeros());
        self.0 = self.0.saturating_add((bits.wrapping_mul(9).wrapping_add(64) >> 6) as usize);
    }

    fn doubles(&mut self, column: Column<'_>) {
        self.0 = self.0.saturating_add(column.len().saturating_mul(8));
    }
}

impl Sink for Vec<u8> {
    fn raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn varint(&mut self, value: u64) {
        let mut rest = value;
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                return self.push(low);
            }
            self.push(low | 0x80);
        }
    }

    fn doubles(&mut self, column: Column<'_>) {
        match column.as_packed() {
            Some(bytes) => self.extend_from_slice(bytes),
            None => column.for_each_chunk(|chunk| self.extend(chunk.iter().flat_map(|value| value.to_le_bytes()))),
        }
    }
}

const fn bits(value: i64) -> u64 {
    u64::from_ne_bytes(value.to_ne_bytes())
}

/// `ParameterDataValues`.
fn values(sink: &mut impl Sink, parameter: &Parameter<'_>) {
    sink.packed(1, parameter.statuses.unwrap_or(Column::EMPTY), u64::from);
    for number in 2..=5 {
        let column =
            VALUES.iter().zip(parameter.values).find(|((due, _), _)| *due == number).and_then(|(_, column)| column);
        sink.packed_doubles(number, column.unwrap_or(Column::EMPTY));
    }
}

/// What the map has for a parameter.
fn value(sink: &mut impl Sink, kind: TelemetryKind, parameter: &Parameter<'_>) {
    if kind == TelemetryKind::Data {
        return values(sink, parameter);
    }
    sink.number(1, parameter.epoch);
    sink.packed(2, parameter.times, bits);
    if kind.is_samples() {
        sink.packed_doubles(3, parameter.values().unwrap_or(Column::EMPTY));
    } else {
        let mut size = Size(0);
        values(&mut size, parameter);
        sink.head(3, 2, size.0 as u64);
        values(sink, parameter);
    }
}

/// An entry of the map, which has both of its fields.
fn entry(sink: &mut impl Sink, kind: TelemetryKind, index: u32, parameter: &Parameter<'_>) {
    sink.head(1, 0, index.into());
    let mut size = Size(0);
    value(&mut size, kind, parameter);
    sink.head(2, 2, size.0 as u64);
    value(sink, kind, parameter);
}

impl TelemetryRef<'_> {
    /// Writes it as the protobuf message of its kind, parameters in the order they are in.
    ///
    /// # Errors
    ///
    /// Samples need indexes; indexes are of 31 bits, and each is there once; limits. Nothing was written then.
    pub fn encode_protobuf(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_protobuf_with(out, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`encode_protobuf`](Self::encode_protobuf).
    pub fn encode_protobuf_with(&self, out: &mut Vec<u8>, limits: &Limits) -> Result<(), EncodeError> {
        if self.len() > limits.max_parameters as usize {
            return Err(EncodeError::new(Kind::LimitExceeded, "max_parameters"));
        }
        let start = out.len();
        let written = self.put(out).and_then(|()| check(out.len().saturating_sub(start), limits));
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn put(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let kind = self.kind();
        out.text(1, self.format().unwrap_or_default());
        out.text(2, self.feed());
        if kind == TelemetryKind::Data {
            out.number(3, self.epoch());
            out.packed(4, self.times(), bits);
        }
        let mut keys = Keys::default();
        let mut may_be_twice = false;
        for parameter in self.parameters() {
            let ParamKey::Index(index @ ..=0x7fff_ffff) = parameter.key() else {
                return Err(EncodeError::new(Kind::MissingIndex, "parameters"));
            };
            may_be_twice |= keys.is_there(index);
            let mut size = Size(0);
            entry(&mut size, kind, index, &parameter);
            out.head(kind.parameters(), 2, size.0 as u64);
            entry(out, kind, index, &parameter);
        }
        if may_be_twice {
            let mut sorted: Vec<_> = self.parameters().map(|parameter| parameter.key()).collect();
            sorted.sort_unstable();
            if sorted.windows(2).any(|pair| matches!(pair, [one, two] if one == two)) {
                return Err(EncodeError::new(Kind::Duplicate, "parameters"));
            }
        }
        Ok(())
    }
}

impl Event<'_> {
    /// Writes it as the protobuf message `EventMessage`. There is no telling an empty status from none.
    ///
    /// # Errors
    ///
    /// A time beyond 64 bits; limits. Nothing was written then.
    pub fn encode_protobuf(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_protobuf_with(out, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`encode_protobuf`](Self::encode_protobuf).
    pub fn encode_protobuf_with(&self, out: &mut Vec<u8>, limits: &Limits) -> Result<(), EncodeError> {
        if self.epoch.checked_add(self.time).is_none() {
            return Err(EncodeError::new(Kind::TimeOverflow, "timestamps_nanos"));
        }
        let start = out.len();
        out.number(1, self.epoch);
        out.number(2, self.time);
        out.text(3, &self.id);
        out.text(4, self.status.as_deref().unwrap_or_default());
        out.packed_doubles(5, self.values.column());
        let written = check(out.len().saturating_sub(start), limits);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}

fn check(len: usize, limits: &Limits) -> Result<(), EncodeError> {
    match u32::try_from(len) {
        Ok(len) if len <= limits.max_len => Ok(()),
        _ => Err(EncodeError::new(Kind::LimitExceeded, "max_len")),
    }
}

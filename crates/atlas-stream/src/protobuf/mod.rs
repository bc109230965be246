//! Telemetry in protobuf: `proto/atlas/telemetry.proto`. What lies as nearly every writer puts it is read in place; what does not, such as an array in
//! pieces, is copied together into columns.

mod encode;
mod event;
mod path;
mod scattered;

use alloc::vec::Vec;
use core::{iter, str};

pub(crate) use self::path::path;
use crate::column::{Column, Element, Statuses, Times};
use crate::columns::{Columns, ParamKey, Parameter, Span, are_in_range};
use crate::error::{DecodeError, DecodeErrorKind as Kinds, Field, Limit};
use crate::limits::Limits;
use crate::notes::Notes;
use crate::telemetry::{TelemetryKind, TelemetryRef};
use crate::unknown::UnknownMembers;
use crate::wire::{self, Fault, Fields, Value, WireError};

/// The outermost message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Telemetry(TelemetryKind),
    Event,
}

/// The numbers of fields in the outermost message.
const FORMAT: u32 = 1;
const FEED: u32 = 2;

impl TelemetryKind {
    /// The number of the map of parameters.
    pub(crate) const fn parameters(self) -> u32 {
        if matches!(self, Self::Data) { 5 } else { 3 }
    }
}

/// The numbers of doubles in `ParameterDataValues`, in the order that aggregates are kept in: `avg`, `min`, `max`, `first`.
const VALUES: [(u32, Field); 4] =
    [(4, Field::AvgValues), (2, Field::MinValues), (3, Field::MaxValues), (5, Field::FirstValues)];

/// A message of telemetry, each array of which lies in one piece.
#[derive(Clone, Copy)]
pub(crate) struct Packed<'a> {
    kind: TelemetryKind,
    message: &'a [u8],
    format: &'a str,
    feed: &'a str,
    epoch: i64,
    times: Times<'a>,
    len: usize,
    notes: Notes,
}

/// What reads a message, and knows where it begins.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    message: &'a [u8],
    kind: Kind,
    limits: Limits,
}

impl<'a> Reader<'a> {
    /// Of a message that is not too long.
    pub(crate) fn new(message: &'a [u8], kind: Kind, limits: &Limits) -> Result<Self, DecodeError> {
        let reader = Self { message, kind, limits: *limits };
        if u32::try_from(message.len()).map_or(true, |len| len > limits.max_len) {
            let error = DecodeError::protobuf(Kinds::LimitExceeded, 0, Field::Value, kind);
            return Err(error.over(Limit::MaxLen, message.len(), limits.max_len));
        }
        Ok(reader)
    }

    /// What is wrong at a place in the message.
    #[cold]
    fn fault(&self, kind: Kinds, at: &[u8], field: Field) -> DecodeError {
        let offset = (at.as_ptr() as usize).wrapping_sub(self.message.as_ptr() as usize);
        DecodeError::protobuf(kind, offset, field, self.kind)
    }

    #[cold]
    fn wire(&self, error: WireError, field: Field) -> DecodeError {
        let kind = match error.fault {
            Fault::End => Kinds::UnexpectedEnd,
            Fault::Varint => Kinds::InvalidVarint,
            Fault::Tag => Kinds::InvalidTag,
            Fault::Group => Kinds::UnexpectedGroupEnd,
            Fault::Depth => Kinds::LimitExceeded,
        };
        let found = DecodeError::protobuf(kind, error.offset(self.message), field, self.kind);
        if error.fault == Fault::Depth {
            let max = self.limits.depth();
            return found.over(Limit::MaxDepth, usize::from(max).saturating_add(1), max.into());
        }
        found
    }

    #[inline(always)]
    fn next(&self, fields: &mut Fields<'a>, field: Field, depth: u8) -> Result<Option<wire::Field<'a>>, DecodeError> {
        // The outermost message is one level, and each in it another.
        fields.checked(self.limits.depth().saturating_sub(depth)).map_err(|error| self.wire(error, field))
    }

    fn text(&self, bytes: &'a [u8], field: Field) -> Result<&'a str, DecodeError> {
        str::from_utf8(bytes).map_err(|error| {
            let at = bytes.get(error.valid_up_to()..).unwrap_or(bytes);
            self.fault(Kinds::InvalidUtf8, at, field)
        })
    }

    /// How many flags a packed field has, and whether some have no name.
    #[inline]
    fn count_flags(&self, bytes: &'a [u8]) -> Result<(usize, Notes), DecodeError> {
        // None goes on, as nearly ever.
        if bytes.iter().fold(0, |all, byte| all | byte) < 0x80 {
            return Ok((bytes.len(), Notes::NONE));
        }
        let count = self.count_varints(bytes, Field::Statuses)?;
        let all = Statuses::packed(bytes, count).iter().fold(0, |all, flags| all | flags);
        Ok((count, if all > u32::from(u8::MAX) { Notes::UNKNOWN_STATUS } else { Notes::NONE }))
    }

    /// How many numbers a packed field has.
    #[inline]
    fn count_varints(&self, bytes: &'a [u8], field: Field) -> Result<usize, DecodeError> {
        // No number goes on, as no flag nearly ever does.
        if bytes.iter().fold(0, |all, byte| all | byte) < 0x80 {
            return Ok(bytes.len());
        }
        let (mut rest, mut count) = (bytes, 0_usize);
        while !rest.is_empty() {
            (_, rest) = wire::varint(rest).map_err(|error| self.wire(error, field))?;
            count = count.wrapping_add(1);
        }
        Ok(count)
    }

    fn count_doubles(&self, bytes: &'a [u8], field: Field) -> Result<usize, DecodeError> {
        let doubles = bytes.chunks_exact(size_of::<f64>());
        if doubles.remainder().is_empty() {
            return Ok(doubles.len());
        }
        let end = bytes.get(bytes.len()..).unwrap_or(bytes);
        Err(self.fault(Kinds::UnexpectedEnd, end, field))
    }

    /// Reads telemetry in place, if all of it lies in one piece. If it does not, nothing was found wrong but perhaps lengths, and only the notes count.
    fn packed(&self, kind: TelemetryKind) -> Result<Result<Packed<'a>, Notes>, DecodeError> {
        let mut read = Packed {
            kind,
            message: self.message,
            format: "",
            feed: "",
            epoch: 0,
            times: Column::EMPTY,
            len: 0,
            notes: Notes::NONE,
        };
        let mut fields = Fields::new(self.message);
        let mut keys = Keys::default();
        let (mut is_scattered, mut times, mut first_error) = (false, None, None);
        // Of parameters in front of the times: nearly always they are behind.
        let mut is_early = false;
        while let Some(field) = self.next(&mut fields, Field::Value, 1)? {
            match (field.number, field.value) {
                (FORMAT, Value::Bytes(text)) => read.format = self.text(text, Field::DataFormatId)?,
                (FEED, Value::Bytes(text)) => read.feed = self.text(text, Field::Feed)?,
                (3, Value::Varint(epoch)) if kind == TelemetryKind::Data => read.epoch = signed(epoch),
                (4, Value::Bytes(packed)) if kind == TelemetryKind::Data => {
                    is_scattered |= times.replace(packed).is_some();
                    read.times = Column::packed(packed, self.count_varints(packed, Field::TimestampsNanos)?);
                }
                (4, Value::Varint(_)) if kind == TelemetryKind::Data => is_scattered = true,
                (number, Value::Bytes(entry)) if number == kind.parameters() => {
                    read.len = read.len.saturating_add(1);
                    if read.len > self.limits.max_parameters as usize {
                        let error = self.fault(Kinds::LimitExceeded, field.raw, Field::Parameters);
                        return Err(error.over(Limit::MaxParameters, read.len, self.limits.max_parameters));
                    }
                    let mut found = Entry { at: field.raw, ..Entry::EMPTY };
                    let entry_is_scattered = self.entry(entry, kind, &mut found)?;
                    read.notes |= found.notes;
                    if entry_is_scattered {
                        is_scattered = true;
                        continue;
                    }
                    is_scattered |= keys.is_there(found.index());
                    is_early |= kind == TelemetryKind::Data && times.is_none();
                    // What comes later may still mend it.
                    if let Err(error) = self.check(&found, &read) {
                        first_error = first_error.or(Some(error));
                    }
                }
                (number, _) if number <= kind.parameters() => read.notes |= Notes::SKIPPED_FIELD,
                _ => {}
            }
        }
        if is_scattered {
            return Ok(Err(read.notes));
        }
        if is_early {
            let mut parameters = read.parameters();
            first_error = iter::from_fn(|| parameters.entry()).find_map(|found| self.check(&found, &read).err());
        }
        if let Some(error) = first_error {
            return Err(error);
        }
        self.check_times(read.epoch, read.times, times.unwrap_or(self.message))?;
        Ok(Ok(read))
    }

    /// Reads a parameter without looking at how long its arrays are, and returns whether it is scattered.
    fn entry(&self, entry: &'a [u8], kind: TelemetryKind, found: &mut Entry<'a>) -> Result<bool, DecodeError> {
        let mut fields = Fields::new(entry);
        let (mut is_scattered, mut has_value, mut key_at) = (false, false, entry);
        while let Some(field) = self.next(&mut fields, Field::Parameters, 2)? {
            match (field.number, field.value) {
                (1, Value::Varint(key)) => (found.key, key_at) = (key, field.raw),
                (2, Value::Bytes(bytes)) => {
                    is_scattered |= has_value | self.value(bytes, kind, found)?;
                    has_value = true;
                }
                (1 | 2, _) => found.notes |= Notes::SKIPPED_FIELD,
                _ => {}
            }
        }
        if found.key >> 31 & 1 != 0 {
            return Err(self.fault(Kinds::NegativeIndex, key_at, Field::Parameters));
        }
        Ok(is_scattered)
    }

    /// Reads what a parameter has, and returns whether it is scattered.
    fn value(&self, value: &'a [u8], kind: TelemetryKind, found: &mut Entry<'a>) -> Result<bool, DecodeError> {
        if kind == TelemetryKind::Data {
            return self.values(value, found, 3);
        }
        let mut fields = Fields::new(value);
        let mut is_scattered = false;
        let mut has_values = false;
        while let Some(field) = self.next(&mut fields, Field::Parameters, 3)? {
            match (field.number, field.value) {
                (1, Value::Varint(epoch)) => found.epoch = signed(epoch),
                (2, Value::Bytes(packed)) => {
                    let times = Column::packed(packed, self.count_varints(packed, Field::TimestampsNanos)?);
                    is_scattered |= found.times.replace(times).is_some();
                }
                (2, Value::Varint(_)) => is_scattered = true,
                (3, Value::Bytes(bytes)) if kind.is_samples() => {
                    let column = Column::packed(bytes, self.count_doubles(bytes, Field::Values)?);
                    let [values, ..] = &mut found.values;
                    is_scattered |= values.replace(column).is_some();
                }
                (3, Value::Fixed64(_)) if kind.is_samples() => is_scattered = true,
                (3, Value::Bytes(bytes)) => {
                    is_scattered |= has_values | self.values(bytes, found, 4)?;
                    has_values = true;
                }
                (1..=3, _) => found.notes |= Notes::SKIPPED_FIELD,
                _ => {}
            }
        }
        Ok(is_scattered)
    }

    /// Reads flags and aggregates.
    #[inline]
    fn values(&self, value: &'a [u8], found: &mut Entry<'a>, depth: u8) -> Result<bool, DecodeError> {
        let mut fields = Fields::new(value);
        let mut is_scattered = false;
        while let Some(field) = self.next(&mut fields, Field::Parameters, depth)? {
            match (field.number, field.value) {
                (1, Value::Bytes(packed)) => {
                    let (count, notes) = self.count_flags(packed)?;
                    found.notes |= notes;
                    is_scattered |= found.statuses.replace(Column::packed(packed, count)).is_some();
                }
                (1, Value::Varint(flags)) => {
                    is_scattered = true;
                    if flags & 0xffff_ff00 != 0 {
                        found.notes |= Notes::UNKNOWN_STATUS;
                    }
                }
                (number @ 2..=5, Value::Bytes(packed)) => {
                    for (slot, (due, name)) in found.values.iter_mut().zip(VALUES) {
                        if number == due {
                            let column = Column::packed(packed, self.count_doubles(packed, name)?);
                            is_scattered |= slot.replace(column).is_some();
                        }
                    }
                }
                (2..=5, Value::Fixed64(_)) => is_scattered = true,
                (1..=5, _) => found.notes |= Notes::SKIPPED_FIELD,
                _ => {}
            }
        }
        Ok(is_scattered)
    }

    /// That all arrays of a parameter are as long as its times.
    fn check(&self, found: &Entry<'a>, message: &Packed<'a>) -> Result<(), DecodeError> {
        let is_samples = message.kind.is_samples();
        let times = found.times(message);
        let due = times.len();
        let mismatch = |bytes: Option<&'a [u8]>, len: usize, field| {
            let at = bytes.filter(|bytes| !bytes.is_empty()).unwrap_or(found.at);
            Err(self.fault(Kinds::LengthMismatch, at, field).length(len, due))
        };
        let statuses = found.statuses.unwrap_or(Column::EMPTY);
        if statuses.len() != due && !is_samples {
            return mismatch(statuses.as_packed(), statuses.len(), Field::Statuses);
        }
        for ((_, field), column) in VALUES.into_iter().zip(found.values(is_samples)) {
            if let Some(column) = column.filter(|column| column.len() != due) {
                let field = if is_samples { Field::Values } else { field };
                return mismatch(column.as_packed(), column.len(), field);
            }
        }
        let is_own = self.kind != Kind::Telemetry(TelemetryKind::Data);
        if is_own { self.check_times(found.epoch, times, times.as_packed().unwrap_or(found.at)) } else { Ok(()) }
    }

    fn check_times(&self, epoch: i64, times: Times<'a>, at: &'a [u8]) -> Result<(), DecodeError> {
        let mut is_in_range = true;
        times.for_each_chunk(|chunk| is_in_range &= are_in_range(epoch, chunk));
        if is_in_range { Ok(()) } else { Err(self.fault(Kinds::TimeOverflow, at, Field::TimestampsNanos)) }
    }
}

/// What a parameter has on the wire.
#[derive(Clone, Copy)]
struct Entry<'a> {
    /// All of it.
    at: &'a [u8],
    notes: Notes,
    key: u64,
    epoch: i64,
    times: Option<Times<'a>>,
    statuses: Option<Statuses<'a>>,
    values: [Option<Column<'a>>; 4],
}

impl<'a> Entry<'a> {
    const EMPTY: Self =
        Self { at: &[], notes: Notes::NONE, key: 0, epoch: 0, times: None, statuses: None, values: [None; 4] };

    #[inline]
    fn times(&self, message: &Packed<'a>) -> Times<'a> {
        if message.kind == TelemetryKind::Data { message.times } else { self.times.unwrap_or(Column::EMPTY) }
    }

    #[inline]
    fn values(&self, is_samples: bool) -> [Option<Column<'a>>; 4] {
        if is_samples {
            let [first, ..] = self.values;
            return [Some(first.unwrap_or(Column::EMPTY)), None, None, None];
        }
        // Absent and empty are the same on the wire.
        self.values.map(|column| column.filter(|column| !column.is_empty()))
    }

    #[inline]
    fn parameter(&self, message: &Packed<'a>) -> Parameter<'a> {
        let is_samples = message.kind.is_samples();
        let is_shared = message.kind == TelemetryKind::Data;
        Parameter {
            key: ParamKey::Index(self.index()),
            is_samples,
            epoch: if is_shared { message.epoch } else { self.epoch },
            times: self.times(message),
            statuses: (!is_samples).then(|| self.statuses.unwrap_or(Column::EMPTY)),
            values: self.values(is_samples),
            unknown: UnknownMembers::default(),
        }
    }

    /// `int32`, of which the upper bits are only its sign; it is not below zero.
    fn index(&self) -> u32 {
        u32::try_from(self.key & 0x7fff_ffff).unwrap_or_default()
    }
}

/// Which indexes were there; those that are not small have to come in order.
#[derive(Default)]
struct Keys {
    small: [u64; 16],
    beyond: Option<u32>,
}

impl Keys {
    /// Counts one in. Returns whether it may have been there before.
    fn is_there(&mut self, index: u32) -> bool {
        let bit = 1_u64 << (index & 63);
        match self.small.get_mut(index as usize / 64) {
            Some(word) => {
                let is_there = *word & bit != 0;
                *word |= bit;
                is_there
            }
            None => self.beyond.replace(index).is_some_and(|last| last >= index),
        }
    }
}

impl<'a> Packed<'a> {
    pub(crate) const fn kind(&self) -> TelemetryKind {
        self.kind
    }

    pub(crate) const fn format(&self) -> &'a str {
        self.format
    }

    pub(crate) const fn feed(&self) -> &'a str {
        self.feed
    }

    pub(crate) const fn epoch(&self) -> i64 {
        self.epoch
    }

    pub(crate) const fn times(&self) -> Times<'a> {
        self.times
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn parameters(&self) -> Parameters<'a> {
        Parameters { message: *self, fields: Fields::new(self.message) }
    }

    pub(crate) fn to_columns(self) -> Columns {
        let mut columns = Columns::new();
        columns.take_packed(&self);
        columns
    }
}

impl Columns {
    /// Reads telemetry in protobuf in place of what was there. If it is refused, nothing is left there.
    ///
    /// # Errors
    ///
    /// What is not protobuf, or not UTF-8; indexes below zero; arrays that are not as long as their times; times beyond 64 bits; limits.
    pub fn decode_protobuf(&mut self, kind: TelemetryKind, message: &[u8]) -> Result<Notes, DecodeError> {
        self.decode_protobuf_with(kind, message, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`decode_protobuf`](Self::decode_protobuf).
    pub fn decode_protobuf_with(
        &mut self,
        kind: TelemetryKind,
        message: &[u8],
        limits: &Limits,
    ) -> Result<Notes, DecodeError> {
        self.clear(kind);
        let reader = Reader::new(message, Kind::Telemetry(kind), limits)?;
        match reader.packed(kind)? {
            Ok(packed) => {
                self.take_packed(&packed);
                Ok(packed.notes)
            }
            Err(notes) => Ok(notes | self.take_scattered(&reader, kind)?),
        }
    }

    fn take_packed(&mut self, message: &Packed<'_>) {
        self.clear(message.kind);
        self.format.set(message.format);
        self.feed.set(message.feed);
        self.epoch = message.epoch;
        self.common_times = append(&mut self.times, message.times, 0);
        for parameter in message.parameters() {
            let mut entry = crate::columns::Entry::new(match parameter.key {
                ParamKey::Index(index) => index,
                ParamKey::Name(_) => 0,
            });
            let is_shared = message.kind == TelemetryKind::Data;
            entry.epoch = parameter.epoch;
            entry.times = if is_shared { self.common_times } else { append(&mut self.times, parameter.times, 0) };
            entry.statuses = parameter.statuses.map_or(Span::NONE, |column| append(&mut self.statuses, column, 0));
            entry.values =
                parameter.values.map(|column| column.map_or(Span::NONE, |column| append(&mut self.values, column, 0)));
            self.entries.push(entry);
        }
    }
}

/// Puts a column behind what is in a buffer.
fn append<T: Element>(buffer: &mut Vec<T>, column: Column<'_, T>, at: usize) -> Span {
    let start = buffer.len();
    column.append_to(buffer);
    Span::new(start, buffer.len(), at)
}

impl<'a> TelemetryRef<'a> {
    /// Reads telemetry in protobuf: in place, if each of its arrays lies in one piece, as nearly every writer puts them.
    ///
    /// # Errors
    ///
    /// As [`Columns::decode_protobuf`].
    pub fn decode_protobuf(kind: TelemetryKind, message: &'a [u8]) -> Result<(Self, Notes), DecodeError> {
        Self::decode_protobuf_with(kind, message, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`Columns::decode_protobuf`].
    pub fn decode_protobuf_with(
        kind: TelemetryKind,
        message: &'a [u8],
        limits: &Limits,
    ) -> Result<(Self, Notes), DecodeError> {
        let reader = Reader::new(message, Kind::Telemetry(kind), limits)?;
        match reader.packed(kind)? {
            Ok(packed) => Ok((Self::packed(packed), packed.notes)),
            Err(notes) => {
                let mut columns = Columns::new();
                let more = columns.take_scattered(&reader, kind)?;
                Ok((Self::from(columns), notes | more))
            }
        }
    }
}

/// Reads telemetry: in place, or, if that cannot be, into these columns.
pub(crate) fn telemetry<'a>(
    columns: &'a mut Columns,
    kind: TelemetryKind,
    message: &'a [u8],
    limits: &Limits,
) -> Result<(TelemetryRef<'a>, Notes), DecodeError> {
    let reader = Reader::new(message, Kind::Telemetry(kind), limits)?;
    match reader.packed(kind)? {
        Ok(packed) => Ok((TelemetryRef::packed(packed), packed.notes)),
        Err(notes) => {
            let more = columns.take_scattered(&reader, kind)?;
            Ok((TelemetryRef::from(&*columns), notes | more))
        }
    }
}

/// The parameters of a message that was checked.
#[derive(Clone)]
pub(crate) struct Parameters<'a> {
    message: Packed<'a>,
    fields: Fields<'a>,
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Parameter<'a>;

    #[inline]
    fn next(&mut self) -> Option<Parameter<'a>> {
        self.entry().map(|found| found.parameter(&self.message))
    }
}

impl<'a> Parameters<'a> {
    #[inline]
    fn entry(&mut self) -> Option<Entry<'a>> {
        let kind = self.message.kind;
        let due = kind.parameters();
        let (at, entry) = self.fields.find_map(|field| Some((field.raw, bytes_of(&field, due)?)))?;
        // It was read before without a fault.
        let reader = Reader { message: self.message.message, kind: Kind::Telemetry(kind), limits: Limits::DEFAULT };
        let mut found = Entry { at, ..Entry::EMPTY };
        reader.entry(entry, kind, &mut found).ok()?;
        Some(found)
    }
}

/// The bytes of a field with this number.
fn bytes_of<'a>(field: &wire::Field<'a>, number: u32) -> Option<&'a [u8]> {
    match field.value {
        Value::Bytes(bytes) if field.number == number => Some(bytes),
        Value::Bytes(_) | Value::Varint(_) | Value::Fixed64(_) | Value::Group | Value::Fixed32(_) => None,
    }
}

/// The number with a sign that stands on the wire.
pub(crate) const fn signed(value: u64) -> i64 {
    i64::from_ne_bytes(value.to_ne_bytes())
}

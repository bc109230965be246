//! `tdata` and `tsamples` into columns.

use alloc::vec::Vec;

use super::{Cursor, Seen, Shape, Text};
use crate::columns::{Columns, Entry, OptionalText, Part, Span};
use crate::error::{DecodeError, DecodeErrorKind as Kind, Field, Limit};
use crate::limits::Limits;
use crate::notes::Notes;
use crate::telemetry::TelemetryKind;
use crate::unknown;

impl Columns {
    /// Reads the JSON of a `tdata` in place of what was there. If it is refused, nothing is left there.
    ///
    /// # Errors
    ///
    /// What is not JSON; what lacks `time` or `data`, or a `status` in it; arrays that are not as long as `time`; times beyond 64 bits; limits.
    pub fn decode_data(&mut self, value: &[u8]) -> Result<Notes, DecodeError> {
        self.decode_data_with(value, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`decode_data`](Self::decode_data).
    pub fn decode_data_with(&mut self, value: &[u8], limits: &Limits) -> Result<Notes, DecodeError> {
        self.clear(TelemetryKind::Data);
        self.read_data(value, limits).inspect_err(|_| self.clear(TelemetryKind::Data))
    }

    /// Reads the JSON of a `tsamples` in place of what was there, in its form or in that before February 2020, in which all parameters have
    /// the same times. If it is refused, nothing is left there.
    ///
    /// # Errors
    ///
    /// What is not JSON; what lacks `feed`, `format` or `data`, or `values`, `epoch` or `time` in it, in the old form `format`, `data` or `time`;
    /// arrays of different lengths; times beyond 64 bits; limits.
    pub fn decode_samples(&mut self, value: &[u8]) -> Result<Notes, DecodeError> {
        self.decode_samples_with(value, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`decode_samples`](Self::decode_samples).
    pub fn decode_samples_with(&mut self, value: &[u8], limits: &Limits) -> Result<Notes, DecodeError> {
        self.clear(TelemetryKind::Samples);
        self.read_samples(value, limits).inspect_err(|_| self.clear(TelemetryKind::Samples))
    }

    fn read_data(&mut self, value: &[u8], limits: &Limits) -> Result<Notes, DecodeError> {
        let mut cursor = Cursor::new(value, limits)?;
        let mut seen = Seen::default();
        let (mut times, mut has_data) = (None, false);
        let end = cursor.object(Field::Value, |cursor, name| {
            match &*name.to_cow() {
                "epoch" => {
                    seen.member(cursor, 0);
                    self.epoch = cursor.optional(Field::Epoch, Cursor::integer)?.unwrap_or_default();
                }
                "time" => {
                    seen.member(cursor, 1);
                    times = self.read_times(cursor)?;
                }
                "data" => {
                    seen.member(cursor, 2);
                    self.clear_entries();
                    has_data = cursor
                        .optional(Field::Data, |cursor, field| {
                            cursor.array(field, |cursor, index| self.read_data_of(cursor, index))
                        })?
                        .is_some();
                }
                "feed" => {
                    seen.member(cursor, 3);
                    read_text(cursor, Field::Feed, &mut self.feed)?;
                }
                "format" => {
                    seen.member(cursor, 4);
                    read_text(cursor, Field::Format, &mut self.format)?;
                }
                _ => self.read_unknown(cursor, name)?,
            }
            Ok(())
        })?;
        cursor.end()?;
        self.common_times = times.ok_or_else(|| missing(end, Field::Time))?;
        if !has_data {
            return Err(missing(end, Field::Data));
        }
        self.share_times();
        self.check(fault_of_data)?;
        Ok(cursor.notes)
    }

    fn read_data_of(&mut self, cursor: &mut Cursor<'_>, index: usize) -> Result<(), DecodeError> {
        let mut entry = Entry::new(within(cursor, index)?);
        let mut seen = Seen::default();
        let unknown = self.unknown_of_entries.len();
        let end = cursor.object(Field::Item, |cursor, name| {
            let (place, field) = match &*name.to_cow() {
                "status" => {
                    seen.member(cursor, 4);
                    entry.statuses = self.read_statuses(cursor)?;
                    return Ok(());
                }
                "avg" => (0, Field::Avg),
                "min" => (1, Field::Min),
                "max" => (2, Field::Max),
                "first" => (3, Field::First),
                _ => return self.read_unknown_of(cursor, name, unknown),
            };
            seen.member(cursor, place);
            let span = self.read_values(cursor, field)?;
            entry.values.get_mut(place as usize).into_iter().for_each(|place| *place = span);
            Ok(())
        })?;
        if !entry.statuses.is_some() {
            return Err(missing(end, Field::Status));
        }
        entry.unknown = Span::new(unknown, self.unknown_of_entries.len(), end);
        self.entries.push(entry);
        Ok(())
    }

    fn read_samples(&mut self, value: &[u8], limits: &Limits) -> Result<Notes, DecodeError> {
        let mut cursor = Cursor::new(value, limits)?;
        let mut seen = Seen::default();
        let mut is_legacy = None;
        // What has a meaning in the old form only, up to where it is known which one this is.
        let (mut epoch, mut time) = (None, None);
        let end = cursor.object(Field::Value, |cursor, name| {
            match &*name.to_cow() {
                "feed" => {
                    seen.member(cursor, 0);
                    read_text(cursor, Field::Feed, &mut self.feed)?;
                }
                "format" => {
                    seen.member(cursor, 1);
                    read_text(cursor, Field::Format, &mut self.format)?;
                }
                "data" => {
                    seen.member(cursor, 2);
                    self.clear_entries();
                    is_legacy = cursor.optional(Field::Data, |cursor, field| {
                        let is_legacy = cursor.shape(field)? == Shape::Array;
                        if is_legacy {
                            cursor.array(field, |cursor, index| self.read_row(cursor, index))?;
                        } else {
                            cursor.object(field, |cursor, name| self.read_samples_of(cursor, name))?;
                        }
                        Ok(is_legacy)
                    })?;
                }
                known @ ("epoch" | "time") => {
                    let start = cursor.clone();
                    let text = cursor.any(Field::Member)?;
                    let slot = if known == "epoch" { &mut epoch } else { &mut time };
                    let before = slot.replace((start, name, text));
                    if before.is_some() {
                        cursor.notes |= Notes::DUPLICATE_MEMBER;
                    }
                }
                _ => self.read_unknown(cursor, name)?,
            }
            Ok(())
        })?;
        cursor.end()?;
        let notes = if is_legacy.ok_or_else(|| missing(end, Field::Data))? {
            self.finish_legacy(cursor.notes | Notes::LEGACY_SAMPLES, end, [epoch, time])?
        } else {
            for (_, name, value) in [epoch, time].into_iter().flatten().filter(|_| self.keeps_unknown) {
                unknown::push(&mut self.unknown, 0, name, value);
            }
            if self.feed.get().is_none() {
                return Err(missing(end, Field::Feed));
            }
            let has_twice = self.index_names();
            cursor.notes | if has_twice { Notes::DUPLICATE_MEMBER } else { Notes::NONE }
        };
        if self.format.get().is_none() {
            return Err(missing(end, Field::Format));
        }
        self.check(fault_of_samples)?;
        Ok(notes)
    }

    /// Reads what the old form has beside `data`.
    fn finish_legacy(
        &mut self,
        notes: Notes,
        end: usize,
        [epoch, time]: [Option<Delayed<'_>>; 2],
    ) -> Result<Notes, DecodeError> {
        let mut notes = notes;
        if let Some((mut cursor, ..)) = epoch {
            self.epoch = cursor.optional(Field::Epoch, Cursor::integer)?.unwrap_or_default();
            notes |= cursor.notes;
        }
        let (mut cursor, ..) = time.ok_or_else(|| missing(end, Field::Time))?;
        self.common_times = self.read_times(&mut cursor)?.ok_or_else(|| missing(end, Field::Time))?;
        self.share_times();
        Ok(notes | cursor.notes)
    }

    fn read_row(&mut self, cursor: &mut Cursor<'_>, index: usize) -> Result<(), DecodeError> {
        let mut entry = Entry::new(within(cursor, index)?);
        let start = self.values.len();
        let at = cursor.start();
        cursor.doubles(&mut self.values, Field::Values)?;
        entry.values = [Span::new(start, self.values.len(), at), Span::NONE, Span::NONE, Span::NONE];
        self.entries.push(entry);
        Ok(())
    }

    fn read_samples_of(&mut self, cursor: &mut Cursor<'_>, name: Text<'_>) -> Result<(), DecodeError> {
        let mut entry = Entry::new(within(cursor, self.entries.len())?);
        let (start, at) = (self.names.len(), cursor.start());
        name.push_to(&mut self.names);
        entry.name = Span::new(start, self.names.len(), at);
        let mut seen = Seen::default();
        let mut has_epoch = false;
        let unknown = self.unknown_of_entries.len();
        let end = cursor.object(Field::Item, |cursor, name| {
            match &*name.to_cow() {
                "values" => {
                    seen.member(cursor, 0);
                    let span = self.read_values(cursor, Field::Values)?;
                    entry.values = [span, Span::NONE, Span::NONE, Span::NONE];
                }
                "epoch" => {
                    seen.member(cursor, 1);
                    let epoch = cursor.optional(Field::Epoch, Cursor::integer)?;
                    (entry.epoch, has_epoch) = (epoch.unwrap_or_default(), epoch.is_some());
                }
                "time" => {
                    seen.member(cursor, 2);
                    entry.times = self.read_times(cursor)?.unwrap_or(Span::NONE);
                }
                _ => self.read_unknown_of(cursor, name, unknown)?,
            }
            Ok(())
        })?;
        let [values, ..] = entry.values;
        let due = [(values.is_some(), Field::Values), (has_epoch, Field::Epoch), (entry.times.is_some(), Field::Time)];
        if let Some((_, field)) = due.into_iter().find(|(is_there, _)| !is_there) {
            return Err(missing(end, field));
        }
        entry.unknown = Span::new(unknown, self.unknown_of_entries.len(), end);
        self.entries.push(entry);
        Ok(())
    }

    fn read_times(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<Span>, DecodeError> {
        read_array(cursor, Field::Time, &mut self.times, Cursor::integers)
    }

    fn read_statuses(&mut self, cursor: &mut Cursor<'_>) -> Result<Span, DecodeError> {
        read_array(cursor, Field::Status, &mut self.statuses, Cursor::flags).map(|span| span.unwrap_or(Span::NONE))
    }

    fn read_values(&mut self, cursor: &mut Cursor<'_>, field: Field) -> Result<Span, DecodeError> {
        read_array(cursor, field, &mut self.values, Cursor::doubles).map(|span| span.unwrap_or(Span::NONE))
    }

    fn read_unknown(&mut self, cursor: &mut Cursor<'_>, name: Text<'_>) -> Result<(), DecodeError> {
        let value = cursor.any(Field::Member)?;
        if self.keeps_unknown {
            unknown::push(&mut self.unknown, 0, name, value);
        }
        Ok(())
    }

    fn read_unknown_of(&mut self, cursor: &mut Cursor<'_>, name: Text<'_>, start: usize) -> Result<(), DecodeError> {
        let value = cursor.any(Field::Member)?;
        if self.keeps_unknown {
            unknown::push(&mut self.unknown_of_entries, start, name, value);
        }
        Ok(())
    }

    /// What all parameters have together, each has.
    pub(crate) fn share_times(&mut self) {
        for entry in &mut self.entries {
            (entry.epoch, entry.times) = (self.epoch, self.common_times);
        }
    }
}

/// A member that is read later: where its value begins, its name, and the value.
type Delayed<'a> = (Cursor<'a>, Text<'a>, &'a str);

/// Reads an array behind what is in a buffer; `None` for `null`.
#[inline]
fn read_array<'a, T>(
    cursor: &mut Cursor<'a>,
    field: Field,
    buffer: &mut Vec<T>,
    read: impl FnOnce(&mut Cursor<'a>, &mut Vec<T>, Field) -> Result<(), DecodeError>,
) -> Result<Option<Span>, DecodeError> {
    let (start, at) = (buffer.len(), cursor.start());
    let read = cursor.optional(field, |cursor, field| read(cursor, buffer, field))?;
    Ok(read.map(|()| Span::new(start, buffer.len(), at)))
}

fn read_text(cursor: &mut Cursor<'_>, field: Field, to: &mut OptionalText) -> Result<(), DecodeError> {
    match cursor.optional(field, Cursor::text)? {
        Some(text) => text.push_to(to.insert()),
        None => to.clear(),
    }
    Ok(())
}

/// An index, if there may be as many parameters.
fn within(cursor: &Cursor<'_>, index: usize) -> Result<u32, DecodeError> {
    let max = cursor.limits().max_parameters;
    let narrow = u32::try_from(index).ok().filter(|index| *index < max);
    narrow.ok_or_else(|| {
        let error = cursor.fault(Kind::LimitExceeded, Field::Data);
        error.over(Limit::MaxParameters, index.saturating_add(1), max)
    })
}

#[cold]
fn missing(end: usize, field: Field) -> DecodeError {
    DecodeError::json(Kind::MissingMember, end, field)
}

/// Of an array of JSON.
fn fault(at: usize, field: Field) -> DecodeError {
    DecodeError::json(Kind::LengthMismatch, at, field)
}

fn fault_of_data(at: usize, part: Part) -> DecodeError {
    const AGGREGATES: [Field; 4] = [Field::Avg, Field::Min, Field::Max, Field::First];
    let field = match part {
        Part::Times => Field::Time,
        Part::Statuses => Field::Status,
        Part::Values(place) => AGGREGATES.get(usize::from(place)).copied().unwrap_or(Field::Values),
    };
    fault(at, field)
}

fn fault_of_samples(at: usize, part: Part) -> DecodeError {
    fault(at, if matches!(part, Part::Values(_)) { Field::Values } else { Field::Time })
}

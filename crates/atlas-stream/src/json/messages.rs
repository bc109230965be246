//! Events, laps and points of synchronization.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{Cursor, Seen};
use crate::error::{DecodeError, DecodeErrorKind as Kind, Field};
use crate::event::{Event, EventValues};
use crate::lap::{Lap, LapType, TriggerSource};
use crate::limits::Limits;
use crate::notes::Notes;
use crate::sync::Sync;
use crate::time::absolute;
use crate::unknown::Kept;

/// What a message has that is required.
pub(super) fn due<T>(value: Option<T>, end: usize, field: Field) -> Result<T, DecodeError> {
    value.ok_or_else(|| DecodeError::json(Kind::MissingMember, end, field))
}

impl<'a> Event<'a> {
    /// Reads the JSON of an event.
    ///
    /// # Errors
    ///
    /// What is not JSON; what lacks `epoch`, `time`, `id` or `values`; a time beyond 64 bits; limits.
    pub fn decode_json(value: &'a [u8]) -> Result<(Self, Notes), DecodeError> {
        Self::decode_json_with(value, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`decode_json`](Self::decode_json).
    pub fn decode_json_with(value: &'a [u8], limits: &Limits) -> Result<(Self, Notes), DecodeError> {
        let mut cursor = Cursor::new(value, limits)?;
        let mut seen = Seen::default();
        let (mut epoch, mut time, mut id, mut status, mut values) = (None, None, None, None, None);
        let (mut unknown, mut time_at) = (Kept::NONE, 0);
        let end = cursor.object(Field::Value, |cursor, name| {
            match &*name.to_cow() {
                "epoch" => {
                    seen.member(cursor, 0);
                    epoch = cursor.optional(Field::Epoch, Cursor::integer)?;
                }
                "time" => {
                    seen.member(cursor, 1);
                    time_at = cursor.start();
                    time = cursor.optional(Field::Time, Cursor::integer)?;
                }
                "id" => {
                    seen.member(cursor, 2);
                    id = cursor.optional(Field::Id, Cursor::cow)?;
                }
                "status" => {
                    seen.member(cursor, 3);
                    status = cursor.optional(Field::Status, Cursor::cow)?;
                }
                "values" => {
                    seen.member(cursor, 4);
                    values = cursor.optional(Field::Values, |cursor, field| {
                        let mut values = Vec::new();
                        cursor.doubles(&mut values, field)?;
                        Ok(values)
                    })?;
                }
                _ => unknown.push(cursor.whole(name)?),
            }
            Ok(())
        })?;
        cursor.end()?;
        let (epoch, time) = (due(epoch, end, Field::Epoch)?, due(time, end, Field::Time)?);
        let (id, values) = (due(id, end, Field::Id)?, due(values, end, Field::Values)?);
        check(epoch, time, time_at)?;
        Ok((Self { epoch, time, id, status, values: EventValues::from(values), unknown }, cursor.notes))
    }
}

impl<'a> Lap<'a> {
    /// Reads the JSON of a lap.
    ///
    /// # Errors
    ///
    /// What is not JSON; what lacks `number`, `time`, `type` or `triggerSource`; a time beyond 64 bits; limits.
    pub fn decode_json(value: &'a [u8]) -> Result<(Self, Notes), DecodeError> {
        Self::decode_json_with(value, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`decode_json`](Self::decode_json).
    pub fn decode_json_with(value: &'a [u8], limits: &Limits) -> Result<(Self, Notes), DecodeError> {
        let mut cursor = Cursor::new(value, limits)?;
        let mut seen = Seen::default();
        let (mut number, mut epoch, mut time, mut lap_type, mut source) = (None, None, None, None, None);
        let (mut unknown, mut time_at) = (Kept::NONE, 0);
        let end = cursor.object(Field::Value, |cursor, name| {
            match &*name.to_cow() {
                "number" => {
                    seen.member(cursor, 0);
                    number = cursor.optional(Field::Number, Cursor::integer)?;
                }
                "epoch" => {
                    seen.member(cursor, 1);
                    epoch = cursor.optional(Field::Epoch, Cursor::integer)?;
                }
                "time" => {
                    seen.member(cursor, 2);
                    time_at = cursor.start();
                    time = cursor.optional(Field::Time, Cursor::integer)?;
                }
                "type" => {
                    seen.member(cursor, 3);
                    lap_type = cursor.optional(Field::Type, Cursor::cow)?;
                }
                "triggerSource" => {
                    seen.member(cursor, 4);
                    source = cursor.optional(Field::TriggerSource, Cursor::integer)?;
                }
                _ => unknown.push(cursor.whole(name)?),
            }
            Ok(())
        })?;
        cursor.end()?;
        let (number, time) = (due(number, end, Field::Number)?, due(time, end, Field::Time)?);
        let (name, source) = (due(lap_type, end, Field::Type)?, due(source, end, Field::TriggerSource)?);
        let epoch = epoch.unwrap_or_default();
        check(epoch, time, time_at)?;
        let lap_type = LapType::from_name(name.clone());
        cursor.notes |= match &lap_type {
            LapType::Other(_) => Notes::UNKNOWN_NAME,
            LapType::Fast | LapType::PitLane | LapType::Out | LapType::In if lap_type.name() == name => Notes::NONE,
            LapType::Fast | LapType::PitLane | LapType::Out | LapType::In => Notes::LETTER_CASE,
        };
        Ok((Self { number, epoch, time, lap_type, trigger_source: TriggerSource(source), unknown }, cursor.notes))
    }
}

impl<'a> Sync<'a> {
    /// Reads a point of synchronization; a value that is no JSON object, and times that are no whole numbers, are noted and not looked at.
    #[must_use]
    pub fn decode_json(value: &'a [u8]) -> (Self, Notes) {
        Self::decode_json_with(value, &Limits::DEFAULT)
    }

    /// The same under other limits.
    #[must_use]
    pub fn decode_json_with(value: &'a [u8], limits: &Limits) -> (Self, Notes) {
        if value.is_empty() {
            return (Self::default(), Notes::NONE);
        }
        Self::read(value, limits).unwrap_or((Self::default(), Notes::IGNORED_VALUE))
    }

    fn read(value: &'a [u8], limits: &Limits) -> Result<(Self, Notes), DecodeError> {
        let mut cursor = Cursor::new(value, limits)?;
        let mut seen = Seen::default();
        let mut sync = Self::default();
        cursor.object(Field::Value, |cursor, name| {
            match &*name.to_cow() {
                known @ ("epoch" | "time") => {
                    seen.member(cursor, if known == "epoch" { 0 } else { 1 });
                    let mut number = cursor.clone();
                    cursor.any(Field::Time)?;
                    let slot = if known == "epoch" { &mut sync.epoch } else { &mut sync.time };
                    *slot = match number.optional(Field::Time, Cursor::integer) {
                        Ok(found) => {
                            cursor.notes |= number.notes;
                            found
                        }
                        Err(_) => {
                            cursor.notes |= Notes::IGNORED_VALUE;
                            None
                        }
                    };
                }
                _ => sync.unknown.push(cursor.whole(name)?),
            }
            Ok(())
        })?;
        cursor.end()?;
        Ok((sync, cursor.notes))
    }
}

fn check(epoch: i64, time: i64, at: usize) -> Result<(), DecodeError> {
    match absolute(epoch, time) {
        Some(_) => Ok(()),
        None => Err(DecodeError::json(Kind::TimeOverflow, at, Field::Time)),
    }
}

impl<'a> Cursor<'a> {
    /// Reads a text, in place if it has no escapes.
    pub(crate) fn cow(&mut self, field: Field) -> Result<Cow<'a, str>, DecodeError> {
        self.text(field).map(super::Text::to_cow)
    }
}

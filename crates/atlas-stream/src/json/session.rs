//! Sessions.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::messages::due;
use super::{Cursor, Seen, Shape, Text};
use crate::date_time::DateTime;
use crate::dependency::is_dependency_id;
use crate::error::{DecodeError, DecodeErrorKind as Kind, Field};
use crate::limits::Limits;
use crate::notes::Notes;
use crate::session::{Activity, Model, Session, push_blank};
use crate::state::SessionState;
use crate::unknown::Kept;

impl<'a> Session<'a> {
    /// Reads the JSON of a session.
    ///
    /// # Errors
    ///
    /// What is not JSON; what lacks `id` or `state`, or `group` in `model`; members of another type than they have; dates and times that are
    /// none; a duration below 0; limits.
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
        let mut session = Session::new("", SessionState::UNKNOWN);
        read(&mut cursor, Field::Value, &mut session)?;
        cursor.end()?;
        Ok((session, cursor.notes))
    }
}

/// Reads a session; those it was made of by recursion, as deep as values may be, in a function that keeps little on the stack.
fn read<'a>(cursor: &mut Cursor<'a>, field: Field, session: &mut Session<'a>) -> Result<(), DecodeError> {
    let mut seen = Seen::default();
    let end = cursor.object(field, |cursor, name| {
        if name.is("sources") {
            seen.member(cursor, 10);
            return read_sources(cursor, &mut session.sources);
        }
        read_member(cursor, name, session, &mut seen)
    })?;
    // Of what `null` took back nothing is left.
    if !seen.is_there(0) {
        return Err(DecodeError::json(Kind::MissingMember, end, Field::Id));
    }
    if !seen.is_there(1) {
        return Err(DecodeError::json(Kind::MissingMember, end, Field::State));
    }
    Ok(())
}

#[inline(never)]
fn read_member<'a>(
    cursor: &mut Cursor<'a>,
    name: Text<'a>,
    session: &mut Session<'a>,
    seen: &mut Seen,
) -> Result<(), DecodeError> {
    let name_text = name.to_cow();
    let Some((bit, field)) = member(&name_text) else {
        session.unknown.push(cursor.whole(name)?);
        return Ok(());
    };
    seen.member(cursor, bit);
    match &*name_text {
        "id" => match cursor.optional(field, Cursor::cow)? {
            Some(id) => session.id = id,
            None => seen.forget(bit),
        },
        "state" => match cursor.optional(field, read_state)? {
            Some((state, name)) => (session.state, session.other_state) = (state, name),
            None => seen.forget(bit),
        },
        "type" => session.session_type = cursor.optional(field, |cursor, field| short(cursor, field, 32))?,
        "quality" => session.quality = cursor.optional(field, read_quality)?,
        "identifier" => session.identifier = cursor.optional(field, Cursor::cow)?,
        "details" => session.details = cursor.optional(field, read_details)?,
        "model" => session.model = cursor.optional(field, read_model)?,
        "dependencies" => session.dependencies = cursor.optional(field, read_dependencies)?,
        "activity" => session.activity = cursor.optional(field, read_activity)?,
        "lastHeartbeat" => session.last_heartbeat = nullable(cursor, field, read_date_time)?,
        _ => session.label = cursor.optional(field, Cursor::cow)?,
    }
    Ok(())
}

fn read_sources<'a>(cursor: &mut Cursor<'a>, sources: &mut Vec<Session<'a>>) -> Result<(), DecodeError> {
    sources.clear();
    if cursor.null(Field::Sources)? {
        cursor.notes |= Notes::NULL_MEMBER;
        return Ok(());
    }
    cursor.array(Field::Sources, |cursor, _| {
        cursor.count_source()?;
        push_blank(sources);
        match sources.last_mut() {
            Some(session) => read(cursor, Field::Sources, session),
            None => Ok(()),
        }
    })?;
    Ok(())
}

fn member(name: &str) -> Option<(u32, Field)> {
    Some(match name {
        "id" => (0, Field::Id),
        "state" => (1, Field::State),
        "type" => (2, Field::Type),
        "quality" => (3, Field::Quality),
        "identifier" => (4, Field::Identifier),
        "details" => (5, Field::Details),
        "model" => (6, Field::Model),
        "dependencies" => (7, Field::Dependencies),
        "activity" => (8, Field::Activity),
        "lastHeartbeat" => (9, Field::LastHeartbeat),
        "label" => (11, Field::Label),
        _ => return None,
    })
}

/// What may be `null` by the documents.
fn nullable<'a, T>(
    cursor: &mut Cursor<'a>,
    field: Field,
    read: impl FnOnce(&mut Cursor<'a>, Field) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    if cursor.null(field)? { Ok(None) } else { read(cursor, field).map(Some) }
}

/// A state by its name, or by its number, which is noted; and its name if it has none here.
fn read_state<'a>(cursor: &mut Cursor<'a>, field: Field) -> Result<(SessionState, Option<Cow<'a, str>>), DecodeError> {
    if cursor.shape(field)? == Shape::Number {
        let number = cursor.clone().integer(field).ok();
        let text = cursor.any(field)?;
        cursor.notes |= Notes::NUMERIC_STATE;
        let state = number.and_then(|number| u8::try_from(number).ok()).map(SessionState);
        if let Some(state) = state.filter(|state| state.name().is_some()) {
            return Ok((state, None));
        }
        cursor.notes |= Notes::UNKNOWN_NAME;
        return Ok((SessionState::UNKNOWN, Some(Cow::Borrowed(text))));
    }
    let name = cursor.cow(field)?;
    Ok(match SessionState::from_name(&name) {
        Some(state) => {
            if state.name() != Some(&*name) {
                cursor.notes |= Notes::LETTER_CASE;
            }
            (state, None)
        }
        None => {
            cursor.notes |= Notes::UNKNOWN_NAME;
            (SessionState::UNKNOWN, Some(name))
        }
    })
}

fn short<'a>(cursor: &mut Cursor<'a>, field: Field, most: usize) -> Result<Cow<'a, str>, DecodeError> {
    let text = cursor.cow(field)?;
    if text.chars().nth(most).is_some() {
        cursor.notes |= Notes::LONG_TEXT;
    }
    Ok(text)
}

fn read_quality(cursor: &mut Cursor<'_>, field: Field) -> Result<f64, DecodeError> {
    let quality = cursor.double(field)?;
    if !(0.0..=1.0).contains(&quality) {
        cursor.notes |= Notes::QUALITY_RANGE;
    }
    Ok(quality)
}

fn read_details<'a>(
    cursor: &mut Cursor<'a>,
    field: Field,
) -> Result<BTreeMap<Cow<'a, str>, Cow<'a, str>>, DecodeError> {
    read_names(cursor, field, |cursor| {
        if cursor.shape(field)? == Shape::Text {
            return cursor.cow(field);
        }
        cursor.notes |= Notes::DETAIL_NOT_TEXT;
        cursor.any(field).map(Cow::Borrowed)
    })
}

/// Reads an object of names, of which the last of each counts; `null` is as if it were not there.
fn read_names<'a, T>(
    cursor: &mut Cursor<'a>,
    field: Field,
    mut read: impl FnMut(&mut Cursor<'a>) -> Result<T, DecodeError>,
) -> Result<BTreeMap<Cow<'a, str>, T>, DecodeError> {
    let mut all = BTreeMap::new();
    cursor.object(field, |cursor, name| {
        let value = cursor.optional(field, |cursor, _| read(cursor))?;
        if all.insert(name.to_cow(), value).is_some() {
            cursor.notes |= Notes::DUPLICATE_MEMBER;
        }
        Ok(())
    })?;
    Ok(all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

fn read_model<'a>(cursor: &mut Cursor<'a>, field: Field) -> Result<Model<'a>, DecodeError> {
    let mut model = Model::new("");
    let mut group = None;
    let mut seen = Seen::default();
    let end = cursor.object(field, |cursor, name| {
        match &*name.to_cow() {
            "group" => {
                seen.member(cursor, 0);
                group = cursor.optional(Field::Group, |cursor, field| short(cursor, field, 255))?;
            }
            "version" => {
                seen.member(cursor, 1);
                model.version = cursor.optional(Field::Version, Cursor::integer)?;
                if model.version.is_some_and(|version| version < 0) {
                    cursor.notes |= Notes::VERSION_RANGE;
                }
            }
            "configuration" => {
                seen.member(cursor, 2);
                model.configuration = nullable(cursor, Field::Configuration, Cursor::cow)?;
            }
            _ => model.unknown.push(cursor.whole(name)?),
        }
        Ok(())
    })?;
    model.group = due(group, end, Field::Group)?;
    Ok(model)
}

fn read_dependencies<'a>(
    cursor: &mut Cursor<'a>,
    field: Field,
) -> Result<BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>, DecodeError> {
    read_names(cursor, field, |cursor| {
        let mut ids = Vec::new();
        cursor.array(field, |cursor, _| {
            let id = cursor.cow(Field::DependencyId)?;
            if !is_dependency_id(&id) {
                cursor.notes |= Notes::DEPENDENCY_ID;
            }
            ids.push(id);
            Ok(())
        })?;
        Ok(ids)
    })
}

fn read_activity<'a>(cursor: &mut Cursor<'a>, field: Field) -> Result<Activity<'a>, DecodeError> {
    let mut activity = Activity { start: None, duration_nanos: None, unknown: Kept::NONE };
    let mut seen = Seen::default();
    cursor.object(field, |cursor, name| {
        match &*name.to_cow() {
            "start" => {
                seen.member(cursor, 0);
                activity.start = nullable(cursor, Field::Start, read_date_time)?;
            }
            "durationNanos" => {
                seen.member(cursor, 1);
                let at = cursor.start();
                activity.duration_nanos = cursor.optional(Field::DurationNanos, Cursor::integer)?;
                if activity.duration_nanos.is_some_and(|nanos| nanos < 0) {
                    return Err(DecodeError::json(Kind::InvalidInteger, at, Field::DurationNanos));
                }
            }
            _ => activity.unknown.push(cursor.whole(name)?),
        }
        Ok(())
    })?;
    Ok(activity)
}

fn read_date_time<'a>(cursor: &mut Cursor<'a>, field: Field) -> Result<DateTime<'a>, DecodeError> {
    let at = cursor.start();
    let found = DateTime::parse(cursor.cow(field)?);
    let date_time = found.ok_or_else(|| DecodeError::json(Kind::InvalidDateTime, at, field))?;
    if date_time.offset_minutes().is_none() {
        cursor.notes |= Notes::NO_OFFSET;
    }
    Ok(date_time)
}

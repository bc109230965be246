//! Sessions.

use std::collections::BTreeMap;

use atlas_stream::{DateTime, Notes, SessionState};

use super::model::{Model, Unknown, array, double, integer, kept, object, text, unknown};
use super::tree::{Is, Node};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Session {
    id: String,
    state: (u8, String),
    session_type: Option<String>,
    quality: Option<u64>,
    identifier: Option<String>,
    details: Option<BTreeMap<String, String>>,
    model: Option<(String, Option<i64>, Option<String>)>,
    dependencies: Option<BTreeMap<String, Vec<String>>>,
    activity: Option<(Option<Moment>, Option<i64>)>,
    last_heartbeat: Option<Moment>,
    sources: Vec<Self>,
    label: Option<String>,
    unknown: Unknown,
    /// Of the model and of the activity, which what was read does not show.
    pub(super) hidden: [Unknown; 2],
}

/// Text, seconds, nanoseconds, minutes of the offset.
type Moment = (String, i64, u32, Option<i16>);

const STATES: [(u8, &str); 6] =
    [(1, "waiting"), (2, "open"), (4, "closed"), (12, "truncated"), (28, "failed"), (44, "abandoned")];

const KNOWN: [&str; 12] = [
    "id",
    "state",
    "type",
    "quality",
    "identifier",
    "details",
    "model",
    "dependencies",
    "activity",
    "lastHeartbeat",
    "sources",
    "label",
];

pub(super) fn session(model: &mut Model, node: &Node<'_>) -> Option<Session> {
    let members = object(node)?;
    let plain = |_: &mut Model, node: &Node<'_>| text(node);
    let (mut of_model, mut of_activity) = (Vec::new(), Vec::new());
    let id = model.member(members, "id", plain)?;
    let state = model.member(members, "state", state)?;
    let session_type = model.member(members, "type", |model, node| short(model, node, 32))?;
    let quality = model.member(members, "quality", |model, node| {
        let quality = double(node)?;
        if !(0.0..=1.0).contains(&quality) {
            model.notes |= Notes::QUALITY_RANGE;
        }
        Some(quality.to_bits())
    })?;
    let identifier = model.member(members, "identifier", plain)?;
    let details = model.member(members, "details", details)?;
    let of = model.member(members, "model", |model, node| {
        let members = object(node)?;
        let group = model.member(members, "group", |model, node| short(model, node, 255))?;
        let version = model.member(members, "version", |model, node| {
            let version = integer(node)?;
            if version < 0 {
                model.notes |= Notes::VERSION_RANGE;
            }
            Some(version)
        })?;
        let configuration = model.nullable(members, "configuration", |_, node| optional(node, text))?.flatten();
        Some(((group?, version, configuration), unknown(members, &["group", "version", "configuration"])?))
    })?;
    let of = of.map(|(of, unknown)| {
        of_model = unknown;
        of
    });
    let dependencies = model.member(members, "dependencies", dependencies)?;
    let activity = model.member(members, "activity", |model, node| {
        let members = object(node)?;
        let start = model.nullable(members, "start", |model, node| optional(node, |node| moment(model, node)))?;
        let nanos = model.member(members, "durationNanos", |_, node| integer(node).filter(|nanos| *nanos >= 0))?;
        Some(((start.flatten(), nanos), unknown(members, &["start", "durationNanos"])?))
    })?;
    let activity = activity.map(|(activity, unknown)| {
        of_activity = unknown;
        activity
    });
    let last_heartbeat =
        model.nullable(members, "lastHeartbeat", |model, node| optional(node, |node| moment(model, node)))?.flatten();
    let sources = model.member(members, "sources", |model, node| {
        let each = |node: &Node<'_>| {
            model.sources += 1;
            if model.sources <= model.limits.max_parameters { session(model, node) } else { None }
        };
        array(node)?.iter().map(each).collect::<Option<Vec<_>>>()
    })?;
    let label = model.member(members, "label", plain)?;
    Some(Session {
        id: id?,
        state: state?,
        session_type,
        quality,
        identifier,
        details,
        model: of,
        dependencies,
        activity,
        last_heartbeat,
        sources: sources.unwrap_or_default(),
        label,
        unknown: unknown(members, &KNOWN)?,
        hidden: [of_model, of_activity],
    })
}

/// What may be `null`.
fn optional<T>(node: &Node<'_>, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Option<Option<T>> {
    if matches!(node.is, Is::Null) { Some(None) } else { read(node).map(Some) }
}

fn state(model: &mut Model, node: &Node<'_>) -> Option<(u8, String)> {
    if let Is::Number(number) = node.is {
        model.notes |= Notes::NUMERIC_STATE;
        let found = super::tree::whole(number).and_then(|number| u8::try_from(number).ok());
        let known = STATES.into_iter().find(|(state, _)| Some(*state) == found);
        if known.is_none() {
            model.notes |= Notes::UNKNOWN_NAME;
        }
        return Some(known.map_or((0, number.to_owned()), |(number, name)| (number, name.to_owned())));
    }
    let found = text(node)?;
    let Some((number, name)) = STATES.into_iter().find(|(_, name)| *name == found.to_ascii_lowercase()) else {
        model.notes |= Notes::UNKNOWN_NAME;
        return Some((0, found));
    };
    if name != found {
        model.notes |= Notes::LETTER_CASE;
    }
    Some((number, name.to_owned()))
}

fn short(model: &mut Model, node: &Node<'_>, most: usize) -> Option<String> {
    let text = text(node)?;
    if text.chars().count() > most {
        model.notes |= Notes::LONG_TEXT;
    }
    Some(text)
}

fn details(model: &mut Model, node: &Node<'_>) -> Option<BTreeMap<String, String>> {
    let mut details = BTreeMap::new();
    for (name, node) in object(node)? {
        let value = match text(node) {
            Some(text) => Some(text),
            None if matches!(node.is, Is::Null) => {
                model.notes |= Notes::NULL_MEMBER;
                None
            }
            None if node.has_bare() => return None,
            None => {
                model.notes |= Notes::DETAIL_NOT_TEXT;
                Some(node.raw.to_owned())
            }
        };
        if details.insert(name.clone(), value).is_some() {
            model.notes |= Notes::DUPLICATE_MEMBER;
        }
    }
    Some(details.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

fn dependencies(model: &mut Model, node: &Node<'_>) -> Option<BTreeMap<String, Vec<String>>> {
    let mut dependencies = BTreeMap::new();
    for (name, node) in object(node)? {
        if matches!(node.is, Is::Null) {
            model.notes |= Notes::NULL_MEMBER;
            if dependencies.insert(name.clone(), None).is_some() {
                model.notes |= Notes::DUPLICATE_MEMBER;
            }
            continue;
        }
        let ids: Vec<_> = array(node)?.iter().map(text).collect::<Option<_>>()?;
        let is_id = |id: &String| {
            let may_be = |c: char| c.is_ascii_alphanumeric() || "{}_-".contains(c);
            (1..=64).contains(&id.len()) && id.chars().all(may_be)
        };
        if !ids.iter().all(is_id) {
            model.notes |= Notes::DEPENDENCY_ID;
        }
        if dependencies.insert(name.clone(), Some(ids)).is_some() {
            model.notes |= Notes::DUPLICATE_MEMBER;
        }
    }
    Some(dependencies.into_iter().filter_map(|(name, ids)| Some((name, ids?))).collect())
}

fn moment(model: &mut Model, node: &Node<'_>) -> Option<Moment> {
    let text = text(node)?;
    let (seconds, nanos, offset) = date_time(&text)?;
    if offset.is_none() {
        model.notes |= Notes::NO_OFFSET;
    }
    Some((text, seconds, nanos, offset))
}

/// RFC 3339, by counting days year by year; the offset may be missing, and second 60 is the next.
pub(super) fn date_time(text: &str) -> Option<(i64, u32, Option<i16>)> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let front = shape.get(..19)?;
    if !matches!(front, "0000-00-00T00:00:00" | "0000-00-00t00:00:00") {
        return None;
    }
    let number = |text: &str| text.parse::<i64>().expect("digits");
    let parts = [0..4, 5..7, 8..10, 11..13, 14..16, 17..19].map(|part| number(&text[part]));
    let [year, month, day, hour, minute, second] = parts;
    let is_leap = |year: i64| year % 400 == 0 || year % 4 == 0 && year % 100 != 0;
    let months = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let of_month = *months.get(usize::try_from(month - 1).ok()?)?;
    if !(1..=of_month).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = &text[19..];
    let mut nanos = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits: String = fraction.chars().take_while(char::is_ascii_digit).collect();
        if digits.is_empty() {
            return None;
        }
        nanos = format!("{digits:0<9}")[..9].parse().expect("digits");
        rest = &fraction[digits.len()..];
    }
    let offset = match (rest, &shape[shape.len() - rest.len()..]) {
        ("", _) => None,
        ("Z" | "z", _) => Some(0),
        (_, "+00:00" | "-00:00") => {
            let (hours, minutes) = (number(&rest[1..3]), number(&rest[4..]));
            if hours > 23 || minutes > 59 {
                return None;
            }
            Some((hours * 60 + minutes) * if rest.starts_with('-') { -1 } else { 1 })
        }
        _ => return None,
    };
    let days_of = |year| if is_leap(year) { 366 } else { 365 };
    let before: i64 =
        if year < 1970 { -(year..1970).map(days_of).sum::<i64>() } else { (1970..year).map(days_of).sum() };
    let days = before + months.iter().take(month as usize - 1).sum::<i64>() + day - 1;
    let seconds = ((days * 24 + hour) * 60 + minute - offset.unwrap_or_default()) * 60 + second;
    Some((seconds, nanos, offset.map(|offset| offset as i16)))
}

/// What was read.
pub(super) fn snapshot(found: &atlas_stream::Session<'_>) -> Session {
    let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_ref().map(|text| text.clone().into_owned());
    let details = found.details.as_ref().map(|all| {
        all.iter().map(|(name, value)| {
            assert_eq!(found.detail(name), Some(&**value));
            (name.clone().into_owned(), value.clone().into_owned())
        })
    });
    let dependencies = found.dependencies.as_ref().map(|all| {
        all.iter().map(|(name, ids)| {
            assert!(found.dependencies(name).eq(ids.iter().map(|id| &**id)));
            (name.clone().into_owned(), ids.iter().map(|id| id.clone().into_owned()).collect())
        })
    });
    assert_eq!(found.state.name().unwrap_or(found.state_name()), found.state_name());
    assert_eq!(SessionState::from_name(found.state_name()).is_some(), found.state != SessionState::UNKNOWN);
    Session {
        id: found.id.clone().into_owned(),
        state: (found.state.0, found.state_name().to_owned()),
        session_type: text(&found.session_type),
        quality: found.quality.map(f64::to_bits),
        identifier: text(&found.identifier),
        details: details.map(Iterator::collect),
        model: found
            .model
            .as_ref()
            .map(|model| (model.group.clone().into_owned(), model.version, text(&model.configuration))),
        dependencies: dependencies.map(Iterator::collect),
        activity: found
            .activity
            .as_ref()
            .map(|activity| (activity.start.as_ref().map(moment_of), activity.duration_nanos)),
        last_heartbeat: found.last_heartbeat.as_ref().map(moment_of),
        sources: found.sources.iter().map(snapshot).collect(),
        label: text(&found.label),
        unknown: kept(found.unknown()),
        hidden: [Vec::new(), Vec::new()],
    }
}

fn moment_of(found: &DateTime<'_>) -> Moment {
    let nanos = i128::from(found.unix_seconds()) * 1_000_000_000 + i128::from(found.subsec_nanos());
    assert_eq!(found.unix_nanos(), i64::try_from(nanos).ok());
    if let Some(nanos) = found.unix_nanos() {
        let written = DateTime::from_unix_nanos(nanos);
        assert_eq!(date_time(written.as_str()), Some((found.unix_seconds(), found.subsec_nanos(), Some(0))));
        assert_eq!(DateTime::parse(written.as_str()), Some(written.clone()));
    }
    (found.as_str().to_owned(), found.unix_seconds(), found.subsec_nanos(), found.offset_minutes())
}

impl Session {
    /// Without what was read does not show.
    pub(super) fn shown(mut self) -> Self {
        self.hidden = [Vec::new(), Vec::new()];
        self.sources = self.sources.into_iter().map(Self::shown).collect();
        self
    }
}

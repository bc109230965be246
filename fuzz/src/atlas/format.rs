use std::fmt::Debug;

use atlas_stream::{
    Aggregates, DataFormat, EncodeErrorKind, Limits, Notes, TelemetryKind, TelemetryRef, View, dependency_id,
};
use serde::de::IgnoredAny;

use super::configuration::configuration;
use super::model::{Members, Model, Unknown, array, double, kept, object, text, unknown};
use super::tree::Node;
use super::{Script, check_error, json_build, limits};

/// Documents are what the model makes of the tree of serde_json; what is written of them reads the same.
pub fn format(data: &[u8]) {
    let [kind, settings, input @ ..] = data else { return };
    let is_format = kind & 1 == 0;
    let made;
    let document = if settings & 0x80 == 0 {
        input
    } else {
        made = json_build::value(&json_build::DOCUMENTS[usize::from(kind & 1)], &mut Script(input));
        &made
    };
    let (limits, tight) = (limits(*settings), limits(kind >> 3));
    if is_format { data_format(document, &limits, &tight) } else { configuration(document, &limits, &tight) }
}

#[derive(Clone, Debug, PartialEq)]
struct Format {
    feeds: Vec<(String, Feed)>,
    unknown: Unknown,
}

#[derive(Clone, Debug, PartialEq)]
struct Feed {
    parameters: Vec<FeedParameter>,
    frequency: Option<u64>,
    unknown: Unknown,
}

#[derive(Clone, Debug, PartialEq)]
struct FeedParameter {
    identifier: String,
    /// Mean, least, largest, first.
    aggregates: [bool; 4],
    others: Vec<String>,
    unknown: Unknown,
}

fn format_model(model: &mut Model, node: &Node<'_>) -> Option<Format> {
    let members = object(node)?;
    let feeds = model.member(members, "feeds", |model, node| map(model, object(node)?, feed_model))?;
    Some(Format { feeds: feeds?, unknown: unknown(members, &["feeds"])? })
}

/// Of names that are there twice the last counts, in the place of the first.
pub(super) fn map<T>(
    model: &mut Model,
    members: &Members<'_>,
    mut read: impl FnMut(&mut Model, &Node<'_>) -> Option<T>,
) -> Option<Vec<(String, T)>> {
    let mut all: Vec<(String, T)> = Vec::new();
    for (name, node) in members {
        let value = read(model, node)?;
        match all.iter_mut().find(|(other, _)| other == name) {
            Some((_, slot)) => {
                model.notes |= Notes::DUPLICATE_MEMBER;
                *slot = value;
            }
            None => all.push((name.clone(), value)),
        }
    }
    Some(all)
}

fn feed_model(model: &mut Model, node: &Node<'_>) -> Option<Feed> {
    let members = object(node)?;
    let parameters = model.member(members, "parameters", |model, node| {
        let items = model.few(array(node)?)?;
        let found = items.iter().map(|item| parameter_model(model, item)).collect::<Option<Vec<_>>>()?;
        let is_twice = |(place, one): (usize, &FeedParameter)| {
            found[..place].iter().any(|other| other.identifier == one.identifier)
        };
        if found.iter().enumerate().any(is_twice) {
            model.notes |= Notes::DUPLICATE_MEMBER;
        }
        Some(found)
    })?;
    let frequency = model.member(members, "frequency", |_, node| double(node).map(f64::to_bits))?;
    Some(Feed { parameters: parameters?, frequency, unknown: unknown(members, &["parameters", "frequency"])? })
}

fn parameter_model(model: &mut Model, node: &Node<'_>) -> Option<FeedParameter> {
    let members = object(node)?;
    let identifier = model.member(members, "identifier", |_, node| text(node))?;
    let names = model.member(members, "aggregates", |_, node| text(node))?;
    let names = names.unwrap_or("avg".to_owned());
    let names: Vec<_> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let known = ["avg", "min", "max", "first"];
    let aggregates = known.map(|known| names.iter().any(|name| name.to_ascii_lowercase() == known));
    let others = names.iter().filter(|name| !known.contains(&&*name.to_ascii_lowercase()));
    let others: Vec<_> = others.map(|name| (*name).to_owned()).collect();
    if !others.is_empty() {
        model.notes |= Notes::UNKNOWN_NAME;
    }
    let unknown = unknown(members, &["identifier", "aggregates"])?;
    Some(FeedParameter { identifier: identifier?, aggregates, others, unknown })
}

fn format_of(found: &DataFormat<'_>) -> Format {
    let each = [Aggregates::AVG, Aggregates::MIN, Aggregates::MAX, Aggregates::FIRST];
    let feeds = found.feeds.iter().map(|(name, feed)| {
        assert_eq!(found.feed(name), Some(feed));
        let parameters = feed.parameters.iter().map(|parameter| {
            let last = feed.parameters.iter().rposition(|other| other.identifier == parameter.identifier);
            assert_eq!(feed.position(&parameter.identifier).map(|place| place as usize), last);
            FeedParameter {
                identifier: parameter.identifier.clone().into_owned(),
                aggregates: each.map(|each| parameter.aggregates.contains(each)),
                others: parameter.unknown_aggregates().map(str::to_owned).collect(),
                unknown: kept(parameter.unknown()),
            }
        });
        let parameters = parameters.collect();
        let frequency = feed.frequency.map(f64::to_bits);
        (name.clone().into_owned(), Feed { parameters, frequency, unknown: kept(feed.unknown()) })
    });
    Format { feeds: feeds.collect(), unknown: kept(found.unknown()) }
}

fn data_format(document: &[u8], limits: &Limits, tight: &Limits) {
    let due = Model::read(document, limits, format_model);
    let found = DataFormat::decode_with(document, limits);
    let Some((found, due)) = same(document, found, due, format_of) else { return };
    assert_eq!(found.clone().into_owned(), found);
    let mut out = Vec::new();
    found.encode(&mut out).expect("as it was read");
    let text = std::str::from_utf8(&out).expect("JSON is a text");
    serde_json::from_str::<IgnoredAny>(text).expect("JSON");
    assert_eq!(found.dependency_id().expect("as it was written"), dependency_id(text));
    let (again, notes) = Model::read(&out, &Limits::DEFAULT, format_model).expect("as it was read");
    assert_eq!(again, due, "{text}");
    let (read, read_notes) = DataFormat::decode_with(&out, &Limits::DEFAULT).expect("as it was read");
    assert_eq!((format_of(&read), read_notes), (due, notes));
    let mut once_more = Vec::new();
    read.encode(&mut once_more).expect("as it was written");
    assert_eq!(once_more, out);

    let mut few = b"x".to_vec();
    match found.encode_with(&mut few, tight) {
        Ok(()) => {
            assert_eq!(few[1..], out);
            DataFormat::decode_with(&out, tight).expect("it was written under the same limits");
        }
        Err(error) => {
            assert_eq!((error.kind(), few.as_slice()), (EncodeErrorKind::LimitExceeded, &b"x"[..]));
            DataFormat::decode_with(&out, tight).expect_err("it could not be written under the same limits");
        }
    }
    bind(&found);
}

/// A document is read as the model says, or refused by both.
pub(super) fn same<T: Debug, M: Debug + PartialEq>(
    document: &[u8],
    found: Result<(T, Notes), atlas_stream::DecodeError>,
    due: Option<(M, Notes)>,
    of: impl Fn(&T) -> M,
) -> Option<(T, M)> {
    match (found, due) {
        (Err(error), None) => {
            check_error(&error, document);
            assert!(!error.is_of_key());
            None
        }
        (Ok((found, notes)), Some((due, due_notes))) => {
            assert_eq!((of(&found), notes), (due, due_notes), "{}", document.escape_ascii());
            let due = of(&found);
            Some((found, due))
        }
        (found, due) => panic!("{found:?} {due:?} {}", document.escape_ascii()),
    }
}

/// Whatever the format is, small messages of its feeds are bound or refused; columns are as long as their times.
fn bind(format: &DataFormat<'_>) {
    let names = ["", "a", "b:c", "vCar:Chassis"];
    let data = br#"{"time":[1,2],"data":[{"status":[1,0],"avg":[0.5,"NaN"]},{"status":[3,4],"min":[1,2],"max":[3,4]}],"feed":"?","format":"g"}"#;
    let samples = br#"{"feed":"?","format":"g","data":{"a":{"values":[1.5],"epoch":1,"time":[2]},"vCar:Chassis":{"values":[],"epoch":1,"time":[]}}}"#;
    let protobuf = b"\x12\x01a\x1a\x11\x08\x01\x12\x0d\x12\x01\x07\x1a\x08\0\0\0\0\0\0\xf0\x3f";
    for feed in names {
        let mut view = View::new(feed);
        for name in names {
            view = view.with(name, Aggregates::AVG | Aggregates::MAX);
        }
        let of_feed = |text: &[u8]| String::from_utf8_lossy(text).replace('?', feed).into_bytes();
        let mut columns = atlas_stream::Columns::new();
        columns.decode_data_with(&of_feed(data), &Limits::DEFAULT).expect("it is right");
        bound(&mut view, &TelemetryRef::from(&columns), format);
        columns.decode_samples_with(&of_feed(samples), &Limits::DEFAULT).expect("it is right");
        bound(&mut view, &TelemetryRef::from(&columns), format);
        let message = TelemetryRef::decode_protobuf_with(TelemetryKind::Samples, protobuf, &Limits::DEFAULT);
        bound(&mut view, &message.expect("it is right").0, format);
    }
}

fn bound(view: &mut View, message: &TelemetryRef<'_>, format: &DataFormat<'_>) {
    let (len, feed) = (view.len(), view.feed().to_owned());
    let due = format.feeds.iter().find(|(name, _)| *name == feed).map(|(_, feed)| feed);
    let count = due.map_or(0, |feed| feed.parameters.len());
    let is_within = |key| !matches!(key, atlas_stream::ParamKey::Index(index) if index as usize >= count);
    let may_be = message.feed() == feed && due.is_some() && message.parameters().all(|each| is_within(each.key()));
    let found = view.bind(message, format);
    assert_eq!(found.is_ok(), may_be, "{:?}", found.map(|_| ()));
    let Ok(found) = found else { return };
    let _ = format!("{found:?} {:?}", found.notes());
    assert_eq!(found.columns().count(), len);
    assert!(found.column(len).is_none());
    for column in found.columns() {
        assert_eq!(column.values().len(), column.times().len());
        assert!(column.statuses().is_none_or(|statuses| statuses.len() == column.times().len()));
        assert_eq!(column.statuses().is_none(), message.kind().is_samples());
        assert!(!column.is_missing() || column.values().iter().all(f64::is_nan));
    }
}

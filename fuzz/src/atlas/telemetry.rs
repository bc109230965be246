//! Telemetry as neither JSON nor protobuf has it, and what of it is in JSON.

use atlas_stream::{Aggregates, Column, Element, Notes, ParamKey, TelemetryKind, TelemetryRef};

use super::model::{Model, Unknown, array, integer, integers, kept, object, text, unknown};
use super::tree::{Is, Node};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Telemetry {
    pub(super) kind: TelemetryKind,
    pub(super) format: Option<String>,
    pub(super) feed: String,
    pub(super) epoch: i64,
    pub(super) times: Vec<i64>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) unknown: Unknown,
}

/// Doubles are by their bits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameter {
    pub(super) key: Key,
    pub(super) epoch: i64,
    pub(super) times: Vec<i64>,
    pub(super) statuses: Option<Vec<u32>>,
    pub(super) values: Option<Vec<u64>>,
    /// Mean, least, largest, first.
    pub(super) aggregates: [Option<Vec<u64>>; 4],
    pub(super) unknown: Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Index(u32),
    Name(String),
}

impl Parameter {
    pub(super) const fn new(key: Key, epoch: i64, times: Vec<i64>) -> Self {
        let none = [const { None }; 4];
        Self { key, epoch, times, statuses: None, values: None, aggregates: none, unknown: Vec::new() }
    }

    /// Whether all of it is as long as the times, and no time beyond 64 bits.
    pub(super) fn is_right(&self) -> bool {
        let mut lens = self.aggregates.iter().chain([&self.values]).flatten().map(Vec::len);
        lens.all(|len| len == self.times.len())
            && self.statuses.as_ref().is_none_or(|statuses| statuses.len() == self.times.len())
            && are_in_range(self.epoch, &self.times)
    }
}

pub(super) fn are_in_range(epoch: i64, times: &[i64]) -> bool {
    times.iter().all(|time| i64::try_from(i128::from(epoch) + i128::from(*time)).is_ok())
}

/// The names of aggregates, in the order they are kept in here.
const NAMES: [&str; 4] = ["avg", "min", "max", "first"];

/// A `tdata`.
pub(super) fn data(model: &mut Model, node: &Node<'_>) -> Option<Telemetry> {
    let members = object(node)?;
    let epoch = model.member(members, "epoch", |_, node| integer(node))?.unwrap_or_default();
    let times = model.member(members, "time", |_, node| integers(node))?;
    let parameters = model.member(members, "data", |model, node| {
        let items = model.few(array(node)?)?;
        (0..).zip(items).map(|(index, item)| data_of(model, index, item)).collect::<Option<Vec<_>>>()
    })?;
    let feed = model.member(members, "feed", |_, node| text(node))?;
    let format = model.member(members, "format", |_, node| text(node))?;
    let unknown = unknown(members, &["epoch", "time", "data", "feed", "format"])?;
    let (times, mut parameters) = (times?, parameters?);
    for parameter in &mut parameters {
        (parameter.epoch, parameter.times) = (epoch, times.clone());
    }
    let is_right = are_in_range(epoch, &times) && parameters.iter().all(Parameter::is_right);
    let feed = feed.unwrap_or_default();
    is_right.then_some(Telemetry { kind: TelemetryKind::Data, format, feed, epoch, times, parameters, unknown })
}

fn data_of(model: &mut Model, index: u32, node: &Node<'_>) -> Option<Parameter> {
    let members = object(node)?;
    let mut found = Parameter::new(Key::Index(index), 0, Vec::new());
    found.statuses = Some(model.member(members, "status", Model::flags)??);
    for (name, slot) in NAMES.into_iter().zip(&mut found.aggregates) {
        *slot = model.member(members, name, Model::doubles)?;
    }
    found.unknown = unknown(members, &["status", "avg", "min", "max", "first"])?;
    Some(found)
}

enum Form {
    Current(Vec<Parameter>),
    Legacy(Vec<Parameter>),
}

/// A `tsamples`, in its form or in that of before.
pub(super) fn samples(model: &mut Model, node: &Node<'_>) -> Option<Telemetry> {
    let members = object(node)?;
    let feed = model.member(members, "feed", |_, node| text(node))?;
    let format = model.member(members, "format", |_, node| text(node))?;
    let form = model.member(members, "data", |model, node| {
        if let Is::Array(rows) = &node.is {
            let rows = model.few(rows)?;
            let row = |(index, row)| {
                let mut found = Parameter::new(Key::Index(index), 0, Vec::new());
                found.values = Some(model.doubles(row)?);
                Some(found)
            };
            return (0..).zip(rows).map(row).collect::<Option<_>>().map(Form::Legacy);
        }
        let entries = model.few(object(node)?)?;
        let entries = entries.iter().map(|(name, entry)| samples_of(model, name, entry));
        entries.collect::<Option<_>>().map(Form::Current)
    })?;
    let mut unknown = unknown(members, &["feed", "format", "data", "epoch", "time"])?;
    // Two members that are known to the old form only, and not looked at in the other.
    let last = |name| members.iter().rfind(move |(other, _)| other == name);
    let is_twice = |name| members.iter().filter(|(other, _)| other == name).count() > 1;
    if is_twice("epoch") || is_twice("time") {
        model.notes |= Notes::DUPLICATE_MEMBER;
    }
    if members.iter().any(|(name, node)| matches!(&**name, "epoch" | "time") && node.has_bare()) {
        return None;
    }
    let (mut epoch, mut times) = (0, Vec::new());
    let parameters = match form? {
        Form::Legacy(mut rows) => {
            model.notes |= Notes::LEGACY_SAMPLES;
            let last = |name| last(name).map(std::slice::from_ref).unwrap_or_default();
            epoch = model.member(last("epoch"), "epoch", |_, node| integer(node))?.unwrap_or_default();
            times = model.member(last("time"), "time", |_, node| integers(node))??;
            for row in &mut rows {
                (row.epoch, row.times) = (epoch, times.clone());
            }
            rows
        }
        Form::Current(entries) => {
            unknown.extend(["epoch", "time"].into_iter().filter_map(|name| {
                let (name, node) = last(name)?;
                Some((name.clone(), node.raw.to_owned()))
            }));
            feed.as_ref()?;
            let mut kept: Vec<Parameter> = Vec::new();
            for entry in entries {
                if kept.iter().any(|other| other.key == entry.key) {
                    model.notes |= Notes::DUPLICATE_MEMBER;
                    kept.retain(|other| other.key != entry.key);
                }
                kept.push(entry);
            }
            kept
        }
    };
    let is_right = are_in_range(epoch, &times) && parameters.iter().all(Parameter::is_right);
    let (kind, feed) = (TelemetryKind::Samples, feed.unwrap_or_default());
    Some(Telemetry { kind, format: Some(format?), feed, epoch, times, parameters, unknown }).filter(|_| is_right)
}

fn samples_of(model: &mut Model, name: &str, node: &Node<'_>) -> Option<Parameter> {
    let members = object(node)?;
    let values = model.member(members, "values", Model::doubles)?;
    let epoch = model.member(members, "epoch", |_, node| integer(node))?;
    let times = model.member(members, "time", |_, node| integers(node))?;
    let mut found = Parameter::new(Key::Name(name.to_owned()), epoch?, times?);
    found.values = Some(values?);
    found.unknown = unknown(members, &["values", "epoch", "time"])?;
    Some(found)
}

/// What was read.
pub(super) fn snapshot(found: &TelemetryRef<'_>) -> Telemetry {
    let parameters: Vec<_> = found.parameters().map(|parameter| parameter_of(found, &parameter)).collect();
    assert_eq!((found.len(), found.is_empty()), (parameters.len(), parameters.is_empty()));
    let _ = format!("{found:?}");
    Telemetry {
        kind: found.kind(),
        format: found.format().map(str::to_owned),
        feed: found.feed().to_owned(),
        epoch: found.epoch(),
        times: column(found.times()),
        parameters,
        unknown: kept(found.unknown()),
    }
}

fn parameter_of(found: &TelemetryRef<'_>, parameter: &atlas_stream::Parameter<'_>) -> Parameter {
    let doubles = |values: Option<Column<'_>>| values.map(bits);
    let aggregates = [parameter.avg(), parameter.min(), parameter.max(), parameter.first()];
    let each = [Aggregates::AVG, Aggregates::MIN, Aggregates::MAX, Aggregates::FIRST];
    let all = each.iter().zip(aggregates).filter(|(_, column)| column.is_some());
    assert_eq!(parameter.aggregates(), all.fold(Aggregates::NONE, |all, (each, _)| all | *each));
    assert!(
        parameter.aggregate(Aggregates::NONE).is_none()
            && parameter.aggregate(Aggregates::AVG | Aggregates::MIN).is_none()
    );
    // It is found by its key.
    let same = found.parameter(parameter.key()).expect("it is there");
    assert_eq!(
        (same.key(), same.epoch(), same.times().len()),
        (parameter.key(), parameter.epoch(), parameter.times().len())
    );
    let absolute = parameter.times().iter().map(|time| parameter.epoch().checked_add(time).expect("it was checked"));
    assert!(parameter.absolute_times().eq(absolute));
    Parameter {
        key: match parameter.key() {
            ParamKey::Index(index) => Key::Index(index),
            ParamKey::Name(name) => Key::Name(name.to_owned()),
        },
        epoch: parameter.epoch(),
        times: column(parameter.times()),
        statuses: parameter.statuses().map(column),
        values: doubles(parameter.values()),
        aggregates: aggregates.map(doubles),
        unknown: kept(parameter.unknown()),
    }
}

pub(super) fn bits(values: Column<'_>) -> Vec<u64> {
    let all = all_ways(values, |one, two| one.to_bits() == two.to_bits());
    all.into_iter().map(f64::to_bits).collect()
}

fn column<T: Element + Copy + Default + PartialEq>(values: Column<'_, T>) -> Vec<T> {
    all_ways(values, PartialEq::eq)
}

/// Whichever way it is asked, a column has the same values.
fn all_ways<T: Element + Copy + Default>(values: Column<'_, T>, is_same: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let all = values.to_vec();
    let check = |other: &[T]| {
        assert_eq!((other.len(), values.len(), values.is_empty()), (all.len(), all.len(), all.is_empty()));
        assert!(all.iter().zip(other).all(|(one, two)| is_same(one, two)));
    };
    check(&values.iter().collect::<Vec<_>>());
    assert_eq!(values.iter().len(), all.len());
    let mut chunks = Vec::new();
    values.for_each_chunk(|chunk| {
        assert!(!chunk.is_empty());
        chunks.extend_from_slice(chunk);
    });
    check(&chunks);
    let mut copy = vec![T::default(); all.len()];
    values.copy_to(&mut copy).expect("as many places as values");
    check(&copy);
    assert!(values.copy_to(&mut vec![T::default(); all.len() + 1]).is_err());
    check(&(0..all.len()).map(|index| values.get(index).expect("there are as many")).collect::<Vec<_>>());
    assert!(values.get(all.len()).is_none() && values.get(usize::MAX).is_none());
    let mut behind = vec![T::default()];
    values.append_to(&mut behind);
    check(&behind[1..]);
    if let Some(slice) = values.as_slice() {
        check(slice);
    }
    all
}

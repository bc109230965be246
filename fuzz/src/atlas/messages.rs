//! Events, laps and points of synchronization.

use atlas_stream::{Notes, absolute};

use super::model::{Model, Unknown, integer, kept, object, text, unknown};
use super::tree::Node;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) epoch: i64,
    pub(super) time: i64,
    pub(super) id: String,
    pub(super) status: Option<String>,
    /// By their bits.
    pub(super) values: Vec<u64>,
    pub(super) unknown: Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lap {
    number: i64,
    epoch: i64,
    time: i64,
    lap_type: String,
    source: i64,
    unknown: Unknown,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sync {
    epoch: Option<i64>,
    time: Option<i64>,
    unknown: Unknown,
}

fn is_in_range(epoch: i64, time: i64) -> bool {
    super::telemetry::are_in_range(epoch, &[time])
}

pub(super) fn event(model: &mut Model, node: &Node<'_>) -> Option<Event> {
    let members = object(node)?;
    let epoch = model.member(members, "epoch", |_, node| integer(node))?;
    let time = model.member(members, "time", |_, node| integer(node))?;
    let id = model.member(members, "id", |_, node| text(node))?;
    let status = model.member(members, "status", |_, node| text(node))?;
    let values = model.member(members, "values", Model::doubles)?;
    let unknown = unknown(members, &["epoch", "time", "id", "status", "values"])?;
    let event = Event { epoch: epoch?, time: time?, id: id?, status, values: values?, unknown };
    is_in_range(event.epoch, event.time).then_some(event)
}

pub(super) fn event_of(found: &atlas_stream::Event<'_>) -> Event {
    Event {
        epoch: found.epoch,
        time: found.time,
        id: found.id.clone().into_owned(),
        status: found.status.clone().map(std::borrow::Cow::into_owned),
        values: super::telemetry::bits(found.values.column()),
        unknown: kept(found.unknown()),
    }
}

const LAPS: [&str; 4] = ["fastLap", "pitLane", "outLap", "inLap"];

pub(super) fn lap(model: &mut Model, node: &Node<'_>) -> Option<Lap> {
    let members = object(node)?;
    let number = model.member(members, "number", |_, node| integer(node))?;
    let epoch = model.member(members, "epoch", |_, node| integer(node))?.unwrap_or_default();
    let time = model.member(members, "time", |_, node| integer(node))?;
    let name = model.member(members, "type", |_, node| text(node))?;
    let source = model.member(members, "triggerSource", |_, node| integer(node))?;
    let unknown = unknown(members, &["number", "epoch", "time", "type", "triggerSource"])?;
    let (number, time, name, source) = (number?, time?, name?, source?);
    let known = LAPS.into_iter().find(|known| known.eq_ignore_ascii_case(&name));
    model.notes |= match known {
        None => Notes::UNKNOWN_NAME,
        Some(known) if known != name => Notes::LETTER_CASE,
        Some(_) => Notes::NONE,
    };
    let lap_type = known.map_or(name, str::to_owned);
    is_in_range(epoch, time).then_some(Lap { number, epoch, time, lap_type, source, unknown })
}

pub(super) fn lap_of(found: &atlas_stream::Lap<'_>) -> Lap {
    Lap {
        number: found.number,
        epoch: found.epoch,
        time: found.time,
        lap_type: found.lap_type.name().to_owned(),
        source: found.trigger_source.0,
        unknown: kept(found.unknown()),
    }
}

/// Nothing of it is an error: times that are no whole numbers are as if they were not known.
pub(super) fn sync(model: &mut Model, node: &Node<'_>) -> Option<Sync> {
    let members = object(node)?;
    let number = |model: &mut Model, node: &Node<'_>| {
        let found = integer(node);
        if found.is_none() {
            model.notes |= Notes::IGNORED_VALUE;
        }
        Some(found)
    };
    let epoch = model.member(members, "epoch", number)?.flatten();
    let time = model.member(members, "time", number)?.flatten();
    let others = members.iter().filter(|(name, _)| !matches!(&**name, "epoch" | "time"));
    let others = others.map(|(name, node)| (!node.has_bare()).then(|| (name.clone(), node.raw.to_owned())));
    Some(Sync { epoch, time, unknown: others.collect::<Option<_>>()? })
}

pub(super) fn sync_of(found: &atlas_stream::Sync<'_>) -> Sync {
    assert_eq!(found.absolute(), found.time.and_then(|time| absolute(found.epoch.unwrap_or_default(), time)));
    Sync { epoch: found.epoch, time: found.time, unknown: kept(found.unknown()) }
}

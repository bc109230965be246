//! Telemetry in a few lines: one for each parameter.

use atlas_stream::{Aggregates, Column, DataStatus, Feed, ParamKey, Parameter, Statuses, TelemetryKind, TelemetryRef};

use super::records::{Row, short, text, utc};
use crate::dissect::{First, Value};

/// Parameters that are shown, values of each, and statuses.
const PARAMETERS: usize = 32;
const VALUES: usize = 8;

/// What all parameters share, and half a line of it.
pub(super) fn head(message: &TelemetryRef<'_>) -> (Row, String) {
    let mut row: Row = Vec::new();
    row.extend(message.format().map(|format| ("format", text(format))));
    row.push(("feed", text(message.feed())));
    let is_shared = !has_own_times(message);
    let mut span = Span::default();
    let mut count = 0_u64;
    if is_shared {
        row.push(("epoch", text(&utc(message.epoch()))));
        row.push(("times", Value::Int(message.times().len() as i128)));
        message.times().iter().for_each(|time| span.take(message.epoch().saturating_add(time)));
    } else {
        for parameter in message.parameters() {
            count = count.saturating_add(parameter.times().len() as u64);
            parameter.absolute_times().for_each(|time| span.take(time));
        }
        row.push(("values", Value::Int(count.into())));
    }
    span.put(&mut row);
    row.push(("parameters", Value::Int(message.len() as i128)));

    let mut summary = counted(message.len() as u64, "parameter");
    match is_shared {
        true => summary.push_str(&format!(", {}", counted(message.times().len() as u64, "time"))),
        false => summary.push_str(&format!(", {}", counted(count, "value"))),
    }
    if let Some((first, last)) = span.0 {
        let to = if first == last { String::new() } else { format!(" to {}", utc(last)) };
        summary.push_str(&format!(" from {}{to}", utc(first)));
    }
    if !message.feed().is_empty() {
        summary.push_str(&format!(", feed {}", short(message.feed())));
    }
    (row, summary)
}

/// Whether each parameter has an epoch and times of its own.
fn has_own_times(message: &TelemetryRef<'_>) -> bool {
    message.kind() != TelemetryKind::Data && message.times().is_empty()
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The first parameters, by their names where those are known.
pub(super) fn parameters(message: &TelemetryRef<'_>, feed: Option<&Feed<'_>>) -> Vec<Value<'static>> {
    let has_own_times = has_own_times(message);
    let shown = message.parameters().take(PARAMETERS);
    shown.map(|parameter| Value::Row(row(parameter, feed, has_own_times))).collect()
}

fn row(parameter: Parameter<'_>, feed: Option<&Feed<'_>>, has_own_times: bool) -> Row {
    let mut row: Row = Vec::new();
    match parameter.key() {
        ParamKey::Name(name) => row.push(("name", text(name))),
        ParamKey::Index(index) => {
            let named = feed.and_then(|feed| feed.parameters.get(usize::try_from(index).ok()?));
            row.push(("index", Value::Int(index.into())));
            row.extend(named.map(|named| ("name", text(&named.identifier))));
        }
    }
    if has_own_times {
        row.push(("epoch", text(&utc(parameter.epoch()))));
        row.push(("times", Value::Int(parameter.times().len() as i128)));
        let mut span = Span::default();
        parameter.absolute_times().for_each(|time| span.take(time));
        span.put(&mut row);
    }
    row.extend(parameter.values().map(|values| ("values", series(values))));
    for (name, aggregate) in
        [("avg", Aggregates::AVG), ("min", Aggregates::MIN), ("max", Aggregates::MAX), ("first", Aggregates::FIRST)]
    {
        row.extend(parameter.aggregate(aggregate).map(|values| (name, series(values))));
    }
    row.extend(parameter.statuses().map(|statuses| ("status", self::statuses(statuses))));
    row
}

/// Numbers in a line.
pub(super) fn series(column: Column<'_>) -> Value<'static> {
    let mut range: Option<[f64; 2]> = None;
    column.for_each_chunk(|chunk| {
        for value in chunk.iter().filter(|value| !value.is_nan()) {
            let [least, most] = range.unwrap_or([*value; 2]);
            range = Some([least.min(*value), most.max(*value)]);
        }
    });
    let values: Vec<_> = column.iter().take(VALUES).map(Value::Double).collect();
    Value::Series(range, First { has_more: values.len() < column.len(), values })
}

/// Each that is there, in the order in which they come.
fn statuses(statuses: Statuses<'_>) -> Value<'static> {
    let mut met: Vec<u32> = Vec::new();
    let mut has_more = false;
    statuses.for_each_chunk(|chunk| {
        for status in chunk {
            if !met.contains(status) {
                has_more |= met.len() == VALUES;
                if met.len() < VALUES {
                    met.push(*status);
                }
            }
        }
    });
    let values = met.into_iter().map(|status| text(&DataStatus(status).to_string())).collect();
    Value::List(First { values, has_more })
}

/// The first and the last of some times: they may come in any order.
#[derive(Default)]
struct Span(Option<(i64, i64)>);

impl Span {
    fn take(&mut self, time: i64) {
        let (first, last) = self.0.unwrap_or((time, time));
        self.0 = Some((first.min(time), last.max(time)));
    }

    fn put(&self, row: &mut Row) {
        if let Some((first, last)) = self.0 {
            row.extend([("from", text(&utc(first))), ("to", text(&utc(last)))]);
        }
    }
}

//! Protobuf by hand, and the golden vectors.
#![allow(
    dead_code,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "each file of tests takes of it what it needs"
)]

use atlas_stream::TelemetryKind;
use serde_json::Value as Json;

pub(crate) const KINDS: [TelemetryKind; 4] =
    [TelemetryKind::Data, TelemetryKind::DataBackFill, TelemetryKind::Samples, TelemetryKind::SamplesBackFill];

pub(crate) fn varint(value: u64) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), value);
    while rest > 0x7f {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

pub(crate) fn tag(field: u32, kind: u32) -> Vec<u8> {
    varint(u64::from(field << 3 | kind))
}

pub(crate) fn number(field: u32, value: u64) -> Vec<u8> {
    [tag(field, 0), varint(value)].concat()
}

pub(crate) fn double(field: u32, value: f64) -> Vec<u8> {
    [&tag(field, 1)[..], &value.to_le_bytes()].concat()
}

pub(crate) fn part(field: u32, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [&tag(field, 2)[..], &varint(bytes.len() as u64), bytes].concat()
}

pub(crate) fn doubles(field: u32, values: &[f64]) -> Vec<u8> {
    part(field, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

pub(crate) fn numbers(field: u32, values: &[i64]) -> Vec<u8> {
    part(field, values.iter().flat_map(|value| varint(*value as u64)).collect::<Vec<_>>())
}

/// Groups in one another.
pub(crate) fn groups(depth: usize) -> Vec<u8> {
    [tag(20, 3).repeat(depth), tag(20, 4).repeat(depth)].concat()
}

/// The field of the map of parameters.
pub(crate) const fn map(kind: TelemetryKind) -> u32 {
    if matches!(kind, TelemetryKind::Data) { 5 } else { 3 }
}

/// An entry of the map: a key, and what is of the value behind it.
pub(crate) fn entry(kind: TelemetryKind, key: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    part(map(kind), [number(1, key), part(2, value)].concat())
}

/// What a parameter has with one time, or with none.
pub(crate) fn one_value(kind: TelemetryKind, value: f64) -> Vec<u8> {
    match kind {
        TelemetryKind::Data => [numbers(1, &[1]), doubles(4, &[value])].concat(),
        TelemetryKind::DataBackFill => {
            [number(1, 5), numbers(2, &[7]), part(3, one_value(TelemetryKind::Data, value))].concat()
        }
        _ => [number(1, 5), numbers(2, &[7]), doubles(3, &[value])].concat(),
    }
}

/// A message with a time, and these keys.
pub(crate) fn message(kind: TelemetryKind, keys: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut bytes = part(1, "f");
    if kind == TelemetryKind::Data {
        bytes.extend([number(3, 5), numbers(4, &[7])].concat());
    }
    keys.into_iter().for_each(|key| bytes.extend(entry(kind, key, one_value(kind, key as f64))));
    bytes
}

/// What bytes are to be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Session,
    Data,
    Samples,
    Event,
    Lap,
    Sync,
    Format,
    Configuration,
    /// By its place among [`KINDS`].
    Telemetry(usize),
    ProtobufEvent,
}

pub(crate) const FORMS: [Form; 13] = [
    Form::Session,
    Form::Data,
    Form::Samples,
    Form::Event,
    Form::Lap,
    Form::Sync,
    Form::Format,
    Form::Configuration,
    Form::Telemetry(0),
    Form::Telemetry(1),
    Form::Telemetry(2),
    Form::Telemetry(3),
    Form::ProtobufEvent,
];

impl Form {
    pub(crate) const fn is_protobuf(self) -> bool {
        matches!(self, Self::Telemetry(_) | Self::ProtobufEvent)
    }
}

fn form(vector: &Json) -> Option<Form> {
    let key = vector["key"].as_str()?;
    if vector["kind"] == "dependency" {
        return Some(if key.contains("Configuration") { Form::Configuration } else { Form::Format });
    }
    Some(match key.split_once(':')?.0 {
        "session" => Form::Session,
        "tdata" => Form::Data,
        "tsamples" => Form::Samples,
        "events" => Form::Event,
        "lap" => Form::Lap,
        "sync" => Form::Sync,
        "{ParameterDataMessage}" => Form::Telemetry(0),
        "{ParameterDataBackFillMessage}" => Form::Telemetry(1),
        "{ParameterSamplesMessage}" => Form::Telemetry(2),
        "{ParameterSamplesBackFillMessage}" => Form::Telemetry(3),
        "{EventMessage}" => Form::ProtobufEvent,
        _ => return None,
    })
}

pub(crate) fn lines() -> impl Iterator<Item = Json> {
    include_str!("../vectors/atlas.jsonl").lines().map(|line| serde_json::from_str(line).unwrap())
}

pub(crate) fn vector(id: &str) -> Json {
    lines().find(|line| line["id"] == id).unwrap()
}

/// The bytes of a value.
pub(crate) fn value(vector: &Json) -> Vec<u8> {
    let text = vector["value"].as_str().unwrap_or_default();
    if vector["encoding"] == "base64" { testkit::vectors::base64(text) } else { text.as_bytes().to_vec() }
}

/// Each value of the vectors once, with what it is.
pub(crate) fn vectors() -> Vec<(Form, Vec<u8>)> {
    let mut all: Vec<_> = lines().filter_map(|line| Some((form(&line)?, value(&line)))).collect();
    all.sort();
    all.dedup();
    all
}

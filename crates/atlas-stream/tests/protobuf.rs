//! Protobuf as prost has it, both ways; and arrays, keys and messages in pieces, which mean the same as whole ones.

#![cfg(feature = "prost")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[path = "hostile/proto.rs"]
mod proto;

use std::collections::BTreeMap;

use atlas_stream::proto::{
    EventMessage, ParameterDataBackFillMessage, ParameterDataMessage, ParameterDataValues,
    ParameterDataValuesWithTimestamps, ParameterSampleValuesWithTimestamps, ParameterSamplesBackFillMessage,
    ParameterSamplesMessage,
};
use atlas_stream::{Columns, Event, Limits, ParamKey, TelemetryKind, TelemetryRef};
use proptest::prelude::*;
use prost::Message;
use proto::*;
use testkit::Rng;

const DEFAULT: &Limits = &Limits::DEFAULT;

/// What telemetry is, with doubles by their bits.
#[derive(Debug, PartialEq)]
struct All {
    format: String,
    feed: String,
    parameters: BTreeMap<u32, One>,
}

#[derive(Debug, PartialEq)]
struct One {
    epoch: i64,
    times: Vec<i64>,
    statuses: Vec<u32>,
    values: [Vec<u64>; 5],
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn all(telemetry: &TelemetryRef<'_>) -> All {
    let one = |parameter: atlas_stream::Parameter<'_>| {
        let ParamKey::Index(index) = parameter.key() else { panic!() };
        let columns = [parameter.avg(), parameter.min(), parameter.max(), parameter.first(), parameter.values()];
        let one = One {
            epoch: parameter.epoch(),
            times: parameter.times().to_vec(),
            statuses: parameter.statuses().map(|statuses| statuses.to_vec()).unwrap_or_default(),
            values: columns.map(|column| column.map(|column| bits(&column.to_vec())).unwrap_or_default()),
        };
        (index, one)
    };
    let parameters: BTreeMap<_, _> = telemetry.parameters().map(one).collect();
    assert_eq!(parameters.len(), telemetry.len(), "each once");
    All { format: telemetry.format().unwrap_or_default().into(), feed: telemetry.feed().into(), parameters }
}

fn data_of(epoch: i64, times: &[i64], values: &ParameterDataValues) -> One {
    let lists = [&values.avg_values, &values.min_values, &values.max_values, &values.first_values, &Vec::new()];
    One { epoch, times: times.to_vec(), statuses: values.statuses.clone(), values: lists.map(|list| bits(list)) }
}

fn samples_of(values: &ParameterSampleValuesWithTimestamps) -> One {
    let none = Vec::new;
    One {
        epoch: values.epoch_nanos,
        times: values.timestamps_nanos.clone(),
        statuses: Vec::new(),
        values: [none(), none(), none(), none(), bits(&values.values)],
    }
}

/// The same as prost reads it.
fn by_prost(kind: TelemetryKind, bytes: &[u8]) -> Result<All, prost::DecodeError> {
    Ok(match kind {
        TelemetryKind::Data => {
            let message = ParameterDataMessage::decode(bytes)?;
            let one = |(key, values): (&i32, &ParameterDataValues)| {
                (*key as u32, data_of(message.epoch_nanos, &message.timestamps_nanos, values))
            };
            let parameters = message.parameters.iter().map(one).collect();
            All { format: message.data_format_id.clone(), feed: message.feed.clone(), parameters }
        }
        TelemetryKind::DataBackFill => {
            let message = ParameterDataBackFillMessage::decode(bytes)?;
            let one = |(key, value): (i32, ParameterDataValuesWithTimestamps)| {
                let values = value.values.unwrap_or_default();
                (key as u32, data_of(value.epoch_nanos, &value.timestamps_nanos, &values))
            };
            let parameters = message.parameters.into_iter().map(one).collect();
            All { format: message.data_format_id, feed: message.feed, parameters }
        }
        TelemetryKind::Samples => {
            let message = ParameterSamplesMessage::decode(bytes)?;
            let parameters = message.parameters.iter().map(|(key, value)| (*key as u32, samples_of(value))).collect();
            All { format: message.data_format_id, feed: message.feed, parameters }
        }
        TelemetryKind::SamplesBackFill => {
            let message = ParameterSamplesBackFillMessage::decode(bytes)?;
            let parameters = message.parameters.iter().map(|(key, value)| (*key as u32, samples_of(value))).collect();
            All { format: message.data_format_id, feed: message.feed, parameters }
        }
    })
}

/// Whether it keeps the rules that are not protobuf's: keys of 31 bits, lengths, and sums of times.
fn keeps_the_rules(kind: TelemetryKind, all: &All, epoch: i64, times: &[i64]) -> bool {
    let in_range = |epoch: i64, times: &[i64]| times.iter().all(|time| epoch.checked_add(*time).is_some());
    let one = |(key, one): (&u32, &One)| {
        let len = one.times.len();
        let lists = one.values[..4].iter().all(|list| list.is_empty() || list.len() == len);
        let all = if kind.is_samples() { one.values[4].len() == len } else { one.statuses.len() == len && lists };
        *key <= 0x7fff_ffff && all && in_range(one.epoch, &one.times)
    };
    all.parameters.iter().all(one) && in_range(epoch, times)
}

/// What telemetry is when it is read in place or copied, written again, and read by prost.
#[track_caller]
fn check(kind: TelemetryKind, bytes: &[u8]) -> Option<All> {
    let view = TelemetryRef::decode_protobuf_with(kind, bytes, DEFAULT).map(|(view, _)| view);
    let mut columns = Columns::new();
    let copied = columns.decode_protobuf_with(kind, bytes, DEFAULT).map(drop);
    assert_eq!(view.as_ref().map(drop).map_err(|error| *error), copied, "{bytes:02x?}");
    let view = view.ok()?;
    let found = all(&view);
    assert_eq!(found, all(&TelemetryRef::from(&columns)), "{bytes:02x?}");
    let mut out = Vec::new();
    view.encode_protobuf(&mut out).unwrap();
    assert_eq!(by_prost(kind, &out).unwrap(), found, "{bytes:02x?}");
    let mut again = Vec::new();
    TelemetryRef::from(&columns).encode_protobuf(&mut again).unwrap();
    assert_eq!(again, out);
    assert!(TelemetryRef::decode_protobuf_with(kind, &out, DEFAULT).unwrap().0.is_in_place());
    Some(found)
}

#[test]
fn vectors_are_what_prost_reads() {
    let mut count = 0;
    for (form, bytes) in vectors() {
        let Form::Telemetry(place) = form else { continue };
        let Some(found) = check(KINDS[place], &bytes) else { continue };
        assert_eq!(found, by_prost(KINDS[place], &bytes).unwrap());
        count += 1;
    }
    assert!(count >= 7, "{count}");
}

fn random_doubles(rng: &mut Rng, len: usize) -> Vec<f64> {
    (0..len).map(|_| rng.f64()).collect()
}

fn random_values(rng: &mut Rng, len: usize) -> ParameterDataValues {
    let mut list = || if rng.below(2) == 0 { Vec::new() } else { random_doubles(rng, len) };
    let [min_values, max_values, avg_values, first_values] = [list(), list(), list(), list()];
    let statuses = (0..len).map(|_| (rng.next_u64() >> (32 + rng.below(32))) as u32).collect();
    ParameterDataValues { statuses, min_values, max_values, avg_values, first_values }
}

fn random_times(rng: &mut Rng, len: usize) -> Vec<i64> {
    (0..len).map(|_| (rng.next_u64() as i64) >> (2 + rng.below(62))).collect()
}

/// A message that prost writes.
fn random(rng: &mut Rng, kind: TelemetryKind) -> Vec<u8> {
    let (data_format_id, feed) =
        (["", "f", "0ec63347ffc5"][rng.below(3)].to_owned(), ["", "raw", "ä"][rng.below(3)].to_owned());
    let (common, keys) = (rng.below(80), rng.below(6));
    let timestamps_nanos = random_times(rng, common);
    let epoch_nanos = random_times(rng, 1)[0];
    let key = |rng: &mut Rng| if rng.below(3) == 0 { (rng.next_u64() >> 33) as i32 } else { rng.below(1100) as i32 };
    let samples = |rng: &mut Rng| {
        let len = rng.below(70);
        let values = random_doubles(rng, len);
        ParameterSampleValuesWithTimestamps {
            epoch_nanos: random_times(rng, 1)[0],
            timestamps_nanos: random_times(rng, len),
            values,
        }
    };
    match kind {
        TelemetryKind::Data => {
            let parameters = (0..keys).map(|_| (key(rng), random_values(rng, common))).collect();
            ParameterDataMessage { data_format_id, feed, epoch_nanos, timestamps_nanos, parameters }.encode_to_vec()
        }
        TelemetryKind::DataBackFill => {
            let late = |rng: &mut Rng| {
                let len = rng.below(70);
                let values = (len > 0 || rng.below(2) == 0).then(|| random_values(rng, len));
                ParameterDataValuesWithTimestamps {
                    epoch_nanos: random_times(rng, 1)[0],
                    timestamps_nanos: random_times(rng, len),
                    values,
                }
            };
            let parameters = (0..keys).map(|_| (key(rng), late(rng))).collect();
            ParameterDataBackFillMessage { data_format_id, feed, parameters }.encode_to_vec()
        }
        TelemetryKind::Samples => {
            let parameters = (0..keys).map(|_| (key(rng), samples(rng))).collect();
            ParameterSamplesMessage { data_format_id, feed, parameters }.encode_to_vec()
        }
        TelemetryKind::SamplesBackFill => {
            let parameters = (0..keys).map(|_| (key(rng), samples(rng))).collect();
            ParameterSamplesBackFillMessage { data_format_id, feed, parameters }.encode_to_vec()
        }
    }
}

const ROUNDS: usize = if cfg!(miri) { 10 } else { 2_000 };

#[test]
fn what_prost_writes_is_read() {
    let mut rng = Rng::new(testkit::rng::seed());
    for round in 0..ROUNDS {
        let kind = KINDS[round % 4];
        let bytes = random(&mut rng, kind);
        assert_eq!(check(kind, &bytes), Some(by_prost(kind, &bytes).unwrap()), "{bytes:02x?}");
    }
}

/// Splits packed arrays, writes some of their items by themselves, and messages in pieces: to protobuf that is the same.
fn scatter(rng: &mut Rng, kind: TelemetryKind, bytes: &[u8], level: usize) -> Vec<u8> {
    let is_map = |field: u32| level == 0 && field == map(kind);
    let is_message =
        |field: u32| level == 1 && field == 2 || level == 2 && kind == TelemetryKind::DataBackFill && field == 3;
    // The fields of the level in which arrays are.
    let values_level = if kind == TelemetryKind::DataBackFill { 3 } else { 2 };
    let is_times = |field: u32| match kind {
        TelemetryKind::Data => level == 0 && field == 4,
        _ => level == 2 && field == 2,
    };
    let is_flags = |field: u32| !kind.is_samples() && level == values_level && field == 1;
    let is_doubles =
        |field: u32| level == values_level && if kind.is_samples() { field == 3 } else { (2..=5).contains(&field) };
    let mut out = Vec::new();
    let mut rest = bytes;
    let take = |rest: &mut &[u8]| {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = rest[0];
            *rest = &rest[1..];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    };
    while !rest.is_empty() {
        let head = take(&mut rest);
        let (field, wire) = ((head >> 3) as u32, head & 7);
        if wire == 0 {
            out.extend(number(field, take(&mut rest)));
            continue;
        }
        assert_eq!(wire, 2);
        let len = take(&mut rest) as usize;
        let (inner, behind) = rest.split_at(len);
        rest = behind;
        if is_map(field) {
            out.extend(part(field, scatter(rng, kind, inner, 1)));
        } else if is_message(field) {
            let inner = scatter(rng, kind, inner, level + 1);
            // Any fields may come first in one piece, and the others in the next: here between two of them.
            let mut cut = &inner[..];
            let mut places = vec![0];
            while !cut.is_empty() {
                let head = take(&mut cut);
                match head & 7 {
                    0 => drop(take(&mut cut)),
                    1 => cut = &cut[8..],
                    _ => {
                        let len = take(&mut cut) as usize;
                        cut = &cut[len..];
                    }
                }
                places.push(inner.len() - cut.len());
            }
            let at = *rng.choose(&places);
            out.extend([part(field, &inner[..at]), part(field, &inner[at..])].concat());
        } else if is_times(field) || is_flags(field) || is_doubles(field) {
            let mut items = Vec::new();
            let mut array = inner;
            while !array.is_empty() {
                let before = array;
                if is_doubles(field) {
                    array = &array[8..];
                } else {
                    take(&mut array);
                }
                items.push(&before[..before.len() - array.len()]);
            }
            let mut items = &items[..];
            while !items.is_empty() {
                let (some, others) = items.split_at(1 + rng.below(items.len()));
                items = others;
                if rng.below(2) == 0 {
                    out.extend(part(field, some.concat()));
                } else {
                    let wire = if is_doubles(field) { 1 } else { 0 };
                    some.iter().for_each(|item| out.extend([&tag(field, wire)[..], item].concat()));
                }
            }
        } else {
            out.extend(part(field, inner));
        }
    }
    out
}

#[test]
fn what_lies_in_pieces_is_the_same_as_whole() {
    let mut rng = Rng::new(testkit::rng::seed());
    let mut scattered = 0;
    for round in 0..ROUNDS {
        let kind = KINDS[round % 4];
        let bytes = random(&mut rng, kind);
        let pieces = scatter(&mut rng, kind, &bytes, 0);
        let due = by_prost(kind, &bytes).unwrap();
        assert_eq!(by_prost(kind, &pieces).unwrap(), due, "to prost, too");
        scattered += usize::from(!TelemetryRef::decode_protobuf_with(kind, &pieces, DEFAULT).unwrap().0.is_in_place());
        assert_eq!(check(kind, &pieces), Some(due), "{pieces:02x?}");
    }
    assert!(cfg!(miri) || scattered > ROUNDS / 2, "{scattered}");
}

/// Pieces of messages one behind the other, and some bytes changed: what both read is the same, and what only one reads has a reason.
#[test]
fn what_both_read_of_mutated_messages_is_the_same() {
    let mut rng = Rng::new(testkit::rng::seed());
    let (mut both, mut neither, mut rules, mut theirs) = (0, 0, 0, 0);
    for round in 0..if cfg!(miri) { 20 } else { 40_000 } {
        let kind = KINDS[round % 4];
        let mut bytes = message(kind, (0..rng.below(3)).map(|at| at as u64).collect::<Vec<_>>());
        if rng.below(2) == 0 {
            bytes.extend(message(kind, [rng.below(3) as u64]));
        }
        for _ in 0..rng.below(3) {
            let at = rng.below(bytes.len());
            bytes[at] = if rng.below(2) == 0 { rng.below(256) as u8 } else { bytes[at] ^ (1 << rng.below(8)) };
        }
        let found = check(kind, &bytes);
        // prost reads an entry of a map as one whatever its wire type is.
        if bytes.iter().any(|byte| u32::from(byte >> 3) == map(kind) && byte & 7 != 2) {
            continue;
        }
        match (found, by_prost(kind, &bytes)) {
            (Some(found), Ok(due)) => {
                assert_eq!(found, due, "{bytes:02x?}");
                both += 1;
            }
            // Known fields of another wire type are unknown here, and refused there; and so are numbers of ten bytes that do not fit.
            (Some(_), Err(error)) => {
                let text = error.to_string();
                assert!(
                    text.contains("invalid wire type") || text.contains("invalid varint"),
                    "{text} of {bytes:02x?}"
                );
                theirs += 1;
            }
            (None, Ok(due)) => {
                let (epoch, times) = match kind {
                    TelemetryKind::Data => {
                        let message = ParameterDataMessage::decode(&bytes[..]).unwrap();
                        (message.epoch_nanos, message.timestamps_nanos)
                    }
                    _ => (0, Vec::new()),
                };
                assert!(!keeps_the_rules(kind, &due, epoch, &times), "{bytes:02x?}");
                rules += 1;
            }
            (None, Err(_)) => neither += 1,
        }
    }
    let counts = format!("{both} {neither} {rules} {theirs}");
    assert!(cfg!(miri) || both > 5_000 && neither > 1_000 && rules > 500 && theirs > 100, "{counts}");
}

proptest! {
    #[test]
    fn events_are_what_prost_reads_and_writes(epoch in any::<i64>(), time in any::<i64>(), id in ".*", status in ".*",
                                              values in prop::collection::vec(any::<u64>().prop_map(f64::from_bits), 0..40), cut in 0_usize..40) {
        let message = EventMessage { epoch_nanos: epoch, timestamps_nanos: time, id: id.clone(), status: status.clone(), values: values.clone() };
        let bytes = message.encode_to_vec();
        let found = Event::decode_protobuf_with(&bytes, DEFAULT).map(|(event, _)| event);
        prop_assert_eq!(found.is_ok(), epoch.checked_add(time).is_some());
        let Ok(event) = found else { return Ok(()) };
        prop_assert_eq!((event.epoch, event.time, &*event.id), (epoch, time, &*id));
        prop_assert_eq!(event.status.as_deref().unwrap_or_default(), &*status);
        prop_assert_eq!(bits(&event.values.column().to_vec()), bits(&values));
        let mut out = Vec::new();
        event.encode_protobuf(&mut out).unwrap();
        prop_assert_eq!(&out, &bytes);
        // In pieces, and by themselves.
        let (one, two) = values.split_at(cut.min(values.len()));
        let whole = EventMessage { values: Vec::new(), ..message }.encode_to_vec();
        let singles: Vec<u8> = two.iter().flat_map(|value| double(5, *value)).collect();
        for pieces in [[doubles(5, one), doubles(5, two)].concat(), [doubles(5, one), singles].concat()] {
            let bytes = [whole.clone(), pieces].concat();
            let event = Event::decode_protobuf_with(&bytes, DEFAULT).unwrap().0;
            prop_assert_eq!(bits(&event.values.column().to_vec()), bits(&values));
            prop_assert_eq!(bits(&EventMessage::decode(&bytes[..]).unwrap().values), bits(&values));
        }
    }
}

/// Examples of the documents of each message by their bytes.
#[test]
fn the_examples_of_the_documents() {
    let samples = testkit::vectors::hex("0a 01 66 1a 13 08 00 12 0f 08 01 12 01 02 1a 08 00 00 00 00 00 00 f0 3f");
    let mut columns = Columns::new();
    columns.start(TelemetryKind::Samples, "f", "").push_samples(ParamKey::Index(0), 1, &[2], &[1.0]).unwrap();
    let mut out = Vec::new();
    TelemetryRef::from(&columns).encode_protobuf(&mut out).unwrap();
    assert_eq!(out, samples);
    let data = testkit::vectors::hex(
        "0a 01 66 12 01 78 18 01 22 02 02 03 2a 1a 08 01 12 16 0a 02 01 11 22 10 00 00 00 00 00 00 f0 3f 00 00 00 00 00 00 00 40",
    );
    let view = TelemetryRef::decode_protobuf_with(TelemetryKind::Data, &data, DEFAULT).unwrap().0;
    let parameter = view.parameter(ParamKey::Index(1)).unwrap();
    assert_eq!((view.format(), view.feed(), view.epoch(), view.len()), (Some("f"), "x", 1, 1));
    assert!(
        view.times() == [2, 3] && parameter.statuses().unwrap() == [1, 17] && parameter.avg().unwrap() == [1.0, 2.0]
    );
    out.clear();
    view.encode_protobuf(&mut out).unwrap();
    assert_eq!(out, data);
}

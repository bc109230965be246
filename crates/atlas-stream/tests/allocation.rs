//! A million samples are read, looked at and written without an allocation for any of them.

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

testkit::counting_allocator!();

#[path = "hostile/proto.rs"]
mod proto;

use atlas_stream::{
    Aggregates, Columns, Decoder, JsonOptions, Limits, Message, MessageKind, ParamKey, RecordRef, TelemetryKind,
    TelemetryRef, TypeMap,
};
use proto::*;
use testkit::{assert_no_alloc, measure};

const PARAMETERS: usize = 50;
const SAMPLES: usize = if cfg!(miri) { 20 } else { 20_000 };
/// Of buffers that grow to the double, and of nothing else.
const GROWTH: u64 = 300;

/// The values of a parameter.
fn values(parameter: usize) -> impl Iterator<Item = f64> {
    (0..SAMPLES).map(move |sample| (parameter * 31 + sample) as f64 * 0.012_345_678_901_234_567)
}

fn list<T: ToString>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}

fn data() -> String {
    let times = list((0..SAMPLES).map(|sample| 36_930_000_000_000 + sample * 20_000_000));
    let flags = list((0..SAMPLES).map(|sample| if sample % 100 == 0 { 17 } else { 1 }));
    let all = (0..PARAMETERS).map(|at| format!(r#"{{"status":[{flags}],"avg":[{}]}}"#, list(values(at))));
    format!(
        r#"{{"epoch":1699920000000000000,"time":[{times}],"data":[{}],"feed":"","format":"0ec63347ffc5"}}"#,
        list(all)
    )
}

fn samples() -> String {
    let times = list((0..SAMPLES).map(|sample| 36_930_000_000_000 + sample * 20_000_000));
    let all = (0..PARAMETERS).map(|at| {
        // In an order that is not that of the names.
        format!(
            r#""p{}:Chassis":{{"values":[{}],"epoch":1699920000000000000,"time":[{times}]}}"#,
            at * 7 % PARAMETERS,
            list(values(at))
        )
    });
    format!(r#"{{"feed":"","format":"0ec63347ffc5","data":{{{}}}}}"#, list(all))
}

fn old_samples() -> String {
    let times = list(0..SAMPLES);
    format!(
        r#"{{"format":"f","time":[{times}],"data":[{}]}}"#,
        list((0..PARAMETERS).map(|at| format!("[{}]", list(values(at)))))
    )
}

fn protobuf(kind: TelemetryKind) -> Vec<u8> {
    let times: Vec<i64> = (0..SAMPLES as i64).map(|sample| 36_930_000_000_000 + sample * 20_000_000).collect();
    let flags = vec![1; SAMPLES];
    let mut bytes = part(1, "0ec63347ffc5");
    if kind == TelemetryKind::Data {
        bytes.extend([number(3, 1_699_920_000_000_000_000), numbers(4, &times)].concat());
    }
    for at in 0..PARAMETERS {
        let values: Vec<f64> = values(at).collect();
        let data = [numbers(1, &flags), doubles(4, &values)].concat();
        bytes.extend(entry(
            kind,
            at as u64,
            match kind {
                TelemetryKind::Data => data,
                TelemetryKind::DataBackFill => [numbers(2, &times), part(3, data)].concat(),
                _ => [numbers(2, &times), doubles(3, &values)].concat(),
            },
        ));
    }
    bytes
}

/// Every value once.
fn sum(telemetry: &TelemetryRef<'_>) -> (usize, f64) {
    let (mut count, mut sum) = (0, 0.0);
    for parameter in telemetry.parameters() {
        for column in [parameter.avg(), parameter.values()].into_iter().flatten() {
            column.for_each_chunk(|chunk| {
                count += chunk.len();
                sum += chunk.iter().sum::<f64>();
            });
        }
        assert_eq!(parameter.times().iter().count(), SAMPLES);
    }
    (count, sum)
}

fn look(record: &RecordRef<'_>) -> (usize, f64) {
    let (Message::Data(telemetry) | Message::Samples(telemetry)) = record.message() else { panic!() };
    sum(telemetry)
}

fn is_due((count, found): (usize, f64)) {
    let due: f64 = (0..PARAMETERS).map(|at| values(at).sum::<f64>()).sum();
    assert_eq!(count, PARAMETERS * SAMPLES);
    assert!((found - due).abs() <= due * 1e-9, "{found} {due}");
}

#[test]
fn a_million_samples_in_json() {
    for (key, json) in [(&b"tdata:a"[..], data()), (b"tsamples:a", samples()), (b"tsamples:a", old_samples())] {
        let mut decoder = Decoder::new();
        let (first, stats) = measure(|| look(&decoder.decode(key, json.as_bytes()).unwrap()));
        is_due(first);
        assert!(stats.allocations <= GROWTH, "{stats:?}");
        // Times, flags and values at most to the double of what they are.
        assert!(stats.peak <= 2 * PARAMETERS * SAMPLES * (8 + 8 + 4) + (64 << 10), "{stats:?}");
        is_due(assert_no_alloc(|| look(&decoder.decode(key, json.as_bytes()).unwrap())));
        // Something else between them, and what is refused, changes nothing.
        assert!(decoder.decode(key, b"{").is_err());
        decoder.decode(b"session:a", br#"{"id":"a","state":"open"}"#).unwrap();
        is_due(assert_no_alloc(|| look(&decoder.decode(key, json.as_bytes()).unwrap())));
        let (found, stats) = measure(|| look(&RecordRef::decode(key, json.as_bytes()).unwrap()));
        is_due(found);
        assert!(stats.allocations <= GROWTH, "{stats:?}");
    }
}

#[test]
fn a_million_samples_in_protobuf() {
    let kinds =
        [TelemetryKind::Data, TelemetryKind::DataBackFill, TelemetryKind::Samples, TelemetryKind::SamplesBackFill];
    for kind in kinds {
        let bytes = protobuf(kind);
        // Nothing, from the first.
        let mut decoder = Decoder::new().with_types(TypeMap::new().with("x", MessageKind::ProtobufTelemetry(kind)));
        is_due(assert_no_alloc(|| look(&decoder.decode(b"x:a", &bytes).unwrap())));
        is_due(assert_no_alloc(|| sum(&TelemetryRef::decode_protobuf_with(kind, &bytes, &Limits::DEFAULT).unwrap().0)));
        let mut columns = Columns::new();
        let (_, stats) = measure(|| columns.decode_protobuf_with(kind, &bytes, &Limits::DEFAULT).unwrap());
        assert!(stats.allocations <= GROWTH, "{stats:?}");
        assert_no_alloc(|| columns.decode_protobuf_with(kind, &bytes, &Limits::DEFAULT).unwrap());
        is_due(assert_no_alloc(|| sum(&TelemetryRef::from(&columns))));
    }
}

/// The last value of each array by itself, so that nothing lies in one piece.
#[test]
fn a_million_samples_in_pieces() {
    for kind in [TelemetryKind::Samples, TelemetryKind::SamplesBackFill] {
        let times: Vec<i64> = (0..SAMPLES as i64).collect();
        let mut bytes = Vec::new();
        for at in 0..PARAMETERS {
            let values: Vec<f64> = values(at).collect();
            let (last, rest) = values.split_last().unwrap();
            bytes.extend(entry(kind, at as u64, [numbers(2, &times), doubles(3, rest), double(3, *last)].concat()));
        }
        let (telemetry, stats) =
            measure(|| TelemetryRef::decode_protobuf_with(kind, &bytes, &Limits::DEFAULT).unwrap().0);
        assert!(stats.allocations <= GROWTH && !telemetry.is_in_place(), "{stats:?}");
        is_due(sum(&telemetry));
    }
}

#[test]
fn a_million_samples_written() {
    let mut columns = Columns::new();
    let mut out = Vec::with_capacity(60 * PARAMETERS * SAMPLES + 4096);
    columns.decode_data_with(data().as_bytes(), &Limits::DEFAULT).unwrap();
    let telemetry = TelemetryRef::from(&columns);
    assert_no_alloc(|| telemetry.encode_json_with(&mut out, &JsonOptions::DEFAULT).unwrap());
    out.clear();
    assert_no_alloc(|| telemetry.encode_protobuf(&mut out).unwrap());
    columns.decode_samples_with(samples().as_bytes(), &Limits::DEFAULT).unwrap();
    out.clear();
    assert_no_alloc(|| TelemetryRef::from(&columns).encode_json(&mut out).unwrap());
}

/// Buffers that are filled by hand keep their memory, too.
#[test]
fn what_is_built_again_takes_nothing() {
    let (times, flags, values): (Vec<_>, Vec<_>, Vec<_>) = (vec![5; SAMPLES], vec![1; SAMPLES], values(0).collect());
    let mut columns = Columns::new();
    let build = |columns: &mut Columns| {
        columns.start_data("format", "feed", 7, &times).unwrap();
        for _ in 0..PARAMETERS {
            columns.push_data(&flags, &[(Aggregates::AVG, &values), (Aggregates::MAX, &values)]).unwrap();
        }
        columns.start(TelemetryKind::Samples, "format", "feed");
        for _ in 0..PARAMETERS {
            columns.push_samples(ParamKey::Index(0), 7, &times, &values).unwrap();
        }
    };
    build(&mut columns);
    assert_no_alloc(|| build(&mut columns));
}

/// What is read of a session without escapes lies where it came.
#[test]
fn texts_without_escapes_are_not_copied() {
    let json = br#"{"id":"abc","state":"open","identifier":"x","label":"y","futureField":{"x":[1]}}"#;
    let (session, stats) = measure(|| atlas_stream::Session::decode_json_with(json, &Limits::DEFAULT).unwrap().0);
    assert_eq!((stats.allocations, session.unknown().as_str()), (0, r#""futureField":{"x":[1]}"#));
    let lap = br#"{"number":1,"time":2,"type":"other","triggerSource":3}"#;
    assert_no_alloc(|| drop(atlas_stream::Lap::decode_json_with(lap, &Limits::DEFAULT).unwrap()));
}

//! Work that grows with the square (R7).
#![cfg(not(miri))]

use atlas_stream::{Aggregates, Columns, DataFormat, Feed, Limits, ParamKey, TelemetryKind, TelemetryRef, View};
use testkit::laws::linear_cpu;

use crate::proto::*;
use crate::support::*;

const LIMITS: &Limits = &Limits::DEFAULT.with_max_parameters(u32::MAX);
/// Where measuring begins.
const FEW: usize = 500;

fn list(start: &str, each: impl Fn(usize) -> String, end: &str, n: usize) -> String {
    let items: Vec<_> = (0..n).map(each).collect();
    [start, &items.join(","), end].concat()
}

/// Names by which nothing is in order.
fn name(at: usize) -> String {
    format!("{:08x}", (at as u32).wrapping_mul(0x9e37_79b9))
}

/// A document of many of one thing: what is in front of them, each by its number, and what is behind them.
type Many = (Form, &'static str, fn(usize) -> String, &'static str);

const JSON: [Many; 24] = [
    (Form::Data, r#"{"time":[],"data":["#, |_| r#"{"status":[]}"#.into(), "]}"),
    (Form::Data, r#"{"time":[],"#, |_| r#""data":[{"status":[]}]"#.into(), "}"),
    (Form::Data, r#"{"data":[{"status":[]}],"#, |_| r#""time":[]"#.into(), "}"),
    (Form::Data, r#"{"time":[],"data":[],"#, |at| format!(r#""{}":1"#, name(at)), "}"),
    (Form::Data, r#"{"time":[],"data":[{"status":[],"#, |_| r#""x":[1]"#.into(), "}]}"),
    (Form::Data, r#"{"time":[0],"data":[{"#, |_| r#""status":[0]"#.into(), "}]}"),
    (Form::Data, r#"{"time":[0],"data":[{"status":[0],"#, |_| r#""avg":[0]"#.into(), "}]}"),
    (
        Form::Samples,
        r#"{"feed":"","format":"","data":{"#,
        |at| format!(r#""{}":{{"values":[],"epoch":0,"time":[]}}"#, name(at)),
        "}}",
    ),
    (Form::Samples, r#"{"feed":"","format":"","data":{"#, |_| r#""a":{"values":[],"epoch":0,"time":[]}"#.into(), "}}"),
    (Form::Samples, r#"{"feed":"","format":"","data":{},"#, |_| r#""time":[1]"#.into(), "}"),
    (Form::Samples, r#"{"format":"","time":[],"data":["#, |_| "[]".into(), "]}"),
    (Form::Samples, r#"{"feed":"","data":{},"#, |_| r#""format":"\u0041\u0042""#.into(), "}"),
    (Form::Session, r#"{"id":"","state":"open","details":{"#, |at| format!(r#""{}":"""#, name(at)), "}}"),
    (Form::Session, r#"{"id":"","state":"open","details":{"#, |_| r#""a":1"#.into(), "}}"),
    (Form::Session, r#"{"id":"","state":"open","dependencies":{"#, |at| format!(r#""{}":["a"]"#, name(at)), "}}"),
    (Form::Session, r#"{"id":"","state":"open","dependencies":{"a":["#, |_| r#""a""#.into(), "]}}"),
    (Form::Session, r#"{"id":"","state":"open","sources":["#, |_| r#"{"id":"","state":"open"}"#.into(), "]}"),
    (Form::Session, r#"{"id":"","#, |_| r#""state":"open""#.into(), "}"),
    (Form::Session, r#"{"id":"","state":"open","#, |at| format!(r#""{}":1"#, name(at)), "}"),
    (Form::Format, r#"{"feeds":{"#, |at| format!(r#""{}":{{"parameters":[]}}"#, name(at)), "}}"),
    (Form::Format, r#"{"feeds":{"#, |_| r#""a":{"parameters":[]}"#.into(), "}}"),
    (
        Form::Format,
        r#"{"feeds":{"":{"parameters":["#,
        |at| format!(r#"{{"identifier":"{}","aggregates":"Avg"}}"#, name(at)),
        "]}}}",
    ),
    (Form::Configuration, r#"{"appGroups":{"a":{"groups":{"#, |at| format!(r#""{}":{{}}"#, name(at)), "}}}}"),
    (Form::Configuration, r#"{"appGroups":{"a":{"parameters":{"#, |_| r#""b":{}"#.into(), "}}}}"),
];

#[test]
fn r07_json_is_read_and_written_in_linear_time() {
    for (form, start, each, end) in JSON {
        linear_cpu(
            FEW,
            |n| list(start, each, end, n),
            |text| {
                let found = read(form, text.as_bytes(), LIMITS);
                if found.is_ok() {
                    drop(write(form, text.as_bytes(), LIMITS));
                }
                found
            },
        );
    }
}

/// The way to a fault behind all else, too.
#[test]
fn r07_paths_are_found_in_linear_time() {
    for (form, start, each, end) in JSON {
        linear_cpu(
            FEW,
            |n| list(start, each, &[end, "!"].concat(), n),
            |text| read(form, text.as_bytes(), LIMITS).unwrap_err().path(text.as_bytes()),
        );
    }
    for kind in KINDS {
        linear_cpu(
            FEW,
            |n| [message(kind, 0..n as u64), vec![0x0a]].concat(),
            |bytes| TelemetryRef::decode_protobuf_with(kind, &bytes, LIMITS).unwrap_err().path(&bytes),
        );
    }
}

#[test]
fn r07_texts_of_escapes_are_read_in_linear_time() {
    for escape in ["\\u0041", "\\n", "\\ud83d\\ude00", "a\\\\"] {
        linear_cpu(
            FEW,
            |n| format!(r#"{{"id":"{0}","state":"{0}","{0}":"{0}"}}"#, escape.repeat(n)),
            |text| (read(Form::Session, text.as_bytes(), LIMITS), write(Form::Session, text.as_bytes(), LIMITS)),
        );
    }
}

#[test]
fn r07_protobuf_is_read_and_written_in_linear_time() {
    for (place, kind) in KINDS.into_iter().enumerate() {
        let form = Form::Telemetry(place);
        let time = if kind == TelemetryKind::Data { [number(3, 5), numbers(4, &[7])].concat() } else { Vec::new() };
        let values = move |kind| if kind == TelemetryKind::Data { 4 } else { 3 };
        let all: [(&str, &dyn Fn(usize) -> Vec<u8>); 8] = [
            ("in order", &|n| message(kind, 0..n as u64)),
            ("the wrong way", &|n| message(kind, (0..n as u64).rev())),
            ("at random", &|n| message(kind, (0..n as u64).map(|key| key.wrapping_mul(0x9e37_79b1) & 0x7fff_ffff))),
            ("one key", &|n| message(kind, (0..n).map(|_| 3))),
            ("two keys by turns", &|n| message(kind, (0..n as u64).map(|key| 5000 + key % 2))),
            ("keys in an entry", &|n| {
                [time.clone(), part(map(kind), [number(1, 3).repeat(n), part(2, one_value(kind, 0.5))].concat())]
                    .concat()
            }),
            ("pieces of a value", &|n| {
                [time.clone(), part(map(kind), [part(2, one_value(kind, 0.5)), part(2, "").repeat(n)].concat())]
                    .concat()
            }),
            ("pieces of an array", &|n| {
                [time.clone(), entry(kind, 0, [one_value(kind, 0.5), part(values(kind), "").repeat(n)].concat())]
                    .concat()
            }),
        ];
        for (what, prepare) in all {
            linear_cpu(FEW, prepare, |bytes| {
                let found = read(form, &bytes, LIMITS);
                assert!(found.is_ok(), "{kind:?} {what} {found:?}");
                write(form, &bytes, LIMITS).unwrap()
            });
        }
    }
    // Doubles by themselves, and those that do not fit.
    for form in [Form::ProtobufEvent, Form::Telemetry(2)] {
        linear_cpu(
            FEW,
            |n| match form {
                Form::ProtobufEvent => double(5, 0.5).repeat(n),
                _ => entry(TelemetryKind::Samples, 0, [double(3, 0.5), number(2, 1)].concat().repeat(n)),
            },
            |bytes| read(form, &bytes, LIMITS).unwrap(),
        );
    }
}

/// A data format of many parameters, and samples of as many.
fn feed_and_samples(n: usize, kind: TelemetryKind) -> (DataFormat<'static>, Columns) {
    let feed = (0..n).fold(Feed::new(1.0), |feed, at| feed.with(name(at), Aggregates::AVG));
    let mut bytes = message(kind, 0..n as u64);
    bytes.extend(part(2, ""));
    let mut columns = Columns::new();
    columns.decode_protobuf_with(kind, &bytes, LIMITS).unwrap();
    (DataFormat::new().with_feed("", feed), columns)
}

#[test]
fn r07_names_are_given_and_taken_in_linear_time() {
    linear_cpu(
        FEW,
        |n| feed_and_samples(n, TelemetryKind::Samples),
        |(format, mut columns)| {
            columns.name_parameters(format.feed("").unwrap()).unwrap();
            columns.index_parameters(format.feed("").unwrap()).unwrap();
            columns
        },
    );
}

/// A message in which all is by index.
#[test]
fn r07_columns_are_bound_in_linear_time() {
    for kind in KINDS {
        linear_cpu(
            FEW,
            |n| feed_and_samples(n, kind),
            |(format, columns)| {
                let mut view = View::new("").with(name(3), Aggregates::AVG).with("missing", Aggregates::AVG);
                let telemetry = TelemetryRef::from(&columns);
                let found =
                    view.bind(&telemetry, &format).unwrap().columns().filter(|column| !column.is_missing()).count();
                assert_eq!(found, 1);
                (found, columns.clone())
            },
        );
    }
}

/// A message in which all is by name: the peer chooses both how many it has and how many its format has.
#[test]
fn r07_named_samples_are_bound_in_linear_time() {
    linear_cpu(
        FEW,
        |n| {
            let (format, mut columns) = feed_and_samples(n, TelemetryKind::Samples);
            columns.name_parameters(format.feed("").unwrap()).unwrap();
            (format, columns)
        },
        |(format, columns)| {
            let mut view = View::new("").with(name(3), Aggregates::AVG);
            let telemetry = TelemetryRef::from(&columns);
            assert!(!view.bind(&telemetry, &format).unwrap().column(0).unwrap().is_missing());
        },
    );
}

/// As many wanted as there are, all of them missing, or all of them there.
#[test]
fn r07_many_wanted_are_bound_in_linear_time() {
    for prefix in ["", "not "] {
        for is_packed in [false, true] {
            linear_cpu(
                FEW,
                |n| {
                    let view =
                        (0..n).fold(View::new(""), |view, at| view.with([prefix, &name(at)].concat(), Aggregates::AVG));
                    let bytes = message(TelemetryKind::Samples, 0..n as u64);
                    (view, feed_and_samples(n, TelemetryKind::Samples), bytes)
                },
                |(mut view, (format, columns), bytes)| {
                    let telemetry = if is_packed {
                        TelemetryRef::decode_protobuf_with(TelemetryKind::Samples, &bytes, LIMITS).unwrap().0
                    } else {
                        TelemetryRef::from(&columns)
                    };
                    let len = telemetry.len();
                    let bound = view.bind(&telemetry, &format).unwrap();
                    let missing = bound.columns().filter(|column| column.is_missing()).count();
                    assert_eq!(missing, if prefix.is_empty() { 0 } else { len });
                },
            );
        }
    }
}

/// Parameters that are in the wrong order are put in order to be written.
#[test]
fn r07_data_in_the_wrong_order_is_written_in_linear_time() {
    linear_cpu(
        FEW,
        |n| message(TelemetryKind::Data, (0..n as u64).rev()),
        |bytes| {
            let telemetry = TelemetryRef::decode_protobuf_with(TelemetryKind::Data, &bytes, LIMITS).unwrap().0;
            let mut out = Vec::new();
            telemetry.encode_json_with(&mut out, &atlas_stream::JsonOptions::DEFAULT.with_limits(*LIMITS)).unwrap();
            assert_eq!(telemetry.parameter(ParamKey::Index(0)).unwrap().avg().unwrap(), [0.0]);
        },
    );
}

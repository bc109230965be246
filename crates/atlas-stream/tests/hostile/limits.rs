//! Limits on every path (R15). Nothing is waited for (R13): a record comes whole; the flood of them is in `memory.rs`.

use std::collections::BTreeSet;
use std::path::Path;

use atlas_stream::{
    AtlasConfiguration, Columns, DataFormat, Decoder, EncodeErrorKind, Event, JsonOptions, Limit, Limits, Notes, Sync,
    TelemetryRef,
};

use crate::proto::*;
use crate::support::*;

/// A small value of each form, and how many levels it has; in protobuf only groups count.
const SMALL: [(Form, &str, u8); 7] = [
    (Form::Session, r#"{"id":"a","state":"open"}"#, 1),
    (Form::Data, r#"{"epoch":0,"time":[],"data":[{"status":[]}],"feed":""}"#, 4),
    (Form::Samples, r#"{"feed":"","format":"f","data":{"a":{"values":[],"epoch":0,"time":[]}}}"#, 4),
    (Form::Event, r#"{"epoch":0,"time":0,"id":"","values":[]}"#, 2),
    (Form::Lap, r#"{"number":0,"epoch":0,"time":0,"type":"inLap","triggerSource":0}"#, 1),
    (Form::Format, r#"{"feeds":{"":{"parameters":[{"identifier":"a","aggregates":"Avg"}]}}}"#, 5),
    (Form::Configuration, r#"{"appGroups":{"a":{"conversions":{},"events":{},"groups":{},"parameters":{}}}}"#, 4),
];

fn small() -> impl Iterator<Item = (Form, Vec<u8>, u8)> {
    let json = SMALL.into_iter().map(|(form, text, depth)| (form, text.as_bytes().to_vec(), depth));
    let telemetry = (0..4).map(|place| (Form::Telemetry(place), message(KINDS[place], [0]), 0));
    json.chain(telemetry).chain([(Form::ProtobufEvent, number(1, 7), 0)])
}

/// A public function that reads and is not among the ways of these tests is a path that nobody checks.
#[test]
#[cfg_attr(miri, ignore = "it reads files")]
fn r15_every_function_that_reads_is_listed() {
    fn functions(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                functions(&path, found);
                continue;
            }
            let mut of = String::new();
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                if let Some(rest) = line.strip_prefix("impl") {
                    let rest = rest.split(" for ").last().unwrap();
                    let rest = rest.trim_start_matches(|character: char| {
                        character == '<' || character == '\'' || character == ' '
                    });
                    let rest = rest.strip_prefix("a> ").unwrap_or(rest);
                    of = rest.chars().take_while(|character| character.is_alphanumeric()).collect();
                }
                if let Some(rest) = line.trim_start().strip_prefix("pub fn decode") {
                    let name: String =
                        rest.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
                    found.insert(format!("{of}::decode{name}"));
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    functions(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let mut due: BTreeSet<String> = WAYS.iter().map(|(name, _)| (*name).to_owned()).collect();
    due.extend(BY_DEFAULT.iter().map(|(name, _)| (*name).to_owned()));
    // Under the default limits each is a call of the same with limits.
    let of_defaults: Vec<_> = due.iter().filter_map(|name| name.strip_suffix("_with")).map(str::to_owned).collect();
    due.extend(of_defaults);
    // What reads keys has no limits: it keeps nothing. And a point of synchronization is never refused.
    due.extend(
        [
            "KeyRef::decode",
            "KeyRef::decode_lenient",
            "Sync::decode_json",
            "Sync::decode_json",
            "Sync::decode_json_with",
        ]
        .map(str::to_owned),
    );
    // What is of prost is prost's.
    found.retain(|name| !name.contains("prost"));
    assert_eq!(found, due);
}

/// Without limits the defaults are meant, for what is good, bad, too deep and too many.
#[test]
fn r15_every_way_without_limits_has_the_defaults() {
    let all = vectors().into_iter().chain(small().map(|(form, bytes, _)| (form, bytes)));
    let json = FORMS.into_iter().filter(|form| !form.is_protobuf());
    let deep = json.map(|form| (form, [&br#"{"x":"#[..], &[b'['; 64]].concat()));
    let groups = FORMS.into_iter().filter(|form| form.is_protobuf()).map(|form| (form, groups(64)));
    let many = with_parameters(if cfg!(miri) { 2 } else { 65_537 }).into_iter().step_by(5);
    let mut refused = 0;
    for (form, bytes) in all.chain(deep).chain(groups).chain(many) {
        for (name, way) in BY_DEFAULT {
            if let Some(found) = way(form, &bytes) {
                assert_eq!(found, read(form, &bytes, &Limits::DEFAULT), "{name}");
                refused += usize::from(found.is_err_and(|error| error.limit().is_some()));
            }
        }
    }
    assert!(refused >= 20, "{refused}");
}

#[test]
fn r15_every_way_honours_max_len() {
    for (form, bytes, _) in small() {
        let len = bytes.len() as u32;
        for (max, is_good) in [(len, true), (len - 1, false), (0, false), (u32::MAX, true)] {
            // All ways at once, which have to agree.
            let found = read(form, &bytes, &Limits::DEFAULT.with_max_len(max)).map(drop);
            let due = if is_good { Ok(()) } else { Err(too_much(Limit::MaxLen)) };
            assert_eq!(found.map_err(kind), due, "{form:?}");
        }
    }
    // Before anything is looked at.
    for (form, _, _) in small() {
        let error = read(form, b"\xff\xff", &Limits::DEFAULT.with_max_len(1)).unwrap_err();
        assert_eq!((kind(error), error.offset()), (too_much(Limit::MaxLen), 0));
        assert_eq!(error.to_string(), "2 exceeds max_len 1 at byte 0 (value)");
    }
    let (sync, notes) = Sync::decode_json_with(br#"{"time":1}"#, &Limits::DEFAULT.with_max_len(9));
    assert_eq!((sync, notes), (Sync::default(), Notes::IGNORED_VALUE));
}

#[test]
fn r15_every_way_honours_max_depth() {
    for (form, bytes, depth) in small().filter(|(form, ..)| !form.is_protobuf()) {
        assert!(read(form, &bytes, &Limits::DEFAULT.with_max_depth(depth)).is_ok(), "{form:?}");
        let error = read(form, &bytes, &Limits::DEFAULT.with_max_depth(depth - 1)).unwrap_err();
        assert_eq!(kind(error), too_much(Limit::MaxDepth), "{form:?}");
    }
    for (form, bytes, _) in small().filter(|(form, ..)| form.is_protobuf()) {
        let bytes = [bytes, groups(3)].concat();
        assert!(read(form, &bytes, &Limits::DEFAULT.with_max_depth(4)).is_ok());
        assert_eq!(
            kind(read(form, &bytes, &Limits::DEFAULT.with_max_depth(3)).unwrap_err()),
            too_much(Limit::MaxDepth)
        );
    }
    let (sync, notes) = Sync::decode_json_with(br#"{"time":1,"x":[]}"#, &Limits::DEFAULT.with_max_depth(1));
    assert_eq!((sync, notes), (Sync::default(), Notes::IGNORED_VALUE));
}

/// Values with so many parameters.
fn with_parameters(count: usize) -> Vec<(Form, Vec<u8>)> {
    let list = |start: &str, each: fn(usize) -> String, end: &str| {
        [start, &(0..count).map(each).collect::<Vec<_>>().join(","), end].concat().into_bytes()
    };
    let json = [
        (Form::Data, list(r#"{"time":[],"data":["#, |_| r#"{"status":[]}"#.into(), "]}")),
        (
            Form::Samples,
            list(
                r#"{"feed":"","format":"","data":{"#,
                |at| format!(r#""{at}":{{"values":[],"epoch":0,"time":[]}}"#),
                "}}",
            ),
        ),
        // Equal names are counted, too: they cost as much.
        (
            Form::Samples,
            list(r#"{"feed":"","format":"","data":{"#, |_| r#""":{"values":[],"epoch":0,"time":[]}"#.into(), "}}"),
        ),
        (Form::Samples, list(r#"{"format":"","time":[],"data":["#, |_| "[]".into(), "]}")),
        (Form::Format, list(r#"{"feeds":{"":{"parameters":["#, |_| r#"{"identifier":""}"#.into(), "]}}}")),
    ];
    let protobuf = (0..4).flat_map(|place| {
        let distinct = message(KINDS[place], 0..count as u64);
        let equal = message(KINDS[place], (0..count).map(|_| 1));
        let reverse = message(KINDS[place], (0..count as u64).rev());
        [distinct, equal, reverse].map(|bytes| (Form::Telemetry(place), bytes))
    });
    json.into_iter().chain(protobuf).collect()
}

#[test]
fn r15_every_way_honours_max_parameters() {
    for max in [0, 1, 7] {
        let limits = Limits::DEFAULT.with_max_parameters(max as u32);
        for (form, bytes) in with_parameters(max) {
            assert!(read(form, &bytes, &limits).is_ok(), "{form:?} {max}");
        }
        for (form, bytes) in with_parameters(max + 1) {
            assert_eq!(
                kind(read(form, &bytes, &limits).unwrap_err()),
                too_much(Limit::MaxParameters),
                "{form:?} {max}"
            );
        }
    }
    let most = if cfg!(miri) { return } else { 1 << 16 };
    // Not all of them, since each takes a second.
    for (form, bytes) in with_parameters(most).into_iter().step_by(4) {
        assert!(read(form, &bytes, &Limits::DEFAULT).is_ok());
    }
    for (form, bytes) in with_parameters(most + 1).into_iter().step_by(2) {
        assert_eq!(kind(read(form, &bytes, &Limits::DEFAULT).unwrap_err()), too_much(Limit::MaxParameters));
    }
}

/// What is written under a limit is read under it, and what is read under it is written.
#[test]
fn r15_max_depth_holds_when_writing() {
    let mut wrong = Vec::new();
    for (form, bytes, depth) in small() {
        for max in 0..=6 {
            // Read without the limit, and written under it.
            let found = write_under(form, &bytes, &Limits::DEFAULT.with_max_depth(max));
            let found = found.map(drop).map_err(|error| (error.kind(), error.what()));
            let due = if max >= depth { Ok(()) } else { Err((EncodeErrorKind::LimitExceeded, "max_depth")) };
            if found != due {
                wrong.push(format!("{form:?} of {depth} levels under {max}: {found:?}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn r15_max_len_and_max_parameters_hold_when_writing() {
    for (form, bytes, _) in small() {
        let len = write_under(form, &bytes, &Limits::DEFAULT).unwrap().len() as u32;
        for (max, is_due) in [(len, true), (len - 1, false)] {
            let found = write_under(form, &bytes, &Limits::DEFAULT.with_max_len(max));
            assert_eq!(found.is_ok(), is_due, "{form:?}");
            assert!(is_due || found.is_err_and(|error| error.what() == "max_len"));
        }
    }
    for (form, bytes) in with_parameters(2) {
        // Equal names and keys are one, and the old form is not written.
        let Ok(_) = write_under(form, &bytes, &Limits::DEFAULT) else { continue };
        let count = match form {
            Form::Format => 2,
            _ => {
                let mut decoder = Decoder::new().with_types(types());
                let record = decoder.decode(key(form).unwrap(), &bytes).unwrap();
                let (atlas_stream::Message::Data(telemetry) | atlas_stream::Message::Samples(telemetry)) =
                    record.message()
                else {
                    panic!()
                };
                telemetry.len() as u32
            }
        };
        assert!(write_under(form, &bytes, &Limits::DEFAULT.with_max_parameters(count)).is_ok());
        let error = write_under(form, &bytes, &Limits::DEFAULT.with_max_parameters(count - 1)).unwrap_err();
        assert_eq!((error.kind(), error.what()), (EncodeErrorKind::LimitExceeded, "max_parameters"), "{form:?}");
    }
}

/// What is read is written under the same limits, also where what it holds is empty.
#[test]
fn r15_what_is_read_under_limits_is_written_under_them() {
    for (text, depth) in [
        (r#"{"id":"a","state":"open","details":{}}"#, 2),
        (r#"{"id":"a","state":"open","dependencies":{}}"#, 2),
        (r#"{"id":"a","state":"open","dependencies":{"a":[]}}"#, 3),
        (r#"{"id":"a","state":"open","model":{"group":""}}"#, 2),
        (r#"{"id":"a","state":"open","activity":{}}"#, 2),
        (r#"{"id":"a","state":"open","sources":[{"id":"b","state":"open"}]}"#, 3),
        (r#"{"id":"a","state":"open","x":[[]]}"#, 3),
    ] {
        let limits = Limits::DEFAULT.with_max_depth(depth);
        let written = write(Form::Session, text.as_bytes(), &limits);
        assert_eq!(written.map(|json| String::from_utf8(json).unwrap()).as_deref(), Ok(text));
        assert!(read(Form::Session, text.as_bytes(), &limits.with_max_depth(depth - 1)).is_err());
    }
}

fn write_under(form: Form, bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, atlas_stream::EncodeError> {
    let (mut out, options) = (Vec::new(), JsonOptions::DEFAULT.with_limits(*limits));
    let unlimited = &Limits::DEFAULT;
    match form {
        Form::Format => DataFormat::decode_with(bytes, unlimited).unwrap().0.encode_with(&mut out, limits)?,
        Form::Configuration => {
            AtlasConfiguration::decode_with(bytes, unlimited).unwrap().0.encode_with(&mut out, limits)?
        }
        Form::Data | Form::Samples => {
            let mut columns = Columns::new();
            match form {
                Form::Data => columns.decode_data_with(bytes, unlimited).unwrap(),
                _ => columns.decode_samples_with(bytes, unlimited).unwrap(),
            };
            TelemetryRef::from(&columns).encode_json_with(&mut out, &options)?;
        }
        Form::Session => {
            atlas_stream::Session::decode_json_with(bytes, unlimited)
                .unwrap()
                .0
                .encode_json_with(&mut out, &options)?;
        }
        Form::Lap => {
            atlas_stream::Lap::decode_json_with(bytes, unlimited).unwrap().0.encode_json_with(&mut out, &options)?
        }
        Form::Event => Event::decode_json_with(bytes, unlimited).unwrap().0.encode_json_with(&mut out, &options)?,
        Form::Sync => Sync::decode_json_with(bytes, unlimited).0.encode_json_with(&mut out, &options)?,
        Form::ProtobufEvent => {
            Event::decode_protobuf_with(bytes, unlimited).unwrap().0.encode_protobuf_with(&mut out, limits)?
        }
        Form::Telemetry(place) => {
            TelemetryRef::decode_protobuf_with(KINDS[place], bytes, unlimited)
                .unwrap()
                .0
                .encode_protobuf_with(&mut out, limits)?;
        }
    }
    Ok(out)
}

/// A message of the size that the benches have, and one of the size that Kafka's own default ends at.
#[test]
#[cfg_attr(miri, ignore = "too much for it")]
fn r15_what_is_real_passes_the_defaults() {
    let values = vec!["0.12345678901234567"; 20_000].join(",");
    let (times, flags) = (vec!["36930000000000"; 20_000].join(","), vec!["1"; 20_000].join(","));
    let item = format!(r#"{{"status":[{flags}],"avg":[{values}]}}"#);
    let json = format!(r#"{{"time":[{times}],"data":[{}]}}"#, vec![&item[..]; 60].join(","));
    assert!(json.len() > 20 << 20);
    assert!(read(Form::Data, json.as_bytes(), &Limits::DEFAULT).is_ok());
    // JSON in a detail of a session is not nested: it is a text.
    let deep = format!(r#"{{"id":"","state":"open","details":{{"a":"{}"}}}}"#, "[".repeat(1 << 20));
    assert!(read(Form::Session, deep.as_bytes(), &Limits::DEFAULT).is_ok());
}

//! Records that are kept, compared, and written again.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::wildcard_enum_match_arm)]

use atlas_stream::{
    Aggregates, BindError, Columns, DataFormat, Decoder, EncodeErrorKind, Feed, JsonOptions, Limits, Message,
    MessageKind, Notes, ParamKey, RecordRef, TelemetryKind, TelemetryRef, TypeMap, View,
};
use serde_json::Value as Json;
use testkit::vectors::{base64, hex};

/// A key, a value, and whether the vector is written with all that we write.
fn records() -> Vec<(Vec<u8>, Vec<u8>, String)> {
    let lines = include_str!("vectors/atlas.jsonl").lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let valid = lines.filter(|vector| vector["valid"] == true && vector["kind"] != "dependency");
    valid
        .map(|vector| {
            let value = vector["value"].as_str().unwrap_or_default();
            let value = if vector["encoding"] == "base64" { base64(value) } else { value.as_bytes().to_vec() };
            (vector["key"].as_str().unwrap().as_bytes().to_vec(), value, vector["id"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn types() -> TypeMap {
    TypeMap::new()
        .with("{ParameterDataMessage}", MessageKind::ProtobufTelemetry(TelemetryKind::Data))
        .with("{ParameterDataBackFillMessage}", MessageKind::ProtobufTelemetry(TelemetryKind::DataBackFill))
        .with("{ParameterSamplesMessage}", MessageKind::ProtobufTelemetry(TelemetryKind::Samples))
        .with("{ParameterSamplesBackFillMessage}", MessageKind::ProtobufTelemetry(TelemetryKind::SamplesBackFill))
        .with("{EventMessage}", MessageKind::ProtobufEvent)
}

#[test]
fn what_is_kept_is_what_was_read() {
    let mut decoder = Decoder::new().with_types(types());
    let mut kept = Vec::new();
    for (key, value, id) in records() {
        let record = decoder.decode(&key, &value).unwrap();
        let message = record.message().clone();
        let has_nan = value.windows(3).any(|part| part == b"NaN") || id == "atlas-065";
        assert_eq!(message == message.clone().into_owned(), !has_nan, "{id}: a NaN is equal to none");
        kept.push((id, record.kind(), record.into_message().into_owned(), has_nan));
    }
    // The decoder went on, and nothing of what was kept changed.
    for ((key, value, id), (kept_id, kind, message, has_nan)) in records().iter().zip(&kept) {
        let record = decoder.decode(key, value).unwrap();
        assert_eq!((id, record.kind()), (kept_id, *kind));
        assert!(*has_nan || record.message() == message, "{id}");
    }
    assert_eq!(kept.len(), 68);
}

#[test]
fn what_was_read_is_written_in_what_it_came_in() {
    let mut decoder = Decoder::new().with_types(types());
    let mut written = 0;
    for (key, value, id) in records() {
        let record = decoder.decode(&key, &value).unwrap();
        let mut out = b"before".to_vec();
        if record.notes().contains(Notes::LEGACY_SAMPLES) {
            assert!(record.encode(&mut out).is_err());
            assert_eq!(out, b"before", "{id}");
            continue;
        }
        record.encode(&mut out).unwrap();
        let message = record.message().clone().into_owned();
        let again = out.split_off(6);
        let record = decoder.decode(&key, &again).unwrap();
        let is_same = *record.message() == message;
        let has_nan = value.windows(3).any(|part| part == b"NaN") || id == "atlas-065";
        // What was not told is told now: a feed.
        assert!(is_same || has_nan, "{id}: {message:?} {:?}", record.message());
        written += 1;
    }
    assert_eq!(written, 66);
}

#[test]
fn messages_differ_in_anything_they_hold() {
    let base =
        br#"{"epoch":1,"time":[1,2],"data":[{"status":[1,1],"avg":[0.5,1.5],"x":1}],"feed":"f","format":"a","y":2}"#;
    let text = core::str::from_utf8(base).unwrap();
    let read = |value: &str| RecordRef::decode(b"tdata:a", value.as_bytes()).unwrap().into_message().into_owned();
    let one = read(text);
    assert_eq!(one, read(text));
    for (from, to) in [
        ("\"epoch\":1", "\"epoch\":2"),
        ("[1,2]", "[1,3]"),
        ("[1,1]", "[1,17]"),
        ("avg", "min"),
        ("0.5", "0.25"),
        ("\"x\":1", "\"x\":2"),
        ("\"f\"", "\"g\""),
        ("\"a\"", "\"b\""),
        ("\"y\":2", "\"y\":3"),
    ] {
        assert_ne!(one, read(&text.replace(from, to)), "{from}");
    }
}

#[test]
fn notes_of_protobuf() {
    let notes = |digits: &str| TelemetryRef::decode_protobuf(TelemetryKind::Data, &hex(digits)).unwrap().1;
    // One time, and a parameter of one status and one mean.
    let good = "22 01 05 2a 12 08 00 12 0e 0a 02";
    assert_eq!(notes(&format!("{good} 81 01 22 08 0000000000000000")), Notes::NONE, "128 and 1");
    assert_eq!(notes(&format!("{good} 81 02 22 08 0000000000000000")), Notes::UNKNOWN_STATUS, "256 and 1");
    // The epoch as 64 bits; then a parameter twice.
    assert_eq!(notes("19 0000000000000000"), Notes::SKIPPED_FIELD);
    assert_eq!(notes("2a 02 08 01 2a 02 08 01"), Notes::DUPLICATE_MEMBER);
    assert_eq!(notes("2a 02 08 01 2a 02 08 02"), Notes::NONE);
    let bytes = hex("09 0000000000000000 1a 01 61");
    let event = atlas_stream::Event::decode_protobuf(&bytes).unwrap();
    assert_eq!((event.0.epoch, &*event.0.id, event.1), (0, "a", Notes::SKIPPED_FIELD));
}

#[test]
fn samples_with_names_need_no_format() {
    let value = br#"{"feed":"raw","format":"f","data":{"a":{"values":[1.5],"epoch":0,"time":[1]}}}"#;
    let record = RecordRef::decode_with(b"tsamples:a", value, &Limits::DEFAULT).unwrap();
    let Message::Samples(samples) = record.message() else { panic!() };
    let view = View::new("raw").with("b", Aggregates::AVG).with("a", Aggregates::AVG);
    let bound = view.bind_named(samples).unwrap();
    let [b, a] = [0, 1].map(|index| bound.column(index).unwrap());
    assert!(b.is_missing() && b.values().is_empty() && b.times().is_empty());
    assert_eq!((a.values().to_vec(), a.times().to_vec(), a.identifier()), (vec![1.5], vec![1], "a"));
    assert_eq!(View::new("").bind_named(samples).unwrap_err(), BindError::OtherFeed);
    let data = RecordRef::decode(b"tdata:a", br#"{"time":[],"data":[{"status":[]}],"feed":"raw"}"#).unwrap();
    let Message::Data(data) = data.message() else { panic!() };
    assert_eq!(view.bind_named(data).unwrap_err(), BindError::NoNames);
}

#[test]
fn records_of_others_are_counted() {
    let mut decoder = Decoder::new();
    for (key, foreign) in [(&b"lap:a"[..], 0), (b"lap", 1), (b"\xff:a", 2), (b"weather:a", 2), (b"", 3)] {
        let _ = decoder.decode(key, b"");
        assert_eq!(decoder.foreign_records(), foreign, "{key:?}");
    }
}

#[test]
fn a_record_that_is_kept_has_all_of_it() {
    let mut decoder = Decoder::new();
    let record = decoder.decode(b"lap:a:b", br#"{"number":1,"time":2,"type":"OutLap","triggerSource":9}"#).unwrap();
    let kept = record.clone().into_owned();
    assert_eq!((kept.key.as_ref(), kept.kind, kept.notes), (record.key(), Some(MessageKind::Lap), Notes::LETTER_CASE));
    assert_eq!((&kept.message, kept.key.to_string().as_str()), (record.message(), "lap:a:b"));
    let mut out = Vec::new();
    kept.message.encode(kept.kind, &mut out).unwrap();
    assert_eq!(out, br#"{"number":1,"epoch":0,"time":2,"type":"outLap","triggerSource":9}"#);
}

#[test]
fn a_message_is_written_as_nothing_else() {
    let kinds = [
        MessageKind::Start,
        MessageKind::End,
        MessageKind::Session,
        MessageKind::Data,
        MessageKind::Samples,
        MessageKind::Event,
        MessageKind::Lap,
        MessageKind::Sync,
        MessageKind::ProtobufTelemetry(TelemetryKind::Data),
        MessageKind::ProtobufTelemetry(TelemetryKind::DataBackFill),
        MessageKind::ProtobufTelemetry(TelemetryKind::Samples),
        MessageKind::ProtobufTelemetry(TelemetryKind::SamplesBackFill),
        MessageKind::ProtobufEvent,
    ];
    let mut decoder = Decoder::new().with_types(types());
    let mut pairs = 0;
    for (key, value, id) in records() {
        let record = decoder.decode(&key, &value).unwrap();
        let own = record.kind();
        for kind in kinds.into_iter().map(Some).chain([None]).filter(|kind| *kind != own) {
            let both = |one, two| (own == Some(one) && kind == Some(two)) || (own == Some(two) && kind == Some(one));
            // The same in the other encoding, if it has what that needs.
            if both(MessageKind::Event, MessageKind::ProtobufEvent)
                || both(MessageKind::Data, MessageKind::ProtobufTelemetry(TelemetryKind::Data))
                || both(MessageKind::Samples, MessageKind::ProtobufTelemetry(TelemetryKind::Samples))
            {
                continue;
            }
            let mut out = Vec::new();
            let error = record.message().encode(kind, &mut out).unwrap_err();
            assert_eq!((error.kind(), out.len()), (EncodeErrorKind::WrongKind, 0), "{id}: {kind:?}");
            pairs += 1;
        }
    }
    assert!(pairs > 800, "{pairs}");
}

#[test]
fn a_format_that_did_not_fit_leaves_no_trace() {
    let record = RecordRef::decode(
        b"tdata:a",
        br#"{"time":[1],"data":[{"status":[1],"avg":[1.0]},{"status":[1],"avg":[2.0]}],"format":"id"}"#,
    )
    .unwrap();
    let Message::Data(data) = record.message() else { panic!() };
    let feed = |names: &[&'static str]| {
        let feed = names.iter().fold(Feed::new(1.0), |feed, name| feed.with(*name, Aggregates::AVG));
        DataFormat::new().with_feed("", feed)
    };
    let mut view = View::new("").with("vCar", Aggregates::AVG);
    assert_eq!(view.bind(data, &feed(&["vCar"])).unwrap_err(), BindError::UnknownParameter { index: 1, len: 1 });
    let right = feed(&["gLat", "vCar"]);
    assert_eq!(view.bind(data, &right).unwrap().column(0).unwrap().values().to_vec(), [2.0]);
    // Another document under the same id is not looked at before it is said.
    let other = feed(&["vCar", "gLat"]);
    assert_eq!(view.bind(data, &other).unwrap().column(0).unwrap().values().to_vec(), [2.0]);
    view.reset();
    let bound = view.bind(data, &other).unwrap();
    let column = bound.column(0).unwrap();
    assert_eq!((column.values().to_vec(), column.absolute_times().collect::<Vec<_>>()), (vec![1.0], vec![1]));
    assert!(bound.notes().is_empty());
}

#[test]
fn a_large_index_that_comes_twice_in_a_row_counts_once() {
    // 5000 with the epochs 1 and 2, then 5001.
    let bytes = hex("1a 07 08 8827 12 02 08 01 1a 07 08 8827 12 02 08 02 1a 03 08 8927");
    let (samples, notes) = TelemetryRef::decode_protobuf(TelemetryKind::Samples, &bytes).unwrap();
    let found: Vec<_> = samples.parameters().map(|parameter| (parameter.key(), parameter.epoch())).collect();
    assert_eq!((found, notes), (vec![(ParamKey::Index(5000), 2), (ParamKey::Index(5001), 0)], Notes::DUPLICATE_MEMBER));
    let mut columns = Columns::new();
    columns.start(TelemetryKind::Samples, "f", "");
    columns.push_samples(ParamKey::Index(5000), 0, &[], &[]).unwrap();
    columns.push_samples(ParamKey::Index(5000), 0, &[], &[]).unwrap();
    let error = TelemetryRef::from(&columns).encode_protobuf(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::Duplicate);
}

#[test]
fn samples_of_the_old_form_are_the_same_once_they_have_names() {
    let value = br#"{"epoch":7,"time":[1],"data":[[1.0],[2.0]],"feed":"raw","format":"f"}"#;
    let mut columns = Columns::new();
    columns.decode_samples(value).unwrap();
    columns.name_parameters(&Feed::new(0.0).with("a", Aggregates::AVG).with("b", Aggregates::AVG)).unwrap();
    let mut json = Vec::new();
    TelemetryRef::from(&columns).encode_json(&mut json).unwrap();
    let mut again = Columns::new();
    assert_eq!(again.decode_samples(&json).unwrap(), Notes::NONE);
    assert_eq!(again, columns);
}

#[test]
fn the_next_parameter_is_behind_the_last() {
    let mut columns = Columns::new();
    columns.start_data("", "", 0, &[]).unwrap();
    columns.push_data_at(5, &[], &[]).unwrap().push_data(&[], &[]).unwrap();
    let data = TelemetryRef::from(&columns);
    let keys: Vec<_> = data.parameters().map(|parameter| parameter.key()).collect();
    assert_eq!((keys, columns.format()), (vec![ParamKey::Index(5), ParamKey::Index(6)], None));
}

#[test]
fn what_was_read_under_wide_limits_is_written_under_them() {
    let value = br#"{"id":"a","state":"open","x":[[[]]]}"#;
    let record = RecordRef::decode(b"session:a", value).unwrap();
    let narrow = JsonOptions::DEFAULT.with_limits(Limits::DEFAULT.with_max_depth(3));
    assert_eq!(record.encode_with(&mut Vec::new(), &narrow).unwrap_err().kind(), EncodeErrorKind::LimitExceeded);
    let mut out = Vec::new();
    record.encode_with(&mut out, &JsonOptions::DEFAULT.with_limits(Limits::DEFAULT.with_max_depth(4))).unwrap();
    assert_eq!(out, value);
}

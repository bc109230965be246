//! Samples have names in JSON and indexes in protobuf; the data format has both.

use atlas_stream::{
    Aggregates, Columns, DataFormat, EncodeErrorKind, Feed, Limits, Notes, ParamKey, TelemetryKind, TelemetryRef,
};

use crate::proto::*;

const DEFAULT: &Limits = &Limits::DEFAULT;

fn feed() -> Feed<'static> {
    Feed::new(1.0).with("a", Aggregates::AVG).with("b", Aggregates::AVG).with("c", Aggregates::AVG)
}

fn json(columns: &Columns) -> String {
    let mut out = Vec::new();
    TelemetryRef::from(columns).encode_json(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn protobuf(columns: &Columns) -> Vec<u8> {
    let mut out = Vec::new();
    TelemetryRef::from(columns).encode_protobuf(&mut out).unwrap();
    out
}

/// Both vectors have the same content.
#[test]
fn json_samples_become_protobuf_and_the_other_way() {
    let [text, packed] = ["atlas-035", "atlas-064"].map(vector);
    let (format, _) = DataFormat::decode_with(text["format"].as_str().unwrap().as_bytes(), DEFAULT).unwrap();
    let feed = format.feed("raw").unwrap();
    let mut columns = Columns::new();
    columns.decode_samples_with(&value(&text), DEFAULT).unwrap();
    columns.index_parameters(feed).unwrap();
    assert_eq!(protobuf(&columns), value(&packed));
    columns.decode_protobuf_with(TelemetryKind::Samples, &value(&packed), DEFAULT).unwrap();
    columns.name_parameters(feed).unwrap();
    assert_eq!(json(&columns).as_bytes(), value(&text));
}

#[test]
fn names_and_indexes_are_found_by_what_they_are() {
    let mut columns = Columns::new();
    columns.decode_protobuf_with(TelemetryKind::Samples, &message(TelemetryKind::Samples, [2, 0]), DEFAULT).unwrap();
    let found = |columns: &Columns, key| {
        TelemetryRef::from(columns).parameter(key).map(|parameter| parameter.values().unwrap().to_vec())
    };
    assert_eq!((found(&columns, ParamKey::Index(2)), found(&columns, ParamKey::Name("c"))), (Some(vec![2.0]), None));
    columns.name_parameters(&feed()).unwrap();
    assert_eq!((found(&columns, ParamKey::Index(2)), found(&columns, ParamKey::Name("c"))), (None, Some(vec![2.0])));
    assert_eq!((found(&columns, ParamKey::Name("a")), found(&columns, ParamKey::Name("b"))), (Some(vec![0.0]), None));
    // The order of the message stays.
    let keys: Vec<_> = TelemetryRef::from(&columns).parameters().map(|parameter| parameter.key().to_string()).collect();
    assert_eq!(keys, ["c", "a"]);
    columns.name_parameters(&Feed::new(0.0)).unwrap();
    assert!(json(&columns).contains(r#""data":{"c":{"#), "what has a name keeps it");
    columns.index_parameters(&feed()).unwrap();
    assert_eq!(protobuf(&columns), message(TelemetryKind::Samples, [2, 0]));
    let mut pushed = Columns::new();
    pushed.start(TelemetryKind::Samples, "f", "");
    for (name, value) in [("b", 1.0), ("a", 0.0)] {
        pushed.push_samples(ParamKey::Name(name), 5, &[7], &[value]).unwrap();
    }
    assert_eq!((found(&pushed, ParamKey::Name("a")), found(&pushed, ParamKey::Name("c"))), (Some(vec![0.0]), None));
    pushed.index_parameters(&feed()).unwrap();
    assert_eq!(protobuf(&pushed), message(TelemetryKind::Samples, [1, 0]));
}

#[test]
fn what_the_feed_does_not_have_changes_nothing() {
    let mut columns = Columns::new();
    columns.decode_protobuf_with(TelemetryKind::Samples, &message(TelemetryKind::Samples, [0, 3]), DEFAULT).unwrap();
    let before = protobuf(&columns);
    assert_eq!(columns.name_parameters(&feed()).unwrap_err().kind(), EncodeErrorKind::MissingName);
    let twice = Feed::new(0.0)
        .with("a", Aggregates::AVG)
        .with("x", Aggregates::AVG)
        .with("y", Aggregates::AVG)
        .with("a", Aggregates::AVG);
    assert_eq!(columns.name_parameters(&twice).unwrap_err().kind(), EncodeErrorKind::Duplicate);
    assert_eq!(protobuf(&columns), before);
    let mut columns = Columns::new();
    columns.decode_samples_with(br#"{"feed":"","format":"f","data":{"a":{"values":[],"epoch":0,"time":[]},"z":{"values":[],"epoch":0,"time":[]}}}"#, DEFAULT).unwrap();
    let before = json(&columns);
    assert_eq!(columns.index_parameters(&feed()).unwrap_err().kind(), EncodeErrorKind::MissingIndex);
    assert_eq!(json(&columns), before);
}

/// The old form has indexes, and is written in the new one.
#[test]
fn samples_of_the_old_form_are_written_in_the_new_one() {
    let mut columns = Columns::new();
    let old = br#"{"epoch":5,"data":[[0.5,1.5],["NaN",2]],"time":[1,2.0],"format":"f"}"#;
    let notes = columns.decode_samples_with(old, DEFAULT).unwrap();
    assert_eq!(notes, Notes::LEGACY_SAMPLES | Notes::QUOTED_NAN);
    let mut out = Vec::new();
    let error = TelemetryRef::from(&columns).encode_json(&mut out).unwrap_err();
    assert_eq!((error.kind(), out.len()), (EncodeErrorKind::MissingName, 0));
    columns.name_parameters(&feed()).unwrap();
    let due = r#"{"feed":"","format":"f","data":{"a":{"values":[0.5,1.5],"epoch":5,"time":[1,2]},"b":{"values":["NaN",2.0],"epoch":5,"time":[1,2]}}}"#;
    assert_eq!(json(&columns), due);
}

#[test]
fn each_encoding_wants_its_own() {
    let mut columns = Columns::new();
    columns.start(TelemetryKind::Samples, "f", "").push_samples(ParamKey::Name("a"), 0, &[], &[]).unwrap();
    let error = testkit::laws::nothing_written(|out| TelemetryRef::from(&columns).encode_protobuf(out));
    assert_eq!(error.kind(), EncodeErrorKind::MissingIndex);
    for kind in [TelemetryKind::DataBackFill, TelemetryKind::SamplesBackFill] {
        let mut columns = Columns::new();
        columns.start(kind, "f", "");
        let error = testkit::laws::nothing_written(|out| TelemetryRef::from(&columns).encode_json(out));
        assert_eq!(error.kind(), EncodeErrorKind::NoJson);
    }
    // Data in JSON has no index but its place.
    for (keys, is_good) in [(&[0, 1][..], true), (&[1, 0], true), (&[0, 2], false), (&[1], false), (&[], true)] {
        let bytes = message(TelemetryKind::Data, keys.iter().copied());
        let telemetry = TelemetryRef::decode_protobuf_with(TelemetryKind::Data, &bytes, DEFAULT).unwrap().0;
        let mut out = Vec::new();
        let found = telemetry.encode_json(&mut out).map_err(|error| error.kind());
        assert_eq!(found, if is_good { Ok(()) } else { Err(EncodeErrorKind::Gap) });
        if is_good {
            let mut again = Columns::new();
            again.decode_data_with(&out, DEFAULT).unwrap();
            let firsts: Vec<_> = TelemetryRef::from(&again)
                .parameters()
                .map(|parameter| parameter.avg().unwrap().get(0).unwrap())
                .collect();
            assert_eq!(firsts, (0..keys.len()).map(|key| key as f64).collect::<Vec<_>>());
        }
    }
}

/// What is pushed and refused leaves what was there.
#[test]
fn what_cannot_be_pushed_leaves_what_was_there() {
    let mut columns = Columns::new();
    columns.start_data("f", "g", 5, &[1, 2]).unwrap().push_data(&[1, 1], &[(Aggregates::AVG, &[0.5, 1.5])]).unwrap();
    let before = json(&columns);
    let both = Aggregates::MIN | Aggregates::MAX;
    let refused: [(&[u32], &[(Aggregates, &[f64])], EncodeErrorKind); 6] = [
        (&[1], &[], EncodeErrorKind::LengthMismatch),
        (&[1, 1], &[(Aggregates::MIN, &[0.5])], EncodeErrorKind::LengthMismatch),
        (&[1, 1], &[(Aggregates::MIN, &[0.5, 1.5]), (Aggregates::MAX, &[0.5; 3])], EncodeErrorKind::LengthMismatch),
        (&[1, 1], &[(Aggregates::MIN, &[0.5, 1.5]), (Aggregates::MIN, &[0.5, 1.5])], EncodeErrorKind::Duplicate),
        (&[1, 1], &[(both, &[0.5, 1.5])], EncodeErrorKind::WrongKind),
        (&[1, 1], &[(Aggregates::NONE, &[0.5, 1.5])], EncodeErrorKind::WrongKind),
    ];
    for (flags, aggregates, due) in refused {
        assert_eq!(columns.push_data(flags, aggregates).unwrap_err().kind(), due);
        assert_eq!(
            columns.push_late_data(0, 0, &[1, 2], flags, aggregates).unwrap_err().kind(),
            EncodeErrorKind::WrongKind
        );
    }
    assert_eq!(
        columns.push_samples(ParamKey::Index(0), 0, &[1], &[0.5]).unwrap_err().kind(),
        EncodeErrorKind::WrongKind
    );
    assert_eq!(json(&columns), before);
    columns.start(TelemetryKind::Samples, "f", "g");
    assert_eq!(columns.push_data(&[], &[]).unwrap_err().kind(), EncodeErrorKind::WrongKind);
    assert_eq!(
        columns.push_samples(ParamKey::Index(0), 0, &[1], &[]).unwrap_err().kind(),
        EncodeErrorKind::LengthMismatch
    );
    assert_eq!(
        columns.push_samples(ParamKey::Index(0), i64::MAX, &[1], &[0.5]).unwrap_err().kind(),
        EncodeErrorKind::TimeOverflow
    );
    assert_eq!(TelemetryRef::from(&columns).len(), 0);
}

#[test]
fn data_that_cannot_be_begun_leaves_nothing() {
    let mut columns = Columns::new();
    columns.start_data("f", "g", 5, &[1]).unwrap().push_data(&[1], &[]).unwrap();
    let error = columns.start_data("other", "x", i64::MAX, &[1]).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::TimeOverflow);
    let nothing = TelemetryRef::from(&columns);
    assert_eq!((nothing.len(), nothing.times().len(), nothing.format(), nothing.feed()), (0, 0, None, ""));
}

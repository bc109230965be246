//! Parameters in the order of a reader, whatever the order of a data format is.

use atlas_stream::{
    Aggregates, BindError, Bound, Columns, DataFormat, DataStatus, Feed, Limits, TelemetryKind, TelemetryRef, View,
};
use serde_json::Value as Json;

use crate::proto::*;

const DEFAULT: &Limits = &Limits::DEFAULT;
const MIN_MAX: [Aggregates; 2] = [Aggregates::MIN, Aggregates::MAX];

fn format_of(vector: &Json) -> &str {
    vector["format"].as_str().unwrap()
}

/// The telemetry of a vector.
fn columns(vector: &Json) -> Columns {
    let (mut columns, bytes) = (Columns::new(), value(vector));
    let key = vector["key"].as_str().unwrap();
    let _ = match key.split(':').next().unwrap() {
        "tdata" => columns.decode_data_with(&bytes, DEFAULT),
        "tsamples" => columns.decode_samples_with(&bytes, DEFAULT),
        "{ParameterDataMessage}" => columns.decode_protobuf_with(TelemetryKind::Data, &bytes, DEFAULT),
        "{ParameterDataBackFillMessage}" => columns.decode_protobuf_with(TelemetryKind::DataBackFill, &bytes, DEFAULT),
        _ => columns.decode_protobuf_with(TelemetryKind::Samples, &bytes, DEFAULT),
    }
    .unwrap();
    columns
}

fn values(bound: &Bound<'_, '_>) -> Vec<Vec<f64>> {
    bound.columns().map(|column| column.values().to_vec()).collect()
}

#[test]
fn columns_are_in_the_order_of_the_view() {
    for id in ["atlas-022", "atlas-061"] {
        let vector = vector(id);
        let (format, columns) =
            (DataFormat::decode_with(format_of(&vector).as_bytes(), DEFAULT).unwrap().0, columns(&vector));
        let telemetry = TelemetryRef::from(&columns);
        let mut view =
            View::new("").with("gLat:Chassis", MIN_MAX[1] | MIN_MAX[0]).with("vCar:Chassis", Aggregates::AVG);
        assert_eq!((view.len(), view.feed()), (3, ""));
        let bound = view.bind(&telemetry, &format).unwrap();
        let names: Vec<_> = bound.columns().map(|column| (column.identifier(), column.aggregate())).collect();
        assert_eq!(
            names,
            [("gLat:Chassis", Aggregates::MIN), ("gLat:Chassis", Aggregates::MAX), ("vCar:Chassis", Aggregates::AVG)]
        );
        assert_eq!(values(&bound), [[-0.5, -0.75], [0.5, 1.0], [211.5, 212.25]], "{id}");
        assert_eq!(bound.column(0).unwrap().statuses().unwrap(), [1, 17]);
        let last = bound.column(2).unwrap();
        assert_eq!((last.epoch(), last.is_missing()), (1_699_920_000_000_000_000, false));
        assert_eq!(last.times(), [36_930_000_000_000, 36_930_020_000_000]);
        assert!(bound.column(3).is_none());
        let notes = bound.notes();
        assert!(!notes.has_other_aggregates && !notes.has_unknown_names && !notes.has_fewer_parameters);
    }
}

/// What is not there is as many NaN as there are times, with the status of what is missing.
#[test]
fn what_is_missing_is_nan() {
    let vector = vector("atlas-022");
    let (format, columns) =
        (DataFormat::decode_with(format_of(&vector).as_bytes(), DEFAULT).unwrap().0, columns(&vector));
    let telemetry = TelemetryRef::from(&columns);
    let mut view = View::new("")
        .with("vCar:Chassis", Aggregates::AVG | Aggregates::FIRST)
        .with("nobody", Aggregates::MIN)
        .with("x", Aggregates::NONE);
    let bound = view.bind(&telemetry, &format).unwrap();
    let [avg, first, nobody] = [0, 1, 2].map(|index| bound.column(index).unwrap());
    assert_eq!((avg.is_missing(), first.is_missing(), nobody.is_missing()), (false, true, true));
    // The parameter is there, and what is wanted of it is not: its flags are its own.
    assert!(first.values().len() == 2 && first.values().iter().all(f64::is_nan));
    assert_eq!(first.statuses().unwrap(), [1, 1]);
    assert!(nobody.values().len() == 2 && nobody.values().iter().all(f64::is_nan));
    assert_eq!(nobody.statuses().unwrap(), [DataStatus::MISSING.0; 2]);
    assert_eq!((nobody.epoch(), nobody.times()), (telemetry.epoch(), telemetry.times()));
    let nothing = bound.column(3).unwrap();
    assert!(nothing.is_missing() && nothing.aggregate() == Aggregates::NONE && nothing.values().len() == 2);
    assert!(bound.column(4).is_none());
}

/// NaN that is missing is many, not one buffer's worth.
#[test]
fn what_is_missing_is_as_long_as_the_times() {
    let feed = Feed::new(1.0).with("a", Aggregates::AVG);
    let format = DataFormat::new().with_feed("", feed);
    for len in [0, 1, 127, 128, 129, 1000] {
        let mut columns = Columns::new();
        let (times, flags, values) = (vec![5; len], vec![1; len], vec![0.5; len]);
        columns.start_data("f", "", 0, &times).unwrap().push_data(&flags, &[(Aggregates::AVG, &values)]).unwrap();
        let mut view = View::new("").with("b", Aggregates::AVG);
        let telemetry = TelemetryRef::from(&columns);
        let column = view.bind(&telemetry, &format).unwrap().column(0).unwrap();
        let mut count = 0;
        column.values().for_each_chunk(|chunk| count += chunk.iter().filter(|value| value.is_nan()).count());
        assert_eq!((count, column.values().iter().count(), column.values().to_vec().len()), (len, len, len));
        let mut out = vec![1.5; len];
        column.values().copy_to(&mut out).unwrap();
        assert!(out.iter().all(|value| value.is_nan()));
        assert_eq!(column.statuses().unwrap().to_vec(), vec![0; len]);
        assert_eq!((column.values().get(len).is_none(), column.values().iter().len()), (true, len));
    }
}

#[test]
fn a_stream_goes_on_with_another_format() {
    let one = DataFormat::new().with_feed("", Feed::new(1.0).with("a", Aggregates::AVG).with("b", Aggregates::AVG));
    let two = DataFormat::new().with_feed(
        "",
        Feed::new(1.0).with("new", Aggregates::AVG).with("b", Aggregates::AVG).with("a", Aggregates::AVG),
    );
    let mut view = View::new("").with("b", Aggregates::AVG).with("a", Aggregates::AVG).with("new", Aggregates::AVG);
    let data = |format: &str, values: &[f64]| {
        let mut columns = Columns::new();
        columns.start_data(format, "", 0, &[1]).unwrap();
        values.iter().for_each(|value| {
            columns.push_data(&[1], &[(Aggregates::AVG, &[*value])]).unwrap();
        });
        columns
    };
    for _ in 0..2 {
        let columns = data("one", &[1.0, 2.0]);
        let (telemetry, nan) = (TelemetryRef::from(&columns), f64::NAN);
        let found = values(&view.bind(&telemetry, &one).unwrap());
        assert_eq!(format!("{found:?}"), format!("{:?}", [[2.0], [1.0], [nan]]));
        let columns = data("two", &[3.0, 2.0, 1.0]);
        let telemetry = TelemetryRef::from(&columns);
        assert_eq!(values(&view.bind(&telemetry, &two).unwrap()), [[2.0], [1.0], [3.0]]);
    }
    // Of a format that is not told, nothing is remembered.
    for text in [
        r#"{"time":[1],"data":[{"status":[1],"avg":[1.0]},{"status":[1],"avg":[2.0]},{"status":[1],"avg":[3.0]}]}"#,
        "",
    ] {
        let mut columns = Columns::new();
        if text.is_empty() {
            let message = message(TelemetryKind::Data, [1, 2, 3].map(|key| key - 1));
            columns.decode_protobuf_with(TelemetryKind::Data, &message[3..], DEFAULT).unwrap();
            assert_eq!(
                TelemetryRef::from(&columns).format(),
                None,
                "of protobuf no format and an empty one are the same"
            );
        } else {
            columns.decode_data_with(text.as_bytes(), DEFAULT).unwrap();
        }
        let telemetry = TelemetryRef::from(&columns);
        let mut both = Vec::new();
        let swapped = DataFormat::new().with_feed(
            "",
            Feed::new(1.0).with("x", Aggregates::AVG).with("a", Aggregates::AVG).with("b", Aggregates::AVG),
        );
        for format in [&two, &swapped, &two] {
            both.push(view.bind(&telemetry, format).unwrap().column(0).unwrap().values().to_vec()[0]);
        }
        let [first, second, third] =
            [1, 2, 1].map(|index: usize| telemetry.parameters().nth(index).unwrap().avg().unwrap().to_vec()[0]);
        assert_eq!(both, [first, second, third], "{text}");
    }
    // What is wanted more is looked for, too.
    let columns = data("two", &[3.0, 2.0, 1.0]);
    let mut view = view.with("new", Aggregates::AVG);
    let telemetry = TelemetryRef::from(&columns);
    assert_eq!(values(&view.bind(&telemetry, &two).unwrap()), [[2.0], [1.0], [3.0], [3.0]], "the same twice");
}

/// What only a data format tells: the errors and notes of the vectors.
#[test]
fn vectors_that_their_format_refuses() {
    let bind = |id: &str, feed: &str| {
        let vector = vector(id);
        let (format, columns) =
            (DataFormat::decode_with(format_of(&vector).as_bytes(), DEFAULT).unwrap().0, columns(&vector));
        let mut view = View::new(feed).with("vCar:Chassis", Aggregates::AVG).with("gLat:Chassis", Aggregates::MIN);
        let telemetry = TelemetryRef::from(&columns);
        view.bind(&telemetry, &format).map(|bound| (bound.notes(), values(&bound)))
    };
    assert_eq!(bind("atlas-097", "").unwrap_err(), BindError::UnknownParameter { index: 2, len: 2 });
    let (notes, found) = bind("atlas-098", "").unwrap();
    assert!(notes.has_fewer_parameters && !notes.has_other_aggregates);
    assert_eq!(found[0], [211.5, 212.25]);
    assert!(found[1].iter().all(|value| value.is_nan()));
    assert_eq!(bind("atlas-099", "turbo").unwrap_err(), BindError::UnknownFeed);
    assert_eq!(bind("atlas-099", "").unwrap_err(), BindError::OtherFeed);
    let (notes, found) = bind("atlas-100", "").unwrap();
    assert!(notes.has_other_aggregates && !notes.has_fewer_parameters);
    assert!(found[0].iter().all(|value| value.is_nan()), "the mean was told, and the least came");
    assert_eq!(found[1], [0.0, 0.0]);
    assert_eq!(bind("atlas-151", "raw").unwrap_err(), BindError::UnknownParameter { index: 7, len: 2 });
}

/// Of protobuf some may be there and not others, and nothing is noted: it tells which.
#[test]
fn sparse_messages_are_bound() {
    for (id, due) in [("atlas-062", [f64::NAN, 12.5]), ("atlas-063", [3.0, 1.0])] {
        let vector = vector(id);
        let text = format_of(&crate::proto::vector("atlas-061")).to_owned();
        let (format, columns) = (DataFormat::decode_with(text.as_bytes(), DEFAULT).unwrap().0, columns(&vector));
        let telemetry = TelemetryRef::from(&columns);
        let mut view = View::new("raw").with("NGear:ECU", Aggregates::AVG).with("pBrake:ECU", Aggregates::AVG);
        let bound = view.bind(&telemetry, &format).unwrap();
        let found: Vec<_> = bound.columns().map(|column| column.values().get(0).unwrap()).collect();
        assert_eq!(format!("{found:?}"), format!("{due:?}"), "{id}");
        // Late data has times for each: the second of the two has one more.
        let lens: Vec<_> = bound.columns().map(|column| (column.values().len(), column.times().len())).collect();
        assert!(lens.iter().all(|(values, times)| values == times));
    }
}

/// Samples are bound by name from JSON, and by index from protobuf, to the same.
#[test]
fn samples_are_bound_by_name_or_index() {
    for id in ["atlas-035", "atlas-064"] {
        let vector = vector(id);
        let (format, columns) =
            (DataFormat::decode_with(format_of(&vector).as_bytes(), DEFAULT).unwrap().0, columns(&vector));
        let telemetry = TelemetryRef::from(&columns);
        let mut view = View::new("raw").with("pBrake:ECU", Aggregates::AVG).with("NGear:ECU", Aggregates::AVG);
        let bound = view.bind(&telemetry, &format).unwrap();
        let [brake, gear] = [0, 1].map(|index| bound.column(index).unwrap());
        assert!(brake.is_missing() && brake.values().is_empty() && brake.statuses().is_none(), "{id}");
        assert_eq!((gear.values().to_vec(), gear.epoch()), (vec![3.0, 4.0], 1_699_920_000_000_000_000));
        assert_eq!(gear.times(), [36_930_000_000_000, 36_930_812_345_678]);
        assert!(!bound.notes().has_unknown_names && gear.statuses().is_none());
    }
    let mut columns = Columns::new();
    columns
        .start(TelemetryKind::Samples, "f", "")
        .push_samples(atlas_stream::ParamKey::Name("z"), 0, &[1], &[2.5])
        .unwrap();
    let format = DataFormat::new().with_feed("", Feed::new(0.0).with("a", Aggregates::AVG));
    let mut view = View::new("").with("z", Aggregates::AVG);
    let telemetry = TelemetryRef::from(&columns);
    let bound = view.bind(&telemetry, &format).unwrap();
    assert!(bound.notes().has_unknown_names, "its name is not in the format");
    assert_eq!(values(&bound), [[2.5]], "and it has one");
}

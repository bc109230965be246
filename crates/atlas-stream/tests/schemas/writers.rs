//! What is written here passes, and what cannot pass is known.

use atlas_stream::{
    Activity, Aggregates, ApplicationGroup, AtlasConfiguration, Columns, ConfigurationParameter, DATA_FORMAT,
    DataFormat, DateTime, EncodeError, EncodeErrorKind, Event, Feed, JsonOptions, Lap, LapType, Limits, Message, Model,
    NanForm, ParamKey, ParameterGroup, RecordRef, Session, SessionState, Sync, TelemetryKind, TelemetryRef,
    TriggerSource,
};
use serde_json::{Value as Json, json};

use crate::{level, validator, validators, vectors};

const EPOCH: i64 = 1_699_920_000_000_000_000;

#[track_caller]
fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) -> Json {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[track_caller]
fn passes_as(schema: &str, due: &Json, write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
    let written = written(write);
    assert_eq!(&written, due);
    assert!(validator(schema, true).is_valid(&written), "{schema}: {written}");
}

#[test]
fn sessions_pass() {
    use SessionState as State;
    for state in [State::WAITING, State::OPEN, State::CLOSED, State::TRUNCATED, State::FAILED, State::ABANDONED] {
        let session = Session::new("i", state);
        passes_as("session", &json!({"id": "i", "state": state.name()}), |out| session.encode_json(out));
    }
    let mut session = Session::new("i", State::OPEN);
    session.session_type = Some("StreamSession".into());
    session.quality = Some(1.0);
    session.identifier = Some("Räikkönen \"1\"\n".into());
    session.details = Some([("Run".into(), "17".into())].into());
    let mut model = Model::new("aero");
    (model.version, model.configuration) = (Some(3), Some("{}".into()));
    session.model = Some(model);
    session.dependencies = Some([(DATA_FORMAT.into(), vec!["a".into(), "b".into()])].into());
    let mut activity = Activity::default();
    (activity.start, activity.duration_nanos) = (Some(DateTime::from_unix_nanos(EPOCH)), Some(i64::MAX));
    session.activity = Some(activity);
    session.last_heartbeat = Some(DateTime::from_unix_nanos(EPOCH + 1));
    session.sources = vec![Session::new("j", State::CLOSED)];
    session.label = Some("car1".into());
    let due = json!({
        "id": "i", "state": "open", "type": "StreamSession", "quality": 1.0, "identifier": "Räikkönen \"1\"\n",
        "details": {"Run": "17"}, "model": {"group": "aero", "version": 3, "configuration": "{}"},
        "dependencies": {"dataFormat": ["a", "b"]},
        "activity": {"start": "2023-11-14T00:00:00Z", "durationNanos": i64::MAX},
        "lastHeartbeat": "2023-11-14T00:00:00.000000001Z", "sources": [{"id": "j", "state": "closed"}], "label": "car1"
    });
    passes_as("session", &due, |out| session.encode_json(out));
}

#[test]
fn dates_pass_wherever_they_are_in_64_bits() {
    let session_schema = validator("session", true);
    for nanos in [i64::MIN, -1, 0, 1, 951_782_400_000_000_000, i64::MAX] {
        let mut session = Session::new("i", SessionState::OPEN);
        session.last_heartbeat = Some(DateTime::from_unix_nanos(nanos));
        let written = written(|out| session.encode_json(out));
        assert!(session_schema.is_valid(&written), "{written}");
    }
}

#[test]
fn data_passes() {
    let mut columns = Columns::new();
    let data = |columns: &Columns| TelemetryRef::from(columns).into_owned();
    columns.start_data("f", "", EPOCH, &[]).unwrap();
    let due = json!({"epoch": EPOCH, "time": [], "data": [], "feed": "", "format": "f"});
    passes_as("tdata", &due, |out| TelemetryRef::from(data(&columns)).encode_json(out));

    columns.start_data("f", "slow", i64::MIN, &[0, i64::MAX]).unwrap();
    let (small, large) = ([-0.0, 5e-324], [f64::MIN, f64::MAX]);
    columns.push_data(&[0, 1023], &[(Aggregates::AVG, &[0.5, 2.0]), (Aggregates::FIRST, &small)]).unwrap();
    columns.push_data(&[1, 17], &[(Aggregates::MAX, &large), (Aggregates::MIN, &small)]).unwrap();
    columns.push_data(&[1, 1], &[]).unwrap();
    let due = json!({
        "epoch": i64::MIN, "time": [0, i64::MAX], "feed": "slow", "format": "f",
        "data": [{"status": [0, 1023], "avg": [0.5, 2.0], "first": small},
            {"status": [1, 17], "min": small, "max": large}, {"status": [1, 1]}]
    });
    passes_as("tdata", &due, |out| TelemetryRef::from(&columns).encode_json(out));
}

#[test]
fn samples_pass_in_the_form_of_today() {
    let mut columns = Columns::new();
    columns.start(TelemetryKind::Samples, "f", "");
    let due = json!({"feed": "", "format": "f", "data": {}});
    passes_as("tsamples", &due, |out| TelemetryRef::from(&columns).encode_json(out));

    columns.push_samples(ParamKey::Name("NGear:ECU"), EPOCH, &[-1, 2], &[3.0, 0.5]).unwrap();
    columns.push_samples(ParamKey::Name(""), 0, &[], &[]).unwrap();
    let due = json!({"feed": "", "format": "f", "data": {
        "NGear:ECU": {"values": [3.0, 0.5], "epoch": EPOCH, "time": [-1, 2]},
        "": {"values": [], "epoch": 0, "time": []}
    }});
    passes_as("tsamples", &due, |out| TelemetryRef::from(&columns).encode_json(out));
}

#[test]
fn nan_passes_in_samples_and_in_no_form_as_data_or_with_events() {
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let (mut data, mut samples) = (Columns::new(), Columns::new());
    data.start_data("f", "", 0, &[1, 2, 3]).unwrap().push_data(&[1, 1, 1], &[(Aggregates::AVG, &values)]).unwrap();
    samples.start(TelemetryKind::Samples, "f", "").push_samples(ParamKey::Name("p"), 0, &[1, 2, 3], &values).unwrap();
    let mut event = Event::new(1, 2, "e");
    event.values = values.to_vec().into();
    for nan in [NanForm::Quoted, NanForm::Null] {
        let options = JsonOptions::DEFAULT.with_nan(nan);
        let passes = |schema, written| validator(schema, true).is_valid(&written);
        assert!(passes("tsamples", written(|out| TelemetryRef::from(&samples).encode_json_with(out, &options))));
        assert!(!passes("tdata", written(|out| TelemetryRef::from(&data).encode_json_with(out, &options))));
        assert!(!passes("events", written(|out| event.encode_json_with(out, &options))));
    }
}

#[test]
fn events_pass() {
    let mut event = Event::new(EPOCH, -2, "02D4:Chassis");
    let due = json!({"epoch": EPOCH, "time": -2, "id": "02D4:Chassis", "values": []});
    passes_as("events", &due, |out| event.encode_json(out));
    (event.status, event.values) = (Some("".into()), vec![3.0, 0.25].into());
    let due = json!({"epoch": EPOCH, "time": -2, "id": "02D4:Chassis", "status": "", "values": [3.0, 0.25]});
    passes_as("events", &due, |out| event.encode_json(out));
}

#[test]
fn laps_pass() {
    for (lap_type, name) in
        [(LapType::Fast, "fastLap"), (LapType::PitLane, "pitLane"), (LapType::Out, "outLap"), (LapType::In, "inLap")]
    {
        for (number, source) in [(0, TriggerSource::MAIN_STRAIGHT), (i64::MIN, TriggerSource(i64::MAX))] {
            let due = json!({"number": number, "epoch": EPOCH, "time": 1, "type": name, "triggerSource": source.0});
            let lap = Lap::new(number, EPOCH, 1, lap_type.clone(), source);
            passes_as("lap", &due, |out| lap.encode_json(out));
        }
    }
    // What came with a name that nobody knows goes with it.
    let lap = Lap::new(1, 2, 3, LapType::from_name("raceLap"), TriggerSource::DEFAULT);
    assert!(!validator("lap", false).is_valid(&written(|out| lap.encode_json(out))));
}

#[test]
fn syncs_pass_or_are_nothing() {
    passes_as("sync", &json!({"epoch": EPOCH, "time": 5}), |out| Sync::new(EPOCH, 5).encode_json(out));
    let mut out = Vec::new();
    Sync::default().encode_json(&mut out).unwrap();
    assert!(out.is_empty());
}

#[test]
fn data_formats_pass() {
    let mut format = DataFormat::new();
    passes_as("data-format", &json!({"feeds": {}}), |out| format.encode(out));
    let feed = Feed::new(50.0).with("vCar:Chassis", Aggregates::AVG).with("g", Aggregates::MIN | Aggregates::MAX);
    format = format.with_feed("", feed).with_feed("raw", Feed::new(0.0));
    let due = json!({"feeds": {
        "": {"parameters": [{"identifier": "vCar:Chassis", "aggregates": "Avg"}, {"identifier": "g", "aggregates": "Min, Max"}],
            "frequency": 50.0},
        "raw": {"parameters": [], "frequency": 0.0}
    }});
    passes_as("data-format", &due, |out| format.encode(out));
}

#[test]
fn configurations_pass() {
    let mut parameter = ConfigurationParameter::default();
    (parameter.name, parameter.units) = (Some("vCar".into()), Some("kmh".into()));
    parameter.description = Some("speed".into());
    let mut group = ParameterGroup::default();
    group.parameters.push(("vCar:Chassis".into(), parameter));
    group.parameters.push(("a:b".into(), ConfigurationParameter::default()));
    group.groups.push(("inner".into(), ParameterGroup::default()));
    let mut application = ApplicationGroup::default();
    application.tree.groups.push(("State".into(), group));
    let mut configuration = AtlasConfiguration::default();
    passes_as("atlas-configuration", &json!({"appGroups": {}}), |out| configuration.encode(out));
    configuration.app_groups.push(("Chassis".into(), application));
    let due = json!({"appGroups": {"Chassis": {"conversions": {}, "events": {}, "parameters": {}, "groups": {"State": {
        "groups": {"inner": {"groups": {}, "parameters": {}}},
        "parameters": {"vCar:Chassis": {"name": "vCar", "units": "kmh", "description": "speed"}, "a:b": {}}
    }}}}});
    passes_as("atlas-configuration", &due, |out| configuration.encode(out));
}

#[test]
fn documents_of_the_vectors_are_written_as_they_were_and_pass() {
    let mut seen = [0, 0];
    for vector in vectors().into_iter().filter(|vector| vector["kind"] == "dependency" && vector["valid"] == true) {
        let text = vector["value"].as_str().unwrap();
        let is_format = vector["key"].as_str().unwrap().starts_with("dev/dataFormat/");
        let mut out = Vec::new();
        if is_format {
            DataFormat::decode_with(text.as_bytes(), &Limits::DEFAULT).unwrap().0.encode(&mut out).unwrap();
        } else {
            AtlasConfiguration::decode_with(text.as_bytes(), &Limits::DEFAULT).unwrap().0.encode(&mut out).unwrap();
        }
        // Those whose ids are made of their text.
        if vector["sha1"].is_string() {
            assert_eq!(String::from_utf8_lossy(&out), text, "{}", vector["id"]);
        }
        let schema = if is_format { "data-format" } else { "atlas-configuration" };
        assert!(validator(schema, true).is_valid(&serde_json::from_slice(&out).unwrap()), "{}", vector["id"]);
        seen[usize::from(is_format)] += 1;
    }
    assert_eq!(seen, [2, 3]);
}

// What is not of the type that it should be is kept as unknown; no empty map is written beside it.
#[test]
fn members_of_another_type_are_not_written_twice() {
    // serde_json would take the last without a word.
    let text = r#"{"appGroups":{"a":{"conversions":null,"events":null,"groups":null,"parameters":null}}}"#;
    let mut out = Vec::new();
    AtlasConfiguration::decode_with(text.as_bytes(), &Limits::DEFAULT).unwrap().0.encode(&mut out).unwrap();
    for name in ["conversions", "events", "groups", "parameters"] {
        let count = String::from_utf8_lossy(&out).matches(&format!("\"{name}\":")).count();
        assert_eq!(count, 1, "{name} in {}", String::from_utf8_lossy(&out));
    }
}

// A reader would keep only one of them.
#[test]
fn a_parameter_is_not_written_twice() {
    let mut columns = Columns::new();
    columns.start(TelemetryKind::Samples, "f", "");
    let twice = ["p", "p"].map(|name| columns.push_samples(ParamKey::Name(name), 0, &[1], &[2.0]).map(drop));
    let mut out = Vec::new();
    let written = TelemetryRef::from(&columns).encode_json(&mut out);
    let refused = twice.into_iter().chain([written]).filter_map(Result::err).map(|error| error.kind()).next();
    assert_eq!(refused, Some(EncodeErrorKind::Duplicate), "{}", String::from_utf8_lossy(&out));
}

/// Read although they are not as they should be, and written as they came, or with NaN in data: what cannot pass.
const AS_THEY_CAME: [&str; 4] = ["atlas-082", "atlas-091", "atlas-092", "atlas-126"];
/// Date without an offset, which is not made up.
const WITHOUT_OFFSET: &str = "atlas-134";

#[test]
fn what_is_read_is_written_so_that_it_passes() {
    let schemas = [validators(false), validators(true)];
    let mut seen = 0;
    for vector in vectors() {
        let is_read = vector["valid"] == true || vector["lenient"] == true || level(&vector) == "order";
        let (Some(key), Some(value), false) =
            (vector["key"].as_str(), vector["value"].as_str(), vector["encoding"].is_string())
        else {
            continue;
        };
        if !is_read || vector["kind"] == "dependency" {
            continue;
        }
        let record = RecordRef::decode(key.as_bytes(), value.as_bytes());
        let mut out = Vec::new();
        let schema = match record.unwrap_or_else(|error| panic!("{}: {error}", vector["id"])).into_message() {
            Message::Session(session) => session.encode_json(&mut out).map(|()| "session"),
            Message::Event(event) => event.encode_json(&mut out).map(|()| "events"),
            Message::Lap(lap) => lap.encode_json(&mut out).map(|()| "lap"),
            Message::Data(data) => data.encode_json(&mut out).map(|()| "tdata"),
            Message::Samples(samples) => named(samples, &vector).encode_json(&mut out).map(|()| "tsamples"),
            Message::Sync(sync) if !value.is_empty() => sync.encode_json(&mut out).map(|()| "sync"),
            _ => continue,
        }
        .unwrap_or_else(|error| panic!("{}: {error}", vector["id"]));
        let written: Json = serde_json::from_slice(&out).unwrap();
        let id = vector["id"].as_str().unwrap();
        let passes = schemas.each_ref().map(|schemas| schemas[schema].is_valid(&written));
        let can = !AS_THEY_CAME.contains(&id);
        assert_eq!(passes, [can, can && id != WITHOUT_OFFSET], "{id}: {written}");
        seen += 1;
    }
    assert_eq!(seen, 79);
}

/// Samples of the older form have no names but in the data format.
fn named<'a>(samples: TelemetryRef<'a>, vector: &Json) -> TelemetryRef<'a> {
    let mut columns = samples.into_owned();
    if let Some(format) = vector["format"].as_str() {
        let (format, _) = DataFormat::decode_with(format.as_bytes(), &Limits::DEFAULT).unwrap();
        columns.name_parameters(format.feed("raw").unwrap()).unwrap();
    }
    columns.into()
}

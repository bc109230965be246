//! Every golden record: what is valid is read without a note, what a tolerant reader may take is noted, and all else is refused.

#![allow(
    clippy::excessive_precision,
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use atlas_stream::{
    AtlasConfiguration, DataFormat, DecodeError, DecodeErrorKind, Decoder, Limits, Message, MessageKind, Notes,
    ParamKey, RecordRef, TelemetryKind, TypeMap,
};
use serde_json::Value as Json;
use testkit::vectors::base64;

fn vectors() -> impl Iterator<Item = Json> {
    include_str!("vectors/atlas.jsonl").lines().map(|line| serde_json::from_str(line).unwrap())
}

fn bytes(text: &Json, encoding: &Json) -> Vec<u8> {
    let text = text.as_str().unwrap_or_default();
    if encoding == "base64" { base64(text) } else { text.as_bytes().to_vec() }
}

/// Every message of protobuf, under its own name between braces.
fn decoder() -> Decoder {
    let types = TypeMap::new()
        .with("{ParameterDataMessage}", MessageKind::ProtobufTelemetry(TelemetryKind::Data))
        .with("{ParameterDataBackFillMessage}", MessageKind::ProtobufTelemetry(TelemetryKind::DataBackFill))
        .with("{ParameterSamplesMessage}", MessageKind::ProtobufTelemetry(TelemetryKind::Samples))
        .with("{ParameterSamplesBackFillMessage}", MessageKind::ProtobufTelemetry(TelemetryKind::SamplesBackFill))
        .with("{EventMessage}", MessageKind::ProtobufEvent);
    Decoder::new().with_types(types)
}

/// What is open here although the published schema has an enumeration: what is unknown is a value.
const OPEN: [&str; 3] = ["atlas-119", "atlas-125", "atlas-154"];
/// What only a data format tells.
const BY_FORMAT: [&str; 5] = ["atlas-097", "atlas-098", "atlas-099", "atlas-100", "atlas-151"];

fn read(decoder: &mut Decoder, vector: &Json) -> Result<Notes, DecodeError> {
    let (key, value) = (bytes(&vector["key"], &vector["key_encoding"]), bytes(&vector["value"], &vector["encoding"]));
    if vector["kind"] == "dependency" {
        let limits = Limits::DEFAULT;
        return if vector["key"].as_str().unwrap().contains("/dataFormat/") {
            DataFormat::decode_with(&value, &limits).map(|(_, notes)| notes)
        } else {
            AtlasConfiguration::decode_with(&value, &limits).map(|(_, notes)| notes)
        };
    }
    decoder.decode(&key, &value).map(|record| record.notes())
}

#[test]
fn every_vector_is_taken_noted_or_refused() {
    let mut decoder = decoder();
    let (mut taken, mut noted, mut refused) = (0, 0, 0);
    for vector in vectors() {
        let id = vector["id"].as_str().unwrap();
        if id == "atlas-079" || id == "atlas-157" || vector["level"] == "order" || BY_FORMAT.contains(&id) {
            continue;
        }
        let found = read(&mut decoder, &vector);
        if vector["valid"] == true {
            // Both are in vectors that the published schemas let pass.
            let may_be = Notes::LEGACY_SAMPLES | Notes::QUOTED_NAN;
            assert!(found.is_ok_and(|notes| may_be.contains(notes)), "{id}: {found:?}");
            taken += 1;
        } else if vector["lenient"] == true || OPEN.contains(&id) {
            assert!(found.is_ok_and(|notes| !notes.is_empty()), "{id}: {found:?}");
            noted += 1;
        } else {
            assert!(found.is_err(), "{id}: {found:?}");
            refused += 1;
        }
    }
    assert_eq!((taken, noted, refused), (73, 24, 46));
}

#[test]
fn refused_values_tell_where_and_what() {
    let due = [
        ("atlas-081", DecodeErrorKind::InvalidSyntax, "time", "time[1]"),
        ("atlas-083", DecodeErrorKind::UnexpectedEnd, "value", ""),
        ("atlas-084", DecodeErrorKind::UnexpectedType, "value", ""),
        ("atlas-085", DecodeErrorKind::MissingMember, "time", ""),
        ("atlas-087", DecodeErrorKind::MissingMember, "status", "data[0]"),
        ("atlas-089", DecodeErrorKind::UnexpectedType, "item", "data[0]"),
        ("atlas-090", DecodeErrorKind::UnexpectedType, "status", "data[0].status[0]"),
        ("atlas-093", DecodeErrorKind::InvalidInteger, "time", "time[0]"),
        ("atlas-094", DecodeErrorKind::UnexpectedType, "epoch", "epoch"),
        ("atlas-095", DecodeErrorKind::LengthMismatch, "status", "data[0].status"),
        ("atlas-096", DecodeErrorKind::LengthMismatch, "avg", "data[0].avg"),
        ("atlas-101", DecodeErrorKind::TimeOverflow, "time", "time"),
        ("atlas-106", DecodeErrorKind::MissingMember, "epoch", "data[\"NGear:ECU\"]"),
        ("atlas-109", DecodeErrorKind::LengthMismatch, "values", "data[\"NGear:ECU\"].values"),
        ("atlas-110", DecodeErrorKind::UnexpectedType, "values", "data[\"NGear:ECU\"].values[0]"),
        ("atlas-111", DecodeErrorKind::LengthMismatch, "values", "data[1]"),
        ("atlas-112", DecodeErrorKind::InvalidSyntax, "values", "data.p.values[1]"),
        ("atlas-113", DecodeErrorKind::MissingMember, "values", ""),
        ("atlas-131", DecodeErrorKind::InvalidInteger, "durationNanos", "activity.durationNanos"),
        ("atlas-132", DecodeErrorKind::MissingMember, "group", "model"),
        ("atlas-133", DecodeErrorKind::InvalidDateTime, "start", "activity.start"),
        ("atlas-149", DecodeErrorKind::UnexpectedEnd, "value", ""),
        ("atlas-150", DecodeErrorKind::LengthMismatch, "statuses", "parameters[0].statuses"),
        ("atlas-152", DecodeErrorKind::NegativeIndex, "parameters", "parameters[-1]"),
    ];
    let mut decoder = decoder();
    for (id, kind, what, path) in due {
        let vector = vectors().find(|vector| vector["id"] == id).unwrap();
        let error = read(&mut decoder, &vector).unwrap_err();
        let value = bytes(&vector["value"], &vector["encoding"]);
        assert_eq!((error.kind(), error.what(), error.path(&value).as_str()), (kind, what, path), "{id}: {error}");
        assert!(!error.is_of_key(), "{id}");
    }
}

#[test]
fn errors_are_small_and_copied() {
    const fn is_copy<T: Copy>() {}
    is_copy::<DecodeError>();
    assert!(size_of::<DecodeError>() <= 32, "{}", size_of::<DecodeError>());
}

#[test]
fn both_encodings_have_the_same_columns() {
    let mut pairs = 0;
    for (json, protobuf) in [("atlas-022", "atlas-061"), ("atlas-035", "atlas-064")] {
        let [json, protobuf] = [json, protobuf].map(|id| vectors().find(|vector| vector["id"] == id).unwrap());
        let [json_value, protobuf_value] =
            [&json, &protobuf].map(|vector| bytes(&vector["value"], &vector["encoding"]));
        let mut decoders = [decoder(), decoder()];
        let [one, two] = &mut decoders;
        let one = one.decode(json["key"].as_str().unwrap().as_bytes(), &json_value).unwrap();
        let two = two.decode(protobuf["key"].as_str().unwrap().as_bytes(), &protobuf_value).unwrap();
        let (one, two) = match (one.message(), two.message()) {
            (Message::Data(one), Message::Data(two)) | (Message::Samples(one), Message::Samples(two)) => (one, two),
            other => panic!("{other:?}"),
        };
        assert!(two.is_in_place() && !one.is_in_place());
        assert_eq!((one.format(), one.feed(), one.len()), (two.format(), two.feed(), two.len()));
        for (index, one) in (0..).zip(one.parameters()) {
            let two = two.parameter(ParamKey::Index(index)).unwrap();
            assert_eq!((one.epoch(), one.times()), (two.epoch(), two.times()));
            assert_eq!((one.statuses(), one.avg(), one.min()), (two.statuses(), two.avg(), two.min()));
            assert_eq!((one.max(), one.first(), one.values()), (two.max(), two.first(), two.values()));
            pairs += 1;
        }
    }
    assert_eq!(pairs, 3);
}

/// Valid messages of the vectors in the layout of the documents are written as they came.
#[test]
fn what_was_read_is_written_as_it_came() {
    let mut decoder = decoder();
    let (mut same, mut close) = (0, 0);
    for vector in vectors().filter(|vector| vector["valid"] == true && vector["kind"] != "dependency") {
        let key = bytes(&vector["key"], &vector["key_encoding"]);
        let value = bytes(&vector["value"], &vector["encoding"]);
        let record = decoder.decode(&key, &value).unwrap();
        let mut out = Vec::new();
        let is_protobuf = vector["encoding"] == "base64";
        match record.message() {
            Message::Session(session) => session.encode_json(&mut out).unwrap(),
            Message::Data(telemetry) | Message::Samples(telemetry) if is_protobuf => {
                telemetry.encode_protobuf(&mut out).unwrap();
            }
            Message::Data(telemetry) => telemetry.encode_json(&mut out).unwrap(),
            Message::Samples(telemetry) if !record.notes().contains(Notes::LEGACY_SAMPLES) => {
                telemetry.encode_json(&mut out).unwrap();
            }
            Message::Event(event) if is_protobuf => event.encode_protobuf(&mut out).unwrap(),
            Message::Event(event) => event.encode_json(&mut out).unwrap(),
            Message::Lap(lap) => lap.encode_json(&mut out).unwrap(),
            Message::Sync(sync) => sync.encode_json(&mut out).unwrap(),
            Message::Start | Message::End | Message::Samples(_) | Message::Unknown(_) => continue,
            other => panic!("{other:?}"),
        }
        if out == value {
            same += 1;
            continue;
        }
        // Numbers in another form, defaults that are told, members in another order.
        close += 1;
        let again = decoder.decode(&key, &out).unwrap();
        assert!(again.notes().is_empty() || again.notes() == Notes::QUOTED_NAN, "{}", vector["id"]);
        if !is_protobuf {
            let [mut due, mut found] = [&value, &out].map(|text| serde_json::from_slice::<Json>(text).unwrap());
            for missing in ["epoch", "feed"] {
                if due.get(missing).is_none() {
                    due.as_object_mut().unwrap().remove(missing);
                    found.as_object_mut().unwrap().remove(missing);
                }
            }
            drop_nulls(&mut due);
            assert!(equal(&due, &found), "{}: {due} {found}", vector["id"]);
        }
    }
    assert!(same >= 40, "{same} and {close}");
}

/// What is `null` is left out.
fn drop_nulls(json: &mut Json) {
    if let Json::Object(members) = json {
        members.retain(|_, value| !value.is_null());
        members.values_mut().for_each(drop_nulls);
    }
}

/// JSON whose numbers are equal, in whatever form they are.
fn equal(one: &Json, two: &Json) -> bool {
    match (one, two) {
        (Json::Number(one), Json::Number(two)) => one.as_f64() == two.as_f64(),
        (Json::Array(one), Json::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| equal(one, two))
        }
        (Json::Object(one), Json::Object(two)) => {
            one.len() == two.len()
                && one.iter().all(|(name, value)| two.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => one == two,
    }
}

/// The example of the document that the project starts from has a comma too many, twice.
#[test]
fn the_published_example_of_samples_is_not_json() {
    let published = r#"{
  "feed": "5hz",
  "format": "9eb6ba4140f1",
  "data": {
    "parameter1": {
      "values": [
        53.424999237060547,
        53.325000762939453,
      ],
      "epoch": 1581033600000000000,
      "time": [
        37132482000000,
        37132682000000,
      ]
    },
  }
}"#;
    let error = RecordRef::decode(b"tsamples:a", published.as_bytes()).unwrap_err();
    let comma = published.find("]").unwrap();
    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::InvalidSyntax, comma as u64));
    assert_eq!(error.path(published.as_bytes()), "data.parameter1.values[2]");
    let mended: String = published.replace(",\n      ]", "\n      ]").replace("},\n  }", "}\n  }");
    let record = RecordRef::decode(b"tsamples:a", mended.as_bytes()).unwrap();
    let Message::Samples(samples) = record.message() else { panic!() };
    let first = samples.parameters().next().unwrap();
    assert_eq!(first.values().unwrap(), [53.424999237060547, 53.325000762939453]);
    assert_eq!(first.absolute_times().next(), Some(1_581_033_600_000_000_000 + 37_132_482_000_000));
}

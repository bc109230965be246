//! What nobody here knows (law 10).

use atlas_stream::{Columns, LapType, Limits, Message, RecordRef, TelemetryRef, TriggerSource};
use testkit::laws;

use crate::telemetry_json;

const DEFAULT: &Limits = &Limits::DEFAULT;

/// What nobody here knows comes out as it came, and goes back in.
#[test]
fn law_10_what_is_unknown_passes_through() {
    fn telemetry(columns: Columns) -> Vec<u8> {
        telemetry_json(&columns)
    }
    let data = |bytes: &[u8]| {
        let mut columns = Columns::new();
        columns.decode_data_with(bytes, DEFAULT).unwrap();
        columns
    };
    let json = br#"{"epoch":0,"time":[1,2],"data":[{"status":[256,4294967295],"avg":[0.5,1.5],"stdDev":[0.1 ,null]}],"feed":"","format":"f","quality":{"a":[1]},"x":"\u0041"}"#;
    laws::pass_through(
        json,
        data,
        |columns| {
            let telemetry = TelemetryRef::from(columns);
            let parameter = telemetry.parameters().next().unwrap();
            telemetry.unknown().get("quality") == Some(r#"{"a":[1]}"#)
                && parameter.unknown().get("stdDev") == Some("[0.1 ,null]")
                && parameter.statuses().unwrap() == [256, u32::MAX]
        },
        |columns| telemetry(columns.clone()),
    );
    let json = br#"{"feed":"","format":"f","data":{"a":{"values":[0.5],"epoch":0,"time":[1],"unit":"m"}},"epoch":"not ours","z":null}"#;
    let samples = |bytes: &[u8]| {
        let mut columns = Columns::new();
        columns.decode_samples_with(bytes, DEFAULT).unwrap();
        columns
    };
    // In the new form `epoch` beside `data` means nothing, and is kept behind what was known to mean nothing at once.
    let found = telemetry(samples(json));
    assert_eq!(
        String::from_utf8(found).unwrap(),
        r#"{"feed":"","format":"f","data":{"a":{"values":[0.5],"epoch":0,"time":[1],"unit":"m"}},"z":null,"epoch":"not ours"}"#
    );
    let without = Columns::new().with_unknown_members(false);
    for (json, is_samples) in [(&br#"{"time":[],"data":[{"status":[],"x":1}],"y":2}"#[..], false), (json, true)] {
        let mut columns = without.clone();
        if is_samples {
            columns.decode_samples_with(json, DEFAULT).unwrap()
        } else {
            columns.decode_data_with(json, DEFAULT).unwrap()
        };
        let telemetry = TelemetryRef::from(&columns);
        assert!(
            telemetry.unknown().is_empty() && telemetry.parameters().all(|parameter| parameter.unknown().is_empty()),
            "as it was chosen"
        );
    }
    for (key, json) in [
        (&b"lap:a"[..], r#"{"number":1,"epoch":0,"time":2,"type":"coolDown","triggerSource":-7,"driver":"x"}"#),
        (b"session:a", r#"{"id":"a","state":"paused","futureField":[{}]}"#),
        (b"events:a", r#"{"epoch":1,"time":2,"id":"a","values":[],"severity":1.50}"#),
        (b"sync:a", r#"{"epoch":1,"time":2,"watermark":"w"}"#),
        (b"sync:a", r#"{"watermark":"w"}"#),
        (b"weather:a", "\u{1}\u{2} no JSON"),
        (b"tdata:a", r#"{"epoch":0,"time":[],"data":[{"status":[],"":{"":0}}],"feed":""}"#),
    ] {
        laws::pass_through(
            json.as_bytes(),
            |bytes| RecordRef::decode(key, bytes).unwrap(),
            |record| match record.message() {
                Message::Lap(lap) => {
                    lap.lap_type == LapType::Other("coolDown".into())
                        && lap.trigger_source == TriggerSource(-7)
                        && !lap.unknown().is_empty()
                }
                Message::Session(session) => {
                    session.state_name() == "paused" && session.unknown().get("futureField") == Some("[{}]")
                }
                Message::Event(event) => event.unknown().get("severity") == Some("1.50"),
                Message::Sync(sync) => sync.unknown().get("watermark") == Some(r#""w""#),
                Message::Unknown(value) => *value == json.as_bytes(),
                Message::Data(telemetry) => {
                    telemetry.parameters().next().unwrap().unknown().get("") == Some(r#"{"":0}"#)
                }
                _ => false,
            },
            |record| {
                let mut out = Vec::new();
                match record.message() {
                    Message::Lap(lap) => lap.encode_json(&mut out).unwrap(),
                    Message::Session(session) => session.clone().into_owned().encode_json(&mut out).unwrap(),
                    Message::Event(event) => event.clone().into_owned().encode_json(&mut out).unwrap(),
                    Message::Sync(sync) => sync.clone().into_owned().encode_json(&mut out).unwrap(),
                    Message::Data(telemetry) => telemetry.encode_json(&mut out).unwrap(),
                    Message::Unknown(value) => out.extend_from_slice(value),
                    _ => {}
                }
                out
            },
        );
    }
}

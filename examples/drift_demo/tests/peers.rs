//! With the Python packages drift-protocol, drift-bytes and wavelet-buffer: what the demo keeps is read by them, and what they write is
//! published in the place of a service. No client for MQTT is among them, so that part is ours.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    clippy::cast_possible_truncation,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "a test may panic, and some helpers are for others"
)]

mod common;

use common::{Ran, Scratch, settings, stranger};
use drift_demo::recorded::SERIES;
use drift_demo::{Settings, Source, ids};
use drift_proto::{PackageRef, StatusCode};
use serde_json::{Value, json};
use testkit::Worker;
use testkit::vectors::{hex, to_hex};

const SCRIPT: &str = r#"
import numpy as np
from drift_bytes.bytes import InputBuffer, OutputBuffer, Variant
from drift_protocol.common import DataPayload, DriftPackage, StatusCode
from drift_protocol.meta import MetaInfo, TypedDataInfo
from drift_protocol.trigger_service import IntervalTriggerMessage
from wavelet_buffer import WaveletBuffer, WaveletType, denoise

def parse(request):
    package = DriftPackage()
    package.ParseFromString(bytes.fromhex(request["hex"]))
    return package

def payload(package):
    message = DataPayload()
    assert len(package.data) == 1 and package.data[0].Unpack(message)
    return message.data

def head(package):
    # Our bytes are what the reference would write.
    return {"id": package.id, "status": package.status, "same": package.SerializeToString().hex(),
            "labels": {label.key: label.value for label in package.labels}, "data": len(package.data)}

def series(request):
    package = parse(request)
    info, made = package.meta.time_series_info, package.meta.wavelet_buffer_info
    buffer = WaveletBuffer.parse(payload(package))
    signal, parameters = buffer.compose(), buffer.parameters
    told = [info.first, info.last, info.min, info.max, info.mean]
    met = [signal[0], signal[-1], signal.min(), signal.max(), np.float32(signal.mean(dtype=np.float64))]
    blob = payload(package)
    return dict(head(package), type=package.meta.type, size=info.size, points=signal.shape, told=told, met=[float(x) for x in met],
                start=info.start_timestamp.ToMilliseconds(), stop=info.stop_timestamp.ToMilliseconds(),
                made=[made.abi_version, made.wavelet_type, made.decomposition_steps, made.float_compression],
                found=[blob[0], int(parameters.wavelet_type), parameters.decomposition_steps, blob[37]],
                denoising=[made.WhichOneof("denoising"), made.threshold_denoising.a, made.threshold_denoising.b])

def typed(request):
    package = parse(request)
    values, items = InputBuffer(payload(package)), []
    for item in package.meta.typed_data_info.items:
        value = values.pop()
        items.append([item.name, item.status, value.type, value.shape, value.value])
    return dict(head(package), type=package.meta.type, items=items, rest=values.empty())

def answer(request):
    trigger, interval = parse(request), IntervalTriggerMessage()
    assert trigger.data[0].Unpack(interval)
    def make(status=StatusCode.GOOD):
        package = DriftPackage()
        package.id, package.status = trigger.id, status
        package.source_timestamp.CopyFrom(trigger.publish_timestamp)
        package.publish_timestamp.GetCurrentTime()
        return package
    def put(package, data):
        message = DataPayload()
        message.data = data
        package.data.add().Pack(message)
        return package.SerializeToString().hex()
    signal = np.sin(np.arange(48000, dtype=np.float32) / np.float32(7 + trigger.id % 5))
    buffer = WaveletBuffer([48000], 1, 4, WaveletType.DB5)
    buffer.decompose(signal, denoise.Null())
    sensor = make()
    sensor.meta.type, sensor.meta.time_series_info.size = MetaInfo.TIME_SERIES, signal.size
    sensor.meta.time_series_info.start_timestamp.CopyFrom(interval.start_timestamp)
    sensor.meta.time_series_info.stop_timestamp.CopyFrom(interval.stop_timestamp)
    plc, values = make(), OutputBuffer()
    plc.meta.type = MetaInfo.TYPED_DATA
    for name, value in [("speed", Variant(2.5, kind="float64")), ("levels", Variant([1, 2, 3], kind="int16"))]:
        plc.meta.typed_data_info.items.add(name=name, status=StatusCode.GOOD)
        values.push(value)
    return {"sensor": put(sensor, buffer.serialize(compression_level=16)), "plc": put(plc, values.bytes()),
            "camera": make(StatusCode.UNCERTAIN_SERVICE_BUSY).SerializeToString().hex()}

serve({"head": lambda request: head(parse(request)), "series": series, "typed": typed, "answer": answer})
"#;

#[test]
fn python_reads_what_the_demo_keeps() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let scratch = Scratch::new("python-reads");
    Ran::of(&Settings { store: Some(scratch.0.clone()), ..settings(2) }).assert_complete(2, 0, 0);
    let files = scratch.files();
    for id in ids(2) {
        let mut ask = |op: &str, source: &str| {
            let bytes = to_hex(&files[&format!("{source}/{id}.dp")]);
            let answer = peer.call(&json!({"op": op, "hex": bytes}));
            assert_eq!((&answer["id"], &answer["same"]), (&json!(id), &json!(bytes)), "{source}");
            answer
        };
        let sensor = ask("series", "sensor");
        assert_eq!([&sensor["status"], &sensor["type"], &sensor["size"]], [0, 0, 48_000]);
        assert_eq!((&sensor["points"], &sensor["labels"]), (&json!([48_000]), &json!({"machine": "mill 7"})));
        assert_eq!((&sensor["start"], &sensor["stop"]), (&json!(id - 1000), &json!(id)));
        assert_eq!((&sensor["made"], &sensor["found"]), (&json!([3, 3, 7, 16]), &sensor["made"]));
        assert_eq!(sensor["denoising"][0], "threshold_denoising");
        assert_eq!([1, 2].map(|index| sensor["denoising"][index].as_f64().unwrap() as f32), [0.0, 0.05]);
        let ours = [SERIES.first, SERIES.last, SERIES.min, SERIES.max, SERIES.mean];
        let floats =
            |value: &Value| value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect::<Vec<_>>();
        assert_eq!(floats(&sensor["told"]), ours);
        assert_eq!(floats(&sensor["met"])[..4], ours[..4]);
        // Its last bits depend on the order of additions.
        assert!((floats(&sensor["met"])[4] - ours[4]).abs() < 1e-9);

        let plc = ask("typed", "plc");
        assert_eq!((&plc["status"], &plc["type"], &plc["rest"]), (&json!(0), &json!(5), &json!(true)));
        assert_eq!(
            plc["items"],
            json!([
                ["spindle_speed", 0, "float64", [1], 3000.5],
                ["tool", 0, "string", [1], "mill 6 mm"],
                ["is_cooled", 0, "bool", [1], true],
                ["temperatures", 256, "float32", [2, 2], [21.5, 22.0, 40.25, 38.75]],
            ])
        );
        let camera = ask("head", "camera");
        assert_eq!((&camera["status"], &camera["data"]), (&json!(StatusCode::BAD_SOURCE_STATE.0), &json!(0)));
    }
}

#[test]
fn what_python_writes_is_joined_with_our_triggers() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let scratch = Scratch::new("python-writes");
    let settings = Settings { mute: Source::ALL.to_vec(), store: Some(scratch.0.clone()), ..settings(3) };
    stranger(&settings, move |trigger| {
        let answer = peer.call(&json!({"op": "answer", "hex": to_hex(trigger.bytes())}));
        let package = |source: &str| (format!("drift/{source}"), hex(answer[source].as_str().unwrap()));
        ["plc", "camera", "sensor"].map(package).into()
    });
    let ran = Ran::of(&settings);
    ran.assert_complete(3, 0, 0);
    assert_eq!(ran.log, "");
    let files = scratch.files();
    for id in ids(3) {
        let rows = ran.rows(id);
        let known: Vec<_> = rows.iter().map(|row| row[2..6].to_vec()).collect();
        // Triggers come over another connection, and anywhere between.
        for due in [
            ["trigger", "GOOD", "interval trigger", "-"],
            ["drift/plc", "GOOD", "typed data", "4"],
            ["drift/camera", "UNCERTAIN_SERVICE_BUSY", "-", "-"],
            ["drift/sensor", "GOOD", "wavelet buffer", "48000"],
        ] {
            assert!(known.iter().any(|row| *row == due), "{known:?}");
        }
        let plc = PackageRef::decode(&files[&format!("plc/{id}.dp")]).unwrap();
        let data = plc.typed_data().unwrap().unwrap();
        assert_eq!(data.get("speed").unwrap().values.unwrap().value(), Some(2.5));
        let levels = data.get("levels").unwrap().values.unwrap();
        assert_eq!(levels.values::<i16>().unwrap().collect::<Vec<_>>(), [1, 2, 3]);
    }
}

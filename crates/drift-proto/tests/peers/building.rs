//! Random descriptions of packages, and packages built of them.

use drift_proto::{
    AnyRef, Denoising, ImageInfoRef, ImageType, Info, IntervalTrigger, Meta, NameRef, PackageBuilder, StatusCode,
    TimeSeriesInfo, Timestamp, Trigger, WaveletBufferInfo,
};
use serde_json::{Value as Json, json};
use testkit::Rng;
use testkit::vectors::{hex, to_hex};

const GOOGLE: &str = "type.googleapis.com/";
const PAYLOAD: &str = "drift.proto.common.DataPayload";
const TRIGGER: &str = "drift.proto.trigger_service.TriggerMessage";
const INTERVAL: &str = "drift.proto.trigger_service.IntervalTriggerMessage";

const I64: [i64; 9] = [0, 1, -1, 127, 128, 1 << 53, i64::MAX, i64::MIN, 1_700_000_000_000];
const I32: [i32; 8] = [0, 1, 5, 999_999_999, -1, 1_500_000_000, i32::MAX, i32::MIN];
const STATUS: [i32; 18] =
    [0, 256, 257, 512, 513, 514, 515, 516, 517, 518, 519, 520, 1, 255, 1024, -1, i32::MAX, i32::MIN];
const BITS: [&str; 9] =
    ["00000000", "80000000", "3f800000", "7f800000", "ff800000", "nan", "00000001", "7f7fffff", "807fffff"];

fn text(rng: &mut Rng) -> String {
    let len = *rng.choose(&[0, 1, 4, 9, 130]);
    (0..len).map(|_| *rng.choose(&['a', 'Z', '/', ' ', '\u{e9}', '\u{20ac}', '\u{1f600}', '\0'])).collect()
}

fn stamp(rng: &mut Rng) -> Json {
    match rng.below(3) {
        0 => Json::Null,
        1 => json!([rng.choose(&I64).to_string(), rng.choose(&I32)]),
        _ => json!([(rng.next_u64() as i64 >> 30).to_string(), rng.below(1_000_000_000)]),
    }
}

fn bits(rng: &mut Rng) -> Json {
    if rng.below(2) == 0 {
        return json!(rng.choose(&BITS));
    }
    // Any finite number.
    json!(format!("{:08x}", rng.next_u64() as u32 & 0xbfff_ffff | 0x0010_0000))
}

fn list(rng: &mut Rng, lens: &[usize], item: impl Fn(&mut Rng) -> Json) -> Json {
    let len = *rng.choose(lens);
    (0..len).map(|_| item(rng)).collect()
}

fn names(rng: &mut Rng) -> Json {
    list(rng, &[0, 1, 2, 7], |rng| json!([text(rng), rng.choose(&STATUS)]))
}

fn meta(rng: &mut Rng, depth: usize) -> Json {
    let kind = rng.below(6);
    let large = |rng: &mut Rng| rng.choose(&[0, 1, 48_000, 1 << 63, u64::MAX]).to_string();
    let info = match kind {
        0 => json!({"time_series_info": {
            "start": stamp(rng), "stop": stamp(rng), "size": large(rng), "floats": list(rng, &[5], bits),
        }}),
        1 => json!({"image_info": [rng.choose(&[0, 1, 2, -1]), large(rng), large(rng), text(rng)]}),
        2 => json!({"scalar_info": names(rng)}),
        3 => json!({"text_info": text(rng)}),
        4 => json!({"alignment_info": list(rng, &[0, 1, 2, 4], |rng| {
            let inner = if depth == 0 || rng.below(2) == 0 { Json::Null } else { meta(rng, depth - 1) };
            json!([text(rng), inner])
        })}),
        _ => json!({"typed_data_info": names(rng)}),
    };
    let denoising = match rng.below(4) {
        0 => Json::Null,
        1 => json!({"no_denoising": []}),
        2 => json!({"threshold_denoising": [bits(rng), bits(rng)]}),
        _ => json!({"partial_denoising": [bits(rng)]}),
    };
    let numbers = list(rng, &[4], |rng| json!(rng.choose(&[0, 1, 3, 31, u32::MAX])));
    let wavelet = if rng.below(2) == 0 { Json::Null } else { json!({"numbers": numbers, "denoising": denoising}) };
    json!({"type": kind, "info": info, "wavelet": wavelet})
}

/// Protobuf by hand: what is in a message that is given as bytes.
fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

pub fn delimited(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], &*varint(bytes.len() as u64), bytes].concat()
}

fn packed_stamp(number: u8, told: &Json) -> Vec<u8> {
    let Some(Timestamp { seconds, nanos }) = timestamp(told) else { return Vec::new() };
    let field = |tag, value: i64| if value == 0 { Vec::new() } else { [&[tag], &*varint(value as u64)].concat() };
    delimited(number, &[field(8, seconds), field(16, nanos.into())].concat())
}

fn part(rng: &mut Rng) -> Json {
    let len = *rng.choose(&[0, 1, 20, 300]);
    let data = rng.bytes(len);
    let (name, value, told) = match rng.below(5) {
        0 => {
            let url =
                *rng.choose(&["", "no slash", "x/y/", "/", PAYLOAD, "type.googleapis.com/google.protobuf.Duration"]);
            return json!({"url": url, "value": to_hex(&data), "as": null});
        }
        1 => {
            let told = stamp(rng);
            (TRIGGER, packed_stamp(2, &told), json!({"trigger": told}))
        }
        2 => {
            let (start, stop) = (stamp(rng), stamp(rng));
            let value = [packed_stamp(2, &start), packed_stamp(3, &stop)].concat();
            (INTERVAL, value, json!({"interval": [start, stop]}))
        }
        _ => {
            let shape: Vec<u64> =
                (0..*rng.choose(&[0, 0, 1, 3])).map(|_| *rng.choose(&[0, 1, 127, 128, 0xffff_ffff])).collect();
            let axes: Vec<u8> = shape.iter().flat_map(|axis| varint(*axis)).collect();
            let field = |number, bytes: &[u8]| if bytes.is_empty() { Vec::new() } else { delimited(number, bytes) };
            let value = [field(1, &axes), field(2, &data)].concat();
            (PAYLOAD, value, json!({"payload": {"shape": shape, "data": to_hex(&data)}}))
        }
    };
    json!({"url": format!("{}{name}", rng.choose(&[GOOGLE, GOOGLE, "/", "a/b/"])), "value": to_hex(&value), "as": told})
}

/// A package; of its meta the type and what is told are of one kind.
pub fn package(rng: &mut Rng) -> Json {
    let id = if rng.below(2) == 0 { *rng.choose(&I64) } else { rng.next_u64() as i64 };
    json!({
        "id": id.to_string(), "status": rng.choose(&STATUS), "source": stamp(rng), "publish": stamp(rng),
        "data": list(rng, &[0, 1, 1, 2, 4], part),
        "meta": if rng.below(4) == 0 { Json::Null } else { meta(rng, 4) },
        "labels": list(rng, &[0, 0, 1, 2, 5], |rng| {
            let key = if rng.below(2) == 0 { "key".into() } else { text(rng) };
            json!([key, text(rng)])
        }),
    })
}

fn int<T: std::str::FromStr>(told: &Json) -> T {
    let text = told.as_str().map_or_else(|| told.to_string(), str::to_owned);
    text.parse().ok().unwrap()
}

fn timestamp(told: &Json) -> Option<Timestamp> {
    told.is_array().then(|| Timestamp { seconds: int(&told[0]), nanos: int(&told[1]) })
}

fn float(told: &Json) -> f32 {
    let bits = told.as_str().unwrap();
    if bits == "nan" { f32::NAN } else { f32::from_bits(u32::from_str_radix(bits, 16).unwrap()) }
}

fn named(told: &Json) -> Vec<NameRef<'_>> {
    let items = told.as_array().unwrap().iter();
    items.map(|one| NameRef { name: one[0].as_str().unwrap(), status: StatusCode(int(&one[1])) }).collect()
}

fn built_meta(told: &Json) -> Meta<'_> {
    let (which, one) = told["info"].as_object().unwrap().iter().next().unwrap();
    let info = match &**which {
        "time_series_info" => {
            let floats = &one["floats"];
            Info::TimeSeries(TimeSeriesInfo {
                start: timestamp(&one["start"]),
                stop: timestamp(&one["stop"]),
                size: int(&one["size"]),
                first: float(&floats[0]),
                last: float(&floats[1]),
                min: float(&floats[2]),
                max: float(&floats[3]),
                mean: float(&floats[4]),
            })
        }
        "image_info" => Info::Image(ImageInfoRef {
            image_type: ImageType(int(&one[0])),
            width: int(&one[1]),
            height: int(&one[2]),
            channel_layout: one[3].as_str().unwrap(),
        }),
        "scalar_info" => Info::Scalars(named(one)),
        "text_info" => Info::Text(one.as_str().unwrap()),
        "alignment_info" => {
            let packages = one.as_array().unwrap().iter();
            Info::Aligned(
                packages
                    .map(|one| (one[0].as_str().unwrap(), one[1].is_object().then(|| built_meta(&one[1]))))
                    .collect(),
            )
        }
        _ => Info::Typed(named(one)),
    };
    let wavelet = &told["wavelet"];
    let Some(numbers) = wavelet["numbers"].as_array() else { return Meta::new(info) };
    let denoising = wavelet["denoising"].as_object().and_then(|denoising| denoising.iter().next());
    let wavelet = WaveletBufferInfo {
        abi_version: int(&numbers[0]),
        wavelet_type: int(&numbers[1]),
        decomposition_steps: int(&numbers[2]),
        float_compression: int(&numbers[3]),
        denoising: denoising.map(|(which, floats)| match &**which {
            "no_denoising" => Denoising::None,
            "threshold_denoising" => Denoising::Threshold { a: float(&floats[0]), b: float(&floats[1]) },
            _ => Denoising::Partial(float(&floats[0])),
        }),
    };
    Meta::with_wavelet_buffer(info, wavelet)
}

/// The bytes of a package, written after its description.
pub fn built(told: &Json) -> Vec<u8> {
    let parts = told["data"].as_array().unwrap();
    // Payloads without axes are given as such, all others as messages.
    let plain = |part: &Json| {
        let payload = &part["as"]["payload"];
        part["url"] == [GOOGLE, PAYLOAD].concat() && payload["shape"] == json!([])
    };
    let bytes = |part: &Json| {
        let told = if plain(part) { &part["as"]["payload"]["data"] } else { &part["value"] };
        hex(told.as_str().unwrap())
    };
    let values: Vec<Vec<u8>> = parts.iter().map(bytes).collect();
    let mut builder = PackageBuilder::new(int(&told["id"]));
    builder.status = StatusCode(int(&told["status"]));
    builder.source_timestamp = timestamp(&told["source"]);
    builder.publish_timestamp = timestamp(&told["publish"]);
    builder.meta = told["meta"].is_object().then(|| built_meta(&told["meta"]));
    for (part, value) in parts.iter().zip(&values) {
        let (url, found) = (part["url"].as_str().unwrap(), &part["as"]);
        match url.strip_prefix(GOOGLE) {
            Some(PAYLOAD) if plain(part) => builder.payload(value),
            Some(TRIGGER) => builder.trigger(Trigger { timestamp: timestamp(&found["trigger"]) }),
            Some(INTERVAL) => {
                let [start, stop] = [0, 1].map(|index| timestamp(&found["interval"][index]));
                builder.interval_trigger(IntervalTrigger { start, stop })
            }
            _ => builder.any(AnyRef::new(url, value)),
        };
    }
    for label in told["labels"].as_array().unwrap() {
        builder.label(label[0].as_str().unwrap(), label[1].as_str().unwrap());
    }
    let bytes = builder.encode_to_vec().unwrap();
    assert_eq!(builder.encoded_len(), bytes.len());
    bytes
}

//! The work of the atlas-stream rows: telemetry of fifty parameters in JSON and in protobuf, read and written by us, serde_json,
//! sonic-rs and prost; keys of many records.

use std::str;

use atlas_stream::proto::{ParameterDataMessage, ParameterDataValues};
use atlas_stream::{Aggregates, Columns, KeyRef, Limits, MessageType, TelemetryKind, TelemetryRef};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use testkit::Rng;

const PARAMETERS: usize = 50;
const SAMPLES: usize = 100;

/// A `tdata` as who uses serde has it: columns, too, and texts in place.
#[derive(Serialize, Deserialize)]
pub struct Data<'a> {
    #[serde(default)]
    epoch: i64,
    time: Vec<i64>,
    data: Vec<Values>,
    feed: &'a str,
    format: &'a str,
}

/// What it has of a parameter; aggregates need not be there.
#[derive(Serialize, Deserialize)]
struct Values {
    status: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avg: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<Vec<f64>>,
}

impl Values {
    fn columns(&self) -> impl Iterator<Item = &[f64]> {
        [&self.avg, &self.min, &self.max].into_iter().flatten().map(Vec::as_slice)
    }
}

/// Means of sensors of several scales, with noise, between their least and their largest; a few are switches. The shortest
/// texts of their doubles have 16 or 17 digits.
#[must_use]
pub fn exact() -> Data<'static> {
    data(|value| value)
}

/// The same with two decimals.
#[must_use]
pub fn short() -> Data<'static> {
    data(|value| (value * 100.0).round() / 100.0)
}

fn data(round: impl Fn(f64) -> f64) -> Data<'static> {
    let mut rng = Rng::new(8);
    let mut unit = move || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let data = (0..PARAMETERS).map(|parameter| {
        let mut values = Values {
            status: (0..SAMPLES).map(|n| if (n + parameter) % 25 == 0 { 17 } else { 1 }).collect(),
            avg: Some(Vec::with_capacity(SAMPLES)),
            min: Some(Vec::with_capacity(SAMPLES)),
            max: Some(Vec::with_capacity(SAMPLES)),
            first: None,
        };
        let scale = [300.0, 5.0, 100.0, 8.0, 12_000.0, 60.0, 1.5][parameter % 7];
        // Steering and accelerations have both signs, all else one.
        let middle = if matches!(parameter % 7, 1 | 6) { 0.0 } else { 1.1 };
        let mut push = |three: [f64; 3]| {
            for (column, value) in [&mut values.avg, &mut values.min, &mut values.max].into_iter().zip(three) {
                column.as_mut().expect("there").push(round(value));
            }
        };
        for n in 0..SAMPLES {
            if parameter % 8 == 7 {
                push([(n / 40) as f64; 3]);
            } else {
                let value = scale * (middle + (n as f64 / 15.0).sin() + unit() / 100.0);
                push([value, value - scale * unit() / 50.0, value + scale * unit() / 50.0]);
            }
        }
        values
    });
    Data {
        epoch: 1_511_091_963_784_000_000,
        time: (1..=SAMPLES as i64).map(|n| 36_930_000_000_000 + n * 10_000_000).collect(),
        data: data.collect(),
        feed: "",
        format: "9a9627b7bc25",
    }
}

/// Its JSON.
///
/// # Panics
///
/// Does not.
#[must_use]
pub fn to_json(data: &Data<'_>) -> Vec<u8> {
    serde_json::to_vec(data).expect("encodes")
}

/// Its protobuf, as prost writes it.
#[must_use]
pub fn to_protobuf(data: &Data<'_>) -> Vec<u8> {
    let parameters = data.data.iter().map(|values| ParameterDataValues {
        statuses: values.status.clone(),
        avg_values: values.avg.clone().unwrap_or_default(),
        min_values: values.min.clone().unwrap_or_default(),
        max_values: values.max.clone().unwrap_or_default(),
        first_values: Vec::new(),
    });
    let message = ParameterDataMessage {
        data_format_id: data.format.to_owned(),
        feed: data.feed.to_owned(),
        epoch_nanos: data.epoch,
        timestamps_nanos: data.time.clone(),
        parameters: (0..).zip(parameters).collect(),
    };
    message.encode_to_vec()
}

/// A sum in lanes, the same for columns at once and in chunks whose lengths are multiples of [`LANES`], but for the last one.
struct Sum([f64; LANES]);

const LANES: usize = 8;

impl Sum {
    #[inline]
    fn add(&mut self, values: &[f64]) {
        let (chunks, rest) = values.as_chunks::<LANES>();
        let mut lanes = self.0;
        for chunk in chunks {
            lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value);
        }
        lanes.iter_mut().zip(rest).for_each(|(lane, value)| *lane += value);
        self.0 = lanes;
    }

    fn bits(&self) -> u64 {
        self.0.iter().sum::<f64>().to_bits()
    }
}

/// All that is in a message, in one number.
#[derive(Default)]
struct Hash(u64);

impl Hash {
    fn numbers(&mut self, numbers: impl IntoIterator<Item = u64>) {
        self.0 = numbers.into_iter().fold(self.0, |hash, number| hash.wrapping_mul(31).wrapping_add(number));
    }

    fn text(&mut self, text: &str) {
        self.numbers(text.bytes().map(u64::from));
    }
}

/// Of a message of ours.
///
/// # Panics
///
/// If it lacks what all of these have.
#[must_use]
pub fn hash(data: &TelemetryRef<'_>) -> u64 {
    let mut hash = Hash::default();
    hash.text(data.feed());
    hash.text(data.format().expect("a format"));
    hash.numbers([data.epoch() as u64]);
    hash.numbers(data.times().iter().map(|time| time as u64));
    for parameter in data.parameters() {
        hash.numbers(parameter.statuses().expect("data").iter().map(u64::from));
        for column in [parameter.avg(), parameter.min(), parameter.max()].into_iter().flatten() {
            hash.numbers(column.iter().map(f64::to_bits));
        }
    }
    hash.0
}

/// Of one that serde read.
#[must_use]
pub fn hash_typed(data: &Data<'_>) -> u64 {
    let mut hash = Hash::default();
    hash.text(data.feed);
    hash.text(data.format);
    hash.numbers([data.epoch as u64]);
    hash.numbers(data.time.iter().map(|time| *time as u64));
    for values in &data.data {
        hash.numbers(values.status.iter().map(|status| u64::from(*status)));
        for column in values.columns() {
            hash.numbers(column.iter().map(|value| value.to_bits()));
        }
    }
    hash.0
}

/// Of one that prost read.
#[must_use]
pub fn hash_prost(data: &ParameterDataMessage) -> u64 {
    let mut hash = Hash::default();
    hash.text(&data.feed);
    hash.text(&data.data_format_id);
    hash.numbers([data.epoch_nanos as u64]);
    hash.numbers(data.timestamps_nanos.iter().map(|time| *time as u64));
    for values in data.parameters.values() {
        hash.numbers(values.statuses.iter().map(|status| u64::from(*status)));
        for column in [&values.avg_values, &values.min_values, &values.max_values] {
            hash.numbers(column.iter().map(|value| value.to_bits()));
        }
    }
    hash.0
}

/// JSON into columns, which keep their memory.
///
/// # Panics
///
/// If it is not valid.
pub fn decode<'a>(json: &[u8], columns: &'a mut Columns) -> TelemetryRef<'a> {
    columns.decode_data_with(json, &Limits::DEFAULT).expect("valid");
    TelemetryRef::from(&*columns)
}

/// The same by serde_json.
///
/// # Panics
///
/// If it is not valid.
#[must_use]
pub fn decode_serde(json: &[u8]) -> Data<'_> {
    serde_json::from_slice(json).expect("valid")
}

/// The same by sonic-rs.
///
/// # Panics
///
/// If it is not valid.
#[must_use]
pub fn decode_sonic(json: &[u8]) -> Data<'_> {
    sonic_rs::from_slice(json).expect("valid")
}

/// Columns into JSON, in memory that is asked for anew, as `to_vec` does.
///
/// # Panics
///
/// Does not.
#[must_use]
pub fn encode(data: &TelemetryRef<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    data.encode_json(&mut out).expect("encodes");
    out
}

/// Protobuf where it lies.
///
/// # Panics
///
/// If it is not valid.
#[must_use]
pub fn view(message: &[u8]) -> TelemetryRef<'_> {
    TelemetryRef::decode_protobuf_with(TelemetryKind::Data, message, &Limits::DEFAULT).expect("valid").0
}

/// All doubles of a message, where they lie.
#[must_use]
pub fn sum_view(message: &[u8]) -> u64 {
    let mut sum = Sum([0.0; LANES]);
    for parameter in view(message).parameters() {
        for column in [parameter.avg(), parameter.min(), parameter.max()].into_iter().flatten() {
            column.for_each_chunk(|chunk| sum.add(chunk));
        }
    }
    sum.bits()
}

/// The same once prost has read it.
#[must_use]
pub fn sum_prost(message: &[u8]) -> u64 {
    let mut sum = Sum([0.0; LANES]);
    for values in decode_prost(message).parameters.values() {
        [&values.avg_values, &values.min_values, &values.max_values].into_iter().for_each(|column| sum.add(column));
    }
    sum.bits()
}

/// Protobuf into columns, which keep their memory.
///
/// # Panics
///
/// If it is not valid.
pub fn decode_protobuf<'a>(message: &[u8], columns: &'a mut Columns) -> TelemetryRef<'a> {
    columns.decode_protobuf_with(TelemetryKind::Data, message, &Limits::DEFAULT).expect("valid");
    TelemetryRef::from(&*columns)
}

/// The same by prost.
///
/// # Panics
///
/// If it is not valid.
#[must_use]
pub fn decode_prost(message: &[u8]) -> ParameterDataMessage {
    ParameterDataMessage::decode(message).expect("valid")
}

/// Data of one parameter, so many times, in JSON.
///
/// # Panics
///
/// Does not.
#[must_use]
pub fn long(samples: usize) -> Vec<u8> {
    let times: Vec<i64> = (0..samples as i64).map(|n| n * 10_000).collect();
    let values: Vec<f64> = (0..samples).map(|n| (n as f64 / 1000.0).sin()).collect();
    let mut columns = Columns::new();
    columns.start_data("9a9627b7bc25", "", 0, &times).expect("in range");
    columns.push_data(&vec![1; samples], &[(Aggregates::AVG, &values)]).expect("fits");
    encode(&TelemetryRef::from(columns))
}

/// Keys of so many records of a few streams: mostly telemetry, some of a type that nobody knows, a few that are not of streams.
#[must_use]
pub fn keys(count: usize) -> Vec<Vec<u8>> {
    let mut rng = Rng::new(9);
    let streams: Vec<String> = (0..7).map(|_| format!("{:032x}", u128::from(rng.next_u64()) << 64 | 1)).collect();
    let key = |_| {
        let kind = match rng.below(100) {
            0 => "$start",
            1 => "$end",
            2..10 => "session",
            10..50 => "tdata",
            50..80 => "tsamples",
            80..88 => "events",
            88..92 => "lap",
            92..96 => "sync",
            96..99 => "x-weather",
            _ => return b"heartbeat".to_vec(),
        };
        format!("{kind}:{}", rng.choose(&streams)).into_bytes()
    };
    (0..count).map(key).collect()
}

/// What kinds there are, and how long their ids.
#[must_use]
pub fn count_keys(keys: &[Vec<u8>]) -> u64 {
    let number = |key: &[u8]| {
        let Ok(key) = KeyRef::decode(key) else { return 1 << 40 };
        let kind = match key.message_type() {
            MessageType::START => 1,
            MessageType::END => 2,
            MessageType::SESSION => 3,
            MessageType::TDATA => 4,
            MessageType::TSAMPLES => 5,
            MessageType::EVENTS => 6,
            MessageType::LAP => 7,
            MessageType::SYNC => 8,
            _ => 9,
        };
        kind * key.stream_id().len() as u64
    };
    keys.iter().map(|key| number(key)).sum()
}

/// The same with what the standard library has.
#[must_use]
pub fn count_keys_std(keys: &[Vec<u8>]) -> u64 {
    let number = |key: &[u8]| {
        let Some((kind, stream)) = str::from_utf8(key).ok().and_then(|key| key.split_once(':')) else { return 1 << 40 };
        let kind = match kind {
            "$start" => 1,
            "$end" => 2,
            "session" => 3,
            "tdata" => 4,
            "tsamples" => 5,
            "events" => 6,
            "lap" => 7,
            "sync" => 8,
            _ => 9,
        };
        kind * stream.len() as u64
    };
    keys.iter().map(|key| number(key)).sum()
}

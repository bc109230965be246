//! The work of the datakit rows: readings as DATA lines, and the same as one-field lines of InfluxDB.

use datakit::{Columns, DataRef, Decoder, Lines, PacketRef};
use influxdb_line_protocol::{FieldValue, parse_lines};
use testkit::Rng;

/// Readings in a buffer.
pub const LINES: usize = 4000;

/// One reading.
pub struct Reading {
    /// What was read.
    pub tag: String,
    /// Seconds since 1970.
    pub timestamp: i64,
    /// What it was.
    pub value: f64,
}

/// Readings as sensors send them: forty tags of 5 to 20 characters, seconds that move on, values with as many digits as an
/// analogue-to-digital converter and a unit give them.
pub fn readings() -> Vec<Reading> {
    let mut rng = Rng::new(7);
    let tags: Vec<String> = (0..40)
        .map(|index| {
            let line = ["assembly_line", "boiler_room", "pump", "extruder.north", "oven"][rng.below(5)];
            let what = ["t", "temp", "p", "flow", "rpm"][rng.below(5)];
            format!("{line}.{what}{index}")
        })
        .collect();
    (0..LINES)
        .map(|index| {
            let digits = [1, 10, 100, 1000, 1_000_000][rng.below(5)];
            let scaled = rng.below(2_000_000) as f64 - 500_000.0;
            Reading {
                tag: tags[index % tags.len()].clone(),
                timestamp: 1_459_309_227 + (index / tags.len()) as i64,
                value: (scaled / f64::from(digits) * 1e6).round() / 1e6,
            }
        })
        .collect()
}

/// The readings as DATA lines.
pub fn datakit_lines(readings: &[Reading]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(readings, &mut out);
    out
}

/// The readings as one-field lines.
pub fn influx_lines(readings: &[Reading]) -> String {
    readings.iter().map(|reading| format!("{} v={} {}\n", reading.tag, reading.value, reading.timestamp)).collect()
}

/// All that a reading holds, in a number.
#[inline]
fn mix(sum: u64, tag: &str, timestamp: i64, value: f64) -> u64 {
    let first = tag.as_bytes().first().copied().unwrap_or_default();
    sum.wrapping_add(tag.len() as u64)
        .wrapping_add(u64::from(first))
        .wrapping_add(timestamp as u64)
        .wrapping_add(value.to_bits())
}

/// The readings themselves.
pub fn sum(readings: &[Reading]) -> u64 {
    readings.iter().fold(0, |sum, reading| mix(sum, &reading.tag, reading.timestamp, reading.value))
}

/// Ours, line by line.
pub fn walk_datakit(mut input: &[u8]) -> u64 {
    let mut decoder = Decoder::new();
    let mut sum = 0;
    for packet in decoder.packets(&mut input) {
        let Ok(PacketRef::Data(data)) = packet else { panic!("{packet:?}") };
        sum = mix(sum, data.tag, data.timestamp, data.value);
    }
    assert_eq!(input, b"");
    sum
}

/// Ours, a call a line.
pub fn walk_datakit_by_line(mut input: &[u8]) -> u64 {
    let mut decoder = Decoder::new();
    let mut sum = 0;
    while let Some(packet) = decoder.decode(&mut input) {
        let Ok(PacketRef::Data(data)) = packet else { panic!("{packet:?}") };
        sum = mix(sum, data.tag, data.timestamp, data.value);
    }
    assert_eq!(input, b"");
    sum
}

/// What the standard library offers: the buffer checked as text, then split and parsed.
pub fn walk_std(input: &[u8]) -> u64 {
    let text = std::str::from_utf8(input).expect("text");
    let mut sum = 0;
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        let mut fields = line.strip_prefix('>').expect("data").split('|');
        let tag = fields.next().expect("a tag");
        let timestamp = fields.next().expect("a timestamp").parse().expect("a number");
        let value = fields.next().expect("a value").parse().expect("a number");
        assert!(fields.next().is_none());
        sum = mix(sum, tag, timestamp, value);
    }
    sum
}

/// The one-field lines, by the crate of InfluxDB's makers.
pub fn walk_influx(input: &str) -> u64 {
    let mut sum = 0;
    for line in parse_lines(input) {
        let line = line.expect("valid");
        let [(_, FieldValue::F64(value))] = line.field_set.as_slice() else { panic!("one field") };
        sum = mix(sum, line.series.measurement.as_str(), line.timestamp.expect("a timestamp"), *value);
    }
    sum
}

/// Ours, into columns; the tags are looked up where their ids are used.
pub fn walk_columns(mut input: &[u8], columns: &mut Columns) -> u64 {
    columns.clear();
    assert!(columns.decode(&mut Decoder::new(), &mut input).is_none());
    let rows = columns.tag_ids().iter().zip(columns.timestamps()).zip(columns.values());
    rows.fold(0, |sum, ((id, timestamp), value)| mix(sum, columns.tag(*id).expect("a tag"), *timestamp, *value))
}

/// Ours: where lines end, from the lines.
pub fn line_ends(input: &[u8]) -> u64 {
    let mut end = 0;
    Lines::new(input).fold(0, |sum: u64, line| {
        end += line.len() as u64 + 1;
        sum.wrapping_add(end)
    })
}

/// Where newlines are.
pub fn newlines(input: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', input).fold(0, |sum, at| sum.wrapping_add(at as u64 + 1))
}

/// Writes all readings.
pub fn encode(readings: &[Reading], out: &mut Vec<u8>) {
    out.clear();
    for reading in readings {
        let data = DataRef::new(&reading.tag, reading.timestamp, reading.value);
        PacketRef::Data(data).encode(out).expect("encodes");
    }
}

/// Writes all readings as the standard library does.
pub fn encode_std(readings: &[Reading], out: &mut Vec<u8>) {
    use std::io::Write;
    out.clear();
    for Reading { tag, timestamp, value } in readings {
        writeln!(out, ">{tag}|{timestamp}|{value}").expect("written");
    }
}

//! Live against a reader and a writer in plain Python, made from the protocol's document alone: there is no DataKit
//! package to be had. What Python's `float`, `repr` and `%` make of numbers is the point.
#![cfg(feature = "alloc")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]
#![cfg(not(miri))]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write;

use common::{described, plain};
use datakit::{Config, DataRef, Decoder, Packet, PacketRef};
use serde_json::{Value as Json, json};
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, Worker};

/// Streams go over in hex; packets in the notation of tests/vectors/README.md.
const SCRIPT: &str = r#"
import math, struct

def bits(value):
    # Which NaN is not in the text, but its sign is.
    if math.isnan(value):
        return "fff8000000000000" if math.copysign(1.0, value) < 0 else "7ff8000000000000"
    return struct.pack(">d", value).hex()

def read_line(line):
    if line[0] == ">":
        tag, timestamp, value = line[1:].split("|")
        return {"packet": "DATA", "tag": tag, "timestamp": str(int(timestamp)), "nanos": 0, "value": bits(float(value))}
    identifier, *fields = line.split("|")
    if identifier == "$H":
        name, units, data_type, collection_type = fields
        return {"packet": "HELLO", "name": name, "units": units, "data type": data_type, "collection type": collection_type}
    if identifier == "ACK":
        uid, = fields
        return {"packet": "ACK", "UID": uid}
    names = {"$P": "HEARTBEAT", "START": "START", "STOP": "STOP"}
    if identifier in names:
        assert not fields, line
        return {"packet": names[identifier]}
    return {"packet": "UNKNOWN", "line": line}

def read(request):
    *lines, rest = bytes.fromhex(request["stream"]).split(b"\n")
    assert rest == b"", rest
    return {"packets": [read_line(line.decode("utf-8")) for line in lines]}

def text_of(value, form):
    if form == "int":
        return str(int(value))
    return repr(value) if form == "repr" else form % value

def write_packet(packet):
    kind = packet["packet"]
    if kind == "HELLO":
        return "|".join(["$H", packet["name"], packet["units"], packet["data type"], packet["collection type"]])
    if kind == "ACK":
        return "ACK|" + packet["UID"]
    if kind == "DATA":
        value = struct.unpack(">d", bytes.fromhex(packet["value"]))[0]
        return ">%s|%d|%r" % (packet["tag"], int(packet["timestamp"]), value)
    return {"HEARTBEAT": "$P", "START": "START", "STOP": "STOP"}.get(kind) or packet["line"]

def write(request):
    return {"stream": "".join(write_packet(packet) + "\n" for packet in request["packets"]).encode("utf-8").hex()}

# Numbers in a form, with what Python itself reads them as.
def numbers(request):
    stream, expected = [], []
    for digits, form in request["numbers"]:
        text = text_of(struct.unpack(">d", bytes.fromhex(digits))[0], form)
        stream.append(">" + form + "|1459309227|" + text + "\n")
        expected.append(bits(float(text)))
    return {"stream": "".join(stream).encode("utf-8").hex(), "bits": expected}

# How Python itself spells the same number, to compare what counts: the number of digits.
def digits(request):
    def count(text):
        found = "".join(c for c in text.lower().split("e")[0] if c.isdigit()).strip("0")
        return len(found)
    return {"pairs": [[count(text), count(repr(float(text)))] for text in request["texts"]]}

serve({"read": read, "write": write, "numbers": numbers, "digits": digits})
"#;

const BATCH: usize = 1_000;
const BATCHES: usize = 12;

/// All lines of a stream, none of them bad, in the notation of the vectors.
fn read(stream: &[u8]) -> Vec<Json> {
    let (mut decoder, mut rest) = (Decoder::new(), stream);
    let mut packets = Vec::new();
    while let Some(result) = decoder.decode(&mut rest) {
        let packet = result.unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(stream)));
        packets.push(described(&plain(packet)));
    }
    assert_eq!(decoder.finish(rest), Ok(()));
    packets
}

fn assert_same(ours: &[Json], theirs: &[Json], seed: u64) {
    assert_eq!(ours.len(), theirs.len());
    for (one, other) in ours.iter().zip(theirs) {
        assert_eq!(one, other, "TESTKIT_SEED={seed}");
    }
}

#[test]
fn packets_written_here_are_read_there() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let seed = testkit::rng::seed();
    let mut rng = Rng::new(seed);
    let mut kinds = BTreeMap::<String, usize>::new();
    for _ in 0..BATCHES {
        let packets: Vec<Packet> = (0..BATCH).map(|_| common::packet(&mut rng, false)).collect();
        let mut stream = Vec::new();
        packets.iter().for_each(|packet| packet.encode(&mut stream).unwrap());
        let ours: Vec<Json> = packets.iter().map(|packet| described(&plain(packet.as_ref()))).collect();
        ours.iter().for_each(|packet| *kinds.entry(packet["packet"].to_string()).or_default() += 1);
        let mut answer = peer.call(&json!({"op": "read", "stream": to_hex(&stream)}));
        let theirs: Vec<Json> = serde_json::from_value(answer["packets"].take()).unwrap();
        assert_same(&ours, &theirs, seed);
    }
    assert!(kinds.len() == 7 && kinds.values().all(|count| *count > 300), "{kinds:?}");
}

#[test]
fn packets_written_there_are_read_here() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let seed = testkit::rng::seed();
    let mut rng = Rng::new(seed ^ 1);
    for _ in 0..BATCHES {
        let packets: Vec<Packet> = (0..BATCH).map(|_| common::packet(&mut rng, false)).collect();
        // Python's `repr` has one NaN, which shows no sign.
        let packets: Vec<Json> = packets
            .iter()
            .map(|packet| {
                let mut packet = described(&plain(packet.as_ref()));
                if packet["value"] == "fff8000000000000" {
                    packet["value"] = json!("7ff8000000000000");
                }
                packet
            })
            .collect();
        let answer = peer.call(&json!({"op": "write", "packets": packets}));
        assert_same(&packets, &read(&hex(answer["stream"].as_str().unwrap())), seed);
    }
}

#[test]
fn numbers_written_there_are_read_here_to_the_same_bits() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let seed = testkit::rng::seed();
    let mut rng = Rng::new(seed ^ 2);
    let forms = [
        "repr", "%.17g", "%f", "%e", "%E", "%g", "%+f", "%.0f", "%#.0f", "%.25e", "%.40f", "%020.3f", "%+.3E", "%F",
        "int",
    ];
    let mut met = BTreeMap::<&str, usize>::new();
    for _ in 0..15 {
        let numbers: Vec<(f64, &str)> = (0..BATCH)
            .map(|_| {
                let value = match rng.below(3) {
                    0 => rng.f64(),
                    1 => (rng.next_u64() as i64 >> rng.below(64)) as f64 / *rng.choose(&[1.0, 8.0, 10.0, 1000.0]),
                    _ => f64::from_bits((rng.next_u64() & 0x800f_ffff_ffff_ffff) | (1000 + rng.below(60) as u64) << 52),
                };
                let form = *rng.choose(&forms);
                // No integer stands for what is not finite, and "000nan" is none that Python itself reads.
                let is_for_all = value.is_finite() || !["int", "%020.3f"].contains(&form);
                (value, if is_for_all { form } else { "repr" })
            })
            .collect();
        numbers.iter().for_each(|(_, form)| *met.entry(form).or_default() += 1);
        let request: Vec<Json> =
            numbers.iter().map(|(value, form)| json!([format!("{:016x}", value.to_bits()), form])).collect();
        let answer = peer.call(&json!({"op": "numbers", "numbers": request}));
        let found = read(&hex(answer["stream"].as_str().unwrap()));
        let expected = answer["bits"].as_array().unwrap();
        assert_eq!((found.len(), expected.len()), (BATCH, BATCH));
        for ((found, bits), (value, form)) in found.iter().zip(expected).zip(&numbers) {
            assert_eq!(
                (&found["value"], &found["tag"]),
                (bits, &json!(form)),
                "{value:e} as {form}, TESTKIT_SEED={seed}"
            );
            // What says everything is what it was.
            if ["repr", "%.17g", "%.25e"].contains(form) && !value.is_nan() {
                assert_eq!(*bits, format!("{:016x}", value.to_bits()), "{value:e} as {form}");
            }
        }
    }
    assert!(met.len() == forms.len() && met.values().all(|count| *count > 300), "{met:?}");
}

#[test]
fn numbers_python_spells_in_words_are_read_here() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let values = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.0, -0.0];
    for form in ["repr", "%f", "%F", "%e", "%E", "%g", "%+f"] {
        let request: Vec<Json> =
            values.iter().map(|value| json!([format!("{:016x}", value.to_bits()), form])).collect();
        let answer = peer.call(&json!({"op": "numbers", "numbers": request}));
        let found = read(&hex(answer["stream"].as_str().unwrap()));
        for (found, value) in found.iter().zip(values) {
            assert_eq!(found["value"], format!("{:016x}", value.to_bits()), "{value} as {form}");
        }
    }
}

/// `repr` is known to write the fewest digits.
#[test]
fn no_more_digits_are_written_than_python_needs() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut rng = Rng::new(testkit::rng::seed() ^ 3);
    let texts: Vec<String> = (0..20_000)
        .map(|_| if rng.below(2) == 0 { rng.f64() } else { rng.below(1 << 40) as f64 / 1024.0 })
        .filter(|value| value.is_finite())
        .map(|value| {
            let line = PacketRef::Data(DataRef::new("t", 1, value)).encode_to_vec().unwrap();
            String::from_utf8(line).unwrap().trim_end().rsplit('|').next().unwrap().to_owned()
        })
        .collect();
    assert!(texts.len() > 15_000);
    let answer = peer.call(&json!({"op": "digits", "texts": texts}));
    for (pair, text) in answer["pairs"].as_array().unwrap().iter().zip(&texts) {
        assert_eq!(pair[0], pair[1], "{text}");
    }
}

/// Fractions of a second, against Python's integers.
#[test]
fn fractions_of_a_second_are_rounded_down() {
    const FRACTIONS: &str = r#"
def split(request):
    # In nanoseconds, which Python divides with the remainder kept positive.
    def one(text):
        whole, fraction = text.split(".")
        nanos = int(whole + fraction.ljust(9, "0"))
        return [str(nanos // 10**9), nanos % 10**9]
    return {"times": [one(text) for text in request["texts"]]}

serve({"split": split})
"#;
    let Some(mut peer) = Worker::start(FRACTIONS) else { return };
    let config = Config::DEFAULT.with_fractional_timestamps(true);
    let mut rng = Rng::new(testkit::rng::seed() ^ 4);
    let texts: Vec<String> = (0..10_000)
        .map(|_| {
            let mut text = (common::seconds(&mut rng) >> 1).to_string();
            text.push('.');
            for _ in 0..1 + rng.below(9) {
                write!(text, "{}", rng.below(10)).unwrap();
            }
            text
        })
        .collect();
    let answer = peer.call(&json!({"op": "split", "texts": texts}));
    for (time, text) in answer["times"].as_array().unwrap().iter().zip(&texts) {
        let line = format!(">t|{text}|1\n");
        let PacketRef::Data(data) = PacketRef::decode_with(line.as_bytes(), &config).unwrap() else { panic!("{line}") };
        assert_eq!(json!([data.timestamp.to_string(), data.nanos]), *time, "{text}");
        // And written again, without the zeros at the end.
        let mut written = Vec::new();
        PacketRef::Data(data).encode_with(&mut written, &config).unwrap();
        let fewest = text.trim_end_matches('0').trim_end_matches('.');
        let fewest = if fewest == "-0" { "0" } else { fewest };
        assert_eq!(String::from_utf8(written).unwrap(), format!(">t|{fewest}|1\n"));
    }
}

//! Live against the Python package karabo-bridge: trains that are written here, in every version, are read by its `deserialize`, and its
//! `serialize` makes the same bytes of the same data.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]
#![cfg(not(miri))]

use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::{Array, DType, DTypeRef, ScalarRef, ValueRef};
use karabo_bridge::{TrainWriter, Version};
use serde_json::{Value as Json, json};
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, Worker, rng};

/// Reads trains and describes them; makes trains of a description and serialises them.
const SCRIPT: &str = r#"
import struct
import numpy as np
from karabo_bridge import serializer

def describe(value):
    if value is None:
        return {"t": "nil"}
    if isinstance(value, np.ndarray):
        return {"t": "array", "dtype": value.dtype.str, "shape": list(value.shape), "hex": value.tobytes().hex()}
    if isinstance(value, np.generic) and not isinstance(value, np.float64):
        return {"t": "scalar", "dtype": value.dtype.str, "hex": value.tobytes().hex()}
    if isinstance(value, bool):
        return {"t": "bool", "v": value}
    if isinstance(value, int):
        return {"t": "int", "v": str(value)}
    if isinstance(value, float):
        return {"t": "f64", "bits": struct.pack(">d", value).hex()}
    if isinstance(value, str):
        return {"t": "str", "v": value}
    if isinstance(value, bytes):
        return {"t": "bin", "hex": value.hex()}
    if isinstance(value, (list, tuple)):
        return {"t": "list", "v": [describe(item) for item in value]}
    if isinstance(value, dict):
        return {"t": "map", "v": [[key, describe(item)] for key, item in value.items()]}
    raise TypeError(type(value))

def made(told):
    kind = told["t"]
    if kind == "nil":
        return None
    if kind in ("bool", "str"):
        return told["v"]
    if kind == "int":
        return int(told["v"])
    if kind == "f64":
        return struct.unpack(">d", bytes.fromhex(told["bits"]))[0]
    if kind == "bin":
        return bytes.fromhex(told["hex"])
    if kind == "list":
        return [made(item) for item in told["v"]]
    if kind == "map":
        return {key: made(item) for key, item in told["v"]}
    if kind == "scalar":
        return np.frombuffer(bytes.fromhex(told["hex"]), told["dtype"])[0]
    return np.frombuffer(bytes.fromhex(told["hex"]), told["dtype"]).reshape(told["shape"])

def read(request):
    out = []
    for parts in request["trains"]:
        data, meta = serializer.deserialize([bytes.fromhex(part) for part in parts])
        assert list(data) == list(meta)
        out.append([{
            "source": name,
            "metadata": [[key, describe(item)] for key, item in meta[name].items()],
            "data": [[path, describe(item)] for path, item in props.items()],
        } for name, props in data.items()])
    return {"trains": out}

def write(request):
    out = []
    for train in request["trains"]:
        data = {source["source"]: {path: made(item) for path, item in source["data"]} for source in train}
        meta = {source["source"]: {key: made(item) for key, item in source["metadata"]} for source in train}
        parts = serializer.serialize(data, meta, request["version"])
        out.append([bytes(part.tobytes() if isinstance(part, memoryview) else part).hex() for part in parts])
    return {"trains": out}

serve({"read": read, "write": write})
"#;

/// A value: what is given to the writer, and what is told to Python.
#[derive(Clone)]
struct Made {
    told: Json,
    /// In MessagePack, unless it is one of the others.
    packed: Vec<u8>,
    array: Option<Array<Bytes>>,
    scalar: bool,
}

impl Made {
    fn of(told: Json, packed: Vec<u8>) -> Self {
        Self { told, packed, array: None, scalar: false }
    }
}

/// An integer in its smallest form.
fn int(number: i128) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let last = |count: usize| &bytes[16 - count..];
    match number {
        -32..=127 => last(1).to_vec(),
        128..=0xff => [&[0xcc], last(1)].concat(),
        0x100..=0xffff => [&[0xcd], last(2)].concat(),
        0x1_0000..=0xffff_ffff => [&[0xce], last(4)].concat(),
        0x1_0000_0000.. => [&[0xcf], last(8)].concat(),
        -0x80..=-33 => [&[0xd0], last(1)].concat(),
        -0x8000..=-0x81 => [&[0xd1], last(2)].concat(),
        -0x8000_0000.. => [&[0xd2], last(4)].concat(),
        _ => [&[0xd3], last(8)].concat(),
    }
}

fn head(small: Option<(u8, usize)>, large: &[(u8, usize)], len: usize) -> Vec<u8> {
    if let Some((tag, most)) = small.filter(|(_, most)| len <= *most) {
        assert!(most <= 31);
        return vec![tag | len as u8];
    }
    let (tag, size) = large.iter().find(|(_, size)| len < 1 << (8 * size)).unwrap();
    [&[*tag], &len.to_be_bytes()[8 - size..]].concat()
}

fn text(text: &str) -> Vec<u8> {
    [head(Some((0xa0, 31)), &[(0xd9, 1), (0xda, 2), (0xdb, 4)], text.len()), text.into()].concat()
}

fn any_text(rng: &mut Rng) -> String {
    let len = *rng.choose(&[0, 1, 7, 31, 32, 100, 255, 256, 400]);
    let letters = ["a", "Z", ".", " ", "\u{e9}", "\u{20ac}", "\u{1f600}", "\0", "\""];
    let mut out = String::new();
    while out.len() < len {
        out += *rng.choose(&letters);
    }
    out
}

const EDGES: [i128; 22] = [
    0,
    1,
    127,
    128,
    255,
    256,
    65535,
    65536,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as i128,
    u64::MAX as i128,
    -1,
    -32,
    -33,
    -128,
    -129,
    -32768,
    -32769,
    i32::MIN as i128,
    i32::MIN as i128 - 1,
    i64::MIN as i128,
];

fn value(rng: &mut Rng, depth: usize) -> Made {
    match rng.below(if depth == 0 { 7 } else { 9 }) {
        0 => Made::of(json!({"t": "nil"}), vec![0xc0]),
        1 => {
            let value = rng.below(2) == 1;
            Made::of(json!({"t": "bool", "v": value}), vec![0xc2 + u8::from(value)])
        }
        2 => {
            let number = *rng.choose(&EDGES);
            Made::of(json!({"t": "int", "v": number.to_string()}), int(number))
        }
        3 => {
            let number = i128::from(rng.next_u64() as i64 >> rng.below(64));
            Made::of(json!({"t": "int", "v": number.to_string()}), int(number))
        }
        4 => {
            // Of NaNs, the quiet ones: processors make others quiet on the way.
            let number = rng.f64();
            let bits = if number.is_nan() { number.to_bits() | 1 << 51 } else { number.to_bits() };
            Made::of(json!({"t": "f64", "bits": format!("{bits:016x}")}), [&[0xcb][..], &bits.to_be_bytes()].concat())
        }
        5 => {
            let any = any_text(rng);
            Made::of(json!({"t": "str", "v": any}), text(&any))
        }
        6 => {
            let len = *rng.choose(&[0, 1, 31, 255, 256, 700]);
            let bytes = rng.bytes(len);
            let packed = [head(None, &[(0xc4, 1), (0xc5, 2), (0xc6, 4)], len), bytes.clone()].concat();
            Made::of(json!({"t": "bin", "hex": to_hex(&bytes)}), packed)
        }
        7 => {
            let items: Vec<_> = (0..*rng.choose(&[0, 1, 3, 15, 16, 17])).map(|_| value(rng, depth - 1)).collect();
            let told: Vec<_> = items.iter().map(|item| item.told.clone()).collect();
            let packed: Vec<_> = items.iter().flat_map(|item| item.packed.clone()).collect();
            Made::of(
                json!({"t": "list", "v": told}),
                [head(Some((0x90, 15)), &[(0xdc, 2), (0xdd, 4)], items.len()), packed].concat(),
            )
        }
        _ => {
            let items: Vec<_> =
                (0..*rng.choose(&[0, 1, 3, 15, 16])).map(|n| (format!("k{n}"), value(rng, depth - 1))).collect();
            let told: Vec<_> = items.iter().map(|(key, item)| json!([key, item.told])).collect();
            let packed: Vec<_> =
                items.iter().flat_map(|(key, item)| [text(key), item.packed.clone()].concat()).collect();
            Made::of(
                json!({"t": "map", "v": told}),
                [head(Some((0x80, 15)), &[(0xde, 2), (0xdf, 4)], items.len()), packed].concat(),
            )
        }
    }
}

const DTYPES: [&str; 28] = [
    "|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16", "|S5", "|S1",
    "|V8", "<f16", ">i2", ">i4", ">i8", ">u2", ">u4", ">u8", ">f4", ">f8", ">c8", ">c16",
];
const SCALARS: [&str; 9] = ["|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f4"];

/// Bytes that are a value of any dtype.
fn fill(rng: &mut Rng, dtype: &str, len: usize) -> Vec<u8> {
    match dtype {
        "|b1" => rng.bytes(len).into_iter().map(|byte| byte & 1).collect(),
        // Of a long double six bytes have no meaning.
        "<f16" => vec![0; len],
        // Nor do NUL bytes at the end of a text.
        _ => rng.bytes(len).into_iter().map(|byte| byte | 1).collect(),
    }
}

fn property(rng: &mut Rng) -> Made {
    match rng.below(5) {
        0 | 1 => {
            let text = *rng.choose::<&str>(&DTYPES);
            let dtype = DType::parse(text).unwrap();
            let shape: Vec<u64> = (0..rng.below(4)).map(|_| rng.below(4) as u64).collect();
            let data = fill(rng, text, (dtype.itemsize().unwrap() * shape.iter().product::<u64>()) as usize);
            let told = json!({"t": "array", "dtype": text, "shape": shape, "hex": to_hex(&data)});
            let array = Array::new(dtype, shape, Bytes::from(data)).unwrap();
            Made { array: Some(array), ..Made::of(told, Vec::new()) }
        }
        2 => {
            let text = *rng.choose::<&str>(&SCALARS);
            let size = DType::parse(text).unwrap().itemsize().unwrap() as usize;
            // As a float this is a number.
            let packed = vec![0x3f; size];
            Made { scalar: true, ..Made::of(json!({"t": "scalar", "dtype": text, "hex": to_hex(&packed)}), packed) }
        }
        _ => value(rng, 3),
    }
}

struct Source {
    name: String,
    metadata: Vec<(String, Made)>,
    properties: Vec<(String, Made)>,
}

const NAMES: [&str; 8] = ["SPB_DET_AGIPD1M-1/DET/0CH0:xtdf", "\u{e9}", "\u{1f600}", "\u{ffff}", "", "a", "Z", "b"];

fn train(rng: &mut Rng) -> Vec<Source> {
    let start = rng.below(NAMES.len());
    let names = (0..1 + rng.below(5)).map(|n| NAMES[(start + 3 * n) % NAMES.len()].to_owned());
    let mut sources = Vec::new();
    for name in names {
        let mut metadata = vec![
            ("source".to_owned(), Made::of(json!({"t": "str", "v": name}), text(&name))),
            ("timestamp.tid".to_owned(), Made::of(json!({"t": "int", "v": "10000000000"}), int(10_000_000_000))),
        ];
        metadata.extend((0..rng.below(4)).map(|n| (format!("more.{n}"), value(rng, 2))));
        metadata.truncate(rng.below(6));
        let properties = (0..rng.below(8))
            .map(|n| (format!("{}{n}", ["image.data", "\u{e4}.", ""][n % 3]), property(rng)))
            .collect();
        sources.push(Source { name, metadata, properties });
    }
    sources
}

fn write(version: Version, train: &[Source]) -> Vec<String> {
    let dtypes = SCALARS.map(|text| (text, DType::parse(text).unwrap()));
    let mut writer = TrainWriter::new(version);
    for source in train {
        writer.source(&source.name);
        for (name, made) in &source.metadata {
            writer.metadata(name, ValueRef::decode(&made.packed).unwrap()).unwrap();
        }
        for (path, made) in &source.properties {
            if let Some(array) = &made.array {
                writer.shared(path, array).unwrap();
            } else if made.scalar {
                let dtype = dtypes.iter().find(|(text, _)| made.told["dtype"] == *text).unwrap();
                let DType::Plain(plain) = dtype.1 else { panic!() };
                writer
                    .value(path, ValueRef::Scalar(ScalarRef::new(DTypeRef::Plain(plain), &made.packed).unwrap()))
                    .unwrap();
            } else {
                writer.value(path, ValueRef::decode(&made.packed).unwrap()).unwrap();
            }
        }
    }
    writer.finish().unwrap().iter().map(|part| to_hex(part.as_ref())).collect()
}

/// What a scalar of numpy becomes in pairs: a plain number.
fn plain(told: &Json) -> Json {
    let bytes = hex(told["hex"].as_str().unwrap());
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(&bytes);
    match told["dtype"].as_str().unwrap() {
        "<f4" => {
            let number = f64::from(f32::from_le_bytes(wide[..4].try_into().unwrap()));
            json!({"t": "f64", "bits": format!("{:016x}", number.to_bits())})
        }
        // All are positive.
        _ => json!({"t": "int", "v": u64::from_le_bytes(wide).to_string()}),
    }
}

/// What Python should get of a train, in the order it gets it.
fn due(version: Version, train: &[Source]) -> Json {
    let mut sources: Vec<&Source> = train.iter().collect();
    if version == Version::V2_2 {
        sources.sort_by(|one, other| one.name.chars().cmp(other.name.chars()));
    }
    let described = |source: &&Source| {
        let told =
            |made: &Made| if made.scalar && version != Version::V1_0 { plain(&made.told) } else { made.told.clone() };
        let of = |arrays: bool| {
            let some = source.properties.iter().filter(move |(_, made)| made.array.is_some() == arrays);
            some.map(|(path, made)| json!([path, told(made)]))
        };
        let entries: Vec<_> = source.metadata.iter().map(|(name, made)| json!([name, made.told])).collect();
        let all = json!(["metadata", {"t": "map", "v": entries}]);
        let flat = source.metadata.iter().map(|(name, made)| json!([format!("metadata.{name}"), made.told]));
        // Python looks for metadata where 1.0 and 2.2 have it, and finds none in other versions.
        let (metadata, data): (&[Json], Vec<Json>) = match version {
            Version::V1_0 => {
                let inline = source.properties.iter().map(|(path, made)| json!([path, told(made)]));
                (&entries, inline.chain([all]).collect())
            }
            Version::V2_0 => (&[], of(false).chain([all]).chain(of(true)).collect()),
            Version::V2_1 => (&[], of(false).chain(flat).chain(of(true)).collect()),
            _ => (&entries, of(false).chain(of(true)).collect()),
        };
        json!({"source": source.name, "metadata": metadata, "data": data})
    };
    sources.iter().map(described).collect()
}

/// 200 trains in a version.
fn python_reads(version: Version) {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut rng = Rng::new(rng::seed() ^ 0x1d);
    let (mut arrays, mut scalars, mut values) = (0, 0, 0);
    for round in 0..5 {
        let trains: Vec<_> = (0..40).map(|_| train(&mut rng)).collect();
        let parts: Vec<_> = trains.iter().map(|train| write(version, train)).collect();
        let answer = peer.call(&json!({"op": "read", "trains": parts}));
        for (index, train) in trains.iter().enumerate() {
            assert_eq!(answer["trains"][index], due(version, train), "train {index} of round {round}");
            for (_, made) in train.iter().flat_map(|source| &source.properties) {
                arrays += usize::from(made.array.is_some());
                scalars += usize::from(made.scalar);
                values += 1;
            }
        }
        if matches!(version, Version::V1_0 | Version::V2_2) {
            let told = |train: &Vec<Source>| -> Json {
                let pairs =
                    |all: &[(String, Made)]| all.iter().map(|(name, made)| json!([name, made.told])).collect::<Json>();
                train.iter().map(|source| json!({"source": source.name, "metadata": pairs(&source.metadata), "data": pairs(&source.properties)})).collect()
            };
            let told: Vec<_> = trains.iter().map(told).collect();
            let answer = peer.call(&json!({"op": "write", "version": version.as_str(), "trains": told}));
            for (index, parts) in parts.iter().enumerate() {
                assert_eq!(answer["trains"][index], json!(parts), "train {index} of round {round}");
            }
        }
    }
    assert!(arrays > 600 && scalars > 200 && values > 1500, "{arrays} arrays, {scalars} scalars, {values} values");
}

#[test]
fn python_reads_and_writes_version_1_0() {
    python_reads(Version::V1_0);
}

#[test]
fn python_reads_version_2_0() {
    python_reads(Version::V2_0);
}

#[test]
fn python_reads_version_2_1() {
    python_reads(Version::V2_1);
}

#[test]
fn python_reads_and_writes_version_2_2() {
    python_reads(Version::V2_2);
}

#[test]
fn python_reads_what_it_would_not_write() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    // No sources in 1.0, floats of 32 bits, and a train that has metadata only.
    let empty: Vec<_> =
        TrainWriter::new(Version::V1_0).finish().unwrap().iter().map(|part| to_hex(part.as_ref())).collect();
    assert_eq!(empty, ["80"]);
    let mut trains = vec![empty];
    for version in [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2] {
        let mut writer = TrainWriter::new(version);
        writer.source("s");
        writer.value("f", ValueRef::F32(0.5)).unwrap();
        writer.source("t");
        trains.push(writer.finish().unwrap().iter().map(|part| to_hex(part.as_ref())).collect());
    }
    let answer = peer.call(&json!({"op": "read", "trains": trains}));
    let half = json!(["f", {"t": "f64", "bits": "3fe0000000000000"}]);
    let nothing = json!(["metadata", {"t": "map", "v": []}]);
    let of = |s: Vec<&Json>, t: Vec<&Json>| json!([{"source": "s", "metadata": [], "data": s}, {"source": "t", "metadata": [], "data": t}]);
    let with = of(vec![&half, &nothing], vec![&nothing]);
    let without = of(vec![&half], vec![]);
    assert_eq!(answer["trains"], json!([[], with, with, without, without]));
}

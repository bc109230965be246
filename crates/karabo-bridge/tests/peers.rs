//! Live against the Python package karabo-bridge: what its `serialize` writes is read here, compared with what Python says of it, and written
//! again to the same bytes.

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

use std::collections::BTreeSet;
use std::time::Duration;

use karabo_bridge::msgpack_numpy_codec::{Array, ArrayRef, DTypeRef, ValueRef};
use karabo_bridge::{DecodeError, Item, MessageRef, TrainIndex, TrainRef, TrainWriter, Version};
use serde_json::{Value as Json, json};
use testkit::vectors::{hex, to_hex};
use testkit::{Worker, rng};

/// Makes random trains, serialises them, and describes what is in them.
const SCRIPT: &str = r#"
import random
import struct
import numpy as np
from karabo_bridge import serializer

NAMES = ["SPB_DET_AGIPD1M-1/DET/0CH0:xtdf", "SA1_XTD2_XGM/DOOCS/MAIN:output", "k\u00e4lla/\u00fc:\u51fa\u529b", "\U0001f600", "a", "",
         "x" * 31, "x" * 32, "y" * 255, "y" * 256, "\uffff", "Z"]
PATHS = ["image.data", "header.pulseCount", "b\u00e4r", "", "a.b.c", "p" * 40, "data", "\U0001d11e", "ignored_keys", "timestamp.tid", "v"]
INTS = [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -1, -32, -33, -128, -129,
        -32768, -32769, -2**31, -2**31 - 1, -2**63]
FLOATS = [0.0, -0.0, 1.5, float("inf"), -float("inf"), float("nan"), 5e-324, 1.7976931348623157e308, 1e10]
PLAIN = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "f16", "c32", "S5", "U5", "V8",
         ">i2", ">i4", ">i8", ">u2", ">u4", ">u8", ">f2", ">f4", ">f8", ">c8", ">c16", ">U5", "S1", "V1", ">f16", ">c32",
         "M8[ns]", "m8[s]"]
FIELDS = ["[('a', 'i4'), ('b', 'f8')]", "[('a', '>i2'), ('b', 'u1', (2, 3))]", "[('a', [('x', 'u1'), ('y', 'S3')]), ('\u00e9', '?')]",
          "{'names': ['a', 'b'], 'formats': ['i1', 'f8'], 'offsets': [0, 8], 'itemsize': 24}"]

def text(rng):
    return "".join(rng.choice("aZ0. \u00e9\u20ac\U0001f600\x00") for _ in range(rng.choice([0, 1, 5, 31, 32, 60, 300])))

def array(rng, text):
    dtype = np.dtype(eval(text) if text[0] in "[{" else text)
    shape = [rng.randrange(1, 4) for _ in range(rng.randrange(4))]
    if shape and rng.random() < 0.15:
        shape[rng.randrange(len(shape))] = 0
    count = int(np.prod(shape, dtype=int))
    if dtype.kind == "U":
        made = np.array(["".join(rng.choice("aZ\u00e9\U0001f600") for _ in range(rng.randrange(6))) for _ in range(count)], dtype).reshape(shape)
    elif dtype.kind in "fc" and dtype.itemsize >= 16:
        made = np.array([rng.uniform(-9, 9) for _ in range(count)], dtype).reshape(shape)
    else:
        bits = bytearray(rng.randbytes(dtype.itemsize * count))
        if dtype.kind == "b":
            bits = bytearray(byte & 1 for byte in bits)
        made = np.frombuffer(bits, dtype).reshape(shape) if count else np.empty(shape, dtype)
    # Bytes between fields are lost when an array is put in order.
    layout = 0 if text[0] == "{" else rng.randrange(4)
    if layout == 1:
        made = np.asfortranarray(made)
    if layout == 2:
        made = made.T
    if layout == 3 and made.ndim:
        made = made[::-1]
    return made

def scalar(rng):
    dtype = np.dtype(rng.choice(["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]))
    return np.frombuffer(rng.randbytes(dtype.itemsize), dtype)[0]

def value(rng, version, depth):
    kind = rng.randrange(15 if depth else 10)
    if kind == 0:
        return None
    if kind == 1:
        return rng.random() < 0.5
    if kind == 2:
        return rng.choice(INTS)
    if kind == 3:
        return rng.getrandbits(rng.randrange(1, 65))
    if kind == 4:
        return rng.choice(FLOATS)
    if kind == 5:
        return struct.unpack("<d", rng.randbytes(8))[0]
    if kind in (6, 7):
        return text(rng)
    if kind == 8:
        made = rng.randbytes(rng.choice([0, 1, 31, 255, 256, 70000 if rng.random() < 0.03 else 7]))
        return rng.choice([bytes, bytearray])(made)
    if kind == 9 and version == "1.0":
        return rng.choice([scalar(rng), complex(rng.uniform(-9, 9), rng.choice(FLOATS)), np.bool_(True), np.complex64(1 + 2j),
                           array(rng, rng.choice(PLAIN[:33] + FIELDS)), np.str_("x"), np.bytes_(b"y")])
    if kind == 9:
        return rng.choice([np.str_("x"), np.bytes_(b"y"), 7])
    if kind in (10, 11):
        return [value(rng, version, depth - 1) for _ in range(rng.choice([0, 1, 2, 15, 16, 17]))]
    if kind == 12:
        return tuple(value(rng, version, 0) for _ in range(rng.randrange(4)))
    return {(("k%d" % n).encode() if rng.random() < 0.2 else "k%d" % n):
            value(rng, version, depth - 1) for n in range(rng.choice([0, 1, 2, 15, 16, 17]))}

def metadata(rng, name, version):
    kind = rng.randrange(5)
    if kind == 0:
        return {}
    if kind == 1:
        return {"source": name, "timestamp.tid": rng.choice([0, 10_000_000_000, 2**64 - 1])}
    full = {"source": name, "timestamp": rng.uniform(0, 2e9), "timestamp.sec": str(rng.randrange(2**31)),
            "timestamp.frac": "%018d" % rng.randrange(10**18), "timestamp.tid": rng.randrange(2**40)}
    if kind == 2:
        full.update({"ignored_keys": ["a", "b.c"], "\u00e9": value(rng, version, 2)})
    if kind == 3:
        full = dict(reversed(list(full.items())))
    return full

def fields(dtype):
    """Those with a name: others are room between them."""
    return [field for field in dtype.descr if field[0]]

def describe(value, version):
    again = lambda value: describe(value, version)
    if value is None:
        return {"t": "nil"}
    if isinstance(value, np.ndarray):
        told = {"t": "array", "descr": value.dtype.str if value.dtype.names is None else fields(value.dtype),
                "shape": list(value.shape), "hex": value.tobytes().hex()}
        return told
    if isinstance(value, (bool, np.bool_)) and not (version == "1.0" and isinstance(value, np.bool_)):
        return {"t": "bool", "v": bool(value)}
    if isinstance(value, float):
        return {"t": "f64", "bits": struct.pack(">d", value).hex()}
    if isinstance(value, str):
        return {"t": "str", "v": str(value)}
    if isinstance(value, (bytes, bytearray)):
        return {"t": "bin", "hex": bytes(value).hex()}
    if isinstance(value, np.generic):
        if version == "1.0":
            return {"t": "scalar", "descr": value.dtype.str, "hex": value.tobytes().hex()}
        return again(value.item())
    if isinstance(value, int):
        return {"t": "int", "v": str(value)}
    if isinstance(value, complex):
        return {"t": "complex", "bits": struct.pack(">dd", value.real, value.imag).hex()}
    if isinstance(value, (list, tuple)):
        return {"t": "list", "v": [again(item) for item in value]}
    if isinstance(value, dict):
        return {"t": "map", "v": [[again(key), again(item)] for key, item in value.items()]}
    raise TypeError(type(value))

def train(rng, version, refused):
    data, meta = {}, {}
    for name in rng.sample(NAMES, rng.choice([0 if version == "1.0" else 1, 1, 2, 3, 5])):
        props = {}
        for path in rng.sample(PATHS, rng.randrange(len(PATHS))):
            kind = rng.random()
            if kind < 0.4:
                dtype = rng.choice(PLAIN + FIELDS)
                made = array(rng, dtype)
                try:
                    serializer.serialize({"s": {"p": made}}, {"s": {}}, version)
                except (ValueError, TypeError, NotImplementedError):
                    refused.add(dtype)
                    continue
                props[path] = made
            elif kind < 0.5:
                props[path] = scalar(rng)
            else:
                props[path] = value(rng, version, 3)
        data[name], meta[name] = props, metadata(rng, name, version)
    return data, meta

def hexes(parts):
    return [bytes(part.tobytes() if isinstance(part, memoryview) else part).hex() for part in parts]

def at(now):
    serializer.time = lambda: now

def batch(request):
    rng, version = random.Random(request["seed"]), request["version"]
    refused, out = set(), []
    for _ in range(request["count"]):
        data, meta = train(rng, version, refused)
        now = rng.choice([1526464869.4109755, 1700000000.0, 1.5, 1234567890.123, 0.25, 999999999.000001])
        at(now)
        pairs = version != "1.0"
        is_pair = lambda item: pairs and isinstance(item, np.ndarray)
        told = [{
            "source": name,
            "metadata": [[key, describe(item, version)] for key, item in meta[name].items()],
            "data": [[path, describe(item, version)] for path, item in props.items() if not is_pair(item)],
            "arrays": [[path, str(item.dtype), describe(item, version)] for path, item in props.items() if is_pair(item)],
        } for name, props in (sorted(data.items()) if pairs else data.items())]
        out.append({
            "parts": hexes(serializer.serialize(data, meta, version)),
            "dummy": hexes(serializer.serialize(data, meta, version, dummy_timestamps=True)),
            "now": str(now),
            "sources": told,
        })
    return {"trains": out, "refused": sorted(refused)}

def odd(_request):
    """What numpy has and other languages have not, and metadata among the data."""
    record = np.rec.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")])
    aligned = np.zeros(1, np.dtype("i1,f8", align=True))
    objects = np.array([None, 1], object)
    one = lambda made: hexes(serializer.serialize({"s": {"p": made}}, {"s": {}}))
    at(1.5)
    both = {"s": {"p": 1, "metadata": {"timestamp.tid": 7}}}
    partly = {"s": {"timestamp.sec": "7", "timestamp.tid": 9}}
    return {
        "record": one(record), "aligned": one(aligned), "objects": one(objects),
        "masked": one(np.ma.masked_array(np.array([1, 2], "<i4"), [True, False])),
        "matrix": one(np.matrix([[1, 2]], dtype="<i4")),
        "both_2.2": hexes(serializer.serialize(both)), "both_1.0": hexes(serializer.serialize(both, protocol_version="1.0")),
        "objects_1.0": hexes(serializer.serialize({"s": {"p": objects}}, {"s": {}}, "1.0")),
        "partly_1.0": hexes(serializer.serialize({"s": {}}, partly, "1.0", True)),
        "partly_2.2": hexes(serializer.serialize({"s": {}}, partly, "2.2", True)),
        "float16": hexes(serializer.serialize({"s": {"p": np.float16(1.5)}}, {"s": {}})),
    }

serve({"batch": batch, "odd": odd})
"#;

fn descr(dtype: DTypeRef<'_>) -> Json {
    let DTypeRef::Structured(structured) = dtype else { return json!(dtype.to_string()) };
    let field = |name: Json, dtype, shape: Vec<u64>| {
        if shape.is_empty() { json!([name, dtype]) } else { json!([name, dtype, shape]) }
    };
    structured.fields().map(|one| field(json!(one.name), descr(one.dtype), one.shape.iter().collect())).collect()
}

fn array(array: ArrayRef<'_>) -> Json {
    json!({"t": "array", "descr": descr(array.dtype()), "shape": array.shape().iter().collect::<Vec<_>>(), "hex": to_hex(array.data())})
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn value(found: ValueRef<'_>) -> Json {
    match found {
        ValueRef::Nil => json!({"t": "nil"}),
        ValueRef::Bool(v) => json!({"t": "bool", "v": v}),
        ValueRef::Int(v) => json!({"t": "int", "v": v.to_string()}),
        ValueRef::UInt(v) => json!({"t": "int", "v": v.to_string()}),
        ValueRef::F64(v) => json!({"t": "f64", "bits": format!("{:016x}", v.to_bits())}),
        ValueRef::Str(v) => json!({"t": "str", "v": text(v)}),
        ValueRef::Bin(v) => json!({"t": "bin", "hex": to_hex(v)}),
        ValueRef::List(v) => json!({"t": "list", "v": v.iter().map(value).collect::<Vec<_>>()}),
        ValueRef::Map(v) => {
            json!({"t": "map", "v": v.iter().map(|(key, item)| json!([value(key), value(item)])).collect::<Vec<_>>()})
        }
        ValueRef::Array(v) => array(v),
        ValueRef::Scalar(v) => json!({"t": "scalar", "descr": v.dtype().to_string(), "hex": to_hex(v.data())}),
        ValueRef::Complex(re, im) => {
            json!({"t": "complex", "bits": format!("{:016x}{:016x}", re.to_bits(), im.to_bits())})
        }
        other => panic!("{other:?}"),
    }
}

fn train(parts: &[Vec<u8>]) -> TrainRef<'_, Vec<u8>> {
    let Ok(MessageRef::Train(train)) = MessageRef::decode(parts) else { panic!("no train") };
    train
}

fn described(train: TrainRef<'_, Vec<u8>>) -> Json {
    let mut sources: Vec<Json> = Vec::new();
    for item in train.items() {
        match item.unwrap() {
            Item::Source(source) => {
                let all = |entries: &mut dyn Iterator<Item = (&str, ValueRef<'_>)>| -> Json {
                    entries.map(|(key, item)| json!([key, value(item)])).collect()
                };
                let metadata = all(&mut source.metadata().entries());
                let data = all(&mut source.properties());
                sources.push(json!({"source": source.name(), "metadata": metadata, "data": data, "arrays": []}));
            }
            Item::Array(part) => {
                let whole = part.to_array().unwrap_or_else(|| panic!("{part:?}"));
                let found = json!([part.path(), part.dtype().as_str(), array(whole.as_ref())]);
                let source = sources.last_mut().unwrap();
                assert_eq!(source["source"], part.source());
                source["arrays"].as_array_mut().unwrap().push(found);
            }
            other => panic!("{other:?}"),
        }
    }
    Json::Array(sources)
}

/// Writes a train again, as it came, with or without timestamps that are made up.
fn written(train: TrainRef<'_, Vec<u8>>, version: Version, now: Option<Duration>) -> Vec<Vec<u8>> {
    let arrays: Vec<Option<Array<&[u8]>>> =
        train.items().map(|item| if let Ok(Item::Array(array)) = item { array.to_array() } else { None }).collect();
    let mut writer = TrainWriter::new(version);
    if let Some(now) = now {
        writer = writer.with_dummy_timestamps(now);
    }
    for (item, whole) in train.items().zip(&arrays) {
        match item.unwrap() {
            Item::Source(source) => {
                writer.source(source.name());
                source.metadata().entries().for_each(|(name, value)| writer.metadata(name, value).unwrap());
                source.properties().for_each(|(path, value)| writer.value(path, value).unwrap());
            }
            Item::Array(array) => writer.array(array.path(), whole.as_ref().unwrap().as_ref()).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    writer.finish().unwrap().iter().map(|part| part.as_ref().to_vec()).collect()
}

fn parts(told: &Json) -> Vec<Vec<u8>> {
    told.as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap())).collect()
}

/// `1.5`, with nine digits behind the point at most.
fn seconds(text: &str) -> Duration {
    let (sec, frac) = text.split_once('.').unwrap();
    assert!(frac.len() <= 9, "{text}");
    Duration::new(sec.parse().unwrap(), format!("{frac:0<9}").parse().unwrap())
}

fn shown(parts: &[Vec<u8>]) -> Vec<String> {
    parts.iter().map(|part| to_hex(part)).collect()
}

fn random_trains(version: Version) {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let (mut trains, mut sources, mut arrays, mut dtypes) = (0, 0, 0, BTreeSet::new());
    for round in 0..10 {
        let seed = (rng::seed() >> 12) + round;
        let answer = peer.call(&json!({"op": "batch", "seed": seed, "version": version.as_str(), "count": 40}));
        // Python does not lend the bytes of these: times, and long doubles of the other order.
        for refused in answer["refused"].as_array().unwrap() {
            assert!(["M8[ns]", "m8[s]", ">f16", ">c32", ">f2"].contains(&refused.as_str().unwrap()), "{refused}");
        }
        for told in answer["trains"].as_array().unwrap() {
            let [plain, dummy] = ["parts", "dummy"].map(|key| parts(&told[key]));
            let train = train(&plain);
            assert_eq!(described(train), told["sources"], "seed {seed}");
            let mut index = TrainIndex::new();
            let indexed = index.build(train);
            assert_eq!(indexed.errors().map(|lost| lost.error).collect::<Vec<DecodeError>>(), []);
            assert_eq!(indexed.sources().count(), told["sources"].as_array().unwrap().len());
            assert_eq!(train.version(), Some(version));
            assert_eq!(shown(&written(train, version, None)), shown(&plain), "seed {seed}");
            let now = seconds(told["now"].as_str().unwrap());
            assert_eq!(shown(&written(train, version, Some(now))), shown(&dummy), "seed {seed}");
            // What was made up is read as the time it was made up of.
            for item in self::train(&dummy).items() {
                let Ok(Item::Source(source)) = item else { continue };
                assert!(source.metadata().time().is_some() && source.metadata().timestamp().is_some());
            }
            trains += 1;
            for source in told["sources"].as_array().unwrap() {
                sources += 1;
                for array in source["arrays"].as_array().unwrap() {
                    arrays += 1;
                    dtypes.insert(array[1].as_str().unwrap().to_owned());
                }
            }
        }
    }
    assert!(trains == 400 && sources > 600, "{trains} trains, {sources} sources");
    if version == Version::V2_2 {
        assert!(arrays > 800 && dtypes.len() > 35, "{arrays} arrays, {dtypes:?}");
    }
}

#[test]
fn random_trains_of_version_1_0() {
    random_trains(Version::V1_0);
}

#[test]
fn random_trains_of_version_2_2() {
    random_trains(Version::V2_2);
}

#[test]
fn arrays_that_only_numpy_has() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let told = peer.call(&json!({"op": "odd"}));
    let one = |name: &str| {
        let parts = parts(&told[name]);
        let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("{name}") };
        let fields = array.to_array().map(|array| descr(array.as_ref().dtype()));
        (array.dtype().as_str().to_owned(), array.shape().to_string(), array.data().to_vec(), fields)
    };
    let (dtype, shape, data, fields) = one("record");
    assert_eq!((&*dtype, &*shape, data.len()), ("(numpy.record, [('a', '<i4'), ('b', '<f8')])", "(1,)", 12));
    assert_eq!(fields, Some(json!([["a", "<i4"], ["b", "<f8"]])));
    let (dtype, _, data, fields) = one("aligned");
    assert!(dtype.starts_with("{'names': ['f0', 'f1']") && dtype.ends_with("'aligned': True}"), "{dtype}");
    assert_eq!((data.len(), fields), (16, Some(json!([["f0", "|i1"], ["f1", "<f8"]]))));
    // Addresses: there are bytes, and nothing is made of them.
    let (dtype, shape, data, fields) = one("objects");
    assert_eq!((&*dtype, &*shape, data.len(), fields), ("object", "(2,)", 16, None));
    // Masks do not travel, and matrices are arrays.
    assert_eq!(one("masked").2, [1, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(one("matrix").1, "(1, 2)");
    // In version 1.0 objects are a pickle, which is left alone, and goes back in.
    let single = parts(&told["objects_1.0"]);
    let Some(Ok(Item::Source(source))) = train(&single).items().next() else { panic!("no source") };
    assert!(matches!(source.get("p"), Some(ValueRef::Pickle(pickle)) if pickle.pickle().ends_with(b".")));
    assert_eq!(shown(&written(train(&single), Version::V1_0, None)), shown(&single));
}

/// Who gives no metadata has it taken from the data, where it stays.
#[test]
fn metadata_in_two_places() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let told = peer.call(&json!({"op": "odd"}));
    let pairs = parts(&told["both_2.2"]);
    let Some(Ok(Item::Source(source))) = train(&pairs).items().next() else { panic!("no source") };
    assert_eq!((source.version(), source.metadata().tid()), (Some(Version::V2_2), Some(7)));
    let twin = source.get("metadata").and_then(|value| value.as_map()).unwrap();
    assert_eq!(twin.get("timestamp.tid"), Some(ValueRef::Int(7)));
    assert_eq!(shown(&written(train(&pairs), Version::V2_2, None)), shown(&pairs));
    let single = parts(&told["both_1.0"]);
    let Some(Ok(Item::Source(source))) = train(&single).items().next() else { panic!("no source") };
    assert_eq!((source.metadata().tid(), source.get("metadata")), (Some(7), None));
}

/// A timestamp is made up where `timestamp` is missing, and then replaces what there is of it, where it is.
#[test]
fn a_part_of_a_timestamp_is_replaced_as_python_does() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let told = peer.call(&json!({"op": "odd"}));
    for version in [Version::V1_0, Version::V2_2] {
        let mut writer = TrainWriter::new(version).with_dummy_timestamps(Duration::from_millis(1500));
        writer.source("s");
        writer.metadata("timestamp.sec", ValueRef::Str(b"7")).unwrap();
        writer.metadata("timestamp.tid", ValueRef::Int(9)).unwrap();
        let found: Vec<_> = writer.finish().unwrap().iter().map(|part| to_hex(part.as_ref())).collect();
        assert_eq!(json!(found), told[&format!("partly_{version}")], "{version}");
    }
}

#[test]
fn a_half_is_a_number() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let told = parts(&peer.call(&json!({"op": "odd"}))["float16"]);
    let Some(Ok(Item::Source(source))) = train(&told).items().next() else { panic!("no source") };
    assert_eq!(source.get("p"), Some(ValueRef::F64(1.5)));
}

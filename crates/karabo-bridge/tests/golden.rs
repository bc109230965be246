//! Every golden vector: what bridges of all versions sent, and what is malformed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use karabo_bridge::msgpack_numpy_codec::{ArrayRef, DTypeRef, ValueRef};
use karabo_bridge::{
    ArrayPart, DecodeError, Item, MessageRef, Part, PartError, Property, Timestamp, TrainIndex, TrainRef, TrainWriter,
    Version,
};
use serde_json::{Value as Json, json};
use testkit::vectors::{hex, to_hex};

struct Vector {
    name: String,
    version: String,
    parts: Vec<Vec<u8>>,
    expect: Json,
}

/// Those of a class; under Miri, which is some thousand times slower, every twelfth.
fn vectors(class: &str) -> Vec<Vector> {
    let file = include_str!("vectors/karabo_bridge.jsonl");
    let class = format!("\"class\": \"{class}\"");
    // The class stands at the front of a line; JSON is made of the sample only.
    let lines = file.lines().filter(|line| line.get(..120).unwrap_or(line).contains(&class)).enumerate();
    let sample = lines.filter(|(index, _)| !cfg!(miri) || index % 12 == 0);
    sample
        .map(|(_, line)| serde_json::from_str::<Json>(line).unwrap())
        .map(|line| Vector {
            name: line["name"].as_str().unwrap().into(),
            version: line["version"].as_str().unwrap().into(),
            parts: line["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap())).collect(),
            expect: line["expect"].clone(),
        })
        .collect()
}

fn train<'a>(parts: &'a [Vec<u8>]) -> TrainRef<'a, Vec<u8>> {
    let MessageRef::Train(train) = MessageRef::decode(parts).unwrap() else { panic!("no train") };
    train
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn descr(dtype: DTypeRef<'_>) -> Json {
    match dtype {
        DTypeRef::Structured(structured) => structured
            .all_fields()
            .map(|field| {
                let mut parts = vec![json!(field.name), descr(field.dtype)];
                if !field.shape.is_empty() {
                    parts.push(json!(field.shape.iter().collect::<Vec<_>>()));
                }
                Json::Array(parts)
            })
            .collect(),
        dtype => json!(dtype.to_string()),
    }
}

fn array(array: ArrayRef<'_>) -> Json {
    let key = if matches!(array.dtype(), DTypeRef::Structured(_)) { "descr" } else { "typestr" };
    json!({"t": "array", key: descr(array.dtype()), "shape": array.shape().iter().collect::<Vec<_>>(), "hex": to_hex(array.data())})
}

fn value(found: ValueRef<'_>) -> Json {
    match found {
        ValueRef::Nil => json!({"t": "nil"}),
        ValueRef::Bool(v) => json!({"t": "bool", "v": v}),
        ValueRef::Int(v) => json!({"t": "int", "v": v.to_string()}),
        ValueRef::UInt(v) => json!({"t": "int", "v": v.to_string()}),
        ValueRef::F32(v) => json!({"t": "f64", "bits": format!("{:016x}", f64::from(v).to_bits())}),
        ValueRef::F64(v) => json!({"t": "f64", "bits": format!("{:016x}", v.to_bits())}),
        ValueRef::Str(v) => json!({"t": "str", "v": text(v)}),
        ValueRef::Bin(v) => json!({"t": "bin", "hex": to_hex(v)}),
        ValueRef::List(v) => json!({"t": "list", "v": v.iter().map(value).collect::<Vec<_>>()}),
        ValueRef::Map(v) => {
            let entries = v.iter().map(|(key, item)| json!([value(key), value(item)]));
            json!({"t": "map", "v": entries.collect::<Vec<_>>()})
        }
        ValueRef::Array(v) => array(v),
        ValueRef::Scalar(v) => json!({"t": "npscalar", "typestr": v.dtype().to_string(), "hex": to_hex(v.data())}),
        ValueRef::Complex(re, im) => {
            json!({"t": "complex", "re_bits": format!("{:016x}", re.to_bits()), "im_bits": format!("{:016x}", im.to_bits())})
        }
        ValueRef::Pickle(v) => {
            json!({"t": "object_array", "shape": v.shape().iter().collect::<Vec<_>>(), "pickle_hex": to_hex(v.pickle())})
        }
        other => panic!("{other:?}"),
    }
}

fn array_part(part: ArrayPart<'_>) -> Json {
    let whole = part.to_array().unwrap_or_else(|| panic!("{part:?}"));
    let found = array(whole.as_ref());
    match part.params() {
        None => found,
        Some(params) => json!({"t": "image", "params": value(ValueRef::Map(params)), "array": found}),
    }
}

/// In the notation of the expectations; keys in the order of their names, since versions differ in theirs.
fn described(train: TrainRef<'_, Vec<u8>>) -> Json {
    let mut sources: Vec<(String, Vec<Json>, Vec<Json>)> = Vec::new();
    for item in train.items() {
        match item.unwrap() {
            Item::Source(source) => sources.push((
                source.name().into(),
                source.metadata().entries().map(|(key, item)| json!([key, value(item)])).collect(),
                source.properties().map(|(key, item)| json!([key, value(item)])).collect(),
            )),
            Item::Array(part) => {
                let source = sources.iter_mut().find(|source| source.0 == part.source()).unwrap();
                source.2.push(json!([part.path(), array_part(part)]));
            }
            other => panic!("{other:?}"),
        }
    }
    let sorted = |mut entries: Vec<Json>| {
        entries.sort_by_key(|entry| entry[0].as_str().unwrap().to_owned());
        entries
    };
    let source = |(name, metadata, data)| json!({"source": name, "metadata": sorted(metadata), "data": sorted(data)});
    sources.into_iter().map(source).collect()
}

fn expected(vector: &Vector) -> Json {
    let mut sources = vector.expect["sources"].clone();
    for source in sources.as_array_mut().unwrap() {
        for key in ["metadata", "data"] {
            source[key].as_array_mut().unwrap().sort_by_key(|entry| entry[0].as_str().unwrap().to_owned());
        }
    }
    sources
}

/// A tagged map in a 2.x data part is an array here, and a map to clients since 0.5 (SPEC.md §2).
const TAGGED: &str = "v22_bin_keyed_map";

#[test]
fn what_bridges_send_is_read_as_it_says() {
    let vectors = vectors("valid");
    assert_eq!(vectors.len(), if cfg!(miri) { 4 } else { 47 });
    for vector in vectors.iter().filter(|vector| vector.name != TAGGED) {
        let train = train(&vector.parts);
        let (found, expected) = (described(train), expected(vector));
        assert_eq!(found, expected, "{}", vector.name);
        let version = train.version().map(Version::as_str);
        let told = !found.as_array().unwrap().iter().all(|source| source["metadata"] == json!([]));
        assert_eq!(version, (told || version.is_some()).then_some(vector.version.as_str()), "{}", vector.name);
    }
}

#[test]
fn a_tagged_map_among_properties_is_an_array() {
    let parts = [&b"\x83\xa6source\xa1d\xa7content\xa7msgpack\xa8metadata\x80"[..], b"\x81\xa1m\x85\xc4\x02nd\xc3\xc4\x04type\xa3<i2\xc4\x04kind\xc4\x00\xc4\x05shape\x91\x01\xc4\x04data\xc4\x02\x01\x00"];
    let MessageRef::Train(train) = MessageRef::decode(&parts).unwrap() else { panic!() };
    let Some(Ok(Item::Source(source))) = train.items().next() else { panic!() };
    assert_eq!(source.get("m").unwrap().as_array().unwrap().to_vec::<i16>(), Ok(vec![1]));
}

/// Reads a train, and writes it again.
fn written(train: TrainRef<'_, Vec<u8>>, version: Version) -> Vec<Vec<u8>> {
    let mut writer = TrainWriter::new(version);
    for item in train.items() {
        writer.item(item.unwrap()).unwrap();
    }
    let parts = writer.finish().unwrap();
    // In versions 2.x each array is a part that is no copy.
    let arrays = parts.iter().filter(|part| matches!(part, Part::Borrowed(_))).count();
    let own = parts.len() - arrays;
    assert!(version == Version::V1_0 && own == 1 || own == arrays + 2 * train.items().filter(is_source).count());
    parts.iter().map(|part| part.as_ref().to_vec()).collect()
}

fn is_source(item: &Result<Item<'_>, PartError<'_>>) -> bool {
    matches!(item, Ok(Item::Source(_)))
}

fn version(name: &str) -> Version {
    match name {
        "1.0" => Version::V1_0,
        "2.0" => Version::V2_0,
        "2.1" => Version::V2_1,
        _ => Version::V2_2,
    }
}

/// With forms, orders, names or places that no server of today writes; most made by hand.
const OTHERWISE: &[&str] = &[
    "v10_ignored_in_source",
    "v20_seed_layout",
    "sim0.3.0_v2.2_two",
    "v21_karabo_camera",
    "v22_extra_header_keys",
    "v22_key_order",
    "v22_uint_widths",
    TAGGED,
];

#[test]
fn what_bridges_send_is_written_to_the_same_bytes() {
    for vector in vectors("valid") {
        let bytes = written(train(&vector.parts), version(&vector.version));
        if OTHERWISE.contains(&vector.name.as_str()) {
            assert_ne!(bytes, vector.parts, "{}", vector.name);
        } else {
            assert_eq!(bytes, vector.parts, "{}", vector.name);
        }
    }
}

#[test]
fn every_version_carries_the_same_train() {
    for vector in vectors("valid").iter().filter(|vector| vector.name.starts_with("sim0.3.0")) {
        let train = train(&vector.parts);
        for version in [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2] {
            let parts = written(train, version);
            let again = self::train(&parts);
            assert_eq!(again.version(), Some(version));
            assert_eq!(by_name(described(again)), by_name(described(train)), "{} in {version}", vector.name);
        }
    }
}

fn by_name(mut sources: Json) -> Json {
    sources.as_array_mut().unwrap().sort_by_key(|source| source["source"].as_str().unwrap().to_owned());
    sources
}

/// What came of a message, in a line: see `expected.jsonl`.
fn outcome(parts: &[Vec<u8>]) -> Json {
    let fault = |error: &DecodeError| json!([error.kind().to_string(), error.part(), error.offset(), error.what()]);
    match MessageRef::decode(parts) {
        Err(error) => json!({"message": fault(&error)}),
        Ok(MessageRef::Error(reply)) => json!({"reply": text(reply)}),
        Ok(MessageRef::Train(train)) => {
            let items = train.items().map(|item| match item {
                Ok(Item::Source(source)) => {
                    let faulty = source.properties().filter(|(_, value)| matches!(value, ValueRef::Faulty(..)));
                    json!({"source": source.name(), "properties": source.properties().count(), "faulty": faulty.count()})
                }
                Ok(Item::Array(array)) => json!({"array": [array.source(), array.path(), array.dtype().as_str()], "understood": array.to_array().is_some()}),
                Ok(Item::Other(other)) => json!({"other": [other.source(), other.content().as_str()]}),
                Ok(item) => panic!("{item:?}"),
                Err(PartError { source_name, path, error }) => json!({"fault": fault(&error), "of": [source_name, path]}),
            });
            let items: Vec<_> = items.collect();
            let mut index = TrainIndex::new();
            let indexed = index.build(train);
            json!({"items": items, "index": indexed.errors().map(|lost| fault(&lost.error)).collect::<Vec<_>>()})
        }
        Ok(other) => panic!("{other:?}"),
    }
}

/// Each outcome was read beside the advice of the vector before it was committed.
#[test]
fn what_is_malformed_costs_what_the_specification_says() {
    let expected: Vec<_> = include_str!("vectors/expected.jsonl").lines().collect();
    assert_eq!(expected.len(), 89);
    for vector in vectors("malformed") {
        let name = format!("{{\"name\":\"{}\",", vector.name);
        let due = expected.iter().find(|line| line.starts_with(&name)).unwrap();
        let due: Json = serde_json::from_str(due).unwrap();
        assert_eq!(outcome(&vector.parts), due["outcome"], "{}", vector.name);
    }
}

#[test]
fn times_are_read_in_all_spellings() {
    let time = |name: &str| {
        let vectors = vectors("valid");
        let vector = vectors.iter().find(|vector| vector.name == name).unwrap();
        let Some(Ok(Item::Source(source))) = train(&vector.parts).items().next() else { panic!() };
        (source.metadata().tid(), source.metadata().time())
    };
    if cfg!(miri) {
        return;
    }
    let due = Timestamp { sec: 1_526_464_869, frac: 410_975_500_000_000_000 };
    // 18 digits, fewer, and digits as a number.
    for name in ["v10_min", "v10_ignored_in_source", "v10_early_nested_timestamp"] {
        assert_eq!(time(name).1, Some(due), "{name}");
    }
    // Attoseconds.
    let int = Timestamp { sec: 1_589_292_000, frac: 123_456_789_012_345_678 };
    assert_eq!(time("v22_int_sec_frac"), (Some(10_000), Some(int)));
}

#[test]
fn an_index_finds_what_the_items_are() {
    for vector in vectors("valid") {
        let train = train(&vector.parts);
        let mut index = TrainIndex::new();
        let indexed = index.build(train);
        assert_eq!(indexed.errors().count(), 0, "{}", vector.name);
        for item in train.items() {
            match item.unwrap() {
                Item::Source(source) => {
                    assert_eq!(indexed.source(source.name()), Some(source));
                    for (path, value) in source.properties() {
                        // Not by itself equal: a float may be no number.
                        let found = indexed.get(source.name(), path);
                        assert_eq!(format!("{found:?}"), format!("{:?}", Some(Property::Value(value))));
                    }
                    assert_eq!(indexed.get(source.name(), "no such path"), None);
                }
                Item::Array(array) => {
                    assert_eq!(indexed.get(array.source(), array.path()), Some(Property::Array(array)));
                    assert!(indexed.arrays(array.source()).any(|other| other == array));
                }
                other => panic!("{other:?}"),
            }
        }
        for source in indexed.sources() {
            let mut paths: Vec<_> = source.properties().map(|(path, _)| path).collect();
            paths.extend(indexed.arrays(source.name()).map(ArrayPart::path));
            paths.sort_unstable();
            assert_eq!(indexed.properties(source.name()).map(|(path, _)| path).collect::<Vec<_>>(), paths);
        }
        assert_eq!(indexed.properties("no such source").count(), 0);
        assert_eq!(indexed.source("no such source"), None);
        assert!(!train.is_mixed(), "{}", vector.name);
    }
}

//! Casts when writing, and what is written as one thing and would be read as another (R6).

use std::time::Duration;

use karabo_bridge::msgpack_numpy_codec::{Array, ValueRef};
use karabo_bridge::{EncodeError, Item, MessageRef, Property, TrainIndex, TrainRef, TrainWriter, Version};

use crate::support::VERSIONS;

fn train<P: AsRef<[u8]>>(parts: &[P]) -> TrainRef<'_, P> {
    let Ok(MessageRef::Train(train)) = MessageRef::decode(parts) else { panic!("no train") };
    train
}

fn bytes(parts: &[impl AsRef<[u8]>]) -> Vec<Vec<u8>> {
    parts.iter().map(|part| part.as_ref().to_vec()).collect()
}

/// Sources, entries of metadata and properties of a train of scalars, in the order of their names.
type Content = Vec<(String, Vec<(String, i64)>, Vec<(String, i64)>)>;

fn content(parts: &[Vec<u8>]) -> Content {
    let number = |(name, value): (&str, ValueRef<'_>)| (name.to_owned(), value.as_i64().unwrap_or(-1));
    let mut sources: Content = train(parts)
        .items()
        .map(|item| match item.unwrap() {
            Item::Source(source) => (
                source.name().to_owned(),
                source.metadata().entries().map(number).collect(),
                source.properties().map(number).collect(),
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    sources.sort();
    sources
}

/// Writes a train of scalars.
fn write(version: Version, train: &Content) -> Result<Vec<Vec<u8>>, EncodeError> {
    let mut writer = TrainWriter::new(version);
    for (name, metadata, properties) in train {
        writer.source(name);
        for (name, value) in metadata {
            writer.metadata(name, ValueRef::Int(*value))?;
        }
        for (path, value) in properties {
            writer.value(path, ValueRef::Int(*value))?;
        }
    }
    writer.finish().map(|parts| bytes(&parts))
}

#[test]
fn r06_names_of_every_length_come_back() {
    for len in [0, 1, 31, 32, 33, 255, 256, 257, 65535, 65536, 65537] {
        let [one, other] =
            ["a", "\u{e9}"].map(|letter| letter.repeat(len / letter.len()) + &"b".repeat(len % letter.len()));
        for name in [one, other] {
            assert_eq!(name.len(), len);
            let due = vec![(name.clone(), vec![(name.clone(), 1)], vec![(name.clone(), 2)])];
            for version in VERSIONS {
                assert_eq!(content(&write(version, &due).unwrap()), due, "{len} in {version}");
                let array = Array::from_slice(&[1], &[7_u8]).unwrap();
                let mut writer = TrainWriter::new(version);
                writer.source(&name);
                writer.array(&name, array.as_ref()).unwrap();
                let parts = bytes(&writer.finish().unwrap());
                let mut index = TrainIndex::new();
                let found = match index.build(train(&parts)).get(&name, &name) {
                    Some(Property::Array(array)) => array.as_array().unwrap().to_vec::<u8>(),
                    Some(Property::Value(ValueRef::Array(array))) => array.to_vec::<u8>(),
                    other => panic!("{other:?}"),
                };
                assert_eq!(found, Ok(vec![7]));
            }
        }
    }
}

#[test]
fn r06_counts_of_every_length_come_back() {
    for count in [0, 1, 15, 16, 17, 65535, 65536, 65537] {
        let named: Vec<_> = (0..count).map(|n| (format!("{n:06}"), n)).collect();
        let due = vec![("s".to_owned(), named.clone(), named)];
        for version in VERSIONS {
            let found = content(&write(version, &due).unwrap());
            assert!(version != Version::V2_0 && count == 0 || found == due, "{count} in {version}");
        }
    }
    let sources: Content = (0..20).map(|n| (format!("{n:02}"), vec![("x".into(), n)], Vec::new())).collect();
    for version in VERSIONS {
        assert_eq!(content(&write(version, &sources).unwrap()), sources);
    }
}

/// Whatever is given to the writer is refused, or is what a reader gets.
fn refused_or_read(train: Content, case: &str) {
    for version in VERSIONS {
        if let Ok(parts) = write(version, &train) {
            assert_eq!(content(&parts), train, "{case} in {version}");
        }
    }
}

#[test]
fn r06_a_property_named_metadata_is_not_taken_for_it() {
    let pair = |name: &str, value| (name.to_owned(), value);
    refused_or_read(vec![("s".into(), vec![pair("tid", 1)], vec![pair("metadata", 2)])], "beside metadata");
    refused_or_read(vec![("s".into(), vec![], vec![pair("metadata", 2)])], "without metadata");
}

#[test]
fn r06_a_property_with_the_prefix_is_not_taken_for_metadata() {
    let pair = |name: &str, value| (name.to_owned(), value);
    let trains = [
        (vec![pair("tid", 1)], vec![pair("metadata.x", 2)]),
        (vec![pair("tid", 1)], vec![pair("metadata.tid", 2)]),
        (vec![], vec![pair("metadata.x", 2)]),
    ];
    for (metadata, properties) in trains {
        refused_or_read(vec![("s".into(), metadata, properties)], "prefix");
    }
}

#[test]
fn r06_a_map_named_metadata_is_not_taken_for_it() {
    let map = ValueRef::decode(b"\x81\xadtimestamp.tid\x07").unwrap();
    for version in VERSIONS {
        for told in [false, true] {
            let mut writer = TrainWriter::new(version);
            writer.source("s");
            if told {
                writer.metadata("timestamp.tid", ValueRef::Int(1)).unwrap();
            }
            writer.value("metadata", map).unwrap();
            let Ok(parts) = writer.finish() else { continue };
            let parts = bytes(&parts);
            let Some(Ok(Item::Source(source))) = train(&parts).items().next() else { panic!("no source") };
            assert_eq!(source.metadata().tid(), told.then_some(1), "in {version}");
            assert_eq!(source.get("metadata"), Some(map), "in {version}");
        }
    }
}

/// Array paths are names like others.
#[test]
fn r06_an_array_named_metadata_is_not_taken_for_it() {
    let array = Array::from_slice(&[1], &[7_u8]).unwrap();
    for version in VERSIONS {
        let mut writer = TrainWriter::new(version);
        writer.source("s");
        writer.metadata("timestamp.tid", ValueRef::Int(1)).unwrap();
        writer.array("metadata", array.as_ref()).unwrap();
        let Ok(parts) = writer.finish() else { continue };
        let parts = bytes(&parts);
        let mut index = TrainIndex::new();
        let indexed = index.build(train(&parts));
        let source = indexed.source("s").unwrap();
        assert_eq!(source.metadata().tid(), Some(1), "in {version}");
        assert!(indexed.get("s", "metadata").is_some(), "in {version}");
    }
}

/// Properties that together look like an array of msgpack-numpy are properties still: to Python's readers, which want bytes for keys there, too.
#[test]
fn r06_properties_with_the_names_of_a_tagged_map() {
    let tagged: [&[(&str, ValueRef<'_>)]; 3] = [
        &[("complex", ValueRef::Bool(true)), ("data", ValueRef::Str(b"on"))],
        &[("nd", ValueRef::Bool(false)), ("type", ValueRef::Str(b"<i2")), ("data", ValueRef::Bin(b"\x01\x00"))],
        &[("nd", ValueRef::Bool(false)), ("type", ValueRef::Str(b"motor")), ("data", ValueRef::Int(3))],
    ];
    for version in VERSIONS {
        for properties in tagged {
            let mut writer = TrainWriter::new(version);
            writer.source("s");
            for (path, value) in properties {
                writer.value(*path, *value).unwrap();
            }
            let Ok(parts) = writer.finish() else { continue };
            let parts = bytes(&parts);
            let found: Vec<_> = train(&parts).items().collect();
            let [Ok(Item::Source(source))] = found[..] else { panic!("{properties:?} in {version}: {found:?}") };
            assert!(source.properties().eq(properties.iter().copied()), "in {version}");
        }
    }
}

/// Entries of metadata, too.
#[test]
fn r06_metadata_with_the_names_of_a_tagged_map() {
    for version in VERSIONS {
        let mut writer = TrainWriter::new(version);
        writer.source("s");
        writer.metadata("complex", ValueRef::Bool(true)).unwrap();
        writer.metadata("data", ValueRef::Str(b"x")).unwrap();
        let Ok(parts) = writer.finish() else { continue };
        let parts = bytes(&parts);
        let found: Vec<_> = train(&parts).items().collect();
        let [Ok(Item::Source(source))] = found[..] else { panic!("in {version}: {found:?}") };
        assert_eq!(source.metadata().get("data"), Some(ValueRef::Str(b"x")), "in {version}");
    }
}

/// A timestamp is made up where none is; what is there already is not there twice.
#[test]
fn r06_a_made_up_timestamp_writes_no_entry_twice() {
    for version in VERSIONS {
        let mut writer = TrainWriter::new(version).with_dummy_timestamps(Duration::from_millis(1500));
        writer.source("s");
        writer.metadata("timestamp.sec", ValueRef::Str(b"7")).unwrap();
        writer.metadata("timestamp.tid", ValueRef::Int(9)).unwrap();
        let parts = bytes(&writer.finish().unwrap());
        let Some(Ok(Item::Source(source))) = train(&parts).items().next() else { panic!("no source") };
        let mut names: Vec<_> = source.metadata().entries().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["timestamp", "timestamp.frac", "timestamp.sec", "timestamp.tid"], "in {version}");
    }
}

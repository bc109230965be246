//! Messages that mean harm, continued: odd input by the thousand (R4), work that grows with the square (R7), and writing what would be read
//! as something else (R6).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::print_stderr,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::time::Duration;

use karabo_bridge::msgpack_numpy_codec::{Array, ValueRef};
use karabo_bridge::{
    EncodeError, Indexed, Item, Limits, MessageRef, Property, SourceRef, TrainIndex, TrainRef, TrainWriter, Version,
};
use serde_json::Value as Json;
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, SMALL_STACK, laws, measure, on_small_stack, rng};

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];

struct Vector {
    name: String,
    parts: Vec<Vec<u8>>,
}

/// All golden vectors, good and bad; under Miri a few.
fn vectors() -> Vec<Vector> {
    let lines = include_str!("vectors/karabo_bridge.jsonl").lines().enumerate();
    let sample = lines.filter(|(index, _)| !cfg!(miri) || index % 40 == 0);
    let read = |line: &str| {
        let line: Json = serde_json::from_str(line).unwrap();
        let parts = line["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap()));
        Vector { name: line["name"].as_str().unwrap().into(), parts: parts.collect() }
    };
    sample.map(|(_, line)| read(line)).collect()
}

fn train<P: AsRef<[u8]>>(parts: &[P]) -> TrainRef<'_, P> {
    let Ok(MessageRef::Train(train)) = MessageRef::decode(parts) else { panic!("no train") };
    train
}

fn error_count<P: AsRef<[u8]>>(indexed: &Indexed<'_, '_, P>) -> usize {
    indexed.errors().len()
}

struct Nowhere;

impl fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}

fn touch(value: ValueRef<'_>, down: usize) {
    write!(Nowhere, "{value:?}").unwrap();
    match value {
        ValueRef::List(list) if down > 0 => list.iter().for_each(|item| touch(item, down - 1)),
        ValueRef::Map(map) | ValueRef::Faulty(map, _) if down > 0 => {
            map.iter().for_each(|(key, value)| [key, value].into_iter().for_each(|value| touch(value, down - 1)));
        }
        ValueRef::Array(array) => {
            let _ = (array.to_vec::<u16>(), array.as_slice::<f32>(), array.shape().product());
        }
        _ => {}
    }
}

fn touch_source(source: SourceRef<'_>) {
    let metadata = source.metadata();
    write!(Nowhere, "{source:?} {:?} {:?}", source.version(), metadata.time()).unwrap();
    write!(Nowhere, "{:?} {:?} {:?}", metadata.tid(), metadata.source(), metadata.timestamp()).unwrap();
    metadata.entries().chain(source.properties()).for_each(|(_, value)| touch(value, 3));
    write!(Nowhere, "{}", source.ignored_keys().count()).unwrap();
}

/// Reads all of a message in every way; the number of items.
fn read_all(parts: &[&[u8]], index: &mut TrainIndex) -> Option<usize> {
    let train = match MessageRef::decode(parts) {
        Ok(MessageRef::Train(train)) => train,
        Ok(other) => {
            write!(Nowhere, "{other:?}").unwrap();
            return None;
        }
        Err(error) => {
            write!(Nowhere, "{error} {error:?}").unwrap();
            return None;
        }
    };
    let mut count = 0;
    for item in train.items() {
        count += 1;
        match item {
            Ok(Item::Source(source)) => touch_source(source),
            Ok(Item::Array(array)) => {
                write!(Nowhere, "{array:?} {:?} {:?}", array.as_array(), array.to_array()).unwrap();
                if let Some(params) = array.params() {
                    touch(ValueRef::Map(params), 3);
                }
            }
            Ok(other) => write!(Nowhere, "{other:?}").unwrap(),
            Err(error) => {
                write!(Nowhere, "{error} {error:?}").unwrap();
                assert!(error.error.part() < parts.len());
                assert!(error.error.offset() <= parts[error.error.part()].len() as u64, "{error}");
            }
        }
    }
    write!(Nowhere, "{:?}", train.version()).unwrap();
    let indexed = index.build(train);
    write!(Nowhere, "{} {:?} {indexed:?}", train.is_mixed(), train.tid()).unwrap();
    for lost in indexed.errors() {
        write!(Nowhere, "{lost} {lost:?}").unwrap();
    }
    for source in indexed.sources() {
        assert_eq!(indexed.source(source.name()), Some(source));
        let arrays: Vec<_> = indexed.arrays(source.name()).collect();
        for array in &arrays {
            let found = indexed.get(source.name(), array.path());
            assert!(matches!(found, Some(Property::Array(found)) if found.part() == array.part()), "{array:?}");
        }
        if let Some((path, _)) = source.properties().next() {
            assert!(indexed.get(source.name(), path).is_some());
        }
    }
    Some(count)
}

/// Names the input of a panic.
struct Reading<'a>(&'a str, usize, &'a [u8]);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}, part {}: {}", self.0, self.1, to_hex(self.2));
        }
    }
}

/// A pair behind the first one of its message, which is what it needs; the first by itself, and so the only part of version 1.0.
fn in_short(parts: &[Vec<u8>], at: usize) -> (Vec<&[u8]>, usize) {
    let pair = at & !1;
    let last = parts.len().min(pair + 2);
    let first = if pair == 0 { 0 } else { 2 };
    (parts[..first].iter().chain(&parts[pair..last]).map(Vec::as_slice).collect(), first + (at & 1))
}

#[test]
fn r04_every_prefix_and_every_mutation_of_every_part_of_every_vector() {
    let (mut made, mut seen) = (0, BTreeSet::new());
    for vector in vectors() {
        for at in 0..vector.parts.len() {
            let (parts, at) = in_short(&vector.parts, at);
            // Many begin alike.
            if !seen.insert((parts.concat(), at)) {
                continue;
            }
            // Prefixes all; of what a byte becomes some twenty others, and less of long parts, which are of many dtypes or of openers.
            let step = match parts[at].len() {
                0..=64 => 13,
                65..=300 => 3,
                _ => 11,
            };
            made += on_small_stack(SMALL_STACK, || {
                let mut index = TrainIndex::new();
                let mut made = 0;
                let prefixes = laws::mutations(parts[at]).take(parts[at].len());
                for mutation in prefixes.chain(laws::mutations(parts[at]).skip(parts[at].len()).step_by(step)) {
                    let _reading = Reading(&vector.name, at, &mutation);
                    let mut other = parts.clone();
                    other[at] = &mutation;
                    let size: usize = other.iter().map(|part| part.len() + 2 * size_of::<&[u8]>()).sum();
                    let (count, stats) = measure(|| read_all(&other, &mut index));
                    // Items of a pair each, sources of one byte of name and one of map.
                    let most = if parts.len() == 1 { mutation.len() / 2 } else { parts.len() / 2 + 1 };
                    assert!(count.is_none_or(|count| count <= most), "{count:?} items");
                    // Fields of dtypes, room of the index, and arrays copied by `touch`.
                    assert!(stats.peak <= 64 * size + 1024, "{stats:?} for {size} bytes");
                    made += 1;
                }
                made
            });
        }
    }
    assert!(cfg!(miri) || made > 20_000, "{made}");
}

#[test]
fn r04_parts_left_out_doubled_and_in_another_order() {
    for vector in vectors() {
        let parts: Vec<&[u8]> = vector.parts.iter().map(Vec::as_slice).collect();
        let mut index = TrainIndex::new();
        for at in 0..parts.len() {
            let mut without = parts.clone();
            without.remove(at);
            read_all(&without, &mut index);
            for other in 0..parts.len() {
                let mut moved = parts.clone();
                moved.insert(other, parts[at]);
                read_all(&moved, &mut index);
                let mut swapped = parts.clone();
                swapped.swap(at, other);
                let found = read_all(&swapped, &mut index);
                assert!(found.is_none_or(|count| parts.len() == 1 || count == parts.len().div_ceil(2)));
            }
        }
    }
}

#[test]
fn r04_random_parts_and_random_boundaries() {
    let vectors = vectors();
    let mut rng = Rng::new(rng::seed() ^ 4);
    let mut index = TrainIndex::new();
    let bytes: Vec<u8> = vectors.iter().flat_map(|vector| vector.parts.concat()).collect();
    let all: Vec<&[u8]> = vectors.iter().flat_map(|vector| vector.parts.iter().map(Vec::as_slice)).collect();
    let mut read = 0;
    for _ in 0..if cfg!(miri) { 20 } else { 4000 } {
        // Parts of other messages, by chance.
        let parts: Vec<&[u8]> = (0..rng.below(9)).map(|_| *rng.choose(&all)).collect();
        read += usize::from(read_all(&parts, &mut index).is_some());
        // The bytes of one, cut elsewhere.
        let start = rng.below(bytes.len());
        let mut rest = &bytes[start..bytes.len().min(start + 400)];
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (part, more) = rest.split_at(rng.below(rest.len()) + 1);
            parts.push(part);
            rest = more;
        }
        read += usize::from(read_all(&parts, &mut index).is_some());
    }
    assert!(cfg!(miri) || read > 4000, "{read}");
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

fn text(text: &str) -> Vec<u8> {
    [&[0xdb][..], &(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
}

/// A map of so many entries, made one by one.
fn map(n: usize, entry: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    [&[0xdf][..], &(n as u32).to_be_bytes(), &(0..n).flat_map(entry).collect::<Vec<_>>()].concat()
}

fn header(name: &str, more: &[u8]) -> Vec<u8> {
    [b"\x83\xa6source", &text(name)[..], b"\xa7content\xa7msgpack\xa8metadata", more].concat()
}

fn array(name: &str, path: &str, dtype: &str) -> Vec<u8> {
    [
        b"\x85\xa6source",
        &text(name)[..],
        b"\xa7content\xa5array\xa4path",
        &text(path),
        b"\xa5dtype",
        &text(dtype),
        b"\xa5shape\x91\x01",
    ]
    .concat()
}

const LEN: usize = 1000;

/// Twice the work takes twice the time; both to go through and to build an index.
fn linear(make: impl Fn(usize) -> Vec<Vec<u8>>) {
    repeated(1, make);
}

/// What is little work is done many times: parts of megabytes would tell of the memory.
fn repeated(times: usize, make: impl Fn(usize) -> Vec<Vec<u8>>) {
    laws::linear_cpu(LEN, &make, |parts| {
        let items: usize = (0..times).map(|_| train_of(&parts).items().count()).sum();
        (items, parts)
    });
    laws::linear_cpu(
        LEN,
        |n| (make(n), TrainIndex::new()),
        |(parts, mut index)| {
            let build = |_| {
                let indexed = index.build(train_of(&parts));
                indexed.sources().count() + usize::from(indexed.train().is_mixed()) + error_count(&indexed)
            };
            let seen: usize = (0..times).map(build).sum();
            (seen, parts, index)
        },
    );
}

/// As many parts as there are: work is what is looked at here.
fn train_of(parts: &[Vec<u8>]) -> TrainRef<'_, Vec<u8>> {
    let Ok(MessageRef::Train(train)) = MessageRef::decode_with(parts, &Limits::DEFAULT.with_max_parts(u32::MAX)) else {
        panic!("no train")
    };
    train
}

#[test]
#[cfg(not(miri))]
fn r07_many_sources() {
    for name in [|n: usize| format!("{n:07}"), |_| "same".to_owned(), |n| format!("{:07}", 9_999_999 - n)] {
        linear(|n| {
            (0..n).flat_map(|n| [header(&name(n), b"\x81\xadtimestamp.tid\x05"), b"\x81\xa1p\x01".into()]).collect()
        });
        linear(|n| vec![map(n, |n| [&text(&name(n))[..], b"\x81\xa8metadata\x80"].concat())]);
    }
}

#[test]
#[cfg(not(miri))]
fn r07_many_arrays() {
    for name in [|n: usize| format!("{n:07}"), |_| "same".to_owned()] {
        // Of one source, of the one before, and of none.
        linear(|n| {
            let arrays = (0..n).flat_map(|n| [array("s", &name(n), "uint8"), b"x".into()]);
            [header("s", b"\x80"), b"\x80".into()].into_iter().chain(arrays).collect()
        });
        linear(|n| {
            let source = |n| [header(&name(n), b"\x80"), b"\x80".into(), array(&name(n), "a", "uint8"), b"x".into()];
            (0..n).flat_map(source).collect()
        });
        linear(|n| (0..n).flat_map(|n| [array(&name(n), "a", "uint8"), b"x".into()]).collect());
    }
}

#[test]
#[cfg(not(miri))]
fn r07_many_properties() {
    for name in [|n: usize| format!("{n:07}"), |_| "same".to_owned()] {
        let property = move |n| [&text(&name(n))[..], b"\x01"].concat();
        linear(|n| vec![header("s", b"\x80"), map(n, property)]);
        linear(|n| vec![map(1, |_| [text("s"), map(n, property)].concat())]);
        linear(|n| vec![header("s", &map(n, property)), b"\x80".into()]);
        // As many unknown fields.
        linear(|n| {
            let field = |at: usize| if at < n { property(at) } else { b"\xa6source\xa1s".into() };
            let end = b"\xa7content\xa7msgpack".to_vec();
            vec![map(n + 2, |at| if at == n + 1 { end.clone() } else { field(at) }), b"\x80".into()]
        });
        // Properties and arrays of the same names.
        linear(|n| {
            let arrays = (0..n).flat_map(|n| [array("s", &name(n), "uint8"), b"x".into()]);
            [header("s", b"\x80"), map(n, property)].into_iter().chain(arrays).collect()
        });
    }
    // Lists of lists, names of names, texts of digits.
    linear(|n| vec![header("s", b"\x80"), [&b"\x81\xa1p"[..], &map(n, |_| b"\xc0\x91\x80".into())].concat()]);
    repeated(50, |n| vec![header(&"x".repeat(n * 16), b"\x80"), b"\x80".into()]);
    let digits = |n: usize| {
        let digits = text(&"9".repeat(n * 16));
        let metadata = [&b"\x82\xadtimestamp.sec"[..], &digits, b"\xaetimestamp.frac", &digits].concat();
        vec![header("s", &metadata), b"\x80".into()]
    };
    laws::linear_cpu(LEN, digits, |parts| {
        let Some(Ok(Item::Source(source))) = train_of(&parts).items().next() else { panic!("no source") };
        let found = (0..50).filter_map(|_| source.metadata().time()).count();
        assert_eq!(found, 0);
        parts
    });
}

#[test]
#[cfg(not(miri))]
fn r07_long_dtypes() {
    let fields = |n: usize, name: &dyn Fn(usize) -> String| {
        let fields: Vec<_> = (0..n).map(|n| format!("('{}', 'u1')", name(n))).collect();
        format!("[{}]", fields.join(", "))
    };
    let with = |dtype: String| vec![header("s", b"\x80"), b"\x80".into(), array("s", "p", &dtype), b"".into()];
    linear(|n| with(fields(n, &|n| n.to_string())));
    linear(|n| with(fields(n, &|_| "same".into())));
    repeated(50, |n| with("[".repeat(n * 4)));
    repeated(50, |n| with("[('a', 'u1'), ".repeat(n)));
    repeated(50, |n| with(format!("'{}", "\\'".repeat(n * 4))));
    repeated(50, |n| with(format!("S{}", "1".repeat(n * 4))));
    repeated(50, |n| with(format!("{{'names': [{}]}}", "'a', ".repeat(n))));
}

#[test]
#[cfg(not(miri))]
fn r07_writing() {
    for version in VERSIONS {
        laws::linear_cpu(
            LEN,
            |n| {
                (0..n)
                    .map(|n| format!("{:07}", n * 7919 % 9973))
                    .zip(0..)
                    .map(|(name, n)| format!("{name}{n}"))
                    .collect()
            },
            |names: Vec<String>| {
                let mut writer = TrainWriter::new(version).with_dummy_timestamps(Duration::from_secs(1));
                for name in &names {
                    writer.source(name);
                    writer.metadata("timestamp.tid", ValueRef::Int(1)).unwrap();
                }
                names.iter().for_each(|name| writer.value(name, ValueRef::Nil).unwrap());
                let parts = writer.finish().unwrap().len();
                (parts, names)
            },
        );
    }
}

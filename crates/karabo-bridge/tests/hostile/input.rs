//! Short and odd input, by the thousand (R4).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{Item, MessageRef, Property, SourceRef, TrainIndex};
use serde_json::Value as Json;
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, SMALL_STACK, laws, measure, on_small_stack, rng};

use crate::support::Nowhere;

struct Vector {
    name: String,
    parts: Vec<Vec<u8>>,
}

/// All golden vectors, good and bad; under Miri a few.
fn vectors() -> Vec<Vector> {
    let lines = include_str!("../vectors/karabo_bridge.jsonl").lines().enumerate();
    let sample = lines.filter(|(index, _)| !cfg!(miri) || index % 40 == 0);
    let read = |line: &str| {
        let line: Json = serde_json::from_str(line).unwrap();
        let parts = line["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap()));
        Vector { name: line["name"].as_str().unwrap().into(), parts: parts.collect() }
    };
    sample.map(|(_, line)| read(line)).collect()
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

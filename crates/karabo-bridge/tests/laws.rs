//! The laws of the workspace over golden and generated trains: totality, determinism, good–bad–good, pass-through, round trip, and what is
//! allocated and borrowed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::type_complexity,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::{Array, DType, Scalar, ValueRef};
use karabo_bridge::{
    Content, DecodeError, DecodeErrorKind as Kind, Indexed, Item, Items, MessageRef, PartError, Property, SourceRef,
    Timestamp, TrainIndex, TrainRef, TrainWriter, Version,
};
use serde_json::Value as Json;
use testkit::vectors::hex;
use testkit::{Rng, assert_no_alloc, laws, measure, rng};

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];

struct Vector {
    name: String,
    class: String,
    parts: Vec<Vec<u8>>,
}

fn vectors() -> Vec<Vector> {
    let lines = include_str!("vectors/karabo_bridge.jsonl").lines().enumerate();
    let sample = lines.filter(|(index, _)| !cfg!(miri) || index % 20 == 0);
    let read = |line: &str| {
        let line: Json = serde_json::from_str(line).unwrap();
        let parts = line["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap())).collect();
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        Vector { name: text("name"), class: text("class"), parts }
    };
    sample.map(|(_, line)| read(line)).collect()
}

fn valid() -> Vec<Vector> {
    vectors().into_iter().filter(|vector| vector.class == "valid").collect()
}

fn train<P: AsRef<[u8]>>(parts: &[P]) -> TrainRef<'_, P> {
    let Ok(MessageRef::Train(train)) = MessageRef::decode(parts) else { panic!("no train") };
    train
}

fn source<'a, P: AsRef<[u8]>>(parts: &'a [P]) -> SourceRef<'a> {
    let Some(Ok(Item::Source(source))) = train(parts).items().next() else { panic!("no source") };
    source
}

fn index_errors<P: AsRef<[u8]>>(indexed: &Indexed<'_, '_, P>) -> Vec<DecodeError> {
    indexed.errors().map(|lost| lost.error).collect()
}

/// A fault as compared here: kind, part, offset and field.
fn fault(error: &DecodeError) -> (String, usize, u64, &'static str) {
    (error.kind().to_string(), error.part(), error.offset(), error.what())
}

fn text(text: &str) -> Vec<u8> {
    [&[0xdb][..], &(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
}

fn map(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let packed: Vec<u8> = entries.iter().flat_map(|(key, value)| [&text(key)[..], value].concat()).collect();
    [&[0xdf][..], &(entries.len() as u32).to_be_bytes(), &packed].concat()
}

fn source_pair(name: &str, metadata: &[(&str, &[u8])], data: &[(&str, &[u8])]) -> [Vec<u8>; 2] {
    let header = [("source", &text(name)[..]), ("content", b"\xa7msgpack"), ("metadata", &map(metadata))];
    [map(&header), map(data)]
}

fn array_pair(name: &str, path: &str, dtype: &str, axes: &[u8], data: &[u8]) -> [Vec<u8>; 2] {
    let shape = [&[0x90 | axes.len() as u8][..], axes].concat();
    let (source, path, dtype) = (text(name), text(path), text(dtype));
    let header =
        [("source", &source[..]), ("content", b"\xa5array"), ("path", &path), ("dtype", &dtype), ("shape", &shape)];
    [map(&header), data.to_vec()]
}

/// All that a message says, in one text: also floats that are no numbers compare.
fn all_of<P: AsRef<[u8]>>(parts: &[P]) -> String {
    let train = match MessageRef::decode(parts) {
        Ok(MessageRef::Train(train)) => train,
        Ok(MessageRef::Error(reply)) => return format!("{reply:02x?}"),
        other => return format!("{:?}", other.err()),
    };
    let mut out = format!("{:?} {:?} {}", train.version(), train.tid(), train.is_mixed());
    for item in train.items() {
        out += &format!("{item:?}\n");
        if let Ok(Item::Source(source)) = item {
            out += &format!("{:?}", source.metadata().entries().chain(source.properties()).collect::<Vec<_>>());
        }
    }
    let mut index = TrainIndex::new();
    let indexed = index.build(train);
    for source in indexed.sources() {
        out += &format!("{:?} {:?}\n", source, indexed.arrays(source.name()).collect::<Vec<_>>());
    }
    out + &format!("{:?}", indexed.errors().collect::<Vec<_>>())
}

#[test]
fn law_5_any_bytes_are_read_in_little_memory() {
    // Each prefix and mutation of each vector is read in `hostile_more.rs`; here on a stack and a heap of their own.
    let vectors = vectors();
    let mut rng = Rng::new(rng::seed() ^ 5);
    for vector in &vectors {
        for at in 0..vector.parts.len().min(if cfg!(miri) { 1 } else { 6 }) {
            let mutations: Vec<_> = laws::mutations(&vector.parts[at]).collect();
            if mutations.is_empty() {
                continue;
            }
            for mutation in (0..8).map(|_| rng.choose(&mutations)) {
                let size: usize = vector.parts.iter().map(|part| part.len() + 64).sum();
                laws::totality(mutation, 64 * size, |bytes| {
                    let mut parts: Vec<&[u8]> = vector.parts.iter().map(Vec::as_slice).collect();
                    parts[at] = bytes;
                    let Ok(MessageRef::Train(train)) = MessageRef::decode(&parts) else { return 0 };
                    let items = train.items().count();
                    let mut index = TrainIndex::new();
                    items + index.build(train).sources().count()
                });
            }
        }
    }
}

#[test]
fn law_8_the_same_parts_give_the_same_train() {
    for vector in vectors() {
        laws::deterministic(|| all_of(&vector.parts));
        // Room that was used before changes nothing.
        let Ok(MessageRef::Train(train)) = MessageRef::decode(&vector.parts) else { continue };
        let fresh = format!("{:?}", TrainIndex::new().build(train).errors().collect::<Vec<_>>());
        let mut index = TrainIndex::new();
        for other in valid() {
            index.build(self::train(&other.parts));
        }
        assert_eq!(format!("{:?}", index.build(train).errors().collect::<Vec<_>>()), fresh, "{}", vector.name);
    }
}

/// The pairs of malformed vectors that are wrong by themselves, and what is wrong with them, as committed.
fn malformed_pairs() -> Vec<([Vec<u8>; 2], (String, usize, u64, String))> {
    let vectors = vectors();
    let mut pairs = Vec::new();
    for line in include_str!("vectors/expected.jsonl").lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        let Some(vector) = vectors.iter().find(|vector| line["name"] == *vector.name) else { continue };
        for item in line["outcome"]["items"].as_array().into_iter().flatten() {
            let Some(fault) = item["fault"].as_array() else { continue };
            let (kind, part) = (fault[0].as_str().unwrap(), fault[1].as_u64().unwrap() as usize);
            if vector.parts.len() > 1 && kind != "unknown_source" && kind != "odd_parts" {
                let pair = [0, 1].map(|half| vector.parts[(part & !1) + half].clone());
                let what = fault[3].as_str().unwrap().to_owned();
                pairs.push((pair, (kind.to_owned(), part & 1, fault[2].as_u64().unwrap(), what)));
            }
        }
    }
    pairs
}

#[test]
fn law_9_a_bad_pair_is_one_error_and_costs_no_other() {
    let good: [[Vec<u8>; 2]; 6] = [
        source_pair("a", &[("timestamp.tid", b"\x05")], &[("v", b"\x01"), ("w", b"\xa1x")]),
        array_pair("a", "x", "uint16", &[2], b"1234"),
        array_pair("a", "y", ">f4", &[1], b"1234"),
        source_pair("b", &[], &[("v", b"\x02")]),
        source_pair("c", &[("timestamp.tid", b"\x05")], &[]),
        array_pair("c", "z", "[('p', 'u1'), ('q', '<u2')]", &[2], b"123456"),
    ];
    // Whose each pair is, and the arrays of each source.
    let arrays_of: [&[usize]; 6] = [&[1, 2], &[], &[], &[], &[5], &[]];
    let whole: Vec<Vec<u8>> = good.iter().flatten().cloned().collect();
    let due: Vec<_> = train(&whole).items().map(|item| item.expect("all is well")).collect();
    let pairs = malformed_pairs();
    assert!(cfg!(miri) || pairs.len() > 45, "{}", pairs.len());
    for (bad, (kind, half, offset, what)) in &pairs {
        for at in 0..good.len() {
            let mut parts = whole.clone();
            parts[2 * at..2 * at + 2].clone_from_slice(bad);
            let train = train(&parts);
            let is = |error: &DecodeError| {
                fault(error) == (kind.clone(), 2 * at + half, *offset, &*what.clone().leak()) && error.part() / 2 == at
            };
            // Before the first source no array has one; a header that can be read begins one, though its properties are lost.
            let begins = bad[0].windows(7).any(|word| word == b"msgpack") && (*half == 1 || what == "metadata");
            let lost = |other: usize| at == 0 && !begins && arrays_of[0].contains(&other);
            for (other, item) in train.items().enumerate() {
                match item {
                    Err(error) if other == at => assert!(is(&error.error), "{error:?} at {at}, not {kind}"),
                    Err(error) => {
                        let found = (error.error.kind(), error.error.part(), error.source_name);
                        assert_eq!((found, lost(other)), ((Kind::UnknownSource, 2 * other, Some("a")), true));
                    }
                    Ok(item) => assert!(item == due[other] && other != at && !lost(other), "{item:?} at {other}"),
                }
            }
            assert_eq!(train.items().count(), good.len());
            // To the index arrays belong to a source wherever it is, or to none.
            let mut index = TrainIndex::new();
            let indexed = index.build(train);
            let errors = index_errors(&indexed);
            assert_eq!(errors.iter().filter(|error| is(error)).count(), 1, "{errors:?}");
            let orphans: Vec<_> =
                errors.iter().filter(|error| !is(error)).map(|error| (error.kind(), error.part())).collect();
            let due_orphans: Vec<_> = arrays_of[at].iter().map(|array| (Kind::UnknownSource, 2 * array)).collect();
            assert_eq!(orphans, due_orphans, "{kind} at {at}");
            for (other, item) in due.iter().enumerate() {
                let there = other != at && !arrays_of[at].contains(&other);
                match item {
                    Item::Source(source) => assert_eq!(indexed.source(source.name()), there.then_some(*source)),
                    Item::Array(array) => {
                        let found = indexed.get(array.source(), array.path());
                        assert_eq!(found, there.then_some(Property::Array(*array)), "{kind} at {at}");
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

/// What only the whole train tells, each once, and the first of two counts.
#[test]
fn law_9_doubles_and_orphans_cost_no_other() {
    let [a, b] = ["a", "b"].map(|name| source_pair(name, &[], &[("v", b"\x01")]));
    let second = source_pair("a", &[], &[("v", b"\x02")]);
    let array = |source, path, byte| array_pair(source, path, "uint8", &[1], &[byte]);
    let pairs = [
        array("b", "x", 1),
        a,
        array("a", "x", 2),
        second,
        array("a", "x", 3),
        array("a", "v", 4),
        b,
        array("c", "x", 5),
    ];
    let parts: Vec<_> = pairs.concat();
    let mut index = TrainIndex::new();
    let indexed = index.build(train(&parts));
    let told: Vec<_> =
        indexed.errors().map(|lost| (lost.error.kind(), lost.error.part(), lost.source_name, lost.path)).collect();
    let due = [
        (Kind::DuplicateSource, 6, Some("a"), None),
        (Kind::DuplicatePath, 8, Some("a"), Some("x")),
        (Kind::DuplicatePath, 10, Some("a"), Some("v")),
        (Kind::UnknownSource, 14, Some("c"), Some("x")),
    ];
    assert_eq!(told, due);
    let byte = |source, path| match indexed.get(source, path) {
        Some(Property::Array(array)) => array.data().first().copied(),
        Some(Property::Value(value)) => value.as_u64().map(|value| value as u8),
        other => panic!("{other:?}"),
    };
    // The array that came before its source is its own.
    assert_eq!([byte("b", "x"), byte("a", "x"), byte("a", "v"), byte("b", "v")], [1, 2, 1, 1].map(Some));
    assert_eq!((indexed.get("c", "x"), indexed.source("c")), (None, None));
    // In version 1.0 there are doubles, too.
    let single = [map(&[("a", &map(&[("v", b"\x01")])), ("b", b"\x07"), ("a", &map(&[("v", b"\x02")]))])];
    let indexed = index.build(train(&single));
    let told: Vec<_> = indexed.errors().map(|lost| (lost.error.kind(), lost.source_name, lost.path)).collect();
    assert_eq!(told, [(Kind::UnexpectedType, Some("b"), None), (Kind::DuplicateSource, Some("a"), None)]);
    assert_eq!(indexed.get("a", "v"), Some(Property::Value(ValueRef::Int(1))));
}

#[test]
fn law_10_what_is_unknown_is_a_value() {
    let [first, data] =
        source_pair("s", &[("timestamp.tid", b"\x05"), ("quality", b"\xc7\x01\x2a\x07")], &[("e", b"\xd4\x05\x09")]);
    let header = map(&[("content", b"\xa4hash"), ("later", b"\x91\xc0"), ("source", b"\xa1s"), ("path", b"\xa1p")]);
    let [unknown, bytes] = array_pair("s", "q", "bfloat16[extra]", &[2], b"\x01\x02\x03");
    let [known, pixels] = array_pair("s", "r", "uint8", &[3], b"abc");
    // A field more, the first and the last of the map.
    let extra = |header: &[u8], front: bool| {
        let count = (u32::from_be_bytes(header[1..5].try_into().unwrap()) + 1).to_be_bytes();
        let field = [&text("x-later")[..], b"\x82\xc0\x01\xa1s\x90"].concat();
        let body = if front { [&field, &header[5..]].concat() } else { [&header[5..], &field].concat() };
        [&[0xdf][..], &count, &body].concat()
    };
    for front in [false, true] {
        let parts: [Vec<u8>; 8] = [
            extra(&first, front),
            data.clone(),
            header.clone(),
            b"\x01raw".to_vec(),
            extra(&unknown, front),
            bytes.clone(),
            extra(&known, front),
            pixels.clone(),
        ];
        let items: Vec<_> = train(&parts).items().map(Result::unwrap).collect();
        let [Item::Source(source), Item::Other(other), Item::Array(odd), Item::Array(array)] = items[..] else {
            panic!("{items:?}")
        };
        assert_eq!(source.metadata().get("quality"), Some(ValueRef::Ext(42, b"\x07")));
        assert_eq!((source.get("e"), source.version()), (Some(ValueRef::Ext(5, b"\x09")), Some(Version::V2_2)));
        assert_eq!((other.source(), other.path(), other.content()), ("s", Some("p"), Content::Other("hash")));
        assert_eq!((other.header(), other.data(), other.part()), (&parts[2][..], &b"\x01raw"[..], 2));
        assert_eq!(
            (odd.dtype().as_str(), odd.data(), odd.shape().iter().collect::<Vec<_>>()),
            ("bfloat16[extra]", &bytes[..], vec![2])
        );
        assert!(odd.as_array().is_none() && odd.to_array().is_none() && odd.dtype().parse().is_none());
        assert_eq!(array.as_array().unwrap().to_vec::<u8>(), Ok(b"abc".to_vec()));
        let mut index = TrainIndex::new();
        assert_eq!(index_errors(&index.build(train(&parts))), []);
        assert_eq!(index.build(train(&parts)).get("s", "q"), Some(Property::Array(odd)));
    }
    // And goes back in.
    let parts = [first, data];
    let read = source(&parts);
    for version in VERSIONS {
        let mut writer = TrainWriter::new(version);
        writer.source(read.name());
        read.metadata().entries().for_each(|(name, value)| writer.metadata(name, value).unwrap());
        read.properties().for_each(|(path, value)| writer.value(path, value).unwrap());
        let again: Vec<_> = writer.finish().unwrap().iter().map(|part| part.as_ref().to_vec()).collect();
        let again =
            source(&again).metadata().get("quality").zip(source(&again).get("e")).map(|both| format!("{both:?}"));
        assert_eq!(again.as_deref(), Some("(Ext(42, [1 bytes]), Ext(5, [1 bytes]))"), "{version}");
    }
}

/// Parameters of an image are an opaque map.
#[test]
fn law_10_parameters_of_images_are_kept() {
    let [header, data] = array_pair("s", "image", "uint8", &[1], b"x");
    let count = (u32::from_be_bytes(header[1..5].try_into().unwrap()) + 1).to_be_bytes();
    let params = [&text("params")[..], b"\x82\xa8Encoding\x00\xa5Later\xc7\x01\x09\x01"].concat();
    let header = [&[0xdf][..], &count, &header[5..], &params].concat();
    let word = b"\xa9ImageData".to_vec();
    let at = header.windows(6).position(|window| window == b"\xa5array").unwrap();
    let header = [&header[..at], &word, &header[at + 6..]].concat();
    let [first, values] = source_pair("s", &[], &[]);
    let parts = [first, values, header, data];
    let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("no image") };
    let params = array.params().unwrap();
    assert_eq!(
        (params.get("Encoding"), params.get("Later")),
        (Some(ValueRef::Int(0)), Some(ValueRef::Ext(9, b"\x01")))
    );
    assert_eq!(array.as_array().unwrap().to_vec::<u8>(), Ok(vec![b'x']));
}

fn next_of<'a>(items: &mut Items<'a, Vec<u8>>) -> Option<Result<Item<'a>, PartError<'a>>> {
    items.next()
}

#[test]
fn going_through_allocates_nothing_and_an_index_nothing_once_warm() {
    let fields = |parts: &[Vec<u8>]| {
        parts.iter().any(|part| part.windows(7).any(|window| window == b"[('a', " || window == b"{'names"))
    };
    let vectors = valid();
    let mut index = TrainIndex::new();
    let mut seen = 0;
    for vector in vectors.iter().filter(|vector| !fields(&vector.parts)) {
        seen += 1;
        let count = assert_no_alloc(|| {
            let train = train(&vector.parts);
            let mut items = train.items();
            let mut count = 0;
            while let Some(item) = next_of(&mut items) {
                count += match item.unwrap() {
                    Item::Source(source) => {
                        let _ = (source.metadata().time(), source.metadata().tid(), source.ignored_keys().count());
                        source.metadata().entries().count() + source.properties().count()
                    }
                    Item::Array(array) => array.as_array().map_or(0, |array| array.shape().iter().count()),
                    other => panic!("{other:?}"),
                };
            }
            count + usize::from(train.version().is_some()) + usize::from(train.is_mixed())
        });
        let _ = count;
        // Cold it may, warm it may not.
        index.build(train(&vector.parts));
        assert_no_alloc(|| {
            let indexed = index.build(train(&vector.parts));
            for source in indexed.sources() {
                assert!(indexed.source(source.name()).is_some());
                assert!(indexed.arrays(source.name()).all(|array| indexed.get(source.name(), array.path()).is_some()));
            }
            assert_eq!(indexed.errors().len(), 0);
        });
    }
    assert!(cfg!(miri) || seen > 40, "{seen}");
    // An index that is cold needs room, so that there is something to be counted.
    let (_, stats) = measure(|| TrainIndex::new().build(train(&vectors[0].parts)).sources().count());
    assert!(stats.allocations > 0);
    // The largest decides, whatever comes between.
    let most = vectors.iter().max_by_key(|vector| vector.parts.len()).unwrap();
    let mut index = TrainIndex::new();
    index.build(train(&most.parts));
    for vector in vectors.iter().filter(|vector| vector.parts.len() > 1 && !fields(&vector.parts)) {
        if train(&vector.parts).items().filter(|item| matches!(item, Ok(Item::Source(_)))).count() == 1 {
            assert_no_alloc(|| index.build(train(&vector.parts)).errors().len());
        }
    }
    // With errors, too.
    let bad: Vec<&[u8]> = vec![b"\xc1"; 100];
    index.build(train(&bad));
    assert_eq!(assert_no_alloc(|| index.build(train(&bad)).errors().len()), 50);
}

/// Bytes between those of an array, or of a text, and the part it should lie in.
fn lies_in(inner: &[u8], part: &[u8]) -> bool {
    let (inner, part) = (inner.as_ptr_range(), part.as_ptr_range());
    inner.start >= part.start && inner.end <= part.end
}

#[test]
fn names_values_and_arrays_stay_where_they_are() {
    for vector in valid() {
        let parts = &vector.parts;
        for item in train(parts).items().map(Result::unwrap) {
            match item {
                Item::Source(source) => {
                    assert!(lies_in(source.name().as_bytes(), &parts[source.part()]));
                    for (path, value) in source.properties() {
                        let data = &parts[if parts.len() == 1 { 0 } else { source.part() + 1 }];
                        assert!(lies_in(path.as_bytes(), data), "{}", vector.name);
                        let bytes = value.as_bytes().or_else(|| value.as_array().map(|array| array.data()));
                        assert!(bytes.is_none_or(|bytes| lies_in(bytes, data)), "{}", vector.name);
                    }
                }
                Item::Array(array) => {
                    let data = &parts[array.part() + 1];
                    assert_eq!((array.data().as_ptr(), array.data().len()), (data.as_ptr(), data.len()));
                    assert!(lies_in(array.path().as_bytes(), &parts[array.part()]));
                    assert!(lies_in(array.dtype().as_str().as_bytes(), &parts[array.part()]));
                    if let Some(plain) = array.as_array() {
                        assert_eq!(plain.data().as_ptr(), data.as_ptr());
                    }
                    if let Some(whole) = array.to_array() {
                        assert_eq!(whole.data().as_ptr(), data.as_ptr());
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A value, to be given to the writer and to be expected of the reader.
#[derive(Clone, Debug)]
enum Made {
    /// In MessagePack, as the writer writes it.
    Packed(Vec<u8>),
    Array(Array<Bytes>),
    Number(Scalar, Vec<u8>),
}

fn packed(rng: &mut Rng, depth: usize) -> Vec<u8> {
    match rng.below(if depth == 0 { 9 } else { 11 }) {
        0 => vec![0xc0],
        1 => vec![0xc2 + rng.below(2) as u8],
        2 => vec![rng.below(128) as u8],
        3 => [&[0xcf][..], &(rng.next_u64() | 1 << 63).to_be_bytes()].concat(),
        4 => vec![0xe0 | rng.below(32) as u8],
        5 => [&[0xcb][..], &rng.f64().to_bits().to_be_bytes()].concat(),
        6 => {
            let text = "\u{e9}\u{1f600}x".repeat(rng.below(4));
            [&[0xa0 | text.len() as u8][..], text.as_bytes()].concat()
        }
        7 => {
            let bytes = rng.bytes(rng.clone().below(40));
            [&[0xc4, bytes.len() as u8][..], &bytes].concat()
        }
        8 => [&[0xca][..], &(rng.f64() as f32).to_bits().to_be_bytes()].concat(),
        9 => {
            let items: Vec<_> = (0..rng.below(5)).map(|_| packed(rng, depth - 1)).collect();
            [&[0x90 | items.len() as u8][..], &items.concat()].concat()
        }
        _ => {
            let items: Vec<_> =
                (0..rng.below(5)).map(|n| [&[0xa1, b'a' + n as u8][..], &packed(rng, depth - 1)].concat()).collect();
            [&[0x80 | items.len() as u8][..], &items.concat()].concat()
        }
    }
}

const DTYPES: [&str; 14] = [
    "|b1",
    "|i1",
    "|u1",
    "<i2",
    ">i2",
    "<u4",
    ">u8",
    "<f4",
    ">f8",
    "<c16",
    "|S3",
    "<U2",
    "<f2",
    "[('a', '<i4'), ('b', [('c', '>u2', (2,)), ('d', '|S1')])]",
];

fn made(rng: &mut Rng) -> Made {
    match rng.below(5) {
        0 | 1 => {
            let dtype = DType::parse(rng.choose::<&str>(&DTYPES)).unwrap();
            let shape: Vec<u64> = (0..rng.below(4)).map(|_| rng.below(4) as u64).collect();
            let len = dtype.itemsize().unwrap() * shape.iter().product::<u64>();
            let data = rng.bytes(len as usize);
            Made::Array(Array::new(dtype, shape, data.into()).unwrap())
        }
        2 => {
            let number = rng.below(100) as i32 - 50;
            Made::Number(Scalar::of(number), vec![number as u8])
        }
        _ => Made::Packed(packed(rng, 3)),
    }
}

#[derive(Clone, Debug)]
struct MadeSource {
    name: String,
    metadata: Vec<(String, Vec<u8>)>,
    properties: Vec<(String, Made)>,
}

fn made_train(rng: &mut Rng) -> Vec<MadeSource> {
    (0..1 + rng.below(4))
        .map(|n| MadeSource {
            // Neither in the order of their names, nor in the opposite one.
            name: format!("{}/\u{43a}\u{430}{n}", ["z", "a", "m", ""][n]),
            metadata: (0..1 + rng.below(4)).map(|n| (format!("timestamp.{n}"), packed(rng, 2))).collect(),
            properties: (0..rng.below(6))
                .map(|n| (format!("{}.p{n}", ["data", "image", "\u{e9}"][n % 3]), made(rng)))
                .collect(),
        })
        .collect()
}

fn write(version: Version, train: &[MadeSource]) -> Vec<Vec<u8>> {
    let mut writer = TrainWriter::new(version);
    for source in train {
        writer.source(&source.name);
        for (name, value) in &source.metadata {
            writer.metadata(name, ValueRef::decode(value).unwrap()).unwrap();
        }
        for (path, value) in &source.properties {
            match value {
                Made::Packed(bytes) => writer.value(path, ValueRef::decode(bytes).unwrap()).unwrap(),
                Made::Array(array) if path.len() % 2 == 0 => writer.array(path, array.as_ref()).unwrap(),
                Made::Array(array) => writer.shared(path, array).unwrap(),
                Made::Number(scalar, _) => writer.value(path, ValueRef::Scalar(scalar.as_ref())).unwrap(),
            }
        }
    }
    writer.finish().unwrap().iter().map(|part| part.as_ref().to_vec()).collect()
}

/// Whether a value that was read has the bytes it was made of: floats by their bits.
fn same(found: ValueRef<'_>, packed: &[u8]) -> bool {
    found.encode_to_vec().unwrap() == packed
}

#[test]
fn law_3_trains_come_back_in_every_version() {
    let mut rng = Rng::new(rng::seed() ^ 3);
    for round in 0..if cfg!(miri) { 5 } else { 300 } {
        let due = made_train(&mut rng);
        for version in VERSIONS {
            let parts = write(version, &due);
            let train = train(&parts);
            assert_eq!(train.version(), Some(version));
            let mut names: Vec<_> = due.iter().map(|source| source.name.as_str()).collect();
            if version == Version::V2_2 {
                names.sort_unstable();
            }
            let items: Vec<_> = train.items().map(Result::unwrap).collect();
            let sources = items
                .iter()
                .filter_map(|item| if let Item::Source(source) = item { Some(source.name()) } else { None });
            assert!(sources.eq(names), "{version}, round {round}");
            let mut index = TrainIndex::new();
            let indexed = index.build(train);
            assert_eq!(index_errors(&indexed), []);
            for made in &due {
                let source = indexed.source(&made.name).unwrap();
                let entries: Vec<_> = source.metadata().entries().collect();
                assert_eq!(entries.len(), made.metadata.len());
                for ((name, value), (due_name, due_value)) in entries.iter().zip(&made.metadata) {
                    assert!(name == due_name && same(*value, due_value), "{version}: {name}");
                }
                let is_pair = |value: &Made| version != Version::V1_0 && matches!(value, Made::Array(_));
                let values = made.properties.iter().filter(|(_, value)| !is_pair(value)).map(|(path, _)| path.as_str());
                assert!(source.properties().map(|(path, _)| path).eq(values), "{version}, round {round}");
                for (path, value) in &made.properties {
                    match (indexed.get(&made.name, path).unwrap(), value) {
                        (Property::Value(found), Made::Packed(bytes)) => {
                            assert!(same(found, bytes), "{version}: {found:?}")
                        }
                        (Property::Value(ValueRef::Scalar(found)), Made::Number(number, _))
                            if version == Version::V1_0 =>
                        {
                            assert_eq!(found.into_owned().as_ref(), number.as_ref());
                        }
                        (Property::Value(ValueRef::Int(found)), Made::Number(_, due)) if version != Version::V1_0 => {
                            assert_eq!(found as u8, due[0]);
                        }
                        (Property::Value(ValueRef::Array(found)), Made::Array(array)) if version == Version::V1_0 => {
                            assert_eq!(found, array.as_ref());
                        }
                        (Property::Array(found), Made::Array(array)) => {
                            assert_eq!(found.to_array().unwrap(), *array);
                            assert_eq!(found.dtype().as_str(), array.dtype().as_ref().name().to_string());
                        }
                        (found, due) => panic!("{found:?} for {due:?} in {version}"),
                    }
                }
            }
            // What was written is canonical.
            assert_eq!(write(version, &due), parts);
        }
    }
}

#[test]
fn the_order_of_a_header_is_free() {
    let fields: [(&[u8], &[u8]); 5] = [
        (b"source", b"\xa1s"),
        (b"content", b"\xa5array"),
        (b"path", b"\xa1p"),
        (b"dtype", b"\xa6uint16"),
        (b"shape", b"\x92\x01\x02"),
    ];
    let mut orders = vec![vec![]];
    for field in 0..fields.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut longer = order.clone();
                    longer.insert(at, field);
                    longer
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    let first = source_pair("s", &[], &[]);
    for order in orders {
        for tag in [0xd9, 0xc4] {
            let packed: Vec<u8> = order
                .iter()
                .flat_map(|at| {
                    let (name, value) = fields[*at];
                    [&[tag, name.len() as u8][..], name, value].concat()
                })
                .collect();
            let parts = [first[0].clone(), first[1].clone(), [&[0x85][..], &packed].concat(), b"1234".to_vec()];
            let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("{order:?}") };
            let found = (array.source(), array.path(), array.dtype().as_str(), array.shape().to_string(), array.data());
            assert_eq!(found, ("s", "p", "uint16", "(1, 2)".to_owned(), &b"1234"[..]));
        }
    }
}

#[test]
fn trains_of_several_trains_are_seen() {
    let with = |tids: &[Option<u8>]| -> Vec<Vec<u8>> {
        let pair = |(n, tid): (usize, &Option<u8>)| {
            let tid = tid.map(|tid| [tid]);
            let metadata: Vec<(&str, &[u8])> = tid.iter().map(|tid| ("timestamp.tid", &tid[..])).collect();
            source_pair(&n.to_string(), &metadata, &[])
        };
        tids.iter().enumerate().flat_map(pair).collect()
    };
    let rows: [(&[Option<u8>], bool, Option<u64>); 7] = [
        (&[Some(5), Some(5), Some(5)], false, Some(5)),
        (&[Some(5), Some(6), Some(5)], true, Some(5)),
        (&[Some(5), Some(5), Some(6)], true, Some(5)),
        (&[None, Some(6), None], false, Some(6)),
        (&[None, Some(6), Some(7)], true, Some(6)),
        (&[None, None], false, None),
        // Of servers that know none.
        (&[Some(0), Some(7), Some(0)], false, Some(7)),
    ];
    for (tids, mixed, tid) in rows {
        let parts = with(tids);
        let train = train(&parts);
        assert_eq!((train.is_mixed(), train.tid()), (mixed, tid), "{tids:?}");
        // Each source tells its own.
        let each = train
            .items()
            .map(|item| if let Ok(Item::Source(source)) = item { source.metadata().tid() } else { panic!() });
        assert!(each.eq(tids.iter().map(|tid| tid.map(u64::from))));
    }
}

/// A source with these entries of metadata and properties in each version.
fn in_each_version(metadata: &[(&str, &[u8])], data: &[(&str, &[u8])]) -> [(Version, Vec<Vec<u8>>); 4] {
    let header = map(&[("source", b"\xa1s"), ("content", b"\xa7msgpack")]);
    let nested = map(metadata);
    let beside = [data, &[("metadata", &nested[..])]].concat();
    let flat: Vec<_> = metadata.iter().map(|(name, value)| (format!("metadata.{name}"), *value)).collect();
    let flat: Vec<_> = data.iter().copied().chain(flat.iter().map(|(name, value)| (&name[..], *value))).collect();
    [
        (Version::V1_0, vec![map(&[("s", &map(&beside))])]),
        (Version::V2_0, vec![header.clone(), map(&beside)]),
        (Version::V2_1, vec![header, map(&flat)]),
        (Version::V2_2, source_pair("s", metadata, data).to_vec()),
    ]
}

#[test]
fn ignored_keys_are_read_in_both_places() {
    let keys = b"\x92\xa1a\xa3b.c";
    let rows: [(&[(&str, &[u8])], &[(&str, &[u8])], &[&str]); 6] = [
        (&[("source", b"\xa1s"), ("ignored_keys", keys)], &[], &["a", "b.c"]),
        (&[("source", b"\xa1s")], &[("ignored_keys", keys)], &["a", "b.c"]),
        // Those in the metadata win.
        (&[("ignored_keys", b"\x91\xa1z")], &[("ignored_keys", keys)], &["z"]),
        (&[("ignored_keys", b"\x90")], &[], &[]),
        (&[("source", b"\xa1s")], &[], &[]),
        (&[("ignored_keys", b"\x07")], &[], &[]),
    ];
    for (metadata, data, due) in rows {
        for (version, parts) in in_each_version(metadata, data) {
            let source = source(&parts);
            assert_eq!(source.version(), Some(version));
            assert_eq!(source.ignored_keys().collect::<Vec<_>>(), due, "{version}");
        }
    }
}

#[test]
fn fractions_of_seconds_are_exact_in_every_spelling() {
    let number = |number: u64| [&[0xcf][..], &number.to_be_bytes()].concat();
    let flat = |frac: &[u8]| vec![("timestamp.sec", b"\xaa1526464869".to_vec()), ("timestamp.frac", frac.to_vec())];
    let nested = |frac: u64| {
        let inner = map(&[("tid", b"\x07"), ("sec", &number(1_526_464_869)), ("frac", &number(frac))]);
        vec![("timestamp", inner)]
    };
    let rows = [
        (flat(&text("410975500000000000")), 410_975_500_000_000_000),
        (flat(&text("4109755")), 410_975_500_000_000_000),
        (flat(&text("000000000000000001")), 1),
        (flat(&text("000000000000000000")), 0),
        (flat(&text("0")), 0),
        (flat(&text("1")), 100_000_000_000_000_000),
        (flat(&text("01")), 10_000_000_000_000_000),
        (flat(&text("999999999999999999")), 999_999_999_999_999_999),
        (flat(&text("123456789012345678")), 123_456_789_012_345_678),
        (flat(&text("12345678901234567")), 123_456_789_012_345_670),
        (flat(&number(410_975_500_000_000_000)), 410_975_500_000_000_000),
        (flat(&number(4_109_755)), 4_109_755),
        (flat(&number(1)), 1),
        (flat(b"\x00"), 0),
        (flat(&number(999_999_999_999_999_999)), 999_999_999_999_999_999),
        (nested(4_109_755), 410_975_500_000_000_000),
        (nested(1), 100_000_000_000_000_000),
        (nested(0), 0),
        (nested(123_456_789_012_345_678), 123_456_789_012_345_678),
    ];
    for (metadata, frac) in rows {
        let metadata: Vec<(&str, &[u8])> = metadata.iter().map(|(name, value)| (*name, &value[..])).collect();
        for (version, parts) in in_each_version(&metadata, &[]) {
            let time = source(&parts).metadata().time();
            assert_eq!(time, Some(Timestamp { sec: 1_526_464_869, frac }), "{metadata:02x?} in {version}");
        }
    }
    // Seconds as a number, too, and the one without the other is no time.
    for (metadata, due) in [
        (vec![("timestamp.sec", number(5)), ("timestamp.frac", b"\xa15".to_vec())], Some(500_000_000_000_000_000)),
        (vec![("timestamp.sec", number(5))], None),
        (vec![("timestamp.frac", number(5))], None),
        (nested(1_234_567_890_123_456_789), None),
    ] {
        let metadata: Vec<(&str, &[u8])> = metadata.iter().map(|(name, value)| (*name, &value[..])).collect();
        for (version, parts) in in_each_version(&metadata, &[]) {
            let time = source(&parts).metadata().time().map(|time| time.frac);
            assert_eq!(time, due, "{version}");
        }
    }
    for (version, parts) in in_each_version(&[("timestamp", &map(&[("tid", b"\x07")]))], &[]) {
        assert_eq!(source(&parts).metadata().tid(), Some(7), "{version}");
    }
}

//! What lengths from the wire reserve (R1), what small elements cost (R2), and how deep a stack may go (R3).

use std::fmt::Write as _;

use karabo_bridge::{DecodeErrorKind as Kind, Item, Limit, Limits, TrainIndex, TrainRef};
use testkit::laws::{self, hostile_lengths};
use testkit::{SMALL_STACK, alloc, assert_no_alloc, on_small_stack};

use crate::support::*;

/// Builds an index and asks it for all it has.
fn index_all<P: AsRef<[u8]>>(index: &mut TrainIndex, train: TrainRef<'_, P>) -> usize {
    let indexed = index.build(train);
    write!(Nowhere, "{indexed:?} {} {:?}", train.is_mixed(), train.tid()).unwrap();
    indexed.errors().for_each(|lost| write!(Nowhere, "{lost} {lost:?}").unwrap());
    let sources = indexed.sources().count();
    let found = indexed.sources().take(3).map(|source| {
        let value = source.properties().next().and_then(|(path, _)| indexed.get(source.name(), path));
        usize::from(value.is_some()) + indexed.arrays(source.name()).count()
    });
    sources + found.sum::<usize>()
}

/// Places where a value of MessagePack stands in a message: what is before it, which part it is in, what is behind it.
const PLACES: [(&str, fn(&[u8]) -> Vec<Vec<u8>>); 8] = [
    ("an unknown field of a header", |value| {
        vec![map(&[("source", b"\xa1d"), ("content", b"\xa7msgpack"), ("x", value)]), b"\x80".into()]
    }),
    ("the metadata of a header", |value| {
        vec![
            map(&[("source", b"\xa1d"), ("content", b"\xa7msgpack"), ("metadata", &map(&[("x", value)]))]),
            b"\x80".into(),
        ]
    }),
    ("the shape of an array", |value| vec![array_header("d", "p", "uint8", value), b"".into()]),
    ("the parameters of an image", |value| {
        vec![map(&[("source", b"\xa1d"), ("content", b"\xa9ImageData"), ("params", value)]), b"".into()]
    }),
    ("a property", |value| vec![source_header("d"), map(&[("x", value)])]),
    ("all data", |value| vec![source_header("d"), value.to_vec()]),
    ("a property of version 1.0", |value| vec![map(&[("d", &map(&[("x", value)]))])]),
    ("a source of version 1.0", |value| vec![map(&[("d", value)])]),
];

/// Heads with a length: the byte, and the bytes of the length.
const HEADS: [(u8, usize); 13] = [
    (0xc4, 1),
    (0xc5, 2),
    (0xc6, 4),
    (0xc7, 1),
    (0xc8, 2),
    (0xc9, 4),
    (0xd9, 1),
    (0xda, 2),
    (0xdb, 4),
    (0xdc, 2),
    (0xdd, 4),
    (0xde, 2),
    (0xdf, 4),
];

#[test]
fn r01_lengths_from_the_wire_reserve_nothing() {
    let mut seen = 0;
    for (place, make) in PLACES {
        for body in [&b""[..], b"\x01\x02\x03"] {
            for (head, size) in HEADS {
                for len in hostile_lengths(8 * size as u32, body.len() as u64) {
                    if len <= body.len() as u64 {
                        continue;
                    }
                    let value = [&[head], &len.to_be_bytes()[8 - size..], body].concat();
                    let parts = make(&value);
                    let at_fault = usize::from(place == "all data" || place == "a property");
                    let end = parts[at_fault].len() as u64;
                    // Whoever only looks holds nothing; the index holds the error.
                    laws::totality(&value, 0, |_| {
                        let error = only_error(&parts, &Limits::DEFAULT);
                        let found = (error.kind(), error.part(), error.offset());
                        assert_eq!(found, (Kind::UnexpectedEnd, at_fault, end), "{place}");
                        read(&parts, &Limits::DEFAULT);
                    });
                    if parts.len() > 1 {
                        laws::totality(&value, 1024, |_| index_all(&mut TrainIndex::new(), train(&parts)));
                    }
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 800, "{seen}");
}

/// Axes announce bytes, too.
#[test]
fn r01_axes_reserve_nothing() {
    for len in hostile_lengths(64, 3) {
        let parts =
            [source_header("d"), b"\x80".into(), array_header("d", "p", "uint8", &shape(&[len])), b"abc".into()];
        laws::totality(&len.to_be_bytes(), 0, |_| {
            let error = train(&parts).items().nth(1).unwrap().expect_err("an array").error;
            assert_eq!((error.kind(), error.part(), error.what()), (Kind::InvalidLength, 3, "data"), "{len}");
        });
    }
}

const MANY: usize = if cfg!(miri) { 100 } else { 30_000 };

#[test]
fn r02_views_cost_nothing_however_small_the_elements() {
    let empty_array =
        b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3|u1\xc4\x04kind\xc4\x00\xc4\x05shape\x91\x00\xc4\x04data\xc4\x00";
    let elements: [&[u8]; 6] = [b"\xc0", b"\x90", b"\x80", b"\xa0", b"\xc4\x00", empty_array];
    for element in elements {
        let many = [&[0xdd][..], &(MANY as u32).to_be_bytes(), &element.repeat(MANY)].concat();
        for (place, make) in PLACES.iter().filter(|(place, _)| place.contains("propert") || place.contains("metadata"))
        {
            let parts = make(&many);
            let (items, errors) = assert_no_alloc(|| read(&parts, &Limits::DEFAULT));
            assert_eq!((items, errors), (1, 0), "{place}");
        }
    }
    // Pairs, sources and properties that are as small as they can be.
    let pairs: Vec<&[u8]> = [&b"\x82\xa6source\xa0\xa7content\xa7msgpack"[..], b"\x80"].repeat(MANY);
    assert_eq!(assert_no_alloc(|| read(&pairs, &Limits::DEFAULT)), (MANY, 0));
    let single = [[&[0xdf][..], &(MANY as u32).to_be_bytes(), &b"\xa0\x80".repeat(MANY)].concat()];
    assert_eq!(assert_no_alloc(|| read(&single, &Limits::DEFAULT)), (MANY, 0));
}

/// An entry of the index has 48 bytes, an error 80, and a vector is up to twice as long as it need be. The smallest pair has 26 bytes, and one
/// without sense 2 empty parts, which cost the caller two slices; the smallest source of version 1.0 has 2 bytes, and there are 65 536 at most.
#[test]
fn r02_an_index_is_a_small_multiple_of_its_train() {
    let peak = |parts: &[&[u8]]| {
        let train = train(parts);
        let (_, stats) = alloc::measure(|| index_all(&mut TrainIndex::new(), train));
        stats.peak as f64 / (parts.iter().map(|part| part.len() + size_of::<&[u8]>()).sum::<usize>()) as f64
    };
    let pair = [&b"\x82\xa6source\xa0\xa7content\xa7msgpack"[..], b"\x80"].repeat(MANY);
    let ratio = peak(&pair);
    assert!(ratio > 0.5 && ratio < 6.0, "pairs: {ratio}");
    let empty: Vec<&[u8]> = vec![b""; 2 * MANY];
    let ratio = peak(&empty);
    assert!(ratio > 0.2 && ratio < 6.0, "empty parts: {ratio}");
    let head = [&[0xdf][..], &(MANY as u32).to_be_bytes()].concat();
    for (source, most) in [(&b"\xa0\x80"[..], 128.0), (b"\x00\x00", 96.0)] {
        let single = [&head[..], &source.repeat(MANY)].concat();
        let ratio = peak(&[&single]);
        assert!(ratio > 1.0 && ratio < most, "version 1.0: {ratio}");
    }
}

/// A dtype with fields is the one thing that takes memory: fields and their names.
#[test]
fn r02_a_dtype_is_a_small_multiple_of_its_text() {
    let fields: String = (0..MANY / 10).map(|n| format!("('{n}','i1'),")).collect();
    let dtype = format!("[{}]", fields.trim_end_matches(','));
    let parts = [source_header("d"), b"\x80".into(), array_header("d", "p", &dtype, &shape(&[0])), b"".into()];
    let (found, stats) = alloc::measure(|| read(&parts, &Limits::DEFAULT));
    assert_eq!(found, (2, 0));
    let ratio = stats.peak as f64 / dtype.len() as f64;
    assert!(ratio > 1.0 && ratio < 32.0, "{ratio}");
    // What is given back is all.
    assert_eq!(stats.live, 0);
}

/// What only opens.
const OPENERS: [(&str, &[u8]); 6] = [
    ("list of one", b"\x91"),
    ("list of fifteen", b"\x9f"),
    ("value of a map", b"\x81\xa1a"),
    ("key of a map", b"\x81"),
    ("last of two", b"\x92\x00"),
    ("data of an array", b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3<i2\xc4\x04kind\xc4\x00\xc4\x05shape\x90\xc4\x04data"),
];

#[test]
fn r03_a_mebibyte_of_openers_is_refused_at_the_limit() {
    const LEN: usize = if cfg!(miri) { 1 << 12 } else { 1 << 20 };
    for (name, unit) in OPENERS {
        let input = unit.repeat(LEN / unit.len());
        for (place, make) in PLACES {
            let parts = make(&input);
            on_small_stack(SMALL_STACK, || {
                for depth in [1, 2, 64, 255] {
                    let limits = Limits::DEFAULT.with_max_depth(depth);
                    let error = only_error(&parts, &limits);
                    let found = (error.kind(), error.limit());
                    // What has to be a map is seen to be none before it is seen to be deep.
                    let is_map = unit[0] & 0xf0 == 0x80 || !place.starts_with("all ");
                    if is_map {
                        assert_eq!(found, (Kind::LimitExceeded, Some(Limit::MaxDepth)), "{name}, {place}, {depth}");
                        let due = format!("exceeds max_depth {depth} at byte ");
                        assert!(error.to_string().starts_with(&due), "{error}");
                    } else {
                        assert_eq!((found, error.offset()), ((Kind::UnexpectedType, None), 0), "{name}, {place}");
                    }
                    write!(Nowhere, "{error} {error:?}").unwrap();
                    read(&parts, &limits);
                    if let Ok(train) = train_with(&parts, &limits) {
                        assert_eq!(index_all(&mut TrainIndex::new(), train), 0);
                    }
                }
            });
        }
    }
}

/// And what is as deep as the limit allows is read, printed, indexed and compared there.
#[test]
fn r03_what_is_as_deep_as_allowed_is_read_on_a_small_stack() {
    for unit in [&b"\x91"[..], b"\x81\xa1a"] {
        let deep = [&unit.repeat(253)[..], b"\xc0"].concat();
        for (place, make) in PLACES.iter().filter(|(place, _)| place.starts_with("a property")) {
            let parts = make(&deep);
            on_small_stack(SMALL_STACK, || {
                let limits = Limits::DEFAULT.with_max_depth(255);
                assert_eq!(read(&parts, &limits), (1, 0), "{place}");
                let train = train_with(&parts, &limits).unwrap();
                assert!(index_all(&mut TrainIndex::new(), train) > 0);
                let (one, other) = (train.items().next(), train.items().next());
                assert_eq!(one, other);
            });
        }
    }
}

/// Dtypes are a grammar of their own.
#[test]
fn r03_brackets_in_dtypes_do_not_recurse() {
    const LEN: usize = if cfg!(miri) { 1 << 10 } else { 1 << 16 };
    for unit in ["[", "[(", "[('a',", "{", "{'names':", "('a', [", "(numpy.record, ", "(", "{'formats': ["] {
        let dtype = unit.repeat(LEN / unit.len());
        let parts = [source_header("d"), b"\x80".into(), array_header("d", "p", &dtype, &shape(&[1])), b"x".into()];
        on_small_stack(SMALL_STACK, || {
            assert_eq!(read(&parts, &Limits::DEFAULT), (2, 0));
            let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("no array") };
            // Not understood, and so a value.
            assert_eq!((array.dtype().as_str().len(), array.dtype().parse()), (dtype.len(), None));
            assert!(array.as_array().is_none() && array.to_array().is_none());
            assert_eq!(index_all(&mut TrainIndex::new(), train(&parts)), 2);
        });
    }
}

//! Messages that mean harm to who reads them: one test or comment for each bug class R1 to R15. Those that take many inputs (R4, R7), and
//! writing (R6), are in `hostile_more.rs`.

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

use std::fmt::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{
    DecodeError, DecodeErrorKind as Kind, Indexed, Item, Limit, Limits, Message, MessageRef, Property, Timestamp,
    TrainIndex, TrainRef, TrainWriter, Version,
};
use testkit::laws::{self, hostile_lengths};
use testkit::{SMALL_STACK, alloc, assert_no_alloc, on_small_stack};

fn text(text: &str) -> Vec<u8> {
    let len = text.len();
    let head = match len {
        0..=31 => vec![0xa0 | len as u8],
        32..=255 => vec![0xd9, len as u8],
        256..=0xffff => vec![0xda, (len >> 8) as u8, len as u8],
        _ => [&[0xdb][..], &(len as u32).to_be_bytes()].concat(),
    };
    [&head, text.as_bytes()].concat()
}

fn uint(number: u64) -> Vec<u8> {
    [&[0xcf][..], &number.to_be_bytes()].concat()
}

fn map(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let packed: Vec<u8> = entries.iter().flat_map(|(key, value)| [&text(key)[..], value].concat()).collect();
    [&[0xdf][..], &(entries.len() as u32).to_be_bytes(), &packed].concat()
}

fn source_header(name: &str) -> Vec<u8> {
    map(&[("source", &text(name)), ("content", &text("msgpack"))])
}

fn shape(axes: &[u64]) -> Vec<u8> {
    let axes: Vec<Vec<u8>> = axes.iter().copied().map(uint).collect();
    list(&axes)
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [&[0xdd][..], &(items.len() as u32).to_be_bytes(), &items.concat()].concat()
}

fn array_header(name: &str, path: &str, dtype: &str, shape: &[u8]) -> Vec<u8> {
    let (source, content) = (text(name), text("array"));
    map(&[("source", &source), ("content", &content), ("path", &text(path)), ("dtype", &text(dtype)), ("shape", shape)])
}

fn train<P: AsRef<[u8]>>(parts: &[P]) -> TrainRef<'_, P> {
    train_with(parts, &Limits::DEFAULT).unwrap()
}

/// In each of the public ways that borrow and that own; whoever adds one adds it here (R15).
fn train_with<'a, P: AsRef<[u8]>>(parts: &'a [P], limits: &Limits) -> Result<TrainRef<'a, P>, DecodeError> {
    let found = match MessageRef::decode_with(parts, limits) {
        Ok(MessageRef::Train(train)) => Ok(train),
        Ok(_) => panic!("no train"),
        Err(error) => Err(error),
    };
    assert_eq!(TrainRef::decode_with(parts, limits).err(), found.as_ref().err().copied());
    found
}

/// The same of parts that are owned.
fn owned_with<P: AsRef<[u8]>>(parts: &[P], limits: &Limits) -> Option<DecodeError> {
    let bytes: Vec<Bytes> = parts.iter().map(|part| Bytes::copy_from_slice(part.as_ref())).collect();
    let found = match Message::decode_with(bytes, limits) {
        Ok(Message::Train(train)) => Ok(train),
        Ok(_) => panic!("no train"),
        Err(error) => Err(error),
    };
    match found {
        Err(error) => Some(error),
        Ok(train) => train.indexed().errors().next().map(|lost| lost.error),
    }
}

fn index_errors<P: AsRef<[u8]>>(indexed: &Indexed<'_, '_, P>) -> Vec<DecodeError> {
    indexed.errors().map(|lost| lost.error).collect()
}

/// Formats into nothing.
struct Nowhere;

impl fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}

/// Looks at a value, two levels down.
fn touch(value: ValueRef<'_>, down: usize) -> usize {
    write!(Nowhere, "{value:?}").unwrap();
    match value {
        ValueRef::List(list) if down > 0 => list.iter().map(|item| touch(item, down - 1)).sum(),
        ValueRef::Map(map) | ValueRef::Faulty(map, _) if down > 0 => {
            map.iter().map(|(key, value)| touch(key, down - 1) + touch(value, down - 1)).sum()
        }
        ValueRef::Array(array) => array.data().len() + array.shape().iter().count(),
        _ => 1,
    }
}

/// Looks at everything that an item has; nothing of it takes memory.
fn touch_item(item: &Item<'_>) -> usize {
    write!(Nowhere, "{item:?}").unwrap();
    match item {
        Item::Source(source) => {
            let metadata = source.metadata();
            write!(Nowhere, "{:?} {:?} {:?}", source.version(), metadata.time(), metadata.timestamp()).unwrap();
            write!(Nowhere, "{:?} {:?} {:?}", metadata.tid(), metadata.source(), source.get("metadata")).unwrap();
            let entries: usize = metadata.entries().map(|(name, value)| name.len() + touch(value, 2)).sum();
            let properties: usize = source.properties().map(|(path, value)| path.len() + touch(value, 2)).sum();
            entries + properties + source.ignored_keys().map(str::len).sum::<usize>()
        }
        Item::Array(array) => {
            let params = array.params().map_or(0, |params| touch(ValueRef::Map(params), 2));
            let plain = array.as_array().map_or(0, |plain| plain.shape().iter().count());
            params + plain + array.data().len() + array.dtype().as_str().len() + array.path().len()
        }
        Item::Other(other) => other.header().len() + other.data().len() + other.path().map_or(0, str::len),
        other => panic!("{other:?}"),
    }
}

/// Reads all of a message, and says how many items and how many errors there are.
fn read<P: AsRef<[u8]>>(parts: &[P], limits: &Limits) -> (usize, usize) {
    let Ok(train) = train_with(parts, limits) else { return (0, 0) };
    let (mut items, mut errors) = (0, 0);
    for item in train.items() {
        items += 1;
        match item {
            Ok(item) => drop(touch_item(&item)),
            Err(error) => {
                write!(Nowhere, "{error} {error:?}").unwrap();
                errors += 1;
            }
        }
    }
    write!(Nowhere, "{:?} {:?} {:?}", train.version(), train, train.items()).unwrap();
    (items, errors)
}

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

/// The one thing that is wrong with a message, whether with all of it or with a pair.
fn only_error<P: AsRef<[u8]>>(parts: &[P], limits: &Limits) -> DecodeError {
    let train = match train_with(parts, limits) {
        Ok(train) => train,
        Err(error) => return error,
    };
    let mut items = train.items();
    let error = items.next().unwrap().expect_err("an item").error;
    assert!(items.next().is_none());
    error
}

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

// R4, short and odd input: `hostile_more.rs`.

#[test]
fn r05_products_of_axes_do_not_wrap() {
    const K32: u64 = 1 << 32;
    let refused: [(&[u64], &str, Kind); 10] = [
        (&[K32, K32], "uint8", Kind::InvalidShape),
        (&[K32, K32 - 1, 2], "uint8", Kind::InvalidShape),
        (&[65536, 65536, 65536, 65536], "uint8", Kind::InvalidShape),
        (&[u64::MAX, 2], "uint8", Kind::InvalidShape),
        (&[u64::MAX], "uint16", Kind::InvalidShape),
        (&[1 << 63], "uint16", Kind::InvalidShape),
        (&[u64::MAX / 16 + 1], "complex128", Kind::InvalidShape),
        (&[u64::MAX], "uint8", Kind::InvalidLength),
        (&[65536, 65536], "uint8", Kind::InvalidLength),
        (&[K32 + 4], "uint8", Kind::InvalidLength),
    ];
    for (axes, dtype, kind) in refused {
        for data in [&b""[..], b"1234"] {
            let parts = [&source_header("d")[..], b"\x80", &array_header("d", "p", dtype, &shape(axes)), data];
            let error = assert_no_alloc(|| train(&parts).items().nth(1).unwrap().expect_err("an array").error);
            assert_eq!(error.kind(), kind, "{axes:?} of {dtype}");
            assert_eq!(index_errors(&TrainIndex::new().build(train(&parts))), [error]);
        }
    }
    // Where one axis has nothing, nothing is due, however long the others are.
    for axes in [&[0][..], &[0, u64::MAX, u64::MAX], &[u64::MAX, u64::MAX, 0], &[K32, K32, 0]] {
        let of = |data: &'static [u8]| {
            [source_header("d"), b"\x80".into(), array_header("d", "p", "float64", &shape(axes)), data.into()]
        };
        let parts = of(b"");
        let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("{axes:?}") };
        assert_eq!((array.shape().product(), array.as_array().unwrap().to_vec::<f64>()), (Some(0), Ok(vec![])));
        let parts = of(b"12345678");
        let error = train(&parts).items().nth(1).unwrap().expect_err("an array").error;
        assert_eq!(error.kind(), Kind::InvalidLength);
    }
    // Fields multiply, too.
    for dtype in ["[('a', 'u1', (4294967296, 4294967296))]", "[('a', 'V4294967295', (4294967295, 4294967295))]"] {
        let parts = [source_header("d"), b"\x80".into(), array_header("d", "p", dtype, &shape(&[1])), b"".into()];
        read(&parts, &Limits::DEFAULT);
        if let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) {
            assert!(array.to_array().is_none(), "{array:?}");
        }
    }
}

#[test]
fn r05_negative_and_odd_axes_are_refused() {
    let axes: [&[u8]; 10] = [
        b"\xff",
        b"\xd0\x80",
        b"\xd1\x80\x00",
        b"\xd2\x80\x00\x00\x00",
        b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
        b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xc0",
        b"\xc3",
        b"\xcb\x40\x00\x00\x00\x00\x00\x00\x00",
        b"\xa12",
    ];
    for axis in axes {
        for shape in [[b"\x91", axis].concat(), [b"\x92\x02", axis].concat(), [b"\x92\x00", axis].concat()] {
            let parts = [source_header("d"), b"\x80".into(), array_header("d", "p", "uint8", &shape), b"ab".into()];
            let error = train(&parts).items().nth(1).unwrap().expect_err("an array").error;
            assert_eq!((error.kind(), error.part(), error.what()), (Kind::InvalidShape, 2, "shape"), "{shape:?}");
        }
    }
}

// R6, casts when writing: `hostile_more.rs`. R7, quadratic work: there, too.

#[test]
fn r08_items_end_and_stay_ended() {
    let messages: [&[&[u8]]; 8] = [
        &[b"\x80"],
        &[b"\x82\xa1a\x80\xa1b\x80"],
        &[b"", b""],
        &[b"", b"", b""],
        &[&b"\xc1"[..]; 7],
        &[b"\x82\xa6source\xa1d\xa7content\xa7msgpack", b"\x80"],
        &[&b"\x82\xa6source\xa1d\xa7content\xa7msgpack"[..]; 3],
        &[&b"\xdf\xff\xff\xff\xff"[..]; 4],
    ];
    for parts in messages {
        let mut items = train(parts).items();
        let most = if parts.len() == 1 { parts[0].len() } else { parts.len().div_ceil(2) };
        let count = items.by_ref().take(100).count();
        assert!(count <= most, "{count} of {} parts", parts.len());
        if parts.len() > 1 {
            // Each pair is one item, and so is a part by itself.
            assert_eq!(count, most);
        }
        assert!((0..3).all(|_| items.next().is_none()));
    }
}

#[test]
fn r09_parts_lie_anywhere() {
    // No unsafe code; that bytes at odd places are read alike is tested all the same.
    let parts =
        [source_header("d"), b"\x81\xa1x\x2a".into(), array_header("d", "p", "float64", &shape(&[2])), vec![7; 16]];
    let whole: Vec<_> = train(&parts).items().map(|item| format!("{item:?}")).collect();
    testkit::slices::at_every_offset(&parts[3], |data| {
        let parts = [&parts[0][..], &parts[1], &parts[2], data];
        let found: Vec<_> = train(&parts).items().map(|item| format!("{item:?}")).collect();
        assert_eq!(found, whole);
        let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("no array") };
        assert_eq!(array.as_array().unwrap().to_vec::<f64>(), Ok(vec![f64::from_le_bytes([7; 8]); 2]));
    });
    let single = [[
        &b"\x81\xa1d\x81\xa1x"[..],
        b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3<f8\xc4\x04kind\xc4\x00\xc4\x05shape\x91\x01\xc4\x04data\xc4\x08",
        &[7; 8],
    ]
    .concat()];
    testkit::slices::at_every_offset(&single[0], |part| {
        let parts = [part];
        let Some(Ok(Item::Source(source))) = train(&parts).items().next() else { panic!("no source") };
        let array = source.get("x").unwrap().as_array().unwrap();
        assert_eq!(array.to_vec::<f64>(), Ok(vec![f64::from_le_bytes([7; 8])]));
    });
    #[cfg(all(unix, not(miri)))]
    for cut in 0..parts[2].len() {
        testkit::slices::before_guard_page(&parts[2][..cut], |header| {
            let parts = [&parts[0][..], &parts[1], header, &parts[3]];
            assert_eq!(read(&parts, &Limits::DEFAULT), (2, 1));
        });
    }
}

/// A source with these entries of metadata.
fn with_metadata(entries: &[(&str, &[u8])]) -> [Vec<u8>; 2] {
    let metadata = map(entries);
    [map(&[("source", b"\xa1d"), ("content", b"\xa7msgpack"), ("metadata", &metadata)]), b"\x80".into()]
}

fn time_of(parts: &[Vec<u8>]) -> Option<Timestamp> {
    let Some(Ok(Item::Source(source))) = train(parts).items().next() else { panic!("no source") };
    source.metadata().time()
}

#[test]
fn r10_times_at_the_ends_of_their_ranges() {
    let max = u64::MAX.to_string();
    let time = |sec: &[u8], frac: &[u8]| time_of(&with_metadata(&[("timestamp.sec", sec), ("timestamp.frac", frac)]));
    let (nines, padded) = ("9".repeat(18), format!("1{}", "0".repeat(17)));
    let some = |sec, frac| Some(Timestamp { sec, frac });
    let rows: [(&[u8], &[u8], Option<Timestamp>); 14] = [
        (&text(&max), &text(&nines), some(u64::MAX, 999_999_999_999_999_999)),
        (&uint(u64::MAX), &uint(999_999_999_999_999_999), some(u64::MAX, 999_999_999_999_999_999)),
        (b"\xa10", b"\xa10", some(0, 0)),
        (b"\x00", b"\x00", some(0, 0)),
        (b"\xa15", &text(&padded), some(5, 100_000_000_000_000_000)),
        // An integer of a second or more, and digits that are too many.
        (b"\xa15", &uint(1_000_000_000_000_000_000), None),
        (b"\xa15", &uint(u64::MAX), None),
        (b"\xa15", &text(&format!("{nines}9")), None),
        (&text("18446744073709551616"), b"\xa10", None),
        // Before 1970, and no numbers.
        (b"\xff", b"\xa10", None),
        (b"\xa2-1", b"\xa10", None),
        (b"\xa2+1", b"\xa10", None),
        (b"\xa15", b"\xff", None),
        (b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", b"\xa10", None),
    ];
    for (sec, frac, due) in rows {
        assert_eq!(time(sec, frac), due, "{sec:02x?} {frac:02x?}");
    }
    for odd in ["", " 5", "5 ", "0x5", "1e3", "5.0", "\u{665}", "1_0"] {
        assert_eq!((time(&text(odd), b"\xa10"), time(b"\xa10", &text(odd))), (None, None), "{odd:?}");
    }
    // What is told as a float is what it is.
    for bits in [f64::NAN, f64::INFINITY, -0.0, 1e300, f64::MIN].map(f64::to_bits) {
        let parts = with_metadata(&[("timestamp", &[&[0xcb][..], &bits.to_be_bytes()].concat())]);
        let Some(Ok(Item::Source(source))) = train(&parts).items().next() else { panic!("no source") };
        assert_eq!(source.metadata().timestamp().map(f64::to_bits), Some(bits));
        assert_eq!(source.metadata().time(), None);
    }
    // And times are written as the doubles that they become, up to seconds that fit.
    for now in [Duration::ZERO, Duration::from_nanos(1), Duration::new(1 << 40, 0), Duration::MAX] {
        let mut writer = TrainWriter::new(Version::V2_2).with_dummy_timestamps(now);
        writer.source("d");
        let parts: Vec<_> = writer.finish().unwrap().iter().map(|part| part.as_ref().to_vec()).collect();
        let Some(Ok(Item::Source(source))) = train(&parts).items().next() else { panic!("no source") };
        assert_eq!(source.metadata().timestamp(), Some(now.as_secs_f64()));
        let due = Duration::try_from_secs_f64(now.as_secs_f64()).ok();
        let due = due.map(|due| Timestamp { sec: due.as_secs(), frac: u64::from(due.subsec_nanos()) * 1_000_000_000 });
        assert_eq!(time_of(&parts), due, "{now:?}");
    }
}

#[test]
fn r11_pickles_are_refused_by_name_wherever_they_are() {
    // What `pickle.dumps` makes of a call: protocols 1 to 5 begin alike.
    for protocol in 1..=5 {
        let pickle = [&[0x80, protocol][..], b"cposix\nsystem\n(S'false'\ntR."].concat();
        let refused = |parts: &[Vec<u8>], part, what| {
            let error = only_error(parts, &Limits::DEFAULT);
            assert_eq!((error.kind(), error.part(), error.offset(), error.what()), (Kind::Pickle, part, 0, what));
            assert!(error.to_string().starts_with("a pickle, which is not run at byte 0"), "{error}");
        };
        refused(std::slice::from_ref(&pickle), 0, "message");
        refused(&[pickle.clone(), b"\x80".into()], 0, "header");
        refused(&[source_header("d"), pickle.clone()], 1, "data");
        // What is not known is not looked at.
        let parts = [map(&[("source", b"\xa1d"), ("content", b"\xa1x")]), pickle.clone()];
        let Some(Ok(Item::Other(other))) = train(&parts).items().next() else { panic!("no other") };
        assert_eq!(other.data(), pickle);
        // Bytes of an array are bytes.
        let header = array_header("d", "p", "uint8", &shape(&[pickle.len() as u64]));
        let parts = [source_header("d"), b"\x80".into(), header, pickle.clone()];
        let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("no array") };
        assert_eq!(array.data(), pickle);
        // Among values they are bytes or what is told of them, and nothing else.
        let bin = [&[0xc4, pickle.len() as u8][..], &pickle].concat();
        let objects =
            [&b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3|O8\xc4\x04kind\xc4\x01O\xc4\x05shape\x91\x01\xc4\x04data"[..], &bin]
                .concat();
        for (value, is_pickle) in [(&bin, false), (&objects, true)] {
            for parts in [vec![source_header("d"), map(&[("x", value)])], vec![map(&[("d", &map(&[("x", value)]))])]] {
                let Some(Ok(Item::Source(source))) = train(&parts).items().next() else { panic!("no source") };
                let found = source.get("x").unwrap();
                assert_eq!(matches!(found, ValueRef::Pickle(_)), is_pickle, "{found:?}");
                assert_eq!(matches!(found, ValueRef::Bin(_)), !is_pickle, "{found:?}");
            }
        }
    }
    // Words that announce them.
    for word in ["pickle", "pickle.HIGHEST_PROTOCOL", "pickle.DEFAULT_PROTOCOL"] {
        let parts = [map(&[("source", b"\xa1d"), ("content", &text(word))]), b"\x80".into()];
        let error = only_error(&parts, &Limits::DEFAULT);
        assert_eq!((error.kind(), error.part(), error.what()), (Kind::Pickle, 0, "content"));
    }
    // Objects are addresses in somebody's memory: bytes that are no array.
    let parts = [source_header("d"), b"\x80".into(), array_header("d", "p", "object", &shape(&[1])), vec![1; 8]];
    let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("no array") };
    assert!(array.as_array().is_none() && array.to_array().is_none() && array.dtype().parse().is_none());
    assert_eq!((array.dtype().as_str(), array.data()), ("object", &[1; 8][..]));
    // One byte is a train without sources.
    assert_eq!(read(&[b"\x80"], &Limits::DEFAULT), (0, 0));
    assert!(train(&[b"\x80"]).items().next().is_none());
}

#[test]
fn r12_a_bad_pair_costs_no_good_ones() {
    // All malformed pairs at all places: `laws.rs`.
    let good = [source_header("d"), b"\x81\xa1x\x01".into()];
    let last = [source_header("e"), b"\x81\xa1y\x02".into()];
    for bad in [[b"\xc1".to_vec(), b"".to_vec()], [source_header("d"), b"\x81".to_vec()], [b"".into(), vec![0xff; 99]]]
    {
        let parts: Vec<_> = [&good[..], &bad, &last].concat();
        let items: Vec<_> = train(&parts).items().collect();
        assert_eq!(items.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        let mut index = TrainIndex::new();
        let indexed = index.build(train(&parts));
        assert_eq!(index_errors(&indexed).len(), 1);
        assert_eq!(indexed.get("d", "x"), Some(Property::Value(ValueRef::Int(1))));
        assert_eq!(indexed.get("e", "y"), Some(Property::Value(ValueRef::Int(2))));
    }
}

#[test]
fn r13_floods_of_nothing_end_at_the_limit() {
    // Messages come whole, so nothing is waited for.
    let parts: Vec<&[u8]> = vec![b""; 1 << 16];
    let (found, stats) = alloc::measure(|| read(&parts, &Limits::DEFAULT));
    assert_eq!((found, stats.allocations), ((1 << 15, 1 << 15), 0));
    let parts: Vec<&[u8]> = vec![b""; (1 << 16) + 1];
    let error = assert_no_alloc(|| train_with(&parts, &Limits::DEFAULT).unwrap_err());
    assert_eq!((error.kind(), error.limit()), (Kind::LimitExceeded, Some(Limit::MaxParts)));
    let none: [&[u8]; 0] = [];
    assert_eq!(train_with(&none, &Limits::DEFAULT).unwrap_err().kind(), Kind::NoParts);
    // The sources of version 1.0 are counted, too.
    let single = |n: u32| [[&[0xdf][..], &n.to_be_bytes(), &b"\xa0\x80".repeat(n as usize)].concat()];
    assert_eq!(read(&single(1 << 16), &Limits::DEFAULT), (1 << 16, 0));
    let error = train_with(&single((1 << 16) + 1), &Limits::DEFAULT).unwrap_err();
    assert_eq!((error.kind(), error.limit()), (Kind::LimitExceeded, Some(Limit::MaxParts)));
}

#[test]
fn r14_numbers_cost_what_their_digits_cost() {
    let digits = "9".repeat(10_000);
    // Zeros in front are no number more.
    let zeros = "0".repeat(10_000);
    for (sec, frac, due) in [(&digits[..], "0", None), ("0", &digits, None), (&zeros, "0", Some(0))] {
        let parts = with_metadata(&[("timestamp.sec", &text(sec)), ("timestamp.frac", &text(frac))]);
        let time = assert_no_alloc(|| time_of(&parts));
        assert_eq!(time, due.map(|sec| Timestamp { sec, frac: 0 }));
    }
    // Widths of dtypes, and axes: they are multiplied, not counted up to.
    let dtypes =
        ["V4294967295", "|V4294967295", "S2147483647", "<U1073741823", "U99999999999", "V99999999999999999999"];
    for dtype in dtypes.into_iter().chain([&*format!("S{digits}"), "datetime64[4294967295s]", "M8[99999999999s]"]) {
        for axes in [&[][..], &[u64::MAX], &[0, u64::MAX], &[1 << 40]] {
            let header = array_header("d", "p", dtype, &shape(axes));
            let parts = [source_header("d"), b"\x80".into(), header, b"".into()];
            assert_no_alloc(|| read(&parts, &Limits::DEFAULT));
            if let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) {
                // Nothing is nothing, or not understood.
                assert!(array.as_array().is_none_or(|array| array.shape().product() == Some(0)), "{array:?}");
            }
        }
    }
}

/// Reads a message in each public way, and tells the first error of each.
fn each_way(parts: &[Vec<u8>], limits: &Limits) -> [Option<DecodeError>; 4] {
    let owned = owned_with(parts, limits);
    let train = match train_with(parts, limits) {
        Err(error) => {
            assert_eq!(owned, Some(error));
            return [Some(error); 4];
        }
        Ok(train) => train,
    };
    let mut index = TrainIndex::new();
    let indexed = index.build(train);
    // Whoever asks for what is lost is told nothing.
    let lost = indexed.source("d").is_none() || indexed.get("d", "p").is_none();
    let errors = index_errors(&indexed);
    assert_eq!((lost, owned), (!errors.is_empty(), errors.first().copied()));
    // Pair by pair, too.
    if let [.., header, data] = parts {
        assert_eq!(Item::decode_with(0, header, data, limits).is_err(), lost);
    }
    let from_items = train.items().find_map(|item| item.err().map(|error| error.error));
    let last = train.items().filter_map(|item| item.err().map(|error| error.error)).last();
    [from_items, last, errors.first().copied(), errors.last().copied()]
}

#[test]
fn r15_limits_hold_on_every_path() {
    // Three lists or maps in one another, the header and the data being the first.
    let deep = b"\x91\x91\x00";
    let with_header = |header: Vec<u8>| vec![header, b"\x81\xa1p\x00".to_vec()];
    let entries: [(&str, &[u8]); 2] = [("source", b"\xa1d"), ("content", b"\xa7msgpack")];
    let deep_messages = [
        with_header(map(&[entries[0], entries[1], ("x", deep)])),
        with_header(map(&[entries[0], entries[1], ("metadata", b"\x81\xa1x\x91\x00")])),
        vec![source_header("d"), map(&[("p", deep)])],
        vec![map(&[("d", &map(&[("p", b"\x91\x00")]))])],
    ];
    for parts in &deep_messages {
        for depth in [0, 1, 2, 3, 4, 64, 255] {
            let found = each_way(parts, &Limits::DEFAULT.with_max_depth(depth));
            if depth >= 3 {
                assert_eq!(found, [None; 4], "{depth}");
            } else {
                let limits = found.map(|error| error.map(|error| (error.kind(), error.limit())));
                assert_eq!(limits, [Some((Kind::LimitExceeded, Some(Limit::MaxDepth))); 4], "{depth} for {parts:02x?}");
            }
        }
    }
    let axes = |n: usize| shape(&vec![1; n]);
    let tagged = |n: usize| {
        let head = b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3|u1\xc4\x04kind\xc4\x00\xc4\x05shape";
        [&head[..], &axes(n), b"\xc4\x04data\xc4\x01x"].concat()
    };
    for max in [0_u8, 1, 5, 64] {
        let limits = Limits::DEFAULT.with_max_axes(max);
        for (n, over) in [(usize::from(max), false), (usize::from(max) + 1, true)] {
            for content in ["array", "ImageData"] {
                let header = map(&[
                    ("source", b"\xa1d"),
                    ("content", &text(content)),
                    ("path", b"\xa1p"),
                    ("dtype", b"\xa5uint8"),
                    ("shape", &axes(n)),
                ]);
                let parts = vec![source_header("d"), b"\x80".to_vec(), header, b"x".to_vec()];
                let found = each_way(&parts, &limits).map(|error| error.map(|error| (error.kind(), error.limit())));
                assert_eq!(found, [over.then_some((Kind::LimitExceeded, Some(Limit::MaxAxes))); 4], "{n} of {max}");
            }
            // A tagged map among the values is faulty, and nothing else is lost.
            for parts in
                [vec![source_header("d"), map(&[("p", &tagged(n))])], vec![map(&[("d", &map(&[("p", &tagged(n))]))])]]
            {
                let train = train_with(&parts, &limits).unwrap();
                let Some(Ok(Item::Source(source))) = train.items().next() else { panic!("no source") };
                let found = source.get("p").unwrap();
                assert_eq!(matches!(found, ValueRef::Faulty(..)), over, "{n} of {max}: {found:?}");
                let mut index = TrainIndex::new();
                assert_eq!(index.build(train).get("d", "p"), Some(Property::Value(found)));
            }
        }
    }
    for max in [0_u32, 1, 2, 3] {
        for n in 1..=4_u32 {
            let parts: Vec<Vec<u8>> = (0..n).map(|_| source_header("d")).collect();
            let parts = if n == 1 { vec![b"\x80".to_vec()] } else { parts };
            let found = train_with(&parts, &Limits::DEFAULT.with_max_parts(max)).map(|train| train.parts().len());
            let found = found.map_err(|error| (error.kind(), error.limit()));
            assert_eq!(
                found,
                if n <= max { Ok(n as usize) } else { Err((Kind::LimitExceeded, Some(Limit::MaxParts))) }
            );
        }
    }
    for (max, n) in [(1, 1), (1, 2), (2, 2), (2, 3)] {
        let parts = [[&[0x80 | n as u8][..], &b"\xa0\x80".repeat(n)].concat()];
        let found = train_with(&parts, &Limits::DEFAULT.with_max_parts(max)).map(|train| train.items().count());
        let found = found.map_err(|error| (error.kind(), error.limit()));
        assert_eq!(found, if n <= max as usize { Ok(n) } else { Err((Kind::LimitExceeded, Some(Limit::MaxParts))) });
    }
    // The defaults are those of `decode`, and let real trains through.
    let header = source_header("d");
    let many: Vec<&[u8]> = [&header[..], b"\x80"].repeat(1 << 15);
    let Ok(MessageRef::Train(train)) = MessageRef::decode(&many) else { panic!("refused") };
    assert_eq!(train.items().filter(Result::is_ok).count(), 1 << 15);
    assert!(MessageRef::decode(&[b""; (1 << 16) + 1]).is_err());
}

/// A header is one of the maps that count, as the data and the only part of version 1.0 are.
#[test]
fn r15_no_depth_at_all_allows_no_map() {
    for (parts, due) in [
        (vec![map(&[("source", b"\xa1d"), ("content", b"\xa1x")]), b"".to_vec()], [true, false]),
        (vec![source_header("d"), b"\x81\xa1p\x00".to_vec()], [true, false]),
        // One without entries counts, too.
        (vec![b"\x81\xa1d\x80".to_vec()], [true, true]),
        (vec![b"\x80".to_vec()], [true, false]),
    ] {
        for (depth, due) in [0, 1].into_iter().zip(due) {
            let limits = Limits::DEFAULT.with_max_depth(depth);
            let over = |error: DecodeError| error.limit() == Some(Limit::MaxDepth);
            let found = match train_with(&parts, &limits) {
                Err(error) => over(error),
                Ok(train) => train.items().any(|item| item.is_err_and(|error| over(error.error))),
            };
            assert_eq!(found, due, "{depth}: {parts:02x?}");
        }
    }
}

/// numpy has 64 axes at most, and so has a limit, which is named as that.
#[test]
fn r15_a_limit_of_more_axes_than_there_can_be_is_that_of_numpy() {
    let limits = Limits::DEFAULT.with_max_axes(100);
    for (n, fine) in [(64, true), (65, false), (100, false), (101, false)] {
        let parts =
            [source_header("d"), b"\x80".into(), array_header("d", "p", "uint8", &shape(&vec![1; n])), b"x".into()];
        match train_with(&parts, &limits).unwrap().items().nth(1).unwrap() {
            Ok(_) => assert!(fine, "{n}"),
            Err(error) => assert!(!fine && error.to_string().starts_with("exceeds max_axes 64 at byte "), "{error}"),
        }
    }
}

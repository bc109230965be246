//! What errors say, word by word: each kind, with part, offset and the name of the field.

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

use std::collections::BTreeSet;

use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::{Array, DTypeRef, Limits as ValueLimits, Plain, Scalar, ScalarRef, ValueRef};
use karabo_bridge::{
    Content, DecodeError, DecodeErrorKind as Kind, EncodeError, Item, Limit, Limits, MessageRef, Part, TrainIndex,
    TrainRef, TrainWriter, Version,
};

/// Every kind, and the word it prints as.
const KINDS: [(Kind, &str); 17] = [
    (Kind::NoParts, "no_parts"),
    (Kind::OddParts, "odd_parts"),
    (Kind::Pickle, "pickle"),
    (Kind::UnexpectedEnd, "unexpected_end"),
    (Kind::TrailingBytes, "trailing_bytes"),
    (Kind::InvalidTag, "invalid_tag"),
    (Kind::LimitExceeded, "limit_exceeded"),
    (Kind::UnexpectedType, "unexpected_type"),
    (Kind::MissingField, "missing_field"),
    (Kind::DuplicateField, "duplicate_field"),
    (Kind::InvalidUtf8, "invalid_utf8"),
    (Kind::InvalidShape, "invalid_shape"),
    (Kind::ZeroItemSize, "zero_item_size"),
    (Kind::InvalidLength, "invalid_length"),
    (Kind::UnknownSource, "unknown_source"),
    (Kind::DuplicateSource, "duplicate_source"),
    (Kind::DuplicatePath, "duplicate_path"),
];

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];

fn train<'a>(parts: &'a [&'a [u8]], limits: &Limits) -> Result<TrainRef<'a, &'a [u8]>, DecodeError> {
    match MessageRef::decode_with(parts, limits)? {
        MessageRef::Train(train) => Ok(train),
        other => panic!("{other:?}"),
    }
}

/// The first error of a message: of all of it, or of its index, which has those of items, too.
fn first_error(parts: &[&[u8]]) -> DecodeError {
    let train = match train(parts, &Limits::DEFAULT) {
        Err(error) => return error,
        Ok(train) => train,
    };
    let mut index = TrainIndex::new();
    let error = index.build(train).errors().map(|lost| lost.error).next();
    let error = error.unwrap_or_else(|| panic!("no error: {parts:02x?}"));
    if let Some(Err(first)) = train.items().find(Result::is_err) {
        assert_eq!(first.error, error);
    }
    error
}

const SOURCE: &[u8] = b"\x82\xa6source\xa1d\xa7content\xa7msgpack";

/// Up to the metadata, which is at byte 35.
const METADATA: &[u8] = b"\x83\xa6source\xa1d\xa7content\xa7msgpack\xa8metadata";

/// Up to the shape, which is at byte 50; the source is at 8, the content at 18, the path at 29, the dtype at 37.
const ARRAY: &[u8] = b"\x85\xa6source\xa1d\xa7content\xa5array\xa4path\xa1p\xa5dtype\xa6uint16\xa5shape";

fn array(shape: &[u8]) -> Vec<u8> {
    [ARRAY, shape].concat()
}

#[test]
fn every_kind_says_what_and_where() {
    let one = array(b"\x91\x01");
    let no_bytes = [&ARRAY[..37], b"\xa2S0\xa5shape\x91\x01"].concat();
    let many_axes = array(&[&b"\xdc\x00\x41"[..], &[1; 65]].concat());
    let deep = [&b"\x81\xa1x"[..], &[0x91; 64], b"\x00"].concat();
    let [negative, text, wrapping] = [&b"\x91\xff"[..], b"\x92\x01\xa1x", b"\x92\xcf\x80\0\0\0\0\0\0\0\x02"].map(array);
    let [number, nil] = [&b"\x07"[..], b"\xc0"].map(array);
    let params = [b"\x86", &array(b"\x91\x01\xa6params\x07")[1..]].concat();
    let [no_map, list, broken] = [&b"\xc0"[..], b"\x90", b"\x91\xc1"].map(|value| [METADATA, value].concat());
    let pickle = &b"\x80\x02]q\x00."[..];
    let rows: [(&[&[u8]], &str); 65] = [
        (&[], "no parts at byte 0 of part 0 (message)"),
        (&[SOURCE, b"\x80", SOURCE], "header without a data part at byte 0 of part 2 (header)"),
        (&[pickle], "a pickle, which is not run at byte 0 of part 0 (message)"),
        (&[pickle, b"\x80"], "a pickle, which is not run at byte 0 of part 0 (header)"),
        (&[SOURCE, pickle], "a pickle, which is not run at byte 0 of part 1 (data)"),
        (
            &[b"\x82\xa6source\xa1d\xa7content\xa6pickle", b""],
            "a pickle, which is not run at byte 18 of part 0 (content)",
        ),
        (&[b""], "part ends in a value at byte 0 of part 0 (message)"),
        (&[b"\x81\xa1d\x81\xa1x"], "part ends in a value at byte 6 of part 0 (message)"),
        (&[b"", b""], "part ends in a value at byte 0 of part 0 (header)"),
        (&[&SOURCE[..20], b"\x80"], "part ends in a value at byte 20 of part 0 (header)"),
        (&[SOURCE, b""], "part ends in a value at byte 0 of part 1 (data)"),
        (&[SOURCE, b"\x81\xa1x"], "part ends in a value at byte 3 of part 1 (data)"),
        (&[b"\x80\x00"], "bytes follow the value at byte 1 of part 0 (message)"),
        (&[b"\x82\xa6source\xa1d\xa7content\xa1x\x00", b""], "bytes follow the value at byte 20 of part 0 (header)"),
        (&[SOURCE, b"\x80\x00"], "bytes follow the value at byte 1 of part 1 (data)"),
        (&[b"\x81\xa1d\xc1"], "no value begins at byte 3 of part 0 (message)"),
        (&[b"\x81\xa1x\xc1", b""], "no value begins at byte 3 of part 0 (header)"),
        (&[SOURCE, b"\x81\xa1x\xc1"], "no value begins at byte 3 of part 1 (data)"),
        (&[&broken, b"\x80"], "no value begins at byte 36 of part 0 (header)"),
        (&[SOURCE, &deep], "exceeds max_depth 64 at byte 66 of part 1 (data)"),
        (&[SOURCE, b"\x80", &many_axes, b"x"], "exceeds max_axes 64 at byte 50 of part 2 (shape)"),
        (&[b"\x07"], "value of another type at byte 0 of part 0 (message)"),
        (&[b"\x81\xa1d\x07"], "value of another type at byte 3 of part 0 (data)"),
        (&[b"\x81\x07\x80"], "value of another type at byte 1 of part 0 (source)"),
        (&[b"\x81\xa1d\x82\xa1x\x00\x07\x00"], "value of another type at byte 7 of part 0 (path)"),
        (&[b"\x90", b""], "value of another type at byte 0 of part 0 (header)"),
        (&[b"\x82\xa6source\x07\xa7content\xa1x", b""], "value of another type at byte 8 of part 0 (source)"),
        (&[b"\x82\xa6source\xa1d\xa7content\x07", b""], "value of another type at byte 18 of part 0 (content)"),
        (
            &[b"\x83\xa6source\xa1d\xa7content\xa1x\xa4path\x07", b""],
            "value of another type at byte 25 of part 0 (path)",
        ),
        (
            &[b"\x83\xa6source\xa1d\xa7content\xa1x\xa5dtype\x07", b""],
            "value of another type at byte 26 of part 0 (dtype)",
        ),
        (&[&no_map, b"\x80"], "value of another type at byte 35 of part 0 (metadata)"),
        (&[&list, b"\x80"], "value of another type at byte 35 of part 0 (metadata)"),
        (&[SOURCE, b"\x80", &params, b"xy"], "value of another type at byte 59 of part 2 (params)"),
        (&[SOURCE, b"\x80", &number, b"xy"], "value of another type at byte 50 of part 2 (shape)"),
        (&[SOURCE, b"\x80", &nil, b"xy"], "value of another type at byte 50 of part 2 (shape)"),
        (&[SOURCE, b"\x90"], "value of another type at byte 0 of part 1 (data)"),
        (&[SOURCE, b"\x81\xc0\x00"], "value of another type at byte 1 of part 1 (path)"),
        (&[b"\x81\xa1d\x81\xa1\xff\x00"], "text is not UTF-8 at byte 4 of part 0 (path)"),
        (&[b"\x81\xa1\xff\x80"], "text is not UTF-8 at byte 1 of part 0 (source)"),
        (&[SOURCE, b"\x82\xa1x\x00\xa1\xff\x00"], "text is not UTF-8 at byte 4 of part 1 (path)"),
        (&[b"\x82\xa6source\xa1\xff\xa7content\xa1x", b""], "text is not UTF-8 at byte 8 of part 0 (source)"),
        (&[b"\x82\xa6source\xa1d\xa7content\xa1\xff", b""], "text is not UTF-8 at byte 18 of part 0 (content)"),
        (&[b"\x80", b""], "field is missing at byte 0 of part 0 (source)"),
        (&[b"\x81\xa6source\xa1d", b""], "field is missing at byte 0 of part 0 (content)"),
        (&[b"\x82\xa6source\xa1d\xa7content\xa5array", b""], "field is missing at byte 0 of part 0 (path)"),
        (
            &[b"\x83\xa6source\xa1d\xa7content\xa5array\xa4path\xa1p", b""],
            "field is missing at byte 0 of part 0 (dtype)",
        ),
        (
            &[b"\x84\xa6source\xa1d\xa7content\xa5array\xa4path\xa1p\xa5dtype\xa2i1", b""],
            "field is missing at byte 0 of part 0 (shape)",
        ),
        (&[b"\x82\xa6source\xa1d\xa6source\xa1d", b""], "field is there twice at byte 17 of part 0 (source)"),
        (&[b"\x82\xa7content\xa1d\xa7content\xa1d", b""], "field is there twice at byte 19 of part 0 (content)"),
        (&[b"\x82\xa4path\xa1d\xa4path\xa1d", b""], "field is there twice at byte 13 of part 0 (path)"),
        (&[b"\x82\xa5dtype\xa1d\xa5dtype\xa1d", b""], "field is there twice at byte 15 of part 0 (dtype)"),
        (&[b"\x82\xa5shape\x90\xa5shape\x90", b""], "field is there twice at byte 14 of part 0 (shape)"),
        (&[b"\x82\xa6params\x80\xa6params\x80", b""], "field is there twice at byte 16 of part 0 (params)"),
        (&[b"\x82\xa8metadata\x80\xa8metadata\x80", b""], "field is there twice at byte 20 of part 0 (metadata)"),
        (&[SOURCE, b"\x80", &negative, b"xy"], "no number of items at byte 51 of part 2 (shape)"),
        (&[SOURCE, b"\x80", &text, b"xy"], "no number of items at byte 52 of part 2 (shape)"),
        (&[SOURCE, b"\x80", &wrapping, b"xy"], "no number of items at byte 50 of part 2 (shape)"),
        (&[SOURCE, b"\x80", &no_bytes, b""], "items without bytes at byte 37 of part 2 (dtype)"),
        (&[SOURCE, b"\x80", &one, b"xyz"], "3 bytes, where shape and dtype make 2 at byte 0 of part 3 (data)"),
        (&[SOURCE, b"\x80", &one, b""], "0 bytes, where shape and dtype make 2 at byte 0 of part 3 (data)"),
        (&[&one, b"xy"], "array of a source that is not there at byte 9 of part 0 (source)"),
        (&[SOURCE, b"\x80", SOURCE, b"\x80"], "source is there twice at byte 9 of part 2 (source)"),
        (&[b"\x82\xa1d\x80\xa1d\x80"], "source is there twice at byte 5 of part 0 (source)"),
        (&[SOURCE, b"\x80", &one, b"xy", &one, b"xy"], "property is there twice at byte 30 of part 4 (path)"),
        (&[SOURCE, b"\x81\xa1p\x07", &one, b"xy"], "property is there twice at byte 30 of part 2 (path)"),
    ];
    let mut seen = BTreeSet::new();
    for (parts, due) in rows {
        let error = first_error(parts);
        assert_eq!(error.to_string(), due, "{parts:02x?}");
        // The text is made of what the accessors tell.
        let place = format!(" at byte {} of part {} ({})", error.offset(), error.part(), error.what());
        assert_eq!(format!("{}{place}", error.reason()), due);
        assert_eq!(error.limit().is_some(), error.kind() == Kind::LimitExceeded);
        seen.insert(error.kind().to_string());
    }
    assert_eq!(seen, KINDS.iter().map(|(_, word)| (*word).to_owned()).collect());
}

#[test]
fn kinds_and_limits_print_as_words() {
    for (kind, word) in KINDS {
        assert_eq!(kind.to_string(), word);
    }
    let limits = [Limit::MaxParts, Limit::MaxProperties, Limit::MaxDepth, Limit::MaxAxes, Limit::MaxDType];
    let words = ["max_parts", "max_properties", "max_depth", "max_axes", "max_dtype"];
    assert_eq!(limits.map(|limit| limit.to_string()), words);
}

#[test]
fn limits_say_which_and_how_much() {
    let parts: Vec<&[u8]> = vec![b""; 65_537];
    let error = train(&parts, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.to_string(), "65537 exceeds max_parts 65536 at byte 0 of part 0 (message)");
    let error = train(&parts[..4], &Limits::DEFAULT.with_max_parts(3)).unwrap_err();
    assert_eq!(error.to_string(), "4 exceeds max_parts 3 at byte 0 of part 0 (message)");
    // In version 1.0 sources are counted.
    let single: [&[u8]; 1] = [b"\x83\xa1a\x80\xa1b\x80\xa1c\x80"];
    let error = train(&single, &Limits::DEFAULT.with_max_parts(2)).unwrap_err();
    assert_eq!(error.to_string(), "3 exceeds max_parts 2 at byte 0 of part 0 (message)");
    let error = train(&[b"\x81\xa1d\x81\xa1x\x91\x00"], &Limits::DEFAULT.with_max_depth(2)).unwrap_err();
    assert_eq!(error.to_string(), "exceeds max_depth 2 at byte 6 of part 0 (message)");
    // Headers count from their map.
    let parts = [&b"\x83\xa6source\xa1d\xa7content\xa7msgpack\xa1x\x91\x91\x00"[..], b"\x80"];
    let train_of = |max| train(&parts, &Limits::DEFAULT.with_max_depth(max)).unwrap().items().next().unwrap();
    assert_eq!(train_of(2).unwrap_err().to_string(), r#"exceeds max_depth 2 at byte 29 of part 0 (header) of "d""#);
    assert!(train_of(3).is_ok());
    let header = array(b"\x92\x01\x01");
    let parts = [SOURCE, b"\x80", &header, b"xy"];
    let error = train(&parts, &Limits::DEFAULT.with_max_axes(1)).unwrap().items().nth(1).unwrap().unwrap_err();
    assert_eq!(error.to_string(), r#"exceeds max_axes 1 at byte 50 of part 2 (shape) of "d", "p""#);
    let error = train(&parts, &Limits::DEFAULT.with_max_dtype(5)).unwrap().items().nth(1).unwrap().unwrap_err();
    assert_eq!(error.to_string(), r#"6 exceeds max_dtype 5 at byte 37 of part 2 (dtype) of "d", "p""#);
    let parts = [SOURCE, b"\x82\xa1x\x01\xa1y\x02"];
    let parts = train(&parts, &Limits::DEFAULT.with_max_properties(1)).unwrap();
    let mut index = TrainIndex::new();
    let error = index.build(parts).errors().next().unwrap();
    assert_eq!(error.to_string(), r#"2 exceeds max_properties 1 at byte 9 of part 0 (source) of "d""#);
    assert_eq!(Limits::default(), Limits::DEFAULT);
    assert_eq!((Limits::DEFAULT.max_parts, Limits::DEFAULT.max_depth, Limits::DEFAULT.max_axes), (65_536, 64, 64));
}

#[test]
fn errors_of_parts_know_whose_they_are() {
    let short = array(b"\x91\x02");
    let broken = b"\x83\xa6source\xa1e\xa4path\xa1q\xa7content\xc1";
    let other = b"\x82\xa6source\xa1f\xa7content\xa7msgpack";
    let parts: [&[u8]; 11] = [SOURCE, b"\x80", &short, b"x", b"", b"", other, b"\x07", broken, b"", SOURCE];
    let train = train(&parts, &Limits::DEFAULT).unwrap();
    let due = [
        (Some("d"), Some("p"), 3),
        (None, None, 4),
        (Some("f"), None, 7),
        // As far as it was read.
        (Some("e"), Some("q"), 8),
        (Some("d"), None, 10),
    ];
    let errors: Vec<_> = train.items().filter_map(Result::err).collect();
    let told: Vec<_> = errors.iter().map(|error| (error.source_name, error.path, error.error.part())).collect();
    assert_eq!(told, due);
    // To the index, too.
    let mut index = TrainIndex::new();
    assert_eq!(index.build(train).errors().collect::<Vec<_>>(), errors);
    // They print as what is wrong, and are its source.
    assert_eq!(errors[0].to_string(), format!(r#"{} of "d", "p""#, errors[0].error));
    assert_eq!(errors[2].to_string(), format!(r#"{} of "f""#, errors[2].error));
    let parts: [&[u8]; 2] = [b"", b""];
    let error = self::train(&parts, &Limits::DEFAULT).unwrap().items().next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "part ends in a value at byte 0 of part 0 (header)");
}

/// Who goes through learns of it at once; the index knows that the source comes later.
#[test]
fn an_array_before_the_first_source() {
    let one = array(b"\x91\x01");
    let parts: [&[u8]; 6] = [&one, b"xy", SOURCE, b"\x80", &one, b"zz"];
    let train = train(&parts, &Limits::DEFAULT).unwrap();
    let items: Vec<_> = train.items().collect();
    let error = items[0].expect_err("an array");
    assert_eq!((error.source_name, error.path), (Some("d"), Some("p")));
    let due = r#"array of a source that is not there at byte 9 of part 0 (source) of "d", "p""#;
    assert_eq!(error.to_string(), due);
    assert_eq!(items.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, true]);
    // The first counts, wherever it is.
    let mut index = TrainIndex::new();
    let indexed = index.build(train);
    let told: Vec<_> = indexed.errors().map(|lost| (lost.error.kind(), lost.error.part())).collect();
    assert_eq!(told, [(Kind::DuplicatePath, 4)]);
    assert_eq!(indexed.arrays("d").map(|array| array.data()).collect::<Vec<_>>(), [b"xy"]);
}

#[test]
fn errors_are_small_and_become_those_of_io() {
    assert_eq!(size_of::<DecodeError>(), 32);
    let error = first_error(&[b"\x07"]);
    #[cfg(feature = "std")]
    {
        let io = std::io::Error::from(error);
        assert_eq!(io.kind(), std::io::ErrorKind::InvalidData);
        assert_eq!(io.to_string(), "value of another type at byte 0 of part 0 (message)");
        assert_eq!(io.get_ref().and_then(|inner| inner.downcast_ref::<DecodeError>()), Some(&error));
    }
}

#[test]
fn what_was_not_written_says_why() {
    for version in [Version::V2_0, Version::V2_1, Version::V2_2] {
        assert_eq!(TrainWriter::new(version).finish().unwrap_err(), EncodeError::NoSources);
    }
    // One byte: a map of nothing.
    let parts = TrainWriter::new(Version::V1_0).finish().unwrap();
    assert_eq!(parts.iter().map(AsRef::as_ref).collect::<Vec<_>>(), [b"\x80"]);
    let image = Array::from_vec(vec![1], vec![1_u8]).unwrap();
    for version in VERSIONS {
        let mut writer = TrainWriter::new(version);
        assert_eq!(writer.metadata("a", ValueRef::Nil), Err(EncodeError::NoSource));
        assert_eq!(writer.value("a", ValueRef::Nil), Err(EncodeError::NoSource));
        assert_eq!(writer.array("a", image.as_ref()), Err(EncodeError::NoSource));
        assert_eq!(writer.shared("a", &image), Err(EncodeError::NoSource));
    }
    let said = [
        (EncodeError::NoSources, "a train without sources"),
        (EncodeError::NoSource, "a property without a source"),
        (EncodeError::DuplicateSource { index: 3 }, "source 3 has the name of another"),
        (EncodeError::DuplicatePath { index: 4, property: 2 }, "property 2 of source 4 is there twice"),
        (EncodeError::Reserved { index: 1, property: 0 }, "property 0 of source 1 has the place of metadata"),
        (EncodeError::Scalar { index: 5, property: 6 }, "property 6 of source 5 is a scalar that is no number"),
        (EncodeError::Unsupported { index: 7, property: 8 }, "property 8 of source 7 is nothing that this version has"),
    ];
    for (error, text) in said {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn what_is_there_twice_is_not_written() {
    let image = Array::from_vec(vec![1], vec![1_u8]).unwrap();
    for version in VERSIONS {
        let mut writer = TrainWriter::new(version);
        ["b", "a", "c", "a", "b"].into_iter().for_each(|name| writer.source(name));
        // The first that has the name of one before.
        assert_eq!(writer.finish().unwrap_err(), EncodeError::DuplicateSource { index: 3 }, "{version}");
        let twice: [(fn(&mut TrainWriter<'_>) -> Result<(), EncodeError>, usize); 2] = [
            (|writer| writer.value("x", ()).and_then(|()| writer.value("x", 1)), 2),
            (|writer| writer.metadata("x", ()).and_then(|()| writer.metadata("x", 1)), 1),
        ];
        for (add, property) in twice {
            let mut writer = TrainWriter::new(version);
            writer.source("b");
            writer.source("a");
            writer.value("y", ValueRef::Nil).unwrap();
            add(&mut writer).unwrap();
            assert_eq!(writer.finish().unwrap_err(), EncodeError::DuplicatePath { index: 1, property }, "{version}");
        }
        let mut writer = TrainWriter::new(version);
        writer.source("a");
        writer.value("x", ValueRef::Nil).unwrap();
        writer.array("x", image.as_ref()).unwrap();
        assert_eq!(writer.finish().unwrap_err(), EncodeError::DuplicatePath { index: 0, property: 1 }, "{version}");
        // Of two sources, and as property and metadata, a name may be there twice.
        let mut writer = TrainWriter::new(version);
        for name in ["a", "b"] {
            writer.source(name);
            writer.metadata("x", ValueRef::Nil).unwrap();
            writer.value("x", ValueRef::Nil).unwrap();
        }
        assert_eq!(writer.finish().map(|parts| parts.len()), Ok(if version == Version::V1_0 { 1 } else { 4 }));
    }
}

fn scalar_ref<'a>(typestr: &str, data: &'a [u8]) -> ValueRef<'a> {
    ValueRef::Scalar(ScalarRef::new(DTypeRef::Plain(Plain::parse(typestr).unwrap()), data).unwrap())
}

#[test]
fn scalars_that_are_no_numbers_are_refused_in_pairs_only() {
    for version in VERSIONS {
        let mut writer = TrainWriter::new(version);
        writer.source("a");
        writer.source("b");
        writer.value("x", scalar_ref("<c8", &[0; 8])).unwrap();
        let found = writer.finish().map(|parts| parts.len());
        let due = if version == Version::V1_0 { Ok(1) } else { Err(EncodeError::Scalar { index: 1, property: 0 }) };
        assert_eq!(found, due, "{version}");
    }
}

/// The order sources were begun in, which 2.2 does not keep.
#[test]
fn an_index_of_a_source_counts_as_they_were_begun() {
    for version in [Version::V2_0, Version::V2_1, Version::V2_2] {
        let mut writer = TrainWriter::new(version);
        writer.source("b");
        writer.value("x", scalar_ref("<c8", &[0; 8])).unwrap();
        writer.source("a");
        assert_eq!(writer.finish().unwrap_err(), EncodeError::Scalar { index: 0, property: 0 }, "{version}");
    }
}

/// Numbers of numpy are plain numbers in pairs; a float16 is one, as `peers.rs` shows.
#[test]
fn scalars_are_plain_numbers_in_pairs() {
    let tenth = Scalar::of(0.1_f32);
    let rows = [
        (scalar_ref("<i2", b"\xfb\xff"), ValueRef::Int(-5)),
        (scalar_ref(">i2", b"\xff\xfb"), ValueRef::Int(-5)),
        (scalar_ref("<u8", &[0xff; 8]), ValueRef::UInt(u64::MAX)),
        (scalar_ref("|b1", &[1]), ValueRef::Bool(true)),
        (scalar_ref("<f4", tenth.data()), ValueRef::F64(0.100_000_001_490_116_12)),
        (scalar_ref("<f2", b"\x00\x3e"), ValueRef::F64(1.5)),
    ];
    for (scalar, due) in rows {
        let mut writer = TrainWriter::new(Version::V2_2);
        writer.source("a");
        writer.value("x", scalar).unwrap();
        let parts = writer.finish().unwrap_or_else(|error| panic!("{scalar:?}: {error}"));
        let parts: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
        let Some(Ok(Item::Source(source))) = train(&parts, &Limits::DEFAULT).unwrap().items().next() else { panic!() };
        assert_eq!(source.get("x"), Some(due));
    }
}

#[test]
fn values_that_messagepack_has_not_are_told_as_such() {
    // Read under a higher limit than the writer has.
    let deep = [&[0x91; 100][..], b"\x00"].concat();
    let value = ValueRef::decode_with(&deep, &ValueLimits::DEFAULT.with_max_depth(255)).unwrap();
    for version in VERSIONS {
        for metadata in [false, true] {
            let mut writer = TrainWriter::new(version);
            writer.source("a");
            if metadata { writer.metadata("x", value) } else { writer.value("x", value) }.unwrap();
            let error = writer.finish().unwrap_err();
            assert!(matches!(error, EncodeError::Value { index: 0, .. }), "{error:?} in {version}");
            assert_eq!(error.to_string(), "source 0: exceeds max_depth 64", "{version}");
        }
    }
}

#[test]
fn parts_are_the_bytes_they_were_made_of() {
    let image = Array::from_vec(vec![2], vec![1_u16, 2]).unwrap();
    let mut writer = TrainWriter::new(Version::V2_2);
    writer.source("a");
    writer.shared("x", &image).unwrap();
    writer.array("y", image.as_ref()).unwrap();
    writer.value("z", ValueRef::Array(image.as_ref())).unwrap();
    let parts = writer.finish().unwrap();
    let kind = |part: &Part<'_>| match part {
        Part::Own(_) => 'o',
        Part::Borrowed(_) => 'b',
        Part::Shared(_) => 's',
    };
    assert_eq!(parts.iter().map(kind).collect::<String>(), "ooosobob");
    for (at, same) in [(3, true), (5, false), (7, false)] {
        assert_eq!(parts[at].as_ref().as_ptr(), image.data().as_ptr());
        let bytes = Bytes::from(parts[at].clone());
        assert_eq!(bytes, image.data());
        // Shared bytes stay where they are; borrowed ones have to be copied.
        assert_eq!(bytes.as_ptr() == image.data().as_ptr(), same);
    }
    assert_eq!(Bytes::from(parts[0].clone()), parts[0].as_ref());
}

#[test]
fn words_print_as_they_travel() {
    assert_eq!(VERSIONS.map(|version| version.to_string()), ["1.0", "2.0", "2.1", "2.2"]);
    assert!(VERSIONS.is_sorted());
    let words = [Content::MsgPack, Content::Array, Content::ImageData, Content::Other("hash")];
    assert_eq!(words.map(Content::as_str), ["msgpack", "array", "ImageData", "hash"]);
}

#[test]
fn debug_is_short_and_shows_no_bytes() {
    let header = array(b"\x91\x02");
    let other = b"\x82\xa6source\xa1d\xa7content\xa4hash";
    let parts: [&[u8]; 6] = [SOURCE, b"\x81\xa1x\x07", &header, b"SECR", other, b"SECRET"];
    let train = train(&parts, &Limits::DEFAULT).unwrap();
    assert_eq!(format!("{train:?}"), "TrainRef(6 parts)");
    let mut items = train.items();
    assert_eq!(format!("{items:?}"), "Items(part 0 of 6)");
    let shown: Vec<_> = items.by_ref().map(|item| format!("{:?}", item.unwrap())).collect();
    assert_eq!(shown[1], r#"Array(ArrayPart("d", "p", "uint16", (2,), [4 bytes]))"#);
    assert_eq!(shown[2], r#"Other(OtherPart("d", "hash", [6 bytes]))"#);
    assert_eq!(format!("{items:?}"), "Items(part 6 of 6)");
    let mut index = TrainIndex::new();
    assert_eq!(format!("{:?}", index.build(train)), "Indexed(1 sources, 2 properties, 0 errors)");
}

#[test]
fn replies_to_bad_requests_are_told_from_trains() {
    for reply in [&b"Error:"[..], b"Error: bad request ", b"Error: bad request \xff\x00next"] {
        let parts = [reply];
        let Ok(MessageRef::Error(found)) = MessageRef::decode(&parts) else { panic!("{reply:?}") };
        assert_eq!(found, reply);
    }
    // With less, or with more parts, it is none.
    for part in [&b"Error"[..], b"error: bad request"] {
        assert_eq!(MessageRef::decode(&[part]).unwrap_err().kind(), Kind::UnexpectedType);
    }
    let parts: [&[u8]; 2] = [b"Error: bad request", b""];
    let error = train(&parts, &Limits::DEFAULT).unwrap().items().next().unwrap().unwrap_err().error;
    assert_eq!((error.kind(), error.what()), (Kind::UnexpectedType, "header"));
}

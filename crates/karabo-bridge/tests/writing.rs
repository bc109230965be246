//! What makes trains short to write, and arrays the same in all versions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_alloc
)]

use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::{Array, Kind, Plain, ValueRef};
use karabo_bridge::{
    Capture, EncodeError, Item, Limits, Numbers, Part, Property, Timestamp, Train, TrainIndex, TrainRef, TrainWriter,
    Version,
};
use serde_json::Value as Json;
use testkit::vectors::hex;

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];

fn parts(writer: TrainWriter<'_>) -> Vec<Vec<u8>> {
    writer.finish().unwrap().iter().map(|part| part.as_ref().to_vec()).collect()
}

#[test]
fn a_stamp_is_what_the_simulation_of_the_python_package_tells() {
    let lines = include_str!("vectors/karabo_bridge.jsonl").lines();
    let line =
        lines.map(|line| serde_json::from_str::<Json>(line).unwrap()).find(|line| line["name"] == "sim0.3.0_v2.2_one");
    let due = hex(line.unwrap()["parts_hex"][0].as_str().unwrap());
    let mut writer = TrainWriter::new(Version::V2_2);
    writer.source("SPB_DET_AGIPD1M-1/DET/0CH0:xtdf");
    let time = Timestamp { sec: 1_526_464_869, frac: 410_975_500_000_000_000 };
    writer.stamp(10_000_000_001, time).unwrap();
    assert_eq!(parts(writer)[0], due);
    assert_eq!(TrainWriter::new(Version::V2_2).stamp(0, time), Err(EncodeError::NoSource));
}

#[test]
fn a_stamp_comes_back_exactly_in_every_version() {
    for version in VERSIONS {
        for time in [
            Timestamp { sec: 0, frac: 1 },
            Timestamp { sec: 1_700_000_000, frac: 50_000_000_000_000_000 },
            Timestamp { sec: u64::MAX, frac: 999_999_999_999_999_999 },
        ] {
            let mut writer = TrainWriter::new(version);
            writer.source("S");
            writer.stamp(u64::MAX, time).unwrap();
            writer.metadata_list("ignored_keys", ["a.b", "c"]).unwrap();
            let parts = parts(writer);
            let train = TrainRef::decode(&parts).unwrap();
            let Some(Ok(Item::Source(source))) = train.items().next() else { panic!("no source") };
            let metadata = source.metadata();
            assert_eq!((metadata.tid(), metadata.time(), metadata.source()), (Some(u64::MAX), Some(time), Some("S")));
            assert!(source.ignored_keys().eq(["a.b", "c"]));
            assert_eq!(source.version(), Some(version));
        }
    }
}

#[test]
fn values_of_rust_are_what_is_read() {
    let array = Array::from_vec(vec![2], vec![1_u16, 2]).unwrap();
    for version in VERSIONS {
        let mut writer = TrainWriter::new(version);
        writer.source("S");
        writer.value("none", ()).unwrap();
        writer.value("truth", true).unwrap();
        writer.value("int", -7_i8).unwrap();
        writer.value("large", u64::MAX).unwrap();
        writer.value("small", 7_u64).unwrap();
        writer.value("float", 0.5).unwrap();
        writer.value("text", "on").unwrap();
        writer.value("bytes", &b"\x00"[..]).unwrap();
        writer.value("array", array.as_ref()).unwrap();
        writer.list("list", ["a", "b"]).unwrap();
        let parts = parts(writer);
        let mut index = TrainIndex::new();
        let indexed = index.build(TrainRef::decode(&parts).unwrap());
        let get = |path| indexed.get("S", path).unwrap().as_value().unwrap();
        let found = ["none", "truth", "int", "large", "small", "float", "text", "bytes"].map(get);
        let due = [
            ValueRef::Nil,
            ValueRef::Bool(true),
            ValueRef::Int(-7),
            ValueRef::UInt(u64::MAX),
            ValueRef::Int(7),
            ValueRef::F64(0.5),
            ValueRef::Str(b"on"),
            ValueRef::Bin(b"\0"),
        ];
        assert_eq!(found, due, "{version}");
        assert!(get("list").as_list().unwrap().iter().eq(["a", "b"].map(ValueRef::from)));
        // Wherever the version has it.
        assert_eq!(indexed.array("S", "array").unwrap().to_vec::<u16>(), Ok(vec![1, 2]), "{version}");
        assert_eq!(indexed.array("S", "list"), None);
        assert_eq!(indexed.array("S", "nowhere"), None);
        let is_part = matches!(indexed.get("S", "array"), Some(Property::Array(_)));
        assert_eq!(is_part, version != Version::V1_0);
        assert_eq!(indexed.get("S", "array").unwrap().as_value().is_some(), version == Version::V1_0);
    }
}

#[test]
fn numbers_are_those_of_lists_and_of_arrays_of_any_width_and_order() {
    let read = |typestr: &str, bytes: &str| {
        let array = Array::new(Plain::parse(typestr).unwrap().into(), vec![2], hex(bytes)).unwrap();
        let numbers = Numbers::of(ValueRef::Array(array.as_ref()))?;
        assert_eq!((numbers.len(), numbers.is_empty()), (2, false));
        Some((numbers.integers().collect::<Vec<_>>(), numbers.floats().collect::<Vec<_>>()))
    };
    for (typestr, bytes) in [
        ("|i1", "02 ff"),
        ("<i2", "0200 ffff"),
        (">i4", "00000002 ffffffff"),
        ("<i8", "0200000000000000 ffffffffffffffff"),
    ] {
        assert_eq!(read(typestr, bytes), Some((vec![Some(2), Some(-1)], vec![2.0, -1.0])), "{typestr}");
    }
    for (typestr, bytes) in [
        ("<f2", "0040 00bc"),
        (">f2", "4000 bc00"),
        ("<f4", "00000040 000080bf"),
        (">f8", "4000000000000000 bff0000000000000"),
    ] {
        assert_eq!(read(typestr, bytes), Some((vec![None, None], vec![2.0, -1.0])), "{typestr}");
    }
    assert_eq!(
        read(">u8", "8000000000000000 0000000000000001"),
        Some((vec![None, Some(1)], vec![2_f64.powi(63), 1.0]))
    );
    // Halves that are no plain numbers.
    assert_eq!(read("<f2", "0100 ffff").unwrap().1[0], 2_f64.powi(-24));
    assert!(read("<f2", "007c 01fc").unwrap().1[1].is_nan());
    assert_eq!(read("<f2", "007c 00fc").unwrap().1, [f64::INFINITY, f64::NEG_INFINITY]);
    for (typestr, bytes) in [("|b1", "01 00"), ("|S1", "3131"), ("<c8", "0000000000000000 0000000000000000")] {
        assert_eq!(read(typestr, bytes), None, "{typestr}");
    }
    assert_eq!(Plain::parse("<f2").unwrap().kind(), Kind::Float);
    let list =
        |bytes: &'static [u8]| Numbers::of(ValueRef::decode(bytes).unwrap()).map(|list| list.floats().sum::<f64>());
    assert_eq!(list(b"\x93\x01\xff\xcb\x3f\xe0\0\0\0\0\0\0"), Some(0.5));
    assert_eq!((list(b"\x90"), list(b"\x92\x01\xc0"), list(b"\x07"), list(b"\xa11")), (Some(0.0), None, None, None));
}

#[test]
fn names_that_metadata_has_are_reserved() {
    let map = ValueRef::decode(b"\x80").unwrap();
    for (version, path, value, due) in [
        (Version::V1_0, "metadata", ValueRef::Int(1), true),
        (Version::V2_0, "metadata", ValueRef::Int(1), true),
        (Version::V2_1, "metadata", ValueRef::Int(1), false),
        (Version::V2_1, "metadata", map, true),
        (Version::V2_1, "metadata.x", ValueRef::Int(1), true),
        (Version::V2_0, "metadata.x", ValueRef::Int(1), false),
        (Version::V2_2, "metadata", map, false),
        (Version::V2_2, "metadata.x", map, false),
    ] {
        let mut writer = TrainWriter::new(version);
        writer.source("S");
        writer.value("first", 1).unwrap();
        writer.value(path, value).unwrap();
        let error = writer.finish().err();
        assert_eq!(error, due.then_some(EncodeError::Reserved { index: 0, property: 1 }), "{version} {path}");
    }
}

#[test]
fn what_is_appended_to_a_capture_is_read_from_it() {
    let messages: [&[&[u8]]; 4] = [&[b"a"], &[b"", b"b", &[7; 256]], &[], &[b""]];
    let mut capture = Vec::new();
    for message in messages {
        Capture::append(message, &mut capture);
    }
    let (mut reader, mut parts) = (Capture::new(&capture), Vec::new());
    // A message of no parts is none.
    for message in messages.iter().filter(|message| !message.is_empty()) {
        assert_eq!(reader.read(&mut parts), Ok(true));
        assert_eq!(parts, *message);
    }
    assert_eq!(reader.read(&mut parts), Ok(false));
}

#[test]
fn versions_have_names() {
    for version in VERSIONS {
        assert_eq!(version.as_str().parse(), Ok(version));
    }
    assert_eq!("3.0".parse::<Version>().unwrap_err().to_string(), "no version 1.0, 2.0, 2.1 or 2.2");
}

#[test]
fn what_an_image_is_told_has_no_place_in_1_0() {
    let lines = include_str!("vectors/karabo_bridge.jsonl").lines();
    let line =
        lines.map(|line| serde_json::from_str::<Json>(line).unwrap()).find(|line| line["name"] == "v20_imagedata");
    let parts = line.unwrap()["parts_hex"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| hex(part.as_str().unwrap()))
        .collect::<Vec<_>>();
    for version in VERSIONS {
        let mut writer = TrainWriter::new(version);
        for item in TrainRef::decode(&parts).unwrap().items() {
            writer.item(item.unwrap()).unwrap();
        }
        let error = writer.finish().err();
        let due = EncodeError::Unsupported { index: 0, property: 1 };
        assert_eq!(error, (version == Version::V1_0).then_some(due), "{version}");
    }
}

#[test]
fn arrays_find_their_sources_wherever_they_are() {
    let mut writer = TrainWriter::new(Version::V2_0);
    for name in ["b", "a", "c"] {
        writer.source(name);
    }
    let image = Array::from_vec(vec![1], vec![1_u8]).unwrap();
    writer.array("own", image.as_ref()).unwrap();
    let parts = parts(writer);
    // As though the arrays of all came behind them all.
    let header = |source: u8| {
        [&b"\x85\xa6source\xa1"[..], &[source], b"\xa7content\xa5array\xa4path\xa1x\xa5dtype\xa5uint8\xa5shape\x91\x01"]
            .concat()
    };
    let strays: Vec<_> = b"cab".iter().flat_map(|source| [header(*source), vec![*source]]).collect();
    let parts = [parts, strays].concat();
    let again = |parts: &[Vec<u8>]| {
        let mut writer = TrainWriter::new(Version::V2_0);
        for item in TrainRef::decode(parts).unwrap().items() {
            writer.item(item.unwrap()).unwrap();
        }
        writer.finish().map(|parts| parts.iter().map(|part| part.as_ref().to_vec()).collect::<Vec<_>>())
    };
    let written = again(&parts).unwrap();
    let mut index = TrainIndex::new();
    let indexed = index.build(TrainRef::decode(&written).unwrap());
    assert_eq!(indexed.errors().count(), 0);
    for source in ["a", "b", "c"] {
        assert_eq!(indexed.array(source, "x").unwrap().data(), source.as_bytes());
    }
    let lost = [parts, vec![header(b'd'), b"d".to_vec()]].concat();
    assert_eq!(again(&lost).unwrap_err(), EncodeError::NoSource);
}

#[test]
fn limits_hold_for_what_is_written() {
    let array = Array::from_vec(vec![1, 1, 1], vec![1_u8]).unwrap();
    for version in VERSIONS {
        for max_axes in [2, 3] {
            let mut writer = TrainWriter::new(version).with_limits(Limits::DEFAULT.with_max_axes(max_axes));
            writer.source("S");
            writer.array("x", array.as_ref()).unwrap();
            assert_eq!(writer.finish().is_ok(), max_axes == 3, "{version} {max_axes}");
        }
        for max_depth in [3, 4] {
            let mut writer = TrainWriter::new(version).with_limits(Limits::DEFAULT.with_max_depth(max_depth));
            writer.source("S");
            // The maps around it: one in versions 2.x, two in 1.0.
            let around = usize::from(version == Version::V1_0) + 1;
            let deep = [vec![0x91; 4 - around], vec![0]].concat();
            writer.value("x", ValueRef::decode(&deep).unwrap()).unwrap();
            assert_eq!(writer.finish().is_ok(), max_depth == 4, "{version} {max_depth}");
        }
    }
}

#[test]
fn bytes_of_a_kept_train_are_shared_when_it_is_written_again() {
    let mut writer = TrainWriter::new(Version::V2_2);
    writer.source("S");
    let image = Array::from_vec(vec![4], vec![1_u8, 2, 3, 4]).unwrap();
    writer.array("x", image.as_ref()).unwrap();
    let kept = Train::decode(parts(writer).into_iter().map(Bytes::from).collect()).unwrap();
    let mut writer = TrainWriter::new(Version::V2_1);
    for item in kept.as_ref().items() {
        writer.item(item.unwrap()).unwrap();
    }
    for part in writer.finish().unwrap() {
        if let Part::Borrowed(bytes) = part {
            assert_eq!(kept.share(bytes).unwrap().as_ptr(), kept.parts()[3].as_ptr());
        }
    }
    assert_eq!((kept.share(&[1, 2, 3, 4]), kept.share(&[])), (None, None));
}

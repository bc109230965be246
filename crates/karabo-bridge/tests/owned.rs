//! Kept trains: the same as the views they are made of (law 6), and arrays that share their bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::{Array, ValueRef};
use karabo_bridge::{
    DecodeErrorKind, Item, Limits, Message, MessageRef, PartError, Property, Train, TrainIndex, TrainRef, Version,
};
use serde_json::Value as Json;
use testkit::vectors::{hex, to_hex};

struct Vector {
    name: String,
    class: String,
    parts: Vec<Vec<u8>>,
    expect: Json,
}

fn vectors() -> Vec<Vector> {
    let lines = include_str!("vectors/karabo_bridge.jsonl").lines().enumerate();
    let sample = lines.filter(|(index, _)| !cfg!(miri) || index % 12 == 0);
    sample
        .map(|(_, line)| serde_json::from_str::<Json>(line).unwrap())
        .map(|line| Vector {
            name: line["name"].as_str().unwrap().into(),
            class: line["class"].as_str().unwrap().into(),
            parts: line["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap())).collect(),
            expect: line["expect"].clone(),
        })
        .collect()
}

fn named(name: &str) -> Vector {
    vectors().into_iter().find(|vector| vector.name == name).unwrap()
}

fn shared(parts: &[Vec<u8>]) -> Vec<Bytes> {
    parts.iter().map(|part| Bytes::copy_from_slice(part)).collect()
}

fn keep(parts: &[Vec<u8>]) -> Train {
    let Message::Train(train) = Message::decode(shared(parts)).unwrap() else { panic!("no train") };
    train
}

/// What an iterator of errors is made of, whatever it is.
fn errors<'a>(errors: impl Iterator<Item = PartError<'a>>) -> Vec<PartError<'a>> {
    errors.collect()
}

/// That both are the same train in all that can be asked.
fn assert_same(view: TrainRef<'_, Vec<u8>>, kept: &Train, name: &str) {
    assert!(kept.parts().iter().map(|part| &part[..]).eq(view.parts().iter().map(|part| &part[..])), "{name}");
    let train = kept.as_ref();
    assert!(train.items().eq(view.items()), "{name}");
    assert_eq!(
        (train.version(), train.tid(), train.is_mixed()),
        (view.version(), view.tid(), view.is_mixed()),
        "{name}"
    );
    let mut index = TrainIndex::new();
    let (one, other) = (index.build(view), kept.indexed());
    assert_eq!(errors(one.errors()), errors(other.errors()), "{name}");
    assert!(one.sources().eq(other.sources()), "{name}");
    assert!(other.train().items().eq(view.items()), "{name}");
    for source in one.sources() {
        assert!(one.arrays(source.name()).eq(other.arrays(source.name())), "{name}");
        let paths = source.properties().map(|(path, _)| path);
        let paths: Vec<_> = paths.chain(one.arrays(source.name()).map(|array| array.path())).collect();
        for path in paths.into_iter().chain(["", "no such path"]) {
            let due = one.get(source.name(), path);
            assert_eq!(kept.get(source.name(), path), due, "{name} {path}");
            assert_eq!(one.image(source.name(), path), other.image(source.name(), path), "{name} {path}");
            let array = kept.array(source.name(), path);
            let (expected, part) = match due {
                Some(Property::Array(part)) => (part.to_array().map(Array::into_owned), Some(part.part() + 1)),
                Some(Property::Value(ValueRef::Array(array))) => (Some(array.into_owned()), None),
                _ => (None, None),
            };
            assert_eq!(array, expected, "{name} {path}");
            if let Some(array) = array.filter(|array| !array.data().is_empty()) {
                assert_inside(&array, kept, part, &format!("{name} {path}"));
            }
        }
    }
    assert_eq!(kept.get("no such source", "a"), None);
    assert_eq!(kept.array("no such source", "a"), None);
}

/// That the bytes of an array are those of its part; of any part, if none is named.
fn assert_inside(array: &Array, train: &Train, part: Option<usize>, name: &str) {
    let range = array.bytes().as_ptr_range();
    let inside = |part: &Bytes| part.as_ptr_range().start <= range.start && range.end <= part.as_ptr_range().end;
    match part {
        // All of its part.
        Some(part) => assert_eq!(train.parts()[part].as_ptr_range(), range, "{name}"),
        None => assert!(train.parts().iter().any(inside), "{name}"),
    }
}

#[test]
fn a_kept_message_is_what_its_view_is() {
    let (mut trains, mut replies, mut refused) = (0, 0, 0);
    for Vector { name, parts, .. } in vectors() {
        let kept = Message::decode(shared(&parts));
        match (MessageRef::decode(&parts), kept) {
            (Ok(MessageRef::Train(view)), Ok(Message::Train(kept))) => {
                assert_same(view, &kept, &name);
                assert_same(view, &view.into_owned(), &name);
                assert_same(view, &kept.clone(), &name);
                assert_eq!(Message::Train(kept.clone()), Message::Train(view.into_owned()));
                assert_eq!(format!("{:?}", view.into_owned()), format!("{kept:?}"));
                trains += 1;
            }
            (Ok(MessageRef::Error(view)), Ok(Message::Error(kept))) => {
                assert_eq!(view, kept);
                assert_eq!(kept, "Error: bad request foo");
                replies += 1;
            }
            (Err(view), Err(kept)) => {
                assert_eq!(view, kept, "{name}");
                refused += 1;
            }
            (view, kept) => panic!("{name}: {view:?} and {kept:?}"),
        }
    }
    // Of the 89 malformed one is a reply; some of those of version 1.0 are refused as a whole.
    assert_eq!(trains + replies + refused, if cfg!(miri) { 12 } else { 47 + 89 });
    if !cfg!(miri) {
        assert!(replies == 1 && trains > 47 && refused > 3, "{trains} {replies} {refused}");
    }
}

#[test]
fn every_array_of_the_vectors_can_be_kept() {
    if cfg!(miri) {
        return;
    }
    let mut found = 0;
    for Vector { name, parts, expect, .. } in vectors().iter().filter(|vector| vector.class == "valid") {
        let train = keep(parts);
        for source in expect["sources"].as_array().unwrap() {
            for entry in source["data"].as_array().unwrap() {
                let (path, value) = (entry[0].as_str().unwrap(), &entry[1]);
                let due = match value["t"].as_str().unwrap() {
                    "array" => value,
                    "image" => &value["array"],
                    _ => continue,
                };
                let array = train.array(source["source"].as_str().unwrap(), path);
                let array = array.unwrap_or_else(|| panic!("{name} {path}"));
                assert_eq!(to_hex(array.data()), due["hex"].as_str().unwrap(), "{name} {path}");
                let axes: Vec<u64> =
                    due["shape"].as_array().unwrap().iter().map(|axis| axis.as_u64().unwrap()).collect();
                assert_eq!(array.shape(), axes, "{name} {path}");
                if let Some(typestr) = due["typestr"].as_str() {
                    assert_eq!(array.dtype().to_string(), typestr, "{name} {path}");
                }
                found += 1;
            }
        }
    }
    // As many as the file has; counted by another program.
    assert_eq!(found, ARRAYS);
}

/// Arrays that are properties by themselves, and images, in the valid vectors.
const ARRAYS: usize = 124;

#[test]
fn what_is_no_array_is_none() {
    let parts = [
        &b"\x82\xa6source\xa1S\xa7content\xa7msgpack"[..],
        b"\x82\xa1a\x07\xa1l\x91\x01",
        b"\x85\xa6source\xa1S\xa7content\xa5array\xa4path\xa1o\xa5dtype\xa6object\xa5shape\x91\x01",
        b"\x01\x02\x03\x04\x05\x06\x07\x08",
    ];
    let Message::Train(train) = Message::decode(parts.map(Bytes::from_static).into()).unwrap() else { panic!() };
    assert_eq!(train.indexed().errors().count(), 0);
    for path in ["a", "l", "o"] {
        assert!(train.get("S", path).is_some());
        assert_eq!(train.array("S", path), None, "{path}");
    }
}

#[test]
fn arrays_with_fields_are_kept_with_them() {
    if cfg!(miri) {
        return;
    }
    let mut found = 0;
    for name in ["v10_struct", "v22_struct"] {
        let Vector { parts, expect, .. } = named(name);
        let train = keep(&parts);
        for entry in expect["sources"][0]["data"].as_array().unwrap() {
            let Some(fields) = entry[1]["descr"].as_array() else { continue };
            let array =
                train.array(expect["sources"][0]["source"].as_str().unwrap(), entry[0].as_str().unwrap()).unwrap();
            for field in fields {
                let name = field[0].as_str().unwrap();
                assert!(array.as_ref().field(name).is_some(), "{name} of {array:?}");
            }
            found += 1;
        }
    }
    assert_eq!(found, 3);
}

/// Bytes that tell when they are freed.
struct Watched(Vec<u8>, Arc<AtomicBool>);

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.1.store(true, Ordering::SeqCst);
    }
}

fn watched(parts: &[&[u8]]) -> (Vec<Bytes>, Vec<Arc<AtomicBool>>) {
    let flags: Vec<_> = parts.iter().map(|_| Arc::new(AtomicBool::new(false))).collect();
    let bytes =
        parts.iter().zip(&flags).map(|(part, flag)| Bytes::from_owner(Watched(part.to_vec(), Arc::clone(flag))));
    (bytes.collect(), flags)
}

fn freed(flags: &[Arc<AtomicBool>]) -> Vec<bool> {
    flags.iter().map(|flag| flag.load(Ordering::SeqCst)).collect()
}

const PARTS: [&[u8]; 6] = [
    b"\x83\xa6source\xa1S\xa7content\xa7msgpack\xa8metadata\x80",
    b"\x80",
    b"\x85\xa6source\xa1S\xa7content\xa5array\xa4path\xa1a\xa5dtype\xa6uint16\xa5shape\x91\x02",
    b"\x01\x00\x02\x00",
    b"\x85\xa6source\xa1S\xa7content\xa5array\xa4path\xa1b\xa5dtype\xa5uint8\xa5shape\x91\x01",
    b"\x07",
];

#[test]
fn a_part_lives_until_the_last_array_of_it_is_gone_and_no_longer() {
    let (parts, flags) = watched(&PARTS);
    let Message::Train(train) = Message::decode(parts).unwrap() else { panic!() };
    let (a, a_too, copy) = (train.array("S", "a").unwrap(), train.array("S", "a").unwrap(), train.clone());
    assert_eq!(freed(&flags), [false; 6]);
    drop(train);
    assert_eq!(freed(&flags), [false; 6], "the clone has them");
    drop(copy);
    // Only the bytes of the array are kept, not its header nor its neighbours.
    assert_eq!(freed(&flags), [true, true, true, false, true, true]);
    drop(a);
    assert_eq!(freed(&flags), [true, true, true, false, true, true]);
    assert_eq!(a_too.as_ref().to_vec::<u16>().unwrap(), [1, 2]);
    drop(a_too);
    assert_eq!(freed(&flags), [true; 6]);
}

/// Version 1.0: two arrays, one of them empty.
const SINGLE: &[u8] = b"\x81\xa1S\x83\xa1a\x85\xc4\x02nd\xc3\xc4\x04type\xa3<u2\xc4\x04kind\xc4\x00\xc4\x05shape\x91\x02\xc4\x04data\xc4\x04\x01\x00\x02\x00\xa1e\x85\xc4\x02nd\xc3\xc4\x04type\xa3<u2\xc4\x04kind\xc4\x00\xc4\x05shape\x91\x00\xc4\x04data\xc4\x00\xa8metadata\x80";

#[test]
fn the_only_part_lives_as_long_as_one_of_its_arrays() {
    let (parts, flags) = watched(&[SINGLE]);
    let Message::Train(train) = Message::decode(parts).unwrap() else { panic!() };
    assert_eq!(train.as_ref().version(), Some(Version::V1_0));
    let (array, empty) = (train.array("S", "a").unwrap(), train.array("S", "e").unwrap());
    assert_inside(&array, &train, None, "1.0");
    assert_eq!((empty.shape(), empty.data()), (&[0][..], &[][..]));
    drop(train);
    assert_eq!(freed(&flags), [false]);
    assert_eq!(array.as_ref().to_vec::<u16>().unwrap(), [1, 2]);
    drop(array);
    // One without bytes keeps nothing.
    assert_eq!(freed(&flags), [true]);
    assert_eq!(empty.as_ref().to_vec(), Ok(Vec::<u16>::new()));
}

#[test]
fn an_empty_array_at_the_very_end_of_the_only_part_is_one() {
    let end = SINGLE.len() - b"\xa8metadata\x80".len();
    let part = [b"\x81\xa1S\x82", &SINGLE[4..end]].concat();
    let Message::Train(train) = Message::decode(vec![part.into()]).unwrap() else { panic!() };
    assert_eq!(train.array("S", "e").unwrap().shape(), [0]);
    assert_eq!(train.array("S", "a").unwrap().as_ref().to_vec::<u16>().unwrap(), [1, 2]);
}

#[test]
fn empty_arrays_and_those_without_axes_are_kept() {
    let header = |shape: &str| {
        let start = b"\x85\xa6source\xa1S\xa7content\xa5array\xa4path\xa1a\xa5dtype\xa6uint16\xa5shape";
        Bytes::from([&start[..], &hex(shape)].concat())
    };
    for (shape, data, axes) in [("90", "0500", &[][..]), ("9100", "", &[0]), ("920003", "", &[0, 3])] {
        let parts = vec![Bytes::from_static(PARTS[0]), Bytes::from_static(PARTS[1]), header(shape), hex(data).into()];
        let Message::Train(train) = Message::decode(parts).unwrap() else { panic!() };
        let array = train.array("S", "a").unwrap();
        assert_eq!((array.shape(), array.data()), (axes, &hex(data)[..]));
    }
}

#[test]
fn a_tagged_map_in_a_data_part_shares_that_part() {
    let data = b"\x81\xa1m\x85\xc4\x02nd\xc3\xc4\x04type\xa3<i2\xc4\x04kind\xc4\x00\xc4\x05shape\x91\x01\xc4\x04data\xc4\x02\x01\x00";
    let (parts, flags) = watched(&[PARTS[0], data]);
    let Message::Train(train) = Message::decode(parts).unwrap() else { panic!() };
    let array = train.array("S", "m").unwrap();
    assert_eq!(array.as_ref().to_vec::<i16>().unwrap(), [1]);
    let inside = train.parts()[1].as_ptr_range();
    assert!(inside.contains(&array.data().as_ptr()));
    drop(train);
    assert_eq!(freed(&flags), [true, false]);
    drop(array);
    assert_eq!(freed(&flags), [true, true]);
}

#[test]
fn parts_go_in_and_out_without_a_copy() {
    let (parts, flags) = watched(&PARTS);
    let places: Vec<_> = parts.iter().map(|part| part.as_ptr_range()).collect();
    let Message::Train(train) = Message::decode(parts).unwrap() else { panic!() };
    let out = train.into_parts();
    assert_eq!(out.iter().map(|part| part.as_ptr_range()).collect::<Vec<_>>(), places);
    assert_eq!(out, PARTS);
    drop(out);
    assert_eq!(freed(&flags), [true; 6]);

    let reply = Bytes::from_owner(Watched(b"Error: bad request \xff".to_vec(), Arc::default()));
    let place = reply.as_ptr_range();
    let Message::Error(kept) = Message::decode(vec![reply]).unwrap() else { panic!() };
    assert_eq!(kept.as_ptr_range(), place);
}

#[test]
fn every_vector_gives_its_parts_back() {
    for Vector { name, parts, .. } in vectors() {
        if let Ok(Message::Train(train)) = Message::decode(shared(&parts)) {
            assert_eq!(train.clone().into_parts(), parts, "{name}");
            assert_eq!(train.as_ref().into_owned().into_parts(), parts, "{name}");
        }
    }
}

#[test]
fn trains_and_their_arrays_go_to_other_threads() {
    fn assert_free<T: Send + Sync + 'static>(value: T) -> T {
        value
    }
    let Message::Train(train) = assert_free(Message::decode(PARTS.map(Bytes::from_static).into()).unwrap()) else {
        panic!()
    };
    let array = assert_free(train.array("S", "a").unwrap());
    let elsewhere = std::thread::spawn(move || {
        (train.array("S", "b").unwrap().as_ref().to_vec::<u8>().unwrap(), array.as_ref().to_vec::<u16>().unwrap())
    });
    assert_eq!(elsewhere.join().unwrap(), (vec![7], vec![1, 2]));
}

#[test]
fn limits_are_kept_with_the_train() {
    // Two lists in one another, where one is allowed: the pair is lost in the view, and in what is kept.
    let parts = [PARTS[0], b"\x81\xa1a\x91\x91\x01"].map(Bytes::from_static);
    let limits = Limits::DEFAULT.with_max_depth(2);
    let Message::Train(kept) = Message::decode_with(parts.to_vec(), &limits).unwrap() else { panic!() };
    let view = TrainRef::decode_with(&parts, &limits).unwrap();
    for train in [kept.clone(), view.into_owned(), kept.as_ref().into_owned()] {
        assert!(train.as_ref().items().eq(view.items()));
        let found = errors(train.indexed().errors());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].error.kind(), DecodeErrorKind::LimitExceeded);
    }
    let Message::Train(free) = Message::decode(parts.to_vec()).unwrap() else { panic!() };
    assert!(matches!(free.as_ref().items().next(), Some(Ok(Item::Source(_)))));
    let limits = Limits::DEFAULT.with_max_parts(1);
    let refused = Message::decode_with(parts.to_vec(), &limits).unwrap_err();
    assert_eq!(Some(refused), TrainRef::decode_with(&parts, &limits).err());
}

#[test]
fn of_two_equal_properties_the_first_is_kept() {
    let Vector { parts, .. } = named_parts("bad_dup_path");
    let train = keep(&parts);
    let Some(Ok(Item::Array(first))) = train.as_ref().items().find(|item| matches!(item, Ok(Item::Array(_)))) else {
        panic!()
    };
    let array = train.array(first.source(), first.path()).unwrap();
    assert_eq!(array.data().as_ptr(), first.data().as_ptr());
}

/// One vector, under Miri, too.
fn named_parts(name: &str) -> Vector {
    let start = format!("{{\"name\": \"{name}\",");
    let line = include_str!("vectors/karabo_bridge.jsonl").lines().find(|line| line.starts_with(&start)).unwrap();
    let line: Json = serde_json::from_str(line).unwrap();
    Vector {
        name: name.into(),
        class: String::new(),
        parts: line["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap())).collect(),
        expect: Json::Null,
    }
}

#[test]
fn a_view_of_shared_parts_is_kept_without_a_copy() {
    for vector in vectors() {
        let parts = shared(&vector.parts);
        let Ok(view) = TrainRef::decode(&parts) else {
            assert!(Train::decode(parts).is_err(), "{}", vector.name);
            continue;
        };
        let kept = view.share();
        assert_eq!(kept, Train::decode(parts.clone()).unwrap(), "{}", vector.name);
        let places = |parts: &[Bytes]| parts.iter().map(|part| part.as_ptr()).collect::<Vec<_>>();
        assert_eq!(places(kept.parts()), places(&parts), "{}", vector.name);
        let limits = Limits::DEFAULT.with_max_parts(1);
        assert_eq!(
            Train::decode_with(parts.clone(), &limits).is_err(),
            TrainRef::decode_with(&parts, &limits).is_err()
        );
    }
}

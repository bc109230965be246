//! A pair that is wrong costs no other (9).

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{DecodeError, DecodeErrorKind as Kind, Item, Property, TrainIndex};
use serde_json::Value as Json;

use crate::support::*;

/// A fault as compared here: kind, part, offset and field.
fn fault(error: &DecodeError) -> (String, usize, u64, &'static str) {
    (error.kind().to_string(), error.part(), error.offset(), error.what())
}

/// The pairs of malformed vectors that are wrong by themselves, and what is wrong with them, as committed.
fn malformed_pairs() -> Vec<([Vec<u8>; 2], (String, usize, u64, String))> {
    let vectors = vectors();
    let mut pairs = Vec::new();
    for line in include_str!("../vectors/expected.jsonl").lines() {
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

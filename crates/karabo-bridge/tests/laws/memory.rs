//! What is allocated, and what is borrowed.

use karabo_bridge::{Item, Items, PartError, TrainIndex};
use testkit::{assert_no_alloc, measure};

use crate::support::*;

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

//! Messages, written by these tests and not by the crate, and ways to read all of one.

use std::fmt::{self, Write as _};

use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{DecodeError, Indexed, Item, Limits, Message, MessageRef, Timestamp, TrainRef, Version};

pub(crate) const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];

pub(crate) fn text(text: &str) -> Vec<u8> {
    let len = text.len();
    let head = match len {
        0..=31 => vec![0xa0 | len as u8],
        32..=255 => vec![0xd9, len as u8],
        256..=0xffff => vec![0xda, (len >> 8) as u8, len as u8],
        _ => [&[0xdb][..], &(len as u32).to_be_bytes()].concat(),
    };
    [&head, text.as_bytes()].concat()
}

pub(crate) fn uint(number: u64) -> Vec<u8> {
    [&[0xcf][..], &number.to_be_bytes()].concat()
}

pub(crate) fn map(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let packed: Vec<u8> = entries.iter().flat_map(|(key, value)| [&text(key)[..], value].concat()).collect();
    [&[0xdf][..], &(entries.len() as u32).to_be_bytes(), &packed].concat()
}

pub(crate) fn source_header(name: &str) -> Vec<u8> {
    map(&[("source", &text(name)), ("content", &text("msgpack"))])
}

pub(crate) fn shape(axes: &[u64]) -> Vec<u8> {
    let axes: Vec<Vec<u8>> = axes.iter().copied().map(uint).collect();
    list(&axes)
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [&[0xdd][..], &(items.len() as u32).to_be_bytes(), &items.concat()].concat()
}

pub(crate) fn array_header(name: &str, path: &str, dtype: &str, shape: &[u8]) -> Vec<u8> {
    let (source, content) = (text(name), text("array"));
    map(&[("source", &source), ("content", &content), ("path", &text(path)), ("dtype", &text(dtype)), ("shape", shape)])
}

pub(crate) fn train<P: AsRef<[u8]>>(parts: &[P]) -> TrainRef<'_, P> {
    train_with(parts, &Limits::DEFAULT).unwrap()
}

/// In each of the public ways that borrow and that own; whoever adds one adds it here (R15).
pub(crate) fn train_with<'a, P: AsRef<[u8]>>(parts: &'a [P], limits: &Limits) -> Result<TrainRef<'a, P>, DecodeError> {
    let found = match MessageRef::decode_with(parts, limits) {
        Ok(MessageRef::Train(train)) => Ok(train),
        Ok(_) => panic!("no train"),
        Err(error) => Err(error),
    };
    assert_eq!(TrainRef::decode_with(parts, limits).err(), found.as_ref().err().copied());
    found
}

/// The same of parts that are owned.
pub(crate) fn owned_with<P: AsRef<[u8]>>(parts: &[P], limits: &Limits) -> Option<DecodeError> {
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

pub(crate) fn index_errors<P: AsRef<[u8]>>(indexed: &Indexed<'_, '_, P>) -> Vec<DecodeError> {
    indexed.errors().map(|lost| lost.error).collect()
}

/// Formats into nothing.
pub(crate) struct Nowhere;

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
pub(crate) fn read<P: AsRef<[u8]>>(parts: &[P], limits: &Limits) -> (usize, usize) {
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

/// The one thing that is wrong with a message, whether with all of it or with a pair.
pub(crate) fn only_error<P: AsRef<[u8]>>(parts: &[P], limits: &Limits) -> DecodeError {
    let train = match train_with(parts, limits) {
        Ok(train) => train,
        Err(error) => return error,
    };
    let mut items = train.items();
    let error = items.next().unwrap().expect_err("an item").error;
    assert!(items.next().is_none());
    error
}

/// A source with these entries of metadata.
pub(crate) fn with_metadata(entries: &[(&str, &[u8])]) -> [Vec<u8>; 2] {
    let metadata = map(entries);
    [map(&[("source", b"\xa1d"), ("content", b"\xa7msgpack"), ("metadata", &metadata)]), b"\x80".into()]
}

pub(crate) fn time_of(parts: &[Vec<u8>]) -> Option<Timestamp> {
    let Some(Ok(Item::Source(source))) = train(parts).items().next() else { panic!("no source") };
    source.metadata().time()
}

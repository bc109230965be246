//! Golden vectors, and trains that are written by these tests and not by the crate.

use karabo_bridge::{DecodeError, Indexed, Item, MessageRef, SourceRef, TrainRef, Version};
use serde_json::Value as Json;
use testkit::vectors::hex;

pub(crate) const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];

pub(crate) struct Vector {
    pub(crate) name: String,
    class: String,
    pub(crate) parts: Vec<Vec<u8>>,
}

pub(crate) fn vectors() -> Vec<Vector> {
    let lines = include_str!("../vectors/karabo_bridge.jsonl").lines().enumerate();
    let sample = lines.filter(|(index, _)| !cfg!(miri) || index % 20 == 0);
    let read = |line: &str| {
        let line: Json = serde_json::from_str(line).unwrap();
        let parts = line["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap())).collect();
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        Vector { name: text("name"), class: text("class"), parts }
    };
    sample.map(|(_, line)| read(line)).collect()
}

pub(crate) fn valid() -> Vec<Vector> {
    vectors().into_iter().filter(|vector| vector.class == "valid").collect()
}

pub(crate) fn train<P: AsRef<[u8]>>(parts: &[P]) -> TrainRef<'_, P> {
    let Ok(MessageRef::Train(train)) = MessageRef::decode(parts) else { panic!("no train") };
    train
}

pub(crate) fn source<'a, P: AsRef<[u8]>>(parts: &'a [P]) -> SourceRef<'a> {
    let Some(Ok(Item::Source(source))) = train(parts).items().next() else { panic!("no source") };
    source
}

pub(crate) fn index_errors<P: AsRef<[u8]>>(indexed: &Indexed<'_, '_, P>) -> Vec<DecodeError> {
    indexed.errors().map(|lost| lost.error).collect()
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    [&[0xdb][..], &(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
}

pub(crate) fn map(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let packed: Vec<u8> = entries.iter().flat_map(|(key, value)| [&text(key)[..], value].concat()).collect();
    [&[0xdf][..], &(entries.len() as u32).to_be_bytes(), &packed].concat()
}

pub(crate) fn source_pair(name: &str, metadata: &[(&str, &[u8])], data: &[(&str, &[u8])]) -> [Vec<u8>; 2] {
    let header = [("source", &text(name)[..]), ("content", b"\xa7msgpack"), ("metadata", &map(metadata))];
    [map(&header), map(data)]
}

pub(crate) fn array_pair(name: &str, path: &str, dtype: &str, axes: &[u8], data: &[u8]) -> [Vec<u8>; 2] {
    let shape = [&[0x90 | axes.len() as u8][..], axes].concat();
    let (source, path, dtype) = (text(name), text(path), text(dtype));
    let header =
        [("source", &source[..]), ("content", b"\xa5array"), ("path", &path), ("dtype", &dtype), ("shape", &shape)];
    [map(&header), data.to_vec()]
}

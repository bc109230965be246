//! What is lost, and what is not lost with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_alloc
)]

use karabo_bridge::{DecodeErrorKind as Kind, Item, Limits, MessageRef, TrainIndex, TrainRef};

const SOURCE: &[u8] = b"\x83\xa6source\xa1S\xa7content\xa7msgpack\xa8metadata\x80";
const PIXELS: &[u8] =
    b"\x85\xa6source\xa1S\xa7content\xa5array\xa4path\xafdata.image.data\xa5dtype\xa5uint8\xa5shape\x91\x01";

fn train<'a>(parts: &'a [&'a [u8]], limits: &Limits) -> TrainRef<'a, &'a [u8]> {
    let Ok(MessageRef::Train(train)) = MessageRef::decode_with(parts, limits) else { panic!("no train") };
    train
}

#[test]
fn a_source_with_too_many_properties_keeps_its_arrays() {
    let limits = Limits::DEFAULT.with_max_properties(2);
    let parts: [&[u8]; 6] = [SOURCE, b"\x83\xa1a\x01\xa1b\x02\xa1c\x03", PIXELS, b"x", SOURCE, b"\x80"];
    let mut index = TrainIndex::new();
    let indexed = index.build(train(&parts, &limits));
    let told: Vec<_> = indexed.errors().map(|lost| (lost.error.kind(), lost.error.part(), lost.source_name)).collect();
    assert_eq!(told, [(Kind::LimitExceeded, 0, Some("S"))]);
    assert_eq!(indexed.array("S", "data.image.data").unwrap().data(), b"x");
    assert!(indexed.get("S", "a").is_none());
    let indexed = index.build(train(&parts[..4], &limits));
    assert_eq!((indexed.source("S"), indexed.sources().count(), indexed.names().count()), (None, 0, 1));
    let indexed = index.build(train(&parts, &limits));
    // The second of that name can be read, and is the source.
    assert_eq!(indexed.source("S").unwrap().part(), 4);
}

#[test]
fn pixels_of_a_source_whose_properties_are_lost_are_an_image() {
    let parts: [&[u8]; 4] = [SOURCE, b"\x90", PIXELS, b"x"];
    let mut index = TrainIndex::new();
    let indexed = index.build(train(&parts, &Limits::DEFAULT));
    assert_eq!(indexed.errors().count(), 1);
    assert_eq!((indexed.names().collect::<Vec<_>>(), indexed.sources().count()), (vec!["S"], 0));
    assert_eq!(indexed.image("S", "data.image").unwrap().pixels().unwrap().data(), b"x");
    assert!(indexed.image("S", "data.imag").is_none() && indexed.image("T", "data.image").is_none());
    let found: Vec<_> = indexed.properties("S").map(|(path, _)| path).collect();
    assert_eq!(found, ["data.image.data"]);
}

#[test]
fn a_second_metadata_is_a_property() {
    let single: [&[u8]; 1] = [b"\x81\xa1S\x83\xa8metadata\x80\xa8metadata\x05\xa1a\x01"];
    let pair: [&[u8]; 2] =
        [b"\x82\xa6source\xa1S\xa7content\xa7msgpack", b"\x83\xa8metadata\x80\xa8metadata\x05\xa1a\x01"];
    for parts in [&single[..], &pair] {
        let Some(Ok(Item::Source(source))) = train(parts, &Limits::DEFAULT).items().next() else { panic!("no source") };
        assert!(source.properties().map(|(path, _)| path).eq(["metadata", "a"]));
        let mut index = TrainIndex::new();
        let indexed = index.build(train(parts, &Limits::DEFAULT));
        assert_eq!(indexed.get("S", "metadata").unwrap().as_value().unwrap().as_i64(), Some(5));
    }
}

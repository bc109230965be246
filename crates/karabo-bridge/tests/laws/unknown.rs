//! What is not known goes through (10).

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{Content, Item, Property, TrainIndex, TrainWriter, Version};

use crate::support::*;

#[test]
fn law_10_what_is_unknown_is_a_value() {
    let [first, data] =
        source_pair("s", &[("timestamp.tid", b"\x05"), ("quality", b"\xc7\x01\x2a\x07")], &[("e", b"\xd4\x05\x09")]);
    let header = map(&[("content", b"\xa4hash"), ("later", b"\x91\xc0"), ("source", b"\xa1s"), ("path", b"\xa1p")]);
    let [unknown, bytes] = array_pair("s", "q", "bfloat16[extra]", &[2], b"\x01\x02\x03");
    let [known, pixels] = array_pair("s", "r", "uint8", &[3], b"abc");
    // A field more, the first and the last of the map.
    let extra = |header: &[u8], front: bool| {
        let count = (u32::from_be_bytes(header[1..5].try_into().unwrap()) + 1).to_be_bytes();
        let field = [&text("x-later")[..], b"\x82\xc0\x01\xa1s\x90"].concat();
        let body = if front { [&field, &header[5..]].concat() } else { [&header[5..], &field].concat() };
        [&[0xdf][..], &count, &body].concat()
    };
    for front in [false, true] {
        let parts: [Vec<u8>; 8] = [
            extra(&first, front),
            data.clone(),
            header.clone(),
            b"\x01raw".to_vec(),
            extra(&unknown, front),
            bytes.clone(),
            extra(&known, front),
            pixels.clone(),
        ];
        let items: Vec<_> = train(&parts).items().map(Result::unwrap).collect();
        let [Item::Source(source), Item::Other(other), Item::Array(odd), Item::Array(array)] = items[..] else {
            panic!("{items:?}")
        };
        assert_eq!(source.metadata().get("quality"), Some(ValueRef::Ext(42, b"\x07")));
        assert_eq!((source.get("e"), source.version()), (Some(ValueRef::Ext(5, b"\x09")), Some(Version::V2_2)));
        assert_eq!((other.source(), other.path(), other.content()), ("s", Some("p"), Content::Other("hash")));
        assert_eq!((other.header(), other.data(), other.part()), (&parts[2][..], &b"\x01raw"[..], 2));
        assert_eq!(
            (odd.dtype().as_str(), odd.data(), odd.shape().iter().collect::<Vec<_>>()),
            ("bfloat16[extra]", &bytes[..], vec![2])
        );
        assert!(odd.as_array().is_none() && odd.to_array().is_none() && odd.dtype().parse().is_none());
        assert_eq!(array.as_array().unwrap().to_vec::<u8>(), Ok(b"abc".to_vec()));
        let mut index = TrainIndex::new();
        assert_eq!(index_errors(&index.build(train(&parts))), []);
        assert_eq!(index.build(train(&parts)).get("s", "q"), Some(Property::Array(odd)));
    }
    // And goes back in.
    let parts = [first, data];
    let read = source(&parts);
    for version in VERSIONS {
        let mut writer = TrainWriter::new(version);
        writer.source(read.name());
        read.metadata().entries().for_each(|(name, value)| writer.metadata(name, value).unwrap());
        read.properties().for_each(|(path, value)| writer.value(path, value).unwrap());
        let again: Vec<_> = writer.finish().unwrap().iter().map(|part| part.as_ref().to_vec()).collect();
        let again =
            source(&again).metadata().get("quality").zip(source(&again).get("e")).map(|both| format!("{both:?}"));
        assert_eq!(again.as_deref(), Some("(Ext(42, [1 bytes]), Ext(5, [1 bytes]))"), "{version}");
    }
}

/// Parameters of an image are an opaque map.
#[test]
fn law_10_parameters_of_images_are_kept() {
    let [header, data] = array_pair("s", "image", "uint8", &[1], b"x");
    let count = (u32::from_be_bytes(header[1..5].try_into().unwrap()) + 1).to_be_bytes();
    let params = [&text("params")[..], b"\x82\xa8Encoding\x00\xa5Later\xc7\x01\x09\x01"].concat();
    let header = [&[0xdf][..], &count, &header[5..], &params].concat();
    let word = b"\xa9ImageData".to_vec();
    let at = header.windows(6).position(|window| window == b"\xa5array").unwrap();
    let header = [&header[..at], &word, &header[at + 6..]].concat();
    let [first, values] = source_pair("s", &[], &[]);
    let parts = [first, values, header, data];
    let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("no image") };
    let params = array.params().unwrap();
    assert_eq!(
        (params.get("Encoding"), params.get("Later")),
        (Some(ValueRef::Int(0)), Some(ValueRef::Ext(9, b"\x01")))
    );
    assert_eq!(array.as_array().unwrap().to_vec::<u8>(), Ok(vec![b'x']));
}

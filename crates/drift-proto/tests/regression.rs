//! What was wrong once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use core::time::Duration;

use drift_proto::{
    Correlated, Correlator, CorrelatorLimits, DriftBytesReader, DriftBytesRef, EncodeError, Info, Limits, Meta,
    Package, PackageBuilder, PackageRef, StatusCode, Timestamp, TopicFilter, Trigger, TypedDataWriter, Values,
    source_of,
};
use testkit::vectors::{hex, to_hex};

#[test]
fn what_nobody_knows_in_messages_of_a_package_is_written_again() {
    let bytes = hex("12 05 0801 980607 3a 07 0a016b 1a026869 2a 03 188100");
    let mut builder = PackageBuilder::from(PackageRef::decode(&bytes).unwrap());
    builder.status = StatusCode::BAD;
    let written = "12050801980607 208004 2a03188100 3a070a016b1a026869".replace(' ', "");
    assert_eq!(to_hex(&builder.encode_to_vec().unwrap()), written);
    builder.clear_labels().clear_data().label("l", "");
    builder.source_timestamp = None;
    assert_eq!(to_hex(&builder.encode_to_vec().unwrap()), "2080043a030a016c");
}

#[test]
fn items_are_equal_by_their_values() {
    let item = |text: &str| {
        let bytes = hex(text).leak();
        DriftBytesRef::decode(bytes).unwrap().items().next().unwrap()
    };
    let one = item("0100 01 03 0100000000000000 01000000 0100");
    assert_ne!(one, item("0100 00 03 0000000000000001 00000001 0100"), "256");
    assert_eq!(one, item("0100 00 03 0000000000000001 00000001 0001"), "1");
    assert_eq!(
        item("0100 01 00 0100000000000000 01000000 01"),
        item("0100 00 00 0000000000000001 00000001 02"),
        "true, both"
    );
    let text = item("0100 01 0b 0100000000000000 01000000 0100000000000000 61");
    assert_eq!(text, item("0100 00 0b 0000000000000001 00000001 0000000000000001 61"));
    assert_ne!(text, item("0100 00 0b 0000000000000001 00000001 0000000000000001 62"));
}

#[test]
fn what_is_in_a_package_is_read_under_its_limits() {
    let mut data = TypedDataWriter::new();
    data.item("matrix", StatusCode::GOOD, &[1, 1], Values::U8(&[7])).unwrap();
    let package = PackageBuilder::new(1).typed_data(data).build().unwrap();
    let read = |rank| PackageRef::decode_with(package.bytes(), &Limits::DEFAULT.with_max_rank(rank)).unwrap();
    assert!(read(2).typed_data().is_ok());
    assert_eq!(read(1).typed_data().unwrap_err().to_string(), "2 exceeds max_rank 1 at byte 4 (drift_bytes)");
    assert!(read(1).typed_data_with(&Limits::DEFAULT).is_ok());
}

/// A meta of so many messages in one another, itself included.
fn deep(meta: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for level in (0..meta).rev() {
        // In turn `meta`, `alignment_info` and `packages`.
        let tag = [0x32, 0x32, 0x0a][level % 3];
        let tag = if level > 0 && level % 3 == 0 { 0x12 } else { tag };
        let mut outer = vec![tag];
        let mut len = bytes.len();
        while len > 0x7f {
            outer.push((len % 128) as u8 | 0x80);
            len /= 128;
        }
        outer.push(len as u8);
        outer.extend(&bytes);
        bytes = outer;
    }
    bytes
}

#[test]
fn nothing_is_written_deeper_than_it_may_be_read() {
    let bytes = deep(31);
    let builder = PackageBuilder::from(PackageRef::decode(&bytes).unwrap());
    for depth in [3, 30] {
        let limits = Limits::DEFAULT.with_max_depth(depth);
        assert!(PackageRef::decode_with(&bytes, &limits).is_err());
        assert_eq!(builder.encode_to_vec_with(&limits), Err(EncodeError::TooDeep { max: depth }));
    }
    assert_eq!(builder.encode_to_vec_with(&Limits::DEFAULT.with_max_depth(31)), Ok(bytes));
    // What an `Any` holds does not count, neither way.
    let limits = Limits::DEFAULT.with_max_depth(1);
    let package = PackageBuilder::new(1).payload(b"p").build_with(&limits).unwrap();
    assert!(PackageRef::decode_with(package.bytes(), &limits).is_ok());
    let trigger = Trigger { timestamp: Some(Timestamp { seconds: 1, nanos: 0 }) };
    let package = PackageBuilder::new(1).trigger(trigger).build_with(&limits).unwrap();
    assert_eq!(PackageRef::decode_with(package.bytes(), &limits).unwrap().trigger(), Ok(Some(trigger)));
    let mut meta = Meta::new(Info::Text("a"));
    for _ in 0..2000 {
        meta = Meta::new(Info::Aligned(vec![("t", Some(meta))]));
    }
    let mut builder = PackageBuilder::new(1);
    builder.meta = Some(meta);
    assert_eq!(builder.encode_to_vec(), Err(EncodeError::TooDeep { max: 64 }));
}

#[test]
fn paths_lead_to_the_fault() {
    for (bytes, depth, message, path) in [
        ("3a02 0a05 0801", 64, "ends in a field at byte 4 (labels)", "labels[0]"),
        ("3a02 0a05 3a00", 64, "ends in a field at byte 4 (labels)", "labels[0]"),
        ("1202 0880 3200", 64, "ends in a field at byte 4 (source_timestamp)", "source_timestamp"),
        ("3206 0a00 2a02 0a05 0801", 64, "ends in a field at byte 8 (text_info)", "meta.text_info"),
        ("3202 3200 3a00", 1, "exceeds max_depth 1 at byte 4 (alignment_info)", "meta.alignment_info"),
        ("3204 3202 0a00", 2, "exceeds max_depth 2 at byte 6 (packages)", "meta.alignment_info.packages[0]"),
        ("3801 3a03 0a01 ff", 64, "text is not UTF-8 at byte 6 (key)", "labels[0].key"),
        ("2a00 2a03 0a01 ff", 64, "text is not UTF-8 at byte 6 (type_url)", "data[1].type_url"),
        ("0a0161 2b", 0, "exceeds max_depth 0 at byte 3 (package)", ""),
        ("3a04 0a0161 2b", 1, "exceeds max_depth 1 at byte 5 (labels)", "labels[0]"),
        ("0801 08", 64, "ends in a field at byte 3 (package)", ""),
    ] {
        let bytes = hex(bytes);
        let error = PackageRef::decode_with(&bytes, &Limits::DEFAULT.with_max_depth(depth)).unwrap_err();
        assert_eq!((&*error.to_string(), &*error.path(&bytes)), (message, path));
    }
    let error = PackageRef::decode_with(&hex("12020801"), &Limits::DEFAULT.with_max_len(1)).unwrap_err();
    assert_eq!((&*error.to_string(), &*error.path(&hex("12020801"))), ("4 exceeds max_len 1 at byte 0 (package)", ""));
    // A hundred is the most, whatever is asked for.
    let error = PackageRef::decode_with(&[0x0b; 101], &Limits::DEFAULT.with_max_depth(255)).unwrap_err();
    assert_eq!(error.to_string(), "exceeds max_depth 100 at byte 100 (package)");
    // Of what is in an `Any`, from its own start.
    let payload = hex("0a0180");
    let error = drift_proto::DataPayloadRef::decode(&payload).unwrap_err();
    assert_eq!((&*error.to_string(), &*error.path(&payload)), ("ends in a field at byte 3 (shape)", "shape"));
}

#[test]
fn a_package_that_is_too_large_costs_no_other() {
    let mut correlator =
        Correlator::new(|_, _| false, Duration::MAX).with_limits(CorrelatorLimits::DEFAULT.with_max_bytes(100));
    for id in 0..9 {
        let package = PackageBuilder::new(id).build().unwrap();
        assert_eq!(correlator.handle_package(Duration::ZERO, "t", package).next(), None);
    }
    let large = PackageBuilder::new(99).payload(vec![0; 200]).build().unwrap();
    let events: Vec<_> = correlator.handle_package(Duration::ZERO, "t", large.clone()).collect();
    assert_eq!(events, [Correlated::TooMany { topic: "t".into(), package: large }]);
    assert_eq!(correlator.waiting(), 9);
}

#[test]
fn an_empty_payload_is_shared_too() {
    let mut builder = PackageBuilder::new(0);
    let package: Package = builder.payload(Vec::new()).build().unwrap();
    let payload = package.as_ref().payload().unwrap().unwrap();
    assert_eq!(package.share(payload.data()).as_deref(), Some(&[][..]));
}

#[test]
fn a_reader_stays_in_front_of_the_item_that_cannot_be_read() {
    let bytes = hex("0100 01 01 0100000000000000 01000000 07 01 63 0100000000000000 01000000 07");
    let mut reader = DriftBytesReader::new(&bytes).unwrap();
    assert!(reader.next().unwrap().is_ok() && reader.next().unwrap().is_err() && reader.next().is_none());
    assert_eq!(reader.position(), 17);
}

#[test]
fn shared_subscriptions_and_topics_with_wildcards() {
    let filter = TopicFilter::new("$share/group/drift/#").unwrap();
    assert!(filter.matches("drift/sensor") && !filter.matches("group/drift/sensor"));
    assert_eq!(filter.as_str(), "$share/group/drift/#");
    for no_filter in ["$share/group", "$share/group/", "$share//drift", "$share/+/drift"] {
        assert_eq!(TopicFilter::new(no_filter), None, "{no_filter}");
    }
    let all = TopicFilter::new("#").unwrap();
    assert!(!all.matches("") && !all.matches("drift/+"));
    assert_eq!(source_of("drift/", "drift/+"), None);
}

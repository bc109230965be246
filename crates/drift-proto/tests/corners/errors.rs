//! What errors say: kind, place, what, path and words.

use drift_proto::{
    AlignedPackageRef, DataPayloadRef, DecodeError, DecodeErrorKind as Kind, DriftBytesRef, IntervalTrigger, Limit,
    Limits, PackageRef, Trigger, Unpack,
};

use crate::proto::*;

type Told<'a> = (Kind, u64, &'a str, &'a str);

fn assert_told(bytes: &[u8], (kind, offset, what, path): Told<'_>) {
    let error = PackageRef::decode(bytes).unwrap_err();
    let found = (error.kind(), error.offset(), error.what(), &*error.path(bytes));
    assert_eq!(found, (kind, offset, what, path), "{bytes:02x?}");
}

#[test]
fn errors_are_small() {
    fn is_copy<T: Copy + Send + Sync + 'static>() {}
    is_copy::<DecodeError>();
    assert!(size_of::<DecodeError>() <= 32);
}

#[test]
fn each_kind_has_its_place() {
    let no_text = b"ab\xff";
    let text = |fields: &[u32]| nested(fields.iter().copied(), no_text);
    for (bytes, due) in [
        (b"\x08".to_vec(), (Kind::UnexpectedEnd, 1, "package", "")),
        (b"\x3a\x05\x0a".to_vec(), (Kind::UnexpectedEnd, 3, "package", "")),
        (b"\x12\x01\x08".to_vec(), (Kind::UnexpectedEnd, 3, "source_timestamp", "source_timestamp")),
        (b"\x1a\x02\x10\x80".to_vec(), (Kind::UnexpectedEnd, 4, "publish_timestamp", "publish_timestamp")),
        (b"\x32\x04\x42\x02\x0a\x09".to_vec(), (Kind::UnexpectedEnd, 6, "typed_data_info", "meta.typed_data_info")),
        (
            part(6, part(3, [vec![0x10], vec![0xff; 11]].concat())),
            (Kind::InvalidVarint, 5, "image_info", "meta.image_info"),
        ),
        (part(6, part(6, part(1, [0x00]))), (Kind::InvalidTag, 6, "packages", "meta.alignment_info.packages[0]")),
        ([part(7, ""), part(7, [0x0f])].concat(), (Kind::InvalidTag, 4, "labels", "labels[1]")),
        ([part(5, ""), part(5, [0x54])].concat(), (Kind::UnexpectedGroupEnd, 4, "data", "data[1]")),
        (text(&[5, 1]), (Kind::InvalidUtf8, 6, "type_url", "data[0].type_url")),
        (text(&[7, 2]), (Kind::InvalidUtf8, 6, "value", "labels[0].value")),
        (text(&[6, 5, 1]), (Kind::InvalidUtf8, 8, "mime_type", "meta.text_info.mime_type")),
        (text(&[6, 3, 4]), (Kind::InvalidUtf8, 8, "channel_layout", "meta.image_info.channel_layout")),
        (text(&[6, 4, 1, 1]), (Kind::InvalidUtf8, 10, "name", "meta.scalar_info.variables[0].name")),
        (text(&[6, 8, 1, 1]), (Kind::InvalidUtf8, 10, "name", "meta.typed_data_info.items[0].name")),
        (text(&[6, 6, 1, 1]), (Kind::InvalidUtf8, 10, "topic", "meta.alignment_info.packages[0].topic")),
    ] {
        assert_told(&bytes, due);
    }
}

#[test]
fn paths_count_what_is_repeated() {
    let name = |name: &[u8]| part(1, part(1, name));
    let names = [name(b"a"), name(b"b"), number(9, 1), name(b"\xff"), name(b"d")].concat();
    let package = [part(1, "t"), part(2, part(8, names))].concat();
    let meta = part(6, part(6, [part(1, ""), part(1, package)].concat()));
    // Behind fields that nobody knows, a choice that was taken back, and a piece of the same meta.
    let bytes = [number(1, 1), part(6, part(6, part(1, ""))), group(6, &[]), meta, number(1, 2)].concat();
    let error = PackageRef::decode(&bytes).unwrap_err();
    assert_eq!((error.kind(), error.what()), (Kind::InvalidUtf8, "name"));
    assert_eq!(bytes[error.offset() as usize], 0xff);
    assert_eq!(error.path(&bytes), "meta.alignment_info.packages[1].meta.typed_data_info.items[2].name");
}

/// Of a message in a package that is sound.
fn assert_told_of<T: Unpack<'static>>(value: &[u8], (kind, offset, what, path): Told<'_>) {
    let package = [number(1, 5), any(T::NAME, value)].concat().leak();
    let any = PackageRef::decode(package).unwrap().data().next().unwrap();
    let error = any.unpack::<T>().map(drop).unwrap_err();
    let found = (error.kind(), error.offset(), error.what(), &*error.path(any.value()));
    assert_eq!(found, (kind, offset, what, path), "{value:02x?}");
}

/// Offsets and paths are of what the `Any` holds, and not of the package that it is in.
#[test]
fn faults_of_unpacked_messages_are_told_by_their_own_bytes() {
    let payload = [part(2, "data"), part(1, [1, 0x80])].concat();
    let error = DataPayloadRef::decode(&payload).unwrap_err();
    let found = (error.kind(), error.offset(), error.what(), &*error.path(&payload));
    assert_eq!(found, (Kind::UnexpectedEnd, 10, "shape", "shape"));
    let package = any(PAYLOAD, &payload);
    assert_eq!(PackageRef::decode(&package).unwrap().payload(), Err(error));

    assert_told_of::<DataPayloadRef<'_>>(&payload, (Kind::UnexpectedEnd, 10, "shape", "shape"));
    let endless = part(1, [0x80; 11]);
    assert_told_of::<DataPayloadRef<'_>>(&endless, (Kind::InvalidVarint, 2, "shape", "shape"));
    assert_told_of::<DataPayloadRef<'_>>(b"\x12\x00\x00", (Kind::InvalidTag, 2, "data_payload", ""));
    assert_told_of::<Trigger>(&part(2, [0x08]), (Kind::UnexpectedEnd, 3, "timestamp", "timestamp"));
    assert_told_of::<Trigger>(b"\x54", (Kind::UnexpectedGroupEnd, 0, "trigger_message", ""));
    let stop = [part(2, ""), part(3, [0x00])].concat();
    assert_told_of::<IntervalTrigger>(&stop, (Kind::InvalidTag, 4, "stop_timestamp", "stop_timestamp"));
    assert_told_of::<IntervalTrigger>(&stop[..3], (Kind::UnexpectedEnd, 3, "interval_trigger_message", ""));
    assert_told_of::<AlignedPackageRef<'_>>(b"\x0a\x02t\xff", (Kind::InvalidUtf8, 3, "topic_name", "topic_name"));
    // The topic is of three bytes, the first payload of five, and the second of six.
    let aligned = [part(1, "t"), part(2, part(2, "x")), part(2, part(1, [1, 0x80]))].concat();
    let due = (Kind::UnexpectedEnd, 14, "shape", "payloads[1].shape");
    assert_told_of::<AlignedPackageRef<'_>>(&aligned, due);
    let text = nested([6, 5, 1].into_iter(), b"\xff");
    let due = (Kind::InvalidUtf8, 6, "mime_type", "meta.text_info.mime_type");
    assert_told_of::<PackageRef<'_>>(&text, due);
}

#[test]
fn a_message_that_ends_too_early_is_found_in_front_of_others() {
    for (bytes, due) in [
        (b"\x32\x01\x08\x08\x05".to_vec(), (Kind::UnexpectedEnd, 3, "meta", "meta")),
        (b"\x3a\x03\x0a\x05k\x3a\x00".to_vec(), (Kind::UnexpectedEnd, 5, "labels", "labels[0]")),
        (b"\x32\x05\x2a\x01\x0a\x08\x01".to_vec(), (Kind::UnexpectedEnd, 5, "text_info", "meta.text_info")),
    ] {
        assert_told(&bytes, due);
    }
}

/// And what begins there is not in it.
#[test]
fn what_follows_a_message_is_not_in_it() {
    assert_told(b"\x32\x02\x08\x01\x00", (Kind::InvalidTag, 4, "package", ""));
    assert_told(b"\x32\x00\x54", (Kind::UnexpectedGroupEnd, 2, "package", ""));
}

fn limit(found: Result<(), DecodeError>) -> (Option<Limit>, u64, String) {
    let error = found.unwrap_err();
    assert_eq!(error.kind(), Kind::LimitExceeded);
    (error.limit(), error.offset(), error.reason().to_string())
}

#[test]
fn limits_tell_which_and_how_much() {
    let package = part(9, [0; 98]);
    let limits = Limits::DEFAULT.with_max_len(99);
    let found = limit(PackageRef::decode_with(&package, &limits).map(drop));
    assert_eq!(found, (Some(Limit::MaxLen), 0, "100 exceeds max_len 99".into()));
    let typed = [vec![1, 0], item(1, &[1; 9], &[1])].concat();
    let found = limit(DriftBytesRef::decode(&typed).map(drop));
    assert_eq!(found, (Some(Limit::MaxRank), 4, "9 exceeds max_rank 8".into()));
    let found = limit(DriftBytesRef::decode_with(&typed, &limits.with_max_len(5)).map(drop));
    // Two bytes, ten of the item, nine axes of four, and a value.
    assert_eq!(found, (Some(Limit::MaxLen), 0, "49 exceeds max_len 5".into()));
}

#[test]
fn max_depth_is_told_as_it_was_set() {
    for (bytes, max) in [
        (aligned(65, b""), 64),
        (aligned(4, b""), 3),
        (groups(65), 64),
        (aligned(60, &groups(5)), 64),
        (aligned(3, &groups(1)), 3),
        (groups(101), 100),
    ] {
        let limits = Limits::DEFAULT.with_max_depth(if max == 100 { 255 } else { max });
        let (which, _, reason) = limit(PackageRef::decode_with(&bytes, &limits).map(drop));
        assert_eq!((which, reason), (Some(Limit::MaxDepth), format!("exceeds max_depth {max}")));
    }
}

#[test]
fn a_group_that_is_too_deep_is_told_at_its_tag() {
    for (bytes, max, offset, what, path) in [
        (&b"\x0b\x0c"[..], 0, 0, "package", ""),
        (b"\x08\x05\x0b\x0c", 0, 2, "package", ""),
        (b"\x3a\x02\x0b\x0c", 1, 2, "labels", "labels[0]"),
        (b"\x0b\x0b\x0c\x0c", 1, 1, "package", ""),
    ] {
        let limits = Limits::DEFAULT.with_max_depth(max);
        let error = PackageRef::decode_with(bytes, &limits).unwrap_err();
        let found = (error.limit(), error.offset(), error.what(), &*error.path(bytes));
        assert_eq!(found, (Some(Limit::MaxDepth), offset, what, path), "{bytes:02x?}");
        assert!(PackageRef::decode_with(bytes, &limits.with_max_depth(max + 1)).is_ok(), "{bytes:02x?}");
    }
}

/// However large, it is told as it stands there, and not by its low half.
#[test]
fn a_rank_is_told_as_it_is() {
    for (rank, told) in [(1_u64 << 56, "72057594037927936"), (1 << 32, "4294967296"), (9, "9")] {
        for (flag, rank) in [(1, rank.to_le_bytes()), (0, rank.to_be_bytes())] {
            let bytes = [&[1, 0, flag, 1][..], &rank].concat();
            let error = DriftBytesRef::decode(&bytes).unwrap_err();
            assert_eq!(error.to_string(), format!("{told} exceeds max_rank 8 at byte 4 (drift_bytes)"));
        }
    }
}

#[test]
fn words_are_short_and_tell_the_place() {
    let told = |bytes: &[u8]| PackageRef::decode(bytes).unwrap_err().to_string();
    assert_eq!(told(b"\x3a\x03\x0a\x01\xff"), "text is not UTF-8 at byte 4 (key)");
    assert_eq!(told(b"\x08"), "ends in a field at byte 1 (package)");
    assert_eq!(told(b"\x00"), "no field begins at byte 0 (package)");
    let typed = |bytes: &[u8]| DriftBytesRef::decode(bytes).unwrap_err();
    for (bytes, kind, told) in [
        (&b"\x01\x01"[..], Kind::UnsupportedVersion, "version is not 0 at byte 1 (drift_bytes)"),
        (b"\x01\x00\x01\x0d\0\0\0\0\0\0\0\0", Kind::UnknownType, "no such type at byte 3 (drift_bytes)"),
        (b"\x01\x00\x01\x0c\0\0\0\0\0\0\0\0", Kind::NotEmpty, "values of type none at byte 3 (drift_bytes)"),
        (
            b"\x01\x00\x01\x01\x01\0\0\0\0\0\0\0\x09\0\0\0\0",
            Kind::InvalidShape,
            "more values than bytes at byte 4 (drift_bytes)",
        ),
    ] {
        let error = typed(bytes);
        assert_eq!((error.kind(), &*error.to_string(), error.what()), (kind, told, "drift_bytes"));
        assert_eq!(format!("{error:?}"), format!("DecodeError({told})"));
    }
}

#[cfg(feature = "std")]
#[test]
fn errors_become_those_of_io() {
    use drift_proto::EncodeError;
    let error = PackageRef::decode(b"\x00").unwrap_err();
    let io = std::io::Error::from(error);
    assert_eq!((io.kind(), io.to_string()), (std::io::ErrorKind::InvalidData, error.to_string()));
    assert_eq!(io.get_ref().and_then(|inner| inner.downcast_ref::<DecodeError>()), Some(&error));
    // What was to be written is not data that came.
    for error in [EncodeError::TooDeep { max: 3 }, EncodeError::TooLong { len: 2, max: 1 }] {
        let io = std::io::Error::from(error);
        assert_eq!((io.kind(), io.to_string()), (std::io::ErrorKind::InvalidInput, error.to_string()));
        assert_eq!(io.get_ref().and_then(|inner| inner.downcast_ref::<EncodeError>()), Some(&error));
    }
}

//! What is written and read as something else (R6), times (R10), payloads (R11), bad among good (R12), and numbers (R14).

use drift_proto::{
    DataPayloadRef, DecodeErrorKind as Kind, DriftBytesReader, DriftBytesRef, DriftBytesWriter, Info, InfoRef, Meta,
    NameRef, PackageBuilder, PackageRef, StatusCode, Timestamp, Values,
};
use testkit::assert_no_alloc;

use crate::proto::*;

/// Lengths at which the number in front of them takes a byte more.
const EDGES: [usize; 8] = [0, 1, 127, 128, 16_383, 16_384, (1 << 21) - 1, 1 << 21];

#[test]
fn r06_lengths_are_written_as_they_are() {
    for len in EDGES.into_iter().filter(|len| !cfg!(miri) || *len < 200) {
        let (data, text) = (vec![7; len], "ä".repeat(len / 2) + &"a".repeat(len % 2));
        let mut builder = PackageBuilder::new(-1);
        builder.meta = Some(Meta::new(Info::Typed(vec![NameRef { name: &text, status: StatusCode(-1) }])));
        builder.payload(&data[..]).message(&text, &data[..]).label(&text, "").label("", &text);
        let bytes = builder.encode_to_vec().unwrap();
        assert_eq!(bytes.len(), builder.encoded_len());
        let package = PackageRef::decode(&bytes).unwrap();
        assert_eq!((package.id(), package.data().count()), (-1, 2));
        assert_eq!(package.payload().unwrap().unwrap().data(), data);
        let other = package.data().nth(1).unwrap();
        assert_eq!((other.name(), other.value()), (Some(&text[..]), &data[..]));
        let labels: Vec<_> = package.labels().map(|label| (label.key, label.value)).collect();
        assert_eq!(labels, [(&text[..], ""), ("", &text)]);
        let Some(InfoRef::Typed(names)) = package.meta().unwrap().info() else { panic!() };
        assert!(names.iter().eq([NameRef { name: &text, status: StatusCode(-1) }]));

        let mut writer = DriftBytesWriter::new();
        writer.value(Values::Texts(&[&text, ""])).unwrap().value(Values::U8(&data)).unwrap();
        let bytes = writer.finish();
        let items: Vec<_> = DriftBytesRef::decode(&bytes).unwrap().items().collect();
        assert_eq!(items[0].texts().unwrap().collect::<Vec<_>>(), [text.as_bytes(), b""]);
        // Without values there is no type.
        assert_eq!(items[1].values::<u8>().map(|values| values.collect()), (len > 0).then_some(data));
    }
}

/// What looks like fields of a package is text.
#[test]
fn r06_texts_are_not_fields() {
    let texts = ["\0", "\x08\x07", "type.googleapis.com/drift.proto.common.DataPayload", "a/b", "/", "\u{feff}"];
    for text in texts {
        let mut builder = PackageBuilder::new(0);
        builder.label(text, text).message(text, &b"\x20\x81\x04"[..]);
        let package = builder.build().unwrap();
        let view = package.as_ref();
        assert_eq!((view.id(), view.status(), view.unknown_fields().count()), (0, StatusCode::GOOD, 0));
        assert_eq!(view.labels().next().map(|label| (label.key, label.value)), Some((text, text)));
        assert_eq!(view.data().next().unwrap().type_url(), ["type.googleapis.com/", text].concat());
    }
}

#[test]
fn r10_times_of_any_number_are_converted_or_refused() {
    for seconds in [i64::MIN, i64::MIN + 1, -62_135_596_801, -1, 0, 1, 253_402_300_800, i64::MAX - 1, i64::MAX] {
        for nanos in [i32::MIN, -1, 0, 1, 999_999_999, 1_000_000_000, i32::MAX] {
            let time = [number(1, seconds as u64), number(2, i64::from(nanos) as u64)].concat();
            let bytes = part(2, time);
            let found = PackageRef::decode(&bytes).unwrap().source_timestamp().unwrap();
            assert_eq!(found, Timestamp { seconds, nanos });
            let fits = (0..1_000_000_000).contains(&nanos);
            let due = fits.then_some(i128::from(seconds) * 1_000_000_000 + i128::from(nanos));
            assert_eq!(found.unix_nanos(), due);
            let millis = due.map(|due| due.div_euclid(1_000_000)).and_then(|due| i64::try_from(due).ok());
            assert_eq!(found.unix_millis(), millis);
            assert_eq!(found.duration().map(|since| since.as_nanos() as i128), due.filter(|due| *due >= 0));
            assert_eq!(due.and_then(Timestamp::from_unix_nanos), due.map(|_| found));
        }
    }
}

/// Nothing in a package is run, and what an `Any` holds is bytes until somebody says what it is.
#[test]
fn r11_what_is_not_asked_for_is_not_looked_at() {
    let rubbish = b"\xff\xff\xff\x80\x04c\xffimport";
    for name in [PAYLOAD, "drift.proto.common.DriftPackage", "google.protobuf.Any", "os.system"] {
        let bytes = any(name, rubbish);
        let package = PackageRef::decode(&bytes).unwrap();
        assert_eq!(package.data().next().map(|any| any.value()), Some(&rubbish[..]));
        assert_eq!(PackageBuilder::from(package).encode_to_vec().unwrap(), bytes);
    }
}

#[test]
fn r12_a_bad_payload_costs_no_good_ones() {
    let good = |data: &[u8]| any(PAYLOAD, &part(2, data));
    let package = [good(b"one"), any(PAYLOAD, b"\x12\x05x"), good(b"two"), any("a.B", b"\xff")].concat();
    let package = PackageRef::decode(&package).unwrap();
    let found: Vec<_> =
        package.payloads().map(|payload| payload.map(DataPayloadRef::data).map_err(|e| e.kind())).collect();
    assert_eq!(found, [Ok(&b"one"[..]), Err(Kind::UnexpectedEnd), Ok(b"two")]);
    assert_eq!(package.payload().unwrap().unwrap().data(), b"two");
}

#[test]
fn r12_a_bad_item_costs_none_before_it() {
    let bytes = [vec![1, 0], item(1, &[1], &[5]), item(2, &[2], &[6, 7]), item(99, &[1], &[0]), item(1, &[1], &[8])];
    let bytes = bytes.concat();
    let mut reader = DriftBytesReader::new(&bytes).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().value::<i8>(), Some(5));
    assert_eq!(reader.next().unwrap().unwrap().values::<u8>().unwrap().collect::<Vec<_>>(), [6, 7]);
    // Both before it are of 15 and 16 bytes, and the type is the second byte.
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.offset()), (Kind::UnknownType, 2 + 15 + 16 + 1));
    // Nobody knows how long an item of an unknown type is.
    assert!(reader.next().is_none());
    assert_eq!(DriftBytesRef::decode(&bytes), Err(error));
}

#[test]
fn r14_numbers_are_numbers() {
    // Ten bytes are the most that one may have, whatever it is.
    for (bytes, id) in [
        (&b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"[..], 0),
        (b"\x08\x85\x80\x80\x80\x80\x80\x80\x80\x80\x00", 5),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -1),
        (b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", i64::MIN),
        (b"\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x7e", 1),
    ] {
        assert_eq!(assert_no_alloc(|| PackageRef::decode(bytes).unwrap().id()), id, "{bytes:02x?}");
    }
    // Numbers that count something else are never counted up to.
    let huge = part(6, part(3, [number(2, u64::MAX), number(3, u64::MAX)].concat()));
    assert!(assert_no_alloc(|| PackageRef::decode(&huge).unwrap().meta().unwrap().info()).is_some());
    let payload = any(PAYLOAD, &number(1, u64::MAX));
    let shape = |bytes: &[u8]| PackageRef::decode(bytes).unwrap().payload().unwrap().unwrap().shape().next();
    assert_eq!(shape(&payload), Some(u32::MAX));
}

//! Typed data: names and statuses of the meta, values of the payload (SPEC.md §4), and DriftBytes alone.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

#[path = "hostile/proto.rs"]
mod proto;

use drift_proto::{
    DataType, DecodeErrorKind as Kind, DriftBytesReader, DriftBytesRef, DriftBytesWriter, Info, InfoRef, ItemRef,
    ItemType, Limits, Meta, NameRef, PackageBuilder, PackageRef, StatusCode, TypedDataWriter, Values,
};
use proto::*;
use testkit::assert_no_alloc;

/// Names, statuses and values that are `int8`.
type Told<'a> = (Option<&'a str>, i32, Option<Vec<i8>>);

fn told(package: &[u8]) -> Option<Vec<Told<'_>>> {
    let items = PackageRef::decode(package).unwrap().typed_data().unwrap()?;
    let values = |item: ItemRef<'_>| item.values::<i8>().unwrap().collect::<Vec<_>>();
    assert_no_alloc(|| assert_eq!(items.get("no such name"), None));
    Some(items.into_iter().map(|item| (item.name, item.status.0, item.values.map(values))).collect())
}

fn int(value: i8) -> Vec<u8> {
    item(1, &[1], &value.to_le_bytes())
}

#[test]
fn a_name_has_its_value_whatever_its_status() {
    let package = typed(&[("a", 0), ("b", 512), ("c", 256)], &[int(1), int(-2), int(3)]);
    let due = [(Some("a"), 0, Some(vec![1])), (Some("b"), 512, Some(vec![-2])), (Some("c"), 256, Some(vec![3]))];
    assert_eq!(told(&package).unwrap(), due);
}

#[test]
fn fewer_items_than_names_and_more() {
    let fewer = typed(&[("a", 0), ("b", 512)], &[int(1)]);
    assert_eq!(told(&fewer).unwrap(), [(Some("a"), 0, Some(vec![1])), (Some("b"), 512, None)]);
    let more = typed(&[("a", 512)], &[int(1), int(2), int(3)]);
    assert_eq!(
        told(&more).unwrap(),
        [(Some("a"), 512, Some(vec![1])), (None, 0, Some(vec![2])), (None, 0, Some(vec![3]))]
    );
    assert_eq!(told(&typed(&[], &[])).unwrap(), []);
    let mut items = PackageRef::decode(&more).unwrap().typed_data().unwrap().unwrap().iter();
    assert_eq!((items.by_ref().count(), items.next(), items.next()), (3, None, None));
}

#[test]
fn of_two_items_of_one_name_get_gives_the_last() {
    let package = typed(&[("a", 0), ("b", 0), ("a", 512), ("", 0)], &[int(1), int(2), int(3)]);
    let items = PackageRef::decode(&package).unwrap().typed_data().unwrap().unwrap();
    let found = items.get("a").unwrap();
    assert_eq!((found.status, found.values.unwrap().value()), (StatusCode::BAD, Some(3_i8)));
    assert_eq!(items.iter().filter(|item| item.name == Some("a")).count(), 2);
    assert_eq!(items.get("").map(|item| item.values), Some(None));
    // Values without a name are not those of the empty one.
    let nameless = typed(&[], &[int(1)]);
    assert_eq!(PackageRef::decode(&nameless).unwrap().typed_data().unwrap().unwrap().get(""), None);
}

#[test]
fn a_matrix_has_its_shape() {
    let package = typed(&[("m", 0)], &[item(3, &[2, 3], &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0])]);
    let items = PackageRef::decode(&package).unwrap().typed_data().unwrap().unwrap();
    let values = items.get("m").unwrap().values.unwrap();
    assert_eq!((values.item_type(), values.len(), values.value::<i16>()), (ItemType::I16, 6, None));
    assert_eq!(values.shape().iter().collect::<Vec<_>>(), [2, 3]);
    assert_eq!(values.values::<i16>().unwrap().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

/// Names are there, whether there is a payload or not; what is there is the last one.
#[test]
fn the_values_are_those_of_the_last_payload() {
    let names = part(6, [number(1, 5), part(8, part(1, part(1, "a")))].concat());
    let payload = |items: &[u8]| any(PAYLOAD, &part(2, items));
    let one = payload(&[vec![1, 0], int(1)].concat());
    let two = payload(&[vec![1, 0], int(2)].concat());
    let nothing = (Some("a"), 0, None);
    for (data, due) in [
        (vec![], nothing.clone()),
        (vec![payload(b"")], nothing.clone()),
        (vec![any(PAYLOAD, b"")], nothing.clone()),
        (vec![payload(&[1, 0])], nothing.clone()),
        (vec![any("a.Other", b"\xff")], nothing.clone()),
        (vec![one.clone()], (Some("a"), 0, Some(vec![1]))),
        (vec![one.clone(), two.clone()], (Some("a"), 0, Some(vec![2]))),
        (vec![two.clone(), one.clone(), any("a.Other", b"\xff")], (Some("a"), 0, Some(vec![1]))),
        (vec![one, payload(b"")], nothing),
        // What is wrong with one that does not count does not count.
        (vec![any(PAYLOAD, b"\xff"), payload(b"\x07"), two], (Some("a"), 0, Some(vec![2]))),
    ] {
        assert_eq!(told(&[data.concat(), names.clone()].concat()).unwrap(), [due]);
    }
}

#[test]
fn the_type_of_the_meta_decides() {
    let payload = any(PAYLOAD, &part(2, [vec![1, 0], int(1)].concat()));
    let names = part(8, part(1, part(1, "a")));
    for (meta, due) in [
        (vec![], None),
        (part(6, &names), None),
        (part(6, [number(1, 2), part(4, part(1, part(1, "a")))].concat()), None),
        (part(6, [number(1, 3), names.clone()].concat()), None),
        // Names of another kind are none.
        (part(6, [number(1, 5), part(4, part(1, part(1, "a")))].concat()), Some(vec![(None, 0, Some(vec![1]))])),
        (part(6, number(1, 5)), Some(vec![(None, 0, Some(vec![1]))])),
        ([part(6, number(1, 5)), part(6, &names)].concat(), Some(vec![(Some("a"), 0, Some(vec![1]))])),
    ] {
        assert_eq!(told(&[payload.clone(), meta].concat()), due);
    }
}

#[test]
fn what_is_wrong_with_the_payload_is_told() {
    let names = part(6, [number(1, 5), part(8, part(1, part(1, "a")))].concat());
    for (payload, kind, offset, what) in [
        (b"\x12\x05x".to_vec(), Kind::UnexpectedEnd, 3, "data_payload"),
        (part(2, [1, 1]), Kind::UnsupportedVersion, 1, "drift_bytes"),
        (part(2, [1]), Kind::UnexpectedEnd, 1, "drift_bytes"),
        (part(2, [vec![1, 0], int(1), item(99, &[1], &[0])].concat()), Kind::UnknownType, 2 + 15 + 1, "drift_bytes"),
        (part(2, [vec![1, 0], item(1, &[3], &[0; 2])].concat()), Kind::InvalidShape, 4, "drift_bytes"),
    ] {
        let package = [any(PAYLOAD, &payload), names.clone()].concat();
        let error = PackageRef::decode(&package).unwrap().typed_data().unwrap_err();
        assert_eq!((error.kind(), error.offset(), error.what()), (kind, offset, what));
    }
}

/// One of each type, as value, vector and matrix; as bytes little-endian and big-endian.
macro_rules! each_type {
    ($($kind:literal $name:ident $type:ty, $values:expr;)*) => {
        $({
            let values: [$type; 4] = $values;
            let (little, big) = (values.map(|value| value.to_le_bytes().to_vec()), values.map(|value| value.to_be_bytes().to_vec()));
            for (shape, len) in [(&[1][..], 1), (&[4], 4), (&[2, 2], 4), (&[], 1), (&[1, 2, 1, 2], 4)] {
                let (little, big) = (little[..len].concat(), big[..len].concat());
                let (little, big) = (item($kind, shape, &little), big_item($kind, shape, &big));
                let mut writer = DriftBytesWriter::new();
                writer.item(shape, Values::$name(&values[..len])).unwrap();
                assert_eq!(writer.finish(), [&[1, 0][..], &little].concat(), "{:?}", ItemType::$name);
                let bytes = [&[1, 0][..], &little, &big].concat();
                let items: Vec<_> = DriftBytesRef::decode(&bytes).unwrap().items().collect();
                for found in &items {
                    assert_eq!((found.item_type(), found.len()), (ItemType::$name, len));
                    assert!(found.shape().iter().eq(shape.iter().copied()));
                    let bits = |value: $type| value.to_ne_bytes();
                    assert!(found.values::<$type>().unwrap().map(bits).eq(values[..len].iter().copied().map(bits)));
                    assert_eq!(found.value::<$type>().map(bits), (len == 1).then(|| bits(values[0])));
                }
                // Equal by their values, and copied in their order.
                assert_eq!(items[0], items[1]);
                let mut copy = DriftBytesWriter::new();
                copy.item_ref(items[0]).unwrap().item_ref(items[1]).unwrap();
                assert_eq!(copy.finish(), bytes);
            }
        })*
    };
}

#[test]
fn every_type_in_both_orders() {
    each_type! {
        1 I8 i8, [-1, 2, i8::MIN, i8::MAX];
        2 U8 u8, [1, 0, 200, u8::MAX];
        3 I16 i16, [0x1234, -2, i16::MIN, i16::MAX];
        4 U16 u16, [0x1234, 1, 0x8000, u16::MAX];
        5 I32 i32, [0x1234_5678, -2, i32::MIN, i32::MAX];
        6 U32 u32, [0x1234_5678, 1, 1 << 31, u32::MAX];
        7 I64 i64, [0x1234_5678_9abc_def0, -2, i64::MIN, i64::MAX];
        8 U64 u64, [0x1234_5678_9abc_def0, 1, 1 << 63, u64::MAX];
        9 F32 f32, [-0.0, f32::from_bits(0xffc1_2345), f32::NEG_INFINITY, f32::from_bits(1)];
        10 F64 f64, [-0.0, f64::from_bits(0xfff0_0000_0000_0001), f64::INFINITY, f64::from_bits(1)];
    }
}

#[test]
fn truth_texts_and_nothing() {
    let truth = [vec![1, 0], item(0, &[4], &[0, 1, 2, 255]), big_item(0, &[4], &[0, 7, 1, 1])].concat();
    let items: Vec<_> = DriftBytesRef::decode(&truth).unwrap().items().collect();
    assert_eq!(items[0].values::<bool>().unwrap().collect::<Vec<_>>(), [false, true, true, true]);
    assert_eq!(items[0], items[1]);
    let mut writer = DriftBytesWriter::new();
    writer.value(Values::Bool(&[false, true])).unwrap().value(Values::Texts(&["a", "", "é\0"])).unwrap();
    let len = |len: u64| len.to_le_bytes().to_vec();
    let texts = [len(1), b"a".to_vec(), len(0), len(3), "é\0".into()].concat();
    assert_eq!(writer.finish(), [vec![1, 0], item(0, &[2], &[0, 1]), item(11, &[3], &texts)].concat());

    let len = |len: u64| len.to_be_bytes().to_vec();
    let bytes =
        [vec![0, 0], big_item(11, &[2], &[len(2), b"ab".to_vec(), len(2), b"\xff\xfe".to_vec()].concat())].concat();
    let item_ref = DriftBytesRef::decode(&bytes).unwrap().items().next().unwrap();
    // Texts are bytes; who wants UTF-8 asks for it.
    assert_eq!(item_ref.texts().unwrap().collect::<Vec<_>>(), [&b"ab"[..], b"\xff\xfe"]);
    let one = |bytes: &[u8]| DriftBytesRef::decode(bytes).unwrap().items().next().unwrap().text().map(str::to_owned);
    let text =
        |text: &[u8]| [vec![1, 0], item(11, &[1], &[&(text.len() as u64).to_le_bytes()[..], text].concat())].concat();
    assert_eq!(
        (one(&text(b"ab")), one(&text(b"")), one(&text(b"\xff")), one(&bytes)),
        (Some("ab".into()), Some(String::new()), None, None)
    );

    // Without values whatever was asked for is none.
    for (values, shape) in [
        (Values::None, &[0][..]),
        (Values::I32(&[]), &[0]),
        (Values::Texts(&[]), &[2, 0]),
        (Values::F64(&[]), &[0, 7, 0]),
    ] {
        let mut writer = DriftBytesWriter::new();
        writer.item(shape, values).unwrap();
        let bytes = writer.finish();
        assert_eq!(bytes, [vec![1, 0], item(12, shape, b"")].concat());
        let found = DriftBytesRef::decode(&bytes).unwrap().items().next().unwrap();
        assert!(found.is_empty() && found.texts().is_none() && found.values::<i32>().is_none());
    }
}

#[test]
fn types_are_never_converted() {
    let bytes = [vec![1, 0], item(7, &[1], &[5, 0, 0, 0, 0, 0, 0, 0])].concat();
    let item = DriftBytesRef::decode(&bytes).unwrap().items().next().unwrap();
    assert_eq!(item.value::<i64>(), Some(5));
    assert_eq!((item.value::<u64>(), item.value::<i32>(), item.value::<f64>(), item.text()), (None, None, None, None));
}

/// Any flag but 1 is big-endian; it is copied with the flag that is written for that.
#[test]
fn any_flag_but_1_is_big_endian() {
    for flag in [0, 2, 127, 255] {
        let bytes = [&[flag, 0][..], &[flag], &big_item(3, &[1], &[0x12, 0x34])[1..]].concat();
        let item = DriftBytesRef::decode(&bytes).unwrap().items().next().unwrap();
        assert_eq!(item.value::<i16>(), Some(0x1234));
        let mut writer = DriftBytesWriter::new();
        writer.item_ref(item).unwrap();
        assert_eq!(writer.finish(), [vec![1, 0], big_item(3, &[1], &[0x12, 0x34])].concat());
    }
}

#[test]
fn ranks_are_limited_and_may_be_set() {
    let bytes = |rank| [vec![1, 0], item(1, &vec![1; rank], &[7])].concat();
    for (rank, max) in [(8, 8), (9, 9), (255, 255), (0, 0)] {
        let limits = Limits::DEFAULT.with_max_rank(max);
        let bytes = bytes(rank);
        let all = DriftBytesRef::decode_with(&bytes, &limits).unwrap();
        // Whoever asks later needs no limits any more.
        assert_eq!(all.items().next().unwrap().shape().iter().len(), rank);
        let mut writer = DriftBytesWriter::with_limits(&limits);
        writer.item_ref(all.items().next().unwrap()).unwrap();
        assert_eq!(writer.finish(), bytes);
        if max > 0 {
            assert!(DriftBytesRef::decode_with(&bytes, &limits.with_max_rank(max - 1)).is_err());
        }
    }
}

#[test]
fn a_reader_gives_what_is_in_front_of_a_fault() {
    let bytes = [vec![1, 0], int(1), int(2), vec![9]].concat();
    let mut reader = DriftBytesReader::new(&bytes).unwrap();
    assert_eq!((reader.position(), reader.next().unwrap().unwrap().value::<i8>()), (2, Some(1)));
    assert_eq!((reader.position(), reader.next().unwrap().unwrap().value::<i8>()), (17, Some(2)));
    assert_eq!(reader.next().unwrap().unwrap_err().kind(), Kind::UnexpectedEnd);
    assert_eq!((reader.position(), reader.next()), (32, None));
    assert!(DriftBytesRef::decode(&bytes).is_err());
}

#[test]
fn what_is_written_is_read() {
    let bytes = [vec![0, 0], big_item(5, &[2, 1], &[0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff]), item(99, &[0], b"")].concat();
    let source: Vec<_> = DriftBytesRef::decode(&bytes).unwrap().items().collect();
    let mut data = TypedDataWriter::new();
    data.value("n", StatusCode::GOOD, Values::F64(&[0.5])).unwrap();
    data.item("m", StatusCode(999), &[2, 2], Values::Bool(&[true, false, true, false])).unwrap();
    data.item_ref("copy", StatusCode::UNCERTAIN, source[0]).unwrap();
    data.item_ref("none", StatusCode::BAD, source[1]).unwrap();
    let mut builder = PackageBuilder::new(1);
    builder.payload(b"an older one").typed_data(data);
    let package = builder.build().unwrap();
    let view = package.as_ref();
    assert_eq!(view.meta().unwrap().data_type(), DataType::TYPED_DATA);
    let items: Vec<_> = view.typed_data().unwrap().unwrap().iter().collect();
    let names: Vec<_> = items.iter().map(|item| (item.name.unwrap(), item.status.0)).collect();
    assert_eq!(names, [("n", 0), ("m", 999), ("copy", 256), ("none", 512)]);
    assert_eq!(items[0].values.unwrap().value(), Some(0.5));
    assert_eq!(items[1].values.unwrap().shape().iter().collect::<Vec<_>>(), [2, 2]);
    assert_eq!(items[2].values, Some(source[0]));
    assert_eq!(items[2].values.unwrap().values::<i32>().unwrap().collect::<Vec<_>>(), [256, -1]);
    assert_eq!((items[3].values, items[3].values.unwrap().item_type()), (Some(source[1]), ItemType::None));
    // Its order of bytes stays as it was.
    let payload = view.payload().unwrap().unwrap().data();
    assert!(payload.windows(8).any(|bytes| bytes == [0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff]));
    let Some(InfoRef::Typed(names)) = view.meta().unwrap().info() else { panic!() };
    assert_eq!(names.iter().count(), 4);
}

/// Written by hand, with a meta of the caller's: nobody says that both are of one length.
#[test]
fn names_and_payload_may_be_written_apart() {
    let mut writer = DriftBytesWriter::new();
    writer.value(Values::I8(&[5])).unwrap();
    let mut builder = PackageBuilder::new(1);
    builder.meta =
        Some(Meta::new(Info::Typed(vec![NameRef { name: "a", status: StatusCode::GOOD }, NameRef::default()])));
    let package = builder.payload(writer.finish()).build().unwrap();
    assert_eq!(told(package.bytes()).unwrap(), [(Some("a"), 0, Some(vec![5])), (Some(""), 0, None)]);
}

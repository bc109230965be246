//! What is equal, and what is not: one byte, a shape or a type is enough. And what items say of themselves.

use drift_proto::{
    AlignedPackageRef, AnyRef, DataPayloadRef, DriftBytesRef, ItemRef, ItemType, Limits, Package, PackageRef, Unpack,
};

use crate::proto::*;

fn one(bytes: Vec<u8>) -> ItemRef<'static> {
    let bytes = [vec![1, 0], bytes].concat().leak();
    let items: Vec<_> = DriftBytesRef::decode(bytes).unwrap().items().collect();
    assert_eq!(items.len(), 1);
    items[0]
}

/// Of one length, so that the bytes have to be looked at.
#[test]
fn packages_and_views_of_other_bytes_are_not_equal() {
    let payload = |data: &str| any(PAYLOAD, &part(2, data));
    for (a, b) in [
        (number(1, 5), number(1, 6)),
        (payload("abc"), payload("abd")),
        (payload("abc"), payload("bbc")),
        (part(7, part(1, "k")), part(7, part(2, "k"))),
        (number(19, 1), number(20, 1)),
    ] {
        assert_eq!(a.len(), b.len());
        let (view, other) = (PackageRef::decode(&a).unwrap(), PackageRef::decode(&b).unwrap());
        assert_ne!(view, other, "{a:02x?}");
        assert_eq!(view, PackageRef::decode(&a.clone()).unwrap());
        let (owned, other) = (Package::decode(a.clone().into()).unwrap(), Package::decode(b.into()).unwrap());
        assert_ne!(owned, other, "{a:02x?}");
        assert_eq!(owned, Package::decode(a.into()).unwrap());
    }
    let bytes = |value| [vec![1, 0], item(1, &[2], &[5, value])].concat();
    assert_ne!(DriftBytesRef::decode(&bytes(1)), DriftBytesRef::decode(&bytes(2)));
    assert_eq!(DriftBytesRef::decode(&bytes(1)), DriftBytesRef::decode(&bytes(1)));
    let (a, b) = (part(2, "abc"), part(2, "abd"));
    assert_ne!(DataPayloadRef::decode(&a), DataPayloadRef::decode(&b));
    // Of the same data, with other axes.
    let (one_axis, other) = ([number(1, 3), a.clone()].concat(), [number(1, 4), a.clone()].concat());
    assert_ne!(DataPayloadRef::decode(&one_axis), DataPayloadRef::decode(&other));
    let aligned = |message| AlignedPackageRef::unpack(message, &Limits::DEFAULT);
    let (one, other) = (part(2, &a), part(2, &b));
    assert_ne!(aligned(&one), aligned(&other));
    assert_ne!(AnyRef::new("/a", b"v"), AnyRef::new("/b", b"v"));
    assert_ne!(AnyRef::new("/a", b"v"), AnyRef::new("/a", b"w"));
}

#[test]
fn items_of_another_shape_are_not_equal() {
    let texts = [1, 0, 0, 0, 0, 0, 0, 0, b'a'].repeat(2);
    for (kind, values, shapes) in [
        (2, &[1, 2, 3, 4][..], &[&[4][..], &[2, 2], &[1, 4], &[4, 1], &[1, 1, 4]][..]),
        (0, &[1, 0], &[&[2], &[2, 1], &[1, 2]]),
        (5, &[1, 2, 3, 4], &[&[1], &[], &[1, 1]]),
        (11, &texts, &[&[2], &[2, 1], &[1, 2]]),
        (12, &[], &[&[0], &[0, 2], &[2, 0]]),
    ] {
        for (at, shape) in shapes.iter().enumerate() {
            for (other_at, other) in shapes.iter().enumerate() {
                let (one, other) = (one(item(kind, shape, values)), one(item(kind, other, values)));
                assert_eq!(one == other, at == other_at, "{one:?} {other:?}");
                assert_eq!(one.shape() == other.shape(), at == other_at);
            }
        }
    }
}

#[test]
fn items_of_another_type_are_not_equal() {
    let text = [0; 8];
    // Of the same bytes: as wide as one another, and of one value each.
    for (kinds, values) in
        [(&[0, 1, 2][..], &[1][..]), (&[3, 4], &[1, 2]), (&[5, 6, 9], &[1, 2, 3, 4]), (&[7, 8, 10, 11], &text)]
    {
        for kind in kinds {
            for other in kinds {
                let (one, same) = (one(item(*kind, &[1], values)), one(item(*other, &[1], values)));
                assert_eq!(one == same, kind == other, "{one:?} {same:?}");
                assert_eq!(one.data(), same.data());
            }
        }
    }
}

/// The order of bytes does not count, and what they say does: for each width.
#[test]
fn items_are_equal_in_either_order_of_bytes() {
    for (kinds, width) in [(&[1, 2][..], 1), (&[3, 4], 2), (&[5, 6, 9], 4), (&[7, 8, 10], 8)] {
        // No byte is there twice.
        let values = |from: u8| (0..3 * width as u8).map(|at| at + from).collect::<Vec<_>>();
        let turned =
            |values: &[u8]| values.chunks(width).flat_map(|value| value.iter().rev().copied()).collect::<Vec<_>>();
        let little = values(1);
        for kind in kinds {
            let (one, other) = (one(item(*kind, &[3], &little)), one(big_item(*kind, &[3], &turned(&little))));
            assert_eq!((one, other), (other, one), "{kind}");
            assert_eq!(other, self::one(big_item(*kind, &[3], &turned(&little))));
            // The same bytes are other values, but of one byte.
            assert_eq!(one == self::one(big_item(*kind, &[3], &little)), width == 1, "{kind}");
            for at in 0..little.len() {
                let mut changed = little.clone();
                changed[at] ^= 0x80;
                assert_ne!(one, self::one(item(*kind, &[3], &changed)), "{kind} {at}");
                assert_ne!(one, self::one(big_item(*kind, &[3], &turned(&changed))), "{kind} {at}");
                assert_ne!(self::one(big_item(*kind, &[3], &turned(&changed))), one, "{kind} {at}");
            }
        }
    }
    // Floats by their bits: a NaN is equal to itself, and minus zero is another one.
    let float = |value: f64| one(item(10, &[1], &value.to_le_bytes()));
    assert_eq!(float(f64::NAN), one(big_item(10, &[1], &f64::NAN.to_be_bytes())));
    assert_ne!(float(0.0), float(-0.0));
}

#[test]
fn items_tell_their_order_of_bytes() {
    let mut bytes = item(3, &[1], &[1, 2]);
    assert!(one(bytes.clone()).is_little_endian());
    for flag in [0, 2, 255] {
        bytes = big_item(3, &[1], &[1, 2]);
        bytes[0] = flag;
        let item = one(bytes);
        assert_eq!((item.is_little_endian(), item.value()), (false, Some(0x102_i16)), "{flag}");
    }
}

/// Numbers and names of the C++ library.
#[test]
fn item_types_have_numbers_and_names() {
    for (number, item_type, name, width) in [
        (0, ItemType::Bool, "bool", 1),
        (1, ItemType::I8, "int8", 1),
        (2, ItemType::U8, "uint8", 1),
        (3, ItemType::I16, "int16", 2),
        (4, ItemType::U16, "uint16", 2),
        (5, ItemType::I32, "int32", 4),
        (6, ItemType::U32, "uint32", 4),
        (7, ItemType::I64, "int64", 8),
        (8, ItemType::U64, "uint64", 8),
        (9, ItemType::F32, "float32", 4),
        (10, ItemType::F64, "float64", 8),
        (11, ItemType::String, "string", 8),
        (12, ItemType::None, "none", 0),
    ] {
        assert_eq!((item_type as u8, item_type.name(), item_type.to_string()), (number, name, name.to_owned()));
        // One value, or a text without bytes; none of none.
        let found = one(item(number, &[u32::from(width > 0)], &vec![0; width]));
        assert_eq!((found.item_type(), found.len(), found.data().len()), (item_type, usize::from(width > 0), width));
    }
}

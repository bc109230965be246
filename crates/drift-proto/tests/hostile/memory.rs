//! What is taken from a length (R1), from many small things (R2), and what a shape multiplies to (R5).

use bytes::Bytes;
use drift_proto::{
    DecodeErrorKind as Kind, DriftBytesRef, DriftBytesWriter, EncodeError, ItemType, Limits, Package, PackageBuilder,
    PackageRef, Values,
};
use testkit::laws::hostile_lengths;
use testkit::{assert_no_alloc, measure};

use crate::proto::*;
use crate::support::*;

const DEFAULT: &Limits = &Limits::DEFAULT;

#[test]
fn r01_lengths_of_fields_are_believed_only_as_far_as_there_are_bytes() {
    // Each field of bytes that a package has, at the top and further down; the length is the last that is in front of nothing.
    let tops = [2, 3, 5, 6, 7, 8, 100].map(|field| tag(field, 2));
    let downs = [&[5, 1][..], &[5, 2], &[6, 2, 1], &[6, 5, 1], &[6, 6, 1, 1], &[6, 6, 1, 2], &[6, 8, 1, 1], &[7, 1]];
    let downs = downs.map(|fields| {
        let (last, outer) = fields.split_last().unwrap();
        (outer, tag(*last, 2))
    });
    for len in hostile_lengths(64, 5).into_iter().filter(|len| *len > 5) {
        for (outer, tag) in tops.iter().map(|tag| (&[][..], tag.clone())).chain(downs.iter().cloned()) {
            let inner = [tag, varint(len), b"abcde".to_vec()].concat();
            let package = nested(outer.iter().copied(), &inner);
            let error = assert_no_alloc(|| read(&package, DEFAULT).unwrap_err());
            assert_eq!((error.kind(), error.offset()), (Kind::UnexpectedEnd, package.len() as u64), "{package:02x?}");
            let owned = Bytes::from(package);
            // Whoever clones such a buffer for the first time pays for the counter of its owners.
            let _owner = owned.clone();
            let ((), stats) = measure(|| assert_eq!(Package::decode(owned.clone()), Err(error)));
            assert_eq!(stats.bytes, 0);
        }
    }
}

#[test]
fn r01_numbers_of_typed_data_are_believed_only_as_far_as_there_are_bytes() {
    let values = [0x55; 12];
    for kind in 0..=12 {
        for axis in hostile_lengths(32, 12).into_iter().filter(|axis| *axis > 12) {
            for item in [item(kind, &[axis as u32], &values), big_item(kind, &[axis as u32], &values)] {
                let bytes = [vec![1, 0], item].concat();
                let error = assert_no_alloc(|| read_typed(&bytes, DEFAULT).unwrap_err());
                let due = if kind == 12 { (Kind::NotEmpty, 3) } else { (Kind::InvalidShape, 4) };
                assert_eq!((error.kind(), error.offset()), due);
            }
        }
        for rank in hostile_lengths(64, 12).into_iter().filter(|rank| *rank > 12) {
            for order in [rank.to_le_bytes(), rank.to_be_bytes()] {
                let little = u8::from(order == rank.to_le_bytes());
                let bytes = [&[1, 0, little, kind][..], &order, &values].concat();
                let error = assert_no_alloc(|| read_typed(&bytes, DEFAULT).unwrap_err());
                assert_eq!((error.kind(), error.offset()), (Kind::LimitExceeded, 4));
            }
        }
    }
    for len in hostile_lengths(64, 4).into_iter().filter(|len| *len > 4) {
        for bytes in [item(11, &[1], &len.to_le_bytes()), big_item(11, &[1], &len.to_be_bytes())] {
            let bytes = [&[1, 0][..], &bytes, b"text"].concat();
            let error = assert_no_alloc(|| read_typed(&bytes, DEFAULT).unwrap_err());
            assert_eq!((error.kind(), error.offset()), (Kind::UnexpectedEnd, bytes.len() as u64));
        }
    }
}

/// Many of the smallest there are.
const MANY: usize = if cfg!(miri) { 100 } else { 1 << 17 };

#[test]
fn r02_views_take_nothing_for_the_smallest_of_everything() {
    let empty_meta = part(6, []);
    let names = part(6, part(8, [0x0a, 0].repeat(MANY)));
    let aligned = part(6, part(6, [0x0a, 0].repeat(MANY)));
    let payload = any(PAYLOAD, &part(1, [0].repeat(MANY)));
    let (label, data, unknown) = ([0x3a, 0], [0x2a, 0], [0x40, 0]);
    for package in [label.repeat(MANY), data.repeat(MANY), unknown.repeat(MANY), empty_meta.repeat(MANY)] {
        assert!(assert_no_alloc(|| read(&package, DEFAULT)).is_ok());
    }
    for package in [names, aligned, payload] {
        assert!(assert_no_alloc(|| read(&package, DEFAULT)).is_ok());
    }
    let none = [vec![1, 0], item(12, &[0], b"").repeat(MANY / 8)].concat();
    assert_eq!(assert_no_alloc(|| read_typed(&none, DEFAULT)), Ok(MANY / 8));
    let texts = [&[1, 0][..], &item(11, &[MANY as u32], &[0; 8].repeat(MANY))].concat();
    assert_eq!(assert_no_alloc(|| read_typed(&texts, DEFAULT)), Ok(1));
}

#[test]
fn r02_owning_costs_a_stated_multiple() {
    let labels = [0x3a, 0].repeat(MANY);
    let shared = Bytes::from(labels.clone());
    let _owner = shared.clone();
    // Its bytes are shared, and a copy has as many.
    let (package, stats) = measure(|| Package::decode(shared.clone()).unwrap());
    assert_eq!((stats.bytes, package.as_ref().labels().count()), (0, MANY));
    let (_, stats) = measure(|| PackageRef::decode(&labels).unwrap().into_owned());
    assert!(stats.peak <= labels.len() + 64, "{stats:?}");
    // To change a package takes nothing for what is not changed.
    for package in [labels, [0x2a, 0].repeat(MANY), [0x40, 0].repeat(MANY)] {
        let builder = assert_no_alloc(|| PackageBuilder::from(PackageRef::decode(&package).unwrap()));
        let (written, stats) = measure(|| builder.encode_to_vec().unwrap());
        assert_eq!((written == package, stats.allocations, stats.peak), (true, 1, package.len()));
    }
}

#[cfg(feature = "prost")]
#[test]
fn r02_types_of_prost_cost_a_stated_multiple() {
    use drift_proto::proto::common::{DriftPackage, drift_package::Label};
    use drift_proto::proto::protobuf::Any;
    for (package, slot) in [([0x3a, 0].repeat(MANY), size_of::<Label>()), ([0x2a, 0].repeat(MANY), size_of::<Any>())] {
        let package = Package::decode(package.into()).unwrap();
        let (_, stats) = measure(|| DriftPackage::from(&package));
        assert!(stats.peak <= 3 * MANY * slot + 1024, "{stats:?}");
    }
}

#[test]
fn r05_products_of_axes_do_not_wrap() {
    const MAX: u32 = u32::MAX;
    let shapes: [&[u32]; 10] = [
        &[1 << 16, 1 << 16],
        &[(1 << 16) + 1, 1 << 16],
        &[1 << 31, 2],
        &[1 << 29],
        &[1 << 16; 4],
        &[1 << 31, 1 << 31, 4],
        &[MAX, MAX],
        &[MAX; 8],
        &[3, 5, 17, 257, 65_537],
        &[641, 6_700_417],
    ];
    for kind in 0..=11 {
        for shape in shapes {
            for item in [item(kind, shape, &[0; 64]), big_item(kind, shape, &[0; 64])] {
                let bytes = [vec![1, 0], item].concat();
                let error = assert_no_alloc(|| read_typed(&bytes, DEFAULT).unwrap_err());
                assert_eq!((error.kind(), error.offset()), (Kind::InvalidShape, 4), "{shape:?}");
            }
        }
    }
    // One axis of 0 makes it none, however large the others are, and whatever the type.
    for shape in [&[0, MAX][..], &[MAX, MAX, MAX, 0], &[0; 8]] {
        for kind in [0, 8, 11, 12, 99, 255] {
            let bytes = [vec![1, 0], item(kind, shape, b"")].concat();
            let item = DriftBytesRef::decode(&bytes).unwrap().items().next().unwrap();
            assert_eq!(
                (item.item_type(), item.len(), item.shape().iter().eq(shape.iter().copied())),
                (ItemType::None, 0, true)
            );
        }
    }
}

#[test]
fn r05_written_shapes_do_not_wrap() {
    let mut writer = DriftBytesWriter::new();
    let shapes = [(&[1 << 16; 2][..], 1 << 32), (&[1 << 16; 4], u64::MAX), (&[1 << 31, 1 << 31, 4], u64::MAX)];
    for (shape, due) in shapes.into_iter().chain([(&[u32::MAX; 8][..], u64::MAX)]) {
        // Whoever counts in 32 or 64 bits comes to 0, or to 1.
        assert_eq!(writer.item(shape, Values::None).err(), Some(EncodeError::Shape { values: 0, due }));
        assert_eq!(writer.item(shape, Values::I8(&[7])).err(), Some(EncodeError::Shape { values: 1, due }));
    }
    assert_eq!(writer.finish(), [1, 0]);
}

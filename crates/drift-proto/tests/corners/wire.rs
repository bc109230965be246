//! Numbers, tags and groups as they may stand on the wire.

use drift_proto::{
    DataType, DecodeErrorKind as Kind, ImageType, InfoRef, PackageBuilder, PackageRef, StatusCode, WaveletBufferInfo,
};

use crate::proto::*;

fn fault(bytes: &[u8]) -> (Kind, u64) {
    let error = PackageRef::decode(bytes).unwrap_err();
    (error.kind(), error.offset())
}

/// A number with as many bytes as asked for.
fn stretched(value: u64, len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        (0..len).map(|at| (value.checked_shr(7 * at as u32).unwrap_or(0) & 0x7f) as u8 | 0x80).collect();
    bytes[len - 1] &= 0x7f;
    bytes
}

#[test]
fn numbers_may_be_longer_than_they_need_to_be() {
    for len in 1..=10 {
        let id = [vec![0x08], stretched(5, len)].concat();
        assert_eq!(PackageRef::decode(&id).unwrap().id(), 5, "{len}");
        // Tags and lengths are numbers, too.
        let label = [stretched(7 << 3 | 2, len), stretched(3, len), vec![0x0a, 1, b'k']].concat();
        assert_eq!(PackageRef::decode(&label).unwrap().labels().next().unwrap().key, "k", "{len}");
        // A number is written with no more than it needs; a label that is not changed as it came.
        let both = [id, label.clone()].concat();
        let written = PackageBuilder::from(PackageRef::decode(&both).unwrap()).encode_to_vec().unwrap();
        assert_eq!(written, [number(1, 5), label].concat());
    }
    for (number, at) in [([vec![0x08], stretched(5, 11)].concat(), 1), ([stretched(8, 11), vec![5]].concat(), 0)] {
        assert_eq!(fault(&number), (Kind::InvalidVarint, at));
    }
    assert_eq!(fault(&[vec![0x3a], stretched(0, 11)].concat()), (Kind::InvalidVarint, 1));
    // One that ends is short, however long it is.
    assert_eq!(fault(&[&[0x08][..], &[0x80; 9]].concat()), (Kind::UnexpectedEnd, 10));
}

#[test]
fn bits_beyond_the_width_of_a_number_are_dropped() {
    let status = |value| PackageRef::decode(&number(4, value)).unwrap().status();
    assert_eq!(
        (status(1 << 32 | 513), status(u64::MAX), status(1 << 40)),
        (StatusCode(513), StatusCode(-1), StatusCode(0))
    );
    assert_eq!(status(0x8000_0000), StatusCode(i32::MIN));
    let bytes_of_meta =
        part(6, [number(1, 1 << 32 | 5), part(7, number(1, 1 << 32 | 3)), part(3, number(1, u64::MAX))].concat());
    let meta = PackageRef::decode(&bytes_of_meta).unwrap().meta().unwrap();
    assert_eq!(meta.data_type(), DataType::TYPED_DATA);
    assert_eq!(meta.wavelet_buffer(), Some(WaveletBufferInfo { abi_version: 3, ..WaveletBufferInfo::default() }));
    assert!(matches!(meta.info(), Some(InfoRef::Image(image)) if image.image_type == ImageType(-1)));
    let payload = any(PAYLOAD, &[number(1, 1 << 32 | 7), part(1, varint(u64::MAX))].concat());
    let payload = PackageRef::decode(&payload).unwrap().payload().unwrap().unwrap();
    assert_eq!(payload.shape().collect::<Vec<_>>(), [7, u32::MAX]);
    // Of ten bytes, the seventh bit and more of the last.
    let id = [&[0x08][..], &[0xff; 9], &[0x7f]].concat();
    assert_eq!(PackageRef::decode(&id).unwrap().id(), -1);
}

#[test]
fn ids_are_any_64_bits() {
    for id in [i64::MIN, -1_630_062_869_443, -1, 0, 1, i64::MAX] {
        let bytes = if id == 0 { Vec::new() } else { number(1, id as u64) };
        assert_eq!(PackageRef::decode(&bytes).unwrap().id(), id);
        assert_eq!(PackageBuilder::new(id).encode_to_vec().unwrap(), bytes);
        // Of negative ones ten bytes behind the tag.
        assert_eq!(bytes.len() == 11, id < 0);
    }
}

#[test]
fn field_numbers_are_1_to_29_bits() {
    for field in [16, 19_000, (1 << 29) - 1] {
        assert_eq!(PackageRef::decode(&number(field, 1)).unwrap().unknown_fields().count(), 1);
    }
    for start in [0_u64, 1, 2, 5, 1 << 32, (1 << 32) | 2, u64::MAX, 1 << 63] {
        let bytes = [vec![0x08, 1], varint(start), vec![0; 8]].concat();
        assert_eq!(fault(&bytes), (Kind::InvalidTag, 2), "{start:x}");
    }
    for kind in [6, 7] {
        for field in [1, 9, 16, 5000] {
            assert_eq!(fault(&[tag(field, kind), vec![0; 8]].concat()), (Kind::InvalidTag, 0));
            assert_eq!(fault(&[tag(10, 3), tag(field, kind), tag(10, 4)].concat()), (Kind::InvalidTag, 1));
        }
    }
}

#[test]
fn groups_end_as_they_began() {
    let good = [
        group(10, &[]),
        group(10, &[number(1, 1), group(10, &group(11, &part(5, "x"))), float(2, 1.0)].concat()),
        group(1, &[&tag(3, 1)[..], &[0; 8]].concat()),
        group(6, b"\x0a\x02\xff\xff"),
    ];
    for bytes in &good {
        let package = PackageRef::decode(bytes).unwrap();
        assert_eq!(package.unknown_fields().collect::<Vec<_>>(), [&bytes[..]]);
    }
    let all = good.concat();
    assert_eq!(PackageRef::decode(&all).unwrap().unknown_fields().count(), 4);
    for (bytes, due) in [
        (tag(10, 4), (Kind::UnexpectedGroupEnd, 0)),
        ([tag(10, 3), tag(11, 4)].concat(), (Kind::UnexpectedGroupEnd, 1)),
        ([tag(10, 3), tag(11, 3), tag(10, 4), tag(11, 4)].concat(), (Kind::UnexpectedGroupEnd, 2)),
        ([group(10, &[]), tag(10, 4)].concat(), (Kind::UnexpectedGroupEnd, 2)),
        (tag(10, 3), (Kind::UnexpectedEnd, 1)),
        ([tag(10, 3), tag(11, 3), tag(11, 4)].concat(), (Kind::UnexpectedEnd, 3)),
        ([tag(10, 3), vec![0x12, 5, b'x'], tag(10, 4)].concat(), (Kind::UnexpectedEnd, 5)),
        ([tag(10, 3), vec![0x00]].concat(), (Kind::InvalidTag, 1)),
        ([tag(10, 3), vec![0x08], vec![0xff; 11]].concat(), (Kind::InvalidVarint, 2)),
        // A group does not end in a message that it began in front of.
        ([tag(10, 3), part(6, tag(10, 4))].concat(), (Kind::UnexpectedEnd, 4)),
        (part(6, tag(10, 3)), (Kind::UnexpectedEnd, 3)),
    ] {
        assert_eq!(fault(&bytes), due, "{bytes:02x?}");
    }
}

#[test]
fn fixed_numbers_are_whole() {
    for len in 0..4 {
        assert_eq!(fault(&[tag(9, 5), vec![0; len]].concat()), (Kind::UnexpectedEnd, 1 + len as u64));
    }
    for len in 0..8 {
        assert_eq!(fault(&[tag(9, 1), vec![0; len]].concat()), (Kind::UnexpectedEnd, 1 + len as u64));
    }
}

/// Any bytes of a float are kept: what is not a number, and the sign of zero.
#[test]
fn floats_are_their_bits() {
    for bits in [0x7fc0_0001_u32, 0xff80_0000, 0x8000_0000, 1, 0x7f7f_ffff, 0xffff_ffff] {
        let bytes = part(6, part(2, [&tag(6, 5)[..], &bits.to_le_bytes()].concat()));
        let package = PackageRef::decode(&bytes).unwrap();
        let Some(InfoRef::TimeSeries(series)) = package.meta().unwrap().info() else { panic!() };
        assert_eq!(series.min.to_bits(), bits);
        assert_eq!(PackageBuilder::from(package).encode_to_vec().unwrap(), bytes);
    }
}

//! Sizes that mean harm (R5, R6): shapes and strides that overflow, and what is too long for a length of MessagePack.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

mod common;

use common::{Pack, array};
use msgpack_numpy_codec::{
    Array, ArrayRef, DType, DecodeErrorKind, EncodeError, Field, LayoutError, Limit, Limits, Scalar, ScalarRef,
    ShapeRef, StridedArrayRef, Tape, ValueRef, Writer,
};
use testkit::assert_no_alloc;

#[test]
fn r05_strides_at_the_ends_of_their_range() {
    let ends = [i64::MIN, i64::MIN + 1, -(1 << 62), -3, -1, 0, 1, 3, 1 << 62, i64::MAX - 1, i64::MAX];
    let lens = [0, 1, 2, 3, 1 << 31, 1 << 32, 1 << 63, u64::MAX];
    let starts = [0, 1, 7, 8, 9, usize::MAX - 8, usize::MAX];
    let dtype = DType::parse("<i2").unwrap();
    let (mut taken, mut refused) = (0, 0);
    for data in [&b""[..], b"abcdefgh"] {
        for first in lens {
            for second in lens {
                for one in ends {
                    for other in ends {
                        let start = starts[(taken + refused) % starts.len()];
                        let (shape, strides) = ([first, second], [one, other]);
                        let made =
                            assert_no_alloc(|| StridedArrayRef::new(dtype.as_ref(), &shape, &strides, data, start));
                        let items = u128::from(first).saturating_mul(u128::from(second));
                        // Each item, by integers that cannot overflow.
                        let ends = |stride: i64, len: u64| [0, (i128::from(len) - 1) * i128::from(stride)];
                        let fits = || {
                            let corners = ends(one, first).map(|a| ends(other, second).map(|b| start as i128 + a + b));
                            corners.as_flattened().iter().all(|at| *at >= 0 && at + 2 <= data.len() as i128)
                        };
                        let is_ok = items == 0 || (items.saturating_mul(2) <= u64::MAX.into() && fits());
                        assert_eq!(made.is_ok(), is_ok, "{shape:?} {strides:?} {start}");
                        let Ok(array) = made else {
                            refused += 1;
                            continue;
                        };
                        taken += 1;
                        // Few of them, or broadcast.
                        if items <= 64 {
                            assert_eq!(array.to_array().unwrap().data().len() as u128, items * 2);
                            assert_eq!(array.encode_to_vec().map(|bytes| bytes.len()), array.encoded_len());
                        } else if items > 1 << 32 {
                            assert_no_alloc(|| {
                                assert!(matches!(array.encoded_len(), Err(EncodeError::TooLong { .. })))
                            });
                        }
                        let _ = format!("{array:?}");
                    }
                }
            }
        }
    }
    assert!(taken > 1000 && refused > 1000, "{taken} {refused}");
}

#[test]
fn r05_products_beyond_64_bits_are_refused() {
    let dtype = DType::parse("<f8").unwrap();
    for shape in [&[1 << 61][..], &[1 << 32, 1 << 32], &[u64::MAX, u64::MAX], &[2; 64], &[3, 6_148_914_691_236_517_206]]
    {
        let strides = vec![0; shape.len()];
        let strided = assert_no_alloc(|| StridedArrayRef::new(dtype.as_ref(), shape, &strides, &[0; 8], 0).map(drop));
        assert_eq!(strided, Err(LayoutError::Shape), "{shape:?}");
        assert_eq!(ArrayRef::new(dtype.as_ref(), ShapeRef::new(shape), &[0; 8]), Err(LayoutError::Shape), "{shape:?}");
    }
    // An axis of nothing makes nothing, however long the others are and wherever the strides lead.
    for shape in [&[0, u64::MAX, u64::MAX][..], &[u64::MAX, u64::MAX, 0]] {
        let array = StridedArrayRef::new(dtype.as_ref(), shape, &[i64::MIN; 3], b"", usize::MAX).unwrap();
        let bytes = array.encode_to_vec().unwrap();
        let back = ArrayRef::decode(&bytes).unwrap();
        assert_eq!((back.shape(), back.data()), (ShapeRef::new(shape), &b""[..]));
        assert_eq!(array.to_array().unwrap().as_ref(), back);
    }
    // Sub-arrays and sums of fields, and ends of fields.
    let plain = DType::parse("<f8").unwrap();
    let field = |offset, shape: &[u64]| Field {
        name: "a".into(),
        title: None,
        offset,
        dtype: plain.clone(),
        shape: shape.to_vec(),
    };
    for (field, itemsize) in [
        (field(u64::MAX, &[]), u64::MAX),
        (field(u64::MAX - 6, &[]), u64::MAX),
        (field(0, &[1 << 61]), u64::MAX),
        (field(0, &[1 << 32, 1 << 32]), u64::MAX),
        (field(1, &[(1 << 61) - 1]), u64::MAX - 7),
        (field(1, &[]), 8),
    ] {
        assert_eq!(DType::structured(vec![field.clone()], itemsize), None, "{field:?}");
    }
    let huge = DType::structured(vec![field(u64::MAX - 8, &[])], u64::MAX).unwrap();
    assert_eq!(huge.itemsize(), Some(u64::MAX));
    // Nothing of it fits.
    assert_eq!(ArrayRef::new(huge.as_ref(), ShapeRef::new(&[2]), b""), Err(LayoutError::Shape));
    let empty = Array::new(huge.clone(), vec![0], b"").unwrap();
    // A gap so long is told by the shape of a void, not by its width.
    let written = empty.encode_to_vec().unwrap();
    assert_eq!(ArrayRef::decode(&written).unwrap(), empty.as_ref());
    let strided = StridedArrayRef::new(huge.as_ref(), &[1], &[0], &[0; 64], 0);
    assert_eq!(strided.map(drop), Err(LayoutError::Strides));
}

/// A gap of any width is told in few bytes, and read back; none costs more for being wide.
#[test]
fn r05_gaps_of_any_width_are_told_in_few_bytes() {
    let widest = u64::from(u32::MAX);
    let at = |offset, name: &str| {
        let dtype = DType::parse("|u1").unwrap();
        Field { name: name.into(), title: None, offset, dtype, shape: vec![] }
    };
    for gap in [1, widest - 1, widest, widest + 1, 2 * widest, 2 * widest + 7, 1 << 40, 1 << 52] {
        // Before, behind, both, and nothing else.
        for dtype in [
            DType::structured(vec![at(gap, "a")], gap + 1),
            DType::structured(vec![at(0, "a")], gap + 1),
            DType::structured(vec![at(gap, "a"), at(2 * gap + 1, "b")], 3 * gap + 2),
            DType::structured(vec![], gap),
        ] {
            let array = Array::new(dtype.unwrap(), vec![0], b"").unwrap();
            assert!(array.encoded_len().unwrap() < 300, "{gap}: {:?}", array.encoded_len());
            let bytes = array.encode_to_vec().unwrap();
            assert_eq!(Array::decode(&bytes).unwrap(), array, "{gap}");
        }
    }
}

/// From 4 GiB on a length would be written as another one.
#[test]
fn r06_what_is_longer_than_a_length_can_tell_is_refused() {
    let dtype = DType::parse("|u1").unwrap();
    let strides = [0];
    let of = |shape| StridedArrayRef::new(dtype.as_ref(), shape, &strides, b"a", 0).unwrap();
    // A head of 85, nd, type, kind, shape of one axis of five bytes, and data of five.
    let head = 1 + 5 + (6 + 4) + (6 + 2) + (7 + 1 + 5) + (6 + 5);
    let (longest, one_more, huge) = ([u32::MAX.into()], [1 << 32], [1 << 40]);
    assert_no_alloc(|| {
        assert_eq!(of(&longest).encoded_len(), Ok(head + u32::MAX as usize));
        for (shape, len) in [(&one_more, 1 << 32), (&huge, 1 << 40)] {
            let error = EncodeError::TooLong { len };
            assert_eq!(of(shape).encoded_len(), Err(error));
            assert_eq!(of(shape).encode_to_vec(), Err(error));
            assert_eq!(of(shape).to_array().map(drop), Err(error));
            assert_eq!(of(shape).encode(&mut &mut [0_u8; 9][..]), Err(error));
            assert_eq!(Writer::new().strided(of(shape)), Err(error));
        }
        // It would fit no buffer of the world, and is asked for none.
        let full = of(&longest).encode(&mut &mut [0_u8; 9][..]);
        assert_eq!(full, Err(EncodeError::BufferFull { needed: head + u32::MAX as usize, available: 9 }));
    });
}

/// The same with as many bytes: pages of zeros that nobody touches.
#[test]
#[cfg(all(target_pointer_width = "64", target_os = "linux", not(miri)))]
fn r06_slices_of_4_gib_are_refused() {
    let huge = vec![0_u8; 1 << 32];
    let error = EncodeError::TooLong { len: 1 << 32 };
    let (dtype, opaque) = (DType::parse("|u1").unwrap(), array("bogus", &[1], b""));
    let opaque = ArrayRef::decode(&opaque).unwrap().dtype();
    let shape = [1 << 32];
    let plain = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&shape), &huge).unwrap();
    let unknown = ArrayRef::new(opaque, ShapeRef::NONE, &huge).unwrap();
    let scalar = ScalarRef::new(opaque, &huge).unwrap();
    let values = [
        ValueRef::Bin(&huge),
        ValueRef::Str(&huge),
        ValueRef::Ext(1, &huge),
        ValueRef::Array(plain),
        ValueRef::Array(unknown),
        ValueRef::Scalar(scalar),
    ];
    let mut writer = Writer::new();
    writer.list(2).unwrap();
    let before = format!("{writer:?}");
    for value in values {
        let found = assert_no_alloc(|| (value.encoded_len(), value.encode_to_vec()));
        assert_eq!(found, (Err(error), Err(error)), "{value:?}");
        assert_eq!(value.into_owned(), Err(error));
        assert_eq!((writer.value(value), format!("{writer:?}")), (Err(error), before.clone()));
    }
    assert_eq!((writer.array(plain), writer.bin(&huge), writer.scalar(scalar)), (Err(error), Err(error), Err(error)));
    // One byte less is written, and not copied.
    let (shape, longest) = ([u32::MAX.into()], &huge[1..]);
    let most = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&shape), longest).unwrap();
    writer.array(most).unwrap();
    writer.bin(longest).unwrap();
    let encoded = writer.finish().unwrap();
    assert_eq!(encoded.len(), 1 + most.encoded_len().unwrap() + 5 + longest.len());
    let slices: Vec<_> = encoded.slices().collect();
    assert_eq!((slices.len(), slices[1].as_ptr(), slices[3].as_ptr()), (4, longest.as_ptr(), longest.as_ptr()));
    assert!(slices[0].ends_with(b"\xce\xff\xff\xff\xff\xc4\x04data\xc6\xff\xff\xff\xff"));
    assert_eq!(slices[2], b"\xc6\xff\xff\xff\xff");
    // No place in it could be told by 32 bits.
    let mut tape = Tape::new();
    let error = tape.parse(&huge, &Limits::DEFAULT).map(drop).unwrap_err();
    assert_eq!((error.limit(), error.offset(), tape.capacity()), (Some(Limit::MaxLen), 0, 0));
    assert_eq!(error.to_string(), "exceeds max_len 4294967295 at byte 0 (value)");
    let error = tape.parse(longest, &Limits::DEFAULT).map(drop).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::TrailingBytes, 1));
}

/// Lengths at the ends of each form, in texts inside a dtype too: read back, they are what they were.
#[test]
fn r06_lengths_inside_are_read_back() {
    for len in [0_usize, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        if cfg!(miri) && len > 256 {
            continue;
        }
        // A name, a title, and a gap of so many bytes; as many fields.
        let plain = DType::parse("|u1").unwrap();
        let field = |name: String, title, offset| Field { name, title, offset, dtype: plain.clone(), shape: vec![] };
        let long = field("n".repeat(len), Some("t".repeat(len)), len as u64);
        let mut dtypes = vec![DType::structured(vec![long], len as u64 + 1).unwrap()];
        if len > 0 && len < 300 {
            let fields = (0..len).map(|index| field(format!("f{index}"), None, index as u64)).collect();
            dtypes.push(DType::structured(fields, len as u64).unwrap());
        }
        for dtype in dtypes {
            let size = dtype.itemsize().unwrap() as usize;
            let array = Array::new(dtype.clone(), vec![2], vec![7; 2 * size]).unwrap();
            assert_eq!(Array::decode(&array.encode_to_vec().unwrap()).unwrap(), array);
            let scalar = Scalar::new(dtype, vec![8; size].into()).unwrap();
            let bytes = scalar.encode_to_vec().unwrap();
            let ValueRef::Scalar(back) = ValueRef::decode(&bytes).unwrap() else { panic!("{len}") };
            assert_eq!(back, scalar.as_ref());
        }
        // A kind of so many bytes, which nobody understands.
        let kind = Pack::default().bin(&vec![b'k'; len]).0;
        let head = Pack::map(5).bin(b"nd").raw(b"\xc3").bin(b"type").str("?!").bin(b"shape").raw(b"\x90");
        let message = head.bin(b"data").raw(b"\xc4\x01a").bin(b"kind").raw(&kind).0;
        let array = Array::decode(&message).unwrap();
        assert_eq!(Array::decode(&array.encode_to_vec().unwrap()).unwrap(), array);
    }
}

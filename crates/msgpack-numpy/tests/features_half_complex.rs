//! Features `half` and `num-complex`: their types as items.

#![cfg(any(feature = "half", feature = "num-complex"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::float_cmp,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

mod common;

use common::golden;

/// The bytes of a vector.
fn vector(name: &str) -> Option<Vec<u8>> {
    // Under Miri there is only a sample of them.
    let found = golden("valid").into_iter().find(|(vector, _)| vector["name"] == name).map(|(_, bytes)| bytes);
    assert!(found.is_some() || cfg!(miri), "{name}");
    found
}

#[cfg(feature = "half")]
mod half {
    use half::f16;
    use msgpack_numpy_codec::{Array, ArrayRef, DType, Element, Kind, Scalar, ScalarRef, ShapeRef};
    use testkit::slices::at_every_offset;

    use super::vector;

    /// Those of the vectors, from IEEE 754: 0, -0, 1, -2.5, infinity, -infinity, a NaN.
    const BITS: [u16; 7] = [0x0000, 0x8000, 0x3c00, 0xc100, 0x7c00, 0xfc00, 0x7e00];

    fn bits(items: &[f16]) -> Vec<u16> {
        items.iter().map(|item| item.to_bits()).collect()
    }

    #[test]
    fn golden_halves_are_read_in_both_orders() {
        for name in ["arr_le_f2", "arr_be_f2"] {
            let Some(message) = vector(name) else { continue };
            let array = ArrayRef::decode(&message).unwrap();
            assert_eq!(bits(&array.to_vec::<f16>().unwrap()), BITS, "{name}");
            assert_eq!(bits(&array.iter::<f16>().unwrap().collect::<Vec<_>>()), BITS, "{name}");
            let mut copy = [f16::ONE; 7];
            array.copy_to(&mut copy).unwrap();
            assert_eq!(bits(&copy), BITS, "{name}");
            assert_eq!(copy[3].to_f64(), -2.5);
            // Of the same size, and no halves.
            assert!(array.to_vec::<u16>().is_err() && array.to_vec::<i16>().is_err());
        }
        let Some(message) = vector("arr_le_u2") else { return };
        assert!(ArrayRef::decode(&message).unwrap().to_vec::<f16>().is_err());
    }

    #[test]
    fn golden_halves_are_written() {
        assert_eq!((f16::dtype().kind(), f16::dtype().itemsize()), (Kind::Float, 2));
        assert_eq!(f16::dtype().to_string(), if cfg!(target_endian = "little") { "<f2" } else { ">f2" });
        let items = BITS.map(f16::from_bits);
        let array = Array::from_slice(&[7], &items).unwrap();
        assert_eq!(array.data().as_ptr(), items.as_ptr().cast());
        let scalar = Scalar::of(f16::from_f32(1.5));
        assert_eq!(scalar.as_ref().get::<f16>(), Some(f16::from_f32(1.5)));
        assert_eq!(scalar.as_ref().get::<u16>(), None);
        if cfg!(target_endian = "little") {
            if let Some(message) = vector("arr_le_f2") {
                assert_eq!(array.encode_to_vec().unwrap(), message);
            }
            if let Some(message) = vector("scalar_f2") {
                assert_eq!(scalar.encode_to_vec().unwrap(), message);
            }
        }
    }

    #[test]
    fn slices_are_borrowed_where_halves_may_lie() {
        let dtype = DType::Plain(f16::dtype());
        let data: Vec<u8> = BITS.into_iter().flat_map(u16::to_ne_bytes).collect();
        let mut borrowed = 0;
        at_every_offset(&data, |data| {
            let array = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[7]), data).unwrap();
            assert_eq!(bits(&array.to_vec::<f16>().unwrap()), BITS);
            if let Some(items) = array.as_slice::<f16>() {
                assert_eq!((bits(items).as_slice(), items.as_ptr().cast()), (&BITS[..], data.as_ptr()));
                borrowed += 1;
            }
        });
        assert_eq!(borrowed, 8);
        let big = DType::parse(if cfg!(target_endian = "little") { ">f2" } else { "<f2" }).unwrap();
        let array = ArrayRef::new(big.as_ref(), ShapeRef::new(&[7]), &data).unwrap();
        assert_eq!(array.as_slice::<f16>(), None);
    }

    #[test]
    fn every_half_keeps_its_bits() {
        for order in ["<f2", ">f2"] {
            let dtype = DType::parse(order).unwrap();
            for all in (0..=u16::MAX).step_by(if cfg!(miri) { 997 } else { 1 }) {
                let bytes = if order == "<f2" { all.to_le_bytes() } else { all.to_be_bytes() };
                let scalar = ScalarRef::new(dtype.as_ref(), &bytes).unwrap();
                assert_eq!(scalar.get::<f16>().map(f16::to_bits), Some(all));
            }
        }
    }

    #[test]
    fn halves_are_read_as_fields() {
        let dtype = DType::parse("[('a', '|u1'), ('h', '>f2', (2,))]").unwrap();
        let data = [9, 0x3c, 0x00, 0xc1, 0x00, 9, 0x7c, 0x00, 0x00, 0x00];
        let array = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[2]), &data).unwrap();
        let field = array.field("h").unwrap().to_vec::<f16>().unwrap();
        assert_eq!(bits(&field), [0x3c00, 0xc100, 0x7c00, 0x0000]);
    }
}

#[cfg(feature = "num-complex")]
mod complex {
    use msgpack_numpy_codec::{Array, ArrayRef, DType, Element, Kind, Scalar, ShapeRef};
    use num_complex::Complex;
    use testkit::slices::at_every_offset;

    use super::vector;

    /// Those of the vectors: 1+2j and -0-0.5j, whose zero keeps its sign.
    const PARTS: [[f64; 2]; 2] = [[1.0, 2.0], [-0.0, -0.5]];

    /// Equal in all bits.
    #[track_caller]
    fn assert_parts(items: &[Complex<f64>]) {
        let bits = |[re, im]: [f64; 2]| [re.to_bits(), im.to_bits()];
        let items: Vec<_> = items.iter().map(|item| bits([item.re, item.im])).collect();
        assert_eq!(items, PARTS.map(bits));
    }

    fn wide(items: &[Complex<f32>]) -> Vec<Complex<f64>> {
        items.iter().map(|item| Complex::new(item.re.into(), item.im.into())).collect()
    }

    #[test]
    fn golden_complex_numbers_are_read_in_both_orders() {
        for name in ["arr_le_c8", "arr_be_c8"] {
            let Some(message) = vector(name) else { continue };
            let array = ArrayRef::decode(&message).unwrap();
            assert_parts(&wide(&array.to_vec().unwrap()));
            let mut copy = [Complex::new(9.0_f32, 9.0); 2];
            array.copy_to(&mut copy).unwrap();
            assert_parts(&wide(&copy));
            assert_eq!(array.to_vec::<Complex<f64>>().ok(), None);
            assert_eq!(array.to_vec::<f64>().ok(), None);
        }
        for name in ["arr_le_c16", "arr_be_c16"] {
            let Some(message) = vector(name) else { continue };
            let array = ArrayRef::decode(&message).unwrap();
            assert_parts(&array.to_vec().unwrap());
            assert_parts(&array.iter().unwrap().collect::<Vec<_>>());
            assert_eq!(array.to_vec::<Complex<f32>>().ok(), None);
        }
    }

    #[test]
    fn golden_complex_numbers_are_written() {
        for (dtype, size) in [(Complex::<f32>::dtype(), 8), (Complex::<f64>::dtype(), 16)] {
            assert_eq!((dtype.kind(), dtype.itemsize(), dtype.is_native()), (Kind::Complex, size, true));
        }
        let narrow = PARTS.map(|[re, im]| Complex::new(re as f32, im as f32));
        let full = PARTS.map(|[re, im]| Complex::new(re, im));
        let arrays = [Array::from_slice(&[2], &narrow).unwrap(), Array::from_slice(&[2], &full).unwrap()];
        assert_eq!(arrays[0].data().as_ptr(), narrow.as_ptr().cast());
        assert_eq!(arrays[1].data().as_ptr(), full.as_ptr().cast());
        let scalars = [Scalar::of(Complex::new(1.0_f32, 2.0)), Scalar::of(Complex::new(1.0_f64, 2.0))];
        assert_eq!(scalars[0].as_ref().get(), Some(Complex::new(1.0_f32, 2.0)));
        assert_eq!(scalars[1].as_ref().get::<Complex<f32>>(), None);
        if cfg!(target_endian = "little") {
            for (name, array) in ["arr_le_c8", "arr_le_c16"].into_iter().zip(arrays) {
                let Some(message) = vector(name) else { continue };
                assert_eq!(array.encode_to_vec().unwrap(), message, "{name}");
            }
            for (name, scalar) in ["scalar_c8", "scalar_c16"].into_iter().zip(scalars) {
                let Some(message) = vector(name) else { continue };
                assert_eq!(scalar.encode_to_vec().unwrap(), message, "{name}");
            }
        }
    }

    #[test]
    fn slices_are_borrowed_where_complex_numbers_may_lie() {
        let dtype = DType::Plain(Complex::<f64>::dtype());
        let data: Vec<u8> = PARTS.into_iter().flatten().flat_map(f64::to_ne_bytes).collect();
        let mut borrowed = 0;
        at_every_offset(&data, |data| {
            let array = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[2]), data).unwrap();
            assert_parts(&array.to_vec().unwrap());
            if let Some(items) = array.as_slice::<Complex<f64>>() {
                assert_parts(items);
                assert_eq!(items.as_ptr().cast(), data.as_ptr());
                borrowed += 1;
            }
        });
        assert_eq!(borrowed, 16 / align_of::<f64>());
        let other = DType::parse(if cfg!(target_endian = "little") { ">c16" } else { "<c16" }).unwrap();
        let array = ArrayRef::new(other.as_ref(), ShapeRef::new(&[2]), &data).unwrap();
        assert_eq!(array.as_slice::<Complex<f64>>(), None);
    }
}

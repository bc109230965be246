//! Feature `ndarray`: views out of arrays and into them, against places that are computed by hand.

#![cfg(feature = "ndarray")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

mod common;

use std::borrow::Cow;
use std::fmt::Debug;

use bytemuck::{AnyBitPattern, NoUninit};
use common::{Pack, array, array_of, golden};
use msgpack_numpy_codec::{AccessError, Array, ArrayRef, DType, Element, LayoutError, Limits, ShapeRef};
use ndarray::{ArcArray, ArrayD, ArrayView, ArrayViewD, Axis, Dimension, IxDyn, ShapeBuilder, Slice, arr0};
use testkit::slices::at_every_offset;
use testkit::{Rng, assert_no_alloc, measure};

/// All index tuples of a shape in C order, the last axis fastest.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![Vec::new()], |tuples, len| {
        let longer = |tuple: Vec<usize>| (0..*len).map(move |index| [&tuple[..], &[index]].concat());
        tuples.into_iter().flat_map(longer).collect()
    })
}

/// Where an item of an array in C order is: a sum of products.
fn place(shape: &[usize], index: &[usize]) -> usize {
    (0..shape.len()).map(|axis| index[axis] * shape[axis + 1..].iter().product::<usize>()).sum()
}

/// A view comes out with these axes and, index by index, these bytes; whether it was borrowed is told.
#[track_caller]
fn assert_written<D: Dimension>(view: ArrayView<'_, u32, D>) -> bool {
    let shape = view.shape().to_vec();
    let view = view.into_dyn();
    let expected: Vec<u32> = indices(&shape).iter().map(|index| view[&index[..]]).collect();
    let array = Array::from_ndarray(view.clone()).unwrap();
    assert!(array.shape().iter().copied().eq(shape.iter().map(|axis| *axis as u64)), "{view:?}");
    assert_eq!(array.dtype(), &DType::Plain(u32::dtype()));
    assert_eq!(array.data(), bytemuck::cast_slice::<u32, u8>(&expected), "{view:?}");
    // And back.
    assert_eq!(array.as_ref().to_ndarray::<u32>().unwrap(), view);
    match array.into_parts().2 {
        Cow::Borrowed(bytes) => {
            assert!(bytes.is_empty() || bytes.as_ptr() == view.as_ptr().cast());
            true
        }
        Cow::Owned(bytes) => {
            assert_eq!(bytes.len(), expected.len() * 4);
            false
        }
    }
}

fn counted(shape: &[usize]) -> ArrayD<u32> {
    ArrayD::from_shape_vec(shape, (0..shape.iter().product::<usize>() as u32).collect()).unwrap()
}

/// A part of it: for each axis where it starts, where it ends and in which steps. The macro of ndarray's that says it shorter has unsafe
/// code in it.
fn cut<'a>(array: &'a ArrayD<u32>, axes: &[(isize, Option<isize>, isize)]) -> ArrayViewD<'a, u32> {
    array.slice_each_axis(|axis| {
        let (start, end, step) = axes[axis.axis.0];
        Slice::new(start, end, step)
    })
}

const ALL: (isize, Option<isize>, isize) = (0, None, 1);
const BACK: (isize, Option<isize>, isize) = (0, None, -1);

#[test]
fn views_in_c_order_are_borrowed() {
    assert!(assert_written(arr0(7_u32).view()));
    assert!(assert_written(counted(&[5]).view()));
    assert!(assert_written(counted(&[2, 3, 4]).view()));
    // Rows of a larger array, and axes of one, whose strides do not matter.
    let large = counted(&[4, 5, 6]);
    assert!(assert_written(cut(&large, &[(1, Some(3), 1), ALL, ALL])));
    assert!(assert_written(cut(&large, &[(2, Some(3), 1), (3, Some(4), 1), (1, Some(4), 1)])));
    assert!(assert_written(cut(&large, &[(0, Some(1), -1), ALL, ALL])));
    assert!(assert_written(counted(&[1, 5, 1]).t()));
    // Several owners, and none.
    let shared = ArcArray::from(counted(&[3, 2]));
    assert!(assert_written(shared.view()));
    let own = counted(&[3, 2]);
    let array = Array::from_ndarray(own.view()).unwrap();
    assert_eq!(array.data().as_ptr(), own.as_ptr().cast());
}

#[test]
fn arrays_without_items_have_their_axes() {
    for shape in [&[0][..], &[0, 3], &[3, 0], &[2, 0, 4]] {
        assert!(assert_written(counted(shape).view()), "{shape:?}");
        assert!(assert_written(counted(shape).t()), "{shape:?}");
        let fortran = ArrayD::<u32>::zeros(IxDyn(shape).f());
        assert!(assert_written(fortran.view()), "{shape:?}");
    }
    assert!(assert_written(cut(&counted(&[4, 4]), &[ALL, (2, Some(2), 1)])));
}

#[test]
fn any_other_layout_is_copied_to_c_order() {
    let array = counted(&[3, 4, 5]);
    assert!(!assert_written(array.t()));
    assert!(!assert_written(
        ArrayD::from_shape_fn(IxDyn(&[3, 4]).f(), |index| (index[0] * 9 + index[1]) as u32).view()
    ));
    assert!(!assert_written(cut(&array, &[ALL, (1, Some(3), 1), ALL])));
    assert!(!assert_written(cut(&array, &[ALL, ALL, (0, None, 2)])));
    assert!(!assert_written(cut(&array, &[BACK, ALL, ALL])));
    assert!(!assert_written(cut(&array, &[ALL, ALL, BACK])));
    assert!(!assert_written(cut(&array, &[(0, None, -2), BACK, (0, None, -3)])));
    assert!(!assert_written(array.view().permuted_axes(vec![2, 0, 1])));
    // One item for all, and one row.
    assert!(!assert_written(arr0(7_u32).broadcast((3, 2)).unwrap()));
    assert!(!assert_written(counted(&[4]).broadcast((3, 4)).unwrap()));
    assert!(!assert_written(counted(&[4, 1]).broadcast((4, 3)).unwrap()));
    assert!(!assert_written(array.index_axis(Axis(2), 2)));
}

#[test]
fn any_view_at_all_is_written_as_its_indices_say() {
    let seed = testkit::rng::seed();
    println!("seed {seed:#x}");
    let mut rng = Rng::new(seed);
    let (mut borrowed, mut copied) = (0, 0);
    for _ in 0..if cfg!(miri) { 20 } else { 3000 } {
        let shape: Vec<usize> = (0..rng.below(6)).map(|_| rng.below(5)).collect();
        let array = counted(&shape);
        let mut view = array.view();
        for _ in 0..rng.below(5) {
            view = some_other(&mut rng, view);
        }
        if rng.below(3) == 0 {
            let wider: Vec<usize> = [rng.below(4)].into_iter().chain(view.shape().iter().copied()).collect();
            let view = view.broadcast(wider).unwrap();
            *(if assert_written(view) { &mut borrowed } else { &mut copied }) += 1;
            continue;
        }
        *(if assert_written(view) { &mut borrowed } else { &mut copied }) += 1;
    }
    if !cfg!(miri) {
        assert!(borrowed > 300 && copied > 300, "{borrowed} {copied}");
    }
}

fn some_other<'a>(rng: &mut Rng, mut view: ArrayViewD<'a, u32>) -> ArrayViewD<'a, u32> {
    if view.ndim() == 0 {
        return view.insert_axis(Axis(0));
    }
    let axis = Axis(rng.below(view.ndim()));
    match rng.below(5) {
        0 => view.invert_axis(axis),
        1 => view.swap_axes(axis.0, rng.below(view.ndim())),
        2 => {
            let start = rng.below(view.len_of(axis) + 1) as isize;
            let step = *rng.choose(&[1, 2, -1, -2, 3]);
            view.slice_axis_inplace(axis, Slice::new(start, None, step));
        }
        3 => view = view.insert_axis(axis),
        _ if view.len_of(axis) > 0 => {
            let index = rng.below(view.len_of(axis));
            view.collapse_axis(axis, index);
        }
        _ => view = view.reversed_axes(),
    }
    view
}

/// As they lie, and index by index.
#[track_caller]
fn assert_read<T>(dtype: &str, shape: &[usize], data: &[u8], item: fn(&[u8]) -> T)
where
    T: Element + AnyBitPattern + NoUninit + PartialEq + Debug,
{
    let dtype = DType::parse(dtype).unwrap();
    let axes: Vec<u64> = shape.iter().map(|axis| *axis as u64).collect();
    let size = size_of::<T>();
    let native = cfg!(target_endian = "little") != dtype.to_string().starts_with('>') || size == 1;
    let (mut views, mut offsets) = (0, 0);
    at_every_offset(data, |data| {
        let array = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&axes), data).unwrap();
        let copy = array.to_ndarray::<T>().unwrap();
        assert_eq!(copy.shape(), shape);
        assert!(copy.is_standard_layout());
        let view = array.as_ndarray::<T>();
        let aligned = data.as_ptr().align_offset(align_of::<T>()) == 0;
        assert_eq!(view.is_some(), native && aligned);
        views += usize::from(view.is_some());
        offsets += 1;
        for index in indices(shape) {
            let at = place(shape, &index) * size;
            let expected = item(&data[at..at + size]);
            assert_eq!(copy[&index[..]], expected, "{index:?}");
            if let Some(view) = &view {
                assert_eq!(view[&index[..]], expected, "{index:?}");
            }
        }
        if let Some(view) = view {
            assert_eq!(view.shape(), shape);
            assert!(data.is_empty() || view.as_ptr().cast() == data.as_ptr());
        }
    });
    assert_eq!(offsets, 16);
    assert_eq!(views, if native { 16 / align_of::<T>() } else { 0 });
}

const SHAPES: [&[usize]; 6] = [&[], &[3], &[2, 3], &[2, 2, 1, 2, 2, 2], &[2, 0, 3], &[2, 1, 2]];

macro_rules! both_orders {
    ($($type:ty: $little:literal, $big:literal),* $(,)?) => {
        $(for shape in &SHAPES[if cfg!(miri) { 4 } else { 0 }..] {
            let items: usize = shape.iter().product();
            let data: Vec<u8> = (0..items * size_of::<$type>()).map(|at| (at * 37 + 11) as u8 & 0x3f).collect();
            assert_read::<$type>($little, shape, &data, |item| <$type>::from_le_bytes(item.try_into().unwrap()));
            assert_read::<$type>($big, shape, &data, |item| <$type>::from_be_bytes(item.try_into().unwrap()));
        })*
    };
}

#[test]
fn items_are_where_their_indices_say_at_every_alignment_and_in_both_orders() {
    both_orders! {
        i8: "|i1", "|i1",
        i16: "<i2", ">i2",
        i32: "<i4", ">i4",
        i64: "<i8", ">i8",
        u8: "|u1", "|u1",
        u16: "<u2", ">u2",
        u32: "<u4", ">u4",
        u64: "<u8", ">u8",
        f32: "<f4", ">f4",
        f64: "<f8", ">f8",
    }
}

#[test]
fn other_items_are_refused_and_bools_are_copied() {
    let data = array("|b1", &[2, 2], &[0, 1, 2, 0]);
    let array = ArrayRef::decode(&data).unwrap();
    assert_eq!(array.to_ndarray::<bool>().unwrap(), ndarray::arr2(&[[false, true], [true, false]]).into_dyn());
    assert_eq!(array.to_ndarray::<u8>(), Err(AccessError::WrongType));
    assert_eq!(array.as_ndarray::<u8>(), None);
    let bools = ndarray::arr1(&[true, false]);
    assert_eq!(Array::from_ndarray(bools.view()).unwrap().data(), [1, 0]);

    for bytes in [
        array_of(b"\x91\x92\xa1a\xa3|u1", b"V", &[1], b"\xc4\x01x"),
        array_of(b"\xa1?", b"V", &[1], b"\xc4\x01x"),
        array_of(b"\xa3|S1", b"", &[1], b"\xc4\x01x"),
    ] {
        let array = ArrayRef::decode(&bytes).unwrap();
        assert_eq!(array.to_ndarray::<u8>(), Err(AccessError::WrongType));
        assert_eq!(array.as_ndarray::<u8>(), None);
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn axes_that_ndarray_does_not_count_are_errors() {
    const HALF: u64 = 1 << 63;
    for shape in [&[0, HALF][..], &[HALF, 0], &[0, u64::MAX], &[1 << 32, 0, 1 << 32], &[u64::MAX, 0, u64::MAX]] {
        let bytes = array("|u1", shape, b"");
        let array = ArrayRef::decode(&bytes).unwrap();
        assert_eq!(array.as_ndarray::<u8>(), None, "{shape:?}");
        assert_eq!(array.to_ndarray::<u8>(), Err(AccessError::Shape), "{shape:?}");
    }
    for shape in [&[0, HALF - 1][..], &[1 << 31, 0, 1 << 31]] {
        let bytes = array("|u1", shape, b"");
        let array = ArrayRef::decode(&bytes).unwrap();
        assert_eq!(array.as_ndarray::<u8>().unwrap().shape()[0] as u64, shape[0], "{shape:?}");
        assert_eq!(array.to_ndarray::<u8>().unwrap().len(), 0, "{shape:?}");
    }
    assert_eq!(AccessError::Shape.to_string(), "axes are too long for ndarray");
}

#[test]
fn the_number_of_axes_is_held() {
    let ones = |axes: usize| ArrayD::<u8>::zeros(vec![1; axes]);
    assert_eq!(Array::from_ndarray(ones(64).view()).unwrap().shape(), [1; 64]);
    assert_eq!(Array::from_ndarray(ones(65).view()), Err(LayoutError::Axes));
    // Before anything is copied.
    let many = ones(65);
    let wide = many.broadcast([vec![1 << 20], vec![1; 65]].concat()).unwrap();
    let (refused, stats) = measure(|| Array::from_ndarray(wide.clone()));
    assert_eq!(refused, Err(LayoutError::Axes));
    assert!(stats.bytes < 4096, "{stats:?}");
    // Under limits of their own there are more.
    let bytes = Pack(array("|u1", &[1; 255], b"x")).0;
    let array = ArrayRef::decode_with(&bytes, &Limits::DEFAULT.with_max_axes(255)).unwrap();
    assert_eq!(array.as_ndarray::<u8>().unwrap().shape(), [1; 255]);
    assert_eq!(array.to_ndarray::<u8>().unwrap().ndim(), 255);
}

/// `2^60` items of eight bytes are more than any address, and no memory at all until they are copied.
#[test]
#[cfg(target_pointer_width = "64")]
fn a_copy_that_memory_does_not_hold_is_an_error() {
    let one = arr0(1_u64);
    let view = one.broadcast(1 << 60).unwrap();
    assert_eq!(Array::from_ndarray(view), Err(LayoutError::Shape));
    let view = one.broadcast((1 << 61, 2)).unwrap();
    assert_eq!(Array::from_ndarray(view), Err(LayoutError::Shape));
}

#[test]
fn payloads_are_borrowed_or_copied_once() {
    const SIDE: u64 = if cfg!(miri) { 1 << 5 } else { 1 << 9 };
    let len = SIDE * SIDE * 4;
    let items = vec![1.5_f32; (SIDE * SIDE) as usize];
    let dtype = DType::Plain(f32::dtype());
    let data = bytemuck::cast_slice(&items);
    let array = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[SIDE, 1, 1, SIDE]), data).unwrap();
    let view = assert_no_alloc(|| array.as_ndarray::<f32>().unwrap());
    assert_eq!(view.as_ptr(), items.as_ptr());
    // From the fifth axis on ndarray keeps them on the heap.
    let deep = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[SIDE, 1, 1, 1, 1, SIDE]), data).unwrap();
    let (deep, stats) = measure(|| deep.as_ndarray::<f32>().unwrap());
    assert_eq!(deep.as_ptr(), items.as_ptr());
    assert!(stats.bytes < 512, "{stats:?}");
    let (copy, stats) = measure(|| array.to_ndarray::<f32>().unwrap());
    assert_eq!((copy.len() as u64 * 4, stats.bytes), (len, len));

    let (array, stats) = measure(|| Array::from_ndarray(view.clone()).unwrap());
    assert_eq!(array.data().as_ptr(), items.as_ptr().cast());
    assert!(stats.bytes < 512, "{stats:?}");
    let (array, stats) = measure(|| Array::from_ndarray(view.t()).unwrap());
    assert_eq!(array.data().len() as u64, len);
    assert!((len..len + 512).contains(&stats.bytes), "{stats:?}");
}

/// Read into ndarray's, and written from there as Python wrote it.
#[test]
fn golden_arrays_go_there_and_back() {
    fn there_and_back<T: Element + NoUninit>(array: ArrayRef<'_>) -> Option<Vec<u8>> {
        let own = array.to_ndarray::<T>().ok()?;
        Some(Array::from_ndarray(own.view()).unwrap().encode_to_vec().unwrap())
    }
    let mut count = 0;
    for (vector, bytes) in golden("valid") {
        let Ok(array) = ArrayRef::decode(&bytes) else { continue };
        let dtype = vector["typestr_or_descr"].as_str().unwrap_or_default();
        // Times are read as i64, and big-endian numbers written in the order of this machine.
        if vector["name"] == "masked" || !dtype.starts_with(['<', '|']) || dtype.contains(['M', 'm']) {
            continue;
        }
        let written = there_and_back::<i8>(array)
            .or_else(|| there_and_back::<i16>(array))
            .or_else(|| there_and_back::<i32>(array))
            .or_else(|| there_and_back::<i64>(array))
            .or_else(|| there_and_back::<u8>(array))
            .or_else(|| there_and_back::<u16>(array))
            .or_else(|| there_and_back::<u32>(array))
            .or_else(|| there_and_back::<u64>(array))
            .or_else(|| there_and_back::<f32>(array))
            .or_else(|| there_and_back::<f64>(array))
            .or_else(|| there_and_back::<[f32; 2]>(array))
            .or_else(|| there_and_back::<[f64; 2]>(array))
            .or_else(|| there_and_back::<bool>(array));
        let Some(written) = written else { continue };
        count += 1;
        if cfg!(target_endian = "little") {
            assert_eq!(written, bytes, "{}", vector["name"]);
        }
    }
    if !cfg!(miri) {
        // Six layouts, three without axes, three without items, three of bytes, eight integers of more, two floats, two
        // complex, a matrix, 33 axes, 255 and 256 bytes, and an axis of 300.
        assert_eq!(count, 6 + 3 + 3 + 3 + 6 + 2 + 2 + 5);
    }
}

use std::fmt::Debug;

use half::f16;
use msgpack_numpy_codec::{
    AccessError, ArrayRef, ByteOrder, DTypeRef, Element, FieldRef, Kind, Plain, ScalarRef, StructuredRef, ValueRef,
};
use num_complex::Complex;

use super::{oracle, split};

/// Every way to the items of an array agrees with every other, and with the bytes, wherever these stand.
pub fn array(data: &[u8]) {
    let Some((settings, limits, message)) = split(data) else { return };
    // Sixteen places, of which one suits every type.
    let mut room = vec![0; message.len() + 31];
    let aligned = room.as_ptr().align_offset(16);
    let start = aligned + usize::from(settings >> 4);
    room[start..start + message.len()].copy_from_slice(message);
    let message = &room[start..start + message.len()];
    if let Ok(value) = ValueRef::decode_with(message, &limits) {
        each(value, message);
    }
}

/// All arrays and scalars, wherever they are.
fn each(value: ValueRef<'_>, message: &[u8]) {
    match value {
        ValueRef::Array(array) => {
            inside(array.data(), message);
            of_array(array);
        }
        ValueRef::Scalar(scalar) => {
            inside(scalar.data(), message);
            of_scalar(scalar);
        }
        ValueRef::Pickle(pickle) => inside(pickle.pickle(), message),
        ValueRef::List(list) => list.iter().for_each(|item| each(item, message)),
        ValueRef::Map(map) | ValueRef::Faulty(map, _) => {
            for (key, value) in map {
                each(key, message);
                each(value, message);
            }
        }
        _ => {}
    }
}

fn inside(part: &[u8], whole: &[u8]) {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    assert!(whole.start <= part.start && part.end <= whole.end);
}

fn of_array(array: ArrayRef<'_>) {
    let shape: Vec<_> = array.shape().iter().collect();
    assert_eq!((shape.len(), oracle::product(&shape)), (array.shape().len(), array.shape().product()));
    if let Some(itemsize) = array.dtype().itemsize() {
        let items = oracle::product(&shape).expect("as many as there are");
        assert_eq!(u128::from(items) * u128::from(itemsize), array.data().len() as u128);
        assert!(itemsize > 0);
    }
    all_types(array);
    if let DTypeRef::Structured(structured) = array.dtype() {
        of_fields(array, structured);
    } else {
        assert!(array.field("").is_none());
    }
    let written = array.encode_to_vec().expect("what was read can be written");
    assert_eq!(ArrayRef::decode(&written).expect("what we write we read"), array);
    assert_eq!(Ok(written.len()), array.encoded_len());
}

/// A number, its parts above one another if there are two.
fn number(bytes: &[u8], order: ByteOrder, is_complex: bool) -> u128 {
    if is_complex {
        let (real, imaginary) = bytes.split_at(bytes.len() / 2);
        return number(real, order, false) | number(imaginary, order, false) << 64;
    }
    let add = |bits: u128, byte: &u8| bits << 8 | u128::from(*byte);
    if order == ByteOrder::Big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
}

/// The items by hand, if they are of one of these kinds and so wide.
fn by_hand(dtype: DTypeRef<'_>, data: &[u8], kinds: &[Kind], size: usize) -> Option<Vec<u128>> {
    let DTypeRef::Plain(plain) = dtype else { return None };
    if !kinds.contains(&plain.kind()) || plain.itemsize() as usize != size {
        return None;
    }
    let of = |bytes: &[u8]| match plain.kind() {
        Kind::Bool => u128::from(bytes[0] != 0),
        kind => number(bytes, plain.order(), kind == Kind::Complex),
    };
    Some(data.chunks(size).map(of).collect())
}

macro_rules! types {
    ($with:ident, $array:expr) => {
        $with!($array, i8, &[Kind::Int], 1, |item: i8| u128::from(item.cast_unsigned()));
        $with!($array, i16, &[Kind::Int], 2, |item: i16| u128::from(item.cast_unsigned()));
        $with!($array, i32, &[Kind::Int], 4, |item: i32| u128::from(item.cast_unsigned()));
        let times = &[Kind::Int, Kind::DateTime, Kind::TimeDelta];
        $with!($array, i64, times, 8, |item: i64| u128::from(item.cast_unsigned()));
        $with!($array, u8, &[Kind::UInt], 1, u128::from);
        $with!($array, u16, &[Kind::UInt], 2, u128::from);
        $with!($array, u32, &[Kind::UInt], 4, u128::from);
        $with!($array, u64, &[Kind::UInt], 8, u128::from);
        $with!($array, f16, &[Kind::Float], 2, |item: f16| u128::from(item.to_bits()));
        $with!($array, f32, &[Kind::Float], 4, |item: f32| u128::from(item.to_bits()));
        $with!($array, f64, &[Kind::Float], 8, |item: f64| u128::from(item.to_bits()));
        let single = |[real, imaginary]: [f32; 2]| u128::from(real.to_bits()) | u128::from(imaginary.to_bits()) << 64;
        let double = |[real, imaginary]: [f64; 2]| u128::from(real.to_bits()) | u128::from(imaginary.to_bits()) << 64;
        $with!($array, [f32; 2], &[Kind::Complex], 8, single);
        $with!($array, [f64; 2], &[Kind::Complex], 16, double);
        $with!($array, Complex<f32>, &[Kind::Complex], 8, |item: Complex<f32>| single([item.re, item.im]));
        $with!($array, Complex<f64>, &[Kind::Complex], 16, |item: Complex<f64>| double([item.re, item.im]));
    };
}

fn all_types(array: ArrayRef<'_>) {
    macro_rules! check {
        ($array:expr, $type:ty, $kinds:expr, $size:expr, $bits:expr) => {
            let items = by_hand($array.dtype(), $array.data(), $kinds, $size);
            items_are::<$type>($array, items.as_deref(), $bits);
            let is_native = $array.dtype().as_plain().is_some_and(Plain::is_native);
            let lies_well = $array.data().as_ptr().addr() % align_of::<$type>() == 0;
            let slice = $array.as_slice::<$type>();
            match items {
                Some(items) if is_native && lies_well => {
                    let slice = slice.expect("nothing is in the way");
                    assert!(slice.iter().copied().map($bits).eq(items));
                    assert_eq!(slice.as_ptr().addr(), $array.data().as_ptr().addr());
                }
                _ => assert!(slice.is_none()),
            }
        };
    }
    types!(check, array);
    let items = by_hand(array.dtype(), array.data(), &[Kind::Bool], 1);
    items_are::<bool>(array, items.as_deref(), u128::from);
}

/// `iter`, `to_vec` and `copy_to` give these, or refuse and write nothing.
fn items_are<T: Element + Debug + Other>(array: ArrayRef<'_>, items: Option<&[u128]>, bits: impl Fn(T) -> u128) {
    let bits = |items: &[T]| items.iter().map(|item| bits(*item)).collect::<Vec<_>>();
    let Some(items) = items else {
        assert!(array.iter::<T>().is_none());
        assert_eq!(array.to_vec::<T>().err(), Some(AccessError::WrongType));
        let mut out = vec![T::OTHER; 3];
        assert_eq!(array.copy_to(&mut out), Err(AccessError::WrongType));
        assert_eq!(bits(&out), bits(&[T::OTHER; 3]));
        return;
    };
    let mut iter = array.iter::<T>().expect("they are");
    assert_eq!((iter.len(), iter.size_hint()), (items.len(), (items.len(), Some(items.len()))));
    assert_eq!(bits(&iter.clone().collect::<Vec<_>>()), items);
    let mut pulled = Vec::new();
    while let Some(item) = iter.next() {
        pulled.push(item);
        assert_eq!(iter.len(), items.len() - pulled.len());
    }
    assert_eq!(bits(&pulled), items);
    assert_eq!(bits(&array.to_vec::<T>().expect("they are")), items);
    for available in [items.len(), items.len() + 1, items.len().saturating_sub(1), 0] {
        let mut out = vec![T::OTHER; available];
        let done = array.copy_to(&mut out);
        if available == items.len() {
            assert_eq!((done, &bits(&out)[..]), (Ok(()), items));
        } else {
            assert_eq!(done, Err(AccessError::WrongLength { len: items.len(), available }));
            assert_eq!(bits(&out), bits(&vec![T::OTHER; available]));
        }
    }
}

/// Something to write over.
trait Other {
    const OTHER: Self;
}

macro_rules! others {
    ($($type:ty: $value:expr,)*) => {
        $(impl Other for $type {
            const OTHER: Self = $value;
        })*
    };
}

others! {
    bool: true,
    i8: 0x5a,
    i16: 0x5a5a,
    i32: 0x5a5a_5a5a,
    i64: 0x5a5a_5a5a_5a5a_5a5a,
    u8: 0x5a,
    u16: 0x5a5a,
    u32: 0x5a5a_5a5a,
    u64: 0x5a5a_5a5a_5a5a_5a5a,
    f16: f16::from_bits(0x5a5a),
    f32: 1.5e16,
    f64: 1.5e16,
    [f32; 2]: [1.5e16; 2],
    [f64; 2]: [1.5e16; 2],
    Complex<f32>: Complex::new(1.5e16, 1.5e16),
    Complex<f64>: Complex::new(1.5e16, 1.5e16),
}

/// A field is where its dtype says, in every item; what has a name is found by it.
fn of_fields(array: ArrayRef<'_>, structured: StructuredRef<'_>) {
    let itemsize = structured.itemsize() as usize;
    let named: Vec<FieldRef<'_>> = structured.fields().take(64).collect();
    for field in structured.all_fields().take(64) {
        let size = u128::from(field.dtype.itemsize().expect("it was understood"))
            * u128::from(field.shape.product().expect("it was understood"));
        assert!(u128::from(field.offset) + size <= itemsize as u128);
        let Some(first) = named.iter().find(|other| other.name == field.name) else {
            assert!(field.is_padding());
            continue;
        };
        let strided = array.field(field.name).expect("it is there");
        assert_eq!(strided.field(), *first);
        if first.offset != field.offset {
            // The first of this name counts.
            continue;
        }
        let at = field.offset as usize..field.offset as usize + first.size().expect("it was understood") as usize;
        let chunks = array.data().chunks(itemsize).map(|item| &item[at.clone()]);
        assert!(strided.chunks().eq(chunks.clone()));
        strided.chunks().for_each(|chunk| inside(chunk, array.data()));
        let joined = strided.chunks().collect::<Vec<_>>().concat();
        macro_rules! check {
            ($array:expr, $type:ty, $kinds:expr, $size:expr, $bits:expr) => {
                let items = by_hand(first.dtype, &joined, $kinds, $size);
                assert_eq!(strided.iter::<$type>().map(|found| found.map($bits).collect::<Vec<_>>()), items);
                match strided.to_vec::<$type>() {
                    Ok(found) => assert_eq!(Some(found.into_iter().map($bits).collect::<Vec<_>>()), items),
                    Err(error) => assert_eq!((error, items), (AccessError::WrongType, None)),
                }
            };
        }
        types!(check, array);
        check!(array, bool, &[Kind::Bool], 1, u128::from);
    }
}

fn of_scalar(scalar: ScalarRef<'_>) {
    if let Some(itemsize) = scalar.dtype().itemsize() {
        assert_eq!((itemsize, itemsize > 0), (scalar.data().len() as u64, true));
    }
    macro_rules! check {
        ($scalar:expr, $type:ty, $kinds:expr, $size:expr, $bits:expr) => {
            let items = by_hand($scalar.dtype(), $scalar.data(), $kinds, $size);
            assert_eq!($scalar.get::<$type>().map($bits), items.map(|items| items[0]));
        };
    }
    types!(check, scalar);
    check!(scalar, bool, &[Kind::Bool], 1, u128::from);
}

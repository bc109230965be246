//! The laws of `DESIGN.md` for what writes and for what owns, over generated documents with tagged maps in them.

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
#[path = "common/layout.rs"]
mod layout;
#[path = "common/meaning.rs"]
mod meaning;
#[path = "common/tagged.rs"]
mod tagged;

use bytes::Bytes;
use common::golden;
use layout::{LAYOUTS, Layout};
use msgpack_numpy_codec::{
    Array, ArrayRef, DType, DTypeRef, EncodeError, Field, LayoutError, Limits, Plain, Scalar, ScalarRef, ShapeRef,
    StridedArrayRef, Value, ValueRef, Writer,
};
use proptest::prelude::proptest;
use proptest::test_runner::Config as Cases;
use tagged::{documents, dtypes, encoded};
use testkit::rng::{self, Rng};
use testkit::vectors::to_hex;
use testkit::{assert_no_alloc, laws, measure};

/// Calls for each value of a document, but not for what is inside tagged maps.
fn each<'a>(value: ValueRef<'a>, see: &mut impl FnMut(ValueRef<'a>)) {
    see(value);
    match value {
        ValueRef::List(list) => list.iter().for_each(|item| each(item, see)),
        ValueRef::Map(map) => map.iter().for_each(|(key, value)| {
            each(key, see);
            each(value, see);
        }),
        _ => {}
    }
}

/// Writes all of a value again, with lists and maps taken apart.
fn rewrite<'a>(value: ValueRef<'a>, writer: &mut Writer<'a>) {
    match value {
        ValueRef::List(list) => {
            writer.list(list.len() as u32).unwrap();
            list.iter().for_each(|item| rewrite(item, writer));
        }
        ValueRef::Map(map) => {
            writer.map(map.len() as u32).unwrap();
            for (key, value) in map {
                rewrite(key, writer);
                rewrite(value, writer);
            }
        }
        other => writer.value(other).unwrap(),
    }
}

fn rewritten(value: ValueRef<'_>) -> Vec<u8> {
    let mut writer = Writer::new();
    rewrite(value, &mut writer);
    writer.finish().unwrap().to_vec()
}

macro_rules! assert_size {
    ($value:expr) => {{
        let len = $value.encoded_len().unwrap();
        laws::size(len, |out| $value.encode(out));
        let bytes = $value.encode_to_vec().unwrap();
        assert_eq!(bytes.len(), len);
        laws::size(len, |out| {
            out.extend_from_slice(&bytes);
            $value.encoded_len().map(drop)
        });
        // A slice with just the room, and ones with too little.
        let mut room = vec![0xa5; len + 3];
        let mut slice = &mut room[..len];
        $value.encode(&mut slice).unwrap();
        assert!(slice.is_empty());
        assert_eq!((&room[..len], &room[len..]), (&bytes[..], &[0xa5; 3][..]));
        for available in [0, len / 2, len - 1] {
            let mut room = vec![0xa5; available];
            let mut slice = &mut room[..];
            assert_eq!($value.encode(&mut slice), Err(EncodeError::BufferFull { needed: len, available }));
            assert_eq!((slice.len(), room.iter().all(|byte| *byte == 0xa5)), (available, true));
        }
        bytes
    }};
}

/// As it prints, without the name of the type.
fn shown(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").split_once('(').unwrap().1.to_owned()
}

/// Laws 3, 4, 6 and 8 for one value that was read.
fn assert_laws(value: ValueRef<'_>) {
    let bytes = assert_size!(value);
    laws::deterministic(|| value.encode_to_vec().unwrap());
    let again = ValueRef::decode(&bytes).unwrap();
    let same = meaning::of(value);
    assert_eq!(meaning::of(again), same, "{}", to_hex(&bytes));
    // What was written once is written so for ever.
    assert_eq!(to_hex(&again.encode_to_vec().unwrap()), to_hex(&bytes));
    let owned = value.into_owned().unwrap();
    assert_eq!(meaning::of(owned.as_ref()), same);
    assert_eq!(assert_size!(owned), bytes);
    assert_eq!(owned, Value::decode_bytes(&bytes.clone().into()).unwrap());
    let mut writer = Writer::new();
    writer.value(value).unwrap();
    let written = writer.finish().unwrap();
    assert_eq!((written.len(), written.to_vec()), (bytes.len(), bytes.clone()));
    match value {
        ValueRef::Array(array) => {
            assert_eq!(assert_size!(array), bytes);
            let ValueRef::Array(other) = again else { panic!("{again:?}") };
            assert_eq!(other, array);
            let owned = array.into_owned();
            assert_eq!((owned.as_ref(), assert_size!(owned)), (array, bytes.clone()));
            assert_eq!(shown(&owned), shown(&owned.as_ref()));
            assert_eq!(array.to_array(), owned);
            assert_eq!(array.to_array().into_owned(), owned);
            let (dtype, shape, data) = owned.clone().into_parts();
            assert_eq!(
                (dtype.as_ref(), ShapeRef::new(&shape), &data[..]),
                (array.dtype(), array.shape(), array.data())
            );
            assert_eq!(Array::new(dtype, shape, data).unwrap(), owned);
            assert_dtype(array.dtype());
            if let Some(size) = array.dtype().itemsize() {
                let strides = layout::c_strides(owned.shape(), size);
                let dtype = owned.dtype().as_ref();
                let strided = StridedArrayRef::new(dtype, owned.shape(), &strides, owned.data(), 0).unwrap();
                assert_eq!((assert_size!(strided), strided.to_array().unwrap()), (bytes, owned.clone()));
            }
        }
        ValueRef::Scalar(scalar) => {
            assert_eq!(assert_size!(scalar), bytes);
            let owned = scalar.into_owned();
            assert_eq!((owned.as_ref(), assert_size!(owned)), (scalar, bytes));
            assert_eq!(Scalar::new(owned.dtype().clone(), Bytes::copy_from_slice(owned.data())).unwrap(), owned);
            assert_eq!(shown(&owned), shown(&owned.as_ref()));
            assert_dtype(scalar.dtype());
        }
        ValueRef::Pickle(pickle) => assert_eq!(assert_size!(pickle), bytes),
        _ => {}
    }
}

/// Law 6 for a dtype that was read: owned and borrowed are the same.
fn assert_dtype(dtype: DTypeRef<'_>) {
    let owned = dtype.into_owned();
    assert_eq!(owned.as_ref(), dtype);
    assert_eq!(meaning::of_dtype(owned.as_ref()), meaning::of_dtype(dtype));
    assert_eq!((owned.itemsize(), owned.as_ref().into_owned()), (dtype.itemsize(), owned.clone()));
    if let (DType::Structured(one), DTypeRef::Structured(other)) = (&owned, dtype) {
        let sizes: Vec<_> = one.fields().iter().map(Field::size).collect();
        assert_eq!(sizes, other.fields().map(|field| field.size()).collect::<Vec<_>>());
        // Made from the same fields.
        assert_eq!(DType::structured(one.fields().to_vec(), one.itemsize()), Some(owned.clone()));
    }
}

/// Whether the fields are one behind the other, so that they are all that is to be printed.
fn is_packed(dtype: DTypeRef<'_>) -> bool {
    let DTypeRef::Structured(structured) = dtype else { return true };
    let mut end = 0;
    structured.fields().all(|field| {
        let is_next = field.offset == end;
        end = field.offset + field.size().unwrap();
        is_next && is_packed(field.dtype)
    }) && end == structured.itemsize()
}

/// All vectors that msgpack-numpy 0.4.8 wrote, but a masked array, are written again as they came.
#[test]
fn golden_vectors_are_written_again_as_they_came() {
    let mut count = 0;
    for (vector, bytes) in golden("valid") {
        let value = ValueRef::decode(&bytes).unwrap();
        assert_laws(value);
        if vector["name"] != "masked" {
            laws::round_trip_bytes(&bytes, |bytes| rewritten(ValueRef::decode(bytes).unwrap()));
            count += 1;
        }
    }
    assert!(cfg!(miri) || count == 97, "{count}");
    for (_, bytes) in golden("legacy").into_iter().chain(golden("malformed")) {
        if let Ok(value) = ValueRef::decode(&bytes) {
            each(value, &mut assert_laws);
        }
    }
}

proptest! {
    #![proptest_config(Cases { cases: if cfg!(miri) { 2 } else { 300 }, failure_persistence: None, ..Cases::default() })]

    /// Laws 3 and 10: what rmpv writes of the same tree, tagged maps in their one form.
    #[test]
    fn documents_are_written_again_as_rmpv_writes_them(document in documents()) {
        let came = encoded(&document.came());
        let again = rewritten(ValueRef::decode(&came).unwrap());
        assert_eq!(to_hex(&again), to_hex(&encoded(&document.again())), "{}", to_hex(&came));
        // Whole lists and maps stay as they came, as does what is in them.
        laws::round_trip_bytes(&came, |bytes| match ValueRef::decode(bytes).unwrap() {
            value @ (ValueRef::List(_) | ValueRef::Map(_) | ValueRef::Faulty(..)) => value.encode_to_vec().unwrap(),
            _ => came.clone(),
        });
    }

    #[test]
    fn every_value_of_a_document_keeps_the_laws(document in documents()) {
        let came = encoded(&document.came());
        each(ValueRef::decode(&came).unwrap(), &mut assert_laws);
    }

    /// Bytes are shared where they lie in the input, and copied where they do not.
    #[test]
    fn shared_and_copied_arrays_are_equal(document in documents()) {
        let came = Bytes::from(encoded(&document.came()));
        let value = Value::decode_bytes(&came).unwrap();
        assert_eq!((value.as_encoded(), value.as_encoded().as_ptr()), (&came, came.as_ptr()));
        let copied = Value::decode(&came).unwrap();
        assert_eq!((&copied, copied.as_encoded().as_ptr() == came.as_ptr()), (&value, false));
        let elsewhere = Bytes::copy_from_slice(&came);
        each(value.as_ref(), &mut |value| {
            let ValueRef::Array(array) = value else { return };
            let [shared, copied] = [array.share(&came), array.share(&elsewhere)];
            assert_eq!((&shared, &copied), (&array.into_owned(), &array.into_owned()));
            assert_eq!(shared.data().as_ptr(), array.data().as_ptr());
            assert_eq!(shared.bytes().as_ptr(), array.data().as_ptr());
            assert!(array.data().is_empty() || copied.data().as_ptr() != array.data().as_ptr());
            let bytes = Bytes::from(array.encode_to_vec().unwrap());
            let [one, other] = [Array::decode(&bytes).unwrap(), Array::decode_bytes(&bytes).unwrap()];
            assert_eq!((&one, &other), (&shared, &shared));
            if !other.data().is_empty() {
                assert!(bytes.as_ptr_range().contains(&other.data().as_ptr()));
                assert!(!bytes.as_ptr_range().contains(&one.data().as_ptr()));
            }
            assert_eq!(Array::decode_bytes_with(&bytes, &Limits::DEFAULT), Ok(other));
        });
    }

    /// A dtype by its descr, by Python's text for it, and made of fields with offsets: equal, and equal only then.
    #[test]
    fn dtypes_are_equal_if_they_mean_the_same(one in dtypes(), other in dtypes()) {
        let read = |dtype: &tagged::DType| {
            let message = common::array_of(&encoded(&dtype.came()), b"", &[0], b"\xc4\x00");
            ArrayRef::decode(&message).unwrap().dtype().into_owned()
        };
        let (one, other) = (read(&one), read(&other));
        assert_eq!(one == other, meaning::of_dtype(one.as_ref()) == meaning::of_dtype(other.as_ref()));
        assert_eq!(one.as_ref() == other.as_ref(), one == other);
        for dtype in [&one, &other] {
            if is_packed(dtype.as_ref()) {
                let printed = DType::parse(&dtype.to_string()).unwrap();
                assert_eq!((printed.as_ref(), &printed), (dtype.as_ref(), dtype));
            }
        }
    }

    /// A single bit elsewhere, and it is another array.
    #[test]
    fn arrays_with_other_bytes_are_not_equal(data in proptest::collection::vec(0_u8.., 1..40), bit in 0..400_usize) {
        let array = Array::from_slice(&[data.len() as u64], &data).unwrap();
        let mut changed = data.clone();
        changed[bit / 8 % data.len()] ^= 1 << (bit % 8);
        assert_ne!(array, Array::from_slice(&[data.len() as u64], &changed).unwrap());
        assert_ne!(array, Array::from_slice(&[1, data.len() as u64], &data).unwrap());
        let [one, other] = [&data, &changed].map(|data| ValueRef::Bin(data).into_owned().unwrap());
        assert!(one != other && one == one.clone());
        assert_ne!(array, Array::new(DType::parse("|i1").unwrap(), vec![data.len() as u64], &data[..]).unwrap());
    }
}

/// Items by the definition of a stride, for all widths that have a loop of their own and for those that have none.
#[test]
fn strided_arrays_are_copied_in_c_order() {
    let seed = rng::seed();
    let mut rng = Rng::new(seed);
    let mut moved = 0;
    for round in 0..if cfg!(miri) { 1 } else { 40 } {
        for size in (1..=17).chain([24, 32, 33, 257]) {
            let dtype = DType::parse(&format!("|V{size}")).unwrap();
            for name in LAYOUTS {
                let array = Layout::random(name, size, &mut rng);
                let Layout { shape, strides, start, data } = &array;
                let strided = StridedArrayRef::new(dtype.as_ref(), shape, strides, data, *start).unwrap();
                let expected = array.items(size);
                let owned = strided.to_array().unwrap();
                assert_eq!(owned.data(), expected, "seed {seed:#x}, round {round}: {size} {array:?}");
                assert_eq!((owned.shape(), owned.dtype()), (&shape[..], &dtype));
                assert_eq!((strided.shape(), strided.dtype()), (ShapeRef::new(shape), dtype.as_ref()));
                let flat = ArrayRef::new(dtype.as_ref(), ShapeRef::new(shape), &expected).unwrap();
                assert_eq!(strided.encode_to_vec(), flat.encode_to_vec());
                moved += usize::from(!expected.is_empty());
            }
        }
    }
    assert!(cfg!(miri) || moved > 5000, "{moved}");
}

/// Rows of more items than are gathered at a time, and rows that are one block.
#[test]
fn long_rows_are_copied_in_c_order() {
    let mut rng = Rng::new(rng::seed());
    for size in [1_i64, 2, 3, 4, 8, 16, 20] {
        let dtype = DType::parse(&format!("|S{size}")).unwrap();
        for len in [255_u64, 256, 257, 512, 513, 700] {
            for stride in [0, size, -size, 2 * size, 3 * size + 1, -size - 1] {
                for outer in [None, Some((3, 0)), Some((2, 5)), Some((3, stride * len as i64))] {
                    if cfg!(miri) && (len != 257 || outer.is_some()) {
                        continue;
                    }
                    let (mut shape, mut strides) = (vec![len], vec![stride]);
                    if let Some((len, stride)) = outer {
                        shape.insert(0, len);
                        strides.insert(0, stride);
                    }
                    let array = Layout::around(shape, strides, size, &mut rng);
                    let Layout { shape, strides, start, data } = &array;
                    let strided = StridedArrayRef::new(dtype.as_ref(), shape, strides, data, *start).unwrap();
                    let found = strided.to_array().unwrap();
                    assert!(found.data() == array.items(size as u64), "{size} {shape:?} {strides:?}");
                }
            }
        }
    }
}

/// The parts of an array that do not fit, by every way to put them together.
#[test]
fn parts_that_do_not_fit_are_refused() {
    let too_many = [1_u64; 65];
    let cases: [(&str, &[u64], usize, LayoutError); 14] = [
        ("<i2", &[2], 3, LayoutError::Length { met: 3, due: 4 }),
        ("<i2", &[2], 5, LayoutError::Length { met: 5, due: 4 }),
        ("<i2", &[], 0, LayoutError::Length { met: 0, due: 2 }),
        ("<i2", &[0], 2, LayoutError::Length { met: 2, due: 0 }),
        ("<i2", &[u64::MAX, 0], 1, LayoutError::Length { met: 1, due: 0 }),
        ("<i2", &[1 << 63], 0, LayoutError::Shape),
        ("|u1", &[1 << 32, 1 << 32], 0, LayoutError::Shape),
        ("|u1", &[u64::MAX], 1, LayoutError::Length { met: 1, due: u64::MAX }),
        ("|S0", &[1], 0, LayoutError::ZeroItemSize),
        ("|V0", &[0], 0, LayoutError::ZeroItemSize),
        ("<U0", &[], 0, LayoutError::ZeroItemSize),
        ("[('a', '<i4', (0,))]", &[3], 0, LayoutError::ZeroItemSize),
        ("|u1", &too_many, 1, LayoutError::Axes),
        ("|S0", &too_many, 1, LayoutError::Axes),
    ];
    for (text, shape, len, error) in cases {
        let (dtype, data) = (DType::parse(text).unwrap(), vec![0; len]);
        let found = ArrayRef::new(dtype.as_ref(), ShapeRef::new(shape), &data);
        assert_eq!(found, Err(error), "{text} {shape:?} {len}");
        assert_eq!(Array::new(dtype.clone(), shape.to_vec(), &data[..]), Err(error), "{text} {shape:?} {len}");
        if !matches!(error, LayoutError::Length { .. }) {
            let strides = vec![0; shape.len()];
            let strided = StridedArrayRef::new(dtype.as_ref(), shape, &strides, &data, 0);
            assert_eq!(strided.map(drop), Err(error), "{text} {shape:?} {len}");
        }
        if shape.is_empty() {
            assert_eq!(ScalarRef::new(dtype.as_ref(), &data), Err(error));
            assert_eq!(Scalar::new(dtype, data.into()), Err(error));
        }
    }
    assert!(ArrayRef::new(DType::parse("|u1").unwrap().as_ref(), ShapeRef::new(&too_many[1..]), b"a").is_ok());
    assert_eq!(Array::from_slice(&[3], &[1_u16, 2]), Err(LayoutError::Length { met: 4, due: 6 }));
    // Of an opaque dtype any bytes are taken, but no strides.
    let message = common::array("bogus", &[7], b"abc");
    let opaque = ArrayRef::decode(&message).unwrap().dtype();
    assert!(ArrayRef::new(opaque, ShapeRef::new(&[u64::MAX; 64]), b"").is_ok());
    assert_eq!(ArrayRef::new(opaque, ShapeRef::new(&too_many), b""), Err(LayoutError::Axes));
    let strided = StridedArrayRef::new(opaque, &[1], &[1], b"a", 0);
    assert_eq!(strided.map(drop), Err(LayoutError::UnknownItemSize));
}

#[test]
fn strides_that_lead_out_of_the_data_are_refused() {
    let dtype = DType::parse("<i2").unwrap();
    let data = [0; 10];
    let new = |shape: &[u64], strides: &[i64], start| {
        StridedArrayRef::new(dtype.as_ref(), shape, strides, &data, start).map(drop)
    };
    // The last item ends with the data, the first begins with it.
    assert_eq!(
        (new(&[5], &[2], 0), new(&[5], &[-2], 8), new(&[3], &[4], 0), new(&[9], &[1], 0)),
        (Ok(()), Ok(()), Ok(()), Ok(()))
    );
    assert_eq!((new(&[2, 2], &[-4, 4], 4), new(&[], &[], 8), new(&[1], &[i64::MIN], 8)), (Ok(()), Ok(()), Ok(())));
    for (shape, strides, start) in [
        (&[5_u64][..], &[2_i64][..], 1),
        (&[6], &[2], 0),
        (&[5], &[-2], 7),
        (&[5], &[-2], 9),
        (&[10], &[1], 0),
        (&[], &[], 9),
        (&[], &[], 10),
        (&[2, 2], &[-4, 4], 3),
        (&[2, 2], &[-4, 4], 5),
        (&[2], &[i64::MIN], 0),
        (&[2], &[i64::MAX], 0),
        // One stride too few, one too many.
        (&[2, 2], &[2], 0),
        (&[2], &[2, 2], 0),
        (&[0], &[], 0),
    ] {
        assert_eq!(new(shape, strides, start), Err(LayoutError::Strides), "{shape:?} {strides:?} {start}");
    }
}

/// Errors leave nothing behind, whatever is written into.
#[test]
fn nothing_is_written_on_an_error() {
    let overlapping =
        DType::parse("{'names': ['a', 'b'], 'formats': ['<i4', '<i4'], 'offsets': [0, 2], 'itemsize': 8}").unwrap();
    let shape = [1];
    let array = Array::new(overlapping.clone(), shape.to_vec(), vec![0; 8]).unwrap();
    let scalar = Scalar::new(overlapping.clone(), vec![0; 8].into()).unwrap();
    let strided = StridedArrayRef::new(overlapping.as_ref(), &shape, &[8], array.data(), 0).unwrap();
    let value = ValueRef::Array(array.as_ref());
    let errors = [
        laws::nothing_written(|out| array.encode(out)),
        laws::nothing_written(|out| array.as_ref().encode(out)),
        laws::nothing_written(|out| scalar.encode(out)),
        laws::nothing_written(|out| scalar.as_ref().encode(out)),
        laws::nothing_written(|out| strided.encode(out)),
        laws::nothing_written(|out| value.encode(out)),
        array.encoded_len().unwrap_err(),
        strided.encoded_len().unwrap_err(),
        value.into_owned().unwrap_err(),
    ];
    assert_eq!(errors, [EncodeError::Fields; 9]);
    // The copy in C order can be made all the same.
    assert_eq!(strided.to_array().unwrap(), array);
}

/// Views are borrowed from owned values, and measured, without a byte of heap.
#[test]
fn measuring_allocates_nothing() {
    let dtype = DType::parse("[('a', '<i4'), ('p', [('x', '>f8', (2,))])]").unwrap();
    let array = Array::new(dtype.clone(), vec![2], vec![1; 40]).unwrap();
    let strided = StridedArrayRef::new(dtype.as_ref(), &[2], &[-20], array.data(), 20).unwrap();
    let len = assert_no_alloc(|| {
        assert_eq!(array.as_ref(), array.as_ref());
        assert_eq!(array.encoded_len(), strided.encoded_len());
        array.encoded_len().unwrap()
    });
    let (bytes, stats) = measure(|| strided.encode_to_vec().unwrap());
    assert_eq!((bytes.len(), stats.allocations, stats.bytes), (len, 1, len as u64));
}

/// By what it says, not by how it is written.
#[test]
fn shapes_are_equal_wherever_they_lie() {
    for shape in [&[][..], &[0], &[127], &[128, 1], &[u64::MAX, 0], &[1; 64]] {
        let data = vec![0; shape.iter().product::<u64>() as usize];
        let message = common::array("|u1", shape, &data);
        let short = ArrayRef::decode(&message).unwrap().encode_to_vec().unwrap();
        let [long, short] = [&message, &short].map(|bytes| ArrayRef::decode(bytes).unwrap().shape());
        let own = ShapeRef::new(shape);
        assert!(long == short && short == own && own == long, "{shape:?}");
        assert_eq!((own.len(), own.product(), own.is_empty()), (shape.len(), long.product(), shape.is_empty()));
        assert_eq!((own.to_string(), format!("{own:?}")), (long.to_string(), format!("{short:?}")));
        // One other length, or one more.
        let other: Vec<u64> = shape.iter().map(|len| len ^ 1).collect();
        assert!(shape.is_empty() || (own != ShapeRef::new(&other) && long != ShapeRef::new(&other)), "{shape:?}");
        assert_ne!(own, ShapeRef::new(&[shape, &[1]].concat()));
    }
    assert_eq!(ShapeRef::NONE, ShapeRef::new(&[]));
    assert_eq!(
        (ShapeRef::new(&[1 << 32, 1 << 32]).product(), ShapeRef::new(&[1 << 32, 1 << 32, 0]).product()),
        (None, Some(0))
    );
}

#[test]
fn dtypes_with_other_ends_are_not_equal() {
    let read = |descr: &[u8]| {
        let message = common::array_of(descr, b"V", &[0], b"\xc4\x00");
        ArrayRef::decode(&message).unwrap().dtype().into_owned()
    };
    let [bare, padded] = [&b"\x91\x92\xa1a\xa3|u1"[..], b"\x92\x92\xa1a\xa3|u1\x92\xa0\xa3|V3"].map(read);
    assert!(bare != padded && bare.as_ref() != padded.as_ref());
    assert_eq!((bare.itemsize(), padded.itemsize()), (Some(1), Some(4)));
    // SPEC.md §3: fields that are all padding are one plain `V`. One with a title is none.
    let all: [(&[u8], bool, u64); 4] = [
        (b"\x91\x92\xa0\xa3|V2", true, 2),
        (b"\x91\x93\xa0\xa3|V2\x91\x02", true, 4),
        (b"\x92\x92\xa0\xa3|V2\x92\xa0\xa3|V2", true, 4),
        (b"\x91\x92\x92\xa1t\xa0\xa3|V2", false, 2),
    ];
    for (descr, is_plain, itemsize) in all {
        let dtype = read(descr);
        assert_eq!((dtype.as_ref().as_plain().is_some(), dtype.itemsize()), (is_plain, Some(itemsize)));
        let message = common::array_of(descr, b"V", &[0], b"\xc4\x00");
        assert_laws(ValueRef::decode(&message).unwrap());
    }
}

/// A sub-array of one axis, told by an integer of each form, is written as a list.
#[test]
fn sub_arrays_told_by_an_integer_are_written_as_lists() {
    let forms: [(&[u8], u64); 9] = [
        (b"\x05", 5),
        (b"\x7f", 127),
        (b"\xcc\x05", 5),
        (b"\xcd\x01\x00", 256),
        (b"\xce\0\0\x01\x00", 256),
        (b"\xcf\0\0\0\0\0\0\x01\x00", 256),
        (b"\xd0\x05", 5),
        (b"\xd1\x01\x00", 256),
        (b"\xd3\0\0\0\0\0\x01\0\0", 65_536),
    ];
    for (axis, len) in forms {
        let descr = common::Pack::default().raw(b"\x91\x93").str("a").str("|u1").raw(axis).0;
        let message = common::array_of(&descr, b"V", &[0], b"\xc4\x00");
        let array = ArrayRef::decode(&message).unwrap();
        assert_eq!(array.dtype().itemsize(), Some(len));
        assert_laws(ValueRef::Array(array));
        let listed = [&descr[..descr.len() - axis.len()], &encoded(&rmpv::Value::Array(vec![len.into()]))].concat();
        let expected = common::array_of(&listed, b"V", &[0], b"\xc4\x00");
        assert_eq!(array, ArrayRef::decode(&expected).unwrap());
        let again = array.encode_to_vec().unwrap();
        assert!(again.windows(listed.len()).any(|window| window == listed), "{}", to_hex(&again));
    }
}

/// A value keeps the limits that it was read under.
#[test]
fn limits_go_along_with_owned_values() {
    let wide = common::array("|u1", &[1; 65], b"a");
    let limits = Limits::DEFAULT.with_max_axes(70);
    let list = Bytes::from([&b"\x91"[..], &wide].concat());
    for (limits, is_array) in [(limits, true), (Limits::DEFAULT, false)] {
        let value = Value::decode_bytes_with(&list, &limits).unwrap();
        let again = value.as_ref().into_owned().unwrap();
        for value in [&value, &again] {
            let ValueRef::List(list) = value.as_ref() else { panic!() };
            assert_eq!(matches!(list.iter().next(), Some(ValueRef::Array(_))), is_array);
        }
        assert_eq!(value, again);
    }
}

#[test]
fn limits_go_along_with_owned_arrays() {
    let wide = common::array("|u1", &[1; 65], b"a");
    let value = ValueRef::decode_with(&wide, &Limits::DEFAULT.with_max_axes(70)).unwrap();
    let ValueRef::Array(array) = value else { panic!("{value:?}") };
    let owned = value.into_owned().unwrap();
    assert_eq!(meaning::of(owned.as_ref()), meaning::of(ValueRef::Array(array)));
}

/// SPEC.md §6: however they are written. Padding has no meaning.
#[test]
fn owned_dtypes_are_equal_whether_gaps_are_fields_or_not() {
    let text = DType::parse("[('a', '<i4'), ('', '|V4'), ('b', '<i4')]").unwrap();
    let dict =
        DType::parse("{'names': ['a', 'b'], 'formats': ['<i4', '<i4'], 'offsets': [0, 8], 'itemsize': 12}").unwrap();
    assert_eq!(text.as_ref(), dict.as_ref());
    let [one, other] = [&text, &dict].map(|dtype| Array::new(dtype.clone(), vec![1], vec![0; 12]).unwrap());
    assert_eq!(one, other);
    let [one, other] = [&text, &dict].map(|dtype| Scalar::new(dtype.clone(), vec![0; 12].into()).unwrap());
    assert_eq!(one.as_ref(), other.as_ref());
    assert_eq!(one, other);
    assert_eq!(text, dict);
}

/// What is written can be read: the same dtype comes back, and with more axes there is none.
#[test]
fn dtypes_with_many_axes_come_back() {
    let dtype = |axes| {
        let plain = DType::Plain(Plain::parse("|u1").unwrap());
        let field = Field { name: "a".into(), title: None, offset: 0, dtype: plain, shape: vec![1; axes] };
        DType::structured(vec![field], 1)
    };
    for axes in [0, 1, 64, 65, 300] {
        assert_eq!(dtype(axes).is_some(), axes <= 64, "{axes}");
        let Some(dtype) = dtype(axes) else { continue };
        let array = Array::new(dtype, vec![1], vec![7]).unwrap();
        assert_eq!(Array::decode(&array.encode_to_vec().unwrap()).unwrap(), array, "{axes}");
    }
}

/// A dtype all of whose bytes are padding.
#[test]
fn dtypes_without_fields_come_back() {
    let bytes = common::array_of(b"\x92\x92\xa0\xa3|V1\x92\xa0\xa3|V3", b"V", &[1], b"\xc4\x04abcd");
    let array = ArrayRef::decode(&bytes).unwrap();
    let again = array.encode_to_vec().unwrap();
    assert_eq!(meaning::of_dtype(ArrayRef::decode(&again).unwrap().dtype()), meaning::of_dtype(array.dtype()));
}

/// Law 10: what was read can be written, though gaps side by side are one that is longer than a typestr can tell.
#[test]
fn gaps_of_more_than_4_gib_are_written_again() {
    let bytes = common::array_of(
        b"\x93\x92\xa0\xac|V4294967295\x92\xa0\xac|V4294967295\x92\xa1a\xa3|u1",
        b"V",
        &[0],
        b"\xc4\x00",
    );
    let array = ArrayRef::decode(&bytes).unwrap();
    let again = array.encode_to_vec().unwrap();
    assert_eq!(ArrayRef::decode(&again).unwrap(), array);
}

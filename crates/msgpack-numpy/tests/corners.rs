//! Corners that were got wrong once: each test is named after what is right.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use msgpack_numpy_codec::{
    Array, ArrayRef, DType, EncodeError, Limit, Limits, Plain, Reader, ShapeRef, StridedArrayRef, Tape, ValueRef,
    Writer,
};

/// The map of an array, with `type` and `shape` in MessagePack.
fn array(dtype: &[u8], shape: &[u8], data: &[u8]) -> Vec<u8> {
    let len = u8::try_from(data.len()).unwrap();
    let parts: [&[u8]; 7] =
        [b"\x84\xc4\x02nd\xc3\xc4\x04type", dtype, b"\xc4\x05shape", shape, b"\xc4\x04data\xc4", &[len], data];
    parts.concat()
}

#[test]
fn arrays_of_unknown_items_count_their_list_of_axes() {
    let opaque = array(b"\xa3|i2", b"\x91\x01", b"ab");
    let value = ValueRef::decode(&opaque).unwrap();
    let deep = |depth: usize| {
        let mut writer = Writer::new();
        (0..depth).for_each(|_| writer.list(1).unwrap());
        writer.value(value).map(|()| writer.finish().unwrap().to_vec())
    };
    assert_eq!(deep(63), Err(EncodeError::LimitExceeded { limit: Limit::MaxDepth, max: 64 }));
    assert!(ValueRef::decode(&deep(62).unwrap()).is_ok());
}

#[test]
fn arrays_with_more_axes_than_the_default_stay_arrays_when_owned() {
    let axes = [&b"\xdc\x00\x64"[..], &[1; 100]].concat();
    let message = array(b"\xa3|u1", &axes, b"a");
    let limits = Limits::DEFAULT.with_max_axes(200);
    let value = ValueRef::decode_with(&message, &limits).unwrap();
    assert!(value.as_array().is_some());
    assert_eq!(value.into_owned().unwrap().as_ref(), value);
}

#[test]
fn of_two_shortest_texts_the_even_one_is_written_as_python_does() {
    // As CPython 3.11 prints them.
    for (number, text) in [
        (f64::from_bits(0x4302_2b15_82de_ba22), "(1+639240121341764.2j)"),
        (27_196_226_765_612.062, "(1+27196226765612.062j)"),
        (1e16, "(1+1e+16j)"),
        (9_999_999_999_999_998.0, "(1+9999999999999998j)"),
        (0.0001, "(1+0.0001j)"),
        (0.000_012_5, "(1+1.25e-05j)"),
        (5e-324, "(1+5e-324j)"),
        (1_234_500.0, "(1+1234500j)"),
        (-0.001_5, "(1-0.0015j)"),
    ] {
        let written = ValueRef::Complex(1.0, number).encode_to_vec().unwrap();
        assert!(written.ends_with(text.as_bytes()), "{text}: {}", written.escape_ascii());
    }
}

#[test]
fn nothing_but_padding_is_a_void_of_its_width() {
    let void = DType::Plain(Plain::parse("|V4").unwrap());
    for descr in [&b"\x91\x92\xa0\xa3|V4"[..], b"\x92\x92\xa0\xa3|V2\x92\xa0\xa3|V2", b"\x91\x93\xa0\xa3|V2\x91\x02"] {
        let message = array(descr, b"\x90", b"abcd");
        let read = ArrayRef::decode(&message).unwrap();
        assert_eq!(read.dtype().into_owned(), void, "{}", descr.escape_ascii());
        assert_eq!(ArrayRef::decode(&read.encode_to_vec().unwrap()), Ok(read));
    }
    assert_eq!(DType::structured(Vec::new(), 4), Some(void.clone()));
    assert_eq!(DType::parse("[('', '|V1'), ('', '|V3')]"), Some(void));
    // A title makes a field of it.
    let titled = array(b"\x91\x92\x92\xa1t\xa0\xa3|V4", b"\x90", b"abcd");
    let read = ArrayRef::decode(&titled).unwrap();
    assert_eq!(ArrayRef::decode(&read.encode_to_vec().unwrap()), Ok(read));
    assert_eq!(read.fields().count(), 1);
}

#[test]
fn sub_arrays_have_no_more_axes_than_arrays() {
    let text = |axes: usize| format!("[('a', '|u1', ({}))]", "1, ".repeat(axes));
    assert!(DType::parse(&text(64)).is_some());
    assert_eq!(DType::parse(&text(65)), None);
}

#[test]
fn owned_dtypes_print_their_gaps_and_equal_what_they_were_made_of() {
    let text = "[('a', '|u1'), ('', '|V2'), ('b', '|u1'), ('', '|V3')]";
    let owned = DType::parse(text).unwrap();
    assert_eq!(owned.to_string(), text);
    let dict = "{'names': ['a', 'b'], 'formats': ['u1', 'u1'], 'offsets': [0, 3], 'itemsize': 7}";
    assert_eq!(DType::parse(dict), Some(owned.clone()));
    assert_eq!(owned.as_ref().name().to_string(), dict);
    // Fields in another order than their bytes have no descr.
    let swapped = "{'names': ['a', 'b'], 'formats': ['u1', 'u1'], 'offsets': [1, 0], 'itemsize': 2}";
    let swapped_dtype = DType::parse(swapped).unwrap();
    assert_eq!(swapped_dtype.to_string(), swapped);
    let array = Array::new(swapped_dtype, vec![1], b"ab".to_vec()).unwrap();
    assert_eq!(array.encode_to_vec(), Err(EncodeError::Fields));
    assert_eq!(array.as_ref().field("a").unwrap().to_vec::<u8>(), Ok(vec![b'b']));
}

#[test]
fn what_a_tree_hands_out_outlives_the_tape() {
    let message = b"\x92\xa2on\x91\xa3off".to_vec();
    let mut tape = Tape::new();
    let mut kept = Vec::new();
    for _ in 0..2 {
        let tree = tape.parse(&message, &Limits::DEFAULT).unwrap();
        kept.push(tree.root().at(0).unwrap().value());
    }
    assert_eq!(kept, [ValueRef::Str(b"on"); 2]);
}

#[test]
fn maps_with_the_key_of_an_array_and_another_value_are_maps_in_trees_too() {
    for message in [&b"\x81\xa2nd\x81\xa2nd\x01"[..], b"\x82\xa2nd\x01\xa2nd\xc3", b"\x81\xa7complex\xc2"] {
        let mut tape = Tape::new();
        let tree = tape.parse(message, &Limits::DEFAULT).unwrap();
        assert_eq!(tree.root().value(), ValueRef::decode(message).unwrap());
        assert!(tree.root().value().as_map().is_some());
        assert_eq!(tree.values().count(), tree.values().filter(|value| value.as_array().is_none()).count());
    }
}

#[test]
fn gaps_wider_than_a_void_can_be_are_several() {
    let message = array(b"\x92\x92\xa1a\xa3|u1\x93\xa0\xac|V4294967295\x91\x02", b"\x91\x00", b"");
    let read = ArrayRef::decode(&message).unwrap();
    assert_eq!(ArrayRef::decode(&read.encode_to_vec().unwrap()), Ok(read));
}

#[test]
fn sub_arrays_in_texts_take_none_of_the_eight_levels() {
    let (dtype, _) = (0..8).fold((String::from("'<f4'"), 4), |(inner, size), _| {
        let size = 1 + 2 * size;
        (format!("{{'names': ['a'], 'formats': [({inner}, (2,))], 'offsets': [1], 'itemsize': {size}}}"), size)
    });
    let parsed = DType::parse(&dtype).unwrap();
    assert_eq!(parsed.as_ref().name().to_string(), dtype);
}

#[test]
fn an_item_that_stands_for_more_than_there_is_room_for_is_an_error() {
    let dtype = DType::parse("|u1").unwrap();
    let array = StridedArrayRef::new(dtype.as_ref(), &[1 << 40], &[0], b"x", 0).unwrap();
    assert_eq!(array.to_array(), Err(EncodeError::TooLong { len: 1 << 40 }));
    let mut writer = Writer::new();
    assert_eq!(writer.strided(array), Err(EncodeError::TooLong { len: 1 << 40 }));
    writer.nil().unwrap();
    assert_eq!(writer.finish().unwrap().to_vec(), b"\xc0");
}

#[test]
fn fields_in_fields_are_strided_too() {
    let dtype = DType::parse("[('p', [('x', '<u2'), ('y', '>u2')]), ('q', 'u1')]").unwrap();
    let array = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[2]), &[1, 0, 0, 2, 9, 3, 0, 0, 4, 8]).unwrap();
    let names: Vec<_> = array.fields().map(|field| field.field().name).collect();
    assert_eq!(names, ["p", "q"]);
    let y = array.field("p").unwrap().inner("y").unwrap();
    assert_eq!(y.to_vec::<u16>(), Ok(vec![2, 4]));
    assert_eq!(array.field("p").unwrap().inner("z"), None);
    assert_eq!(array.field("q").unwrap().inner("x"), None);
}

#[test]
fn what_prints_for_debugging_is_short() {
    let message = [&b"\xc5\x10\x00"[..], &[0; 4096]].concat();
    let list = [&b"\x92"[..], &message, &message].concat();
    let ValueRef::List(items) = ValueRef::decode(&list).unwrap() else { panic!() };
    let mut tape = Tape::new();
    let tree = tape.parse(&list, &Limits::DEFAULT).unwrap();
    for text in [
        format!("{:?}", Reader::new(&list)),
        format!("{items:?} {:?}", items.iter()),
        format!("{tree:?} {:?} {:?}", tree.values(), tree.root().children()),
        format!("{:?}", ValueRef::decode(&list).unwrap().into_owned().unwrap()),
    ] {
        assert!(text.len() < 100, "{text}");
    }
}

#[test]
fn numbers_are_found_in_either_form() {
    let scalar = b"\x83\xc4\x02nd\xc2\xc4\x04type\xa3<i2\xc4\x04data\xc4\x02\xfe\xff";
    let value = ValueRef::decode(scalar).unwrap();
    assert_eq!((value.as_i64(), value.as_u64(), value.as_f64(), value.as_bool()), (Some(-2), None, None, None));
    let value = ValueRef::decode(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff").unwrap();
    assert_eq!((value.as_i64(), value.as_u64()), (None, Some(u64::MAX)));
    let scalar = b"\x83\xc4\x02nd\xc2\xc4\x04type\xa3>f4\xc4\x04data\xc4\x04\x3f\xc0\x00\x00";
    assert_eq!(ValueRef::decode(scalar).unwrap().as_f64(), Some(1.5));
    let scalar = b"\x83\xc4\x02nd\xc2\xc4\x04type\xa3|b1\xc4\x04data\xc4\x01\x01";
    assert_eq!(ValueRef::decode(scalar).unwrap().as_bool(), Some(true));
}

#[test]
fn wide_dtypes_in_others_are_walked_once_a_level() {
    // Three times a level would be more than two thousand times in all: this would not end while somebody waits.
    for (inner, itemsize) in [(&b"\x92\xa0\xa3|V1"[..], 20_000), (b"\x92\xa1x\xa3<i4", 80_000)] {
        let mut dtype = [&b"\xdc\x4e\x20"[..], &inner.repeat(20_000)].concat();
        for _ in 0..7 {
            dtype = [&b"\x91\x92\xa1a"[..], &dtype].concat();
        }
        let message = array(&dtype, b"\x91\x00", b"");
        let read = ArrayRef::decode(&message).unwrap();
        assert_eq!(read.dtype().itemsize(), Some(itemsize));
        assert_eq!(read.into_owned().as_ref(), read);
        assert_eq!(ArrayRef::decode(&read.encode_to_vec().unwrap()), Ok(read));
    }
}

#[test]
fn lists_in_an_aligned_dict_are_read_only_where_alignment_changes_nothing() {
    // As numpy 1.26 prints it: Python aligns the list in it when it reads this again, and the text does not tell how.
    let moved = "{'names': ['a', 'b', 'z'], 'formats': ['<i4', [('c', '?'), ('d', '<i4')], '?'], 'offsets': [0, 4, 12], \
                 'itemsize': 16, 'aligned': True}";
    assert_eq!(DType::parse(moved), None);
    let same = "{'names': ['a', 'b'], 'formats': ['<i4', [('c', '<i4'), ('d', '<f4')]], 'offsets': [0, 4], 'itemsize': 12, \
                'aligned': True}";
    assert_eq!(DType::parse(same).unwrap().itemsize(), Some(12));
    let unaligned = moved.replace("True", "False");
    assert_eq!(DType::parse(&unaligned).unwrap().itemsize(), Some(16));
}

#[test]
fn a_vector_of_items_becomes_an_array_without_a_copy() {
    let items = vec![1.5_f32; 1000];
    let place = items.as_ptr().addr();
    let array = Array::from_vec(vec![10, 100], items).unwrap();
    assert_eq!(array.data().as_ptr().addr(), place);
    assert_eq!(array.as_ref().as_slice::<f32>().map(<[f32]>::len), Some(1000));
    assert_eq!(format!("{array:?}").replace('>', "<"), "Array(<f4, (10, 100), [4000 bytes])");
}

#[cfg(feature = "std")]
#[test]
fn slices_are_written_whole_by_writers_that_take_little_at_a_time() {
    struct Little(Vec<u8>);

    impl std::io::Write for Little {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let some = bytes.len().min(7);
            self.0.extend_from_slice(&bytes[..some]);
            Ok(some)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let array = Array::from_vec(vec![100], vec![3_u16; 100]).unwrap();
    let mut writer = Writer::new();
    writer.list(2).unwrap();
    writer.array(array.as_ref()).unwrap();
    writer.array(array.as_ref()).unwrap();
    let encoded = writer.finish().unwrap();
    let mut little = Little(Vec::new());
    encoded.write_to(&mut little).unwrap();
    assert_eq!(little.0, encoded.to_vec());
    assert!(encoded.write_to(&mut &mut [0; 10][..]).is_err());
}

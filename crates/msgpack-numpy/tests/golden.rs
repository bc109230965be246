//! Every golden vector: what msgpack-numpy 0.4.8 writes, what its older versions wrote, and what is malformed.

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

use std::fmt::Debug;

use common::{described, golden};
use msgpack_numpy_codec::{ArrayRef, DType, Element, Kind, ScalarRef, ValueRef, Writer};
use serde_json::{Value as Json, json};
use testkit::slices::at_every_offset;
use testkit::vectors::hex;

/// What a vector of an array or a numpy scalar says, in the notation of the expectations.
fn stated(vector: &Json) -> Json {
    let data = vector["data_hex"].as_str().unwrap_or_default();
    let dtype = match vector["name"].as_str().unwrap() {
        // Before 0.3.9 only the width of such an item was written.
        "legacy_0.3.2_struct" | "legacy_0.3.8_struct" => &json!("|V12"),
        _ => &vector["typestr_or_descr"],
    };
    match &vector["shape"] {
        Json::Null => json!({"value": "scalar", "type": dtype, "data": data}),
        shape => json!({"value": "array", "type": dtype, "shape": shape, "data": data}),
    }
}

/// The complex number that the note of a vector, or its place in time, tells.
fn parts(name: &str) -> Option<[f64; 2]> {
    Some(match name {
        "pycomplex_1" => [0.0, 0.0],
        "pycomplex_2" => [-0.0, 0.0],
        "pycomplex_3" => [0.0, -0.0],
        "pycomplex_4" => [0.0, 1.0],
        "pycomplex_5" => [f64::NAN, f64::NEG_INFINITY],
        "pycomplex_6" => [1.5, -2.25],
        "pycomplex_7" => [1e300, -1e-300],
        "pycomplex_8" => [0.1, 1e16],
        "pycomplex_0" => [1.0, 2.0],
        _ if name.starts_with("legacy") && name.ends_with("complex") => [1.0, 2.0],
        _ => return None,
    })
}

fn assert_vector(vector: &Json, bytes: &[u8]) {
    let name = vector["name"].as_str().unwrap();
    let value = ValueRef::decode(bytes).unwrap();
    if let Some(parts) = parts(name) {
        let ValueRef::Complex(real, imaginary) = value else { panic!("{name}: {value:?}") };
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert!(same(real, parts[0]) && same(imaginary, parts[1]), "{name}: {value:?}");
        return;
    }
    match (name, value) {
        ("scalar_f8", value) => assert_eq!(value, ValueRef::F64(1.5)),
        ("scalar_str", value) => assert_eq!(value, ValueRef::Str(b"x")),
        ("scalar_bytes", value) => assert_eq!(value, ValueRef::Bin(b"x")),
        // Items without bytes: SPEC.md §2. `type` follows `nd` and the head of its own key.
        ("struct_nofields", value) => assert_eq!(
            described(value),
            json!({"value": "faulty", "kind": "zero_item_size", "offset": 12, "field": "type"})
        ),
        ("object", ValueRef::Pickle(pickle)) => {
            assert_eq!(pickle.shape().iter().collect::<Vec<_>>(), [3]);
            assert!(bytes.ends_with(pickle.pickle()) && pickle.pickle().starts_with(b"\x80\x02cnumpy"));
        }
        ("nested_container", ValueRef::Map(map)) => assert_nested(map),
        // With the key `np`, and a decimal text for data: nobody's tag.
        ("legacy_0.03_np_f4", ValueRef::Map(map)) => {
            assert_eq!(map.get("np"), Some(ValueRef::Bool(true)));
            assert_eq!(map.get("data"), Some(ValueRef::Str(b"1.5")));
        }
        (_, value) => assert_eq!(described(value), stated(vector), "{name}"),
    }
}

/// `{x: uint16 [1], y: [float32 2.0, {z: empty float64}], n: None, c: 1j}`
fn assert_nested(map: msgpack_numpy_codec::MapRef<'_>) {
    assert_eq!(map.len(), 4);
    let Some(ValueRef::Array(x)) = map.get("x") else { panic!() };
    assert_eq!(x.to_vec::<u16>().unwrap(), [1]);
    let Some(ValueRef::List(y)) = map.get("y") else { panic!() };
    let y: Vec<_> = y.iter().collect();
    let [ValueRef::Scalar(two), ValueRef::Map(inner)] = y[..] else { panic!("{y:?}") };
    assert_eq!(two.get::<f32>(), Some(2.0));
    let Some(ValueRef::Array(z)) = inner.get("z") else { panic!() };
    assert_eq!((z.dtype().to_string().as_str(), z.shape().to_string().as_str(), z.data().len()), ("<f8", "(0,)", 0));
    assert_eq!((map.get("n"), map.get("c")), (Some(ValueRef::Nil), Some(ValueRef::Complex(0.0, 1.0))));
    assert_eq!(map.get("z"), None);
}

#[test]
fn what_0_4_8_writes_is_read_as_it_says() {
    let vectors = golden("valid");
    assert!(cfg!(miri) || vectors.len() == 98, "{}", vectors.len());
    for (vector, bytes) in vectors {
        assert_vector(&vector, &bytes);
    }
}

/// Lists and maps are written as they came, so that each value in them is written by itself.
fn assert_written_again(value: ValueRef<'_>, bytes: &[u8], name: &str) {
    match value {
        ValueRef::List(list) => list.iter().for_each(|item| assert_written_again(item, &[], name)),
        ValueRef::Map(map) => map.iter().for_each(|(key, item)| {
            assert_written_again(key, &[], name);
            assert_written_again(item, &[], name);
        }),
        _ => {}
    }
    let written = value.encode_to_vec().unwrap();
    assert_eq!(value.encoded_len(), Ok(written.len()), "{name}");
    let mut writer = Writer::new();
    writer.value(value).unwrap();
    assert_eq!(writer.finish().unwrap().to_vec(), written, "{name}");
    if bytes.is_empty() {
        assert_eq!(ValueRef::decode(&written).unwrap(), value, "{name}");
    } else {
        assert_eq!(written, bytes, "{name}");
    }
}

#[test]
fn what_0_4_8_writes_is_written_to_the_same_bytes() {
    for (vector, bytes) in golden("valid") {
        let name = vector["name"].as_str().unwrap();
        let value = ValueRef::decode(&bytes).unwrap();
        match (name, value) {
            // Without the map in its place, of which no reader learns anything.
            ("masked", ValueRef::Array(array)) => {
                let plain = array.encode_to_vec().unwrap();
                assert_ne!(plain, bytes);
                assert_eq!(ValueRef::decode(&plain).unwrap(), value);
            }
            _ => assert_written_again(value, &bytes, name),
        }
        if let ValueRef::Array(array) = value {
            assert_eq!(array.into_owned().as_ref(), array, "{name}");
            assert_eq!(array.into_owned().encode_to_vec(), array.encode_to_vec(), "{name}");
        }
    }
}

#[test]
fn what_older_versions_wrote_is_written_as_0_4_8_does() {
    for (vector, bytes) in golden("legacy") {
        let value = ValueRef::decode(&bytes).unwrap();
        let written = value.encode_to_vec().unwrap();
        assert_eq!(ValueRef::decode(&written).unwrap(), value, "{}", vector["name"]);
        let start: &[u8] = match value {
            ValueRef::Array(_) => b"\x85\xc4\x02nd\xc3\xc4\x04type",
            ValueRef::Scalar(_) => b"\x83\xc4\x02nd\xc2\xc4\x04type",
            ValueRef::Complex(..) => b"\x82\xc4\x07complex\xc3\xc4\x04data",
            ValueRef::Map(map) => map.as_encoded(),
            other => panic!("{other:?}"),
        };
        assert!(written.starts_with(start), "{}", vector["name"]);
    }
}

#[test]
fn what_older_versions_wrote_is_read_as_they_said() {
    let vectors = golden("legacy");
    assert!(cfg!(miri) || vectors.len() == 29, "{}", vectors.len());
    for (vector, bytes) in vectors {
        assert_vector(&vector, &bytes);
    }
}

#[test]
fn what_is_malformed_has_its_committed_outcome() {
    // Line by line: under Miri only those that are wanted become JSON.
    let expected = std::fs::read_to_string("tests/vectors/expected.jsonl").unwrap();
    assert_eq!(expected.lines().count(), 66);
    let inputs = golden("malformed");
    assert!(inputs.len() == 66 || cfg!(miri) && inputs.len() > 4, "{}", inputs.len());
    for (vector, bytes) in inputs {
        let name = format!("\"name\": {},", vector["name"]);
        let line = expected.lines().find(|line| line[1..].starts_with(&name)).unwrap_or_else(|| panic!("{name}"));
        let line: Json = serde_json::from_str(line).unwrap();
        let mut found = match ValueRef::decode(&bytes) {
            Ok(value) => described(value),
            Err(error) => json!({
                "value": "error",
                "kind": error.kind().to_string(),
                "offset": error.offset(),
                "field": error.what(),
            }),
        };
        found["name"] = vector["name"].clone();
        assert_eq!(found, line);
    }
}

/// What was not understood is still there: its dtype as it came, and its bytes.
#[test]
fn dtypes_that_are_not_understood_keep_their_text() {
    let texts = [
        ("bad_type_bogus", Some("<q9")),
        ("bad_type_empty", Some("")),
        ("bad_type_comma", Some("i2,i4")),
        ("bad_type_pipe_i2", Some("|i2")),
        ("bad_kind_V_type_str", Some("|V2")),
        ("bad_O_typestr", Some("|O")),
        ("bad_type_nil", None),
        ("bad_descr_map", None),
    ];
    let inputs = golden("malformed");
    for (name, text) in texts {
        let Some((vector, bytes)) = inputs.iter().find(|(vector, _)| vector["name"] == name) else {
            // Not in the sample.
            assert!(inputs.len() < 66, "{name}");
            continue;
        };
        let ValueRef::Array(array) = ValueRef::decode(bytes).unwrap() else { panic!("{name}") };
        let msgpack_numpy_codec::DTypeRef::Opaque(dtype) = array.dtype() else { panic!("{name}") };
        assert_eq!((dtype.as_str(), array.dtype().itemsize()), (text, None), "{name}");
        let whole = vector["msgpack_hex"].as_str().unwrap();
        assert!(whole.contains(&testkit::vectors::to_hex(dtype.as_encoded())), "{name}");
        assert_eq!(array.to_vec::<i16>(), Err(msgpack_numpy_codec::AccessError::WrongType));
    }
}

/// Items of `size` bytes of an independent conversion: turned round where they are big-endian, then read as little-endian.
fn turned(data: &[u8], size: usize, big: bool) -> Vec<Vec<u8>> {
    let turn = |item: &[u8]| if big { item.iter().rev().copied().collect() } else { item.to_vec() };
    data.chunks(size).map(turn).collect()
}

fn assert_items<T: Element + bytemuck::AnyBitPattern + PartialEq + Debug>(
    array: ArrayRef<'_>,
    expected: &[T],
    zero: T,
) {
    // As text: NaNs are the same there, and zeros differ in sign.
    let text = |items: &[T]| format!("{items:?}");
    assert_eq!(text(&array.to_vec::<T>().unwrap()), text(expected));
    let items = array.iter::<T>().unwrap();
    assert_eq!(items.len(), expected.len());
    let mut one_by_one = Vec::new();
    items.clone().for_each(|item| one_by_one.push(item));
    assert_eq!(text(&one_by_one), text(expected));
    let mut stepped = Vec::new();
    let mut items = items;
    while let Some(item) = items.next() {
        stepped.push(item);
        assert_eq!(items.len() + stepped.len(), expected.len());
    }
    assert_eq!(text(&stepped), text(expected));
    let mut room = vec![zero; expected.len()];
    array.copy_to(&mut room).unwrap();
    assert_eq!(text(&room), text(expected));
    let mut less = vec![zero; expected.len() + 1];
    assert!(array.copy_to(&mut less).is_err());
    assert_eq!(text(&less), text(&vec![zero; expected.len() + 1]));
    // Lent out exactly if nothing is to be turned and the bytes lie where T may lie.
    let big = array.dtype().to_string().starts_with('>');
    let little = array.dtype().to_string().starts_with('<');
    let native = if cfg!(target_endian = "big") { !little } else { !big };
    let aligned = array.data().as_ptr().addr() % align_of::<T>() == 0;
    let lent = array.as_slice::<T>();
    assert_eq!(lent.map(text), (native && aligned).then(|| text(expected)));
}

macro_rules! numbers {
    ($array:expr, $data:expr, $big:expr, $($type:ty),+) => {
        [$(if $array.to_vec::<$type>().is_ok() {
            let items = turned($data, size_of::<$type>(), $big);
            let expected: Vec<$type> = items.iter().map(|item| <$type>::from_le_bytes(item[..].try_into().unwrap())).collect();
            assert_items($array, &expected, <$type>::default());
            1
        } else { 0_usize }),+].iter().sum::<usize>()
    };
}

macro_rules! complexes {
    ($array:expr, $data:expr, $big:expr, $($type:ty),+) => {
        [$(if $array.to_vec::<[$type; 2]>().is_ok() {
            let items = turned($data, size_of::<$type>(), $big);
            let halves: Vec<$type> = items.iter().map(|item| <$type>::from_le_bytes(item[..].try_into().unwrap())).collect();
            let expected: Vec<[$type; 2]> = halves.chunks(2).map(|pair| [pair[0], pair[1]]).collect();
            assert_items($array, &expected, <[$type; 2]>::default());
            1
        } else { 0_usize }),+].iter().sum::<usize>()
    };
}

/// How many of the element types take the array; each of them is compared.
fn assert_typed(array: ArrayRef<'_>, data: &[u8], typestr: &str) -> usize {
    let big = typestr.starts_with('>');
    let mut ways = numbers!(array, data, big, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
    ways += complexes!(array, data, big, f32, f64);
    if let Ok(found) = array.to_vec::<bool>() {
        assert_eq!(found, data.iter().map(|byte| *byte != 0).collect::<Vec<_>>());
        let mut room = vec![false; found.len()];
        array.copy_to(&mut room).unwrap();
        assert_eq!(room, found);
        ways += 1;
    }
    ways
}

#[test]
fn numbers_are_the_same_at_every_alignment() {
    let one = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"];
    let mut compared = 0;
    for (vector, bytes) in golden("valid").into_iter().chain(golden("legacy")) {
        let ValueRef::Array(_) = ValueRef::decode(&bytes).unwrap() else { continue };
        let Some(typestr) = vector["typestr_or_descr"].as_str() else { continue };
        let data = hex(vector["data_hex"].as_str().unwrap_or_default());
        let code = typestr.trim_start_matches(['<', '>', '|']);
        let due = one.contains(&code) || code.starts_with("M8") || code.starts_with("m8");
        at_every_offset(&bytes, |bytes| {
            let ValueRef::Array(array) = ValueRef::decode(bytes).unwrap() else { unreachable!() };
            assert_eq!(assert_typed(array, &data, typestr), usize::from(due), "{}", vector["name"]);
        });
        compared += usize::from(due);
    }
    assert!(compared >= if cfg!(miri) { 3 } else { 50 }, "{compared}");
}

/// The other numbers of a scalar are none of its own.
#[test]
#[cfg_attr(miri, ignore = "looks for too many lines")]
fn scalars_are_the_numbers_of_their_bytes() {
    let text = std::fs::read_to_string("tests/vectors/msgpack_numpy.jsonl").unwrap();
    let scalar = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("{{\"name\": \"{name}\","))).unwrap();
        let vector: Json = serde_json::from_str(line).unwrap();
        hex(vector["msgpack_hex"].as_str().unwrap())
    };
    fn read(bytes: &[u8]) -> ScalarRef<'_> {
        let ValueRef::Scalar(scalar) = ValueRef::decode(bytes).unwrap() else { panic!() };
        scalar
    }
    assert_eq!(read(&scalar("scalar_b1")).get::<bool>(), Some(true));
    assert_eq!(read(&scalar("scalar_b1_false")).get::<bool>(), Some(false));
    assert_eq!(read(&scalar("scalar_i1")).get::<i8>(), Some(-1));
    assert_eq!(read(&scalar("scalar_u1")).get::<u8>(), Some(255));
    assert_eq!(read(&scalar("scalar_i2")).get::<i16>(), Some(-2));
    assert_eq!(read(&scalar("scalar_u2")).get::<u16>(), Some(0xffff));
    assert_eq!(read(&scalar("scalar_i4")).get::<i32>(), Some(-3));
    assert_eq!(read(&scalar("scalar_u4")).get::<u32>(), Some(4));
    assert_eq!(read(&scalar("scalar_i8")).get::<i64>(), Some(-5));
    assert_eq!(read(&scalar("scalar_u8")).get::<u64>(), Some(u64::MAX));
    assert_eq!(read(&scalar("scalar_f4")).get::<f32>(), Some(1.5));
    assert_eq!(read(&scalar("scalar_c8")).get::<[f32; 2]>(), Some([1.0, 2.0]));
    assert_eq!(read(&scalar("scalar_c16")).get::<[f64; 2]>(), Some([1.0, 2.0]));
    assert_eq!(read(&scalar("scalar_m8_s")).get::<i64>(), Some(5));
    assert_eq!(read(&scalar("scalar_i4")).get::<u32>(), None);
    assert_eq!(read(&scalar("scalar_i4")).get::<i64>(), None);
    assert_eq!(read(&scalar("scalar_f2")).get::<f32>(), None);
}

/// Fields stand at the sums of the sizes before them, and come out by name.
#[test]
fn fields_are_found_by_name() {
    let vectors = golden("valid");
    let mut found = 0;
    for (vector, bytes) in &vectors {
        let ValueRef::Array(array) = ValueRef::decode(bytes).unwrap() else { continue };
        match vector["name"].as_str().unwrap() {
            "struct_simple" => {
                assert_eq!(array.field("a").unwrap().to_vec::<i32>().unwrap()[0], 1);
                assert_eq!(array.field("b").unwrap().to_vec::<f64>().unwrap()[0], 2.0);
                assert_eq!(array.field("b").unwrap().field().offset, 4);
                assert_eq!(array.field("b").unwrap().chunks().count(), 2);
                assert!(array.field("c").is_none() && array.field("").is_none());
                assert!(array.field("a").unwrap().to_vec::<u32>().is_err());
            }
            "struct_be" => {
                assert_eq!(array.field("a").unwrap().to_vec::<i32>().unwrap(), [1]);
                assert_eq!(array.field("b").unwrap().to_vec::<f64>().unwrap(), [2.0]);
            }
            "struct_subarray" => {
                let b = array.field("b").unwrap();
                assert_eq!(b.field().shape.to_string(), "(2, 3)");
                assert_eq!(b.to_vec::<u16>().unwrap(), [1, 2, 3, 4, 5, 6]);
            }
            "struct_aligned" => {
                assert_eq!(array.dtype().itemsize(), Some(16));
                assert_eq!(array.field("b").unwrap().field().offset, 8);
                assert!(array.field("").is_none(), "padding");
            }
            "struct_offsets" => {
                let msgpack_numpy_codec::DTypeRef::Structured(dtype) = array.dtype() else { panic!() };
                assert_eq!((dtype.itemsize(), dtype.fields().count(), dtype.all_fields().count()), (12, 2, 4));
                assert!(dtype.all_fields().skip(1).step_by(2).all(|field| field.is_padding()));
                assert_eq!(dtype.field("b").unwrap().offset, 4);
            }
            "struct_nested" => {
                let p = array.field("p").unwrap();
                assert_eq!(p.chunks().next().unwrap(), [0, 0, 0xc0, 0x3f, 0, 0, 0x20, 0x40]);
                assert!(p.iter::<f32>().is_none());
                assert_eq!(array.field("q").unwrap().to_vec::<u16>().unwrap(), [7]);
            }
            "struct_unicode_name" => assert_eq!(array.field("é").unwrap().to_vec::<i32>().unwrap(), [1]),
            "struct_mixed" => {
                assert_eq!(array.field("b").unwrap().to_vec::<bool>().unwrap().len(), 1);
                assert_eq!(array.field("s").unwrap().field().dtype.as_plain().unwrap().kind(), Kind::Bytes);
                assert_eq!(array.field("c").unwrap().field().offset, 3 + 8 + 1);
            }
            _ => continue,
        }
        found += 1;
    }
    assert!(cfg!(miri) || found == 8, "{found}");
}

/// What Python prints for the dtype of a vector is read as what the vector has on the wire.
#[test]
fn what_python_prints_for_a_dtype_has_the_size_of_its_items() {
    let mut parsed = 0;
    for (vector, bytes) in golden("valid") {
        let ValueRef::Array(array) = ValueRef::decode(&bytes).unwrap() else { continue };
        let text = vector["dtype"].as_str().unwrap();
        // Printed by record arrays only, whose headers name no such thing on the wire.
        if text.starts_with("(numpy.record") {
            continue;
        }
        let dtype = DType::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(dtype.itemsize(), array.dtype().itemsize(), "{text}");
        match (&dtype, array.dtype().as_plain()) {
            (DType::Plain(plain), Some(on_wire)) => {
                assert_eq!((*plain, plain.name().to_string().as_str()), (on_wire, text));
            }
            (DType::Structured(_), None) => {}
            _ => panic!("{text}"),
        }
        parsed += 1;
    }
    assert!(parsed >= if cfg!(miri) { 2 } else { 65 }, "{parsed}");
}

/// The vectors whose `dtype` numpy prints in the form of the wire.
#[test]
fn dtypes_with_fields_print_as_numpy_writes_them() {
    let same = ["struct_simple", "struct_be", "struct_subarray", "struct_sub1", "struct_nested", "struct_0d"];
    for (vector, bytes) in golden("valid") {
        let ValueRef::Array(array) = ValueRef::decode(&bytes).unwrap() else { continue };
        if same.contains(&vector["name"].as_str().unwrap()) {
            assert_eq!(array.dtype().to_string(), vector["dtype"].as_str().unwrap());
        }
    }
}

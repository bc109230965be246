//! Live against the Python package msgpack-numpy: what is written here is byte for byte what it writes for the same array, and reads.

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
#![cfg(not(miri))]

#[path = "common/documents.rs"]
mod documents;
#[path = "common/dtypes.rs"]
mod dtypes;
#[path = "common/layout.rs"]
mod layout;

use std::collections::BTreeMap;

use documents::Doc;
use dtypes::{NUMBERS, ODD, STRUCTURED, TEXTS};
use layout::{LAYOUTS, Layout};
use msgpack_numpy_codec::{
    Array, ArrayRef, DType, DTypeRef, EncodeError, Plain, Scalar, ScalarRef, ShapeRef, StridedArrayRef, ValueRef,
    Writer,
};
use serde_json::{Value as Json, json};
use testkit::Worker;
use testkit::rng::{self, Rng};
use testkit::vectors::{hex, to_hex};

/// Builds the same arrays, scalars and documents, and packs them; unpacks what it is given.
const SCRIPT: &str = r#"
import struct
import sys
import msgpack
import msgpack_numpy
import numpy as np

def dtype_of(text):
    return np.dtype(eval(text) if text[0] in "[{" else text)

def view_of(case):
    """The array that lies in these bytes in this way."""
    return np.ndarray(case["shape"], dtype_of(case["dtype"]), buffer=bytes.fromhex(case["data"]),
                      offset=case["start"], strides=case["strides"])

def pack(value, **options):
    return msgpack.packb(value, default=msgpack_numpy.encode, **options)

def pack_as_on_mac(array):
    """There it copies the items, and so refuses no array."""
    platform, sys.platform = sys.platform, "darwin"
    try:
        return pack(array)
    finally:
        sys.platform = platform

def mask(dtype):
    """Which bytes of an item belong to a field: numpy copies no others."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return mask(base) * int(np.prod(shape, dtype=int))
    if dtype.names is None:
        return b"\xff" * dtype.itemsize
    out = bytearray(dtype.itemsize)
    for name in dtype.names:
        inner, offset = dtype.fields[name][:2]
        out[offset:offset + inner.itemsize] = mask(inner)
    return bytes(out)

def arrays(request):
    out = []
    for case in request["cases"]:
        view = view_of(case)
        try:
            packed, refused = pack(view), False
        except (TypeError, ValueError, BufferError):
            packed, refused = pack_as_on_mac(view), True
        back = msgpack.unpackb(bytes.fromhex(case["ours"]), object_hook=msgpack_numpy.decode)
        # With fields it reads the descr, in which gaps are fields.
        expected = np.dtype(view.dtype.descr) if view.dtype.kind == "V" else view.dtype
        out.append({
            "packed": packed.hex(),
            "refused": refused,
            "mask": mask(view.dtype).hex(),
            "dtype": str(back.dtype),
            "expected": str(expected),
            "same_dtype": back.dtype == expected and back.dtype.str == expected.str,
            "shape": list(back.shape),
            "data": back.tobytes().hex(),
        })
    return {"arrays": out}

def refuses(request):
    try:
        pack(np.zeros(1, dtype_of(request["dtype"])))
        return {"refused": ""}
    except ValueError as error:
        return {"refused": str(error)}

def scalars(request):
    return {"packed": [pack(np.frombuffer(bytes.fromhex(data), typestr)[0]).hex() for typestr, data in request["items"]]}

def double(text):
    return struct.unpack(">d", bytes.fromhex(text))[0]

def complexes(request):
    return {"packed": [pack(complex(double(real), double(imaginary))).hex() for real, imaginary in request["items"]]}

def build(doc):
    kind, value = doc
    if kind in ("nil", "bool", "str"):
        return value
    if kind == "int":
        return int(value)
    if kind == "float":
        return double(value)
    if kind == "float64":
        return np.float64(double(value))
    if kind == "bin":
        return bytes.fromhex(value)
    if kind == "ext":
        return msgpack.ExtType(value[0], bytes.fromhex(value[1]))
    if kind == "list":
        return [build(item) for item in value]
    if kind == "map":
        return {build(key): build(item) for key, item in value}
    if kind == "array":
        return view_of(value)
    if kind == "scalar":
        return np.frombuffer(bytes.fromhex(value[1]), value[0])[0]
    if kind == "complex":
        return complex(double(value[0]), double(value[1]))
    raise ValueError(kind)

def document(request):
    value = build(request["doc"])
    return {"packed": msgpack.packb(value, default=msgpack_numpy.encode, strict_types=False).hex()}

def singles(request):
    return {"packed": [msgpack.packb(struct.unpack(">f", bytes.fromhex(text))[0], use_single_float=True).hex()
                       for text in request["items"]]}

serve({"arrays": arrays, "refuses": refuses, "scalars": scalars, "complexes": complexes, "document": document,
       "singles": singles})
"#;

/// One array, in all the ways to write it, which all come to the same bytes.
fn written(dtype: &DType, array: &Layout, place: &str) -> Vec<u8> {
    let itemsize = dtype.itemsize().unwrap();
    let items = array.items(itemsize);
    let flat = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&array.shape), &items).unwrap();
    let bytes = flat.encode_to_vec().unwrap();
    let strided =
        StridedArrayRef::new(dtype.as_ref(), &array.shape, &array.strides, &array.data, array.start).expect(place);
    let finished = |writer: Writer<'_>| writer.finish().unwrap().to_vec();
    let mut of_flat = Writer::new();
    of_flat.array(flat).unwrap();
    let mut of_strided = Writer::new();
    of_strided.strided(strided).unwrap();
    let owned = Array::new(dtype.clone(), array.shape.clone(), items.clone()).unwrap();
    let ways = [
        ("StridedArrayRef", strided.encode_to_vec().unwrap()),
        ("StridedArrayRef::to_array", strided.to_array().unwrap().encode_to_vec().unwrap()),
        ("Array", owned.encode_to_vec().unwrap()),
        ("ValueRef", ValueRef::Array(flat).encode_to_vec().unwrap()),
        ("Writer::array", finished(of_flat)),
        ("Writer::strided", finished(of_strided)),
    ];
    for (way, found) in ways {
        assert_eq!(to_hex(&found), to_hex(&bytes), "{way} of {place}");
    }
    bytes
}

fn case(text: &str, array: &Layout, ours: &[u8]) -> Json {
    let mut case = documents::of_layout(text, array);
    case["ours"] = to_hex(ours).into();
    case
}

/// Equal but where the mask of an item, over and over, is 0.
fn is_same_under(mask: &[u8], ours: &[u8], theirs: &[u8]) -> bool {
    let mask = mask.iter().cycle();
    ours.len() == theirs.len() && ours.iter().zip(theirs).zip(mask).all(|((a, b), mask)| a & mask == b & mask)
}

/// What Python says of one array against what is known of it. Tells whether Python refused to write it where it ran.
fn assert_told(told: &Json, dtype: &DType, array: &Layout, ours: &[u8], place: &str) -> bool {
    let items = array.items(dtype.itemsize().unwrap());
    let bytes = |name: &str| hex(told[name].as_str().unwrap());
    assert_eq!(told["same_dtype"], true, "{place}: {} instead of {}", told["dtype"], told["expected"]);
    assert_eq!(told["shape"], json!(array.shape), "{place}");
    let mask = bytes("mask");
    let is_padded = mask.contains(&0);
    assert!(is_same_under(&mask, &items, &bytes("data")), "{place}");
    assert!(is_padded || bytes("data") == items, "{place}");
    let packed = bytes("packed");
    let (head, theirs) = packed.split_at_checked(packed.len().wrapping_sub(items.len())).expect(place);
    let (our_head, our_items) = ours.split_at(ours.len() - items.len());
    assert_eq!(to_hex(our_head), to_hex(head), "{place}");
    assert!(is_same_under(&mask, our_items, theirs), "{place}");
    assert!(is_padded || ours == packed, "{place}");
    told["refused"] == true
}

#[test]
fn random_arrays_of_every_dtype_and_layout_are_written_as_python_does() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let seed = rng::seed();
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut refused = 0;
    for round in 0..4_u64 {
        let mut rng = Rng::new(seed.wrapping_add(round));
        for group in [&NUMBERS[..], &TEXTS, &STRUCTURED, &ODD] {
            let mut cases = Vec::new();
            for text in group {
                let dtype = DType::parse(text).expect(text);
                for name in LAYOUTS {
                    let place = format!("seed {seed:#x}, round {round}: {text} {name}");
                    let array = Layout::random(name, dtype.itemsize().unwrap(), &mut rng);
                    let ours = written(&dtype, &array, &place);
                    cases.push((text, name, dtype.clone(), array, ours, place));
                }
            }
            let asked: Vec<_> = cases.iter().map(|(text, _, _, array, ours, _)| case(text, array, ours)).collect();
            let answer = peer.call(&json!({"op": "arrays", "cases": asked}));
            let told = answer["arrays"].as_array().unwrap();
            assert_eq!(told.len(), cases.len());
            for (told, (text, name, dtype, array, ours, place)) in told.iter().zip(&cases) {
                if assert_told(told, dtype, array, ours, place) {
                    // Times that are contiguous, and long doubles that are not aligned or of the other order.
                    let odd = ["M8", "m8", "f16", "c32"].iter().any(|code| text.contains(code));
                    assert!(odd, "{place}");
                    refused += 1;
                }
                *counts.entry(name).or_default() += 1;
            }
        }
    }
    let arrays: usize = counts.values().sum();
    assert!(arrays - refused >= 2000, "{arrays} arrays, {refused} refused");
    assert!(counts.len() == LAYOUTS.len() && counts.values().all(|count| *count >= 200), "{counts:?}");
}

/// Numbers and lengths at the ends of each of their forms.
#[test]
fn long_arrays_and_long_axes_are_written_as_python_does() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut rng = Rng::new(rng::seed());
    let shapes: [&[u64]; 14] = [
        &[127],
        &[128],
        &[255],
        &[256],
        &[65_535],
        &[65_536],
        &[1, 300, 2],
        &[0, 127],
        &[0, 65_536],
        &[1 << 31, 0],
        &[u32::MAX as u64, 0],
        &[0, 1 << 32],
        &[0, 1 << 40, 7],
        &[1; 32],
    ];
    let mut cases = Vec::new();
    for text in ["|u1", ">f8", "|V3", "[('a', '<i2'), ('b', '|S3')]"] {
        let dtype = DType::parse(text).unwrap();
        for shape in shapes {
            let strides = layout::c_strides(shape, dtype.itemsize().unwrap());
            let array = Layout::around(shape.to_vec(), strides, dtype.itemsize().unwrap() as i64, &mut rng);
            let place = format!("{text} {shape:?}");
            let ours = written(&dtype, &array, &place);
            cases.push((text, dtype.clone(), array, ours, place));
        }
    }
    let asked: Vec<_> = cases.iter().map(|(text, _, array, ours, _)| case(text, array, ours)).collect();
    let answer = peer.call(&json!({"op": "arrays", "cases": asked}));
    for (told, (_, dtype, array, ours, place)) in answer["arrays"].as_array().unwrap().iter().zip(&cases) {
        assert!(!assert_told(told, dtype, array, ours, place), "{place}");
    }
}

/// What Python cannot describe is refused here, too.
#[test]
fn fields_that_cannot_be_described_are_refused_by_both() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    for text in [
        "{'names': ['a', 'b'], 'formats': ['<i4', '<i4'], 'offsets': [0, 2], 'itemsize': 8}",
        "{'names': ['a', 'b'], 'formats': ['<i4', '<i4'], 'offsets': [4, 0], 'itemsize': 8}",
        "{'names': ['a', 'b'], 'formats': ['<i4', '<u1'], 'offsets': [0, 0], 'itemsize': 4}",
        "[('p', {'names': ['a', 'b'], 'formats': ['<i2', '<i2'], 'offsets': [2, 0], 'itemsize': 4})]",
    ] {
        let told = peer.call(&json!({"op": "refuses", "dtype": text}));
        assert!(told["refused"].as_str().unwrap().contains("descr is not defined"), "{text}: {told}");
        let dtype = DType::parse(text).unwrap();
        let data = vec![0; dtype.itemsize().unwrap() as usize];
        let array = Array::new(dtype, vec![1], data).unwrap();
        assert_eq!(array.encode_to_vec(), Err(EncodeError::Fields), "{text}");
        let strided = StridedArrayRef::new(array.dtype().as_ref(), &[1], &[0], array.data(), 0).unwrap();
        assert_eq!(strided.encode_to_vec(), Err(EncodeError::Fields), "{text}");
    }
}

/// Python writes titles and cannot read them again; here they are read.
#[test]
fn titles_are_written_as_python_does() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    for text in [
        "[(('the title', 'a'), '<i4')]",
        "[('x', '|u1'), (('t', 'a'), '<i4', (2,)), (('u', 'b'), [(('v', 'c'), '>f8')])]",
    ] {
        let dtype = DType::parse(text).unwrap();
        let array = Layout::random("1-d", dtype.itemsize().unwrap(), &mut Rng::new(rng::seed()));
        let ours = written(&dtype, &array, text);
        let told = peer.call(&json!({"op": "document", "doc": ["array", documents::of_layout(text, &array)]}));
        assert_eq!(told["packed"], to_hex(&ours), "{text}");
        assert_eq!(ArrayRef::decode(&ours).unwrap().dtype(), dtype.as_ref());
    }
}

#[test]
fn scalars_of_every_width_are_written_as_python_does() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut rng = Rng::new(rng::seed());
    // All that are little-endian but float64, which is a number of MessagePack, and datetime64, which Python refuses.
    let typestrs =
        NUMBERS.into_iter().filter(|text| !text.starts_with('>') && !text.starts_with("<M") && *text != "<f8");
    let mut items = Vec::new();
    for typestr in typestrs.collect::<Vec<_>>().repeat(30) {
        let plain = Plain::parse(typestr).unwrap();
        let data = if typestr == "|b1" { vec![rng.below(2) as u8] } else { rng.bytes(plain.itemsize() as usize) };
        items.push((typestr, data));
    }
    let asked: Vec<_> = items.iter().map(|(typestr, data)| json!([typestr, to_hex(data)])).collect();
    let answer = peer.call(&json!({"op": "scalars", "items": asked}));
    let told = answer["packed"].as_array().unwrap();
    assert!(told.len() >= 500 && told.len() == items.len());
    for ((typestr, data), told) in items.iter().zip(told) {
        let dtype = DTypeRef::Plain(Plain::parse(typestr).unwrap());
        let scalar = ScalarRef::new(dtype, data).unwrap();
        let mut writer = Writer::new();
        writer.scalar(scalar).unwrap();
        let owned = Scalar::new(dtype.into_owned(), data.clone().into()).unwrap();
        let ways =
            [scalar.encode_to_vec(), owned.encode_to_vec(), Ok(writer.finish().unwrap().to_vec())].map(Result::unwrap);
        assert_eq!(ways.map(|bytes| to_hex(&bytes)), [(); 3].map(|()| told.as_str().unwrap().to_owned()), "{typestr}");
    }
    // Values by their Rust type.
    let all: [(&str, Scalar, Vec<u8>); 10] = [
        ("|b1", Scalar::of(true), vec![1]),
        ("|i1", Scalar::of(-2_i8), vec![0xfe]),
        ("<i2", Scalar::of(-2_i16), vec![0xfe, 0xff]),
        ("<i4", Scalar::of(7_i32), vec![7, 0, 0, 0]),
        ("<i8", Scalar::of(i64::MIN), vec![0, 0, 0, 0, 0, 0, 0, 0x80]),
        ("|u1", Scalar::of(9_u8), vec![9]),
        ("<u8", Scalar::of(u64::MAX), vec![0xff; 8]),
        ("<f4", Scalar::of(1.0_f32), vec![0, 0, 0x80, 0x3f]),
        ("<c8", Scalar::of([1.0_f32, -1.0]), vec![0, 0, 0x80, 0x3f, 0, 0, 0x80, 0xbf]),
        ("<c16", Scalar::of([0.0_f64, 2.0]), [[0; 8], 2.0_f64.to_le_bytes()].concat()),
    ];
    let asked: Vec<_> = all.iter().map(|(typestr, _, data)| json!([typestr, to_hex(data)])).collect();
    let answer = peer.call(&json!({"op": "scalars", "items": asked}));
    for ((typestr, scalar, _), told) in all.iter().zip(answer["packed"].as_array().unwrap()) {
        if cfg!(target_endian = "little") {
            assert_eq!(to_hex(&scalar.encode_to_vec().unwrap()), told.as_str().unwrap(), "{typestr}");
        }
    }
}

/// Doubles that test how floats are printed: any bits, all powers of ten and their neighbours, and what is odd.
fn doubles(rng: &mut Rng) -> Vec<f64> {
    let mut all: Vec<f64> = (0..2000).map(|_| rng.f64()).collect();
    for exponent in -330..=309 {
        for digits in ["1", "9.999999999999999", "1.5", "123456789.123456789"] {
            let number: f64 = format!("{digits}e{exponent}").parse().unwrap();
            all.push(number);
            all.push(-f64::from_bits(number.to_bits().saturating_add(1)));
            all.push(f64::from_bits(number.to_bits().saturating_sub(1)));
        }
    }
    all.extend([0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN, f64::MAX, f64::MIN_POSITIVE, 5e-324]);
    // Halfway between two numbers that are as short: the even one is printed.
    all.extend((0..300).map(|_| (rng.next_u64() >> 12 | 1 << 52) as f64 / 4.0));
    all.extend((0..300).map(|_| (rng.next_u64() >> 13 | 1 << 51) as f64 / 8.0));
    // Whole numbers around where they stop to be told apart, and few digits.
    all.extend((0..200_i32).map(|n| 2_f64.powi(n) - 1.0));
    all.extend((0..200_i32).map(|n| f64::from(n) / 8.0 - 10.0));
    all
}

#[test]
fn complex_numbers_are_written_as_python_does() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let seed = rng::seed();
    let mut rng = Rng::new(seed);
    let parts = doubles(&mut rng);
    // Each as both parts, with another at random.
    let odd = [0.0, -0.0, f64::NAN, f64::INFINITY, 1.0];
    let mut pairs: Vec<[f64; 2]> = parts.iter().map(|part| [*part, *rng.choose(&parts)]).collect();
    pairs.extend(parts.iter().map(|part| [*rng.choose(&odd), *part]));
    pairs.extend(odd.iter().flat_map(|real| odd.map(|imaginary| [*real, imaginary])));
    assert!(pairs.len() > 15_000, "{}", pairs.len());
    let asked: Vec<_> = pairs.iter().map(|pair| pair.map(|part| to_hex(&part.to_be_bytes()))).collect();
    let answer = peer.call(&json!({"op": "complexes", "items": asked}));
    for ([real, imaginary], told) in pairs.iter().zip(answer["packed"].as_array().unwrap()) {
        let mut writer = Writer::new();
        writer.complex(*real, *imaginary).unwrap();
        let ours = writer.finish().unwrap().to_vec();
        assert_eq!(to_hex(&ours), told.as_str().unwrap(), "seed {seed:#x}: {real:?} {imaginary:?}");
        assert_eq!(ValueRef::Complex(*real, *imaginary).encode_to_vec().unwrap(), ours);
        // And back to the same bits, but for those of NaNs.
        let ValueRef::Complex(re, im) = ValueRef::decode(&ours).unwrap() else { panic!("{real:?} {imaginary:?}") };
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert!(same(re, *real) && same(im, *imaginary), "{real:?} {imaginary:?}: {re:?} {im:?}");
    }
}

#[test]
fn numbers_of_32_bits_are_written_as_python_does() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut rng = Rng::new(rng::seed());
    let all: Vec<f32> = (0..200).map(|_| f32::from_bits(rng.next_u64() as u32)).filter(|item| !item.is_nan()).collect();
    let asked: Vec<_> = all.iter().map(|item| to_hex(&item.to_be_bytes())).collect();
    let answer = peer.call(&json!({"op": "singles", "items": asked}));
    for (item, told) in all.iter().zip(answer["packed"].as_array().unwrap()) {
        let mut writer = Writer::new();
        writer.f32(*item).unwrap();
        assert_eq!(to_hex(&writer.finish().unwrap().to_vec()), told.as_str().unwrap(), "{item:?}");
    }
}

fn assert_document(peer: &mut Worker, doc: &Doc, place: &str) {
    let mut writer = Writer::new();
    doc.write(&mut writer);
    let ours = writer.finish().unwrap().to_vec();
    let told = peer.call(&json!({"op": "document", "doc": doc.to_json()}));
    let theirs = hex(told["packed"].as_str().unwrap());
    let same = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let [from, to] = [same.saturating_sub(20), same + 20];
    let around = |bytes: &[u8]| to_hex(&bytes[from.min(bytes.len())..to.min(bytes.len())]);
    assert!(ours == theirs, "{place}: at {same} {} instead of {}", around(&ours), around(&theirs));
}

/// Lengths where the head of a text, of bytes, of a list or of an extension changes, and one less and more.
#[test]
fn every_form_of_a_head_is_chosen_as_python_does() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let ints =
        [0, 127, 128, 255, 256, 65_535, 65_536, u32::MAX.into(), 1 << 32, i64::MAX.into(), 1 << 63, u64::MAX.into()];
    let below = [-1, -32, -33, -128, -129, -32_768, -32_769, i32::MIN.into(), i64::from(i32::MIN) - 1, i64::MIN];
    let mut all: Vec<Doc> = ints.map(Doc::Int).into();
    all.extend(below.map(|int| Doc::Int(int.into())));
    for len in [0, 1, 30, 31, 32, 33, 255, 256, 65_535, 65_536] {
        all.push(Doc::Str("x".repeat(len)));
        all.push(Doc::Bin(vec![7; len]));
    }
    for len in [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 255, 256, 65_535, 65_536] {
        all.push(Doc::Ext(if len % 2 == 0 { 0 } else { 5 }, vec![1; len]));
    }
    for len in [0, 1, 14, 15, 16, 17, 255, 256, 65_535, 65_536] {
        all.push(Doc::List(vec![Doc::Nil; len]));
        all.push(Doc::Map((0..len as i128).map(|key| (Doc::Int(key), Doc::Bool(true))).collect()));
    }
    for doc in &all {
        assert_document(&mut peer, doc, "alone");
    }
    assert_document(&mut peer, &Doc::List(all), "all");
}

#[test]
fn random_documents_are_written_as_python_does() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let seed = rng::seed();
    let (mut arrays, mut values) = (0, 0);
    for round in 0..150_u64 {
        let mut rng = Rng::new(seed.wrapping_add(round));
        let doc = Doc::random(&mut rng, 5);
        assert_document(&mut peer, &doc, &format!("seed {seed:#x}, round {round}"));
        doc.visit(&mut |doc| {
            values += 1;
            arrays += usize::from(matches!(doc, Doc::Array(..)));
        });
    }
    assert!(arrays >= 100 && values >= 1000, "{arrays} arrays, {values} values");
}

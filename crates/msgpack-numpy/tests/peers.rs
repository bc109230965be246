//! Live against the Python package msgpack-numpy: what its `encode` writes is read here, and every value is compared.

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
#![cfg(not(miri))]

mod common;
#[path = "common/dtypes.rs"]
mod dtypes;

use std::collections::BTreeMap;

use common::descr;
use dtypes::{NUMBERS, STRUCTURED, TEXTS};
use msgpack_numpy_codec::{ArrayRef, ByteOrder, DType, DTypeRef, Kind, Plain, ScalarRef, ValueRef};
use serde_json::{Value as Json, json};
use testkit::vectors::{hex, to_hex};
use testkit::{Worker, rng};

/// Makes random arrays of a dtype and a layout, packs them, and describes what is in them.
const SCRIPT: &str = r#"
import math
import random
import struct
import msgpack
import msgpack_numpy
import numpy as np

def filled(shape, dtype, rng):
    """Random bytes, but where some bytes are no value of the dtype."""
    made = np.empty(shape, dtype)
    return refill(made, rng)

def refill(made, rng):
    dtype = made.dtype
    if dtype.names is not None:
        for name in dtype.names:
            made[name] = refill(np.empty(made.shape + dtype[name].shape, dtype[name].base), rng)
        return made
    code, size, count = dtype.kind, dtype.itemsize, made.size
    if code == "U":
        letters = "aZ0 \u00e9\u20ac\U0001f600\x01\ud800"
        items = ["".join(rng.choice(letters) for _ in range(rng.randrange(size // 4 + 1))) for _ in range(count)]
        flat = np.array(items, dtype)
    elif code == "S":
        flat = np.array([rng.randbytes(rng.randrange(size + 1)) for _ in range(count)], dtype)
    elif code == "b":
        flat = np.array([rng.random() < 0.5 for _ in range(count)], dtype)
    elif size > 8 and code in "fc" and size != 16 or code == "f" and size == 16:
        flat = np.array([rng.uniform(-1e9, 1e9) for _ in range(count)], dtype)
    else:
        flat = np.frombuffer(bytearray(rng.randbytes(size * count)), dtype)
    return flat.reshape(made.shape)

def arranged(layout, dtype, rng):
    axes = {"0-d": [], "1-d": [rng.randrange(1, 9)]}.get(layout)
    if axes is None:
        axes = [rng.randrange(1, 4) for _ in range(rng.randrange(2, 5))]
    if layout == "empty":
        axes = axes[:rng.randrange(1, len(axes) + 1)]
        axes[rng.randrange(len(axes))] = 0
    if layout == "strided":
        steps = [rng.choice([1, 2, 3, -1, -2]) for _ in axes]
        steps[-1] = rng.choice([2, 3, -1])
        wide = filled([n * abs(step) for n, step in zip(axes, steps)], dtype, rng)
        return wide[tuple(slice(None, None, step) for step in steps)]
    made = filled(axes, dtype, rng)
    if layout == "fortran":
        made = np.asfortranarray(made)
    if layout == "transposed":
        made = made.transpose(rng.sample(range(len(axes)), len(axes)))
    return made

def double(number):
    return struct.pack(">d", float(number)).hex()

def values(array):
    """One text an item, in C order."""
    if array.dtype.names is not None:
        return {name: values(array[name]) for name in array.dtype.names}
    code, size = array.dtype.kind, array.dtype.itemsize
    if code in "mM":
        array = array.astype(array.dtype.newbyteorder("=")).view("i8") if array.ndim == 0 else array.astype(array.dtype.newbyteorder("=")).ravel().view("i8")
    items = array.ravel(order="C")
    if code in "iumM":
        return [str(int(item)) for item in items]
    if code == "b":
        return [str(int(bool(item))) for item in items]
    if code == "f" and size <= 8:
        return [double(item) for item in items]
    if code == "c" and size <= 16:
        return [double(item.real) + double(item.imag) for item in items]
    if code == "S":
        return [bytes(item).hex() for item in items]
    if code == "U":
        return [" ".join("%x" % ord(letter) for letter in str(item)) for item in items]
    # Whole items: no Python number tells all of them.
    raw = array.tobytes()
    return [raw[at:at + size].hex() for at in range(0, len(raw), size)]

def wire(described):
    if isinstance(described, str):
        return described
    return [[list(part) if isinstance(part, tuple) and not index == 1 else wire(part) if index == 1 else part
             for index, part in enumerate(field)] for field in described]

def batch(request):
    rng = random.Random(request["seed"])
    out = []
    for text, layout in request["wanted"]:
        dtype = np.dtype(eval(text) if text[0] in "[{" else text)
        array = arranged(layout, dtype, rng)
        if array.dtype.hasobject:
            raise ValueError(text)
        try:
            packed = msgpack.packb({"pad": "x" * rng.randrange(16), "here": [None, array]}, default=msgpack_numpy.encode)
        except (TypeError, ValueError) as error:
            if dtype.kind not in "mM" and text != ">f16":
                raise
            out.append({"refused": str(error)})
            continue
        out.append({
            "hex": packed.hex(),
            "dtype": str(array.dtype),
            "descr": array.dtype.str if array.dtype.names is None else wire(array.dtype.descr),
            "shape": list(array.shape),
            "data": array.tobytes().hex(),
            "itemsize": array.dtype.itemsize,
            "values": values(array),
        })
    return {"arrays": out}

def scalars(request):
    rng = random.Random(request["seed"])
    out = []
    for text in request["wanted"]:
        item = filled((1,), np.dtype(text), rng)[0]
        packed = msgpack.packb(item, default=msgpack_numpy.encode)
        out.append({"hex": packed.hex(), "descr": item.dtype.str, "values": values(np.array([item]))})
    return {"scalars": out}

def complexes(request):
    rng = random.Random(request["seed"])
    special = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e308, 1e16, 1e-5, 1.0, -1.0]
    def part():
        if rng.random() < 0.4:
            return rng.choice(special)
        return struct.unpack("<d", rng.randbytes(8))[0]
    out = []
    for _ in range(request["count"]):
        number = complex(part(), part())
        packed = msgpack.packb(number, default=msgpack_numpy.encode)
        out.append({"hex": packed.hex(), "value": double(number.real) + double(number.imag)})
    return {"numbers": out}

def others(_request):
    pack = lambda value: msgpack.packb(value, default=msgpack_numpy.encode).hex()
    return {
        "versions": [msgpack_numpy.__doc__ is not None, np.__version__],
        "objects": pack(np.array([1, "a", None], object)),
        "masked": pack(np.ma.masked_array(np.array([1, 2], "<i4"), [True, False])),
        "masked_in_list": pack([np.ma.masked_array(np.array([[1, 2]], ">u2"), False), 7]),
        "matrix": pack(np.matrix([[1, 2]], dtype="<i4")),
        "float": pack(np.float64(1.5)),
        "records": pack(np.rec.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")])),
    }

def names(request):
    """What numpy makes of texts: the typestr, or nothing."""
    out = {}
    for text in request["texts"]:
        try:
            dtype = np.dtype(text)
            out[text] = dtype.str if dtype.names is None and dtype.subdtype is None else None
        except Exception:
            out[text] = None
    return {"names": out}

serve({"batch": batch, "scalars": scalars, "complexes": complexes, "others": others, "names": names})
"#;

const LAYOUTS: [&str; 7] = ["0-d", "1-d", "n-d", "empty", "fortran", "strided", "transposed"];

/// Items of a plain dtype as the script tells them, by way of the typed access where there is one.
fn texts(plain: Plain, data: &[u8], numbers: &dyn Numbers) -> Vec<String> {
    let size = plain.itemsize() as usize;
    let items = || data.chunks(size);
    let big = plain.order() == ByteOrder::Big;
    match (plain.kind(), size) {
        (Kind::Int | Kind::DateTime | Kind::TimeDelta | Kind::UInt | Kind::Bool, _) => numbers.integers().unwrap(),
        (Kind::Float, 4 | 8) => numbers.floats().unwrap(),
        (Kind::Complex, 8 | 16) => numbers.complexes().unwrap(),
        (Kind::Float, 2) => items()
            .map(|item| {
                let bits = if big { [item[0], item[1]] } else { [item[1], item[0]] };
                to_hex(&half(u16::from_be_bytes(bits)).to_be_bytes())
            })
            .collect(),
        (Kind::Bytes, _) => items().map(|item| to_hex(trimmed(item, 1))).collect(),
        (Kind::Str, _) => items()
            .map(|item| {
                let points = trimmed(item, 4).chunks(4).map(|point| {
                    let point = point.try_into().unwrap();
                    if big { u32::from_be_bytes(point) } else { u32::from_le_bytes(point) }
                });
                points.map(|point| format!("{point:x}")).collect::<Vec<_>>().join(" ")
            })
            .collect(),
        _ => items().map(to_hex).collect(),
    }
}

/// Without the units of NUL at its end.
fn trimmed(item: &[u8], unit: usize) -> &[u8] {
    let end = item.chunks(unit).rposition(|chunk| chunk.iter().any(|byte| *byte != 0)).map_or(0, |last| last + 1);
    &item[..end * unit]
}

/// IEEE 754 binary16, by its definition.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match i32::from(bits >> 10 & 0x1f) {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}

/// The typed access of an array, or of one field of it.
trait Numbers {
    fn integers(&self) -> Option<Vec<String>>;
    fn floats(&self) -> Option<Vec<String>>;
    fn complexes(&self) -> Option<Vec<String>>;
}

macro_rules! numbers {
    ($type:ty) => {
        impl Numbers for $type {
            fn integers(&self) -> Option<Vec<String>> {
                None.or_else(|| self.to_vec::<i8>().ok().map(shown))
                    .or_else(|| self.to_vec::<i16>().ok().map(shown))
                    .or_else(|| self.to_vec::<i32>().ok().map(shown))
                    .or_else(|| self.to_vec::<i64>().ok().map(shown))
                    .or_else(|| self.to_vec::<u8>().ok().map(shown))
                    .or_else(|| self.to_vec::<u16>().ok().map(shown))
                    .or_else(|| self.to_vec::<u32>().ok().map(shown))
                    .or_else(|| self.to_vec::<u64>().ok().map(shown))
                    .or_else(|| self.to_vec::<bool>().ok().map(|all| shown(all.into_iter().map(u8::from).collect())))
            }

            fn floats(&self) -> Option<Vec<String>> {
                let wide = self.to_vec::<f32>().ok().map(|all| all.into_iter().map(f64::from).collect());
                wide.or_else(|| self.to_vec::<f64>().ok()).map(bits)
            }

            fn complexes(&self) -> Option<Vec<String>> {
                let wide =
                    self.to_vec::<[f32; 2]>().ok().map(|all| all.into_iter().map(|c| c.map(f64::from)).collect());
                let all: Vec<[f64; 2]> = wide.or_else(|| self.to_vec::<[f64; 2]>().ok())?;
                Some(
                    all.into_iter()
                        .map(|[re, im]| [to_hex(&re.to_be_bytes()), to_hex(&im.to_be_bytes())].concat())
                        .collect(),
                )
            }
        }
    };
}

fn shown<T: ToString>(all: Vec<T>) -> Vec<String> {
    all.iter().map(T::to_string).collect()
}

fn bits(all: Vec<f64>) -> Vec<String> {
    all.iter().map(|number| to_hex(&number.to_be_bytes())).collect()
}

numbers!(ArrayRef<'_>);
numbers!(msgpack_numpy_codec::StridedRef<'_>);

/// Doubles, one or two, of which NaNs are all the same: C makes its own of them on the way.
fn without_nan(text: &str) -> String {
    let words = text.as_bytes().chunks(16).map(|word| std::str::from_utf8(word).unwrap());
    let one = |word: &str| {
        u64::from_str_radix(word, 16)
            .ok()
            .filter(|bits| f64::from_bits(*bits).is_nan())
            .map_or(word.to_owned(), |_| "nan".to_owned())
    };
    words.map(one).collect::<Vec<_>>().join(" ")
}

fn assert_same(plain: Plain, found: &[String], told: &Json, place: &str) -> usize {
    let told: Vec<&str> = told.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect();
    if matches!(plain.kind(), Kind::Float | Kind::Complex) {
        let [found, told] = [found.iter().map(String::as_str).collect(), told]
            .map(|all: Vec<&str>| all.into_iter().map(without_nan).collect::<Vec<_>>());
        assert_eq!(found, told, "{place}");
    } else {
        assert_eq!(found, told, "{place}");
    }
    found.len()
}

/// Every field against what Python says, down to the innermost. Returns how many values there were.
fn assert_fields(array: ArrayRef<'_>, told: &Json, place: &str) -> usize {
    let DTypeRef::Structured(dtype) = array.dtype() else { panic!("{place}") };
    let told = told.as_object().unwrap();
    let names: Vec<_> = dtype.fields().map(|field| field.name).collect();
    let mut sorted: Vec<_> = told.keys().map(String::as_str).collect();
    let mut ours = names.clone();
    ours.sort_unstable();
    sorted.sort_unstable();
    assert_eq!(ours, sorted, "{place}");
    let mut values = 0;
    for name in names {
        let strided = array.field(name).unwrap();
        let data: Vec<u8> = strided.chunks().flatten().copied().collect();
        match strided.field().dtype {
            DTypeRef::Plain(plain) => {
                values += assert_same(plain, &texts(plain, &data, &strided), &told[name], place);
            }
            // Its own bytes, as an array of their own.
            inner @ DTypeRef::Structured(_) => values += assert_inner(inner, &data, &told[name], place),
            _ => panic!("{place}"),
        }
    }
    values
}

fn assert_inner(dtype: DTypeRef<'_>, data: &[u8], told: &Json, place: &str) -> usize {
    let DTypeRef::Structured(structured) = dtype else { unreachable!() };
    let mut values = 0;
    for field in structured.fields() {
        let offset = field.offset as usize;
        let size = (field.dtype.itemsize().unwrap() * field.shape.product().unwrap()) as usize;
        let parts: Vec<u8> =
            data.chunks(structured.itemsize() as usize).flat_map(|item| item[offset..offset + size].to_vec()).collect();
        match field.dtype {
            DTypeRef::Plain(plain) => {
                let len = parts.len() as u64 / u64::from(plain.itemsize());
                let message = common::array(&plain.to_string(), &[len], &parts);
                let ValueRef::Array(array) = ValueRef::decode(&message).unwrap() else { panic!("{place}") };
                values += assert_same(plain, &texts(plain, &parts, &array), &told[field.name], place);
            }
            inner => values += assert_inner(inner, &parts, &told[field.name], place),
        }
    }
    values
}

/// Compares one array; returns how many values it had.
fn assert_array(told: &Json, place: &str) -> usize {
    let message = hex(told["hex"].as_str().unwrap());
    let ValueRef::Map(map) = ValueRef::decode(&message).unwrap() else { panic!("{place}") };
    let Some(ValueRef::List(list)) = map.get("here") else { panic!("{place}") };
    let found: Vec<_> = list.iter().collect();
    let [ValueRef::Nil, ValueRef::Array(array)] = found[..] else { panic!("{place}: {found:?}") };
    assert_eq!(json!(array.shape().iter().collect::<Vec<_>>()), told["shape"], "{place}");
    assert_eq!(array.dtype().itemsize(), told["itemsize"].as_u64(), "{place}");
    assert_eq!(descr(array.dtype()), told["descr"], "{place}");
    let dtype = DType::parse(told["dtype"].as_str().unwrap()).unwrap_or_else(|| panic!("{place}: {}", told["dtype"]));
    // The same dtype from another text, and the same bytes when it is written again.
    assert_eq!(dtype.as_ref(), array.dtype(), "{place}");
    assert!(message.ends_with(&array.encode_to_vec().unwrap()), "{place}");
    assert!(message.ends_with(&array.into_owned().encode_to_vec().unwrap()), "{place}");
    assert_eq!(dtype.itemsize(), array.dtype().itemsize(), "{place}");
    match array.dtype() {
        DTypeRef::Plain(plain) => {
            assert_eq!(plain.name().to_string(), told["dtype"].as_str().unwrap(), "{place}");
            assert_eq!(to_hex(array.data()), told["data"].as_str().unwrap(), "{place}");
            assert_same(plain, &texts(plain, array.data(), &array), &told["values"], place)
        }
        _ => assert_fields(array, &told["values"], place),
    }
}

#[test]
fn random_arrays_of_every_dtype_and_layout() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let seed = rng::seed();
    let mut counts = BTreeMap::<&str, usize>::new();
    let (mut arrays, mut values, mut refused) = (0, 0, 0);
    for round in 0..6_u64 {
        for group in [&NUMBERS[..], &TEXTS, &STRUCTURED] {
            let wanted: Vec<_> = group.iter().flat_map(|dtype| LAYOUTS.map(|layout| [*dtype, layout])).collect();
            let seed = seed.wrapping_add(round) >> 12;
            let answer = peer.call(&json!({"op": "batch", "seed": seed, "wanted": wanted}));
            let told = answer["arrays"].as_array().unwrap();
            assert_eq!(told.len(), wanted.len());
            for (told, [dtype, layout]) in told.iter().zip(wanted) {
                // Contiguous times, and long doubles of the other order: no buffer of Python's holds them.
                if told["refused"].is_string() {
                    assert!(dtype.contains("M8") || dtype.contains("m8") || dtype == ">f16", "{dtype} {layout}");
                    refused += 1;
                    continue;
                }
                values += assert_array(told, &format!("seed {seed}: {dtype} {layout}"));
                *counts.entry(layout).or_default() += 1;
                arrays += 1;
            }
        }
    }
    assert!(arrays >= 2000 && values >= 10_000, "{arrays} arrays, {values} values, {refused} refused");
    assert!(counts.len() == LAYOUTS.len() && counts.values().all(|count| *count >= 250), "{counts:?}");
}

#[test]
fn random_scalars() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    // A float64 comes as a float, and a datetime64 is refused.
    let wanted =
        ["|b1", "|i1", "|u1", "<i2", "<i4", "<i8", "<u2", "<u4", "<u8", "<f4", "<c8", "<c16", ">i4", ">f4", "<m8[s]"]
            .repeat(40);
    let answer = peer.call(&json!({"op": "scalars", "seed": rng::seed() >> 12, "wanted": wanted}));
    let told = answer["scalars"].as_array().unwrap();
    assert_eq!(told.len(), 600);
    for told in told {
        let message = hex(told["hex"].as_str().unwrap());
        let ValueRef::Scalar(scalar) = ValueRef::decode(&message).unwrap() else { panic!("{told}") };
        let DTypeRef::Plain(plain) = scalar.dtype() else { panic!("{told}") };
        assert_eq!(plain.to_string(), told["descr"].as_str().unwrap());
        assert_eq!(to_hex(&scalar.encode_to_vec().unwrap()), to_hex(&message));
        let found = scalar_text(scalar).unwrap_or_else(|| panic!("{told}"));
        assert_same(plain, &[found], &told["values"], &told.to_string());
    }
}

fn scalar_text(scalar: ScalarRef<'_>) -> Option<String> {
    let double = |number: f64| to_hex(&number.to_be_bytes());
    let integer = scalar.get::<i8>().map(|n| n.to_string());
    integer
        .or_else(|| scalar.get::<i16>().map(|n| n.to_string()))
        .or_else(|| scalar.get::<i32>().map(|n| n.to_string()))
        .or_else(|| scalar.get::<i64>().map(|n| n.to_string()))
        .or_else(|| scalar.get::<u8>().map(|n| n.to_string()))
        .or_else(|| scalar.get::<u16>().map(|n| n.to_string()))
        .or_else(|| scalar.get::<u32>().map(|n| n.to_string()))
        .or_else(|| scalar.get::<u64>().map(|n| n.to_string()))
        .or_else(|| scalar.get::<bool>().map(|n| u8::from(n).to_string()))
        .or_else(|| scalar.get::<f32>().map(|n| double(n.into())))
        .or_else(|| scalar.get::<[f32; 2]>().map(|parts| parts.map(|part| double(part.into())).concat()))
        .or_else(|| scalar.get::<[f64; 2]>().map(|parts| parts.map(double).concat()))
}

#[test]
fn random_complex_numbers() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let answer = peer.call(&json!({"op": "complexes", "seed": rng::seed() >> 12, "count": 2000}));
    let told = answer["numbers"].as_array().unwrap();
    assert_eq!(told.len(), 2000);
    for told in told {
        let message = hex(told["hex"].as_str().unwrap());
        let value = ValueRef::decode(&message).unwrap();
        let ValueRef::Complex(real, imaginary) = value else { panic!("{told}: {value:?}") };
        let found = [real, imaginary].map(|part| to_hex(&part.to_be_bytes())).concat();
        assert_eq!(without_nan(&found), without_nan(told["value"].as_str().unwrap()), "{told}");
        assert_eq!(to_hex(&value.encode_to_vec().unwrap()), to_hex(&message));
    }
}

#[test]
fn subclasses_and_objects() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let told = peer.call(&json!({"op": "others"}));
    let bytes = |name: &str| hex(told[name].as_str().unwrap());
    let message = bytes("objects");
    let ValueRef::Pickle(pickle) = ValueRef::decode(&message).unwrap() else { panic!() };
    assert_eq!(pickle.shape().to_string(), "(3,)");
    assert!(pickle.pickle().starts_with(b"\x80\x02") && pickle.pickle().ends_with(b"."));
    for (name, typestr, shape, data) in
        [("masked", "<i4", "(2,)", "0100000002000000"), ("matrix", "<i4", "(1, 2)", "0100000002000000")]
    {
        let message = bytes(name);
        let ValueRef::Array(array) = ValueRef::decode(&message).unwrap() else { panic!("{name}") };
        let found = (array.dtype().to_string(), array.shape().to_string(), to_hex(array.data()));
        assert_eq!(found, (typestr.into(), shape.into(), data.into()));
    }
    let message = bytes("masked_in_list");
    let ValueRef::List(list) = ValueRef::decode(&message).unwrap() else { panic!() };
    let found: Vec<_> = list.iter().collect();
    let [ValueRef::Array(array), ValueRef::Int(7)] = found[..] else { panic!("{found:?}") };
    assert_eq!(array.to_vec::<u16>().unwrap(), [1, 2]);
    assert_eq!(ValueRef::decode(&bytes("float")).unwrap(), ValueRef::F64(1.5));
    let message = bytes("records");
    let ValueRef::Array(array) = ValueRef::decode(&message).unwrap() else { panic!() };
    assert_eq!(array.field("b").unwrap().to_vec::<f64>().unwrap(), [2.0]);
}

/// Texts that are dtypes here are the same to numpy.
#[test]
fn numpy_takes_the_same_texts() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut asked = Vec::new();
    for order in ["", "<", ">", "|", "="] {
        for code in "biufcSUVMm?".chars() {
            for width in ["", "0", "1", "2", "3", "4", "8", "10", "16", "32"] {
                asked.push(format!("{order}{code}{width}"));
            }
        }
    }
    for unit in
        ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "25us", "7D", "y", "S", "xs", ""]
    {
        asked.extend(["<M8", ">m8", "M8", "datetime64", "timedelta64"].map(|head| format!("{head}[{unit}]")));
    }
    let letters = "bBhHiIlLqQpPefdgFDGcS?UVMmOa".chars().map(String::from);
    asked.extend(letters);
    let words = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 float128 complex64 \
                 complex128 complex256 bool_ byte ubyte short ushort intc uintc int int_ uint longlong ulonglong intp \
                 uintp half single double float longdouble csingle cdouble complex clongdouble str str_ bytes bytes_ void";
    asked.extend(words.split_whitespace().map(str::to_owned));
    let answer = peer.call(&json!({"op": "names", "texts": asked}));
    let (mut both, mut only_numpy) = (0, Vec::new());
    for text in &asked {
        let ours = match DType::parse(text) {
            Some(DType::Plain(plain)) => Some(plain.to_string()),
            _ => None,
        };
        match (ours, answer["names"][text].as_str()) {
            // The order of single bytes and of bytes is none.
            (Some(ours), Some(theirs)) => {
                assert_eq!(ours, theirs, "{text}");
                both += 1;
            }
            (Some(ours), None) => panic!("{text} is {ours}, and nothing to numpy"),
            (None, Some(_)) => only_numpy.push(text.as_str()),
            (None, None) => {}
        }
    }
    assert!(both >= 250, "{both}");
    // Objects; `|` and no width where it does not tell the order or the number of bytes; and what nobody writes.
    for text in only_numpy {
        let no_width = text.starts_with(['<', '>', '=']) && !text.contains(|letter: char| letter.is_ascii_digit());
        let told = text == "O" || text.starts_with('|') || text.contains('?') || text.ends_with("[]") || no_width;
        assert!(told, "{text} is a dtype to numpy: {}", answer["names"][text]);
    }
}

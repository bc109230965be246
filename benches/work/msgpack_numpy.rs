//! The work of the msgpack-numpy rows: arrays, large and small, and MessagePack without any.

use core::fmt;

use msgpack_numpy::CowNDArray;
use msgpack_numpy_codec::{Array, ArrayRef, EncodeError, Reader, Token, Tree, ValueRef, Writer};
use rmp::Marker;
use rmp::decode::RmpRead;
use serde::Deserializer as _;
use serde::de::{SeqAccess, Visitor};
use testkit::Rng;

/// Arrays of f32 of that shape, as Rust has them.
#[must_use]
pub fn values(count: usize, items: usize) -> Vec<Vec<f32>> {
    (0..count).map(|array| (0..items).map(|item| ((array + item) % 1013) as f32 / 8.0).collect()).collect()
}

/// A list of arrays of that shape, as Python writes it.
#[must_use]
pub fn list(values: &[Vec<f32>], shape: &[u64]) -> Vec<u8> {
    let arrays: Vec<_> = values.iter().map(|items| Array::from_slice(shape, items).expect("fits")).collect();
    let mut writer = Writer::new();
    writer.list(arrays.len() as u32).expect("one list");
    for array in &arrays {
        writer.array(array.as_ref()).expect("one array");
    }
    writer.finish().expect("whole").to_vec()
}

/// One number for each message: axes, length, first and last item of the array it is.
#[must_use]
pub fn ends(messages: &[&[u8]]) -> u64 {
    let of = |message: &&[u8]| {
        let array = ArrayRef::decode(message).expect("valid");
        let mut items = array.iter::<f32>().expect("f32");
        let len = items.len();
        let ends = items.next().map_or(0, f32::to_bits) ^ items.nth(len - 2).map_or(0, f32::to_bits);
        array.shape().iter().fold(len as u64, |sum, axis| sum.wrapping_mul(31).wrapping_add(axis)) + u64::from(ends)
    };
    messages.iter().map(of).fold(0, u64::wrapping_add)
}

/// The same with the crate `msgpack-numpy`, which borrows where alignment allows.
#[must_use]
pub fn ends_rival(messages: &[&[u8]]) -> u64 {
    let of = |message: &&[u8]| {
        let array: CowNDArray<'_> = rmp_serde::from_slice(message).expect("valid");
        let array = array.into_f32_array().expect("f32");
        let items = array.as_slice().expect("in C order");
        let len = items.len();
        let ends = items[0].to_bits() ^ items[len - 1].to_bits();
        array.shape().iter().fold(len as u64, |sum, axis| sum.wrapping_mul(31).wrapping_add(*axis as u64))
            + u64::from(ends)
    };
    messages.iter().map(of).fold(0, u64::wrapping_add)
}

/// Every value of every array of a list, summed: copied to where `f32` may lie, and from there.
#[must_use]
pub fn sum(list: &[u8]) -> u64 {
    let mut reader = Reader::new(list);
    let Ok(Token::List(len)) = reader.token() else { panic!("no list") };
    let mut items = [0.0; 100];
    let mut of = |value: ValueRef<'_>| {
        let ValueRef::Array(array) = value else { panic!("{value:?}") };
        array.copy_to::<f32>(&mut items).expect("100 of f32");
        add(&items) as u64
    };
    let sum = (0..len).map(|_| of(reader.value().expect("valid"))).sum();
    reader.finish().expect("all");
    sum
}

/// The same with the crate `msgpack-numpy`, one array at a time as well.
#[must_use]
pub fn sum_rival(list: &[u8]) -> u64 {
    struct Sum;

    impl<'de> Visitor<'de> for Sum {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of arrays")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<u64, A::Error> {
            let mut sum = 0;
            while let Some(array) = list.next_element::<CowNDArray<'de>>()? {
                sum += add(array.into_f32_array().expect("f32").as_slice().expect("in C order")) as u64;
            }
            Ok(sum)
        }
    }

    rmp_serde::Deserializer::from_read_ref(list).deserialize_seq(Sum).expect("valid")
}

/// Eight sums side by side, so that it is not the sum that is measured.
fn add(items: &[f32]) -> f32 {
    let (chunks, rest) = items.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, item)| *sum += item);
    }
    sums.iter().chain(rest).sum()
}

/// About 1 MB of what a control system tells of its devices: maps in maps in a list, the same keys again and again, and numbers, texts and
/// lists that are now short and now long.
#[must_use]
pub fn records() -> Vec<u8> {
    let mut rng = Rng::new(5);
    let mut writer = Writer::new();
    write_records(&mut rng, &mut writer).expect("one document");
    writer.finish().expect("whole").to_vec()
}

fn write_records(rng: &mut Rng, out: &mut Writer<'_>) -> Result<(), EncodeError> {
    const DEVICES: u32 = 5200;
    const STATES: [&str; 4] = ["ON", "ACQUIRING", "ERROR", "CHANGING"];
    out.list(DEVICES)?;
    for device in 0..DEVICES {
        out.map(4)?;
        out.str("source")?;
        out.str(&format!("SPB_DET_AGIPD1M-1/MDL/PUMP_{device}"))?;
        out.str("state")?;
        out.str(STATES[rng.below(4)])?;
        out.str("timestamp")?;
        out.map(3)?;
        out.str("tid")?;
        out.uint(1_700_000_000 + u64::from(device))?;
        out.str("sec")?;
        out.uint(1_526_464_869 + u64::from(device / 10))?;
        out.str("frac")?;
        out.uint(rng.next_u64() >> 4)?;
        out.str("properties")?;
        out.map(4)?;
        out.str("pressure")?;
        if rng.below(8) == 0 {
            out.nil()?
        } else {
            out.f64(rng.below(1000) as f64 / 8.0)?
        }
        out.str("alarm")?;
        out.bool(rng.below(4) == 0)?;
        out.str("counter")?;
        out.uint(rng.next_u64() >> (40 + rng.below(24)))?;
        out.str("channels")?;
        let channels = rng.below(5);
        out.list(channels as u32)?;
        for _ in 0..channels {
            out.map(2)?;
            out.str("name")?;
            out.str(&"temperature"[..1 + rng.below(10)])?;
            out.str("value")?;
            out.int(rng.below(4000) as i64 - 2000)?;
        }
    }
    Ok(())
}

/// About 1 MB of maps and lists, six in one another, of which no part foretells the next: the worst for whoever has to branch.
#[must_use]
pub fn noise() -> Vec<u8> {
    let mut rng = Rng::new(5);
    let mut out = Vec::new();
    rmp::encode::write_array_len(&mut out, 120).expect("writes");
    for _ in 0..120 {
        container(&mut rng, 5, &mut out);
    }
    out
}

fn container(rng: &mut Rng, depth: u32, out: &mut Vec<u8>) {
    let len = 3 + rng.below(5);
    let is_map = rng.below(2) == 0;
    if is_map {
        rmp::encode::write_map_len(out, len as u32).expect("writes");
    } else {
        rmp::encode::write_array_len(out, len as u32).expect("writes");
    }
    for _ in 0..len {
        if is_map {
            let key = ["id", "series", "timestamp", "quality", "channel-name"][rng.below(5)];
            rmp::encode::write_str(out, key).expect("writes");
        }
        if depth > 0 && rng.below(2) == 0 {
            container(rng, depth - 1, out);
        } else {
            scalar(rng, out);
        }
    }
}

fn scalar(rng: &mut Rng, out: &mut Vec<u8>) {
    let wide = rng.next_u64() >> rng.below(64);
    let written = match rng.below(8) {
        0 => rmp::encode::write_nil(out).map_err(|error| error.to_string()),
        1 => rmp::encode::write_bool(out, wide & 1 == 1).map_err(|error| error.to_string()),
        2 | 3 => rmp::encode::write_sint(out, (wide >> 1) as i64).map(drop).map_err(|error| error.to_string()),
        4 => rmp::encode::write_sint(out, -((wide >> 1) as i64)).map(drop).map_err(|error| error.to_string()),
        5 => rmp::encode::write_f64(out, wide as f64 / 8.0).map_err(|error| error.to_string()),
        _ => {
            let text = "the quick brown fox jumps over the lazy dog";
            rmp::encode::write_str(out, &text[..rng.below(44)]).map_err(|error| error.to_string())
        }
    };
    written.expect("writes");
}

/// One number for a text or bytes, cheap enough not to be what is measured.
fn raw(bytes: &[u8]) -> u64 {
    bytes.len() as u64 + bytes.first().copied().map_or(0, u64::from)
}

/// The sum over a walk of tokens.
#[must_use]
pub fn walk_tokens(input: &[u8]) -> u64 {
    let mut sum = 0_u64;
    let walked = Reader::new(input).for_each_token(|token| {
        sum = sum.wrapping_add(match token {
            Token::Nil => 0,
            Token::Bool(value) => value.into(),
            Token::Int(value) => value as u64,
            Token::UInt(value) => value,
            Token::F32(value) => value.to_bits().into(),
            Token::F64(value) => value.to_bits(),
            Token::Str(bytes) | Token::Bin(bytes) | Token::Ext(_, bytes) => raw(bytes),
            Token::List(_) => 3,
            Token::Map(_) => 5,
        });
    });
    walked.expect("valid");
    sum
}

/// The same with `rmp`'s. It keeps no account of nesting, which is to its advantage.
#[must_use]
pub fn walk_rmp(mut input: &[u8]) -> u64 {
    let mut sum = 0_u64;
    let input = &mut input;
    while !input.is_empty() {
        let part = match rmp::decode::read_marker(input).expect("valid") {
            Marker::Null | Marker::False => 0,
            Marker::True => 1,
            Marker::FixPos(value) => value.into(),
            Marker::FixNeg(value) => i64::from(value) as u64,
            Marker::U8 => input.read_data_u8().expect("valid").into(),
            Marker::U16 => input.read_data_u16().expect("valid").into(),
            Marker::U32 => input.read_data_u32().expect("valid").into(),
            Marker::U64 => input.read_data_u64().expect("valid"),
            Marker::I8 => i64::from(input.read_data_i8().expect("valid")) as u64,
            Marker::I16 => i64::from(input.read_data_i16().expect("valid")) as u64,
            Marker::I32 => i64::from(input.read_data_i32().expect("valid")) as u64,
            Marker::I64 => input.read_data_i64().expect("valid") as u64,
            Marker::F32 => input.read_data_f32().expect("valid").to_bits().into(),
            Marker::F64 => input.read_data_f64().expect("valid").to_bits(),
            Marker::FixStr(len) => take(input, len.into()),
            Marker::Str8 | Marker::Bin8 => {
                let len = input.read_data_u8().expect("valid");
                take(input, len.into())
            }
            Marker::Str16 | Marker::Bin16 => {
                let len = input.read_data_u16().expect("valid");
                take(input, len.into())
            }
            Marker::FixArray(_) => 3,
            Marker::Array16 => {
                input.read_data_u16().expect("valid");
                3
            }
            Marker::FixMap(_) => 5,
            other => panic!("the document has no {other:?}"),
        };
        sum = sum.wrapping_add(part);
    }
    sum
}

fn take(input: &mut &[u8], len: usize) -> u64 {
    let (bytes, rest) = input.split_at_checked(len).expect("valid");
    *input = rest;
    raw(bytes)
}

/// The same over values, which know where arrays are.
#[must_use]
pub fn walk_values(tree: Tree<'_, '_>) -> u64 {
    let of = |value| match value {
        ValueRef::Bool(value) => value.into(),
        ValueRef::Int(value) => value as u64,
        ValueRef::UInt(value) => value,
        ValueRef::F32(value) => value.to_bits().into(),
        ValueRef::F64(value) => value.to_bits(),
        ValueRef::Str(bytes) | ValueRef::Bin(bytes) => raw(bytes),
        ValueRef::List(_) => 3,
        ValueRef::Map(_) => 5,
        _ => 0,
    };
    tree.values().map(of).fold(0, u64::wrapping_add)
}

/// The same with `rmpv`.
#[must_use]
pub fn walk_rmpv(mut input: &[u8]) -> u64 {
    fn sum(value: &rmpv::ValueRef<'_>) -> u64 {
        match value {
            rmpv::ValueRef::Nil => 0,
            rmpv::ValueRef::Boolean(value) => (*value).into(),
            rmpv::ValueRef::Integer(value) => {
                value.as_i64().map_or_else(|| value.as_u64().expect("in range"), |value| value as u64)
            }
            rmpv::ValueRef::F32(value) => value.to_bits().into(),
            rmpv::ValueRef::F64(value) => value.to_bits(),
            rmpv::ValueRef::String(text) => raw(text.as_bytes()),
            rmpv::ValueRef::Binary(bytes) => raw(bytes),
            rmpv::ValueRef::Ext(..) => panic!("the document has no extensions"),
            rmpv::ValueRef::Array(items) => items.iter().map(sum).fold(3, u64::wrapping_add),
            rmpv::ValueRef::Map(pairs) => {
                pairs.iter().map(|(key, value)| sum(key).wrapping_add(sum(value))).fold(5, u64::wrapping_add)
            }
        }
    }
    sum(&rmpv::decode::read_value_ref(&mut input).expect("valid"))
}

/// Arrays of f32 of that shape, written without copying what they hold; bytes there are, and slices.
#[must_use]
pub fn encode(values: &[Vec<f32>], shape: &[u64]) -> u64 {
    let arrays: Vec<_> = values.iter().map(|items| Array::from_slice(shape, items).expect("fits")).collect();
    let mut writer = Writer::new();
    writer.list(arrays.len() as u32).expect("one list");
    for array in &arrays {
        writer.array(array.as_ref()).expect("one array");
    }
    let encoded = writer.finish().expect("whole");
    // Each of the arrays' slices is where it was.
    let there = encoded
        .slices()
        .zip(0..)
        .filter(|(slice, index)| index % 2 == 1 && core::ptr::eq(*slice, arrays[index / 2].data()));
    assert_eq!(there.count(), arrays.len());
    encoded.len() as u64
}

/// Decodes a list of arrays, and packs it again.
pub const PYTHON: &str = "
import msgpack, msgpack_numpy
def prepare(name, data):
    arrays = [array.copy() for array in msgpack.unpackb(data, object_hook=msgpack_numpy.decode)]
    pack = lambda: msgpack.packb(arrays, default=msgpack_numpy.encode)
    assert pack() == data
    return pack, len(pack())
";

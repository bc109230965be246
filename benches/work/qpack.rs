//! The work of the qpack rows: 1000 small maps, the same in qpack and in MessagePack.

use qpack_codec::{Node, Reader, Token, Value, ValueRef};
use rmp::Marker;
use rmp::decode::RmpRead;
use serde::{Deserialize, Serialize};

/// One of the small maps.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading<'a> {
    /// Series it belongs to.
    pub series: &'a str,
    /// Milliseconds since 1970.
    pub time: i64,
    /// The measurement.
    pub value: f64,
    /// A small number.
    pub quality: u32,
    /// A flag.
    pub valid: bool,
}

/// The same for zerompk, which has traits of its own.
#[derive(Debug, zerompk::FromMessagePack)]
#[msgpack(map)]
pub struct ZeroReading<'a> {
    /// Series it belongs to.
    pub series: &'a str,
    /// Milliseconds since 1970; unsigned, since that is how `rmp-serde` writes it and zerompk does not convert.
    pub time: u64,
    /// The measurement.
    pub value: f64,
    /// A small number.
    pub quality: u32,
    /// A flag.
    pub valid: bool,
}

/// Names for the readings to borrow.
pub fn names() -> Vec<String> {
    (0..1000).map(|n| format!("L03/pump-{n:04}")).collect()
}

/// The readings themselves.
pub fn readings(names: &[String]) -> Vec<Reading<'_>> {
    let reading = |(name, n): (_, u32)| Reading {
        series: name,
        time: 1_574_000_000_000 + i64::from(n) * 250,
        value: 20.0 + f64::from(n % 97) / 8.0,
        quality: 64 + n % 60,
        valid: !n.is_multiple_of(7),
    };
    names.iter().map(String::as_str).zip(0..).map(reading).collect()
}

/// One number for a scalar, cheap enough not to be what is measured.
fn raw(bytes: &[u8]) -> u64 {
    bytes.len() as u64 + bytes.first().copied().map_or(0, u64::from)
}

/// The sum over a walk of tokens.
pub fn walk_qpack(input: &[u8]) -> u64 {
    let mut reader = Reader::new(input);
    let mut sum = 0_u64;
    let walked = reader.for_each_token(|token| {
        sum = sum.wrapping_add(match token {
            Token::Int(value) => value as u64,
            Token::Double(value) => value.to_bits(),
            Token::Raw(bytes) => raw(bytes),
            Token::Bool(value) => value.into(),
            Token::Null | Token::Hook | Token::End => 0,
            Token::Array(_) => 3,
            Token::Map(_) => 5,
        });
    });
    walked.expect("valid");
    sum
}

/// The same over MessagePack with `rmp`'s tokens. It keeps no account of nesting, which is to its advantage.
pub fn walk_rmp(mut input: &[u8]) -> u64 {
    let mut sum = 0_u64;
    while !input.is_empty() {
        let part = match rmp::decode::read_marker(&mut input).expect("valid") {
            Marker::FixArray(_) => 3,
            Marker::Array16 => {
                input.read_data_u16().expect("valid");
                3
            }
            Marker::FixMap(_) => 5,
            marker => scalar_rmp(marker, &mut input),
        };
        sum = sum.wrapping_add(part);
    }
    sum
}

#[inline(always)]
fn scalar_rmp(marker: Marker, input: &mut &[u8]) -> u64 {
    fn take<'a>(input: &mut &'a [u8], len: usize) -> &'a [u8] {
        let (bytes, rest) = input.split_at(len);
        *input = rest;
        bytes
    }

    match marker {
        Marker::FixPos(value) => value.into(),
        Marker::FixNeg(value) => value as u64,
        Marker::U8 => input.read_data_u8().expect("valid").into(),
        Marker::U16 => input.read_data_u16().expect("valid").into(),
        Marker::U32 => input.read_data_u32().expect("valid").into(),
        Marker::U64 => input.read_data_u64().expect("valid"),
        Marker::I8 => input.read_data_i8().expect("valid") as u64,
        Marker::I16 => input.read_data_i16().expect("valid") as u64,
        Marker::I32 => input.read_data_i32().expect("valid") as u64,
        Marker::I64 => input.read_data_i64().expect("valid") as u64,
        Marker::F64 => input.read_data_f64().expect("valid").to_bits(),
        Marker::FixStr(len) => raw(take(input, len.into())),
        Marker::Str8 => {
            let len = input.read_data_u8().expect("valid");
            raw(take(input, len.into()))
        }
        Marker::True => 1,
        Marker::False | Marker::Null => 0,
        other => panic!("the document has no {other:?}"),
    }
}

/// The same with the account of nesting that tells a reader where containers end, and a torn document from a whole one:
/// what [`walk_qpack`] gets from ours.
pub fn walk_rmp_nested(mut input: &[u8]) -> u64 {
    let mut open: Vec<u32> = Vec::with_capacity(64);
    let mut sum = 0_u64;
    loop {
        let before = input;
        let entered = match rmp::decode::read_marker(&mut input).expect("valid") {
            Marker::FixArray(items) => Some((3, u32::from(items))),
            Marker::Array16 => Some((3, u32::from(input.read_data_u16().expect("valid")))),
            Marker::FixMap(pairs) => Some((5, u32::from(pairs) * 2)),
            marker => {
                sum = sum.wrapping_add(scalar_rmp(marker, &mut input));
                None
            }
        };
        assert!(input.len() < before.len());
        if let Some((part, values)) = entered {
            sum = sum.wrapping_add(part);
            open.push(values);
        } else if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        while open.last() == Some(&0) {
            open.pop();
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
        }
        if open.is_empty() {
            assert!(input.is_empty());
            return sum;
        }
    }
}

/// The same over the tree that `rmpv` makes.
pub fn walk_rmpv(mut input: &[u8]) -> u64 {
    fn sum(value: &rmpv::ValueRef<'_>) -> u64 {
        match value {
            rmpv::ValueRef::Nil => 0,
            rmpv::ValueRef::Boolean(value) => (*value).into(),
            rmpv::ValueRef::Integer(value) => value.as_i64().expect("in range") as u64,
            rmpv::ValueRef::F64(value) => value.to_bits(),
            rmpv::ValueRef::String(text) => raw(text.as_bytes()),
            rmpv::ValueRef::Array(items) => items.iter().map(sum).fold(3, u64::wrapping_add),
            rmpv::ValueRef::Map(pairs) => {
                pairs.iter().map(|(key, value)| sum(key).wrapping_add(sum(value))).fold(5, u64::wrapping_add)
            }
            other => panic!("the document has no {other:?}"),
        }
    }
    sum(&rmpv::decode::read_value_ref(&mut input).expect("valid"))
}

/// The sum over a tree.
pub fn walk_tree(node: Node<'_>) -> u64 {
    let part = match node.value() {
        ValueRef::Int(value) => value as u64,
        ValueRef::Double(value) => value.to_bits(),
        ValueRef::Raw(bytes) => raw(bytes),
        ValueRef::Bool(value) => value.into(),
        ValueRef::Null | ValueRef::Hook => 0,
        ValueRef::Array(_) => 3,
        ValueRef::Map(_) => 5,
    };
    node.children().map(walk_tree).fold(part, u64::wrapping_add)
}

/// The peer from PyPI: the same sums, from its C extension.
pub const PYTHON: &str = "
import qpack, struct
def bits(value):
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return struct.unpack('<Q', struct.pack('<d', value))[0]
    if isinstance(value, bytes):
        return len(value) + (value[0] if value else 0)
    if isinstance(value, list):
        return 3 + sum(map(bits, value))
    return 5 + sum(bits(key) + bits(item) for key, item in value.items())
def prepare(name, data):
    value = qpack.unpackb(data)
    if name == 'unpackb':
        return lambda: qpack.unpackb(data), bits(value)
    return lambda: qpack.packb(value), bits(qpack.unpackb(qpack.packb(value)))
";

/// The sum over an owned value.
pub fn walk_value(value: &Value) -> u64 {
    match value {
        Value::Int(value) => *value as u64,
        Value::Double(value) => value.to_bits(),
        Value::Raw(bytes) => raw(bytes),
        Value::Bool(value) => (*value).into(),
        Value::Null | Value::Hook => 0,
        Value::Array(items) => items.iter().map(walk_value).fold(3, u64::wrapping_add),
        Value::Map(pairs) => {
            pairs.iter().map(|(key, value)| walk_value(key).wrapping_add(walk_value(value))).fold(5, u64::wrapping_add)
        }
    }
}

/// The sum over the fields of a reading.
fn fields(series: &str, time: u64, value: f64, quality: u32, valid: bool) -> u64 {
    raw(series.as_bytes())
        .wrapping_add(time)
        .wrapping_add(value.to_bits())
        .wrapping_add(quality.into())
        .wrapping_add(valid.into())
}

/// The sum over typed readings.
pub fn sum(readings: &[Reading<'_>]) -> u64 {
    readings.iter().map(|r| fields(r.series, r.time as u64, r.value, r.quality, r.valid)).fold(0, u64::wrapping_add)
}

/// The sum over zerompk's.
pub fn sum_zero(readings: &[ZeroReading<'_>]) -> u64 {
    readings.iter().map(|r| fields(r.series, r.time, r.value, r.quality, r.valid)).fold(0, u64::wrapping_add)
}

//! Values to JSON and back. What JSON lacks is an object with one key: `{"$bytes": hex}`, and for extensions of MessagePack
//! `{"$ext": [type, hex]}`. Values from the wire are nested no deeper than the crate reads them.

use core::fmt::Write as _;

use rmpv::Value as Wire;
use serde_json::{Map, Value, json};

pub(crate) fn from_wire(value: &Wire) -> Value {
    match value {
        Wire::Nil => Value::Null,
        Wire::Boolean(value) => (*value).into(),
        Wire::Integer(number) => {
            number.as_u64().map(Value::from).or_else(|| number.as_i64().map(Value::from)).unwrap_or_default()
        }
        Wire::F32(number) => float(f64::from(*number)),
        Wire::F64(number) => float(*number),
        // A text that is not UTF-8 is bytes.
        Wire::String(text) => text.as_str().map_or_else(|| bytes(text.as_bytes()), Value::from),
        Wire::Binary(binary) => bytes(binary),
        Wire::Array(items) => items.iter().map(from_wire).collect(),
        Wire::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key_of(key), from_wire(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Wire::Ext(kind, binary) => json!({"$ext": [kind, hex(binary)]}),
    }
}

/// JSON has texts for keys only.
fn key_of(key: &Wire) -> String {
    key.as_str().map_or_else(|| from_wire(key).to_string(), str::to_owned)
}

/// JSON has no infinity and no NaN.
fn float(number: f64) -> Value {
    if number.is_finite() { number.into() } else { number.to_string().into() }
}

fn bytes(binary: &[u8]) -> Value {
    json!({"$bytes": hex(binary)})
}

fn hex(binary: &[u8]) -> String {
    binary.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

pub(crate) fn to_wire(value: &Value) -> Wire {
    match value {
        Value::Null => Wire::Nil,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => number.as_f64().unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(to_wire).collect(),
        Value::Object(entries) => match (entries.len(), entries.get("$bytes").and_then(binary)) {
            (1, Some(binary)) => Wire::Binary(binary),
            _ => Wire::Map(entries.iter().map(|(key, value)| (key.as_str().into(), to_wire(value))).collect()),
        },
    }
}

/// Bytes in hexadecimal, if it is that.
fn binary(hex: &Value) -> Option<Vec<u8>> {
    let digits = hex.as_str()?.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok())
        .collect()
}

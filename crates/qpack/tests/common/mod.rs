//! What the tests of this crate share: the notation of the vectors, and generators of values and of encodings.

#![allow(dead_code, reason = "each test takes what it needs")]

use qpack_codec::{Array, EncodeError, Map, Node, Reader, Token, Value, ValueRef, Writer};
use serde_json::{Value as Json, json};
use testkit::Rng;
use testkit::vectors::{hex, to_hex};

// The notation of tests/vectors/README.md, with `hook` and without `raw_repeat`: what is compared, so that no equality of
// the crate's own is relied on.

pub(crate) fn int(value: i64) -> Json {
    json!({"int": value.to_string()})
}

pub(crate) fn double(value: f64) -> Json {
    json!({"f64": format!("{:016x}", value.to_bits())})
}

pub(crate) fn raw(bytes: &[u8]) -> Json {
    json!({"raw": to_hex(bytes)})
}

/// A value of a vector, with `raw_repeat` spelled out.
pub(crate) fn plain(value: &Json) -> Json {
    let (kind, content) = only(value);
    match kind {
        "raw_repeat" => {
            let count = content[1].as_u64().unwrap() as usize;
            raw(&hex(content[0].as_str().unwrap()).repeat(count))
        }
        "array" => json!({"array": list(content).iter().map(plain).collect::<Vec<_>>()}),
        "map" => {
            let pairs = list(content).iter().map(|pair| json!([plain(&pair[0]), plain(&pair[1])]));
            json!({"map": pairs.collect::<Vec<_>>()})
        }
        _ => value.clone(),
    }
}

pub(crate) fn of_ref(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Int(value) => int(value),
        ValueRef::Double(value) => double(value),
        ValueRef::Raw(bytes) => raw(bytes),
        ValueRef::Bool(value) => json!({"bool": value}),
        ValueRef::Null => json!({"null": true}),
        ValueRef::Hook => json!({"hook": true}),
        ValueRef::Array(array) => {
            let items: Vec<Json> = array.iter().map(of_ref).collect();
            assert_eq!((array.len(), array.is_empty()), (items.len(), items.is_empty()));
            json!({"array": items})
        }
        ValueRef::Map(map) => {
            let pairs: Vec<Json> = map.iter().map(|(key, value)| json!([of_ref(key), of_ref(value)])).collect();
            assert_eq!((map.len(), map.is_empty()), (pairs.len(), pairs.is_empty()));
            json!({"map": pairs})
        }
    }
}

pub(crate) fn of_value(value: &Value) -> Json {
    match value {
        Value::Int(value) => int(*value),
        Value::Double(value) => double(*value),
        Value::Raw(bytes) => raw(bytes),
        Value::Bool(value) => json!({"bool": value}),
        Value::Null => json!({"null": true}),
        Value::Hook => json!({"hook": true}),
        Value::Array(array) => json!({"array": array.iter().map(of_value).collect::<Vec<_>>()}),
        Value::Map(map) => {
            let pairs = map.iter().map(|(key, value)| json!([of_value(key), of_value(value)]));
            json!({"map": pairs.collect::<Vec<_>>()})
        }
    }
}

pub(crate) fn of_node(node: Node<'_>) -> Json {
    match node.value() {
        ValueRef::Array(_) => {
            let items: Vec<Json> = node.children().map(of_node).collect();
            assert_eq!((node.len(), node.is_empty()), (items.len(), items.is_empty()));
            json!({"array": items})
        }
        ValueRef::Map(_) => {
            let pairs: Vec<Json> = node.entries().map(|(key, value)| json!([of_node(key), of_node(value)])).collect();
            assert_eq!((node.len(), node.children().count()), (pairs.len(), pairs.len() * 2));
            json!({"map": pairs})
        }
        scalar => {
            assert_eq!((node.len(), node.children().count(), node.entries().count()), (0, 0, 0));
            of_ref(scalar)
        }
    }
}

/// What a reader's tokens make up, and the rules that tokens keep: a count is that of what follows, and every container
/// has its end.
pub(crate) fn of_tokens(reader: &mut Reader<'_>) -> Result<Json, qpack_codec::DecodeError> {
    enum Level {
        Items(Option<usize>, Vec<Json>),
        Pairs(Option<usize>, Vec<Json>),
    }
    let mut open: Vec<Level> = Vec::new();
    let mut whole = None;
    while let Some(token) = reader.token()? {
        let value = match token {
            Token::Int(value) => int(value),
            Token::Double(value) => double(value),
            Token::Raw(bytes) => raw(bytes),
            Token::Bool(value) => json!({"bool": value}),
            Token::Null => json!({"null": true}),
            Token::Hook => json!({"hook": true}),
            Token::Array(count) => {
                open.push(Level::Items(count, Vec::new()));
                continue;
            }
            Token::Map(count) => {
                open.push(Level::Pairs(count, Vec::new()));
                continue;
            }
            Token::End => match open.pop().expect("an end without a start") {
                Level::Items(count, items) => {
                    assert!(count.is_none_or(|count| count == items.len()));
                    json!({"array": items})
                }
                Level::Pairs(count, flat) => {
                    assert!(flat.len() % 2 == 0 && count.is_none_or(|count| count * 2 == flat.len()));
                    json!({"map": flat.chunks(2).map(|pair| json!(pair)).collect::<Vec<_>>()})
                }
            },
        };
        match open.last_mut() {
            Some(Level::Items(_, values) | Level::Pairs(_, values)) => values.push(value),
            None => assert!(whole.replace(value).is_none(), "two values out of one"),
        }
        assert_eq!(reader.depth(), open.len());
    }
    assert!(open.is_empty());
    Ok(whole.expect("no value came"))
}

pub(crate) fn to_value(value: &Json) -> Value {
    let (kind, content) = only(value);
    match kind {
        "int" => Value::Int(content.as_str().unwrap().parse().unwrap()),
        "f64" => Value::Double(f64::from_bits(u64::from_str_radix(content.as_str().unwrap(), 16).unwrap())),
        "raw" => Value::from(hex(content.as_str().unwrap()).as_slice()),
        "bool" => Value::Bool(content.as_bool().unwrap()),
        "null" => Value::Null,
        "hook" => Value::Hook,
        "array" => Value::Array(list(content).iter().map(to_value).collect()),
        "map" => Value::Map(list(content).iter().map(|pair| (to_value(&pair[0]), to_value(&pair[1]))).collect()),
        other => panic!("no kind {other:?}"),
    }
}

/// How a container's length is made known to a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announce {
    Known,
    Auto,
    /// The streaming form where it is the canonical one, else counted.
    OpenAboveFive,
}

pub(crate) fn write<B: qpack_codec::Buffer>(
    writer: &mut Writer<'_, B>,
    value: &Json,
    announce: Announce,
) -> Result<(), EncodeError> {
    let (kind, content) = only(value);
    match kind {
        "array" => {
            match (announce, list(content).len()) {
                (Announce::Auto, _) => writer.array_auto()?,
                (Announce::OpenAboveFive, 6..) => writer.array_open()?,
                (_, len) => writer.array(len)?,
            };
            list(content).iter().try_for_each(|item| write(writer, item, announce))?;
            writer.end()?;
        }
        "map" => {
            match (announce, list(content).len()) {
                (Announce::Auto, _) => writer.map_auto()?,
                (Announce::OpenAboveFive, 6..) => writer.map_open()?,
                (_, len) => writer.map(len)?,
            };
            for pair in list(content) {
                write(writer, &pair[0], announce)?;
                write(writer, &pair[1], announce)?;
            }
            writer.end()?;
        }
        _ => match to_value(value) {
            Value::Int(value) => drop(writer.int(value)?),
            Value::Double(value) => drop(writer.double(value)?),
            Value::Raw(bytes) => match core::str::from_utf8(&bytes) {
                Ok(text) => drop(writer.str(text)?),
                Err(_) => drop(writer.raw(&bytes)?),
            },
            Value::Bool(value) => drop(writer.bool(value)?),
            Value::Null => drop(writer.null()?),
            Value::Hook => drop(writer.hook()?),
            Value::Array(_) | Value::Map(_) => unreachable!(),
        },
    }
    Ok(())
}

/// Lists and the order of their pairs stay; numbers keep their bits.
fn only(value: &Json) -> (&str, &Json) {
    let object = value.as_object().expect("a value is an object");
    assert_eq!(object.len(), 1, "{value}");
    object.iter().next().map(|(kind, content)| (kind.as_str(), content)).unwrap()
}

fn list(content: &Json) -> &Vec<Json> {
    content.as_array().expect("a list")
}

// Generators.

/// What may be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// Everything: hooks, any keys, the same key twice.
    All,
    /// What a Python `dict` can hold and the peer can pack: no hook, keys that are distinct raws or distinct integers.
    Python,
}

/// A value of at most so many containers in each other.
pub(crate) fn value(rng: &mut Rng, depth: usize, kinds: Kinds) -> Value {
    match rng.below(if depth == 0 { 10 } else { 14 }) {
        0..=3 => Value::Int(integer(rng)),
        4 | 5 => Value::Double(if rng.below(3) == 0 { *rng.choose(&[-1.0, 0.0, 1.0, -0.0]) } else { rng.f64() }),
        6..=8 => Value::Raw(bytes(rng).into()),
        9 => match rng.below(if kinds == Kinds::All { 4 } else { 3 }) {
            0 => Value::Null,
            1 => Value::Bool(true),
            2 => Value::Bool(false),
            _ => Value::Hook,
        },
        10 | 11 => Value::Array((0..length(rng)).map(|_| value(rng, depth - 1, kinds)).collect()),
        _ => {
            let mut map = Map::new();
            let integers = rng.below(4) == 0;
            for _ in 0..length(rng) {
                let key = match kinds {
                    Kinds::All => value(rng, depth - 1, kinds),
                    Kinds::Python if integers => Value::Int(integer(rng)),
                    Kinds::Python => Value::Raw(bytes(rng).into()),
                };
                if kinds == Kinds::All || map.iter().all(|(other, _)| *other != key) {
                    map.push(key, value(rng, depth - 1, kinds));
                }
                if kinds == Kinds::All && rng.below(8) == 0 {
                    let again = map[0].0.clone();
                    map.push(again, Value::Null);
                }
            }
            Value::Map(map)
        }
    }
}

/// Few items mostly, and both sides of the step from five to six.
fn length(rng: &mut Rng) -> usize {
    if rng.below(8) == 0 { rng.below(20) } else { rng.below(8) }
}

fn integer(rng: &mut Rng) -> i64 {
    const EDGES: [i64; 16] = [
        63,
        64,
        -60,
        -61,
        127,
        128,
        -128,
        -129,
        32_767,
        -32_768,
        -32_769,
        2_147_483_647,
        2_147_483_648,
        -2_147_483_648,
        i64::MIN,
        i64::MAX,
    ];
    match rng.below(4) {
        0 | 1 => rng.below(124) as i64 - 60,
        2 => rng.choose(&EDGES).saturating_add(rng.below(3) as i64 - 1),
        // Any number of bits.
        _ => (rng.next_u64() as i64) >> rng.below(64),
    }
}

fn bytes(rng: &mut Rng) -> Vec<u8> {
    let len = match rng.below(64) {
        0 => *rng.choose(&[99, 100, 101, 255, 256, 257]),
        1 => rng.below(400),
        2..=31 => rng.below(100),
        _ => rng.below(12),
    };
    if rng.below(2) == 0 { rng.bytes(len) } else { (0..len).map(|_| b'a' + rng.below(26) as u8).collect() }
}

/// A random legal encoding of `value`: any width, any length form, any form of container, and, where `may_end` says that
/// the end of the input closes what is open, containers without a close. Tells whether one was left open.
pub(crate) fn encode_any(rng: &mut Rng, value: &Value, may_end: bool, out: &mut Vec<u8>) -> bool {
    match value {
        Value::Int(value) => encode_int(rng, *value, out),
        Value::Double(value) => match value.to_bits() {
            0xbff0_0000_0000_0000 if rng.below(2) == 0 => out.push(0x7d),
            0 if rng.below(2) == 0 => out.push(0x7e),
            0x3ff0_0000_0000_0000 if rng.below(2) == 0 => out.push(0x7f),
            bits => {
                out.push(0xec);
                out.extend(bits.to_le_bytes());
            }
        },
        Value::Raw(bytes) => {
            let len = bytes.len();
            let forms: Vec<u8> = [(99, 0x80), (0xff, 0xe4), (0xffff, 0xe5), (0xffff_ffff, 0xe6), (usize::MAX, 0xe7)]
                .into_iter()
                .filter_map(|(max, form)| (len <= max).then_some(form))
                .collect();
            match if rng.below(2) == 0 { forms[0] } else { *rng.choose(&forms) } {
                0x80 => out.push(0x80 + len as u8),
                form => {
                    out.push(form);
                    out.extend(&(len as u64).to_le_bytes()[..1 << (form - 0xe4)]);
                }
            }
            out.extend(&bytes[..]);
        }
        Value::Bool(true) => out.push(0xf9),
        Value::Bool(false) => out.push(0xfa),
        Value::Null => out.push(0xfb),
        Value::Hook => out.push(0x7c),
        Value::Array(array) => {
            let items: Vec<&Value> = array.iter().collect();
            return encode_container(rng, &items, array.len(), (0xed, 0xfc, 0xfe), may_end, out);
        }
        Value::Map(map) => {
            let values: Vec<&Value> = map.iter().flat_map(|(key, value)| [key, value]).collect();
            return encode_container(rng, &values, map.len(), (0xf3, 0xfd, 0xff), may_end, out);
        }
    }
    false
}

fn encode_int(rng: &mut Rng, value: i64, out: &mut Vec<u8>) {
    let forms = [
        ((-60..=63).contains(&value), 0),
        (i8::try_from(value).is_ok(), 1),
        (i16::try_from(value).is_ok(), 2),
        (i32::try_from(value).is_ok(), 4),
        (true, 8),
    ];
    let forms: Vec<usize> = forms.into_iter().filter_map(|(fits, size)| fits.then_some(size)).collect();
    match if rng.below(2) == 0 { forms[0] } else { *rng.choose(&forms) } {
        0 if value < 0 => out.push((63 - value) as u8),
        0 => out.push(value as u8),
        size => {
            out.push(0xe8 + size.ilog2() as u8);
            out.extend(&value.to_le_bytes()[..size]);
        }
    }
}

fn encode_container(
    rng: &mut Rng,
    values: &[&Value],
    len: usize,
    (counted, open, close): (u8, u8, u8),
    may_end: bool,
    out: &mut Vec<u8>,
) -> bool {
    let is_counted = len <= 5 && rng.below(2) == 0;
    let is_torn = !is_counted && may_end && rng.below(2) == 0;
    out.push(if is_counted { counted + len as u8 } else { open });
    let mut left_open = is_torn;
    for (index, value) in values.iter().enumerate() {
        let may_end = (is_torn || is_counted && may_end) && index + 1 == values.len();
        left_open |= encode_any(rng, value, may_end, out);
    }
    if !is_counted && !is_torn {
        out.push(close);
    }
    left_open
}

/// A random legal encoding, what it means, and whether a container in it is closed by the end only.
pub(crate) fn encoding(rng: &mut Rng, depth: usize, kinds: Kinds, may_end: bool) -> (Vec<u8>, Value, bool) {
    let value = value(rng, depth, kinds);
    let mut out = Vec::new();
    let left_open = encode_any(rng, &value, may_end, &mut out);
    (out, value, left_open)
}

/// The first bytes of all tokens, close bytes among them: a scanner of its own, for legal input.
pub(crate) fn first_bytes(encoding: &[u8]) -> Vec<u8> {
    let mut firsts = Vec::new();
    let mut at = 0;
    while let Some(&first) = encoding.get(at) {
        firsts.push(first);
        let length = |size: usize| {
            let field = &encoding[at + 1..at + 1 + size];
            size + field.iter().rev().fold(0, |len, &byte| len << 8 | usize::from(byte))
        };
        at += 1 + match first {
            0x80..=0xe3 => usize::from(first) - 0x80,
            0xe4 => length(1),
            0xe5 => length(2),
            0xe6 => length(4),
            0xe7 => length(8),
            0xe8 => 1,
            0xe9 => 2,
            0xea => 4,
            0xeb | 0xec => 8,
            _ => 0,
        };
    }
    firsts
}

/// A value nested `depth` containers deep, built without the decoder.
pub(crate) fn deep(depth: usize, wrap: impl Fn(Value) -> Value) -> Value {
    (0..depth).fold(Value::Int(1), |inner, _| wrap(inner))
}

pub(crate) fn in_array(inner: Value) -> Value {
    Value::Array(Array::from(vec![inner]))
}

pub(crate) fn in_map(inner: Value) -> Value {
    Value::Map(Map::from(vec![(Value::from("a"), inner)]))
}

pub(crate) fn in_key(inner: Value) -> Value {
    Value::Map(Map::from(vec![(inner, Value::Null)]))
}

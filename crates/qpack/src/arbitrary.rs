use alloc::vec::Vec;

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::Bytes;

use crate::value::{Array, Map, Value};

/// Any value, at most 16 containers deep.
impl<'a> Arbitrary<'a> for Value {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        value(u, 16)
    }
}

fn value(u: &mut Unstructured<'_>, depth: u8) -> Result<Value> {
    let kinds = if depth == 0 { 7 } else { 9 };
    let less = depth.saturating_sub(1);
    Ok(match u.int_in_range(1..=kinds)? {
        1 => Value::Int(u.arbitrary()?),
        2 => Value::Double(f64::from_bits(u.arbitrary()?)),
        3 => Value::Raw(Bytes::copy_from_slice(<&[u8]>::arbitrary(u)?)),
        4 => Value::Bool(u.arbitrary()?),
        5 => Value::Null,
        6 => Value::Int(i64::from(i8::arbitrary(u)?)),
        7 => Value::Hook,
        8 => {
            let mut items = Vec::new();
            while u.arbitrary()? {
                items.push(value(u, less)?);
            }
            Value::Array(Array::from(items))
        }
        _ => {
            let mut pairs = Vec::new();
            while u.arbitrary()? {
                pairs.push((value(u, less)?, value(u, less)?));
            }
            Value::Map(Map::from(pairs))
        }
    })
}

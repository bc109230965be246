//! What the tests of the feature `serde` share.
#![allow(dead_code, unreachable_pub)]

use msgpack_numpy_codec::{Array, ArrayRef, DType, DTypeRef, Plain, Scalar, ScalarRef, ValueRef};
use rmp_serde::decode::Error;
use rmp_serde::{Deserializer, from_slice, to_vec};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use testkit::SMALL_STACK;
use testkit::vectors::to_hex;

use crate::common::Pack;

/// Without optimisation rmp-serde has frames of some 3 KiB for each list or map.
pub const STACK: usize = if cfg!(debug_assertions) { 3 * SMALL_STACK } else { SMALL_STACK };

/// A value next to others.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame<T> {
    pub before: u8,
    pub value: T,
    pub after: String,
}

/// The same in MessagePack, made without serde.
pub fn framed(value: &[u8]) -> Vec<u8> {
    let head = Pack::map(3).str("before").raw(&[7]).str("value").raw(value);
    head.str("after").str("end").0
}

pub fn frame<T>(value: T) -> Frame<T> {
    Frame { before: 7, value, after: "end".into() }
}

/// Exactly one value: rmp-serde passes in silence what follows it.
pub fn whole<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, String> {
    let mut deserializer = Deserializer::from_read_ref(bytes);
    let value = T::deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    match IgnoredAny::deserialize(&mut deserializer) {
        Err(Error::InvalidMarkerRead(_)) => Ok(value),
        other => Err(format!("trailing bytes: {other:?}")),
    }
}

/// The same from a reader, which has nothing to borrow from.
pub fn whole_read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut deserializer = Deserializer::new(std::io::Cursor::new(bytes));
    let value = T::deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    if deserializer.position() == bytes.len() as u64 { Ok(value) } else { Err("trailing bytes".into()) }
}

pub fn scalar(bytes: &[u8]) -> Option<ScalarRef<'_>> {
    match ValueRef::decode(bytes) {
        Ok(ValueRef::Scalar(scalar)) => Some(scalar),
        _ => None,
    }
}

/// A dtype to compare by. One that is not understood comes through serde in the shortest forms, and its texts that are not UTF-8 as bytes.
pub fn dtype(dtype: DTypeRef<'_>) -> (DType, Vec<u8>) {
    let DTypeRef::Opaque(opaque) = dtype else { return (dtype.into_owned(), Vec::new()) };
    let mut out = Vec::new();
    let value = rmpv::decode::read_value(&mut opaque.as_encoded()).unwrap();
    rmpv::encode::write_value(&mut out, &without_bad_texts(value)).unwrap();
    (DType::Plain(Plain::parse("|V1").unwrap()), [opaque.kind(), b"/", &out].concat())
}

pub fn without_bad_texts(value: rmpv::Value) -> rmpv::Value {
    use rmpv::Value;
    match value {
        Value::String(text) if text.is_err() => Value::Binary(text.into_bytes()),
        Value::Array(items) => Value::Array(items.into_iter().map(without_bad_texts).collect()),
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (without_bad_texts(key), without_bad_texts(value)));
            Value::Map(entries.collect())
        }
        other => other,
    }
}

#[track_caller]
pub fn assert_same(serde: ArrayRef<'_>, own: ArrayRef<'_>, bytes: &[u8]) {
    assert_eq!(serde.shape(), own.shape(), "{}", to_hex(bytes));
    assert_eq!(serde.data(), own.data(), "{}", to_hex(bytes));
    assert_eq!(dtype(serde.dtype()), dtype(own.dtype()), "{}", to_hex(bytes));
}

#[track_caller]
pub fn of<T>(read: Result<T, String>, bytes: &[u8]) -> T {
    read.unwrap_or_else(|error| panic!("{error}: {}", to_hex(bytes)))
}

/// Through serde as through the crate, whatever is made of these bytes. Tells what was made.
#[track_caller]
pub fn both_alike(bytes: &[u8]) -> &'static str {
    let own = ArrayRef::decode(bytes);
    let borrowed = whole::<Array<&[u8]>>(bytes);
    let copied = whole::<Array>(bytes);
    let read = whole_read::<Array>(bytes);
    match own {
        Ok(own) => {
            for array in [copied, read] {
                let array = of(array, bytes);
                assert_same(array.as_ref(), own, bytes);
                assert_eq!(to_hex(&to_vec(&array).unwrap()), to_hex(&array.encode_to_vec().unwrap()));
            }
            let borrowed = of(borrowed, bytes);
            assert_same(borrowed.as_ref(), own, bytes);
            assert_eq!(borrowed.data().as_ptr(), own.data().as_ptr(), "{}", to_hex(bytes));
        }
        Err(error) => {
            assert!(borrowed.is_err() && copied.is_err() && read.is_err(), "{error}: {}", to_hex(bytes));
        }
    }
    let scalars = [whole::<Scalar>(bytes), whole_read::<Scalar>(bytes)];
    match scalar(bytes) {
        Some(own) => {
            for scalar in scalars {
                let scalar = of(scalar, bytes);
                assert_eq!(scalar.data(), own.data(), "{}", to_hex(bytes));
                assert_eq!(dtype(scalar.as_ref().dtype()), dtype(own.dtype()), "{}", to_hex(bytes));
            }
            "scalar"
        }
        None => {
            assert!(scalars.iter().all(Result::is_err), "{}", to_hex(bytes));
            if own.is_ok() { "array" } else { "neither" }
        }
    }
}

#[track_caller]
pub fn refused(bytes: &[u8], message: &str) {
    assert_eq!(both_alike(bytes), "neither");
    assert_eq!(from_slice::<Array>(bytes).unwrap_err().to_string(), message, "{}", to_hex(bytes));
}

/// The five entries of an array of two bytes, keys and values in MessagePack.
pub fn entries() -> [(Vec<u8>, Vec<u8>); 5] {
    let bin = |bytes: &[u8]| Pack::default().bin(bytes).0;
    [
        (bin(b"nd"), vec![0xc3]),
        (bin(b"type"), Pack::default().str("|u1").0),
        (bin(b"kind"), bin(b"")),
        (bin(b"shape"), vec![0x91, 2]),
        (bin(b"data"), bin(b"\x80\xff")),
    ]
}

pub fn map_of(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    entries.iter().fold(Pack::map(entries.len()), |map, (key, value)| map.raw(key).raw(value)).0
}

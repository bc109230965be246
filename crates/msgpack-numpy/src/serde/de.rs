use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use super::DEPTH;
use super::any::{Any, deeper};
use crate::array::ArrayRef;
use crate::dtype::DTypeRef;
use crate::error::LayoutError;
use crate::limits::Limits;
use crate::owned::{Array, Scalar};
use crate::reader::Reader;
use crate::shape::ShapeRef;
use crate::wire::Token;

#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl<'de> Deserialize<'de> for Array {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Tagged::of(What::Array))?.into_array()
    }
}

/// Of a slice, where the bytes can be borrowed.
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl<'de: 'a, 'a> Deserialize<'de> for Array<&'a [u8]> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Tagged::of(What::Array))?.into_array()
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Tagged::of(What::Scalar))?.into_scalar()
    }
}

/// What holds the bytes of an array.
trait Payload<'de>: AsRef<[u8]> + Sized {
    fn borrowed(bytes: &'de [u8]) -> Self;

    /// Of bytes that are soon gone; `None` if it can only borrow.
    fn copied(bytes: &[u8]) -> Option<Self>;

    /// Of bytes that are there to be taken; `None` if it can only borrow.
    fn taken(bytes: Vec<u8>) -> Option<Self>;
}

impl<'de> Payload<'de> for Bytes {
    fn borrowed(bytes: &'de [u8]) -> Self {
        Self::copy_from_slice(bytes)
    }

    fn copied(bytes: &[u8]) -> Option<Self> {
        Some(Self::copy_from_slice(bytes))
    }

    fn taken(bytes: Vec<u8>) -> Option<Self> {
        Some(bytes.into())
    }
}

impl<'de> Payload<'de> for &'de [u8] {
    fn borrowed(bytes: &'de [u8]) -> Self {
        bytes
    }

    fn copied(_: &[u8]) -> Option<Self> {
        None
    }

    fn taken(_: Vec<u8>) -> Option<Self> {
        None
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Array,
    /// An array in the place of the data of another, which may hold no further one.
    Masked,
    Scalar,
}

/// Takes a tagged map.
struct Tagged<B> {
    what: What,
    /// Lists and maps that may be in one another in it.
    depth: u8,
    data: PhantomData<B>,
}

impl<B> Tagged<B> {
    const fn of(what: What) -> Self {
        Self { what, depth: DEPTH, data: PhantomData }
    }
}

/// The values of the keys that matter, `type` and `kind` in MessagePack.
struct Slots<B> {
    nd: Option<()>,
    complex: Option<()>,
    dtype: Option<Vec<u8>>,
    kind: Option<Vec<u8>>,
    shape: Option<Vec<u64>>,
    data: Option<B>,
}

impl<'de, B: Payload<'de>> Visitor<'de> for Tagged<B> {
    type Value = Slots<B>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.what == What::Scalar { "a numpy scalar" } else { "a numpy array" })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Slots<B>, A::Error> {
        let Self { what, depth, .. } = self;
        let array = what != What::Scalar;
        let mut slots = Slots { nd: None, complex: None, dtype: None, kind: None, shape: None, data: None };
        let mut key = Vec::new();
        while map.next_key_seed(Any::into(&mut key, depth))?.is_some() {
            match text(&key) {
                Some(b"nd") => once(&mut slots.nd, "nd", || map.next_value_seed(Nd(array)))?,
                Some(b"complex") => once(&mut slots.complex, "complex", || map.next_value_seed(Any::nowhere(depth)))?,
                Some(b"type") => once(&mut slots.dtype, "type", || encoded(&mut map, depth))?,
                Some(b"kind") => once(&mut slots.kind, "kind", || encoded(&mut map, depth))?,
                Some(b"shape") if array => once(&mut slots.shape, "shape", || map.next_value_seed(Shape))?,
                Some(b"shape") => {
                    once(&mut slots.shape, "shape", || map.next_value_seed(Any::nowhere(depth)).map(|()| Vec::new()))?
                }
                Some(b"data") => {
                    let masked = (what == What::Array).then_some(depth);
                    once(&mut slots.data, "data", || map.next_value_seed(Data { masked, data: PhantomData }))?;
                }
                _ => map.next_value_seed(Any::nowhere(depth))?,
            }
            key.clear();
        }
        slots.nd.ok_or_else(|| A::Error::missing_field("nd"))?;
        Ok(slots)
    }
}

impl<B: AsRef<[u8]>> Slots<B> {
    fn into_array<E: Error>(self) -> Result<Array<B>, E> {
        let encoded = self.dtype.ok_or_else(|| E::missing_field("type"))?;
        let shape = self.shape.ok_or_else(|| E::missing_field("shape"))?;
        let data = self.data.ok_or_else(|| E::missing_field("data"))?;
        let kind = match &self.kind {
            None => &[][..],
            Some(kind) => text(kind).ok_or_else(|| E::custom("kind: value of another type"))?,
        };
        if kind == b"O" {
            return Err(E::custom("kind: an array of objects, which is a pickle"));
        }
        let dtype = DTypeRef::read(&encoded, kind);
        ArrayRef::new(dtype, ShapeRef::new(&shape), data.as_ref()).map_err(E::custom)?;
        Ok(Array::of_parts(dtype.into_owned(), shape, data))
    }
}

impl Slots<Bytes> {
    fn into_scalar<E: Error>(self) -> Result<Scalar, E> {
        let encoded = self.dtype.ok_or_else(|| E::missing_field("type"))?;
        let data = self.data.ok_or_else(|| E::missing_field("data"))?;
        Scalar::new(DTypeRef::read(&encoded, b"").into_owned(), data).map_err(E::custom)
    }
}

/// The text or the bytes that a value in MessagePack is.
fn text(encoded: &[u8]) -> Option<&[u8]> {
    match Reader::new(encoded).token() {
        Ok(Token::Str(text) | Token::Bin(text)) => Some(text),
        _ => None,
    }
}

fn once<T, E: Error>(slot: &mut Option<T>, name: &'static str, read: impl FnOnce() -> Result<T, E>) -> Result<(), E> {
    if slot.is_some() {
        return Err(E::duplicate_field(name));
    }
    *slot = Some(read()?);
    Ok(())
}

fn encoded<'de, A: MapAccess<'de>>(map: &mut A, depth: u8) -> Result<Vec<u8>, A::Error> {
    let mut out = Vec::new();
    map.next_value_seed(Any::into(&mut out, depth))?;
    Ok(out)
}

/// `nd`: true for an array, false for a scalar.
struct Nd(bool);

impl<'de> DeserializeSeed<'de> for Nd {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Nd {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "nd true, as an array has it" } else { "nd false, as a scalar has it" })
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        if value == self.0 { Ok(()) } else { Err(E::invalid_value(Unexpected::Bool(value), &self)) }
    }
}

struct Shape;

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = Vec<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<u64>, D::Error> {
        // Where a list is asked for, rmp-serde gives bytes as one, too.
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape {
    type Value = Vec<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shape, a list of integers that are not negative")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut axes: A) -> Result<Vec<u64>, A::Error> {
        let mut shape = Vec::new();
        while let Some(axis) = axes.next_element()? {
            if shape.len() >= usize::from(Limits::DEFAULT.max_axes) {
                return Err(A::Error::custom(LayoutError::Axes));
            }
            shape.push(axis);
        }
        Ok(shape)
    }
}

/// The bytes of an array or a scalar.
struct Data<B> {
    /// Whether another array may stand in their place, and how deep that may be.
    masked: Option<u8>,
    data: PhantomData<B>,
}

impl<'de, B: Payload<'de>> DeserializeSeed<'de> for Data<B> {
    type Value = B;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<B, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, B: Payload<'de>> Visitor<'de> for Data<B> {
    type Value = B;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Who can copy makes something of bytes of its own.
        f.write_str(if B::copied(&[]).is_some() { "data, bytes" } else { "data, bytes that can be borrowed" })
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<B, E> {
        Ok(B::borrowed(bytes))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<B, E> {
        B::copied(bytes).ok_or_else(|| E::invalid_type(Unexpected::Bytes(bytes), &self))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<B, E> {
        B::taken(bytes).ok_or_else(|| E::invalid_type(Unexpected::Bytes(&[]), &self))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<B, E> {
        self.visit_borrowed_bytes(text.as_bytes())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<B, E> {
        self.visit_bytes(text.as_bytes())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<B, E> {
        self.visit_byte_buf(text.into_bytes())
    }

    /// A masked array.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<B, A::Error> {
        let Some(depth) = self.masked else { return Err(A::Error::invalid_type(Unexpected::Map, &self)) };
        let inner = Tagged { what: What::Masked, depth: deeper(depth)?, data: PhantomData };
        let (_, _, data) = inner.visit_map(map)?.into_array()?.into_parts();
        Ok(data)
    }
}

//! Any value at all: into MessagePack, or passed over.

use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::value::ValueRef;

/// Takes one value, whatever it is.
pub(super) struct Any<'o> {
    /// Where it is written, in the shortest forms.
    out: Option<&'o mut Vec<u8>>,
    /// Lists and maps that may be in one another.
    depth: u8,
}

impl<'o> Any<'o> {
    pub(super) const fn into(out: &'o mut Vec<u8>, depth: u8) -> Self {
        Self { out: Some(out), depth }
    }

    pub(super) const fn nowhere(depth: u8) -> Self {
        Self { out: None, depth }
    }

    fn put<E: Error>(self, value: ValueRef<'_>) -> Result<(), E> {
        self.out.map_or(Ok(()), |out| value.encode(out)).map_err(E::custom)
    }

    fn again(&mut self) -> Any<'_> {
        Any { out: self.out.as_deref_mut(), depth: self.depth }
    }

    fn inner<E: Error>(mut self) -> Result<Self, E> {
        self.depth = deeper(self.depth)?;
        Ok(self)
    }

    fn position(&self) -> usize {
        self.out.as_ref().map_or(0, |out| out.len())
    }

    /// Puts the head of a list or map in front of what was written since `start`: how many there are is known for sure only now.
    fn close(self, start: usize, [few, two, four]: [u8; 3], len: u32) {
        let Some(out) = self.out else { return };
        let end = out.len();
        match (u8::try_from(len), u16::try_from(len)) {
            (Ok(len @ 0..=15), _) => out.push(few | len),
            (_, Ok(len)) => {
                out.push(two);
                out.extend_from_slice(&len.to_be_bytes());
            }
            _ => {
                out.push(four);
                out.extend_from_slice(&len.to_be_bytes());
            }
        }
        let head = out.len().saturating_sub(end);
        if let Some(written) = out.get_mut(start..) {
            written.rotate_right(head);
        }
    }
}

/// Inside a list or map that may have so many around what is in it.
pub(super) fn deeper<E: Error>(depth: u8) -> Result<u8, E> {
    depth.checked_sub(1).ok_or_else(|| E::custom("exceeds max_depth 64"))
}

fn one_more<E: Error>(len: u32) -> Result<u32, E> {
    len.checked_add(1).ok_or_else(|| E::custom("more items than MessagePack counts"))
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that MessagePack has")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put(ValueRef::Nil)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.put(ValueRef::Nil)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.inner()?.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(ValueRef::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(ValueRef::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(ValueRef::UInt(value))
    }

    fn visit_f32<E: Error>(self, value: f32) -> Result<(), E> {
        self.put(ValueRef::F32(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(ValueRef::F64(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.put(ValueRef::Str(value.as_bytes()))
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<(), E> {
        self.put(ValueRef::Bin(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut any = self.inner()?;
        let (start, mut len) = (any.position(), 0);
        while list.next_element_seed(any.again())?.is_some() {
            len = one_more(len)?;
        }
        any.close(start, [0x90, 0xdc, 0xdd], len);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut any = self.inner()?;
        let (start, mut len) = (any.position(), 0);
        while map.next_key_seed(any.again())?.is_some() {
            map.next_value_seed(any.again())?;
            len = one_more(len)?;
        }
        any.close(start, [0x80, 0xde, 0xdf], len);
        Ok(())
    }

    /// An extension, as rmp-serde has them.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(Ext(self))
    }
}

struct Ext<'o>(Any<'o>);

impl<'de> Visitor<'de> for Ext<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("type and content of an extension")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<(), A::Error> {
        let kind = pair.next_element::<i8>()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let content = Content { any: self.0, kind };
        pair.next_element_seed(content)?.ok_or_else(|| A::Error::invalid_length(1, &"type and content"))
    }
}

struct Content<'o> {
    any: Any<'o>,
    kind: i8,
}

impl<'de> DeserializeSeed<'de> for Content<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Content<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the content of an extension")
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<(), E> {
        self.any.put(ValueRef::Ext(self.kind, value))
    }
}

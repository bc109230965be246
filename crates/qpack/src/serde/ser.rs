use alloc::vec::Vec;

use serde::Serialize;
use serde::ser;

use super::error::Error;
use crate::encode;
use crate::error::EncodeError;
use crate::limits::{Config, Limit};
use crate::wire::tag;

/// Writes qpack for serde, straight into the vector: the nesting is that of the calls, so there is no stack to keep.
pub(super) struct Serializer<'b> {
    out: &'b mut Vec<u8>,
    config: Config,
    depth: u8,
    /// Options and newtypes around the next value, up to the next container.
    wraps: u8,
    values_left: usize,
    /// A part was not written: what is there is not a value, even if the type goes on.
    failed: bool,
}

impl<'b> Serializer<'b> {
    pub(super) fn new(out: &'b mut Vec<u8>, config: &Config) -> Self {
        Self { out, config: *config, depth: 0, wraps: 0, values_left: config.limits.max_values, failed: false }
    }

    /// Whether all of it was written; a type may pass over the error of a part, but then there is no value.
    pub(super) fn finish(self) -> Result<(), Error> {
        if self.failed { Err(ser::Error::custom("a part of the value could not be written")) } else { Ok(()) }
    }

    #[inline]
    fn scalar(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
        self.take()?;
        write(self.out);
        self.within_len(0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.take()?;
        // Measured before it is copied, and after, since a length goes in front.
        self.within_len(bytes.len())?;
        encode::raw(self.out, bytes);
        self.within_len(0)
    }

    #[inline]
    fn int(&mut self, value: i128) -> Result<(), Error> {
        match i64::try_from(value) {
            Ok(value) => self.scalar(|out| encode::int(out, value)),
            Err(_) => Err(out_of_range(value < 0, value.unsigned_abs())),
        }
    }

    #[inline]
    fn take(&mut self) -> Result<(), Error> {
        match self.values_left.checked_sub(1) {
            Some(left) => {
                self.values_left = left;
                Ok(())
            }
            None => Err(exceeded(Limit::MaxValues, self.config.limits.max_values)),
        }
    }

    #[inline]
    fn within_len(&self, more: usize) -> Result<(), Error> {
        let max = self.config.limits.max_len;
        let len = self.out.len().saturating_add(more);
        if len > max {
            return Err(EncodeError::LimitExceeded { limit: Limit::MaxLen, met: len as u64, max: max as u64 }.into());
        }
        Ok(())
    }

    #[inline]
    fn enter(&mut self) -> Result<(), Error> {
        self.take()?;
        let max = self.config.limits.max_depth;
        if self.depth >= max {
            return Err(exceeded(Limit::MaxDepth, max.into()));
        }
        self.depth = self.depth.wrapping_add(1);
        Ok(())
    }

    #[inline]
    fn begin<'s>(&'s mut self, is_map: bool, levels: u8) -> Result<Compound<'s, 'b>, Error> {
        self.enter()?;
        let tag_at = self.out.len();
        self.out.push(if is_map { tag::MAP_OPEN } else { tag::ARRAY_OPEN });
        self.within_len(0)?;
        let wraps = core::mem::take(&mut self.wraps);
        Ok(Compound { ser: self, tag_at, is_map, items: 0, keys: 0, levels, wraps })
    }

    /// The map of one pair that a variant with content is.
    fn variant(&mut self, name: &'static str) -> Result<(), Error> {
        self.enter()?;
        self.out.push(tag::MAP0.wrapping_add(1));
        self.raw(name.as_bytes())
    }

    fn wrapped<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if self.wraps >= super::MAX_WRAPS {
            return Err(super::too_wrapped());
        }
        self.wraps = self.wraps.wrapping_add(1);
        value.serialize(&mut *self)?;
        self.wraps = self.wraps.wrapping_sub(1);
        Ok(())
    }
}

#[cold]
fn exceeded(limit: Limit, max: usize) -> Error {
    EncodeError::LimitExceeded { limit, met: (max as u64).saturating_add(1), max: max as u64 }.into()
}

#[cold]
fn out_of_range(negative: bool, magnitude: u128) -> Error {
    EncodeError::IntOutOfRange { negative, magnitude }.into()
}

impl<'s, 'b> ser::Serializer for &'s mut Serializer<'b> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'s, 'b>;
    type SerializeTuple = Compound<'s, 'b>;
    type SerializeTupleStruct = Compound<'s, 'b>;
    type SerializeTupleVariant = Compound<'s, 'b>;
    type SerializeMap = Compound<'s, 'b>;
    type SerializeStruct = Compound<'s, 'b>;
    type SerializeStructVariant = Compound<'s, 'b>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.scalar(|out| out.push(if value { tag::TRUE } else { tag::FALSE }))
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.scalar(|out| encode::int(out, value))
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.int(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            Err(_) => Err(out_of_range(false, value.into())),
        }
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            Err(_) => Err(out_of_range(false, value)),
        }
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(value.into())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        let peer_compatible = self.config.peer_compatible;
        self.scalar(|out| encode::double(out, value, peer_compatible))
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.raw(value.encode_utf8(&mut [0; 4]).as_bytes())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.raw(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.raw(value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.wrapped(value)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.scalar(|out| out.push(tag::NULL))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        self.wrapped(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant)?;
        let wraps = core::mem::take(&mut self.wraps);
        value.serialize(&mut *self)?;
        self.wraps = wraps;
        self.depth = self.depth.wrapping_sub(1);
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        self.begin(false, 1)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        self.begin(false, 1)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        self.begin(false, 1)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        self.variant(variant)?;
        self.begin(false, 2)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        self.begin(true, 1)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        self.begin(true, 1)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        self.variant(variant)?;
        self.begin(true, 2)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// A container that is being written, and counted: serde's announced lengths are not relied on.
pub(super) struct Compound<'s, 'b> {
    ser: &'s mut Serializer<'b>,
    tag_at: usize,
    is_map: bool,
    /// Items, or pairs.
    items: usize,
    /// Keys of a map that comes key by key: as many as its pairs, or one ahead.
    keys: usize,
    /// Containers that its end leaves: with the map of a variant around it, two.
    levels: u8,
    /// Options and newtypes around it.
    wraps: u8,
}

impl Compound<'_, '_> {
    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.items = self.items.saturating_add(1);
        self.part(value)
    }

    // The name is a constant where the type is known: inlined, so are its length and tag.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.ser.raw(name.as_bytes())?;
        self.item(value)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let written = value.serialize(&mut *self.ser);
        self.ser.failed |= written.is_err();
        written
    }

    /// A type that writes a key without a value, or the reverse, is told so: half a pair would shift all that follows.
    fn expect_keys(&self, keys: usize) -> Result<(), Error> {
        if self.keys == keys { Ok(()) } else { Err(EncodeError::MissingValue.into()) }
    }

    #[inline]
    fn close(self) -> Result<(), Error> {
        encode::close_counted(self.ser.out, self.tag_at, self.is_map, self.items);
        self.ser.depth = self.ser.depth.wrapping_sub(self.levels);
        self.ser.wraps = self.wraps;
        self.ser.within_len(0)
    }
}

impl ser::SerializeSeq for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTuple for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTupleStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTupleVariant for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.expect_keys(self.items)?;
        self.keys = self.keys.saturating_add(1);
        self.part(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.expect_keys(self.items.saturating_add(1))?;
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.expect_keys(self.items)?;
        self.close()
    }
}

impl ser::SerializeStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.field(name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.field(name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

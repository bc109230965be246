use serde::de::{DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor};

use super::de::{Deserializer, Form};
use super::error::Error;

/// The inside of a container.
pub(super) struct Access<'a, 'de> {
    de: &'a mut Deserializer<'de>,
    form: Form,
    /// The field names of a struct, in the order in which they were declared and most often are sent.
    names: &'static [&'static str],
    /// Where among them the next key is expected.
    expected: usize,
}

impl<'a, 'de> Access<'a, 'de> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn new(de: &'a mut Deserializer<'de>, form: Form, names: &'static [&'static str]) -> Self {
        Self { de, form, names, expected: 0 }
    }

    /// The name that the next key is, if it is one, and what follows: then it is known to be text, and is not checked again.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn name(&mut self) -> Option<(&'static str, &'de [u8])> {
        if self.names.is_empty() {
            return None;
        }
        let (key, rest) = self.de.peek_raw()?;
        let is_key = |name: &&&'static str| same(name.as_bytes(), key);
        let name = match self.names.get(self.expected).filter(is_key) {
            Some(name) => name,
            None => {
                self.expected = self.names.iter().position(|name| is_key(&name))?;
                self.names.get(self.expected)?
            }
        };
        self.expected = self.expected.saturating_add(1);
        Some((name, rest))
    }

    /// The end: what the visitor did not take is too much.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        if self.de.more(&mut self.form)? {
            return Err(Error::custom("more items than the type takes"));
        }
        Ok(())
    }
}

/// A key that is one of a struct's names. Who asks for an identifier gets the name, who asks for anything else the key.
struct Key<'a, 'de> {
    de: &'a mut Deserializer<'de>,
    name: &'static str,
    /// What follows it.
    rest: &'de [u8],
}

macro_rules! forward_to_key {
    ($($method:ident($($arg:ident: $ty:ty),*))+) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $ty,)* visitor: V) -> Result<V::Value, Error> {
            self.de.$method($($arg,)* visitor)
        }
    )+};
}

impl<'de> serde::Deserializer<'de> for Key<'_, 'de> {
    type Error = Error;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.de.go_on(self.rest);
        visitor.visit_str(self.name)
    }

    forward_to_key! {
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit() deserialize_seq()
        deserialize_map() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Equality of short names in a few instructions, where `==` calls `memcmp`.
#[cfg_attr(not(debug_assertions), inline(always))]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // Both ends: in between, the halves overlap.
    if let (1..=8, Some(a_first), Some(b_first)) = (a.len(), a.first_chunk::<4>(), b.first_chunk::<4>()) {
        return a_first == b_first && a.last_chunk::<4>() == b.last_chunk::<4>();
    }
    if let (9..=16, Some(a_first), Some(b_first)) = (a.len(), a.first_chunk::<8>(), b.first_chunk::<8>()) {
        return a_first == b_first && a.last_chunk::<8>() == b.last_chunk::<8>();
    }
    a == b
}

impl<'de> SeqAccess<'de> for &mut Access<'_, 'de> {
    type Error = Error;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.de.more(&mut self.form)? { seed.deserialize(&mut *self.de).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        self.known()
    }
}

impl<'de> MapAccess<'de> for &mut Access<'_, 'de> {
    type Error = Error;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if !self.de.more(&mut self.form)? {
            return Ok(None);
        }
        self.de.expect_key();
        match self.name() {
            Some((name, rest)) => seed.deserialize(Key { de: &mut *self.de, name, rest }).map(Some),
            None => seed.deserialize(&mut *self.de).map(Some),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.de.value_of_key(&mut self.form)?;
        seed.deserialize(&mut *self.de)
    }

    fn size_hint(&self) -> Option<usize> {
        self.known().map(|values| values / 2)
    }
}

impl Access<'_, '_> {
    fn known(&self) -> Option<usize> {
        match self.form {
            Form::Counted(left) => Some(usize::from(left)),
            Form::ClosedBy(_) => None,
        }
    }
}

/// An enum: a name alone, or the one pair of a map.
pub(super) enum Enum<'a, 'b, 'de> {
    Unit(&'a mut Deserializer<'de>),
    WithContent(&'b mut Access<'a, 'de>),
}

impl<'a, 'b, 'de> Enum<'a, 'b, 'de> {
    pub(super) fn unit(de: &'a mut Deserializer<'de>) -> Self {
        Self::Unit(de)
    }

    pub(super) fn with_content(access: &'b mut Access<'a, 'de>) -> Self {
        Self::WithContent(access)
    }

    fn content(self) -> Result<&'b mut Deserializer<'de>, Error>
    where
        'a: 'b,
    {
        match self {
            Self::Unit(_) => Err(Error::invalid_type(Unexpected::UnitVariant, &"a variant with content")),
            Self::WithContent(access) => {
                access.de.value_of_key(&mut access.form)?;
                Ok(access.de)
            }
        }
    }
}

impl<'de> EnumAccess<'de> for Enum<'_, '_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(mut self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = match &mut self {
            Self::Unit(de) => seed.deserialize(&mut **de)?,
            Self::WithContent(access) => {
                if !access.de.more(&mut access.form)? {
                    return Err(Error::custom("an enum is a map of one pair"));
                }
                seed.deserialize(&mut *access.de)?
            }
        };
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Enum<'_, '_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self {
            Self::Unit(_) => Ok(()),
            Self::WithContent(_) => serde::Deserialize::deserialize(self.content()?),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        serde::Deserializer::deserialize_tuple(self.content()?, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        serde::Deserializer::deserialize_struct(self.content()?, "", fields, visitor)
    }
}

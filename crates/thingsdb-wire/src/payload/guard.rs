//! A deserializer around another that counts how deep it is. rmp-serde counts arrays and maps, but not enums, options and
//! newtypes, so that types of the caller's which nest in themselves could be driven through the stack.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

/// Most arrays, maps and enums in one another: as many as a server packs.
const MAX_DEPTH: u8 = 128;

/// Most options and newtypes in one another without one of these in between. They take no bytes.
const MAX_WRAPPERS: u8 = 16;

/// How deep it may still go.
#[derive(Clone, Copy)]
pub(super) struct Depth {
    containers: u8,
    wrappers: u8,
}

impl Depth {
    pub(super) const START: Self = Self { containers: MAX_DEPTH, wrappers: MAX_WRAPPERS };

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn container<E: Error>(self) -> Result<Self, E> {
        match self.containers.checked_sub(1) {
            Some(containers) => Ok(Self { containers, wrappers: MAX_WRAPPERS }),
            None => Err(E::custom(format_args!("nested deeper than {MAX_DEPTH}"))),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn wrapper<E: Error>(self) -> Result<Self, E> {
        match self.wrappers.checked_sub(1) {
            Some(wrappers) => Ok(Self { wrappers, ..self }),
            None => Err(E::custom(format_args!("more than {MAX_WRAPPERS} options and newtypes in one another"))),
        }
    }
}

/// Something of serde's, and how deep it may still go.
pub(super) struct Guard<T> {
    pub(super) inner: T,
    pub(super) depth: Depth,
}

/// Asked for a scalar, which does not nest: a type that takes a container there all the same does not nest in itself.
macro_rules! pass_unguarded {
    ($($method:ident,)*) => {
        $(#[cfg_attr(not(debug_assertions), inline(always))]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        })*
    };
}

macro_rules! pass_to_inner {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(#[cfg_attr(not(debug_assertions), inline(always))]
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method($($argument,)* Guard { inner: visitor, depth: self.depth })
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guard<D> {
    type Error = D::Error;

    pass_unguarded! {
        deserialize_bool,
        deserialize_i8,
        deserialize_i16,
        deserialize_i32,
        deserialize_i64,
        deserialize_i128,
        deserialize_u8,
        deserialize_u16,
        deserialize_u32,
        deserialize_u64,
        deserialize_u128,
        deserialize_f32,
        deserialize_f64,
        deserialize_char,
        deserialize_str,
        deserialize_string,
        deserialize_bytes,
        deserialize_byte_buf,
        deserialize_unit,
        deserialize_identifier,
    }

    pass_to_inner! {
        deserialize_any();
        deserialize_option();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_ignored_any();
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! pass_scalars {
    ($($method:ident: $type:ty,)*) => {
        $(#[cfg_attr(not(debug_assertions), inline(always))]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Guard<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    pass_scalars! {
        visit_bool: bool,
        visit_i8: i8,
        visit_i16: i16,
        visit_i32: i32,
        visit_i64: i64,
        visit_i128: i128,
        visit_u8: u8,
        visit_u16: u16,
        visit_u32: u32,
        visit_u64: u64,
        visit_u128: u128,
        visit_f32: f32,
        visit_f64: f64,
        visit_char: char,
        visit_str: &str,
        visit_borrowed_str: &'de str,
        visit_string: alloc::string::String,
        visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8],
        visit_byte_buf: alloc::vec::Vec<u8>,
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let depth = self.depth.wrapper()?;
        self.inner.visit_some(Guard { inner, depth })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let depth = self.depth.wrapper()?;
        self.inner.visit_newtype_struct(Guard { inner, depth })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let depth = self.depth.container()?;
        self.inner.visit_seq(Guard { inner, depth })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let depth = self.depth.container()?;
        self.inner.visit_map(Guard { inner, depth })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let depth = self.depth.container()?;
        self.inner.visit_enum(Guard { inner, depth })
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Guard<T> {
    type Value = T::Value;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.inner.deserialize(Guard { inner, depth: self.depth })
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Guard<A> {
    type Error = A::Error;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, inner: T) -> Result<Option<T::Value>, A::Error> {
        self.inner.next_element_seed(Guard { inner, depth: self.depth })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Guard<A> {
    type Error = A::Error;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, inner: K) -> Result<Option<K::Value>, A::Error> {
        self.inner.next_key_seed(Guard { inner, depth: self.depth })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, inner: T) -> Result<T::Value, A::Error> {
        self.inner.next_value_seed(Guard { inner, depth: self.depth })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Guard<A> {
    type Error = A::Error;
    type Variant = Guard<A::Variant>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn variant_seed<T: DeserializeSeed<'de>>(self, inner: T) -> Result<(T::Value, Self::Variant), A::Error> {
        let (value, variant) = self.inner.variant_seed(Guard { inner, depth: self.depth })?;
        Ok((value, Guard { inner: variant, depth: self.depth }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Guard<A> {
    type Error = A::Error;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, inner: T) -> Result<T::Value, A::Error> {
        self.inner.newtype_variant_seed(Guard { inner, depth: self.depth })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, inner: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, Guard { inner, depth: self.depth })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], inner: V) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, Guard { inner, depth: self.depth })
    }
}

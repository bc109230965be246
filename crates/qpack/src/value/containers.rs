use alloc::vec::{self, Vec};
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::slice;

use super::Value;

/// The items of an array: a `Vec<Value>` that drops without recursion.
#[derive(Default, Clone, PartialEq, Eq, Hash)]
pub struct Array(Vec<Value>);

impl Array {
    /// An array of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: Value) {
        self.0.push(item);
    }

    /// The items as a plain vector.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<Value> {
        core::mem::take(&mut self.0)
    }
}

/// The pairs of a map, in order: a `Vec<(Value, Value)>` that drops without recursion.
#[derive(Default, Clone, PartialEq, Eq, Hash)]
pub struct Map(Vec<(Value, Value)>);

impl Map {
    /// A map of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a pair at the end, whether or not the key is there already.
    pub fn push(&mut self, key: impl Into<Value>, value: impl Into<Value>) {
        self.0.push((key.into(), value.into()));
    }

    /// The value of the first pair whose key is a raw of just these bytes.
    #[must_use]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&Value> {
        let is_key = |name: &Value| name.as_raw().is_some_and(|bytes| bytes == key.as_ref());
        self.0.iter().find(|(name, _)| is_key(name)).map(|(_, value)| value)
    }

    /// The pairs as a plain vector.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<(Value, Value)> {
        core::mem::take(&mut self.0)
    }
}

macro_rules! vector {
    ($name:ident, $item:ty) => {
        impl Deref for $name {
            type Target = [$item];

            fn deref(&self) -> &[$item] {
                &self.0
            }
        }

        impl DerefMut for $name {
            fn deref_mut(&mut self) -> &mut [$item] {
                &mut self.0
            }
        }

        impl From<Vec<$item>> for $name {
            fn from(items: Vec<$item>) -> Self {
                Self(items)
            }
        }

        impl FromIterator<$item> for $name {
            fn from_iter<I: IntoIterator<Item = $item>>(items: I) -> Self {
                Self(items.into_iter().collect())
            }
        }

        impl Extend<$item> for $name {
            fn extend<I: IntoIterator<Item = $item>>(&mut self, items: I) {
                self.0.extend(items);
            }
        }

        impl IntoIterator for $name {
            type Item = $item;
            type IntoIter = vec::IntoIter<$item>;

            fn into_iter(self) -> Self::IntoIter {
                self.into_vec().into_iter()
            }
        }

        impl<'a> IntoIterator for &'a $name {
            type Item = &'a $item;
            type IntoIter = slice::Iter<'a, $item>;

            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }
    };
}

vector!(Array, Value);
vector!(Map, (Value, Value));

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(key, value)| (key, value))).finish()
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        let mut deep = Vec::new();
        take_deep(&mut self.0, &mut deep);
        drop_all(deep);
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let mut deep = Vec::new();
        take_deep_pairs(&mut self.0, &mut deep);
        drop_all(deep);
    }
}

/// Drops values one at a time, each after its children that hold containers were taken out of it: the stack never grows
/// beyond two levels.
fn drop_all(mut deep: Vec<Value>) {
    while let Some(mut value) = deep.pop() {
        match &mut value {
            Value::Array(array) => take_deep(&mut array.0, &mut deep),
            Value::Map(map) => take_deep_pairs(&mut map.0, &mut deep),
            Value::Int(_) | Value::Double(_) | Value::Raw(_) | Value::Bool(_) | Value::Null | Value::Hook => {}
        }
    }
}

fn take_deep(items: &mut [Value], deep: &mut Vec<Value>) {
    deep.extend(items.iter_mut().filter(|item| holds_container(item)).map(core::mem::take));
}

fn take_deep_pairs(pairs: &mut [(Value, Value)], deep: &mut Vec<Value>) {
    for (key, value) in pairs {
        take_deep(slice::from_mut(key), deep);
        take_deep(slice::from_mut(value), deep);
    }
}

fn holds_container(value: &Value) -> bool {
    let is_container = |value: &Value| matches!(value, Value::Array(_) | Value::Map(_));
    match value {
        Value::Array(array) => array.0.iter().any(is_container),
        Value::Map(map) => map.0.iter().any(|(key, value)| is_container(key) || is_container(value)),
        Value::Int(_) | Value::Double(_) | Value::Raw(_) | Value::Bool(_) | Value::Null | Value::Hook => false,
    }
}

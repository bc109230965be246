use msgpack_numpy_codec::{ArrayRef, ValueRef};

use crate::index::{Indexed, Property};
use crate::numbers::Numbers;

impl<'a> Property<'a> {
    /// The array, however the version carries it; one that has a part of its own only without fields, see
    /// [`ArrayPart::to_array`](crate::ArrayPart::to_array).
    #[must_use]
    pub fn as_array(self) -> Option<ArrayRef<'a>> {
        match self {
            Self::Array(array) => array.as_array(),
            Self::Value(value) => value.as_array(),
        }
    }

    /// The value, unless it is an array with a part of its own.
    #[must_use]
    pub const fn as_value(self) -> Option<ValueRef<'a>> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    /// The numbers of an array or a list: some servers send small arrays as the one, some as the other.
    #[must_use]
    pub fn numbers(self) -> Option<Numbers<'a>> {
        let array = self.as_array().map(ValueRef::Array);
        Numbers::of(array.or_else(|| self.as_value())?)
    }
}

impl<'a, P: AsRef<[u8]>> Indexed<'_, 'a, P> {
    /// The array of this source with this path, however the version carries it: see [`Property::as_array`].
    #[must_use]
    pub fn array(&self, source: &str, path: &str) -> Option<ArrayRef<'a>> {
        self.get(source, path)?.as_array()
    }
}

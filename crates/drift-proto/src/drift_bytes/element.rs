use core::fmt;
use core::marker::PhantomData;
use core::slice::ChunksExact;

use super::ItemType;

/// A type of Rust that values can be: numbers of every width, and truth.
pub trait Element: Copy + sealed::Sealed {
    /// The type of items that have it.
    const ITEM_TYPE: ItemType;

    #[doc(hidden)]
    fn from_bytes(bytes: &[u8], is_little: bool) -> Self;
}

#[expect(unnameable_types, reason = "nobody else is to have it")]
mod sealed {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($type:ty => $item_type:ident,)*) => {$(
        impl sealed::Sealed for $type {}

        impl Element for $type {
            const ITEM_TYPE: ItemType = ItemType::$item_type;

            #[inline]
            fn from_bytes(bytes: &[u8], is_little: bool) -> Self {
                // Of the width of the type.
                let bytes = bytes.first_chunk().copied().unwrap_or_default();
                if is_little { Self::from_le_bytes(bytes) } else { Self::from_be_bytes(bytes) }
            }
        }
    )*};
}

elements! {
    i8 => I8, u8 => U8, i16 => I16, u16 => U16, i32 => I32, u32 => U32, i64 => I64, u64 => U64, f32 => F32, f64 => F64,
}

impl sealed::Sealed for bool {}

impl Element for bool {
    const ITEM_TYPE: ItemType = ItemType::Bool;

    #[inline]
    fn from_bytes(bytes: &[u8], _: bool) -> Self {
        bytes.first().is_some_and(|byte| *byte != 0)
    }
}

/// Iterator over the values of an [`ItemRef`](super::ItemRef).
#[derive(Clone)]
pub struct Elements<'a, T> {
    chunks: ChunksExact<'a, u8>,
    is_little: bool,
    element: PhantomData<T>,
}

impl<'a, T: Element> Elements<'a, T> {
    pub(super) fn new(data: &'a [u8], is_little: bool) -> Self {
        Self { chunks: data.chunks_exact(T::ITEM_TYPE.width().max(1)), is_little, element: PhantomData }
    }
}

impl<T: Element> Iterator for Elements<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.chunks.next().map(|bytes| T::from_bytes(bytes, self.is_little))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl<T: Element> ExactSizeIterator for Elements<'_, T> {}

impl<T> fmt::Debug for Elements<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Elements({} left)", self.chunks.len())
    }
}

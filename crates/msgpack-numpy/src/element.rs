use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;

use crate::array::{ArrayRef, ScalarRef};
use crate::dtype::{ByteOrder, DTypeRef, FieldRef, Kind, Plain};

/// A Rust type that items of an array can be read as.
///
/// | type | kinds |
/// |---|---|
/// | `i8` to `i64` | `i`; `i64` also `M` and `m` |
/// | `u8` to `u64` | `u` |
/// | `f32`, `f64` | `f` |
/// | `[f32; 2]`, `[f64; 2]` | `c`: real and imaginary part |
/// | `bool` | `b`: true unless 0 |
/// | `half::f16` (feature `half`) | `f` |
/// | `num_complex::Complex<f32>`, `Complex<f64>` (feature `num-complex`) | `c` |
pub trait Element: Sealed + Copy {
    /// Whether items of this dtype are these.
    fn is(dtype: Plain) -> bool;

    /// The dtype of items as this machine has them.
    fn dtype() -> Plain;
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else is to implement it")]
    pub trait Sealed: Sized {
        /// Bytes of one.
        const SIZE: usize;

        /// From as many bytes.
        fn from_little(bytes: &[u8]) -> Self;

        /// From as many bytes.
        fn from_big(bytes: &[u8]) -> Self;
    }
}

use sealed::Sealed;

macro_rules! numbers {
    ($($type:ty: $($kind:ident)|+,)*) => {
        $(impl Sealed for $type {
            const SIZE: usize = size_of::<$type>();

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn from_little(bytes: &[u8]) -> Self {
                bytes.first_chunk().map_or_else(Default::default, |bytes| Self::from_le_bytes(*bytes))
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn from_big(bytes: &[u8]) -> Self {
                bytes.first_chunk().map_or_else(Default::default, |bytes| Self::from_be_bytes(*bytes))
            }
        }

        impl Element for $type {
            fn is(dtype: Plain) -> bool {
                matches!(dtype.kind(), $(Kind::$kind)|+) && dtype.itemsize() as usize == Self::SIZE
            }

            fn dtype() -> Plain {
                let kinds = [$(Kind::$kind),+];
                let [kind, ..] = kinds;
                Plain::native(kind, width::<Self>())
            }
        })*
    };
}

numbers! {
    i8: Int,
    i16: Int,
    i32: Int,
    i64: Int | DateTime | TimeDelta,
    u8: UInt,
    u16: UInt,
    u32: UInt,
    u64: UInt,
    f32: Float,
    f64: Float,
}

#[cfg(feature = "half")]
numbers! {
    half::f16: Float,
}

macro_rules! complex {
    ($($type:ty),*) => {
        $(impl Sealed for [$type; 2] {
            const SIZE: usize = size_of::<Self>();

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn from_little(bytes: &[u8]) -> Self {
                let (real, imaginary) = bytes.split_at_checked(<$type>::SIZE).unwrap_or_default();
                [<$type>::from_little(real), <$type>::from_little(imaginary)]
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn from_big(bytes: &[u8]) -> Self {
                let (real, imaginary) = bytes.split_at_checked(<$type>::SIZE).unwrap_or_default();
                [<$type>::from_big(real), <$type>::from_big(imaginary)]
            }
        }

        impl Element for [$type; 2] {
            fn is(dtype: Plain) -> bool {
                dtype.kind() == Kind::Complex && dtype.itemsize() as usize == Self::SIZE
            }

            fn dtype() -> Plain {
                Plain::native(Kind::Complex, width::<Self>())
            }
        })*
    };
}

complex!(f32, f64);

#[cfg(feature = "num-complex")]
macro_rules! num_complex {
    ($($type:ty),*) => {
        $(impl Sealed for num_complex::Complex<$type> {
            const SIZE: usize = size_of::<Self>();

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn from_little(bytes: &[u8]) -> Self {
                let [re, im] = Sealed::from_little(bytes);
                Self { re, im }
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn from_big(bytes: &[u8]) -> Self {
                let [re, im] = Sealed::from_big(bytes);
                Self { re, im }
            }
        }

        impl Element for num_complex::Complex<$type> {
            fn is(dtype: Plain) -> bool {
                <[$type; 2]>::is(dtype)
            }

            fn dtype() -> Plain {
                <[$type; 2]>::dtype()
            }
        })*
    };
}

#[cfg(feature = "num-complex")]
num_complex!(f32, f64);

impl Sealed for bool {
    const SIZE: usize = 1;

    fn from_little(bytes: &[u8]) -> Self {
        bytes != [0]
    }

    fn from_big(bytes: &[u8]) -> Self {
        bytes != [0]
    }
}

impl Element for bool {
    fn is(dtype: Plain) -> bool {
        dtype.kind() == Kind::Bool
    }

    fn dtype() -> Plain {
        Plain::native(Kind::Bool, 1)
    }
}

/// Bytes of an item, 16 at most.
#[expect(clippy::cast_possible_truncation, reason = "no element is longer")]
const fn width<T: Sealed>() -> u32 {
    T::SIZE as u32
}

/// Items of another type were asked for, or of another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The array has items of another dtype.
    #[error("items are of another type")]
    WrongType,
    /// The slice has another number of items than the array.
    #[error("{available} items of room for {len}")]
    WrongLength {
        /// Items of the array.
        len: usize,
        /// Items of the slice.
        available: usize,
    },
    /// Axes that are too long for ndarray: the product of those that are not 0 has to fit `isize`.
    #[cfg(feature = "ndarray")]
    #[cfg_attr(docsrs, doc(cfg(feature = "ndarray")))]
    #[error("axes are too long for ndarray")]
    Shape,
}

impl<'a> ArrayRef<'a> {
    /// The items, without copying: if they are `T` in the order of this machine, and lie where `T` may lie.
    ///
    /// The bytes of an array stand anywhere in a message, so whether they do is a matter of luck; [`iter`](Self::iter),
    /// [`copy_to`](Self::copy_to) and [`to_vec`](Self::to_vec) always work.
    #[must_use]
    pub fn as_slice<T: Element + bytemuck::AnyBitPattern>(self) -> Option<&'a [T]> {
        self.dtype().as_plain().filter(|dtype| T::is(*dtype) && dtype.is_native())?;
        bytemuck::try_cast_slice(self.data()).ok()
    }

    /// The items in C order; `None` if they are not `T`.
    #[must_use]
    pub fn iter<T: Element>(self) -> Option<Iter<'a, T>> {
        Some(Iter::new(self.data(), order::<T>(self.dtype())?))
    }

    /// Copies the items in C order, whatever their alignment, and swaps bytes if need be.
    ///
    /// # Errors
    ///
    /// [`AccessError`], with nothing written.
    pub fn copy_to<T: Element>(self, out: &mut [T]) -> Result<(), AccessError> {
        let order = order::<T>(self.dtype()).ok_or(AccessError::WrongType)?;
        let chunks = self.data().chunks_exact(T::SIZE);
        if chunks.len() != out.len() {
            return Err(AccessError::WrongLength { len: chunks.len(), available: out.len() });
        }
        match order {
            ByteOrder::Big => out.iter_mut().zip(chunks).for_each(|(to, bytes)| *to = T::from_big(bytes)),
            ByteOrder::Little | ByteOrder::NotApplicable => {
                out.iter_mut().zip(chunks).for_each(|(to, bytes)| *to = T::from_little(bytes));
            }
        }
        Ok(())
    }

    /// The items in C order.
    ///
    /// # Errors
    ///
    /// [`AccessError::WrongType`].
    pub fn to_vec<T: Element>(self) -> Result<Vec<T>, AccessError> {
        Ok(self.iter::<T>().ok_or(AccessError::WrongType)?.collect())
    }

    /// The field with this name of every item; `None` if there is none.
    #[must_use]
    pub fn field(self, name: &str) -> Option<StridedRef<'a>> {
        let DTypeRef::Structured(structured) = self.dtype() else { return None };
        StridedRef::new(structured.field(name)?, structured.itemsize(), self.data())
    }

    /// The fields of every item, in their order; none if it has none.
    pub fn fields(self) -> impl Iterator<Item = StridedRef<'a>> + use<'a> {
        let structured = if let DTypeRef::Structured(structured) = self.dtype() { Some(structured) } else { None };
        structured.into_iter().flat_map(move |structured| {
            structured.fields().filter_map(move |field| StridedRef::new(field, structured.itemsize(), self.data()))
        })
    }
}

impl ScalarRef<'_> {
    /// The item; `None` if it is not a `T`.
    #[must_use]
    pub fn get<T: Element>(self) -> Option<T> {
        Iter::new(self.data(), order::<T>(self.dtype())?).next()
    }
}

fn order<T: Element>(dtype: DTypeRef<'_>) -> Option<ByteOrder> {
    dtype.as_plain().filter(|dtype| T::is(*dtype)).map(Plain::order)
}

/// Iterator over the items of an array.
#[derive(Clone)]
pub struct Iter<'a, T> {
    chunks: core::slice::ChunksExact<'a, u8>,
    order: ByteOrder,
    item: core::marker::PhantomData<T>,
}

impl<'a, T: Element> Iter<'a, T> {
    fn new(data: &'a [u8], order: ByteOrder) -> Self {
        Self { chunks: data.chunks_exact(T::SIZE), order, item: core::marker::PhantomData }
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn read<T: Element>(bytes: &[u8], order: ByteOrder) -> T {
    match order {
        ByteOrder::Big => T::from_big(bytes),
        ByteOrder::Little | ByteOrder::NotApplicable => T::from_little(bytes),
    }
}

impl<T: Element> Iterator for Iter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.chunks.next().map(|bytes| read(bytes, self.order))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }

    // The order does not change on the way.
    #[inline]
    fn fold<B, F: FnMut(B, T) -> B>(self, init: B, mut take: F) -> B {
        match self.order {
            ByteOrder::Big => self.chunks.fold(init, |sum, bytes| take(sum, T::from_big(bytes))),
            ByteOrder::Little | ByteOrder::NotApplicable => {
                self.chunks.fold(init, |sum, bytes| take(sum, T::from_little(bytes)))
            }
        }
    }
}

impl<T: Element> ExactSizeIterator for Iter<'_, T> {}
impl<T: Element> FusedIterator for Iter<'_, T> {}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iter({} left)", self.chunks.len())
    }
}

/// One field of every item of an array: its bytes stand apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StridedRef<'a> {
    field: FieldRef<'a>,
    stride: usize,
    offset: usize,
    /// Bytes of the field.
    size: usize,
    data: &'a [u8],
}

impl<'a> StridedRef<'a> {
    fn new(field: FieldRef<'a>, itemsize: u64, data: &'a [u8]) -> Option<Self> {
        let size = field.dtype.itemsize()?.checked_mul(field.shape.product()?)?;
        let [stride, offset, size] = [itemsize, field.offset, size].map(usize::try_from);
        Some(Self { field, stride: stride.ok()?, offset: offset.ok()?, size: size.ok()?, data })
    }

    /// The field.
    #[must_use]
    pub const fn field(self) -> FieldRef<'a> {
        self.field
    }

    /// A field of this field; `None` if there is none, and in sub-arrays, where it stands several times in one item.
    #[must_use]
    pub fn inner(self, name: &str) -> Option<Self> {
        let DTypeRef::Structured(structured) = self.field.dtype else { return None };
        if !self.field.shape.is_empty() {
            return None;
        }
        let field = structured.field(name)?;
        let [size, offset] = [field.size()?, field.offset].map(usize::try_from);
        Some(Self { field, size: size.ok()?, offset: self.offset.checked_add(offset.ok()?)?, ..self })
    }

    /// Its bytes in each item of the array.
    pub fn chunks(self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let end = self.offset.saturating_add(self.size);
        // An item has bytes, or there would be no array of it.
        self.data.chunks_exact(self.stride.max(1)).filter_map(move |item| item.get(self.offset..end))
    }

    /// Its items, those of a sub-array one after the other; `None` if they are not `T`.
    pub fn iter<T: Element + 'a>(self) -> Option<impl Iterator<Item = T> + use<'a, T>> {
        let order = order::<T>(self.field.dtype)?;
        Some(self.chunks().flat_map(move |bytes| Iter::new(bytes, order)))
    }

    /// Its items, those of a sub-array one after the other.
    ///
    /// # Errors
    ///
    /// [`AccessError::WrongType`].
    pub fn to_vec<T: Element + 'a>(self) -> Result<Vec<T>, AccessError> {
        Ok(self.iter::<T>().ok_or(AccessError::WrongType)?.collect())
    }
}

impl fmt::Debug for StridedRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StridedRef({:?}, every {} bytes)", self.field.name, self.stride)
    }
}

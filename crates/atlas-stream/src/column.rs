use alloc::vec::Vec;
use core::fmt;

use crate::wire;

/// Values of one kind, one for each time: of JSON a slice, of protobuf the bytes as they lie in the message.
///
/// ```
/// use atlas_stream::Column;
///
/// let column = Column::from(&[0.5, 1.5][..]);
/// let mut sum = 0.0;
/// column.for_each_chunk(|chunk| sum += chunk.iter().sum::<f64>());
/// assert_eq!((sum, column.len(), column.as_slice()), (2.0, 2, Some(&[0.5, 1.5][..])));
/// ```
pub struct Column<'a, T = f64> {
    repr: Repr<'a, T>,
}

/// Times, in nanoseconds since the epoch that they belong to.
pub type Times<'a> = Column<'a, i64>;

/// Flags, as [`DataStatus`](crate::DataStatus) has them.
pub type Statuses<'a> = Column<'a, u32>;

enum Repr<'a, T> {
    Slice(&'a [T]),
    Packed { bytes: &'a [u8], len: usize },
    Repeated { value: T, len: usize },
}

/// As many as are unpacked at once.
const CHUNK: usize = 128;

impl<'a, T: Element> Column<'a, T> {
    /// None.
    pub const EMPTY: Self = Self { repr: Repr::Slice(&[]) };

    /// Of a field of protobuf that was checked to hold so many.
    #[inline]
    pub(crate) const fn packed(bytes: &'a [u8], len: usize) -> Self {
        Self { repr: Repr::Packed { bytes, len } }
    }

    /// The same value again and again.
    pub(crate) const fn repeated(value: T, len: usize) -> Self {
        Self { repr: Repr::Repeated { value, len } }
    }

    /// How many there are.
    #[inline]
    #[must_use]
    pub const fn len(self) -> usize {
        match self.repr {
            Repr::Slice(slice) => slice.len(),
            Repr::Packed { len, .. } | Repr::Repeated { len, .. } => len,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// All of them, if they lie as the machine has them.
    #[inline]
    #[must_use]
    pub const fn as_slice(self) -> Option<&'a [T]> {
        match self.repr {
            Repr::Slice(slice) => Some(slice),
            Repr::Packed { .. } | Repr::Repeated { .. } => None,
        }
    }

    /// Some after the other, in order: a slice at once, others as many as fit into a small buffer. Nothing is allocated.
    #[inline]
    pub fn for_each_chunk(self, mut each: impl FnMut(&[T])) {
        match self.repr {
            Repr::Slice([]) => {}
            Repr::Slice(slice) => each(slice),
            Repr::Packed { bytes, .. } => {
                let mut buffer = [T::default(); CHUNK];
                let mut rest = bytes;
                while !rest.is_empty() {
                    let (count, behind) = T::unpack(rest, &mut buffer);
                    match buffer.get(..count) {
                        Some(chunk @ [_, ..]) => each(chunk),
                        _ => return,
                    }
                    rest = behind;
                }
            }
            Repr::Repeated { value, len } => {
                let buffer = [value; CHUNK];
                let mut left = len;
                while left > 0 {
                    let chunk = buffer.get(..left.min(CHUNK)).unwrap_or_default();
                    each(chunk);
                    left = left.saturating_sub(CHUNK);
                }
            }
        }
    }

    /// Copies all of them to a slice of the same length.
    ///
    /// # Errors
    ///
    /// A slice of another length, in which nothing was written then.
    pub fn copy_to(self, out: &mut [T]) -> Result<(), LengthError> {
        if out.len() != self.len() {
            return Err(LengthError { len: self.len(), available: out.len() });
        }
        match self.repr {
            Repr::Slice(slice) => out.copy_from_slice(slice),
            Repr::Packed { bytes, .. } => drop(T::unpack(bytes, out)),
            Repr::Repeated { value, .. } => out.fill(value),
        }
        Ok(())
    }

    /// Puts all of them behind what is in a vector.
    pub fn append_to(self, out: &mut Vec<T>) {
        match self.repr {
            Repr::Slice(slice) => out.extend_from_slice(slice),
            Repr::Packed { bytes, len } => T::append(bytes, len, out),
            Repr::Repeated { value, len } => out.resize(out.len().saturating_add(len), value),
        }
    }

    /// Copies all of them.
    #[must_use]
    pub fn to_vec(self) -> Vec<T> {
        let mut all = Vec::with_capacity(self.len());
        self.append_to(&mut all);
        all
    }

    /// One after the other.
    #[inline]
    #[must_use]
    pub fn iter(self) -> Iter<'a, T> {
        Iter { repr: self.repr }
    }

    /// The one at an index; in protobuf times and flags are looked for from the front.
    #[must_use]
    pub fn get(self, index: usize) -> Option<T> {
        match self.repr {
            Repr::Slice(slice) => slice.get(index).copied(),
            Repr::Packed { bytes, .. } => T::nth(bytes, index),
            Repr::Repeated { value, len } => (index < len).then_some(value),
        }
    }

    /// The bytes of a packed field of protobuf, if they are that.
    pub(crate) const fn as_packed(self) -> Option<&'a [u8]> {
        match self.repr {
            Repr::Packed { bytes, .. } => Some(bytes),
            Repr::Slice(_) | Repr::Repeated { .. } => None,
        }
    }
}

impl<T: Copy> Clone for Repr<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy> Copy for Repr<'_, T> {}

impl<T: Copy> Clone for Column<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy> Copy for Column<'_, T> {}

impl<'a, T> From<&'a [T]> for Column<'a, T> {
    fn from(slice: &'a [T]) -> Self {
        Self { repr: Repr::Slice(slice) }
    }
}

impl<'a, T: Element> IntoIterator for Column<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The same values in the same order, however they lie; a NaN is equal to none.
impl<'b, T: Element> PartialEq<Column<'b, T>> for Column<'_, T> {
    fn eq(&self, other: &Column<'b, T>) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T: Element> PartialEq<[T]> for Column<'_, T> {
    fn eq(&self, other: &[T]) -> bool {
        *self == Column::from(other)
    }
}

impl<T: Element, const N: usize> PartialEq<[T; N]> for Column<'_, T> {
    fn eq(&self, other: &[T; N]) -> bool {
        *self == Column::from(&other[..])
    }
}

impl<T: Element> fmt::Debug for Column<'_, T> {
    /// The first few, and how many there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const FEW: usize = 8;
        f.debug_list().entries(self.iter().take(FEW)).finish()?;
        match self.len() {
            ..=FEW => Ok(()),
            len => write!(f, " of {len}"),
        }
    }
}

/// Values of a [`Column`], one after the other.
pub struct Iter<'a, T> {
    repr: Repr<'a, T>,
}

impl<T: Copy> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self { repr: self.repr }
    }
}

impl<T: Element> Iterator for Iter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        match &mut self.repr {
            Repr::Slice(slice) => {
                let (first, rest) = slice.split_first()?;
                *slice = rest;
                Some(*first)
            }
            Repr::Packed { bytes, len } => {
                let (value, rest) = T::first(bytes)?;
                (*bytes, *len) = (rest, len.saturating_sub(1));
                Some(value)
            }
            Repr::Repeated { value, len } => {
                *len = len.checked_sub(1)?;
                Some(*value)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = Column { repr: self.repr }.len();
        (len, Some(len))
    }
}

impl<T: Element> ExactSizeIterator for Iter<'_, T> {}

impl<T: Element> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Column { repr: self.repr }.fmt(f)
    }
}

/// That a slice has not as many places as there are values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a slice of {available} for {len} values")]
pub struct LengthError {
    len: usize,
    available: usize,
}

impl LengthError {
    /// How many values there are.
    #[must_use]
    pub const fn values(&self) -> usize {
        self.len
    }

    /// How many places the slice has.
    #[must_use]
    pub const fn available(&self) -> usize {
        self.available
    }
}

/// What a [`Column`] can hold: `f64`, `i64` for times, `u32` for flags.
pub trait Element: sealed::Element {}

impl<T: sealed::Element> Element for T {}

mod sealed {
    use alloc::vec::Vec;

    /// A value of a packed field of protobuf that was checked.
    #[expect(unnameable_types, reason = "nobody else is to implement it")]
    pub trait Element: Copy + Default + PartialEq + core::fmt::Debug {
        /// Whether it is of eight bytes on the wire, and not of as many as it needs.
        const IS_FIXED: bool;

        fn first(bytes: &[u8]) -> Option<(Self, &[u8])>;

        fn nth(bytes: &[u8], index: usize) -> Option<Self>;

        /// Fills places from the front, as long as there are both; returns how many, and the bytes that are left.
        fn unpack<'a>(bytes: &'a [u8], out: &mut [Self]) -> (usize, &'a [u8]);

        fn append(bytes: &[u8], len: usize, out: &mut Vec<Self>);
    }
}

/// Bytes of a double.
const SIZE: usize = size_of::<f64>();

impl sealed::Element for f64 {
    const IS_FIXED: bool = true;

    #[inline]
    fn first(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (first, rest) = bytes.split_first_chunk()?;
        Some((Self::from_le_bytes(*first), rest))
    }

    fn nth(bytes: &[u8], index: usize) -> Option<Self> {
        let bytes = bytes.get(index.checked_mul(SIZE)?..)?;
        Self::first(bytes).map(|(value, _)| value)
    }

    #[inline]
    fn unpack<'a>(bytes: &'a [u8], out: &mut [Self]) -> (usize, &'a [u8]) {
        out.iter_mut().zip(bytes.chunks_exact(SIZE)).for_each(|(to, bytes)| *to = double(bytes));
        let count = out.len().min(bytes.len() / SIZE);
        (count, bytes.get(count.wrapping_mul(SIZE)..).unwrap_or_default())
    }

    fn append(bytes: &[u8], _: usize, out: &mut Vec<Self>) {
        out.extend(bytes.chunks_exact(SIZE).map(double));
    }
}

/// Of eight bytes.
#[inline]
fn double(bytes: &[u8]) -> f64 {
    f64::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default())
}

macro_rules! varints {
    ($($number:ty, $from:expr;)*) => {$(
        impl sealed::Element for $number {
            const IS_FIXED: bool = false;

            #[inline]
            fn first(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let (value, rest) = wire::varint(bytes).ok()?;
                Some(($from(value), rest))
            }

            fn nth(bytes: &[u8], index: usize) -> Option<Self> {
                let mut rest = bytes;
                for _ in 0..index {
                    rest = wire::varint(rest).ok()?.1;
                }
                Self::first(rest).map(|(value, _)| value)
            }

            #[inline]
            fn unpack<'a>(bytes: &'a [u8], out: &mut [Self]) -> (usize, &'a [u8]) {
                let (mut rest, mut count) = (bytes, 0_usize);
                for to in out {
                    let Some((value, behind)) = Self::first(rest) else { break };
                    (*to, rest) = (value, behind);
                    count = count.wrapping_add(1);
                }
                (count, rest)
            }

            fn append(bytes: &[u8], len: usize, out: &mut Vec<Self>) {
                // Of one byte each, as flags nearly always are.
                if bytes.len() == len {
                    return out.extend(bytes.iter().map(|byte| Self::from(*byte)));
                }
                let mut rest = bytes;
                while let Some((value, behind)) = Self::first(rest) {
                    out.push(value);
                    rest = behind;
                }
            }
        }
    )*};
}

varints! {
    i64, |value: u64| i64::from_ne_bytes(value.to_ne_bytes());
    // Of more than 32 bits the low ones, as peers do.
    u32, |value: u64| (value & 0xffff_ffff) as u32;
}

use core::fmt;

use super::forms::Sink;
use super::tagged;
use super::value::{Encode, reserve};
use crate::dtype::DTypeRef;
use crate::error::{EncodeError, LayoutError};
use crate::limits::Limits;
use crate::owned::Array;
use crate::shape::ShapeRef;

/// An array whose items stand anywhere in some bytes: transposed, reversed, every other one, one for all. Writing it copies them once, to
/// C order.
///
/// ```
/// use msgpack_numpy_codec::{ArrayRef, DType, StridedArrayRef};
///
/// // [[1, 2], [3, 4], [5, 6]], transposed
/// let dtype = DType::parse("uint8").unwrap();
/// let array = StridedArrayRef::new(dtype.as_ref(), &[2, 3], &[1, 2], &[1, 2, 3, 4, 5, 6], 0).unwrap();
/// let message = array.encode_to_vec()?;
/// assert_eq!(ArrayRef::decode(&message).unwrap().data(), [1, 3, 5, 2, 4, 6]);
/// # Ok::<(), msgpack_numpy_codec::EncodeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct StridedArrayRef<'a> {
    dtype: DTypeRef<'a>,
    itemsize: usize,
    shape: &'a [u64],
    strides: &'a [i64],
    data: &'a [u8],
    start: usize,
    /// Bytes of all items.
    len: u64,
}

impl<'a> StridedArrayRef<'a> {
    /// With these axes, each so many bytes from one index to the next, and the first item at `start` in the data.
    ///
    /// # Errors
    ///
    /// [`LayoutError`]: one item at least lies outside the data, among others.
    pub fn new(
        dtype: DTypeRef<'a>,
        shape: &'a [u64],
        strides: &'a [i64],
        data: &'a [u8],
        start: usize,
    ) -> Result<Self, LayoutError> {
        if shape.len() > usize::from(Limits::DEFAULT.max_axes) {
            return Err(LayoutError::Axes);
        }
        if strides.len() != shape.len() {
            return Err(LayoutError::Strides);
        }
        let itemsize = dtype.itemsize().ok_or(LayoutError::UnknownItemSize)?;
        if itemsize == 0 {
            return Err(LayoutError::ZeroItemSize);
        }
        let items = ShapeRef::new(shape).product().ok_or(LayoutError::Shape)?;
        let len = items.checked_mul(itemsize).ok_or(LayoutError::Shape)?;
        if items > 0 && !fits(itemsize, shape, strides, data.len(), start).unwrap_or(false) {
            return Err(LayoutError::Strides);
        }
        // Where there are no items it does not matter.
        let itemsize = usize::try_from(itemsize).unwrap_or(usize::MAX);
        Ok(Self { dtype, itemsize, shape, strides, data, start, len })
    }

    /// What its items are.
    #[must_use]
    pub const fn dtype(self) -> DTypeRef<'a> {
        self.dtype
    }

    /// Its axes.
    #[must_use]
    pub const fn shape(self) -> ShapeRef<'a> {
        ShapeRef::new(self.shape)
    }

    /// A copy in C order.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooLong`] where it could not be written either, from 4 GiB on, and [`EncodeError::OutOfMemory`].
    pub fn to_array(self) -> Result<Array, EncodeError> {
        let mut data = alloc::vec::Vec::new();
        reserve(&mut data, tagged::len32(self.len)?.into())?;
        self.items(&mut data);
        Ok(Array::of_parts(self.dtype.into_owned(), self.shape.to_vec(), data.into()))
    }

    /// The items in C order.
    fn items(&self, out: &mut impl Sink) {
        if out.counts(self.len) || self.len == 0 {
            return;
        }
        // Items that follow each other are one block.
        let (mut block, mut axes) = (self.itemsize, self.shape.len());
        while let Some((len, stride)) = self.axis(axes.wrapping_sub(1)) {
            if len != 1 && usize::try_from(stride) != Ok(block) {
                break;
            }
            block = block.saturating_mul(len);
            axes = axes.saturating_sub(1);
        }
        // The innermost axis that is left is a loop of its own.
        let inner = axes.checked_sub(1).and_then(|axis| self.axis(axis)).unwrap_or((1, 0));
        let outer = axes.saturating_sub(1);
        let mut indices = [0_usize; 64];
        let mut at = self.start;
        loop {
            self.row(out, at, block, inner);
            let mut axis = outer;
            // One step on the innermost axis that has one left; those within start again.
            loop {
                let Some(next) = axis.checked_sub(1) else { return };
                axis = next;
                let (Some((len, stride)), Some(index)) = (self.axis(axis), indices.get_mut(axis)) else { return };
                let done = *index;
                *index = index.saturating_add(1);
                if *index < len {
                    at = at.wrapping_add_signed(stride);
                    break;
                }
                *index = 0;
                let way = stride.unsigned_abs().wrapping_mul(done);
                at = if stride < 0 { at.wrapping_add(way) } else { at.wrapping_sub(way) };
            }
        }
    }

    /// Blocks along the innermost axis.
    fn row(&self, out: &mut impl Sink, at: usize, block: usize, (len, stride): (usize, isize)) {
        match block {
            // A few items are not worth a buffer.
            _ if len < 16 => self.blocks(out, at, block, (len, stride)),
            1 => self.gather::<1>(out, at, len, stride),
            2 => self.gather::<2>(out, at, len, stride),
            4 => self.gather::<4>(out, at, len, stride),
            8 => self.gather::<8>(out, at, len, stride),
            16 => self.gather::<16>(out, at, len, stride),
            _ => self.blocks(out, at, block, (len, stride)),
        }
    }

    /// One block after the other.
    fn blocks(&self, out: &mut impl Sink, mut at: usize, block: usize, (len, stride): (usize, isize)) {
        for _ in 0..len {
            out.put(self.data.get(at..at.saturating_add(block)).unwrap_or_default());
            at = at.wrapping_add_signed(stride);
        }
    }

    /// Items of `N` bytes along the innermost axis, many at a time.
    fn gather<const N: usize>(&self, out: &mut impl Sink, mut at: usize, mut len: usize, stride: isize) {
        let mut buffer = [[0_u8; N]; 256];
        while len > 0 {
            let some = len.min(buffer.len());
            for item in buffer.iter_mut().take(some) {
                if let Some(bytes) = self.data.get(at..).and_then(|rest| rest.first_chunk()) {
                    *item = *bytes;
                }
                at = at.wrapping_add_signed(stride);
            }
            out.put(buffer.get(..some).unwrap_or_default().as_flattened());
            len = len.saturating_sub(some);
        }
    }

    /// Length and stride of an axis of an array that has items, and so fits into memory.
    fn axis(&self, axis: usize) -> Option<(usize, isize)> {
        let len = usize::try_from(*self.shape.get(axis)?).unwrap_or(usize::MAX);
        // The stride of an axis of one is never gone.
        let stride = if len == 1 { 0 } else { isize::try_from(*self.strides.get(axis)?).unwrap_or_default() };
        Some((len, stride))
    }
}

/// Whether all items lie in so many bytes.
fn fits(itemsize: u64, shape: &[u64], strides: &[i64], len: usize, start: usize) -> Option<bool> {
    let (mut first, mut last) = (i128::try_from(start).ok()?, i128::try_from(start).ok()?);
    for (axis, stride) in shape.iter().zip(strides) {
        let way = i128::from(axis.checked_sub(1)?).checked_mul(i128::from(*stride))?;
        let end = if way < 0 { &mut first } else { &mut last };
        *end = end.checked_add(way)?;
    }
    Some(first >= 0 && last.checked_add(i128::from(itemsize))? <= i128::try_from(len).ok()?)
}

impl Encode for StridedArrayRef<'_> {
    fn write(&self, out: &mut impl Sink) -> Result<(), EncodeError> {
        tagged::array(out, self.dtype, self.shape(), self.len)?;
        self.items(out);
        Ok(())
    }
}

impl fmt::Debug for StridedArrayRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StridedArrayRef({}, {}, {:?})", self.dtype, self.shape(), self.strides)
    }
}

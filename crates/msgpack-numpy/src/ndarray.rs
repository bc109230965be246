//! Arrays as views of ndarray's, and the other way round.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use ndarray::{ArrayD, ArrayView, ArrayViewD, Dimension, IxDyn};

use crate::array::ArrayRef;
use crate::dtype::DType;
use crate::element::{AccessError, Element};
use crate::error::LayoutError;
use crate::limits::Limits;
use crate::owned::Array;
use crate::shape::ShapeRef;

impl<'a> ArrayRef<'a> {
    /// The items as a view, without copying: where [`as_slice`](Self::as_slice) gives them, and the axes are not too long for ndarray.
    #[cfg_attr(docsrs, doc(cfg(feature = "ndarray")))]
    #[must_use]
    pub fn as_ndarray<T: Element + bytemuck::AnyBitPattern>(self) -> Option<ArrayViewD<'a, T>> {
        let items = self.as_slice()?;
        ArrayViewD::from_shape(axes(self.shape())?, items).ok()
    }

    /// The items in an array of ndarray's, copied once, whatever their alignment and byte order.
    ///
    /// # Errors
    ///
    /// [`AccessError::WrongType`] and [`AccessError::Shape`].
    #[cfg_attr(docsrs, doc(cfg(feature = "ndarray")))]
    pub fn to_ndarray<T: Element>(self) -> Result<ArrayD<T>, AccessError> {
        let axes = axes(self.shape()).ok_or(AccessError::Shape)?;
        ArrayD::from_shape_vec(axes, self.to_vec()?).map_err(|_| AccessError::Shape)
    }
}

impl<'a> Array<Cow<'a, [u8]>> {
    /// Around the items of a view in C order, which are not copied; those of any other are, once, to C order.
    ///
    /// ```
    /// use msgpack_numpy_codec::Array;
    /// use ndarray::array;
    ///
    /// let image = array![[1_u16, 2, 3], [4, 5, 6]];
    /// assert_eq!(Array::from_ndarray(image.view())?.data().as_ptr(), image.as_ptr().cast());
    /// let column = Array::from_ndarray(image.column(1))?;
    /// assert_eq!(column.as_ref().to_vec::<u16>().unwrap(), [2, 5]);
    /// # Ok::<(), msgpack_numpy_codec::LayoutError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::Axes`], and [`LayoutError::Shape`] for a copy, as of one item that was broadcast, that memory does not hold.
    #[cfg_attr(docsrs, doc(cfg(feature = "ndarray")))]
    pub fn from_ndarray<T: Element + bytemuck::NoUninit, D: Dimension>(
        view: ArrayView<'a, T, D>,
    ) -> Result<Self, LayoutError> {
        if view.ndim() > usize::from(Limits::DEFAULT.max_axes) {
            return Err(LayoutError::Axes);
        }
        let shape = view.shape().iter().map(|axis| *axis as u64).collect();
        let data = match view.to_slice() {
            Some(items) => Cow::Borrowed(bytemuck::cast_slice(items)),
            None => Cow::Owned(copy(&view)?),
        };
        Self::new(DType::Plain(T::dtype()), shape, data)
    }
}

/// The items in C order.
fn copy<T: Element + bytemuck::NoUninit, D: Dimension>(view: &ArrayView<'_, T, D>) -> Result<Vec<u8>, LayoutError> {
    let len = view.len().checked_mul(size_of::<T>()).ok_or(LayoutError::Shape)?;
    let mut out = Vec::new();
    // A view that was broadcast may have far more items than there is memory.
    out.try_reserve_exact(len).map_err(|_| LayoutError::Shape)?;
    for row in view.rows() {
        match row.to_slice() {
            Some(items) => out.extend_from_slice(bytemuck::cast_slice(items)),
            None => row.iter().for_each(|item| out.extend_from_slice(bytemuck::bytes_of(item))),
        }
    }
    Ok(out)
}

/// The axes, if this machine counts so far; up to four without allocation.
fn axes(shape: ShapeRef<'_>) -> Option<IxDyn> {
    let mut axes = [0_usize; 255];
    for (to, axis) in axes.iter_mut().zip(shape.iter()) {
        *to = usize::try_from(axis).ok()?;
    }
    // Limits allow 255 at most; a shape made of a slice is held to 64 by the array.
    Some(IxDyn(axes.get(..shape.len())?))
}

use core::fmt;

use crate::dtype::DTypeRef;
use crate::error::{DecodeError, DecodeErrorKind, LayoutError, Limit, What};
use crate::limits::Limits;
use crate::shape::ShapeRef;
use crate::value::{ValueRef, unexpected};

/// A numpy array, where it lies: dtype, shape, and bytes in C order at any alignment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ArrayRef<'a> {
    dtype: DTypeRef<'a>,
    shape: ShapeRef<'a>,
    data: &'a [u8],
}

impl<'a> ArrayRef<'a> {
    /// Of parts that fit: as many bytes as the axes and the items make. What a dtype that is not understood makes is not known.
    ///
    /// ```
    /// use msgpack_numpy_codec::{ArrayRef, DType, LayoutError, ShapeRef};
    ///
    /// let dtype = DType::parse(">u2").unwrap();
    /// let image = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[1, 2]), &[0, 1, 2, 3])?;
    /// assert_eq!(image.to_vec::<u16>().unwrap(), [1, 0x0203]);
    /// let short = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[2, 2]), &[0, 1, 2, 3]);
    /// assert_eq!(short, Err(LayoutError::Length { met: 4, due: 8 }));
    /// # Ok::<(), LayoutError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError`].
    pub fn new(dtype: DTypeRef<'a>, shape: ShapeRef<'a>, data: &'a [u8]) -> Result<Self, LayoutError> {
        if shape.len() > usize::from(Limits::DEFAULT.max_axes) {
            return Err(LayoutError::Axes);
        }
        Self::of_axes(dtype, shape, data)
    }

    /// Of parts that are known to fit.
    pub(crate) const fn of_parts(dtype: DTypeRef<'a>, shape: ShapeRef<'a>, data: &'a [u8]) -> Self {
        Self { dtype, shape, data }
    }

    /// The same where axes were counted.
    pub(crate) fn of_axes(dtype: DTypeRef<'a>, shape: ShapeRef<'a>, data: &'a [u8]) -> Result<Self, LayoutError> {
        if let Some(itemsize) = dtype.itemsize() {
            let items = shape.product().ok_or(LayoutError::Shape)?;
            fit(items, itemsize, data)?;
        }
        Ok(Self { dtype, shape, data })
    }

    /// Reads one value that is an array, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// As [`decode_with`](Self::decode_with).
    pub fn decode(input: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(input, &Limits::DEFAULT)
    }

    /// Reads one value that is an array, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// What is wrong with the MessagePack or with the tagged map, and [`UnexpectedType`](DecodeErrorKind::UnexpectedType) for any other
    /// value.
    pub fn decode_with(input: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let value = ValueRef::decode_with(input, limits)?;
        if let ValueRef::Faulty(_, error) = value {
            return Err(error);
        }
        if let ValueRef::Array(array) = value { Ok(array) } else { Err(unexpected(0, What::Value)) }
    }

    /// What its items are.
    #[must_use]
    pub const fn dtype(self) -> DTypeRef<'a> {
        self.dtype
    }

    /// Its axes.
    #[must_use]
    pub const fn shape(self) -> ShapeRef<'a> {
        self.shape
    }

    /// Its bytes.
    #[must_use]
    pub const fn data(self) -> &'a [u8] {
        self.data
    }
}

impl fmt::Debug for ArrayRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArrayRef({}, {}, [{} bytes])", self.dtype, self.shape, self.data.len())
    }
}

/// A numpy scalar, where it lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ScalarRef<'a> {
    dtype: DTypeRef<'a>,
    data: &'a [u8],
}

impl<'a> ScalarRef<'a> {
    /// Of parts that are known to fit.
    pub(crate) const fn of_parts(dtype: DTypeRef<'a>, data: &'a [u8]) -> Self {
        Self { dtype, data }
    }

    /// Of a dtype and the bytes of one item of it.
    ///
    /// # Errors
    ///
    /// [`LayoutError`].
    pub fn new(dtype: DTypeRef<'a>, data: &'a [u8]) -> Result<Self, LayoutError> {
        if let Some(itemsize) = dtype.itemsize() {
            fit(1, itemsize, data)?;
        }
        Ok(Self { dtype, data })
    }

    /// What it is.
    #[must_use]
    pub const fn dtype(self) -> DTypeRef<'a> {
        self.dtype
    }

    /// Its bytes.
    #[must_use]
    pub const fn data(self) -> &'a [u8] {
        self.data
    }
}

impl fmt::Debug for ScalarRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScalarRef({}, [{} bytes])", self.dtype, self.data.len())
    }
}

/// An array of objects. What it holds is a program for Python's pickle machine: this crate hands it out and never looks into it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PickleRef<'a> {
    /// The `type`, which says no more than that it holds objects.
    pub(crate) dtype: &'a [u8],
    pub(crate) shape: ShapeRef<'a>,
    pub(crate) pickle: &'a [u8],
}

impl<'a> PickleRef<'a> {
    /// Its axes, as the map says.
    #[must_use]
    pub const fn shape(self) -> ShapeRef<'a> {
        self.shape
    }

    /// The pickle. Do not load it unless you trust who sent it as you trust your own code.
    #[must_use]
    pub const fn pickle(self) -> &'a [u8] {
        self.pickle
    }
}

impl fmt::Debug for PickleRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PickleRef({}, [{} bytes])", self.shape, self.pickle.len())
    }
}

/// Where the fields of a map are.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    pub(crate) dtype: usize,
    pub(crate) shape: usize,
    pub(crate) data: usize,
}

impl LayoutError {
    /// The error in a map whose fields are there.
    pub(crate) const fn at(self, places: Places) -> DecodeError {
        match self {
            Self::Axes => DecodeError::over(Limit::MaxAxes, Limits::DEFAULT.max_axes as u64, places.shape, What::Shape),
            Self::Shape | Self::Strides | Self::UnknownItemSize => {
                DecodeError::new(DecodeErrorKind::InvalidShape, places.shape, What::Shape)
            }
            Self::ZeroItemSize => DecodeError::new(DecodeErrorKind::ZeroItemSize, places.dtype, What::Type),
            Self::Length { met, due } => DecodeError::length(met, due, places.data),
        }
    }
}

fn fit(items: u64, itemsize: u64, data: &[u8]) -> Result<(), LayoutError> {
    if itemsize == 0 {
        return Err(LayoutError::ZeroItemSize);
    }
    let due = items.checked_mul(itemsize).ok_or(LayoutError::Shape)?;
    let met = data.len() as u64;
    if met == due { Ok(()) } else { Err(LayoutError::Length { met, due }) }
}

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::array::{ArrayRef, ScalarRef};
use crate::dtype::DType;
use crate::element::Element;
use crate::encode::to_vec;
use crate::error::{DecodeError, EncodeError, LayoutError};
use crate::limits::Limits;
use crate::shape::ShapeRef;
use crate::value::ValueRef;

/// A numpy array of its own: dtype, shape, and bytes in C order.
///
/// The bytes are whatever holds bytes: [`Bytes`] that are shared ([`decode`](Self::decode), [`from_vec`](Self::from_vec)), a slice that an
/// array is made around without copying it ([`from_slice`](Array::from_slice)), or what else a caller has ([`new`](Self::new));
/// [`into_owned`](Self::into_owned) makes any of them `Array<Bytes>`, with a copy. Items are read through [`as_ref`](Self::as_ref).
#[derive(Clone)]
pub struct Array<B = Bytes> {
    dtype: DType,
    shape: Vec<u64>,
    data: B,
}

impl<B: AsRef<[u8]>> Array<B> {
    /// Of parts that fit, as for [`ArrayRef::new`].
    ///
    /// # Errors
    ///
    /// [`LayoutError`].
    pub fn new(dtype: DType, shape: Vec<u64>, data: B) -> Result<Self, LayoutError> {
        ArrayRef::new(dtype.as_ref(), ShapeRef::new(&shape), data.as_ref())?;
        Ok(Self { dtype, shape, data })
    }

    /// Of parts that fit.
    pub(crate) const fn of_parts(dtype: DType, shape: Vec<u64>, data: B) -> Self {
        Self { dtype, shape, data }
    }

    /// What its items are.
    pub const fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Its axes, the slowest first.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Its bytes.
    pub fn data(&self) -> &[u8] {
        self.data.as_ref()
    }

    /// The same, borrowed: all that reads items is there, `to_vec`, `iter`, `field` and the rest.
    #[must_use]
    pub fn as_ref(&self) -> ArrayRef<'_> {
        ArrayRef::of_parts(self.dtype.as_ref(), ShapeRef::new(&self.shape), self.data.as_ref())
    }

    /// Dtype, shape and bytes.
    #[must_use]
    pub fn into_parts(self) -> (DType, Vec<u64>, B) {
        (self.dtype, self.shape, self.data)
    }

    /// With a copy of the bytes.
    pub fn into_owned(self) -> Array {
        Array { data: Bytes::copy_from_slice(self.data.as_ref()), dtype: self.dtype, shape: self.shape }
    }
}

impl<'a> Array<&'a [u8]> {
    /// Around items in C order, which are not copied.
    ///
    /// ```
    /// use msgpack_numpy_codec::Array;
    ///
    /// let image = Array::from_slice(&[2, 2], &[1_u16, 2, 3, 4])?;
    /// assert_eq!(image.as_ref().to_vec::<u16>().unwrap(), [1, 2, 3, 4]);
    /// # Ok::<(), msgpack_numpy_codec::LayoutError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError`], if there are more or fewer items than the axes make.
    pub fn from_slice<T: Element + bytemuck::NoUninit>(shape: &[u64], items: &'a [T]) -> Result<Self, LayoutError> {
        Self::new(DType::of::<T>(), shape.to_vec(), bytemuck::cast_slice(items))
    }
}

impl Array {
    /// Its bytes, to be shared.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.data
    }

    /// Reads one value that is an array, under [`Limits::DEFAULT`]; its bytes are copied.
    ///
    /// # Errors
    ///
    /// As [`ArrayRef::decode`].
    pub fn decode(input: &[u8]) -> Result<Self, DecodeError> {
        Ok(ArrayRef::decode(input)?.into_owned())
    }

    /// Around a vector of items in C order, which is kept and not copied.
    ///
    /// ```
    /// use msgpack_numpy_codec::Array;
    ///
    /// fn dark(rows: u64, columns: u64) -> Array {
    ///     Array::from_vec(vec![rows, columns], vec![0_u16; (rows * columns) as usize]).unwrap()
    /// }
    /// assert_eq!(dark(2, 3).shape(), [2, 3]);
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError`], if there are more or fewer items than the axes make.
    pub fn from_vec<T>(shape: Vec<u64>, items: Vec<T>) -> Result<Self, LayoutError>
    where
        T: Element + bytemuck::NoUninit + Send + 'static,
    {
        struct Items<T>(Vec<T>);

        impl<T: bytemuck::NoUninit> AsRef<[u8]> for Items<T> {
            fn as_ref(&self) -> &[u8] {
                bytemuck::cast_slice(&self.0)
            }
        }

        Self::new(DType::of::<T>(), shape, Bytes::from_owner(Items(items)))
    }

    /// The same as [`decode`](Self::decode) under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`ArrayRef::decode`].
    pub fn decode_with(input: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        Ok(ArrayRef::decode_with(input, limits)?.into_owned())
    }

    /// Reads one value that is an array, under [`Limits::DEFAULT`]; its bytes are those of the input, which stays in memory as long as they
    /// do.
    ///
    /// # Errors
    ///
    /// As [`ArrayRef::decode`].
    pub fn decode_bytes(input: &Bytes) -> Result<Self, DecodeError> {
        Ok(ArrayRef::decode(input)?.share(input))
    }

    /// The same under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`ArrayRef::decode`].
    pub fn decode_bytes_with(input: &Bytes, limits: &Limits) -> Result<Self, DecodeError> {
        Ok(ArrayRef::decode_with(input, limits)?.share(input))
    }
}

impl<'a> ArrayRef<'a> {
    /// A copy of its own.
    #[must_use]
    pub fn into_owned(self) -> Array {
        self.with(Bytes::copy_from_slice(self.data()))
    }

    /// One of its own that shares the bytes of the input it was read from, which stays in memory as long as it does. Of another input the
    /// bytes are copied.
    #[must_use]
    pub fn share(self, input: &Bytes) -> Array {
        self.with(shared(input, self.data()))
    }

    /// One with a dtype and a shape of its own, and the same bytes, borrowed.
    #[must_use]
    pub fn to_array(self) -> Array<&'a [u8]> {
        self.with(self.data())
    }

    fn with<B>(self, data: B) -> Array<B> {
        Array { dtype: self.dtype().into_owned(), shape: self.shape().iter().collect(), data }
    }
}

/// A part of the input without copying it, if it is one.
fn shared(input: &Bytes, part: &[u8]) -> Bytes {
    let start = (part.as_ptr() as usize).checked_sub(input.as_ptr() as usize);
    let end = start.and_then(|start| start.checked_add(part.len()));
    match (start, end) {
        (Some(start), Some(end)) if end <= input.len() => input.slice(start..end),
        _ => Bytes::copy_from_slice(part),
    }
}

impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<Array<C>> for Array<B> {
    fn eq(&self, other: &Array<C>) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl<B: AsRef<[u8]>> Eq for Array<B> {}

impl<B: AsRef<[u8]>> fmt::Debug for Array<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Array({}, {}, [{} bytes])", self.dtype, ShapeRef::new(&self.shape), self.data().len())
    }
}

/// A numpy scalar of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Scalar {
    dtype: DType,
    data: Bytes,
}

impl Scalar {
    /// Of a dtype and the bytes of one item of it.
    ///
    /// # Errors
    ///
    /// [`LayoutError`].
    pub fn new(dtype: DType, data: Bytes) -> Result<Self, LayoutError> {
        ScalarRef::new(dtype.as_ref(), &data)?;
        Ok(Self { dtype, data })
    }

    /// Of an item. Python writes a float64 as a plain number instead, as [`Writer::f64`](crate::Writer::f64) does, and reads both.
    pub fn of<T: Element + bytemuck::NoUninit>(item: T) -> Self {
        Self { dtype: DType::Plain(T::dtype()), data: Bytes::copy_from_slice(bytemuck::bytes_of(&item)) }
    }

    /// What it is.
    #[must_use]
    pub const fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Its bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The item; `None` if it is not a `T`.
    #[must_use]
    pub fn get<T: Element>(&self) -> Option<T> {
        self.as_ref().get()
    }

    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> ScalarRef<'_> {
        ScalarRef::of_parts(self.dtype.as_ref(), &self.data)
    }
}

impl ScalarRef<'_> {
    /// A copy of its own.
    #[must_use]
    pub fn into_owned(self) -> Scalar {
        Scalar { dtype: self.dtype().into_owned(), data: Bytes::copy_from_slice(self.data()) }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scalar({}, [{} bytes])", self.dtype, self.data.len())
    }
}

/// Any MessagePack value of its own: its bytes, checked.
///
/// ```
/// use msgpack_numpy_codec::{Value, ValueRef};
///
/// let value = Value::decode_bytes(&b"\x92\x01\x02"[..].into())?;
/// assert!(matches!(value.as_ref(), ValueRef::List(list) if list.len() == 2));
/// # Ok::<(), msgpack_numpy_codec::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Value {
    encoded: Bytes,
    limits: Limits,
}

/// The same bytes.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.encoded == other.encoded
    }
}

impl Eq for Value {}

impl Value {
    /// Reads exactly one value, under [`Limits::DEFAULT`], and copies it.
    ///
    /// # Errors
    ///
    /// As [`ValueRef::decode`].
    pub fn decode(input: &[u8]) -> Result<Self, DecodeError> {
        ValueRef::decode(input)?;
        Ok(Self { encoded: Bytes::copy_from_slice(input), limits: Limits::DEFAULT })
    }

    /// Reads exactly one value, under [`Limits::DEFAULT`], and keeps it: the input stays in memory as long as it does.
    ///
    /// # Errors
    ///
    /// As [`ValueRef::decode`].
    pub fn decode_bytes(input: &Bytes) -> Result<Self, DecodeError> {
        Self::decode_bytes_with(input, &Limits::DEFAULT)
    }

    /// The same under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`ValueRef::decode`].
    pub fn decode_bytes_with(input: &Bytes, limits: &Limits) -> Result<Self, DecodeError> {
        ValueRef::decode_with(input, limits)?;
        Ok(Self { encoded: input.clone(), limits: *limits })
    }

    /// The value, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> ValueRef<'_> {
        ValueRef::of(&self.encoded, &self.limits)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_encoded(&self) -> &Bytes {
        &self.encoded
    }
}

impl ValueRef<'_> {
    /// A copy of its own.
    ///
    /// # Errors
    ///
    /// [`EncodeError`], for an array that was made and not read, and cannot be written.
    pub fn into_owned(self) -> Result<Value, EncodeError> {
        // It was read, or made, within some limits already.
        let limits = self.limits().unwrap_or(Limits::DEFAULT.with_max_depth(u8::MAX).with_max_axes(u8::MAX));
        Ok(Value { encoded: to_vec(&self)?.into(), limits })
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

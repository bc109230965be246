use alloc::vec::Vec;

use bytes::BufMut;

use super::forms::{self, Count, Sink};
use super::strided::StridedArrayRef;
use super::tagged::{self, len32};
use crate::array::{ArrayRef, PickleRef, ScalarRef};
use crate::error::EncodeError;
use crate::owned::{Array, Scalar, Value};
use crate::value::ValueRef;

/// What can be written at once.
pub(crate) trait Encode {
    /// On an error a part may be written.
    fn write(&self, out: &mut impl Sink) -> Result<(), EncodeError>;
}

/// Bytes it takes; that it can be written is found out on the way.
pub(crate) fn measure(value: &impl Encode) -> Result<u64, EncodeError> {
    let mut count = Count::default();
    value.write(&mut count)?;
    Ok(count.0)
}

pub(crate) fn to_vec(value: &impl Encode) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    reserve(&mut out, measure(value)?)?;
    value.write(&mut out)?;
    Ok(out)
}

/// Room for as many bytes as were measured: an array of which one item stands for all has more than there are anywhere.
pub(crate) fn reserve(out: &mut Vec<u8>, len: u64) -> Result<(), EncodeError> {
    let too_long = |_| EncodeError::TooLong { len };
    out.try_reserve_exact(usize::try_from(len).map_err(too_long)?).map_err(|_| EncodeError::OutOfMemory { len })
}

/// All of it or nothing.
fn put(value: &impl Encode, out: &mut impl BufMut) -> Result<(), EncodeError> {
    let len = measure(value)?;
    let needed = usize::try_from(len).map_err(|_| EncodeError::TooLong { len })?;
    let available = out.remaining_mut();
    if needed > available {
        return Err(EncodeError::BufferFull { needed, available });
    }
    value.write(&mut Put(out))
}

struct Put<'o, B>(&'o mut B);

impl<B: BufMut> Sink for Put<'_, B> {
    fn put(&mut self, bytes: &[u8]) {
        self.0.put_slice(bytes);
    }
}

impl Encode for ArrayRef<'_> {
    fn write(&self, out: &mut impl Sink) -> Result<(), EncodeError> {
        tagged::array(out, self.dtype(), self.shape(), self.data().len() as u64)?;
        out.put(self.data());
        Ok(())
    }
}

impl Encode for ScalarRef<'_> {
    fn write(&self, out: &mut impl Sink) -> Result<(), EncodeError> {
        tagged::scalar(out, self.dtype(), self.data())
    }
}

impl Encode for PickleRef<'_> {
    fn write(&self, out: &mut impl Sink) -> Result<(), EncodeError> {
        tagged::pickle(out, self.dtype, self.shape(), self.pickle().len() as u64)?;
        out.put(self.pickle());
        Ok(())
    }
}

impl Encode for ValueRef<'_> {
    fn write(&self, out: &mut impl Sink) -> Result<(), EncodeError> {
        match *self {
            Self::Nil => forms::nil(out),
            Self::Bool(value) => forms::bool(out, value),
            Self::Int(value) => forms::int(out, value),
            Self::UInt(value) => forms::uint(out, value),
            Self::F32(value) => forms::f32(out, value),
            Self::F64(value) => forms::f64(out, value),
            Self::Str(text) => {
                forms::str(out, len32(text.len() as u64)?);
                out.put(text);
            }
            Self::Bin(bytes) => {
                forms::bin(out, len32(bytes.len() as u64)?);
                out.put(bytes);
            }
            Self::Ext(kind, bytes) => {
                forms::ext(out, kind, len32(bytes.len() as u64)?);
                out.put(bytes);
            }
            Self::List(list) => out.put(list.as_encoded()),
            Self::Map(map) | Self::Faulty(map, _) => out.put(map.as_encoded()),
            Self::Array(array) => return array.write(out),
            Self::Scalar(scalar) => return scalar.write(out),
            Self::Complex(real, imaginary) => tagged::complex(out, real, imaginary),
            Self::Pickle(pickle) => return pickle.write(out),
        }
        Ok(())
    }
}

impl<B: AsRef<[u8]>> Encode for Array<B> {
    fn write(&self, out: &mut impl Sink) -> Result<(), EncodeError> {
        self.as_ref().write(out)
    }
}

impl Encode for Scalar {
    fn write(&self, out: &mut impl Sink) -> Result<(), EncodeError> {
        self.as_ref().write(out)
    }
}

impl Encode for Value {
    fn write(&self, out: &mut impl Sink) -> Result<(), EncodeError> {
        out.put(self.as_encoded());
        Ok(())
    }
}

macro_rules! encode {
    ($($type:ty $([$bytes:ident])?),*) => {
        $(impl$(<$bytes: AsRef<[u8]>>)? $type {
            /// Writes it, as msgpack-numpy 0.4.8 does (SPEC.md §5).
            ///
            /// # Errors
            ///
            /// [`EncodeError`], with nothing written.
            pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
                put(self, out)
            }

            /// Bytes that [`encode`](Self::encode) writes.
            ///
            /// # Errors
            ///
            /// As [`encode`](Self::encode).
            pub fn encoded_len(&self) -> Result<usize, EncodeError> {
                let len = measure(self)?;
                usize::try_from(len).map_err(|_| EncodeError::TooLong { len })
            }

            /// Writes it into a vector of its own.
            ///
            /// # Errors
            ///
            /// As [`encode`](Self::encode).
            pub fn encode_to_vec(&self) -> Result<Vec<u8>, EncodeError> {
                to_vec(self)
            }
        })*
    };
}

encode!(ArrayRef<'_>, ScalarRef<'_>, PickleRef<'_>, ValueRef<'_>, StridedArrayRef<'_>, Array<B> [B], Scalar, Value);

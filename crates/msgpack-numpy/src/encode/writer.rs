use alloc::vec::Vec;
use core::fmt;

use super::forms;
use super::strided::StridedArrayRef;
use super::tagged::{self, len32};
use super::value::{Encode, measure, reserve};
use crate::array::{ArrayRef, PickleRef, ScalarRef};
use crate::dtype::{DTypeRef, FieldRef, Kind, StructuredRef};
use crate::error::{EncodeError, Limit};
use crate::limits::Limits;
use crate::reader::Reader;
use crate::value::ValueRef;

/// Writes one MessagePack value, token by token, and never copies what arrays hold: the outcome is a list of slices, those of the writer
/// and those of the arrays in turn, for a vectored write.
///
/// Lists and maps are announced with their length; [`finish`](Self::finish) tells if values are lacking. After an error nothing of what was
/// to be written is there, and the writer can be used on.
///
/// ```
/// use msgpack_numpy_codec::{Array, ValueRef, Writer};
///
/// let pixels: Vec<f32> = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let image = Array::from_slice(&[2, 3], &pixels).unwrap();
/// let mut writer = Writer::new();
/// writer.map(2)?;
/// writer.str("train")?;
/// writer.uint(1_700_000_001)?;
/// writer.str("image")?;
/// writer.array(image.as_ref())?; // no pixel is copied
/// let encoded = writer.finish()?;
///
/// let slices: Vec<&[u8]> = encoded.slices().collect(); // or `write_to` a socket or file
/// assert!(core::ptr::eq(slices[1], image.data()));
/// # let bytes = encoded.to_vec();
/// # let ValueRef::Map(map) = ValueRef::decode(&bytes).unwrap() else { panic!() };
/// # assert_eq!(map.get("image"), Some(ValueRef::Array(image.as_ref())));
/// # Ok::<(), msgpack_numpy_codec::EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Writer<'a> {
    encoded: Encoded<'a>,
    /// What the lists and maps that are open lack.
    open: Vec<u64>,
    /// What the innermost of them lacks, or the outermost value.
    left: u64,
    limits: Limits,
}

impl Default for Writer<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Writer<'a> {
    /// Under [`Limits::DEFAULT`].
    #[must_use]
    pub const fn new() -> Self {
        Self::with_limits(Limits::DEFAULT)
    }

    /// Under limits of the caller's.
    #[must_use]
    pub const fn with_limits(limits: Limits) -> Self {
        Self { encoded: Encoded { own: Vec::new(), borrowed: Vec::new() }, open: Vec::new(), left: 1, limits }
    }

    /// Writes into a vector that was used before; what it holds is gone.
    #[must_use]
    pub fn with_buffer(mut self, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        // What was written before, if anything was, is kept in its place.
        buffer.append(&mut self.encoded.own);
        self.encoded.own = buffer;
        self
    }

    /// A list of so many values, which follow.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Complete`], and [`EncodeError::LimitExceeded`] where it is nested too deep.
    pub fn list(&mut self, len: u32) -> Result<(), EncodeError> {
        self.container(len.into())?;
        forms::list(&mut self.encoded.own, len);
        self.close();
        Ok(())
    }

    /// A map of so many entries, which follow: key and value in turn.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub fn map(&mut self, len: u32) -> Result<(), EncodeError> {
        self.container(u64::from(len) << 1)?;
        forms::map(&mut self.encoded.own, len);
        self.close();
        Ok(())
    }

    /// Nothing.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Complete`].
    pub fn nil(&mut self) -> Result<(), EncodeError> {
        self.value(ValueRef::Nil)
    }

    /// True or false.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Complete`].
    pub fn bool(&mut self, value: bool) -> Result<(), EncodeError> {
        self.value(ValueRef::Bool(value))
    }

    /// An integer, in its shortest form.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Complete`].
    pub fn int(&mut self, value: i64) -> Result<(), EncodeError> {
        self.value(ValueRef::Int(value))
    }

    /// An integer, in its shortest form.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Complete`].
    pub fn uint(&mut self, value: u64) -> Result<(), EncodeError> {
        self.value(ValueRef::UInt(value))
    }

    /// A number of 32 bits.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Complete`].
    pub fn f32(&mut self, value: f32) -> Result<(), EncodeError> {
        self.value(ValueRef::F32(value))
    }

    /// A number of 64 bits: also what msgpack-numpy makes of numpy's float64 scalars.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Complete`].
    pub fn f64(&mut self, value: f64) -> Result<(), EncodeError> {
        self.value(ValueRef::F64(value))
    }

    /// A text.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Complete`], and [`EncodeError::TooLong`] from 4 GiB on.
    pub fn str(&mut self, text: &str) -> Result<(), EncodeError> {
        let len = len32(text.len() as u64)?;
        self.one()?;
        forms::str(&mut self.encoded.own, len);
        self.encoded.own.extend_from_slice(text.as_bytes());
        self.close();
        Ok(())
    }

    /// Bytes, which are not copied.
    ///
    /// # Errors
    ///
    /// As [`str`](Self::str).
    pub fn bin(&mut self, bytes: &'a [u8]) -> Result<(), EncodeError> {
        self.value(ValueRef::Bin(bytes))
    }

    /// A Python complex number.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Complete`].
    pub fn complex(&mut self, real: f64, imaginary: f64) -> Result<(), EncodeError> {
        self.value(ValueRef::Complex(real, imaginary))
    }

    /// An array, whose bytes are not copied.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn array(&mut self, array: ArrayRef<'a>) -> Result<(), EncodeError> {
        self.value(ValueRef::Array(array))
    }

    /// An array whose items stand apart or in another order: they are copied, once.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn strided(&mut self, array: StridedArrayRef<'_>) -> Result<(), EncodeError> {
        self.tagged(array.dtype(), Some(array.shape().len()))?;
        let len = measure(&array)?;
        if self.left == 0 {
            return Err(EncodeError::Complete);
        }
        reserve(&mut self.encoded.own, len)?;
        self.one()?;
        // It was measured.
        let written = array.write(&mut self.encoded.own);
        self.close();
        written
    }

    /// A scalar.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn scalar(&mut self, scalar: ScalarRef<'_>) -> Result<(), EncodeError> {
        self.tagged(scalar.dtype(), None)?;
        measure(&scalar)?;
        self.one()?;
        // It was measured.
        let written = scalar.write(&mut self.encoded.own);
        self.close();
        written
    }

    /// Any value as it was read, with lists and maps as they came. What arrays, lists, maps and bytes hold is not copied.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn value(&mut self, value: ValueRef<'a>) -> Result<(), EncodeError> {
        match value {
            ValueRef::Array(array) => {
                self.tagged(array.dtype(), Some(array.shape().len()))?;
                self.head(&Head::Array(array), array.data())
            }
            ValueRef::Pickle(pickle) => {
                self.deep(2)?;
                self.nested(1, pickle.dtype)?;
                self.axes(pickle.shape().len())?;
                self.head(&Head::Pickle(pickle), pickle.pickle())
            }
            ValueRef::Bin(bytes) => self.head(&Head::Bin, bytes),
            ValueRef::List(list) => {
                self.nested(0, list.as_encoded())?;
                self.head(&Head::None, list.as_encoded())
            }
            ValueRef::Map(map) | ValueRef::Faulty(map, _) => {
                self.nested(0, map.as_encoded())?;
                self.head(&Head::None, map.as_encoded())
            }
            ValueRef::Scalar(scalar) => self.scalar(scalar),
            ValueRef::Complex(..)
            | ValueRef::Nil
            | ValueRef::Bool(_)
            | ValueRef::Int(_)
            | ValueRef::UInt(_)
            | ValueRef::F32(_)
            | ValueRef::F64(_)
            | ValueRef::Str(_)
            | ValueRef::Ext(..) => {
                if let ValueRef::Complex(..) = value {
                    self.deep(1)?;
                }
                if let ValueRef::Str(bytes) | ValueRef::Ext(_, bytes) = value {
                    len32(bytes.len() as u64)?;
                }
                self.one()?;
                // Nothing else can be wrong with it.
                let written = value.write(&mut self.encoded.own);
                self.close();
                written
            }
        }
    }

    /// What was written, if it is one value.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Incomplete`].
    pub fn finish(self) -> Result<Encoded<'a>, EncodeError> {
        let missing = self.open.iter().fold(self.left, |sum, left| sum.saturating_add(*left));
        if missing > 0 { Err(EncodeError::Incomplete { missing }) } else { Ok(self.encoded) }
    }

    /// What stands before borrowed bytes, and those.
    fn head(&mut self, head: &Head<'_>, bytes: &'a [u8]) -> Result<(), EncodeError> {
        if self.left == 0 {
            return Err(EncodeError::Complete);
        }
        let before = self.encoded.own.len();
        let out = &mut self.encoded.own;
        let written = match head {
            Head::Array(array) => tagged::array(out, array.dtype(), array.shape(), bytes.len() as u64),
            Head::Pickle(pickle) => tagged::pickle(out, pickle.dtype, pickle.shape(), bytes.len() as u64),
            Head::Bin => len32(bytes.len() as u64).map(|len| forms::bin(out, len)),
            Head::None => Ok(()),
        };
        if let Err(error) = written {
            self.encoded.own.truncate(before);
            return Err(error);
        }
        self.left = self.left.saturating_sub(1);
        if !bytes.is_empty() {
            self.encoded.borrowed.push((self.encoded.own.len(), bytes));
        }
        self.close();
        Ok(())
    }

    /// One value is due, and comes.
    fn one(&mut self) -> Result<(), EncodeError> {
        self.left = self.left.checked_sub(1).ok_or(EncodeError::Complete)?;
        Ok(())
    }

    fn container(&mut self, items: u64) -> Result<(), EncodeError> {
        self.deep(1)?;
        self.one()?;
        self.open.push(self.left);
        self.left = items;
        Ok(())
    }

    /// Leaves what is complete.
    fn close(&mut self) {
        while self.left == 0 {
            let Some(left) = self.open.pop() else { return };
            self.left = left;
        }
    }

    /// So many more lists and maps in one another.
    fn deep(&self, levels: usize) -> Result<(), EncodeError> {
        let max = self.limits.max_depth;
        if self.open.len().saturating_add(levels) > usize::from(max) {
            return Err(EncodeError::LimitExceeded { limit: Limit::MaxDepth, max: max.into() });
        }
        Ok(())
    }

    /// So many more, and what is in a value as it came.
    fn nested(&self, levels: usize, encoded: &[u8]) -> Result<(), EncodeError> {
        self.deep(levels)?;
        let around = u8::try_from(self.open.len().saturating_add(levels)).unwrap_or(u8::MAX);
        let left = self.limits.max_depth.saturating_sub(around);
        // It was checked when it was read; only its depth can be wrong here.
        Reader::new(encoded)
            .check(&self.limits.with_max_depth(left))
            .map_err(|_| EncodeError::LimitExceeded { limit: Limit::MaxDepth, max: self.limits.max_depth.into() })
    }

    fn axes(&self, axes: usize) -> Result<(), EncodeError> {
        let max = self.limits.max_axes;
        if axes > usize::from(max) {
            return Err(EncodeError::LimitExceeded { limit: Limit::MaxAxes, max: max.into() });
        }
        Ok(())
    }

    /// The map of an array, which has axes, or of a scalar may stand here.
    fn tagged(&self, dtype: DTypeRef<'_>, axes: Option<usize>) -> Result<(), EncodeError> {
        self.axes(axes.unwrap_or_default())?;
        match dtype {
            DTypeRef::Plain(plain) => self.deep(match (axes, plain.kind()) {
                (None, _) => 1,
                // Map, descr and its only field; map and shape.
                (Some(_), Kind::Void) => 3,
                (Some(_), _) => 2,
            }),
            DTypeRef::Structured(structured) => self.deep(levels(structured).saturating_add(1)),
            DTypeRef::Opaque(opaque) => {
                self.deep(if axes.is_some() { 2 } else { 1 })?;
                self.nested(1, opaque.as_encoded())
            }
        }
    }
}

/// Lists in a descr in one another: itself, a field, and what that has.
fn levels(structured: StructuredRef<'_>) -> usize {
    let of_field = |field: FieldRef<'_>| match field.dtype {
        DTypeRef::Structured(inner) => levels(inner),
        DTypeRef::Plain(_) | DTypeRef::Opaque(_) => usize::from(field.title.is_some() || !field.shape.is_empty()),
    };
    // A gap is a field, too; one that is wider than a void can be has a shape.
    let of_gap = |gap: u64| usize::from(gap > 0).saturating_add(usize::from(gap > u64::from(u32::MAX)));
    let (mut deepest, mut next) = (0, 0_u64);
    for field in structured.fields() {
        deepest = deepest.max(of_gap(field.offset.saturating_sub(next))).max(of_field(field).saturating_add(1));
        next = field.offset.saturating_add(field.size().unwrap_or_default());
    }
    deepest.max(of_gap(structured.itemsize().saturating_sub(next))).saturating_add(1)
}

/// What stands before borrowed bytes.
enum Head<'a> {
    Array(ArrayRef<'a>),
    Pickle(PickleRef<'a>),
    Bin,
    None,
}

/// A value that was written: bytes of its own, and between them those that were left where they are.
#[derive(Clone)]
pub struct Encoded<'a> {
    own: Vec<u8>,
    /// How many of its own are before each.
    borrowed: Vec<(usize, &'a [u8])>,
}

impl Encoded<'_> {
    /// The slices, one behind the other; none is empty.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.borrowed.iter().map(|(at, _)| *at));
        let parts = self.borrowed.iter().map(|(at, part)| (*at, *part)).chain([(self.own.len(), &[][..])]);
        starts
            .zip(parts)
            .flat_map(|(start, (end, part))| [self.own.get(start..end).unwrap_or_default(), part])
            .filter(|slice| !slice.is_empty())
    }

    /// Bytes of all slices.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a value has bytes")]
    pub fn len(&self) -> usize {
        self.borrowed.iter().fold(self.own.len(), |sum, (_, part)| sum.saturating_add(part.len()))
    }

    /// All of it in one vector, which copies what arrays hold.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.slices().for_each(|slice| out.extend_from_slice(slice));
        out
    }

    /// Writes all slices, as many at a time as the writer takes.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    pub fn write_to(&self, writer: &mut impl std::io::Write) -> std::io::Result<()> {
        let mut slices: Vec<_> = self.slices().map(std::io::IoSlice::new).collect();
        let mut rest = slices.as_mut_slice();
        while !rest.is_empty() {
            match writer.write_vectored(rest) {
                Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
                Ok(written) => std::io::IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The vector of its own bytes, to be used again: see [`Writer::with_buffer`].
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.own
    }
}

impl fmt::Debug for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded([{} bytes], {} borrowed)", self.len(), self.borrowed.len())
    }
}

use core::fmt;

use crate::dtype::{DTypeRef, FIELD};
use crate::error::{DecodeError, DecodeErrorKind, Limit, What};
use crate::limits::Limits;
use crate::reader::Reader;
use crate::value::unexpected;
use crate::wire::Token;

/// Lengths of the axes of an array, where they lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShapeRef<'a> {
    /// A list of integers that was walked, or one integer.
    encoded: &'a [u8],
    len: u8,
}

impl<'a> ShapeRef<'a> {
    /// No axes: one item.
    pub const NONE: ShapeRef<'static> = ShapeRef { encoded: &[0x90], len: 0 };

    /// A list of integers that are not negative.
    pub(crate) fn read(encoded: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(encoded);
        let Ok(Token::List(len)) = reader.token() else { return Err(unexpected(0, What::Shape)) };
        let len = match u8::try_from(len) {
            Ok(len) if len <= limits.max_axes => len,
            _ => return Err(DecodeError::over(Limit::MaxAxes, limits.max_axes.into(), 0, What::Shape)),
        };
        for _ in 0..len {
            let offset = reader.position();
            if !matches!(reader.token(), Ok(Token::Int(0..) | Token::UInt(_))) {
                return Err(DecodeError::new(DecodeErrorKind::InvalidShape, offset, What::Shape));
            }
        }
        Ok(Self { encoded, len })
    }

    /// That of a sub-array, which may be one integer for one axis.
    pub(crate) fn read_of_field(encoded: &'a [u8]) -> Option<Self> {
        match Reader::new(encoded).token() {
            Ok(Token::Int(0..)) => Some(Self { encoded, len: 1 }),
            _ => Self::read(encoded, &FIELD).ok(),
        }
    }

    /// How many axes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.len as usize
    }

    /// Whether there are none: the array is one item.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The axes, the slowest first.
    pub fn iter(self) -> impl Iterator<Item = u64> + use<'a> {
        let mut reader = Reader::new(self.encoded);
        if !matches!(self.encoded, [0x00..=0x7f | 0xcc..=0xd3, ..]) {
            // It was walked.
            let _ = reader.token();
        }
        (0..self.len).filter_map(move |_| match reader.token() {
            Ok(Token::Int(len)) => u64::try_from(len).ok(),
            Ok(Token::UInt(len)) => Some(len),
            _ => None,
        })
    }

    /// How many items; `None` beyond 64 bits.
    #[must_use]
    pub fn product(self) -> Option<u64> {
        // An axis of nothing is one, however long the others are.
        if self.iter().any(|len| len == 0) {
            return Some(0);
        }
        self.iter().try_fold(1_u64, u64::checked_mul)
    }
}

/// As Python writes it.
impl fmt::Display for ShapeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (index, len) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{len}")?;
        }
        f.write_str(if self.len == 1 { ",)" } else { ")" })
    }
}

impl fmt::Debug for ShapeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A numpy array, where it lies: dtype, shape, and bytes in C order at any alignment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ArrayRef<'a> {
    dtype: DTypeRef<'a>,
    shape: ShapeRef<'a>,
    data: &'a [u8],
}

impl<'a> ArrayRef<'a> {
    pub(crate) fn new(dtype: DTypeRef<'a>, shape: ShapeRef<'a>, data: &'a [u8]) -> Result<Self, Unfit> {
        if let Some(itemsize) = dtype.itemsize() {
            let items = shape.product().ok_or(Unfit::Shape)?;
            fit(items, itemsize, data)?;
        }
        Ok(Self { dtype, shape, data })
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
    pub(crate) fn new(dtype: DTypeRef<'a>, data: &'a [u8]) -> Result<Self, Unfit> {
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

/// Why bytes are not those of a shape and a dtype.
#[derive(Clone, Copy)]
pub(crate) enum Unfit {
    Shape,
    ZeroItemSize,
    Length { met: u64, due: u64 },
}

/// Where the fields of a map are.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    pub(crate) dtype: usize,
    pub(crate) shape: usize,
    pub(crate) data: usize,
}

impl Unfit {
    /// The error in a map whose fields are there.
    pub(crate) const fn at(self, places: Places) -> DecodeError {
        match self {
            Self::Shape => DecodeError::new(DecodeErrorKind::InvalidShape, places.shape, What::Shape),
            Self::ZeroItemSize => DecodeError::new(DecodeErrorKind::ZeroItemSize, places.dtype, What::Type),
            Self::Length { met, due } => DecodeError::length(met, due, places.data),
        }
    }
}

fn fit(items: u64, itemsize: u64, data: &[u8]) -> Result<(), Unfit> {
    if itemsize == 0 {
        return Err(Unfit::ZeroItemSize);
    }
    let due = items.checked_mul(itemsize).ok_or(Unfit::Shape)?;
    let met = data.len() as u64;
    if met == due { Ok(()) } else { Err(Unfit::Length { met, due }) }
}

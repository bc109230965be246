use alloc::vec::Vec;

use super::{AxesRef, ItemRef, ItemType};
use crate::build::EncodeError;
use crate::limits::Limits;

/// Writes typed values, as the reference does on every machine that it is built for.
///
/// ```
/// use drift_proto::{DriftBytesWriter, Values};
///
/// let mut writer = DriftBytesWriter::new();
/// writer.item(&[2], Values::I16(&[-1, 2]))?;
/// assert_eq!(writer.finish(), b"\x01\x00\x01\x03\x01\0\0\0\0\0\0\0\x02\0\0\0\xff\xff\x02\0");
/// # Ok::<(), drift_proto::EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DriftBytesWriter {
    bytes: Vec<u8>,
    limits: Limits,
}

/// Values of an item.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "all that there are")]
#[expect(missing_docs, reason = "named as their types are")]
pub enum Values<'a> {
    Bool(&'a [bool]),
    I8(&'a [i8]),
    U8(&'a [u8]),
    I16(&'a [i16]),
    U16(&'a [u16]),
    I32(&'a [i32]),
    U32(&'a [u32]),
    I64(&'a [i64]),
    U64(&'a [u64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Texts(&'a [&'a str]),
    None,
}

impl Values<'_> {
    const fn len(self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::I16(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::U32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::U64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::Texts(values) => values.len(),
            Self::None => 0,
        }
    }

    /// Bytes of them.
    fn size(self) -> usize {
        if let Self::Texts(texts) = self {
            return texts.iter().fold(0, |sum: usize, text| sum.saturating_add(text.len()).saturating_add(8));
        }
        self.len().saturating_mul(self.item_type().width())
    }

    const fn item_type(self) -> ItemType {
        match self {
            _ if self.len() == 0 => ItemType::None,
            Self::Bool(_) => ItemType::Bool,
            Self::I8(_) => ItemType::I8,
            Self::U8(_) => ItemType::U8,
            Self::I16(_) => ItemType::I16,
            Self::U16(_) => ItemType::U16,
            Self::I32(_) => ItemType::I32,
            Self::U32(_) => ItemType::U32,
            Self::I64(_) => ItemType::I64,
            Self::U64(_) => ItemType::U64,
            Self::F32(_) => ItemType::F32,
            Self::F64(_) => ItemType::F64,
            Self::Texts(_) => ItemType::String,
            Self::None => ItemType::None,
        }
    }
}

/// Little-endian, in front of the whole and of each item.
const LITTLE: u8 = 1;

impl DriftBytesWriter {
    /// Without items yet, under [`Limits::DEFAULT`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(&Limits::DEFAULT)
    }

    /// Without items yet, under limits of the caller's.
    #[must_use]
    pub fn with_limits(limits: &Limits) -> Self {
        Self { bytes: alloc::vec![LITTLE, 0], limits: *limits }
    }

    /// Adds an item; a scalar has the shape `[1]`. Without values its type is lost.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Shape`], [`EncodeError::TooManyAxes`], [`EncodeError::TooLong`]; then nothing is added.
    pub fn item(&mut self, shape: &[u32], values: Values<'_>) -> Result<&mut Self, EncodeError> {
        let product = shape.iter().try_fold(1_u64, |product, axis| product.checked_mul((*axis).into()));
        let product = if shape.contains(&0) { Some(0) } else { product };
        let (values_len, due) = (values.len() as u64, product.unwrap_or(u64::MAX));
        if product != Some(values_len) {
            return Err(EncodeError::Shape { values: values_len, due });
        }
        self.fits(shape.len(), values.size())?;
        let out = &mut self.bytes;
        out.extend([LITTLE, values.item_type() as u8]);
        out.extend((shape.len() as u64).to_le_bytes());
        shape.iter().for_each(|axis| out.extend(axis.to_le_bytes()));
        macro_rules! write {
            ($($name:ident)*) => {
                match values {
                    $(Values::$name(values) => values.iter().for_each(|value| out.extend(value.to_le_bytes())),)*
                    Values::Bool(values) => out.extend(values.iter().map(|value| u8::from(*value))),
                    Values::Texts(texts) => texts.iter().for_each(|text| {
                        out.extend((text.len() as u64).to_le_bytes());
                        out.extend(text.as_bytes());
                    }),
                    Values::None => {}
                }
            };
        }
        write!(I8 U8 I16 U16 I32 U32 I64 U64 F32 F64);
        Ok(self)
    }

    /// Adds values along one axis; one value is a scalar, too.
    ///
    /// # Errors
    ///
    /// As [`item`](Self::item).
    pub fn value(&mut self, values: Values<'_>) -> Result<&mut Self, EncodeError> {
        let len = u32::try_from(values.len()).unwrap_or(u32::MAX);
        self.item(&[len], values)
    }

    /// Adds an item that was read, in its order of bytes: any flag but 1 is written as 0, and an item without values as one of none.
    ///
    /// # Errors
    ///
    /// As [`item`](Self::item).
    pub fn item_ref(&mut self, item: ItemRef<'_>) -> Result<&mut Self, EncodeError> {
        let AxesRef { axes, is_little } = item.shape;
        let rank = axes.len().wrapping_div(4);
        self.fits(rank, item.data.len())?;
        let rank = if is_little { (rank as u64).to_le_bytes() } else { (rank as u64).to_be_bytes() };
        let out = &mut self.bytes;
        out.extend([u8::from(is_little), item.item_type as u8]);
        out.extend(rank);
        out.extend(axes);
        out.extend(item.data);
        Ok(self)
    }

    /// Whether there is room for an item.
    fn fits(&self, rank: usize, size: usize) -> Result<(), EncodeError> {
        let Limits { max_len, max_rank, .. } = self.limits;
        if rank > max_rank.into() {
            return Err(EncodeError::TooManyAxes { rank: rank as u64, max: max_rank });
        }
        let header = rank.saturating_mul(4).saturating_add(10);
        let len = self.bytes.len().saturating_add(header).saturating_add(size) as u64;
        if len > max_len.into() { Err(EncodeError::TooLong { len, max: max_len }) } else { Ok(()) }
    }

    /// The bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

impl Default for DriftBytesWriter {
    fn default() -> Self {
        Self::new()
    }
}

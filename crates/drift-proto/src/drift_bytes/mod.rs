//! DriftBytes: typed values, the payload of packages of typed data.

use core::fmt;
use core::iter::FusedIterator;

use crate::error::{DecodeError, DecodeErrorKind, Limit};
use crate::limits::Limits;
use crate::schema::{Check, Root};

mod element;
mod write;

pub use element::{Element, Elements};
pub use write::{DriftBytesWriter, Values};

/// What the values of an item are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a reader that does not know a type cannot go on")]
pub enum ItemType {
    /// A byte, true unless 0.
    Bool = 0,
    /// Signed, 8 bits.
    I8 = 1,
    /// Unsigned, 8 bits.
    U8 = 2,
    /// Signed, 16 bits.
    I16 = 3,
    /// Unsigned, 16 bits.
    U16 = 4,
    /// Signed, 32 bits.
    I32 = 5,
    /// Unsigned, 32 bits.
    U32 = 6,
    /// Signed, 64 bits.
    I64 = 7,
    /// Unsigned, 64 bits.
    U64 = 8,
    /// IEEE 754, 32 bits.
    F32 = 9,
    /// IEEE 754, 64 bits.
    F64 = 10,
    /// Texts, each behind its length.
    String = 11,
    /// No values.
    None = 12,
}

impl ItemType {
    const ALL: [Self; 13] = [
        Self::Bool,
        Self::I8,
        Self::U8,
        Self::I16,
        Self::U16,
        Self::I32,
        Self::U32,
        Self::I64,
        Self::U64,
        Self::F32,
        Self::F64,
        Self::String,
        Self::None,
    ];

    /// Its name as peers have it, such as `float64`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::U16 => "uint16",
            Self::I32 => "int32",
            Self::U32 => "uint32",
            Self::I64 => "int64",
            Self::U64 => "uint64",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::String => "string",
            Self::None => "none",
        }
    }

    /// Bytes of a value; of a text at least.
    const fn width(self) -> usize {
        match self {
            Self::None => 0,
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 | Self::String => 8,
        }
    }
}

impl fmt::Display for ItemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Typed values, where they lie: all of them were checked.
///
/// ```
/// use drift_proto::{DriftBytesRef, ItemType};
///
/// let bytes = b"\x01\x00\x01\x03\x01\0\0\0\0\0\0\0\x02\0\0\0\xff\xff\x02\0";
/// let item = DriftBytesRef::decode(bytes)?.items().next().unwrap();
/// assert_eq!((item.item_type(), item.len()), (ItemType::I16, 2));
/// assert_eq!(item.values::<i16>().unwrap().collect::<Vec<_>>(), [-1, 2]);
/// # Ok::<(), drift_proto::DecodeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct DriftBytesRef<'a> {
    bytes: &'a [u8],
    max_rank: u8,
}

impl<'a> DriftBytesRef<'a> {
    /// Without items.
    pub(crate) const EMPTY: Self = Self { bytes: &[1, 0], max_rank: 0 };

    /// Reads all items, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// What is wrong with the first that cannot be read; [`DriftBytesReader`] gives those before it.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(bytes, &Limits::DEFAULT)
    }

    /// Reads all items, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_with(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        DriftBytesReader::with_limits(bytes, limits)?.try_for_each(|item| item.map(|_| ()))?;
        Ok(Self { bytes, max_rank: limits.max_rank })
    }

    /// The items, in their order.
    pub fn items(self) -> impl Iterator<Item = ItemRef<'a>> + Clone + use<'a> {
        // All was checked.
        self.reader().filter_map(Result::ok)
    }

    /// Behind the header.
    pub(crate) fn reader(self) -> DriftBytesReader<'a> {
        let limits = Limits::DEFAULT.with_max_rank(self.max_rank);
        DriftBytesReader { bytes: self.bytes, rest: self.bytes.get(2..).unwrap_or_default(), limits, failed: false }
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }
}

impl PartialEq for DriftBytesRef<'_> {
    /// By their bytes.
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for DriftBytesRef<'_> {}

impl fmt::Debug for DriftBytesRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}

/// Reads items one after the other, up to the first that cannot be read.
#[derive(Clone)]
pub struct DriftBytesReader<'a> {
    bytes: &'a [u8],
    rest: &'a [u8],
    limits: Limits,
    failed: bool,
}

impl<'a> DriftBytesReader<'a> {
    /// Behind the header, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// What is wrong with the header.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::with_limits(bytes, &Limits::DEFAULT)
    }

    /// Behind the header, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// What is wrong with the header, or that there is more than [`Limits::max_len`].
    pub fn with_limits(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let check = Check::new(Root::DriftBytes, bytes, limits)?;
        match bytes {
            // The order of bytes of the header does not matter to one byte.
            [_, 0, rest @ ..] => Ok(Self { bytes, rest, limits: *limits, failed: false }),
            [_, _, ..] => Err(check.error(DecodeErrorKind::UnsupportedVersion, 1, check.root.entry())),
            _ => Err(check.error(DecodeErrorKind::UnexpectedEnd, bytes.len(), check.root.entry())),
        }
    }

    /// Bytes that were read: up to the end, or to the item that could not be.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.bytes.len().saturating_sub(self.rest.len())
    }

    fn item(&self) -> Result<(ItemRef<'a>, &'a [u8]), DecodeError> {
        let start = self.position();
        let root = Root::DriftBytes;
        let failed = |kind, by: usize| DecodeError::new(kind, start.saturating_add(by), root, root.entry());
        let end = || DecodeError::new(DecodeErrorKind::UnexpectedEnd, self.bytes.len(), root, root.entry());
        let ([order, type_id], rest) = self.rest.split_first_chunk().ok_or_else(end)?;
        // Anything but 1 means the other order to peers.
        let is_little = *order == 1;
        let (rank, rest) = rest.split_first_chunk().ok_or_else(end)?;
        let rank = if is_little { u64::from_le_bytes(*rank) } else { u64::from_be_bytes(*rank) };
        if rank > self.limits.max_rank.into() {
            let (max, at) = (self.limits.max_rank.into(), start.saturating_add(2));
            return Err(DecodeError::over(Limit::MaxRank, rank, max, at, root, root.entry()));
        }
        let axes = usize::try_from(rank).unwrap_or(usize::MAX).saturating_mul(4);
        let (axes, rest) = rest.split_at_checked(axes).ok_or_else(end)?;
        let shape = AxesRef { axes, is_little };
        // The product of what fits is less than what does not.
        let len = shape.iter().try_fold(1_u64, |len, axis| len.checked_mul(axis.into()));
        let empty = shape.iter().any(|axis| axis == 0);
        let item_type = ItemType::ALL.get(usize::from(*type_id)).copied();
        let (item_type, len) = match (item_type, len) {
            _ if empty => (ItemType::None, 0),
            (None, _) => return Err(failed(DecodeErrorKind::UnknownType, 1)),
            (Some(ItemType::None), _) => return Err(failed(DecodeErrorKind::NotEmpty, 1)),
            (Some(item_type), Some(len)) => (item_type, len),
            (Some(_), None) => return Err(failed(DecodeErrorKind::InvalidShape, 2)),
        };
        let most = rest.len().checked_div(item_type.width()).unwrap_or_default();
        let len = usize::try_from(len).ok().filter(|len| *len <= most);
        let Some(len) = len else {
            // One value is one that ends too early.
            let kind =
                if shape.iter().all(|axis| axis == 1) { end() } else { failed(DecodeErrorKind::InvalidShape, 2) };
            return Err(kind);
        };
        let taken = if item_type == ItemType::String {
            let mut texts = Texts { rest, left: len, is_little };
            texts.by_ref().for_each(drop);
            if texts.left > 0 {
                return Err(end());
            }
            rest.len().saturating_sub(texts.rest.len())
        } else {
            len.saturating_mul(item_type.width())
        };
        let (data, rest) = rest.split_at_checked(taken).ok_or_else(end)?;
        Ok((ItemRef { item_type, shape, data, len }, rest))
    }
}

impl<'a> Iterator for DriftBytesReader<'a> {
    type Item = Result<ItemRef<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.failed {
            return None;
        }
        Some(match self.item() {
            Ok((item, rest)) => {
                self.rest = rest;
                Ok(item)
            }
            Err(error) => {
                self.failed = true;
                Err(error)
            }
        })
    }
}

impl FusedIterator for DriftBytesReader<'_> {}

impl fmt::Debug for DriftBytesReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DriftBytesReader(byte {} of {})", self.position(), self.bytes.len())
    }
}

/// The axes of an item.
#[derive(Clone, Copy)]
pub struct AxesRef<'a> {
    axes: &'a [u8],
    is_little: bool,
}

impl<'a> AxesRef<'a> {
    /// Them, the slowest first.
    pub fn iter(self) -> impl ExactSizeIterator<Item = u32> + Clone + use<'a> {
        self.axes.chunks_exact(4).map(move |axis| u32::from_bytes(axis, self.is_little))
    }
}

impl PartialEq for AxesRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for AxesRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Values of one type, where they lie: the last axis is the fastest.
#[derive(Clone, Copy)]
pub struct ItemRef<'a> {
    item_type: ItemType,
    shape: AxesRef<'a>,
    data: &'a [u8],
    len: usize,
}

impl<'a> ItemRef<'a> {
    /// What they are; none, if there are none.
    #[must_use]
    pub const fn item_type(self) -> ItemType {
        self.item_type
    }

    /// How they are arranged. A scalar has one axis of 1.
    #[must_use]
    pub const fn shape(self) -> AxesRef<'a> {
        self.shape
    }

    /// How many.
    #[must_use]
    pub const fn len(self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Their bytes as they are on the wire, in the order that [`is_little_endian`](Self::is_little_endian) tells; texts are each behind 8
    /// bytes of length.
    #[must_use]
    pub const fn data(self) -> &'a [u8] {
        self.data
    }

    /// Whether the lowest byte of a number is the first: all writers that are known do so.
    #[must_use]
    pub const fn is_little_endian(self) -> bool {
        self.shape.is_little
    }

    /// The values, if they are of this type; types are never converted.
    #[must_use]
    pub fn values<T: Element>(self) -> Option<Elements<'a, T>> {
        (T::ITEM_TYPE == self.item_type).then(|| Elements::new(self.data, self.shape.is_little))
    }

    /// The value, if there is one and it is of this type.
    #[must_use]
    pub fn value<T: Element>(self) -> Option<T> {
        self.values()?.next().filter(|_| self.len == 1)
    }

    /// The values, of whatever type they are.
    ///
    /// ```
    /// use drift_proto::{DriftBytesRef, ValuesRef};
    ///
    /// let bytes = b"\x01\x00\x01\x03\x01\0\0\0\0\0\0\0\x02\0\0\0\xff\xff\x02\0";
    /// for item in DriftBytesRef::decode(bytes)?.items() {
    ///     match item.any_values() {
    ///         ValuesRef::I16(values) => assert_eq!(values.collect::<Vec<_>>(), [-1, 2]),
    ///         ValuesRef::Texts(texts) => texts.for_each(|text| println!("{}", text.escape_ascii())),
    ///         others => println!("{others:?}"),
    ///     }
    /// }
    /// # Ok::<(), drift_proto::DecodeError>(())
    /// ```
    #[must_use]
    pub fn any_values(self) -> ValuesRef<'a> {
        let (data, is_little) = (self.data, self.shape.is_little);
        match self.item_type {
            ItemType::Bool => ValuesRef::Bool(Elements::new(data, is_little)),
            ItemType::I8 => ValuesRef::I8(Elements::new(data, is_little)),
            ItemType::U8 => ValuesRef::U8(Elements::new(data, is_little)),
            ItemType::I16 => ValuesRef::I16(Elements::new(data, is_little)),
            ItemType::U16 => ValuesRef::U16(Elements::new(data, is_little)),
            ItemType::I32 => ValuesRef::I32(Elements::new(data, is_little)),
            ItemType::U32 => ValuesRef::U32(Elements::new(data, is_little)),
            ItemType::I64 => ValuesRef::I64(Elements::new(data, is_little)),
            ItemType::U64 => ValuesRef::U64(Elements::new(data, is_little)),
            ItemType::F32 => ValuesRef::F32(Elements::new(data, is_little)),
            ItemType::F64 => ValuesRef::F64(Elements::new(data, is_little)),
            ItemType::String => ValuesRef::Texts(Texts { rest: data, left: self.len, is_little }),
            ItemType::None => ValuesRef::None,
        }
    }

    /// The texts, if they are; in UTF-8 by convention.
    #[must_use]
    pub fn texts(self) -> Option<Texts<'a>> {
        let texts = Texts { rest: self.data, left: self.len, is_little: self.shape.is_little };
        (self.item_type == ItemType::String).then_some(texts)
    }

    /// The text, if there is one, in UTF-8.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        core::str::from_utf8(self.texts()?.next().filter(|_| self.len == 1)?).ok()
    }
}

impl PartialEq for ItemRef<'_> {
    /// By types, shapes and values, in whatever order their bytes are; floats by their bits.
    fn eq(&self, other: &Self) -> bool {
        if self.item_type != other.item_type || self.shape != other.shape {
            return false;
        }
        if self.item_type == ItemType::Bool {
            return self.values::<bool>().into_iter().flatten().eq(other.values().into_iter().flatten());
        }
        if let (Some(texts), Some(others)) = (self.texts(), other.texts()) {
            return texts.eq(others);
        }
        if self.shape.is_little == other.shape.is_little {
            return self.data == other.data;
        }
        let width = self.item_type.width().max(1);
        let reversed = other.data.chunks_exact(width).map(|value| value.iter().rev());
        self.data.chunks_exact(width).map(<[u8]>::iter).zip(reversed).all(|(one, other)| one.eq(other))
    }
}

impl Eq for ItemRef<'_> {}

impl fmt::Debug for ItemRef<'_> {
    /// With its first values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemRef({}, {:?}, {:?})", self.item_type, self.shape, self.any_values())
    }
}

/// Values of an [`ItemRef`], by their type.
#[derive(Clone)]
#[expect(clippy::exhaustive_enums, reason = "all that there are")]
#[expect(missing_docs, reason = "named as their types are")]
pub enum ValuesRef<'a> {
    Bool(Elements<'a, bool>),
    I8(Elements<'a, i8>),
    U8(Elements<'a, u8>),
    I16(Elements<'a, i16>),
    U16(Elements<'a, u16>),
    I32(Elements<'a, i32>),
    U32(Elements<'a, u32>),
    I64(Elements<'a, i64>),
    U64(Elements<'a, u64>),
    F32(Elements<'a, f32>),
    F64(Elements<'a, f64>),
    Texts(Texts<'a>),
    None,
}

/// So many values are shown of an item.
const SHOWN: usize = 8;

impl fmt::Debug for ValuesRef<'_> {
    /// The first of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        macro_rules! show {
            ($($name:ident)*) => {
                match self {
                    $(Self::$name(values) => f.debug_list().entries(values.clone().take(SHOWN)).finish(),)*
                    Self::Texts(texts) => {
                        let texts = texts.clone().take(SHOWN).map(|text| Shown(text.get(..64).unwrap_or(text)));
                        f.debug_list().entries(texts).finish()
                    }
                    Self::None => f.write_str("[]"),
                }
            };
        }
        show!(Bool I8 U8 I16 U16 I32 U32 I64 U64 F32 F64)
    }
}

/// A text, or what begins it.
struct Shown<'a>(&'a [u8]);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Iterator over the texts of an [`ItemRef`].
#[derive(Clone)]
pub struct Texts<'a> {
    rest: &'a [u8],
    left: usize,
    is_little: bool,
}

impl<'a> Iterator for Texts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let left = self.left.checked_sub(1)?;
        let (len, rest) = self.rest.split_first_chunk()?;
        let len = if self.is_little { u64::from_le_bytes(*len) } else { u64::from_be_bytes(*len) };
        let (text, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
        (self.rest, self.left) = (rest, left);
        Some(text)
    }
}

impl fmt::Debug for Texts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Texts({} left)", self.left)
    }
}

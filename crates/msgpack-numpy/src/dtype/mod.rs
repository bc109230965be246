mod name;
mod plain;
mod text;
mod view;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use plain::{ByteOrder, Kind, Plain, TimeUnit, Unit};
pub(crate) use view::FIELD;
pub use view::{DTypeRef, FieldRef, Fields, OpaqueRef, StructuredRef};

use crate::element::Element;
use crate::shape::ShapeRef;

/// Most dtypes with fields in one another.
pub(crate) const MAX_DEPTH: u8 = 8;

/// A dtype of its own, as far as it is understood.
///
/// ```
/// use msgpack_numpy_codec::{Array, DType, Field};
///
/// // From a text, as Python has them, or field by field.
/// let hits = DType::parse("[('energy', '<f8'), ('cell', '<u2')]").unwrap();
/// let field = |name: &str, offset, dtype| Field { name: name.into(), title: None, offset, dtype, shape: vec![] };
/// let energy = field("energy", 0, DType::of::<f64>());
/// let made = DType::structured(vec![energy, field("cell", 8, DType::of::<u16>())], 10);
/// # #[cfg(target_endian = "little")]
/// assert_eq!(made.as_ref(), Some(&hits));
///
/// let mut rows = Vec::new();
/// for (energy, cell) in [(9.3_f64, 1_u16), (9.5, 4)] {
///     rows.extend(energy.to_le_bytes());
///     rows.extend(cell.to_le_bytes());
/// }
/// let array = Array::new(hits, vec![2], rows).unwrap();
/// assert_eq!(array.as_ref().field("cell").unwrap().to_vec::<u16>().unwrap(), [1, 4]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// Without fields.
    Plain(Plain),
    /// With fields.
    Structured(Structured),
    /// Not understood: its items are bytes.
    Opaque(Opaque),
}

/// A dtype that is not understood, as it came.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Opaque {
    encoded: Vec<u8>,
    kind: Vec<u8>,
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl Opaque {
    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> OpaqueRef<'_> {
        OpaqueRef::new(&self.encoded, &self.kind)
    }
}

impl OpaqueRef<'_> {
    /// A copy of its own.
    #[must_use]
    pub fn into_owned(self) -> Opaque {
        Opaque { encoded: self.as_encoded().to_vec(), kind: self.kind().to_vec() }
    }
}

/// Named parts of an item, each at its place; [`DType::structured`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Structured {
    fields: Vec<Field>,
    itemsize: u64,
}

/// A named part of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that a field has")]
pub struct Field {
    /// Its name.
    pub name: String,
    /// A second name.
    pub title: Option<String>,
    /// Bytes from the start of the item to its start.
    pub offset: u64,
    /// What it is, or what the items of its sub-array are.
    pub dtype: DType,
    /// Shape of its sub-array; empty if it is none.
    pub shape: Vec<u64>,
}

impl Field {
    /// Bytes of the field; `None` beyond 64 bits, and if its dtype is not understood.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.as_ref().size()
    }

    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> FieldRef<'_> {
        FieldRef {
            name: &self.name,
            title: self.title.as_deref(),
            offset: self.offset,
            dtype: self.dtype.as_ref(),
            shape: ShapeRef::new(&self.shape),
        }
    }

    /// Where it ends.
    fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.size()?)
    }
}

impl Structured {
    /// The fields in their order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The first field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Bytes of one item.
    #[must_use]
    pub const fn itemsize(&self) -> u64 {
        self.itemsize
    }

    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> StructuredRef<'_> {
        StructuredRef::new(&self.fields, self.itemsize)
    }

    /// Dtypes with fields in one another, this one counted.
    fn depth(&self) -> usize {
        let inner = |field: &Field| if let DType::Structured(inner) = &field.dtype { inner.depth() } else { 0 };
        self.fields.iter().map(inner).max().unwrap_or_default().saturating_add(1)
    }
}

impl FieldRef<'_> {
    /// A copy of its own.
    #[must_use]
    pub fn into_owned(self) -> Field {
        Field {
            name: self.name.into(),
            title: self.title.map(Into::into),
            offset: self.offset,
            dtype: self.dtype.into_owned(),
            shape: self.shape.iter().collect(),
        }
    }
}

impl StructuredRef<'_> {
    /// A copy of its own; what fills gaps is left out, since its fields have offsets.
    #[must_use]
    pub fn into_owned(self) -> Structured {
        Structured { fields: self.fields().map(FieldRef::into_owned).collect(), itemsize: self.itemsize() }
    }
}

impl DTypeRef<'_> {
    /// A copy of its own.
    #[must_use]
    pub fn into_owned(self) -> DType {
        match self {
            Self::Plain(plain) => DType::Plain(plain),
            Self::Structured(structured) => DType::Structured(structured.into_owned()),
            Self::Opaque(opaque) => DType::Opaque(opaque.into_owned()),
        }
    }
}

impl From<Plain> for DType {
    fn from(plain: Plain) -> Self {
        Self::Plain(plain)
    }
}

/// As numpy writes it.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl DType {
    /// That of items as this machine has them.
    #[must_use]
    pub fn of<T: Element>() -> Self {
        Self::Plain(T::dtype())
    }

    /// Reads a text: a typestr, a name, or what `str(dtype)` prints for a dtype with fields.
    ///
    /// `None` for what is none of these, and for objects.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text::dtype(text)
    }

    /// With these fields, each at its place in items of so many bytes. They may overlap and come in any order, but a dtype where they do
    /// cannot be written.
    ///
    /// Python shows a gap as one more field, `f1` or the like. Fields without name and title and of kind `V` are gaps and left out; nothing but gaps is a dtype of kind `V`. `None` if a field ends
    /// behind the item, is not understood or has more than 64 axes, and for more than eight dtypes with fields in one another.
    #[must_use]
    pub fn structured(fields: Vec<Field>, itemsize: u64) -> Option<Self> {
        Self::with_offsets(fields, Some(itemsize))
    }

    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> DTypeRef<'_> {
        match self {
            Self::Plain(plain) => DTypeRef::Plain(*plain),
            Self::Structured(structured) => DTypeRef::Structured(structured.as_ref()),
            Self::Opaque(opaque) => DTypeRef::Opaque(opaque.as_ref()),
        }
    }

    /// Bytes of one item; `None` if it is not understood.
    #[must_use]
    pub const fn itemsize(&self) -> Option<u64> {
        match self {
            Self::Plain(plain) => Some(plain.itemsize() as u64),
            Self::Structured(structured) => Some(structured.itemsize),
            Self::Opaque(_) => None,
        }
    }

    /// Fields one behind the other.
    fn in_a_row(fields: Vec<text::Named>) -> Option<Self> {
        let mut next = 0_u64;
        let mut placed = Vec::with_capacity(fields.len());
        for (name, title, (dtype, shape)) in fields {
            let field = Field { name, title, offset: next, dtype, shape };
            next = field.end()?;
            placed.push(field);
        }
        Self::with_offsets(placed, Some(next))
    }

    /// Fields where they say; `None` if the item is too short.
    fn with_offsets(fields: Vec<Field>, itemsize: Option<u64>) -> Option<Self> {
        let end = fields.iter().try_fold(0, |end: u64, field| Some(end.max(field.end()?)))?;
        let itemsize = itemsize.unwrap_or(end);
        let mut structured = Structured { fields, itemsize };
        // Offsets say where gaps are.
        structured.fields.retain(|field| !field.as_ref().is_padding());
        let axes = usize::from(FIELD.max_axes);
        let too_many = structured.fields.iter().any(|field| field.shape.len() > axes);
        if itemsize < end || too_many || structured.depth() > usize::from(MAX_DEPTH) {
            return None;
        }
        // Nothing but gaps.
        match u32::try_from(itemsize) {
            Ok(itemsize @ 1..) if structured.fields.is_empty() => Some(Self::Plain(Plain::void(itemsize))),
            _ => Some(Self::Structured(structured)),
        }
    }
}

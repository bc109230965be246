mod plain;
mod text;
mod view;

use alloc::string::String;
use alloc::vec::Vec;

pub use plain::{ByteOrder, Kind, Plain, TimeUnit, Unit};
pub(crate) use view::FIELD;
pub use view::{DTypeRef, FieldRef, Fields, OpaqueRef, StructuredRef};

/// Most dtypes with fields in one another.
pub(crate) const MAX_DEPTH: u8 = 8;

/// A dtype of its own, as far as it is understood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// Without fields.
    Plain(Plain),
    /// With fields.
    Structured(Structured),
}

/// Named parts of an item, each at its place.
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
    /// Bytes of the field; `None` beyond 64 bits.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.shape.iter().try_fold(self.dtype.itemsize(), |size, len| size.checked_mul(*len))
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
}

impl DType {
    /// Reads a text: a typestr, a name, or what `str(dtype)` prints for a dtype with fields.
    ///
    /// `None` for what is none of these, and for objects.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text::dtype(text)
    }

    /// Bytes of one item.
    #[must_use]
    pub const fn itemsize(&self) -> u64 {
        match self {
            Self::Plain(plain) => plain.itemsize() as u64,
            Self::Structured(structured) => structured.itemsize,
        }
    }

    /// Fields one behind the other.
    fn structured(fields: Vec<text::Named>) -> Option<Self> {
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
        if itemsize < end {
            return None;
        }
        Some(Self::Structured(Structured { fields, itemsize }))
    }
}

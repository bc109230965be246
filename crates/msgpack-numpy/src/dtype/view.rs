use core::fmt;

use super::MAX_DEPTH;
use super::plain::{Kind, Plain};
use super::text::{TypeStr, name, typestr};
use crate::array::ShapeRef;
use crate::limits::Limits;
use crate::reader::Reader;
use crate::wire::Token;

/// A dtype, as far as it is understood, borrowed from the map that has it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DTypeRef<'a> {
    /// Without fields.
    Plain(Plain),
    /// With fields.
    Structured(StructuredRef<'a>),
    /// Not understood: its items are bytes.
    Opaque(OpaqueRef<'a>),
}

/// A dtype that is not understood: an unknown text, objects, or something that is no dtype at all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OpaqueRef<'a> {
    encoded: &'a [u8],
}

impl<'a> OpaqueRef<'a> {
    /// The `type` as it came, in MessagePack.
    #[must_use]
    pub const fn as_encoded(self) -> &'a [u8] {
        self.encoded
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        match Reader::new(self.encoded).token() {
            Ok(Token::Str(text) | Token::Bin(text)) => core::str::from_utf8(text).ok(),
            _ => None,
        }
    }
}

impl<'a> DTypeRef<'a> {
    /// From the values of `type` and `kind`, whatever they are.
    pub(crate) fn read(encoded: &'a [u8], kind: &[u8]) -> Self {
        let opaque = Self::Opaque(OpaqueRef { encoded });
        match (Reader::new(encoded).token(), kind) {
            (Ok(Token::Str(text) | Token::Bin(text)), b"") => plain(text).map_or(opaque, Self::Plain),
            (Ok(Token::List(_)), b"" | b"V") => match whole_descr(encoded) {
                // How numpy writes `|V4`.
                Some(StructuredRef { len: 1, .. }) => match lone_void(encoded) {
                    Some(void) => Self::Plain(void),
                    None => whole_descr(encoded).map_or(opaque, Self::Structured),
                },
                Some(structured) => Self::Structured(structured),
                None => opaque,
            },
            _ => opaque,
        }
    }

    /// Bytes of one item; `None` if it is not understood.
    #[must_use]
    pub const fn itemsize(self) -> Option<u64> {
        match self {
            Self::Plain(plain) => Some(plain.itemsize() as u64),
            Self::Structured(structured) => Some(structured.itemsize),
            Self::Opaque(_) => None,
        }
    }

    /// The dtype, if it has no fields.
    #[must_use]
    pub const fn as_plain(self) -> Option<Plain> {
        if let Self::Plain(plain) = self { Some(plain) } else { None }
    }
}

/// As numpy writes it.
impl fmt::Display for DTypeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(plain) => plain.fmt(f),
            Self::Structured(structured) => structured.fmt(f),
            Self::Opaque(opaque) => match opaque.as_str() {
                Some(text) => write!(f, "{text:?}"),
                None => f.write_str("?"),
            },
        }
    }
}

impl fmt::Debug for DTypeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A typestr, or a name.
fn plain(text: &[u8]) -> Option<Plain> {
    let text = core::str::from_utf8(text).ok()?;
    match typestr(text).or_else(|| name(text))? {
        TypeStr::Plain(plain) => Some(plain),
        TypeStr::Object => None,
    }
}

/// Named parts of an item, one behind the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StructuredRef<'a> {
    /// A list that was walked.
    encoded: &'a [u8],
    len: u32,
    itemsize: u64,
}

/// A named part of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that a field has")]
pub struct FieldRef<'a> {
    /// Its name; none for padding.
    pub name: &'a str,
    /// A second name.
    pub title: Option<&'a str>,
    /// Bytes from the start of the item to its start.
    pub offset: u64,
    /// What it is, or what the items of its sub-array are.
    pub dtype: DTypeRef<'a>,
    /// Shape of its sub-array; no axes if it is none.
    pub shape: ShapeRef<'a>,
}

impl FieldRef<'_> {
    /// Whether it only fills a gap: no name, and bytes without meaning.
    #[must_use]
    pub fn is_padding(&self) -> bool {
        self.name.is_empty() && self.dtype.as_plain().is_some_and(|plain| plain.kind() == Kind::Void)
    }

    /// Bytes of the field.
    fn size(&self) -> Option<u64> {
        self.dtype.itemsize()?.checked_mul(self.shape.product()?)
    }
}

impl<'a> StructuredRef<'a> {
    /// Bytes of one item.
    #[must_use]
    pub const fn itemsize(self) -> u64 {
        self.itemsize
    }

    /// Its fields in their order, without those that are padding.
    pub fn fields(self) -> impl Iterator<Item = FieldRef<'a>> + use<'a> {
        self.all_fields().filter(|field| !field.is_padding())
    }

    /// Its fields in their order, those that are padding too.
    #[must_use]
    pub fn all_fields(self) -> Fields<'a> {
        let mut reader = Reader::new(self.encoded);
        // It was walked.
        let _ = reader.token();
        Fields { reader, left: self.len, offset: 0, depth: MAX_DEPTH }
    }

    /// The first field with this name.
    #[must_use]
    pub fn field(self, name: &str) -> Option<FieldRef<'a>> {
        self.fields().find(|field| field.name == name)
    }
}

/// As numpy writes it.
impl fmt::Display for StructuredRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, field) in self.all_fields().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}(")?;
            match field.title {
                Some(title) => write!(f, "({}, {}), ", Quoted(title), Quoted(field.name))?,
                None => write!(f, "{}, ", Quoted(field.name))?,
            }
            match field.dtype {
                DTypeRef::Plain(plain) => write!(f, "'{plain}'")?,
                DTypeRef::Structured(inner) => write!(f, "{inner}")?,
                DTypeRef::Opaque(_) => f.write_str("?")?,
            }
            if !field.shape.is_empty() {
                write!(f, ", {}", field.shape)?;
            }
            f.write_str(")")?;
        }
        f.write_str("]")
    }
}

/// A text in Python's quotes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        for letter in self.0.chars() {
            match letter {
                '\'' | '\\' => write!(f, "\\{letter}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                letter => write!(f, "{letter}")?,
            }
        }
        f.write_str("'")
    }
}

impl fmt::Debug for StructuredRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Iterator over the fields of a [`StructuredRef`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    reader: Reader<'a>,
    left: u32,
    offset: u64,
    depth: u8,
}

impl<'a> Fields<'a> {
    fn read(&mut self) -> Option<FieldRef<'a>> {
        let Ok(Token::List(parts @ 2..=3)) = self.reader.token() else { return None };
        let (name, title) = names(&mut self.reader)?;
        let encoded = self.reader.pass().ok()?;
        let dtype = match Reader::new(encoded).token() {
            Ok(Token::Str(text) | Token::Bin(text)) => DTypeRef::Plain(plain(text)?),
            _ => DTypeRef::Structured(descr(encoded, self.depth.checked_sub(1)?)?),
        };
        let shape = if parts == 3 { ShapeRef::read_of_field(self.reader.pass().ok()?)? } else { ShapeRef::NONE };
        let field = FieldRef { name, title, offset: self.offset, dtype, shape };
        self.offset = self.offset.checked_add(field.size()?)?;
        Some(field)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = FieldRef<'a>;

    fn next(&mut self) -> Option<FieldRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        self.read()
    }
}

/// Name, and perhaps a title in front of it.
fn names<'a>(reader: &mut Reader<'a>) -> Option<(&'a str, Option<&'a str>)> {
    let text = |token| match token {
        Ok(Token::Str(text) | Token::Bin(text)) => core::str::from_utf8(text).ok(),
        _ => None,
    };
    match reader.token() {
        Ok(Token::List(2)) => {
            let title = text(reader.token())?;
            Some((text(reader.token())?, Some(title)))
        }
        token => Some((text(token)?, None)),
    }
}

/// Walks a descr that is in no other.
fn whole_descr(encoded: &[u8]) -> Option<StructuredRef<'_>> {
    descr(encoded, MAX_DEPTH.saturating_sub(1))
}

/// Walks a descr, in which so many may be.
fn descr(encoded: &[u8], depth: u8) -> Option<StructuredRef<'_>> {
    let mut reader = Reader::new(encoded);
    let Ok(Token::List(len)) = reader.token() else { return None };
    let mut fields = Fields { reader, left: len, offset: 0, depth };
    while fields.left > 0 {
        fields.next()?;
    }
    Some(StructuredRef { encoded, len, itemsize: fields.offset })
}

/// `[["", "|V4"]]`
fn lone_void(encoded: &[u8]) -> Option<Plain> {
    let field = whole_descr(encoded)?.all_fields().next()?;
    if !field.is_padding() || !field.shape.is_empty() || field.title.is_some() {
        return None;
    }
    field.dtype.as_plain()
}

/// Limits of the sub-arrays of fields.
pub(crate) const FIELD: Limits = Limits::DEFAULT;

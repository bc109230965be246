use core::fmt;
use core::iter::FusedIterator;

use super::name::Name;
use super::plain::{Kind, Plain};
use super::text::{TypeStr, name, typestr};
use super::{Field, MAX_DEPTH};
use crate::limits::Limits;
use crate::reader::Reader;
use crate::shape::ShapeRef;
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
    kind: &'a [u8],
}

impl fmt::Debug for OpaqueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        DTypeRef::Opaque(*self).fmt(f)
    }
}

impl<'a> OpaqueRef<'a> {
    pub(super) const fn new(encoded: &'a [u8], kind: &'a [u8]) -> Self {
        Self { encoded, kind }
    }

    /// The `kind` as it came: empty, `V`, or something that means nothing.
    #[must_use]
    pub const fn kind(self) -> &'a [u8] {
        self.kind
    }

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

impl From<Plain> for DTypeRef<'_> {
    fn from(plain: Plain) -> Self {
        Self::Plain(plain)
    }
}

impl<'a> DTypeRef<'a> {
    /// From the values of `type` and `kind`, whatever they are.
    pub(crate) fn read(encoded: &'a [u8], kind: &'a [u8]) -> Self {
        let opaque = Self::Opaque(OpaqueRef { encoded, kind });
        match (Reader::new(encoded).token(), kind) {
            (Ok(Token::Str(text) | Token::Bin(text)), b"") => plain(text).map_or(opaque, Self::Plain),
            (Ok(Token::List(_)), b"" | b"V") => match whole_descr(encoded) {
                Some(dtype) => dtype,
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

    /// Prints as `str(dtype)` does, which [`DType::parse`](super::DType::parse) reads: `float32`, `[('a', '<i4'), ('b', '?')]`, or a dict
    /// where fields have gaps between them.
    #[must_use]
    pub fn name(self) -> impl fmt::Display + use<'a> {
        Name(self)
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

/// Named parts of an item, each at its place.
#[derive(Clone, Copy)]
pub struct StructuredRef<'a> {
    source: Source<'a>,
    itemsize: u64,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    /// A descr that was walked.
    Encoded {
        encoded: &'a [u8],
        len: u32,
    },
    Own(&'a [Field]),
}

/// The same fields at the same places, wherever they are described; what fills the gaps between them does not count.
impl PartialEq for StructuredRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.itemsize == other.itemsize && self.fields().eq(other.fields())
    }
}

impl Eq for StructuredRef<'_> {}

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
        self.name.is_empty()
            && self.title.is_none()
            && self.dtype.as_plain().is_some_and(|plain| plain.kind() == Kind::Void)
    }

    /// Bytes of the field; `None` beyond 64 bits.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.dtype.itemsize()?.checked_mul(self.shape.product()?)
    }
}

impl<'a> StructuredRef<'a> {
    pub(super) const fn new(fields: &'a [Field], itemsize: u64) -> Self {
        Self { source: Source::Own(fields), itemsize }
    }

    /// Bytes of one item.
    #[must_use]
    pub const fn itemsize(self) -> u64 {
        self.itemsize
    }

    /// Its fields in their order, without those that are padding.
    pub fn fields(self) -> impl Iterator<Item = FieldRef<'a>> + use<'a> {
        self.all_fields().filter(|field| !field.is_padding())
    }

    /// Its fields in their order, those that are padding too. A [`DType`](super::DType) needs none, since its fields have offsets.
    #[must_use]
    pub fn all_fields(self) -> Fields<'a> {
        let (encoded, left, own) = match self.source {
            Source::Encoded { encoded, len } => (encoded, len, &[][..]),
            Source::Own(fields) => (&[][..], 0, fields),
        };
        let mut reader = Reader::new(encoded);
        // It was walked.
        let _ = reader.token();
        Fields { reader, left, offset: 0, depth: MAX_DEPTH, own: own.iter() }
    }

    /// The first field with this name.
    #[must_use]
    pub fn field(self, name: &str) -> Option<FieldRef<'a>> {
        self.fields().find(|field| field.name == name)
    }
}

/// As numpy writes it, with gaps as fields without name; fields that overlap or are out of order as [`DTypeRef::name`] prints them.
impl fmt::Display for StructuredRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_order =
            self.fields().try_fold(
                0,
                |next: u64, field| {
                    if field.offset < next { None } else { field.offset.checked_add(field.size()?) }
                },
            );
        if in_order.is_none() {
            return Name(DTypeRef::Structured(*self)).fmt(f);
        }
        let (mut next, mut comma) = (0, "");
        f.write_str("[")?;
        for field in self.fields() {
            gap(f, &mut comma, field.offset.saturating_sub(next))?;
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
            comma = ", ";
            next = field.offset.saturating_add(field.size().unwrap_or_default());
        }
        gap(f, &mut comma, self.itemsize.saturating_sub(next))?;
        f.write_str("]")
    }
}

/// `('', '|V2')`
fn gap(f: &mut fmt::Formatter<'_>, comma: &mut &str, len: u64) -> fmt::Result {
    if len == 0 {
        return Ok(());
    }
    match u32::try_from(len) {
        Ok(len) => write!(f, "{comma}('', '|V{len}')")?,
        // Wider than a void can be.
        Err(_) => write!(f, "{comma}('', '|V1', ({len},))")?,
    }
    *comma = ", ";
    Ok(())
}

/// A text in Python's quotes.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The other quotes where that spares a backslash, as Python does.
        let quote = if self.0.contains('\'') && !self.0.contains('"') { '"' } else { '\'' };
        write!(f, "{quote}")?;
        for letter in self.0.chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                letter if letter == quote => write!(f, "\\{letter}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                letter if letter.is_control() => write!(f, "\\x{:02x}", u32::from(letter))?,
                letter => write!(f, "{letter}")?,
            }
        }
        write!(f, "{quote}")
    }
}

impl fmt::Debug for StructuredRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Iterator over the fields of a [`StructuredRef`], padding among them.
#[derive(Clone)]
pub struct Fields<'a> {
    reader: Reader<'a>,
    left: u32,
    offset: u64,
    depth: u8,
    own: core::slice::Iter<'a, Field>,
}

impl<'a> Fields<'a> {
    fn read(&mut self) -> Option<FieldRef<'a>> {
        let Ok(Token::List(parts @ 2..=3)) = self.reader.token() else { return None };
        let (name, title) = names(&mut self.reader)?;
        let encoded = self.reader.pass().ok()?;
        let dtype = match Reader::new(encoded).token() {
            Ok(Token::Str(text) | Token::Bin(text)) => DTypeRef::Plain(plain(text)?),
            _ => descr(encoded, self.depth.checked_sub(1)?)?,
        };
        let shape = if parts == 3 { ShapeRef::read_of_field(self.reader.pass().ok()?)? } else { ShapeRef::NONE };
        let field = FieldRef { name, title, offset: self.offset, dtype, shape };
        self.offset = self.offset.checked_add(field.size()?)?;
        Some(field)
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({} left)", self.own.len().saturating_add(self.left as usize))
    }
}

impl FusedIterator for Fields<'_> {}

impl<'a> Iterator for Fields<'a> {
    type Item = FieldRef<'a>;

    fn next(&mut self) -> Option<FieldRef<'a>> {
        let Some(left) = self.left.checked_sub(1) else { return self.own.next().map(Field::as_ref) };
        self.left = left;
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
fn whole_descr(encoded: &[u8]) -> Option<DTypeRef<'_>> {
    descr(encoded, MAX_DEPTH.saturating_sub(1))
}

/// Walks a descr, in which so many may be, once: what is in it is walked again by whoever asks for it. `[["", "|V4"]]`, as numpy writes
/// `|V4`, and whatever else is nothing but padding, is plain.
fn descr(encoded: &[u8], depth: u8) -> Option<DTypeRef<'_>> {
    let mut reader = Reader::new(encoded);
    let Ok(Token::List(len)) = reader.token() else { return None };
    let mut fields = Fields { reader, left: len, offset: 0, depth, own: [].iter() };
    let mut is_void = len > 0;
    while fields.left > 0 {
        is_void &= fields.next()?.is_padding();
    }
    Some(match u32::try_from(fields.offset) {
        Ok(itemsize) if is_void => DTypeRef::Plain(Plain::void(itemsize)),
        _ => DTypeRef::Structured(StructuredRef { source: Source::Encoded { encoded, len }, itemsize: fields.offset }),
    })
}

/// Limits of the sub-arrays of fields.
pub(crate) const FIELD: Limits = Limits::DEFAULT;

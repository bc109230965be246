//! dtypes as Python prints them.

use core::fmt::{self, Display};

use super::plain::{Kind, Plain};
use super::view::{DTypeRef, FieldRef, Quoted, StructuredRef};

/// `str(dtype)`
pub(super) struct Name<'a>(pub(super) DTypeRef<'a>);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            DTypeRef::Plain(plain) => plain.name().fmt(f),
            DTypeRef::Structured(structured) if is_packed(structured) => list(f, structured),
            DTypeRef::Structured(structured) => dict(f, structured),
            DTypeRef::Opaque(_) => self.0.fmt(f),
        }
    }
}

/// Whether each field follows the one before, and nothing follows the last.
fn is_packed(structured: StructuredRef<'_>) -> bool {
    let end = structured.fields().try_fold(
        0,
        |end: u64, field| {
            if field.offset == end { end.checked_add(field.size()?) } else { None }
        },
    );
    end == Some(structured.itemsize())
}

/// `[('a', '<i4'), ('b', '<u2', (3,))]`
fn list(f: &mut fmt::Formatter<'_>, structured: StructuredRef<'_>) -> fmt::Result {
    f.write_str("[")?;
    for (index, field) in structured.fields().enumerate() {
        f.write_str(if index == 0 { "(" } else { ", (" })?;
        match field.title {
            Some(title) => write!(f, "({}, {}), {}", Quoted(title), Quoted(field.name), Part(field.dtype))?,
            None => write!(f, "{}, {}", Quoted(field.name), Part(field.dtype))?,
        }
        if !field.shape.is_empty() {
            write!(f, ", {}", field.shape)?;
        }
        f.write_str(")")?;
    }
    f.write_str("]")
}

/// `{'names': ['a'], 'formats': ['<i4'], 'offsets': [4], 'itemsize': 12}`
fn dict(f: &mut fmt::Formatter<'_>, structured: StructuredRef<'_>) -> fmt::Result {
    type Entry<'a> = (&'a str, &'a dyn Fn(&mut fmt::Formatter<'_>, FieldRef<'_>) -> fmt::Result);
    let names: Entry<'_> = ("names", &|f, field| Quoted(field.name).fmt(f));
    let formats: Entry<'_> = ("formats", &|f, field| {
        if field.shape.is_empty() {
            Part(field.dtype).fmt(f)
        } else {
            write!(f, "({}, {})", Part(field.dtype), field.shape)
        }
    });
    let offsets: Entry<'_> = ("offsets", &|f, field| field.offset.fmt(f));
    let titles: Entry<'_> = ("titles", &|f, field| match field.title {
        Some(title) => Quoted(title).fmt(f),
        None => f.write_str("None"),
    });
    let any = structured.fields().any(|field| field.title.is_some());
    f.write_str("{")?;
    for (key, print) in [Some(names), Some(formats), Some(offsets), any.then_some(titles)].into_iter().flatten() {
        write!(f, "'{key}': [")?;
        for (index, field) in structured.fields().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            print(f, field)?;
        }
        f.write_str("], ")?;
    }
    write!(f, "'itemsize': {}}}", structured.itemsize())
}

/// A dtype inside one with fields.
struct Part<'a>(DTypeRef<'a>);

impl Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let DTypeRef::Plain(plain) = self.0 {
            return write!(f, "'{}'", Short(plain));
        }
        Name(self.0).fmt(f)
    }
}

/// A typestr without the order of single bytes.
struct Short(Plain);

impl Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(plain) = self;
        match plain.kind() {
            Kind::Bool => f.write_str("?"),
            Kind::Bytes | Kind::Void | Kind::Str if plain.itemsize() == 0 => {
                f.write_str(if plain.kind() == Kind::Str { "<" } else { "" })?;
                write!(f, "{}", plain.kind().letter())
            }
            Kind::Bytes | Kind::Void => write!(f, "{}{}", plain.kind().letter(), plain.itemsize()),
            Kind::Int | Kind::UInt if plain.itemsize() == 1 => write!(f, "{}1", plain.kind().letter()),
            Kind::Int | Kind::UInt | Kind::Float | Kind::Complex | Kind::Str | Kind::DateTime | Kind::TimeDelta => {
                plain.fmt(f)
            }
        }
    }
}

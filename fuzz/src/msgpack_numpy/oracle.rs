//! The format by hand (SPEC.md §2 and §3), over values that `rmpv` has read.

use msgpack_numpy_codec::DTypeRef;
use msgpack_numpy_codec::DecodeErrorKind::{
    self, DuplicateField, InvalidComplex, InvalidLength, InvalidShape, LimitExceeded, UnexpectedType, ZeroItemSize,
};
use rmpv::ValueRef as Value;

/// A dtype.
#[derive(Debug)]
pub(super) enum DType<'a> {
    /// As numpy writes it, and bytes of an item.
    Plain(String, u64),
    Fields(Vec<Field<'a>>, u64),
    Opaque,
}

#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) title: Option<&'a str>,
    pub(super) offset: u64,
    pub(super) dtype: DType<'a>,
    pub(super) shape: Vec<u64>,
}

impl DType<'_> {
    pub(super) fn itemsize(&self) -> Option<u64> {
        match self {
            Self::Plain(_, itemsize) | Self::Fields(_, itemsize) => Some(*itemsize),
            Self::Opaque => None,
        }
    }

    /// The view says the same.
    pub(super) fn is(&self, view: DTypeRef<'_>) {
        assert_eq!(self.itemsize(), view.itemsize());
        match (self, view) {
            (Self::Plain(typestr, _), DTypeRef::Plain(plain)) => assert_eq!(*typestr, plain.to_string()),
            (Self::Fields(fields, _), DTypeRef::Structured(structured)) => {
                let all: Vec<_> = structured.all_fields().collect();
                assert_eq!(all.len(), fields.len());
                for (ours, theirs) in all.iter().zip(fields) {
                    assert_eq!((ours.name, ours.title, ours.offset), (theirs.name, theirs.title, theirs.offset));
                    assert!(ours.shape.iter().eq(theirs.shape.iter().copied()));
                    theirs.dtype.is(ours.dtype);
                }
            }
            (Self::Opaque, DTypeRef::Opaque(_)) => {}
            _ => panic!("{view} is {self:?}"),
        }
    }
}

/// Most dtypes with fields in one another.
const MAX_DEPTH: usize = 8;

/// What `type` and `kind` mean.
pub(super) fn dtype<'a>(value: &'a Value<'_>, kind: &[u8]) -> DType<'a> {
    let found = match (value, kind) {
        (Value::String(_) | Value::Binary(_), b"") => plain(value),
        (Value::Array(items), b"" | b"V") => fields(items, MAX_DEPTH).map(or_void),
        _ => None,
    };
    found.unwrap_or(DType::Opaque)
}

/// Nothing but padding is plain.
fn or_void(dtype: DType<'_>) -> DType<'_> {
    match dtype {
        DType::Fields(fields, size @ 0..=0xffff_ffff) if is_void(&fields) => DType::Plain(format!("|V{size}"), size),
        dtype => dtype,
    }
}

fn is_void(fields: &[Field<'_>]) -> bool {
    let is_padding = |field: &Field<'_>| match field {
        Field { name: "", title: None, dtype: DType::Plain(typestr, _), .. } => typestr.starts_with("|V"),
        _ => false,
    };
    !fields.is_empty() && fields.iter().all(is_padding)
}

fn fields<'a>(items: &'a [Value<'_>], depth: usize) -> Option<DType<'a>> {
    let depth = depth.checked_sub(1)?;
    let (mut fields, mut next) = (Vec::new(), 0_u64);
    for item in items {
        let Value::Array(parts) = item else { return None };
        let (name, inner, shape) = match &parts[..] {
            [name, inner] => (name, inner, vec![]),
            [name, inner, Value::Integer(axis)] => {
                (name, inner, vec![axis.as_u64().filter(|len| i64::try_from(*len).is_ok())?])
            }
            [name, inner, Value::Array(axes)] if axes.len() <= 64 => {
                (name, inner, axes.iter().map(Value::as_u64).collect::<Option<_>>()?)
            }
            _ => return None,
        };
        let (title, name) = match name {
            Value::Array(names) => match &names[..] {
                [title, name] => (Some(text(title)?), text(name)?),
                _ => return None,
            },
            name => (None, text(name)?),
        };
        let dtype = match inner {
            Value::Array(items) => or_void(self::fields(items, depth)?),
            inner => plain(inner)?,
        };
        let size = product(&shape).and_then(|count| count.checked_mul(dtype.itemsize()?))?;
        fields.push(Field { name, title, offset: next, dtype, shape });
        next = next.checked_add(size)?;
    }
    Some(DType::Fields(fields, next))
}

fn text<'a>(value: &'a Value<'_>) -> Option<&'a str> {
    std::str::from_utf8(bytes(value)?).ok()
}

/// Of a text or of bytes.
fn bytes<'a>(value: &'a Value<'_>) -> Option<&'a [u8]> {
    match value {
        Value::String(text) => Some(text.as_bytes()),
        Value::Binary(bytes) => Some(bytes),
        _ => None,
    }
}

fn plain<'a>(value: &'a Value<'_>) -> Option<DType<'a>> {
    let text = text(value)?;
    let (typestr, itemsize) = typestr(text).or_else(|| name(text))?;
    Some(DType::Plain(typestr, itemsize))
}

/// How many items; an axis of nothing makes it none.
pub(super) fn product(shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_u64, |product, len| product.checked_mul(*len))
}

/// What numpy would write for this typestr, and bytes of an item.
pub(super) fn typestr(text: &str) -> Option<(String, u64)> {
    let (order, rest) = match text.split_at_checked(1) {
        Some((order @ ("<" | ">" | "|" | "="), rest)) => (order, rest),
        _ => ("", text),
    };
    let (code, rest) = rest.split_at_checked(1)?;
    let (width, rest) = digits(rest);
    let unit = match rest {
        "" => None,
        unit => Some(unit.strip_prefix('[')?.strip_suffix(']')?),
    };
    let width = if width.is_empty() { None } else { Some(width.parse::<u32>().ok()?) };
    let (code, width, itemsize) = match code {
        "b" | "i" | "u" | "f" | "c" => (code, width?, u64::from(width?)),
        "S" | "a" => ("S", width.unwrap_or(0), width.unwrap_or(0).into()),
        "V" => ("V", width.unwrap_or(0), width.unwrap_or(0).into()),
        "U" => ("U", width.unwrap_or(0), width.unwrap_or(0).checked_mul(4)?.into()),
        "M" | "m" => (code, width.unwrap_or(8), width.unwrap_or(8).into()),
        _ => return None,
    };
    let is_width = match code {
        "b" => width == 1,
        "i" | "u" => [1, 2, 4, 8].contains(&width),
        "f" => [2, 4, 8, 12, 16].contains(&width),
        "c" => [8, 16, 24, 32].contains(&width),
        "M" | "m" => width == 8,
        _ => true,
    };
    let order = match (code, order) {
        ("S" | "V", _) => "|",
        _ if itemsize == 1 => "|",
        (_, "|") => return None,
        (_, ">") => ">",
        _ => "<",
    };
    let unit = match (unit, code) {
        (None, _) => String::new(),
        (Some(unit), "M" | "m") => {
            let (count, base) = digits(unit);
            let count = if count.is_empty() { 1 } else { count.parse::<u32>().ok()? };
            let bases = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"];
            if count == 0 || !bases.contains(&base) {
                return None;
            }
            if count == 1 { format!("[{base}]") } else { format!("[{count}{base}]") }
        }
        _ => return None,
    };
    is_width.then(|| (format!("{order}{code}{width}{unit}"), itemsize))
}

/// The same of a name that numpy takes on 64-bit Linux, or took before its second version.
pub(super) fn name(text: &str) -> Option<(String, u64)> {
    let names: &[(&str, &[&str])] = &[
        ("|b1", &["bool", "bool_", "bool8", "?"]),
        ("|i1", &["int8", "byte", "b"]),
        ("<i2", &["int16", "short", "h"]),
        ("<i4", &["int32", "intc", "i"]),
        ("<i8", &["int64", "int", "int_", "int0", "intp", "long", "longlong", "l", "q", "p"]),
        ("|u1", &["uint8", "ubyte", "B"]),
        ("<u2", &["uint16", "ushort", "H"]),
        ("<u4", &["uint32", "uintc", "I"]),
        ("<u8", &["uint64", "uint", "uint0", "uintp", "ulong", "ulonglong", "L", "Q", "P"]),
        ("<f2", &["float16", "half", "e"]),
        ("<f4", &["float32", "single", "f"]),
        ("<f8", &["float64", "double", "float", "float_", "d"]),
        ("<f12", &["float96"]),
        ("<f16", &["float128", "longdouble", "longfloat", "g"]),
        ("<c8", &["complex64", "csingle", "singlecomplex", "F"]),
        ("<c16", &["complex128", "cdouble", "cfloat", "complex", "complex_", "D"]),
        ("<c24", &["complex192"]),
        ("<c32", &["complex256", "clongdouble", "clongfloat", "G"]),
        ("|S0", &["bytes", "bytes_", "bytes0", "string_"]),
        ("|S1", &["c"]),
        ("<U0", &["str", "str_", "str0", "unicode", "unicode_"]),
        ("|V0", &["void", "void0"]),
    ];
    if let Some((found, _)) = names.iter().find(|(_, names)| names.contains(&text)) {
        return typestr(found);
    }
    let (code, unit) = match text.strip_prefix("datetime64") {
        Some(unit) => ("<M8", unit),
        None => ("<m8", text.strip_prefix("timedelta64")?),
    };
    if unit.is_empty() || unit.starts_with('[') { typestr(&format!("{code}{unit}")) } else { None }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// What a map stands for.
#[derive(Debug)]
pub(super) enum Meaning<'a> {
    Map,
    Array { dtype: DType<'a>, shape: Vec<u64>, data: &'a [u8] },
    Scalar { dtype: DType<'a>, data: &'a [u8] },
    Complex(f64, f64),
    Pickle { shape: Vec<u64>, pickle: &'a [u8] },
    Faulty(Fault),
}

/// Kind, and field.
pub(super) type Fault = (DecodeErrorKind, &'static str);

/// The keys of tagged maps.
pub(super) const NAMES: [&[u8]; 6] = [b"nd", b"complex", b"type", b"kind", b"shape", b"data"];

pub(super) fn meaning<'a>(entries: &'a [(Value<'_>, Value<'_>)], max_axes: u8) -> Meaning<'a> {
    tagged(entries, max_axes, true).unwrap_or_else(Meaning::Faulty)
}

fn tagged<'a>(entries: &'a [(Value<'_>, Value<'_>)], max_axes: u8, may_be_masked: bool) -> Result<Meaning<'a>, Fault> {
    let all =
        |name: &'static [u8]| entries.iter().filter(move |(key, _)| bytes(key) == Some(name)).map(|(_, value)| value);
    let first = |name| all(name).next();
    let no_twice = || match NAMES.iter().any(|name| all(name).count() > 1) {
        true => Err((DuplicateField, "value")),
        false => Ok(()),
    };
    let data_bytes = |data: &'a Value<'_>| bytes(data).ok_or((UnexpectedType, "data"));
    match (first(b"nd"), first(b"complex"), first(b"type"), first(b"shape"), first(b"data")) {
        (Some(Value::Boolean(true)), _, Some(dtype), Some(shape), Some(data)) => {
            no_twice()?;
            let kind = match first(b"kind") {
                None => &b""[..],
                Some(kind) => bytes(kind).ok_or((UnexpectedType, "kind"))?,
            };
            let Value::Array(axes) = shape else { return Err((UnexpectedType, "shape")) };
            if axes.len() > usize::from(max_axes) {
                return Err((LimitExceeded, "shape"));
            }
            let shape: Vec<_> = axes.iter().map(Value::as_u64).collect::<Option<_>>().ok_or((InvalidShape, "shape"))?;
            if kind == b"O" {
                return Ok(Meaning::Pickle { shape, pickle: data_bytes(data)? });
            }
            let data = match data {
                Value::Map(inner) if may_be_masked => match tagged(inner, max_axes, false) {
                    Ok(Meaning::Array { data, .. }) => data,
                    _ => return Err((UnexpectedType, "data")),
                },
                data => data_bytes(data)?,
            };
            let dtype = self::dtype(dtype, kind);
            if let Some(itemsize) = dtype.itemsize() {
                let items = product(&shape).ok_or((InvalidShape, "shape"))?;
                fits(items, itemsize, data)?;
            }
            Ok(Meaning::Array { dtype, shape, data })
        }
        (Some(Value::Boolean(false)), _, Some(dtype), _, Some(data)) => {
            no_twice()?;
            let data = data_bytes(data)?;
            let dtype = self::dtype(dtype, b"");
            if let Some(itemsize) = dtype.itemsize() {
                fits(1, itemsize, data)?;
            }
            Ok(Meaning::Scalar { dtype, data })
        }
        (None, Some(Value::Boolean(true)), _, _, Some(data)) => {
            no_twice()?;
            let (real, imaginary) = complex(data_bytes(data)?).ok_or((InvalidComplex, "data"))?;
            Ok(Meaning::Complex(real, imaginary))
        }
        _ => Ok(Meaning::Map),
    }
}

fn fits(items: u64, itemsize: u64, data: &[u8]) -> Result<(), Fault> {
    if itemsize == 0 {
        return Err((ZeroItemSize, "type"));
    }
    let due = items.checked_mul(itemsize).ok_or((InvalidShape, "shape"))?;
    if due == data.len() as u64 { Ok(()) } else { Err((InvalidLength, "data")) }
}

/// Python's text of a complex number: of all ways to cut it in two the one that gives two numbers.
fn complex(text: &[u8]) -> Option<(f64, f64)> {
    let text = std::str::from_utf8(text).ok()?.trim_ascii();
    let text = match (text.strip_prefix('('), text.strip_suffix(')')) {
        (Some(_), Some(_)) => text[1..text.len() - 1].trim_ascii(),
        (None, _) => text,
        (Some(_), None) => return None,
    };
    let Some(parts) = text.strip_suffix(['j', 'J']) else { return Some((text.parse().ok()?, 0.0)) };
    let part = |text: &str| match text {
        "" | "+" => Some(1.0),
        "-" => Some(-1.0),
        number => number.parse().ok(),
    };
    (0..=parts.len()).find_map(|at| {
        let (real, imaginary) = parts.split_at_checked(at)?;
        if real.is_empty() {
            return Some((0.0, part(imaginary)?));
        }
        imaginary.starts_with(['+', '-']).then_some((real.parse().ok()?, part(imaginary)?))
    })
}

//! Arrays and scalars as blocks: their type, and the first values by it.

use alloc::borrow::Cow;

use msgpack_numpy_codec::{
    ArrayRef, ByteOrder, DType, DTypeRef, FieldRef, Kind, PickleRef, Plain, ScalarRef, ShapeRef, StructuredRef,
};

use crate::dissect::{Block, Column, First, Items, Value};

/// Most values, and most fields, that are shown of an array.
const VALUES: usize = 8;
const COLUMNS: usize = 32;

/// An array whose bytes start at `offset` in the stream.
pub(super) fn array(array: ArrayRef<'_>, offset: u64) -> Value<'_> {
    let items = array.shape().product().unwrap_or(0);
    typed("array", array.dtype(), Some(array.shape()), items, array.data(), offset)
}

/// An array whose dtype has this name, and may be understood.
pub(in crate::protocols) fn named<'a>(
    name: &'a str,
    dtype: Option<&DType>,
    shape: ShapeRef<'a>,
    data: &'a [u8],
    offset: u64,
) -> Value<'a> {
    let count = shape.product().unwrap_or(0);
    let items = dtype.and_then(|dtype| items(dtype.as_ref(), count, data, offset));
    Value::Block(Box::new(Block {
        what: "array",
        dtype: Some(Value::Raw(Cow::Borrowed(name.as_bytes()))),
        shape: Some(shape.iter().collect()),
        data,
        items: items.unwrap_or(Items::Unread(" of a type that is not understood")),
    }))
}

/// A scalar whose bytes start at `offset` in the stream.
pub(super) fn scalar(scalar: ScalarRef<'_>, offset: u64) -> Value<'_> {
    typed("scalar", scalar.dtype(), None, 1, scalar.data(), offset)
}

/// An array of objects. Nothing looks into it.
pub(super) fn pickle(pickle: PickleRef<'_>) -> Value<'_> {
    Value::Block(Box::new(Block {
        what: "pickle",
        dtype: None,
        shape: Some(pickle.shape().iter().collect()),
        data: pickle.pickle(),
        items: Items::Unread(" of pickle, not run"),
    }))
}

pub(super) fn complex<'a>(parts: [Value<'a>; 2]) -> Value<'a> {
    Value::Complex(Box::new(parts))
}

/// So many items of a dtype, if it is understood.
fn items<'a>(dtype: DTypeRef<'_>, count: u64, data: &'a [u8], offset: u64) -> Option<Items<'a>> {
    match dtype {
        DTypeRef::Plain(plain) => {
            Some(Items::Plain(Places::of_items(count, plain.itemsize().into()).first(plain, data)))
        }
        DTypeRef::Structured(structured) => {
            let mut columns = Columns { data, offset, found: Vec::new(), has_more: false };
            columns.add("", structured, &Places::of_items(count, structured.itemsize()));
            Some(Items::Fields(columns.found, columns.has_more))
        }
        DTypeRef::Opaque(_) | _ => None,
    }
}

fn typed<'a>(
    what: &'static str,
    dtype: DTypeRef<'a>,
    shape: Option<ShapeRef<'a>>,
    count: u64,
    data: &'a [u8],
    offset: u64,
) -> Value<'a> {
    let text = |text: String| Value::Raw(Cow::Owned(text.into_bytes()));
    let name = match dtype {
        DTypeRef::Opaque(opaque) => match opaque.as_str() {
            Some(name) => Value::Raw(Cow::Borrowed(name.as_bytes())),
            None => Value::Hex(opaque.as_encoded()),
        },
        // The enum may grow.
        DTypeRef::Plain(_) | DTypeRef::Structured(_) | _ => text(dtype.to_string()),
    };
    let items = items(dtype, count, data, offset).unwrap_or(Items::Unread(" of a type that is not understood"));
    let shape = shape.map(|shape| shape.iter().collect());
    Value::Block(Box::new(Block { what, dtype: Some(name), shape, data, items }))
}

/// Where the first of some values start.
struct Places {
    starts: Vec<u64>,
    /// Of all.
    count: u64,
}

impl Places {
    /// Items one behind the other.
    fn of_items(count: u64, size: u64) -> Self {
        Self { starts: vec![0], count: 1 }.inside(0, count, size)
    }

    /// In each of them, from `offset` on, so many one behind the other.
    fn inside(&self, offset: u64, count: u64, size: u64) -> Self {
        let few = count.min(VALUES as u64);
        let start =
            |start: u64| move |index: u64| start.saturating_add(offset).saturating_add(index.saturating_mul(size));
        let starts = self.starts.iter().flat_map(|at| (0..few).map(start(*at))).take(VALUES).collect();
        Self { starts, count: self.count.saturating_mul(count) }
    }

    /// The values there.
    fn first<'a>(&self, dtype: Plain, data: &'a [u8]) -> First<'a> {
        let values: Vec<_> =
            self.starts.iter().filter_map(|start| Some(item(dtype, slice(data, *start, dtype.itemsize())?))).collect();
        First { has_more: (values.len() as u64) < self.count, values }
    }
}

fn slice(data: &[u8], start: u64, len: u32) -> Option<&[u8]> {
    data.get(usize::try_from(start).ok()?..)?.get(..usize::try_from(len).ok()?)
}

/// Collects the fields of an array that are to be shown.
struct Columns<'a> {
    data: &'a [u8],
    /// Of the data in the stream.
    offset: u64,
    found: Vec<Column<'a>>,
    has_more: bool,
}

impl<'a> Columns<'a> {
    /// Those of dtypes that start at `places`; as deep as dtypes are nested, which is bounded.
    fn add(&mut self, prefix: &str, dtype: StructuredRef<'_>, places: &Places) {
        for field in dtype.fields() {
            if self.found.len() >= COLUMNS {
                self.has_more = true;
                return;
            }
            self.add_field(prefix, field, places);
        }
    }

    fn add_field(&mut self, prefix: &str, field: FieldRef<'_>, places: &Places) {
        let FieldRef { name, offset, dtype, shape, .. } = field;
        let dot = if prefix.is_empty() { "" } else { "." };
        let name = format!("{prefix}{dot}{name}");
        let (count, size) = (shape.product().unwrap_or(0), dtype.itemsize().unwrap_or(0));
        let places = places.inside(offset, count, size);
        match dtype {
            DTypeRef::Plain(plain) => {
                let start = places.starts.first().copied().unwrap_or_default();
                self.found.push(Column {
                    offset: self.offset.saturating_add(start),
                    bytes: places
                        .starts
                        .first()
                        .and_then(|_| slice(self.data, start, plain.itemsize()))
                        .unwrap_or_default(),
                    name,
                    dtype: plain.to_string(),
                    shape: shape.iter().collect(),
                    first: places.first(plain, self.data),
                });
            }
            DTypeRef::Structured(inner) => self.add(&name, inner, &places),
            // There is none inside a dtype that is understood.
            DTypeRef::Opaque(_) | _ => self.has_more = true,
        }
    }
}

/// An item by its dtype.
fn item(dtype: Plain, bytes: &[u8]) -> Value<'_> {
    let is_big = dtype.order() == ByteOrder::Big;
    match (dtype.kind(), bytes.len()) {
        (Kind::Bool, _) => Value::Bool(bytes != [0]),
        (Kind::Int, _) => Value::Int(signed(bytes, is_big).into()),
        (Kind::UInt, _) => Value::Int(unsigned(bytes, is_big).into()),
        (Kind::Float, 2 | 4 | 8) => float(bytes, is_big),
        (Kind::Complex, 8 | 16) => {
            let (real, imaginary) = bytes.split_at_checked(bytes.len() / 2).unwrap_or_default();
            complex([real, imaginary].map(|part| float(part, is_big)))
        }
        (Kind::DateTime | Kind::TimeDelta, _) => match signed(bytes, is_big) {
            i64::MIN => Value::Special("NaT"),
            count => {
                let unit = dtype.unit().map_or(Cow::Borrowed(""), |unit| match unit.count {
                    1 => Cow::Borrowed(unit.base.name()),
                    _ => Cow::Owned(format!("× {unit}")),
                });
                Value::Count(count, unit)
            }
        },
        (Kind::Bytes, _) => Value::Raw(Cow::Borrowed(without_nul(bytes))),
        (Kind::Str, _) => match text(bytes, is_big) {
            Some(text) => Value::Raw(Cow::Owned(text.into_bytes())),
            None => Value::Hex(bytes),
        },
        // Of long doubles the text does not tell the layout.
        (Kind::Float | Kind::Complex | Kind::Void, _) => Value::Hex(bytes),
    }
}

fn unsigned(bytes: &[u8], is_big: bool) -> u64 {
    let add = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
    if is_big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
}

fn signed(bytes: &[u8], is_big: bool) -> i64 {
    let above = 64_usize.saturating_sub(bytes.len().saturating_mul(8));
    unsigned(bytes, is_big).checked_shl(u32::try_from(above).unwrap_or(0)).unwrap_or_default().cast_signed() >> above
}

fn float<'a>(bytes: &[u8], is_big: bool) -> Value<'a> {
    let bits = unsigned(bytes, is_big);
    match (bytes.len(), u32::try_from(bits)) {
        (2, Ok(bits)) => Value::Float(half(bits)),
        (4, Ok(bits)) => Value::Float(f32::from_bits(bits)),
        _ => Value::Double(f64::from_bits(bits)),
    }
}

/// A float of 16 bits.
fn half(bits: u32) -> f32 {
    let (sign, exponent, fraction) = ((bits & 0x8000) << 16, bits >> 10 & 0x1f, bits & 0x3ff);
    let magnitude = match exponent {
        // Below the least exponent: so many times 2^-24, which is exact.
        0 => return f32::from_bits(sign | (fraction as f32 * f32::from_bits(0x3380_0000)).to_bits()),
        0x1f => 0x7f80_0000,
        // Another bias: 127 in place of 15.
        _ => exponent.saturating_add(112) << 23,
    };
    f32::from_bits(sign | magnitude | fraction << 13)
}

/// Code points of four bytes each, without the NULs at the end; none if one of them is no character.
fn text(bytes: &[u8], is_big: bool) -> Option<String> {
    let letter = |point: &[u8]| char::from_u32(u32::try_from(unsigned(point, is_big)).ok()?);
    let text: String = bytes.chunks_exact(4).map(letter).collect::<Option<_>>()?;
    Some(text.trim_end_matches('\0').to_owned())
}

/// Without the NULs at the end.
fn without_nul(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    bytes.get(..len).unwrap_or_default()
}

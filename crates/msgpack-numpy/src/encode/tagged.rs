//! The maps that stand for arrays, scalars and complex numbers, byte for byte as msgpack-numpy 0.4.8 writes them (SPEC.md §5).

use super::forms::{self, Sink};
use crate::complex::Repr;
use crate::dtype::{DTypeRef, Kind, Plain, StructuredRef};
use crate::error::EncodeError;
use crate::shape::ShapeRef;

/// A length that MessagePack has.
pub(crate) fn len32(len: u64) -> Result<u32, EncodeError> {
    u32::try_from(len).map_err(|_| EncodeError::TooLong { len })
}

/// An array up to its bytes.
pub(crate) fn array(
    out: &mut impl Sink,
    dtype: DTypeRef<'_>,
    shape: ShapeRef<'_>,
    len: u64,
) -> Result<(), EncodeError> {
    forms::map(out, 5);
    key(out, b"nd");
    forms::bool(out, true);
    key(out, b"type");
    let kind = match dtype {
        DTypeRef::Plain(plain) if plain.kind() != Kind::Void => {
            forms::text(out, plain);
            &b""[..]
        }
        DTypeRef::Plain(plain) => {
            forms::list(out, 1);
            padding(out, plain);
            b"V"
        }
        DTypeRef::Structured(structured) => {
            descr(out, structured)?;
            b"V"
        }
        DTypeRef::Opaque(opaque) => {
            out.put(opaque.as_encoded());
            opaque.kind()
        }
    };
    rest(out, kind, shape, len)
}

/// A pickle up to its bytes.
pub(crate) fn pickle(out: &mut impl Sink, dtype: &[u8], shape: ShapeRef<'_>, len: u64) -> Result<(), EncodeError> {
    forms::map(out, 5);
    key(out, b"nd");
    forms::bool(out, true);
    key(out, b"type");
    out.put(dtype);
    rest(out, b"O", shape, len)
}

/// From the kind on.
fn rest(out: &mut impl Sink, kind: &[u8], shape: ShapeRef<'_>, len: u64) -> Result<(), EncodeError> {
    key(out, b"kind");
    forms::bin(out, len32(kind.len() as u64)?);
    out.put(kind);
    key(out, b"shape");
    forms::list(out, len32(shape.len() as u64)?);
    shape.iter().for_each(|axis| forms::uint(out, axis));
    key(out, b"data");
    forms::bin(out, len32(len)?);
    Ok(())
}

/// A scalar.
pub(crate) fn scalar(out: &mut impl Sink, dtype: DTypeRef<'_>, data: &[u8]) -> Result<(), EncodeError> {
    forms::map(out, 3);
    key(out, b"nd");
    forms::bool(out, false);
    key(out, b"type");
    match dtype {
        // A typestr even where an array has a descr: scalars have no kind.
        DTypeRef::Plain(plain) => forms::text(out, plain),
        DTypeRef::Structured(structured) => descr(out, structured)?,
        DTypeRef::Opaque(opaque) => out.put(opaque.as_encoded()),
    }
    key(out, b"data");
    forms::bin(out, len32(data.len() as u64)?);
    out.put(data);
    Ok(())
}

/// A Python complex number.
pub(crate) fn complex(out: &mut impl Sink, real: f64, imaginary: f64) {
    forms::map(out, 2);
    key(out, b"complex");
    forms::bool(out, true);
    key(out, b"data");
    forms::text(out, Repr(real, imaginary));
}

fn key(out: &mut impl Sink, name: &[u8]) {
    forms::bin(out, u32::try_from(name.len()).unwrap_or_default());
    out.put(name);
}

/// The fields of a dtype, and what fills the gaps between them.
fn descr(out: &mut impl Sink, structured: StructuredRef<'_>) -> Result<(), EncodeError> {
    let mut next = 0_u64;
    let (mut gaps, mut fields) = (0_u64, 0_u64);
    for field in structured.fields() {
        // What lies before the end of the one before is found out here, before anything is written.
        let gap = field.offset.checked_sub(next).ok_or(EncodeError::Fields)?;
        gaps = gaps.saturating_add(u64::from(gap > 0));
        fields = fields.saturating_add(1);
        next = field.size().and_then(|size| field.offset.checked_add(size)).ok_or(EncodeError::Fields)?;
    }
    let gap = structured.itemsize().checked_sub(next).ok_or(EncodeError::Fields)?;
    gaps = gaps.saturating_add(u64::from(gap > 0));
    forms::list(out, len32(fields.saturating_add(gaps))?);
    next = 0;
    for field in structured.fields() {
        fill(out, field.offset.saturating_sub(next));
        forms::list(out, if field.shape.is_empty() { 2 } else { 3 });
        if let Some(title) = field.title {
            forms::list(out, 2);
            name(out, title)?;
        }
        name(out, field.name)?;
        match field.dtype {
            DTypeRef::Plain(plain) => forms::text(out, plain),
            DTypeRef::Structured(inner) => descr(out, inner)?,
            DTypeRef::Opaque(_) => return Err(EncodeError::Fields),
        }
        if !field.shape.is_empty() {
            forms::list(out, len32(field.shape.len() as u64)?);
            field.shape.iter().for_each(|axis| forms::uint(out, axis));
        }
        next = field.offset.saturating_add(field.size().unwrap_or_default());
    }
    fill(out, gap);
    Ok(())
}

/// Bytes that belong to no field: one void, or as many as there are bytes where one cannot be so wide.
fn fill(out: &mut impl Sink, gap: u64) {
    match u32::try_from(gap) {
        Ok(0) => {}
        Ok(width) => padding(out, Plain::void(width)),
        Err(_) => {
            forms::list(out, 3);
            forms::str(out, 0);
            forms::text(out, Plain::void(1));
            forms::list(out, 1);
            forms::uint(out, gap);
        }
    }
}

/// `["", "|V4"]`
fn padding(out: &mut impl Sink, void: Plain) {
    forms::list(out, 2);
    forms::str(out, 0);
    forms::text(out, void);
}

fn name(out: &mut impl Sink, name: &str) -> Result<(), EncodeError> {
    forms::str(out, len32(name.len() as u64)?);
    out.put(name.as_bytes());
    Ok(())
}

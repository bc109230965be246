//! The maps that stand for arrays, scalars and complex numbers (SPEC.md §2).

use crate::array::{ArrayRef, PickleRef, Places, ScalarRef};
use crate::complex;
use crate::dtype::{DTypeRef, Plain};
use crate::error::{DecodeError, DecodeErrorKind, What};
use crate::limits::Limits;
use crate::reader::Reader;
use crate::shape::ShapeRef;
use crate::value::{MapRef, unexpected};
use crate::wire::{Token, behind, lex};

pub(crate) enum Tagged<'a> {
    Array(ArrayRef<'a>),
    Scalar(ScalarRef<'a>),
    Complex(f64, f64),
    Pickle(PickleRef<'a>),
}

/// A value inside a map, and where it is.
#[derive(Clone, Copy)]
struct Slot<'a> {
    encoded: &'a [u8],
    offset: usize,
}

impl<'a> Slot<'a> {
    fn token(self) -> Option<Token<'a>> {
        Reader::new(self.encoded).token().ok()
    }
}

/// The values of the keys that matter.
#[derive(Default)]
struct Slots<'a> {
    nd: Option<Slot<'a>>,
    complex: Option<Slot<'a>>,
    dtype: Option<Slot<'a>>,
    kind: Option<Slot<'a>>,
    shape: Option<Slot<'a>>,
    data: Option<Slot<'a>>,
    /// The first of these that is there twice.
    twice: Option<usize>,
}

/// What a map stands for; `None` if it is just a map.
pub(crate) fn read<'a>(map: MapRef<'a>, limits: &Limits) -> Result<Option<Tagged<'a>>, DecodeError> {
    read_either(map, limits, Masked::Allowed)
}

/// Whether the data of an array may be that of another: once, so that nothing recurses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Masked {
    Allowed,
    Refused,
}

fn read_either<'a>(map: MapRef<'a>, limits: &Limits, masked: Masked) -> Result<Option<Tagged<'a>>, DecodeError> {
    let Some(slots) = slots(map) else { return Ok(None) };
    let duplicate = slots.twice.map(|offset| DecodeError::new(DecodeErrorKind::DuplicateField, offset, What::Value));
    let tagged = match (slots.nd.and_then(Slot::token), slots.complex) {
        (Some(Token::Bool(true)), _) => match (slots.dtype, slots.shape, slots.data) {
            (Some(dtype), Some(shape), Some(data)) => {
                if let Some(error) = duplicate {
                    return Err(error);
                }
                Some(array(&slots, dtype, shape, data, limits, masked)?)
            }
            _ => None,
        },
        (Some(Token::Bool(false)), _) => match (slots.dtype, slots.data) {
            (Some(dtype), Some(data)) => {
                if let Some(error) = duplicate {
                    return Err(error);
                }
                Some(Tagged::Scalar(scalar(dtype, data)?))
            }
            _ => None,
        },
        // Any other value of `nd` is that of somebody else's map, and so is a `complex` that is not true.
        (None, Some(complex)) if complex.token() == Some(Token::Bool(true)) => match slots.data {
            Some(data) => {
                if let Some(error) = duplicate {
                    return Err(error);
                }
                let Some(Token::Str(text) | Token::Bin(text)) = data.token() else {
                    return Err(unexpected(data.offset, What::Data));
                };
                let (real, imaginary) = complex::parse(text)
                    .ok_or_else(|| DecodeError::new(DecodeErrorKind::InvalidComplex, data.offset, What::Data))?;
                Some(Tagged::Complex(real, imaginary))
            }
            None => None,
        },
        _ => None,
    };
    Ok(tagged)
}

/// Looks through the keys of a map; `None` if neither `nd` nor `complex` is among them.
fn slots(map: MapRef<'_>) -> Option<Slots<'_>> {
    let mut reader = Reader::new(map.as_encoded());
    let _ = reader.token();
    let mut slots = Slots::default();
    for _ in 0..map.len() {
        let key = Reader::new(reader.pass().ok()?).token().ok()?;
        let offset = reader.position();
        let encoded = reader.pass().ok()?;
        let (Token::Bin(name) | Token::Str(name)) = key else { continue };
        let slot = match name {
            b"nd" => &mut slots.nd,
            b"complex" => &mut slots.complex,
            b"type" => &mut slots.dtype,
            b"kind" => &mut slots.kind,
            b"shape" => &mut slots.shape,
            b"data" => &mut slots.data,
            _ => continue,
        };
        if slot.is_some() {
            slots.twice = slots.twice.or(Some(offset));
        } else {
            *slot = Some(Slot { encoded, offset });
        }
    }
    (slots.nd.is_some() || slots.complex.is_some()).then_some(slots)
}

fn array<'a>(
    slots: &Slots<'a>,
    dtype: Slot<'a>,
    shape: Slot<'a>,
    data: Slot<'a>,
    limits: &Limits,
    masked: Masked,
) -> Result<Tagged<'a>, DecodeError> {
    let kind = match slots.kind {
        None => &[][..],
        Some(slot) => match slot.token() {
            Some(Token::Bin(kind) | Token::Str(kind)) => kind,
            _ => return Err(unexpected(slot.offset, What::Kind)),
        },
    };
    let shape_ref = ShapeRef::read(shape.encoded, limits).map_err(|error| error.shifted(shape.offset))?;
    if kind == b"O" {
        let Some(Token::Bin(pickle) | Token::Str(pickle)) = data.token() else {
            return Err(unexpected(data.offset, What::Data));
        };
        return Ok(Tagged::Pickle(PickleRef { dtype: dtype.encoded, shape: shape_ref, pickle }));
    }
    let bytes = bytes(data, limits, masked)?;
    let places = Places { dtype: dtype.offset, shape: shape.offset, data: data.offset };
    let dtype = DTypeRef::read(dtype.encoded, kind);
    let array = ArrayRef::of_axes(dtype, shape_ref, bytes).map_err(|error| error.at(places))?;
    Ok(Tagged::Array(array))
}

/// The bytes of an array; those of a masked one are those of the array in their place.
fn bytes<'a>(data: Slot<'a>, limits: &Limits, masked: Masked) -> Result<&'a [u8], DecodeError> {
    let other = || unexpected(data.offset, What::Data);
    match data.token() {
        Some(Token::Bin(bytes) | Token::Str(bytes)) => Ok(bytes),
        Some(Token::Map(len)) if masked == Masked::Allowed => {
            match read_either(MapRef::new(data.encoded, len, limits), limits, Masked::Refused) {
                Ok(Some(Tagged::Array(inner))) => Ok(inner.data()),
                _ => Err(other()),
            }
        }
        _ => Err(other()),
    }
}

fn scalar<'a>(dtype: Slot<'a>, data: Slot<'a>) -> Result<ScalarRef<'a>, DecodeError> {
    let Some(Token::Bin(bytes) | Token::Str(bytes)) = data.token() else {
        return Err(unexpected(data.offset, What::Data));
    };
    let places = Places { dtype: dtype.offset, shape: dtype.offset, data: data.offset };
    ScalarRef::new(DTypeRef::read(dtype.encoded, b""), bytes).map_err(|error| error.at(places))
}

/// The map of an array as nearly all are: fields, keys and forms as Python writes them, a typestr of three letters, few axes. Everything
/// else, and everything with a fault, is for the rules above, which come to the same (SPEC.md §2).
pub(crate) struct Common<'a> {
    typestr: &'a [u8; 3],
    shape: &'a [u8],
    axes: u8,
    data: &'a [u8],
}

impl<'a> Common<'a> {
    /// The map, and the list of its axes.
    pub(crate) const DEPTH: u8 = 2;

    /// The map at the front of `input`, and what follows it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn read(input: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let rest = behind(input, b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3")?;
        let (typestr, rest) = rest.split_first_chunk()?;
        let shape = behind(rest, b"\xc4\x04kind\xc4\x00\xc4\x05shape")?;
        let (&head @ 0x90..=0x9f, mut rest) = shape.split_first()? else { return None };
        let axes = head & 0x0f;
        for _ in 0..axes {
            let (Token::Int(0..), after) = lex(rest).ok()? else { return None };
            rest = after;
        }
        let shape = shape.get(..shape.len().saturating_sub(rest.len()))?;
        let (Token::Bin(data), rest) = lex(behind(rest, b"\xc4\x04data")?).ok()? else { return None };
        Some((Self { typestr, shape, axes, data }, rest))
    }

    /// The array, if nothing is wrong with it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn array(&self, limits: &Limits) -> Option<ArrayRef<'a>> {
        if self.axes > limits.max_axes {
            return None;
        }
        let dtype = DTypeRef::Plain(Plain::common(*self.typestr)?);
        ArrayRef::of_axes(dtype, ShapeRef::walked(self.shape, self.axes), self.data).ok()
    }
}

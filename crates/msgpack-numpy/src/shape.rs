use core::fmt;

use crate::dtype::FIELD;
use crate::error::{DecodeError, DecodeErrorKind, Limit, What};
use crate::limits::Limits;
use crate::reader::Reader;
use crate::value::{ListRef, unexpected};
use crate::wire::{Token, unsigned};

/// Lengths of the axes of an array, the slowest first, where they lie.
#[derive(Clone, Copy)]
pub struct ShapeRef<'a>(Axes<'a>);

#[derive(Clone, Copy)]
enum Axes<'a> {
    /// A list of integers that was walked, or one integer.
    Encoded {
        encoded: &'a [u8],
        len: u8,
    },
    Own(&'a [u64]),
}

impl<'a> ShapeRef<'a> {
    /// No axes: one item.
    pub const NONE: ShapeRef<'static> = ShapeRef(Axes::Own(&[]));

    /// Of these lengths.
    #[must_use]
    pub const fn new(axes: &'a [u64]) -> Self {
        Self(Axes::Own(axes))
    }

    /// Of a list that was read, under the limits it was read under.
    ///
    /// ```
    /// use msgpack_numpy_codec::{ShapeRef, ValueRef};
    ///
    /// let ValueRef::List(list) = ValueRef::decode(b"\x92\x02\x03")? else { panic!() };
    /// assert_eq!(ShapeRef::of_list(list)?, ShapeRef::new(&[2, 3]));
    /// # Ok::<(), msgpack_numpy_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidShape`](DecodeErrorKind::InvalidShape) for an item that is negative or no integer, and
    /// [`LimitExceeded`](DecodeErrorKind::LimitExceeded) for too many.
    pub fn of_list(list: ListRef<'a>) -> Result<Self, DecodeError> {
        Self::read(list.as_encoded(), &list.limits())
    }

    /// Of one list of integers that are not negative, and nothing behind it.
    ///
    /// ```
    /// use msgpack_numpy_codec::{Limits, ShapeRef};
    ///
    /// assert_eq!(ShapeRef::decode_with(b"\x92\x02\x03", &Limits::DEFAULT)?, ShapeRef::new(&[2, 3]));
    /// # Ok::<(), msgpack_numpy_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`of_list`](Self::of_list), and [`TrailingBytes`](DecodeErrorKind::TrailingBytes).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn decode_with(input: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        match Self::few(input) {
            Some((shape, [])) if shape.len() <= usize::from(limits.max_axes) => Ok(shape),
            _ => Self::decode_any(input, limits),
        }
    }

    fn decode_any(input: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (shape, reader) = Self::front(input, limits)?;
        reader.finish().map(|()| shape)
    }

    /// Fifteen axes at most, as nearly all are, and what follows them.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn few(encoded: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&head @ 0x90..=0x9f, mut rest) = encoded.split_first()? else { return None };
        let len = head & 0x0f;
        for _ in 0..len {
            (_, rest) = unsigned(rest)?;
        }
        Some((Self(Axes::Encoded { encoded, len }), rest))
    }

    /// A list of integers that are not negative.
    pub(crate) fn read(encoded: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::front(encoded, limits).map(|(shape, _)| shape)
    }

    fn front(encoded: &'a [u8], limits: &Limits) -> Result<(Self, Reader<'a>), DecodeError> {
        let mut reader = Reader::new(encoded);
        let Ok(Token::List(len)) = reader.token() else { return Err(unexpected(0, What::Shape)) };
        let len = match u8::try_from(len) {
            Ok(len) if len <= limits.max_axes => len,
            _ => return Err(DecodeError::over(Limit::MaxAxes, limits.max_axes.into(), 0, What::Shape)),
        };
        for _ in 0..len {
            let offset = reader.position();
            if !matches!(reader.token(), Ok(Token::Int(0..) | Token::UInt(_))) {
                return Err(DecodeError::new(DecodeErrorKind::InvalidShape, offset, What::Shape));
            }
        }
        Ok((Self(Axes::Encoded { encoded, len }), reader))
    }

    /// A list of so many integers that was walked.
    pub(crate) const fn walked(encoded: &'a [u8], len: u8) -> Self {
        Self(Axes::Encoded { encoded, len })
    }

    /// That of a sub-array, which may be one integer for one axis.
    pub(crate) fn read_of_field(encoded: &'a [u8]) -> Option<Self> {
        match Reader::new(encoded).token() {
            Ok(Token::Int(0..)) => Some(Self(Axes::Encoded { encoded, len: 1 })),
            _ => Self::read(encoded, &FIELD).ok(),
        }
    }

    /// How many axes.
    #[must_use]
    pub const fn len(self) -> usize {
        match self.0 {
            Axes::Encoded { len, .. } => len as usize,
            Axes::Own(axes) => axes.len(),
        }
    }

    /// Whether there are none: the array is one item.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The axes, the slowest first.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn iter(self) -> impl Iterator<Item = u64> + use<'a> {
        let (encoded, axes) = match self.0 {
            Axes::Encoded { encoded, .. } => (encoded, &[][..]),
            Axes::Own(axes) => (&[][..], axes),
        };
        // It was walked.
        let mut rest = match encoded {
            [0x90..=0x9f, rest @ ..] | [0xdc, _, _, rest @ ..] | [0xdd, _, _, _, _, rest @ ..] => rest,
            // One integer for one axis.
            rest => rest,
        };
        (0..self.len()).filter_map(move |index| match axes.get(index) {
            Some(len) => Some(*len),
            None => {
                let (len, after) = unsigned(rest)?;
                rest = after;
                Some(len)
            }
        })
    }

    /// How many items; `None` beyond 64 bits.
    #[must_use]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn product(self) -> Option<u64> {
        // An axis of nothing is one, however long the others are.
        let (items, none) = self.iter().fold((Some(1_u64), false), |(items, none), len| {
            (items.and_then(|items| items.checked_mul(len)), none || len == 0)
        });
        if none { Some(0) } else { items }
    }
}

impl<'a> From<&'a [u64]> for ShapeRef<'a> {
    fn from(axes: &'a [u64]) -> Self {
        Self::new(axes)
    }
}

/// The same lengths, wherever they lie.
impl PartialEq for ShapeRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for ShapeRef<'_> {}

/// As Python writes it.
impl fmt::Display for ShapeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (index, len) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{len}")?;
        }
        f.write_str(if self.len() == 1 { ",)" } else { ")" })
    }
}

impl fmt::Debug for ShapeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

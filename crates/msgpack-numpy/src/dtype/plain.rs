use core::fmt;

use super::text::{self, TypeStr};

/// In which order the bytes of a number lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that a typestr has")]
pub enum ByteOrder {
    /// `<`
    Little,
    /// `>`
    Big,
    /// `|`: single bytes.
    NotApplicable,
}

impl ByteOrder {
    /// That of this machine.
    #[cfg(target_endian = "little")]
    pub const NATIVE: Self = Self::Little;
    /// That of this machine.
    #[cfg(target_endian = "big")]
    pub const NATIVE: Self = Self::Big;

    const fn letter(self) -> char {
        match self {
            Self::Little => '<',
            Self::Big => '>',
            Self::NotApplicable => '|',
        }
    }
}

/// What the items of a [`Plain`] dtype are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all codes of a typestr but O")]
pub enum Kind {
    /// `b`: a byte, true unless 0.
    Bool,
    /// `i`: signed integer of 1, 2, 4 or 8 bytes.
    Int,
    /// `u`: unsigned integer of 1, 2, 4 or 8 bytes.
    UInt,
    /// `f`: IEEE 754 of 2, 4 or 8 bytes, or a long double of 12 or 16, whose layout the text does not tell.
    Float,
    /// `c`: two floats, real part first.
    Complex,
    /// `S`: bytes, filled up with NUL.
    Bytes,
    /// `U`: code points of 4 bytes each, filled up with NUL.
    Str,
    /// `V`: bytes without meaning.
    Void,
    /// `M`: count of units since 1970-01-01T00:00:00, 8 bytes signed; the least is "not a time".
    DateTime,
    /// `m`: count of units, 8 bytes signed; the least is "not a time".
    TimeDelta,
}

impl Kind {
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Bool => 'b',
            Self::Int => 'i',
            Self::UInt => 'u',
            Self::Float => 'f',
            Self::Complex => 'c',
            Self::Bytes => 'S',
            Self::Str => 'U',
            Self::Void => 'V',
            Self::DateTime => 'M',
            Self::TimeDelta => 'm',
        }
    }
}

/// What a [`DateTime`](Kind::DateTime) or [`TimeDelta`](Kind::TimeDelta) counts: `count` times `base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that a typestr has")]
pub struct Unit {
    /// How many of them make one; 1 or more.
    pub count: u32,
    /// Of what.
    pub base: TimeUnit,
}

/// A unit of time. Years and months are those of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that numpy has")]
pub enum TimeUnit {
    /// `Y`
    Year,
    /// `M`
    Month,
    /// `W`
    Week,
    /// `D`
    Day,
    /// `h`
    Hour,
    /// `m`
    Minute,
    /// `s`
    Second,
    /// `ms`
    Millisecond,
    /// `us`
    Microsecond,
    /// `ns`
    Nanosecond,
    /// `ps`
    Picosecond,
    /// `fs`
    Femtosecond,
    /// `as`
    Attosecond,
}

impl TimeUnit {
    const ALL: [Self; 13] = [
        Self::Year,
        Self::Month,
        Self::Week,
        Self::Day,
        Self::Hour,
        Self::Minute,
        Self::Second,
        Self::Millisecond,
        Self::Microsecond,
        Self::Nanosecond,
        Self::Picosecond,
        Self::Femtosecond,
        Self::Attosecond,
    ];

    /// The unit with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }

    /// As numpy writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Year => "Y",
            Self::Month => "M",
            Self::Week => "W",
            Self::Day => "D",
            Self::Hour => "h",
            Self::Minute => "m",
            Self::Second => "s",
            Self::Millisecond => "ms",
            Self::Microsecond => "us",
            Self::Nanosecond => "ns",
            Self::Picosecond => "ps",
            Self::Femtosecond => "fs",
            Self::Attosecond => "as",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count != 1 {
            self.count.fmt(f)?;
        }
        f.write_str(self.base.name())
    }
}

/// A dtype without fields: kind, width and byte order. Prints as a typestr, such as `<f4`.
///
/// ```
/// use msgpack_numpy_codec::{ByteOrder, Kind, Plain};
///
/// let dtype = Plain::parse(">u2").unwrap();
/// assert_eq!((dtype.kind(), dtype.order(), dtype.itemsize()), (Kind::UInt, ByteOrder::Big, 2));
/// assert_eq!(dtype.to_string(), ">u2");
/// assert_eq!(Plain::from_name("float32"), Plain::parse("<f4"));
/// assert_eq!(Plain::parse("<M8[25us]").unwrap().name().to_string(), "datetime64[25us]");
/// assert_eq!(Plain::parse("<i3"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Plain {
    kind: Kind,
    order: ByteOrder,
    /// Bytes of one item.
    itemsize: u32,
    unit: Option<Unit>,
}

impl Plain {
    /// A dtype of this kind with items of so many bytes; `None` if there is none. For single bytes the order is ignored.
    #[must_use]
    pub const fn new(kind: Kind, order: ByteOrder, itemsize: u32) -> Option<Self> {
        let fits = match kind {
            Kind::Bool => itemsize == 1,
            Kind::Int | Kind::UInt => matches!(itemsize, 1 | 2 | 4 | 8),
            Kind::Float => matches!(itemsize, 2 | 4 | 8 | 12 | 16),
            Kind::Complex => matches!(itemsize, 8 | 16 | 24 | 32),
            Kind::Bytes | Kind::Void => true,
            Kind::Str => itemsize % 4 == 0,
            Kind::DateTime | Kind::TimeDelta => itemsize == 8,
        };
        let bytes = itemsize == 1 || matches!(kind, Kind::Bytes | Kind::Void);
        let order = if bytes { ByteOrder::NotApplicable } else { order };
        if !fits || (!bytes && matches!(order, ByteOrder::NotApplicable)) {
            return None;
        }
        Some(Self { kind, order, itemsize, unit: None })
    }

    /// Of this machine's order, and of a width that there is.
    pub(crate) const fn native(kind: Kind, itemsize: u32) -> Self {
        let order = if itemsize == 1 { ByteOrder::NotApplicable } else { ByteOrder::NATIVE };
        Self { kind, order, itemsize, unit: None }
    }

    /// Bytes without meaning.
    pub(crate) const fn void(itemsize: u32) -> Self {
        Self { kind: Kind::Void, order: ByteOrder::NotApplicable, itemsize, unit: None }
    }

    /// Reads a typestr: `<f4`, `>M8[25us]`, `|S5`. `=` and no order at all count as little-endian, as every known sender is.
    ///
    /// `None` for what is none, for objects (`O`), and for `|` on a number of several bytes, whose order it does not tell.
    #[must_use]
    pub fn parse(typestr: &str) -> Option<Self> {
        match text::typestr(typestr)? {
            TypeStr::Plain(plain) => Some(plain),
            TypeStr::Object => None,
        }
    }

    /// Reads a typestr of three letters with an order, for the kinds that nearly all arrays have; what it reads, [`parse`](Self::parse) reads
    /// the same.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn common([order, code, width]: [u8; 3]) -> Option<Self> {
        let order = match order {
            b'<' => ByteOrder::Little,
            b'>' => ByteOrder::Big,
            b'|' => ByteOrder::NotApplicable,
            _ => return None,
        };
        let kind = match code {
            b'b' => Kind::Bool,
            b'i' => Kind::Int,
            b'u' => Kind::UInt,
            b'f' => Kind::Float,
            b'c' => Kind::Complex,
            _ => return None,
        };
        Self::new(kind, order, if matches!(width, b'1'..=b'8') { (width & 0x0f) as u32 } else { return None })
    }

    /// Reads a name as `str(dtype)` prints it (`float32`, `datetime64[ns]`), or any other that numpy takes on 64-bit Linux
    /// (`double`, `H`). They count as little-endian, as every known sender is.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match text::name(name)? {
            TypeStr::Plain(plain) => Some(plain),
            TypeStr::Object => None,
        }
    }

    /// The same with a unit; nothing for kinds that have none.
    #[must_use]
    pub const fn with_unit(mut self, unit: Unit) -> Option<Self> {
        if !matches!(self.kind, Kind::DateTime | Kind::TimeDelta) || unit.count == 0 {
            return None;
        }
        self.unit = Some(unit);
        Some(self)
    }

    /// What the items are.
    #[must_use]
    pub const fn kind(self) -> Kind {
        self.kind
    }

    /// The order of their bytes.
    #[must_use]
    pub const fn order(self) -> ByteOrder {
        self.order
    }

    /// Bytes of one item.
    #[must_use]
    pub const fn itemsize(self) -> u32 {
        self.itemsize
    }

    /// What a time counts; `None` if it is not told, and for other kinds.
    #[must_use]
    pub const fn unit(self) -> Option<Unit> {
        self.unit
    }

    /// Whether an item can be read as a number of this machine without swapping bytes.
    #[must_use]
    pub fn is_native(self) -> bool {
        self.order == ByteOrder::NotApplicable || self.order == ByteOrder::NATIVE
    }

    /// Prints as `str(dtype)` does on a little-endian machine: a name such as `float32`, but a typestr for the other order and for
    /// `S`, `U` and `V`.
    #[must_use]
    pub fn name(self) -> impl fmt::Display {
        Name(self)
    }

    /// The number behind the letter: code points of a text, bytes of all others.
    const fn width(self) -> u32 {
        match self.kind {
            Kind::Str => self.itemsize / 4,
            Kind::Bool
            | Kind::Int
            | Kind::UInt
            | Kind::Float
            | Kind::Complex
            | Kind::Bytes
            | Kind::Void
            | Kind::DateTime
            | Kind::TimeDelta => self.itemsize,
        }
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.order.letter(), self.kind.letter(), self.width())?;
        match self.unit {
            Some(unit) => write!(f, "[{unit}]"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

struct Name(Plain);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0.kind {
            Kind::Bytes | Kind::Str | Kind::Void => return self.0.fmt(f),
            _ if self.0.order == ByteOrder::Big => return self.0.fmt(f),
            Kind::Bool => return f.write_str("bool"),
            Kind::Int => "int",
            Kind::UInt => "uint",
            Kind::Float => "float",
            Kind::Complex => "complex",
            Kind::DateTime => "datetime64",
            Kind::TimeDelta => "timedelta64",
        };
        f.write_str(name)?;
        match (self.0.kind, self.0.unit) {
            (Kind::DateTime | Kind::TimeDelta, Some(unit)) => write!(f, "[{unit}]"),
            (Kind::DateTime | Kind::TimeDelta, None) => Ok(()),
            _ => write!(f, "{}", self.0.itemsize.saturating_mul(8)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Plain;

    #[test]
    fn what_is_read_in_haste_is_read_the_same_at_leisure() {
        let mut read = 0;
        for [order, code, width] in (0..=0x00ff_ffff_u32).map(|n| n.to_be_bytes()).map(|[_, a, b, c]| [a, b, c]) {
            if let Some(common) = Plain::common([order, code, width]) {
                let text = [order, code, width].map(char::from).iter().collect::<alloc::string::String>();
                assert_eq!(Plain::parse(&text), Some(common), "{text}");
                read += 1;
            }
        }
        // b1, i1, u1 in three orders; two orders of i and u of 2, 4, 8, f of 2, 4, 8, and c of 8.
        assert_eq!(read, 3 * 3 + 2 * (3 + 3 + 3 + 1));
    }
}

use core::fmt;
use core::ops::BitOr;

/// Which values of an interval there are of a parameter in `tdata`.
///
/// ```
/// use atlas_stream::Aggregates;
///
/// let (aggregates, unknown) = Aggregates::parse("max, MIN, median");
/// assert_eq!(aggregates, Aggregates::MIN | Aggregates::MAX);
/// assert_eq!(aggregates.to_string(), "Min, Max");
/// assert_eq!(unknown.collect::<Vec<_>>(), ["median"]);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aggregates(u8);

impl Aggregates {
    /// None.
    pub const NONE: Self = Self(0);
    /// The mean.
    pub const AVG: Self = Self(1);
    /// The least.
    pub const MIN: Self = Self(2);
    /// The largest.
    pub const MAX: Self = Self(4);
    /// The first.
    pub const FIRST: Self = Self(8);

    /// Each by itself, in the order that values are kept in.
    pub(crate) const EACH: [Self; 4] = [Self::AVG, Self::MIN, Self::MAX, Self::FIRST];

    /// By one name, in the order and case that the vendor's writer has.
    const NAMED: [(Self, &'static str); 4] =
        [(Self::AVG, "Avg"), (Self::MIN, "Min"), (Self::MAX, "Max"), (Self::FIRST, "First")];

    /// From names between commas, in any order and case, and those among them that are none.
    pub fn parse(text: &str) -> (Self, impl Iterator<Item = &str> + Clone) {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let found = names.clone().filter_map(Self::from_name).fold(Self::NONE, Self::bitor);
        (found, names.filter(|name| Self::from_name(name).is_none()))
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(aggregate, _)| *aggregate)
    }

    /// Whether all these are there.
    #[must_use]
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Each by itself: the mean, the least, the largest, the first.
    pub fn iter(self) -> impl Iterator<Item = Self> {
        Self::EACH.into_iter().filter(move |each| self.contains(*each))
    }

    /// Whether none are there.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Aggregates {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Aggregates {
    /// As in a data format: `Avg`, `Min, Max`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for (aggregate, name) in Self::NAMED {
            if self.contains(aggregate) {
                write!(f, "{comma}{name}")?;
                comma = ", ";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Aggregates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aggregates({self})")
    }
}

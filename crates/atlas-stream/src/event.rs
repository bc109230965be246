use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use crate::column::Column;
use crate::time::absolute;
use crate::unknown::{Kept, UnknownMembers};

/// Something that happened at one time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// Nanoseconds from 1970 to what the time counts from.
    pub epoch: i64,
    /// Nanoseconds since the epoch.
    pub time: i64,
    /// Which event of the configuration it is; in the documents such as `02D4:Chassis`, but any text may come.
    pub id: Cow<'a, str>,
    /// What is said of it.
    pub status: Option<Cow<'a, str>>,
    /// A value for each conversion of the event in the configuration.
    pub values: EventValues<'a>,
    pub(crate) unknown: Kept<'a>,
}

impl<'a> Event<'a> {
    /// An event without status and values.
    #[must_use]
    pub fn new(epoch: i64, time: i64, id: impl Into<Cow<'a, str>>) -> Self {
        Self { epoch, time, id: id.into(), status: None, values: EventValues::default(), unknown: Kept::NONE }
    }

    /// Nanoseconds since 1970; `None` beyond 64 bits, which none has that was read.
    #[must_use]
    pub const fn absolute(&self) -> Option<i64> {
        absolute(self.epoch, self.time)
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        self.unknown.members()
    }

    /// The same with texts and values of its own.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        Event {
            epoch: self.epoch,
            time: self.time,
            id: Cow::Owned(self.id.into_owned()),
            status: self.status.map(|status| Cow::Owned(status.into_owned())),
            values: EventValues(Repr::Slice(Cow::Owned(self.values.column().to_vec()))),
            unknown: self.unknown.into_owned(),
        }
    }
}

/// The values of an event: in place if it came in protobuf, else of its own.
#[derive(Clone)]
pub struct EventValues<'a>(Repr<'a>);

#[derive(Clone)]
enum Repr<'a> {
    Slice(Cow<'a, [f64]>),
    Packed(Column<'a>),
}

impl<'a> EventValues<'a> {
    pub(crate) const fn packed(column: Column<'a>) -> Self {
        Self(Repr::Packed(column))
    }

    /// All of them.
    #[must_use]
    pub fn column(&self) -> Column<'_> {
        match &self.0 {
            Repr::Slice(slice) => Column::from(&**slice),
            Repr::Packed(column) => *column,
        }
    }
}

impl Default for EventValues<'_> {
    fn default() -> Self {
        Self(Repr::Slice(Cow::Borrowed(&[])))
    }
}

impl<'a> From<&'a [f64]> for EventValues<'a> {
    fn from(values: &'a [f64]) -> Self {
        Self(Repr::Slice(Cow::Borrowed(values)))
    }
}

impl From<Vec<f64>> for EventValues<'_> {
    fn from(values: Vec<f64>) -> Self {
        Self(Repr::Slice(Cow::Owned(values)))
    }
}

impl PartialEq for EventValues<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.column() == other.column()
    }
}

impl fmt::Debug for EventValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.column().fmt(f)
    }
}

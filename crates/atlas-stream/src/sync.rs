use crate::time::absolute;
use crate::unknown::{Kept, UnknownMembers};

/// A point up to which all has come, of whatever type: what is older comes no more. What it holds is published nowhere: *ours* is that `epoch`
/// and `time` are as in other messages, and that nothing it holds is an error.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Sync<'a> {
    /// Nanoseconds from 1970 to what the time counts from.
    pub epoch: Option<i64>,
    /// Nanoseconds since the epoch. Without it the point is where the record stands in its partition.
    pub time: Option<i64>,
    pub(crate) unknown: Kept<'a>,
}

impl Sync<'_> {
    /// At a time.
    #[must_use]
    pub const fn new(epoch: i64, time: i64) -> Self {
        Self { epoch: Some(epoch), time: Some(time), unknown: Kept::NONE }
    }

    /// Nanoseconds since 1970, if it has a time and that is of 64 bits.
    #[must_use]
    pub fn absolute(&self) -> Option<i64> {
        absolute(self.epoch.unwrap_or_default(), self.time?)
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        self.unknown.members()
    }

    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Sync<'static> {
        Sync { epoch: self.epoch, time: self.time, unknown: self.unknown.into_owned() }
    }
}

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::aggregates::Aggregates;
use crate::column::{Column, Element, Statuses, Times};
use crate::error::{DecodeError, DecodeErrorKind as Kind};
use crate::telemetry::{TelemetryKind, TelemetryRef};
use crate::unknown::UnknownMembers;

/// Buffers for telemetry: what was read of a message, or what is to be written as one. They keep their memory from message to message.
///
/// ```
/// use atlas_stream::{Columns, TelemetryRef};
///
/// let mut columns = Columns::new();
/// for value in [&br#"{"time":[1],"data":[{"status":[1],"avg":[0.5]}]}"#[..], br#"{"time":[2],"data":[{"status":[17],"avg":["NaN"]}]}"#] {
///     columns.decode_data(value)?;
///     let data = TelemetryRef::from(&columns);
///     let speed = data.parameters().next().unwrap();
///     println!("{:?}: {:?} {:?}", speed.times(), speed.statuses(), speed.avg());
/// }
/// # Ok::<(), atlas_stream::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Columns {
    pub(crate) kind: TelemetryKind,
    pub(crate) format: OptionalText,
    pub(crate) feed: OptionalText,
    /// What all parameters have of `tdata`.
    pub(crate) epoch: i64,
    pub(crate) common_times: Span,
    pub(crate) times: Vec<i64>,
    pub(crate) statuses: Vec<u32>,
    pub(crate) values: Vec<f64>,
    pub(crate) names: String,
    pub(crate) entries: Vec<Entry>,
    /// Those with names by them.
    pub(crate) by_name: Vec<u32>,
    pub(crate) keeps_unknown: bool,
    pub(crate) unknown: String,
    pub(crate) unknown_of_entries: String,
}

/// A text that may not be there, and keeps its memory.
#[derive(Clone, Default)]
pub(crate) struct OptionalText {
    text: String,
    is_some: bool,
}

impl OptionalText {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.is_some = false;
    }

    /// An empty text to be written to.
    pub(crate) fn insert(&mut self) -> &mut String {
        self.text.clear();
        self.is_some = true;
        &mut self.text
    }

    /// A text of which an empty one is none.
    pub(crate) fn set(&mut self, text: &str) {
        self.clear();
        if !text.is_empty() {
            self.insert().push_str(text);
        }
    }

    pub(crate) fn get(&self) -> Option<&str> {
        self.is_some.then_some(&self.text)
    }
}

/// A part of one of the buffers, and where it came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    start: u32,
    len: u32,
    /// Where it is in the message.
    pub(crate) at: u32,
}

impl Span {
    pub(crate) const NONE: Self = Self { start: u32::MAX, len: 0, at: 0 };

    /// From an earlier length of a buffer to its length now; a message has less than 2^32 bytes, and not more values.
    pub(crate) fn new(start: usize, end: usize, at: usize) -> Self {
        let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self { start: narrow(start), len: narrow(end.saturating_sub(start)), at: narrow(at) }
    }

    pub(crate) const fn is_some(self) -> bool {
        self.start != u32::MAX
    }

    pub(crate) const fn len(self) -> usize {
        self.len as usize
    }

    fn of<T>(self, buffer: &[T]) -> Option<&[T]> {
        let start = self.start as usize;
        self.is_some().then(|| buffer.get(start..start.saturating_add(self.len())).unwrap_or_default())
    }

    pub(crate) fn text(self, buffer: &str) -> &str {
        let start = self.start as usize;
        buffer.get(start..start.saturating_add(self.len())).unwrap_or_default()
    }
}

/// Where the columns of a parameter are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Of those without a name.
    pub(crate) index: u32,
    pub(crate) name: Span,
    pub(crate) epoch: i64,
    pub(crate) times: Span,
    pub(crate) statuses: Span,
    /// `avg`, `min`, `max` and `first`; of samples only the first.
    pub(crate) values: [Span; 4],
    pub(crate) unknown: Span,
}

impl Entry {
    pub(crate) const fn new(index: u32) -> Self {
        let none = Span::NONE;
        Self { index, name: none, epoch: 0, times: none, statuses: none, values: [none; 4], unknown: none }
    }
}

impl Default for Columns {
    fn default() -> Self {
        Self::new()
    }
}

impl Columns {
    /// Empty ones, without memory of their own.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            kind: TelemetryKind::Data,
            format: OptionalText { text: String::new(), is_some: false },
            feed: OptionalText { text: String::new(), is_some: false },
            epoch: 0,
            common_times: Span::NONE,
            times: Vec::new(),
            statuses: Vec::new(),
            values: Vec::new(),
            names: String::new(),
            entries: Vec::new(),
            by_name: Vec::new(),
            keeps_unknown: true,
            unknown: String::new(),
            unknown_of_entries: String::new(),
        }
    }

    /// Whether members of JSON that nobody here knows are kept, to be written again. They are, unless this says otherwise.
    #[must_use]
    pub const fn with_unknown_members(mut self, are_kept: bool) -> Self {
        self.keeps_unknown = are_kept;
        self
    }

    /// What telemetry it is.
    #[must_use]
    pub const fn kind(&self) -> TelemetryKind {
        self.kind
    }

    /// The id of its data format.
    #[must_use]
    pub fn format(&self) -> Option<&str> {
        self.format.get()
    }

    /// Its feed; the default one has the name `""`.
    #[must_use]
    pub fn feed(&self) -> &str {
        self.feed.get().unwrap_or_default()
    }

    pub(crate) fn clear(&mut self, kind: TelemetryKind) {
        self.kind = kind;
        self.format.clear();
        self.feed.clear();
        (self.epoch, self.common_times) = (0, Span::NONE);
        self.times.clear();
        self.statuses.clear();
        self.values.clear();
        self.unknown.clear();
        self.clear_entries();
    }

    /// What `data` had before.
    pub(crate) fn clear_entries(&mut self) {
        self.entries.clear();
        self.by_name.clear();
        self.names.clear();
        self.unknown_of_entries.clear();
    }

    /// Where the parameter is of this place in the message.
    pub(crate) fn parameter(&self, place: usize) -> Option<Parameter<'_>> {
        let entry = self.entries.get(place)?;
        let key = if entry.name.is_some() {
            ParamKey::Name(entry.name.text(&self.names))
        } else {
            ParamKey::Index(entry.index)
        };
        Some(Parameter {
            key,
            is_samples: self.kind.is_samples(),
            epoch: entry.epoch,
            times: entry.times.of(&self.times).map_or(Column::EMPTY, Column::from),
            statuses: entry.statuses.of(&self.statuses).map(Column::from),
            values: entry.values.map(|span| span.of(&self.values).map(Column::from)),
            unknown: UnknownMembers::new(entry.unknown.text(&self.unknown_of_entries)),
        })
    }

    /// The one with this name, of those that have names.
    pub(crate) fn named(&self, name: &str) -> Option<Parameter<'_>> {
        let at = self.find_name(name).ok()?;
        self.parameter(*self.by_name.get(at)? as usize)
    }

    /// Where a name is among the others, or belongs.
    pub(crate) fn find_name(&self, name: &str) -> Result<usize, usize> {
        let entry = |place: &u32| self.entries.get(*place as usize);
        let text = |place: &u32| entry(place).map_or("", |entry| entry.name.text(&self.names));
        self.by_name.binary_search_by(|place| text(place).cmp(name))
    }

    /// The one with this index in the feed, of those that have no names.
    pub(crate) fn indexed(&self, index: u32) -> Option<Parameter<'_>> {
        let is_due =
            |place: usize| self.entries.get(place).is_some_and(|entry| entry.index == index && !entry.name.is_some());
        // Nearly always all are there, in order.
        let guess = index as usize;
        let place = if is_due(guess) { guess } else { (0..self.entries.len()).find(|place| is_due(*place))? };
        self.parameter(place)
    }

    pub(crate) fn shared_times(&self) -> Times<'_> {
        self.common_times.of(&self.times).map_or(Column::EMPTY, Column::from)
    }

    /// That parameters have no names any more.
    pub(crate) fn forget_names(&mut self) {
        self.by_name.clear();
        self.names.clear();
    }

    /// Puts names in order. Of those that are there twice the last stays; returns whether there were any.
    pub(crate) fn index_names(&mut self) -> bool {
        let Self { by_name, entries, names, .. } = self;
        let sort = |by_name: &mut Vec<u32>, entries: &[Entry]| {
            let key = |place: &u32| (entries.get(*place as usize).map_or("", |entry| entry.name.text(names)), *place);
            by_name.clear();
            by_name.extend((0_u32..).zip(entries).map(|(place, _)| place));
            if !by_name.is_sorted_by(|one, two| key(one) <= key(two)) {
                by_name.sort_unstable_by(|one, two| key(one).cmp(&key(two)));
            }
        };
        sort(by_name, entries);
        let name = |place: &u32| entries.get(*place as usize).map_or("", |entry| entry.name.text(names));
        let mut twice: Vec<u32> = Vec::new();
        for pair in by_name.windows(2) {
            if let [one, two] = pair {
                if name(one) == name(two) {
                    twice.push(*one);
                }
            }
        }
        if twice.is_empty() {
            return false;
        }
        twice.sort_unstable();
        let mut place = 0_u32;
        entries.retain(|_| {
            let stays = twice.binary_search(&place).is_err();
            place = place.wrapping_add(1);
            stays
        });
        sort(by_name, entries);
        true
    }

    /// That all arrays of a parameter are as long as its times, and that no time is beyond 64 bits since 1970.
    ///
    /// # Errors
    ///
    /// By `fault` of where the array is in the message, and whether it is the times, the flags, or one of the values.
    pub(crate) fn check(&self, fault: impl Fn(usize, Part) -> DecodeError) -> Result<(), DecodeError> {
        for entry in &self.entries {
            let due = entry.times.len();
            if entry.statuses.is_some() && entry.statuses.len() != due {
                return Err(fault(entry.statuses.at as usize, Part::Statuses).length(entry.statuses.len(), due));
            }
            for (part, span) in (0..).zip(entry.values) {
                if span.is_some() && span.len() != due {
                    return Err(fault(span.at as usize, Part::Values(part)).length(span.len(), due));
                }
            }
            if entry.times.start != self.common_times.start {
                self.check_times(entry.epoch, entry.times, &fault)?;
            }
        }
        self.check_times(self.epoch, self.common_times, &fault)
    }

    fn check_times(
        &self,
        epoch: i64,
        times: Span,
        fault: &impl Fn(usize, Part) -> DecodeError,
    ) -> Result<(), DecodeError> {
        if are_in_range(epoch, times.of(&self.times).unwrap_or_default()) {
            Ok(())
        } else {
            Err(fault(times.at as usize, Part::Times).of_kind(Kind::TimeOverflow))
        }
    }
}

/// Which array of a parameter an error is about.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Times,
    Statuses,
    Values(u8),
}

/// Whether all times are of 64 bits since 1970.
pub(crate) fn are_in_range(epoch: i64, times: &[i64]) -> bool {
    let (least, most) =
        times.iter().fold((0, 0), |(least, most): (i64, i64), time| (least.min(*time), most.max(*time)));
    epoch.checked_add(least).is_some() && epoch.checked_add(most).is_some()
}

/// The same parameters in the same order; a NaN is equal to none.
impl PartialEq for Columns {
    fn eq(&self, other: &Self) -> bool {
        TelemetryRef::from(self) == TelemetryRef::from(other)
    }
}

impl fmt::Debug for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TelemetryRef::from(self).fmt(f)
    }
}

/// Which parameter of the feed something is of: JSON has the names of samples, and all else its index, which the data format tells the name to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are these two")]
pub enum ParamKey<'a> {
    /// The index among the parameters of the feed.
    Index(u32),
    /// The identifier.
    Name(&'a str),
}

impl fmt::Display for ParamKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Debug for ParamKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Name(name) => write!(f, "{name:?}"),
        }
    }
}

/// The columns of a parameter, all as long as its times.
#[derive(Clone, Copy)]
pub struct Parameter<'a> {
    pub(crate) key: ParamKey<'a>,
    pub(crate) is_samples: bool,
    pub(crate) epoch: i64,
    pub(crate) times: Times<'a>,
    pub(crate) statuses: Option<Statuses<'a>>,
    pub(crate) values: [Option<Column<'a>>; 4],
    pub(crate) unknown: UnknownMembers<'a>,
}

impl<'a> Parameter<'a> {
    /// Which one it is.
    #[must_use]
    pub const fn key(&self) -> ParamKey<'a> {
        self.key
    }

    /// Nanoseconds from 1970 to what its times count from.
    #[must_use]
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Nanoseconds since the epoch, one for each value.
    #[must_use]
    pub const fn times(&self) -> Times<'a> {
        self.times
    }

    /// Nanoseconds since 1970, one for each value: that they are of 64 bits was checked.
    pub fn absolute_times(&self) -> impl ExactSizeIterator<Item = i64> + use<'a> {
        let epoch = self.epoch;
        self.times.iter().map(move |time| epoch.saturating_add(time))
    }

    /// The flags of data; samples have none.
    #[must_use]
    pub const fn statuses(&self) -> Option<Statuses<'a>> {
        self.statuses
    }

    /// The values of samples; data has aggregates.
    #[must_use]
    pub const fn values(&self) -> Option<Column<'a>> {
        let [values, ..] = self.values;
        if self.is_samples { values } else { None }
    }

    /// One of the aggregates of data, such as [`Aggregates::AVG`]; of samples none.
    #[inline]
    #[must_use]
    pub fn aggregate(&self, aggregate: Aggregates) -> Option<Column<'a>> {
        let of = Aggregates::EACH.iter().zip(&self.values).find(|(each, _)| **each == aggregate);
        of.and_then(|(_, column)| *column).filter(|_| !self.is_samples)
    }

    /// The means.
    #[must_use]
    pub fn avg(&self) -> Option<Column<'a>> {
        self.aggregate(Aggregates::AVG)
    }

    /// The least.
    #[must_use]
    pub fn min(&self) -> Option<Column<'a>> {
        self.aggregate(Aggregates::MIN)
    }

    /// The largest.
    #[must_use]
    pub fn max(&self) -> Option<Column<'a>> {
        self.aggregate(Aggregates::MAX)
    }

    /// The first.
    #[must_use]
    pub fn first(&self) -> Option<Column<'a>> {
        self.aggregate(Aggregates::FIRST)
    }

    /// Which aggregates are there.
    #[must_use]
    pub fn aggregates(&self) -> Aggregates {
        let there = Aggregates::EACH.iter().zip(self.values).filter(|(_, column)| column.is_some() && !self.is_samples);
        there.fold(Aggregates::NONE, |all, (each, _)| all | *each)
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub const fn unknown(&self) -> UnknownMembers<'a> {
        self.unknown
    }
}

/// The same columns, however they lie; a NaN is equal to none.
impl<'b> PartialEq<Parameter<'b>> for Parameter<'_> {
    fn eq(&self, other: &Parameter<'b>) -> bool {
        (self.key, self.epoch, self.is_samples, self.unknown)
            == (other.key, other.epoch, other.is_samples, other.unknown)
            && self.times == other.times
            && same(self.statuses, other.statuses)
            && self.values.iter().zip(other.values).all(|(one, two)| same(*one, two))
    }
}

fn same<T: Element>(one: Option<Column<'_, T>>, two: Option<Column<'_, T>>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => one == two,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

impl fmt::Debug for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Parameter");
        out.field("key", &self.key).field("epoch", &self.epoch).field("times", &self.times);
        if let Some(statuses) = &self.statuses {
            out.field("statuses", statuses);
        }
        for (name, column) in ["avg", "min", "max", "first"].into_iter().zip(&self.values) {
            if let Some(column) = column {
                out.field(if self.is_samples { "values" } else { name }, column);
            }
        }
        out.finish()
    }
}

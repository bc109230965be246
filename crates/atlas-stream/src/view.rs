use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::aggregates::Aggregates;
use crate::column::{Column, Statuses, Times};
use crate::columns::{ParamKey, Parameter};
use crate::format::{DataFormat, Feed};
use crate::telemetry::{TelemetryKind, TelemetryRef};

/// The parameters of a feed that a reader wants, in its own order, whatever the order of the data format of a message is.
///
/// ```
/// use atlas_stream::{Aggregates, Columns, DataFormat, TelemetryRef, View};
///
/// let document = br#"{"feeds":{"":{"parameters":[{"identifier":"gLat:Chassis","aggregates":"Min, Max"},{"identifier":"vCar:Chassis","aggregates":"Avg"}]}}}"#;
/// let (format, _) = DataFormat::decode(document)?;
/// let mut columns = Columns::new();
/// columns.decode_data(br#"{"time":[1],"data":[{"status":[1],"min":[-0.5],"max":[0.5]},{"status":[1],"avg":[92.0]}],"format":"a"}"#)?;
/// let data = TelemetryRef::from(&columns);
///
/// let mut view = View::new("").with("vCar:Chassis", Aggregates::AVG).with("pBrake:ECU", Aggregates::AVG);
/// let bound = view.bind(&data, &format)?;
/// let speed = bound.column(0).unwrap();
/// assert_eq!(speed.values().to_vec(), [92.0]);
/// let brake = bound.column(1).unwrap();
/// assert!(brake.values().get(0).unwrap().is_nan() && brake.statuses().unwrap() == [0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct View {
    feed: String,
    wanted: Vec<(String, Aggregates)>,
    /// Each column: which of the wanted it is of, and which aggregate of that.
    columns: Vec<(usize, Aggregates)>,
    /// The format that the indexes are of.
    format: Option<String>,
    /// Indexes in the feed of the format, in order, and which of the wanted is there.
    indexes: Vec<(u32, usize)>,
    /// The indexes of the feed, in the order of names.
    by_name: Vec<u32>,
}

impl View {
    /// Of a feed; the default one has the name `""`.
    #[must_use]
    pub fn new(feed: impl Into<String>) -> Self {
        Self {
            feed: feed.into(),
            wanted: Vec::new(),
            columns: Vec::new(),
            format: None,
            indexes: Vec::new(),
            by_name: Vec::new(),
        }
    }

    /// With a parameter more, and which aggregates of it: each is a column. Of samples each column is the values; [`Aggregates::NONE`] is one
    /// column, too, which data does not have.
    #[must_use]
    pub fn with(mut self, identifier: impl Into<String>, aggregates: Aggregates) -> Self {
        let place = self.wanted.len();
        self.columns.extend(aggregates.iter().map(|aggregate| (place, aggregate)));
        if aggregates.is_empty() {
            self.columns.push((place, Aggregates::NONE));
        }
        self.wanted.push((identifier.into(), aggregates));
        self.format = None;
        self
    }

    /// Forgets where parameters are, as if no message had come: after another document was stored under the same id.
    pub fn reset(&mut self) {
        self.format = None;
    }

    /// Which feed it is of.
    #[must_use]
    pub fn feed(&self) -> &str {
        &self.feed
    }

    /// How many columns it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether it has no columns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds its columns in a message by the data format that the message names. A stream may go on with another format at any message: where
    /// parameters are is looked for again if the id of the format is another than before, or is not told. One id stands for one document.
    ///
    /// # Errors
    ///
    /// A message of another feed; a feed that the format does not have; a parameter that the feed does not have.
    pub fn bind<'v, 'm>(
        &'v mut self,
        message: &'m TelemetryRef<'_>,
        format: &DataFormat<'_>,
    ) -> Result<Bound<'v, 'm>, BindError> {
        if message.feed() != self.feed {
            return Err(BindError::OtherFeed);
        }
        let feed = format.feed(message.feed()).ok_or(BindError::UnknownFeed)?;
        let id = message.format().filter(|id| !id.is_empty());
        if id.is_none() || self.format.as_deref() != id {
            self.format = None;
            self.look(feed);
        }
        // What was looked up is kept only for a message that goes with it.
        check(message, feed)?;
        if self.format.as_deref() != id {
            self.format = id.map(ToOwned::to_owned);
        }
        self.find(message, Some(feed))
    }

    /// The same for a message whose parameters have names, as samples have in JSON, without its data format.
    ///
    /// # Errors
    ///
    /// A message of another feed; parameters without names.
    pub fn bind_named<'v, 'm>(&'v self, message: &'m TelemetryRef<'_>) -> Result<Bound<'v, 'm>, BindError> {
        if message.feed() != self.feed {
            return Err(BindError::OtherFeed);
        }
        self.find(message, None)
    }

    fn find<'v, 'm>(
        &'v self,
        message: &'m TelemetryRef<'_>,
        feed: Option<&Feed<'_>>,
    ) -> Result<Bound<'v, 'm>, BindError> {
        let mut found = alloc::vec![None; self.wanted.len()];
        let (mut count, mut has_names) = (0_usize, false);
        let mut notes = BindNotes::default();
        let len = feed.map_or(0, |feed| feed.parameters.len());
        for parameter in message.parameters() {
            count = count.saturating_add(1);
            match parameter.key() {
                ParamKey::Index(index) => {
                    let due = feed.ok_or(BindError::NoNames)?.parameters.get(index as usize);
                    let due = due.ok_or(BindError::UnknownParameter { index, len })?;
                    // Where there are no times, protobuf has no aggregates either.
                    let has_aggregates = !parameter.is_samples && !parameter.times().is_empty();
                    notes.has_other_aggregates |= has_aggregates && parameter.aggregates() != due.aggregates;
                    let start = self.indexes.partition_point(|(other, _)| *other < index);
                    let same = self.indexes.iter().skip(start).take_while(|(other, _)| *other == index);
                    for (_, place) in same {
                        found.get_mut(*place).into_iter().for_each(|slot| *slot = Some(parameter));
                    }
                }
                ParamKey::Name(name) => {
                    has_names = true;
                    notes.has_unknown_names |= feed.is_some_and(|feed| !self.is_in(feed, name));
                }
            }
        }
        if has_names {
            for ((name, _), slot) in self.wanted.iter().zip(&mut found) {
                *slot = slot.or_else(|| message.parameter(ParamKey::Name(name)));
            }
        }
        notes.has_fewer_parameters = message.kind() == TelemetryKind::Data && count < len;
        Ok(Bound {
            view: self,
            found,
            epoch: message.epoch(),
            times: message.times(),
            is_samples: message.kind().is_samples(),
            notes,
        })
    }

    fn look(&mut self, feed: &Feed<'_>) {
        let by_name: BTreeMap<&str, u32> =
            (0..).zip(&feed.parameters).map(|(index, parameter)| (&*parameter.identifier, index)).collect();
        let places = self.wanted.iter().enumerate();
        self.indexes.clear();
        self.indexes.extend(places.filter_map(|(place, (name, _))| Some((*by_name.get(&**name)?, place))));
        self.indexes.sort_unstable();
        self.by_name.clear();
        self.by_name.extend(by_name.into_values());
    }

    /// Whether the feed that was looked at has a name.
    fn is_in(&self, feed: &Feed<'_>, name: &str) -> bool {
        let of_feed = |index: &u32| feed.parameters.get(*index as usize).map_or("", |parameter| &*parameter.identifier);
        self.by_name.binary_search_by(|index| of_feed(index).cmp(name)).is_ok()
    }
}

/// That the feed has all parameters that come by index.
fn check(message: &TelemetryRef<'_>, feed: &Feed<'_>) -> Result<(), BindError> {
    let len = feed.parameters.len();
    let beyond = message.parameters().find_map(|parameter| match parameter.key() {
        ParamKey::Index(index) if index as usize >= len => Some(index),
        ParamKey::Index(_) | ParamKey::Name(_) => None,
    });
    beyond.map_or(Ok(()), |index| Err(BindError::UnknownParameter { index, len }))
}

/// Why a message could not be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The message is of another feed than the view: streams have several, and who wants more than one has a view for each.
    #[error("message of another feed")]
    OtherFeed,
    /// The data format does not have the feed.
    #[error("feed is not in the data format")]
    UnknownFeed,
    /// Parameters without names, and no data format that tells them.
    #[error("parameters without names")]
    NoNames,
    /// The message has a parameter that is not in the feed.
    #[error("parameter {index} is beyond the feed, which has {len}")]
    UnknownParameter {
        /// Its index.
        index: u32,
        /// How many parameters the feed has.
        len: usize,
    },
}

/// How a message differs from its data format, although it could be bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BindNotes {
    /// A parameter has other aggregates than the format tells.
    pub has_other_aggregates: bool,
    /// Samples by a name that the format does not have.
    pub has_unknown_names: bool,
    /// Data has fewer parameters than the feed: in JSON it cannot be told which are missing, and the last are taken for these.
    pub has_fewer_parameters: bool,
}

impl BindNotes {
    /// Whether it does not differ.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// The columns of a [`View`] in a message.
#[derive(Clone)]
pub struct Bound<'v, 'm> {
    view: &'v View,
    found: Vec<Option<Parameter<'m>>>,
    epoch: i64,
    times: Times<'m>,
    is_samples: bool,
    notes: BindNotes,
}

impl<'v, 'm> Bound<'v, 'm> {
    /// How the message differs from its data format.
    #[must_use]
    pub const fn notes(&self) -> BindNotes {
        self.notes
    }

    /// The columns, in the order of the view: of a parameter its mean, its least, its largest and its first value, as far as they are wanted.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = BoundColumn<'v, 'm>> {
        self.view.columns.iter().map(|(place, aggregate)| self.column_of(*place, *aggregate))
    }

    /// One of the columns.
    #[must_use]
    pub fn column(&self, index: usize) -> Option<BoundColumn<'v, 'm>> {
        self.view.columns.get(index).map(|(place, aggregate)| self.column_of(*place, *aggregate))
    }

    fn column_of(&self, place: usize, aggregate: Aggregates) -> BoundColumn<'v, 'm> {
        let name = self.view.wanted.get(place).map_or("", |(name, _)| name);
        let Some(parameter) = self.found.get(place).and_then(Option::as_ref) else {
            let len = self.times.len();
            return BoundColumn {
                identifier: name,
                aggregate,
                epoch: self.epoch,
                times: self.times,
                statuses: (!self.is_samples).then(|| Column::repeated(0, len)),
                values: Column::repeated(f64::NAN, len),
                is_missing: true,
            };
        };
        let values = if self.is_samples { parameter.values() } else { parameter.aggregate(aggregate) };
        BoundColumn {
            identifier: name,
            aggregate,
            epoch: parameter.epoch(),
            times: parameter.times(),
            statuses: parameter.statuses(),
            values: values.unwrap_or_else(|| Column::repeated(f64::NAN, parameter.times().len())),
            is_missing: values.is_none(),
        }
    }
}

impl fmt::Debug for Bound<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.columns()).finish()
    }
}

/// A column of a [`View`] in a message. What the message does not have is as many NaN as it has times; of a parameter that it does not have all
/// statuses are 0.
#[derive(Clone, Copy, Debug)]
pub struct BoundColumn<'v, 'm> {
    identifier: &'v str,
    aggregate: Aggregates,
    epoch: i64,
    times: Times<'m>,
    statuses: Option<Statuses<'m>>,
    values: Column<'m>,
    is_missing: bool,
}

impl<'v, 'm> BoundColumn<'v, 'm> {
    /// The name of the parameter.
    #[must_use]
    pub const fn identifier(&self) -> &'v str {
        self.identifier
    }

    /// Which aggregate it is.
    #[must_use]
    pub const fn aggregate(&self) -> Aggregates {
        self.aggregate
    }

    /// Nanoseconds from 1970 to what the times count from.
    #[must_use]
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Nanoseconds since the epoch, one for each value.
    #[must_use]
    pub const fn times(&self) -> Times<'m> {
        self.times
    }

    /// Nanoseconds since 1970, one for each value: that they are of 64 bits was checked.
    pub fn absolute_times(&self) -> impl ExactSizeIterator<Item = i64> + use<'m> {
        let epoch = self.epoch;
        self.times.iter().map(move |time| epoch.saturating_add(time))
    }

    /// The flags of data; samples have none.
    #[must_use]
    pub const fn statuses(&self) -> Option<Statuses<'m>> {
        self.statuses
    }

    /// The values.
    #[must_use]
    pub const fn values(&self) -> Column<'m> {
        self.values
    }

    /// Whether the message does not have it.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        self.is_missing
    }
}

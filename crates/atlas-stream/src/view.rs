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
/// use atlas_stream::{Aggregates, Columns, DataFormat, Limits, TelemetryRef, View};
///
/// let document = br#"{"feeds":{"":{"parameters":[{"identifier":"gLat:Chassis","aggregates":"Min, Max"},{"identifier":"vCar:Chassis","aggregates":"Avg"}]}}}"#;
/// let (format, _) = DataFormat::decode(document, &Limits::DEFAULT)?;
/// let mut columns = Columns::new();
/// columns.decode_data(br#"{"time":[1],"data":[{"status":[1],"min":[-0.5],"max":[0.5]},{"status":[1],"avg":[92.0]}],"format":"a"}"#, &Limits::DEFAULT)?;
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
    /// The format that the indexes are of.
    format: Option<String>,
    /// Indexes in the feed of the format, in order, and which of the wanted is there.
    indexes: Vec<(u32, usize)>,
}

impl View {
    /// Of a feed; the default one has the name `""`.
    #[must_use]
    pub fn new(feed: impl Into<String>) -> Self {
        Self { feed: feed.into(), wanted: Vec::new(), format: None, indexes: Vec::new() }
    }

    /// With a parameter more, and which aggregates of it: each is a column. Of samples each column is the values.
    #[must_use]
    pub fn with(mut self, identifier: impl Into<String>, aggregates: Aggregates) -> Self {
        self.wanted.push((identifier.into(), aggregates));
        self.format = None;
        self
    }

    /// Which feed it is of.
    #[must_use]
    pub fn feed(&self) -> &str {
        &self.feed
    }

    /// How many columns it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.wanted.iter().map(|(_, aggregates)| aggregates.iter().count()).sum()
    }

    /// Whether it has no columns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds its columns in a message by the data format that the message names. A stream may go on with another format at any message: where
    /// parameters are is looked for again if the id of the format is another than before, or is not told.
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
        if self.format.is_none() || self.format.as_deref() != message.format() {
            self.look(feed);
            self.format = message.format().map(ToOwned::to_owned);
        }
        let mut found = alloc::vec![None; self.wanted.len()];
        let (mut count, mut has_other_aggregates, mut has_unknown_names) = (0_usize, false, false);
        for parameter in message.parameters() {
            count = count.saturating_add(1);
            match parameter.key() {
                ParamKey::Index(index) => {
                    let len = feed.parameters.len();
                    let due = feed.parameters.get(index as usize).ok_or(BindError::UnknownParameter { index, len })?;
                    has_other_aggregates |= !parameter.is_samples && parameter.aggregates() != due.aggregates;
                    let start = self.indexes.partition_point(|(other, _)| *other < index);
                    let same = self.indexes.iter().skip(start).take_while(|(other, _)| *other == index);
                    for (_, place) in same {
                        found.get_mut(*place).into_iter().for_each(|slot| *slot = Some(parameter));
                    }
                }
                ParamKey::Name(name) => has_unknown_names |= feed.position(name).is_none(),
            }
        }
        for ((name, _), slot) in self.wanted.iter().zip(&mut found) {
            if slot.is_none() {
                *slot = message.parameter(ParamKey::Name(name));
            }
        }
        let notes = BindNotes {
            has_other_aggregates,
            has_unknown_names,
            has_fewer_parameters: message.kind() == TelemetryKind::Data && count < feed.parameters.len(),
        };
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
    }
}

/// Why a message could not be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The message is of another feed than the view.
    #[error("message of another feed")]
    OtherFeed,
    /// The data format does not have the feed.
    #[error("feed is not in the data format")]
    UnknownFeed,
    /// The message has a parameter that is not in the feed.
    #[error("parameter {index} of a feed of {len}")]
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
    pub fn columns(&self) -> impl Iterator<Item = BoundColumn<'v, 'm>> {
        let wanted = self.view.wanted.iter().zip(&self.found);
        wanted.flat_map(move |((name, aggregates), found)| {
            aggregates.iter().map(move |aggregate| self.column_of(name, aggregate, found.as_ref()))
        })
    }

    /// One of the columns.
    #[must_use]
    pub fn column(&self, index: usize) -> Option<BoundColumn<'v, 'm>> {
        self.columns().nth(index)
    }

    fn column_of(&self, name: &'v str, aggregate: Aggregates, found: Option<&Parameter<'m>>) -> BoundColumn<'v, 'm> {
        let Some(parameter) = found else {
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

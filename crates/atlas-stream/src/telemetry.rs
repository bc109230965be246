use alloc::borrow::Cow;
use core::fmt;

use crate::column::Times;
use crate::columns::{Columns, ParamKey, Parameter};
use crate::protobuf::{self, Packed};
use crate::unknown::UnknownMembers;

/// What telemetry is: aggregated or samples, and whether it comes late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are these four")]
pub enum TelemetryKind {
    /// `tdata` and `ParameterDataMessage`: aggregated, at times that are the same for all parameters.
    Data,
    /// `ParameterDataBackFillMessage`: aggregated, each parameter at times of its own. There is no JSON of it.
    DataBackFill,
    /// `tsamples` and `ParameterSamplesMessage`: as measured, each parameter at times of its own.
    Samples,
    /// `ParameterSamplesBackFillMessage`: the same, late. There is no JSON of it.
    SamplesBackFill,
}

impl TelemetryKind {
    /// Whether it is as measured, without flags and aggregates.
    #[must_use]
    pub const fn is_samples(self) -> bool {
        matches!(self, Self::Samples | Self::SamplesBackFill)
    }

    /// Whether it is late.
    #[must_use]
    pub const fn is_back_fill(self) -> bool {
        matches!(self, Self::DataBackFill | Self::SamplesBackFill)
    }
}

/// Telemetry of one message, whether it came in JSON or in protobuf: parameters, and a column for each of what there is of them.
#[derive(Clone)]
pub struct TelemetryRef<'a> {
    repr: Repr<'a>,
}

#[derive(Clone)]
enum Repr<'a> {
    Columns(Cow<'a, Columns>),
    /// Where it lies.
    Packed(Packed<'a>),
}

impl<'a> TelemetryRef<'a> {
    pub(crate) const fn packed(message: Packed<'a>) -> Self {
        Self { repr: Repr::Packed(message) }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> TelemetryKind {
        match &self.repr {
            Repr::Columns(columns) => columns.kind,
            Repr::Packed(message) => message.kind(),
        }
    }

    /// The id of the data format that tells which parameters it has.
    #[must_use]
    pub fn format(&self) -> Option<&str> {
        match &self.repr {
            Repr::Columns(columns) => columns.format.get(),
            Repr::Packed(message) => Some(message.format()).filter(|format| !format.is_empty()),
        }
    }

    /// The feed of the data format; the default one has the name `""`.
    #[must_use]
    pub fn feed(&self) -> &str {
        match &self.repr {
            Repr::Columns(columns) => columns.feed.get().unwrap_or_default(),
            Repr::Packed(message) => message.feed(),
        }
    }

    /// Nanoseconds from 1970 to what the times count from that parameters share; 0 if each has its own.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        match &self.repr {
            Repr::Columns(columns) => columns.epoch,
            Repr::Packed(message) => message.epoch(),
        }
    }

    /// The times that parameters share; none if each has its own.
    #[must_use]
    pub fn times(&self) -> Times<'_> {
        match &self.repr {
            Repr::Columns(columns) => columns.shared_times(),
            Repr::Packed(message) => message.times(),
        }
    }

    /// How many parameters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Columns(columns) => columns.entries.len(),
            Repr::Packed(message) => message.len(),
        }
    }

    /// Whether there are no parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The parameters, in the order of the message.
    pub fn parameters(&self) -> Parameters<'_> {
        Parameters {
            source: match &self.repr {
                Repr::Columns(columns) => Source::Columns { columns, place: 0 },
                Repr::Packed(message) => Source::Packed(message.parameters()),
            },
        }
    }

    /// The parameter with this index or this name, if the message has it by what is asked for. In protobuf it is looked for from the front: who
    /// wants several has a [`View`](crate::View), or goes through all.
    #[must_use]
    pub fn parameter(&self, key: ParamKey<'_>) -> Option<Parameter<'_>> {
        match (&self.repr, key) {
            (Repr::Columns(columns), ParamKey::Index(index)) => columns.indexed(index),
            (Repr::Columns(columns), ParamKey::Name(name)) => columns.named(name),
            (Repr::Packed(_), ParamKey::Name(_)) => None,
            (Repr::Packed(_), ParamKey::Index(_)) => self.parameters().find(|parameter| parameter.key() == key),
        }
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        match &self.repr {
            Repr::Columns(columns) => UnknownMembers::new(&columns.unknown),
            Repr::Packed(_) => UnknownMembers::default(),
        }
    }

    /// Whether its columns lie in the bytes of the message.
    #[must_use]
    pub const fn is_in_place(&self) -> bool {
        matches!(self.repr, Repr::Packed(_))
    }

    /// The same in buffers of its own.
    #[must_use]
    pub fn into_owned(self) -> Columns {
        match self.repr {
            Repr::Columns(columns) => columns.into_owned(),
            Repr::Packed(message) => message.to_columns(),
        }
    }
}

impl<'a> From<&'a Columns> for TelemetryRef<'a> {
    fn from(columns: &'a Columns) -> Self {
        Self { repr: Repr::Columns(Cow::Borrowed(columns)) }
    }
}

impl From<Columns> for TelemetryRef<'_> {
    fn from(columns: Columns) -> Self {
        Self { repr: Repr::Columns(Cow::Owned(columns)) }
    }
}

/// The same parameters in the same order, whatever they came in; a NaN is equal to none.
impl<'b> PartialEq<TelemetryRef<'b>> for TelemetryRef<'_> {
    fn eq(&self, other: &TelemetryRef<'b>) -> bool {
        self.kind() == other.kind()
            && (self.format(), self.feed()) == (other.format(), other.feed())
            // What parameters of other telemetry share they have each.
            && (self.kind() != TelemetryKind::Data || (self.epoch(), self.times()) == (other.epoch(), other.times()))
            && self.unknown() == other.unknown()
            && self.len() == other.len()
            && self.parameters().zip(other.parameters()).all(|(one, two)| one == two)
    }
}

impl fmt::Debug for TelemetryRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Telemetry");
        out.field("kind", &self.kind()).field("format", &self.format()).field("feed", &self.feed());
        out.field("parameters", &self.parameters()).finish_non_exhaustive()
    }
}

/// The parameters of a message, one after the other.
#[derive(Clone)]
pub struct Parameters<'a> {
    source: Source<'a>,
}

#[derive(Clone)]
enum Source<'a> {
    Columns { columns: &'a Columns, place: usize },
    Packed(protobuf::Parameters<'a>),
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Parameter<'a>;

    #[inline]
    fn next(&mut self) -> Option<Parameter<'a>> {
        match &mut self.source {
            Source::Columns { columns, place } => {
                let parameter = columns.parameter(*place)?;
                *place = place.saturating_add(1);
                Some(parameter)
            }
            Source::Packed(parameters) => parameters.next(),
        }
    }
}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

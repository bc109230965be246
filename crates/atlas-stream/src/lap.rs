use alloc::borrow::Cow;
use core::fmt;

use crate::time::absolute;
use crate::unknown::{Kept, UnknownMembers};

/// A lap trigger: that a lap begins. *Ours*: that it is the beginning and not the end, which the documents do not say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Lap<'a> {
    /// Its number.
    pub number: i64,
    /// Nanoseconds from 1970 to what the time counts from.
    pub epoch: i64,
    /// Nanoseconds since the epoch.
    pub time: i64,
    /// What lap it is.
    pub lap_type: LapType<'a>,
    /// What told so.
    pub trigger_source: TriggerSource,
    pub(crate) unknown: Kept<'a>,
}

impl<'a> Lap<'a> {
    /// A lap.
    #[must_use]
    pub const fn new(number: i64, epoch: i64, time: i64, lap_type: LapType<'a>, trigger_source: TriggerSource) -> Self {
        Self { number, epoch, time, lap_type, trigger_source, unknown: Kept::NONE }
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

    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Lap<'static> {
        Lap {
            number: self.number,
            epoch: self.epoch,
            time: self.time,
            lap_type: self.lap_type.into_owned(),
            trigger_source: self.trigger_source,
            unknown: self.unknown.into_owned(),
        }
    }
}

/// What lap begins, by its name in JSON; names that nobody here knows are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LapType<'a> {
    /// `fastLap`
    Fast,
    /// `pitLane`
    PitLane,
    /// `outLap`
    Out,
    /// `inLap`
    In,
    /// Another.
    Other(Cow<'a, str>),
}

impl<'a> LapType<'a> {
    /// By its name, in any case of letters.
    #[must_use]
    pub fn from_name(name: impl Into<Cow<'a, str>>) -> Self {
        let name = name.into();
        let known = [Self::Fast, Self::PitLane, Self::Out, Self::In];
        known.into_iter().find(|known| known.name().eq_ignore_ascii_case(&name)).unwrap_or(Self::Other(name))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Fast => "fastLap",
            Self::PitLane => "pitLane",
            Self::Out => "outLap",
            Self::In => "inLap",
            Self::Other(name) => name,
        }
    }

    /// The same with a name of its own.
    #[must_use]
    pub fn into_owned(self) -> LapType<'static> {
        match self {
            Self::Fast => LapType::Fast,
            Self::PitLane => LapType::PitLane,
            Self::Out => LapType::Out,
            Self::In => LapType::In,
            Self::Other(name) => LapType::Other(Cow::Owned(name.into_owned())),
        }
    }
}

impl fmt::Display for LapType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What told that a lap begins; numbers without a name are kept. It says nothing of the [`LapType`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct TriggerSource(pub i64);

impl TriggerSource {
    /// Passing the main straight.
    pub const MAIN_STRAIGHT: Self = Self(0);
    /// Passing the pit lane.
    pub const PIT_LANE: Self = Self(1);
    /// Nothing in particular.
    pub const DEFAULT: Self = Self(2);
    /// Telemetry began.
    pub const TELEMETRY_START: Self = Self(3);
    /// Telemetry ended.
    pub const TELEMETRY_END: Self = Self(4);

    /// Its name, if it has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "main straight",
            1 => "pit lane",
            2 => "default",
            3 => "telemetry start",
            4 => "telemetry end",
            _ => return None,
        })
    }
}

impl fmt::Display for TriggerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Debug for TriggerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

use core::fmt;

/// What lap begins, by its name in JSON; names that nobody here knows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    Other(&'a str),
}

impl<'a> LapType<'a> {
    /// By its name, in any case of letters.
    #[must_use]
    pub fn from_name(name: &'a str) -> Self {
        let known = [Self::Fast, Self::PitLane, Self::Out, Self::In];
        known.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)).unwrap_or(Self::Other(name))
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'a str {
        match self {
            Self::Fast => "fastLap",
            Self::PitLane => "pitLane",
            Self::Out => "outLap",
            Self::In => "inLap",
            Self::Other(name) => name,
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

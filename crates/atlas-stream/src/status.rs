use core::fmt;
use core::ops::BitOr;

/// What is known of a sample in `tdata`: flags, of which those without a name are kept.
///
/// ```
/// use atlas_stream::DataStatus;
///
/// let status = DataStatus(17);
/// assert!(status.has_sample() && status.contains(DataStatus::INCOMPLETE));
/// assert_eq!(status.to_string(), "Sample, Incomplete");
/// assert_eq!(DataStatus(0).to_string(), "Missing");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct DataStatus(pub u32);

impl DataStatus {
    /// No sample.
    pub const MISSING: Self = Self(0);
    /// The interval has a valid sample, or more.
    pub const SAMPLE: Self = Self(1);
    /// A stand-in, as after a fault of the sensor.
    pub const DEFAULT: Self = Self(2);
    /// The time is in front of the first sample.
    pub const BEFORE_START: Self = Self(4);
    /// The time is behind the last sample.
    pub const AFTER_END: Self = Self(8);
    /// Some samples of the interval are missing.
    pub const INCOMPLETE: Self = Self(16);
    /// Interpolated.
    pub const INTERPOLATED: Self = Self(32);
    /// Still being fetched; not in streams.
    pub const PENDING: Self = Self(64);
    /// A gap in the data.
    pub const GAP: Self = Self(128);

    const NAMED: [(Self, &'static str); 8] = [
        (Self::SAMPLE, "Sample"),
        (Self::DEFAULT, "Default"),
        (Self::BEFORE_START, "BeforeStart"),
        (Self::AFTER_END, "AfterEnd"),
        (Self::INCOMPLETE, "Incomplete"),
        (Self::INTERPOLATED, "Interpolated"),
        (Self::PENDING, "Pending"),
        (Self::GAP, "Gap"),
    ];

    /// Whether there is a sample. Values are usable unless they are NaN, whatever this says.
    #[must_use]
    pub const fn has_sample(self) -> bool {
        self.contains(Self::SAMPLE)
    }

    /// Whether all these flags are set.
    #[must_use]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }
}

impl BitOr for DataStatus {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for DataStatus {
    /// By names, and what has none as a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("Missing");
        }
        let mut rest = self.0;
        for (flag, name) in Self::NAMED {
            if self.contains(flag) {
                let comma = if rest == self.0 { "" } else { ", " };
                write!(f, "{comma}{name}")?;
                rest &= !flag.0;
            }
        }
        match rest {
            0 => Ok(()),
            _ if rest == self.0 => rest.fmt(f),
            _ => write!(f, ", {rest}"),
        }
    }
}

impl fmt::Debug for DataStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

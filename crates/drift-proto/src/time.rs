use core::fmt;
use core::time::Duration;

use crate::wire::{Field, Fields, Value, two_varints};

/// `google.protobuf.Timestamp`: a point in time, before 1970 too. On the wire both numbers may be anything; the order of timestamps is that of
/// their numbers, seconds first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that a timestamp has")]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00 UTC, rounded down.
    pub seconds: i64,
    /// Nanoseconds since then: 0 to 999 999 999, also before 1970.
    pub nanos: i32,
}

/// Nanoseconds of a second.
const SECOND: i128 = 1_000_000_000;

impl Timestamp {
    /// From nanoseconds since 1970; `None` beyond 64 bits of seconds.
    #[must_use]
    pub fn from_unix_nanos(nanos: i128) -> Option<Self> {
        let seconds = i64::try_from(nanos.checked_div_euclid(SECOND)?).ok()?;
        Some(Self { seconds, nanos: i32::try_from(nanos.checked_rem_euclid(SECOND)?).ok()? })
    }

    /// From milliseconds since 1970, as the ids of packages are.
    #[must_use]
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        Self::from_unix_nanos(i128::from(millis).checked_mul(1_000_000)?)
    }

    /// From time since 1970.
    #[must_use]
    pub fn from_duration(since: Duration) -> Option<Self> {
        Self::from_unix_nanos(i128::try_from(since.as_nanos()).ok()?)
    }

    /// Nanoseconds since 1970; `None` if the nanoseconds are not those of a second.
    #[must_use]
    pub fn unix_nanos(self) -> Option<i128> {
        let fits = (0..SECOND).contains(&i128::from(self.nanos));
        i128::from(self.seconds).checked_mul(SECOND)?.checked_add(self.nanos.into()).filter(|_| fits)
    }

    /// Milliseconds since 1970, rounded down; `None` as before, and beyond 64 bits.
    #[must_use]
    pub fn unix_millis(self) -> Option<i64> {
        i64::try_from(self.unix_nanos()?.checked_div_euclid(1_000_000)?).ok()
    }

    /// Time since 1970; `None` as before, and for what was earlier.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        self.unix_nanos()?;
        Some(Duration::new(u64::try_from(self.seconds).ok()?, u32::try_from(self.nanos).ok()?))
    }

    /// Takes the numbers of a message.
    #[inline]
    pub(crate) fn merge(&mut self, message: &[u8]) {
        match two_varints(message) {
            Some((seconds, nanos)) => (self.seconds, self.nanos) = (long(seconds), int(nanos)),
            None => Fields::new(message).for_each(|field| self.take(field)),
        }
    }

    /// Takes a number.
    #[inline]
    pub(crate) fn take(&mut self, field: Field<'_>) {
        match (field.number, field.value) {
            (1, Value::Varint(value)) => self.seconds = long(value),
            (2, Value::Varint(value)) => self.nanos = int(value),
            _ => {}
        }
    }
}

/// Days of 400 years.
const ERA: i64 = 146_097;

impl fmt::Display for Timestamp {
    /// As `2023-11-14T22:13:20.25Z`; what is not of the years 1 to 9999, or has no nanoseconds of a second, as its two numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds, nanos } = *self;
        if !(-62_135_596_800..253_402_300_800).contains(&seconds) || self.unix_nanos().is_none() {
            return write!(f, "{seconds} s and {nanos} ns");
        }
        // Days since the first of March of the year 0: months of 31 and 30 days come in fives then, and leap days last.
        let days = seconds.div_euclid(86_400).wrapping_add(719_468);
        let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
        let leaps =
            day.div_euclid(1460).wrapping_sub(day.div_euclid(36_524)).wrapping_add(day.div_euclid(ERA.wrapping_sub(1)));
        let year = day.wrapping_sub(leaps).div_euclid(365);
        let before = year.wrapping_mul(365).wrapping_add(year.div_euclid(4)).wrapping_sub(year.div_euclid(100));
        let day = day.wrapping_sub(before);
        let month = day.wrapping_mul(5).wrapping_add(2).div_euclid(153);
        let day = day.wrapping_sub(month.wrapping_mul(153).wrapping_add(2).div_euclid(5)).wrapping_add(1);
        let (month, next) = if month < 10 { (month.wrapping_add(3), 0) } else { (month.wrapping_sub(9), 1) };
        let year = era.wrapping_mul(400).wrapping_add(year).wrapping_add(next);
        let second = seconds.rem_euclid(86_400);
        let (hour, minute, second) =
            (second.div_euclid(3600), second.div_euclid(60).rem_euclid(60), second.rem_euclid(60));
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if nanos != 0 {
            let (mut digits, mut width) = (nanos, 9_usize);
            while digits.rem_euclid(10) == 0 {
                (digits, width) = (digits.div_euclid(10), width.wrapping_sub(1));
            }
            write!(f, ".{digits:0width$}")?;
        }
        f.write_str("Z")
    }
}

/// An `int64` of the wire.
pub(crate) const fn long(value: u64) -> i64 {
    i64::from_ne_bytes(value.to_ne_bytes())
}

/// An `int32` or an enum of the wire: the low half.
pub(crate) const fn int(value: u64) -> i32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// A `uint32` of the wire: the low half.
pub(crate) const fn uint(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(feature = "std")]
impl From<std::time::SystemTime> for Timestamp {
    /// Times beyond 64 bits of seconds, which no system has, are the first or the last that there is.
    fn from(time: std::time::SystemTime) -> Self {
        let nanos = match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, i128::wrapping_neg),
        };
        let seconds = if nanos < 0 { i64::MIN } else { i64::MAX };
        Self::from_unix_nanos(nanos).unwrap_or(Self { seconds, nanos: 0 })
    }
}

#[cfg(feature = "std")]
impl Timestamp {
    /// As the system has it; `None` if the nanoseconds are not those of a second, or the system cannot tell such a time.
    #[must_use]
    pub fn to_system_time(self) -> Option<std::time::SystemTime> {
        let nanos = self.unix_nanos()?;
        let magnitude = nanos.unsigned_abs();
        let seconds = u64::try_from(magnitude.checked_div_euclid(1_000_000_000)?).ok()?;
        let rest = u32::try_from(magnitude.checked_rem_euclid(1_000_000_000)?).ok()?;
        let (epoch, distance) = (std::time::UNIX_EPOCH, Duration::new(seconds, rest));
        if nanos < 0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) }
    }
}

use alloc::borrow::Cow;
use alloc::format;
use core::fmt;

/// A date and time as it was written, and what it is. Two are equal if they were written alike.
///
/// ```
/// use atlas_stream::DateTime;
///
/// let start = DateTime::parse("2023-11-14T11:15:30.1234567+01:00").unwrap();
/// assert_eq!((start.unix_seconds(), start.subsec_nanos(), start.offset_minutes()), (1_699_956_930, 123_456_700, Some(60)));
/// assert_eq!(DateTime::from_unix_nanos(1_699_956_930_123_456_700).as_str(), "2023-11-14T10:15:30.123456700Z");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DateTime<'a> {
    text: Cow<'a, str>,
    seconds: i64,
    nanos: u32,
    offset: Option<i16>,
}

impl<'a> DateTime<'a> {
    /// RFC 3339 with any number of digits behind the second, of which nine count; the offset may be missing. `None` if it is none.
    #[must_use]
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        let (seconds, nanos, offset) = read(text.as_bytes())?;
        Some(Self { text, seconds, nanos, offset })
    }

    /// Of nanoseconds since 1970, in UTC.
    #[must_use]
    pub fn from_unix_nanos(nanos: i64) -> DateTime<'static> {
        const BILLION: i64 = 1_000_000_000;
        let (seconds, nanos) = (nanos.div_euclid(BILLION), nanos.rem_euclid(BILLION));
        let nanos = u32::try_from(nanos).unwrap_or_default();
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let fraction = if nanos == 0 { Cow::Borrowed("") } else { Cow::Owned(format!(".{nanos:09}")) };
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z");
        DateTime { text: Cow::Owned(text), seconds, nanos, offset: Some(0) }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whole seconds since 1970, without an offset as if it were UTC.
    #[must_use]
    pub const fn unix_seconds(&self) -> i64 {
        self.seconds
    }

    /// Nanoseconds behind the second.
    #[must_use]
    pub const fn subsec_nanos(&self) -> u32 {
        self.nanos
    }

    /// Nanoseconds since 1970; `None` beyond 64 bits, which reach from 1677 to 2262.
    #[must_use]
    pub fn unix_nanos(&self) -> Option<i64> {
        let nanos = i128::from(self.seconds).checked_mul(1_000_000_000)?.checked_add(self.nanos.into())?;
        i64::try_from(nanos).ok()
    }

    /// How far it was ahead of UTC where it was written, if that is said.
    #[must_use]
    pub const fn offset_minutes(&self) -> Option<i16> {
        self.offset
    }

    /// The same with a text of its own.
    #[must_use]
    pub fn into_owned(self) -> DateTime<'static> {
        DateTime {
            text: Cow::Owned(self.text.into_owned()),
            seconds: self.seconds,
            nanos: self.nanos,
            offset: self.offset,
        }
    }
}

impl fmt::Display for DateTime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for DateTime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Seconds since 1970, nanoseconds, and minutes of the offset.
fn read(text: &[u8]) -> Option<(i64, u32, Option<i16>)> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix(b"-")?, 2)?;
    let (day, rest) = digits(rest.strip_prefix(b"-")?, 2)?;
    let (hour, rest) = digits(rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b"t"))?, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    // A second 60 is inserted now and then; it is the first of the next minute.
    let (second, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    if !(1..=12).contains(&month) || day == 0 || day > days_of(year, month) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanos, rest) = fraction(rest)?;
    let offset = offset(rest)?;
    let minutes = hour.checked_mul(60)?.checked_add(minute)?.checked_sub(offset.unwrap_or_default().into())?;
    let seconds =
        days(year, month, day).checked_mul(86_400)?.checked_add(minutes.checked_mul(60)?)?.checked_add(second)?;
    Some((seconds, nanos, offset))
}

fn digits(text: &[u8], count: usize) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    let value = digits.iter().try_fold(0_i64, |value, byte| {
        byte.is_ascii_digit().then(|| value.wrapping_mul(10).wrapping_add(i64::from(byte.wrapping_sub(b'0'))))
    })?;
    Some((value, rest))
}

fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else { return Some((0, text)) };
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = text.split_at_checked(len).filter(|_| len > 0)?;
    let digits = fraction.iter().copied().chain(core::iter::repeat(b'0')).take(9);
    let nanos = digits.fold(0_u32, |nanos, byte| nanos.wrapping_mul(10).wrapping_add(byte.wrapping_sub(b'0').into()));
    Some((nanos, rest))
}

fn offset(text: &[u8]) -> Option<Option<i16>> {
    let (sign, text) = match text {
        [] => return Some(None),
        b"Z" | b"z" => return Some(Some(0)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = digits(text, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let total = hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(sign)?;
    (hours <= 23 && minutes <= 59 && rest.is_empty()).then(|| i16::try_from(total).ok())
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// The calendar in eras of 400 years, whose years begin in March so that the odd day is the last: 719 468 days are from there to 1970.

/// Days since 1970 of a date from year 0 to 9999.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year.wrapping_sub(1) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = if month > 2 { month.wrapping_sub(3) } else { month.wrapping_add(9) };
    let of_year = month.wrapping_mul(153).wrapping_add(2) / 5;
    let of_era = of_era.wrapping_mul(365).wrapping_add(of_era / 4).wrapping_sub(of_era / 100).wrapping_add(of_year);
    era.wrapping_mul(146_097).wrapping_add(of_era).wrapping_add(day).wrapping_sub(1 + 719_468)
}

/// Year, month and day of days since 1970.
const fn date(days: i64) -> (i64, i64, i64) {
    let days = days.wrapping_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leaps = (of_era / 1460).wrapping_sub(of_era / 36_524).wrapping_add(of_era / 146_096);
    let year = of_era.wrapping_sub(leaps) / 365;
    let start = year.wrapping_mul(365).wrapping_add(year / 4).wrapping_sub(year / 100);
    let of_year = of_era.wrapping_sub(start);
    let month = of_year.wrapping_mul(5).wrapping_add(2) / 153;
    let day = of_year.wrapping_sub(month.wrapping_mul(153).wrapping_add(2) / 5).wrapping_add(1);
    let month = if month < 10 { month.wrapping_add(3) } else { month.wrapping_sub(9) };
    let year = era.wrapping_mul(400).wrapping_add(year).wrapping_add(if month > 2 { 0 } else { 1 });
    (year, month, day)
}

//! Timestamps as texts and as the system has them.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use drift_proto::Timestamp;

const DAY: i64 = 86_400;

/// Counted day by day from the first of January of the year 1, as a calendar does.
#[test]
fn every_month_has_its_first_and_its_last_day() {
    let mut seconds = -62_135_596_800;
    for year in 1..=9999 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, days) in (1..).zip(lengths) {
            let first = Timestamp { seconds, nanos: 0 };
            assert_eq!(first.to_string(), format!("{year:04}-{month:02}-01T00:00:00Z"));
            seconds += DAY * days;
            let last = Timestamp { seconds: seconds - 1, nanos: 0 };
            assert_eq!(last.to_string(), format!("{year:04}-{month:02}-{days:02}T23:59:59Z"));
        }
    }
    assert_eq!(Timestamp { seconds, nanos: 0 }.to_string(), "253402300800 s and 0 ns");
}

#[test]
fn fractions_are_as_short_as_they_can_be() {
    for (seconds, nanos, text) in [
        (1_700_000_000, 250_000_000, "2023-11-14T22:13:20.25Z"),
        (0, 1, "1970-01-01T00:00:00.000000001Z"),
        (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
        (-62_135_596_801, 0, "-62135596801 s and 0 ns"),
        (i64::MIN, -1, "-9223372036854775808 s and -1 ns"),
        (5, 1_000_000_000, "5 s and 1000000000 ns"),
    ] {
        assert_eq!(Timestamp { seconds, nanos }.to_string(), text);
    }
}

#[cfg(feature = "std")]
#[test]
fn the_system_has_the_same_times() {
    use core::time::Duration;
    use std::time::UNIX_EPOCH;

    let later = Timestamp { seconds: 1_700_000_000, nanos: 1 };
    assert_eq!(later.to_system_time(), Some(UNIX_EPOCH + Duration::new(1_700_000_000, 1)));
    let earlier = Timestamp { seconds: -2, nanos: 250_000_000 };
    assert_eq!(earlier.to_system_time(), Some(UNIX_EPOCH - Duration::from_millis(1750)));
    for time in [later, earlier, Timestamp::default()] {
        assert_eq!(Timestamp::from(time.to_system_time().unwrap()), time);
    }
    assert_eq!(Timestamp { seconds: 0, nanos: -1 }.to_system_time(), None);
}

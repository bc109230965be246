//! Times are exact, to both ends and before 1970.

use std::time::Duration;

use drift_proto::{PackageBuilder, PackageRef, Timestamp};

use crate::proto::*;

const fn at(seconds: i64, nanos: i32) -> Timestamp {
    Timestamp { seconds, nanos }
}

#[test]
fn nanoseconds_count_forward_before_1970_too() {
    for (nanos, due) in [
        (0, at(0, 0)),
        (1, at(0, 1)),
        (-1, at(-1, 999_999_999)),
        (-1_500_000_000, at(-2, 500_000_000)),
        (-1_000_000_000, at(-1, 0)),
        (999_999_999, at(0, 999_999_999)),
        (1_630_062_869_455_123_456, at(1_630_062_869, 455_123_456)),
        (i128::from(i64::MIN) * 1_000_000_000, at(i64::MIN, 0)),
        (i128::from(i64::MAX) * 1_000_000_000 + 999_999_999, at(i64::MAX, 999_999_999)),
    ] {
        assert_eq!((Timestamp::from_unix_nanos(nanos), due.unix_nanos()), (Some(due), Some(nanos)));
    }
    for nanos in
        [i128::MIN, i128::MAX, i128::from(i64::MIN) * 1_000_000_000 - 1, (i128::from(i64::MAX) + 1) * 1_000_000_000]
    {
        assert_eq!(Timestamp::from_unix_nanos(nanos), None);
    }
}

#[test]
fn milliseconds_are_rounded_down() {
    for (millis, due) in [
        (0, at(0, 0)),
        (-1, at(-1, 999_000_000)),
        (1_630_062_869_443, at(1_630_062_869, 443_000_000)),
        (i64::MAX, at(9_223_372_036_854_775, 807_000_000)),
        (i64::MIN, at(-9_223_372_036_854_776, 192_000_000)),
    ] {
        assert_eq!((Timestamp::from_unix_millis(millis), due.unix_millis()), (Some(due), Some(millis)));
    }
    assert_eq!(at(-2, 500_999_999).unix_millis(), Some(-1500));
    assert_eq!(at(0, 999_999).unix_millis(), Some(0));
    assert_eq!(at(-1, 999_999_999).unix_millis(), Some(-1));
    // A millisecond beyond both ends.
    assert_eq!((at(9_223_372_036_854_775, 808_000_000).unix_millis(), at(i64::MAX, 0).unix_millis()), (None, None));
    assert_eq!((at(-9_223_372_036_854_776, 191_999_999).unix_millis(), at(i64::MIN, 0).unix_millis()), (None, None));
}

#[test]
fn durations_are_since_1970() {
    let most = Duration::new(i64::MAX as u64, 999_999_999);
    for since in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(1_630_062_869_443), most] {
        assert_eq!(Timestamp::from_duration(since).unwrap().duration(), Some(since));
    }
    assert_eq!(Timestamp::from_duration(Duration::MAX), None);
    assert_eq!(Timestamp::from_duration(Duration::new(i64::MAX as u64 + 1, 0)), None);
    assert_eq!((at(-1, 999_999_999).duration(), at(i64::MIN, 0).duration()), (None, None));
}

/// On the wire any numbers stand; those that are no time are kept, and not converted.
#[test]
fn what_is_no_time_is_kept() {
    for nanos in [-1, 1_000_000_000, i32::MIN, i32::MAX] {
        let time = at(5, nanos);
        assert_eq!((time.unix_nanos(), time.unix_millis(), time.duration()), (None, None, None));
        let mut builder = PackageBuilder::new(0);
        (builder.source_timestamp, builder.publish_timestamp) = (Some(time), Some(at(i64::MIN, nanos)));
        let bytes = builder.encode_to_vec().unwrap();
        let sign = |number: i64| number as u64;
        let due = [bytes_of(2, sign(5), sign(nanos.into())), bytes_of(3, sign(i64::MIN), sign(nanos.into()))];
        assert_eq!(bytes, due.concat());
        let package = PackageRef::decode(&bytes).unwrap();
        assert_eq!((package.source_timestamp(), package.publish_timestamp()), (Some(time), Some(at(i64::MIN, nanos))));
    }
}

fn bytes_of(field: u32, seconds: u64, nanos: u64) -> Vec<u8> {
    part(field, [number(1, seconds), number(2, nanos)].concat())
}

#[test]
fn the_epoch_and_no_time_are_told_apart() {
    let package = PackageRef::decode(b"\x12\x00").unwrap();
    assert_eq!((package.source_timestamp(), package.publish_timestamp()), (Some(at(0, 0)), None));
    assert_eq!(PackageBuilder::from(package).encode_to_vec().unwrap(), b"\x12\x00");
}

#[test]
fn times_are_in_their_order() {
    let times = [at(i64::MIN, 0), at(-2, 500_000_000), at(-1, 0), at(-1, 1), at(0, 0), at(0, 999_999_999), at(1, 0)];
    assert!(times.is_sorted());
    assert!(times.map(|time| time.unix_nanos()).is_sorted());
}

#[cfg(feature = "std")]
#[test]
fn times_of_the_system_are_exact_before_1970_too() {
    use std::time::UNIX_EPOCH;
    for (nanos, due) in [
        (0, at(0, 0)),
        (100, at(0, 100)),
        (1_500_000_000, at(1, 500_000_000)),
        (1_630_062_869_455_123_400, at(1_630_062_869, 455_123_400)),
    ] {
        assert_eq!(Timestamp::from(UNIX_EPOCH + Duration::from_nanos(nanos)), due);
    }
    // Systems count in steps of up to 100 nanoseconds.
    for (nanos, due) in [
        (100, at(-1, 999_999_900)),
        (1_000_000_000, at(-1, 0)),
        (1_500_000_000, at(-2, 500_000_000)),
        (2_000_000_000, at(-2, 0)),
    ] {
        assert_eq!(Timestamp::from(UNIX_EPOCH - Duration::from_nanos(nanos)), due);
    }
}

/// As far as 64 bits of seconds go, which those of Linux do.
#[cfg(all(feature = "std", target_os = "linux", target_pointer_width = "64"))]
#[test]
fn the_first_and_the_last_time_of_the_system_are_exact() {
    use std::time::UNIX_EPOCH;
    let last = UNIX_EPOCH.checked_add(Duration::new(i64::MAX as u64, 999_999_999)).unwrap();
    let first = UNIX_EPOCH.checked_sub(Duration::from_secs(1 << 63)).unwrap();
    assert_eq!((Timestamp::from(first), Timestamp::from(last)), (at(i64::MIN, 0), at(i64::MAX, 999_999_999)));
}

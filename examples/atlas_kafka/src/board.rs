//! What readers tell, and how it is printed.

use std::io::{self, Write};

/// The columns of the walk at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Nanoseconds since 1970.
    pub(crate) time: i64,
    pub(crate) least: f64,
    pub(crate) largest: f64,
    pub(crate) speed: f64,
}

impl Sample {
    /// What tells it from others; of all samples of a stream these are added up, in whatever order.
    pub(crate) fn digest(&self) -> u64 {
        let mut all = 0xcbf2_9ce4_8422_2325;
        for bits in [self.time.cast_unsigned(), key(self.least), key(self.largest), key(self.speed)] {
            let mut mixed = (all ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^= mixed >> 29;
            all = mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (mixed >> 32);
        }
        all
    }
}

/// Of NaN there is only one.
fn key(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// What came of a stream, or of a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Samples.
    pub samples: u64,
    /// All of them together, whatever their order.
    pub digest: u64,
    /// Laps that began.
    pub laps: u64,
    /// Events.
    pub events: u64,
    /// Samples and laps that came out before an older one; of laps also those whose number is not the next.
    pub disordered: u64,
    /// What came behind a sync that told it would not.
    pub late: u64,
    /// Messages of telemetry that no data format was had for, or another one.
    pub unbound: u64,
    /// `$end` came.
    pub has_ended: bool,
}

impl Part {
    /// With what came of the same stream elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        self.samples = self.samples.saturating_add(other.samples);
        self.digest = self.digest.wrapping_add(other.digest);
        self.laps = self.laps.saturating_add(other.laps);
        self.events = self.events.saturating_add(other.events);
        self.disordered = self.disordered.saturating_add(other.disordered);
        self.late = self.late.saturating_add(other.late);
        self.unbound = self.unbound.saturating_add(other.unbound);
        self.has_ended |= other.has_ended;
    }
}

/// A lap that is over, or as much of it as came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LapRow {
    /// `None` for what came in front of the first.
    pub(crate) number: Option<i64>,
    /// Nanoseconds since 1970: of the lap, else of its first sample.
    pub(crate) begin: i64,
    pub(crate) end: i64,
    pub(crate) samples: u64,
    /// Samples that have a speed, and the sum of it.
    speeds: u64,
    sum: f64,
    least: f64,
    largest: f64,
}

impl LapRow {
    pub(crate) const fn new(number: Option<i64>, begin: i64) -> Self {
        let (least, largest) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { number, begin, end: begin, samples: 0, speeds: 0, sum: 0.0, least, largest }
    }

    pub(crate) fn add(&mut self, sample: &Sample) {
        self.samples = self.samples.saturating_add(1);
        self.end = sample.time;
        if !sample.speed.is_nan() {
            self.speeds = self.speeds.saturating_add(1);
            self.sum += sample.speed;
        }
        // NaN is neither.
        self.least = self.least.min(sample.least);
        self.largest = self.largest.max(sample.largest);
    }
}

/// What a reader tells.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// In words.
    Line(String),
    /// A lap of a stream is over.
    Lap(String, LapRow),
    /// What came of a stream since this was told last.
    Part(String, Part),
}

/// The head of the table.
pub(crate) fn head(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{:<9} {:<13} {:>4}  {:<12} {:>7} {:>7} {:>9} {:>9} {:>9}",
        "reader", "stream", "lap", "begins", "seconds", "samples", "vCar avg", "gLat min", "gLat max"
    )
}

/// A line of it, or in it.
pub(crate) fn print(out: &mut dyn Write, reader: &str, told: &Told) -> io::Result<()> {
    match told {
        Told::Line(line) => writeln!(out, "{reader:<9} {line}"),
        Told::Part(..) => Ok(()),
        Told::Lap(stream, row) => {
            let number = row.number.map_or_else(|| "-".to_owned(), |number| number.to_string());
            let seconds = row.end.saturating_sub(row.begin) as f64 / 1e9;
            // Without values there is no mean, and neither a least.
            let or = |value: f64, digits| match value.is_finite() {
                true => format!("{value:.digits$}"),
                false => "-".to_owned(),
            };
            let (mean, least, largest) = (or(row.sum / row.speeds as f64, 1), or(row.least, 2), or(row.largest, 2));
            let (begins, samples) = (time_of_day(row.begin), row.samples);
            writeln!(
                out,
                "{reader:<9} {stream:<13} {number:>4}  {begins:<12} {seconds:>7.3} {samples:>7} {mean:>9} {least:>9} {largest:>9}"
            )
        }
    }
}

/// To the millisecond, in UTC.
fn time_of_day(nanos: i64) -> String {
    let millis = nanos.div_euclid(1_000_000).rem_euclid(86_400_000);
    let (seconds, millis) = (millis.div_euclid(1000), millis.rem_euclid(1000));
    let (hours, minutes) = (seconds.div_euclid(3600), seconds.div_euclid(60).rem_euclid(60));
    format!("{hours:02}:{minutes:02}:{:02}.{millis:03}", seconds.rem_euclid(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_in_utc() {
        // 2023-11-14T10:15:30.02Z, and just before 1970.
        assert_eq!(time_of_day(1_699_956_930_020_000_000), "10:15:30.020");
        assert_eq!(time_of_day(-1), "23:59:59.999");
    }

    #[test]
    fn a_digest_tells_what_a_sample_is() {
        let sample = Sample { time: 1, least: -0.5, largest: 0.5, speed: 92.0 };
        let others = [
            Sample { time: 2, ..sample },
            Sample { least: 0.5, largest: -0.5, ..sample },
            Sample { speed: f64::NAN, ..sample },
        ];
        for other in others {
            assert_ne!(other.digest(), sample.digest(), "{other:?}");
        }
        let nan = Sample { speed: -f64::NAN, ..sample };
        assert_eq!(nan.digest(), Sample { speed: f64::NAN, ..sample }.digest());
    }

    #[test]
    fn a_row_has_the_mean_of_what_is_there() {
        let mut row = LapRow::new(Some(7), 1_699_956_930_020_000_000);
        let mut out = Vec::new();
        for (step, speed) in [(1, 90.0), (2, f64::NAN), (3, 93.0)] {
            row.add(&Sample { time: row.begin + step * 1_000_000, least: -1.0, largest: 2.0, speed });
        }
        print(&mut out, "reader 1", &Told::Lap("a".to_owned(), row)).unwrap();
        let line = String::from_utf8(out).unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words, ["reader", "1", "a", "7", "10:15:30.020", "0.003", "3", "91.5", "-1.00", "2.00"]);
        let mut out = Vec::new();
        print(&mut out, "late", &Told::Lap("a".to_owned(), LapRow::new(None, 0))).unwrap();
        let line = String::from_utf8(out).unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words, ["late", "a", "-", "00:00:00.000", "0.000", "0", "-", "-", "-"]);
    }
}

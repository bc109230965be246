//! What is told: a random walk of two parameters at 100 Hz, as the example of the documents has one, in laps.

use atlas_stream::{
    ATLAS_CONFIGURATION, Activity, Aggregates, ApplicationGroup, AtlasConfiguration, Columns, ConfigurationParameter,
    DATA_FORMAT, DataFormat, DataStatus, DateTime, EncodeError, Feed, ParameterGroup, Session, SessionState, View,
};

use crate::Failure;
use crate::board::Sample;
use crate::documents::Documents;

/// Its mean is told.
const SPEED: &str = "vCar:Chassis";
/// Its least and its largest value are told.
const LATERAL: &str = "gLat:Chassis";

/// Samples in a second, and nanoseconds between them.
pub(crate) const RATE: u64 = 100;
pub(crate) const STEP: i64 = 10_000_000;

/// What readers of the walk want, in their own order: that of the data format does not matter.
pub(crate) fn view() -> View {
    View::new("").with(LATERAL, Aggregates::MIN | Aggregates::MAX).with(SPEED, Aggregates::AVG)
}

/// A session of a walk, whose documents are stored: the ATLAS 10 recorder wants both.
pub(crate) fn session(id: String, start: i64, documents: &Documents) -> Result<Session<'static>, Failure> {
    let text = |document: Vec<u8>| String::from_utf8_lossy(&document).into_owned();
    let mut document = Vec::new();
    let feed = Feed::new(100.0).with(SPEED, Aggregates::AVG).with(LATERAL, Aggregates::MIN | Aggregates::MAX);
    DataFormat::new().with_feed("", feed).encode(&mut document)?;
    let format = documents.store(DATA_FORMAT, &text(document))?;
    let mut document = Vec::new();
    configuration().encode(&mut document)?;
    let configuration = documents.store(ATLAS_CONFIGURATION, &text(document))?;
    let mut session = Session::new(id, SessionState::WAITING)
        .with_identifier("random_walk")
        .with_detail("Driver", "nobody")
        .with_dependency(DATA_FORMAT, format)
        .with_dependency(ATLAS_CONFIGURATION, configuration);
    session.activity = Some(Activity::new(DateTime::from_unix_nanos(start)));
    Ok(session)
}

fn configuration() -> AtlasConfiguration<'static> {
    let mut group = ParameterGroup::default();
    for (identifier, name, units) in [(SPEED, "vCar", "kmh"), (LATERAL, "gLat", "g")] {
        let mut parameter = ConfigurationParameter::default();
        (parameter.name, parameter.units) = (Some(name.into()), Some(units.into()));
        group.parameters.push((identifier.into(), parameter));
    }
    let mut application = ApplicationGroup::default();
    application.tree.groups.push(("walk".into(), group));
    let mut configuration = AtlasConfiguration::default();
    configuration.app_groups.push(("Chassis".into(), application));
    configuration
}

/// The samples of a stream, one after the other: the same for the same seed.
pub(crate) struct Walk {
    random: u64,
    speed: f64,
    lateral: f64,
    count: u64,
    /// Of the first sample, in nanoseconds since 1970.
    start: i64,
}

impl Walk {
    pub(crate) const fn new(seed: u64, start: i64) -> Self {
        Self { random: seed, speed: 180.0, lateral: 0.0, count: 0, start }
    }

    /// When the next sample is.
    pub(crate) fn time(&self) -> i64 {
        let behind = i64::try_from(self.count).unwrap_or(i64::MAX).saturating_mul(STEP);
        self.start.saturating_add(behind)
    }

    /// From -1 to 1 (splitmix64).
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

impl Iterator for Walk {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        let time = self.time();
        self.speed = (self.speed + 1.5 * self.random()).clamp(60.0, 330.0);
        self.lateral = (self.lateral + 0.1 * self.random()).clamp(-4.0, 4.0);
        let spread = 0.05 * (1.0 + self.random());
        self.count = self.count.saturating_add(1);
        // Now and then a sensor has nothing to tell.
        let speed = if self.count.is_multiple_of(97) { f64::NAN } else { self.speed };
        Some(Sample { time, least: self.lateral - spread, largest: self.lateral + spread, speed })
    }
}

/// Samples as a message has them.
pub(crate) fn columns(columns: &mut Columns, format: &str, epoch: i64, samples: &[Sample]) -> Result<(), EncodeError> {
    let each = |value: fn(&Sample) -> f64| samples.iter().map(value).collect::<Vec<_>>();
    let times: Vec<_> = samples.iter().map(|sample| sample.time.saturating_sub(epoch)).collect();
    let status = |sample: &Sample| if sample.speed.is_nan() { DataStatus::MISSING } else { DataStatus::SAMPLE };
    let statuses: Vec<_> = samples.iter().map(|sample| status(sample).0).collect();
    let (speed, least, largest) = (each(|one| one.speed), each(|one| one.least), each(|one| one.largest));
    columns.start_data(format, "", epoch, &times)?;
    columns.push_data(&statuses, &[(Aggregates::AVG, &speed)])?;
    let present = vec![DataStatus::SAMPLE.0; samples.len()];
    columns.push_data(&present, &[(Aggregates::MIN, &least), (Aggregates::MAX, &largest)])?;
    Ok(())
}

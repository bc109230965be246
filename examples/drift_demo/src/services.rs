//! Who is around the core: a service that triggers, and those that answer.

use core::fmt;
use core::str::FromStr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use drift_proto::{
    EncodeError, Info, IntervalTrigger, Meta, Package, PackageBuilder, PackageRef, StatusCode, TimeSeriesInfo,
    Timestamp, TypedDataWriter, Values,
};

use crate::Failure;
use crate::mqtt::{Link, Message, Publisher};
use crate::recorded::{SERIES, VIBRATION, WAVELET_BUFFER};
use crate::settings::{Address, Settings, TRIGGER};

/// A service that answers triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Source {
    /// A second of vibration, as a wavelet buffer.
    Sensor,
    /// Nothing: it is there, and cannot deliver.
    Camera,
    /// Some values with names.
    Plc,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sensor, Self::Camera, Self::Plc];

    /// Behind the prefix of its topic.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sensor => "sensor",
            Self::Camera => "camera",
            Self::Plc => "plc",
        }
    }

    /// What it sends for a trigger.
    ///
    /// # Errors
    ///
    /// None that are known: the answers are short.
    pub fn answer(self, trigger: PackageRef<'_>) -> Result<Package, EncodeError> {
        let id = trigger.id();
        let interval = trigger.data().find_map(|any| any.unpack::<IntervalTrigger>().transpose());
        let interval = match interval {
            Some(Ok(interval)) => interval,
            // A service that cannot do what it is asked for says so under the same id.
            Some(Err(_)) | None => return Package::failed(id, StatusCode::BAD_MALFORMED_REQUEST),
        };
        let mut package = PackageBuilder::new(id);
        package.source_timestamp = now();
        match self {
            Self::Sensor => {
                let series = TimeSeriesInfo { start: interval.start, stop: interval.stop, ..SERIES };
                package.meta = Some(Meta::with_wavelet_buffer(Info::TimeSeries(series), WAVELET_BUFFER));
                package.payload(VIBRATION);
            }
            Self::Camera => return Package::failed(id, StatusCode::BAD_SOURCE_STATE),
            Self::Plc => {
                let mut data = TypedDataWriter::new();
                data.value("spindle_speed", StatusCode::GOOD, Values::F64(&[3000.5]))?;
                data.value("tool", StatusCode::GOOD, Values::Texts(&["mill 6 mm"]))?;
                data.value("is_cooled", StatusCode::GOOD, Values::Bool(&[true]))?;
                data.item("temperatures", StatusCode::UNCERTAIN, &[2, 2], Values::F32(&[21.5, 22.0, 40.25, 38.75]))?;
                package.typed_data(data);
            }
        }
        package.label("machine", "mill 7");
        package.publish_timestamp = now();
        package.build()
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|source| source.name() == name);
        found.ok_or_else(|| format!("no source {name:?}: sensor, camera or plc"))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The ids of so many triggers: that of the documentation, and one for each second behind it.
pub fn ids(triggers: u32) -> impl Iterator<Item = i64> {
    (1_630_062_869_443..).step_by(1000).take(usize::try_from(triggers).unwrap_or(usize::MAX))
}

/// What is published to start with: get the data of the second before this.
///
/// # Errors
///
/// None that are known: it is short.
pub fn trigger(id: i64) -> Result<Package, EncodeError> {
    let mut package = PackageBuilder::new(id);
    (package.source_timestamp, package.publish_timestamp) = (now(), now());
    let start = Timestamp::from_unix_millis(id.saturating_sub(1000));
    package.interval_trigger(IntervalTrigger { start, stop: Timestamp::from_unix_millis(id) });
    package.build()
}

fn now() -> Option<Timestamp> {
    Timestamp::from_duration(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?)
}

/// How what goes wrong in a service, or that it is done, reaches the core.
pub(crate) trait Report: Fn(Result<(), Failure>) + Clone + Send + 'static {}
impl<F: Fn(Result<(), Failure>) + Clone + Send + 'static> Report for F {}

/// A service that runs.
pub(crate) struct Service {
    link: Link,
    thread: JoinHandle<()>,
    /// Dropped to end it between two triggers.
    stop: Option<Sender<()>>,
}

impl Service {
    /// One that answers triggers, as soon as the broker knows that it listens.
    pub(crate) fn answering(
        source: Source,
        settings: &Settings,
        address: &Address,
        report: impl Report,
    ) -> Result<Self, Failure> {
        let topic = settings.topic(source).ok_or_else(|| Failure::Topic(settings.prefix.clone()))?;
        // Who fills it never waits for room: it is also who makes room to publish.
        let (sender, messages) = mpsc::channel();
        let waiting = Arc::new(Waiting::default());
        let deliver = {
            let waiting = Arc::clone(&waiting);
            // What finds no room is not answered, and the core tells which ids lack an answer.
            move |message| !waiting.takes(size(&message)) || sender.send(message).is_ok()
        };
        let link = Link::connect(address, source.name(), &[TRIGGER.to_owned()], deliver)?;
        let publisher = link.publisher().clone();
        let address = address.clone();
        let thread = thread::spawn(move || {
            for message in messages {
                waiting.gives(size(&message));
                let done = match message {
                    Message::Published { payload, .. } => match Package::decode(payload) {
                        Ok(trigger) => answer(source, &topic, trigger.as_ref(), &publisher),
                        // Without an id nobody can be answered; the core hears it, too, and reports it.
                        Err(_) => Ok(()),
                    },
                    Message::Lost(why) => Err(Failure::Broker(address.clone(), why)),
                };
                if done.is_err() {
                    return report(done);
                }
            }
        });
        Ok(Self { link, thread, stop: None })
    }

    /// The one that triggers.
    pub(crate) fn triggering(settings: &Settings, address: &Address, report: impl Report) -> Result<Self, Failure> {
        // It subscribes to nothing; that its connection has ended shows when it publishes.
        let link = Link::connect(address, TRIGGER, &[], |_| true)?;
        let publisher = link.publisher().clone();
        let (triggers, interval) = (settings.triggers, settings.interval);
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || report(publish_triggers(triggers, interval, &publisher, &stopped)));
        Ok(Self { link, thread, stop: Some(stop) })
    }

    pub(crate) fn close(self) {
        drop(self.stop);
        if self.link.close() {
            let _ = self.thread.join();
        }
    }
}

/// Bytes of triggers that wait for a service. Ours are short, but anybody may publish there.
#[derive(Debug, Default)]
struct Waiting(AtomicUsize);

impl Waiting {
    /// For hundreds of thousands of ours.
    const MOST: usize = 64 << 20;

    /// Whether there is room for so many more; then they have it. Only one thread asks.
    fn takes(&self, bytes: usize) -> bool {
        let fits = self.0.load(Ordering::Relaxed).saturating_add(bytes) <= Self::MOST;
        if fits {
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }
        fits
    }

    fn gives(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// That the connection has ended always finds room.
fn size(message: &Message) -> usize {
    match message {
        Message::Published { topic, payload } => {
            size_of::<Message>().saturating_add(topic.len()).saturating_add(payload.len())
        }
        Message::Lost(_) => 0,
    }
}

fn answer(source: Source, topic: &str, trigger: PackageRef<'_>, publisher: &Publisher) -> Result<(), Failure> {
    publisher.publish(topic, &source.answer(trigger).map_err(Failure::Encode)?)
}

fn publish_triggers(
    triggers: u32,
    interval: Duration,
    publisher: &Publisher,
    stopped: &Receiver<()>,
) -> Result<(), Failure> {
    for (index, id) in ids(triggers).enumerate() {
        if index > 0 && stopped.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
            return Ok(());
        }
        publisher.publish(TRIGGER, &trigger(id).map_err(Failure::Encode)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_wait_up_to_a_number_of_bytes() {
        let message =
            |payload: usize| Message::Published { topic: TRIGGER.to_owned(), payload: vec![0; payload].into() };
        let (large, empty) = (size(&message(40 << 20)), size(&message(0)));
        let waiting = Waiting::default();
        assert!(waiting.takes(large));
        assert!(!waiting.takes(large));
        assert!(waiting.takes(empty));
        assert!(waiting.takes(size(&Message::Lost("gone".to_owned()))));
        waiting.gives(large);
        assert!(waiting.takes(large));
        // Empty ones are counted, too.
        let most = (0..).take_while(|_| waiting.takes(empty)).count();
        assert!(most <= (24 << 20) / size_of::<Message>(), "{most}");
        assert!(waiting.takes(size(&Message::Lost("gone".to_owned()))));
    }
}

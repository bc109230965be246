//! A capture, sent again, and read back if it went to a mock cluster.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Instant, SystemTime};

use atlas_stream::{DecodeError, Decoder, Key, KeyRef, Message, Partitioner, TelemetryRef, TypeMap};
use rdkafka::consumer::BaseConsumer;
use rdkafka::message::Message as _;

use crate::Failure;
use crate::board::{self, Part, Told};
use crate::capture::Lines;
use crate::documents::Documents;
use crate::group::{Came, Partitions, Troubles};
use crate::kafka::{Cluster, Kafka, PATIENCE, Sender};
use crate::reading::clip;
use crate::settings::ReplaySettings;

/// Streams that are told apart.
const MAX_STREAMS: usize = 65_536;

/// What a mock cluster may have that was not read back: it forgets what is old, beyond 5 MiB of a partition.
const MOST_UNREAD: usize = 1 << 20;

/// How often it is looked whether to stop.
const POLL: Duration = Duration::from_millis(50);

/// What became of a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Records that were sent, all of them delivered.
    pub sent: u64,
    /// Lines that hold no record, or one that cannot be read.
    pub bad: u64,
    /// Records of somebody else.
    pub foreign: u64,
    /// The streams, by the id they were sent with, and their partitions.
    pub streams: BTreeMap<String, i32>,
    /// Whether it was stopped before the end.
    pub is_stopped: bool,
    /// What came back, by stream, from a mock cluster.
    pub came: Option<BTreeMap<String, Part>>,
}

/// Sends a capture again.
///
/// # Errors
///
/// The file, the brokers, the output; what does not come back from a mock cluster. Bad lines are told and counted, and cost no others.
pub fn replay(
    settings: &ReplaySettings,
    out: &mut dyn Write,
    log: &mut dyn Write,
    stop: &AtomicBool,
) -> Result<Replayed, Failure> {
    let documents = Arc::new(Documents::default());
    settings.formats.iter().try_for_each(|path| documents.put_file(path))?;
    let mut lines = Lines::new(BufReader::new(open(&settings.file)?), settings.max_line);
    let cluster = Cluster::start(settings.brokers.as_deref(), &settings.topic, settings.partitions)?;
    let kafka = &cluster.kafka;
    let partitions = kafka.partitions()?;
    let what = if cluster.is_mock { "mock cluster" } else { "cluster" };
    let heading = writeln!(out, "{what} {}, topic {}, {partitions} partitions", kafka.servers, kafka.topic);
    heading.map_err(Failure::Output)?;
    let mut back = match cluster.is_mock {
        true => Some(Back::new(kafka, partitions.get(), documents)?),
        false => None,
    };
    let mut sender = kafka.sender()?;
    let mut partitioner = Partitioner::new(partitions).with_max_streams(MAX_STREAMS);
    let mut ids = settings.new_ids.then(NewIds::new);
    let (mut decoder, mut pace) = (Decoder::new().with_unknown_members(false), Pace::new(settings));
    let mut replayed = Replayed::default();
    let file = |error| Failure::File(settings.file.clone(), error);
    while let Some(line) = lines.next().map_err(file)? {
        let number = line.number;
        let mut complain = |what: &str, replayed: &mut Replayed| {
            replayed.bad = replayed.bad.saturating_add(1);
            writeln!(log, "line {number}: {what}").map_err(Failure::Output)
        };
        let record = match line.record {
            Ok(record) => record,
            Err(what) => {
                complain(&what, &mut replayed)?;
                continue;
            }
        };
        let value = record.value.as_deref();
        let (key, time) = match decoded(&mut decoder, record.key, value.unwrap_or_default()) {
            Ok(read) => read,
            Err(error) if error.is_of_key() => {
                replayed.foreign = replayed.foreign.saturating_add(1);
                continue;
            }
            Err(error) => {
                let path = clip(&error.path(value.unwrap_or_default()));
                let way = if path.is_empty() { path } else { format!(": {path}") };
                complain(&format!("{error}{way}"), &mut replayed)?;
                continue;
            }
        };
        let old = key.stream_id().to_owned();
        let new = match &mut ids {
            Some(ids) => ids.of(&old, out)?.and_then(|id| Key::new(key.message_type(), id)),
            None => None,
        };
        if ids.is_some() && new.is_none() {
            complain("too many streams", &mut replayed)?;
            continue;
        }
        let id = new.as_ref().map_or(&*old, |new| new.as_ref().stream_id());
        let Some(partition) = partitioner.partition(id) else {
            complain("too many streams", &mut replayed)?;
            continue;
        };
        replayed.streams.entry(id.to_owned()).or_insert(partition);
        if !pace.wait(&old, time, stop, &mut |timeout| {
            sender.serve()?;
            match &mut back {
                Some(back) => back.poll(timeout, out),
                None => {
                    std::thread::sleep(timeout);
                    Ok(())
                }
            }
        })? {
            replayed.is_stopped = true;
            break;
        }
        let sent_key = new.as_ref().map_or(record.key, |new| new.as_str().as_bytes());
        sender.send(partition, sent_key, value)?;
        if let Some(back) = &mut back {
            back.sent(sent_key, value.unwrap_or_default());
            if back.unread > MOST_UNREAD {
                back.catch_up(&sender, out)?;
            }
        }
    }
    sender.finish()?;
    replayed.sent = sender.sent;
    if let Some(mut back) = back {
        back.catch_up(&sender, out)?;
        replayed.came = Some(back.finish(out)?);
    }
    replayed.tell(out).map_err(Failure::Output)?;
    Ok(replayed)
}

fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(|error| Failure::File(path.to_owned(), error))?;
    Ok(Box::new(file))
}

/// What a record is, and when it could have been sent: at its latest time, in nanoseconds since 1970.
fn decoded<'a>(decoder: &mut Decoder, key: &'a [u8], value: &[u8]) -> Result<(KeyRef<'a>, Option<i64>), DecodeError> {
    let latest = |telemetry: &TelemetryRef<'_>| {
        telemetry.parameters().filter_map(|parameter| parameter.absolute_times().max()).max()
    };
    let time = match decoder.decode(key, value)?.message() {
        Message::Data(telemetry) | Message::Samples(telemetry) => latest(telemetry),
        Message::Event(event) => event.absolute(),
        Message::Lap(lap) => lap.absolute(),
        Message::Sync(sync) => sync.absolute(),
        _ => None,
    };
    Ok((KeyRef::decode_lenient(key)?, time))
}

/// A recording that is replayed is another stream. Its session stays what it is, and readers who know both say so.
struct NewIds {
    run: String,
    ids: BTreeMap<String, String>,
}

impl NewIds {
    fn new() -> Self {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { run: format!("{:x}-{:x}", unix.as_micros(), std::process::id()), ids: BTreeMap::new() }
    }

    fn of(&mut self, old: &str, out: &mut dyn Write) -> Result<Option<&str>, Failure> {
        if !self.ids.contains_key(old) && self.ids.len() < MAX_STREAMS {
            let new = format!("{}-{}", self.run, self.ids.len().saturating_add(1));
            writeln!(out, "stream {} is {new} now", clip(old)).map_err(Failure::Output)?;
            self.ids.insert(old.to_owned(), new);
        }
        Ok(self.ids.get(old).map(|new| &**new))
    }
}

/// When a record is due: each stream goes by its own times, from when its first was met.
struct Pace {
    speed: f64,
    max_gap: Duration,
    start: Instant,
    /// The latest time of a stream, and when that was due.
    streams: BTreeMap<String, (i64, Duration)>,
}

impl Pace {
    fn new(settings: &ReplaySettings) -> Self {
        let (speed, max_gap) = (settings.speed, settings.max_gap);
        Self { speed, max_gap, start: Instant::now(), streams: BTreeMap::new() }
    }

    /// When a record of a stream is to be sent, of which it is now so late.
    fn due(&mut self, stream: &str, time: i64, now: Duration) -> Duration {
        let Some((latest, due)) = self.streams.get_mut(stream) else {
            self.streams.insert(stream.to_owned(), (time, now));
            return now;
        };
        if let Some(step) = time.checked_sub(*latest).and_then(|step| u64::try_from(step).ok()) {
            let step = Duration::from_nanos(step).div_f64(self.speed);
            *due = due.saturating_add(step.min(self.max_gap));
            *latest = time;
        }
        *due
    }

    /// Waits until a record is due; not, if it has no time. Whether it may be sent: not if all is to stop.
    fn wait(
        &mut self,
        stream: &str,
        time: Option<i64>,
        stop: &AtomicBool,
        serve: &mut dyn FnMut(Duration) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let now = self.start.elapsed();
        let due = time.filter(|_| self.speed > 0.0).map(|time| self.due(stream, time, now));
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let left = due.unwrap_or_default().saturating_sub(self.start.elapsed());
            if left.is_zero() {
                return Ok(true);
            }
            serve(left.min(POLL))?;
        }
    }
}

/// Reads what was sent, and tells whether it is the same.
struct Back {
    consumer: BaseConsumer,
    partitions: Partitions,
    told: Receiver<Told>,
    troubles: Troubles,
    sent: u64,
    came: u64,
    /// Of all keys and values, whatever their order.
    digest: u64,
    /// Bytes that were sent and did not come yet.
    unread: usize,
    parts: BTreeMap<String, Part>,
}

impl Back {
    fn new(kafka: &Kafka, partitions: u32, documents: Arc<Documents>) -> Result<Self, Failure> {
        let all = 0..i32::try_from(partitions).unwrap_or(i32::MAX);
        let consumer = kafka.assigned("atlas_replay", all.map(|partition| (partition, 0)))?;
        let (sender, told) = channel();
        let partitions =
            Partitions::new(TypeMap::new(), documents, Came::default(), move |told| drop(sender.send(told)));
        Ok(Self {
            consumer,
            partitions,
            told,
            troubles: Troubles::default(),
            sent: 0,
            came: 0,
            digest: 0,
            unread: 0,
            parts: BTreeMap::new(),
        })
    }

    fn sent(&mut self, key: &[u8], value: &[u8]) {
        self.sent = self.sent.saturating_add(1);
        self.unread = self.unread.saturating_add(key.len()).saturating_add(value.len());
        self.digest = self.digest.wrapping_add(digest(key, value));
    }

    fn poll(&mut self, timeout: Duration, out: &mut dyn Write) -> Result<(), Failure> {
        match self.consumer.poll(timeout) {
            Some(Ok(record)) => {
                let (key, value) = (record.key().unwrap_or_default(), record.payload().unwrap_or_default());
                self.came = self.came.saturating_add(1);
                self.unread = self.unread.saturating_sub(key.len().saturating_add(value.len()));
                self.digest = self.digest.wrapping_sub(digest(key, value));
                self.partitions.handle(&record);
            }
            Some(Err(error)) => {
                self.troubles.take(error, &mut |line| drop(writeln!(out, "{line}")))?;
            }
            None => {}
        }
        self.partitions.handle_timeout();
        self.print(out)
    }

    fn print(&mut self, out: &mut dyn Write) -> Result<(), Failure> {
        for told in self.told.try_iter() {
            if let Told::Part(stream, part) = &told {
                self.parts.entry(stream.clone()).or_default().add(part);
            }
            board::print(out, "came", &told).map_err(Failure::Output)?;
        }
        Ok(())
    }

    /// Until all that was sent has come.
    fn catch_up(&mut self, sender: &Sender, out: &mut dyn Write) -> Result<(), Failure> {
        sender.finish()?;
        let (mut last, mut came) = (Instant::now(), self.came);
        while self.came < self.sent {
            self.poll(POLL, out)?;
            if self.came != came {
                (last, came) = (Instant::now(), self.came);
            }
            if last.elapsed() > PATIENCE {
                return Err(Failure::Silence(self.came, self.sent));
            }
        }
        Ok(())
    }

    fn finish(mut self, out: &mut dyn Write) -> Result<BTreeMap<String, Part>, Failure> {
        self.partitions.finish_all();
        self.print(out)?;
        let is_same = self.digest == 0 && self.came == self.sent;
        let verdict = if is_same { "as they were sent" } else { "not as they were sent" };
        writeln!(out, "{} records came back, {verdict}", self.came).map_err(Failure::Output)?;
        if is_same { Ok(self.parts) } else { Err(Failure::Silence(self.came, self.sent)) }
    }
}

/// FNV-1a, with a byte between the two that is in no key.
fn digest(key: &[u8], value: &[u8]) -> u64 {
    let bytes = key.iter().chain(&[0xff]).chain(value);
    bytes.fold(0xcbf2_9ce4_8422_2325, |all, byte| (all ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Replayed {
    fn tell(&self, out: &mut dyn Write) -> io::Result<()> {
        for (stream, part) in self.came.iter().flatten() {
            let Part { samples, laps, events, unbound, .. } = part;
            writeln!(
                out,
                "stream {stream}: {samples} samples of the view, {laps} laps, {events} events, {unbound} messages unbound"
            )?;
        }
        let partitions: BTreeSet<_> = self.streams.values().collect();
        let stopped = if self.is_stopped { ", and was stopped" } else { "" };
        let Self { sent, bad, foreign, .. } = self;
        let streams = self.streams.len();
        let s = |count: usize| if count == 1 { "" } else { "s" };
        writeln!(
            out,
            "{sent} records of {streams} stream{} sent to {} partition{}, {bad} bad lines, {foreign} of somebody else{stopped}",
            s(streams),
            partitions.len(),
            s(partitions.len()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_goes_by_its_own_times() {
        let settings = ReplaySettings { speed: 2.0, max_gap: Duration::from_secs(3), ..ReplaySettings::default() };
        let mut pace = Pace::new(&settings);
        let (day, second) = (86_400_000_000_000, 1_000_000_000);
        let millis = Duration::from_millis;
        assert_eq!(pace.due("a", 5 * day, millis(100)), millis(100));
        assert_eq!(pace.due("a", 5 * day + second, millis(100)), millis(600));
        // What is older than others is due with them, and is not counted twice.
        assert_eq!(pace.due("a", 5 * day, millis(700)), millis(600));
        assert_eq!(pace.due("a", 5 * day + 2 * second, millis(700)), millis(1100));
        // A pause of a day is cut.
        assert_eq!(pace.due("a", 6 * day, millis(1200)), millis(4100));
        assert_eq!(pace.due("b", 0, millis(1200)), millis(1200));
        assert_eq!(pace.due("b", second, millis(1200)), millis(1700));
    }

    #[test]
    fn a_byte_that_is_elsewhere_is_told() {
        assert_ne!(digest(b"a", b"bc"), digest(b"ab", b"c"));
        assert_ne!(digest(b"a", b""), digest(b"", b"a"));
    }
}

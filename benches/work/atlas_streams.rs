//! The work of the rows of atlas-stream's machines: ten seconds of a partition with eight streams, decoded bare and through
//! a reader; entries that a barrier puts in order, and an ordered map.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use atlas_stream::{
    ATLAS_CONFIGURATION, Aggregates, Columns, DATA_FORMAT, DataFormat, DateTime, Decoder, Event, Feed, Lap, LapType,
    Message, MessageKind, ParamKey, RecordRef, Released, Session, SessionState, StreamReader, SyncBarrier,
    TelemetryKind, TriggerSource, TypeMap,
};
use testkit::Rng;

const STREAMS: usize = 8;
/// Parameters of `tdata`, and how many samples a message has of each: 50 Hz, five messages a second.
const PARAMETERS: usize = 20;
const SAMPLES: usize = 10;
/// The same of `tsamples`, every other time: 100 Hz.
const RAW_PARAMETERS: usize = 4;
const RAW_SAMPLES: usize = 20;
/// How far apart messages are, and how many of them a heartbeat is from the next.
const TICK: Duration = Duration::from_millis(200);
const TICKS: usize = 50;

const EPOCH: i64 = 1_511_091_963_784_000_000;
/// Types that the user chose: none is described.
const TYPES: [(&str, MessageKind); 3] = [
    ("tdata-protobuf", MessageKind::ProtobufTelemetry(TelemetryKind::Data)),
    ("tsamples-protobuf", MessageKind::ProtobufTelemetry(TelemetryKind::Samples)),
    ("events-protobuf", MessageKind::ProtobufEvent),
];

/// A key and a value.
type Record = (Vec<u8>, Vec<u8>);

/// What comes of a partition over and over, once its streams run.
pub struct Partition {
    /// What each stream begins with.
    starts: Vec<Record>,
    /// What comes in each tick, of all streams.
    ticks: Vec<Vec<Record>>,
    format: Arc<DataFormat<'static>>,
    format_id: String,
}

/// In JSON but for a fifth of the aggregated data. Of a stream, ten seconds are 50 messages of aggregated data of 20
/// parameters with 10 samples each (2.1 kB in JSON and in protobuf), 25 of samples of 4 parameters with 20 each (1.6 kB,
/// 1.1 kB in protobuf), 5 events, a lap and a session (0.3 kB).
#[must_use]
pub fn json_mix() -> Partition {
    partition(|tick| tick % 5 == 4, false, 1)
}

/// The same in protobuf but for the sessions and the laps, of which there is none.
#[must_use]
pub fn protobuf_mix() -> Partition {
    partition(|_| true, true, 1)
}

/// The same with one sample of a parameter, of samples two: 410 bytes and 200.
#[must_use]
pub fn small_mix() -> Partition {
    partition(|_| true, true, SAMPLES)
}

/// With messages that are shorter by a factor.
fn partition(is_protobuf: impl Fn(usize) -> bool, all_protobuf: bool, shorter: usize) -> Partition {
    let mut rng = Rng::new(10);
    let names: Vec<String> = (0..PARAMETERS).map(|n| format!("vParameter{n}:Chassis")).collect();
    let feed = names.iter().fold(Feed::new(50.0), |feed, name| feed.with(&**name, Aggregates::AVG));
    let format = DataFormat::new().with_feed("", feed).into_owned();
    let format_id = format.dependency_id().expect("encodes");
    let ids: Vec<String> = (0..STREAMS).map(|_| format!("{:016x}{:016x}", rng.next_u64(), rng.next_u64())).collect();
    let mut columns = Columns::new();
    let record = |message_type: &str, id: &str, message: &Message<'_>| -> Record {
        let types = TYPES.iter().find(|(name, _)| *name == message_type).map(|(_, kind)| *kind);
        let kind = types.unwrap_or(match message_type {
            "$start" => MessageKind::Start,
            "session" => MessageKind::Session,
            "tdata" => MessageKind::Data,
            "tsamples" => MessageKind::Samples,
            "events" => MessageKind::Event,
            _ => MessageKind::Lap,
        });
        let mut value = Vec::new();
        message.encode(Some(kind), &mut value).expect("encodes");
        (format!("{message_type}:{id}").into_bytes(), value)
    };
    let session = |id: &str| -> Message<'static> {
        let mut session = Session::new(id.split_at(8).0.to_owned(), SessionState::OPEN)
            .with_identifier("Silverstone, second practice")
            .with_dependency(DATA_FORMAT, format_id.clone())
            .with_dependency(ATLAS_CONFIGURATION, "5f1d3a0c77e2");
        for (name, text) in [("Driver", "KMZ"), ("Car", "MP4-33-02"), ("Circuit", "Silverstone"), ("Run", "7")] {
            session = session.with_detail(name, text);
        }
        session.last_heartbeat = Some(DateTime::from_unix_nanos(EPOCH));
        Message::Session(session)
    };
    let mut values = |count: usize| -> Vec<f64> {
        (0..count).map(|_| (rng.below(30_000) as f64 / 100.0 - 20.0).round() / 4.0).collect()
    };
    let mut ticks = Vec::with_capacity(TICKS);
    for tick in 0..TICKS {
        let mut records = Vec::new();
        let since = tick as i64 * TICK.as_nanos() as i64;
        for (stream, id) in ids.iter().enumerate() {
            // Not all at once.
            let turn = tick + stream * 6;
            let times: Vec<i64> = (0..SAMPLES.div_ceil(shorter) as i64).map(|n| since + n * 20_000_000).collect();
            columns.start_data(&format_id, "", EPOCH, &times).expect("in range");
            for _ in 0..PARAMETERS {
                let values = values(times.len());
                columns.push_data(&vec![1; times.len()], &[(Aggregates::AVG, &values)]).expect("fits");
            }
            let name = if is_protobuf(tick) { "tdata-protobuf" } else { "tdata" };
            records.push(record(name, id, &Message::from(&columns)));
            if turn % 2 == 0 {
                let times: Vec<i64> =
                    (0..RAW_SAMPLES.div_ceil(shorter) as i64).map(|n| since + n * 10_000_000).collect();
                columns.start(TelemetryKind::Samples, &format_id, "");
                for (index, name) in (0..).zip(names.iter().take(RAW_PARAMETERS)) {
                    let key = if all_protobuf { ParamKey::Index(index) } else { ParamKey::Name(name) };
                    columns.push_samples(key, EPOCH, &times, &values(times.len())).expect("fits");
                }
                let name = if all_protobuf { "tsamples-protobuf" } else { "tsamples" };
                records.push(record(name, id, &Message::from(&columns)));
            }
            if turn % 10 == 3 {
                let mut event = Event::new(EPOCH, since, "02D4:Chassis");
                event.values = vec![1.5, 2.0].into();
                let name = if all_protobuf { "events-protobuf" } else { "events" };
                records.push(record(name, id, &event.into()));
            }
            if turn % TICKS == 17 && !all_protobuf {
                let lap = Lap::new(7, EPOCH, since, LapType::Fast, TriggerSource::MAIN_STRAIGHT);
                records.push(record("lap", id, &lap.into()));
            }
            if turn % TICKS == 49 {
                records.push(record("session", id, &session(id)));
            }
        }
        ticks.push(records);
    }
    let starts = ids.iter().flat_map(|id| [record("$start", id, &Message::Start), record("session", id, &session(id))]);
    Partition { starts: starts.collect(), ticks, format: Arc::new(format), format_id }
}

impl Partition {
    fn records(&self) -> impl Iterator<Item = &Record> {
        self.ticks.iter().flatten()
    }

    /// How many records come each time.
    #[must_use]
    pub fn count(&self) -> usize {
        self.records().count()
    }

    /// Bytes of their keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.records().map(|(key, value)| key.len() + value.len()).sum()
    }

    /// The length of the values of a type, on average.
    #[must_use]
    pub fn mean(&self, message_type: &str) -> usize {
        let of_type = self.records().filter(|(key, _)| key.starts_with(format!("{message_type}:").as_bytes()));
        let (count, sum) = of_type.fold((0, 0), |(count, sum), (_, value)| (count + 1, sum + value.len()));
        sum.checked_div(count).unwrap_or(0)
    }
}

fn decoder() -> Decoder {
    let types = TYPES.iter().fold(TypeMap::new(), |types, (name, kind)| types.with(*name, *kind));
    Decoder::new().with_types(types)
}

/// Something of a record, cheap enough not to be what is measured.
#[must_use]
pub fn glance(record: &RecordRef<'_>) -> u64 {
    match record.message() {
        Message::Data(telemetry) => telemetry.len() as u64,
        Message::Samples(telemetry) => 100 + telemetry.len() as u64,
        Message::Session(session) => 1000 + session.id.len() as u64,
        Message::Event(event) => 2000 + event.id.len() as u64,
        Message::Lap(lap) => lap.number as u64,
        _ => 0,
    }
}

/// All of a record.
///
/// # Panics
///
/// If there is something in it that no record here has.
#[must_use]
pub fn look(record: &RecordRef<'_>) -> u64 {
    let mut hash = glance(record);
    let mut mix = |number: u64| hash = hash.wrapping_mul(31).wrapping_add(number);
    record.key().to_string().bytes().for_each(|byte| mix(byte.into()));
    match record.message() {
        Message::Data(telemetry) | Message::Samples(telemetry) => {
            telemetry.format().expect("a format").bytes().for_each(|byte| mix(byte.into()));
            for parameter in telemetry.parameters() {
                parameter.times().iter().for_each(|time| mix((telemetry.epoch() + time) as u64));
                parameter.avg().or(parameter.values()).expect("values").iter().for_each(|value| mix(value.to_bits()));
            }
        }
        Message::Session(session) => session.dependencies(DATA_FORMAT).for_each(|id| mix(id.len() as u64)),
        Message::Event(event) => event.values.column().iter().for_each(|value| mix(value.to_bits())),
        Message::Lap(lap) => mix(lap.absolute().expect("in range") as u64),
        other => panic!("{other:?}"),
    }
    hash
}

/// Records, one after the other.
pub struct Bare(Decoder);

impl Default for Bare {
    fn default() -> Self {
        Self(decoder())
    }
}

impl Bare {
    /// Once through a partition.
    ///
    /// # Panics
    ///
    /// If a record is not valid.
    pub fn run(&mut self, partition: &Partition, look: impl Fn(&RecordRef<'_>) -> u64) -> u64 {
        let mut sum = 0_u64;
        for (key, value) in partition.records() {
            let Ok(record) = self.0.decode(key, value) else { panic!("not valid") };
            sum = sum.wrapping_mul(3).wrapping_add(look(&record));
        }
        sum
    }
}

/// A reader whose streams run, and whose format is there.
pub struct Running {
    reader: StreamReader,
    now: Duration,
    offset: i64,
}

impl Running {
    /// Behind what its streams begin with.
    ///
    /// # Panics
    ///
    /// If they do not run.
    #[must_use]
    pub fn new(partition: &Partition) -> Self {
        let mut reader = StreamReader::new().with_decoder(decoder());
        for (offset, (key, value)) in (0..).zip(&partition.starts) {
            assert!(reader.handle_record(Duration::ZERO, offset, key, value).expect("valid").is_some());
        }
        assert!(reader.provide_format(&partition.format_id, Arc::clone(&partition.format)));
        assert!(reader.poll_event().is_none());
        assert_eq!(reader.streams().filter(|stream| stream.state() == Some(SessionState::OPEN)).count(), STREAMS);
        Self { reader, now: Duration::ZERO, offset: partition.starts.len() as i64 }
    }

    /// Once through a partition, as a user goes: what waited and what is told is asked for behind each record.
    ///
    /// # Panics
    ///
    /// If a record is not delivered at once, or anything is told.
    pub fn run(&mut self, partition: &Partition, look: impl Fn(&RecordRef<'_>) -> u64) -> u64 {
        let Self { reader, now, offset } = self;
        let mut sum = 0_u64;
        for records in &partition.ticks {
            *now += TICK;
            reader.handle_timeout(*now);
            for (key, value) in records {
                let Ok(Some(received)) = reader.handle_record(*now, *offset, key, value) else {
                    panic!("not delivered")
                };
                assert!(received.notes().is_empty() && received.stream().is_some());
                sum = sum.wrapping_mul(3).wrapping_add(look(received.record()));
                *offset += 1;
                assert!(reader.poll_record().is_none());
                assert!(reader.poll_event().is_none());
            }
        }
        sum
    }

    /// Telemetry of a stream that runs, so that no heap is asked for.
    ///
    /// # Panics
    ///
    /// If a record is not valid.
    pub fn run_telemetry(&mut self, partition: &Partition) -> u64 {
        let Self { reader, now, offset } = self;
        let of_data = partition.records().filter(|(key, _)| key.starts_with(b"tdata") || key.starts_with(b"tsamples"));
        of_data.fold(0, |sum, (key, value)| {
            let received = reader.handle_record(*now, *offset, key, value).expect("valid").expect("does not wait");
            assert!(received.format().is_some());
            sum + glance(received.record())
        })
    }
}

/// What is to be put in order, and when all that is older than a time has come: behind so many, that time.
pub struct Entries {
    entries: Vec<(i64, u64)>,
    syncs: Vec<(usize, i64)>,
}

/// Four entries have the same time, 5 ms from the next ones.
const fn time_of(entry: u64) -> i64 {
    EPOCH + (entry / 4) as i64 * 5_000_000
}

/// In any order, and one sync behind them.
#[must_use]
pub fn shuffled(count: u64) -> Entries {
    let mut rng = Rng::new(11);
    let mut entries: Vec<(i64, u64)> = (0..count).map(|entry| (time_of(entry), entry)).collect();
    for last in (1..entries.len()).rev() {
        entries.swap(last, rng.below(last + 1));
    }
    let syncs = vec![(entries.len(), i64::MAX)];
    Entries { entries, syncs }
}

/// Each up to 2000 entries late, and a sync behind every thousand: it lets go what is older than that.
#[must_use]
pub fn late(count: u64) -> Entries {
    const LATE: u64 = 2000;
    let mut rng = Rng::new(12);
    let mut entries: Vec<(u64, u64)> =
        (0..count).map(|entry| (entry + rng.below(LATE as usize) as u64, entry)).collect();
    entries.sort_unstable();
    let mut syncs: Vec<_> =
        (1..=count / 1000).map(|n| ((n * 1000) as usize, time_of((n * 1000).saturating_sub(LATE)))).collect();
    syncs.push((entries.len(), i64::MAX));
    Entries { entries: entries.into_iter().map(|(_, entry)| (time_of(entry), entry)).collect(), syncs }
}

impl Entries {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What comes in front of each sync, and its time.
    fn parts(&self) -> impl Iterator<Item = (&[(i64, u64)], i64)> {
        let mut start = 0;
        self.syncs.iter().map(move |(end, point)| {
            let part = &self.entries[start..*end];
            start = *end;
            (part, *point)
        })
    }
}

/// Order counts.
const fn mix(sum: u64, time: i64, entry: u64) -> u64 {
    sum.wrapping_mul(31).wrapping_add(time as u64 ^ entry)
}

/// Through a barrier.
///
/// # Panics
///
/// If one is late, or stays.
#[must_use]
pub fn barrier(entries: &Entries) -> u64 {
    let mut barrier = SyncBarrier::new();
    let mut sum = 0;
    for (part, point) in entries.parts() {
        for (time, entry) in part {
            barrier.push(*time, *entry).expect("not late");
        }
        barrier.sync(Some(point));
        while let Some(Released { time, item, .. }) = barrier.pop() {
            sum = mix(sum, time, item);
        }
    }
    assert!(barrier.is_empty());
    sum
}

/// The same through a map by time and number, which keeps those of one time apart and in order.
///
/// # Panics
///
/// If one stays.
#[must_use]
pub fn map(entries: &Entries) -> u64 {
    let mut map = BTreeMap::new();
    let (mut sum, mut number) = (0, 0_u64);
    for (part, point) in entries.parts() {
        for (time, entry) in part {
            map.insert((*time, number), *entry);
            number += 1;
        }
        while let Some(first) = map.first_entry() {
            if first.key().0 >= point {
                break;
            }
            let ((time, _), entry) = first.remove_entry();
            sum = mix(sum, time, entry);
        }
    }
    assert!(map.is_empty());
    sum
}

/// The same, where what a sync lets go is split off.
///
/// # Panics
///
/// If one stays.
#[must_use]
pub fn map_split(entries: &Entries) -> u64 {
    let mut map = BTreeMap::new();
    let (mut sum, mut number) = (0, 0_u64);
    for (part, point) in entries.parts() {
        for (time, entry) in part {
            map.insert((*time, number), *entry);
            number += 1;
        }
        let rest = map.split_off(&(point, 0));
        for ((time, _), entry) in std::mem::replace(&mut map, rest) {
            sum = mix(sum, time, entry);
        }
    }
    assert!(map.is_empty());
    sum
}

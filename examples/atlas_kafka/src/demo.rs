//! All of the demo: writers, readers, and whether what was sent has come.

use core::fmt::Display;
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Instant, SystemTime};

use atlas_stream::{Partitioner, SessionState};

use crate::Failure;
use crate::board::{self, Part, Told};
use crate::documents::Documents;
use crate::group::{Came, Group, Partitions, read_alone, read_shared};
use crate::kafka::{Cluster, Kafka, PATIENCE};
use crate::settings::{Role, Settings};
use crate::writing::{Middle, Plan, Written, types, write};

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The streams that were written, in their order.
    pub streams: Vec<StreamReport>,
    /// Which readers had anything to read, by their names.
    pub readers: BTreeSet<String>,
    /// What came of the first stream to a reader that was late, and what should have.
    pub late: Option<(Part, Part)>,
    /// What came to the readers of the group, by stream, also of streams that others write.
    pub came: BTreeMap<String, Part>,
    /// What did not come as it was sent; empty if all is well.
    pub faults: Vec<String>,
}

/// A stream, as it was sent and as it came.
#[derive(Clone, Debug)]
pub struct StreamReport {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub partition: i32,
    /// How many records it took.
    pub records: u64,
    /// How its session was closed.
    pub state: SessionState,
    /// What was sent.
    pub sent: Part,
    /// What came to the readers of the group.
    pub came: Part,
}

/// What threads have for who waits for them.
enum News {
    Told(String, Told),
    Middle(Middle),
    Written(Result<Written, Failure>),
    /// A reader is through, and met so many records of somebody else.
    Read(Result<u64, Failure>),
}

const LATE: &str = "late";

/// How long writers wait for readers.
const READY: Duration = Duration::from_secs(30);

/// A stream that is silent for longer is told: less than a real reader would say, as heartbeats are quicker.
const STALE: Duration = Duration::from_secs(1);

/// Runs it to its end, or until it is told to stop: streams are closed as truncated then.
///
/// # Errors
///
/// What hinders writers or readers. What did not come is in the report.
pub fn run(
    settings: &Settings,
    out: &mut dyn Write,
    log: &mut dyn Write,
    stop: &AtomicBool,
) -> Result<Report, Failure> {
    let cluster = Cluster::start(settings.brokers.as_deref(), &settings.topic, settings.partitions)?;
    let kafka = cluster.kafka.clone();
    let partitions = kafka.partitions()?;
    let what = if cluster.is_mock { "mock cluster" } else { "cluster" };
    writeln!(out, "{what} {}, topic {}, {partitions} partitions", kafka.servers, kafka.topic)
        .map_err(Failure::Output)?;
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let name = format!("{:08x}", unix.as_millis() & 0xffff_ffff);
    let group = match settings.role {
        Role::Read => settings.group.clone(),
        // One of its own, which begins here: what is verified is what this run sends.
        Role::All | Role::Write => format!("atlas_demo-{name}-{}", std::process::id()),
    };
    if settings.role == Role::All && !cluster.is_mock {
        kafka.begin_at_end(&group, partitions)?;
    }
    let documents = Arc::new(Documents::new(settings.documents.clone()));
    let group = Arc::new(Group::new(group, settings.readers));
    let demo = Demo { settings, kafka, group, documents, stop };
    board::head(out).map_err(Failure::Output)?;
    let outcome = demo.all(&name, partitions, out, log)?;
    // Mock brokers end behind their clients.
    drop(cluster);
    outcome.tell(settings.role, out).map_err(Failure::Output)?;
    Ok(outcome)
}

struct Demo<'s> {
    settings: &'s Settings,
    kafka: Kafka,
    group: Arc<Group>,
    documents: Arc<Documents>,
    stop: &'s AtomicBool,
}

impl Demo<'_> {
    fn partitions(&self, name: String, came: Came, news: &SyncSender<News>) -> Partitions {
        let news = news.clone();
        let tell = move |told| drop(news.send(News::Told(name.clone(), told)));
        Partitions::new(types(self.settings.protobuf.as_deref()), Arc::clone(&self.documents), came, tell)
            .with_stale(STALE)
    }

    /// So that there is something to see as it happens; what was sent before would not be lost.
    fn wait_for_readers(&self, partitions: NonZeroU32) {
        let start = Instant::now();
        while self.settings.role == Role::All && !self.group.is_ready(partitions.get()) {
            if start.elapsed() > READY || self.group.is_done() || self.stop.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn plans(&self, name: &str, partitions: NonZeroU32) -> Vec<Plan> {
        let Settings { streams, samples, lap_samples, speed, protobuf, pause, seed, role, .. } = self.settings;
        // Before anything else chooses: the hash of the key would scatter a stream.
        let mut partitioner = Partitioner::new(partitions);
        let streams = if *role == Role::Read { 0 } else { *streams };
        let plan = |index: u32| {
            let stream_id = format!("{name}-{index}");
            let partition = partitioner.partition(&stream_id)?;
            let pause = (*role == Role::All && index == 1).then_some(*pause);
            let (protobuf, seed) = (protobuf.clone(), seed.wrapping_mul(1000).wrapping_add(index.into()));
            let (samples, lap_samples, speed) = (*samples, *lap_samples, *speed);
            Some(Plan { stream_id, partition, seed, samples, lap_samples, speed, protobuf, pause })
        };
        (1..=streams).filter_map(plan).collect()
    }

    fn all(
        &self,
        name: &str,
        partitions: NonZeroU32,
        out: &mut dyn Write,
        log: &mut dyn Write,
    ) -> Result<Report, Failure> {
        let (demo, role) = (self, self.settings.role);
        let plans = demo.plans(name, partitions);
        let mut due: BTreeSet<_> = plans.iter().map(|plan| plan.stream_id.clone()).collect();
        let first = plans.first().map(|plan| plan.stream_id.clone());
        let (news, heard) = sync_channel(1024);
        let mut board = Board::default();
        let mut failure = None;
        thread::scope(|scope| {
            let mut writers = plans.len();
            for (index, plan) in plans.iter().enumerate() {
                let news = news.clone();
                scope.spawn(move || {
                    let mut tell = |line| drop(news.send(News::Told("writer".to_owned(), Told::Line(line))));
                    let mut middle = |middle| drop(news.send(News::Middle(middle)));
                    let middle: Option<&mut dyn FnMut(Middle)> = match (role, index) {
                        (Role::All, 0) => Some(&mut middle),
                        _ => None,
                    };
                    demo.wait_for_readers(partitions);
                    let written = write(&demo.kafka, plan, &demo.documents, demo.stop, &mut tell, middle);
                    let _ = news.send(News::Written(written));
                });
            }
            let count = if role == Role::Write { 0 } else { demo.settings.readers };
            for index in 1..=count {
                let (news, partitions) =
                    (news.clone(), demo.partitions(format!("reader {index}"), demo.group.came(), &news));
                scope.spawn(move || {
                    let read = read_shared(&demo.kafka, &demo.group, partitions);
                    let _ = news.send(News::Read(read));
                });
            }
            // The last of the senders goes with the last of the threads; this one is for readers to come.
            let mut spare = Some(news);
            let mut last = Instant::now();
            let mut needs_late = role == Role::All && !plans.is_empty();
            loop {
                let message = match heard.recv_timeout(Duration::from_millis(100)) {
                    Ok(message) => Some(message),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                match message {
                    Some(News::Told(reader, told)) => {
                        last = Instant::now();
                        if let Told::Part(stream, part) = &told {
                            if part.has_ended && reader != LATE {
                                due.remove(stream);
                            }
                            needs_late &= !(reader == LATE && part.has_ended && Some(stream) == first.as_ref());
                        }
                        board.take(&reader, &told);
                        if let Err(error) = board::print(out, &reader, &told) {
                            failure.get_or_insert(Failure::Output(error));
                        }
                    }
                    Some(News::Middle(middle)) => {
                        board.before = Some(middle.before);
                        if let Some(news) = spare.clone() {
                            let partitions = demo.partitions(LATE.to_owned(), Came::default(), &news);
                            let from = (middle.partition, middle.offset);
                            let line = format!("begins at partition {}, offset {}", from.0, from.1);
                            let _ = board::print(out, LATE, &Told::Line(line));
                            scope.spawn(move || {
                                let read = read_alone(&demo.kafka, &demo.group, from, partitions);
                                let _ = news.send(News::Read(read));
                            });
                        }
                    }
                    Some(News::Written(written)) => {
                        writers = writers.saturating_sub(1);
                        match written {
                            Ok(written) => board.written.push(written),
                            Err(error) => {
                                let _ = writeln!(log, "a writer: {error}");
                                failure.get_or_insert(error);
                            }
                        }
                        // Who was truncated before its middle has no late reader.
                        needs_late &= writers > 0 || board.before.is_some();
                    }
                    Some(News::Read(Ok(foreign))) => board.foreign = board.foreign.saturating_add(foreign),
                    Some(News::Read(Err(error))) => {
                        let _ = writeln!(log, "a reader: {error}");
                        failure.get_or_insert(error);
                    }
                    None => {}
                }
                let has_read = match role {
                    Role::All => writers == 0 && ((due.is_empty() && !needs_late) || last.elapsed() > PATIENCE),
                    Role::Write => writers == 0,
                    Role::Read => demo.stop.load(Ordering::Relaxed),
                };
                if has_read || failure.is_some() {
                    demo.group.done.store(true, Ordering::Relaxed);
                    spare = None;
                }
                if failure.is_some() {
                    // Writers end their streams as truncated.
                    demo.stop.store(true, Ordering::Relaxed);
                }
            }
        });
        failure.map_or_else(|| Ok(board.report(first.as_deref(), role)), Err)
    }
}

/// What was told, added up.
#[derive(Default)]
struct Board {
    written: Vec<Written>,
    came: BTreeMap<String, Part>,
    late: BTreeMap<String, Part>,
    before: Option<Part>,
    readers: BTreeSet<String>,
    foreign: u64,
}

impl Board {
    fn take(&mut self, reader: &str, told: &Told) {
        if let Told::Part(stream, part) = told {
            let parts = if reader == LATE { &mut self.late } else { &mut self.came };
            parts.entry(stream.clone()).or_default().add(part);
            self.readers.insert(reader.to_owned());
        }
    }

    fn report(mut self, first: Option<&str>, role: Role) -> Report {
        self.written.sort_by(|one, two| one.stream_id.cmp(&two.stream_id));
        let mut report = Report { readers: self.readers, came: self.came, ..Report::default() };
        for Written { stream_id, partition, part, records, state } in self.written {
            let came = report.came.get(&stream_id).cloned().unwrap_or_default();
            if role == Role::All {
                verify(&mut report.faults, &stream_id, &part, &came);
            }
            if let (Some(before), true) = (&self.before, first == Some(&*stream_id)) {
                let mut due = part.clone();
                due.samples = due.samples.saturating_sub(before.samples);
                due.digest = due.digest.wrapping_sub(before.digest);
                due.laps = due.laps.saturating_sub(before.laps);
                due.events = due.events.saturating_sub(before.events);
                let late = self.late.remove(&stream_id).unwrap_or_default();
                verify(&mut report.faults, &format!("{stream_id}, read late"), &due, &late);
                report.late = Some((late, due));
            }
            report.streams.push(StreamReport { id: stream_id, partition, records, state, sent: part, came });
        }
        report
    }
}

fn verify(faults: &mut Vec<String>, stream: &str, sent: &Part, came: &Part) {
    let mut check = |what: &str, sent: &dyn Display, came: &dyn Display, is_same: bool| {
        if !is_same {
            faults.push(format!("{stream}: {came} {what} came of {sent}"));
        }
    };
    check("samples", &sent.samples, &came.samples, sent.samples == came.samples);
    check("laps", &sent.laps, &came.laps, sent.laps == came.laps);
    check("events", &sent.events, &came.events, sent.events == came.events);
    check("ends", &1, &i32::from(came.has_ended), came.has_ended);
    if sent.samples == came.samples && sent.digest != came.digest {
        faults.push(format!("{stream}: other samples came than were sent"));
    }
    for (what, count) in [("out of order", came.disordered), ("late", came.late), ("without a format", came.unbound)] {
        if count > 0 {
            faults.push(format!("{stream}: {count} {what}"));
        }
    }
}

impl Report {
    fn tell(&self, role: Role, out: &mut dyn Write) -> std::io::Result<()> {
        for StreamReport { id, partition, records, state, sent, came } in &self.streams {
            let state = state.name().unwrap_or("unknown");
            write!(
                out,
                "stream {id}: {state}, {records} records with {} samples and {} laps sent",
                sent.samples, sent.laps
            )?;
            match role {
                Role::Write => writeln!(out, " to partition {partition}")?,
                Role::All | Role::Read => {
                    writeln!(out, " to partition {partition}, {} and {} came", came.samples, came.laps)?;
                }
            }
        }
        if let Some((late, due)) = &self.late {
            writeln!(out, "read late: {} of {} samples that were still to come", late.samples, due.samples)?;
        }
        if role == Role::All {
            match self.faults.len() {
                0 => writeln!(out, "all that was sent has come, in the order of time")?,
                count => writeln!(out, "{count} faults")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_come_is_told() {
        let sent = Part { samples: 20, digest: 7, laps: 2, events: 2, has_ended: true, ..Part::default() };
        let faults = |came: Part| {
            let mut faults = Vec::new();
            verify(&mut faults, "a", &sent, &came);
            faults
        };
        assert!(faults(sent.clone()).is_empty());
        assert_eq!(faults(Part { samples: 19, ..sent.clone() }), ["a: 19 samples came of 20"]);
        assert_eq!(faults(Part { digest: 8, ..sent.clone() }), ["a: other samples came than were sent"]);
        assert_eq!(
            faults(Part { has_ended: false, laps: 3, ..sent.clone() }),
            ["a: 3 laps came of 2", "a: 0 ends came of 1"]
        );
        assert_eq!(faults(Part { late: 1, disordered: 4, ..sent.clone() }), ["a: 4 out of order", "a: 1 late"]);
        assert_eq!(faults(Part::default()).len(), 4);
    }
}

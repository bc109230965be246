//! The loop around a `StreamWriter`: a random walk, paced, whose writer may be stopped and go on.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::thread;
use std::time::{Instant, SystemTime};

use atlas_stream::{
    Columns, DATA_FORMAT, Event, Lap, LapType, Message, MessageKind, MessageType, SessionState, StreamWriter, Sync,
    TelemetryKind, TriggerSource, TypeMap,
};

use crate::Failure;
use crate::board::{Part, Sample};
use crate::documents::Documents;
use crate::kafka::{Kafka, Sender};
use crate::walk::{self, STEP, Walk};

/// Samples in a message, and messages between two syncs.
const CHUNK: u64 = 20;
const CHUNKS: u64 = 5;

/// How long after a session it is told again: more often than the ten seconds of a real writer, so that there is something to see.
const HEARTBEAT: Duration = Duration::from_millis(400);

/// What a writer has to do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) stream_id: String,
    pub(crate) partition: i32,
    pub(crate) seed: u64,
    pub(crate) samples: u64,
    pub(crate) lap_samples: u64,
    /// Faster than real time; 0 for as fast as it goes.
    pub(crate) speed: f64,
    /// The type of telemetry in protobuf, if it is.
    pub(crate) protobuf: Option<String>,
    /// Whether the writer is stopped in the middle, and for how long.
    pub(crate) pause: Option<Duration>,
}

/// A type of the user's for telemetry in protobuf: none is published.
pub(crate) fn types(protobuf: Option<&str>) -> TypeMap {
    let kind = MessageKind::ProtobufTelemetry(TelemetryKind::Data);
    protobuf.into_iter().fold(TypeMap::new(), |types, name| types.with(name, kind))
}

/// What was sent of a stream, all of it delivered.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) stream_id: String,
    pub(crate) partition: i32,
    pub(crate) part: Part,
    pub(crate) records: u64,
    pub(crate) state: SessionState,
}

/// Where a reader that comes late begins, and what was sent before.
#[derive(Clone, Debug)]
pub(crate) struct Middle {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) before: Part,
}

/// Sends a stream. Of a fault of its own readers are told, as far as they can be.
pub(crate) fn write(
    kafka: &Kafka,
    plan: &Plan,
    documents: &Documents,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(String),
    mut middle: Option<&mut dyn FnMut(Middle)>,
) -> Result<Written, Failure> {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let unix = i64::try_from(unix.as_nanos()).unwrap_or(i64::MAX);
    let session = walk::session(format!("session-{}", plan.stream_id), unix, documents)?;
    let format = session.dependencies(DATA_FORMAT).next().unwrap_or_default().to_owned();
    let mut run = Run {
        sender: kafka.sender()?,
        writer: configured(StreamWriter::new(&plan.stream_id, plan.partition, session)?, plan, unix),
        start: Instant::now(),
        part: Part::default(),
        format,
        // Times are since the day began, as the vendor has them.
        epoch: unix.saturating_sub(unix.rem_euclid(86_400_000_000_000)),
        unix,
        columns: Columns::new(),
    };
    let outcome = run.all(plan, stop, tell, &mut middle);
    if outcome.is_err() {
        let _ = run.writer.close(run.start.elapsed(), SessionState::FAILED);
        let _ = run.pump().and_then(|()| run.sender.finish());
    }
    outcome?;
    let state = run.writer.session().state;
    let Run { part, sender, .. } = run;
    Ok(Written { stream_id: plan.stream_id.clone(), partition: plan.partition, part, records: sender.sent, state })
}

fn configured(writer: StreamWriter, plan: &Plan, unix: i64) -> StreamWriter {
    writer.with_heartbeat(HEARTBEAT).with_types(types(plan.protobuf.as_deref())).with_unix_origin(unix)
}

struct Run {
    writer: StreamWriter,
    sender: Sender,
    start: Instant,
    part: Part,
    format: String,
    epoch: i64,
    /// When it started, in nanoseconds since 1970.
    unix: i64,
    columns: Columns,
}

impl Run {
    fn all(
        &mut self,
        plan: &Plan,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(String),
        middle: &mut Option<&mut dyn FnMut(Middle)>,
    ) -> Result<(), Failure> {
        let warnings = self.writer.start(self.start.elapsed())?;
        if !warnings.is_empty() {
            tell(format!("stream {}: {warnings}", plan.stream_id));
        }
        self.pump()?;
        self.writer.update(self.start.elapsed(), |session| session.state = SessionState::OPEN)?;
        let (mut walk, mut pause, mut lap) = (Walk::new(plan.seed, self.unix), plan.pause, 0_u64);
        let mut chunk = 0_u64;
        let mut late = Duration::ZERO;
        while self.part.samples < plan.samples {
            let due = Duration::from_nanos(self.part.samples.saturating_mul(STEP.unsigned_abs()));
            let due = if plan.speed > 0.0 { due.div_f64(plan.speed).saturating_add(late) } else { Duration::ZERO };
            self.wait(due, stop)?;
            if stop.load(Ordering::Relaxed) {
                tell(format!("stream {}: truncated", plan.stream_id));
                return self.close(SessionState::TRUNCATED);
            }
            if self.part.samples >= plan.samples / 3
                && let Some(pause) = pause.take()
            {
                tell(format!("stream {}: its writer is stopped", plan.stream_id));
                let before = self.start.elapsed();
                self.restart(plan, pause)?;
                late = self.start.elapsed().saturating_sub(before);
                tell(format!("stream {}: another writer goes on with it", plan.stream_id));
            }
            if self.part.samples >= plan.samples / 2
                && let Some(middle) = middle.take()
            {
                self.pump()?;
                self.sender.finish()?;
                let offset = self.sender.end(plan.partition)?;
                middle(Middle { partition: plan.partition, offset, before: self.part.clone() });
            }
            let count = CHUNK.min(plan.samples.saturating_sub(self.part.samples));
            chunk = chunk.saturating_add(1);
            let samples: Vec<_> = walk.by_ref().take(usize::try_from(count).unwrap_or_default()).collect();
            self.data(plan, &samples)?;
            // Behind data that is newer: between types of messages there is no order.
            while lap.saturating_mul(plan.lap_samples) < self.part.samples {
                self.lap(lap, plan)?;
                lap = lap.saturating_add(1);
            }
            if chunk.is_multiple_of(CHUNKS) || self.part.samples >= plan.samples {
                self.sync(walk.time())?;
            }
            self.pump()?;
        }
        self.close(SessionState::CLOSED)
    }

    /// Until then: heartbeats go on.
    fn wait(&mut self, due: Duration, stop: &AtomicBool) -> Result<(), Failure> {
        loop {
            let now = self.start.elapsed();
            self.writer.handle_timeout(now);
            self.pump()?;
            self.sender.serve()?;
            let left = due.saturating_sub(now);
            if left.is_zero() || stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let beat = self.writer.poll_deadline().map_or(left, |deadline| deadline.saturating_sub(now));
            thread::sleep(left.min(beat).clamp(Duration::from_millis(1), Duration::from_millis(50)));
        }
    }

    /// A writer that is gone without a word, and after a while another, which knows the session as it was last.
    fn restart(&mut self, plan: &Plan, pause: Duration) -> Result<(), Failure> {
        self.pump()?;
        self.sender.finish()?;
        let session = self.writer.session().clone();
        thread::sleep(pause);
        let writer = StreamWriter::resume(&plan.stream_id, plan.partition, session)?;
        self.writer = configured(writer, plan, self.unix);
        self.writer.start(self.start.elapsed())?;
        self.pump()
    }

    fn data(&mut self, plan: &Plan, samples: &[Sample]) -> Result<(), Failure> {
        walk::columns(&mut self.columns, &self.format, self.epoch, samples)?;
        let message = Message::from(&self.columns);
        let message_type = plan.protobuf.as_deref().and_then(MessageType::new).unwrap_or(MessageType::TDATA);
        self.writer.send_as(message_type, &message)?;
        for sample in samples {
            self.part.samples = self.part.samples.saturating_add(1);
            self.part.digest = self.part.digest.wrapping_add(sample.digest());
        }
        Ok(())
    }

    /// Laps count from 1, and begin with a sample.
    fn lap(&mut self, index: u64, plan: &Plan) -> Result<(), Failure> {
        let first = index.saturating_mul(plan.lap_samples);
        let behind = i64::try_from(first).unwrap_or(i64::MAX).saturating_mul(STEP);
        let time = self.unix.saturating_add(behind).saturating_sub(self.epoch);
        let number = i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1);
        let (kind, source) = match index {
            0 => (LapType::Out, TriggerSource::TELEMETRY_START),
            _ => (LapType::Fast, TriggerSource::MAIN_STRAIGHT),
        };
        self.writer.send(&Lap::new(number, self.epoch, time, kind, source).into())?;
        self.part.laps = self.part.laps.saturating_add(1);
        self.writer.send(&Event::new(self.epoch, time, "LINE:Chassis").into())?;
        self.part.events = self.part.events.saturating_add(1);
        Ok(())
    }

    /// Nothing comes that is older than the next sample.
    fn sync(&mut self, next: i64) -> Result<(), Failure> {
        let time = next.saturating_sub(self.epoch);
        Ok(self.writer.send(&Sync::new(self.epoch, time).into())?)
    }

    fn close(&mut self, state: SessionState) -> Result<(), Failure> {
        self.writer.close(self.start.elapsed(), state)?;
        self.part.has_ended = true;
        self.pump()?;
        self.sender.finish()
    }

    /// Hands over what the writer has. Key, value and partition: nothing is chosen by librdkafka.
    fn pump(&mut self) -> Result<(), Failure> {
        while let Some(record) = self.writer.poll_transmit() {
            self.sender.send(record.partition, record.key.as_bytes(), Some(&record.value))?;
        }
        Ok(())
    }
}

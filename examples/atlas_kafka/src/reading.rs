//! The loop around a `StreamReader` for a partition: formats are fetched, columns are bound, and laps and samples are put in the order of time.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_stream::{
    BindError, Decoder, Limits, Message, PushErrorKind, ReadError, ReaderEvent, ReaderLimits, Received, StreamNotes,
    StreamReader, SyncBarrier, TelemetryRef, TypeMap, View,
};

use crate::board::{LapRow, Part, Sample, Told};
use crate::documents::Documents;
use crate::walk;

/// Entries that a stream may have in front of its next sync.
const MAX_ENTRIES: usize = 20_000;

/// Where what is told goes.
pub(crate) type Tell<'t> = dyn FnMut(Told) + 't;

/// One partition, as far as it was read.
pub(crate) struct Partition {
    partition: i32,
    reader: StreamReader,
    documents: Arc<Documents>,
    followers: BTreeMap<String, Follower>,
    /// Offsets of records that the barriers hold something of, and of how much.
    held: BTreeMap<i64, usize>,
    /// The offset behind the last record.
    next: i64,
}

impl Partition {
    pub(crate) fn new(partition: i32, types: TypeMap, documents: Arc<Documents>, stale: Duration) -> Self {
        // What is kept of values is a multiple of their lengths.
        let decoder = Decoder::new().with_types(types).with_limits(Limits::DEFAULT.with_max_len(16 << 20));
        let limits = ReaderLimits::DEFAULT.with_max_streams(256).with_max_waiting_bytes(16 << 20);
        let reader = StreamReader::new().with_decoder(decoder).with_limits(limits).with_stale_after(stale);
        Self { partition, reader, documents, followers: BTreeMap::new(), held: BTreeMap::new(), next: 0 }
    }

    /// Takes a record as it came.
    pub(crate) fn handle(&mut self, now: Duration, offset: i64, key: &[u8], value: &[u8], tell: &mut Tell<'_>) {
        loop {
            let Self { partition, reader, followers, held, .. } = self;
            let is_taken = match reader.handle_record(now, offset, key, value) {
                Ok(received) => {
                    received.into_iter().for_each(|received| take(received, followers, held, tell));
                    true
                }
                Err(ReadError::NotTaken) => false,
                Err(ReadError::Decode(error)) if error.is_of_key() => true,
                Err(error) => {
                    tell(Told::Line(format!("partition {partition}, offset {offset}: {error}")));
                    true
                }
            };
            if is_taken {
                self.next = offset.saturating_add(1);
                break;
            }
            // All that waits is taken after each record, so there is room; if there were none, it would be in vain to go on.
            if !self.settle(tell) {
                tell(Told::Line(format!("partition {}, offset {offset}: no room", self.partition)));
                break;
            }
        }
        self.settle(tell);
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Duration, tell: &mut Tell<'_>) {
        if self.reader.poll_deadline().is_some_and(|deadline| deadline <= now) {
            self.reader.handle_timeout(now);
            self.settle(tell);
        }
    }

    /// Takes what waited, and does what is asked for, until there is nothing more. Whether there was something.
    fn settle(&mut self, tell: &mut Tell<'_>) -> bool {
        let Self { reader, documents, followers, held, .. } = self;
        let mut has_changed = false;
        loop {
            let mut is_done = true;
            while let Some(event) = reader.poll_event() {
                is_done = false;
                match event {
                    // A service would be asked over the network, and the loop would go on meanwhile.
                    ReaderEvent::FormatNeeded { id } => match documents.format(&id) {
                        Ok(format) => {
                            reader.provide_format(&id, format);
                        }
                        Err(why) => {
                            tell(Told::Line(format!("data format {:?} is not to be had: {why}", clip(&id))));
                            reader.format_unavailable(&id);
                        }
                    },
                    ReaderEvent::Stale { stream_id } => {
                        tell(Told::Line(format!("stream {} is silent: stale", clip(&stream_id))));
                        // No sync may come any more, and what is held holds up what is committed.
                        if let Some(follower) = followers.get_mut(&stream_id) {
                            follower.flush(held, tell);
                        }
                    }
                    ReaderEvent::Forgotten { stream_id } => {
                        tell(Told::Line(format!("stream {} is forgotten: too many", clip(&stream_id))));
                        if let Some(follower) = followers.remove(&stream_id) {
                            follower.finish(held, tell);
                        }
                    }
                    other => tell(Told::Line(format!("{other:?}"))),
                }
            }
            while let Some(received) = reader.poll_record() {
                is_done = false;
                take(received, followers, held, tell);
            }
            has_changed |= !is_done;
            if is_done {
                return has_changed;
            }
        }
    }

    /// The offset to go on with should this reader end: of the first record that is not wholly out.
    pub(crate) fn position(&self) -> i64 {
        let held = self.held.first_key_value().map(|(offset, _)| *offset);
        self.reader.first_waiting_offset().into_iter().chain(held).fold(self.next, i64::min)
    }

    /// Before the partition is another reader's: all comes out, whatever it waits for.
    pub(crate) fn finish(&mut self, tell: &mut Tell<'_>) {
        self.reader.finish();
        self.settle(tell);
        for follower in core::mem::take(&mut self.followers).into_values() {
            follower.finish(&mut self.held, tell);
        }
    }

    pub(crate) const fn foreign_records(&self) -> u64 {
        self.reader.foreign_records()
    }
}

/// Tells what is new of a stream, and hands what has a time to its follower.
fn take(
    received: Received<'_>,
    followers: &mut BTreeMap<String, Follower>,
    held: &mut BTreeMap<i64, usize>,
    tell: &mut Tell<'_>,
) {
    let id = received.key().stream_id().to_owned();
    let (notes, changes) = (received.notes(), received.changes());
    if let (Message::Session(session), false) = (received.message(), received.is_heartbeat()) {
        let name = session.identifier.as_deref().unwrap_or("without a name");
        let state = received.stream().and_then(|stream| stream.state()).unwrap_or(session.state);
        let state = state.name().unwrap_or_else(|| session.state_name());
        tell(Told::Line(format!("stream {}: session {} is {} (new: {changes})", clip(&id), clip(name), clip(state))));
    }
    if !notes.without(StreamNotes::UNBOUND).is_empty() {
        let offset = received.offset();
        tell(Told::Line(format!("stream {}: {notes} (offset {offset})", clip(&id))));
    }
    // Of a stream that has ended there is nothing to follow, unless it begins anew.
    let is_behind = notes.contains(StreamNotes::AFTER_END) && !notes.contains(StreamNotes::RESTARTED);
    if received.stream().is_none() || is_behind {
        return;
    }
    if notes.contains(StreamNotes::RESTARTED)
        && let Some(follower) = followers.remove(&id)
    {
        follower.finish(held, tell);
    }
    if matches!(received.message(), Message::End) {
        let mut follower = followers.remove(&id).unwrap_or_else(|| Follower::new(&id));
        follower.part.has_ended = true;
        return follower.finish(held, tell);
    }
    let follower = followers.entry(id).or_insert_with_key(|id| Follower::new(id));
    follower.take(&received, held, tell);
}

/// What is put in order by time.
#[derive(Clone, Copy)]
enum Item {
    Sample(Sample),
    Lap(i64),
    Event,
}

/// What follows the data of one stream.
struct Follower {
    stream: String,
    view: View,
    /// Each with the offset of the record that it was in.
    barrier: SyncBarrier<(i64, Item)>,
    part: Part,
    last: Option<i64>,
    last_lap: Option<i64>,
    row: Option<LapRow>,
}

impl Follower {
    fn new(stream: &str) -> Self {
        Self {
            stream: clip(stream),
            view: walk::view(),
            barrier: SyncBarrier::new().with_max_entries(MAX_ENTRIES),
            part: Part::default(),
            last: None,
            last_lap: None,
            row: None,
        }
    }

    fn take(&mut self, received: &Received<'_>, held: &mut BTreeMap<i64, usize>, tell: &mut Tell<'_>) {
        let offset = received.offset();
        match received.message() {
            Message::Data(telemetry) | Message::Samples(telemetry) => match self.samples(telemetry, received) {
                Ok(samples) => {
                    for sample in samples {
                        self.push(sample.time, offset, Item::Sample(sample), held, tell);
                    }
                }
                // Of another feed, which this reader does not want.
                Err(Some(BindError::OtherFeed)) => {}
                Err(_) => self.part.unbound = self.part.unbound.saturating_add(1),
            },
            Message::Lap(lap) => {
                if let Some(time) = lap.absolute() {
                    self.push(time, offset, Item::Lap(lap.number), held, tell);
                }
            }
            Message::Event(event) => {
                if let Some(time) = event.absolute() {
                    self.push(time, offset, Item::Event, held, tell);
                }
            }
            Message::Sync(sync) => {
                self.barrier.sync(sync.absolute());
                self.release(held, tell);
            }
            _ => {}
        }
    }

    /// The columns of a message, time by time; `None` if nobody has its format.
    fn samples(
        &mut self,
        telemetry: &TelemetryRef<'_>,
        received: &Received<'_>,
    ) -> Result<Vec<Sample>, Option<BindError>> {
        let bound = match received.format() {
            Some(format) => self.view.bind(telemetry, format)?,
            None if received.notes().contains(StreamNotes::UNBOUND) => return Err(None),
            None => self.view.bind_named(telemetry)?,
        };
        let mut columns = bound.columns();
        let (Some(least), Some(largest), Some(speed)) = (columns.next(), columns.next(), columns.next()) else {
            return Err(None);
        };
        // Of samples, parameters have times of their own, which are none of the rows here.
        if telemetry.kind().is_samples() {
            return Err(None);
        }
        let values = least.values().iter().zip(largest.values().iter()).zip(speed.values().iter());
        let rows = speed.absolute_times().zip(values);
        Ok(rows.map(|(time, ((least, largest), speed))| Sample { time, least, largest, speed }).collect())
    }

    fn push(&mut self, time: i64, offset: i64, item: Item, held: &mut BTreeMap<i64, usize>, tell: &mut Tell<'_>) {
        // A sample of the time of a lap is in it.
        let pushed = match item {
            Item::Lap(_) => self.barrier.push_marker(time, (offset, item)),
            Item::Sample(_) | Item::Event => self.barrier.push(time, (offset, item)),
        };
        match pushed {
            Ok(()) => {
                let count = held.entry(offset).or_default();
                *count = count.saturating_add(1);
            }
            // Behind a sync that told it would not come: it is not lost, but out of order.
            Err(late) => {
                if matches!(late.kind, PushErrorKind::Late { .. }) {
                    self.part.late = self.part.late.saturating_add(1);
                }
                self.emit(time, item, tell);
            }
        }
        // Without syncs there is an end to what is held.
        if self.barrier.len() > MAX_ENTRIES {
            self.release(held, tell);
        }
    }

    fn release(&mut self, held: &mut BTreeMap<i64, usize>, tell: &mut Tell<'_>) {
        while let Some(released) = self.barrier.pop() {
            let (offset, item) = released.item;
            let_go(held, offset);
            self.emit(released.time, item, tell);
        }
    }

    /// In the order of time, unless it is late.
    fn emit(&mut self, time: i64, item: Item, tell: &mut Tell<'_>) {
        let mut is_disordered = self.last.is_some_and(|last| time < last);
        self.last = self.last.max(Some(time));
        match item {
            Item::Sample(sample) => {
                self.part.samples = self.part.samples.saturating_add(1);
                self.part.digest = self.part.digest.wrapping_add(sample.digest());
                self.row.get_or_insert_with(|| LapRow::new(None, time)).add(&sample);
            }
            Item::Lap(number) => {
                self.part.laps = self.part.laps.saturating_add(1);
                is_disordered |= self.last_lap.is_some_and(|last| last.checked_add(1) != Some(number));
                self.last_lap = Some(number);
                if let Some(mut row) = self.row.replace(LapRow::new(Some(number), time)) {
                    row.end = time;
                    tell(Told::Lap(self.stream.clone(), row));
                }
            }
            Item::Event => self.part.events = self.part.events.saturating_add(1),
        }
        if is_disordered {
            self.part.disordered = self.part.disordered.saturating_add(1);
        }
    }

    /// What has no sync behind it comes out, too.
    fn flush(&mut self, held: &mut BTreeMap<i64, usize>, tell: &mut Tell<'_>) {
        while let Some(released) = self.barrier.pop_oldest() {
            let (offset, item) = released.item;
            let_go(held, offset);
            self.emit(released.time, item, tell);
        }
    }

    fn finish(mut self, held: &mut BTreeMap<i64, usize>, tell: &mut Tell<'_>) {
        self.flush(held, tell);
        if let Some(row) = self.row {
            tell(Told::Lap(self.stream.clone(), row));
        }
        tell(Told::Part(self.stream, self.part));
    }
}

fn let_go(held: &mut BTreeMap<i64, usize>, offset: i64) {
    if let Some(count) = held.get_mut(&offset) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            held.remove(&offset);
        }
    }
}

/// Ids and names of strangers, as they may be printed.
pub(crate) fn clip(name: &str) -> String {
    let printable = |symbol: char| if symbol.is_control() { '\u{fffd}' } else { symbol };
    let mut clipped: String = name.chars().take(60).map(printable).collect();
    if name.chars().nth(60).is_some() {
        clipped.push('…');
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: &[u8] = br#"{"feeds":{"":{"parameters":[{"identifier":"vCar:Chassis","aggregates":"Avg"}]}}}"#;

    /// Hands in records with their offsets, and tells the position behind each.
    fn read(partition: &mut Partition, records: &[(i64, &str, &str)]) -> (Vec<i64>, Vec<Told>) {
        let mut told = Vec::new();
        let mut positions = Vec::new();
        for (offset, key, value) in records {
            partition.handle(Duration::ZERO, *offset, key.as_bytes(), value.as_bytes(), &mut |one| told.push(one));
            positions.push(partition.position());
        }
        partition.finish(&mut |one| told.push(one));
        (positions, told)
    }

    fn partition() -> Partition {
        let documents = Documents::default();
        documents.put(atlas_stream::DATA_FORMAT, "f", FORMAT).unwrap();
        Partition::new(0, TypeMap::new(), Arc::new(documents), Duration::from_secs(30))
    }

    fn part(told: &[Told]) -> Part {
        let parts = told.iter().filter_map(|one| if let Told::Part(_, part) = one { Some(part) } else { None });
        parts.fold(Part::default(), |mut all, part| {
            all.add(part);
            all
        })
    }

    const DATA: &str = r#"{"time":[10,30],"data":[{"status":[1,1],"avg":[1.0,2.0]}],"format":"f"}"#;
    const LAP: &str = r#"{"number":7,"time":5,"type":"fastLap","triggerSource":0}"#;

    #[test]
    fn nothing_is_committed_beyond_what_is_held() {
        let records = [
            (10, "$start:a", ""),
            (11, "tdata:a", DATA),
            (12, "lap:a", LAP),
            (13, "sync:a", r#"{"time":20}"#),
            (14, "not ours", ""),
            (15, "sync:a", r#"{"time":31}"#),
            (16, "tdata:b", DATA),
        ];
        let mut partition = partition();
        let (positions, told) = read(&mut partition, &records);
        // Until the second sync half of the data is still to come out.
        assert_eq!(positions, [11, 11, 11, 11, 11, 16, 16]);
        assert_eq!((partition.position(), partition.foreign_records()), (17, 1));
        let part = part(&told);
        assert_eq!((part.samples, part.laps, part.disordered, part.late, part.unbound), (4, 1, 0, 0, 0));
        // The lap is older than what came before it.
        let rows: Vec<_> = told.iter().filter(|one| matches!(one, Told::Lap(..))).collect();
        assert!(matches!(rows[0], Told::Lap(_, row) if (row.number, row.samples) == (Some(7), 2)), "{rows:?}");
        assert!(matches!(rows[1], Told::Lap(_, row) if (row.number, row.samples) == (None, 2)), "{rows:?}");
    }

    #[test]
    fn what_is_late_or_unbound_is_counted_and_not_lost() {
        let records = [
            (0, "$start:a", ""),
            (1, "sync:a", r#"{"time":20}"#),
            (2, "tdata:a", DATA),
            (3, "lap:a", LAP),
            (4, "tdata:a", r#"{"time":[40],"data":[{"status":[1],"avg":[1.0]}],"format":"g"}"#),
            (5, "tdata:a", r#"{"time":[40],"data":[{"status":[1],"avg":[1.0]}],"feed":"slow","format":"f"}"#),
            (6, "tdata:a", "{"),
            (7, "$end:a", ""),
        ];
        let (_, told) = read(&mut partition(), &records);
        let part = part(&told);
        // The first sample and the lap: of these the lap is also older than what came out.
        assert_eq!((part.samples, part.laps, part.late, part.disordered, part.unbound), (2, 1, 2, 1, 1));
        assert!(part.has_ended);
        let lines = told.iter().filter_map(|one| if let Told::Line(line) = one { Some(line.as_str()) } else { None });
        let lines: Vec<_> = lines.collect();
        assert!(lines.contains(&"data format \"g\" is not to be had: nobody has stored it"), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("partition 0, offset 6: ")), "{lines:?}");
    }
}

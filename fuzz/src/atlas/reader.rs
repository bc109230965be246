//! A reader does what lists do that are gone through, and the same each time.

use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use atlas_stream::{
    DataFormat, Decoder, ReadError, ReaderEvent, ReaderLimits, Received, Record, RecordRef, StreamReader,
};

use super::Script;
use super::reader_model::{Held, Model, Out};
use super::reader_script::{STREAMS, format_id, record, types};

/// Both, and what came out so far.
struct Pair {
    reader: StreamReader,
    model: Model,
    decoder: Decoder,
    now: Duration,
    offset: i64,
    handed_in: u64,
    came_out: u64,
    trace: DefaultHasher,
}

fn out(received: Received<'_>) -> (Out, i64, Record) {
    let is_kept = received.stream().is_some();
    assert!(received.stream().is_none_or(|stream| stream.id() == received.key().stream_id()));
    let (notes, changes) = (received.notes(), received.changes());
    let out = Out::Received { notes, changes, is_kept, has_format: received.format().is_some() };
    (out, received.offset(), received.into_record().into_owned())
}

/// NaN is another than itself.
fn assert_same(found: &Record, due: &Record) {
    assert!(found == due || format!("{found:?}") == format!("{due:?}"), "{found:?} is not {due:?}");
}

impl Pair {
    fn present(&self) -> BTreeSet<String> {
        self.reader.streams().map(|stream| stream.id().to_owned()).collect()
    }

    fn note(&mut self, what: impl std::fmt::Debug) {
        format!("{what:?}").hash(&mut self.trace);
    }

    fn handle(&mut self, key: Vec<u8>, value: Vec<u8>) {
        let offset = self.offset;
        self.offset += 1;
        let due = self.decoder.decode(&key, &value).map(RecordRef::into_owned);
        let mut refused = None;
        let found = match self.reader.handle_record(self.now, offset, &key, &value) {
            Ok(None) => (Out::Waits, offset, None),
            Ok(Some(received)) => {
                let (out, offset, record) = out(received);
                (out, offset, Some(record))
            }
            Err(ReadError::NotTaken) => (Out::NotTaken, offset, None),
            Err(ReadError::Decode(error)) => {
                refused = Some(error);
                (Out::Refused, offset, None)
            }
            Err(other) => panic!("{other}"),
        };
        let (out, found_offset, record) = found;
        assert_eq!(found_offset, offset);
        if let Some(record) = &record {
            assert_same(record, due.as_ref().expect("it may be read"));
            self.came_out += 1;
        }
        if let Some(error) = refused {
            assert_eq!(Some(error), due.as_ref().err().copied());
        }
        self.handed_in += u64::from(matches!(out, Out::Waits | Out::Received { .. }));
        assert!(out != Out::NotTaken || self.model.is_over(), "there is room");
        let held = Held::new(offset, key, value, due.ok());
        let due = self.model.handle(self.now, held, &self.present());
        assert_eq!(out, due, "record {offset}");
        self.note((offset, out, record));
    }

    /// One that waited.
    fn poll(&mut self) -> bool {
        let found = self.reader.poll_record().map(out);
        let due = self.model.poll(&self.present());
        let Some((out, offset, record)) = found else {
            assert!(due.is_none(), "one is ready");
            return false;
        };
        let (held, due) = due.expect("none is ready");
        assert_eq!((offset, out), (held.offset, due));
        assert_same(&record, held.record.as_ref().expect("it was read"));
        self.came_out += 1;
        self.note((offset, out, record));
        true
    }

    fn poll_all(&mut self) {
        while self.poll() {}
        let limits = self.model.limits;
        assert!(self.reader.waiting() <= limits.max_waiting && self.reader.waiting_bytes() <= limits.max_waiting_bytes);
    }

    fn event(&mut self) -> bool {
        let found = self.reader.poll_event();
        match &found {
            Some(ReaderEvent::FormatNeeded { id }) => {
                assert_eq!(self.model.needed.pop_front().as_ref(), Some(id));
            }
            Some(ReaderEvent::Stale { stream_id }) => {
                assert!(self.model.stream(stream_id).is_some_and(|stream| stream.is_stale), "{stream_id} is not stale");
                let before = self.model.stale.len();
                self.model.stale.retain(|id| id != stream_id);
                assert_eq!(self.model.stale.len() + 1, before, "{stream_id} was told");
            }
            Some(ReaderEvent::Forgotten { stream_id }) => {
                assert_eq!(self.model.forgotten.pop_front().as_ref(), Some(stream_id));
            }
            Some(other) => panic!("{other:?}"),
            None => {
                assert!(self.model.needed.is_empty() && self.model.forgotten.is_empty());
                let untold = std::mem::take(&mut self.model.stale);
                let still = untold.iter().find(|id| self.model.stream(id).is_some_and(|stream| stream.is_stale));
                assert_eq!(still, None, "it is stale, and was not told");
            }
        }
        let is_some = found.is_some();
        self.note(found);
        is_some
    }

    fn timeout(&mut self) {
        self.reader.handle_timeout(self.now);
        let reader = &self.reader;
        self.model.timeout(self.now, |id| reader.stream(id).is_some_and(atlas_stream::Stream::is_stale));
    }

    fn check(&mut self) {
        let Self { reader, model, .. } = self;
        assert_eq!((reader.waiting(), reader.waiting_bytes()), model.waiting());
        assert_eq!(self.handed_in - self.came_out, reader.waiting() as u64, "each comes out once");
        assert_eq!(reader.first_waiting_offset(), model.first_waiting());
        assert_eq!(reader.foreign_records(), model.foreign);
        assert!(reader.formats().map(|(id, _)| id).eq(model.known_formats()));
        assert!(reader.formats().count() <= model.limits.max_formats);
        assert!(reader.streams().count() <= model.limits.max_streams);
        assert_eq!(reader.streams().count(), model.streams.len());
        for due in &model.streams {
            let stream = reader.stream(&due.id).expect("it is kept");
            let flags = (stream.is_complete(), stream.has_ended(), stream.is_stale());
            assert_eq!(flags, (due.is_complete, due.has_ended, due.is_stale), "{}", due.id);
            assert_eq!(stream.state(), due.state, "{}", due.id);
            assert_eq!(stream.waiting(), due.waiting.len(), "{}", due.id);
            let (session, due) = (stream.session(), due.session.as_ref());
            assert!(session == due || format!("{session:?}") == format!("{due:?}"), "{session:?} is not {due:?}");
        }
        if let Some(due) = model.deadline() {
            assert!(reader.poll_deadline().is_some_and(|deadline| deadline <= due), "it sleeps too long");
        }
        let deadline = reader.poll_deadline();
        self.note(deadline);
    }

    fn step(&mut self, script: &mut Script<'_>) {
        let choice = script.byte();
        let step = Duration::from_millis(u64::from(choice & 15) * 2_500);
        match choice {
            0..24 => self.now = self.now.saturating_add(step),
            24..28 => self.now = self.now.saturating_sub(step),
            28..32 => self.now = self.reader.poll_deadline().unwrap_or(self.now),
            32 => self.now = script.pick(&[Duration::MAX, Duration::from_secs(1_000_000), Duration::ZERO]),
            33..60 => self.timeout(),
            60..72 => {
                let id = format_id(script);
                let is_kept = self.reader.provide_format(&id, Arc::new(DataFormat::new()));
                assert_eq!(is_kept, self.model.provide(&id));
            }
            72..80 => {
                let id = format_id(script);
                self.reader.format_unavailable(&id);
                self.model.unavailable(&id);
            }
            80..88 => {
                let _ = self.event();
            }
            88..96 => while self.event() {},
            96..104 => {
                let _ = self.poll();
            }
            104..120 => self.poll_all(),
            120 => {
                self.reader.finish();
                self.model.finish();
            }
            _ => {
                let (key, value) = record(script);
                self.handle(key, value);
            }
        }
        self.check();
    }

    /// Gives back all, and has nothing due at last.
    fn end(mut self) -> u64 {
        self.reader.finish();
        self.model.finish();
        self.poll_all();
        self.check();
        assert_eq!((self.reader.waiting(), self.reader.waiting_bytes()), (0, 0));
        assert_eq!(self.handed_in, self.came_out);
        for _ in 0..2 * STREAMS.len() + 40 {
            let Some(deadline) = self.reader.poll_deadline() else { break };
            self.now = self.now.max(deadline);
            self.timeout();
            self.check();
        }
        assert_eq!(self.reader.poll_deadline(), None, "nothing can be due");
        while self.event() {}
        let _ = format!("{:?}", self.reader);
        self.trace.finish()
    }
}

fn run(data: &[u8]) -> u64 {
    let mut script = Script(data);
    let (of_streams, of_formats, of_time) = (script.byte(), script.byte(), script.byte());
    let all = ReaderLimits::DEFAULT;
    let limits = all
        .with_max_streams([all.max_streams, 0, 1, 2, 3][usize::from(of_streams & 7) % 5])
        .with_max_stream_bytes([all.max_stream_bytes, 0, 40, 150, 400][usize::from(of_streams >> 3) % 5])
        .with_max_formats([all.max_formats, 0, 1, 2][usize::from(of_formats & 3)])
        .with_max_waiting([all.max_waiting, 0, 1, 3][usize::from(of_formats >> 2 & 3)])
        .with_max_waiting_bytes([all.max_waiting_bytes, 0, 70, 250][usize::from(of_formats >> 4 & 3)]);
    let times = |default: u64| {
        [Duration::from_secs(default), Duration::ZERO, Duration::MAX, Duration::from_nanos(1)]
            .map(|time| time.max(Duration::ZERO))
    };
    let format_timeout = times(10)[usize::from(of_time & 3)];
    let stale_after = times(30)[usize::from(of_time >> 2 & 3)];
    let mut pair = Pair {
        reader: StreamReader::new()
            .with_decoder(Decoder::new().with_types(types()))
            .with_limits(limits)
            .with_format_timeout(format_timeout)
            .with_stale_after(stale_after),
        model: Model::new(limits, format_timeout, stale_after, types()),
        decoder: Decoder::new().with_types(types()),
        now: Duration::ZERO,
        offset: 0,
        handed_in: 0,
        came_out: 0,
        trace: DefaultHasher::new(),
    };
    while !script.0.is_empty() {
        pair.step(&mut script);
    }
    pair.end()
}

/// A reader against its model, twice.
pub fn reader(data: &[u8]) {
    assert_eq!(run(data), run(data), "the same each time");
}

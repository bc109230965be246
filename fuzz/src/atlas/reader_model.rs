//! What a reader does, with lists that are gone through (SPEC.md §9).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use atlas_stream::{
    Changes, DATA_FORMAT, KeyRef, Message, MessageKind, ParamKey, ReaderLimits, Record, Session, SessionState,
    StreamNotes, TelemetryRef, TypeMap,
};

use super::reader_check::changes;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Hash)]
pub(super) enum Out {
    NotTaken,
    Refused,
    Waits,
    Received { notes: StreamNotes, changes: Changes, is_kept: bool, has_format: bool },
}

/// A record as it was handed in, and as it is read.
#[derive(Clone)]
pub(super) struct Held {
    number: u64,
    /// What it needs, if that was not there when it came.
    format: Option<String>,
    pub(super) offset: i64,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) record: Option<Record>,
}

#[derive(Default)]
pub(super) struct Known {
    pub(super) id: String,
    is_met: bool,
    pub(super) is_complete: bool,
    pub(super) has_ended: bool,
    has_data: bool,
    pub(super) session: Option<Session<'static>>,
    pub(super) state: Option<SessionState>,
    session_len: usize,
    last: Duration,
    last_session: Option<Duration>,
    interval: Duration,
    pub(super) is_stale: bool,
    /// A pause was told since the last session.
    was_stale: bool,
    has_returned: bool,
    pub(super) waiting: VecDeque<Held>,
    blocked_on: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Has {
    Known,
    Asked(Option<Duration>),
    GivenUp,
}

pub(super) struct Model {
    pub(super) limits: ReaderLimits,
    pub(super) format_timeout: Duration,
    pub(super) stale_after: Duration,
    pub(super) types: TypeMap,
    pub(super) now: Duration,
    pub(super) streams: Vec<Known>,
    /// That used last is the last.
    formats: Vec<(String, Has)>,
    count: u64,
    is_draining: bool,
    pub(super) foreign: u64,
    pub(super) needed: VecDeque<String>,
    pub(super) stale: Vec<String>,
    pub(super) forgotten: VecDeque<String>,
}

impl Known {
    fn is_closed(&self) -> bool {
        self.state.is_some_and(SessionState::is_closed)
    }

    /// When it is stale, if nothing comes; while it waits never.
    pub(super) fn stale_at(&self, least: Duration) -> Option<Duration> {
        let may_be = !self.has_ended && !self.is_closed() && !self.is_stale && self.waiting.is_empty();
        may_be.then(|| self.last.saturating_add(self.interval.saturating_mul(3).max(least)))
    }

    fn forget_session(&mut self) {
        (self.session, self.session_len) = (None, 0);
    }
}

impl Model {
    pub(super) fn new(limits: ReaderLimits, format_timeout: Duration, stale_after: Duration, types: TypeMap) -> Self {
        Self {
            limits,
            format_timeout,
            stale_after,
            types,
            now: Duration::ZERO,
            streams: Vec::new(),
            formats: Vec::new(),
            count: 0,
            is_draining: false,
            foreign: 0,
            needed: VecDeque::new(),
            stale: Vec::new(),
            forgotten: VecDeque::new(),
        }
    }

    fn held(&self) -> impl Iterator<Item = &Held> {
        self.streams.iter().flat_map(|stream| &stream.waiting)
    }

    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.held().count(), self.held().map(|held| held.key.len() + held.value.len()).sum())
    }

    pub(super) fn first_waiting(&self) -> Option<i64> {
        self.held().min_by_key(|held| held.number).map(|held| held.offset)
    }

    pub(super) fn is_over(&self) -> bool {
        let (records, bytes) = self.waiting();
        self.is_draining || records > self.limits.max_waiting || bytes > self.limits.max_waiting_bytes
    }

    pub(super) fn finish(&mut self) {
        self.is_draining = self.waiting().0 > 0;
    }

    pub(super) fn stream(&mut self, id: &str) -> Option<&mut Known> {
        self.streams.iter_mut().find(|stream| stream.id == id)
    }

    /// A record is handed in; `present` are the streams that are kept behind it.
    pub(super) fn handle(&mut self, now: Duration, mut held: Held, present: &BTreeSet<String>) -> Out {
        self.now = self.now.max(now);
        let Ok(key) = KeyRef::decode_lenient(&held.key) else {
            self.foreign += 1;
            return Out::Refused;
        };
        let (id, kind) = (key.stream_id().to_owned(), self.types.get(key.message_type()));
        let is_over = self.is_over();
        let is_behind = self.stream(&id).is_some_and(|stream| !stream.waiting.is_empty());
        if is_behind && is_over {
            return Out::NotTaken;
        }
        let Some(record) = held.record.clone() else {
            self.alive(&id, None);
            return Out::Refused;
        };
        if let Message::Session(session) = &record.message {
            for id in session.dependencies(DATA_FORMAT).filter(|id| !id.is_empty()) {
                // Nothing has to go for what is only listed.
                if self.formats.len() < self.limits.max_formats || self.slot(id).is_some() {
                    self.ask(id);
                }
            }
        }
        let is_kept = self.stream(&id).is_some() || kind.is_some() && self.open(&id, present);
        self.alive(&id, kind);
        let missing = self.missing(&record);
        if is_kept && (is_behind || missing.is_some() && !is_over) {
            if let Some(format) = &missing {
                self.wait(format);
            }
            self.count += 1;
            let named = telemetry(&record.message).filter(|_| is_by_index(&record.message));
            let named = named.and_then(|telemetry| telemetry.format()).filter(|id| !id.is_empty()).map(str::to_owned);
            (held.number, held.format) = (self.count, named);
            let stream = self.stream(&id).expect("it is kept");
            stream.blocked_on = if is_behind { stream.blocked_on.take() } else { missing };
            stream.waiting.push_back(held);
            return Out::Waits;
        }
        self.deliver(&record, held.value.len(), present)
    }

    /// The next that need not wait: what came first.
    pub(super) fn poll(&mut self, present: &BTreeSet<String>) -> Option<(Held, Out)> {
        loop {
            let is_over = self.is_over();
            let ready = self.streams.iter_mut().filter(|stream| stream.blocked_on.is_none());
            let ready = ready.filter_map(|stream| Some((stream.waiting.front()?.number, &stream.id)));
            let Some((_, id)) = ready.min() else {
                let (_, format) = self.first_deadline().filter(|_| is_over)?;
                self.give_up(&format);
                continue;
            };
            let id = id.clone();
            let held = self.stream(&id)?.waiting.front()?.clone();
            let needed = held.format.as_ref().filter(|_| !is_over);
            if let Some(format) = needed.filter(|format| self.is_asked(format)) {
                // It may have been forgotten since it came.
                self.wait(format);
                self.stream(&id)?.blocked_on = Some(format.clone());
                continue;
            }
            self.stream(&id)?.waiting.pop_front();
            self.is_draining &= self.waiting().0 > 0;
            let record = held.record.as_ref().expect("what is refused does not wait");
            let out = self.deliver(record, held.value.len(), present);
            return Some((held, out));
        }
    }

    fn deliver(&mut self, record: &Record, len: usize, present: &BTreeSet<String>) -> Out {
        let id = record.key.as_ref().stream_id().to_owned();
        let (mut notes, changes) = if self.stream(&id).is_some() {
            self.advance(&id, &record.message, len, present)
        } else if record.kind.is_some() {
            (StreamNotes::NO_ROOM, Changes::NONE)
        } else {
            (StreamNotes::NONE, Changes::NONE)
        };
        let named = telemetry(&record.message).and_then(|telemetry| telemetry.format()).filter(|id| !id.is_empty());
        let has_format = named.is_some_and(|named| self.formats.contains(&(named.to_owned(), Has::Known)));
        if named.is_some() && !has_format && is_by_index(&record.message) {
            notes |= StreamNotes::UNBOUND;
        }
        Out::Received { notes, changes, is_kept: self.stream(&id).is_some(), has_format }
    }

    /// The two tables of streams.
    fn advance(
        &mut self,
        id: &str,
        message: &Message<'static>,
        len: usize,
        present: &BTreeSet<String>,
    ) -> (StreamNotes, Changes) {
        let stream = self.streams.iter_mut().find(|stream| stream.id == id).expect("it is known");
        let mut notes = StreamNotes::NONE;
        if std::mem::take(&mut stream.has_returned) {
            notes |= StreamNotes::RETURNED;
        }
        let is_first = !std::mem::replace(&mut stream.is_met, true);
        if let Message::Start = message {
            notes |= if is_first { StreamNotes::OPENED } else { StreamNotes::RESTARTED };
            if stream.has_ended {
                notes |= StreamNotes::AFTER_END;
            }
            (stream.is_complete, stream.has_ended, stream.has_data, stream.state) = (true, false, false, None);
            stream.forget_session();
            return (notes, Changes::NONE);
        }
        if is_first {
            notes |= StreamNotes::OPENED | StreamNotes::LATE;
        }
        if stream.has_ended {
            return (notes | StreamNotes::AFTER_END, Changes::NONE);
        }
        match message {
            Message::Session(session) => {
                let (of_session, changes) = self.session(id, session, len, present);
                return (notes | of_session, changes);
            }
            Message::End => {
                stream.has_ended = true;
                if stream.state.is_some_and(|state| !state.is_closed()) {
                    notes |= StreamNotes::NOT_CLOSED;
                }
            }
            Message::Data(_) | Message::Samples(_) | Message::Event(_) | Message::Lap(_) => {
                stream.has_data = true;
                if stream.is_closed() {
                    notes |= StreamNotes::AFTER_CLOSE;
                }
            }
            _ => {}
        }
        (notes, Changes::NONE)
    }

    fn session(
        &mut self,
        id: &str,
        told: &Session<'static>,
        len: usize,
        present: &BTreeSet<String>,
    ) -> (StreamNotes, Changes) {
        let stream = self.streams.iter_mut().find(|stream| stream.id == id).expect("it is known");
        let mut notes = StreamNotes::NONE;
        if stream.is_complete && stream.has_data && stream.state.is_none() {
            notes |= StreamNotes::AFTER_DATA;
        }
        // One that was not kept is taken for the same.
        let is_same_session = stream.session.as_ref().is_none_or(|before| before.id == told.id);
        let before = stream.state.filter(|_| is_same_session);
        let (open, waiting) = (SessionState::OPEN, SessionState::WAITING);
        let next = match before {
            None => told.state,
            Some(before) if before.is_closed() => {
                if told.state == open || told.state == waiting {
                    notes |= StreamNotes::REOPENED;
                } else if told.state.is_closed() && told.state != before {
                    notes |= StreamNotes::CLOSED_AGAIN;
                }
                before
            }
            Some(before) if before == open && told.state == waiting => {
                notes |= StreamNotes::WENT_BACK;
                before
            }
            Some(_) => told.state,
        };
        let mut changes = changes(told, stream.session.as_ref());
        // Of a session that stays as it was only another name is told, and only if it has no number.
        let may_have_other_name = !is_same_session || next == SessionState::UNKNOWN;
        let is_other_state = stream.state != Some(next) || may_have_other_name && changes.contains(Changes::STATE);
        changes = changes.without(Changes::STATE);
        if is_other_state {
            changes |= Changes::STATE;
        }
        let had_state = stream.state.replace(next).is_some();
        stream.session_len = len;
        let knows_session = stream.session.is_some() || !had_state;
        stream.session = Some(told.clone());
        if before.is_none() {
            stream.interval = Duration::ZERO;
        }
        let mut others =
            self.streams.iter().filter(|stream| stream.id != id).filter_map(|other| other.session.as_ref());
        if knows_session && changes.contains(Changes::ID) && others.any(|other| other.id == told.id) {
            notes |= StreamNotes::REPLAY;
        }
        if !self.make_room_for_session(id, present) {
            notes |= StreamNotes::NO_ROOM;
        }
        (notes, changes)
    }

    fn stream_bytes(&self) -> usize {
        self.streams.iter().map(|stream| stream.id.len() + stream.session_len).sum()
    }

    fn make_room_for_session(&mut self, id: &str, present: &BTreeSet<String>) -> bool {
        let max = self.limits.max_stream_bytes;
        if !self.has_room(0, Some(id)) {
            self.stream(id).expect("it is known").forget_session();
            return false;
        }
        while self.stream_bytes() > max {
            assert!(self.evict(Some(id), present));
        }
        true
    }

    /// Whether there is room for so many bytes more without all that may go.
    fn has_room(&self, len: usize, except: Option<&str>) -> bool {
        let stays = |stream: &&Known| !stream.waiting.is_empty() || Some(&*stream.id) == except;
        let staying = self.streams.iter().filter(stays).map(|stream| stream.id.len() + stream.session_len);
        staying.sum::<usize>() + len <= self.limits.max_stream_bytes
    }

    fn open(&mut self, id: &str, present: &BTreeSet<String>) -> bool {
        let limits = self.limits;
        if limits.max_streams == 0 || !self.has_room(id.len(), None) {
            return false;
        }
        while self.streams.len() >= limits.max_streams || self.stream_bytes() + id.len() > limits.max_stream_bytes {
            if !self.evict(None, present) {
                return false;
            }
        }
        // That it was forgotten is no longer true.
        self.forgotten.retain(|other| other != id);
        self.streams.push(Known { id: id.to_owned(), ..Known::default() });
        true
    }

    /// One that has ended, else one that is closed, else the one silent longest, but none that waits. Which of equal ones is not told.
    fn evict(&mut self, except: Option<&str>, present: &BTreeSet<String>) -> bool {
        let rank = |stream: &Known| match (stream.has_ended, stream.is_closed()) {
            (true, _) => (0, Duration::ZERO),
            (_, true) => (1, Duration::ZERO),
            _ => (2, stream.last),
        };
        let may_go = |stream: &Known| stream.waiting.is_empty() && Some(&*stream.id) != except;
        let Some(least) = self.streams.iter().filter(|stream| may_go(stream)).map(rank).min() else { return false };
        let gone = self.streams.iter().filter(|stream| may_go(stream) && rank(stream) == least);
        let gone = gone.filter(|stream| !present.contains(&stream.id));
        // If several went at once, the one that was silent longest is told first.
        let gone = gone.min_by_key(|stream| (!stream.is_closed(), stream.last));
        let gone = gone.expect("one that would be missed least went").id.clone();
        self.streams.retain(|stream| stream.id != gone);
        self.stale.retain(|id| *id != gone);
        self.forgotten.push_back(gone);
        let bytes = |ids: &VecDeque<String>| ids.iter().map(String::len).sum::<usize>();
        while self.forgotten.len() > self.limits.max_streams || bytes(&self.forgotten) > self.limits.max_stream_bytes {
            self.forgotten.pop_front();
        }
        true
    }

    /// Something came of a stream, if it is known.
    fn alive(&mut self, id: &str, kind: Option<MessageKind>) {
        let (now, least) = (self.now, self.stale_after);
        let is_told = self.stale.iter().all(|other| other != id);
        let Some(stream) = self.stream(id) else { return };
        stream.has_returned |= stream.is_stale && is_told;
        stream.was_stale |= stream.is_stale;
        match kind {
            Some(MessageKind::Start | MessageKind::End) => {
                (stream.last_session, stream.interval) = (None, Duration::ZERO);
            }
            Some(MessageKind::Session) => {
                let was_stale = stream.was_stale;
                let between = stream.last_session.map(|last| now.saturating_sub(last));
                if let Some(between) = between.filter(|between| !was_stale || *between <= least.saturating_mul(3)) {
                    stream.interval = between;
                }
                (stream.last_session, stream.was_stale) = (Some(now), false);
            }
            _ => {}
        }
        (stream.last, stream.is_stale) = (now, false);
    }

    /// What of formats and of silence is due; `is_stale` tells of a stream whether it was found to be stale.
    pub(super) fn timeout(&mut self, now: Duration, is_stale: impl Fn(&str) -> bool) {
        self.now = self.now.max(now);
        while let Some((_, id)) = self.first_deadline().filter(|(deadline, _)| *deadline <= self.now) {
            self.give_up(&id);
        }
        let (now, least) = (self.now, self.stale_after);
        for stream in &mut self.streams {
            let is_due = stream.stale_at(least).is_some_and(|due| due <= now);
            let found = !stream.is_stale && is_stale(&stream.id);
            assert_eq!(found, is_due, "whether {} is stale", stream.id);
            if found {
                stream.is_stale = true;
                self.stale.retain(|id| *id != stream.id);
                self.stale.push(stream.id.clone());
            }
        }
    }

    /// When something is due at the latest.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let stale = self.streams.iter().filter_map(|stream| stream.stale_at(self.stale_after));
        stale.chain(self.first_deadline().map(|(deadline, _)| deadline)).min()
    }

    pub(super) fn provide(&mut self, id: &str) -> bool {
        self.needed.retain(|other| other != id);
        let is_kept = self.slot(id).is_some() || self.make_room();
        if is_kept {
            self.formats.retain(|(other, _)| other != id);
            self.formats.push((id.to_owned(), Has::Known));
        }
        self.unblock(id);
        is_kept
    }

    /// The user says so: there is no need to ask.
    pub(super) fn unavailable(&mut self, id: &str) {
        self.needed.retain(|other| other != id);
        self.give_up(id);
    }

    fn give_up(&mut self, id: &str) {
        if let Some(has) = self.slot(id).filter(|has| **has != Has::Known) {
            *has = Has::GivenUp;
        }
        self.unblock(id);
    }

    pub(super) fn known_formats(&self) -> Vec<&str> {
        let mut known: Vec<_> =
            self.formats.iter().filter(|(_, has)| *has == Has::Known).map(|(id, _)| &**id).collect();
        known.sort_unstable();
        known
    }

    fn unblock(&mut self, id: &str) {
        for stream in &mut self.streams {
            stream.blocked_on.take_if(|format| *format == id);
        }
    }

    fn slot(&mut self, id: &str) -> Option<&mut Has> {
        self.formats.iter_mut().find(|(other, _)| other == id).map(|(_, has)| has)
    }

    fn first_deadline(&self) -> Option<(Duration, String)> {
        let waited = self.formats.iter().filter_map(|(id, has)| match has {
            Has::Asked(Some(deadline)) => Some((*deadline, id.clone())),
            _ => None,
        });
        waited.min()
    }

    /// The format that telemetry has to wait for.
    fn missing(&mut self, record: &Record) -> Option<String> {
        let id = telemetry(&record.message)?.format().filter(|id| !id.is_empty())?.to_owned();
        (self.is_asked(&id) && is_by_index(&record.message)).then_some(id)
    }

    /// Whether it is asked for, now or before.
    fn is_asked(&mut self, id: &str) -> bool {
        self.ask(id) && matches!(self.slot(id), Some(Has::Asked(_)))
    }

    /// From now on, if it is not waited for yet.
    fn wait(&mut self, id: &str) {
        let deadline = self.now.saturating_add(self.format_timeout);
        if let Some(Has::Asked(until)) = self.slot(id) {
            until.get_or_insert(deadline);
        }
    }

    /// Whether it is there, at least as one that is asked for.
    fn ask(&mut self, id: &str) -> bool {
        if let Some(at) = self.formats.iter().position(|(other, _)| other == id) {
            self.formats[at..].rotate_left(1);
            return true;
        }
        let may_ask = id.len() <= 256 && self.make_room();
        if may_ask {
            self.formats.push((id.to_owned(), Has::Asked(None)));
            self.needed.push_back(id.to_owned());
        }
        may_ask
    }

    fn make_room(&mut self) -> bool {
        if self.formats.len() < self.limits.max_formats {
            return true;
        }
        let free = self.formats.iter().position(|(_, has)| !matches!(has, Has::Asked(Some(_))));
        let Some((gone, _)) = free.map(|at| self.formats.remove(at)) else { return false };
        self.needed.retain(|id| *id != gone);
        true
    }
}

impl Held {
    pub(super) fn new(offset: i64, key: Vec<u8>, value: Vec<u8>, record: Option<Record>) -> Self {
        Self { number: 0, format: None, offset, key, value, record }
    }
}

fn telemetry<'r, 'a>(message: &'r Message<'a>) -> Option<&'r TelemetryRef<'a>> {
    match message {
        Message::Data(telemetry) | Message::Samples(telemetry) => Some(telemetry),
        _ => None,
    }
}

fn is_by_index(message: &Message<'_>) -> bool {
    let first = telemetry(message).and_then(|telemetry| telemetry.parameters().next());
    first.is_some_and(|parameter| matches!(parameter.key(), ParamKey::Index(_)))
}

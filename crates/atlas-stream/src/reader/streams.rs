use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use core::time::Duration;

use super::limits::ReaderLimits;
use super::stream::Stream;
use crate::type_map::MessageKind;

/// The streams of a partition, as many as there is room for.
#[derive(Default)]
pub(super) struct Streams {
    numbers: BTreeMap<String, u64>,
    all: BTreeMap<u64, Stream>,
    /// How many there were.
    count: u64,
    /// Of ids and sessions.
    bytes: usize,
    /// When to look whether a stream is stale: not later than it is. Most move on before.
    checks: BTreeSet<(Duration, u64)>,
    /// Streams that became stale, which nobody was told yet.
    stale: VecDeque<u64>,
    /// Ids of those that had to go, which nobody was told yet.
    forgotten: VecDeque<String>,
    forgotten_bytes: usize,
}

impl Streams {
    pub(super) fn number(&self, id: &str) -> Option<u64> {
        self.numbers.get(id).copied()
    }

    pub(super) fn get(&self, number: u64) -> Option<&Stream> {
        self.all.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Stream> {
        self.all.get_mut(&number)
    }

    /// In the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.numbers.values().filter_map(|number| self.all.get(number))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut Stream)> {
        self.all.iter_mut().map(|(number, stream)| (*number, stream))
    }

    /// A new one, if there is room or room can be made.
    pub(super) fn open(&mut self, id: &str, limits: &ReaderLimits) -> Option<u64> {
        if limits.max_streams == 0 || id.len() > limits.max_stream_bytes {
            return None;
        }
        if !self.has_room(id.len(), None, limits) {
            return None;
        }
        while self.all.len() >= limits.max_streams || self.bytes.saturating_add(id.len()) > limits.max_stream_bytes {
            let least = self.least(None)?;
            self.forget(least, limits);
        }
        // That it was forgotten is no longer true.
        if let Some(place) = self.forgotten.iter().position(|forgotten| forgotten == id) {
            self.forgotten.remove(place);
            self.forgotten_bytes = self.forgotten_bytes.saturating_sub(id.len());
        }
        self.count = self.count.wrapping_add(1);
        self.bytes = self.bytes.saturating_add(id.len());
        self.numbers.insert(id.to_owned(), self.count);
        self.all.insert(self.count, Stream::new(id));
        Some(self.count)
    }

    /// After the session of a stream was another length: makes room at the cost of others, at last of its own session. Whether that
    /// is kept.
    pub(super) fn resize(&mut self, number: u64, len_before: usize, limits: &ReaderLimits) -> bool {
        let len = self.all.get(&number).map_or(0, Stream::len);
        self.bytes = self.bytes.saturating_sub(len_before).saturating_add(len);
        let has_room = self.has_room(0, Some(number), limits);
        while self.bytes > limits.max_stream_bytes {
            let Some(other) = self.least(Some(number)).filter(|_| has_room) else {
                if let Some(stream) = self.all.get_mut(&number) {
                    stream.drop_session();
                    self.bytes = self.bytes.saturating_sub(len).saturating_add(stream.len());
                }
                return false;
            };
            self.forget(other, limits);
        }
        true
    }

    /// Whether there is room for so many bytes more once all have gone that may.
    fn has_room(&self, len: usize, except: Option<u64>, limits: &ReaderLimits) -> bool {
        if self.bytes.saturating_add(len) <= limits.max_stream_bytes {
            return true;
        }
        let free = self.free(except).map(|(_, stream)| stream.len()).fold(0, usize::saturating_add);
        self.bytes.saturating_sub(free).saturating_add(len) <= limits.max_stream_bytes
    }

    /// Those that may go.
    fn free(&self, except: Option<u64>) -> impl Iterator<Item = (u64, &Stream)> {
        let all = self.all.iter().map(|(number, stream)| (*number, stream));
        all.filter(move |(number, stream)| stream.waiting.is_empty() && Some(*number) != except)
    }

    /// The one that would be missed least, of those without records that wait.
    fn least(&self, except: Option<u64>) -> Option<u64> {
        self.free(except).min_by_key(|(number, stream)| (stream.rank(), *number)).map(|(number, _)| number)
    }

    fn forget(&mut self, number: u64, limits: &ReaderLimits) {
        let Some(stream) = self.all.remove(&number) else { return };
        self.bytes = self.bytes.saturating_sub(stream.len());
        if let Some(check) = stream.liveness.check {
            self.checks.remove(&(check, number));
        }
        if stream.liveness.is_untold {
            self.stale.retain(|other| *other != number);
        }
        if let Some((id, _)) = self.numbers.remove_entry(stream.id()) {
            self.forgotten_bytes = self.forgotten_bytes.saturating_add(id.len());
            self.forgotten.push_back(id);
        }
        while self.forgotten.len() > limits.max_streams || self.forgotten_bytes > limits.max_stream_bytes {
            self.pop_forgotten();
        }
    }

    pub(super) fn pop_forgotten(&mut self) -> Option<String> {
        let id = self.forgotten.pop_front()?;
        self.forgotten_bytes = self.forgotten_bytes.saturating_sub(id.len());
        Some(id)
    }

    pub(super) fn pop_stale(&mut self) -> Option<&Stream> {
        loop {
            let number = self.stale.pop_front()?;
            let Some(stream) = self.all.get_mut(&number) else { continue };
            stream.liveness.is_untold = false;
            // It may have come back since.
            if stream.is_stale() {
                return self.all.get(&number);
            }
        }
    }

    /// Something came of a stream.
    pub(super) fn note(&mut self, number: u64, now: Duration, kind: Option<MessageKind>, least: Duration) {
        if let Some(stream) = self.all.get_mut(&number) {
            stream.liveness.note(now, kind, least);
        }
    }

    /// Sees to it that a stream is looked at when it may be stale: after each record of it.
    pub(super) fn watch(&mut self, number: u64, least: Duration) {
        let Some(stream) = self.all.get_mut(&number).filter(|stream| !stream.is_watched(least)) else { return };
        let deadline = stream.liveness.deadline(least);
        if let Some(check) = stream.liveness.check.replace(deadline) {
            self.checks.remove(&(check, number));
        }
        self.checks.insert((deadline, number));
    }

    /// Not later than when the next stream is stale.
    pub(super) fn first_check(&self) -> Option<Duration> {
        self.checks.first().map(|(deadline, _)| *deadline)
    }

    /// Looks which are stale.
    pub(super) fn check(&mut self, now: Duration, least: Duration) {
        while let Some(&(due, number)) = self.checks.first().filter(|(due, _)| *due <= now) {
            self.checks.remove(&(due, number));
            let Some(stream) = self.all.get_mut(&number) else { continue };
            stream.liveness.check = None;
            if !stream.may_be_stale() {
                continue;
            }
            let deadline = stream.liveness.deadline(least);
            if deadline > now {
                stream.liveness.check = Some(deadline);
                self.checks.insert((deadline, number));
            } else {
                stream.liveness.is_stale = true;
                if !core::mem::replace(&mut stream.liveness.is_untold, true) {
                    self.stale.push_back(number);
                }
            }
        }
    }
}

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::mem::take;

/// Puts what came in any order into the order of time, as far as points of synchronization allow: between messages of different types there is no
/// order, but what is older than a sync comes no more.
///
/// Times are nanoseconds since 1970, as [`absolute`](crate::absolute) has them. What has the same time comes out in the order it went in, markers first: a lap
/// begins at its time, and so a sample of that time is in it, whichever came first. A stream that begins anew has a new barrier: for the old one all is late.
///
/// ```
/// use atlas_stream::{Released, Sync, SyncBarrier};
///
/// let mut barrier = SyncBarrier::new();
/// barrier.push(1_020, "data of lap 7").unwrap();
/// barrier.push_marker(1_020, "lap 7").unwrap();
/// barrier.push(1_000, "data").unwrap();
/// barrier.push(1_040, "event").unwrap();
/// assert!(barrier.pop().is_none());
/// barrier.sync(Sync::new(1_000, 40).absolute());
/// assert_eq!(barrier.pop().map(Released::into_item), Some("data"));
/// assert_eq!(barrier.pop().map(Released::into_item), Some("lap 7"));
/// assert_eq!(barrier.pop().map(Released::into_item), Some("data of lap 7"));
/// assert!(barrier.pop().is_none(), "more of the time of the sync may come");
/// assert_eq!(barrier.push(1_010, "more data").unwrap_err().item, "more data");
/// ```
#[derive(Clone)]
pub struct SyncBarrier<T> {
    max_entries: usize,
    entries: Runs<T>,
    /// What goes in front of entries of its time.
    markers: Runs<T>,
    /// Of all that ever came.
    newest: Option<i64>,
    /// Up to here, itself included, all may go.
    complete: Option<i64>,
    /// What is older is late.
    point: Option<i64>,
}

/// Entries by time; of the same time, what came first is first.
#[derive(Clone)]
struct Runs<T> {
    /// As they came.
    incoming: Vec<(i64, T)>,
    /// Sorted, each at most half as long as the one in front of it: entries are moved as often as there are runs, and not with each sync. What came
    /// before is in front.
    runs: Vec<VecDeque<(i64, T)>>,
    len: usize,
}

/// An entry whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Released<T> {
    /// Nanoseconds since 1970.
    pub time: i64,
    /// It.
    pub item: T,
    /// Whether it goes since there was no room, before a sync told that nothing older is to come.
    pub is_forced: bool,
}

impl<T> Released<T> {
    /// It.
    #[must_use]
    pub fn into_item(self) -> T {
        self.item
    }
}

/// An entry that was not taken, given back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("time {time}: {kind}")]
#[non_exhaustive]
pub struct PushError<T> {
    /// Why.
    pub kind: PushErrorKind,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// It.
    pub item: T,
}

/// Why an entry was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushErrorKind {
    /// It is older than the last sync, or than what was released: it would come out of order.
    #[error("before {point}, up to which all was complete")]
    Late {
        /// Up to where all was complete, in nanoseconds since 1970.
        point: i64,
    },
    /// There is one more than may be: what [`SyncBarrier::pop`] has is to be taken first.
    #[error("no room: entries have to be taken first")]
    Full,
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushError").field("kind", &self.kind).field("time", &self.time).finish_non_exhaustive()
    }
}

impl<T> SyncBarrier<T> {
    /// For up to 1 048 576 entries.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_entries: 1 << 20,
            entries: Runs::new(),
            markers: Runs::new(),
            newest: None,
            complete: None,
            point: None,
        }
    }

    /// Most entries that are held. With one more the oldest is released before its time: none is lost, and what is older than that is late then. What
    /// entries hold is the caller's to bound, who may call [`pop_oldest`](Self::pop_oldest).
    #[must_use]
    pub const fn with_max_entries(mut self, max_entries: usize) -> Self {
        self.max_entries = max_entries;
        self
    }

    /// Takes an entry.
    ///
    /// # Errors
    ///
    /// What is older than the last sync, or than what was released. What there is no room for, since [`pop`](Self::pop) was not called until there
    /// was nothing more.
    #[inline]
    pub fn push(&mut self, time: i64, item: T) -> Result<(), PushError<T>> {
        if let Some(kind) = self.refusal(time) {
            return Err(PushError { kind, time, item });
        }
        self.entries.push(time, item);
        Ok(())
    }

    /// Takes what is in front of all others of its time, such as a lap.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push). Others of its time that were released before it came are in front of it.
    pub fn push_marker(&mut self, time: i64, item: T) -> Result<(), PushError<T>> {
        if let Some(kind) = self.refusal(time) {
            return Err(PushError { kind, time, item });
        }
        self.markers.push(time, item);
        Ok(())
    }

    #[inline]
    fn refusal(&mut self, time: i64) -> Option<PushErrorKind> {
        if let Some(point) = self.point.filter(|point| time < *point) {
            return Some(PushErrorKind::Late { point });
        }
        if self.len() > self.max_entries {
            return Some(PushErrorKind::Full);
        }
        self.newest = self.newest.max(Some(time));
        None
    }

    /// All that is older than this time has come; without a time, as of a [`Sync`](crate::Sync) that has none, all that is there is complete. A point that is
    /// before another is passed.
    pub fn sync(&mut self, absolute: Option<i64>) {
        let Some(point) = absolute.or(self.newest) else { return };
        // Of the time of the point more may come, but behind a point that is where the record stands.
        let complete = if absolute.is_some() { point.checked_sub(1) } else { Some(point) };
        self.complete = self.complete.max(complete);
        self.point = self.point.max(Some(point));
    }

    /// The next entry that is complete, or that there is no room for; in the order of time.
    pub fn pop(&mut self) -> Option<Released<T>> {
        let is_over = self.len() > self.max_entries;
        if self.complete.is_none() && !is_over {
            return None;
        }
        self.pop_if(|time, complete| is_over || Some(time) <= complete)
    }

    /// The oldest entry, whatever its time: what is older than it is late from now on.
    pub fn pop_oldest(&mut self) -> Option<Released<T>> {
        self.pop_if(|_, _| true)
    }

    fn pop_if(&mut self, may_go: impl FnOnce(i64, Option<i64>) -> bool) -> Option<Released<T>> {
        let complete = self.complete;
        let marker = self.markers.oldest();
        let entry = self.entries.oldest().filter(|(time, _)| marker.is_none_or(|(other, _)| *time < other));
        let runs = if entry.is_some() { &mut self.entries } else { &mut self.markers };
        let (_, run) = entry.or(marker).filter(|(time, _)| may_go(*time, complete))?;
        let (time, item) = runs.pop(run)?;
        self.point = self.point.max(Some(time));
        Some(Released { time, item, is_forced: Some(time) > complete })
    }

    /// What it holds, in no order: to tell, for instance, up to which offset all was released.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &T)> {
        self.entries.iter().chain(self.markers.iter())
    }

    /// How many entries it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len.saturating_add(self.markers.len)
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The point that entries may not be older than, in nanoseconds since 1970.
    #[must_use]
    pub const fn point(&self) -> Option<i64> {
        self.point
    }
}

impl<T> Runs<T> {
    const fn new() -> Self {
        Self { incoming: Vec::new(), runs: Vec::new(), len: 0 }
    }

    #[inline]
    fn push(&mut self, time: i64, item: T) {
        self.len = self.len.saturating_add(1);
        self.incoming.push((time, item));
    }

    /// The time of the oldest, and in which run it is.
    fn oldest(&mut self) -> Option<(i64, usize)> {
        self.sort();
        let firsts = self.runs.iter().enumerate().filter_map(|(place, run)| Some((run.front()?.0, place)));
        // Of the same time, what came first: it is in the run in front.
        firsts.min()
    }

    fn pop(&mut self, run: usize) -> Option<(i64, T)> {
        let entry = self.runs.get_mut(run)?.pop_front()?;
        self.len = self.len.saturating_sub(1);
        while self.runs.last().is_some_and(VecDeque::is_empty) {
            self.runs.pop();
        }
        Some(entry)
    }

    /// Makes a run of what came, and one of those that are not longer than it.
    fn sort(&mut self) {
        if self.incoming.is_empty() {
            return;
        }
        let mut incoming = take(&mut self.incoming);
        incoming.sort_by_key(|(time, _)| *time);
        let mut last = VecDeque::from(incoming);
        let is_short = |run: &VecDeque<(i64, T)>, last: &VecDeque<(i64, T)>| run.len() <= last.len().saturating_mul(2);
        while self.runs.last().is_some_and(|before| is_short(before, &last)) {
            let Some(before) = self.runs.pop() else { break };
            last = merge(before, last);
        }
        self.runs.push(last);
    }

    fn iter(&self) -> impl Iterator<Item = (i64, &T)> {
        self.incoming.iter().chain(self.runs.iter().flatten()).map(|(time, item)| (*time, item))
    }
}

/// Two runs as one; of the same time what is in the one before goes first.
fn merge<T>(before: VecDeque<(i64, T)>, after: VecDeque<(i64, T)>) -> VecDeque<(i64, T)> {
    let mut all = VecDeque::with_capacity(before.len().saturating_add(after.len()));
    let (mut before, mut after) = (before.into_iter().peekable(), after.into_iter().peekable());
    loop {
        let next = match (before.peek(), after.peek()) {
            (Some((one, _)), Some((two, _))) if two < one => after.next(),
            (Some(_), _) => before.next(),
            (None, _) => after.next(),
        };
        let Some(entry) = next else { return all };
        all.push_back(entry);
    }
}

impl<T> Default for SyncBarrier<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for SyncBarrier<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncBarrier").field("len", &self.len()).field("point", &self.point).finish_non_exhaustive()
    }
}

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::notes::StreamNotes;
use crate::changes::Changes;
use crate::record::Message;
use crate::session::Session;
use crate::state::SessionState;
use crate::type_map::MessageKind;

/// A stream, as far as it has come.
pub struct Stream {
    id: String,
    /// None of its records was delivered yet.
    is_new: bool,
    is_complete: bool,
    has_ended: bool,
    has_data: bool,
    session: Option<Session<'static>>,
    /// Of the session: the first closed one stays.
    state: Option<SessionState>,
    /// Bytes of the session as it came.
    session_len: usize,
    pub(super) liveness: Liveness,
    /// Records that wait for a format, or behind one that does.
    pub(super) waiting: VecDeque<Waiting>,
    /// The format that the first of them waits for.
    pub(super) blocked_on: Option<String>,
}

/// A record as it came.
pub(super) struct Waiting {
    /// Which one of all that waited.
    pub(super) number: u64,
    pub(super) offset: i64,
    /// The format that it needs, if it was not there when it came.
    pub(super) format: Option<String>,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.key.len().saturating_add(self.value.len())
    }
}

/// When something came of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Liveness {
    last: Duration,
    last_session: Option<Duration>,
    /// Between the last two sessions.
    interval: Duration,
    pub(super) is_stale: bool,
    /// Nobody was told of that yet.
    pub(super) is_untold: bool,
    /// It was stale, as was told, and no record has told that it came back.
    has_returned: bool,
    /// It was stale since the last session.
    had_pause: bool,
    /// When it is looked at.
    pub(super) check: Option<Duration>,
}

impl Liveness {
    pub(super) fn note(&mut self, now: Duration, kind: Option<MessageKind>, least: Duration) {
        self.had_pause |= self.is_stale;
        // None is an interval between two recordings.
        if matches!(kind, Some(MessageKind::Start | MessageKind::End)) {
            self.interval = Duration::ZERO;
            self.last_session = None;
        }
        if kind == Some(MessageKind::Session) {
            let between = self.last_session.replace(now).map(|last| now.saturating_sub(last));
            // A pause is one only if sessions may come that seldom: the next shows it.
            let counts = |between: &Duration| !self.had_pause || *between <= least.saturating_mul(3);
            self.interval = between.filter(counts).unwrap_or(self.interval);
            self.had_pause = false;
        }
        self.last = now;
        self.has_returned |= self.is_stale && !self.is_untold;
        self.is_stale = false;
    }

    /// Another session begins.
    const fn begin(&mut self) {
        self.interval = Duration::ZERO;
    }

    pub(super) const fn last(&self) -> Duration {
        self.last
    }

    /// When silence is too long: after three intervals, and not before the least time.
    pub(super) fn deadline(&self, least: Duration) -> Duration {
        self.last.saturating_add(self.interval.saturating_mul(3).max(least))
    }
}

impl Stream {
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            is_new: true,
            is_complete: false,
            has_ended: false,
            has_data: false,
            session: None,
            state: None,
            session_len: 0,
            liveness: Liveness::default(),
            waiting: VecDeque::new(),
            blocked_on: None,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether all of it came here from `$start` on. A stream that was joined in the middle is not.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether `$end` came.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether it was silent for too long, and is since.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.liveness.is_stale
    }

    /// What it is a recording of, as it was told last; a stream without a session is none.
    #[must_use]
    pub const fn session(&self) -> Option<&Session<'static>> {
        self.session.as_ref()
    }

    /// How far the session has come: its first closed state is final, whatever is told later.
    #[must_use]
    pub const fn state(&self) -> Option<SessionState> {
        self.state
    }

    /// How many of its records wait for a format.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether that is a closed state.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.is_some_and(SessionState::is_closed)
    }

    /// Whether silence means something.
    pub(super) fn may_be_stale(&self) -> bool {
        // While records wait, its end may be among them.
        !self.has_ended && !self.is_closed() && !self.is_stale() && self.waiting.is_empty()
    }

    /// Whether it is looked at in time, or need not be.
    pub(super) fn is_watched(&self, least: Duration) -> bool {
        // Mostly the time has moved on, and that is seen when it is looked at.
        !self.may_be_stale() || self.liveness.check.is_some_and(|check| check <= self.liveness.deadline(least))
    }

    /// What it counts of `max_bytes`.
    pub(super) fn len(&self) -> usize {
        self.id.len().saturating_add(self.session_len)
    }

    /// Gives up what takes room, but not how far it has come.
    pub(super) fn drop_session(&mut self) {
        self.session = None;
        self.session_len = 0;
    }

    /// Whether it would be missed less than others: more is.
    pub(super) fn rank(&self) -> (bool, bool, Duration) {
        (!self.has_ended, !self.is_closed(), self.liveness.last())
    }

    /// Takes a record in its order; `len` is that of its value.
    pub(super) fn advance(&mut self, message: &Message<'_>, len: usize) -> (StreamNotes, Changes) {
        let mut changes = Changes::NONE;
        let has_returned = core::mem::take(&mut self.liveness.has_returned);
        let mut notes = if has_returned { StreamNotes::RETURNED } else { StreamNotes::NONE };
        if matches!(message, Message::Start) {
            notes |= if self.is_new { StreamNotes::OPENED } else { StreamNotes::RESTARTED };
            self.is_new = false;
            if self.has_ended {
                notes |= StreamNotes::AFTER_END;
            }
            self.restart();
            return (notes, changes);
        }
        if core::mem::take(&mut self.is_new) {
            notes |= StreamNotes::OPENED | StreamNotes::LATE;
        }
        if self.has_ended {
            return (notes | StreamNotes::AFTER_END, changes);
        }
        match message {
            Message::Session(session) => {
                let of_session;
                (of_session, changes) = self.take_session(session, len);
                notes |= of_session;
            }
            Message::Data(_) | Message::Samples(_) | Message::Event(_) | Message::Lap(_) => {
                self.has_data = true;
                if self.is_closed() {
                    notes |= StreamNotes::AFTER_CLOSE;
                }
            }
            Message::End => {
                self.has_ended = true;
                if self.state.is_some() && !self.is_closed() {
                    notes |= StreamNotes::NOT_CLOSED;
                }
            }
            Message::Start | Message::Sync(_) | Message::Unknown(_) => {}
        }
        (notes, changes)
    }

    fn restart(&mut self) {
        self.is_complete = true;
        self.has_ended = false;
        self.has_data = false;
        self.session = None;
        self.state = None;
        self.session_len = 0;
    }

    fn take_session(&mut self, session: &Session<'_>, len: usize) -> (StreamNotes, Changes) {
        let mut notes = StreamNotes::NONE;
        // Of no session all is new that is told.
        let none = Session::new("", SessionState::UNKNOWN);
        let before = self.session.as_ref();
        if self.state.is_none() && self.has_data && self.is_complete {
            notes |= StreamNotes::AFTER_DATA;
        }
        let mut changes = session.changes(before.unwrap_or(&none));
        if before.is_none() {
            changes |= Changes::ID;
        }
        // One that was too large to be kept is taken for the same.
        let goes_on = before.map_or(self.state.is_some(), |before| before.id == session.id);
        let state = match self.state.filter(|_| goes_on) {
            Some(state) if state.may_become(session.state) => session.state,
            Some(state) => {
                notes |= match session.state {
                    SessionState::UNKNOWN => StreamNotes::NONE,
                    other if other.is_closed() => StreamNotes::CLOSED_AGAIN,
                    _ if state.is_closed() => StreamNotes::REOPENED,
                    _ => StreamNotes::WENT_BACK,
                };
                state
            }
            None => session.state,
        };
        // Told is what counts: a session that stays closed has not changed.
        if goes_on && self.state == Some(state) && state != SessionState::UNKNOWN {
            changes = changes.without(Changes::STATE);
        } else if self.state != Some(state) {
            changes |= Changes::STATE;
        }
        self.state = Some(state);
        if !goes_on {
            self.liveness.begin();
        }
        if !changes.is_empty() || before.is_some_and(|before| before.state_name() != session.state_name()) {
            self.session = Some(session.clone().into_owned());
            self.session_len = len;
        } else if let Some(kept) = &mut self.session {
            self.session_len = len;
            kept.last_heartbeat = session.last_heartbeat.clone().map(crate::date_time::DateTime::into_owned);
        }
        (notes, changes)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("id", &self.id)
            .field("is_complete", &self.is_complete)
            .field("has_ended", &self.has_ended)
            .field("is_stale", &self.is_stale())
            .field("state", &self.state)
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

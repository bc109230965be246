use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use crate::error::{Error, State, UsageError};
use crate::event::{CloseReason, ServerEvent};
use crate::limits::{Config, Limit};
use crate::server::Connection;

/// Many [`Server`](crate::Server)s under one roof, one for each connection: which of them has something to tell, which
/// something to send, and when the next one has been silent for too long.
///
/// It is for one loop over all connections, such as one around epoll, or an actor. With a task per connection, give each a
/// `Server` of its own.
///
/// A sign of life and the next deadline cost the same however many connections there are; a timeout costs as much as
/// connections expire. An idle connection holds about 350 bytes; slots that became free are used again, not given back.
///
/// A connection is gone from the registry when it has told [`ServerEvent::Closed`] and what it had to send was drained; its id
/// is then unknown.
///
/// ```
/// use core::time::Duration;
///
/// use datakit::{CloseReason, Config, Registry, ServerEvent};
///
/// let second = Duration::from_secs(1);
/// let mut registry = Registry::new(&Config::DEFAULT);
/// let pump = registry.insert(0 * second)?;
/// let valve = registry.insert(1 * second)?;
/// assert_eq!(registry.handle_input(2 * second, pump, b"$H|pump|bar|float|stream\n")?, 25);
/// let Some((id, ServerEvent::Hello(_))) = registry.poll_event() else { panic!() };
/// registry.accept(2 * second, id, "pump-1")?;
/// assert_eq!(registry.poll_transmit(), Some((pump, "ACK|pump-1\n".into())));
///
/// assert_eq!(registry.poll_deadline(), Some(11 * second)); // the valve has not said HELLO
/// registry.handle_timeout(11 * second);
/// assert_eq!(registry.poll_event(), Some((valve, ServerEvent::Closed(CloseReason::Silence))));
/// assert_eq!((registry.len(), registry.poll_deadline()), (1, Some(12 * second)));
/// # Ok::<(), datakit::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    config: Config,
    slots: Vec<Slot>,
    /// Slots without a connection, the last one freed first.
    free: Option<u32>,
    len: usize,
    /// The connections with a deadline, the next one first. All have the same timeout and time does not go back, so that
    /// who gave a sign of life goes to the end.
    first: Option<u32>,
    last: Option<u32>,
    /// Slots that may have an event, each once at most.
    events: VecDeque<u32>,
    /// Slots that may have something to send, each once at most.
    transmits: VecDeque<u32>,
    now: Duration,
}

/// Names a connection of a [`Registry`]; never names another one later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    index: u32,
    generation: u32,
}

#[derive(Clone, Debug)]
struct Slot {
    connection: Option<Connection>,
    /// How many connections there were in this slot before.
    generation: u32,
    previous: Option<u32>,
    /// In the list of deadlines, or of free slots.
    next: Option<u32>,
    /// The one by which it stands in the list of deadlines.
    deadline: Option<Duration>,
    has_event_entry: bool,
    has_transmit_entry: bool,
}

impl Registry {
    /// Without connections, and with settings that hold for all.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            config: *config,
            slots: Vec::new(),
            free: None,
            len: 0,
            first: None,
            last: None,
            events: VecDeque::new(),
            transmits: VecDeque::new(),
            now: Duration::ZERO,
        }
    }

    /// Takes in a connection that was just accepted from the network.
    ///
    /// # Errors
    ///
    /// [`UsageError::LimitReached`] if there are [`Limits::max_connections`](crate::Limits::max_connections).
    pub fn insert(&mut self, now: Duration) -> Result<ConnectionId, UsageError> {
        let now = self.advance(now);
        let max = self.config.limits.max_connections;
        let full = UsageError::LimitReached { limit: Limit::MaxConnections, max: max as u64 };
        if self.len >= max {
            return Err(full);
        }
        let index = match self.free {
            Some(index) => index,
            None => u32::try_from(self.slots.len()).map_err(|_| full)?,
        };
        let connection = Some(Connection::new(now));
        let generation = match self.slot(index) {
            Some(slot) => {
                let next = slot.next.take();
                slot.connection = connection;
                let generation = slot.generation;
                self.free = next;
                generation
            }
            None => {
                self.slots.push(Slot {
                    connection,
                    generation: 0,
                    previous: None,
                    next: None,
                    deadline: None,
                    has_event_entry: false,
                    has_transmit_entry: false,
                });
                0
            }
        };
        self.len = self.len.saturating_add(1);
        self.settle(index);
        Ok(ConnectionId { index, generation })
    }

    /// Forgets a connection, whatever it still had to tell or to send.
    ///
    /// # Errors
    ///
    /// [`UsageError::UnknownConnection`] if there is none of this name.
    pub fn remove(&mut self, id: ConnectionId) -> Result<(), UsageError> {
        self.connection(id)?;
        self.free(id.index);
        Ok(())
    }

    /// As [`Server::handle_input`](crate::Server::handle_input): look at how many bytes were taken.
    ///
    /// # Errors
    ///
    /// [`UsageError::UnknownConnection`] if there is none of this name.
    pub fn handle_input(&mut self, now: Duration, id: ConnectionId, input: &[u8]) -> Result<usize, UsageError> {
        self.with(now, id, |connection, config, now| connection.handle_input(config, now, input))
    }

    /// As [`Server::handle_eof`](crate::Server::handle_eof).
    ///
    /// # Errors
    ///
    /// [`UsageError::UnknownConnection`] if there is none of this name.
    pub fn handle_eof(&mut self, now: Duration, id: ConnectionId) -> Result<(), UsageError> {
        self.with(now, id, |connection, _, now| connection.handle_eof(now))
    }

    /// As [`Server::accept`](crate::Server::accept).
    ///
    /// # Errors
    ///
    /// Those, and [`UsageError::UnknownConnection`] if there is none of this name.
    pub fn accept(&mut self, now: Duration, id: ConnectionId, uid: &str) -> Result<(), Error> {
        self.with(now, id, |connection, config, now| connection.accept(config, now, uid))?
    }

    /// As [`Server::start`](crate::Server::start).
    ///
    /// # Errors
    ///
    /// Those, and [`UsageError::UnknownConnection`] if there is none of this name.
    pub fn start(&mut self, now: Duration, id: ConnectionId) -> Result<(), UsageError> {
        self.with(now, id, |connection, config, now| connection.start(config, now))?
    }

    /// As [`Server::stop`](crate::Server::stop).
    ///
    /// # Errors
    ///
    /// Those, and [`UsageError::UnknownConnection`] if there is none of this name.
    pub fn stop(&mut self, now: Duration, id: ConnectionId) -> Result<(), UsageError> {
        self.with(now, id, |connection, config, now| connection.stop(config, now))?
    }

    /// As [`Server::close`](crate::Server::close).
    ///
    /// # Errors
    ///
    /// [`UsageError::UnknownConnection`] if there is none of this name.
    pub fn close(&mut self, now: Duration, id: ConnectionId) -> Result<(), UsageError> {
        self.with(now, id, |connection, _, now| connection.close(now, CloseReason::Local))
    }

    /// Takes the time: unregisters and closes whoever has been silent for too long. First hand in the input that came before it,
    /// until it is taken.
    pub fn handle_timeout(&mut self, now: Duration) {
        let now = self.advance(now);
        let config = self.config;
        while let Some(index) = self.first.filter(|_| self.poll_deadline().is_some_and(|deadline| deadline <= now)) {
            if let Some(connection) = self.slot(index).and_then(|slot| slot.connection.as_mut()) {
                connection.handle_timeout(&config, now);
            }
            // Closed, it has no deadline.
            self.settle(index);
        }
    }

    /// What happened, and to whom: the events of one connection in their order, those of several in turns.
    pub fn poll_event(&mut self) -> Option<(ConnectionId, ServerEvent)> {
        loop {
            let index = self.events.pop_front()?;
            let Some(slot) = self.slot(index) else { continue };
            slot.has_event_entry = false;
            let id = ConnectionId { index, generation: slot.generation };
            let Some(event) = slot.connection.as_mut().and_then(Connection::poll_event) else { continue };
            self.settle(index);
            self.free_if_done(index);
            return Some((id, event));
        }
    }

    /// Bytes to send, and to whom: all that wait for one connection, in whole lines.
    #[must_use = "these bytes are not given again"]
    pub fn poll_transmit(&mut self) -> Option<(ConnectionId, Bytes)> {
        loop {
            let index = self.transmits.pop_front()?;
            let Some(slot) = self.slot(index) else { continue };
            slot.has_transmit_entry = false;
            let id = ConnectionId { index, generation: slot.generation };
            let Some(bytes) = slot.connection.as_mut().and_then(Connection::poll_transmit) else { continue };
            self.free_if_done(index);
            return Some((id, bytes));
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, on the scale of `now`; `None` if nobody has a deadline.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Duration> {
        let slot = self.slots.get(usize::try_from(self.first?).ok()?)?;
        slot.connection.as_ref()?.deadline(&self.config)
    }

    /// Where a connection stands; `None` if there is none of this name.
    #[must_use]
    pub fn state(&self, id: ConnectionId) -> Option<State> {
        self.find(id).map(Connection::state)
    }

    /// The UID of a client, while it is registered.
    #[must_use]
    pub fn uid(&self, id: ConnectionId) -> Option<&str> {
        self.find(id).and_then(Connection::uid)
    }

    /// All connections, and where they stand, in no particular order.
    pub fn connections(&self) -> impl Iterator<Item = (ConnectionId, State)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(index, slot)| {
            let id = ConnectionId { index: u32::try_from(index).ok()?, generation: slot.generation };
            Some((id, slot.connection.as_ref()?.state()))
        })
    }

    /// Connections, those included that are closed and have not told so yet, or have still something to send.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn with<T>(
        &mut self,
        now: Duration,
        id: ConnectionId,
        call: impl FnOnce(&mut Connection, &Config, Duration) -> T,
    ) -> Result<T, UsageError> {
        let now = self.advance(now);
        let config = self.config;
        let result = call(self.connection(id)?, &config, now);
        self.settle(id.index);
        Ok(result)
    }

    fn find(&self, id: ConnectionId) -> Option<&Connection> {
        let slot = self.slots.get(usize::try_from(id.index).ok()?)?;
        slot.connection.as_ref().filter(|_| slot.generation == id.generation)
    }

    fn connection(&mut self, id: ConnectionId) -> Result<&mut Connection, UsageError> {
        let slot = self.slot(id.index).filter(|slot| slot.generation == id.generation);
        slot.and_then(|slot| slot.connection.as_mut()).ok_or(UsageError::UnknownConnection)
    }

    fn slot(&mut self, index: u32) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(index).ok()?)
    }

    /// Puts a connection that something happened to where it belongs now.
    fn settle(&mut self, index: u32) {
        let config = self.config;
        let Some(slot) = self.slot(index) else { return };
        let Some(connection) = &slot.connection else { return };
        let deadline = connection.deadline(&config);
        let (wants_event, wants_transmit) =
            (connection.has_events() && !slot.has_event_entry, connection.has_transmits() && !slot.has_transmit_entry);
        slot.has_event_entry |= wants_event;
        slot.has_transmit_entry |= wants_transmit;
        let was = core::mem::replace(&mut slot.deadline, deadline);
        if was != deadline {
            if was.is_some() {
                self.unlink(index);
            }
            if deadline.is_some() {
                self.link_last(index);
            }
        }
        if wants_event {
            self.events.push_back(index);
        }
        if wants_transmit {
            self.transmits.push_back(index);
        }
    }

    /// Forgets a connection that has told its end and has nothing left to send.
    fn free_if_done(&mut self, index: u32) {
        let connection = self.slot(index).and_then(|slot| slot.connection.as_ref());
        let is_done = |connection: &Connection| {
            connection.state() == State::Closed && !connection.has_events() && !connection.has_transmits()
        };
        if connection.is_some_and(is_done) {
            self.free(index);
        }
    }

    fn free(&mut self, index: u32) {
        let free = self.free;
        let Some(slot) = self.slot(index) else { return };
        slot.connection = None;
        if slot.deadline.take().is_some() {
            self.unlink(index);
        }
        self.len = self.len.saturating_sub(1);
        let Some(slot) = self.slot(index) else { return };
        // A slot whose names are used up stays empty.
        let Some(generation) = slot.generation.checked_add(1) else { return };
        slot.generation = generation;
        slot.next = free;
        self.free = Some(index);
    }

    fn link_last(&mut self, index: u32) {
        let last = self.last.replace(index);
        if let Some(slot) = self.slot(index) {
            (slot.previous, slot.next) = (last, None);
        }
        match last.and_then(|last| self.slot(last)) {
            Some(last) => last.next = Some(index),
            None => self.first = Some(index),
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(slot) = self.slot(index) else { return };
        let (previous, next) = (slot.previous.take(), slot.next.take());
        match previous.and_then(|previous| self.slot(previous)) {
            Some(previous) => previous.next = next,
            None => self.first = next,
        }
        match next.and_then(|next| self.slot(next)) {
            Some(next) => next.previous = previous,
            None => self.last = previous,
        }
    }

    fn advance(&mut self, now: Duration) -> Duration {
        self.now = self.now.max(now);
        self.now
    }
}

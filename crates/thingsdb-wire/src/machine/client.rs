use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use bytes::Bytes;

use super::config::{Config, deadline};
use super::dialect::{Change, Exchange, FromClient, FromServer};
use super::event::{ClientEvent, CloseReason, Error, Joined, UsageError};
use super::feed::Feed;
use super::keep_alive::{KeepAlive, Silence};
use super::outbox::{LARGE, Outbox};
use super::rooms::Rooms;
use crate::body::Body;
use crate::limits::Limit;
use crate::package::{Package, PackageRef};

/// Most requests in flight: with half of all IDs free, the next one is found in two steps on average.
const MAX_IN_FLIGHT: u16 = 1 << 15;

/// Most bytes of a request about rooms that are kept until it is answered.
const MAX_ROOMS_LEN: usize = 64 << 10;

/// A client of any dialect (SPEC.md §7): IDs, answers in any order, events, authentication, keep-alive, reconnects.
///
/// Bytes and times in; events, bytes and the next deadline out. Call these in any order, as often as you like:
///
/// - [`handle_input`](Self::handle_input) when bytes came, [`handle_eof`](Self::handle_eof) when no more will or the
///   connection broke;
/// - [`handle_timeout`](Self::handle_timeout) when [`poll_deadline`](Self::poll_deadline) is reached, after the input that came
///   until then was taken;
/// - [`poll_event`](Self::poll_event) and [`poll_transmit`](Self::poll_transmit) until they give nothing.
///
/// `Debug` shows nothing that was sent or came.
///
/// ```
/// # #[cfg(feature = "msgpack")] {
/// use core::time::Duration;
///
/// use thingsdb_wire::v1::{self, AnswerRef, Credentials, RequestRef};
/// use thingsdb_wire::{Client, ClientEvent, Config};
///
/// let second = Duration::from_secs(1);
/// let mut client = Client::new(&Config::new(&v1::DIALECT), 0 * second);
/// let auth = RequestRef::Auth(Credentials::Password { user: "admin", password: "pass" });
/// let query = RequestRef::Query { scope: "@t", code: "1 + 1;", variables: None };
/// assert!(client.request(0 * second, query.to_body()?).is_err()); // who is asking?
/// assert_eq!(client.request(0 * second, auth.to_body()?)?, 1);
/// assert_eq!(client.poll_transmit().unwrap(), &b"\x0c\0\0\0\x01\0\x21\xde\x92\xa5admin\xa4pass"[..]);
///
/// assert_eq!(client.handle_input(1 * second, b"\0\0\0\0\x01\0\x11\xee"), 8); // OK
/// assert_eq!(client.poll_event(), Some(ClientEvent::Authenticated));
/// assert_eq!(client.request(1 * second, query.to_body()?)?, 2);
///
/// assert_eq!(client.handle_input(2 * second, b"\x01\0\0\0\x02\0\x12\xed\x02"), 9); // DATA
/// let Some(ClientEvent::Answer { request: 34, package }) = client.poll_event() else { panic!() };
/// let AnswerRef::Data(data) = AnswerRef::decode(package.as_ref()).unwrap() else { panic!() };
/// assert_eq!(data.as_bytes(), [2]);
/// # }
/// # Ok::<(), thingsdb_wire::Error>(())
/// ```
pub struct Client {
    config: Config,
    closed: Option<CloseReason>,
    auth: Auth,
    /// On this connection the rooms of the one before were not told yet.
    rejoin: bool,
    feed: Feed,
    out: Outbox,
    events: VecDeque<ClientEvent>,
    /// Bytes of data in `events`.
    event_bytes: usize,
    in_flight: BTreeMap<u16, Flight>,
    /// When those in flight are given up.
    deadlines: BTreeSet<(Duration, u16)>,
    next_id: u16,
    rooms: Rooms,
    keep_alive: KeepAlive,
    /// The latest time heard of: time does not go back.
    now: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Auth {
    authenticated: bool,
    /// Asked for on this connection.
    asked: bool,
    pending: Option<Pending>,
}

/// An authentication without an answer.
#[derive(Clone, Copy, Debug)]
struct Pending {
    id: u16,
    request: u8,
    deadline: Option<Duration>,
}

impl Auth {
    const NONE: Self = Self { authenticated: false, asked: false, pending: None };
}

/// A request without an answer.
struct Flight {
    request: u8,
    role: Role,
    deadline: Option<Duration>,
    /// Of a request that may change the rooms.
    data: Option<Bytes>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Somebody waits for the answer.
    Request,
    /// Nobody does any more.
    GivenUp,
    Auth,
    /// The machine's own PING.
    Ping,
}

impl Client {
    /// A connection that was just made.
    #[must_use]
    pub fn new(config: &Config, now: Duration) -> Self {
        Self {
            config: *config,
            closed: None,
            auth: Auth::NONE,
            rejoin: false,
            feed: Feed::new(),
            out: Outbox::new(),
            events: VecDeque::new(),
            event_bytes: 0,
            in_flight: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            next_id: config.dialect.first_id,
            rooms: Rooms::new(),
            keep_alive: KeepAlive::new(now),
            now,
        }
    }

    /// Takes bytes off the front of `input` and tells how many: all of them, the start of a package too, which is kept until its end
    /// comes; fewer only when too many events wait. Drain them then, and offer the rest again before anything else. Once closed, all are
    /// taken and ignored.
    #[must_use = "the rest has to be offered again"]
    pub fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
        self.advance(now);
        if !input.is_empty() {
            self.keep_alive.heard(self.now);
        }
        let mut rest = input;
        while self.closed.is_none() && !self.has_too_many_events() {
            match self.feed.next(&mut rest, &self.config.limits) {
                Ok(Some(package)) => self.package(package),
                Ok(None) => break,
                Err(error) => self.end(CloseReason::Decode(error)),
            }
        }
        if self.closed.is_some() { input.len() } else { input.len().saturating_sub(rest.len()) }
    }

    fn has_too_many_events(&self) -> bool {
        let limits = &self.config.limits;
        self.events.len() >= limits.max_queued_events.max(1)
            || (self.event_bytes > 0 && self.event_bytes >= limits.max_queued_bytes)
    }

    /// One package (SPEC.md §7). What it is, its TYPE says, never its ID.
    fn package(&mut self, package: Package) {
        match (self.config.dialect.from_server)(package.kind) {
            FromServer::Event => {
                self.change_rooms(Exchange::Event(package.as_ref()));
                self.tell(ClientEvent::Event(package));
            }
            FromServer::Unknown => self.tell(ClientEvent::Unknown(package)),
            FromServer::Accepted | FromServer::Denied if self.auth.pending.is_none() => {
                self.tell(ClientEvent::Unmatched(package));
            }
            FromServer::Accepted => self.settle(None),
            FromServer::Denied => self.settle(Some(package)),
            FromServer::Answer => self.answer(package, false),
            FromServer::Error => self.answer(package, true),
        }
    }

    /// An authentication was answered whatever the ID; its own may be in flight.
    fn settle(&mut self, denied: Option<Package>) {
        if let Some(pending) = self.auth.pending {
            if self.in_flight.get(&pending.id).is_some_and(|flight| flight.role == Role::Auth) {
                self.in_flight.remove(&pending.id);
            }
        }
        self.authenticated(denied);
    }

    fn answer(&mut self, package: Package, is_error: bool) {
        let Some(flight) = self.in_flight.remove(&package.id) else {
            self.tell(ClientEvent::Unmatched(package));
            return;
        };
        if flight.role == Role::Auth && !is_error && package.kind != self.config.dialect.accepted.kind {
            // That is no answer to an authentication, which goes on waiting for one.
            self.in_flight.insert(package.id, flight);
            self.tell(ClientEvent::Unmatched(package));
            return;
        }
        if let Some(deadline) = flight.deadline {
            self.deadlines.remove(&(deadline, package.id));
        }
        let request = flight.request;
        if let Some(data) = flight.data.filter(|_| !is_error) {
            let request = PackageRef { id: package.id, kind: request, data: &data };
            self.change_rooms(Exchange::Answered { request, answer: package.as_ref() });
        }
        match flight.role {
            Role::Auth => self.authenticated(is_error.then_some(package)),
            Role::Ping => self.keep_alive.answered(),
            Role::GivenUp => self.tell(ClientEvent::Late { request, package }),
            Role::Request if is_error => self.tell(ClientEvent::Error { request, package }),
            Role::Request => self.tell(ClientEvent::Answer { request, package }),
        }
    }

    fn authenticated(&mut self, denied: Option<Package>) {
        self.auth.pending = None;
        if let Some(package) = denied {
            self.tell(ClientEvent::Denied(package));
            return;
        }
        self.auth.authenticated = true;
        self.tell(ClientEvent::Authenticated);
        if core::mem::take(&mut self.rejoin) {
            for room in self.rooms.iter().cloned().collect::<Vec<_>>() {
                self.tell(ClientEvent::Rejoin(room));
            }
        }
    }

    fn change_rooms(&mut self, exchange: Exchange<'_>) {
        let (rooms, events, max) = (&mut self.rooms, &mut self.events, self.config.limits.max_rooms);
        (self.config.dialect.rooms)(exchange, &mut |change| {
            if let (false, Change::Joined { id, .. }) = (rooms.change(change, max), change) {
                events.push_back(ClientEvent::NotRemembered { id });
            }
        });
    }

    /// Sends a request and tells its ID. If it is an authentication, its answer comes as
    /// [`Authenticated`](ClientEvent::Authenticated) or [`Denied`](ClientEvent::Denied).
    ///
    /// # Errors
    ///
    /// [`UsageError`] if closed, not authenticated though the request needs it, authenticating already, or if
    /// [`max_in_flight`](crate::Limits::max_in_flight) or [`max_queued_bytes`](crate::Limits::max_queued_bytes) is reached;
    /// [`EncodeError`](crate::EncodeError) if the data is over [`max_data_len`](crate::Limits::max_data_len). Nothing is sent
    /// then.
    pub fn request(&mut self, now: Duration, body: Body) -> Result<u16, Error> {
        self.request_with_timeout(now, body, self.config.request_timeout)
    }

    /// As [`request`](Self::request), with a time of its own to wait for the answer. An authentication has always
    /// [`auth_timeout`](Config::auth_timeout).
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn request_with_timeout(&mut self, now: Duration, body: Body, timeout: Duration) -> Result<u16, Error> {
        self.advance(now);
        let class = self.check_may_send(body.kind)?;
        if class != FromClient::Auth {
            self.check_in_flight()?;
        }
        if class == FromClient::Auth {
            let id = match self.config.dialect.auth_id {
                Some(id) => {
                    self.out.push(body.with_id(id), &self.config.limits)?;
                    id
                }
                None => self.take_off(&body, Role::Auth, None, false)?,
            };
            let deadline = deadline(self.now, self.config.auth_timeout);
            let pending = Pending { id, request: body.kind, deadline };
            self.auth = Auth { asked: true, pending: Some(pending), ..self.auth };
            return Ok(id);
        }
        let deadline = deadline(self.now, timeout);
        self.take_off(&body, Role::Request, deadline, class == FromClient::Room)
    }

    /// Sends a request that peers leave without an answer, and tells its ID, which is free again at once. Should an answer come, it is
    /// [`Unmatched`](ClientEvent::Unmatched).
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request); [`UsageError::WrongKind`] for an authentication.
    pub fn send(&mut self, now: Duration, body: Body) -> Result<u16, Error> {
        self.advance(now);
        if self.closed.is_none() && (self.config.dialect.from_client)(body.kind) == FromClient::Auth {
            return Err(UsageError::WrongKind { kind: body.kind }.into());
        }
        self.check_may_send(body.kind)?;
        self.check_in_flight()?;
        let id = self.free_id();
        self.out.push(body.with_id(id), &self.config.limits)?;
        self.next_id = id.wrapping_add(1);
        Ok(id)
    }

    /// Whether a package of this TYPE may be sent now, and what it is.
    fn check_may_send(&self, kind: u8) -> Result<FromClient, UsageError> {
        if self.closed.is_some() {
            return Err(UsageError::Closed);
        }
        let class = (self.config.dialect.from_client)(kind);
        match class {
            FromClient::Auth if self.auth.pending.is_some() => Err(UsageError::AuthPending),
            FromClient::Auth | FromClient::Open => Ok(class),
            FromClient::Request | FromClient::Room | FromClient::Unknown if self.may_ask() => Ok(class),
            FromClient::Request | FromClient::Room | FromClient::Unknown => Err(UsageError::NotAuthenticated { kind }),
        }
    }

    /// Whether one more may be in flight. The machine's own PING does not count, and neither does an authentication when it is sent.
    fn check_in_flight(&self) -> Result<(), UsageError> {
        let max = self.config.limits.max_in_flight.clamp(1, MAX_IN_FLIGHT);
        let own = usize::from(self.keep_alive.is_under_way());
        if self.in_flight.len().saturating_sub(own) >= usize::from(max) {
            return Err(UsageError::LimitReached { limit: Limit::MaxInFlight, max: max.into() });
        }
        Ok(())
    }

    fn may_ask(&self) -> bool {
        self.auth.authenticated || (self.config.dialect.auth_optional && !self.auth.asked)
    }

    /// Sends a package that is in flight from now on.
    fn take_off(&mut self, body: &Body, role: Role, deadline: Option<Duration>, keep: bool) -> Result<u16, Error> {
        let id = self.free_id();
        self.out.push(body.with_id(id), &self.config.limits)?;
        self.next_id = id.wrapping_add(1);
        let data = (keep && body.data.len() <= MAX_ROOMS_LEN).then(|| body.data.clone());
        self.in_flight.insert(id, Flight { request: body.kind, role, deadline, data });
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, id));
        }
        Ok(id)
    }

    /// The next ID that is not in flight; at most half of them are.
    fn free_id(&self) -> u16 {
        let mut id = self.next_id;
        while self.in_flight.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        id
    }

    /// Nobody waits for this request any more. Its ID is not used again before its answer comes, as
    /// [`Late`](ClientEvent::Late), or a new connection.
    ///
    /// # Errors
    ///
    /// [`UsageError::NoSuchRequest`].
    pub fn give_up(&mut self, id: u16) -> Result<(), UsageError> {
        let flight = self.in_flight.get_mut(&id).filter(|flight| flight.role == Role::Request);
        let flight = flight.ok_or(UsageError::NoSuchRequest { id })?;
        flight.role = Role::GivenUp;
        if let Some(deadline) = flight.deadline.take() {
            self.deadlines.remove(&(deadline, id));
        }
        Ok(())
    }

    /// The room is not to be rejoined.
    pub fn forget_room(&mut self, room: &Joined) {
        self.rooms.forget(room);
    }

    /// The rooms that the client is in, or was on the connection before, by scope and ID.
    pub fn rooms(&self) -> impl Iterator<Item = &Joined> {
        self.rooms.iter()
    }

    /// Takes the news that the server sends no more, or that the connection broke. First hand in the input that came before it,
    /// until it is taken.
    pub fn handle_eof(&mut self, now: Duration) {
        self.advance(now);
        let reason = self.feed.finish().err().map_or(CloseReason::Eof, CloseReason::Decode);
        self.end(reason);
    }

    /// Takes the time; does something only if [`poll_deadline`](Self::poll_deadline) is reached: requests run out of time, a
    /// PING is sent, the connection is given up. First hand in the input that came before it, until it is taken.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.advance(now);
        if self.closed.is_some() {
            return;
        }
        if self.auth_deadline().is_some_and(|deadline| deadline <= self.now) {
            self.end(CloseReason::AuthTimeout);
            return;
        }
        while let Some((_, id)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= self.now) {
            self.deadlines.pop_first();
            if let Some(flight) = self.in_flight.get_mut(&id) {
                let request = flight.request;
                flight.role = Role::GivenUp;
                flight.deadline = None;
                self.tell(ClientEvent::TimedOut { id, request });
            }
        }
        if self.keep_alive.deadline(&self.config).is_some_and(|deadline| deadline <= self.now) {
            self.silence();
        }
    }

    /// Nothing came for too long.
    fn silence(&mut self) {
        match (self.keep_alive.silence(self.now), self.config.dialect.ping) {
            (Silence::End, _) => self.end(CloseReason::KeepAlive),
            // If there is no room for it, so much waits that was not sent either.
            (Silence::Ping, Some((ping, _))) if self.take_off(&Body::empty(ping), Role::Ping, None, false).is_ok() => {
                self.keep_alive.pinged();
            }
            (Silence::Ping | Silence::Wait, _) => {}
        }
    }

    fn auth_deadline(&self) -> Option<Duration> {
        self.auth.pending?.deadline
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, on the scale of `now`; `None` once closed, or if that time is never.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Duration> {
        if self.closed.is_some() {
            return None;
        }
        let request = self.deadlines.first().map(|(deadline, _)| *deadline);
        [request, self.auth_deadline(), self.keep_alive.deadline(&self.config)].into_iter().flatten().min()
    }

    /// What happened, oldest first.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        let event = self.events.pop_front()?;
        self.event_bytes = self.event_bytes.saturating_sub(event.data_len());
        Some(event)
    }

    /// Bytes to send, in this order; 256 KiB at most at once, and not always whole packages. Ask for the next when these were
    /// written: while something large is sent, that counts as a sign of life.
    #[must_use = "these bytes are not given again"]
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        let chunk = self.out.pop()?;
        if chunk.len() >= LARGE && !self.out.is_empty() {
            self.keep_alive.sent();
        }
        Some(chunk)
    }

    /// Ends the connection. What waits to be sent may still be drained.
    pub fn close(&mut self, now: Duration) {
        self.advance(now);
        self.end(CloseReason::Local);
    }

    /// Starts over on a new connection, without authentication; bytes of the old one that were not drained are dropped, and all IDs are
    /// free. The rooms of the old one are told after the authentication, as
    /// [`Rejoin`](ClientEvent::Rejoin).
    ///
    /// # Errors
    ///
    /// [`UsageError::StillOpen`] unless closed; [`UsageError::NotDrained`] if events wait.
    pub fn reconnect(&mut self, now: Duration) -> Result<(), UsageError> {
        self.advance(now);
        if self.closed.is_none() {
            return Err(UsageError::StillOpen);
        }
        if !self.events.is_empty() {
            return Err(UsageError::NotDrained);
        }
        self.closed = None;
        self.auth = Auth::NONE;
        self.rejoin = true;
        self.feed = Feed::new();
        self.out = Outbox::new();
        self.in_flight.clear();
        self.deadlines.clear();
        self.next_id = self.config.dialect.first_id;
        self.keep_alive = KeepAlive::new(self.now);
        Ok(())
    }

    fn end(&mut self, reason: CloseReason) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(reason);
        self.feed = Feed::new();
        self.deadlines.clear();
        if let Some(Pending { id, request, .. }) = self.auth.pending.take() {
            self.events.push_back(ClientEvent::Lost { id, request });
        }
        for (id, flight) in core::mem::take(&mut self.in_flight) {
            if flight.role == Role::Request {
                self.events.push_back(ClientEvent::Lost { id, request: flight.request });
            }
        }
        self.events.push_back(ClientEvent::Closed(reason));
    }

    fn tell(&mut self, event: ClientEvent) {
        self.event_bytes = self.event_bytes.saturating_add(event.data_len());
        self.events.push_back(event);
    }

    /// Whether an authentication succeeded on this connection.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        self.auth.authenticated && self.closed.is_none()
    }

    /// Why the connection is at its end, if it is.
    #[must_use]
    pub const fn close_reason(&self) -> Option<CloseReason> {
        self.closed
    }

    /// Requests without an answer, with those that were given up, an authentication by ID, and a PING of the machine's own.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Client");
        shown.field("dialect", &self.config.dialect.name).field("closed", &self.closed);
        shown.field("auth", &self.auth).field("in_flight", &self.in_flight.len()).finish_non_exhaustive()
    }
}

use alloc::collections::{BTreeMap, VecDeque};
use core::fmt;
use core::time::Duration;

use bytes::Bytes;

use super::config::{Config, deadline};
use super::dialect::{FromClient, FromServer, Reply};
use super::event::{CloseReason, Error, ServerEvent, UsageError};
use super::feed::Feed;
use super::outbox::Outbox;
use crate::body::Body;
use crate::error::DecodeError;
use crate::limits::Limit;
use crate::package::Package;

/// One connection of a server of any dialect (SPEC.md §7): enough for a test server or a proxy.
///
/// It answers PINGs, and requests that would need authentication, by itself; the rest is up to the caller. Methods are called as
/// those of [`Client`](super::Client).
///
/// Nothing is read behind an authentication until it is answered, nor while too much waits: a request beyond
/// [`max_in_flight`](crate::Limits::max_in_flight), events not drained, bytes not sent. One read may hold many requests, though: answer
/// one, send all that [`poll_transmit`](Self::poll_transmit) gives, and only then take the next, so that no more than one answer
/// waits. A `Body` is cheap to clone, for a second try. `Debug` shows nothing that was sent or came.
///
/// ```
/// # #[cfg(feature = "msgpack")] {
/// use core::time::Duration;
///
/// use thingsdb_wire::v1::{self, Credentials, Kind, RequestRef};
/// use thingsdb_wire::{Body, Config, Server, ServerEvent};
///
/// let now = Duration::ZERO;
/// let mut server = Server::new(&Config::new(&v1::DIALECT), now);
/// let taken = server.handle_input(now, b"\x0c\0\0\0\x01\0\x21\xde\x92\xa5admin\xa4pass");
/// let Some(ServerEvent::Authenticate(package)) = server.poll_event() else { panic!() };
/// let RequestRef::Auth(Credentials::Password { user: "admin", .. }) = RequestRef::decode(package.as_ref()).unwrap() else {
///     panic!()
/// };
/// server.accept(now)?;
/// assert_eq!(server.poll_transmit().unwrap(), &b"\0\0\0\0\x01\0\x11\xee"[..]); // OK
///
/// let taken = server.handle_input(now, b"\x0b\0\0\0\x02\0\x22\xdd\x92\xa2@t\xa61 + 1;");
/// let Some(ServerEvent::Request(package)) = server.poll_event() else { panic!() };
/// server.answer(now, package.id, Body::new(Kind::DATA, &b"\x02"[..]))?;
/// assert_eq!(server.poll_transmit().unwrap(), &b"\x01\0\0\0\x02\0\x12\xed\x02"[..]);
/// # }
/// # Ok::<(), thingsdb_wire::Error>(())
/// ```
pub struct Server {
    config: Config,
    closed: Option<CloseReason>,
    authenticated: bool,
    /// ID of the authentication that waits for its answer.
    auth: Option<u16>,
    login_deadline: Option<Duration>,
    feed: Feed,
    out: Outbox,
    events: VecDeque<ServerEvent>,
    /// Bytes of data in `events`.
    event_bytes: usize,
    /// Requests without an answer, by ID: a client may use one twice.
    waiting: BTreeMap<u16, u16>,
    /// Sum of `waiting`.
    waiting_len: usize,
    /// A request beyond `max_in_flight`. Nothing is read behind it.
    parked: Option<Package>,
    /// The latest time heard of: time does not go back.
    now: Duration,
}

impl Server {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(config: &Config, now: Duration) -> Self {
        Self {
            config: *config,
            closed: None,
            authenticated: false,
            auth: None,
            login_deadline: deadline(now, config.login_timeout).filter(|_| !config.dialect.auth_optional),
            feed: Feed::new(),
            out: Outbox::new(),
            events: VecDeque::new(),
            event_bytes: 0,
            waiting: BTreeMap::new(),
            waiting_len: 0,
            parked: None,
            now,
        }
    }

    /// Takes bytes off the front of `input` and tells how many: all of them, the start of a package too, which is kept until its end
    /// comes; fewer only when something has to be done first. Drain
    /// events and bytes and answer requests then, and offer the rest again before anything else. Once closed, all are taken and
    /// ignored.
    #[must_use = "the rest has to be offered again"]
    pub fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
        self.advance(now);
        let mut rest = input;
        while self.closed.is_none() && self.reads() {
            match self.next(&mut rest) {
                Ok(Some(package)) => self.package(package),
                Ok(None) => break,
                Err(error) => self.end(CloseReason::Decode(error)),
            }
        }
        if self.closed.is_some() { input.len() } else { input.len().saturating_sub(rest.len()) }
    }

    fn next(&mut self, rest: &mut &[u8]) -> Result<Option<Package>, DecodeError> {
        let limits = &self.config.limits;
        if self.authenticated || self.config.dialect.auth_optional || limits.max_login_len >= limits.max_data_len {
            return self.feed.next(rest, limits);
        }
        let limits = limits.with_max_data_len(limits.max_login_len);
        self.feed.next(rest, &limits).map_err(|error| error.under(Limit::MaxLoginLen))
    }

    fn reads(&self) -> bool {
        let limits = &self.config.limits;
        self.auth.is_none()
            && self.events.len() < limits.max_queued_events.max(1)
            && (self.event_bytes == 0 || self.event_bytes < limits.max_queued_bytes)
            && self.parked.is_none()
            && self.out.has_room(self.config.dialect.unauthenticated.data.len(), limits)
    }

    /// One package (SPEC.md §7).
    fn package(&mut self, package: Package) {
        let dialect = &self.config.dialect;
        if let Some((_, pong)) = dialect.ping.filter(|(ping, _)| *ping == package.kind) {
            self.reply(package.id, Reply { kind: pong, data: &[] });
            return;
        }
        match (dialect.from_client)(package.kind) {
            FromClient::Unknown => self.tell(ServerEvent::Unknown(package)),
            FromClient::Auth => {
                self.auth = Some(package.id);
                self.tell(ServerEvent::Authenticate(package));
            }
            FromClient::Request | FromClient::Room if !self.authenticated && !dialect.auth_optional => {
                self.reply(package.id, dialect.unauthenticated);
            }
            FromClient::Open | FromClient::Request | FromClient::Room => {
                if self.waiting_len < usize::from(self.config.limits.max_in_flight.max(1)) {
                    self.request(package);
                } else {
                    self.parked = Some(package);
                }
            }
        }
    }

    fn request(&mut self, package: Package) {
        let waiting = self.waiting.entry(package.id).or_default();
        *waiting = waiting.saturating_add(1);
        self.waiting_len = self.waiting_len.saturating_add(1);
        self.tell(ServerEvent::Request(package));
    }

    /// One of the short packages that are always the same; not more is read than there is room to answer.
    fn reply(&mut self, id: u16, reply: Reply) {
        let _ = self.push_reply(id, Body::from(reply));
    }

    /// The dialect's own words are sent whatever `max_data_len` is.
    fn push_reply(&mut self, id: u16, body: Body) -> Result<(), Error> {
        self.out.push(body.with_id(id), &self.config.limits.with_max_data_len(u32::MAX))
    }

    fn push_out(&mut self, package: Package) -> Result<(), Error> {
        self.out.push(package, &self.config.limits)
    }

    /// Says yes to an [`Authenticate`](ServerEvent::Authenticate).
    ///
    /// # Errors
    ///
    /// [`UsageError::NoAuthPending`], [`UsageError::Closed`], [`UsageError::LimitReached`].
    pub fn accept(&mut self, now: Duration) -> Result<(), Error> {
        let id = self.auth_id(now)?;
        self.push_reply(id, Body::from(self.config.dialect.accepted))?;
        self.auth = None;
        self.authenticated = true;
        self.login_deadline = None;
        Ok(())
    }

    /// Says no to an [`Authenticate`](ServerEvent::Authenticate), in the words of the peers. Who was authenticated before still is.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn deny(&mut self, now: Duration) -> Result<(), Error> {
        let id = self.auth_id(now)?;
        self.push_reply(id, Body::from(self.config.dialect.denied))?;
        self.auth = None;
        Ok(())
    }

    /// As [`deny`](Self::deny), in other words.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept); [`UsageError::WrongKind`] if the dialect has no such error.
    pub fn deny_with(&mut self, now: Duration, body: Body) -> Result<(), Error> {
        let id = self.auth_id(now)?;
        match (self.config.dialect.from_server)(body.kind) {
            FromServer::Error | FromServer::Denied => {
                self.push_out(body.with_id(id))?;
                self.auth = None;
                Ok(())
            }
            FromServer::Answer | FromServer::Accepted | FromServer::Event | FromServer::Unknown => {
                Err(UsageError::WrongKind { kind: body.kind }.into())
            }
        }
    }

    /// ID of the answer to the authentication that waits.
    fn auth_id(&mut self, now: Duration) -> Result<u16, UsageError> {
        self.check_open(now)?;
        let id = self.auth.ok_or(UsageError::NoAuthPending)?;
        Ok(self.config.dialect.auth_id.unwrap_or(id))
    }

    /// Answers a request, in any order.
    ///
    /// # Errors
    ///
    /// [`UsageError::NoSuchRequest`] if none with this ID waits, [`UsageError::WrongKind`] if the TYPE is that of an event or answers an
    /// authentication,
    /// [`UsageError::Closed`], [`UsageError::LimitReached`] if too much waits to be sent;
    /// [`EncodeError`](crate::EncodeError) if the data is over the limit. The request waits on then.
    pub fn answer(&mut self, now: Duration, id: u16, body: Body) -> Result<(), Error> {
        self.check_open(now)?;
        if !self.waiting.contains_key(&id) {
            return Err(UsageError::NoSuchRequest { id }.into());
        }
        match (self.config.dialect.from_server)(body.kind) {
            FromServer::Answer | FromServer::Error | FromServer::Unknown => {}
            FromServer::Accepted | FromServer::Denied | FromServer::Event => {
                return Err(UsageError::WrongKind { kind: body.kind }.into());
            }
        }
        self.push_out(body.with_id(id))?;
        self.take(id);
        Ok(())
    }

    /// Leaves a request without an answer, as peers do with some.
    ///
    /// # Errors
    ///
    /// [`UsageError::NoSuchRequest`] if none with this ID waits.
    pub fn ignore(&mut self, id: u16) -> Result<(), UsageError> {
        if self.take(id) { Ok(()) } else { Err(UsageError::NoSuchRequest { id }) }
    }

    /// One request with this ID waits no more, if any did.
    fn take(&mut self, id: u16) -> bool {
        let Some(waiting) = self.waiting.get_mut(&id) else { return false };
        *waiting = waiting.saturating_sub(1);
        if *waiting == 0 {
            self.waiting.remove(&id);
        }
        self.waiting_len = self.waiting_len.saturating_sub(1);
        if let Some(package) = self.parked.take() {
            self.request(package);
        }
        true
    }

    /// Tells the client something without being asked.
    ///
    /// # Errors
    ///
    /// [`UsageError::WrongKind`] if the TYPE is that of an answer, [`UsageError::Closed`], [`UsageError::LimitReached`] if too
    /// much waits to be sent; [`EncodeError`](crate::EncodeError) if the data is over the limit.
    pub fn push(&mut self, now: Duration, body: Body) -> Result<(), Error> {
        self.check_open(now)?;
        match (self.config.dialect.from_server)(body.kind) {
            FromServer::Event | FromServer::Unknown => self.push_out(body.with_id(self.config.dialect.event_id)),
            FromServer::Answer | FromServer::Error | FromServer::Accepted | FromServer::Denied => {
                Err(UsageError::WrongKind { kind: body.kind }.into())
            }
        }
    }

    /// Sends a package as it is, whatever its TYPE, for proxies: with an answer's or an error's TYPE it is the answer to the request with
    /// its ID, if one waits.
    ///
    /// # Errors
    ///
    /// [`UsageError::AuthPending`] if it would answer an authentication, which only `accept` and `deny` do; [`UsageError::Closed`],
    /// [`UsageError::LimitReached`] if too much waits to be sent; [`EncodeError`](crate::EncodeError) if the data is over the limit.
    pub fn forward(&mut self, now: Duration, package: Package) -> Result<(), Error> {
        self.check_open(now)?;
        let id = package.id;
        let (is_answer, is_for_auth) = match (self.config.dialect.from_server)(package.kind) {
            FromServer::Answer | FromServer::Error => (true, self.auth == Some(id) && !self.waiting.contains_key(&id)),
            FromServer::Accepted | FromServer::Denied => (false, self.auth.is_some()),
            FromServer::Event | FromServer::Unknown => (false, false),
        };
        if is_for_auth {
            return Err(UsageError::AuthPending.into());
        }
        self.push_out(package)?;
        if is_answer {
            self.take(id);
        }
        Ok(())
    }

    fn check_open(&mut self, now: Duration) -> Result<(), UsageError> {
        self.advance(now);
        if self.closed.is_some() { Err(UsageError::Closed) } else { Ok(()) }
    }

    /// Takes the news that the client sends no more, or that the connection broke. First hand in the input that came before it,
    /// until it is taken, and answer all that [`waiting`](Self::waiting) counts: a request beyond the limit comes only then.
    pub fn handle_eof(&mut self, now: Duration) {
        self.advance(now);
        let reason = self.feed.finish().err().map_or(CloseReason::Eof, CloseReason::Decode);
        self.end(reason);
    }

    /// Takes the time; does something only if [`poll_deadline`](Self::poll_deadline) is reached: who has not been accepted by then is
    /// sent away.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.advance(now);
        if self.poll_deadline().is_some_and(|deadline| deadline <= self.now) {
            self.end(CloseReason::AuthTimeout);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, on the scale of `now`.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Duration> {
        if self.closed.is_some() { None } else { self.login_deadline }
    }

    /// What happened, oldest first.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        let event = self.events.pop_front()?;
        self.event_bytes = self.event_bytes.saturating_sub(event.data_len());
        Some(event)
    }

    /// Bytes to send, in this order; 256 KiB at most at once, and not always whole packages: the header of large data comes alone.
    #[must_use = "these bytes are not given again"]
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.out.pop()
    }

    /// Ends the connection. What waits to be sent may still be drained.
    pub fn close(&mut self, now: Duration) {
        self.advance(now);
        self.end(CloseReason::Local);
    }

    fn end(&mut self, reason: CloseReason) {
        if self.closed.is_none() {
            self.closed = Some(reason);
            self.feed = Feed::new();
            self.waiting = BTreeMap::new();
            self.waiting_len = 0;
            self.parked = None;
            self.auth = None;
            self.events.push_back(ServerEvent::Closed(reason));
        }
    }

    fn tell(&mut self, event: ServerEvent) {
        self.event_bytes = self.event_bytes.saturating_add(event.data_len());
        self.events.push_back(event);
    }

    /// Whether an authentication was accepted.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        self.authenticated && self.closed.is_none()
    }

    /// Why the connection is at its end, if it is.
    #[must_use]
    pub const fn close_reason(&self) -> Option<CloseReason> {
        self.closed
    }

    /// Bytes that wait to be sent; from [`max_queued_bytes`](crate::Limits::max_queued_bytes) on, only what is sent first makes room.
    #[must_use]
    pub const fn queued_bytes(&self) -> usize {
        self.out.len()
    }

    /// Requests without an answer that were told; one beyond `max_in_flight` comes when one of them is answered.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting_len
    }

    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }
}

impl From<Reply> for Body {
    fn from(reply: Reply) -> Self {
        Self::new(reply.kind, Bytes::from_static(reply.data))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Server");
        shown.field("dialect", &self.config.dialect.name).field("closed", &self.closed);
        shown.field("authenticated", &self.authenticated).field("auth_pending", &self.auth.is_some());
        shown.field("waiting", &self.waiting_len).finish_non_exhaustive()
    }
}

use alloc::collections::VecDeque;
use alloc::string::String;
use core::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::error::{Error, PeerError, State, UsageError};
use crate::event::{CloseReason, ServerEvent};
use crate::feed::Feed;
use crate::limits::{Config, Limit, PeerErrorPolicy};
use crate::packet::PacketRef;

/// The server's side of one connection: HELLO, ACK, START and STOP, DATA, and ten seconds of silence (SPEC.md §5).
///
/// Bytes and times in; events, bytes and the next deadline out. Call these in any order, as often as you like:
///
/// - [`handle_input`](Self::handle_input) when bytes came, [`handle_eof`](Self::handle_eof) when no more will;
/// - [`handle_timeout`](Self::handle_timeout) when [`poll_deadline`](Self::poll_deadline) is reached, after the input that came until then was
///   taken;
/// - [`poll_event`](Self::poll_event) and [`poll_transmit`](Self::poll_transmit) until they give nothing.
///
/// ```
/// use core::time::Duration;
///
/// use datakit::{CloseReason, Config, Server, ServerEvent};
///
/// let second = Duration::from_secs(1);
/// let mut server = Server::new(&Config::DEFAULT, 0 * second);
/// let hello = b"$H|Super Sensor 1.5 someunits|meters_per_second|lol|stream\n";
/// assert_eq!(server.handle_input(1 * second, hello), hello.len());
/// assert!(matches!(server.poll_event(), Some(ServerEvent::Hello(hello)) if hello.units == "meters_per_second"));
/// server.accept(1 * second, "17")?;
/// server.start(1 * second)?;
/// assert_eq!(server.poll_transmit().unwrap(), "ACK|17\nSTART\n");
///
/// assert_eq!(server.handle_input(2 * second, b">some_tag|1459309227|3.1"), 24);
/// assert_eq!(server.handle_input(2 * second, b"41593\n"), 6);
/// let Some(ServerEvent::Data { data, late: false }) = server.poll_event() else { panic!() };
/// assert_eq!((data.tag.as_str(), data.timestamp, data.value), ("some_tag", 1459309227, 3.141593));
///
/// assert_eq!(server.poll_deadline(), Some(12 * second));
/// server.handle_timeout(12 * second);
/// assert!(matches!(server.poll_event(), Some(ServerEvent::Unregistered { reason: CloseReason::Silence, .. })));
/// assert_eq!(server.poll_event(), Some(ServerEvent::Closed(CloseReason::Silence)));
/// # Ok::<(), datakit::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    config: Config,
    connection: Connection,
}

impl Server {
    /// A connection that was just accepted from the network.
    #[must_use]
    pub fn new(config: &Config, now: Duration) -> Self {
        Self { config: *config, connection: Connection::new(now) }
    }

    /// Takes bytes off the front of `input` and tells how many: fewer than there are when
    /// [`Limits::max_queued_events`](crate::Limits::max_queued_events) wait, and after a HELLO until it is answered. Drain the
    /// events, [`accept`](Self::accept) or [`close`](Self::close), and offer the rest again before anything else. Once closed,
    /// all are taken and ignored.
    #[must_use = "the rest has to be offered again"]
    pub fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
        self.connection.handle_input(&self.config, now, input)
    }

    /// Takes the news that the client sends no more: the connection is at its end. First hand in the input that came before it,
    /// until it is taken.
    pub fn handle_eof(&mut self, now: Duration) {
        self.connection.handle_eof(now);
    }

    /// Takes the time; does something only if [`poll_deadline`](Self::poll_deadline) is reached. First hand in the input that
    /// came before it, until it is taken.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.connection.handle_timeout(&self.config, now);
    }

    /// Answers the HELLO: registers the client under this UID, in STANDBY, and sends ACK.
    ///
    /// # Errors
    ///
    /// [`UsageError::NotGreeted`] if there is no HELLO to answer, [`UsageError::LimitReached`] if too much waits to be sent,
    /// [`EncodeError`](crate::EncodeError) if the UID is empty, too long, or holds `|`, `\n` or `\r`.
    pub fn accept(&mut self, now: Duration, uid: &str) -> Result<(), Error> {
        self.connection.accept(&self.config, now, uid)
    }

    /// Sends START; data may come from now on. May be repeated.
    ///
    /// # Errors
    ///
    /// [`UsageError::NotRegistered`], or [`UsageError::LimitReached`] if too much waits to be sent.
    pub fn start(&mut self, now: Duration) -> Result<(), UsageError> {
        self.connection.start(&self.config, now)
    }

    /// Sends STOP; what data still comes within [`Config::late_data`] was under way. May be repeated.
    ///
    /// # Errors
    ///
    /// [`UsageError::NotRegistered`], or [`UsageError::LimitReached`] if too much waits to be sent.
    pub fn stop(&mut self, now: Duration) -> Result<(), UsageError> {
        self.connection.stop(&self.config, now)
    }

    /// Ends the connection. What waits to be sent may still be drained.
    pub fn close(&mut self, now: Duration) {
        self.connection.close(now, CloseReason::Local);
    }

    /// What happened, oldest first.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.connection.poll_event()
    }

    /// Bytes to send: all that wait, in whole lines.
    #[must_use = "these bytes are not given again"]
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.connection.poll_transmit()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, on the scale of `now`; `None` while it is the caller who owes
    /// an answer to HELLO, at the end, and if that time is never over.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Duration> {
        self.connection.deadline(&self.config)
    }

    /// Where the connection stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.connection.state()
    }

    /// The UID of the client, while it is registered.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        self.connection.uid()
    }
}

/// A server without its settings, which a registry holds once.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    state: State,
    /// Of a registered client.
    uid: String,
    feed: Feed,
    events: VecDeque<ServerEvent>,
    out: BytesMut,
    /// The latest time heard of: time does not go back.
    now: Duration,
    /// The last sign of life, or the start of the connection.
    alive_at: Duration,
    /// When SENDING was last left by STOP since the client was registered.
    stopped_at: Option<Duration>,
}

impl Connection {
    pub(crate) fn new(now: Duration) -> Self {
        Self {
            state: State::Unregistered,
            uid: String::new(),
            feed: Feed::new(),
            events: VecDeque::new(),
            out: BytesMut::new(),
            now,
            alive_at: now,
            stopped_at: None,
        }
    }

    pub(crate) fn handle_input(&mut self, config: &Config, now: Duration, input: &[u8]) -> usize {
        self.advance(now);
        let mut rest = input;
        while self.takes_input(config) {
            // Outside of `self` while it reads, since what it reads changes the rest.
            let mut feed = core::mem::replace(&mut self.feed, Feed::new());
            let taken = feed.next(&mut rest, config, |packet, line| match packet {
                Ok(packet) => self.packet(config, packet),
                Err(error) => self.events.push_back(ServerEvent::BadLine { error, line: line.into() }),
            });
            self.feed = feed;
            if taken.is_none() {
                break;
            }
        }
        if self.state == State::Closed { input.len() } else { input.len().saturating_sub(rest.len()) }
    }

    /// After HELLO what comes is read only once it is answered: so `accept` is for the HELLO that was told last.
    fn takes_input(&self, config: &Config) -> bool {
        !matches!(self.state, State::Closed | State::Greeted)
            && self.events.len() < config.limits.max_queued_events.max(1)
    }

    /// One packet in one state (SPEC.md §5).
    fn packet(&mut self, config: &Config, packet: PacketRef<'_>) {
        let is_life = !config.heartbeat_only || packet == PacketRef::Heartbeat;
        if self.state.is_registered() && is_life {
            self.alive_at = self.now;
        }
        match (packet, self.state) {
            (PacketRef::Hello(hello), _) => {
                self.unregister(CloseReason::HelloAgain);
                self.state = State::Greeted;
                self.events.push_back(ServerEvent::Hello(hello.into_owned()));
            }
            (PacketRef::Heartbeat, State::Standby | State::Sending) => {}
            (PacketRef::Data(data), State::Sending) => {
                self.events.push_back(ServerEvent::Data { data: data.into_owned(), late: false });
            }
            (PacketRef::Data(data), State::Standby) if self.is_late(config) => {
                self.events.push_back(ServerEvent::Data { data: data.into_owned(), late: true });
            }
            (PacketRef::Unknown(line), _) => self.events.push_back(ServerEvent::Unknown(line.into())),
            (packet, state) => {
                let error = PeerError::new(state, packet.kind());
                self.events.push_back(ServerEvent::PeerError { error, packet: packet.into_owned() });
                if config.on_peer_error == PeerErrorPolicy::Close {
                    self.close(self.now, CloseReason::PeerError);
                }
            }
        }
    }

    /// Whether data that comes in STANDBY may have been under way when STOP was sent.
    fn is_late(&self, config: &Config) -> bool {
        self.stopped_at.is_some_and(|stopped_at| self.now <= stopped_at.saturating_add(config.late_data))
    }

    pub(crate) fn handle_eof(&mut self, now: Duration) {
        self.advance(now);
        if self.state != State::Closed {
            if let Some((error, line)) = self.feed.finish() {
                self.events.push_back(ServerEvent::BadLine { error, line });
            }
            self.close(now, CloseReason::Eof);
        }
    }

    pub(crate) fn handle_timeout(&mut self, config: &Config, now: Duration) {
        self.advance(now);
        if self.deadline(config).is_some_and(|deadline| deadline <= self.now) {
            self.close(now, CloseReason::Silence);
        }
    }

    pub(crate) fn accept(&mut self, config: &Config, now: Duration, uid: &str) -> Result<(), Error> {
        self.advance(now);
        if self.state != State::Greeted {
            return Err(UsageError::NotGreeted { state: self.state }.into());
        }
        self.transmit(config, PacketRef::Ack(uid))?;
        self.uid = uid.into();
        self.state = State::Standby;
        self.alive_at = self.now;
        self.stopped_at = None;
        Ok(())
    }

    pub(crate) fn start(&mut self, config: &Config, now: Duration) -> Result<(), UsageError> {
        self.signal(config, now, PacketRef::Start)?;
        self.state = State::Sending;
        Ok(())
    }

    pub(crate) fn stop(&mut self, config: &Config, now: Duration) -> Result<(), UsageError> {
        self.signal(config, now, PacketRef::Stop)?;
        if self.state == State::Sending {
            self.stopped_at = Some(self.now);
        }
        self.state = State::Standby;
        Ok(())
    }

    fn signal(&mut self, config: &Config, now: Duration, packet: PacketRef<'_>) -> Result<(), UsageError> {
        self.advance(now);
        if !self.state.is_registered() {
            return Err(UsageError::NotRegistered { state: self.state });
        }
        match self.transmit(config, packet) {
            Err(Error::Usage(error)) => Err(error),
            // START and STOP have no field that could be at fault; under a limit shorter than they are, nothing is sent.
            Err(Error::Encode(_)) => {
                Err(UsageError::LimitReached { limit: Limit::MaxLineLen, max: config.limits.max_line_len as u64 })
            }
            Ok(()) => Ok(()),
        }
    }

    fn transmit(&mut self, config: &Config, packet: PacketRef<'_>) -> Result<(), Error> {
        transmit(&mut self.out, config, &packet)
    }

    pub(crate) fn close(&mut self, now: Duration, reason: CloseReason) {
        self.advance(now);
        if self.state != State::Closed {
            self.unregister(reason);
            self.state = State::Closed;
            self.feed = Feed::new();
            self.events.push_back(ServerEvent::Closed(reason));
        }
    }

    /// Forgets a registered client. What waited for it to be sent is not for whoever comes next.
    fn unregister(&mut self, reason: CloseReason) {
        if self.state.is_registered() {
            let uid = core::mem::take(&mut self.uid);
            self.events.push_back(ServerEvent::Unregistered { uid, reason });
            if reason == CloseReason::HelloAgain {
                self.out = BytesMut::new();
            }
        }
    }

    pub(crate) fn poll_event(&mut self) -> Option<ServerEvent> {
        let event = self.events.pop_front();
        if self.events.is_empty() {
            // An idle connection holds no room.
            self.events = VecDeque::new();
        }
        event
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Bytes> {
        (!self.out.is_empty()).then(|| core::mem::take(&mut self.out).freeze())
    }

    pub(crate) fn deadline(&self, config: &Config) -> Option<Duration> {
        let has_deadline = matches!(self.state, State::Unregistered | State::Standby | State::Sending);
        has_deadline.then(|| deadline(self.alive_at, config.silence_timeout)).flatten()
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn uid(&self) -> Option<&str> {
        self.state.is_registered().then_some(self.uid.as_str())
    }

    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    pub(crate) fn has_transmits(&self) -> bool {
        !self.out.is_empty()
    }

    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }
}

/// So much time after a moment; never, if that is more than a time can hold.
pub(crate) fn deadline(at: Duration, timeout: Duration) -> Option<Duration> {
    at.checked_add(timeout).filter(|deadline| *deadline != Duration::MAX)
}

/// Queues a packet to be sent, unless too much would wait.
pub(crate) fn transmit(out: &mut BytesMut, config: &Config, packet: &PacketRef<'_>) -> Result<(), Error> {
    let before = out.len();
    packet.encode_with(out, config)?;
    let max = config.limits.max_queued_bytes;
    if out.len() > max {
        out.truncate(before);
        return Err(UsageError::LimitReached { limit: Limit::MaxQueuedBytes, max: max as u64 }.into());
    }
    Ok(())
}

use alloc::collections::VecDeque;
use core::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::error::{EncodeError, Error, PeerError, State, UsageError};
use crate::event::{ClientEvent, CloseReason};
use crate::feed::Feed;
use crate::limits::{Config, Limit, PeerErrorPolicy};
use crate::packet::{DataRef, HelloRef, PacketRef};
use crate::server::{deadline, transmit};

/// The sensor's side: HELLO, ACK, START and STOP, DATA, and a heartbeat on schedule (SPEC.md §5).
///
/// Bytes and times in; events, bytes and the next deadline out. Call these in any order, as often as you like:
///
/// - [`handle_input`](Self::handle_input) when bytes came, [`handle_eof`](Self::handle_eof) when no more will or the
///   connection broke;
/// - [`handle_timeout`](Self::handle_timeout) when [`poll_deadline`](Self::poll_deadline) is reached, after the input that came
///   until then was taken;
/// - [`poll_event`](Self::poll_event) and [`poll_transmit`](Self::poll_transmit) until they give nothing.
///
/// ```
/// use core::time::Duration;
///
/// use datakit::{Client, ClientEvent, Config, DataRef, HelloRef, State};
///
/// let second = Duration::from_secs(1);
/// let hello = HelloRef::new("Super Sensor 1.5 someunits", "meters_per_second").with_data_type("lol");
/// let mut client = Client::new(hello, &Config::DEFAULT, 0 * second)?;
/// assert_eq!(client.poll_transmit().unwrap(), "$H|Super Sensor 1.5 someunits|meters_per_second|lol|stream\n");
///
/// let reading = DataRef::new("some_tag", 1459309227, 3.141593);
/// assert!(client.send_data(1 * second, reading).is_err()); // nobody asked for it
///
/// assert_eq!(client.handle_input(1 * second, b"ACK|17\nSTART\n"), 13);
/// assert_eq!(client.poll_event(), Some(ClientEvent::Registered { uid: "17".into() }));
/// assert_eq!(client.poll_event(), Some(ClientEvent::Start));
/// client.send_data(1 * second, reading)?;
/// assert_eq!(client.poll_transmit().unwrap(), ">some_tag|1459309227|3.141593\n");
///
/// assert_eq!(client.poll_deadline(), Some(6 * second));
/// client.handle_timeout(6 * second);
/// assert_eq!(client.poll_transmit().unwrap(), "$P\n");
///
/// client.handle_eof(7 * second);
/// assert_eq!(client.state(), State::Closed);
/// client.reconnect(8 * second)?;
/// assert!(client.poll_transmit().unwrap().starts_with(b"$H|"));
/// # Ok::<(), datakit::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    config: Config,
    /// HELLO as it is sent.
    hello: Bytes,
    state: State,
    feed: Feed,
    events: VecDeque<ClientEvent>,
    out: BytesMut,
    /// The latest time heard of: time does not go back.
    now: Duration,
    /// When the ACK has to be there, or the next heartbeat is due.
    deadline: Option<Duration>,
}

impl Client {
    /// A connection that was just made: HELLO waits to be sent.
    ///
    /// # Errors
    ///
    /// If the HELLO cannot be written: an empty name or collection type, a text with `|`, `\n` or `\r`, a line over
    /// `max_line_len` or `max_queued_bytes`.
    pub fn new(hello: HelloRef<'_>, config: &Config, now: Duration) -> Result<Self, EncodeError> {
        let mut line = BytesMut::new();
        PacketRef::Hello(hello).encode_with(&mut line, config)?;
        let (met, max) = (line.len() as u64, config.limits.max_queued_bytes as u64);
        if met > max {
            return Err(EncodeError::LimitExceeded { limit: Limit::MaxQueuedBytes, met, max });
        }
        let mut client = Self {
            config: *config,
            hello: line.freeze(),
            state: State::Closed,
            feed: Feed::new(),
            events: VecDeque::new(),
            out: BytesMut::new(),
            now,
            deadline: None,
        };
        client.connect();
        Ok(client)
    }

    /// Takes bytes off the front of `input` and tells how many: fewer than there are when
    /// [`Limits::max_queued_events`](crate::Limits::max_queued_events) wait. Drain them then, and offer the rest again
    /// before anything else. Once closed, all are taken and ignored.
    #[must_use = "the rest has to be offered again"]
    pub fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
        self.advance(now);
        let mut rest = input;
        while self.state != State::Closed && self.events.len() < self.config.limits.max_queued_events.max(1) {
            // Outside of `self` while it reads, since what it reads changes the rest.
            let mut feed = core::mem::replace(&mut self.feed, Feed::new());
            let config = self.config;
            let taken = feed.next(&mut rest, &config, |packet, line| match packet {
                Ok(packet) => self.packet(packet),
                Err(error) => self.events.push_back(ClientEvent::BadLine { error, line: line.into() }),
            });
            self.feed = feed;
            if taken.is_none() {
                break;
            }
        }
        if self.state == State::Closed { input.len() } else { input.len().saturating_sub(rest.len()) }
    }

    /// One packet in one state (SPEC.md §5).
    fn packet(&mut self, packet: PacketRef<'_>) {
        match (packet, self.state) {
            (PacketRef::Ack(uid), State::Greeted) => {
                self.state = State::Standby;
                self.deadline = deadline(self.now, self.heartbeat_interval());
                self.events.push_back(ClientEvent::Registered { uid: uid.into() });
            }
            (PacketRef::Start, State::Standby) => {
                self.state = State::Sending;
                self.events.push_back(ClientEvent::Start);
            }
            (PacketRef::Stop, State::Sending) => {
                self.state = State::Standby;
                self.events.push_back(ClientEvent::Stop);
            }
            // Said once more, to the same effect.
            (PacketRef::Start, State::Sending) | (PacketRef::Stop, State::Standby) => {}
            (PacketRef::Unknown(line), _) => self.events.push_back(ClientEvent::Unknown(line.into())),
            (packet, state) => {
                let error = PeerError::new(state, packet.kind());
                self.events.push_back(ClientEvent::PeerError { error, packet: packet.into_owned() });
                if self.config.on_peer_error == PeerErrorPolicy::Close {
                    self.end(CloseReason::PeerError);
                }
            }
        }
    }

    /// Takes the news that the server sends no more, or that the connection broke. First hand in the input that came before it,
    /// until it is taken.
    pub fn handle_eof(&mut self, now: Duration) {
        self.advance(now);
        if self.state != State::Closed {
            if let Some((error, line)) = self.feed.finish() {
                self.events.push_back(ClientEvent::BadLine { error, line });
            }
            self.end(CloseReason::Eof);
        }
    }

    /// Takes the time; does something only if [`poll_deadline`](Self::poll_deadline) is reached: a heartbeat, or the end
    /// of the wait for an ACK. However late it is, one heartbeat goes out. First hand in the input that came before it, until it
    /// is taken.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.advance(now);
        if self.poll_deadline().is_none_or(|deadline| deadline > self.now) {
            return;
        }
        if self.state == State::Greeted {
            self.end(CloseReason::NoAck);
            return;
        }
        self.deadline = deadline(self.now, self.heartbeat_interval());
        // If there is no room for it, other lines wait to be sent, and sending them is a sign of life to most servers.
        let _ = transmit(&mut self.out, &self.config, &PacketRef::Heartbeat);
    }

    /// Sends a reading.
    ///
    /// # Errors
    ///
    /// [`UsageError::NotSending`] unless the server said START; [`UsageError::LimitReached`] if too much waits to be sent
    /// already; [`EncodeError`] if the reading cannot be written. Nothing is sent then.
    pub fn send_data(&mut self, now: Duration, data: DataRef<'_>) -> Result<(), Error> {
        self.advance(now);
        if self.state != State::Sending {
            return Err(UsageError::NotSending { state: self.state }.into());
        }
        transmit(&mut self.out, &self.config, &PacketRef::Data(data))
    }

    /// Ends the connection: no more heartbeats. What waits to be sent may still be drained.
    pub fn close(&mut self, now: Duration) {
        self.advance(now);
        self.end(CloseReason::Local);
    }

    /// Starts over on a new connection: HELLO waits to be sent. Bytes of the old one that were not drained are dropped; events
    /// stay.
    ///
    /// # Errors
    ///
    /// [`UsageError::StillOpen`] unless closed; [`UsageError::LimitReached`] if
    /// [`Limits::max_queued_events`](crate::Limits::max_queued_events) wait to be drained.
    pub fn reconnect(&mut self, now: Duration) -> Result<(), UsageError> {
        self.advance(now);
        if self.state != State::Closed {
            return Err(UsageError::StillOpen { state: self.state });
        }
        let max = self.config.limits.max_queued_events.max(1);
        if self.events.len() >= max {
            return Err(UsageError::LimitReached { limit: Limit::MaxQueuedEvents, max: max as u64 });
        }
        self.connect();
        Ok(())
    }

    fn connect(&mut self) {
        self.state = State::Greeted;
        self.feed = Feed::new();
        self.out = BytesMut::from(&self.hello[..]);
        self.deadline = deadline(self.now, self.config.ack_timeout);
    }

    fn end(&mut self, reason: CloseReason) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.feed = Feed::new();
            self.events.push_back(ClientEvent::Closed(reason));
        }
    }

    /// What happened, oldest first.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Bytes to send: all that wait, in whole lines.
    #[must_use = "these bytes are not given again"]
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        (!self.out.is_empty()).then(|| core::mem::take(&mut self.out).freeze())
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, on the scale of `now`; `None` once closed, or if that
    /// time is never over.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Duration> {
        if self.state == State::Closed { None } else { self.deadline }
    }

    /// Where the connection stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// An interval of nothing would be due forever.
    fn heartbeat_interval(&self) -> Duration {
        self.config.heartbeat_interval.max(Duration::from_millis(1))
    }

    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }
}

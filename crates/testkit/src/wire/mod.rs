//! A virtual wire: two state machines, a client and a server, that talk over links with a latency, on a virtual clock.
//!
//! Nothing here waits and nothing is random beyond a seed, so a day of heartbeats runs in no time and the same way
//! each time. A test implements [`Endpoint`] for its machines in a few lines:
//!
//! ```
//! use std::time::Duration;
//! use testkit::wire::{Chunking, Endpoint, Side, Wire};
//!
//! /// Sends back what it hears, and tells how much that was.
//! #[derive(Default)]
//! struct Echo { out: Vec<Vec<u8>>, heard: Vec<usize> }
//!
//! impl Endpoint for Echo {
//!     type Unit = Vec<u8>;
//!     type Event = usize;
//!     fn handle_input(&mut self, _now: Duration, bytes: Vec<u8>) {
//!         self.heard.push(bytes.len());
//!         self.out.push(bytes);
//!     }
//!     fn poll_transmit(&mut self) -> Option<Vec<u8>> { self.out.pop() }
//!     fn poll_event(&mut self) -> Option<usize> { self.heard.pop() }
//! }
//!
//! let client = Echo { out: vec![b"ping".to_vec()], ..Echo::default() };
//! let mut wire = Wire::new(client, Echo::default())
//!     .with_latency(Duration::from_millis(20))
//!     .with_chunking(Chunking::Fixed(3));
//! wire.run_until(Duration::from_millis(39));
//! assert_eq!(wire.server_events(), [(Duration::from_millis(20), &3), (Duration::from_millis(20), &1)]);
//! assert_eq!(wire.client_events(), []);
//! ```

mod link;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::time::Duration;

pub use link::{Chunking, Message, Unit};
use link::{Link, Parcel};

/// A machine at one end of the wire, as the wire drives it.
///
/// Errors a machine returns belong into its events, so that they show in the log.
pub trait Endpoint {
    /// What travels: `Vec<u8>` for the bytes of a stream, [`Message`] for whole messages.
    type Unit: Unit;
    /// What the machine tells its user.
    type Event: Debug;

    /// Takes what arrived.
    fn handle_input(&mut self, now: Duration, input: Self::Unit);

    /// Takes the news that the peer sends no more.
    fn handle_eof(&mut self, _now: Duration) {}

    /// Takes the time when the deadline is reached.
    fn handle_timeout(&mut self, _now: Duration) {}

    /// The next thing to send.
    fn poll_transmit(&mut self) -> Option<Self::Unit>;

    /// The next thing to tell.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// The time at which [`handle_timeout`](Endpoint::handle_timeout) is due.
    fn poll_deadline(&mut self) -> Option<Duration> {
        None
    }
}

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The first of the two.
    Client,
    /// The second.
    Server,
}

/// What [`Wire::step`] did, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A piece of input arrived at this side.
    Input(Side),
    /// The end of input arrived at this side.
    Eof(Side),
    /// The deadline of this side was reached.
    Timeout(Side),
}

/// An event of either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<C, S> {
    /// By the client.
    Client(C),
    /// By the server.
    Server(S),
}

/// When something was told, and by whom.
pub type Entry<C, S> = (Duration, Told<<C as Endpoint>::Event, <S as Endpoint>::Event>);

/// A client and a server with a link in each direction.
///
/// What falls on the same time happens in this order: input to the server, input to the client, the client's timeout,
/// the server's. The machines are drained after each of them, and whenever the wire is asked to move on: a test may call
/// them directly in between, through `client` and `server`.
#[derive(Debug)]
pub struct Wire<C: Endpoint, S: Endpoint<Unit = C::Unit>> {
    /// The client's machine.
    pub client: C,
    /// The server's machine.
    pub server: S,
    now: Duration,
    to_server: Link<C::Unit>,
    to_client: Link<C::Unit>,
    log: Vec<Entry<C, S>>,
    timeouts_now: usize,
}

impl<C: Endpoint, S: Endpoint<Unit = C::Unit>> Wire<C, S> {
    /// Both ends at time 0, with no latency, everything arriving in the pieces in which it was sent.
    pub fn new(client: C, server: S) -> Self {
        Self {
            client,
            server,
            now: Duration::ZERO,
            to_server: Link::default(),
            to_client: Link::default(),
            log: Vec::new(),
            timeouts_now: 0,
        }
    }

    /// The same latency in both directions.
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.to_server.latency = latency;
        self.to_client.latency = latency;
        self
    }

    /// The same chunking in both directions.
    pub fn with_chunking(mut self, chunking: Chunking) -> Self {
        self.to_server.chunking = chunking.clone();
        self.to_client.chunking = chunking;
        self
    }

    /// A clock that starts later: machines must not rely on an origin.
    pub fn starting_at(mut self, now: Duration) -> Self {
        self.now = now;
        self
    }

    /// Changes how long what `from` sends is under way from now on. It never overtakes what was sent before.
    pub fn set_latency(&mut self, from: Side, latency: Duration) {
        self.drain();
        self.link(from).latency = latency;
    }

    /// Changes the pieces in which what `from` sends from now on arrives.
    pub fn set_chunking(&mut self, from: Side, chunking: Chunking) {
        self.drain();
        self.link(from).chunking = chunking;
    }

    /// Loses what is under way from this side, and all it sends until [`mend`](Wire::mend). The peer hears nothing.
    pub fn cut(&mut self, from: Side) {
        self.drain();
        self.link(from).cut();
    }

    /// Lets what this side sends arrive again.
    pub fn mend(&mut self, from: Side) {
        self.drain();
        self.link(from).mend();
    }

    /// Ends what this side sends: the peer gets what is under way and then `handle_eof`. What it sends later is lost.
    pub fn half_close(&mut self, from: Side) {
        self.drain();
        let now = self.now;
        self.link(from).close(now);
    }

    /// A new connection with another client, which is handed in; the old one comes back.
    ///
    /// What is under way in either direction is lost, and both directions are open again. The server is not told: call
    /// its `handle_eof`, or replace it, as the test wants it.
    pub fn replace_client(&mut self, client: C) -> C {
        self.reconnect();
        std::mem::replace(&mut self.client, client)
    }

    /// A new connection with another server; see [`replace_client`](Wire::replace_client).
    pub fn replace_server(&mut self, server: S) -> S {
        self.reconnect();
        std::mem::replace(&mut self.server, server)
    }

    /// The time.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Goes on to the next happening and lets it happen; `None` when nothing is under way and nobody has a deadline.
    ///
    /// # Panics
    ///
    /// When a machine's deadline stays due, however often its timeout is handled.
    #[track_caller]
    pub fn step(&mut self) -> Option<Happening> {
        self.drain();
        let (due, happening) = self.next()?;
        if due > self.now {
            self.now = due;
            self.timeouts_now = 0;
        }
        let now = self.now;
        match happening {
            Happening::Input(Side::Server) | Happening::Eof(Side::Server) => match self.to_server.take() {
                Parcel::Input(input) => self.server.handle_input(now, input),
                Parcel::Eof => self.server.handle_eof(now),
            },
            Happening::Input(Side::Client) | Happening::Eof(Side::Client) => match self.to_client.take() {
                Parcel::Input(input) => self.client.handle_input(now, input),
                Parcel::Eof => self.client.handle_eof(now),
            },
            Happening::Timeout(side) => {
                self.timeouts_now += 1;
                assert!(
                    self.timeouts_now < MAX_TIMEOUTS,
                    "{MAX_TIMEOUTS} timeouts handled at {now:?}, and a deadline of the {side:?} is still due"
                );
                match side {
                    Side::Client => self.client.handle_timeout(now),
                    Side::Server => self.server.handle_timeout(now),
                }
            }
        }
        self.drain();
        Some(happening)
    }

    /// Lets happen what is due up to and at `time`, which is the time afterwards.
    #[track_caller]
    pub fn run_until(&mut self, time: Duration) {
        self.drain();
        while self.next().is_some_and(|(due, _)| due <= time) {
            self.step();
        }
        if time > self.now {
            self.now = time;
            self.timeouts_now = 0;
        }
    }

    /// Runs for so long; see [`run_until`](Wire::run_until).
    #[track_caller]
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Runs until nothing is under way and nobody has a deadline.
    ///
    /// # Panics
    ///
    /// When that takes more than `max_steps`: a machine with a heartbeat never goes idle.
    #[track_caller]
    pub fn run_idle(&mut self, max_steps: usize) {
        for _ in 0..max_steps {
            if self.step().is_none() {
                return;
            }
        }
        if let Some((due, happening)) = self.next() {
            panic!("machines still busy after {max_steps} steps, at {:?}: next is {happening:?} at {due:?}", self.now);
        }
    }

    /// Everything told so far, with the time and the side.
    pub fn log(&mut self) -> &[Entry<C, S>] {
        self.drain();
        &self.log
    }

    /// Takes the log and starts a new one.
    pub fn take_log(&mut self) -> Vec<Entry<C, S>> {
        self.drain();
        std::mem::take(&mut self.log)
    }

    /// What the client told so far.
    pub fn client_events(&mut self) -> Vec<(Duration, &C::Event)> {
        let told = self.log().iter();
        told.filter_map(|(at, told)| if let Told::Client(event) = told { Some((*at, event)) } else { None }).collect()
    }

    /// What the server told so far.
    pub fn server_events(&mut self) -> Vec<(Duration, &S::Event)> {
        let told = self.log().iter();
        told.filter_map(|(at, told)| if let Told::Server(event) = told { Some((*at, event)) } else { None }).collect()
    }

    fn drain(&mut self) {
        let now = self.now;
        // One machine's transmits and events do not touch the other, so one pass over each is enough.
        let sent = drain(|| self.client.poll_transmit());
        self.to_server.send(now, sent);
        self.log.extend(drain(|| self.client.poll_event()).into_iter().map(|event| (now, Told::Client(event))));
        let sent = drain(|| self.server.poll_transmit());
        self.to_client.send(now, sent);
        self.log.extend(drain(|| self.server.poll_event()).into_iter().map(|event| (now, Told::Server(event))));
    }

    /// The next happening and its time. A deadline in the past is due now.
    fn next(&mut self) -> Option<(Duration, Happening)> {
        let arrival = |link: &Link<C::Unit>, side| {
            let (due, parcel) = link.next()?;
            Some((due, if matches!(parcel, Parcel::Eof) { Happening::Eof(side) } else { Happening::Input(side) }))
        };
        let timeout = |deadline: Option<Duration>, side| Some((deadline?, Happening::Timeout(side)));
        let candidates = [
            arrival(&self.to_server, Side::Server),
            arrival(&self.to_client, Side::Client),
            timeout(self.client.poll_deadline(), Side::Client),
            timeout(self.server.poll_deadline(), Side::Server),
        ];
        // `min_by_key` keeps the first of equals.
        candidates
            .into_iter()
            .flatten()
            .map(|(due, happening)| (due.max(self.now), happening))
            .min_by_key(|(due, _)| *due)
    }

    fn reconnect(&mut self) {
        self.drain();
        self.to_server.reconnect();
        self.to_client.reconnect();
    }

    fn link(&mut self, from: Side) -> &mut Link<C::Unit> {
        match from {
            Side::Client => &mut self.to_server,
            Side::Server => &mut self.to_client,
        }
    }
}

/// Everything a poll has to give.
#[track_caller]
fn drain<T>(mut poll: impl FnMut() -> Option<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(one) = poll() {
        all.push(one);
        assert!(all.len() < MAX_POLLS, "a poll still gives something after {MAX_POLLS} times");
    }
    all
}

/// Far more than any machine handles at one time, far less than forever.
const MAX_TIMEOUTS: usize = 1000;
const MAX_POLLS: usize = 10_000_000;

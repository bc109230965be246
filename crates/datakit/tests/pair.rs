//! Client and server on a virtual wire and clock: the conversation of the document, and what goes wrong with it.
//!
//! Expected times are worked out by hand from SPEC.md §5. With a latency L the client, which says HELLO at 0, is greeted at
//! L and registered at 2 L; its heartbeats leave at 2 L + 5 s, 2 L + 10 s, … and arrive L later. Logs are compared as a
//! whole: what else a machine tells or sends is a failure.
#![cfg(feature = "alloc")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use std::collections::VecDeque;
use std::time::Duration;

use datakit::{Client, ClientEvent, Config, DataRef, HelloRef, PeerErrorPolicy, Server, ServerEvent, State};
use testkit::wire::{Chunking, Endpoint, Side, Wire};

/// A log, or the lines that were sent, with times in milliseconds.
type Log = Vec<(u64, String)>;

type Pair = Wire<Sensor, Station>;

const DAY: u64 = if cfg!(miri) { 120_000 } else { 24 * 60 * 60 * 1000 };

/// The client, and a user who sends a reading at START and one `every` so often until STOP.
#[derive(Debug)]
struct Sensor {
    machine: Client,
    /// What this side's clock shows when the wire's shows 0.
    origin: Duration,
    now: Duration,
    every: Option<Duration>,
    next: Option<Duration>,
    readings: i64,
    told: VecDeque<String>,
    sent: Log,
}

/// The server, and a user who accepts whoever says HELLO as `uid-1`, `uid-2`, …
#[derive(Debug)]
struct Station {
    machine: Server,
    origin: Duration,
    now: Duration,
    accepts: bool,
    starts: bool,
    clients: u32,
    /// What came behind a HELLO that is not answered.
    unread: Vec<u8>,
    told: VecDeque<String>,
    sent: Log,
}

impl Sensor {
    fn at(config: &Config, origin: Duration, now: Duration) -> Self {
        let hello = HelloRef::new("Super Sensor 1.5 someunits", "meters_per_second").with_data_type("lol");
        let machine = Client::new(hello, config, origin + now).unwrap();
        let (told, sent) = (VecDeque::new(), Vec::new());
        Self { machine, origin, now, every: None, next: None, readings: 0, told, sent }
    }

    fn new(config: &Config) -> Self {
        Self::at(config, Duration::ZERO, Duration::ZERO)
    }

    fn with_readings(mut self, every: Duration) -> Self {
        self.every = Some(every);
        self
    }

    fn close(&mut self, now: Duration) {
        self.now = now;
        self.machine.close(self.origin + now);
        self.react();
    }

    fn reconnect(&mut self, now: Duration) {
        self.now = now;
        self.machine.reconnect(self.origin + now).unwrap();
        self.react();
    }

    fn react(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            match event {
                ClientEvent::Start => self.next = self.every.map(|_| self.now),
                ClientEvent::Stop | ClientEvent::Closed(_) => self.next = None,
                _ => {}
            }
            self.told.push_back(client_text(&event));
        }
    }
}

impl Endpoint for Sensor {
    type Unit = Vec<u8>;
    type Event = String;

    fn handle_input(&mut self, now: Duration, bytes: Vec<u8>) {
        self.now = now;
        assert_eq!(self.machine.handle_input(self.origin + now, &bytes), bytes.len());
        self.react();
    }

    fn handle_eof(&mut self, now: Duration) {
        self.now = now;
        self.machine.handle_eof(self.origin + now);
        self.react();
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.now = now;
        self.machine.handle_timeout(self.origin + now);
        self.react();
        if let Some(every) = self.every.filter(|_| self.next.is_some_and(|next| next <= now)) {
            self.readings += 1;
            let reading = DataRef::new("some_tag", 1_459_309_226 + self.readings, 0.5 * self.readings as f64);
            self.machine.send_data(self.origin + now, reading).unwrap();
            self.next = Some(now + every);
        }
    }

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let bytes = self.machine.poll_transmit()?;
        log_lines(&mut self.sent, self.now, &bytes);
        Some(bytes.to_vec())
    }

    fn poll_event(&mut self) -> Option<String> {
        self.told.pop_front()
    }

    fn poll_deadline(&mut self) -> Option<Duration> {
        let deadline = self.machine.poll_deadline().map(|deadline| deadline - self.origin);
        deadline.into_iter().chain(self.next).min()
    }
}

impl Station {
    fn at(config: &Config, origin: Duration, now: Duration) -> Self {
        let machine = Server::new(config, origin + now);
        let (told, sent) = (VecDeque::new(), Vec::new());
        Self { machine, origin, now, accepts: true, starts: false, clients: 0, unread: Vec::new(), told, sent }
    }

    fn new(config: &Config) -> Self {
        Self::at(config, Duration::ZERO, Duration::ZERO)
    }

    /// Says START right behind the ACK.
    fn starting(mut self) -> Self {
        self.starts = true;
        self
    }

    /// Leaves HELLO unanswered.
    fn mute(mut self) -> Self {
        self.accepts = false;
        self
    }

    fn accept(&mut self, now: Duration) {
        self.clients += 1;
        self.machine.accept(self.origin + now, &format!("uid-{}", self.clients)).unwrap();
        if self.starts {
            self.machine.start(self.origin + now).unwrap();
        }
    }

    fn start(&mut self, now: Duration) {
        self.now = now;
        self.machine.start(self.origin + now).unwrap();
    }

    fn stop(&mut self, now: Duration) {
        self.now = now;
        self.machine.stop(self.origin + now).unwrap();
    }

    fn close(&mut self, now: Duration) {
        self.now = now;
        self.machine.close(self.origin + now);
        self.react();
    }

    fn react(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            self.told.push_back(server_text(&event));
            if self.accepts && matches!(event, ServerEvent::Hello(_)) {
                self.accept(self.now);
            }
        }
    }
}

impl Endpoint for Station {
    type Unit = Vec<u8>;
    type Event = String;

    fn handle_input(&mut self, now: Duration, bytes: Vec<u8>) {
        self.now = now;
        self.unread.extend(bytes);
        while !self.unread.is_empty() {
            let taken = self.machine.handle_input(self.origin + now, &self.unread);
            self.unread.drain(..taken);
            self.react();
            if taken == 0 {
                break;
            }
        }
    }

    fn handle_eof(&mut self, now: Duration) {
        self.now = now;
        self.machine.handle_eof(self.origin + now);
        self.react();
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.now = now;
        self.machine.handle_timeout(self.origin + now);
        self.react();
    }

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let bytes = self.machine.poll_transmit()?;
        log_lines(&mut self.sent, self.now, &bytes);
        Some(bytes.to_vec())
    }

    fn poll_event(&mut self) -> Option<String> {
        self.told.pop_front()
    }

    fn poll_deadline(&mut self) -> Option<Duration> {
        self.machine.poll_deadline().map(|deadline| deadline - self.origin)
    }
}

fn client_text(event: &ClientEvent) -> String {
    match event {
        ClientEvent::Registered { uid } => format!("REGISTERED {uid}"),
        ClientEvent::Start => "START".into(),
        ClientEvent::Stop => "STOP".into(),
        ClientEvent::Unknown(line) => format!("UNKNOWN {line}"),
        ClientEvent::BadLine { error, line } => format!("BAD {} {}", error.kind(), line.escape_ascii()),
        ClientEvent::PeerError { error, .. } => format!("ILLEGAL {error}"),
        ClientEvent::Closed(reason) => format!("CLOSED {reason:?}"),
        other => panic!("unexpected {other:?}"),
    }
}

fn server_text(event: &ServerEvent) -> String {
    match event {
        ServerEvent::Hello(hello) => {
            format!("HELLO {}|{}|{}|{}", hello.name, hello.units, hello.data_type, hello.collection_type)
        }
        ServerEvent::Data { data, late } => {
            format!("{} {} {} {}", if *late { "LATE" } else { "DATA" }, data.tag, data.timestamp, data.value)
        }
        ServerEvent::Unknown(line) => format!("UNKNOWN {line}"),
        ServerEvent::BadLine { error, line } => format!("BAD {} {}", error.kind(), line.escape_ascii()),
        ServerEvent::PeerError { error, .. } => format!("ILLEGAL {error}"),
        ServerEvent::Unregistered { uid, reason } => format!("UNREGISTERED {uid} {reason:?}"),
        ServerEvent::Closed(reason) => format!("CLOSED {reason:?}"),
        other => panic!("unexpected {other:?}"),
    }
}

fn log_lines(log: &mut Log, now: Duration, bytes: &[u8]) {
    assert!(bytes.ends_with(b"\n"), "only whole lines are sent");
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        log.push((millis(now), String::from_utf8(line.to_vec()).unwrap()));
    }
}

/// Everything expected here falls on whole milliseconds.
fn millis(time: Duration) -> u64 {
    let millis = time.as_millis() as u64;
    assert_eq!(Duration::from_millis(millis), time);
    millis
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn log(entries: &[(u64, &str)]) -> Log {
    entries.iter().map(|(at, text)| (*at, (*text).to_owned())).collect()
}

fn by_client(wire: &mut Pair) -> Log {
    wire.client_events().into_iter().map(|(at, text)| (millis(at), text.clone())).collect()
}

fn by_server(wire: &mut Pair) -> Log {
    wire.server_events().into_iter().map(|(at, text)| (millis(at), text.clone())).collect()
}

#[track_caller]
fn assert_told(wire: &mut Pair, client: &[(u64, &str)], server: &[(u64, &str)]) {
    assert_eq!(by_client(wire), log(client), "told by the client");
    assert_eq!(by_server(wire), log(server), "told by the server");
}

/// `$P` at `first`, and then every five seconds up to and at `last`.
fn heartbeats(first: u64, last: u64) -> Log {
    (first..=last).step_by(5000).map(|at| (at, "$P\n".to_owned())).collect()
}

fn merged(logs: &[Log]) -> Log {
    let mut all = logs.concat();
    // Stable: what was sent at one moment keeps the order of `logs`.
    all.sort_by_key(|(at, _)| *at);
    all
}

fn chunkings() -> [Chunking; 7] {
    let all = [Chunking::AsSent, Chunking::Whole, Chunking::ByteByByte, Chunking::Fixed(2), Chunking::Fixed(7)];
    let [as_sent, whole, bytes, twos, sevens] = all;
    [
        as_sent,
        whole,
        bytes,
        twos,
        sevens,
        Chunking::random(testkit::rng::seed(), 3),
        Chunking::random(testkit::rng::seed(), 40),
    ]
}

fn pair() -> Pair {
    Wire::new(Sensor::new(&Config::DEFAULT), Station::new(&Config::DEFAULT))
}

const HELLO: &str = "HELLO Super Sensor 1.5 someunits|meters_per_second|lol|stream";
const HELLO_LINE: &str = "$H|Super Sensor 1.5 someunits|meters_per_second|lol|stream\n";

// The document's conversation.

/// HELLO, ACK, STANDBY, START at 10 s, a reading each second, STOP at 12.5 s, the client leaves at 30 s.
fn conversation(mut wire: Pair, latency: u64) {
    let l = latency;
    let start = wire.now();
    let at = |millis| start + ms(millis);
    wire = wire.with_latency(ms(l));
    wire.run_until(at(10_000));
    wire.server.start(at(10_000));
    wire.run_until(at(12_500));
    wire.server.stop(at(12_500));
    wire.run_until(at(30_000));
    wire.client.close(at(30_000));
    wire.half_close(Side::Client);
    wire.run_idle(1000);

    let t0 = millis(start);
    let shifted = |entries: &[(u64, &str)]| -> Log { entries.iter().map(|(at, s)| (t0 + at, (*s).into())).collect() };
    // Readings leave at 10 s + L, 11 s + L and 12 s + L, and are late if they arrive after the STOP was said.
    let reading = |n: u64| {
        let (sent, arrived) = (9_000 + 1000 * n + l, 9_000 + 1000 * n + 2 * l);
        let (second, value) = (1_459_309_226 + n, 0.5 * n as f64);
        let kind = if arrived > 12_500 { "LATE" } else { "DATA" };
        (
            (t0 + sent, format!(">some_tag|{second}|{value}\n")),
            (t0 + arrived, format!("{kind} some_tag {second} {value}")),
        )
    };
    let (lines, told): (Log, Log) = (1..=3).map(reading).unzip();
    let client =
        shifted(&[(2 * l, "REGISTERED uid-1"), (10_000 + l, "START"), (12_500 + l, "STOP"), (30_000, "CLOSED Local")]);
    let left = shifted(&[(30_000 + l, "UNREGISTERED uid-1 Eof"), (30_000 + l, "CLOSED Eof")]);
    let server = merged(&[shifted(&[(l, HELLO)]), told, left]);
    // At 30 s the wire lets the timeout come first.
    let beats = heartbeats(t0 + 2 * l + 5000, t0 + 30_000);
    let by_client_sent = merged(&[shifted(&[(0, HELLO_LINE)]), beats, lines]);
    let by_server_sent = shifted(&[(l, "ACK|uid-1\n"), (10_000, "START\n"), (12_500, "STOP\n")]);
    assert_eq!(by_client(&mut wire), client, "latency {l}");
    assert_eq!(by_server(&mut wire), server, "latency {l}");
    assert_eq!(wire.client.sent, by_client_sent, "latency {l}");
    assert_eq!(wire.server.sent, by_server_sent, "latency {l}");
    assert_eq!((wire.client.machine.state(), wire.server.machine.state()), (State::Closed, State::Closed));
}

#[test]
fn the_documents_conversation_at_any_latency_and_in_any_pieces() {
    // Up to 2.5 s, beyond which the first heartbeat comes too late: see below.
    for latency in [0, 1, 20, 300, 1250, 2000, 2500] {
        for chunking in chunkings() {
            let client = Sensor::new(&Config::DEFAULT).with_readings(ms(1000));
            conversation(Wire::new(client, Station::new(&Config::DEFAULT)).with_chunking(chunking), latency);
        }
    }
}

#[test]
fn the_origin_of_a_clock_does_not_matter() {
    let far = Duration::from_secs(1 << 40);
    let client = Sensor::at(&Config::DEFAULT, Duration::ZERO, far).with_readings(ms(1000));
    conversation(Wire::new(client, Station::at(&Config::DEFAULT, Duration::ZERO, far)).starting_at(far), 20);
    // Nor need both clocks show the same.
    let client = Sensor::at(&Config::DEFAULT, Duration::new(77, 5), Duration::ZERO).with_readings(ms(1000));
    conversation(Wire::new(client, Station::at(&Config::DEFAULT, far, Duration::ZERO)), 20);
}

#[test]
fn silence_is_counted_from_the_accept_so_a_round_trip_over_five_seconds_is_too_long_for_standby() {
    // Accepted at 4 s; the first heartbeat leaves at 13 s, five after the ACK, and would arrive at 17 s.
    let mut wire = pair().with_latency(ms(4000));
    wire.run_until(ms(14_000));
    wire.half_close(Side::Server);
    wire.run_idle(100);
    assert_told(
        &mut wire,
        &[(8000, "REGISTERED uid-1"), (18_000, "CLOSED Eof")],
        &[(4000, HELLO), (14_000, "UNREGISTERED uid-1 Silence"), (14_000, "CLOSED Silence")],
    );
    assert_eq!(wire.client.sent, log(&[(0, HELLO_LINE), (13_000, "$P\n")]));
}

#[test]
fn at_four_seconds_of_latency_data_keeps_a_client_that_is_started_at_once() {
    let client = Sensor::new(&Config::DEFAULT).with_readings(ms(4000));
    let mut wire = Wire::new(client, Station::new(&Config::DEFAULT).starting()).with_latency(ms(4000));
    wire.run_until(ms(20_000));
    assert_told(
        &mut wire,
        &[(8000, "REGISTERED uid-1"), (8000, "START")],
        &[
            (4000, HELLO),
            (12_000, "DATA some_tag 1459309227 0.5"),
            (16_000, "DATA some_tag 1459309228 1"),
            (20_000, "DATA some_tag 1459309229 1.5"),
        ],
    );
    // Under `heartbeat_only` the same client is lost at 14 s.
    let config = Config::DEFAULT.with_heartbeat_only(true);
    let client = Sensor::new(&config).with_readings(ms(4000));
    let mut wire = Wire::new(client, Station::new(&config).starting()).with_latency(ms(4000));
    wire.run_until(ms(14_000));
    assert_told(
        &mut wire,
        &[(8000, "REGISTERED uid-1"), (8000, "START")],
        &[
            (4000, HELLO),
            (12_000, "DATA some_tag 1459309227 0.5"),
            (14_000, "UNREGISTERED uid-1 Silence"),
            (14_000, "CLOSED Silence"),
        ],
    );
}

// Heartbeats.

#[test]
fn a_day_of_heartbeats_unregisters_nobody() {
    for heartbeat_only in [false, true] {
        let config = Config::DEFAULT.with_heartbeat_only(heartbeat_only);
        for (starts, every) in [(false, None), (true, None), (true, Some(1000)), (true, Some(60_000))] {
            for latency in [0, 2000] {
                let mut client = Sensor::new(&config);
                client.every = every.map(ms);
                let mut server = Station::new(&config);
                server.starts = starts;
                let mut wire = Wire::new(client, server).with_latency(ms(latency));
                wire.run_until(ms(DAY));

                let told = by_server(&mut wire);
                assert_eq!(told[0], (latency, HELLO.to_owned()));
                let sent = every.map_or(0, |every| (DAY - 2 * latency) / every + 1);
                let arrived = every.map_or(0, |every| (DAY - 3 * latency) / every + 1);
                assert_eq!(told.len() as u64, 1 + arrived);
                assert!(told[1..].iter().all(|(_, text)| text.starts_with("DATA ")));
                let beats: Log = wire.client.sent.iter().filter(|(_, line)| line == "$P\n").cloned().collect();
                assert_eq!(beats, heartbeats(2 * latency + 5000, DAY));
                assert_eq!(wire.client.sent.len() as u64, 1 + beats.len() as u64 + sent);
                let state = if starts { State::Sending } else { State::Standby };
                assert_eq!((wire.client.machine.state(), wire.server.machine.state()), (state, state));
                let mut heard = vec![(2 * latency, "REGISTERED uid-1")];
                heard.extend(starts.then_some((2 * latency, "START")));
                assert_eq!(by_client(&mut wire), log(&heard));
            }
        }
    }
}

/// Cuts the client's side right after its heartbeat of 10 s arrived, with heartbeats every 100 ms.
fn silent_for(millis: u64) -> Pair {
    let config = Config::DEFAULT.with_heartbeat_interval(ms(100));
    let mut wire = Wire::new(Sensor::new(&config), Station::new(&Config::DEFAULT));
    wire.run_until(ms(10_000));
    wire.cut(Side::Client);
    wire.run_until(ms(10_000 + millis));
    wire.mend(Side::Client);
    wire
}

#[test]
fn nine_point_nine_seconds_of_silence_are_survived() {
    let mut wire = silent_for(9_900);
    wire.run_until(ms(60_000));
    assert_told(&mut wire, &[(0, "REGISTERED uid-1")], &[(0, HELLO)]);
}

#[test]
fn ten_seconds_of_silence_are_not() {
    for silence in [10_000, 10_001, 25_000] {
        let mut wire = silent_for(silence);
        wire.half_close(Side::Server);
        wire.run_until(ms(60_000));
        assert_told(
            &mut wire,
            &[(0, "REGISTERED uid-1"), (10_000 + silence, "CLOSED Eof")],
            &[(0, HELLO), (20_000, "UNREGISTERED uid-1 Silence"), (20_000, "CLOSED Silence")],
        );
    }
}

#[test]
fn a_heartbeat_that_arrives_at_the_deadline_counts() {
    // The one of 10.04 s is lost, and that of 15.04 s arrives just ten seconds after that of 5.04 s.
    let mut wire = pair().with_latency(ms(20));
    wire.run_until(ms(5_060));
    wire.cut(Side::Client);
    wire.run_until(ms(14_960));
    wire.mend(Side::Client);
    wire.run_until(ms(100_000));
    assert_told(&mut wire, &[(40, "REGISTERED uid-1")], &[(20, HELLO)]);
    // A millisecond of jitter, and it is gone.
    let mut wire = pair().with_latency(ms(20));
    wire.run_until(ms(5_060));
    wire.cut(Side::Client);
    wire.run_until(ms(14_960));
    wire.mend(Side::Client);
    wire.set_latency(Side::Client, ms(21));
    wire.run_until(ms(100_000));
    assert_told(
        &mut wire,
        &[(40, "REGISTERED uid-1")],
        &[(20, HELLO), (15_060, "UNREGISTERED uid-1 Silence"), (15_060, "CLOSED Silence")],
    );
}

#[test]
fn a_server_that_cannot_be_heard_loses_no_client() {
    let mut wire = pair().with_latency(ms(20));
    wire.run_until(ms(1000));
    wire.cut(Side::Server);
    wire.server.start(ms(1000));
    wire.run_until(ms(50_000));
    wire.mend(Side::Server);
    // What was said before is lost; said again it is heard.
    wire.server.start(ms(50_000));
    wire.run_until(ms(100_000));
    assert_told(&mut wire, &[(40, "REGISTERED uid-1"), (50_020, "START")], &[(20, HELLO)]);
}

// START and STOP.

#[test]
fn data_under_way_when_stop_is_said_is_late() {
    let client = Sensor::new(&Config::DEFAULT).with_readings(ms(100));
    let mut wire = Wire::new(client, Station::new(&Config::DEFAULT).starting()).with_latency(ms(150));
    // Started at 300; readings leave at 300, 400, 500, 600, and arrive from 450 on. STOP is heard at 650.
    wire.run_until(ms(500));
    wire.server.stop(ms(500));
    wire.run_until(ms(5000));
    assert_told(
        &mut wire,
        &[(300, "REGISTERED uid-1"), (300, "START"), (650, "STOP")],
        &[
            (150, HELLO),
            (450, "DATA some_tag 1459309227 0.5"),
            (550, "LATE some_tag 1459309228 1"),
            (650, "LATE some_tag 1459309229 1.5"),
            (750, "LATE some_tag 1459309230 2"),
        ],
    );
}

#[test]
fn data_is_late_for_as_long_as_was_agreed() {
    let config = Config::DEFAULT.with_late_data(ms(200));
    for (policy, goes_on) in [(PeerErrorPolicy::Report, true), (PeerErrorPolicy::Close, false)] {
        let client = Sensor::new(&config).with_readings(ms(100));
        let server = Station::new(&config.with_on_peer_error(policy)).starting();
        let mut wire = Wire::new(client, server).with_latency(ms(200));
        // Readings leave at 400, 500, … and arrive at 600, 700, …; STOP is heard at 900.
        wire.run_until(ms(700));
        wire.server.stop(ms(700));
        wire.run_until(ms(5000));
        let mut told = vec![
            (200, HELLO),
            (600, "DATA some_tag 1459309227 0.5"),
            (700, "DATA some_tag 1459309228 1"),
            (800, "LATE some_tag 1459309229 1.5"),
            // Two hundred after STOP, and not later.
            (900, "LATE some_tag 1459309230 2"),
            (1000, "ILLEGAL DATA is illegal while STANDBY"),
        ];
        if !goes_on {
            told.extend([(1000, "UNREGISTERED uid-1 PeerError"), (1000, "CLOSED PeerError")]);
        }
        assert_told(&mut wire, &[(400, "REGISTERED uid-1"), (400, "START"), (900, "STOP")], &told);
        assert_eq!(wire.client.readings, 5);
    }
}

#[test]
fn stop_start_stop_in_one_breath() {
    for chunking in chunkings() {
        let client = Sensor::new(&Config::DEFAULT).with_readings(ms(100));
        let server = Station::new(&Config::DEFAULT).starting();
        let mut wire = Wire::new(client, server).with_latency(ms(50)).with_chunking(chunking);
        // Readings leave at 100, 200; the client hears all three at 250, and sends nothing in between.
        wire.run_until(ms(200));
        wire.server.stop(ms(200));
        wire.server.start(ms(200));
        wire.server.stop(ms(200));
        wire.run_until(ms(1000));
        assert_told(
            &mut wire,
            &[(100, "REGISTERED uid-1"), (100, "START"), (250, "STOP"), (250, "START"), (250, "STOP")],
            &[(50, HELLO), (150, "DATA some_tag 1459309227 0.5"), (250, "LATE some_tag 1459309228 1")],
        );
        assert_eq!(wire.server.sent[1..], log(&[(50, "START\n"), (200, "STOP\n"), (200, "START\n"), (200, "STOP\n")]));
    }
}

#[test]
fn what_is_under_way_at_a_new_start_is_not_late() {
    let client = Sensor::new(&Config::DEFAULT).with_readings(ms(100));
    let mut wire = Wire::new(client, Station::new(&Config::DEFAULT).starting()).with_latency(ms(50));
    // Readings leave at 100, 200, 300, 400; STOP is said at 320 and heard at 370, START at 345 and 395.
    wire.run_until(ms(320));
    wire.server.stop(ms(320));
    wire.run_until(ms(345));
    wire.server.start(ms(345));
    wire.run_until(ms(460));
    assert_told(
        &mut wire,
        &[(100, "REGISTERED uid-1"), (100, "START"), (370, "STOP"), (395, "START")],
        &[
            (50, HELLO),
            (150, "DATA some_tag 1459309227 0.5"),
            (250, "DATA some_tag 1459309228 1"),
            (350, "DATA some_tag 1459309229 1.5"),
            (445, "DATA some_tag 1459309230 2"),
        ],
    );
}

#[test]
fn start_and_stop_said_twice_are_heard_once() {
    let mut wire = pair().with_latency(ms(10));
    wire.run_until(ms(100));
    wire.server.stop(ms(100));
    wire.server.start(ms(100));
    wire.server.start(ms(100));
    wire.run_until(ms(200));
    wire.server.start(ms(200));
    wire.server.stop(ms(200));
    wire.server.stop(ms(200));
    wire.run_until(ms(300));
    assert_told(&mut wire, &[(20, "REGISTERED uid-1"), (110, "START"), (210, "STOP")], &[(10, HELLO)]);
    let said: Vec<&str> = wire.server.sent.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(said, ["ACK|uid-1\n", "STOP\n", "START\n", "START\n", "START\n", "STOP\n", "STOP\n"]);
}

#[test]
fn data_before_the_first_start_is_illegal_even_after_a_stop() {
    let mut wire = pair();
    wire.run_until(ms(100));
    wire.server.handle_input(ms(100), b">t|1|1\n".to_vec());
    wire.run_until(ms(200));
    // A STOP that ended nothing opens no window.
    wire.server.stop(ms(200));
    wire.server.handle_input(ms(200), b">t|1|1\n".to_vec());
    wire.run_until(ms(300));
    let illegal = "ILLEGAL DATA is illegal while STANDBY";
    assert_told(&mut wire, &[(0, "REGISTERED uid-1")], &[(0, HELLO), (100, illegal), (200, illegal)]);
}

// Ends.

#[test]
fn the_client_half_closes_within_a_line() {
    for chunking in chunkings() {
        let mut wire = pair().with_latency(ms(20)).with_chunking(chunking);
        wire.run_until(ms(100));
        wire.server.start(ms(100));
        wire.run_until(ms(200));
        wire.server.handle_input(ms(200), b">a|1|1\n>torn|1".to_vec());
        wire.half_close(Side::Client);
        wire.run_until(ms(220));
        // The server closes its side, too, with what was to be sent in front.
        wire.half_close(Side::Server);
        wire.run_idle(100);
        assert_told(
            &mut wire,
            &[(40, "REGISTERED uid-1"), (120, "START"), (240, "CLOSED Eof")],
            &[
                (20, HELLO),
                (200, "DATA a 1 1"),
                (220, "BAD unexpected_end >torn|1"),
                (220, "UNREGISTERED uid-1 Eof"),
                (220, "CLOSED Eof"),
            ],
        );
    }
}

#[test]
fn the_server_half_closes_within_a_line() {
    let mut wire = pair().with_latency(ms(20));
    wire.run_until(ms(100));
    wire.client.handle_input(ms(100), b"STA".to_vec());
    wire.half_close(Side::Server);
    wire.run_until(ms(120));
    wire.half_close(Side::Client);
    wire.run_idle(100);
    assert_told(
        &mut wire,
        &[(40, "REGISTERED uid-1"), (120, "BAD unexpected_end STA"), (120, "CLOSED Eof")],
        &[(20, HELLO), (140, "UNREGISTERED uid-1 Eof"), (140, "CLOSED Eof")],
    );
    assert_eq!(wire.client.sent, log(&[(0, HELLO_LINE)]));
}

#[test]
fn what_waits_when_a_side_closes_is_still_sent() {
    let mut wire = pair().with_latency(ms(20));
    wire.run_until(ms(100));
    wire.server.start(ms(100));
    wire.server.close(ms(100));
    wire.half_close(Side::Server);
    wire.run_idle(100);
    assert_told(
        &mut wire,
        &[(40, "REGISTERED uid-1"), (120, "START"), (120, "CLOSED Eof")],
        &[(20, HELLO), (100, "UNREGISTERED uid-1 Local"), (100, "CLOSED Local")],
    );
}

#[test]
fn a_client_restarts_on_a_new_connection() {
    let mut wire = pair().with_latency(ms(20));
    wire.run_until(ms(7000));
    // The old connection is reset, and the server has a machine for each.
    wire.server.handle_eof(ms(7000));
    let mut fresh = Station::at(&Config::DEFAULT, Duration::ZERO, ms(7000));
    fresh.clients = 1;
    assert_eq!(wire.replace_server(fresh).machine.state(), State::Closed);
    let old = wire.replace_client(Sensor::at(&Config::DEFAULT, Duration::ZERO, ms(7000)));
    assert_eq!(old.machine.state(), State::Standby);
    wire.run_until(ms(20_000));
    assert_told(
        &mut wire,
        &[(40, "REGISTERED uid-1"), (7040, "REGISTERED uid-2")],
        &[(20, HELLO), (7000, "UNREGISTERED uid-1 Eof"), (7000, "CLOSED Eof"), (7020, HELLO)],
    );
    assert_eq!(wire.client.sent, merged(&[log(&[(7000, HELLO_LINE)]), heartbeats(12_040, 20_000)]));
}

#[test]
fn a_server_restarts_and_the_client_reconnects() {
    let mut wire = pair().with_latency(ms(20));
    wire.run_until(ms(7000));
    wire.half_close(Side::Server);
    wire.run_until(ms(9000));
    let mut fresh = Station::at(&Config::DEFAULT, Duration::ZERO, ms(9000)).starting();
    fresh.clients = 1;
    wire.replace_server(fresh);
    wire.client.reconnect(ms(9000));
    wire.client.every = Some(ms(60_000));
    wire.run_until(ms(20_000));
    assert_told(
        &mut wire,
        &[(40, "REGISTERED uid-1"), (7020, "CLOSED Eof"), (9040, "REGISTERED uid-2"), (9040, "START")],
        &[(20, HELLO), (9020, HELLO), (9060, "DATA some_tag 1459309227 0.5")],
    );
    let sent = [
        log(&[(0, HELLO_LINE)]),
        heartbeats(5040, 7000),
        log(&[(9000, HELLO_LINE), (9040, ">some_tag|1459309227|0.5\n")]),
        heartbeats(14_040, 20_000),
    ];
    assert_eq!(wire.client.sent, sent.concat());
}

#[test]
fn an_unregistered_client_comes_back_on_a_new_connection() {
    let mut wire = pair().with_latency(ms(20));
    wire.run_until(ms(1000));
    wire.cut(Side::Client);
    // Accepted at 20 ms, and not heard of since.
    wire.run_until(ms(10_020));
    wire.half_close(Side::Server);
    wire.run_until(ms(10_040));
    let mut fresh = Station::at(&Config::DEFAULT, Duration::ZERO, ms(10_040));
    fresh.clients = 1;
    wire.replace_server(fresh);
    wire.client.reconnect(ms(10_040));
    wire.run_until(ms(60_000));
    assert_told(
        &mut wire,
        &[(40, "REGISTERED uid-1"), (10_040, "CLOSED Eof"), (10_080, "REGISTERED uid-2")],
        &[(20, HELLO), (10_020, "UNREGISTERED uid-1 Silence"), (10_020, "CLOSED Silence"), (10_060, HELLO)],
    );
}

#[test]
fn a_client_restarts_on_the_same_connection() {
    for chunking in chunkings() {
        let mut wire =
            Wire::new(Sensor::new(&Config::DEFAULT).with_readings(ms(100)), Station::new(&Config::DEFAULT).starting())
                .with_latency(ms(20))
                .with_chunking(chunking);
        wire.run_until(ms(150));
        // START and readings of the first life were heard; the one of 140 ms is lost with it.
        wire.replace_client(Sensor::at(&Config::DEFAULT, Duration::ZERO, ms(150)));
        wire.run_until(ms(6000));
        assert_told(
            &mut wire,
            &[(40, "REGISTERED uid-1"), (40, "START"), (190, "REGISTERED uid-2"), (190, "START")],
            &[(20, HELLO), (60, "DATA some_tag 1459309227 0.5"), (170, "UNREGISTERED uid-1 HelloAgain"), (170, HELLO)],
        );
        assert_eq!(wire.client.sent, log(&[(150, HELLO_LINE), (5190, "$P\n")]));
    }
}

#[test]
fn a_torn_line_of_the_first_life_costs_the_hello_of_the_second_and_a_third_mends_it() {
    let mut wire = pair();
    wire.run_until(ms(100));
    wire.server.handle_input(ms(100), b">torn|14593".to_vec());
    wire.replace_client(Sensor::at(&Config::DEFAULT, Duration::ZERO, ms(100)));
    // No ACK comes; the bridge keeps its connection, and so the server hears a new HELLO on the old one.
    wire.run_until(ms(10_099));
    assert_eq!(wire.server.machine.state(), State::Closed);
    let bad = "BAD invalid_timestamp >torn|14593$H|Super Sensor 1.5 someunits|meters_per_second|lol|stream\\n";
    assert_told(
        &mut wire,
        &[(0, "REGISTERED uid-1")],
        // A bad line is no sign of life: the last was the accept.
        &[(0, HELLO), (100, bad), (10_000, "UNREGISTERED uid-1 Silence"), (10_000, "CLOSED Silence")],
    );
    // With another sign of life in between the connection is still there.
    let mut wire = pair();
    wire.run_until(ms(6000));
    wire.server.handle_input(ms(6000), b">torn|14593".to_vec());
    wire.replace_client(Sensor::at(&Config::DEFAULT.with_ack_timeout(ms(3000)), Duration::ZERO, ms(6000)));
    wire.run_until(ms(9000));
    wire.client.reconnect(ms(9000));
    wire.run_until(ms(9000));
    assert_told(
        &mut wire,
        &[(0, "REGISTERED uid-1"), (9000, "CLOSED NoAck"), (9000, "REGISTERED uid-2")],
        &[(0, HELLO), (6000, bad), (9000, "UNREGISTERED uid-1 HelloAgain"), (9000, HELLO)],
    );
}

#[test]
fn a_client_that_does_not_wait_for_its_ack_is_heard_after_it() {
    for chunking in chunkings() {
        let mut wire = Wire::new(Sensor::new(&Config::DEFAULT), Station::new(&Config::DEFAULT)).with_chunking(chunking);
        wire.run_until(ms(1000));
        // Two lives and more in one piece.
        let hello = b"$H|a|b|c|stream\n";
        wire.server.handle_input(ms(1000), [&hello[..], b"$P\n>t|1|1\n", hello, b"$P\n"].concat());
        assert_eq!(wire.server.unread, b"");
        wire.run_until(ms(2000));
        assert_eq!(
            by_server(&mut wire),
            log(&[
                (0, HELLO),
                (1000, "UNREGISTERED uid-1 HelloAgain"),
                (1000, "HELLO a|b|c|stream"),
                (1000, "ILLEGAL DATA is illegal while STANDBY"),
                (1000, "UNREGISTERED uid-2 HelloAgain"),
                (1000, "HELLO a|b|c|stream"),
            ])
        );
        // The ACK of the second life was dropped with it; the client, registered already, takes the third's for illegal.
        assert_eq!(wire.server.sent, log(&[(0, "ACK|uid-1\n"), (1000, "ACK|uid-3\n")]));
        let told = [(0, "REGISTERED uid-1"), (1000, "ILLEGAL ACK is illegal while STANDBY")];
        assert_eq!(by_client(&mut wire), log(&told));
    }
}

// ACK.

#[test]
fn the_ack_that_never_comes() {
    let mut wire = Wire::new(Sensor::new(&Config::DEFAULT), Station::new(&Config::DEFAULT).mute());
    wire = wire.with_latency(ms(20));
    wire.run_until(ms(10_000));
    wire.half_close(Side::Client);
    wire.run_idle(10);
    // Nobody was registered, so nobody is unregistered.
    assert_told(&mut wire, &[(10_000, "CLOSED NoAck")], &[(20, HELLO), (10_020, "CLOSED Eof")]);
    assert_eq!((&wire.client.sent, &wire.server.sent), (&log(&[(0, HELLO_LINE)]), &log(&[])));
}

#[test]
fn an_ack_at_the_deadline_counts_and_one_after_it_does_not() {
    for (accepted, client) in [
        (9_979, &[(9_999, "REGISTERED uid-1")]),
        (9_980, &[(10_000, "REGISTERED uid-1")]),
        (9_981, &[(10_000, "CLOSED NoAck")]),
    ] {
        let mut wire = Wire::new(Sensor::new(&Config::DEFAULT), Station::new(&Config::DEFAULT).mute());
        wire = wire.with_latency(ms(20));
        wire.run_until(ms(accepted));
        wire.server.accept(ms(accepted));
        wire.run_until(ms(10_500));
        assert_told(&mut wire, client, &[(20, HELLO)]);
    }
}

#[test]
fn a_lost_hello_ends_both_sides() {
    let mut wire = pair().with_latency(ms(20));
    wire.run_until(ms(10));
    wire.cut(Side::Client);
    wire.run_idle(10);
    assert_told(&mut wire, &[(10_000, "CLOSED NoAck")], &[(10_000, "CLOSED Silence")]);
}

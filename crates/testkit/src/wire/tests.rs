//! The wire, tried with a toy protocol of lines: `ping` is answered with `pong`, anything else with itself.

use super::*;

const LATENCY: Duration = Duration::from_millis(20);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Line(String),
    Pieces(usize),
    Eof,
    TimedOut,
}

/// Either side; a client pings every ten seconds and gives up three seconds after an unanswered ping.
#[derive(Debug, Default)]
struct Peer {
    client: bool,
    held: Vec<u8>,
    out: Vec<Vec<u8>>,
    events: Vec<Event>,
    pieces: usize,
    ping_at: Option<Duration>,
    give_up_at: Option<Duration>,
    timeouts: Vec<Duration>,
}

impl Peer {
    fn client() -> Self {
        Self { client: true, ping_at: Some(Duration::from_secs(10)), ..Self::default() }
    }

    /// A client without a heartbeat.
    fn quiet() -> Self {
        Self { client: true, ..Self::default() }
    }

    fn say(&mut self, line: &str) {
        self.out.push(format!("{line}\n").into_bytes());
    }
}

impl Endpoint for Peer {
    type Unit = Vec<u8>;
    type Event = Event;

    fn handle_input(&mut self, now: Duration, bytes: Vec<u8>) {
        self.pieces += 1;
        self.held.extend(bytes);
        while let Some(end) = self.held.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.held.drain(..=end).take(end).collect();
            let line = String::from_utf8(line).unwrap();
            if !self.client {
                self.say(if line == "ping" { "pong" } else { &line });
            } else if line == "pong" {
                self.give_up_at = None;
                self.ping_at = Some(now + Duration::from_secs(10));
            }
            self.events.push(Event::Line(line));
        }
    }

    fn handle_eof(&mut self, _now: Duration) {
        self.events.push(Event::Pieces(self.pieces));
        self.events.push(Event::Eof);
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.timeouts.push(now);
        if self.ping_at.is_some_and(|at| at <= now) {
            self.say("ping");
            self.ping_at = None;
            self.give_up_at = Some(now + Duration::from_secs(3));
        }
        if self.give_up_at.is_some_and(|at| at <= now) {
            self.give_up_at = None;
            self.events.push(Event::TimedOut);
        }
    }

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        (!self.out.is_empty()).then(|| self.out.remove(0))
    }

    fn poll_event(&mut self) -> Option<Event> {
        (!self.events.is_empty()).then(|| self.events.remove(0))
    }

    fn poll_deadline(&mut self) -> Option<Duration> {
        self.ping_at.into_iter().chain(self.give_up_at).min()
    }
}

fn line(text: &str) -> Event {
    Event::Line(text.to_owned())
}

#[test]
fn an_echo_takes_two_latencies() {
    let mut wire = Wire::new(Peer::quiet(), Peer::default()).with_latency(LATENCY);
    wire.set_latency(Side::Server, 3 * LATENCY);
    wire.client.say("hello");
    assert_eq!(wire.step(), Some(Happening::Input(Side::Server)));
    assert_eq!(wire.now(), LATENCY);
    assert_eq!(wire.step(), Some(Happening::Input(Side::Client)));
    assert_eq!(wire.step(), None);
    assert_eq!(wire.log(), [(LATENCY, Told::Server(line("hello"))), (4 * LATENCY, Told::Client(line("hello")))]);
}

#[test]
fn bytes_arrive_in_order_however_they_are_cut() {
    let policies = [
        (Chunking::AsSent, 2),
        (Chunking::Whole, 1),
        (Chunking::ByteByByte, 11),
        (Chunking::Fixed(4), 3),
        (Chunking::Fixed(0), 11),
    ];
    for (chunking, pieces) in policies {
        let mut wire = Wire::new(Peer::quiet(), Peer::default()).with_latency(LATENCY).with_chunking(chunking.clone());
        wire.client.say("first");
        wire.client.say("next");
        wire.half_close(Side::Client);
        wire.run_idle(100);
        let told: Vec<&Event> = wire.server_events().into_iter().map(|(_, event)| event).collect();
        assert_eq!(told, [&line("first"), &line("next"), &Event::Pieces(pieces), &Event::Eof], "{chunking:?}");
    }
}

#[test]
fn random_pieces_are_the_same_for_the_same_seed() {
    let pieces = |seed| {
        let mut wire = Wire::new(Peer::quiet(), Peer::default()).with_chunking(Chunking::random(seed, 5));
        wire.client.say(&"x".repeat(200));
        wire.run_idle(1000);
        wire.server.pieces
    };
    assert_eq!(pieces(1), pieces(1));
    assert!((40..=201).contains(&pieces(1)));
}

#[test]
fn a_later_byte_never_overtakes() {
    let mut wire = Wire::new(Peer::quiet(), Peer::default()).with_latency(LATENCY);
    wire.client.say("slow");
    wire.set_latency(Side::Client, Duration::ZERO);
    wire.client.say("fast");
    wire.run_idle(10);
    assert_eq!(wire.server_events(), [(LATENCY, &line("slow")), (LATENCY, &line("fast"))]);
}

#[test]
fn timeouts_are_handled_exactly_when_due() {
    let mut wire = Wire::new(Peer::client(), Peer::default()).with_latency(LATENCY);
    wire.run_until(Duration::from_secs(60));
    // Ten seconds after each answer, which took two latencies.
    let expected: Vec<Duration> =
        (0..5).map(|round| Duration::from_secs(10) * (round + 1) + 2 * LATENCY * round).collect();
    assert_eq!(wire.client.timeouts, expected);
    assert_eq!(wire.now(), Duration::from_secs(60));
    assert_eq!(wire.take_log().len(), 10);
    assert_eq!(wire.log(), []);
}

#[test]
fn a_dead_link_times_out_and_a_mended_one_works_again() {
    let mut wire = Wire::new(Peer::client(), Peer::default()).with_latency(LATENCY);
    wire.cut(Side::Server);
    wire.run_until(Duration::from_secs(13));
    assert_eq!(wire.client_events(), [(Duration::from_secs(13), &Event::TimedOut)]);
    assert_eq!(wire.server_events().len(), 1);
    wire.mend(Side::Server);
    wire.client.say("again");
    wire.run_for(2 * LATENCY);
    assert_eq!(wire.client_events().last(), Some(&(Duration::from_secs(13) + 2 * LATENCY, &line("again"))));
}

#[test]
fn a_cut_loses_what_is_under_way() {
    let mut wire = Wire::new(Peer::quiet(), Peer::default()).with_latency(LATENCY);
    wire.client.say("lost");
    wire.cut(Side::Client);
    wire.run_idle(10);
    assert_eq!(wire.log(), []);
}

#[test]
fn a_half_close_leaves_the_other_direction_open() {
    let mut wire = Wire::new(Peer::quiet(), Peer::default()).with_latency(LATENCY);
    wire.client.say("last");
    wire.half_close(Side::Client);
    wire.client.say("too late");
    wire.run_idle(10);
    assert_eq!(wire.client_events(), [(2 * LATENCY, &line("last"))]);
    let told = wire.server_events();
    assert_eq!(told, [(LATENCY, &line("last")), (LATENCY, &Event::Pieces(1)), (LATENCY, &Event::Eof)]);
}

#[test]
fn a_replaced_client_starts_on_a_fresh_connection() {
    let mut wire = Wire::new(Peer::client(), Peer::default()).with_latency(LATENCY);
    wire.client.say("half a li");
    wire.half_close(Side::Client);
    let old = wire.replace_client(Peer::quiet());
    assert!(old.ping_at.is_some());
    wire.client.say("hello");
    wire.run_idle(10);
    assert_eq!(wire.client_events(), [(2 * LATENCY, &line("hello"))]);
    wire.replace_server(Peer::default());
    assert_eq!(wire.server.pieces, 0);
}

#[test]
fn the_clock_may_start_anywhere() {
    let start = Duration::from_secs(1 << 40);
    let mut wire = Wire::new(Peer::client(), Peer::default()).starting_at(start);
    // The deadline of ten seconds lies in the past: due at once.
    assert_eq!(wire.step(), Some(Happening::Timeout(Side::Client)));
    assert_eq!(wire.client.timeouts, [start]);
}

#[test]
#[should_panic(expected = "machines still busy after 50 steps")]
fn a_heartbeat_never_goes_idle() {
    Wire::new(Peer::client(), Peer::default()).run_idle(50);
}

/// A machine whose deadline does not move.
#[derive(Debug)]
struct Stuck;

impl Endpoint for Stuck {
    type Unit = Vec<u8>;
    type Event = ();

    fn handle_input(&mut self, _now: Duration, _bytes: Vec<u8>) {}

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        None
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn poll_deadline(&mut self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }
}

#[test]
#[should_panic(expected = "timeouts handled at 1s, and a deadline of the Server is still due")]
fn a_deadline_that_does_not_move_is_caught() {
    Wire::new(Peer::quiet(), Stuck).run_until(Duration::from_secs(2));
}

/// Answers each message with the number of its parts.
#[derive(Debug, Default)]
struct Counter {
    out: Vec<Message<Vec<Vec<u8>>>>,
    told: Vec<usize>,
}

impl Endpoint for Counter {
    type Unit = Message<Vec<Vec<u8>>>;
    type Event = usize;

    fn handle_input(&mut self, _now: Duration, Message(parts): Self::Unit) {
        self.told.push(parts.len());
    }

    fn poll_transmit(&mut self) -> Option<Self::Unit> {
        self.out.pop()
    }

    fn poll_event(&mut self) -> Option<usize> {
        self.told.pop()
    }
}

#[test]
fn messages_arrive_whole() {
    let client = Counter { out: vec![Message(vec![b"header".to_vec(), b"data".to_vec()])], ..Counter::default() };
    let mut wire = Wire::new(client, Counter::default()).with_chunking(Chunking::ByteByByte).with_latency(LATENCY);
    wire.run_idle(10);
    assert_eq!(wire.server_events(), [(LATENCY, &2)]);
}

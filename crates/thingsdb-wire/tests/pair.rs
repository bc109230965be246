//! Client and server on a virtual wire and clock, in every dialect: authentication, answers in reversed order, events, PINGs,
//! large packages, ends and reconnects, cut into pieces and delayed at random, by seed.
//!
//! What went over the wire is taken apart by hand here, from the header's table.
#![cfg(all(feature = "msgpack", feature = "qpack"))]
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

use testkit::rng::seed;
use testkit::vectors::hex;
use testkit::wire::{Chunking, Endpoint, Side, Wire};
use testkit::{Rng, laws};
use thingsdb_wire::{
    Body, Client, ClientEvent, CloseReason, Config, Dialect, Limits, Package, Server, ServerEvent, legacy, module,
    siridb, v1,
};

const SEEDS: u64 = if cfg!(miri) { 1 } else { 6 };

/// Bytes of data in the largest package.
const LARGE: usize = if cfg!(miri) { 5_000 } else { 5_000_000 };

type Pair = Wire<Guest, Host>;

/// What is said: TYPE and data.
type Word = (u8, Vec<u8>);

type Rooms = &'static [(i64, &'static str)];

struct Words {
    dialect: Dialect,
    right: Word,
    wrong: Word,
    request: Word,
    answer: Word,
    event: Option<Word>,
    /// A request that joins, its answer, and what is joined then, by ID.
    join: Option<(Word, Word, Rooms)>,
}

fn dialects() -> [Words; 6] {
    let word = |kind, digits| (kind, hex(digits));
    let join = || (word(38, "93a72f2f737475666605cd01c8"), word(18, "9205c0"), &[(5, "@collection:stuff")][..]);
    let watch = || {
        let things = word(48, "f5867468696e6773f00304e9e7038a636f6c6c656374696f6e857374756666");
        (things, word(80, ""), &[(3, "stuff"), (4, "stuff"), (999, "stuff")][..])
    };
    let legacy = |dialect, request, join| Words {
        dialect,
        right: word(33, "ef8561646d696e8470617373"),
        wrong: word(33, "ef8561646d696e8577726f6e67"),
        request,
        answer: word(66, "02"),
        event: Some(word(19, "855245414459")),
        join,
    };
    [
        legacy(legacy::S1, word(35, "f485717565727983312b31"), Some(watch())),
        legacy(legacy::S2, word(36, "f585717565727984312b313b8a636f6c6c656374696f6e857374756666"), Some(watch())),
        legacy(
            legacy::SEPTEMBER,
            word(34, "ef85737475666684312b313b"),
            // The status of nodes.
            Some((word(48, ""), word(80, ""), &[(0, "")])),
        ),
        Words {
            dialect: v1::DIALECT,
            right: word(33, "92a561646d696ea470617373"),
            wrong: word(33, "92a561646d696ea577726f6e67"),
            request: word(34, "92a24074a631202b20313b"),
            answer: word(18, "02"),
            event: Some(word(5, "82a97761726e5f636f646502a87761726e5f6d7367a568656c6c6f")),
            join: Some(join()),
        },
        Words {
            dialect: module::DIALECT,
            right: word(64, "82a46c616e67a26e6ca66e657374656481a16181a16280"),
            wrong: word(64, "81a46661696cc3"),
            request: word(80, "82a66d6f64756c65a67261776d6f64a3616374a26f6b"),
            answer: word(81, "81a3676f740a"),
            event: None,
            join: None,
        },
        Words {
            dialect: siridb::DIALECT,
            right: word(2, "f08469726973847369726986646274657374"),
            wrong: word(2, "f08469726973856e6f706586646274657374"),
            request: word(1, "f3"),
            answer: word(1, "fd8b737563636573735f6d7367826f6b"),
            event: None,
            join: None,
        },
    ]
}

fn body((kind, data): &Word) -> Body {
    Body::new(*kind, data.clone())
}

/// Data that shows where a byte of it is missing or moved: a block whose length is prime, again and again.
fn large(seed: u64) -> Vec<u8> {
    let mut data = Rng::new(seed).bytes(65_537).repeat(LARGE / 65_537 + 1);
    data.truncate(LARGE);
    data
}

/// What went over the wire in one direction, connection by connection.
#[derive(Debug, Default)]
struct Transcript {
    bytes: Vec<u8>,
}

impl Transcript {
    /// As (ID, TYPE, bytes of data), by the table of the header.
    fn take(&mut self) -> Vec<(u16, u8, usize)> {
        let bytes = std::mem::take(&mut self.bytes);
        let (mut rest, mut all) = (&bytes[..], Vec::new());
        while let Some((header, behind)) = rest.split_first_chunk::<8>() {
            let [a, b, c, d, low, high, kind, check] = *header;
            assert_eq!(check, kind ^ 0xff);
            let len = u32::from_le_bytes([a, b, c, d]) as usize;
            all.push((u16::from_le_bytes([low, high]), kind, len));
            rest = &behind[len..];
        }
        assert_eq!(rest, b"");
        all
    }
}

/// The client, and a user who only listens.
#[derive(Debug)]
struct Guest {
    machine: Client,
    unread: Vec<u8>,
    told: VecDeque<ClientEvent>,
    sent: Transcript,
}

/// The server, and a user who decides on authentications at once, by their data, and keeps requests.
#[derive(Debug)]
struct Host {
    machine: Server,
    right: Vec<u8>,
    unread: Vec<u8>,
    told: VecDeque<ServerEvent>,
    waiting: Vec<Package>,
    sent: Transcript,
}

impl Guest {
    fn new(config: &Config) -> Self {
        Self {
            machine: Client::new(config, Duration::ZERO),
            unread: Vec::new(),
            told: VecDeque::new(),
            sent: Transcript::default(),
        }
    }
}

impl Host {
    fn new(config: &Config, right: &[u8], now: Duration) -> Self {
        Self {
            machine: Server::new(config, now),
            right: right.to_vec(),
            unread: Vec::new(),
            told: VecDeque::new(),
            waiting: Vec::new(),
            sent: Transcript::default(),
        }
    }
}

impl Endpoint for Guest {
    type Unit = Vec<u8>;
    type Event = ClientEvent;

    fn handle_input(&mut self, now: Duration, bytes: Vec<u8>) {
        self.unread.extend(bytes);
        while !self.unread.is_empty() {
            let taken = self.machine.handle_input(now, &self.unread);
            self.unread.drain(..taken);
            let before = self.told.len();
            self.told.extend(std::iter::from_fn(|| self.machine.poll_event()));
            assert!(taken > 0 || self.told.len() > before, "no progress");
        }
    }

    fn handle_eof(&mut self, now: Duration) {
        self.machine.handle_eof(now);
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.machine.handle_timeout(now);
    }

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let bytes = self.machine.poll_transmit()?;
        self.sent.bytes.extend(&bytes);
        Some(bytes.to_vec())
    }

    fn poll_event(&mut self) -> Option<ClientEvent> {
        self.told.pop_front().or_else(|| self.machine.poll_event())
    }

    fn poll_deadline(&mut self) -> Option<Duration> {
        self.machine.poll_deadline()
    }
}

impl Host {
    /// Reads on as far as that goes.
    fn read(&mut self, now: Duration) {
        while !self.unread.is_empty() {
            let taken = self.machine.handle_input(now, &self.unread);
            self.unread.drain(..taken);
            let mut events = 0;
            while let Some(event) = self.machine.poll_event() {
                events += 1;
                match &event {
                    ServerEvent::Authenticate(package) if package.data == self.right => {
                        self.machine.accept(now).unwrap();
                    }
                    ServerEvent::Authenticate(_) => self.machine.deny(now).unwrap(),
                    ServerEvent::Request(package) => self.waiting.push(package.clone()),
                    _ => {}
                }
                self.told.push_back(event);
            }
            if taken == 0 && events == 0 {
                break;
            }
        }
    }

    /// Answers all that wait, the last one first.
    fn answer_all(&mut self, now: Duration, answer: &Word) {
        for package in std::mem::take(&mut self.waiting).into_iter().rev() {
            self.machine.answer(now, package.id, body(answer)).unwrap();
        }
        self.read(now);
    }
}

impl Endpoint for Host {
    type Unit = Vec<u8>;
    type Event = ServerEvent;

    fn handle_input(&mut self, now: Duration, bytes: Vec<u8>) {
        self.unread.extend(bytes);
        self.read(now);
    }

    fn handle_eof(&mut self, now: Duration) {
        self.machine.handle_eof(now);
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.machine.handle_timeout(now);
    }

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let bytes = self.machine.poll_transmit()?;
        self.sent.bytes.extend(&bytes);
        Some(bytes.to_vec())
    }

    fn poll_event(&mut self) -> Option<ServerEvent> {
        self.told.pop_front().or_else(|| self.machine.poll_event())
    }

    fn poll_deadline(&mut self) -> Option<Duration> {
        self.machine.poll_deadline()
    }
}

/// A pair, and the random delays and pieces between them.
struct Talk {
    words: Words,
    config: Config,
    wire: Pair,
    rng: Rng,
}

impl Talk {
    fn new(words: Words, config: Config, seed: u64) -> Self {
        let wire = Wire::new(Guest::new(&config), Host::new(&config, &words.right.1, Duration::ZERO));
        Self { words, config, wire, rng: Rng::new(seed) }
    }

    /// Other delays and pieces from now on: few and large ones when something large is under way.
    fn shuffle(&mut self, largest: usize) {
        for side in [Side::Client, Side::Server] {
            let latency = Duration::from_millis(self.rng.below(200) as u64);
            self.wire.set_latency(side, latency);
            let chunking = match self.rng.below(4) {
                0 => Chunking::AsSent,
                1 => Chunking::Whole,
                _ => Chunking::random(self.rng.next_u64(), 1 + self.rng.below(largest)),
            };
            self.wire.set_chunking(side, chunking);
        }
    }

    fn request(&mut self, word: &Word) -> u16 {
        self.wire.client.machine.request(self.wire.now(), body(word)).unwrap()
    }

    /// Lets everything that is under way arrive, and what is said to it.
    fn settle(&mut self) {
        self.wire.run_for(Duration::from_secs(1));
    }

    /// What both told since the last time.
    fn told(&mut self) -> (Vec<ClientEvent>, Vec<ServerEvent>) {
        let (mut client, mut server) = (Vec::new(), Vec::new());
        for (_, told) in self.wire.take_log() {
            match told {
                testkit::wire::Told::Client(event) => client.push(event),
                testkit::wire::Told::Server(event) => server.push(event),
            }
        }
        (client, server)
    }

    /// A new connection to a new server.
    fn reconnect(&mut self) {
        let now = self.wire.now();
        self.wire.replace_server(Host::new(&self.config, &self.words.right.1, now));
        self.wire.client.unread.clear();
        self.wire.client.sent = Transcript::default();
        self.wire.client.machine.reconnect(now).unwrap();
    }

    fn log_in(&mut self) -> Vec<ClientEvent> {
        let right = self.words.right.clone();
        self.request(&right);
        self.settle();
        let (client, server) = self.told();
        assert!(matches!(&server[..], [ServerEvent::Authenticate(package)] if package.data == right.1), "{server:?}");
        assert_eq!(client[0], ClientEvent::Authenticated);
        client
    }
}

fn package(id: u16, (kind, data): &Word) -> Package {
    Package { id, kind: *kind, data: data.clone().into() }
}

/// Each dialect, several times over with other delays and pieces.
fn each(run: impl Fn(Words, u64)) {
    for round in 0..SEEDS {
        for words in dialects() {
            run(words, seed().wrapping_add(round));
        }
    }
}

#[test]
fn a_conversation() {
    each(|words, seed| {
        let config = Config::new(&words.dialect);
        let mut talk = Talk::new(words, config, seed);
        let (right, wrong, asks, says) =
            (talk.words.right.clone(), talk.words.wrong.clone(), talk.words.request.clone(), talk.words.answer.clone());
        let dialect = talk.words.dialect;
        let is_module = dialect.name == "module";

        // Turned away, and let in.
        talk.shuffle(20);
        let first = talk.request(&wrong);
        talk.settle();
        let (client, server) = talk.told();
        assert_eq!(server, [ServerEvent::Authenticate(package(first, &wrong))]);
        let denied = (dialect.denied.kind, dialect.denied.data.to_vec());
        assert_eq!(client, [ClientEvent::Denied(package(first, &denied))]);
        assert!(!talk.wire.client.machine.is_authenticated() && !talk.wire.server.machine.is_authenticated());
        let second = talk.request(&right);
        talk.settle();
        let (client, server) = talk.told();
        assert_eq!(server, [ServerEvent::Authenticate(package(second, &right))]);
        assert_eq!(client, [ClientEvent::Authenticated]);
        assert!(talk.wire.client.machine.is_authenticated() && talk.wire.server.machine.is_authenticated());
        let expected = if is_module { [0, 0] } else { [1, 2] };
        assert_eq!([first, second], expected);

        // Requests, answered in reversed order, with an event between each two.
        talk.shuffle(20);
        let ids: Vec<u16> = (0..7).map(|_| talk.request(&asks)).collect();
        assert_eq!(ids, if is_module { [0, 1, 2, 3, 4, 5, 6] } else { [3, 4, 5, 6, 7, 8, 9] });
        talk.settle();
        let requests: Vec<ServerEvent> = ids.iter().map(|id| ServerEvent::Request(package(*id, &asks))).collect();
        assert_eq!(talk.told(), (vec![], requests));
        let (now, mut expected) = (talk.wire.now(), Vec::new());
        let host = &mut talk.wire.server;
        for waits in std::mem::take(&mut host.waiting).into_iter().rev() {
            host.machine.answer(now, waits.id, body(&says)).unwrap();
            expected.push(ClientEvent::Answer { request: asks.0, package: package(waits.id, &says) });
            if let Some(event) = &talk.words.event {
                host.machine.push(now, body(event)).unwrap();
                expected.push(ClientEvent::Event(package(dialect.event_id, event)));
            }
        }
        talk.settle();
        assert_eq!(talk.told(), (expected, vec![]));
        assert_eq!((talk.wire.client.machine.in_flight(), talk.wire.server.machine.waiting()), (0, 0));

        // Something large, both ways, among small ones.
        talk.shuffle(200_000);
        let (much, more) = ((asks.0, large(seed)), (says.0, large(!seed)));
        let ids = [&asks, &much, &asks].map(|word| talk.request(word));
        talk.settle();
        let (client, server) = talk.told();
        assert_eq!(client, []);
        // Not `assert_eq!`: nobody reads ten million numbers.
        let expected = [package(ids[0], &asks), package(ids[1], &much), package(ids[2], &asks)];
        assert!(server == expected.map(ServerEvent::Request), "{server:?}");
        let now = talk.wire.now();
        talk.wire.server.answer_all(now, &more);
        talk.settle();
        let (client, _) = talk.told();
        let answers =
            [ids[2], ids[1], ids[0]].map(|id| ClientEvent::Answer { request: asks.0, package: package(id, &more) });
        assert!(client == answers, "{client:?}");

        // The client's side of the wire.
        let mut expected = vec![(first, wrong.0, wrong.1.len()), (second, right.0, right.1.len())];
        let small = if is_module { 0..7 } else { 3..10 };
        expected.extend(small.map(|id| (id, asks.0, asks.1.len())));
        expected.extend([(ids[0], asks.0, asks.1.len()), (ids[1], asks.0, LARGE), (ids[2], asks.0, asks.1.len())]);
        assert_eq!(talk.wire.client.sent.take(), expected);
    });
}

/// An idle hour: a PING each thirty seconds after the last byte came, and each is answered, without a word to anybody.
#[test]
fn pings_keep_a_quiet_connection() {
    each(|words, seed| {
        let config = Config::new(&words.dialect);
        let ping = words.dialect.ping;
        let mut talk = Talk::new(words, config, seed);
        talk.log_in();
        talk.wire.set_latency(Side::Client, Duration::from_millis(70));
        talk.wire.set_latency(Side::Server, Duration::from_millis(30));
        talk.wire.set_chunking(Side::Client, Chunking::ByteByByte);
        talk.wire.client.sent.take();
        talk.wire.server.sent.take();
        // The login came without a delay, at 0.
        talk.wire.run_until(Duration::from_secs(3600));
        assert_eq!(talk.told(), (vec![], vec![]));
        assert_eq!(talk.wire.client.machine.close_reason(), None);
        let (sent, answered) = (talk.wire.client.sent.take(), talk.wire.server.sent.take());
        let Some((ping, pong)) = ping else {
            assert_eq!((sent, answered), (vec![], vec![]));
            return;
        };
        // Every 30.1 s from 30 s on: the last at 30 + 118 * 30.1 = 3581.8.
        let ids: Vec<u16> = (2..2 + 119).collect();
        assert_eq!(sent, ids.iter().map(|id| (*id, ping, 0)).collect::<Vec<_>>());
        assert_eq!(answered, ids.iter().map(|id| (*id, pong, 0)).collect::<Vec<_>>());
    });
}

/// As many requests as the server takes, and answers that take two minutes less a second: the client asks whether somebody is there,
/// and learns that somebody is.
#[test]
fn slow_answers_do_not_end_a_connection_that_answers_pings() {
    each(|words, seed| {
        let config = Config::new(&words.dialect);
        let config = config.with_limits(config.limits.with_max_in_flight(3));
        let (asks, says, ping) = (words.request.clone(), words.answer.clone(), words.dialect.ping);
        let mut talk = Talk::new(words, config, seed);
        talk.log_in();
        talk.wire.client.sent.take();
        let ids = [(); 3].map(|()| talk.request(&asks));
        talk.wire.run_for(Duration::from_secs(119));
        let (client, server) = talk.told();
        assert_eq!(client, []);
        assert_eq!(server, ids.map(|id| ServerEvent::Request(package(id, &asks))));
        // The login came without a delay, at 0: PINGs at 30, 60, 90 and 120.
        let sent = talk.wire.client.sent.take();
        let pings = sent.into_iter().filter(|(_, kind, _)| Some(*kind) == ping.map(|(ping, _)| ping));
        assert_eq!(pings.count(), if ping.is_some() { 4 } else { 0 });
        let now = talk.wire.now();
        talk.wire.server.answer_all(now, &says);
        talk.settle();
        let [a, b, c] = ids.map(|id| ClientEvent::Answer { request: asks.0, package: package(id, &says) });
        assert_eq!(talk.told().0, [c, b, a]);
    });
}

/// A client, a server, and between them a server and a client that know as little of what goes through as there is to know.
#[test]
fn a_proxy_forwards_what_it_does_not_know() {
    let now = Duration::ZERO;
    let config = Config::new(&v1::DIALECT);
    // With what TYPE 42 is answered, and what the user is told.
    for (kind, is_answer) in [(99_u8, false), (18, true), (19, true)] {
        let (mut user, mut near) = (Client::new(&config, now), Server::new(&config, now));
        let (mut far, mut node) = (Client::new(&config, now), Server::new(&config, now));
        for (client, server) in [(&mut user, &mut near), (&mut far, &mut node)] {
            client.request(now, Body::empty(33u8)).unwrap();
            to_server(client, server);
            assert!(matches!(server.poll_event(), Some(ServerEvent::Authenticate(_))));
            server.accept(now).unwrap();
            to_client(server, client);
            assert_eq!(client.poll_event(), Some(ClientEvent::Authenticated));
        }
        // The IDs of the two connections differ.
        for _ in 0..5 {
            user.send(now, Body::empty(34u8)).unwrap();
        }
        to_server(&mut user, &mut near);
        for id in 2..7 {
            assert!(matches!(near.poll_event(), Some(ServerEvent::Request(_))));
            near.ignore(id).unwrap();
        }
        let id = user.request(now, Body::new(42u8, &b"what"[..])).unwrap();
        assert_eq!(id, 7);
        to_server(&mut user, &mut near);
        let asks = (42, b"what".to_vec());
        assert_eq!(near.poll_event(), Some(ServerEvent::Unknown(package(7, &asks))));
        let there = far.request(now, body(&asks)).unwrap();
        assert_eq!(there, 2);
        to_server(&mut far, &mut node);
        assert_eq!(node.poll_event(), Some(ServerEvent::Unknown(package(2, &asks))));
        let says = (kind, b"this".to_vec());
        node.forward(now, package(2, &says)).unwrap();
        to_client(&mut node, &mut far);
        let came = match far.poll_event() {
            Some(ClientEvent::Answer { request: 42, package }) if kind == 18 => package,
            Some(ClientEvent::Error { request: 42, package }) if kind == 19 => package,
            Some(ClientEvent::Unknown(package)) if !is_answer => package,
            other => panic!("{other:?}"),
        };
        assert_eq!(came, package(2, &says));
        near.forward(now, Package { id, ..came }).unwrap();
        // Events go through with whatever ID they have.
        near.forward(now, package(77, &(15, b"news".to_vec()))).unwrap();
        assert_eq!((near.waiting(), node.waiting()), (0, 0));
        to_client(&mut near, &mut user);
        let told = package(7, &says);
        assert_eq!(
            user.poll_event(),
            Some(match kind {
                18 => ClientEvent::Answer { request: 42, package: told },
                19 => ClientEvent::Error { request: 42, package: told },
                _ => ClientEvent::Unknown(told),
            })
        );
        assert_eq!(user.poll_event(), Some(ClientEvent::Event(package(77, &(15, b"news".to_vec())))));
        // What is no answer leaves both waiting.
        assert_eq!([user.in_flight(), far.in_flight()], if is_answer { [0, 0] } else { [1, 1] });
        assert_eq!([user.poll_event(), far.poll_event()], [None, None]);
    }
}

fn to_server(client: &mut Client, server: &mut Server) {
    while let Some(bytes) = client.poll_transmit() {
        assert_eq!(server.handle_input(Duration::ZERO, &bytes), bytes.len());
    }
}

fn to_client(server: &mut Server, client: &mut Client) {
    while let Some(bytes) = server.poll_transmit() {
        assert_eq!(client.handle_input(Duration::ZERO, &bytes), bytes.len());
    }
}

#[test]
fn a_dead_link_is_noticed_and_a_new_one_takes_over() {
    each(|words, seed| {
        let config = Config::new(&words.dialect).with_request_timeout(Duration::MAX);
        let mut talk = Talk::new(words, config, seed);
        talk.log_in();
        let asks = talk.words.request.clone();
        talk.wire.cut(Side::Server);
        let ids = [talk.request(&asks), talk.request(&asks)];
        talk.wire.run_for(Duration::from_secs(3600));
        let lost = ids.map(|id| ClientEvent::Lost { id, request: asks.0 });
        let (client, server) = talk.told();
        assert_eq!(server.len(), 2);
        if talk.words.dialect.ping.is_none() {
            // A pipe to a child breaks by itself.
            assert_eq!(client, []);
            talk.wire.client.machine.handle_eof(talk.wire.now());
            assert_eq!(talk.told().0, [&lost[..], &[ClientEvent::Closed(CloseReason::Eof)]].concat());
        } else {
            assert_eq!(client, [&lost[..], &[ClientEvent::Closed(CloseReason::KeepAlive)]].concat());
        }
        talk.reconnect();
        talk.shuffle(10);
        assert_eq!(talk.log_in(), [ClientEvent::Authenticated]);
        assert_eq!(talk.request(&asks), ids[0]);
        talk.settle();
        let now = talk.wire.now();
        let says = talk.words.answer.clone();
        talk.wire.server.answer_all(now, &says);
        talk.settle();
        assert_eq!(talk.told().0, [ClientEvent::Answer { request: asks.0, package: package(ids[0], &says) }]);
    });
}

#[test]
fn rooms_are_asked_for_again_after_each_break() {
    let mut count = 0;
    for words in dialects() {
        let Some((asks, says, joined)) = words.join.clone() else { continue };
        count += 1;
        for round in 0..SEEDS {
            let words = dialects().into_iter().find(|other| other.dialect.name == words.dialect.name).unwrap();
            let config = Config::new(&words.dialect);
            let mut talk = Talk::new(words, config, seed().wrapping_add(round));
            assert_eq!(talk.log_in(), [ClientEvent::Authenticated]);
            for breaks in 0..4 {
                talk.shuffle(10);
                let id = talk.request(&asks);
                if breaks != 2 {
                    talk.settle();
                    let now = talk.wire.now();
                    talk.wire.server.answer_all(now, &says);
                    talk.settle();
                    let (client, server) = talk.told();
                    assert_eq!(client, [ClientEvent::Answer { request: asks.0, package: package(id, &says) }]);
                    assert_eq!(server, [ServerEvent::Request(package(id, &asks))]);
                }
                let rooms: Vec<_> = talk.wire.client.machine.rooms().map(|room| (room.id, &room.scope[..])).collect();
                assert_eq!(rooms, joined);
                // The server goes away: at the third time before the answer.
                talk.wire.server.machine.close(talk.wire.now());
                talk.wire.half_close(Side::Server);
                talk.settle();
                let (client, server) = talk.told();
                let mut expected = Vec::new();
                if breaks == 2 {
                    expected.push(ClientEvent::Lost { id, request: asks.0 });
                }
                expected.push(ClientEvent::Closed(CloseReason::Eof));
                assert_eq!(client, expected);
                assert_eq!(server.last(), Some(&ServerEvent::Closed(CloseReason::Local)));
                talk.reconnect();
                let mut expected = vec![ClientEvent::Authenticated];
                expected.extend(joined.iter().map(|(id, scope)| {
                    ClientEvent::Rejoin(thingsdb_wire::Joined { scope: (*scope).to_owned(), id: *id })
                }));
                assert_eq!(talk.log_in(), expected);
            }
        }
    }
    assert_eq!(count, 4);
}

/// Both ends close in the middle of something: what had arrived counts, what had not is lost, and both are told so.
#[test]
fn an_end_in_the_middle() {
    each(|words, seed| {
        let config = Config::new(&words.dialect);
        let mut talk = Talk::new(words, config, seed);
        talk.log_in();
        let (asks, says) = (talk.words.request.clone(), talk.words.answer.clone());
        let ids = [talk.request(&asks), talk.request(&asks)];
        talk.settle();
        let now = talk.wire.now();
        talk.wire.server.machine.answer(now, ids[1], body(&says)).unwrap();
        // The server ends; what it had to say still arrives.
        talk.shuffle(5);
        talk.wire.server.machine.close(now);
        talk.wire.half_close(Side::Server);
        talk.settle();
        let (client, server) = talk.told();
        assert_eq!(
            client,
            [
                ClientEvent::Answer { request: asks.0, package: package(ids[1], &says) },
                ClientEvent::Lost { id: ids[0], request: asks.0 },
                ClientEvent::Closed(CloseReason::Eof),
            ]
        );
        assert_eq!(server.last(), Some(&ServerEvent::Closed(CloseReason::Local)));
        // The client ends; its last request still arrives.
        talk.reconnect();
        talk.log_in();
        let last = talk.request(&asks);
        talk.wire.client.machine.close(talk.wire.now());
        talk.wire.half_close(Side::Client);
        talk.settle();
        let (client, server) = talk.told();
        let lost = ClientEvent::Lost { id: last, request: asks.0 };
        assert_eq!(client, [lost, ClientEvent::Closed(CloseReason::Local)]);
        assert_eq!(server, [ServerEvent::Request(package(last, &asks)), ServerEvent::Closed(CloseReason::Eof)]);
    });
}

/// Small limits on both sides slow the two down, and change nothing else.
#[test]
fn small_limits_only_slow_things_down() {
    each(|words, seed| {
        let limits = Limits::V1
            .with_max_in_flight(3)
            .with_max_queued_events(1)
            .with_max_queued_bytes(80)
            .with_max_data_len(words.dialect.limits.max_data_len);
        let config = Config::new(&words.dialect).with_limits(limits);
        let mut talk = Talk::new(words, config, seed);
        let (asks, says) = (talk.words.request.clone(), talk.words.answer.clone());
        talk.shuffle(30);
        talk.log_in();
        let mut answered = 0;
        for _ in 0..20 {
            talk.shuffle(30);
            let now = talk.wire.now();
            let mut asked = 0;
            while talk.wire.client.machine.request(now, body(&asks)).is_ok() {
                asked += 1;
                // Everything but the smallest has to be sent before the next one fits.
                talk.settle();
            }
            assert_eq!(asked, 3);
            while !talk.wire.server.waiting.is_empty() {
                let now = talk.wire.now();
                let package = talk.wire.server.waiting.pop().unwrap();
                talk.wire.server.machine.answer(now, package.id, body(&says)).unwrap();
                talk.settle();
            }
            let (client, server) = talk.told();
            assert!(client.iter().all(|event| matches!(event, ClientEvent::Answer { .. })), "{client:?}");
            assert_eq!((client.len(), server.len()), (3, 3));
            answered += 3;
        }
        assert_eq!((answered, talk.wire.client.machine.in_flight()), (60, 0));
    });
}

#[test]
fn law_8_the_same_seed_gives_the_same_conversation() {
    laws::deterministic(|| {
        let [.., words, _, _] = dialects();
        let config = Config::new(&words.dialect);
        let mut talk = Talk::new(words, config, 1);
        talk.shuffle(5);
        let (right, asks) = (talk.words.right.clone(), talk.words.request.clone());
        talk.request(&right);
        talk.settle();
        for _ in 0..5 {
            talk.request(&asks);
        }
        talk.settle();
        let now = talk.wire.now();
        let says = talk.words.answer.clone();
        talk.wire.server.answer_all(now, &says);
        talk.wire.run_for(Duration::from_secs(100));
        let log = format!("{:?}", talk.wire.take_log());
        (log, talk.wire.client.sent.take(), talk.wire.server.sent.take())
    });
}

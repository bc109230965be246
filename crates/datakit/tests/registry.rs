//! The registry from outside: it is so many servers of their own, which is the model test; and what that costs.
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

testkit::counting_allocator!();

use std::time::Duration;

use datakit::{
    CloseReason, Config, ConnectionId, Error, Limit, Limits, PeerErrorPolicy, Registry, Server, ServerEvent, State,
    UsageError,
};
use testkit::{Rng, assert_no_alloc, laws, measure};

const HELLO: &[u8] = b"$H|pump|bar||stream\n";

const SEQUENCES: u64 = if cfg!(miri) { 10 } else { 5_000 };

/// Connections where a test wants many.
const MANY: usize = if cfg!(miri) { 200 } else { 100_000 };

/// The most that an idle registered connection may hold, its share of spare room included. A UID of up to 16 bytes.
const MAX_BYTES_EACH: usize = 448;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn registered(registry: &mut Registry, now: Duration, uid: &str) -> ConnectionId {
    let id = registry.insert(now).unwrap();
    assert_eq!(registry.handle_input(now, id, HELLO), Ok(HELLO.len()));
    assert!(matches!(registry.poll_event(), Some((of, ServerEvent::Hello(_))) if of == id));
    registry.accept(now, id, uid).unwrap();
    assert_eq!(registry.poll_transmit(), Some((id, format!("ACK|{uid}\n").into())));
    id
}

fn events(registry: &mut Registry) -> Vec<(ConnectionId, ServerEvent)> {
    std::iter::from_fn(|| registry.poll_event()).collect()
}

// The model: a server for each connection.

/// A registry, and what it has to be.
struct Both {
    registry: Registry,
    servers: Vec<(ConnectionId, Server)>,
    /// Names that are not to be known any more.
    stale: Vec<ConnectionId>,
    config: Config,
    now: Duration,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    events: u64,
    silent: u64,
    reused: u64,
    /// Who had something to send when their end was told.
    outlived: u64,
    largest: usize,
}

impl Both {
    fn new(config: Config) -> Self {
        let (servers, stale, tally) = (Vec::new(), Vec::new(), Tally::default());
        Self { registry: Registry::new(&config), servers, stale, config, now: ms(0), tally }
    }

    fn insert(&mut self, now: Duration) {
        let result = self.registry.insert(now);
        if self.servers.len() == self.config.limits.max_connections {
            let max = self.config.limits.max_connections as u64;
            assert_eq!(result, Err(UsageError::LimitReached { limit: Limit::MaxConnections, max }));
        } else {
            let id = result.unwrap();
            assert!(self.servers.iter().all(|(known, _)| *known != id) && !self.stale.contains(&id), "{id:?} again");
            self.servers.push((id, Server::new(&self.config, self.now)));
            self.tally.largest = self.tally.largest.max(self.servers.len());
        }
    }

    fn forget(&mut self, at: usize) {
        let (id, _) = self.servers.remove(at);
        self.stale.push(id);
    }

    /// One event of the registry's, which is the next of that connection's server.
    fn poll_event(&mut self) -> bool {
        let Some((id, event)) = self.registry.poll_event() else {
            for (id, server) in &mut self.servers {
                assert_eq!(server.poll_event(), None, "the registry has nothing to tell, {id:?} has");
            }
            return false;
        };
        self.tally.events += 1;
        let at = self.servers.iter().position(|(known, _)| *known == id).expect("an event of a stranger");
        assert_eq!(Some(&event), self.servers[at].1.poll_event().as_ref());
        if let ServerEvent::Closed(reason) = event {
            self.tally.silent += u64::from(reason == CloseReason::Silence);
            // Gone, unless there is something left to be sent.
            if self.servers[at].1.clone().poll_transmit().is_none() {
                self.forget(at);
            }
        }
        true
    }

    fn poll_transmit(&mut self) -> bool {
        let Some((id, bytes)) = self.registry.poll_transmit() else {
            for (id, server) in &mut self.servers {
                assert_eq!(server.poll_transmit(), None, "the registry has nothing to send, {id:?} has");
            }
            return false;
        };
        let at = self.servers.iter().position(|(known, _)| *known == id).expect("bytes of a stranger");
        let (_, server) = &mut self.servers[at];
        assert_eq!(Some(bytes), server.poll_transmit());
        if server.state() == State::Closed && server.clone().poll_event().is_none() {
            self.tally.outlived += 1;
            self.forget(at);
        }
        true
    }

    fn check(&self) {
        assert_eq!((self.registry.len(), self.registry.is_empty()), (self.servers.len(), self.servers.is_empty()));
        let deadline = self.servers.iter().filter_map(|(_, server)| server.poll_deadline()).min();
        assert_eq!(self.registry.poll_deadline(), deadline);
        let mut listed: Vec<(ConnectionId, State)> = self.registry.connections().collect();
        listed.sort_unstable_by_key(|(id, _)| *id);
        let mut expected: Vec<(ConnectionId, State)> =
            self.servers.iter().map(|(id, server)| (*id, server.state())).collect();
        expected.sort_unstable_by_key(|(id, _)| *id);
        assert_eq!(listed, expected);
        for (id, server) in &self.servers {
            assert_eq!((self.registry.state(*id), self.registry.uid(*id)), (Some(server.state()), server.uid()));
        }
    }

    fn check_stale(&mut self, id: ConnectionId) {
        let (now, registry) = (self.now, &mut self.registry);
        assert_unknown(registry, now, id);
    }
}

/// No call knows `id`.
#[track_caller]
fn assert_unknown(registry: &mut Registry, now: Duration, id: ConnectionId) {
    let unknown = UsageError::UnknownConnection;
    assert_eq!(registry.handle_input(now, id, b"$P\n"), Err(unknown));
    assert_eq!(registry.handle_eof(now, id), Err(unknown));
    assert_eq!(registry.accept(now, id, "u"), Err(Error::Usage(unknown)));
    assert_eq!(registry.start(now, id), Err(unknown));
    assert_eq!(registry.stop(now, id), Err(unknown));
    assert_eq!(registry.close(now, id), Err(unknown));
    assert_eq!(registry.remove(id), Err(unknown));
    assert_eq!((registry.state(id), registry.uid(id)), (None, None));
}

const LINES: [&[u8]; 12] = [
    HELLO,
    HELLO,
    HELLO,
    b"$P\n",
    b"$P\n",
    b"$P",
    b"\n",
    b">t|1|1\n",
    b">t|1|1\n>t|2|2\n$P\n>t|3|3\n",
    b"STOP\n",
    b"PING\nnope\n",
    b">t|1",
];

fn run(seed: u64, tally: &mut Tally) {
    let mut rng = Rng::new(seed);
    let limits = Limits::DEFAULT
        .with_max_connections(1 + rng.below(12))
        .with_max_queued_events(1 + rng.below(5))
        .with_max_queued_bytes(20 + rng.below(30));
    let policy = *rng.choose(&[PeerErrorPolicy::Report, PeerErrorPolicy::Report, PeerErrorPolicy::Close]);
    let config = Config::DEFAULT.with_limits(limits).with_on_peer_error(policy).with_heartbeat_only(rng.below(2) == 0);
    let mut both = Both::new(config);
    for _ in 0..150 {
        // The registry has one clock: a time before its last is that.
        let now = match rng.below(4) {
            0 => both.now.saturating_sub(ms(rng.below(5000) as u64)),
            1 => both.now,
            _ => both.now + ms(rng.below(1000) as u64),
        };
        let choice = rng.below(100);
        let now = if choice < 4 { both.registry.poll_deadline().unwrap_or(now) } else { now };
        // Polls are not told the time, nor is a registry of which nobody is there to be called.
        if choice < 19 || choice < 80 && !both.servers.is_empty() {
            both.now = both.now.max(now);
        }
        let latest = both.now;
        match choice {
            0..=7 => {
                both.registry.handle_timeout(now);
                both.servers.iter_mut().for_each(|(_, server)| server.handle_timeout(latest));
            }
            8..=18 => both.insert(now),
            80..=90 => {
                for _ in 0..rng.below(4) {
                    both.poll_event();
                }
            }
            91..=94 => {
                both.poll_transmit();
            }
            95 if !both.stale.is_empty() => {
                let id = *rng.choose(&both.stale);
                both.now = both.now.max(now);
                both.check_stale(id);
            }
            // Calls of one connection.
            _ if !both.servers.is_empty() => {
                let at = rng.below(both.servers.len());
                let (registry, (id, server)) = (&mut both.registry, &mut both.servers[at]);
                match choice {
                    19..=49 => {
                        let input = *rng.choose(&LINES);
                        assert_eq!(registry.handle_input(now, *id, input), Ok(server.handle_input(latest, input)));
                    }
                    50..=63 => assert_eq!(registry.accept(now, *id, "uid"), server.accept(latest, "uid")),
                    64..=69 => assert_eq!(registry.start(now, *id), server.start(latest)),
                    70..=75 => assert_eq!(registry.stop(now, *id), server.stop(latest)),
                    76 => {
                        assert_eq!(registry.handle_eof(now, *id), Ok(()));
                        server.handle_eof(latest);
                    }
                    77..=79 if rng.below(3) == 0 => {
                        assert_eq!(registry.close(now, *id), Ok(()));
                        server.close(latest);
                    }
                    77..=79 => assert_eq!(registry.handle_input(now, *id, b""), Ok(server.handle_input(latest, b""))),
                    96 => {
                        assert_eq!(registry.remove(*id), Ok(()));
                        both.forget(at);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        both.check();
    }
    while both.poll_transmit() {}
    while both.poll_event() {}
    both.check();
    // Everybody falls silent; who owed an answer to HELLO does not.
    both.now += ms(10_000);
    let latest = both.now;
    both.registry.handle_timeout(latest);
    both.servers.iter_mut().for_each(|(_, server)| server.handle_timeout(latest));
    while both.poll_event() {}
    both.check();
    assert!(both.servers.iter().all(|(_, server)| server.state() == State::Greeted));
    for id in both.stale.clone() {
        both.check_stale(id);
    }
    tally.events += both.tally.events;
    tally.silent += both.tally.silent;
    tally.outlived += both.tally.outlived;
    tally.largest = tally.largest.max(both.tally.largest);
    tally.reused += u64::from(both.stale.len() + both.servers.len() > limits.max_connections);
}

#[test]
fn a_registry_is_so_many_servers() {
    let mut tally = Tally::default();
    let mut rng = Rng::new(testkit::rng::seed());
    for sequence in 0..SEQUENCES {
        let seed = rng.next_u64();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed, &mut tally)));
        assert!(outcome.is_ok(), "sequence {sequence}, of seed {seed:#x}: what differs is said above");
    }
    // It comes to where it matters.
    let Tally { events, silent, reused, outlived, largest } = tally;
    let often = events > 10 * SEQUENCES && silent > SEQUENCES && reused > SEQUENCES / 2 && outlived > SEQUENCES / 50;
    let often = often && largest == 12;
    assert!(
        often || cfg!(miri),
        "{events} events, {silent} silent, {reused} reused, {outlived} outlived, {largest} at once"
    );
}

// Names.

#[test]
fn a_name_is_known_until_its_end_is_told() {
    let mut registry = Registry::new(&Config::DEFAULT);
    let id = registered(&mut registry, ms(0), "u");
    registry.close(ms(1), id).unwrap();
    // Closed, and not told yet: a server that is closed takes all and ignores it.
    assert_eq!((registry.state(id), registry.uid(id), registry.len()), (Some(State::Closed), None, 1));
    assert_eq!(registry.handle_input(ms(1), id, b"$P\n"), Ok(3));
    assert_eq!(registry.close(ms(1), id), Ok(()));
    let told = events(&mut registry);
    let gone = ServerEvent::Unregistered { uid: "u".into(), reason: CloseReason::Local };
    assert_eq!(told, [(id, gone), (id, ServerEvent::Closed(CloseReason::Local))]);
    assert_unknown(&mut registry, ms(2), id);
    assert!(registry.is_empty());
}

#[test]
fn a_name_is_unknown_from_its_removal_on_and_so_is_what_it_had_to_tell() {
    let mut registry = Registry::new(&Config::DEFAULT);
    let id = registered(&mut registry, ms(0), "u");
    registry.start(ms(1), id).unwrap();
    let _ = registry.handle_input(ms(1), id, b">t|1|1\nnope\n").unwrap();
    registry.remove(id).unwrap();
    assert_unknown(&mut registry, ms(1), id);
    assert_eq!((registry.poll_event(), registry.poll_transmit(), registry.poll_deadline()), (None, None, None));
}

#[test]
fn a_slot_used_again_has_a_new_name_and_nothing_of_the_old() {
    let mut registry = Registry::new(&Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_connections(1)));
    let mut names = Vec::new();
    for round in 0..1000 {
        let id = registered(&mut registry, ms(round), "u");
        registry.start(ms(round), id).unwrap();
        let _ = registry.handle_input(ms(round), id, b">t|1|1\n>torn").unwrap();
        registry.remove(id).unwrap();
        assert!(!names.contains(&id));
        names.push(id);
    }
    let id = registry.insert(ms(1000)).unwrap();
    assert_eq!(
        (registry.poll_event(), registry.poll_transmit(), registry.state(id)),
        (None, None, Some(State::Unregistered))
    );
    for old in names {
        assert_unknown(&mut registry, ms(1000), old);
    }
    assert_eq!(registry.handle_input(ms(1000), id, b"PING\n"), Ok(5));
    assert_eq!(events(&mut registry), [(id, ServerEvent::Unknown("PING".into()))]);
}

#[test]
fn no_more_connections_than_were_agreed() {
    let mut registry = Registry::new(&Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_connections(2)));
    let full = Err(UsageError::LimitReached { limit: Limit::MaxConnections, max: 2 });
    let (first, second) = (registry.insert(ms(0)).unwrap(), registry.insert(ms(0)).unwrap());
    assert_eq!(registry.insert(ms(0)), full);
    // One that is closed counts until that is told.
    registry.close(ms(0), first).unwrap();
    assert_eq!(registry.insert(ms(0)), full);
    assert_eq!(registry.poll_event(), Some((first, ServerEvent::Closed(CloseReason::Local))));
    let third = registry.insert(ms(0)).unwrap();
    assert_eq!(registry.insert(ms(0)), full);
    registry.remove(second).unwrap();
    registry.insert(ms(0)).unwrap();
    assert_eq!((registry.insert(ms(0)), registry.len()), (full, 2));
    assert_unknown(&mut registry, ms(0), first);
    assert_eq!(registry.state(third), Some(State::Unregistered));
    let mut none = Registry::new(&Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_connections(0)));
    assert_eq!(none.insert(ms(0)), Err(UsageError::LimitReached { limit: Limit::MaxConnections, max: 0 }));
}

// Turns.

#[test]
fn connections_tell_in_turns() {
    let mut registry = Registry::new(&Config::DEFAULT);
    let ids: Vec<ConnectionId> = (0..3).map(|_| registry.insert(ms(0)).unwrap()).collect();
    let _ = registry.handle_input(ms(0), ids[0], b"A\nB\nC\n").unwrap();
    let _ = registry.handle_input(ms(0), ids[1], b"D\n").unwrap();
    let _ = registry.handle_input(ms(0), ids[2], b"E\nF\n").unwrap();
    let told: Vec<(ConnectionId, ServerEvent)> = events(&mut registry);
    let expected = [(0, "A"), (1, "D"), (2, "E"), (0, "B"), (2, "F"), (0, "C")];
    assert_eq!(told, expected.map(|(of, line)| (ids[of], ServerEvent::Unknown(line.into()))));
}

#[test]
fn who_expires_is_told_in_the_order_of_deadlines() {
    let mut registry = Registry::new(&Config::DEFAULT);
    let ids: Vec<ConnectionId> = (0..4).map(|at| registered(&mut registry, ms(at), "u")).collect();
    let _ = registry.handle_input(ms(5), ids[1], b"$P\n").unwrap();
    assert_eq!(registry.poll_deadline(), Some(ms(10_000)));
    registry.handle_timeout(ms(10_001));
    assert_eq!(registry.poll_deadline(), Some(ms(10_002)));
    registry.handle_timeout(ms(10_005));
    let closed = events(&mut registry);
    let closed = closed.iter().filter(|(_, event)| matches!(event, ServerEvent::Closed(CloseReason::Silence)));
    assert_eq!(closed.map(|(id, _)| *id).collect::<Vec<_>>(), [ids[0], ids[2], ids[3], ids[1]]);
    assert!(registry.is_empty());
}

#[test]
fn a_connection_is_known_until_its_end_is_told_and_what_it_had_to_send_was_drained() {
    let mut registry = Registry::new(&Config::DEFAULT);
    let (first, second) = (registered(&mut registry, ms(0), "u"), registered(&mut registry, ms(0), "v"));
    for id in [first, second] {
        registry.stop(ms(1), id).unwrap();
        registry.close(ms(1), id).unwrap();
    }
    // The first is drained before its end is told, the second after.
    assert_eq!(registry.poll_transmit(), Some((first, "STOP\n".into())));
    assert_eq!(registry.len(), 2);
    assert_eq!(events(&mut registry).len(), 4);
    assert_unknown(&mut registry, ms(1), first);
    assert_eq!((registry.state(second), registry.len()), (Some(State::Closed), 1));
    assert_eq!(registry.poll_transmit(), Some((second, "STOP\n".into())));
    assert_unknown(&mut registry, ms(1), second);
    assert!(registry.is_empty());
}

#[test]
fn times_that_are_never_over_have_no_deadline() {
    let mut registry = Registry::new(&Config::DEFAULT.with_silence_timeout(Duration::MAX));
    let id = registered(&mut registry, ms(0), "u");
    registry.insert(ms(1)).unwrap();
    registry.handle_timeout(Duration::MAX);
    assert_eq!((registry.poll_deadline(), registry.poll_event(), registry.len()), (None, None, 2));
    assert_eq!(registry.handle_input(Duration::MAX, id, b"$P\n"), Ok(3));
    assert_eq!(registry.poll_deadline(), None);
}

// Laws.

#[test]
fn law_7_extra_calls_change_nothing() {
    let step = |registry: &mut (Registry, Vec<ConnectionId>), at: &u64| {
        let (registry, ids) = registry;
        let now = ms(1500 * at);
        registry.handle_timeout(now);
        match at % 4 {
            0 => ids.push(registry.insert(now).unwrap()),
            1 => {
                let _ = registry.handle_input(now, *ids.last().unwrap(), HELLO).unwrap();
            }
            2 => registry.accept(now, *ids.last().unwrap(), "u").unwrap(),
            _ => {
                let _ = registry.handle_input(now, ids[ids.len() / 2], b"$P\n");
            }
        }
        let mut out: Vec<String> = events(registry).into_iter().map(|told| format!("{told:?}")).collect();
        out.extend(std::iter::from_fn(|| registry.poll_transmit()).map(|sent| format!("{sent:?}")));
        out.push(format!("{:?} {}", registry.poll_deadline(), registry.len()));
        out
    };
    let poke = |registry: &mut (Registry, Vec<ConnectionId>), at: &u64| {
        let (registry, ids) = registry;
        registry.handle_timeout(ms(1500 * at));
        registry.handle_timeout(ms(1500 * at).saturating_sub(ms(7000)));
        for id in ids {
            let taken = registry.handle_input(ms(0), *id, b"");
            assert!(matches!(taken, Ok(0) | Err(UsageError::UnknownConnection)), "{taken:?}");
        }
        let mut out: Vec<String> = events(registry).into_iter().map(|told| format!("{told:?}")).collect();
        out.extend(registry.poll_transmit().map(|sent| format!("{sent:?}")));
        out
    };
    let script: Vec<u64> = (0..40).collect();
    laws::idle(&script, || (Registry::new(&Config::DEFAULT), Vec::new()), step, poke);
}

// What it costs.

#[test]
fn an_idle_registered_connection_is_small() {
    let uids: Vec<String> = (0..MANY).map(|at| format!("sensor-{at:09}")).collect();
    let ((registry, ids), stats) = measure(|| {
        let mut registry = Registry::new(&Config::DEFAULT);
        let ids: Vec<ConnectionId> = uids.iter().map(|uid| registered(&mut registry, ms(0), uid)).collect();
        (registry, ids)
    });
    let names = ids.capacity() * size_of::<ConnectionId>();
    let each = (stats.live as usize - names) / MANY;
    println!("an idle registered connection holds {each} bytes, of {MANY}");
    assert_eq!(registry.len(), MANY);
    assert!(each <= MAX_BYTES_EACH, "{each} bytes each");
}

#[test]
fn a_connection_that_was_busy_holds_no_more_than_one_that_was_not() {
    let mut registry = Registry::new(&Config::DEFAULT);
    let ids: Vec<ConnectionId> = (0..100).map(|_| registered(&mut registry, ms(0), "u")).collect();
    let busy = |registry: &mut Registry| {
        for id in &ids {
            registry.start(ms(1), *id).unwrap();
            for piece in b">some_tag|1459309227|3.141593\n".repeat(50).chunks(17) {
                assert_eq!(registry.handle_input(ms(1), *id, piece), Ok(piece.len()));
            }
            registry.stop(ms(1), *id).unwrap();
        }
        assert_eq!(events(registry).len(), 50 * 100);
        while registry.poll_transmit().is_some() {}
    };
    // The queues of the registry itself, four bytes for each connection, may have grown.
    busy(&mut registry);
    let ((), stats) = measure(|| busy(&mut registry));
    assert_eq!(stats.live, 0, "{stats:?}");
}

#[test]
fn nothing_grows_by_connections_that_come_and_go_while_nobody_polls() {
    let mut registry = Registry::new(&Config::DEFAULT);
    let mut come_and_go = |rounds: u64| {
        for round in 0..rounds {
            let id = registry.insert(ms(round)).unwrap();
            let _ = registry.handle_input(ms(round), id, b"$H|a|b|c|d\nPING\nnope\n>torn").unwrap();
            registry.accept(ms(round), id, "u").unwrap();
            registry.start(ms(round), id).unwrap();
            registry.remove(id).unwrap();
        }
        registry.len()
    };
    assert_eq!(come_and_go(10), 0);
    let (len, stats) = measure(|| come_and_go(if cfg!(miri) { 100 } else { 50_000 }));
    assert_eq!((len, stats.live), (0, 0), "{stats:?}");
    // Nor by several at once.
    let mut registry = Registry::new(&Config::DEFAULT);
    let mut waves = |rounds: u64| {
        for round in 0..rounds {
            let ids: Vec<ConnectionId> = (0..64).map(|_| registry.insert(ms(round)).unwrap()).collect();
            for id in &ids {
                let _ = registry.handle_input(ms(round), *id, b"PING\n").unwrap();
            }
            // From the middle outwards, so that slots are freed in another order than they were taken.
            for at in 0..32 {
                registry.remove(ids[31 - at]).unwrap();
                registry.remove(ids[32 + at]).unwrap();
            }
        }
    };
    waves(3);
    let ((), stats) = measure(|| waves(if cfg!(miri) { 5 } else { 500 }));
    assert_eq!(stats.live, 0, "{stats:?}");
}

/// `len` registered connections, of which ten are at their deadline of 10 s and the others are not.
fn ten_of(len: usize) -> Registry {
    let mut registry = Registry::new(&Config::DEFAULT);
    let ids: Vec<ConnectionId> = (0..len).map(|_| registered(&mut registry, ms(0), "u")).collect();
    // Scattered over all slots.
    for (at, id) in ids.iter().enumerate() {
        if at % (len / 10) != 0 {
            assert_eq!(registry.handle_input(ms(5000), *id, b"$P\n"), Ok(3));
        }
    }
    registry
}

#[test]
fn a_tick_allocates_and_tells_for_those_that_expire_and_for_nobody_else() {
    let tick = |len: usize| {
        let mut registry = ten_of(len);
        assert_no_alloc(|| {
            assert_eq!(registry.poll_deadline(), Some(ms(10_000)));
            registry.handle_timeout(ms(9_999));
            assert_eq!(registry.poll_event(), None);
        });
        let (told, stats) = measure(|| {
            registry.handle_timeout(ms(10_000));
            let mut told = 0;
            while registry.poll_event().is_some() {
                told += 1;
            }
            told
        });
        assert_eq!((told, registry.len(), registry.poll_deadline()), (20, len - 10, Some(ms(15_000))));
        stats.allocations
    };
    // One room for two events for each of the ten, whoever else is there.
    assert_eq!(tick(MANY / 100), tick(MANY));
}

#[test]
fn a_sign_of_life_allocates_nothing() {
    let mut registry = Registry::new(&Config::DEFAULT);
    let ids: Vec<ConnectionId> = (0..100).map(|at| registered(&mut registry, ms(at), "u")).collect();
    assert_no_alloc(|| {
        for id in ids.iter().rev() {
            assert_eq!(registry.handle_input(ms(1000), *id, b"$P\n"), Ok(3));
        }
    });
    assert_eq!(registry.poll_deadline(), Some(ms(11_000)));
}

// A scan over all connections allocates nothing and so cannot be counted from outside: where the work of one step grew with
// the number of connections, n steps over n of them would be quadratic.

#[test]
fn law_11_ticks_cost_what_expires() {
    if cfg!(miri) {
        return;
    }
    let prepare = |len: usize| {
        let mut registry = Registry::new(&Config::DEFAULT);
        for at in 0..len {
            registered(&mut registry, ms(at as u64), "u");
        }
        registry
    };
    // One expires with each tick.
    laws::linear_cpu(2_000, prepare, |mut registry| {
        let mut ticks = 0_u64;
        while let Some(deadline) = registry.poll_deadline() {
            assert_eq!(deadline, ms(10_000 + ticks));
            registry.handle_timeout(deadline);
            assert_eq!(events(&mut registry).len(), 2);
            ticks += 1;
        }
        ticks
    });
    // And none: many times, so that what the registry's own end costs does not show.
    laws::linear_cpu(1_000, prepare, |mut registry| {
        let ticks = 64 * registry.len() as u64;
        (0..ticks).for_each(|at| registry.handle_timeout(ms(9_000 + at % 999)));
        registry
    });
}

#[test]
fn law_11_a_sign_of_life_and_the_next_deadline_cost_the_same_however_many_there_are() {
    if cfg!(miri) {
        return;
    }
    let prepare = |len: usize| {
        let mut registry = Registry::new(&Config::DEFAULT);
        let ids: Vec<ConnectionId> = (0..len).map(|_| registered(&mut registry, ms(0), "u")).collect();
        (registry, ids)
    };
    laws::linear_cpu(500, prepare, |(mut registry, ids)| {
        for round in 1..=16 {
            // Each other from the end, so that neighbours in the list are none in memory.
            for id in ids.iter().rev().step_by(2).chain(ids.iter().step_by(2)) {
                let _ = registry.handle_input(ms(round), *id, b"$P\n").unwrap();
                assert!(registry.poll_deadline().is_some());
            }
        }
        registry
    });
    // Coming and going, too.
    laws::linear_cpu(500, prepare, |(mut registry, mut ids)| {
        for round in 1..=16 {
            for id in ids.iter_mut().rev().step_by(2) {
                registry.remove(*id).unwrap();
                *id = registry.insert(ms(round)).unwrap();
            }
        }
        registry
    });
}

//! The client's machine from outside: the tables of SPEC.md §7 written out by hand, IDs, deadlines, rooms, limits, the laws of
//! `DESIGN.md`, and a model in the plainest words that it must agree with on random calls.
//!
//! Bytes are made and taken apart by hand here, from the header's table; data is that of the golden frames.
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

testkit::counting_allocator!();

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, laws, measure};
use thingsdb_wire::{
    Body, Client, ClientEvent, CloseReason, Config, Dialect, EncodeError, Error, FromClient, FromServer, Limit, Limits,
    Package, UsageError, legacy, module, siridb, v1,
};

// Words of each dialect.

/// What is said in the tests: TYPE and data.
struct Words {
    dialect: Dialect,
    auth: (u8, Vec<u8>),
    request: (u8, Vec<u8>),
    answer: (u8, Vec<u8>),
    error: (u8, Vec<u8>),
    event: Option<(u8, Vec<u8>)>,
    /// TYPE of an error that is an answer to the authentication, with the ID of the authentication.
    denied: (u8, Vec<u8>),
}

fn words(dialect: Dialect) -> Words {
    let word = |kind, digits| (kind, hex(digits));
    let (auth, request, answer, error, event) = match dialect.name {
        "v1" => (
            word(33, "92a561646d696ea470617373"),
            word(34, "92a24074a631202b20313b"),
            word(18, "02"),
            word(19, "82aa6572726f725f636f6465ffa96572726f725f6d7367ae696e7465726e616c206572726f72"),
            Some(word(0, "a74f46464c494e45")),
        ),
        "legacy S1" => (
            word(33, "ef8561646d696e8470617373"),
            word(35, "f485717565727983312b31"),
            word(66, "02"),
            word(101, "f58a6572726f725f636f6465e89b896572726f725f6d7367846f6f7073"),
            Some(word(19, "874f46464c494e45")),
        ),
        "legacy S2" => (
            word(33, "ef8561646d696e8470617373"),
            word(36, "f585717565727984312b313b8a636f6c6c656374696f6e857374756666"),
            word(66, "02"),
            word(96, "f58a6572726f725f636f646575896572726f725f6d7367846f6f7073"),
            Some(word(19, "874f46464c494e45")),
        ),
        "legacy September" => (
            word(33, "ef8561646d696e8470617373"),
            word(34, "ef85737475666684312b313b"),
            word(66, "02"),
            word(96, "f58a6572726f725f636f646575896572726f725f6d7367846f6f7073"),
            Some(word(19, "874f46464c494e45")),
        ),
        "module" => (
            word(64, "81a46661696cc3"),
            word(80, "82a66d6f64756c65a67261776d6f64a3616374a26f6b"),
            word(81, "81a3676f740a"),
            word(82, "92d09ba6637573746f6d"),
            None,
        ),
        "siridb" => (
            word(2, "f08469726973847369726986646274657374"),
            word(0, "ef9173656c656374202a2066726f6d20226122fb"),
            word(1, "fd8b737563636573735f6d7367826f6b"),
            word(65, "fd896572726f725f6d7367846f6f7073"),
            None,
        ),
        other => panic!("{other}"),
    };
    let denied = (dialect.denied.kind, dialect.denied.data.to_vec());
    Words { dialect, auth, request, answer, error, event, denied }
}

fn dialects() -> [Dialect; 6] {
    [legacy::S1, legacy::S2, legacy::SEPTEMBER, v1::DIALECT, module::DIALECT, siridb::DIALECT]
}

impl Words {
    fn config(&self) -> Config {
        Config::new(&self.dialect)
    }

    fn ok(&self, id: u16) -> Vec<u8> {
        package(id, self.dialect.accepted.kind, self.dialect.accepted.data)
    }

    /// A drained client that was let in.
    fn client_with(&self, config: &Config, now: Duration) -> Client {
        let mut client = Client::new(config, now);
        self.log_in(&mut client, now);
        client
    }

    fn client(&self) -> Client {
        self.client_with(&self.config(), ms(0))
    }

    fn log_in(&self, client: &mut Client, now: Duration) {
        let id = client.request(now, body(&self.auth)).unwrap();
        feed(client, now, &self.ok(id));
        assert_eq!(client.poll_event(), Some(ClientEvent::Authenticated));
        drop(sent(client));
    }

    fn ask(&self, client: &mut Client, now: Duration) -> u16 {
        client.request(now, body(&self.request)).unwrap()
    }

    fn answer(&self, id: u16) -> Vec<u8> {
        package(id, self.answer.0, &self.answer.1)
    }
}

fn v1() -> Words {
    words(v1::DIALECT)
}

fn body((kind, data): &(u8, Vec<u8>)) -> Body {
    Body::new(*kind, data.clone())
}

/// A package by the table of the header: LEN, ID, TYPE, CHK, DATA.
fn package(id: u16, kind: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = (data.len() as u32).to_le_bytes().to_vec();
    bytes.extend([id as u8, (id >> 8) as u8, kind, 0xff ^ kind]);
    bytes.extend(data);
    bytes
}

// What goes in and comes out.

/// Hands in what must be taken at once.
fn feed(client: &mut Client, now: Duration, bytes: &[u8]) {
    assert_eq!(client.handle_input(now, bytes), bytes.len());
}

fn told(client: &mut Client) -> Vec<String> {
    std::iter::from_fn(|| client.poll_event()).map(|event| text(&event)).collect()
}

/// All that an event holds.
fn text(event: &ClientEvent) -> String {
    let all = |package: &Package| format!("{}#{} {}", package.kind, package.id, to_hex(&package.data));
    match event {
        ClientEvent::Authenticated => "Authenticated".into(),
        ClientEvent::Denied(package) => format!("Denied {}", all(package)),
        ClientEvent::Answer { request, package } => format!("Answer to {request}: {}", all(package)),
        ClientEvent::Error { request, package } => format!("Error to {request}: {}", all(package)),
        ClientEvent::Event(package) => format!("Event {}", all(package)),
        ClientEvent::TimedOut { id, request } => format!("TimedOut {request}#{id}"),
        ClientEvent::Late { request, package } => format!("Late to {request}: {}", all(package)),
        ClientEvent::Unmatched(package) => format!("Unmatched {}", all(package)),
        ClientEvent::Unknown(package) => format!("Unknown {}", all(package)),
        ClientEvent::Lost { id, request } => format!("Lost {request}#{id}"),
        ClientEvent::Rejoin(room) => format!("Rejoin {} in {:?}", room.id, room.scope),
        ClientEvent::NotRemembered { id } => format!("NotRemembered {id}"),
        ClientEvent::Closed(CloseReason::Decode(error)) => {
            format!("Closed {} at {} ({})", error.kind(), error.offset(), error.what())
        }
        ClientEvent::Closed(reason) => format!("Closed {reason:?}"),
        other => panic!("unexpected {other:?}"),
    }
}

fn bytes_of(client: &mut Client) -> Vec<u8> {
    std::iter::from_fn(|| client.poll_transmit()).flatten().collect()
}

/// The packages that wait to be sent, as (ID, TYPE, data), by the table of the header.
fn sent(client: &mut Client) -> Vec<(u16, u8, Vec<u8>)> {
    let bytes = bytes_of(client);
    let (mut rest, mut all) = (&bytes[..], Vec::new());
    while let Some((header, behind)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, low, high, kind, check] = *header;
        assert_eq!(check, kind ^ 0xff);
        let (data, behind) = behind.split_at(u32::from_le_bytes([a, b, c, d]) as usize);
        all.push((u16::from_le_bytes([low, high]), kind, data.to_vec()));
        rest = behind;
    }
    assert_eq!(rest, b"");
    all
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const NANO: Duration = Duration::from_nanos(1);

fn limit(limit: Limit, max: u64) -> Error {
    Error::Usage(UsageError::LimitReached { limit, max })
}

// The table: what may be asked.

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Fresh,
    Pending,
    Denied,
    Authenticated,
    /// Asked again, not answered.
    PendingAgain,
    /// Asked again, and denied.
    DeniedAgain,
    Closed,
    Reconnected,
}

const STATES: [State; 8] = [
    State::Fresh,
    State::Pending,
    State::Denied,
    State::Authenticated,
    State::PendingAgain,
    State::DeniedAgain,
    State::Closed,
    State::Reconnected,
];

fn client_in(state: State, words: &Words) -> Client {
    let mut client = Client::new(&words.config(), ms(0));
    let deny = |client: &mut Client| {
        let id = client.request(ms(0), body(&words.auth)).unwrap();
        feed(client, ms(0), &package(id, words.denied.0, &words.denied.1));
        assert!(matches!(client.poll_event(), Some(ClientEvent::Denied(_))));
    };
    match state {
        State::Fresh => {}
        State::Pending => drop(client.request(ms(0), body(&words.auth)).unwrap()),
        State::Denied => deny(&mut client),
        State::Authenticated => words.log_in(&mut client, ms(0)),
        State::PendingAgain => {
            words.log_in(&mut client, ms(0));
            client.request(ms(0), body(&words.auth)).unwrap();
        }
        State::DeniedAgain => {
            words.log_in(&mut client, ms(0));
            deny(&mut client);
        }
        State::Closed => {
            words.log_in(&mut client, ms(0));
            client.close(ms(0));
        }
        State::Reconnected => {
            words.log_in(&mut client, ms(0));
            client.close(ms(0));
            client.reconnect(ms(0)).unwrap();
        }
    }
    told(&mut client);
    sent(&mut client);
    client
}

#[test]
fn every_type_in_every_state_is_sent_or_refused_as_the_specification_says() {
    use State::{Authenticated, Closed, Denied, DeniedAgain, Fresh, Pending, PendingAgain, Reconnected};
    for dialect in dialects() {
        let words = words(dialect);
        for state in STATES {
            for kind in 0..=u8::MAX {
                let mut client = client_in(state, &words);
                let before = client.in_flight();
                let asked = client.request(ms(1), Body::new(kind, &b"\x01\x02"[..]));
                let refused = match ((dialect.from_client)(kind), state) {
                    (_, Closed) => Some(UsageError::Closed),
                    (FromClient::Auth, Pending | PendingAgain) => Some(UsageError::AuthPending),
                    (FromClient::Auth | FromClient::Open, _) => None,
                    (_, Authenticated | PendingAgain | DeniedAgain) => None,
                    (_, Fresh | Reconnected) if dialect.name == "module" => None,
                    (_, Fresh | Reconnected | Pending | Denied) => Some(UsageError::NotAuthenticated { kind }),
                };
                let place = format!("{} {kind} in {state:?}", dialect.name);
                match refused {
                    Some(error) => {
                        assert_eq!(asked, Err(Error::Usage(error)), "{place}");
                        assert_eq!((sent(&mut client), client.in_flight()), (vec![], before), "{place}");
                    }
                    None => {
                        let id = asked.unwrap_or_else(|error| panic!("{place}: {error}"));
                        assert_eq!(sent(&mut client), [(id, kind, vec![1, 2])], "{place}");
                    }
                }
                assert_eq!(told(&mut client), [""; 0], "{place}");
                let is_in = matches!(state, Authenticated | PendingAgain | DeniedAgain);
                assert_eq!(client.is_authenticated(), is_in, "{place}");
            }
        }
    }
}

// The table: what may come.

/// One of each that may be under way, with its ID.
struct UnderWay {
    client: Client,
    waiting: u16,
    given_up: u16,
    auth: u16,
    ping: Option<u16>,
}

fn under_way(words: &Words) -> UnderWay {
    let mut client = words.client();
    let waiting = words.ask(&mut client, ms(0));
    let given_up = words.ask(&mut client, ms(0));
    client.give_up(given_up).unwrap();
    // The default interval: the authentication comes later, lest its time is over, too.
    client.handle_timeout(s(30));
    let ping =
        sent(&mut client).into_iter().find(|(_, kind, _)| Some(*kind) == words.dialect.ping.map(|(ping, _)| ping));
    let auth = client.request(s(30), body(&words.auth)).unwrap();
    sent(&mut client);
    assert_eq!(told(&mut client), [""; 0]);
    UnderWay { client, waiting, given_up, auth, ping: ping.map(|(id, _, _)| id) }
}

#[test]
fn every_type_with_every_id_is_told_as_the_specification_says() {
    for dialect in dialects() {
        let words = words(dialect);
        let UnderWay { waiting, given_up, auth, ping, .. } = under_way(&words);
        assert_eq!(ping.is_some(), dialect.name != "module");
        let mut ids: BTreeSet<u16> = [waiting, given_up, auth, 0, 40_000, u16::MAX].into();
        ids.extend(ping);
        for id in ids {
            for kind in 0..=u8::MAX {
                let mut client = under_way(&words).client;
                let before = client.in_flight();
                feed(&mut client, s(31), &package(id, kind, b"\xc0"));
                let (request, asks) = (words.request.0, words.auth.0);
                // A module's CONF has the ID of its first request: what is said to it goes by TYPE.
                let is_auth = id == auth && dialect.name != "module";
                let class = (dialect.from_server)(kind);
                let all = format!("{kind}#{id} c0");
                let (expected, freed) = match class {
                    FromServer::Event => (vec![format!("Event {all}")], 0),
                    FromServer::Unknown => (vec![format!("Unknown {all}")], 0),
                    FromServer::Accepted => (vec!["Authenticated".to_owned()], 0),
                    FromServer::Denied => (vec![format!("Denied {all}")], 0),
                    FromServer::Answer if is_auth => (vec!["Authenticated".to_owned()], 1),
                    FromServer::Error if is_auth => (vec![format!("Denied {all}")], 1),
                    FromServer::Answer if id == waiting => (vec![format!("Answer to {request}: {all}")], 1),
                    FromServer::Error if id == waiting => (vec![format!("Error to {request}: {all}")], 1),
                    _ if id == given_up => (vec![format!("Late to {request}: {all}")], 1),
                    _ if Some(id) == ping => (vec![], 1),
                    _ => (vec![format!("Unmatched {all}")], 0),
                };
                let place = format!("{} {all}", dialect.name);
                assert_eq!(told(&mut client), expected, "{place}");
                assert_eq!(client.in_flight(), before - freed, "{place}");
                assert!(client.is_authenticated(), "{place}");
                let is_answered = expected.iter().any(|told| told == "Authenticated" || told.starts_with("Denied"));
                let again = client.request(s(31), Body::empty(asks));
                assert_eq!(again.is_ok(), is_answered, "{place}");
            }
        }
    }
}

#[test]
fn an_answer_to_nothing_is_unmatched_and_a_second_answer_too() {
    for dialect in dialects() {
        let words = words(dialect);
        let mut client = words.client();
        let id = words.ask(&mut client, ms(0));
        feed(&mut client, ms(1), &[words.answer(id), words.answer(id)].concat());
        let all = format!("{}#{id} {}", words.answer.0, to_hex(&words.answer.1));
        assert_eq!(told(&mut client), [format!("Answer to {}: {all}", words.request.0), format!("Unmatched {all}")]);
        feed(&mut client, ms(1), &package(9, words.denied.0, b""));
        assert_eq!(told(&mut client), [format!("Unmatched {}#9 ", words.denied.0)]);
        assert!(client.is_authenticated());
    }
}

// IDs.

#[test]
fn ids_begin_where_the_peers_begin_and_authentication_has_one_of_its_own() {
    for dialect in dialects() {
        let words = words(dialect);
        let mut client = Client::new(&words.config(), ms(0));
        let auth = client.request(ms(0), body(&words.auth)).unwrap();
        feed(&mut client, ms(0), &words.ok(auth));
        let ids: Vec<u16> = (0..3).map(|_| words.ask(&mut client, ms(0))).collect();
        if dialect.name == "module" {
            assert_eq!((auth, ids), (0, vec![0, 1, 2]));
            // The ID of its answer is not looked at, nor that of a second one.
            assert_eq!(client.request(ms(0), body(&words.auth)), Ok(0));
            assert_eq!(words.ask(&mut client, ms(0)), 3);
        } else {
            assert_eq!((auth, ids), (1, vec![2, 3, 4]));
            assert_eq!(client.request(ms(0), body(&words.auth)), Ok(5));
        }
    }
}

#[test]
fn ids_wrap_and_pass_over_the_one_in_flight() {
    for dialect in [v1::DIALECT, module::DIALECT, legacy::S2] {
        let words = words(dialect);
        let mut client = words.client();
        let mut id = if dialect.name == "module" { 0_u16 } else { 2 };
        let mut stuck = None;
        for round in 0..70_000 {
            let given = words.ask(&mut client, ms(0));
            assert_eq!(given, id, "{} {round}", dialect.name);
            if round == 100 {
                stuck = Some(given);
            } else {
                feed(&mut client, ms(0), &words.answer(given));
            }
            while client.poll_event().is_some() || client.poll_transmit().is_some() {}
            id = id.wrapping_add(1);
            if Some(id) == stuck {
                id += 1;
            }
        }
        assert_eq!(client.in_flight(), 1);
        feed(&mut client, ms(0), &words.answer(stuck.unwrap()));
        assert_eq!(told(&mut client).len(), 1);
    }
}

#[test]
fn no_id_is_given_twice_while_answers_come_in_any_order() {
    let words = v1();
    let mut client = words.client_with(&words.config().with_keep_alive(Duration::MAX, Duration::MAX), s(1));
    let mut rng = Rng::new(4);
    let mut waiting: Vec<u16> = Vec::new();
    for _ in 0..70_000 {
        if waiting.len() == 1000 || (!waiting.is_empty() && rng.below(100) < 48) {
            let id = waiting.swap_remove(rng.below(waiting.len()));
            feed(&mut client, s(1), &words.answer(id));
            let Some(ClientEvent::Answer { request: 34, package }) = client.poll_event() else { panic!("{id}") };
            assert_eq!(package.id, id);
        } else {
            let id = words.ask(&mut client, s(1));
            assert!(!waiting.contains(&id), "{id}");
            waiting.push(id);
            while client.poll_transmit().is_some() {}
        }
        assert_eq!(client.in_flight(), waiting.len());
    }
}

#[test]
fn in_flight_is_capped_and_an_answer_makes_room() {
    let words = v1();
    let mut client = words.client();
    let ids: Vec<u16> = (0..1024).map(|_| words.ask(&mut client, ms(0))).collect();
    let refused = Err(limit(Limit::MaxInFlight, 1024));
    assert_eq!(client.request(ms(0), body(&words.request)), refused);
    assert_eq!(client.request(ms(0), body(&words.auth)), refused);
    assert_eq!(client.request(ms(0), Body::empty(32u8)), refused);
    feed(&mut client, ms(0), &words.answer(ids[500]));
    assert_eq!(words.ask(&mut client, ms(0)), 1026);
    assert_eq!(client.request(ms(0), body(&words.request)), refused);
}

#[test]
fn at_most_half_of_all_ids_are_in_flight() {
    let words = v1();
    let config = words.config().with_limits(Limits::V1.with_max_in_flight(u16::MAX));
    let mut client = words.client_with(&config, ms(0));
    let ids: BTreeSet<u16> = (0..32_768).map(|_| words.ask(&mut client, ms(0))).collect();
    assert_eq!(ids.len(), 32_768);
    assert_eq!(client.request(ms(0), body(&words.request)), Err(limit(Limit::MaxInFlight, 32_768)));
}

#[test]
fn what_is_refused_takes_no_id() {
    let words = v1();
    let limits = Limits::V1.with_max_data_len(11).with_max_queued_bytes(40);
    let mut client = Client::new(&words.config().with_limits(limits), ms(0));
    let large = Error::Encode(EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met: 12, max: 11 });
    assert_eq!(client.request(ms(0), body(&words.auth)), Err(large));
    // Neither is an authentication under way now.
    assert_eq!(client.request(ms(0), body(&words.auth)), Err(large));
    assert_eq!(client.in_flight(), 0);
    assert_eq!(client.request(ms(0), Body::new(33u8, &b"\xa1x"[..])), Ok(1));
    feed(&mut client, ms(0), &words.ok(1));
    sent(&mut client);
    assert_eq!(client.request(ms(0), body(&words.request)), Ok(2));
    assert_eq!(client.request(ms(0), body(&words.request)), Ok(3));
    assert_eq!(client.request(ms(0), body(&words.request)), Err(limit(Limit::MaxQueuedBytes, 40)));
    assert_eq!(client.in_flight(), 2);
    assert_eq!(sent(&mut client).len(), 2);
    assert_eq!(client.request(ms(0), body(&words.request)), Ok(4));
}

#[test]
fn an_id_that_ran_out_of_time_is_reserved_until_its_late_answer() {
    for gives_up in [true, false] {
        let words = v1();
        let config = words.config().with_request_timeout(s(1)).with_limits(Limits::V1.with_max_in_flight(2));
        let mut client = words.client_with(&config, ms(0));
        let old = words.ask(&mut client, ms(0));
        if gives_up {
            client.give_up(old).unwrap();
            assert_eq!(client.give_up(old), Err(UsageError::NoSuchRequest { id: old }));
        } else {
            client.handle_timeout(s(1));
            assert_eq!(told(&mut client), [format!("TimedOut 34#{old}")]);
            assert_eq!(client.give_up(old), Err(UsageError::NoSuchRequest { id: old }));
        }
        // It counts as in flight.
        let other = words.ask(&mut client, s(1));
        assert_eq!(client.request(s(1), body(&words.request)), Err(limit(Limit::MaxInFlight, 2)));
        feed(&mut client, s(1), &words.answer(other));
        for _ in 0..65_535 {
            let id = words.ask(&mut client, s(1));
            assert_ne!(id, old);
            feed(&mut client, s(1), &words.answer(id));
            while client.poll_event().is_some() || client.poll_transmit().is_some() {}
        }
        feed(&mut client, s(1), &words.answer(old));
        assert_eq!(told(&mut client), [format!("Late to 34: 18#{old} 02")]);
        assert_eq!(client.in_flight(), 0);
        let mut seen = false;
        for _ in 0..65_536 {
            let id = words.ask(&mut client, s(1));
            seen |= id == old;
            feed(&mut client, s(1), &words.answer(id));
            while client.poll_event().is_some() || client.poll_transmit().is_some() {}
        }
        assert!(seen, "{old} is free again");
    }
}

#[test]
fn a_reconnect_frees_reserved_ids() {
    let words = v1();
    let config = words.config().with_request_timeout(s(1));
    let mut client = words.client_with(&config, ms(0));
    assert_eq!(words.ask(&mut client, ms(0)), 2);
    client.handle_timeout(s(1));
    client.close(s(1));
    assert_eq!(told(&mut client), ["TimedOut 34#2", "Closed Local"]);
    client.reconnect(s(1)).unwrap();
    assert_eq!(client.in_flight(), 0);
    words.log_in(&mut client, s(1));
    assert_eq!(words.ask(&mut client, s(1)), 2);
    // The old answer does not come on the new connection; if it did, it would be this one's.
    feed(&mut client, s(1), &words.answer(2));
    assert_eq!(told(&mut client), ["Answer to 34: 18#2 02"]);
}

#[test]
fn only_requests_that_somebody_waits_for_are_given_up() {
    let words = v1();
    let UnderWay { mut client, waiting, given_up, auth, ping } = under_way(&words);
    for id in [given_up, auth, ping.unwrap(), 0, 999] {
        assert_eq!(client.give_up(id), Err(UsageError::NoSuchRequest { id }));
    }
    assert_eq!(client.give_up(waiting), Ok(()));
    feed(&mut client, s(31), &package(waiting, 19, b"\xc0"));
    assert_eq!(told(&mut client), [format!("Late to 34: 19#{waiting} c0")]);
    assert_eq!(client.give_up(waiting), Err(UsageError::NoSuchRequest { id: waiting }));
}

// Order.

/// The fact sheet's §1: a query that changes data (2), a plain one (3) and a ping (4) are answered 3, 4, 2.
#[test]
fn answers_come_in_any_order() {
    for (dialect, ping, pong) in [(v1::DIALECT, 32u8, 16), (legacy::S2, 32, 64)] {
        let words = words(dialect);
        let mut client = words.client();
        assert_eq!([words.ask(&mut client, ms(0)), words.ask(&mut client, ms(0))], [2, 3]);
        assert_eq!(client.request(ms(0), Body::empty(ping)), Ok(4));
        let answers = [words.answer(3), package(4, pong, b""), words.answer(2)].concat();
        feed(&mut client, ms(0), &answers);
        let (asks, is) = (words.request.0, words.answer.0);
        assert_eq!(
            told(&mut client),
            [
                format!("Answer to {asks}: {is}#3 02"),
                format!("Answer to {ping}: {pong}#4 "),
                format!("Answer to {asks}: {is}#2 02"),
            ]
        );
    }
}

/// Events by their TYPE: with the IDs of events while requests with these IDs are in flight.
#[test]
fn events_are_told_from_answers_by_type() {
    for mut dialect in dialects() {
        let words_of = words(dialect);
        let Some((event, data)) = words_of.event.clone() else { continue };
        dialect.first_id = u16::MAX - 1;
        let words = Words { dialect, ..words_of };
        let mut client = words.client();
        let ids = [words.ask(&mut client, ms(0)), words.ask(&mut client, ms(0))];
        assert_eq!(ids, [u16::MAX, 0]);
        for id in ids {
            feed(&mut client, ms(0), &package(id, event, &data));
            assert_eq!(told(&mut client), [format!("Event {event}#{id} {}", to_hex(&data))]);
        }
        assert_eq!(client.in_flight(), 2);
        for id in ids {
            feed(&mut client, ms(0), &words.answer(id));
            assert_eq!(told(&mut client), [format!("Answer to {}: {}#{id} 02", words.request.0, words.answer.0)]);
        }
    }
}

const JOIN_5_456: &str = "93a72f2f737475666605cd01c8";
const ROOM_5: &str = "82a573636f7065b140636f6c6c656374696f6e3a7374756666a2696405";
const EMIT_5: &str = "84a573636f7065b140636f6c6c656374696f6e3a7374756666a2696405a56576656e74ab6e65772d6d657373616765a46172677391a648656c6c6f21";

fn v1_body(kind: u8, digits: &str) -> Body {
    Body::new(kind, hex(digits))
}

/// Golden frames, with the IDs of this client: the JOIN event comes after the answer, those of EMIT and LEAVE before.
#[test]
fn events_come_before_and_after_the_answer_of_what_caused_them() {
    let words = v1();
    let mut client = words.client();
    let event = |kind, digits: &str| package(u16::MAX, kind, &hex(digits));
    assert_eq!(client.request(ms(0), v1_body(38, JOIN_5_456)), Ok(2));
    feed(&mut client, ms(0), &[package(2, 18, &hex("9205c0")), event(6, ROOM_5)].concat());
    assert_eq!(told(&mut client), ["Answer to 38: 18#2 9205c0".to_owned(), format!("Event 6#65535 {ROOM_5}")]);
    assert_eq!(client.request(ms(0), v1_body(40, "94a72f2f737475666605ab6e65772d6d657373616765a648656c6c6f21")), Ok(3));
    feed(&mut client, ms(0), &[event(8, EMIT_5), package(3, 17, b"")].concat());
    assert_eq!(told(&mut client), [format!("Event 8#65535 {EMIT_5}"), "Answer to 40: 17#3 ".to_owned()]);
    assert_eq!(client.request(ms(0), v1_body(39, JOIN_5_456)), Ok(4));
    feed(&mut client, ms(0), &[event(7, ROOM_5), package(4, 18, &hex("9205c0"))].concat());
    assert_eq!(told(&mut client), [format!("Event 7#65535 {ROOM_5}"), "Answer to 39: 18#4 9205c0".to_owned()]);
}

#[test]
fn an_unknown_type_with_the_id_of_a_request_leaves_it_waiting() {
    for dialect in dialects() {
        let words = words(dialect);
        let mut client = words.client();
        let id = words.ask(&mut client, ms(0));
        feed(&mut client, ms(0), &[package(id, 200, b"x"), words.answer(id)].concat());
        let told = told(&mut client);
        assert_eq!(told[0], format!("Unknown 200#{id} 78"));
        assert!(told[1].starts_with(&format!("Answer to {}", words.request.0)), "{told:?}");
        assert_eq!(told.len(), 2);
    }
}

// Authentication.

#[test]
fn authentication_is_denied_and_then_accepted() {
    for dialect in dialects() {
        let words = words(dialect);
        let mut client = Client::new(&words.config(), ms(0));
        let first = client.request(ms(0), body(&words.auth)).unwrap();
        assert_eq!(sent(&mut client), [(first, words.auth.0, words.auth.1.clone())]);
        feed(&mut client, ms(1), &package(first, words.denied.0, &words.denied.1));
        let denied = format!("Denied {}#{first} {}", words.denied.0, to_hex(&words.denied.1));
        assert_eq!(told(&mut client), [denied]);
        assert!(!client.is_authenticated() && client.close_reason().is_none());
        let second = client.request(ms(1), body(&words.auth)).unwrap();
        feed(&mut client, ms(2), &words.ok(second));
        assert_eq!(told(&mut client), ["Authenticated"]);
        assert!(client.is_authenticated());
        assert_eq!(client.in_flight(), 0);
        words.ask(&mut client, ms(2));
    }
}

#[test]
fn who_was_authenticated_before_still_is_when_asked_again_in_vain() {
    for dialect in dialects() {
        let words = words(dialect);
        for (state, told_before) in [(State::PendingAgain, 0), (State::DeniedAgain, 0)] {
            let mut client = client_in(state, &words);
            assert!(client.is_authenticated());
            words.ask(&mut client, ms(1));
            assert_eq!(told(&mut client).len(), told_before);
        }
    }
}

#[test]
fn silence_after_an_authentication_closes() {
    for dialect in dialects() {
        let words = words(dialect);
        let mut client = Client::new(&words.config().with_auth_timeout(s(3)), s(7));
        let id = client.request(s(8), body(&words.auth)).unwrap();
        // One that needs no authentication, where there is one.
        let open = dialect.ping.map(|(ping, _)| (ping, client.request(s(8), Body::empty(ping)).unwrap()));
        assert_eq!(client.poll_deadline(), Some(s(11)));
        client.handle_timeout(s(11) - NANO);
        assert_eq!(told(&mut client), [""; 0]);
        client.handle_timeout(s(11));
        let mut expected = vec![format!("Lost {}#{id}", words.auth.0)];
        expected.extend(open.map(|(ping, id)| format!("Lost {ping}#{id}")));
        expected.push("Closed AuthTimeout".into());
        assert_eq!(told(&mut client), expected);
        assert_eq!((client.poll_deadline(), client.close_reason()), (None, Some(CloseReason::AuthTimeout)));
    }
}

#[test]
fn an_authentication_ignores_the_time_of_requests() {
    let words = v1();
    let config = words.config().with_request_timeout(ms(5));
    let mut client = Client::new(&config, s(1));
    client.request_with_timeout(s(1), body(&words.auth), ms(1)).unwrap();
    assert_eq!(client.poll_deadline(), Some(s(11)));
    client.handle_timeout(s(10));
    assert_eq!(told(&mut client), [""; 0]);
    feed(&mut client, s(10), &words.ok(1));
    assert_eq!(told(&mut client), ["Authenticated"]);
}

#[test]
fn modules_need_a_configuration_only_if_there_is_one() {
    let words = words(module::DIALECT);
    let refused = Err(Error::Usage(UsageError::NotAuthenticated { kind: 80 }));
    // None: requests at once.
    let mut client = Client::new(&words.config(), ms(0));
    assert_eq!(client.request(ms(0), body(&words.request)), Ok(0));
    // One in the middle: requests before its answer are refused again, those under way are not touched.
    assert_eq!(client.request(ms(0), body(&words.auth)), Ok(0));
    assert_eq!(client.request(ms(0), body(&words.request)), refused);
    feed(&mut client, ms(0), &words.answer(0));
    assert_eq!(told(&mut client), ["Answer to 80: 81#0 81a3676f740a"]);
    assert_eq!(client.request(ms(0), body(&words.request)), refused);
    // An error with the ID of CONF is not an answer to it.
    feed(&mut client, ms(0), &package(0, 82, &words.error.1));
    assert_eq!(told(&mut client), ["Unmatched 82#0 92d09ba6637573746f6d"]);
    // CONF_OK with any ID, and with nil as py-timod sends it.
    feed(&mut client, ms(0), &package(4711, 65, b"\xc0"));
    assert_eq!(told(&mut client), ["Authenticated"]);
    assert_eq!(client.request(ms(0), body(&words.request)), Ok(1));
    feed(&mut client, ms(0), &package(0, 65, b""));
    assert_eq!(told(&mut client), ["Unmatched 65#0 "]);
    // Denied: refused.
    let mut client = Client::new(&words.config(), ms(0));
    client.request(ms(0), body(&words.auth)).unwrap();
    feed(&mut client, ms(0), &package(9, 66, &hex("92d0caac6e6f207375636820636f6e66")));
    assert_eq!(told(&mut client), ["Denied 66#9 92d0caac6e6f207375636820636f6e66"]);
    assert_eq!(client.request(ms(0), body(&words.request)), refused);
}

// Keep-alive.

#[test]
fn silence_is_answered_with_a_ping_and_more_of_it_with_an_end() {
    for dialect in dialects() {
        let words = words(dialect);
        let mut client = Client::new(&words.config(), s(5));
        let Some((ping, pong)) = dialect.ping else {
            assert_eq!(client.poll_deadline(), None);
            continue;
        };
        assert_eq!(client.poll_deadline(), Some(s(35)));
        client.handle_timeout(s(35) - NANO);
        assert_eq!(bytes_of(&mut client), b"");
        client.handle_timeout(s(35));
        assert_eq!(bytes_of(&mut client), package(1, ping, b""));
        assert_eq!(client.poll_deadline(), Some(s(45)));
        feed(&mut client, s(40), &package(1, pong, b""));
        assert_eq!((told(&mut client), client.in_flight()), (vec![], 0));
        assert_eq!(client.poll_deadline(), Some(s(70)));
        client.handle_timeout(s(70));
        assert_eq!(bytes_of(&mut client), package(2, ping, b""));
        client.handle_timeout(s(80) - NANO);
        assert_eq!(told(&mut client), [""; 0]);
        client.handle_timeout(s(80));
        assert_eq!(told(&mut client), ["Closed KeepAlive"]);
        assert_eq!(client.close_reason(), Some(CloseReason::KeepAlive));
        assert_eq!(client.poll_deadline(), None);
    }
}

#[test]
fn golden_pings() {
    for (dialect, expected) in
        [(v1::DIALECT, "00000000010020df"), (legacy::S2, "00000000010020df"), (siridb::DIALECT, "00000000010003fc")]
    {
        let mut client = Client::new(&Config::new(&dialect), ms(0));
        client.handle_timeout(s(30));
        assert_eq!(to_hex(&bytes_of(&mut client)), expected);
    }
}

#[test]
fn any_byte_is_a_sign_of_life() {
    let words = v1();
    let mut client = Client::new(&words.config(), ms(0));
    let event = package(u16::MAX, 0, b"\xa5READY");
    for (index, byte) in event.iter().enumerate() {
        let now = s(29 * (index as u64 + 1));
        client.handle_timeout(now);
        feed(&mut client, now, &[*byte]);
        assert_eq!(client.poll_deadline(), Some(now + s(30)));
    }
    assert_eq!((told(&mut client).len(), bytes_of(&mut client)), (1, vec![]));
    // Nothing is none.
    let last = s(29 * event.len() as u64);
    feed(&mut client, last + s(10), b"");
    assert_eq!(client.poll_deadline(), Some(last + s(30)));
    // After a PING, too: it is not the end ten seconds after the PING.
    client.handle_timeout(last + s(30));
    feed(&mut client, last + s(39), &event[..1]);
    client.handle_timeout(last + s(40));
    assert_eq!(told(&mut client), [""; 0]);
}

#[test]
fn an_answer_to_something_else_is_a_sign_of_life_and_the_ping_is_still_recognized() {
    let words = v1();
    let mut client = words.client();
    let id = words.ask(&mut client, ms(0));
    sent(&mut client);
    client.handle_timeout(s(30));
    assert_eq!(sent(&mut client), [(3, 32, vec![])]);
    feed(&mut client, s(35), &words.answer(id));
    feed(&mut client, s(36), &package(3, 16, b""));
    assert_eq!(told(&mut client), ["Answer to 34: 18#2 02"]);
    assert_eq!(client.poll_deadline(), Some(s(66)));
}

#[test]
fn a_ping_goes_out_when_all_places_are_taken() {
    let words = v1();
    let config = words.config().with_limits(Limits::V1.with_max_in_flight(1));
    let mut client = words.client_with(&config, ms(0));
    assert_eq!(words.ask(&mut client, ms(0)), 2);
    sent(&mut client);
    client.handle_timeout(s(30));
    assert_eq!(sent(&mut client), [(3, 32, vec![])]);
    feed(&mut client, s(31), &[package(3, 16, b""), words.answer(2)].concat());
    assert_eq!(told(&mut client), ["Answer to 34: 18#2 02"]);
}

/// A peer that takes nothing more: what was queued stays queued, and silence must be noticed all the same.
#[test]
fn silence_is_noticed_while_no_more_bytes_can_wait() {
    let words = v1();
    let config = words.config().with_limits(Limits::V1.with_max_queued_bytes(20));
    let mut client = words.client_with(&config, ms(0));
    words.ask(&mut client, ms(0));
    assert_eq!(client.request(ms(0), body(&words.request)), Err(limit(Limit::MaxQueuedBytes, 20)));
    for (due, reason) in [(s(30), None), (s(40), Some(CloseReason::KeepAlive))] {
        assert_eq!(client.poll_deadline(), Some(due));
        client.handle_timeout(due);
        assert_eq!(client.close_reason(), reason);
    }
    // The PING was not queued beyond the limit.
    assert_eq!(sent(&mut client).len(), 1);
}

/// Life in between, but no PONG: silence counts anew, and no second PING goes after the first.
#[test]
fn a_ping_without_an_answer_gets_no_company() {
    let words = v1();
    let mut client = words.client();
    client.handle_timeout(s(30));
    assert_eq!(sent(&mut client), [(2, 32, vec![])]);
    feed(&mut client, s(35), &room_event(7, 5));
    assert_eq!(client.poll_deadline(), Some(s(65)));
    client.handle_timeout(s(65));
    assert_eq!((sent(&mut client), client.poll_deadline()), (vec![], Some(s(75))));
    feed(&mut client, s(70), &package(2, 16, b""));
    assert_eq!((told(&mut client).len(), client.poll_deadline()), (1, Some(s(100))));
    client.handle_timeout(s(100));
    assert_eq!(sent(&mut client), [(3, 32, vec![])]);
    feed(&mut client, s(101), &room_event(7, 5));
    client.handle_timeout(s(131));
    client.handle_timeout(s(141) - NANO);
    assert_eq!((sent(&mut client), told(&mut client).len()), (vec![], 1));
    client.handle_timeout(s(141));
    assert_eq!(told(&mut client), ["Closed KeepAlive"]);
}

/// Large data on its way: each look at which a chunk of 4 KiB was fetched since the last one is put off.
#[test]
fn a_large_upload_puts_the_ping_off() {
    for (len, puts_off) in [(4096, true), (4095 - 8, false)] {
        let words = v1();
        let mut client = words.client();
        client.request_with_timeout(ms(0), Body::new(34u8, vec![0xc0; len]), Duration::MAX).unwrap();
        let chunks: Vec<usize> = std::iter::from_fn(|| client.poll_transmit()).map(|chunk| chunk.len()).collect();
        assert_eq!(chunks.iter().any(|len| *len >= 4096), puts_off, "{chunks:?}");
        client.handle_timeout(s(30));
        assert_eq!(bytes_of(&mut client).is_empty(), puts_off);
        assert_eq!(client.poll_deadline(), Some(if puts_off { s(60) } else { s(40) }));
        client.handle_timeout(s(60));
        if puts_off {
            assert_eq!(sent(&mut client), [(3, 32, vec![])]);
        } else {
            assert_eq!(client.close_reason(), Some(CloseReason::KeepAlive));
        }
    }
}

#[test]
fn an_upload_of_minutes_is_not_given_up_while_somebody_fetches_it() {
    let words = v1();
    let mut client = words.client();
    client.request_with_timeout(ms(0), Body::new(34u8, vec![0xc0; 3 << 20]), Duration::MAX).unwrap();
    let mut now = ms(0);
    // A chunk each nine seconds: 256 KiB at most, so that there are twelve at least.
    let mut chunks = 0;
    while let Some(chunk) = client.poll_transmit() {
        assert!(chunk.len() <= 256 << 10);
        chunks += 1;
        now += s(9);
        while let Some(deadline) = client.poll_deadline().filter(|deadline| *deadline <= now) {
            client.handle_timeout(deadline);
        }
        assert_eq!(client.close_reason(), None, "at {now:?}");
    }
    assert!(chunks >= 12, "{chunks}");
    // Then silence counts.
    for _ in 0..3 {
        let deadline = client.poll_deadline().unwrap();
        client.handle_timeout(deadline);
        while client.poll_transmit().is_some() {}
        if client.close_reason().is_some() {
            break;
        }
    }
    assert_eq!(client.close_reason(), Some(CloseReason::KeepAlive));
}

#[test]
fn never_is_never() {
    let words = v1();
    let config = words
        .config()
        .with_keep_alive(Duration::MAX, Duration::MAX)
        .with_request_timeout(Duration::MAX)
        .with_auth_timeout(Duration::MAX);
    never(&config, ms(1));
}

/// 0 and never is a time that can be written, and callers add deadlines to an instant.
#[test]
fn never_is_never_on_a_clock_that_starts_at_zero() {
    let never_ever = v1().config().with_keep_alive(Duration::MAX, Duration::MAX).with_request_timeout(Duration::MAX);
    never(&never_ever.with_auth_timeout(Duration::MAX), ms(0));
}

/// Nothing is ever due.
fn never(config: &Config, start: Duration) {
    let words = v1();
    let mut client = Client::new(config, start);
    assert_eq!(client.poll_deadline(), None);
    client.request(start, body(&words.auth)).unwrap();
    assert_eq!(client.poll_deadline(), None);
    feed(&mut client, start, &words.ok(1));
    words.ask(&mut client, start);
    assert_eq!(client.poll_deadline(), None);
    client.handle_timeout(Duration::MAX);
    assert_eq!(told(&mut client), ["Authenticated"]);
}

#[test]
fn an_interval_of_zero_is_a_millisecond() {
    let mut client = Client::new(&v1().config().with_keep_alive(ms(0), ms(0)), s(2));
    assert_eq!(client.poll_deadline(), Some(s(2) + ms(1)));
    client.handle_timeout(s(2));
    assert_eq!(bytes_of(&mut client), b"");
    client.handle_timeout(s(2) + ms(1));
    assert_eq!(sent(&mut client), [(1, 32, vec![])]);
    assert_eq!(client.poll_deadline(), Some(s(2) + ms(2)));
    client.handle_timeout(s(2) + ms(2));
    assert_eq!(told(&mut client), ["Closed KeepAlive"]);
}

// Time of requests.

#[test]
fn requests_run_out_of_time_each_on_its_own() {
    let words = v1();
    let mut client = words.client_with(&words.config().with_request_timeout(s(4)), ms(0));
    let mut ask = |now, timeout| client.request_with_timeout(now, body(&words.request), timeout).unwrap();
    let ids = [ask(s(1), s(7)), ask(s(1), s(2)), ask(s(2), s(1)), ask(s(2), Duration::MAX), ask(s(2), s(9))];
    assert_eq!(ids, [2, 3, 4, 5, 6]);
    assert_eq!(words.ask(&mut client, s(2)), 7);
    assert_eq!(client.poll_deadline(), Some(s(3)));
    client.handle_timeout(s(3) - NANO);
    assert_eq!(told(&mut client), [""; 0]);
    client.handle_timeout(s(3));
    assert_eq!(told(&mut client), ["TimedOut 34#3", "TimedOut 34#4"]);
    assert_eq!(client.poll_deadline(), Some(s(6)));
    client.give_up(7).unwrap();
    assert_eq!(client.poll_deadline(), Some(s(8)));
    feed(&mut client, s(5), &words.answer(2));
    assert_eq!(client.poll_deadline(), Some(s(11)));
    client.handle_timeout(s(11));
    assert_eq!(told(&mut client), ["Answer to 34: 18#2 02", "TimedOut 34#6"]);
    assert_eq!(client.in_flight(), 5);
    feed(&mut client, s(12), &package(4, 19, b"\xc0"));
    feed(&mut client, s(12), &words.answer(5));
    assert_eq!(told(&mut client), ["Late to 34: 19#4 c0", "Answer to 34: 18#5 02"]);
    assert_eq!(client.close_reason(), None);
}

#[test]
fn an_answer_in_time_is_no_longer_late() {
    let words = v1();
    let mut client = words.client_with(&words.config().with_request_timeout(s(4)), ms(0));
    let id = words.ask(&mut client, ms(0));
    feed(&mut client, s(4), &words.answer(id));
    client.handle_timeout(s(4));
    assert_eq!(told(&mut client), ["Answer to 34: 18#2 02"]);
}

// What is no package, and what only does not decode.

#[test]
fn a_wrong_check_or_length_ends_the_connection_and_says_so() {
    for dialect in dialects() {
        let words = words(dialect);
        let too_long = dialect.limits.max_data_len + 1;
        let mut long = package(7, words.answer.0, b"");
        long[..4].copy_from_slice(&too_long.to_le_bytes());
        let mut both = long.clone();
        both[7] ^= 1;
        let (kind, data) = &words.answer;
        let before = 8 + data.len();
        for (bad, error) in [
            (hex("0000000001002020"), format!("invalid_check at {} (CHK)", before + 7)),
            (both, format!("invalid_check at {} (CHK)", before + 7)),
            (long, format!("limit_exceeded at {before} (LEN)")),
        ] {
            let stream = [words.answer(60_000), bad, words.answer(60_001)].concat();
            laws::chunking(&stream, |pieces| {
                let mut client = Client::new(&words.config(), ms(0));
                let open = dialect.ping.map(|(ping, _)| client.request(ms(0), Body::empty(ping)).unwrap());
                for piece in pieces {
                    feed(&mut client, ms(1), piece);
                }
                let mut expected = vec![format!("Unmatched {kind}#60000 {}", to_hex(data))];
                expected.extend(open.map(|id| format!("Lost {}#{id}", dialect.ping.unwrap().0)));
                expected.push(format!("Closed {error}"));
                assert_eq!(told(&mut client), expected);
                let reason = client.close_reason().unwrap();
                laws::repeats_error(&reason, |call| {
                    match call {
                        0..=3 => feed(&mut client, ms(2), &words.answer(1)),
                        4 => client.handle_eof(ms(2)),
                        5 => client.handle_timeout(s(1000)),
                        6 => client.close(ms(2)),
                        _ => {
                            assert_eq!(client.request(ms(2), body(&words.auth)), Err(Error::Usage(UsageError::Closed)))
                        }
                    }
                    assert_eq!((client.poll_event(), client.poll_deadline()), (None, None));
                    client.close_reason()
                });
            });
        }
    }
}

#[test]
fn exactly_the_limit_is_waited_for() {
    for dialect in dialects() {
        let words = words(dialect);
        let mut client = Client::new(&words.config(), ms(0));
        let mut header = package(7, words.answer.0, b"");
        header[..4].copy_from_slice(&dialect.limits.max_data_len.to_le_bytes());
        let ((), heap) = measure(|| feed(&mut client, ms(0), &header));
        assert!(heap.peak < 1024, "{heap:?}");
        feed(&mut client, ms(0), &[0; 1000]);
        assert_eq!((told(&mut client), client.close_reason()), (vec![], None));
    }
}

#[test]
fn the_end_of_input_is_an_end_or_a_torn_package() {
    let words = v1();
    let (first, second) = (words.answer(60_000), words.answer(60_001));
    for cut in 0..=second.len() {
        let mut client = Client::new(&words.config(), ms(0));
        feed(&mut client, ms(0), &first);
        feed(&mut client, ms(0), &second[..cut]);
        client.handle_eof(ms(0));
        let mut expected = vec!["Unmatched 18#60000 02".to_owned()];
        if cut == second.len() {
            expected.push("Unmatched 18#60001 02".into());
        }
        expected.push(match cut {
            1..8 => format!("Closed unexpected_end at {} (header)", first.len() + cut),
            8.. if cut < second.len() => format!("Closed unexpected_end at {} (DATA)", first.len() + cut),
            _ => "Closed Eof".into(),
        });
        assert_eq!(told(&mut client), expected, "{cut}");
        client.handle_eof(ms(0));
        assert_eq!(told(&mut client), [""; 0]);
    }
}

/// Data that does not decode, wherever the machine looks into it, costs neither itself nor its neighbours.
#[test]
fn data_that_does_not_decode_costs_no_other_package() {
    let words = v1();
    let junk = [&b""[..], b"\xc1", b"\x92\x05", b"\xdd\xff\xff\xff\xff", b"\x81\xa2id", b"\xff\x00\x01", b"\x91\xa15"];
    for junk in junk {
        let stream = [
            package(u16::MAX, 0, junk),
            package(u16::MAX, 6, junk),
            package(2, 18, junk),
            package(u16::MAX, 7, junk),
            package(3, 19, junk),
            package(u16::MAX, 9, junk),
            package(4, 18, junk),
            package(u16::MAX, 6, &hex(ROOM_5)),
            words.answer(5),
        ]
        .concat();
        laws::chunking(&stream, |pieces| {
            let mut client = words.client();
            client.request(ms(0), v1_body(38, JOIN_5_456)).unwrap();
            words.ask(&mut client, ms(0));
            client.request(ms(0), v1_body(39, JOIN_5_456)).unwrap();
            // A JOIN that is none, answered as if it were one.
            client.request(ms(0), Body::new(38u8, junk.to_vec())).unwrap();
            for piece in pieces {
                feed(&mut client, ms(1), piece);
            }
            let junk = to_hex(junk);
            assert_eq!(
                told(&mut client),
                [
                    format!("Event 0#65535 {junk}"),
                    format!("Event 6#65535 {junk}"),
                    format!("Answer to 38: 18#2 {junk}"),
                    format!("Event 7#65535 {junk}"),
                    format!("Error to 34: 19#3 {junk}"),
                    format!("Event 9#65535 {junk}"),
                    format!("Answer to 39: 18#4 {junk}"),
                    format!("Event 6#65535 {ROOM_5}"),
                    "Answer to 38: 18#5 02".to_owned(),
                ]
            );
            assert_eq!(rooms(&client), ["5 @collection:stuff"]);
        });
    }
}

// Rooms.

fn rooms(client: &Client) -> Vec<String> {
    client.rooms().map(|(id, scope)| format!("{id} {scope}")).collect()
}

/// Integers and texts in MessagePack: the few forms that are wanted here.
fn int(id: i64) -> Vec<u8> {
    if let Ok(id @ 0..=127) = u8::try_from(id) {
        return vec![id];
    }
    [&[0xd3][..], &id.to_be_bytes()].concat()
}

fn str(text: &str) -> Vec<u8> {
    [&[0xda][..], &(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [&[0xdc][..], &(items.len() as u16).to_be_bytes(), &items.concat()].concat()
}

/// Asks to join these and is told that it worked.
fn join(client: &mut Client, now: Duration, scope: &str, ids: &[i64]) {
    let items: Vec<Vec<u8>> = std::iter::once(str(scope)).chain(ids.iter().map(|id| int(*id))).collect();
    let id = client.request(now, Body::new(38u8, array(&items))).unwrap();
    feed(client, now, &package(id, 18, &array(&items[1..])));
    sent(client);
}

fn room_event(kind: u8, id: i64) -> Vec<u8> {
    package(u16::MAX, kind, &[&hex("81a26964")[..], &int(id)].concat())
}

#[test]
fn rooms_are_those_in_the_answers_to_a_join() {
    let words = v1();
    let mut client = words.client();
    let mut exchange = |kind, asked: &str, answer_kind, answer: &str| {
        let id = client.request(ms(0), v1_body(kind, asked)).unwrap();
        feed(&mut client, ms(0), &package(id, answer_kind, &hex(answer)));
        assert_eq!(told(&mut client).len(), 1);
        rooms(&client)
    };
    // By ID, one of which does not exist.
    assert_eq!(exchange(38, JOIN_5_456, 18, "9205c0"), ["5 //stuff"]);
    // By name; again, which changes nothing.
    assert_eq!(exchange(38, "92a72f2f7374756666a463686174", 18, "9106"), ["5 //stuff", "6 //stuff"]);
    assert_eq!(exchange(38, "92a72f2f7374756666a463686174", 18, "9106"), ["5 //stuff", "6 //stuff"]);
    // None asked for, and an error.
    assert_eq!(exchange(38, "91a72f2f7374756666", 18, "90"), ["5 //stuff", "6 //stuff"]);
    assert_eq!(exchange(38, "92a72f2f737475666607", 19, "9107"), ["5 //stuff", "6 //stuff"]);
    // By ID, and it is gone; by a name that is gone, which says nothing of any ID.
    assert_eq!(exchange(38, "92a72f2f737475666605", 18, "91c0"), ["6 //stuff"]);
    assert_eq!(exchange(38, "92a72f2f7374756666a463686174", 18, "91c0"), ["6 //stuff"]);
    // Left by name; an error leaves nothing.
    assert_eq!(exchange(39, "92a72f2f7374756666a463686174", 19, "9106"), ["6 //stuff"]);
    assert_eq!(exchange(39, "92a72f2f7374756666a463686174", 18, "9106"), [""; 0]);
    // Large IDs.
    assert_eq!(exchange(38, "92a4406e6f70ce00010000", 18, "91ce00010000"), ["65536 @nop"]);
    assert_eq!(exchange(38, "92a4406e6f70cf7fffffffffffffff", 18, "91cf7fffffffffffffff").len(), 2);
    // A query whose answer looks like one to a JOIN is none.
    assert_eq!(exchange(34, "92a72f2f737475666605", 18, "9105").len(), 2);
}

#[test]
fn rooms_are_left_and_deleted_and_joined_by_events() {
    let words = v1();
    let mut client = words.client();
    join(&mut client, ms(0), "//stuff", &[5, 6, 7]);
    assert_eq!(told(&mut client).len(), 1);
    feed(&mut client, ms(0), &[room_event(7, 5), room_event(9, 7), room_event(9, 99)].concat());
    assert_eq!(rooms(&client), ["6 //stuff"]);
    // Before 1.8.6 the scope is not sent.
    feed(&mut client, ms(0), &room_event(6, 5));
    assert_eq!(rooms(&client), ["6 //stuff"]);
    feed(&mut client, ms(0), &package(u16::MAX, 6, &hex(ROOM_5)));
    assert_eq!(rooms(&client), ["5 @collection:stuff", "6 //stuff"]);
    // What is said in a room changes nothing.
    feed(&mut client, ms(0), &package(u16::MAX, 8, &hex(EMIT_5)));
    assert_eq!(rooms(&client).len(), 2);
    assert_eq!(told(&mut client).len(), 6);
}

#[test]
fn a_join_that_was_given_up_has_joined() {
    let words = v1();
    let mut client = words.client_with(&words.config().with_request_timeout(s(1)), ms(0));
    let first = client.request(ms(0), v1_body(38, JOIN_5_456)).unwrap();
    client.handle_timeout(s(1));
    feed(&mut client, s(2), &package(first, 18, &hex("9205c0")));
    assert_eq!(rooms(&client), ["5 //stuff"]);
    let second = client.request(s(2), v1_body(39, JOIN_5_456)).unwrap();
    client.give_up(second).unwrap();
    feed(&mut client, s(2), &package(second, 18, &hex("9205c0")));
    assert_eq!(rooms(&client), [""; 0]);
    assert_eq!(told(&mut client), ["TimedOut 38#2", "Late to 38: 18#2 9205c0", "Late to 39: 18#3 9205c0"]);
}

#[test]
fn rooms_are_rejoined_after_a_reconnect_by_id() {
    let words = v1();
    let mut client = words.client();
    join(&mut client, ms(0), "//stuff", &[300, -1, 7]);
    join(&mut client, ms(0), "//other", &[8]);
    told(&mut client);
    client.handle_eof(ms(1));
    client.reconnect(ms(2)).unwrap();
    let all = ["-1 //stuff", "7 //stuff", "8 //other", "300 //stuff"];
    assert_eq!(rooms(&client), all);
    // Not before somebody is let in.
    let denied = client.request(ms(2), body(&words.auth)).unwrap();
    feed(&mut client, ms(2), &package(denied, words.denied.0, &words.denied.1));
    assert_eq!(told(&mut client).len(), 2);
    let rejoin = |client: &mut Client, now| {
        let id = client.request(now, body(&words.auth)).unwrap();
        feed(client, now, &words.ok(id));
        told(client)
    };
    let expected = [
        "Authenticated",
        "Rejoin -1 in \"//stuff\"",
        "Rejoin 7 in \"//stuff\"",
        "Rejoin 8 in \"//other\"",
        "Rejoin 300 in \"//stuff\"",
    ];
    assert_eq!(rejoin(&mut client, ms(3)), expected);
    // Once on a connection.
    assert_eq!(rejoin(&mut client, ms(4)), ["Authenticated"]);
    // It breaks again, before and after they are asked for: none is lost.
    client.close(ms(5));
    assert_eq!(told(&mut client), ["Closed Local"]);
    client.reconnect(ms(5)).unwrap();
    assert_eq!(rejoin(&mut client, ms(5)), expected);
    let items = [str("//stuff"), int(-1), int(7), int(300)];
    client.request(ms(5), Body::new(38u8, array(&items))).unwrap();
    client.handle_eof(ms(6));
    assert_eq!(told(&mut client), ["Lost 38#2", "Closed Eof"]);
    client.reconnect(ms(6)).unwrap();
    assert_eq!(rejoin(&mut client, ms(6)), expected);
    // One is gone meanwhile: the answer says nil, and it is not asked for again.
    let id = client.request(ms(6), Body::new(38u8, array(&items))).unwrap();
    feed(&mut client, ms(6), &package(id, 18, &array(&[int(-1), hex("c0"), int(300)])));
    assert_eq!(rooms(&client), ["-1 //stuff", "8 //other", "300 //stuff"]);
    // One is not wanted any more.
    client.forget_room(8);
    client.forget_room(8);
    told(&mut client);
    client.close(ms(7));
    told(&mut client);
    client.reconnect(ms(7)).unwrap();
    client.forget_room(-1);
    assert_eq!(rejoin(&mut client, ms(7)), ["Authenticated", "Rejoin 300 in \"//stuff\""]);
}

#[test]
fn rooms_beyond_the_limit_are_told_and_not_remembered() {
    let words = v1();
    let config = words.config().with_limits(Limits::V1.with_max_rooms(2));
    let mut client = words.client_with(&config, ms(0));
    join(&mut client, ms(0), "@:a", &[1, 2, 3, 2, 4]);
    let told = told(&mut client);
    assert_eq!(told[..2], ["NotRemembered 3", "NotRemembered 4"]);
    assert!(told[2].starts_with("Answer to 38"), "{told:?}");
    assert_eq!(rooms(&client), ["1 @:a", "2 @:a"]);
    feed(&mut client, ms(0), &package(u16::MAX, 6, &hex(ROOM_5)));
    assert_eq!(self::told(&mut client), ["NotRemembered 5".to_owned(), format!("Event 6#65535 {ROOM_5}")]);
    feed(&mut client, ms(0), &room_event(7, 1));
    join(&mut client, ms(0), "@:a", &[3]);
    assert_eq!(rooms(&client), ["2 @:a", "3 @:a"]);
}

/// The answer is as long as the request (fact sheet, §4.4): what a server says beyond it is no room, and must not become an
/// event for each byte, which no limit would hold back.
#[test]
fn an_answer_longer_than_its_join_costs_no_more_than_its_bytes() {
    let words = v1();
    let mut client = words.client();
    let id = client.request(ms(0), v1_body(38, "92a72f2f737475666605")).unwrap();
    let ids: Vec<u8> = (0..50_000_u16).flat_map(|id| [&[0xcd][..], &id.to_be_bytes()].concat()).collect();
    let answer = package(id, 18, &[&[0xdc][..], &50_000_u16.to_be_bytes(), &ids].concat());
    let ((), heap) = measure(|| feed(&mut client, ms(0), &answer));
    assert!(heap.peak < 4 * answer.len() + 65_536, "{} bytes: {heap:?}", answer.len());
    assert!(told(&mut client).len() <= 2 && client.rooms().count() <= 1);
}

#[test]
fn scopes_beyond_a_kibibyte_are_not_remembered() {
    let words = v1();
    let mut client = words.client();
    let scope = |len: usize| format!("//{}", "x".repeat(len - 2));
    join(&mut client, ms(0), &scope(1024), &[1]);
    join(&mut client, ms(0), &scope(1025), &[2]);
    let told = told(&mut client);
    assert_eq!((told.len(), &told[1][..]), (3, "NotRemembered 2"));
    assert_eq!(rooms(&client), [format!("1 {}", scope(1024))]);
}

/// Golden frames of S2: what a WATCH named is watched when it is answered, and what an UNWATCH or a WATCH_DEL named no longer.
#[test]
fn things_that_are_watched_are_rooms() {
    for dialect in [legacy::S1, legacy::S2] {
        let words = words(dialect);
        let mut client = words.client();
        let watch = client
            .request(ms(0), v1_body(48, "f5867468696e6773f00304e9e7038a636f6c6c656374696f6e857374756666"))
            .unwrap();
        assert_eq!(rooms(&client), [""; 0]);
        feed(&mut client, ms(0), &package(watch, 80, b""));
        assert_eq!(rooms(&client), ["3 stuff", "4 stuff", "999 stuff"]);
        // A WATCH_DEL.
        feed(&mut client, ms(0), &package(0, 18, &hex("f4812304")));
        assert_eq!(rooms(&client), ["3 stuff", "999 stuff"]);
        // What is refused changes nothing.
        let things = "f5867468696e6773ef0307 8a636f6c6c656374696f6e857374756666";
        for kind in [48, 49] {
            let id = client.request(ms(0), v1_body(kind, things)).unwrap();
            feed(&mut client, ms(0), &package(id, words.error.0, &words.error.1));
        }
        assert_eq!(rooms(&client), ["3 stuff", "999 stuff"]);
        let status = client.request(ms(0), Body::empty(48u8)).unwrap();
        feed(&mut client, ms(0), &package(status, 80, b""));
        assert_eq!(rooms(&client), ["0 ", "3 stuff", "999 stuff"]);
        let unwatch =
            client.request(ms(0), v1_body(49, "f5867468696e6773ee038a636f6c6c656374696f6e857374756666")).unwrap();
        feed(&mut client, ms(0), &package(unwatch, 81, b""));
        assert_eq!(rooms(&client), ["0 ", "999 stuff"]);
        told(&mut client);
        client.handle_eof(ms(1));
        told(&mut client);
        client.reconnect(ms(1)).unwrap();
        let auth = client.request(ms(1), body(&words.auth)).unwrap();
        feed(&mut client, ms(1), &words.ok(auth));
        assert_eq!(told(&mut client), ["Authenticated", "Rejoin 0 in \"\"", "Rejoin 999 in \"stuff\""]);
    }
}

// Ends.

#[test]
fn each_request_is_told_as_lost_once_an_authentication_first() {
    for dialect in dialects() {
        let words = words(dialect);
        type End = fn(&mut Client);
        let ends: [(End, &str); 2] =
            [(|client| client.handle_eof(s(31)), "Eof"), (|client| client.close(s(31)), "Local")];
        for (end, reason) in ends {
            let UnderWay { mut client, waiting, auth, .. } = under_way(&words);
            let later = words.ask(&mut client, s(31));
            let (asks, kind) = (words.auth.0, words.request.0);
            end(&mut client);
            // Not those that were given up, nor the machine's own PING.
            assert_eq!(
                told(&mut client),
                [
                    format!("Lost {asks}#{auth}"),
                    format!("Lost {kind}#{waiting}"),
                    format!("Lost {kind}#{later}"),
                    format!("Closed {reason}"),
                ]
            );
            assert_eq!((client.in_flight(), client.is_authenticated()), (0, false));
            end(&mut client);
            assert_eq!(told(&mut client), [""; 0]);
            // What was queued may still be sent.
            assert_eq!(sent(&mut client), [(later, kind, words.request.1.clone())]);
        }
    }
}

#[test]
fn a_reconnect_starts_over() {
    for dialect in dialects() {
        let words = words(dialect);
        let mut client = words.client();
        assert_eq!(client.reconnect(ms(1)), Err(UsageError::StillOpen));
        let first = words.ask(&mut client, ms(1));
        // Half a package came, and something is not sent yet.
        feed(&mut client, ms(1), &words.answer(first)[..5]);
        client.close(s(5));
        client.reconnect(s(6)).unwrap();
        assert_eq!(client.poll_transmit(), None);
        assert_eq!(client.poll_deadline(), dialect.ping.map(|_| s(36)));
        // Events stay.
        assert_eq!(told(&mut client), [format!("Lost {}#{first}", words.request.0), "Closed Local".into()]);
        assert_eq!((client.is_authenticated(), client.close_reason(), client.in_flight()), (false, None, 0));
        words.log_in(&mut client, s(6));
        assert_eq!(words.ask(&mut client, s(6)), first);
        feed(&mut client, s(6), &words.answer(first));
        assert_eq!(told(&mut client).len(), 1);
        client.close(s(7));
        client.reconnect(s(7)).unwrap();
        assert_eq!(client.reconnect(s(7)), Err(UsageError::StillOpen));
    }
}

#[test]
fn a_client_that_reconnects_and_is_not_drained_does_not_grow() {
    let words = v1();
    let config = words.config().with_limits(Limits::V1.with_max_queued_events(4));
    let mut client = Client::new(&config, ms(0));
    let mut reconnects = 0;
    for _ in 0..100 {
        client.close(ms(0));
        match client.reconnect(ms(0)) {
            Ok(()) => reconnects += 1,
            Err(error) => assert_eq!(error, UsageError::LimitReached { limit: Limit::MaxQueuedEvents, max: 4 }),
        }
    }
    assert_eq!((reconnects, told(&mut client)), (3, vec!["Closed Local".to_owned(); 4]));
    client.reconnect(ms(0)).unwrap();
}

// Limits.

/// Feeds as a caller does: what is not taken is offered again after events were drained.
fn feed_slowly(client: &mut Client, now: Duration, mut input: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let taken = client.handle_input(now, input);
        input = &input[taken..];
        let drained = told(client);
        assert!(taken > 0 || !drained.is_empty() || input.is_empty(), "no progress");
        all.extend(drained);
        if input.is_empty() {
            return all;
        }
    }
}

#[test]
fn input_is_not_taken_while_too_many_events_wait() {
    let words = v1();
    let stream: Vec<u8> = (0..10).flat_map(|id| words.answer(60_000 + id)).collect();
    let unlimited = {
        let mut client = Client::new(&words.config(), ms(0));
        feed(&mut client, ms(0), &stream);
        told(&mut client)
    };
    assert_eq!(unlimited.len(), 10);
    for max in [0, 1, 3, 9, 10] {
        let config = words.config().with_limits(Limits::V1.with_max_queued_events(max));
        let mut client = Client::new(&config, ms(0));
        // Nine bytes each; one event at least may wait.
        assert_eq!(client.handle_input(ms(0), &stream), 9 * max.max(1));
        assert_eq!(client.handle_input(ms(0), &stream[9 * max.max(1)..]), 0);
        let mut all = told(&mut client);
        all.extend(feed_slowly(&mut client, ms(0), &stream[9 * max.max(1)..]));
        assert_eq!(all, unlimited);
        laws::chunking(&stream, |pieces| {
            let mut client = Client::new(&config, ms(0));
            let all: Vec<String> = pieces.flat_map(|piece| feed_slowly(&mut client, ms(0), piece)).collect();
            assert_eq!(all, unlimited);
        });
    }
}

#[test]
fn input_is_not_taken_while_too_much_data_waits() {
    let words = v1();
    let config = words.config().with_limits(Limits::V1.with_max_queued_bytes(10));
    let mut client = Client::new(&config, ms(0));
    let stream = [package(1, 18, &[1; 6]), package(2, 18, &[2; 6]), package(3, 18, &[3; 6])].concat();
    assert_eq!(client.handle_input(ms(0), &stream), 28);
    client.poll_event().unwrap();
    assert_eq!(client.handle_input(ms(0), &stream[28..]), 14);
    assert_eq!(told(&mut client).len(), 2);
    // One that is larger than all that may wait comes through alone; packages without data weigh nothing.
    let large = [package(1, 18, &[1; 1000]), package(2, 17, b"")].concat();
    assert_eq!(client.handle_input(ms(0), &large), 1008);
    assert_eq!(client.handle_input(ms(0), &large[1008..]), 0);
    assert_eq!(told(&mut client).len(), 1);
    feed(&mut client, ms(0), &large[1008..]);
    feed(&mut client, ms(0), &package(2, 17, b"").repeat(100));
    assert_eq!(told(&mut client).len(), 101);
    // Where no data may wait, one package of it at a time still comes through.
    let mut client = Client::new(&words.config().with_limits(Limits::V1.with_max_queued_bytes(0)), ms(0));
    let stream = [package(1, 17, b""), package(2, 18, b"\x01"), package(3, 18, b"\x02")].concat();
    assert_eq!(client.handle_input(ms(0), &stream), 17);
    assert_eq!(feed_slowly(&mut client, ms(0), &stream[17..]).len(), 3);
}

#[test]
fn one_package_larger_than_all_that_may_wait_goes_out_alone() {
    let words = v1();
    let config = words.config().with_limits(Limits::V1.with_max_queued_bytes(40));
    let mut client = words.client_with(&config, ms(0));
    let full = Err(limit(Limit::MaxQueuedBytes, 40));
    let large = Body::new(34u8, vec![0xc0; 10_000]);
    assert_eq!(client.request(ms(0), large.clone()), Ok(2));
    assert_eq!(client.request(ms(0), Body::empty(32u8)), full);
    assert_eq!(sent(&mut client), [(2, 34, vec![0xc0; 10_000])]);
    assert_eq!(client.request(ms(0), Body::empty(32u8)), Ok(3));
    assert_eq!(client.request(ms(0), large), full);
    // Exactly the limit fits.
    assert_eq!(client.request(ms(0), Body::new(34u8, vec![0xc0; 24])), Ok(4));
    assert_eq!(client.request(ms(0), Body::empty(32u8)), full);
}

#[test]
fn large_data_is_not_copied() {
    let words = v1();
    let mut client = words.client();
    let data = bytes::Bytes::from(vec![7; 5_000_000]);
    let range = data.as_ptr_range();
    let body = Body::new(34u8, data.clone());
    let (chunks, heap) = measure(|| {
        client.request(ms(0), body).unwrap();
        std::iter::from_fn(|| client.poll_transmit()).collect::<Vec<_>>()
    });
    assert!(heap.bytes < 10_000, "{heap:?}");
    assert_eq!(chunks[0], package(2, 34, &data)[..8]);
    let mut next = range.start;
    for chunk in &chunks[1..] {
        assert_eq!(chunk.as_ptr(), next);
        assert!(!chunk.is_empty() && chunk.len() <= 256 << 10, "{}", chunk.len());
        next = chunk.as_ptr_range().end;
    }
    assert_eq!(next, range.end);
}

// Laws.

#[derive(Clone, Copy, Debug)]
enum Step {
    Auth,
    Ask,
    Join,
    Input(&'static str),
    Timeout,
    Eof,
    Reconnect,
}

/// A step each four seconds.
fn script() -> Vec<(Duration, Step)> {
    use Step::{Ask, Auth, Eof, Input, Join, Reconnect, Timeout};
    let steps = [
        Ask,
        Auth,
        Input("00000000"),
        Input("010011ee"),
        Ask,
        Join,
        Timeout,
        Input("03000000030012ed9205c0"),
        Input("1d000000ffff06f982a573636f7065b140636f6c6c656374696f6e3a7374756666a2696405"),
        Timeout,
        Timeout,
        Timeout,
        Timeout,
        Ask,
        Input("01000000020012ed02"),
        Eof,
        Ask,
        Reconnect,
        Auth,
        Input("00000000010011ee0100"),
        Timeout,
        Timeout,
        Timeout,
        Timeout,
        Timeout,
        Timeout,
    ];
    steps.into_iter().enumerate().map(|(index, step)| (s(4) * index as u32, step)).collect()
}

fn step(client: &mut Client, (now, step): &(Duration, Step)) -> Vec<String> {
    let words = v1();
    let mut out = Vec::new();
    match step {
        Step::Auth => out.push(format!("{:?}", client.request(*now, body(&words.auth)))),
        Step::Ask => out.push(format!("{:?}", client.request(*now, body(&words.request)))),
        Step::Join => out.push(format!("{:?}", client.request(*now, v1_body(38, JOIN_5_456)))),
        Step::Input(digits) => feed(client, *now, &hex(digits)),
        Step::Timeout => client.handle_timeout(*now),
        Step::Eof => client.handle_eof(*now),
        Step::Reconnect => out.push(format!("{:?}", client.reconnect(*now))),
    }
    // So that nothing is due when a poke comes.
    client.handle_timeout(*now);
    out.extend(told(client));
    out.push(to_hex(&bytes_of(client)));
    out.push(format!("{:?} {} {:?}", client.poll_deadline(), client.in_flight(), rooms(client)));
    out
}

fn scripted() -> Client {
    Client::new(&v1().config().with_request_timeout(s(9)).with_keep_alive(s(11), s(9)), ms(0))
}

#[test]
fn law_7_extra_polls_and_time_that_goes_back_change_nothing() {
    let all: Vec<String> =
        script().iter().scan(scripted(), |client, action| Some(step(client, action))).flatten().collect();
    let text = all.join("\n");
    for wanted in ["Authenticated", "TimedOut", "Late", "20df", "Lost", "Closed Eof", "Rejoin 5", "Closed KeepAlive"] {
        assert!(text.contains(wanted), "the script shows no {wanted}: {text}");
    }
    laws::idle(&script(), scripted, step, |client, (now, _)| {
        let mut out = told(client);
        client.handle_timeout(*now);
        client.handle_timeout(now.saturating_sub(s(25)));
        feed(client, now.saturating_sub(s(25)), b"");
        out.extend(told(client));
        out.extend(client.poll_transmit().map(|bytes| to_hex(&bytes)));
        out
    });
}

#[test]
fn law_8_the_same_calls_give_the_same_results() {
    laws::deterministic(|| {
        let mut client = scripted();
        script().iter().flat_map(|action| step(&mut client, action)).collect::<Vec<_>>()
    });
}

#[test]
fn time_that_goes_back_makes_no_deadline_earlier() {
    let words = v1();
    let mut client = words.client_with(&words.config().with_request_timeout(s(5)), s(100));
    client.request(s(50), body(&words.request)).unwrap();
    assert_eq!(client.poll_deadline(), Some(s(105)));
    feed(&mut client, s(20), &words.answer(2));
    assert_eq!(client.poll_deadline(), Some(s(130)));
    client.handle_timeout(s(1));
    assert_eq!(told(&mut client).len(), 1);
}

/// The whole machine, over a stream with all that may come, in any pieces.
#[test]
fn law_1_pieces_do_not_matter() {
    for dialect in dialects() {
        let words = words(dialect);
        let mut stream = Vec::new();
        let ids: Vec<u16> = (0..6).map(|step| dialect.first_id + step + u16::from(dialect.auth_id.is_none())).collect();
        stream.extend(words.ok(dialect.first_id));
        for (index, id) in ids.iter().rev().enumerate() {
            stream.extend(words.answer(*id));
            if let Some((kind, data)) = &words.event {
                stream.extend(package(dialect.event_id, *kind, data));
            }
            stream.extend(package(*id, 250, b"?"));
            stream.extend(package(50_000 + index as u16, words.error.0, &words.error.1));
        }
        stream.extend(package(1, words.answer.0, &[0xc0; 600]));
        stream.extend(&words.answer(9)[..6]);
        laws::chunking(&stream, |pieces| {
            let mut client = Client::new(&words.config(), ms(0));
            client.request(ms(0), body(&words.auth)).unwrap();
            let (mut all, mut asked) = (Vec::new(), false);
            for piece in pieces {
                feed(&mut client, ms(1), piece);
                let more = told(&mut client);
                all.extend(more);
                if client.is_authenticated() && !asked {
                    asked = true;
                }
            }
            client.handle_eof(ms(2));
            all.extend(told(&mut client));
            assert!(asked);
            (all, client.close_reason(), rooms(&client))
        });
        // Again with requests under way when all of it comes.
        let behind = &stream[words.ok(0).len()..];
        laws::chunking(behind, |pieces| {
            let mut client = words.client();
            let given: Vec<u16> = ids.iter().map(|_| words.ask(&mut client, ms(0))).collect();
            assert_eq!(given, ids);
            pieces.for_each(|piece| feed(&mut client, ms(1), piece));
            let in_flight = client.in_flight();
            client.handle_eof(ms(2));
            let all = told(&mut client);
            assert_eq!(all.iter().filter(|told| told.starts_with("Answer")).count(), ids.len());
            (all, in_flight, client.close_reason())
        });
    }
}

#[test]
fn debug_shows_nothing_that_was_said() {
    let secret = "s3cr3t-pa55w0rd";
    let shows = |shown: &str| {
        let digits = to_hex(secret.as_bytes());
        let numbers: Vec<String> = secret.bytes().take(3).map(|byte| byte.to_string()).collect();
        [secret, &digits, &numbers.join(", "), "s3cr3t"].iter().any(|text| shown.contains(text))
    };
    assert!(shows(&format!("{:?}", secret.as_bytes())) && shows(&format!("{secret:?}")));
    for dialect in dialects() {
        let words = words(dialect);
        let mut client = Client::new(&words.config(), ms(0));
        let body = Body::new(words.auth.0, secret.as_bytes().to_vec());
        assert!(!shows(&format!("{body:?} {body:#?}")));
        let id = client.request(ms(0), body).unwrap();
        let mut shown = format!("{client:?} {client:#?}");
        feed(&mut client, ms(0), &package(id, words.denied.0, secret.as_bytes()));
        feed(&mut client, ms(0), &package(77, words.answer.0, secret.as_bytes()));
        feed(&mut client, ms(0), &package(77, 250, secret.as_bytes()));
        if let Some((kind, _)) = words.event {
            feed(&mut client, ms(0), &package(0, kind, secret.as_bytes()));
        }
        // In the middle of one.
        feed(&mut client, ms(0), &package(77, words.answer.0, secret.as_bytes())[..20]);
        shown += &format!("{client:?} {client:#?}");
        let mut count = 0;
        while let Some(event) = client.poll_event() {
            shown += &format!("{event:?} {event:#?}");
            count += 1;
        }
        assert_eq!(count, 3 + usize::from(words.event.is_some()));
        assert!(!shows(&shown), "{shown}");
        assert!(shown.contains("Client") && shown.contains(dialect.name), "{shown}");
    }
    let words = v1();
    let mut client = words.client();
    let ids = [(); 3].map(|()| client.request(ms(0), Body::new(34u8, secret.as_bytes().to_vec())).unwrap());
    client.give_up(ids[2]).unwrap();
    for (id, kind) in ids.into_iter().zip([18, 19, 18]) {
        feed(&mut client, ms(0), &package(id, kind, secret.as_bytes()));
    }
    let shown = format!("{client:?} {:?}", std::iter::from_fn(|| client.poll_event()).collect::<Vec<_>>());
    assert!(shown.contains("Late") && !shows(&shown), "{shown}");
}

// The model.

const CASES: u32 = if cfg!(miri) { 10 } else { 1500 };

/// What an ID is in use for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slot {
    Waiting(u8, Option<u64>),
    GivenUp(u8),
    Auth,
}

/// A client of v1 without keep-alive, with times in milliseconds, by SPEC.md §7 in the plainest words.
struct Model {
    /// Those in use, in no order.
    slots: Vec<(u16, Slot)>,
    next: u16,
    open: bool,
    is_in: bool,
    auth: Option<(u16, u64)>,
    told: Vec<String>,
}

const FIRST: u16 = 65_530;
const CAP: usize = 5;
const AUTH_TIME: u64 = 50;

impl Model {
    fn new() -> Self {
        Self { slots: Vec::new(), next: FIRST, open: true, is_in: false, auth: None, told: Vec::new() }
    }

    fn place(&self, id: u16) -> Option<usize> {
        self.slots.iter().position(|(other, _)| *other == id)
    }

    fn request(&mut self, now: u64, kind: u8, timeout: Option<u64>) -> Result<u16, UsageError> {
        if !self.open {
            return Err(UsageError::Closed);
        }
        if kind == 33 && self.auth.is_some() {
            return Err(UsageError::AuthPending);
        }
        if !matches!(kind, 32 | 33 | 35 | 36) && !self.is_in {
            return Err(UsageError::NotAuthenticated { kind });
        }
        if self.slots.len() == CAP {
            return Err(UsageError::LimitReached { limit: Limit::MaxInFlight, max: CAP as u64 });
        }
        while self.place(self.next).is_some() {
            self.next = self.next.wrapping_add(1);
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        let slot = if kind == 33 {
            self.auth = Some((id, now + AUTH_TIME));
            Slot::Auth
        } else {
            Slot::Waiting(kind, timeout.map(|timeout| now + timeout))
        };
        self.slots.push((id, slot));
        Ok(id)
    }

    fn came(&mut self, id: u16, kind: u8) {
        if !self.open {
            return;
        }
        let is_error = match kind {
            0..=15 => return self.told.push(format!("Event {kind}#{id} ")),
            16..=18 => false,
            19 => true,
            _ => return self.told.push(format!("Unknown {kind}#{id} ")),
        };
        let slot = self.place(id).map(|place| self.slots.remove(place).1);
        self.told.push(match slot {
            None => format!("Unmatched {kind}#{id} "),
            Some(Slot::Waiting(request, _)) if is_error => format!("Error to {request}: {kind}#{id} "),
            Some(Slot::Waiting(request, _)) => format!("Answer to {request}: {kind}#{id} "),
            Some(Slot::GivenUp(request)) => format!("Late to {request}: {kind}#{id} "),
            Some(Slot::Auth) => {
                self.auth = None;
                self.is_in |= !is_error;
                if is_error { format!("Denied {kind}#{id} ") } else { "Authenticated".into() }
            }
        });
    }

    /// The earliest that somebody waits for, and by ID among those of one time.
    fn due(&self) -> Option<(u64, u16)> {
        let at = |(id, slot): &(u16, Slot)| if let Slot::Waiting(_, at) = slot { at.map(|at| (at, *id)) } else { None };
        self.slots.iter().filter_map(at).min()
    }

    fn deadline(&self) -> Option<u64> {
        let requests = self.due().map(|(at, _)| at);
        requests.into_iter().chain(self.auth.map(|(_, at)| at)).min().filter(|_| self.open)
    }

    fn time(&mut self, now: u64) {
        if self.auth.is_some_and(|(_, at)| at <= now) {
            return self.end("AuthTimeout");
        }
        while let Some((_, id)) = self.due().filter(|(at, _)| *at <= now) {
            let place = self.place(id).unwrap();
            let Slot::Waiting(request, _) = self.slots[place].1 else { panic!() };
            self.slots[place].1 = Slot::GivenUp(request);
            self.told.push(format!("TimedOut {request}#{id}"));
        }
    }

    fn give_up(&mut self, id: u16) -> Result<(), UsageError> {
        let place = self.place(id).ok_or(UsageError::NoSuchRequest { id })?;
        let Slot::Waiting(request, _) = self.slots[place].1 else { return Err(UsageError::NoSuchRequest { id }) };
        self.slots[place].1 = Slot::GivenUp(request);
        Ok(())
    }

    fn end(&mut self, reason: &str) {
        if !self.open {
            return;
        }
        if let Some((id, _)) = self.auth.take() {
            self.told.push(format!("Lost 33#{id}"));
        }
        self.slots.sort_by_key(|(id, _)| *id);
        for (id, slot) in std::mem::take(&mut self.slots) {
            if let Slot::Waiting(request, _) = slot {
                self.told.push(format!("Lost {request}#{id}"));
            }
        }
        self.told.push(format!("Closed {reason}"));
        (self.open, self.is_in) = (false, false);
    }

    fn reconnect(&mut self) -> Result<(), UsageError> {
        if self.open {
            return Err(UsageError::StillOpen);
        }
        (self.open, self.next) = (true, FIRST);
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Op {
    Request(u8, Option<u64>),
    /// With the ID of something in use, if there is any.
    Answer(usize, u8),
    Stray(u16, u8),
    Wait(u64),
    /// Exactly until something is due.
    WaitUntilDue,
    GiveUp(usize),
    Eof,
    Close,
    Reconnect,
    BadCheck,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let kind = prop_oneof![4 => Just(34u8), 3 => Just(33), 1 => Just(32), 1 => Just(36), 1 => Just(40), 1 => Just(99)];
    let answer = prop_oneof![4 => Just(18u8), 2 => Just(17), 1 => Just(16), 2 => Just(19), 1 => Just(5), 1 => Just(77)];
    let op = prop_oneof![
        12 => (kind, prop::option::of(0..60u64)).prop_map(|(kind, timeout)| Op::Request(kind, timeout)),
        10 => (any::<usize>(), answer.clone()).prop_map(|(which, kind)| Op::Answer(which, kind)),
        1 => (prop_oneof![Just(0u16), Just(u16::MAX), any::<u16>()], answer).prop_map(|(id, kind)| Op::Stray(id, kind)),
        4 => (0..30u64).prop_map(Op::Wait),
        2 => Just(Op::WaitUntilDue),
        2 => any::<usize>().prop_map(Op::GiveUp),
        1 => prop_oneof![Just(Op::Eof), Just(Op::Close), Just(Op::BadCheck)],
        2 => Just(Op::Reconnect),
    ];
    prop::collection::vec(op, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn the_machine_agrees_with_the_model(ops in ops()) {
        let dialect = Dialect { first_id: FIRST, ..v1::DIALECT };
        let config = Config::new(&dialect)
            .with_limits(Limits::V1.with_max_in_flight(CAP as u16))
            .with_keep_alive(Duration::MAX, Duration::MAX)
            .with_auth_timeout(ms(AUTH_TIME));
        // Times begin at 1: what is never due must not be reached.
        let mut now = 1;
        let (mut client, mut model) = (Client::new(&config, ms(now)), Model::new());
        let mut bytes = 0_u64;
        for op in &ops {
            let pick = |model: &Model, which: usize| match model.slots.len() {
                0 => 3,
                len => model.slots[which % len].0,
            };
            match *op {
                Op::Request(kind, timeout) => {
                    let found = client.request_with_timeout(ms(now), Body::empty(kind), timeout.map_or(Duration::MAX, ms));
                    let expected = model.request(now, kind, timeout);
                    prop_assert_eq!(found, expected.map_err(Error::Usage));
                    let out: Vec<_> = expected.ok().map(|id| (id, kind, vec![])).into_iter().collect();
                    prop_assert_eq!(sent(&mut client), out);
                }
                Op::Answer(which, kind) => {
                    let id = pick(&model, which);
                    feed(&mut client, ms(now), &package(id, kind, b""));
                    bytes += 8;
                    model.came(id, kind);
                }
                Op::Stray(id, kind) => {
                    feed(&mut client, ms(now), &package(id, kind, b""));
                    bytes += 8;
                    model.came(id, kind);
                }
                Op::Wait(time) => {
                    now += time;
                    client.handle_timeout(ms(now));
                    model.time(now);
                }
                Op::WaitUntilDue => {
                    now = model.deadline().unwrap_or(now).max(now);
                    client.handle_timeout(ms(now));
                    model.time(now);
                }
                Op::GiveUp(which) => {
                    let id = pick(&model, which);
                    prop_assert_eq!(client.give_up(id), model.give_up(id));
                }
                Op::Eof => {
                    client.handle_eof(ms(now));
                    model.end("Eof");
                }
                Op::Close => {
                    client.close(ms(now));
                    model.end("Local");
                }
                Op::BadCheck => {
                    feed(&mut client, ms(now), &hex("0000000001002020"));
                    model.end(&format!("invalid_check at {} (CHK)", bytes + 7));
                }
                Op::Reconnect => {
                    let reconnected = model.reconnect();
                    prop_assert_eq!(client.reconnect(ms(now)), reconnected);
                    if reconnected.is_ok() {
                        bytes = 0;
                    }
                }
            }
            prop_assert_eq!(told(&mut client), std::mem::take(&mut model.told), "{:?}", op);
            prop_assert_eq!(client.in_flight(), model.slots.len());
            prop_assert_eq!(client.is_authenticated(), model.is_in);
            prop_assert_eq!(client.close_reason().is_none(), model.open);
            prop_assert_eq!(client.poll_deadline(), model.deadline().map(ms));
        }
    }
}

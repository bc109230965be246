//! The server's machine from outside: the table of SPEC.md §7 written out by hand, back-pressure, misuse, the golden faults,
//! the laws of `DESIGN.md`, and a model in the plainest words that it must agree with on random calls.
//!
//! Bytes are made and taken apart by hand here, from the header's table.
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

use std::time::Duration;

use proptest::prelude::*;
use testkit::vectors::{encoding, hex, jsonl, text, to_hex};
use testkit::{Rng, laws, measure};
use thingsdb_wire::{
    Body, CloseReason, Config, Dialect, EncodeError, Error, FromClient, FromServer, Limit, Limits, Package, Server,
    ServerEvent, UsageError, legacy, module, siridb, v1,
};

/// TYPEs: of the authentication, of a request, of its answer.
struct Words {
    dialect: Dialect,
    auth: u8,
    request: u8,
    answer: u8,
}

fn dialects() -> [Words; 6] {
    [
        Words { dialect: legacy::S1, auth: 33, request: 35, answer: 66 },
        Words { dialect: legacy::S2, auth: 33, request: 36, answer: 66 },
        Words { dialect: legacy::SEPTEMBER, auth: 33, request: 34, answer: 66 },
        Words { dialect: v1::DIALECT, auth: 33, request: 34, answer: 18 },
        Words { dialect: module::DIALECT, auth: 64, request: 80, answer: 81 },
        Words { dialect: siridb::DIALECT, auth: 2, request: 0, answer: 0 },
    ]
}

const V1: Words = Words { dialect: v1::DIALECT, auth: 33, request: 34, answer: 18 };

/// {"error_code": -56, "error_msg": "connection is not authenticated"}, as a server of v1 was seen to say it.
const UNAUTHENTICATED: &str =
    "82aa6572726f725f636f6465d0c8a96572726f725f6d7367bf636f6e6e656374696f6e206973206e6f742061757468656e74696361746564";

impl Words {
    fn config(&self) -> Config {
        Config::new(&self.dialect)
    }

    fn fresh(&self) -> Server {
        Server::new(&self.config(), ms(0))
    }

    fn server_with(&self, config: &Config) -> Server {
        let mut server = Server::new(config, ms(0));
        self.let_in(&mut server);
        server
    }

    /// Somebody was let in.
    fn server(&self) -> Server {
        self.server_with(&self.config())
    }

    fn let_in(&self, server: &mut Server) {
        feed(server, &package(0, self.auth, b""));
        assert!(matches!(server.poll_event(), Some(ServerEvent::Authenticate(_))));
        server.accept(ms(0)).unwrap();
        drop(sent(server));
    }

    fn turn_away(&self, server: &mut Server) {
        feed(server, &package(0, self.auth, b""));
        assert!(matches!(server.poll_event(), Some(ServerEvent::Authenticate(_))));
        server.deny(ms(0)).unwrap();
        drop(sent(server));
    }

    fn ask(&self, id: u16) -> Vec<u8> {
        package(id, self.request, b"\x01")
    }
}

/// A package by the table of the header: LEN, ID, TYPE, CHK, DATA.
fn package(id: u16, kind: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = (data.len() as u32).to_le_bytes().to_vec();
    bytes.extend([id as u8, (id >> 8) as u8, kind, 0xff ^ kind]);
    bytes.extend(data);
    bytes
}

fn feed(server: &mut Server, bytes: &[u8]) {
    assert_eq!(server.handle_input(ms(0), bytes), bytes.len());
}

fn told(server: &mut Server) -> Vec<String> {
    std::iter::from_fn(|| server.poll_event()).map(|event| told_as(&event)).collect()
}

/// All that an event holds.
fn told_as(event: &ServerEvent) -> String {
    let all = |package: &Package| format!("{}#{} {}", package.kind, package.id, to_hex(&package.data));
    match event {
        ServerEvent::Authenticate(package) => format!("Authenticate {}", all(package)),
        ServerEvent::Request(package) => format!("Request {}", all(package)),
        ServerEvent::Unknown(package) => format!("Unknown {}", all(package)),
        ServerEvent::Closed(CloseReason::Decode(error)) => {
            format!("Closed {} at {} ({})", error.kind(), error.offset(), error.what())
        }
        ServerEvent::Closed(reason) => format!("Closed {reason:?}"),
        other => panic!("unexpected {other:?}"),
    }
}

fn bytes_of(server: &mut Server) -> Vec<u8> {
    std::iter::from_fn(|| server.poll_transmit()).flatten().collect()
}

/// The packages that wait to be sent, as (ID, TYPE, data), by the table of the header.
fn sent(server: &mut Server) -> Vec<(u16, u8, Vec<u8>)> {
    taken_apart(&bytes_of(server))
}

fn taken_apart(bytes: &[u8]) -> Vec<(u16, u8, Vec<u8>)> {
    let (mut rest, mut all) = (bytes, Vec::new());
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

fn usage(error: UsageError) -> Result<(), Error> {
    Err(Error::Usage(error))
}

fn full(limit: Limit, max: u64) -> Result<(), Error> {
    usage(UsageError::LimitReached { limit, max })
}

// The table.

#[test]
fn every_type_in_every_state_does_what_the_specification_says() {
    for words in dialects() {
        let dialect = words.dialect;
        for (is_in, tries) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
            for (kind, id) in (0..=u8::MAX).flat_map(|kind| [0, 7, u16::MAX].map(|id| (kind, id))) {
                let mut server = if is_in { words.server() } else { words.fresh() };
                if tries == 1 {
                    words.turn_away(&mut server);
                }
                assert_eq!(server.is_authenticated(), is_in);
                feed(&mut server, &package(id, kind, b"\xc1"));
                let class = (dialect.from_client)(kind);
                let all = format!("{kind}#{id} c1");
                let (expected, answer, waits) = match class {
                    _ if dialect.ping.is_some_and(|(ping, _)| ping == kind) => {
                        (vec![], vec![(id, dialect.ping.unwrap().1, vec![])], 0)
                    }
                    FromClient::Auth => (vec![format!("Authenticate {all}")], vec![], 0),
                    FromClient::Unknown => (vec![format!("Unknown {all}")], vec![], 0),
                    FromClient::Request | FromClient::Room if !is_in && dialect.name != "module" => {
                        let reply = dialect.unauthenticated;
                        (vec![], vec![(id, reply.kind, reply.data.to_vec())], 0)
                    }
                    _ => (vec![format!("Request {all}")], vec![], 1),
                };
                let place = format!("{} {all} {is_in} {tries}", dialect.name);
                assert_eq!(told(&mut server), expected, "{place}");
                assert_eq!(sent(&mut server), answer, "{place}");
                assert_eq!((server.waiting(), server.close_reason()), (waits, None), "{place}");
                // It stays usable, but for the one that has to be decided on.
                let after = package(9, 255, b"");
                let taken = if class == FromClient::Auth { 0 } else { after.len() };
                assert_eq!(server.handle_input(ms(0), &after), taken, "{place}");
            }
        }
    }
}

/// Golden frames: what was asked before authentication, and what was said to it.
#[test]
fn golden_requests_before_authentication_get_the_golden_answers() {
    let frames = jsonl("tests/vectors/thingsdb.jsonl");
    let find = |dialect: &str, note: &str, dir: &str| {
        let is_it = |vector: &&serde_json::Value| {
            vector["dialect"] == dialect && vector["note"] == note && vector["dir"] == dir
        };
        encoding(frames.iter().find(is_it).unwrap_or_else(|| panic!("{dialect}: {note}")))
    };
    let mut checked = 0;
    for (words, name) in dialects().iter().zip(["legacy-qpack-2019-06", "legacy-qpack", "", "v1-msgpack"]) {
        let notes: &[&str] = match name {
            "" => continue,
            "v1-msgpack" => &[
                "ping; no authentication needed",
                "ping as the Go client sends it: payload nil",
                "query before authentication",
                "largest id, equal to the event id",
            ],
            "legacy-qpack" => &["ping; no authentication needed", "query before authentication", "largest id"],
            _ => &["ping", "query before authentication"],
        };
        for note in notes {
            let mut server = words.fresh();
            feed(&mut server, &find(name, note, "client->server"));
            let expected = find(name, &format!("answer to: {note}"), "server->client");
            assert_eq!(
                (told(&mut server), to_hex(&bytes_of(&mut server))),
                (vec![], to_hex(&expected)),
                "{name} {note}"
            );
            checked += 1;
        }
    }
    assert_eq!(checked, 9);
    let mut server = Server::new(&Config::new(&siridb::DIALECT), ms(0));
    let query = hex("14000000020000ffef9173656c656374202a2066726f6d20226122fb");
    feed(&mut server, &[query, hex("00000000050003fc")].concat());
    assert_eq!(to_hex(&bytes_of(&mut server)), "00000000020047b800000000050003fc");
    let mut server = V1.fresh();
    feed(&mut server, &V1.ask(513));
    assert_eq!(sent(&mut server), [(513, 19, hex(UNAUTHENTICATED))]);
}

/// All faults that were tried on real servers, up to where those look into the data.
#[test]
fn golden_faults_do_what_they_did_to_the_servers() {
    let lines = jsonl("tests/vectors/thingsdb_malformed.jsonl");
    assert_eq!(lines.len(), 43);
    let mut ignored = 0;
    for vector in lines {
        let words = if text(&vector, "dialect") == "v1-msgpack" { &V1 } else { &dialects()[1] };
        let (bytes, effect) = (encoding(&vector), text(&vector, "effect"));
        let pong = words.dialect.ping.unwrap().1;
        let mut server = words.server();
        feed(&mut server, &bytes);
        let (told, sent) = (told(&mut server), sent(&mut server));
        let kind = bytes.get(6).copied().unwrap_or_default();
        if effect.starts_with("server closes") {
            assert!(told.len() == 1 && told[0].starts_with("Closed"), "{vector}: {told:?}");
            assert!(sent.is_empty() && server.close_reason().is_some(), "{vector}");
            continue;
        }
        if effect.starts_with("first frame is answered") {
            assert_eq!(sent, [(5, pong, vec![])], "{vector}");
            // The authentication was on this connection: eight bytes more.
            assert_eq!(told, ["Closed invalid_check at 23 (CHK)"], "{vector}");
            continue;
        }
        assert_eq!(server.close_reason(), None, "{vector}");
        if effect.starts_with("ignored") || effect.starts_with("logged and ignored") {
            ignored += 1;
            assert_eq!(sent, [], "{vector}");
            assert!(told.len() == 1 && told[0].starts_with("Unknown"), "{vector}: {told:?}");
            feed(&mut server, &package(6, 32, b""));
            assert_eq!(self::sent(&mut server), [(6, pong, vec![])], "{vector}");
        } else if effect.starts_with("server keeps the connection open") {
            assert_eq!((told.len(), sent.len()), (0, 0), "{vector}");
        } else if effect.starts_with("server waits") {
            assert_eq!((told.len(), sent.len()), (0, 0), "{vector}");
            feed(&mut server, &[0xdf]);
            assert_eq!(self::sent(&mut server), [(2, pong, vec![])], "{vector}");
        } else if effect.starts_with("answered as a normal ping") {
            assert_eq!(sent, [(3, pong, vec![])], "{vector}");
        } else {
            // What is wrong is the data: whoever answers sees that.
            let expected = if kind == 33 { "Authenticate" } else { "Request" };
            assert!(told.len() == 1 && told[0].starts_with(expected), "{vector}: {told:?}");
            assert_eq!(sent, [], "{vector}");
        }
    }
    assert_eq!(ignored, 18);
}

// Authentication.

#[test]
fn nothing_is_read_behind_an_authentication_until_it_is_decided_on() {
    for words in dialects() {
        for accepts in [true, false] {
            let auth = package(0, words.auth, b"who");
            let ping = words.dialect.ping.map_or(vec![], |(ping, _)| package(8, ping, b""));
            let behind = [words.ask(5), ping, package(6, 250, b""), words.ask(7)].concat();
            let stream = [&auth[..], &behind].concat();
            let mut server = words.fresh();
            assert_eq!(server.handle_input(ms(0), &stream), auth.len());
            assert_eq!(server.handle_input(ms(0), &behind), 0);
            assert_eq!(told(&mut server), [format!("Authenticate {}#0 77686f", words.auth)]);
            assert_eq!(server.handle_input(ms(0), &behind), 0);
            assert_eq!((server.poll_event(), server.poll_transmit()), (None, None));
            let decide = |server: &mut Server| if accepts { server.accept(ms(0)) } else { server.deny(ms(0)) };
            decide(&mut server).unwrap();
            assert_eq!(server.is_authenticated(), accepts);
            feed(&mut server, &behind);
            let expected = (told(&mut server), bytes_of(&mut server));
            let asked = format!("Request {}#5 01", words.request);
            assert_eq!(expected.0.contains(&asked), accepts || words.dialect.name == "module");
            // However it comes, as long as what was not taken is offered again.
            laws::chunking(&stream, |pieces| {
                let mut server = words.fresh();
                let (mut all, mut bytes, mut held) = (Vec::new(), Vec::new(), Vec::new());
                for piece in pieces {
                    held.extend_from_slice(piece);
                    loop {
                        let taken = server.handle_input(ms(0), &held);
                        held.drain(..taken);
                        while let Some(event) = server.poll_event() {
                            match event {
                                ServerEvent::Authenticate(_) => decide(&mut server).unwrap(),
                                event => all.push(told_as(&event)),
                            }
                        }
                        bytes.extend(bytes_of(&mut server));
                        if held.is_empty() {
                            break;
                        }
                        assert!(taken > 0, "no progress");
                    }
                }
                assert_eq!((all, bytes), expected);
            });
        }
    }
}

#[test]
fn yes_and_no_have_the_words_and_the_id_of_the_dialect() {
    for words in dialects() {
        let dialect = words.dialect;
        // A module's configuration has the ID 0, and so has what is said to it.
        for id in [0, 1, 4711, u16::MAX] {
            let said = if dialect.name == "module" { 0 } else { id };
            let ask = |server: &mut Server| feed(server, &package(id, words.auth, b""));
            let mut server = words.fresh();
            ask(&mut server);
            server.deny(ms(0)).unwrap();
            assert_eq!(sent(&mut server), [(said, dialect.denied.kind, dialect.denied.data.to_vec())]);
            ask(&mut server);
            server.deny_with(ms(0), Body::new(dialect.denied.kind, &b"\x01"[..])).unwrap();
            assert_eq!(sent(&mut server), [(said, dialect.denied.kind, vec![1])]);
            assert!(!server.is_authenticated());
            ask(&mut server);
            server.accept(ms(0)).unwrap();
            assert_eq!(sent(&mut server), [(said, dialect.accepted.kind, dialect.accepted.data.to_vec())]);
            assert!(server.is_authenticated());
            // Who was let in before still is.
            ask(&mut server);
            server.deny(ms(0)).unwrap();
            assert!(server.is_authenticated());
            sent(&mut server);
        }
    }
}

#[test]
fn there_is_nothing_to_decide_on_but_an_authentication_that_waits() {
    let nothing = usage(UsageError::NoAuthPending);
    for words in dialects() {
        let denied = || Body::empty(words.dialect.denied.kind);
        let mut server = words.fresh();
        let refuses = |server: &mut Server, error: &Result<(), Error>| {
            assert_eq!(server.accept(ms(0)), *error);
            assert_eq!(server.deny(ms(0)), *error);
            assert_eq!(server.deny_with(ms(0), denied()), *error);
            assert_eq!(server.poll_transmit(), None);
        };
        refuses(&mut server, &nothing);
        words.let_in(&mut server);
        refuses(&mut server, &nothing);
        feed(&mut server, &package(3, words.auth, b""));
        // It is no request.
        assert_eq!(server.answer(ms(0), 3, Body::empty(words.answer)), usage(UsageError::NoSuchRequest { id: 3 }));
        assert_eq!(server.ignore(3), Err(UsageError::NoSuchRequest { id: 3 }));
        server.close(ms(0));
        refuses(&mut server, &usage(UsageError::Closed));
    }
}

#[test]
fn only_errors_say_no() {
    for words in dialects() {
        for kind in 0..=u8::MAX {
            let mut server = words.fresh();
            feed(&mut server, &package(3, words.auth, b""));
            let fits = matches!((words.dialect.from_server)(kind), FromServer::Error | FromServer::Denied);
            let expected = if fits { Ok(()) } else { usage(UsageError::WrongKind { kind }) };
            assert_eq!(server.deny_with(ms(0), Body::empty(kind)), expected, "{} {kind}", words.dialect.name);
            // Refused, it still waits.
            assert_eq!(server.accept(ms(0)).is_ok(), !fits);
        }
    }
}

#[test]
fn who_is_not_let_in_in_time_is_sent_away() {
    for words in dialects() {
        let config = words.config().with_login_timeout(s(5));
        if words.dialect.auth_optional {
            assert_eq!(Server::new(&config, s(100)).poll_deadline(), None);
            continue;
        }
        let auth = package(0, words.auth, b"");
        // Neither asking nor being turned away is enough.
        for tries in 0..2 {
            let mut server = Server::new(&config, s(100));
            assert_eq!(server.poll_deadline(), Some(s(105)));
            for _ in 0..tries {
                assert_eq!(server.handle_input(s(101), &auth), 8);
                server.deny(s(102)).unwrap();
            }
            assert_eq!(server.handle_input(s(103), &auth), 8);
            told(&mut server);
            sent(&mut server);
            server.handle_timeout(s(105) - Duration::from_nanos(1));
            assert_eq!((told(&mut server), server.poll_deadline()), (vec![], Some(s(105))));
            server.handle_timeout(s(105));
            assert_eq!(told(&mut server), ["Closed AuthTimeout"]);
            assert_eq!((server.close_reason(), server.poll_deadline()), (Some(CloseReason::AuthTimeout), None));
            assert_eq!(server.accept(s(105)), usage(UsageError::Closed));
        }
        let mut server = Server::new(&config, s(100));
        assert_eq!(server.handle_input(s(101), &auth), 8);
        server.accept(s(105)).unwrap();
        assert_eq!(server.poll_deadline(), None);
        // Nor does turning somebody away later bring it back.
        told(&mut server);
        words.turn_away(&mut server);
        server.handle_timeout(s(1000));
        assert_eq!((told(&mut server), server.poll_deadline()), (vec![], None));
    }
}

#[test]
fn never_is_never() {
    let server = Server::new(&V1.config(), ms(1));
    assert_eq!(server.poll_deadline(), None);
}

/// 0 and never is a time that can be written, and callers add deadlines to an instant.
#[test]
fn never_is_never_on_a_clock_that_starts_at_zero() {
    let mut server = Server::new(&V1.config(), ms(0));
    assert_eq!(server.poll_deadline(), None);
    server.handle_timeout(Duration::MAX);
    assert_eq!(told(&mut server), [""; 0]);
}

// Answers.

#[test]
fn requests_are_answered_in_any_order_with_their_own_ids() {
    for words in dialects() {
        let mut server = words.server();
        let ids = [7, 0, u16::MAX, 8];
        feed(&mut server, &ids.map(|id| words.ask(id)).concat());
        assert_eq!((told(&mut server).len(), server.waiting()), (4, 4));
        for (place, id) in [8, u16::MAX, 7, 0].into_iter().enumerate() {
            server.answer(ms(0), id, Body::new(words.answer, vec![place as u8; 3])).unwrap();
            assert_eq!(server.waiting(), 3 - place);
            let again = server.answer(ms(0), id, Body::empty(words.answer));
            assert_eq!(again, usage(UsageError::NoSuchRequest { id }));
        }
        let expected = [(8, 0), (u16::MAX, 1), (7, 2), (0, 3)].map(|(id, place)| (id, words.answer, vec![place; 3]));
        assert_eq!(sent(&mut server), expected);
    }
}

/// Real servers never remember IDs, so that two requests with one ID get two answers with it.
#[test]
fn one_id_twice_gives_two_answers() {
    let mut server = V1.server();
    feed(&mut server, &[V1.ask(5), V1.ask(6), V1.ask(5)].concat());
    assert_eq!((told(&mut server).len(), server.waiting()), (3, 3));
    server.answer(ms(0), 5, Body::new(18u8, &b"\x01"[..])).unwrap();
    server.answer(ms(0), 6, Body::new(18u8, &b"\x02"[..])).unwrap();
    server.answer(ms(0), 5, Body::new(18u8, &b"\x03"[..])).unwrap();
    let expected = [(5, 18, vec![1]), (6, 18, vec![2]), (5, 18, vec![3])];
    assert_eq!(sent(&mut server), expected);
    let no_more = usage(UsageError::NoSuchRequest { id: 5 });
    assert_eq!(server.answer(ms(0), 5, Body::empty(18u8)), no_more);
    // The same with one that is ignored.
    feed(&mut server, &[V1.ask(5), V1.ask(5)].concat());
    assert_eq!(server.ignore(5), Ok(()));
    server.answer(ms(0), 5, Body::empty(17u8)).unwrap();
    assert_eq!((server.ignore(5), server.waiting()), (Err(UsageError::NoSuchRequest { id: 5 }), 0));
    assert_eq!(sent(&mut server), [(5, 17, vec![])]);
}

#[test]
fn an_event_is_no_answer_and_an_answer_no_event() {
    for words in dialects() {
        let dialect = words.dialect;
        let event_id = match dialect.name {
            "v1" => 65_535,
            _ => 0,
        };
        for kind in 0..=u8::MAX {
            let mut server = words.server();
            feed(&mut server, &words.ask(9));
            told(&mut server);
            let class = (dialect.from_server)(kind);
            let wrong = usage(UsageError::WrongKind { kind });
            let place = format!("{} {kind}", dialect.name);
            let answers_none = matches!(class, FromServer::Event | FromServer::Accepted | FromServer::Denied);
            let expected = if answers_none { wrong } else { Ok(()) };
            assert_eq!(server.answer(ms(0), 9, Body::new(kind, &b"\x05"[..])), expected, "{place}");
            assert_eq!(server.waiting(), usize::from(expected.is_err()), "{place}");
            let answers: Vec<_> = expected.is_ok().then(|| (9, kind, vec![5])).into_iter().collect();
            assert_eq!(sent(&mut server), answers, "{place}");
            let is_told = matches!(class, FromServer::Event | FromServer::Unknown);
            let expected = if is_told { Ok(()) } else { wrong };
            assert_eq!(server.push(ms(0), Body::new(kind, &b"\x06"[..])), expected, "{place}");
            let events: Vec<_> = is_told.then(|| (event_id, kind, vec![6])).into_iter().collect();
            assert_eq!(sent(&mut server), events, "{place}");
        }
    }
}

#[test]
fn events_go_out_among_answers_before_authentication_too() {
    let mut server = V1.fresh();
    server.push(ms(0), Body::empty(0u8)).unwrap();
    V1.let_in(&mut server);
    feed(&mut server, &[V1.ask(1), V1.ask(2)].concat());
    server.answer(ms(0), 1, Body::empty(18u8)).unwrap();
    server.push(ms(0), Body::empty(8u8)).unwrap();
    server.answer(ms(0), 2, Body::empty(18u8)).unwrap();
    assert_eq!(sent(&mut server), [(1, 18, vec![]), (65_535, 8, vec![]), (2, 18, vec![])]);
}

#[test]
fn what_is_too_large_is_refused_and_the_request_waits_on() {
    let mut server = V1.server_with(&V1.config().with_limits(Limits::V1.with_max_data_len(4)));
    feed(&mut server, &V1.ask(1));
    let large = Err(Error::Encode(EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met: 5, max: 4 }));
    assert_eq!(server.answer(ms(0), 1, Body::new(18u8, vec![0; 5])), large);
    assert_eq!(server.push(ms(0), Body::new(8u8, vec![0; 5])), large);
    assert_eq!((server.waiting(), server.poll_transmit()), (1, None));
    let package = |len| Package { id: 1, kind: 18, data: vec![0; len].into() };
    assert_eq!(server.forward(ms(0), package(5)), large);
    assert_eq!((server.waiting(), server.poll_transmit()), (1, None));
    server.answer(ms(0), 1, Body::new(18u8, vec![0; 4])).unwrap();
    assert_eq!(sent(&mut server), [(1, 18, vec![0; 4])]);
}

/// Whoever sets a small limit does not mean these.
#[test]
fn the_short_answers_of_the_dialect_ignore_the_limit_of_data() {
    for words in dialects() {
        let dialect = words.dialect;
        let mut server = Server::new(&words.config().with_limits(dialect.limits.with_max_data_len(0)), ms(0));
        let mut expected = Vec::new();
        if let Some((ping, pong)) = dialect.ping {
            feed(&mut server, &[package(1, ping, b""), package(2, words.request, b"")].concat());
            expected.push((1, pong, vec![]));
            expected.push((2, dialect.unauthenticated.kind, dialect.unauthenticated.data.to_vec()));
        }
        assert_eq!(told(&mut server), [""; 0]);
        feed(&mut server, &package(0, words.auth, b""));
        server.deny(ms(0)).unwrap();
        expected.push((0, dialect.denied.kind, dialect.denied.data.to_vec()));
        feed(&mut server, &package(0, words.auth, b""));
        // The caller's own words have to fit.
        let large = EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met: 1, max: 0 };
        let denied = Body::new(dialect.denied.kind, &b"\xc0"[..]);
        assert_eq!(server.deny_with(ms(0), denied), Err(Error::Encode(large)));
        server.accept(ms(0)).unwrap();
        expected.push((0, dialect.accepted.kind, dialect.accepted.data.to_vec()));
        assert_eq!(sent(&mut server), expected, "{}", dialect.name);
    }
}

// Proxies.

/// Any package goes out as it is; with an answer's or an error's TYPE it is the answer to the request with its ID.
#[test]
fn every_type_is_forwarded_as_it_is() {
    for words in dialects() {
        let dialect = words.dialect;
        for kind in 0..=u8::MAX {
            let mut server = words.server();
            feed(&mut server, &[words.ask(9), words.ask(9)].concat());
            let all = [9, 9, 9, 10, u16::MAX].map(|id| Package { id, kind, data: (&b"\xc1"[..]).into() });
            let is_answer = matches!((dialect.from_server)(kind), FromServer::Answer | FromServer::Error);
            for (package, left) in all.iter().zip([1, 0, 0, 0, 0]) {
                server.forward(ms(0), package.clone()).unwrap();
                assert_eq!(server.waiting(), if is_answer { left } else { 2 }, "{} {kind}", dialect.name);
            }
            assert_eq!(sent(&mut server), all.map(|package| (package.id, kind, vec![0xc1])));
        }
    }
}

/// That is for `accept` and `deny`, which know that somebody is let in.
#[test]
fn an_authentication_is_not_answered_by_forwarding() {
    let pending = usage(UsageError::AuthPending);
    for words in dialects() {
        let mut server = Server::new(&words.config(), ms(0));
        let auth = package(1, words.auth, b"");
        assert_eq!(server.handle_input(ms(0), &auth), auth.len());
        told(&mut server);
        let id = words.dialect.auth_id.unwrap_or(1);
        let with = |kind| Package { id, kind, data: (&b""[..]).into() };
        assert_eq!(server.forward(ms(0), with(words.dialect.accepted.kind)), pending, "{}", words.dialect.name);
        assert_eq!(server.forward(ms(0), with(words.dialect.denied.kind)), pending, "{}", words.dialect.name);
        assert_eq!(sent(&mut server), []);
        server.accept(ms(0)).unwrap();
        assert!(server.is_authenticated());
    }
}

#[test]
fn what_cannot_be_forwarded_answers_nothing() {
    let mut server = V1.server_with(&V1.config().with_limits(Limits::V1.with_max_queued_bytes(20)));
    let package = |id| Package { id, kind: 18, data: vec![0; 10].into() };
    feed(&mut server, &[V1.ask(1), V1.ask(2)].concat());
    server.forward(ms(0), package(1)).unwrap();
    assert_eq!(server.forward(ms(0), package(2)), full(Limit::MaxQueuedBytes, 20));
    assert_eq!(server.waiting(), 1);
    sent(&mut server);
    server.forward(ms(0), package(2)).unwrap();
    assert_eq!(server.waiting(), 0);
    server.close(ms(0));
    assert_eq!(server.forward(ms(0), package(3)), usage(UsageError::Closed));
    assert_eq!(sent(&mut server), [(2, 18, vec![0; 10])]);
}

#[test]
fn large_data_is_not_copied() {
    let mut server = V1.server();
    feed(&mut server, &V1.ask(1));
    let data = bytes::Bytes::from(vec![7; 5_000_000]);
    let range = data.as_ptr_range();
    let body = Body::new(18u8, data.clone());
    let (chunks, heap) = measure(|| {
        server.answer(ms(0), 1, body).unwrap();
        std::iter::from_fn(|| server.poll_transmit()).collect::<Vec<_>>()
    });
    assert!(heap.bytes < 10_000, "{heap:?}");
    assert_eq!(chunks[0], package(1, 18, &data)[..8]);
    let mut next = range.start;
    for chunk in &chunks[1..] {
        assert!(chunk.as_ptr() == next && !chunk.is_empty() && chunk.len() <= 256 << 10, "{}", chunk.len());
        next = chunk.as_ptr_range().end;
    }
    assert_eq!(next, range.end);
}

// Back-pressure.

#[test]
fn no_more_is_read_than_requests_may_wait() {
    for (max, waits) in [(0, 1), (1, 1), (3, 3)] {
        let mut server = V1.server_with(&V1.config().with_limits(Limits::V1.with_max_in_flight(max)));
        let stream: Vec<u8> = (0..10).flat_map(|id| V1.ask(id)).collect();
        // One more is taken, and kept back.
        assert_eq!(server.handle_input(ms(0), &stream), 9 * (waits + 1));
        assert_eq!((told(&mut server).len(), server.waiting()), (waits, waits));
        // Draining is not answering; behind it PINGs wait, too.
        assert_eq!(server.handle_input(ms(0), &package(0, 32, b"")), 0);
        assert_eq!((told(&mut server), server.poll_transmit()), (vec![], None));
        // Nobody was told of it, so nobody can answer it.
        let next = waits as u16;
        assert_eq!(server.answer(ms(0), next, Body::empty(18u8)), usage(UsageError::NoSuchRequest { id: next }));
        // Each that waits no more lets the one out that was kept back; then another is taken.
        let done: [fn(&mut Server, u16); 4] = [
            |server, id| server.answer(ms(0), id, Body::empty(18u8)).unwrap(),
            |server, id| server.ignore(id).unwrap(),
            |server, id| server.forward(ms(0), Package { id, kind: 19, data: (&b""[..]).into() }).unwrap(),
            |server, id| server.answer(ms(0), id, Body::empty(19u8)).unwrap(),
        ];
        let mut rest = &stream[9 * (waits + 1)..];
        for (round, done) in done.into_iter().enumerate() {
            let out = waits + round;
            done(&mut server, round as u16);
            assert_eq!(told(&mut server), [format!("Request 34#{out} 01")]);
            assert_eq!(server.waiting(), waits);
            assert_eq!(server.handle_input(ms(0), rest), 9);
            rest = &rest[9..];
            assert_eq!((told(&mut server), server.waiting()), (vec![], waits));
        }
    }
}

/// A client that waits for all its answers asks whether somebody is there: it gets its answer, and so does all else that is no request.
#[test]
fn pings_behind_the_last_request_that_may_wait_are_answered() {
    for words in dialects() {
        let config = words.config().with_limits(words.dialect.limits.with_max_in_flight(2));
        let mut server = words.server_with(&config);
        feed(&mut server, &[words.ask(1), words.ask(2)].concat());
        assert_eq!((told(&mut server).len(), server.waiting()), (2, 2));
        if let Some((ping, pong)) = words.dialect.ping {
            feed(&mut server, &[package(3, ping, b""), package(4, ping, b"")].concat());
            assert_eq!(sent(&mut server), [(3, pong, vec![]), (4, pong, vec![])]);
        }
        feed(&mut server, &package(5, 250, b""));
        assert_eq!(told(&mut server), ["Unknown 250#5 "]);
        words.let_in(&mut server);
        assert_eq!(server.waiting(), 2);
        // However it comes, the request behind them is the last that is taken.
        let ping = words.dialect.ping.map_or(vec![], |(ping, _)| package(6, ping, b""));
        let stream = [&ping[..], &words.ask(7), &ping, &words.ask(8)].concat();
        assert_eq!(server.handle_input(ms(0), &stream), ping.len() + 9);
        assert_eq!((told(&mut server), sent(&mut server).len()), (vec![], ping.len() / 8));
        server.ignore(1).unwrap();
        assert_eq!(told(&mut server), [format!("Request {}#7 01", words.request)]);
    }
}

/// Also in pieces, with what was not taken offered again when something was answered.
#[test]
fn a_request_that_was_kept_back_is_told_once_and_in_its_place() {
    let stream: Vec<u8> = (0..6).flat_map(|id| [V1.ask(id), package(100 + id, 32, b"")].concat()).collect();
    laws::chunking(&stream, |pieces| {
        let mut server = V1.server_with(&V1.config().with_limits(Limits::V1.with_max_in_flight(1)));
        let (mut held, mut all, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        for piece in pieces {
            held.extend_from_slice(piece);
            loop {
                let taken = server.handle_input(ms(0), &held);
                held.drain(..taken);
                let more = told(&mut server);
                bytes.extend(bytes_of(&mut server));
                if held.is_empty() {
                    all.extend(more);
                    break;
                }
                // Only when nothing else goes on, so that the order does not hang on the pieces.
                let waits: Vec<u16> = (0..6).filter(|id| server.ignore(*id).is_ok()).take(1).collect();
                all.extend(more);
                assert_eq!(waits.len(), 1);
            }
        }
        assert_eq!(all, [0, 1, 2, 3, 4, 5].map(|id| format!("Request 34#{id} 01")));
        taken_apart(&bytes)
    });
}

#[test]
fn a_request_that_was_kept_back_is_gone_with_the_connection() {
    let mut server = V1.server_with(&V1.config().with_limits(Limits::V1.with_max_in_flight(1)));
    feed(&mut server, &[V1.ask(1), V1.ask(2)].concat());
    server.handle_eof(ms(0));
    assert_eq!(told(&mut server), ["Request 34#1 01", "Closed Eof"]);
    assert_eq!((server.ignore(1), server.waiting()), (Err(UsageError::NoSuchRequest { id: 1 }), 0));
    assert_eq!(told(&mut server), [""; 0]);
    // With all that it held.
    let mut server = V1.server_with(&V1.config().with_limits(Limits::V1.with_max_in_flight(1)));
    let ((), heap) = measure(|| {
        feed(&mut server, &[V1.ask(1), package(2, 34, &[1; 100_000])].concat());
        server.close(ms(0));
        told(&mut server);
    });
    assert!(heap.live < 1024, "{heap:?}");
}

#[test]
fn no_more_is_read_than_events_may_wait() {
    for max in [0, 1, 3] {
        let mut server = V1.server_with(&V1.config().with_limits(Limits::V1.with_max_queued_events(max)));
        let stream = package(1, 99, b"?").repeat(10);
        assert_eq!(server.handle_input(ms(0), &stream), 9 * max.max(1));
        assert_eq!(server.handle_input(ms(0), &stream), 0);
        server.poll_event().unwrap();
        assert_eq!(server.handle_input(ms(0), &stream), 9);
        assert_eq!(told(&mut server).len(), max.max(1));
    }
}

#[test]
fn no_more_is_read_than_data_may_wait() {
    let mut server = V1.server_with(&V1.config().with_limits(Limits::V1.with_max_queued_bytes(10)));
    let stream = package(1, 99, &[1; 6]).repeat(3);
    assert_eq!(server.handle_input(ms(0), &stream), 28);
    server.poll_event().unwrap();
    assert_eq!(server.handle_input(ms(0), &stream[28..]), 14);
    assert_eq!(told(&mut server).len(), 2);
    // One that is larger than all that may wait comes through alone; what has no data weighs nothing.
    let large = [package(1, 99, &[1; 1000]), package(2, 99, b"")].concat();
    assert_eq!(server.handle_input(ms(0), &large), 1008);
    assert_eq!(told(&mut server).len(), 1);
    feed(&mut server, &package(2, 99, b"").repeat(100));
    assert_eq!(told(&mut server).len(), 100);
}

#[test]
fn no_more_waits_to_be_sent_than_may() {
    let mut server = V1.server_with(&V1.config().with_limits(Limits::V1.with_max_queued_bytes(100)));
    let refused = full(Limit::MaxQueuedBytes, 100);
    feed(&mut server, &[V1.ask(1), V1.ask(2)].concat());
    let large = Body::new(18u8, vec![0; 5000]);
    // Alone it may.
    server.answer(ms(0), 1, large.clone()).unwrap();
    assert_eq!(server.answer(ms(0), 2, Body::empty(18u8)), refused);
    assert_eq!(server.push(ms(0), Body::empty(8u8)), refused);
    assert_eq!(server.waiting(), 1);
    // Nor is anything read that would have to be answered.
    assert_eq!(server.handle_input(ms(0), &package(5, 32, b"")), 0);
    assert_eq!(sent(&mut server).len(), 1);
    server.answer(ms(0), 2, Body::new(18u8, vec![0; 30])).unwrap();
    assert_eq!(server.push(ms(0), Body::new(8u8, large.data)), refused);
    server.push(ms(0), Body::new(8u8, vec![0; 54])).unwrap();
    assert_eq!(server.push(ms(0), Body::empty(8u8)), refused);
    assert_eq!(sent(&mut server).len(), 2);
}

/// An authentication whose answer finds no room waits on.
#[test]
fn yes_and_no_are_not_lost_for_want_of_room() {
    let mut server = Server::new(&V1.config().with_limits(Limits::V1.with_max_queued_bytes(100)), ms(0));
    feed(&mut server, &package(3, 33, b""));
    server.push(ms(0), Body::new(0u8, vec![0; 92])).unwrap();
    let refused = full(Limit::MaxQueuedBytes, 100);
    assert_eq!(server.accept(ms(0)), refused);
    assert_eq!(server.deny(ms(0)), refused);
    assert!(!server.is_authenticated());
    sent(&mut server);
    server.accept(ms(0)).unwrap();
    assert!(server.is_authenticated());
    assert_eq!(sent(&mut server), [(3, 17, vec![])]);
}

/// Whatever the limit and however rarely the caller sends: each PING and each request too early gets its answer, in order.
#[test]
fn answers_that_are_given_by_themselves_are_never_lost() {
    for words in dialects() {
        let Some((ping, pong)) = words.dialect.ping else { continue };
        let reply = words.dialect.unauthenticated;
        for max in [0, 1, 8, 30, 64, 100, 1000] {
            let config = words.config().with_limits(words.dialect.limits.with_max_queued_bytes(max));
            let mut server = Server::new(&config, ms(0));
            let mut rng = Rng::new(max as u64);
            let (mut stream, mut expected) = (Vec::new(), Vec::new());
            for id in 0..300 {
                if rng.below(2) == 0 {
                    stream.extend(package(id, ping, b"x"));
                    expected.push((id, pong, vec![]));
                } else {
                    stream.extend(words.ask(id));
                    expected.push((id, reply.kind, reply.data.to_vec()));
                }
            }
            let (mut rest, mut bytes) = (&stream[..], Vec::new());
            while !rest.is_empty() {
                let piece = &rest[..rest.len().min(1 + rng.below(200))];
                let taken = server.handle_input(ms(0), piece);
                rest = &rest[taken..];
                if taken < piece.len() || rng.below(5) == 0 {
                    let waited = bytes_of(&mut server);
                    assert!(taken > 0 || !waited.is_empty(), "no progress");
                    // All within the limit, or one alone.
                    assert!(waited.len() <= max.max(8 + reply.data.len()), "{} of {max}", waited.len());
                    bytes.extend(waited);
                }
            }
            bytes.extend(bytes_of(&mut server));
            assert_eq!(taken_apart(&bytes), expected, "{} {max}", words.dialect.name);
            assert_eq!(told(&mut server), [""; 0]);
        }
    }
}

// Ends.

#[test]
fn what_is_no_package_ends_the_connection_and_what_was_answered_is_still_sent() {
    for words in dialects() {
        let Some((ping, pong)) = words.dialect.ping else { continue };
        let mut long = package(7, words.request, b"");
        long[..4].copy_from_slice(&(words.dialect.limits.max_data_len + 1).to_le_bytes());
        let before = [package(6, ping, b""), words.ask(9)].concat();
        // The authentication was on this connection: eight bytes more.
        let at = 8 + before.len();
        for (bad, error) in [
            (hex("0000000001002020"), format!("Closed invalid_check at {} (CHK)", at + 7)),
            (long, format!("Closed limit_exceeded at {at} (LEN)")),
        ] {
            let stream = [&before[..], &bad, &words.ask(10)].concat();
            laws::chunking(&stream, |pieces| {
                let mut server = words.server();
                pieces.for_each(|piece| feed(&mut server, piece));
                let expected = [format!("Request {}#9 01", words.request), error.clone()];
                assert_eq!(told(&mut server), expected);
                // Nobody can be answered any more.
                assert_eq!(server.answer(ms(0), 9, Body::empty(words.answer)), usage(UsageError::Closed));
                assert_eq!(server.push(ms(0), Body::empty(250u8)), usage(UsageError::Closed));
                assert_eq!((server.waiting(), server.is_authenticated()), (0, false));
                assert_eq!(sent(&mut server), [(6, pong, vec![])]);
                let reason = server.close_reason().unwrap();
                laws::repeats_error(&reason, |call| {
                    match call {
                        0..=3 => feed(&mut server, &package(1, ping, b"")),
                        4..=6 => server.handle_eof(ms(1)),
                        7..=9 => server.close(ms(1)),
                        _ => server.handle_timeout(Duration::MAX),
                    }
                    assert_eq!(
                        (server.poll_event(), server.poll_transmit(), server.poll_deadline()),
                        (None, None, None)
                    );
                    server.close_reason()
                });
            });
        }
    }
}

/// The start of a package with so much data.
fn announced(id: u16, kind: u8, len: u32) -> Vec<u8> {
    [&len.to_le_bytes()[..], &package(id, kind, b"")[4..]].concat()
}

/// What a server must not be made to hold by strangers.
#[test]
fn who_is_not_let_in_sends_64_kib_at_most_at_once() {
    for words in dialects() {
        let reads_on = |server: &mut Server, len| {
            feed(server, &announced(9, words.request, len));
            server.close_reason().is_none()
        };
        let is_module = words.dialect.name == "module";
        // Nobody has to be let in by a module.
        assert!(reads_on(&mut words.fresh(), 65_536));
        assert_eq!(reads_on(&mut words.fresh(), 65_537), is_module);
        let mut server = words.fresh();
        words.turn_away(&mut server);
        assert_eq!(reads_on(&mut server, 65_537), is_module);
        assert!(reads_on(&mut words.server(), 65_537));
        assert!(reads_on(&mut words.server(), words.dialect.limits.max_data_len));
        // Being turned away later changes nothing.
        let mut server = words.server();
        words.turn_away(&mut server);
        assert!(reads_on(&mut server, 65_537));
        // Whatever it is, and whole: an authentication of exactly so much.
        let mut server = words.fresh();
        feed(&mut server, &package(0, words.auth, &[0xc0; 65_536]));
        assert!(
            matches!(server.poll_event(), Some(ServerEvent::Authenticate(package)) if package.data.len() == 65_536)
        );
    }
}

#[test]
fn the_limit_before_an_authentication_has_a_name_of_its_own() {
    // The limits, what is announced, and which of them it exceeds.
    let cases = [
        (Limits::V1, 65_537, Some((Limit::MaxLoginLen, "max_login_len 65536"))),
        (Limits::V1.with_max_login_len(5), 6, Some((Limit::MaxLoginLen, "max_login_len 5"))),
        (Limits::V1.with_max_login_len(5), 5, None),
        (Limits::V1.with_max_login_len(u32::MAX), 1 << 30, None),
        // Never more than for anybody.
        (Limits::V1.with_max_login_len(u32::MAX), (1 << 30) + 1, Some((Limit::MaxDataLen, "max_data_len 1073741824"))),
        (Limits::V1.with_max_data_len(10), 11, Some((Limit::MaxDataLen, "max_data_len 10"))),
        (Limits::V1.with_max_data_len(10), 10, None),
    ];
    for (limits, len, expected) in cases {
        let ping = package(8, 32, b"");
        let stream = [&ping[..], &announced(9, 32, len)].concat();
        laws::chunking(&stream, |pieces| {
            let mut server = Server::new(&V1.config().with_limits(limits), ms(0));
            pieces.for_each(|piece| feed(&mut server, piece));
            assert_eq!(sent(&mut server), [(8, 16, vec![])]);
            let Some((limit, name)) = expected else {
                return assert_eq!(server.close_reason(), None, "{limits:?} {len}");
            };
            let Some(CloseReason::Decode(error)) = server.close_reason() else { panic!("{limits:?} {len}") };
            assert_eq!(error.limit(), Some(limit));
            assert_eq!(error.to_string(), format!("length {len} exceeds {name} at byte 8 (LEN)"));
            assert_eq!(told(&mut server), ["Closed limit_exceeded at 8 (LEN)"]);
        });
    }
    // A wrong check is that, whatever the length.
    let mut server = V1.fresh();
    let mut both = announced(9, 34, u32::MAX);
    both[7] ^= 1;
    feed(&mut server, &both);
    assert_eq!(told(&mut server), ["Closed invalid_check at 7 (CHK)"]);
}

#[test]
fn the_end_of_input_is_an_end_or_a_torn_package() {
    let ask = V1.ask(3);
    for cut in 0..=ask.len() {
        let mut server = V1.server();
        feed(&mut server, &ask[..cut]);
        server.handle_eof(ms(0));
        let mut expected = Vec::new();
        if cut == ask.len() {
            expected.push("Request 34#3 01".to_owned());
        }
        // Eight bytes of authentication came before.
        expected.push(match cut {
            1..8 => format!("Closed unexpected_end at {} (header)", 8 + cut),
            8 => "Closed unexpected_end at 16 (DATA)".into(),
            _ => "Closed Eof".into(),
        });
        assert_eq!(told(&mut server), expected, "{cut}");
        assert_eq!(server.waiting(), 0);
        assert_eq!(server.answer(ms(0), 3, Body::empty(18u8)), usage(UsageError::Closed));
    }
}

#[test]
fn closing_forgets_requests_and_keeps_what_waits_to_be_sent() {
    let mut server = V1.server();
    feed(&mut server, &[V1.ask(1), V1.ask(2)].concat());
    server.answer(ms(0), 1, Body::new(18u8, vec![1; 9000])).unwrap();
    server.close(ms(1));
    server.close(ms(1));
    assert_eq!(told(&mut server), ["Request 34#1 01", "Request 34#2 01", "Closed Local"]);
    assert_eq!((server.waiting(), server.ignore(2)), (0, Err(UsageError::NoSuchRequest { id: 2 })));
    assert_eq!(sent(&mut server), [(1, 18, vec![1; 9000])]);
}

#[test]
fn a_closed_server_takes_and_ignores_everything() {
    for words in dialects() {
        let mut server = words.fresh();
        feed(&mut server, &package(3, words.auth, b""));
        server.handle_eof(ms(0));
        // Also while an authentication waits.
        feed(&mut server, &words.ask(1).repeat(100));
        assert_eq!(told(&mut server), [format!("Authenticate {}#3 ", words.auth), "Closed Eof".into()]);
        assert_eq!(server.poll_transmit(), None);
    }
}

// Memory.

/// An idle connection, of which a server may have a million: nothing at first, less than a kibibyte after whatever came and went.
#[test]
fn an_idle_connection_holds_next_to_nothing() {
    for words in dialects() {
        let config = words.config();
        let (mut server, heap) = measure(|| Server::new(&config, ms(0)));
        assert_eq!(heap.allocations, 0);
        let ((), heap) = measure(|| {
            words.let_in(&mut server);
            for id in 0..100 {
                feed(&mut server, &words.ask(id));
                assert_eq!(told(&mut server).len(), 1);
                server.answer(ms(0), id, Body::new(words.answer, vec![7; 500])).unwrap();
                while server.poll_transmit().is_some() {}
            }
            // Something large in pieces, and its large answer.
            let large = package(5, words.request, &[1; 300_000]);
            large.chunks(1000).for_each(|piece| feed(&mut server, piece));
            drop(server.poll_event().unwrap());
            server.answer(ms(0), 5, Body::new(words.answer, vec![7; 300_000])).unwrap();
            while server.poll_transmit().is_some() {}
        });
        assert!(heap.live < 1024, "{}: {heap:?}", words.dialect.name);
        let ((), heap) = measure(|| {
            let ping = words.dialect.ping.map_or(250, |(ping, _)| ping);
            feed(&mut server, &package(6, ping, b""));
            while server.poll_transmit().is_some() || server.poll_event().is_some() {}
        });
        assert!(heap.live <= 0 && heap.peak < 1024, "{}: {heap:?}", words.dialect.name);
    }
}

#[test]
fn a_length_that_was_only_announced_costs_nothing() {
    let mut header = package(7, 34, b"");
    header[..4].copy_from_slice(&(1_u32 << 30).to_le_bytes());
    let mut server = V1.server();
    let ((), heap) = measure(|| {
        feed(&mut server, &header);
        feed(&mut server, &[0; 100]);
    });
    assert!(heap.peak <= 8192, "{heap:?}");
}

// Laws.

#[derive(Clone, Copy, Debug)]
enum Step {
    Input(&'static str),
    Accept,
    Deny,
    Answer(u16),
    Push,
    Timeout,
    Eof,
}

fn script() -> Vec<(Duration, Step)> {
    use Step::{Accept, Answer, Deny, Eof, Input, Push, Timeout};
    let steps = [
        Input("00000000050020df"),
        Input("0b000000010022dd92a24074a631202b20313b"),
        Input("0c000000020021de"),
        Deny,
        Input("92a561646d696ea470617373"),
        Deny,
        Input("00000000030021de"),
        Timeout,
        Accept,
        Input("000000000400639c"),
        Input("0b000000010022dd92a24074a631202b20313b0b000000010022dd92a24074a631202b20313b"),
        Answer(1),
        Push,
        Answer(1),
        Answer(1),
        Timeout,
        Input("0b0000"),
        Eof,
        Input("00000000050020df"),
        Accept,
        Timeout,
    ];
    steps.into_iter().enumerate().map(|(index, step)| (s(index as u64), step)).collect()
}

fn step(server: &mut Server, (now, step): &(Duration, Step)) -> Vec<String> {
    let mut out = Vec::new();
    match step {
        Step::Input(digits) => out.push(format!("{}", server.handle_input(*now, &hex(digits)))),
        Step::Accept => out.push(format!("{:?}", server.accept(*now))),
        Step::Deny => out.push(format!("{:?}", server.deny(*now))),
        Step::Answer(id) => out.push(format!("{:?}", server.answer(*now, *id, Body::empty(18u8)))),
        Step::Push => out.push(format!("{:?}", server.push(*now, Body::empty(0u8)))),
        Step::Timeout => server.handle_timeout(*now),
        Step::Eof => server.handle_eof(*now),
    }
    out.extend(told(server));
    out.push(to_hex(&bytes_of(server)));
    out.push(format!("{:?} {} {}", server.poll_deadline(), server.waiting(), server.is_authenticated()));
    out
}

fn scripted() -> Server {
    Server::new(&V1.config().with_login_timeout(s(100)), ms(0))
}

#[test]
fn law_7_extra_polls_and_time_that_goes_back_change_nothing() {
    laws::idle(&script(), scripted, step, |server, (now, _)| {
        let mut out = told(server);
        server.handle_timeout(*now);
        server.handle_timeout(now.saturating_sub(s(25)));
        assert_eq!(server.handle_input(now.saturating_sub(s(25)), b""), 0);
        out.extend(told(server));
        out.extend(server.poll_transmit().map(|bytes| to_hex(&bytes)));
        out
    });
}

#[test]
fn law_8_the_same_calls_give_the_same_results() {
    laws::deterministic(|| {
        let mut server = scripted();
        script().iter().flat_map(|action| step(&mut server, action)).collect::<Vec<_>>()
    });
}

#[test]
fn law_1_pieces_do_not_matter() {
    for words in dialects() {
        let mut stream = Vec::new();
        for id in 0..10 {
            stream.extend(words.ask(id));
            stream.extend(package(id, 250, &[9; 40]));
            if let Some((ping, _)) = words.dialect.ping {
                stream.extend(package(id, ping, b"\xc0"));
            }
        }
        stream.extend(&words.ask(77)[..8]);
        for is_in in [true, false] {
            laws::chunking(&stream, |pieces| {
                let mut server = if is_in { words.server() } else { words.fresh() };
                pieces.for_each(|piece| feed(&mut server, piece));
                let waiting = server.waiting();
                server.handle_eof(ms(0));
                (told(&mut server), bytes_of(&mut server), waiting)
            });
        }
    }
}

#[test]
fn debug_shows_nothing_that_was_said() {
    let secret = "s3cr3t-pa55w0rd";
    let shows = |shown: &str| {
        let numbers: Vec<String> = secret.bytes().take(3).map(|byte| byte.to_string()).collect();
        ["s3cr3t", &to_hex(secret.as_bytes()), &numbers.join(", ")].iter().any(|text| shown.contains(text))
    };
    assert!(shows(&format!("{:?}", secret.as_bytes())) && shows(&format!("{secret:?}")));
    for words in dialects() {
        let mut server = words.fresh();
        feed(&mut server, &package(3, words.auth, secret.as_bytes()));
        let mut shown = format!("{server:?} {server:#?}");
        let event = server.poll_event().unwrap();
        shown += &format!("{event:?} {event:#?}");
        server.accept(ms(0)).unwrap();
        let stream = [words.request, 250].map(|kind| package(3, kind, secret.as_bytes())).concat();
        feed(&mut server, &stream);
        feed(&mut server, &stream[..20]);
        server.answer(ms(0), 3, Body::new(words.answer, secret.as_bytes())).unwrap();
        shown += &format!("{server:?} {server:#?}");
        while let Some(event) = server.poll_event() {
            shown += &format!("{event:?} {event:#?}");
        }
        assert!(!shows(&shown), "{shown}");
        for wanted in ["Authenticate", "Request", "Unknown", words.dialect.name] {
            assert!(shown.contains(wanted), "{wanted}: {shown}");
        }
    }
}

// The model.

const CASES: u32 = if cfg!(miri) { 10 } else { 1000 };

#[derive(Clone, Debug)]
enum Op {
    Input(u16, u8),
    Accept,
    Deny,
    Answer(u16),
    Ignore(u16),
    Push,
    Forward(u16, u8),
    Drain,
    Send,
}

const CAP: usize = 3;

/// A server of v1, by SPEC.md §7 in the plainest words. Input that is not taken is held here, as its caller would hold it.
#[derive(Default)]
struct Model {
    held: Vec<(u16, u8)>,
    waiting: Vec<u16>,
    /// The one request too many.
    parked: Option<(u16, u8)>,
    events: Vec<String>,
    out: Vec<(u16, u8)>,
    auth: Option<u16>,
    is_in: bool,
}

impl Model {
    fn read(&mut self) {
        while self.auth.is_none() && self.parked.is_none() && self.events.len() < CAP && !self.held.is_empty() {
            let (id, kind) = self.held.remove(0);
            match kind {
                32 => self.out.push((id, 16)),
                33 => {
                    self.auth = Some(id);
                    self.events.push(format!("Authenticate 33#{id} "));
                }
                34 | 37..=41 if !self.is_in => self.out.push((id, 19)),
                34..=41 if self.waiting.len() == CAP => self.parked = Some((id, kind)),
                34..=41 => self.request(id, kind),
                _ => self.events.push(format!("Unknown {kind}#{id} ")),
            }
        }
    }

    fn request(&mut self, id: u16, kind: u8) {
        self.waiting.push(id);
        self.events.push(format!("Request {kind}#{id} "));
    }

    fn take(&mut self, id: u16) -> bool {
        let Some(place) = self.waiting.iter().position(|other| *other == id) else { return false };
        self.waiting.remove(place);
        if let Some((id, kind)) = self.parked.take() {
            self.request(id, kind);
        }
        true
    }
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let kind = prop_oneof![2 => Just(33u8), 6 => Just(34), 2 => Just(32), 2 => Just(36), 2 => Just(38), 1 => Just(99)];
    let id = 0..4u16;
    let op = prop_oneof![
        8 => (id.clone(), kind).prop_map(|(id, kind)| Op::Input(id, kind)),
        3 => Just(Op::Accept),
        2 => Just(Op::Deny),
        5 => id.clone().prop_map(Op::Answer),
        1 => id.clone().prop_map(Op::Ignore),
        2 => (id, prop_oneof![Just(16u8), Just(18), Just(19), Just(8), Just(42)])
            .prop_map(|(id, kind)| Op::Forward(id, kind)),
        1 => Just(Op::Push),
        4 => Just(Op::Drain),
        2 => Just(Op::Send),
    ];
    prop::collection::vec(op, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn the_machine_agrees_with_the_model(ops in ops()) {
        let limits = Limits::V1.with_max_in_flight(CAP as u16).with_max_queued_events(CAP);
        let (mut server, mut model) = (Server::new(&V1.config().with_limits(limits), ms(0)), Model::default());
        let mut held: Vec<u8> = Vec::new();
        for op in &ops {
            match *op {
                Op::Input(id, kind) => {
                    held.extend(package(id, kind, b""));
                    model.held.push((id, kind));
                }
                Op::Accept | Op::Deny => {
                    let is_yes = matches!(op, Op::Accept);
                    let found = if is_yes { server.accept(ms(0)) } else { server.deny(ms(0)) };
                    let expected = match model.auth.take() {
                        Some(id) => {
                            model.out.push((id, if is_yes { 17 } else { 19 }));
                            model.is_in |= is_yes;
                            Ok(())
                        }
                        None => usage(UsageError::NoAuthPending),
                    };
                    prop_assert_eq!(found, expected);
                }
                Op::Answer(id) => {
                    let found = server.answer(ms(0), id, Body::empty(18u8));
                    let waits = model.take(id);
                    prop_assert_eq!(found, if waits { Ok(()) } else { usage(UsageError::NoSuchRequest { id }) });
                    if waits {
                        model.out.push((id, 18));
                    }
                }
                Op::Ignore(id) => prop_assert_eq!(server.ignore(id).is_ok(), model.take(id)),
                Op::Push => {
                    server.push(ms(0), Body::empty(8u8)).unwrap();
                    model.out.push((u16::MAX, 8));
                }
                Op::Forward(id, kind) => {
                    let found = server.forward(ms(0), Package { id, kind, data: (&b""[..]).into() });
                    let answers = matches!(kind, 16..=19);
                    if answers && model.auth == Some(id) && !model.waiting.contains(&id) {
                        prop_assert_eq!(found, usage(UsageError::AuthPending));
                        continue;
                    }
                    prop_assert_eq!(found, Ok(()));
                    model.out.push((id, kind));
                    if answers {
                        model.take(id);
                    }
                }
                Op::Drain => prop_assert_eq!(told(&mut server), std::mem::take(&mut model.events)),
                Op::Send => {
                    let out: Vec<(u16, u8)> = sent(&mut server).into_iter().map(|(id, kind, _)| (id, kind)).collect();
                    prop_assert_eq!(out, std::mem::take(&mut model.out));
                }
            }
            let taken = server.handle_input(ms(0), &held);
            held.drain(..taken);
            model.read();
            prop_assert_eq!(held.len(), 8 * model.held.len());
            prop_assert_eq!(server.waiting(), model.waiting.len());
            prop_assert_eq!(server.is_authenticated(), model.is_in);
        }
        prop_assert_eq!(told(&mut server), model.events);
    }
}

//! The client's machine from outside: the tables of SPEC.md §7 written out by hand, IDs, deadlines, limits, the laws of
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

#[path = "common/client.rs"]
mod common;

testkit::counting_allocator!();

use std::collections::BTreeSet;
use std::time::Duration;

use common::*;
use proptest::prelude::*;
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, laws, measure};
use thingsdb_wire::{
    Body, Client, ClientEvent, CloseReason, Config, Dialect, EncodeError, Error, FromClient, FromServer, Limit, Limits,
    UsageError, legacy, module, siridb, v1,
};

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
            told(&mut client);
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
        // OK, RES_AUTH, CONF_OK, AUTH_SUCCESS.
        let accepts = match dialect.name {
            "v1" => 17,
            "module" => 65,
            "siridb" => 2,
            _ => 65,
        };
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
                    FromServer::Answer if is_auth && kind == accepts => (vec!["Authenticated".to_owned()], 1),
                    FromServer::Answer if is_auth => (vec![format!("Unmatched {all}")], 0),
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
    assert_eq!(client.send(ms(0), body(&words.request)), refused);
    assert_eq!(client.request(ms(0), Body::empty(32u8)), refused);
    // An authentication goes out beyond it.
    assert_eq!(client.request(ms(0), body(&words.auth)), Ok(1026));
    assert_eq!((client.in_flight(), client.request(ms(0), body(&words.request))), (1025, refused));
    feed(&mut client, ms(0), &words.ok(1026));
    assert_eq!(client.request(ms(0), body(&words.request)), refused);
    feed(&mut client, ms(0), &words.answer(ids[500]));
    assert_eq!(words.ask(&mut client, ms(0)), 1027);
    assert_eq!(client.request(ms(0), body(&words.request)), refused);
}

#[test]
fn one_request_at_least_may_be_in_flight() {
    for dialect in dialects() {
        let words = words(dialect);
        let config = words.config().with_limits(dialect.limits.with_max_in_flight(0));
        let mut client = words.client_with(&config, ms(0));
        let id = words.ask(&mut client, ms(0));
        assert_eq!(client.request(ms(0), body(&words.request)), Err(limit(Limit::MaxInFlight, 1)));
        let again = client.request(ms(0), body(&words.auth)).unwrap();
        feed(&mut client, ms(0), &[words.ok(again), words.answer(id)].concat());
        assert_eq!(told(&mut client).len(), 2);
        words.ask(&mut client, ms(0));
    }
}

/// The machine's own PING takes no place from requests.
#[test]
fn a_ping_without_an_answer_takes_no_place() {
    let words = v1();
    let mut client = words.client_with(&words.config().with_limits(Limits::V1.with_max_in_flight(2)), ms(0));
    client.handle_timeout(s(30));
    assert_eq!(sent(&mut client), [(2, 32, vec![])]);
    assert_eq!([words.ask(&mut client, s(30)), words.ask(&mut client, s(30))], [3, 4]);
    assert_eq!(client.request(s(30), body(&words.request)), Err(limit(Limit::MaxInFlight, 2)));
    assert_eq!(client.in_flight(), 3);
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

// What gets no answer.

#[test]
fn what_is_sent_without_an_answer_leaves_nothing_behind() {
    let words = v1();
    let mut client = words.client();
    let waiting = words.ask(&mut client, ms(0));
    assert_eq!(waiting, 2);
    // More than may be in flight.
    for id in 3..2000 {
        assert_eq!(client.send(ms(0), Body::new(34u8, &b"\x90"[..])), Ok(id));
        assert_eq!(sent(&mut client).last(), Some(&(id, 34, vec![0x90])));
    }
    assert_eq!((client.in_flight(), client.give_up(3)), (1, Err(UsageError::NoSuchRequest { id: 3 })));
    // Should an answer come, nobody knows of the request: not of its TYPE, nor of the rooms it asked for.
    let join = client.send(ms(0), v1_body(38, JOIN_5_456)).unwrap();
    feed(&mut client, ms(0), &[words.answer(3), package(join, 18, &hex("9205c0"))].concat());
    assert_eq!(told(&mut client), ["Unmatched 18#3 02".to_owned(), format!("Unmatched 18#{join} 9205c0")]);
    assert_eq!(rooms(&client), [""; 0]);
    // It runs out of no time, and is not lost.
    client.handle_timeout(s(120));
    assert_eq!(told(&mut client), ["TimedOut 34#2"]);
    client.close(s(120));
    assert_eq!(told(&mut client), ["Closed Local"]);
}

#[test]
fn what_is_sent_without_an_answer_passes_over_ids_in_flight() {
    let dialect = Dialect { first_id: u16::MAX - 1, ..v1::DIALECT };
    let words = Words { dialect, ..v1() };
    let mut client = words.client();
    assert_eq!(words.ask(&mut client, ms(0)), u16::MAX);
    for id in 0..u16::MAX {
        assert_eq!(client.send(ms(0), Body::empty(34u8)), Ok(id));
        while client.poll_transmit().is_some() {}
    }
    assert_eq!(client.send(ms(0), Body::empty(34u8)), Ok(0));
}

/// As requests, but for an authentication, which has an answer always.
#[test]
fn every_type_is_sent_without_an_answer_where_it_may_be_asked() {
    use State::{Authenticated, Closed, DeniedAgain, Fresh, PendingAgain, Reconnected};
    for dialect in dialects() {
        let words = words(dialect);
        for (state, kind) in STATES.into_iter().flat_map(|state| (0..=u8::MAX).map(move |kind| (state, kind))) {
            let mut client = client_in(state, &words);
            let before = (client.in_flight(), client.poll_deadline());
            let found = client.send(ms(1), Body::new(kind, &b"\x01\x02"[..]));
            let class = (dialect.from_client)(kind);
            let is_open = class == FromClient::Open || dialect.name == "module" && matches!(state, Fresh | Reconnected);
            let expected = match state {
                // Both are true.
                Closed if class == FromClient::Auth => continue,
                Closed => Some(UsageError::Closed),
                _ if class == FromClient::Auth => Some(UsageError::WrongKind { kind }),
                Authenticated | PendingAgain | DeniedAgain => None,
                _ if is_open => None,
                _ => Some(UsageError::NotAuthenticated { kind }),
            };
            let place = format!("{} {kind} in {state:?}", dialect.name);
            assert_eq!(found.err(), expected.map(Error::Usage), "{place}");
            let out: Vec<_> = found.ok().map(|id| (id, kind, vec![1, 2])).into_iter().collect();
            assert_eq!(sent(&mut client), out, "{place}");
            assert_eq!((client.in_flight(), client.poll_deadline()), before, "{place}");
        }
    }
}

// Order.

/// As a server was seen to do it: a query that changes data (2), a plain one (3) and a ping (4) are answered 3, 4, 2.
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

/// Answers of other TYPEs with its ID are answers to nothing, and its time runs on.
#[test]
fn an_authentication_waits_for_the_type_that_accepts() {
    for (dialect, others) in
        [(v1::DIALECT, &[16, 18][..]), (legacy::S2, &[64, 66, 80, 81]), (siridb::DIALECT, &[0, 1, 3, 5, 32, 33])]
    {
        let words = words(dialect);
        let mut client = Client::new(&words.config(), ms(0));
        let id = client.request(ms(0), body(&words.auth)).unwrap();
        for kind in others {
            feed(&mut client, s(1), &package(id, *kind, b"\xc0"));
            assert_eq!(told(&mut client), [format!("Unmatched {kind}#{id} c0")], "{}", dialect.name);
            assert_eq!((client.is_authenticated(), client.in_flight()), (false, 1));
            assert_eq!(client.poll_deadline(), Some(s(10)));
            assert_eq!(client.request(s(1), body(&words.auth)), Err(Error::Usage(UsageError::AuthPending)));
        }
        feed(&mut client, s(2), &words.ok(id));
        assert_eq!((told(&mut client), client.in_flight()), (vec!["Authenticated".to_owned()], 0));
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
            package(u16::MAX, 6, &hex(ROOM_7)),
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
                    format!("Event 6#65535 {ROOM_7}"),
                    "Answer to 38: 18#5 02".to_owned(),
                ]
            );
            assert_eq!(rooms(&client), ["7 @collection:stuff"]);
        });
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
        // Its IDs would be taken for those of the new connection.
        assert_eq!(client.reconnect(s(6)), Err(UsageError::NotDrained));
        assert_eq!(text(&client.poll_event().unwrap()), format!("Lost {}#{first}", words.request.0));
        assert_eq!(client.reconnect(s(6)), Err(UsageError::NotDrained));
        assert_eq!(client.close_reason(), Some(CloseReason::Local));
        assert_eq!(told(&mut client), ["Closed Local"]);
        client.reconnect(s(6)).unwrap();
        assert_eq!(client.poll_transmit(), None);
        assert_eq!(client.poll_deadline(), dialect.ping.map(|_| s(36)));
        assert_eq!((client.is_authenticated(), client.close_reason(), client.in_flight()), (false, None, 0));
        words.log_in(&mut client, s(6));
        assert_eq!(words.ask(&mut client, s(6)), first);
        feed(&mut client, s(6), &words.answer(first));
        assert_eq!(told(&mut client).len(), 1);
        client.close(s(7));
        assert_eq!(told(&mut client), ["Closed Local"]);
        client.reconnect(s(7)).unwrap();
        assert_eq!(client.reconnect(s(7)), Err(UsageError::StillOpen));
    }
}

#[test]
fn a_client_that_is_not_drained_does_not_reconnect() {
    let words = v1();
    let mut client = Client::new(&words.config(), ms(0));
    for _ in 0..100 {
        client.close(ms(0));
        assert_eq!(client.reconnect(ms(0)), Err(UsageError::NotDrained));
        // Nothing was done.
        assert_eq!(client.request(ms(0), body(&words.auth)), Err(Error::Usage(UsageError::Closed)));
    }
    assert_eq!(told(&mut client), ["Closed Local"]);
    client.reconnect(ms(0)).unwrap();
    assert_eq!((told(&mut client), client.close_reason()), (vec![], None));
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

    /// The ID for a package of this TYPE, if it may go out.
    fn go(&mut self, kind: u8) -> Result<u16, UsageError> {
        if !self.open {
            return Err(UsageError::Closed);
        }
        if kind == 33 && self.auth.is_some() {
            return Err(UsageError::AuthPending);
        }
        if !matches!(kind, 32 | 33 | 35 | 36) && !self.is_in {
            return Err(UsageError::NotAuthenticated { kind });
        }
        // An authentication goes out beyond the limit, and counts while it is under way.
        if kind != 33 && self.slots.len() >= CAP {
            return Err(UsageError::LimitReached { limit: Limit::MaxInFlight, max: CAP as u64 });
        }
        while self.place(self.next).is_some() {
            self.next = self.next.wrapping_add(1);
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        Ok(id)
    }

    fn request(&mut self, now: u64, kind: u8, timeout: Option<u64>) -> Result<u16, UsageError> {
        let id = self.go(kind)?;
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
        let place = self.place(id);
        if place.is_some_and(|place| self.slots[place].1 == Slot::Auth) && matches!(kind, 16 | 18) {
            return self.told.push(format!("Unmatched {kind}#{id} "));
        }
        let slot = place.map(|place| self.slots.remove(place).1);
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
    Send(u8),
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
        2 => prop_oneof![Just(34u8), Just(32), Just(38), Just(99)].prop_map(Op::Send),
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
                Op::Send(kind) => {
                    let expected = model.go(kind);
                    prop_assert_eq!(client.send(ms(now), Body::empty(kind)), expected.map_err(Error::Usage));
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

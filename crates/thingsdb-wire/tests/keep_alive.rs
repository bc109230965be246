//! Silence on a client's connection, SPEC.md §7: when a PING goes out, when it is the end, and what puts both off.
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

use std::time::Duration;

use common::*;
use testkit::vectors::{hex, to_hex};
use thingsdb_wire::{Body, Client, CloseReason, Config, Limit, Limits, legacy, siridb, v1};

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
        assert_eq!(client.poll_deadline(), Some(s(95)));
        feed(&mut client, s(40), &package(1, pong, b""));
        assert_eq!((told(&mut client), client.in_flight()), (vec![], 0));
        assert_eq!(client.poll_deadline(), Some(s(70)));
        client.handle_timeout(s(70));
        assert_eq!(bytes_of(&mut client), package(2, ping, b""));
        client.handle_timeout(s(130) - NANO);
        assert_eq!(told(&mut client), [""; 0]);
        client.handle_timeout(s(130));
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
    // After a PING, too: it is not the end a minute after the PING, and silence counts anew.
    client.handle_timeout(last + s(30));
    assert_eq!((sent(&mut client).len(), client.poll_deadline()), (1, Some(last + s(90))));
    feed(&mut client, last + s(89), &event[..1]);
    assert_eq!(client.poll_deadline(), Some(last + s(119)));
    client.handle_timeout(last + s(90));
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
    for (due, reason) in [(s(30), None), (s(90), Some(CloseReason::KeepAlive))] {
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
    assert_eq!((sent(&mut client), client.poll_deadline()), (vec![], Some(s(125))));
    feed(&mut client, s(70), &package(2, 16, b""));
    assert_eq!((told(&mut client).len(), client.poll_deadline()), (1, Some(s(100))));
    client.handle_timeout(s(100));
    assert_eq!(sent(&mut client), [(3, 32, vec![])]);
    feed(&mut client, s(101), &room_event(7, 5));
    client.handle_timeout(s(131));
    client.handle_timeout(s(191) - NANO);
    assert_eq!((sent(&mut client), told(&mut client).len()), (vec![], 1));
    client.handle_timeout(s(191));
    assert_eq!(told(&mut client), ["Closed KeepAlive"]);
}

/// A chunk of 4 KiB or more puts the next look off, if it was not the last one: that somebody came for more shows that it was written.
#[test]
fn a_large_upload_puts_the_ping_off() {
    // Bytes of data of each request, how many chunks are fetched, and whether that is a sign.
    let cases: [(&[usize], usize, bool); 9] = [
        // Alone, nobody can tell whether it was written.
        (&[4096], 9, false),
        (&[100_000], 9, false),
        (&[4096, 4096], 9, true),
        // The header comes alone: the large chunk is the second.
        (&[4096, 4096], 1, false),
        (&[4096, 4096], 2, true),
        // The last package is small, but there.
        (&[4096, 0], 9, true),
        // A small one, and a large one that is the last.
        (&[1000, 5000], 9, false),
        (&[1 << 20], 9, true),
        // Small ones go out together, in the last chunk.
        (&[1000, 1000, 1000], 9, false),
    ];
    for (lens, fetches, puts_off) in cases {
        let words = v1();
        let mut client = words.client();
        for len in lens {
            client.request_with_timeout(ms(0), Body::new(34u8, vec![0xc0; *len]), Duration::MAX).unwrap();
        }
        let chunks: Vec<usize> = (0..fetches).map_while(|_| client.poll_transmit()).map(|chunk| chunk.len()).collect();
        client.handle_timeout(s(30));
        let pings = std::iter::from_fn(|| client.poll_transmit()).any(|chunk| chunk.ends_with(&hex("20df")));
        assert_eq!(pings, !puts_off, "{lens:?} {chunks:?}");
        assert_eq!(client.poll_deadline(), Some(if puts_off { s(60) } else { s(90) }), "{lens:?} {chunks:?}");
    }
}

/// By one period each, also after the PING.
#[test]
fn the_end_is_put_off_too() {
    let words = v1();
    let mut client = words.client();
    client.handle_timeout(s(30));
    assert_eq!(sent(&mut client), [(2, 32, vec![])]);
    client.request_with_timeout(s(31), Body::new(34u8, vec![0xc0; 3 << 20]), Duration::MAX).unwrap();
    assert_eq!(client.poll_transmit().map(|header| header.len()), Some(8));
    for due in [s(90), s(150), s(210)] {
        assert!(client.poll_transmit().unwrap().len() >= 4096);
        assert_eq!(client.poll_deadline(), Some(due));
        client.handle_timeout(due);
        assert_eq!(client.close_reason(), None);
    }
    // Nobody comes for more.
    assert_eq!(client.poll_deadline(), Some(s(270)));
    client.handle_timeout(s(270));
    assert_eq!(client.close_reason(), Some(CloseReason::KeepAlive));
}

/// A peer that is gone, while the caller has something to say now and then: what the socket takes is no sign of life.
#[test]
fn requests_to_a_dead_peer_do_not_hide_that_it_is_dead() {
    for len in [10, 5000] {
        let words = v1();
        let mut client = words.client();
        let (mut now, mut asked, mut pings) = (ms(0), 0, 0);
        let closed_at = loop {
            let due = client.poll_deadline().unwrap();
            if due <= now {
                client.handle_timeout(due);
                if client.close_reason().is_some() {
                    break due;
                }
            } else {
                client.request(now, Body::new(34u8, vec![0xc0; len])).unwrap();
                asked += 1;
                now += s(8);
            }
            pings += sent(&mut client).iter().filter(|(_, kind, _)| *kind == 32).count();
        };
        assert_eq!((closed_at, pings, asked), (s(90), 1, 12), "{len}");
        let told = told(&mut client);
        assert_eq!((told.len(), told.last().map(String::as_str)), (13, Some("Closed KeepAlive")));
    }
}

#[test]
fn an_upload_of_minutes_is_not_given_up_while_somebody_fetches_it() {
    // A chunk now and then: 256 KiB at most, so that there are twelve at least.
    for pause in [s(9), s(59)] {
        let words = v1();
        let mut client = words.client();
        client.request_with_timeout(ms(0), Body::new(34u8, vec![0xc0; 3 << 20]), Duration::MAX).unwrap();
        let (mut now, mut chunks, mut fetched) = (ms(0), 0, 0);
        while fetched < 8 + (3 << 20) {
            let chunk = client.poll_transmit().unwrap();
            assert!(chunk.len() <= 256 << 10);
            chunks += 1;
            fetched += chunk.len();
            now += pause;
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

//! The rooms of a client, SPEC.md §7: what joins and leaves them, what is asked for again after a reconnect, and what is not remembered.
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

use common::*;
use testkit::measure;
use testkit::vectors::{hex, to_hex};
use thingsdb_wire::{Body, Change, Client, Dialect, Exchange, Joined, Limits, PackageRef, legacy, v1};

fn room(scope: &str, id: i64) -> Joined {
    Joined { scope: scope.into(), id }
}

/// Asks, and is answered with DATA; how much is told then.
fn exchange(client: &mut Client, kind: u8, asked: &[u8], answer: &[u8]) -> usize {
    told(client);
    let id = client.request(ms(0), Body::new(kind, asked.to_vec())).unwrap();
    feed(client, ms(0), &package(id, 18, answer));
    sent(client);
    told(client).len()
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
    assert_eq!(exchange(38, JOIN_5_456, 18, "9205c0"), ["5 @collection:stuff"]);
    // By name; again, which changes nothing.
    assert_eq!(
        exchange(38, "92a72f2f7374756666a463686174", 18, "9106"),
        ["5 @collection:stuff", "6 @collection:stuff"]
    );
    assert_eq!(
        exchange(38, "92a72f2f7374756666a463686174", 18, "9106"),
        ["5 @collection:stuff", "6 @collection:stuff"]
    );
    // None asked for, and an error.
    assert_eq!(exchange(38, "91a72f2f7374756666", 18, "90"), ["5 @collection:stuff", "6 @collection:stuff"]);
    assert_eq!(exchange(38, "92a72f2f737475666607", 19, "9107"), ["5 @collection:stuff", "6 @collection:stuff"]);
    // By ID, and it is gone; by a name that is gone, which says nothing of any ID.
    assert_eq!(exchange(38, "92a72f2f737475666605", 18, "91c0"), ["6 @collection:stuff"]);
    assert_eq!(exchange(38, "92a72f2f7374756666a463686174", 18, "91c0"), ["6 @collection:stuff"]);
    // Left by name; an error leaves nothing.
    assert_eq!(exchange(39, "92a72f2f7374756666a463686174", 19, "9106"), ["6 @collection:stuff"]);
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
    assert_eq!(rooms(&client), ["6 @collection:stuff"]);
    // Before 1.8.6 the scope is not sent.
    feed(&mut client, ms(0), &room_event(6, 5));
    assert_eq!(rooms(&client), ["6 @collection:stuff"]);
    feed(&mut client, ms(0), &package(u16::MAX, 6, &hex(ROOM_5)));
    assert_eq!(rooms(&client), ["5 @collection:stuff", "6 @collection:stuff"]);
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
    assert_eq!(rooms(&client), ["5 @collection:stuff"]);
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
    assert_eq!(told(&mut client), ["Closed Eof"]);
    client.reconnect(ms(2)).unwrap();
    let all = ["8 @collection:other", "-1 @collection:stuff", "7 @collection:stuff", "300 @collection:stuff"];
    assert_eq!(rooms(&client), all);
    // Not before somebody is let in.
    let denied = client.request(ms(2), body(&words.auth)).unwrap();
    feed(&mut client, ms(2), &package(denied, words.denied.0, &words.denied.1));
    assert_eq!(told(&mut client), [format!("Denied 19#1 {}", to_hex(&words.denied.1))]);
    let rejoin = |client: &mut Client, now| {
        let id = client.request(now, body(&words.auth)).unwrap();
        feed(client, now, &words.ok(id));
        told(client)
    };
    let expected = [
        "Authenticated",
        "Rejoin 8 in \"@collection:other\"",
        "Rejoin -1 in \"@collection:stuff\"",
        "Rejoin 7 in \"@collection:stuff\"",
        "Rejoin 300 in \"@collection:stuff\"",
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
    assert_eq!(rooms(&client), ["8 @collection:other", "-1 @collection:stuff", "300 @collection:stuff"]);
    // One is not wanted any more.
    for _ in 0..2 {
        client.forget_room(&room("@collection:other", 8));
    }
    told(&mut client);
    client.close(ms(7));
    told(&mut client);
    client.reconnect(ms(7)).unwrap();
    client.forget_room(&room("@collection:stuff", -1));
    // Of another collection.
    client.forget_room(&room("@collection:other", 300));
    assert_eq!(rejoin(&mut client, ms(7)), ["Authenticated", "Rejoin 300 in \"@collection:stuff\""]);
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
    assert_eq!(rooms(&client), ["1 @collection:a", "2 @collection:a"]);
    feed(&mut client, ms(0), &package(u16::MAX, 6, &hex(ROOM_5)));
    assert_eq!(self::told(&mut client), ["NotRemembered 5".to_owned(), format!("Event 6#65535 {ROOM_5}")]);
    feed(&mut client, ms(0), &room_event(7, 1));
    join(&mut client, ms(0), "@:a", &[3]);
    assert_eq!(rooms(&client), ["2 @collection:a", "3 @collection:a"]);
}

/// The answer is as long as the request (so do servers): what a server says beyond it is no room, and must not become an
/// event for each, which no limit would hold back.
#[test]
fn an_answer_longer_than_its_join_costs_no_more_than_its_bytes() {
    for (asked, first) in [("92a72f2f737475666605", 5_u16), ("92a72f2f7374756666a463686174", 9)] {
        let words = v1();
        let mut client = words.client_with(&words.config().with_limits(Limits::V1.with_max_rooms(1)), ms(0));
        let id = client.request(ms(0), v1_body(38, asked)).unwrap();
        let ids = std::iter::once(first).chain(1000..50_999).flat_map(|id| [&[0xcd][..], &id.to_be_bytes()].concat());
        let data = [&[0xdc][..], &50_000_u16.to_be_bytes(), &ids.collect::<Vec<u8>>()].concat();
        let answer = package(id, 18, &data);
        let ((), heap) = measure(|| feed(&mut client, ms(0), &answer));
        assert!(heap.peak < 4 * answer.len() + 65_536, "{} bytes: {heap:?}", answer.len());
        // Not a word of those that were not asked for.
        assert_eq!(told(&mut client), [format!("Answer to 38: 18#{id} {}", to_hex(&data))]);
        assert_eq!(rooms(&client), [format!("{first} @collection:stuff")]);
    }
}

/// Beyond those asked for in a LEAVE, too.
#[test]
fn an_answer_longer_than_its_leave_leaves_no_more() {
    let mut client = v1().client();
    join(&mut client, ms(0), "//stuff", &[5, 6, 7]);
    exchange(&mut client, 39, &array(&[str("//stuff"), int(5)]), &array(&[int(5), int(6), int(7)]));
    assert_eq!(rooms(&client), ["6 @collection:stuff", "7 @collection:stuff"]);
    // None asked for.
    exchange(&mut client, 39, &array(&[str("//stuff")]), &array(&[int(6)]));
    exchange(&mut client, 38, &array(&[str("//stuff")]), &array(&[int(8)]));
    assert_eq!(rooms(&client), ["6 @collection:stuff", "7 @collection:stuff"]);
}

#[test]
fn an_answer_with_another_id_changes_nothing() {
    let mut client = v1().client();
    let asked = array(&[str("//stuff"), int(5), int(6)]);
    exchange(&mut client, 38, &asked, &array(&[int(9), int(6)]));
    assert_eq!(rooms(&client), ["6 @collection:stuff"]);
    // In another order, each is another one.
    exchange(&mut client, 38, &asked, &array(&[int(6), int(5)]));
    assert_eq!(rooms(&client), ["6 @collection:stuff"]);
    exchange(&mut client, 38, &asked, &array(&[int(5), int(6)]));
    exchange(&mut client, 39, &asked, &array(&[int(6), int(9)]));
    assert_eq!(rooms(&client), ["5 @collection:stuff", "6 @collection:stuff"]);
    exchange(&mut client, 39, &asked, &array(&[int(5), int(9)]));
    assert_eq!(rooms(&client), ["6 @collection:stuff"]);
}

#[test]
fn rooms_with_one_id_in_two_collections_are_two() {
    let words = v1();
    let both = |client: &mut Client| {
        join(client, ms(0), "//stuff", &[5]);
        join(client, ms(0), "//other", &[5]);
        told(client);
        assert_eq!(rooms(client), ["5 @collection:other", "5 @collection:stuff"]);
    };
    let mut client = words.client();
    // Left by request, by what it was answered with or with nil, by event, and by the caller.
    let leave = array(&[str("//stuff"), int(5)]);
    for answer in [int(5), hex("c0")] {
        both(&mut client);
        exchange(&mut client, 39, &leave, &array(&[answer]));
        assert_eq!(rooms(&client), ["5 @collection:other"]);
    }
    both(&mut client);
    exchange(&mut client, 38, &leave, &array(&[hex("c0")]));
    assert_eq!(rooms(&client), ["5 @collection:other"]);
    for kind in [7, 9] {
        both(&mut client);
        feed(&mut client, ms(0), &package(u16::MAX, kind, &hex(ROOM_5)));
        assert_eq!(rooms(&client), ["5 @collection:other"]);
    }
    both(&mut client);
    client.forget_room(&room("@collection:stuff", 5));
    assert_eq!(rooms(&client), ["5 @collection:other"]);
    // Both are asked for again.
    both(&mut client);
    client.close(ms(1));
    told(&mut client);
    client.reconnect(ms(1)).unwrap();
    let auth = client.request(ms(1), body(&words.auth)).unwrap();
    feed(&mut client, ms(1), &words.ok(auth));
    let rejoin = ["Rejoin 5 in \"@collection:other\"", "Rejoin 5 in \"@collection:stuff\""];
    assert_eq!(told(&mut client), [&["Authenticated"], &rejoin[..]].concat());
    // An event without a scope, before 1.8.6: in all collections.
    for kind in [7, 9] {
        both(&mut client);
        join(&mut client, ms(1), "//other", &[6]);
        feed(&mut client, ms(1), &room_event(kind, 5));
        assert_eq!(rooms(&client), ["6 @collection:other"]);
        client.forget_room(&room("@collection:other", 6));
    }
}

/// However a request or an event writes it (SPEC.md §3), a scope is remembered in its long form.
#[test]
fn scopes_are_told_apart_in_their_long_form() {
    let words = v1();
    for scope in ["//stuff", "@:stuff", "/c/stuff", "@coll:stuff", "/collection/stuff", "@collection:stuff"] {
        let mut client = words.client();
        join(&mut client, ms(0), "//stuff", &[5, 6, 7, 8]);
        join(&mut client, ms(0), scope, &[5, 9]);
        let left = exchange(&mut client, 39, &array(&[str(scope), int(6)]), &array(&[int(6)]));
        assert_eq!(left, 1);
        let event = |id| [&hex("82a573636f7065")[..], &str(scope), &hex("a26964"), &int(id)].concat();
        feed(&mut client, ms(0), &package(u16::MAX, 7, &event(7)));
        feed(&mut client, ms(0), &package(u16::MAX, 6, &event(10)));
        let expected = [5, 8, 9, 10].map(|id| format!("{id} @collection:stuff"));
        assert_eq!(rooms(&client), expected, "{scope}");
    }
    // What is no scope stays what it is, and so does its case.
    let mut client = words.client();
    for scope in ["//Stuff", "//stuff", "stuff", "@x:stuff"] {
        join(&mut client, ms(0), scope, &[5]);
    }
    assert_eq!(rooms(&client), ["5 @collection:Stuff", "5 @collection:stuff", "5 @x:stuff", "5 stuff"]);
}

/// What a dialect tells a machine, without one.
#[test]
fn changes_have_the_scope_that_an_event_has() {
    let changes = |dialect: &Dialect, kind, digits: &str| {
        let (data, mut all) = (hex(digits), Vec::new());
        let package = PackageRef { id: dialect.event_id, kind, data: &data };
        (dialect.rooms)(Exchange::Event(package), &mut |change| all.push(format!("{change:?}")));
        all
    };
    let told = |change: Change<'_>| vec![format!("{change:?}")];
    let here = "@collection:stuff";
    assert_eq!(changes(&v1::DIALECT, 6, ROOM_5), told(Change::Joined { scope: here, id: 5 }));
    assert_eq!(changes(&v1::DIALECT, 7, ROOM_5), told(Change::Left { scope: Some(here), id: 5 }));
    assert_eq!(changes(&v1::DIALECT, 9, ROOM_5), told(Change::Left { scope: Some(here), id: 5 }));
    assert_eq!(changes(&v1::DIALECT, 6, "81a2696405"), [""; 0]);
    assert_eq!(changes(&v1::DIALECT, 7, "81a2696405"), told(Change::Left { scope: None, id: 5 }));
    assert_eq!(changes(&v1::DIALECT, 8, EMIT_5), [""; 0]);
    assert_eq!(changes(&legacy::S2, 18, "f4812304"), told(Change::Left { scope: None, id: 4 }));
    assert_eq!(changes(&legacy::S2, 19, "855245414459"), [""; 0]);
}

/// What is kept of a request until its answer comes has a limit, too.
#[test]
fn a_join_of_more_than_64_kib_is_not_remembered() {
    // An array of two texts: three bytes, and three before each text.
    let join_of = |len: usize| array(&[str("//stuff"), str(&"x".repeat(len - 3 - 3 - 7 - 3))]);
    for (len, expected) in [(65_536, &["6 @collection:stuff"][..]), (65_537, &[])] {
        let mut client = v1().client();
        let asked = join_of(len);
        assert_eq!(asked.len(), len);
        assert_eq!(exchange(&mut client, 38, &asked, &array(&[int(6)])), 1);
        assert_eq!(rooms(&client), expected);
    }
    let watch_of = |len: usize| {
        let ids = [hex("f5867468696e6773fc"), vec![3; len - 26], hex("fe8a636f6c6c656374696f6e857374756666")].concat();
        assert_eq!(ids.len(), len + 1);
        ids
    };
    for (len, expected) in [(65_535, &["3 stuff"][..]), (65_536, &[])] {
        let mut client = words(legacy::S2).client();
        let id = client.request(ms(0), Body::new(48u8, watch_of(len))).unwrap();
        feed(&mut client, ms(0), &package(id, 80, b""));
        assert_eq!((told(&mut client).len(), rooms(&client)), (1, expected.iter().map(|&room| room.into()).collect()));
    }
}

#[test]
fn scopes_beyond_a_kibibyte_are_not_remembered() {
    let words = v1();
    let mut client = words.client();
    let scope = |len: usize| format!("@collection:{}", "x".repeat(len - 12));
    join(&mut client, ms(0), &scope(1024), &[1]);
    join(&mut client, ms(0), &scope(1025), &[2]);
    // Names have 255 characters at most: this is none, and stays as it is.
    join(&mut client, ms(0), &format!("//{}", "x".repeat(256)), &[3]);
    join(&mut client, ms(0), &format!("//{}", "x".repeat(255)), &[4]);
    let told = told(&mut client);
    assert_eq!((told.len(), &told[1][..]), (5, "NotRemembered 2"));
    let (long, short) = (format!("3 //{}", "x".repeat(256)), format!("4 @collection:{}", "x".repeat(255)));
    assert_eq!(rooms(&client), [long, short, format!("1 {}", scope(1024))]);
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

/// Of September's WATCH nothing is known but that one without data is about the nodes.
#[test]
fn in_september_the_nodes_are_watched_and_arrays_change_nothing() {
    let words = words(legacy::SEPTEMBER);
    let mut client = words.client();
    for (kind, answer, data) in [(48, 80, "ee03"), (48, 80, "ef8573747566 6603"), (49, 81, "ee03")] {
        let id = client.request(ms(0), v1_body(kind, data)).unwrap();
        feed(&mut client, ms(0), &package(id, answer, b""));
        assert_eq!((told(&mut client).len(), rooms(&client)), (1, vec![]));
    }
    // Refused, it is none.
    for (kind, expected) in [(96, &[][..]), (80, &["0 "])] {
        let id = client.request(ms(0), Body::empty(48u8)).unwrap();
        feed(&mut client, ms(0), &package(id, kind, b""));
        assert_eq!(
            (told(&mut client).len(), &rooms(&client)[..]),
            (1, &expected.iter().map(|&room| room.to_owned()).collect::<Vec<_>>()[..])
        );
    }
    feed(&mut client, ms(0), &package(0, 18, &hex("f4812303")));
    client.close(ms(1));
    told(&mut client);
    client.reconnect(ms(1)).unwrap();
    let auth = client.request(ms(1), body(&words.auth)).unwrap();
    feed(&mut client, ms(1), &words.ok(auth));
    assert_eq!(told(&mut client), ["Authenticated", "Rejoin 0 in \"\""]);
}

/// By the name of the collection, as by its ID in digits; a WATCH_DEL has neither.
#[test]
fn one_thing_in_two_collections_is_watched_twice() {
    for dialect in [legacy::S1, legacy::S2] {
        let mut client = words(dialect).client();
        let ask = |client: &mut Client, kind, answer, things: &str, collection: &str| {
            let data = hex(&format!("f5867468696e6773{things}8a636f6c6c656374696f6e{collection}"));
            let id = client.request(ms(0), Body::new(kind, data)).unwrap();
            feed(client, ms(0), &package(id, answer, b""));
        };
        let (stuff, other, by_id) = ("857374756666", "856f74686572", "07");
        for collection in [stuff, other, by_id] {
            ask(&mut client, 48u8, 80, "ef0304", collection);
        }
        let all = ["3 7", "4 7", "3 other", "4 other", "3 stuff", "4 stuff"];
        assert_eq!(rooms(&client), all);
        ask(&mut client, 49, 81, "ee03", stuff);
        assert_eq!(rooms(&client), ["3 7", "4 7", "3 other", "4 other", "4 stuff"]);
        feed(&mut client, ms(0), &package(0, 18, &hex("f4812304")));
        assert_eq!(rooms(&client), ["3 7", "3 other"]);
    }
}

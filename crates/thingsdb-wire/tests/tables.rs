//! What each dialect makes of all 256 TYPEs, and the packages that machines send by themselves: tables written out by hand
//! from the protocol's facts, and the golden frames.
#![cfg(all(feature = "msgpack", feature = "qpack"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use serde_json::Value as Json;
use testkit::vectors::{encoding, jsonl, text};
use thingsdb_wire::{Dialect, FromClient, FromServer, PackageRef, Reply, legacy, module, siridb, v1};

/// A row of sixteen TYPEs for each first hex digit; rows that are not there have none that is known.
type Grid = [(u8, &'static str)];

/// `a` authentication, `o` open, `q` request, `r` request that may change the rooms, `.` unknown.
fn from_client(grid: &Grid, kind: u8) -> FromClient {
    match cell(grid, kind) {
        b'a' => FromClient::Auth,
        b'o' => FromClient::Open,
        b'q' => FromClient::Request,
        b'r' => FromClient::Room,
        b'.' => FromClient::Unknown,
        other => panic!("{other}"),
    }
}

/// `a` answer, `!` error, `y` accepted, `n` denied, `e` event, `.` unknown.
fn from_server(grid: &Grid, kind: u8) -> FromServer {
    match cell(grid, kind) {
        b'a' => FromServer::Answer,
        b'!' => FromServer::Error,
        b'y' => FromServer::Accepted,
        b'n' => FromServer::Denied,
        b'e' => FromServer::Event,
        b'.' => FromServer::Unknown,
        other => panic!("{other}"),
    }
}

fn cell(grid: &Grid, kind: u8) -> u8 {
    let row = grid.iter().find(|(row, _)| *row == kind >> 4);
    row.map_or(b'.', |(_, cells)| {
        assert_eq!(cells.len(), 16);
        cells.as_bytes()[usize::from(kind & 15)]
    })
}

struct Table {
    dialect: Dialect,
    /// As the vectors call it.
    name: &'static str,
    from_client: &'static Grid,
    from_server: &'static Grid,
}

fn tables() -> [Table; 6] {
    [
        Table {
            dialect: legacy::S1,
            name: "legacy-qpack-2019-06",
            from_client: &[(2, "oaqqq..........."), (3, "rrq.............")],
            from_server: &[
                (1, "eeeeeeeeeeeeeeee"),
                (4, "aaa............."),
                (5, "aa.............."),
                (6, "!!!!!!!!!!......"),
                (7, "...............!"),
            ],
        },
        Table {
            dialect: legacy::S2,
            name: "legacy-qpack",
            from_client: &[(2, "oaqqq..........."), (3, "rrq.............")],
            from_server: &[
                (1, "eeeeeeeeeeeeeeee"),
                (4, "aaa............."),
                (5, "aa.............."),
                (6, "!..............."),
            ],
        },
        Table {
            dialect: legacy::SEPTEMBER,
            name: "legacy-qpack-2019-09",
            from_client: &[(2, "oaq............."), (3, "rrq.............")],
            from_server: &[
                (1, "eeeeeeeeeeeeeeee"),
                (4, "aaa............."),
                (5, "aa.............."),
                (6, "!..............."),
            ],
        },
        Table {
            dialect: v1::DIALECT,
            name: "v1-msgpack",
            from_client: &[(2, "oaqooqrrqq......")],
            from_server: &[(0, "eeeeeeeeeeeeeeee"), (1, "aaa!............")],
        },
        Table {
            dialect: module::DIALECT,
            name: "module-msgpack",
            from_client: &[(4, "a..............."), (5, "q...............")],
            from_server: &[(4, ".yn............."), (5, ".a!.............")],
        },
        Table {
            dialect: siridb::DIALECT,
            name: "siridb-qpack",
            from_client: &[(0, "qqao..qqqqq....."), (2, "o...............")],
            from_server: &[
                (0, "aaaa.a.........."),
                (2, "aa.............."),
                (4, "!!!!!!!!!!!!...."),
                (6, "!!.............."),
            ],
        },
    ]
}

#[test]
fn every_type_is_what_the_facts_say() {
    for table in tables() {
        for kind in 0..=u8::MAX {
            let place = format!("{} {kind}", table.name);
            assert_eq!((table.dialect.from_client)(kind), from_client(table.from_client, kind), "{place} of a client");
            assert_eq!((table.dialect.from_server)(kind), from_server(table.from_server, kind), "{place} of a server");
        }
    }
}

/// The golden frames, with their bytes.
fn frames() -> Vec<(Json, Vec<u8>)> {
    let frames = jsonl("tests/vectors/thingsdb.jsonl");
    assert_eq!(frames.len(), 242);
    frames.into_iter().map(|vector| (encoding(&vector), vector)).map(|(bytes, vector)| (vector, bytes)).collect()
}

fn table_of(vector: &Json) -> Table {
    tables().into_iter().find(|table| table.name == text(vector, "dialect")).unwrap()
}

/// Nothing that was seen on a real wire is unknown, but for INFO, to which SiriDB's 2.x servers are deaf.
#[test]
fn golden_frames_are_what_their_names_say() {
    for (vector, bytes) in frames() {
        let (package, Dialect { from_client, from_server, .. }) =
            (PackageRef::decode(&bytes).unwrap(), table_of(&vector).dialect);
        let name = text(&vector, "name");
        let is_from_client = match text(&vector, "dir") {
            "client->server" | "server->module" => true,
            "server->client" | "module->server" => false,
            other => panic!("{other}"),
        };
        if is_from_client {
            let expected: &[FromClient] = match name {
                "REQ_INFO" => &[FromClient::Unknown],
                "REQ_PING" | "DEPRECATED_WATCH" | "DEPRECATED_UNWATCH" => &[FromClient::Open],
                "REQ_AUTH" | "MODULE_CONF" => &[FromClient::Auth],
                "REQ_JOIN" | "REQ_LEAVE" | "REQ_WATCH" | "REQ_UNWATCH" => &[FromClient::Room],
                _ => &[FromClient::Request],
            };
            assert_eq!(from_client(package.kind), expected[0], "{vector}");
        } else {
            let expected = match name {
                "MODULE_CONF_OK" => FromServer::Accepted,
                "MODULE_CONF_ERR" => FromServer::Denied,
                "RES_ERROR" => FromServer::Error,
                _ if name.starts_with("ERR_") || name == "MODULE_ERR" => FromServer::Error,
                _ if name.starts_with("RES_") || name == "MODULE_RES" => FromServer::Answer,
                _ => FromServer::Event,
            };
            assert_eq!(from_server(package.kind), expected, "{vector}");
        }
    }
}

/// The one golden frame of a dialect with this name and note.
fn golden(dialect: &str, name: &str, note: &str) -> (u8, Vec<u8>) {
    let matches = |vector: &Json| {
        text(vector, "dialect") == dialect && text(vector, "name") == name && vector["note"].as_str() == Some(note)
    };
    let found: Vec<Vec<u8>> =
        frames().into_iter().filter(|(vector, _)| matches(vector)).map(|(_, bytes)| bytes).collect();
    assert_eq!(found.len(), 1, "{dialect} {name} {note}");
    let package = PackageRef::decode(&found[0]).unwrap();
    (package.kind, package.data.to_vec())
}

fn of(reply: Reply) -> (u8, Vec<u8>) {
    (reply.kind, reply.data.to_vec())
}

#[test]
fn what_machines_say_by_themselves_is_golden() {
    let before = "answer to: query before authentication";
    for (dialect, name, accepted, error, denied) in [
        (legacy::S1, "legacy-qpack-2019-06", "RES_AUTH", "ERR_AUTH", "answer to: wrong password"),
        (legacy::S2, "legacy-qpack", "RES_AUTH", "RES_ERROR", "answer to: authentication with a wrong password"),
        // Of this state only a query was seen; types and codes are those of the state before.
        (legacy::SEPTEMBER, "legacy-qpack", "RES_AUTH", "RES_ERROR", "answer to: authentication with a wrong password"),
    ] {
        assert_eq!(of(dialect.accepted), golden(name, accepted, "answer to: the seed example"));
        assert_eq!(of(dialect.denied), golden(name, error, denied));
        assert_eq!(of(dialect.unauthenticated), golden(name, error, before));
    }
    let (dialect, name) = (v1::DIALECT, "v1-msgpack");
    assert_eq!(of(dialect.accepted), golden(name, "RES_OK", "answer to: authentication (documented example)"));
    assert_eq!(of(dialect.denied), golden(name, "RES_ERROR", "answer to: wrong password"));
    assert_eq!(of(dialect.unauthenticated), golden(name, "RES_ERROR", before));
    let (dialect, name) = (module::DIALECT, "module-msgpack");
    let bare = "form written by go-timod: no payload, id 0";
    assert_eq!(of(dialect.accepted), golden(name, "MODULE_CONF_OK", bare));
    assert_eq!(of(dialect.denied), golden(name, "MODULE_CONF_ERR", bare));
    let (dialect, name) = (siridb::DIALECT, "siridb-qpack");
    assert_eq!(of(dialect.accepted), golden(name, "RES_AUTH_SUCCESS", "authentication succeeded"));
    assert_eq!(of(dialect.denied), golden(name, "ERR_AUTH_CREDENTIALS", "wrong user or password"));
    assert_eq!(of(dialect.unauthenticated), golden(name, "ERR_NOT_AUTHENTICATED", "request before authentication"));
}

#[test]
fn golden_events_have_the_id_of_events_and_no_other_package_needs_it() {
    let mut seen = [0; 6];
    for (vector, bytes) in frames() {
        let (package, table) = (PackageRef::decode(&bytes).unwrap(), table_of(&vector));
        if text(&vector, "dir").starts_with("server")
            && from_server(table.from_server, package.kind) == FromServer::Event
        {
            assert_eq!(package.id, table.dialect.event_id, "{vector}");
            seen[tables().iter().position(|other| other.name == table.name).unwrap()] += 1;
        }
    }
    assert_eq!(seen.map(|count| count > 0), [true, true, false, true, false, false]);
    assert_eq!(legacy::SEPTEMBER.event_id, 0);
}

/// Of each name, the number in the golden frames.
fn number(dialect: &str, name: &str) -> u8 {
    let is_it = |vector: &Json| text(vector, "dialect") == dialect && text(vector, "name") == name;
    let (_, bytes) = frames().into_iter().find(|(vector, _)| is_it(vector)).unwrap();
    PackageRef::decode(&bytes).unwrap().kind
}

#[test]
fn keep_alives_first_ids_and_limits_are_those_of_the_peers() {
    let ping = |dialect, pong| Some((number(dialect, "REQ_PING"), number(dialect, pong)));
    let authentication = |dialect: Dialect| (dialect.auth_id, dialect.auth_optional);
    assert_eq!(legacy::S1.ping, ping("legacy-qpack-2019-06", "RES_PING"));
    assert_eq!(legacy::S2.ping, ping("legacy-qpack", "RES_PING"));
    assert_eq!(legacy::SEPTEMBER.ping, Some((32, 64)));
    assert_eq!(v1::DIALECT.ping, ping("v1-msgpack", "RES_PONG"));
    assert_eq!(siridb::DIALECT.ping, ping("siridb-qpack", "RES_ACK"));
    assert_eq!(module::DIALECT.ping, None);
    for dialect in [legacy::S1, legacy::S2, legacy::SEPTEMBER, v1::DIALECT, siridb::DIALECT] {
        assert_eq!((dialect.first_id, authentication(dialect)), (1, (None, false)), "{dialect:?}");
    }
    assert_eq!((module::DIALECT.first_id, authentication(module::DIALECT)), (0, (Some(0), true)));
    let lens = [legacy::S1, legacy::S2, legacy::SEPTEMBER, v1::DIALECT, module::DIALECT, siridb::DIALECT]
        .map(|dialect| dialect.limits.max_data_len);
    assert_eq!(lens, [209_715_200, 209_715_200, 209_715_200, 1_073_741_824, 1_073_741_824, 41_943_040]);
}

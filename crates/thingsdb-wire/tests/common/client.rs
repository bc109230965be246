//! What the tests of the client say and read with. Bytes are made and taken apart by hand, from the header's table; data is that of
//! the golden frames.
#![allow(dead_code, unreachable_pub)]

use std::time::Duration;

use testkit::vectors::{hex, to_hex};
use thingsdb_wire::{
    Body, Client, ClientEvent, CloseReason, Config, Dialect, Error, Limit, Package, UsageError, legacy, module, siridb,
    v1,
};

/// What is said in the tests: TYPE and data.
pub struct Words {
    pub dialect: Dialect,
    pub auth: (u8, Vec<u8>),
    pub request: (u8, Vec<u8>),
    pub answer: (u8, Vec<u8>),
    pub error: (u8, Vec<u8>),
    pub event: Option<(u8, Vec<u8>)>,
    /// TYPE of an error that is an answer to the authentication, with the ID of the authentication.
    pub denied: (u8, Vec<u8>),
}

pub fn words(dialect: Dialect) -> Words {
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

pub fn dialects() -> [Dialect; 6] {
    [legacy::S1, legacy::S2, legacy::SEPTEMBER, v1::DIALECT, module::DIALECT, siridb::DIALECT]
}

impl Words {
    pub fn config(&self) -> Config {
        Config::new(&self.dialect)
    }

    pub fn ok(&self, id: u16) -> Vec<u8> {
        package(id, self.dialect.accepted.kind, self.dialect.accepted.data)
    }

    /// A drained client that was let in.
    pub fn client_with(&self, config: &Config, now: Duration) -> Client {
        let mut client = Client::new(config, now);
        self.log_in(&mut client, now);
        client
    }

    pub fn client(&self) -> Client {
        self.client_with(&self.config(), ms(0))
    }

    pub fn log_in(&self, client: &mut Client, now: Duration) {
        let id = client.request(now, body(&self.auth)).unwrap();
        feed(client, now, &self.ok(id));
        assert_eq!(client.poll_event(), Some(ClientEvent::Authenticated));
        drop(sent(client));
    }

    pub fn ask(&self, client: &mut Client, now: Duration) -> u16 {
        client.request(now, body(&self.request)).unwrap()
    }

    pub fn answer(&self, id: u16) -> Vec<u8> {
        package(id, self.answer.0, &self.answer.1)
    }
}

pub fn v1() -> Words {
    words(v1::DIALECT)
}

pub fn body((kind, data): &(u8, Vec<u8>)) -> Body {
    Body::new(*kind, data.clone())
}

/// A package by the table of the header: LEN, ID, TYPE, CHK, DATA.
pub fn package(id: u16, kind: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = (data.len() as u32).to_le_bytes().to_vec();
    bytes.extend([id as u8, (id >> 8) as u8, kind, 0xff ^ kind]);
    bytes.extend(data);
    bytes
}

// What goes in and comes out.

/// Hands in what must be taken at once.
pub fn feed(client: &mut Client, now: Duration, bytes: &[u8]) {
    assert_eq!(client.handle_input(now, bytes), bytes.len());
}

pub fn told(client: &mut Client) -> Vec<String> {
    std::iter::from_fn(|| client.poll_event()).map(|event| text(&event)).collect()
}

/// All that an event holds.
pub fn text(event: &ClientEvent) -> String {
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

pub fn bytes_of(client: &mut Client) -> Vec<u8> {
    std::iter::from_fn(|| client.poll_transmit()).flatten().collect()
}

/// The packages that wait to be sent, as (ID, TYPE, data), by the table of the header.
pub fn sent(client: &mut Client) -> Vec<(u16, u8, Vec<u8>)> {
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

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub const NANO: Duration = Duration::from_nanos(1);

pub fn limit(limit: Limit, max: u64) -> Error {
    Error::Usage(UsageError::LimitReached { limit, max })
}

pub const JOIN_5_456: &str = "93a72f2f737475666605cd01c8";
pub const ROOM_5: &str = "82a573636f7065b140636f6c6c656374696f6e3a7374756666a2696405";
pub const ROOM_7: &str = "82a573636f7065b140636f6c6c656374696f6e3a7374756666a2696407";
pub const EMIT_5: &str = "84a573636f7065b140636f6c6c656374696f6e3a7374756666a2696405a56576656e74ab6e65772d6d657373616765a46172677391a648656c6c6f21";

pub fn v1_body(kind: u8, digits: &str) -> Body {
    Body::new(kind, hex(digits))
}

// Rooms.

pub fn rooms(client: &Client) -> Vec<String> {
    client.rooms().map(|room| format!("{} {}", room.id, room.scope)).collect()
}

/// Integers and texts in MessagePack: the few forms that are wanted here.
pub fn int(id: i64) -> Vec<u8> {
    if let Ok(id @ 0..=127) = u8::try_from(id) {
        return vec![id];
    }
    [&[0xd3][..], &id.to_be_bytes()].concat()
}

pub fn str(text: &str) -> Vec<u8> {
    [&[0xda][..], &(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

pub fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [&[0xdc][..], &(items.len() as u16).to_be_bytes(), &items.concat()].concat()
}

/// Asks to join these and is told that it worked.
pub fn join(client: &mut Client, now: Duration, scope: &str, ids: &[i64]) {
    let items: Vec<Vec<u8>> = std::iter::once(str(scope)).chain(ids.iter().map(|id| int(*id))).collect();
    let id = client.request(now, Body::new(38u8, array(&items))).unwrap();
    feed(client, now, &package(id, 18, &array(&items[1..])));
    sent(client);
}

pub fn room_event(kind: u8, id: i64) -> Vec<u8> {
    package(u16::MAX, kind, &[&hex("81a26964")[..], &int(id)].concat())
}

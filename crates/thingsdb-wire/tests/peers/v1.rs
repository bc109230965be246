//! python-thingsdb against a server of ours; a client of ours against a server made of python-thingsdb's package class.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use testkit::Worker;
use thingsdb_wire::msgpack::{Token, ValueRef, ValuesBuf};
use thingsdb_wire::v1::{
    AnswerRef, Credentials, DIALECT, ErrorCode, ErrorRef, EventRef, Kind, RequestRef, Room, RoomRef,
};
use thingsdb_wire::{Body, ClientEvent, CloseReason, Joined, Package, ServerEvent};

use crate::driver::Driver;
use crate::hub::{Host, Hub, Links};
use crate::{NOW, assert_version, msgpack, seed, tear, to_msgpack};

const TOKEN: &str = "xxxxxxxxxxxxxxxxxxxxxx";
const CHAT: RoomRef<'_> = RoomRef { scope: Some("@collection:stuff"), id: 5 };

/// A node in memory: one user, one collection, one room, and what the scripts need of the language.
#[derive(Default)]
struct Node {
    /// Who is in the room; `None` once it is deleted.
    members: Option<BTreeSet<usize>>,
    /// Queries that wait, with what to answer.
    held: Vec<(usize, u16, Body)>,
    dropped_once: bool,
    /// All but the queries, with the connection.
    log: Vec<String>,
}

impl Node {
    fn new() -> Self {
        Self { members: Some(BTreeSet::new()), ..Self::default() }
    }
}

impl Host for Node {
    fn event(&mut self, from: usize, event: ServerEvent, links: &mut Links) {
        match event {
            ServerEvent::Authenticate(package) => self.authenticate(from, &package, links),
            ServerEvent::Request(package) => {
                if let Some(answer) = self.answer(from, &package, links) {
                    links.answer(from, package.id, answer);
                }
            }
            ServerEvent::Closed(reason) => {
                assert!(matches!(reason, CloseReason::Eof | CloseReason::Local), "{reason:?}");
                if let Some(members) = &mut self.members {
                    members.remove(&from);
                }
            }
            event => panic!("{event:?}"),
        }
    }
}

impl Node {
    fn authenticate(&mut self, from: usize, package: &Package, links: &mut Links) {
        let RequestRef::Auth(credentials) = RequestRef::decode(package.as_ref()).unwrap() else { unreachable!() };
        match credentials {
            Credentials::Password { user: "admin", password: "pass" } => {
                self.log.push(format!("{from} password"));
                links.accept(from);
            }
            Credentials::Token(TOKEN) => {
                self.log.push(format!("{from} token"));
                links.accept(from);
            }
            Credentials::Password { .. } => links.deny(from),
            Credentials::Token(_) => links.deny_with(from, error(ErrorCode::AUTH, "invalid token")),
        }
    }

    /// `None` for what waits.
    fn answer(&mut self, from: usize, package: &Package, links: &mut Links) -> Option<Body> {
        match RequestRef::decode(package.as_ref()).unwrap() {
            RequestRef::Query { scope, code, variables } => {
                let variables = variables.map(entries).unwrap_or_default();
                self.query(from, package.id, (scope, code), &variables, links)
            }
            RequestRef::Run { procedure, args, .. } => Some(run(procedure, args)),
            RequestRef::Join { scope, rooms } => {
                self.log.push(format!("{from} join {scope} {:?}", rooms.rooms().collect::<Vec<_>>()));
                let ids: Vec<Option<i64>> = rooms.rooms().map(|room| self.room(room)).collect();
                // The event comes behind the answer, and once.
                let is_new = ids.contains(&Some(5)) && self.members.as_mut().unwrap().insert(from);
                links.answer(from, package.id, data(&json!(ids)));
                if is_new {
                    links.push(from, EventRef::RoomJoin(CHAT).to_body().unwrap());
                }
                None
            }
            RequestRef::Leave { scope, rooms } => {
                self.log.push(format!("{from} leave {scope} {:?}", rooms.rooms().collect::<Vec<_>>()));
                let ids: Vec<Option<i64>> = rooms.rooms().map(|room| self.room(room)).collect();
                if ids.contains(&Some(5)) && self.members.as_mut().unwrap().remove(&from) {
                    links.push(from, EventRef::RoomLeave(CHAT).to_body().unwrap());
                }
                Some(data(&json!(ids)))
            }
            request @ (RequestRef::Emit { scope, room, event, args }
            | RequestRef::EmitPeer { scope, room, event, args }) => {
                let kind = request.kind();
                let values: Vec<Json> = args.iter().map(|value| msgpack(value.as_bytes())).collect();
                self.log.push(format!("{from} {kind} {scope} {room:?} {event} {}", json!(values)));
                if self.room(room).is_none() {
                    return Some(error(ErrorCode::LOOKUP, "room not found"));
                }
                let emitted = EventRef::RoomEmit { room: CHAT, event, args }.to_body().unwrap();
                for member in self.members.iter().flatten().filter(|to| kind == Kind::EMIT || **to != from) {
                    links.push(*member, emitted.clone());
                }
                Some(AnswerRef::Ok.to_body().unwrap())
            }
            request => panic!("{request:?}"),
        }
    }

    fn room(&self, room: Room<'_>) -> Option<i64> {
        self.members.as_ref().and_then(|_| matches!(room, Room::Id(5) | Room::Name("chat")).then_some(5))
    }

    fn query(
        &mut self,
        from: usize,
        id: u16,
        (scope, code): (&str, &str),
        variables: &BTreeMap<&str, &[u8]>,
        links: &mut Links,
    ) -> Option<Body> {
        let variable = |name| msgpack(variables[name]);
        Some(match code {
            "1 + 1;" => Body::new(Kind::DATA, &b"\x02"[..]),
            "a + b;" => data(&json!(variable("a").as_i64().unwrap() + variable("b").as_i64().unwrap())),
            // As it came, so that what JSON cannot hold comes back too.
            "x;" => Body::new(Kind::DATA, variables["x"].to_vec()),
            "scope;" => data(&json!(scope)),
            "raise(err(number, text));" => {
                error(ErrorCode(variable("number").as_i64().unwrap()), variable("text").as_str().unwrap())
            }
            "hold;" => {
                self.held.push((from, id, Body::new(Kind::DATA, variables["x"].to_vec())));
                return None;
            }
            "release;" => {
                let held = std::mem::take(&mut self.held);
                links.answer(from, id, data(&json!(held.len())));
                held.into_iter().rev().for_each(|(from, id, body)| links.answer(from, id, body));
                return None;
            }
            "log(id);" => {
                links.push(from, EventRef::Warn { code: 2, message: &format!("id {id}") }.to_body().unwrap());
                data(&json!(id))
            }
            "status(\"AWAY\");" => {
                links.push_to_all(&EventRef::NodeStatus { node: Some(0), status: "AWAY" }.to_body().unwrap());
                data(&Json::Null)
            }
            "room(name).id();" => match self.room(Room::Name(variable("name").as_str().unwrap())) {
                Some(id) => data(&json!(id)),
                None => error(ErrorCode::LOOKUP, "no such room"),
            },
            "!is_err(try(room(id)));" => data(&json!(self.room(Room::Id(variable("id").as_i64().unwrap())).is_some())),
            ".del(\"chat\");" => {
                for member in self.members.take().unwrap() {
                    links.push(member, EventRef::RoomDelete(CHAT).to_body().unwrap());
                }
                data(&Json::Null)
            }
            "drop once;" if self.dropped_once => data(&json!("here again")),
            "drop once;" => {
                self.dropped_once = true;
                links.hang_up(from);
                return None;
            }
            "drop;" => {
                links.answer(from, id, data(&json!("gone")));
                links.hang_up(from);
                return None;
            }
            "shutdown;" => {
                for status in ["SHUTTING_DOWN", "OFFLINE"] {
                    links.push(from, EventRef::NodeStatus { node: Some(0), status }.to_body().unwrap());
                }
                links.answer(from, id, data(&json!("bye")));
                links.hang_up(from);
                return None;
            }
            _ => error(ErrorCode::SYNTAX, "error at position 0"),
        })
    }
}

fn run(procedure: &str, args: Option<ValueRef<'_>>) -> Body {
    let args = args.map_or(Json::Null, |args| msgpack(args.as_bytes()));
    let argument =
        |index: usize, name: &str| args.get(index).or_else(|| args.get(name)).and_then(Json::as_i64).unwrap();
    match procedure {
        "answer" => data(&json!(42)),
        "add_one" => data(&json!(argument(0, "x") + 1)),
        "sub" => data(&json!(argument(0, "a") - argument(1, "b"))),
        _ => error(ErrorCode::LOOKUP, "procedure not found"),
    }
}

fn data(value: &Json) -> Body {
    Body::new(Kind::DATA, to_msgpack(value))
}

fn error(code: ErrorCode, message: &str) -> Body {
    AnswerRef::Error(ErrorRef { code, message }).to_body().unwrap()
}

fn entries(map: ValueRef<'_>) -> BTreeMap<&str, &[u8]> {
    let mut reader = map.reader();
    let Token::Map(count) = reader.token().unwrap() else { unreachable!("variables are a map") };
    let mut entry = || {
        let key = reader.token().unwrap().as_str().unwrap();
        let rest = reader.rest();
        reader.skip().unwrap();
        (key, &rest[..rest.len() - reader.rest().len()])
    };
    (0..count).map(|_| entry()).collect()
}

/// A client, and whether it gets everything in pieces.
fn client(torn: bool) -> Option<Worker> {
    let mut peer = Worker::start(include_str!("v1_client.py"))?;
    assert_version(&mut peer, "python-thingsdb", "1.4.1");
    if torn {
        peer.call(&json!({"op": "tear", "seed": seed()}));
    }
    Some(peer)
}

/// The classes of the client's exceptions.
const ERRORS: [(ErrorCode, &str); 23] = [
    (ErrorCode::CANCELLED, "CancelledError"),
    (ErrorCode::OPERATION, "OperationError"),
    (ErrorCode::NUM_ARGUMENTS, "NumArgumentsError"),
    (ErrorCode::TYPE, "TypeError"),
    (ErrorCode::VALUE, "ValueError"),
    (ErrorCode::OVERFLOW, "OverflowError"),
    (ErrorCode::ZERO_DIV, "ZeroDivisionError"),
    (ErrorCode::MAX_QUOTA, "MaxQuotaError"),
    (ErrorCode::AUTH, "AuthError"),
    (ErrorCode::FORBIDDEN, "ForbiddenError"),
    (ErrorCode::LOOKUP, "LookupError"),
    (ErrorCode::BAD_DATA, "BadDataError"),
    (ErrorCode::SYNTAX, "SyntaxError"),
    (ErrorCode::NODE, "NodeError"),
    (ErrorCode::ASSERTION, "AssertionError"),
    (ErrorCode::RESULT_TOO_LARGE, "ResultTooLargeError"),
    (ErrorCode::REQUEST_TIMEOUT, "RequestTimeoutError"),
    (ErrorCode::REQUEST_CANCELLED, "RequestCancelError"),
    (ErrorCode::WRITE, "WriteUVError"),
    (ErrorCode::MEMORY, "MemoryError"),
    (ErrorCode::INTERNAL, "InternalError"),
    (ErrorCode(-100), "CustomError"),
    (ErrorCode(-127), "CustomError"),
];

fn talks(torn: bool, auth: &Json) {
    let Some(mut peer) = client(torn) else { return };
    let hub = Hub::start(&DIALECT, Node::new(), tear(torn, 1));
    let codes: Vec<i64> = ERRORS.iter().map(|(code, _)| code.0).collect();
    let large = if torn { 20_000 } else { 3_000_000 };
    let mut found = peer.call(&json!({"op": "talk", "port": hub.port, "auth": auth, "codes": codes, "large": large}));
    let refused = |class: &str, code: i64, text: &str| json!([format!("thingsdb.exceptions.{class}"), code, text]);
    let early = refused("AuthError", -56, "connection is not authenticated");
    let errors: Vec<Json> = ERRORS
        .iter()
        .map(|(code, class)| {
            json!([code.0, format!("thingsdb.exceptions.{class}"), code.0, format!("text of {}", code.0)])
        })
        .collect();
    let held: Vec<i64> = (0..50).chain([50]).collect();
    let told = [65533, 65534, 65535, 0, 1].map(|id| format!("ThingsDB: id {id} (2)"));
    let expected = json!({
        "ping": null,
        "early": early,
        "wrong password": refused("AuthError", -56, "invalid username or password"),
        "wrong token": refused("AuthError", -56, "invalid token"),
        "still early": early,
        "auth": null,
        "two": 2,
        "sum": 42,
        "scopes": ["@t", "//stuff"],
        "changed": [],
        "errors": errors,
        "unknown": refused("SyntaxError", -52, "error at position 0"),
        "held": held,
        "held large": true,
        "run": [42, 42, 42, 42, 42],
        "no procedure": refused("LookupError", -54, "procedure not found"),
        "ids": [65533, 65534, 65535, 0, 1],
        "told": told,
    });
    for (name, expected) in expected.as_object().unwrap() {
        assert_eq!(found[name].take(), *expected, "{name}");
    }
    assert_eq!(
        hub.stop().log,
        [format!("0 {}", if auth.as_array().unwrap().len() == 1 { "token" } else { "password" })]
    );
}

#[test]
fn python_thingsdb_talks_to_our_server() {
    talks(false, &json!(["admin", "pass"]));
}

#[test]
fn python_thingsdb_talks_to_our_server_with_a_token_and_in_pieces() {
    talks(true, &json!([TOKEN]));
}

fn meets_in_a_room(torn: bool) {
    let Some(mut peer) = client(torn) else { return };
    let hub = Hub::start(&DIALECT, Node::new(), tear(torn, 2));
    let found = peer.call(&json!({"op": "rooms", "port": hub.port}));
    let expected = json!({
        "no room": [
            ["builtins.LookupError", null, "room with Id 6 not found"],
            ["thingsdb.exceptions.LookupError", -54, "no such room"],
        ],
        "rooms": [[5, "@collection:stuff"], [5, "@collection:stuff"]],
        "no room any more": ["builtins.TypeError", null, "Id `6` is not a room"],
        "here": [
            ["init"],
            ["join"],
            ["new-message", "Hello!", 1, null, {"x": [2.5]}],
            ["emit", "other"],
            ["new-message", "after leave"],
            ["new-message", "from outside"],
            ["delete"],
        ],
        "there": [
            ["init"],
            ["join"],
            ["new-message", "Hello!", 1, null, {"x": [2.5]}],
            ["new-message", "not to myself"],
            ["emit", "other"],
            ["leave"],
        ],
        "outside": [],
        "left": [0, 0],
        "told": [
            "Node with Id 0 has changed its status to: AWAY",
            "Node with Id 0 has changed its status to: AWAY",
            "ThingsDB: id 8 (2)",
        ],
    });
    assert_eq!(found, expected);
    let log = [
        "0 password",
        "1 password",
        "0 join @collection:stuff [Id(6)]",
        "0 join @collection:stuff [Id(5)]",
        "1 join @collection:stuff [Id(5)]",
        r#"0 EMIT @collection:stuff Id(5) new-message ["Hello!",1,null,{"x":[2.5]}]"#,
        r#"0 EMIT_PEER @collection:stuff Id(5) new-message ["not to myself"]"#,
        "1 EMIT @collection:stuff Id(5) other []",
        "1 leave @collection:stuff [Id(5)]",
        r#"1 EMIT @collection:stuff Id(5) new-message ["after leave"]"#,
        r#"1 EMIT @collection:stuff Id(5) new-message ["from outside"]"#,
    ];
    assert_eq!(hub.stop().log, log);
}

#[test]
fn python_thingsdb_meets_in_a_room_of_our_server() {
    meets_in_a_room(false);
}

#[test]
fn python_thingsdb_meets_in_a_room_of_our_server_in_pieces() {
    meets_in_a_room(true);
}

fn comes_back(torn: bool) {
    let Some(mut peer) = client(torn) else { return };
    let hub = Hub::start(&DIALECT, Node::new(), tear(torn, 3));
    let found = peer.call(&json!({"op": "reconnect", "port": hub.port}));
    let told = ["SHUTTING_DOWN", "OFFLINE"].map(|status| format!("Node with Id 0 has changed its status to: {status}"));
    let expected = json!({
        "dropped": "gone",
        "asked again": "here again",
        "shut down": "bye",
        "notes": [
            ["init"],
            ["join"],
            ["join"],
            ["new-message", "second"],
            ["join"],
            ["new-message", "third"],
            ["join"],
            ["new-message", "fourth"],
        ],
        "told": told,
    });
    assert_eq!(found, expected);
    let log: Vec<String> = ["second", "third", "fourth"]
        .iter()
        .zip(1..)
        .flat_map(|(text, number)| {
            [
                format!("{number} password"),
                format!("{number} join @collection:stuff [Id(5)]"),
                format!(r#"{number} EMIT @collection:stuff Id(5) new-message ["{text}"]"#),
            ]
        })
        .collect();
    assert_eq!(
        hub.stop().log,
        [&["0 password".to_owned(), "0 join @collection:stuff [Id(5)]".to_owned()], &log[..]].concat()
    );
}

#[test]
fn python_thingsdb_comes_back_to_our_server_and_its_room() {
    comes_back(false);
}

#[test]
fn python_thingsdb_comes_back_to_our_server_and_its_room_in_pieces() {
    comes_back(true);
}

fn query(code: &str) -> Body {
    RequestRef::Query { scope: "@t", code, variables: None }.to_body().unwrap()
}

fn query_with(code: &str, x: &[u8]) -> Body {
    let mut variables = ValuesBuf::new();
    variables.push_str("x").push(ValueRef::decode(x).unwrap());
    let variables = variables.to_map().unwrap();
    RequestRef::Query { scope: "//stuff", code, variables: Some(variables.as_ref()) }.to_body().unwrap()
}

/// The data of the answer to this request, which is what comes next.
fn answered(driver: &mut Driver, id: u16) -> Vec<u8> {
    match driver.event() {
        ClientEvent::Answer { package, .. } if package.id == id => {
            let AnswerRef::Data(data) = AnswerRef::decode(package.as_ref()).unwrap() else { panic!("{package:?}") };
            data.as_bytes().to_vec()
        }
        event => panic!("no answer to {id}: {event:?}"),
    }
}

fn told(driver: &mut Driver) -> Package {
    match driver.event() {
        ClientEvent::Event(package) => package,
        event => panic!("no event: {event:?}"),
    }
}

fn our_client_talks(torn: bool) {
    let Some(mut peer) = Worker::start(include_str!("v1_server.py")) else { return };
    assert_version(&mut peer, "python-thingsdb", "1.4.1");
    let listens = peer.call(&json!({"op": "listen", "torn": torn, "seed": seed()}));
    let port = u16::try_from(listens["port"].as_u64().unwrap()).unwrap();
    let mut driver = Driver::connect(&DIALECT, port, [tear(torn, 4), tear(torn, 5)]);
    let mut sent = Vec::new();

    let password = |password| RequestRef::Auth(Credentials::Password { user: "admin", password }).to_body().unwrap();
    let ping = driver.send(RequestRef::Ping.to_body().unwrap());
    let ClientEvent::Answer { request: 32, package } = driver.event() else { panic!() };
    assert_eq!((package.id, AnswerRef::decode(package.as_ref())), (ping, Ok(AnswerRef::Pong)));
    sent.push(json!([1, 32, null]));

    driver.send(password("wrong"));
    let ClientEvent::Denied(package) = driver.event() else { panic!() };
    let expected = ErrorRef { code: ErrorCode::AUTH, message: "invalid username or password" };
    assert_eq!(AnswerRef::decode(package.as_ref()), Ok(AnswerRef::Error(expected)));
    assert!(driver.client.request(NOW, query("1 + 1;")).is_err());
    driver.send(password("pass"));
    assert_eq!(driver.event(), ClientEvent::Authenticated);
    sent.extend([json!([2, 33, ["admin", "wrong"]]), json!([3, 33, ["admin", "pass"]])]);

    let id = driver.send(query("1 + 1;"));
    assert_eq!(answered(&mut driver, id), [2]);
    let nested = json!({"a": [1, -1, 2.5, null, true, "é€😀", {"b": []}], "n": i64::MIN, "m": i64::MAX});
    let id = driver.send(query_with("x;", &to_msgpack(&nested)));
    assert_eq!(msgpack(&answered(&mut driver, id)), nested);
    sent.extend([json!([4, 34, ["@t", "1 + 1;"]]), json!([5, 34, ["//stuff", "x;", {"x": nested}]])]);
    let large = json!("x".repeat(if torn { 20_000 } else { 3_000_000 }));
    let id = driver.send(query_with("x;", &to_msgpack(&large)));
    assert!(msgpack(&answered(&mut driver, id)) == large);
    sent.push(json!([6, 34, ["//stuff", "x;", {"x": large}]]));

    let id = driver.send(query("fail;"));
    let ClientEvent::Error { request: 34, package } = driver.event() else { panic!() };
    let expected = ErrorRef { code: ErrorCode::LOOKUP, message: "thing not found" };
    assert_eq!((package.id, AnswerRef::decode(package.as_ref())), (id, Ok(AnswerRef::Error(expected))));
    sent.push(json!([7, 34, ["@t", "fail;"]]));

    // Many in flight, answered in the other order.
    let held: Vec<u16> = (0..50).map(|number| driver.request(query_with("hold;", &[number]))).collect();
    let release = driver.request(query("release;"));
    assert_eq!(answered(&mut driver, release), [50]);
    for (number, id) in held.iter().enumerate().rev() {
        assert_eq!(answered(&mut driver, *id), [number as u8]);
    }
    sent.extend((0..50).map(|number| json!([8 + number, 34, ["//stuff", "hold;", {"x": number}]])));
    sent.push(json!([58, 34, ["@t", "release;"]]));

    let arguments = to_msgpack(&json!({"a": 1, "b": [2]}));
    let arguments = Some(ValueRef::decode(&arguments).unwrap());
    let run = RequestRef::Run { scope: "//stuff", procedure: "both", args: arguments };
    let id = driver.send(run.to_body().unwrap());
    assert_eq!(msgpack(&answered(&mut driver, id)), json!(["both", {"a": 1, "b": [2]}]));
    sent.push(json!([59, 37, ["//stuff", "both", {"a": 1, "b": [2]}]]));

    // The event behind the answer of the JOIN, before those of EMIT and LEAVE.
    let rooms = Room::values([Room::Name("chat"), Room::Id(6)]);
    let join = RequestRef::Join { scope: "//stuff", rooms: rooms.as_ref() }.to_body().unwrap();
    let id = driver.send(join.clone());
    assert_eq!(msgpack(&answered(&mut driver, id)), json!([5, null]));
    assert_eq!(EventRef::decode(told(&mut driver).as_ref()), Ok(EventRef::RoomJoin(CHAT)));
    let mut arguments = ValuesBuf::new();
    arguments.push_str("Hello!").push_int(1).push_nil();
    let args = arguments.as_ref();
    for (number, kind) in [(61, 40), (62, 41)] {
        let emit = match kind {
            40 => RequestRef::Emit { scope: "//stuff", room: Room::Id(5), event: "new-message", args },
            _ => RequestRef::EmitPeer { scope: "//stuff", room: Room::Id(5), event: "new-message", args },
        };
        let id = driver.send(emit.to_body().unwrap());
        let package = told(&mut driver);
        let emitted = EventRef::RoomEmit { room: CHAT, event: "new-message", args };
        assert_eq!((package.id, EventRef::decode(package.as_ref())), (65535, Ok(emitted)));
        let ClientEvent::Answer { package, .. } = driver.event() else { panic!() };
        assert_eq!((package.id, AnswerRef::decode(package.as_ref())), (id, Ok(AnswerRef::Ok)));
        sent.push(json!([number, kind, ["//stuff", 5, "new-message", "Hello!", 1, null]]));
    }
    sent.insert(sent.len() - 2, json!([60, 38, ["//stuff", "chat", 6]]));
    let chat = Joined { scope: "@collection:stuff".to_owned(), id: 5 };
    assert_eq!(driver.client.rooms().collect::<Vec<_>>(), [&chat]);
    let rooms = Room::values([Room::Id(5)]);
    let leave = RequestRef::Leave { scope: "//stuff", rooms: rooms.as_ref() }.to_body().unwrap();
    let id = driver.send(leave);
    assert_eq!(EventRef::decode(told(&mut driver).as_ref()), Ok(EventRef::RoomLeave(CHAT)));
    assert_eq!(msgpack(&answered(&mut driver, id)), json!([5]));
    assert_eq!(driver.client.rooms().count(), 0);
    sent.push(json!([63, 39, ["//stuff", 5]]));

    // Events and an unknown TYPE with the ID of a request are not its answer.
    driver.send(join);
    drop((driver.event(), driver.event()));
    assert_eq!(driver.client.rooms().count(), 1);
    let id = driver.send(query("events;"));
    let warn = told(&mut driver);
    assert_eq!((warn.id, EventRef::decode(warn.as_ref())), (id, Ok(EventRef::Warn { code: 2, message: "hello" })));
    let status = EventRef::NodeStatus { node: Some(0), status: "AWAY" };
    assert_eq!(EventRef::decode(told(&mut driver).as_ref()), Ok(status));
    let ClientEvent::Unknown(package) = driver.event() else { panic!() };
    assert_eq!((package.id, package.kind, &package.data[..]), (id, 99, &b"\xa3odd"[..]));
    assert_eq!(EventRef::decode(told(&mut driver).as_ref()), Ok(EventRef::RoomDelete(CHAT)));
    assert_eq!(answered(&mut driver, id), [0xc0]);
    assert_eq!(driver.client.rooms().count(), 0);
    sent.extend([json!([64, 38, ["//stuff", "chat", 6]]), json!([65, 34, ["@t", "events;"]])]);

    // The end, with a request that is lost; then a new connection, which is told of the room.
    let rooms = Room::values([Room::Id(5)]);
    let join = RequestRef::Join { scope: "//stuff", rooms: rooms.as_ref() }.to_body().unwrap();
    driver.send(join.clone());
    drop((driver.event(), driver.event()));
    let id = driver.send(query("drop;"));
    assert_eq!(driver.event(), ClientEvent::Lost { id, request: 34 });
    assert_eq!(driver.event(), ClientEvent::Closed(CloseReason::Eof));
    driver.reconnect(port);
    driver.send(RequestRef::Auth(Credentials::Token(TOKEN)).to_body().unwrap());
    assert_eq!(driver.event(), ClientEvent::Authenticated);
    assert_eq!(driver.event(), ClientEvent::Rejoin(chat));
    let id = driver.send(join);
    assert_eq!(msgpack(&answered(&mut driver, id)), json!([5]));
    assert_eq!(EventRef::decode(told(&mut driver).as_ref()), Ok(EventRef::RoomJoin(CHAT)));
    sent.extend([json!([66, 38, ["//stuff", 5]]), json!([67, 34, ["@t", "drop;"]])]);
    sent.extend([json!([1, 33, TOKEN]), json!([2, 38, ["//stuff", 5]])]);

    let seen = peer.call(&json!({"op": "seen"}));
    for (seen, sent) in seen["seen"].as_array().unwrap().iter().zip(&sent) {
        assert!(seen == sent, "{:.300} {:.300}", seen.to_string(), sent.to_string());
    }
    assert_eq!(seen["seen"].as_array().unwrap().len(), sent.len());
}

#[test]
fn our_client_talks_to_a_server_of_their_packages() {
    our_client_talks(false);
}

#[test]
fn our_client_talks_to_a_server_of_their_packages_in_pieces() {
    our_client_talks(true);
}

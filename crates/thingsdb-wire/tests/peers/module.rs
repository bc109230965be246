//! py-timod on pipes, driven by a client of ours, and a server of ours as the module of a node in plain Python.

use std::io::Write;

use serde_json::{Value as Json, json};
use thingsdb_wire::module::{DIALECT, ErrorRef, FromModule, Kind, ToModule};
use thingsdb_wire::msgpack::Data;
use thingsdb_wire::v1::ErrorCode;
use thingsdb_wire::{Body, ClientEvent, CloseReason, Config, Package, Server, ServerEvent, UsageError};

use crate::driver::{Driver, Process, next};
use crate::{NOW, msgpack, tear, to_msgpack};

fn start() -> Option<(Process, Driver)> {
    let (process, input, chunks) = Process::start(include_str!("timod_module.py"))?;
    // This module wants each package whole; what it writes is torn before it comes to us.
    Some((process, Driver::new(&DIALECT, input, chunks, [None, tear(true, 7)])))
}

fn conf(conf: &Json) -> Body {
    Body::new(Kind::CONF, to_msgpack(conf))
}

fn req(act: &str, arg: &Json) -> Body {
    Body::new(Kind::REQ, to_msgpack(&json!({"module": "peer", "act": act, "deep": 2, "load": true, "arg": arg})))
}

/// ID and value of the answer that is next.
fn answer(driver: &mut Driver) -> (u16, Json) {
    let ClientEvent::Answer { request: 80, package } = driver.event() else { panic!("no answer") };
    let FromModule::Res(data) = FromModule::decode(package.as_ref()).unwrap() else { panic!("{package:?}") };
    (package.id, msgpack(data.as_bytes()))
}

/// ID, code and text of the error that is next.
fn error(driver: &mut Driver) -> (u16, ErrorCode, String) {
    let ClientEvent::Error { request: 80, package } = driver.event() else { panic!("no error") };
    let FromModule::Err(error) = FromModule::decode(package.as_ref()).unwrap() else { panic!("{package:?}") };
    (package.id, error.code, error.message.to_owned())
}

fn ends(mut driver: Driver, process: Process) -> String {
    driver.hang_up();
    assert_eq!(driver.event(), ClientEvent::Closed(CloseReason::Eof));
    process.finish()
}

#[test]
fn py_timod_answers_without_a_configuration() {
    let Some((process, mut driver)) = start() else { return };
    assert_eq!(driver.send(req("version", &Json::Null)), 0);
    assert_eq!(answer(&mut driver), (0, json!("1.0.0")));
    let arg = json!({"x": {"y": {}}, "é€😀": [1, -1, 2.5, null, true, i64::MIN, u64::MAX]});
    assert_eq!(driver.send(req("echo", &arg)), 1);
    assert_eq!(answer(&mut driver), (1, arg));
    // In one write, and below 64 KiB: more would not come whole out of a pipe.
    let large = json!("x".repeat(60_000));
    assert_eq!(driver.send(req("echo", &large)), 2);
    let (id, found) = answer(&mut driver);
    assert!(id == 2 && found == large);
    // The other way it may be more, which comes in pieces.
    assert_eq!(driver.send(req("large", &json!(300_000))), 3);
    let (id, found) = answer(&mut driver);
    assert!(id == 3 && found == json!("x".repeat(300_000)));
    ends(driver, process);
}

#[test]
fn py_timod_takes_and_refuses_configurations() {
    let Some((process, mut driver)) = start() else { return };
    for (fault, code, message) in [
        ("fail", ErrorCode::LOOKUP, "no such conf"),
        ("crash", ErrorCode::OPERATION, "ZeroDivisionError('division by zero')"),
    ] {
        assert_eq!(driver.send(conf(&json!({fault: true}))), 0);
        let ClientEvent::Denied(package) = driver.event() else { panic!() };
        let expected = FromModule::ConfErr(Some(ErrorRef { code, message }));
        assert_eq!((package.id, FromModule::decode(package.as_ref())), (0, Ok(expected)));
        let refused = driver.client.request(NOW, req("conf", &Json::Null));
        assert_eq!(refused, Err(UsageError::NotAuthenticated { kind: 80 }.into()));
    }
    let settings = json!({"lang": "nl", "nested": {"a": {"b": {}}}});
    assert_eq!(driver.send(conf(&settings)), 0);
    assert_eq!(driver.event(), ClientEvent::Authenticated);
    let id = driver.send(req("conf", &Json::Null));
    assert_eq!(answer(&mut driver), (id, settings));
    // Again, while requests go on.
    assert_eq!(driver.send(conf(&json!({}))), 0);
    assert_eq!(driver.event(), ClientEvent::Authenticated);
    let id = driver.send(req("conf", &Json::Null));
    assert_eq!(answer(&mut driver), (id, json!({})));
    ends(driver, process);
}

#[test]
fn py_timod_fails_and_goes_on() {
    let Some((process, mut driver)) = start() else { return };
    for (act, code, message) in [
        ("custom", ErrorCode(-101), "custom"),
        ("value", ErrorCode::VALUE, "no such value"),
        ("crash", ErrorCode::OPERATION, "ZeroDivisionError('division by zero')"),
        ("no such act", ErrorCode::OPERATION, "KeyError('no such act')"),
    ] {
        let id = driver.send(req(act, &Json::Null));
        assert_eq!(error(&mut driver), (id, code, message.to_owned()));
    }
    let id = driver.send(req("echo", &json!(1)));
    assert_eq!(answer(&mut driver), (id, json!(1)));
    ends(driver, process);
}

#[test]
fn py_timod_answers_in_the_order_it_likes() {
    let Some((process, mut driver)) = start() else { return };
    // All in one write: packages may be joined, as long as none is torn.
    let waiting: Vec<u16> = (0..20).map(|number| driver.request(req("wait", &json!(number)))).collect();
    let echoes: Vec<u16> = (0..20).map(|number| driver.request(req("echo", &json!(number)))).collect();
    for (number, id) in echoes.into_iter().enumerate() {
        assert_eq!(answer(&mut driver), (id, json!(number)));
    }
    assert_eq!(driver.client.in_flight(), 20);
    for (number, id) in waiting.into_iter().enumerate().rev() {
        let release = driver.send(req("release", &json!(number)));
        assert_eq!(answer(&mut driver), (release, json!(number)));
        assert_eq!(answer(&mut driver), (id, json!("released")));
    }
    assert_eq!(driver.client.in_flight(), 0);
    ends(driver, process);
}

/// Why each package goes there in one write: half a header is taken for a whole one.
#[test]
fn py_timod_ends_when_a_package_comes_in_pieces() {
    let Some((process, mut driver)) = start() else { return };
    driver.write(&[1, 0, 0, 0]);
    assert_eq!(driver.event(), ClientEvent::Closed(CloseReason::Eof));
    assert_eq!(process.finish().trim_end(), "on_error: error");
}

/// A module of ours: what it does with one package.
fn serve(server: &mut Server, waiting: &mut Option<u16>, event: ServerEvent) {
    let package = match event {
        ServerEvent::Authenticate(package) => {
            let ToModule::Conf(data) = ToModule::from(package.as_ref()) else { unreachable!() };
            let reason = ErrorRef { code: ErrorCode::LOOKUP, message: "no such conf" };
            return match msgpack(data.as_bytes())["fail"] {
                Json::Bool(true) => server.deny(NOW),
                Json::String(_) => server.deny_with(NOW, FromModule::ConfErr(Some(reason)).to_body().unwrap()),
                _ => server.accept(NOW),
            }
            .unwrap();
        }
        ServerEvent::Request(package) => package,
        ServerEvent::Closed(CloseReason::Eof) => return,
        event => panic!("{event:?}"),
    };
    let ToModule::Req(data) = ToModule::from(package.as_ref()) else { unreachable!() };
    let request = msgpack(data.as_bytes());
    let res = |value: &Json| {
        let data = to_msgpack(value);
        FromModule::Res(Data::of(Package { id: 0, kind: 0, data: data.into() }.as_ref())).to_body().unwrap()
    };
    let body = match request["act"].as_str().unwrap() {
        "echo" => res(&request["arg"]),
        "custom" => FromModule::Err(ErrorRef { code: ErrorCode(-101), message: "custom" }).to_body().unwrap(),
        "wait" => {
            *waiting = Some(package.id);
            return;
        }
        "release" => {
            server.answer(NOW, waiting.take().unwrap(), res(&json!("released"))).unwrap();
            res(&Json::Null)
        }
        act => panic!("{act}"),
    };
    server.answer(NOW, package.id, body).unwrap();
}

fn our_module(torn: bool) {
    let Some((process, mut output, chunks)) = Process::start(include_str!("module_host.py")) else { return };
    let mut tear = tear(torn, 8);
    let (mut server, mut waiting) = (Server::new(&Config::new(&DIALECT), NOW), None);
    loop {
        let chunk = next(&chunks);
        for piece in chunk.iter().flat_map(|chunk| crate::pieces(&mut tear, chunk)).collect::<Vec<_>>() {
            let mut rest = piece;
            while !rest.is_empty() {
                let taken = server.handle_input(NOW, rest);
                rest = &rest[taken..];
                while let Some(event) = server.poll_event() {
                    serve(&mut server, &mut waiting, event);
                }
            }
        }
        while let Some(bytes) = server.poll_transmit() {
            crate::pieces(&mut tear, &bytes).iter().for_each(|piece| output.write_all(piece).unwrap());
        }
        if chunk.is_none() {
            break;
        }
    }
    server.handle_eof(NOW);
    assert_eq!(server.poll_event(), Some(ServerEvent::Closed(CloseReason::Eof)));
    drop(output);
    let found: Json = serde_json::from_str(&process.finish()).unwrap();
    let nested = json!({"a": [1, -1, 2.5, null, true, "é€😀", {"b": []}]});
    let expected = json!({
        "before": [0, 81, "before"],
        "denied": [0, 66],
        "denied with a reason": [0, 66, [-54, "no such conf"]],
        "accepted": [0, 65],
        "answers": [[1, 81, nested], [2, 82, [-101, "custom"]], [65535, 81, "released"], [0, 81, null]],
        "large": true,
        "twice": [[7, 81, 1], [7, 81, 2]],
        "end": true,
    });
    assert_eq!(found, expected);
}

#[test]
fn our_module_serves_a_node_in_plain_python() {
    our_module(false);
}

#[test]
fn our_module_serves_a_node_in_plain_python_in_pieces() {
    our_module(true);
}

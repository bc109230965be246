//! The module's own program on pipes, driven as a node drives it: by the crate's client, and by packages of real nodes. Waiting is
//! bounded, and no time is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic"
)]

use core::time::Duration;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};
use thingsdb_wire::module::{DIALECT, FromModule, Kind};
use thingsdb_wire::msgpack::ValuesBuf;
use thingsdb_wire::{Body, Client, ClientEvent, Config, Package};

const PATIENCE: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::ZERO;

/// A node with one module.
struct Node {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<Vec<u8>>,
    client: Client,
}

impl Node {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thingsdb_module"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdin, mut out) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, stdout) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = out.read(&mut buffer) {
                let _ = sender.send(buffer[..len].to_vec());
            }
        });
        Self { child, stdin, stdout, client: Client::new(&Config::new(&DIALECT), NOW) }
    }

    /// Sends a request; its ID.
    fn ask(&mut self, kind: Kind, value: &Value) -> u16 {
        let mut data = ValuesBuf::new();
        data.push_payload(value).unwrap();
        let id = self.client.request(NOW, Body::new(kind, data.as_ref().as_bytes().to_vec())).unwrap();
        while let Some(bytes) = self.client.poll_transmit() {
            self.write(&bytes);
        }
        id
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    fn next(&mut self) -> ClientEvent {
        loop {
            if let Some(event) = self.client.poll_event() {
                return event;
            }
            let bytes = self.stdout.recv_timeout(PATIENCE).expect("an answer within a minute");
            assert_eq!(self.client.handle_input(NOW, &bytes), bytes.len());
        }
    }

    fn configure(&mut self, conf: &Value) -> ClientEvent {
        self.ask(Kind::CONF, conf);
        self.next()
    }

    /// The value of a RES, or code and text of an ERR.
    fn answer(&mut self, req: &Value) -> Result<Value, (i64, String)> {
        let asked = self.ask(Kind::REQ, req);
        match self.next() {
            ClientEvent::Answer { package, .. } if package.id == asked => Ok(value(&package)),
            ClientEvent::Error { package, .. } if package.id == asked => Err(error(&package)),
            other => panic!("{other:?}"),
        }
    }

    /// The next bytes, with the machine out of the way.
    fn reads(&self, expected: &[u8]) {
        let mut read = Vec::new();
        while read.len() < expected.len() {
            read.extend(self.stdout.recv_timeout(PATIENCE).expect("bytes within a minute"));
        }
        assert_eq!(read, expected);
    }

    /// Ends the input; what the module says on its standard error, and whether it is content.
    fn end(mut self) -> (String, bool) {
        drop(self.stdin.take());
        assert_eq!(self.stdout.iter().collect::<Vec<_>>(), Vec::<Vec<u8>>::new(), "nothing unasked");
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (log, self.child.wait().unwrap().success())
    }
}

impl Drop for Node {
    /// Also where a test fails.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn value(package: &Package) -> Value {
    let FromModule::Res(data) = FromModule::decode(package.as_ref()).unwrap() else { panic!("{package:?}") };
    data.payload().unwrap()
}

fn error(package: &Package) -> (i64, String) {
    match FromModule::decode(package.as_ref()).unwrap() {
        FromModule::Err(error) | FromModule::ConfErr(Some(error)) => (error.code.0, error.message.to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_answers_with_a_configuration_and_without() {
    let mut node = Node::start();
    assert_eq!(node.answer(&json!({"module": "demo", "echo": "é"})), Ok(json!({"echo": "é"})));
    assert_eq!(node.configure(&json!({"prefix": "> "})), ClientEvent::Authenticated);
    assert_eq!(node.answer(&json!({"module": "demo", "deep": 2, "echo": "x"})), Ok(json!({"echo": "> x"})));
    assert_eq!(
        node.answer(&json!({"module": "demo", "sum": [1, -2, 1_i64 << 40]})),
        Ok(json!({"sum": (1_i64 << 40) - 1}))
    );
    assert_eq!(node.answer(&json!({"module": "demo", "sum": []})), Ok(json!({"sum": 0})));
    // Without a prefix again.
    assert_eq!(node.configure(&json!({})), ClientEvent::Authenticated);
    assert_eq!(node.answer(&json!({"module": "demo", "echo": "x"})), Ok(json!({"echo": "x"})));
    assert_eq!(node.end(), (String::new(), true));
}

#[test]
fn what_it_cannot_do_it_says_and_goes_on() {
    let mut node = Node::start();
    assert_eq!(node.answer(&json!({"module": "demo", "fail": "custom"})), Err((-101, "custom".into())));
    assert_eq!(node.answer(&json!({"module": "demo", "sum": [i64::MAX, 1]})), Err((-59, "integer overflow".into())));
    let (code, _) = node.answer(&json!({"module": "demo", "sum": "x"})).unwrap_err();
    assert_eq!(code, -53);
    let needed = "one of echo, sum and fail is needed";
    assert_eq!(node.answer(&json!({"module": "demo", "more": 1})), Err((-53, needed.into())));
    // A type that nodes do not send gets no answer.
    node.write(b"\x00\x00\x00\x00\x07\x00\x63\x9c");
    assert_eq!(node.answer(&json!({"module": "demo", "echo": "x"})), Ok(json!({"echo": "x"})));
    let (log, is_content) = node.end();
    assert!(log.starts_with("passed over: ") && is_content, "{log}");
}

#[test]
fn a_bad_configuration_is_refused_and_the_one_before_holds() {
    let mut node = Node::start();
    assert_eq!(node.configure(&json!({"prefix": "> "})), ClientEvent::Authenticated);
    for bad in [json!({"prefix": 1}), json!({"fail": true}), json!("prefix")] {
        let ClientEvent::Denied(package) = node.configure(&bad) else { panic!("{bad}") };
        assert_eq!((package.kind, error(&package).0), (66, -53));
    }
    assert_eq!(node.answer(&json!({"module": "demo", "echo": "x"})), Ok(json!({"echo": "> x"})));
    let (log, is_content) = node.end();
    assert!(log.lines().count() == 3 && log.starts_with("bad configuration: ") && is_content, "{log}");
}

/// Packages as captured between ThingsDB 1.9.3 and modules (tests/vectors of the crate), where they fit what this module does.
#[test]
fn the_bytes_are_those_of_real_modules() {
    let mut node = Node::start();
    // CONF {}, and CONF_OK as the Go module library sends it.
    node.write(b"\x01\x00\x00\x00\x00\x00\x40\xbf\x80");
    node.reads(b"\x00\x00\x00\x00\x00\x00\x41\xbe");
    // REQ {"fail": "custom"} with ID 8, byte by byte, and ERR [-101, "custom"].
    for byte in b"\x0d\x00\x00\x00\x08\x00\x50\xaf\x81\xa4fail\xa6custom" {
        node.write(&[*byte]);
    }
    node.reads(b"\x0a\x00\x00\x00\x08\x00\x52\xad\x92\xd0\x9b\xa6custom");
    assert_eq!(node.end(), (String::new(), true));
}

#[test]
fn many_requests_at_once_are_all_answered() {
    let mut node = Node::start();
    // Beyond what the module's machine takes at a time, in few large writes.
    let (mut stdin, text) = (node.stdin.take().unwrap(), "x".repeat(1000));
    let sending = thread::spawn(move || {
        let mut all = Vec::new();
        for id in 0..3000_u16 {
            let mut data = ValuesBuf::new();
            data.push_payload(&json!({"echo": text})).unwrap();
            let req = Body::new(Kind::REQ, data.as_ref().as_bytes().to_vec()).with_id(id);
            all.extend(req.as_ref().encode_to_vec().unwrap());
        }
        stdin.write_all(&all).unwrap();
        stdin
    });
    for id in 0..3000 {
        // The machine asked for none of these.
        let ClientEvent::Unmatched(package) = node.next() else { panic!("answer {id}") };
        assert_eq!((package.id, value(&package)), (id, json!({"echo": "x".repeat(1000)})));
    }
    node.stdin = Some(sending.join().unwrap());
    assert_eq!(node.end(), (String::new(), true));
}

#[test]
fn what_is_no_package_ends_it_and_a_torn_one_too() {
    let mut node = Node::start();
    node.write(b"\x00\x00\x00\x00\x01\x00\x50\x50");
    let (log, is_content) = node.end();
    assert_eq!(log, "thingsdb_module: check byte 0x50 is not the inverse of type 0x50 at byte 7 (CHK)\n");
    assert!(!is_content);

    let mut node = Node::start();
    node.write(b"\x05\x00\x00\x00\x01\x00\x50\xaf\x81");
    let (log, is_content) = node.end();
    assert_eq!(log, "thingsdb_module: input ends in a package at byte 9 (DATA)\n");
    assert!(!is_content);
}

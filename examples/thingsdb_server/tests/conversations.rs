//! The server's own program, spoken to byte by byte with packages of real clients and servers, and by the client of the other
//! example. Waiting is bounded, and no time is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

use core::time::Duration;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use thingsdb_client::{Address, Failure, Login, Settings, Spoken};
use thingsdb_server::{TOKEN_LEGACY, TOKEN_V1};

const PATIENCE: Duration = Duration::from_secs(60);

// Packages as captured from python-thingsdb 1.4.1 and ThingsDB 1.9.3, and from ThingsDB 0.1.13 (tests/vectors of the crate).
const PING: &str = "00000000000020df";
const AUTH_V1: &str = "0c000000000021de92a561646d696ea470617373";
const OK: &str = "00000000000011ee";
const AUTH_LEGACY: &str = "0c000000000021deef8561646d696e8470617373";
const RES_AUTH: &str = "00000000000041be";

/// The running program.
struct Program {
    child: Child,
    address: String,
}

impl Program {
    fn start(words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_thingsdb_server"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ").expect("the first line").to_owned();
        Self { child, address }
    }

    fn type_in(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn by_hand(&self) -> ByHand {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        ByHand(stream)
    }

    fn settings(&self, spoken: Spoken, login: Login) -> Settings {
        Settings { address: Address::Tcp(self.address.clone()), spoken, login: Some(login) }
    }

    /// The answer to a query, or why there is none.
    fn query(&self, spoken: Spoken, login: Login, scope: &str, code: &str) -> Result<String, Failure> {
        let query = thingsdb_client::Command::Query { scope: scope.into(), code: code.into(), variables: Vec::new() };
        let mut out = Vec::new();
        thingsdb_client::run(&self.settings(spoken, login), &query, &mut out, &mut Vec::new())?;
        Ok(String::from_utf8(out).unwrap().trim_end().to_owned())
    }
}

impl Drop for Program {
    /// Also where a test fails.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that says what it is told to.
struct ByHand(TcpStream);

impl ByHand {
    fn say(&mut self, hex: &str) {
        self.0.write_all(&bytes(hex)).unwrap();
    }

    /// The next bytes are these.
    fn hears(&mut self, hex: &str) {
        let mut heard = vec![0; hex.len() / 2];
        self.0.read_exact(&mut heard).expect("an answer within a minute");
        assert_eq!(to_hex(&heard), hex);
    }

    /// The next bytes are these, and no more follow.
    fn hears_at_last(&mut self, hex: &str) {
        let mut heard = Vec::new();
        self.0.read_to_end(&mut heard).expect("the end within a minute");
        assert_eq!(to_hex(&heard), hex);
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn admin() -> Login {
    Login::Password("admin".into(), "pass".into())
}

#[test]
fn a_conversation_in_v1_byte_for_byte() {
    let program = Program::start(&["127.0.0.1:0"]);
    let mut client = program.by_hand();
    // A query before anybody is known: ["@t", "1 + 1;"].
    client.say("0b000000010022dd92a24074a631202b20313b");
    client.hears(
        "38000000010013ec82aa6572726f725f636f6465d0c8a96572726f725f6d7367bf636f6e6e656374696f6e206973206e6f742061757468656e74696361746564",
    );
    client.say("17000000020021deb678787878787878787878787878787878787878787878");
    client.hears("26000000020013ec82aa6572726f725f636f6465d0c8a96572726f725f6d7367ad696e76616c696420746f6b656e");
    client.say(AUTH_V1);
    client.hears(OK);
    client.say("0b000000030022dd92a24074a631202b20313b");
    client.hears("01000000030012ed02");
    // RUN with a list and, of this server's procedure, with a name: {"n": 41}.
    client.say("0e000000150025da93a24074a76164645f6f6e659129");
    client.hears("01000000150012ed2a");
    client.say("10000000160025da93a24074a76164645f6f6e6581a16e29");
    client.hears("01000000160012ed2a");
    // JOIN of rooms 5 and 456: the answer is [5, nil], the event follows.
    client.say("0d0000001a0026d993a72f2f737475666605cd01c8");
    client.hears("030000001a0012ed9205c0");
    client.hears("1d000000ffff06f982a573636f7065b140636f6c6c656374696f6e3a7374756666a2696405");
    // The same room by its name: no second event.
    client.say("0e0000001b0026d992a72f2f7374756666a463686174");
    client.hears("020000001b0012ed9105");
    // EMIT comes back before its OK; EMIT_PEER does not come back.
    client.say("1d0000001c0028d794a72f2f737475666605ab6e65772d6d657373616765a648656c6c6f21");
    client.hears(
        "3c000000ffff08f784a573636f7065b140636f6c6c656374696f6e3a7374756666a2696405a56576656e74ab6e65772d6d657373616765a46172677391a648656c6c6f21",
    );
    client.hears("000000001c0011ee");
    client.say("140000001e0029d695a72f2f737475666605a4706565720181a17802");
    client.hears("000000001e0011ee");
    // LEAVE: the event comes first.
    client.say("0d000000220027d893a72f2f737475666605cd01c8");
    client.hears("1d000000ffff07f882a573636f7065b140636f6c6c656374696f6e3a7374756666a2696405");
    client.hears("03000000220012ed9205c0");
    // WATCH of 2019 to 2021 is answered OK, a type that nobody sends not at all.
    client.say("04000000010023dc91a24074");
    client.hears("00000000010011ee");
    client.say("000000000700639c");
    client.say(PING);
    client.hears("00000000000010ef");
    // A wrong check byte is the end; what came before it is answered.
    client.say("00000000090020df00000000000020df0000000000002020");
    client.hears_at_last("00000000090010ef00000000000010ef");
}

#[test]
fn a_conversation_in_the_dialect_of_2019_byte_for_byte() {
    let program = Program::start(&["127.0.0.1:0"]);
    let mut client = program.by_hand();
    // A query before anybody is known: {"query": "1+1"}.
    client.say("0b000000010023dcf485717565727983312b31");
    client.hears(
        "370000000100609ff58a6572726f725f636f646577896572726f725f6d73679f636f6e6e656374696f6e206973206e6f742061757468656e74696361746564",
    );
    client.say(
        "33000000030021deb25858585858585858585858585858585858585858585858585858585858585858585858585858585858585858585858585858",
    );
    client.hears("250000000300609ff58a6572726f725f636f646577896572726f725f6d73678d696e76616c696420746f6b656e");
    client.say(AUTH_LEGACY);
    client.hears(RES_AUTH);
    client.say(PING);
    client.hears("00000000000040bf");
    client.say("0c000000070022ddf485717565727984312b313b");
    client.hears("01000000070042bd02");
    client.say("1d000000040024dbf585717565727984312b313b8a636f6c6c656374696f6e857374756666");
    client.hears("01000000040042bd02");
    client.say("10000000160032cdf0857374756666876164645f6f6e6529");
    client.hears("01000000160042bd2a");
    // WATCH of the things 3, 4 and 999, of which there is 3: {"event": 0, "thing": {"#": 3}}.
    client.say("1f000000110030cff5867468696e6773f00304e9e7038a636f6c6c656374696f6e857374756666");
    client.hears("00000000110050af");
    client.hears("12000000000010eff5856576656e7400857468696e67f4812303");
    // {"query": ".x=1", "collection": "stuff"}: {"#": 3, "event": 1, "jobs": [{"set": {"x": 1}}]} comes before the answer.
    client.say("1d000000050024dbf5857175657279842e783d318a636f6c6c656374696f6e857374756666");
    client.hears("1a000000000011eef6812303856576656e7401846a6f6273eef483736574f4817801");
    client.hears("01000000050042bd01");
    client.say("1b000000140031cef5867468696e6773ee038a636f6c6c656374696f6e857374756666");
    client.hears("00000000140051ae");
    client.0.shutdown(Shutdown::Write).unwrap();
    client.hears_at_last("");
}

#[test]
fn the_dialect_of_each_connection_shows_however_its_bytes_come() {
    let program = Program::start(&["127.0.0.1:0"]);
    let (mut old, mut new) = (program.by_hand(), program.by_hand());
    // A PING alone does not tell, and is answered as in v1.
    for client in [&mut old, &mut new] {
        client.say(PING);
        client.hears("00000000000010ef");
    }
    for at in (0..AUTH_V1.len()).step_by(2) {
        old.say(&AUTH_LEGACY[at..at + 2]);
        new.say(&AUTH_V1[at..at + 2]);
    }
    old.hears(RES_AUTH);
    new.hears(OK);
    old.say(PING);
    old.hears("00000000000040bf");
    new.say(PING);
    new.hears("00000000000010ef");

    let program = Program::start(&["127.0.0.1:0", "--dialect", "legacy"]);
    let mut told = program.by_hand();
    told.say(PING);
    told.hears("00000000000040bf");
}

#[test]
fn tokens_are_known_in_both_dialects() {
    let program = Program::start(&["127.0.0.1:0"]);
    // The lengths that real servers insist on.
    assert_eq!((TOKEN_V1.len(), TOKEN_LEGACY.len()), (22, 50));
    for (spoken, right, wrong) in [(Spoken::V1, TOKEN_V1, TOKEN_LEGACY), (Spoken::Legacy, TOKEN_LEGACY, TOKEN_V1)] {
        assert_eq!(program.query(spoken, Login::Token(right.into()), "@t", "6 * 7").unwrap(), "42");
        // Where the server has to find out the dialect, a token of the wrong length may be taken for one of the other.
        if spoken == Spoken::V1 {
            let failure = program.query(spoken, Login::Token(wrong.into()), "@t", "6 * 7").unwrap_err();
            assert_eq!(failure.to_string(), "refused: invalid token (AUTH)");
        }
    }
}

#[test]
fn code_has_results_and_errors_with_codes() {
    let program = Program::start(&["127.0.0.1:0"]);
    let deep = "(".repeat(1000);
    // What a real node would say has the same code; `legacy` has the code of 2019 where that differs.
    for (scope, code, v1, legacy) in [
        ("@t", "", "null", "null"),
        ("@n", "1 + 1;", "2", "2"),
        ("//stuff", "x = 2; .total = (x + 40) * 1; .total - -1", "43", "43"),
        ("@:stuff", ".total / 2; ", "21", "21"),
        ("//stuff", "'so' + \" it is\"", "\"so it is\"", "\"so it is\""),
        ("@t", "9223372036854775807 + 1", "integer overflow (OVERFLOW)", "integer overflow (OVERFLOW)"),
        ("@t", "1 / 0", "division or modulo by zero (ZERO_DIV)", "division or modulo by zero (ZERO_DIV)"),
        ("@t", "x", "variable `x` is undefined (LOOKUP)", "variable `x` is undefined (INDEX)"),
        ("//stuff", ".y", "thing has no property `y` (LOOKUP)", "thing has no property `y` (INDEX)"),
        ("@t", ".y = 1", "thing has no property `y` (LOOKUP)", "thing has no property `y` (INDEX)"),
        ("@t", "1 + ", "error at position 4 (SYNTAX)", "error at position 4 (SYNTAX)"),
        ("@t", &deep, "error at position 32 (SYNTAX)", "error at position 32 (SYNTAX)"),
        ("@t", "1 + 'x'", "not for values of these types (TYPE)", "not for values of these types (BAD_DATA)"),
        ("@t", "raise('no');", "no (-100)", "no (-100)"),
        ("//other", "1", "collection `other` not found (LOOKUP)", "collection `other` not found (INDEX)"),
    ] {
        for (spoken, expected) in [(Spoken::V1, v1), (Spoken::Legacy, legacy)] {
            match program.query(spoken, admin(), scope, code) {
                Ok(value) => assert_eq!(value, expected, "{spoken:?} {scope} {code}"),
                Err(failure) => {
                    assert_eq!(failure.to_string(), format!("refused: {expected}"), "{spoken:?} {scope} {code}")
                }
            }
        }
    }
    // Short code that would make long texts.
    let mut code = format!("x = '{}';", "x".repeat(5000));
    code.push_str(&"x = x + x;".repeat(5));
    let failure = program.query(Spoken::V1, admin(), "@t", &code).unwrap_err();
    assert_eq!(failure.to_string(), "refused: maximum of 65536 bytes in a text is reached (MAX_QUOTA)");
    let failure = program.query(Spoken::V1, admin(), "@t", &" ".repeat(16_385)).unwrap_err();
    assert_eq!(failure.to_string(), "refused: maximum of 16384 bytes of code is reached (MAX_QUOTA)");
    let failure = program.query(Spoken::V1, admin(), "@node:1", "1").unwrap_err();
    assert_eq!(failure.to_string(), "refused: node `1` not found (LOOKUP)");
    let failure = program.query(Spoken::V1, admin(), "@collection/stuff", "1").unwrap_err();
    assert!(failure.to_string().ends_with("(VALUE)"), "{failure}");
}

#[test]
fn the_node_says_that_it_shuts_down() {
    let mut program = Program::start(&["127.0.0.1:0"]);
    let (mut v1, mut watching, mut other) = (program.by_hand(), program.by_hand(), program.by_hand());
    v1.say(AUTH_V1);
    v1.hears(OK);
    for client in [&mut watching, &mut other] {
        client.say(AUTH_LEGACY);
        client.hears(RES_AUTH);
    }
    // In 2019 it takes a WATCH without data to hear of the status.
    watching.say("00000000180030cf");
    watching.hears("00000000180050af");

    program.type_in("what?");
    program.type_in("quit");
    v1.hears("1a000000ffff00ff82a2696400a6737461747573ad5348555454494e475f444f574e");
    v1.hears_at_last("14000000ffff00ff82a2696400a6737461747573a74f46464c494e45");
    watching.hears("0e000000000013ec8d5348555454494e475f444f574e");
    watching.hears_at_last("08000000000013ec874f46464c494e45");
    other.hears_at_last("");
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn who_sends_without_reading_gets_all_answers_in_the_end() {
    let program = Program::start(&["127.0.0.1:0"]);
    let mut client = program.by_hand();
    client.say(AUTH_V1);
    client.hears(OK);
    // ["@t", "'...'"]: 20 MB in one go, and the same amount of answers.
    let text = "x".repeat(10_000);
    let data = [b"\x92\xa2@t\xda\x27\x12'", text.as_bytes(), b"'"].concat();
    let answer = [b"\xda\x27\x10", text.as_bytes()].concat();
    let mut sender = client.0.try_clone().unwrap();
    let sending = thread::spawn(move || {
        for id in 0..2000_u16 {
            let header = package(id, 34, data.len());
            sender.write_all(&[&header, &data[..]].concat()).unwrap();
        }
        sender.shutdown(Shutdown::Write).unwrap();
    });
    let mut heard = vec![0; answer.len() + 8];
    for id in 0..2000_u16 {
        client.0.read_exact(&mut heard).unwrap();
        assert_eq!(heard[..8], package(id, 18, answer.len()));
        assert!(heard[8..] == answer, "the text of answer {id}");
    }
    client.hears_at_last("");
    sending.join().unwrap();
}

#[test]
fn who_reads_only_after_saying_all_gets_all_answers_too() {
    let program = Program::start(&["127.0.0.1:0"]);
    let mut client = program.by_hand();
    client.say(AUTH_V1);
    client.hears(OK);
    // ["//stuff", "..."] makes a text of 64000 bytes, and ["//stuff", ".x"] asks for it: 19 MB of answers to requests that the
    // server reads at one go, before it can send them all.
    let code = format!("x='{}';{}.x=x;0", "x".repeat(1000), "x=x+x;".repeat(6));
    let len = u16::try_from(code.len()).unwrap().to_be_bytes();
    let data = [&b"\x92\xa7//stuff\xda"[..], &len, code.as_bytes()].concat();
    client.0.write_all(&[&package(1, 34, data.len()), &data[..]].concat()).unwrap();
    client.hears("01000000010012ed00");
    let all: Vec<_> = (0..300).map(|id| [&package(id, 34, 12)[..], b"\x92\xa7//stuff\xa2.x"].concat()).collect();
    client.0.write_all(&all.concat()).unwrap();
    client.0.shutdown(Shutdown::Write).unwrap();
    let mut heard = vec![0; 8 + 3 + 64_000];
    for id in 0..300_u16 {
        client.0.read_exact(&mut heard).unwrap();
        assert_eq!(heard[..11], [&package(id, 18, 64_003)[..], b"\xda\xfa\x00"].concat());
    }
    client.hears_at_last("");
}

#[test]
fn who_does_not_read_its_events_is_sent_away_and_the_others_go_on() {
    let program = Program::start(&["127.0.0.1:0"]);
    let mut asleep = program.by_hand();
    asleep.say(AUTH_V1);
    asleep.hears(OK);
    asleep.say("0e0000001b0026d992a72f2f7374756666a463686174");
    asleep.hears("020000001b0012ed9105");

    let mut awake = program.by_hand();
    awake.say(AUTH_V1);
    awake.hears(OK);
    // ["//stuff", 5, "e", "..."]: 80 MB in all, more than the node and the sockets hold for one connection.
    let data = [b"\x94\xa7//stuff\x05\xa1e\xdb\x00\x01\x86\xa0", "x".repeat(100_000).as_bytes()].concat();
    for id in 0..800_u16 {
        awake.0.write_all(&[&package(id, 40, data.len()), &data[..]].concat()).unwrap();
        awake.hears(&to_hex(&package(id, 17, 0)));
    }

    let mut heard: usize = 0;
    let mut buffer = [0; 1 << 16];
    loop {
        match asleep.0.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => heard += len,
            // With input of it unread this is a reset and no end of stream.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(heard < 800 * data.len(), "all {heard} bytes came");
    assert_eq!(program.query(Spoken::V1, admin(), "@t", "1").unwrap(), "1");
}

/// The header of a package.
fn package(id: u16, kind: u8, len: usize) -> [u8; 8] {
    let ([a, b, c, d], [low, high]) = (u32::try_from(len).unwrap().to_le_bytes(), id.to_le_bytes());
    [a, b, c, d, low, high, kind, !kind]
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_there_while_the_server_is() {
    let path = std::env::temp_dir().join(format!("thingsdb_server-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let mut program = Program::start(&["--unix", path.to_str().unwrap()]);
    let mut client = std::os::unix::net::UnixStream::connect(&path).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(&bytes(AUTH_LEGACY)).unwrap();
    let mut heard = [0; 8];
    client.read_exact(&mut heard).unwrap();
    assert_eq!(to_hex(&heard), RES_AUTH);
    program.type_in("quit");
    assert!(program.child.wait().unwrap().success());
    assert!(!path.exists());
}

#[test]
fn what_cannot_be_done_is_said() {
    for (words, message) in [
        (&["--twice", "x"][..], "thingsdb_server: unknown option --twice x"),
        (&["--dialect"], "thingsdb_server: --dialect needs a value"),
        (&["--dialect", "v2"], "thingsdb_server: unknown option --dialect v2"),
        (&["nowhere"], "thingsdb_server: invalid socket address"),
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_thingsdb_server")).args(words).output().unwrap();
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert!(!run.status.success() && stderr.starts_with(message), "{stderr}");
    }
}

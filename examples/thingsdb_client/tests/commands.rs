//! The client's own program against the server of the other example, over TCP and over a Unix socket, in both dialects. Waiting is
//! bounded, and no time is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

use core::time::Duration;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use thingsdb_server::{Listener, Settings};
use tokio::sync::oneshot;

const PATIENCE: Duration = Duration::from_secs(60);
const ADMIN: [&str; 2] = ["--password", "pass"];

/// The server of the other example, in a thread.
struct Node {
    /// As the client's words name it.
    place: [String; 2],
    quit: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    fn tcp() -> Self {
        Self::start(|| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            listener.set_nonblocking(true).unwrap();
            (Listener::Tcp(tokio::net::TcpListener::from_std(listener).unwrap()), ["tcp".into(), address])
        })
    }

    /// On a path of its own.
    #[cfg(unix)]
    fn unix(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("thingsdb_client-{}-{name}.sock", std::process::id()));
        Self::start(move || {
            let _ = std::fs::remove_file(&path);
            let listener = Listener::Unix(tokio::net::UnixListener::bind(&path).unwrap());
            (listener, ["--unix".into(), path.to_str().unwrap().into()])
        })
    }

    fn start(listen: impl FnOnce() -> (Listener, [String; 2]) + Send + 'static) -> Self {
        let ((quit, quits), (told, place)) = (oneshot::channel(), channel());
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (listener, place) = listen();
                told.send(place).unwrap();
                let settings = Settings { spoken: None, log: |_| {} };
                thingsdb_server::serve(listener, settings, async { drop(quits.await) }).await;
            });
        });
        let place = place.recv_timeout(PATIENCE).unwrap();
        Self { place, quit: Some(quit), thread: Some(thread) }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thingsdb_client"));
        command.env_remove("THINGSDB_PASSWORD").args(&self.place).args(words);
        command
    }

    /// What the program prints; or if it fails, what it complains of.
    fn run(&self, words: &[&str]) -> Result<String, String> {
        outcome(&mut self.command(words))
    }

    /// The program stays, and prints.
    fn stay(&self, words: &[&str]) -> Running {
        let mut command = self.command(words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        Running { child, stdout, stderr }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.quit.take().unwrap().send(());
        let _ = self.thread.take().unwrap().join();
        if self.place[0] == "--unix" {
            let _ = std::fs::remove_file(&self.place[1]);
        }
    }
}

fn outcome(command: &mut Command) -> Result<String, String> {
    let run = command.output().unwrap();
    let (out, log) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap());
    if run.status.success() { Ok(out.trim_end().into()) } else { Err(log.lines().next().unwrap_or_default().into()) }
}

struct Running {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    fn prints(&self, line: &str) {
        assert_eq!(self.stdout.recv_timeout(PATIENCE).expect("a line within a minute"), line);
    }

    fn complains(&self, start: &str) {
        let line = self.stderr.recv_timeout(PATIENCE).expect("a line within a minute");
        assert!(line.starts_with(start), "{line}");
    }

    /// It has nothing more to print, and is content.
    fn ends(mut self) {
        assert_eq!(self.stdout.iter().collect::<Vec<_>>(), Vec::<String>::new());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    /// Also where a test fails.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

/// A server that can be had in every way.
fn nodes(name: &str) -> Vec<Node> {
    vec![
        Node::tcp(),
        #[cfg(unix)]
        Node::unix(name),
    ]
}

#[test]
fn each_command_in_each_dialect_over_each_socket() {
    for node in nodes("commands") {
        for dialect in [&["--dialect", "v1"][..], &["--dialect", "legacy"]] {
            let run = |words: &[&str]| node.run(&[dialect, &ADMIN, words].concat());
            assert_eq!(node.run(&["ping"]), Ok("null".into()), "without a password");
            assert_eq!(run(&["query", "@t", "1 + 1;"]), Ok("2".into()));
            assert_eq!(run(&["query", "//stuff", ".a = 'é'; .a"]), Ok("\"é\"".into()));
            assert_eq!(run(&["run", "@t", "add_one", "41"]), Ok("42".into()));
            assert_eq!(run(&["run", "//stuff", "add_one", "-1"]), Ok("0".into()));
            assert_eq!(run(&["run", "//stuff", "greet", "\"Iris\""]), Ok("\"Hello, Iris!\"".into()));
        }
        let run = |words: &[&str]| node.run(&[&ADMIN, words].concat());
        let all = r#"x=[null,true,-3,18446744073709551615,1.5,"é",{"$bytes":"ff00"},{"a":{"$bytes":"zz"}}]"#;
        assert_eq!(run(&["query", "@t", "x", all]), Ok(all[2..].into()));
        assert_eq!(run(&["query", "//stuff", ".b = x + y", "x=40", "y=2"]), Ok("42".into()));
        assert_eq!(run(&["emit", "//stuff", "chat", "to-nobody"]), Ok("null".into()));
    }
}

#[test]
fn the_password_may_come_from_the_environment_and_a_token_in_its_place() {
    let node = Node::tcp();
    assert_eq!(outcome(node.command(&["query", "@t", "1"]).env("THINGSDB_PASSWORD", "pass")), Ok("1".into()));
    let refused = "thingsdb_client: refused: invalid username or password (AUTH)";
    assert_eq!(outcome(node.command(&["query", "@t", "1"]).env("THINGSDB_PASSWORD", "word")), Err(refused.into()));
    assert_eq!(node.run(&["--token", thingsdb_server::TOKEN_V1, "query", "@t", "1"]), Ok("1".into()));
    let words = ["--dialect", "legacy", "--token", thingsdb_server::TOKEN_LEGACY, "query", "@t", "1"];
    assert_eq!(node.run(&words), Ok("1".into()));
}

#[test]
fn who_joins_a_room_hears_what_another_emits() {
    for node in nodes("rooms") {
        let by_id = node.stay(&[&ADMIN[..], &["join", "//stuff", "5", "--count", "2"]].concat());
        by_id.complains("joined");
        by_id.prints(r#"{"id":5,"scope":"@collection:stuff","type":"ROOM_JOIN"}"#);
        let by_name = node.stay(&[&ADMIN[..], &["join", "@:stuff", "chat", "--count", "1"]].concat());
        by_name.complains("joined");
        by_name.prints(r#"{"id":5,"scope":"@collection:stuff","type":"ROOM_JOIN"}"#);

        let emit = |words: &[&str]| node.run(&[&ADMIN, &["emit", "//stuff"], words].concat());
        assert_eq!(emit(&["chat", "new-message", "\"Hello!\""]), Ok("null".into()));
        let line = r#"{"args":["Hello!"],"event":"new-message","id":5,"scope":"@collection:stuff","type":"ROOM_EMIT"}"#;
        by_name.prints(line);
        by_name.ends();
        by_id.prints(line);
        assert_eq!(emit(&["5", "more", "[1, {\"$bytes\": \"00\"}]", "null"]), Ok("null".into()));
        by_id.prints(
            r#"{"args":[[1,{"$bytes":"00"}],null],"event":"more","id":5,"scope":"@collection:stuff","type":"ROOM_EMIT"}"#,
        );
        by_id.ends();
    }
}

#[test]
fn who_watches_a_thing_in_the_dialect_of_2019_hears_of_a_change_in_v1() {
    for node in nodes("things") {
        let set = |code: &str| node.run(&[&ADMIN[..], &["query", "//stuff", code]].concat()).unwrap();
        set(".a = 1");
        let watching = ["--dialect", "legacy", "join", "//stuff", "3", "--count", "1"];
        let watching = node.stay(&[&ADMIN[..], &watching].concat());
        watching.complains("joined");
        watching.prints(r##"{"event":1,"thing":{"#":3,"a":1},"type":"WATCH_INI"}"##);
        set(".a = 2; .b = 'new'; 3");
        watching.prints(r#"{"event":2,"id":3,"jobs":[{"set":{"a":2}},{"set":{"b":"new"}}],"type":"WATCH_UPD"}"#);
        watching.ends();
    }
}

#[cfg(unix)]
#[test]
fn who_joined_joins_again_when_the_server_is_back() {
    let node = Node::unix("again");
    let room = node.stay(&[&ADMIN[..], &["join", "//stuff", "chat", "--count", "1"]].concat());
    let thing = node.stay(&[&ADMIN[..], &["--dialect", "legacy", "join", "//stuff", "3", "--count", "1"]].concat());
    room.prints(r#"{"id":5,"scope":"@collection:stuff","type":"ROOM_JOIN"}"#);
    thing.prints(r##"{"event":0,"thing":{"#":3},"type":"WATCH_INI"}"##);
    drop(node);
    for client in [&room, &thing] {
        client.complains("joined");
        client.complains("no connection: the server has closed it; next try in 1 s");
    }
    room.prints(r#"{"id":0,"status":"SHUTTING_DOWN","type":"NODE_STATUS"}"#);
    room.prints(r#"{"id":0,"status":"OFFLINE","type":"NODE_STATUS"}"#);
    thing.prints(r#"{"status":"SHUTTING_DOWN","type":"NODE_STATUS"}"#);
    thing.prints(r#"{"status":"OFFLINE","type":"NODE_STATUS"}"#);

    let node = Node::unix("again");
    room.prints(r#"{"id":5,"scope":"@collection:stuff","type":"ROOM_JOIN"}"#);
    thing.prints(r##"{"event":0,"thing":{"#":3},"type":"WATCH_INI"}"##);
    node.run(&[&ADMIN[..], &["emit", "//stuff", "5", "back"]].concat()).unwrap();
    node.run(&[&ADMIN[..], &["query", "//stuff", ".a = 1"]].concat()).unwrap();
    room.prints(r#"{"args":[],"event":"back","id":5,"scope":"@collection:stuff","type":"ROOM_EMIT"}"#);
    thing.prints(r#"{"event":1,"id":3,"jobs":[{"set":{"a":1}}],"type":"WATCH_UPD"}"#);
    room.ends();
    thing.ends();
}

#[test]
fn what_the_server_refuses_is_said_in_its_words() {
    let node = Node::tcp();
    for (words, v1, legacy) in [
        (
            &["--password", "word", "ping"][..],
            "invalid username or password (AUTH)",
            "invalid username or password (AUTH)",
        ),
        (&["--user", "iris", "ping"], "invalid username or password (AUTH)", "invalid username or password (AUTH)"),
        (&["--token", "xxxxxxxxxxxxxxxxxxxxxx", "ping"], "invalid token (AUTH)", ""),
        (&["run", "@t", "nope", "1"], "procedure `nope` not found (LOOKUP)", "procedure `nope` not found (INDEX)"),
        (
            &["run", "@t", "greet", "1"],
            "`greet` does not take this argument (TYPE)",
            "`greet` does not take this argument (BAD_DATA)",
        ),
        (
            &["run", "@t", "greet"],
            "`greet` does not take this argument (TYPE)",
            "procedure `greet` takes one argument (INDEX)",
        ),
        (
            &["run", "@n", "greet"],
            "no procedures in the scope of a node (BAD_DATA)",
            "no procedures in the scope of a node (BAD_DATA)",
        ),
        (&["join", "//stuff", "456"], "no such room", ""),
        (&["join", "//other", "5"], "collection `other` not found (LOOKUP)", "collection `other` not found (INDEX)"),
        (&["join", "@t", "5"], "rooms are in collections only (BAD_DATA)", ""),
        (&["emit", "//stuff", "456", "x"], "room not found (LOOKUP)", ""),
        (&["query", "@t", "raise('no')"], "no (-100)", "no (-100)"),
    ] {
        for (dialect, expected) in
            [("v1", v1), ("legacy", legacy)].into_iter().filter(|(_, expected)| !expected.is_empty())
        {
            let failure = node.run(&[&ADMIN[..], &["--dialect", dialect], words].concat()).unwrap_err();
            assert_eq!(failure, format!("thingsdb_client: refused: {expected}"), "{dialect} {words:?}");
        }
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let node = Node::tcp();
    for (words, message) in [
        (&[][..], "there is no command"),
        (&["query", "@t", "1"], "who asks? --password, --token or $THINGSDB_PASSWORD"),
        (&["--password", "pass", "query", "@t"], "query needs code"),
        (&["--password", "pass", "query", "@t", "x", "x"], "x is not NAME=JSON"),
        (&["--password", "pass", "run", "@t", "add_one", "{"], "\"{\" is not JSON: "),
        (&["--password", "pass", "join", "//stuff", "5", "6"], "unknown word 6"),
        (&["--dialect", "v2", "ping"], "unknown dialect v2"),
        (&["--port", "1", "ping"], "unknown option --port"),
        (&["shout"], "unknown command shout"),
        (&["--password", "pass", "--dialect", "legacy", "emit", "//stuff", "5", "x"], "there were no rooms in 2019"),
        (
            &["--password", "pass", "--dialect", "legacy", "join", "//stuff", "chat"],
            "of 2019, only things are watched, by ID",
        ),
        (
            &["--password", "pass", "--dialect", "legacy", "query", "@t", "x", "x=1"],
            "queries of 2019 take no variables",
        ),
    ] {
        let complaint = node.run(words).unwrap_err();
        let words = complaint.strip_prefix("thingsdb_client: ").unwrap();
        assert!(words.starts_with(message), "{complaint}");
    }
    let mut nowhere = Command::new(env!("CARGO_BIN_EXE_thingsdb_client"));
    assert_eq!(
        outcome(nowhere.args(["ping"])),
        Err("thingsdb_client: where is the server? tcp HOST:PORT or --unix PATH".into())
    );
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut nobody = Command::new(env!("CARGO_BIN_EXE_thingsdb_client"));
    let complaint = outcome(nobody.args(["tcp", &address, "ping"])).unwrap_err();
    assert!(complaint.starts_with("thingsdb_client: no connection: "), "{complaint}");
}

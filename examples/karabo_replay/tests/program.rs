//! Captures through the program: what comes out is what went in, byte for byte. Waiting is bounded, and no time is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

use core::future::pending;
use core::time::Duration;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use bytes::Bytes;
use karabo_bridge::Version;
use karabo_glimpse::{Detail, Settings as Glimpse};
use karabo_simulate::{InThread, Settings, Simulation, Source};
use karabo_zeromq::{Client, ClientSocket, Recorder, ServerSocket, block_on};

const PATIENCE: Duration = Duration::from_secs(60);
const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];
const ANY: &str = "tcp://127.0.0.1:0";
const PAIRS: [(&str, ClientSocket); 3] =
    [("rep", ClientSocket::Request), ("pub", ClientSocket::Subscribe), ("push", ClientSocket::Pull)];

/// A file of its own, gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("karabo_replay-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        Self(path)
    }

    fn of(name: &str, messages: &[Vec<Bytes>]) -> Self {
        let scratch = Self::new(name);
        let mut recorder = Recorder::create(&scratch.0).unwrap();
        messages.iter().for_each(|parts| recorder.write(parts).unwrap());
        scratch
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The running program.
struct Replay {
    child: Child,
    stdout: BufReader<ChildStdout>,
    endpoint: String,
}

impl Replay {
    fn start(scratch: &Scratch, words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_karabo_replay"));
        command.args([scratch.as_str(), ANY]).args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let endpoint = line.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, stdout, endpoint }
    }

    /// So many messages, as they come.
    fn messages(&self, socket: ClientSocket, count: usize) -> Vec<Vec<Bytes>> {
        let mut client = Client::new(&self.endpoint, socket).unwrap().with_timeout(PATIENCE);
        let receive = async {
            let mut messages = Vec::new();
            while messages.len() < count {
                messages.push(client.next().await.unwrap().parts);
            }
            messages
        };
        block_on(receive, Duration::ZERO).unwrap()
    }

    /// What it says at its end, what it complains of, and its exit code.
    fn end(mut self) -> (String, String, Option<i32>) {
        let (mut out, mut log) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (out, log, self.child.wait().unwrap().code())
    }
}

impl Drop for Replay {
    /// Also where a test fails.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_glimpse_saves_is_served_byte_for_byte() {
    for version in VERSIONS {
        let simulation = Simulation {
            sources: vec![Source::AgipdModule, Source::Camera, Source::Xgm],
            rate: 0.0,
            ..Simulation::default()
        };
        let sent: Vec<_> =
            (0..3).map(|index| simulation.train(index).unwrap().encode(version, None).unwrap()).collect();
        let scratch = Scratch::new(&format!("saved-{version}"));
        let bridge = InThread::start(Settings::new(ANY.into(), ServerSocket::Reply, version, simulation)).unwrap();
        let glimpse = Glimpse {
            count: Some(3),
            timeout: Some(PATIENCE),
            detail: Detail::Quiet,
            save: Some(scratch.0.clone()),
            ..Glimpse::new(bridge.endpoint().to_owned())
        };
        let save = async { karabo_glimpse::run(&glimpse, &mut Vec::new(), &mut Vec::new(), pending()).await };
        block_on(save, Duration::ZERO).unwrap().unwrap();
        drop(bridge);

        for (word, socket) in PAIRS {
            let replay = Replay::start(&scratch, &["--socket", word, "--loop", "--rate", "30"]);
            let came = replay.messages(socket, 4);
            if word == "pub" {
                // It may leave some out.
                assert!(came.iter().all(|message| sent.contains(message)), "{version}");
            } else {
                assert!(came[..3] == sent && came[3] == sent[0], "{version} {word}");
            }
        }
    }
}

#[test]
fn without_a_loop_it_ends_when_all_is_sent() {
    let part = |len: usize, byte: u8| Bytes::from(vec![byte; len]);
    let messages = vec![
        vec![part(1, 1), part(0, 0)],
        vec![part(300, 2), part(5_000_000, 3), part(7, 4)],
        vec![Bytes::from_static(b"no train at all")],
    ];
    let scratch = Scratch::of("end", &messages);
    for (word, socket) in [PAIRS[0], PAIRS[2]] {
        let replay = Replay::start(&scratch, &["--socket", word, "--rate", "0"]);
        assert!(replay.messages(socket, 3) == messages, "{word}");
        assert_eq!(
            replay.end(),
            ("3 trains sent, 0 dropped, 0 bad requests\n".into(), String::new(), Some(0)),
            "{word}"
        );
    }
}

#[test]
fn a_torn_capture_gives_what_is_whole_and_says_so() {
    let messages = vec![vec![Bytes::from_static(b"one")], vec![Bytes::from_static(b"two")]];
    let scratch = Scratch::of("torn", &messages);
    let bytes = fs::read(&scratch.0).unwrap();
    fs::write(&scratch.0, &bytes[..bytes.len() - 1]).unwrap();
    let replay = Replay::start(&scratch, &["--loop", "--rate", "0"]);
    assert_eq!(replay.messages(ClientSocket::Request, 1), messages[..1]);
    let (out, log, code) = replay.end();
    assert_eq!((&*out, code), ("1 train sent, 0 dropped, 0 bad requests\n", Some(1)));
    assert_eq!(log, format!("karabo_replay: {}: the file ends in the message at byte 5\n", scratch.as_str()));
}

#[test]
fn captures_and_words_that_are_none() {
    let outcome = |words: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_karabo_replay")).args(words).output().unwrap();
        (String::from_utf8(run.stderr).unwrap().lines().next().unwrap().to_owned(), run.status.code())
    };
    let scratch = Scratch::of("parts", &[vec![Bytes::from_static(b"a"), Bytes::from_static(b"bc")]]);
    let path = scratch.as_str();
    let say = |what: &str| (format!("karabo_replay: {path}: {what}"), Some(1));
    assert_eq!(outcome(&[path, ANY, "--max-parts", "1"]), say("the message at byte 0 exceeds max_parts 1"));
    assert_eq!(outcome(&[path, ANY, "--max-message", "2"]), say("the message at byte 0 exceeds max_message 2"));
    fs::write(&scratch.0, b"").unwrap();
    assert_eq!(outcome(&[path, ANY]), say("not a capture: there is nothing in it"));
    fs::write(&scratch.0, b"capture").unwrap();
    assert_eq!(outcome(&[path, ANY]), say("not a capture: no frame of a message begins at byte 0"));
    fs::write(&scratch.0, b"\0\x10capture").unwrap();
    assert_eq!(outcome(&[path, ANY]), say("not a capture: the file ends in the message at byte 0"));
    // It is looked at before anything is bound: the place does not matter.
    assert_eq!(outcome(&[path, "tcp://nowhere"]), say("not a capture: the file ends in the message at byte 0"));
    assert_eq!(
        outcome(&["/is/not/there", ANY]),
        ("karabo_replay: /is/not/there: No such file or directory".into(), Some(1))
    );
    assert_eq!(outcome(&["/", ANY]), ("karabo_replay: /: not a regular file".into(), Some(1)));

    for (words, due) in [
        (&[][..], "which capture?"),
        (&["a", "b", "c"], "unknown word c"),
        (&["a", "--socket", "req"], "no socket \"req\": rep, pub or push"),
        (&["a", "--rate", "0", "--socket", "pub"], "pub needs a rate: it waits for nobody"),
        (&["a", "--rate", "2000"], "--rate \"2000\": out of range, 0 or 0.000001 to 1000"),
        (&["a", "--max-parts", "4294967296"], "--max-parts \"4294967296\": too large"),
        (&["a", "--max-message", "1k"], "--max-message \"1k\": not a whole number"),
    ] {
        assert_eq!(outcome(words), (format!("karabo_replay: {due}"), Some(2)));
    }
}

#[test]
fn help_is_no_complaint() {
    for word in ["--help", "-h"] {
        let run = Command::new(env!("CARGO_BIN_EXE_karabo_replay")).arg(word).output().unwrap();
        assert_eq!((run.status.code(), &*run.stderr), (Some(0), &b""[..]));
        assert!(run.stdout.starts_with(b"usage: karabo_replay FILE "));
    }
}

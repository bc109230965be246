//! The program against bridges of the other example, against messages made by hand, and on disks that are full. Waiting is bounded, and no
//! time is asserted.
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
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use bytes::Bytes;
use karabo_bridge::{Capture, Version};
use karabo_simulate::{InThread, Settings, Simulation, Source};
use karabo_zeromq::{Server, ServerSocket, block_on};

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];
const SOCKETS: [(ServerSocket, &str); 3] =
    [(ServerSocket::Reply, "req"), (ServerSocket::Publish, "sub"), (ServerSocket::Push, "pull")];
const ANY: &str = "tcp://127.0.0.1:0";

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_karabo_glimpse"));
    command.args(words).args(["--timeout", "60"]);
    command
}

/// What it prints, what it complains of, and its exit code.
fn outcome(command: &mut Command) -> (String, String, Option<i32>) {
    let run = command.output().unwrap();
    (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap(), run.status.code())
}

fn glimpse(words: &[&str]) -> String {
    let (out, log, code) = outcome(&mut program(words));
    assert_eq!(code, Some(0), "{out}{log}");
    out
}

/// Trains of a few kilobytes, or of the camera, too.
fn simulation(sources: &[Source]) -> Simulation {
    Simulation { sources: sources.to_vec(), rate: 50.0, ..Simulation::default() }
}

fn bridge(socket: ServerSocket, version: Version, simulation: Simulation) -> InThread {
    InThread::start(Settings::new(ANY.into(), socket, version, simulation)).unwrap()
}

/// A bridge that says these, and waits until they were asked for.
fn says(messages: Vec<Vec<Bytes>>, look: impl FnOnce(&str)) {
    let (told, place) = channel();
    let server = thread::spawn(move || {
        block_on(
            async {
                let server = Server::bind(ANY, ServerSocket::Reply).await.unwrap();
                told.send(server.endpoint().to_owned()).unwrap();
                for parts in messages {
                    server.send(parts).await.unwrap();
                }
                server.close(Duration::from_secs(60)).await
            },
            Duration::from_secs(60),
        )
    });
    look(&place.recv().unwrap());
    server.join().unwrap().unwrap();
}

/// A file of its own, gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("karabo_glimpse-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        Self(path)
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Its messages, all of them whole.
    fn messages(&self) -> Vec<Vec<Bytes>> {
        let bytes = fs::read(&self.0).unwrap();
        let (mut capture, mut parts, mut messages) = (Capture::new(&bytes), Vec::new(), Vec::new());
        while capture.read(&mut parts).unwrap() {
            messages.push(parts.iter().map(|part| Bytes::copy_from_slice(part)).collect());
        }
        messages
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The line with this beginning, blanks aside, and without them.
fn line<'a>(out: &'a str, begins: &str) -> &'a str {
    let mut lines = out.lines().map(str::trim_start).filter_map(|line| line.strip_prefix(begins));
    lines.next().unwrap_or_else(|| panic!("no line {begins:?} in\n{out}")).trim_start()
}

#[test]
fn every_version_and_socket() {
    for version in VERSIONS {
        for (socket, word) in SOCKETS {
            let bridge = bridge(socket, version, simulation(&[Source::Camera, Source::Xgm]));
            let out = glimpse(&[bridge.endpoint(), "--socket", word]);
            let parts = if version == Version::V1_0 { "1 part" } else { "8 parts" };
            let first = out.lines().next().unwrap();
            assert!(first.starts_with("train 100000000"), "{out}");
            assert!(first.contains(&format!(", version {version}: 2 sources, {parts}, 21")), "{version} {word} {out}");
            let tid = first[6..17].to_owned();

            let (camera, xgm) = out.split_once("  SA1_XTD2_XGM/DOOCS/MAIN:output\n").unwrap();
            assert_eq!(line(camera, "MID_EXP_SAM/CAM/SIDE:output"), "");
            // Midnight, and a fiftieth of a second for each train before it.
            let metadata = format!("metadata: tid {tid}, time 2023-08-23T00:00:");
            assert!(camera.contains(&metadata) && xgm.contains(&metadata), "{out}");
            assert!(
                line(camera, "metadata: ").ends_with(" s)") && line(xgm, "metadata: ").contains("Z (16927488"),
                "{out}"
            );
            assert!(line(camera, "data.image.data ").starts_with("uint16 (1024, 1024), 2097.2 kB: "), "{out}");
            assert_eq!(line(camera, "data.image.dimensions "), "[1024, 1024]");
            assert_eq!(line(camera, "data.image.header "), "nil");
            assert_eq!(
                line(camera, "image data.image: "),
                "pixels uint16 (1024, 1024), GRAY, 12 bits a pixel, dimensions 1024 x 1024, \
                 region of interest from 0 x 0, binning 1 x 1, tile at 0 x 0 x 0"
            );
            assert!(line(xgm, "data.intensityTD ").starts_with("float32 (1000,), 4000 bytes: "), "{out}");
            assert!(line(xgm, "data.intensityTD ").ends_with(", …"), "{out}");
            assert_eq!(line(xgm, "state.value "), "\"ON\"");
            assert_eq!(line(xgm, "counterOffset.value "), "-7");
            assert_eq!(line(xgm, "controlData.slowTrain.valid.value "), "true");
            assert!(!out.contains("lost"), "{out}");
        }
    }
}

#[test]
fn a_line_for_each_train_and_one_for_all() {
    let bridge = bridge(ServerSocket::Push, Version::V2_2, simulation(&[Source::Xgm]));
    let out = glimpse(&[bridge.endpoint(), "--socket", "pull", "--count", "4", "--brief"]);
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 5, "{out}");
    for (index, line) in lines[..4].iter().enumerate() {
        assert!(line.starts_with(&format!("train 1000000000{index}, version 2.2: 1 source, 4 parts, 4")), "{out}");
    }
    assert!(lines[4].starts_with("4 trains, 0 lost, 1"), "{out}");
    assert!(lines[4].contains(" trains/s, ") && lines[4].ends_with(" MB/s"), "{out}");
    let out = glimpse(&[bridge.endpoint(), "--socket", "pull", "--count", "3", "--quiet"]);
    assert_eq!(out.lines().count(), 1, "{out}");
}

/// A header and a data part, of lengths below 128.
fn source(name: &str, tid: u8) -> Vec<u8> {
    let len = u8::try_from(name.len()).unwrap();
    let head = [&b"\x83\xa6source\xd9"[..], &[len], name.as_bytes(), b"\xa7content\xa7msgpack\xa8metadata"].concat();
    [&head[..], b"\x81\xadtimestamp.tid", &[tid]].concat()
}

#[test]
fn lost_parts_lost_trains_and_what_is_not_known() {
    let array = b"\x85\xa6source\xa1S\xa7content\xa5array\xa4path\xaaimage.data\xa5dtype\xa6uint16\xa5shape\x91\x02";
    let other = b"\x83\xa6source\xa1S\xa7content\xa5video\xa4path\xa4film";
    let first = [&source("S", 5)[..], b"\x80", array, b"abc", other, b"12345", b"\x80"].map(Bytes::copy_from_slice);
    let second = [&source("\u{1b}[2J", 8)[..], b"\x81\xa1\x07\xa3a\rb"].map(Bytes::copy_from_slice);
    let unreadable = vec![Bytes::from_static(b"\xc1")];
    says(vec![first.to_vec(), second.to_vec(), unreadable], |place| {
        let out = glimpse(&[place, "--count", "3"]);
        let due = [
            "train 5, version 2.2: 1 source, 7 parts, ",
            "  S",
            "    metadata: tid 5, no time",
            "  not known: content video of source S, path film, 5 bytes",
            "  lost: source S, path image.data: 3 bytes, where shape and dtype make 4 at byte 0 of part 3 (data)",
            "  lost: source -, path -: header without a data part at byte 0 of part 6 (header)",
            "train 8, 2 lost before it, version 2.2: 1 source, 2 parts, ",
            "  \\u{1b}[2J",
            "    metadata: tid 8, no time",
            "    \\u{7}  \"a\\rb\"",
            "nothing can be read of this message: ",
            "2 trains, 2 lost, ",
        ];
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines.len(), due.len(), "{out}");
        for (line, due) in lines.iter().zip(due) {
            assert!(line.starts_with(due), "{line:?} should be {due:?} in\n{out}");
        }
        assert!(lines[0].ends_with(", 2 lost") && !out.contains('\u{1b}'), "{out}");
        assert!(lines[11].ends_with("; 1 message of which nothing can be read"), "{out}");
    });
}

#[test]
fn a_bridge_that_says_no() {
    says(vec![vec![Bytes::from_static(b"Error: bad request \x1b")]], |place| {
        let (out, log, code) = outcome(&mut program(&[place]));
        assert_eq!((&*out, code), ("", Some(1)));
        assert_eq!(log, "karabo_glimpse: the bridge says: Error: bad request \\u{1b}\n");
    });
}

#[test]
fn what_is_saved_is_what_was_sent() {
    for version in VERSIONS {
        let (scratch, simulation) =
            (Scratch::new(&format!("saved-{version}")), simulation(&[Source::Camera, Source::Xgm]));
        let bridge = bridge(ServerSocket::Reply, version, simulation.clone());
        let (out, log, code) =
            outcome(&mut program(&[bridge.endpoint(), "--count", "3", "--quiet", "--save", scratch.as_str()]));
        assert_eq!(code, Some(0), "{out}{log}");
        let due: Vec<_> = (0..3).map(|index| simulation.train(index).unwrap().encode(version, None).unwrap()).collect();
        assert!(scratch.messages() == due, "{version}");
        let len = fs::metadata(&scratch.0).unwrap().len();
        assert!(log.starts_with("1 message, 2.1 MB, 0 lost\n"), "{log}");
        assert!(log.ends_with(&format!("{}: 3 messages, {len} bytes\n", scratch.as_str())), "{log}");

        // It is not written over.
        let (_, log, code) = outcome(&mut program(&[bridge.endpoint(), "--save", scratch.as_str()]));
        assert_eq!(code, Some(1));
        let path = scratch.as_str();
        assert_eq!(log, format!("karabo_glimpse: {path}: is there already; --save never overwrites\n"));
        assert!(scratch.messages() == due, "{version}");
    }
}

/// The system lets no file grow beyond a size, as a disk that is full.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_whole_messages() {
    let scratch = Scratch::new("full");
    let bridge = bridge(ServerSocket::Reply, Version::V2_2, simulation(&[Source::Camera]));
    // Blocks are of 512 or 1024 bytes: room for some of the trains, of 2.1 MB each, and not for all.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 10000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_karabo_glimpse")]);
    shell.args([bridge.endpoint(), "--quiet", "--timeout", "60", "--count", "20", "--save", scratch.as_str()]);
    let (out, log, code) = outcome(&mut shell);
    assert_eq!(code, Some(1), "{out}{log}");
    let messages = scratch.messages();
    assert!((2..20).contains(&messages.len()), "{}", messages.len());
    assert!(log.contains(&format!("{}: {} messages, ", scratch.as_str(), messages.len())), "{log}");
    assert!(log.lines().last().unwrap().starts_with(&format!("karabo_glimpse: {}: ", scratch.as_str())), "{log}");
}

/// It runs until it is told to stop.
struct Running {
    child: Child,
    stderr: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, stderr) = channel();
        let from = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || from.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        Self { child, stderr }
    }

    fn says(&self) -> String {
        self.stderr.recv_timeout(Duration::from_secs(60)).expect("a line within a minute")
    }
}

impl Drop for Running {
    /// Also where a test fails.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_whole_messages_and_says_what_there_was() {
    for signal in ["-INT", "-TERM"] {
        let scratch = Scratch::new(&format!("interrupt{signal}"));
        let bridge = bridge(ServerSocket::Push, Version::V2_1, simulation(&[Source::Camera]));
        let mut running =
            Running::start(program(&[bridge.endpoint(), "--socket", "pull", "--quiet", "--save", scratch.as_str()]));
        assert!(running.says().starts_with("1 message, "));
        let id = running.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let last = running.says();
        assert!(running.child.wait().unwrap().success());
        let messages = scratch.messages();
        assert!(!messages.is_empty());
        let is_one = messages.len() == 1;
        let (saved, trains) = if is_one { ("message", "train") } else { ("messages", "trains") };
        assert!(last.starts_with(&format!("{}: {} {saved}, ", scratch.as_str(), messages.len())), "{last}");
        let mut out = String::new();
        running.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert!(out.starts_with(&format!("{} {trains}, 0 lost, ", messages.len())), "{out}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_before_the_first_message_leaves_no_file() {
    let scratch = Scratch::new("nothing");
    let place = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("tcp://{place}");
    let running = &mut Running::start(program(&[&endpoint, "--save", scratch.as_str()]));
    // Nobody is there, and that is told once.
    let due = format!("{endpoint}: no connection yet (nobody listens there: connection refused); still trying");
    assert_eq!(running.says(), due);
    assert!(scratch.0.exists());
    assert!(Command::new("kill").args(["-INT", &running.child.id().to_string()]).status().unwrap().success());
    assert_eq!(running.says(), format!("{}: no message, and no file", scratch.as_str()));
    assert!(running.child.wait().unwrap().success());
    assert!(!scratch.0.exists());
}

#[test]
fn what_is_saved_is_told_in_a_line_unless_more_or_less_is_wanted() {
    for (words, lines) in [(&[][..], 3), (&["--brief"], 3), (&["--quiet"], 1), (&["--full"], 2 * 10 + 1)] {
        let scratch = Scratch::new("detail");
        let bridge = bridge(ServerSocket::Reply, Version::V2_2, simulation(&[Source::Xgm]));
        let base = [bridge.endpoint(), "--count", "2", "--save", scratch.as_str()];
        let out = glimpse(&[&base, words].concat());
        assert_eq!(out.lines().count(), lines, "{words:?}\n{out}");
        assert_eq!(scratch.messages().len(), 2);
    }
}

/// Each line, and those at its end cut where they are cut there; between two that are not cut apart nothing is left out.
#[test]
fn the_sample_of_the_readme_is_what_is_printed() {
    let readme = include_str!("../README.md");
    let sample = readme.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let bridge = InThread::start(Settings::new(ANY.into(), ServerSocket::Reply, Version::V2_2, Simulation::default()));
    let out = glimpse(&[bridge.unwrap().endpoint()]);
    let mut printed = out.lines();
    let (mut is_next, mut compared) = (true, 0);
    for line in sample.lines() {
        if line.trim() == "…" {
            is_next = false;
            continue;
        }
        let is_same =
            |printed: &&str| *printed == line || line.strip_suffix('…').is_some_and(|cut| printed.starts_with(cut));
        let found = if is_next { printed.next().filter(is_same) } else { printed.find(is_same) };
        assert!(found.is_some(), "{line:?} is not there in\n{out}");
        (is_next, compared) = (true, compared + 1);
    }
    assert!(compared > 10 && (!is_next || printed.next().is_none()), "{compared} lines of\n{out}");
}

#[test]
fn the_socket_to_try_is_named() {
    let bridge = bridge(ServerSocket::Push, Version::V2_2, simulation(&[Source::Xgm]));
    let (_, log, code) = outcome(&mut program(&[bridge.endpoint()]));
    let place = bridge.endpoint();
    let due = format!("karabo_glimpse: {place}: its socket is not one for req: try --socket sub or --socket pull\n");
    assert_eq!((log, code), (due, Some(1)));
}

#[test]
fn a_bridge_that_is_silent_is_not_one_that_is_not_there() {
    let (told, place) = channel();
    let (done, wait) = channel::<()>();
    let server = thread::spawn(move || {
        block_on(
            async {
                let server = Server::bind(ANY, ServerSocket::Reply).await.unwrap();
                told.send(server.endpoint().to_owned()).unwrap();
                while wait.try_recv().is_err_and(|error| error == TryRecvError::Empty) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            },
            Duration::ZERO,
        )
    });
    let place = place.recv().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_karabo_glimpse"));
    let (_, log, code) = outcome(command.args([&place, "--timeout", "0.5"]));
    assert_eq!((log, code), (format!("karabo_glimpse: {place}: connected, and no train in 0.5 s\n"), Some(1)));
    drop(done);
    server.join().unwrap().unwrap();
}

#[test]
fn help_is_no_complaint() {
    for word in ["--help", "-h"] {
        let (out, log, code) = outcome(&mut program(&[word]));
        assert_eq!((&*log, code), ("", Some(0)));
        assert!(out.starts_with("usage: karabo_glimpse ENDPOINT "), "{out}");
    }
}

#[test]
fn nobody_there_and_words_that_are_none() {
    let (_, log, code) =
        outcome(Command::new(env!("CARGO_BIN_EXE_karabo_glimpse")).args(["tcp://127.0.0.1:1", "--timeout", "0.1"]));
    assert_eq!(
        (&*log, code),
        ("karabo_glimpse: tcp://127.0.0.1:1: never connected (nobody listens there: connection refused)\n", Some(1))
    );
    let (_, log, code) = outcome(&mut program(&["udp://127.0.0.1:1"]));
    assert_eq!(code, Some(1));
    assert_eq!(log, "karabo_glimpse: udp://127.0.0.1:1: an endpoint is tcp://HOST:PORT or ipc://PATH\n");
    let wrong: [(&[&str], &str); 8] = [
        (&[], "where is the bridge?"),
        (&["a", "b"], "unknown word b"),
        (&["a", "--what"], "unknown option --what"),
        (&["a", "--socket", "rep"], "no socket \"rep\": req, sub or pull"),
        (&["a", "--count"], "--count needs a value"),
        (&["a", "--count", "x"], "--count \"x\": not a whole number"),
        (&["a", "--timeout", "x"], "--timeout \"x\": not a number"),
        (&["a", "--timeout", "-1"], "--timeout \"-1\": out of range"),
    ];
    for (words, due) in wrong {
        let (_, log, code) = outcome(Command::new(env!("CARGO_BIN_EXE_karabo_glimpse")).args(words));
        assert_eq!((log.lines().next(), code), (Some(&*format!("karabo_glimpse: {due}")), Some(2)));
        assert!(log.contains("usage: karabo_glimpse ENDPOINT"), "{log}");
    }
}

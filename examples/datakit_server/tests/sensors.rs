//! The server's own program, the sensor of the other example, and a client typed by hand. Waiting is bounded, and no time is
//! asserted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use datakit_sensor::{Sensor, Settings};

const PATIENCE: Duration = Duration::from_secs(60);

/// The running program, and the lines it prints.
struct Program {
    child: Child,
    keyboard: ChildStdin,
    lines: Receiver<String>,
    seen: Vec<String>,
    address: String,
}

impl Program {
    fn start(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_datakit_server"))
            .arg("127.0.0.1:0")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (keyboard, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut program = Self { child, keyboard, lines, seen: Vec::new(), address: String::new() };
        let line = program.wait_for(&["listening on "]);
        program.address = line.trim_start_matches("listening on ").to_owned();
        program
    }

    /// The next line with all of these in it.
    fn wait_for(&mut self, words: &[&str]) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no line with {words:?} in\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
        }
    }

    fn type_in(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
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
struct ByHand(BufReader<TcpStream>);

impl ByHand {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line within a minute");
        line
    }
}

fn run_sensor(address: &str, values: &'static [f64]) -> String {
    let settings = Settings {
        address: address.to_owned(),
        name: "other example".into(),
        units: "bar".into(),
        tag: "pressure".into(),
        interval: Duration::from_millis(1),
        count: Some(values.len() as u64),
        pause: Duration::from_millis(50),
    };
    let (mut values, mut log) = (values.iter(), Vec::new());
    let mut read = || *values.next().expect("no more than the count");
    Sensor::new(&settings, &mut read, &mut log).unwrap().run().unwrap();
    String::from_utf8(log).unwrap()
}

#[test]
fn the_document_by_hand_after_junk() {
    let mut program = Program::start(&[]);
    let mut client = ByHand::connect(&program.address);
    client.say("junk\n$H|Super Sensor 1.5 someunits|meters_per_second|lol|stream\n");
    program.wait_for(&["bad line: no packet begins like this at line 1, column 1, byte 0"]);
    assert_eq!(client.hear(), "ACK|s1\n");
    assert_eq!(client.hear(), "START\n");
    program.wait_for(&["Super Sensor 1.5 someunits is registered as s1"]);

    client.say(">some_tag|1459309227|3.141593\n>some_tag|noon|1\n$P\nACK|me\n");
    program.wait_for(&["bad line: not a whole number of seconds at line 4, column 11,"]);
    program.wait_for(&["out of step: ACK is illegal while SENDING"]);
    program.wait_for(&["NAME", "UID", "UNITS", "TAGS", "READINGS/S", "LAST", "AGE"]);
    program.wait_for(&["Super Sensor 1.5 so… s1    meters_per_seco…    1 ", " 3.141593 "]);

    program.type_in("stop s2");
    program.type_in("stop s1");
    assert_eq!(client.hear(), "STOP\n");
    program.type_in("start");
    assert_eq!(client.hear(), "START\n");

    client.say(">torn|14593");
    client.0.get_ref().shutdown(Shutdown::Write).unwrap();
    program.wait_for(&["bad line: input ends before the newline at line 7, column 12,"]);
    program.wait_for(&["s1 is unregistered, readings: 1; the peer sends no more"]);
    assert_eq!(client.0.read(&mut [0; 1]).unwrap(), 0, "the server has closed its end too");

    program.type_in("quit");
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn the_sensor_of_the_other_example_beside_one_that_vanishes() {
    let mut program = Program::start(&["--once", "6"]);
    let mut vanishing = ByHand::connect(&program.address);
    vanishing.say("$H|vanishing|||stream\n");
    assert_eq!(vanishing.hear(), "ACK|s1\n");
    // With START unread this is a reset and no end of stream.
    drop(vanishing);
    program.wait_for(&["s1 is unregistered, readings: 0; "]);

    let log = run_sensor(&program.address, &[1.5, 2.5, 3.5]);
    assert_eq!(log, "registered as \"s2\"\nSTART\nclosed: closed here\n");
    program.wait_for(&["other example is registered as s2"]);
    program.wait_for(&["s2 is unregistered, readings: 3; the peer sends no more"]);

    // More than a machine queues at a time, and more than the server reads at a time.
    let mut last = ByHand::connect(&program.address);
    last.say("$H|last|||stream\n");
    assert_eq!((last.hear(), last.hear()), ("ACK|s3\n".into(), "START\n".into()));
    last.say(&format!("{}>a|1|10\n>b|1|20\n", "\n".repeat(20_000)));
    program.wait_for(&["bad line: empty line at line 2, column 1,"]);
    last.say(">a|2|30\n");
    program.wait_for(&["last ", " s3 ", " 2 ", " 30 "]);
    program.wait_for(&["s3 is unregistered, readings: 3; closed here"]);
    program.wait_for(&["readings: 6"]);
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn what_cannot_be_done_is_said() {
    for (words, message) in [
        (&["--twice"][..], "datakit_server: unknown option --twice"),
        (&["--once", "x"], "datakit_server: --once \"x\": invalid digit found in string"),
        (&["nowhere"], "datakit_server: invalid socket address"),
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_datakit_server")).args(words).output().unwrap();
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert!(!run.status.success() && stderr.starts_with(message), "{stderr}");
    }
}

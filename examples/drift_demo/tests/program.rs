//! The program and its words, and which paths topics become.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "a test may panic, and some helpers are for others"
)]

mod common;

use core::time::Duration;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use common::Scratch;
use drift_demo::{Address, Settings, Source, path_of};

fn drift_demo(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_drift_demo")).args(words).output().unwrap()
}

fn texts(output: &Output) -> (&str, &str, Option<i32>) {
    let text = |bytes| core::str::from_utf8(bytes).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

#[test]
fn one_command_runs_all_of_it() {
    let scratch = Scratch::new("command");
    let output = drift_demo(&["--triggers", "2", "--interval-ms", "1", "--store", scratch.0.to_str().unwrap()]);
    let (out, log, code) = texts(&output);
    assert_eq!((log, code), ("", Some(0)));
    assert!(out.starts_with("broker 127.0.0.1:"), "{out}");
    assert!(out.ends_with("\n2 of 2 ids complete, 0 bad packages\n"), "{out}");
    assert_eq!(scratch.files().len(), 6);
}

#[test]
fn what_is_missing_shows_in_the_exit_code() {
    let output = drift_demo(&["--triggers", "1", "--timeout-ms", "100", "--mute", "plc"]);
    let (out, log, code) = texts(&output);
    assert_eq!(code, Some(1));
    assert!(out.ends_with("\n0 of 1 ids complete, 0 bad packages\n"), "{out}");
    assert!(log.starts_with("1630062869443: "), "{log}");
}

#[test]
fn where_no_broker_is() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let output = drift_demo(&["--broker", &address]);
    let (out, log, code) = texts(&output);
    assert_eq!((out, code), ("", Some(1)));
    assert!(log.starts_with(&format!("drift_demo: broker {address}: ")) && log.ends_with('\n'), "{log}");
}

#[test]
fn a_folder_that_cannot_be() {
    let scratch = Scratch::new("folder");
    let file = scratch.0.join("file");
    std::fs::write(&file, "").unwrap();
    let folder = file.join("inside");
    let output = drift_demo(&["--store", folder.to_str().unwrap()]);
    let (out, log, code) = texts(&output);
    assert_eq!((out, code), ("", Some(1)));
    assert!(log.starts_with(&format!("drift_demo: {}: ", folder.display())), "{log}");
}

#[test]
fn help_is_no_complaint() {
    for word in ["--help", "-h"] {
        let output = drift_demo(&["--triggers", word]);
        let (out, log, code) = texts(&output);
        assert_eq!((log, code), ("", Some(0)));
        assert!(out.starts_with("usage: drift_demo [--broker HOST[:PORT]] "));
    }
}

fn parse(words: &str) -> Result<Settings, String> {
    Settings::parse(words.split_whitespace().map(str::to_owned))
}

#[test]
fn all_words_together() {
    let words = "--broker plant.example:8883 --triggers 7 --interval-ms 0 --timeout-ms 1500 --prefix a/b/ --store out --mute plc --mute camera";
    let due = Settings {
        broker: Some(Address { host: "plant.example".to_owned(), port: 8883 }),
        triggers: 7,
        interval: Duration::ZERO,
        timeout: Duration::from_millis(1500),
        prefix: "a/b/".to_owned(),
        store: Some("out".into()),
        mute: vec![Source::Plc, Source::Camera],
    };
    assert_eq!(parse(words), Ok(due));
    let default = parse("").unwrap();
    assert_eq!((default.triggers, &*default.prefix, default.broker), (3, "drift/", None));
}

#[test]
fn words_that_are_none() {
    for (words, due) in [
        ("--triggers", "--triggers needs a value"),
        ("--triggers 0", "--triggers \"0\": out of range, 1 to 1000000"),
        ("--triggers 1e3", "--triggers \"1e3\": not a whole number"),
        ("--interval-ms -1", "--interval-ms \"-1\": not a whole number"),
        ("--timeout-ms 86400001", "--timeout-ms \"86400001\": out of range, 0 to 86400000"),
        ("--prefix drift", "--prefix \"drift\": ends with a slash, or is empty"),
        ("--prefix +/", "--prefix \"+/\": no part of a topic"),
        ("--mute sensors", "no source \"sensors\": sensor, camera or plc"),
        ("--brokers x", "unknown option --brokers"),
        ("localhost", "unknown word localhost"),
    ] {
        assert_eq!(parse(words), Err(due.to_owned()));
    }
    let output = drift_demo(&["--triggers", "0"]);
    let (_, log, code) = texts(&output);
    assert_eq!(code, Some(2));
    assert!(log.starts_with("drift_demo: --triggers \"0\": out of range, 1 to 1000000\nusage: "), "{log}");
}

#[test]
fn places_of_brokers() {
    for (text, host, port) in [
        ("localhost", "localhost", 1883),
        ("10.0.0.7:1884", "10.0.0.7", 1884),
        ("[::1]", "[::1]", 1883),
        ("[fe80::7]:1885", "[fe80::7]", 1885),
    ] {
        assert_eq!(text.parse(), Ok(Address { host: host.to_owned(), port }));
    }
    for text in ["", ":1883", "a:", "a:0", "a:65536", "::1", "[::1", "[::1]x", "[x]:1883", "mqtt://a", "a b", "a:1:2"] {
        let due = format!("no broker {text:?}: HOST, HOST:PORT, or [IPV6]:PORT");
        assert_eq!(text.parse::<Address>(), Err(due));
    }
}

#[test]
fn topics_become_paths_inside_a_folder() {
    for (source, id, due) in [
        ("sensor", 1_630_062_869_443, "sensor/1630062869443.dp"),
        ("room/7/acc-5", -1, "room/7/acc-5/-1.dp"),
        ("k\u{e4}lla", 0, "k\u{e4}lla/0.dp"),
        ("..a", 0, "..a/0.dp"),
    ] {
        assert_eq!(path_of(source, id).as_deref(), Some(Path::new(due)));
    }
    let long = "x".repeat(201);
    for source in [
        "", "/", "/etc", "a//b", "a/", ".", "..", "../a", "a/..", "a/../b", "a/./b", "a\\..\\b", "C:", "C:/a", "a\0b",
        "a\nb", "a ", "a.", "con*", &long,
    ] {
        assert_eq!(path_of(source, 0), None, "{source:?}");
    }
}

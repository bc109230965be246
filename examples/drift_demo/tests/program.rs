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
    for source in [
        "", "/", "/etc", "a//b", "a/", ".", "..", "../a", "a/..", "a/../b", "a/./b", "a\\..\\b", "C:", "C:/a", "a\0b",
        "a\nb", "a ", "a.", "a./b", "a /b", "...", " ", "con*",
    ] {
        assert_eq!(path_of(source, 0), None, "{source:?}");
    }
}

/// On Windows, where a device is one in each folder, whatever is behind its name.
#[test]
fn devices_are_no_paths() {
    for source in [
        "con",
        "CON",
        "nul",
        "prn",
        "aux/x",
        "x/Aux",
        "COM1",
        "com0",
        "lpt9",
        "com\u{b9}",
        "LPT\u{b3}",
        "CONIN$",
        "conout$",
        "nul.txt",
        "Con.a.b/x",
        "com7 .x",
    ] {
        assert_eq!(path_of(source, 0), None, "{source:?}");
    }
    for source in ["cons", "acon", "com", "com10", "coma", "lpt", "x.con", "comm/nulls"] {
        assert!(path_of(source, 0).is_some(), "{source:?}");
    }
}

/// Else a folder would be where the file of another source goes.
#[test]
fn folders_are_not_named_like_files() {
    for source in
        ["1630062869443.dp", "plc/1630062869443.dp", "plc/7.dp/x", ".dp", "a.DP", "a/B.Dp", "plc/7.12.part", "a.PART"]
    {
        assert_eq!(path_of(source, 0), None, "{source:?}");
    }
    for source in ["dp", "a.dpx", "part", "a.dp.x"] {
        assert!(path_of(source, 0).is_some(), "{source:?}");
    }
}

#[test]
fn paths_are_not_too_long() {
    let level = "x".repeat(200);
    assert!(path_of(&level, i64::MIN).is_some());
    assert_eq!(path_of(&format!("{level}x"), 0), None);
    // In bytes: each of these has two.
    assert_eq!(path_of(&"\u{e4}".repeat(101), 0), None);
    let deep = "a/".repeat(499);
    assert!(path_of(&format!("{deep}xx"), 0).is_some());
    assert_eq!(path_of(&format!("{deep}xxx"), 0), None);
    assert_eq!(path_of(&format!("{}x", "a/".repeat(3000)), 0), None);
}

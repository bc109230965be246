//! The commands, as they are typed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::Path;
use std::process::{Command, Output};

const DEMO: &str = env!("CARGO_BIN_EXE_atlas_demo");
const REPLAY: &str = env!("CARGO_BIN_EXE_atlas_replay");

fn ran(program: &str, words: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::new(program).args(words).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn the_demo_verifies_itself() {
    let (code, out, log) = ran(DEMO, &["--speed", "0", "--pause-ms", "0", "--seconds", "5", "--lap-samples", "100"]);
    assert_eq!((code, &*log), (Some(0), ""), "{out}");
    assert!(out.starts_with("mock cluster 127.0.0.1:"), "{out}");
    assert!(out.contains("with 500 samples and 5 laps sent to partition "), "{out}");
    assert!(out.ends_with("\nall that was sent has come, in the order of time\n"), "{out}");
}

#[test]
fn a_replay_with_bad_lines_ends_with_one() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inspect/captures");
    let path = |name: &str| captures.join(name).to_str().unwrap().to_owned();
    let (code, out, log) = ran(REPLAY, &[&path("atlas-bad.tsv"), "--speed", "0", "--partitions", "1"]);
    assert_eq!((code, log.lines().count()), (Some(1), 6), "{log}");
    assert!(out.ends_with("3 records of 1 stream sent to 1 partition, 6 bad lines, 1 of somebody else\n"), "{out}");
    let (code, out, _) = ran(REPLAY, &[&path("atlas-run.tsv"), "--speed", "0"]);
    assert_eq!(code, Some(0));
    assert!(out.ends_with("20 records of 1 stream sent to 1 partition, 0 bad lines, 0 of somebody else\n"), "{out}");
}

#[test]
fn words_that_are_none() {
    let demo: [(&[&str], &str); 12] = [
        (&["--brokers"], "--brokers needs a value"),
        (&["--brokers", "a, b"], "--brokers \"a, b\": HOST:PORT,HOST:PORT,…"),
        (&["--topic", "a b"], "--topic \"a b\": 1 to 249 of letters, digits, '.', '_' and '-'"),
        (&["--partitions", "0"], "--partitions \"0\": out of range, 1 to 1000"),
        (
            &["--brokers", "a:1", "--partitions", "3"],
            "--partitions is of the mock cluster: a real topic has what it has",
        ),
        (&["--role", "lead"], "no role \"lead\": all, write or read"),
        (&["--role", "read"], "--role needs --brokers: a mock cluster is in this program only"),
        (&["--samples", "1e3"], "--samples \"1e3\": not a whole number"),
        (&["--seconds", "300"], "90000 samples: the mock cluster forgets what is old, at most 40000"),
        (&["--speed", "0.5"], "--speed \"0.5\": out of range, 0 or 1 to 1000000"),
        (&["--protobuf", "tdata"], "--protobuf \"tdata\": no type, or one that is described in JSON"),
        (&["--loud"], "unknown option --loud"),
    ];
    let replay: [(&[&str], &str); 5] = [
        (&[], "which capture?"),
        (&["a", "b"], "unknown word b"),
        (&["a", "--speed", "NaN"], "--speed \"NaN\": out of range, 0 or 0.001 to 1000000"),
        (&["a", "--max-line", "0"], "--max-line \"0\": out of range, 1 to 67108864"),
        (
            &["--brokers", "a:1", "--partitions", "3", "a"],
            "--partitions is of the mock cluster: a real topic has what it has",
        ),
    ];
    for (program, name, all) in [(DEMO, "atlas_demo", &demo[..]), (REPLAY, "atlas_replay", &replay)] {
        for (words, due) in all {
            let (code, out, log) = ran(program, words);
            assert_eq!((code, &*out, log.lines().next().unwrap()), (Some(2), "", &*format!("{name}: {due}")));
        }
    }
}

#[test]
fn help_is_no_complaint() {
    for (program, start) in [(DEMO, "usage: atlas_demo [--brokers "), (REPLAY, "usage: atlas_replay FILE ")] {
        for word in ["--help", "-h"] {
            let (code, out, log) = ran(program, &[word]);
            assert_eq!((code, &*log), (Some(0), ""));
            assert!(out.starts_with(start), "{out}");
        }
    }
}

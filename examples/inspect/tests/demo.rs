//! What is shown without a word.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may panic")]

mod common;

use std::process::{Command, Stdio};

use common::inspect;
use inspect::Console;

#[test]
fn text() {
    let run = inspect(&[], b"");
    assert_eq!(run.stdout, include_str!("golden/demo.txt"));
    assert_eq!((run.status, &*run.stderr), (0, ""));
}

#[test]
fn json() {
    let run = inspect(&["--json"], b"");
    assert_eq!(run.stdout, include_str!("golden/demo.jsonl"));
    assert_eq!((run.status, &*run.stderr), (0, ""));
}

#[test]
fn secrets_are_masked_unless_asked_for() {
    for words in [&["--json"][..], &[], &["--color=always"]] {
        let masked = inspect(words, b"").stdout;
        assert!(masked.contains("admin") && !masked.contains("pass\"") && !masked.contains("70 61 73"), "{masked}");
    }
    let shown = inspect(&["--show-secrets"], b"").stdout;
    let line = "  0000000f  84 70 61 73 73                [1] RAW \"pass\"\n";
    assert_eq!(
        shown,
        include_str!("golden/demo.txt").replace("  0000000f  84 **                         [1] RAW ********\n", line)
    );
    let shown = inspect(&["--json", "--show-secrets"], b"").stdout;
    assert_eq!(shown, include_str!("golden/demo.jsonl").replace("{\"masked\":true}", "\"pass\""));
}

/// What a run prints in colour or not.
fn demo(words: &[&str], stdout_is_terminal: bool, no_color: bool) -> String {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut console = Console {
        stdin: &mut std::io::empty(),
        stdout: &mut stdout,
        stderr: &mut stderr,
        stdout_is_terminal,
        stderr_is_terminal: true,
        no_color,
    };
    assert_eq!(inspect::run(words, &mut console), 0);
    assert_eq!(stderr, b"");
    String::from_utf8(stdout).unwrap()
}

#[test]
fn colour_is_for_terminals() {
    let plain = include_str!("golden/demo.txt");
    let colored = demo(&[], true, false);
    assert!(colored.contains(
        "\n  \x1b[2m00000009\x1b[0m  \x1b[2m85 61 64 6d 69 6e         \x1b[0m    \
         \x1b[34m[0]\x1b[0m \x1b[35mRAW\x1b[0m \x1b[32m\"admin\"\x1b[0m\n"
    ));
    assert_eq!(without_colors(&colored), plain);
    assert_eq!(demo(&["--color", "always"], false, true), colored);
    for (words, is_terminal, no_color) in
        [(&[][..], false, false), (&[], true, true), (&["--color=never"], true, false), (&["--color=auto"], true, true)]
    {
        assert_eq!(demo(words, is_terminal, no_color), plain, "{words:?}");
    }
    assert_eq!(demo(&["--json"], true, false), include_str!("golden/demo.jsonl"));
}

fn without_colors(text: &str) -> String {
    let mut plain = String::new();
    for (index, piece) in text.split("\x1b[").enumerate() {
        let start = if index == 0 { 0 } else { piece.find('m').unwrap() + 1 };
        plain.push_str(&piece[start..]);
    }
    plain
}

#[test]
fn the_program_shows_it_from_any_folder() {
    let output = program().current_dir(std::env::temp_dir()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), include_str!("golden/demo.txt"));
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    // Far more than a pipe holds.
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("many-values");
    std::fs::write(&path, vec![7; 100_000]).unwrap();
    let mut child = program().arg("qpack").arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_inspect"));
    program.stdin(Stdio::null()).env_remove("NO_COLOR");
    program
}

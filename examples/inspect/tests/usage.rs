//! Words on the command line, and what is said about wrong ones.
#![expect(clippy::panic, reason = "a test may panic")]

mod common;

use common::{Run, inspect};

fn refused(words: &[&str]) -> String {
    let Run { status, stdout, stderr } = inspect(words, b"");
    assert_eq!((status, &*stdout), (2, ""), "{words:?}");
    let Some(message) = stderr.strip_prefix("inspect: ") else { panic!("{stderr}") };
    message.trim_end().trim_end_matches("\nTry 'inspect --help'.").to_owned()
}

#[test]
fn what_cannot_be_tried_is_said() {
    for (words, message) in [
        (
            &["mqtt"][..],
            "unknown protocol \"mqtt\"; there are: qpack, thingsdb, datakit, msgpack-numpy, karabo, drift, drift-bytes, atlas",
        ),
        (&["qpack", "no/such/file"], "no file \"no/such/file\""),
        (&["qpack"], "empty input: standard input holds no bytes"),
        (&["qpack", "-", "--json"], "empty input: standard input holds no bytes"),
        (&["thingsdb", "--hex"], "empty input: standard input holds no bytes"),
        (&["qpack", "a", "b"], "one file at a time: unexpected \"b\""),
        (&["--hex"], "--hex needs a protocol"),
        (&["--end-closes"], "--end-closes needs a protocol"),
        (&["--dialect", "v1"], "--dialect needs a protocol"),
        (&["qpack", "--dialect=v1"], "qpack has no dialects"),
        (&["--type", "a=tdata"], "--type needs a protocol"),
        (&["--format", "a.json"], "--format needs a protocol"),
        (&["atlas", "--type"], "--type needs a value"),
        (&["atlas", "--format"], "--format needs a value"),
        (&["qpack", "--type=a=tdata"], "qpack has no types that could be told"),
        (&["drift", "--format=a.json"], "drift has no data formats"),
        (&["atlas", "--type", "tdata"], "--type \"tdata\" is not NAME=MESSAGE, where NAME has no colon"),
        (&["atlas", "--type==tdata"], "--type \"=tdata\" is not NAME=MESSAGE, where NAME has no colon"),
        (&["atlas", "--type=a:b=tdata"], "--type \"a:b=tdata\" is not NAME=MESSAGE, where NAME has no colon"),
        (
            &["atlas", "--type=a=Tdata"],
            "--type \"a=Tdata\": \"Tdata\" is none of $start, $end, session, tdata, tsamples, events, lap, sync, \
             ParameterDataMessage, ParameterDataBackFillMessage, ParameterSamplesMessage, \
             ParameterSamplesBackFillMessage, EventMessage",
        ),
        (&["atlas", "--format", "no/such/file"], "no file \"no/such/file\""),
        (&["thingsdb", "--dialect"], "--dialect needs a value"),
        (&["thingsdb", "--dialect", "v2"], "--dialect \"v2\" is none of v1, s1, s2, september, module, siridb"),
        (&["--verbose"], "unknown option \"--verbose\""),
        (&["-x"], "unknown option \"-x\""),
        (&["qpack", "--", "--json"], "no file \"--json\""),
        (&["--json=yes"], "--json takes no value"),
        (&["--max-len"], "--max-len needs a value"),
        (&["--max-len", "0"], "--max-len \"0\" is no number of bytes"),
        (&["--max-len=1k"], "--max-len \"1k\" is no number of bytes"),
        (&["--color", "red"], "--color \"red\" is none of auto, always, never"),
    ] {
        assert_eq!(refused(words), message, "{words:?}");
    }
}

#[test]
fn an_input_of_comments_is_empty() {
    let run = inspect(&["qpack", "--hex"], b"# nothing\n\n  \n");
    assert_eq!((run.status, &*run.stderr), (2, "inspect: empty input: standard input holds no bytes\n"));
}

#[test]
fn a_folder_cannot_be_read() {
    let message = refused(&["qpack", env!("CARGO_MANIFEST_DIR")]);
    assert!(message.starts_with("cannot "), "{message}");
}

#[test]
fn help_and_version() {
    for word in ["--help", "-h"] {
        let Run { status, stdout, stderr } = inspect(&[word], b"");
        assert_eq!((status, &*stderr), (0, ""));
        for part in [
            "Usage: inspect",
            "  qpack  ",
            "  thingsdb  ",
            "  datakit  ",
            "  msgpack-numpy  ",
            "  karabo  ",
            "  drift  ",
            "  drift-bytes  ",
            "  atlas  ",
            "--type NAME=MESSAGE",
            "--format FILE",
            "--show-secrets",
            "Exit status: 0",
        ] {
            assert!(stdout.contains(part), "{part}");
        }
    }
    assert_eq!(inspect(&["-V"], b"").stdout, concat!("inspect ", env!("CARGO_PKG_VERSION"), "\n"));
}

//! What totality cannot catch ends the process, and says on which input.

#![expect(clippy::disallowed_types, reason = "a process has to end")]

use std::hint::black_box;
use std::process::Command;

use testkit::laws::totality;

testkit::counting_allocator!();

#[test]
fn an_overflow_names_the_input() {
    let said = last_words("overflows");
    assert!(said.contains("thread 'law 5 (totality) of ddff'") && said.contains("overflowed its stack"), "{said}");
}

#[test]
fn refused_memory_names_the_input() {
    let said = last_words("wants_too_much");
    assert!(said.contains(" bytes refused to thread 'law 5 (totality) of ddfe'"), "{said}");
}

#[test]
fn overflows() {
    if std::env::var_os(FATAL).is_none() {
        return;
    }
    // It fits the stack of a test, and so it is the small one that it overflows.
    depth(DEPTH);
    totality(b"\xdd\xff", 0, |_| depth(DEPTH));
}

#[test]
fn wants_too_much() {
    if std::env::var_os(FATAL).is_some() {
        totality(b"\xdd\xfe", 0, |_| Vec::<u8>::with_capacity(black_box(1 << 62)));
    }
}

fn depth(left: usize) -> usize {
    let frame = black_box([left; 8]);
    if left == 0 { 0 } else { black_box(depth(left - 1)) + frame[0] }
}

const DEPTH: usize = 4096;

/// Set where a test may end its process.
const FATAL: &str = "TESTKIT_FATAL";

/// Runs one of the tests of this file in a process of its own, which it ends.
fn last_words(test: &str) -> String {
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this).args(["--exact", test, "--nocapture"]).env(FATAL, "1").output().unwrap();
    assert!(!output.status.success(), "{test} ends well");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

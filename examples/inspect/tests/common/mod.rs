//! Runs the command in process.
#![allow(dead_code, reason = "no test file needs all of it")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

use std::io::Read;

use inspect::Console;

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) status: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `inspect` in pipes.
pub(crate) fn inspect(words: &[&str], mut stdin: &[u8]) -> Run {
    inspect_from(words, &mut stdin)
}

pub(crate) fn inspect_from(words: &[&str], stdin: &mut dyn Read) -> Run {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut console = Console {
        stdin,
        stdout: &mut stdout,
        stderr: &mut stderr,
        stdout_is_terminal: false,
        stderr_is_terminal: false,
        no_color: false,
    };
    let status = inspect::run(words, &mut console);
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Run { status, stdout: text(stdout), stderr: text(stderr) }
}

/// The bytes of `hex`; blanks between them are passed over.
pub(crate) fn hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair.iter().fold(0, |byte, digit| byte * 16 + digit)).unwrap()).collect()
}

/// Hands out one byte a read.
pub(crate) struct Bytewise<'a>(pub(crate) &'a [u8]);

impl Read for Bytewise<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let len = into.len().min(1);
        self.0.read(&mut into[..len])
    }
}

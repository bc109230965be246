//! A large input is looked at in a small room.
#![expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]

use std::io::{Read, Write};

use inspect::Console;
use testkit::measure;

testkit::counting_allocator!();

/// A value again and again, in pieces that fit neither it nor the chunk.
struct Endless<'a> {
    value: &'a [u8],
    at: usize,
    left: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let len = into.len().min(self.left).min(50_001);
        for byte in &mut into[..len] {
            *byte = self.value[self.at];
            self.at = (self.at + 1) % self.value.len();
        }
        self.left -= len;
        Ok(len)
    }
}

struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Status, bytes written, what was said, and the most memory held at once.
fn run(words: &[&str], mut stdin: Endless<'_>) -> (u8, u64, Vec<u8>, usize) {
    let (mut stdout, mut stderr) = (Count(0), Vec::new());
    let mut console = Console {
        stdin: &mut stdin,
        stdout: &mut stdout,
        stderr: &mut stderr,
        stdout_is_terminal: false,
        stderr_is_terminal: false,
        no_color: false,
    };
    let (status, stats) = measure(|| inspect::run(words, &mut console));
    (status, stdout.0, stderr, stats.peak)
}

const LEN: usize = 64 << 20;
/// Two chunks, the buffer of the output, and small things.
const ROOM: usize = 512 << 10;

#[test]
fn small_values_without_end() {
    // {"k": 1000 bytes}
    let value = [b"\xf4\x81k\xe5\xe8\x03", &[b'x'; 1000][..]].concat();
    let stdin = || Endless { value: &value, at: 0, left: LEN / value.len() * value.len() };
    for words in [&["qpack"][..], &["qpack", "--json"]] {
        let (status, written, stderr, peak) = run(words, stdin());
        assert_eq!(status, 0);
        assert!(written > 1 << 20);
        assert!(peak < ROOM, "{peak} bytes held");
        let said = String::from_utf8_lossy(&stderr).into_owned();
        assert_eq!(said.lines().count(), 2, "{said}");
        assert!(said.starts_with("inspect: 16 MiB read, "), "{said}");
    }
}

#[test]
fn one_value_without_end() {
    // An array that is never closed, and a raw that is announced and comes.
    for value in [&b"\xfc\x81"[..], b"\xe7\xff\xff\xff\xff\xff\x00\x00\x00"] {
        let (status, written, _, peak) = run(&["qpack", "--max-len=100000"], Endless { value, at: 0, left: LEN });
        assert_eq!(status, 1);
        assert!(written < 10 << 20 && peak < ROOM, "{written} bytes written, {peak} held");
    }
}

#[test]
fn lines_without_end() {
    for form in ["--color=never", "--json"] {
        let stdin = Endless { value: b">outdoor/temperature|1760000000|-3.25\n", at: 0, left: 4 << 20 };
        let (status, written, _, peak) = run(&["datakit", form], stdin);
        // The last line is torn.
        assert_eq!(status, 1);
        assert!(written > 4 << 20 && peak < ROOM, "{written} bytes written, {peak} held");
    }
}

#[test]
fn one_line_without_end() {
    // No newline ever comes; nor would there be an end to the parts.
    for value in [&b"x"[..], b"$Q|", b">|"] {
        let (status, written, _, peak) = run(&["datakit", "--max-len=100000"], Endless { value, at: 0, left: LEN });
        assert_eq!(status, 1);
        assert!(written < 1000 && peak < ROOM, "{written} bytes written, {peak} held");
    }
    // Within the limit it is held, and not more than twice: a vector grows by doubling.
    let stdin = Endless { value: b"$Q|", at: 0, left: 8 << 20 };
    let (status, _, _, peak) = run(&["datakit", "--json"], stdin);
    assert_eq!(status, 1);
    assert!(peak < 3 * (8 << 20), "{peak} bytes held");
}

#[test]
fn a_package_too_long_is_dropped_as_it_comes() {
    // LEN is some 30 MiB, and then there are packages in what is dropped.
    let value = b"\xff\xff\xdf\x01\x00\x00\x20\xdf";
    let (status, _, _, peak) = run(&["thingsdb"], Endless { value, at: 0, left: LEN });
    assert_eq!(status, 1);
    assert!(peak > 30 << 20, "{peak} bytes held: it is within the default limit");
    let (status, _, _, peak) = run(&["thingsdb", "--max-len=1000000"], Endless { value, at: 0, left: LEN });
    assert_eq!(status, 1);
    assert!(peak < ROOM, "{peak} bytes held");
}

#[test]
fn hex_in_one_line_without_end() {
    let (status, _, _, peak) =
        run(&["qpack", "--hex", "--json"], Endless { value: b"e8 4f\te3", at: 0, left: 1 << 20 });
    assert_eq!(status, 1);
    assert!(peak < ROOM, "{peak} bytes held");
}

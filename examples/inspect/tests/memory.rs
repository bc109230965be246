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
fn arrays_without_end() {
    let value = include_bytes!("../captures/beamline.msgpack");
    for form in ["--color=never", "--json"] {
        let stdin = Endless { value, at: 0, left: (1 << 20) / value.len() * value.len() };
        let (status, written, _, peak) = run(&["msgpack-numpy", form], stdin);
        assert_eq!(status, 0);
        assert!(written > 1 << 20 && peak < ROOM, "{written} bytes written, {peak} held");
    }
}

#[test]
fn one_message_without_end() {
    // Lists in lists, a list and an array that are announced and come.
    for value in [&b"\x91"[..], b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"] {
        let stdin = Endless { value, at: 0, left: LEN };
        let (status, written, _, peak) = run(&["msgpack-numpy", "--max-len=100000"], stdin);
        assert_eq!(status, 1);
        assert!(written < 10 << 20 && peak < ROOM, "{written} bytes written, {peak} held");
    }
}

/// What is shown of an array is a few values, whatever its type says; and what is held is a few times the message.
#[test]
fn an_array_of_any_type_is_shown_in_short() {
    let array = |dtype: &[u8], axes: &[u8], len: usize| {
        let len_bytes = u32::try_from(len).map(u32::to_be_bytes).unwrap_or_default();
        let mut message = b"\x84\xa2nd\xc3\xa4type".to_vec();
        message.extend([dtype, b"\xa5shape", axes, b"\xa4data\xc6", &len_bytes].concat());
        message.resize(message.len() + len, b'a');
        message
    };
    // 100000 fields of a byte; seven sub-arrays in one another; 100000 fields, of which one has a byte.
    let mut many = b"\xdd\x00\x01\x86\xa0".to_vec();
    many.extend(b"\x92\xa1x\xa3|u1".repeat(100_000));
    let deep = [&b"\x91\x93\xa1x".repeat(7)[..], b"\xa3|u1", &b"\x91\x06".repeat(7)].concat();
    let mut empty = b"\xdd\x00\x01\x86\xa0".to_vec();
    empty.extend(b"\x92\xa1x\xa3|S0".repeat(99_999));
    empty.extend(b"\x92\xa1x\xa3|u1");
    for (message, shown) in [
        (array(&many, b"\x91\x14", 2_000_000), 1 << 16),
        (array(&many, b"\x91\x0a", 1_000_000), 1 << 16),
        (array(&deep, b"\x91\x01", 279_936), 1 << 16),
        (array(b"\xa8<U1000000", b"\x91\x01", 4_000_000), 1 << 16),
        (array(&empty, b"\x92\x64\xcd\x03\xe8", 100_000), 1 << 16),
        (array(b"\xa3|u1", b"\x91\xce\x00\x1e\x84\x80", 2_000_000), 1 << 16),
    ] {
        let whole = Endless { value: &message, at: 0, left: message.len() };
        let (status, written, _, peak) = run(&["msgpack-numpy"], whole);
        assert_eq!(status, 0);
        assert!(written < shown, "{written} bytes written");
        assert!(peak < 8 * message.len() + ROOM, "{peak} bytes held of {}", message.len());
        let whole = Endless { value: &message, at: 0, left: message.len() };
        let (_, written, _, peak) = run(&["msgpack-numpy", "--json"], whole);
        assert!(written < 6 * message.len() as u64, "{written} bytes written of {}", message.len());
        assert!(peak < 8 * message.len() + ROOM, "{peak} bytes held of {}", message.len());
    }
}

#[test]
fn trains_without_end() {
    let value = include_bytes!("../captures/karabo-trains.zmtp");
    for form in ["--color=never", "--json"] {
        let stdin = Endless { value, at: 0, left: (1 << 20) / value.len() * value.len() };
        let (status, written, _, peak) = run(&["karabo", form], stdin);
        assert_eq!(status, 0);
        assert!(written > 1 << 20 && peak < ROOM, "{written} bytes written, {peak} held");
    }
}

#[test]
fn one_train_without_end() {
    // Parts of a byte and of 4000 bytes with always more to follow, and one that is announced and comes.
    let long = [&b"\x03\x00\x00\x00\x00\x00\x00\x0f\xa0"[..], &[0; 4000]].concat();
    for value in [&b"\x01\x01\x80"[..], &long, b"\x03\x7f\xff\xff\xff\xff\xff\xff\xff"] {
        let stdin = Endless { value, at: 0, left: LEN / 8 };
        let (status, written, _, peak) = run(&["karabo", "--max-len=100000"], stdin);
        assert_eq!(status, 1);
        // Of each part that was kept there is where it is, too: three words, in a vector that doubles, and a copy.
        assert!(written < 10 << 20 && peak < ROOM + 100_000 / 3 * 72, "{written} bytes written, {peak} held");
    }
}

/// What is held is a few times the message, and as much again for each property.
#[test]
fn a_train_of_many_properties() {
    let names: Vec<Vec<u8>> =
        (0..10_000_u32).map(|name| [&b"\xa6"[..], format!("{name:06}").as_bytes(), b"\x00"].concat()).collect();
    let data = [&b"\xdf\x00\x00\x27\x10"[..], &names.concat()].concat();
    let source = b"\x82\xa6source\xa1S\xa7content\xa7msgpack";
    let array = b"\x85\xa6source\xa1S\xa7content\xa5array\xa4path\xa6a.data\xa5dtype\xa5uint8\xa5shape\x91\x01";
    let part = |more: u8, bytes: &[u8]| {
        let len = u64::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
        [&[2 | more][..], &len, bytes].concat()
    };
    // An array for which all properties could be looked through, again and again.
    let mut message = [part(1, source), part(1, &data)].concat();
    for _ in 0..2000 {
        message.extend([part(1, array), part(1, b"\x07")].concat());
    }
    message.extend([part(1, source), part(0, b"\x80")].concat());
    for form in ["--color=never", "--json"] {
        let stdin = Endless { value: &message, at: 0, left: message.len() };
        let (status, _, _, peak) = run(&["karabo", form], stdin);
        assert_eq!(status, 1);
        assert!(peak < 8 * message.len() + 400 * 10_000 + 1000 * 4000, "{peak} held of {}", message.len());
    }
}

#[test]
fn one_package_without_end() {
    for protocol in ["drift", "drift-bytes"] {
        let stdin = Endless { value: b"\x3a\x00", at: 0, left: LEN };
        let (status, written, _, peak) = run(&[protocol, "--max-len=100000"], stdin);
        assert_eq!(status, 1);
        assert!(written < 1000 && peak < ROOM, "{written} bytes written, {peak} held");
    }
}

/// What is held is a few times the package, whatever is in it.
#[test]
fn a_package_of_many_small_things() {
    let len = |len: usize| {
        [0x80 | (len & 0x7f), 0x80 | (len >> 7 & 0x7f), len >> 14].map(|byte| u8::try_from(byte).unwrap_or(0))
    };
    // Labels, payloads, and names of typed data with values, with nothing in them; 16 bytes of an item are the least.
    let names = b"\x0a\x00".repeat(100_000);
    let meta = [&b"\x08\x05\x42"[..], &len(names.len()), &names].concat();
    let values = [&b"\x01\x00"[..], &b"\x01\x0c\x01\0\0\0\0\0\0\0\0\0\0\0".repeat(50_000)].concat();
    let payload = [&b"\x12"[..], &len(values.len()), &values].concat();
    let any = [&b"\x0a\x1f/drift.proto.common.DataPayload\x12"[..], &len(payload.len()), &payload].concat();
    let typed = [&b"\x32"[..], &len(meta.len()), &meta, b"\x2a", &len(any.len()), &any].concat();
    for package in [b"\x3a\x00".repeat(300_000), b"\x2a\x00".repeat(300_000), typed] {
        for form in ["--color=never", "--json"] {
            let stdin = Endless { value: &package, at: 0, left: package.len() };
            let (status, _, _, peak) = run(&["drift", form], stdin);
            assert_eq!(status, 0);
            assert!(peak < 12 * package.len() + ROOM, "{peak} bytes held of {}", package.len());
        }
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
fn records_without_end() {
    let value = include_bytes!("../captures/atlas-run.tsv");
    for form in ["--color=never", "--json"] {
        let stdin = Endless { value, at: 0, left: (1 << 20) / value.len() * value.len() };
        let (status, written, _, peak) =
            run(&["atlas", form, "--type={ParameterDataMessage}=ParameterDataMessage"], stdin);
        assert_eq!(status, 0);
        assert!(written > 1 << 20 && peak < ROOM, "{written} bytes written, {peak} held");
    }
    // Somebody else's are counted, and nothing else.
    let stdin = Endless { value: b"not ours\t{}\n", at: 0, left: 12 << 20 };
    let (status, written, _, peak) = run(&["atlas"], stdin);
    assert_eq!(status, 0);
    assert!(written < 100 && peak < ROOM, "{written} bytes written, {peak} held");
}

#[test]
fn one_record_without_end() {
    for value in [&b"x"[..], b"\t", b"tdata:a\t", b"\r"] {
        let (status, written, _, peak) = run(&["atlas", "--max-len=100000"], Endless { value, at: 0, left: LEN });
        assert_eq!(status, 1);
        assert!(written < 1000 && peak < ROOM, "{written} bytes written, {peak} held");
    }
}

/// What is shown is a few values of a few parameters; what is held is a few times the line.
#[test]
fn a_record_of_much_is_shown_in_short() {
    let many = |item: &str, count: usize| vec![item; count].join(",");
    let times = many("1", 500_000);
    let statuses: Vec<_> = (0..500_000).map(|status| status.to_string()).collect();
    let long = many("0.5", 500_000);
    for value in [
        format!("tdata:a\t{{\"time\":[{times}],\"data\":[{{\"status\":[{}],\"avg\":[{long}]}}]}}", statuses.join(",")),
        format!("tdata:a\t{{\"time\":[1],\"data\":[{}]}}", many("{\"status\":[1],\"avg\":[1]}", 60_000)),
        format!("events:a\t{{\"epoch\":0,\"time\":0,\"id\":\"{}\",\"values\":[{long}]}}", "i".repeat(1_000_000)),
        format!(
            "session:a\t{{\"id\":\"a\",\"state\":\"{}\",\"dependencies\":{{\"x\":[{}]}}}}",
            "s".repeat(1_000_000),
            many("\"y\"", 100_000)
        ),
        format!("{}:{}\tbase64:{}", "x".repeat(1_000_000), "y".repeat(1_000_000), "AAAA".repeat(500_000)),
    ] {
        let stdin = Endless { value: value.as_bytes(), at: 0, left: value.len() };
        let (status, written, _, peak) = run(&["atlas"], stdin);
        assert_eq!(status, 0);
        assert!(written < 1 << 14, "{written} bytes written of {}", value.len());
        assert!(peak < 8 * value.len() + ROOM, "{peak} bytes held of {}", value.len());
        let stdin = Endless { value: value.as_bytes(), at: 0, left: value.len() };
        let (status, written, _, peak) = run(&["atlas", "--json"], stdin);
        assert_eq!(status, 0);
        assert!(written < 5 * value.len() as u64, "{written} bytes written of {}", value.len());
        assert!(peak < 8 * value.len() + ROOM, "{peak} bytes held of {}", value.len());
    }
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

/// What is too deep is told with all that is before it, and not with as many blanks.
#[test]
fn a_body_too_deep_is_shown_without_end() {
    let body = [&b"\x91".repeat(100_000)[..], b"\x07"].concat();
    let header =
        [&u32::try_from(body.len()).map(u32::to_le_bytes).unwrap_or_default()[..], b"\x01\x00\x22\xdd"].concat();
    let package = [header, body].concat();
    let stdin = Endless { value: &package, at: 0, left: package.len() };
    let (status, written, _, _) = run(&["thingsdb", "--dialect=v1"], stdin);
    assert_eq!(status, 1);
    assert!(written < 300 * 100_000, "{written} bytes written");
}

#[test]
fn hex_in_one_line_without_end() {
    let (status, _, _, peak) =
        run(&["qpack", "--hex", "--json"], Endless { value: b"e8 4f\te3", at: 0, left: 1 << 20 });
    assert_eq!(status, 1);
    assert!(peak < ROOM, "{peak} bytes held");
}

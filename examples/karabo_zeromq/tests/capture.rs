//! Captures in files: what is written against SPEC.md §7 and against the reader of the crate, and files that are not what they should
//! be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use bytes::Bytes;
use karabo_bridge::Capture;
use karabo_zeromq::{Playback, PlaybackError, PlaybackLimits, Recorder, Store};

/// A file that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("karabo_zeromq-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        Self(path)
    }

    fn with(name: &str, bytes: &[u8]) -> Self {
        let scratch = Self::new(name);
        fs::write(&scratch.0, bytes).unwrap();
        scratch
    }

    fn play(&self, limits: PlaybackLimits) -> (Vec<Vec<Bytes>>, Option<PlaybackError>) {
        let mut playback = Playback::open(&self.0, limits).unwrap();
        let mut messages = Vec::new();
        loop {
            match playback.read() {
                Ok(Some(parts)) => messages.push(parts),
                Ok(None) => return (messages, None),
                Err(error) => return (messages, Some(error)),
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Parts of every length that matters, some of them large.
fn messages() -> Vec<Vec<Bytes>> {
    let part = |len: usize| (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect::<Bytes>();
    vec![
        vec![part(0)],
        vec![part(1), part(255), part(256), part(0)],
        vec![part(65_535), part(65_536), part(65_537), part(3)],
        vec![part(1_000_000)],
    ]
}

#[test]
fn bytes_as_the_specification_has_them() {
    let scratch = Scratch::new("bytes");
    let mut recorder = Recorder::create(&scratch.0).unwrap();
    recorder.write(&[&b"ab"[..], b""]).unwrap();
    recorder.write(&[vec![7; 256]]).unwrap();
    assert_eq!((recorder.messages(), recorder.bytes()), (2, 6 + 9 + 256));
    let due = [&b"\x01\x02ab\x00\x00\x02\x00\x00\x00\x00\x00\x00\x01\x00"[..], &[7; 256]].concat();
    assert_eq!(fs::read(&scratch.0).unwrap(), due);
}

#[test]
fn what_is_written_is_read_here_and_by_the_crate() {
    let scratch = Scratch::new("both");
    let mut recorder = Recorder::create(&scratch.0).unwrap();
    messages().iter().for_each(|parts| recorder.write(parts).unwrap());
    let bytes = fs::read(&scratch.0).unwrap();
    assert_eq!(recorder.bytes(), bytes.len() as u64);

    let (read, error) = scratch.play(PlaybackLimits::default());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(read, messages());

    let (mut capture, mut parts) = (Capture::new(&bytes), Vec::new());
    for message in messages() {
        assert!(capture.read(&mut parts).unwrap());
        assert_eq!(parts, message);
    }
    assert!(!capture.read(&mut parts).unwrap());
}

#[test]
fn it_begins_anew_where_it_is_told_to() {
    let scratch = Scratch::with("rewind", b"\x00\x01a\x00\x01b");
    let mut playback = Playback::open(&scratch.0, PlaybackLimits::default()).unwrap();
    for _ in 0..2 {
        assert_eq!(playback.read().unwrap(), Some(vec![Bytes::from_static(b"a")]));
        assert_eq!(playback.offset(), 3);
        assert_eq!(playback.read().unwrap(), Some(vec![Bytes::from_static(b"b")]));
        assert_eq!(playback.read().unwrap(), None);
        playback.rewind().unwrap();
    }
}

#[test]
fn a_file_that_ends_in_a_message_gives_those_before_it() {
    let good = b"\x01\x02ab\x00\x01c";
    let mut bytes = good.to_vec();
    bytes.extend_from_slice(b"\x01\x01d\x02\x00\x00\x00\x00\x00\x00\x01\x00");
    bytes.resize(bytes.len() + 256, 1);
    for end in good.len() + 1..bytes.len() {
        let scratch = Scratch::with("torn", &bytes[..end]);
        let (read, error) = scratch.play(PlaybackLimits::default());
        assert_eq!(read.len(), 1, "{end}");
        assert!(matches!(error, Some(PlaybackError::Torn(7))), "{end} {error:?}");
    }
    let scratch = Scratch::with("whole", &bytes);
    assert_eq!(scratch.play(PlaybackLimits::default()).0.len(), 2);
}

#[test]
fn a_header_that_is_none_is_told_with_its_place() {
    for (bytes, place) in
        [(&b"\x00\x01a\x04\x05READY"[..], 3), (b"\x01\x01a\x08\x01b", 3), (b"\x02\x80\x00\x00\x00\x00\x00\x00\x00", 0)]
    {
        let (_, error) = Scratch::with("header", bytes).play(PlaybackLimits::default());
        assert!(matches!(error, Some(PlaybackError::Decode(_, at)) if at == place), "{error:?}");
    }
}

#[test]
fn limits_hold_before_memory_is_taken() {
    // An exabyte, in a file of a few bytes.
    let long = b"\x02\x10\x00\x00\x00\x00\x00\x00\x00abc";
    let (_, error) = Scratch::with("exabyte", long).play(PlaybackLimits { max_message: u64::MAX, max_parts: 8 });
    assert!(matches!(error, Some(PlaybackError::Torn(0))), "{error:?}");

    // The file is that long, and holds nothing.
    let scratch = Scratch::with("sparse", b"\x02\x00\x00\x01\x00\x00\x00\x00\x00");
    fs::OpenOptions::new().write(true).open(&scratch.0).unwrap().set_len((1 << 40) + 9).unwrap();
    let (_, error) = scratch.play(PlaybackLimits::default());
    assert!(matches!(error, Some(PlaybackError::Message(0, max)) if max == 4 << 30), "{error:?}");

    // Of all parts together.
    let bytes = b"\x01\x03abc\x00\x03def\x00\x01g";
    let limits = |max_message, max_parts| PlaybackLimits { max_message, max_parts };
    let (read, error) = Scratch::with("sum", bytes).play(limits(5, 8));
    assert!(read.is_empty() && matches!(error, Some(PlaybackError::Message(0, 5))), "{error:?}");
    assert_eq!(Scratch::with("fits", bytes).play(limits(6, 2)).0.len(), 2);
    let (read, error) = Scratch::with("parts", bytes).play(limits(6, 1));
    assert!(read.is_empty() && matches!(error, Some(PlaybackError::Parts(0, 1))), "{error:?}");
}

#[test]
fn a_file_that_is_there_is_left_alone() {
    let scratch = Scratch::with("there", b"precious");
    assert_eq!(Recorder::create(&scratch.0).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&scratch.0).unwrap(), b"precious");
}

/// A disk with an end.
#[derive(Default)]
struct Disk {
    bytes: Vec<u8>,
    room: usize,
}

impl Write for &mut Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.room - self.bytes.len();
        if left == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = left.min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Store for &mut Disk {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.bytes.truncate(usize::try_from(len).unwrap());
        Ok(())
    }
}

#[test]
fn wherever_a_disk_is_full_whole_messages_are_left() {
    let messages = [vec![vec![1; 3], vec![2; 70_000], vec![3; 5]], vec![vec![4; 9]], vec![vec![5; 300], vec![6; 1]]];
    let mut whole = Disk { room: usize::MAX, ..Disk::default() };
    let mut recorder = Recorder::new(&mut whole);
    let mut ends = vec![0];
    for parts in &messages {
        recorder.write(parts).unwrap();
        ends.push(usize::try_from(recorder.bytes()).unwrap());
    }
    // Around every edge, and in the midst of the large part.
    let rooms = ends.iter().flat_map(|end| end.saturating_sub(3)..end + 3).chain([10, 40_000, 69_999, 70_015]);
    for room in rooms.filter(|room| *room < ends[3]) {
        let mut disk = Disk { room, ..Disk::default() };
        let mut recorder = Recorder::new(&mut disk);
        let written = messages.iter().map_while(|parts| recorder.write(parts).ok()).count();
        let due = ends.iter().rposition(|end| *end <= room).unwrap();
        assert_eq!((written, recorder.messages()), (due, due as u64), "{room}");
        assert_eq!(disk.bytes, whole.bytes[..ends[due]], "{room}");
    }
}

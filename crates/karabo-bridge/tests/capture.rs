//! Captures: messages one behind the other, as a publisher puts them on the wire (SPEC.md §7).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

use karabo_bridge::{Capture, DecodeError, DecodeErrorKind as Kind, FrameHeader, Limit, Limits};
use testkit::laws::{self, Prefix};
use testkit::vectors::hex;
use testkit::{alloc, assert_no_alloc};

type Messages = Vec<Vec<Vec<u8>>>;

/// Made by hand: flags, length, bytes.
fn framed(messages: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for parts in messages {
        for (index, part) in parts.iter().enumerate() {
            let more = u8::from(index + 1 < parts.len());
            match u8::try_from(part.len()) {
                Ok(len) => bytes.extend([more, len]),
                Err(_) => {
                    bytes.push(more | 2);
                    bytes.extend((part.len() as u64).to_be_bytes());
                }
            }
            bytes.extend(part);
        }
    }
    bytes
}

/// The same with the headers of the crate.
fn encoded(messages: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for parts in messages {
        for (index, part) in parts.iter().enumerate() {
            let header = FrameHeader { more: index + 1 < parts.len(), len: part.len() as u64 };
            bytes.extend(header.encode().as_ref());
            bytes.extend(part);
        }
    }
    bytes
}

/// All messages, and the error at the end, if there is one.
fn read(bytes: &[u8], limits: Limits) -> (Messages, Option<DecodeError>) {
    let mut capture = Capture::new(bytes).with_limits(limits);
    let (mut messages, mut parts) = (Vec::new(), Vec::new());
    loop {
        match capture.read(&mut parts) {
            Ok(true) => messages.push(parts.iter().map(|part| part.to_vec()).collect()),
            Ok(false) => {
                assert_eq!((parts.len(), capture.offset()), (0, bytes.len()));
                // It stays at its end.
                assert_eq!(capture.read(&mut parts), Ok(false));
                return (messages, None);
            }
            Err(error) => {
                let offset = capture.offset();
                laws::repeats_error(&error, |_| capture.read(&mut parts).err());
                assert_eq!(capture.offset(), offset);
                return (messages, Some(error));
            }
        }
    }
}

fn whole(bytes: &[u8]) -> Messages {
    let (messages, error) = read(bytes, Limits::DEFAULT);
    assert_eq!(error, None);
    messages
}

fn failure(bytes: &[u8]) -> DecodeError {
    let (messages, error) = read(bytes, Limits::DEFAULT);
    assert_eq!(messages, Messages::new());
    error.unwrap()
}

/// Kind, part, offset and field.
fn place(error: DecodeError) -> (Kind, usize, u64, &'static str) {
    (error.kind(), error.part(), error.offset(), error.what())
}

#[test]
fn headers_are_the_bytes_of_libzmq() {
    // As libzmq writes it: flags MORE and LONG, 8 bytes above 255.
    for (more, len, bytes) in [
        (false, 4, "0004"),
        (true, 0, "0100"),
        (false, 0, "0000"),
        (true, 1, "0101"),
        (true, 255, "01ff"),
        (false, 255, "00ff"),
        (false, 256, "020000000000000100"),
        (true, 256, "030000000000000100"),
        (true, 65_536, "030000000000010000"),
        (false, 268_435_456, "020000000010000000"),
        (false, (1 << 63) - 1, "027fffffffffffffff"),
    ] {
        let header = FrameHeader { more, len };
        assert_eq!(header.encode().as_ref(), hex(bytes), "{header:?}");
        assert_eq!(FrameHeader::decode_prefix(&hex(bytes)), Ok(Some((header, hex(bytes).len()))), "{header:?}");
    }
}

#[test]
fn headers_want_no_more_than_they_need() {
    for header in [
        FrameHeader { more: true, len: 7 },
        FrameHeader { more: false, len: 255 },
        FrameHeader { more: true, len: 256 },
        FrameHeader { more: false, len: (1 << 63) - 1 },
    ] {
        laws::prefix(header.encode().as_ref(), |bytes| match FrameHeader::decode_prefix(bytes).unwrap() {
            Some((found, consumed)) => {
                assert_eq!(found, header);
                Prefix::Complete { consumed }
            }
            // It does not say how many.
            None => Prefix::Incomplete { needed: 1 },
        });
        laws::round_trip_value(
            &header,
            |header| header.encode().as_ref().to_vec(),
            |bytes| FrameHeader::decode_prefix(bytes).unwrap().unwrap().0,
        );
    }
}

#[test]
fn a_captured_stream_is_read() {
    // As libzmq writes it from PUB to SUB: 01 len part … 00 len part; and parts without bytes.
    let bytes = hex("01 03 616263 01 00 00 02 6465 00 00 01 00 00 00");
    let messages = whole(&bytes);
    let due: Messages = vec![vec![b"abc".to_vec(), vec![], b"de".to_vec()], vec![vec![]], vec![vec![], vec![]]];
    assert_eq!(messages, due);
    assert_eq!(encoded(&messages), bytes);
    assert_eq!(whole(&[]), Messages::new());
}

#[test]
fn parts_of_all_lengths_come_back() {
    let part = |len: usize| (0..len).map(|byte| byte.to_le_bytes()[0]).collect::<Vec<u8>>();
    let parts: Vec<_> = [0, 1, 254, 255, 256, 257, 65_535, 65_536, 0].map(part).to_vec();
    let mut messages: Messages = parts.iter().map(|part| vec![part.clone()]).collect();
    messages.push(parts);
    let bytes = encoded(&messages);
    assert_eq!(bytes, framed(&messages));
    assert_eq!(whole(&bytes), messages);
}

#[test]
fn offsets_are_those_of_whole_messages() {
    let bytes = hex("01 01 61 00 01 62 00 02 6364");
    let (mut capture, mut parts) = (Capture::new(&bytes), Vec::new());
    let mut offsets = vec![capture.offset()];
    while capture.read(&mut parts).unwrap() {
        offsets.push(capture.offset());
    }
    assert_eq!(offsets, [0, 6, 10]);
    // Parts lie in the capture, and replace what was there before.
    let mut capture = Capture::new(&bytes);
    let mut parts = vec![&b"old"[..]; 5];
    assert!(capture.read(&mut parts).unwrap());
    assert_eq!(parts, [b"a", b"b"]);
    assert!(std::ptr::eq(parts[0], &raw const bytes[2..3]));
}

#[test]
fn a_length_may_take_eight_bytes_where_one_would_do() {
    let bytes = hex("03 0000000000000001 61 02 0000000000000000 02 00000000000000ff");
    let bytes = [bytes, vec![7; 255]].concat();
    assert_eq!(whole(&bytes), [vec![b"a".to_vec(), vec![]], vec![vec![7; 255]]]);
}

#[test]
fn other_flags_are_refused_where_they_stand() {
    // Bit 2 is a command, the others are reserved; none of them needs its length to be refused.
    for flags in (4..=255).filter(|flags: &u8| flags & !3 != 0) {
        for tail in [&[][..], &[0], &[0; 9]] {
            let error = failure(&[&[flags], tail].concat());
            assert_eq!(place(error), (Kind::InvalidTag, 0, 0, "frame"), "{flags:#x}");
            let (messages, error) =
                read(&[&hex("00 01 61 01 01 62 01 01 63")[..], &[flags], tail].concat(), Limits::DEFAULT);
            assert_eq!(messages, [[b"a"]]);
            assert_eq!(place(error.unwrap()), (Kind::InvalidTag, 2, 9, "frame"), "{flags:#x}");
        }
        assert_eq!(FrameHeader::decode_prefix(&[flags]).unwrap_err().kind(), Kind::InvalidTag);
    }
    // The handshake is no part of a capture: its greeting begins with ff, its READY with 04.
    assert_eq!(failure(&hex("04 19 05 5245414459")).kind(), Kind::InvalidTag);
}

#[test]
fn every_cut_costs_the_last_message_and_is_told_once() {
    let messages: Messages = vec![
        vec![b"abc".to_vec(), vec![], vec![1; 300]],
        vec![vec![]],
        vec![vec![2; 256]],
        vec![b"x".to_vec(), b"yz".to_vec()],
    ];
    let bytes = framed(&messages);
    // Where each message ends.
    let ends: Vec<usize> = (0..=messages.len()).map(|count| framed(&messages[..count]).len()).collect();
    for cut in 0..=bytes.len() {
        let (found, error) = read(&bytes[..cut], Limits::DEFAULT);
        let complete = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(found, messages[..complete], "cut at {cut}");
        match error {
            None => assert!(ends.contains(&cut), "cut at {cut}"),
            Some(error) => {
                assert!(!ends.contains(&cut), "cut at {cut}: {error}");
                assert_eq!((error.kind(), error.offset()), (Kind::UnexpectedEnd, cut as u64), "cut at {cut}");
            }
        }
    }
}

#[test]
fn an_end_tells_the_part_it_is_in() {
    assert_eq!(place(failure(&hex("00"))), (Kind::UnexpectedEnd, 0, 1, "frame"));
    assert_eq!(place(failure(&hex("00 02 61"))), (Kind::UnexpectedEnd, 0, 3, "frame"));
    assert_eq!(place(failure(&hex("01 00"))), (Kind::UnexpectedEnd, 1, 2, "frame"));
    assert_eq!(place(failure(&hex("01 01 61 00 01"))), (Kind::UnexpectedEnd, 1, 5, "frame"));
    assert_eq!(place(failure(&hex("03 000000000000"))), (Kind::UnexpectedEnd, 0, 7, "frame"));
}

#[test]
fn lengths_that_nobody_has_allocate_nothing() {
    for (len, kind) in [
        ((1_u64 << 63) - 1, Kind::UnexpectedEnd),
        (1 << 63, Kind::UnexpectedType),
        (u64::MAX, Kind::UnexpectedType),
        (u64::MAX - 8, Kind::UnexpectedType),
        (1 << 32, Kind::UnexpectedEnd),
        (10, Kind::UnexpectedEnd),
    ] {
        for (flags, tail) in [(2_u8, &b""[..]), (3, b"abc")] {
            let bytes = [&[flags][..], &len.to_be_bytes(), tail].concat();
            let error = assert_no_alloc(|| {
                let mut parts = Vec::new();
                Capture::new(&bytes).read(&mut parts).unwrap_err()
            });
            assert_eq!(error.kind(), kind, "{len:#x}");
            assert_eq!(failure(&bytes), error);
        }
    }
    // The length is at fault, not the flags in front of it.
    let error = failure(&hex("02 8000000000000000"));
    assert_eq!((error.offset(), error.what()), (1, "frame"));
    let bytes = hex("00 01 61 01 01 62 02 ffffffffffffffff");
    let (messages, error) = read(&bytes, Limits::DEFAULT);
    assert_eq!(messages, [[b"a"]]);
    assert_eq!(place(error.unwrap()), (Kind::UnexpectedType, 1, 7, "frame"));
}

#[test]
fn a_message_has_no_more_parts_than_the_limit() {
    let message = |count: usize| vec![vec![7]; count];
    let limits = Limits::DEFAULT.with_max_parts(3);
    for count in 1..=3 {
        let messages = [message(count), message(3), message(1)];
        assert_eq!(read(&framed(&messages), limits), (messages.to_vec(), None), "{count}");
    }
    let (messages, error) = read(&framed(&[message(3), message(4)]), limits);
    let error = error.unwrap();
    assert_eq!(messages, [message(3)]);
    assert_eq!((error.kind(), error.limit()), (Kind::LimitExceeded, Some(Limit::MaxParts)));
    // The header of the part too many: 3 bytes a part.
    assert_eq!((error.part(), error.offset()), (3, 18));
    assert_eq!(error.reason().to_string(), "4 exceeds max_parts 3");

    let (messages, error) = read(&framed(&[message(1)]), Limits::DEFAULT.with_max_parts(0));
    assert_eq!((messages.len(), error.unwrap().limit()), (0, Some(Limit::MaxParts)));
    assert_eq!(read(&[], Limits::DEFAULT.with_max_parts(0)), (vec![], None));
}

#[test]
fn the_default_limit_is_met_and_not_passed() {
    let parts = |count: usize| [hex("0100").repeat(count - 1), hex("0000")].concat();
    let (mut messages, error) = read(&parts(65_536), Limits::DEFAULT);
    assert_eq!((messages.pop().unwrap().len(), error), (65_536, None));
    let error = failure(&parts(65_537));
    assert_eq!((error.limit(), error.part(), error.offset()), (Some(Limit::MaxParts), 65_536, 2 * 65_536));
}

#[test]
fn memory_is_no_more_than_slices_for_the_parts() {
    // Two bytes make a part without bytes: whatever is behind is not read ahead.
    let bytes = hex("0100").repeat(10_000);
    let (error, stats) = alloc::measure(|| {
        let mut parts = Vec::new();
        Capture::new(&bytes).read(&mut parts).unwrap_err()
    });
    assert_eq!(error.kind(), Kind::UnexpectedEnd);
    // A vector that grows to twice what it holds, beside what it held.
    assert!(stats.peak <= 3 * 10_000 * size_of::<&[u8]>(), "{stats:?}");
    // With room it takes none.
    let bytes = framed(&[vec![vec![1]; 5], vec![vec![2]; 4]]);
    let mut parts = Vec::with_capacity(5);
    assert_no_alloc(|| {
        let mut capture = Capture::new(&bytes);
        while capture.read(&mut parts).unwrap() {}
    });
}

#[test]
fn any_bytes_are_messages_or_an_error() {
    let messages: Messages = vec![vec![b"ab".to_vec(), vec![]], vec![vec![3; 20]]];
    for hostile in laws::mutations(&framed(&messages)) {
        laws::totality(&hostile, 64 * hostile.len() + 1024, |bytes| {
            let (mut capture, mut parts, mut rounds) = (Capture::new(bytes), Vec::new(), 0);
            while capture.read(&mut parts) == Ok(true) {
                rounds += 1;
                assert!(rounds <= bytes.len());
            }
        });
    }
}

#[test]
fn every_golden_message_survives_a_capture() {
    let lines = include_str!("vectors/karabo_bridge.jsonl").lines();
    let messages: Messages = lines
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap())).collect()
        })
        .collect();
    assert_eq!(messages.len(), 47 + 89);
    let bytes = encoded(&messages);
    assert_eq!(bytes, framed(&messages));
    assert_eq!(whole(&bytes), messages);
}

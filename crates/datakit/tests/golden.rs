//! Every golden line against the committed packet, or the committed fault; alone, and among others in a stream.
#![cfg(feature = "alloc")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

mod common;

use std::iter;
use std::sync::OnceLock;

use bytes::BytesMut;
use common::{described, expectation, line, outcome, plain, settings, spelled_out};
use datakit::{Config, DecodeError, DecodeErrorKind, Decoded, Decoder, Limit, Packet, PacketRef};
use serde_json::{Value as Json, json};
use testkit::vectors::to_hex;

/// Good lines to stand around the one that is looked at: their bytes are no part of it, and they are read.
const BEFORE: &[u8] = b"$P\n>some_tag|1459309227|3.141593\n";
const AFTER: &[u8] = b"START\n>some_tag|1459309228|-0.5\n";

/// The vectors of a file. Under Miri, which is some thousand times slower, the first six and then every eighth of those that are
/// not long: to parse the others would take longer than all the rest.
fn vectors(file: &str, count: usize) -> Vec<Json> {
    let text = std::fs::read_to_string(format!("tests/vectors/{file}")).unwrap();
    assert_eq!(text.lines().count(), count);
    let lines = text.lines().enumerate();
    let looked_at = lines.filter(|(index, _)| !cfg!(miri) || *index < 6 || index % 8 == 0);
    let vectors = looked_at.map(|(_, line)| serde_json::from_str::<Json>(line).unwrap());
    vectors.filter(|vector| !cfg!(miri) || line(vector).len() < 100).collect()
}

/// Read once.
fn valid() -> &'static [Json] {
    static VECTORS: OnceLock<Vec<Json>> = OnceLock::new();
    VECTORS.get_or_init(|| vectors("datakit.jsonl", 188))
}

fn malformed() -> &'static [Json] {
    static VECTORS: OnceLock<Vec<Json>> = OnceLock::new();
    VECTORS.get_or_init(|| vectors("datakit_malformed.jsonl", 245))
}

/// Every way to read one line, in the notation of the expectations.
fn readings(bytes: &[u8], config: &Config) -> Vec<(&'static str, Json)> {
    let by_prefix = match PacketRef::decode_prefix(bytes, config) {
        Ok(Decoded::Complete { value, consumed }) => {
            assert_eq!(consumed, bytes.len());
            Some(Ok(value))
        }
        Ok(Decoded::Incomplete { needed }) => {
            assert_eq!(needed.get(), 1);
            None
        }
        Err(error) => Some(Err(error)),
    };
    let mut decoder = Decoder::with_config(config);
    let mut rest = bytes;
    let by_decoder = decoder.decode(&mut rest);
    let torn = if by_decoder.is_none() { decoder.finish(rest).err() } else { None };
    let mut ways = vec![
        ("PacketRef", told(PacketRef::decode_with(bytes, config))),
        ("Packet", told(Packet::decode_with(bytes, config).as_ref().map(Packet::as_ref).map_err(|error| *error))),
    ];
    // Of a torn line a reader of streams says nothing but that it is torn.
    let torn = torn.map(|error| told(Err(error)));
    ways.extend(by_prefix.map(|result| ("decode_prefix", told(result))));
    ways.extend(by_decoder.map(|result| ("Decoder", told(result))));
    ways.extend(torn.map(|expected| ("Decoder::finish", expected)));
    if *config == Config::DEFAULT {
        ways.push(("PacketRef::decode", told(PacketRef::decode(bytes))));
        ways.push(("Packet::decode", told(Packet::decode(bytes).as_ref().map(Packet::as_ref).map_err(|error| *error))));
    }
    assert!(ways.len() >= 3, "{}", to_hex(bytes));
    ways
}

fn told(result: Result<PacketRef<'_>, DecodeError>) -> Json {
    if let Err(error) = result {
        assert_eq!((error.line(), error.offset() + 1), (1, error.column().into()), "{error}");
        assert_eq!(error.limit(), (error.kind() == DecodeErrorKind::LimitExceeded).then_some(Limit::MaxLineLen));
        assert_eq!(error.is_incomplete(), error.kind() == DecodeErrorKind::UnexpectedEnd);
    }
    expectation(&outcome(result))
}

#[test]
fn valid_lines_are_the_packets_stated() {
    for vector in valid() {
        let (bytes, config) = (line(vector), settings(vector));
        let expected = json!({"ok": spelled_out(&vector["packet"])});
        for (way, found) in readings(&bytes, &config) {
            assert_eq!(found, expected, "{way} of {}", to_hex(&bytes));
        }
    }
}

#[test]
fn the_examples_of_the_document_are_canonical() {
    let vectors = valid();
    let texts: Vec<&str> = vectors[..6].iter().map(|vector| vector["text"].as_str().unwrap()).collect();
    let expected = [
        "$H|Super Sensor 1.5 someunits|meters_per_second|lol|stream\n",
        "ACK|asdjfalskdjfajsrhuip3wtr87q23tg\n",
        "$P\n",
        "START\n",
        "STOP\n",
        ">some_tag|1459309227|3.141593\n",
    ];
    assert_eq!(texts, expected);
    assert!(vectors[..6].iter().all(|vector| vector["canonical"] == true && vector.get("settings").is_none()));
}

#[test]
fn canonical_lines_are_written_again_and_others_as_their_canonical_form() {
    let (mut canonical, mut other) = (0, 0);
    for vector in valid() {
        let (bytes, config) = (line(vector), settings(vector));
        let packet = PacketRef::decode_with(&bytes, &config).unwrap();
        let written = writings(packet, &config);
        if vector["canonical"] == true {
            canonical += 1;
            assert_eq!(to_hex(&written), to_hex(&bytes), "{vector}");
        } else {
            other += 1;
            assert_ne!(written, bytes, "{vector}");
            // Written strictly: without a return, and read back to the same.
            let strict = config.with_accept_crlf(false);
            let again = PacketRef::decode_with(&written, &strict).unwrap();
            assert_eq!(described(&plain(again)), spelled_out(&vector["packet"]));
            assert_eq!(writings(again, &strict), written, "{vector}");
        }
    }
    // All of them, or under Miri enough of both.
    let least = if cfg!(miri) { (5, 5) } else { (105, 83) };
    assert!(canonical >= least.0 && other >= least.1, "{canonical} and {other}");
}

/// All ways to write come to the same bytes.
fn writings(packet: PacketRef<'_>, config: &Config) -> Vec<u8> {
    let mut vector = b"before".to_vec();
    packet.encode_with(&mut vector, config).unwrap();
    let written = vector.split_off(6);
    assert_eq!(vector, b"before");
    let owned = packet.into_owned();
    let mut shared = BytesMut::new();
    owned.encode_with(&mut shared, config).unwrap();
    let mut slice = vec![0; written.len()];
    assert_eq!(packet.encode_to_slice_with(&mut slice, config), Ok(written.len()));
    assert_eq!((&shared[..], &slice[..]), (&written[..], &written[..]));
    assert_eq!((packet.encoded_len(), owned.encoded_len()), (written.len(), written.len()));
    if *config == Config::DEFAULT {
        assert_eq!(
            (packet.encode_to_vec().unwrap(), owned.encode_to_vec().unwrap()),
            (written.clone(), written.clone())
        );
    }
    written
}

/// The settings of a malformed vector, and those it has expectations for, with these.
fn cases(vector: &Json) -> [(Config, &Json); 4] {
    let config = settings(vector);
    let strict = &vector["strict"];
    let of = |name| vector.get(name).unwrap_or(strict);
    let (crlf, fractional) = (of("accept_crlf"), of("fractional_timestamps"));
    // Both switches do not meet: where one makes a difference, the other makes none.
    let both = if crlf == strict { fractional } else { crlf };
    assert!(crlf == strict || fractional == strict, "{vector}");
    [
        (config, strict),
        (config.with_accept_crlf(true), crlf),
        (config.with_fractional_timestamps(true), fractional),
        (config.with_accept_crlf(true).with_fractional_timestamps(true), both),
    ]
}

#[test]
fn malformed_lines_give_what_is_committed() {
    let mut wrong = Vec::new();
    for vector in malformed() {
        let bytes = line(vector);
        for (config, expected) in cases(vector) {
            for (way, found) in readings(&bytes, &config) {
                if found != *expected {
                    wrong
                        .push(format!("{way} of {:?}: {found} instead of {expected}", String::from_utf8_lossy(&bytes)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn in_a_stream_line_and_offset_are_those_of_the_stream() {
    let before = PacketRef::decode_prefix(BEFORE, &Config::DEFAULT).is_ok() && BEFORE.ends_with(b"\n");
    assert!(before);
    for vector in malformed() {
        let bytes = line(vector);
        let is_torn = !bytes.ends_with(b"\n");
        for (config, expected) in cases(vector) {
            // What stands around it must not be over the limit.
            let (before, after) = if config.limits.max_line_len < 40 { (&b""[..], &b""[..]) } else { (BEFORE, AFTER) };
            let after = if is_torn { b"" } else { after };
            let stream = [before, &bytes, after].concat();
            let count = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
            let whole = common::read_stream(&mut iter::once(&stream[..]), &config);
            if !cfg!(miri) {
                assert_eq!(common::read_stream(&mut stream.chunks(1), &config), whole, "{vector}");
            }
            let mut results = whole.lines.clone();
            results.extend(whole.end.err().map(Err));
            assert_eq!(results.len(), count(before) + 1 + count(after), "{vector}: {results:?}");
            for (index, result) in results.iter().enumerate() {
                if index != count(before) {
                    assert!(result.is_ok(), "{vector}: {result:?}");
                    continue;
                }
                match result {
                    Ok(packet) => assert_eq!(json!({"ok": described(&plain(packet.as_ref()))}), *expected),
                    Err(error) => {
                        assert_eq!(expectation(&Err(common::fault(*error))), *expected, "{vector}");
                        let column = expected["column"].as_u64().unwrap();
                        let place = (count(before) as u64 + 1, before.len() as u64 + column - 1);
                        assert_eq!((error.line(), error.offset()), place, "{vector}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_follows_a_single_line_is_told_with_its_place() {
    for (input, offset) in [(&b"START\nSTOP\n"[..], 6), (b"$P\n\n", 3), (b"ACK|1\n\0", 6), (b">t|1|2\n>", 7)] {
        let error = PacketRef::decode(input).unwrap_err();
        assert_eq!((error.kind(), error.what()), (DecodeErrorKind::TrailingBytes, "line"));
        assert_eq!((error.offset(), error.line(), error.column()), (offset, 1, offset as u32 + 1));
        assert_eq!(Packet::decode(input).unwrap_err(), error);
    }
    // The line's own fault comes first.
    assert_eq!(PacketRef::decode(b"start\nSTOP\n").unwrap_err().kind(), DecodeErrorKind::UnknownPacket);
    let nothing = PacketRef::decode(b"").unwrap_err();
    assert_eq!((nothing.kind(), nothing.offset(), nothing.column()), (DecodeErrorKind::UnexpectedEnd, 0, 1));
}

#[test]
#[cfg_attr(miri, ignore = "looks at a sample only")]
fn each_kind_of_fault_is_among_the_vectors() {
    let kinds: std::collections::BTreeSet<String> = malformed()
        .iter()
        .flat_map(|vector| cases(vector).map(|(_, expected)| expected["error"].as_str().unwrap_or("ok").to_owned()))
        .collect();
    let expected = [
        "CarriageReturn",
        "EmptyField",
        "EmptyLine",
        "FractionalTimestamp",
        "InvalidTimestamp",
        "InvalidUtf8",
        "InvalidValue",
        "LimitExceeded",
        "MissingField",
        "TimestampOutOfRange",
        "TimestampTooFine",
        "UnexpectedEnd",
        "UnexpectedField",
        "UnknownPacket",
        "ok",
    ];
    assert!(kinds.iter().eq(expected.iter()), "{kinds:?}");
}

//! Every golden vector in its stated direction, and every malformed one against the committed expectation.

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

use bytes::{Bytes, BytesMut};
use common::Announce;
use qpack_codec::{
    Config, DecodeError, DecodeErrorKind, Decoded, Decoder, Limit, Reader, Tape, Value, ValueRef, Writer,
};
use serde_json::{Value as Json, json};
use testkit::vectors::{encoding, jsonl, text, to_hex};

/// All malformed inputs, and under Miri every fifth.
const MIRI_STEP: usize = if cfg!(miri) { 5 } else { 1 };

struct Vector {
    value: Json,
    bytes: Vec<u8>,
    dir: String,
}

/// The vectors. Under Miri, which is some thousand times slower, every sixth of those of up to 40 bytes.
fn vectors() -> Vec<Vector> {
    let vectors = jsonl("tests/vectors/qpack.jsonl");
    assert_eq!(vectors.len(), 117);
    let kept = vectors.iter().enumerate().filter(|(index, vector)| {
        !cfg!(miri)
            || vector["dir"] == "encode"
            || index % 6 == 0 && vector.get("hex_repeat").is_none() && text(vector, "hex").len() <= 80
    });
    kept.map(|(_, vector)| Vector {
        value: common::plain(&vector["value"]),
        bytes: encoding(vector),
        dir: text(vector, "dir").to_owned(),
    })
    .collect()
}

/// Every way to read, each described in the notation of the vectors.
fn readings(bytes: &[u8], config: &Config) -> Vec<(&'static str, Result<Json, DecodeError>)> {
    let shared = Bytes::copy_from_slice(bytes);
    let mut tape = Tape::new();
    let mut reader = Reader::with_config(bytes, config);
    let tokens = common::of_tokens(&mut reader).and_then(|value| {
        let len = reader.finish()?;
        assert_eq!(len, reader.position());
        Ok(value)
    });
    let for_each = {
        let mut count = 0_usize;
        let mut reader = Reader::with_config(bytes, config);
        reader.for_each_token(|_| count += 1).and_then(|()| reader.finish()).map(|_| count)
    };
    assert_eq!(for_each.err(), tokens.as_ref().err().copied(), "for_each_token on {}", to_hex(bytes));
    vec![
        ("ValueRef", ValueRef::decode_with(bytes, config).map(common::of_ref)),
        ("into_owned", ValueRef::decode_with(bytes, config).map(|value| common::of_value(&value.into_owned()))),
        ("Value", Value::decode_with(bytes, config).map(|value| common::of_value(&value))),
        ("decode_bytes", Value::decode_bytes_with(&shared, config).map(|value| common::of_value(&value))),
        ("Tape", tape.parse(bytes, config).map(|tree| common::of_node(tree.root()))),
        ("tokens", tokens),
    ]
}

#[test]
fn what_all_peers_write_is_read_and_written_alike() {
    let (mut seen, mut config) = (0, Config::DEFAULT);
    for Vector { value, bytes, .. } in vectors().iter().filter(|vector| vector.dir == "both") {
        for (way, found) in readings(bytes, &Config::DEFAULT) {
            assert_eq!(found.as_ref(), Ok(value), "{way} of {}", to_hex(bytes));
        }
        for peer_compatible in [true, false] {
            config = config.with_peer_compatible(peer_compatible);
            for (way, found) in writings(value, bytes, &config) {
                assert_eq!(to_hex(&found), to_hex(bytes), "{way} of {value}, peer_compatible {peer_compatible}");
            }
        }
        seen += 1;
    }
    assert!(seen == 86 || cfg!(miri) && seen > 8, "{seen}");
}

/// Every way to write; `bytes` are an encoding to start from.
fn writings(value: &Json, bytes: &[u8], config: &Config) -> Vec<(&'static str, Vec<u8>)> {
    let owned = common::to_value(value);
    let borrowed = ValueRef::decode_with(bytes, &Config::PEER).unwrap();
    let mut shared = BytesMut::new();
    owned.encode_with(&mut shared, config).unwrap();
    let mut vector = Vec::new();
    borrowed.encode_with(&mut vector, config).unwrap();
    let mut room = vec![0; vector.len()];
    owned.encode_with(&mut &mut room[..], config).unwrap();
    let mut ways = vec![
        ("Value to a vector", owned.encode_to_vec_with(config).unwrap()),
        ("Value to BytesMut", shared.to_vec()),
        ("Value to a slice", room),
        ("ValueRef", vector),
        ("Writer::value", written(config, |writer| writer.value(&owned).map(drop))),
        ("Writer::value_ref", written(config, |writer| writer.value_ref(borrowed).map(drop))),
    ];
    for announce in [Announce::Known, Announce::Auto, Announce::OpenAboveFive] {
        ways.push(("Writer", written(config, |writer| common::write(writer, value, announce))));
        let mut out = BytesMut::new();
        let mut writer = Writer::with_config(&mut out, config);
        common::write(&mut writer, value, announce).unwrap();
        writer.finish().unwrap();
        ways.push(("Writer into BytesMut", out.to_vec()));
    }
    if *config == Config::DEFAULT {
        ways.push(("encode_to_vec", owned.encode_to_vec().unwrap()));
        ways.push(("ValueRef::encode_to_vec", borrowed.encode_to_vec().unwrap()));
        assert_eq!((owned.encoded_len(), borrowed.encoded_len()), (ways[0].1.len(), ways[0].1.len()));
    }
    ways
}

fn written(
    config: &Config,
    write: impl FnOnce(&mut Writer<'_, Vec<u8>>) -> Result<(), qpack_codec::EncodeError>,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::with_config(&mut out, config);
    write(&mut writer).unwrap();
    let len = writer.finish().unwrap();
    assert_eq!(len, out.len());
    out
}

#[test]
fn what_no_peer_writes_is_read() {
    let (mut closed, mut torn) = (0, 0);
    for Vector { value, bytes, .. } in vectors().iter().filter(|vector| vector.dir == "decode") {
        let lenient = Config::DEFAULT.with_end_closes_open(true);
        for (way, found) in readings(bytes, &lenient) {
            assert_eq!(found.as_ref(), Ok(value), "{way} of {}", to_hex(bytes));
        }
        // By the bytes alone: does a container stay open?
        let firsts = common::first_bytes(bytes);
        let count = |tags: [u8; 2]| firsts.iter().filter(|first| tags.contains(first)).count();
        if count([0xfc, 0xfd]) > count([0xfe, 0xff]) {
            torn += 1;
            for (way, found) in readings(bytes, &Config::DEFAULT) {
                let error = found.expect_err(way);
                let expected = (DecodeErrorKind::Unclosed, bytes.len(), true);
                assert_eq!((error.kind(), error.offset(), error.is_incomplete()), expected, "{way}: {}", to_hex(bytes));
            }
            assert!(matches!(ValueRef::decode_prefix(bytes, &lenient), Ok(Decoded::Incomplete { .. })));
        } else {
            closed += 1;
            for (way, found) in readings(bytes, &Config::DEFAULT) {
                assert_eq!(found.as_ref(), Ok(value), "{way} of {}", to_hex(bytes));
            }
        }
        // Read and written once, the form is canonical; read again it is the same value.
        let canonical = common::to_value(value).encode_to_vec().unwrap();
        for (way, found) in writings(value, bytes, &Config::DEFAULT) {
            assert_eq!(to_hex(&found), to_hex(&canonical), "{way} of {value}");
        }
        assert_eq!(common::of_ref(ValueRef::decode(&canonical).unwrap()), *value);
    }
    assert!((closed, torn) == (22, 8) || cfg!(miri) && closed > 1 && torn > 0, "{closed} {torn}");
}

#[test]
fn minus_zero_is_kept_by_default_and_lost_as_peers_lose_it() {
    let vectors = vectors();
    let [Vector { value, bytes, .. }] = vectors.iter().filter(|vector| vector.dir == "encode").collect::<Vec<_>>()[..]
    else {
        panic!("one vector is for packing only");
    };
    let owned = common::to_value(value);
    assert_eq!(owned.encode_to_vec_with(&Config::DEFAULT.with_peer_compatible(true)).unwrap(), *bytes);
    assert_eq!(owned.encode_to_vec_with(&Config::PEER).unwrap(), *bytes);
    let long = b"\xec\x00\x00\x00\x00\x00\x00\x00\x80";
    assert_eq!(owned.encode_to_vec().unwrap(), long);
    for (way, found) in writings(value, long, &Config::PEER) {
        assert_eq!(found, *bytes, "{way}");
    }
    for (way, found) in writings(value, long, &Config::DEFAULT) {
        assert_eq!(found, long, "{way}");
    }
}

#[test]
fn malformed_inputs_give_what_is_committed() {
    let inputs = jsonl("tests/vectors/qpack_malformed.jsonl");
    let expected = jsonl("tests/vectors/qpack_malformed_expected.jsonl");
    assert_eq!((inputs.len(), expected.len()), (58, 58));
    let mut wrong = Vec::new();
    for (input, expected) in inputs.iter().zip(&expected).step_by(MIRI_STEP) {
        assert_eq!(input["hex"], expected["hex"]);
        let bytes = encoding(input);
        for (config, expected) in [(Config::DEFAULT, &expected["strict"]), (Config::PEER, &expected["peer"])] {
            for (way, found) in readings(&bytes, &config) {
                let found = outcome(&found);
                if found != *expected {
                    wrong.push(format!("{way} of {}: {found} instead of {expected}", to_hex(&bytes)));
                }
            }
            let mut reader = Reader::with_config(&bytes, &config);
            let skipped = reader.skip().and_then(|()| reader.finish()).map(drop);
            check_alike(&mut wrong, "skip", &bytes, skipped.map_err(|error| outcome(&Err(error))), expected);
            #[cfg(feature = "serde")]
            {
                let ignored = qpack_codec::serde::from_slice_with::<serde::de::IgnoredAny>(&bytes, &config);
                let ignored = ignored.map(drop).map_err(|error| outcome(&Err(*error.decode_error().unwrap())));
                check_alike(&mut wrong, "IgnoredAny", &bytes, ignored, expected);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// For readings that build nothing: the same error, or none.
fn check_alike(wrong: &mut Vec<String>, way: &str, bytes: &[u8], found: Result<(), Json>, expected: &Json) {
    let alike = match &found {
        Ok(()) => expected.get("ok").is_some(),
        Err(error) => error == expected,
    };
    if !alike {
        wrong.push(format!("{way} of {}: {found:?} instead of {expected}", to_hex(bytes)));
    }
}

/// A result in the notation of the expectations.
fn outcome(result: &Result<Json, DecodeError>) -> Json {
    match result {
        Ok(value) => json!({"ok": value}),
        Err(error) => {
            assert_eq!(error.limit(), (error.kind() == DecodeErrorKind::LimitExceeded).then_some(Limit::MaxLen));
            json!({"error": format!("{:?}", error.kind()), "offset": error.offset(), "what": error.what()})
        }
    }
}

#[test]
fn of_a_stream_a_malformed_input_is_incomplete_where_more_bytes_could_mend_it() {
    for expected in jsonl("tests/vectors/qpack_malformed_expected.jsonl").into_iter().step_by(MIRI_STEP) {
        let bytes = encoding(&expected);
        let strict = ValueRef::decode(&bytes);
        for config in [Config::DEFAULT, Config::PEER] {
            let mut decoder = Decoder::with_config(&config);
            let first = decoder.decode(&bytes);
            assert_eq!(first, ValueRef::decode_prefix(&bytes, &config), "{}", to_hex(&bytes));
            assert_eq!(decoder.clone().decode(&bytes), first, "again on {}", to_hex(&bytes));
            match (&strict, first) {
                (Ok(value), Ok(Decoded::Complete { value: found, consumed })) => {
                    assert_eq!((common::of_ref(found), consumed), (common::of_ref(*value), bytes.len()));
                    assert_eq!(decoder.finish(&bytes[consumed..]), Ok(()));
                }
                // Bytes that follow a value are the next one's.
                (Err(error), Ok(Decoded::Complete { value, consumed })) => {
                    let kind = DecodeErrorKind::TrailingBytes;
                    assert_eq!((error.kind(), error.offset()), (kind, consumed), "{}", to_hex(&bytes));
                    assert_eq!(json!({"ok": common::of_ref(value)}), expected["peer"]);
                }
                (Err(error), Ok(Decoded::Incomplete { needed })) => {
                    assert!(error.is_incomplete() && needed.get() > 0, "{}", to_hex(&bytes));
                    let end = if bytes.is_empty() { Ok(()) } else { Err(*error) };
                    assert_eq!(decoder.finish(&bytes), end, "{}", to_hex(&bytes));
                }
                (Err(error), Err(found)) => {
                    assert!(!error.is_incomplete(), "{}", to_hex(&bytes));
                    assert_eq!(found, *error, "{}", to_hex(&bytes));
                    assert_eq!(decoder.finish(&bytes), Err(*error));
                }
                (Ok(_), other) => panic!("{}: {other:?}", to_hex(&bytes)),
            }
        }
    }
}

#[test]
fn needed_is_what_the_length_field_tells() {
    let needed = |bytes: &[u8]| match ValueRef::decode_prefix(bytes, &Config::DEFAULT).unwrap() {
        Decoded::Incomplete { needed } => needed.get(),
        Decoded::Complete { .. } => panic!("complete: {}", to_hex(bytes)),
    };
    for (bytes, expected) in [
        (&b""[..], 1),
        (b"\xe4", 1),
        (b"\xe4\x05", 5),
        (b"\xe5\x00", 1),
        (b"\xe6\x00\x00", 2),
        (b"\xe6\x00\x00\x01\x00abc", 65_533),
        (b"\xe7", 8),
        (b"\xeb\x01", 7),
        (b"\xec", 8),
        (b"\x85ad", 3),
        (b"\xee", 1),
        (b"\xfc\x01", 1),
    ] {
        assert_eq!(needed(bytes), expected, "{}", to_hex(bytes));
    }
}

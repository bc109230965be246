//! The laws of `DESIGN.md`, over the golden vectors and over generated values and encodings.
//!
//! Law 9 (good–bad–good) does not apply: qpack has no place at which a reader could start anew after a fault. What does
//! hold, that whole inputs are independent of each other, is `r12_…` in `hostile.rs`. Law 7 has no idle half here, since
//! nothing waits; the other half, that an error is repeated, is below.

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

testkit::counting_allocator!();

mod common;

use bytes::{Bytes, BytesMut};
use common::Kinds;
use proptest::prelude::{any, proptest};
use proptest::test_runner::Config as Cases;
use qpack_codec::{
    Config, DecodeError, DecodeErrorKind, Decoded, Decoder, EncodeError, Limits, Node, Reader, Tape, Token, Value,
    ValueRef, Writer,
};
use serde_json::Value as Json;
use testkit::laws::{self, Prefix};
use testkit::vectors::{encoding, jsonl, to_hex};
use testkit::{Rng, assert_no_alloc};

const CASES: usize = if cfg!(miri) { 10 } else { 2_000 };

/// Encodings that end by themselves, short enough to be cut everywhere, with their values.
fn golden() -> Vec<(Vec<u8>, Json)> {
    let vectors = jsonl("tests/vectors/qpack.jsonl");
    let complete =
        vectors.iter().filter(|vector| vector["dir"] != "encode" && ValueRef::decode(&encoding(vector)).is_ok());
    let made: Vec<_> = complete.map(|vector| (encoding(vector), common::plain(&vector["value"]))).collect();
    assert_eq!(made.len(), 108);
    made.into_iter().filter(|(bytes, _)| bytes.len() < if cfg!(miri) { 20 } else { 70_000 }).collect()
}

/// Runs `check` over generated values, one seed for each; a failure names it.
fn for_each_seed(cases: usize, mut check: impl FnMut(&mut Rng)) {
    struct Named(u64);

    impl Drop for Named {
        #[expect(clippy::print_stderr, reason = "beside the panic, which says what is wrong")]
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("failed with TESTKIT_SEED={}", self.0);
            }
        }
    }

    let first = testkit::rng::seed();
    for seed in (0..cases as u64).map(|case| first.wrapping_add(case)) {
        let _named = Named(seed);
        check(&mut Rng::new(seed));
    }
}

/// The values of a stream, and how it ends.
fn read_stream(chunks: &mut dyn Iterator<Item = &[u8]>) -> (Vec<Json>, Option<DecodeError>, Result<(), DecodeError>) {
    let mut decoder = Decoder::new();
    let (mut held, mut values) = (Vec::new(), Vec::new());
    for chunk in chunks {
        held.extend_from_slice(chunk);
        loop {
            match decoder.decode(&held) {
                Ok(Decoded::Complete { value, consumed }) => {
                    values.push(common::of_ref(value));
                    held.drain(..consumed);
                }
                Ok(Decoded::Incomplete { needed }) => {
                    assert!(needed.get() > 0);
                    break;
                }
                Err(error) => return (values, Some(error), decoder.finish(&held)),
            }
        }
    }
    let end = decoder.finish(&held);
    (values, None, end)
}

#[test]
fn law_01_a_stream_reads_the_same_however_it_is_cut() {
    let whole: Vec<u8> =
        golden().into_iter().map(|(bytes, _)| bytes).filter(|bytes| bytes.len() < 64).flatten().collect();
    let expected: Vec<Json> =
        golden().into_iter().filter(|(bytes, _)| bytes.len() < 64).map(|(_, value)| value).collect();
    laws::chunking(&whole, |chunks| {
        let (values, error, end) = read_stream(chunks);
        assert!(values == expected && (error, end) == (None, Ok(())), "{error:?} {end:?}");
        values
    });
    for_each_seed(if cfg!(miri) { 1 } else { 6 }, |rng| {
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        while stream.len() < 150 {
            let (bytes, value, _) = common::encoding(rng, 3, Kinds::All, false);
            stream.extend(bytes);
            expected.push(common::of_value(&value));
        }
        laws::chunking(&stream, |chunks| {
            let (values, error, end) = read_stream(chunks);
            assert_eq!((&values, error, end), (&expected, None, Ok(())));
        });
        // Torn, or with a fault in it: the same end, too.
        let cut = rng.below(stream.len());
        laws::chunking(&stream[..cut], read_stream);
        stream[cut] = *rng.choose(&[0xfe, 0xff, 0xe7, 0x7c, 0xfd]);
        laws::chunking(&stream, read_stream);
    });
}

fn prefix(bytes: &[u8]) -> Prefix {
    match ValueRef::decode_prefix(bytes, &Config::DEFAULT) {
        Ok(Decoded::Complete { consumed, .. }) => Prefix::Complete { consumed },
        Ok(Decoded::Incomplete { needed }) => Prefix::Incomplete { needed: needed.get() },
        Err(_) => Prefix::Failed,
    }
}

#[test]
fn law_02_a_prefix_is_incomplete() {
    // Those only that end by themselves: an open container at the end of a stream may always go on.
    for (bytes, _) in golden() {
        laws::prefix(&bytes, prefix);
    }
    for_each_seed(CASES / 10, |rng| {
        let (bytes, ..) = common::encoding(rng, 3, Kinds::All, false);
        if bytes.len() <= 1000 {
            laws::prefix(&bytes, prefix);
        }
    });
    // The end that a strict reader misses is the start of what a stream waits for.
    for_each_seed(CASES / 10, |rng| {
        let (bytes, _, left_open) = common::encoding(rng, 4, Kinds::All, true);
        if left_open {
            assert_eq!(ValueRef::decode(&bytes).unwrap_err().kind(), DecodeErrorKind::Unclosed);
            assert_eq!(prefix(&bytes), Prefix::Incomplete { needed: 1 });
        }
    });
}

#[test]
fn law_03_values_come_back_by_their_bits() {
    let same = |one: &Value, other: &Value| common::of_value(one) == common::of_value(other) && one == other;
    for_each_seed(CASES, |rng| {
        let value = common::value(rng, 4, Kinds::All);
        let encode = |value: &Value| value.encode_to_vec().unwrap();
        laws::round_trip_value_by(&value, encode, |bytes| Value::decode(bytes).unwrap(), same);
        let decode = |bytes: &[u8]| Value::decode_bytes(&Bytes::copy_from_slice(bytes)).unwrap();
        laws::round_trip_value_by(&value, encode, decode, same);
    });
}

#[test]
fn law_03_canonical_bytes_come_back() {
    let recode = |bytes: &[u8]| Value::decode(bytes).unwrap().encode_to_vec().unwrap();
    let recode_view = |bytes: &[u8]| ValueRef::decode(bytes).unwrap().encode_to_vec().unwrap();
    let recode_tokens = |bytes: &[u8]| {
        let (mut reader, mut out) = (Reader::new(bytes), Vec::new());
        let mut writer = Writer::new(&mut out);
        while let Some(token) = reader.token().unwrap() {
            writer.token(token).unwrap();
        }
        writer.finish().unwrap();
        out
    };
    for vector in jsonl("tests/vectors/qpack.jsonl").iter().filter(|vector| vector["dir"] == "both") {
        let bytes = encoding(vector);
        if bytes.len() < 300 || !cfg!(miri) {
            laws::round_trip_bytes(&bytes, recode);
            laws::round_trip_bytes(&bytes, recode_view);
            laws::round_trip_bytes(&bytes, recode_tokens);
        }
    }
    // Of generated values too, and canonical is what any other encoding of them becomes.
    for_each_seed(CASES, |rng| {
        let (bytes, value, left_open) = common::encoding(rng, 4, Kinds::All, true);
        let canonical = value.encode_to_vec().unwrap();
        laws::round_trip_bytes(&canonical, recode);
        laws::round_trip_bytes(&canonical, recode_tokens);
        let config = Config::DEFAULT.with_end_closes_open(true);
        let view = ValueRef::decode_with(&bytes, &config).unwrap();
        assert_eq!(common::of_ref(view), common::of_value(&value), "{}", to_hex(&bytes));
        assert_eq!(to_hex(&view.encode_to_vec().unwrap()), to_hex(&canonical), "{}", to_hex(&bytes));
        assert_eq!(view.encoded_len(), canonical.len());
        assert_eq!(ValueRef::decode(&bytes).is_err(), left_open, "{}", to_hex(&bytes));
        // No form is shorter than the canonical one, but for the close bytes that the end stands for.
        let missing = if left_open { 5 } else { 0 };
        assert!(canonical.len() <= bytes.len() + missing, "{}", to_hex(&bytes));
    });
}

#[test]
fn law_04_the_size_is_known_before() {
    for_each_seed(CASES / 4, |rng| {
        let value = common::value(rng, 4, Kinds::All);
        let bytes = value.encode_to_vec().unwrap();
        let view = ValueRef::decode(&bytes).unwrap();
        laws::size(value.encoded_len(), |out| value.encode(out));
        laws::size(view.encoded_len(), |out| view.encode(out));
        laws::size(value.encoded_len(), |out| {
            let mut writer = Writer::new(out);
            writer.value(&value)?;
            assert_eq!(writer.finish()?, bytes.len());
            Ok::<_, EncodeError>(())
        });
        laws::size(value.encoded_len(), |out| {
            let mut shared = BytesMut::from(&out[..]);
            value.encode(&mut shared)?;
            *out = shared.to_vec();
            Ok::<_, EncodeError>(())
        });
    });
}

#[test]
fn law_04_on_an_error_nothing_is_written() {
    for_each_seed(CASES / 4, |rng| {
        let value = common::value(rng, 4, Kinds::All);
        let bytes = value.encode_to_vec().unwrap();
        let view = ValueRef::decode(&bytes).unwrap();
        let less = rng.below(bytes.len());
        // Too small a slice: not a byte of it is touched.
        let mut room = vec![0xa5; less];
        let full = EncodeError::BufferTooSmall { len: bytes.len(), available: less };
        assert_eq!(value.encode(&mut &mut room[..]), Err(full));
        assert_eq!(view.encode(&mut &mut room[..]), Err(full));
        assert!(room.iter().all(|&byte| byte == 0xa5));
        let mut room = vec![0; bytes.len()];
        assert_eq!(value.encode(&mut &mut room[..]), Ok(()));
        assert_eq!(room, bytes);
        // Too strict limits.
        let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_len(less));
        let errors = [
            laws::nothing_written(|out| value.encode_with(out, &config)),
            laws::nothing_written(|out| view.encode_with(out, &config)),
            laws::nothing_written(|out| Writer::with_config(out, &config).value(&value).map(drop)),
            laws::nothing_written(|out| Writer::with_config(out, &config).value_ref(view).map(drop)),
            laws::nothing_written(|out| {
                let mut shared = BytesMut::from(&out[..]);
                let result = value.encode_with(&mut shared, &config);
                *out = shared.to_vec();
                result
            }),
            laws::nothing_written(|out| {
                let mut shared = BytesMut::from(&out[..]);
                let result = Writer::with_config(&mut shared, &config).value(&value).map(drop);
                *out = shared.to_vec();
                result
            }),
        ];
        for error in errors {
            let EncodeError::LimitExceeded { limit, met, max } = error else { panic!("{error}") };
            assert_eq!((limit, max), (qpack_codec::Limit::MaxLen, less as u64));
            assert!(met > max);
        }
    });
}

#[test]
fn law_05_views_allocate_nothing() {
    for_each_seed(CASES / 4, |rng| {
        let (bytes, value, _) = common::encoding(rng, 4, Kinds::All, true);
        let config = Config::DEFAULT.with_end_closes_open(true);
        let walked = assert_no_alloc(|| walk(ValueRef::decode_with(&bytes, &config).unwrap()));
        let mut tokens = 0;
        assert_no_alloc(|| {
            let mut reader = Reader::with_config(&bytes, &config);
            while let Some(token) = reader.token().unwrap() {
                tokens += usize::from(token != Token::End);
            }
        });
        assert_no_alloc(|| Reader::with_config(&bytes, &config).skip().unwrap());
        let mut tape = Tape::new();
        let len = tape.parse(&bytes, &config).unwrap().len();
        assert!(tape.capacity() <= 32 * len.max(4));
        let nodes = assert_no_alloc(|| walk_nodes(tape.parse(&bytes, &config).unwrap().root()));
        assert_eq!((walked, tokens, nodes), (len, len, len), "{value:?}");
        assert_no_alloc(|| match Decoder::new().decode(&bytes) {
            Ok(Decoded::Complete { value, .. }) => walk(value),
            Ok(Decoded::Incomplete { .. }) => 0,
            Err(error) => panic!("{error}"),
        });
    });
    // Errors cost nothing either.
    assert_no_alloc(|| {
        for input in [&b"\xfe"[..], b"\xe7\xff", b"\xf4\x81a", b"\xee\xee\xee", b"\x00\x00"] {
            assert!(ValueRef::decode(input).is_err());
            assert!(Value::decode(input).is_err());
        }
    });
}

/// How many values there are, keys counted.
fn walk(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Array(array) => 1 + array.iter().map(walk).sum::<usize>(),
        ValueRef::Map(map) => 1 + map.iter().map(|(key, value)| walk(key) + walk(value)).sum::<usize>(),
        _ => 1,
    }
}

fn walk_nodes(node: Node<'_>) -> usize {
    1 + node.children().map(walk_nodes).sum::<usize>()
}

#[test]
fn law_05_an_owned_value_costs_no_more_than_stated() {
    for_each_seed(CASES, |rng| {
        let (bytes, ..) = common::encoding(rng, 5, Kinds::All, true);
        let config = Config::DEFAULT.with_end_closes_open(true);
        let values = walk(ValueRef::decode_with(&bytes, &config).unwrap());
        let ((), stats) = testkit::measure(|| drop(Value::decode_with(&bytes, &config).unwrap()));
        // As the docs of `Limits` have it; beside it a copy of the input and the stack of open containers.
        assert!(stats.peak <= 2 * 96 * values + bytes.len() + 2048, "{stats:?} for {values} in {}", to_hex(&bytes));
        let shared = Bytes::from(bytes.clone());
        let ((), stats) = testkit::measure(|| drop(Value::decode_bytes_with(&shared, &config).unwrap()));
        assert!(stats.peak <= 2 * 96 * values + 2048, "{stats:?} for {values} in {}", to_hex(&bytes));
    });
}

#[test]
fn law_05_every_input_is_answered_within_bounds() {
    let decode = |bytes: &[u8]| {
        for config in [Config::DEFAULT, Config::PEER] {
            let _ = Value::decode_with(bytes, &config);
            let _ = Tape::new().parse(bytes, &config).map(|tree| tree.len());
        }
    };
    let seeds: [&[u8]; 5] = [
        b"\xf4\x81a\xfc\x01\xe9\x00\x01\xfe",
        b"\xfd\xef\x7c\xfb\xec12345678\xff",
        b"\xe7\x01\0\0\0\0\0\0\0a",
        b"\xee\xe4\x03abc",
        b"\xf2\x01\x02\x03\x04\x05",
    ];
    for seed in seeds {
        for (index, input) in laws::mutations(seed).enumerate() {
            if !cfg!(miri) || index % 100 == 0 {
                laws::totality(&input, 200 * input.len() + 2048, decode);
            }
        }
    }
    for_each_seed(CASES / 4, |rng| {
        let len = rng.below(64);
        let mut input = rng.bytes(len);
        // Structure more often than bytes at random have it.
        for byte in &mut input {
            if rng.below(2) == 0 {
                *byte = *rng.choose(&[0x00, 0x7c, 0x80, 0x81, 0xe4, 0xee, 0xf4, 0xf5, 0xfc, 0xfd, 0xfe, 0xff]);
            }
        }
        laws::totality(&input, 200 * input.len() + 4096, decode);
    });
}

#[test]
fn law_06_view_and_owned_are_the_same() {
    let check = |bytes: &[u8]| {
        for config in [Config::DEFAULT, Config::PEER] {
            let owned = |bytes: &[u8]| Value::decode_with(bytes, &config);
            laws::two_forms(bytes, |bytes| ValueRef::decode_with(bytes, &config).map(ValueRef::into_owned), owned);
            laws::two_forms(bytes, |bytes| Value::decode_bytes_with(&Bytes::copy_from_slice(bytes), &config), owned);
            let described = |bytes: &[u8]| ValueRef::decode_with(bytes, &config).map(common::of_ref);
            laws::two_forms(bytes, described, |bytes| {
                Tape::new().parse(bytes, &config).map(|tree| common::of_node(tree.root()))
            });
            laws::two_forms(bytes, described, |bytes| owned(bytes).map(|value| common::of_value(&value)));
            laws::two_forms(
                bytes,
                |bytes| ValueRef::decode_with(bytes, &config).map(|value| format!("{value:?}")),
                |bytes| owned(bytes).map(|value| format!("{value:?}")),
            );
        }
    };
    for vector in jsonl("tests/vectors/qpack.jsonl").iter().chain(&jsonl("tests/vectors/qpack_malformed.jsonl")) {
        let bytes = encoding(vector);
        if bytes.len() < 300 {
            check(&bytes);
        }
    }
    for_each_seed(CASES / 4, |rng| check(&common::encoding(rng, 4, Kinds::All, true).0));
}

/// Equality does not see the encoding, in a value and in the parts it is made of.
#[test]
fn law_06_two_encodings_of_a_value_are_equal() {
    let config = Config::DEFAULT.with_end_closes_open(true);
    for_each_seed(CASES / 4, |rng| {
        let (bytes, value, _) = common::encoding(rng, 3, Kinds::All, true);
        let canonical = value.encode_to_vec().unwrap();
        let one = ValueRef::decode_with(&bytes, &config).unwrap();
        let other = ValueRef::decode(&canonical).unwrap();
        assert_eq!(one, other);
        let (mut first, mut second) = (Tape::new(), Tape::new());
        let one_tree = first.parse(&bytes, &config).unwrap();
        let other_tree = second.parse(&canonical, &config).unwrap();
        assert_eq!(one_tree.root(), other_tree.root());
    });
}

#[test]
fn law_06_two_encodings_of_a_container_are_equal() {
    let decode = |bytes| ValueRef::decode(bytes).unwrap();
    let (counted, open) = (decode(b"\xee\x01"), decode(b"\xfc\x01\xfe"));
    assert_eq!(counted, open);
    assert_eq!(counted.as_array(), open.as_array());
    let (counted, open) = (decode(b"\xf4\x81a\x01"), decode(b"\xfd\xe4\x01a\xe8\x01\xff"));
    assert_eq!(counted, open);
    assert_eq!(counted.as_map(), open.as_map());
}

#[test]
fn law_07_an_error_is_repeated() {
    for vector in jsonl("tests/vectors/qpack_malformed.jsonl").iter().map(encoding) {
        for config in [Config::DEFAULT, Config::PEER] {
            let Err(error) = ValueRef::decode_with(&vector, &config) else { continue };
            // A reader, whatever it is asked for.
            let mut reader = Reader::with_config(&vector, &config);
            let met = loop {
                match reader.token() {
                    Ok(Some(_)) => {}
                    Ok(None) => break reader.finish().unwrap_err(),
                    Err(error) => break error,
                }
            };
            assert_eq!(met, error, "{}", to_hex(&vector));
            let at = reader.position();
            laws::repeats_error(&error, |_| reader.finish().err());
            if error.kind() != DecodeErrorKind::TrailingBytes {
                laws::repeats_error(&error, |round| match round % 3 {
                    0 => reader.token().err(),
                    1 => reader.finish().err(),
                    _ => reader.skip().err(),
                });
            }
            assert_eq!(reader.position(), at);
            // A decoder, for good.
            let mut decoder = Decoder::with_config(&config);
            if let Err(error) = decoder.decode(&vector) {
                laws::repeats_error(&error, |round| match round % 3 {
                    0 => decoder.decode(&vector).err(),
                    1 => decoder.decode(b"\x01").err(),
                    _ => decoder.finish(b"").err(),
                });
                decoder.reset();
                assert!(decoder.decode(b"\x01").is_ok());
            }
        }
    }
    let mut out = b"before".to_vec();
    let mut writer = Writer::new(&mut out);
    let error = writer.array(1).unwrap().int(1).unwrap().int(2).unwrap_err();
    laws::repeats_error(&error, |round| match round % 6 {
        0 => writer.int(1).err(),
        1 => writer.str("a").err(),
        2 => writer.map_auto().err(),
        3 => writer.end().err(),
        4 => writer.value(&Value::Null).err(),
        _ => writer.token(Token::End).err(),
    });
    assert_eq!(writer.finish(), Err(error));
    assert_eq!(out, b"before");
}

#[test]
fn law_08_the_same_input_gives_the_same_output() {
    for_each_seed(if cfg!(miri) { 2 } else { 50 }, |rng| {
        let (bytes, value, _) = common::encoding(rng, 4, Kinds::All, true);
        laws::deterministic(|| {
            let view = ValueRef::decode_with(&bytes, &Config::PEER).unwrap();
            (format!("{view:?}"), view.encode_to_vec().unwrap(), value.clone().encode_to_vec().unwrap())
        });
    });
}

#[test]
fn law_10_the_hook_passes_through() {
    fn hooks(value: &Value) -> usize {
        match value {
            Value::Hook => 1,
            Value::Array(array) => array.iter().map(hooks).sum(),
            Value::Map(map) => map.iter().map(|(key, value)| hooks(key) + hooks(value)).sum(),
            _ => 0,
        }
    }
    for input in [&b"\x7c"[..], b"\xee\x7c", b"\xf4\x7c\x7c", b"\xf4\x81a\x7c", b"\xfc\x7c\x7c\x7c\x7c\x7c\x7c\xfe"] {
        let count = input.iter().filter(|&&byte| byte == 0x7c).count();
        let decode = |bytes| Value::decode(bytes).unwrap();
        laws::pass_through(input, decode, |value| hooks(value) == count, |value| value.encode_to_vec().unwrap());
        let decode = |bytes| ValueRef::decode(bytes).unwrap();
        let is_unknown = |value: &ValueRef<'_>| hooks(&value.into_owned()) == count;
        laws::pass_through(input, decode, is_unknown, |value| value.encode_to_vec().unwrap());
    }
    // Odd keys and the same key twice are no less values.
    for input in [&b"\xf5\x81a\x01\x81a\x02"[..], b"\xf4\xed\x01", b"\xf4\xf4\x7f\xfb\xf9", b"\xf5\x01\x01\x01\x02"] {
        let decode = |bytes| Value::decode(bytes).unwrap();
        laws::pass_through(input, decode, |value| value.as_map().is_some(), |value| value.encode_to_vec().unwrap());
    }
}

#[test]
fn law_11_a_decoder_looks_at_no_byte_twice() {
    if cfg!(miri) {
        return;
    }
    for_each_seed(4, |rng| {
        let mut unit = Vec::new();
        while unit.len() < 40 {
            unit.extend(common::encoding(rng, 2, Kinds::All, false).0);
        }
        laws::linear_cpu(
            500,
            |n| [b"\xfc", &unit.repeat(n)[..], b"\xfe"].concat(),
            |stream| {
                let mut decoder = Decoder::new();
                (1..=stream.len())
                    .filter(|&len| matches!(decoder.decode(&stream[..len]), Ok(Decoded::Complete { .. })))
                    .count()
            },
        );
    });
}

proptest! {
    #![proptest_config(Cases { cases: if cfg!(miri) { 4 } else { 2_000 }, failure_persistence: None, ..Cases::default() })]

    /// Bytes at random: every way to read says the same.
    #[test]
    fn any_bytes_are_read_alike(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        for config in [Config::DEFAULT, Config::PEER] {
            let view = ValueRef::decode_with(&bytes, &config).map(common::of_ref);
            let tokens = {
                let mut reader = Reader::with_config(&bytes, &config);
                common::of_tokens(&mut reader).and_then(|value| reader.finish().map(|_| value))
            };
            assert_eq!(tokens, view);
            assert_eq!(Value::decode_with(&bytes, &config).map(|value| common::of_value(&value)), view);
        }
    }

    #[test]
    fn any_integer_comes_back_in_its_smallest_form(value in any::<i64>(), shift in 0..64_u32) {
        let value = value >> shift;
        let bytes = Value::Int(value).encode_to_vec().unwrap();
        let size = match value {
            -60..=63 => 1,
            -0x80..=0x7f => 2,
            -0x8000..=0x7fff => 3,
            -0x8000_0000..=0x7fff_ffff => 5,
            _ => 9,
        };
        assert_eq!((bytes.len(), ValueRef::decode(&bytes).unwrap().as_int()), (size, Some(value)));
    }

    #[test]
    fn any_double_comes_back_by_its_bits(bits in any::<u64>()) {
        let bytes = Value::Double(f64::from_bits(bits)).encode_to_vec().unwrap();
        assert_eq!(ValueRef::decode(&bytes).unwrap().as_double().map(f64::to_bits), Some(bits));
    }
}

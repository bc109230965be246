//! Input, and values, that mean harm: one test or comment for each bug class R1 to R15.

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

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::{Bytes, BytesMut};
use qpack_codec::{
    Config, DecodeError, DecodeErrorKind, Decoded, Decoder, EncodeError, Limit, Limits, Reader, Tape, Value, ValueRef,
    Writer,
};
use testkit::laws::{self, hostile_lengths};
use testkit::vectors::{encoding, jsonl, to_hex};
use testkit::{SMALL_STACK, assert_no_alloc, measure, on_small_stack};

/// What a result tells besides its value.
type Verdict = Result<(), DecodeError>;

/// One way to read under some settings.
type Entry = (&'static str, fn(&[u8], &Config) -> Verdict);

/// Every public way to read input to its end. R15: whoever adds one adds it here.
fn entries() -> Vec<Entry> {
    vec![
        ("ValueRef::decode_with", |bytes, config| ValueRef::decode_with(bytes, config).map(drop)),
        ("ValueRef::decode_prefix", |bytes, config| as_strict(ValueRef::decode_prefix(bytes, config), bytes, config)),
        ("Decoder::decode", |bytes, config| {
            let mut decoder = Decoder::with_config(config);
            let decoded = decoder.decode(bytes);
            as_strict(decoded, bytes, config)
        }),
        ("Decoder::finish", |bytes, config| {
            // It goes on to the values behind the first, which for the others are trailing bytes.
            let verdict = ValueRef::decode_with(bytes, config).map(drop);
            match verdict {
                Err(error) if error.kind() == DecodeErrorKind::TrailingBytes || bytes.is_empty() => verdict,
                _ => Decoder::with_config(config).finish(bytes),
            }
        }),
        ("Value::decode_with", |bytes, config| Value::decode_with(bytes, config).map(drop)),
        ("Value::decode_bytes_with", |bytes, config| {
            Value::decode_bytes_with(&Bytes::copy_from_slice(bytes), config).map(drop)
        }),
        ("Tape::parse", |bytes, config| Tape::new().parse(bytes, config).map(drop)),
        ("Reader::finish", |bytes, config| Reader::with_config(bytes, config).finish().map(drop)),
        ("Reader::token", |bytes, config| {
            let mut reader = Reader::with_config(bytes, config);
            while reader.token()?.is_some() {}
            reader.finish().map(drop)
        }),
        ("Reader::for_each_token", |bytes, config| {
            let mut reader = Reader::with_config(bytes, config);
            reader.for_each_token(drop)?;
            reader.finish().map(drop)
        }),
        ("Reader::skip", |bytes, config| {
            let mut reader = Reader::with_config(bytes, config);
            reader.skip()?;
            reader.finish().map(drop)
        }),
        ("Reader::leave", |bytes, config| {
            let mut reader = Reader::with_config(bytes, config);
            reader.token()?;
            if reader.depth() > 0 {
                reader.leave()?;
            }
            reader.finish().map(drop)
        }),
        #[cfg(feature = "serde")]
        ("serde::from_slice_with", |bytes, config| {
            let result = qpack_codec::serde::from_slice_with::<serde::de::IgnoredAny>(bytes, config);
            result.map(drop).map_err(|error| *error.decode_error().expect("a fault in the bytes"))
        }),
    ]
}

/// A prefix that is not enough, told in the words of the strict reader.
fn as_strict(decoded: Result<Decoded<ValueRef<'_>>, DecodeError>, bytes: &[u8], config: &Config) -> Verdict {
    match decoded? {
        Decoded::Complete { consumed, .. } if consumed == bytes.len() => Ok(()),
        Decoded::Complete { .. } | Decoded::Incomplete { .. } => {
            let strict = ValueRef::decode_with(bytes, config);
            assert!(strict.is_err(), "a prefix of {} is complete, but not its end", to_hex(bytes));
            strict.map(drop)
        }
    }
}

fn limited(depth: u8) -> Config {
    Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_depth(depth))
}

/// The five length fields, with `inside` in front, and every hostile length with few or no bytes behind it.
fn hostile_raws(inside: &[u8]) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for body in [&b""[..], b"abc"] {
        for (first, size) in [(0xe4_u8, 1_usize), (0xe5, 2), (0xe6, 4), (0xe7, 8)] {
            for len in hostile_lengths(8 * size as u32, body.len() as u64) {
                if len > body.len() as u64 {
                    inputs.push([inside, &[first], &len.to_le_bytes()[..size], body].concat());
                }
            }
        }
        inputs.extend((body.len() + 1..=99).map(|len| [inside, &[0x80 + len as u8], body].concat()));
    }
    inputs
}

#[test]
fn r01_lengths_from_the_wire_reserve_nothing() {
    let surroundings: [&[u8]; 6] = [b"", b"\xee", b"\xfc", b"\xf4", b"\xf4\x81a", b"\xfd\x81a"];
    let mut count = 0;
    for inside in surroundings {
        for input in hostile_raws(inside) {
            for (way, decode) in entries() {
                // What a level takes in an owned value, its builder and the tape, and a copy of the input.
                laws::totality(&input, 2048, |bytes| {
                    let error = decode(bytes, &Config::DEFAULT).expect_err(way);
                    let kinds = [DecodeErrorKind::UnexpectedEnd, DecodeErrorKind::LimitExceeded];
                    assert!(kinds.contains(&error.kind()) && error.offset() == inside.len(), "{way}: {error}");
                });
            }
            count += 1;
        }
    }
    assert!(count > 1000, "{count}");
}

/// Bytes of heap that the docs of `Limits` allow an owned value and a tape: 96 and 16 a value, twice that while growing;
/// beside it the copy of the input and a stack of open levels.
fn stated_peak(values: usize, input: usize) -> usize {
    2 * 96 * values + 2 * input + 4096
}

#[test]
fn r02_small_elements_cost_no_more_than_stated() {
    const N: usize = if cfg!(miri) { 100 } else { 100_000 };
    let wide: [(&[u8], usize); 11] = [
        (b"\x00", 1),
        (b"\x80", 1),
        (b"\xed", 1),
        (b"\xf3", 1),
        (b"\xfc\xfe", 1),
        (b"\xfd\xff", 1),
        (b"\xee\x00", 2),
        (b"\xf4\x00\x00", 3),
        (b"\xfc\x00\xfe", 2),
        (b"\xfd\x00\x00\xff", 3),
        (b"\xfd\x00\xfd\x00\xfd\x00\x00\xff\xff\xff", 7),
    ];
    for (element, values) in wide {
        for (open, close, per) in [(0xfc_u8, 0xfe_u8, 1), (0xfd, 0xff, 2)] {
            let mut input = vec![open];
            (0..N * per).for_each(|_| input.extend(element));
            input.push(close);
            let values = values * N * per + 1;
            let view = assert_no_alloc(|| ValueRef::decode(&input)).unwrap();
            assert_no_alloc(|| match view {
                ValueRef::Array(array) => array.iter().count(),
                ValueRef::Map(map) => map.iter().count(),
                _ => unreachable!(),
            });
            let (value, stats) = measure(|| Value::decode(&input).unwrap());
            let allowed = stated_peak(values, input.len());
            assert!(stats.peak <= allowed, "{}: {} bytes of at most {allowed}", to_hex(element), stats.peak);
            assert_eq!(value.encoded_len(), view.encoded_len());
            let (_, stats) = measure(|| Tape::new().parse(&input, &Config::DEFAULT).unwrap().len());
            assert!(stats.peak <= 32 * values + 256, "{}: {} bytes of tape", to_hex(element), stats.peak);
        }
    }
}

/// 1 MiB of each way to nest.
fn openers() -> Vec<(&'static str, Vec<u8>)> {
    const LEN: usize = if cfg!(miri) { 1 << 12 } else { 1 << 20 };
    let units: [(&str, &[u8]); 14] = [
        ("array of one", b"\xee"),
        ("array of five", b"\xf2"),
        ("open array", b"\xfc"),
        ("last of two", b"\xef\x00"),
        ("value of a map", b"\xf4\x81a"),
        ("last value of a map", b"\xf5\x00\x00\x01"),
        ("value of an open map", b"\xfd\x81a"),
        ("key of a map", b"\xf4"),
        ("key of a map of five", b"\xf8"),
        ("key of an open map", b"\xfd"),
        ("open array as key", b"\xfd\xfc"),
        ("all in turn", b"\xee\xfc\xf4\x81a\xfd\x81a"),
        ("keys in turn", b"\xee\xfd\xf4\xfc"),
        ("behind siblings", b"\xfc\x01\xfd\x81a\x02\x81b"),
    ];
    units.map(|(name, unit)| (name, unit.repeat(LEN / unit.len()))).into()
}

#[test]
fn r03_a_mebibyte_of_openers_is_refused_at_the_limit() {
    for (name, input) in openers() {
        for depth in [0, 1, 64, 255] {
            for config in [limited(depth), limited(depth).with_end_closes_open(true).with_ignore_trailing(true)] {
                on_small_stack(SMALL_STACK, || {
                    for (way, decode) in entries() {
                        let error = decode(&input, &config).expect_err(name);
                        let found = (error.kind(), error.limit());
                        let expected = (DecodeErrorKind::LimitExceeded, Some(Limit::MaxDepth));
                        assert_eq!(found, expected, "{way}, {name}, {depth}");
                        // The opener that is one too many: none but openers and what they hold lies before it.
                        let before = Reader::with_config(&input, &config);
                        assert_eq!(nth_opener(&input, depth.into()), error.offset(), "{way}, {name}, {before:?}");
                        let _ = error.path(&input[..error.offset() + 1]).to_string();
                    }
                });
            }
        }
    }
}

/// Where the opener stands that has so many before it.
fn nth_opener(input: &[u8], before: usize) -> usize {
    let mut at = 0;
    let mut seen = 0;
    for first in common::first_bytes(&input[..input.len().min(4096)]) {
        if matches!(first, 0xee..=0xf2 | 0xf4..=0xf8 | 0xfc | 0xfd) {
            if seen == before {
                return at;
            }
            seen += 1;
        }
        at += if first == 0x81 { 2 } else { 1 };
    }
    panic!("not so many");
}

#[test]
fn r03_a_value_at_the_limit_is_worked_with_on_a_small_stack() {
    for (open, close) in [("ee", ""), ("fc", "fe"), ("f48161", ""), ("fd8161", "ff"), ("fd", "01ff"), ("f4", "01")] {
        for depth in [1, 64, 255] {
            let input = testkit::vectors::hex(&[open.repeat(depth), "07".into(), close.repeat(depth)].concat());
            let config = limited(depth as u8);
            on_small_stack(SMALL_STACK, || {
                for (way, decode) in entries() {
                    decode(&input, &config).expect(way);
                    let less = limited(depth as u8 - 1);
                    assert_eq!(decode(&input, &less).expect_err(way).limit(), Some(Limit::MaxDepth), "{way}");
                }
                let view = ValueRef::decode_with(&input, &config).unwrap();
                let value = view.into_owned();
                assert_eq!(value, Value::decode_with(&input, &config).unwrap());
                assert_eq!(view, ValueRef::decode_with(&value.encode_to_vec_with(&config).unwrap(), &config).unwrap());
                assert_eq!(format!("{view:?}"), format!("{value:?}"));
                let mut tape = Tape::new();
                let root = tape.parse(&input, &config).unwrap().root();
                assert_eq!(root.value(), view);
                assert_eq!(format!("{root:?}"), format!("{value:?}"));
                let mut out = Vec::new();
                view.encode_with(&mut out, &config).unwrap();
                assert_eq!(out.len(), value.encoded_len());
                assert_eq!(value.clone(), value);
            });
        }
    }
}

#[test]
fn r03_owned_values_of_any_depth_need_no_stack() {
    type Wrap = fn(Value) -> Value;
    let mixed: Wrap = |inner| common::in_array(common::in_key(common::in_map(inner)));
    let ways: [(usize, Wrap); 4] =
        [(1_000_000, common::in_array), (100_000, common::in_map), (1_000_000, common::in_key), (100_000, mixed)];
    for (depth, wrap) in ways {
        let depth = if cfg!(miri) { depth / 500 } else { depth };
        on_small_stack(SMALL_STACK, || {
            let value = common::deep(depth, wrap);
            let copy = value.clone();
            assert!(value == copy);
            let other = common::deep(depth - 1, wrap);
            assert!(value != other);
            assert_eq!(hash_of(&value), hash_of(&copy));
            assert!(format!("{value:?}").len() > 2 * depth);
            for max_depth in [0, 64, 255] {
                let config = limited(max_depth);
                let error = value.encode_to_vec_with(&config).unwrap_err();
                let met = u64::from(max_depth) + 1;
                assert_eq!(error, EncodeError::LimitExceeded { limit: Limit::MaxDepth, met, max: max_depth.into() });
                assert_eq!(laws::nothing_written(|out| value.encode_with(out, &config)), error);
                let mut out = BytesMut::from(&b"before"[..]);
                assert_eq!(value.encode_with(&mut out, &config), Err(error));
                let mut writer = Writer::with_config(&mut out, &config);
                assert_eq!(writer.value(&value).map(drop), Err(error));
                drop(writer);
                assert_eq!(out, "before");
            }
            assert_eq!(value.encoded_len(), 0);
            // Parts of it come apart without recursion too.
            match copy {
                Value::Array(array) => drop(array.into_iter()),
                Value::Map(map) => drop(map.into_vec()),
                _ => unreachable!(),
            }
            let mut two = [value, other];
            two.swap(0, 1);
        });
    }
}

fn hash_of(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Wide, and deep at the end: a drop that looks at siblings again at each level would not come to an end.
#[test]
fn r03_dropping_is_linear() {
    if cfg!(miri) {
        return;
    }
    laws::linear_cpu(
        2_000,
        |n| common::deep(n, |inner| Value::from_iter([Value::Null, Value::from_iter([Value::Null]), inner])),
        drop,
    );
    laws::linear_cpu(2_000, |n| Value::from_iter((0..n).map(|_| common::deep(3, common::in_key))), drop);
}

#[cfg(feature = "serde")]
mod serde_recursion {
    use super::*;
    use qpack_codec::serde::{from_slice_with, to_vec_with};
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize)]
    struct Endless(Option<Box<Self>>);

    #[derive(Debug, Serialize, Deserialize)]
    struct Newtype(Box<Self>);

    #[derive(Debug, Serialize, Deserialize)]
    enum Choice {
        Leaf,
        Newtype(Box<Self>),
        Tuple(Box<Self>, u8),
        Struct { inner: Box<Self> },
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Chain {
        next: Option<Box<Self>>,
    }

    fn limit_of(error: &qpack_codec::serde::Error) -> Option<Limit> {
        match (error.decode_error(), error.encode_error()) {
            (Some(error), None) => error.limit(),
            (None, Some(EncodeError::LimitExceeded { limit, .. })) => Some(*limit),
            _ => None,
        }
    }

    #[test]
    fn r03_serde_types_that_take_no_bytes_end_at_the_limit() {
        for depth in [0, 64, 255] {
            let config = limited(depth);
            on_small_stack(8 * SMALL_STACK, || {
                for input in [&b"\x00"[..], b"\xee", b"\xf9", b"\x81a"] {
                    for error in [
                        from_slice_with::<Endless>(input, &config).unwrap_err(),
                        from_slice_with::<Newtype>(input, &config).unwrap_err(),
                    ] {
                        assert_eq!(error.to_string(), "more than 16 options and newtypes in one another at byte 0");
                        assert_eq!(error.offset(), Some(0));
                    }
                }
            });
        }
        on_small_stack(SMALL_STACK, || {
            from_slice_with::<Endless>(b"\x00", &Config::DEFAULT).unwrap_err();
        });
    }

    #[test]
    fn r03_serde_types_that_nest_end_at_the_limit() {
        let inputs: [&[u8]; 4] =
            [b"\xf4\x87Newtype", b"\xf4\x85Tuple\xef", b"\xf4\x86Struct\xf4\x85inner", b"\xfd\x87Newtype"];
        for unit in inputs {
            let input = unit.repeat(100_000);
            let error =
                on_small_stack(SMALL_STACK, || from_slice_with::<Choice>(&input, &Config::DEFAULT)).unwrap_err();
            assert_eq!(limit_of(&error), Some(Limit::MaxDepth), "{error}");
        }
        let input = b"\xf4\x84next".repeat(100_000);
        let error = on_small_stack(SMALL_STACK, || from_slice_with::<Chain>(&input, &Config::DEFAULT)).unwrap_err();
        assert_eq!(limit_of(&error), Some(Limit::MaxDepth), "{error}");
        // 64 levels are there to be used.
        let input = [b"\xf4\x84next".repeat(64), b"\xfb".to_vec()].concat();
        let chain = on_small_stack(SMALL_STACK, || from_slice_with::<Chain>(&input, &Config::DEFAULT)).unwrap();
        assert_eq!(to_vec_with(&chain, &Config::DEFAULT).unwrap(), input);
    }

    #[test]
    fn r03_serde_writes_no_deeper_than_the_limit() {
        let endless = |depth| (0..depth).fold(Endless(None), |inner, _| Endless(Some(Box::new(inner))));
        let error = on_small_stack(SMALL_STACK, || to_vec_with(&endless(1_000), &Config::DEFAULT)).unwrap_err();
        assert_eq!(error.to_string(), "more than 16 options and newtypes in one another");
        assert_eq!(to_vec_with(&endless(7), &Config::DEFAULT).unwrap(), b"\xfb");
        let choice = (0..1_000).fold(Choice::Leaf, |inner, level| match level % 3 {
            0 => Choice::Newtype(Box::new(inner)),
            1 => Choice::Tuple(Box::new(inner), 1),
            _ => Choice::Struct { inner: Box::new(inner) },
        });
        let error = on_small_stack(SMALL_STACK, || to_vec_with(&choice, &Config::DEFAULT)).unwrap_err();
        assert_eq!(limit_of(&error), Some(Limit::MaxDepth), "{error}");
        let chain = (0..1_000).fold(Chain { next: None }, |inner, _| Chain { next: Some(Box::new(inner)) });
        let error = on_small_stack(SMALL_STACK, || to_vec_with(&chain, &Config::DEFAULT)).unwrap_err();
        assert_eq!(limit_of(&error), Some(Limit::MaxDepth), "{error}");
    }
}

#[test]
fn r04_short_and_odd_input_is_answered() {
    let mut vectors: Vec<Vec<u8>> = jsonl("tests/vectors/qpack.jsonl").iter().map(encoding).collect();
    vectors.extend(jsonl("tests/vectors/qpack_malformed.jsonl").iter().map(encoding));
    vectors.retain(|vector| vector.len() <= if cfg!(miri) { 8 } else { 16 });
    assert!(vectors.len() >= 60, "{}", vectors.len());
    let mut tried = 0;
    for vector in &vectors {
        for (index, input) in laws::mutations(vector).enumerate() {
            if cfg!(miri) && index % 50 != 0 {
                continue;
            }
            answered(&input);
            tried += 1;
        }
    }
    assert!(tried > if cfg!(miri) { 50 } else { 50_000 }, "{tried}");
}

/// Every way gives the same verdict, repeats itself, and what it accepts can be used in every way.
fn answered(input: &[u8]) {
    for config in [Config::DEFAULT, Config::PEER, Config::DEFAULT.with_end_closes_open(true)] {
        let verdict = ValueRef::decode_with(input, &config).map(drop);
        for (way, decode) in entries() {
            let lenient = config.end_closes_open || config.ignore_trailing;
            if !(lenient && ["ValueRef::decode_prefix", "Decoder::decode", "Decoder::finish"].contains(&way)) {
                assert_eq!(decode(input, &config), verdict, "{way} of {}", to_hex(input));
            }
        }
        match verdict {
            Ok(()) => {
                let view = ValueRef::decode_with(input, &config).unwrap();
                let value = view.into_owned();
                assert_eq!(common::of_ref(view), common::of_value(&value), "{}", to_hex(input));
                assert_eq!(value.encode_to_vec().unwrap().len(), value.encoded_len());
                assert!(!format!("{view:?}").is_empty());
            }
            Err(error) => {
                assert!(error.offset() <= input.len() && !error.what().is_empty(), "{error}");
                let _ = (error.to_string(), error.path(input).to_string());
                let _ = error.path(b"\xf4\x81a").to_string();
            }
        }
    }
}

#[test]
fn r04_every_place_in_memory_reads_the_same() {
    for vector in jsonl("tests/vectors/qpack.jsonl").iter().map(encoding).filter(|bytes| bytes.len() < 300) {
        let expected = ValueRef::decode_with(&vector, &Config::PEER).map(common::of_ref);
        testkit::slices::at_every_offset(&vector, |bytes| {
            assert_eq!(ValueRef::decode_with(bytes, &Config::PEER).map(common::of_ref), expected);
        });
        #[cfg(all(unix, not(miri)))]
        testkit::slices::before_guard_page(&vector, |bytes| {
            assert_eq!(ValueRef::decode_with(bytes, &Config::PEER).map(common::of_ref), expected);
        });
    }
}

#[test]
fn r05_lengths_that_wrap_are_refused() {
    let mut inputs = hostile_raws(b"");
    inputs.extend(hostile_raws(b"\xfc\x81a"));
    // The four on which peers read out of bounds or die.
    for digits in ["e7ffffffffffffffff", "e7ffffffffffffff7f", "e7000000000000008061", "eee7f7ffffffffffffff"] {
        inputs.push(testkit::vectors::hex(digits));
    }
    let unlimited = Limits::DEFAULT.with_max_len(usize::MAX).with_max_values(usize::MAX).with_max_depth(u8::MAX);
    for input in inputs {
        for config in [Config::DEFAULT, Config::PEER, Config::DEFAULT.with_limits(unlimited)] {
            for (way, decode) in entries() {
                let error = decode(&input, &config).expect_err(way);
                let kinds = [DecodeErrorKind::UnexpectedEnd, DecodeErrorKind::LimitExceeded];
                assert!(kinds.contains(&error.kind()), "{way} of {}: {error}", to_hex(&input));
            }
            match ValueRef::decode_prefix(&input, &config) {
                Ok(Decoded::Incomplete { needed }) => assert!(needed.get() >= 1),
                Ok(Decoded::Complete { .. }) => panic!("{} is complete", to_hex(&input)),
                Err(error) => assert_eq!(error.limit(), Some(Limit::MaxLen)),
            }
        }
    }
}

#[test]
fn r06_lengths_are_written_in_full() {
    let sizes =
        if cfg!(miri) { vec![98, 99, 100, 254, 255, 256] } else { vec![99, 100, 255, 256, 65_535, 65_536, 65_537] };
    for len in sizes {
        let value = Value::from(vec![b'x'; len].as_slice());
        laws::round_trip_value(&value, |value| value.encode_to_vec().unwrap(), |bytes| Value::decode(bytes).unwrap());
    }
    for len in [0, 4, 5, 6, 255, 256, 65_536].into_iter().filter(|len| !cfg!(miri) || *len < 1000) {
        let array = Value::from_iter(vec![Value::Null; len]);
        let map = Value::from_iter(vec![(Value::Null, Value::Null); len]);
        for value in [array, map] {
            let encode = |value: &Value| value.encode_to_vec().unwrap();
            laws::round_trip_value(&value, encode, |bytes| Value::decode(bytes).unwrap());
        }
    }
    // 4 GiB and more cannot be tried here; a limit stops them long before, measured without a copy.
    let error = laws::nothing_written(|out| {
        let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_len(99));
        Value::from(&[0_u8; 99][..]).encode_with(out, &config)
    });
    assert_eq!(error, EncodeError::LimitExceeded { limit: Limit::MaxLen, met: 100, max: 99 });
}

/// A serializer that is called in the wrong order must not make bytes that mean something else.
#[cfg(feature = "serde")]
#[test]
fn r06_serde_maps_with_half_a_pair_are_refused() {
    use serde::ser::{Serialize, SerializeMap, Serializer};

    struct Half(&'static str);

    impl Serialize for Half {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            for step in self.0.chars() {
                match step {
                    'k' => map.serialize_key(&1)?,
                    _ => map.serialize_value(&2)?,
                }
            }
            map.end()
        }
    }

    assert_eq!(qpack_codec::serde::to_vec(&Half("kvkv")).unwrap(), b"\xf5\x01\x02\x01\x02");
    for wrong in ["k", "v", "kk", "vv", "kvk", "vk", "kkvv", "kvv"] {
        let result = qpack_codec::serde::to_vec(&Half(wrong));
        assert!(result.is_err(), "{wrong}: {}", to_hex(&result.unwrap()));
    }
}

#[test]
fn r07_bytes_that_come_one_by_one_cost_no_more() {
    if cfg!(miri) {
        return;
    }
    let one_by_one = |input: Vec<u8>| {
        let mut decoder = Decoder::new();
        (1..=input.len()).filter(|&len| matches!(decoder.decode(&input[..len]), Ok(Decoded::Complete { .. }))).count()
    };
    for unit in [&b"\x01"[..], b"\x83abc", b"\xee\xf4\x81a\xfc\xfe"] {
        laws::linear_cpu(2_000, |n| [b"\xfc", &unit.repeat(n)[..], b"\xfe"].concat(), one_by_one);
    }
    // One long raw.
    let raw = |n: usize| [&b"\xe6"[..], &(n as u32).to_le_bytes(), &vec![0; n]].concat();
    laws::linear_cpu(2_000, raw, one_by_one);
}

#[test]
fn r07_maps_of_many_equal_or_distinct_keys_are_linear() {
    if cfg!(miri) {
        return;
    }
    for distinct in [false, true] {
        let input = |n: usize| {
            let keys = (0..n as u32)
                .flat_map(|key| [&b"\x84"[..], &if distinct { key } else { 7 }.to_le_bytes(), b"\xfb"].concat());
            [vec![0xfd], keys.collect(), vec![0xff]].concat()
        };
        laws::linear_cpu(2_000, input, |bytes| Value::decode(&bytes).unwrap());
        laws::linear_cpu(2_000, input, |bytes| ValueRef::decode(&bytes).unwrap().as_map().unwrap().iter().count());
        laws::linear_cpu(2_000, input, |bytes| {
            Tape::new().parse(&bytes, &Config::DEFAULT).unwrap().root().entries().count()
        });
    }
}

#[test]
fn r08_every_call_takes_something_or_says_what_it_wants() {
    for vector in jsonl("tests/vectors/qpack.jsonl").iter().map(encoding).filter(|bytes| bytes.len() < 300) {
        for end in 0..=vector.len() {
            let input = &vector[..end];
            let mut reader = Reader::with_config(input, &Config::PEER);
            let mut calls = 0;
            while let Ok(Some(_)) = reader.token() {
                calls += 1;
                assert!(calls <= 2 * input.len(), "{}", to_hex(input));
            }
            // At the end, and behind an error, nothing moves.
            let (position, again) = (reader.position(), reader.token());
            assert_eq!((reader.token(), reader.position()), (again, position));
            match ValueRef::decode_prefix(input, &Config::PEER) {
                Ok(Decoded::Complete { consumed, .. }) => assert!(consumed > 0 && consumed <= input.len()),
                Ok(Decoded::Incomplete { .. }) | Err(_) => {}
            }
            let mut reader = Reader::with_config(input, &Config::PEER);
            let skipped = reader.skip();
            let position = reader.position();
            assert_eq!((reader.skip().is_err(), reader.position()), (skipped.is_err(), position));
        }
    }
}

// R9, unsound fast paths: the crate forbids unsafe code, and `r04_every_place_in_memory_reads_the_same` reads at every
// alignment and before a guard page; Miri runs these tests.

// R10, time conversions: qpack has no type for times.

// R11, interpreting payload: nothing is evaluated; the one open type, the hook byte, has no payload and is a value.
#[test]
fn r11_the_hook_byte_is_a_value_and_nothing_else() {
    assert_eq!(Value::decode(b"\x7c"), Ok(Value::Hook));
    let error = ValueRef::decode(b"\x7c\x81a").unwrap_err();
    assert_eq!((error.kind(), error.offset(), error.what()), (DecodeErrorKind::TrailingBytes, 1, "RAW"));
}

// R12, one bad message costs good ones: a qpack stream has no marker at which to start anew, so an error is final there
// (`Decoder`); whole inputs are independent of each other.
#[test]
fn r12_a_bad_input_leaves_nothing_behind() {
    let mut tape = Tape::new();
    for _ in 0..3 {
        assert!(tape.parse(b"\xee\xf4\x81a\xff", &Config::DEFAULT).is_err());
        let tree = tape.parse(b"\xee\x07", &Config::DEFAULT).unwrap();
        assert_eq!((tree.len(), tree.root().at(0).unwrap().value().as_int()), (2, Some(7)));
    }
    let mut decoder = Decoder::new();
    let error = decoder.decode(b"\xfe").unwrap_err();
    assert_eq!(decoder.decode(b"\x07"), Err(error));
    assert_eq!(decoder.finish(b""), Err(error));
    decoder.reset();
    assert!(matches!(decoder.decode(b"\x07"), Ok(Decoded::Complete { consumed: 1, .. })));
}

#[test]
fn r13_a_stream_that_promises_too_much_is_refused_early() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_len(1000).with_max_values(100));
    let exceeded = |input: &[u8], limit| {
        let mut decoder = Decoder::with_config(&config);
        let stopped = (0..=input.len()).find_map(|len| decoder.decode(&input[..len]).err().map(|error| (len, error)));
        let (len, error) = stopped.expect("an endless stream is refused");
        assert_eq!(error.limit(), Some(limit), "{error}");
        len
    };
    // A giant length is refused as soon as it is read.
    assert_eq!(exceeded(b"\xe6\xff\xff\xff\xff", Limit::MaxLen), 5);
    assert_eq!(exceeded(b"\xe5\xe6\x03", Limit::MaxLen), 3);
    assert_eq!(exceeded(b"\xfc\xe5\xe5\x03", Limit::MaxLen), 4);
    // An array that never ends, of nothing and of something.
    assert!(exceeded(&[&b"\xfc"[..], &b"\x00".repeat(10_000)].concat(), Limit::MaxValues) <= 101);
    assert!(exceeded(&[&b"\xfc"[..], &b"\xed".repeat(10_000)].concat(), Limit::MaxValues) <= 101);
    assert!(exceeded(&[&b"\xfc"[..], &[&b"\xe3"[..], &[0; 99]].concat().repeat(100)].concat(), Limit::MaxLen) <= 1001);
    // What just fits is read.
    let fits = [&b"\xe5\xe5\x03"[..], &[0; 997]].concat();
    assert!(matches!(ValueRef::decode_prefix(&fits, &config), Ok(Decoded::Complete { consumed: 1000, .. })));
    assert!(
        matches!(ValueRef::decode_prefix(&fits[..3], &config), Ok(Decoded::Incomplete { needed }) if needed.get() == 997)
    );
}

// R14, cost hidden in a number: numbers have at most eight bytes; no text is turned into a number.

/// One way to write a value of so many levels, bytes or values; the closures make what they write.
type Encode = (&'static str, fn(&Value, &Config) -> Result<Vec<u8>, EncodeError>);

fn encoders() -> Vec<Encode> {
    vec![
        ("Value::encode_to_vec_with", |value, config| value.encode_to_vec_with(config)),
        ("Value::encode_with", |value, config| {
            let mut out = Vec::new();
            value.encode_with(&mut out, config).map(|()| out)
        }),
        ("Value::encode_with into BytesMut", |value, config| {
            let mut out = BytesMut::new();
            value.encode_with(&mut out, config).map(|()| out.to_vec())
        }),
        ("ValueRef::encode_with", |value, config| {
            let bytes = value.encode_to_vec().unwrap();
            let mut out = Vec::new();
            ValueRef::decode(&bytes).unwrap().encode_with(&mut out, config).map(|()| out)
        }),
        ("Writer::value", |value, config| write(config, |writer| writer.value(value).map(drop))),
        ("Writer::value_ref", |value, config| {
            let bytes = value.encode_to_vec().unwrap();
            write(config, |writer| writer.value_ref(ValueRef::decode(&bytes).unwrap()).map(drop))
        }),
        ("Writer::token", |value, config| {
            let bytes = value.encode_to_vec().unwrap();
            let mut reader = Reader::new(&bytes);
            write(config, |writer| {
                while let Some(token) = reader.token().unwrap() {
                    writer.token(token)?;
                }
                Ok(())
            })
        }),
        ("Writer, known", |value, config| {
            write(config, |writer| common::write(writer, &common::of_value(value), common::Announce::Known))
        }),
        ("Writer, auto", |value, config| {
            write(config, |writer| common::write(writer, &common::of_value(value), common::Announce::Auto))
        }),
        ("Writer, open", |value, config| {
            write(config, |writer| common::write(writer, &common::of_value(value), common::Announce::OpenAboveFive))
        }),
        #[cfg(feature = "serde")]
        ("serde::to_vec_with", |value, config| {
            let result = qpack_codec::serde::to_vec_with(&AsSerde(value), config);
            result.map_err(|error| *error.encode_error().expect("a limit"))
        }),
    ]
}

fn write(
    config: &Config,
    write: impl FnOnce(&mut Writer<'_, Vec<u8>>) -> Result<(), EncodeError>,
) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    let mut writer = Writer::with_config(&mut out, config);
    let result = match write(&mut writer) {
        Ok(()) => writer.finish(),
        Err(error) => {
            drop(writer);
            Err(error)
        }
    };
    match result {
        Ok(len) => assert_eq!(len, out.len()),
        Err(error) => assert_eq!(out, b"", "{error}"),
    }
    result.map(|_| out)
}

/// An owned value through serde's data model.
#[cfg(feature = "serde")]
struct AsSerde<'a>(&'a Value);

#[cfg(feature = "serde")]
impl serde::Serialize for AsSerde<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Double(value) => serializer.serialize_f64(*value),
            Value::Raw(bytes) => serializer.serialize_bytes(bytes),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Null | Value::Hook => serializer.serialize_unit(),
            Value::Array(array) => serializer.collect_seq(array.iter().map(AsSerde)),
            Value::Map(map) => serializer.collect_map(map.iter().map(|(key, value)| (AsSerde(key), AsSerde(value)))),
        }
    }
}

/// Samples with their depth and number of values, keys counted.
fn samples() -> Vec<(Value, u8, usize)> {
    let null = || Value::Null;
    vec![
        (Value::Int(7), 0, 1),
        (Value::from("hello, this is text"), 0, 1),
        (Value::from_iter([null(), null(), null()]), 1, 4),
        (Value::from_iter(vec![null(); 7]), 1, 8),
        (Value::from_iter([(null(), null())]), 1, 3),
        (Value::from_iter(vec![(null(), Value::Int(1000)); 7]), 1, 15),
        (common::deep(5, common::in_array), 5, 6),
        (common::deep(5, common::in_map), 5, 11),
        (common::deep(5, common::in_key), 5, 11),
        (Value::from_iter(vec![common::deep(2, common::in_array); 6]), 3, 19),
    ]
}

#[test]
fn r15_every_way_to_read_honours_every_limit() {
    for (value, depth, values) in samples() {
        let counted = value.encode_to_vec().unwrap();
        let mut inputs = vec![counted];
        let mut rng = testkit::Rng::new(testkit::rng::seed());
        for _ in 0..10 {
            let mut out = Vec::new();
            common::encode_any(&mut rng, &value, false, &mut out);
            inputs.push(out);
        }
        for input in inputs {
            let exact = Limits::DEFAULT.with_max_depth(depth).with_max_len(input.len()).with_max_values(values);
            for (way, decode) in entries() {
                let under = |limits| decode(&input, &Config::DEFAULT.with_limits(limits));
                let place = format!("{way} of {}", to_hex(&input));
                assert_eq!(under(exact), Ok(()), "{place}");
                let refused = |limits, limit| {
                    let error = under(limits).expect_err(&place);
                    assert_eq!((error.kind(), error.limit()), (DecodeErrorKind::LimitExceeded, Some(limit)), "{place}");
                };
                refused(exact.with_max_len(input.len() - 1), Limit::MaxLen);
                refused(exact.with_max_len(0), Limit::MaxLen);
                if values > 1 {
                    refused(exact.with_max_values(values - 1), Limit::MaxValues);
                }
                if depth > 0 {
                    refused(exact.with_max_depth(depth - 1), Limit::MaxDepth);
                }
            }
        }
    }
}

#[test]
fn r15_a_limit_of_no_values_is_honoured() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_values(0));
    for (way, encode) in encoders() {
        assert!(encode(&Value::Int(7), &config).is_err(), "{way}");
    }
    for (way, decode) in entries() {
        let error = decode(b"\x07", &config).expect_err(way);
        assert_eq!(error.limit(), Some(Limit::MaxValues), "{way}");
    }
}

/// What lies behind `max_len` is not read as the value's, but it is there.
#[test]
fn r15_a_limit_hides_no_trailing_bytes() {
    for (input, len) in [(&b"\x01\x02"[..], 1), (b"\xed\x01\x02", 1), (b"\x81a\xff", 2), (b"\xfc\xfe\x00", 2)] {
        let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_len(len));
        for (way, decode) in entries() {
            let error = decode(input, &config).expect_err(&format!("{way} of {}", to_hex(input)));
            assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::TrailingBytes, len), "{way}");
        }
        let config = config.with_ignore_trailing(true);
        assert!(ValueRef::decode_with(input, &config).is_ok());
        assert!(
            matches!(ValueRef::decode_prefix(input, &config), Ok(Decoded::Complete { consumed, .. }) if consumed == len)
        );
    }
}

/// The end of the input closes what is open, the end of what a limit lets be read does not.
#[test]
fn r15_a_limit_closes_no_container() {
    let config = Config::PEER.with_limits(Limits::DEFAULT.with_max_len(3));
    for (way, decode) in entries() {
        assert_eq!(decode(b"\xfc\x01\x02\x03", &config).expect_err(way).limit(), Some(Limit::MaxLen), "{way}");
    }
    assert!(ValueRef::decode_with(b"\xfc\x01\x02", &config).is_ok());
}

#[test]
fn r15_the_entries_without_settings_are_under_the_defaults() {
    let deep = [vec![0xee; 65], vec![0x01]].concat();
    let error = ValueRef::decode(&deep).unwrap_err();
    assert_eq!((error.limit(), error.offset()), (Some(Limit::MaxDepth), 64));
    assert_eq!(Value::decode(&deep), Err(error));
    assert_eq!(Value::decode_bytes(&Bytes::from(deep.clone())), Err(error));
    assert_eq!(Reader::new(&deep).finish(), Err(error));
    assert_eq!(Decoder::new().decode(&deep), Err(error));
    #[cfg(feature = "serde")]
    {
        let ignored = qpack_codec::serde::from_slice::<serde::de::IgnoredAny>(&deep);
        assert_eq!(ignored.unwrap_err().decode_error(), Some(&error));
    }
    let error = EncodeError::LimitExceeded { limit: Limit::MaxDepth, met: 65, max: 64 };
    let value = common::deep(65, common::in_array);
    assert_eq!(value.encode_to_vec(), Err(error));
    assert_eq!(value.encode(&mut Vec::new()), Err(error));
    let unlimited = limited(255);
    let bytes = value.encode_to_vec_with(&unlimited).unwrap();
    let view = ValueRef::decode_with(&bytes, &unlimited).unwrap();
    assert_eq!(view.encode_to_vec(), Err(error));
    assert_eq!(view.encode(&mut Vec::new()), Err(error));
    let mut out = Vec::new();
    assert_eq!(Writer::new(&mut out).value(&value).map(drop), Err(error));
    #[cfg(feature = "serde")]
    {
        let failed = qpack_codec::serde::to_vec(&AsSerde(&value)).unwrap_err();
        assert_eq!(failed.encode_error(), Some(&error));
    }
    // Large values of real use pass.
    if !cfg!(miri) {
        let points = Value::from_iter((0..200_000).map(|n| Value::from_iter([Value::Int(n), Value::Double(0.5)])));
        assert_eq!(Value::decode(&points.encode_to_vec().unwrap()).unwrap(), points);
    }
}

#[test]
fn r15_every_way_to_write_honours_every_limit() {
    for (value, depth, values) in samples() {
        let expected = value.encode_to_vec().unwrap();
        let exact = Limits::DEFAULT.with_max_depth(depth).with_max_len(expected.len()).with_max_values(values);
        for (way, encode) in encoders() {
            let under = |limits| encode(&value, &Config::DEFAULT.with_limits(limits));
            let place = format!("{way} of {value:?}");
            assert_eq!(under(exact).as_ref(), Ok(&expected), "{place}");
            let refused = |limits, expected| match under(limits).expect_err(&place) {
                EncodeError::LimitExceeded { limit, met, max } => {
                    assert!(limit == expected && met > max, "{place}: {limit} {met} {max}");
                }
                other => panic!("{place}: {other}"),
            };
            refused(exact.with_max_len(expected.len() - 1), Limit::MaxLen);
            if values > 1 {
                refused(exact.with_max_values(values - 1), Limit::MaxValues);
            }
            if depth > 0 {
                refused(exact.with_max_depth(depth - 1), Limit::MaxDepth);
            }
        }
    }
}

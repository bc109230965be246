//! The laws of `DESIGN.md`, over the golden lines and over generated packets and lines, and a second reader to agree with.
//!
//! Laws 7 and 8 are mostly about machines. Of a decoder they say that asking again changes nothing, which every reading of a
//! stream in `common` checks, and that nothing but the input counts, which law 1 does.
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

testkit::counting_allocator!();

mod common;

use std::iter;

use bytes::BytesMut;
use common::{Plain, line, outcome, plain, read_stream, reference, settings};
use datakit::{
    Config, DataRef, DecodeError, DecodeErrorKind, Decoded, Decoder, EncodeError, HelloRef, Limit, Limits, Packet,
    PacketRef,
};
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::Config as Cases;
use testkit::laws::{self, Prefix};
use testkit::vectors::{jsonl, to_hex};
use testkit::{Rng, assert_no_alloc};

const CASES: usize = if cfg!(miri) { 10 } else { 5_000 };

const LENIENT: Config = Config::DEFAULT.with_accept_crlf(true).with_fractional_timestamps(true);

/// The valid lines that are short enough to be cut everywhere, with their settings.
fn golden() -> Vec<(Vec<u8>, Config)> {
    let vectors = jsonl("tests/vectors/datakit.jsonl");
    let all: Vec<_> = vectors.iter().map(|vector| (line(vector), settings(vector))).collect();
    assert_eq!(all.len(), 188);
    all.into_iter().filter(|(bytes, _)| bytes.len() < 200).step_by(if cfg!(miri) { 8 } else { 1 }).collect()
}

/// The malformed lines that end in a newline, likewise.
fn malformed() -> Vec<(Vec<u8>, Config)> {
    let vectors = jsonl("tests/vectors/datakit_malformed.jsonl");
    let lines = vectors.iter().map(|vector| (line(vector), settings(vector)));
    let all: Vec<_> = lines.filter(|(bytes, _)| bytes.ends_with(b"\n") && bytes.len() < 200).collect();
    assert!(all.len() > 200, "{}", all.len());
    all.into_iter().step_by(if cfg!(miri) { 8 } else { 1 }).collect()
}

/// Runs `check` over generated cases, one seed for each; a failure names it.
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

/// Strict or not, with a limit of the default or one that many lines are about.
fn some_config(rng: &mut Rng) -> Config {
    let config = Config::DEFAULT.with_accept_crlf(rng.below(2) == 0).with_fractional_timestamps(rng.below(2) == 0);
    match rng.below(3) {
        0 => config,
        _ => config.with_limits(Limits::DEFAULT.with_max_line_len(rng.below(50))),
    }
}

/// A stream of lines good and bad, some of them over the limit, and maybe torn at its end.
fn some_stream(rng: &mut Rng, config: &Config, len: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    while stream.len() < len {
        match rng.below(12) {
            0 => stream.extend(vec![b'x'; config.limits.max_line_len.min(60) + rng.below(4)]),
            _ => stream.extend(common::any_line(rng)),
        }
        stream.extend(*rng.choose(&[&b"\n"[..], b"\n", b"\n", b"\r\n", b"\n\n"]));
    }
    stream.truncate(stream.len() - rng.below(4).min(stream.len()));
    stream
}

#[test]
fn law_01_a_stream_reads_the_same_however_it_is_cut() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(40));
    // All of it, good and bad, cut at a sample of places; and in parts, cut everywhere.
    let lines: Vec<Vec<u8>> = golden().into_iter().zip(malformed()).flat_map(|(good, bad)| [good.0, bad.0]).collect();
    for part in lines.chunks(12) {
        laws::chunking(&part.concat(), |chunks| read_stream(chunks, &config));
        laws::chunking(&part.concat(), |chunks| read_stream(chunks, &LENIENT));
    }
    for_each_seed(if cfg!(miri) { 1 } else { 60 }, |rng| {
        let config = some_config(rng);
        let stream = some_stream(rng, &config, 250);
        laws::chunking(&stream, |chunks| read_stream(chunks, &config));
    });
}

#[test]
fn law_01_a_stream_is_its_lines() {
    for_each_seed(CASES / 10, |rng| {
        let config = some_config(rng);
        let stream = some_stream(rng, &config, 600);
        let told = read_stream(&mut iter::once(&stream[..]), &config);
        check_against_the_second_reader(&stream, &told, &config);
    });
}

/// Lines, places and end, all from the second reader and from counting newlines.
fn check_against_the_second_reader(stream: &[u8], told: &common::Told, config: &Config) {
    let mut lines: Vec<&[u8]> = stream.split(|byte| *byte == b'\n').collect();
    let torn = lines.pop().unwrap();
    let is_over = torn.len() > config.limits.max_line_len;
    if is_over {
        lines.push(torn);
    }
    assert_eq!(told.lines.len(), lines.len(), "{}", to_hex(stream));
    let mut start = 0;
    for (index, (line, found)) in lines.iter().zip(&told.lines).enumerate() {
        let expected = reference(line, config);
        let result = found.as_ref().map(Packet::as_ref).map_err(|error| *error);
        assert_eq!(outcome(result), expected, "{} under {config:?}", to_hex(line));
        if let Err(error) = found {
            let place = (index as u64 + 1, start as u64 + u64::from(error.column()) - 1);
            assert_eq!((error.line(), error.offset()), place, "{} under {config:?}", to_hex(line));
        }
        start += line.len() + 1;
    }
    let end = told.end.map_err(|error| (error.kind(), error.line(), error.offset(), error.column(), error.what()));
    let number = lines.len() as u64 + 1;
    if torn.is_empty() || is_over {
        assert_eq!(end, Ok(()));
        assert_eq!((told.line, told.offset), (number, stream.len() as u64));
    } else {
        let column = torn.len() as u32 + 1;
        assert_eq!(end, Err((DecodeErrorKind::UnexpectedEnd, number, stream.len() as u64, column, "line")));
        assert_eq!((told.line, told.offset), (number + 1, stream.len() as u64));
    }
}

#[test]
fn law_02_a_prefix_is_incomplete() {
    for (bytes, config) in golden() {
        laws::prefix(&bytes, |bytes| match PacketRef::decode_prefix(bytes, &config) {
            Ok(Decoded::Complete { consumed, .. }) => Prefix::Complete { consumed },
            Ok(Decoded::Incomplete { needed }) => Prefix::Incomplete { needed: needed.get() },
            Err(_) => Prefix::Failed,
        });
    }
    // Of a bad line, too, unless it is over the limit: before the newline nobody can tell.
    for (bytes, config) in malformed() {
        for end in 0..bytes.len().min(config.limits.max_line_len + 1) {
            let prefix = PacketRef::decode_prefix(&bytes[..end], &config);
            assert!(matches!(prefix, Ok(Decoded::Incomplete { needed }) if needed.get() == 1), "{}", to_hex(&bytes));
        }
    }
}

#[test]
fn law_03_packets_survive_the_round_trip_by_their_bits() {
    for_each_seed(CASES, |rng| {
        let config = Config::DEFAULT.with_fractional_timestamps(rng.below(2) == 0);
        let packet = common::packet(rng, config.fractional_timestamps);
        let encode = |packet: &Packet| encoded(packet.as_ref(), &config).unwrap();
        let decode = |bytes: &[u8]| Packet::decode_with(bytes, &config).unwrap();
        laws::round_trip_value_by(&packet, encode, decode, |one, other| plain(one.as_ref()) == plain(other.as_ref()));
        laws::round_trip_bytes(&encode(&packet), |bytes| encode(&decode(bytes)));
    });
}

fn encoded(packet: PacketRef<'_>, config: &Config) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    packet.encode_with(&mut out, config).map(|()| out)
}

/// SPEC.md §3: NaN keeps its sign; of its payload there is nothing in the text.
#[test]
fn law_03_a_nan_keeps_its_sign_and_comes_back_quiet() {
    for (bits, text, back) in [
        (0x7ff8_0000_0000_0000_u64, "NaN", 0x7ff8_0000_0000_0000_u64),
        (0x7ff0_0000_0000_0001, "NaN", 0x7ff8_0000_0000_0000),
        (0x7fff_ffff_ffff_ffff, "NaN", 0x7ff8_0000_0000_0000),
        (0xfff8_dead_beef_cafe, "-NaN", 0xfff8_0000_0000_0000),
        (0xfff0_0000_0000_0001, "-NaN", 0xfff8_0000_0000_0000),
    ] {
        let line = encoded(PacketRef::Data(DataRef::new("t", 1, f64::from_bits(bits))), &Config::DEFAULT).unwrap();
        assert_eq!(line, format!(">t|1|{text}\n").as_bytes());
        assert_eq!(outcome(PacketRef::decode(&line)), Ok(Plain::Data("t", 1, 0, back)));
    }
}

/// Against std, whose `{:e}` writes the fewest digits, too; which of two that are equally near is open.
#[test]
fn law_03_values_are_written_with_the_fewest_digits_plain_or_with_an_exponent() {
    let check = |value: f64| {
        let line = encoded(PacketRef::Data(DataRef::new("t", 1, value)), &Config::DEFAULT).unwrap();
        let text = std::str::from_utf8(&line).unwrap().strip_prefix(">t|1|").unwrap().strip_suffix('\n').unwrap();
        assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{text}");
        let (mantissa, exponent) = text.split_once('e').map_or((text, None), |(front, back)| (front, Some(back)));
        let digits = |text: &str| -> String {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            digits.trim_start_matches('0').trim_end_matches('0').to_owned()
        };
        let shortest = format!("{value:e}");
        assert_eq!(digits(mantissa).len(), digits(shortest.split_once('e').unwrap().0).len(), "{text} for {value:e}");
        assert!(!text.ends_with(".0") && !mantissa.ends_with('.') && !mantissa.starts_with(['+', '.']), "{text}");
        assert_eq!(text.starts_with('-'), value.is_sign_negative(), "{text}");
        // At 1e16 itself "up to" may be read either way.
        if value != 0.0 && value.abs() != 1e16 {
            assert_eq!(exponent.is_none(), (1e-5..1e16).contains(&value.abs()), "{text}");
        }
        if let Some(exponent) = exponent {
            // One digit before the point, so that the exponent is that of std.
            let expected: i32 = shortest.split_once('e').unwrap().1.parse().unwrap();
            assert_eq!(exponent.parse::<i32>(), Ok(expected), "{text}");
        }
    };
    for exponent in -330..310 {
        for factor in ["1", "-1", "9.999999999999999", "1.0000000000000002", "1.5"] {
            let value: f64 = format!("{factor}e{exponent}").parse().unwrap();
            if value.is_finite() {
                check(value);
            }
        }
    }
    for_each_seed(CASES, |rng| {
        let value = rng.f64();
        if value.is_finite() {
            check(value);
        }
        check((rng.next_u64() as i64 >> rng.below(64)) as f64);
        check(rng.below(1_000_000) as f64 / 1000.0);
    });
}

#[test]
fn law_04_the_size_is_what_is_written() {
    for_each_seed(CASES / 5, |rng| {
        let config = Config::DEFAULT.with_fractional_timestamps(rng.below(2) == 0);
        let packet = common::packet(rng, config.fractional_timestamps);
        let len = packet.encoded_len();
        laws::size(len, |out| packet.encode_with(out, &config));
        laws::size(len, |out| packet.as_ref().encode_with(out, &config));
        laws::size(len, |out| {
            let mut room = BytesMut::from(&out[..]);
            packet.encode_with(&mut room, &config)?;
            *out = room.to_vec();
            Ok::<_, EncodeError>(())
        });
        laws::size(len, |out| {
            let mut room = vec![0xa5; len + rng_free(len)];
            let written = packet.as_ref().encode_to_slice_with(&mut room, &config)?;
            assert!(room[written..].iter().all(|byte| *byte == 0xa5), "written behind the line");
            out.extend_from_slice(&room[..written]);
            Ok::<_, EncodeError>(())
        });
        // One byte less than it takes.
        let too_small = EncodeError::BufferTooSmall { len, available: len - 1 };
        let mut room = vec![0xa5; len - 1];
        assert_eq!(packet.as_ref().encode_to_slice_with(&mut room, &config), Err(too_small));
        assert_eq!(packet.encode_with(&mut &mut room[..], &config), Err(too_small));
        assert!(room.iter().all(|byte| *byte == 0xa5), "half a line is written");
        // The limit counts without the newline, and is honoured to the byte.
        let at = config.with_limits(Limits::DEFAULT.with_max_line_len(len - 1));
        assert_eq!(encoded(packet.as_ref(), &at).unwrap().len(), len);
        let max = len as u64 - 2;
        let under = config.with_limits(Limits::DEFAULT.with_max_line_len(len - 2));
        let error = EncodeError::LimitExceeded { limit: Limit::MaxLineLen, met: max + 1, max };
        check_nothing_is_written(packet.as_ref(), &under, error);
    });
}

/// Some room, more or less.
fn rng_free(len: usize) -> usize {
    len % 7
}

/// Into every kind of buffer.
#[track_caller]
fn check_nothing_is_written(packet: PacketRef<'_>, config: &Config, error: EncodeError) {
    assert_eq!(laws::nothing_written(|out| packet.encode_with(out, config)), error);
    assert_eq!(laws::nothing_written(|out| packet.into_owned().encode_with(out, config)), error);
    let mut shared = BytesMut::from(&b"before"[..]);
    assert_eq!(packet.encode_with(&mut shared, config), Err(error));
    assert_eq!(shared, "before");
    let mut room = [0xa5; 8192];
    assert_eq!(packet.encode_to_slice_with(&mut room, config), Err(error));
    assert_eq!(packet.encode_with(&mut &mut room[..], config), Err(error));
    assert!(room.iter().all(|byte| *byte == 0xa5));
    if *config == Config::DEFAULT {
        assert_eq!(packet.encode_to_vec(), Err(error));
        assert_eq!(packet.encode_to_slice(&mut room), Err(error));
        assert_eq!(packet.encode(&mut Vec::new()), Err(error));
    }
}

#[test]
fn law_04_what_cannot_be_written_is_said_and_leaves_nothing() {
    let hello = HelloRef::new("n", "u").with_data_type("d").with_collection_type("c");
    let data = DataRef::new("t", 1, 2.0);
    let with = |edit: fn(&mut HelloRef<'static>)| {
        let mut hello = hello;
        edit(&mut hello);
        PacketRef::Hello(hello)
    };
    let empty = |field| EncodeError::EmptyField { field };
    let forbidden = |field, byte, offset| EncodeError::ForbiddenCharacter { field, byte, offset };
    let cases = [
        (with(|hello| hello.name = ""), empty("name")),
        (with(|hello| hello.collection_type = ""), empty("collection type")),
        (PacketRef::Ack(""), empty("UID")),
        (PacketRef::Data(DataRef::new("", 1, 2.0)), empty("tag")),
        (with(|hello| hello.name = "a|b"), forbidden("name", b'|', 1)),
        (with(|hello| hello.units = "\n"), forbidden("units", b'\n', 0)),
        (with(|hello| hello.data_type = "é\r"), forbidden("data type", b'\r', 2)),
        (with(|hello| hello.collection_type = "stream\nSTOP"), forbidden("collection type", b'\n', 6)),
        (PacketRef::Ack("17\nSTART"), forbidden("UID", b'\n', 2)),
        (PacketRef::Ack("17\r"), forbidden("UID", b'\r', 2)),
        (PacketRef::Data(DataRef::new("a|1|2", 1, 2.0)), forbidden("tag", b'|', 1)),
        (PacketRef::Data(DataRef::new("\r\n", 1, 2.0)), forbidden("tag", b'\r', 0)),
        (PacketRef::Unknown("$Q|a\nSTOP"), forbidden("line", b'\n', 4)),
        (PacketRef::Unknown("PAUSE|\r"), forbidden("line", b'\r', 6)),
        (PacketRef::Data(data.with_nanos(1)), EncodeError::FractionalTimestamp),
        (PacketRef::Data(data.with_nanos(999_999_999)), EncodeError::FractionalTimestamp),
        (PacketRef::Data(data.with_nanos(1_000_000_000)), EncodeError::NanosOutOfRange { nanos: 1_000_000_000 }),
        (PacketRef::Data(data.with_nanos(u32::MAX)), EncodeError::NanosOutOfRange { nanos: u32::MAX }),
    ];
    for (packet, error) in cases {
        check_nothing_is_written(packet, &Config::DEFAULT, error);
    }
    for line in
        ["", "$H", "$H|a|b|c|d", "ACK|1", "$P", "START", "STOP|", "$", "$|a", "a", "Pause", ">t|1|2", "|", "A1|x", "\n"]
    {
        check_nothing_is_written(PacketRef::Unknown(line), &Config::DEFAULT, EncodeError::InvalidIdentifier);
    }
    let nanos = EncodeError::NanosOutOfRange { nanos: u32::MAX };
    check_nothing_is_written(PacketRef::Data(data.with_nanos(u32::MAX)), &LENIENT, nanos);
}

/// Every broken variant of every golden line: no panic, no heap for views and decoder, and an owned packet within its
/// texts.
#[test]
fn law_05_no_input_panics_and_views_allocate_nothing() {
    let mut count = 0;
    for (bytes, config) in golden().into_iter().step_by(if cfg!(miri) { 8 } else { 1 }) {
        for input in laws::mutations(&bytes).step_by(if bytes.len() < 30 { 7 } else { 29 }) {
            for config in [config, LENIENT] {
                assert_no_alloc(|| PacketRef::decode_with(&input, &config).is_ok());
                assert_no_alloc(|| PacketRef::decode_prefix(&input, &config).is_ok());
                let mut decoder = Decoder::with_config(&config);
                assert_no_alloc(|| {
                    let mut rest = &input[..];
                    while decoder.decode(&mut rest).is_some() {}
                    let _ = decoder.finish(rest);
                });
            }
            count += 1;
            if count % 50 == 0 {
                laws::totality(&input, 0, |input| PacketRef::decode(input).is_ok());
                laws::totality(&input, input.len(), |input| drop(Packet::decode(input)));
            }
        }
    }
    assert!(count > if cfg!(miri) { 50 } else { 50_000 }, "{count}");
}

#[test]
fn law_05_writing_into_a_slice_allocates_nothing() {
    for_each_seed(CASES / 5, |rng| {
        let packet = common::packet(rng, true);
        let mut room = [0; 512];
        assert_no_alloc(|| packet.as_ref().encode_to_slice_with(&mut room, &LENIENT)).unwrap();
        assert_no_alloc(|| packet.encoded_len());
    });
}

#[test]
fn law_06_a_view_made_owned_is_the_owned() {
    let owned = |bytes: &[u8], config: &Config| -> Vec<Result<Packet, DecodeError>> {
        vec![
            Packet::decode_with(bytes, config),
            Packet::decode_with(bytes, config).map(|packet| packet.as_ref().into_owned()),
        ]
    };
    let viewed = |bytes: &[u8], config: &Config| -> Vec<Result<Packet, DecodeError>> {
        vec![
            PacketRef::decode_with(bytes, config).map(PacketRef::into_owned),
            PacketRef::decode_with(bytes, config).map(Packet::from),
        ]
    };
    let golden = golden().into_iter().chain(malformed());
    for (bytes, config) in golden {
        laws::two_forms(&bytes, |bytes| owned(bytes, &config), |bytes| viewed(bytes, &config));
    }
    for_each_seed(CASES, |rng| {
        let bytes = [common::any_line(rng), b"\n".to_vec()].concat();
        laws::two_forms(&bytes, |bytes| owned(bytes, &LENIENT), |bytes| viewed(bytes, &LENIENT));
        let Ok(view) = PacketRef::decode_with(&bytes, &LENIENT) else { return };
        let packet = view.into_owned();
        assert_eq!((packet.kind(), plain(packet.as_ref())), (view.kind(), plain(view)));
        assert_eq!(packet.encoded_len(), view.encoded_len());
        assert_eq!(encoded(packet.as_ref(), &LENIENT), encoded(view, &LENIENT));
    });
}

#[cfg(feature = "tokio-util")]
#[test]
fn law_06_the_tokio_codec_is_the_decoder() {
    use tokio_util::codec::Decoder as _;

    for_each_seed(CASES / 20, |rng| {
        let config = some_config(rng);
        let stream = some_stream(rng, &config, 300);
        let told = read_stream(&mut iter::once(&stream[..]), &config);
        let mut expected = told.lines;
        expected.extend(told.end.err().map(Err));
        for cut in laws::cuts(stream.len()).skip(rng.below(20)).step_by(20) {
            let mut codec = datakit::Codec::with_config(&config);
            let (mut buffer, mut items) = (BytesMut::new(), Vec::new());
            for chunk in cut.chunks(&stream) {
                buffer.extend_from_slice(chunk);
                while let Some(item) = codec.decode(&mut buffer).unwrap() {
                    items.push(item);
                }
                assert!(buffer.len() <= config.limits.max_line_len, "{}", buffer.len());
            }
            while let Some(item) = codec.decode_eof(&mut buffer).unwrap() {
                items.push(item);
            }
            assert_eq!(codec.decode_eof(&mut buffer).unwrap(), None);
            assert_eq!((buffer.len(), &items), (0, &expected), "{} {cut}", to_hex(&stream));
        }
    });
}

#[test]
fn law_09_a_bad_line_costs_no_neighbour() {
    let (before, after) = (b"ACK|17\n>t|1|2\n", b"START\n>t|2|-1\n");
    for (bad, config) in malformed() {
        // The neighbours have to be under the limit, too.
        if config.limits.max_line_len >= 8 {
            laws::good_bad_good(before, &bad, after, |chunks| read_stream(chunks, &config).lines);
        }
    }
    // Over the limit by one, twice and many times.
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(16));
    for len in [17, 18, 33, 34, 35, 200] {
        for fill in [b"x", b"|", b"\r", b">", b"\xff"] {
            let bad = [&fill.repeat(len)[..], b"\n"].concat();
            laws::good_bad_good(before, &bad, after, |chunks| read_stream(chunks, &config).lines);
        }
    }
}

#[test]
fn law_10_unknown_packets_and_collection_types_survive() {
    let packets = [
        "$Q",
        "$Q|",
        "$PING|1||é",
        "$0|\0",
        "$HELLO|a|b",
        "PAUSE",
        "PAUSE|",
        "X|>t|1|2",
        "STARTING",
        "ACKNOWLEDGE|\u{85}",
    ];
    for text in packets {
        laws::pass_through(
            format!("{text}\n").as_bytes(),
            |bytes| PacketRef::decode(bytes).unwrap(),
            |packet| matches!(packet, PacketRef::Unknown(line) if *line == text),
            |packet| encoded(*packet, &Config::DEFAULT).unwrap(),
        );
    }
    for collection_type in ["burst", "STREAM", "stream ", " ", "0", "流"] {
        laws::pass_through(
            format!("$H|a|b|c|{collection_type}\n").as_bytes(),
            |bytes| Packet::decode(bytes).unwrap(),
            |packet| matches!(packet, Packet::Hello(hello) if hello.collection_type == collection_type),
            |packet| packet.encode_to_vec().unwrap(),
        );
    }
}

#[test]
fn law_11_byte_by_byte_is_linear_work() {
    if cfg!(miri) {
        return;
    }
    // One line that grows by a byte each time: looked at from its start each time, it would be quadratic.
    for unit in [&b"x"[..], b"|", b">t|1|", b"\r", b"\xff"] {
        let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(usize::MAX));
        laws::linear_cpu(
            20_000,
            |n| [b">t|1|", &unit.repeat(n)[..], b"\n"].concat(),
            |line| {
                let mut decoder = Decoder::with_config(&config);
                (1..=line.len()).filter(|&len| decoder.decode(&mut &line[..len]).is_some()).count()
            },
        );
    }
}

/// Texts with all that ends a field or a line somewhere, and a few that may be written.
fn any_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        '|', '\n', '\r', '\0', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{7f}', '\u{85}', '\u{2028}',
        '\u{2029}', '\u{feff}', '$', '>', ' ',
    ]);
    let character = prop_oneof![4 => any::<char>(), 1 => odd, 4 => prop::char::range('a', 'z')];
    prop::collection::vec(character, 0..6).prop_map(|characters| characters.into_iter().collect())
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let hello = [any_text(), any_text(), any_text(), any_text()].prop_map(|[name, units, data_type, collection]| {
        let hello = HelloRef::new(&name, &units).with_data_type(&data_type).with_collection_type(&collection);
        PacketRef::Hello(hello).into_owned()
    });
    let nanos = prop_oneof![2 => Just(0_u32), 2 => 0..1_000_000_000_u32, 1 => any::<u32>()];
    let data = (any_text(), any::<i64>(), nanos, any::<u64>()).prop_map(|(tag, timestamp, nanos, bits)| {
        let value = common::without_payload(f64::from_bits(bits));
        PacketRef::Data(DataRef::new(&tag, timestamp, value).with_nanos(nanos)).into_owned()
    });
    let identifier = prop_oneof![
        1 => any_text(),
        2 => prop::sample::select(vec!["$Q", "$P", "$H", "ACK", "START", "STOP", "PAUSE", "$", "", ">", "a", "$é", "É", "A1"])
            .prop_map(str::to_owned),
    ];
    let unknown = (identifier, prop::collection::vec(any_text(), 0..4)).prop_map(|(identifier, fields)| {
        Packet::Unknown(iter::once(identifier).chain(fields).collect::<Vec<_>>().join("|"))
    });
    prop_oneof![
        3 => hello,
        2 => any_text().prop_map(Packet::Ack),
        4 => data,
        3 => unknown,
        1 => prop::sample::select(vec![Packet::Heartbeat, Packet::Start, Packet::Stop]),
    ]
}

proptest! {
    #![proptest_config(Cases { cases: if cfg!(miri) { 8 } else { 20_000 }, failure_persistence: None, ..Cases::default() })]

    /// R6: nobody gets a field, a line or another packet past the writer.
    #[test]
    fn a_packet_is_refused_or_read_back_as_the_same(packet in any_packet(), is_fractional: bool) {
        let config = Config::DEFAULT.with_fractional_timestamps(is_fractional);
        let Ok(line) = encoded(packet.as_ref(), &config) else {
            let mut room = [0xa5; 600];
            prop_assert!(packet.as_ref().encode_to_slice_with(&mut room, &config).is_err());
            prop_assert!(room.iter().all(|byte| *byte == 0xa5));
            return Ok(());
        };
        prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        prop_assert!(!line.contains(&b'\r'));
        prop_assert_eq!(line.len(), packet.encoded_len());
        // By the second reader, and by lenient readers, too.
        let body = line.strip_suffix(b"\n").unwrap();
        prop_assert_eq!(reference(body, &config), Ok(plain(packet.as_ref())));
        for reader in [config, config.with_accept_crlf(true), LENIENT] {
            prop_assert_eq!(outcome(PacketRef::decode_with(&line, &reader)), Ok(plain(packet.as_ref())));
        }
    }

    #[test]
    fn what_may_be_written_is_written(packet in any_packet()) {
        let clean = |text: &str| !text.contains(['|', '\n', '\r']);
        let expected = match packet.as_ref() {
            PacketRef::Hello(hello) => {
                let texts = [hello.name, hello.units, hello.data_type, hello.collection_type];
                texts.into_iter().all(clean) && !hello.name.is_empty() && !hello.collection_type.is_empty()
            }
            PacketRef::Ack(uid) => clean(uid) && !uid.is_empty(),
            PacketRef::Data(data) => clean(data.tag) && !data.tag.is_empty() && data.nanos < 1_000_000_000,
            // What the second reader takes for just that.
            PacketRef::Unknown(line) => !line.contains('\n') && reference(line.as_bytes(), &Config::DEFAULT) == Ok(Plain::Unknown(line)),
            _ => true,
        };
        prop_assert_eq!(encoded(packet.as_ref(), &LENIENT).is_ok(), expected);
    }
}

/// How many DATA lines are read twice.
const LINES: usize = if cfg!(miri) { 50 } else { 220_000 };

/// SPEC.md §1 to §4 in `split` and `parse`, against the crate, whichever of its readers takes a line.
#[test]
fn data_lines_are_what_a_second_reader_makes_of_them() {
    let mut rng = Rng::new(testkit::rng::seed());
    let (mut good, mut bad, mut seen) = (0_usize, 0_usize, 0_usize);
    let mut config = Config::DEFAULT;
    let mut stream = Vec::new();
    while seen < LINES {
        if seen % 64 == 0 {
            check_stream(&stream, &config);
            stream.clear();
            config = some_config(&mut rng);
        }
        let mut line = common::data_line(&mut rng);
        if rng.below(8) == 0 {
            line.push(b'\r');
        }
        // Just at the limit, and just beside it.
        let max =
            if rng.below(4) == 0 { (line.len() + 1).saturating_sub(rng.below(3)) } else { config.limits.max_line_len };
        let own = config.with_limits(config.limits.with_max_line_len(max));
        seen += 1;
        match check_line(&line, &own, seen % 16 == 0) {
            true => good += 1,
            false => bad += 1,
        }
        stream.extend(&line);
        stream.push(b'\n');
    }
    check_stream(&stream, &config);
    assert!(good > LINES / 4 && bad > LINES / 8, "{good} good and {bad} bad lines");
}

/// Reads one line in every place and form; tells whether it is a packet.
fn check_line(line: &[u8], config: &Config, in_all_places: bool) -> bool {
    let expected = reference(line, config);
    let with_end = [line, b"\n"].concat();
    let shown = || format!("{:?} under {config:?}", String::from_utf8_lossy(line));
    let check = |input: &[u8]| {
        assert_eq!(outcome(PacketRef::decode_with(input, config)), expected, "{}", shown());
        let mut rest = input;
        let found = Decoder::with_config(config).decode(&mut rest).expect("a whole line");
        assert_eq!(outcome(found), expected, "{}", shown());
    };
    // Torn: not a line yet, unless over the limit already.
    let check_torn = |input: &[u8]| {
        let mut rest = input;
        let (found, prefix) = (Decoder::with_config(config).decode(&mut rest), PacketRef::decode_prefix(input, config));
        if input.len() > config.limits.max_line_len {
            assert_eq!(found.map(outcome), Some(expected.clone()), "{}", shown());
            assert_eq!(prefix.unwrap_err().kind(), DecodeErrorKind::LimitExceeded, "{}", shown());
        } else {
            assert_eq!((found, rest), (None, input), "{}", shown());
            assert!(matches!(prefix, Ok(Decoded::Incomplete { .. })), "{}", shown());
        }
    };
    check(&with_end);
    check_torn(line);
    // What follows is none of its business, not even where it would make more of it.
    let mut decoder = Decoder::with_config(config);
    let followed = [&with_end[..], b"123456789|1|2\n"].concat();
    let mut rest = &followed[..];
    assert_eq!(decoder.decode(&mut rest).map(outcome), Some(expected.clone()), "{}", shown());
    // Read when it was torn, and again when it is whole.
    if line.len() <= config.limits.max_line_len {
        let cut = line.len() * 2 / 3;
        let mut decoder = Decoder::with_config(config);
        assert_eq!(decoder.decode(&mut &with_end[..cut]), None, "{}", shown());
        assert_eq!(decoder.decode(&mut &with_end[..]).map(outcome), Some(expected.clone()), "{}", shown());
    }
    if in_all_places {
        testkit::slices::at_every_offset(&with_end, check);
        testkit::slices::at_every_offset(line, check_torn);
    }
    #[cfg(all(unix, not(miri)))]
    {
        testkit::slices::before_guard_page(&with_end, check);
        testkit::slices::before_guard_page(line, check_torn);
    }
    expected.is_ok()
}

fn check_stream(stream: &[u8], config: &Config) {
    let whole = read_stream(&mut iter::once(stream), config);
    check_against_the_second_reader(stream, &whole, config);
    let chunk = 1 + stream.len() % 97;
    assert_eq!(read_stream(&mut stream.chunks(chunk), config), whole, "in pieces of {chunk}");
}

/// And so with lines of every kind.
#[test]
fn lines_of_any_kind_are_what_a_second_reader_makes_of_them() {
    let mut good = 0;
    for_each_seed(if cfg!(miri) { 50 } else { 60_000 }, |rng| {
        let line = common::any_line(rng);
        good += usize::from(check_line(&line, &some_config(rng), false));
    });
    assert!(cfg!(miri) || (10_000..50_000).contains(&good), "{good} good lines");
}

/// Every prefix of lines that fill a limit, at the very end of readable memory.
#[cfg(all(unix, not(miri)))]
#[test]
fn lines_at_the_limit_are_read_and_the_next_byte_is_not() {
    for max in [5, 8, 15, 16, 17, 31, 32, 33, 4095, 4096, 4097] {
        let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(max));
        for len in [max - 1, max, max + 1] {
            for (head, tail) in [(">", "|1|2"), (">t|", "|2"), (">t|1|0.", "1"), (">t|1|", "9"), (">t|0", "1|-1")] {
                let fill = if head == ">" { "t" } else { "0" };
                let Some(room) = len.checked_sub(head.len() + tail.len()) else { continue };
                let line = format!("{head}{}{tail}", fill.repeat(room)).into_bytes();
                assert_eq!(line.len(), len);
                let is_good = check_line(&line, &config, true);
                assert_eq!(is_good, reference(&line, &config).is_ok());
                assert!(len <= max || !is_good, "{len} bytes under a limit of {max}");
            }
        }
    }
}

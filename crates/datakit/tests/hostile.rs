//! Input, and values, that mean harm: one test or comment for each bug class R1 to R15.
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

use core::time::Duration;

use bytes::BytesMut;
use common::{Fault, Plain, outcome, plain, reference};
use datakit::{
    Client, ClientEvent, CloseReason, Columns, Config, DataRef, DecodeError, DecodeErrorKind, Decoded, Decoder,
    EncodeError, Error, HelloRef, Limit, Limits, Packet, PacketRef, Registry, Server, ServerEvent, State, UsageError,
};
use testkit::laws;
use testkit::vectors::to_hex;
use testkit::{Rng, SMALL_STACK, assert_no_alloc, measure, on_small_stack};

const NOW: Duration = Duration::from_secs(1);
const HELLO: &[u8] = b"$H|a|b|c|stream\n";

fn limited(max_line_len: usize) -> Config {
    Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(max_line_len))
}

/// What a line came to, read in some way; `None` if that way gives no verdict on it.
type Verdict = Option<Result<Packet, DecodeError>>;

/// One way to read a line under some settings.
type Entry = (&'static str, fn(&[u8], &Config) -> Verdict);

/// Every public way to read. R15: whoever adds one adds it here.
fn entries() -> Vec<Entry> {
    vec![
        ("PacketRef::decode_with", |bytes, config| {
            Some(PacketRef::decode_with(bytes, config).map(PacketRef::into_owned))
        }),
        ("Packet::decode_with", |bytes, config| Some(Packet::decode_with(bytes, config))),
        ("PacketRef::decode_prefix", |bytes, config| match PacketRef::decode_prefix(bytes, config) {
            Ok(Decoded::Complete { value, .. }) => Some(Ok(value.into_owned())),
            Ok(Decoded::Incomplete { .. }) => None,
            Err(error) => Some(Err(error)),
        }),
        ("Decoder::decode", |bytes, config| {
            let mut rest = bytes;
            Decoder::with_config(config).decode(&mut rest).map(|result| result.map(PacketRef::into_owned))
        }),
        ("Decoder::decode, byte by byte", |bytes, config| {
            let mut told = common::read_stream(&mut bytes.chunks(1), config).lines;
            assert!(told.len() <= 1, "{told:?}");
            told.pop()
        }),
        ("Columns::decode", |bytes, config| {
            let (mut columns, mut decoder, mut rest) = (Columns::new(), Decoder::with_config(config), bytes);
            match columns.decode(&mut decoder, &mut rest) {
                Some(result) => Some(result.map(PacketRef::into_owned)),
                None if columns.is_empty() => None,
                None => {
                    let nanos = columns.nanos().first().copied().unwrap_or_default();
                    let data = DataRef::new(columns.tag(0).unwrap(), columns.timestamps()[0], columns.values()[0]);
                    Some(Ok(PacketRef::Data(data.with_nanos(nanos)).into_owned()))
                }
            }
        }),
        ("Client::handle_input", |bytes, config| {
            let mut client = Client::new(HelloRef::new("n", ""), &config.with_limits(Limits::DEFAULT), NOW).unwrap();
            // The limit is about reading: a HELLO that it would not let out would end the test before it begins.
            if config.limits != Limits::DEFAULT {
                client = Client::new(HelloRef::new("n", ""), config, NOW).ok()?;
            }
            assert_eq!(client.handle_input(NOW, bytes), bytes.len());
            client_verdict(&mut client, bytes)
        }),
        ("Client::handle_input, byte by byte", |bytes, config| {
            let mut client = Client::new(HelloRef::new("n", ""), config, NOW).ok()?;
            bytes.chunks(1).for_each(|byte| assert_eq!(client.handle_input(NOW, byte), 1));
            client_verdict(&mut client, bytes)
        }),
        ("Server::handle_input", |bytes, config| {
            let mut server = Server::new(config, NOW);
            assert_eq!(server.handle_input(NOW, bytes), bytes.len());
            server_verdict(server.poll_event(), bytes)
        }),
        ("Server::handle_input, byte by byte", |bytes, config| {
            let mut server = Server::new(config, NOW);
            bytes.chunks(1).for_each(|byte| assert_eq!(server.handle_input(NOW, byte), 1));
            server_verdict(server.poll_event(), bytes)
        }),
        ("Registry::handle_input", |bytes, config| {
            let mut registry = Registry::new(config);
            let id = registry.insert(NOW).unwrap();
            assert_eq!(registry.handle_input(NOW, id, bytes), Ok(bytes.len()));
            server_verdict(registry.poll_event().map(|(_, event)| event), bytes)
        }),
        #[cfg(feature = "tokio-util")]
        ("Codec::decode", |bytes, config| {
            use tokio_util::codec::Decoder as _;

            let mut buffer = BytesMut::from(bytes);
            datakit::Codec::with_config(config).decode(&mut buffer).unwrap()
        }),
    ]
}

fn client_verdict(client: &mut Client, bytes: &[u8]) -> Verdict {
    match client.poll_event()? {
        ClientEvent::Registered { uid } => Some(Ok(Packet::Ack(uid))),
        ClientEvent::Unknown(line) => Some(Ok(Packet::Unknown(line))),
        ClientEvent::PeerError { packet, .. } => Some(Ok(packet)),
        ClientEvent::BadLine { error, line } => {
            assert!(bytes.starts_with(&line));
            Some(Err(error))
        }
        other => panic!("{other:?} out of {}", to_hex(bytes)),
    }
}

fn server_verdict(event: Option<ServerEvent>, bytes: &[u8]) -> Verdict {
    match event? {
        ServerEvent::Hello(hello) => Some(Ok(Packet::Hello(hello))),
        ServerEvent::Unknown(line) => Some(Ok(Packet::Unknown(line))),
        ServerEvent::PeerError { packet, .. } => Some(Ok(packet)),
        ServerEvent::BadLine { error, line } => {
            assert!(bytes.starts_with(&line));
            Some(Err(error))
        }
        other => panic!("{other:?} out of {}", to_hex(bytes)),
    }
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    if text.len() < 80 { format!("{text:?}") } else { format!("{:?}… ({} bytes)", &text[..40], line.len()) }
}

/// All ways to read a line, given without its `\n`, say what the second reader says.
#[track_caller]
fn check_everywhere(line: &[u8], config: &Config) -> Result<(), Fault> {
    let expected = reference(line, config);
    let input = [line, b"\n"].concat();
    for (way, decode) in entries() {
        if line.len() > 20_000 && way.ends_with("byte by byte") {
            continue;
        }
        let Some(found) = decode(&input, config) else {
            // A client that cannot say HELLO under so short a limit.
            assert!(way.starts_with("Client") && config.limits.max_line_len < 13, "{way} on {}", shown(line));
            continue;
        };
        let found = found.as_ref().map(Packet::as_ref).map_err(|error| *error);
        assert_eq!(outcome(found), expected, "{way} on {}", shown(line));
    }
    expected.map(drop)
}

/// A client in SENDING, with nothing waiting.
fn sending_client(config: &Config) -> Client {
    let mut client = Client::new(HelloRef::new("n", ""), config, NOW).unwrap();
    for (line, event) in
        [(&b"ACK|1\n"[..], ClientEvent::Registered { uid: "1".into() }), (b"START\n", ClientEvent::Start)]
    {
        assert_eq!(client.handle_input(NOW, line), line.len());
        assert_eq!(client.poll_event(), Some(event));
    }
    client.poll_transmit().unwrap();
    client
}

/// A server in SENDING, with nothing waiting.
fn sending_server(config: &Config) -> Server {
    let mut server = Server::new(config, NOW);
    assert_eq!(server.handle_input(NOW, HELLO), HELLO.len());
    assert!(matches!(server.poll_event(), Some(ServerEvent::Hello(_))));
    server.accept(NOW, "1").unwrap();
    server.start(NOW).unwrap();
    server.poll_transmit().unwrap();
    server
}

/// Hands `input` to a machine in pieces, draining when it wants that; the events, and the most heap it held.
fn feed<M, E>(
    machine: &mut M,
    input: impl Iterator<Item = Vec<u8>>,
    handle: impl Fn(&mut M, &[u8]) -> usize,
    poll: impl Fn(&mut M) -> Option<E>,
) -> (Vec<E>, usize) {
    let (mut events, mut peak) = (Vec::new(), 0);
    for chunk in input {
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            let (taken, stats) = measure(|| handle(machine, rest));
            peak = peak.max(stats.peak);
            rest = &rest[taken..];
            let before = events.len();
            while let Some(event) = poll(machine) {
                events.push(event);
            }
            // R8: what is not taken is for want of room, and there is room after draining.
            assert!(taken > 0 || events.len() > before, "no progress");
        }
    }
    (events, peak)
}

// R1, allocation from a length or count that was only announced: nothing in a line announces a length or a count. What comes
// nearest is a number, which is never used as one: R14.

#[test]
fn r01_a_number_reserves_nothing() {
    for number in ["9223372036854775807", "-9223372036854775808", "4294967295", "1e308", "1e999999999"] {
        let line = format!(">t|1459309227|{number}\n");
        assert_no_alloc(|| PacketRef::decode(line.as_bytes()).is_ok());
        let (_, stats) = measure(|| Packet::decode(line.as_bytes()).unwrap());
        assert!(stats.peak <= 8, "{stats:?}");
    }
}

#[test]
fn r02_small_lines_make_no_large_values() {
    // A packet owns its texts and nothing else.
    let mut rng = Rng::new(testkit::rng::seed());
    for _ in 0..2_000 {
        let line = [common::any_line(&mut rng), b"\n".to_vec()].concat();
        let (_, stats) = measure(|| Packet::decode(&line));
        assert!(stats.peak <= line.len(), "{} bytes of heap for {}", stats.peak, shown(&line));
    }
    // In columns a reading of 6 bytes and its newline takes 20 bytes, or 24 with nanoseconds, twice that while they grow.
    let n = 50_000;
    for (unit, per) in [(&b">t|1|2\n"[..], 20), (b">t|1.5|2\n", 24)] {
        let input = unit.repeat(n);
        let config = Config::DEFAULT.with_fractional_timestamps(true);
        let (mut columns, mut decoder) = (Columns::new(), Decoder::with_config(&config));
        let (_, stats) = measure(|| assert_eq!(columns.decode(&mut decoder, &mut &input[..]), None));
        assert_eq!(columns.len(), n);
        assert!(stats.peak <= 3 * per * n, "{} bytes of heap", stats.peak);
    }
    // And a machine holds so many events and no more, whatever their size.
    for unit in [&b"\n"[..], b"A\n", b"$0\n", b"$P|\n", b"START\n"] {
        let mut server = Server::new(&Config::DEFAULT, NOW);
        let input = unit.repeat(100_000);
        let (taken, stats) = measure(|| server.handle_input(NOW, &input));
        assert!(taken < input.len() && stats.peak < 128 * 1024, "{taken} taken, {stats:?}");
    }
}

// R3, stack overflow by nesting: nothing nests. Long input is the nearest to it.

#[test]
fn r03_a_mebibyte_of_separators_needs_no_stack() {
    const LEN: usize = if cfg!(miri) { 1 << 10 } else { 1 << 20 };
    for unit in [&b"|"[..], b">", b"$", b"A", b"A|", b"$H|", b">t|1|", b"\r", b"-", b"0", b"\xff", b"\0"] {
        let line = unit.repeat(LEN / unit.len());
        for config in [Config::DEFAULT, limited(usize::MAX), limited(LEN / 2)] {
            on_small_stack(SMALL_STACK, || {
                check_everywhere(&line, &config).map_or_else(drop, |()| assert!(config.limits.max_line_len > LEN));
            });
        }
    }
}

#[test]
fn r04_short_and_odd_input_is_an_error_and_no_panic() {
    for byte in 0..=u8::MAX {
        if byte != b'\n' {
            check_everywhere(&[byte], &Config::DEFAULT).map_or_else(drop, |()| assert!(byte.is_ascii_uppercase()));
        }
        for other in [b'|', b'\r', b'P', b'>', 0, 0xff, byte] {
            if byte != b'\n' {
                let lenient = Config::DEFAULT.with_accept_crlf(true);
                let _ = (check_everywhere(&[byte, other], &lenient), check_everywhere(&[other, byte], &lenient));
            }
        }
    }
}

#[test]
fn r04_invalid_utf8_is_found_at_each_position() {
    let lines: [&[u8]; 7] =
        [b"$H|a|b|c|stream", b"ACK|17", b"$P", b"START", b"STOP", b">tag|1459309227|3.25", b"PAUSE|1"];
    for line in lines {
        for at in 0..=line.len() {
            for bad in [
                &b"\xff"[..],
                b"\x80",
                b"\xc3",
                b"\xe2\x82",
                b"\xf0\x9f\x8c",
                b"\xc0\xaf",
                b"\xed\xa0\x80",
                b"\xf5\x80\x80\x80",
            ] {
                let line = [&line[..at], bad, &line[at..]].concat();
                let fault = check_everywhere(&line, &Config::DEFAULT).unwrap_err();
                assert_eq!((fault.kind, fault.column), (DecodeErrorKind::InvalidUtf8, at + 1), "{}", shown(&line));
            }
        }
    }
}

#[test]
fn r05_limits_at_the_ends_of_their_range_do_not_wrap() {
    for max in [usize::MAX, usize::MAX - 1, isize::MAX as usize, isize::MAX as usize + 1] {
        check_everywhere(b">t|1|2", &limited(max)).unwrap();
        check_everywhere(&b"x".repeat(10_000), &limited(max)).unwrap_err();
        let mut decoder = Decoder::with_config(&limited(max));
        assert_eq!(decoder.decode(&mut &b"STA"[..]), None);
        assert_eq!(decoder.decode(&mut &b"START\n"[..]), Some(Ok(PacketRef::Start)));
        let mut out = Vec::new();
        PacketRef::Start.encode_with(&mut out, &limited(max)).unwrap();
        assert_eq!(out, b"START\n");
    }
    // Nothing but the empty line fits into nothing.
    assert_eq!(check_everywhere(b"", &limited(0)).unwrap_err().kind, DecodeErrorKind::EmptyLine);
    assert_eq!(check_everywhere(b"$P", &limited(0)).unwrap_err().kind, DecodeErrorKind::LimitExceeded);
    // No room for events is room for one.
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_events(0));
    let mut server = Server::new(&config, NOW);
    assert_eq!(server.handle_input(NOW, b"\n\n"), 1);
    assert_eq!(server.handle_input(NOW, b"\n"), 0);
    assert!(server.poll_event().is_some());
    assert_eq!(server.handle_input(NOW, b"\n"), 1);
}

// R6, truncation when writing: nothing is counted on the wire; what smuggles here are separators and newlines. See also
// `a_packet_is_refused_or_read_back_as_the_same` in `laws.rs`.

#[test]
fn r06_a_field_cannot_end_its_field_or_its_line() {
    for byte in ['|', '\n', '\r'] {
        for text in
            [format!("{byte}"), format!("a{byte}"), format!("{byte}a"), format!("a{byte}STOP"), format!("é{byte}é")]
        {
            let packets = [
                PacketRef::Hello(HelloRef::new(&text, "")),
                PacketRef::Hello(HelloRef::new("n", &text)),
                PacketRef::Hello(HelloRef::new("n", "").with_data_type(&text)),
                PacketRef::Hello(HelloRef::new("n", "").with_collection_type(&text)),
                PacketRef::Ack(&text),
                PacketRef::Data(DataRef::new(&text, 1, 2.0)),
            ];
            for packet in packets {
                let error = laws::nothing_written(|out| packet.encode(out));
                let offset = text.find(byte).unwrap();
                assert!(
                    matches!(error, EncodeError::ForbiddenCharacter { byte: found, offset: at, .. } if found == byte as u8 && at == offset),
                    "{error} for {packet:?}"
                );
            }
            // The machines do not let it out either.
            assert!(Client::new(HelloRef::new(&text, ""), &Config::DEFAULT, NOW).is_err());
            let mut client = sending_client(&Config::DEFAULT);
            assert!(matches!(client.send_data(NOW, DataRef::new(&text, 1, 2.0)), Err(Error::Encode(_))));
            assert_eq!(client.poll_transmit(), None);
            let mut server = Server::new(&Config::DEFAULT, NOW);
            assert_eq!(server.handle_input(NOW, HELLO), HELLO.len());
            assert!(matches!(server.accept(NOW, &text), Err(Error::Encode(_))));
            assert_eq!((server.poll_transmit(), server.state()), (None, State::Greeted));
        }
    }
}

/// What other readers take for line ends stays inside of a field.
#[test]
fn r06_other_line_ends_are_text() {
    for text in ["\0", "\u{b}", "\u{c}", "\u{1c}", "\u{1d}", "\u{1e}", "\u{85}", "\u{2028}", "\u{2029}", "\u{7f}"] {
        let text = format!("a{text}b");
        let line = PacketRef::Data(DataRef::new(&text, 1, 2.0)).encode_to_vec().unwrap();
        assert_eq!(line, format!(">{text}|1|2\n").as_bytes());
        check_everywhere(line.strip_suffix(b"\n").unwrap(), &Config::DEFAULT).unwrap();
    }
}

/// Lengths around the powers that shorter integers hold.
#[test]
fn r06_long_texts_keep_their_length() {
    for len in [254, 255, 256, 257, 65_534, 65_535, 65_536, 65_537, 1 << 20] {
        if cfg!(miri) && len > 300 {
            continue;
        }
        let text = "x".repeat(len);
        let config = limited(usize::MAX);
        let packet = PacketRef::Ack(&text);
        let mut line = Vec::new();
        packet.encode_with(&mut line, &config).unwrap();
        assert_eq!((line.len(), packet.encoded_len()), (len + 5, len + 5));
        assert_eq!(PacketRef::decode_with(&line, &config).map(plain), Ok(Plain::Ack(&text)));
    }
}

#[test]
fn r07_pieces_of_any_size_are_linear_work() {
    if cfg!(miri) {
        return;
    }
    // A line that is torn into bytes, through the machines, which keep what was not consumed.
    let config = limited(usize::MAX);
    for unit in [&b"x"[..], b"|", b">t|1|", b"\r"] {
        let prepare = |n: usize| [&unit.repeat(n)[..], b"\n"].concat();
        laws::linear_cpu(10_000, prepare, |line| {
            let mut server = Server::new(&config, NOW);
            line.chunks(1).map(|byte| server.handle_input(NOW, byte)).sum::<usize>()
        });
        // And over the limit, where bytes are dropped as they come.
        laws::linear_cpu(10_000, prepare, |line| {
            let mut server = Server::new(&limited(100), NOW);
            line.chunks(1).map(|byte| server.handle_input(NOW, byte)).sum::<usize>()
        });
        // With the newline: many lines, one reading.
        laws::linear_cpu(
            2_000,
            |n| [unit, b"\n"].concat().repeat(n),
            |stream| {
                let (mut decoder, mut rest) = (Decoder::new(), &stream[..]);
                std::iter::from_fn(|| decoder.decode(&mut rest).map(drop)).count()
            },
        );
    }
}

#[test]
fn r07_many_tags_are_not_quadratic() {
    if cfg!(miri) {
        return;
    }
    let distinct = |n: usize| (0..n).map(|index| format!(">tag{index}|1|2\n")).collect::<String>().into_bytes();
    let backwards =
        |n: usize| (0..n).rev().map(|index| format!(">tag{index:09}|1|2\n")).collect::<String>().into_bytes();
    let read = |input: Vec<u8>| {
        let (mut columns, mut decoder) = (Columns::new(), Decoder::new());
        assert_eq!(columns.decode(&mut decoder, &mut &input[..]), None);
        columns.len()
    };
    laws::linear_cpu(2_000, distinct, read);
    laws::linear_cpu(2_000, backwards, read);
}

#[test]
fn r08_every_call_consumes_or_wants_more() {
    let mut rng = Rng::new(testkit::rng::seed());
    for _ in 0..if cfg!(miri) { 5 } else { 500 } {
        let config = limited(rng.below(40));
        let len = rng.below(500);
        let stream: Vec<u8> = rng.bytes(len).into_iter().map(|byte| if byte < 40 { b'\n' } else { byte }).collect();
        let (mut decoder, mut rest) = (Decoder::with_config(&config), &stream[..]);
        loop {
            let before = rest.len();
            match decoder.decode(&mut rest) {
                Some(_) => assert!(rest.len() < before, "something came of nothing"),
                None => break,
            }
        }
        // Nothing but the start of a line is left, and that says so.
        assert!(!rest.contains(&b'\n'));
        assert_eq!(decoder.finish(rest).is_err(), !rest.is_empty());
        assert_eq!(decoder.decode(&mut &b""[..]), None);
    }
}

/// Whatever the machines are fed with, and however few events they may hold: drained, they go on.
#[test]
fn r08_a_machine_that_is_drained_takes_more() {
    let mut rng = Rng::new(testkit::rng::seed());
    for case in 0..if cfg!(miri) { 3 } else { 300 } {
        let limits = Limits::DEFAULT.with_max_queued_events(rng.below(4)).with_max_line_len(20 + rng.below(40));
        let config = Config::DEFAULT.with_limits(limits);
        let mut stream = Vec::new();
        while stream.len() < 2_000 {
            stream.extend(common::any_line(&mut rng));
            stream.extend(*rng.choose(&[&b"\n"[..], b"\n", b"\n\n", b"", b"\nSTART\n", b"\nSTOP\n", b"\n$P\n", HELLO]));
        }
        let chunk = 1 + case % 300;
        let chunks = || stream.chunks(chunk).map(<[u8]>::to_vec);
        let most = limits.max_queued_events.max(1) + 3;
        let mut client = sending_client(&config);
        feed(
            &mut client,
            chunks(),
            |client, input| client.handle_input(NOW, input),
            |client| {
                let events: Vec<_> = std::iter::from_fn(|| client.poll_event()).collect();
                assert!(events.len() <= most, "{} events of at most {most}", events.len());
                (!events.is_empty()).then_some(events)
            },
        );
        let mut server = sending_server(&config);
        feed(
            &mut server,
            chunks(),
            |server, input| server.handle_input(NOW, input),
            |server| {
                let events: Vec<_> = std::iter::from_fn(|| server.poll_event()).collect();
                if server.state() == State::Greeted {
                    server.accept(NOW, "1").unwrap();
                    server.poll_transmit().unwrap();
                }
                assert!(events.len() <= most, "{} events of at most {most}", events.len());
                (!events.is_empty()).then_some(events)
            },
        );
        let mut registry = Registry::new(&config);
        let id = registry.insert(NOW).unwrap();
        feed(
            &mut registry,
            chunks(),
            |registry, input| registry.handle_input(NOW, id, input).unwrap(),
            |registry| {
                let event = registry.poll_event();
                if matches!(event, Some((_, ServerEvent::Hello(_)))) {
                    registry.accept(NOW, id, "1").unwrap();
                    registry.poll_transmit().unwrap();
                }
                event
            },
        );
    }
}

/// At the end of input, in every state: closed, told once, and everything that still comes is ignored.
#[test]
fn r08_the_end_of_input_is_the_end_in_every_state() {
    let before: [&[u8]; 5] = [b"", b"ACK|1\n", b"ACK|1\nSTART\n", b"ACK|1\nSTART\nSTOP\n", b"ACK|1\n\n\nSTA"];
    for input in before {
        let mut client = Client::new(HelloRef::new("n", ""), &Config::DEFAULT, NOW).unwrap();
        assert_eq!(client.handle_input(NOW, input), input.len());
        client.handle_eof(NOW);
        let events: Vec<_> = std::iter::from_fn(|| client.poll_event()).collect();
        assert_eq!(events.last(), Some(&ClientEvent::Closed(CloseReason::Eof)));
        let torn = input.len() - input.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let ends = events.iter().filter(
            |event| matches!(event, ClientEvent::BadLine { error, line } if error.is_incomplete() && line.len() == torn),
        );
        assert_eq!(ends.count(), usize::from(torn > 0), "{events:?}");
        client.handle_eof(NOW);
        assert_eq!(client.handle_input(NOW, b"ACK|2\nSTART\n\xff\n"), 12 + 2);
        client.handle_timeout(NOW * 1000);
        assert_eq!((client.poll_event(), client.state(), client.poll_deadline()), (None, State::Closed, None));
    }
    for input in [&b""[..], HELLO, b"$P\n", b"$H|a|b|c", b">t|1|2\n\n\n>"] {
        let mut server = Server::new(&Config::DEFAULT, NOW);
        assert_eq!(server.handle_input(NOW, input), input.len());
        server.handle_eof(NOW);
        let events: Vec<_> = std::iter::from_fn(|| server.poll_event()).collect();
        assert_eq!(events.last(), Some(&ServerEvent::Closed(CloseReason::Eof)));
        let torn =
            events.iter().filter(|event| matches!(event, ServerEvent::BadLine { error, .. } if error.is_incomplete()));
        assert_eq!(torn.count(), usize::from(!input.is_empty() && !input.ends_with(b"\n")), "{events:?}");
        server.handle_eof(NOW);
        assert_eq!(server.handle_input(NOW, HELLO), HELLO.len());
        server.handle_timeout(NOW * 1000);
        assert_eq!((server.poll_event(), server.state(), server.poll_deadline()), (None, State::Closed, None));
    }
}

// R9, unsound fast paths: no unsafe code is allowed here. Lines at every alignment and right before memory that may not be
// read are `data_lines_are_what_a_second_reader_makes_of_them` and its neighbours in `laws.rs`. What a fast path could
// also get wrong is text that is not checked:

#[test]
fn r09_texts_are_utf8_whichever_path_reads_them() {
    let mut rng = Rng::new(testkit::rng::seed());
    let mut refused = 0;
    for _ in 0..if cfg!(miri) { 20 } else { 20_000 } {
        let len = 1 + rng.below(24);
        let tag: Vec<u8> = rng.bytes(len).into_iter().map(|byte| if rng_is_text(byte) { byte } else { 0xc3 }).collect();
        let line = [b">", &tag[..], b"|1459309227|3.25\n"].concat();
        let is_text = std::str::from_utf8(&tag).is_ok();
        refused += usize::from(!is_text);
        match PacketRef::decode(&line) {
            Ok(PacketRef::Data(data)) => assert!(is_text && data.tag.as_bytes() == tag),
            Err(error) => assert!(!is_text && error.kind() == DecodeErrorKind::InvalidUtf8, "{error}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(refused > 5, "{refused}");
}

fn rng_is_text(byte: u8) -> bool {
    !matches!(byte, b'|' | b'\n' | b'\r')
}

/// What a slice held before does not show, and what lies behind a line in it is left alone.
#[test]
fn r09_no_stale_output() {
    let mut room = [0xa5; 64];
    let long = PacketRef::Data(DataRef::new("a long tag", i64::MIN, -1.234_567_890_123_456_7e-300));
    let len = long.encode_to_slice(&mut room).unwrap();
    assert_eq!(len, long.encoded_len());
    let written = PacketRef::Heartbeat.encode_to_slice(&mut room).unwrap();
    assert_eq!((&room[..written], &room[3..5]), (&b"$P\n"[..], &b"lo"[..]));
}

#[test]
fn r10_timestamps_at_the_ends_of_their_range() {
    let fractional = Config::DEFAULT.with_fractional_timestamps(true);
    let read = |text: &str, config: &Config| {
        let line = format!(">t|{text}|1");
        check_everywhere(line.as_bytes(), config).map(|()| {
            match Packet::decode_with(format!("{line}\n").as_bytes(), config) {
                Ok(Packet::Data(data)) => (data.timestamp, data.nanos),
                other => panic!("{other:?}"),
            }
        })
    };
    let kind = |text: &str, config: &Config| read(text, config).unwrap_err().kind;
    for config in [Config::DEFAULT, fractional] {
        assert_eq!(read("9223372036854775807", &config), Ok((i64::MAX, 0)));
        assert_eq!(read("-9223372036854775808", &config), Ok((i64::MIN, 0)));
        assert_eq!(read("-00000000000000000009223372036854775808", &config), Ok((i64::MIN, 0)));
        for beyond in [
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "-18446744073709551615",
            "170141183460469231731687303715884105728",
        ] {
            assert_eq!(kind(beyond, &config), DecodeErrorKind::TimestampOutOfRange, "{beyond}");
        }
    }
    assert_eq!(read("9223372036854775807.999999999", &fractional), Ok((i64::MAX, 999_999_999)));
    assert_eq!(read("-9223372036854775807.999999999", &fractional), Ok((i64::MIN, 1)));
    assert_eq!(read("-9223372036854775808.000000000", &fractional), Ok((i64::MIN, 0)));
    assert_eq!(kind("-9223372036854775808.000000001", &fractional), DecodeErrorKind::TimestampOutOfRange);
    assert_eq!(kind("9223372036854775808.0", &fractional), DecodeErrorKind::TimestampOutOfRange);
    assert_eq!(kind("-9223372036854775808.5", &Config::DEFAULT), DecodeErrorKind::FractionalTimestamp);
    // Rounded down, written, and read again.
    for (timestamp, nanos, text) in [
        (i64::MIN, 0, "-9223372036854775808"),
        (i64::MIN, 1, "-9223372036854775807.999999999"),
        (i64::MIN, 999_999_999, "-9223372036854775807.000000001"),
        (i64::MAX, 999_999_999, "9223372036854775807.999999999"),
        (-1, 1, "-0.999999999"),
        (-1, 999_999_999, "-0.000000001"),
        (-1, 500_000_000, "-0.5"),
        (0, 1, "0.000000001"),
        (0, 100_000_000, "0.1"),
        (-2, 750_000_000, "-1.25"),
    ] {
        let mut line = Vec::new();
        let packet = PacketRef::Data(DataRef::new("t", timestamp, 1.0).with_nanos(nanos));
        packet.encode_with(&mut line, &fractional).unwrap();
        assert_eq!(line, format!(">t|{text}|1\n").as_bytes());
        assert_eq!(read(text, &fractional), Ok((timestamp, nanos)));
    }
}

/// The machines' clock at its end.
#[test]
fn r10_the_end_of_time_does_not_wrap() {
    let config = Config::DEFAULT
        .with_silence_timeout(Duration::MAX)
        .with_heartbeat_interval(Duration::MAX)
        .with_ack_timeout(Duration::MAX);
    for (config, now) in [(config, NOW), (Config::DEFAULT, Duration::MAX), (config, Duration::MAX)] {
        let mut server = Server::new(&config, now);
        let mut client = Client::new(HelloRef::new("n", ""), &config, now).unwrap();
        assert_eq!((server.poll_deadline(), client.poll_deadline()), (None, None));
        assert_eq!(client.handle_input(now, b"ACK|1\nSTART\n"), 12);
        assert_eq!(client.poll_deadline(), None);
        assert_eq!(server.handle_input(now, HELLO), HELLO.len());
        server.accept(now, "1").unwrap();
        server.start(now).unwrap();
        server.stop(now).unwrap();
        assert_eq!(server.handle_input(now, b">t|1|2\n"), 7);
        assert!(matches!(server.poll_event(), Some(ServerEvent::Hello(_))));
        assert!(matches!(server.poll_event(), Some(ServerEvent::Data { late: true, .. })));
    }
}

// R11, payload that is executed or interpreted: texts are texts. No API evaluates, expands or formats them.

#[test]
fn r11_texts_come_out_as_they_came() {
    for text in [
        "__import__('os')",
        "{}",
        "%s%n",
        "${HOME}",
        "$(id)",
        "`id`",
        "../..",
        "\u{1b}[2J",
        "\0",
        "\\n",
        "&lt;",
        "'; --",
    ] {
        let line = format!(">{text}|1|2\n");
        assert_eq!(outcome(PacketRef::decode(line.as_bytes())), Ok(Plain::Data(text, 1, 0, 2_f64.to_bits())));
    }
    // And they are escaped where they are shown to people.
    assert!(!format!("{:?}", PacketRef::Ack("\u{1b}[2J")).contains('\u{1b}'));
}

/// R12: see also law 9 in `laws.rs`. Through the machines: each bad line is told once, as it came, and nothing else is lost.
#[test]
fn r12_a_bad_line_costs_nothing_else() {
    let bad: [&[u8]; 6] = [b"\n", b"\xff\xfe\n", b">t|1|x\n", b"start\n", b"ACK\n", b">t|1|2\r\n"];
    for bad in bad {
        let stream = [b">a|1|1\n", bad, b">b|2|2\n"].concat();
        for cut in laws::cuts(stream.len()) {
            let mut server = sending_server(&Config::DEFAULT);
            cut.chunks(&stream).for_each(|chunk| assert_eq!(server.handle_input(NOW, chunk), chunk.len()));
            let events: Vec<_> = std::iter::from_fn(|| server.poll_event()).collect();
            let [
                ServerEvent::Data { data: first, .. },
                ServerEvent::BadLine { error, line },
                ServerEvent::Data { data: last, .. },
            ] = &events[..]
            else {
                panic!("{cut}: {events:?}");
            };
            assert_eq!((first.tag.as_str(), last.tag.as_str()), ("a", "b"));
            // Behind the HELLO and the first reading.
            assert_eq!((&line[..], error.line()), (bad, 3), "{cut}");
            let column = reference(bad.strip_suffix(b"\n").unwrap(), &Config::DEFAULT).unwrap_err().column;
            assert_eq!(error.offset(), (HELLO.len() + 7 + column - 1) as u64, "{cut}");
        }
    }
}

/// The events of both machines do not depend on how the input is cut; a bad line is told without the rest of the one over the
/// limit in front of it.
#[test]
fn r12_a_bad_line_behind_one_over_the_limit_is_told_as_it_came() {
    let config = limited(16);
    let stream = [&[b'x'; 40][..], b"\nbad\n>a|1|1\n"].concat();
    for cut in laws::cuts(stream.len()) {
        let mut server = sending_server(&config);
        let mut client = sending_client(&config);
        for chunk in cut.chunks(&stream) {
            assert_eq!(server.handle_input(NOW, chunk), chunk.len());
            assert_eq!(client.handle_input(NOW, chunk), chunk.len());
        }
        let mut server_lines = Vec::new();
        while let Some(event) = server.poll_event() {
            if let ServerEvent::BadLine { line, .. } = event {
                server_lines.push(String::from_utf8(line).unwrap());
            }
        }
        let mut client_lines = Vec::new();
        while let Some(event) = client.poll_event() {
            if let ClientEvent::BadLine { line, .. } = event {
                client_lines.push(String::from_utf8(line).unwrap());
            }
        }
        // Of the one over the limit, what was read until that was clear.
        let expected = ["x".repeat(17), "bad\n".to_owned()];
        assert_eq!(server_lines, expected, "{cut}");
        assert_eq!(client_lines, expected, "{cut}");
    }
}

/// Bytes without a newline, in pieces.
fn endless(unit: &'static [u8], total: usize, piece: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..total / piece).map(move |_| unit.repeat(piece.div_ceil(unit.len())))
}

const ENDLESS: usize = if cfg!(miri) { 1 << 14 } else { 1 << 20 };

#[test]
fn r13_an_endless_line_is_one_error_and_bounded_memory() {
    for unit in [&b"x"[..], b"|", b">t|1|2|", b"\r", b"\0", b"\xff", b"9"] {
        for piece in [1 << 10, 4097, 1 << 16] {
            // The decoder: the caller keeps what is not consumed, never more than a line.
            let mut decoder = Decoder::new();
            let (mut held, mut errors) = (Vec::new(), Vec::new());
            for chunk in endless(unit, ENDLESS, piece) {
                held.extend_from_slice(&chunk);
                let mut rest = &held[..];
                assert_no_alloc(|| {
                    while let Some(result) = decoder.decode(&mut rest) {
                        let error = result.unwrap_err();
                        assert_eq!(
                            (error.kind(), error.offset(), error.line()),
                            (DecodeErrorKind::LimitExceeded, 4096, 1)
                        );
                    }
                });
                errors.extend((decoder.offset() > 4096 && errors.is_empty()).then_some(()));
                let left = rest.len();
                assert!(left <= 4096);
                held.drain(..held.len() - left);
            }
            assert_eq!((errors.len(), held.len(), decoder.line()), (1, 0, 1));
            assert_eq!(decoder.decode(&mut &b"x\n$P\n"[..]), Some(Ok(PacketRef::Heartbeat)));
            assert_eq!(decoder.finish(b""), Ok(()));

            let config = Config::DEFAULT;
            let is_over = |error: &DecodeError| error.kind() == DecodeErrorKind::LimitExceeded;
            let mut client = sending_client(&config);
            let (events, peak) = feed(
                &mut client,
                endless(unit, ENDLESS, piece),
                |client, input| client.handle_input(NOW, input),
                Client::poll_event,
            );
            assert!(
                matches!(&events[..], [ClientEvent::BadLine { error, line }] if is_over(error) && line.len() == 4097)
            );
            assert!(peak < 20 * 1024, "{peak} bytes of heap");
            client.handle_eof(NOW);
            assert_eq!(client.poll_event(), Some(ClientEvent::Closed(CloseReason::Eof)));

            let mut server = sending_server(&config);
            let (events, peak) = feed(
                &mut server,
                endless(unit, ENDLESS, piece),
                |server, input| server.handle_input(NOW, input),
                Server::poll_event,
            );
            assert!(
                matches!(&events[..], [ServerEvent::BadLine { error, line }] if is_over(error) && line.len() == 4097)
            );
            assert!(peak < 20 * 1024, "{peak} bytes of heap");
        }
    }
}

/// As above, but the newline comes at last, and a bad line behind it, all in one piece.
#[test]
fn r13_events_stay_small_behind_a_line_over_the_limit() {
    const LEN: usize = if cfg!(miri) { 1 << 14 } else { 1 << 20 };
    let stream = [&vec![b'x'; LEN][..], b"\nbad\n"].concat();
    let mut server = sending_server(&Config::DEFAULT);
    let (taken, stats) = measure(|| server.handle_input(NOW, &stream));
    assert_eq!(taken, stream.len());
    let lens: Vec<usize> = std::iter::from_fn(|| server.poll_event())
        .map(|event| match event {
            ServerEvent::BadLine { line, .. } => line.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lens, [4097, 4]);
    assert!(stats.peak < 20 * 1024, "{} bytes of heap", stats.peak);
}

const FLOOD: usize = if cfg!(miri) { 1_000 } else { 1_000_000 };

#[test]
fn r13_a_million_empty_lines_are_a_million_errors_and_no_memory() {
    let piece = b"\n".repeat(1000);
    let pieces = || (0..FLOOD / 1000).map(|_| piece.clone());
    let mut decoder = Decoder::new();
    let count = assert_no_alloc(|| {
        let mut count = 0;
        for _ in 0..FLOOD / 1000 {
            let mut rest = &piece[..];
            while let Some(result) = decoder.decode(&mut rest) {
                count += usize::from(result.is_err_and(|error| error.kind() == DecodeErrorKind::EmptyLine));
            }
        }
        count
    });
    assert_eq!((count, decoder.line(), decoder.offset()), (FLOOD, FLOOD as u64 + 1, FLOOD as u64));
    let mut client = sending_client(&Config::DEFAULT);
    let (events, peak) =
        feed(&mut client, pieces(), |client, input| client.handle_input(NOW, input), Client::poll_event);
    assert!(events.len() == FLOOD && peak < 128 * 1024, "{} events, {peak} bytes", events.len());
    let mut server = sending_server(&Config::DEFAULT);
    let (events, peak) =
        feed(&mut server, pieces(), |server, input| server.handle_input(NOW, input), Server::poll_event);
    assert!(events.len() == FLOOD && peak < 128 * 1024, "{} events, {peak} bytes", events.len());
}

#[test]
fn r13_a_million_heartbeats_leave_nothing_behind() {
    let piece = b"$P\n".repeat(1000);
    let mut server = sending_server(&Config::DEFAULT);
    let deadline = server.poll_deadline();
    let ((), stats) = measure(|| {
        for _ in 0..FLOOD / 1000 {
            assert_eq!(server.handle_input(NOW, &piece), piece.len());
        }
    });
    assert_eq!((stats.peak, server.poll_event(), server.poll_transmit()), (0, None, None));
    assert_eq!((server.state(), server.poll_deadline()), (State::Sending, deadline));
    // START and STOP said twice, too.
    let mut client = sending_client(&Config::DEFAULT);
    let piece = b"START\n".repeat(1000);
    let ((), stats) = measure(|| {
        for _ in 0..FLOOD / 1000 {
            assert_eq!(client.handle_input(NOW, &piece), piece.len());
        }
    });
    assert_eq!((stats.peak, client.poll_event(), client.poll_transmit()), (0, None, None));
    // In a state where they are illegal they are events, and those are bounded.
    let mut server = Server::new(&Config::DEFAULT, NOW);
    assert_eq!(server.handle_input(NOW, &b"$P\n".repeat(1000)), 3 * 256);
}

/// HELLO again and again is three events at most for each, and what waited is dropped.
#[test]
fn r13_a_flood_of_hello_is_bounded() {
    let mut server = Server::new(&Config::DEFAULT, NOW);
    let input = HELLO.repeat(1000);
    // One is read; the next one only when that is answered.
    assert_eq!((server.handle_input(NOW, &input), server.handle_input(NOW, &input)), (HELLO.len(), 0));
    assert_eq!(std::iter::from_fn(|| server.poll_event()).count(), 1);
    server.accept(NOW, "1").unwrap();
    assert_eq!(server.handle_input(NOW, HELLO), HELLO.len());
    let reason = CloseReason::HelloAgain;
    assert_eq!(server.poll_event(), Some(ServerEvent::Unregistered { uid: "1".into(), reason }));
    assert!(matches!(server.poll_event(), Some(ServerEvent::Hello(_))));
    assert_eq!(server.poll_transmit(), None);
}

/// A peer that does not read: what waits to be sent is bounded on all sides.
#[test]
fn r13_what_waits_to_be_sent_is_bounded() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_bytes(100));
    let full = UsageError::LimitReached { limit: Limit::MaxQueuedBytes, max: 100 };
    let mut client = sending_client(&config);
    let reading = DataRef::new("t", 1, 2.0);
    let sent = (0..1000).take_while(|_| client.send_data(NOW, reading).is_ok()).count();
    assert_eq!((sent, client.send_data(NOW, reading)), (100 / 7, Err(full.into())));
    for beat in 1..1000 {
        client.handle_timeout(Duration::from_secs(10 * beat));
    }
    let waiting = client.poll_transmit().unwrap();
    // No reading is cut in two by another that found no room: 14 of them, and no heartbeat in the 2 bytes left.
    assert_eq!(waiting, b">t|1|2\n".repeat(14)[..]);
    client.send_data(NOW, reading).unwrap();

    let mut server = sending_server(&config);
    let sent = (0..1000).take_while(|_| server.start(NOW).is_ok()).count();
    assert_eq!((sent, server.start(NOW)), (100 / 6, Err(full)));
    assert_eq!(server.stop(NOW), Err(full));
    assert_eq!(server.state(), State::Sending);
    assert_eq!(server.poll_transmit().unwrap(), b"START\n".repeat(16)[..]);
    server.stop(NOW).unwrap();
}

#[test]
fn r14_numbers_cost_what_their_text_costs() {
    let zeros = "0".repeat(4000);
    let nines = "9".repeat(4000);
    let numbers = [
        ("1e999999999".to_owned(), f64::INFINITY),
        ("-1e999999999".to_owned(), f64::NEG_INFINITY),
        ("1e-999999999".to_owned(), 0.0),
        ("-1e-999999999".to_owned(), -0.0),
        ("0e999999999".to_owned(), 0.0),
        (format!("1e{nines}"), f64::INFINITY),
        (format!("1e-{nines}"), 0.0),
        (format!("-0e{nines}"), -0.0),
        (nines.clone(), f64::INFINITY),
        (format!("0.{zeros}1"), 0.0),
        (format!("1{zeros}e-4000"), 1.0),
        (format!("0.{}1e1001", "0".repeat(1000)), 1.0),
        (format!("1.{zeros}"), 1.0),
        (format!("{zeros}2"), 2.0),
        (format!("1.5e{zeros}1"), 15.0),
        ("-0".to_owned(), -0.0),
        ("5e-324".to_owned(), f64::from_bits(1)),
        ("2.47e-324".to_owned(), 0.0),
        ("2.4703282292062328e-324".to_owned(), f64::from_bits(1)),
        (format!("0.{}5", "0".repeat(323)), f64::from_bits(1)),
    ];
    for (text, value) in numbers {
        let line = format!(">t|1|{text}");
        check_everywhere(line.as_bytes(), &Config::DEFAULT).unwrap();
        let line = format!("{line}\n");
        let found = assert_no_alloc(|| PacketRef::decode(line.as_bytes())).unwrap();
        assert_eq!(plain(found), Plain::Data("t", 1, 0, value.to_bits()), "{}", shown(line.as_bytes()));
    }
    if cfg!(miri) {
        return;
    }
    // Ten kilobytes of digits are over the default limit, and where a caller raises that, linear work.
    let digits = format!(">t|1|{}", "7".repeat(10_000));
    assert_eq!(check_everywhere(digits.as_bytes(), &Config::DEFAULT).unwrap_err().kind, DecodeErrorKind::LimitExceeded);
    check_everywhere(digits.as_bytes(), &limited(usize::MAX)).unwrap();
    for (front, back) in [
        (">t|1|", ""),
        (">t|1|0.", ""),
        (">t|1|1e", ""),
        (">t|1|1e-", ""),
        (">t|1|0e", ""),
        (">t|", "|1"),
        (">t|-", "|1"),
    ] {
        for digit in ["7", "0"] {
            let prepare = |n: usize| format!("{front}{}{back}\n", digit.repeat(n));
            laws::linear_cpu(10_000, prepare, |line| {
                PacketRef::decode_with(line.as_bytes(), &limited(usize::MAX)).is_ok()
            });
        }
    }
}

#[test]
fn r15_every_way_to_read_honours_max_line_len() {
    assert_eq!(Limits::DEFAULT.max_line_len, 4096);
    for max in [4096, 4095, 100, 20] {
        let config = limited(max);
        for (head, tail) in
            [("ACK|", ""), (">", "|1|2"), (">t|1|", "1"), ("$H|n|u|", "|stream"), ("PAUSE|", ""), ("", ""), ("|", "|")]
        {
            for len in [max - 1, max, max + 1, max + 2, 2 * max + 1] {
                let fill = if head.ends_with("1|") { "0" } else { "x" };
                let line = format!("{head}{}{tail}", fill.repeat(len - head.len() - tail.len()));
                assert_eq!(line.len(), len);
                let verdict = check_everywhere(line.as_bytes(), &config);
                let over = Fault { kind: DecodeErrorKind::LimitExceeded, column: max + 1, what: "line" };
                assert_eq!(verdict == Err(over), len > max, "{}", shown(line.as_bytes()));
                // Told as soon as there is one byte too many, and not before.
                for (way, decode) in entries() {
                    let torn = decode(&line.as_bytes()[..max.min(len)], &config);
                    assert!(torn.is_none() || way.ends_with("ode_with"), "{way}: {torn:?}");
                    if len > max {
                        let found = decode(&line.as_bytes()[..max + 1], &config).expect(way).unwrap_err();
                        assert_eq!(
                            (found.kind(), found.limit()),
                            (DecodeErrorKind::LimitExceeded, Some(Limit::MaxLineLen)),
                            "{way}"
                        );
                    }
                }
            }
        }
    }
    // The short forms read under the defaults.
    let line = [&b"ACK|"[..], &[b'x'; 4093], b"\n"].concat();
    assert_eq!(PacketRef::decode(&line).unwrap_err().kind(), DecodeErrorKind::LimitExceeded);
    assert_eq!(Packet::decode(&line).unwrap_err().kind(), DecodeErrorKind::LimitExceeded);
    assert_eq!(Decoder::new().decode(&mut &line[..]).unwrap().unwrap_err().kind(), DecodeErrorKind::LimitExceeded);
}

#[test]
fn r15_every_way_to_write_honours_max_line_len() {
    let uid = "x".repeat(4093);
    let over = EncodeError::LimitExceeded { limit: Limit::MaxLineLen, met: 4097, max: 4096 };
    let packet = PacketRef::Ack(&uid);
    let mut room = [0; 5000];
    assert_eq!(laws::nothing_written(|out| packet.encode(out)), over);
    assert_eq!(laws::nothing_written(|out| packet.into_owned().encode(out)), over);
    assert_eq!(packet.encode_to_vec(), Err(over));
    assert_eq!(packet.into_owned().encode_to_vec(), Err(over));
    assert_eq!(packet.encode_to_slice(&mut room), Err(over));
    assert_eq!(packet.encode(&mut BytesMut::new()), Err(over));
    assert_eq!(PacketRef::Ack(&uid[1..]).encode_to_slice(&mut room), Ok(4097));
    // The machines.
    let long = "x".repeat(4096);
    assert!(matches!(
        Client::new(HelloRef::new(&long, ""), &Config::DEFAULT, NOW),
        Err(EncodeError::LimitExceeded { .. })
    ));
    let mut client = sending_client(&Config::DEFAULT);
    let refused = client.send_data(NOW, DataRef::new(&long, 1, 2.0));
    assert!(
        matches!(refused, Err(Error::Encode(EncodeError::LimitExceeded { met: 4101, max: 4096, .. }))),
        "{refused:?}"
    );
    assert_eq!(client.poll_transmit(), None);
    let mut server = Server::new(&Config::DEFAULT, NOW);
    assert_eq!(server.handle_input(NOW, HELLO), HELLO.len());
    assert_eq!(server.accept(NOW, &uid), Err(Error::Encode(over)));
    server.accept(NOW, &uid[1..]).unwrap();
    #[cfg(feature = "tokio-util")]
    {
        use tokio_util::codec::Encoder;

        let mut out = BytesMut::from(&b"before"[..]);
        let result = datakit::Codec::new().encode(packet, &mut out);
        assert!(matches!(result, Err(datakit::CodecError::Encode(error)) if error == over), "{result:?}");
        assert_eq!(out, "before");
    }
}

#[test]
fn r15_the_queue_of_events_is_bounded_everywhere() {
    for max in [1, 2, 10, 256] {
        let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_events(max));
        let input = b"bad\n".repeat(1000);
        let expected = 4 * max.min(1000);
        let mut client = sending_client(&config);
        let mut server = sending_server(&config);
        let mut registry = Registry::new(&config);
        let (one, other) = (registry.insert(NOW).unwrap(), registry.insert(NOW).unwrap());
        for _ in 0..3 {
            assert_eq!(client.handle_input(NOW, &input), expected);
            assert_eq!(client.handle_input(NOW, &input), 0);
            assert_eq!(server.handle_input(NOW, &input), expected);
            assert_eq!(server.handle_input(NOW, &input), 0);
            assert_eq!(registry.handle_input(NOW, one, &input), Ok(expected));
            assert_eq!(registry.handle_input(NOW, one, &input), Ok(0));
            // One that is full does not keep others waiting.
            assert_eq!(registry.handle_input(NOW, other, &input), Ok(expected));
            assert_eq!(std::iter::from_fn(|| client.poll_event()).count(), max);
            assert_eq!(std::iter::from_fn(|| server.poll_event()).count(), max);
            assert_eq!(std::iter::from_fn(|| registry.poll_event()).count(), 2 * max);
        }
    }
}

#[test]
fn r15_connections_are_bounded_and_their_room_is_used_again() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_connections(3));
    let mut registry = Registry::new(&config);
    let full = UsageError::LimitReached { limit: Limit::MaxConnections, max: 3 };
    let first = registry.insert(NOW).unwrap();
    let second = registry.insert(NOW).unwrap();
    registry.insert(NOW).unwrap();
    assert_eq!(registry.insert(NOW), Err(full));
    // Closed, it counts until it was told.
    registry.close(NOW, first).unwrap();
    assert_eq!(registry.insert(NOW), Err(full));
    assert_eq!(registry.poll_event(), Some((first, ServerEvent::Closed(CloseReason::Local))));
    let fourth = registry.insert(NOW).unwrap();
    registry.remove(second).unwrap();
    let fifth = registry.insert(NOW).unwrap();
    assert_eq!((registry.insert(NOW), registry.len()), (Err(full), 3));
    assert!(fourth != first && fifth != second);
    // Old names are nobody's.
    for id in [first, second] {
        assert_eq!(registry.handle_input(NOW, id, HELLO), Err(UsageError::UnknownConnection));
        assert_eq!(registry.state(id), None);
    }
    // Coming and going takes no more room.
    let ((), stats) = measure(|| {
        for _ in 0..if cfg!(miri) { 10 } else { 10_000 } {
            registry.handle_timeout(NOW + Duration::from_secs(0));
            let ids: Vec<_> = std::iter::from_fn(|| registry.insert(NOW).ok()).collect();
            ids.into_iter().for_each(|id| registry.remove(id).unwrap());
        }
    });
    assert!(stats.live < 1024, "{stats:?}");
}

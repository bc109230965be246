//! The client's machine from outside: the table of SPEC.md §5 written out by hand, deadlines, misuse, back-pressure, the
//! laws of `DESIGN.md`, and a model of a few lines that it must agree with on random calls.
#![cfg(feature = "alloc")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

mod model;

testkit::counting_allocator!();

use std::collections::VecDeque;
use std::time::Duration;

use datakit::{
    Client, ClientEvent, CloseReason, Config, DataRef, EncodeError, Error, HelloRef, Limit, Limits, Packet,
    PeerErrorPolicy, State, UsageError,
};
use model::{Line, Lines, MAX_LINE};
use testkit::{Rng, laws, measure};

const SEQUENCES: u64 = if cfg!(miri) { 20 } else { 30_000 };

const HELLO: &str = "$H|pump|bar||stream\n";

/// One line of each kind.
const LINES: [&str; 8] = [
    "$H|valve|Pa|float|stream\n",
    "ACK|v\n",
    "$P\n",
    "START\n",
    "STOP\n",
    ">t|1459309227|-2.5\n",
    "PING|1|2\n",
    "nope\n",
];

fn new(config: &Config, now: Duration) -> Client {
    Client::new(HelloRef::new("pump", "bar"), config, now).unwrap()
}

/// A drained client that was made at 0 and came to `state` at 1 s.
fn client_in(state: State, config: &Config) -> Client {
    let mut client = new(config, ms(0));
    match state {
        State::Greeted => assert_eq!(client.handle_input(ms(1000), b""), 0),
        State::Standby => assert_eq!(client.handle_input(ms(1000), b"ACK|u\n"), 6),
        State::Sending => assert_eq!(client.handle_input(ms(1000), b"ACK|u\nSTART\n"), 12),
        State::Closed => client.close(ms(1000)),
        other => panic!("no state of a client: {other:?}"),
    }
    assert_eq!(client.state(), state);
    events(&mut client);
    transmits(&mut client);
    client
}

const STATES: [State; 4] = [State::Greeted, State::Standby, State::Sending, State::Closed];

fn events(client: &mut Client) -> Vec<String> {
    std::iter::from_fn(|| client.poll_event()).map(|event| text(&event)).collect()
}

fn transmits(client: &mut Client) -> String {
    std::iter::from_fn(|| client.poll_transmit()).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect()
}

/// All that an event holds.
fn text(event: &ClientEvent) -> String {
    match event {
        ClientEvent::Registered { uid } => format!("REGISTERED {uid}"),
        ClientEvent::Start => "START".into(),
        ClientEvent::Stop => "STOP".into(),
        ClientEvent::Unknown(line) => format!("UNKNOWN {line}"),
        ClientEvent::BadLine { error, line } => {
            let (kind, number, column) = (error.kind(), error.line(), error.column());
            format!("BAD {kind} {number}:{column}@{} {}", error.offset(), line.escape_ascii())
        }
        ClientEvent::PeerError { error, packet } => illegal(error.state(), &packet.encode_to_vec().unwrap()),
        ClientEvent::Closed(reason) => format!("CLOSED {reason:?}"),
        other => panic!("unexpected {other:?}"),
    }
}

fn illegal(state: State, line: &[u8]) -> String {
    format!("ILLEGAL in {state}: {}", line.escape_ascii())
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

// The table.

enum Then {
    To(State, &'static str),
    Nothing,
    Illegal,
    Told(&'static str),
}

/// SPEC.md §5, the client's table: what follows each of `LINES`.
fn table(state: State) -> [Then; 8] {
    use Then::{Illegal, Nothing, To, Told};
    let unknown = || Told("UNKNOWN PING|1|2");
    match state {
        State::Greeted => {
            let registered = To(State::Standby, "REGISTERED v");
            let bad = Told("BAD unknown_packet 1:1@0 nope\\n");
            [Illegal, registered, Illegal, Illegal, Illegal, Illegal, unknown(), bad]
        }
        State::Standby => {
            let bad = Told("BAD unknown_packet 2:1@6 nope\\n");
            [Illegal, Illegal, Illegal, To(State::Sending, "START"), Nothing, Illegal, unknown(), bad]
        }
        State::Sending => {
            let bad = Told("BAD unknown_packet 3:1@12 nope\\n");
            [Illegal, Illegal, Illegal, Nothing, To(State::Standby, "STOP"), Illegal, unknown(), bad]
        }
        _ => [Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing],
    }
}

#[test]
fn every_packet_in_every_state_does_what_the_specification_says() {
    for policy in [PeerErrorPolicy::Report, PeerErrorPolicy::Close] {
        let config = Config::DEFAULT.with_on_peer_error(policy);
        for state in STATES {
            for (line, then) in LINES.iter().zip(table(state)) {
                let (after, told) = match then {
                    Then::To(after, told) => (after, vec![told.to_owned()]),
                    Then::Nothing => (state, vec![]),
                    Then::Told(told) => (state, vec![told.to_owned()]),
                    Then::Illegal if policy == PeerErrorPolicy::Report => {
                        (state, vec![illegal(state, line.as_bytes())])
                    }
                    Then::Illegal => (State::Closed, vec![illegal(state, line.as_bytes()), "CLOSED PeerError".into()]),
                };
                // An ACK starts the heartbeats; no other packet moves a deadline.
                let deadline = match (state, after) {
                    (_, State::Closed) => None,
                    (State::Greeted, State::Standby) => Some(ms(8000)),
                    (State::Greeted, _) => Some(ms(10_000)),
                    _ => Some(ms(6000)),
                };
                for size in [1, 3, usize::MAX] {
                    let mut client = client_in(state, &config);
                    for piece in line.as_bytes().chunks(size) {
                        assert_eq!(client.handle_input(ms(3000), piece), piece.len());
                    }
                    let place = format!("{line:?} in {state} under {policy:?}, in pieces of {size}");
                    assert_eq!(client.state(), after, "{place}");
                    assert_eq!(events(&mut client), told, "{place}");
                    assert_eq!(transmits(&mut client), "", "{place}");
                    assert_eq!(client.poll_deadline(), deadline, "{place}");
                }
            }
        }
    }
}

#[test]
fn a_peer_error_names_state_and_packet() {
    let mut client = client_in(State::Standby, &Config::DEFAULT);
    assert_eq!(client.handle_input(ms(2000), b"ACK|w\n"), 6);
    let Some(ClientEvent::PeerError { error, packet }) = client.poll_event() else { panic!() };
    assert_eq!(
        (error.state(), error.packet().to_string(), packet),
        (State::Standby, "ACK".into(), Packet::Ack("w".into()))
    );
    assert_eq!(error.to_string(), "ACK is illegal while STANDBY");
}

#[test]
fn nothing_is_told_of_what_follows_the_end() {
    let config = Config::DEFAULT.with_on_peer_error(PeerErrorPolicy::Close);
    let mut client = new(&config, ms(0));
    let stream = b"ACK|u\nACK|v\nSTART\nnope\nPING\n";
    assert_eq!(client.handle_input(ms(1), stream), stream.len());
    client.handle_eof(ms(2));
    client.handle_timeout(ms(1_000_000));
    client.close(ms(1_000_001));
    assert_eq!(events(&mut client), ["REGISTERED u", "ILLEGAL in STANDBY: ACK|v\\n", "CLOSED PeerError"]);
}

// Ends.

#[test]
fn the_end_of_input_ends_every_state_once_and_a_torn_line_is_a_bad_line() {
    for state in [State::Greeted, State::Standby, State::Sending] {
        let before = match state {
            State::Greeted => (1, 0),
            State::Standby => (2, 6),
            _ => (3, 12),
        };
        let mut client = client_in(state, &Config::DEFAULT);
        client.handle_eof(ms(2000));
        assert_eq!(events(&mut client), ["CLOSED Eof"]);
        let mut client = client_in(state, &Config::DEFAULT);
        assert_eq!(client.handle_input(ms(2000), b"STA"), 3);
        client.handle_eof(ms(2000));
        client.handle_eof(ms(2000));
        client.close(ms(2000));
        let torn = format!("BAD unexpected_end {}:4@{} STA", before.0, before.1 + 3);
        assert_eq!(events(&mut client), [torn, "CLOSED Eof".into()]);
        assert_eq!((client.state(), client.poll_deadline()), (State::Closed, None));
    }
}

#[test]
fn a_line_over_the_limit_that_is_torn_is_told_once() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(19));
    let mut client = new(&config, ms(0));
    assert_eq!(client.handle_input(ms(1), &[b'x'; 50]), 50);
    client.handle_eof(ms(2));
    assert_eq!(events(&mut client), ["BAD limit_exceeded 1:20@19 xxxxxxxxxxxxxxxxxxxx", "CLOSED Eof"]);
}

/// Once it was told with what was skipped of the line before, as far as that came in the same piece.
#[test]
fn a_bad_line_behind_one_over_the_limit_is_told_alone() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(19));
    let stream = [&[b'x'; 50][..], b"\nnope\nACK|u\n"].concat();
    let run = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut client = new(&config, ms(0));
        chunks.for_each(|chunk| assert_eq!(client.handle_input(ms(1), chunk), chunk.len()));
        events(&mut client)
    };
    let expected =
        ["BAD limit_exceeded 1:20@19 xxxxxxxxxxxxxxxxxxxx", "BAD unknown_packet 2:1@51 nope\\n", "REGISTERED u"];
    assert_eq!(run(&mut std::iter::once(&stream[..])), expected);
    laws::chunking(&stream, run);
}

#[test]
fn a_client_starts_over_with_nothing_of_the_old_connection() {
    let mut client = client_in(State::Sending, &Config::DEFAULT);
    client.send_data(ms(2000), DataRef::new("t", 1, 1.0)).unwrap();
    assert_eq!(client.handle_input(ms(2000), b"nope\nSTO"), 8);
    client.close(ms(3000));
    client.reconnect(ms(4000)).unwrap();
    assert_eq!((client.state(), client.poll_deadline()), (State::Greeted, Some(ms(14_000))));
    // Lines count anew, the torn one is gone, the reading is not sent; events stay.
    assert_eq!(client.handle_input(ms(4000), b"P\nACK|u2\n"), 9);
    let told = ["BAD unknown_packet 3:1@12 nope\\n", "CLOSED Local", "UNKNOWN P", "REGISTERED u2"];
    assert_eq!(events(&mut client), told);
    assert_eq!(transmits(&mut client), HELLO);
}

#[test]
fn what_waits_at_the_end_may_still_be_sent() {
    let mut client = client_in(State::Sending, &Config::DEFAULT);
    client.send_data(ms(2000), DataRef::new("t", 1, 1.0)).unwrap();
    client.close(ms(2000));
    assert_eq!(transmits(&mut client), ">t|1|1\n");
}

// Deadlines.

#[test]
fn the_ack_is_waited_for_exactly_as_long_as_was_asked() {
    let config = Config::DEFAULT.with_ack_timeout(Duration::new(3, 7));
    let start = Duration::new(100, 1);
    let mut client = new(&config, start);
    let deadline = Duration::new(103, 8);
    assert_eq!(client.poll_deadline(), Some(deadline));
    client.handle_timeout(deadline - Duration::from_nanos(1));
    assert_eq!((client.state(), events(&mut client)), (State::Greeted, vec![]));
    client.handle_timeout(deadline);
    assert_eq!((client.state(), client.poll_deadline()), (State::Closed, None));
    assert_eq!(events(&mut client), ["CLOSED NoAck"]);
    // Handed in before the timeout it counts, however late it is.
    let mut client = new(&config, start);
    assert_eq!(client.handle_input(deadline + ms(50_000), b"ACK|u\n"), 6);
    client.handle_timeout(deadline + ms(50_000));
    assert_eq!(events(&mut client), ["REGISTERED u"]);
}

#[test]
fn heartbeats_leave_on_schedule_in_both_states_whatever_else_is_sent() {
    for state in [State::Standby, State::Sending] {
        let mut client = client_in(state, &Config::DEFAULT);
        for beat in 1..100 {
            let due = ms(1000 + 5000 * beat);
            if state == State::Sending {
                client.send_data(due - ms(1), DataRef::new("t", 1, 1.0)).unwrap();
                assert_eq!(transmits(&mut client), ">t|1|1\n");
            }
            assert_eq!(client.poll_deadline(), Some(due));
            client.handle_timeout(due - Duration::from_nanos(1));
            assert_eq!(transmits(&mut client), "");
            client.handle_timeout(due);
            client.handle_timeout(due);
            assert_eq!(transmits(&mut client), "$P\n");
        }
        assert_eq!(events(&mut client), [""; 0]);
    }
}

#[test]
fn a_late_client_sends_one_heartbeat_and_counts_from_there() {
    let mut client = client_in(State::Standby, &Config::DEFAULT);
    client.handle_timeout(ms(60_123));
    assert_eq!((transmits(&mut client).as_str(), client.poll_deadline()), ("$P\n", Some(ms(65_123))));
}

#[test]
fn start_and_stop_do_not_disturb_the_schedule() {
    let mut client = client_in(State::Standby, &Config::DEFAULT);
    let stream = b"START\nSTOP\nSTART\nSTOP\n";
    assert_eq!(client.handle_input(ms(5999), stream), stream.len());
    assert_eq!(client.poll_deadline(), Some(ms(6000)));
}

#[test]
fn an_interval_of_nothing_is_a_millisecond() {
    let config = Config::DEFAULT.with_heartbeat_interval(Duration::ZERO);
    let mut client = client_in(State::Standby, &config);
    let mut sent = String::new();
    for step in 1..=10 {
        assert_eq!(client.poll_deadline(), Some(ms(1000 + step)));
        client.handle_timeout(ms(1000 + step));
        sent += &transmits(&mut client);
    }
    assert_eq!(sent, "$P\n".repeat(10));
}

#[test]
fn times_at_the_end_of_the_scale_are_never_over_and_do_not_overflow() {
    for (timeout, start) in [(Duration::MAX, ms(0)), (Duration::MAX, ms(7)), (ms(2), Duration::MAX - ms(1))] {
        let config = Config::DEFAULT.with_ack_timeout(timeout).with_heartbeat_interval(timeout);
        let mut client = new(&config, start);
        client.handle_timeout(Duration::MAX);
        assert_eq!((client.poll_deadline(), client.state()), (None, State::Greeted));
        assert_eq!(client.handle_input(start, b"ACK|u\n"), 6);
        client.handle_timeout(Duration::MAX);
        assert_eq!((client.poll_deadline(), client.state()), (None, State::Standby));
        assert_eq!(transmits(&mut client), HELLO);
    }
}

#[test]
fn time_that_goes_back_is_taken_for_the_latest() {
    let mut client = new(&Config::DEFAULT, ms(8000));
    assert_eq!(client.handle_input(ms(0), b"ACK|u\nSTART\n"), 12);
    assert_eq!(client.poll_deadline(), Some(ms(13_000)));
    client.send_data(ms(1), DataRef::new("t", 1, 1.0)).unwrap();
    client.handle_timeout(ms(13_000));
    client.handle_timeout(ms(2));
    assert_eq!(client.poll_deadline(), Some(ms(18_000)));
    client.handle_eof(ms(3));
    client.reconnect(ms(4)).unwrap();
    assert_eq!(client.poll_deadline(), Some(ms(23_000)));
}

// Misuse.

#[test]
fn data_is_sent_while_sending_and_otherwise_nothing_is_written() {
    for state in STATES {
        let mut client = client_in(state, &Config::DEFAULT);
        let result = client.send_data(ms(2000), DataRef::new("some_tag", 1_459_309_227, -0.5));
        if state == State::Sending {
            assert_eq!((result, transmits(&mut client).as_str()), (Ok(()), ">some_tag|1459309227|-0.5\n"));
        } else {
            assert_eq!(result, Err(Error::Usage(UsageError::NotSending { state })));
            assert_eq!(client.poll_transmit(), None);
        }
        assert_eq!((client.state(), events(&mut client)), (state, vec![]));
    }
}

#[test]
fn only_a_closed_client_reconnects() {
    for state in STATES {
        let mut client = client_in(state, &Config::DEFAULT);
        let result = client.reconnect(ms(2000));
        if state == State::Closed {
            assert_eq!((result, transmits(&mut client).as_str()), (Ok(()), HELLO));
        } else {
            assert_eq!(result, Err(UsageError::StillOpen { state }));
            assert_eq!((client.state(), client.poll_transmit()), (state, None));
        }
        assert_eq!(events(&mut client), [""; 0]);
    }
}

#[test]
fn a_client_that_nobody_listens_to_does_not_reconnect_beyond_the_limit() {
    for (limit, max) in [(0, 1), (1, 1), (5, 5)] {
        let mut client = new(&Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_events(limit)), ms(0));
        for _ in 1..max {
            client.close(ms(0));
            client.reconnect(ms(0)).unwrap();
        }
        client.close(ms(0));
        let full = UsageError::LimitReached { limit: Limit::MaxQueuedEvents, max };
        assert_eq!((client.reconnect(ms(0)), client.state()), (Err(full), State::Closed));
        assert_eq!(client.poll_event(), Some(ClientEvent::Closed(CloseReason::Local)));
        assert_eq!((client.reconnect(ms(0)), client.state()), (Ok(()), State::Greeted));
    }
}

#[test]
fn a_reading_that_would_smuggle_another_line_is_refused() {
    let mut client = client_in(State::Sending, &Config::DEFAULT);
    for tag in ["", "a|1|1", "a\n$P", "a\r"] {
        let result = client.send_data(ms(2000), DataRef::new(tag, 1, 1.0));
        assert!(matches!(result, Err(Error::Encode(_))), "{tag:?}: {result:?}");
        assert_eq!(client.poll_transmit(), None, "{tag:?}");
    }
    let result = client.send_data(ms(2000), DataRef::new("a", 1, 1.0).with_nanos(1));
    assert_eq!((result, client.poll_transmit()), (Err(Error::Encode(EncodeError::FractionalTimestamp)), None));
}

#[test]
fn a_hello_that_would_smuggle_another_line_is_refused() {
    let good = HelloRef::new("n", "u");
    for (place, hello) in [
        ("name", HelloRef::new("n\n$P", "u")),
        ("units", HelloRef::new("n", "u|float|stream\n")),
        ("data type", good.with_data_type("\r")),
        ("collection type", good.with_collection_type("stream\n>t|1|1")),
    ] {
        let refused = Client::new(hello, &Config::DEFAULT, ms(0)).unwrap_err();
        let EncodeError::ForbiddenCharacter { field, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(field, place);
    }
    for (field, hello) in [("name", HelloRef::new("", "u")), ("collection type", good.with_collection_type(""))] {
        assert_eq!(Client::new(hello, &Config::DEFAULT, ms(0)).unwrap_err(), EncodeError::EmptyField { field });
    }
    // `$H|n|u||stream` is 14 bytes.
    let limited = |max| Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(max));
    let over = EncodeError::LimitExceeded { limit: Limit::MaxLineLen, met: 14, max: 13 };
    assert_eq!(Client::new(good, &limited(13), ms(0)).unwrap_err(), over);
    assert!(Client::new(good, &limited(14), ms(0)).is_ok());
    // With its newline it has to have room among what waits to be sent.
    let limited = |max| Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_bytes(max));
    let over = EncodeError::LimitExceeded { limit: Limit::MaxQueuedBytes, met: 15, max: 14 };
    assert_eq!(Client::new(good, &limited(14), ms(0)).unwrap_err(), over);
    assert!(Client::new(good, &limited(15), ms(0)).is_ok());
}

#[test]
fn so_much_waits_to_be_sent_and_not_a_byte_more() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_bytes(21));
    let mut client = client_in(State::Sending, &config);
    let reading = DataRef::new("t", 1, 1.0);
    let full = Error::Usage(UsageError::LimitReached { limit: Limit::MaxQueuedBytes, max: 21 });
    for _ in 0..3 {
        client.send_data(ms(2000), reading).unwrap();
    }
    assert_eq!(client.send_data(ms(2000), reading), Err(full));
    // The heartbeat has no room either, and the schedule goes on.
    client.handle_timeout(ms(6000));
    assert_eq!(client.poll_deadline(), Some(ms(11_000)));
    assert_eq!(transmits(&mut client), ">t|1|1\n".repeat(3));
    client.send_data(ms(7000), reading).unwrap();
    client.handle_timeout(ms(11_000));
    assert_eq!(transmits(&mut client), ">t|1|1\n$P\n");
}

#[test]
fn heartbeats_that_nobody_sends_do_not_pile_up_beyond_the_limit() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_bytes(32));
    let mut client = client_in(State::Standby, &config);
    for beat in 1..1000 {
        client.handle_timeout(ms(1000 + 5000 * beat));
    }
    assert_eq!(transmits(&mut client), "$P\n".repeat(10));
}

// Back-pressure.

#[test]
fn a_full_queue_takes_no_more_input_and_says_how_much_it_took() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_events(2));
    let mut client = client_in(State::Standby, &config);
    let stream = b"STOP\nPING|1\nSTOP\nPING|2\nSTOP\nPING|3\n";
    // Up to and with the line whose event fills it.
    assert_eq!(client.handle_input(ms(2000), stream), 24);
    assert_eq!(client.handle_input(ms(2000), &stream[24..]), 0);
    assert_eq!(client.poll_event(), Some(ClientEvent::Unknown("PING|1".into())));
    assert_eq!(client.handle_input(ms(2000), &stream[24..]), 12);
    assert_eq!(events(&mut client), ["UNKNOWN PING|2", "UNKNOWN PING|3"]);
    // What tells nothing is not held up by events that wait, as long as there is room.
    let stops = b"STOP\n".repeat(1000);
    assert_eq!(client.handle_input(ms(2000), &stops), stops.len());
}

/// A stream with everything in it.
fn long_stream() -> Vec<u8> {
    let mut stream = b"START\nACK|u\n\nACK|u\nSTOP\nSTART\nSTART\nPING|x\nnope\n>t|1|1\n".to_vec();
    stream.extend(b"x".repeat(70));
    stream
        .extend(b"\n$P\n$H|a|b|c|d\nSTOP\nACK\nACK|\n>t|x|1\nACK|\xff\nSTART\r\nSTOP|\nSTART\n\n\n\nLATER\nSTOP\nSTA");
    stream
}

const LONG_STREAM_TOLD: [&str; 24] = [
    "ILLEGAL in greeted: START\\n",
    "REGISTERED u",
    "BAD empty_line 3:1@12 \\n",
    "ILLEGAL in STANDBY: ACK|u\\n",
    "START",
    "UNKNOWN PING|x",
    "BAD unknown_packet 9:1@43 nope\\n",
    "ILLEGAL in SENDING: >t|1|1\\n",
    "BAD limit_exceeded 11:21@75 xxxxxxxxxxxxxxxxxxxxx",
    "ILLEGAL in SENDING: $P\\n",
    "ILLEGAL in SENDING: $H|a|b|c|d\\n",
    "STOP",
    "BAD missing_field 15:4@148 ACK\\n",
    "BAD empty_field 16:5@153 ACK|\\n",
    "BAD invalid_timestamp 17:4@157 >t|x|1\\n",
    "BAD invalid_utf8 18:5@165 ACK|\\xff\\n",
    "BAD carriage_return 19:6@172 START\\r\\n",
    "BAD unexpected_field 20:5@178 STOP|\\n",
    "START",
    "BAD empty_line 22:1@186 \\n",
    "BAD empty_line 23:1@187 \\n",
    "BAD empty_line 24:1@188 \\n",
    "UNKNOWN LATER",
    "STOP",
];

#[test]
fn nothing_is_lost_or_doubled_by_back_pressure_over_any_cut() {
    let stream = long_stream();
    let mut expected: Vec<String> = LONG_STREAM_TOLD.map(str::to_owned).into();
    let end = stream.len();
    expected.extend([format!("BAD unexpected_end 27:4@{end} STA"), "CLOSED Eof".into()]);
    for max in [0, 1, 2, 3, 7, 256] {
        let limits = Limits::DEFAULT.with_max_queued_events(max).with_max_line_len(20);
        let config = Config::DEFAULT.with_limits(limits);
        let run = |chunks: &mut dyn Iterator<Item = &[u8]>| {
            let mut client = new(&config, ms(0));
            let mut told = Vec::new();
            for chunk in chunks {
                let mut rest = chunk;
                loop {
                    let taken = client.handle_input(ms(1), rest);
                    rest = &rest[taken..];
                    if rest.is_empty() {
                        break;
                    }
                    // It stopped since it was full; one event makes room.
                    told.push(text(&client.poll_event().unwrap()));
                }
            }
            client.handle_eof(ms(2));
            told.extend(events(&mut client));
            (told, client.state())
        };
        assert_eq!(run(&mut std::iter::once(&stream[..])), (expected.clone(), State::Closed), "at most {max} events");
        laws::chunking(&stream, run);
    }
}

// Laws.

#[derive(Debug)]
enum Step {
    Input(u64, &'static str),
    Timeout(u64),
    Send(u64),
    Eof(u64),
    Reconnect(u64),
}

impl Step {
    fn at(&self) -> Duration {
        match *self {
            Self::Input(at, _) | Self::Timeout(at) | Self::Send(at) | Self::Eof(at) | Self::Reconnect(at) => ms(at),
        }
    }
}

const SCRIPT: [Step; 16] = [
    Step::Timeout(9_999),
    Step::Input(9_999, "AC"),
    Step::Input(9_999, "K|u\nnope\nST"),
    Step::Timeout(14_999),
    Step::Input(15_000, "ART\n"),
    Step::Send(15_000),
    Step::Send(16_000),
    Step::Timeout(20_100),
    Step::Input(20_100, "STOP\nACK|u\n"),
    Step::Send(20_200),
    Step::Timeout(25_100),
    Step::Input(25_100, "torn"),
    Step::Eof(25_200),
    Step::Timeout(90_000),
    Step::Reconnect(90_000),
    Step::Timeout(100_000),
];

fn step(client: &mut Client, step: &Step) -> Vec<String> {
    let mut out = Vec::new();
    match *step {
        Step::Input(at, input) => assert_eq!(client.handle_input(ms(at), input.as_bytes()), input.len()),
        Step::Timeout(at) => client.handle_timeout(ms(at)),
        Step::Send(at) => out.push(format!("{:?}", client.send_data(ms(at), DataRef::new("t", 1, 1.0)))),
        Step::Eof(at) => client.handle_eof(ms(at)),
        Step::Reconnect(at) => client.reconnect(ms(at)).unwrap(),
    }
    out.extend(events(client));
    out.push(transmits(client));
    out.push(format!("{:?} {:?}", client.state(), client.poll_deadline()));
    out
}

#[test]
fn law_7_extra_calls_change_nothing() {
    let poke = |client: &mut Client, step: &Step| {
        let before = step.at().saturating_sub(ms(3000));
        client.handle_timeout(step.at());
        client.handle_timeout(before);
        assert_eq!(client.handle_input(before, b""), 0);
        let mut out = events(client);
        out.extend(client.poll_transmit().map(|bytes| format!("{bytes:?}")));
        out
    };
    laws::idle(&SCRIPT, || new(&Config::DEFAULT, ms(0)), step, poke);
}

#[test]
fn law_8_the_same_calls_have_the_same_outcome() {
    laws::deterministic(|| {
        let mut client = new(&Config::DEFAULT, ms(0));
        SCRIPT.iter().map(|action| step(&mut client, action)).collect::<Vec<_>>()
    });
}

/// Over all a machine may hold: a torn line, which a vector grown by doubling holds in up to twice its room, and events
/// with two texts of their own.
fn max_held(limits: &Limits) -> usize {
    let event = size_of::<ClientEvent>() + 2 * (limits.max_line_len + 1);
    2 * (limits.max_queued_events + 3) * event + 2 * (limits.max_line_len + 1) + 256
}

#[test]
fn law_5_no_mutation_of_a_conversation_panics_or_holds_much() {
    let limits = Limits::DEFAULT.with_max_line_len(32).with_max_queued_events(4);
    let config = Config::DEFAULT.with_limits(limits);
    let conversation = b"ACK|uid\nSTART\n\xe2\x82\xac\nSTOP\nPING|1\nACK|again\n$H|a|b|c|d\n>t|1|1e3\n$P\n";
    let mutations: Vec<_> = laws::mutations(conversation).step_by(if cfg!(miri) { 100 } else { 1 }).collect();
    assert!(mutations.len() > 10);
    for hostile in mutations {
        laws::totality(&hostile, max_held(&limits), |bytes| {
            let mut client = new(&config, ms(0));
            let mut rest = bytes;
            while !rest.is_empty() {
                let taken = client.handle_input(ms(1), rest);
                rest = &rest[taken..];
                if taken == 0 {
                    assert!(client.poll_event().is_some(), "no progress");
                }
                client.handle_timeout(ms(1));
            }
            client.handle_eof(ms(2));
            client
        });
    }
}

#[test]
fn a_server_that_floods_costs_no_more_than_the_limits() {
    let limits = Limits::DEFAULT.with_max_line_len(32).with_max_queued_events(8);
    let config = Config::DEFAULT.with_limits(limits);
    for line in
        [&b"\n"[..], b"PING|xxxxxxxxxxxxxxxxxxxxxxxx\n", b"ACK|u\n", b"START\n", b"nope\n", b"x", b"$H|a|b|c|d\n"]
    {
        let flood = line.repeat((1 << 20) / line.len());
        let (client, stats) = measure(|| {
            let mut client = new(&config, ms(0));
            let taken = client.handle_input(ms(1), &flood);
            assert!(taken <= flood.len());
            // Nobody drains: all later input is refused, or told nothing about.
            let _ = client.handle_input(ms(2), &flood);
            client.handle_eof(ms(3));
            client
        });
        assert!(stats.peak <= max_held(&limits), "{:?}: {stats:?}", line.escape_ascii().to_string());
        drop(client);
    }
}

#[test]
fn law_11_a_torn_line_is_linear_byte_by_byte() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(1 << 30));
    let feed = |line: &[u8]| {
        let mut client = new(&config, ms(0));
        for byte in line.chunks(1) {
            assert_eq!(client.handle_input(ms(1), byte), 1);
        }
        events(&mut client)
    };
    let line = |len: usize| [b"ACK|", &b"u".repeat(len)[..], b"\n"].concat();
    assert_eq!(feed(&line(3)), ["REGISTERED uuu"]);
    laws::linear_work(if cfg!(miri) { 500 } else { 50_000 }, |len| {
        let line = line(len);
        measure(|| feed(&line)).1.bytes
    });
    if !cfg!(miri) {
        laws::linear_cpu(20_000, line, |line| feed(&line));
    }
}

// A model.

/// The client of SPEC.md §5 in the plainest words, one byte at a time.
struct Model {
    config: Config,
    state: State,
    lines: Lines,
    events: VecDeque<String>,
    out: String,
    now: Duration,
    deadline: Duration,
}

/// Bad lines, with what SPEC.md §4 says of them and the column.
static BAD: [(&[u8], &str, u64); 8] = [
    (b"\n", "empty_line", 1),
    (b"nope\n", "unknown_packet", 1),
    (b"ACK\n", "missing_field", 4),
    (b"ACK|\n", "empty_field", 5),
    (b">t|x|1\n", "invalid_timestamp", 4),
    (b"STOP|\n", "unexpected_field", 5),
    (b"ACK|\xff\n", "invalid_utf8", 5),
    (b"START\r\n", "carriage_return", 6),
];

impl Model {
    fn new(config: Config) -> Self {
        let mut model = Self {
            config,
            state: State::Closed,
            lines: Lines::new(&BAD),
            events: VecDeque::new(),
            out: String::new(),
            now: ms(0),
            deadline: ms(0),
        };
        model.connect();
        model
    }

    fn connect(&mut self) {
        self.state = State::Greeted;
        self.lines = Lines::new(&BAD);
        self.out = HELLO.into();
        self.deadline = self.now + self.config.ack_timeout;
    }

    fn close(&mut self, reason: CloseReason) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.events.push_back(format!("CLOSED {reason:?}"));
        }
    }

    fn input(&mut self, input: &[u8]) -> usize {
        let mut rest = input;
        while self.state != State::Closed && self.events.len() < self.config.limits.max_queued_events {
            match self.lines.take(&mut rest) {
                None => break,
                Some(Line::Bad(told)) => self.events.push_back(told),
                Some(Line::Whole(line)) => self.packet(&line),
            }
        }
        if self.state == State::Closed { input.len() } else { input.len() - rest.len() }
    }

    fn packet(&mut self, line: &[u8]) {
        let content = std::str::from_utf8(line).unwrap().trim_end();
        match (content, self.state) {
            (uid, State::Greeted) if uid.starts_with("ACK|") => {
                self.state = State::Standby;
                self.deadline = self.now + self.config.heartbeat_interval;
                self.events.push_back(format!("REGISTERED {}", &uid[4..]));
            }
            ("START", State::Standby) => {
                self.state = State::Sending;
                self.events.push_back("START".into());
            }
            ("STOP", State::Sending) => {
                self.state = State::Standby;
                self.events.push_back("STOP".into());
            }
            ("START", State::Sending) | ("STOP", State::Standby) => {}
            (unknown, _) if unknown.starts_with("PING") => self.events.push_back(format!("UNKNOWN {unknown}")),
            (_, state) => {
                self.events.push_back(illegal(state, line));
                if self.config.on_peer_error == PeerErrorPolicy::Close {
                    self.close(CloseReason::PeerError);
                }
            }
        }
    }

    fn eof(&mut self) {
        if self.state != State::Closed && !self.lines.torn.is_empty() {
            let column = self.lines.torn.len() as u64 + 1;
            self.events.push_back(self.lines.bad("unexpected_end", column));
        }
        self.close(CloseReason::Eof);
    }

    fn deadline(&self) -> Option<Duration> {
        (self.state != State::Closed).then_some(self.deadline)
    }

    fn timeout(&mut self) {
        if self.deadline().is_some_and(|deadline| deadline <= self.now) {
            if self.state == State::Greeted {
                self.close(CloseReason::NoAck);
            } else {
                self.deadline = self.now + self.config.heartbeat_interval;
                self.transmit("$P\n");
            }
        }
    }

    fn transmit(&mut self, line: &str) -> bool {
        let fits = self.out.len() + line.len() <= self.config.limits.max_queued_bytes;
        if fits {
            self.out += line;
        }
        fits
    }
}

/// What the wire may bring.
fn random_line(rng: &mut Rng) -> Vec<u8> {
    match rng.below(12) {
        0 => rng.choose(&BAD).0.to_vec(),
        1 => [&b"x".repeat(MAX_LINE + 1 + rng.below(100))[..], b"\n"].concat(),
        2..=4 => b"ACK|v\n".to_vec(),
        5 | 6 => b"START\n".to_vec(),
        7 | 8 => b"STOP\n".to_vec(),
        _ => LINES[rng.below(7)].as_bytes().to_vec(),
    }
}

#[test]
fn random_calls_agree_with_the_model() {
    let mut rng = Rng::new(testkit::rng::seed());
    let mut ends = [0_u64; 2];
    for sequence in 0..SEQUENCES {
        let limits = Limits::DEFAULT
            .with_max_line_len(MAX_LINE)
            .with_max_queued_events(1 + rng.below(6))
            .with_max_queued_bytes(20 + rng.below(60));
        let policy = *rng.choose(&[PeerErrorPolicy::Report, PeerErrorPolicy::Report, PeerErrorPolicy::Close]);
        let config = Config::DEFAULT.with_limits(limits).with_on_peer_error(policy);
        let (mut client, mut model) = (new(&config, ms(0)), Model::new(config));
        let mut under_way: Vec<u8> = Vec::new();
        let mut trace = Vec::new();
        for _ in 0..60 {
            let choice = rng.below(100);
            // Sometimes time stands still, sometimes it goes back, which counts as standing still.
            let now = match rng.below(4) {
                0 => model.now.saturating_sub(ms(rng.below(5000) as u64)),
                1 => model.now,
                _ => model.now + ms(rng.below(1500) as u64),
            };
            // Now and then a timeout just when it is due.
            let now = if (40..=44).contains(&choice) { model.deadline().unwrap_or(now) } else { now };
            // Polls are not told the time.
            if !(70..=92).contains(&choice) {
                model.now = model.now.max(now);
            }
            trace.push((choice, now));
            let place = || format!("sequence {sequence} under {config:?}: {trace:?}");
            match choice {
                0..=39 => {
                    under_way.extend(random_line(&mut rng));
                    let len = 1 + rng.below(under_way.len());
                    let taken = client.handle_input(now, &under_way[..len]);
                    assert_eq!(taken, model.input(&under_way[..len]), "{}", place());
                    under_way.drain(..taken);
                }
                40..=54 => {
                    client.handle_timeout(now);
                    model.timeout();
                }
                55..=69 => {
                    let sent = client.send_data(now, DataRef::new("tag", 1, 0.5)).is_ok();
                    assert_eq!(sent, model.state == State::Sending && model.transmit(">tag|1|0.5\n"), "{}", place());
                }
                70..=84 => {
                    for _ in 0..rng.below(5) {
                        let told = client.poll_event().map(|event| text(&event));
                        assert_eq!(told, model.events.pop_front(), "{}", place());
                    }
                }
                85..=92 => assert_eq!(transmits(&mut client), std::mem::take(&mut model.out), "{}", place()),
                93 => {
                    client.handle_eof(now);
                    model.eof();
                }
                94 => {
                    client.close(now);
                    model.close(CloseReason::Local);
                }
                _ => {
                    let reconnected = client.reconnect(now).is_ok();
                    let has_room = model.events.len() < config.limits.max_queued_events;
                    assert_eq!(reconnected, model.state == State::Closed && has_room, "{}", place());
                    if reconnected {
                        model.connect();
                        under_way.clear();
                    }
                }
            }
            assert_eq!((client.state(), client.poll_deadline()), (model.state, model.deadline()), "{}", place());
            assert!(model.events.len() <= limits.max_queued_events + 3, "{}", place());
        }
        ends[usize::from(model.state == State::Closed)] += 1;
        assert_eq!(events(&mut client), Vec::from(std::mem::take(&mut model.events)), "sequence {sequence}: {trace:?}");
        assert_eq!(transmits(&mut client), model.out, "sequence {sequence}: {trace:?}");
    }
    // The random calls do not just walk among the dead.
    let often = ends[0] > SEQUENCES / 4 && ends[1] > SEQUENCES / 20;
    assert!(often || cfg!(miri), "{ends:?}");
}

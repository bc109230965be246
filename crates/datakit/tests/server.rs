//! The server's machine from outside: the table of SPEC.md §5 written out by hand, deadlines, misuse, back-pressure, the
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
    CloseReason, Config, EncodeError, Error, Limit, Limits, Packet, PeerErrorPolicy, Server, ServerEvent, State,
    UsageError,
};
use model::{Line, Lines, MAX_LINE};
use testkit::{Rng, laws, measure};

const SEQUENCES: u64 = if cfg!(miri) { 20 } else { 30_000 };

const HELLO: &[u8] = b"$H|pump|bar||stream\n";

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

/// Where a server may stand. Data in STANDBY depends on when STOP was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Unregistered,
    Greeted,
    /// Never started.
    Standby,
    /// Stopped for no longer than `late_data`.
    Stopped,
    /// Stopped for longer.
    LongStopped,
    Sending,
    Closed,
}

use Place::{Closed, Greeted, LongStopped, Sending, Standby, Stopped, Unregistered};

const PLACES: [Place; 7] = [Unregistered, Greeted, Standby, Stopped, LongStopped, Sending, Closed];

impl Place {
    fn state(self) -> State {
        match self {
            Unregistered => State::Unregistered,
            Greeted => State::Greeted,
            Standby | Stopped | LongStopped => State::Standby,
            Sending => State::Sending,
            Closed => State::Closed,
        }
    }
}

/// A drained server that was made at 0; greeted, and perhaps accepted as `u`, at 1 s; what comes next comes at 5 s.
fn server_in(place: Place, config: &Config) -> Server {
    let config = config.with_late_data(ms(2000));
    let mut server = Server::new(&config, ms(0));
    if place == Unregistered {
        return server;
    }
    assert_eq!(server.handle_input(ms(1000), HELLO), HELLO.len());
    if place == Greeted {
        events(&mut server);
        return server;
    }
    server.accept(ms(1000), "u").unwrap();
    if matches!(place, Stopped | LongStopped | Sending) {
        server.start(ms(1000)).unwrap();
    }
    match place {
        Stopped => server.stop(ms(3000)).unwrap(),
        LongStopped => server.stop(ms(2999)).unwrap(),
        Closed => server.close(ms(1000)),
        _ => {}
    }
    events(&mut server);
    transmits(&mut server);
    assert_eq!(server.state(), place.state());
    server
}

fn events(server: &mut Server) -> Vec<String> {
    std::iter::from_fn(|| server.poll_event()).map(|event| text(&event)).collect()
}

fn transmits(server: &mut Server) -> String {
    std::iter::from_fn(|| server.poll_transmit()).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect()
}

/// All that an event holds.
fn text(event: &ServerEvent) -> String {
    match event {
        ServerEvent::Hello(hello) => {
            format!("HELLO {}|{}|{}|{}", hello.name, hello.units, hello.data_type, hello.collection_type)
        }
        ServerEvent::Data { data, late } => {
            assert_eq!(data.nanos, 0);
            format!("{} {} {} {}", if *late { "LATE" } else { "DATA" }, data.tag, data.timestamp, data.value)
        }
        ServerEvent::Unknown(line) => format!("UNKNOWN {line}"),
        ServerEvent::BadLine { error, line } => {
            let (kind, number, column) = (error.kind(), error.line(), error.column());
            format!("BAD {kind} {number}:{column}@{} {}", error.offset(), line.escape_ascii())
        }
        ServerEvent::PeerError { error, packet } => illegal(error.state(), &packet.encode_to_vec().unwrap()),
        ServerEvent::Unregistered { uid, reason } => format!("UNREGISTERED {uid} {reason:?}"),
        ServerEvent::Closed(reason) => format!("CLOSED {reason:?}"),
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
    /// Greeted, with a HELLO to accept; who was registered is not any more.
    Hello,
    Nothing,
    Illegal,
    Told(&'static str),
}

/// SPEC.md §5, the server's table: what follows each of `LINES`.
fn table(place: Place) -> [Then; 8] {
    use Then::{Hello, Illegal, Nothing, Told};
    let unknown = || Told("UNKNOWN PING|1|2");
    let bad = || {
        Told(if place == Unregistered {
            "BAD unknown_packet 1:1@0 nope\\n"
        } else {
            "BAD unknown_packet 2:1@20 nope\\n"
        })
    };
    let (data, late) = (Told("DATA t 1459309227 -2.5"), Told("LATE t 1459309227 -2.5"));
    //  HELLO, ACK, HEARTBEAT, START, STOP, DATA, a later version's, a bad line
    match place {
        Unregistered => [Hello, Illegal, Illegal, Illegal, Illegal, Illegal, unknown(), bad()],
        Standby | LongStopped => [Hello, Illegal, Nothing, Illegal, Illegal, Illegal, unknown(), bad()],
        Stopped => [Hello, Illegal, Nothing, Illegal, Illegal, late, unknown(), bad()],
        Sending => [Hello, Illegal, Nothing, Illegal, Illegal, data, unknown(), bad()],
        // Nothing is read.
        Greeted | Closed => [Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing],
    }
}

#[test]
fn every_packet_in_every_state_does_what_the_specification_says() {
    for (policy, heartbeat_only) in [
        (PeerErrorPolicy::Report, false),
        (PeerErrorPolicy::Report, true),
        (PeerErrorPolicy::Close, false),
        (PeerErrorPolicy::Close, true),
    ] {
        let config = Config::DEFAULT.with_on_peer_error(policy).with_heartbeat_only(heartbeat_only);
        for place in PLACES {
            let (state, was_registered) = (place.state(), matches!(place, Standby | Stopped | LongStopped | Sending));
            for (kind, (line, then)) in LINES.iter().zip(table(place)).enumerate() {
                let gone = |reason: &str| was_registered.then(|| format!("UNREGISTERED u {reason}"));
                let wrong = illegal(state, line.as_bytes());
                let (after, told) = match then {
                    Then::Hello => {
                        let hello = "HELLO valve|Pa|float|stream".to_owned();
                        (State::Greeted, gone("HelloAgain").into_iter().chain([hello]).collect())
                    }
                    Then::Nothing => (state, vec![]),
                    Then::Told(told) => (state, vec![told.to_owned()]),
                    Then::Illegal if policy == PeerErrorPolicy::Report => (state, vec![wrong]),
                    Then::Illegal => {
                        let closed = "CLOSED PeerError".to_owned();
                        (State::Closed, [wrong].into_iter().chain(gone("PeerError")).chain([closed]).collect())
                    }
                };
                // Life is any well-formed packet, or just `$P` (index 2); the bad line (index 7) is no packet.
                let is_life = if heartbeat_only { kind == 2 } else { kind != 7 };
                let deadline = match after {
                    State::Unregistered => Some(ms(10_000)),
                    State::Standby | State::Sending => Some(if is_life { ms(15_000) } else { ms(11_000) }),
                    _ => None,
                };
                for size in [1, 3, usize::MAX] {
                    let mut server = server_in(place, &config);
                    for piece in line.as_bytes().chunks(size) {
                        let taken = if state == State::Greeted { 0 } else { piece.len() };
                        assert_eq!(server.handle_input(ms(5000), piece), taken);
                    }
                    let place = format!("{line:?} in {place:?} under {config:?}, in pieces of {size}");
                    assert_eq!(server.state(), after, "{place}");
                    assert_eq!(events(&mut server), told, "{place}");
                    assert_eq!(transmits(&mut server), "", "{place}");
                    assert_eq!(server.poll_deadline(), deadline, "{place}");
                    assert_eq!(server.uid(), after.is_registered().then_some("u"), "{place}");
                }
            }
        }
    }
}

#[test]
fn a_peer_error_names_state_and_packet() {
    let mut server = server_in(Sending, &Config::DEFAULT);
    assert_eq!(server.handle_input(ms(5000), b"STOP\n"), 5);
    let Some(ServerEvent::PeerError { error, packet }) = server.poll_event() else { panic!() };
    assert_eq!((error.state(), error.packet().to_string(), packet), (State::Sending, "STOP".into(), Packet::Stop));
    assert_eq!(error.to_string(), "STOP is illegal while SENDING");
}

#[test]
fn nothing_is_told_of_what_follows_the_end() {
    let config = Config::DEFAULT.with_on_peer_error(PeerErrorPolicy::Close);
    let mut server = Server::new(&config, ms(0));
    let stream = b"nope\n$P\n$H|a|b|c|d\n>t|1|1\nPING\n";
    assert_eq!(server.handle_input(ms(1), stream), stream.len());
    server.handle_eof(ms(2));
    server.handle_timeout(ms(1_000_000));
    server.close(ms(1_000_001));
    let told = ["BAD unknown_packet 1:1@0 nope\\n", "ILLEGAL in unregistered: $P\\n", "CLOSED PeerError"];
    assert_eq!(events(&mut server), told);
}

// Late data.

#[test]
fn data_is_late_from_stop_to_the_end_of_the_window_and_not_a_nanosecond_longer() {
    let nanosecond = Duration::from_nanos(1);
    for (at, told) in [
        (ms(2000), "LATE t 1 1"),
        (ms(12_000), "LATE t 1 1"),
        (ms(12_000) + nanosecond, "ILLEGAL in STANDBY: >t|1|1\\n"),
    ] {
        let mut server = Server::new(&Config::DEFAULT, ms(0));
        let _ = server.handle_input(ms(0), HELLO);
        server.accept(ms(0), "u").unwrap();
        server.start(ms(1000)).unwrap();
        server.stop(ms(2000)).unwrap();
        // Said once more, it does not open the window anew.
        server.stop(ms(9000).min(at)).unwrap();
        events(&mut server);
        assert_eq!(server.handle_input(at, b">t|1|1\n"), 7);
        assert_eq!(events(&mut server), [told], "{at:?}");
    }
}

#[test]
fn each_stop_opens_a_window_and_each_start_closes_it() {
    let mut server = server_in(LongStopped, &Config::DEFAULT);
    server.start(ms(5000)).unwrap();
    assert_eq!(server.handle_input(ms(5000), b">t|1|1\n"), 7);
    server.stop(ms(6000)).unwrap();
    assert_eq!(server.handle_input(ms(8000), b">t|2|1\n"), 7);
    assert_eq!(server.handle_input(ms(8001), b">t|3|1\n"), 7);
    assert_eq!(events(&mut server), ["DATA t 1 1", "LATE t 2 1", "ILLEGAL in STANDBY: >t|3|1\\n"]);
    assert_eq!(transmits(&mut server), "START\nSTOP\n");
}

#[test]
fn a_window_of_nothing_ends_at_the_moment_of_stop() {
    let mut server = Server::new(&Config::DEFAULT.with_late_data(Duration::ZERO), ms(0));
    let _ = server.handle_input(ms(0), HELLO);
    server.accept(ms(0), "u").unwrap();
    server.start(ms(0)).unwrap();
    server.stop(ms(10)).unwrap();
    assert_eq!(server.handle_input(ms(11), b">t|1|1\n"), 7);
    assert_eq!(events(&mut server)[1..], ["ILLEGAL in STANDBY: >t|1|1\\n"]);
}

#[test]
fn the_window_of_one_client_is_not_that_of_the_next() {
    let mut server = server_in(Stopped, &Config::DEFAULT);
    let _ = server.handle_input(ms(3500), HELLO);
    server.accept(ms(3500), "u2").unwrap();
    events(&mut server);
    assert_eq!(server.handle_input(ms(3600), b">t|1|1\n"), 7);
    assert_eq!(events(&mut server), ["ILLEGAL in STANDBY: >t|1|1\\n"]);
}

// A second HELLO.

#[test]
fn a_second_hello_drops_what_waited_for_the_first_client() {
    let mut server = server_in(Standby, &Config::DEFAULT);
    server.start(ms(2000)).unwrap();
    let _ = server.handle_input(ms(2000), HELLO);
    assert_eq!(events(&mut server), ["UNREGISTERED u HelloAgain", "HELLO pump|bar||stream"]);
    server.accept(ms(2000), "u2").unwrap();
    assert_eq!(
        (transmits(&mut server).as_str(), server.uid(), server.state()),
        ("ACK|u2\n", Some("u2"), State::Standby)
    );
}

#[test]
fn an_ack_that_was_not_sent_yet_is_not_for_the_client_that_starts_anew() {
    let mut server = Server::new(&Config::DEFAULT, ms(0));
    let _ = server.handle_input(ms(0), HELLO);
    server.accept(ms(0), "u1").unwrap();
    let _ = server.handle_input(ms(0), HELLO);
    assert_eq!(server.poll_transmit(), None);
    server.accept(ms(0), "u2").unwrap();
    assert_eq!(transmits(&mut server), "ACK|u2\n");
}

#[test]
fn nothing_is_read_behind_a_hello_until_it_is_answered() {
    let stream = [HELLO, HELLO, b"$P\n"].concat();
    let mut server = Server::new(&Config::DEFAULT, ms(0));
    assert_eq!(server.handle_input(ms(0), &stream), HELLO.len());
    let rest = &stream[HELLO.len()..];
    assert_eq!(server.handle_input(ms(0), rest), 0);
    assert_eq!(events(&mut server), ["HELLO pump|bar||stream"]);
    assert_eq!(server.handle_input(ms(0), rest), 0);
    server.accept(ms(0), "u").unwrap();
    let refused = Error::Usage(UsageError::NotGreeted { state: State::Standby });
    assert_eq!(server.accept(ms(0), "v"), Err(refused));
    assert_eq!(server.handle_input(ms(0), rest), HELLO.len());
    assert_eq!(events(&mut server), ["UNREGISTERED u HelloAgain", "HELLO pump|bar||stream"]);
    // An answer that was refused is none.
    assert!(server.accept(ms(0), "").is_err());
    assert_eq!(server.handle_input(ms(0), b"$P\n"), 0);
    server.close(ms(0));
    assert_eq!(server.handle_input(ms(0), b"$P\n"), 3);
    assert_eq!((events(&mut server), server.poll_transmit()), (vec!["CLOSED Local".into()], None));
}

// Ends.

#[test]
fn the_end_of_input_ends_every_state_once_and_a_torn_line_is_a_bad_line() {
    for place in PLACES {
        let registered = matches!(place, Standby | Stopped | LongStopped | Sending);
        let mut expected: Vec<String> = match place {
            Greeted | Closed => vec![],
            Unregistered => vec!["BAD unexpected_end 1:7@6 >t|1|1".into()],
            _ => vec!["BAD unexpected_end 2:7@26 >t|1|1".into()],
        };
        expected.extend(registered.then(|| "UNREGISTERED u Eof".into()));
        expected.extend((place != Closed).then(|| "CLOSED Eof".into()));
        let mut server = server_in(place, &Config::DEFAULT);
        assert_eq!(server.handle_input(ms(5000), b">t|1|1"), if place == Greeted { 0 } else { 6 });
        server.handle_eof(ms(5000));
        server.handle_eof(ms(5000));
        server.close(ms(5000));
        server.handle_timeout(ms(50_000));
        assert_eq!(events(&mut server), expected, "{place:?}");
        assert_eq!((server.state(), server.poll_deadline(), server.uid()), (State::Closed, None, None));
    }
}

#[test]
fn close_ends_every_state_once_and_what_waits_may_still_be_sent() {
    for place in [Unregistered, Greeted, Standby, Sending] {
        let mut server = server_in(place, &Config::DEFAULT);
        let registered = server.stop(ms(5000)).is_ok();
        server.close(ms(5000));
        server.close(ms(5000));
        let gone = registered.then(|| "UNREGISTERED u Local".to_owned());
        assert_eq!(events(&mut server), gone.into_iter().chain(["CLOSED Local".into()]).collect::<Vec<_>>());
        assert_eq!(transmits(&mut server), if registered { "STOP\n" } else { "" });
    }
}

#[test]
fn a_line_over_the_limit_that_is_torn_is_told_once() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(19));
    let mut server = Server::new(&config, ms(0));
    assert_eq!(server.handle_input(ms(1), &[b'x'; 50]), 50);
    server.handle_eof(ms(2));
    assert_eq!(events(&mut server), ["BAD limit_exceeded 1:20@19 xxxxxxxxxxxxxxxxxxxx", "CLOSED Eof"]);
}

/// Once it was told with what was skipped of the line before, as far as that came in the same piece.
#[test]
fn a_bad_line_behind_one_over_the_limit_is_told_alone() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(19));
    let stream = [&[b'x'; 50][..], b"\nnope\n$H|n|||stream\n"].concat();
    let run = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut server = Server::new(&config, ms(0));
        chunks.for_each(|chunk| assert_eq!(server.handle_input(ms(1), chunk), chunk.len()));
        events(&mut server)
    };
    let expected =
        ["BAD limit_exceeded 1:20@19 xxxxxxxxxxxxxxxxxxxx", "BAD unknown_packet 2:1@51 nope\\n", "HELLO n|||stream"];
    assert_eq!(run(&mut std::iter::once(&stream[..])), expected);
    laws::chunking(&stream, run);
}

/// The same, as memory: an event held a megabyte under a limit of 32 bytes a line.
#[test]
fn what_was_skipped_is_not_held() {
    let limits = Limits::DEFAULT.with_max_line_len(32).with_max_queued_events(4);
    let config = Config::DEFAULT.with_limits(limits);
    let stream = [&[b'x'; 1 << 20][..], b"\nnope\n"].concat();
    let (server, stats) = measure(|| {
        let mut server = Server::new(&config, ms(0));
        assert_eq!(server.handle_input(ms(1), &stream), stream.len());
        server
    });
    assert!(stats.peak <= max_held(&limits), "{stats:?}");
    drop(server);
}

// Deadlines.

#[test]
fn a_connection_without_hello_is_closed_whatever_else_it_sends() {
    let start = Duration::new(100, 1);
    let mut server = Server::new(&Config::DEFAULT, start);
    let deadline = start + ms(10_000);
    for second in 1..10 {
        let stream = b"$P\n>t|1|1\nPING\nnope\n\n";
        assert_eq!(server.handle_input(start + ms(1000 * second), stream), stream.len());
        assert_eq!(server.poll_deadline(), Some(deadline));
    }
    events(&mut server);
    server.handle_timeout(deadline - Duration::from_nanos(1));
    assert_eq!((server.state(), events(&mut server)), (State::Unregistered, vec![]));
    server.handle_timeout(deadline);
    assert_eq!((events(&mut server), server.poll_deadline()), (vec!["CLOSED Silence".into()], None));
}

#[test]
fn a_caller_who_owes_an_answer_may_take_a_day() {
    let mut server = server_in(Greeted, &Config::DEFAULT);
    assert_eq!(server.poll_deadline(), None);
    server.handle_timeout(ms(86_400_000));
    assert_eq!((server.state(), events(&mut server)), (State::Greeted, vec![]));
    // Silence is counted from the answer.
    server.accept(ms(86_400_000), "u").unwrap();
    assert_eq!(server.poll_deadline(), Some(ms(86_410_000)));
}

#[test]
fn silence_is_ten_seconds_and_not_a_nanosecond_less() {
    for place in [Standby, Stopped, LongStopped, Sending] {
        let mut server = server_in(place, &Config::DEFAULT);
        assert_eq!(server.handle_input(ms(5000), b"$P\n"), 3);
        let deadline = ms(15_000);
        assert_eq!(server.poll_deadline(), Some(deadline));
        server.handle_timeout(deadline - Duration::from_nanos(1));
        assert_eq!((server.state(), events(&mut server)), (place.state(), vec![]));
        server.handle_timeout(deadline);
        server.handle_timeout(deadline);
        assert_eq!(events(&mut server), ["UNREGISTERED u Silence", "CLOSED Silence"]);
        assert_eq!((server.state(), server.poll_deadline()), (State::Closed, None));
    }
}

#[test]
fn what_is_handed_in_before_the_timeout_counts_however_late_it_is() {
    let mut server = server_in(Standby, &Config::DEFAULT);
    assert_eq!(server.handle_input(ms(100_000), b"$P\n"), 3);
    server.handle_timeout(ms(100_000));
    assert_eq!((events(&mut server), server.poll_deadline()), (vec![], Some(ms(110_000))));
    // Half a packet is none.
    assert_eq!(server.handle_input(ms(110_000), b"$P"), 2);
    server.handle_timeout(ms(110_000));
    assert_eq!(events(&mut server)[0], "UNREGISTERED u Silence");
}

#[test]
fn what_the_server_says_is_no_sign_of_the_clients_life() {
    let mut server = server_in(Standby, &Config::DEFAULT);
    server.start(ms(9000)).unwrap();
    server.stop(ms(9500)).unwrap();
    assert_eq!(server.poll_deadline(), Some(ms(11_000)));
}

#[test]
fn time_that_goes_back_is_taken_for_the_latest() {
    let mut server = Server::new(&Config::DEFAULT, ms(8000));
    let _ = server.handle_input(ms(9000), HELLO);
    server.accept(ms(0), "u").unwrap();
    assert_eq!(server.poll_deadline(), Some(ms(19_000)));
    let _ = server.handle_input(ms(12_000), b"$P\n");
    let _ = server.handle_input(ms(1), b"$P\n");
    server.handle_timeout(ms(2));
    assert_eq!(server.poll_deadline(), Some(ms(22_000)));
    server.start(ms(3)).unwrap();
    server.stop(ms(4)).unwrap();
    // Stopped at 12 s, and so the window ends at 22 s.
    let _ = server.handle_input(ms(22_000), b">t|1|1\n");
    let _ = server.handle_input(ms(22_001), b">t|1|1\n");
    assert_eq!(events(&mut server)[1..], ["LATE t 1 1", "ILLEGAL in STANDBY: >t|1|1\\n"]);
}

#[test]
fn times_at_the_end_of_the_scale_are_never_over_and_do_not_overflow() {
    let config = Config::DEFAULT.with_silence_timeout(Duration::MAX).with_late_data(Duration::MAX);
    let mut server = Server::new(&config, ms(1));
    server.handle_timeout(Duration::MAX);
    assert_eq!((server.poll_deadline(), server.state()), (None, State::Unregistered));
    let mut server = Server::new(&config, ms(1));
    let _ = server.handle_input(ms(1), HELLO);
    server.accept(ms(1), "u").unwrap();
    server.start(ms(1)).unwrap();
    server.stop(ms(1)).unwrap();
    server.handle_timeout(Duration::MAX);
    assert_eq!((server.poll_deadline(), server.state()), (None, State::Standby));
    let _ = server.handle_input(Duration::MAX, b">t|1|1\n");
    assert_eq!(events(&mut server)[1..], ["LATE t 1 1"]);
    // The usual times at the end of the scale.
    let mut server = Server::new(&Config::DEFAULT, Duration::MAX - ms(1));
    server.handle_timeout(Duration::MAX);
    assert_eq!((server.poll_deadline(), server.state()), (None, State::Unregistered));
}

#[test]
fn a_timeout_of_nothing_is_over_at_once_and_does_not_loop() {
    let mut server = Server::new(&Config::DEFAULT.with_silence_timeout(Duration::ZERO), ms(1));
    assert_eq!(server.poll_deadline(), Some(ms(1)));
    server.handle_timeout(ms(1));
    assert_eq!((events(&mut server), server.poll_deadline()), (vec!["CLOSED Silence".into()], None));
}

// Misuse.

#[test]
fn only_a_hello_is_accepted() {
    for place in PLACES {
        let mut server = server_in(place, &Config::DEFAULT);
        let result = server.accept(ms(5000), "w");
        if place == Greeted {
            assert_eq!((result, transmits(&mut server).as_str(), server.uid()), (Ok(()), "ACK|w\n", Some("w")));
        } else {
            assert_eq!(result, Err(Error::Usage(UsageError::NotGreeted { state: place.state() })));
            assert_eq!((server.poll_transmit(), server.state()), (None, place.state()));
        }
        assert_eq!(events(&mut server), [""; 0]);
    }
}

#[test]
fn only_a_registered_client_is_started_and_stopped() {
    for place in PLACES {
        for (signal, line, after) in [
            (Server::start as fn(&mut Server, Duration) -> Result<(), UsageError>, "START\n", State::Sending),
            (Server::stop, "STOP\n", State::Standby),
        ] {
            let mut server = server_in(place, &Config::DEFAULT);
            let deadline = server.poll_deadline();
            let result = signal(&mut server, ms(5000));
            if place.state().is_registered() {
                assert_eq!((result, transmits(&mut server).as_str(), server.state()), (Ok(()), line, after));
            } else {
                assert_eq!(result, Err(UsageError::NotRegistered { state: place.state() }));
                assert_eq!((server.poll_transmit(), server.state()), (None, place.state()));
            }
            assert_eq!((events(&mut server), server.poll_deadline()), (vec![], deadline));
        }
    }
}

#[test]
fn a_uid_that_would_smuggle_another_line_is_refused_and_may_be_mended() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(20));
    let mut server = server_in(Greeted, &config);
    let forbidden = |byte, offset| EncodeError::ForbiddenCharacter { field: "UID", byte, offset };
    for (uid, error) in [
        ("", EncodeError::EmptyField { field: "UID" }),
        ("a\nSTART", forbidden(b'\n', 1)),
        ("ab|c", forbidden(b'|', 2)),
        ("\r", forbidden(b'\r', 0)),
        // `ACK|` and 17 more.
        ("12345678901234567", EncodeError::LimitExceeded { limit: Limit::MaxLineLen, met: 21, max: 20 }),
    ] {
        assert_eq!(server.accept(ms(5000), uid), Err(Error::Encode(error)), "{uid:?}");
        assert_eq!((server.poll_transmit(), server.state(), server.uid()), (None, State::Greeted, None));
    }
    server.accept(ms(5000), "1234567890123456").unwrap();
    assert_eq!(transmits(&mut server), "ACK|1234567890123456\n");
}

#[test]
fn so_much_waits_to_be_sent_and_not_a_byte_more() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_bytes(16));
    let full = UsageError::LimitReached { limit: Limit::MaxQueuedBytes, max: 16 };
    let mut server = server_in(Greeted, &config);
    assert_eq!(server.accept(ms(5000), "123456789012"), Err(Error::Usage(full)));
    assert_eq!((server.state(), server.uid()), (State::Greeted, None));
    server.accept(ms(5000), "12345").unwrap();
    server.start(ms(5000)).unwrap();
    // Ten and six bytes: no room for a STOP, which so was not said.
    assert_eq!((server.stop(ms(5000)), server.state()), (Err(full), State::Sending));
    assert_eq!(server.handle_input(ms(5000), b">t|1|1\n"), 7);
    assert_eq!(events(&mut server), ["DATA t 1 1"]);
    assert_eq!(transmits(&mut server), "ACK|12345\nSTART\n");
    server.stop(ms(5000)).unwrap();
    assert_eq!((transmits(&mut server).as_str(), server.state()), ("STOP\n", State::Standby));
}

// Back-pressure.

#[test]
fn a_full_queue_takes_no_more_input_and_says_how_much_it_took() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_events(2));
    let mut server = server_in(Sending, &config);
    let stream = b"$P\n>t|1|1\n$P\n>t|2|2\n$P\n>t|3|3\n";
    // Up to and with the line whose event fills it.
    assert_eq!(server.handle_input(ms(5000), stream), 20);
    assert_eq!(server.handle_input(ms(5000), &stream[20..]), 0);
    assert_eq!(server.poll_event().map(|event| text(&event)).as_deref(), Some("DATA t 1 1"));
    assert_eq!(server.handle_input(ms(5000), &stream[20..]), 10);
    assert_eq!(events(&mut server), ["DATA t 2 2", "DATA t 3 3"]);
    // Heartbeats leave nothing behind.
    let beats = b"$P\n".repeat(1000);
    assert_eq!(server.handle_input(ms(5000), &beats), beats.len());
}

#[test]
fn events_are_at_most_three_more_than_the_limit() {
    let config = Config::DEFAULT.with_on_peer_error(PeerErrorPolicy::Close);
    let mut server = server_in(Standby, &config);
    let _ = server.handle_input(ms(5000), &b"PING\n".repeat(256));
    assert_eq!(server.handle_input(ms(5000), b"ACK|u\n"), 0);
    server.handle_eof(ms(5000));
    assert_eq!(events(&mut server).len(), 258);
    // A torn line in front, which was there before the queue was full.
    let mut server = server_in(Standby, &config.with_limits(Limits::DEFAULT.with_max_queued_events(1)));
    let _ = server.handle_input(ms(5000), b"PI");
    server.handle_eof(ms(5000));
    assert_eq!(events(&mut server).len(), 3);
}

/// A stream with everything in it.
fn long_stream() -> Vec<u8> {
    let mut stream = b"$P\n$H|pump|bar||stream\n>t|1|1\n\n$P\nPING|x\nnope\n>t|1|0.5\n".to_vec();
    stream.extend(b"x".repeat(70));
    stream.extend(
        b"\n$P\n>t|2|2\n$H|a|b|c|d\nSTOP\n$H|a|b|c\n>|1|1\n>t|x|1\n>t|1|x\n\xff\n$P\r\n$P|\n\n\n\nLATER\n>t|3|",
    );
    stream
}

#[test]
fn nothing_is_lost_or_doubled_by_back_pressure_over_any_cut() {
    let stream = long_stream();
    // Who says HELLO is accepted and started by the caller below.
    let expected = [
        "ILLEGAL in unregistered: $P\\n",
        "HELLO pump|bar||stream",
        "DATA t 1 1",
        "BAD empty_line 4:1@30 \\n",
        "UNKNOWN PING|x",
        "BAD unknown_packet 7:1@41 nope\\n",
        "DATA t 1 0.5",
        "BAD limit_exceeded 9:21@75 xxxxxxxxxxxxxxxxxxxxx",
        "DATA t 2 2",
        "UNREGISTERED u HelloAgain",
        "HELLO a|b|c|d",
        "ILLEGAL in SENDING: STOP\\n",
        "BAD missing_field 14:9@160 $H|a|b|c\\n",
        "BAD empty_field 15:2@162 >|1|1\\n",
        "BAD invalid_timestamp 16:4@170 >t|x|1\\n",
        "BAD invalid_value 17:6@179 >t|1|x\\n",
        "BAD invalid_utf8 18:1@181 \\xff\\n",
        "BAD carriage_return 19:3@185 $P\\r\\n",
        "BAD unexpected_field 20:3@189 $P|\\n",
        "BAD empty_line 21:1@191 \\n",
        "BAD empty_line 22:1@192 \\n",
        "BAD empty_line 23:1@193 \\n",
        "UNKNOWN LATER",
        "BAD unexpected_end 25:6@205 >t|3|",
        "UNREGISTERED u Eof",
        "CLOSED Eof",
    ];
    for max in [0, 1, 2, 3, 7, 256] {
        let limits = Limits::DEFAULT.with_max_queued_events(max).with_max_line_len(20);
        let config = Config::DEFAULT.with_limits(limits);
        let run = |chunks: &mut dyn Iterator<Item = &[u8]>| {
            let (mut server, mut told) = (Server::new(&config, ms(0)), Vec::new());
            for chunk in chunks {
                let mut rest = chunk;
                while !rest.is_empty() {
                    let taken = server.handle_input(ms(1), rest);
                    rest = &rest[taken..];
                    // It stopped since it was full, where one event makes room, or for an answer.
                    let event = server.poll_event().map(|event| text(&event));
                    assert!(event.is_some() || rest.is_empty(), "it stopped, and there is room");
                    told.extend(event);
                    if server.state() == State::Greeted {
                        told.extend(events(&mut server));
                        server.accept(ms(1), "u").unwrap();
                        server.start(ms(1)).unwrap();
                    }
                }
            }
            server.handle_eof(ms(2));
            told.extend(events(&mut server));
            (told, server.state(), transmits(&mut server))
        };
        let (told, state, sent) = run(&mut std::iter::once(&stream[..]));
        assert_eq!(told, expected, "at most {max} events");
        // What waited for the first client was dropped with it.
        assert_eq!((state, sent.as_str()), (State::Closed, "ACK|u\nSTART\n"));
        laws::chunking(&stream, run);
    }
}

// Laws.

#[derive(Debug)]
enum Step {
    Input(u64, &'static str),
    Timeout(u64),
    Accept(u64),
    Start(u64),
    Stop(u64),
    Eof(u64),
}

impl Step {
    fn at(&self) -> Duration {
        let (Self::Input(at, _)
        | Self::Timeout(at)
        | Self::Accept(at)
        | Self::Start(at)
        | Self::Stop(at)
        | Self::Eof(at)) = *self;
        ms(at)
    }
}

const SCRIPT: [Step; 17] = [
    Step::Timeout(9_999),
    Step::Input(9_999, "$H|a|b|"),
    Step::Input(9_999, "c|d\nnope\n$P\n>t"),
    Step::Accept(30_000),
    Step::Input(30_000, "nope\n$P\n>t"),
    Step::Start(31_000),
    Step::Input(31_000, "|1|1\n"),
    Step::Stop(32_000),
    Step::Stop(33_000),
    Step::Timeout(40_999),
    Step::Input(41_000, ">t|1|1\n"),
    Step::Input(43_000, ">t|1|1\n$H|e|f||g\n"),
    Step::Accept(60_000),
    Step::Input(69_999, "torn"),
    Step::Timeout(70_000),
    Step::Eof(70_000),
    Step::Start(70_000),
];

fn step(server: &mut Server, step: &Step) -> Vec<String> {
    let mut out = Vec::new();
    match *step {
        Step::Input(at, input) => out.push(server.handle_input(ms(at), input.as_bytes()).to_string()),
        Step::Timeout(at) => server.handle_timeout(ms(at)),
        Step::Accept(at) => out.push(format!("{:?}", server.accept(ms(at), "uid"))),
        Step::Start(at) => out.push(format!("{:?}", server.start(ms(at)))),
        Step::Stop(at) => out.push(format!("{:?}", server.stop(ms(at)))),
        Step::Eof(at) => server.handle_eof(ms(at)),
    }
    out.extend(events(server));
    out.push(transmits(server));
    out.push(format!("{:?} {:?} {:?}", server.state(), server.poll_deadline(), server.uid()));
    out
}

#[test]
fn law_7_extra_calls_change_nothing() {
    let poke = |server: &mut Server, step: &Step| {
        let before = step.at().saturating_sub(ms(3000));
        server.handle_timeout(step.at());
        server.handle_timeout(before);
        assert_eq!(server.handle_input(before, b""), 0);
        let mut out = events(server);
        out.extend(server.poll_transmit().map(|bytes| format!("{bytes:?}")));
        out
    };
    laws::idle(&SCRIPT, || Server::new(&Config::DEFAULT, ms(0)), step, poke);
}

#[test]
fn law_8_the_same_calls_have_the_same_outcome() {
    laws::deterministic(|| {
        let mut server = Server::new(&Config::DEFAULT, ms(0));
        SCRIPT.iter().map(|action| step(&mut server, action)).collect::<Vec<_>>()
    });
}

/// Over all a machine may hold: a torn line, which a vector grown by doubling holds in up to twice its room, and events
/// with two texts of their own.
fn max_held(limits: &Limits) -> usize {
    let event = size_of::<ServerEvent>() + 2 * (limits.max_line_len + 1);
    2 * (limits.max_queued_events + 3) * event + 2 * (limits.max_line_len + 1) + 256
}

#[test]
fn law_5_no_mutation_of_a_conversation_panics_or_holds_much() {
    let limits = Limits::DEFAULT.with_max_line_len(32).with_max_queued_events(4);
    let config = Config::DEFAULT.with_limits(limits);
    let conversation =
        b"$H|pump|bar||stream\n$P\n>t|1459309227|3.141593\nPING|1\n$H|a|b|c|d\nSTOP\n\xe2\x82\xac\n>t|-1|1e3\n";
    let mutations: Vec<_> = laws::mutations(conversation).step_by(if cfg!(miri) { 100 } else { 1 }).collect();
    assert!(mutations.len() > 10);
    for hostile in mutations {
        laws::totality(&hostile, max_held(&limits), |bytes| {
            let mut server = Server::new(&config, ms(0));
            let mut rest = bytes;
            while !rest.is_empty() {
                let taken = server.handle_input(ms(1), rest);
                rest = &rest[taken..];
                if taken == 0 {
                    assert!(server.poll_event().is_some(), "no progress");
                }
                if server.accept(ms(1), "u").is_ok() {
                    server.start(ms(1)).unwrap();
                }
                server.handle_timeout(ms(1));
            }
            server.handle_eof(ms(2));
            server
        });
    }
}

#[test]
fn a_client_that_floods_costs_no_more_than_the_limits() {
    let limits = Limits::DEFAULT.with_max_line_len(32).with_max_queued_events(8);
    let config = Config::DEFAULT.with_limits(limits);
    for line in [
        &b"\n"[..],
        b"PING|xxxxxxxxxxxxxxxxxxxxxxxx\n",
        b"$H|a|b|c|d\n",
        b">t|1|1\n",
        b"$P\n",
        b"nope\n",
        b"x",
        b"ACK|u\n",
    ] {
        let flood = line.repeat((1 << 20) / line.len());
        for place in [Unregistered, Sending] {
            let mut server = server_in(place, &config);
            let ((), stats) = measure(|| {
                let taken = server.handle_input(ms(5000), &flood);
                assert!(taken <= flood.len());
                // Nobody drains: all later input is refused, or told nothing about.
                let _ = server.handle_input(ms(5000), &flood);
                server.handle_eof(ms(6000));
            });
            assert!(stats.peak <= max_held(&limits), "{:?}: {stats:?}", line.escape_ascii().to_string());
            assert!(events(&mut server).len() <= 8 + 3);
        }
    }
}

#[test]
fn an_idle_connection_keeps_no_room_of_what_went_through() {
    let mut server = server_in(Sending, &Config::DEFAULT);
    let data = b">some_tag|1459309227|3.141593\n".repeat(200);
    let ((), stats) = measure(|| {
        for chunk in data.chunks(77) {
            assert_eq!(server.handle_input(ms(5000), chunk), chunk.len());
        }
        server.start(ms(5000)).unwrap();
        events(&mut server);
        transmits(&mut server);
    });
    assert_eq!(stats.live, 0, "{stats:?}");
}

#[test]
fn law_11_a_torn_line_is_linear_byte_by_byte() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(1 << 30));
    let feed = |line: &[u8]| {
        let mut server = Server::new(&config, ms(0));
        for byte in line.chunks(1) {
            assert_eq!(server.handle_input(ms(1), byte), 1);
        }
        events(&mut server)
    };
    let line = |len: usize| [b"$H|", &b"n".repeat(len)[..], b"|||stream\n"].concat();
    assert_eq!(feed(&line(3)), ["HELLO nnn|||stream"]);
    laws::linear_work(if cfg!(miri) { 500 } else { 50_000 }, |len| {
        let line = line(len);
        measure(|| feed(&line)).1.bytes
    });
    if !cfg!(miri) {
        laws::linear_cpu(20_000, line, |line| feed(&line));
    }
}

#[test]
fn law_11_many_lines_are_linear_under_back_pressure() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_queued_events(1));
    let drain = |stream: &[u8]| {
        let (mut server, mut calls, mut rest) = (server_in(Sending, &config), 0, stream);
        while !rest.is_empty() {
            let taken = server.handle_input(ms(5000), rest);
            assert!(taken > 0);
            rest = &rest[taken..];
            while server.poll_event().is_some() {}
            calls += 1;
        }
        calls
    };
    laws::linear_work(500, |lines| drain(&b">t|1|1\n".repeat(lines)));
    if !cfg!(miri) {
        laws::linear_cpu(1000, |lines| b">t|1|1\n".repeat(lines), |stream| drain(&stream));
    }
}

// A model.

/// The server of SPEC.md §5 in the plainest words, one byte at a time.
struct Model {
    config: Config,
    state: State,
    uid: String,
    lines: Lines,
    events: VecDeque<String>,
    out: String,
    now: Duration,
    alive_at: Duration,
    stopped_at: Option<Duration>,
}

/// Bad lines, with what SPEC.md §4 says of them and the column.
static BAD: [(&[u8], &str, u64); 8] = [
    (b"\n", "empty_line", 1),
    (b"nope\n", "unknown_packet", 1),
    (b">t|1\n", "missing_field", 5),
    (b">|1|1\n", "empty_field", 2),
    (b">t|x|1\n", "invalid_timestamp", 4),
    (b"$P|\n", "unexpected_field", 3),
    (b"ACK|\xff\n", "invalid_utf8", 5),
    (b"$P\r\n", "carriage_return", 3),
];

impl Model {
    fn new(config: Config) -> Self {
        Self {
            config,
            state: State::Unregistered,
            uid: String::new(),
            lines: Lines::new(&BAD),
            events: VecDeque::new(),
            out: String::new(),
            now: ms(0),
            alive_at: ms(0),
            stopped_at: None,
        }
    }

    fn is_registered(&self) -> bool {
        self.state == State::Standby || self.state == State::Sending
    }

    fn unregister(&mut self, reason: CloseReason) {
        if self.is_registered() {
            self.events.push_back(format!("UNREGISTERED {} {reason:?}", self.uid));
        }
    }

    fn close(&mut self, reason: CloseReason) {
        if self.state != State::Closed {
            self.unregister(reason);
            self.state = State::Closed;
            self.events.push_back(format!("CLOSED {reason:?}"));
        }
    }

    fn input(&mut self, input: &[u8]) -> usize {
        let mut rest = input;
        let is_reading = |state| state != State::Closed && state != State::Greeted;
        while is_reading(self.state) && self.events.len() < self.config.limits.max_queued_events {
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
        if !self.config.heartbeat_only || content == "$P" {
            self.alive_at = if self.is_registered() { self.now } else { self.alive_at };
        }
        let is_late = self.stopped_at.is_some_and(|at| self.now - at <= self.config.late_data);
        let is_data = content.starts_with('>');
        match (content, self.state) {
            (hello, _) if hello.starts_with("$H|") => {
                if self.is_registered() {
                    self.out.clear();
                }
                self.unregister(CloseReason::HelloAgain);
                self.state = State::Greeted;
                self.events.push_back(format!("HELLO {}", &hello[3..]));
            }
            ("$P", State::Standby | State::Sending) => {}
            (data, State::Sending) if is_data => self.events.push_back(format!("DATA {}", data[1..].replace('|', " "))),
            (data, State::Standby) if is_data && is_late => {
                self.events.push_back(format!("LATE {}", data[1..].replace('|', " ")));
            }
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
        match self.state {
            State::Unregistered | State::Standby | State::Sending => Some(self.alive_at + self.config.silence_timeout),
            _ => None,
        }
    }

    fn accept(&mut self, uid: &str) -> bool {
        let accepted = self.state == State::Greeted && self.transmit(&format!("ACK|{uid}\n"));
        if accepted {
            self.state = State::Standby;
            self.uid = uid.into();
            self.alive_at = self.now;
            self.stopped_at = None;
        }
        accepted
    }

    fn signal(&mut self, line: &str, state: State) -> bool {
        let said = self.is_registered() && self.transmit(line);
        if said {
            if (self.state, state) == (State::Sending, State::Standby) {
                self.stopped_at = Some(self.now);
            }
            self.state = state;
        }
        said
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
    match rng.below(14) {
        0 => rng.choose(&BAD).0.to_vec(),
        1 => [&b"x".repeat(MAX_LINE + 1 + rng.below(100))[..], b"\n"].concat(),
        2 | 3 => HELLO.to_vec(),
        4..=7 => b">t|1459309227|-2.5\n".to_vec(),
        8..=11 => b"$P\n".to_vec(),
        _ => LINES[rng.below(7)].as_bytes().to_vec(),
    }
}

#[test]
fn random_calls_agree_with_the_model_and_each_accept_has_its_end() {
    let mut rng = Rng::new(testkit::rng::seed());
    let (mut accepts, mut lates, mut expired) = (0_u64, 0_u64, 0_u64);
    for sequence in 0..SEQUENCES {
        let limits = Limits::DEFAULT
            .with_max_line_len(MAX_LINE)
            .with_max_queued_events(1 + rng.below(6))
            .with_max_queued_bytes(12 + rng.below(60));
        let policy = *rng.choose(&[PeerErrorPolicy::Report, PeerErrorPolicy::Report, PeerErrorPolicy::Close]);
        let config = Config::DEFAULT
            .with_limits(limits)
            .with_on_peer_error(policy)
            .with_heartbeat_only(rng.below(2) == 0)
            .with_late_data(ms(rng.below(4000) as u64));
        let (mut server, mut model) = (Server::new(&config, ms(0)), Model::new(config));
        let mut under_way: Vec<u8> = HELLO.repeat(rng.below(2));
        let (mut trace, mut told, mut accepted) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..60 {
            let choice = rng.below(100);
            // Sometimes time stands still, sometimes it goes back, which counts as standing still.
            let now = match rng.below(4) {
                0 => model.now.saturating_sub(ms(rng.below(5000) as u64)),
                1 => model.now,
                _ => model.now + ms(rng.below(1200) as u64),
            };
            // Now and then a timeout just when it is due.
            let now = if choice == 40 { model.deadline().unwrap_or(now) } else { now };
            // Polls are not told the time.
            if !(80..=97).contains(&choice) {
                model.now = model.now.max(now);
            }
            trace.push((choice, now));
            let place = || format!("sequence {sequence} under {config:?}: {trace:?}");
            match choice {
                0..=39 => {
                    under_way.extend(random_line(&mut rng));
                    let len = 1 + rng.below(under_way.len());
                    let taken = server.handle_input(now, &under_way[..len]);
                    assert_eq!(taken, model.input(&under_way[..len]), "{}", place());
                    under_way.drain(..taken);
                }
                40..=49 => {
                    server.handle_timeout(now);
                    if model.deadline().is_some_and(|deadline| deadline <= model.now) {
                        model.close(CloseReason::Silence);
                    }
                }
                50..=64 => {
                    let uid = format!("u{}", accepted.len());
                    let ok = server.accept(now, &uid).is_ok();
                    assert_eq!(ok, model.accept(&uid), "{}", place());
                    accepted.extend(ok.then_some(uid));
                }
                65..=71 => {
                    assert_eq!(server.start(now).is_ok(), model.signal("START\n", State::Sending), "{}", place())
                }
                72..=79 => assert_eq!(server.stop(now).is_ok(), model.signal("STOP\n", State::Standby), "{}", place()),
                80..=91 => {
                    for _ in 0..rng.below(5) {
                        let event = server.poll_event().map(|event| text(&event));
                        assert_eq!(event, model.events.pop_front(), "{}", place());
                        told.extend(event);
                    }
                }
                92..=97 => assert_eq!(transmits(&mut server), std::mem::take(&mut model.out), "{}", place()),
                98 => {
                    server.handle_eof(now);
                    model.eof();
                }
                _ => {
                    server.close(now);
                    model.close(CloseReason::Local);
                }
            }
            let uid = model.is_registered().then_some(model.uid.as_str());
            let found = (server.state(), server.poll_deadline(), server.uid());
            assert_eq!(found, (model.state, model.deadline(), uid), "{}", place());
            assert!(model.events.len() <= limits.max_queued_events + 3, "{}", place());
        }
        server.handle_eof(model.now);
        model.eof();
        let rest = events(&mut server);
        assert_eq!(rest, Vec::from(std::mem::take(&mut model.events)), "sequence {sequence}: {trace:?}");
        assert_eq!(transmits(&mut server), model.out, "sequence {sequence}: {trace:?}");

        // Not by the model's word: one end for each accept, in order, and the connection's end last and once.
        told.extend(rest);
        let ends: Vec<&str> =
            told.iter().filter_map(|event| event.strip_prefix("UNREGISTERED ")?.split(' ').next()).collect();
        assert_eq!(ends, accepted, "sequence {sequence}: {trace:?}");
        let closed: Vec<usize> = (0..told.len()).filter(|at| told[*at].starts_with("CLOSED ")).collect();
        assert_eq!(closed, [told.len() - 1], "sequence {sequence}: {told:?}");
        accepts += accepted.len() as u64;
        lates += told.iter().filter(|event| event.starts_with("LATE ")).count() as u64;
        expired += u64::from(told.last().is_some_and(|event| event == "CLOSED Silence"));
    }
    // The random calls come to where it matters.
    let often = accepts > SEQUENCES / 2 && lates > SEQUENCES / 50 && expired > SEQUENCES / 50;
    assert!(often || cfg!(miri), "{accepts} accepts, {lates} late readings, {expired} silent");
}

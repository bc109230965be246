//! The client of a REQ socket: every call in every state, and all sequences of calls against a model (SPEC.md §6).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use std::time::Duration;

use karabo_bridge::{
    DecodeErrorKind, Limits, MessageRef, PeerError, REQUEST, ReplyError, RequestClient, RequestState, SocketId,
    UsageError,
};
use testkit::laws;

const SECOND: Duration = Duration::from_secs(1);

/// An empty train of version 1.0, an error reply, and nothing that can be read.
const TRAIN: &[&[u8]] = &[b"\x80"];
const REFUSED: &[&[u8]] = &[b"Error: bad request foo"];
const GARBAGE: &[&[u8]] = &[b"\xc1"];

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What came of a call, in a form that can be compared.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    /// The request is to be sent.
    Send,
    Usage(UsageError),
    Overdue(bool),
    Replaced,
    Train {
        late: bool,
    },
    Refused {
        late: bool,
    },
    Unreadable,
    Unasked,
}

fn request(client: &mut RequestClient, now: Duration) -> Outcome {
    match client.request(now) {
        Ok(sent) => {
            assert_eq!(sent, b"next");
            Outcome::Send
        }
        Err(error) => Outcome::Usage(error),
    }
}

fn message(client: &mut RequestClient, socket: SocketId, parts: &[&[u8]]) -> Outcome {
    match client.handle_message(socket, parts) {
        Ok(reply) => match reply.message {
            MessageRef::Train(train) => {
                assert_eq!(train.parts(), parts);
                Outcome::Train { late: reply.late }
            }
            MessageRef::Error(text) => {
                assert_eq!(text, parts[0]);
                Outcome::Refused { late: reply.late }
            }
            other => panic!("{other:?}"),
        },
        Err(ReplyError::Decode(_)) => Outcome::Unreadable,
        Err(ReplyError::Peer(PeerError::Unasked)) => Outcome::Unasked,
        Err(other) => panic!("{other:?}"),
    }
}

/// A client in a state, at 10 seconds with a time-out of 5; and a socket that was replaced before.
fn client(state: RequestState) -> (RequestClient, SocketId) {
    let mut client = RequestClient::new().with_timeout(secs(5));
    let old = client.socket();
    client.replace_socket();
    if state != RequestState::Idle {
        client.request(secs(10)).unwrap();
    }
    if state == RequestState::TimedOut {
        assert!(client.handle_timeout(secs(15)));
    }
    assert_eq!(client.state(), state);
    (client, old)
}

#[test]
fn every_call_in_every_state_does_what_it_should() {
    use Outcome::{Overdue, Refused, Replaced, Send, Train, Unasked, Unreadable, Usage};
    use RequestState::{Asked, Idle, TimedOut};
    type Call = fn(&mut RequestClient, SocketId) -> Outcome;

    let ask: Call = |client, _| request(client, secs(16));
    let early: Call = |client, _| Overdue(client.handle_timeout(secs(15) - Duration::from_nanos(1)));
    let due: Call = |client, _| Overdue(client.handle_timeout(secs(15)));
    let replace: Call = |client, _| {
        let before = client.socket();
        assert_ne!(client.replace_socket(), before);
        Replaced
    };
    let train: Call = |client, _| message(client, client.socket(), TRAIN);
    let refused: Call = |client, _| message(client, client.socket(), REFUSED);
    let garbage: Call = |client, _| message(client, client.socket(), GARBAGE);
    let nothing: Call = |client, _| message(client, client.socket(), &[]);
    let old_train: Call = |client, old| message(client, old, TRAIN);
    let old_refused: Call = |client, old| message(client, old, REFUSED);
    let old_garbage: Call = |client, old| message(client, old, GARBAGE);

    let (due_at_15, due_at_21, never) = (Some(secs(15)), Some(secs(21)), None);
    let table = [
        // State, call, its outcome, the state and the deadline behind it.
        (Idle, "request", ask, Send, Asked, due_at_21),
        (Asked, "request", ask, Usage(UsageError::Outstanding), Asked, due_at_15),
        (TimedOut, "request", ask, Usage(UsageError::StuckSocket), TimedOut, never),
        (Idle, "early timeout", early, Overdue(false), Idle, never),
        (Asked, "early timeout", early, Overdue(false), Asked, due_at_15),
        (TimedOut, "early timeout", early, Overdue(false), TimedOut, never),
        (Idle, "timeout", due, Overdue(false), Idle, never),
        (Asked, "timeout", due, Overdue(true), TimedOut, never),
        (TimedOut, "timeout", due, Overdue(false), TimedOut, never),
        (Idle, "replace", replace, Replaced, Idle, never),
        (Asked, "replace", replace, Replaced, Idle, never),
        (TimedOut, "replace", replace, Replaced, Idle, never),
        (Idle, "train", train, Unasked, Idle, never),
        (Asked, "train", train, Train { late: false }, Idle, never),
        (TimedOut, "train", train, Train { late: true }, Idle, never),
        (Idle, "refused", refused, Unasked, Idle, never),
        (Asked, "refused", refused, Refused { late: false }, Idle, never),
        (TimedOut, "refused", refused, Refused { late: true }, Idle, never),
        (Idle, "garbage", garbage, Unasked, Idle, never),
        (Asked, "garbage", garbage, Unreadable, Idle, never),
        (TimedOut, "garbage", garbage, Unreadable, Idle, never),
        (Idle, "no parts", nothing, Unasked, Idle, never),
        (Asked, "no parts", nothing, Unreadable, Idle, never),
        (TimedOut, "no parts", nothing, Unreadable, Idle, never),
        (Idle, "old train", old_train, Train { late: true }, Idle, never),
        (Asked, "old train", old_train, Train { late: true }, Asked, due_at_15),
        (TimedOut, "old train", old_train, Train { late: true }, TimedOut, never),
        (Idle, "old refused", old_refused, Refused { late: true }, Idle, never),
        (Asked, "old refused", old_refused, Refused { late: true }, Asked, due_at_15),
        (TimedOut, "old refused", old_refused, Refused { late: true }, TimedOut, never),
        (Idle, "old garbage", old_garbage, Unreadable, Idle, never),
        (Asked, "old garbage", old_garbage, Unreadable, Asked, due_at_15),
        (TimedOut, "old garbage", old_garbage, Unreadable, TimedOut, never),
    ];
    for (state, name, call, outcome, then, deadline) in table {
        let (mut client, old) = client(state);
        assert_eq!(call(&mut client, old), outcome, "{name} in {state:?}");
        assert_eq!((client.state(), client.poll_deadline()), (then, deadline), "{name} in {state:?}");
    }
}

#[test]
fn the_request_is_the_four_bytes_of_the_protocol() {
    assert_eq!(REQUEST, [0x6e, 0x65, 0x78, 0x74]);
    assert_eq!(RequestClient::new().request(Duration::ZERO), Ok(&b"next"[..]));
}

#[test]
fn the_first_client_waits_for_ever() {
    for mut client in [RequestClient::new(), RequestClient::default()] {
        assert_eq!((client.state(), client.poll_deadline()), (RequestState::Idle, None));
        client.request(SECOND).unwrap();
        assert_eq!(client.poll_deadline(), None);
        assert!(!client.handle_timeout(Duration::MAX));
        assert_eq!(client.state(), RequestState::Asked);
    }
}

#[test]
fn deadlines_are_the_request_and_the_time_out_and_end_at_the_end_of_time() {
    for (timeout, now, due) in [
        (secs(5), secs(7), secs(12)),
        (Duration::from_nanos(1), Duration::ZERO, Duration::from_nanos(1)),
        (Duration::ZERO, secs(7), secs(7)),
        (Duration::MAX, Duration::ZERO, Duration::MAX),
        (Duration::MAX, secs(7), Duration::MAX),
        (secs(5), Duration::MAX, Duration::MAX),
        (Duration::MAX, Duration::MAX, Duration::MAX),
    ] {
        let mut client = RequestClient::new().with_timeout(timeout);
        client.request(now).unwrap();
        assert_eq!(client.poll_deadline(), Some(due), "{timeout:?} from {now:?}");
        assert!(!client.handle_timeout(due.saturating_sub(Duration::from_nanos(1))));
        assert!(client.handle_timeout(due));
        assert_eq!(client.state(), RequestState::TimedOut);
    }
}

#[test]
fn a_time_out_is_told_once() {
    let (mut client, _) = client(RequestState::Asked);
    assert!(client.handle_timeout(secs(100)));
    for now in [secs(100), secs(101), Duration::MAX, Duration::ZERO] {
        assert!(!client.handle_timeout(now));
        assert_eq!(client.state(), RequestState::TimedOut);
    }
}

#[test]
fn the_whole_way_round_a_server_that_was_restarted() {
    let mut client = RequestClient::new().with_timeout(SECOND);
    let first = client.socket();
    client.request(secs(0)).unwrap();
    assert!(client.handle_timeout(secs(1)));
    // The same socket must not be asked again: its answer would be to the first request.
    assert_eq!(client.request(secs(2)), Err(UsageError::StuckSocket));
    let second = client.replace_socket();
    assert_eq!(client.socket(), second);
    client.request(secs(3)).unwrap();
    assert_eq!(message(&mut client, first, TRAIN), Outcome::Train { late: true });
    // It was the answer to another request: this one is still outstanding.
    assert_eq!((client.state(), client.poll_deadline()), (RequestState::Asked, Some(secs(4))));
    assert_eq!(message(&mut client, second, TRAIN), Outcome::Train { late: false });
    assert_eq!(message(&mut client, second, TRAIN), Outcome::Unasked);
    client.request(secs(5)).unwrap();
}

#[test]
fn an_answer_in_time_or_late_ends_the_wait_on_the_same_socket() {
    let (mut client, _) = client(RequestState::TimedOut);
    let socket = client.socket();
    assert_eq!(message(&mut client, socket, TRAIN), Outcome::Train { late: true });
    // It is not stuck after all.
    assert_eq!(client.request(secs(16)), Ok(REQUEST));
    assert_eq!(client.socket(), socket);
    assert_eq!(message(&mut client, socket, TRAIN), Outcome::Train { late: false });
}

#[test]
fn sockets_are_counted_and_never_the_same() {
    let mut client = RequestClient::new();
    let mut seen = vec![client.socket()];
    for _ in 0..5 {
        let next = client.replace_socket();
        assert!(seen.iter().all(|socket| *socket < next));
        seen.push(next);
    }
    for old in &seen[..5] {
        assert_eq!(message(&mut client, *old, TRAIN), Outcome::Train { late: true });
    }
    assert_eq!(message(&mut client, seen[5], TRAIN), Outcome::Unasked);
}

#[test]
fn an_answer_that_cannot_be_read_says_why_and_the_next_may_be_asked_for() {
    for (parts, kind) in [
        (GARBAGE, DecodeErrorKind::InvalidTag),
        (&[][..], DecodeErrorKind::NoParts),
        (&[&b""[..]][..], DecodeErrorKind::UnexpectedEnd),
        (&[&b"\x80\x80"[..]], DecodeErrorKind::TrailingBytes),
        (&[&b"\x80\x03}."[..]], DecodeErrorKind::Pickle),
    ] {
        let (mut client, _) = client(RequestState::Asked);
        let Err(ReplyError::Decode(error)) = client.handle_message(client.socket(), parts) else { panic!() };
        assert_eq!(error.kind(), kind);
        assert_eq!(client.request(secs(20)), Ok(REQUEST));
    }
}

#[test]
fn parts_with_faults_are_for_the_train_to_tell() {
    let (mut client, _) = client(RequestState::Asked);
    let parts = [&b"\xc1"[..], b"\x80", b"odd"];
    let reply = client.handle_message(client.socket(), &parts).unwrap();
    let MessageRef::Train(train) = reply.message else { panic!() };
    assert_eq!(train.items().filter(Result::is_err).count(), 2);
}

#[test]
fn limits_hold_for_answers() {
    let mut client = RequestClient::new().with_limits(Limits::DEFAULT.with_max_parts(1));
    client.request(SECOND).unwrap();
    let Err(ReplyError::Decode(error)) = client.handle_message(client.socket(), &[b"\x80", b"\x80"]) else { panic!() };
    assert_eq!(error.kind(), DecodeErrorKind::LimitExceeded);
    assert_eq!(client.state(), RequestState::Idle);
}

#[test]
fn errors_say_what_is_wrong() {
    let (mut client, _) = client(RequestState::Asked);
    assert!(client.request(secs(11)).unwrap_err().to_string().contains("outstanding"));
    let error = client.handle_message(client.socket(), GARBAGE).unwrap_err();
    assert!(matches!(error, ReplyError::Decode(inner) if inner.to_string() == error.to_string()));
    let error = client.handle_message(client.socket(), TRAIN).unwrap_err();
    assert_eq!(error.to_string(), PeerError::Unasked.to_string());
}

/// A call in a sequence.
#[derive(Clone, Copy, Debug)]
enum Call {
    Request,
    /// At the time of the step.
    Timeout,
    /// At a time long gone.
    Backwards,
    Replace,
    Train,
    Refused,
    Garbage,
    /// A train on the socket that was there first, once there is another.
    Old,
}

const CALLS: [Call; 8] = [
    Call::Request,
    Call::Timeout,
    Call::Backwards,
    Call::Replace,
    Call::Train,
    Call::Refused,
    Call::Garbage,
    Call::Old,
];

/// SPEC.md §6, in other words: what the socket was asked, and since when it counts as lost.
#[derive(Clone, Debug, Default)]
struct Model {
    sockets: usize,
    asked_at: Option<u64>,
    overdue: bool,
}

/// Seconds that an answer may take.
const PATIENCE: u64 = 2;

impl Model {
    fn call(&mut self, call: Call, now: u64) -> Option<Outcome> {
        Some(match call {
            Call::Request if self.overdue => Outcome::Usage(UsageError::StuckSocket),
            Call::Request if self.asked_at.is_some() => Outcome::Usage(UsageError::Outstanding),
            Call::Request => {
                self.asked_at = Some(now);
                Outcome::Send
            }
            Call::Timeout => {
                let told = !self.overdue && self.asked_at.is_some_and(|asked| asked + PATIENCE <= now);
                self.overdue |= told;
                Outcome::Overdue(told)
            }
            Call::Backwards => Outcome::Overdue(false),
            Call::Replace => {
                *self = Self { sockets: self.sockets + 1, ..Self::default() };
                Outcome::Replaced
            }
            Call::Old if self.sockets == 0 => return None,
            Call::Old => Outcome::Train { late: true },
            Call::Train | Call::Refused | Call::Garbage => {
                let late = self.overdue;
                self.overdue = false;
                match (self.asked_at.take(), call) {
                    (None, _) => Outcome::Unasked,
                    (Some(_), Call::Train) => Outcome::Train { late },
                    (Some(_), Call::Refused) => Outcome::Refused { late },
                    (Some(_), _) => Outcome::Unreadable,
                }
            }
        })
    }

    fn state(&self) -> (RequestState, Option<Duration>) {
        match self.asked_at {
            None => (RequestState::Idle, None),
            Some(_) if self.overdue => (RequestState::TimedOut, None),
            Some(asked) => (RequestState::Asked, Some(secs(asked + PATIENCE))),
        }
    }
}

fn act(client: &mut RequestClient, first: SocketId, call: Call, now: u64) -> Option<Outcome> {
    let current = client.socket();
    Some(match call {
        Call::Request => request(client, secs(now)),
        Call::Timeout => Outcome::Overdue(client.handle_timeout(secs(now))),
        Call::Backwards => Outcome::Overdue(client.handle_timeout(Duration::ZERO)),
        Call::Replace => {
            assert_ne!(client.replace_socket(), current);
            Outcome::Replaced
        }
        Call::Train => message(client, current, TRAIN),
        Call::Refused => message(client, current, REFUSED),
        Call::Garbage => message(client, current, GARBAGE),
        Call::Old if first == current => return None,
        Call::Old => message(client, first, TRAIN),
    })
}

/// All sequences of so many calls from here on; tells how many there were.
fn explore(client: &RequestClient, first: SocketId, model: &Model, path: &mut Vec<Call>, left: u64) -> u64 {
    if left == 0 {
        return 1;
    }
    let mut sequences = 0;
    for call in CALLS {
        let (mut client, mut model) = (client.clone(), model.clone());
        path.push(call);
        let now = path.len() as u64;
        assert_eq!(act(&mut client, first, call, now), model.call(call, now), "{path:?}");
        assert_eq!((client.state(), client.poll_deadline()), model.state(), "{path:?}");
        sequences += explore(&client, first, &model, path, left - 1);
        path.pop();
    }
    sequences
}

#[test]
fn all_sequences_of_calls_are_as_the_specification_says() {
    let client = RequestClient::new().with_timeout(secs(PATIENCE));
    let depth = if cfg!(miri) { 3 } else { 6 };
    let sequences = explore(&client, client.socket(), &Model::default(), &mut Vec::new(), depth);
    assert_eq!(sequences, 8_u64.pow(u32::try_from(depth).unwrap()));
}

#[test]
fn what_nobody_needed_changes_nothing() {
    let script = [
        (Call::Request, 1),
        (Call::Timeout, 2),
        (Call::Train, 2),
        (Call::Request, 3),
        (Call::Timeout, 5),
        (Call::Request, 6),
        (Call::Replace, 6),
        (Call::Old, 6),
        (Call::Request, 7),
        (Call::Garbage, 8),
        (Call::Train, 8),
        (Call::Request, 9),
        (Call::Refused, 9),
    ];
    let machine = || {
        let client = RequestClient::new().with_timeout(secs(PATIENCE));
        (client.socket(), client)
    };
    laws::idle(
        &script,
        machine,
        |(first, client), (call, now)| {
            let outcome = act(client, *first, *call, *now);
            vec![format!("{outcome:?} {:?} {:?}", client.state(), client.poll_deadline())]
        },
        |(_, client), _| {
            // Polls, a time long gone, and the last moment before the deadline.
            let before = client.poll_deadline();
            let early = before.map_or(Duration::MAX, |deadline| deadline - Duration::from_nanos(1));
            let told = [Duration::ZERO, early].map(|now| client.handle_timeout(now));
            let changed = told != [false; 2] || client.poll_deadline() != before;
            changed.then(|| format!("{told:?}")).into_iter().collect()
        },
    );
}

#[test]
fn the_same_calls_give_the_same_answers() {
    laws::deterministic(|| {
        let mut client = RequestClient::new().with_timeout(secs(PATIENCE));
        let first = client.socket();
        let calls = (0..200).map(|step| (CALLS[(step * step + step / 3) % CALLS.len()], step as u64 / 2));
        calls.map(|(call, now)| format!("{:?} {client:?}", act(&mut client, first, call, now))).collect::<Vec<_>>()
    });
}

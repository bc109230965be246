//! The server of a REP socket: what it answers byte by byte, and that no train is lost (SPEC.md §6).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use std::collections::VecDeque;

use karabo_bridge::{Answer, Limits, PeerError, REQUEST, ReplyServer};
use testkit::laws;

/// Asks, and returns the answer.
fn ask<P: AsRef<[u8]>, T>(server: &mut ReplyServer<T>, parts: &[P]) -> Option<Answer<T>> {
    server.handle_message(parts).unwrap();
    server.poll_transmit()
}

fn error<T>(text: &[u8]) -> Option<Answer<T>> {
    Some(Answer::Error(text.to_vec()))
}

fn limits(max_trains: u32) -> Limits {
    Limits::DEFAULT.with_max_trains(max_trains)
}

/// All that wait, in their order.
fn drain<T>(server: &mut ReplyServer<T>) -> Vec<T> {
    server.handle_eof();
    let mut trains = Vec::new();
    while server.waiting() > 0 {
        let Some(Answer::Train(train)) = ask(server, &[REQUEST]) else { panic!("a train was promised") };
        trains.push(train);
    }
    trains
}

#[test]
fn bad_requests_are_answered_as_the_python_server_does() {
    // As karabo-bridge 0.7.0 answers: the text, a blank, and the bytes as they came.
    for (request, reply) in [
        (&b"NEXT"[..], &b"Error: bad request NEXT"[..]),
        (b"next ", b"Error: bad request next "),
        (b" next", b"Error: bad request  next"),
        (b"", b"Error: bad request "),
        (b"nex", b"Error: bad request nex"),
        (b"next\n", b"Error: bad request next\n"),
        (b"next\0", b"Error: bad request next\0"),
        (b"foo", b"Error: bad request foo"),
        (b"next 3 1", b"Error: bad request next 3 1"),
        (b"\xff\xfe\x00", b"Error: bad request \xff\xfe\x00"),
        (b"\xa4next", b"Error: bad request \xa4next"),
    ] {
        let mut server = ReplyServer::new();
        server.offer(1).unwrap();
        assert_eq!(ask(&mut server, &[request]), error(reply), "{}", request.escape_ascii());
        // It cost no train, and the next request is served.
        assert_eq!((server.waiting(), server.is_asked()), (1, false));
        assert_eq!(ask(&mut server, &[b"next"]), Some(Answer::Train(1)));
    }
}

#[test]
fn requests_of_several_parts_and_of_none_are_bad() {
    for (parts, reply) in [
        (&[&b"next"[..], b"next"][..], &b"Error: bad request of 2 parts"[..]),
        (&[b"next", b""], b"Error: bad request of 2 parts"),
        (&[b"", b"next", b""], b"Error: bad request of 3 parts"),
        (&[], b"Error: bad request of 0 parts"),
    ] {
        let mut server = ReplyServer::new();
        server.offer(1).unwrap();
        assert_eq!(ask(&mut server, parts), error(reply));
        assert_eq!((server.waiting(), server.is_asked()), (1, false));
        assert_eq!(ask(&mut server, &[b"next"]), Some(Answer::Train(1)));
    }
    let many = vec![b"next"; 70_000];
    assert_eq!(ask(&mut ReplyServer::<u8>::new(), &many), error(b"Error: bad request of 70000 parts"));
}

#[test]
fn a_bad_request_is_repeated_up_to_the_limit() {
    let refused = |limits: Limits, len: usize| {
        let mut server = ReplyServer::<u8>::new().with_limits(limits);
        let Some(Answer::Error(text)) = ask(&mut server, &[vec![b'x'; len]]) else { panic!() };
        let echo = text.strip_prefix(b"Error: bad request ").unwrap();
        assert!(echo.iter().all(|byte| *byte == b'x'));
        echo.len()
    };
    for (limit, len, echoed) in [
        (4096, 4095, 4095),
        (4096, 4096, 4096),
        (4096, 4097, 4096),
        (4096, 1_000_000, 4096),
        (3, 2, 2),
        (3, 3, 3),
        (3, 4, 3),
        (0, 0, 0),
        (0, 1, 0),
        (u32::MAX, 10_000, 10_000),
    ] {
        assert_eq!(refused(Limits::DEFAULT.with_max_echo(limit), len), echoed, "{len} bytes under {limit}");
    }
    assert_eq!(refused(Limits::DEFAULT, 4097), 4096);
    // What is cut off is the end.
    let mut server = ReplyServer::<u8>::new().with_limits(Limits::DEFAULT.with_max_echo(3));
    assert_eq!(ask(&mut server, &[b"abcd"]), error(b"Error: bad request abc"));
    // A good one is not made good by cutting it.
    let mut server = ReplyServer::<u8>::new().with_limits(Limits::DEFAULT.with_max_echo(4));
    assert_eq!(ask(&mut server, &[b"next!"]), error(b"Error: bad request next"));
    // Nor does the limit make a good one bad.
    let mut server = ReplyServer::new().with_limits(Limits::DEFAULT.with_max_echo(0));
    server.offer(1).unwrap();
    assert_eq!(ask(&mut server, &[b"next"]), Some(Answer::Train(1)));
}

#[test]
fn a_server_with_nothing_to_send_waits() {
    let mut server = ReplyServer::new();
    assert_eq!((server.poll_transmit(), server.is_asked()), (None, false));
    server.handle_message(&[b"next"]).unwrap();
    for _ in 0..3 {
        assert_eq!((server.poll_transmit(), server.is_asked()), (None, true));
    }
    server.offer("late").unwrap();
    assert_eq!((server.waiting(), server.poll_transmit()), (1, Some(Answer::Train("late"))));
    assert_eq!((server.poll_transmit(), server.is_asked(), server.waiting()), (None, false, 0));
}

#[test]
fn trains_go_out_one_a_request_in_their_order() {
    let mut server = ReplyServer::new();
    for train in 0..4 {
        server.offer(train).unwrap();
    }
    // Nobody asked.
    assert_eq!(server.poll_transmit(), None);
    for train in 0..4 {
        assert_eq!(ask(&mut server, &[b"next"]), Some(Answer::Train(train)));
        assert_eq!(server.poll_transmit(), None);
    }
}

#[test]
fn at_most_so_many_trains_wait() {
    for limit in [1_u32, 2, 10] {
        let mut server = ReplyServer::new().with_limits(limits(limit));
        for train in 0..limit {
            assert_eq!(server.offer(train), Ok(()));
        }
        assert_eq!(server.offer(limit), Err(limit));
        assert_eq!(server.offer(limit), Err(limit));
        assert_eq!(server.waiting(), limit as usize);
        assert_eq!(ask(&mut server, &[b"next"]), Some(Answer::Train(0)));
        assert_eq!(server.offer(limit), Ok(()));
        assert_eq!(drain(&mut server), (1..=limit).collect::<Vec<_>>());
    }
    let mut server = ReplyServer::default();
    assert_eq!((0..20).take_while(|train| server.offer(*train).is_ok()).count(), 10);
}

#[test]
fn a_limit_of_none_takes_none() {
    let mut server = ReplyServer::new().with_limits(limits(0));
    assert_eq!((server.offer(1), server.force(2), server.waiting()), (Err(1), Some(2), 0));
    assert_eq!(ask(&mut server, &[b"next"]), None);
    assert!(server.is_asked());
}

#[test]
fn the_oldest_makes_room() {
    let mut server = ReplyServer::new().with_limits(limits(2));
    assert_eq!((server.force(1), server.force(2)), (None, None));
    assert_eq!((server.force(3), server.force(4)), (Some(1), Some(2)));
    assert_eq!(server.waiting(), 2);
    assert_eq!(drain(&mut server), [3, 4]);
    assert_eq!(server.force(5), None);
}

#[test]
fn what_could_not_be_sent_is_sent_next() {
    let mut server = ReplyServer::new().with_limits(limits(2));
    for train in [1, 2] {
        server.offer(train).unwrap();
    }
    let Some(Answer::Train(one)) = ask(&mut server, &[b"next"]) else { panic!() };
    server.offer(3).unwrap();
    // Whatever the limit.
    server.give_back(one);
    assert_eq!((server.waiting(), server.offer(4)), (3, Err(4)));
    assert_eq!(drain(&mut server), [1, 2, 3]);
}

#[test]
fn a_request_while_one_is_unanswered_changes_nothing() {
    let bad: &[&[u8]] = &[b"bad"];
    for second in [&[REQUEST][..], &[], &[b"other"], &[b"a", b"b"]] {
        // One for a train, with none there.
        let mut server = ReplyServer::new();
        server.handle_message(&[b"next"]).unwrap();
        assert_eq!(server.handle_message(second), Err(PeerError::Unanswered));
        server.offer(1).unwrap();
        assert_eq!(server.poll_transmit(), Some(Answer::Train(1)));
        assert_eq!(server.poll_transmit(), None);
        // A bad one whose answer was not fetched.
        server.handle_message(bad).unwrap();
        assert!(server.is_asked());
        assert_eq!(server.handle_message(second), Err(PeerError::Unanswered));
        assert_eq!(server.poll_transmit(), error(b"Error: bad request bad"));
        assert_eq!((server.poll_transmit(), server.is_asked()), (None, false));
    }
}

#[test]
fn a_request_goes_with_its_connection() {
    let mut server = ReplyServer::new();
    server.handle_eof();
    server.handle_message(&[b"next"]).unwrap();
    server.handle_eof();
    server.offer(1).unwrap();
    // Nobody is there to be answered; the train stays.
    assert_eq!((server.poll_transmit(), server.is_asked(), server.waiting()), (None, false, 1));
    server.handle_message(&[b"bad"]).unwrap();
    server.handle_eof();
    assert_eq!(server.poll_transmit(), None);
    assert_eq!(ask(&mut server, &[b"next"]), Some(Answer::Train(1)));
}

#[test]
fn trains_are_whatever_the_caller_has() {
    // Neither `Clone` nor comparable.
    struct Parts(Box<[Vec<u8>]>);
    let mut server = ReplyServer::new();
    assert!(server.offer(Parts(Box::new([vec![1], vec![2]]))).is_ok());
    let Some(Answer::Train(Parts(parts))) = ask(&mut server, &[b"next"]) else { panic!() };
    assert_eq!(parts[..], [vec![1], vec![2]]);
}

/// A call in a sequence.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Offer,
    Force,
    Next,
    /// A bad request, of one part and of two by turns.
    Bad,
    Poll,
    /// What was polled last, if it is a train that was not given back yet.
    GiveBack,
    Eof,
}

const CALLS: [Call; 7] = [Call::Offer, Call::Force, Call::Next, Call::Bad, Call::Poll, Call::GiveBack, Call::Eof];

/// SPEC.md §6, in other words.
#[derive(Clone, Debug, Default)]
struct Model {
    waiting: VecDeque<u32>,
    max_trains: usize,
    request: Option<Request>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Request {
    Next,
    Bad(&'static str),
}

impl Model {
    /// The train, if there is no room.
    fn offer(&mut self, train: u32) -> Option<u32> {
        if self.waiting.len() >= self.max_trains {
            return Some(train);
        }
        self.waiting.push_back(train);
        None
    }

    /// That which has no room behind the newest.
    fn force(&mut self, train: u32) -> Option<u32> {
        self.waiting.push_back(train);
        if self.waiting.len() > self.max_trains { self.waiting.pop_front() } else { None }
    }

    fn request(&mut self, request: Request) -> Result<(), PeerError> {
        match self.request {
            Some(_) => Err(PeerError::Unanswered),
            None => {
                self.request = Some(request);
                Ok(())
            }
        }
    }

    fn poll(&mut self) -> Option<Answer<u32>> {
        let answer = match self.request? {
            Request::Bad(text) => Answer::Error(text.into()),
            Request::Next => Answer::Train(self.waiting.pop_front()?),
        };
        self.request = None;
        Some(answer)
    }
}

/// A server beside its model, and where every train is.
#[derive(Clone)]
struct Pair {
    server: ReplyServer<u32>,
    model: Model,
    /// How many were made: they are numbered from 0.
    made: u32,
    /// Those that were returned for want of room.
    refused: Vec<u32>,
    sent: Vec<u32>,
}

impl Pair {
    fn new(max_trains: u32) -> Self {
        let model = Model { max_trains: max_trains as usize, ..Model::default() };
        let server = ReplyServer::new().with_limits(limits(max_trains));
        Self { server, model, made: 0, refused: Vec::new(), sent: Vec::new() }
    }

    /// One call on both; false if it makes no sense here.
    fn call(&mut self, call: Call, path: &[Call]) -> bool {
        match call {
            Call::Offer | Call::Force => {
                let train = self.made;
                let (found, due) = if call == Call::Offer {
                    (self.server.offer(train).err(), self.model.offer(train))
                } else {
                    (self.server.force(train), self.model.force(train))
                };
                assert_eq!(found, due, "{path:?}");
                self.refused.extend(found);
                self.made += 1;
            }
            Call::Next => {
                let due = self.model.request(Request::Next);
                assert_eq!(self.server.handle_message(&[b"next"]), due, "{path:?}");
            }
            Call::Bad if path.len() % 2 == 0 => {
                let due = self.model.request(Request::Bad("Error: bad request nix"));
                assert_eq!(self.server.handle_message(&[b"nix"]), due, "{path:?}");
            }
            Call::Bad => {
                let due = self.model.request(Request::Bad("Error: bad request of 2 parts"));
                assert_eq!(self.server.handle_message(&[b"next", b"next"]), due, "{path:?}");
            }
            Call::Poll => {
                let found = self.server.poll_transmit();
                assert_eq!(found, self.model.poll(), "{path:?}");
                if let Some(Answer::Train(train)) = found {
                    self.sent.push(train);
                }
            }
            Call::GiveBack => {
                let Some(train) = self.sent.pop() else { return false };
                self.server.give_back(train);
                self.model.waiting.push_front(train);
            }
            Call::Eof => {
                self.server.handle_eof();
                self.model.request = None;
            }
        }
        assert_eq!(self.server.waiting(), self.model.waiting.len(), "{path:?}");
        assert_eq!(self.server.is_asked(), self.model.request.is_some(), "{path:?}");
        true
    }

    /// Every train is in one place, and those that wait are in order.
    fn account(mut self, path: &[Call]) {
        let waiting = drain(&mut self.server);
        assert_eq!(waiting, Vec::from(self.model.waiting), "{path:?}");
        let mut all = [waiting, self.refused, self.sent].concat();
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..self.made), "{path:?}: {all:?} of {}", self.made);
    }
}

fn explore(pair: &Pair, path: &mut Vec<Call>, left: usize) -> u64 {
    if left == 0 {
        pair.clone().account(path);
        return 1;
    }
    let mut sequences = 0;
    for call in CALLS {
        path.push(call);
        let mut next = pair.clone();
        if next.call(call, path) {
            sequences += explore(&next, path, left - 1);
        }
        path.pop();
    }
    sequences
}

#[test]
fn no_train_is_lost_or_sent_twice_by_any_sequence_of_calls() {
    let depth = if cfg!(miri) { 3 } else { 7 };
    for (max_trains, depth) in [(0, depth - 1), (1, depth), (2, depth), (3, depth - 1)] {
        let sequences = explore(&Pair::new(max_trains), &mut Vec::new(), depth);
        // Most of 7^depth make sense.
        assert!(sequences > 4_u64.pow(u32::try_from(depth).unwrap()), "{sequences}");
    }
}

#[test]
fn extra_polls_change_nothing() {
    let script = [
        Call::Offer,
        Call::Next,
        Call::Poll,
        Call::Next,
        Call::Next,
        Call::Offer,
        Call::Poll,
        Call::GiveBack,
        Call::Bad,
        Call::Poll,
        Call::Next,
        Call::Eof,
        Call::Next,
        Call::Poll,
    ];
    laws::idle(
        &script,
        || Pair::new(2),
        |pair, call| {
            pair.call(*call, &[]);
            let answer = pair.server.poll_transmit();
            pair.model.poll();
            vec![(answer, pair.server.waiting(), pair.server.is_asked())]
        },
        |pair, _| pair.server.poll_transmit().map(|answer| (Some(answer), 0, false)).into_iter().collect(),
    );
}

#[test]
fn the_same_calls_give_the_same_answers() {
    laws::deterministic(|| {
        let mut pair = Pair::new(2);
        for step in 0..200_usize {
            pair.call(CALLS[(step * step + step / 3) % CALLS.len()], &[]);
        }
        format!("{:?} {:?} {:?}", pair.server, pair.refused, pair.sent)
    });
}

#[test]
fn a_forced_train_costs_one_that_waits_and_not_two() {
    for max_trains in [0_u32, 1, 2] {
        let mut server = ReplyServer::new().with_limits(limits(max_trains));
        for train in 0..=max_trains {
            // In the order 0, 1, 2, as though each had been polled and not sent.
            server.give_back(max_trains - train);
        }
        let new = max_trains + 1;
        let returned = server.force(new);
        let mut all = drain(&mut server);
        all.extend(returned);
        all.sort_unstable();
        assert_eq!(all, (0..=new).collect::<Vec<_>>(), "under {max_trains}, {returned:?} was returned");
    }
}

#[test]
fn a_postponed_train_is_still_the_answer() {
    let mut server = ReplyServer::new();
    server.handle_message(&[b"next"]).unwrap();
    server.offer(1).unwrap();
    server.offer(2).unwrap();
    let Some(Answer::Train(train)) = server.poll_transmit() else { panic!("no train") };
    server.postpone(train);
    assert!(server.is_asked());
    assert_eq!(server.handle_message(&[b"next"]), Err(PeerError::Unanswered));
    assert_eq!((server.poll_transmit(), server.poll_transmit()), (Some(Answer::Train(1)), None));
    // Where there is another request by then, that is answered.
    server.handle_message(&[b"no"]).unwrap();
    server.postpone(1);
    assert!(matches!(server.poll_transmit(), Some(Answer::Error(_))));
    assert_eq!((server.poll_transmit(), server.waiting()), (None, 2));
}

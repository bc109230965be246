//! What a SUB or PULL socket does not know of itself: trains that were lost, and how fast they come (SPEC.md §6).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

use std::num::NonZeroU64;
use std::time::Duration;

use karabo_bridge::{Arrivals, DecodeErrorKind, Limits, Puller, Step, Subscriber, TrainRef};
use testkit::{assert_no_alloc, laws};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Version 1.0: a source for each number, or without one.
fn single(tids: &[Option<u64>]) -> Vec<Vec<u8>> {
    let mut part = vec![0x80 | u8::try_from(tids.len()).unwrap()];
    for (index, tid) in tids.iter().enumerate() {
        part.extend([0xa1, b'A' + u8::try_from(index).unwrap(), 0x81]);
        part.extend(b"\xa8metadata");
        match tid {
            None => part.push(0x80),
            Some(tid) => {
                part.extend(b"\x81\xadtimestamp.tid\xcf");
                part.extend(tid.to_be_bytes());
            }
        }
    }
    vec![part]
}

/// Version 2.2, with so many bytes in an array.
fn pairs(tid: u64, bytes: u16) -> Vec<Vec<u8>> {
    let header =
        [&b"\x83\xa6source\xa1A\xa7content\xa7msgpack\xa8metadata\x81\xadtimestamp.tid\xcf"[..], &tid.to_be_bytes()];
    let array = b"\x85\xa6source\xa1A\xa7content\xa5array\xa4path\xa1a\xa5dtype\xa5uint8\xa5shape\x91\xcd";
    vec![header.concat(), vec![0x80], [&array[..], &bytes.to_be_bytes()].concat(), vec![7; bytes.into()]]
}

fn len(parts: &[Vec<u8>]) -> u64 {
    parts.iter().map(|part| part.len() as u64).sum()
}

fn stride(stride: u64) -> NonZeroU64 {
    NonZeroU64::new(stride).unwrap()
}

/// Takes trains with these numbers: the steps, and how many were lost.
fn steps(mut subscriber: Subscriber, tids: &[Option<u64>]) -> (Vec<Step>, u64) {
    let found = tids.iter().zip(0..).map(|(tid, now)| {
        let parts = single(&[*tid]);
        let received = subscriber.handle_message(ms(now), &parts).unwrap();
        assert_eq!(received.tid, tid.filter(|tid| *tid != 0));
        assert_eq!(received.train.parts(), parts);
        received.step
    });
    (found.collect(), subscriber.arrivals().lost())
}

fn numbers<const N: usize>(tids: [u64; N]) -> [Option<u64>; N] {
    tids.map(Some)
}

#[test]
fn numbers_tell_which_trains_were_lost() {
    use Step::{Back, First, Lost, Next, Repeated};
    let cases: [(&[u64], &[Step], u64); 8] = [
        (&[5], &[First], 0),
        (&[5, 6, 7], &[First, Next, Next], 0),
        (&[5, 7, 8, 18], &[First, Lost(1), Next, Lost(9)], 10),
        (&[5, 5, 6, 6], &[First, Repeated, Next, Repeated], 0),
        // Behind what began again, it is counted from there.
        (&[100, 3, 4, 6], &[First, Back, Next, Lost(1)], 1),
        (&[7, 6, 7, 9], &[First, Back, Next, Lost(1)], 1),
        (&[10_000_000_000, 10_000_000_002], &[First, Lost(1)], 1),
        (&[u64::MAX - 1, u64::MAX, u64::MAX, 1], &[First, Next, Repeated, Back], 0),
    ];
    for (tids, due, lost) in cases {
        let tids: Vec<_> = tids.iter().copied().map(Some).collect();
        assert_eq!(steps(Subscriber::new(), &tids), (due.to_vec(), lost), "{tids:?}");
    }
}

#[test]
fn a_train_without_a_number_is_unknown_and_the_next_goes_on() {
    use Step::{First, Lost, Next, Unknown};
    for nothing in [None, Some(0)] {
        let tids = [nothing, Some(5), nothing, Some(6), nothing, nothing, Some(9)];
        let due = vec![Unknown, First, Unknown, Next, Unknown, Unknown, Lost(2)];
        assert_eq!(steps(Subscriber::new(), &tids), (due, 2));
    }
}

#[test]
fn the_ends_of_the_numbers_are_no_trouble() {
    let (found, lost) = steps(Subscriber::new(), &numbers([1, u64::MAX]));
    assert_eq!((found[1], lost), (Step::Lost(u64::MAX - 2), u64::MAX - 2));
    // The sum stays at its end.
    let (found, lost) = steps(Subscriber::new(), &numbers([1, u64::MAX, 1, u64::MAX, 1, 4]));
    assert_eq!(found[2..], [Step::Back, Step::Lost(u64::MAX - 2), Step::Back, Step::Lost(2)]);
    assert_eq!(lost, u64::MAX);
}

#[test]
fn where_not_every_train_is_sent_the_stride_says_which_are_due() {
    use Step::{Lost, Next, Repeated};
    // (ahead - 1) / stride.
    for (of, ahead, due) in [
        (1, 1, Next),
        (1, 2, Lost(1)),
        (2, 1, Next),
        (2, 2, Next),
        (2, 3, Lost(1)),
        (2, 4, Lost(1)),
        (2, 5, Lost(2)),
        (10, 10, Next),
        (10, 11, Lost(1)),
        (10, 20, Lost(1)),
        (10, 21, Lost(2)),
        (10, 0, Repeated),
        (u64::MAX, 1000, Next),
        (u64::MAX, u64::MAX - 1, Next),
        (1, u64::MAX - 1, Lost(u64::MAX - 2)),
    ] {
        let subscriber = Subscriber::new().with_stride(stride(of));
        let (found, lost) = steps(subscriber, &numbers([1, 1 + ahead]));
        assert_eq!(found, [Step::First, due], "{ahead} ahead, every {of}");
        assert_eq!(lost, if let Lost(lost) = due { lost } else { 0 });
    }
    assert_eq!(steps(Subscriber::new().with_stride(stride(10)), &numbers([10, 5])).0[1], Step::Back);
}

#[test]
fn of_sources_that_disagree_the_first_that_knows_counts() {
    let mut subscriber = Subscriber::new();
    for (tids, tid, step) in [
        (&[Some(7), Some(9)][..], Some(7), Step::First),
        (&[None, Some(8), Some(100)], Some(8), Step::Next),
        (&[Some(0), None, Some(10)], Some(10), Step::Lost(1)),
        (&[Some(0), None], None, Step::Unknown),
        (&[], None, Step::Unknown),
        (&[None, Some(11)], Some(11), Step::Next),
    ] {
        let parts = single(tids);
        let received = subscriber.handle_message(Duration::ZERO, &parts).unwrap();
        assert_eq!((received.tid, received.step), (tid, step), "{tids:?}");
    }
    assert_eq!(subscriber.arrivals().trains(), 6);
}

#[test]
fn numbers_are_found_in_every_version() {
    let golden = include_str!("vectors/karabo_bridge.jsonl").lines();
    let mut found = Vec::new();
    for line in golden.filter(|line| line.starts_with("{\"name\": \"sim0.3.0_")) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let hex = line["parts_hex"].as_array().unwrap().iter();
        let parts: Vec<_> = hex.map(|part| testkit::vectors::hex(part.as_str().unwrap())).collect();
        let entries = line["expect"]["sources"][0]["metadata"].as_array().unwrap();
        let tid = &entries.iter().find(|entry| entry[0] == "timestamp.tid").unwrap()[1]["v"];
        let received = Subscriber::new().handle_message(Duration::ZERO, &parts).unwrap().tid;
        assert_eq!(received, Some(tid.as_str().unwrap().parse().unwrap()), "{}", line["name"]);
        found.push(line["version"].as_str().unwrap().to_owned());
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, ["1.0", "2.0", "2.1", "2.2"]);
}

/// What is known after trains of equal size, so many milliseconds apart.
fn regular(trains: u64, apart: u64) -> Arrivals {
    let mut subscriber = Subscriber::new();
    for train in 0..trains {
        let parts = pairs(1000 + train, 500);
        subscriber.handle_message(ms(apart * train), &parts).unwrap();
    }
    subscriber.arrivals().clone()
}

#[test]
fn regular_trains_have_their_rate() {
    let size = len(&pairs(1000, 500));
    // Times and rates are powers of two, so that nothing is rounded.
    for (apart, rate) in [(125, 8.0), (250, 4.0), (1000, 1.0), (4000, 0.25)] {
        for trains in [2, 3, 31, 32, 33, 34, 64, 100] {
            let arrivals = regular(trains, apart);
            assert_eq!(arrivals.rate(), Some(rate), "{trains} trains, {apart} ms apart");
            assert_eq!(arrivals.bytes_per_second(), Some(rate * size as f64), "{trains} trains, {apart} ms apart");
            assert_eq!((arrivals.trains(), arrivals.bytes()), (trains, trains * size));
        }
    }
    for trains in [0, 1] {
        let arrivals = regular(trains, 125);
        assert_eq!((arrivals.rate(), arrivals.bytes_per_second()), (None, None));
        assert_eq!((arrivals.trains(), arrivals.bytes()), (trains, trains * size));
    }
}

#[test]
fn rates_are_those_of_the_last_thirty_two_trains() {
    let mut subscriber = Subscriber::new();
    let mut now = Duration::ZERO;
    let mut take = |apart: Duration, bytes: u16| {
        now += apart;
        let parts = pairs(1, bytes);
        subscriber.handle_message(now, &parts).unwrap();
        (subscriber.arrivals().rate(), subscriber.arrivals().bytes_per_second())
    };
    let fixed = len(&pairs(1, 0)) as f64;
    take(ms(0), 0);
    // The second train is the first with an interval: 64 s.
    assert_eq!(take(ms(64_000), 1000).0, Some(1.0 / 64.0));
    for train in 3..=32 {
        // The slow interval is still in it: train - 1 intervals.
        assert_eq!(take(ms(0), 1000).0, Some(f64::from(train - 1) / 64.0), "train {train}");
    }
    // Train 33: the window begins at train 2, which came at 64 s, as all others did.
    let (rate, bytes) = take(ms(500), 0);
    assert_eq!(rate, Some(31.0 / 0.5));
    // Behind train 2 came 30 trains of 1000 bytes and one of none, each with its headers.
    assert_eq!(bytes, Some((30.0 * 1000.0 + 31.0 * fixed) / 0.5));
}

#[test]
fn trains_at_one_moment_have_no_rate() {
    for trains in [2, 32, 33, 50] {
        let arrivals = regular(trains, 0);
        assert_eq!((arrivals.rate(), arrivals.bytes_per_second()), (None, None), "{trains}");
    }
    // One nanosecond is an interval.
    let (mut arrivals, parts) = (Arrivals::new(), single(&[Some(1)]));
    let train = TrainRef::decode(&parts).unwrap();
    arrivals.note(Duration::ZERO, train);
    arrivals.note(Duration::from_nanos(1), train);
    let rate = arrivals.rate().unwrap();
    assert!((rate - 1e9).abs() < 1.0, "{rate}");
}

#[test]
fn time_that_goes_back_is_harmless() {
    let mut subscriber = Subscriber::new();
    let mut take = |now: Duration, tid: u64| {
        let parts = single(&[Some(tid)]);
        let step = subscriber.handle_message(now, &parts).unwrap().step;
        (step, subscriber.arrivals().rate(), subscriber.arrivals().bytes_per_second().is_some())
    };
    assert_eq!(take(ms(5000), 1), (Step::First, None, false));
    assert_eq!(take(ms(1000), 2), (Step::Next, None, false));
    assert_eq!(take(Duration::ZERO, 4), (Step::Lost(1), None, false));
    assert_eq!(take(ms(5000), 5), (Step::Next, None, false));
    // As soon as time has gone on it counts again.
    assert_eq!(take(ms(9000), 6), (Step::Next, Some(1.0), true));
    assert_eq!(take(Duration::MAX, 7).0, Step::Next);
}

#[test]
fn all_of_time_is_no_overflow() {
    let parts = single(&[Some(1)]);
    let train = TrainRef::decode(&parts).unwrap();
    let mut arrivals = Arrivals::default();
    arrivals.note(Duration::ZERO, train);
    arrivals.note(Duration::MAX, train);
    let rate = arrivals.rate().unwrap();
    assert!(rate > 0.0 && rate < 1e-19, "{rate}");
}

#[test]
fn bytes_are_those_of_all_parts() {
    let mut subscriber = Subscriber::new();
    let mut due = 0;
    for bytes in [0, 1, 1000, 65_535] {
        let parts = pairs(1, bytes);
        due += len(&parts);
        subscriber.handle_message(Duration::ZERO, &parts).unwrap();
        assert_eq!(subscriber.arrivals().bytes(), due);
    }
    // Those of parts that cannot be read came, too.
    let parts = [b"\xc1".to_vec(), b"abc".to_vec(), b"odd".to_vec()];
    let received = subscriber.handle_message(Duration::ZERO, &parts).unwrap();
    assert_eq!((received.tid, received.step), (None, Step::Unknown));
    assert_eq!((subscriber.arrivals().bytes(), subscriber.arrivals().trains()), (due + 7, 5));
}

#[test]
fn what_is_no_train_counts_for_nothing() {
    let mut subscriber = Subscriber::new().with_limits(Limits::DEFAULT.with_max_parts(4));
    for (now, tid) in [(0, 5), (1000, 6)] {
        let parts = single(&[Some(tid)]);
        subscriber.handle_message(ms(now), &parts).unwrap();
    }
    let before = format!("{:?}", subscriber.arrivals());
    let bad: [(&[&[u8]], DecodeErrorKind); 5] = [
        // Nobody asked, so that it is no reply either: 69, which is no map.
        (&[b"Error: bad request foo"], DecodeErrorKind::UnexpectedType),
        (&[], DecodeErrorKind::NoParts),
        (&[b"\xc1"], DecodeErrorKind::InvalidTag),
        (&[b"\x80\x02}."], DecodeErrorKind::Pickle),
        (&[b"", b"", b"", b"", b""], DecodeErrorKind::LimitExceeded),
    ];
    for (parts, kind) in bad {
        assert_eq!(subscriber.handle_message(ms(2000), parts).unwrap_err().kind(), kind);
        assert_eq!(format!("{:?}", subscriber.arrivals()), before);
    }
    let parts = single(&[Some(8)]);
    assert_eq!(subscriber.handle_message(ms(3000), &parts).unwrap().step, Step::Lost(1));
    let arrivals = subscriber.arrivals();
    assert_eq!((arrivals.trains(), arrivals.lost(), arrivals.rate()), (3, 1, Some(2.0 / 3.0)));
}

#[test]
fn nothing_is_known_before_the_first_train() {
    for arrivals in [Arrivals::new(), Arrivals::default(), Subscriber::new().arrivals().clone()] {
        assert_eq!((arrivals.trains(), arrivals.bytes(), arrivals.lost()), (0, 0, 0));
        assert_eq!((arrivals.rate(), arrivals.bytes_per_second()), (None, None));
    }
}

#[test]
fn who_asks_for_trains_counts_them_the_same_way() {
    let (mut arrivals, mut puller) = (Arrivals::new(), Puller::new());
    for (now, tid) in [(0, Some(3)), (100, Some(5)), (200, None), (300, Some(0)), (250, Some(2))] {
        let parts = single(&[tid]);
        let received = puller.handle_message(ms(now), &parts).unwrap();
        assert_eq!(arrivals.note(ms(now), received.train), (received.tid, received.step));
        assert_eq!(format!("{arrivals:?}"), format!("{:?}", puller.arrivals()));
    }
}

#[test]
fn counting_allocates_nothing() {
    let (mut subscriber, parts) = (Subscriber::new(), pairs(7, 100));
    assert_no_alloc(|| {
        for now in 0..100 {
            subscriber.handle_message(ms(now), &parts).unwrap();
        }
    });
}

#[test]
fn the_same_trains_give_the_same_numbers() {
    laws::deterministic(|| {
        let mut subscriber = Subscriber::new().with_stride(stride(3));
        let mut found = Vec::new();
        for step in 0..100_u64 {
            let parts = pairs(step * 7 % 50, 10);
            let received = subscriber.handle_message(ms(step * step), &parts).unwrap();
            found.push((received.tid, received.step, subscriber.arrivals().rate().map(f64::to_bits)));
        }
        (found, subscriber.arrivals().lost())
    });
}

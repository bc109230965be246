//! The barrier against a model that sorts by time and by what came first (SPEC.md §11).

#![allow(clippy::std_instead_of_alloc)]

use std::collections::BTreeMap;

use atlas_stream::{PushErrorKind, Released, Sync, SyncBarrier};
use proptest::prelude::*;
use testkit::{Rng, laws};

#[derive(Clone, Debug)]
enum Op {
    Push(i64),
    PushMarker(i64),
    Sync(Option<i64>),
    Pop,
    PopAll,
    PopOldest,
}

/// The same, slowly.
#[derive(Default)]
struct Model {
    /// By time, markers first, and by what came first.
    held: BTreeMap<(i64, bool, u32), u32>,
    count: u32,
    newest: Option<i64>,
    /// Times up to this are complete, itself included, in more than 64 bits.
    complete: Option<i128>,
    point: Option<i64>,
}

impl Model {
    fn push(&mut self, time: i64, is_marker: bool, max: usize) -> Result<(), PushErrorKind> {
        if let Some(point) = self.point.filter(|point| time < *point) {
            return Err(PushErrorKind::Late { point });
        }
        if self.held.len() > max {
            return Err(PushErrorKind::Full);
        }
        self.held.insert((time, !is_marker, self.count), self.count);
        self.newest = self.newest.max(Some(time));
        Ok(())
    }

    fn sync(&mut self, at: Option<i64>) {
        let complete = match (at, self.newest) {
            (Some(time), _) => i128::from(time) - 1,
            (None, Some(newest)) => i128::from(newest),
            (None, None) => return,
        };
        self.complete = self.complete.max(Some(complete));
        self.point = self.point.max(at.or(self.newest));
    }

    fn pop(&mut self, is_forced: bool, max: usize) -> Option<(i64, u32, bool)> {
        let (&(time, is_behind, number), _) = self.held.first_key_value()?;
        let is_complete = Some(i128::from(time)) <= self.complete;
        if !is_complete && !is_forced && self.held.len() <= max {
            return None;
        }
        self.held.remove(&(time, is_behind, number));
        self.point = self.point.max(Some(time));
        Some((time, number, !is_complete))
    }
}

fn times() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => -5_i64..20,
        1 => Just(i64::MIN),
        1 => Just(i64::MIN + 1),
        1 => Just(i64::MAX),
        1 => Just(i64::MAX - 1),
        1 => any::<i64>(),
    ]
}

/// Times without the extremes, behind which little is left to do.
fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = |times: BoxedStrategy<i64>| {
        prop_oneof![
            12 => times.clone().prop_map(Op::Push),
            3 => times.clone().prop_map(Op::PushMarker),
            2 => times.prop_map(|time| Op::Sync(Some(time))),
            1 => Just(Op::Sync(None)),
            3 => Just(Op::Pop),
            2 => Just(Op::PopAll),
            1 => Just(Op::PopOldest),
        ]
    };
    prop_oneof![
        prop::collection::vec(op(times().boxed()), 0..60),
        prop::collection::vec(op((0_i64..1000).boxed()), 0..200),
        prop::collection::vec(op((0_i64..4).boxed()), 0..200),
    ]
}

fn run(ops: &[Op], max: usize) {
    let (mut barrier, mut model) = (SyncBarrier::new().with_max_entries(max), Model::default());
    let plain = |released: Released<u32>| (released.time, released.item, released.is_forced);
    for op in ops {
        match *op {
            Op::Push(time) | Op::PushMarker(time) => {
                let is_marker = matches!(op, Op::PushMarker(_));
                let item = model.count;
                let due = model.push(time, is_marker, max);
                model.count += 1;
                let found = if is_marker { barrier.push_marker(time, item) } else { barrier.push(time, item) };
                assert!(
                    found.as_ref().err().is_none_or(|error| (error.time, error.item) == (time, item)),
                    "given back"
                );
                assert_eq!(found.map_err(|error| error.kind), due);
            }
            Op::Sync(at) => {
                barrier.sync(at);
                model.sync(at);
            }
            Op::Pop => assert_eq!(barrier.pop().map(plain), model.pop(false, max)),
            Op::PopAll => loop {
                let (found, due) = (barrier.pop().map(plain), model.pop(false, max));
                assert_eq!(found, due);
                if due.is_none() {
                    break;
                }
            },
            Op::PopOldest => assert_eq!(barrier.pop_oldest().map(plain), model.pop(true, max)),
        }
        assert_eq!((barrier.len(), barrier.point()), (model.held.len(), model.point), "{op:?}");
        assert_eq!(barrier.is_empty(), model.held.is_empty());
    }
    while let Some(due) = model.pop(true, max) {
        assert_eq!(barrier.pop_oldest().map(plain), Some(due));
    }
    assert_eq!(barrier.pop_oldest().map(plain), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 1000 }))]

    #[test]
    fn as_the_model_has_it(ops in ops(), max in prop_oneof![Just(0_usize), 1_usize..8, Just(1 << 20)]) {
        run(&ops, max);
    }
}

#[test]
fn of_the_same_time_what_came_first_goes_first() {
    let mut barrier = SyncBarrier::new();
    for item in 0..100 {
        barrier.push(item % 3, item).unwrap();
        // Nothing goes, but what is held is put in order now and then.
        if item % 7 == 0 {
            assert_eq!(barrier.pop(), None);
        }
    }
    barrier.sync(Some(3));
    let found: Vec<_> = core::iter::from_fn(|| barrier.pop()).map(|released| (released.time, released.item)).collect();
    let mut due: Vec<_> = (0..100).map(|item| (item % 3, item)).collect();
    due.sort_by_key(|(time, _)| *time);
    assert_eq!(found, due);
}

#[test]
fn at_the_time_of_a_sync_more_may_come() {
    let mut barrier = SyncBarrier::new();
    for time in [9, 10, 11] {
        barrier.push(time, time).unwrap();
    }
    barrier.sync(Sync::new(4, 6).absolute());
    assert_eq!(barrier.pop().map(Released::into_item), Some(9));
    assert_eq!(barrier.pop(), None);
    assert_eq!(barrier.push(9, 0).unwrap_err().kind, PushErrorKind::Late { point: 10 });
    barrier.push(10, 100).unwrap();
    // One that is before another is passed.
    barrier.sync(Some(3));
    assert_eq!((barrier.point(), barrier.pop()), (Some(10), None));
    barrier.sync(Some(12));
    let rest: Vec<_> = core::iter::from_fn(|| barrier.pop()).map(Released::into_item).collect();
    assert_eq!(rest, [10, 100, 11]);
}

#[test]
fn a_sync_without_a_time_lets_go_what_is_there() {
    let mut barrier = SyncBarrier::new();
    barrier.sync(None);
    assert_eq!((barrier.pop(), barrier.point()), (None, None), "nothing is there");
    for time in [5, i64::MAX, i64::MIN] {
        barrier.push(time, ()).unwrap();
    }
    barrier.sync(Sync::default().absolute());
    let all: Vec<_> = core::iter::from_fn(|| barrier.pop()).map(|one| (one.time, one.is_forced)).collect();
    assert_eq!(all, [(i64::MIN, false), (5, false), (i64::MAX, false)]);
}

#[test]
fn without_room_the_oldest_goes_and_says_so() {
    let mut barrier = SyncBarrier::new().with_max_entries(2);
    for time in [7, 5, 6] {
        barrier.push(time, time).unwrap();
    }
    let error = barrier.push(8, 8).unwrap_err();
    assert_eq!((error.kind, error.time, error.item), (PushErrorKind::Full, 8, 8), "one more was taken");
    let forced = barrier.pop().unwrap();
    assert_eq!((forced.time, forced.is_forced, barrier.len()), (5, true, 2));
    assert_eq!(barrier.pop(), None);
    assert_eq!(barrier.push(4, 4).unwrap_err().kind, PushErrorKind::Late { point: 5 });
    barrier.push(5, 50).unwrap();
    assert_eq!(barrier.pop().map(Released::into_item), Some(50));
    // What is complete is not forced, room or not.
    barrier.sync(Some(100));
    barrier.push(100, 100).unwrap();
    let all: Vec<_> = core::iter::from_fn(|| barrier.pop()).map(|one| (one.time, one.is_forced)).collect();
    assert_eq!(all, [(6, false), (7, false)]);
    let oldest = barrier.pop_oldest().unwrap();
    assert_eq!((oldest.time, oldest.is_forced), (100, true), "whatever its time");
}

#[test]
fn the_default_holds_a_million() {
    let mut barrier = SyncBarrier::default();
    let most = if cfg!(miri) { 100 } else { 1_048_576 };
    for time in 0..most {
        barrier.push(-time, ()).unwrap();
    }
    assert_eq!(barrier.pop(), None);
    barrier.push(7, ()).unwrap();
    if most == 1_048_576 {
        assert_eq!(barrier.push(7, ()).unwrap_err().kind, PushErrorKind::Full);
        assert_eq!(barrier.pop().map(|one| (one.time, one.is_forced)), Some((1 - most, true)));
    }
}

/// A sync behind each entry, with many held that are not complete.
#[test]
#[cfg_attr(miri, ignore)]
fn a_sync_behind_each_entry_is_linear_work() {
    let prepare = |n: usize| {
        let mut rng = Rng::new(testkit::rng::seed());
        (0..n as i64).map(|at| at + rng.below(n) as i64).collect::<Vec<_>>()
    };
    laws::linear_cpu(2000, prepare, |times| {
        let (mut barrier, mut sum, half) = (SyncBarrier::new(), 0, times.len() as i64 / 2);
        for (at, time) in (0..).zip(times) {
            // So far behind that half of them are held.
            barrier.push(time, ()).unwrap();
            barrier.sync(Some(at - half));
            while let Some(released) = barrier.pop() {
                sum += released.time;
            }
        }
        sum
    });
}

#[test]
fn what_is_held_can_be_gone_through() {
    let mut barrier = SyncBarrier::new();
    for (time, offset) in [(30, 7), (10, 5), (20, 6)] {
        barrier.push(time, offset).unwrap();
    }
    barrier.push_marker(20, 8).unwrap();
    barrier.sync(Some(20));
    assert_eq!(barrier.pop().map(Released::into_item), Some(5));
    let mut held: Vec<_> = barrier.iter().map(|(time, offset)| (time, *offset)).collect();
    held.sort_unstable();
    assert_eq!(held, [(20, 6), (20, 8), (30, 7)]);
}

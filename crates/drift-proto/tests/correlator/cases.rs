//! Each event and each limit by name.

use std::cell::Cell;
use std::time::Duration;

use drift_proto::{Correlated, Correlator, CorrelatorLimits, Package};

use super::{at, package};

const DEFAULT: CorrelatorLimits = CorrelatorLimits::DEFAULT;

/// Complete with so many packages.
fn of(count: usize) -> impl FnMut(i64, &[(String, Package)]) -> bool {
    move |_, packages| packages.len() == count
}

fn put<R: FnMut(i64, &[(String, Package)]) -> bool>(
    correlator: &mut Correlator<R>,
    seconds: u64,
    topic: &str,
    id: i64,
) -> Vec<Correlated> {
    correlator.handle_package(at(seconds), topic, package(id, 0)).collect()
}

fn group(id: i64, topics: &[&str]) -> Vec<(String, Package)> {
    topics.iter().map(|topic| ((*topic).to_owned(), package(id, 0))).collect()
}

#[test]
fn complete_is_told_when_the_rule_says_so() {
    let asked = Cell::new(0);
    let rule = |id: i64, packages: &[(String, Package)]| {
        asked.set(asked.get() + 1);
        assert!(packages.iter().all(|(_, package)| package.as_ref().id() == id));
        packages.iter().any(|(topic, _)| topic == "last")
    };
    let mut correlator = Correlator::new(rule, at(5));
    assert_eq!(put(&mut correlator, 0, "first", -7), []);
    assert_eq!(put(&mut correlator, 0, "first", 8), []);
    assert_eq!(put(&mut correlator, 1, "second", -7), []);
    // Nothing new: nobody is asked.
    assert_eq!(put(&mut correlator, 1, "first", -7).len(), 1);
    assert_eq!((asked.get(), correlator.packages(-7)), (3, &group(-7, &["first", "second"])[..]));
    let packages = group(-7, &["first", "second", "last"]);
    assert_eq!(put(&mut correlator, 2, "last", -7), [Correlated::Complete { id: -7, packages }]);
    assert_eq!((correlator.waiting(), correlator.packages(-7), asked.get()), (1, &[][..], 4));
    assert_eq!(correlator.poll_deadline(), Some(at(5)));
}

#[test]
fn one_package_may_be_all() {
    let mut correlator = Correlator::new(of(1), at(5)).with_limits(DEFAULT.with_max_groups(0));
    let packages = group(1, &["a"]);
    assert_eq!(put(&mut correlator, 0, "a", 1), [Correlated::Complete { id: 1, packages }]);
    assert_eq!((correlator.waiting(), correlator.waiting_bytes(), correlator.poll_deadline()), (0, 0, None));
}

#[test]
fn timed_out_is_told_from_the_deadline_on() {
    let mut correlator = Correlator::new(of(9), at(5));
    assert_eq!(put(&mut correlator, 10, "a", 2), []);
    assert_eq!(put(&mut correlator, 11, "a", 1), []);
    // More of it does not make it wait longer.
    assert_eq!(put(&mut correlator, 14, "b", 2), []);
    assert_eq!(correlator.poll_deadline(), Some(at(15)));
    assert_eq!(correlator.handle_timeout(at(15) - Duration::from_nanos(1)).len(), 0);
    let events: Vec<_> = correlator.handle_timeout(at(15)).collect();
    assert_eq!(events, [Correlated::TimedOut { id: 2, packages: group(2, &["a", "b"]) }]);
    assert_eq!(correlator.poll_deadline(), Some(at(16)));
    assert_eq!(put(&mut correlator, 15, "a", 3), []);
    // The one that has waited longest first.
    let ids: Vec<_> = correlator.handle_timeout(at(100)).collect();
    let due = [1, 3].map(|id| Correlated::TimedOut { id, packages: group(id, &["a"]) });
    assert_eq!((ids, correlator.poll_deadline()), (due.to_vec(), None));
}

#[test]
fn without_time_each_waits_for_the_next_call() {
    let mut correlator = Correlator::new(of(2), Duration::ZERO);
    assert_eq!(put(&mut correlator, 3, "a", 1), []);
    assert_eq!(correlator.poll_deadline(), Some(at(3)));
    assert_eq!(correlator.handle_timeout(at(3)).len(), 1);
}

#[test]
fn a_time_out_without_end_does_not_overflow() {
    let mut correlator = Correlator::new(of(2), Duration::MAX);
    assert_eq!(put(&mut correlator, u64::MAX, "a", 1), []);
    assert_eq!(put(&mut correlator, u64::MAX, "a", 2), []);
    assert_eq!(correlator.poll_deadline(), Some(Duration::MAX));
    assert_eq!(correlator.handle_timeout(at(u64::MAX)).len(), 0);
    let packages = group(1, &["a", "b"]);
    assert_eq!(put(&mut correlator, u64::MAX, "b", 1), [Correlated::Complete { id: 1, packages }]);
    let packages = group(2, &["a"]);
    assert_eq!(correlator.finish().collect::<Vec<_>>(), [Correlated::TimedOut { id: 2, packages }]);
}

#[test]
fn without_a_time_out_the_one_that_has_waited_longest_is_given_up() {
    let mut correlator = Correlator::new(of(2), Duration::MAX).with_limits(DEFAULT.with_max_groups(2));
    assert_eq!(put(&mut correlator, 0, "a", 9), []);
    assert_eq!(put(&mut correlator, 10, "a", 5), []);
    let packages = group(9, &["a"]);
    assert_eq!(put(&mut correlator, 20, "a", 7), [Correlated::Evicted { id: 9, packages }]);
}

#[test]
fn evicted_are_those_over_the_limit_of_ids() {
    let mut correlator = Correlator::new(of(9), at(5)).with_limits(DEFAULT.with_max_groups(2));
    for (seconds, id) in [(0, 5), (1, 4)] {
        assert_eq!(put(&mut correlator, seconds, "a", id), []);
    }
    // That it got more does not make it younger.
    assert_eq!(put(&mut correlator, 2, "b", 5), []);
    assert_eq!(put(&mut correlator, 3, "a", 6), [Correlated::Evicted { id: 5, packages: group(5, &["a", "b"]) }]);
    assert_eq!((correlator.waiting(), correlator.poll_deadline()), (2, Some(at(6))));
    // What comes for it now is late.
    assert_eq!(put(&mut correlator, 3, "c", 5), [Correlated::Late { topic: "c".into(), package: package(5, 0) }]);
}

#[test]
fn evicted_are_those_over_the_limit_of_bytes() {
    let size = package(1, 50).bytes().len() + 1;
    let limits = DEFAULT.with_max_bytes(3 * size);
    let mut correlator = Correlator::new(of(9), at(5)).with_limits(limits);
    for (seconds, id) in [(0, 3), (1, 2), (2, 1)] {
        assert_eq!(correlator.handle_package(at(seconds), "a", package(id, 50)).len(), 0);
    }
    assert_eq!(correlator.waiting_bytes(), 3 * size);
    // Two more of the youngest take the room of both others.
    let event = |id| Correlated::Evicted { id, packages: vec![("a".into(), package(id, 50))] };
    assert_eq!(correlator.handle_package(at(3), "b", package(1, 50)).collect::<Vec<_>>(), [event(3)]);
    assert_eq!(correlator.handle_package(at(3), "c", package(1, 50)).collect::<Vec<_>>(), [event(2)]);
    assert_eq!((correlator.waiting(), correlator.waiting_bytes()), (1, 3 * size));
    // And another one is more than its id may have, which costs nobody else.
    let events: Vec<_> = correlator.handle_package(at(3), "d", package(1, 50)).collect();
    assert_eq!(events, [Correlated::TooMany { topic: "d".into(), package: package(1, 50) }]);
    assert_eq!((correlator.waiting(), correlator.packages(1).len()), (1, 3));
    // Two go at once, if one is not enough.
    let mut correlator = Correlator::new(of(9), at(5)).with_limits(limits);
    for (seconds, id) in [(0, 3), (1, 2), (2, 1)] {
        assert_eq!(correlator.handle_package(at(seconds), "a", package(id, 50)).len(), 0);
    }
    let large = package(9, size + 40);
    assert!((size + 1..=2 * size).contains(&(large.bytes().len() + 1)), "as much as two at most");
    let events: Vec<_> = correlator.handle_package(at(3), "a", large).collect();
    assert_eq!(events, [event(3), event(2)]);
    assert!(correlator.waiting() == 2 && correlator.waiting_bytes() <= 3 * size);
}

#[test]
fn late_is_told_until_an_id_is_forgotten() {
    let mut correlator = Correlator::new(of(1), at(5)).with_limits(DEFAULT.with_max_told(2));
    let late = |id| [Correlated::Late { topic: "b".into(), package: package(id, 0) }];
    for id in [1, 2] {
        assert_eq!(put(&mut correlator, 0, "a", id).len(), 1);
    }
    assert_eq!(
        (put(&mut correlator, 0, "b", 1), put(&mut correlator, 0, "b", 2)),
        (late(1).to_vec(), late(2).to_vec())
    );
    // A third makes it forget the first; that it was late in between does not count.
    assert_eq!(put(&mut correlator, 0, "a", 3).len(), 1);
    let packages = group(1, &["b"]);
    assert_eq!(put(&mut correlator, 0, "b", 1), [Correlated::Complete { id: 1, packages }]);
    // With which the second is forgotten, and the third is not.
    assert_eq!(
        (put(&mut correlator, 0, "b", 3), put(&mut correlator, 0, "b", 1)),
        (late(3).to_vec(), late(1).to_vec())
    );
    let packages = group(2, &["b"]);
    assert_eq!(put(&mut correlator, 0, "b", 2), [Correlated::Complete { id: 2, packages }]);
}

#[test]
fn who_remembers_nothing_is_never_late() {
    let mut correlator = Correlator::new(of(1), at(5)).with_limits(DEFAULT.with_max_told(0));
    for _ in 0..3 {
        let packages = group(1, &["a"]);
        assert_eq!(put(&mut correlator, 0, "a", 1), [Correlated::Complete { id: 1, packages }]);
    }
}

#[test]
fn of_duplicates_the_first_stays() {
    let mut correlator = Correlator::new(of(2), at(5));
    assert_eq!(correlator.handle_package(at(0), "a", package(1, 3)).len(), 0);
    let again: Vec<_> = correlator.handle_package(at(1), "a", package(1, 4)).collect();
    assert_eq!(again, [Correlated::Duplicate { topic: "a".into(), package: package(1, 4) }]);
    // Topics are told apart by their characters.
    let done: Vec<_> = correlator.handle_package(at(1), "A", package(1, 5)).collect();
    let packages = vec![("a".into(), package(1, 3)), ("A".into(), package(1, 5))];
    assert_eq!(done, [Correlated::Complete { id: 1, packages }]);
}

/// Before it is asked whether there is room for it.
#[test]
fn a_duplicate_that_is_large_is_a_duplicate() {
    let mut correlator = Correlator::new(of(2), at(5)).with_limits(DEFAULT.with_max_bytes(140));
    let large = package(1, 60);
    assert_eq!((large.bytes().len(), correlator.handle_package(at(0), "a", large.clone()).len()), (120, 0));
    let again: Vec<_> = correlator.handle_package(at(1), "a", large.clone()).collect();
    assert_eq!(again, [Correlated::Duplicate { topic: "a".into(), package: large.clone() }]);
    // From another topic it is one too many.
    let other: Vec<_> = correlator.handle_package(at(1), "b", large.clone()).collect();
    assert_eq!(other, [Correlated::TooMany { topic: "b".into(), package: large.clone() }]);
    assert_eq!((correlator.waiting_bytes(), correlator.packages(1)), (121, &[("a".to_owned(), large)][..]));
}

#[test]
fn finish_gives_up_all_that_wait() {
    let mut correlator = Correlator::new(of(9), at(5));
    for (seconds, topic, id) in [(0, "a", 2), (1, "a", 1), (2, "bcd", 2)] {
        assert_eq!(put(&mut correlator, seconds, topic, id), []);
    }
    // Each is of its bytes and those of its topic.
    assert_eq!(correlator.waiting_bytes(), 3 * package(1, 0).bytes().len() + 1 + 1 + 3);
    assert_eq!(correlator.packages(2), group(2, &["a", "bcd"]));
    assert_eq!((correlator.packages(1), correlator.packages(3)), (&group(1, &["a"])[..], &[][..]));
    let events: Vec<_> = correlator.finish().collect();
    let due = [(2, group(2, &["a", "bcd"])), (1, group(1, &["a"]))];
    assert_eq!(events, due.map(|(id, packages)| Correlated::TimedOut { id, packages }));
    assert_eq!((correlator.waiting(), correlator.waiting_bytes(), correlator.poll_deadline()), (0, 0, None));
    assert_eq!((correlator.packages(2).len(), correlator.finish().len()), (0, 0));
    // It remembers what it told, and takes others.
    assert_eq!(put(&mut correlator, 3, "a", 1), [Correlated::Late { topic: "a".into(), package: package(1, 0) }]);
    assert_eq!((put(&mut correlator, 3, "a", 3), correlator.waiting()), (vec![], 1));
}

#[test]
fn too_many_are_those_over_the_limit_of_an_id() {
    for max in [0, 1] {
        // One is always taken.
        let mut correlator = Correlator::new(of(2), at(5)).with_limits(DEFAULT.with_max_packages(max));
        assert_eq!(put(&mut correlator, 0, "a", 1), []);
        assert_eq!(
            put(&mut correlator, 0, "b", 1),
            [Correlated::TooMany { topic: "b".into(), package: package(1, 0) }]
        );
        assert_eq!(
            put(&mut correlator, 0, "a", 1),
            [Correlated::Duplicate { topic: "a".into(), package: package(1, 0) }]
        );
        assert_eq!(correlator.packages(1).len(), 1);
    }
    let mut correlator = Correlator::new(of(3), at(5)).with_limits(DEFAULT.with_max_packages(3));
    assert_eq!(["a", "b", "c"].map(|topic| put(&mut correlator, 0, topic, 1).len()), [0, 0, 1]);
}

#[test]
fn limits_of_nothing_hold_nothing() {
    let mut correlator = Correlator::new(of(2), at(5)).with_limits(DEFAULT.with_max_groups(0));
    assert_eq!(put(&mut correlator, 0, "a", 1), [Correlated::Evicted { id: 1, packages: group(1, &["a"]) }]);
    assert_eq!(put(&mut correlator, 0, "b", 1), [Correlated::Late { topic: "b".into(), package: package(1, 0) }]);
    let mut correlator = Correlator::new(of(2), at(5)).with_limits(DEFAULT.with_max_bytes(0));
    assert_eq!(put(&mut correlator, 0, "a", 1), [Correlated::TooMany { topic: "a".into(), package: package(1, 0) }]);
    // It was never waited for, so another is not late.
    assert_eq!(put(&mut correlator, 0, "b", 1), [Correlated::TooMany { topic: "b".into(), package: package(1, 0) }]);
    assert_eq!((correlator.waiting(), correlator.waiting_bytes()), (0, 0));
}

/// What is not taken is gone, and not told with the next call.
#[test]
fn events_are_of_their_call() {
    let mut correlator = Correlator::new(of(1), at(5));
    drop(correlator.handle_package(at(0), "a", package(1, 0)));
    assert_eq!(put(&mut correlator, 0, "a", 2), [Correlated::Complete { id: 2, packages: group(2, &["a"]) }]);
    assert_eq!(correlator.handle_timeout(at(99)).len(), 0);
}

#[test]
fn the_defaults_are_as_they_are_told() {
    let CorrelatorLimits { max_groups, max_packages, max_bytes, max_told, .. } = CorrelatorLimits::default();
    assert_eq!((max_groups, max_packages, max_bytes, max_told), (1024, 64, 1 << 30, 4096));
    let mut correlator = Correlator::new(of(100), at(5));
    for topic in 0..64 {
        assert_eq!(put(&mut correlator, 0, &topic.to_string(), 1), []);
    }
    assert!(matches!(put(&mut correlator, 0, "64", 1)[..], [Correlated::TooMany { .. }]));
    assert_eq!(format!("{correlator:?}"), format!("Correlator(1 ids, {} bytes)", correlator.waiting_bytes()));
    fn is_sent<T: Send>(_: &T) {}
    is_sent(&correlator);
}

//! The same in a few lines, with a list that is searched from end to end.

use std::time::Duration;

use drift_proto::{Correlated, Correlator, CorrelatorLimits, Package};
use testkit::laws::{deterministic, idle};
use testkit::{Rng, rng};

use super::package;

type Packages = Vec<(String, Package)>;
type Rule = fn(i64, &[(String, Package)]) -> bool;

struct Model {
    rule: Rule,
    timeout: Duration,
    limits: CorrelatorLimits,
    /// Deadline, id and packages; the one that has waited longest first.
    waiting: Vec<(Duration, i64, Packages)>,
    told: Vec<i64>,
}

fn bytes_of(packages: &[(String, Package)]) -> usize {
    packages.iter().map(|(topic, package)| topic.len() + package.bytes().len()).sum()
}

impl Model {
    fn bytes(&self) -> usize {
        self.waiting.iter().map(|(_, _, packages)| bytes_of(packages)).sum()
    }

    fn tell(&mut self, index: usize) -> (i64, Packages) {
        let (_, id, packages) = self.waiting.remove(index);
        self.told.push(id);
        let forgotten = self.told.len().saturating_sub(self.limits.max_told);
        self.told.drain(..forgotten);
        (id, packages)
    }

    fn handle_package(&mut self, now: Duration, topic: &str, package: Package) -> Vec<Correlated> {
        let (id, topic) = (package.as_ref().id(), topic.to_owned());
        let held = self.waiting.iter().find(|(_, other, _)| *other == id).map_or(&[][..], |(_, _, packages)| packages);
        if self.told.contains(&id) {
            return vec![Correlated::Late { topic, package }];
        }
        if held.iter().any(|(other, _)| *other == topic) {
            return vec![Correlated::Duplicate { topic, package }];
        }
        let size = topic.len() + package.bytes().len();
        if bytes_of(held) + size > self.limits.max_bytes {
            return vec![Correlated::TooMany { topic, package }];
        }
        // Of an id the first is taken, whatever the limit.
        if !held.is_empty() && held.len() >= self.limits.max_packages {
            return vec![Correlated::TooMany { topic, package }];
        }
        if held.is_empty() {
            self.waiting.push((now.saturating_add(self.timeout), id, Vec::new()));
        }
        let index = self.waiting.iter().position(|(_, other, _)| *other == id).unwrap();
        self.waiting[index].2.push((topic, package));
        let mut events = Vec::new();
        if (self.rule)(id, &self.waiting[index].2) {
            let (id, packages) = self.tell(index);
            events.push(Correlated::Complete { id, packages });
        }
        while self.waiting.len() > self.limits.max_groups || self.bytes() > self.limits.max_bytes {
            let (id, packages) = self.tell(0);
            events.push(Correlated::Evicted { id, packages });
        }
        events
    }

    fn handle_timeout(&mut self, now: Duration) -> Vec<Correlated> {
        let mut events = Vec::new();
        while self.waiting.first().is_some_and(|(deadline, ..)| *deadline <= now) {
            let (id, packages) = self.tell(0);
            events.push(Correlated::TimedOut { id, packages });
        }
        events
    }
}

fn two(_: i64, packages: &[(String, Package)]) -> bool {
    packages.len() == 2
}

/// By topics, whatever their order; of even ids it is one.
fn topics(id: i64, packages: &[(String, Package)]) -> bool {
    let has = |topic: &str| packages.iter().any(|(other, _)| other == topic);
    has("trigger") && (id % 2 == 0 || has("drift/a") && has("drift/b"))
}

fn never(_: i64, _: &[(String, Package)]) -> bool {
    false
}

fn always(_: i64, _: &[(String, Package)]) -> bool {
    true
}

const DEFAULT: CorrelatorLimits = CorrelatorLimits::DEFAULT;

/// Time-out in milliseconds, limits, rule, and among how many ids is chosen.
fn configurations() -> Vec<(Duration, CorrelatorLimits, Rule, usize)> {
    let small = DEFAULT.with_max_groups(4).with_max_packages(3).with_max_told(5);
    let millis = Duration::from_millis;
    vec![
        (millis(50), DEFAULT, topics, 12),
        (millis(50), small, topics, 12),
        (millis(20), small.with_max_bytes(600), two, 40),
        (millis(200), small.with_max_bytes(300).with_max_groups(100), never, 30),
        (millis(30), DEFAULT.with_max_groups(1), topics, 4),
        (millis(30), DEFAULT.with_max_told(0), two, 3),
        (millis(30), DEFAULT.with_max_packages(0), topics, 6),
        (millis(30), DEFAULT.with_max_groups(0), topics, 9),
        (millis(30), DEFAULT.with_max_bytes(0), two, 9),
        (millis(0), small, topics, 12),
        (millis(30), small, always, 12),
        (Duration::from_secs(1 << 40), DEFAULT.with_max_groups(6), never, 1000),
    ]
}

const TOPICS: [&str; 5] = ["trigger", "drift/a", "drift/b", "", "drift/a/b"];

/// Which event it is, for counting that there were some of each.
const fn kind(event: &Correlated) -> usize {
    match event {
        Correlated::Complete { .. } => 0,
        Correlated::TimedOut { .. } => 1,
        Correlated::Evicted { .. } => 2,
        Correlated::Late { .. } => 3,
        Correlated::Duplicate { .. } => 4,
        Correlated::TooMany { .. } => 5,
        _ => panic!(),
    }
}

#[test]
fn any_operations_come_to_what_the_model_comes_to() {
    let mut rng = Rng::new(rng::seed());
    let mut met = [0; 6];
    let steps = if cfg!(miri) { 60 } else { 4000 };
    for (which, (timeout, limits, rule, ids)) in configurations().into_iter().enumerate() {
        let mut correlator = Correlator::new(rule, timeout).with_limits(limits);
        let mut model = Model { rule, timeout, limits, waiting: Vec::new(), told: Vec::new() };
        let mut now = Duration::ZERO;
        for step in 0..steps {
            // No two ids begin to wait at one moment, so that it is plain which has waited longest.
            now += Duration::from_nanos(1 + rng.below(3_000_000) as u64);
            let (found, due): (Vec<_>, Vec<_>) = match rng.below(16) {
                0..3 => (correlator.handle_timeout(now).collect(), model.handle_timeout(now)),
                // Late by more than others have waited.
                3 => {
                    now += timeout.min(Duration::from_millis(100));
                    (correlator.handle_timeout(now).collect(), model.handle_timeout(now))
                }
                4 if rng.below(40) == 0 => (correlator.finish().collect(), model.handle_timeout(Duration::MAX)),
                5 => {
                    let due = correlator.poll_deadline().unwrap_or_default();
                    now = now.max(due.min(now + Duration::from_secs(1)));
                    (correlator.handle_timeout(now).collect(), model.handle_timeout(now))
                }
                _ => {
                    let (id, topic) = (rng.below(ids) as i64 - ids as i64 / 2, *rng.choose(&TOPICS));
                    let package = package(id, rng.below(80));
                    let events = correlator.handle_package(now, topic, package.clone());
                    assert_eq!(events.size_hint(), (events.len(), Some(events.len())));
                    (events.collect(), model.handle_package(now, topic, package))
                }
            };
            found.iter().for_each(|event| met[kind(event)] += 1);
            assert_eq!(found, due, "step {step} of {which}");
            assert_eq!(correlator.waiting(), model.waiting.len(), "step {step} of {which}");
            assert_eq!(correlator.waiting_bytes(), model.bytes(), "step {step} of {which}");
            assert_eq!(correlator.poll_deadline(), model.waiting.first().map(|(deadline, ..)| *deadline));
            let id = rng.below(ids) as i64 - ids as i64 / 2;
            let held =
                model.waiting.iter().find(|(_, other, _)| *other == id).map_or(&[][..], |(_, _, packages)| packages);
            assert_eq!(correlator.packages(id), held);
            assert!(correlator.waiting() <= limits.max_groups && correlator.waiting_bytes() <= limits.max_bytes);
        }
    }
    assert!(cfg!(miri) || met.iter().all(|count| *count > 200), "{met:?}");
}

type Step = (u64, &'static str, i64, usize);

/// Milliseconds, topic, id, and size.
fn script() -> Vec<Step> {
    let mut rng = Rng::new(rng::seed());
    (0..60).map(|step| (step * 7, *rng.choose(&TOPICS), rng.below(6) as i64, rng.below(80))).collect()
}

fn machine() -> Correlator<Rule> {
    let limits = DEFAULT.with_max_groups(3).with_max_packages(2).with_max_told(2).with_max_bytes(400);
    Correlator::new(topics as Rule, Duration::from_millis(40)).with_limits(limits)
}

fn step(correlator: &mut Correlator<Rule>, (millis, topic, id, size): &Step) -> Vec<String> {
    let now = Duration::from_millis(*millis);
    let mut events: Vec<_> = correlator.handle_timeout(now).map(|event| format!("{event:?}")).collect();
    events.extend(correlator.handle_package(now, topic, package(*id, *size)).map(|event| format!("{event:?}")));
    events.push(format!("{correlator:?} {:?}", correlator.poll_deadline()));
    events
}

#[test]
fn law_7_calls_that_nobody_needed_change_nothing() {
    idle(&script(), machine, step, |correlator, (millis, ..)| {
        let now = Duration::from_millis(*millis);
        // One nanosecond is missing, or all time is.
        let early = correlator.poll_deadline().map_or(now, |deadline| deadline - Duration::from_nanos(1));
        let mut events: Vec<_> = correlator.handle_timeout(early).map(|event| format!("{event:?}")).collect();
        events.extend(correlator.handle_timeout(Duration::ZERO).map(|event| format!("{event:?}")));
        let _ = (correlator.waiting(), correlator.packages(1).len());
        events
    });
}

#[test]
fn law_8_the_same_calls_bring_the_same_events() {
    deterministic(|| {
        let mut correlator = machine();
        script().iter().flat_map(|of| step(&mut correlator, of)).collect::<Vec<_>>()
    });
}

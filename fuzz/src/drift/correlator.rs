use std::time::Duration;

use drift_proto::{Correlated, Correlator, CorrelatorLimits, Package, PackageBuilder};

use super::Script;

const TOPICS: [&str; 5] = ["trigger", "drift/sensor", "drift/camera", "", "drift/räume"];

/// With their topics.
type Packages = Vec<(String, Package)>;

/// What it does, with lists that are gone through.
struct Model {
    limits: CorrelatorLimits,
    timeout: Duration,
    rule: u8,
    /// Ids with their deadlines, in the order in which they came.
    groups: Vec<(i64, Duration, Packages)>,
    told: Vec<i64>,
}

/// Of several rules.
fn is_complete(rule: u8, id: i64, packages: &[(String, Package)]) -> bool {
    match rule & 3 {
        0 => packages.len() == 2,
        1 => packages.iter().any(|(topic, _)| topic == TOPICS[1]),
        2 => false,
        _ => id % 2 == 0 || packages.len() > 3,
    }
}

fn size(packages: &[(String, Package)]) -> usize {
    packages.iter().map(|(topic, package)| topic.len() + package.bytes().len()).sum()
}

impl Model {
    fn waiting_bytes(&self) -> usize {
        self.groups.iter().map(|(_, _, packages)| size(packages)).sum()
    }

    /// The one that has waited longest: with the first deadline, and of those of one time the first.
    fn oldest(&self) -> Option<(Duration, i64)> {
        self.groups.iter().map(|(id, deadline, _)| (*deadline, *id)).min_by_key(|(deadline, _)| *deadline)
    }

    fn take(&mut self, id: i64) -> Packages {
        let at = self.groups.iter().position(|(other, ..)| *other == id).expect("it waits");
        self.told.push(id);
        if self.told.len() > self.limits.max_told {
            self.told.remove(0);
        }
        self.groups.remove(at).2
    }

    fn package(&mut self, now: Duration, topic: &str, package: Package) -> Vec<Correlated> {
        let id = package.as_ref().id();
        let topic = topic.to_owned();
        if self.told.contains(&id) {
            return vec![Correlated::Late { topic, package }];
        }
        let group = self.groups.iter().find(|(other, ..)| *other == id);
        if group.is_some_and(|(.., packages)| packages.iter().any(|(other, _)| *other == topic)) {
            return vec![Correlated::Duplicate { topic, package }];
        }
        // What is more than all may be would evict what it belongs to.
        let held = group.map_or(0, |(.., packages)| size(packages));
        if held + topic.len() + package.bytes().len() > self.limits.max_bytes {
            return vec![Correlated::TooMany { topic, package }];
        }
        if !self.groups.iter().any(|(other, ..)| *other == id) {
            self.groups.push((id, now.saturating_add(self.timeout), Vec::new()));
        }
        let (_, _, packages) = self.groups.iter_mut().find(|(other, ..)| *other == id).expect("it was put there");
        if !packages.is_empty() && packages.len() >= self.limits.max_packages {
            return vec![Correlated::TooMany { topic, package }];
        }
        packages.push((topic, package));
        let mut events = Vec::new();
        if is_complete(self.rule, id, packages) {
            let packages = self.take(id);
            events.push(Correlated::Complete { id, packages });
        }
        while self.groups.len() > self.limits.max_groups || self.waiting_bytes() > self.limits.max_bytes {
            let (_, id) = self.oldest().expect("some wait");
            let packages = self.take(id);
            events.push(Correlated::Evicted { id, packages });
        }
        events
    }

    fn timeout(&mut self, now: Duration) -> Vec<Correlated> {
        let mut events = Vec::new();
        while let Some((_, id)) = self.oldest().filter(|(deadline, _)| *deadline <= now) {
            let packages = self.take(id);
            events.push(Correlated::TimedOut { id, packages });
        }
        events
    }
}

/// A correlator does what lists do that are gone through.
pub fn correlator(data: &[u8]) {
    let [settings, rule, script @ ..] = data else { return };
    let limits = CorrelatorLimits::DEFAULT
        .with_max_groups([1024, 0, 1, 3][usize::from(settings & 3)])
        .with_max_packages([64, 0, 1, 2][usize::from(settings >> 2 & 3)])
        .with_max_bytes([1 << 30, 0, 40, 100][usize::from(settings >> 4 & 3)])
        .with_max_told([4096, 0, 1, 4][usize::from(settings >> 6)]);
    let timeout =
        [Duration::from_secs(5), Duration::ZERO, Duration::MAX, Duration::from_nanos(1)][usize::from(rule >> 2 & 3)];
    let rule = *rule;
    let mut correlator =
        Correlator::new(move |id, packages: &[_]| is_complete(rule, id, packages), timeout).with_limits(limits);
    let mut model = Model { limits, timeout, rule, groups: Vec::new(), told: Vec::new() };
    let mut script = Script(script);
    let mut now = Duration::ZERO;
    while !script.0.is_empty() {
        let choice = script.byte();
        match choice {
            // Forward, back, and to what is due.
            0..40 => now = now.saturating_add(Duration::from_millis(u64::from(choice) * 200)),
            40..45 => now = now.saturating_sub(Duration::from_secs(u64::from(choice - 40))),
            45..55 => now = correlator.poll_deadline().unwrap_or(now),
            55 => now = Duration::MAX,
            56..70 => {
                let due = model.timeout(now);
                let events = correlator.handle_timeout(now);
                assert_eq!(events.len(), due.len());
                assert_eq!(events.collect::<Vec<_>>(), due);
                assert!(correlator.poll_deadline().is_none_or(|deadline| deadline > now));
            }
            70 => {
                let due = model.timeout(Duration::MAX);
                assert_eq!(correlator.finish().collect::<Vec<_>>(), due);
                assert_eq!((correlator.waiting(), correlator.waiting_bytes()), (0, 0));
            }
            _ => {
                let id = [1, 2, 3, 4, 5, -1, i64::MIN, i64::MAX][usize::from(choice & 7)];
                let topic = script.pick(&TOPICS);
                let mut package = PackageBuilder::new(id);
                package.payload(script.bytes());
                let package = package.build().expect("it is short");
                let due = model.package(now, topic, package.clone());
                let events = correlator.handle_package(now, topic, package);
                assert_eq!(events.len(), due.len());
                // Events that are not taken are gone.
                let taken = if choice < 80 { 0 } else { due.len() };
                assert_eq!(events.take(taken).collect::<Vec<_>>(), due[..taken]);
            }
        }
        assert_eq!(correlator.waiting(), model.groups.len());
        assert_eq!(correlator.waiting_bytes(), model.waiting_bytes());
        assert_eq!(correlator.poll_deadline(), model.oldest().map(|(deadline, _)| deadline));
        for id in [1, 2, 3, 4, 5, -1, i64::MIN, i64::MAX] {
            let due = model.groups.iter().find(|(other, ..)| *other == id).map_or(&[][..], |(.., packages)| packages);
            assert_eq!(correlator.packages(id), due);
        }
        assert!(correlator.waiting() <= limits.max_groups && correlator.waiting_bytes() <= limits.max_bytes);
    }
}

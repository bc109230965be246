use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// Joins packages of several topics that have the same id: a trigger and what services sent for it.
///
/// What is complete is said by a rule, how long to wait by a time-out, and how much is held by limits; a package is whatever the caller
/// holds. Nothing is lost in silence: what comes twice, too late or over a limit is told.
///
/// ```
/// use core::time::Duration;
/// use drift_proto::{Correlated, Correlator};
///
/// let mut correlator = Correlator::new(|group: &[(String, &str)]| group.len() == 2, Duration::from_secs(5));
/// correlator.handle_package(Duration::ZERO, "trigger", 7, "when");
/// correlator.handle_package(Duration::ZERO, "drift/sensor", 7, "what");
/// let Some(Correlated::Complete { id: 7, packages }) = correlator.poll_event() else { panic!() };
/// assert_eq!(packages[1], ("drift/sensor".into(), "what"));
/// ```
pub struct Correlator<P, R> {
    rule: R,
    timeout: Duration,
    limits: CorrelatorLimits,
    groups: BTreeMap<i64, Group<P>>,
    /// When groups are given up, by that and their id.
    deadlines: BTreeSet<(Duration, i64)>,
    /// Ids that were told, the oldest first, and the same to be found.
    told: VecDeque<i64>,
    known: BTreeSet<i64>,
    events: VecDeque<Correlated<P>>,
}

struct Group<P> {
    deadline: Duration,
    packages: Vec<(String, P)>,
}

/// What a [`Correlator`] may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CorrelatorLimits {
    /// Most ids that are waited for; 1024. With one more the oldest id is given up.
    pub max_groups: usize,
    /// Most packages of an id; 64.
    pub max_packages: usize,
    /// Most ids that are remembered to tell what is late; 4096.
    pub max_told: usize,
}

impl CorrelatorLimits {
    /// The defaults.
    pub const DEFAULT: Self = Self { max_groups: 1024, max_packages: 64, max_told: 4096 };

    /// Most ids that are waited for.
    #[must_use]
    pub const fn with_max_groups(mut self, max_groups: usize) -> Self {
        self.max_groups = max_groups;
        self
    }

    /// Most packages of an id.
    #[must_use]
    pub const fn with_max_packages(mut self, max_packages: usize) -> Self {
        self.max_packages = max_packages;
        self
    }

    /// Most ids that are remembered.
    #[must_use]
    pub const fn with_max_told(mut self, max_told: usize) -> Self {
        self.max_told = max_told;
        self
    }
}

impl Default for CorrelatorLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What came of packages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Correlated<P> {
    /// All that the rule asks for.
    Complete {
        /// Their id.
        id: i64,
        /// Their topics and they, in the order they came in.
        packages: Vec<(String, P)>,
    },
    /// The time is up, and these came.
    TimedOut {
        /// Their id.
        id: i64,
        /// Their topics and they.
        packages: Vec<(String, P)>,
    },
    /// More ids were waited for than allowed, and this was the one with the least time left.
    Evicted {
        /// Their id.
        id: i64,
        /// Their topics and they.
        packages: Vec<(String, P)>,
    },
    /// A package whose id was told before.
    Late(String, i64, P),
    /// A package of a topic that sent one with this id before.
    Duplicate(String, i64, P),
    /// A package that is one too many for its id.
    TooMany(String, i64, P),
}

impl<P, R: FnMut(&[(String, P)]) -> bool> Correlator<P, R> {
    /// With a rule that says of the topics and packages of an id whether they are all, and how long to wait for the rest after the first.
    pub fn new(rule: R, timeout: Duration) -> Self {
        Self {
            rule,
            timeout,
            limits: CorrelatorLimits::DEFAULT,
            groups: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            told: VecDeque::new(),
            known: BTreeSet::new(),
            events: VecDeque::new(),
        }
    }

    /// Under limits of the caller's.
    #[must_use]
    pub fn with_limits(mut self, limits: CorrelatorLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Takes a package.
    pub fn handle_package(&mut self, now: Duration, topic: &str, id: i64, package: P) {
        if self.known.contains(&id) {
            return self.events.push_back(Correlated::Late(topic.into(), id, package));
        }
        let deadline = now.saturating_add(self.timeout);
        let deadlines = &mut self.deadlines;
        let group = self.groups.entry(id).or_insert_with(|| {
            deadlines.insert((deadline, id));
            Group { deadline, packages: Vec::new() }
        });
        if group.packages.iter().any(|(other, _)| other == topic) {
            return self.events.push_back(Correlated::Duplicate(topic.into(), id, package));
        }
        if group.packages.len() >= self.limits.max_packages {
            return self.events.push_back(Correlated::TooMany(topic.into(), id, package));
        }
        group.packages.push((topic.into(), package));
        if (self.rule)(&group.packages) {
            self.tell(id, |id, packages| Correlated::Complete { id, packages });
        } else if self.groups.len() > self.limits.max_groups {
            if let Some(&(_, id)) = self.deadlines.first() {
                self.tell(id, |id, packages| Correlated::Evicted { id, packages });
            }
        }
    }

    /// Gives up ids whose time is up.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(&(_, id)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now) {
            self.tell(id, |id, packages| Correlated::TimedOut { id, packages });
        }
    }

    fn tell(&mut self, id: i64, event: fn(i64, Vec<(String, P)>) -> Correlated<P>) {
        let Some(group) = self.groups.remove(&id) else { return };
        self.deadlines.remove(&(group.deadline, id));
        self.events.push_back(event(id, group.packages));
        self.told.push_back(id);
        self.known.insert(id);
        if self.told.len() > self.limits.max_told {
            self.told.pop_front().map(|oldest| self.known.remove(&oldest));
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// What came of packages, the oldest first. Events wait here until they are taken.
    pub fn poll_event(&mut self) -> Option<Correlated<P>> {
        self.events.pop_front()
    }

    /// How many ids are waited for.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.groups.len()
    }
}

impl<P, R> fmt::Debug for Correlator<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Correlator({} ids, {} events)", self.groups.len(), self.events.len())
    }
}

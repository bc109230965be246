use alloc::collections::vec_deque::Drain;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::owned::Package;

/// Joins packages of several topics that have the same id: a trigger and what services sent for it.
///
/// A rule says when all of an id are there, a time-out how long to wait for them, and limits how much is held. No package is lost in
/// silence: what comes twice, too late or over a limit is told.
///
/// ```
/// use core::time::Duration;
/// use drift_proto::{Correlated, Correlator, PackageBuilder};
///
/// let mut correlator = Correlator::new(|_id, packages| packages.len() == 2, Duration::from_secs(5));
/// let (trigger, answer) = (PackageBuilder::new(7).build()?, PackageBuilder::new(7).build()?);
/// assert_eq!(correlator.handle_package(Duration::ZERO, "trigger", trigger).next(), None);
/// let event = correlator.handle_package(Duration::ZERO, "drift/sensor", answer).next();
/// let Some(Correlated::Complete { id: 7, packages }) = event else { panic!() };
/// assert_eq!(packages[1].0, "drift/sensor");
/// # Ok::<(), drift_proto::EncodeError>(())
/// ```
pub struct Correlator<R> {
    rule: R,
    timeout: Duration,
    limits: CorrelatorLimits,
    groups: BTreeMap<i64, Group>,
    /// When groups are given up: by that, by which came first, and their id.
    deadlines: BTreeSet<(Duration, u64, i64)>,
    /// Groups that there were.
    count: u64,
    /// Of all groups.
    bytes: usize,
    /// Ids that were told, the oldest first, and the same to be found.
    told: VecDeque<i64>,
    known: BTreeSet<i64>,
    /// Empty between calls.
    events: VecDeque<Correlated>,
}

/// Packages of an id, and their topics.
struct Group {
    deadline: Duration,
    number: u64,
    packages: Vec<(String, Package)>,
    bytes: usize,
}

/// What a [`Correlator`] may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CorrelatorLimits {
    /// Most ids that are waited for; 1024. With one more, the id that has waited longest is given up; with 0 every id is at once.
    pub max_groups: usize,
    /// Most packages of an id; 64. The first is always taken.
    pub max_packages: usize,
    /// Most bytes of all packages that wait, with their topics; 1 GiB. With more, ids are given up as above, and what alone is more for its id
    /// is one too many. A [`Package`] that is a slice of more bytes keeps all of them in memory, and counts with its own.
    pub max_bytes: usize,
    /// Most ids that are remembered to tell what is late; 4096.
    pub max_told: usize,
}

impl CorrelatorLimits {
    /// The defaults.
    pub const DEFAULT: Self = Self { max_groups: 1024, max_packages: 64, max_bytes: 1 << 30, max_told: 4096 };

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

    /// Most bytes of all packages that wait.
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
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

/// What came of packages. Those of an id are with their topics, in the order they came in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Correlated {
    /// All that the rule asks for.
    Complete {
        /// Their id.
        id: i64,
        /// They.
        packages: Vec<(String, Package)>,
    },
    /// The time is up, or it is over by [`finish`](Correlator::finish), and these came.
    TimedOut {
        /// Their id.
        id: i64,
        /// They.
        packages: Vec<(String, Package)>,
    },
    /// More was waited for than allowed, and this id had waited longest.
    Evicted {
        /// Their id.
        id: i64,
        /// They.
        packages: Vec<(String, Package)>,
    },
    /// A package whose id was told before, as complete or not: too late, or delivered once more.
    Late {
        /// Where it came from.
        topic: String,
        /// It.
        package: Package,
    },
    /// A package of a topic that sent one with this id before, and the id still waits. The first stays, whatever its status.
    Duplicate {
        /// Where it came from.
        topic: String,
        /// It.
        package: Package,
    },
    /// A package that is one too many for its id, or too large.
    TooMany {
        /// Where it came from.
        topic: String,
        /// It.
        package: Package,
    },
}

impl Correlated {
    /// The id it is about.
    #[must_use]
    pub fn id(&self) -> i64 {
        match self {
            Self::Complete { id, .. } | Self::TimedOut { id, .. } | Self::Evicted { id, .. } => *id,
            Self::Late { package, .. } | Self::Duplicate { package, .. } | Self::TooMany { package, .. } => {
                package.id()
            }
        }
    }
}

impl<R: FnMut(i64, &[(String, Package)]) -> bool> Correlator<R> {
    /// With a rule that says of an id and its packages so far whether they are all, and how long to wait for the rest after the first.
    pub const fn new(rule: R, timeout: Duration) -> Self {
        Self {
            rule,
            timeout,
            limits: CorrelatorLimits::DEFAULT,
            groups: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            count: 0,
            bytes: 0,
            told: VecDeque::new(),
            known: BTreeSet::new(),
            events: VecDeque::new(),
        }
    }

    /// Under limits of the caller's.
    #[must_use]
    pub const fn with_limits(mut self, limits: CorrelatorLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Takes a package, and tells what came of it: mostly nothing or one event. Events that are not taken are gone. Nothing is given up here
    /// because its time is up: call [`handle_timeout`](Self::handle_timeout) as well, also where packages come all the time.
    pub fn handle_package(&mut self, now: Duration, topic: &str, package: Package) -> Events<'_> {
        let id = package.as_ref().id();
        if let Some(event) = self.add(now, id, topic, package) {
            self.events.push_back(event);
        } else if self.groups.get(&id).is_some_and(|group| (self.rule)(id, &group.packages)) {
            self.give_up(id, |id, packages| Correlated::Complete { id, packages });
        }
        while self.groups.len() > self.limits.max_groups || self.bytes > self.limits.max_bytes {
            let Some(&(_, _, id)) = self.deadlines.first() else { break };
            self.give_up(id, |id, packages| Correlated::Evicted { id, packages });
        }
        Events(self.events.drain(..))
    }

    /// Puts a package to those of its id, or tells why not.
    fn add(&mut self, now: Duration, id: i64, topic: &str, package: Package) -> Option<Correlated> {
        if self.known.contains(&id) {
            return Some(Correlated::Late { topic: topic.into(), package });
        }
        let bytes = package.bytes().len().saturating_add(topic.len());
        let group = self.groups.get(&id);
        if group.is_some_and(|group| group.packages.iter().any(|(other, _)| other == topic)) {
            return Some(Correlated::Duplicate { topic: topic.into(), package });
        }
        let (held, count) = group.map_or((0, 0), |group| (group.bytes, group.packages.len()));
        // The first is always taken.
        let is_one_too_many = count >= self.limits.max_packages.max(1);
        if is_one_too_many || held.saturating_add(bytes) > self.limits.max_bytes {
            return Some(Correlated::TooMany { topic: topic.into(), package });
        }
        let deadline = now.saturating_add(self.timeout);
        let group = self.groups.entry(id).or_insert_with(|| {
            self.count = self.count.wrapping_add(1);
            self.deadlines.insert((deadline, self.count, id));
            Group { deadline, number: self.count, packages: Vec::new(), bytes: 0 }
        });
        group.bytes = group.bytes.saturating_add(bytes);
        self.bytes = self.bytes.saturating_add(bytes);
        group.packages.push((topic.into(), package));
        None
    }

    /// Gives up ids whose time is up, which until then still take packages: the one that has waited longest first. Events that are not taken are gone.
    pub fn handle_timeout(&mut self, now: Duration) -> Events<'_> {
        while let Some(&(_, _, id)) = self.deadlines.first().filter(|(deadline, ..)| *deadline <= now) {
            self.give_up(id, |id, packages| Correlated::TimedOut { id, packages });
        }
        Events(self.events.drain(..))
    }

    /// Gives up all ids that wait, whatever their time: before a caller goes.
    pub fn finish(&mut self) -> Events<'_> {
        self.handle_timeout(Duration::MAX)
    }

    fn give_up(&mut self, id: i64, event: fn(i64, Vec<(String, Package)>) -> Correlated) {
        let Some(group) = self.groups.remove(&id) else { return };
        self.deadlines.remove(&(group.deadline, group.number, id));
        self.bytes = self.bytes.saturating_sub(group.bytes);
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
        self.deadlines.first().map(|(deadline, ..)| *deadline)
    }

    /// The packages of an id that is waited for, so far.
    #[must_use]
    pub fn packages(&self, id: i64) -> &[(String, Package)] {
        self.groups.get(&id).map_or(&[], |group| &group.packages)
    }

    /// How many ids are waited for.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.groups.len()
    }

    /// Bytes of all packages that wait, with their topics.
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.bytes
    }
}

impl<R> fmt::Debug for Correlator<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Correlator({} ids, {} bytes)", self.groups.len(), self.bytes)
    }
}

/// Iterator over what came of a call of a [`Correlator`].
#[derive(Debug)]
#[must_use = "packages are in the events, and are gone with them"]
pub struct Events<'c>(Drain<'c, Correlated>);

impl Iterator for Events<'_> {
    type Item = Correlated;

    fn next(&mut self) -> Option<Correlated> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Events<'_> {}

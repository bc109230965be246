//! The loop around a consumer: one of a group, which shares the partitions with others, or one by itself.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use atlas_stream::TypeMap;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::Failure;
use crate::board::Told;
use crate::documents::Documents;
use crate::kafka::Kafka;
use crate::reading::Partition;

/// How often offsets are committed, and clocks looked at.
const COMMIT: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(100);

/// Readers in this process that share partitions, among themselves and with others.
pub(crate) struct Group {
    pub(crate) name: String,
    /// How many are in this process.
    readers: usize,
    /// They are not needed any more.
    pub(crate) done: AtomicBool,
    /// How many of them have partitions.
    active: AtomicUsize,
    /// How many of them have committed for the last time.
    committed: AtomicUsize,
    /// Up to where partitions came that were another's before.
    came: Came,
}

/// Offsets by partitions, shared by readers.
pub(crate) type Came = Arc<Mutex<BTreeMap<i32, i64>>>;

impl Group {
    pub(crate) fn new(name: String, readers: u32) -> Self {
        Self {
            name,
            readers: usize::try_from(readers).unwrap_or(usize::MAX),
            done: AtomicBool::new(false),
            active: AtomicUsize::new(0),
            committed: AtomicUsize::new(0),
            came: Came::default(),
        }
    }

    pub(crate) fn came(&self) -> Came {
        Arc::clone(&self.came)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    /// Whether all readers here have partitions, if there are enough.
    pub(crate) fn is_ready(&self, partitions: u32) -> bool {
        let due = self.readers.min(usize::try_from(partitions).unwrap_or(usize::MAX));
        self.active.load(Ordering::Relaxed) >= due
    }

    /// With the first that leaves begins a rebalance, in which nobody may commit: let others do so before.
    fn wait_for_others(&self) {
        self.committed.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        while self.committed.load(Ordering::Relaxed) < self.readers && start.elapsed() < COMMIT {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The partitions of one reader.
pub(crate) struct Partitions {
    types: TypeMap,
    documents: Arc<Documents>,
    stale: Duration,
    start: Instant,
    partitions: BTreeMap<i32, Partition>,
    tell: Box<dyn FnMut(Told) + Send>,
    /// What was committed last.
    committed: BTreeMap<i32, i64>,
    /// Offsets are committed after what they stand for has come out, and not if the group has another opinion: what came may come again.
    came: Came,
    foreign: u64,
}

impl Partitions {
    pub(crate) fn new(
        types: TypeMap,
        documents: Arc<Documents>,
        came: Came,
        tell: impl FnMut(Told) + Send + 'static,
    ) -> Self {
        Self {
            types,
            documents,
            stale: Duration::from_secs(30),
            start: Instant::now(),
            partitions: BTreeMap::new(),
            tell: Box::new(tell),
            committed: BTreeMap::new(),
            came,
            foreign: 0,
        }
    }

    /// After how much silence a stream is told to be stale.
    pub(crate) fn with_stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    pub(crate) fn handle(&mut self, record: &BorrowedMessage<'_>) {
        let number = record.partition();
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner).get(&number).copied();
        if came.is_some_and(|came| record.offset() < came) {
            return;
        }
        let partition = self.partitions.entry(number);
        let partition = partition.or_insert_with(|| {
            let documents = Arc::clone(&self.documents);
            Partition::new(number, self.types.clone(), documents, self.stale)
        });
        // No key is none of this protocol's, as is an empty one; no value is an empty one.
        let (key, value) = (record.key().unwrap_or_default(), record.payload().unwrap_or_default());
        partition.handle(self.start.elapsed(), record.offset(), key, value, &mut *self.tell);
    }

    pub(crate) fn handle_timeout(&mut self) {
        for partition in self.partitions.values_mut() {
            partition.handle_timeout(self.start.elapsed(), &mut *self.tell);
        }
    }

    /// All that these have held back comes out: they are another reader's from now on. Where that one goes on.
    fn finish(&mut self, numbers: &[i32]) -> Vec<(i32, i64)> {
        let mut positions = Vec::new();
        for number in numbers {
            self.committed.remove(number);
            let Some(mut partition) = self.partitions.remove(number) else { continue };
            partition.finish(&mut *self.tell);
            self.came.lock().unwrap_or_else(PoisonError::into_inner).insert(*number, partition.position());
            self.foreign = self.foreign.saturating_add(partition.foreign_records());
            positions.push((*number, partition.position()));
        }
        positions
    }

    pub(crate) fn finish_all(&mut self) -> Vec<(i32, i64)> {
        let numbers: Vec<_> = self.partitions.keys().copied().collect();
        self.finish(&numbers)
    }

    /// How many records of others there were, in the partitions that are finished.
    pub(crate) const fn foreign_records(&self) -> u64 {
        self.foreign
    }

    /// What can be committed, and was not: nothing beyond a record that waits, or of which a barrier holds something.
    fn progress(&mut self) -> Vec<(i32, i64)> {
        let Self { partitions, committed, .. } = self;
        let positions = partitions.iter().map(|(number, partition)| (*number, partition.position()));
        positions.filter(|(number, position)| committed.insert(*number, *position) != Some(*position)).collect()
    }

    fn say(&mut self, line: String) {
        (self.tell)(Told::Line(line));
    }
}

/// What librdkafka calls back, from within `poll`.
struct Context {
    topic: String,
    group: Arc<Group>,
    partitions: Arc<Mutex<Partitions>>,
}

impl Context {
    fn partitions(&self) -> MutexGuard<'_, Partitions> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Context {}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let numbers = |list: &TopicPartitionList| list.elements().iter().map(|one| one.partition()).collect::<Vec<_>>();
        match rebalance {
            Rebalance::Assign(list) => {
                self.partitions().say(format!("has partitions {:?} now", numbers(list)));
                self.group.active.fetch_add(usize::from(list.count() > 0), Ordering::Relaxed);
            }
            Rebalance::Revoke(list) => {
                self.group.active.fetch_sub(usize::from(list.count() > 0), Ordering::Relaxed);
                let positions = self.partitions().finish(&numbers(list));
                // Who was taken for dead may not commit any more, and what came is read again by another.
                if !consumer.assignment_lost() {
                    let outcome = commit(consumer, &self.topic, &positions, CommitMode::Sync);
                    self.commit_callback(outcome, &TopicPartitionList::new());
                }
            }
            Rebalance::Error(error) => self.partitions().say(format!("group: {error}")),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            let mut partitions = self.partitions();
            partitions.say(format!("offsets are not committed: {error}"));
            // They are tried again.
            partitions.committed.clear();
        }
    }
}

fn commit<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    positions: &[(i32, i64)],
    mode: CommitMode,
) -> KafkaResult<()> {
    if positions.is_empty() {
        return Ok(());
    }
    let mut list = TopicPartitionList::new();
    for (partition, position) in positions {
        list.add_partition_offset(topic, *partition, Offset::Offset(*position))?;
    }
    consumer.commit(&list, mode)
}

/// Reads what partitions the group gives it, until that is done. How many records of somebody else there were.
pub(crate) fn read_shared(kafka: &Kafka, group: &Arc<Group>, partitions: Partitions) -> Result<u64, Failure> {
    let failed = |error| Failure::Kafka("consumer", error);
    let context =
        Context { topic: kafka.topic.clone(), group: Arc::clone(group), partitions: Arc::new(Mutex::new(partitions)) };
    let partitions = Arc::clone(&context.partitions);
    let consumer: BaseConsumer<Context> = kafka.consumer(&group.name).create_with_context(context).map_err(failed)?;
    consumer.subscribe(&[&kafka.topic]).map_err(failed)?;
    let lock = || partitions.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut troubles, mut last) = (Troubles::default(), Instant::now());
    while !group.is_done() {
        // Not locked meanwhile: what is called back does.
        let polled = consumer.poll(POLL);
        let mut partitions = lock();
        match polled {
            Some(Ok(record)) => partitions.handle(&record),
            Some(Err(error)) => troubles.take(error, &mut |line| partitions.say(line))?,
            None => {}
        }
        partitions.handle_timeout();
        if last.elapsed() >= COMMIT {
            last = Instant::now();
            let positions = partitions.progress();
            drop(partitions);
            let outcome = commit(&consumer, &kafka.topic, &positions, CommitMode::Async);
            consumer.context().commit_callback(outcome, &TopicPartitionList::new());
        }
    }
    let positions = lock().finish_all();
    let outcome = commit(&consumer, &kafka.topic, &positions, CommitMode::Sync);
    consumer.context().commit_callback(outcome, &TopicPartitionList::new());
    group.wait_for_others();
    // It leaves the group here, and another has its partitions at once.
    drop(consumer);
    let foreign = lock().foreign_records();
    Ok(foreign)
}

/// Reads one partition from an offset on, until a group is done, which does not know of it.
pub(crate) fn read_alone(
    kafka: &Kafka,
    group: &Group,
    from: (i32, i64),
    mut partitions: Partitions,
) -> Result<u64, Failure> {
    let consumer = kafka.assigned(&format!("{}-late", group.name), [from])?;
    let mut troubles = Troubles::default();
    while !group.is_done() {
        match consumer.poll(POLL) {
            Some(Ok(record)) => partitions.handle(&record),
            Some(Err(error)) => troubles.take(error, &mut |line| partitions.say(line))?,
            None => {}
        }
        partitions.handle_timeout();
    }
    partitions.finish_all();
    Ok(partitions.foreign_records())
}

/// What goes wrong with brokers, mostly by itself right again.
#[derive(Default)]
pub(crate) struct Troubles(Option<RDKafkaErrorCode>);

impl Troubles {
    /// Tells it, but not the same again and again.
    pub(crate) fn take(&mut self, error: KafkaError, say: &mut dyn FnMut(String)) -> Result<(), Failure> {
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Err(Failure::Kafka("consumer", error));
        }
        let code = error.rdkafka_error_code();
        if code.is_none() || self.0 != code {
            say(format!("brokers: {error}"));
        }
        self.0 = code;
        Ok(())
    }
}

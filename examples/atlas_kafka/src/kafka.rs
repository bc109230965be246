//! What is Kafka: a cluster, a sender that chooses no partition, consumers.

use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Mutex;
use std::time::Instant;

use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::Failure;

/// How long an answer of a broker may take, and how long a record may wait for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What brokers take unless they are told otherwise is less; it is for them to say.
const MAX_MESSAGE: &str = "67108864";

/// Brokers, and a topic there.
#[derive(Clone, Debug)]
pub(crate) struct Kafka {
    pub(crate) servers: String,
    pub(crate) topic: String,
}

/// Keeps brokers in this process, if there are no others.
pub(crate) struct Cluster {
    /// It ends when it is dropped.
    _mock: Option<MockCluster<'static, DefaultProducerContext>>,
    pub(crate) kafka: Kafka,
    pub(crate) is_mock: bool,
}

impl Cluster {
    /// librdkafka's mock cluster of three brokers, at ports of this machine that are free, unless there are real ones.
    pub(crate) fn start(brokers: Option<&str>, topic: &str, partitions: u32) -> Result<Self, Failure> {
        let topic = topic.to_owned();
        if let Some(servers) = brokers {
            let kafka = Kafka { servers: servers.to_owned(), topic };
            return Ok(Self { _mock: None, kafka, is_mock: false });
        }
        let failed = |error| Failure::Kafka("mock cluster", error);
        let mock = MockCluster::new(3).map_err(failed)?;
        mock.create_topic(&topic, i32::try_from(partitions).unwrap_or(i32::MAX), 1).map_err(failed)?;
        let kafka = Kafka { servers: mock.bootstrap_servers(), topic };
        Ok(Self { _mock: Some(mock), kafka, is_mock: true })
    }
}

impl Kafka {
    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers).set("client.id", "atlas_kafka");
        config
    }

    /// How many partitions the topic has. Brokers may be told to make topics that are asked for, so it is asked again for a while.
    pub(crate) fn partitions(&self) -> Result<NonZeroU32, Failure> {
        let asker: BaseProducer = self.config().create().map_err(|error| Failure::Kafka("client", error))?;
        let start = Instant::now();
        loop {
            let metadata = asker.client().fetch_metadata(Some(&self.topic), Duration::from_secs(10));
            let metadata = metadata.map_err(|error| Failure::Kafka("brokers do not answer", error))?;
            let topic = metadata.topics().first();
            let count = topic.and_then(|topic| u32::try_from(topic.partitions().len()).ok());
            if let Some(count) = count.and_then(NonZeroU32::new) {
                return Ok(count);
            }
            if start.elapsed() > Duration::from_secs(10) {
                let why = topic.and_then(|topic| topic.error()).map(RDKafkaErrorCode::from);
                let why = why.map_or_else(|| "it has no partitions".to_owned(), |why| why.to_string());
                return Err(Failure::Topic(format!("topic {}: {why}", self.topic)));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub(crate) fn sender(&self) -> Result<Sender, Failure> {
        let mut config = self.config();
        // Without it a record that is sent again may come behind those that followed it, and the order of the stream is lost.
        config.set("enable.idempotence", "true");
        config.set("message.timeout.ms", PATIENCE.as_millis().to_string());
        config.set("message.max.bytes", MAX_MESSAGE);
        config.set("linger.ms", "5");
        let producer = config.create_with_context(Delivery::default());
        let producer = producer.map_err(|error| Failure::Kafka("producer", error))?;
        Ok(Sender { producer, topic: self.topic.clone(), sent: 0 })
    }

    /// The configuration of a consumer, which commits what it is told to and nothing else.
    pub(crate) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.config();
        config.set("group.id", group).set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        // A group that is new begins with what the topic has.
        config.set("auto.offset.reset", "earliest");
        // The least that brokers allow unless told otherwise. The mock cluster waits for nearly as long at each rebalance but the first.
        config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "500");
        config.set("queued.max.messages.kbytes", "16384").set("fetch.wait.max.ms", "100");
        config
    }

    /// Lets a new group begin behind what the topic has now.
    pub(crate) fn begin_at_end(&self, group: &str, partitions: NonZeroU32) -> Result<(), Failure> {
        let failed = |error| Failure::Kafka("where the group begins", error);
        let consumer: BaseConsumer = self.consumer(group).create().map_err(failed)?;
        let mut ends = TopicPartitionList::new();
        for partition in 0..i32::try_from(partitions.get()).unwrap_or(i32::MAX) {
            let (_, end) = consumer.fetch_watermarks(&self.topic, partition, PATIENCE).map_err(failed)?;
            ends.add_partition_offset(&self.topic, partition, Offset::Offset(end)).map_err(failed)?;
        }
        consumer.commit(&ends, CommitMode::Sync).map_err(failed)
    }

    /// A consumer that is in no group's way: it reads from these offsets on, and commits nothing.
    pub(crate) fn assigned(
        &self,
        group: &str,
        from: impl IntoIterator<Item = (i32, i64)>,
    ) -> Result<BaseConsumer, Failure> {
        let failed = |error| Failure::Kafka("consumer", error);
        let consumer: BaseConsumer = self.consumer(group).create().map_err(failed)?;
        let mut offsets = TopicPartitionList::new();
        for (partition, offset) in from {
            offsets.add_partition_offset(&self.topic, partition, Offset::Offset(offset)).map_err(failed)?;
        }
        consumer.assign(&offsets).map_err(failed)?;
        Ok(consumer)
    }
}

/// Sends records to the partitions they are told to go to, and finds out whether they came there.
pub(crate) struct Sender {
    producer: BaseProducer<Delivery>,
    topic: String,
    /// Records that were handed over.
    pub(crate) sent: u64,
}

impl Sender {
    /// Waits while librdkafka has no room. What goes wrong with a record is told by a later call, at last by [`finish`](Self::finish).
    pub(crate) fn send(&mut self, partition: i32, key: &[u8], value: Option<&[u8]>) -> Result<(), Failure> {
        let start = Instant::now();
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic).partition(partition).key(key);
        record.payload = value;
        loop {
            self.serve()?;
            record = match self.producer.send(record) {
                Ok(()) => {
                    self.sent = self.sent.saturating_add(1);
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), record))
                    if start.elapsed() < PATIENCE =>
                {
                    record
                }
                Err((error, _)) => return Err(Failure::Delivery(lossy(key), error)),
            };
            self.producer.poll(Duration::from_millis(50));
        }
    }

    /// Takes note of what was delivered.
    pub(crate) fn serve(&self) -> Result<(), Failure> {
        self.producer.poll(Duration::ZERO);
        let failed = self.producer.context().failed.lock();
        let failed = failed.ok().and_then(|mut failed| failed.take());
        failed.map_or(Ok(()), |(key, error)| Err(Failure::Delivery(key, error)))
    }

    /// Waits until all is delivered.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        let flushed = self.producer.flush(PATIENCE);
        self.serve()?;
        flushed.map_err(|error| Failure::Kafka("flush", error))?;
        let delivered = self.producer.context().delivered.load(Ordering::Relaxed);
        // Neither delivered nor failed: that would be a fault of ours.
        if delivered == self.sent { Ok(()) } else { Err(Failure::Silence(delivered, self.sent)) }
    }

    /// The offset that the next record of a partition gets.
    pub(crate) fn end(&self, partition: i32) -> Result<i64, Failure> {
        let marks = self.producer.client().fetch_watermarks(&self.topic, partition, PATIENCE);
        marks.map(|(_, end)| end).map_err(|error| Failure::Kafka("end of the partition", error))
    }
}

/// What became of records.
#[derive(Default)]
pub(crate) struct Delivery {
    delivered: AtomicU64,
    /// The first that failed, until it is told.
    failed: Mutex<Option<(String, KafkaError)>>,
}

impl ClientContext for Delivery {}

impl ProducerContext for Delivery {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, record)) => {
                if let Ok(mut failed) = self.failed.lock() {
                    failed.get_or_insert_with(|| (lossy(record.key().unwrap_or_default()), error.clone()));
                }
            }
        }
    }
}

fn lossy(key: &[u8]) -> String {
    String::from_utf8_lossy(key.get(..key.len().min(200)).unwrap_or_default()).into_owned()
}

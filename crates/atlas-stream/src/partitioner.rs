use alloc::collections::BTreeMap;
use core::num::NonZeroU32;

use sha1::{Digest, Sha1};

/// In which partition of a topic a stream is: all its messages are in one, since Kafka keeps the order only there. Kafka's own choice, by the hash
/// of the key, would scatter a stream, since the key has the type of the message in it.
///
/// The partition is chosen by the id of the stream alone, the same in all processes that know of as many partitions. A stream keeps its partition when
/// partitions are added, until it is [released](Self::release).
///
/// ```
/// use core::num::NonZeroU32;
/// use atlas_stream::Partitioner;
///
/// let mut partitioner = Partitioner::new(NonZeroU32::new(8).unwrap());
/// let before = partitioner.partition("7c1e0a52").unwrap();
/// assert!(partitioner.grow(NonZeroU32::new(12).unwrap()));
/// assert_eq!(partitioner.partition("7c1e0a52"), Some(before));
/// assert_eq!(partitioner.note("7c1e0a52", before), None);
/// assert_eq!(partitioner.note("7c1e0a52", before + 1), Some(before)); // not where it was
/// ```
#[derive(Clone, Debug)]
pub struct Partitioner {
    partitions: NonZeroU32,
    max_streams: usize,
    /// By the digests of their ids, which are as long for all.
    chosen: BTreeMap<[u8; 20], i32>,
}

impl Partitioner {
    /// Of a topic with so many partitions; Kafka counts them in 31 bits, and more are never chosen. Up to 65 536 streams are remembered.
    #[must_use]
    pub const fn new(partitions: NonZeroU32) -> Self {
        Self { partitions, max_streams: 1 << 16, chosen: BTreeMap::new() }
    }

    /// Most streams that are remembered.
    #[must_use]
    pub const fn with_max_streams(mut self, max_streams: usize) -> Self {
        self.max_streams = max_streams;
        self
    }

    /// The partition of a stream, chosen now or before; `None` if as many streams as may be are remembered: release those that have ended.
    pub fn partition(&mut self, stream_id: &str) -> Option<i32> {
        let digest = digest(stream_id);
        if let Some(partition) = self.chosen.get(&digest) {
            return Some(*partition);
        }
        if self.chosen.len() >= self.max_streams {
            return None;
        }
        let partition = choose(&digest, self.partitions);
        self.chosen.insert(digest, partition);
        Some(partition)
    }

    /// Notes where a record of a stream was met, as a reader of the topic does, or a writer that goes on with a stream of before: there it stays. The
    /// partition that it was in before, if that is another: the rule is broken, and the order of the stream is lost. What there is no room for, and what is below 0, is not
    /// noted.
    pub fn note(&mut self, stream_id: &str, partition: i32) -> Option<i32> {
        let digest = digest(stream_id);
        if let Some(before) = self.chosen.get(&digest) {
            return Some(*before).filter(|before| *before != partition);
        }
        if self.chosen.len() < self.max_streams && partition >= 0 {
            self.chosen.insert(digest, partition);
        }
        None
    }

    /// Forgets a stream that has ended; the partition it was in.
    pub fn release(&mut self, stream_id: &str) -> Option<i32> {
        self.chosen.remove(&digest(stream_id))
    }

    /// The topic has so many partitions now: for streams of which none is chosen yet. Topics only grow; fewer are refused by `false`.
    pub fn grow(&mut self, partitions: NonZeroU32) -> bool {
        let has_grown = partitions >= self.partitions;
        if has_grown {
            self.partitions = partitions;
        }
        has_grown
    }

    /// How many partitions there are.
    #[must_use]
    pub const fn partitions(&self) -> NonZeroU32 {
        self.partitions
    }

    /// How many streams are remembered.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.chosen.len()
    }
}

fn digest(stream_id: &str) -> [u8; 20] {
    Sha1::digest(stream_id).into()
}

/// By the first eight bytes of the SHA-1 of the id: what spreads well, and never changes.
fn choose(digest: &[u8; 20], partitions: NonZeroU32) -> i32 {
    let first = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let partitions = u64::from(partitions.get().min(i32::MAX.unsigned_abs()));
    first.checked_rem(partitions).and_then(|partition| i32::try_from(partition).ok()).unwrap_or_default()
}

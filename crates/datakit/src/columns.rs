use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::decode::Decoder;
use crate::error::{DecodeError, Field, UsageError};
use crate::limits::{Limit, Limits};
use crate::packet::{DataRef, PacketRef};

/// Readings as parallel columns: tag id, timestamp, value.
///
/// Lines are read straight into the columns; a line costs no allocation of its own once its tag is known and the columns
/// have grown. Ids count from 0 in the order in which tags were met, and stay when the rows are [cleared](Self::clear), which is
/// the caller's to do: rows are bounded by what is read in between, at 20 bytes per row.
///
/// ```
/// use datakit::{Columns, Decoder, PacketRef};
///
/// let (mut columns, mut decoder) = (Columns::new(), Decoder::new());
/// let mut input = &b">in|100|1.5\n>out|100|1.25\n>in|101|1.75\n$P\n>out|101|1\n>in|1"[..];
/// while let Some(other) = columns.decode(&mut decoder, &mut input) {
///     assert_eq!(other, Ok(PacketRef::Heartbeat)); // what is no reading is handed over
/// }
/// assert_eq!(columns.tag_ids(), [0, 1, 0, 1]);
/// assert_eq!(columns.timestamps(), [100, 100, 101, 101]);
/// assert_eq!(columns.values(), [1.5, 1.25, 1.75, 1.0]);
/// assert_eq!(columns.tag(1), Some("out"));
/// assert_eq!(input, b">in|1"); // torn: it comes again, with more behind it
/// ```
#[derive(Clone, Debug, Default)]
pub struct Columns {
    tag_ids: Vec<u32>,
    timestamps: Vec<i64>,
    nanos: Vec<u32>,
    values: Vec<f64>,
    tags: Tags,
}

impl Columns {
    /// Without rows and tags.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads DATA lines off the front of `input` into the columns, up to a line that is no DATA, which is handed over: another
    /// packet, or an error. `None` means that there is no whole line any more; see [`Decoder::decode`].
    ///
    /// # Errors
    ///
    /// Those of the decoder, and [`LimitExceeded`](crate::DecodeErrorKind::LimitExceeded) for a reading with a tag over
    /// [`Limits::max_tags`](crate::Limits::max_tags). The next line is read as if nothing had happened.
    #[must_use = "what is no reading is handed over"]
    pub fn decode<'a>(
        &mut self,
        decoder: &mut Decoder,
        input: &mut &'a [u8],
    ) -> Option<Result<PacketRef<'a>, DecodeError>> {
        let max_tags = decoder.config().limits.max_tags;
        let mut packets = decoder.packets(input);
        loop {
            let (line, start) = packets.position();
            match packets.next()? {
                Ok(PacketRef::Data(data)) => {
                    if !self.append(data, max_tags) {
                        let error = DecodeError::limit_exceeded(Limit::MaxTags, Field::Tag, max_tags, 1);
                        return Some(Err(error.placed(line, start)));
                    }
                }
                other => return Some(other),
            }
        }
    }

    /// Appends a reading that was read by other means: from an event of a machine, say.
    ///
    /// # Errors
    ///
    /// [`UsageError::LimitReached`] if its tag would be one too many.
    pub fn push(&mut self, data: DataRef<'_>, limits: &Limits) -> Result<(), UsageError> {
        let max = limits.max_tags;
        let reached = UsageError::LimitReached { limit: Limit::MaxTags, max: max as u64 };
        self.append(data, max).then_some(()).ok_or(reached)
    }

    /// Appends a reading, unless its tag would be one too many.
    #[inline]
    fn append(&mut self, data: DataRef<'_>, max_tags: usize) -> bool {
        let after = self.tag_ids.last().copied();
        let Some(id) = self.tags.id(data.tag, after, max_tags) else { return false };
        self.tag_ids.push(id);
        self.timestamps.push(data.timestamp);
        self.values.push(data.value);
        // The column exists from the first fraction on.
        if data.nanos != 0 && self.nanos.is_empty() {
            self.nanos.resize(self.tag_ids.len().saturating_sub(1), 0);
        }
        if data.nanos != 0 || !self.nanos.is_empty() {
            self.nanos.push(data.nanos);
        }
        true
    }

    /// Rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tag_ids.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tag_ids.is_empty()
    }

    /// The id of each row's tag.
    #[must_use]
    pub fn tag_ids(&self) -> &[u32] {
        &self.tag_ids
    }

    /// Each row's seconds since 1970-01-01 00:00 UTC, rounded down.
    #[must_use]
    pub fn timestamps(&self) -> &[i64] {
        &self.timestamps
    }

    /// Each row's nanoseconds beside its seconds; without any rows, not even one, if they are all 0.
    #[must_use]
    pub fn nanos(&self) -> &[u32] {
        &self.nanos
    }

    /// Each row's value.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The tag of an id.
    #[must_use]
    pub fn tag(&self, id: u32) -> Option<&str> {
        self.tags.name(id)
    }

    /// All tags, in the order of their ids.
    pub fn tags(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tags.known.iter().map(|tag| &*tag.name)
    }

    /// Drops the rows, and keeps their room and the tags.
    pub fn clear(&mut self) {
        self.tag_ids.clear();
        self.timestamps.clear();
        self.nanos.clear();
        self.values.clear();
    }
}

/// Ids of tags.
#[derive(Clone, Debug, Default)]
struct Tags {
    known: Vec<Tag>,
    /// A tree and no hash table: nobody can choose tags that make it slow, and it needs no random seed.
    ids: BTreeMap<Box<str>, u32>,
}

#[derive(Clone, Debug)]
struct Tag {
    name: Box<str>,
    /// What came after it last time: sensors repeat themselves, so that the tree is seldom asked.
    next: u32,
}

impl Tags {
    #[inline]
    fn id(&mut self, name: &str, after: Option<u32>, max: usize) -> Option<u32> {
        let guess = after.and_then(|after| self.tag(after)).map_or(0, |tag| tag.next);
        if self.tag(guess).is_some_and(|tag| *tag.name == *name) {
            return Some(guess);
        }
        let id = self.look_up(name, max)?;
        if let Some(tag) = after.and_then(|after| self.known.get_mut(usize::try_from(after).ok()?)) {
            tag.next = id;
        }
        Some(id)
    }

    #[inline(never)]
    fn look_up(&mut self, name: &str, max: usize) -> Option<u32> {
        if let Some(id) = self.ids.get(name) {
            return Some(*id);
        }
        let id = u32::try_from(self.known.len()).ok().filter(|_| self.known.len() < max)?;
        self.known.push(Tag { name: name.into(), next: 0 });
        self.ids.insert(name.into(), id);
        Some(id)
    }

    #[inline]
    fn tag(&self, id: u32) -> Option<&Tag> {
        self.known.get(usize::try_from(id).ok()?)
    }

    fn name(&self, id: u32) -> Option<&str> {
        self.tag(id).map(|tag| &*tag.name)
    }
}

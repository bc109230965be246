use core::fmt;

use crate::any::{AnyRef, Unpack};
use crate::codes::StatusCode;
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::merged::{Merged, bytes};
use crate::meta::{Meta, MetaRef, PayloadKind};
use crate::payload::{DataPayloadRef, IntervalTrigger, Trigger};
use crate::schema::{Check, PACKAGE, Root};
use crate::time::{Timestamp, int, long};
use crate::wire::{Field, Fields, Value, two_bytes};

/// A package, where it lies: all of it was checked, and what is asked is read again.
///
/// ```
/// use drift_proto::{PackageRef, StatusCode};
///
/// let package = PackageRef::decode(b"\x08\x07\x20\x81\x04\x3a\x06\x0a\x01k\x12\x01v")?;
/// assert_eq!((package.id(), package.status()), (7, StatusCode::BAD_MALFORMED_REQUEST));
/// assert_eq!(package.labels().next().map(|label| (label.key, label.value)), Some(("k", "v")));
/// # Ok::<(), drift_proto::DecodeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct PackageRef<'a> {
    bytes: &'a [u8],
    summary: Summary,
}

/// What is known of a package after it was checked.
#[derive(Clone, Copy, Default)]
pub(crate) struct Summary {
    id: i64,
    status: i32,
    source: Option<Timestamp>,
    publish: Option<Timestamp>,
    meta: Run,
    info: Meta,
    data: Run,
    labels: Run,
    unknown: Run,
    limits: Limits,
}

/// Fields of one number: where the first begins, where the last ends, and how many there are.
#[derive(Clone, Copy, Default)]
struct Run {
    start: u32,
    end: u32,
    count: u32,
}

impl Run {
    /// All of them, and what is between.
    fn of(self, package: &[u8]) -> &[u8] {
        package.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    #[inline]
    fn add(&mut self, start: usize, len: usize) {
        // Bounded by a limit of 32 bits.
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        if self.count == 0 {
            self.start = narrow(start);
        }
        self.end = narrow(start.saturating_add(len));
        self.count = self.count.saturating_add(1);
    }
}

impl Summary {
    pub(crate) const fn id(&self) -> i64 {
        self.id
    }

    pub(crate) const fn status(&self) -> StatusCode {
        StatusCode(self.status)
    }

    #[inline(always)]
    pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let check = Check::new(Root::Package, bytes, limits)?;
        let depth = check.max_depth;
        // Apart from one another, to be put together once.
        let (mut id, mut status, mut source, mut publish) = (0, 0, None, None);
        let (mut data, mut meta, mut labels, mut unknown) =
            (Run::default(), Run::default(), Run::default(), Run::default());
        let (mut info, mut start) = (Meta::default(), 0_usize);
        let mut fields = Fields::new(bytes);
        while let Some(field) = check.next(&mut fields, check.root.entry(), depth)? {
            match (field.number, field.value) {
                (1, Value::Varint(value)) => id = long(value),
                (4, Value::Varint(value)) => status = int(value),
                (2, Value::Bytes(message)) => check.time(&PACKAGE, 2, message, depth, &mut source)?,
                (3, Value::Bytes(message)) => check.time(&PACKAGE, 3, message, depth, &mut publish)?,
                (5, Value::Bytes(message)) => {
                    check.field(&PACKAGE, 5, message, depth)?;
                    data.add(start, field.raw.len());
                }
                (6, Value::Bytes(message)) => {
                    check.meta(message, depth, &mut info)?;
                    meta.add(start, field.raw.len());
                }
                (7, Value::Bytes(message)) => {
                    check.field(&PACKAGE, 7, message, depth)?;
                    labels.add(start, field.raw.len());
                }
                _ => unknown.add(start, field.raw.len()),
            }
            start = start.saturating_add(field.raw.len());
        }
        Ok(Self { limits: *limits, id, status, source, publish, meta, info, data, labels, unknown })
    }
}

impl<'a> PackageRef<'a> {
    /// Reads a package, under [`Limits::DEFAULT`]. No bytes are a package too, good and with the id 0; so is one that was cut between two
    /// fields. Protobuf cannot tell: who reads from MQTT, where no bytes clear a retained topic, looks for them first.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or with a message in it; what an [`AnyRef`] holds is not looked at.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(bytes, &Limits::DEFAULT)
    }

    /// Reads a package, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    #[inline]
    pub fn decode_with(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Summary::read(bytes, limits).map(|summary| Self { bytes, summary })
    }

    pub(crate) const fn new(bytes: &'a [u8], summary: Summary) -> Self {
        Self { bytes, summary }
    }

    pub(crate) const fn summary(self) -> Summary {
        self.summary
    }

    /// Those it was read under, which are those of what is in it, too.
    pub(crate) const fn limits(self) -> Limits {
        self.summary.limits
    }

    /// A message in it, to be written as it came.
    pub(crate) fn sub(self, number: u32) -> Option<Merged<'a>> {
        Merged::one(self.bytes).sub(number)
    }

    /// Fields that come again and again, to be written as they came.
    pub(crate) fn data_fields(self) -> impl Iterator<Item = Field<'a>> + Clone + use<'a> {
        self.run_fields(self.summary.data, 5)
    }

    /// As before.
    pub(crate) fn label_fields(self) -> impl Iterator<Item = Field<'a>> + Clone + use<'a> {
        self.run_fields(self.summary.labels, 7)
    }

    /// The package.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Milliseconds since 1970, by convention the moment of the trigger: the same in all packages that belong together.
    #[must_use]
    pub const fn id(self) -> i64 {
        self.summary.id()
    }

    /// Whether the data is to be trusted.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.summary.status()
    }

    /// When the service got its input.
    #[must_use]
    pub const fn source_timestamp(self) -> Option<Timestamp> {
        self.summary.source
    }

    /// When the service sent this.
    #[must_use]
    pub const fn publish_timestamp(self) -> Option<Timestamp> {
        self.summary.publish
    }

    /// What the payload is, if it is said. A package without this looks like a time series to some. Of a meta that came in pieces all fields
    /// are gone through for each answer.
    #[must_use]
    #[inline(always)]
    pub fn meta(self) -> Option<MetaRef<'a>> {
        let message = match self.summary.meta.count {
            1 => Merged::one(self.run(self.summary.meta, 6).next()?),
            _ => merged_meta(self.from(self.summary.meta))?,
        };
        Some(MetaRef::new(message, self.summary.info))
    }

    /// What format the payload has, by its meta; unknown without one.
    #[must_use]
    pub fn payload_kind(self) -> PayloadKind {
        self.meta().map_or(PayloadKind::Unknown, MetaRef::payload_kind)
    }

    /// What it carries: any messages, in their order.
    #[inline]
    pub fn data(self) -> impl Iterator<Item = AnyRef<'a>> + Clone + use<'a> {
        self.run(self.summary.data, 5).map(AnyRef::of)
    }

    /// All payloads, in their order, under the limits of the package; messages of other types are passed. Offsets and paths of errors are of
    /// [`AnyRef::value`].
    pub fn payloads(self) -> impl Iterator<Item = Result<DataPayloadRef<'a>, DecodeError>> + Clone + use<'a> {
        self.data().filter_map(move |any| any.unpack_with(&self.summary.limits).transpose())
    }

    /// The last payload, under the limits of the package: the one that the Python client returns.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with offsets in [`AnyRef::value`].
    #[inline(always)]
    pub fn payload(self) -> Result<Option<DataPayloadRef<'a>>, DecodeError> {
        let mut last = None;
        for message in self.run(self.summary.data, 5) {
            let any = AnyRef::of(message);
            if any.holds(DataPayloadRef::NAME) {
                last = Some(any.value());
            }
        }
        last.map(|value| DataPayloadRef::unpack(value, &self.summary.limits)).transpose()
    }

    /// The last trigger for a moment, if there is one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with offsets in [`AnyRef::value`].
    pub fn trigger(self) -> Result<Option<Trigger>, DecodeError> {
        let any = self.data().filter(|any| any.is(Trigger::NAME)).last();
        any.map(|any| Trigger::unpack(any.value(), &self.summary.limits)).transpose()
    }

    /// The last trigger for an interval, if there is one.
    ///
    /// ```
    /// use drift_proto::{IntervalTrigger, PackageBuilder, Timestamp};
    ///
    /// let interval = IntervalTrigger { start: Timestamp::from_unix_millis(1000), stop: Timestamp::from_unix_millis(2000) };
    /// let package = PackageBuilder::new(2000).interval_trigger(interval).build()?;
    /// assert_eq!(package.as_ref().interval_trigger()?, Some(interval));
    /// // The same of any message: by what is behind the last slash of its address.
    /// let any = package.as_ref().data().next().unwrap();
    /// assert_eq!((any.name(), any.unpack()?), (Some("drift.proto.trigger_service.IntervalTriggerMessage"), Some(interval)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with it, with offsets in [`AnyRef::value`].
    pub fn interval_trigger(self) -> Result<Option<IntervalTrigger>, DecodeError> {
        let any = self.data().filter(|any| any.is(IntervalTrigger::NAME)).last();
        any.map(|any| IntervalTrigger::unpack(any.value(), &self.summary.limits)).transpose()
    }

    /// Labels in their order; names may be there more than once.
    #[inline]
    pub fn labels(self) -> impl Iterator<Item = LabelRef<'a>> + Clone + use<'a> {
        // Texts in a text need not be looked at again.
        let all = self.summary.labels.of(self.bytes);
        let all = if all.len() <= LABELS { core::str::from_utf8(all).unwrap_or_default() } else { "" };
        self.run(self.summary.labels, 7).map(move |message| LabelRef::of(message, all))
    }

    /// Fields that are not known, tag and value, in their order.
    pub fn unknown_fields(self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        self.unknown().map(|field| field.raw)
    }

    pub(crate) fn unknown(self) -> impl Iterator<Item = Field<'a>> + Clone + use<'a> {
        Fields::new(self.from(self.summary.unknown)).filter(|field| !is_known(field))
    }

    /// From the first of a run on.
    fn from(self, run: Run) -> &'a [u8] {
        let start = if run.count == 0 { self.bytes.len() } else { run.start as usize };
        self.bytes.get(start..).unwrap_or_default()
    }

    fn run_fields(self, run: Run, number: u32) -> impl Iterator<Item = Field<'a>> + Clone + use<'a> {
        let is_piece = move |field: &Field<'a>| field.number == number && matches!(field.value, Value::Bytes(_));
        Fields::new(self.from(run)).filter(is_piece).take(run.count as usize)
    }

    #[inline]
    fn run(self, run: Run, number: u32) -> Messages<'a> {
        Messages { fields: Fields::new(self.from(run)), number, left: run.count }
    }
}

impl<'a> Messages<'a> {
    #[cold]
    fn search(&mut self) -> Option<&'a [u8]> {
        self.fields.find_map(|field| bytes(field.value).filter(|_| field.number == self.number))
    }
}

/// The messages of a run.
#[derive(Clone)]
struct Messages<'a> {
    fields: Fields<'a>,
    number: u32,
    left: u32,
}

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [u8];

    #[inline(always)]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        // They stand one behind the other, as a rule.
        match self.fields.bytes(self.number) {
            Some(message) => Some(message),
            None => self.search(),
        }
    }
}

/// Of a package with several, or with none.
#[cold]
fn merged_meta(package: &[u8]) -> Option<Merged<'_>> {
    Merged::one(package).sub(6)
}

fn is_known(field: &Field<'_>) -> bool {
    matches!((field.number, field.value), (1 | 4, Value::Varint(_)) | (2 | 3 | 5..=7, Value::Bytes(_)))
}

impl<'a> Unpack<'a> for PackageRef<'a> {
    const NAME: &'static str = PACKAGE.name;

    fn unpack(value: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::decode_with(value, limits)
    }
}

impl PartialEq for PackageRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for PackageRef<'_> {}

impl fmt::Debug for PackageRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackageRef({}, {}, [{} bytes])", self.id(), self.status(), self.bytes.len())
    }
}

/// A label of a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that a label has")]
pub struct LabelRef<'a> {
    /// Its name.
    pub key: &'a str,
    /// What it says.
    pub value: &'a str,
}

/// Bytes of labels that are looked at all together when they are read.
const LABELS: usize = 4096;

impl<'a> LabelRef<'a> {
    #[inline(always)]
    fn of(message: &'a [u8], all: &'a str) -> Self {
        if let Some((key, value)) = two_bytes(message) {
            return Self { key: text_in(key, all), value: text_in(value, all) };
        }
        let mut label = Self::default();
        for field in Fields::new(message) {
            match (field.number, field.value) {
                (1, Value::Bytes(key)) => label.key = text_in(key, all),
                (2, Value::Bytes(value)) => label.value = text_in(value, all),
                _ => {}
            }
        }
        label
    }
}

/// A text that was checked, and may be a part of another.
#[inline]
fn text_in<'a>(bytes: &'a [u8], all: &'a str) -> &'a str {
    let start = (bytes.as_ptr() as usize).wrapping_sub(all.as_ptr() as usize);
    match all.get(start..start.wrapping_add(bytes.len())) {
        Some(text) => text,
        None => text(bytes),
    }
}

/// A text that was checked.
pub(crate) fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

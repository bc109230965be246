use core::fmt;

use crate::any::{AnyRef, Unpack};
use crate::codes::StatusCode;
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::merged::{Merged, bytes};
use crate::meta::{MetaRef, PayloadKind};
use crate::payload::DataPayloadRef;
use crate::schema::{Check, PACKAGE, Root};
use crate::time::{Timestamp, int, long};
use crate::wire::{Field, Fields, Value};

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
    data: Run,
    labels: Run,
    unknown: Run,
    limits: Limits,
}

/// Fields of one number: where the first begins, and how many there are.
#[derive(Clone, Copy, Default)]
struct Run {
    start: u32,
    count: u32,
}

impl Run {
    fn add(&mut self, start: usize) {
        if self.count == 0 {
            // Bounded by a limit of 32 bits.
            self.start = u32::try_from(start).unwrap_or(u32::MAX);
        }
        self.count = self.count.saturating_add(1);
    }
}

impl Summary {
    pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let check = Check::new(Root::Package, bytes, limits)?;
        let depth = check.max_depth;
        let mut summary = Self { limits: *limits, ..Self::default() };
        let mut fields = Fields::new(bytes);
        loop {
            let start = bytes.len().saturating_sub(fields.rest().len());
            let field = match fields.checked(depth) {
                Ok(Some(field)) => field,
                Ok(None) => return Ok(summary),
                Err(error) => return Err(check.wire(error, check.root.entry())),
            };
            match (field.number, field.value) {
                (1, Value::Varint(value)) => summary.id = long(value),
                (4, Value::Varint(value)) => summary.status = int(value),
                (number @ (2 | 3 | 5..=7), value @ Value::Bytes(message)) => {
                    PACKAGE.check_field(number, value, check, depth)?;
                    match number {
                        2 => summary.source.get_or_insert_default().merge(Merged::one(message)),
                        3 => summary.publish.get_or_insert_default().merge(Merged::one(message)),
                        5 => summary.data.add(start),
                        6 => summary.meta.add(start),
                        _ => summary.labels.add(start),
                    }
                }
                _ => summary.unknown.add(start),
            }
        }
    }
}

impl<'a> PackageRef<'a> {
    /// Reads a package, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// What is wrong with it, or with a message in it; what an [`AnyRef`] holds is not looked at.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(bytes, &Limits::DEFAULT)
    }

    /// Reads a package, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
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
        self.summary.id
    }

    /// Whether the data is to be trusted.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        StatusCode(self.summary.status)
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
    pub fn meta(self) -> Option<MetaRef<'a>> {
        let mut pieces = self.run(self.summary.meta, 6);
        match (pieces.next()?, pieces.next()) {
            (one, None) => Some(MetaRef(Merged::one(one))),
            _ => Merged::one(self.from(self.summary.meta)).sub(6).map(MetaRef),
        }
    }

    /// What format the payload has, by its meta; unknown without one.
    #[must_use]
    pub fn payload_kind(self) -> PayloadKind {
        self.meta().map_or(PayloadKind::Unknown, MetaRef::payload_kind)
    }

    /// What it carries: any messages, in their order.
    pub fn data(self) -> impl Iterator<Item = AnyRef<'a>> + Clone + use<'a> {
        self.run(self.summary.data, 5).map(|message| AnyRef::of(Merged::one(message)))
    }

    /// All payloads, in their order; messages of other types are passed.
    pub fn payloads(self) -> impl Iterator<Item = Result<DataPayloadRef<'a>, DecodeError>> + Clone + use<'a> {
        self.data().filter_map(move |any| any.unpack_with(&self.summary.limits).transpose())
    }

    /// The last payload: the one that the Python client returns.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn payload(self) -> Result<Option<DataPayloadRef<'a>>, DecodeError> {
        match self.data().filter(|any| any.is(DataPayloadRef::NAME)).last() {
            Some(any) => any.unpack_with(&self.summary.limits),
            None => Ok(None),
        }
    }

    /// Labels in their order; names may be there more than once.
    pub fn labels(self) -> impl Iterator<Item = LabelRef<'a>> + Clone + use<'a> {
        self.run(self.summary.labels, 7).map(LabelRef::of)
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

    fn run(self, run: Run, number: u32) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        self.run_fields(run, number).filter_map(|field| bytes(field.value))
    }
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

impl<'a> LabelRef<'a> {
    fn of(message: &'a [u8]) -> Self {
        let mut label = Self::default();
        for field in Merged::one(message).fields() {
            match (field.number, field.value) {
                (1, Value::Bytes(key)) => label.key = text(key),
                (2, Value::Bytes(value)) => label.value = text(value),
                _ => {}
            }
        }
        label
    }
}

/// A text that was checked.
pub(crate) fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

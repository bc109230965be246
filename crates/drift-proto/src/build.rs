use alloc::borrow::Cow;
use alloc::vec::Vec;

use bytes::BufMut;

use crate::any::{AnyRef, PREFIX, Unpack};
use crate::codes::{DataType, StatusCode};
use crate::encode::{Measure, Message, Output, Sink};
use crate::limits::Limits;
use crate::merged::Merged;
use crate::meta::{Denoising, ImageInfoRef, MetaRef, NameRef, TimeSeriesInfo, WaveletBufferInfo};
use crate::package::{LabelRef, PackageRef};
use crate::payload::{DataPayloadRef, IntervalTrigger, Trigger};
use crate::schema::{META, PACKAGE, Schema, TIMESTAMP};
use crate::time::Timestamp;
use crate::typed::TypedDataWriter;

/// Why a package, or an item of typed data, was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// It is longer than allowed.
    #[error("{len} bytes exceed max_len {max}")]
    TooLong {
        /// Its bytes.
        len: u64,
        /// [`Limits::max_len`].
        max: u32,
    },
    /// Messages are deeper in one another than allowed.
    #[error("messages in one another exceed max_depth {max}")]
    TooDeep {
        /// [`Limits::max_depth`].
        max: u8,
    },
    /// The buffer has no room for it.
    #[error("package of {len} bytes in a buffer for {room}")]
    NoRoom {
        /// Its bytes.
        len: u64,
        /// Those of the buffer.
        room: u64,
    },
    /// A shape is of more or fewer values than there are.
    #[error("{values} values in a shape of {due}")]
    Shape {
        /// How many there are.
        values: u64,
        /// How many the shape asks for; `u64::MAX` for more than that.
        due: u64,
    },
    /// A shape has more axes than allowed.
    #[error("{rank} axes exceed max_rank {max}")]
    TooManyAxes {
        /// How many it has.
        rank: u64,
        /// [`Limits::max_rank`].
        max: u8,
    },
}

/// Makes a package.
///
/// ```
/// use drift_proto::{Info, Meta, PackageBuilder, Timestamp};
///
/// let mut package = PackageBuilder::new(1_700_000_000_000);
/// package.source_timestamp = Timestamp::from_unix_millis(1_700_000_000_000);
/// package.meta = Some(Meta::new(Info::Text("text/plain")));
/// package.payload(b"it is warm");
/// package.label("room", "7");
/// let package = package.build()?;
/// assert_eq!(package.as_ref().payload()?.unwrap().data(), b"it is warm");
///
/// // And sent on, changed: the rest stays as it came.
/// let mut answer = PackageBuilder::from(package.as_ref());
/// answer.source_timestamp = package.as_ref().publish_timestamp();
/// answer.publish_timestamp = Timestamp::from_unix_millis(1_700_000_000_250);
/// answer.clear_data().payload(b"it is 21 degrees").label("by", "thermometer");
/// let answer = answer.build()?;
/// assert_eq!((answer.id(), answer.as_ref().labels().count()), (package.id(), 2));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PackageBuilder<'a> {
    /// See [`PackageRef::id`].
    pub id: i64,
    /// See [`PackageRef::status`].
    pub status: StatusCode,
    /// See [`PackageRef::source_timestamp`].
    pub source_timestamp: Option<Timestamp>,
    /// See [`PackageRef::publish_timestamp`].
    pub publish_timestamp: Option<Timestamp>,
    /// What the payload is.
    pub meta: Option<Meta<'a>>,
    /// What was read, of which these are still to be written.
    read: Option<PackageRef<'a>>,
    keeps_data: bool,
    keeps_labels: bool,
    data: Vec<Data<'a>>,
    labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

#[derive(Clone, Debug)]
enum Data<'a> {
    Payload(Vec<u32>, Cow<'a, [u8]>),
    Trigger(Trigger),
    IntervalTrigger(IntervalTrigger),
    Message(&'a str, Cow<'a, [u8]>),
    Any(AnyRef<'a>),
}

/// What the payload of a package is: its type and what is told of it are of one kind.
#[derive(Clone, Debug)]
pub struct Meta<'a>(Kind<'a>);

#[derive(Clone, Debug)]
enum Kind<'a> {
    Made(Info<'a>, Option<WaveletBufferInfo>),
    Read(MetaRef<'a>),
}

/// What is told of a payload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Info<'a> {
    /// A series of one signal.
    TimeSeries(TimeSeriesInfo),
    /// A picture.
    Image(ImageInfoRef<'a>),
    /// Some numbers with names; deprecated since 0.6.
    Scalars(Vec<NameRef<'a>>),
    /// Text of this type.
    Text(&'a str),
    /// Packages of these topics in one. Metas in one another go down as deep as they are made when they are dropped; a package takes no more
    /// than [`Limits::max_depth`].
    Aligned(Vec<(&'a str, Option<Meta<'a>>)>),
    /// Values of any type with names.
    Typed(Vec<NameRef<'a>>),
}

impl<'a> Meta<'a> {
    /// With nothing but what is told.
    #[must_use]
    pub const fn new(info: Info<'a>) -> Self {
        Self(Kind::Made(info, None))
    }

    /// With how the wavelet buffer was made.
    #[must_use]
    pub const fn with_wavelet_buffer(info: Info<'a>, wavelet_buffer: WaveletBufferInfo) -> Self {
        Self(Kind::Made(info, Some(wavelet_buffer)))
    }
}

impl<'a> From<MetaRef<'a>> for Meta<'a> {
    /// As it was read, whatever is in it.
    fn from(meta: MetaRef<'a>) -> Self {
        Self(Kind::Read(meta))
    }
}

impl<'a> PackageBuilder<'a> {
    /// A package with this id, good and without anything else.
    #[must_use]
    pub fn new(id: i64) -> Self {
        Self { id, ..Self::default() }
    }

    /// What a service sends that failed: this status, and no data.
    #[must_use]
    pub fn failed(id: i64, status: StatusCode) -> Self {
        Self { id, status, ..Self::default() }
    }

    /// Adds a payload, borrowed or owned.
    pub fn payload(&mut self, data: impl Into<Cow<'a, [u8]>>) -> &mut Self {
        self.payload_with_shape([], data)
    }

    /// Adds a payload and its axes, which belong into the meta since; nobody is known to write them.
    pub fn payload_with_shape(
        &mut self,
        shape: impl IntoIterator<Item = u32>,
        data: impl Into<Cow<'a, [u8]>>,
    ) -> &mut Self {
        self.data.push(Data::Payload(shape.into_iter().collect(), data.into()));
        self
    }

    /// Makes it a package of typed data: these are the payload, in the place of all messages there are, and the meta is one of their names. A
    /// payload that is added later would be the one that is read.
    pub fn typed_data(&mut self, data: TypedDataWriter<'a>) -> &mut Self {
        let (info, payload) = data.finish();
        self.meta = Some(Meta::new(info));
        self.clear_data().payload(payload)
    }

    /// Adds a trigger.
    pub fn trigger(&mut self, trigger: Trigger) -> &mut Self {
        self.data.push(Data::Trigger(trigger));
        self
    }

    /// Adds a trigger for an interval.
    pub fn interval_trigger(&mut self, trigger: IntervalTrigger) -> &mut Self {
        self.data.push(Data::IntervalTrigger(trigger));
        self
    }

    /// Adds a message of any type, by its full name.
    pub fn message(&mut self, name: &'a str, message: impl Into<Cow<'a, [u8]>>) -> &mut Self {
        self.data.push(Data::Message(name, message.into()));
        self
    }

    /// Adds any message, with its address as it is.
    pub fn any(&mut self, any: AnyRef<'a>) -> &mut Self {
        self.data.push(Data::Any(any));
        self
    }

    /// Takes away all messages, those of a package that was read, too.
    pub fn clear_data(&mut self) -> &mut Self {
        self.data.clear();
        self.keeps_data = false;
        self
    }

    /// Takes away all labels, those of a package that was read, too.
    pub fn clear_labels(&mut self) -> &mut Self {
        self.labels.clear();
        self.keeps_labels = false;
        self
    }

    /// Adds a label.
    pub fn label(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> &mut Self {
        self.labels.push((key.into(), value.into()));
        self
    }

    /// Bytes of the package, if it is not too deep to be written.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.measure(u8::MAX).len
    }

    /// Writes the package, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// [`EncodeError`]; then nothing was written.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        self.encode_with(out, &Limits::DEFAULT)
    }

    /// Writes the package, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]; then nothing was written.
    pub fn encode_with(&self, out: &mut impl BufMut, limits: &Limits) -> Result<(), EncodeError> {
        let (len, room) = (self.len_within(limits)?, out.remaining_mut());
        if len > room {
            return Err(EncodeError::NoRoom { len: len as u64, room: room as u64 });
        }
        self.put(&mut Output(out));
        Ok(())
    }

    /// Bytes of the package, if it is neither too long nor too deep.
    fn len_within(&self, limits: &Limits) -> Result<usize, EncodeError> {
        let Measure { len, is_too_deep, .. } = self.measure(limits.depth());
        if is_too_deep {
            return Err(EncodeError::TooDeep { max: limits.depth() });
        }
        if u32::try_from(len).map_or(true, |len| len > limits.max_len) {
            return Err(EncodeError::TooLong { len: len as u64, max: limits.max_len });
        }
        Ok(len)
    }

    /// The bytes of the package.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn encode_to_vec(&self) -> Result<Vec<u8>, EncodeError> {
        self.encode_to_vec_with(&Limits::DEFAULT)
    }

    /// The same under limits of the caller's.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn encode_to_vec_with(&self, limits: &Limits) -> Result<Vec<u8>, EncodeError> {
        let len = self.len_within(limits)?;
        // With 32 bits, limits may be more than there is of memory.
        if len > isize::MAX as usize {
            return Err(EncodeError::NoRoom { len: len as u64, room: isize::MAX as u64 });
        }
        let mut bytes = Vec::with_capacity(len);
        self.put(&mut Output(&mut bytes));
        Ok(bytes)
    }
}

impl<'a> From<PackageRef<'a>> for PackageBuilder<'a> {
    /// To change something of a package that was read, or to add to it. Messages that are not changed are written as they came, in the order
    /// of field numbers, unknown fields behind all others; id and status are written anew.
    fn from(package: PackageRef<'a>) -> Self {
        Self {
            id: package.id(),
            status: package.status(),
            source_timestamp: package.source_timestamp(),
            publish_timestamp: package.publish_timestamp(),
            meta: package.meta().map(Meta::from),
            read: Some(package),
            keeps_data: true,
            keeps_labels: true,
            data: Vec::new(),
            labels: Vec::new(),
        }
    }
}

impl Message for PackageBuilder<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        let read = self.read.as_ref();
        let taken = |sink: &mut _, field| Sink::taken(sink, &PACKAGE, field);
        sink.long(1, self.id);
        let was = read.map(|read| (read.source_timestamp(), read.publish_timestamp())).unwrap_or_default();
        for (number, timestamp, was) in [(2, self.source_timestamp, was.0), (3, self.publish_timestamp, was.1)] {
            match (timestamp, read.and_then(|read| read.sub(number)).filter(|_| timestamp == was)) {
                (None, _) => {}
                (Some(timestamp), None) => sink.message(number, &timestamp),
                (Some(_), Some(as_it_came)) => sink.message(number, &Taken(as_it_came, &TIMESTAMP)),
            }
        }
        sink.int(4, self.status.0);
        if let Some(read) = read.filter(|_| self.keeps_data) {
            read.data_fields().for_each(|field| taken(sink, field));
        }
        for data in &self.data {
            sink.message(5, data);
        }
        if let Some(meta) = &self.meta {
            sink.message(6, meta);
        }
        if let Some(read) = read.filter(|_| self.keeps_labels) {
            read.label_fields().for_each(|field| taken(sink, field));
        }
        for (key, value) in &self.labels {
            sink.message(7, &LabelRef { key, value });
        }
        if let Some(read) = read {
            read.unknown().for_each(|field| taken(sink, field));
        }
    }
}

/// A message that was read, as it came.
struct Taken<'a>(Merged<'a>, &'static Schema);

impl Message for Taken<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        self.0.fields().for_each(|field| sink.taken(self.1, field));
    }
}

impl Message for Timestamp {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        sink.long(1, self.seconds);
        sink.int(2, self.nanos);
    }
}

impl Message for LabelRef<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        sink.text(1, self.key);
        sink.text(2, self.value);
    }
}

impl Message for Data<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        match self {
            Self::Any(any) => {
                sink.text(1, any.type_url());
                sink.bytes(2, any.value());
            }
            Self::Message(name, message) => {
                sink.text_of(1, [PREFIX, name]);
                sink.bytes(2, message);
            }
            Self::Payload(shape, data) => packed(DataPayloadRef::NAME, &Payload(shape, data), sink),
            Self::Trigger(trigger) => packed(Trigger::NAME, trigger, sink),
            Self::IntervalTrigger(trigger) => packed(IntervalTrigger::NAME, trigger, sink),
        }
    }
}

/// A message in an `Any`. One without fields is not written, and is not missed.
fn packed(name: &str, message: &impl Message, sink: &mut (impl Sink + ?Sized)) {
    sink.text_of(1, [PREFIX, name]);
    if message.measure(u8::MAX).len > 0 {
        sink.opaque(2, message);
    }
}

struct Payload<'a>(&'a [u32], &'a [u8]);

/// Numbers one behind the other.
struct Packed<'a>(&'a [u32]);

impl Message for Packed<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        self.0.iter().for_each(|axis| sink.varint((*axis).into()));
    }
}

impl Message for Payload<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        if !self.0.is_empty() {
            sink.opaque(1, &Packed(self.0));
        }
        sink.bytes(2, self.1);
    }
}

impl Message for Trigger {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        if let Some(timestamp) = &self.timestamp {
            sink.message(2, timestamp);
        }
    }
}

impl Message for IntervalTrigger {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        for (number, timestamp) in [(2, &self.start), (3, &self.stop)] {
            if let Some(timestamp) = timestamp {
                sink.message(number, timestamp);
            }
        }
    }
}

impl Message for Meta<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        let (info, wavelet_buffer) = match &self.0 {
            Kind::Read(meta) => return Taken(meta.0, &META).put(sink),
            Kind::Made(info, wavelet_buffer) => (info, wavelet_buffer),
        };
        sink.int(1, info.data_type().0);
        match info {
            Info::TimeSeries(info) => sink.message(2, info),
            Info::Image(info) => sink.message(3, info),
            Info::Scalars(names) => sink.message(4, &Names(names)),
            Info::Text(mime_type) => sink.message(5, &Text(mime_type)),
            Info::Aligned(packages) => sink.message(6, &Aligned(packages)),
            Info::Typed(_) => {}
        }
        if let Some(info) = wavelet_buffer {
            sink.message(7, info);
        }
        if let Info::Typed(names) = info {
            sink.message(8, &Names(names));
        }
    }
}

impl Info<'_> {
    /// The type of the same kind.
    const fn data_type(&self) -> DataType {
        match self {
            Self::TimeSeries(_) => DataType::TIME_SERIES,
            Self::Image(_) => DataType::IMAGE,
            Self::Scalars(_) => DataType::SCALAR_VALUES,
            Self::Text(_) => DataType::TEXT,
            Self::Aligned(_) => DataType::ALIGNED_PACKAGE,
            Self::Typed(_) => DataType::TYPED_DATA,
        }
    }
}

impl Message for TimeSeriesInfo {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        for (number, timestamp) in [(1, &self.start), (2, &self.stop)] {
            if let Some(timestamp) = timestamp {
                sink.message(number, timestamp);
            }
        }
        sink.number(3, self.size);
        for (number, value) in [(4, self.first), (5, self.last), (6, self.min), (7, self.max), (8, self.mean)] {
            sink.float(number, value);
        }
    }
}

impl Message for ImageInfoRef<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        sink.int(1, self.image_type.0);
        sink.number(2, self.width);
        sink.number(3, self.height);
        sink.text(4, self.channel_layout);
    }
}

struct Names<'a>(&'a [NameRef<'a>]);

impl Message for Names<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        self.0.iter().for_each(|name| sink.message(1, name));
    }
}

impl Message for NameRef<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        sink.text(1, self.name);
        sink.int(2, self.status.0);
    }
}

struct Text<'a>(&'a str);

impl Message for Text<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        sink.text(1, self.0);
    }
}

struct Aligned<'a>(&'a [(&'a str, Option<Meta<'a>>)]);

impl Message for Aligned<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        self.0.iter().for_each(|(topic, meta)| sink.message(1, &PackageInfo(topic, meta.as_ref())));
    }
}

struct PackageInfo<'a>(&'a str, Option<&'a Meta<'a>>);

impl Message for PackageInfo<'_> {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        sink.text(1, self.0);
        if let Some(meta) = self.1 {
            sink.message(2, meta);
        }
    }
}

impl Message for WaveletBufferInfo {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        sink.number(1, self.abi_version.into());
        sink.number(2, self.wavelet_type.into());
        sink.number(3, self.decomposition_steps.into());
        sink.number(4, self.float_compression.into());
        match &self.denoising {
            None => {}
            Some(Denoising::None) => sink.message(15, &Floats(0.0, 0.0)),
            Some(Denoising::Threshold { a, b }) => sink.message(16, &Floats(*a, *b)),
            Some(Denoising::Partial(partial)) => sink.message(17, &Floats(*partial, 0.0)),
        }
    }
}

struct Floats(f32, f32);

impl Message for Floats {
    fn put(&self, sink: &mut (impl Sink + ?Sized)) {
        sink.float(1, self.0);
        sink.float(2, self.1);
    }
}

use core::fmt;

use crate::codes::{DataType, ImageType, StatusCode};
use crate::merged::{Merged, MergedFields, bytes};
use crate::package::text;
use crate::time::{Timestamp, int, uint};
use crate::wire::{Field, Fields, Value};

/// `MetaInfo`: what the payload of a package is.
#[derive(Clone, Copy)]
pub struct MetaRef<'a>(pub(crate) Merged<'a>, Meta);

/// What of a `MetaInfo` is read when it is checked: what nearly all packages have.
#[derive(Clone, Copy, Default)]
pub(crate) struct Meta {
    data_type: i32,
    /// The number of `info`; 0 if there is none.
    info: u32,
    series: TimeSeriesInfo,
    wavelet_buffer: Option<WaveletBufferInfo>,
}

impl Meta {
    /// Takes a field that was checked.
    #[inline(always)]
    pub(crate) fn take(&mut self, field: Field<'_>) {
        match (field.number, field.value) {
            (1, Value::Varint(value)) => self.data_type = int(value),
            (2, Value::Bytes(message)) => {
                let series = self.series();
                Fields::new(message).for_each(|field| series.take(field));
            }
            (7, Value::Bytes(message)) => {
                let wavelet_buffer = self.wavelet_buffer();
                Fields::new(message).for_each(|field| wavelet_buffer.take(field));
            }
            (number @ (3..=6 | 8), Value::Bytes(_)) => self.info = number,
            _ => {}
        }
    }

    /// To take another piece of it; what came of it before another was chosen does not count.
    #[inline]
    pub(crate) fn series(&mut self) -> &mut TimeSeriesInfo {
        if self.info != 2 {
            (self.info, self.series) = (2, TimeSeriesInfo::default());
        }
        &mut self.series
    }

    /// To take another piece of it.
    #[inline]
    pub(crate) fn wavelet_buffer(&mut self) -> &mut WaveletBufferInfo {
        self.wavelet_buffer.get_or_insert_default()
    }
}

/// What the `info` of a [`MetaRef`] says.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum InfoRef<'a> {
    /// `time_series_info`
    TimeSeries(TimeSeriesInfo),
    /// `image_info`
    Image(ImageInfoRef<'a>),
    /// `scalar_info`, deprecated since 0.6
    Scalars(NamesRef<'a>),
    /// `text_info`: the type of the text, such as `text/plain`
    Text(&'a str),
    /// `alignment_info`
    Aligned(AlignmentRef<'a>),
    /// `typed_data_info`
    Typed(NamesRef<'a>),
}

/// What format a payload has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PayloadKind {
    /// A wavelet buffer.
    WaveletBuffer,
    /// A JPEG file.
    Jpeg,
    /// Text.
    Text,
    /// DriftBytes.
    DriftBytes,
    /// What the packages it was made of had, one payload each.
    Aligned,
    /// Nobody said.
    Unknown,
}

impl<'a> MetaRef<'a> {
    pub(crate) const fn new(message: Merged<'a>, read: Meta) -> Self {
        Self(message, read)
    }

    /// Of a message that was checked, and not read.
    #[inline(never)]
    fn of(message: Merged<'a>) -> Self {
        let mut read = Meta::default();
        message.each(|field| read.take(field));
        Self(message, read)
    }

    /// What kind the data is said to be; nothing enforces that [`info`](Self::info) is of the same.
    #[must_use]
    #[inline]
    pub fn data_type(self) -> DataType {
        DataType(self.1.data_type)
    }

    /// What is told of it. Of several the last counts.
    #[must_use]
    #[inline]
    pub fn info(self) -> Option<InfoRef<'a>> {
        match self.1.info {
            0 => None,
            2 => Some(InfoRef::TimeSeries(self.1.series)),
            _ => other_info(self.0),
        }
    }

    /// How the wavelet buffer was made; beside any of the others.
    #[must_use]
    #[inline]
    pub fn wavelet_buffer(self) -> Option<WaveletBufferInfo> {
        self.1.wavelet_buffer
    }

    /// What format the payload has, by what kind the data is said to be.
    #[must_use]
    pub fn payload_kind(self) -> PayloadKind {
        match (self.data_type(), self.info()) {
            (DataType::TIME_SERIES | DataType::SCALAR_VALUES, _) => PayloadKind::WaveletBuffer,
            (DataType::IMAGE, Some(InfoRef::Image(image))) => match image.image_type {
                ImageType::WB => PayloadKind::WaveletBuffer,
                ImageType::JPEG => PayloadKind::Jpeg,
                _ => PayloadKind::Unknown,
            },
            (DataType::IMAGE, _) => PayloadKind::WaveletBuffer,
            (DataType::TEXT, _) => PayloadKind::Text,
            (DataType::ALIGNED_PACKAGE, _) => PayloadKind::Aligned,
            (DataType::TYPED_DATA, _) => PayloadKind::DriftBytes,
            _ => PayloadKind::Unknown,
        }
    }
}

/// What is told of what is not a time series.
fn other_info(meta: Merged<'_>) -> Option<InfoRef<'_>> {
    let (number, message) = meta.oneof(|number| matches!(number, 2..=6 | 8))?;
    Some(match number {
        3 => InfoRef::Image(ImageInfoRef::of(message)),
        4 => InfoRef::Scalars(NamesRef(message)),
        5 => InfoRef::Text(message.last(1, bytes).map(text).unwrap_or_default()),
        6 => InfoRef::Aligned(AlignmentRef(message)),
        _ => InfoRef::Typed(NamesRef(message)),
    })
}

impl PartialEq for MetaRef<'_> {
    /// By what they say. A NaN is equal to nothing.
    fn eq(&self, other: &Self) -> bool {
        match (self.aligned(), other.aligned()) {
            (Some(packages), Some(others)) => self.is_like(other) && packages == others,
            (None, None) => self.is_like(other) && self.tells_the_same(other),
            _ => false,
        }
    }
}

/// Apart from one another, since metas in one another are compared, and made into others, by recursion.
impl<'a> MetaRef<'a> {
    /// What is told of packages, if that is told.
    #[inline(never)]
    pub(crate) fn aligned(&self) -> Option<AlignmentRef<'a>> {
        if let Some(InfoRef::Aligned(packages)) = self.info() { Some(packages) } else { None }
    }

    #[inline(never)]
    fn is_like(&self, other: &Self) -> bool {
        self.data_type() == other.data_type() && self.wavelet_buffer() == other.wavelet_buffer()
    }

    #[inline(never)]
    fn tells_the_same(&self, other: &Self) -> bool {
        self.info() == other.info()
    }
}

impl fmt::Debug for MetaRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Meta { data_type, wavelet_buffer, .. } = &self.1;
        f.debug_struct("MetaRef")
            .field("data_type", &DataType(*data_type))
            .field("info", &self.info())
            .field("wavelet_buffer", wavelet_buffer)
            .finish()
    }
}

/// `TimeSeriesInfo`. Since 0.3 with what follows `size`; before, these are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "all that it has since 2022")]
pub struct TimeSeriesInfo {
    /// The first point.
    pub start: Option<Timestamp>,
    /// The last point.
    pub stop: Option<Timestamp>,
    /// Points of the whole signal, in all payloads together.
    pub size: u64,
    /// The first value.
    pub first: f32,
    /// The last value.
    pub last: f32,
    /// The least value.
    pub min: f32,
    /// The largest value.
    pub max: f32,
    /// The mean of all values.
    pub mean: f32,
}

impl TimeSeriesInfo {
    /// Takes a field that was checked.
    #[inline(always)]
    pub(crate) fn take(&mut self, field: Field<'_>) {
        match (field.number, field.value) {
            (1, Value::Bytes(message)) => self.start.get_or_insert_default().merge(message),
            (2, Value::Bytes(message)) => self.stop.get_or_insert_default().merge(message),
            (3, Value::Varint(size)) => self.size = size,
            (4, Value::Fixed32(bits)) => self.first = f32::from_bits(bits),
            (5, Value::Fixed32(bits)) => self.last = f32::from_bits(bits),
            (6, Value::Fixed32(bits)) => self.min = f32::from_bits(bits),
            (7, Value::Fixed32(bits)) => self.max = f32::from_bits(bits),
            (8, Value::Fixed32(bits)) => self.mean = f32::from_bits(bits),
            _ => {}
        }
    }
}

/// `ImageInfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that it has since 2022")]
pub struct ImageInfoRef<'a> {
    /// How it is stored.
    pub image_type: ImageType,
    /// Pixels of a row.
    pub width: u64,
    /// Rows.
    pub height: u64,
    /// `RGB`, `HSL` and `G` in the order of the channels; nothing counts as `RGB`.
    pub channel_layout: &'a str,
}

impl<'a> ImageInfoRef<'a> {
    fn of(message: Merged<'a>) -> Self {
        let mut info = Self::default();
        message.each(|field| match (field.number, field.value) {
            (1, Value::Varint(kind)) => info.image_type = ImageType(int(kind)),
            (2, Value::Varint(width)) => info.width = width,
            (3, Value::Varint(height)) => info.height = height,
            (4, Value::Bytes(layout)) => info.channel_layout = text(layout),
            _ => {}
        });
        info
    }
}

/// The names of scalar values or of items of typed data, in the order of the payload.
#[derive(Clone, Copy)]
pub struct NamesRef<'a>(Merged<'a>);

/// The name of a value, and whether it is to be trusted. A bad one has its place in the payload, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that it has since 2022")]
pub struct NameRef<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its status; good before 0.3.
    pub status: StatusCode,
}

impl<'a> NamesRef<'a> {
    /// Them.
    #[must_use]
    pub fn iter(self) -> Names<'a> {
        Names(self.0.fields())
    }
}

impl<'a> IntoIterator for NamesRef<'a> {
    type Item = NameRef<'a>;
    type IntoIter = Names<'a>;

    fn into_iter(self) -> Names<'a> {
        self.iter()
    }
}

/// Iterator over [`NamesRef`].
#[derive(Clone, Debug)]
pub struct Names<'a>(MergedFields<'a>);

impl<'a> Iterator for Names<'a> {
    type Item = NameRef<'a>;

    fn next(&mut self) -> Option<NameRef<'a>> {
        let message = self.0.find_map(|field| bytes(field.value).filter(|_| field.number == 1))?;
        let mut named = NameRef::default();
        for field in Fields::new(message) {
            match (field.number, field.value) {
                (1, Value::Bytes(name)) => named.name = text(name),
                (2, Value::Varint(status)) => named.status = StatusCode(int(status)),
                _ => {}
            }
        }
        Some(named)
    }
}

/// `AlignmentInfo`: packages of several topics in one. By convention the package has a payload for each, in the same order.
///
/// ```
/// use drift_proto::{Info, InfoRef, Meta, PackageBuilder};
///
/// let text = || Some(Meta::new(Info::Text("text/plain")));
/// let mut package = PackageBuilder::new(7);
/// package.meta = Some(Meta::new(Info::Aligned(vec![("drift/a", text()), ("drift/b", text())])));
/// let package = package.payload(b"of a").payload(b"of b").build()?;
///
/// let Some(InfoRef::Aligned(sources)) = package.as_ref().meta().unwrap().info() else { panic!() };
/// for (source, payload) in sources.iter().zip(package.as_ref().payloads()) {
///     println!("{}: {} bytes of {:?}", source.topic, payload?.data().len(), source.meta.map(|meta| meta.payload_kind()));
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct AlignmentRef<'a>(Merged<'a>);

/// A package that was aligned with others.
#[derive(Clone, Copy, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "all that it has since 2022")]
pub struct PackageInfoRef<'a> {
    /// The topic it came from.
    pub topic: &'a str,
    /// What its payload is; since 0.2.
    pub meta: Option<MetaRef<'a>>,
}

impl fmt::Debug for PackageInfoRef<'_> {
    /// With the type of the meta alone: there may be others in it, as deep as limits allow.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data_type = self.meta.as_ref().map(|meta| DataType(meta.1.data_type));
        f.debug_struct("PackageInfoRef").field("topic", &self.topic).field("meta", &data_type).finish()
    }
}

impl<'a> AlignmentRef<'a> {
    /// Them.
    #[must_use]
    pub fn iter(self) -> PackageInfos<'a> {
        PackageInfos(self.0.fields())
    }
}

impl<'a> IntoIterator for AlignmentRef<'a> {
    type Item = PackageInfoRef<'a>;
    type IntoIter = PackageInfos<'a>;

    fn into_iter(self) -> PackageInfos<'a> {
        self.iter()
    }
}

/// Iterator over an [`AlignmentRef`].
#[derive(Clone, Debug)]
pub struct PackageInfos<'a>(MergedFields<'a>);

impl<'a> Iterator for PackageInfos<'a> {
    type Item = PackageInfoRef<'a>;

    fn next(&mut self) -> Option<PackageInfoRef<'a>> {
        let message = self.0.find_map(|field| bytes(field.value).filter(|_| field.number == 1))?;
        let message = Merged::one(message);
        let topic = message.last(1, bytes).map(text).unwrap_or_default();
        Some(PackageInfoRef { topic, meta: message.sub(2).map(MetaRef::of) })
    }
}

macro_rules! by_items {
    ($($name:ident)*) => {$(
        impl PartialEq for $name<'_> {
            fn eq(&self, other: &Self) -> bool {
                let mut others = other.iter();
                // A loop of our own: adapters would be on the stack for each of the metas in one another.
                for item in self.iter() {
                    if !others.next().is_some_and(|other| item == other) {
                        return false;
                    }
                }
                others.next().is_none()
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries(self.iter()).finish()
            }
        }
    )*};
}

by_items!(NamesRef AlignmentRef);

/// `WaveletBufferInfo`: how a wavelet buffer was made; since 0.5.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "all that it has since 2023")]
pub struct WaveletBufferInfo {
    /// The version of the algorithm.
    pub abi_version: u32,
    /// 0 for none, 1 to 5 for the wavelets `DB1` to `DB5`.
    pub wavelet_type: u32,
    /// Steps of decomposition.
    pub decomposition_steps: u32,
    /// 0 for none; 1 to 31 keep 33 less that bits of a float.
    pub float_compression: u32,
    /// What was taken away.
    pub denoising: Option<Denoising>,
}

/// What was taken away from a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Denoising {
    /// `no_denoising`
    None,
    /// `threshold_denoising`: coefficients up to `a` times the step and `b` became 0.
    Threshold {
        /// By step.
        a: f32,
        /// In any case.
        b: f32,
    },
    /// `partial_denoising`: this part of the coefficients became 0.
    Partial(f32),
}

impl WaveletBufferInfo {
    /// Takes a field that was checked.
    #[inline(always)]
    pub(crate) fn take(&mut self, field: Field<'_>) {
        match (field.number, field.value) {
            (1, Value::Varint(value)) => self.abi_version = uint(value),
            (2, Value::Varint(value)) => self.wavelet_type = uint(value),
            (3, Value::Varint(value)) => self.decomposition_steps = uint(value),
            (4, Value::Varint(value)) => self.float_compression = uint(value),
            (number @ 15..=17, Value::Bytes(message)) => {
                self.denoising = Some(Denoising::merge(self.denoising, number, message));
            }
            _ => {}
        }
    }
}

impl Denoising {
    /// Takes another message of the choice: what was of the same stays, if it does not say otherwise.
    fn merge(before: Option<Self>, number: u32, message: &[u8]) -> Self {
        let mut floats = Self::floats(before, number);
        Fields::new(message).for_each(|field| Self::take(&mut floats, field));
        Self::of(number, floats)
    }

    /// The numbers so far.
    #[inline]
    pub(crate) const fn floats(before: Option<Self>, number: u32) -> [f32; 2] {
        match (number, before) {
            (16, Some(Self::Threshold { a, b })) => [a, b],
            (17, Some(Self::Partial(partial))) => [partial, 0.0],
            _ => [0.0; 2],
        }
    }

    #[inline(always)]
    pub(crate) fn take([a, b]: &mut [f32; 2], field: Field<'_>) {
        match (field.number, field.value) {
            (1, Value::Fixed32(bits)) => *a = f32::from_bits(bits),
            (2, Value::Fixed32(bits)) => *b = f32::from_bits(bits),
            _ => {}
        }
    }

    /// The message with this number.
    #[inline]
    pub(crate) const fn of(number: u32, [a, b]: [f32; 2]) -> Self {
        match number {
            15 => Self::None,
            16 => Self::Threshold { a, b },
            _ => Self::Partial(a),
        }
    }
}

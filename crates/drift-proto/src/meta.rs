use core::fmt;

use crate::codes::{DataType, ImageType, StatusCode};
use crate::merged::{Merged, MergedFields, bytes};
use crate::package::text;
use crate::time::{Timestamp, int, uint};
use crate::wire::Value;

/// `MetaInfo`: what the payload of a package is.
#[derive(Clone, Copy)]
pub struct MetaRef<'a>(pub(crate) Merged<'a>);

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
    /// What kind the data is said to be; nothing enforces that [`info`](Self::info) is of the same.
    #[must_use]
    pub fn data_type(self) -> DataType {
        DataType(self.0.last(1, varint).map(int).unwrap_or_default())
    }

    /// What is told of it. Of several the last counts.
    #[must_use]
    pub fn info(self) -> Option<InfoRef<'a>> {
        let (number, message) = self.0.oneof(|number| matches!(number, 2..=6 | 8))?;
        Some(match number {
            2 => InfoRef::TimeSeries(TimeSeriesInfo::of(message)),
            3 => InfoRef::Image(ImageInfoRef::of(message)),
            4 => InfoRef::Scalars(NamesRef(message)),
            5 => InfoRef::Text(message.last(1, bytes).map(text).unwrap_or_default()),
            6 => InfoRef::Aligned(AlignmentRef(message)),
            _ => InfoRef::Typed(NamesRef(message)),
        })
    }

    /// How the wavelet buffer was made; beside any of the others.
    #[must_use]
    pub fn wavelet_buffer(self) -> Option<WaveletBufferInfo> {
        self.0.sub(7).map(WaveletBufferInfo::of)
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

impl PartialEq for MetaRef<'_> {
    /// By what they say.
    fn eq(&self, other: &Self) -> bool {
        self.data_type() == other.data_type()
            && self.info() == other.info()
            && self.wavelet_buffer() == other.wavelet_buffer()
    }
}

impl fmt::Debug for MetaRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetaRef")
            .field("data_type", &self.data_type())
            .field("info", &self.info())
            .field("wavelet_buffer", &self.wavelet_buffer())
            .finish()
    }
}

fn varint(value: Value<'_>) -> Option<u64> {
    if let Value::Varint(value) = value { Some(value) } else { None }
}

fn float(value: Value<'_>) -> Option<f32> {
    if let Value::Fixed32(bits) = value { Some(f32::from_bits(bits)) } else { None }
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
    fn of(message: Merged<'_>) -> Self {
        let mut info =
            Self { start: Timestamp::of(message.sub(1)), stop: Timestamp::of(message.sub(2)), ..Self::default() };
        for field in message.fields() {
            match (field.number, field.value) {
                (3, Value::Varint(size)) => info.size = size,
                (4, Value::Fixed32(bits)) => info.first = f32::from_bits(bits),
                (5, Value::Fixed32(bits)) => info.last = f32::from_bits(bits),
                (6, Value::Fixed32(bits)) => info.min = f32::from_bits(bits),
                (7, Value::Fixed32(bits)) => info.max = f32::from_bits(bits),
                (8, Value::Fixed32(bits)) => info.mean = f32::from_bits(bits),
                _ => {}
            }
        }
        info
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
        for field in message.fields() {
            match (field.number, field.value) {
                (1, Value::Varint(kind)) => info.image_type = ImageType(int(kind)),
                (2, Value::Varint(width)) => info.width = width,
                (3, Value::Varint(height)) => info.height = height,
                (4, Value::Bytes(layout)) => info.channel_layout = text(layout),
                _ => {}
            }
        }
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
        for field in Merged::one(message).fields() {
            match (field.number, field.value) {
                (1, Value::Bytes(name)) => named.name = text(name),
                (2, Value::Varint(status)) => named.status = StatusCode(int(status)),
                _ => {}
            }
        }
        Some(named)
    }
}

/// `AlignmentInfo`: packages of several topics in one.
#[derive(Clone, Copy)]
pub struct AlignmentRef<'a>(Merged<'a>);

/// A package that was aligned with others.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "all that it has since 2022")]
pub struct PackageInfoRef<'a> {
    /// The topic it came from.
    pub topic: &'a str,
    /// What its payload is; since 0.2.
    pub meta: Option<MetaRef<'a>>,
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
        Some(PackageInfoRef { topic, meta: message.sub(2).map(MetaRef) })
    }
}

macro_rules! by_items {
    ($($name:ident)*) => {$(
        impl PartialEq for $name<'_> {
            fn eq(&self, other: &Self) -> bool {
                self.iter().eq(other.iter())
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
    fn of(message: Merged<'_>) -> Self {
        let mut info = Self::default();
        for field in message.fields() {
            let Value::Varint(value) = field.value else { continue };
            match field.number {
                1 => info.abi_version = uint(value),
                2 => info.wavelet_type = uint(value),
                3 => info.decomposition_steps = uint(value),
                4 => info.float_compression = uint(value),
                _ => {}
            }
        }
        let float = |message: Merged<'_>, number| message.last(number, float).unwrap_or_default();
        info.denoising = message.oneof(|number| matches!(number, 15..=17)).map(|(number, message)| match number {
            15 => Denoising::None,
            16 => Denoising::Threshold { a: float(message, 1), b: float(message, 2) },
            _ => Denoising::Partial(float(message, 1)),
        });
        info
    }
}

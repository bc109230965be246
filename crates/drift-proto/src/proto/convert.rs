//! Between views and the types of prost. What these cannot hold is left out: fields that are not known.

use alloc::vec::Vec;

use bytes::Bytes;
use prost::{Message, Name, UnknownEnumValue};

use super::common::{DriftPackage, drift_package};
use super::meta::meta_info::{self, Info};
use super::meta::wavelet_buffer_info::{
    Denoising as ProstDenoising, NoDenoising, PartialDenoising, ThresholdDenoising,
};
use super::{common, meta, protobuf, trigger_service};
use crate::any::{AnyRef, Unpack};
use crate::codes::{DataType, ImageType, StatusCode};
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::meta::{
    Denoising, ImageInfoRef, InfoRef, MetaRef, NameRef, PackageInfoRef, TimeSeriesInfo, WaveletBufferInfo,
};
use crate::owned::Package;
use crate::package::{LabelRef, PackageRef};
use crate::payload::{DataPayloadRef, IntervalTrigger, Trigger};
use crate::time::Timestamp;

impl From<PackageRef<'_>> for DriftPackage {
    /// Copies what messages in `data` hold; `From<&Package>` does not. As deep in itself as the package is.
    fn from(package: PackageRef<'_>) -> Self {
        of_package(package, Bytes::copy_from_slice)
    }
}

impl From<&Package> for DriftPackage {
    /// Shares what messages in `data` hold.
    fn from(package: &Package) -> Self {
        of_package(package.as_ref(), |value| package.share(value).unwrap_or_default())
    }
}

fn of_package(package: PackageRef<'_>, share: impl Fn(&[u8]) -> Bytes) -> DriftPackage {
    let any = |any: AnyRef<'_>| protobuf::Any { type_url: any.type_url().into(), value: share(any.value()) };
    DriftPackage {
        id: package.id(),
        source_timestamp: package.source_timestamp().map(Into::into),
        publish_timestamp: package.publish_timestamp().map(Into::into),
        status: package.status().0,
        data: package.data().map(any).collect(),
        meta: package.meta().map(Into::into),
        labels: package.labels().map(Into::into).collect(),
    }
}

impl TryFrom<&DriftPackage> for Package {
    type Error = DecodeError;

    /// Written, and read again: more than [`Limits::DEFAULT`] allow is an error. Under others: `Package::decode_with` of what prost writes.
    fn try_from(package: &DriftPackage) -> Result<Self, DecodeError> {
        Self::decode(package.encode_to_vec().into())
    }
}

impl protobuf::Any {
    /// A message with its name behind `type.googleapis.com/`.
    #[must_use]
    pub fn pack<M: Message + Name>(message: &M) -> Self {
        let type_url = [crate::any::PREFIX, &M::full_name()].concat();
        Self { type_url, value: message.encode_to_vec().into() }
    }

    /// The same, where it lies.
    #[must_use]
    pub fn as_ref(&self) -> AnyRef<'_> {
        AnyRef::new(&self.type_url, &self.value)
    }

    /// Whether it is a message of this type, whatever is in front of the last slash.
    #[must_use]
    pub fn is<M: Name>(&self) -> bool {
        self.as_ref().is(&M::full_name())
    }

    /// The message, if it is of this type. Its bytes are shared.
    ///
    /// # Errors
    ///
    /// As prost has them.
    pub fn unpack<M: Message + Name + Default>(&self) -> Result<Option<M>, prost::DecodeError> {
        if self.is::<M>() { M::decode(self.value.clone()).map(Some) } else { Ok(None) }
    }

    /// The message as a view, if it is of this type.
    ///
    /// # Errors
    ///
    /// As [`AnyRef::unpack`].
    pub fn unpack_ref<'a, T: Unpack<'a>>(&'a self) -> Result<Option<T>, DecodeError> {
        self.as_ref().unpack()
    }

    /// The same under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`AnyRef::unpack`].
    pub fn unpack_ref_with<'a, T: Unpack<'a>>(&'a self, limits: &Limits) -> Result<Option<T>, DecodeError> {
        self.as_ref().unpack_with(limits)
    }
}

impl AnyRef<'_> {
    /// The message as prost has it, if it is of this type. The limits are those of prost: 100 messages in one another.
    ///
    /// # Errors
    ///
    /// As prost has them.
    pub fn unpack_message<M: Message + Name + Default>(self) -> Result<Option<M>, prost::DecodeError> {
        if self.is(&M::full_name()) { M::decode(self.value()).map(Some) } else { Ok(None) }
    }
}

impl From<Timestamp> for protobuf::Timestamp {
    fn from(Timestamp { seconds, nanos }: Timestamp) -> Self {
        Self { seconds, nanos }
    }
}

impl From<protobuf::Timestamp> for Timestamp {
    fn from(protobuf::Timestamp { seconds, nanos }: protobuf::Timestamp) -> Self {
        Self { seconds, nanos }
    }
}

macro_rules! numbers {
    ($($ours:ident, $theirs:path;)*) => {$(
        impl From<$theirs> for $ours {
            fn from(number: $theirs) -> Self {
                Self(number as i32)
            }
        }

        impl TryFrom<$ours> for $theirs {
            type Error = UnknownEnumValue;

            fn try_from(number: $ours) -> Result<Self, UnknownEnumValue> {
                number.0.try_into()
            }
        }
    )*};
}

numbers! {
    StatusCode, common::StatusCode;
    DataType, meta_info::DataType;
    ImageType, meta::image_info::ImageType;
}

impl From<LabelRef<'_>> for drift_package::Label {
    fn from(LabelRef { key, value }: LabelRef<'_>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

impl From<DataPayloadRef<'_>> for common::DataPayload {
    fn from(payload: DataPayloadRef<'_>) -> Self {
        Self { shape: payload.shape().collect(), data: Bytes::copy_from_slice(payload.data()) }
    }
}

impl From<Trigger> for trigger_service::TriggerMessage {
    fn from(Trigger { timestamp }: Trigger) -> Self {
        Self { timestamp: timestamp.map(Into::into) }
    }
}

impl From<trigger_service::TriggerMessage> for Trigger {
    fn from(message: trigger_service::TriggerMessage) -> Self {
        Self { timestamp: message.timestamp.map(Into::into) }
    }
}

impl From<IntervalTrigger> for trigger_service::IntervalTriggerMessage {
    fn from(IntervalTrigger { start, stop }: IntervalTrigger) -> Self {
        Self { start_timestamp: start.map(Into::into), stop_timestamp: stop.map(Into::into) }
    }
}

impl From<trigger_service::IntervalTriggerMessage> for IntervalTrigger {
    fn from(message: trigger_service::IntervalTriggerMessage) -> Self {
        Self { start: message.start_timestamp.map(Into::into), stop: message.stop_timestamp.map(Into::into) }
    }
}

impl From<MetaRef<'_>> for meta::MetaInfo {
    /// As deep in itself as the meta is.
    fn from(meta: MetaRef<'_>) -> Self {
        let mut made = Self::default();
        fill(&mut made, &meta);
        made
    }
}

/// The only recursion there is, so little is kept on the stack.
fn fill(made: &mut meta::MetaInfo, meta: &MetaRef<'_>) {
    fill_flat(made, meta);
    let Some(packages) = meta.aligned() else { return };
    let mut infos = Vec::new();
    for package in packages {
        infos.push(topic_of(&package));
        if let (Some(meta), Some(info)) = (&package.meta, infos.last_mut()) {
            fill(info.meta.get_or_insert_default(), meta);
        }
    }
    made.info = Some(Info::AlignmentInfo(meta::AlignmentInfo { packages: infos }));
}

#[inline(never)]
fn topic_of(package: &PackageInfoRef<'_>) -> meta::alignment_info::PackageInfo {
    meta::alignment_info::PackageInfo { topic: package.topic.into(), meta: None }
}

/// All but metas in it.
#[inline(never)]
fn fill_flat(made: &mut meta::MetaInfo, meta: &MetaRef<'_>) {
    made.r#type = meta.data_type().0;
    made.wavelet_buffer_info = meta.wavelet_buffer().map(Into::into);
    made.info = match meta.info() {
        None | Some(InfoRef::Aligned(_)) => None,
        Some(InfoRef::TimeSeries(info)) => Some(Info::TimeSeriesInfo(info.into())),
        Some(InfoRef::Image(info)) => Some(Info::ImageInfo(info.into())),
        Some(InfoRef::Scalars(names)) => {
            Some(Info::ScalarInfo(meta::ScalarValuesInfo { variables: names.iter().map(Into::into).collect() }))
        }
        Some(InfoRef::Text(mime_type)) => Some(Info::TextInfo(meta::TextInfo { mime_type: mime_type.into() })),
        Some(InfoRef::Typed(names)) => {
            Some(Info::TypedDataInfo(meta::TypedDataInfo { items: names.iter().map(Into::into).collect() }))
        }
    };
}

impl From<NameRef<'_>> for meta::scalar_values_info::VariableInfo {
    fn from(NameRef { name, status }: NameRef<'_>) -> Self {
        Self { name: name.into(), status: status.0 }
    }
}

impl From<NameRef<'_>> for meta::typed_data_info::Item {
    fn from(NameRef { name, status }: NameRef<'_>) -> Self {
        Self { name: name.into(), status: status.0 }
    }
}

impl From<TimeSeriesInfo> for meta::TimeSeriesInfo {
    fn from(info: TimeSeriesInfo) -> Self {
        let TimeSeriesInfo { start, stop, size, first, last, min, max, mean } = info;
        let (start_timestamp, stop_timestamp) = (start.map(Into::into), stop.map(Into::into));
        Self { start_timestamp, stop_timestamp, size, first, last, min, max, mean }
    }
}

impl From<meta::TimeSeriesInfo> for TimeSeriesInfo {
    fn from(info: meta::TimeSeriesInfo) -> Self {
        let meta::TimeSeriesInfo { start_timestamp, stop_timestamp, size, first, last, min, max, mean } = info;
        let (start, stop) = (start_timestamp.map(Into::into), stop_timestamp.map(Into::into));
        Self { start, stop, size, first, last, min, max, mean }
    }
}

impl From<ImageInfoRef<'_>> for meta::ImageInfo {
    fn from(ImageInfoRef { image_type, width, height, channel_layout }: ImageInfoRef<'_>) -> Self {
        Self { r#type: image_type.0, width, height, channel_layout: channel_layout.into() }
    }
}

impl From<WaveletBufferInfo> for meta::WaveletBufferInfo {
    fn from(info: WaveletBufferInfo) -> Self {
        let WaveletBufferInfo { abi_version, wavelet_type, decomposition_steps, float_compression, denoising } = info;
        let denoising = denoising.map(|denoising| match denoising {
            Denoising::None => ProstDenoising::NoDenoising(NoDenoising {}),
            Denoising::Threshold { a, b } => ProstDenoising::ThresholdDenoising(ThresholdDenoising { a, b }),
            Denoising::Partial(partial) => ProstDenoising::PartialDenoising(PartialDenoising { partial }),
        });
        Self { abi_version, wavelet_type, decomposition_steps, float_compression, denoising }
    }
}

impl From<meta::WaveletBufferInfo> for WaveletBufferInfo {
    fn from(info: meta::WaveletBufferInfo) -> Self {
        let meta::WaveletBufferInfo { abi_version, wavelet_type, decomposition_steps, float_compression, denoising } =
            info;
        let denoising = denoising.map(|denoising| match denoising {
            ProstDenoising::NoDenoising(NoDenoising {}) => Denoising::None,
            ProstDenoising::ThresholdDenoising(ThresholdDenoising { a, b }) => Denoising::Threshold { a, b },
            ProstDenoising::PartialDenoising(PartialDenoising { partial }) => Denoising::Partial(partial),
        });
        Self { abi_version, wavelet_type, decomposition_steps, float_compression, denoising }
    }
}

//! The messages by their names and numbers, and what unpacks them.

use drift_proto::{
    AlignedPackageRef, AnyRef, DataPayloadRef, DataType, DecodeError, ImageType, IntervalTrigger, Limits, PackageRef,
    Trigger, Unpack,
};

/// A message, and its fields by their numbers.
pub(super) struct Message {
    pub(super) name: &'static str,
    pub(super) fields: &'static [(u64, &'static str, Kind)],
}

/// How a field is to be read.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Int64,
    /// Milliseconds since 1970.
    Millis,
    Int32,
    UInt64,
    UInt32,
    Float,
    Text,
    /// Packed or not.
    UInt32s,
    Status,
    DataType,
    ImageType,
    WaveletType,
    /// Of floats, by what is kept of them.
    Compression,
    /// The bytes of a payload.
    Payload,
    /// A message of the type that is told beside it.
    Packed,
    Message(&'static Message),
}

use Kind::{Float, Int32, Int64, Text, UInt32, UInt64};

const fn of(message: &'static Message) -> Kind {
    Kind::Message(message)
}

pub(super) static PACKAGE: Message = Message {
    name: "DriftPackage",
    fields: &[
        (1, "id", Kind::Millis),
        (2, "source_timestamp", of(&TIMESTAMP)),
        (3, "publish_timestamp", of(&TIMESTAMP)),
        (4, "status", Kind::Status),
        (5, "data", of(&ANY)),
        (6, "meta", of(&META)),
        (7, "labels", of(&LABEL)),
    ],
};

pub(super) static TIMESTAMP: Message =
    Message { name: "Timestamp", fields: &[(1, "seconds", Int64), (2, "nanos", Int32)] };

pub(super) static ANY: Message = Message { name: "Any", fields: &[(1, "type_url", Text), (2, "value", Kind::Packed)] };

static LABEL: Message = Message { name: "Label", fields: &[(1, "key", Text), (2, "value", Text)] };

pub(super) static DATA_PAYLOAD: Message =
    Message { name: "DataPayload", fields: &[(1, "shape", Kind::UInt32s), (2, "data", Kind::Payload)] };

pub(super) static META: Message = Message {
    name: "MetaInfo",
    fields: &[
        (1, "type", Kind::DataType),
        (2, "time_series_info", of(&TIME_SERIES)),
        (3, "image_info", of(&IMAGE)),
        (4, "scalar_info", of(&SCALARS)),
        (5, "text_info", of(&TEXT)),
        (6, "alignment_info", of(&ALIGNMENT)),
        (7, "wavelet_buffer_info", of(&WAVELET)),
        (8, "typed_data_info", of(&TYPED)),
    ],
};

static TIME_SERIES: Message = Message {
    name: "TimeSeriesInfo",
    fields: &[
        (1, "start_timestamp", of(&TIMESTAMP)),
        (2, "stop_timestamp", of(&TIMESTAMP)),
        (3, "size", UInt64),
        (4, "first", Float),
        (5, "last", Float),
        (6, "min", Float),
        (7, "max", Float),
        (8, "mean", Float),
    ],
};

static IMAGE: Message = Message {
    name: "ImageInfo",
    fields: &[(1, "type", Kind::ImageType), (2, "width", UInt64), (3, "height", UInt64), (4, "channel_layout", Text)],
};

static SCALARS: Message = Message { name: "ScalarValuesInfo", fields: &[(1, "variables", of(&VARIABLE))] };
static VARIABLE: Message = Message { name: "VariableInfo", fields: &[(1, "name", Text), (2, "status", Kind::Status)] };
static TEXT: Message = Message { name: "TextInfo", fields: &[(1, "mime_type", Text)] };
static ALIGNMENT: Message = Message { name: "AlignmentInfo", fields: &[(1, "packages", of(&PACKAGE_INFO))] };
static PACKAGE_INFO: Message = Message { name: "PackageInfo", fields: &[(1, "topic", Text), (2, "meta", of(&META))] };
static TYPED: Message = Message { name: "TypedDataInfo", fields: &[(1, "items", of(&ITEM))] };
static ITEM: Message = Message { name: "Item", fields: &[(1, "name", Text), (2, "status", Kind::Status)] };

static WAVELET: Message = Message {
    name: "WaveletBufferInfo",
    fields: &[
        (1, "abi_version", UInt32),
        (2, "wavelet_type", Kind::WaveletType),
        (3, "decomposition_steps", UInt32),
        (4, "float_compression", Kind::Compression),
        (15, "no_denoising", of(&NO_DENOISING)),
        (16, "threshold_denoising", of(&THRESHOLD)),
        (17, "partial_denoising", of(&PARTIAL)),
    ],
};

static NO_DENOISING: Message = Message { name: "NoDenoising", fields: &[] };
static THRESHOLD: Message = Message { name: "ThresholdDenoising", fields: &[(1, "a", Float), (2, "b", Float)] };
static PARTIAL: Message = Message { name: "PartialDenoising", fields: &[(1, "partial", Float)] };

static TRIGGER: Message = Message { name: "TriggerMessage", fields: &[(2, "timestamp", of(&TIMESTAMP))] };

static INTERVAL_TRIGGER: Message = Message {
    name: "IntervalTriggerMessage",
    fields: &[(2, "start_timestamp", of(&TIMESTAMP)), (3, "stop_timestamp", of(&TIMESTAMP))],
};

static ALIGNED_PACKAGE: Message =
    Message { name: "AlignedPackage", fields: &[(1, "topic_name", Text), (2, "payloads", of(&DATA_PAYLOAD))] };

/// Of what is in a package, whose length is allowed.
pub(super) const LIMITS: Limits = Limits::DEFAULT.with_max_len(u32::MAX);

pub(super) const PAYLOAD: &str = DataPayloadRef::NAME;

/// What an `Any` holds, if it is known and decodes.
pub(super) fn packed(any: AnyRef<'_>) -> Option<&'static Message> {
    unpacked(any).ok()?;
    Some(match any.name()? {
        DataPayloadRef::NAME => &DATA_PAYLOAD,
        Trigger::NAME => &TRIGGER,
        IntervalTrigger::NAME => &INTERVAL_TRIGGER,
        AlignedPackageRef::NAME => &ALIGNED_PACKAGE,
        PackageRef::NAME => &PACKAGE,
        _ => return None,
    })
}

/// Whether an `Any` is what it says, as far as that is known; and the payload, if it is one.
pub(super) fn unpacked(any: AnyRef<'_>) -> Result<Option<DataPayloadRef<'_>>, DecodeError> {
    match any.name() {
        Some(Trigger::NAME) => any.unpack_with::<Trigger>(&LIMITS).map(|_| None),
        Some(IntervalTrigger::NAME) => any.unpack_with::<IntervalTrigger>(&LIMITS).map(|_| None),
        Some(AlignedPackageRef::NAME) => any.unpack_with::<AlignedPackageRef<'_>>(&LIMITS).map(|_| None),
        Some(PackageRef::NAME) => any.unpack_with::<PackageRef<'_>>(&LIMITS).map(|_| None),
        _ => any.unpack_with(&LIMITS),
    }
}

/// A number with its name, if it has one.
pub(super) fn data_type(number: i32) -> &'static str {
    DataType(number).name().unwrap_or_default()
}

pub(super) fn image_type(number: i32) -> &'static str {
    ImageType(number).name().unwrap_or_default()
}

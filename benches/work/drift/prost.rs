//! The messages with `Vec<u8>` and `String`, as prost makes them unless it is told otherwise, and prost-types' own.

use prost::{Message, Name, Oneof};
use prost_types::{Any, Timestamp};

#[derive(Clone, PartialEq, Message)]
pub(super) struct DriftPackage {
    #[prost(int64, tag = "1")]
    pub(super) id: i64,
    #[prost(message, optional, tag = "2")]
    pub(super) source_timestamp: Option<Timestamp>,
    #[prost(message, optional, tag = "3")]
    pub(super) publish_timestamp: Option<Timestamp>,
    // An enumeration is an `i32`.
    #[prost(int32, tag = "4")]
    pub(super) status: i32,
    #[prost(message, repeated, tag = "5")]
    pub(super) data: Vec<Any>,
    #[prost(message, optional, tag = "6")]
    pub(super) meta: Option<MetaInfo>,
    #[prost(message, repeated, tag = "7")]
    pub(super) labels: Vec<Label>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DataPayload {
    #[prost(uint32, repeated, tag = "1")]
    pub(super) shape: Vec<u32>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) data: Vec<u8>,
}

impl Name for DataPayload {
    const NAME: &'static str = "DataPayload";
    const PACKAGE: &'static str = "drift.proto.common";

    // As prost-build writes them for a schema of this name.
    fn full_name() -> String {
        "drift.proto.common.DataPayload".into()
    }

    fn type_url() -> String {
        "/drift.proto.common.DataPayload".into()
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetaInfo {
    #[prost(int32, tag = "1")]
    pub(super) r#type: i32,
    #[prost(oneof = "Info", tags = "2, 3, 4, 5, 6, 8")]
    pub(super) info: Option<Info>,
    #[prost(message, optional, tag = "7")]
    pub(super) wavelet_buffer_info: Option<WaveletBufferInfo>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Info {
    #[prost(message, tag = "2")]
    TimeSeries(TimeSeriesInfo),
    #[prost(message, tag = "3")]
    Image(ImageInfo),
    #[prost(message, tag = "4")]
    Scalar(Named),
    #[prost(message, tag = "5")]
    Text(TextInfo),
    #[prost(message, tag = "6")]
    Alignment(AlignmentInfo),
    #[prost(message, tag = "8")]
    Typed(Named),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TimeSeriesInfo {
    #[prost(message, optional, tag = "1")]
    pub(super) start_timestamp: Option<Timestamp>,
    #[prost(message, optional, tag = "2")]
    pub(super) stop_timestamp: Option<Timestamp>,
    #[prost(uint64, tag = "3")]
    pub(super) size: u64,
    #[prost(float, tag = "4")]
    pub(super) first: f32,
    #[prost(float, tag = "5")]
    pub(super) last: f32,
    #[prost(float, tag = "6")]
    pub(super) min: f32,
    #[prost(float, tag = "7")]
    pub(super) max: f32,
    #[prost(float, tag = "8")]
    pub(super) mean: f32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ImageInfo {
    #[prost(int32, tag = "1")]
    r#type: i32,
    #[prost(uint64, tag = "2")]
    width: u64,
    #[prost(uint64, tag = "3")]
    height: u64,
    #[prost(string, tag = "4")]
    channel_layout: String,
}

/// `ScalarValuesInfo` and `TypedDataInfo`, which are the same on the wire.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Named {
    #[prost(message, repeated, tag = "1")]
    items: Vec<Item>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Item {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int32, tag = "2")]
    status: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TextInfo {
    #[prost(string, tag = "1")]
    mime_type: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AlignmentInfo {
    #[prost(message, repeated, tag = "1")]
    packages: Vec<PackageInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PackageInfo {
    #[prost(string, tag = "1")]
    topic: String,
    #[prost(message, optional, tag = "2")]
    meta: Option<MetaInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct WaveletBufferInfo {
    #[prost(uint32, tag = "1")]
    pub(super) abi_version: u32,
    #[prost(uint32, tag = "2")]
    pub(super) wavelet_type: u32,
    #[prost(uint32, tag = "3")]
    pub(super) decomposition_steps: u32,
    #[prost(uint32, tag = "4")]
    pub(super) float_compression: u32,
    #[prost(oneof = "Denoising", tags = "15, 16, 17")]
    pub(super) denoising: Option<Denoising>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Denoising {
    #[prost(message, tag = "15")]
    No(NoDenoising),
    #[prost(message, tag = "16")]
    Threshold(ThresholdDenoising),
    #[prost(message, tag = "17")]
    Partial(PartialDenoising),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NoDenoising {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ThresholdDenoising {
    #[prost(float, tag = "1")]
    pub(super) a: f32,
    #[prost(float, tag = "2")]
    pub(super) b: f32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialDenoising {
    #[prost(float, tag = "1")]
    partial: f32,
}

//! PANDA Drift packages: protobuf messages of factory sensors over MQTT, versions 0.1 to 0.6, read where they lie, built and written; and
//! DriftBytes, the typed values in some of them.
//!
//! No unsafe code; no panic on any input; `no_std` with `alloc`; no protoc. The protocol as implemented is in
//! [SPEC.md](https://docs.rs/crate/drift-proto/latest/source/SPEC.md).
//!
//! # On the wire
//!
//! A package is one protobuf message, without a frame: an id, which is the time of the trigger in milliseconds, a status, two timestamps, any
//! messages as data, what these are, and labels.
//!
//! # Reading
//!
//! [`PackageRef::decode`] checks all of a package once; what is asked of it then is read where it lies, and nothing is allocated.
//! A [`Package`] owns its bytes. [`AnyRef::unpack`] takes a message out, payloads are slices of the input.
//!
//! # Writing
//!
//! A [`PackageBuilder`] writes ascending field numbers, and what it took over from a package as it came.
//!
//! # Typed data
//!
//! [`DriftBytesRef`] checks all items, [`DriftBytesReader`] goes on to the first that is wrong, and [`DriftBytesWriter`] writes them.
//!
//! # Around packages
//!
//! A [`Correlator`] joins those of several topics that have the same id. A [`TopicFilter`] matches as MQTT says.
//!
//! # Limits
//!
//! [`Limits`]: 268 435 455 bytes, 64 messages in one another, 8 axes. [`CorrelatorLimits`]: 1024 ids at once, 64 packages of each, 4096
//! ids remembered.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod any;
mod build;
mod codes;
mod correlator;
mod drift_bytes;
mod encode;
mod error;
mod limits;
mod merged;
mod meta;
mod owned;
mod package;
mod payload;
mod schema;
mod time;
mod topic;
mod typed;
mod wire;

#[cfg(feature = "prost")]
pub mod proto;

pub use crate::any::{AnyRef, Unpack};
pub use crate::build::{EncodeError, Info, Meta, PackageBuilder};
pub use crate::codes::{DataType, ImageType, StatusClass, StatusCode};
pub use crate::correlator::{Correlated, Correlator, CorrelatorLimits, Events};
pub use crate::drift_bytes::{
    AxesRef, DriftBytesReader, DriftBytesRef, DriftBytesWriter, Element, Elements, ItemRef, ItemType, Texts, Values,
};
pub use crate::error::{DecodeError, DecodeErrorKind, Limit};
pub use crate::limits::Limits;
pub use crate::meta::{
    AlignmentRef, Denoising, ImageInfoRef, InfoRef, MetaRef, NameRef, Names, NamesRef, PackageInfoRef, PackageInfos,
    PayloadKind, TimeSeriesInfo, WaveletBufferInfo,
};
pub use crate::owned::Package;
pub use crate::package::{LabelRef, PackageRef};
pub use crate::payload::{AlignedPackageRef, DataPayloadRef, IntervalTrigger, Trigger};
pub use crate::time::Timestamp;
pub use crate::topic::{DRIFT_PREFIX, TopicFilter, is_topic, source_of, topic_of};
pub use crate::typed::{TypedDataRef, TypedDataWriter, TypedItemRef, TypedItems};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! The Karabo bridge protocol of European XFEL: trains of detector data in ZeroMQ messages, versions 1.0, 2.0, 2.1 and 2.2, read and
//! written, arrays never copied. Sans-IO: parts of messages come in as slices, and go out as slices.
//!
//! No unsafe code; no panic on any input; `no_std` with `alloc`. The protocol as implemented is in
//! [SPEC.md](https://docs.rs/crate/karabo-bridge/latest/source/SPEC.md).
//!
//! # On the wire
//!
//! A train is pairs of parts, a header in MessagePack and what it announces:
//!
//! ```text
//! {source: "MID_DET_AGIPD1M-1/DET/0CH0:xtdf", content: "msgpack", metadata: {...}}
//! {"header.pulseCount": 64, ...}
//! {source: "MID_DET_AGIPD1M-1/DET/0CH0:xtdf", content: "array", path: "image.data", dtype: "uint16", shape: [512, 128]}
//! 131072 bytes in C order
//! ```
//!
//! In version 1.0 all of it is one map in one part, with arrays as the package msgpack-numpy writes them.
//!
//! # Reading
//!
//! [`MessageRef::decode`] tells trains from error replies; [`TrainRef::items`] goes through a train and allocates nothing; a [`TrainIndex`]
//! finds sources and properties by name. A part with a fault is an error, and costs no other.
//!
//! # Writing
//!
//! A [`TrainWriter`] makes the parts of a message in any version, byte for byte as the Python package does, and leaves arrays where they
//! are.
//!
//! # Limits
//!
//! [`Limits`]: 65 536 parts, 64 lists and maps in one another, 64 axes.
//!
//! # What it does not do yet
//!
//! It has no machines for requests and replies. Pickles, which clients before 0.3 could ask for, are never run.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod array;
mod error;
mod header;
mod index;
mod limits;
mod metadata;
mod source;
mod train;
mod write;

pub use crate::array::{ArrayPart, DTypeText, OtherPart};
pub use crate::error::{DecodeError, DecodeErrorKind, Limit, PartError};
pub use crate::header::Content;
pub use crate::index::{Indexed, Property, TrainIndex};
pub use crate::limits::Limits;
pub use crate::metadata::{MetadataEntries, MetadataRef, Timestamp};
pub use crate::source::{Properties, SourceRef, Version};
pub use crate::train::{Item, Items, MessageRef, TrainRef};
pub use crate::write::{EncodeError, Part, TrainWriter};
pub use msgpack_numpy_codec;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! PANDA Drift packages: protobuf messages of factory sensors over MQTT, versions 0.1 to 0.6, read where they lie, built and written; and
//! DriftBytes, the typed values in some of them. Sans-IO: the payload of an MQTT message comes in as a slice, and goes out as bytes.
//!
//! No unsafe code; no panic on any input; `no_std` with `alloc`; no protoc. The protocol as implemented is in
//! [SPEC.md](https://docs.rs/crate/drift-proto/latest/source/SPEC.md).
//!
//! # On the wire
//!
//! A package is one protobuf message, without a frame around it, in an MQTT message, in a blob of the storage and in a `.dp` file alike:
//!
//! ```text
//! id                 milliseconds since 1970: the moment of the trigger, the same in all packages that belong together
//! source_timestamp   when the service got its input
//! publish_timestamp  when it sent this
//! status             good, uncertain or bad, and why
//! data               messages of any type: payloads, or a trigger
//! meta               what the payload is: a series, an image, text, typed data, ...
//! labels             texts with names
//! ```
//!
//! What format the payload has is told by the meta alone: [`MetaRef::payload_kind`].
//!
//! # Reading
//!
//! [`PackageRef::decode`] checks all of a package once; what is asked of it then is read where it lies, cannot fail, and allocates nothing.
//! Data is there whatever the status says. A [`Package`] owns its bytes, shares them with whoever has them, and goes to other threads.
//!
//! ```
//! use drift_proto::{InfoRef, PackageRef, PayloadKind, StatusClass};
//!
//! # let bytes = b"\x08\xc3\xf7\xc5\xba\xb8\x2f\x2a\x39\x0a\x32type.googleapis.com/drift.proto.common.DataPayload\x12\x03\x12\x01!\x32\x02\x12\x00";
//! let package = PackageRef::decode(bytes)?;
//! println!("{} at {:?}", package.id(), package.source_timestamp());
//! if package.status().class() == StatusClass::Bad {
//!     println!("not to be used: {}", package.status());
//! }
//! if let Some(meta) = package.meta() {
//!     if let Some(InfoRef::TimeSeries(series)) = meta.info() {
//!         println!("{} points, from {:?} to {:?}", series.size, series.start, series.stop);
//!     }
//!     assert_eq!(meta.payload_kind(), PayloadKind::WaveletBuffer);
//! }
//! for payload in package.payloads() {
//!     assert_eq!(payload?.data(), b"!"); // in `bytes`, not copied
//! }
//! # Ok::<(), drift_proto::DecodeError>(())
//! ```
//!
//! An [`AnyRef`] is unpacked by what is behind the last slash of its address: [`DataPayloadRef`], [`Trigger`], [`IntervalTrigger`],
//! [`AlignedPackageRef`] of version 0.1, or a type of your own that is [`Unpack`]. No bytes are a package too, good and with the id 0: see
//! [`PackageRef::decode`].
//!
//! # Writing
//!
//! A [`PackageBuilder`] writes ascending field numbers, as all peers do; [`Meta`] and [`Info`] set the type and what is told of it together.
//! `PackageBuilder::from` a package that was read keeps what is not changed as it came, unknown fields too. A service that failed publishes
//! [`Package::failed`].
//!
//! | to be published | |
//! |---|---|
//! | id | that of the trigger; of a trigger itself milliseconds since 1970, fresh |
//! | `source_timestamp`, `publish_timestamp` | when the input came, and now: of each package anew, also where one is sent on |
//! | meta, payload | both, of one kind; of typed data by [`PackageBuilder::typed_data`]; of what failed neither |
//! | topic | `drift/` and the name of the source, `trigger` of a trigger; not retained |
//!
//! # Typed data
//!
//! [`PackageRef::typed_data`] joins names, statuses and values; a [`TypedDataWriter`] writes them together. The bytes alone, DriftBytes:
//! [`DriftBytesRef`] checks all items, [`DriftBytesReader`] goes on to the first that is wrong, [`DriftBytesWriter`] writes them.
//!
//! # Around packages
//!
//! A [`Correlator`] joins packages of several topics that have the same id. A [`TopicFilter`] takes topics as MQTT says, which the Python
//! client does not. Times are `core::time::Duration` since an origin the caller picks.
//!
//! ```
//! use core::time::Duration;
//! use drift_proto::{Correlated, Correlator, Package, TopicFilter};
//!
//! # struct Client(Option<bytes::Bytes>);
//! # impl Client {
//! #     fn receive(&mut self, _: Option<Duration>) -> Option<(&'static str, bytes::Bytes)> { self.0.take().map(|bytes| ("drift/sensor", bytes)) }
//! # }
//! # fn subscribe(_: &str) -> Client { Client(Some(bytes::Bytes::new())) }
//! # fn now() -> Duration { Duration::from_secs(9) }
//! let filter = TopicFilter::new("drift/#").unwrap();
//! let mut client = subscribe(filter.as_str());
//! // All are there when these two have answered.
//! let due = ["drift/sensor", "drift/camera"];
//! let is_all = |_id, packages: &[(String, Package)]| due.iter().all(|due| packages.iter().any(|(topic, _)| topic == due));
//! let mut correlator = Correlator::new(is_all, Duration::from_secs(5));
//! # let mut rounds = 0..2;
//! # while rounds.next().is_some() {
//! // loop {
//!     let mut events = Vec::new();
//!     // Up to then, or until something comes.
//!     let wait = correlator.poll_deadline().map(|due| due.saturating_sub(now()));
//!     if let Some((topic, payload)) = client.receive(wait) {
//!         match Package::decode(payload) {
//!             Ok(package) if package.bytes().is_empty() => {} // clears a retained topic
//!             Ok(package) if filter.matches(topic) => events.extend(correlator.handle_package(now(), topic, package)),
//!             Ok(_) => {}
//!             Err(error) => eprintln!("{topic}: {error}"),
//!         }
//!     }
//!     // Each time, since packages may come all the time.
//!     events.extend(correlator.handle_timeout(now()));
//!     for event in events {
//!         match event {
//!             Correlated::Complete { id, packages } => println!("{id}: all {}", packages.len()),
//!             Correlated::TimedOut { id, packages } => println!("{id}: only {}", packages.len()),
//!             other => eprintln!("{other:?}"),
//!         }
//!     }
//! # }
//! // }
//! ```
//!
//! Clients of MQTT refuse large messages unless they are told otherwise: those of rumqtt above 10 KiB.
//!
//! # Errors
//!
//! [`DecodeError`]: what is wrong, the byte it is at, the field, and with [`DecodeError::path`] the way to it from the package down. A package
//! with a fault is lost as a whole. What an `Any` holds is looked at only when it is unpacked, and one that is wrong costs no other.
//! [`EncodeError`]: what cannot be written; then nothing was.
//!
//! # Features
//!
//! `std` (default): `From` into `std::io::Error`, and from `SystemTime`. `prost`: the messages as prost 0.14 has them, in `proto`, with
//! conversions from views, and of whole packages back; fields that are not known are lost there.
//!
//! # Limits
//!
//! [`Limits`]: 268 435 455 bytes, which is as much as MQTT carries; 64 messages in one another, and never more than 100; 8 axes. [`CorrelatorLimits`]: 1024 ids at
//! once, 64 packages of each, 1 GiB of all, 4096 ids remembered.
//!
//! # What it does not do
//!
//! It opens no sockets, and speaks no MQTT. Wavelet buffers and JPEG files are payloads, and bytes. It does not ask storages for old packages.
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
    ValuesRef,
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

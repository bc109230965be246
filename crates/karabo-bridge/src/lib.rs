//! The Karabo bridge protocol of European XFEL: trains of detector data in ZeroMQ messages, versions 1.0, 2.0, 2.1 and 2.2, read and
//! written, arrays never copied but into the one part of 1.0. Sans-IO: parts of messages come in as slices, and go out as slices.
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
//! A [`TrainWriter`] makes the parts of a message in any version, byte for byte as the Python package does. In versions 2.x it leaves arrays
//! where they are; one part has to have copies.
//!
//! # Images
//!
//! An [`ImageRef`] has what is told of an image beside its pixels, in either form: [`Indexed::image`], [`ArrayPart::image`].
//!
//! # Kept trains
//!
//! A [`Train`] owns the parts of a message, which are shared and not copied, and an index of them.
//!
//! # Sockets
//!
//! What they do not know of themselves: a [`RequestClient`] when to ask and when to give up a socket, a [`ReplyServer`] what to answer, a
//! [`Subscriber`] which trains were lost and how fast they come. Times are `core::time::Duration` since an origin the caller picks.
//!
//! ```
//! use core::time::Duration;
//! use bytes::Bytes;
//! use karabo_bridge::{MessageRef, RequestClient};
//!
//! # struct Socket;
//! # impl Socket {
//! #     fn send(&self, _: &[u8]) {}
//! #     fn receive(&self, _: Option<Duration>) -> Option<Vec<Bytes>> { Some(vec![Bytes::from_static(b"\x80")]) }
//! # }
//! # fn connect() -> Socket { Socket }
//! # fn now() -> Duration { Duration::ZERO }
//! let mut client = RequestClient::new().with_timeout(Duration::from_secs(10));
//! let mut socket = connect();
//! let trains = (0..3).map(|_| {
//!     socket.send(client.request(now()).unwrap());
//!     loop {
//!         if let Some(parts) = socket.receive(client.poll_deadline()) {
//!             let reply = client.handle_message(client.socket(), &parts).unwrap();
//!             let MessageRef::Train(train) = reply.message else { panic!("refused") };
//!             return train.share(); // kept, and not copied
//!         }
//!         if client.handle_timeout(now()) {
//!             socket = connect();
//!             client.replace_socket();
//!             socket.send(client.request(now()).unwrap());
//!         }
//!     }
//! });
//! assert_eq!(trains.count(), 3);
//! ```
//!
//! | of the socket itself | |
//! |---|---|
//! | who binds | the server; clients connect. Nobody authenticates, nothing is encrypted |
//! | SUB | subscribes to the empty prefix: there is no topic, a message begins with a part of the train |
//! | high-water mark | 1 on both sides in the Python package, so that trains are fresh rather than all there; `LINGER` 0 |
//! | REQ and PULL | each train goes to one of those who ask or pull |
//! | what Python cannot read | arrays with fields; in version 1.0, arrays of 2 GiB |
//!
//! # Captures
//!
//! A [`Capture`] reads messages from a file, each part behind a [`FrameHeader`], as publishers put them on the wire; [`Capture::append`]
//! writes them.
//!
//! # Errors
//!
//! [`DecodeError`]: of a message, or, in a [`PartError`] with source and path, of a part; it has the part, the byte in it, the field, and one of
//! the [`DecodeErrorKind`]s. [`EncodeError`]: of a train that cannot be written. [`PeerError`]: a message at a wrong moment. [`UsageError`]: a
//! call at a wrong moment.
//!
//! # Features
//!
//! `std` (default): `From` into `std::io::Error`. Those for arrays are of [`msgpack_numpy_codec`].
//!
//! # Limits
//!
//! [`Limits`]: 65 536 parts, and as many sources in version 1.0; 1 048 576 properties in an index; 64 lists and maps in one another; 64 axes;
//! 65 536 bytes of the text of a dtype. A server holds 10 trains, and repeats 4096 bytes of a bad request.
//!
//! # What it does not do
//!
//! It opens no sockets. Pickles, which clients before 0.3 could ask for, are never run. Arrays of objects are addresses in the memory of who
//! sent them, and nothing but bytes.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod array;
mod capture;
mod client;
mod error;
mod header;
mod image;
mod index;
mod limits;
mod metadata;
mod number;
mod numbers;
mod owned;
mod property;
mod server;
mod source;
mod subscriber;
mod train;
mod write;

pub use crate::array::{ArrayPart, DTypeText, OtherPart};
pub use crate::capture::{Capture, EncodedFrameHeader, FrameHeader};
pub use crate::client::{REQUEST, Reply, ReplyError, RequestClient, RequestState, SocketId};
pub use crate::error::{DecodeError, DecodeErrorKind, Limit, PartError, PeerError, UnknownVersion, UsageError};
pub use crate::header::Content;
pub use crate::image::ImageRef;
pub use crate::index::{Indexed, Property, TrainIndex};
pub use crate::limits::Limits;
pub use crate::metadata::{MetadataEntries, MetadataRef, Timestamp};
pub use crate::numbers::Numbers;
pub use crate::owned::{Message, Train};
pub use crate::server::{Answer, ReplyServer};
pub use crate::source::{Properties, SourceRef, Version};
pub use crate::subscriber::{Arrivals, Puller, Received, Step, Subscriber};
pub use crate::train::{Item, Items, MessageRef, TrainRef};
pub use crate::write::{EncodeError, Part, TrainWriter};
pub use msgpack_numpy_codec;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

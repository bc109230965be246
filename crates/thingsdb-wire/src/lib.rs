//! The wire protocol of ThingsDB and SiriDB: sans-IO framing that no split of the stream breaks.
//!
//! Bytes in, packages out, and back. No socket, clock, thread or runtime; no unsafe code; no panic on any input; `no_std`
//! with `alloc`.
//!
//! # On the wire
//!
//! ```text
//! 0c 00 00 00  00 00  21  de   ef 85 61 64 6d 69 6e 84 70 61 73 73
//! │            │      │   │    └ DATA: 12 bytes, here ["admin", "pass"] in qpack
//! │            │      │   └ CHK: TYPE ^ 0xff
//! │            │      └ TYPE: 33, AUTH
//! │            └ ID: 0, repeated by the answer
//! └ LEN: 12, the header not counted; all little-endian
//! ```
//!
//! | to | use | allocates |
//! |---|---|---|
//! | look at one | [`PackageRef`] | nothing |
//! | keep one | [`Package`], which shares its input or copies it | nothing, or the data |
//! | find them in a stream | [`Decoder`] | nothing |
//! | let tokio do it | `Codec` (feature `tokio-util`) | the buffer |
//!
//! CHK is checked before LEN is believed, and LEN against [`Limits`] before anybody waits for data. A [`DecodeError`] keeps the
//! header as it came. `Debug` shows no data: it may be a password.
//!
//! What a TYPE means depends on who speaks: [`v1`] and [`legacy`] between client and node, [`module`], [`siridb`], and [`node`] have a table
//! each. Numbers without a name survive.
//!
//! # What it does not do yet
//!
//! It does not look into the data. Bodies in qpack and in MessagePack, and the state machines of client and server are to come.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod body;
#[cfg(any(feature = "msgpack", feature = "qpack"))]
mod body_error;
#[cfg(feature = "tokio-util")]
mod codec;
mod decode;
mod error;
mod kinds;
#[cfg(feature = "qpack")]
#[cfg_attr(docsrs, doc(cfg(feature = "qpack")))]
pub mod legacy;
mod limits;
mod machine;
#[cfg(feature = "msgpack")]
#[cfg_attr(docsrs, doc(cfg(feature = "msgpack")))]
pub mod module;
#[cfg(feature = "msgpack")]
#[cfg_attr(docsrs, doc(cfg(feature = "msgpack")))]
pub mod msgpack;
pub mod node;
mod package;
#[cfg(feature = "serde")]
mod payload;
#[cfg(feature = "qpack")]
#[cfg_attr(docsrs, doc(cfg(feature = "qpack")))]
pub mod siridb;
#[cfg(feature = "msgpack")]
#[cfg_attr(docsrs, doc(cfg(feature = "msgpack")))]
pub mod v1;

pub use crate::body::Body;
#[cfg(any(feature = "msgpack", feature = "qpack"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "msgpack", feature = "qpack"))))]
pub use crate::body_error::{BodyError, BodyErrorKind};
#[cfg(feature = "tokio-util")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio-util")))]
pub use crate::codec::{Codec, CodecError};
pub use crate::decode::{Decoded, Decoder};
pub use crate::error::{DecodeError, DecodeErrorKind, EncodeError};
pub use crate::limits::{Limit, Limits};
pub use crate::machine::{
    Change, Client, ClientEvent, CloseReason, Config, Dialect, Error, Exchange, FromClient, FromServer, Joined, Reply,
    Rooms, Server, ServerEvent, UsageError,
};
pub use crate::package::{HEADER_LEN, Header, Package, PackageRef};
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub use crate::payload::PayloadError;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

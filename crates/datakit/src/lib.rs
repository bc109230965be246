//! DataKit
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "arbitrary")]
mod arbitrary;
#[cfg(feature = "alloc")]
mod client;
#[cfg(feature = "tokio-util")]
mod codec;
#[cfg(feature = "alloc")]
mod columns;
mod decode;
mod encode;
mod error;
#[cfg(feature = "alloc")]
mod event;
mod fast;
#[cfg(feature = "alloc")]
mod feed;
mod grammar;
mod limits;
mod packet;
#[cfg(feature = "alloc")]
mod registry;
#[cfg(feature = "alloc")]
mod server;

#[cfg(feature = "alloc")]
pub use crate::client::Client;
#[cfg(feature = "tokio-util")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio-util")))]
pub use crate::codec::{Codec, CodecError};
#[cfg(feature = "alloc")]
pub use crate::columns::Columns;
pub use crate::decode::{Decoded, Decoder};
pub use crate::error::{DecodeError, DecodeErrorKind, EncodeError, Error, PeerError, State, UsageError};
#[cfg(feature = "alloc")]
pub use crate::event::{ClientEvent, CloseReason, ServerEvent};
pub use crate::limits::{Config, Limit, Limits, PeerErrorPolicy};
#[cfg(feature = "alloc")]
pub use crate::packet::{Data, Hello, Packet};
pub use crate::packet::{DataRef, HelloRef, PacketKind, PacketRef};
#[cfg(feature = "alloc")]
pub use crate::registry::{ConnectionId, Registry};
#[cfg(feature = "alloc")]
pub use crate::server::Server;

//! The wire protocol of ThingsDB and SiriDB: packages that no split of the stream breaks, the bodies of every dialect, and the state
//! machines of both sides. Sans-IO.
//!
//! Bytes and times in; packages, events, bytes and deadlines out. No socket, clock, thread or runtime; no unsafe code; no panic on
//! any input; `no_std` with `alloc`. The protocol as implemented, with what real peers do differently, is in
//! [SPEC.md](https://docs.rs/crate/thingsdb-wire/latest/source/SPEC.md).
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
//! CHK is checked before LEN is believed, and LEN against [`Limits`] before anybody waits for data. A [`DecodeError`] keeps the
//! header as it came, and is final: nobody can know where the next header is.
//!
//! # Packages
//!
//! | to | use | allocates |
//! |---|---|---|
//! | look at one | [`PackageRef`] | nothing |
//! | keep one | [`Package`], which shares its input or copies it | nothing, or the data |
//! | find them in a stream | [`Decoder`] | nothing |
//! | let tokio do it | `Codec` (feature `tokio-util`) | the buffer |
//! | look into one | `decode` of the types below | nothing |
//! | write one | their `to_body`, then [`Body::with_id`] | the data |
//! | write packages under the limits of a peer | [`Encoder`] | nothing of its own |
//!
//! `Debug` of packages, requests, answers not looked into, and machines shows no data, code or credentials; names, the texts of errors and
//! events, and values of qpack that were looked into are shown.
//!
//! # Dialects
//!
//! What a TYPE means depends on who speaks, and nothing in a package says so: fix the dialect for each connection.
//!
//! | module | between | data | feature |
//! |---|---|---|---|
//! | `v1` | client and ThingsDB since 2020 | MessagePack | `msgpack` |
//! | `module` | a node and its modules, on pipes | MessagePack | `msgpack` |
//! | `legacy` | client and ThingsDB of 2019, in three states | qpack | `qpack` |
//! | `siridb` | client and SiriDB | qpack | `qpack` |
//! | [`node`] | nodes of ThingsDB: names only | | |
//!
//! Each has `RequestRef`, `AnswerRef` and `EventRef` (`siridb` has no events; `module` has `ToModule` and `FromModule`), an open
//! `Kind` whose unknown numbers survive (`siridb`: `Request` and `Answer`), and a [`Dialect`] for the machines. Data is a slice
//! until one of them is asked to `decode` it; then texts are borrowed, and values stay encoded until they are asked for, by token (`msgpack::Reader`, `qpack_codec::ValueRef`) or, with feature `serde`, as a
//! type of yours:
//!
#![cfg_attr(feature = "serde", doc = "```")]
#![cfg_attr(not(feature = "serde"), doc = "```ignore")]
//! use thingsdb_wire::PackageRef;
//! use thingsdb_wire::v1::AnswerRef;
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let answer = PackageRef::decode(b"\x12\0\0\0\x07\0\x12\xed\x92\xa8pump-001\xa7stopped")?;
//! match AnswerRef::decode(answer)? {
//!     AnswerRef::Data(data) => assert_eq!(data.payload::<[&str; 2]>()?, ["pump-001", "stopped"]),
//!     AnswerRef::Error(error) => panic!("{error}"),
//!     _ => panic!("neither"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Data that is not what its TYPE says is a `BodyError` with kind, offset, field, and the ID and TYPE of the package. It costs no
//! other package.
//!
//! # Running a connection
//!
//! [`Client`] and [`Server`] are the same for every dialect. Both run like this, and each turn does all of it:
//!
//! 1. hand in what came ([`handle_input`](Client::handle_input)), and look at how many bytes were taken;
//! 2. take what happened ([`poll_event`](Client::poll_event)) until there is nothing; if not all was taken, go back to 1 with the rest;
//! 3. only then tell the time ([`handle_timeout`](Client::handle_timeout)), which before the deadline does nothing, or that no
//!    more will come ([`handle_eof`](Client::handle_eof)), and take what happened again;
//! 4. send what is to be sent ([`poll_transmit`](Client::poll_transmit)) until there is nothing, asking for more when the last was
//!    written;
//! 5. wait until there is input, or until [`poll_deadline`](Client::poll_deadline).
//!
//! `now` is the monotonic time since an origin that you pick. A server answers one request, sends, and only then takes the next; one that
//! leaves input untaken comes back with the rest after that.
//!
#![cfg_attr(feature = "std", doc = "```no_run")]
#![cfg_attr(not(feature = "std"), doc = "```ignore")]
//! use std::io::{self, ErrorKind, Read, Write};
//! use std::net::TcpStream;
//! use std::time::{Duration, Instant};
//!
//! use thingsdb_wire::{Client, ClientEvent};
//!
//! struct Connection {
//!     client: Client,
//!     socket: TcpStream, // with a write timeout, so that a peer who does not read is noticed
//!     origin: Instant,
//!     input: Vec<u8>,
//! }
//!
//! impl Connection {
//!     /// The next thing that happens; `None` once closed.
//!     fn next(&mut self) -> io::Result<Option<ClientEvent>> {
//!         let mut buffer = [0; 64 << 10];
//!         loop {
//!             if let Some(event) = self.client.poll_event() {
//!                 return Ok(Some(event));
//!             }
//!             if self.client.close_reason().is_some() {
//!                 return Ok(None);
//!             }
//!             if !self.input.is_empty() {
//!                 let taken = self.client.handle_input(self.origin.elapsed(), &self.input);
//!                 self.input.drain(..taken);
//!                 continue;
//!             }
//!             self.client.handle_timeout(self.origin.elapsed());
//!             while let Some(bytes) = self.client.poll_transmit() {
//!                 self.socket.write_all(&bytes)?;
//!             }
//!             let wait = self.client.poll_deadline().map(|deadline| deadline.saturating_sub(self.origin.elapsed()));
//!             // A socket takes nothing for no time-out at all.
//!             self.socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
//!             match self.socket.read(&mut buffer) {
//!                 Ok(0) => self.client.handle_eof(self.origin.elapsed()),
//!                 Ok(len) => self.input.extend_from_slice(&buffer[..len]),
//!                 Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
//!                 Err(error) if error.kind() == ErrorKind::Interrupted => {}
//!                 Err(error) => return Err(error),
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! The client picks IDs and never uses one that waits for its answer, not even after a time-out; tells answers from events by TYPE; sends a
//! PING after silence; and says, when a connection ends, which requests were lost, and after the next authentication, which rooms
//! to rejoin. In the repository, `examples/thingsdb_client` and `examples/thingsdb_server` are this loop over TCP and Unix sockets,
//! and `examples/thingsdb_module` over standard input and output.
//!
//! # Limits
//!
//! [`Limits`] bounds all that a peer may cost, and is honoured in both directions; [`Config`] has the time-outs. Nothing is reserved for
//! a LEN that was only announced.
//!
//! # Features
//!
//! `std` (default), `msgpack` (default), `qpack` (default), `serde` (`payload`; brings `std` and `msgpack`), `tokio-util` (`Codec`;
//! brings `std`).
//!
//! # What it does not do
//!
//! No TLS and no WebSocket: a WebSocket message is one package, for [`PackageRef::decode_prefix`]. No bodies between nodes. It evaluates no code and
//! stores nothing; a [`Server`] answers what you tell it to.
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
#[cfg(any(feature = "msgpack", feature = "qpack"))]
mod credentials;
mod decode;
mod encode;
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
mod qpack;
#[cfg(feature = "qpack")]
#[cfg_attr(docsrs, doc(cfg(feature = "qpack")))]
pub mod siridb;
#[cfg(feature = "msgpack")]
#[cfg_attr(docsrs, doc(cfg(feature = "msgpack")))]
pub mod v1;

pub use crate::body::Body;
#[cfg(any(feature = "msgpack", feature = "qpack"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "msgpack", feature = "qpack"))))]
pub use crate::body::Raw;
#[cfg(any(feature = "msgpack", feature = "qpack"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "msgpack", feature = "qpack"))))]
pub use crate::body_error::{BodyError, BodyErrorKind};
#[cfg(feature = "tokio-util")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio-util")))]
pub use crate::codec::{Codec, CodecError};
pub use crate::decode::{Decoded, Decoder};
pub use crate::encode::Encoder;
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

#[cfg(feature = "qpack")]
#[cfg_attr(docsrs, doc(cfg(feature = "qpack")))]
pub use qpack_codec;

#[cfg(all(doctest, feature = "msgpack"))]
#[doc = include_str!("../README.md")]
struct Readme;

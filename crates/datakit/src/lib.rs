//! DataKit 0.1, the line-based protocol of TCP sensors: a sans-IO codec and the state machines of both sides.
//!
//! Bytes and times in; packets, events, bytes and deadlines out. No socket, clock, thread or runtime; no unsafe code; no
//! panic on any input; `no_std`, and packets need no allocator either. The protocol as implemented, with what its document
//! leaves open, is in [SPEC.md](https://docs.rs/crate/datakit/latest/source/SPEC.md).
//!
//! # On the wire
//!
//! Lines of text, fields separated by `|`:
//!
//! ```text
//! sensor                                                              server
//! $H|Super Sensor 1.5 someunits|meters_per_second|lol|stream    →
//!                                              ←    ACK|asdjfalskdjfajsrhuip3wtr87q23tg
//!                                              ←    START
//! >some_tag|1459309227|3.141593                                 →
//! $P                                                            →     at least every 10 s
//!                                              ←    STOP
//! ```
//!
//! # Reading and writing packets
//!
//! | to | use | allocates |
//! |---|---|---|
//! | look at one line | [`PacketRef::decode`]: a `Copy` view of checked bytes | nothing |
//! | read a stream, in whatever pieces it comes | [`Decoder`], which counts lines and steps over bad ones | nothing |
//! | read many lines at once | [`Decoder::packets`], the fastest way | nothing |
//! | have lines, unread | [`Lines`] | nothing |
//! | collect readings | [`Columns`]: tag ids, timestamps, values | when a column grows, and once per tag |
//! | keep a packet | [`Packet`] | its texts |
//! | write one | [`PacketRef::encode`], [`PacketRef::encode_to_slice`] | nothing of its own |
//! | read and write packets by tokio, without states and heartbeats | [`Codec`] (feature `tokio-util`) | texts |
//!
//! ```
//! use datakit::{DataRef, Decoder, PacketRef};
//!
//! let mut decoder = Decoder::new();
//! let mut input = &b">some_tag|1459309227|3.141593\n>some_tag|soon|3\n$P\n"[..];
//!
//! let Some(Ok(PacketRef::Data(data))) = decoder.decode(&mut input) else { panic!() };
//! assert_eq!((data.tag, data.timestamp, data.value), ("some_tag", 1459309227, 3.141593));
//!
//! let error = decoder.decode(&mut input).unwrap().unwrap_err();
//! assert_eq!(error.to_string(), "not a whole number of seconds at line 2, column 11, byte 40 (timestamp)");
//!
//! assert_eq!(decoder.decode(&mut input), Some(Ok(PacketRef::Heartbeat))); // a bad line costs no neighbour
//!
//! let mut line = [0; 64];
//! let len = PacketRef::Data(DataRef::new("some_tag", 1459309227, 3.141593)).encode_to_slice(&mut line)?;
//! assert_eq!(&line[..len], b">some_tag|1459309227|3.141593\n");
//! # Ok::<(), datakit::EncodeError>(())
//! ```
//!
//! What is written is what a strict reader accepts, or nothing: a text with a separator in it, an empty name and the like are
//! an [`EncodeError`].
//!
//! # Running a connection
//!
//! [`Client`] is a sensor's side, [`Server`] the other one; [`Registry`] is many servers in one loop. All of them run like this,
//! and each turn does all of it:
//!
//! 1. hand in what came ([`handle_input`](Client::handle_input)), and look at how many bytes were taken;
//! 2. take what happened ([`poll_event`](Client::poll_event)) until there is nothing, and answer HELLO; if not all was taken, go
//!    back to 1 with the rest;
//! 3. only then tell the time ([`handle_timeout`](Client::handle_timeout)), which before the deadline does nothing, or that no
//!    more will come ([`handle_eof`](Client::handle_eof)), and take what happened again;
//! 4. send what is to be sent ([`poll_transmit`](Client::poll_transmit)) until there is nothing;
//! 5. wait until there is input, or until [`poll_deadline`](Client::poll_deadline).
//!
//! `now` is the monotonic time since an origin that you pick, such as `Instant::elapsed` of one moment. In the repository,
//! `examples/datakit_sensor` is this loop over a blocking socket and `examples/datakit_server` over tokio.
//!
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use core::time::Duration;
//!
//! use datakit::{Client, ClientEvent, Config, DataRef, HelloRef, Server, ServerEvent};
//!
//! let now = Duration::ZERO;
//! let mut sensor = Client::new(HelloRef::new("pump", "bar"), &Config::DEFAULT, now)?;
//! let mut server = Server::new(&Config::DEFAULT, now);
//!
//! // Here two machines are wired to each other; a socket goes in between.
//! let mut readings = Vec::new();
//! for _ in 0..3 {
//!     while let Some(bytes) = sensor.poll_transmit() {
//!         assert_eq!(server.handle_input(now, &bytes), bytes.len());
//!     }
//!     while let Some(event) = server.poll_event() {
//!         match event {
//!             ServerEvent::Hello(_) => {
//!                 server.accept(now, "pump-1")?;
//!                 server.start(now)?;
//!             }
//!             ServerEvent::Data { data, .. } => readings.push((data.tag, data.value)),
//!             other => panic!("{other:?}"),
//!         }
//!     }
//!     while let Some(bytes) = server.poll_transmit() {
//!         assert_eq!(sensor.handle_input(now, &bytes), bytes.len());
//!     }
//!     while let Some(event) = sensor.poll_event() {
//!         if event == ClientEvent::Start {
//!             sensor.send_data(now, DataRef::new("inlet", 1459309227, 1.5))?;
//!         }
//!     }
//! }
//! assert_eq!(readings, [("inlet".to_owned(), 1.5)]);
//! # Ok::<(), datakit::Error>(())
//! ```
//!
//! A packet that is illegal in the state is a [`PeerError`] in an event, and closes the connection if
//! [`Config::on_peer_error`] says so. A call that is illegal in the state is a [`UsageError`], and does nothing.
//!
//! # Strict, and named settings
//!
//! [`Config`] has them all: lines that end in `\r\n`, timestamps with a fraction, heartbeats as the only sign of life, and the
//! times. A packet of a later version is a value ([`PacketRef::Unknown`]) and survives, as does any collection type.
//!
//! # Limits
//!
//! [`Limits`]: 4096 bytes per line, 256 events and 1 MiB to send that wait in a machine, 4096 tags in columns, 1 048 576
//! connections in a registry. A line over the limit is one error, and is skipped without being held.
//!
//! # Errors
//!
//! [`DecodeError`] is 32 bytes and `Copy`: a kind, line, column and offset, the field's name, and the limit if it is one.
//!
//! # Features
//!
//! | feature | default | gives |
//! |---|---|---|
//! | `std` | yes | faster search for line ends, `From` into `std::io::Error`; brings `alloc` |
//! | `alloc` | yes, by `std` | owned packets, columns, the machines, writing into `BufMut` |
//! | `tokio-util` | | `Codec`; brings `std` |
//! | `arbitrary` | | `Arbitrary` for `Packet`, for your own fuzzing; brings `std` |
//!
//! Without any, [`Decoder`], [`PacketRef`] and `encode_to_slice` are there: enough for a sensor on a microcontroller.
//!
//! # What it does not do
//!
//! It opens no sockets and reads no clock. It does not convert units, and does not check timestamps against the time. It does not
//! look into data type and collection type, which have no meaning yet.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "tokio-util"), allow(rustdoc::broken_intra_doc_links))]

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
mod lines;
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
pub use crate::decode::{Decoded, Decoder, Packets};
pub use crate::error::{DecodeError, DecodeErrorKind, EncodeError, Error, PeerError, State, UsageError};
#[cfg(feature = "alloc")]
pub use crate::event::{ClientEvent, CloseReason, ServerEvent};
pub use crate::limits::{Config, Limit, Limits, PeerErrorPolicy};
pub use crate::lines::Lines;
#[cfg(feature = "alloc")]
pub use crate::packet::{Data, Hello, Packet};
pub use crate::packet::{DataRef, HelloRef, PacketKind, PacketRef};
#[cfg(feature = "alloc")]
pub use crate::registry::{ConnectionId, Registry};
#[cfg(feature = "alloc")]
pub use crate::server::Server;

#[cfg(all(doctest, feature = "alloc"))]
#[doc = include_str!("../README.md")]
struct Readme;

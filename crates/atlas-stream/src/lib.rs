//! McLaren ATLAS Advanced Streams: telemetry of motor sport in Kafka records, in JSON and in protobuf. Sans-IO: keys, values and times come in,
//! and records go out; no socket, clock or thread.
//!
//! *Ours* is in these pages what the documents of the protocol do not say.
//!
//! No unsafe code; no panic on any input; `no_std` with `alloc`. The protocol as implemented is in
//! [SPEC.md](https://docs.rs/crate/atlas-stream/latest/source/SPEC.md).
//!
//! # Records
//!
//! A [`KeyRef`] is `<type>:<stream id>`. A topic may hold records of others: a key that is refused is counted and passed. A [`RecordRef`] is a key and
//! the [`Message`] of its value; a [`Decoder`] reads many into the same buffers. A [`MessageType`] that nobody knows is no error: its value
//! comes out raw. What stands behind which type, and what of it is protobuf, a [`TypeMap`] tells.
//!
//! # Telemetry
//!
//! A [`TelemetryRef`] has parameters, by index in a feed or by name ([`ParamKey`]), each with a [`Column`] of times, of flags, and of each aggregate, or
//! of values. JSON is read in one pass into [`Columns`]; protobuf is read where it lies. Columns are also what is put together and written.
//!
//! # Sessions, events, laps, points of synchronization
//!
//! [`Session`], [`Event`], [`Lap`] and [`Sync`], read and written. [`SessionState`] has the hierarchy of closed ones, [`DataStatus`] the flags of
//! samples. What has no name here is kept.
//!
//! # Streams
//!
//! Each layer is of use alone; who follows a topic has machines. A [`StreamReader`] takes the records of one partition, and tells of each what it is in its
//! stream: [`StreamNotes`], the [`Changes`] of its session, and the data format that its data has, for which it waits a while. The same `now`, a
//! time since an origin that the caller picks, goes into all calls that have one:
//!
//! ```
//! # use core::time::Duration;
//! # use std::sync::Arc;
//! # use atlas_stream::{DataFormat, ReadError, Received, ReaderEvent, StreamReader};
//! # fn fetch(_id: &str) -> Option<Arc<DataFormat<'static>>> { None }
//! # fn take(_received: Received<'_>) {}
//! fn record(reader: &mut StreamReader, now: Duration, offset: i64, key: &[u8], value: &[u8]) {
//!     match reader.handle_record(now, offset, key, value) {
//!         Ok(Some(received)) => take(received),
//!         Ok(None) => {} // it waits
//!         Err(ReadError::Decode(error)) if error.is_of_key() => {} // a record of somebody else
//!         Err(error) => println!("{offset}: {error}"),
//!     }
//!     rest(reader, now);
//! }
//!
//! /// After each record, when `poll_deadline` has come, and when a format was given later.
//! fn rest(reader: &mut StreamReader, now: Duration) {
//!     if reader.poll_deadline().is_some_and(|deadline| deadline <= now) {
//!         reader.handle_timeout(now);
//!     }
//!     loop {
//!         while let Some(event) = reader.poll_event() {
//!             match event {
//!                 ReaderEvent::FormatNeeded { id } => match fetch(&id) {
//!                     Some(format) => drop(reader.provide_format(&id, format)),
//!                     None => reader.format_unavailable(&id),
//!                 },
//!                 ReaderEvent::Stale { stream_id } => println!("nothing comes of {stream_id}"),
//!                 _ => {}
//!             }
//!         }
//!         // What comes out may make room, or need another format: then there are events again.
//!         let Some(received) = reader.poll_record() else { break };
//!         take(received);
//!     }
//! }
//! # let mut reader = StreamReader::new();
//! # record(&mut reader, Duration::ZERO, 0, b"tdata:a", br#"{"time":[1],"data":[{"status":[1]}],"format":"b"}"#);
//! # assert_eq!((reader.waiting(), reader.streams().count()), (0, 1));
//! ```
//!
//! What a caller may commit to the broker is the offset behind the last record, but not beyond [`StreamReader::first_waiting_offset`], nor beyond what it holds
//! itself, in a barrier or in sums of its own. What begins in the middle, of a late stream or after such a restart, is not whole up to the next lap or sync.
//!
//! A [`StreamWriter`] sends only what is in order, and the session again when it is due. A [`SyncBarrier`] puts what came in any order into the
//! order of time. A [`Partitioner`] keeps a stream in one partition.
//!
//! # Documents
//!
//! Data formats and configurations are not in the stream. [`DataFormat`] tells which parameters data has; a [`View`] finds those that are wanted.
//! [`AtlasConfiguration`] tells ATLAS how they are shown. [`dependency_id`] names documents, [`store_path`] and [`item_path`] are where the
//! service has them.
//!
//! # What is not as the documents have it
//!
//! Is read, if its meaning is clear, and told by [`Notes`]; else it is a [`DecodeError`] with an offset, a name, and a path such as `data[3].avg`. What
//! messages may cost is in [`Limits`], what a reader may hold in [`ReaderLimits`].
//!
//! # Features
//!
//! `std` (default): `From` into `std::io::Error`. `prost`: the protobuf messages as prost 0.14 has them, in `proto`.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod aggregates;
mod barrier;
mod bits;
mod build;
mod changes;
mod column;
mod columns;
mod configuration;
mod date_time;
mod dependency;
mod encode;
mod error;
mod event;
mod format;
mod json;
mod key;
mod lap;
mod limits;
mod notes;
mod number;
mod partitioner;
mod protobuf;
mod reader;
mod record;
mod session;
mod state;
mod status;
mod sync;
mod telemetry;
mod time;
mod type_map;
mod unknown;
mod view;
// A twin of that of drift-proto, which needs more of it.
#[allow(dead_code)]
mod wire;
mod writer;

#[cfg(feature = "prost")]
pub mod proto;

pub use crate::aggregates::Aggregates;
pub use crate::barrier::{PushError, PushErrorKind, Released, SyncBarrier};
pub use crate::changes::Changes;
pub use crate::column::{Column, Element, Iter, LengthError, Statuses, Times};
pub use crate::columns::{Columns, ParamKey, Parameter};
pub use crate::configuration::{ApplicationGroup, AtlasConfiguration, ConfigurationParameter, ParameterGroup};
pub use crate::date_time::DateTime;
pub use crate::dependency::{ATLAS_CONFIGURATION, DATA_FORMAT, dependency_id, is_dependency_id, item_path, store_path};
pub use crate::encode::{EncodeError, EncodeErrorKind, JsonOptions, NanForm};
pub use crate::error::{DecodeError, DecodeErrorKind, Limit};
pub use crate::event::{Event, EventValues};
pub use crate::format::{DataFormat, Feed, FeedParameter};
pub use crate::key::{Key, KeyRef, MessageType};
pub use crate::lap::{Lap, LapType, TriggerSource};
pub use crate::limits::Limits;
pub use crate::notes::Notes;
pub use crate::partitioner::Partitioner;
pub use crate::reader::{ReadError, ReaderEvent, ReaderLimits, Received, Stream, StreamNotes, StreamReader};
pub use crate::record::{Decoder, Message, Record, RecordRef};
pub use crate::session::{Activity, Model, Session};
pub use crate::state::SessionState;
pub use crate::status::DataStatus;
pub use crate::sync::Sync;
pub use crate::telemetry::{Parameters, TelemetryKind, TelemetryRef};
pub use crate::time::absolute;
pub use crate::type_map::{MessageKind, TypeMap};
pub use crate::unknown::UnknownMembers;
pub use crate::view::{BindError, BindNotes, Bound, BoundColumn, View};
pub use crate::writer::{StreamWriter, Transmit, WriteError, WriterWarnings};

/// For tests.
#[doc(hidden)]
pub mod __number {
    pub use crate::number::{Number, POWERS, read};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

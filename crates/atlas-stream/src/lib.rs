//! McLaren ATLAS Advanced Streams: telemetry of motor sport in Kafka records. Sans-IO: keys and values come in as slices, and go out as bytes.
//! So far keys, states, flags, laps, ids, and the types of prost; views of values are to come.
//!
//! No unsafe code; no panic on any input; `no_std` with `alloc`. The protocol as implemented is in
//! [SPEC.md](https://docs.rs/crate/atlas-stream/latest/source/SPEC.md).
//!
//! # Keys
//!
//! A [`KeyRef`] is `<type>:<stream id>`. A topic may hold records of others: a key that is refused is counted and passed. A [`MessageType`]
//! that nobody knows is none of these: the record is of the stream.
//!
//! # What values tell
//!
//! [`SessionState`], with the hierarchy of closed ones; [`DataStatus`] of samples; [`Aggregates`] of parameters; [`LapType`] and
//! [`TriggerSource`]. What has no name here is kept.
//!
//! # Dependencies
//!
//! Data formats and configurations are not in the stream: [`dependency_id`] names them, [`store_path`] and [`item_path`] are where the service
//! has them.
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
mod dependency;
mod error;
mod key;
mod lap;
mod number;
mod state;
mod status;
mod time;

#[cfg(feature = "prost")]
pub mod proto;

pub use crate::aggregates::Aggregates;
pub use crate::dependency::{ATLAS_CONFIGURATION, DATA_FORMAT, dependency_id, is_dependency_id, item_path, store_path};
pub use crate::error::{DecodeError, DecodeErrorKind};
pub use crate::key::{Key, KeyRef, MessageType};
pub use crate::lap::{LapType, TriggerSource};
pub use crate::state::SessionState;
pub use crate::status::DataStatus;
pub use crate::time::absolute;

/// For tests.
#[doc(hidden)]
pub mod __number {
    pub use crate::number::{Number, POWERS, read};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

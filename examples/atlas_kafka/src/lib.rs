//! ATLAS Advanced Streams over the real Kafka protocol, by way of librdkafka: a random walk in one command, and a replay of captures.
//!
//! [`run`] is `atlas_demo` without its words and its exit code: writers each send a stream, readers of one group share the partitions, one writer is
//! stopped and goes on, one reader comes late. [`replay()`] is `atlas_replay`. The machines of `atlas-stream` say what is sent and what came; the clock, the
//! sockets and the threads are here. The parts to copy are `src/writing.rs`, the loop around a `StreamWriter`, and `src/reading.rs` and `src/group.rs`, those
//! around a `StreamReader` for each partition.
#![expect(clippy::std_instead_of_alloc, reason = "a program, which has std")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what a stream may hold and a reader may tell is open-ended")]
#![expect(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "a program, not a library that grows")]

mod base64;
mod board;
mod capture;
mod demo;
mod documents;
mod group;
mod interrupt;
mod kafka;
mod reading;
mod replay;
mod settings;
mod walk;
mod words;
mod writing;

use core::fmt;
use std::io;
use std::path::PathBuf;

use atlas_stream::{EncodeError, WriteError};
use rdkafka::error::KafkaError;

pub use crate::board::Part;
pub use crate::demo::{Report, StreamReport, run};
pub use crate::interrupt::watch;
pub use crate::replay::{Replayed, replay};
pub use crate::settings::{ReplaySettings, Role, Settings};

/// Why it came to nothing.
#[derive(Debug)]
pub enum Failure {
    /// What was asked of Kafka, and its answer.
    Kafka(&'static str, KafkaError),
    /// A record was not delivered: its key, and why.
    Delivery(String, KafkaError),
    /// The topic is not to be had, for this reason.
    Topic(String),
    /// The writer of a stream refuses something.
    Write(WriteError),
    /// A document or a message cannot be written.
    Encode(EncodeError),
    /// A file or a folder.
    File(PathBuf, io::Error),
    /// The output.
    Output(io::Error),
    /// Nothing came for too long: so many records of so many.
    Silence(u64, u64),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka(what, error) => write!(f, "{what}: {error}"),
            Self::Delivery(key, error) => write!(f, "{key:?} was not delivered: {error}"),
            Self::Topic(why) => f.write_str(why),
            Self::Write(error) => error.fmt(f),
            Self::Encode(error) => error.fmt(f),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Output(error) => error.fmt(f),
            Self::Silence(came, sent) => write!(f, "{came} of {sent} records came back, and no more for too long"),
        }
    }
}

impl core::error::Error for Failure {}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

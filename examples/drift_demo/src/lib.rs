//! PANDA Drift over real MQTT: all of the diagram in its documentation, in one program.
//!
//! [`run`] is the program without its words and its exit code. A trigger service publishes triggers; services that listen to them answer under
//! the same ids, one with a series, one with typed data, one that it cannot; a core listens to everybody, joins packages by id, prints and keeps
//! them. All of them know nothing of each other but the broker: a [`Link`] is the loop around the MQTT client, the part to copy.
#![expect(clippy::std_instead_of_alloc, reason = "a program, which has std")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what a broker may say, and what is not told apart in a table, is open-ended"
)]

mod broker;
mod collect;
mod mqtt;
pub mod recorded;
mod services;
mod settings;
mod store;
mod table;

use core::fmt;
use std::io;
use std::path::PathBuf;

use drift_proto::EncodeError;

pub use crate::broker::start_broker;
pub use crate::collect::{Report, run};
pub use crate::mqtt::{Link, Message, Publisher};
pub use crate::services::{Source, ids, trigger};
pub use crate::settings::{Address, Settings, TRIGGER, USAGE};
pub use crate::store::path_of;

/// Why it came to nothing.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Failure {
    /// The broker, and what is wrong.
    Broker(Address, String),
    /// There is no broker in this program, for this reason.
    NoBroker(String),
    /// A prefix that makes no topics.
    Topic(String),
    /// A package that cannot be written.
    Encode(EncodeError),
    /// The folder of packages.
    Store(PathBuf, io::Error),
    /// The output.
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker(address, why) => write!(f, "broker {address}: {why}"),
            Self::NoBroker(why) => write!(f, "no broker of its own: {why}"),
            Self::Topic(prefix) => write!(f, "no topics begin with {prefix:?}"),
            Self::Encode(error) => error.fmt(f),
            Self::Store(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Output(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Failure {}

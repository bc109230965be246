//! What the examples for the Karabo bridge share: both ends of its ZeroMQ sockets, over the crate `zeromq`, and captures in
//! files.
//!
//! [`Client`] asks, subscribes or pulls; [`Server`] answers, publishes or pushes. They are the loops around
//! [`RequestClient`](karabo_bridge::RequestClient) and [`ReplyServer`](karabo_bridge::ReplyServer), the part to copy. A [`Recorder`] writes
//! whole messages or none, and a [`Playback`] reads them one by one.
//!
//! What to know of the transport, and what is done about it here, is in the README.
#![expect(clippy::std_instead_of_alloc, reason = "for programs, which have std")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what the transport may say is open-ended")]

mod capture;
mod client;
mod endpoint;
mod program;
mod server;

use core::fmt;
use core::time::Duration;

use karabo_bridge::Version;
use zeromq::ZmqError;

pub use crate::capture::{Playback, PlaybackError, PlaybackLimits, Recorder, Store};
pub use crate::client::{Client, ClientSocket, Received, Watch};
pub use crate::program::{block_on, count, interrupted, non_negative, printable, rate, said, utc, wants_help, whole};
pub use crate::server::{Counts, Server, ServerSocket};

/// Why there is no message, or no server.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "for programs, not a library that grows")]
pub enum Error {
    /// What is wrong with a place that no socket can be at.
    Endpoint(&'static str),
    /// There is no connection, for this reason; whether there was one before.
    Unreachable {
        /// Whether there was one.
        was_up: bool,
        /// In half a line.
        why: String,
    },
    /// There is a connection, and nothing came in this time. The next attempt is made on a new socket.
    TimedOut(Duration),
    /// The other end is there, and its socket is none that goes with this one.
    Kind(ClientSocket),
    /// The other end is there and is not what is wanted, or this end is not to be had.
    Transport(ZmqError),
    /// The server has ended.
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(what) => f.write_str(what),
            Self::Unreachable { was_up: false, why } => write!(f, "never connected ({why})"),
            Self::Unreachable { was_up: true, why } => write!(f, "no connection any more ({why})"),
            Self::TimedOut(time) => write!(f, "connected, and no train in {} s", time.as_secs_f64()),
            Self::Kind(ours) => {
                let all = [ClientSocket::Request, ClientSocket::Subscribe, ClientSocket::Pull];
                let others: Vec<_> = all.iter().filter(|other| *other != ours).map(|other| other.as_str()).collect();
                write!(f, "its socket is not one for {}: try --socket {}", ours.as_str(), others.join(" or --socket "))
            }
            Self::Transport(ZmqError::Network(error)) => f.write_str(&said(error)),
            Self::Transport(error) => error.fmt(f),
            Self::Closed => f.write_str("the server has ended"),
        }
    }
}

impl core::error::Error for Error {}

impl From<ZmqError> for Error {
    fn from(error: ZmqError) -> Self {
        Self::Transport(error)
    }
}

/// The version of this name, such as `2.2`.
///
/// # Errors
///
/// What is wrong, for who typed it.
pub fn version(name: &str) -> Result<Version, String> {
    let all = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];
    let known = all.map(Version::as_str).join(", ");
    all.into_iter().find(|version| version.as_str() == name).ok_or_else(|| format!("no version {name:?}: {known}"))
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

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

use karabo_bridge::Version;
use zeromq::ZmqError;

pub use crate::capture::{Playback, PlaybackError, PlaybackLimits, Recorder, Store};
pub use crate::client::{Client, ClientSocket, Received};
pub use crate::program::{block_on, interrupted, non_negative, printable, whole};
pub use crate::server::{Counts, Server, ServerSocket};

/// Why there is no message, or no server.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "for programs, not a library that grows")]
pub enum Error {
    /// Not a place that a socket can be at.
    Endpoint(String),
    /// Nothing came in time. The next attempt is made on a new socket.
    TimedOut,
    /// The other end is there and is not what is wanted, or this end is not to be had.
    Transport(ZmqError),
    /// The server has ended.
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(what) => f.write_str(what),
            Self::TimedOut => f.write_str("nothing came in time"),
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
    all.into_iter().find(|version| version.as_str() == name).ok_or_else(|| format!("no version {name:?}"))
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::error::{DecodeError, PeerError};
use crate::packet::{Data, Hello, Packet};

/// What a [`Client`](crate::Client) tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// ACK: the server knows the client under this UID. STANDBY begins.
    Registered {
        /// As the server gave it.
        uid: String,
    },
    /// START: SENDING begins. Not repeated if the server repeats itself.
    Start,
    /// STOP: back to STANDBY. Not repeated if the server repeats itself.
    Stop,
    /// A packet of a later version, as its line without the `\n`.
    Unknown(String),
    /// A line that is no packet. The next one is read as if nothing had happened.
    BadLine {
        /// What is wrong with it, and where.
        error: DecodeError,
        /// The line with its end; of one over the limit only what was read until then.
        line: Vec<u8>,
    },
    /// A packet that is illegal in the state.
    PeerError {
        /// What, and in which state.
        error: PeerError,
        /// The packet.
        packet: Packet,
    },
    /// The connection is at its end: send what `poll_transmit` still gives, then close the socket. No event follows until a
    /// reconnect.
    Closed(CloseReason),
}

/// What a [`Server`](crate::Server) tells of its client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// HELLO: answer with `accept`, or close.
    Hello(Hello),
    /// A reading.
    Data {
        /// The reading.
        data: Data,
        /// It came after STOP: it was under way, or the client had not heard yet.
        late: bool,
    },
    /// A packet of a later version, as its line without the `\n`.
    Unknown(String),
    /// A line that is no packet. The next one is read as if nothing had happened.
    BadLine {
        /// What is wrong with it, and where.
        error: DecodeError,
        /// The line with its end; of one over the limit only what was read until then.
        line: Vec<u8>,
    },
    /// A packet that is illegal in the state.
    PeerError {
        /// What, and in which state.
        error: PeerError,
        /// The packet.
        packet: Packet,
    },
    /// The client that was accepted under this UID is not registered any more; comes once for each `accept`.
    Unregistered {
        /// As the caller gave it.
        uid: String,
        /// Why.
        reason: CloseReason,
    },
    /// The connection is at its end: send what `poll_transmit` still gives, then close the socket. No event follows.
    Closed(CloseReason),
}

/// Why a registration or a connection came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer sends no more.
    Eof,
    /// Server: no sign of life for [`Config::silence_timeout`](crate::Config::silence_timeout), or no HELLO.
    Silence,
    /// Client: no ACK within [`Config::ack_timeout`](crate::Config::ack_timeout).
    NoAck,
    /// Server: another HELLO on the same connection. The connection stays.
    HelloAgain,
    /// A packet was illegal in the state, and the policy is
    /// [`PeerErrorPolicy::Close`](crate::PeerErrorPolicy::Close).
    PeerError,
    /// The caller's wish.
    Local,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eof => "the peer sends no more",
            Self::Silence => "no sign of life",
            Self::NoAck => "no ACK",
            Self::HelloAgain => "another HELLO",
            Self::PeerError => "illegal packet",
            Self::Local => "closed here",
        })
    }
}

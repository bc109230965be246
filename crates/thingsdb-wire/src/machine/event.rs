use alloc::string::String;
use core::fmt;

use crate::error::{DecodeError, EncodeError};
use crate::limits::Limit;
use crate::package::Package;

/// What a [`Client`](super::Client) tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The server knows who is asking: requests may be sent.
    Authenticated,
    /// The server does not want who is asking. Who was authenticated before still is.
    Denied(Package),
    /// The answer to a request; its ID is that of the package.
    Answer {
        /// TYPE of the request.
        request: u8,
        /// The answer.
        package: Package,
    },
    /// A request failed; its ID is that of the package.
    Error {
        /// TYPE of the request.
        request: u8,
        /// What the server says.
        package: Package,
    },
    /// Something the server told without being asked.
    Event(Package),
    /// A request waited too long. Its ID is not used again before its answer comes, or a new connection.
    TimedOut {
        /// ID of the request.
        id: u16,
        /// TYPE of the request.
        request: u8,
    },
    /// The answer to a request that was given up.
    Late {
        /// TYPE of the request.
        request: u8,
        /// The answer.
        package: Package,
    },
    /// An answer to nothing that was asked.
    Unmatched(Package),
    /// A package of a TYPE that is neither answer nor event. If a request with its ID waits, it goes on waiting. Before
    /// [`Authenticated`](Self::Authenticated) it mostly means that the server speaks another dialect.
    Unknown(Package),
    /// The connection ended before this request was answered, which may be an authentication: nobody knows whether it had an effect.
    Lost {
        /// ID of the request.
        id: u16,
        /// TYPE of the request.
        request: u8,
    },
    /// The client was in this room on the connection before, and is not on this one: ask to join it.
    Rejoin(Joined),
    /// The client is in this room, and will not remember it: [`Limits::max_rooms`](crate::Limits::max_rooms) is reached, or
    /// the scope is too long.
    NotRemembered {
        /// ID of the room.
        id: i64,
    },
    /// The connection is at its end: close the socket. No event follows until a reconnect.
    Closed(CloseReason),
}

/// A room that a client is in, or a thing that it watches.
///
/// ```
/// # #[cfg(feature = "msgpack")] {
/// use thingsdb_wire::v1::{RequestRef, Room};
/// use thingsdb_wire::Joined;
///
/// // What to ask when ClientEvent::Rejoin comes.
/// let room = Joined { scope: "@collection:stuff".into(), id: 5 };
/// let rooms = Room::values([Room::Id(room.id)]);
/// let join = RequestRef::Join { scope: &room.scope, rooms: rooms.as_ref() };
/// assert_eq!(&join.to_body().unwrap().data[..], b"\x92\xb1@collection:stuff\x05");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that it takes to ask again")]
pub struct Joined {
    /// Where, as a request names it: `@collection:name` in v1; in `legacy` the name of the collection, or its ID in digits, or nothing
    /// for the status of nodes.
    pub scope: String,
    /// Its ID; 0 for the status of nodes in `legacy`.
    pub id: i64,
}

/// What a [`Server`](super::Server) tells of its client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// Who is asking: answer with `accept` or `deny`. Nothing behind it is read until then.
    Authenticate(Package),
    /// A request: answer it with `answer`, in any order.
    Request(Package),
    /// A package of a TYPE that only servers send, or nobody: it gets no answer.
    Unknown(Package),
    /// The connection is at its end: send what `poll_transmit` still gives, then close the socket. No event follows.
    Closed(CloseReason),
}

/// Why a connection is at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer sends no more, or the connection broke.
    Eof,
    /// What came is no package, or the stream ended in one. Nobody can know where the next one begins.
    Decode(DecodeError),
    /// Silence, in spite of a PING.
    KeepAlive,
    /// No answer to an authentication, or no authentication, in time.
    AuthTimeout,
    /// The caller's own wish.
    Local,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eof => f.write_str("the peer sends no more"),
            Self::Decode(error) => error.fmt(f),
            Self::KeepAlive => f.write_str("the peer is silent"),
            Self::AuthTimeout => f.write_str("no authentication in time"),
            Self::Local => f.write_str("closed on this side"),
        }
    }
}

/// The caller asked for something that is not to be had now. Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// Events of the old connection have to be drained first: their IDs would be taken for those of the new one.
    #[error("events wait to be drained")]
    NotDrained,
    /// Only a closed client reconnects.
    #[error("only a closed client reconnects")]
    StillOpen,
    /// The request needs an authentication that succeeded.
    #[error("a request of type {kind} needs authentication")]
    NotAuthenticated {
        /// TYPE of the request.
        kind: u8,
    },
    /// An authentication waits for its answer.
    #[error("an authentication is under way")]
    AuthPending,
    /// There is no authentication to answer.
    #[error("no authentication to answer")]
    NoAuthPending,
    /// There is no request with this ID.
    #[error("no request with id {id} waits")]
    NoSuchRequest {
        /// The ID.
        id: u16,
    },
    /// The dialect has this TYPE for something else.
    #[error("type {kind} is not for this")]
    WrongKind {
        /// TYPE of the body.
        kind: u8,
    },
    /// One of the [`Limits`](crate::Limits) is reached.
    #[error("{limit} {max} is reached")]
    LimitReached {
        /// Which limit.
        limit: Limit,
        /// What is allowed.
        max: u64,
    },
}

/// Why a call to a machine did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It may not be called now.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// What was to be sent cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(feature = "std")]
impl From<UsageError> for std::io::Error {
    fn from(error: UsageError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

impl ClientEvent {
    /// Bytes of data that it holds.
    pub(super) fn data_len(&self) -> usize {
        match self {
            Self::Denied(package)
            | Self::Answer { package, .. }
            | Self::Error { package, .. }
            | Self::Event(package)
            | Self::Late { package, .. }
            | Self::Unmatched(package)
            | Self::Unknown(package) => package.data.len(),
            Self::Rejoin(joined) => joined.scope.len(),
            Self::Authenticated
            | Self::TimedOut { .. }
            | Self::Lost { .. }
            | Self::NotRemembered { .. }
            | Self::Closed(_) => 0,
        }
    }
}

impl ServerEvent {
    /// Bytes of data that it holds.
    pub(super) fn data_len(&self) -> usize {
        match self {
            Self::Authenticate(package) | Self::Request(package) | Self::Unknown(package) => package.data.len(),
            Self::Closed(_) => 0,
        }
    }
}

use core::fmt;

use crate::error::EncodeError;

/// What a peer may cost at most. Honoured on every path, the encoder's too.
///
/// | limit | bounds |
/// |---|---|
/// | `max_data_len` | LEN: the data of one package, its header not counted. Checked as soon as the header is there |
/// | `max_login_len` | servers: LEN of a client that was not accepted yet, 64 KiB |
/// | `max_in_flight` | machines: requests without an answer, 1024; of a client also those given up, and at most half of all IDs |
/// | `max_queued_events` | machines: events not drained, 1024; input is not taken beyond it |
/// | `max_queued_bytes` | machines: bytes that wait to be sent, and data of events not drained, 64 MiB each; one package may be larger |
/// | `max_rooms` | machines: rooms to rejoin, 4096, with 1024 bytes of scope each |
///
/// Each peer has a limit of its own for `max_data_len`, beyond which it closes the connection; these are the defaults:
///
/// | | `max_data_len` |
/// |---|---|
/// | [`V1`](Self::V1), and [`DEFAULT`](Self::DEFAULT): ThingsDB since 2020-03-28 | 1 GiB |
/// | [`LEGACY`](Self::LEGACY): ThingsDB before | 200 MiB |
/// | [`SIRIDB`](Self::SIRIDB): SiriDB's clients | 40 MiB |
///
/// Nothing is ever reserved for a LEN that was only announced, but who waits for a package holds what of it has come. So a
/// connection holds a package, and in each direction `max_queued_bytes` and a package, at most.
///
/// ```
/// use thingsdb_wire::{DecodeErrorKind, Limits, PackageRef};
///
/// let auth = b"\x0c\x00\x00\x00\x00\x00\x21\xde\xef\x85admin\x84pass";
/// assert!(PackageRef::decode_with(auth, &Limits::LEGACY).is_ok());
/// let error = PackageRef::decode_with(auth, &Limits::DEFAULT.with_max_data_len(11)).unwrap_err();
/// assert_eq!(error.kind(), DecodeErrorKind::LimitExceeded);
/// assert_eq!(error.to_string(), "length 12 exceeds max_data_len 11 at byte 0 (LEN)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most bytes of data in one package.
    pub max_data_len: u32,
    /// Most bytes of data in one package of a client that a server has not accepted yet.
    pub max_login_len: u32,
    /// Most requests of a machine that have no answer yet.
    pub max_in_flight: u16,
    /// Most events of a machine that were not drained.
    pub max_queued_events: usize,
    /// Most bytes of a machine that wait to be sent, and most bytes of data in events that were not drained.
    pub max_queued_bytes: usize,
    /// Most rooms that a client remembers.
    pub max_rooms: usize,
}

impl Limits {
    /// That of [`V1`](Self::V1).
    pub const DEFAULT: Self = Self::V1;
    /// ThingsDB since 2020-03-28, and its modules.
    pub const V1: Self = Self {
        max_data_len: 1 << 30,
        max_login_len: 64 << 10,
        max_in_flight: 1024,
        max_queued_events: 1024,
        max_queued_bytes: 64 << 20,
        max_rooms: 4096,
    };
    /// ThingsDB before 2020-03-28, with qpack.
    pub const LEGACY: Self = Self::V1.with_max_data_len(200 << 20);
    /// SiriDB's port for clients.
    pub const SIRIDB: Self = Self::V1.with_max_data_len(40 << 20);

    /// Most bytes of data in one package.
    #[must_use]
    pub const fn with_max_data_len(mut self, max_data_len: u32) -> Self {
        self.max_data_len = max_data_len;
        self
    }

    /// Most bytes of data in one package of a client that a server has not accepted yet.
    #[must_use]
    pub const fn with_max_login_len(mut self, max_login_len: u32) -> Self {
        self.max_login_len = max_login_len;
        self
    }

    /// Most requests of a machine that have no answer yet; of a client 32768 at most.
    #[must_use]
    pub const fn with_max_in_flight(mut self, max_in_flight: u16) -> Self {
        self.max_in_flight = max_in_flight;
        self
    }

    /// Most events of a machine that were not drained; one at least.
    #[must_use]
    pub const fn with_max_queued_events(mut self, max_queued_events: usize) -> Self {
        self.max_queued_events = max_queued_events;
        self
    }

    /// Most bytes of a machine that wait to be sent, and most bytes of data in events that were not drained.
    #[must_use]
    pub const fn with_max_queued_bytes(mut self, max_queued_bytes: usize) -> Self {
        self.max_queued_bytes = max_queued_bytes;
        self
    }

    /// Most rooms that a client remembers.
    #[must_use]
    pub const fn with_max_rooms(mut self, max_rooms: usize) -> Self {
        self.max_rooms = max_rooms;
        self
    }
}

impl Limits {
    /// LEN, if so much data may be sent.
    pub(crate) fn check_data_len(&self, len: usize) -> Result<u32, EncodeError> {
        let (met, max) = (len as u64, self.max_data_len);
        match u32::try_from(met) {
            Ok(len) if len <= max => Ok(len),
            _ => Err(EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met, max: max.into() }),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Which limit an error is about. The others hold input back, or are told by an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_data_len`].
    MaxDataLen,
    /// [`Limits::max_login_len`].
    MaxLoginLen,
    /// [`Limits::max_in_flight`].
    MaxInFlight,
    /// [`Limits::max_queued_bytes`].
    MaxQueuedBytes,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxDataLen => "max_data_len",
            Self::MaxLoginLen => "max_login_len",
            Self::MaxInFlight => "max_in_flight",
            Self::MaxQueuedBytes => "max_queued_bytes",
        })
    }
}

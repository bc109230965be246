use core::fmt;
use core::time::Duration;

/// What a peer, or a caller who does not drain, may cost at most. All finite; honoured on every path, read or written.
///
/// | limit | default | bounds |
/// |---|---|---|
/// | `max_line_len` | 4096 | bytes of one line, its `\n` not counted: what a reader has to buffer |
/// | `max_queued_events` | 256 | events that wait in a machine before it takes no more input; at least 1 |
/// | `max_queued_bytes` | 1 MiB | bytes that wait in a machine to be sent |
/// | `max_tags` | 4096 | different tags in one [`Columns`](crate::Columns), each of which costs twice its length |
/// | `max_connections` | 1 048 576 | connections in one [`Registry`](crate::Registry) |
///
/// A machine so holds at most `max_line_len` bytes of a torn line, `max_queued_events` events and three more, of at most twice
/// `max_line_len` bytes each, and `max_queued_bytes` to send.
///
/// ```
/// use datakit::{Config, DecodeErrorKind, Limits, PacketRef};
///
/// let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(8));
/// assert!(PacketRef::decode_with(b"ACK|1234\n", &config).is_ok());
/// let error = PacketRef::decode_with(b"ACK|12345\n", &config).unwrap_err();
/// assert_eq!(error.kind(), DecodeErrorKind::LimitExceeded);
/// assert_eq!(error.to_string(), "line exceeds max_line_len 8 at line 1, column 9, byte 8 (line)");
/// ```
///
/// More limits may come, so start from [`DEFAULT`](Self::DEFAULT) and use the `with_` methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most bytes of one line, its `\n` not counted.
    pub max_line_len: usize,
    /// Most events that wait in a machine before it takes no more input.
    pub max_queued_events: usize,
    /// Most bytes that wait in a machine to be sent.
    pub max_queued_bytes: usize,
    /// Most different tags in one [`Columns`](crate::Columns).
    pub max_tags: usize,
    /// Most connections in one [`Registry`](crate::Registry).
    pub max_connections: usize,
}

impl Limits {
    /// The defaults of the table above.
    pub const DEFAULT: Self = Self {
        max_line_len: 4096,
        max_queued_events: 256,
        max_queued_bytes: 1 << 20,
        max_tags: 4096,
        max_connections: 1 << 20,
    };

    /// Most bytes of one line, its `\n` not counted.
    #[must_use]
    pub const fn with_max_line_len(mut self, max_line_len: usize) -> Self {
        self.max_line_len = max_line_len;
        self
    }

    /// Most events that wait in a machine before it takes no more input; 0 is taken for 1.
    #[must_use]
    pub const fn with_max_queued_events(mut self, max_queued_events: usize) -> Self {
        self.max_queued_events = max_queued_events;
        self
    }

    /// Most bytes that wait in a machine to be sent.
    #[must_use]
    pub const fn with_max_queued_bytes(mut self, max_queued_bytes: usize) -> Self {
        self.max_queued_bytes = max_queued_bytes;
        self
    }

    /// Most different tags in one [`Columns`](crate::Columns).
    #[must_use]
    pub const fn with_max_tags(mut self, max_tags: usize) -> Self {
        self.max_tags = max_tags;
        self
    }

    /// Most connections in one [`Registry`](crate::Registry).
    #[must_use]
    pub const fn with_max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Which limit an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_line_len`].
    MaxLineLen,
    /// [`Limits::max_queued_events`].
    MaxQueuedEvents,
    /// [`Limits::max_queued_bytes`].
    MaxQueuedBytes,
    /// [`Limits::max_tags`].
    MaxTags,
    /// [`Limits::max_connections`].
    MaxConnections,
}

impl Limit {
    /// What the limit counts.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::MaxLineLen => "line length",
            Self::MaxQueuedEvents => "number of events",
            Self::MaxQueuedBytes => "length to send",
            Self::MaxTags => "number of tags",
            Self::MaxConnections => "number of connections",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxLineLen => "max_line_len",
            Self::MaxQueuedEvents => "max_queued_events",
            Self::MaxQueuedBytes => "max_queued_bytes",
            Self::MaxTags => "max_tags",
            Self::MaxConnections => "max_connections",
        })
    }
}

/// What a machine does when its peer sends a packet that is illegal in its state (SPEC.md §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PeerErrorPolicy {
    /// An event tells of it, and the connection goes on.
    #[default]
    Report,
    /// An event tells of it, and the connection is closed.
    Close,
}

/// Limits, how strict to be, and the times of the state machines. Strict unless asked (SPEC.md §4 and §5).
///
/// | setting | default | |
/// |---|---|---|
/// | `accept_crlf` | no | a line may end in `\r\n` |
/// | `fractional_timestamps` | no | timestamps may have a fraction, down to nanoseconds; read and written |
/// | `heartbeat_only` | no | only `$P` counts as a sign of life, not every packet |
/// | `on_peer_error` | `Report` | what becomes of the connection when a packet is illegal in the state |
/// | `heartbeat_interval` | 5 s | how often a client sends `$P`: half of the 10 s that it may be silent; at least 1 ms |
/// | `silence_timeout` | 10 s | after so much silence a server unregisters |
/// | `ack_timeout` | 10 s | how long a client waits for its ACK |
/// | `late_data` | 10 s | how long after STOP a server takes DATA for what was under way |
///
/// A time of `Duration::MAX` is never over. Lines that end in `\r\n` are read by the grammar, at a fraction of the usual speed.
///
/// Leniency is chosen at run time and never by a Cargo feature, since features are shared with strangers.
///
/// ```
/// use datakit::{Config, PacketRef};
///
/// assert!(PacketRef::decode(b"START\r\n").is_err());
/// assert_eq!(PacketRef::decode_with(b"START\r\n", &Config::DEFAULT.with_accept_crlf(true))?, PacketRef::Start);
/// # Ok::<(), datakit::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What a peer may cost at most.
    pub limits: Limits,
    /// Reading: one `\r` before the `\n` belongs to the line end.
    pub accept_crlf: bool,
    /// Reading and writing: timestamps may have a fraction.
    pub fractional_timestamps: bool,
    /// Server: only `$P` counts as a sign of life.
    pub heartbeat_only: bool,
    /// What becomes of the connection when a packet is illegal in the state.
    pub on_peer_error: PeerErrorPolicy,
    /// Client: how often `$P` is sent; at least 1 ms.
    pub heartbeat_interval: Duration,
    /// Server: after so much silence a client is unregistered.
    pub silence_timeout: Duration,
    /// Client: how long to wait for the ACK.
    pub ack_timeout: Duration,
    /// Server: how long after STOP data is taken for what was under way.
    pub late_data: Duration,
}

impl Config {
    /// Strict, default limits, the times of the table above.
    pub const DEFAULT: Self = Self {
        limits: Limits::DEFAULT,
        accept_crlf: false,
        fractional_timestamps: false,
        heartbeat_only: false,
        on_peer_error: PeerErrorPolicy::Report,
        heartbeat_interval: Duration::from_secs(5),
        silence_timeout: Duration::from_secs(10),
        ack_timeout: Duration::from_secs(10),
        late_data: Duration::from_secs(10),
    };

    /// What a peer may cost at most.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether a line may end in `\r\n`.
    #[must_use]
    pub const fn with_accept_crlf(mut self, on: bool) -> Self {
        self.accept_crlf = on;
        self
    }

    /// Whether timestamps may have a fraction.
    #[must_use]
    pub const fn with_fractional_timestamps(mut self, on: bool) -> Self {
        self.fractional_timestamps = on;
        self
    }

    /// Whether only `$P` counts as a sign of life.
    #[must_use]
    pub const fn with_heartbeat_only(mut self, on: bool) -> Self {
        self.heartbeat_only = on;
        self
    }

    /// What becomes of the connection when a packet is illegal in the state.
    #[must_use]
    pub const fn with_on_peer_error(mut self, policy: PeerErrorPolicy) -> Self {
        self.on_peer_error = policy;
        self
    }

    /// How often a client sends `$P`.
    #[must_use]
    pub const fn with_heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat_interval = interval;
        self
    }

    /// After how much silence a server unregisters.
    #[must_use]
    pub const fn with_silence_timeout(mut self, timeout: Duration) -> Self {
        self.silence_timeout = timeout;
        self
    }

    /// How long a client waits for its ACK.
    #[must_use]
    pub const fn with_ack_timeout(mut self, timeout: Duration) -> Self {
        self.ack_timeout = timeout;
        self
    }

    /// How long after STOP a server takes DATA for what was under way.
    #[must_use]
    pub const fn with_late_data(mut self, late_data: Duration) -> Self {
        self.late_data = late_data;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

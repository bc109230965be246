use core::time::Duration;

use super::Dialect;
use crate::limits::Limits;

/// How a machine behaves. [`Duration::MAX`] means never.
///
/// ```
/// # #[cfg(feature = "msgpack")] {
/// use core::time::Duration;
/// use thingsdb_wire::{Config, Limits, v1};
///
/// let config = Config::new(&v1::DIALECT).with_request_timeout(Duration::from_secs(5));
/// assert_eq!(config.limits, Limits::V1);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Who speaks.
    pub dialect: Dialect,
    /// What the peer may cost.
    pub limits: Limits,
    /// Client: after so much silence a PING goes out; 30 s. One millisecond at least.
    pub keep_alive_interval: Duration,
    /// Client: after so much more silence, one millisecond at least, the connection is given up; 60 s, since a node that is busy with one query answers
    /// nobody.
    pub keep_alive_timeout: Duration,
    /// Client: how long a request waits for its answer; 120 s, as nodes wait for each other.
    pub request_timeout: Duration,
    /// Client: how long an authentication waits for its answer before the connection is given up; 10 s.
    pub auth_timeout: Duration,
    /// Server: how long a connection may stay without a successful authentication; never, as the peers'. Not for dialects in which
    /// it is optional.
    pub login_timeout: Duration,
}

impl Config {
    /// The defaults, with the limits of the dialect.
    #[must_use]
    pub const fn new(dialect: &Dialect) -> Self {
        Self {
            dialect: *dialect,
            limits: dialect.limits,
            keep_alive_interval: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(120),
            auth_timeout: Duration::from_secs(10),
            login_timeout: Duration::MAX,
        }
    }

    /// What the peer may cost.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Client: silence before a PING, and after it.
    #[must_use]
    pub const fn with_keep_alive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.keep_alive_interval = interval;
        self.keep_alive_timeout = timeout;
        self
    }

    /// Client: how long a request waits for its answer.
    #[must_use]
    pub const fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Client: how long an authentication waits for its answer.
    #[must_use]
    pub const fn with_auth_timeout(mut self, timeout: Duration) -> Self {
        self.auth_timeout = timeout;
        self
    }

    /// Server: how long a connection may stay without a successful authentication.
    #[must_use]
    pub const fn with_login_timeout(mut self, timeout: Duration) -> Self {
        self.login_timeout = timeout;
        self
    }
}

/// When a wait is over, if ever.
pub(super) fn deadline(now: Duration, wait: Duration) -> Option<Duration> {
    if wait == Duration::MAX { None } else { now.checked_add(wait) }
}

//! When silence is met with a PING, and when it is the end.

use core::time::Duration;

use super::config::{Config, deadline};

#[derive(Clone, Copy)]
pub(super) struct KeepAlive {
    /// From when on silence counts.
    since: Duration,
    /// Silence was met with a PING, or with one that was under way already.
    pinged: bool,
    /// A PING waits for its answer; it gets no company.
    under_way: bool,
    /// The caller came for more of something large since the last look: what went before it was sent.
    sent: bool,
}

/// What silence leads to.
pub(super) enum Silence {
    /// Nothing yet.
    Wait,
    /// Ask whether somebody is there.
    Ping,
    /// Nobody is there.
    End,
}

impl KeepAlive {
    pub(super) const fn new(now: Duration) -> Self {
        Self { since: now, pinged: false, under_way: false, sent: false }
    }

    pub(super) fn heard(&mut self, now: Duration) {
        self.since = now;
        self.pinged = false;
        // What was sent before says nothing of the silence after.
        self.sent = false;
    }

    pub(super) fn sent(&mut self) {
        self.sent = true;
    }

    pub(super) fn answered(&mut self) {
        self.under_way = false;
    }

    /// Whether a PING waits for its answer.
    pub(super) const fn is_under_way(&self) -> bool {
        self.under_way
    }

    pub(super) fn pinged(&mut self) {
        self.under_way = true;
    }

    pub(super) fn deadline(&self, config: &Config) -> Option<Duration> {
        config.dialect.ping?;
        let wait = if self.pinged { config.keep_alive_timeout } else { config.keep_alive_interval };
        deadline(self.since, wait.max(Duration::from_millis(1)))
    }

    /// The deadline is reached.
    pub(super) fn silence(&mut self, now: Duration) -> Silence {
        self.since = now;
        if core::mem::take(&mut self.sent) {
            // The connection still takes what is sent, so the answer may be on its way.
            return Silence::Wait;
        }
        if self.pinged {
            return Silence::End;
        }
        self.pinged = true;
        if self.under_way { Silence::Wait } else { Silence::Ping }
    }
}

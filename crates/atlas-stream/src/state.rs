use core::fmt;

/// How far a session has come, by the number of its state: bit 4 is in all that are closed, bit 8 in those that lack data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct SessionState(pub u8);

impl SessionState {
    /// None of those that are described: a session that has it is in a state with another name.
    pub const UNKNOWN: Self = Self(0);
    /// Announced and described; no data yet.
    pub const WAITING: Self = Self(1);
    /// Data comes; the description may still change.
    pub const OPEN: Self = Self(2);
    /// Finished.
    pub const CLOSED: Self = Self(4);
    /// Closed, and not all data came.
    pub const TRUNCATED: Self = Self(12);
    /// Truncated, since something failed.
    pub const FAILED: Self = Self(28);
    /// Truncated, since the writer is gone: whoever watches says so.
    pub const ABANDONED: Self = Self(44);

    const NAMED: [(Self, &'static str); 6] = [
        (Self::WAITING, "waiting"),
        (Self::OPEN, "open"),
        (Self::CLOSED, "closed"),
        (Self::TRUNCATED, "truncated"),
        (Self::FAILED, "failed"),
        (Self::ABANDONED, "abandoned"),
    ];

    /// By its name in JSON, in any case of letters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(state, _)| *state)
    }

    /// Its name in JSON, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(state, _)| *state == self).map(|(_, name)| *name)
    }

    /// Whether it is this state or a kind of it: [`FAILED`](Self::FAILED) is a kind of [`TRUNCATED`](Self::TRUNCATED), and both are kinds
    /// of [`CLOSED`](Self::CLOSED).
    #[must_use]
    pub const fn is(self, state: Self) -> bool {
        state.0 != 0 && self.0 & state.0 == state.0
    }

    /// Whether it is final: no data may follow.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        self.is(Self::CLOSED)
    }

    /// Whether a session that is in this state may go on to another, or repeat it (SPEC.md §4).
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::WAITING | Self::UNKNOWN => true,
            Self::OPEN => !matches!(next, Self::WAITING),
            _ => next.0 == self.0,
        }
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Debug for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What a package may cost at most. Honoured on every path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most bytes of a package, and of what is read by itself: a message in an `Any`, DriftBytes; 268 435 455, as much as MQTT carries.
    pub max_len: u32,
    /// Most messages, and groups among unknown fields, in one another; 64. Never more than 100: messages are read by recursion.
    pub max_depth: u8,
    /// Most axes of an item of DriftBytes; 8.
    pub max_rank: u8,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self { max_len: (1 << 28) - 1, max_depth: 64, max_rank: 8 };

    /// Most bytes of a package.
    #[must_use]
    pub const fn with_max_len(mut self, max_len: u32) -> Self {
        self.max_len = max_len;
        self
    }

    /// Most messages in one another.
    #[must_use]
    pub const fn with_max_depth(mut self, max_depth: u8) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Most axes of an item of DriftBytes.
    #[must_use]
    pub const fn with_max_rank(mut self, max_rank: u8) -> Self {
        self.max_rank = max_rank;
        self
    }
}

/// Most messages in one another that can be allowed.
const MOST_DEPTH: u8 = 100;

impl Limits {
    /// Most messages in one another, as it is kept.
    pub(crate) const fn depth(self) -> u8 {
        if self.max_depth < MOST_DEPTH { self.max_depth } else { MOST_DEPTH }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What the value of a record, or a document, may cost at most. Honoured on every path.
///
/// What is kept of a value takes memory in proportion to its bytes: of JSON telemetry at most 8 times as much and 144 bytes for each parameter, of
/// sessions and documents at most 64 times as much, and up to the double while lists grow. So `max_len` bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most bytes of a value; 67 108 864. Kafka's own default is 1 MiB.
    pub max_len: u32,
    /// Most arrays and objects of JSON, and groups of protobuf, in one another; 64. Never more than 64: sources of sessions and groups of
    /// configurations are read by recursion.
    pub max_depth: u8,
    /// Most parameters of a message, and of a feed in a data format, and most sources of a session; 65 536.
    pub max_parameters: u32,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self { max_len: 1 << 26, max_depth: 64, max_parameters: 1 << 16 };

    /// Most bytes of a value.
    #[must_use]
    pub const fn with_max_len(mut self, max_len: u32) -> Self {
        self.max_len = max_len;
        self
    }

    /// Most arrays, objects and groups in one another.
    #[must_use]
    pub const fn with_max_depth(mut self, max_depth: u8) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Most parameters.
    #[must_use]
    pub const fn with_max_parameters(mut self, max_parameters: u32) -> Self {
        self.max_parameters = max_parameters;
        self
    }

    /// Most arrays and objects in one another, as it is kept.
    pub(crate) const fn depth(self) -> u8 {
        if self.max_depth < MOST_DEPTH { self.max_depth } else { MOST_DEPTH }
    }
}

/// Most arrays and objects in one another that can be allowed: a bit of a word each.
pub(crate) const MOST_DEPTH: u8 = 64;

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

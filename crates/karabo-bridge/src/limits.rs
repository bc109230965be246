use msgpack_numpy_codec::Limits as ValueLimits;

/// What a message may cost at most. Honoured on every path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most parts of a message, and most sources in the single part of version 1.0; 65 536.
    pub max_parts: u32,
    /// Most properties that a [`TrainIndex`](crate::TrainIndex) takes in, and with them metadata that stands among them; 1 048 576. Of a
    /// source with more of them than are left only arrays are found.
    pub max_properties: u32,
    /// Most lists and maps in one another in a header, in data, and in the single part of version 1.0; 64.
    pub max_depth: u8,
    /// Most axes of an array; 64, as numpy's, and no more than that, whatever is set.
    pub max_axes: u8,
    /// Most bytes of the text of a dtype; 65 536. One with fields takes some 25 times its text while it is read.
    pub max_dtype: u32,
    /// Most trains that a [`ReplyServer`](crate::ReplyServer) holds; 10, as the Python server's.
    pub max_trains: u32,
    /// Most bytes of a bad request that a [`ReplyServer`](crate::ReplyServer) repeats; 4096.
    pub max_echo: u32,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        max_parts: 1 << 16,
        max_properties: 1 << 20,
        max_depth: 64,
        max_axes: 64,
        max_dtype: 1 << 16,
        max_trains: 10,
        max_echo: 4096,
    };

    /// Most parts of a message.
    #[must_use]
    pub const fn with_max_parts(mut self, max_parts: u32) -> Self {
        self.max_parts = max_parts;
        self
    }

    /// Most properties of a train in an index.
    #[must_use]
    pub const fn with_max_properties(mut self, max_properties: u32) -> Self {
        self.max_properties = max_properties;
        self
    }

    /// Most lists and maps in one another.
    #[must_use]
    pub const fn with_max_depth(mut self, max_depth: u8) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Most axes of an array.
    #[must_use]
    pub const fn with_max_axes(mut self, max_axes: u8) -> Self {
        self.max_axes = max_axes;
        self
    }

    /// Most bytes of the text of a dtype.
    #[must_use]
    pub const fn with_max_dtype(mut self, max_dtype: u32) -> Self {
        self.max_dtype = max_dtype;
        self
    }

    /// Most trains that a server holds.
    #[must_use]
    pub const fn with_max_trains(mut self, max_trains: u32) -> Self {
        self.max_trains = max_trains;
        self
    }

    /// Most bytes of a bad request that a server repeats.
    #[must_use]
    pub const fn with_max_echo(mut self, max_echo: u32) -> Self {
        self.max_echo = max_echo;
        self
    }

    /// Those for MessagePack.
    pub(crate) const fn values(&self) -> ValueLimits {
        ValueLimits::DEFAULT.with_max_depth(self.max_depth).with_max_axes(self.axes())
    }

    /// Most axes that can be.
    pub(crate) const fn axes(&self) -> u8 {
        let most = Self::DEFAULT.max_axes;
        if self.max_axes < most { self.max_axes } else { most }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a [`StreamReader`](crate::StreamReader) may hold at most. What a record may cost is in [`Limits`](crate::Limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderLimits {
    /// Most streams; 1024. For one more the least of them is forgotten: one that has ended, else one whose session is closed, else the one that
    /// has been silent longest; never one with records that wait. To find it,
    /// and to find a session that is in two streams, all are gone through, when a stream or another session begins.
    pub max_streams: usize,
    /// Most bytes of the ids and of the last sessions of all streams, as they came; 64 MiB. With more, streams are forgotten as above. What is kept
    /// of a session may take 64 times its bytes, as [`Limits`](crate::Limits) has it.
    pub max_stream_bytes: usize,
    /// Most data formats, known or asked for; 256. For one more the one that was used longest ago is forgotten, and asked for again when data names it; for one that
    /// a session only lists none is.
    pub max_formats: usize,
    /// Most bytes of keys and values of records that wait for a format; 64 MiB. With more, the format that is waited for longest is given up; one record
    /// more is taken.
    pub max_waiting_bytes: usize,
    /// Most records that wait; 65 536.
    pub max_waiting: usize,
}

impl ReaderLimits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        max_streams: 1024,
        max_stream_bytes: 1 << 26,
        max_formats: 256,
        max_waiting_bytes: 1 << 26,
        max_waiting: 1 << 16,
    };

    /// Most streams.
    #[must_use]
    pub const fn with_max_streams(mut self, max_streams: usize) -> Self {
        self.max_streams = max_streams;
        self
    }

    /// Most bytes of ids and sessions.
    #[must_use]
    pub const fn with_max_stream_bytes(mut self, max_stream_bytes: usize) -> Self {
        self.max_stream_bytes = max_stream_bytes;
        self
    }

    /// Most data formats.
    #[must_use]
    pub const fn with_max_formats(mut self, max_formats: usize) -> Self {
        self.max_formats = max_formats;
        self
    }

    /// Most bytes of records that wait.
    #[must_use]
    pub const fn with_max_waiting_bytes(mut self, max_waiting_bytes: usize) -> Self {
        self.max_waiting_bytes = max_waiting_bytes;
        self
    }

    /// Most records that wait.
    #[must_use]
    pub const fn with_max_waiting(mut self, max_waiting: usize) -> Self {
        self.max_waiting = max_waiting;
        self
    }
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

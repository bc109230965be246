use core::fmt;

/// What one value may cost at most, read or written. All finite; the same struct is honoured on every path.
///
/// | limit | default | bounds |
/// |---|---|---|
/// | `max_depth` | 64 | containers open at once; at most 255, since the type holds no more |
/// | `max_len` | 256 MiB | encoded bytes of one value, and so what a reader of a stream has to buffer |
/// | `max_values` | 16 777 216 | values in one value: every scalar, every container, every key |
///
/// Nothing is ever reserved for a length or count that was only announced. What is built costs at most
/// 16 bytes a value in a [`Tape`](crate::Tape) and 96 bytes a value in an owned [`Value`](crate::Value), twice that while
/// a buffer grows. With the defaults, a hostile 16 MiB can so become 1.5 GB of owned values: who decodes strangers' bytes into
/// owned form does well to lower `max_values`.
///
/// ```
/// use qpack_codec::{Config, DecodeErrorKind, Limits, ValueRef};
///
/// let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_depth(2));
/// assert!(ValueRef::decode_with(&[0xee, 0xee, 0x01], &config).is_ok());
/// let error = ValueRef::decode_with(&[0xee, 0xee, 0xee, 0x01], &config).unwrap_err();
/// assert_eq!(error.kind(), DecodeErrorKind::LimitExceeded);
/// assert_eq!(error.to_string(), "depth 3 exceeds max_depth 2 at byte 2 (ARRAY1)");
/// ```
///
/// More limits may come, so start from [`DEFAULT`](Self::DEFAULT) and use the `with_` methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most containers open at once.
    pub max_depth: u8,
    /// Most bytes of one encoded value.
    pub max_len: usize,
    /// Most values in one value, containers and map keys counted.
    pub max_values: usize,
}

impl Limits {
    /// The defaults of the table above.
    pub const DEFAULT: Self = Self { max_depth: 64, max_len: 256 << 20, max_values: 1 << 24 };

    /// Most containers open at once.
    #[must_use]
    pub const fn with_max_depth(mut self, max_depth: u8) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Most bytes of one encoded value.
    #[must_use]
    pub const fn with_max_len(mut self, max_len: usize) -> Self {
        self.max_len = max_len;
        self
    }

    /// Most values in one value, containers and map keys counted.
    #[must_use]
    pub const fn with_max_values(mut self, max_values: usize) -> Self {
        self.max_values = max_values;
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
    /// [`Limits::max_depth`].
    MaxDepth,
    /// [`Limits::max_len`].
    MaxLen,
    /// [`Limits::max_values`].
    MaxValues,
}

impl Limit {
    /// What the limit counts, in one word.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::MaxDepth => "depth",
            Self::MaxLen => "length",
            Self::MaxValues => "value count",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxDepth => "max_depth",
            Self::MaxLen => "max_len",
            Self::MaxValues => "max_values",
        })
    }
}

/// Limits, and how strict to be: strict unless asked (SPEC.md §4 and §5).
///
/// Leniency is chosen at run time and never by a Cargo feature, since features are shared with strangers.
///
/// ```
/// use qpack_codec::{Config, ValueRef};
///
/// let answer = b"\xfd\x89error_msg\x82ho"; // a SiriDB answer: the map is never closed
/// assert!(ValueRef::decode(answer).is_err());
/// assert!(ValueRef::decode_with(answer, &Config::DEFAULT.with_end_closes_open(true)).is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What one value may cost.
    pub limits: Limits,
    /// Reading: the end of the input closes every array and map that is still open, as it does for all peers. Has no
    /// effect on prefixes of a stream, where the end of the input is not the end of the value.
    pub end_closes_open: bool,
    /// Reading: bytes after the first complete value are ignored, as all peers do.
    pub ignore_trailing: bool,
    /// Writing: −0.0 goes out as `7e`, the peers' plain zero, and loses its sign.
    pub peer_compatible: bool,
}

impl Config {
    /// Strict, exact, default limits.
    pub const DEFAULT: Self =
        Self { limits: Limits::DEFAULT, end_closes_open: false, ignore_trailing: false, peer_compatible: false };

    /// All leniencies at once, and −0.0 as the peers write it.
    pub const PEER: Self =
        Self { limits: Limits::DEFAULT, end_closes_open: true, ignore_trailing: true, peer_compatible: true };

    /// For bytes that were checked before under limits of the caller's.
    pub(crate) const CHECKED: Self = Self {
        limits: Limits { max_depth: u8::MAX, max_len: usize::MAX, max_values: usize::MAX },
        end_closes_open: true,
        ignore_trailing: true,
        peer_compatible: false,
    };

    /// What one value may cost.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether the end of the input closes what is open.
    #[must_use]
    pub const fn with_end_closes_open(mut self, on: bool) -> Self {
        self.end_closes_open = on;
        self
    }

    /// Whether bytes after the value are ignored.
    #[must_use]
    pub const fn with_ignore_trailing(mut self, on: bool) -> Self {
        self.ignore_trailing = on;
        self
    }

    /// Whether −0.0 is written as the peers write it.
    #[must_use]
    pub const fn with_peer_compatible(mut self, on: bool) -> Self {
        self.peer_compatible = on;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

use core::fmt;

/// What a peer may cost at most. Honoured on every path, the encoder's too.
///
/// | limit | bounds |
/// |---|---|
/// | `max_data_len` | LEN: the data of one package, its header not counted. Checked as soon as the header is there |
///
/// Each peer has a limit of its own, beyond which it closes the connection; these are the defaults:
///
/// | | `max_data_len` |
/// |---|---|
/// | [`V1`](Self::V1), and [`DEFAULT`](Self::DEFAULT): ThingsDB since 2020-03-28 | 1 GiB |
/// | [`LEGACY`](Self::LEGACY): ThingsDB before | 200 MiB |
/// | [`SIRIDB`](Self::SIRIDB): SiriDB's clients | 40 MiB |
///
/// Nothing is ever reserved for a LEN that was only announced, but who waits for a package holds what of it has come.
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
}

impl Limits {
    /// That of [`V1`](Self::V1).
    pub const DEFAULT: Self = Self::V1;
    /// ThingsDB since 2020-03-28, and its modules.
    pub const V1: Self = Self { max_data_len: 1 << 30 };
    /// ThingsDB before 2020-03-28, with qpack.
    pub const LEGACY: Self = Self { max_data_len: 200 << 20 };
    /// SiriDB's port for clients.
    pub const SIRIDB: Self = Self { max_data_len: 40 << 20 };

    /// Most bytes of data in one package.
    #[must_use]
    pub const fn with_max_data_len(mut self, max_data_len: u32) -> Self {
        self.max_data_len = max_data_len;
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
    /// [`Limits::max_data_len`].
    MaxDataLen,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxDataLen => "max_data_len",
        })
    }
}

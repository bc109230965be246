#[cfg(any(feature = "msgpack", feature = "qpack"))]
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

#[cfg(any(feature = "msgpack", feature = "qpack"))]
use crate::error::EncodeError;
#[cfg(any(feature = "msgpack", feature = "qpack"))]
use crate::limits::Limits;
use crate::package::Package;

/// TYPE and DATA: a package that has no ID yet. What the bodies of the dialects are written into, and what machines send.
///
/// `Debug` does not show the data, which may be a password.
///
/// ```
/// use thingsdb_wire::Body;
///
/// let ping = Body::empty(32);
/// assert_eq!(ping.with_id(7).as_ref().encode_to_vec().unwrap(), b"\0\0\0\0\x07\0\x20\xdf");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that a package is, but for the ID")]
pub struct Body {
    /// TYPE: what it means depends on the dialect.
    pub kind: u8,
    /// DATA: one value in the format of the dialect, or nothing.
    pub data: Bytes,
}

impl Body {
    /// A TYPE and its data.
    #[must_use]
    pub fn new(kind: impl Into<u8>, data: impl Into<Bytes>) -> Self {
        Self { kind: kind.into(), data: data.into() }
    }

    /// A TYPE that needs no data.
    #[must_use]
    pub fn empty(kind: impl Into<u8>) -> Self {
        Self::new(kind, Bytes::new())
    }

    /// The package with this ID; the data is shared.
    #[must_use]
    pub fn with_id(&self, id: u16) -> Package {
        Package { id, kind: self.kind, data: self.data.clone() }
    }

    /// Checks the data against the limit.
    #[cfg(any(feature = "msgpack", feature = "qpack"))]
    pub(crate) fn checked(kind: impl Into<u8>, data: Vec<u8>, limits: &Limits) -> Result<Self, EncodeError> {
        let body = Self::new(kind, data);
        limits.check_data_len(body.data.len())?;
        Ok(body)
    }
}

/// Data as it came, of a package that has no type here. `Debug` does not show it, since it may be anything.
#[cfg(any(feature = "msgpack", feature = "qpack"))]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_structs, reason = "a slice")]
pub struct Raw<'a>(pub &'a [u8]);

#[cfg(any(feature = "msgpack", feature = "qpack"))]
impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl From<Package> for Body {
    fn from(package: Package) -> Self {
        Self { kind: package.kind, data: package.data }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Body");
        shown.field("kind", &self.kind).field("data", &format_args!("[{} bytes]", self.data.len())).finish()
    }
}

use bytes::BufMut;

use crate::error::EncodeError;
use crate::limits::Limits;
use crate::package::PackageRef;

/// Writes packages under the limits of a peer, which closes the connection beyond them.
///
/// ```
/// use thingsdb_wire::{Encoder, Limits, PackageRef};
///
/// let (encoder, mut out) = (Encoder::with_limits(&Limits::LEGACY), Vec::new());
/// encoder.encode(PackageRef { id: 0, kind: 33, data: b"\xef\x85admin\x84pass" }, &mut out)?;
/// encoder.encode(PackageRef { id: 1, kind: 32, data: b"" }, &mut out)?;
/// assert_eq!(out, b"\x0c\0\0\0\0\0\x21\xde\xef\x85admin\x84pass\0\0\0\0\x01\0\x20\xdf");
/// # Ok::<(), thingsdb_wire::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Encoder {
    limits: Limits,
}

impl Encoder {
    /// Under [`Limits::DEFAULT`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Under limits of the caller's.
    #[must_use]
    pub const fn with_limits(limits: &Limits) -> Self {
        Self { limits: *limits }
    }

    /// Writes one behind what is there.
    ///
    /// # Errors
    ///
    /// If the data is over the limit, or `out` has no room; nothing was written then.
    pub fn encode(&self, package: PackageRef<'_>, out: &mut impl BufMut) -> Result<(), EncodeError> {
        package.encode_with(out, &self.limits)
    }
}

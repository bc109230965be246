use core::fmt;

use bytes::Bytes;

use crate::build::{EncodeError, PackageBuilder};
use crate::codes::StatusCode;
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::package::{PackageRef, Summary};

/// A package that owns its bytes, which were checked: to be kept, or sent to another thread.
#[derive(Clone)]
pub struct Package {
    bytes: Bytes,
    summary: Summary,
}

impl Package {
    /// Takes a package, under [`Limits::DEFAULT`]: its bytes are shared with whoever has them.
    ///
    /// # Errors
    ///
    /// As [`PackageRef::decode`].
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        Self::decode_with(bytes, &Limits::DEFAULT)
    }

    /// Takes a package, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`PackageRef::decode`].
    pub fn decode_with(bytes: Bytes, limits: &Limits) -> Result<Self, DecodeError> {
        let summary = Summary::read(&bytes, limits)?;
        Ok(Self { bytes, summary })
    }

    /// What a service publishes that failed: the id it was asked with, this status, and no data.
    ///
    /// # Errors
    ///
    /// None that are known: such a package is short.
    pub fn failed(id: i64, status: StatusCode) -> Result<Self, EncodeError> {
        PackageBuilder::failed(id, status).build()
    }

    /// The same, where it lies.
    #[must_use]
    pub fn as_ref(&self) -> PackageRef<'_> {
        PackageRef::new(&self.bytes, self.summary)
    }

    /// See [`PackageRef::id`].
    #[must_use]
    pub const fn id(&self) -> i64 {
        self.summary.id()
    }

    /// See [`PackageRef::status`].
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.summary.status()
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// A part of the package that shares its bytes, such as a payload; `None` for bytes from elsewhere.
    #[must_use]
    pub fn share(&self, part: &[u8]) -> Option<Bytes> {
        if part.is_empty() {
            return Some(Bytes::new());
        }
        let start = (part.as_ptr() as usize).checked_sub(self.bytes.as_ptr() as usize)?;
        let end = start.checked_add(part.len()).filter(|end| *end <= self.bytes.len())?;
        Some(self.bytes.slice(start..end))
    }
}

impl PackageBuilder<'_> {
    /// The package, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn build(&self) -> Result<Package, EncodeError> {
        self.build_with(&Limits::DEFAULT)
    }

    /// The package, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn build_with(&self, limits: &Limits) -> Result<Package, EncodeError> {
        let bytes = Bytes::from(self.encode_to_vec_with(limits)?);
        match Summary::read(&bytes, limits) {
            Ok(summary) => Ok(Package { bytes, summary }),
            // What is written is read: the bytes are no more, and no deeper, than was asked for.
            Err(_) => Err(EncodeError::TooDeep { max: limits.depth() }),
        }
    }
}

impl PackageRef<'_> {
    /// A copy of its own.
    #[must_use]
    pub fn into_owned(self) -> Package {
        Package { bytes: Bytes::copy_from_slice(self.as_bytes()), summary: self.summary() }
    }
}

impl PartialEq for Package {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Package {}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Package({}, {}, [{} bytes])", self.id(), self.status(), self.bytes.len())
    }
}

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;

use bytes::{BufMut, Bytes};

use crate::decode::Decoded;
use crate::error::{DecodeError, DecodeErrorKind, EncodeError};
use crate::limits::Limits;

/// Bytes of a header.
pub const HEADER_LEN: usize = 8;

/// What stands in front of the data: LEN, ID, TYPE, and a CHK that is made and checked here (SPEC.md §1).
///
/// ```
/// use thingsdb_wire::Header;
///
/// let header = Header { len: 12, id: 0, kind: 33 };
/// assert_eq!(header.to_bytes(), *b"\x0c\x00\x00\x00\x00\x00\x21\xde");
/// assert_eq!(Header::from_bytes(header.to_bytes()), Some(header));
/// assert_eq!(Header::from_bytes(*b"\x0c\x00\x00\x00\x00\x00\x21\x21"), None); // CHK is not the inverse of TYPE
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "eight bytes, all taken")]
pub struct Header {
    /// LEN: bytes of data, the header not counted.
    pub len: u32,
    /// ID: chosen by who asks, repeated by who answers.
    pub id: u16,
    /// TYPE: what it means depends on the dialect.
    pub kind: u8,
}

impl Header {
    /// Reads eight bytes; `None` if CHK is not the inverse of TYPE.
    #[must_use]
    #[inline]
    pub const fn from_bytes(bytes: [u8; HEADER_LEN]) -> Option<Self> {
        let [a, b, c, d, id_low, id_high, kind, check] = bytes;
        if check != !kind {
            return None;
        }
        Some(Self { len: u32::from_le_bytes([a, b, c, d]), id: u16::from_le_bytes([id_low, id_high]), kind })
    }

    /// The eight bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [a, b, c, d] = self.len.to_le_bytes();
        let [id_low, id_high] = self.id.to_le_bytes();
        [a, b, c, d, id_low, id_high, self.kind, !self.kind]
    }
}

/// One package, borrowed from the stream. `Debug` does not show the data, which may be a password.
///
/// ```
/// use thingsdb_wire::PackageRef;
///
/// let auth = b"\x0c\x00\x00\x00\x00\x00\x21\xde\xef\x85admin\x84pass"; // of the protocol's own document
/// let package = PackageRef::decode(auth)?;
/// assert_eq!((package.id, package.kind, package.data), (0, 33, &b"\xef\x85admin\x84pass"[..]));
/// assert_eq!(format!("{package:?}"), "PackageRef { id: 0, kind: 33, data: [12 bytes] }");
/// assert_eq!(package.encode_to_vec().unwrap(), auth);
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that a package is")]
pub struct PackageRef<'a> {
    /// ID.
    pub id: u16,
    /// TYPE: what it means depends on the dialect.
    pub kind: u8,
    /// DATA: one value in the format of the dialect, or nothing.
    pub data: &'a [u8],
}

impl<'a> PackageRef<'a> {
    /// Reads one package, and nothing else.
    ///
    /// # Errors
    ///
    /// What is wrong with the header; [`UnexpectedEnd`](DecodeErrorKind::UnexpectedEnd) or
    /// [`TrailingBytes`](DecodeErrorKind::TrailingBytes) if there are not as many bytes as it says.
    pub fn decode(input: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(input, &Limits::DEFAULT)
    }

    /// Reads one package, and nothing else, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_with(input: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let header = input.first_chunk().copied();
        match Self::decode_prefix(input, limits)? {
            Decoded::Complete { value, consumed } if consumed == input.len() => Ok(value),
            Decoded::Complete { consumed, .. } => {
                Err(DecodeError::new(DecodeErrorKind::TrailingBytes, consumed, header))
            }
            Decoded::Incomplete { .. } => Err(DecodeError::new(DecodeErrorKind::UnexpectedEnd, input.len(), header)),
        }
    }

    /// Looks for a whole package at the front of `input`. The header is checked as soon as it is there.
    ///
    /// # Errors
    ///
    /// What is wrong with the header.
    #[inline]
    pub fn decode_prefix(input: &'a [u8], limits: &Limits) -> Result<Decoded<Self>, DecodeError> {
        let Some((bytes, rest)) = input.split_first_chunk::<HEADER_LEN>() else {
            return Ok(incomplete(HEADER_LEN.saturating_sub(input.len())));
        };
        let Some(Header { len, id, kind }) = Header::from_bytes(*bytes) else {
            return Err(DecodeError::new(DecodeErrorKind::InvalidCheck, HEADER_LEN.saturating_sub(1), Some(*bytes)));
        };
        if len > limits.max_data_len {
            return Err(DecodeError::limit_exceeded(len, limits.max_data_len, *bytes));
        }
        // On a machine with 16 bits, more than it could ever hold is missing.
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        match rest.get(..len) {
            Some(data) => {
                let consumed = len.saturating_add(HEADER_LEN);
                Ok(Decoded::Complete { value: Self { id, kind, data }, consumed })
            }
            None => Ok(incomplete(len.saturating_sub(rest.len()))),
        }
    }

    /// The same with data of its own.
    #[must_use]
    pub fn into_owned(self) -> Package {
        Package { id: self.id, kind: self.kind, data: Bytes::copy_from_slice(self.data) }
    }

    /// Writes it under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// If the data is over the limit, or `out` has no room; nothing was written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        self.encode_with(out, &Limits::DEFAULT)
    }

    /// Writes it under limits of the caller's: those of the peer, which closes the connection beyond them.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_with(&self, out: &mut impl BufMut, limits: &Limits) -> Result<(), EncodeError> {
        let header = self.header(limits)?;
        let (len, available) = (self.encoded_len(), out.remaining_mut());
        if len > available {
            return Err(EncodeError::BufferTooSmall { len, available });
        }
        out.put_slice(&header.to_bytes());
        out.put_slice(self.data);
        Ok(())
    }

    /// Its header, for those who send header and data without copying them together.
    ///
    /// # Errors
    ///
    /// If the data is over the limit.
    pub fn header(&self, limits: &Limits) -> Result<Header, EncodeError> {
        Ok(Header { len: limits.check_data_len(self.data.len())?, id: self.id, kind: self.kind })
    }

    /// Its bytes.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_to_vec(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode(&mut out)?;
        Ok(out)
    }

    /// Bytes of header and data.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.data.len().saturating_add(HEADER_LEN)
    }
}

fn incomplete<T>(missing: usize) -> Decoded<T> {
    Decoded::Incomplete { needed: NonZeroUsize::new(missing).unwrap_or(NonZeroUsize::MIN) }
}

/// One package with data of its own, or that shares it. `Debug` does not show the data.
///
/// ```
/// use bytes::Bytes;
/// use thingsdb_wire::Package;
///
/// let input = Bytes::from_static(b"\x01\x00\x00\x00\x03\x00\x12\xed\x02");
/// let package = Package::decode_bytes(&input)?;
/// assert_eq!(package, Package { id: 3, kind: 18, data: Bytes::from_static(b"\x02") });
/// assert_eq!(package.as_ref().encode_to_vec().unwrap(), input);
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that a package is")]
pub struct Package {
    /// ID.
    pub id: u16,
    /// TYPE: what it means depends on the dialect.
    pub kind: u8,
    /// DATA: one value in the format of the dialect, or nothing.
    pub data: Bytes,
}

impl Package {
    /// Reads one package, and nothing else; its data shares `input` and keeps it alive.
    ///
    /// # Errors
    ///
    /// As [`PackageRef::decode`].
    pub fn decode_bytes(input: &Bytes) -> Result<Self, DecodeError> {
        Self::decode_bytes_with(input, &Limits::DEFAULT)
    }

    /// Reads one package, and nothing else, under limits of the caller's; its data shares `input` and keeps it alive.
    ///
    /// # Errors
    ///
    /// As [`PackageRef::decode`].
    pub fn decode_bytes_with(input: &Bytes, limits: &Limits) -> Result<Self, DecodeError> {
        let PackageRef { id, kind, data } = PackageRef::decode_with(input, limits)?;
        Ok(Self { id, kind, data: input.slice_ref(data) })
    }

    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> PackageRef<'_> {
        PackageRef { id: self.id, kind: self.kind, data: &self.data }
    }
}

impl fmt::Debug for PackageRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("PackageRef", *self, f)
    }
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("Package", self.as_ref(), f)
    }
}

fn debug(name: &str, package: PackageRef<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut shown = f.debug_struct(name);
    shown.field("id", &package.id).field("kind", &package.kind);
    shown.field("data", &format_args!("[{} bytes]", package.data.len())).finish()
}

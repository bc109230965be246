use std::io;

use bytes::{Buf, BytesMut};
use tokio_util::codec;

use crate::decode::{Decoded, Decoder};
use crate::error::{DecodeError, EncodeError};
use crate::limits::Limits;
use crate::package::{Package, PackageRef};

/// Packages over anything that tokio reads and writes: for `tokio_util::codec::Framed`.
///
/// A package takes its data out of the buffer without copying it, and keeps what was read together with it alive: copy what is to be
/// kept for long.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use thingsdb_wire::{Codec, Package};
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let mut codec = Codec::new();
/// let mut buffer = BytesMut::from(&b"\x01\x00\x00\x00\x03\x00\x12\xed\x02\x00"[..]);
/// let package = codec.decode(&mut buffer)?.unwrap();
/// assert_eq!((package.id, package.kind, &package.data[..]), (3, 18, &[2][..]));
/// assert_eq!(codec.decode(&mut buffer)?, None);
///
/// let mut out = BytesMut::new();
/// codec.encode(Package { id: 4, kind: 32, data: Bytes::new() }, &mut out)?;
/// assert_eq!(&out[..], b"\x00\x00\x00\x00\x04\x00\x20\xdf");
/// # Ok::<(), thingsdb_wire::CodecError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Codec {
    decoder: Decoder,
    limits: Limits,
}

/// Why the stream failed, or a package was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The transport.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A header is wrong, or the stream ends in a package: close the connection.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A package cannot be written; the stream goes on.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl From<CodecError> for io::Error {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Io(error) => error,
            CodecError::Decode(error) => error.into(),
            CodecError::Encode(error) => error.into(),
        }
    }
}

impl Codec {
    /// Under [`Limits::DEFAULT`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Under limits of the caller's.
    #[must_use]
    pub fn with_limits(limits: &Limits) -> Self {
        Self { decoder: Decoder::with_limits(limits), limits: *limits }
    }
}

impl codec::Decoder for Codec {
    type Item = Package;
    type Error = CodecError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Package>, CodecError> {
        let (id, kind, len) = match self.decoder.decode(buffer)? {
            Decoded::Complete { value: PackageRef { id, kind, data }, .. } => (id, kind, data.len()),
            Decoded::Incomplete { .. } => return Ok(None),
        };
        buffer.advance(crate::HEADER_LEN);
        Ok(Some(Package { id, kind, data: buffer.split_to(len).freeze() }))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Package>, CodecError> {
        let package = self.decode(buffer)?;
        if package.is_none() {
            self.decoder.finish(buffer)?;
        }
        Ok(package)
    }
}

impl codec::Encoder<PackageRef<'_>> for Codec {
    type Error = CodecError;

    fn encode(&mut self, package: PackageRef<'_>, out: &mut BytesMut) -> Result<(), CodecError> {
        Ok(package.encode_with(out, &self.limits)?)
    }
}

impl codec::Encoder<Package> for Codec {
    type Error = CodecError;

    fn encode(&mut self, package: Package, out: &mut BytesMut) -> Result<(), CodecError> {
        codec::Encoder::encode(self, package.as_ref(), out)
    }
}

//! Packages out of input that comes in any pieces, for machines, whose callers do not keep what was not taken.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::decode::Decoded;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::limits::Limits;
use crate::package::{HEADER_LEN, Header, Package, PackageRef};

/// Least room made for data whose end has not come.
const FIRST_ROOM: usize = 4096;

pub(crate) struct Feed {
    /// Bytes of the stream before the package that is due.
    offset: u64,
    torn: Torn,
}

/// The start of a package whose end has not come.
enum Torn {
    Header { bytes: [u8; HEADER_LEN], len: usize },
    Data { header: Header, data: Vec<u8> },
}

impl Torn {
    const NOTHING: Self = Self::Header { bytes: [0; HEADER_LEN], len: 0 };
}

impl Feed {
    pub(crate) const fn new() -> Self {
        Self { offset: 0, torn: Torn::NOTHING }
    }

    /// Takes one package off the front of `input`; `None` if there is no whole one, with all of `input` taken.
    pub(crate) fn next(&mut self, input: &mut &[u8], limits: &Limits) -> Result<Option<Package>, DecodeError> {
        let package = match &mut self.torn {
            Torn::Header { len: 0, .. } => {
                match PackageRef::decode_prefix(input, limits).map_err(|error| error.shifted(self.offset))? {
                    Decoded::Complete { value, consumed } => {
                        *input = input.get(consumed..).unwrap_or_default();
                        Some(value.into_owned())
                    }
                    Decoded::Incomplete { .. } => self.resume(input, limits)?,
                }
            }
            Torn::Header { .. } | Torn::Data { .. } => self.resume(input, limits)?,
        };
        if let Some(package) = &package {
            let len = package.data.len().saturating_add(HEADER_LEN);
            self.offset = self.offset.saturating_add(len as u64);
        }
        Ok(package)
    }

    fn resume(&mut self, input: &mut &[u8], limits: &Limits) -> Result<Option<Package>, DecodeError> {
        if let Torn::Header { bytes, len } = &mut self.torn {
            if let Some(room) = bytes.get_mut(*len..) {
                let (part, rest) = input.split_at_checked(room.len()).unwrap_or((input, &[]));
                room.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
                *len = len.saturating_add(part.len());
                *input = rest;
            }
            if *len < HEADER_LEN {
                return Ok(None);
            }
            // Alone, the header is a package or the start of one, or what is wrong with it.
            let _ = PackageRef::decode_prefix(bytes, limits).map_err(|error| error.shifted(self.offset))?;
            let Some(header) = Header::from_bytes(*bytes) else { return Ok(None) };
            self.torn = Torn::Data { header, data: Vec::new() };
        }
        let Torn::Data { header, data } = &mut self.torn else { return Ok(None) };
        let missing = usize::try_from(header.len).unwrap_or(usize::MAX).saturating_sub(data.len());
        let (part, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
        *input = rest;
        // Room for as much again as has come, never for what was only announced.
        if data.capacity().saturating_sub(data.len()) < part.len() {
            data.reserve_exact(missing.min(data.len().max(FIRST_ROOM)).max(part.len()));
        }
        data.extend_from_slice(part);
        if part.len() < missing {
            return Ok(None);
        }
        let package = Package { id: header.id, kind: header.kind, data: Bytes::from(core::mem::take(data)) };
        self.torn = Torn::NOTHING;
        Ok(Some(package))
    }

    /// At the end of the stream: is there a torn package?
    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        let (len, header) = match &self.torn {
            Torn::Header { len: 0, .. } => return Ok(()),
            Torn::Header { len, .. } => (*len, None),
            Torn::Data { header, data } => (data.len().saturating_add(HEADER_LEN), Some(header.to_bytes())),
        };
        Err(DecodeError::new(DecodeErrorKind::UnexpectedEnd, len, header).shifted(self.offset))
    }
}

use alloc::vec::Vec;
use core::fmt;

use crate::error::{DecodeError, DecodeErrorKind, Limit, What};
use crate::limits::Limits;

/// What stands in front of a part in a TCP stream and in a capture: a frame header of ZMTP, the protocol below ZeroMQ.
///
/// A capture is messages one behind the other, as a publisher puts them on the wire behind its handshake: each part with a frame header in
/// front, and nothing else.
///
/// ```
/// use karabo_bridge::FrameHeader;
///
/// let header = FrameHeader { more: true, len: 4 };
/// assert_eq!(header.encode().as_ref(), [0x01, 0x04]);
/// assert_eq!(FrameHeader::decode_prefix(b"\x01\x04next")?, Some((header, 2)));
/// assert_eq!(FrameHeader::decode_prefix(b"\x01")?, None);
/// # Ok::<(), karabo_bridge::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that such a header says")]
pub struct FrameHeader {
    /// Whether another part of the message follows.
    pub more: bool,
    /// Bytes of the part; less than 2^63, or nobody reads it.
    pub len: u64,
}

/// Flags of a frame.
const MORE: u8 = 1;
const LONG: u8 = 2;

impl FrameHeader {
    /// Reads a header and tells how many bytes it takes, 2 or 9; `None` if more of them are needed.
    ///
    /// # Errors
    ///
    /// [`InvalidTag`](DecodeErrorKind::InvalidTag) for flags other than `MORE` and `LONG`, [`UnexpectedType`](DecodeErrorKind::UnexpectedType)
    /// for a length from 2^63 on.
    pub fn decode_prefix(input: &[u8]) -> Result<Option<(Self, usize)>, DecodeError> {
        let failed = |kind, offset| DecodeError::new(kind, 0, offset, What::Frame);
        let Some((&flags, rest)) = input.split_first() else { return Ok(None) };
        if flags & !(MORE | LONG) != 0 {
            return Err(failed(DecodeErrorKind::InvalidTag, 0));
        }
        let more = flags & MORE != 0;
        if flags & LONG == 0 {
            return Ok(rest.first().map(|&len| (Self { more, len: len.into() }, 2)));
        }
        let Some(len) = rest.first_chunk().map(|len| u64::from_be_bytes(*len)) else { return Ok(None) };
        if i64::try_from(len).is_err() {
            return Err(failed(DecodeErrorKind::UnexpectedType, 1));
        }
        Ok(Some((Self { more, len }, 9)))
    }

    /// Its bytes; lengths from 256 on take nine.
    #[must_use]
    pub const fn encode(self) -> EncodedFrameHeader {
        let more = if self.more { MORE } else { 0 };
        let [a, b, c, d, e, f, g, h] = self.len.to_be_bytes();
        if self.len < 256 {
            return EncodedFrameHeader { bytes: [more, h, 0, 0, 0, 0, 0, 0, 0], len: 2 };
        }
        EncodedFrameHeader { bytes: [more | LONG, a, b, c, d, e, f, g, h], len: 9 }
    }
}

/// The bytes of a [`FrameHeader`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EncodedFrameHeader {
    bytes: [u8; 9],
    len: usize,
}

impl AsRef<[u8]> for EncodedFrameHeader {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Debug for EncodedFrameHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", self.as_ref())
    }
}

/// The messages of a capture, where they lie.
///
/// ```
/// use karabo_bridge::Capture;
///
/// let mut capture = Capture::new(b"\x01\x01a\x00\x02bc\x00\x01d");
/// let mut parts = Vec::new();
/// assert!(capture.read(&mut parts)?);
/// assert_eq!(parts, [&b"a"[..], b"bc"]);
/// assert!(capture.read(&mut parts)?);
/// assert_eq!(parts, [b"d"]);
/// assert!(!capture.read(&mut parts)?);
/// # Ok::<(), karabo_bridge::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Capture<'a> {
    bytes: &'a [u8],
    offset: usize,
    limits: Limits,
}

impl<'a> Capture<'a> {
    /// A capture, under [`Limits::DEFAULT`].
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, limits: Limits::DEFAULT }
    }

    /// Limits of the caller's.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Puts a message behind those of a capture.
    ///
    /// ```
    /// use karabo_bridge::Capture;
    ///
    /// let mut capture = Vec::new();
    /// Capture::append(&[&b"a"[..], b"bc"], &mut capture);
    /// assert_eq!(capture, b"\x01\x01a\x00\x02bc");
    /// ```
    pub fn append<P: AsRef<[u8]>>(parts: &[P], out: &mut Vec<u8>) {
        for (index, part) in parts.iter().enumerate() {
            let part = part.as_ref();
            let more = index.saturating_add(1) < parts.len();
            out.extend_from_slice(FrameHeader { more, len: part.len() as u64 }.encode().as_ref());
            out.extend_from_slice(part);
        }
    }

    /// Bytes of messages that were read.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Puts the parts of the next message in place of what `parts` has; false at the end.
    ///
    /// # Errors
    ///
    /// A header that is none, a capture that ends in a message, more parts than [`Limits::max_parts`]: offsets are those in the capture, parts
    /// those of the message. Nothing can be read behind such a fault, and every further call repeats it; `parts` is left empty.
    pub fn read(&mut self, parts: &mut Vec<&'a [u8]>) -> Result<bool, DecodeError> {
        parts.clear();
        let read = self.message(parts);
        if read.is_err() {
            parts.clear();
        }
        read
    }

    fn message(&mut self, parts: &mut Vec<&'a [u8]>) -> Result<bool, DecodeError> {
        let mut offset = self.offset;
        if offset == self.bytes.len() {
            return Ok(false);
        }
        loop {
            let part = u32::try_from(parts.len()).unwrap_or(u32::MAX);
            if part >= self.limits.max_parts {
                let (met, max) = (u64::from(part).saturating_add(1), self.limits.max_parts.into());
                return Err(DecodeError::over(Limit::MaxParts, met, max, part, offset, What::Message));
            }
            let rest = self.bytes.get(offset..).unwrap_or_default();
            let header = FrameHeader::decode_prefix(rest).map_err(|error| error.moved(part, offset))?;
            let ends = || DecodeError::new(DecodeErrorKind::UnexpectedEnd, part, self.bytes.len(), What::Frame);
            let (FrameHeader { more, len }, taken) = header.ok_or_else(ends)?;
            let start = offset.saturating_add(taken);
            let end = usize::try_from(len).ok().and_then(|len| start.checked_add(len));
            let bytes = end.and_then(|end| self.bytes.get(start..end)).ok_or_else(ends)?;
            parts.push(bytes);
            offset = start.saturating_add(bytes.len());
            if !more {
                self.offset = offset;
                return Ok(true);
            }
        }
    }
}

//! Writing: every packet is cut into pieces that are checked first, then measured, then copied.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

#[cfg(feature = "alloc")]
use bytes::BufMut;

use crate::error::{EncodeError, Field};
use crate::grammar;
use crate::limits::{Config, Limit};
use crate::packet::{DataRef, HelloRef, PacketRef};

impl PacketRef<'_> {
    /// Writes it as a line with its `\n` and tells how many bytes that took; needs no allocator.
    ///
    /// # Errors
    ///
    /// A text that is empty or would begin another field or line, a line over
    /// [`Limits::max_line_len`](crate::Limits::max_line_len), or too little room in `out`; nothing was written then.
    pub fn encode_to_slice(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        self.encode_to_slice_with(out, &Config::DEFAULT)
    }

    /// Writes it as a line with its `\n` and tells how many bytes that took, under settings of the caller's.
    ///
    /// # Errors
    ///
    /// As [`encode_to_slice`](Self::encode_to_slice).
    pub fn encode_to_slice_with(&self, out: &mut [u8], config: &Config) -> Result<usize, EncodeError> {
        line(self, config, |pieces, len| {
            let available = out.len();
            let mut rest = out.get_mut(..len).ok_or(EncodeError::BufferTooSmall { len, available })?;
            for piece in pieces {
                let Some((room, after)) = rest.split_at_mut_checked(piece.len()) else { break };
                room.copy_from_slice(piece);
                rest = after;
            }
            Ok(len)
        })
    }

    /// Writes it as a line with its `\n`.
    ///
    /// # Errors
    ///
    /// A text that is empty or would begin another field or line, a line over
    /// [`Limits::max_line_len`](crate::Limits::max_line_len), or too little room in `out`; nothing was written then.
    #[cfg(feature = "alloc")]
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        self.encode_with(out, &Config::DEFAULT)
    }

    /// Writes it as a line with its `\n`, under settings of the caller's.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn encode_with(&self, out: &mut impl BufMut, config: &Config) -> Result<(), EncodeError> {
        line(self, config, |pieces, len| {
            let available = out.remaining_mut();
            if len > available {
                return Err(EncodeError::BufferTooSmall { len, available });
            }
            for piece in pieces {
                out.put_slice(piece);
            }
            Ok(())
        })
    }

    /// Its line, with the `\n`.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    #[cfg(feature = "alloc")]
    pub fn encode_to_vec(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        self.encode(&mut out)?;
        Ok(out)
    }

    /// Bytes of its line, the `\n` counted; those of one that cannot be written, were it written as it is.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let mut numbers = Numbers::new();
        len_of(&pieces(self, &mut numbers))
    }
}

/// Checks a packet and hands what its line consists of, and the length of that, to `put`.
#[inline]
fn line<T>(
    packet: &PacketRef<'_>,
    config: &Config,
    put: impl FnOnce(&[&[u8]], usize) -> Result<T, EncodeError>,
) -> Result<T, EncodeError> {
    check(packet, config)?;
    let mut numbers = Numbers::new();
    let pieces = pieces(packet, &mut numbers);
    let len = len_of(&pieces);
    let (met, max) = (len.saturating_sub(1), config.limits.max_line_len);
    if met > max {
        return Err(EncodeError::LimitExceeded { limit: Limit::MaxLineLen, met: met as u64, max: max as u64 });
    }
    put(&pieces, len)
}

/// Room for the numbers of a DATA line as text.
struct Numbers {
    seconds: itoa::Buffer,
    fraction: itoa::Buffer,
    value: zmij::Buffer,
}

impl Numbers {
    fn new() -> Self {
        Self { seconds: itoa::Buffer::new(), fraction: itoa::Buffer::new(), value: zmij::Buffer::new() }
    }
}

/// As many as the longest packets have.
type Pieces<'a> = [&'a [u8]; 11];

fn len_of(pieces: &Pieces<'_>) -> usize {
    pieces.iter().fold(0, |sum, piece| sum.saturating_add(piece.len()))
}

fn pieces<'a>(packet: &'a PacketRef<'_>, numbers: &'a mut Numbers) -> Pieces<'a> {
    const NONE: &[u8] = b"";
    match packet {
        PacketRef::Hello(HelloRef { name, units, data_type, collection_type }) => [
            b"$H|",
            name.as_bytes(),
            b"|",
            units.as_bytes(),
            b"|",
            data_type.as_bytes(),
            b"|",
            collection_type.as_bytes(),
            b"\n",
            NONE,
            NONE,
        ],
        PacketRef::Ack(uid) => [b"ACK|", uid.as_bytes(), b"\n", NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE],
        PacketRef::Heartbeat => [b"$P\n", NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE],
        PacketRef::Start => [b"START\n", NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE],
        PacketRef::Stop => [b"STOP\n", NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE],
        PacketRef::Unknown(line) => [line.as_bytes(), b"\n", NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE],
        PacketRef::Data(data) => {
            let (sign, seconds, fraction) = timestamp(data, &mut numbers.seconds, &mut numbers.fraction);
            let (value, exponent) = value(data.value, &mut numbers.value);
            let (dot, fraction): (&[u8], _) = if fraction.is_empty() { (b"", fraction) } else { (b".", fraction) };
            [b">", data.tag.as_bytes(), b"|", sign, seconds, dot, fraction, b"|", value, exponent, b"\n"]
        }
    }
}

/// The sign that the seconds do not show, the seconds, and the digits of the fraction without zeros at the end.
fn timestamp<'a>(
    data: &DataRef<'_>,
    seconds: &'a mut itoa::Buffer,
    fraction: &'a mut itoa::Buffer,
) -> (&'static [u8], &'a [u8], &'a [u8]) {
    if data.nanos == 0 {
        return (b"", seconds.format(data.timestamp).as_bytes(), b"");
    }
    // Seconds are rounded down, and written they are rounded to zero.
    let is_negative = data.timestamp < 0;
    let whole = if is_negative { data.timestamp.saturating_add(1) } else { data.timestamp };
    let nanos = if is_negative { 1_000_000_000_u32.saturating_sub(data.nanos) } else { data.nanos };
    // The leading 1 keeps the zeros in front.
    let digits = fraction.format(nanos.saturating_add(1_000_000_000)).as_bytes();
    let digits = digits.get(1..).unwrap_or_default();
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    let digits = digits.get(..digits.len().saturating_sub(zeros)).unwrap_or_default();
    (if is_negative && whole == 0 { b"-" } else { b"" }, seconds.format(whole).as_bytes(), digits)
}

/// The fewest digits that read back to the same bits, in two parts, of which the second may be empty; NaN keeps its sign and
/// loses its payload (SPEC.md §3).
fn value(value: f64, room: &mut zmij::Buffer) -> (&[u8], &[u8]) {
    if value.is_finite() {
        let text = room.format_finite(value);
        if value.abs() < 1e16 {
            return (text.strip_suffix(".0").unwrap_or(text).as_bytes(), b"");
        }
        // Nobody needs the plus of an exponent.
        let (digits, exponent) = text.split_once('+').unwrap_or((text, ""));
        return (digits.as_bytes(), exponent.as_bytes());
    }
    let text: &[u8] = match (value.is_nan(), value.is_sign_negative()) {
        (true, false) => b"NaN",
        (true, true) => b"-NaN",
        (false, false) => b"Infinity",
        (false, true) => b"-Infinity",
    };
    (text, b"")
}

fn check(packet: &PacketRef<'_>, config: &Config) -> Result<(), EncodeError> {
    match packet {
        PacketRef::Data(data) => {
            mandatory(Field::Tag, data.tag)?;
            match data.nanos {
                0 => Ok(()),
                nanos @ 1_000_000_000.. => Err(EncodeError::NanosOutOfRange { nanos }),
                _ if config.fractional_timestamps => Ok(()),
                _ => Err(EncodeError::FractionalTimestamp),
            }
        }
        PacketRef::Hello(HelloRef { name, units, data_type, collection_type }) => {
            mandatory(Field::Name, name)?;
            text(Field::Units, units)?;
            text(Field::DataType, data_type)?;
            mandatory(Field::CollectionType, collection_type)
        }
        PacketRef::Ack(uid) => mandatory(Field::Uid, uid),
        PacketRef::Heartbeat | PacketRef::Start | PacketRef::Stop => Ok(()),
        PacketRef::Unknown(line) => {
            let identifier = line.split('|').next().unwrap_or_default();
            if grammar::is_known(identifier) || !grammar::is_identifier(identifier) {
                return Err(EncodeError::InvalidIdentifier);
            }
            characters(Field::Line, line, |byte| matches!(byte, b'\n' | b'\r'))
        }
    }
}

#[inline]
fn mandatory(field: Field, value: &str) -> Result<(), EncodeError> {
    if value.is_empty() {
        return Err(EncodeError::EmptyField { field: field.name() });
    }
    text(field, value)
}

/// Nothing that would begin another field or line, for us or for readers who take `\r` for a line end.
#[inline]
fn text(field: Field, value: &str) -> Result<(), EncodeError> {
    characters(field, value, |byte| matches!(byte, b'|' | b'\n' | b'\r'))
}

#[inline]
fn characters(field: Field, value: &str, is_forbidden: impl Fn(u8) -> bool) -> Result<(), EncodeError> {
    // All of it, without leaving early: short, and the compiler makes vectors of it.
    if value.bytes().fold(false, |found, byte| found | is_forbidden(byte)) {
        let found = value.bytes().enumerate().find(|(_, byte)| is_forbidden(*byte));
        let (offset, byte) = found.unwrap_or_default();
        return Err(EncodeError::ForbiddenCharacter { field: field.name(), byte, offset });
    }
    Ok(())
}

//! What a line says: [`PacketRef`] borrows it, `owned` keeps it.

#[cfg(feature = "alloc")]
mod owned;

use core::fmt;
use core::str;

#[cfg(feature = "alloc")]
pub use self::owned::{Data, Hello, Packet};
use crate::decode::{Decoded, Scanner};
use crate::error::{DecodeError, DecodeErrorKind, Field};
use crate::limits::Config;

/// One packet, borrowed from the line it was read from, or from what is to be written (SPEC.md §1).
///
/// ```
/// use datakit::{DataRef, PacketRef};
///
/// let packet = PacketRef::decode(b">some_tag|1459309227|3.141593\n")?;
/// let PacketRef::Data(data) = packet else { panic!() };
/// assert_eq!((data.tag, data.timestamp, data.value), ("some_tag", 1459309227, 3.141593));
/// assert_eq!(packet, PacketRef::Data(DataRef::new("some_tag", 1459309227, 3.141593)));
///
/// let mut line = [0; 64];
/// let len = packet.encode_to_slice(&mut line)?;
/// assert_eq!(&line[..len], b">some_tag|1459309227|3.141593\n");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketRef<'a> {
    /// `$H|name|units|data type|collection type`: a client introduces itself.
    Hello(HelloRef<'a>),
    /// `ACK|uid`: the server registers it under a UID.
    Ack(&'a str),
    /// `$P`: the client is alive.
    Heartbeat,
    /// `START`: the client is to send data.
    Start,
    /// `STOP`: and no more.
    Stop,
    /// `>tag|timestamp|value`: a reading.
    Data(DataRef<'a>),
    /// A packet of a later version, as its line without the `\n`: `$` and letters or digits, or a word in capitals, then
    /// nothing or a `|` and whatever (SPEC.md §3).
    Unknown(&'a str),
}

/// How a client introduces itself.
///
/// Texts hold any characters but `|`, `\n` and `\r`. Name and collection type are not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HelloRef<'a> {
    /// What the sensor is called.
    pub name: &'a str,
    /// The unit of its values; may be empty.
    pub units: &'a str,
    /// No meaning is defined; may be empty.
    pub data_type: &'a str,
    /// How data is collected; [`STREAM`](Self::STREAM) is the only one defined, others survive.
    pub collection_type: &'a str,
}

impl<'a> HelloRef<'a> {
    /// The one collection type that is defined.
    pub const STREAM: &'static str = "stream";

    /// A sensor of this name and unit, with an empty data type, that streams.
    #[must_use]
    pub const fn new(name: &'a str, units: &'a str) -> Self {
        Self { name, units, data_type: "", collection_type: Self::STREAM }
    }

    /// With this data type.
    #[must_use]
    pub const fn with_data_type(mut self, data_type: &'a str) -> Self {
        self.data_type = data_type;
        self
    }

    /// With this collection type.
    #[must_use]
    pub const fn with_collection_type(mut self, collection_type: &'a str) -> Self {
        self.collection_type = collection_type;
        self
    }
}

/// A reading. Equal means equal bits of the value: NaN equals NaN, and 0.0 is not −0.0.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DataRef<'a> {
    /// What was read; not empty, any characters but `|`, `\n` and `\r`.
    pub tag: &'a str,
    /// When: seconds since 1970-01-01 00:00 UTC, rounded down.
    pub timestamp: i64,
    /// And so many nanoseconds, 0 to 999 999 999; 0 unless
    /// [`Config::fractional_timestamps`](crate::Config::fractional_timestamps).
    pub nanos: u32,
    /// What it was, in the units of the HELLO.
    pub value: f64,
}

impl<'a> DataRef<'a> {
    /// A reading on a whole second.
    #[must_use]
    pub const fn new(tag: &'a str, timestamp: i64, value: f64) -> Self {
        Self { tag, timestamp, nanos: 0, value }
    }

    /// So many nanoseconds after its second.
    #[must_use]
    pub const fn with_nanos(mut self, nanos: u32) -> Self {
        self.nanos = nanos;
        self
    }
}

impl PartialEq for DataRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag
            && (self.timestamp, self.nanos) == (other.timestamp, other.nanos)
            && self.value.to_bits() == other.value.to_bits()
    }
}

impl Eq for DataRef<'_> {}

/// Which of the packets it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PacketKind {
    /// [`PacketRef::Hello`].
    Hello,
    /// [`PacketRef::Ack`].
    Ack,
    /// [`PacketRef::Heartbeat`].
    Heartbeat,
    /// [`PacketRef::Start`].
    Start,
    /// [`PacketRef::Stop`].
    Stop,
    /// [`PacketRef::Data`].
    Data,
    /// [`PacketRef::Unknown`].
    Unknown,
}

impl fmt::Display for PacketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "HELLO",
            Self::Ack => "ACK",
            Self::Heartbeat => "HEARTBEAT",
            Self::Start => "START",
            Self::Stop => "STOP",
            Self::Data => "DATA",
            Self::Unknown => "UNKNOWN",
        })
    }
}

impl<'a> PacketRef<'a> {
    /// Reads one line with its `\n`, and nothing else.
    ///
    /// # Errors
    ///
    /// What is wrong with the line; [`TrailingBytes`](DecodeErrorKind::TrailingBytes) if there are more.
    pub fn decode(input: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(input, &Config::DEFAULT)
    }

    /// Reads one line with its `\n`, and nothing else, under settings of the caller's.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_with(input: &'a [u8], config: &Config) -> Result<Self, DecodeError> {
        match Self::decode_prefix(input, config)? {
            Decoded::Complete { value, consumed } if consumed == input.len() => Ok(value),
            Decoded::Complete { consumed, .. } => {
                Err(DecodeError::new(DecodeErrorKind::TrailingBytes, Field::Line, consumed))
            }
            Decoded::Incomplete { .. } => {
                Err(DecodeError::new(DecodeErrorKind::UnexpectedEnd, Field::Line, input.len()))
            }
        }
    }

    /// Looks for a whole line at the front of `input`. Each call looks at the input from its start; a
    /// [`Decoder`](crate::Decoder) does not, counts lines, and steps over bad ones.
    ///
    /// # Errors
    ///
    /// What is wrong with the line. The next one begins after its `\n`.
    pub fn decode_prefix(input: &'a [u8], config: &Config) -> Result<Decoded<Self>, DecodeError> {
        let mut rest = input;
        match Scanner::new().next(&mut rest, config) {
            Some(packet) => Ok(Decoded::Complete { value: packet?, consumed: input.len().saturating_sub(rest.len()) }),
            None => Ok(Decoded::Incomplete { needed: core::num::NonZeroUsize::MIN }),
        }
    }

    /// Which of the packets it is.
    #[must_use]
    pub const fn kind(&self) -> PacketKind {
        match self {
            Self::Hello(_) => PacketKind::Hello,
            Self::Ack(_) => PacketKind::Ack,
            Self::Heartbeat => PacketKind::Heartbeat,
            Self::Start => PacketKind::Start,
            Self::Stop => PacketKind::Stop,
            Self::Data(_) => PacketKind::Data,
            Self::Unknown(_) => PacketKind::Unknown,
        }
    }
}

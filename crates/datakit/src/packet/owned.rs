use alloc::string::String;
use alloc::vec::Vec;

use bytes::BufMut;

use super::{DataRef, HelloRef, PacketKind, PacketRef};
use crate::error::{DecodeError, EncodeError};
use crate::limits::Config;

/// One packet that owns its texts: [`PacketRef`] kept.
///
/// ```
/// use datakit::{Packet, PacketRef};
///
/// let packet = PacketRef::decode(b"ACK|asdjfalskdjfajsrhuip3wtr87q23tg\n")?.into_owned();
/// assert_eq!(packet, Packet::Ack("asdjfalskdjfajsrhuip3wtr87q23tg".into()));
/// assert_eq!(packet.encode_to_vec()?, b"ACK|asdjfalskdjfajsrhuip3wtr87q23tg\n");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packet {
    /// A client introduces itself.
    Hello(Hello),
    /// The server registers it under this UID.
    Ack(String),
    /// The client is alive.
    Heartbeat,
    /// The client is to send data.
    Start,
    /// And no more.
    Stop,
    /// A reading.
    Data(Data),
    /// A packet of a later version, as its line without the `\n`.
    Unknown(String),
}

/// How a client introduces itself: [`HelloRef`] kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hello {
    /// What the sensor is called.
    pub name: String,
    /// The unit of its values.
    pub units: String,
    /// No meaning is defined.
    pub data_type: String,
    /// How data is collected.
    pub collection_type: String,
}

/// A reading: [`DataRef`] kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Data {
    /// What was read.
    pub tag: String,
    /// When: seconds since 1970-01-01 00:00 UTC, rounded down.
    pub timestamp: i64,
    /// And so many nanoseconds.
    pub nanos: u32,
    /// What it was.
    pub value: f64,
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Data {}

impl Hello {
    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> HelloRef<'_> {
        let Self { name, units, data_type, collection_type } = self;
        HelloRef { name, units, data_type, collection_type }
    }
}

impl HelloRef<'_> {
    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Hello {
        let Self { name, units, data_type, collection_type } = self;
        Hello {
            name: name.into(),
            units: units.into(),
            data_type: data_type.into(),
            collection_type: collection_type.into(),
        }
    }
}

impl Data {
    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> DataRef<'_> {
        let Self { ref tag, timestamp, nanos, value } = *self;
        DataRef { tag, timestamp, nanos, value }
    }
}

impl DataRef<'_> {
    /// The same with a tag of its own.
    #[must_use]
    pub fn into_owned(self) -> Data {
        let Self { tag, timestamp, nanos, value } = self;
        Data { tag: tag.into(), timestamp, nanos, value }
    }
}

impl PacketRef<'_> {
    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Packet {
        match self {
            Self::Hello(hello) => Packet::Hello(hello.into_owned()),
            Self::Ack(uid) => Packet::Ack(uid.into()),
            Self::Heartbeat => Packet::Heartbeat,
            Self::Start => Packet::Start,
            Self::Stop => Packet::Stop,
            Self::Data(data) => Packet::Data(data.into_owned()),
            Self::Unknown(line) => Packet::Unknown(line.into()),
        }
    }
}

impl Packet {
    /// Reads one line with its `\n`, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`PacketRef::decode`].
    pub fn decode(input: &[u8]) -> Result<Self, DecodeError> {
        PacketRef::decode(input).map(PacketRef::into_owned)
    }

    /// Reads one line with its `\n`, and nothing else, under settings of the caller's.
    ///
    /// # Errors
    ///
    /// As [`PacketRef::decode`].
    pub fn decode_with(input: &[u8], config: &Config) -> Result<Self, DecodeError> {
        PacketRef::decode_with(input, config).map(PacketRef::into_owned)
    }

    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> PacketRef<'_> {
        match self {
            Self::Hello(hello) => PacketRef::Hello(hello.as_ref()),
            Self::Ack(uid) => PacketRef::Ack(uid),
            Self::Heartbeat => PacketRef::Heartbeat,
            Self::Start => PacketRef::Start,
            Self::Stop => PacketRef::Stop,
            Self::Data(data) => PacketRef::Data(data.as_ref()),
            Self::Unknown(line) => PacketRef::Unknown(line),
        }
    }

    /// Which of the packets it is.
    #[must_use]
    pub fn kind(&self) -> PacketKind {
        self.as_ref().kind()
    }

    /// Writes it as a line with its `\n`.
    ///
    /// # Errors
    ///
    /// As [`PacketRef::encode`].
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        self.as_ref().encode(out)
    }

    /// Writes it as a line with its `\n`, under settings of the caller's.
    ///
    /// # Errors
    ///
    /// As [`PacketRef::encode`].
    pub fn encode_with(&self, out: &mut impl BufMut, config: &Config) -> Result<(), EncodeError> {
        self.as_ref().encode_with(out, config)
    }

    /// Bytes of its line, the `\n` counted.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.as_ref().encoded_len()
    }

    /// Its line, with the `\n`.
    ///
    /// # Errors
    ///
    /// As [`PacketRef::encode`].
    pub fn encode_to_vec(&self) -> Result<Vec<u8>, EncodeError> {
        self.as_ref().encode_to_vec()
    }
}

impl From<HelloRef<'_>> for Hello {
    fn from(hello: HelloRef<'_>) -> Self {
        hello.into_owned()
    }
}

impl From<DataRef<'_>> for Data {
    fn from(data: DataRef<'_>) -> Self {
        data.into_owned()
    }
}

impl From<PacketRef<'_>> for Packet {
    fn from(packet: PacketRef<'_>) -> Self {
        packet.into_owned()
    }
}

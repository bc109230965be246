use std::io;

use bytes::{Buf, BytesMut};
use tokio_util::codec;

use crate::decode::Decoder;
use crate::error::{DecodeError, EncodeError};
use crate::limits::Config;
use crate::packet::{Packet, PacketRef};

/// Packets over anything that tokio reads and writes: for `tokio_util::codec::Framed`. Packets only: heartbeats, states and
/// deadlines are what [`Client`](crate::Client) and [`Server`](crate::Server) are for.
///
/// An item is a packet or what is wrong with its line: a bad line is no error of the stream, which goes on behind it. What is sent
/// is a [`PacketRef`], so that a reading needs no texts of its own.
///
/// ```
/// use bytes::BytesMut;
/// use datakit::{Codec, Packet, PacketRef};
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let mut codec = Codec::new();
/// let mut buffer = BytesMut::from(&b"START\nstart\nSTOP\nST"[..]);
/// assert_eq!(codec.decode(&mut buffer)?, Some(Ok(Packet::Start)));
/// assert!(codec.decode(&mut buffer)?.unwrap().is_err());
/// assert_eq!(codec.decode(&mut buffer)?, Some(Ok(Packet::Stop)));
/// assert_eq!(codec.decode(&mut buffer)?, None);
///
/// let mut out = BytesMut::new();
/// codec.encode(PacketRef::Heartbeat, &mut out)?;
/// assert_eq!(out, "$P\n");
/// # Ok::<(), datakit::CodecError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Codec {
    decoder: Decoder,
}

/// Why the stream as a whole failed, or an item was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The transport.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What was to be sent cannot be written; the stream goes on.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl From<CodecError> for io::Error {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Io(error) => error,
            CodecError::Encode(error) => error.into(),
        }
    }
}

impl Codec {
    /// Under [`Config::DEFAULT`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Under settings of the caller's.
    #[must_use]
    pub fn with_config(config: &Config) -> Self {
        Self { decoder: Decoder::with_config(config) }
    }
}

impl codec::Decoder for Codec {
    type Item = Result<Packet, DecodeError>;
    type Error = CodecError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Self::Item>, CodecError> {
        let mut rest = &buffer[..];
        let packet = self.decoder.decode(&mut rest).map(|packet| packet.map(PacketRef::into_owned));
        let consumed = buffer.len().saturating_sub(rest.len());
        buffer.advance(consumed);
        Ok(packet)
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Self::Item>, CodecError> {
        if let Some(packet) = self.decode(buffer)? {
            return Ok(Some(packet));
        }
        let torn = self.decoder.finish(buffer).err();
        buffer.clear();
        Ok(torn.map(Err))
    }
}

impl codec::Encoder<PacketRef<'_>> for Codec {
    type Error = CodecError;

    fn encode(&mut self, packet: PacketRef<'_>, out: &mut BytesMut) -> Result<(), CodecError> {
        Ok(packet.encode_with(out, self.decoder.config())?)
    }
}

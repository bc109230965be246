//! Captures in files: each part behind a frame header, as publishers put them on the wire.

use core::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bytes::Bytes;
use karabo_bridge::{DecodeError, FrameHeader};

/// A file, or what stands for one in a test.
pub trait Store: Write {
    /// Makes it end there, and goes there.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

impl Store for File {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)?;
        self.seek(SeekFrom::Start(len)).map(drop)
    }
}

/// Parts up to here are gathered, larger ones are written from where they are.
const SMALL: usize = 1 << 16;

/// Writes messages, each of them whole or not at all.
#[derive(Debug)]
pub struct Recorder<S = File> {
    store: S,
    scratch: Vec<u8>,
    messages: u64,
    bytes: u64,
}

impl Recorder {
    /// A new file. One that is there is left as it is.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self::new(File::create_new(path)?))
    }
}

impl<S: Store> Recorder<S> {
    /// Into something that is empty.
    pub const fn new(store: S) -> Self {
        Self { store, scratch: Vec::new(), messages: 0, bytes: 0 }
    }

    /// Writes a message.
    ///
    /// # Errors
    ///
    /// What the system says; what there was of the message is cut off again.
    pub fn write<P: AsRef<[u8]>>(&mut self, parts: &[P]) -> io::Result<()> {
        match self.parts(parts) {
            Ok(len) => {
                self.messages = self.messages.saturating_add(1);
                self.bytes = self.bytes.saturating_add(len);
                Ok(())
            }
            Err(error) => {
                self.scratch.clear();
                self.store.cut(self.bytes).map_err(|cut| {
                    io::Error::new(cut.kind(), format!("{error}; and a message that is not whole stays behind: {cut}"))
                })?;
                Err(error)
            }
        }
    }

    fn parts<P: AsRef<[u8]>>(&mut self, parts: &[P]) -> io::Result<u64> {
        let mut len = 0_u64;
        let mut left = parts.len();
        for part in parts {
            let part = part.as_ref();
            left = left.saturating_sub(1);
            let header = FrameHeader { more: left > 0, len: part.len() as u64 }.encode();
            self.scratch.extend_from_slice(header.as_ref());
            len = len.saturating_add(header.as_ref().len() as u64).saturating_add(part.len() as u64);
            if part.len() > SMALL {
                self.pour()?;
                self.store.write_all(part)?;
            } else {
                self.scratch.extend_from_slice(part);
                if self.scratch.len() > SMALL {
                    self.pour()?;
                }
            }
        }
        self.pour()?;
        self.store.flush()?;
        Ok(len)
    }

    fn pour(&mut self) -> io::Result<()> {
        self.store.write_all(&self.scratch)?;
        self.scratch.clear();
        Ok(())
    }

    /// How many messages are in it.
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// How many bytes they take.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What is read at most.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "for programs, not a library that grows")]
pub struct PlaybackLimits {
    /// Parts of a message.
    pub max_parts: u32,
    /// Bytes of a message.
    pub max_message: u64,
}

impl Default for PlaybackLimits {
    fn default() -> Self {
        Self { max_parts: karabo_bridge::Limits::DEFAULT.max_parts, max_message: 4 << 30 }
    }
}

/// Why there is no next message.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "for programs, not a library that grows")]
pub enum PlaybackError {
    /// What the system says.
    Io(io::Error),
    /// No frame header, at this byte of the file.
    Decode(DecodeError, u64),
    /// The file ends in the message that begins at this byte.
    Torn(u64),
    /// The message that begins at this byte has more parts than it may.
    Parts(u64, u32),
    /// The message that begins at this byte is longer than it may be.
    Message(u64, u64),
}

impl fmt::Display for PlaybackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => f.write_str(&crate::said(error)),
            Self::Decode(error, at) => write!(f, "{} at byte {at}", error.reason()),
            Self::Torn(at) => write!(f, "the file ends in the message at byte {at}"),
            Self::Parts(at, max) => write!(f, "the message at byte {at} exceeds max_parts {max}"),
            Self::Message(at, max) => write!(f, "the message at byte {at} exceeds max_message {max}"),
        }
    }
}

impl core::error::Error for PlaybackError {}

impl From<io::Error> for PlaybackError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads messages one by one; no more of a file is in memory.
#[derive(Debug)]
pub struct Playback {
    file: BufReader<File>,
    limits: PlaybackLimits,
    len: u64,
    at: u64,
}

impl Playback {
    /// From the beginning of a file, as long as it is now.
    ///
    /// # Errors
    ///
    /// What the system says; that it is no file.
    pub fn open(path: &Path, limits: PlaybackLimits) -> io::Result<Self> {
        let file = File::open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { file: BufReader::new(file), limits, len: found.len(), at: 0 })
    }

    /// Goes back to the beginning.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.at = 0;
        Ok(())
    }

    /// Bytes of messages that were read.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.at
    }

    /// The parts of the next message; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`PlaybackError`], after which nothing can be read. Lengths are believed when the file is long enough for them.
    pub fn read(&mut self) -> Result<Option<Vec<Bytes>>, PlaybackError> {
        if self.at == self.len {
            return Ok(None);
        }
        let start = self.at;
        let (mut at, mut bytes, mut parts) = (start, 0_u64, Vec::new());
        loop {
            if u32::try_from(parts.len()).map_or(true, |count| count >= self.limits.max_parts) {
                return Err(PlaybackError::Parts(start, self.limits.max_parts));
            }
            let (FrameHeader { more, len, .. }, taken) = self.header(start, at)?;
            at = at.saturating_add(taken);
            bytes = bytes.saturating_add(len);
            if self.len.saturating_sub(at) < len {
                return Err(PlaybackError::Torn(start));
            }
            let len = usize::try_from(len).ok().filter(|_| bytes <= self.limits.max_message);
            let len = len.ok_or(PlaybackError::Message(start, self.limits.max_message))?;
            // Not filled with zeros first: a part may be a gigabyte.
            let mut part = Vec::with_capacity(len);
            let read = Read::by_ref(&mut self.file).take(len as u64).read_to_end(&mut part)?;
            if read < len {
                return Err(PlaybackError::Torn(start));
            }
            at = at.saturating_add(read as u64);
            parts.push(part.into());
            if !more {
                self.at = at;
                return Ok(Some(parts));
            }
        }
    }

    fn header(&mut self, start: u64, at: u64) -> Result<(FrameHeader, u64), PlaybackError> {
        let torn = |error: io::Error| {
            let ended = error.kind() == io::ErrorKind::UnexpectedEof;
            if ended { PlaybackError::Torn(start) } else { PlaybackError::Io(error) }
        };
        let mut bytes = [0; 9];
        let (short, rest) = bytes.split_at_mut(2);
        self.file.read_exact(short).map_err(torn)?;
        let found = FrameHeader::decode_prefix(short).map_err(|error| PlaybackError::Decode(error, at))?;
        if let Some((header, _)) = found {
            return Ok((header, 2));
        }
        self.file.read_exact(rest).map_err(torn)?;
        let found = FrameHeader::decode_prefix(&bytes).map_err(|error| PlaybackError::Decode(error, at))?;
        found.map(|(header, _)| (header, 9)).ok_or(PlaybackError::Torn(start))
    }
}

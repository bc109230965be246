use alloc::string::String;
use core::fmt;
use core::str;

use crate::error::{DecodeError, DecodeErrorKind, Field};

/// What a message is, by the first part of its key. Types that nobody here knows are types, too: a reader passes them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType<'a>(&'a str);

impl<'a> MessageType<'a> {
    /// The first message of a stream; without a value.
    pub const START: MessageType<'static> = MessageType("$start");
    /// The last message of a stream; without a value.
    pub const END: MessageType<'static> = MessageType("$end");
    /// What the stream is a recording of, told again and again.
    pub const SESSION: MessageType<'static> = MessageType("session");
    /// Aggregated samples of several parameters at the same times.
    pub const TDATA: MessageType<'static> = MessageType("tdata");
    /// Samples of several parameters, each at times of its own.
    pub const TSAMPLES: MessageType<'static> = MessageType("tsamples");
    /// An event.
    pub const EVENTS: MessageType<'static> = MessageType("events");
    /// A lap begins.
    pub const LAP: MessageType<'static> = MessageType("lap");
    /// Nothing older is still to come, of whatever type.
    pub const SYNC: MessageType<'static> = MessageType("sync");

    /// Those that are described.
    pub const ALL: [MessageType<'static>; 8] = [
        MessageType::START,
        MessageType::END,
        MessageType::SESSION,
        MessageType::TDATA,
        MessageType::TSAMPLES,
        MessageType::EVENTS,
        MessageType::LAP,
        MessageType::SYNC,
    ];

    /// A type, if it may be one: a text that is not empty, without a colon, and without a byte order mark in front.
    #[must_use]
    pub fn new(text: &'a str) -> Option<Self> {
        (!text.is_empty() && !text.contains(':') && !text.starts_with(BOM)).then_some(Self(text))
    }

    /// Its text, in the case it came in: `TDATA` is another type than `tdata`.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether it is one of [`ALL`](Self::ALL).
    #[must_use]
    pub fn is_known(self) -> bool {
        Self::ALL.iter().any(|known| known.0 == self.0)
    }
}

impl fmt::Display for MessageType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for MessageType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageType({:?})", self.0)
    }
}

/// U+FEFF, which may not be in front of keys and values.
const BOM: char = '\u{feff}';

/// The key of a record, where it lies: `<type>:<stream id>`, parted by the first colon (SPEC.md §1).
///
/// ```
/// use atlas_stream::{KeyRef, MessageType};
///
/// let key = KeyRef::decode(b"tdata:7c1e0a52:b")?;
/// assert_eq!((key.message_type(), key.stream_id()), (MessageType::TDATA, "7c1e0a52:b"));
/// assert!(KeyRef::decode(b"not one of ours").is_err());
/// # Ok::<(), atlas_stream::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRef<'a> {
    message_type: MessageType<'a>,
    stream_id: &'a str,
}

impl<'a> KeyRef<'a> {
    /// Reads a key. One that is refused is not of this protocol: count it, and go on.
    ///
    /// # Errors
    ///
    /// Not UTF-8, a byte order mark in front, no colon, nothing in front of it or behind it.
    #[inline]
    pub fn decode(key: &'a [u8]) -> Result<Self, DecodeError> {
        let text = str::from_utf8(key)
            .map_err(|error| DecodeError::new(DecodeErrorKind::InvalidUtf8, error.valid_up_to(), Field::Key))?;
        if text.starts_with(BOM) {
            return Err(DecodeError::new(DecodeErrorKind::ByteOrderMark, 0, Field::Key));
        }
        // Types are short: a search made for long texts takes longer.
        let colon = key.iter().position(|byte| *byte == b':');
        let parts = colon.and_then(|colon| Some((text.get(..colon)?, text.get(colon.wrapping_add(1)..)?)));
        let Some((message_type, stream_id)) = parts else {
            return Err(DecodeError::new(DecodeErrorKind::MissingColon, text.len(), Field::Key));
        };
        if message_type.is_empty() {
            return Err(DecodeError::new(DecodeErrorKind::Empty, 0, Field::MessageType));
        }
        if stream_id.is_empty() {
            return Err(DecodeError::new(DecodeErrorKind::Empty, text.len(), Field::StreamId));
        }
        Ok(Self { message_type: MessageType(message_type), stream_id })
    }

    /// The same of a key in front of which there may be a byte order mark, which is passed: for peers that write one.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), with offsets from the start of the key.
    pub fn decode_lenient(key: &'a [u8]) -> Result<Self, DecodeError> {
        match key.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => Self::decode(rest).map_err(|error| error.moved(3)),
            None => Self::decode(key),
        }
    }

    /// What the message is.
    #[must_use]
    pub const fn message_type(self) -> MessageType<'a> {
        self.message_type
    }

    /// Which stream it is of: all messages of a stream are in one partition.
    #[must_use]
    pub const fn stream_id(self) -> &'a str {
        self.stream_id
    }
}

impl fmt::Display for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.message_type, self.stream_id)
    }
}

impl fmt::Debug for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRef({self})")
    }
}

/// A key that owns its text, and reads back as what it was made of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    text: String,
    /// Where the first colon is.
    colon: usize,
}

impl Key {
    /// Of a stream; `None` if its id is empty, which would not be read back.
    #[must_use]
    pub fn new(message_type: MessageType<'_>, stream_id: &str) -> Option<Self> {
        let text = [message_type.0, ":", stream_id].concat();
        (!stream_id.is_empty()).then_some(Self { text, colon: message_type.0.len() })
    }

    /// The same, where it lies.
    #[must_use]
    pub fn as_ref(&self) -> KeyRef<'_> {
        let (message_type, rest) = self.text.split_at_checked(self.colon).unwrap_or_default();
        KeyRef { message_type: MessageType(message_type), stream_id: rest.get(1..).unwrap_or_default() }
    }

    /// Its text, to be sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl From<KeyRef<'_>> for Key {
    fn from(key: KeyRef<'_>) -> Self {
        let text = [key.message_type.0, ":", key.stream_id].concat();
        Self { text, colon: key.message_type.0.len() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.text)
    }
}

//! Where a value ends that comes in pieces. No byte is looked at again but those of a token that is cut.

use msgpack_numpy_codec::{DecodeError, DecodeErrorKind, Reader};

/// How far the value at the front was read.
pub(super) struct Scan {
    position: usize,
    /// Values that are to come.
    due: u64,
}

impl Default for Scan {
    fn default() -> Self {
        Self { position: 0, due: 1 }
    }
}

pub(super) enum Found {
    /// The value has so many bytes.
    End(usize),
    /// It has more than are there.
    Nothing,
    /// It has more than are allowed: with the token here, and at least a byte for each that is to come.
    TooLong(usize),
    /// It is none.
    Error(DecodeError),
}

impl Scan {
    /// Goes on in the same bytes, and more.
    pub(super) fn step(&mut self, bytes: &[u8], max_len: usize) -> Found {
        let mut reader = Reader::new(bytes.get(self.position..).unwrap_or_default());
        let start = self.position;
        while self.due > 0 {
            let (len, items) = need(reader.rest());
            // This one is not due any more once it is read.
            let due = self.due.saturating_sub(1).saturating_add(items);
            let whole = (self.position as u64).saturating_add(len).saturating_add(due);
            if whole > max_len as u64 {
                return Found::TooLong(self.position);
            }
            match reader.token() {
                Ok(_) => {}
                Err(error) if error.kind() == DecodeErrorKind::UnexpectedEnd => return Found::Nothing,
                // The reader that knows the whole value says it with the right place.
                Err(error) => return Found::Error(Reader::new(bytes).skip().err().unwrap_or(error)),
            }
            self.due = due;
            self.position = start.saturating_add(reader.position());
        }
        Found::End(self.position)
    }
}

/// How many bytes the token at the front has at least, and how many values belong to it.
fn need(bytes: &[u8]) -> (u64, u64) {
    let Some((first, rest)) = bytes.split_first() else { return (1, 0) };
    // A number of this width, if it is there, and what it means.
    let wide = |width: usize, then: fn(u64, u64) -> (u64, u64)| {
        let head = 1_u64.saturating_add(width as u64);
        match rest.get(..width) {
            Some(len) => then(head, len.iter().fold(0, |len, byte| len << 8 | u64::from(*byte))),
            None => (head, 0),
        }
    };
    let content = |head: u64, len: u64| (head.saturating_add(len), 0);
    let ext = |head: u64, len: u64| (head.saturating_add(1).saturating_add(len), 0);
    let list = |head: u64, len: u64| (head, len);
    let map = |head: u64, len: u64| (head, len << 1);
    let low = |mask: u8| u64::from(*first & mask);
    match first {
        0x00..=0x7f | 0xc0..=0xc3 | 0xe0..=0xff => (1, 0),
        0x80..=0x8f => map(1, low(0x0f)),
        0x90..=0x9f => list(1, low(0x0f)),
        0xa0..=0xbf => content(1, low(0x1f)),
        0xc4 | 0xd9 => wide(1, content),
        0xc5 | 0xda => wide(2, content),
        0xc6 | 0xdb => wide(4, content),
        0xc7 => wide(1, ext),
        0xc8 => wide(2, ext),
        0xc9 => wide(4, ext),
        0xca | 0xce | 0xd2 => (5, 0),
        0xcb | 0xcf | 0xd3 => (9, 0),
        0xcc | 0xd0 => (2, 0),
        0xcd | 0xd1 => (3, 0),
        // A type, and 1, 2, 4, 8 or 16 bytes.
        0xd4..=0xd8 => ext(1, 1 << (first & 0x0f).saturating_sub(4)),
        0xdc => wide(2, list),
        0xdd => wide(4, list),
        0xde => wide(2, map),
        0xdf => wide(4, map),
    }
}

//! Where the parts of a message are that comes in pieces.

use karabo_bridge::{FrameHeader, Limits};

/// A part, in the bytes of its message.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Its frame header.
    pub(super) frame: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Place {
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }
}

/// How far the message at the front was read.
pub(super) struct Scan {
    max_len: usize,
    places: Vec<Place>,
    /// What is at the front is the rest of a message that was refused.
    is_rest: bool,
}

pub(super) enum Found {
    /// The message has so many bytes.
    Message(usize),
    /// It has more than are there.
    Nothing,
    /// Bytes of a message that was refused before.
    Skip(usize),
    Wrong(Wrong),
}

pub(super) struct Wrong {
    pub(super) kind: &'static str,
    pub(super) at: usize,
    pub(super) message: String,
    /// As [`Fault::resume`](crate::dissect::Fault::resume).
    pub(super) resume: Option<u64>,
}

/// What the bytes behind the last part begin with.
enum Next {
    /// A frame: its header, where its part begins and ends, and whether others follow.
    Frame {
        start: usize,
        end: u64,
        more: bool,
    },
    Torn,
    None,
}

impl Scan {
    pub(super) fn new(max_len: usize) -> Self {
        Self { max_len, places: Vec::new(), is_rest: false }
    }

    /// The parts of the message so far; those of the next are counted anew.
    pub(super) fn take(&mut self) -> Vec<Place> {
        core::mem::take(&mut self.places)
    }

    /// Goes on in the same bytes, and more.
    pub(super) fn step(&mut self, bytes: &[u8], ended: bool) -> Found {
        if self.is_rest {
            return self.rest(bytes, ended);
        }
        loop {
            let at = self.places.last().map_or(0, |place| place.end);
            let part = self.places.len();
            if part as u64 >= u64::from(Limits::DEFAULT.max_parts) {
                self.is_rest = true;
                let message = format!("message exceeds max_parts {}", Limits::DEFAULT.max_parts);
                return wrong("limit_exceeded", at, message, Some(at as u64));
            }
            let (start, end, more) = match next(bytes, at) {
                Next::Frame { start, end, more } => (start, end, more),
                Next::Torn if ended && !bytes.is_empty() => {
                    let message = format!("input ends in front of part {part} of a message");
                    return wrong("unexpected_end", bytes.len(), message, None);
                }
                Next::Torn => return Found::Nothing,
                Next::None => {
                    let flags = bytes.get(at).copied().unwrap_or_default();
                    let what = if flags > 3 { "begins no frame of a message" } else { "is followed by no length" };
                    return wrong("invalid_tag", at, format!("{flags:02x} {what}"), None);
                }
            };
            if end > self.max_len as u64 {
                self.is_rest = more;
                let message = format!("message exceeds max_len {}; --max-len raises it", self.max_len);
                return wrong("limit_exceeded", at, message, Some(end));
            }
            match usize::try_from(end) {
                Ok(end) if end <= bytes.len() => self.places.push(Place { frame: at, start, end }),
                _ if ended => {
                    let missing = end.saturating_sub(bytes.len() as u64);
                    let s = if missing == 1 { "" } else { "s" };
                    let message = format!("input ends in part {part} of a message, {missing} byte{s} missing");
                    return wrong("unexpected_end", bytes.len(), message, None);
                }
                _ => return Found::Nothing,
            }
            if !more {
                return Found::Message(self.places.last().map_or(0, |place| place.end));
            }
        }
    }

    /// Drops parts of a message that was refused.
    fn rest(&mut self, bytes: &[u8], ended: bool) -> Found {
        match next(bytes, 0) {
            Next::Frame { end, more, .. } => {
                self.is_rest = more;
                // One that is longer than memory can be ends with the input.
                Found::Skip(usize::try_from(end).unwrap_or(usize::MAX))
            }
            Next::Torn if ended && !bytes.is_empty() => Found::Skip(bytes.len()),
            Next::Torn => Found::Nothing,
            Next::None => wrong("invalid_tag", 0, "begins no frame of a message".to_owned(), None),
        }
    }
}

fn next(bytes: &[u8], at: usize) -> Next {
    match FrameHeader::decode_prefix(bytes.get(at..).unwrap_or_default()) {
        Ok(Some((FrameHeader { more, len }, taken))) => {
            let start = at.saturating_add(taken);
            Next::Frame { start, end: (start as u64).saturating_add(len), more }
        }
        Ok(None) => Next::Torn,
        Err(_) => Next::None,
    }
}

fn wrong(kind: &'static str, at: usize, message: String, resume: Option<u64>) -> Found {
    Found::Wrong(Wrong { kind, at, message, resume })
}

//! Where bytes come from: as they are, or as hex, one input a line.

use std::io::{self, ErrorKind, Read};

/// Bytes asked for at once.
const CHUNK_LEN: usize = 64 << 10;

pub(crate) struct Source<'a> {
    reader: &'a mut dyn Read,
    chunk: Vec<u8>,
    /// Bytes of the chunk that were handed on.
    taken: usize,
    /// Bytes read so far.
    read: u64,
    /// Bytes there are, where that is known.
    total: Option<u64>,
    /// Of hex input.
    line: Option<Line>,
}

/// What [`Source::pull`] met.
pub(crate) enum Pulled {
    /// Perhaps some bytes; more may come.
    More,
    /// The end of an input: of all, or of a line that held digits.
    End,
    /// The end of all; no input was begun.
    Nothing,
    /// Why the line is not hex.
    BadHex(String),
}

/// The line of hex that is being read.
struct Line {
    /// From 1.
    number: u64,
    /// Bytes of it that were read.
    column: u64,
    /// A first digit that waits for its second.
    half: Option<u8>,
    state: LineState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineState {
    /// Blanks so far.
    Blank,
    Digits,
    /// Behind digits and a `#`.
    Comment,
    /// What is left of the line does not matter.
    Skipped,
    /// It was handed on; the next byte is another line's.
    Ended,
}

impl<'a> Source<'a> {
    pub(crate) fn new(reader: &'a mut dyn Read, total: Option<u64>, is_hex: bool) -> Self {
        Self { reader, chunk: Vec::new(), taken: 0, read: 0, total, line: is_hex.then(|| Line::new(1)) }
    }

    /// Appends what comes next to `bytes`. Reads only when all that was read has been handed on.
    pub(crate) fn pull(&mut self, bytes: &mut Vec<u8>) -> io::Result<Pulled> {
        if self.must_read() && !self.fill()? {
            return Ok(match &mut self.line {
                None => Pulled::End,
                Some(line) => line.end(),
            });
        }
        let fresh = self.chunk.get(self.taken..).unwrap_or_default();
        let Some(line) = &mut self.line else {
            bytes.extend_from_slice(fresh);
            self.taken = self.chunk.len();
            return Ok(Pulled::More);
        };
        for byte in fresh {
            self.taken = self.taken.saturating_add(1);
            if let Some(met) = line.take(*byte, bytes) {
                return Ok(met);
            }
        }
        Ok(Pulled::More)
    }

    /// Whether the next pull has to wait for the reader.
    pub(crate) fn must_read(&self) -> bool {
        self.taken >= self.chunk.len()
    }

    /// Gives up the line of hex that is being read.
    pub(crate) fn skip_line(&mut self) {
        if let Some(line) = self.line.as_mut().filter(|line| line.state != LineState::Ended) {
            line.state = LineState::Skipped;
        }
    }

    /// The line of hex that is being read, from 1.
    pub(crate) fn line(&self) -> Option<u64> {
        self.line.as_ref().map(|line| line.number)
    }

    /// Bytes read so far.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// Bytes there are, where that is known.
    pub(crate) fn total(&self) -> Option<u64> {
        self.total
    }

    /// Reads a chunk; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.taken = 0;
        self.chunk.resize(CHUNK_LEN, 0);
        let count = loop {
            match self.reader.read(&mut self.chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.chunk.truncate(*count.as_ref().unwrap_or(&0));
        self.read = self.read.saturating_add(self.chunk.len() as u64);
        count.map(|count| count > 0)
    }
}

impl Line {
    fn new(number: u64) -> Self {
        Self { number, column: 0, half: None, state: LineState::Blank }
    }

    /// Takes one byte of text; what it brings about, if anything.
    fn take(&mut self, byte: u8, bytes: &mut Vec<u8>) -> Option<Pulled> {
        if self.state == LineState::Ended {
            *self = Self::new(self.number.saturating_add(1));
        }
        self.column = self.column.saturating_add(1);
        match (byte, self.state) {
            (b'\n', _) => {
                let met = self.end();
                return (!matches!(met, Pulled::Nothing)).then_some(met);
            }
            (_, LineState::Comment | LineState::Skipped) | (b' ' | b'\t' | b'\r', _) => {}
            (b'#', LineState::Digits) => self.state = LineState::Comment,
            (b'#', _) => self.state = LineState::Skipped,
            (_, LineState::Blank | LineState::Digits | LineState::Ended) => {
                self.state = LineState::Digits;
                let Some(digit) = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()) else {
                    let shown = byte.escape_ascii();
                    return Some(Pulled::BadHex(format!("'{shown}' in column {} is no hex digit", self.column)));
                };
                match self.half.take() {
                    None => self.half = Some(digit),
                    Some(half) => bytes.push(half << 4 | digit),
                }
            }
        }
        None
    }

    /// The end of the line, or of the text.
    fn end(&mut self) -> Pulled {
        match core::mem::replace(&mut self.state, LineState::Ended) {
            LineState::Blank | LineState::Skipped | LineState::Ended => Pulled::Nothing,
            LineState::Digits | LineState::Comment if self.half.is_some() => {
                Pulled::BadHex("odd number of hex digits".to_owned())
            }
            LineState::Digits | LineState::Comment => Pulled::End,
        }
    }
}

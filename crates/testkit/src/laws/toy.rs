//! A toy codec for the tests of the laws: one byte of length, then so many bytes; a `!` in them makes the frame bad.

use std::collections::VecDeque;

/// What is wrong with this decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Flaw {
    #[default]
    None,
    /// Drops an incomplete frame at the end of each piece.
    Forgetful,
    /// Says nothing about a bad frame.
    Silent,
    /// Throws away what it holds after a bad frame.
    DropsRest,
    /// Reports each bad byte instead of the frame.
    ByteByByte,
}

/// Bytes in, frames out.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    flaw: Flaw,
    held: VecDeque<u8>,
}

pub(super) type Frames = Vec<Result<Vec<u8>, &'static str>>;

impl Decoder {
    pub(super) fn new(flaw: Flaw) -> Self {
        Self { flaw, ..Self::default() }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Frames {
        self.held.extend(bytes);
        let mut frames = Vec::new();
        while let Some(&len) = self.held.front() {
            let end = usize::from(len) + 1;
            if self.held.len() < end {
                break;
            }
            let frame: Vec<u8> = self.held.drain(..end).skip(1).collect();
            self.judge(frame, &mut frames);
        }
        if self.flaw == Flaw::Forgetful {
            self.held.clear();
        }
        frames
    }

    fn judge(&mut self, frame: Vec<u8>, frames: &mut Frames) {
        let bad = frame.iter().filter(|&&byte| byte == b'!').count();
        match (bad, self.flaw) {
            (0, _) => frames.push(Ok(frame)),
            (_, Flaw::Silent) => {}
            (_, Flaw::ByteByByte) => frames.extend((0..=bad).map(|_| Err("bad byte"))),
            (_, flaw) => {
                frames.push(Err("bad frame"));
                if flaw == Flaw::DropsRest {
                    self.held.clear();
                }
            }
        }
    }
}

pub(super) fn decode_chunks(mut decoder: Decoder, chunks: &mut dyn Iterator<Item = &[u8]>) -> Frames {
    let mut frames = Vec::new();
    for chunk in chunks {
        frames.extend(decoder.feed(chunk));
    }
    frames
}

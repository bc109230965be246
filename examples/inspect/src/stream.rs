//! Takes a source apart: keeps the bytes of the frame at hand, and no more.

use std::io::{self, Write};

use crate::dissect::{Dissect, Fault, Input, Options, Protocol, Step};
use crate::progress::Progress;
use crate::render::{At, Render, Rest, Total};
use crate::source::{Pulled, Source};

/// Why it stopped before the end.
pub(crate) enum Trouble {
    Read(io::Error),
    Write(io::Error),
}

pub(crate) struct Inspection<'a> {
    pub(crate) protocol: &'static Protocol,
    pub(crate) capture: Option<&'static str>,
    pub(crate) options: Options,
    pub(crate) render: &'a mut dyn Render,
    pub(crate) out: &'a mut dyn Write,
    /// What was met so far.
    pub(crate) total: Total,
}

impl Inspection<'_> {
    /// Shows all that `source` holds. False when it holds nothing.
    pub(crate) fn run(&mut self, source: &mut Source<'_>, progress: &mut Progress<'_>) -> Result<bool, Trouble> {
        let mut has_input = false;
        while self.input(source, progress)? {
            has_input = true;
            if source.line().is_none() {
                // Raw bytes are one input, even where it was given up.
                break;
            }
        }
        Ok(has_input)
    }

    /// Shows one input: all raw bytes, or one line of hex. False when there is none.
    fn input(&mut self, source: &mut Source<'_>, progress: &mut Progress<'_>) -> Result<bool, Trouble> {
        let mut dissector = (self.protocol.open)(&self.options);
        let mut pending = Pending::default();
        loop {
            if source.must_read() {
                // What was found is shown before a wait.
                self.out.flush().map_err(Trouble::Write)?;
            }
            let pulled = source.pull(&mut pending.bytes).map_err(Trouble::Read)?;
            progress.at(source.read(), source.total(), self.total.frames);
            let has_ended = match pulled {
                Pulled::Nothing => return Ok(false),
                Pulled::End => true,
                Pulled::More | Pulled::BadHex(_) => false,
            };
            if has_ended && source.read() == 0 {
                return Ok(false);
            }
            let goes_on = self.drain(&mut *dissector, &mut pending, source, has_ended).map_err(Trouble::Write)?;
            if !goes_on {
                source.skip_line();
                return Ok(true);
            }
            if let Pulled::BadHex(message) = pulled {
                self.bad_hex(source, &pending, message).map_err(Trouble::Write)?;
                source.skip_line();
                return Ok(true);
            }
            if has_ended {
                return Ok(true);
            }
            pending.compact();
        }
    }

    /// Shows what can be shown of the bytes at hand. False when the input is given up.
    fn drain(
        &mut self,
        dissector: &mut dyn Dissect,
        pending: &mut Pending,
        source: &Source<'_>,
        ended: bool,
    ) -> io::Result<bool> {
        loop {
            if !pending.skip() {
                return Ok(true);
            }
            let input =
                Input { bytes: pending.bytes.get(pending.start..).unwrap_or_default(), offset: pending.offset, ended };
            match dissector.step(input) {
                Step::More => return Ok(true),
                Step::Skip(count) => pending.to_skip = count as u64,
                Step::Pass(count) => {
                    self.total.passed = self.total.passed.saturating_add(1);
                    pending.to_skip = count as u64;
                }
                Step::Frame(frame) => {
                    self.total.frames = self.total.frames.saturating_add(1);
                    self.total.bytes = self.total.bytes.saturating_add(frame.len as u64);
                    let at = self.at(source.line(), input.offset, Rest::None);
                    self.render.frame(self.out, &at, &frame)?;
                    let len = frame.len;
                    drop(frame);
                    pending.to_skip = len as u64;
                }
                Step::Fault(fault) => {
                    let rest = rest(&fault, &input, source);
                    self.fault(source.line(), &fault, rest)?;
                    let Some(resume) = fault.resume else { return Ok(false) };
                    drop(fault);
                    pending.to_skip = resume;
                }
            }
        }
    }

    fn bad_hex(&mut self, source: &Source<'_>, pending: &Pending, message: String) -> io::Result<()> {
        let left = pending.bytes.len().saturating_sub(pending.start);
        let fault = Fault::new("bad_hex", pending.offset.saturating_add(left as u64), "hex", message);
        self.fault(source.line(), &fault, Rest::None)
    }

    fn fault(&mut self, line: Option<u64>, fault: &Fault<'_>, rest: Rest) -> io::Result<()> {
        self.total.errors = self.total.errors.saturating_add(1);
        let at = self.at(line, fault.offset, rest);
        self.render.fault(self.out, &at, fault)
    }

    fn at(&self, line: Option<u64>, offset: u64, rest: Rest) -> At {
        At { protocol: self.protocol.name, capture: self.capture, line, frame: self.total.frames, offset, rest }
    }
}

/// What becomes of the bytes from a fault on. It does not tell how they happened to be cut when read: a number is given
/// where the end of the input is known.
fn rest(fault: &Fault<'_>, input: &Input<'_>, source: &Source<'_>) -> Rest {
    let end = match source.total() {
        _ if fault.resume.is_some() || source.line().is_some() => return Rest::None,
        Some(total) => total,
        None if input.ended => input.at(input.bytes.len()),
        None => return Rest::Unknown,
    };
    match end.saturating_sub(fault.offset) {
        0 => Rest::None,
        count => Rest::Undecoded(count),
    }
}

/// Bytes that were read and not yet taken.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    /// How many at the front were taken.
    start: usize,
    /// The place in the stream of those at `start`.
    offset: u64,
    /// How many to take, of those here and of those to come.
    to_skip: u64,
}

impl Pending {
    /// Takes what is to be taken; false while there is more to take than there is.
    fn skip(&mut self) -> bool {
        let here = self.bytes.len().saturating_sub(self.start);
        let now = usize::try_from(self.to_skip).unwrap_or(usize::MAX).min(here);
        self.start = self.start.saturating_add(now);
        self.offset = self.offset.saturating_add(now as u64);
        self.to_skip = self.to_skip.saturating_sub(now as u64);
        self.to_skip == 0
    }

    /// Makes room; what is moved is less than a frame, once for each read.
    fn compact(&mut self) {
        self.bytes.drain(..self.start);
        self.start = 0;
    }
}

//! Lines out of input that comes in any pieces, for machines, whose callers do not keep what was not consumed.

use alloc::vec::Vec;

use crate::decode::Scanner;
use crate::error::DecodeError;
use crate::limits::Config;
use crate::packet::PacketRef;

#[derive(Clone, Debug)]
pub(crate) struct Feed {
    scanner: Scanner,
    /// The start of a line whose end has not come; at most the longest line and one byte. Between lines it holds no room.
    torn: Vec<u8>,
}

impl Feed {
    pub(crate) const fn new() -> Self {
        Self { scanner: Scanner::new(), torn: Vec::new() }
    }

    /// Takes one line off the front of `input` and hands it to `take`, as read and as it came; `None` if there is no
    /// whole line, with all of `input` taken.
    pub(crate) fn next<T>(
        &mut self,
        input: &mut &[u8],
        config: &Config,
        take: impl FnOnce(Result<PacketRef<'_>, DecodeError>, &[u8]) -> T,
    ) -> Option<T> {
        if !self.torn.is_empty() {
            return self.next_torn(input, config, take);
        }
        self.scanner.skip(input);
        let whole = *input;
        if let Some(packet) = self.scanner.next(input, config) {
            let consumed = whole.len().saturating_sub(input.len());
            return Some(take(packet, whole.get(..consumed).unwrap_or_default()));
        }
        self.torn.extend_from_slice(input);
        *input = &[];
        None
    }

    fn next_torn<T>(
        &mut self,
        input: &mut &[u8],
        config: &Config,
        take: impl FnOnce(Result<PacketRef<'_>, DecodeError>, &[u8]) -> T,
    ) -> Option<T> {
        let room = config.limits.max_line_len.saturating_add(1).saturating_sub(self.torn.len());
        let window = input.get(..room).unwrap_or(input);
        let len = memchr::memchr(b'\n', window).map_or(window.len(), |end| end.saturating_add(1));
        let (part, rest) = input.split_at_checked(len)?;
        self.torn.extend_from_slice(part);
        *input = rest;
        let mut line = self.torn.as_slice();
        let packet = self.scanner.next(&mut line, config)?;
        // Ended by a newline or by the limit, so all of it is consumed.
        let told = take(packet, &self.torn);
        self.torn = Vec::new();
        Some(told)
    }

    /// At the end of input: a torn line, and what is wrong with that.
    pub(crate) fn finish(&mut self) -> Option<(DecodeError, Vec<u8>)> {
        let error = self.scanner.finish(self.torn.len()).err()?;
        Some((error, core::mem::take(&mut self.torn)))
    }
}

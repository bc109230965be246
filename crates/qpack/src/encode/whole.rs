use alloc::vec::Vec;

use bytes::BufMut;

use super::buffer::{Buffer, Count};
use super::forms::{close_counted, double, int, raw};
use crate::error::EncodeError;
use crate::limits::{Config, Limit, Limits};
use crate::token::Token;
use crate::wire::tag;

/// Bytes that the tokens of one value make; 0 where no limits would let it pass.
pub(crate) fn measure<'a>(tokens: impl Iterator<Item = Token<'a>>) -> usize {
    let mut count = Count(0);
    match append(&mut count, tokens, &Config::CHECKED) {
        Ok(()) => count.0,
        Err(_) => 0,
    }
}

pub(crate) fn to_vec<'a>(tokens: impl Iterator<Item = Token<'a>>, config: &Config) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    append(&mut out, tokens, config)?;
    Ok(out)
}

/// Writes into a buffer that cannot be cut back: all of it or nothing.
pub(crate) fn put<'a>(
    out: &mut impl BufMut,
    tokens: impl Iterator<Item = Token<'a>>,
    config: &Config,
) -> Result<(), EncodeError> {
    let encoded = to_vec(tokens, config)?;
    let available = out.remaining_mut();
    if encoded.len() > available {
        return Err(EncodeError::BufferTooSmall { len: encoded.len(), available });
    }
    out.put_slice(&encoded);
    Ok(())
}

/// Appends the canonical form of the one value that `tokens` are known to make; on an error the buffer is as it was.
fn append<'a, B: Buffer>(
    out: &mut B,
    mut tokens: impl Iterator<Item = Token<'a>>,
    config: &Config,
) -> Result<(), EncodeError> {
    let start = out.filled();
    let mut sink = Sink {
        innermost: Level { tag_at: start, values: 0, unit: 1 },
        open: Vec::new(),
        start,
        out,
        values_left: config.limits.max_values,
        limits: config.limits,
    };
    let done = tokens.try_for_each(|token| match token {
        Token::Int(value) => sink.scalar(|out| int(out, value)),
        Token::Double(value) => sink.scalar(|out| double(out, value, config.peer_compatible)),
        Token::Raw(bytes) => sink.raw(bytes),
        Token::Bool(value) => sink.scalar(|out| out.push(if value { tag::TRUE } else { tag::FALSE })),
        Token::Null => sink.scalar(|out| out.push(tag::NULL)),
        Token::Hook => sink.scalar(|out| out.push(tag::HOOK)),
        Token::Array(_) => sink.begin(tag::ARRAY_OPEN, 1),
        Token::Map(_) => sink.begin(tag::MAP_OPEN, 2),
        Token::End => sink.end(),
    });
    done.inspect_err(|_| out.cut(start))
}

/// A [`Writer`](super::Writer) without the checks that a caller's own tokens need.
struct Sink<'b, B> {
    out: &'b mut B,
    start: usize,
    limits: Limits,
    values_left: usize,
    innermost: Level,
    open: Vec<Level>,
}

/// A container that is open. Three words without padding: with a flag among them each move would stall.
struct Level {
    tag_at: usize,
    /// Values it got, keys counted.
    values: usize,
    /// Values to an item: 1, or 2 in a map.
    unit: usize,
}

impl<B: Buffer> Sink<'_, B> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn scalar(&mut self, write: impl FnOnce(&mut B)) -> Result<(), EncodeError> {
        self.take()?;
        write(self.out);
        self.within_len(0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn raw(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.take()?;
        // Measured before it is copied, and after, since a length goes in front.
        self.within_len(bytes.len())?;
        raw(self.out, bytes);
        self.within_len(0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn begin(&mut self, tag: u8, unit: usize) -> Result<(), EncodeError> {
        self.take()?;
        if self.open.len() >= usize::from(self.limits.max_depth) {
            return Err(exceeded(Limit::MaxDepth, self.open.len().saturating_add(1), self.limits.max_depth.into()));
        }
        let entered = Level { tag_at: self.out.filled(), values: 0, unit };
        self.open.push(core::mem::replace(&mut self.innermost, entered));
        self.out.push(tag);
        self.within_len(0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn end(&mut self) -> Result<(), EncodeError> {
        let Level { tag_at, values, unit } = self.innermost;
        let is_map = unit == 2;
        close_counted(self.out, tag_at, is_map, if is_map { values / 2 } else { values });
        if let Some(outer) = self.open.pop() {
            self.innermost = outer;
        }
        self.within_len(0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take(&mut self) -> Result<(), EncodeError> {
        let Some(values_left) = self.values_left.checked_sub(1) else {
            let max = self.limits.max_values;
            return Err(exceeded(Limit::MaxValues, max.saturating_add(1), max));
        };
        self.values_left = values_left;
        self.innermost.values = self.innermost.values.wrapping_add(1);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn within_len(&self, more: usize) -> Result<(), EncodeError> {
        let len = self.out.filled().saturating_sub(self.start).saturating_add(more);
        if len > self.limits.max_len { Err(exceeded(Limit::MaxLen, len, self.limits.max_len)) } else { Ok(()) }
    }
}

#[cold]
fn exceeded(limit: Limit, met: usize, max: usize) -> EncodeError {
    EncodeError::LimitExceeded { limit, met: met as u64, max: max as u64 }
}

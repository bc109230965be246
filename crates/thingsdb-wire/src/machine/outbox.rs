//! What waits to be sent: small packages together, large data on its own and never copied.

use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::event::{Error, UsageError};
use crate::limits::{Limit, Limits};
use crate::package::{HEADER_LEN, Package};

/// Data from this length on is not copied.
pub(crate) const LARGE: usize = 4096;

/// Most bytes given to the caller at once, so that long sending can be told from none.
const CHUNK: usize = 256 << 10;

pub(crate) struct Outbox {
    whole: VecDeque<Bytes>,
    tail: BytesMut,
    len: usize,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self { whole: VecDeque::new(), tail: BytesMut::new(), len: 0 }
    }

    /// Whether a package with so much data could be queued.
    pub(crate) fn has_room(&self, data_len: usize, limits: &Limits) -> bool {
        self.len == 0 || self.with(data_len) <= limits.max_queued_bytes
    }

    /// How much would wait with one more package.
    const fn with(&self, data_len: usize) -> usize {
        self.len.saturating_add(HEADER_LEN).saturating_add(data_len)
    }

    /// Queues a package, unless too much waits already.
    pub(crate) fn push(&mut self, package: Package, limits: &Limits) -> Result<(), Error> {
        let header = package.as_ref().header(limits)?;
        if !self.has_room(package.data.len(), limits) {
            let max = limits.max_queued_bytes as u64;
            return Err(UsageError::LimitReached { limit: Limit::MaxQueuedBytes, max }.into());
        }
        self.len = self.with(package.data.len());
        self.tail.extend_from_slice(&header.to_bytes());
        if package.data.len() < LARGE {
            self.tail.extend_from_slice(&package.data);
        } else {
            self.whole.push_back(self.tail.split().freeze());
            self.whole.push_back(package.data);
        }
        Ok(())
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let mut chunk = match self.whole.pop_front() {
            Some(chunk) => chunk,
            None if self.tail.is_empty() => return None,
            None => core::mem::take(&mut self.tail).freeze(),
        };
        if chunk.len() > CHUNK {
            self.whole.push_front(chunk.split_off(CHUNK));
        }
        self.len = self.len.saturating_sub(chunk.len());
        Some(chunk)
    }
}

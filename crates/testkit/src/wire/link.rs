//! One direction of the wire: what is under way, in order.

use std::collections::VecDeque;
use std::time::Duration;

use crate::rng::Rng;

/// The pieces in which bytes arrive.
///
/// What a machine has to send at one moment is a run of bytes, which is cut as follows; the end of a run is always the
/// end of a piece. A [`Message`] is never cut.
#[derive(Clone, Debug, Default)]
pub enum Chunking {
    /// As they were sent, transmit by transmit.
    #[default]
    AsSent,
    /// All that is sent at one moment in one piece.
    Whole,
    /// One at a time.
    ByteByByte,
    /// In pieces of this size, the last one smaller; at least 1.
    Fixed(usize),
    /// In pieces of random sizes.
    Random {
        /// Where the sizes come from.
        rng: Rng,
        /// The largest size; at least 1.
        max: usize,
    },
}

impl Chunking {
    /// Random pieces of 1 to `max` bytes, the same for the same seed.
    pub const fn random(seed: u64, max: usize) -> Self {
        Self::Random { rng: Rng::new(seed), max }
    }
}

/// What can travel over a wire: `Vec<u8>`, the bytes of a stream, or a [`Message`].
pub trait Unit: Sized {
    /// What is sent at one moment, in the pieces in which it arrives.
    fn arrange(sent: Vec<Self>, chunking: &mut Chunking) -> Vec<Self>;
}

/// Something that arrives whole or not at all: a datagram, a record, the parts of a multipart message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<T>(pub T);

impl<T> Unit for Message<T> {
    fn arrange(sent: Vec<Self>, _chunking: &mut Chunking) -> Vec<Self> {
        sent
    }
}

impl Unit for Vec<u8> {
    fn arrange(sent: Vec<Self>, chunking: &mut Chunking) -> Vec<Self> {
        let mut size: Box<dyn FnMut() -> usize> = match chunking {
            Chunking::AsSent => return sent,
            Chunking::Whole => Box::new(|| usize::MAX),
            Chunking::ByteByByte => Box::new(|| 1),
            Chunking::Fixed(size) => Box::new(|| *size),
            Chunking::Random { rng, max } => Box::new(|| 1 + rng.below(*max)),
        };
        let run = sent.concat();
        let mut rest = run.as_slice();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(size().clamp(1, rest.len()));
            pieces.push(piece.to_vec());
            rest = behind;
        }
        pieces
    }
}

/// One thing under way.
#[derive(Debug)]
pub(super) enum Parcel<U> {
    Input(U),
    Eof,
}

#[derive(Debug)]
pub(super) struct Link<U> {
    pub(super) latency: Duration,
    pub(super) chunking: Chunking,
    under_way: VecDeque<(Duration, Parcel<U>)>,
    lossy: bool,
    closed: bool,
}

impl<U> Default for Link<U> {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            chunking: Chunking::default(),
            under_way: VecDeque::new(),
            lossy: false,
            closed: false,
        }
    }
}

impl<U: Unit> Link<U> {
    pub(super) fn send(&mut self, now: Duration, sent: Vec<U>) {
        if !sent.is_empty() && !self.lossy && !self.closed {
            for piece in U::arrange(sent, &mut self.chunking) {
                self.dispatch(now, Parcel::Input(piece));
            }
        }
    }

    pub(super) fn close(&mut self, now: Duration) {
        if !self.lossy && !self.closed {
            self.dispatch(now, Parcel::Eof);
        }
        self.closed = true;
    }

    pub(super) fn cut(&mut self) {
        self.under_way.clear();
        self.lossy = true;
    }

    pub(super) fn mend(&mut self) {
        self.lossy = false;
    }

    pub(super) fn reconnect(&mut self) {
        self.under_way.clear();
        self.lossy = false;
        self.closed = false;
    }

    pub(super) fn next(&self) -> Option<(Duration, &Parcel<U>)> {
        self.under_way.front().map(|(due, parcel)| (*due, parcel))
    }

    pub(super) fn take(&mut self) -> Parcel<U> {
        self.under_way.pop_front().expect("`next` told of a parcel").1
    }

    /// Order is kept even when the latency was lowered.
    fn dispatch(&mut self, now: Duration, parcel: Parcel<U>) {
        let behind = self.under_way.back().map_or(Duration::ZERO, |(due, _)| *due);
        self.under_way.push_back(((now + self.latency).max(behind), parcel));
    }
}

use core::num::NonZeroU64;
use core::time::Duration;

use crate::error::DecodeError;
use crate::limits::Limits;
use crate::train::TrainRef;

/// What a SUB or a PULL socket does not know of itself: how fast trains come, and which did not.
///
/// Nothing is asked and nothing answered, so there is no other state. A publisher drops trains in silence when a subscriber is slow; a
/// pusher deals them out among all who pull, so that with others the gaps are theirs.
///
/// ```
/// use core::time::Duration;
/// use karabo_bridge::{Step, Subscriber};
///
/// let train = |tid: u8| {
///     [b"\x81\xa1S\x81\xa8metadata\x81\xadtimestamp.tid".to_vec(), vec![tid]].concat()
/// };
/// let mut subscriber = Subscriber::new();
/// for (ms, tid, step) in [(0, 5, Step::First), (100, 6, Step::Next), (300, 8, Step::Lost(1))] {
///     let parts = [train(tid)];
///     let received = subscriber.handle_message(Duration::from_millis(ms), &parts)?;
///     assert_eq!((received.tid, received.step), (Some(u64::from(tid)), step));
/// }
/// assert_eq!(subscriber.arrivals().lost(), 1);
/// assert_eq!(subscriber.arrivals().rate(), Some(2.0 / 0.3));
/// # Ok::<(), karabo_bridge::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Subscriber {
    limits: Limits,
    arrivals: Arrivals,
}

/// The same at the end of a PULL socket.
pub type Puller = Subscriber;

/// A train that a [`Subscriber`] took.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Received<'a, P> {
    /// It.
    pub train: TrainRef<'a, P>,
    /// Its number, if a source knows it.
    pub tid: Option<u64>,
    /// How that follows on the last.
    pub step: Step,
}

impl Subscriber {
    /// A subscriber, under [`Limits::DEFAULT`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits for messages.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How numbers of trains follow on each other where not every train is sent, 1 if nothing is said.
    #[must_use]
    pub const fn with_stride(mut self, stride: NonZeroU64) -> Self {
        self.arrivals = self.arrivals.with_stride(stride);
        self
    }

    /// What is known of the trains so far.
    #[must_use]
    pub const fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// Takes what came out of the socket.
    ///
    /// # Errors
    ///
    /// As [`TrainRef::decode_with`]; such a message counts for nothing.
    pub fn handle_message<'a, P: AsRef<[u8]>>(
        &mut self,
        now: Duration,
        parts: &'a [P],
    ) -> Result<Received<'a, P>, DecodeError> {
        let train = TrainRef::decode_with(parts, &self.limits)?;
        let (tid, step) = self.arrivals.note(now, train);
        Ok(Received { train, tid, step })
    }
}

/// How the number of a train follows on that of the last which had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// There was none.
    First,
    /// As it should: by as much as the stride, or less.
    Next,
    /// After so many that did not come.
    Lost(u64),
    /// It is the same.
    Repeated,
    /// It is smaller: the source began again, or trains come out of order, as those of several pushers do. A gap that it fills stays counted.
    Back,
    /// The train has no number.
    Unknown,
}

/// What arrived so far: counts, a rate, and trains that are missing. A [`Subscriber`] has one; whoever asks for trains may keep one.
#[derive(Clone, Debug)]
pub struct Arrivals {
    stride: NonZeroU64,
    last: Option<u64>,
    trains: u64,
    bytes: u64,
    lost: u64,
    /// When the last trains came, and how many bytes there were until then; the newest first.
    window: [(Duration, u64); WINDOW],
}

/// Trains that a rate is made of.
const WINDOW: usize = 32;

/// Where the oldest of them is.
const LAST: usize = WINDOW.saturating_sub(1);

impl Arrivals {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        let window = [(Duration::ZERO, 0); WINDOW];
        Self { stride: NonZeroU64::MIN, last: None, trains: 0, bytes: 0, lost: 0, window }
    }

    /// How numbers of trains follow on each other where not every train is sent, 1 if nothing is said.
    #[must_use]
    pub const fn with_stride(mut self, stride: NonZeroU64) -> Self {
        self.stride = stride;
        self
    }

    /// Counts a train, and tells its number and how that follows on the last.
    pub fn note<P: AsRef<[u8]>>(&mut self, now: Duration, train: TrainRef<'_, P>) -> (Option<u64>, Step) {
        let bytes = train.parts().iter().map(|part| part.as_ref().len() as u64);
        self.bytes = bytes.fold(self.bytes, u64::saturating_add);
        self.window.rotate_right(1);
        if let Some(newest) = self.window.first_mut() {
            *newest = (now, self.bytes);
        }
        self.trains = self.trains.saturating_add(1);
        let tid = train.tid();
        (tid, tid.map_or(Step::Unknown, |tid| self.step(tid)))
    }

    fn step(&mut self, tid: u64) -> Step {
        let Some(last) = self.last.replace(tid) else { return Step::First };
        let Some(ahead) = tid.checked_sub(last) else { return Step::Back };
        let Some(between) = ahead.checked_sub(1) else { return Step::Repeated };
        let lost = between.checked_div(self.stride.get()).unwrap_or_default();
        self.lost = self.lost.saturating_add(lost);
        if lost == 0 { Step::Next } else { Step::Lost(lost) }
    }

    /// Trains that came.
    #[must_use]
    pub const fn trains(&self) -> u64 {
        self.trains
    }

    /// Bytes of all their parts.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Trains that did not come, as far as the numbers of others tell: a number that is far off counts all that were passed.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Trains a second, over the last 32, up to the last of them; `None` before there are two, or if they came at once.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let (intervals, seconds, _) = self.span()?;
        Some(intervals as f64 / seconds)
    }

    /// Bytes a second, over the last 32 trains, those of the first not counted; `None` as for [`rate`](Self::rate).
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<f64> {
        let (_, seconds, bytes) = self.span()?;
        Some(bytes as f64 / seconds)
    }

    /// Intervals between the trains of the window, the seconds they took, and the bytes that came in them.
    fn span(&self) -> Option<(u64, f64, u64)> {
        let oldest = usize::try_from(self.trains.checked_sub(1)?).unwrap_or(usize::MAX).min(LAST);
        let ((to, after), (from, before)) = (self.window.first()?, self.window.get(oldest)?);
        let seconds = to.checked_sub(*from).filter(|time| !time.is_zero())?.as_secs_f64();
        Some((oldest as u64, seconds, after.saturating_sub(*before)))
    }
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::new()
    }
}

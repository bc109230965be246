use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use crate::client::REQUEST;
use crate::error::PeerError;
use crate::limits::Limits;

/// A server that sends one train for each request: what a REP socket does not know of itself.
///
/// A bad request is answered as the Python server answers it, and costs no train there; one of several parts, which would end that server,
/// is a bad request, too.
///
/// Trains are whatever the caller sends: parts, or a number that stands for them.
///
/// ```
/// use karabo_bridge::{Answer, ReplyServer};
///
/// let mut server = ReplyServer::new();
/// server.handle_message(&[b"next"])?;
/// assert_eq!(server.poll_transmit(), None);
/// server.offer("a train").unwrap();
/// assert_eq!(server.poll_transmit(), Some(Answer::Train("a train")));
///
/// server.handle_message(&[b"nexT"])?;
/// assert_eq!(server.poll_transmit(), Some(Answer::Error(b"Error: bad request nexT".to_vec())));
/// # Ok::<(), karabo_bridge::PeerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReplyServer<T> {
    trains: VecDeque<T>,
    limits: Limits,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Asked,
    Refused(Vec<u8>),
}

/// What a [`ReplyServer`] sends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all that a server says")]
pub enum Answer<T> {
    /// A train.
    Train(T),
    /// What is wrong with the request: the only part of its message.
    Error(Vec<u8>),
}

impl<T> ReplyServer<T> {
    /// A server without trains, under [`Limits::DEFAULT`].
    #[must_use]
    pub const fn new() -> Self {
        Self { trains: VecDeque::new(), limits: Limits::DEFAULT, state: State::Idle }
    }

    /// [`Limits::max_trains`] and [`Limits::max_echo`].
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Puts a train behind those that wait to be asked for.
    ///
    /// # Errors
    ///
    /// The train, if [`Limits::max_trains`] wait.
    pub fn offer(&mut self, train: T) -> Result<(), T> {
        if self.is_full() {
            return Err(train);
        }
        self.trains.push_back(train);
        Ok(())
    }

    /// The same, and where [`Limits::max_trains`] wait the oldest makes room, and is returned: for sources that do not wait. With a limit of 0
    /// it may be the train.
    pub fn force(&mut self, train: T) -> Option<T> {
        let was_full = self.is_full();
        self.trains.push_back(train);
        if was_full { self.trains.pop_front() } else { None }
    }

    fn is_full(&self) -> bool {
        u32::try_from(self.trains.len()).map_or(true, |len| len >= self.limits.max_trains)
    }

    /// Puts a train in front of those that wait, whatever the limit: one that was polled and could not be sent, since who asked is gone. The
    /// request counts as answered.
    pub fn give_back(&mut self, train: T) {
        self.trains.push_front(train);
    }

    /// The same where the socket only did not take it yet, and still owes an answer: the request waits again, and
    /// [`poll_transmit`](Self::poll_transmit) will return the train.
    pub fn postpone(&mut self, train: T) {
        self.trains.push_front(train);
        if let State::Idle = self.state {
            self.state = State::Asked;
        }
    }

    /// How many trains wait to be asked for.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.trains.len()
    }

    /// Whether a request waits for its answer: for a train, as long as there is nothing to transmit.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    /// Takes a request.
    ///
    /// # Errors
    ///
    /// [`PeerError::Unanswered`] if the last one has no answer yet, which a REP socket rules out; it stands.
    pub fn handle_message<P: AsRef<[u8]>>(&mut self, parts: &[P]) -> Result<(), PeerError> {
        if self.is_asked() {
            return Err(PeerError::Unanswered);
        }
        self.state = match parts {
            [request] if request.as_ref() == REQUEST => State::Asked,
            [request] => {
                let request = request.as_ref();
                let echo = usize::try_from(self.limits.max_echo).unwrap_or(usize::MAX);
                let repeated = request.get(..echo).unwrap_or(request);
                State::Refused([&b"Error: bad request "[..], repeated].concat())
            }
            parts => State::Refused(format!("Error: bad request of {} parts", parts.len()).into_bytes()),
        };
        Ok(())
    }

    /// The answer to the request, once there is one.
    pub fn poll_transmit(&mut self) -> Option<Answer<T>> {
        let answer = match &mut self.state {
            State::Idle => return None,
            State::Asked => Answer::Train(self.trains.pop_front()?),
            State::Refused(text) => Answer::Error(core::mem::take(text)),
        };
        self.state = State::Idle;
        Some(answer)
    }

    /// The connection, or the socket, is gone, and with it the request.
    pub fn handle_eof(&mut self) {
        self.state = State::Idle;
    }
}

impl<T> Default for ReplyServer<T> {
    fn default() -> Self {
        Self::new()
    }
}

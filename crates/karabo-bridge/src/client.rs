use core::time::Duration;

use crate::error::{DecodeError, PeerError, UsageError};
use crate::limits::Limits;
use crate::train::MessageRef;

/// The request for a train: the only part of its message.
pub const REQUEST: &[u8] = b"next";

/// Which socket of a [`RequestClient`]: it counts them from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(u64);

impl SocketId {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Where a [`RequestClient`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestState {
    /// It may ask.
    Idle,
    /// It has asked, and waits.
    Asked,
    /// It has waited long enough: the socket is to be replaced, unless the answer comes before that.
    TimedOut,
}

/// The client of a server that is asked for each train: what a REQ socket does not know of itself.
///
/// A REQ socket whose server went away after a request stays stuck for ever, and must not ask again. So one request is outstanding at most,
/// and one that is not answered in time asks for a new socket. To close the old one at once costs the train that may be on its way; whoever
/// goes on reading it gives what comes to [`handle_message`](Self::handle_message), and has a train that is late and like any other. A request
/// that could not be sent is one without an answer: [`replace_socket`](Self::replace_socket).
///
/// ```
/// use core::time::Duration;
/// use karabo_bridge::{MessageRef, RequestClient, RequestState};
///
/// let second = Duration::from_secs(1);
/// let mut client = RequestClient::new().with_timeout(second);
/// assert_eq!(client.request(second)?, b"next");
/// assert_eq!(client.poll_deadline(), Some(2 * second));
///
/// assert!(client.handle_timeout(2 * second));
/// assert_eq!(client.state(), RequestState::TimedOut);
/// let old = client.socket();
/// client.replace_socket();
///
/// assert_eq!(client.request(3 * second)?, b"next");
/// let reply = client.handle_message(client.socket(), &[b"\x80"])?;
/// assert!(!reply.late && matches!(reply.message, MessageRef::Train(_)));
/// assert!(client.handle_message(old, &[b"\x80"])?.late);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequestClient {
    limits: Limits,
    timeout: Option<Duration>,
    socket: SocketId,
    state: RequestState,
    deadline: Option<Duration>,
}

/// What a [`RequestClient`] was answered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply<'a, P> {
    /// A train, or what is wrong with the request.
    pub message: MessageRef<'a, P>,
    /// Whether it came after a time-out that was told, or on a socket that was replaced.
    pub late: bool,
}

/// Why an answer was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// Nothing of it can be read. On the present socket it was the answer, and the next train may be asked for.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It came at a wrong moment.
    #[error(transparent)]
    Peer(#[from] PeerError),
}

#[cfg(feature = "std")]
impl From<ReplyError> for std::io::Error {
    fn from(error: ReplyError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

impl RequestClient {
    /// A client with its first socket, which waits for ever, under [`Limits::DEFAULT`].
    #[must_use]
    pub const fn new() -> Self {
        let (limits, socket) = (Limits::DEFAULT, SocketId(0));
        Self { limits, timeout: None, socket, state: RequestState::Idle, deadline: None }
    }

    /// How long an answer may take. Servers with nothing to send do not answer, so this is longer than trains are apart.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Limits for answers.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where it is.
    #[must_use]
    pub const fn state(&self) -> RequestState {
        self.state
    }

    /// The socket to send on.
    #[must_use]
    pub const fn socket(&self) -> SocketId {
        self.socket
    }

    /// Asks for a train: returns the one part to send on [`socket`](Self::socket).
    ///
    /// # Errors
    ///
    /// [`UsageError::Outstanding`] before the answer to the last request, [`UsageError::StuckSocket`] if that did not come in time.
    pub fn request(&mut self, now: Duration) -> Result<&'static [u8], UsageError> {
        match self.state {
            RequestState::Idle => {
                self.state = RequestState::Asked;
                self.deadline = self.timeout.map(|timeout| now.saturating_add(timeout));
                Ok(REQUEST)
            }
            RequestState::Asked => Err(UsageError::Outstanding),
            RequestState::TimedOut => Err(UsageError::StuckSocket),
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub const fn poll_deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Whether the answer is overdue as of now: then another socket is to be opened, and [`replace_socket`](Self::replace_socket) called,
    /// unless the answer comes before that. Told once.
    pub fn handle_timeout(&mut self, now: Duration) -> bool {
        let overdue = self.deadline.is_some_and(|deadline| deadline <= now);
        if overdue {
            self.state = RequestState::TimedOut;
            self.deadline = None;
        }
        overdue
    }

    /// There is a new socket, which was asked nothing yet: after a time-out, or since the connection is gone.
    pub fn replace_socket(&mut self) -> SocketId {
        self.socket = SocketId(self.socket.0.saturating_add(1));
        self.state = RequestState::Idle;
        self.deadline = None;
        self.socket
    }

    /// Takes what came out of a socket. What comes on one that was replaced is late, and not counted: it is for the socket to see that it
    /// gives no answers that were not asked for.
    ///
    /// # Errors
    ///
    /// [`ReplyError`]. Parts with faults are no errors here: see [`TrainRef::items`](crate::TrainRef::items).
    pub fn handle_message<'a, P: AsRef<[u8]>>(
        &mut self,
        socket: SocketId,
        parts: &'a [P],
    ) -> Result<Reply<'a, P>, ReplyError> {
        let late = if socket == self.socket {
            let late = match self.state {
                RequestState::Idle => return Err(PeerError::Unasked.into()),
                RequestState::Asked => false,
                RequestState::TimedOut => true,
            };
            // The socket has its answer, and may ask again.
            self.state = RequestState::Idle;
            self.deadline = None;
            late
        } else {
            true
        };
        Ok(Reply { message: MessageRef::decode_with(parts, &self.limits)?, late })
    }
}

impl Default for RequestClient {
    fn default() -> Self {
        Self::new()
    }
}

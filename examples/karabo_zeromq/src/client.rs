//! The end that receives.

use core::future::poll_fn;
use core::pin::Pin;
use core::str::FromStr;
use core::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use futures_core::Stream;
use karabo_bridge::{DecodeError, Limits, Message, ReplyError, RequestClient, RequestState};
use tokio::sync::watch;
use tokio::time::{sleep, timeout, timeout_at};
use zeromq::{
    PullSocket, ReqSocket, Socket as _, SocketEvent, SocketOptions, SocketRecv, SocketSend, SubSocket, ZmqError,
    ZmqMessage,
};

use crate::{Error, endpoint, printable};

/// How a client gets its trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "for programs, not a library that grows")]
pub enum ClientSocket {
    /// REQ: it asks for each.
    Request,
    /// SUB: they come to all who listen.
    Subscribe,
    /// PULL: they are dealt out among all who pull.
    Pull,
}

impl ClientSocket {
    /// As options name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "req",
            Self::Subscribe => "sub",
            Self::Pull => "pull",
        }
    }
}

impl FromStr for ClientSocket {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match &*name.to_ascii_lowercase() {
            "req" => Ok(Self::Request),
            "sub" => Ok(Self::Subscribe),
            "pull" => Ok(Self::Pull),
            _ => Err(format!("no socket {name:?}: req, sub or pull")),
        }
    }
}

/// What came.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "for programs, not a library that grows")]
pub struct Received {
    /// Its parts as they came.
    pub parts: Vec<Bytes>,
    /// What they are; or why nothing of them can be read.
    pub message: Result<Message, DecodeError>,
}

/// Longest that one attempt to connect takes. The transport doubles its pauses while it tries, so it is told to begin anew.
const ATTEMPT: Duration = Duration::from_secs(3);
/// Between a connection that broke and the next; what fails at once is tried more and more seldom, down to once in the other.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Longest that it takes to find out why there is no connection.
const PROBE: Duration = Duration::from_millis(500);

/// A client of a bridge. It connects when it needs to, and again when it has to.
///
/// Who drops the future of [`next`](Self::next) loses nothing once the request is sent: the next call waits for the same answer.
#[derive(Debug)]
pub struct Client {
    endpoint: String,
    how: ClientSocket,
    timeout: Option<Duration>,
    limits: Limits,
    requests: RequestClient,
    origin: Instant,
    socket: Option<Socket>,
    sockets: u64,
    link: watch::Sender<Link>,
}

/// How it is with the connection.
#[derive(Clone, Debug, Default)]
struct Link {
    is_up: bool,
    was_up: bool,
    /// Why it is not, once that is known.
    why: Option<String>,
}

/// Tells of a client whether it has a connection, while it waits for it.
#[derive(Debug)]
pub struct Watch {
    link: watch::Receiver<Link>,
    told: bool,
}

impl Watch {
    /// Returns when there was no connection for so long, and it is known why: [`Error::Unreachable`]. It is told once, and again only
    /// after there was a connection. Who drops the future begins anew to wait.
    pub async fn missing(&mut self, patience: Duration) -> Error {
        loop {
            if self.told {
                self.until(|link| link.is_up).await;
                self.told = false;
            }
            self.until(|link| !link.is_up).await;
            if timeout(patience, self.until(|link| link.is_up)).await.is_ok() {
                continue;
            }
            let link = self.until(|link| link.is_up || link.why.is_some()).await;
            if !link.is_up {
                self.told = true;
                return Error::Unreachable { was_up: link.was_up, why: link.why.unwrap_or_default() };
            }
        }
    }

    async fn until(&mut self, is_due: impl FnMut(&Link) -> bool) -> Link {
        match self.link.wait_for(is_due).await {
            Ok(link) => link.clone(),
            // The client is gone, and nothing will ever be told.
            Err(_) => core::future::pending().await,
        }
    }
}

impl Client {
    /// A client that is not connected yet, and waits for ever.
    ///
    /// # Errors
    ///
    /// [`Error::Endpoint`].
    pub fn new(place: &str, how: ClientSocket) -> Result<Self, Error> {
        Ok(Self {
            endpoint: endpoint::checked(place, false).map_err(Error::Endpoint)?,
            how,
            timeout: None,
            limits: Limits::DEFAULT,
            requests: RequestClient::new(),
            origin: Instant::now(),
            socket: None,
            sockets: 0,
            link: watch::Sender::default(),
        })
    }

    /// How long [`next`](Self::next) waits for a connection, and then again for a message.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self.requests = self.requests.with_timeout(timeout);
        self
    }

    /// Limits for messages.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self.requests = self.requests.with_limits(limits);
        self
    }

    /// How many connections there were.
    #[must_use]
    pub const fn sockets(&self) -> u64 {
        self.sockets
    }

    /// Tells of its connection.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch { link: self.link.subscribe(), told: false }
    }

    /// Time as the machine counts it.
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// The next message. A connection that breaks is replaced, and the question asked again.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] and [`Error::TimedOut`], after which it may be called again; [`Error::Kind`] and [`Error::Transport`],
    /// after which that makes little sense.
    pub async fn next(&mut self) -> Result<Received, Error> {
        let give_up = self.timeout.map(|timeout| self.now().saturating_add(timeout));
        loop {
            if self.socket.is_none() {
                self.connect(give_up).await?;
            }
            // While it sends, the socket is nobody's: who gives up now begins with a new one.
            let Some(mut socket) = self.socket.take() else { continue };
            let mut deadline = self.timeout.map(|timeout| self.now().saturating_add(timeout));
            if self.how == ClientSocket::Request {
                if self.requests.state() == RequestState::Idle
                    && let Ok(request) = self.requests.request(self.now())
                    && socket.send(Bytes::from_static(request)).await.is_err()
                {
                    self.broken();
                    sleep(PAUSE).await;
                    continue;
                }
                deadline = self.requests.poll_deadline();
            }
            let origin = self.origin;
            match until(origin, deadline, self.socket.insert(socket).receive()).await {
                Some(Ok(message)) => {
                    if let Some(received) = self.take(message.into_vec()) {
                        return Ok(received);
                    }
                }
                // The connection broke.
                Some(Err(_)) => {
                    self.socket = None;
                    self.broken();
                    if give_up.is_some_and(|give_up| give_up <= self.now()) {
                        return Err(self.unreachable().await);
                    }
                    sleep(PAUSE).await;
                }
                None => {
                    // It would be told once; a REQ socket that waits must not ask again, and is closed.
                    if self.how == ClientSocket::Request {
                        let now = self.now();
                        self.requests.handle_timeout(now);
                        self.socket = None;
                    }
                    return Err(Error::TimedOut(self.timeout.unwrap_or_default()));
                }
            }
        }
    }

    /// What came, unless it answers nothing.
    fn take(&mut self, parts: Vec<Bytes>) -> Option<Received> {
        if self.how == ClientSocket::Request {
            match self.requests.handle_message(self.requests.socket(), &parts) {
                Ok(_) => {}
                Err(ReplyError::Decode(error)) => return Some(Received { parts, message: Err(error) }),
                Err(_) => return None,
            }
        }
        // Parts are shared, not copied.
        let message = Message::decode_with(parts.clone(), &self.limits);
        Some(Received { parts, message })
    }

    async fn connect(&mut self, give_up: Option<Duration>) -> Result<(), Error> {
        if self.requests.state() != RequestState::Idle {
            self.requests.replace_socket();
        }
        let mut pause = PAUSE;
        loop {
            let origin = self.origin;
            match until(origin, give_up, Socket::connect(self.how, &self.endpoint)).await {
                Some(Ok(socket)) => {
                    self.socket = Some(socket);
                    self.sockets = self.sockets.saturating_add(1);
                    self.link.send_replace(Link { is_up: true, was_up: true, why: None });
                    return Ok(());
                }
                Some(Err(ZmqError::Other(what))) if what.contains("not compatible") => {
                    return Err(Error::Kind(self.how));
                }
                Some(Err(error)) if is_final(&error) => return Err(error.into()),
                // Nobody is there, or nobody any more, or somebody else.
                Some(Err(error)) => {
                    let why = self.reason(&error).await;
                    self.link.send_modify(|link| link.why = Some(why));
                    if until(origin, give_up, sleep(pause)).await.is_none() {
                        return Err(self.unreachable().await);
                    }
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
                None => return Err(self.unreachable().await),
            }
        }
    }

    /// There was a connection.
    fn broken(&self) {
        let why = "the connection ended".to_owned();
        self.link.send_modify(|link| *link = Link { is_up: false, why: Some(why), ..*link });
    }

    async fn unreachable(&self) -> Error {
        let Link { was_up, why, .. } = self.link.borrow().clone();
        let why = match why {
            Some(why) => why,
            None => endpoint::probe(&self.endpoint, PROBE).await,
        };
        Error::Unreachable { was_up, why }
    }

    /// Why there is no connection. The transport keeps it for itself while it tries.
    async fn reason(&self, error: &ZmqError) -> String {
        match error {
            ZmqError::ConnectTimeout(_) => endpoint::probe(&self.endpoint, PROBE).await,
            ZmqError::Network(error) => endpoint::refusal(error),
            ZmqError::Codec(_) | ZmqError::Other(_) => endpoint::STRANGER.to_owned(),
            _ => printable(&error.to_string()),
        }
    }
}

/// Waits for it, but not beyond a time; `None` if that comes first.
async fn until<T>(origin: Instant, deadline: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match deadline.and_then(|deadline| origin.checked_add(deadline)) {
        Some(deadline) => timeout_at(deadline.into(), future).await.ok(),
        None => Some(future.await),
    }
}

/// Whether trying again would end in the same way.
const fn is_final(error: &ZmqError) -> bool {
    matches!(error, ZmqError::Endpoint(_) | ZmqError::UnsupportedVersion(_) | ZmqError::PeerIdentity)
}

/// What happens to a socket, told by the transport.
type Events = Pin<Box<dyn Stream<Item = SocketEvent> + Send>>;

enum Socket {
    Request(ReqSocket),
    Subscribe(SubSocket, Events),
    Pull(PullSocket, Events),
}

impl core::fmt::Debug for Socket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Request(_) => "Request",
            Self::Subscribe(..) => "Subscribe",
            Self::Pull(..) => "Pull",
        })
    }
}

impl Socket {
    async fn connect(how: ClientSocket, endpoint: &str) -> Result<Self, ZmqError> {
        let mut options = SocketOptions::default();
        options.connect_timeout(ATTEMPT);
        match how {
            ClientSocket::Request => {
                let mut socket = ReqSocket::with_options(options);
                socket.connect(endpoint).await?;
                Ok(Self::Request(socket))
            }
            ClientSocket::Subscribe => {
                let mut socket = SubSocket::with_options(options);
                let events = Box::pin(socket.monitor());
                socket.subscribe("").await?;
                socket.connect(endpoint).await?;
                Ok(Self::Subscribe(socket, events))
            }
            ClientSocket::Pull => {
                let mut socket = PullSocket::with_options(options);
                let events = Box::pin(socket.monitor());
                socket.connect(endpoint).await?;
                Ok(Self::Pull(socket, events))
            }
        }
    }

    async fn send(&mut self, part: Bytes) -> Result<(), ZmqError> {
        match self {
            Self::Request(socket) => socket.send(part.into()).await,
            Self::Subscribe(..) | Self::Pull(..) => Ok(()),
        }
    }

    /// The next message, or that there is no connection any more: a PULL socket of the transport would wait for ever, and a SUB
    /// socket tries again by itself, more and more seldom.
    async fn receive(&mut self) -> Result<ZmqMessage, ZmqError> {
        match self {
            Self::Request(socket) => socket.recv().await,
            Self::Subscribe(socket, events) => tokio::select! {
                biased;
                message = socket.recv() => message,
                () = disconnected(events) => Err(ZmqError::NoMessage),
            },
            Self::Pull(socket, events) => tokio::select! {
                biased;
                message = socket.recv() => message,
                () = disconnected(events) => Err(ZmqError::NoMessage),
            },
        }
    }
}

async fn disconnected(events: &mut Events) {
    while let Some(event) = poll_fn(|context| events.as_mut().poll_next(context)).await {
        if let SocketEvent::Disconnected(_) = event {
            return;
        }
    }
    core::future::pending().await
}

//! The end that sends.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::str::FromStr;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use karabo_bridge::{Answer, Limits, ReplyServer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zeromq::{PubSocket, PushSocket, RepSocket, Socket as _, SocketEvent, SocketRecv, SocketSend, ZmqMessage};

use crate::{Error, count as counted_in_words, endpoint};

/// How a server gives its trains away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "for programs, not a library that grows")]
pub enum ServerSocket {
    /// REP: one for each request.
    Reply,
    /// PUB: to all who listen; who is slow misses some.
    Publish,
    /// PUSH: dealt out among all who pull.
    Push,
}

impl FromStr for ServerSocket {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match &*name.to_ascii_lowercase() {
            "rep" => Ok(Self::Reply),
            "pub" => Ok(Self::Publish),
            "push" => Ok(Self::Push),
            _ => Err(format!("no socket {name:?}: rep, pub or push")),
        }
    }
}

/// What a server has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "for programs, not a library that grows")]
pub struct Counts {
    /// Trains given to the transport.
    pub sent: u64,
    /// Trains that nobody had room for, or whose client took too long.
    pub dropped: u64,
    /// Bad requests that were answered.
    pub refused: u64,
}

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
}

/// Trains given to the transport and not yet copied to where they are written from: with one it has always something to do, since that
/// of before is still being written.
const ON_THEIR_WAY: u32 = 1;
/// How long one client may take for a train. Meanwhile no other is served: the transport writes to one at a time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server of a bridge, which runs by itself as a task.
#[derive(Debug)]
pub struct Server {
    endpoint: String,
    trains: Option<mpsc::Sender<Vec<Bytes>>>,
    task: JoinHandle<()>,
    counters: Arc<Counters>,
    /// Of a publisher: what it has no room for is lost.
    room: Option<Arc<Semaphore>>,
}

impl Server {
    /// A server at an endpoint; with port 0 the system picks one, see [`endpoint`](Self::endpoint).
    ///
    /// # Errors
    ///
    /// [`Error::Endpoint`], or what the system has against it.
    pub async fn bind(place: &str, how: ServerSocket) -> Result<Self, Error> {
        let place = endpoint::checked(place, true).map_err(Error::Endpoint)?;
        endpoint::remove_stale(&place);
        let (trains, queue) = mpsc::channel(1);
        let counters = Arc::new(Counters::default());
        let (counted, task);
        let room = Arc::new(Semaphore::new(ON_THEIR_WAY as usize));
        let publishes = (how == ServerSocket::Publish).then(|| Arc::clone(&room));
        let endpoint = match how {
            ServerSocket::Reply => {
                let mut socket = RepSocket::new();
                let endpoint = socket.bind(&place).await?;
                counted = Arc::clone(&counters);
                task = tokio::spawn(async move { reply(socket, queue, &counted).await });
                endpoint
            }
            ServerSocket::Publish => {
                let mut socket = PubSocket::new();
                let endpoint = socket.bind(&place).await?;
                counted = Arc::clone(&counters);
                task = tokio::spawn(async move { publish(socket, &room, queue, &counted).await });
                endpoint
            }
            ServerSocket::Push => {
                let mut socket = PushSocket::new();
                let events = socket.monitor();
                let endpoint = socket.bind(&place).await?;
                counted = Arc::clone(&counters);
                task = tokio::spawn(async move { push(socket, &room, events, queue, &counted).await });
                endpoint
            }
        };
        Ok(Self { endpoint: endpoint.to_string(), trains: Some(trains), task, counters, room: publishes })
    }

    /// Where it is.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Waits until there is room for a train, so that none is made before; false if it would be dropped, and then it counts as if it was.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`].
    pub async fn admit(&self) -> Result<bool, Error> {
        let trains = self.trains.as_ref().ok_or(Error::Closed)?;
        drop(trains.reserve().await.map_err(|_| Error::Closed)?);
        let is_full = self.room.as_ref().is_some_and(|room| room.available_permits() == 0);
        if is_full {
            count(&self.counters.dropped);
        }
        Ok(!is_full)
    }

    /// Puts a train in the queue, once there is room: with REP two trains wait to be asked for, with PUSH for somebody who pulls; a
    /// publisher waits for nobody.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`].
    pub async fn send(&self, parts: Vec<Bytes>) -> Result<(), Error> {
        let trains = self.trains.as_ref().ok_or(Error::Closed)?;
        trains.send(parts).await.map_err(|_| Error::Closed)
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let Counters { sent, dropped, refused } = &*self.counters;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts { sent: of(sent), dropped: of(dropped), refused: of(refused) }
    }

    /// Sends what is in the queue, for so long at most, and ends. What was given to the transport by then is still to be written: see
    /// [`block_on`](crate::block_on).
    pub async fn close(mut self, linger: Duration) -> Counts {
        self.trains = None;
        if timeout(linger, &mut self.task).await.is_err() {
            self.task.abort();
            let _ = (&mut self.task).await;
        }
        self.counts()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

async fn reply(mut socket: RepSocket, mut queue: mpsc::Receiver<Vec<Bytes>>, counters: &Counters) {
    let mut server = ReplyServer::new().with_limits(Limits::DEFAULT.with_max_trains(1));
    let mut more = true;
    while more || server.waiting() > 0 {
        tokio::select! {
            train = queue.recv(), if more && server.waiting() == 0 => match train {
                Some(train) => drop(server.offer(train)),
                None => more = false,
            },
            // One error is about one connection, and what it was is of no use to others.
            request = socket.recv(), if !server.is_asked() => if let Ok(request) = request {
                let _ = server.handle_message(&request.into_vec());
            },
            else => break,
        }
        while let Some(answer) = server.poll_transmit() {
            match answer {
                Answer::Error(text) => {
                    count(&counters.refused);
                    let _ = timeout(PATIENCE, socket.send(text.into())).await;
                }
                Answer::Train(train) => {
                    let Ok(message) = ZmqMessage::try_from(train.clone()) else { continue };
                    match timeout(PATIENCE, socket.send(message)).await {
                        Ok(Ok(())) => count(&counters.sent),
                        // Who asked is gone: it is for the next.
                        Ok(Err(_)) => server.give_back(train),
                        Err(_) => count(&counters.dropped),
                    }
                }
            }
        }
    }
    socket.close().await;
}

/// A train that tells when the transport has let go of it.
struct Held {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A message which holds a permit until it was copied into the buffers of all connections it goes to. The transport itself queues
/// 100 000 messages for each, and has no option for fewer.
fn held(mut parts: Vec<Bytes>, permit: OwnedSemaphorePermit) -> Option<ZmqMessage> {
    let bytes = parts.pop()?;
    parts.push(Bytes::from_owner(Held { bytes, _permit: permit }));
    ZmqMessage::try_from(parts).ok()
}

async fn publish(
    mut socket: PubSocket,
    room: &Arc<Semaphore>,
    mut queue: mpsc::Receiver<Vec<Bytes>>,
    counters: &Counters,
) {
    while let Some(train) = queue.recv().await {
        let Ok(permit) = Arc::clone(room).try_acquire_owned() else {
            count(&counters.dropped);
            continue;
        };
        if let Some(message) = held(train, permit)
            && socket.send(message).await.is_ok()
        {
            count(&counters.sent);
        }
    }
    let _ = room.acquire_many(ON_THEIR_WAY).await;
    socket.close().await;
}

async fn push(
    mut socket: PushSocket,
    room: &Arc<Semaphore>,
    mut events: impl Stream<Item = SocketEvent> + Unpin,
    mut queue: mpsc::Receiver<Vec<Bytes>>,
    counters: &Counters,
) {
    while let Some(train) = queue.recv().await {
        loop {
            let Ok(permit) = Arc::clone(room).acquire_owned().await else { return };
            let Some(message) = held(train.clone(), permit) else { break };
            if socket.send(message).await.is_ok() {
                count(&counters.sent);
                break;
            }
            accepted(&mut events).await;
        }
    }
    let _ = room.acquire_many(ON_THEIR_WAY).await;
    socket.close().await;
}

/// Somebody has connected. One who came before is told of, too, so that nobody is missed.
async fn accepted(events: &mut (impl Stream<Item = SocketEvent> + Unpin)) {
    while let Some(event) = poll_fn(|context| Pin::new(&mut *events).poll_next(context)).await {
        if let SocketEvent::Accepted(..) = event {
            return;
        }
    }
    core::future::pending().await
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, dropped, refused } = self;
        let [sent, refused] =
            [(sent, "train"), (refused, "bad request")].map(|(count, what)| counted_in_words(*count, what));
        write!(f, "{sent} sent, {dropped} dropped, {refused}")
    }
}

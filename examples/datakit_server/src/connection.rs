//! One connection: bytes and times into the machine, its events to the board, its bytes to the socket.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use datakit::{CloseReason, Config, Data, Hello, Server, ServerEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until, timeout};

/// Bytes read at a time.
const READ_SIZE: usize = 8192;

/// What happened on a connection.
pub(crate) struct Note {
    pub(crate) connection: u64,
    pub(crate) what: What,
}

pub(crate) enum What {
    Connected(SocketAddr),
    Registered {
        uid: String,
        hello: Hello,
    },
    Reading {
        data: Data,
        late: bool,
    },
    /// Something that a person should see: a bad line, an illegal packet, a broken connection.
    Trouble(String),
    Unregistered {
        uid: String,
        reason: CloseReason,
    },
    Gone(Option<CloseReason>),
}

/// What the keyboard wants of everybody, or of one UID.
#[derive(Clone)]
pub(crate) enum Order {
    Start(Option<String>),
    Stop(Option<String>),
    Close,
}

/// The origin of the machines' times.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    fn now(self) -> Duration {
        self.0.elapsed()
    }

    /// When on the runtime's clock; `None` is beyond its end.
    fn instant(self, at: Duration) -> Option<Instant> {
        self.0.checked_add(at)
    }
}

/// From the first byte to the last. However it ends, the board hears of it.
pub(crate) async fn run(
    stream: TcpStream,
    number: u64,
    clock: Clock,
    notes: mpsc::Sender<Note>,
    orders: broadcast::Receiver<Order>,
) {
    let mut connection = Connection {
        server: Server::new(&Config::DEFAULT, clock.now()),
        number,
        clock,
        notes,
        output: Bytes::new(),
        closed: None,
    };
    // Without a board nobody wants to know how it ended.
    let _ = connection.serve(stream, orders).await;
    let _ = connection.tell(What::Gone(connection.closed)).await;
}

struct Connection {
    server: Server,
    number: u64,
    clock: Clock,
    notes: mpsc::Sender<Note>,
    /// What the socket has not taken yet.
    output: Bytes,
    closed: Option<CloseReason>,
}

/// The board is gone: the program ends.
struct NoBoard;

impl Connection {
    async fn serve(&mut self, stream: TcpStream, mut orders: broadcast::Receiver<Order>) -> Result<(), NoBoard> {
        // A START is a few bytes that should not wait for more.
        let _ = stream.set_nodelay(true);
        let (mut reader, mut writer) = stream.into_split();
        let mut input = BytesMut::with_capacity(READ_SIZE);

        while self.closed.is_none() {
            let deadline = self.server.poll_deadline().and_then(|deadline| self.clock.instant(deadline));
            // In this order: input that came before the deadline counts, however late it is noticed.
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Ok(order) => self.obey(&order),
                    // So many orders at once that some were lost: the next one will be heard.
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => self.obey(&Order::Close),
                },
                written = writer.write_buf(&mut self.output), if !self.output.is_empty() => if let Err(error) = written {
                    self.broken(&error).await?;
                },
                read = reader.read_buf(&mut input) => match read {
                    Ok(0) => self.server.handle_eof(self.clock.now()),
                    Ok(_) => self.take_input(&mut input).await?,
                    Err(error) => self.broken(&error).await?,
                },
                () = until(deadline) => self.server.handle_timeout(self.clock.now()),
            }
            self.take_events().await?;
            // The rest waits in the machine, which has a limit for it.
            if self.output.is_empty() {
                self.output = self.server.poll_transmit().unwrap_or_default();
            }
        }
        // What was to be sent before the end, if the sensor takes it at once.
        let _ = timeout(Duration::from_millis(200), writer.write_all(&self.output)).await;
        Ok(())
    }

    /// The machine takes no more than it has room to tell of. Nothing else is read before it was heard out and has taken all:
    /// who sends too fast finds that the socket is full.
    async fn take_input(&mut self, input: &mut BytesMut) -> Result<(), NoBoard> {
        // The time at which it was read: telling the board may take long, and is not the sensor's silence.
        let now = self.clock.now();
        while !input.is_empty() {
            let taken = self.server.handle_input(now, input);
            input.advance(taken);
            self.take_events().await?;
        }
        // Input that never ends is no sign of life either, if it has no packet in it. Before the deadline this does nothing.
        self.server.handle_timeout(now);
        Ok(())
    }

    /// A client that vanished without a word is one that says no more.
    async fn broken(&mut self, error: &std::io::Error) -> Result<(), NoBoard> {
        self.server.handle_eof(self.clock.now());
        self.tell(What::Trouble(format!("connection broken: {error}"))).await
    }

    fn obey(&mut self, order: &Order) {
        let now = self.clock.now();
        let is_meant = |uid: &Option<String>| uid.is_none() || uid.as_deref() == self.server.uid();
        // Who is not registered has nothing to obey.
        let _ = match order {
            Order::Start(uid) if is_meant(uid) => self.server.start(now),
            Order::Stop(uid) if is_meant(uid) => self.server.stop(now),
            Order::Start(_) | Order::Stop(_) => Ok(()),
            Order::Close => {
                self.server.close(now);
                Ok(())
            }
        };
    }

    /// Hands the machine's news to the board. If that is busy, this waits, and so does the socket.
    async fn take_events(&mut self) -> Result<(), NoBoard> {
        while let Some(event) = self.server.poll_event() {
            let what = match event {
                ServerEvent::Hello(hello) => {
                    let (now, uid) = (self.clock.now(), format!("s{}", self.number));
                    let accepted = self.server.accept(now, &uid);
                    match accepted.and_then(|()| self.server.start(now).map_err(datakit::Error::from)) {
                        Ok(()) => What::Registered { uid, hello },
                        Err(error) => {
                            self.server.close(now);
                            What::Trouble(format!("not registered: {error}"))
                        }
                    }
                }
                ServerEvent::Data { data, late } => What::Reading { data, late },
                ServerEvent::BadLine { error, .. } => What::Trouble(format!("bad line: {error}")),
                ServerEvent::PeerError { error, .. } => What::Trouble(format!("out of step: {error}")),
                ServerEvent::Unregistered { uid, reason } => What::Unregistered { uid, reason },
                ServerEvent::Closed(reason) => {
                    self.closed = Some(reason);
                    continue;
                }
                ServerEvent::Unknown(line) => What::Trouble(format!("passed over, of a later version: {line}")),
                _ => What::Trouble("news of a later version of the crate".into()),
            };
            self.tell(what).await?;
        }
        Ok(())
    }

    async fn tell(&self, what: What) -> Result<(), NoBoard> {
        self.notes.send(Note { connection: self.number, what }).await.map_err(|_| NoBoard)
    }
}

/// Until then, or forever.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => core::future::pending().await,
    }
}

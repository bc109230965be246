//! The loop around the machine: it says what to send, what happened and when it has to be called again; the loop owns socket and
//! clock.

use core::time::Duration;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Instant;

use thingsdb_wire::{Body, Client, ClientEvent, CloseReason, Config, Package};

use crate::{Failure, Login, Settings, Spoken};

/// How long a server may leave what it is sent in the socket before the connection counts as broken.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a server is.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Address {
    /// Host and port.
    Tcp(String),
    /// Path of a Unix socket.
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

/// One connection after the other, to the same server.
pub struct Connection {
    address: Address,
    spoken: Spoken,
    login: Option<Login>,
    client: Client,
    stream: Option<Stream>,
    /// What the machine has told while something else was waited for.
    events: VecDeque<ClientEvent>,
    /// What was read and the machine has not taken yet.
    input: Vec<u8>,
    has_read: bool,
    /// The machine's times count from here.
    start: Instant,
    authenticated: bool,
}

impl Connection {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let mut client = Client::new(&Config::new(&settings.spoken.dialect()), Duration::ZERO);
        // From here on each connection begins with a reconnect, the first one too.
        client.close(Duration::ZERO);
        let _ = client.poll_event();
        Self {
            address: settings.address.clone(),
            spoken: settings.spoken,
            login: settings.login.clone(),
            client,
            stream: None,
            events: VecDeque::new(),
            input: Vec::new(),
            has_read: false,
            start: Instant::now(),
            authenticated: false,
        }
    }

    /// Connects and says who asks. What was joined on the connection before is told by [`next_event`](Self::next_event) as
    /// [`ClientEvent::Rejoin`].
    ///
    /// # Errors
    ///
    /// If nobody is there, or does not want who asks.
    pub fn connect(&mut self) -> Result<(), Failure> {
        // What the connection before left undone ends with it. On a closed machine this does nothing.
        self.close();
        self.stream = Some(Stream::connect(&self.address).map_err(broken)?);
        self.client.reconnect(self.now()).map_err(thingsdb_wire::Error::from)?;
        if let Some(login) = &self.login {
            let request = self.spoken.login(login)?;
            self.client.request(self.now(), request)?;
            match self.wait()? {
                ClientEvent::Authenticated => self.authenticated = true,
                ClientEvent::Denied(package) => return Err(self.spoken.refusal(package.as_ref())),
                _ => return Err(Failure::Connection("not an answer to the authentication".into())),
            }
        }
        Ok(())
    }

    /// Whether the last connection was more than an attempt.
    #[must_use]
    pub fn lasted(&self) -> bool {
        self.authenticated
    }

    /// Sends a request without waiting for the answer; its ID.
    ///
    /// # Errors
    ///
    /// If it needs an authentication, or is too large.
    pub fn start(&mut self, request: Body) -> Result<u16, Failure> {
        Ok(self.client.request(self.now(), request)?)
    }

    /// Sends a request and waits for its answer. Events that come before are kept for [`next_event`](Self::next_event).
    ///
    /// # Errors
    ///
    /// If the server refuses, gives no answer in time, or is gone.
    pub fn ask(&mut self, request: Body) -> Result<Package, Failure> {
        let asked = self.start(request)?;
        loop {
            match self.wait()? {
                ClientEvent::Answer { package, .. } if package.id == asked => return Ok(package),
                ClientEvent::Error { package, .. } if package.id == asked => {
                    return Err(self.spoken.refusal(package.as_ref()));
                }
                ClientEvent::TimedOut { id, .. } if id == asked => {
                    return Err(Failure::Refused("no answer in time".into()));
                }
                event => self.events.push_back(event),
            }
        }
    }

    /// What happens next, however long it takes.
    ///
    /// # Errors
    ///
    /// If the connection is over.
    pub fn next_event(&mut self) -> Result<ClientEvent, Failure> {
        self.events.pop_front().map_or_else(|| self.wait(), Ok)
    }

    /// Ends the connection, if there is one.
    pub fn close(&mut self) {
        self.client.close(self.now());
        while self.client.poll_event().is_some() {}
        self.events.clear();
        self.input.clear();
        self.stream = None;
        self.authenticated = false;
    }

    /// The loop: until the machine has something to tell.
    fn wait(&mut self) -> Result<ClientEvent, Failure> {
        loop {
            match self.client.poll_event() {
                Some(ClientEvent::Closed(reason)) => return Err(reason.into()),
                // The end follows, and says why.
                Some(ClientEvent::Lost { .. }) => continue,
                Some(event) => return Ok(event),
                None => {}
            }
            let now = self.start.elapsed();
            // The machine takes no more than it has room to tell of: when it was heard out, it is offered what is left.
            if !self.input.is_empty() {
                let taken = self.client.handle_input(now, &self.input);
                self.input.drain(..taken);
                continue;
            }
            // After input that came before the deadline, however late it was read. Before the deadline this does nothing.
            if core::mem::take(&mut self.has_read) {
                self.client.handle_timeout(now);
                continue;
            }
            let Some(stream) = &mut self.stream else { return Err(CloseReason::Eof.into()) };
            while let Some(bytes) = self.client.poll_transmit() {
                stream.write_all(&bytes).map_err(broken)?;
            }
            stream.set_patience(self.client.poll_deadline(), now).map_err(broken)?;
            let mut buffer = [0; 16 << 10];
            match stream.read(&mut buffer) {
                Ok(0) => self.client.handle_eof(self.start.elapsed()),
                Ok(len) => self.input.extend_from_slice(buffer.get(..len).unwrap_or_default()),
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(broken(error)),
            }
            self.has_read = true;
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A socket of either kind.
enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
                Ok(Self::Tcp(stream))
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
                Ok(Self::Unix(stream))
            }
        }
    }

    /// How long to wait for input: until the machine has something to do.
    fn set_patience(&self, deadline: Option<Duration>, now: Duration) -> io::Result<()> {
        let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_sub(now));
        // A socket takes a timeout of zero for none at all, and very long ones not everywhere.
        let patience = Some(left.clamp(Duration::from_millis(1), Duration::from_secs(3600)));
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(patience),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_read_timeout(patience),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn broken(error: io::Error) -> Failure {
    Failure::Connection(error.to_string())
}

fn is_timeout(error: &io::Error) -> bool {
    // Which of the first two it is depends on the system.
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

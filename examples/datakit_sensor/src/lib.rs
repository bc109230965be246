//! A DataKit sensor over TCP, with blocking sockets and nothing but std.
//!
//! [`Sensor::run`] connects, and connects again when a connection is over; `talk` is the loop around the machine, the part
//! to copy. The machine says what to send, what happened and when it has to be called again; the loop owns socket and clock.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use datakit::{Client, ClientEvent, Config, DataRef, EncodeError, Error, HelloRef};

/// How long a server may leave what it is sent in the socket before the connection counts as broken.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the sensor is, and where its server.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a program, not a library that grows")]
pub struct Settings {
    /// Host and port.
    pub address: String,
    /// What the sensor is called.
    pub name: String,
    /// The units of its values.
    pub units: String,
    /// The tag of its readings.
    pub tag: String,
    /// How often it reads while the server wants it to.
    pub interval: Duration,
    /// How many readings to send before the end; without, there is no end.
    pub count: Option<u64>,
    /// How long to wait between connections.
    pub pause: Duration,
}

/// A sensor that sends what `read` gives, and tells `log` a line about what happens.
pub struct Sensor<'a> {
    settings: &'a Settings,
    client: Client,
    read: &'a mut dyn FnMut() -> f64,
    log: &'a mut dyn Write,
    /// The machine's times count from here.
    start: Instant,
    /// When the next reading is due; none unless the server said START.
    reading_due: Option<Duration>,
    sent: u64,
    is_closed: bool,
}

impl<'a> Sensor<'a> {
    /// Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// If name or units cannot be written in a HELLO.
    pub fn new(
        settings: &'a Settings,
        read: &'a mut dyn FnMut() -> f64,
        log: &'a mut dyn Write,
    ) -> Result<Self, EncodeError> {
        let hello = HelloRef::new(&settings.name, &settings.units).with_data_type("float");
        let mut client = Client::new(hello, &Config::DEFAULT, Duration::ZERO)?;
        // From here on each connection begins with a reconnect, the first one too.
        client.close(Duration::ZERO);
        let _ = client.poll_event();
        Ok(Self { settings, client, read, log, start: Instant::now(), reading_due: None, sent: 0, is_closed: false })
    }

    /// Sends readings whenever the server wants them, over one connection after the other; returns when the count is
    /// reached.
    ///
    /// # Errors
    ///
    /// If a reading cannot be written as a line. A connection that fails is no error but followed by another one.
    pub fn run(mut self) -> Result<(), Error> {
        loop {
            match TcpStream::connect(&self.settings.address) {
                Ok(stream) => match self.talk(stream) {
                    Ok(true) => return Ok(()),
                    Ok(false) => {}
                    Err(Broken::Socket(error)) => self.say(format_args!("connection broken: {error}")),
                    Err(Broken::Reading(error)) => return Err(error),
                },
                Err(error) => self.say(format_args!("no connection to {}: {error}", self.settings.address)),
            }
            thread::sleep(self.settings.pause);
        }
    }

    /// One connection from HELLO to its end; tells whether all readings are sent.
    fn talk(&mut self, mut stream: TcpStream) -> Result<bool, Broken> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        // What the connection before left undone ends with it. On a closed machine this does nothing.
        self.client.close(self.now());
        self.take_events();
        (self.is_closed, self.reading_due) = (false, None);
        self.client.reconnect(self.now()).map_err(Error::from)?;

        let mut buffer = [0; 4096];
        loop {
            self.send_what_is_due()?;
            while let Some(bytes) = self.client.poll_transmit() {
                stream.write_all(&bytes)?;
            }
            if self.settings.count == Some(self.sent) {
                self.client.close(self.now());
                self.take_events();
                hang_up(&mut stream);
                return Ok(true);
            }
            if self.is_closed {
                return Ok(false);
            }

            stream.set_read_timeout(Some(self.patience()))?;
            match stream.read(&mut buffer) {
                Ok(0) => self.client.handle_eof(self.now()),
                Ok(len) => {
                    let mut rest = buffer.get(..len).unwrap_or_default();
                    // The machine takes no more than it has room to tell of: hear it out, then offer what is left.
                    while !rest.is_empty() {
                        let taken = self.client.handle_input(self.now(), rest);
                        rest = rest.get(taken..).unwrap_or_default();
                        self.take_events();
                    }
                }
                Err(error) if is_timeout(&error) => {}
                Err(error) => {
                    self.say(format_args!("connection broken: {error}"));
                    self.client.handle_eof(self.now());
                }
            }
            // However the wait ended; does nothing before the deadline.
            self.client.handle_timeout(self.now());
            self.take_events();
        }
    }

    /// Hands a reading to the machine when it is time for one.
    fn send_what_is_due(&mut self) -> Result<(), Broken> {
        let now = self.now();
        let Some(due) = self.reading_due.filter(|due| *due <= now) else { return Ok(()) };
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let timestamp = i64::try_from(timestamp).unwrap_or(i64::MAX);
        let reading = DataRef::new(&self.settings.tag, timestamp, (self.read)());
        self.client.send_data(now, reading)?;
        self.sent = self.sent.saturating_add(1);
        // Who is late does not make up for what was missed.
        self.reading_due = Some(due.saturating_add(self.settings.interval).max(now));
        Ok(())
    }

    /// Takes the machine's news.
    fn take_events(&mut self) {
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Registered { uid } => self.say(format_args!("registered as {uid:?}")),
                ClientEvent::Start => {
                    self.reading_due = Some(self.now());
                    self.say(format_args!("START"));
                }
                ClientEvent::Stop => {
                    self.reading_due = None;
                    self.say(format_args!("STOP"));
                }
                ClientEvent::BadLine { error, .. } => self.say(format_args!("bad line from the server: {error}")),
                ClientEvent::PeerError { error, .. } => self.say(format_args!("the server is out of step: {error}")),
                ClientEvent::Closed(reason) => {
                    (self.is_closed, self.reading_due) = (true, None);
                    self.say(format_args!("closed: {reason}"));
                }
                ClientEvent::Unknown(line) => self.say(format_args!("passed over, of a later version: {line:?}")),
                _ => self.say(format_args!("news of a later version of the crate")),
            }
        }
    }

    /// How long to wait for input: until the machine or the next reading is due.
    fn patience(&self) -> Duration {
        let due = [self.client.poll_deadline(), self.reading_due].into_iter().flatten().min();
        let left = due.map_or(Duration::MAX, |due| due.saturating_sub(self.now()));
        // A socket takes a timeout of zero for none at all, and very long ones not everywhere.
        left.clamp(Duration::from_millis(1), Duration::from_secs(3600))
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// A log that cannot be written is no reason to stop measuring.
    fn say(&mut self, words: core::fmt::Arguments<'_>) {
        let _ = writeln!(self.log, "{words}");
    }
}

/// Why a connection was left.
enum Broken {
    Socket(io::Error),
    Reading(Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Reading(error)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    // Which of the first two it is depends on the system.
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Says that nothing follows, and waits for the server to say the same: a socket that is closed with input unread may
/// take back what was sent last.
fn hang_up(stream: &mut TcpStream) {
    let mut ignored = [0; 256];
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    while stream.read(&mut ignored).is_ok_and(|len| len > 0) {}
}

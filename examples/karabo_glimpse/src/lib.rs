//! Looks at the trains of any Karabo bridge, and keeps them in a capture.
//!
//! [`run`] is the program without its words and its exit code; `show.rs` prints a train.
#![expect(clippy::std_instead_of_alloc, reason = "a program, which has std")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not told apart is printed in one way")]

mod progress;
mod show;

use core::fmt;
use core::pin::pin;
use core::time::Duration;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use karabo_bridge::{Arrivals, Message, Step};
use karabo_zeromq::{Client, ClientSocket, Error, Recorder, count, said};

use crate::progress::Progress;
pub use crate::show::show;

/// What to do.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a program, not a library that grows")]
pub struct Settings {
    /// Where the bridge is.
    pub endpoint: String,
    /// How it gives its trains away.
    pub socket: ClientSocket,
    /// End after so many trains; without, when interrupted.
    pub count: Option<u64>,
    /// End after so long without a train.
    pub timeout: Option<Duration>,
    /// How much to print.
    pub detail: Detail,
    /// Where to keep the messages.
    pub save: Option<PathBuf>,
    /// Whether the line of progress is drawn anew, as on a terminal.
    pub redraw: bool,
}

/// How much to print of a train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Detail {
    /// All.
    Full,
    /// A line.
    Brief,
    /// Nothing.
    Quiet,
}

/// So long there may be no connection before it is told.
const PATIENCE: Duration = Duration::from_secs(3);

impl Settings {
    /// All of the next train of this bridge.
    #[must_use]
    pub const fn new(endpoint: String) -> Self {
        let (socket, detail) = (ClientSocket::Request, Detail::Full);
        Self { endpoint, socket, count: Some(1), timeout: None, detail, save: None, redraw: false }
    }
}

/// Why it came to nothing, or to less than was wanted.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Failure {
    /// The bridge.
    Bridge(String, Error),
    /// What the bridge says.
    Refused(String),
    /// The file.
    Save(PathBuf, io::Error),
    /// The standard output.
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bridge(endpoint, error) => write!(f, "{endpoint}: {error}"),
            Self::Refused(text) => write!(f, "the bridge says: {text}"),
            Self::Save(path, error) if error.kind() == io::ErrorKind::AlreadyExists => {
                write!(f, "{}: is there already; --save never overwrites", path.display())
            }
            Self::Save(path, error) => write!(f, "{}: {}", path.display(), said(error)),
            Self::Output(error) => f.write_str(&said(error)),
        }
    }
}

impl core::error::Error for Failure {}

/// Looks at trains until there were enough of them, or until `interrupted` is done. What is saved is whole messages, however it ends.
///
/// # Errors
///
/// [`Failure`].
pub async fn run(
    settings: &Settings,
    out: &mut dyn Write,
    log: &mut dyn Write,
    interrupted: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let bridge = |error| Failure::Bridge(settings.endpoint.clone(), error);
    let mut client = Client::new(&settings.endpoint, settings.socket).map_err(bridge)?;
    if let Some(timeout) = settings.timeout {
        client = client.with_timeout(timeout);
    }
    let mut watch = client.watch();
    // A file that cannot be written is known of before the first train is lost.
    let save = settings.save.clone().map(|path| match Recorder::create(&path) {
        Ok(recorder) => Ok((path, recorder)),
        Err(error) => Err(Failure::Save(path, error)),
    });
    let mut glimpse = Glimpse {
        settings,
        save: save.transpose()?,
        arrivals: Arrivals::new(),
        unreadable: 0,
        progress: Progress::new(settings.redraw),
        out,
        log,
    };
    let origin = Instant::now();
    let mut interrupted = pin!(interrupted);
    let mut outcome = Ok(());
    while outcome.is_ok() && settings.count.is_none_or(|count| glimpse.messages() < count) {
        // Only waiting is interrupted, never writing.
        let mut next = pin!(client.next());
        let received = loop {
            tokio::select! {
                received = &mut next => break Some(received),
                missing = watch.missing(PATIENCE) => glimpse.missing(&missing),
                () = &mut interrupted => break None,
            }
        };
        outcome = match received {
            Some(Ok(received)) => glimpse.take(origin.elapsed(), &received.parts, received.message),
            Some(Err(error)) => Err(bridge(error)),
            None => break,
        };
    }
    let end = glimpse.end();
    outcome.and(end)
}

struct Glimpse<'a> {
    settings: &'a Settings,
    save: Option<(PathBuf, Recorder)>,
    arrivals: Arrivals,
    /// Messages of which nothing can be read.
    unreadable: u64,
    progress: Progress,
    out: &'a mut dyn Write,
    log: &'a mut dyn Write,
}

impl Glimpse<'_> {
    fn messages(&self) -> u64 {
        self.arrivals.trains().saturating_add(self.unreadable)
    }

    /// There is no connection.
    fn missing(&mut self, error: &Error) {
        let (endpoint, log) = (&self.settings.endpoint, &mut *self.log);
        self.progress.clear(log);
        let _ = match error {
            Error::Unreachable { was_up: false, why } => {
                writeln!(log, "{endpoint}: no connection yet ({why}); still trying")
            }
            _ => writeln!(log, "{endpoint}: {error}; still trying"),
        };
        let _ = log.flush();
    }

    fn take<P: AsRef<[u8]>>(
        &mut self,
        now: Duration,
        parts: &[P],
        message: Result<Message, karabo_bridge::DecodeError>,
    ) -> Result<(), Failure> {
        if let Ok(Message::Error(text)) = &message {
            return Err(Failure::Refused(karabo_zeromq::printable(&String::from_utf8_lossy(text))));
        }
        if let Some((path, recorder)) = &mut self.save {
            recorder.write(parts).map_err(|error| Failure::Save(path.clone(), error))?;
        }
        let step = match &message {
            Ok(Message::Train(train)) => self.arrivals.note(now, train.as_ref()).1,
            _ => {
                self.unreadable = self.unreadable.saturating_add(1);
                Step::Unknown
            }
        };
        if let Some((_, recorder)) = &self.save {
            self.progress.show(now, recorder.messages(), recorder.bytes(), &self.arrivals, self.log);
        }
        if self.settings.detail != Detail::Quiet {
            self.progress.clear(self.log);
        }
        let printed = match (&message, self.settings.detail) {
            (_, Detail::Quiet) => Ok(()),
            (Ok(Message::Train(train)), Detail::Full) => show(train, step, self.out),
            (Ok(Message::Train(train)), Detail::Brief) => show::brief(train, step, self.out),
            (Err(error), _) => writeln!(self.out, "nothing can be read of this message: {error}"),
            (Ok(_), _) => Ok(()),
        };
        printed.and_then(|()| self.out.flush()).map_err(Failure::Output)
    }

    /// What there was in all.
    fn end(&mut self) -> Result<(), Failure> {
        self.progress.end(self.log);
        if let Some((path, recorder)) = self.save.take() {
            let (messages, bytes) = (recorder.messages(), recorder.bytes());
            if messages == 0 {
                drop(recorder);
                // What was made here and is empty is of no use, and in the way of the next attempt.
                let gone = fs::remove_file(&path);
                let what = if gone.is_ok() { "no message, and no file" } else { "no message" };
                let _ = writeln!(self.log, "{}: {what}", path.display());
            } else {
                let messages = count(messages, "message");
                let _ = writeln!(self.log, "{}: {messages}, {bytes} bytes", path.display());
            }
        }
        let arrivals = &self.arrivals;
        if arrivals.trains() < 2 && self.settings.detail != Detail::Quiet {
            return Ok(());
        }
        let mut line = format!(
            "{}, {} lost, {}",
            count(arrivals.trains(), "train"),
            arrivals.lost(),
            show::size(arrivals.bytes())
        );
        if let (Some(rate), Some(bytes)) = (arrivals.rate(), arrivals.bytes_per_second()) {
            line.push_str(&format!("; {rate:.1} trains/s, {:.1} MB/s", bytes / 1e6));
        }
        if self.unreadable > 0 {
            line.push_str(&format!("; {} of which nothing can be read", count(self.unreadable, "message")));
        }
        writeln!(self.out, "{line}").and_then(|()| self.out.flush()).map_err(Failure::Output)
    }
}

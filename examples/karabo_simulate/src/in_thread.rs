//! For who wants a bridge beside what else it does.

use std::io::{self, Write};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use karabo_zeromq::{Counts, block_on};
use tokio::sync::oneshot;

use crate::{Failure, Settings, run};

/// A bridge in a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct InThread {
    endpoint: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<Counts, Failure>>>,
}

impl InThread {
    /// Starts it, and waits until it can be connected to.
    ///
    /// # Errors
    ///
    /// Why it could not be started.
    pub fn start(settings: Settings) -> Result<Self, Failure> {
        let (lines, said) = channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let linger = settings.linger;
            let bridge = async { run(&settings, &mut Lines(lines), async { drop(stopped.await) }).await };
            block_on(bridge, linger).map_err(Failure::Output).flatten()
        });
        let mut bridge = Self { endpoint: String::new(), stop: Some(stop), thread: Some(thread) };
        match said.recv() {
            Ok(line) => {
                bridge.endpoint = line.trim_start_matches("listening on ").trim_end().to_owned();
                Ok(bridge)
            }
            Err(_) => Err(bridge.end().err().unwrap_or_else(|| Failure::Output(io::ErrorKind::BrokenPipe.into()))),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Stops it.
    ///
    /// # Errors
    ///
    /// What became of it.
    pub fn stop(mut self) -> Result<Counts, Failure> {
        self.end()
    }

    /// Waits until it has sent all that it was to send.
    ///
    /// # Errors
    ///
    /// What became of it.
    pub fn wait(mut self) -> Result<Counts, Failure> {
        let never = self.stop.take();
        let end = self.end();
        drop(never);
        end
    }

    fn end(&mut self) -> Result<Counts, Failure> {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let end = self.thread.take().map(JoinHandle::join);
        end.and_then(Result::ok).unwrap_or(Err(Failure::Output(io::ErrorKind::BrokenPipe.into())))
    }
}

impl Drop for InThread {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.end();
        }
    }
}

/// What is printed, line by line.
struct Lines(Sender<String>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nobody listens after the first.
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

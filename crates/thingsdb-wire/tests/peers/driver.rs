//! A client of ours on TCP, or on the pipes of a process.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};

use testkit::Rng;
use thingsdb_wire::{Body, Client, ClientEvent, Config, Dialect, PackageRef};

use crate::{NOW, PATIENCE, pieces};

/// What is read from `input`, by a thread, so that waiting for it can have an end.
pub fn chunks(mut input: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, chunks) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(len @ 1..) = input.read(&mut buffer) {
            if sender.send(buffer[..len].to_vec()).is_err() {
                return;
            }
        }
    });
    chunks
}

/// The next of them; `None` at the end.
pub fn next(chunks: &Receiver<Vec<u8>>) -> Option<Vec<u8>> {
    match chunks.recv_timeout(PATIENCE) {
        Ok(chunk) => Some(chunk),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("nothing comes, nor the end"),
    }
}

pub struct Driver {
    pub client: Client,
    output: Option<Box<dyn Write>>,
    chunks: Receiver<Vec<u8>>,
    /// What came and was not offered yet, in pieces.
    input: VecDeque<Vec<u8>>,
    /// Of the pieces into which what is sent is torn, and what comes.
    tear: [Option<Rng>; 2],
}

impl Driver {
    pub fn new(
        dialect: &Dialect,
        output: impl Write + 'static,
        chunks: Receiver<Vec<u8>>,
        tear: [Option<Rng>; 2],
    ) -> Self {
        let client = Client::new(&Config::new(dialect), NOW);
        Self { client, output: Some(Box::new(output)), chunks, input: VecDeque::new(), tear }
    }

    pub fn connect(dialect: &Dialect, port: u16, tear: [Option<Rng>; 2]) -> Self {
        let stream = stream(port);
        Self::new(dialect, stream.try_clone().unwrap(), chunks(stream), tear)
    }

    /// Starts over on a new connection.
    pub fn reconnect(&mut self, port: u16) {
        let stream = stream(port);
        self.output = Some(Box::new(stream.try_clone().unwrap()));
        self.chunks = chunks(stream);
        self.client.reconnect(NOW).unwrap();
    }

    pub fn request(&mut self, body: Body) -> u16 {
        self.client.request(NOW, body).unwrap()
    }

    /// Sends a request alone, and so in one write unless everything is torn.
    pub fn send(&mut self, body: Body) -> u16 {
        self.flush();
        let id = self.request(body);
        let bytes = self.waiting();
        assert_eq!(PackageRef::decode(&bytes).unwrap().id, id);
        self.write(&bytes);
        id
    }

    /// Sends all that waits, in one write unless everything is torn.
    pub fn flush(&mut self) {
        let bytes = self.waiting();
        self.write(&bytes);
    }

    fn waiting(&mut self) -> Vec<u8> {
        std::iter::from_fn(|| self.client.poll_transmit()).flatten().collect()
    }

    /// The bytes as they are, not as packages.
    pub fn write(&mut self, bytes: &[u8]) {
        for piece in pieces(&mut self.tear[0], bytes) {
            let written = self.output.as_mut().unwrap().write(piece).unwrap();
            assert_eq!(written, piece.len(), "one write, for peers that want each package whole");
        }
    }

    /// Waits for what happens next.
    pub fn event(&mut self) -> ClientEvent {
        loop {
            self.flush();
            if let Some(event) = self.client.poll_event() {
                return event;
            }
            if let Some(piece) = self.input.pop_front() {
                let taken = self.client.handle_input(NOW, &piece);
                if taken < piece.len() {
                    self.input.push_front(piece[taken..].to_vec());
                }
                continue;
            }
            match next(&self.chunks) {
                Some(chunk) => self.input.extend(pieces(&mut self.tear[1], &chunk).iter().map(|piece| piece.to_vec())),
                None => self.client.handle_eof(NOW),
            }
        }
    }

    /// No more requests: the end of the peer's input.
    pub fn hang_up(&mut self) {
        self.flush();
        self.output = None;
    }
}

fn stream(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A Python script whose standard input and output are the connection.
pub struct Process {
    child: Child,
    errors: Option<JoinHandle<String>>,
}

impl Process {
    /// With what it reads and what it writes.
    pub fn start(script: &str) -> Option<(Self, ChildStdin, Receiver<Vec<u8>>)> {
        let mut child = Command::new(testkit::peers::python()?)
            .args(["-I", "-B", "-u", "-X", "utf8", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let errors = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Some((Self { child, errors: Some(errors) }, input, chunks(output)))
    }

    /// Waits for its end, which must be a good one, and tells what it wrote on standard error.
    pub fn finish(mut self) -> String {
        let errors = self.errors.take().unwrap().join().unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {errors}");
        errors
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Servers of ours on TCP: one machine for each connection, all in one thread, since an event is told on other connections
//! than the one that caused it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use testkit::Rng;
use thingsdb_wire::{Body, Config, Dialect, Server, ServerEvent};

use crate::{NOW, piece, pieces};

/// What a server does; it learns of a connection when it speaks.
pub trait Host: Send + 'static {
    fn event(&mut self, from: usize, event: ServerEvent, links: &mut Links);
}

/// The connections, by number, in the order in which they were made.
pub struct Links {
    links: BTreeMap<usize, Link>,
    /// Of the pieces into which everything is torn, both ways.
    tear: Option<Rng>,
}

struct Link {
    server: Server,
    stream: TcpStream,
    /// What the machine did not take yet.
    input: Vec<u8>,
    is_over: bool,
}

/// Also when this thread panics: a peer must not wait for it.
impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

enum Input {
    Connected(TcpStream),
    Bytes(usize, Vec<u8>),
    End(usize),
    Stop,
}

pub struct Hub<H> {
    pub port: u16,
    inputs: Sender<Input>,
    thread: JoinHandle<H>,
}

impl<H: Host> Hub<H> {
    pub fn start(dialect: &Dialect, host: H, tear: Option<Rng>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (inputs, received) = mpsc::channel();
        thread::spawn({
            let inputs = inputs.clone();
            // Ends with the process, as it waits for another connection.
            move || listener.incoming().for_each(|stream| drop(inputs.send(Input::Connected(stream.unwrap()))))
        });
        let (config, readers) = (Config::new(dialect), inputs.clone());
        let thread =
            thread::spawn(move || run(&config, host, Links { links: BTreeMap::new(), tear }, &readers, &received));
        Self { port, inputs, thread }
    }

    /// Ends all connections.
    pub fn stop(self) -> H {
        let _ = self.inputs.send(Input::Stop);
        self.thread.join().unwrap()
    }
}

fn run<H: Host>(
    config: &Config,
    mut host: H,
    mut links: Links,
    readers: &Sender<Input>,
    inputs: &Receiver<Input>,
) -> H {
    let mut count = 0;
    for input in inputs {
        match input {
            Input::Connected(stream) => {
                stream.set_nodelay(true).unwrap();
                read(stream.try_clone().unwrap(), count, readers.clone());
                let server = Server::new(config, NOW);
                links.links.insert(count, Link { server, stream, input: Vec::new(), is_over: false });
                count += 1;
            }
            Input::Bytes(number, bytes) => {
                if let Some(link) = links.links.get_mut(&number) {
                    link.input.extend(bytes);
                }
            }
            Input::End(number) => {
                if let Some(link) = links.links.get_mut(&number) {
                    link.is_over = true;
                }
            }
            Input::Stop => break,
        }
        while links.links.keys().copied().collect::<Vec<_>>().into_iter().any(|number| links.step(number, &mut host)) {}
    }
    host
}

fn read(mut stream: TcpStream, number: usize, inputs: Sender<Input>) {
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        // A connection that broke is one that ended.
        while let Ok(len @ 1..) = stream.read(&mut buffer) {
            if inputs.send(Input::Bytes(number, buffer[..len].to_vec())).is_err() {
                return;
            }
        }
        let _ = inputs.send(Input::End(number));
    });
}

impl Links {
    /// Whether something happened.
    fn step(&mut self, number: usize, host: &mut impl Host) -> bool {
        let mut moved = false;
        let Some(link) = self.links.get_mut(&number) else { return false };
        if let Some(piece) = piece(&mut self.tear, &mut link.input.as_slice()) {
            let taken = link.server.handle_input(NOW, piece);
            link.input.drain(..taken);
            moved = taken > 0;
        } else if link.is_over {
            link.server.handle_eof(NOW);
        }
        let mut is_closed = false;
        while let Some(event) = self.links.get_mut(&number).and_then(|link| link.server.poll_event()) {
            is_closed |= matches!(event, ServerEvent::Closed(_));
            host.event(number, event, self);
            moved = true;
        }
        for link in self.links.values_mut() {
            while let Some(chunk) = link.server.poll_transmit() {
                for piece in pieces(&mut self.tear, &chunk) {
                    // Whoever went away is heard of by the reader.
                    let _ = link.stream.write_all(piece);
                }
            }
        }
        if is_closed {
            self.links.remove(&number);
        }
        moved
    }

    fn server(&mut self, number: usize) -> &mut Server {
        &mut self.links.get_mut(&number).unwrap().server
    }

    pub fn accept(&mut self, to: usize) {
        self.server(to).accept(NOW).unwrap();
    }

    pub fn deny(&mut self, to: usize) {
        self.server(to).deny(NOW).unwrap();
    }

    pub fn deny_with(&mut self, to: usize, body: Body) {
        self.server(to).deny_with(NOW, body).unwrap();
    }

    pub fn answer(&mut self, to: usize, id: u16, body: Body) {
        self.server(to).answer(NOW, id, body).unwrap();
    }

    pub fn push(&mut self, to: usize, body: Body) {
        self.server(to).push(NOW, body).unwrap();
    }

    /// Everybody who is not sent away already.
    pub fn push_to_all(&mut self, body: &Body) {
        let open = self.links.values_mut().filter(|link| link.server.is_authenticated());
        open.for_each(|link| link.server.push(NOW, body.clone()).unwrap());
    }

    /// What waits to be sent still is.
    pub fn hang_up(&mut self, to: usize) {
        self.server(to).close(NOW);
    }
}

//! One connection: bytes into the machine, its requests to the node, its bytes and the node's events to the socket.

use core::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use thingsdb_wire::{Body, CloseReason, Config, Error, HEADER_LEN, Server, ServerEvent};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::node::{Failure, Outcome, Shared, lock};
use crate::{Settings, Spoken, legacy, v1};

/// Bytes read at a time.
const READ_SIZE: usize = 8192;
/// Most bytes in one package; a real node takes more.
const MAX_DATA_LEN: u32 = 1 << 20;
/// How long a client may stay without saying who it is; a real node waits forever.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client may take nothing of what it is sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// From the first byte to the last.
pub(crate) async fn run<S: AsyncRead + AsyncWrite>(
    stream: S,
    node: Shared,
    settings: Settings,
    stopped: watch::Receiver<()>,
) {
    let (number, events) = lock(&node).attach();
    (settings.log)(format_args!("{number}: connected"));
    let start = Instant::now();
    let spoken = settings.spoken.unwrap_or(Spoken::V1);
    let server = Server::new(&config(spoken), start.elapsed());
    let is_known = settings.spoken.is_some();
    let mut connection = Connection { server, spoken, is_known, number, node, start, wants_status: false };
    let how = connection.serve(stream, events, stopped).await;
    lock(&connection.node).detach(number);
    match how {
        Ok(reason) => (settings.log)(format_args!("{number}: closed: {reason:?}")),
        Err(error) => (settings.log)(format_args!("{number}: closed: {error}")),
    }
}

fn config(spoken: Spoken) -> Config {
    let dialect = spoken.dialect();
    let limits = dialect.limits.with_max_data_len(MAX_DATA_LEN);
    Config::new(&dialect).with_limits(limits).with_login_timeout(LOGIN_TIMEOUT)
}

struct Connection {
    server: Server,
    spoken: Spoken,
    /// Whether the client has shown what it speaks.
    is_known: bool,
    number: u64,
    node: Shared,
    /// The machine's times count from here.
    start: Instant,
    wants_status: bool,
}

impl Connection {
    async fn serve<S: AsyncRead + AsyncWrite>(
        &mut self,
        stream: S,
        mut events: mpsc::Receiver<Body>,
        mut stopped: watch::Receiver<()>,
    ) -> Result<CloseReason, Error> {
        let (mut reader, mut writer) = split(stream);
        let mut input = BytesMut::with_capacity(READ_SIZE);
        let mut output = Bytes::new();
        // When something was sent, or there was nothing to send.
        let mut progress = Instant::now();
        loop {
            if output.is_empty() {
                output = self.server.poll_transmit().unwrap_or_default();
                progress = Instant::now();
            }
            // One thing at a time: while something waits to be sent, no request is answered and nothing read. So what a client
            // can make the server hold is one answer, and who does not read finds that its own socket is full.
            if output.is_empty() {
                if let Some(event) = self.server.poll_event() {
                    if let ServerEvent::Closed(reason) = event {
                        return Ok(reason);
                    }
                    self.obey(event, &mut events)?;
                    continue;
                }
                if self.take(&mut input) {
                    continue;
                }
            }
            let deadline = self.server.poll_deadline().and_then(|deadline| self.start.checked_add(deadline));
            input.reserve(READ_SIZE);
            // In this order: input that came before the deadline counts, however late it is noticed.
            tokio::select! {
                biased;
                written = writer.write_buf(&mut output), if !output.is_empty() => match written {
                    Ok(_) => progress = Instant::now(),
                    Err(_) => return Ok(CloseReason::Eof),
                },
                _ = stopped.changed() => {
                    self.say_goodbye(&mut writer, output).await;
                    return Ok(CloseReason::Local);
                }
                event = events.recv(), if output.is_empty() => match event {
                    Some(event) => self.server.push(self.now(), event)?,
                    // It did not take what it was sent.
                    None => return Ok(CloseReason::Local),
                },
                // What was read before is taken and answered, but for a start that does not tell the dialect yet.
                read = reader.read_buf(&mut input), if output.is_empty() => match read {
                    Ok(len) if len > 0 => {}
                    // The end, or a client that vanished without a word.
                    _ => {
                        let _ = self.server.handle_input(self.now(), &input);
                        self.server.handle_eof(self.now());
                    }
                },
                () = until(deadline) => {
                    self.server.handle_timeout(self.now());
                    if let Some(reason) = self.server.close_reason() {
                        self.flush(&mut writer, output).await;
                        return Ok(reason);
                    }
                }
                // Who does not read for so long never will.
                () = until(progress.checked_add(WRITE_TIMEOUT)), if !output.is_empty() => return Ok(CloseReason::Local),
            }
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Offers the machine what was read; whether it took any.
    fn take(&mut self, input: &mut BytesMut) -> bool {
        let mut offered = input.len();
        if !self.is_known {
            match listen(input) {
                Heard::Ping => offered = HEADER_LEN,
                Heard::Nothing => return false,
                Heard::Spoken(spoken) => {
                    self.is_known = true;
                    if spoken != self.spoken {
                        self.spoken = spoken;
                        self.server = Server::new(&config(spoken), self.now());
                    }
                }
            }
        }
        let taken = self.server.handle_input(self.now(), input.get(..offered).unwrap_or(input));
        input.advance(taken);
        taken > 0
    }

    /// Does what the client asks.
    fn obey(&mut self, event: ServerEvent, events: &mut mpsc::Receiver<Body>) -> Result<(), Error> {
        let now = self.now();
        match event {
            ServerEvent::Authenticate(package) => {
                let who = match self.spoken {
                    Spoken::V1 => v1::authenticate(package.as_ref()),
                    Spoken::Legacy => legacy::authenticate(package.as_ref()),
                };
                match who {
                    Ok(()) => {
                        // In v1, whoever is known hears of the node's status; in 2019 it took a WATCH.
                        self.wants_status |= self.spoken == Spoken::V1;
                        self.server.accept(now)
                    }
                    Err(failure) => self.server.deny_with(now, self.error(&failure)),
                }
            }
            ServerEvent::Request(package) => {
                self.wants_status |= package.kind == thingsdb_wire::legacy::Kind::WATCH.0;
                let mut node = lock(&self.node);
                let outcome = match self.spoken {
                    Spoken::V1 => v1::answer(&mut node, self.number, package.as_ref()),
                    Spoken::Legacy => legacy::answer(&mut node, self.number, package.as_ref()),
                };
                drop(node);
                let Outcome { answer, after } = outcome.unwrap_or_else(|failure| self.error(&failure).into());
                // What the request led to comes first.
                while let Ok(event) = events.try_recv() {
                    self.server.push(now, event)?;
                }
                self.server.answer(now, package.id, answer)?;
                after.map_or(Ok(()), |event| self.server.push(now, event))
            }
            // Real nodes do not answer these either.
            _ => Ok(()),
        }
    }

    fn error(&self, failure: &Failure) -> Body {
        match self.spoken {
            Spoken::V1 => v1::error(failure),
            Spoken::Legacy => legacy::error(failure),
        }
    }

    /// The node shuts down. Who does not listen is not waited for.
    async fn say_goodbye(&mut self, writer: &mut (impl AsyncWrite + Unpin), output: Bytes) {
        let status = match self.spoken {
            Spoken::V1 => v1::status,
            Spoken::Legacy => legacy::status,
        };
        let words = ["SHUTTING_DOWN", "OFFLINE"].into_iter().filter_map(status);
        for event in words.filter(|_| self.wants_status) {
            let _ = self.server.push(self.now(), event);
        }
        self.server.close(self.now());
        self.flush(writer, output).await;
    }

    /// Sends what is left, to who takes it at once.
    async fn flush(&mut self, writer: &mut (impl AsyncWrite + Unpin), mut output: Bytes) {
        let all = async {
            while writer.write_all_buf(&mut output).await.is_ok() {
                let Some(more) = self.server.poll_transmit() else { break };
                output = more;
            }
        };
        let _ = timeout(Duration::from_millis(200), all).await;
    }
}

/// What the front of the stream tells of the dialect.
enum Heard {
    /// Not enough.
    Nothing,
    /// A PING, which is the same in both. Its answer is not; a client that begins with it gets that of v1.
    Ping,
    Spoken(Spoken),
}

/// Headers are the same in both dialects, but not what the data begins with: in MessagePack it is an array or a text, in qpack
/// an array or a map, all of which have tags from `ed` on, or a token.
fn listen(input: &[u8]) -> Heard {
    let Some((header, data)) = input.split_at_checked(HEADER_LEN) else { return Heard::Nothing };
    let is_empty = header.starts_with(&[0; 4]);
    match (header.get(6), data.first()) {
        (Some(32), _) if is_empty => Heard::Ping,
        // WATCH, UNWATCH, RUN: numbers that v1 does not have.
        (Some(48..=50), _) => Heard::Spoken(Spoken::Legacy),
        (_, None) if !is_empty => Heard::Nothing,
        (Some(33..=36), Some(0xed..)) => Heard::Spoken(Spoken::Legacy),
        // A text of 50 bytes in qpack, one of 18 in MessagePack.
        (Some(33), Some(0xb2)) if header.starts_with(&[51, 0, 0, 0]) => Heard::Spoken(Spoken::Legacy),
        _ => Heard::Spoken(Spoken::V1),
    }
}

/// Until then, or forever.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => core::future::pending().await,
    }
}

use std::collections::VecDeque;
use std::time::Duration;

use thingsdb_wire::{
    Body, CloseReason, Config, DecodeError, Decoded, Decoder, EncodeError, Error, FromClient, FromServer, Limit,
    Package, PackageRef, Reply, Server, ServerEvent, UsageError,
};

use super::{Script, both, config, due, offer, put};

/// A server by the table of SPEC.md §7, which reads with a [`Decoder`] all that its connection was handed.
struct Model {
    config: Config,
    closed: Option<CloseReason>,
    authenticated: bool,
    /// ID of an authentication without an answer.
    auth: Option<u16>,
    deadline: Option<Duration>,
    /// Of the stream from `base` on: with the first `accept` begins another one, as LEN has another limit then.
    decoder: Decoder,
    base: u64,
    /// Bytes of whole packages.
    read: u64,
    /// Of a package whose end has not come.
    held: Vec<u8>,
    events: VecDeque<ServerEvent>,
    /// IDs of requests without an answer.
    waiting: Vec<u16>,
    /// A request beyond those that may wait.
    parked: Option<Package>,
    out: VecDeque<u8>,
    now: Duration,
}

impl Model {
    /// The limit for LEN, if it is that of a client that was not accepted yet.
    fn max_login_len(&self) -> Option<u32> {
        let limits = &self.config.limits;
        let is_stranger = !self.authenticated && !self.config.dialect.auth_optional;
        Some(limits.max_login_len).filter(|max| is_stranger && *max < limits.max_data_len)
    }

    fn decoder(&self) -> Decoder {
        let limits = &self.config.limits;
        Decoder::with_limits(&limits.with_max_data_len(self.max_login_len().unwrap_or(limits.max_data_len)))
    }

    fn reads(&self) -> bool {
        let limits = &self.config.limits;
        let bytes: usize = self.events.iter().map(data_len).sum();
        let short = 8 + self.config.dialect.unauthenticated.data.len();
        self.auth.is_none()
            && self.events.len() < limits.max_queued_events.max(1)
            && (bytes == 0 || bytes < limits.max_queued_bytes)
            && self.parked.is_none()
            && (self.out.is_empty() || self.out.len() + short <= limits.max_queued_bytes)
    }

    /// How much of it is taken. What is wrong with it, the machine has `told`.
    fn input(&mut self, bytes: &[u8], told: Option<CloseReason>) -> usize {
        let held = self.held.len();
        let stream = [&std::mem::take(&mut self.held)[..], bytes].concat();
        let (mut start, begin) = (0, self.read);
        while self.closed.is_none() {
            if !self.reads() {
                if start == 0 {
                    self.held = stream[..held].to_vec();
                    return 0;
                }
                return start - held;
            }
            match self.decoder.decode(&stream[start..]) {
                Ok(Decoded::Complete { value, consumed }) => {
                    start += consumed;
                    self.read = begin + start as u64;
                    self.package(value);
                }
                Ok(Decoded::Incomplete { .. }) => {
                    self.held = stream[start..].to_vec();
                    break;
                }
                Err(error) => self.end(self.torn(error, told)),
            }
        }
        bytes.len()
    }

    /// The reason that was told, which has to be this fault of the package that begins at `read`.
    fn torn(&self, error: DecodeError, told: Option<CloseReason>) -> CloseReason {
        let Some(CloseReason::Decode(told)) = told else { panic!("{told:?} instead of {error}") };
        assert_eq!((told.kind(), told.header(), told.what()), (error.kind(), error.header(), error.what()));
        assert_eq!(told.offset(), self.base + error.offset());
        let is_login = self.max_login_len().is_some() && error.limit().is_some();
        assert_eq!(told.limit(), if is_login { Some(Limit::MaxLoginLen) } else { error.limit() });
        let words = error.reason().to_string();
        assert_eq!(told.reason().to_string(), if is_login { words.replace("data_len", "login_len") } else { words });
        CloseReason::Decode(told)
    }

    fn package(&mut self, package: PackageRef<'_>) {
        let dialect = &self.config.dialect;
        let owned = package.into_owned();
        let mut reply = |kind, data: &[u8]| {
            let mut bytes = Vec::new();
            put(&mut bytes, package.id, kind, data);
            self.out.extend(bytes);
        };
        match (dialect.from_client)(package.kind) {
            _ if dialect.ping.is_some_and(|(ping, _)| ping == package.kind) => {
                reply(dialect.ping.expect("just seen").1, b"");
            }
            FromClient::Auth => {
                self.auth = Some(package.id);
                self.events.push_back(ServerEvent::Authenticate(owned));
            }
            FromClient::Unknown => self.events.push_back(ServerEvent::Unknown(owned)),
            FromClient::Request | FromClient::Room if !self.authenticated && !dialect.auth_optional => {
                reply(dialect.unauthenticated.kind, dialect.unauthenticated.data);
            }
            FromClient::Open | FromClient::Request | FromClient::Room => {
                if self.waiting.len() >= usize::from(self.config.limits.max_in_flight.max(1)) {
                    self.parked = Some(owned);
                } else {
                    self.waiting.push(package.id);
                    self.events.push_back(ServerEvent::Request(owned));
                }
            }
        }
    }

    /// Words of the caller's.
    fn write(&mut self, id: u16, body: &Body) -> Result<(), Error> {
        let (limits, len) = (&self.config.limits, body.data.len());
        if len > limits.max_data_len as usize {
            let max = limits.max_data_len.into();
            return Err(EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met: len as u64, max }.into());
        }
        self.write_any(id, body)
    }

    fn write_any(&mut self, id: u16, body: &Body) -> Result<(), Error> {
        let (limits, len) = (&self.config.limits, body.data.len());
        if !self.out.is_empty() && self.out.len() + 8 + len > limits.max_queued_bytes {
            let max = limits.max_queued_bytes as u64;
            return Err(UsageError::LimitReached { limit: Limit::MaxQueuedBytes, max }.into());
        }
        let mut bytes = Vec::new();
        put(&mut bytes, id, body.kind, &body.data);
        self.out.extend(bytes);
        Ok(())
    }

    fn open(&self) -> Result<(), Error> {
        if self.closed.is_some() { Err(UsageError::Closed.into()) } else { Ok(()) }
    }

    /// Words of the dialect's, or of the caller's.
    fn answer_auth(&mut self, reply: Option<Reply>, body: &Body) -> Result<(), Error> {
        self.open()?;
        let id = self.auth.ok_or(UsageError::NoAuthPending)?;
        let id = self.config.dialect.auth_id.unwrap_or(id);
        match reply {
            Some(Reply { kind, data }) => self.write_any(id, &Body::new(kind, data))?,
            None => match (self.config.dialect.from_server)(body.kind) {
                FromServer::Error | FromServer::Denied => self.write(id, body)?,
                _ => return Err(UsageError::WrongKind { kind: body.kind }.into()),
            },
        }
        self.auth = None;
        Ok(())
    }

    fn answer(&mut self, id: u16, body: &Body) -> Result<(), Error> {
        self.open()?;
        if !self.waiting.contains(&id) {
            return Err(UsageError::NoSuchRequest { id }.into());
        }
        if let FromServer::Event | FromServer::Accepted | FromServer::Denied =
            (self.config.dialect.from_server)(body.kind)
        {
            return Err(UsageError::WrongKind { kind: body.kind }.into());
        }
        self.write(id, body)?;
        assert!(self.waits_no_more(id), "it waited");
        Ok(())
    }

    fn forward(&mut self, package: &Package) -> Result<(), Error> {
        self.open()?;
        let settles = match (self.config.dialect.from_server)(package.kind) {
            FromServer::Accepted | FromServer::Denied => self.auth.is_some(),
            FromServer::Answer | FromServer::Error => {
                self.auth == Some(package.id) && !self.waiting.contains(&package.id)
            }
            FromServer::Event | FromServer::Unknown => false,
        };
        if settles {
            return Err(UsageError::AuthPending.into());
        }
        self.write(package.id, &Body { kind: package.kind, data: package.data.clone() })?;
        if let FromServer::Answer | FromServer::Error = (self.config.dialect.from_server)(package.kind) {
            self.waits_no_more(package.id);
        }
        Ok(())
    }

    /// Whether one did. The one beyond takes its place.
    fn waits_no_more(&mut self, id: u16) -> bool {
        let Some(place) = self.waiting.iter().position(|waiting| *waiting == id) else { return false };
        self.waiting.remove(place);
        if let Some(package) = self.parked.take() {
            self.waiting.push(package.id);
            self.events.push_back(ServerEvent::Request(package));
        }
        true
    }

    fn push(&mut self, body: &Body) -> Result<(), Error> {
        self.open()?;
        match (self.config.dialect.from_server)(body.kind) {
            FromServer::Event | FromServer::Unknown => self.write(self.config.dialect.event_id, body),
            _ => Err(UsageError::WrongKind { kind: body.kind }.into()),
        }
    }

    fn end(&mut self, reason: CloseReason) {
        if self.closed.is_none() {
            self.closed = Some(reason);
            self.waiting.clear();
            self.parked = None;
            self.auth = None;
            self.events.push_back(ServerEvent::Closed(reason));
        }
    }
}

/// Bytes of data that wait with an event.
fn data_len(event: &ServerEvent) -> usize {
    match event {
        ServerEvent::Authenticate(package) | ServerEvent::Request(package) | ServerEvent::Unknown(package) => {
            package.data.len()
        }
        _ => 0,
    }
}

/// A server does what the table says, whatever comes, however it is cut and whoever calls.
pub fn server(input: &[u8]) {
    let [dialect, settings, cut, script @ ..] = input else { return };
    let (config, mut script) = (config(*dialect, *settings), Script(script));
    // What the first byte has left behind the dialect.
    let more = dialect / 6;
    let limits = config.limits.with_max_login_len([64 << 10, 20, 0, 100][usize::from(more % 4)]);
    let limits = limits.with_max_in_flight([limits.max_in_flight, 0, 1][usize::from(more / 4 % 3)]);
    let limits = if more / 12 == 1 { limits.with_max_data_len(10) } else { limits };
    let config = config.with_limits(limits);
    let kinds = |is: &dyn Fn(u8) -> bool| (0..=255).filter(|kind| is(*kind)).collect::<Vec<u8>>();
    let requests = kinds(&|kind| (config.dialect.from_client)(kind) != FromClient::Unknown);
    let answers = kinds(&|kind| (config.dialect.from_server)(kind) != FromServer::Unknown);
    let mut model = Model {
        config,
        closed: None,
        authenticated: false,
        auth: None,
        deadline: due(Duration::ZERO, config.login_timeout).filter(|_| !config.dialect.auth_optional),
        decoder: Decoder::new(),
        base: 0,
        read: 0,
        held: Vec::new(),
        events: VecDeque::new(),
        waiting: Vec::new(),
        parked: None,
        out: VecDeque::new(),
        now: Duration::ZERO,
    };
    model.decoder = model.decoder();
    let mut machines = [(); 2].map(|()| Server::new(&config, model.now));
    let mut pending = Vec::new();
    while !script.0.is_empty() {
        let operation = script.byte();
        let (operation, other_way) = (operation % 16, operation / 16 % 2 == 1);
        let at = if operation < 13 { script.time(model.now, machines[0].poll_deadline()) } else { model.now };
        model.now = model.now.max(at);
        match operation {
            0..=5 => {
                pending.extend(script.said(&requests));
                let size = usize::from(*cut) + 1;
                let taken = offer(&mut machines, &pending, size, |machine, piece| machine.handle_input(at, piece));
                assert_eq!(taken, model.input(&pending, machines[0].close_reason()));
                pending.drain(..taken);
            }
            6 => {
                let done = both(&mut machines, |machine| machine.accept(at));
                assert_eq!(done, model.answer_auth(Some(config.dialect.accepted), &Body::empty(0)));
                if done.is_ok() && !std::mem::replace(&mut model.authenticated, true) {
                    assert!(model.held.is_empty(), "nothing behind it was read");
                    (model.deadline, model.base, model.decoder) = (None, model.read, model.decoder());
                }
            }
            7 => {
                let kind = script.byte();
                if kind < 128 {
                    let done = both(&mut machines, |machine| machine.deny(at));
                    assert_eq!(done, model.answer_auth(Some(config.dialect.denied), &Body::empty(0)));
                } else {
                    let body = Body::new(answers[usize::from(kind) % answers.len()], script.data());
                    let done = both(&mut machines, |machine| machine.deny_with(at, body.clone()));
                    assert_eq!(done, model.answer_auth(None, &body));
                }
            }
            8 | 9 => {
                let (id, kind) = (script.id(), script.byte());
                let id = if kind & 1 == 0 { id } else { model.waiting.last().copied().unwrap_or(id) };
                let kind = if kind < 240 { answers[usize::from(kind) % answers.len()] } else { script.byte() };
                let body = Body::new(kind, script.data());
                let done = both(&mut machines, |machine| machine.answer(at, id, body.clone()));
                assert_eq!(done, model.answer(id, &body));
            }
            10 if other_way => {
                let (id, kind) = (script.id(), script.byte());
                let id = if kind & 1 == 0 { id } else { model.waiting.first().copied().unwrap_or(id) };
                let kind = if kind < 240 { answers[usize::from(kind) % answers.len()] } else { script.byte() };
                let package = Package { id, kind, data: script.data().into() };
                let done = both(&mut machines, |machine| machine.forward(at, package.clone()));
                assert_eq!(done, model.forward(&package));
            }
            10 => {
                let body = Body::new(script.byte(), script.data());
                let done = both(&mut machines, |machine| machine.push(at, body.clone()));
                assert_eq!(done, model.push(&body));
            }
            11 => {
                both(&mut machines, |machine| machine.handle_timeout(at));
                if model.deadline.is_some_and(|deadline| deadline <= model.now) {
                    model.end(CloseReason::AuthTimeout);
                }
                let deadline = machines[0].poll_deadline();
                assert!(deadline.is_none_or(|deadline| deadline > model.now));
            }
            12 if script.byte() & 1 == 0 => {
                both(&mut machines, |machine| machine.handle_eof(at));
                let torn = model.decoder.finish(&model.held).err();
                let told = machines[0].close_reason();
                if model.closed.is_none() {
                    model.end(torn.map_or(CloseReason::Eof, |error| model.torn(error, told)));
                }
            }
            12 => {
                both(&mut machines, |machine| machine.close(at));
                model.end(CloseReason::Local);
            }
            13 => {
                let id = script.id();
                let ignored = both(&mut machines, |machine| machine.ignore(id));
                let expected = if model.waits_no_more(id) { Ok(()) } else { Err(UsageError::NoSuchRequest { id }) };
                assert_eq!(ignored, expected);
            }
            14 => {
                for _ in 0..=script.byte() % 4 {
                    assert_eq!(both(&mut machines, Server::poll_event), model.events.pop_front());
                }
            }
            _ => {
                for _ in 0..=script.byte() % 4 {
                    take_bytes(&mut machines, &mut model);
                }
            }
        }
        agree(&machines, &model);
    }
    both(&mut machines, |machine| machine.close(Duration::ZERO));
    model.end(CloseReason::Local);
    while !model.events.is_empty() {
        assert_eq!(both(&mut machines, Server::poll_event), model.events.pop_front());
    }
    assert_eq!(both(&mut machines, Server::poll_event), None, "nothing follows the end");
    while !model.out.is_empty() {
        take_bytes(&mut machines, &mut model);
    }
    take_bytes(&mut machines, &mut model);
}

fn take_bytes(machines: &mut [Server; 2], model: &mut Model) {
    let Some(chunk) = both(machines, Server::poll_transmit) else { return assert!(model.out.is_empty()) };
    assert!(!chunk.is_empty() && chunk.len() <= 256 << 10);
    assert!(model.out.make_contiguous().starts_with(&chunk));
    model.out.drain(..chunk.len());
}

fn agree(machines: &[Server; 2], model: &Model) {
    for machine in machines {
        assert_eq!(machine.close_reason(), model.closed);
        assert_eq!(machine.is_authenticated(), model.authenticated && model.closed.is_none());
        assert_eq!(machine.waiting(), model.waiting.len());
        assert_eq!(machine.poll_deadline(), model.deadline.filter(|_| model.closed.is_none()));
        assert!(!format!("{machine:?}").contains("pass"));
    }
    let limits = &model.config.limits;
    // And the request beyond, and the end.
    assert!(model.events.len() <= limits.max_queued_events.max(1) + 2);
    assert!(model.waiting.len() <= usize::from(limits.max_in_flight.max(1)));
    let longest = words(&model.config).max(limits.max_data_len as usize);
    assert!(model.out.len() <= limits.max_queued_bytes.max(longest + 8));
}

/// Most bytes that the dialect says by itself.
fn words(config: &Config) -> usize {
    let dialect = &config.dialect;
    [dialect.accepted, dialect.denied, dialect.unauthenticated].iter().map(|reply| reply.data.len()).max().unwrap_or(0)
}

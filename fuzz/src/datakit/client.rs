use std::collections::VecDeque;
use std::time::Duration;

use datakit::{
    Client, ClientEvent, CloseReason, Config, DataRef, DecodeError, Decoder, Error, HelloRef, Limit, Packet, PacketRef,
    PeerErrorPolicy, State, UsageError,
};

use super::{Script, config};

/// A client by the table of SPEC.md §5, which reads with a [`Decoder`] all that its connection was handed.
struct ClientModel {
    config: Config,
    hello: Packet,
    state: State,
    stream: Vec<u8>,
    decoder: Decoder,
    events: VecDeque<ClientEvent>,
    /// What waits to be sent, and its length.
    out: VecDeque<Packet>,
    out_len: usize,
    now: Duration,
    deadline: Option<Duration>,
}

impl ClientModel {
    /// A time that does not end with the clock is never over.
    fn due_in(&self, time: Duration) -> Option<Duration> {
        self.now.checked_add(time).filter(|due| *due < Duration::MAX)
    }

    fn connect(&mut self) {
        self.state = State::Greeted;
        self.stream.clear();
        self.decoder.reset();
        self.out = VecDeque::from([self.hello.clone()]);
        self.out_len = self.hello.encoded_len();
        self.deadline = self.due_in(self.config.ack_timeout);
    }

    fn input(&mut self, bytes: &[u8]) {
        let mut stream = std::mem::take(&mut self.stream);
        stream.extend_from_slice(bytes);
        while self.state != State::Closed {
            let start = self.decoder.offset() as usize;
            let mut rest = &stream[start..];
            let Some(packet) = self.decoder.decode(&mut rest) else { break };
            match packet {
                Ok(packet) => self.packet(packet),
                Err(error) => {
                    let line = stream[line_start(&error)..self.decoder.offset() as usize].to_vec();
                    self.events.push_back(ClientEvent::BadLine { error, line });
                }
            }
        }
        self.stream = stream;
    }

    fn packet(&mut self, packet: PacketRef<'_>) {
        let event = match (self.state, packet) {
            (_, PacketRef::Unknown(line)) => ClientEvent::Unknown(line.to_owned()),
            (State::Greeted, PacketRef::Ack(uid)) => {
                self.state = State::Standby;
                self.deadline = self.due_in(self.config.heartbeat_interval);
                ClientEvent::Registered { uid: uid.to_owned() }
            }
            (State::Standby, PacketRef::Stop) | (State::Sending, PacketRef::Start) => return,
            (State::Standby, PacketRef::Start) => {
                self.state = State::Sending;
                ClientEvent::Start
            }
            (State::Sending, PacketRef::Stop) => {
                self.state = State::Standby;
                ClientEvent::Stop
            }
            (state, packet) => {
                // A `PeerError` is not to be made from outside, so that it is compared by what it says.
                self.events.push_back(ClientEvent::Unknown(peer_error(state, &packet.into_owned())));
                if self.config.on_peer_error == PeerErrorPolicy::Close {
                    self.end(CloseReason::PeerError);
                }
                return;
            }
        };
        self.events.push_back(event);
    }

    fn end(&mut self, reason: CloseReason) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.events.push_back(ClientEvent::Closed(reason));
        }
    }
}

fn peer_error(state: State, packet: &Packet) -> String {
    format!("illegal\n{state} {} {packet:?}", packet.kind())
}

/// Where the line of an error begins.
fn line_start(error: &DecodeError) -> usize {
    error.offset() as usize - (error.column() as usize - 1)
}

/// A client does what the table says, whatever comes and whoever calls.
pub fn client(data: &[u8]) {
    let [settings, script @ ..] = data else { return };
    let (config, mut script) = (config(*settings), Script(script));
    let hello = HelloRef::new("n", "u").with_data_type(if settings & 4 != 0 { "" } else { "float" });
    let built = Client::new(hello, &config, Duration::ZERO);
    let len = PacketRef::Hello(hello).encoded_len();
    let fits = len - 1 <= config.limits.max_line_len && len <= config.limits.max_queued_bytes;
    assert_eq!(built.is_ok(), fits);
    let Ok(mut client) = built else { return };
    let mut model = ClientModel {
        config,
        hello: PacketRef::Hello(hello).into_owned(),
        state: State::Closed,
        stream: Vec::new(),
        decoder: Decoder::with_config(&config),
        events: VecDeque::new(),
        out: VecDeque::new(),
        out_len: 0,
        now: Duration::ZERO,
        deadline: None,
    };
    model.connect();
    let mut pending: Vec<u8> = Vec::new();
    while !script.0.is_empty() {
        let operation = script.byte() % 12;
        let at = if operation < 8 { script.time(model.now, client.poll_deadline()) } else { model.now };
        model.now = model.now.max(at);
        match operation {
            0..=2 => {
                pending.extend_from_slice(&script.said());
                let taken = client.handle_input(at, &pending);
                let limit = config.limits.max_queued_events.max(1);
                assert!(taken == pending.len() || client_events(&model, &pending[..taken]) >= limit);
                model.input(&pending[..taken]);
                pending.drain(..taken);
            }
            3 => {
                client.handle_timeout(at);
                if model.state != State::Closed && model.deadline.is_some_and(|due| due <= model.now) {
                    if model.state == State::Greeted {
                        model.end(CloseReason::NoAck);
                    } else {
                        model.deadline = model.due_in(config.heartbeat_interval);
                        if model.out_len + 3 <= config.limits.max_queued_bytes {
                            model.out.push_back(Packet::Heartbeat);
                            model.out_len += 3;
                        }
                    }
                }
                let deadline = client.poll_deadline();
                assert!(deadline.is_none_or(|deadline| deadline > model.now));
            }
            4 | 5 => send(&mut client, &mut model, at, &mut script),
            6 => {
                client.handle_eof(at);
                let torn = model.stream.len() as u64 > model.decoder.offset();
                if model.state != State::Closed && torn {
                    let rest = &model.stream[model.decoder.offset() as usize..];
                    let error = model.decoder.finish(rest).expect_err("a line is torn");
                    model.events.push_back(ClientEvent::BadLine { error, line: rest.to_vec() });
                }
                model.end(CloseReason::Eof);
            }
            7 if script.byte() & 1 == 0 => {
                client.close(at);
                model.end(CloseReason::Local);
            }
            7 => match client.reconnect(at) {
                Ok(()) => {
                    assert_eq!(model.state, State::Closed);
                    assert!(model.events.len() < config.limits.max_queued_events.max(1));
                    pending.clear();
                    model.connect();
                }
                Err(UsageError::LimitReached { limit, max }) => {
                    assert_eq!((model.state, limit), (State::Closed, Limit::MaxQueuedEvents));
                    assert!(model.events.len() as u64 >= max);
                }
                Err(error) => assert_eq!(error, UsageError::StillOpen { state: model.state }),
            },
            8 | 9 => drain_transmit(&mut client, &mut model),
            10 => assert_event(client.poll_event(), &mut model),
            _ => {
                while !model.events.is_empty() {
                    assert_event(client.poll_event(), &mut model);
                }
                assert_event(client.poll_event(), &mut model);
            }
        }
        assert_eq!(client.state(), model.state);
        assert_eq!(client.poll_deadline(), model.deadline.filter(|_| model.state != State::Closed));
        assert!(model.events.len() <= config.limits.max_queued_events.max(1) + 3);
        assert!(model.out_len <= config.limits.max_queued_bytes);
    }
    while !model.events.is_empty() {
        assert_event(client.poll_event(), &mut model);
    }
    assert_eq!(client.poll_event(), None);
    drain_transmit(&mut client, &mut model);
}

/// How many events would wait if this were taken.
fn client_events(model: &ClientModel, taken: &[u8]) -> usize {
    let mut copy = ClientModel {
        hello: model.hello.clone(),
        stream: model.stream.clone(),
        decoder: model.decoder.clone(),
        events: model.events.clone(),
        out: VecDeque::new(),
        ..*model
    };
    copy.input(taken);
    copy.events.len()
}

fn send(client: &mut Client, model: &mut ClientModel, at: Duration, script: &mut Script<'_>) {
    let flags = script.byte();
    let tag = if flags & 1 == 0 { "t".into() } else { String::from_utf8_lossy(script.bytes()) };
    let timestamp = if flags & 2 == 0 { 1_459_309_227 } else { i64::from(script.byte().cast_signed()) << (flags >> 2) };
    let nanos = if flags & 4 == 0 { 0 } else { u32::from(script.byte()) << 24 };
    let value = f64::from_bits(u64::from(script.byte()) << 56 | u64::from(script.byte()) << 48);
    let data = DataRef::new(&tag, timestamp, value).with_nanos(nanos);
    let (len, limits) = (PacketRef::Data(data).encoded_len(), model.config.limits);
    let can_be_written = !tag.is_empty()
        && !tag.contains(['|', '\n', '\r'])
        && (nanos == 0 || model.config.fractional_timestamps && nanos < 1_000_000_000)
        && len - 1 <= limits.max_line_len;
    let has_room = model.out_len + len <= limits.max_queued_bytes;
    match client.send_data(at, data) {
        Ok(()) => {
            assert!(model.state == State::Sending && can_be_written && has_room);
            // Of a NaN only the sign can be told.
            let value = if value.is_nan() { f64::NAN.copysign(value) } else { value };
            model.out.push_back(PacketRef::Data(DataRef::new(&tag, timestamp, value).with_nanos(nanos)).into_owned());
            model.out_len += len;
        }
        Err(Error::Usage(UsageError::NotSending { state })) => {
            assert!(state == model.state && state != State::Sending);
        }
        Err(Error::Usage(_)) => assert!(can_be_written && !has_room),
        Err(Error::Encode(error)) => assert!(!can_be_written, "{error}"),
        Err(error) => panic!("{error}"),
    }
}

/// What is sent are whole lines that a strict reader takes, those that the model has, and nothing more.
fn drain_transmit(client: &mut Client, model: &mut ClientModel) {
    let sent = client.poll_transmit().unwrap_or_default();
    assert_eq!(sent.len(), model.out_len);
    let config = model.config.with_accept_crlf(false);
    for line in sent.split_inclusive(|byte| *byte == b'\n') {
        let packet = Packet::decode_with(line, &config).expect("what is sent is a strict line");
        assert_eq!(Some(packet), model.out.pop_front());
    }
    assert!(model.out.is_empty());
    model.out_len = 0;
    assert_eq!(client.poll_transmit(), None);
}

fn assert_event(event: Option<ClientEvent>, model: &mut ClientModel) {
    let event = event.map(|event| match event {
        ClientEvent::PeerError { error, packet } => {
            assert_eq!(error.packet(), packet.kind());
            ClientEvent::Unknown(peer_error(error.state(), &packet))
        }
        event => event,
    });
    assert_eq!(event, model.events.pop_front());
}

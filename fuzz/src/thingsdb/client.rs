use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use thingsdb_wire::legacy::{self, Collection, State, Things};
use thingsdb_wire::v1::{self, Room, RoomRef};
use thingsdb_wire::{
    Body, Client, ClientEvent, CloseReason, Config, Decoded, Decoder, EncodeError, Error, FromClient, FromServer,
    Joined, Limit, Package, PackageRef, UsageError,
};

use super::rooms::{Step, steps_of_answer, steps_of_event};
use super::{Script, both, config, due, offer, put};

/// A client by the tables of SPEC.md §7, which reads with a [`Decoder`] all that its connection was handed.
struct Model {
    config: Config,
    closed: Option<CloseReason>,
    authenticated: bool,
    asked: bool,
    /// ID, TYPE and deadline of an authentication.
    auth: Option<(u16, u8, Option<Duration>)>,
    rejoins: bool,
    decoder: Decoder,
    /// Of a package whose end has not come.
    held: Vec<u8>,
    events: VecDeque<ClientEvent>,
    flights: BTreeMap<u16, Flight>,
    next_id: u16,
    /// By scope and ID.
    rooms: BTreeSet<(String, i64)>,
    heard: Duration,
    pinged: bool,
    sends: bool,
    out: VecDeque<u8>,
    now: Duration,
}

struct Flight {
    package: Package,
    role: Role,
    deadline: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Waits,
    GivenUp,
    Auth,
    Ping,
}

impl Model {
    fn connect(&mut self) {
        (self.closed, self.authenticated, self.asked, self.auth) = (None, false, false, None);
        self.decoder = Decoder::with_limits(&self.config.limits);
        self.held.clear();
        self.flights.clear();
        self.next_id = self.config.dialect.first_id;
        (self.heard, self.pinged, self.sends) = (self.now, false, false);
        self.out.clear();
    }

    fn is_full(&self) -> bool {
        let (limits, bytes) = (&self.config.limits, self.events.iter().map(data_len).sum::<usize>());
        self.events.len() >= limits.max_queued_events.max(1) || bytes > 0 && bytes >= limits.max_queued_bytes
    }

    /// How much of it is taken.
    fn input(&mut self, bytes: &[u8]) -> usize {
        if !bytes.is_empty() {
            (self.heard, self.pinged, self.sends) = (self.now, false, false);
        }
        let held = self.held.len();
        let stream = [&std::mem::take(&mut self.held)[..], bytes].concat();
        let mut start = 0;
        while self.closed.is_none() {
            if self.is_full() {
                if start == 0 {
                    self.held = stream[..held].to_vec();
                    return 0;
                }
                return start - held;
            }
            match self.decoder.decode(&stream[start..]) {
                Ok(Decoded::Complete { value, consumed }) => {
                    start += consumed;
                    self.package(value);
                }
                Ok(Decoded::Incomplete { .. }) => {
                    self.held = stream[start..].to_vec();
                    break;
                }
                Err(error) => self.end(CloseReason::Decode(error)),
            }
        }
        bytes.len()
    }

    fn package(&mut self, package: PackageRef<'_>) {
        let owned = package.into_owned();
        let is_error = match (self.config.dialect.from_server)(package.kind) {
            FromServer::Event => {
                self.take_steps(steps_of_event(&self.config, package));
                return self.events.push_back(ClientEvent::Event(owned));
            }
            FromServer::Unknown => return self.events.push_back(ClientEvent::Unknown(owned)),
            FromServer::Accepted | FromServer::Denied if self.auth.is_none() => {
                return self.events.push_back(ClientEvent::Unmatched(owned));
            }
            FromServer::Accepted => return self.welcome(),
            FromServer::Denied => return self.refusal(owned),
            FromServer::Answer => false,
            FromServer::Error => true,
        };
        let accepts = is_error || package.kind == self.config.dialect.accepted.kind;
        let answers = self.flights.get(&package.id).is_some_and(|flight| flight.role != Role::Auth || accepts);
        let Some(Flight { package: request, role, .. }) = answers.then(|| self.flights.remove(&package.id)).flatten()
        else {
            return self.events.push_back(ClientEvent::Unmatched(owned));
        };
        if !is_error && request.data.len() <= 64 << 10 {
            self.take_steps(steps_of_answer(&self.config, request.as_ref(), package));
        }
        let request = request.kind;
        match role {
            Role::Auth if is_error => self.refusal(owned),
            Role::Auth => self.welcome(),
            Role::Ping => {}
            Role::GivenUp => self.events.push_back(ClientEvent::Late { request, package: owned }),
            Role::Waits if is_error => self.events.push_back(ClientEvent::Error { request, package: owned }),
            Role::Waits => self.events.push_back(ClientEvent::Answer { request, package: owned }),
        }
    }

    fn welcome(&mut self) {
        (self.auth, self.authenticated) = (None, true);
        self.events.push_back(ClientEvent::Authenticated);
        if std::mem::take(&mut self.rejoins) {
            let rooms = self.rooms.iter().cloned();
            self.events.extend(rooms.map(|(scope, id)| ClientEvent::Rejoin(Joined { scope, id })));
        }
    }

    fn refusal(&mut self, package: Package) {
        self.auth = None;
        self.events.push_back(ClientEvent::Denied(package));
    }

    fn take_steps(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Leaves(Some(scope), id) => drop(self.rooms.remove(&(scope, id))),
                Step::Leaves(None, left) => self.rooms.retain(|(_, id)| *id != left),
                Step::Joins(scope, id) => {
                    let is_known = self.rooms.contains(&(scope.clone(), id));
                    if scope.len() > 1024 || !is_known && self.rooms.len() >= self.config.limits.max_rooms {
                        self.events.push_back(ClientEvent::NotRemembered { id });
                    } else {
                        self.rooms.insert((scope, id));
                    }
                }
            }
        }
    }

    /// The ID under which it is sent, or why not.
    fn request(&mut self, body: &Body, timeout: Duration) -> Result<u16, Error> {
        if self.may_send(body.kind)? != FromClient::Auth {
            self.may_fly()?;
            return self.send(body, Role::Waits, due(self.now, timeout));
        }
        let id = match self.config.dialect.auth_id {
            Some(id) => self.write(body, id).map(|()| id),
            None => self.send(body, Role::Auth, None),
        }?;
        self.auth = Some((id, body.kind, due(self.now, self.config.auth_timeout)));
        self.asked = true;
        Ok(id)
    }

    /// As a request, but for what gets no answer.
    fn send_only(&mut self, body: &Body) -> Result<u16, Error> {
        if self.closed.is_none() && (self.config.dialect.from_client)(body.kind) == FromClient::Auth {
            return Err(UsageError::WrongKind { kind: body.kind }.into());
        }
        self.may_send(body.kind)?;
        self.may_fly()?;
        let id = self.send(body, Role::Waits, None)?;
        self.flights.remove(&id);
        Ok(id)
    }

    fn may_send(&self, kind: u8) -> Result<FromClient, Error> {
        let class = (self.config.dialect.from_client)(kind);
        let may_ask = self.authenticated || self.config.dialect.auth_optional && !self.asked;
        match class {
            _ if self.closed.is_some() => Err(UsageError::Closed.into()),
            FromClient::Auth if self.auth.is_some() => Err(UsageError::AuthPending.into()),
            FromClient::Auth | FromClient::Open => Ok(class),
            _ if may_ask => Ok(class),
            _ => Err(UsageError::NotAuthenticated { kind }.into()),
        }
    }

    fn may_fly(&self) -> Result<(), Error> {
        let max = self.config.limits.max_in_flight.clamp(1, 1 << 15);
        let asked = self.flights.values().filter(|flight| flight.role != Role::Ping).count();
        if asked >= usize::from(max) {
            return Err(UsageError::LimitReached { limit: Limit::MaxInFlight, max: max.into() }.into());
        }
        Ok(())
    }

    fn send(&mut self, body: &Body, role: Role, deadline: Option<Duration>) -> Result<u16, Error> {
        let mut id = self.next_id;
        while self.flights.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        self.write(body, id)?;
        self.next_id = id.wrapping_add(1);
        self.flights.insert(id, Flight { package: body.with_id(id), role, deadline });
        Ok(id)
    }

    fn write(&mut self, body: &Body, id: u16) -> Result<(), Error> {
        let (limits, len) = (&self.config.limits, body.data.len());
        if len > limits.max_data_len as usize {
            let max = limits.max_data_len.into();
            return Err(EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met: len as u64, max }.into());
        }
        if !self.out.is_empty() && self.out.len() + 8 + len > limits.max_queued_bytes {
            let max = limits.max_queued_bytes as u64;
            return Err(UsageError::LimitReached { limit: Limit::MaxQueuedBytes, max }.into());
        }
        let mut bytes = Vec::new();
        put(&mut bytes, id, body.kind, &body.data);
        self.out.extend(bytes);
        Ok(())
    }

    fn timeout(&mut self) {
        let is_due = |deadline: Option<Duration>| deadline.is_some_and(|deadline| deadline <= self.now);
        if self.closed.is_some() {
            return;
        }
        if self.auth.is_some_and(|(_, _, deadline)| is_due(deadline)) {
            return self.end(CloseReason::AuthTimeout);
        }
        let over = self.flights.iter().filter(|(_, flight)| is_due(flight.deadline));
        let mut over: Vec<_> = over.map(|(id, flight)| (flight.deadline, *id)).collect();
        over.sort();
        let silent = self.keep_alive().is_some_and(|deadline| deadline <= self.now);
        for (_, id) in over {
            let flight = self.flights.get_mut(&id).expect("just seen");
            (flight.role, flight.deadline) = (Role::GivenUp, None);
            let request = flight.package.kind;
            self.events.push_back(ClientEvent::TimedOut { id, request });
        }
        if let (true, Some((ping, _))) = (silent, self.config.dialect.ping) {
            self.heard = self.now;
            if std::mem::take(&mut self.sends) {
            } else if self.pinged {
                self.end(CloseReason::KeepAlive);
            } else {
                self.pinged = true;
                if self.flights.values().all(|flight| flight.role != Role::Ping) {
                    let _ = self.send(&Body::empty(ping), Role::Ping, None);
                }
            }
        }
    }

    fn keep_alive(&self) -> Option<Duration> {
        self.config.dialect.ping?;
        let config = &self.config;
        let wait = if self.pinged { config.keep_alive_timeout } else { config.keep_alive_interval };
        due(self.heard, wait.max(Duration::from_millis(1)))
    }

    fn deadline(&self) -> Option<Duration> {
        let flights = self.flights.values().filter_map(|flight| flight.deadline);
        let auth = self.auth.and_then(|(_, _, deadline)| deadline);
        flights.chain(auth).chain(self.keep_alive()).min().filter(|_| self.closed.is_none())
    }

    fn end(&mut self, reason: CloseReason) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(reason);
        self.events.extend(self.auth.take().map(|(id, request, _)| ClientEvent::Lost { id, request }));
        for (id, flight) in std::mem::take(&mut self.flights) {
            if flight.role == Role::Waits {
                self.events.push_back(ClientEvent::Lost { id, request: flight.package.kind });
            }
        }
        self.events.push_back(ClientEvent::Closed(reason));
    }
}

/// A scope as somebody may write it.
fn scope(script: &mut Script<'_>) -> String {
    let scopes = ["@collection:stuff", "//stuff", "@:stuff", "@c:other", "/n/07", "@t", "stuff"];
    match usize::from(script.byte()) {
        byte if byte < 240 => scopes[byte % scopes.len()].to_owned(),
        240..248 => "s".repeat(1025),
        248..252 => "s".repeat(1024),
        _ => String::from_utf8_lossy(&script.bytes()).into_owned(),
    }
}

/// A request about rooms that means something, in dialects that have rooms.
fn about_rooms(script: &mut Script<'_>, config: &Config) -> Option<Body> {
    let (choice, scope) = (script.byte(), scope(script));
    let ids: Vec<i64> = (0..choice % 4).map(|_| i64::from(script.byte() % 6)).collect();
    let joins = choice & 4 == 0;
    match config.dialect.name {
        "v1" => {
            let long = "r".repeat(if choice >= 240 { 66_000 } else { 1 });
            let mut rooms: Vec<_> =
                ids.iter().map(|id| if *id == 5 { Room::Name("room") } else { Room::Id(*id) }).collect();
            if choice & 32 != 0 {
                rooms.push(Room::Name(&long));
            }
            let values = Room::values(rooms);
            let (scope, rooms) = (&scope[..], values.as_ref());
            let request =
                if joins { v1::RequestRef::Join { scope, rooms } } else { v1::RequestRef::Leave { scope, rooms } };
            Some(request.to_body().expect("below the limit"))
        }
        name if name.starts_with("legacy") => {
            let collection = if choice & 32 != 0 { Collection::Id(7) } else { Collection::Name(&scope) };
            let things = Things { ids: legacy::Ids::new(&ids), collection };
            let things = (choice & 64 == 0).then_some(things);
            let request = if joins { legacy::RequestRef::Watch(things) } else { legacy::RequestRef::Unwatch(things) };
            Some(request.to_body(State::S2).expect("S2 has it"))
        }
        _ => None,
    }
}

/// An answer to one of the requests about rooms, or an event about a room.
fn told_of_rooms(script: &mut Script<'_>, model: &Model) -> Vec<u8> {
    let choice = script.byte();
    let is_room = |flight: &Flight| (model.config.dialect.from_client)(flight.package.kind) == FromClient::Room;
    let mut asked = model.flights.iter().filter(|(_, flight)| is_room(flight));
    let (id, kind, data) = match (model.config.dialect.name, asked.nth(usize::from(choice >> 2 & 3))) {
        ("v1", Some((id, _))) if choice & 3 != 0 => {
            let mut data = vec![0x90 | choice >> 5];
            data.extend((0..choice >> 5).map(|_| match script.byte() % 8 {
                id @ ..6 => id,
                6 => 0xc0,
                _ => 0xc2,
            }));
            (*id, v1::Kind::DATA.0, data)
        }
        ("v1", _) => {
            let scope = scope(script);
            let room = RoomRef { scope: (choice & 64 == 0).then_some(&scope), id: i64::from(script.byte() % 6) };
            let event = match choice >> 3 & 3 {
                0 => v1::EventRef::RoomLeave(room),
                1 => v1::EventRef::RoomDelete(room),
                _ => v1::EventRef::RoomJoin(room),
            };
            let body = event.to_body().expect("below the limit");
            (u16::MAX, body.kind, body.data.to_vec())
        }
        (_, Some((id, _))) if choice & 3 != 0 => (*id, legacy::Kind::RES_WATCH.0, Vec::new()),
        _ => {
            let event = legacy::EventRef::WatchDel { id: i64::from(script.byte() % 6) };
            let body = event.to_body().expect("below the limit");
            (0, body.kind, body.data.to_vec())
        }
    };
    let mut told = Vec::new();
    put(&mut told, id, kind, &data);
    told
}

/// Bytes of data that wait with an event.
fn data_len(event: &ClientEvent) -> usize {
    match event {
        ClientEvent::Denied(package)
        | ClientEvent::Event(package)
        | ClientEvent::Unmatched(package)
        | ClientEvent::Unknown(package)
        | ClientEvent::Answer { package, .. }
        | ClientEvent::Error { package, .. }
        | ClientEvent::Late { package, .. } => package.data.len(),
        ClientEvent::Rejoin(room) => room.scope.len(),
        _ => 0,
    }
}

/// Requests that were sent and have no outcome yet, by ID and over all connections; authentications apart, since their outcomes
/// have no ID.
#[derive(Default)]
struct Owed {
    by_id: BTreeMap<u16, usize>,
    auths: usize,
}

impl Owed {
    fn paid(&mut self, event: &ClientEvent, config: &Config) {
        let is_auth = |kind| (config.dialect.from_client)(kind) == FromClient::Auth;
        let id = match event {
            ClientEvent::Authenticated | ClientEvent::Denied(_) => None,
            ClientEvent::Lost { request, .. } if is_auth(*request) => None,
            ClientEvent::Lost { id, .. } | ClientEvent::TimedOut { id, .. } => Some(*id),
            ClientEvent::Answer { package, .. } | ClientEvent::Error { package, .. } => Some(package.id),
            _ => return,
        };
        let owed = id.map_or(Some(&mut self.auths), |id| self.by_id.get_mut(&id)).expect("it was asked");
        *owed = owed.checked_sub(1).expect("one outcome each");
    }
}

/// A client does what the tables say, whatever comes, however it is cut and whoever calls.
pub fn client(input: &[u8]) {
    let [dialect, settings, cut, script @ ..] = input else { return };
    let (mut config, mut script) = (config(*dialect, *settings), Script(script));
    // What the first byte has left behind the dialect.
    match dialect / 6 % 4 {
        1 => config.limits = config.limits.with_max_in_flight(0),
        2 => config = config.with_keep_alive(Duration::ZERO, Duration::ZERO),
        3 => config = config.with_keep_alive(Duration::from_secs(4), Duration::from_secs(2)),
        _ => {}
    }
    let config = config.with_request_timeout(Duration::from_secs(5)).with_auth_timeout(Duration::from_secs(3));
    let kinds = |is: &dyn Fn(u8) -> bool| (0..=255).filter(|kind| is(*kind)).collect::<Vec<u8>>();
    let answers = kinds(&|kind| (config.dialect.from_server)(kind) != FromServer::Unknown);
    let requests = kinds(&|kind| (config.dialect.from_client)(kind) != FromClient::Unknown);
    let mut model = Model {
        config,
        closed: None,
        authenticated: false,
        asked: false,
        auth: None,
        rejoins: false,
        decoder: Decoder::new(),
        held: Vec::new(),
        events: VecDeque::new(),
        flights: BTreeMap::new(),
        next_id: 0,
        rooms: BTreeSet::new(),
        heard: Duration::ZERO,
        pinged: false,
        sends: false,
        out: VecDeque::new(),
        now: Duration::ZERO,
    };
    model.connect();
    let mut machines = [(); 2].map(|()| Client::new(&config, model.now));
    let (mut owed, mut pending) = (Owed::default(), Vec::new());
    while !script.0.is_empty() {
        let operation = script.byte();
        let (operation, other_way) = (operation % 16, operation / 16 % 4);
        let at = if operation < 11 { script.time(model.now, model.deadline()) } else { model.now };
        model.now = model.now.max(at);
        match operation {
            0..=4 => {
                pending.extend(match other_way {
                    1 => told_of_rooms(&mut script, &model),
                    _ => script.said(&answers),
                });
                let size = usize::from(*cut) + 1;
                let taken = offer(&mut machines, &pending, size, |machine, piece| machine.handle_input(at, piece));
                assert_eq!(taken, model.input(&pending));
                pending.drain(..taken);
            }
            5..=7 => {
                let rooms = if other_way & 1 == 0 { None } else { about_rooms(&mut script, &config) };
                let body = rooms.unwrap_or_else(|| {
                    let kind = script.byte();
                    let kind = if kind < 240 { requests[usize::from(kind) % requests.len()] } else { script.byte() };
                    Body::new(kind, script.data())
                });
                let taken: Vec<u16> = model.flights.keys().copied().collect();
                let is_auth = (config.dialect.from_client)(body.kind) == FromClient::Auth;
                if other_way & 2 != 0 {
                    let sent = both(&mut machines, |machine| machine.send(at, body.clone()));
                    assert_eq!(sent, model.send_only(&body));
                    assert!(sent.is_err() || !is_auth, "somebody waits for that");
                    assert!(sent.is_ok_and(|id| !taken.contains(&id)) || sent.is_err());
                } else {
                    let timeout = match script.byte() {
                        255 => Duration::MAX,
                        seconds => Duration::from_secs(u64::from(seconds)),
                    };
                    let sent = both(&mut machines, |machine| machine.request_with_timeout(at, body.clone(), timeout));
                    assert_eq!(sent, model.request(&body, timeout));
                    match sent {
                        Ok(id) if is_auth => {
                            owed.auths += 1;
                            assert!(config.dialect.auth_id.is_none_or(|auth| auth == id));
                        }
                        Ok(id) => {
                            *owed.by_id.entry(id).or_default() += 1;
                            assert!(!taken.contains(&id), "an ID is used once at a time");
                        }
                        Err(_) => {}
                    }
                }
            }
            8 => {
                both(&mut machines, |machine| machine.handle_timeout(at));
                model.timeout();
                let deadline = machines[0].poll_deadline();
                assert!(deadline.is_none_or(|deadline| deadline > model.now));
            }
            9 => match script.byte() % 3 {
                0 => {
                    both(&mut machines, |machine| machine.handle_eof(at));
                    let torn = model.decoder.finish(&model.held).err();
                    model.end(torn.map_or(CloseReason::Eof, CloseReason::Decode));
                }
                1 => {
                    both(&mut machines, |machine| machine.close(at));
                    model.end(CloseReason::Local);
                }
                _ => {
                    // The next connection is often made on this one's end.
                    both(&mut machines, |machine| machine.close(at));
                    model.end(CloseReason::Local);
                    while !model.events.is_empty() && other_way == 0 {
                        take_event(&mut machines, &mut model, &mut owed);
                    }
                    reconnect(&mut machines, &mut model, &mut pending, at);
                }
            },
            10 => reconnect(&mut machines, &mut model, &mut pending, at),
            11 => {
                let id = script.id();
                let waits = model.flights.get_mut(&id).filter(|flight| flight.role == Role::Waits);
                let expected = waits.is_some();
                if let Some(flight) = waits {
                    (flight.role, flight.deadline) = (Role::GivenUp, None);
                    let owed = owed.by_id.get_mut(&id).expect("it was asked");
                    *owed -= 1;
                }
                let given_up = both(&mut machines, |machine| machine.give_up(id));
                assert_eq!(given_up, if expected { Ok(()) } else { Err(UsageError::NoSuchRequest { id }) });
            }
            12 => {
                let (place, one) = (usize::from(script.byte()), |(scope, id): (String, i64)| Joined { scope, id });
                let known = model.rooms.iter().nth(place % (model.rooms.len() + 1)).cloned();
                let room = known.map_or_else(|| Joined { scope: scope(&mut script), id: 1 }, one);
                both(&mut machines, |machine| machine.forget_room(&room));
                model.rooms.remove(&(room.scope, room.id));
            }
            13 => take_event(&mut machines, &mut model, &mut owed),
            14 => {
                while !model.events.is_empty() {
                    take_event(&mut machines, &mut model, &mut owed);
                }
                take_event(&mut machines, &mut model, &mut owed);
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
        take_event(&mut machines, &mut model, &mut owed);
    }
    take_event(&mut machines, &mut model, &mut owed);
    while !model.out.is_empty() {
        take_bytes(&mut machines, &mut model);
    }
    take_bytes(&mut machines, &mut model);
    assert!(owed.auths == 0 && owed.by_id.values().all(|owed| *owed == 0), "every request has an outcome");
}

fn reconnect(machines: &mut [Client; 2], model: &mut Model, pending: &mut Vec<u8>, at: Duration) {
    let expected = match (model.closed, model.events.len()) {
        (None, _) => Err(UsageError::StillOpen),
        (Some(_), 1..) => Err(UsageError::NotDrained),
        (Some(_), 0) => Ok(()),
    };
    let done = both(machines, |machine| machine.reconnect(at));
    assert_eq!(done, expected);
    if done.is_ok() {
        pending.clear();
        model.connect();
        model.rejoins = true;
    }
}

fn take_event(machines: &mut [Client; 2], model: &mut Model, owed: &mut Owed) {
    let event = both(machines, Client::poll_event);
    assert_eq!(event, model.events.pop_front());
    if let Some(event) = &event {
        owed.paid(event, &model.config);
    }
}

fn take_bytes(machines: &mut [Client; 2], model: &mut Model) {
    let Some(chunk) = both(machines, Client::poll_transmit) else { return assert!(model.out.is_empty()) };
    assert!(!chunk.is_empty() && chunk.len() <= 256 << 10);
    assert!(model.out.make_contiguous().starts_with(&chunk));
    model.out.drain(..chunk.len());
    model.sends |= chunk.len() >= 4096 && !model.out.is_empty();
}

fn agree(machines: &[Client; 2], model: &Model) {
    for machine in machines {
        assert_eq!(machine.close_reason(), model.closed);
        assert_eq!(machine.is_authenticated(), model.authenticated && model.closed.is_none());
        assert_eq!(machine.in_flight(), model.flights.len());
        assert_eq!(machine.poll_deadline(), model.deadline());
        let rooms = machine.rooms().map(|room| (room.scope.as_str(), room.id));
        assert!(rooms.eq(model.rooms.iter().map(|(scope, id)| (scope.as_str(), *id))));
        assert!(!format!("{machine:?}").contains("pass"));
    }
    let limits = &model.config.limits;
    assert!(model.rooms.len() <= limits.max_rooms);
    // And a PING, and an authentication.
    assert!(model.flights.len() <= usize::from(limits.max_in_flight.max(1)) + 2);
}

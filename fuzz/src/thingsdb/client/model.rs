use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use thingsdb_wire::{
    Body, ClientEvent, CloseReason, Config, Decoded, Decoder, EncodeError, Error, FromClient, FromServer, Joined,
    Limit, Package, PackageRef, UsageError,
};

use super::data_len;
use crate::thingsdb::rooms::{Step, steps_of_answer, steps_of_event};
use crate::thingsdb::{due, put};

/// A client by the tables of SPEC.md §7, which reads with a [`Decoder`] all that its connection was handed.
pub(super) struct Model {
    pub(super) config: Config,
    pub(super) closed: Option<CloseReason>,
    pub(super) authenticated: bool,
    pub(super) asked: bool,
    /// ID, TYPE and deadline of an authentication.
    pub(super) auth: Option<(u16, u8, Option<Duration>)>,
    pub(super) rejoins: bool,
    pub(super) decoder: Decoder,
    /// Of a package whose end has not come.
    pub(super) held: Vec<u8>,
    pub(super) events: VecDeque<ClientEvent>,
    pub(super) flights: BTreeMap<u16, Flight>,
    pub(super) next_id: u16,
    /// By scope and ID.
    pub(super) rooms: BTreeSet<(String, i64)>,
    pub(super) heard: Duration,
    pub(super) pinged: bool,
    pub(super) sends: bool,
    pub(super) out: VecDeque<u8>,
    pub(super) now: Duration,
}

pub(super) struct Flight {
    pub(super) package: Package,
    pub(super) role: Role,
    pub(super) deadline: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Role {
    Waits,
    GivenUp,
    Auth,
    Ping,
}

impl Model {
    pub(super) fn connect(&mut self) {
        (self.closed, self.authenticated, self.asked, self.auth) = (None, false, false, None);
        self.decoder = Decoder::with_limits(&self.config.limits);
        self.held.clear();
        self.flights.clear();
        self.next_id = self.config.dialect.first_id;
        (self.heard, self.pinged, self.sends) = (self.now, false, false);
        self.out.clear();
    }

    pub(super) fn is_full(&self) -> bool {
        let (limits, bytes) = (&self.config.limits, self.events.iter().map(data_len).sum::<usize>());
        self.events.len() >= limits.max_queued_events.max(1) || bytes > 0 && bytes >= limits.max_queued_bytes
    }

    /// How much of it is taken.
    pub(super) fn input(&mut self, bytes: &[u8]) -> usize {
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

    pub(super) fn package(&mut self, package: PackageRef<'_>) {
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

    pub(super) fn welcome(&mut self) {
        (self.auth, self.authenticated) = (None, true);
        self.events.push_back(ClientEvent::Authenticated);
        if std::mem::take(&mut self.rejoins) {
            let rooms = self.rooms.iter().cloned();
            self.events.extend(rooms.map(|(scope, id)| ClientEvent::Rejoin(Joined { scope, id })));
        }
    }

    pub(super) fn refusal(&mut self, package: Package) {
        self.auth = None;
        self.events.push_back(ClientEvent::Denied(package));
    }

    pub(super) fn take_steps(&mut self, steps: Vec<Step>) {
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
    pub(super) fn request(&mut self, body: &Body, timeout: Duration) -> Result<u16, Error> {
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
    pub(super) fn send_only(&mut self, body: &Body) -> Result<u16, Error> {
        if self.closed.is_none() && (self.config.dialect.from_client)(body.kind) == FromClient::Auth {
            return Err(UsageError::WrongKind { kind: body.kind }.into());
        }
        self.may_send(body.kind)?;
        self.may_fly()?;
        let id = self.send(body, Role::Waits, None)?;
        self.flights.remove(&id);
        Ok(id)
    }

    pub(super) fn may_send(&self, kind: u8) -> Result<FromClient, Error> {
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

    pub(super) fn may_fly(&self) -> Result<(), Error> {
        let max = self.config.limits.max_in_flight.clamp(1, 1 << 15);
        let asked = self.flights.values().filter(|flight| flight.role != Role::Ping).count();
        if asked >= usize::from(max) {
            return Err(UsageError::LimitReached { limit: Limit::MaxInFlight, max: max.into() }.into());
        }
        Ok(())
    }

    pub(super) fn send(&mut self, body: &Body, role: Role, deadline: Option<Duration>) -> Result<u16, Error> {
        let mut id = self.next_id;
        while self.flights.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        self.write(body, id)?;
        self.next_id = id.wrapping_add(1);
        self.flights.insert(id, Flight { package: body.with_id(id), role, deadline });
        Ok(id)
    }

    pub(super) fn write(&mut self, body: &Body, id: u16) -> Result<(), Error> {
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

    pub(super) fn timeout(&mut self) {
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

    pub(super) fn keep_alive(&self) -> Option<Duration> {
        self.config.dialect.ping?;
        let config = &self.config;
        let wait = if self.pinged { config.keep_alive_timeout } else { config.keep_alive_interval };
        due(self.heard, wait.max(Duration::from_millis(1)))
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        let flights = self.flights.values().filter_map(|flight| flight.deadline);
        let auth = self.auth.and_then(|(_, _, deadline)| deadline);
        flights.chain(auth).chain(self.keep_alive()).min().filter(|_| self.closed.is_none())
    }

    pub(super) fn end(&mut self, reason: CloseReason) {
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

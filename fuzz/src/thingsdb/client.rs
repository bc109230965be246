mod model;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use thingsdb_wire::legacy::{self, Collection, State, Things};
use thingsdb_wire::v1::{self, Room, RoomRef};
use thingsdb_wire::{
    Body, Client, ClientEvent, CloseReason, Config, Decoder, FromClient, FromServer, Joined, UsageError,
};

use self::model::{Flight, Model, Role};
use super::{Script, both, config, offer, put};

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

//! Commands to requests, answers and events to JSON, in each dialect.

use serde_json::{Value, json};
use thingsdb_wire::v1::{self, Scope};
use thingsdb_wire::{Body, Dialect, EncodeError, Joined, Package, PackageRef, PayloadError, legacy, msgpack};

use crate::json::{from_wire, to_wire};
use crate::{Command, Failure, Login};

/// What the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Spoken {
    /// MessagePack, since 2020.
    V1,
    /// qpack, of 2019 (S2).
    Legacy,
}

/// A command with values that cannot be sent.
impl From<PayloadError> for Failure {
    fn from(error: PayloadError) -> Self {
        Self::Command(error.to_string())
    }
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        Self::Command(error.to_string())
    }
}

impl Spoken {
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::V1 => v1::DIALECT,
            Self::Legacy => legacy::S2,
        }
    }

    /// Who asks, as a request.
    pub(crate) fn login(self, login: &Login) -> Result<Body, Failure> {
        Ok(match (self, login) {
            (Self::V1, Login::Password(user, password)) => {
                v1::RequestRef::Auth(v1::Credentials::Password { user, password }).to_body()?
            }
            (Self::V1, Login::Token(token)) => v1::RequestRef::Auth(v1::Credentials::Token(token)).to_body()?,
            (Self::Legacy, Login::Password(user, password)) => {
                let credentials = legacy::Credentials::Password { user, password };
                legacy::RequestRef::Auth(credentials).to_body(legacy::State::S2)?
            }
            (Self::Legacy, Login::Token(token)) => {
                legacy::RequestRef::Auth(legacy::Credentials::Token(token)).to_body(legacy::State::S2)?
            }
        })
    }

    /// A command, as a request.
    pub(crate) fn request(self, command: &Command) -> Result<Body, Failure> {
        match self {
            Self::V1 => v1_request(command),
            Self::Legacy => legacy_request(command),
        }
    }

    /// A room to join again, or a thing to watch.
    pub(crate) fn rejoin(self, joined: &Joined) -> Result<Body, Failure> {
        self.request(&Command::Join { scope: joined.scope.clone(), room: joined.id.to_string(), count: None })
    }

    /// What an answer holds; nothing is `null`.
    pub(crate) fn answer(self, package: &Package) -> Result<Value, Failure> {
        let value = match self {
            Self::V1 => match v1::AnswerRef::decode(package.as_ref())? {
                v1::AnswerRef::Data(data) => data.payload().map_err(unreadable)?,
                _ => rmpv::Value::Nil,
            },
            Self::Legacy => match legacy::AnswerRef::decode(package.as_ref(), legacy::State::S2)? {
                legacy::AnswerRef::Query(data) => data.payload().map_err(unreadable)?,
                _ => rmpv::Value::Nil,
            },
        };
        Ok(from_wire(&value))
    }

    /// Whether what was to be joined is there. In the dialect of 2019 nobody tells.
    pub(crate) fn joined(self, package: &Package) -> Result<(), Failure> {
        match self.answer(package)? {
            Value::Array(rooms) if rooms.contains(&Value::Null) => Err(Failure::Refused("no such room".into())),
            _ => Ok(()),
        }
    }

    /// What the server says in place of an answer.
    pub(crate) fn refusal(self, package: PackageRef<'_>) -> Failure {
        let words = match self {
            Self::V1 => match v1::AnswerRef::decode(package) {
                Ok(v1::AnswerRef::Error(error)) => error.to_string(),
                other => format!("{other:?}"),
            },
            Self::Legacy => match legacy::AnswerRef::decode(package, legacy::State::S2) {
                Ok(legacy::AnswerRef::Error(error)) => error.to_string(),
                other => format!("{other:?}"),
            },
        };
        Failure::Refused(words)
    }

    /// An event, and whether it is what one joins for: an emitted event, or a change.
    pub(crate) fn event(self, package: PackageRef<'_>) -> Result<(Value, bool), Failure> {
        match self {
            Self::V1 => v1_event(package),
            Self::Legacy => legacy_event(package),
        }
    }
}

/// An answer with a value that cannot be shown.
fn unreadable(error: PayloadError) -> Failure {
    Failure::Refused(error.to_string())
}

fn v1_request<'c>(command: &'c Command) -> Result<Body, Failure> {
    use v1::{RequestRef, Room};
    let room = |room: &'c str| room.parse().map_or(Room::Name(room), Room::Id);
    Ok(match command {
        Command::Ping => RequestRef::Ping.to_body()?,
        Command::Query { scope, code, variables } if variables.is_empty() => {
            RequestRef::Query { scope, code, variables: None }.to_body()?
        }
        Command::Query { scope, code, variables } => {
            let mut values = msgpack::ValuesBuf::new();
            for (name, value) in variables {
                values.push_str(name).push_payload(&to_wire(value))?;
            }
            // As many values as names.
            let variables = values.to_map();
            RequestRef::Query { scope, code, variables: variables.as_ref().map(msgpack::ValueBuf::as_ref) }.to_body()?
        }
        Command::Run { scope, procedure, args } => {
            let args = v1_values(args)?.to_array();
            RequestRef::Run { scope, procedure, args: Some(args.as_ref()) }.to_body()?
        }
        Command::Join { scope, room: name, .. } => {
            RequestRef::Join { scope, rooms: Room::values([room(name)]).as_ref() }.to_body()?
        }
        Command::Emit { scope, room: name, event, args } => {
            RequestRef::Emit { scope, room: room(name), event, args: v1_values(args)?.as_ref() }.to_body()?
        }
    })
}

fn v1_values(args: &[Value]) -> Result<msgpack::ValuesBuf, Failure> {
    let mut values = msgpack::ValuesBuf::new();
    for arg in args {
        values.push_payload(&to_wire(arg))?;
    }
    Ok(values)
}

fn legacy_request(command: &Command) -> Result<Body, Failure> {
    use legacy::{Blobs, Collection, Ids, RequestRef, State, Target, Things};
    // Scopes are of later; the forms are taken here all the same.
    let parse = |scope| match Scope::parse(scope) {
        Ok(Scope::Collection(name)) => Ok(Target::Collection(Collection::Name(name))),
        Ok(Scope::ThingsDb) => Ok(Target::ThingsDb),
        Ok(Scope::Node(_)) => Ok(Target::Node),
        Err(error) => Err(Failure::Command(format!("{scope:?}: {error}"))),
    };
    Ok(match command {
        Command::Ping => RequestRef::Ping.to_body(State::S2)?,
        Command::Query { scope, code, variables } => {
            if !variables.is_empty() {
                return Err(Failure::Command("queries of 2019 take no variables".into()));
            }
            let query = RequestRef::Query { target: parse(scope)?, code, blobs: Blobs::NONE, deep: None, all: None };
            query.to_body(State::S2)?
        }
        Command::Run { scope, procedure, args } => {
            let target = match parse(scope)? {
                Target::Collection(collection) => collection,
                Target::ThingsDb => Collection::Name(".thingsdb"),
                Target::Node => Collection::Name(".node"),
            };
            let mut values = legacy::ValuesBuf::new();
            for arg in args {
                values.push_payload(&to_wire(arg))?;
            }
            RequestRef::Run { target, procedure, args: values.as_ref() }.to_body(State::S2)?
        }
        Command::Join { scope, room, .. } => {
            let ids = [room.parse().map_err(|_| Failure::Command("of 2019, only things are watched, by ID".into()))?];
            // What the machine remembers is a bare name.
            let collection = match parse(scope) {
                Ok(Target::Collection(collection)) => collection,
                Ok(_) => return Err(Failure::Command("things are in collections only".into())),
                Err(_) => Collection::Name(scope),
            };
            RequestRef::Watch(Some(Things { ids: Ids::new(&ids), collection })).to_body(State::S2)?
        }
        Command::Emit { .. } => return Err(Failure::Command("there were no rooms in 2019".into())),
    })
}

fn v1_event(package: PackageRef<'_>) -> Result<(Value, bool), Failure> {
    use v1::{EventRef, RoomRef};
    let room = |kind, RoomRef { scope, id, .. }| json!({"type": kind, "scope": scope, "id": id});
    Ok(match EventRef::decode(package)? {
        EventRef::RoomEmit { room: RoomRef { scope, id }, event, args } => {
            let args = args.iter().map(|arg| arg.payload().map(|arg| from_wire(&arg)));
            let args = args.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
            (json!({"type": "ROOM_EMIT", "scope": scope, "id": id, "event": event, "args": args}), true)
        }
        EventRef::RoomJoin(named) => (room("ROOM_JOIN", named), false),
        EventRef::RoomLeave(named) => (room("ROOM_LEAVE", named), false),
        EventRef::RoomDelete(named) => (room("ROOM_DELETE", named), false),
        EventRef::NodeStatus { node, status } => (json!({"type": "NODE_STATUS", "id": node, "status": status}), false),
        EventRef::Warn { code, message } => (json!({"type": "WARN", "code": code, "message": message}), false),
        other => (json!({"type": other.kind().0}), false),
    })
}

fn legacy_event(package: PackageRef<'_>) -> Result<(Value, bool), Failure> {
    use legacy::{Data, EventRef, Kind, State};
    let whole: rmpv::Value = Data::of(package).payload().map_err(unreadable)?;
    let whole = from_wire(&whole);
    Ok(match EventRef::decode(package)? {
        EventRef::WatchIni { event, .. } => {
            (json!({"type": "WATCH_INI", "event": event, "thing": whole.get("thing")}), false)
        }
        EventRef::WatchUpd { id, event, .. } => {
            (json!({"type": "WATCH_UPD", "id": id, "event": event, "jobs": whole.get("jobs")}), true)
        }
        EventRef::WatchDel { id } => (json!({"type": "WATCH_DEL", "id": id}), false),
        EventRef::NodeStatus(status) => (json!({"type": "NODE_STATUS", "status": status}), false),
        other => (json!({"type": Kind::name(other.kind(), State::S2)}), false),
    })
}

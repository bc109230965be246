//! v1: requests read, answers written.

use std::collections::BTreeSet;

use rmpv::Value;
use thingsdb_wire::msgpack::ValuesBuf;
use thingsdb_wire::v1::{
    AnswerRef, Credentials, ErrorCode, ErrorRef, EventRef, Kind, RequestRef, Room, RoomRef, Scope,
};
use thingsdb_wire::{Body, PackageRef};

use crate::code::{self, Names};
use crate::node::{COLLECTION, Failure, Node, Outcome, ROOM, parameter, procedure};
use crate::{Spoken, USER};

/// In the place of name and password.
pub const TOKEN: &str = "demo-token-of-22-chars";

/// The room, as events name it.
const NAMED: RoomRef<'_> = RoomRef { scope: Some("@collection:stuff"), id: ROOM.0 };

pub(crate) fn authenticate(package: PackageRef<'_>) -> Result<(), Failure> {
    match RequestRef::decode(package)? {
        RequestRef::Auth(Credentials::Password { user, password }) if (user, password) == USER => Ok(()),
        RequestRef::Auth(Credentials::Token(TOKEN)) => Ok(()),
        RequestRef::Auth(Credentials::Token(_)) => Err(Failure::new(ErrorCode::AUTH, "invalid token")),
        _ => Err(Failure::new(ErrorCode::AUTH, "invalid username or password")),
    }
}

/// Events that come before the answer are in the connection's queue then.
pub(crate) fn answer(node: &mut Node, number: u64, package: PackageRef<'_>) -> Result<Outcome, Failure> {
    match RequestRef::decode(package)? {
        RequestRef::Query { scope, code, variables } => {
            let scope = parse(scope)?;
            let variables = variables.map(|variables| variables.payload()).transpose()?.unwrap_or_default();
            let collection = matches!(scope, Scope::Collection(_)).then_some(&mut *node);
            let mut names = Names { collection, variables, blobs: Vec::new(), changed: BTreeSet::new() };
            let result = code::run(code, &mut names);
            let changed = names.changed;
            if !changed.is_empty() {
                node.changed(&changed)?;
            }
            Ok(data(&result?)?.into())
        }
        RequestRef::Run { scope, procedure: name, args } => {
            if let Scope::Node(_) = parse(scope)? {
                return Err(Failure::new(ErrorCode::BAD_DATA, "no procedures in the scope of a node"));
            }
            let args = args.map_or(Ok(Value::Nil), |args| args.payload())?;
            let arg = match &args {
                Value::Array(args) => args.first(),
                Value::Map(args) => {
                    args.iter().find(|(key, _)| key.as_str() == Some(parameter(name))).map(|(_, arg)| arg)
                }
                _ => None,
            };
            Ok(data(&procedure(name, arg.unwrap_or(&Value::Nil))?)?.into())
        }
        RequestRef::Join { scope, rooms } => {
            in_collection(scope)?;
            let ids = ids(rooms.rooms());
            let is_new = ids.contains(&ROOM.0.into()) && !node.follow(number, Some(Spoken::V1));
            let after = if is_new { Some(EventRef::RoomJoin(NAMED).to_body()?) } else { None };
            Ok(Outcome { answer: data(&Value::Array(ids))?, after })
        }
        RequestRef::Leave { scope, rooms } => {
            in_collection(scope)?;
            let ids = ids(rooms.rooms());
            if ids.contains(&ROOM.0.into()) {
                node.leave(number, &EventRef::RoomLeave(NAMED).to_body()?);
            }
            Ok(data(&Value::Array(ids))?.into())
        }
        RequestRef::Emit { scope, room, event, args } => {
            emit(node, scope, room, EventRef::RoomEmit { room: NAMED, event, args }, None)
        }
        RequestRef::EmitPeer { scope, room, event, args } => {
            emit(node, scope, room, EventRef::RoomEmit { room: NAMED, event, args }, Some(number))
        }
        RequestRef::Watch(_) | RequestRef::Unwatch(_) => Ok(AnswerRef::Ok.to_body()?.into()),
        _ => Err(Failure::new(ErrorCode::BAD_DATA, "no request that this node knows")),
    }
}

pub(crate) fn error(failure: &Failure) -> Body {
    let error = ErrorRef { code: failure.code, message: &failure.message };
    AnswerRef::Error(error).to_body().unwrap_or_else(|_| Body::empty(Kind::ERROR))
}

pub(crate) fn status(status: &str) -> Option<Body> {
    EventRef::NodeStatus { node: Some(0), status }.to_body().ok()
}

fn emit(
    node: &mut Node,
    scope: &str,
    room: Room<'_>,
    event: EventRef<'_>,
    except: Option<u64>,
) -> Result<Outcome, Failure> {
    in_collection(scope)?;
    if !is_ours(room) {
        return Err(Failure::new(ErrorCode::LOOKUP, "room not found"));
    }
    node.tell(Spoken::V1, &event.to_body()?, except);
    Ok(AnswerRef::Ok.to_body()?.into())
}

fn data(value: &Value) -> Result<Body, Failure> {
    let mut values = ValuesBuf::new();
    values.push_payload(value)?;
    Ok(Body::new(Kind::DATA, values.as_ref().as_bytes().to_vec()))
}

fn parse(scope: &str) -> Result<Scope<'_>, Failure> {
    match Scope::parse(scope) {
        Err(error) => Err(Failure::new(ErrorCode::VALUE, error.to_string())),
        Ok(Scope::Collection(name)) if name != COLLECTION => {
            Err(Failure::new(ErrorCode::LOOKUP, format!("collection `{name}` not found")))
        }
        Ok(Scope::Node(Some(id @ 1..))) => Err(Failure::new(ErrorCode::LOOKUP, format!("node `{id}` not found"))),
        Ok(scope) => Ok(scope),
    }
}

fn in_collection(scope: &str) -> Result<(), Failure> {
    match parse(scope)? {
        Scope::Collection(_) => Ok(()),
        Scope::ThingsDb | Scope::Node(_) => Err(Failure::new(ErrorCode::BAD_DATA, "rooms are in collections only")),
    }
}

fn is_ours(room: Room<'_>) -> bool {
    room == Room::Id(ROOM.0) || room == Room::Name(ROOM.1)
}

/// For each room its ID, or nil if there is none.
fn ids<'a>(rooms: impl Iterator<Item = Room<'a>>) -> Vec<Value> {
    rooms.map(|room| if is_ours(room) { ROOM.0.into() } else { Value::Nil }).collect()
}

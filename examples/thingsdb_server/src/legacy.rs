//! The dialect of 2019 (S2): requests read, answers written.

use std::collections::{BTreeMap, BTreeSet};

use rmpv::Value;
use thingsdb_wire::legacy::{
    AnswerRef, Collection, Credentials, ErrorCode, ErrorRef, EventRef, Kind, RequestRef, State, Target, ThingRef,
    Things, ValuesBuf,
};
use thingsdb_wire::{Body, PackageRef, v1};

use crate::code::{self, Names};
use crate::node::{COLLECTION, Failure, Node, Outcome, ROOT, procedure};
use crate::{Spoken, USER};

/// In the place of name and password.
pub const TOKEN: &str = "demo-token-of-50-chars-which-is-quite-a-bit-longer";

pub(crate) fn authenticate(package: PackageRef<'_>) -> Result<(), Failure> {
    match RequestRef::decode(package, State::S2)? {
        RequestRef::Auth(Credentials::Password { user, password }) if (user, password) == USER => Ok(()),
        RequestRef::Auth(Credentials::Token(TOKEN)) => Ok(()),
        RequestRef::Auth(Credentials::Token(_)) => Err(Failure::new(v1::ErrorCode::AUTH, "invalid token")),
        _ => Err(Failure::new(v1::ErrorCode::AUTH, "invalid username or password")),
    }
}

/// Events that come before the answer are in the connection's queue then.
pub(crate) fn answer(node: &mut Node, number: u64, package: PackageRef<'_>) -> Result<Outcome, Failure> {
    match RequestRef::decode(package, State::S2)? {
        RequestRef::Query { target, code, blobs, .. } => {
            let is_collection = match target {
                Target::Node | Target::ThingsDb => false,
                Target::Collection(collection) => find(collection).map(|()| true)?,
            };
            // What is text is a raw, like all else: whoever sends a blob knows better.
            let blobs = blobs.iter().map(Value::from).collect();
            let collection = is_collection.then_some(&mut *node);
            let mut names = Names { collection, variables: BTreeMap::new(), blobs, changed: BTreeSet::new() };
            let result = code::run(code, &mut names);
            let changed = names.changed;
            if !changed.is_empty() {
                node.changed(&changed)?;
            }
            Ok(data(&result?)?.into())
        }
        RequestRef::Run { target, procedure: name, args } => {
            match target {
                Collection::Name(name) if name.ends_with(".thingsdb") => {}
                Collection::Name(name) if name.ends_with(".node") => {
                    return Err(Failure::new(v1::ErrorCode::BAD_DATA, "no procedures in the scope of a node"));
                }
                collection => find(collection)?,
            }
            let mut buffer = ValuesBuf::new();
            let mut args = args.iter();
            let (Some(arg), None) = (args.next(), args.next()) else {
                return Err(Failure::new(v1::ErrorCode::LOOKUP, format!("procedure `{name}` takes one argument")));
            };
            buffer.push(arg).map_err(|error| Failure::new(v1::ErrorCode::BAD_DATA, error.to_string()))?;
            let arg = thingsdb_wire::legacy::Data::new(buffer.as_ref().as_bytes()).payload()?;
            Ok(data(&procedure(name, &arg)?)?.into())
        }
        RequestRef::Watch(things) => {
            let answer = AnswerRef::Watch.to_body()?;
            let after = if wants_root(things)? {
                node.follow(number, Some(Spoken::Legacy));
                Some(initial(node)?)
            } else {
                None
            };
            Ok(Outcome { answer, after })
        }
        RequestRef::Unwatch(things) => {
            if wants_root(things)? {
                node.follow(number, None);
            }
            Ok(AnswerRef::Unwatch.to_body()?.into())
        }
        _ => Err(Failure::new(v1::ErrorCode::BAD_DATA, "no request that this node knows")),
    }
}

pub(crate) fn error(failure: &Failure) -> Body {
    // Codes of later years are not known yet.
    let code = if matches!(failure.code.0, -127..=-100 | -59..) { failure.code.0 } else { ErrorCode::BAD_DATA.0 };
    let error = ErrorRef { kind: Kind::RES_ERROR, code: ErrorCode(code), message: &failure.message };
    AnswerRef::Error(error).to_body().unwrap_or_else(|_| Body::empty(Kind::RES_ERROR))
}

pub(crate) fn status(status: &str) -> Option<Body> {
    EventRef::NodeStatus(status).to_body().ok()
}

/// The root as it is, for who watches it from now on.
fn initial(node: &Node) -> Result<Body, Failure> {
    let id = (Value::from("#"), Value::from(ROOT));
    let properties = node.properties().map(|(name, value)| (name.into(), value.clone()));
    let thing = encoded(&Value::Map(core::iter::once(id).chain(properties).collect()))?;
    let thing = ThingRef::decode(thing.as_ref().as_bytes())?;
    Ok(EventRef::WatchIni { event: node.change(), thing }.to_body()?)
}

/// Properties of the root were set.
pub(crate) fn update<'v>(event: i64, set: impl Iterator<Item = (&'v str, &'v Value)>) -> Result<Body, Failure> {
    let mut jobs = ValuesBuf::new();
    for (name, value) in set {
        let value = Value::Map(vec![(name.into(), value.clone())]);
        jobs.push_payload(&Value::Map(vec![("set".into(), value)]))?;
    }
    Ok(EventRef::WatchUpd { id: ROOT, event, jobs: jobs.as_ref() }.to_body()?)
}

fn encoded(value: &Value) -> Result<ValuesBuf, Failure> {
    let mut values = ValuesBuf::new();
    values.push_payload(value)?;
    Ok(values)
}

fn data(value: &Value) -> Result<Body, Failure> {
    Ok(Body::new(Kind::RES_QUERY.0, encoded(value)?.as_ref().as_bytes().to_vec()))
}

fn find(collection: Collection<'_>) -> Result<(), Failure> {
    match collection {
        Collection::Name(COLLECTION) => Ok(()),
        Collection::Name(name) => Err(Failure::new(v1::ErrorCode::LOOKUP, format!("collection `{name}` not found"))),
        Collection::Id(id) => Err(Failure::new(v1::ErrorCode::LOOKUP, format!("collection {id} not found"))),
    }
}

/// Things that do not exist are left out.
fn wants_root(things: Option<Things<'_>>) -> Result<bool, Failure> {
    let Some(things) = things else { return Ok(false) };
    find(things.collection)?;
    Ok(things.ids.iter().any(|id| id == ROOT))
}

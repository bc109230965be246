//! What all connections share: one collection, `stuff`, with the properties of its root, and who wants to hear of it.
//!
//! In v1 that is who is in room 5, called `chat`; in the dialect of 2019, who watches the root, which is thing 3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmpv::Value;
use thingsdb_wire::Body;
use thingsdb_wire::v1::ErrorCode;
use tokio::sync::mpsc;

use crate::Spoken;

/// The only collection.
pub(crate) const COLLECTION: &str = "stuff";
/// The ID of its root.
pub(crate) const ROOT: i64 = 3;
/// ID and name of its only room.
pub(crate) const ROOM: (i64, &str) = (5, "chat");

/// Events that may wait for a client. Who does not take them is sent away, so that nobody else waits.
const MAX_EVENTS: usize = 256;
/// Properties of the root, and bytes of one.
const MAX_PROPERTIES: usize = 1000;
const MAX_PROPERTY: usize = 64 << 10;

/// Why a request failed.
pub(crate) struct Failure {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A body that cannot be read, or not be written.
impl From<thingsdb_wire::BodyError> for Failure {
    fn from(error: thingsdb_wire::BodyError) -> Self {
        Self::new(ErrorCode::BAD_DATA, error.to_string())
    }
}

impl From<thingsdb_wire::PayloadError> for Failure {
    fn from(error: thingsdb_wire::PayloadError) -> Self {
        Self::new(ErrorCode::BAD_DATA, error.to_string())
    }
}

impl From<thingsdb_wire::EncodeError> for Failure {
    fn from(error: thingsdb_wire::EncodeError) -> Self {
        Self::new(ErrorCode::MAX_QUOTA, error.to_string())
    }
}

/// What a request leads to: events of the node's own go to the connection before or after the answer.
pub(crate) struct Outcome {
    pub(crate) answer: Body,
    pub(crate) after: Option<Body>,
}

impl From<Body> for Outcome {
    fn from(answer: Body) -> Self {
        Self { answer, after: None }
    }
}

#[derive(Default)]
pub(crate) struct Node {
    properties: BTreeMap<String, Value>,
    /// Number of the latest change.
    change: i64,
    members: BTreeMap<u64, Member>,
    next: u64,
}

/// A connection, as the others see it.
struct Member {
    events: mpsc::Sender<Body>,
    /// In the room, or watching the root.
    follows: Option<Spoken>,
}

pub(crate) type Shared = Arc<Mutex<Node>>;

pub(crate) fn shared() -> Shared {
    Shared::default()
}

/// Nobody panics with it in hand; if somebody did, it is still whole.
pub(crate) fn lock(node: &Shared) -> MutexGuard<'_, Node> {
    node.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    /// A connection, and where its events come from. If that ends, the node has sent it away.
    pub(crate) fn attach(&mut self) -> (u64, mpsc::Receiver<Body>) {
        let (events, receiver) = mpsc::channel(MAX_EVENTS);
        self.next = self.next.saturating_add(1);
        self.members.insert(self.next, Member { events, follows: None });
        (self.next, receiver)
    }

    pub(crate) fn detach(&mut self, number: u64) {
        self.members.remove(&number);
    }

    /// The connection hears of the collection from now on, or does not; whether it did before.
    pub(crate) fn follow(&mut self, number: u64, follows: Option<Spoken>) -> bool {
        let member = self.members.get_mut(&number);
        member.is_some_and(|member| core::mem::replace(&mut member.follows, follows).is_some())
    }

    /// As [`follow`](Self::follow) with nothing; who did before is told.
    pub(crate) fn leave(&mut self, number: u64, event: &Body) {
        if self.follow(number, None) {
            if let Some(member) = self.members.get(&number) {
                let _ = member.events.try_send(event.clone());
            }
        }
    }

    /// An event for all in the room or watching, but one.
    pub(crate) fn tell(&mut self, spoken: Spoken, event: &Body, except: Option<u64>) {
        self.members.retain(|number, member| {
            let is_meant = member.follows == Some(spoken) && Some(*number) != except;
            !is_meant || member.events.try_send(event.clone()).is_ok()
        });
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.properties.get(name)
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) -> Result<(), Failure> {
        if self.properties.len() >= MAX_PROPERTIES && !self.properties.contains_key(name) {
            return Err(Failure::new(
                ErrorCode::MAX_QUOTA,
                format!("maximum of {MAX_PROPERTIES} properties is reached"),
            ));
        }
        // Who watches has to be told of it: what cannot be written in qpack is refused too.
        if crate::legacy::update(self.change, core::iter::once((name, &value)))?.data.len() > MAX_PROPERTY {
            return Err(Failure::new(ErrorCode::MAX_QUOTA, format!("maximum of {MAX_PROPERTY} bytes is reached")));
        }
        self.properties.insert(name.to_owned(), value);
        Ok(())
    }

    /// The properties of the root, by name.
    pub(crate) fn properties(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.properties.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Number of the latest change.
    pub(crate) fn change(&self) -> i64 {
        self.change
    }

    /// Properties were set: who watches hears of it.
    pub(crate) fn changed(&mut self, names: &BTreeSet<String>) -> Result<(), Failure> {
        self.change = self.change.saturating_add(1);
        let values = names.iter().filter_map(|name| Some((name.as_str(), self.properties.get(name)?)));
        let event = crate::legacy::update(self.change, values)?;
        self.tell(Spoken::Legacy, &event, None);
        Ok(())
    }
}

/// The procedures, the same in all scopes. What is missing is nil, as in v1.
pub(crate) fn procedure(name: &str, arg: &Value) -> Result<Value, Failure> {
    match (name, arg) {
        ("add_one", Value::Integer(number)) => {
            let sum = number.as_i64().and_then(|number| number.checked_add(1));
            sum.map(Value::from).ok_or_else(|| Failure::new(ErrorCode::OVERFLOW, "integer overflow"))
        }
        ("greet", Value::String(name)) => Ok(format!("Hello, {}!", name.as_str().unwrap_or("you")).into()),
        ("add_one" | "greet", _) => Err(Failure::new(ErrorCode::TYPE, format!("`{name}` does not take this argument"))),
        _ => Err(Failure::new(ErrorCode::LOOKUP, format!("procedure `{name}` not found"))),
    }
}

/// The one parameter of a procedure.
pub(crate) fn parameter(procedure: &str) -> &'static str {
    if procedure == "add_one" { "n" } else { "name" }
}

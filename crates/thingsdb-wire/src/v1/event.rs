use super::Kind;
use super::answer::{fields, once, required};
use crate::body::{Body, Raw};
use crate::body_error::BodyError;
use crate::error::EncodeError;
use crate::limits::Limits;
use crate::msgpack::{Reader, ValuesRef, Writer, copy, write};
use crate::package::PackageRef;

/// What a server tells without being asked (SPEC.md §3). Its ID is 65535, which is also an ordinary ID of a request: only the TYPE
/// tells an event from an answer.
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::v1::EventRef;
///
/// let event = b"\x3c\x00\x00\x00\xff\xff\x08\xf7\x84\xa5scope\xb1@collection:stuff\xa2id\x05\xa5event\xabnew-message\xa4args\x91\xa6Hello!";
/// let event = PackageRef::decode(event)?;
/// let EventRef::RoomEmit { room, event: "new-message", args } = EventRef::decode(event).unwrap() else { panic!() };
/// assert_eq!((room.scope, room.id), (Some("@collection:stuff"), 5));
/// assert_eq!(args.iter().next().unwrap().as_bytes(), b"\xa6Hello!");
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventRef<'a> {
    /// A node changed its status.
    NodeStatus {
        /// The node; servers before 2021-07-28 do not say.
        node: Option<i64>,
        /// `READY`, `AWAY`, `SHUTTING_DOWN`, `OFFLINE` and others.
        status: &'a str,
    },
    /// A warning to the connection whose code caused it.
    Warn {
        /// 1: a thing was not found; 2: the code logged something.
        code: i64,
        /// In words.
        message: &'a str,
    },
    /// The connection is in the room now.
    RoomJoin(RoomRef<'a>),
    /// The connection is not in the room any more.
    RoomLeave(RoomRef<'a>),
    /// Somebody sent an event to the room.
    RoomEmit {
        /// The room.
        room: RoomRef<'a>,
        /// Name of the event.
        event: &'a str,
        /// What goes with it.
        args: ValuesRef<'a>,
    },
    /// The room is gone.
    RoomDelete(RoomRef<'a>),
    /// Of another TYPE, with its data.
    Unknown(Kind, Raw<'a>),
}

/// A room, as a server names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "all that the events have")]
pub struct RoomRef<'a> {
    /// Its collection, as `@collection:name`; servers before 1.8.6 do not say.
    pub scope: Option<&'a str>,
    /// Its ID.
    pub id: i64,
}

impl<'a> EventRef<'a> {
    /// Reads a package as a server sends it on its own.
    ///
    /// # Errors
    ///
    /// What the data lacks. Keys in any order and further ones are taken.
    pub fn decode(package: PackageRef<'a>) -> Result<Self, BodyError> {
        Self::read(package).map_err(|error| error.of(package))
    }

    fn read(package: PackageRef<'a>) -> Result<Self, BodyError> {
        let mut reader = Reader::new(package.data);
        let event = match Kind(package.kind) {
            Kind::NODE_STATUS => node_status(&mut reader)?,
            Kind::WARN => {
                let (mut code, mut message) = (None, None);
                fields(&mut reader, |key, reader| {
                    match key {
                        "warn_code" => once(&mut code, reader, "warn_code", |reader| reader.int("warn_code"))?,
                        "warn_msg" => once(&mut message, reader, "warn_msg", |reader| reader.str("warn_msg"))?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                Self::Warn { code: required(code, "warn_code")?, message: required(message, "warn_msg")? }
            }
            kind @ (Kind::ROOM_JOIN | Kind::ROOM_LEAVE | Kind::ROOM_DELETE) => {
                let (mut scope, mut id) = (None, None);
                fields(&mut reader, |key, reader| room_field(&mut scope, &mut id, key, reader))?;
                let room = RoomRef { scope, id: required(id, "id")? };
                match kind {
                    Kind::ROOM_JOIN => Self::RoomJoin(room),
                    Kind::ROOM_LEAVE => Self::RoomLeave(room),
                    _ => Self::RoomDelete(room),
                }
            }
            Kind::ROOM_EMIT => {
                let (mut scope, mut id, mut event, mut args) = (None, None, None, None);
                fields(&mut reader, |key, reader| {
                    match key {
                        "event" => once(&mut event, reader, "event", |reader| reader.str("event"))?,
                        "args" => once(&mut args, reader, "args", |reader| ValuesRef::read_array(reader, "args"))?,
                        _ => return room_field(&mut scope, &mut id, key, reader),
                    }
                    Ok(true)
                })?;
                Self::RoomEmit {
                    room: RoomRef { scope, id: required(id, "id")? },
                    event: required(event, "event")?,
                    args: required(args, "args")?,
                }
            }
            kind => return Ok(Self::Unknown(kind, Raw(package.data))),
        };
        reader.finish()?;
        Ok(event)
    }

    /// Its TYPE.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NodeStatus { .. } => Kind::NODE_STATUS,
            Self::Warn { .. } => Kind::WARN,
            Self::RoomJoin(_) => Kind::ROOM_JOIN,
            Self::RoomLeave(_) => Kind::ROOM_LEAVE,
            Self::RoomEmit { .. } => Kind::ROOM_EMIT,
            Self::RoomDelete(_) => Kind::ROOM_DELETE,
            Self::Unknown(kind, _) => *kind,
        }
    }

    /// TYPE and data under [`Limits::V1`].
    ///
    /// # Errors
    ///
    /// If the data would be over the limit.
    pub fn to_body(&self) -> Result<Body, EncodeError> {
        self.to_body_with(&Limits::V1)
    }

    /// TYPE and data, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// If the data would be over the limit.
    pub fn to_body_with(&self, limits: &Limits) -> Result<Body, EncodeError> {
        let kind = self.kind();
        match *self {
            Self::NodeStatus { node, status } => write(kind, &[status.as_bytes()], limits, |out| match node {
                Some(node) => out.map(2).str("id").int(node).str("status").str(status),
                None => out.str(status),
            }),
            Self::Warn { code, message } => write(kind, &[message.as_bytes()], limits, |out| {
                out.map(2).str("warn_code").int(code).str("warn_msg").str(message)
            }),
            Self::RoomJoin(room) | Self::RoomLeave(room) | Self::RoomDelete(room) => {
                write(kind, &[room.scope_bytes()], limits, |out| room.write(0, out))
            }
            Self::RoomEmit { room, event, args } => {
                write(kind, &[room.scope_bytes(), event.as_bytes(), args.as_bytes()], limits, |out| {
                    room.write(2, out).str("event").str(event).str("args").array(args.count).raw(args.as_bytes())
                })
            }
            Self::Unknown(_, data) => copy(kind, data.0, limits),
        }
    }
}

impl<'a> RoomRef<'a> {
    fn scope_bytes(self) -> &'a [u8] {
        self.scope.unwrap_or_default().as_bytes()
    }

    /// The map with its fields, with room for `more`.
    fn write(self, more: u32, out: &mut Writer) -> &mut Writer {
        match self.scope {
            Some(scope) => out.map(more.saturating_add(2)).str("scope").str(scope),
            None => out.map(more.saturating_add(1)),
        };
        out.str("id").int(self.id)
    }
}

fn node_status<'a>(reader: &mut Reader<'a>) -> Result<EventRef<'a>, BodyError> {
    if reader.is_str() {
        return Ok(EventRef::NodeStatus { node: None, status: reader.str("status")? });
    }
    let (mut node, mut status) = (None, None);
    fields(reader, |key, reader| {
        match key {
            "id" => once(&mut node, reader, "id", |reader| reader.int("id"))?,
            "status" => once(&mut status, reader, "status", |reader| reader.str("status"))?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(EventRef::NodeStatus { node, status: required(status, "status")? })
}

fn room_field<'a>(
    scope: &mut Option<&'a str>,
    id: &mut Option<i64>,
    key: &'a str,
    reader: &mut Reader<'a>,
) -> Result<bool, BodyError> {
    match key {
        "scope" => once(scope, reader, "scope", |reader| reader.str("scope"))?,
        "id" => once(id, reader, "id", |reader| reader.int("id"))?,
        _ => return Ok(false),
    }
    Ok(true)
}

use core::fmt;

use super::Kind;
use crate::body::{Body, Raw};
use crate::body_error::{BodyError, BodyErrorKind};
use crate::credentials::Credentials;
use crate::error::EncodeError;
use crate::limits::Limits;
use crate::msgpack::{Reader, ValueRef, Values, ValuesBuf, ValuesRef, copy, write};
use crate::package::PackageRef;

/// What a client asks (SPEC.md §3). `Debug` shows neither credentials nor code, which may hold some.
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::msgpack::ValuesBuf;
/// use thingsdb_wire::v1::{RequestRef, Room};
///
/// let query = PackageRef::decode(b"\x0b\x00\x00\x00\x03\x00\x22\xdd\x92\xa2@t\xa61 + 1;")?;
/// let request = RequestRef::decode(query).unwrap();
/// let RequestRef::Query { scope: "@t", code, variables: None } = request else { panic!() };
/// assert_eq!(code, "1 + 1;");
/// assert_eq!(request.to_body().unwrap().with_id(3).as_ref(), query);
///
/// let mut args = ValuesBuf::new();
/// args.push_str("Hello!");
/// let emit = RequestRef::Emit { scope: "//stuff", room: Room::Id(5), event: "new-message", args: args.as_ref() };
/// assert_eq!(&emit.to_body().unwrap().data[..], b"\x94\xa7//stuff\x05\xabnew-message\xa6Hello!");
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestRef<'a> {
    /// Are you there? Its data is ignored, whatever it is. Needs no authentication.
    Ping,
    /// Who is asking.
    Auth(Credentials<'a>),
    /// Runs code.
    Query {
        /// Where; see [`Scope`](super::Scope).
        scope: &'a str,
        /// What.
        code: &'a str,
        /// A map of names to values: from [`ValuesBuf::to_map`], or with feature `serde` from a struct by
        /// [`ValueBuf::of`](crate::msgpack::ValueBuf).
        variables: Option<ValueRef<'a>>,
    },
    /// Of 2019 to 2021; has no effect.
    Watch(Raw<'a>),
    /// Of 2019 to 2021; has no effect.
    Unwatch(Raw<'a>),
    /// Runs a procedure.
    Run {
        /// Where; see [`Scope`](super::Scope).
        scope: &'a str,
        /// Its name.
        procedure: &'a str,
        /// An array of arguments, or a map of names to arguments; `nil` counts as none.
        args: Option<ValueRef<'a>>,
    },
    /// Enters rooms; the answer is an array with the ID of each, or `nil` where there is none.
    Join {
        /// The collection; see [`Scope`](super::Scope).
        scope: &'a str,
        /// IDs and names.
        rooms: ValuesRef<'a>,
    },
    /// Leaves rooms; the answer is as that to a JOIN.
    Leave {
        /// The collection; see [`Scope`](super::Scope).
        scope: &'a str,
        /// IDs and names.
        rooms: ValuesRef<'a>,
    },
    /// Sends an event to all in a room.
    Emit {
        /// The collection; see [`Scope`](super::Scope).
        scope: &'a str,
        /// The room.
        room: Room<'a>,
        /// Name of the event.
        event: &'a str,
        /// What goes with it.
        args: ValuesRef<'a>,
    },
    /// Sends an event to all in a room but oneself.
    EmitPeer {
        /// The collection; see [`Scope`](super::Scope).
        scope: &'a str,
        /// The room.
        room: Room<'a>,
        /// Name of the event.
        event: &'a str,
        /// What goes with it.
        args: ValuesRef<'a>,
    },
    /// Of another TYPE, with its data.
    Unknown(Kind, Raw<'a>),
}

/// A room, as a client names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two that there are")]
pub enum Room<'a> {
    /// By ID.
    Id(i64),
    /// By name.
    Name(&'a str),
}

impl<'a> Room<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, BodyError> {
        if reader.is_str() { reader.str("room").map(Self::Name) } else { reader.int("room").map(Self::Id) }
    }

    /// The rooms, for a [`Join`](RequestRef::Join) or [`Leave`](RequestRef::Leave).
    pub fn values<'r>(rooms: impl IntoIterator<Item = Room<'r>>) -> ValuesBuf {
        let mut values = ValuesBuf::new();
        for room in rooms {
            match room {
                Room::Id(id) => values.push_int(id),
                Room::Name(name) => values.push_str(name),
            };
        }
        values
    }

    /// The room that a value of a [`Join`](RequestRef::Join) or [`Leave`](RequestRef::Leave) names.
    #[must_use]
    pub fn of(value: ValueRef<'a>) -> Option<Self> {
        Self::read(&mut value.reader()).ok()
    }
}

impl<'a> RequestRef<'a> {
    /// Reads the data of a package as a client sent it.
    ///
    /// # Errors
    ///
    /// What the data lacks. Stricter than servers, which let bytes behind the value pass, do not count the items of a QUERY, and
    /// ignore variables that are no map (SPEC.md §3).
    pub fn decode(package: PackageRef<'a>) -> Result<Self, BodyError> {
        Self::read(package).map_err(|error| error.of(package))
    }

    fn read(package: PackageRef<'a>) -> Result<Self, BodyError> {
        let mut reader = Reader::new(package.data);
        let request = match Kind(package.kind) {
            Kind::PING => return Ok(Self::Ping),
            Kind::WATCH => return Ok(Self::Watch(Raw(package.data))),
            Kind::UNWATCH => return Ok(Self::Unwatch(Raw(package.data))),
            Kind::AUTH => Self::Auth(credentials(&mut reader)?),
            Kind::QUERY => {
                let left = items(&mut reader, 2..=3)?;
                let (scope, code) = (reader.str("scope")?, reader.str("code")?);
                let variables =
                    if left == 3 { Some(of_type(&mut reader, "variables", ValueRef::is_map)?) } else { None };
                Self::Query { scope, code, variables }
            }
            Kind::RUN => {
                let left = items(&mut reader, 2..=3)?;
                let (scope, procedure) = (reader.str("scope")?, reader.str("procedure")?);
                let args = if left == 3 { Some(of_type(&mut reader, "args", are_args)?) } else { None };
                Self::Run { scope, procedure, args }
            }
            Kind::JOIN => {
                let (scope, rooms) = rooms(&mut reader)?;
                Self::Join { scope, rooms }
            }
            Kind::LEAVE => {
                let (scope, rooms) = rooms(&mut reader)?;
                Self::Leave { scope, rooms }
            }
            kind @ (Kind::EMIT | Kind::EMIT_PEER) => {
                let left = items(&mut reader, 3..=u32::MAX)?.saturating_sub(3);
                let (scope, room, event) = (reader.str("scope")?, Room::read(&mut reader)?, reader.str("event")?);
                let args = ValuesRef::read(&mut reader, left, "args")?;
                match kind {
                    Kind::EMIT => Self::Emit { scope, room, event, args },
                    _ => Self::EmitPeer { scope, room, event, args },
                }
            }
            kind => return Ok(Self::Unknown(kind, Raw(package.data))),
        };
        reader.finish()?;
        Ok(request)
    }

    /// Its TYPE.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Ping => Kind::PING,
            Self::Auth(_) => Kind::AUTH,
            Self::Query { .. } => Kind::QUERY,
            Self::Watch(_) => Kind::WATCH,
            Self::Unwatch(_) => Kind::UNWATCH,
            Self::Run { .. } => Kind::RUN,
            Self::Join { .. } => Kind::JOIN,
            Self::Leave { .. } => Kind::LEAVE,
            Self::Emit { .. } => Kind::EMIT,
            Self::EmitPeer { .. } => Kind::EMIT_PEER,
            Self::Unknown(kind, _) => *kind,
        }
    }

    /// TYPE and data under [`Limits::V1`].
    ///
    /// # Errors
    ///
    /// As [`to_body_with`](Self::to_body_with).
    pub fn to_body(&self) -> Result<Body, EncodeError> {
        self.to_body_with(&Limits::V1)
    }

    /// TYPE and data, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// If the data would be over the limit; [`NotWritable`](EncodeError::NotWritable) if the variables are no map, or the arguments
    /// neither array, map nor nil.
    pub fn to_body_with(&self, limits: &Limits) -> Result<Body, EncodeError> {
        let kind = self.kind();
        match *self {
            Self::Query { variables: Some(variables), .. } if !variables.is_map() => {
                Err(EncodeError::NotWritable { what: "variables" })
            }
            Self::Run { args: Some(args), .. } if !are_args(args) => Err(EncodeError::NotWritable { what: "args" }),
            Self::Ping => Ok(Body::empty(kind)),
            Self::Watch(data) | Self::Unwatch(data) | Self::Unknown(_, data) => copy(kind, data.0, limits),
            Self::Auth(Credentials::Token(token)) => write(kind, &[token.as_bytes()], limits, |out| out.str(token)),
            Self::Auth(Credentials::Password { user, password }) => {
                write(kind, &[user.as_bytes(), password.as_bytes()], limits, |out| out.array(2).str(user).str(password))
            }
            Self::Query { scope, code: second, variables: third }
            | Self::Run { scope, procedure: second, args: third } => {
                let bytes = third.map_or(&[][..], ValueRef::as_bytes);
                write(kind, &[scope.as_bytes(), second.as_bytes(), bytes], limits, |out| {
                    out.array(if third.is_some() { 3 } else { 2 }).str(scope).str(second).raw(bytes)
                })
            }
            Self::Join { scope, rooms } | Self::Leave { scope, rooms } => {
                write(kind, &[scope.as_bytes(), rooms.as_bytes()], limits, |out| {
                    out.array(rooms.count.saturating_add(1)).str(scope).raw(rooms.as_bytes())
                })
            }
            Self::Emit { scope, room, event, args } | Self::EmitPeer { scope, room, event, args } => {
                let name = if let Room::Name(name) = room { name } else { "" };
                let parts = [scope.as_bytes(), name.as_bytes(), event.as_bytes(), args.as_bytes()];
                write(kind, &parts, limits, |out| {
                    out.array(args.count.saturating_add(3)).str(scope);
                    match room {
                        Room::Id(id) => out.int(id),
                        Room::Name(name) => out.str(name),
                    };
                    out.str(event).raw(args.as_bytes())
                })
            }
        }
    }
}

fn credentials<'a>(reader: &mut Reader<'a>) -> Result<Credentials<'a>, BodyError> {
    if reader.is_str() {
        return reader.str("token").map(Credentials::Token);
    }
    items(reader, 2..=2)?;
    Ok(Credentials::Password { user: reader.str("user")?, password: reader.str("password")? })
}

/// The length of the array that the data is.
fn items(reader: &mut Reader<'_>, allowed: core::ops::RangeInclusive<u32>) -> Result<u32, BodyError> {
    let start = reader.clone();
    let len = reader.array("DATA")?;
    if allowed.contains(&len) { Ok(len) } else { Err(start.error(BodyErrorKind::InvalidLength, "DATA")) }
}

fn rooms<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, ValuesRef<'a>), BodyError> {
    let count = items(reader, 1..=u32::MAX)?.saturating_sub(1);
    let scope = reader.str("scope")?;
    let mut rooms = reader.clone();
    for _ in 0..count {
        Room::read(&mut rooms)?;
    }
    Ok((scope, ValuesRef::read(reader, count, "room")?))
}

/// Whether a RUN takes them.
fn are_args(args: ValueRef<'_>) -> bool {
    args.is_array() || args.is_map() || args == ValueRef::NIL
}

fn of_type<'a>(
    reader: &mut Reader<'a>,
    what: &'static str,
    is: impl FnOnce(ValueRef<'a>) -> bool,
) -> Result<ValueRef<'a>, BodyError> {
    let start = reader.clone();
    let value = ValueRef::read(reader, what)?;
    if is(value) { Ok(value) } else { Err(start.error(BodyErrorKind::UnexpectedType, what)) }
}

impl fmt::Debug for RequestRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ping => f.write_str("Ping"),
            Self::Auth(credentials) => f.debug_tuple("Auth").field(credentials).finish(),
            Self::Query { scope, code, variables } => {
                let mut shown = f.debug_struct("Query");
                shown.field("scope", scope).field("code", &Raw(code.as_bytes())).field("variables", variables).finish()
            }
            Self::Watch(data) => f.debug_tuple("Watch").field(data).finish(),
            Self::Unwatch(data) => f.debug_tuple("Unwatch").field(data).finish(),
            Self::Run { scope, procedure, args } => {
                f.debug_struct("Run").field("scope", scope).field("procedure", procedure).field("args", args).finish()
            }
            Self::Join { scope, rooms } | Self::Leave { scope, rooms } => {
                let name = if matches!(self, Self::Join { .. }) { "Join" } else { "Leave" };
                f.debug_struct(name).field("scope", scope).field("rooms", rooms).finish()
            }
            Self::Emit { scope, room, event, args } | Self::EmitPeer { scope, room, event, args } => {
                let name = if matches!(self, Self::Emit { .. }) { "Emit" } else { "EmitPeer" };
                let mut shown = f.debug_struct(name);
                shown.field("scope", scope).field("room", room).field("event", event).field("args", args).finish()
            }
            Self::Unknown(kind, data) => f.debug_tuple("Unknown").field(kind).field(data).finish(),
        }
    }
}

/// The rooms of a [`Join`](RequestRef::Join) or [`Leave`](RequestRef::Leave), one after the other.
impl<'a> ValuesRef<'a> {
    /// The values as rooms; those that name none are left out.
    pub fn rooms(self) -> core::iter::FilterMap<Values<'a>, fn(ValueRef<'a>) -> Option<Room<'a>>> {
        self.iter().filter_map(Room::of)
    }
}

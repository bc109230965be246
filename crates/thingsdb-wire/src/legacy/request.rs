use core::fmt;

use qpack_codec::ValueRef;

use super::{Kind, State};
use crate::body::{Body, Raw};
use crate::body_error::{BodyError, BodyErrorKind};
use crate::credentials::Credentials;
use crate::error::EncodeError;
use crate::limits::Limits;
use crate::package::PackageRef;
use crate::qpack::{Reader, ValuesRef, Written, copy, known_fields, once, required, write};

type Writer<'b> = qpack_codec::Writer<'b, alloc::vec::Vec<u8>>;

/// What a client asks (SPEC.md §5). `Debug` shows neither credentials nor code, which may hold some.
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::legacy::{Blobs, Collection, Credentials, RequestRef, State, Target};
///
/// // The example of the protocol's own document.
/// let auth = PackageRef::decode(b"\x0c\x00\x00\x00\x00\x00\x21\xde\xef\x85admin\x84pass")?;
/// let request = RequestRef::decode(auth, State::S2).unwrap();
/// assert_eq!(request, RequestRef::Auth(Credentials::Password { user: "admin", password: "pass" }));
/// assert_eq!(request.to_body(State::S2).unwrap().with_id(0).as_ref(), auth);
///
/// let query = RequestRef::Query {
///     target: Target::Collection(Collection::Name("stuff")),
///     code: ".b = blob(0)",
///     blobs: Blobs::new(&[b"\xff\x00\x01"]),
///     deep: None,
///     all: None,
/// };
/// let body = query.to_body(State::S2).unwrap();
/// assert_eq!(body.kind, 36);
/// assert_eq!(&body.data[..], b"\xf6\x85query\x8c.b = blob(0)\x8acollection\x85stuff\x85blobs\xee\x83\xff\x00\x01");
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestRef<'a> {
    /// Are you there? Its data is ignored, whatever it is. Needs no authentication.
    Ping,
    /// Who is asking.
    Auth(Credentials<'a>),
    /// Runs code, in S1 and S2.
    Query {
        /// Where. It makes the TYPE.
        target: Target<'a>,
        /// What.
        code: &'a str,
        /// What the code reads by index. In S1 only with a collection.
        blobs: Blobs<'a>,
        /// How many levels of things to answer with, 0 to 127. S1 only.
        deep: Option<i64>,
        /// Whether to answer with the result of each statement. S1 only.
        all: Option<bool>,
    },
    /// Runs code, in September.
    QueryScope {
        /// Where.
        scope: &'a str,
        /// What.
        code: &'a str,
        /// What the code reads by index.
        blobs: Blobs<'a>,
    },
    /// Asks for events: of the node's status, and of things if there are any. In September, data comes out as
    /// [`Unknown`](Self::Unknown): an array of which nothing more is known.
    Watch(Option<Things<'a>>),
    /// Asks for no more events of things. In September as [`Watch`](Self::Watch).
    Unwatch(Option<Things<'a>>),
    /// Runs a procedure.
    Run {
        /// Where: a collection, or as its name a text that ends in `.thingsdb` (or in `.node`, which servers refuse).
        target: Collection<'a>,
        /// Its name.
        procedure: &'a str,
        /// As many as it takes.
        args: ValuesRef<'a>,
    },
    /// Of another TYPE, with its data.
    Unknown(Kind, Raw<'a>),
}

/// Where a query runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that there are")]
pub enum Target<'a> {
    /// The node one is connected to.
    Node,
    /// All of the cluster: users, collections.
    ThingsDb,
    /// A collection.
    Collection(Collection<'a>),
}

/// A collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two that there are")]
pub enum Collection<'a> {
    /// By name.
    Name(&'a str),
    /// By ID.
    Id(i64),
}

impl<'a> Collection<'a> {
    fn read(reader: &mut Reader<'a>, what: &'static str) -> Result<Self, BodyError> {
        if reader.is_raw(what)? { reader.str(what).map(Self::Name) } else { reader.int(what).map(Self::Id) }
    }

    fn write(self, out: &mut Writer<'_>) -> Written {
        match self {
            Self::Name(name) => out.str(name)?,
            Self::Id(id) => out.int(id)?,
        };
        Ok(())
    }
}

/// Things of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that the requests have")]
pub struct Things<'a> {
    /// Their IDs.
    pub ids: Ids<'a>,
    /// Where they are.
    pub collection: Collection<'a>,
}

impl<'a> Things<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, BodyError> {
        let (mut ids, mut collection) = (None, None);
        known_fields(reader, |key, reader| {
            match key {
                b"things" => once(&mut ids, reader, "things", |reader, what| {
                    reader.array(what)?;
                    ValuesRef::read_ints(reader, what).map(Run::Encoded).map(Ids)
                })?,
                b"collection" => once(&mut collection, reader, "collection", Collection::read)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { ids: required(ids, 0, "things")?, collection: required(collection, 0, "collection")? })
    }

    fn write(self, out: &mut Writer<'_>) -> Written {
        out.map(2)?.str("things")?.array(self.ids.len())?;
        for id in self.ids.iter() {
            out.int(id)?;
        }
        out.end()?.str("collection")?;
        self.collection.write(out)?;
        out.end()?;
        Ok(())
    }
}

/// Where the items of a run are.
#[derive(Clone, Copy)]
enum Run<'a, T> {
    /// In a package.
    Encoded(ValuesRef<'a>),
    /// With the caller.
    Slice(&'a [T]),
}

impl<'a, T: Copy> Run<'a, T> {
    const fn len(self) -> usize {
        match self {
            Self::Encoded(values) => values.len(),
            Self::Slice(items) => items.len(),
        }
    }

    fn iter(self, pick: fn(ValueRef<'a>) -> Option<T>) -> impl Iterator<Item = T> + use<'a, T> {
        let (values, items) = match self {
            Self::Encoded(values) => (values, &[][..]),
            Self::Slice(items) => (ValuesRef::EMPTY, items),
        };
        values.iter().filter_map(pick).chain(items.iter().copied())
    }
}

/// Pieces of binary data that go with a query: those of a package, or a slice of the caller's.
///
/// ```
/// use thingsdb_wire::legacy::Blobs;
///
/// let blobs = Blobs::new(&[b"\xff\x00", b""]);
/// assert_eq!(blobs.len(), 2);
/// assert!(blobs.iter().eq([&b"\xff\x00"[..], b""]));
/// ```
#[derive(Clone, Copy)]
pub struct Blobs<'a>(Run<'a, &'a [u8]>);

impl<'a> Blobs<'a> {
    /// None.
    pub const NONE: Blobs<'static> = Blobs(Run::Slice(&[]));

    /// These.
    #[must_use]
    pub const fn new(blobs: &'a [&'a [u8]]) -> Self {
        Self(Run::Slice(blobs))
    }

    /// How many.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.iter(ValueRef::as_raw)
    }

    /// What is left of the array.
    fn read(reader: &mut Reader<'a>) -> Result<Self, BodyError> {
        ValuesRef::read_raws(reader, "blobs").map(Run::Encoded).map(Self)
    }

    fn write(self, out: &mut Writer<'_>) -> Written {
        for blob in self.iter() {
            out.raw(blob)?;
        }
        Ok(())
    }
}

impl PartialEq for Blobs<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Blobs<'_> {}

impl fmt::Debug for Blobs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.len())
    }
}

/// IDs of things: those of a package, or a slice of the caller's.
#[derive(Clone, Copy)]
pub struct Ids<'a>(Run<'a, i64>);

impl<'a> Ids<'a> {
    /// These.
    #[must_use]
    pub const fn new(ids: &'a [i64]) -> Self {
        Self(Run::Slice(ids))
    }

    /// How many.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = i64> + use<'a> {
        self.0.iter(ValueRef::as_int)
    }
}

impl PartialEq for Ids<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Ids<'_> {}

impl fmt::Debug for Ids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> RequestRef<'a> {
    /// Reads the data of a package as a client of this state sent it.
    ///
    /// # Errors
    ///
    /// What the data lacks. Stricter than servers, which let bytes behind the value pass and misread unknown keys (SPEC.md §5).
    pub fn decode(package: PackageRef<'a>, state: State) -> Result<Self, BodyError> {
        Self::read(package, state).map_err(|error| error.of(package))
    }

    fn read(package: PackageRef<'a>, state: State) -> Result<Self, BodyError> {
        let mut reader = Reader::new(package.data);
        let request = match Kind(package.kind) {
            Kind::PING => return Ok(Self::Ping),
            Kind::AUTH => Self::Auth(credentials(&mut reader)?),
            Kind::QUERY if state == State::September => {
                let start = reader.array("DATA")?;
                reader.item(start, "scope")?;
                let scope = reader.str("scope")?;
                reader.item(start, "code")?;
                Self::QueryScope { scope, code: reader.str("code")?, blobs: Blobs::read(&mut reader)? }
            }
            kind @ (Kind::QUERY_NODE | Kind::QUERY_THINGSDB | Kind::QUERY_COLLECTION) if state != State::September => {
                query(&mut reader, kind, state)?
            }
            Kind::WATCH if package.data.is_empty() => return Ok(Self::Watch(None)),
            Kind::UNWATCH if package.data.is_empty() => return Ok(Self::Unwatch(None)),
            Kind::WATCH if state != State::September => Self::Watch(Some(Things::read(&mut reader)?)),
            Kind::UNWATCH if state != State::September => Self::Unwatch(Some(Things::read(&mut reader)?)),
            Kind::RUN => {
                let start = reader.array("DATA")?;
                reader.item(start, "target")?;
                let target = Collection::read(&mut reader, "target")?;
                reader.item(start, "procedure")?;
                let procedure = reader.str("procedure")?;
                Self::Run { target, procedure, args: ValuesRef::read(&mut reader, "args")? }
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
            Self::Query { target: Target::Node, .. } => Kind::QUERY_NODE,
            Self::Query { target: Target::ThingsDb, .. } => Kind::QUERY_THINGSDB,
            Self::Query { target: Target::Collection(_), .. } => Kind::QUERY_COLLECTION,
            Self::QueryScope { .. } => Kind::QUERY,
            Self::Watch(_) => Kind::WATCH,
            Self::Unwatch(_) => Kind::UNWATCH,
            Self::Run { .. } => Kind::RUN,
            Self::Unknown(kind, _) => *kind,
        }
    }

    /// TYPE and data under [`Limits::LEGACY`].
    ///
    /// # Errors
    ///
    /// As [`to_body_with`](Self::to_body_with).
    pub fn to_body(&self, state: State) -> Result<Body, EncodeError> {
        self.to_body_with(state, &Limits::LEGACY)
    }

    /// TYPE and data, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// If the data would be over the limit; [`NotWritable`](EncodeError::NotWritable) for what this state does not have, since
    /// servers misread it.
    pub fn to_body_with(&self, state: State, limits: &Limits) -> Result<Body, EncodeError> {
        let kind = self.kind();
        if let Some(what) = self.not_in(state) {
            return Err(EncodeError::NotWritable { what });
        }
        match *self {
            Self::Ping | Self::Watch(None) | Self::Unwatch(None) => Ok(Body::empty(kind)),
            Self::Unknown(_, data) => copy(kind, data.0, limits),
            Self::Auth(Credentials::Token(token)) => write(kind, limits, |out| out.str(token).map(|_| ())),
            Self::Auth(Credentials::Password { user, password }) => {
                write(kind, limits, |out| out.array(2)?.str(user)?.str(password)?.end().map(|_| ()))
            }
            Self::Query { target, code, blobs, deep, all } => write(kind, limits, |out| {
                out.map_auto()?.str("query")?.str(code)?;
                if let Target::Collection(collection) = target {
                    out.str("collection")?;
                    collection.write(out)?;
                }
                if !blobs.is_empty() {
                    out.str("blobs")?.array(blobs.len())?;
                    blobs.write(out)?;
                    out.end()?;
                }
                if let Some(deep) = deep {
                    out.str("deep")?.int(deep)?;
                }
                if let Some(all) = all {
                    out.str("all")?.bool(all)?;
                }
                out.end().map(|_| ())
            }),
            Self::QueryScope { scope, code, blobs } => write(kind, limits, |out| {
                out.array(blobs.len().saturating_add(2))?.str(scope)?.str(code)?;
                blobs.write(out)?;
                out.end().map(|_| ())
            }),
            Self::Watch(Some(things)) | Self::Unwatch(Some(things)) => write(kind, limits, |out| things.write(out)),
            Self::Run { target, procedure, args } => write(kind, limits, |out| {
                out.array(args.len().saturating_add(2))?;
                target.write(out)?;
                out.str(procedure)?;
                args.write(out)?;
                out.end().map(|_| ())
            }),
        }
    }
}

impl RequestRef<'_> {
    /// A part of it that this state does not have.
    fn not_in(&self, state: State) -> Option<&'static str> {
        match *self {
            Self::Query { target, blobs, deep, all, .. } => {
                let of_collection = matches!(target, Target::Collection(_));
                let parts = [
                    ("query by target", state == State::September),
                    ("blobs", !blobs.is_empty() && !takes_blobs(of_collection, state)),
                    ("deep", deep.is_some_and(|deep| state != State::S1 || !DEEP.contains(&deep))),
                    ("all", all.is_some() && state != State::S1),
                ];
                parts.into_iter().find(|(_, is_missing)| *is_missing).map(|(what, _)| what)
            }
            Self::QueryScope { .. } => (state != State::September).then_some("query by scope"),
            Self::Watch(Some(_)) | Self::Unwatch(Some(_)) => (state == State::September).then_some("things"),
            Self::Ping
            | Self::Auth(_)
            | Self::Watch(None)
            | Self::Unwatch(None)
            | Self::Run { .. }
            | Self::Unknown(..) => None,
        }
    }
}

impl fmt::Debug for RequestRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ping => f.write_str("Ping"),
            Self::Auth(credentials) => f.debug_tuple("Auth").field(credentials).finish(),
            Self::Query { target, code, blobs, deep, all } => {
                let mut shown = f.debug_struct("Query");
                shown.field("target", target).field("code", &Raw(code.as_bytes())).field("blobs", blobs);
                shown.field("deep", deep).field("all", all).finish()
            }
            Self::QueryScope { scope, code, blobs } => {
                let mut shown = f.debug_struct("QueryScope");
                shown.field("scope", scope).field("code", &Raw(code.as_bytes())).field("blobs", blobs).finish()
            }
            Self::Watch(things) => f.debug_tuple("Watch").field(things).finish(),
            Self::Unwatch(things) => f.debug_tuple("Unwatch").field(things).finish(),
            Self::Run { target, procedure, args } => {
                f.debug_struct("Run").field("target", target).field("procedure", procedure).field("args", args).finish()
            }
            Self::Unknown(kind, data) => f.debug_tuple("Unknown").field(kind).field(data).finish(),
        }
    }
}

/// What `deep` may be.
const DEEP: core::ops::RangeInclusive<i64> = 0..=127;

/// From 2019-08-06 on, the queries without a collection take them too.
fn takes_blobs(of_collection: bool, state: State) -> bool {
    of_collection || state != State::S1
}

fn credentials<'a>(reader: &mut Reader<'a>) -> Result<Credentials<'a>, BodyError> {
    if reader.is_raw("DATA")? {
        return reader.str("token").map(Credentials::Token);
    }
    let start = reader.array("DATA")?;
    reader.item(start, "user")?;
    let user = reader.str("user")?;
    reader.item(start, "password")?;
    let password = reader.str("password")?;
    reader.end(start)?;
    Ok(Credentials::Password { user, password })
}

fn query<'a>(reader: &mut Reader<'a>, kind: Kind, state: State) -> Result<RequestRef<'a>, BodyError> {
    let of_collection = kind == Kind::QUERY_COLLECTION;
    let (mut code, mut collection, mut blobs, mut deep, mut all) = (None, None, None, None, None);
    known_fields(reader, |key, reader| {
        match key {
            b"query" => once(&mut code, reader, "query", Reader::str)?,
            b"collection" if of_collection => once(&mut collection, reader, "collection", Collection::read)?,
            b"blobs" if takes_blobs(of_collection, state) => once(&mut blobs, reader, "blobs", |reader, what| {
                reader.array(what)?;
                Blobs::read(reader)
            })?,
            b"deep" if state == State::S1 => once(&mut deep, reader, "deep", |reader, what| {
                let start = reader.position();
                let deep = reader.int(what)?;
                let is_allowed = DEEP.contains(&deep);
                if is_allowed { Ok(deep) } else { Err(BodyError::new(BodyErrorKind::InvalidValue, start, what)) }
            })?,
            b"all" if state == State::S1 => once(&mut all, reader, "all", Reader::bool)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let code = required(code, 0, "query")?;
    let target = match kind {
        Kind::QUERY_NODE => Target::Node,
        Kind::QUERY_THINGSDB => Target::ThingsDb,
        _ => Target::Collection(required(collection, 0, "collection")?),
    };
    Ok(RequestRef::Query { target, code, blobs: blobs.unwrap_or(Blobs::NONE), deep, all })
}

use core::fmt;

use qpack_codec::ValueRef;

use super::Request;
use crate::body::{Body, Raw};
use crate::body_error::BodyError;
use crate::error::EncodeError;
use crate::kinds::open_numbers;
use crate::limits::Limits;
use crate::package::PackageRef;
use crate::qpack::{Data, ITEM, Reader, copy, write};

/// What a client asks (SPEC.md §6). `Debug` shows neither credentials nor queries, which may hold some.
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::siridb::{Precision, RequestRef};
///
/// let query = PackageRef::decode(b"\x14\x00\x00\x00\x03\x00\x00\xff\xef\x91select * from \"a\"\x00")?;
/// let request = RequestRef::decode(query).unwrap();
/// let precision = Some(Precision::SECONDS);
/// assert_eq!(request, RequestRef::Query { query: "select * from \"a\"", precision });
/// assert_eq!(request.to_body().unwrap().with_id(3).as_ref(), query);
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestRef<'a> {
    /// Runs a query.
    Query {
        /// In SiriDB's language.
        query: &'a str,
        /// Of the times in query and answer; that of the database if there is none.
        precision: Option<Precision>,
    },
    /// Points: `{series: [[timestamp, value], ...]}`, or an array form; not looked at yet.
    Insert(Data<'a>),
    /// Who is asking, and for which database.
    Auth(Credentials<'a>),
    /// Are you there? Its data is ignored. Needs no authentication.
    Ping,
    /// Gone in 2.x: no answer. Its data is ignored.
    Info,
    /// Gone in 2.x: no answer; with its data.
    LoadDb(Raw<'a>),
    /// A new server tells of itself.
    RegisterServer {
        /// Its UUID.
        uuid: &'a [u8],
        /// Where it is.
        host: &'a str,
        /// Where it is.
        port: i64,
        /// The pool it is to join.
        pool: i64,
    },
    /// Asks for a file. Data is ignored, and so for the other three.
    FileServers,
    /// Asks for a file.
    FileUsers,
    /// Asks for a file.
    FileGroups,
    /// Asks for a file.
    FileDatabase,
    /// What is done to the server as a whole.
    Service(Service<'a>),
    /// Of another TYPE, with its data.
    Unknown(Request, Raw<'a>),
}

open_numbers! {
    /// Unit of the times in a query.
    Precision: i64 {
        /// s.
        SECONDS = 0,
        /// ms.
        MILLISECONDS = 1,
        /// µs.
        MICROSECONDS = 2,
        /// ns.
        NANOSECONDS = 3,
    }
}

/// Who is asking. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that an AUTH has")]
pub struct Credentials<'a> {
    /// Name.
    pub user: &'a str,
    /// Password.
    pub password: &'a str,
    /// Name of the database.
    pub database: &'a str,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// A request of the service account. `Debug` shows the number of the request only.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that a SERVICE has")]
pub struct Service<'a> {
    /// Name of the service account.
    pub user: &'a str,
    /// Its password.
    pub password: &'a str,
    /// What to do.
    pub request: i64,
    /// A map, which may hold passwords too. What is not exactly one value, nested 63 deep at most, cannot be written.
    pub data: Data<'a>,
}

impl fmt::Debug for RequestRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query { query, precision } => {
                let query = Raw(query.as_bytes());
                f.debug_struct("Query").field("query", &query).field("precision", precision).finish()
            }
            Self::Insert(data) => f.debug_tuple("Insert").field(data).finish(),
            Self::Auth(credentials) => f.debug_tuple("Auth").field(credentials).finish(),
            Self::LoadDb(data) => f.debug_tuple("LoadDb").field(data).finish(),
            Self::RegisterServer { uuid, host, port, pool } => {
                let mut shown = f.debug_struct("RegisterServer");
                shown.field("uuid", uuid).field("host", host).field("port", port).field("pool", pool).finish()
            }
            Self::Service(service) => f.debug_tuple("Service").field(service).finish(),
            Self::Unknown(kind, data) => f.debug_tuple("Unknown").field(kind).field(data).finish(),
            Self::Ping | Self::Info | Self::FileServers | Self::FileUsers | Self::FileGroups | Self::FileDatabase => {
                write!(f, "{}", self.kind())
            }
        }
    }
}

impl fmt::Debug for Service<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({}, ..)", self.request)
    }
}

impl<'a> RequestRef<'a> {
    /// Reads the data of a package as a client sent it.
    ///
    /// # Errors
    ///
    /// What the data lacks.
    pub fn decode(package: PackageRef<'a>) -> Result<Self, BodyError> {
        Self::read(package).map_err(|error| error.of(package))
    }

    fn read(package: PackageRef<'a>) -> Result<Self, BodyError> {
        let mut reader = Reader::new(package.data);
        let request = match Request(package.kind) {
            Request::INSERT => return Ok(Self::Insert(Data::of(package))),
            Request::PING => return Ok(Self::Ping),
            Request::INFO => return Ok(Self::Info),
            Request::LOADDB => return Ok(Self::LoadDb(Raw(package.data))),
            Request::FILE_SERVERS => return Ok(Self::FileServers),
            Request::FILE_USERS => return Ok(Self::FileUsers),
            Request::FILE_GROUPS => return Ok(Self::FileGroups),
            Request::FILE_DATABASE => return Ok(Self::FileDatabase),
            Request::QUERY => {
                let start = reader.array("DATA")?;
                let query = item(&mut reader, start, "query", Reader::str)?;
                let precision = item(&mut reader, start, "precision", |reader, what| {
                    let mut null = reader.clone();
                    if null.null(what).is_ok() {
                        *reader = null;
                        return Ok(None);
                    }
                    reader.int(what).map(Precision).map(Some)
                })?;
                reader.end(start)?;
                Self::Query { query, precision }
            }
            Request::AUTH => {
                let start = reader.array("DATA")?;
                let user = item(&mut reader, start, "user", Reader::str)?;
                let password = item(&mut reader, start, "password", Reader::str)?;
                let database = item(&mut reader, start, "database", Reader::str)?;
                reader.end(start)?;
                Self::Auth(Credentials { user, password, database })
            }
            Request::REGISTER_SERVER => {
                let start = reader.array("DATA")?;
                let uuid = item(&mut reader, start, "uuid", Reader::raw)?;
                let host = item(&mut reader, start, "host", Reader::str)?;
                let port = item(&mut reader, start, "port", Reader::int)?;
                let pool = item(&mut reader, start, "pool", Reader::int)?;
                reader.end(start)?;
                Self::RegisterServer { uuid, host, port, pool }
            }
            Request::SERVICE => {
                let start = reader.array("DATA")?;
                let user = item(&mut reader, start, "user", Reader::str)?;
                let password = item(&mut reader, start, "password", Reader::str)?;
                let request = item(&mut reader, start, "request", Reader::int)?;
                let data = item(&mut reader, start, "data", |reader, what| {
                    reader.clone().map(what)?;
                    reader.pass(what)
                })?;
                reader.end(start)?;
                Self::Service(Service { user, password, request, data: Data::of(PackageRef { data, ..package }) })
            }
            kind => return Ok(Self::Unknown(kind, Raw(package.data))),
        };
        reader.finish()?;
        Ok(request)
    }

    /// Its TYPE.
    #[must_use]
    pub const fn kind(&self) -> Request {
        match self {
            Self::Query { .. } => Request::QUERY,
            Self::Insert(_) => Request::INSERT,
            Self::Auth(_) => Request::AUTH,
            Self::Ping => Request::PING,
            Self::Info => Request::INFO,
            Self::LoadDb(_) => Request::LOADDB,
            Self::RegisterServer { .. } => Request::REGISTER_SERVER,
            Self::FileServers => Request::FILE_SERVERS,
            Self::FileUsers => Request::FILE_USERS,
            Self::FileGroups => Request::FILE_GROUPS,
            Self::FileDatabase => Request::FILE_DATABASE,
            Self::Service(_) => Request::SERVICE,
            Self::Unknown(kind, _) => *kind,
        }
    }

    /// TYPE and data under [`Limits::SIRIDB`]. For an INSERT whose points are at hand, [`Body::new`] with
    /// [`Request::INSERT`] shares them.
    ///
    /// # Errors
    ///
    /// As [`to_body_with`](Self::to_body_with).
    pub fn to_body(&self) -> Result<Body, EncodeError> {
        self.to_body_with(&Limits::SIRIDB)
    }

    /// TYPE and data, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// If the data would be over the limit; [`NotWritable`](EncodeError::NotWritable) if that of a SERVICE is no value.
    pub fn to_body_with(&self, limits: &Limits) -> Result<Body, EncodeError> {
        let kind = self.kind();
        match *self {
            Self::Ping | Self::Info | Self::FileServers | Self::FileUsers | Self::FileGroups | Self::FileDatabase => {
                Ok(Body::empty(kind))
            }
            Self::Insert(data) => copy(kind, data.as_bytes(), limits),
            Self::LoadDb(data) | Self::Unknown(_, data) => copy(kind, data.0, limits),
            Self::Query { query, precision } => write(kind, limits, |out| {
                out.array(2)?.str(query)?;
                match precision {
                    Some(precision) => out.int(precision.0)?,
                    None => out.null()?,
                };
                out.end().map(|_| ())
            }),
            Self::Auth(Credentials { user, password, database }) => {
                write(kind, limits, |out| out.array(3)?.str(user)?.str(password)?.str(database)?.end().map(|_| ()))
            }
            Self::RegisterServer { uuid, host, port, pool } => {
                write(kind, limits, |out| out.array(4)?.raw(uuid)?.str(host)?.int(port)?.int(pool)?.end().map(|_| ()))
            }
            Self::Service(Service { user, password, request, data }) => {
                let data = ValueRef::decode_with(data.as_bytes(), &ITEM);
                let data = data.map_err(|_| EncodeError::NotWritable { what: "data" })?;
                write(kind, limits, |out| {
                    out.array(4)?.str(user)?.str(password)?.int(request)?.value_ref(data)?.end().map(|_| ())
                })
            }
        }
    }
}

/// An item of the array that begins at `start`.
fn item<'a, T>(
    reader: &mut Reader<'a>,
    start: usize,
    what: &'static str,
    read: impl FnOnce(&mut Reader<'a>, &'static str) -> Result<T, BodyError>,
) -> Result<T, BodyError> {
    reader.item(start, what)?;
    read(reader, what)
}

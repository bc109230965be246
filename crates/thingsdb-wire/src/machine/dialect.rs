use core::fmt;

use crate::limits::Limits;
use crate::package::PackageRef;

/// All that a machine knows of who speaks: what each TYPE is, and a few packages it sends by itself (SPEC.md §7).
///
/// Each module of bodies has its own: [`v1::DIALECT`](crate::v1::DIALECT), [`legacy::S2`](crate::legacy::S2) and others. One more is a
/// constant away.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "to be made by callers too")]
pub struct Dialect {
    /// For logs.
    pub name: &'static str,
    /// What its peers allow.
    pub limits: Limits,
    /// What a package from a client is.
    pub from_client: fn(u8) -> FromClient,
    /// What a package from a server is.
    pub from_server: fn(u8) -> FromServer,
    /// TYPE of the keep-alive and of its answer, if there is one.
    pub ping: Option<(u8, u8)>,
    /// The one ID of authentication and its answers, where they are not matched by ID.
    pub auth_id: Option<u16>,
    /// Whether requests are fine from the start unless authentication was asked for.
    pub auth_optional: bool,
    /// What a server says to an authentication that it accepts.
    pub accepted: Reply,
    /// What a server says to an authentication that it denies.
    pub denied: Reply,
    /// What a server says to a request that would need authentication.
    pub unauthenticated: Reply,
    /// ID of events.
    pub event_id: u16,
    /// ID of a client's first request.
    pub first_id: u16,
    /// Which rooms are joined or left by what was said.
    pub rooms: Rooms,
}

/// Looks into what was said and calls back for each room that was joined or left.
pub type Rooms = fn(Exchange<'_>, &mut dyn FnMut(Change<'_>));

/// TYPE and data of a package that is always the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "to be made by callers too")]
pub struct Reply {
    /// TYPE.
    pub kind: u8,
    /// DATA.
    pub data: &'static [u8],
}

/// What a package from a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "to be made by callers too")]
pub enum FromClient {
    /// Authentication.
    Auth,
    /// A request that needs no authentication.
    Open,
    /// A request.
    Request,
    /// A request that may join or leave rooms: kept until it is answered, for [`Dialect::rooms`].
    Room,
    /// None of these: servers do not answer it.
    Unknown,
}

/// What a package from a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "to be made by callers too")]
pub enum FromServer {
    /// An answer, to the request with its ID.
    Answer,
    /// An error, in answer to the request with its ID.
    Error,
    /// Yes to an authentication, whatever the ID.
    Accepted,
    /// No to an authentication, whatever the ID.
    Denied,
    /// Told without being asked, whatever the ID.
    Event,
    /// None of these.
    Unknown,
}

/// Something that may change the rooms a client is in.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "to be matched by callers")]
pub enum Exchange<'a> {
    /// A [`FromClient::Room`] request got this answer, no error.
    Answered {
        /// As it was sent.
        request: PackageRef<'a>,
        /// As it came.
        answer: PackageRef<'a>,
    },
    /// An event came.
    Event(PackageRef<'a>),
}

/// A room was joined or left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "to be made by callers")]
pub enum Change<'a> {
    /// In it.
    Joined {
        /// As a request names it, always in the same words.
        scope: &'a str,
        /// Its ID.
        id: i64,
    },
    /// Not in it any more.
    Left {
        /// As above; without one, the rooms of all scopes that have this ID.
        scope: Option<&'a str>,
        /// Its ID.
        id: i64,
    },
}

/// Its name.
impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialect({})", self.name)
    }
}

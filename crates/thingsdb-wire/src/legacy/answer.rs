use super::{ErrorCode, Kind, State};
use crate::body::{Body, Raw};
use crate::body_error::BodyError;
use crate::error::EncodeError;
use crate::limits::Limits;
use crate::package::PackageRef;
use crate::qpack::{Data, Reader, copy, fields, once, required, write};

/// What a server answers (SPEC.md §5).
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::legacy::{AnswerRef, ErrorCode, State};
///
/// let answer = b"\x25\x00\x00\x00\x03\x00\x60\x9f\xf5\x8aerror_code\x77\x89error_msg\x8dinvalid token";
/// let answer = PackageRef::decode(answer)?;
/// let AnswerRef::Error(error) = AnswerRef::decode(answer, State::S2).unwrap() else { panic!() };
/// assert_eq!((error.code, error.message), (ErrorCode::AUTH, "invalid token"));
/// assert_eq!(error.to_string(), "invalid token (AUTH)");
/// assert_eq!(AnswerRef::Error(error).to_body().unwrap().with_id(3).as_ref(), answer);
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerRef<'a> {
    /// To a PING. Data, if there is any, is ignored.
    Ping,
    /// To an AUTH: welcome. Data, if there is any, is ignored.
    Auth,
    /// To the queries and RUN: any value; not looked at yet.
    Query(Data<'a>),
    /// To a WATCH. Data, if there is any, is ignored.
    Watch,
    /// To an UNWATCH. Data, if there is any, is ignored.
    Unwatch,
    /// Refused, or failed.
    Error(ErrorRef<'a>),
    /// Of another TYPE, with its data.
    Unknown(Kind, Raw<'a>),
}

/// What went wrong, as the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[expect(clippy::exhaustive_structs, reason = "all that an error has")]
#[error("{message} ({code})")]
pub struct ErrorRef<'a> {
    /// TYPE of the package. In S1 it is the class of the error; later always [`RES_ERROR`](Kind::RES_ERROR).
    pub kind: Kind,
    /// In S1 the negative of the TYPE from 2019-05-17 on, but a positive number where the user's code raised it; later one of the
    /// named.
    pub code: ErrorCode,
    /// In words.
    pub message: &'a str,
}

impl<'a> AnswerRef<'a> {
    /// Reads a package as a server of this state answers; the data of a RES_QUERY is not looked at.
    ///
    /// # Errors
    ///
    /// An error without its two fields. Keys in any order and further ones are taken.
    pub fn decode(package: PackageRef<'a>, state: State) -> Result<Self, BodyError> {
        Ok(match Kind(package.kind) {
            Kind::RES_PING => Self::Ping,
            Kind::RES_AUTH => Self::Auth,
            Kind::RES_QUERY => Self::Query(Data::of(package)),
            Kind::RES_WATCH => Self::Watch,
            Kind::RES_UNWATCH => Self::Unwatch,
            kind if is_error(kind, state) => Self::Error(ErrorRef::decode(package)?),
            kind => Self::Unknown(kind, Raw(package.data)),
        })
    }

    /// Its TYPE.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Ping => Kind::RES_PING,
            Self::Auth => Kind::RES_AUTH,
            Self::Query(_) => Kind::RES_QUERY,
            Self::Watch => Kind::RES_WATCH,
            Self::Unwatch => Kind::RES_UNWATCH,
            Self::Error(error) => error.kind,
            Self::Unknown(kind, _) => *kind,
        }
    }

    /// TYPE and data under [`Limits::LEGACY`]. For a RES_QUERY whose value is at hand, [`Body::new`] with
    /// [`Kind::RES_QUERY`] shares it.
    ///
    /// # Errors
    ///
    /// If the data would be over the limit.
    pub fn to_body(&self) -> Result<Body, EncodeError> {
        self.to_body_with(&Limits::LEGACY)
    }

    /// TYPE and data, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// If the data would be over the limit.
    pub fn to_body_with(&self, limits: &Limits) -> Result<Body, EncodeError> {
        let kind = self.kind();
        match *self {
            Self::Ping | Self::Auth | Self::Watch | Self::Unwatch => Ok(Body::empty(kind)),
            Self::Query(data) => copy(kind, data.as_bytes(), limits),
            Self::Unknown(_, data) => copy(kind, data.0, limits),
            Self::Error(error) => write(kind, limits, |out| {
                // In this order, as servers have it.
                out.map(2)?.str("error_code")?.int(error.code.0)?.str("error_msg")?.str(error.message)?.end()?;
                Ok(())
            }),
        }
    }
}

const fn is_error(kind: Kind, state: State) -> bool {
    match state {
        State::S1 => matches!(kind.0, 96..=105 | 127),
        State::S2 | State::September => matches!(kind, Kind::RES_ERROR),
    }
}

impl<'a> ErrorRef<'a> {
    /// Reads the data of an error, such as that of [`ClientEvent::Error`](crate::ClientEvent::Error) and
    /// [`Denied`](crate::ClientEvent::Denied); whether its TYPE is one is not looked at.
    ///
    /// # Errors
    ///
    /// If one of the two fields is not there.
    pub fn decode(package: PackageRef<'a>) -> Result<Self, BodyError> {
        Self::read(Kind(package.kind), package.data).map_err(|error| error.of(package))
    }

    fn read(kind: Kind, data: &'a [u8]) -> Result<Self, BodyError> {
        let mut reader = Reader::new(data);
        let (mut code, mut message) = (None, None);
        fields(&mut reader, "DATA", |key, reader| {
            match key {
                b"error_code" => once(&mut code, reader, "error_code", Reader::int)?,
                b"error_msg" => once(&mut message, reader, "error_msg", Reader::str)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        reader.finish()?;
        let code = ErrorCode(required(code, 0, "error_code")?);
        Ok(Self { kind, code, message: required(message, 0, "error_msg")? })
    }
}

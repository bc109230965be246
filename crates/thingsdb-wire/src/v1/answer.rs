use super::{ErrorCode, Kind};
use crate::body::{Body, Raw};
use crate::body_error::{BodyError, BodyErrorKind};
use crate::error::EncodeError;
use crate::limits::Limits;
use crate::msgpack::{Data, Reader, Token, copy, write};
use crate::package::PackageRef;

/// What a server answers (SPEC.md §3).
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::v1::{AnswerRef, ErrorCode};
///
/// let answer = b"\x26\x00\x00\x00\x02\x00\x13\xec\x82\xaaerror_code\xd0\xc8\xa9error_msg\xadinvalid token";
/// let answer = PackageRef::decode(answer)?;
/// let AnswerRef::Error(error) = AnswerRef::decode(answer).unwrap() else { panic!() };
/// assert_eq!((error.code, error.message), (ErrorCode::AUTH, "invalid token"));
/// assert_eq!(error.to_string(), "invalid token (AUTH)");
/// assert_eq!(AnswerRef::Error(error).to_body().unwrap().with_id(2).as_ref(), answer);
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerRef<'a> {
    /// To a PING. Data, if there is any, is ignored.
    Pong,
    /// Done: to AUTH, EMIT and EMIT_PEER. Data, if there is any, is ignored.
    Ok,
    /// To QUERY and RUN any value, to JOIN and LEAVE an array of room IDs; not looked at yet.
    Data(Data<'a>),
    /// Refused, or failed.
    Error(ErrorRef<'a>),
    /// Of another TYPE, with its data.
    Unknown(Kind, Raw<'a>),
}

/// What went wrong, as the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[expect(clippy::exhaustive_structs, reason = "all that an ERROR has")]
#[error("{message} ({code})")]
pub struct ErrorRef<'a> {
    /// Its kind.
    pub code: ErrorCode,
    /// In words.
    pub message: &'a str,
}

impl<'a> AnswerRef<'a> {
    /// Reads a package as a server answers; the data of a DATA is not looked at.
    ///
    /// # Errors
    ///
    /// An ERROR without its two fields. Keys in any order and further ones are taken.
    pub fn decode(package: PackageRef<'a>) -> Result<Self, BodyError> {
        Ok(match Kind(package.kind) {
            Kind::PONG => Self::Pong,
            Kind::OK => Self::Ok,
            Kind::DATA => Self::Data(Data::of(package)),
            Kind::ERROR => Self::Error(ErrorRef::decode(package)?),
            kind => Self::Unknown(kind, Raw(package.data)),
        })
    }

    /// Its TYPE.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Pong => Kind::PONG,
            Self::Ok => Kind::OK,
            Self::Data(_) => Kind::DATA,
            Self::Error(_) => Kind::ERROR,
            Self::Unknown(kind, _) => *kind,
        }
    }

    /// TYPE and data under [`Limits::V1`]. For a DATA whose value is at hand, [`Body::new`] with [`Kind::DATA`] shares it.
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
            Self::Pong | Self::Ok => Ok(Body::empty(kind)),
            Self::Data(data) => copy(kind, data.as_bytes(), limits),
            Self::Unknown(_, data) => copy(kind, data.0, limits),
            Self::Error(error) => write(kind, &[error.message.as_bytes()], limits, |out| {
                // In this order: a client reads error_code first.
                out.map(2).str("error_code").int(error.code.0).str("error_msg").str(error.message)
            }),
        }
    }
}

impl<'a> ErrorRef<'a> {
    /// Reads the data of an ERROR, such as that of [`ClientEvent::Error`](crate::ClientEvent::Error) and
    /// [`Denied`](crate::ClientEvent::Denied); its TYPE is not looked at.
    ///
    /// # Errors
    ///
    /// If one of the two fields is not there.
    pub fn decode(package: PackageRef<'a>) -> Result<Self, BodyError> {
        Self::read(package.data).map_err(|error| error.of(package))
    }

    fn read(data: &'a [u8]) -> Result<Self, BodyError> {
        let mut reader = Reader::new(data);
        let (mut code, mut message) = (None, None);
        fields(&mut reader, |key, reader| {
            match key {
                "error_code" => once(&mut code, reader, "error_code", |reader| reader.int("error_code"))?,
                "error_msg" => once(&mut message, reader, "error_msg", |reader| reader.str("error_msg"))?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        reader.finish()?;
        Ok(Self { code: ErrorCode(required(code, "error_code")?), message: required(message, "error_msg")? })
    }
}

impl<'a> Data<'a> {
    /// Reads the data as the answer to a JOIN or LEAVE: calls `take` with the ID of each room asked for, in the order of the request;
    /// `None` where there is no such room.
    ///
    /// # Errors
    ///
    /// If it is not an array of room IDs and `nil`.
    pub fn room_ids(self, mut take: impl FnMut(Option<i64>)) -> Result<(), BodyError> {
        let mut read = || {
            let mut reader = Reader::new(self.package.data);
            for _ in 0..reader.array("DATA")? {
                take(reader.field("room", |token| {
                    if let Token::Int(id) = token { Some(Some(id)) } else { (token == Token::Nil).then_some(None) }
                })?);
            }
            reader.finish()
        };
        read().map_err(|error| error.of(self.package))
    }
}

/// Reads a map; `read` takes the value of a key it knows, others are passed.
pub(crate) fn fields<'a>(
    reader: &mut Reader<'a>,
    mut read: impl FnMut(&'a str, &mut Reader<'a>) -> Result<bool, BodyError>,
) -> Result<(), BodyError> {
    for _ in 0..reader.map("DATA")? {
        // A key that is no text is an unknown one.
        let mut text = reader.clone();
        let known = match text.str("key") {
            Ok(key) => {
                *reader = text;
                read(key, reader)?
            }
            Err(_) => {
                reader.pass("key")?;
                false
            }
        };
        if !known {
            reader.pass("DATA")?;
        }
    }
    Ok(())
}

/// Reads a field that must not be there twice.
pub(crate) fn once<'a, T>(
    field: &mut Option<T>,
    reader: &mut Reader<'a>,
    what: &'static str,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, BodyError>,
) -> Result<(), BodyError> {
    if field.is_some() {
        return Err(reader.error(BodyErrorKind::DuplicateField, what));
    }
    *field = Some(read(reader)?);
    Ok(())
}

/// A field that must be there; if not, the fault is with the map.
pub(crate) fn required<T>(field: Option<T>, what: &'static str) -> Result<T, BodyError> {
    field.ok_or_else(|| BodyError::new(BodyErrorKind::MissingField, 0, what))
}

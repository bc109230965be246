use super::Answer;
use crate::body::{Body, Raw};
use crate::body_error::BodyError;
use crate::error::EncodeError;
use crate::limits::Limits;
use crate::package::PackageRef;
use crate::qpack::{Data, Reader, copy, fields, once, required, write_unclosed};

/// What a server answers (SPEC.md §6).
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::siridb::{Answer, AnswerRef};
///
/// let answer = PackageRef::decode(b"\x10\x00\x00\x00\x02\x00\x41\xbe\xfd\x89error_msg\x84oops")?; // the map is never closed
/// let error = AnswerRef::decode(answer).unwrap();
/// assert_eq!(error, AnswerRef::Error { kind: Answer::ERR_QUERY, message: Some("oops") });
/// assert_eq!(error.to_body().unwrap().with_id(2).as_ref(), answer);
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerRef<'a> {
    /// To a QUERY: a map, opened and often never closed; not looked at yet.
    Query(Data<'a>),
    /// To an INSERT.
    Insert {
        /// In words.
        message: &'a str,
    },
    /// To an AUTH: welcome. Data, if there is any, is ignored.
    AuthSuccess,
    /// To a PING, and to others. Data, if there is any, is ignored.
    Ack,
    /// The content of a file, which is not qpack.
    File(Raw<'a>),
    /// To a SERVICE. Data, if there is any, is ignored.
    ServiceOk,
    /// To a SERVICE: an array; not looked at yet.
    ServiceData(Data<'a>),
    /// Refused, or failed.
    Error {
        /// How.
        kind: Answer,
        /// In words, where there is data.
        message: Option<&'a str>,
    },
    /// Of another TYPE, with its data.
    Unknown(Answer, Raw<'a>),
}

impl<'a> AnswerRef<'a> {
    /// Reads a package as a server answers; the data of a query's and a service's result is not looked at.
    ///
    /// # Errors
    ///
    /// An INSERT or an error without its text. Further keys are taken.
    pub fn decode(package: PackageRef<'a>) -> Result<Self, BodyError> {
        Self::read(package).map_err(|error| error.of(package))
    }

    fn read(package: PackageRef<'a>) -> Result<Self, BodyError> {
        Ok(match Answer(package.kind) {
            Answer::QUERY => Self::Query(Data::of(package)),
            Answer::INSERT => Self::Insert { message: message(package.data, "success_msg")? },
            Answer::AUTH_SUCCESS => Self::AuthSuccess,
            Answer::ACK => Self::Ack,
            Answer::FILE => Self::File(Raw(package.data)),
            Answer::SERVICE_OK => Self::ServiceOk,
            Answer::SERVICE_DATA => Self::ServiceData(Data::of(package)),
            kind @ Answer(64..=75 | 96 | 97) => {
                let data = Some(package.data).filter(|data| !data.is_empty());
                Self::Error { kind, message: data.map(|data| message(data, "error_msg")).transpose()? }
            }
            kind => Self::Unknown(kind, Raw(package.data)),
        })
    }

    /// Its TYPE.
    #[must_use]
    pub const fn kind(&self) -> Answer {
        match self {
            Self::Query(_) => Answer::QUERY,
            Self::Insert { .. } => Answer::INSERT,
            Self::AuthSuccess => Answer::AUTH_SUCCESS,
            Self::Ack => Answer::ACK,
            Self::File(_) => Answer::FILE,
            Self::ServiceOk => Answer::SERVICE_OK,
            Self::ServiceData(_) => Answer::SERVICE_DATA,
            Self::Error { kind, .. } | Self::Unknown(kind, _) => *kind,
        }
    }

    /// TYPE and data under [`Limits::SIRIDB`]. For a result that is at hand, [`Body::new`] with its [`Answer`] shares it.
    ///
    /// # Errors
    ///
    /// If the data would be over the limit.
    pub fn to_body(&self) -> Result<Body, EncodeError> {
        self.to_body_with(&Limits::SIRIDB)
    }

    /// TYPE and data, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// If the data would be over the limit.
    pub fn to_body_with(&self, limits: &Limits) -> Result<Body, EncodeError> {
        let kind = self.kind();
        match *self {
            Self::AuthSuccess | Self::Ack | Self::ServiceOk | Self::Error { message: None, .. } => {
                Ok(Body::empty(kind))
            }
            Self::Query(data) | Self::ServiceData(data) => copy(kind, data.as_bytes(), limits),
            Self::File(data) | Self::Unknown(_, data) => copy(kind, data.0, limits),
            Self::Insert { message } => write_unclosed(kind, limits, "success_msg", message),
            Self::Error { message: Some(message), .. } => write_unclosed(kind, limits, "error_msg", message),
        }
    }
}

/// The one text of a map.
fn message<'a>(data: &'a [u8], what: &'static str) -> Result<&'a str, BodyError> {
    let (mut reader, mut message) = (Reader::new(data), None);
    fields(&mut reader, "DATA", |key, reader| {
        if key == what.as_bytes() { once(&mut message, reader, what, Reader::str).map(|()| true) } else { Ok(false) }
    })?;
    reader.finish()?;
    required(message, 0, what)
}

use super::Kind;
use crate::body::{Body, Raw};
use crate::body_error::{BodyError, BodyErrorKind};
use crate::error::EncodeError;
use crate::limits::Limits;
use crate::msgpack::{Data, Reader, copy, write};
use crate::package::PackageRef;
use crate::v1::ErrorCode;

/// What a node writes to a module's standard input (SPEC.md §4).
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::module::ToModule;
///
/// let conf = PackageRef::decode(b"\x07\x00\x00\x00\x00\x00\x40\xbf\x81\xa4fail\xc3")?;
/// let ToModule::Conf(data) = ToModule::from(conf) else { panic!() };
/// assert_eq!(data.as_bytes(), b"\x81\xa4fail\xc3"); // {"fail": true}
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToModule<'a> {
    /// The configuration: any value. With ID 0, and not at all if there is none.
    Conf(Data<'a>),
    /// A request: a map with the key `module` and all options of the call. IDs count from 0.
    Req(Data<'a>),
    /// Of another TYPE, with its data.
    Unknown(Kind, Raw<'a>),
}

/// Nothing can be wrong: the data is not looked at.
impl<'a> From<PackageRef<'a>> for ToModule<'a> {
    fn from(package: PackageRef<'a>) -> Self {
        match Kind(package.kind) {
            Kind::CONF => Self::Conf(Data::of(package)),
            Kind::REQ => Self::Req(Data::of(package)),
            kind => Self::Unknown(kind, Raw(package.data)),
        }
    }
}

impl ToModule<'_> {
    /// Its TYPE.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Conf(_) => Kind::CONF,
            Self::Req(_) => Kind::REQ,
            Self::Unknown(kind, _) => *kind,
        }
    }

    /// TYPE and data under [`Limits::V1`]. For a value at hand, [`Body::new`] shares it.
    ///
    /// # Errors
    ///
    /// If the data is over the limit.
    pub fn to_body(&self) -> Result<Body, EncodeError> {
        self.to_body_with(&Limits::V1)
    }

    /// TYPE and data, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// If the data is over the limit.
    pub fn to_body_with(&self, limits: &Limits) -> Result<Body, EncodeError> {
        let data = match *self {
            Self::Conf(data) | Self::Req(data) => data.as_bytes(),
            Self::Unknown(_, data) => data.0,
        };
        copy(self.kind(), data, limits)
    }
}

/// What a module writes to its standard output (SPEC.md §4).
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::module::{ErrorRef, FromModule};
/// use thingsdb_wire::v1::ErrorCode;
///
/// let package = PackageRef::decode(b"\x0a\x00\x00\x00\x08\x00\x52\xad\x92\xd0\x9b\xa6custom")?;
/// let error = FromModule::decode(package).unwrap();
/// assert_eq!(error, FromModule::Err(ErrorRef { code: ErrorCode(-101), message: "custom" }));
/// assert_eq!(error.to_body().unwrap().with_id(8).as_ref(), package);
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FromModule<'a> {
    /// The configuration is fine. Nodes look neither at the ID nor at the data.
    ConfOk,
    /// The configuration is not. Nodes look neither at the ID nor at the data: some modules say why, others send none or nil.
    ConfErr(Option<ErrorRef<'a>>),
    /// The answer to the request with this ID: any value.
    Res(Data<'a>),
    /// The request with this ID failed.
    Err(ErrorRef<'a>),
    /// Of another TYPE, with its data.
    Unknown(Kind, Raw<'a>),
}

/// Why a request failed: an array of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[expect(clippy::exhaustive_structs, reason = "all that an ERR has")]
#[error("{message} ({code})")]
pub struct ErrorRef<'a> {
    /// From -127 to -50; a node makes -53 of any other.
    pub code: ErrorCode,
    /// In words.
    pub message: &'a str,
}

impl<'a> FromModule<'a> {
    /// Reads a package as a module sends it; the data of a RES is not looked at.
    ///
    /// # Errors
    ///
    /// An ERR that is not `[code, text]`, and a CONF_ERR that has data and is not.
    pub fn decode(package: PackageRef<'a>) -> Result<Self, BodyError> {
        let error = || ErrorRef::read(package.data).map_err(|error| error.of(package));
        Ok(match Kind(package.kind) {
            Kind::CONF_OK => Self::ConfOk,
            Kind::CONF_ERR if matches!(package.data, [] | [0xc0]) => Self::ConfErr(None),
            Kind::CONF_ERR => Self::ConfErr(Some(error()?)),
            Kind::RES => Self::Res(Data::of(package)),
            Kind::ERR => Self::Err(error()?),
            kind => Self::Unknown(kind, Raw(package.data)),
        })
    }

    /// Its TYPE.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::ConfOk => Kind::CONF_OK,
            Self::ConfErr(_) => Kind::CONF_ERR,
            Self::Res(_) => Kind::RES,
            Self::Err(_) => Kind::ERR,
            Self::Unknown(kind, _) => *kind,
        }
    }

    /// TYPE and data under [`Limits::V1`]. For a RES whose value is at hand, [`Body::new`] shares it.
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
            Self::ConfOk | Self::ConfErr(None) => Ok(Body::empty(kind)),
            Self::ConfErr(Some(error)) | Self::Err(error) => write(kind, &[error.message.as_bytes()], limits, |out| {
                out.array(2).int(error.code.0).str(error.message)
            }),
            Self::Res(data) => copy(kind, data.as_bytes(), limits),
            Self::Unknown(_, data) => copy(kind, data.0, limits),
        }
    }
}

impl<'a> ErrorRef<'a> {
    fn read(data: &'a [u8]) -> Result<Self, BodyError> {
        let mut reader = Reader::new(data);
        if reader.array("DATA")? != 2 {
            return Err(BodyError::new(BodyErrorKind::InvalidLength, 0, "DATA"));
        }
        let error = Self { code: ErrorCode(reader.int("code")?), message: reader.str("text")? };
        reader.finish()?;
        Ok(error)
    }
}

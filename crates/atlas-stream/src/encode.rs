use core::fmt;

use crate::limits::Limits;

/// What cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// A session without a state that has a name.
    UnknownState,
    /// A number that is none or is infinite, where JSON has to have one.
    NotFinite,
    /// What may not be below 0 is.
    Negative,
    /// Arrays that belong together, of different lengths.
    LengthMismatch,
    /// Epoch and time together are more than 64 bits.
    TimeOverflow,
    /// Telemetry that comes late has no JSON.
    NoJson,
    /// Samples without a format in JSON, which has to have one.
    MissingFormat,
    /// Samples by index in JSON, which has their names: [`Columns::name_parameters`](crate::Columns::name_parameters) gives them.
    MissingName,
    /// Samples by name in protobuf, which has their index: [`Columns::index_parameters`](crate::Columns::index_parameters) gives it.
    MissingIndex,
    /// Data in JSON of which not all parameters up to the last are there: they have no index but their place.
    Gap,
    /// A parameter, a name or an aggregate twice.
    Duplicate,
    /// What this kind of message or telemetry does not have, or several aggregates where one has to be.
    WrongKind,
    /// One of the [`Limits`] is exceeded: it would not be read again.
    LimitExceeded,
}

/// Why something was not written; nothing of it is.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} ({what})", self.reason())]
pub struct EncodeError {
    kind: EncodeErrorKind,
    what: &'static str,
}

impl EncodeError {
    #[cold]
    pub(crate) const fn new(kind: EncodeErrorKind, what: &'static str) -> Self {
        Self { kind, what }
    }

    /// What cannot be written.
    #[must_use]
    pub const fn kind(&self) -> EncodeErrorKind {
        self.kind
    }

    /// The name of the field at fault, as it is in JSON or in the protobuf file; of a limit its name.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// What cannot be written, in words.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self.kind {
            EncodeErrorKind::UnknownState => "state without a name",
            EncodeErrorKind::NotFinite => "no finite number",
            EncodeErrorKind::Negative => "below 0",
            EncodeErrorKind::LengthMismatch => "not as long as the times",
            EncodeErrorKind::TimeOverflow => "epoch and time are more than 64 bits",
            EncodeErrorKind::NoJson => "late telemetry has no JSON",
            EncodeErrorKind::MissingFormat => "samples without a format",
            EncodeErrorKind::MissingName => "parameter without a name",
            EncodeErrorKind::MissingIndex => "parameter without an index",
            EncodeErrorKind::Gap => "parameter in front of it is missing",
            EncodeErrorKind::Duplicate => "twice",
            EncodeErrorKind::WrongKind => "does not go with the others",
            EncodeErrorKind::LimitExceeded => "limit exceeded",
        }
    }
}

impl fmt::Display for EncodeErrorKind {
    /// In one word, `snake_case`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownState => "unknown_state",
            Self::NotFinite => "not_finite",
            Self::Negative => "negative",
            Self::LengthMismatch => "length_mismatch",
            Self::TimeOverflow => "time_overflow",
            Self::NoJson => "no_json",
            Self::MissingFormat => "missing_format",
            Self::MissingName => "missing_name",
            Self::MissingIndex => "missing_index",
            Self::Gap => "gap",
            Self::Duplicate => "duplicate",
            Self::WrongKind => "wrong_kind",
            Self::LimitExceeded => "limit_exceeded",
        })
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodeError({self})")
    }
}

#[cfg(feature = "std")]
impl From<EncodeError> for std::io::Error {
    fn from(error: EncodeError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

/// What NaN and infinities among numbers become in JSON, which has neither. All three are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NanForm {
    /// `"NaN"`, `"Infinity"` and `"-Infinity"`, as the vendor's writer has them by its own default.
    #[default]
    Quoted,
    /// The same without quotes, which is not JSON.
    Bare,
    /// `null` for NaN; infinities in quotes, since they would be lost.
    Null,
}

/// How JSON is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonOptions {
    /// What NaN becomes; quoted.
    pub nan: NanForm,
    /// What a value may cost; those that reading has.
    pub limits: Limits,
}

impl JsonOptions {
    /// The defaults.
    pub const DEFAULT: Self = Self { nan: NanForm::Quoted, limits: Limits::DEFAULT };

    /// What NaN becomes.
    #[must_use]
    pub const fn with_nan(mut self, nan: NanForm) -> Self {
        self.nan = nan;
        self
    }

    /// What a value may cost.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

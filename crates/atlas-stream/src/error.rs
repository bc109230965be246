use alloc::string::String;
use core::fmt;

use crate::json;
use crate::protobuf;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// A text that is not UTF-8.
    InvalidUtf8,
    /// A byte order mark in front.
    ByteOrderMark,
    /// A key without a colon.
    MissingColon,
    /// Nothing, where something has to be.
    Empty,
    /// A character that may not be there.
    InvalidCharacter,
    /// More characters than allowed.
    TooLong,
    /// It ends inside a value or a field.
    UnexpectedEnd,
    /// JSON that is none.
    InvalidSyntax,
    /// A number that is none, such as `01` or `1.`.
    InvalidNumber,
    /// A control character in a text, or an escape that is none.
    InvalidString,
    /// Something follows the value.
    TrailingBytes,
    /// A value of another type than the member has.
    UnexpectedType,
    /// A member that has to be there is not.
    MissingMember,
    /// A number with a fraction, or of more bits than the member has.
    InvalidInteger,
    /// A number beyond the doubles.
    NumberOutOfRange,
    /// Arrays that belong together, of different lengths.
    LengthMismatch,
    /// Epoch and time together are more than 64 bits.
    TimeOverflow,
    /// A text that is no date and time.
    InvalidDateTime,
    /// One of the [`Limits`](crate::Limits) is exceeded; [`DecodeError::limit`] says which.
    LimitExceeded,
    /// A number of more than ten bytes.
    InvalidVarint,
    /// A field number or a wire type that is none.
    InvalidTag,
    /// A group ends that did not begin.
    UnexpectedGroupEnd,
    /// A parameter with an index below zero.
    NegativeIndex,
}

/// Which limit an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_len`](crate::Limits::max_len).
    MaxLen,
    /// [`Limits::max_depth`](crate::Limits::max_depth).
    MaxDepth,
    /// [`Limits::max_parameters`](crate::Limits::max_parameters).
    MaxParameters,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxLen => "max_len",
            Self::MaxDepth => "max_depth",
            Self::MaxParameters => "max_parameters",
        })
    }
}

macro_rules! fields {
    ($($field:ident = $name:literal,)*) => {
        /// Where something is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Field {
            $($field,)*
        }

        impl Field {
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)*
                }
            }
        }
    };
}

fields! {
    Key = "key",
    MessageType = "type of the key",
    StreamId = "stream id",
    DependencyGroup = "group",
    DependencyType = "dependency type",
    DependencyId = "dependency id",
    Value = "value",
    Member = "member",
    Item = "item",
    Epoch = "epoch",
    Time = "time",
    Data = "data",
    Feed = "feed",
    Format = "format",
    Status = "status",
    Avg = "avg",
    Min = "min",
    Max = "max",
    First = "first",
    Values = "values",
    Id = "id",
    State = "state",
    Type = "type",
    Quality = "quality",
    Identifier = "identifier",
    Details = "details",
    Model = "model",
    Group = "group",
    Version = "version",
    Configuration = "configuration",
    Dependencies = "dependencies",
    Activity = "activity",
    Start = "start",
    DurationNanos = "durationNanos",
    LastHeartbeat = "lastHeartbeat",
    Sources = "sources",
    Label = "label",
    Number = "number",
    TriggerSource = "triggerSource",
    Feeds = "feeds",
    Parameters = "parameters",
    Aggregates = "aggregates",
    Frequency = "frequency",
    AppGroups = "appGroups",
    Conversions = "conversions",
    Events = "events",
    Groups = "groups",
    Name = "name",
    Units = "units",
    Description = "description",
    DataFormatId = "dataFormatId",
    TimestampsNanos = "timestamps_nanos",
    Statuses = "statuses",
    MinValues = "min_values",
    MaxValues = "max_values",
    AvgValues = "avg_values",
    FirstValues = "first_values",
}

/// What an offset counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// A key, or an id.
    Text,
    Json,
    Protobuf(protobuf::Kind),
}

/// Why something was refused, and where: 32 bytes, `Copy`, made without allocation.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset} ({})", self.reason(), self.what())]
pub struct DecodeError {
    offset: u64,
    met: u64,
    due: u64,
    kind: DecodeErrorKind,
    field: Field,
    limit: Option<Limit>,
    root: Root,
}

impl DecodeError {
    /// Of a key, or of an id.
    #[cold]
    pub(crate) const fn new(kind: DecodeErrorKind, offset: usize, field: Field) -> Self {
        Self { offset: offset as u64, met: 0, due: 0, kind, field, limit: None, root: Root::Text }
    }

    #[cold]
    pub(crate) const fn json(kind: DecodeErrorKind, offset: usize, field: Field) -> Self {
        Self { root: Root::Json, ..Self::new(kind, offset, field) }
    }

    #[cold]
    pub(crate) const fn protobuf(kind: DecodeErrorKind, offset: usize, field: Field, message: protobuf::Kind) -> Self {
        Self { root: Root::Protobuf(message), ..Self::new(kind, offset, field) }
    }

    /// That something is so long, and had to be of another length.
    #[cold]
    pub(crate) const fn length(self, met: usize, due: usize) -> Self {
        Self { kind: DecodeErrorKind::LengthMismatch, met: met as u64, due: due as u64, ..self }
    }

    /// That something is more than is allowed.
    #[cold]
    pub(crate) const fn over(self, limit: Limit, met: usize, max: u32) -> Self {
        Self { kind: DecodeErrorKind::LimitExceeded, met: met as u64, due: max as u64, limit: Some(limit), ..self }
    }

    /// The same of another kind.
    #[cold]
    pub(crate) const fn of_kind(self, kind: DecodeErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// The same, so many bytes further on.
    pub(crate) const fn moved(self, by: u64) -> Self {
        Self { offset: self.offset.saturating_add(by), ..self }
    }

    /// What is wrong; prints as one word in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Bytes from the start of the input to the fault: of the key if [`is_of_key`](Self::is_of_key), else of the value.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The name of the field at fault, as it is in JSON or in the protobuf file.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.field.name()
    }

    /// The limit that was exceeded, if that is the kind.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// Whether a key was refused, and not the value of a record.
    #[must_use]
    pub const fn is_of_key(&self) -> bool {
        matches!(self.root, Root::Text)
    }

    /// The way to it from the outermost value down, such as `data[3].avg` or `data["vCar:Chassis"].time[7]`; in protobuf by names and indexes in
    /// the feed, such as `parameters[3].avg_values`. The value that was refused is read again up to there. Empty for the outermost, and for keys.
    #[must_use]
    pub fn path(&self, value: &[u8]) -> String {
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        match self.root {
            Root::Text => String::new(),
            Root::Json => json::path(value, offset, self.kind == DecodeErrorKind::MissingMember),
            Root::Protobuf(message) => {
                protobuf::path(value, offset, self.kind == DecodeErrorKind::UnexpectedEnd, message)
            }
        }
    }

    /// What is wrong, in words and without the place.
    pub fn reason(&self) -> impl fmt::Display + use<> {
        Reason(*self)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodeError({self})")
    }
}

struct Reason(DecodeError);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DecodeError { met, due, .. } = self.0;
        f.write_str(match self.0.kind {
            DecodeErrorKind::InvalidUtf8 => "text is not UTF-8",
            DecodeErrorKind::ByteOrderMark => "begins with a byte order mark",
            DecodeErrorKind::MissingColon => "ends without a colon",
            DecodeErrorKind::Empty => "is empty",
            DecodeErrorKind::InvalidCharacter => "character that may not be there",
            DecodeErrorKind::TooLong => "more than 64 characters",
            DecodeErrorKind::UnexpectedEnd => "ends too early",
            DecodeErrorKind::InvalidSyntax => "not JSON",
            DecodeErrorKind::InvalidNumber => "not a number of JSON",
            DecodeErrorKind::InvalidString => "not a text of JSON",
            DecodeErrorKind::TrailingBytes => "more than one value",
            DecodeErrorKind::UnexpectedType => "value of another type",
            DecodeErrorKind::MissingMember => "member is missing",
            DecodeErrorKind::InvalidInteger => "not a whole number of its range",
            DecodeErrorKind::NumberOutOfRange => "beyond the doubles",
            DecodeErrorKind::LengthMismatch => return write!(f, "length {met} of {due}"),
            DecodeErrorKind::TimeOverflow => "epoch and time are more than 64 bits",
            DecodeErrorKind::InvalidDateTime => "not a date and time",
            DecodeErrorKind::InvalidVarint => "number of more than ten bytes",
            DecodeErrorKind::InvalidTag => "no field begins",
            DecodeErrorKind::UnexpectedGroupEnd => "end of a group that did not begin",
            DecodeErrorKind::NegativeIndex => "index below zero",
            DecodeErrorKind::LimitExceeded => match self.0.limit {
                Some(limit) => return write!(f, "{met} exceeds {limit} {due}"),
                None => "limit exceeded",
            },
        })
    }
}

impl fmt::Display for DecodeErrorKind {
    /// In one word, `snake_case`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidUtf8 => "invalid_utf8",
            Self::ByteOrderMark => "byte_order_mark",
            Self::MissingColon => "missing_colon",
            Self::Empty => "empty",
            Self::InvalidCharacter => "invalid_character",
            Self::TooLong => "too_long",
            Self::UnexpectedEnd => "unexpected_end",
            Self::InvalidSyntax => "invalid_syntax",
            Self::InvalidNumber => "invalid_number",
            Self::InvalidString => "invalid_string",
            Self::TrailingBytes => "trailing_bytes",
            Self::UnexpectedType => "unexpected_type",
            Self::MissingMember => "missing_member",
            Self::InvalidInteger => "invalid_integer",
            Self::NumberOutOfRange => "number_out_of_range",
            Self::LengthMismatch => "length_mismatch",
            Self::TimeOverflow => "time_overflow",
            Self::InvalidDateTime => "invalid_date_time",
            Self::LimitExceeded => "limit_exceeded",
            Self::InvalidVarint => "invalid_varint",
            Self::InvalidTag => "invalid_tag",
            Self::UnexpectedGroupEnd => "unexpected_group_end",
            Self::NegativeIndex => "negative_index",
        })
    }
}

#[cfg(feature = "std")]
impl From<DecodeError> for std::io::Error {
    fn from(error: DecodeError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

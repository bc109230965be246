//! What the messages are made of, and whether bytes are one.

use core::str;

use crate::error::{DecodeError, DecodeErrorKind, Limit};
use crate::limits::Limits;
use crate::wire::{Fault, Field, Fields, Value, WireError};

/// A message: its fields, at the places of their numbers.
pub(crate) struct Schema {
    pub(crate) name: &'static str,
    fields: &'static [Entry],
}

pub(crate) struct Entry {
    pub(crate) name: &'static str,
    kind: Kind,
}

/// What a field is, as far as it can be wrong.
enum Kind {
    /// There is none with this number.
    Unknown,
    /// Numbers and bytes cannot be wrong.
    Any,
    Text,
    Message(&'static Schema),
    /// Numbers in bytes, one behind the other.
    Packed,
}

const GAP: Entry = Entry { name: "", kind: Kind::Unknown };

const fn any(name: &'static str) -> Entry {
    Entry { name, kind: Kind::Any }
}

const fn text(name: &'static str) -> Entry {
    Entry { name, kind: Kind::Text }
}

const fn message(name: &'static str, schema: &'static Schema) -> Entry {
    Entry { name, kind: Kind::Message(schema) }
}

pub(crate) static PACKAGE: Schema = Schema {
    name: "drift.proto.common.DriftPackage",
    fields: &[
        GAP,
        any("id"),
        message("source_timestamp", &TIMESTAMP),
        message("publish_timestamp", &TIMESTAMP),
        any("status"),
        message("data", &ANY),
        message("meta", &META),
        message("labels", &LABEL),
    ],
};

pub(crate) static TIMESTAMP: Schema = Schema { name: "google.protobuf.Timestamp", fields: &[] };

static ANY: Schema = Schema { name: "google.protobuf.Any", fields: &[GAP, text("type_url"), any("value")] };

static LABEL: Schema =
    Schema { name: "drift.proto.common.DriftPackage.Label", fields: &[GAP, text("key"), text("value")] };

pub(crate) static DATA_PAYLOAD: Schema = Schema {
    name: "drift.proto.common.DataPayload",
    fields: &[GAP, Entry { name: "shape", kind: Kind::Packed }, any("data")],
};

pub(crate) static META: Schema = Schema {
    name: "drift.proto.meta.MetaInfo",
    fields: &[
        GAP,
        any("type"),
        message("time_series_info", &TIME_SERIES),
        message("image_info", &IMAGE),
        message("scalar_info", &SCALARS),
        message("text_info", &TEXT),
        message("alignment_info", &ALIGNMENT),
        message("wavelet_buffer_info", &WAVELET),
        message("typed_data_info", &TYPED),
    ],
};

static TIME_SERIES: Schema = Schema {
    name: "drift.proto.meta.TimeSeriesInfo",
    fields: &[GAP, message("start_timestamp", &TIMESTAMP), message("stop_timestamp", &TIMESTAMP)],
};

static IMAGE: Schema = Schema {
    name: "drift.proto.meta.ImageInfo",
    fields: &[GAP, any("type"), any("width"), any("height"), text("channel_layout")],
};

static SCALARS: Schema =
    Schema { name: "drift.proto.meta.ScalarValuesInfo", fields: &[GAP, message("variables", &NAMED)] };

static TYPED: Schema = Schema { name: "drift.proto.meta.TypedDataInfo", fields: &[GAP, message("items", &NAMED)] };

/// A name and a status.
static NAMED: Schema = Schema { name: "drift.proto.meta.TypedDataInfo.Item", fields: &[GAP, text("name")] };

static TEXT: Schema = Schema { name: "drift.proto.meta.TextInfo", fields: &[GAP, text("mime_type")] };

static ALIGNMENT: Schema =
    Schema { name: "drift.proto.meta.AlignmentInfo", fields: &[GAP, message("packages", &PACKAGE_INFO)] };

static PACKAGE_INFO: Schema = Schema {
    name: "drift.proto.meta.AlignmentInfo.PackageInfo",
    fields: &[GAP, text("topic"), message("meta", &META)],
};

static WAVELET: Schema = Schema {
    name: "drift.proto.meta.WaveletBufferInfo",
    fields: &[
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        GAP,
        message("no_denoising", &NOTHING),
        message("threshold_denoising", &NOTHING),
        message("partial_denoising", &NOTHING),
    ],
};

/// A message without fields that could be wrong.
static NOTHING: Schema = Schema { name: "drift.proto.meta.WaveletBufferInfo.NoDenoising", fields: &[] };

pub(crate) static TRIGGER: Schema = Schema {
    name: "drift.proto.trigger_service.TriggerMessage",
    fields: &[GAP, GAP, message("timestamp", &TIMESTAMP)],
};

pub(crate) static INTERVAL_TRIGGER: Schema = Schema {
    name: "drift.proto.trigger_service.IntervalTriggerMessage",
    fields: &[GAP, GAP, message("start_timestamp", &TIMESTAMP), message("stop_timestamp", &TIMESTAMP)],
};

pub(crate) static ALIGNED_PACKAGE: Schema = Schema {
    name: "drift.proto.alignment_service.AlignedPackage",
    fields: &[GAP, text("topic_name"), message("payloads", &DATA_PAYLOAD)],
};

/// A message that is read, the outermost of its kind, and under which limit.
#[derive(Clone, Copy)]
pub(crate) struct Check<'a> {
    pub(crate) root: Root,
    pub(crate) bytes: &'a [u8],
    pub(crate) max_depth: u8,
}

/// What is read by itself: offsets of errors count from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Package,
    DataPayload,
    Trigger,
    IntervalTrigger,
    AlignedPackage,
    DriftBytes,
}

impl Root {
    /// For faults of the whole of it.
    pub(crate) fn entry(self) -> &'static Entry {
        static PACKAGE: Entry = any("package");
        static DATA_PAYLOAD: Entry = any("data_payload");
        static TRIGGER: Entry = any("trigger_message");
        static INTERVAL_TRIGGER: Entry = any("interval_trigger_message");
        static ALIGNED_PACKAGE: Entry = any("aligned_package");
        static DRIFT_BYTES: Entry = any("drift_bytes");
        match self {
            Self::Package => &PACKAGE,
            Self::DataPayload => &DATA_PAYLOAD,
            Self::Trigger => &TRIGGER,
            Self::IntervalTrigger => &INTERVAL_TRIGGER,
            Self::AlignedPackage => &ALIGNED_PACKAGE,
            Self::DriftBytes => &DRIFT_BYTES,
        }
    }

    /// What it is made of, if that is a message.
    pub(crate) fn schema(self) -> Option<&'static Schema> {
        Some(match self {
            Self::Package => &PACKAGE,
            Self::DataPayload => &DATA_PAYLOAD,
            Self::Trigger => &TRIGGER,
            Self::IntervalTrigger => &INTERVAL_TRIGGER,
            Self::AlignedPackage => &ALIGNED_PACKAGE,
            Self::DriftBytes => return None,
        })
    }
}

impl<'a> Check<'a> {
    /// Of bytes that are not too many.
    pub(crate) fn new(root: Root, bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let met = bytes.len() as u64;
        if met > u64::from(limits.max_len) {
            return Err(DecodeError::over(Limit::MaxLen, met, limits.max_len, 0, root, root.entry()));
        }
        Ok(Self { root, bytes, max_depth: limits.depth() })
    }

    pub(crate) fn error(&self, kind: DecodeErrorKind, at: usize, entry: &'static Entry) -> DecodeError {
        DecodeError::new(kind, at, self.root, entry)
    }

    /// A fault of the wire, in the message of a field.
    pub(crate) fn wire(&self, error: WireError, entry: &'static Entry) -> DecodeError {
        let offset = error.offset(self.bytes);
        let kind = match error.fault {
            Fault::End => DecodeErrorKind::UnexpectedEnd,
            Fault::Varint => DecodeErrorKind::InvalidVarint,
            Fault::Tag => DecodeErrorKind::InvalidTag,
            Fault::Group => DecodeErrorKind::UnexpectedGroupEnd,
            Fault::Depth => return self.too_deep(offset, entry),
        };
        self.error(kind, offset, entry)
    }

    fn too_deep(&self, offset: usize, entry: &'static Entry) -> DecodeError {
        DecodeError::over(Limit::MaxDepth, 0, self.max_depth.into(), offset, self.root, entry)
    }

    fn offset(&self, part: &[u8]) -> usize {
        (part.as_ptr() as usize).wrapping_sub(self.bytes.as_ptr() as usize)
    }
}

impl Schema {
    fn entry(&'static self, number: u32) -> Option<&'static Entry> {
        self.fields.get(usize::try_from(number).ok()?).filter(|entry| !matches!(entry.kind, Kind::Unknown))
    }

    /// Whether bytes are such a message, and all in it are: nothing that is read of it later can fail.
    pub(crate) fn check(root: Root, bytes: &[u8], limits: &Limits) -> Result<(), DecodeError> {
        let check = Check::new(root, bytes, limits)?;
        root.schema().map_or(Ok(()), |schema| schema.check_in(bytes, check, root.entry(), check.max_depth))
    }

    fn check_in(
        &'static self,
        message: &[u8],
        check: Check<'_>,
        entry: &'static Entry,
        depth: u8,
    ) -> Result<(), DecodeError> {
        let mut fields = Fields::new(message);
        loop {
            match fields.checked(depth) {
                Ok(None) => return Ok(()),
                Ok(Some(field)) => self.check_field(field.number, field.value, check, depth)?,
                Err(error) => return Err(check.wire(error, entry)),
            }
        }
    }

    /// A value of a field. One of another wire type is a field that is not known.
    #[inline]
    pub(crate) fn check_field(
        &'static self,
        number: u32,
        value: Value<'_>,
        check: Check<'_>,
        depth: u8,
    ) -> Result<(), DecodeError> {
        let Value::Bytes(bytes) = value else { return Ok(()) };
        let Some(entry) = self.entry(number) else { return Ok(()) };
        match &entry.kind {
            Kind::Unknown | Kind::Any => Ok(()),
            Kind::Text => match str::from_utf8(bytes) {
                Ok(_) => Ok(()),
                Err(error) => {
                    let at = check.offset(bytes).saturating_add(error.valid_up_to());
                    Err(check.error(DecodeErrorKind::InvalidUtf8, at, entry))
                }
            },
            Kind::Message(schema) => match depth.checked_sub(1) {
                Some(depth) => schema.check_in(bytes, check, entry, depth),
                None => Err(check.too_deep(check.offset(bytes), entry)),
            },
            Kind::Packed => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    rest = match crate::wire::varint(rest) {
                        Ok((_, rest)) => rest,
                        Err(error) => return Err(check.wire(error, entry)),
                    };
                }
                Ok(())
            }
        }
    }

    /// Whether a field that was checked has at most so many messages or groups in one another.
    pub(crate) fn is_no_deeper(&'static self, field: Field<'_>, depth: u8) -> bool {
        if let Value::Bytes(bytes) = field.value {
            let check = Check { root: Root::Package, bytes, max_depth: depth };
            return self.check_field(field.number, field.value, check, depth).is_ok();
        }
        Fields::new(field.raw).checked(depth).is_ok()
    }

    /// The name of a field, and the message it is.
    pub(crate) fn step(&'static self, number: u32) -> Option<(&'static str, Option<&'static Self>)> {
        let entry = self.entry(number)?;
        Some((entry.name, if let Kind::Message(schema) = entry.kind { Some(schema) } else { None }))
    }
}

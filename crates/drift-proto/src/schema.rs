//! What the messages are made of, and whether bytes are one.

use core::str;

use crate::error::{DecodeError, DecodeErrorKind, Limit};
use crate::limits::Limits;
use crate::wire::{Fields, Value};

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

/// For faults of a whole message.
pub(crate) static WHOLE: Entry = any("package");
/// For those of typed data.
pub(crate) static BYTES: Entry = any("drift_bytes");

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

static TIMESTAMP: Schema = Schema { name: "google.protobuf.Timestamp", fields: &[] };

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

impl Schema {
    fn entry(&'static self, number: u32) -> Option<&'static Entry> {
        self.fields.get(usize::try_from(number).ok()?).filter(|entry| !matches!(entry.kind, Kind::Unknown))
    }

    /// Whether bytes are such a message, and all in it are: nothing that is read of it later can fail.
    pub(crate) fn check(&'static self, root: &[u8], limits: &Limits) -> Result<(), DecodeError> {
        let met = root.len() as u64;
        if met > u64::from(limits.max_len) {
            return Err(DecodeError::over(Limit::MaxLen, met, limits.max_len, 0, &WHOLE));
        }
        self.check_in(root, root, &WHOLE, limits.max_depth)
    }

    fn check_in(
        &'static self,
        message: &[u8],
        root: &[u8],
        entry: &'static Entry,
        depth: u8,
    ) -> Result<(), DecodeError> {
        let mut fields = Fields::new(message);
        loop {
            match fields.checked(depth) {
                Ok(None) => return Ok(()),
                Ok(Some(field)) => self.check_field(field.number, field.value, root, depth)?,
                Err(error) => return Err(DecodeError::wire(error, root, depth, entry)),
            }
        }
    }

    /// A value of a field. One of another wire type is a field that is not known.
    #[inline]
    pub(crate) fn check_field(
        &'static self,
        number: u32,
        value: Value<'_>,
        root: &[u8],
        depth: u8,
    ) -> Result<(), DecodeError> {
        let Value::Bytes(bytes) = value else { return Ok(()) };
        let Some(entry) = self.entry(number) else { return Ok(()) };
        match &entry.kind {
            Kind::Unknown | Kind::Any => Ok(()),
            Kind::Text => match str::from_utf8(bytes) {
                Ok(_) => Ok(()),
                Err(error) => {
                    let at = offset(bytes, root).saturating_add(error.valid_up_to());
                    Err(DecodeError::new(DecodeErrorKind::InvalidUtf8, at, entry))
                }
            },
            Kind::Message(schema) => match depth.checked_sub(1) {
                Some(depth) => schema.check_in(bytes, root, entry, depth),
                None => Err(DecodeError::over(Limit::MaxDepth, 0, depth.into(), offset(bytes, root), entry)),
            },
            Kind::Packed => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    rest = match crate::wire::varint(rest) {
                        Ok((_, rest)) => rest,
                        Err(error) => return Err(DecodeError::wire(error, root, depth, entry)),
                    };
                }
                Ok(())
            }
        }
    }

    /// The name of a field, and the message it is.
    pub(crate) fn step(&'static self, number: u32) -> Option<(&'static str, Option<&'static Self>)> {
        let entry = self.entry(number)?;
        Some((entry.name, if let Kind::Message(schema) = entry.kind { Some(schema) } else { None }))
    }
}

fn offset(part: &[u8], root: &[u8]) -> usize {
    (part.as_ptr() as usize).wrapping_sub(root.as_ptr() as usize)
}

//! What the messages are made of, and whether bytes are one.

use core::str;

use crate::error::{DecodeError, DecodeErrorKind, Limit};
use crate::limits::Limits;
use crate::meta::{Denoising, Meta, TimeSeriesInfo, WaveletBufferInfo};
use crate::time::{Timestamp, int, long};
use crate::wire::{Fault, Field, Fields, Value, WireError, two_bytes, two_varints, varint};

/// A message: its fields, at the places of their numbers.
pub(crate) struct Schema {
    pub(crate) name: &'static str,
    fields: &'static [Entry],
}

pub(crate) struct Entry {
    pub(crate) name: &'static str,
    kind: Kind,
    /// The message it is.
    message: Option<&'static Schema>,
}

/// What a field is, as far as it can be wrong.
#[derive(PartialEq, Eq)]
enum Kind {
    /// There is none with this number.
    Unknown,
    /// Numbers and bytes cannot be wrong.
    Any,
    Text,
    /// Numbers in bytes, one behind the other.
    Packed,
    /// A message with two fields of bytes.
    Pair,
    /// A message with two numbers.
    Time,
}

const GAP: Entry = Entry { name: "", kind: Kind::Unknown, message: None };

const fn any(name: &'static str) -> Entry {
    Entry { name, kind: Kind::Any, message: None }
}

const fn text(name: &'static str) -> Entry {
    Entry { name, kind: Kind::Text, message: None }
}

const fn message(name: &'static str, schema: &'static Schema) -> Entry {
    Entry { name, kind: Kind::Any, message: Some(schema) }
}

const fn pair(name: &'static str, schema: &'static Schema) -> Entry {
    Entry { name, kind: Kind::Pair, message: Some(schema) }
}

const fn time(name: &'static str) -> Entry {
    Entry { name, kind: Kind::Time, message: Some(&TIMESTAMP) }
}

pub(crate) static PACKAGE: Schema = Schema {
    name: "drift.proto.common.DriftPackage",
    fields: &[
        GAP,
        any("id"),
        time("source_timestamp"),
        time("publish_timestamp"),
        any("status"),
        pair("data", &ANY),
        message("meta", &META),
        pair("labels", &LABEL),
    ],
};

pub(crate) static TIMESTAMP: Schema = Schema { name: "google.protobuf.Timestamp", fields: &[] };

static ANY: Schema = Schema { name: "google.protobuf.Any", fields: &[GAP, text("type_url"), any("value")] };

static LABEL: Schema =
    Schema { name: "drift.proto.common.DriftPackage.Label", fields: &[GAP, text("key"), text("value")] };

pub(crate) static DATA_PAYLOAD: Schema = Schema {
    name: "drift.proto.common.DataPayload",
    fields: &[GAP, Entry { name: "shape", kind: Kind::Packed, message: None }, any("data")],
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

static TIME_SERIES: Schema =
    Schema { name: "drift.proto.meta.TimeSeriesInfo", fields: &[GAP, time("start_timestamp"), time("stop_timestamp")] };

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

pub(crate) static TRIGGER: Schema =
    Schema { name: "drift.proto.trigger_service.TriggerMessage", fields: &[GAP, GAP, time("timestamp")] };

pub(crate) static INTERVAL_TRIGGER: Schema = Schema {
    name: "drift.proto.trigger_service.IntervalTriggerMessage",
    fields: &[GAP, GAP, time("start_timestamp"), time("stop_timestamp")],
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
    #[cold]
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

    #[cold]
    fn too_deep(&self, offset: usize, entry: &'static Entry) -> DecodeError {
        DecodeError::over(Limit::MaxDepth, 0, self.max_depth.into(), offset, self.root, entry)
    }

    #[cold]
    fn offset(&self, part: &[u8]) -> usize {
        (part.as_ptr() as usize).wrapping_sub(self.bytes.as_ptr() as usize)
    }

    /// The next field of a message.
    #[inline(always)]
    pub(crate) fn next<'m>(
        &self,
        fields: &mut Fields<'m>,
        entry: &'static Entry,
        depth: u8,
    ) -> Result<Option<Field<'m>>, DecodeError> {
        fields.checked(depth).map_err(|error| self.wire(error, entry))
    }

    /// The bytes of a field. One of another wire type is a field that is not known.
    #[inline]
    pub(crate) fn field(
        &self,
        schema: &'static Schema,
        number: u32,
        bytes: &[u8],
        depth: u8,
    ) -> Result<(), DecodeError> {
        let Some(entry) = schema.fields.get(number as usize) else { return Ok(()) };
        if let Some(schema) = entry.message {
            let depth = self.deeper(bytes, entry, depth)?;
            if let Some(checked) = self.at_once(schema, bytes, entry) {
                return checked;
            }
            self.message(schema, bytes, entry, depth)
        } else if entry.kind == Kind::Text {
            self.text(bytes, entry)
        } else if entry.kind == Kind::Packed {
            self.packed(bytes, entry)
        } else {
            Ok(())
        }
    }

    #[inline]
    fn text(&self, text: &[u8], entry: &'static Entry) -> Result<(), DecodeError> {
        // Nearly all are.
        if text.is_ascii() { Ok(()) } else { self.utf8(text, entry) }
    }

    fn utf8(&self, text: &[u8], entry: &'static Entry) -> Result<(), DecodeError> {
        str::from_utf8(text).map(|_| ()).map_err(|error| {
            let at = self.offset(text).saturating_add(error.valid_up_to());
            self.error(DecodeErrorKind::InvalidUtf8, at, entry)
        })
    }

    /// Messages of two fields, as they are written. Apart, to keep what is on the stack of messages in one another small.
    #[inline]
    fn at_once(&self, schema: &'static Schema, bytes: &[u8], entry: &'static Entry) -> Option<Result<(), DecodeError>> {
        if entry.kind == Kind::Pair {
            let (one, two) = two_bytes(bytes)?;
            return Some(self.leaf(schema, 1, one).and_then(|()| self.leaf(schema, 2, two)));
        }
        (entry.kind == Kind::Time && two_varints(bytes).is_some()).then_some(Ok(()))
    }

    /// Bytes that are not a message.
    #[inline]
    fn leaf(&self, schema: &'static Schema, number: usize, bytes: &[u8]) -> Result<(), DecodeError> {
        match schema.fields.get(number) {
            Some(entry) if entry.kind == Kind::Text => self.text(bytes, entry),
            _ => Ok(()),
        }
    }

    /// A message in another: the only recursion there is, so little is kept on the stack.
    fn message(
        &self,
        schema: &'static Schema,
        message: &[u8],
        entry: &'static Entry,
        depth: u8,
    ) -> Result<(), DecodeError> {
        let mut fields = Fields::new(message);
        while let Some((number, bytes)) = self.next_bytes(&mut fields, entry, depth)? {
            self.field(schema, number, bytes, depth)?;
        }
        Ok(())
    }

    /// The next field of a message that is bytes.
    #[inline(never)]
    fn next_bytes<'m>(
        &self,
        fields: &mut Fields<'m>,
        entry: &'static Entry,
        depth: u8,
    ) -> Result<Option<(u32, &'m [u8])>, DecodeError> {
        while let Some(field) = self.next(fields, entry, depth)? {
            if let Value::Bytes(bytes) = field.value {
                return Ok(Some((field.number, bytes)));
            }
        }
        Ok(None)
    }

    /// A timestamp, which is read as it is checked.
    #[inline(always)]
    pub(crate) fn time(
        &self,
        schema: &'static Schema,
        number: usize,
        message: &[u8],
        depth: u8,
        time: &mut Option<Timestamp>,
    ) -> Result<(), DecodeError> {
        let entry = schema.fields.get(number).unwrap_or(self.root.entry());
        let mut read = time.unwrap_or_default();
        let depth = self.deeper(message, entry, depth)?;
        if let Some((seconds, nanos)) = two_varints(message) {
            (read.seconds, read.nanos) = (long(seconds), int(nanos));
        } else {
            let mut fields = Fields::new(message);
            while let Some(field) = self.next(&mut fields, entry, depth)? {
                read.take(field);
            }
        }
        *time = Some(read);
        Ok(())
    }

    /// The meta of a package; what most packages have in it is read as it is checked.
    pub(crate) fn meta(&self, message: &[u8], depth: u8, meta: &mut Meta) -> Result<(), DecodeError> {
        let entry = PACKAGE.fields.get(6).unwrap_or(self.root.entry());
        let depth = self.deeper(message, entry, depth)?;
        let mut fields = Fields::new(message);
        while let Some(field) = self.next(&mut fields, entry, depth)? {
            match (field.number, field.value) {
                (2, Value::Bytes(message)) => self.series(message, depth, meta.series())?,
                (7, Value::Bytes(message)) => self.wavelet_buffer(message, depth, meta.wavelet_buffer())?,
                (number, Value::Bytes(message)) => {
                    self.field(&META, number, message, depth)?;
                    meta.take(field);
                }
                _ => meta.take(field),
            }
        }
        Ok(())
    }

    #[inline]
    fn series(&self, message: &[u8], depth: u8, info: &mut TimeSeriesInfo) -> Result<(), DecodeError> {
        let entry = META.fields.get(2).unwrap_or(self.root.entry());
        let depth = self.deeper(message, entry, depth)?;
        let mut fields = Fields::new(message);
        while let Some(field) = self.next(&mut fields, entry, depth)? {
            match (field.number, field.value) {
                (1, Value::Bytes(message)) => self.time(&TIME_SERIES, 1, message, depth, &mut info.start)?,
                (2, Value::Bytes(message)) => self.time(&TIME_SERIES, 2, message, depth, &mut info.stop)?,
                _ => info.take(field),
            }
        }
        Ok(())
    }

    #[inline]
    fn wavelet_buffer(&self, message: &[u8], depth: u8, info: &mut WaveletBufferInfo) -> Result<(), DecodeError> {
        let entry = META.fields.get(7).unwrap_or(self.root.entry());
        let depth = self.deeper(message, entry, depth)?;
        let mut fields = Fields::new(message);
        while let Some(field) = self.next(&mut fields, entry, depth)? {
            match (field.number, field.value) {
                (number @ 15..=17, Value::Bytes(message)) => {
                    let entry = WAVELET.entry(number).unwrap_or(self.root.entry());
                    let depth = self.deeper(message, entry, depth)?;
                    let mut floats = Denoising::floats(info.denoising, number);
                    let mut fields = Fields::new(message);
                    while let Some(field) = self.next(&mut fields, entry, depth)? {
                        Denoising::take(&mut floats, field);
                    }
                    info.denoising = Some(Denoising::of(number, floats));
                }
                _ => info.take(field),
            }
        }
        Ok(())
    }

    fn packed(&self, mut rest: &[u8], entry: &'static Entry) -> Result<(), DecodeError> {
        while !rest.is_empty() {
            rest = match varint(rest) {
                Ok((_, rest)) => rest,
                Err(error) => return Err(self.wire(error, entry)),
            };
        }
        Ok(())
    }

    /// What is left of the depth for a message in another.
    #[inline]
    fn deeper(&self, message: &[u8], entry: &'static Entry, depth: u8) -> Result<u8, DecodeError> {
        let over = || self.too_deep(self.offset(message), entry);
        depth.checked_sub(1).ok_or_else(over)
    }
}

impl Schema {
    fn entry(&'static self, number: u32) -> Option<&'static Entry> {
        self.fields.get(usize::try_from(number).ok()?).filter(|entry| entry.kind != Kind::Unknown)
    }

    /// Whether bytes are such a message, and all in it are: nothing that is read of it later can fail.
    pub(crate) fn check(root: Root, bytes: &[u8], limits: &Limits) -> Result<(), DecodeError> {
        Self::check_each(root, bytes, limits, |_| {})
    }

    /// The same, and its fields are looked at on the way.
    #[inline]
    pub(crate) fn check_each<'a>(
        root: Root,
        bytes: &'a [u8],
        limits: &Limits,
        mut look: impl FnMut(Field<'a>),
    ) -> Result<(), DecodeError> {
        let check = Check::new(root, bytes, limits)?;
        let Some(schema) = root.schema() else { return Ok(()) };
        let mut fields = Fields::new(bytes);
        while let Some(field) = check.next(&mut fields, root.entry(), check.max_depth)? {
            if let Value::Bytes(bytes) = field.value {
                check.field(schema, field.number, bytes, check.max_depth)?;
            }
            look(field);
        }
        Ok(())
    }

    /// Whether a field that was checked has at most so many messages or groups in one another.
    pub(crate) fn is_no_deeper(&'static self, field: Field<'_>, depth: u8) -> bool {
        if let Value::Bytes(bytes) = field.value {
            let check = Check { root: Root::Package, bytes, max_depth: depth };
            return check.field(self, field.number, bytes, depth).is_ok();
        }
        Fields::new(field.raw).checked(depth).is_ok()
    }

    /// The name of a field, and the message it is.
    pub(crate) fn step(&'static self, number: u32) -> Option<(&'static str, Option<&'static Self>)> {
        let entry = self.entry(number)?;
        Some((entry.name, entry.message))
    }
}

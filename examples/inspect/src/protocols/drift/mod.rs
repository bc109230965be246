//! PANDA Drift: packages, and DriftBytes alone. Both are the whole input, which has no frame around it.

mod fields;
mod items;
mod kinds;
mod schema;
mod wire;

use alloc::collections::VecDeque;
use alloc::rc::Rc;

use drift_proto::{DecodeError, DriftBytesRef, Limits, PackageRef, StatusClass, StatusCode, Timestamp};

use self::fields::Walk;
use self::items::Items;
use self::kinds::Kinds;
use crate::dissect::{Capture, Dissect, Fault, FieldIter, Fields, Frame, Input, Protocol, Step};
use crate::protocols::datakit::utc_and_nanos;
use crate::render::{clip, visible};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "drift",
    about: "a package of PANDA Drift: the payload of an MQTT message, or a .dp file",
    dialects: &[],
    messages: &[],
    check_format: None,
    captures: &[
        Capture {
            file: "drift-trigger.dp",
            about: "a trigger for an interval, by the Python package drift-protocol 0.6.0",
            bytes: include_bytes!("../../../captures/drift-trigger.dp"),
            ..Capture::PLAIN
        },
        Capture {
            file: "drift-vibration.dp",
            about: "48000 points that a sensor sent for it, as a wavelet buffer by wavelet-buffer 0.7.1",
            bytes: include_bytes!("../../../captures/drift-vibration.dp"),
            ..Capture::PLAIN
        },
        Capture {
            file: "drift-typed.dp",
            about: "values of a machine, by drift-bytes 0.3.0",
            bytes: include_bytes!("../../../captures/drift-typed.dp"),
            ..Capture::PLAIN
        },
        Capture {
            file: "drift-failed.dp",
            about: "what a service sent that failed",
            bytes: include_bytes!("../../../captures/drift-failed.dp"),
            ..Capture::PLAIN
        },
    ],
    open: |options| Box::new(Packages { limits: limits(options.max_len), faults: VecDeque::new() }),
};

pub(crate) const BYTES: Protocol = Protocol {
    name: "drift-bytes",
    about: "typed values of PANDA Drift, without their package",
    dialects: &[],
    messages: &[],
    check_format: None,
    captures: &[Capture {
        file: "values.drift-bytes",
        about: "numbers, texts and a matrix, by the Python package drift-bytes 0.3.0",
        bytes: include_bytes!("../../../captures/values.drift-bytes"),
        ..Capture::PLAIN
    }],
    open: |options| Box::new(Buffers { limits: limits(options.max_len) }),
};

fn limits(max_len: usize) -> Limits {
    Limits::DEFAULT.with_max_len(u32::try_from(max_len).unwrap_or(u32::MAX))
}

/// What is asked for before there is all of it: the whole input, if it is not too long.
fn whole<'a>(input: Input<'a>, limits: &Limits, what: &'static str) -> Option<Step<'a>> {
    if input.bytes.len() as u64 > u64::from(limits.max_len) {
        let message = format!("{what} exceeds max_len {}; --max-len raises it", limits.max_len);
        return Some(Step::Fault(Fault::new("limit_exceeded", input.offset, what, message)));
    }
    (!input.ended || input.bytes.is_empty()).then_some(Step::More)
}

struct Packages {
    limits: Limits,
    /// Of the package that was just told: messages in it that are none.
    faults: VecDeque<Told>,
}

/// Most of these that are told.
const FAULTS: usize = 100;

/// A fault in a package that was shown.
struct Told {
    error: DecodeError,
    /// In the stream, of what it counts from.
    offset: u64,
    path: String,
}

impl Dissect for Packages {
    fn step<'a>(&mut self, input: Input<'a>) -> Step<'a> {
        if let Some(Told { error, offset, path }) = self.faults.pop_front() {
            return Step::Fault(Fault { path: Some(path), resume: Some(0), ..fault(&error, offset) });
        }
        if let Some(step) = whole(input, &self.limits, "package") {
            return step;
        }
        let bytes = input.bytes;
        match PackageRef::decode_with(bytes, &self.limits) {
            Ok(package) => {
                let kinds = Rc::new(Kinds::of(package));
                self.faults = faults(package, &kinds, input.offset);
                let fields =
                    Box::new(move || -> FieldIter<'a> { Box::new(Walk::new(bytes, input.offset, kinds.clone())) });
                Step::Frame(Frame { len: bytes.len(), summary: summary(package), fields })
            }
            Err(error) => {
                let path = Some(error.path(bytes)).filter(|path| !path.is_empty());
                let end = usize::try_from(error.offset()).unwrap_or(usize::MAX);
                let fields: Fields<'a> = Box::new(move || Box::new(Walk::until(end, bytes, input.offset)));
                Step::Fault(Fault { path, fields, ..fault(&error, input.offset) })
            }
        }
    }
}

/// Without a way on: what follows cannot be told from what is wrong.
fn fault<'a>(error: &DecodeError, offset: u64) -> Fault<'a> {
    let offset = offset.saturating_add(error.offset());
    Fault::new(&error.kind().to_string(), offset, error.what(), error.reason().to_string())
}

/// Messages in the data that are not what they say, and payloads that are no typed values.
fn faults(package: PackageRef<'_>, kinds: &Kinds<'_>, offset: u64) -> VecDeque<Told> {
    let at = |part: &[u8]| {
        let start = package.as_bytes().as_ptr() as usize;
        offset.saturating_add((part.as_ptr() as usize).saturating_sub(start) as u64)
    };
    let mut told = VecDeque::new();
    let mut payloads = 0_usize;
    for (index, any) in package.data().enumerate() {
        let payload = match schema::unpacked(any) {
            Err(error) => {
                told.push_back(Told { error, offset: at(any.value()), path: format!("data[{index}].value") });
                None
            }
            Ok(payload) => payload,
        };
        if any.is(schema::PAYLOAD) {
            payloads = payloads.saturating_add(1);
        }
        let Some(payload) = payload.filter(|_| kinds.is_drift_bytes(payloads.saturating_sub(1))) else { continue };
        if let Err(error) = DriftBytesRef::decode_with(payload.data(), &schema::LIMITS) {
            let item = Items::new(payload.data(), 0).map_or(0, Iterator::count);
            let path = format!("data[{index}].value.data[{item}]");
            told.push_back(Told { error, offset: at(payload.data()), path });
        }
        if told.len() >= FAULTS {
            break;
        }
    }
    told
}

/// Names of messages in a summary, and characters of each.
const NAMES: usize = 4;
const NAME_LEN: usize = 60;

fn summary(package: PackageRef<'_>) -> String {
    let id = package.id();
    let mut summary = format!("package {id} of {}, {} ({})", of_millis(id), package.status(), class(package.status()));
    match package.meta() {
        Some(meta) => summary.push_str(&format!(", {}", meta.data_type())),
        None => summary.push_str(", no meta"),
    }
    let mut data = package.data();
    for any in data.by_ref().take(NAMES) {
        let name = any.name().unwrap_or_else(|| any.type_url()).rsplit('.').next().unwrap_or_default();
        let name = if name.is_empty() { "message without a name" } else { name };
        summary.push_str(&format!(", {}", visible(&clip(format_args!("{name}"), NAME_LEN))));
    }
    match data.count() {
        0 if package.data().next().is_none() => summary.push_str(", no data"),
        0 => {}
        more => summary.push_str(&format!(" and {more} more")),
    }
    for (count, what) in [(package.labels().count(), "label"), (package.unknown_fields().count(), "unknown field")] {
        if count > 0 {
            summary.push_str(&format!(", {count} {what}{}", if count == 1 { "" } else { "s" }));
        }
    }
    summary
}

/// How a status is to be taken.
fn class(status: StatusCode) -> &'static str {
    match status.class() {
        StatusClass::Good => "good",
        StatusClass::Uncertain => "uncertain",
        StatusClass::Bad => "bad",
        StatusClass::Unknown => "of no class",
    }
}

fn of_millis(millis: i64) -> String {
    Timestamp::from_unix_millis(millis).map(time).unwrap_or_default()
}

/// To the nanosecond.
fn time(Timestamp { seconds, nanos }: Timestamp) -> String {
    match u32::try_from(nanos) {
        Ok(nanos) if nanos < 1_000_000_000 => utc_and_nanos(seconds, nanos),
        _ => "more nanoseconds than a second has".to_owned(),
    }
}

struct Buffers {
    limits: Limits,
}

impl Dissect for Buffers {
    fn step<'a>(&mut self, input: Input<'a>) -> Step<'a> {
        if let Some(step) = whole(input, &self.limits, "drift_bytes") {
            return step;
        }
        let (bytes, offset) = (input.bytes, input.offset);
        let fields: Fields<'a> = Box::new(move || {
            let items = Items::new(bytes, offset).into_iter().flatten();
            Box::new(items::header(bytes, offset).chain(items))
        });
        match DriftBytesRef::decode_with(bytes, &self.limits) {
            Ok(values) => {
                let count = values.items().count();
                let s = if count == 1 { "" } else { "s" };
                Step::Frame(Frame { len: bytes.len(), summary: format!("{count} item{s}"), fields })
            }
            Err(error) => {
                let path = Items::new(bytes, offset).map(|items| format!("[{}]", items.count()));
                Step::Fault(Fault { path, fields, ..fault(&error, offset) })
            }
        }
    }
}

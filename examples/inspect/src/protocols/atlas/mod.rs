//! ATLAS Advanced Streams: records of Kafka as lines, each a key, a TAB and a value.

mod base64;
mod formats;
mod records;
mod telemetry;

use core::time::Duration;

use atlas_stream::{
    DataFormat, DecodeError, Decoder, Limits, MessageKind, ReadError, ReaderLimits, StreamReader, TelemetryKind,
    TypeMap,
};

use self::formats::Formats;
use self::records::{Form, Told};
use crate::dissect::{
    By, Capture, Dissect, Fault, Field, FieldIter, Fields, Frame, Input, Options, Place, Protocol, Step, Value,
};
use crate::render::{clip, visible};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "atlas",
    about: "records of ATLAS Advanced Streams, a line each: key, TAB, and JSON, base64:… or nothing",
    dialects: &[],
    messages: &MESSAGES,
    check_format: Some(|document| match DataFormat::decode_with(document, &Limits::DEFAULT) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }),
    captures: &[Capture {
        file: "atlas-run.tsv",
        about: "one run of a test rig from $start to $end, in JSON and protobuf",
        bytes: include_bytes!("../../../captures/atlas-run.tsv"),
        types: &[("{ParameterDataMessage}", "ParameterDataMessage"), ("{EventMessage}", "EventMessage")],
        formats: &[("0ec63347ffc5", include_bytes!("../../../captures/0ec63347ffc5.json"))],
        ..Capture::PLAIN
    }],
    open: |options| Box::new(Lines::new(options)),
};

/// What a type can be, in the order of [`KINDS`].
const MESSAGES: [&str; 13] = [
    "$start",
    "$end",
    "session",
    "tdata",
    "tsamples",
    "events",
    "lap",
    "sync",
    "ParameterDataMessage",
    "ParameterDataBackFillMessage",
    "ParameterSamplesMessage",
    "ParameterSamplesBackFillMessage",
    "EventMessage",
];

const KINDS: [MessageKind; 13] = [
    MessageKind::Start,
    MessageKind::End,
    MessageKind::Session,
    MessageKind::Data,
    MessageKind::Samples,
    MessageKind::Event,
    MessageKind::Lap,
    MessageKind::Sync,
    MessageKind::ProtobufTelemetry(TelemetryKind::Data),
    MessageKind::ProtobufTelemetry(TelemetryKind::DataBackFill),
    MessageKind::ProtobufTelemetry(TelemetryKind::Samples),
    MessageKind::ProtobufTelemetry(TelemetryKind::SamplesBackFill),
    MessageKind::ProtobufEvent,
];

/// Characters of the path to a fault.
const PATH_LEN: usize = 200;

struct Lines {
    reader: StreamReader,
    types: TypeMap,
    formats: Formats,
    max_len: usize,
    /// Of the line at hand, from 1.
    line: u64,
    /// How many of its bytes hold no newline.
    scanned: usize,
    /// In a line that was told of as too long.
    is_skipping: bool,
    /// What was base64.
    decoded: Vec<u8>,
}

impl Lines {
    fn new(options: &Options) -> Self {
        let kind = |message: &str| MESSAGES.iter().zip(KINDS).find(|(name, _)| **name == message).map(|(_, kind)| kind);
        let types = options.types.iter().fold(TypeMap::new(), |types, (name, message)| match kind(message) {
            Some(kind) => types.with(name.as_str(), kind),
            None => types,
        });
        let limits = Limits::DEFAULT.with_max_len(u32::try_from(options.max_len).unwrap_or(u32::MAX));
        let decoder = Decoder::new().with_limits(limits).with_types(types.clone()).with_unknown_members(false);
        Self {
            // Formats are here or are not: nothing waits for one.
            reader: StreamReader::new().with_decoder(decoder).with_limits(ReaderLimits::DEFAULT.with_max_formats(0)),
            types,
            formats: Formats::new(&options.formats),
            max_len: options.max_len,
            line: 1,
            scanned: 0,
            is_skipping: false,
            decoded: Vec::new(),
        }
    }

    /// The line that the first `len` bytes of the input are, with its end.
    fn line<'a>(&mut self, len: usize, input: Input<'a>) -> Step<'a> {
        let bytes = input.bytes.get(..len).unwrap_or_default();
        let line = Line { bytes: content(bytes), number: self.line, offset: input.offset };
        (self.scanned, self.line) = (0, self.line.saturating_add(1));
        if line.bytes.len() > self.max_len {
            return Step::Fault(line.too_long(self.max_len, len));
        }
        let Some((key, text)) = line.cut() else {
            let message = "no TAB behind a key".to_owned();
            let fault = line.fault("missing_tab", "line", line.bytes.len(), message, "");
            return Step::Fault(Fault { resume: Some(len as u64), ..fault });
        };
        self.decoded.clear();
        let (form, value) = match Form::of(text) {
            (Form::Base64, digits) => match base64::decode(digits, &mut self.decoded) {
                Ok(()) => (Form::Base64, &*self.decoded),
                Err(wrong) => {
                    let at = records::PREFIX.len().saturating_add(wrong.at);
                    let fault = line.of_value("bad_base64", "value", at, wrong.message.to_owned(), "");
                    return Step::Fault(Fault { resume: Some(len as u64), ..fault });
                }
            },
            (form, value) => (form, value),
        };
        match self.reader.handle_record(Duration::ZERO, 0, key, value) {
            Ok(Some(received)) => {
                let record = received.record();
                let kind = self.types.get(record.key().message_type());
                let message = MESSAGES.into_iter().zip(KINDS).find(|(_, known)| Some(*known) == kind);
                let told = Told::new(&received, form, message, &mut self.formats);
                // What is raw stands in the input, unless it was base64.
                let raw = told.raw.then(|| match form {
                    Form::Base64 => Value::Raw(self.decoded.clone().into()),
                    Form::Text | Form::None => Value::Raw(text.into()),
                });
                Step::Frame(line.frame(len, told, raw))
            }
            Err(ReadError::Decode(error)) if error.is_of_key() => Step::Pass(len),
            Err(ReadError::Decode(error)) => {
                let fault = line.undecoded(&error, form, value);
                Step::Fault(Fault { resume: Some(len as u64), ..fault })
            }
            // Nothing waits, so all is taken.
            Ok(None) | Err(_) => Step::Pass(len),
        }
    }
}

impl Dissect for Lines {
    fn step<'a>(&mut self, input: Input<'a>) -> Step<'a> {
        let fresh = input.bytes.get(self.scanned..).unwrap_or_default();
        let newline = fresh.iter().position(|byte| *byte == b'\n');
        let end = newline.map(|at| self.scanned.saturating_add(at).saturating_add(1));
        if self.is_skipping {
            let len = end.unwrap_or(input.bytes.len());
            (self.scanned, self.is_skipping) = (0, end.is_none());
            return if len == 0 { Step::More } else { Step::Skip(len) };
        }
        match end {
            Some(end) => self.line(end, input),
            None if content(input.bytes).len() > self.max_len => {
                self.is_skipping = true;
                self.line(input.bytes.len(), input)
            }
            // A last line may be without its end.
            None if input.ended && !input.bytes.is_empty() => self.line(input.bytes.len(), input),
            None => {
                self.scanned = input.bytes.len();
                Step::More
            }
        }
    }
}

/// A line without its end.
fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A line without its end, and where it is.
#[derive(Clone, Copy)]
struct Line<'a> {
    bytes: &'a [u8],
    /// From 1.
    number: u64,
    /// In the stream.
    offset: u64,
}

impl<'a> Line<'a> {
    /// Key and value.
    fn cut(self) -> Option<(&'a [u8], &'a [u8])> {
        let tab = self.bytes.iter().position(|byte| *byte == b'\t')?;
        let (key, rest) = self.bytes.split_at_checked(tab)?;
        Some((key, rest.get(1..)?))
    }

    /// Where the value begins.
    fn value_start(self) -> usize {
        self.cut().map_or(self.bytes.len(), |(key, _)| key.len().saturating_add(1))
    }

    fn frame(self, len: usize, told: Told, raw: Option<Value<'a>>) -> Frame<'a> {
        let Told { summary, tag, value, note, parameters, count, .. } = told;
        let (key, text) = self.cut().unwrap_or_default();
        let mut fields = vec![self.part("key", "text", 0, key, Value::Raw(key.into()))];
        let start = self.value_start();
        if let Some(value) = raw.or(value).filter(|_| !text.is_empty()) {
            fields.push(self.part("value", tag, start, text, value));
        }
        if let Some(last) = fields.last_mut() {
            last.note = note.into();
        }
        if !parameters.is_empty() {
            let note = match parameters.len() {
                shown if shown < count => format!("the first {shown} of {count}"),
                _ => String::new(),
            };
            let end = start.saturating_add(text.len());
            let mut open = self.part("parameters", "", end, &[], Value::Array);
            open.note = note.into();
            let close = Field { place: Place::End, value: Value::Close(By::Count), ..open.clone() };
            fields.push(open);
            let items = (0..).zip(parameters).map(|(index, value)| Field {
                depth: 1,
                place: Place::Item(index),
                ..self.part("", "", end, &[], value)
            });
            fields.extend(items);
            fields.push(close);
        }
        let fields: Fields<'a> = Box::new(move || -> FieldIter<'a> { Box::new(fields.clone().into_iter()) });
        Frame { len, summary, fields }
    }

    fn part(self, name: &'static str, tag: &'static str, at: usize, bytes: &'a [u8], value: Value<'a>) -> Field<'a> {
        Field {
            offset: self.offset.saturating_add(at as u64),
            bytes,
            tag_len: 0,
            depth: 0,
            place: Place::Part(name),
            tag,
            value,
            note: "".into(),
            secret: false,
        }
    }

    /// With the line as it is written.
    fn fault(self, kind: &str, what: &'static str, at: usize, message: String, path: &str) -> Fault<'a> {
        let fields: Fields<'a> = Box::new(move || -> FieldIter<'a> {
            let text = |name, at, bytes: &'a [u8]| self.part(name, "text", at, bytes, Value::Raw(bytes.into()));
            let parts = match self.cut() {
                Some((key, value)) => [text("key", 0, key), text("value", self.value_start(), value)],
                None => [text("rest", 0, self.bytes), text("", 0, &[])],
            };
            Box::new(parts.into_iter().filter(|part| !part.bytes.is_empty()))
        });
        let column = at.saturating_add(1);
        Fault {
            path: Some(format!("line {}, column {column}{path}", self.number)),
            fields,
            ..Fault::new(kind, self.offset.saturating_add(at as u64), what, message)
        }
    }

    /// Of a place in the value.
    fn of_value(self, kind: &str, what: &'static str, at: usize, message: String, path: &str) -> Fault<'a> {
        self.fault(kind, what, self.value_start().saturating_add(at), message, path)
    }

    fn undecoded(self, error: &DecodeError, form: Form, value: &[u8]) -> Fault<'a> {
        let byte = usize::try_from(error.offset()).unwrap_or(usize::MAX);
        let mut path = visible(&clip(format_args!("{}", error.path(value)), PATH_LEN));
        if !path.is_empty() {
            path.insert_str(0, ", ");
        }
        let at = match form {
            Form::Base64 => {
                path.insert_str(0, &format!(", byte {byte} of the value"));
                records::PREFIX.len().saturating_add(base64::place(byte)).min(self.bytes.len())
            }
            Form::Text | Form::None => byte,
        };
        self.of_value(&error.kind().to_string(), error.what(), at, error.reason().to_string(), &path)
    }

    /// `len` bytes of it are there.
    fn too_long(self, max_len: usize, len: usize) -> Fault<'a> {
        let message = format!("line exceeds max_len {max_len}; --max-len raises it");
        let fault = self.fault("limit_exceeded", "line", max_len, message, "");
        Fault { resume: Some(len as u64), fields: Box::new(|| Box::new(core::iter::empty())), ..fault }
    }
}

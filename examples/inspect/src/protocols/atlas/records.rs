//! What is said of a record.

use atlas_stream::{
    Changes, Event, Lap, Message, MessageKind, Received, RecordRef, Session, StreamNotes, TelemetryRef, absolute,
};

use super::formats::Formats;
use super::telemetry::{self, series};
use crate::dissect::{First, Value};
use crate::protocols::datakit::utc_and_nanos;
use crate::render::{clip, visible};

/// Values with names, in one line.
pub(super) type Row = Vec<(&'static str, Value<'static>)>;

/// In front of a value that is base64.
pub(super) const PREFIX: &[u8] = b"base64:";

/// How a value is written in its line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Base64,
    /// Kafka's null, as its console consumer prints it, or nothing.
    None,
}

impl Form {
    /// And what of the text holds the value.
    pub(super) fn of(text: &[u8]) -> (Self, &[u8]) {
        match text.strip_prefix(PREFIX) {
            Some(digits) => (Self::Base64, digits),
            None if text.is_empty() || text == b"null" => (Self::None, &[]),
            None => (Self::Text, text),
        }
    }
}

/// What is shown of a record.
pub(super) struct Told {
    pub(super) summary: String,
    /// How the value is written.
    pub(super) tag: &'static str,
    pub(super) value: Option<Value<'static>>,
    /// The value is shown as it is.
    pub(super) raw: bool,
    pub(super) note: String,
    pub(super) parameters: Vec<Value<'static>>,
    /// How many parameters there are.
    pub(super) count: usize,
}

impl Told {
    /// Of a record whose type is told to be a message, or is one.
    pub(super) fn new(
        received: &Received<'_>,
        form: Form,
        message: Option<(&'static str, MessageKind)>,
        formats: &mut Formats,
    ) -> Self {
        let (record, kind) = (received.record(), message.map(|(_, kind)| kind));
        let is_protobuf = matches!(kind, Some(MessageKind::ProtobufTelemetry(_) | MessageKind::ProtobufEvent));
        let tag = match (form, kind) {
            (Form::None, _) => "",
            (Form::Base64, None) => "base64",
            (Form::Base64, Some(_)) if is_protobuf => "protobuf",
            (Form::Text, None) => "text",
            (Form::Text | Form::Base64, Some(_)) => "JSON",
        };
        let mut told = Self {
            summary: name(record, message.map(|(name, _)| name)),
            tag,
            value: None,
            raw: false,
            note: record.notes().to_string(),
            parameters: Vec::new(),
            count: 0,
        };
        match record.message() {
            Message::Session(session) => told.session(session, received.changes()),
            Message::Data(message) | Message::Samples(message) => told.telemetry(message, formats),
            Message::Event(event) => told.event(event),
            Message::Lap(lap) => told.lap(lap),
            Message::Sync(sync) => {
                let mut row: Row = Vec::new();
                row.extend(sync.epoch.map(|epoch| ("epoch", text(&utc(epoch)))));
                if let Some(time) = sync.absolute() {
                    told.say(&format!(" at {}", utc(time)));
                    row.push(("time", text(&utc(time))));
                }
                told.value = Some(Value::Row(row));
            }
            Message::Unknown(value) => {
                let s = if value.len() == 1 { "" } else { "s" };
                told.say(&format!(", {} byte{s}", value.len()));
                if record.looks_like_protobuf() {
                    told.say(", looks like telemetry in protobuf: --type may tell which");
                }
                told.raw = true;
            }
            Message::Start | Message::End => told.raw = true,
            // The enum may grow.
            _ => told.raw = true,
        }
        // Excerpts begin anywhere; that a format is not given is told with the parameters.
        let place = received.notes().without(StreamNotes::OPENED | StreamNotes::LATE | StreamNotes::UNBOUND);
        if !place.is_empty() {
            told.note(&format!("in its stream: {place}"));
        }
        if form == Form::None {
            (told.raw, told.value) = (false, Some(Value::Null));
        }
        told
    }

    fn say(&mut self, words: &str) {
        self.summary.push_str(words);
    }

    fn note(&mut self, note: &str) {
        if !self.note.is_empty() {
            self.note.push_str("; ");
        }
        self.note.push_str(note);
    }

    fn session(&mut self, session: &Session<'_>, changes: Changes) {
        let mut row: Row = vec![("id", text(&session.id)), ("state", text(session.state_name()))];
        self.say(&format!(": {}", visible(&clip(format_args!("{}", session.state_name()), NAME_LEN))));
        if let Some(identifier) = &session.identifier {
            self.say(&format!(", {}", short(identifier)));
            row.push(("identifier", text(identifier)));
        }
        if changes.is_empty() {
            self.say("; a heartbeat");
        } else if !changes.contains(Changes::ID) {
            self.say(&format!("; new: {changes}"));
        }
        row.extend(session.session_type.as_ref().map(|kind| ("type", text(kind))));
        row.extend(session.quality.map(|quality| ("quality", Value::Double(quality))));
        row.extend(session.label.as_ref().map(|label| ("label", text(label))));
        if let Some(dependencies) = &session.dependencies {
            let mut ids = dependencies.iter().flat_map(|(kind, ids)| ids.iter().map(move |id| (kind, id)));
            let values = ids.by_ref().take(LISTED).map(|(kind, id)| text(&format!("{kind}/{id}"))).collect();
            row.push(("dependencies", Value::List(First { values, has_more: ids.next().is_some() })));
        }
        if let Some(activity) = &session.activity {
            row.extend(activity.start.as_ref().map(|start| ("start", text(start.as_str()))));
            row.extend(activity.duration_nanos.map(|nanos| ("durationNanos", Value::Int(nanos.into()))));
        }
        row.extend(session.last_heartbeat.as_ref().map(|heartbeat| ("lastHeartbeat", text(heartbeat.as_str()))));
        if let Some(model) = &session.model {
            row.push(("model", text(&model.group)));
        }
        row.extend(session.details.as_ref().map(|details| ("details", Value::Int(details.len() as i128))));
        if !session.sources.is_empty() {
            row.push(("sources", Value::Int(session.sources.len() as i128)));
        }
        self.value = Some(Value::Row(row));
    }

    fn telemetry(&mut self, message: &TelemetryRef<'_>, formats: &mut Formats) {
        let (row, summary) = telemetry::head(message);
        self.say(&format!(": {summary}"));
        let (feed, notes) = formats.feed(message);
        self.value = Some(Value::Row(row));
        self.parameters = telemetry::parameters(message, feed);
        self.count = message.len();
        notes.iter().for_each(|note| self.note(note));
    }

    fn event(&mut self, event: &Event<'_>) {
        let values = event.values.column();
        self.say(&format!(": {} at {}", short(&event.id), at(event.epoch, event.time)));
        let mut row: Row = vec![("id", text(&event.id)), ("time", text(&at(event.epoch, event.time)))];
        if let Some(status) = &event.status {
            self.say(&format!(", {}", short(status)));
            row.push(("status", text(status)));
        }
        row.push(("values", series(values)));
        self.value = Some(Value::Row(row));
    }

    fn lap(&mut self, lap: &Lap<'_>) {
        let time = at(lap.epoch, lap.time);
        let kind = visible(&clip(format_args!("{}", lap.lap_type), NAME_LEN));
        self.say(&format!(": {} at {time}, {kind}, by {}", lap.number, lap.trigger_source));
        let source = match lap.trigger_source.name() {
            Some(name) => text(name),
            None => Value::Int(lap.trigger_source.0.into()),
        };
        let number = Value::Int(lap.number.into());
        let kind = text(lap.lap_type.name());
        self.value = Some(Value::Row(vec![
            ("number", number),
            ("time", text(&time)),
            ("type", kind),
            ("triggerSource", source),
        ]));
    }
}

/// Type and stream.
fn name(record: &RecordRef<'_>, message: Option<&str>) -> String {
    let key = record.key();
    let (stream, kind) = (short(key.stream_id()), key.message_type().as_str());
    match message {
        Some(message) if message == kind => format!("{message} of {stream}"),
        Some(message) => format!("{} ({message}) of {stream}", short(kind)),
        None => format!("unknown type {} of {stream}", short(kind)),
    }
}

/// Characters of a name in a summary, and most of what is listed in a line.
const NAME_LEN: usize = 40;
const LISTED: usize = 8;

/// In quotes, escaped, and cut where it is long.
pub(super) fn short(name: &str) -> String {
    clip(format_args!("{name:?}"), NAME_LEN)
}

pub(super) fn text(text: &str) -> Value<'static> {
    Value::Raw(text.as_bytes().to_vec().into())
}

/// Nanoseconds since 1970.
pub(super) fn utc(nanos: i64) -> String {
    const BILLION: i64 = 1_000_000_000;
    let fraction = u32::try_from(nanos.rem_euclid(BILLION)).unwrap_or_default();
    utc_and_nanos(nanos.div_euclid(BILLION), fraction)
}

fn at(epoch: i64, time: i64) -> String {
    absolute(epoch, time).map_or_else(|| "a time beyond 64 bits".to_owned(), utc)
}

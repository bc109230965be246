//! Reading all that there is, in every public way.

use std::fmt::{self, Write as _};

use atlas_stream::{
    AtlasConfiguration, Columns, DataFormat, DecodeError, DecodeErrorKind, Decoder, EncodeError, Event, Lap, Limit,
    Limits, Message, MessageKind, ParamKey, RecordRef, Session, Sync, TelemetryRef, TypeMap,
};

use crate::proto::*;

/// Formats into nothing.
pub(crate) struct Nowhere;

impl fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}

/// What an error is, and which limit.
pub(crate) fn kind(error: DecodeError) -> (DecodeErrorKind, Option<Limit>) {
    (error.kind(), error.limit())
}

pub(crate) const fn too_much(limit: Limit) -> (DecodeErrorKind, Option<Limit>) {
    (DecodeErrorKind::LimitExceeded, Some(limit))
}

/// Mixes what was read to one number, so that two ways can be compared.
#[derive(Default)]
pub(crate) struct Sum(u64);

impl Sum {
    pub(crate) fn add(&mut self, value: u64) {
        self.0 = self.0.rotate_left(5) ^ value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn text(&mut self, text: &str) {
        self.add(text.len() as u64);
        text.bytes().for_each(|byte| self.add(byte.into()));
    }
}

impl fmt::Write for Sum {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

/// All of telemetry; allocates nothing.
pub(crate) fn look(telemetry: &TelemetryRef<'_>) -> u64 {
    let mut sum = Sum::default();
    sum.text(telemetry.format().unwrap_or_default());
    sum.text(telemetry.feed());
    sum.text(telemetry.unknown().as_str());
    sum.add(telemetry.epoch() as u64);
    telemetry.times().for_each_chunk(|chunk| chunk.iter().for_each(|time| sum.add(*time as u64)));
    let mut count = 0;
    for parameter in telemetry.parameters() {
        count += 1;
        match parameter.key() {
            ParamKey::Index(index) => sum.add(index.into()),
            ParamKey::Name(name) => sum.text(name),
        }
        sum.add(parameter.epoch() as u64);
        sum.text(parameter.unknown().as_str());
        let len = parameter.times().len();
        assert_eq!(parameter.absolute_times().map(|time| sum.add(time as u64)).count(), len);
        if let Some(statuses) = parameter.statuses() {
            assert_eq!(statuses.iter().map(|flags| sum.add(flags.into())).count(), len);
        }
        let columns = [parameter.avg(), parameter.min(), parameter.max(), parameter.first(), parameter.values()];
        for column in columns {
            sum.add(column.is_some().into());
            let Some(column) = column else { continue };
            assert_eq!(column.len(), len);
            column.for_each_chunk(|chunk| chunk.iter().for_each(|value| sum.add(value.to_bits())));
            assert_eq!(column.get(len), None);
        }
    }
    assert_eq!((count, count == 0), (telemetry.len(), telemetry.is_empty()));
    sum.0
}

/// What was read of a message, by its text and all its values.
fn look_at(message: &Message<'_>) -> u64 {
    let mut sum = Sum::default();
    match message {
        Message::Data(telemetry) | Message::Samples(telemetry) => return look(telemetry),
        // The values of events may lie in bytes or not.
        Message::Event(event) => return look_at_event(event),
        message => write!(sum, "{message:?}").unwrap(),
    }
    sum.0
}

fn look_at_event(event: &Event<'_>) -> u64 {
    let mut sum = Sum::default();
    write!(sum, "{} {} {:?} {:?} {:?}", event.epoch, event.time, event.id, event.status, event.unknown()).unwrap();
    event.values.column().iter().for_each(|value| sum.add(value.to_bits()));
    sum.0
}

fn shown(value: &impl fmt::Debug) -> u64 {
    let mut sum = Sum::default();
    write!(sum, "{value:?}").unwrap();
    sum.0
}

/// The key of a record, by the types that [`types`] has.
pub(crate) fn key(form: Form) -> Option<&'static [u8]> {
    Some(match form {
        Form::Session => b"session:a",
        Form::Data => b"tdata:a",
        Form::Samples => b"tsamples:a",
        Form::Event => b"events:a",
        Form::Lap => b"lap:a",
        Form::Sync => b"sync:a",
        Form::Telemetry(place) => [&b"0:a"[..], b"1:a", b"2:a", b"3:a"][place],
        Form::ProtobufEvent => b"e:a",
        Form::Format | Form::Configuration => return None,
    })
}

pub(crate) fn types() -> TypeMap {
    let types = TypeMap::new().with("e", MessageKind::ProtobufEvent);
    (0..KINDS.len())
        .fold(types, |types, place| types.with(place.to_string(), MessageKind::ProtobufTelemetry(KINDS[place])))
}

pub(crate) type Found = Result<u64, DecodeError>;
type WayByDefault = fn(Form, &[u8]) -> Option<Found>;
type Way = fn(Form, &[u8], &Limits) -> Option<Found>;

/// Every public function that reads values and documents.
pub(crate) const WAYS: [(&str, Way); 12] = [
    ("RecordRef::decode_with", |form, bytes, limits| {
        let key = key(form).filter(|_| !form.is_protobuf())?;
        Some(RecordRef::decode_with(key, bytes, limits).map(|record| look_at(record.message())))
    }),
    ("Decoder::decode", |form, bytes, limits| {
        let mut decoder = Decoder::new().with_limits(*limits).with_types(types());
        Some(decoder.decode(key(form)?, bytes).map(|record| look_at(record.message())))
    }),
    ("Columns::decode_data_with", |form, bytes, limits| {
        let mut columns = Columns::new();
        let read = (form == Form::Data).then(|| columns.decode_data_with(bytes, limits))?;
        Some(read.map(|_| look(&TelemetryRef::from(&columns))))
    }),
    ("Columns::decode_samples_with", |form, bytes, limits| {
        let mut columns = Columns::new();
        let read = (form == Form::Samples).then(|| columns.decode_samples_with(bytes, limits))?;
        Some(read.map(|_| look(&TelemetryRef::from(&columns))))
    }),
    ("Columns::decode_protobuf_with", |form, bytes, limits| {
        let Form::Telemetry(place) = form else { return None };
        let mut columns = Columns::new();
        Some(columns.decode_protobuf_with(KINDS[place], bytes, limits).map(|_| look(&TelemetryRef::from(&columns))))
    }),
    ("TelemetryRef::decode_protobuf_with", |form, bytes, limits| {
        let Form::Telemetry(place) = form else { return None };
        Some(TelemetryRef::decode_protobuf_with(KINDS[place], bytes, limits).map(|(telemetry, _)| look(&telemetry)))
    }),
    ("Session::decode_json_with", |form, bytes, limits| {
        let read = (form == Form::Session).then(|| Session::decode_json_with(bytes, limits))?;
        Some(read.map(|(session, _)| look_at(&Message::Session(session))))
    }),
    ("Event::decode_json_with", |form, bytes, limits| {
        let read = (form == Form::Event).then(|| Event::decode_json_with(bytes, limits))?;
        Some(read.map(|(event, _)| look_at_event(&event)))
    }),
    ("Lap::decode_json_with", |form, bytes, limits| {
        let read = (form == Form::Lap).then(|| Lap::decode_json_with(bytes, limits))?;
        Some(read.map(|(lap, _)| look_at(&Message::Lap(lap))))
    }),
    ("Event::decode_protobuf_with", |form, bytes, limits| {
        let read = (form == Form::ProtobufEvent).then(|| Event::decode_protobuf_with(bytes, limits))?;
        Some(read.map(|(event, _)| look_at_event(&event)))
    }),
    ("DataFormat::decode_with", |form, bytes, limits| {
        let read = (form == Form::Format).then(|| DataFormat::decode_with(bytes, limits))?;
        Some(read.map(|(format, _)| shown(&format)))
    }),
    ("AtlasConfiguration::decode_with", |form, bytes, limits| {
        let read = (form == Form::Configuration).then(|| AtlasConfiguration::decode_with(bytes, limits))?;
        Some(read.map(|(configuration, _)| shown(&configuration)))
    }),
];

/// The same functions without limits, which are under the defaults.
pub(crate) const BY_DEFAULT: [(&str, WayByDefault); 11] = [
    ("RecordRef::decode", |form, bytes| {
        let key = key(form).filter(|_| !form.is_protobuf())?;
        Some(RecordRef::decode(key, bytes).map(|record| look_at(record.message())))
    }),
    ("Columns::decode_data", |form, bytes| {
        let mut columns = Columns::new();
        let read = (form == Form::Data).then(|| columns.decode_data(bytes))?;
        Some(read.map(|_| look(&TelemetryRef::from(&columns))))
    }),
    ("Columns::decode_samples", |form, bytes| {
        let mut columns = Columns::new();
        let read = (form == Form::Samples).then(|| columns.decode_samples(bytes))?;
        Some(read.map(|_| look(&TelemetryRef::from(&columns))))
    }),
    ("Columns::decode_protobuf", |form, bytes| {
        let Form::Telemetry(place) = form else { return None };
        let mut columns = Columns::new();
        Some(columns.decode_protobuf(KINDS[place], bytes).map(|_| look(&TelemetryRef::from(&columns))))
    }),
    ("TelemetryRef::decode_protobuf", |form, bytes| {
        let Form::Telemetry(place) = form else { return None };
        Some(TelemetryRef::decode_protobuf(KINDS[place], bytes).map(|(telemetry, _)| look(&telemetry)))
    }),
    ("Session::decode_json", |form, bytes| {
        let read = (form == Form::Session).then(|| Session::decode_json(bytes))?;
        Some(read.map(|(session, _)| look_at(&Message::Session(session))))
    }),
    ("Event::decode_json", |form, bytes| {
        let read = (form == Form::Event).then(|| Event::decode_json(bytes))?;
        Some(read.map(|(event, _)| look_at_event(&event)))
    }),
    ("Lap::decode_json", |form, bytes| {
        let read = (form == Form::Lap).then(|| Lap::decode_json(bytes))?;
        Some(read.map(|(lap, _)| look_at(&Message::Lap(lap))))
    }),
    ("Event::decode_protobuf", |form, bytes| {
        let read = (form == Form::ProtobufEvent).then(|| Event::decode_protobuf(bytes))?;
        Some(read.map(|(event, _)| look_at_event(&event)))
    }),
    ("DataFormat::decode", |form, bytes| {
        let read = (form == Form::Format).then(|| DataFormat::decode(bytes))?;
        Some(read.map(|(format, _)| shown(&format)))
    }),
    ("AtlasConfiguration::decode", |form, bytes| {
        let read = (form == Form::Configuration).then(|| AtlasConfiguration::decode(bytes))?;
        Some(read.map(|(configuration, _)| shown(&configuration)))
    }),
];

/// Reads bytes in every way there is, which all come to the same.
#[track_caller]
pub(crate) fn read(form: Form, bytes: &[u8], limits: &Limits) -> Found {
    let mut ways = WAYS.iter().filter_map(|(name, way)| Some((name, way(form, bytes, limits)?)));
    let (name, found) = match form {
        // It is read by itself, and never refused.
        Form::Sync => (&"Sync::decode_json_with", Ok(look_at(&Message::Sync(Sync::decode_json_with(bytes, limits).0)))),
        _ => ways.next().unwrap(),
    };
    for (other, also) in ways {
        assert!(found == also, "{name} {found:?} and {other} {also:?} of {}", testkit::vectors::to_hex(bytes));
    }
    found
}

/// Writes what bytes are once more.
pub(crate) fn write(form: Form, bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, EncodeError> {
    let (mut out, options) = (Vec::new(), atlas_stream::JsonOptions::DEFAULT.with_limits(*limits));
    match form {
        Form::Format => DataFormat::decode_with(bytes, limits).unwrap().0.encode_with(&mut out, limits)?,
        Form::Configuration => {
            AtlasConfiguration::decode_with(bytes, limits).unwrap().0.encode_with(&mut out, limits)?
        }
        _ => {
            let mut decoder = Decoder::new().with_limits(*limits).with_types(types());
            match decoder.decode(key(form).unwrap(), bytes).unwrap().message() {
                Message::Session(session) => session.encode_json_with(&mut out, &options)?,
                Message::Data(telemetry) | Message::Samples(telemetry) if form.is_protobuf() => {
                    telemetry.encode_protobuf_with(&mut out, limits)?;
                }
                Message::Data(telemetry) | Message::Samples(telemetry) => {
                    telemetry.encode_json_with(&mut out, &options)?;
                }
                Message::Event(event) if form.is_protobuf() => event.encode_protobuf_with(&mut out, limits)?,
                Message::Event(event) => event.encode_json_with(&mut out, &options)?,
                Message::Lap(lap) => lap.encode_json_with(&mut out, &options)?,
                Message::Sync(sync) => sync.encode_json_with(&mut out, &options)?,
                other => panic!("{other:?}"),
            }
        }
    }
    Ok(out)
}

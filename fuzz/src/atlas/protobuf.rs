use atlas_stream::proto::{
    EventMessage, ParameterDataBackFillMessage, ParameterDataMessage, ParameterDataValues,
    ParameterSampleValuesWithTimestamps, ParameterSamplesBackFillMessage, ParameterSamplesMessage,
};
use atlas_stream::{
    Columns, DecodeError, Decoder, EncodeErrorKind, Event, Limits, Message, MessageKind, Notes, TelemetryKind,
    TelemetryRef, TypeMap,
};
use prost::Message as _;

use super::messages::{self, event_of};
use super::telemetry::{Key, Parameter, Telemetry, are_in_range, snapshot};
use super::wire::{DATA, DATA_BACK_FILL, EVENT, Reader, SAMPLES_MESSAGE, Schema};
use super::{Script, check_error, limits, protobuf_build};

const KINDS: [TelemetryKind; 4] =
    [TelemetryKind::Data, TelemetryKind::DataBackFill, TelemetryKind::Samples, TelemetryKind::SamplesBackFill];

/// What is read is what prost reads, by a view as by columns; what is written of it is the same message.
pub fn protobuf(data: &[u8]) {
    let [kind, settings, input @ ..] = data else { return };
    let (kind, tight) = (kind & 7, limits(kind >> 3));
    let schema = match kind {
        0 => &DATA,
        1 => &DATA_BACK_FILL,
        2 | 3 => &SAMPLES_MESSAGE,
        _ => &EVENT,
    };
    let made = if settings & 0x80 == 0 { input.to_vec() } else { protobuf_build::message(schema, &mut Script(input)) };
    let limits = limits(*settings);
    match KINDS.get(usize::from(kind)) {
        Some(kind) => telemetry(*kind, schema, &made, &limits, &tight),
        None => event(&made, &limits, &tight),
    }
}

/// The message without what prost would not take, and what was met in it.
fn normal(schema: &Schema, message: &[u8], limits: &Limits, is_prosts: bool) -> Option<(Vec<u8>, Reader, Notes)> {
    let mut all = Reader::new(usize::from(limits.max_depth.min(64)));
    let normal = all.read(schema, message);
    if !all.too_deep && !all.wrong_map {
        assert_eq!(is_prosts, normal.is_some() && !all.wrong_type && !all.wide, "{}", message.escape_ascii());
    }
    (message.len() <= limits.max_len as usize).then_some(())?;
    let mut notes = Notes::NONE;
    if all.wrong_type {
        notes |= Notes::SKIPPED_FIELD;
    }
    if all.unknown_status {
        notes |= Notes::UNKNOWN_STATUS;
    }
    if (1..all.keys.len()).any(|at| all.keys[..at].contains(&all.keys[at])) {
        notes |= Notes::DUPLICATE_MEMBER;
    }
    Some((normal?, all, notes))
}

/// What a message is, as prost has it and by the rules of the protocol.
fn due(kind: TelemetryKind, schema: &Schema, message: &[u8], limits: &Limits) -> Option<(Telemetry, Vec<u8>, Notes)> {
    let is_prosts = prosts(kind, message).is_some();
    let (normal, Reader { keys, .. }, notes) = normal(schema, message, limits, is_prosts)?;
    let (mut due, written) = prosts(kind, &normal).expect("nothing in it that prost refuses");
    if keys.len() > limits.max_parameters as usize || keys.iter().any(|key| *key < 0) {
        return None;
    }
    // Of one key the last stays where it is.
    due.parameters.sort_by_key(|parameter| keys.iter().rposition(|key| Key::Index(*key as u32) == parameter.key));
    let is_right = due.parameters.iter().all(Parameter::is_right) && are_in_range(due.epoch, &due.times);
    is_right.then_some((due, written, notes))
}

/// What prost reads, and writes again.
fn prosts(kind: TelemetryKind, message: &[u8]) -> Option<(Telemetry, Vec<u8>)> {
    let telemetry = |format: &String, feed: &String| Telemetry {
        kind,
        format: (!format.is_empty()).then(|| format.clone()),
        feed: feed.clone(),
        epoch: 0,
        times: Vec::new(),
        parameters: Vec::new(),
        unknown: Vec::new(),
    };
    let key = |key: &i32| Key::Index(*key as u32);
    Some(match kind {
        TelemetryKind::Data => {
            let found = ParameterDataMessage::decode(message).ok()?;
            let mut due = telemetry(&found.data_format_id, &found.feed);
            (due.epoch, due.times) = (found.epoch_nanos, found.timestamps_nanos.clone());
            for (index, values) in &found.parameters {
                let parameter = Parameter::new(key(index), due.epoch, due.times.clone());
                due.parameters.push(with_values(parameter, values));
            }
            (due, found.encode_to_vec())
        }
        TelemetryKind::DataBackFill => {
            let mut found = ParameterDataBackFillMessage::decode(message).ok()?;
            let mut due = telemetry(&found.data_format_id, &found.feed);
            for (index, timed) in &mut found.parameters {
                let parameter = Parameter::new(key(index), timed.epoch_nanos, timed.timestamps_nanos.clone());
                // There is no telling empty values from none.
                let values = timed.values.get_or_insert_default();
                due.parameters.push(with_values(parameter, values));
            }
            (due, found.encode_to_vec())
        }
        TelemetryKind::Samples | TelemetryKind::SamplesBackFill => {
            let with =
                |mut due: Telemetry, all: &std::collections::BTreeMap<_, ParameterSampleValuesWithTimestamps>| {
                    for (index, timed) in all {
                        let mut parameter =
                            Parameter::new(key(index), timed.epoch_nanos, timed.timestamps_nanos.clone());
                        parameter.values = Some(timed.values.iter().map(|value| value.to_bits()).collect());
                        due.parameters.push(parameter);
                    }
                    due
                };
            if kind == TelemetryKind::Samples {
                let found = ParameterSamplesMessage::decode(message).ok()?;
                (with(telemetry(&found.data_format_id, &found.feed), &found.parameters), found.encode_to_vec())
            } else {
                let found = ParameterSamplesBackFillMessage::decode(message).ok()?;
                (with(telemetry(&found.data_format_id, &found.feed), &found.parameters), found.encode_to_vec())
            }
        }
    })
}

fn with_values(mut parameter: Parameter, found: &ParameterDataValues) -> Parameter {
    parameter.statuses = Some(found.statuses.clone());
    let all = [&found.avg_values, &found.min_values, &found.max_values, &found.first_values];
    parameter.aggregates =
        all.map(|values| (!values.is_empty()).then(|| values.iter().map(|value| value.to_bits()).collect()));
    parameter
}

/// Has read other messages before, which must not matter.
fn dirty(kind: MessageKind) -> Decoder {
    let types =
        TypeMap::new().with("protobuf", kind).with("late", MessageKind::ProtobufTelemetry(TelemetryKind::DataBackFill));
    let mut decoder = Decoder::new().with_types(types);
    let json = br#"{"time":[1,2],"x":1,"data":[{"status":[1,1],"avg":[0.5,"NaN"],"y":2}],"feed":"f","format":"g"}"#;
    decoder.decode(b"tdata:a", json).expect("it is right");
    // In pieces, so that it is copied: twice the same parameter.
    let late = b"\x0a\x01h\x1a\x04\x08\x01\x12\x00\x1a\x04\x08\x01\x12\x00";
    decoder.decode(b"late:a", late).expect("it is right");
    decoder
}

fn telemetry(kind: TelemetryKind, schema: &Schema, message: &[u8], limits: &Limits, tight: &Limits) {
    let text = message.escape_ascii();
    let due = due(kind, schema, message, limits);
    let found = TelemetryRef::decode_protobuf_with(kind, message, limits);
    let mut columns = Columns::new();
    columns.start(TelemetryKind::Data, "before", "before");
    let in_columns = columns.decode_protobuf_with(kind, message, limits);
    let mut decoder = dirty(MessageKind::ProtobufTelemetry(kind)).with_limits(*limits);
    let record = decoder.decode(b"protobuf:a", message);
    let (found, due, written, notes) = match (found, due) {
        (Err(error), None) => {
            check_error(&error, message);
            assert_eq!(in_columns, Err(error), "{text}");
            assert_eq!(record.expect_err("it was refused"), error);
            let left = snapshot(&TelemetryRef::from(&columns));
            assert!(left.parameters.is_empty() && left.times.is_empty(), "{left:?}");
            return;
        }
        (Ok((found, notes)), Some((due, written, due_notes))) => {
            assert_eq!(notes, due_notes, "{text}");
            (found, due, written, notes)
        }
        (found, due) => panic!("{found:?} {due:?} {text}"),
    };
    assert_eq!(snapshot(&found), due, "{text}");
    assert_eq!(in_columns, Ok(notes));
    assert_eq!(snapshot(&TelemetryRef::from(&columns)), due, "{text}");
    assert_eq!(snapshot(&TelemetryRef::from(found.clone().into_owned())), due, "{text}");
    let record = record.expect("it was read");
    let (Message::Data(other) | Message::Samples(other)) = record.message() else { panic!("{record:?}") };
    assert_eq!((snapshot(other), other.is_in_place()), (due.clone(), found.is_in_place()));
    assert_eq!(record.notes(), notes);

    // The same message for prost, whether it was read in place or not.
    let mut out = b"x".to_vec();
    found.encode_protobuf(&mut out).expect("as it was read");
    let mut of_columns = b"x".to_vec();
    TelemetryRef::from(&columns).encode_protobuf(&mut of_columns).expect("as it was read");
    assert_eq!(of_columns, out, "{text}");
    let out = &out[1..];
    let (_, again) = prosts(kind, out).expect("prost reads it");
    assert_eq!(again, written, "{text}");
    for each in [out, &written] {
        let again = TelemetryRef::decode_protobuf_with(kind, each, &Limits::DEFAULT).expect("as it was read").0;
        // Large indexes out of order are not followed in place.
        let is_small = |parameter: &Parameter| parameter.key < Key::Index(1024);
        let is_in_place = each == written || due.parameters.iter().all(is_small);
        assert!(again.is_in_place() || !is_in_place, "{}", each.escape_ascii());
        let (mut again, mut due) = (snapshot(&again), due.clone());
        if each == written {
            // prost has them sorted.
            due.parameters.sort_by_key(|parameter| parameter.key.clone());
            again.parameters.sort_by_key(|parameter| parameter.key.clone());
        }
        assert_eq!(again, due, "{text}");
    }
    let mut few = b"x".to_vec();
    let written = found.encode_protobuf_with(&mut few, tight);
    let read = TelemetryRef::decode_protobuf_with(kind, out, tight).map(drop);
    check_tight(written, &few, out, read);
    json(&found, due);
}

/// What is written under limits is what can be read under them.
fn check_tight(written: Result<(), atlas_stream::EncodeError>, few: &[u8], out: &[u8], read: Result<(), DecodeError>) {
    match written {
        Ok(()) => {
            assert_eq!(&few[1..], out);
            read.expect("it was written under the same limits");
        }
        Err(error) => {
            assert_eq!((error.kind(), few), (EncodeErrorKind::LimitExceeded, &b"x"[..]));
            read.expect_err("it could not be written under the same limits");
        }
    }
}

/// Data is the same in JSON, if all parameters up to the last are there.
fn json(found: &TelemetryRef<'_>, mut due: Telemetry) {
    let mut out = Vec::new();
    let written = found.encode_json(&mut out);
    due.parameters.sort_by_key(|parameter| parameter.key.clone());
    let error = match due.kind {
        TelemetryKind::Data => {
            let has_gap = (0..).zip(&due.parameters).any(|(index, parameter)| parameter.key != Key::Index(index));
            has_gap.then_some(EncodeErrorKind::Gap)
        }
        TelemetryKind::Samples if due.format.is_none() => Some(EncodeErrorKind::MissingFormat),
        TelemetryKind::Samples => (!due.parameters.is_empty()).then_some(EncodeErrorKind::MissingName),
        _ => Some(EncodeErrorKind::NoJson),
    };
    assert_eq!(written.map_err(|error| error.kind()).err(), error);
    if error.is_some() || due.kind == TelemetryKind::Samples {
        return;
    }
    // All that are none are one in JSON.
    let values = due.parameters.iter_mut().flat_map(|parameter| parameter.aggregates.iter_mut().flatten()).flatten();
    values.filter(|bits| f64::from_bits(**bits).is_nan()).for_each(|bits| *bits = f64::NAN.to_bits());
    let mut columns = Columns::new();
    columns.decode_data_with(&out, &Limits::DEFAULT).expect("it was written");
    assert_eq!(snapshot(&TelemetryRef::from(&columns)), due);
}

fn event(message: &[u8], limits: &Limits, tight: &Limits) {
    let text = message.escape_ascii();
    let normal = normal(&EVENT, message, limits, EventMessage::decode(message).is_ok());
    let due = normal
        .map(|(normal, _, notes)| (EventMessage::decode(&*normal).expect("nothing in it that prost refuses"), notes));
    let due = due.filter(|(due, _)| are_in_range(due.epoch_nanos, &[due.timestamps_nanos]));
    let found = Event::decode_protobuf_with(message, limits);
    let mut decoder = dirty(MessageKind::ProtobufEvent).with_limits(*limits);
    let record = decoder.decode(b"protobuf:a", message);
    let (found, due) = match (found, due) {
        (Err(error), None) => {
            check_error(&error, message);
            assert_eq!(record.expect_err("it was refused"), error);
            return;
        }
        (Ok((found, notes)), Some((due, due_notes))) => {
            assert_eq!(notes, due_notes, "{text}");
            (found, due)
        }
        (found, due) => panic!("{found:?} {due:?} {text}"),
    };
    let same = messages::Event {
        epoch: due.epoch_nanos,
        time: due.timestamps_nanos,
        id: due.id.clone(),
        // There is no telling an empty one from none.
        status: (!due.status.is_empty()).then(|| due.status.clone()),
        values: due.values.iter().map(|value| value.to_bits()).collect(),
        unknown: Vec::new(),
    };
    assert_eq!(event_of(&found), same, "{text}");
    assert_eq!(event_of(&found.clone().into_owned()), same);
    let record = record.expect("it was read");
    assert!(matches!(record.message(), Message::Event(event) if event_of(event) == same));

    let mut out = b"x".to_vec();
    found.encode_protobuf(&mut out).expect("as it was read");
    let out = &out[1..];
    assert_eq!(out, due.encode_to_vec(), "{text}");
    assert_eq!(event_of(&Event::decode_protobuf_with(out, &Limits::DEFAULT).expect("as it was read").0), same);
    let mut few = b"x".to_vec();
    let written = found.encode_protobuf_with(&mut few, tight);
    check_tight(written, &few, out, Event::decode_protobuf_with(out, tight).map(drop));
}

//! Records as a script has them: few streams and few formats, so that they meet.

use atlas_stream::{Aggregates, Columns, Event, Message, MessageKind, ParamKey, TelemetryKind, TypeMap};

use super::Script;

pub(super) const STREAMS: [&str; 6] = ["a", "b", "c", "d:e", "f", "of-a-longer-name"];

/// The last is longer than one that is asked for.
pub(super) fn format_id(script: &mut Script<'_>) -> String {
    match script.byte() % 8 {
        6 => String::new(),
        7 => "l".repeat(257),
        choice => ["f", "g", "h", "f", "g", "i"][usize::from(choice)].to_owned(),
    }
}

const PROTOBUF: [(&str, TelemetryKind); 4] = [
    ("pdata", TelemetryKind::Data),
    ("plate", TelemetryKind::DataBackFill),
    ("psamples", TelemetryKind::Samples),
    ("platesamples", TelemetryKind::SamplesBackFill),
];

pub(super) fn types() -> TypeMap {
    let types = TypeMap::new().with("pevents", MessageKind::ProtobufEvent);
    PROTOBUF.into_iter().fold(types, |types, (name, kind)| types.with(name, MessageKind::ProtobufTelemetry(kind)))
}

/// A key and a value.
pub(super) fn record(script: &mut Script<'_>) -> (Vec<u8>, Vec<u8>) {
    let choice = script.byte();
    let stream = STREAMS[usize::from(choice >> 5) % STREAMS.len()];
    let (message_type, value) = match choice & 31 {
        0..3 => ("$start", Vec::new()),
        3..5 => ("$end", Vec::new()),
        5..13 => ("session", session(script)),
        13..17 => ("tdata", data(script)),
        17..19 => ("tsamples", samples(script)),
        19..22 => protobuf(script),
        22 => ("events", br#"{"epoch":0,"time":1,"id":"x","values":[]}"#.to_vec()),
        23 => ("lap", br#"{"number":1,"time":5,"type":"outLap","triggerSource":1}"#.to_vec()),
        24 => ("sync", script.bytes().to_vec()),
        25 => ("TDATA", script.bytes().to_vec()),
        26 => {
            let mut value = Vec::new();
            let event = Message::from(Event::new(1, 2, "x"));
            event.encode(Some(MessageKind::ProtobufEvent), &mut value).expect("it may be written");
            ("pevents", value)
        }
        // What is refused, of a stream that may be known.
        27 | 28 => (script.pick(&["session", "tdata", "pdata", "lap", "$start"]), script.bytes().to_vec()),
        29 => {
            let key = script.pick(&[&b""[..], b":", b"a", b"tdata:", b":a", b"\xff:a", b"\xef\xbb\xbf$start:a"]);
            return (key.to_vec(), script.bytes().to_vec());
        }
        _ => return (script.bytes().to_vec(), script.bytes().to_vec()),
    };
    (format!("{message_type}:{stream}").into_bytes(), value)
}

fn session(script: &mut Script<'_>) -> Vec<u8> {
    let of_states = ["waiting", "open", "open", "closed", "truncated", "failed", "abandoned", "paused", "lost", "Open"];
    let (id, state) = (script.pick(&["s", "s", "s", "t", ""]), script.pick(&of_states));
    let mut text = format!(r#"{{"id":"{id}","state":"{state}""#);
    let told = script.byte();
    let mut tell = |bit: u8, member: &str| {
        if told & 1 << bit != 0 {
            text += member;
        }
    };
    if told & 1 != 0 {
        let ids: Vec<_> = (0..script.byte() % 4).map(|_| format!("\"{}\"", format_id(script))).collect();
        tell(0, &format!(r#","dependencies":{{"dataFormat":[{}]}}"#, ids.join(",")));
    }
    tell(1, &format!(r#","identifier":"{}""#, script.byte() % 2));
    tell(2, r#","details":{"a":"b"}"#);
    tell(3, r#","lastHeartbeat":"2023-11-14T11:15:30.000000000000000000000000000000000000000000000000000000Z""#);
    tell(4, r#","label":"x","type":"y","quality":0.5"#);
    tell(5, r#","sources":[{"id":"u","state":"closed"}]"#);
    tell(6, r#","more":1,"model":{"group":"g"},"activity":{"durationNanos":1}"#);
    // As many bytes that say nothing.
    tell(7, "                                                                  ");
    (text + "}").into_bytes()
}

fn data(script: &mut Script<'_>) -> Vec<u8> {
    let parameters = script.pick(&[r#"{"status":[1],"avg":[0.5]}"#, r#"{"status":[1],"avg":[0.5]}"#, ""]);
    let format = if script.byte() & 3 == 0 { String::new() } else { format!(r#","format":"{}""#, format_id(script)) };
    format!(r#"{{"time":[1],"data":[{parameters}]{format}}}"#).into_bytes()
}

fn samples(script: &mut Script<'_>) -> Vec<u8> {
    let data = script.pick(&[r#"{"x":{"values":[1.0],"epoch":0,"time":[1]}}"#, "[[1.0]]", "{}"]);
    format!(r#"{{"feed":"","format":"{}","time":[1],"data":{data}}}"#, format_id(script)).into_bytes()
}

fn protobuf(script: &mut Script<'_>) -> (&'static str, Vec<u8>) {
    let (name, kind) = script.pick(&PROTOBUF);
    let mut columns = Columns::new();
    let format = format_id(script);
    let avg = [(Aggregates::AVG, &[0.5][..])];
    let pushed = match kind {
        TelemetryKind::Data => {
            columns.start_data(&format, "", 0, &[1]).and_then(|columns| columns.push_data(&[1], &avg))
        }
        TelemetryKind::DataBackFill => columns.start(kind, &format, "").push_late_data(3, 0, &[1], &[1], &avg),
        _ => columns.start(kind, &format, "").push_samples(ParamKey::Index(0), 0, &[1], &[0.5]),
    };
    pushed.expect("it is short");
    let mut value = Vec::new();
    let kind = MessageKind::ProtobufTelemetry(kind);
    Message::from(&columns).encode(Some(kind), &mut value).expect("it may be written");
    (name, value)
}

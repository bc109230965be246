//! What is written and means something else (R6), times (R10), what is not interpreted (R11), bad among good (R12), and numbers (R14).

use atlas_stream::{
    Columns, DataFormat, DateTime, DecodeErrorKind as Kind, Decoder, EncodeErrorKind, Event, Key, Lap, LapType, Limits,
    Message, MessageType, ParamKey, RecordRef, Session, SessionState, Sync, TelemetryKind, TelemetryRef, TriggerSource,
    absolute, item_path, store_path,
};
use testkit::laws;

use crate::proto::*;
use crate::support::*;

const DEFAULT: &Limits = &Limits::DEFAULT;

/// Texts that would end what they are in.
const TEXTS: [&str; 9] = [
    "\"",
    "\\",
    "\",\"state\":\"failed",
    "\u{0}\u{1f}\u{7f}",
    "\r\n\t\u{8}\u{c}",
    "\\u0022",
    "\u{2028}\u{feff}",
    "a:b",
    "\u{10ffff}",
];

#[test]
fn r06_no_text_ends_what_it_is_in() {
    for text in TEXTS {
        let mut session = Session::new(text, SessionState::OPEN);
        (session.identifier, session.label) = (Some(text.into()), Some(text.into()));
        session.details = Some([(text.into(), text.into())].into());
        session.dependencies = Some([(text.into(), vec![text.into()])].into());
        let mut json = Vec::new();
        session.encode_json(&mut json).unwrap();
        assert_eq!(Session::decode_json_with(&json, DEFAULT).unwrap().0, session, "{text:?}");

        let mut event = Event::new(1, 2, text);
        event.status = Some(text.into());
        let (mut json, mut protobuf) = (Vec::new(), Vec::new());
        event.encode_json(&mut json).unwrap();
        event.encode_protobuf(&mut protobuf).unwrap();
        assert_eq!(Event::decode_json_with(&json, DEFAULT).unwrap().0, event);
        assert_eq!(Event::decode_protobuf_with(&protobuf, DEFAULT).unwrap().0, event);

        let lap = Lap::new(1, 2, 3, LapType::from_name(text), TriggerSource(9));
        let mut json = Vec::new();
        lap.encode_json(&mut json).unwrap();
        assert_eq!(Lap::decode_json_with(&json, DEFAULT).unwrap().0, lap);

        let mut columns = Columns::new();
        columns.start(TelemetryKind::Samples, text, text).push_samples(ParamKey::Name(text), 1, &[2], &[3.5]).unwrap();
        let mut json = Vec::new();
        TelemetryRef::from(&columns).encode_json(&mut json).unwrap();
        let mut again = Columns::new();
        again.decode_samples_with(&json, DEFAULT).unwrap();
        assert_eq!(look(&TelemetryRef::from(&again)), look(&TelemetryRef::from(&columns)));

        let feed = atlas_stream::Feed::new(0.0).with(text, atlas_stream::Aggregates::AVG);
        let format = DataFormat::new().with_feed(text, feed);
        let mut json = Vec::new();
        format.encode(&mut json).unwrap();
        let (again, notes) = DataFormat::decode_with(&json, DEFAULT).unwrap();
        assert!(notes.is_empty() && again.feed(text).unwrap().position(text) == Some(0));
    }
}

/// What is written in a key is read back as it was meant, or refused.
#[test]
fn r06_no_key_is_another_one() {
    for text in TEXTS.into_iter().chain(["", ":", "\u{feff}a", "tdata:x"]) {
        let message_type = MessageType::new(text);
        assert_eq!(message_type.is_some(), !text.is_empty() && !text.contains(':') && !text.starts_with('\u{feff}'));
        for message_type in message_type.into_iter().chain([MessageType::TDATA]) {
            let Some(key) = Key::new(message_type, text) else {
                assert_eq!(text, "");
                continue;
            };
            let read = atlas_stream::KeyRef::decode(key.as_str().as_bytes()).unwrap();
            assert_eq!((read.message_type(), read.stream_id()), (message_type, text));
        }
    }
}

/// Lengths where a number on the wire gets a byte longer.
#[test]
fn r06_lengths_are_written_as_they_are_at_every_width() {
    for edge in [1_usize << 7, 1 << 14, 1 << 21] {
        for len in [edge - 20, edge - 12, edge - 2, edge - 1, edge, edge + 1] {
            let mut event = Event::new(0, 1, "x".repeat(len));
            let mut out = Vec::new();
            event.encode_protobuf(&mut out).unwrap();
            assert_eq!(Event::decode_protobuf_with(&out, DEFAULT).unwrap().0, event);
            event.id = "".into();
            event.values = vec![0.5; len / 8].into();
            out.clear();
            event.encode_protobuf(&mut out).unwrap();
            assert_eq!(Event::decode_protobuf_with(&out, DEFAULT).unwrap().0, event);
            for kind in KINDS {
                let (times, flags, values) = (vec![-1_i64; len / 10], vec![1_u32; len / 10], vec![0.5; len / 10]);
                let mut columns = Columns::new();
                let avg = [(atlas_stream::Aggregates::AVG, &values[..])];
                match kind {
                    TelemetryKind::Data => {
                        drop(columns.start_data("f", "", 0, &times).unwrap().push_data(&flags, &avg))
                    }
                    TelemetryKind::DataBackFill => {
                        drop(columns.start(kind, "f", "").push_late_data(len as u32, 0, &times, &flags, &avg));
                    }
                    _ => {
                        drop(columns.start(kind, "f", "").push_samples(ParamKey::Index(len as u32), 0, &times, &values))
                    }
                }
                let (mut out, telemetry) = (Vec::new(), TelemetryRef::from(&columns));
                assert_eq!(telemetry.len(), 1);
                telemetry.encode_protobuf(&mut out).unwrap();
                let again = TelemetryRef::decode_protobuf_with(kind, &out, DEFAULT).unwrap().0;
                assert_eq!((look(&again), again.is_in_place()), (look(&telemetry), true));
            }
        }
    }
}

/// A parameter twice is one that is lost when it is read again.
#[test]
fn r06_a_parameter_is_written_once_or_not_at_all() {
    for kind in [TelemetryKind::Samples, TelemetryKind::SamplesBackFill, TelemetryKind::DataBackFill] {
        let mut columns = Columns::new();
        columns.start(kind, "f", "");
        for _ in 0..2 {
            match kind {
                TelemetryKind::DataBackFill => drop(columns.push_late_data(3, 0, &[1], &[1], &[]).unwrap()),
                _ => drop(columns.push_samples(ParamKey::Index(3), 0, &[1], &[0.5]).unwrap()),
            }
        }
        let error = laws::nothing_written(|out| TelemetryRef::from(&columns).encode_protobuf(out));
        assert_eq!(error.kind(), EncodeErrorKind::Duplicate, "{kind:?}");
    }
}

#[test]
fn r06_a_name_is_written_once() {
    let mut columns = Columns::new();
    columns.start(TelemetryKind::Samples, "f", "");
    for name in ["b", "a", "c"] {
        columns.push_samples(ParamKey::Name(name), 0, &[1], &[0.5]).unwrap();
    }
    let before = look(&TelemetryRef::from(&columns));
    for name in ["b", "a", "c"] {
        let error = columns.push_samples(ParamKey::Name(name), 0, &[1], &[0.5]).unwrap_err();
        assert_eq!(error.kind(), EncodeErrorKind::Duplicate);
    }
    assert_eq!(look(&TelemetryRef::from(&columns)), before);
    let mut json = Vec::new();
    TelemetryRef::from(&columns).encode_json(&mut json).unwrap();
    assert_eq!(read(Form::Samples, &json, DEFAULT), Ok(before));
}

#[test]
fn r06_indexes_of_more_than_31_bits_are_not_written() {
    for (index, is_written) in [(0x7fff_ffff, true), (0x8000_0000, false), (u32::MAX, false)] {
        let mut columns = Columns::new();
        columns.start(TelemetryKind::Samples, "f", "").push_samples(ParamKey::Index(index), 0, &[], &[]).unwrap();
        let mut out = Vec::new();
        assert_eq!(TelemetryRef::from(&columns).encode_protobuf(&mut out).is_ok(), is_written);
        assert_eq!(out.is_empty(), !is_written);
    }
}

/// The sum of epoch and time is of 64 bits, or the message is refused; on every path, also for times that are not the first.
#[test]
fn r10_epoch_and_time_are_added_and_checked() {
    const ENDS: [(i64, i64, bool); 8] = [
        (i64::MAX, 0, true),
        (i64::MAX, 1, false),
        (i64::MAX - 1, 1, true),
        (i64::MIN, -1, false),
        (i64::MIN, 0, true),
        (i64::MAX, i64::MIN, true),
        (i64::MIN, i64::MIN, false),
        (1_699_920_000_000_000_000, i64::MAX, false),
    ];
    for (epoch, time, is_good) in ENDS {
        assert_eq!(absolute(epoch, time).is_some(), is_good);
        let json = [
            (Form::Data, format!(r#"{{"time":[0,{time}],"data":[],"epoch":{epoch}}}"#)),
            (Form::Data, format!(r#"{{"epoch":{epoch},"data":[{{"status":[0,0]}}],"time":[0,{time}]}}"#)),
            (
                Form::Samples,
                format!(
                    r#"{{"feed":"","format":"","data":{{"a":{{"values":[0,0],"epoch":{epoch},"time":[0,{time}]}}}}}}"#
                ),
            ),
            (Form::Samples, format!(r#"{{"format":"","data":[],"time":[0,{time}],"epoch":{epoch}}}"#)),
            (Form::Event, format!(r#"{{"time":{time},"epoch":{epoch},"id":"","values":[]}}"#)),
            (Form::Lap, format!(r#"{{"time":{time},"epoch":{epoch},"number":0,"type":"","triggerSource":0}}"#)),
        ];
        let (epoch_bits, times) = (epoch as u64, [0, time]);
        let values = |inner: Vec<u8>| [number(1, epoch_bits), numbers(2, &times), inner].concat();
        let (data, samples) = (values(part(3, numbers(1, &[1, 1]))), values(doubles(3, &[0.0; 2])));
        let protobuf = [
            (Form::Telemetry(0), [number(3, epoch_bits), numbers(4, &times)].concat()),
            (Form::Telemetry(0), [number(4, 0), number(4, time as u64), number(3, epoch_bits)].concat()),
            (Form::Telemetry(1), entry(TelemetryKind::DataBackFill, 0, data)),
            (Form::Telemetry(2), entry(TelemetryKind::Samples, 0, &samples)),
            (Form::Telemetry(3), [entry(TelemetryKind::SamplesBackFill, 0, &samples).repeat(2)].concat()),
            (Form::ProtobufEvent, [number(1, epoch_bits), number(2, time as u64)].concat()),
        ];
        let json = json.into_iter().map(|(form, text)| (form, text.into_bytes()));
        for (form, bytes) in json.chain(protobuf) {
            let found = read(form, &bytes, DEFAULT).map_err(|error| error.kind());
            assert_eq!(found.is_ok(), is_good, "{form:?} {epoch} {time} {found:?}");
            assert!(is_good || found == Err(Kind::TimeOverflow));
        }
        assert_eq!(Sync::new(epoch, time).absolute().is_some(), is_good);
        let mut columns = Columns::new();
        assert_eq!(columns.start_data("", "", epoch, &[0, time]).is_ok(), is_good);
        let pushed =
            columns.start(TelemetryKind::Samples, "", "").push_samples(ParamKey::Index(0), epoch, &[time], &[0.0]);
        assert_eq!(pushed.is_ok(), is_good);
        let mut out = Vec::new();
        assert_eq!(Event::new(epoch, time, "").encode_json(&mut out).is_ok(), is_good);
        assert_eq!(Event::new(epoch, time, "").encode_protobuf(&mut out).is_ok(), is_good);
        assert_eq!(Lap::new(0, epoch, time, LapType::In, TriggerSource(0)).encode_json(&mut out).is_ok(), is_good);
    }
}

#[test]
fn r10_dates_are_of_64_bits_or_none() {
    for nanos in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX] {
        let date = DateTime::from_unix_nanos(nanos);
        assert_eq!(date.unix_nanos(), Some(nanos));
        assert_eq!(DateTime::parse(date.as_str().to_owned()), Some(date));
    }
    for (text, is_there) in [
        ("1677-09-21T00:12:43.145224192Z", true),
        ("1677-09-21T00:12:43.145224191Z", false),
        ("2262-04-11T23:47:16.854775807Z", true),
        ("2262-04-11T23:47:16.854775808Z", false),
        ("0000-01-01T00:00:00+23:59", false),
        ("9999-12-31T23:59:60-23:59", false),
    ] {
        assert_eq!(DateTime::parse(text).unwrap().unix_nanos().is_some(), is_there, "{text}");
    }
}

/// Nothing that is in a message is followed, run or opened: JSON in texts stays text, and paths are made of safe letters only.
#[test]
fn r11_nothing_is_interpreted() {
    let json = br#"{"id":"a","state":"open","model":{"group":"g","configuration":"{\"$ref\":\"file:///etc/passwd\"}"},"details":{"a":{"b":"\u0022"}}}"#;
    let (session, _) = Session::decode_json_with(json, DEFAULT).unwrap();
    assert_eq!(session.model.as_ref().unwrap().configuration.as_deref(), Some(r#"{"$ref":"file:///etc/passwd"}"#));
    assert_eq!(session.detail("a"), Some(r#"{"b":"\u0022"}"#));
    for hostile in ["..", "../x", "a/b", "a%2fb", "a?b", "a#b", "", " ", "ä", "a\0"] {
        assert!(store_path(hostile, "dataFormat").is_err() && store_path("dev", hostile).is_err());
        assert!(item_path("dev", "dataFormat", hostile).is_err(), "{hostile}");
    }
}

/// Of a record that is refused nothing stays, and those around it are read as if it had not been.
#[test]
fn r12_a_bad_record_costs_no_good_one() {
    let all: Vec<_> = vectors().into_iter().filter(|(form, _)| key(*form).is_some()).collect();
    let good: Vec<_> = all.iter().filter(|(form, bytes)| read(*form, bytes, DEFAULT).is_ok()).collect();
    let bad: Vec<_> = all.iter().filter(|(form, bytes)| read(*form, bytes, DEFAULT).is_err()).collect();
    assert!(good.len() > 50 && bad.len() > 30);
    let mut decoder = Decoder::new().with_types(types());
    let mut sum = |(form, bytes): &(Form, Vec<u8>)| {
        let record = decoder.decode(key(*form).unwrap(), bytes)?;
        let (Message::Data(telemetry) | Message::Samples(telemetry)) = record.message() else { return Ok(0) };
        Ok(look(telemetry))
    };
    for (index, bad) in bad.iter().enumerate() {
        for good in [good[index % good.len()], good[(index * 7 + 3) % good.len()]] {
            let before = sum(good);
            assert_eq!(sum(bad), read(bad.0, &bad.1, DEFAULT));
            assert_eq!(sum(good), before);
        }
    }
    let mut decoder = Decoder::new();
    assert!(decoder.decode(b"no key of ours", b"").is_err_and(|error| error.is_of_key()));
    assert!(decoder.decode(b"$start:a", b"").is_ok());
}

/// Numbers whose digits say more than they cost.
#[test]
fn r14_numbers_cost_what_their_digits_do() {
    let nines = "9".repeat(10_000);
    let with_value = |number: &str| format!(r#"{{"epoch":0,"time":0,"id":"","values":[{number}]}}"#);
    let with_time = |number: &str| format!(r#"{{"epoch":0,"time":{number},"id":"","values":[]}}"#);
    let values: [(String, Result<f64, Kind>); 17] = [
        ("1e999999999".into(), Err(Kind::NumberOutOfRange)),
        ("-1e999999999999999999999".into(), Err(Kind::NumberOutOfRange)),
        ("1e-999999999999999999999".into(), Ok(0.0)),
        ("-1e-999999999".into(), Ok(-0.0)),
        ("0e999999999999999999999".into(), Ok(0.0)),
        (nines.clone(), Err(Kind::NumberOutOfRange)),
        (format!("0.{nines}"), Ok(1.0)),
        (format!("{nines}e-9990"), Ok(1e10)),
        (format!("0.{}1e9990", "0".repeat(9_989)), Ok(1.0)),
        (format!("1{}e-10000", "0".repeat(10_000)), Ok(1.0)),
        (format!("1e{}1", "0".repeat(10_000)), Ok(10.0)),
        ("-0".into(), Ok(-0.0)),
        ("4.9406564584124654e-324".into(), Ok(f64::from_bits(1))),
        ("2.4703282292062327e-324".into(), Ok(0.0)),
        ("2.2250738585072011e-308".into(), Ok(f64::from_bits(0x000f_ffff_ffff_ffff))),
        ("1.7976931348623158e308".into(), Ok(f64::MAX)),
        ("1.7976931348623159e308".into(), Err(Kind::NumberOutOfRange)),
    ];
    for (text, due) in values {
        let json = with_value(&text);
        let found =
            Event::decode_json_with(json.as_bytes(), DEFAULT).map(|(event, _)| event.values.column().get(0).unwrap());
        let found = found.map(f64::to_bits).map_err(|error| error.kind());
        assert_eq!(found, due.map(f64::to_bits), "{:.40}", text);
    }
    let times: [(&str, Option<i64>); 16] = [
        ("9223372036854775807", Some(i64::MAX)),
        ("9223372036854775808", None),
        ("-9223372036854775808", Some(i64::MIN)),
        ("-9223372036854775809", None),
        ("9223372036854775807.0", Some(i64::MAX)),
        ("9.223372036854775807e18", Some(i64::MAX)),
        ("92233720368547758070e-1", Some(i64::MAX)),
        ("9007199254740993", Some(9_007_199_254_740_993)),
        ("1.0000000000000000000000001", None),
        ("1e999999999", None),
        ("1e-999999999", None),
        ("0e999999999", Some(0)),
        ("-0", Some(0)),
        ("-0.0e-5", Some(0)),
        ("15e-1", None),
        (&nines, None),
    ];
    for (text, due) in times {
        let json = with_time(text);
        let found = Event::decode_json_with(json.as_bytes(), DEFAULT).map(|(event, _)| event.time);
        assert_eq!(found.ok(), due, "{:.40}", text);
        if due.is_none() {
            let error = Event::decode_json_with(json.as_bytes(), DEFAULT).unwrap_err();
            assert_eq!((error.kind(), error.what(), error.offset()), (Kind::InvalidInteger, "time", 18));
        }
    }
    // What nobody looks at is a number, too.
    for (text, is_good) in [("1e999999999", true), (&nines[..], true), ("01", false), ("1.", false), ("-", false)] {
        let json = format!(r#"{{"id":"","state":"open","x":{text}}}"#);
        assert_eq!(RecordRef::decode(b"session:a", json.as_bytes()).is_ok(), is_good, "{:.40}", text);
    }
}

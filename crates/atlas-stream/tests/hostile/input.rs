//! Odd input by the thousand (R4), iterators that end (R8), and bytes that lie anywhere (R9).

use std::collections::BTreeSet;

use atlas_stream::{
    Aggregates, Columns, DecodeErrorKind as Kind, Event, Limits, ParamKey, Session, TelemetryKind, TelemetryRef,
};
use testkit::laws::mutations;
use testkit::{SMALL_STACK, on_small_stack, slices};

use crate::proto::*;
use crate::support::*;

const DEFAULT: &Limits = &Limits::DEFAULT;

/// Under Miri some of them.
fn some<T>(all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    all.step_by(if cfg!(miri) { 1999 } else { 1 })
}

/// What can be written of what was read is read again as the same.
fn write_again(form: Form, bytes: &[u8], found: u64) {
    let Ok(written) = write(form, bytes, DEFAULT) else { return };
    let again = read(form, &written, DEFAULT).unwrap();
    // Protobuf has one form of each value; in JSON what is unknown is written last, with other spaces.
    if form.is_protobuf() {
        assert_eq!(again, found, "{form:?} {}", testkit::vectors::to_hex(bytes));
    }
    assert_eq!(write(form, &written, DEFAULT).unwrap(), written, "{form:?} {}", String::from_utf8_lossy(bytes));
}

fn mutate(forms: &[Form]) -> (usize, usize) {
    let (mut good, mut bad) = (0, 0);
    for (form, bytes) in vectors().into_iter().filter(|(form, _)| forms.contains(form)) {
        on_small_stack(SMALL_STACK, || {
            for bytes in some(mutations(&bytes)) {
                match read(form, &bytes, DEFAULT) {
                    Ok(found) => {
                        good += 1;
                        if good % 8 == 0 {
                            write_again(form, &bytes, found);
                        }
                    }
                    Err(error) => {
                        bad += 1;
                        assert!(error.offset() <= bytes.len() as u64, "{error} {bytes:02x?}");
                        assert!(!error.is_of_key() && !error.to_string().is_empty(), "{error}");
                        if bad % 8 == 0 {
                            assert!(error.path(&bytes).len() < 1024);
                        }
                    }
                }
            }
        });
    }
    (good, bad)
}

#[test]
fn r04_no_mutation_of_telemetry_in_json_brings_anything_down() {
    let (good, bad) = mutate(&[Form::Data, Form::Samples]);
    assert!(cfg!(miri) || good > 5_000 && bad > 50_000, "{good} {bad}");
}

#[test]
fn r04_no_mutation_of_a_session_brings_anything_down() {
    let (good, bad) = mutate(&[Form::Session]);
    assert!(cfg!(miri) || good > 10_000 && bad > 20_000, "{good} {bad}");
}

#[test]
fn r04_no_mutation_of_an_event_a_lap_a_sync_or_a_document_brings_anything_down() {
    let (good, bad) = mutate(&[Form::Event, Form::Lap, Form::Sync, Form::Format, Form::Configuration]);
    assert!(cfg!(miri) || good > 10_000 && bad > 20_000, "{good} {bad}");
}

#[test]
fn r04_no_mutation_of_protobuf_brings_anything_down() {
    let forms = [0, 1, 2, 3].map(Form::Telemetry);
    let (good, bad) = mutate(&[&forms[..], &[Form::ProtobufEvent]].concat());
    assert!(cfg!(miri) || good > 3_000 && bad > 5_000, "{good} {bad}");
}

/// Whatever a value is, it is read as each of them.
#[test]
fn r04_values_of_one_type_are_read_as_every_other() {
    let all: BTreeSet<Vec<u8>> = vectors().into_iter().map(|(_, bytes)| bytes).collect();
    on_small_stack(SMALL_STACK, || {
        for bytes in some(all.iter()) {
            for form in FORMS {
                if let Err(error) = read(form, bytes, DEFAULT) {
                    assert!(error.offset() <= bytes.len() as u64);
                    let _ = error.path(bytes);
                }
            }
        }
    });
}

/// A path is asked for with other bytes than were refused.
#[test]
fn r04_paths_of_other_bytes_are_only_wrong() {
    let all: Vec<_> = vectors();
    let errors: Vec<_> = all.iter().filter_map(|(form, bytes)| read(*form, bytes, DEFAULT).err()).collect();
    assert!(errors.len() > 30);
    for error in some(errors.iter()) {
        for (_, bytes) in &all {
            assert!(error.path(bytes).len() <= 2 * bytes.len() + 64);
        }
    }
}

#[test]
fn r08_iterators_end_and_stay_at_their_end() {
    for (form, bytes) in vectors() {
        let Form::Telemetry(place) = form else { continue };
        let Ok((telemetry, _)) = TelemetryRef::decode_protobuf_with(KINDS[place], &bytes, DEFAULT) else { continue };
        let mut parameters = telemetry.parameters();
        assert_eq!(parameters.by_ref().count(), telemetry.len());
        assert!(parameters.next().is_none() && parameters.next().is_none());
        for parameter in telemetry.parameters() {
            let mut times = parameter.times().iter();
            assert_eq!(times.len(), parameter.times().len());
            assert_eq!(times.by_ref().count(), parameter.times().len());
            assert!(times.next().is_none() && times.next().is_none() && times.len() == 0);
        }
    }
    let json = br#"{"id":"a","state":"open","x":1 , "y" : [2] ,"x":{"z":[3]}}"#;
    let (session, _) = Session::decode_json_with(json, DEFAULT).unwrap();
    let unknown: Vec<_> = session.unknown().iter().map(|(name, value)| (name.into_owned(), value)).collect();
    assert_eq!(unknown, [("x".into(), "1"), ("y".into(), "[2]"), ("x".into(), r#"{"z":[3]}"#)]);
    let mut iter = session.unknown().iter();
    assert_eq!(iter.by_ref().count(), 3);
    assert!(iter.next().is_none() && iter.next().is_none());
    assert_eq!(Aggregates::parse(&",".repeat(1000)).1.count(), 0);
}

#[test]
fn r08_entries_of_nothing_are_read() {
    // A parameter whose value is not there, or has nothing, of no times.
    for kind in KINDS {
        for empty in [part(map(kind), ""), part(map(kind), number(1, 0)), entry(kind, 0, "")] {
            let telemetry = TelemetryRef::decode_protobuf_with(kind, &empty, DEFAULT).unwrap().0;
            let parameter = telemetry.parameters().next().unwrap();
            assert_eq!((parameter.key(), parameter.times().len()), (ParamKey::Index(0), 0), "{kind:?}");
            assert_eq!(telemetry.len(), 1);
        }
    }
    let event = Event::decode_protobuf_with(b"", DEFAULT).unwrap().0;
    assert_eq!(event, Event::new(0, 0, ""));
}

#[test]
#[cfg_attr(miri, ignore = "there are no such pages")]
fn r09_nothing_behind_the_bytes_is_read() {
    for (form, bytes) in vectors() {
        slices::before_guard_page(&bytes, |bytes| {
            let _ = read(form, bytes, DEFAULT);
        });
        for end in (0..bytes.len()).step_by(7) {
            slices::before_guard_page(&bytes[..end], |bytes| {
                let _ = read(form, bytes, DEFAULT);
            });
        }
    }
}

#[test]
fn r09_bytes_may_lie_anywhere() {
    for (form, bytes) in some(vectors().into_iter()) {
        let due = read(form, &bytes, DEFAULT);
        slices::at_every_offset(&bytes, |bytes| assert_eq!(read(form, bytes, DEFAULT), due));
    }
}

/// Text that is none is refused wherever text is, also where nobody looks at it.
#[test]
fn r09_what_is_not_utf_8_is_refused_everywhere() {
    const BAD: [&[u8]; 5] = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80"];
    let places: [(Form, &str); 14] = [
        (Form::Session, r#"{"id":"@","state":"open"}"#),
        (Form::Session, r#"{"id":"a","state":"@"}"#),
        (Form::Session, r#"{"id":"a","state":"open","@":1}"#),
        (Form::Session, r#"{"id":"a","state":"open","x":["@"]}"#),
        (Form::Session, r#"{"id":"a","state":"open","details":{"@":""}}"#),
        (Form::Session, r#"{"id":"a","state":"open","details":{"a":{"b":"@"}}}"#),
        (Form::Data, r#"{"time":[],"data":[],"format":"@"}"#),
        (Form::Data, r#"{"time":[],"data":[{"status":[],"x":"@"}]}"#),
        (Form::Samples, r#"{"feed":"","format":"","data":{"@":{"values":[],"epoch":0,"time":[]}}}"#),
        (Form::Event, r#"{"epoch":0,"time":0,"id":"@","values":[]}"#),
        (Form::Event, r#"{"epoch":0,"time":0,"id":"","values":["@"]}"#),
        (Form::Lap, r#"{"number":0,"time":0,"type":"@","triggerSource":0}"#),
        (Form::Format, r#"{"feeds":{"@":{"parameters":[]}}}"#),
        (Form::Configuration, r#"{"appGroups":{"a":{"events":{"b":"@"}}}}"#),
    ];
    for (form, place) in places {
        let at = place.find('@').unwrap();
        for bad in BAD {
            let bytes = [&place.as_bytes()[..at], bad, &place.as_bytes()[at + 1..]].concat();
            let error = read(form, &bytes, DEFAULT).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (Kind::InvalidUtf8, at as u64), "{place}");
        }
    }
    for kind in KINDS {
        for field in [1, 2] {
            let error = TelemetryRef::decode_protobuf_with(kind, &part(field, b"a\xff"), DEFAULT).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (Kind::InvalidUtf8, 3));
        }
    }
    for field in [3, 4] {
        let error = Event::decode_protobuf_with(&part(field, b"a\xff"), DEFAULT).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (Kind::InvalidUtf8, 3));
    }
}

/// What was there before is never seen, neither of a message that was refused.
#[test]
fn r09_buffers_that_are_used_again_show_nothing_old() {
    let mut columns = Columns::new();
    for (form, bytes) in vectors() {
        let found = match form {
            Form::Data => columns.decode_data_with(&bytes, DEFAULT).map(drop),
            Form::Samples => columns.decode_samples_with(&bytes, DEFAULT).map(drop),
            Form::Telemetry(place) => columns.decode_protobuf_with(KINDS[place], &bytes, DEFAULT).map(drop),
            _ => continue,
        };
        let telemetry = TelemetryRef::from(&columns);
        match found {
            Ok(()) => assert_eq!(Ok(look(&telemetry)), read(form, &bytes, DEFAULT)),
            Err(_) => {
                assert_eq!((telemetry.len(), telemetry.times().len(), telemetry.epoch()), (0, 0, 0));
                assert_eq!((telemetry.format(), telemetry.feed()), (None, ""));
                assert!(telemetry.unknown().is_empty() && telemetry.parameter(ParamKey::Index(0)).is_none());
            }
        }
        assert_eq!(telemetry.kind().is_samples(), matches!(form, Form::Samples | Form::Telemetry(2 | 3)));
        let _: TelemetryKind = telemetry.kind();
    }
}

use std::fmt::Debug;

use atlas_stream::{
    Aggregates, Columns, Decoder, EncodeError, EncodeErrorKind, Feed, JsonOptions, Limits, Message, NanForm, Notes,
    RecordRef, TelemetryKind, TelemetryRef,
};
use serde::de::IgnoredAny;

use super::model::Model;
use super::telemetry::{self, Key, Telemetry};
use super::tree::Node;
use super::{Script, check_error, json_build, limits, messages, session};

/// What JSON is read, refused and noted is what the model makes of the tree of serde_json; what is written of it reads the same.
pub fn json(data: &[u8]) {
    let [kind, settings, input @ ..] = data else { return };
    let (kind, tight) = (kind & 7, limits(kind >> 3));
    let made;
    let value = if settings & 0x80 == 0 {
        input
    } else {
        made = json_build::value(&json_build::MESSAGES[usize::from(kind)], &mut Script(input));
        &made
    };
    let case = Case { value, limits: limits(*settings), tight, keeps_unknown: settings & 0x40 == 0 };
    match kind {
        0 => case.check(&Kind {
            key: b"tdata:a",
            model: telemetry::data,
            found: |message| {
                let Message::Data(found) = message else { panic!() };
                telemetry_of(found)
            },
            encode: |message, out, options| {
                let Message::Data(found) = message else { panic!() };
                found.encode_json_with(out, options)
            },
            forget,
            shown: |it| it,
            rewritten: |it| it,
        }),
        2 => case.check(&Kind {
            key: b"events:a",
            model: messages::event,
            found: |message| {
                let Message::Event(found) = message else { panic!() };
                let event = messages::event_of(found);
                assert_eq!(messages::event_of(&found.clone().into_owned()), event);
                event
            },
            encode: |message, out, options| {
                let Message::Event(found) = message else { panic!() };
                found.encode_json_with(out, options)
            },
            forget: |it| it,
            shown: |it| it,
            rewritten: |it| it,
        }),
        3 => case.check(&Kind {
            key: b"lap:a",
            model: messages::lap,
            found: |message| {
                let Message::Lap(found) = message else { panic!() };
                assert_eq!(found.clone().into_owned(), *found);
                messages::lap_of(found)
            },
            encode: |message, out, options| {
                let Message::Lap(found) = message else { panic!() };
                found.encode_json_with(out, options)
            },
            forget: |it| it,
            shown: |it| it,
            rewritten: |it| it,
        }),
        4 => sync(&case),
        5 => case.check(&Kind {
            key: b"session:a",
            model: session::session,
            found: |message| {
                let Message::Session(found) = message else { panic!() };
                assert_eq!(found.clone().into_owned(), *found);
                session::snapshot(found)
            },
            encode: |message, out, options| {
                let Message::Session(found) = message else { panic!() };
                found.encode_json_with(out, options)
            },
            forget: |it| it,
            shown: session::Session::shown,
            rewritten: |it| it,
        }),
        _ => case.check(&Kind {
            key: b"tsamples:a",
            model: telemetry::samples,
            found: |message| {
                let Message::Samples(found) = message else { panic!() };
                telemetry_of(found)
            },
            encode: |message, out, options| {
                let Message::Samples(found) = message else { panic!() };
                found.encode_json_with(out, options)
            },
            forget,
            shown: |it| it,
            // The old form has times of its own even without parameters.
            rewritten: |mut it| {
                (it.epoch, it.times) = (0, Vec::new());
                it
            },
        }),
    }
}

struct Case<'a> {
    value: &'a [u8],
    limits: Limits,
    /// To write under.
    tight: Limits,
    keeps_unknown: bool,
}

/// How one kind of messages is read and written.
struct Kind<T> {
    key: &'static [u8],
    model: fn(&mut Model, &Node<'_>) -> Option<T>,
    found: fn(&Message<'_>) -> T,
    encode: fn(&Message<'_>, &mut Vec<u8>, &JsonOptions) -> Result<(), EncodeError>,
    /// Without unknown members of telemetry.
    forget: fn(T) -> T,
    /// What there is to be seen of it.
    shown: fn(T) -> T,
    /// What it is when it was written.
    rewritten: fn(T) -> T,
}

/// Notes of what is mended by writing.
const MENDED: [Notes; 8] = [
    Notes::BYTE_ORDER_MARK,
    Notes::DUPLICATE_MEMBER,
    Notes::NULL_MEMBER,
    Notes::LEGACY_SAMPLES,
    Notes::LETTER_CASE,
    Notes::NUMERIC_STATE,
    Notes::DETAIL_NOT_TEXT,
    Notes::IGNORED_VALUE,
];

impl Case<'_> {
    fn check<T: Clone + Debug + PartialEq>(&self, kind: &Kind<T>) {
        let due = Model::read(self.value, &self.limits, kind.model);
        let found = RecordRef::decode_with(kind.key, self.value, &self.limits);
        let mut decoder = dirty().with_limits(self.limits).with_unknown_members(self.keeps_unknown);
        let again = decoder.decode(kind.key, self.value);
        let text = self.value.escape_ascii();
        match (found, due) {
            (Err(error), None) => {
                check_error(&error, self.value);
                assert!(!error.is_of_key());
                assert_eq!(again.expect_err("it was refused"), error);
            }
            (Ok(found), Some((due, notes))) => {
                let shown = (kind.shown)(due.clone());
                assert_eq!((kind.found)(found.message()), shown, "{text}");
                assert_eq!(found.notes(), notes, "{text}");
                let again = again.expect("it was read");
                let due_again = if self.keeps_unknown { shown } else { (kind.forget)(shown) };
                assert_eq!(((kind.found)(again.message()), again.notes()), (due_again, notes), "{text}");
                if let Message::Data(found) | Message::Samples(found) = found.message() {
                    converted(found);
                }
                self.write(kind, found.message(), &due);
            }
            (found, due) => panic!("{found:?} {due:?} {text}"),
        }
    }

    fn write<T: Clone + Debug + PartialEq>(&self, kind: &Kind<T>, message: &Message<'_>, due: &T) {
        let due = (kind.rewritten)(due.clone());
        let shown = (kind.shown)(due.clone());
        let forms = [
            (NanForm::Quoted, [Notes::NULL_NAN, Notes::BARE_NAN]),
            (NanForm::Bare, [Notes::NULL_NAN, Notes::QUOTED_NAN]),
            (NanForm::Null, [Notes::BARE_NAN, Notes::BARE_NAN]),
        ];
        for (form, others) in forms {
            let options = JsonOptions::DEFAULT.with_nan(form);
            let mut out = b"x".to_vec();
            if let Err(error) = (kind.encode)(message, &mut out, &options) {
                assert_eq!((error.kind(), out.as_slice()), (EncodeErrorKind::MissingName, &b"x"[..]), "{error}");
                let Message::Samples(found) = message else { panic!("{error}") };
                return named(found);
            }
            let text = &out[1..];
            if form != NanForm::Bare {
                serde_json::from_slice::<IgnoredAny>(text).expect("JSON");
            }
            let (again, notes) = Model::read(text, &Limits::DEFAULT, kind.model).expect("as it was read");
            assert_eq!(again, due, "{}", text.escape_ascii());
            assert!(MENDED.iter().chain(&others).all(|note| !notes.contains(*note)), "{notes:?}");
            let found = RecordRef::decode(kind.key, text).expect("as it was read");
            assert_eq!(((kind.found)(found.message()), found.notes()), (shown.clone(), notes));
            let mut once_more = b"x".to_vec();
            (kind.encode)(found.message(), &mut once_more, &options).expect("as it was written");
            assert_eq!(once_more, out);

            // What is written under limits is what can be read under them.
            let mut few = b"x".to_vec();
            let written = (kind.encode)(message, &mut few, &options.with_limits(self.tight));
            let read = RecordRef::decode_with(kind.key, text, &self.tight);
            match written {
                Ok(()) => {
                    assert_eq!(few, out);
                    read.expect("it was written under the same limits");
                }
                Err(error) => {
                    assert_eq!((error.kind(), few.as_slice()), (EncodeErrorKind::LimitExceeded, &b"x"[..]));
                    read.expect_err("it could not be written under the same limits");
                }
            }
        }
    }
}

/// Whatever it read before must not matter.
fn dirty() -> Decoder {
    let mut decoder = Decoder::new();
    let value = br#"{"feed":"f","format":"g","x":1,"data":{"b":{"values":[1.5,2],"epoch":7,"time":[3,4],"y":2},"a":{"values":[],"epoch":8,"time":[]}}}"#;
    decoder.decode(b"tsamples:a", value).expect("it is right");
    let value =
        br#"{"epoch":5,"time":[1],"x":1,"data":[{"status":[300],"first":["NaN"],"y":2}],"feed":"f","format":"g"}"#;
    decoder.decode(b"tdata:a", value).expect("it is right");
    decoder
}

fn forget(mut telemetry: Telemetry) -> Telemetry {
    telemetry.unknown.clear();
    telemetry.parameters.iter_mut().for_each(|parameter| parameter.unknown.clear());
    telemetry
}

fn telemetry_of(found: &TelemetryRef<'_>) -> Telemetry {
    assert!(!found.is_in_place());
    let telemetry = telemetry::snapshot(found);
    assert_eq!(telemetry::snapshot(&TelemetryRef::from(&found.clone().into_owned())), telemetry);
    telemetry
}

/// Samples by index are written in JSON when they have names.
fn named(found: &TelemetryRef<'_>) {
    let mut due = telemetry::snapshot(found);
    let names: Vec<_> = (0..due.parameters.len()).map(|index| format!("{index}:é")).collect();
    let feed = names.iter().fold(Feed::new(0.0), |feed, name| feed.with(&**name, Aggregates::AVG));
    let mut columns = found.clone().into_owned();
    columns.name_parameters(&feed).expect("each has a name of its own");
    let mut out = Vec::new();
    TelemetryRef::from(&columns).encode_json(&mut out).expect("it has names");
    (due.epoch, due.times) = (0, Vec::new());
    for (parameter, name) in due.parameters.iter_mut().zip(&names) {
        parameter.key = Key::Name(name.clone());
    }
    let mut read = Columns::new();
    read.decode_samples_with(&out, &Limits::DEFAULT).expect("it was written");
    assert_eq!(telemetry::snapshot(&TelemetryRef::from(&read)), due);
    columns.index_parameters(&feed).expect("all are in the feed");
    assert_eq!(telemetry::snapshot(&TelemetryRef::from(&columns)), telemetry::snapshot(found));
}

/// In protobuf it is the same, but for what is not there.
fn converted(found: &TelemetryRef<'_>) {
    let mut due = forget(telemetry::snapshot(found));
    let mut columns = found.clone().into_owned();
    let mut feed = Feed::new(0.0);
    for parameter in &due.parameters {
        if let Key::Name(name) = &parameter.key {
            feed = feed.with(name.clone(), Aggregates::AVG);
        }
    }
    columns.index_parameters(&feed).expect("the feed is made of them");
    let mut out = Vec::new();
    TelemetryRef::from(&columns).encode_protobuf(&mut out).expect("it has indexes");
    let read = TelemetryRef::decode_protobuf_with(due.kind, &out, &Limits::DEFAULT).expect("it was written").0;
    assert!(read.is_in_place());
    for (index, parameter) in (0..).zip(&mut due.parameters) {
        parameter.key = Key::Index(index);
        for column in &mut parameter.aggregates {
            column.take_if(|column| column.is_empty());
        }
    }
    due.format.take_if(|format| format.is_empty());
    if due.kind == TelemetryKind::Samples {
        (due.epoch, due.times) = (0, Vec::new());
    }
    assert_eq!(telemetry::snapshot(&read), due);
}

/// Nothing is an error: what is not as it is here is not looked at.
fn sync(case: &Case<'_>) {
    let due = match case.value {
        b"" => (messages::Sync::default(), Notes::NONE),
        value => Model::read(value, &case.limits, messages::sync)
            .unwrap_or((messages::Sync::default(), Notes::IGNORED_VALUE)),
    };
    let found = RecordRef::decode_with(b"sync:a", case.value, &case.limits).expect("nothing is refused");
    let Message::Sync(sync) = found.message() else { panic!() };
    assert_eq!(sync.clone().into_owned(), *sync);
    let (found, found_notes) = (messages::sync_of(sync), found.notes());
    let (due, notes) = due;
    assert_eq!((found, found_notes), (due.clone(), notes), "{}", case.value.escape_ascii());

    let mut out = b"x".to_vec();
    sync.encode_json(&mut out).expect("as it was read");
    let text = &out[1..];
    let (again, notes) = atlas_stream::Sync::decode_json_with(text, &Limits::DEFAULT);
    assert_eq!(messages::sync_of(&again), due, "{}", text.escape_ascii());
    let due_notes = match text {
        b"" => Notes::NONE,
        text => Model::read(text, &Limits::DEFAULT, messages::sync).expect("as it was read").1,
    };
    assert_eq!(notes, due_notes);
}

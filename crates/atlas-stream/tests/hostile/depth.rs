//! Nesting (R3): a megabyte of openers, and the deepest that is allowed, on a stack of 128 KiB and on every path.

use std::fmt::Write as _;

use atlas_stream::{
    AtlasConfiguration, DataFormat, Decoder, EncodeErrorKind, Limit, Limits, Message, RecordRef, Session, SessionState,
};
use testkit::{SMALL_STACK, on_small_stack};

use crate::proto::*;
use crate::support::*;

/// As deep as a limit can be set, which is 64.
const DEEPEST: &Limits = &Limits::DEFAULT.with_max_depth(u8::MAX);
const MEGABYTE: usize = if cfg!(miri) { 1 << 10 } else { 1 << 20 };

#[test]
fn r03_a_megabyte_of_openers_is_refused_on_a_small_stack() {
    let fronts = [
        "",
        "{\"x\":",
        "{\"data\":[",
        "{\"data\":{\"a\":",
        "{\"details\":{\"a\":",
        "{\"feeds\":{\"\":{\"x\":",
        "{\"appGroups\":{\"a\":{\"events\":{\"b\":",
        "{\"appGroups\":{\"a\":",
        "{\"model\":{\"x\":",
    ];
    let openers =
        ["[", "{\"a\":", "[{\"\":", "{\"sources\":[", "{\"groups\":{\"a\":", "{\"data\":[", "[ \n", "{\"x\":[[{\"y\":"];
    on_small_stack(SMALL_STACK, || {
        for opener in openers {
            let many = opener.repeat(MEGABYTE / opener.len());
            for front in fronts {
                let bytes = [front, &many].concat();
                for form in FORMS.into_iter().filter(|form| !form.is_protobuf()) {
                    let found = read(form, bytes.as_bytes(), DEEPEST);
                    if form == Form::Sync {
                        assert!(found.is_ok());
                        continue;
                    }
                    let error = found.unwrap_err();
                    assert!(error.offset() < 2048, "{error}");
                    assert!(error.path(bytes.as_bytes()).len() < 1024);
                }
            }
        }
    });
}

/// Each of them goes down by itself: it is the limit that ends it, and nothing else.
#[test]
fn r03_what_nests_is_ended_by_the_limit() {
    let nests: [(Form, &str, &str); 9] = [
        (Form::Session, "", r#"{"sources":["#),
        (Form::Session, r#"{"x":"#, "["),
        (Form::Session, r#"{"details":{"a":"#, r#"{"":"#),
        (Form::Data, r#"{"x":"#, "[{\"\":"),
        (Form::Samples, r#"{"data":{"a":{"x":"#, "["),
        (Form::Format, r#"{"feeds":{"":{"parameters":[{"x":"#, "["),
        (Form::Configuration, r#"{"appGroups":{"a":"#, r#"{"groups":{"a":"#),
        (Form::Configuration, r#"{"appGroups":{"a":{"conversions":{"b":"#, "["),
        (Form::Lap, r#"{"x":"#, r#"{"a":"#),
    ];
    on_small_stack(SMALL_STACK, || {
        for (form, front, opener) in nests {
            let bytes = [front, &opener.repeat(MEGABYTE / opener.len())].concat();
            for max in [0, 1, 2, 3, 4, 5, 6, 7, 8, 62, 63, 64, 65, 255] {
                let limits = Limits::DEFAULT.with_max_depth(max);
                let error = read(form, bytes.as_bytes(), &limits).unwrap_err();
                assert_eq!(kind(error), too_much(Limit::MaxDepth), "{max} {front}{opener}");
                // It stands where one too many begins.
                let brackets = |end: usize| bytes[..end].bytes().filter(|byte| b"[{".contains(byte)).count();
                assert_eq!(brackets(error.offset() as usize), usize::from(max.min(64)), "{error}");
            }
        }
    });
}

#[test]
fn r03_groups_of_protobuf_are_ended_by_the_limit() {
    let forms = [Form::Telemetry(0), Form::Telemetry(1), Form::Telemetry(2), Form::Telemetry(3), Form::ProtobufEvent];
    on_small_stack(SMALL_STACK, || {
        for form in forms {
            for bytes in [
                tag(20, 3).repeat(MEGABYTE),
                [tag(1, 3), tag(2, 3)].concat().repeat(MEGABYTE / 2),
                groups(MEGABYTE / 4),
            ] {
                assert_eq!(kind(read(form, &bytes, DEEPEST).unwrap_err()), too_much(Limit::MaxDepth));
                let Form::Telemetry(place) = form else { continue };
                // In an entry, and in its value.
                for bytes in [part(map(KINDS[place]), &bytes), entry(KINDS[place], 0, &bytes)] {
                    assert_eq!(kind(read(form, &bytes, DEEPEST).unwrap_err()), too_much(Limit::MaxDepth));
                }
            }
            // The message is one level.
            for max in [1, 2, 5, 64] {
                let limits = Limits::DEFAULT.with_max_depth(max);
                assert!(read(form, &groups(usize::from(max) - 1), &limits).is_ok());
                assert_eq!(kind(read(form, &groups(max.into()), &limits).unwrap_err()), too_much(Limit::MaxDepth));
            }
        }
    });
}

/// Sessions in one another, the innermost with these members.
fn sources(count: usize, members: &str) -> String {
    let start = r#"{"id":"a","state":"open","sources":["#.repeat(count - 1);
    format!(r#"{start}{{"id":"a","state":"open"{members}}}{}"#, "]}".repeat(count - 1))
}

/// Groups in one another, the innermost with a parameter.
fn tree(count: usize) -> String {
    let group = r#"{"groups":{"g":"#.repeat(count);
    let last = r#"{"groups":{},"parameters":{"p":{"name":"n","x":{}}}}"#;
    let end = r#"},"parameters":{}}"#.repeat(count);
    format!(
        r#"{{"appGroups":{{"a":{{"conversions":{{}},"events":{{}},"groups":{{"g":{group}{last}{end}}},"parameters":{{}}}}}}}}"#
    )
}

#[test]
fn r03_the_deepest_session_takes_every_path_on_a_small_stack() {
    // 31 sessions and what they are in are 62 levels; the last has two more. Written in the order of the documents.
    let deepest = sources(32, r#","details":{"a":"b"}"#);
    let unknown = sources(31, r#","x":[[{"y":1}]]"#);
    for text in [deepest, unknown] {
        on_small_stack(SMALL_STACK, || {
            let record = RecordRef::decode_with(b"session:a", text.as_bytes(), DEEPEST).unwrap();
            let Message::Session(session) = record.message() else { panic!() };
            write!(Nowhere, "{session:?} {session:#?} {record:?}").unwrap();
            let copy = session.clone();
            assert!(copy == *session);
            let owned = copy.into_owned();
            assert!(owned == *session);
            let mut out = Vec::new();
            owned.encode_json(&mut out).unwrap();
            assert_eq!(out, text.as_bytes());
            drop(owned);
            drop(record.into_message());
        });
        let less = Limits::DEFAULT.with_max_depth(63);
        assert_eq!(kind(read(Form::Session, text.as_bytes(), &less).unwrap_err()), too_much(Limit::MaxDepth));
    }
}

#[test]
fn r03_the_deepest_configuration_takes_every_path_on_a_small_stack() {
    // Three levels down to the application, two for each group and for a parameter, and one in that.
    let text = tree(28);
    let depth = text.bytes().scan(0_i32, |depth, byte| {
        *depth += i32::from(byte == b'{') - i32::from(byte == b'}');
        Some(*depth)
    });
    assert_eq!(depth.max(), Some(64));
    on_small_stack(SMALL_STACK, || {
        let (configuration, notes) = AtlasConfiguration::decode_with(text.as_bytes(), DEEPEST).unwrap();
        assert!(notes.is_empty());
        write!(Nowhere, "{configuration:?} {configuration:#?}").unwrap();
        let copy = configuration.clone();
        assert!(copy == configuration);
        let mut out = Vec::new();
        copy.encode(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text);
        assert!(configuration.dependency_id().is_ok());
        assert!(configuration.clone().into_owned() == configuration);
    });
    let less = Limits::DEFAULT.with_max_depth(63);
    assert_eq!(kind(read(Form::Configuration, text.as_bytes(), &less).unwrap_err()), too_much(Limit::MaxDepth));
}

#[test]
fn r03_the_deepest_unknown_value_takes_every_path_on_a_small_stack() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let documents = [
        (
            Form::Data,
            format!(r#"{{"time":[],"data":[{{"status":[],"x":{}}}],"feed":"","y":{}}}"#, nested(61), nested(63)),
        ),
        (
            Form::Samples,
            format!(
                r#"{{"feed":"","format":"f","data":{{"a":{{"values":[],"epoch":0,"time":[],"x":{}}}}}}}"#,
                nested(61)
            ),
        ),
        (
            Form::Format,
            format!(r#"{{"feeds":{{"":{{"parameters":[{{"identifier":"","aggregates":"","x":{}}}]}}}}}}"#, nested(59)),
        ),
        (Form::Event, format!(r#"{{"epoch":0,"time":0,"id":"","values":[],"x":{}}}"#, nested(63))),
        (
            Form::Configuration,
            format!(
                r#"{{"appGroups":{{"a":{{"conversions":{{"c":{}}},"events":{{}},"groups":{{}},"parameters":{{}}}}}}}}"#,
                nested(60)
            ),
        ),
    ];
    for (form, text) in documents {
        on_small_stack(SMALL_STACK, || {
            let found = read(form, text.as_bytes(), DEEPEST).unwrap();
            let written = write(form, text.as_bytes(), DEEPEST).unwrap();
            assert_eq!(read(form, &written, DEEPEST), Ok(found), "{text}");
        });
        let less = Limits::DEFAULT.with_max_depth(63);
        assert_eq!(kind(read(form, text.as_bytes(), &less).unwrap_err()), too_much(Limit::MaxDepth));
    }
    // Unknown members of the deepest are found.
    let text = format!(r#"{{"id":"","state":"open","x":{}}}"#, nested(63));
    let (session, _) = Session::decode_json_with(text.as_bytes(), DEEPEST).unwrap();
    assert_eq!(session.unknown().get("x"), Some(&nested(63)[..]));
}

/// What was made, and not read: written only as deep as limits say.
#[test]
fn r03_sessions_that_were_made_are_written_up_to_the_limit() {
    let made = |count: usize| {
        (1..count).fold(Session::new("a", SessionState::OPEN), |inner, _| {
            let mut session = Session::new("a", SessionState::OPEN);
            session.sources.push(inner);
            session
        })
    };
    on_small_stack(SMALL_STACK, || {
        let mut out = Vec::new();
        made(32).encode_json(&mut out).unwrap();
        assert_eq!(Session::decode_json_with(&out, DEEPEST).unwrap().0, made(32));
        for count in [33, 34, 100] {
            let error = testkit::laws::nothing_written(|out| made(count).encode_json(out));
            assert_eq!((error.kind(), error.what()), (EncodeErrorKind::LimitExceeded, "max_depth"));
        }
    });
}

#[test]
fn r03_a_decoder_and_a_format_do_not_go_down() {
    // Nothing of a data format nests by itself: what is known of it is five levels.
    let text = br#"{"feeds":{"":{"parameters":[{"identifier":"a"}]}}}"#;
    assert!(DataFormat::decode_with(text, &Limits::DEFAULT.with_max_depth(5)).is_ok());
    assert_eq!(
        kind(DataFormat::decode_with(text, &Limits::DEFAULT.with_max_depth(4)).unwrap_err()),
        too_much(Limit::MaxDepth)
    );
    on_small_stack(SMALL_STACK, || {
        let mut decoder = Decoder::new();
        let bytes = "[".repeat(MEGABYTE);
        assert!(decoder.decode(b"unknown:a", bytes.as_bytes()).is_ok(), "nobody looks at it");
        write!(Nowhere, "{:?}", decoder.decode(b"sync:a", bytes.as_bytes()).unwrap()).unwrap();
    });
}

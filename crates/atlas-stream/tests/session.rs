//! Sessions by their fields, dates and times, and texts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[path = "hostile/proto.rs"]
mod proto;

use atlas_stream::{
    ATLAS_CONFIGURATION, DATA_FORMAT, DateTime, DecodeErrorKind as Kind, EncodeErrorKind, Limits, Notes, Session,
    SessionState,
};
use proptest::prelude::*;

const DEFAULT: &Limits = &Limits::DEFAULT;

/// A session of a vector.
fn golden(id: &str) -> (Session<'static>, Notes) {
    let bytes = proto::value(&proto::vector(id));
    let (session, notes) = Session::decode_json_with(&bytes, DEFAULT).unwrap();
    (session.into_owned(), notes)
}

fn read(members: &str) -> Result<(Session<'static>, Notes), (Kind, u64, &'static str)> {
    let json = format!(r#"{{"id":"a","state":"open",{members}}}"#);
    let found = Session::decode_json_with(json.as_bytes(), DEFAULT);
    found
        .map(|(session, notes)| (session.into_owned(), notes))
        .map_err(|error| (error.kind(), error.offset(), error.what()))
}

fn written(session: &Session<'_>) -> String {
    let mut out = Vec::new();
    session.encode_json(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_full_session_has_every_field() {
    let (session, notes) = golden("atlas-005");
    assert!(notes.is_empty());
    assert_eq!(
        (&*session.id, session.state, session.state_name()),
        ("5d0c7f6e-2f43-4b5a-8f0e-b1a1c6b7e001", SessionState::OPEN, "open")
    );
    assert_eq!((session.session_type.as_deref(), session.quality), (Some("StreamSession"), Some(0.9)));
    assert_eq!((session.identifier.as_deref(), session.label.as_deref()), (Some("Rig 4 run 12"), None));
    assert_eq!(
        (session.detail("Driver"), session.detail("Circuit"), session.detail("driver")),
        (Some("KMZ"), Some("Test rig"), None)
    );
    let model = session.model.as_ref().unwrap();
    assert_eq!(
        (&*model.group, model.version, model.configuration.as_deref()),
        ("aero", Some(3), Some(r#"{"cd":0.71}"#))
    );
    assert_eq!(session.dependencies(DATA_FORMAT).collect::<Vec<_>>(), ["0ec63347ffc5"]);
    assert_eq!(session.dependencies(ATLAS_CONFIGURATION).collect::<Vec<_>>(), ["119157cc834e"]);
    assert_eq!(session.dependencies("other").count(), 0);
    let activity = session.activity.as_ref().unwrap();
    // 2023-11-14 is 19 675 days after 1970.
    let start = 19_675 * 86_400 + 10 * 3600 + 15 * 60 + 30;
    assert_eq!(
        (activity.start.as_ref().unwrap().unix_seconds(), activity.duration_nanos),
        (start, Some(4_000_000_000))
    );
    let heartbeat = session.last_heartbeat.as_ref().unwrap();
    assert_eq!((heartbeat.unix_seconds(), heartbeat.subsec_nanos()), (start + 4, 500_000_000));
    assert!(session.sources.is_empty() && session.unknown().is_empty());
}

#[test]
fn other_golden_sessions_have_theirs() {
    let (smallest, _) = golden("atlas-004");
    assert_eq!(smallest, Session::new("5d0c7f6e-2f43-4b5a-8f0e-b1a1c6b7e001", SessionState::OPEN));
    let (waiting, notes) = golden("atlas-006");
    let activity = waiting.activity.as_ref().unwrap();
    assert_eq!(
        (waiting.state, activity.start.is_none(), activity.duration_nanos),
        (SessionState::WAITING, true, Some(0))
    );
    assert!(waiting.last_heartbeat.is_none() && notes.is_empty(), "null is allowed there");
    let (nested, _) = golden("atlas-012");
    let [source] = &nested.sources[..] else { panic!() };
    assert_eq!((&*source.id, source.state, &*source.sources[0].id), ("src-a", SessionState::CLOSED, "src-b"));
    let (unknown, _) = golden("atlas-013");
    assert_eq!((unknown.label.as_deref(), unknown.unknown().get("futureField")), (Some("car1"), Some(r#"{"x":[1]}"#)));
    let (ids, notes) = golden("atlas-014");
    assert_eq!(ids.dependencies(DATA_FORMAT).collect::<Vec<_>>(), ["0ec63347ffc5", "bench_format_2"]);
    assert_eq!((ids.dependencies("setupSheet").collect::<Vec<_>>(), notes), (vec!["s-77"], Notes::NONE));
    let (local, _) = golden("atlas-015");
    let start = local.activity.unwrap().start.unwrap();
    assert_eq!((start.offset_minutes(), start.subsec_nanos()), (Some(60), 123_456_700));
    let (empty, _) = golden("atlas-017");
    assert!(empty.details.unwrap().is_empty() && empty.dependencies.unwrap().is_empty());
    assert_eq!((golden("atlas-019").0.quality, golden("atlas-020").0.quality), (Some(0.0), Some(1.0)));
    let (text, _) = golden("atlas-021");
    assert_eq!((text.identifier.as_deref(), text.detail("Driver")), (Some("予選 Q1"), Some("Räikkönen")));
    let states = ["atlas-008", "atlas-009", "atlas-010", "atlas-011"].map(|id| golden(id).0.state);
    let due = [SessionState::CLOSED, SessionState::TRUNCATED, SessionState::FAILED, SessionState::ABANDONED];
    assert_eq!(states, due);
}

/// Days by hand: 365 a year, and one more for each fourth, but for the centuries that 400 does not divide.
#[test]
fn dates_and_times_are_seconds_since_1970() {
    const DAY: i64 = 86_400;
    let due: [(&str, i64, u32, Option<i16>); 25] = [
        ("1970-01-01T00:00:00Z", 0, 0, Some(0)),
        ("1970-01-01T00:00:00", 0, 0, None),
        ("1969-12-31T23:59:59.999999999Z", -1, 999_999_999, Some(0)),
        ("1972-02-29T00:00:00Z", 789 * DAY, 0, Some(0)),
        ("1972-03-01T00:00:00Z", 790 * DAY, 0, Some(0)),
        ("2000-02-29T12:00:00Z", 11_016 * DAY + DAY / 2, 0, Some(0)),
        ("2000-03-01T00:00:00Z", 11_017 * DAY, 0, Some(0)),
        ("2001-09-09T01:46:40Z", 1_000_000_000, 0, Some(0)),
        ("1900-03-01T00:00:00Z", -25_508 * DAY, 0, Some(0)),
        ("1900-02-28T00:00:00Z", -25_509 * DAY, 0, Some(0)),
        ("2038-01-19T03:14:08Z", 1 << 31, 0, Some(0)),
        ("0001-01-01T00:00:00Z", -719_162 * DAY, 0, Some(0)),
        ("0000-02-29T00:00:00Z", (-719_162 - 366 + 59) * DAY, 0, Some(0)),
        ("9999-12-31T23:59:59Z", 253_402_300_799, 0, Some(0)),
        ("2023-11-14T11:15:30.1234567+01:00", 1_699_956_930, 123_456_700, Some(60)),
        ("2023-11-14T05:45:30-04:30", 1_699_956_930, 0, Some(-270)),
        ("2023-11-15T10:14:30+23:59", 1_699_956_930, 0, Some(1439)),
        ("2023-11-13T10:16:30-23:59", 1_699_956_930, 0, Some(-1439)),
        ("1970-01-01T00:00:00-00:00", 0, 0, Some(0)),
        ("2023-11-14T10:15:30.123456789012Z", 1_699_956_930, 123_456_789, Some(0)),
        ("2023-11-14T10:15:30.000000000999Z", 1_699_956_930, 0, Some(0)),
        ("2023-11-14T10:15:30.5", 1_699_956_930, 500_000_000, None),
        ("2023-11-14t10:15:30z", 1_699_956_930, 0, Some(0)),
        ("2016-12-31T23:59:60Z", 1_483_228_800, 0, Some(0)),
        ("2017-01-01T00:59:60.25+01:00", 1_483_228_800, 250_000_000, Some(60)),
    ];
    for (text, seconds, nanos, offset) in due {
        let found = DateTime::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(
            (found.unix_seconds(), found.subsec_nanos(), found.offset_minutes()),
            (seconds, nanos, offset),
            "{text}"
        );
        assert_eq!((found.as_str(), found.to_string().as_str()), (text, text));
        assert_eq!(found.clone().into_owned(), found);
    }
}

#[test]
fn what_is_no_date_and_time_is_refused() {
    let bad = [
        "",
        "2023",
        "2023-11-14",
        "2023-11-14T",
        "2023-11-14T10",
        "2023-11-14T10:15",
        "2023-11-14T10:15:3",
        "2023-11-14 10:15:30Z",
        "23-11-14T10:15:30Z",
        "2023-1-14T10:15:30Z",
        "2023-00-14T10:15:30Z",
        "2023-13-14T10:15:30Z",
        "2023-11-00T10:15:30Z",
        "2023-11-31T10:15:30Z",
        "2023-02-29T10:15:30Z",
        "1900-02-29T10:15:30Z",
        "2100-02-29T00:00:00Z",
        "2023-11-14T24:00:00Z",
        "2023-11-14T10:60:00Z",
        "2023-11-14T10:15:61Z",
        "2023-11-14T10:15:30.Z",
        "2023-11-14T10:15:30,5Z",
        "2023-11-14T10:15:30ZZ",
        "2023-11-14T10:15:30Z ",
        " 2023-11-14T10:15:30Z",
        "2023-11-14T10:15:30+1:00",
        "2023-11-14T10:15:30+0100",
        "2023-11-14T10:15:30+01",
        "2023-11-14T10:15:30+24:00",
        "2023-11-14T10:15:30+01:60",
        "2023-11-14T10:15:30+01:00Z",
        "-023-11-14T10:15:30Z",
        "+2023-11-14T10:15:30Z",
        "12023-11-14T10:15:30Z",
        "2023-11-14T-1:15:30Z",
        "2023-11-14T10:15:30.-5Z",
        "２023-11-14T10:15:30Z",
        "2023-11-14T10:15:30.5é",
    ];
    for text in bad {
        assert_eq!(DateTime::parse(text), None, "{text}");
        let found = read(&format!(r#""lastHeartbeat":"{text}""#));
        assert_eq!(found.unwrap_err(), (Kind::InvalidDateTime, 41, "lastHeartbeat"), "{text}");
    }
}

proptest! {
    /// Day after day, by counting.
    #[test]
    fn dates_are_counted(nanos in any::<i64>()) {
        let date = DateTime::from_unix_nanos(nanos);
        prop_assert_eq!(date.unix_nanos(), Some(nanos));
        let again = DateTime::parse(date.as_str().to_owned()).unwrap();
        prop_assert_eq!(&again, &date);
        // An hour ahead, the same moment is an hour later.
        let ahead = date.as_str().replace('Z', "+01:00");
        prop_assert_eq!(DateTime::parse(ahead).unwrap().unix_seconds(), date.unix_seconds() - 3600);
    }

    #[test]
    fn no_text_is_more_than_no_date(text in "\\PC*") {
        if let Some(date) = DateTime::parse(&*text) {
            prop_assert_eq!(date.as_str(), &*text);
        }
    }
}

#[test]
fn every_day_of_eight_centuries_is_the_day_after() {
    let mut day = -135_140_i64; // 1600-01-01
    for year in (1600..2400).step_by(if cfg!(miri) { 100 } else { 1 }) {
        if cfg!(miri) {
            day = -135_140 + (year - 1600) / 100 * 36_524 + i64::from(year > 1600) + i64::from(year > 2000);
        }
        let leap = i64::from(year % 400 == 0 || year % 4 == 0 && year % 100 != 0);
        for (month, days) in [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
            for of_month in 1..=days {
                let text = format!("{year:04}-{:02}-{of_month:02}T00:00:00Z", month + 1);
                let date = DateTime::parse(&*text).unwrap();
                assert_eq!(date.unix_seconds(), day * 86_400, "{text}");
                if let Some(nanos) = date.unix_nanos() {
                    assert_eq!(DateTime::from_unix_nanos(nanos).as_str(), text);
                }
                day += 1;
            }
            assert!(DateTime::parse(format!("{year:04}-{:02}-{:02}T00:00:00Z", month + 1, days + 1)).is_none());
        }
    }
}

#[test]
fn escapes_are_the_characters_that_they_are() {
    let good = [
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r"\u0041\u00e4\u4E88\u9078", "Aä予選"),
        (r"\ud83c\udfce\uD83C\uDFC1", "\u{1f3ce}\u{1f3c1}"),
        (r"\ud800\udc00\udbff\udfff", "\u{10000}\u{10ffff}"),
        (r"\u0000\uffff\ud7ff\ue000", "\0\u{ffff}\u{d7ff}\u{e000}"),
        ("ä\u{7f}\u{2028}", "ä\u{7f}\u{2028}"),
        (r"a\u0062c\\u0064", "abc\\u0064"),
    ];
    for (escaped, due) in good {
        let (session, notes) =
            read(&format!(r#""label":"{escaped}","details":{{"{escaped}":"{escaped}"}},"{escaped}":1"#)).unwrap();
        assert_eq!(
            (session.label.as_deref(), session.detail(due), notes),
            (Some(due), Some(due), Notes::NONE),
            "{escaped}"
        );
        assert_eq!(session.unknown().get(due), Some("1"));
        let (again, _) = Session::decode_json_with(written(&session).as_bytes(), DEFAULT)
            .map(|(session, notes)| (session.into_owned(), notes))
            .unwrap();
        assert_eq!(again, session);
    }
    // The label's text is at byte 34.
    let bad = [
        (r"\ud800", 0),
        (r"\udc00", 0),
        (r"a\ud800b", 1),
        (r"\ud800\u0041", 0),
        (r"\ud800\ud800", 0),
        (r"\udbff\ue000", 0),
        (r"\u12", 4),
        (r"\u12g4", 4),
        (r"\x41", 1),
        (r"\u", 2),
        (r"\a", 1),
        ("a\u{1f}", 1),
        ("\n", 0),
        ("\0", 0),
    ];
    for (escaped, at) in bad {
        let found = read(&format!(r#""label":"{escaped}""#)).unwrap_err();
        assert_eq!(found, (Kind::InvalidString, 34 + at, "label"), "{escaped}");
    }
}

/// A name is what it says, whatever its escapes.
#[test]
fn names_with_escapes_are_names() {
    let json = br#"{"\u0069d":"a","\u0073tate":"op\u0065n","depend\u0065ncies":{"dataForm\u0061t":["x"]}}"#;
    let (session, notes) = Session::decode_json_with(json, DEFAULT).unwrap();
    assert_eq!((&*session.id, session.state, notes), ("a", SessionState::OPEN, Notes::NONE));
    assert_eq!(session.dependencies(DATA_FORMAT).collect::<Vec<_>>(), ["x"]);
}

#[test]
fn unknown_members_are_written_as_they_came() {
    let json = r#"{"x" : [ 1.50, {"y": null} ],"id":"a","z":"\u0041","state":"open","model":{"group":"g","new":1e2},"activity":{"zone":"UTC"},"x":2}"#;
    let (session, notes) = Session::decode_json_with(json.as_bytes(), DEFAULT).unwrap();
    assert!(notes.is_empty());
    assert_eq!(
        written(&session),
        r#"{"id":"a","state":"open","model":{"group":"g","new":1e2},"activity":{"zone":"UTC"},"x" : [ 1.50, {"y": null} ],"z":"\u0041","x":2}"#
    );
    let again = written(&session);
    assert_eq!(Session::decode_json_with(again.as_bytes(), DEFAULT).unwrap().0, session.clone().into_owned());
    assert_eq!(
        (session.unknown().get("x"), session.unknown().get("z"), session.unknown().get("y")),
        (Some("2"), Some(r#""\u0041""#), None)
    );
}

#[test]
fn states_that_nobody_knows_are_kept() {
    for (state, due, name, noted) in [
        (r#""paused""#, SessionState::UNKNOWN, "paused", Notes::UNKNOWN_NAME),
        (r#""unknown""#, SessionState::UNKNOWN, "unknown", Notes::UNKNOWN_NAME),
        (r#""OPEN""#, SessionState::OPEN, "open", Notes::LETTER_CASE),
        ("44", SessionState::ABANDONED, "abandoned", Notes::NUMERIC_STATE),
        ("12", SessionState::TRUNCATED, "truncated", Notes::NUMERIC_STATE),
        ("3", SessionState::UNKNOWN, "3", Notes::NUMERIC_STATE | Notes::UNKNOWN_NAME),
        ("-1", SessionState::UNKNOWN, "-1", Notes::NUMERIC_STATE | Notes::UNKNOWN_NAME),
        ("260", SessionState::UNKNOWN, "260", Notes::NUMERIC_STATE | Notes::UNKNOWN_NAME),
        ("1e999", SessionState::UNKNOWN, "1e999", Notes::NUMERIC_STATE | Notes::UNKNOWN_NAME),
    ] {
        let json = format!(r#"{{"id":"a","state":{state}}}"#);
        let (session, notes) = Session::decode_json_with(json.as_bytes(), DEFAULT).unwrap();
        assert_eq!((session.state, session.state_name(), notes), (due, name, noted));
        assert_eq!(written(&session), format!(r#"{{"id":"a","state":"{name}"}}"#));
    }
    for state in ["null", "true", "[]", "01"] {
        let json = format!(r#"{{"id":"a","state":{state}}}"#);
        assert!(Session::decode_json_with(json.as_bytes(), DEFAULT).is_err(), "{state}");
    }
}

#[test]
fn what_is_odd_is_noted() {
    let odd = [
        (r#""quality":1.5"#, Notes::QUALITY_RANGE),
        (r#""quality":-0.1"#, Notes::QUALITY_RANGE),
        (r#""label":null"#, Notes::NULL_MEMBER),
        (r#""details":null"#, Notes::NULL_MEMBER),
        (r#""details":{"a":1}"#, Notes::DETAIL_NOT_TEXT),
        (r#""details":{"a":"1","a":"2"}"#, Notes::DUPLICATE_MEMBER),
        (r#""label":"1","label":"2""#, Notes::DUPLICATE_MEMBER),
        (r#""dependencies":{"a":["x y"]}"#, Notes::DEPENDENCY_ID),
        (r#""dependencies":{"a":[],"a":["b"]}"#, Notes::DUPLICATE_MEMBER),
        (r#""model":{"group":"","version":-1}"#, Notes::VERSION_RANGE),
        (r#""model":{"group":"","configuration":null}"#, Notes::NONE),
        (r#""lastHeartbeat":"2023-11-14T10:15:30""#, Notes::NO_OFFSET),
        (r#""activity":{"start":null}"#, Notes::NONE),
        (r#""activity":{"durationNanos":null}"#, Notes::NULL_MEMBER),
    ];
    for (members, due) in odd {
        assert_eq!(read(members).unwrap().1, due, "{members}");
    }
    let (session, _) = read(r#""label":"1","details":{"a":"1","b":[1 , 2],"a":"2"},"label":"2","label":null"#).unwrap();
    assert_eq!(
        (session.label, session.details.unwrap().into_iter().collect::<Vec<_>>()),
        (None, vec![("a".into(), "2".into()), ("b".into(), "[1 , 2]".into())])
    );
    for (len, due) in [(32, Notes::NONE), (33, Notes::LONG_TEXT)] {
        assert_eq!(read(&format!(r#""type":"{}""#, "ä".repeat(len))).unwrap().1, due, "characters, not bytes");
        assert_eq!(read(&format!(r#""model":{{"group":"{}"}}"#, "ä".repeat(len + 223))).unwrap().1, due);
    }
    let (session, notes) =
        Session::decode_json_with(b"\xef\xbb\xbf {\"id\":\"a\",\"state\":\"open\"} \r\n\t", DEFAULT).unwrap();
    assert_eq!((&*session.id, notes), ("a", Notes::BYTE_ORDER_MARK));
    for twice in [&b"\xef\xbb\xbf\xef\xbb\xbf{}"[..], b" \xef\xbb\xbf{\"id\":\"a\",\"state\":\"open\"}"] {
        assert_eq!(Session::decode_json_with(twice, DEFAULT).unwrap_err().kind(), Kind::InvalidSyntax);
    }
}

#[test]
fn members_of_another_type_are_refused() {
    let bad = [
        (r#""label":1"#, Kind::UnexpectedType, "label"),
        (r#""quality":"0.9""#, Kind::UnexpectedType, "quality"),
        (r#""quality":1e999"#, Kind::NumberOutOfRange, "quality"),
        (r#""details":[]"#, Kind::UnexpectedType, "details"),
        (r#""model":{}"#, Kind::MissingMember, "group"),
        (r#""model":{"group":null}"#, Kind::MissingMember, "group"),
        (r#""model":{"group":"","version":1.5}"#, Kind::InvalidInteger, "version"),
        (r#""dependencies":{"a":"b"}"#, Kind::UnexpectedType, "dependencies"),
        (r#""dependencies":{"a":[1]}"#, Kind::UnexpectedType, "dependency id"),
        (r#""activity":{"start":1}"#, Kind::UnexpectedType, "start"),
        (r#""activity":{"durationNanos":-1}"#, Kind::InvalidInteger, "durationNanos"),
        (r#""sources":[{"id":"a"}]"#, Kind::MissingMember, "state"),
        (r#""sources":{}"#, Kind::UnexpectedType, "sources"),
    ];
    for (members, kind, what) in bad {
        let (found, _, of) = read(members).unwrap_err();
        assert_eq!((found, of), (kind, what), "{members}");
    }
}

#[test]
fn what_cannot_be_read_again_is_not_written() {
    let mut session = Session::new("a", SessionState::OPEN);
    session.activity = Some(atlas_stream::Activity::default());
    session.activity.as_mut().unwrap().duration_nanos = Some(-1);
    let error = testkit::laws::nothing_written(|out| session.encode_json(out));
    assert_eq!((error.kind(), error.what()), (EncodeErrorKind::Negative, "durationNanos"));
    for state in [SessionState(3), SessionState(255), SessionState::UNKNOWN] {
        let error = testkit::laws::nothing_written(|out| Session::new("a", state).encode_json(out));
        assert_eq!(error.kind(), EncodeErrorKind::UnknownState);
    }
}

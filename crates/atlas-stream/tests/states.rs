//! States, flags and texts, by tables.

#![allow(clippy::unwrap_used)]

use atlas_stream::{
    Aggregates, DataStatus, DecodeErrorKind, Key, MessageType, SessionState, TriggerSource, absolute, is_dependency_id,
    item_path, store_path,
};

const STATES: [SessionState; 6] = [
    SessionState::WAITING,
    SessionState::OPEN,
    SessionState::CLOSED,
    SessionState::TRUNCATED,
    SessionState::FAILED,
    SessionState::ABANDONED,
];

#[test]
fn closed_states_are_kinds_of_one_another() {
    let rows = ["x.....", ".x....", "..x...", "..xx..", "..xxx.", "..xx.x"];
    for (state, row) in STATES.into_iter().zip(rows) {
        let found: String = STATES.iter().map(|other| if state.is(*other) { 'x' } else { '.' }).collect();
        assert_eq!(found, row, "{state}");
        assert_eq!(state.is_closed(), row.as_bytes().get(2) == Some(&b'x'));
    }
    assert!(!SessionState::OPEN.is(SessionState(0)));
    assert_eq!((SessionState(5).name(), SessionState(5).to_string()), (None, "5".to_owned()));
    assert_eq!((SessionState::from_name("Open"), SessionState::from_name("unknown")), (Some(SessionState::OPEN), None));
}

#[test]
fn nothing_opens_again() {
    let rows = ["xxxxxx", ".xxxxx", "..x...", "...x..", "....x.", ".....x"];
    for (state, row) in STATES.into_iter().zip(rows) {
        let found: String = STATES.iter().map(|next| if state.may_become(*next) { 'x' } else { '.' }).collect();
        assert_eq!(found, row, "{state}");
    }
}

#[test]
fn flags_without_a_name_are_kept() {
    for (bits, text) in [
        (0, "Missing"),
        (1, "Sample"),
        (49, "Sample, Incomplete, Interpolated"),
        (255, "Sample, Default, BeforeStart, AfterEnd, Incomplete, Interpolated, Pending, Gap"),
        (256, "256"),
        (0x8000_0081, "Sample, Gap, 2147483648"),
    ] {
        assert_eq!(DataStatus(bits).to_string(), text);
    }
    assert!(!DataStatus::MISSING.has_sample() && (DataStatus::SAMPLE | DataStatus::GAP).has_sample());
}

#[test]
fn aggregates_are_read_in_any_case_and_written_in_one() {
    for (text, written) in [("avg", "Avg"), ("Max,min", "Min, Max"), (" FIRST , Avg ,", "Avg, First"), ("", "")] {
        let (found, unknown) = Aggregates::parse(text);
        assert_eq!((found.to_string().as_str(), unknown.count(), found.is_empty()), (written, 0, text.is_empty()));
        assert_eq!(Aggregates::parse(written).0, found);
    }
    let (found, unknown) = Aggregates::parse("rms, avg, rms");
    assert!(found == Aggregates::AVG && unknown.eq(["rms", "rms"]));
}

#[test]
fn times_do_not_wrap() {
    assert_eq!(absolute(1_699_920_000_000_000_000, 36_930_000_000_000), Some(1_699_956_930_000_000_000));
    assert_eq!(absolute(-5, 3), Some(-2));
    assert_eq!((absolute(i64::MAX, 1), absolute(i64::MIN, -1)), (None, None));
    assert_eq!(absolute(i64::MAX, i64::MIN), Some(-1));
}

#[test]
fn keys_that_would_not_be_read_back_are_not_made() {
    for text in ["", "a:b", ":", "\u{feff}tdata"] {
        assert_eq!(MessageType::new(text), None, "{text:?}");
    }
    assert_eq!(Key::new(MessageType::LAP, ""), None);
    let key = Key::new(MessageType::LAP, "a:b").unwrap();
    assert_eq!((key.as_str(), key.as_ref().stream_id()), ("lap:a:b", "a:b"));
}

#[test]
fn paths_are_of_tokens_alone() {
    assert_eq!(store_path("dev", "dataFormat").as_deref(), Ok("dev/dataFormat"));
    assert_eq!(item_path("dev", "dataFormat", "{a_b-9}").as_deref(), Ok("dev/dataFormat/{a_b-9}"));
    let long = "i".repeat(65);
    for (group, kind, id, message) in [
        ("", "t", "i", "is empty at byte 0 (group)"),
        ("g/h", "t", "i", "character that may not be there at byte 1 (group)"),
        ("g", "t.", "i", "character that may not be there at byte 1 (dependency type)"),
        ("g", "t", "..", "character that may not be there at byte 0 (dependency id)"),
        ("g", "t", "é", "character that may not be there at byte 0 (dependency id)"),
        ("g", "t", &long, "more than 64 characters at byte 64 (dependency id)"),
    ] {
        assert_eq!(item_path(group, kind, id).unwrap_err().to_string(), message);
    }
    assert!(is_dependency_id("9a9627b7bc25") && is_dependency_id(&"i".repeat(64)) && !is_dependency_id(&long));
    assert_eq!(DecodeErrorKind::TooLong.to_string(), "too_long");
}

#[test]
fn triggers_without_a_name_are_numbers() {
    assert_eq!(TriggerSource::TELEMETRY_START.to_string(), "telemetry start");
    assert_eq!((TriggerSource(7).name(), TriggerSource(7).to_string()), (None, "7".to_owned()));
}

//! What is written is what was meant, as another reader of JSON sees it.

use atlas_stream::{
    Aggregates, Columns, EncodeErrorKind, Event, JsonOptions, Lap, LapType, Limits, NanForm, Notes, ParamKey, Session,
    SessionState, Sync, TelemetryKind, TelemetryRef, TriggerSource,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const DEFAULT: &Limits = &Limits::DEFAULT;

/// A double as it is written.
fn written(value: f64) -> String {
    let mut event = Event::new(0, 0, "");
    event.values = vec![value].into();
    let mut out = Vec::new();
    event.encode_json(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let number =
        text.strip_prefix(r#"{"epoch":0,"time":0,"id":"","values":["#).and_then(|rest| rest.strip_suffix("]}"));
    number.unwrap().to_owned()
}

/// It is a number of JSON with a point or an exponent, the same by its bits, and no shorter one is the same.
fn is_good(value: f64) -> Result<(), TestCaseError> {
    let text = written(value);
    prop_assert!(text.contains(['.', 'e', 'E']), "{}", text);
    prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{}", text);
    let by_other: Box<serde_json::value::RawValue> = serde_json::from_str(&text).unwrap();
    prop_assert_eq!(by_other.get(), &text);
    let digits = |text: &str| {
        let all: String = text.split(['e', 'E']).next().unwrap().chars().filter(char::is_ascii_digit).collect();
        all.trim_start_matches('0').trim_end_matches('0').len()
    };
    prop_assert_eq!(digits(&text), digits(&format!("{value:e}")), "the fewest digits: {}", text);
    Ok(())
}

#[test]
fn doubles_have_a_point_or_an_exponent() {
    for (value, due) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (-1.0, "-1.0"),
        (100.0, "100.0"),
        (0.5, "0.5"),
        (0.05, "0.05"),
        (-0.25, "-0.25"),
        (0.01, "0.01"),
        (211.5, "211.5"),
        (212.25, "212.25"),
        (19_999_999.99, "19999999.99"),
        (-19_999_999.99, "-19999999.99"),
        (53.424_999_237_060_547, "53.42499923706055"),
    ] {
        assert_eq!(written(value), due);
    }
    let odd = [
        1e16,
        -1e16,
        1e15,
        123_456_789.125,
        5e-324,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        0.1 + 0.2,
        1.005,
        0.29,
        1e22,
        1e23,
        9_007_199_254_740_993.0,
        2e7,
        20_000_000.01,
        0.005,
    ];
    for value in odd {
        is_good(value).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 4096 }))]

    #[test]
    fn any_double_is_written_as_itself(bits: u64) {
        let value = f64::from_bits(bits);
        if value.is_finite() {
            is_good(value)?;
        }
    }

    #[test]
    fn doubles_of_few_decimals_are_written_as_themselves(number in -5_000_000_000_i64..5_000_000_000, decimals in 0..5, nudge in -2_i64..=2) {
        let value = number as f64 / 10_f64.powi(decimals);
        is_good(value)?;
        // And their neighbours.
        is_good(f64::from_bits(value.to_bits().wrapping_add_signed(nudge)))?;
    }

    #[test]
    fn telemetry_is_what_another_reader_sees(epoch in 0..i64::MAX / 2, times in prop::collection::vec(0..i64::MAX / 2, 0..5), name in ".*", format in ".+",
                                             flags in prop::collection::vec(any::<u32>(), 5), values in prop::collection::vec(-1e300..1e300, 5)) {
        let len = times.len();
        let mut columns = Columns::new();
        columns.start_data(&format, &name, epoch, &times).unwrap().push_data(&flags[..len], &[(Aggregates::MAX, &values[..len]), (Aggregates::AVG, &values[..len])]).unwrap();
        let mut out = Vec::new();
        TelemetryRef::from(&columns).encode_json(&mut out).unwrap();
        let found: Json = serde_json::from_slice(&out).unwrap();
        let numbers = |json: &Json| -> Vec<f64> { json.as_array().unwrap().iter().map(|value| value.to_string().parse().unwrap()).collect() };
        prop_assert_eq!(&found["epoch"], &json!(epoch));
        prop_assert_eq!(&found["time"], &json!(times));
        prop_assert_eq!((&found["feed"], &found["format"]), (&json!(name), &json!(format)));
        prop_assert_eq!(&found["data"][0]["status"], &json!(flags[..len]));
        // This reader is off by a bit now and then: it is only asked for which they are.
        for aggregate in ["avg", "max"] {
            for (found, due) in numbers(&found["data"][0][aggregate]).iter().zip(&values) {
                prop_assert!((found - due).abs() <= due.abs() * 1e-15);
            }
        }
        prop_assert_eq!(found["data"][0].as_object().unwrap().len(), 3);
    }

    #[test]
    fn texts_are_what_another_reader_sees(id in ".*", label in "[\\x00-\\x7f]*", name in ".*", detail in "\\PC*") {
        let mut session = Session::new(&*id, SessionState::OPEN);
        session.label = Some((&*label).into());
        session.details = Some([((&*name).into(), (&*detail).into())].into());
        let mut out = Vec::new();
        session.encode_json(&mut out).unwrap();
        let found: Json = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(&found, &json!({"id": id, "state": "open", "label": label, "details": {name: detail}}));
    }
}

#[test]
fn each_form_of_nan_is_written_and_read() {
    const ODD: [f64; 4] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5];
    let forms = [
        (NanForm::Quoted, r#"["NaN","Infinity","-Infinity",0.5]"#, Notes::QUOTED_NAN),
        (NanForm::Bare, "[NaN,Infinity,-Infinity,0.5]", Notes::BARE_NAN),
        (NanForm::Null, r#"[null,"Infinity","-Infinity",0.5]"#, Notes::QUOTED_NAN | Notes::NULL_NAN),
    ];
    let same = |found: Vec<f64>| assert_eq!(format!("{found:?}"), format!("{ODD:?}"));
    for (form, due, noted) in forms {
        let options = JsonOptions::DEFAULT.with_nan(form);
        let mut event = Event::new(0, 0, "");
        event.values = ODD.to_vec().into();
        let mut out = Vec::new();
        event.encode_json_with(&mut out, &options).unwrap();
        assert_eq!(
            String::from_utf8(out.clone()).unwrap(),
            format!(r#"{{"epoch":0,"time":0,"id":"","values":{due}}}"#)
        );
        let (again, notes) = Event::decode_json_with(&out, DEFAULT).unwrap();
        assert_eq!(notes, noted);
        same(again.values.column().to_vec());

        let (mut columns, mut again) = (Columns::new(), Columns::new());
        out.clear();
        columns.start_data("f", "", 0, &[0; 4]).unwrap().push_data(&[0; 4], &[(Aggregates::MIN, &ODD)]).unwrap();
        TelemetryRef::from(&columns).encode_json_with(&mut out, &options).unwrap();
        assert!(std::str::from_utf8(&out).unwrap().contains(&format!(r#""min":{due}"#)));
        assert_eq!(again.decode_data_with(&out, DEFAULT), Ok(noted));
        same(TelemetryRef::from(&again).parameters().next().unwrap().min().unwrap().to_vec());

        out.clear();
        columns.start(TelemetryKind::Samples, "f", "").push_samples(ParamKey::Name("a"), 0, &[0; 4], &ODD).unwrap();
        TelemetryRef::from(&columns).encode_json_with(&mut out, &options).unwrap();
        assert!(std::str::from_utf8(&out).unwrap().contains(&format!(r#""values":{due}"#)));
        assert_eq!(again.decode_samples_with(&out, DEFAULT), Ok(noted));
        same(TelemetryRef::from(&again).parameters().next().unwrap().values().unwrap().to_vec());
    }
    // A quality is a number, or it is not written.
    for odd in [f64::NAN, f64::INFINITY] {
        let mut session = Session::new("", SessionState::OPEN);
        session.quality = Some(odd);
        let error = testkit::laws::nothing_written(|out| session.encode_json(out));
        assert_eq!((error.kind(), error.what()), (EncodeErrorKind::NotFinite, "quality"));
    }
}

/// Members in the order of the documents, and nothing that is not set.
#[test]
fn small_messages_are_written_in_the_order_of_the_documents() {
    let json = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    };
    let lap = Lap::new(3, 1, -2, LapType::Out, TriggerSource::TELEMETRY_START);
    assert_eq!(
        json(&|out| lap.encode_json(out).unwrap()),
        r#"{"number":3,"epoch":1,"time":-2,"type":"outLap","triggerSource":3}"#
    );
    let mut event = Event::new(i64::MIN, i64::MAX, "02D4:Chassis");
    (event.status, event.values) = (Some("".into()), vec![3.0, 0.0, 12.0].into());
    assert_eq!(
        json(&|out| event.encode_json(out).unwrap()),
        r#"{"epoch":-9223372036854775808,"time":9223372036854775807,"id":"02D4:Chassis","status":"","values":[3.0,0.0,12.0]}"#
    );
    assert_eq!(json(&|out| Sync::new(1, 2).encode_json(out).unwrap()), r#"{"epoch":1,"time":2}"#);
    assert_eq!(json(&|out| Sync::default().encode_json(out).unwrap()), "");
    let mut columns = Columns::new();
    let mut all = |flags: &[u32], times: &[i64]| {
        let values: &[f64] = &[0.5];
        let all = [
            (Aggregates::FIRST, values),
            (Aggregates::MAX, values),
            (Aggregates::MIN, values),
            (Aggregates::AVG, values),
        ];
        columns.start_data("f", "g", 1, times).unwrap().push_data(flags, &all).unwrap();
        json(&|out| TelemetryRef::from(&columns).encode_json(out).unwrap())
    };
    assert_eq!(
        all(&[u32::MAX], &[-5]),
        r#"{"epoch":1,"time":[-5],"data":[{"status":[4294967295],"avg":[0.5],"min":[0.5],"max":[0.5],"first":[0.5]}],"feed":"g","format":"f"}"#
    );
    let state = Session::new("a", SessionState::UNKNOWN);
    assert_eq!(testkit::laws::nothing_written(|out| state.encode_json(out)).kind(), EncodeErrorKind::UnknownState);
}

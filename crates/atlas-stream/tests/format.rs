//! Data formats and configurations of ATLAS.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[path = "hostile/proto.rs"]
mod proto;

use atlas_stream::{
    Aggregates, ApplicationGroup, AtlasConfiguration, ConfigurationParameter, DataFormat, DecodeErrorKind as Kind,
    EncodeErrorKind, Feed, Limits, Notes, ParameterGroup,
};

const DEFAULT: &Limits = &Limits::DEFAULT;

fn written(format: &DataFormat<'_>) -> String {
    let mut out = Vec::new();
    format.encode(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn written_configuration(configuration: &AtlasConfiguration<'_>) -> String {
    let mut out = Vec::new();
    configuration.encode(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn refused(text: &str) -> (Kind, &'static str, String) {
    let error = DataFormat::decode_with(text.as_bytes(), DEFAULT).unwrap_err();
    (error.kind(), error.what(), error.path(text.as_bytes()))
}

#[test]
fn the_format_of_the_vectors() {
    let bytes = proto::value(&proto::vector("atlas-069"));
    let (format, notes) = DataFormat::decode_with(&bytes, DEFAULT).unwrap();
    assert!(notes.is_empty());
    let names: Vec<_> =
        format.feeds.iter().map(|(name, feed)| (&**name, feed.frequency, feed.parameters.len())).collect();
    assert_eq!(names, [("", Some(50.0), 2), ("slow", Some(1.0), 1), ("raw", Some(0.0), 2)]);
    let feed = format.feed("").unwrap();
    let parameters: Vec<_> =
        feed.parameters.iter().map(|parameter| (&*parameter.identifier, parameter.aggregates)).collect();
    assert_eq!(parameters, [("vCar:Chassis", Aggregates::AVG), ("gLat:Chassis", Aggregates::MIN | Aggregates::MAX)]);
    assert_eq!((feed.position("gLat:Chassis"), feed.position("glat:Chassis")), (Some(1), None));
    assert!(format.feed("Slow").is_none());
    assert_eq!((written(&format).as_bytes(), format.dependency_id().unwrap().as_str()), (&bytes[..], "0ec63347ffc5"));
    let built = DataFormat::new()
        .with_feed(
            "",
            Feed::new(50.0)
                .with("vCar:Chassis", Aggregates::AVG)
                .with("gLat:Chassis", Aggregates::MAX | Aggregates::MIN),
        )
        .with_feed("slow", Feed::new(1.0).with("TOil:ECU", Aggregates::AVG))
        .with_feed("raw", Feed::new(0.0).with("NGear:ECU", Aggregates::AVG).with("pBrake:ECU", Aggregates::AVG));
    assert_eq!(written(&built).as_bytes(), bytes);
    assert_eq!(written(&format.into_owned()).as_bytes(), bytes);
}

/// By another order or spelling a document has another id, and means the same.
#[test]
fn ids_are_of_what_is_written() {
    let ids = [
        r#"{"feeds":{"":{"parameters":[{"identifier":"example:app","aggregates":"Avg"}],"frequency":100.0}}}"#,
        r#"{"feeds":{"":{"frequency":1e2,"parameters":[{"aggregates":"Avg","identifier":"example:app"}]}}}"#,
        " { \"feeds\" : {\"\":{\"parameters\":[{\"identifier\":\"ex\\u0061mple:app\",\"aggregates\":\"Avg\"}],\"frequency\":100}}}",
    ]
    .map(|text| DataFormat::decode_with(text.as_bytes(), DEFAULT).unwrap().0.dependency_id().unwrap());
    assert_eq!(ids, ["9a9627b7bc25"; 3], "written in one way");
    let lower = r#"{"feeds":{"":{"parameters":[{"identifier":"example:app","aggregates":"avg"}],"frequency":100.0}}}"#;
    let (format, _) = DataFormat::decode_with(lower.as_bytes(), DEFAULT).unwrap();
    assert_eq!(written(&format), lower);
    assert_ne!(format.dependency_id().unwrap(), "9a9627b7bc25");
}

#[test]
fn aggregates_are_read_in_any_case_and_order() {
    for (text, due, others) in [
        ("Avg", Aggregates::AVG, &[][..]),
        ("min, max", Aggregates::MIN | Aggregates::MAX, &[]),
        (" MAX ,avg,FiRsT,min", Aggregates::AVG | Aggregates::MIN | Aggregates::MAX | Aggregates::FIRST, &[]),
        ("median", Aggregates::NONE, &["median"]),
        ("Min, median, p95", Aggregates::MIN, &["median", "p95"]),
        ("", Aggregates::NONE, &[]),
        (",, ,", Aggregates::NONE, &[]),
    ] {
        let json = format!(r#"{{"feeds":{{"":{{"parameters":[{{"identifier":"a","aggregates":"{text}"}}]}}}}}}"#);
        let (mut format, notes) = DataFormat::decode_with(json.as_bytes(), DEFAULT).unwrap();
        let parameter = &mut format.feeds[0].1.parameters[0];
        assert_eq!(
            (parameter.aggregates, parameter.unknown_aggregates().collect::<Vec<_>>()),
            (due, others.to_vec()),
            "{text}"
        );
        assert_eq!(notes, if others.is_empty() { Notes::NONE } else { Notes::UNKNOWN_NAME });
        assert_eq!(written(&format), json, "as it came");
        // What is changed is written as it is.
        format.feeds[0].1.parameters[0].aggregates = Aggregates::FIRST;
        assert!(written(&format).contains(r#""aggregates":"First""#));
    }
    let (format, _) =
        DataFormat::decode_with(br#"{"feeds":{"":{"parameters":[{"identifier":"a"}]}}}"#, DEFAULT).unwrap();
    assert_eq!((format.feeds[0].1.parameters[0].aggregates, format.feeds[0].1.frequency), (Aggregates::AVG, None));
}

#[test]
fn what_is_there_twice_counts_once() {
    let text = r#"{"feeds":{"a":{"parameters":[]},"b":{"parameters":[],"frequency":1},"a":{"parameters":[{"identifier":"x"},{"identifier":"x"}]}}}"#;
    let (format, notes) = DataFormat::decode_with(text.as_bytes(), DEFAULT).unwrap();
    assert_eq!(notes, Notes::DUPLICATE_MEMBER);
    assert_eq!(
        format.feeds.iter().map(|(name, _)| &**name).collect::<Vec<_>>(),
        ["a", "b"],
        "the last, in the place of the first"
    );
    assert_eq!((format.feed("a").unwrap().parameters.len(), format.feed("a").unwrap().position("x")), (2, Some(1)));
    let twice = DataFormat::decode_with(br#"{"feeds":{},"feeds":{"a":{"parameters":[]}}}"#, DEFAULT).unwrap();
    assert_eq!((twice.0.feeds.len(), twice.1), (1, Notes::DUPLICATE_MEMBER));
    let replaced =
        DataFormat::new().with_feed("a", Feed::new(1.0)).with_feed("b", Feed::new(2.0)).with_feed("a", Feed::new(3.0));
    assert_eq!(
        written(&replaced),
        r#"{"feeds":{"a":{"parameters":[],"frequency":3.0},"b":{"parameters":[],"frequency":2.0}}}"#
    );
    let mut made = replaced;
    made.feeds.push(("b".into(), Feed::default()));
    let error = testkit::laws::nothing_written(|out| made.encode(out));
    assert_eq!((error.kind(), error.what()), (EncodeErrorKind::Duplicate, "feeds"));
}

#[test]
fn unknown_members_are_kept_at_every_level() {
    let text = r#"{"feeds":{"":{"parameters":[{"identifier":"a","aggregates":"Avg","unit":{"si":"m"}}],"frequency":0.5,"z":[1 ]}},"encoding":"x"}"#;
    let (format, notes) = DataFormat::decode_with(text.as_bytes(), DEFAULT).unwrap();
    assert!(notes.is_empty() && format.unknown().get("encoding") == Some(r#""x""#));
    let feed = format.feed("").unwrap();
    assert_eq!(
        (feed.unknown().get("z"), feed.parameters[0].unknown().get("unit")),
        (Some("[1 ]"), Some(r#"{"si":"m"}"#))
    );
    assert_eq!((written(&format), written(&format.into_owned())), (text.to_owned(), text.to_owned()));
}

#[test]
fn formats_that_are_none() {
    let path = |text: &str| text.to_owned();
    for (text, due) in [
        ("", (Kind::UnexpectedEnd, "value", path(""))),
        ("[]", (Kind::UnexpectedType, "value", path(""))),
        ("{}", (Kind::MissingMember, "feeds", path(""))),
        (r#"{"feeds":null}"#, (Kind::MissingMember, "feeds", path(""))),
        (r#"{"feeds":[{"name":"","parameters":[]}]}"#, (Kind::UnexpectedType, "feeds", path("feeds"))),
        (r#"{"feeds":{"a b":{}}}"#, (Kind::MissingMember, "parameters", path(r#"feeds["a b"]"#))),
        (
            r#"{"feeds":{"a":{"parameters":[{"aggregates":"Avg"}]}}}"#,
            (Kind::MissingMember, "identifier", path("feeds.a.parameters[0]")),
        ),
        (
            r#"{"feeds":{"a":{"parameters":[{"identifier":1}]}}}"#,
            (Kind::UnexpectedType, "identifier", path("feeds.a.parameters[0].identifier")),
        ),
        (
            r#"{"feeds":{"a":{"parameters":[],"frequency":"NaN"}}}"#,
            (Kind::UnexpectedType, "frequency", path("feeds.a.frequency")),
        ),
        (
            r#"{"feeds":{"a":{"parameters":[],"frequency":1e400}}}"#,
            (Kind::NumberOutOfRange, "frequency", path("feeds.a.frequency")),
        ),
        (r#"{"feeds":{}}{"#, (Kind::TrailingBytes, "value", path(""))),
    ] {
        assert_eq!(refused(text), due, "{text}");
    }
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = testkit::laws::nothing_written(|out| DataFormat::new().with_feed("", Feed::new(odd)).encode(out));
        assert_eq!((error.kind(), error.what()), (EncodeErrorKind::NotFinite, "frequency"));
    }
}

#[test]
fn the_configuration_of_the_vectors() {
    let bytes = proto::value(&proto::vector("atlas-070"));
    let (configuration, notes) = AtlasConfiguration::decode_with(&bytes, DEFAULT).unwrap();
    assert!(notes.is_empty());
    let (name, application) = &configuration.app_groups[0];
    let (state, group) = &application.tree.groups[0];
    assert_eq!(
        (&**name, &**state, configuration.app_groups.len(), application.tree.parameters.len()),
        ("Chassis", "State", 1, 0)
    );
    let parameters: Vec<_> = group
        .parameters
        .iter()
        .map(|(id, parameter)| (&**id, parameter.name.as_deref(), parameter.units.as_deref()))
        .collect();
    assert_eq!(parameters, [("vCar:Chassis", Some("vCar"), Some("kmh")), ("gLat:Chassis", Some("gLat"), Some("g"))]);
    assert_eq!(written_configuration(&configuration).as_bytes(), bytes);
    assert_eq!(configuration.dependency_id().unwrap(), "119157cc834e");
}

/// Little of it is published: what is of another type than is known, or not known at all, is kept.
#[test]
fn what_is_not_known_of_a_configuration_is_kept() {
    let text = r#"{"appGroups":{"a":{"conversions":{"c:a":{"kind":"rational","x":[0,1,0]}},"events":{"0001:a":{"priority":"High"}},"groups":{"g":{"groups":{},"parameters":{"p":{"name":"n","units":"u","description":"d","physicalRange":{"min":0}}},"z":1}},"parameters":{},"applicationId":7}},"version":2}"#;
    let (configuration, notes) = AtlasConfiguration::decode_with(text.as_bytes(), DEFAULT).unwrap();
    assert!(notes.is_empty() && configuration.unknown().get("version") == Some("2"));
    let application = &configuration.app_groups[0].1;
    assert_eq!(application.conversions().collect::<Vec<_>>(), [("c:a", r#"{"kind":"rational","x":[0,1,0]}"#)]);
    assert_eq!(application.events().collect::<Vec<_>>(), [("0001:a", r#"{"priority":"High"}"#)]);
    assert_eq!(application.unknown().get("applicationId"), Some("7"));
    let group = &application.tree.groups[0].1;
    assert_eq!((group.unknown().get("z"), group.parameters[0].1.description.as_deref()), (Some("1"), Some("d")));
    assert_eq!(group.parameters[0].1.unknown().get("physicalRange"), Some(r#"{"min":0}"#));
    assert_eq!(written_configuration(&configuration), text);
    for odd in [
        r#"{"appGroups":{"a":1}}"#,
        r#"{"appGroups":{"a":{"parameters":{"p":[2 ]}}}}"#,
        r#"{"appGroups":{"a":{"groups":{"g":"x"}}}}"#,
        r#"{"appGroups":{"a":{"groups":[1]}}}"#,
        r#"{"appGroups":{"a":{"events":null}}}"#,
        r#"{"appGroups":{"a":{"groups":{"g":{"parameters":"x"}}}}}"#,
        r#"{"appGroups":{"a":{"parameters":{"p":{"name":1,"units":null}}}}}"#,
    ] {
        let (configuration, _) = AtlasConfiguration::decode_with(odd.as_bytes(), DEFAULT).unwrap();
        let again = written_configuration(&configuration);
        let inner = odd.rsplit_once('{').unwrap().1.trim_end_matches('}');
        for member in inner.split(',') {
            assert!(again.contains(member), "{member} of {again}");
        }
        let found: serde_json::Value = serde_json::from_str(&again).unwrap();
        // A member that is written by us beside the one that was kept would hide it.
        let (once, _) = AtlasConfiguration::decode_with(again.as_bytes(), DEFAULT).unwrap();
        assert_eq!(written_configuration(&once), again, "{found}");
    }
}

#[test]
fn configurations_that_are_none() {
    for (text, kind) in [
        ("{}", Kind::MissingMember),
        (r#"{"tree":{}}"#, Kind::MissingMember),
        (r#"{"appGroups":[]}"#, Kind::UnexpectedType),
        (r#"{"appGroups":{}"#, Kind::UnexpectedEnd),
    ] {
        assert_eq!(AtlasConfiguration::decode_with(text.as_bytes(), DEFAULT).unwrap_err().kind(), kind, "{text}");
    }
    let twice = br#"{"appGroups":{"a":{},"b":{},"a":{"parameters":{"p":{"name":"1"},"p":{"name":"2"}}}}}"#;
    let (configuration, notes) = AtlasConfiguration::decode_with(twice, DEFAULT).unwrap();
    assert_eq!(notes, Notes::DUPLICATE_MEMBER);
    assert_eq!(configuration.app_groups.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(configuration.app_groups[0].1.tree.parameters[0].1.name.as_deref(), Some("2"));
}

#[test]
fn what_is_made_is_written_in_the_layout_that_is_known() {
    let mut parameter = ConfigurationParameter::default();
    (parameter.name, parameter.units) = (Some("n\"".into()), Some("".into()));
    let mut group = ParameterGroup::default();
    group.parameters.push(("p".into(), parameter));
    let mut application = ApplicationGroup::default();
    application.tree.groups.push(("g".into(), group));
    let mut configuration = AtlasConfiguration::default();
    configuration.app_groups.push(("a".into(), application));
    assert_eq!(
        written_configuration(&configuration),
        r#"{"appGroups":{"a":{"conversions":{},"events":{},"groups":{"g":{"groups":{},"parameters":{"p":{"name":"n\"","units":""}}}},"parameters":{}}}}"#
    );
    configuration.app_groups.push(("a".into(), ApplicationGroup::default()));
    let error = testkit::laws::nothing_written(|out| configuration.encode(out));
    assert_eq!((error.kind(), error.what()), (EncodeErrorKind::Duplicate, "appGroups"));
}

/// Of a member that comes twice only the last is left, whatever type the first had.
#[test]
fn of_members_of_configurations_the_last_counts() {
    let cases = [
        (r#"{"conversions":5,"conversions":{}}"#, r#"{"conversions":{},"events":{},"groups":{},"parameters":{}}"#),
        (r#"{"events":{"e":1},"events":7}"#, r#"{"conversions":{},"events":7,"groups":{},"parameters":{}}"#),
        (
            r#"{"groups":5,"groups":{"g":{}}}"#,
            r#"{"conversions":{},"events":{},"groups":{"g":{"groups":{},"parameters":{}}},"parameters":{}}"#,
        ),
        (
            r#"{"parameters":{"p":{"name":5,"name":6},"q":{"units":5,"units":"x"}}}"#,
            r#"{"conversions":{},"events":{},"groups":{},"parameters":{"p":{"name":6},"q":{"units":"x"}}}"#,
        ),
        (
            r#"{"groups":{"g":{"groups":{"h":{}},"parameters":{"p":{}}},"g":{}}}"#,
            r#"{"conversions":{},"events":{},"groups":{"g":{"groups":{},"parameters":{}}},"parameters":{}}"#,
        ),
    ];
    for (group, due) in cases {
        let text = format!(r#"{{"appGroups":{{"a":{group}}}}}"#);
        let (found, notes) = AtlasConfiguration::decode(text.as_bytes()).unwrap();
        assert_eq!(notes, Notes::DUPLICATE_MEMBER, "{text}");
        let mut out = Vec::new();
        found.encode(&mut out).unwrap();
        assert_eq!(String::from_utf8(out.clone()).unwrap(), format!(r#"{{"appGroups":{{"a":{due}}}}}"#));
        assert_eq!(AtlasConfiguration::decode(&out).unwrap().0, found, "{text}");
    }
    let text = r#"{"appGroups":{"a":{"x":[1],"groups":{"g":{}}},"a":{}}}"#;
    let (found, notes) = AtlasConfiguration::decode(text.as_bytes()).unwrap();
    assert_eq!((notes, found.app_groups.len()), (Notes::DUPLICATE_MEMBER, 1));
    assert!(found.app_groups[0].1.tree.groups.is_empty() && found.app_groups[0].1.unknown().is_empty());
}

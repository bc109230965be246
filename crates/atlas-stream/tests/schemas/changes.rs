//! One member changed at a time, in a document that has them all.
//!
//! Which changes a schema has to refuse is in `DOCUMENTS`, made from the tables of the protocol and not from the schemas.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::{SCHEMAS, validator};

/// A document with every member that its schema knows, and what is asked of them, by JSON pointer. Numbers with a fraction may have
/// one; the others are integers.
struct Document {
    schema: &'static str,
    text: &'static str,
    required: &'static [&'static str],
    /// Maps: what is added to them is of the type of what is there.
    maps: &'static [&'static str],
    nullable: &'static [&'static str],
    /// What nobody looks at.
    open: &'static [&'static str],
}

const DOCUMENTS: [Document; 9] = [
    Document {
        schema: "session",
        text: r#"{"id":"i","state":"open","type":"t","quality":0.5,"identifier":"n","details":{"a":"b"},
            "model":{"group":"g","version":3,"configuration":"c"},"dependencies":{"dataFormat":["f"]},
            "activity":{"start":"2023-11-14T10:15:30Z","durationNanos":4},"lastHeartbeat":"2023-11-14T10:15:34.5Z"}"#,
        required: &["/id", "/state", "/model/group"],
        maps: &["/details", "/dependencies"],
        nullable: &["/model/configuration", "/activity/start", "/lastHeartbeat"],
        open: &[],
    },
    Document {
        schema: "tdata",
        text: r#"{"epoch":1,"time":[2],"data":[{"status":[1],"avg":[0.5],"min":[0.5],"max":[0.5],"first":[0.5]}],
            "feed":"","format":"f"}"#,
        required: &["/time", "/data", "/data/0/status"],
        maps: &[],
        nullable: &[],
        open: &[],
    },
    Document {
        schema: "tsamples",
        text: r#"{"feed":"","format":"f","data":{"p":{"values":["NaN"],"epoch":1.5,"time":["soon"]}}}"#,
        required: &["/feed", "/format", "/data", "/data/p/values", "/data/p/epoch", "/data/p/time"],
        maps: &["/data"],
        nullable: &[],
        open: &["/data/p/values/0", "/data/p/time/0"],
    },
    Document {
        schema: "tsamples-legacy",
        text: r#"{"epoch":1,"time":[2],"data":[[0.5]],"feed":"","format":"f"}"#,
        required: &["/format", "/time", "/data"],
        maps: &[],
        nullable: &[],
        open: &[],
    },
    Document {
        schema: "events",
        text: r#"{"epoch":1,"time":2,"id":"e","status":"","values":[0.5]}"#,
        required: &["/epoch", "/time", "/id", "/values"],
        maps: &[],
        nullable: &[],
        open: &[],
    },
    Document {
        schema: "lap",
        text: r#"{"number":4,"epoch":1,"time":2,"type":"fastLap","triggerSource":0}"#,
        required: &["/number", "/time", "/type", "/triggerSource"],
        maps: &[],
        nullable: &[],
        open: &[],
    },
    Document { schema: "sync", text: r#"{"epoch":1,"time":2}"#, required: &[], maps: &[], nullable: &[], open: &[] },
    Document {
        schema: "data-format",
        text: r#"{"feeds":{"":{"parameters":[{"identifier":"p","aggregates":"Avg"}],"frequency":0.5}}}"#,
        required: &["/feeds", "/feeds//parameters", "/feeds//parameters/0/identifier"],
        maps: &["/feeds"],
        nullable: &[],
        open: &[],
    },
    Document {
        schema: "atlas-configuration",
        text: r#"{"appGroups":{"app":{"conversions":{"c":1},"events":{"e":"x"},"groups":{"g":{
            "groups":{"h":{}},"parameters":{"q":{"name":"q","units":""}}}},"parameters":{"p":{"name":"p","units":"kmh"}}}}}"#,
        required: &["/appGroups"],
        maps: &[
            "/appGroups",
            "/appGroups/app/groups",
            "/appGroups/app/parameters",
            "/appGroups/app/groups/g/groups",
            "/appGroups/app/groups/g/parameters",
        ],
        nullable: &[],
        open: &["/appGroups/app/conversions/c", "/appGroups/app/events/e"],
    },
];

impl Document {
    fn whole(&self) -> Json {
        serde_json::from_str(self.text).unwrap()
    }
}

/// To each value in `document` but itself.
pub(crate) fn pointers(document: &Json) -> Vec<String> {
    let inner: Vec<(String, &Json)> = match document {
        Json::Object(members) => members
            .iter()
            .map(|(name, value)| (format!("/{}", name.replace('~', "~0").replace('/', "~1")), value))
            .collect(),
        Json::Array(items) => items.iter().enumerate().map(|(index, value)| (format!("/{index}"), value)).collect(),
        _ => Vec::new(),
    };
    let deeper = |(at, value): (String, &Json)| {
        let below = pointers(value).into_iter().map(|below| format!("{at}{below}")).collect::<Vec<_>>();
        std::iter::once(at).chain(below)
    };
    inner.into_iter().flat_map(deeper).collect()
}

/// Each value replaced by `change`, where it has one for it.
fn replaced(document: &Json, change: impl Fn(&Json) -> Option<Json>) -> Vec<(String, Json)> {
    let with = |pointer: String| {
        let new = change(document.pointer(&pointer).unwrap())?;
        let mut document = document.clone();
        *document.pointer_mut(&pointer).unwrap() = new;
        Some((pointer, document))
    };
    pointers(document).into_iter().filter_map(with).collect()
}

/// Of each schema, exactly those of the changes that are `due` fail. `tried` counts them, over all schemas.
#[track_caller]
fn fail_exactly(
    changes: impl Fn(&Json) -> Vec<(String, Json)>,
    due: impl Fn(&Document, &str) -> bool,
    tried_in_all: usize,
) {
    let mut tried = 0;
    for document in &DOCUMENTS {
        let (whole, validator) = (document.whole(), validator(document.schema, false));
        for (pointer, changed) in changes(&whole) {
            let fails = due(document, &pointer);
            assert_eq!(!validator.is_valid(&changed), fails, "{}: {pointer} in {changed}", document.schema);
            tried += 1;
        }
    }
    assert_eq!(tried, tried_in_all);
}

#[test]
fn documents_pass_as_they_are_and_have_what_the_tables_name() {
    for document in &DOCUMENTS {
        assert!(validator(document.schema, true).is_valid(&document.whole()), "{}", document.schema);
        let found: BTreeSet<_> = pointers(&document.whole()).into_iter().collect();
        for named in [document.required, document.maps, document.nullable, document.open].concat() {
            assert!(found.contains(named), "{}: {named}", document.schema);
        }
    }
    let described: BTreeSet<_> = DOCUMENTS.iter().map(|document| document.schema).collect();
    assert_eq!(described, SCHEMAS.iter().map(|schema| schema.0).collect());
}

#[test]
fn required_members_are_required_and_no_others() {
    let removed = |whole: &Json| {
        let without = |pointer: String| {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let mut document = whole.clone();
            document.pointer_mut(parent).unwrap().as_object_mut()?.remove(name).unwrap();
            Some((pointer, document))
        };
        pointers(whole).into_iter().filter_map(without).collect()
    };
    fail_exactly(removed, |document, pointer| document.required.contains(&pointer), 75);
}

#[test]
fn members_nobody_knows_pass_and_entries_of_maps_are_looked_at() {
    let added = |whole: &Json| {
        let with = |pointer: String| {
            let mut document = whole.clone();
            document.pointer_mut(&pointer).unwrap().as_object_mut()?.insert("new".to_owned(), json!(7));
            Some((pointer, document))
        };
        std::iter::once(String::new()).chain(pointers(whole)).filter_map(with).collect()
    };
    fail_exactly(added, |document, pointer| document.maps.contains(&pointer), 31);
}

#[test]
fn another_type_fails() {
    let of_another_type = |whole: &Json| {
        replaced(whole, |value| {
            Some(match value {
                Json::String(_) => json!(7),
                Json::Number(_) => json!("7"),
                Json::Array(_) => json!({}),
                _ => json!([]),
            })
        })
    };
    fail_exactly(of_another_type, |document, pointer| !document.open.contains(&pointer), 90);
}

#[test]
fn null_stands_where_the_tables_say() {
    let with_null = |whole: &Json| replaced(whole, |_| Some(Json::Null));
    let due =
        |document: &Document, pointer: &str| !document.nullable.contains(&pointer) && !document.open.contains(&pointer);
    fail_exactly(with_null, due, 90);
}

#[test]
fn integers_have_no_fraction_but_may_be_written_with_a_point() {
    let with_a_fraction =
        |whole: &Json| replaced(whole, |value| value.as_i64().map(|integer| json!(integer as f64 + 0.5)));
    fail_exactly(with_a_fraction, |document, pointer| !document.open.contains(&pointer), 16);
    let with_a_point =
        |whole: &Json| replaced(whole, |value| value.as_i64().map(|integer| json!(integer as f64 + 1e7)));
    fail_exactly(with_a_point, |_, _| false, 16);
    // As epochs are: beyond what a double tells apart.
    let large = |whole: &Json| replaced(whole, |value| value.as_i64().map(|_| json!(9_007_199_254_740_993_i64)));
    fail_exactly(large, |_, _| false, 16);
}

#[test]
fn numbers_need_no_fraction() {
    let whole_numbers = |whole: &Json| replaced(whole, |value| value.is_f64().then(|| json!(10)));
    fail_exactly(whole_numbers, |_, _| false, 9);
}

#[test]
fn a_document_is_an_object() {
    for (name, _) in SCHEMAS {
        for other in [json!([]), json!(null), json!("text"), json!(1)] {
            assert!(!validator(name, false).is_valid(&other), "{name}: {other}");
        }
    }
}

//! Every golden vector: packages that peers wrote or read, and what is malformed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use std::collections::BTreeMap;

use drift_proto::{
    AxesRef, DriftBytesRef, DriftBytesWriter, ItemRef, ItemType, PackageBuilder, PackageRef, Timestamp, Values,
};
use serde_json::{Value as Json, json};
use testkit::vectors::{hex, to_hex};

/// Under Miri, which is some thousand times slower, every twelfth.
const SAMPLE: usize = if cfg!(miri) { 12 } else { 1 };

fn lines(file: &str) -> Vec<Json> {
    file.lines().step_by(SAMPLE).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Seconds with milliseconds, as the client counts them.
fn seconds(timestamp: Option<Timestamp>) -> f64 {
    let Timestamp { seconds, nanos } = timestamp.unwrap_or_default();
    (seconds * 1000 + i64::from(nanos.div_euclid(1_000_000))) as f64 / 1000.0
}

/// Written again by the peer with the messages in them made anew; here they stay as they came (SPEC.md §3).
const OTHERWISE: [(&str, &str); 2] =
    [("meta_oneof_twice", "320e1a0210012a080a06612f62633b64"), ("unknown_nested", "32054a01ff0803")];

#[test]
fn packages_are_read_as_the_client_reads_them() {
    for vector in lines(include_str!("vectors/drift.jsonl")) {
        let (name, bytes) = (vector["name"].as_str().unwrap(), hex(vector["hex"].as_str().unwrap()));
        if name.starts_with("err_") {
            continue;
        }
        let package = PackageRef::decode(&bytes).unwrap();
        let client = &vector["client"];
        assert_eq!(package.id(), client["package_id"].as_i64().unwrap(), "{name}");
        assert_eq!(i64::from(package.status().0), client["status_code"].as_i64().unwrap(), "{name}");
        assert_eq!(seconds(package.source_timestamp()), client["source_timestamp"].as_f64().unwrap(), "{name}");
        assert_eq!(seconds(package.publish_timestamp()), client["publish_timestamp"].as_f64().unwrap(), "{name}");
        // Of labels of one name the client has the last.
        let labels: BTreeMap<_, _> = package.labels().map(|label| (label.key, label.value)).collect();
        assert_eq!(json!(labels), client["labels"], "{name}");
        // And data only of what is good.
        if package.status().is_good() {
            let payload = package.payload().unwrap().map(|payload| to_hex(payload.data()));
            assert_eq!(json!(payload), client["as_raw"], "{name}");
        } else {
            assert_eq!(client["as_raw_error"].as_str().map(|_| ()), Some(()), "{name}");
        }
        let due = vector.get("reserialized_hex").unwrap_or(&vector["hex"]).as_str().unwrap();
        let due = OTHERWISE.iter().find(|(other, _)| *other == name).map_or(due, |(_, due)| due);
        let builder = PackageBuilder::from(package);
        let written = builder.encode_to_vec().unwrap();
        assert_eq!((to_hex(&written), builder.encoded_len()), (due.replace(' ', ""), written.len()), "{name}");
    }
}

#[test]
fn what_is_malformed_is_refused_where_it_is() {
    let vectors = lines(include_str!("vectors/drift.jsonl"));
    for (name, kind, offset, what, path) in [
        ("err_truncated", "unexpected_end", 3, "package", ""),
        ("err_truncated_varint", "unexpected_end", 2, "package", ""),
        ("err_field_zero", "invalid_tag", 0, "package", ""),
        ("err_varint_too_long", "invalid_varint", 1, "package", ""),
        ("err_label_utf8", "invalid_utf8", 4, "key", "labels[0].key"),
        ("err_end_group", "unexpected_group_end", 0, "package", ""),
        ("err_text", "invalid_tag", 0, "package", ""),
    ] {
        let Some(vector) = vectors.iter().find(|vector| vector["name"] == name) else {
            assert_eq!(SAMPLE, 12, "{name}");
            continue;
        };
        let bytes = hex(vector["hex"].as_str().unwrap());
        let error = PackageRef::decode(&bytes).unwrap_err();
        let found = (error.kind().to_string(), error.offset(), error.what(), error.path(&bytes));
        assert_eq!(found, (kind.to_owned(), offset, what, path.to_owned()), "{name}");
    }
}

fn axes(shape: AxesRef<'_>) -> Vec<u32> {
    shape.iter().collect()
}

fn write(item: ItemRef<'_>, writer: &mut DriftBytesWriter) {
    let shape = axes(item.shape());
    macro_rules! values {
        ($($name:ident $type:ty,)*) => {
            match item.item_type() {
                $(ItemType::$name => {
                    { writer.item(&shape, Values::$name(&item.values::<$type>().unwrap().collect::<Vec<_>>())).unwrap(); }
                })*
                ItemType::String => {
                    let texts: Vec<_> = item.texts().unwrap().map(|text| std::str::from_utf8(text).unwrap()).collect();
                    writer.item(&shape, Values::Texts(&texts)).unwrap();
                }
                ItemType::None => { writer.item(&shape, Values::None).unwrap(); }
            }
        };
    }
    values!(Bool bool, I8 i8, U8 u8, I16 i16, U16 u16, I32 i32, U32 u32, I64 i64, U64 u64, F32 f32, F64 f64,);
}

/// Refused here, and read by the peer: it wraps.
const WRAPS: &str = "shape_product_wraps";
/// Read here as bytes, and refused by the peer when it makes a text of them.
const NO_TEXT: &str = "err_string_utf8";

fn data(item: ItemRef<'_>) -> Vec<Json> {
    fn float(value: f64) -> Json {
        match value {
            value if value.is_nan() => json!("NaN"),
            f64::INFINITY => json!("Infinity"),
            f64::NEG_INFINITY => json!("-Infinity"),
            value => json!(value),
        }
    }
    macro_rules! values {
        ($($name:ident $type:ty,)*) => {
            match item.item_type() {
                $(ItemType::$name => item.values::<$type>().unwrap().map(|value| json!(value)).collect(),)*
                ItemType::F32 => item.values::<f32>().unwrap().map(|value| float(value.into())).collect(),
                ItemType::F64 => item.values::<f64>().unwrap().map(float).collect(),
                ItemType::String => item.texts().unwrap().map(|text| json!(std::str::from_utf8(text).unwrap())).collect(),
                ItemType::None => Vec::new(),
            }
        };
    }
    values!(Bool bool, I8 i8, U8 u8, I16 i16, U16 u16, I32 i32, U32 u32, I64 i64, U64 u64,)
}

#[test]
fn typed_data_is_read_and_written() {
    for vector in lines(include_str!("vectors/drift_bytes.jsonl")) {
        let (name, bytes) = (vector["name"].as_str().unwrap(), hex(vector["hex"].as_str().unwrap()));
        let items = match (DriftBytesRef::decode(&bytes), vector["items"].as_array()) {
            (Ok(items), Some(due)) => {
                let found = items.items().map(|item| json!([item.item_type().name(), axes(item.shape()), data(item)]));
                let due = due.iter().map(|item| json!([item["type"], item["shape"], item["data"]]));
                // As they are written: whole numbers to the last digit, and the sign of zero, too.
                let (found, due): (Vec<_>, Vec<_>) =
                    (found.map(|item| item.to_string()).collect(), due.map(|item| item.to_string()).collect());
                assert_eq!(found, due, "{name}");
                items
            }
            (Ok(items), None) => {
                assert_eq!((name, items.items().next().unwrap().text()), (NO_TEXT, None));
                continue;
            }
            (Err(_), due) => {
                assert!(due.is_none() || name == WRAPS, "{name}");
                continue;
            }
        };
        if vector["written_by_peer"] == true {
            let mut writer = DriftBytesWriter::new();
            items.items().for_each(|item| write(item, &mut writer));
            assert_eq!(writer.finish(), bytes, "{name}");
        }
    }
}

#[test]
fn malformed_typed_data_is_refused_where_it_is() {
    let vectors = lines(include_str!("vectors/drift_bytes.jsonl"));
    for (name, kind, offset) in [
        (WRAPS, "invalid_shape", 4),
        ("err_empty", "unexpected_end", 0),
        ("err_one_byte", "unexpected_end", 1),
        ("err_version_1", "unsupported_version", 1),
        ("err_unknown_type", "unknown_type", 3),
        ("err_none_one_element", "not_empty", 3),
        ("err_none_rank0", "not_empty", 3),
        ("err_truncated_value", "unexpected_end", 18),
        ("err_truncated_shape", "unexpected_end", 16),
        ("err_truncated_string", "unexpected_end", 26),
        ("err_trailing_byte", "unexpected_end", 18),
    ] {
        let Some(vector) = vectors.iter().find(|vector| vector["name"] == name) else {
            assert_eq!(SAMPLE, 12, "{name}");
            continue;
        };
        let error = DriftBytesRef::decode(&hex(vector["hex"].as_str().unwrap())).unwrap_err();
        assert_eq!((error.kind().to_string(), error.offset()), (kind.to_owned(), offset), "{name}");
    }
}

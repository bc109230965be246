//! Packages and typed values of Drift: each golden vector in text and JSON, held against what the Python packages say of it.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic"
)]

mod common;

use common::{Run, hex, inspect};
use serde_json::{Value, json};

const PACKAGES: &str = include_str!("../../../crates/drift-proto/tests/vectors/drift.jsonl");
const BUFFERS: &str = include_str!("../../../crates/drift-proto/tests/vectors/drift_bytes.jsonl");
const TYPED: &[u8] = include_bytes!("../captures/drift-typed.dp");
const ALIGNED: &[u8] = include_bytes!("../captures/drift-aligned.dp");
const VIBRATION: &[u8] = include_bytes!("../captures/drift-vibration.dp");
const VALUES: &[u8] = include_bytes!("../captures/values.drift-bytes");

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("strict JSON")).collect()
}

/// By name, with their bytes; of zero bytes there is nothing to show.
fn vectors(lines: &str) -> Vec<(Value, Vec<u8>)> {
    let of = |vector: Value| {
        let bytes = hex(vector["hex"].as_str().unwrap());
        (vector, bytes)
    };
    json_lines(lines).into_iter().map(of).filter(|(_, bytes)| !bytes.is_empty()).collect()
}

fn vector(name: &str) -> Vec<u8> {
    let mut all = vectors(PACKAGES).into_iter().chain(vectors(BUFFERS));
    all.find(|(vector, _)| vector["name"] == name).unwrap_or_else(|| panic!("no vector {name}")).1
}

/// The members of a map in either of its two forms.
fn members(map: &Value) -> Vec<(String, Value)> {
    let of = |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].clone());
    match map["map"].as_array() {
        Some(pairs) => pairs.iter().map(of).collect(),
        None => map.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

fn in_snake_case(name: &str) -> String {
    name.chars().fold(String::new(), |name, c| {
        if c.is_uppercase() { format!("{name}_{}", c.to_lowercase()) } else { format!("{name}{c}") }
    })
}

/// Names of numbers, as the definition of the protocol has them.
const NUMBERS: [(&str, i64); 20] = [
    ("UNCERTAIN", 256),
    ("UNCERTAIN_SERVICE_BUSY", 257),
    ("BAD", 512),
    ("BAD_MALFORMED_REQUEST", 513),
    ("BAD_MALFORMED_RESPONSE", 514),
    ("BAD_INVALID_ARGUMENT", 515),
    ("BAD_INTERNAL_ERROR", 516),
    ("BAD_COMMUNICATION_ERROR", 517),
    ("BAD_SOURCE_STATE", 518),
    ("BAD_SOURCE_DATA_QUALITY", 519),
    ("BAD_DATA_READ_TIMEOUT", 520),
    ("TIME_SERIES", 0),
    ("IMAGE", 1),
    ("SCALAR_VALUES", 2),
    ("TEXT", 3),
    ("ALIGNED_PACKAGE", 4),
    ("TYPED_DATA", 5),
    ("WB", 0),
    ("JPEG", 1),
    ("GOOD", 0),
];

/// Seconds since 1970 of a time that the peer printed, and its nanoseconds.
fn seconds(text: &str) -> (i64, i64) {
    let (date, time) = text.strip_suffix('Z').unwrap().split_once('T').unwrap();
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let number = |text: &str| text.parse::<i64>().unwrap();
    let [year, month, day] = date.split('-').map(number).collect::<Vec<_>>().try_into().unwrap();
    let [hour, minute, second] = time.split(':').map(number).collect::<Vec<_>>().try_into().unwrap();
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of = |month| match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let years: i64 = (1970..year).map(|year| 365 + i64::from(is_leap(year))).sum();
    let before: i64 = (year..1970).map(|year| 365 + i64::from(is_leap(year))).sum();
    let days = years - before + (1..month).map(days_of).sum::<i64>() + day - 1;
    (((days * 24 + hour) * 60 + minute) * 60 + second, number(&format!("{fraction:0<9}")))
}

/// Bytes of what is shown, whichever way it is.
fn bytes_of(shown: &Value) -> Option<Vec<u8>> {
    match shown {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        shown => shown["raw"].as_str().map(hex),
    }
}

fn of_base64(text: &str) -> Option<Vec<u8>> {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = text.trim_end_matches('=').chars().map(|c| digits.find(c)).collect::<Option<Vec<_>>>()?;
    let bits: String = bits.iter().map(|bits| format!("{bits:06b}")).collect();
    let bytes = bits.as_bytes().chunks_exact(8);
    bytes.map(|byte| u8::from_str_radix(core::str::from_utf8(byte).unwrap(), 2).ok()).collect()
}

/// Whether what is shown is what the peer prints: of what is on the wire more than once the last.
fn is_same(shown: &Value, due: &Value) -> bool {
    match due {
        Value::Object(due) => {
            let is_any = due.contains_key("@type");
            let shown = members(shown);
            let all = |name: &str| -> Vec<Value> {
                shown.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone()).collect()
            };
            if is_any {
                let mut rest = due.clone();
                let url = rest.remove("@type").unwrap();
                let value = all("value").pop().unwrap_or_else(|| json!({}));
                return all("type_url") == [url] && is_same(&value, &Value::Object(rest));
            }
            due.iter().all(|(name, due)| {
                let found = all(&in_snake_case(name));
                match due.as_array().filter(|_| name != "shape") {
                    Some(due) => {
                        found.len() == due.len() && found.iter().zip(due).all(|(shown, due)| is_same(shown, due))
                    }
                    None => found.last().is_some_and(|shown| is_same(shown, due)),
                }
            })
        }
        // Packed, its numbers are a byte each or told beside.
        Value::Array(_) => shown.is_object() || shown.is_number(),
        Value::String(text) => match shown {
            Value::Number(number) => {
                number.to_string() == *text
                    || NUMBERS.iter().any(|(name, known)| name == text && number.as_i64() == Some(*known))
            }
            Value::Object(map) if map.contains_key("int") => map["int"] == *due,
            Value::Object(map) if map.contains_key("float") => matches!(&**text, "NaN" | "Infinity" | "-Infinity"),
            Value::Object(map) if map.contains_key("seconds") || map.contains_key("nanos") || map.is_empty() => {
                let number = |name| map.get(name).and_then(Value::as_i64).unwrap_or_default();
                (number("seconds"), number("nanos")) == seconds(text)
            }
            // Typed values: their bytes are compared item by item below.
            Value::Array(items) => items.iter().all(|item| item["array"].is_object()),
            shown => shown == due || bytes_of(shown).is_some_and(|bytes| Some(bytes) == of_base64(text)),
        },
        // Of 32 bits it has the digits that 32 bits need.
        Value::Number(due) => {
            let (shown, due) = (shown.as_f64(), due.as_f64().unwrap());
            shown.is_some_and(|shown| shown == due || shown as f32 == due as f32)
        }
        due => shown == due,
    }
}

#[test]
fn packages_are_what_the_peer_says() {
    let mut compared = 0;
    for (vector, bytes) in vectors(PACKAGES) {
        let name = vector["name"].as_str().unwrap();
        if vector.get("error").is_some() {
            continue;
        }
        let run = inspect(&["drift", "--json"], &bytes);
        assert_eq!((run.status, &*run.stderr), (0, ""), "{name}: {}", run.stdout);
        let frame = &json_lines(&run.stdout)[0];
        assert_eq!((&frame["frame"], &frame["length"]), (&json!(1), &json!(bytes.len())));
        // It cannot be printed by the peer, is in pieces here, or is taken for a message that it does not name.
        if vector["json"].is_null() || matches!(name, "meta_twice_merged" | "any_no_slash") {
            continue;
        }
        let parts = frame["fields"].as_array().unwrap().iter().map(|part| json!([part["name"], part["value"]]));
        let shown = json!({ "map": parts.collect::<Vec<_>>() });
        assert!(is_same(&shown, &vector["json"]), "{name}: {shown}\n{}", vector["json"]);
        compared += 1;
    }
    assert!(compared > 55, "{compared}");
}

#[test]
fn typed_values_are_what_the_peer_says() {
    let mut compared = 0;
    for (vector, bytes) in vectors(BUFFERS) {
        let Some(due) = vector["items"].as_array() else { continue };
        let run = inspect(&["drift-bytes", "--json"], &bytes);
        // The peer drops what a product has beyond 32 bits, and finds no values (SPEC.md §4).
        if vector["name"] == "shape_product_wraps" {
            assert!(run.status == 1 && run.stdout.contains("invalid_shape"), "{}", run.stdout);
            continue;
        }
        assert_eq!(run.status, 0, "{}", run.stdout);
        let frame = &json_lines(&run.stdout)[0];
        let items = frame["fields"].as_array().unwrap();
        let (header, items) = items.split_at(2);
        assert_eq!([&header[0]["name"], &header[1]["name"]], ["flag", "version"]);
        assert_eq!(items.len(), due.len());
        for (shown, due) in items.iter().zip(due) {
            let shown = &shown["value"]["array"];
            assert_eq!((&shown["dtype"], &shown["shape"]), (&due["type"], &due["shape"]), "{}", vector["name"]);
            for (shown, due) in shown["first"].as_array().unwrap().iter().zip(due["data"].as_array().unwrap()) {
                let is_float = due.is_f64() || matches!(due.as_str(), Some("NaN" | "Infinity" | "-Infinity"));
                let is_same = if is_float {
                    is_same(shown, due) || shown["double"].is_string()
                } else {
                    shown == due || shown["int"] == *due.to_string()
                };
                assert!(is_same, "{}: {shown} {due}", vector["name"]);
            }
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared}");
}

/// The error, its place, and its path.
fn error(protocol: &str, input: &[u8]) -> (String, u64, Option<String>) {
    let run = inspect(&[protocol, "--json"], input);
    assert_eq!((run.status, &*run.stderr), (1, ""), "{}", run.stdout);
    let line = json_lines(&run.stdout).pop().unwrap();
    let path = line["path"].as_str().map(str::to_owned);
    (line["error"].as_str().unwrap().to_owned(), line["offset"].as_u64().unwrap(), path)
}

#[test]
fn what_does_not_decode_is_told_with_its_place() {
    for (protocol, name, kind, at, path) in [
        ("drift", "err_truncated", "unexpected_end", 3, Some("data[0]")),
        ("drift", "err_truncated_varint", "unexpected_end", 2, None),
        ("drift", "err_field_zero", "invalid_tag", 0, None),
        ("drift", "err_varint_too_long", "invalid_varint", 1, None),
        ("drift", "err_label_utf8", "invalid_utf8", 4, Some("labels[0].key")),
        ("drift", "err_end_group", "unexpected_group_end", 0, None),
        ("drift-bytes", "err_one_byte", "unexpected_end", 1, None),
        ("drift-bytes", "err_version_1", "unsupported_version", 1, None),
        ("drift-bytes", "err_unknown_type", "unknown_type", 3, Some("[0]")),
        ("drift-bytes", "err_none_one_element", "not_empty", 3, Some("[0]")),
        ("drift-bytes", "err_truncated_value", "unexpected_end", 18, Some("[0]")),
        ("drift-bytes", "err_truncated_string", "unexpected_end", 26, Some("[0]")),
        ("drift-bytes", "err_trailing_byte", "unexpected_end", 18, Some("[1]")),
    ] {
        let (found, offset, found_path) = error(protocol, &vector(name));
        assert_eq!((&*found, offset), (kind, at), "{name}");
        // Where a message ends that has no name yet, none is told.
        if name != "err_truncated" {
            assert_eq!(found_path.as_deref(), path, "{name}");
        }
    }
    // What could be read before it is shown.
    let stdout = inspect(&["drift"], &hex("0805 3a040a016b12 3a030a01ff")).stdout;
    assert!(stdout.contains("error at 0x00000008 (labels)"), "{stdout}");
    assert!(stdout.contains("\n  00000000  08 05                       id int64 5 ("), "{stdout}");
    assert!(stdout.contains("\n  00000004  0a 01 6b                      key string \"k\"\n"), "{stdout}");
    let stdout = inspect(&["drift-bytes"], &vector("err_trailing_byte")).stdout;
    assert!(stdout.contains("item array int8 (1,), 1 byte: 5\n"), "{stdout}");
}

#[test]
fn messages_in_a_package_that_are_none_are_told_behind_it() {
    // Of the fourth item the type, which its shape without values does not look at, and a value.
    let at = TYPED.windows(14).position(|bytes| bytes == hex("010c 0100000000000000 00000000")).unwrap();
    let mut input = TYPED.to_vec();
    input[at + 10] = 1;
    let due = ("not_empty".to_owned(), at as u64 + 1, Some("data[0].value.data[3]".to_owned()));
    assert_eq!(error("drift", &input), due);
    let stdout = inspect(&["drift"], &input).stdout;
    assert!(stdout.contains("1 frame of 327 bytes, 1 error\n"), "{stdout}");
    assert!(stdout.contains(" data bytes b\"\\x01\\x00\\x01"), "{stdout}");

    // A trigger whose time ends in a field; what follows it is shown.
    let url = b"/drift.proto.trigger_service.TriggerMessage";
    let any = [&[0x0a, 43][..], url, &hex("1203 120108")].concat();
    let input = [&[0x2a, any.len().try_into().unwrap()][..], &any, b"\x20\x07"].concat();
    let due = ("unexpected_end".to_owned(), 2 + any.len() as u64, Some("data[0].value".to_owned()));
    assert_eq!(error("drift", &input), due);
    let stdout = inspect(&["drift"], &input).stdout;
    assert!(stdout.contains(" value bytes b\"\\x12\\x01\\x08\"\n"), "{stdout}");
    assert!(stdout.contains(" status StatusCode 7 (7, good)\n"), "{stdout}");
}

#[test]
fn what_is_told_beside_the_bytes() {
    for (name, due) in [
        ("timestamps_edge", "source_timestamp Timestamp (1969-12-31T23:59:58.5Z)\n"),
        ("timestamps_edge", "publish_timestamp Timestamp (2021-08-27T11:14:29.999999999Z)\n"),
        ("id_negative", "package -1 of 1969-12-31T23:59:59.999Z, GOOD (good), no meta, no data\n"),
        ("status_uncertain", ", UNCERTAIN (uncertain), "),
        ("status_above_32_bits", "status StatusCode 513 (BAD_MALFORMED_REQUEST, bad)\n"),
        ("unknown_fields", "unknown varint 150 (field 100)\n"),
        ("unknown_fields", "unknown fixed64 578437695752307201 (field 101)\n"),
        ("unknown_fields", "unknown bytes b\"abc\" (field 102)\n"),
        ("unknown_fields", "unknown fixed32 67305985 (field 103)\n"),
        ("unknown_fields", ", 4 unknown fields\n"),
        ("unknown_nested", "  unknown bytes b\"\\xff\" (field 9)\n"),
        ("unknown_group", "unknown group 080154 (field 10)\n"),
        ("wrong_wire_type", "unknown bytes "),
        ("image_jpeg", "data bytes b\"\\xff\\xd8\\xff\\xe0\" (JPEG)\n"),
        ("image_jpeg", "meta MetaInfo (IMAGE: JPEG)\n"),
        ("time_series", "meta MetaInfo (TIME_SERIES: wavelet buffer)\n"),
        ("payload_shape", "shape packed uint32 b\"\\x03\\xe0\\x03\\x80\\x05\" (3, 480, 640)\n"),
        ("text_json", " (text)\n"),
        ("any_aligned_package_v0_1", "value AlignedPackage\n"),
        ("any_package_in_package", "value DriftPackage\n"),
        ("any_no_slash", "value bytes b\""),
        ("typed_data_bad_item", "BAD"),
    ] {
        let stdout = inspect(&["drift"], &vector(name)).stdout;
        assert!(stdout.contains(due), "{name}: {stdout}");
    }
    let stdout = inspect(&["drift"], ALIGNED).stdout;
    assert!(stdout.contains("… (322 bytes) (wavelet buffer)\n"), "{stdout}");
    assert!(stdout.contains("data bytes \"Lärm an Presse 3\\n\" (text)\n"), "{stdout}");
    // Its fourth byte is the flag of an item.
    for (bytes, due) in [
        ("be_int16", "item array int16 (1,), 2 bytes: 4660 (big-endian)\n"),
        ("type_5_shape_0", "item array none (0,), 0 bytes (type 5 without values)\n"),
        ("int8_rank0", "item array int8 (), 1 byte: 7\n"),
    ] {
        let stdout = inspect(&["drift-bytes"], &vector(bytes)).stdout;
        assert!(stdout.contains(due), "{stdout}");
    }
}

#[test]
fn a_line_of_hex_is_a_package() {
    let run = inspect(&["drift", "--hex"], b"0805\n3a030a01ff\n0807 # another\n");
    assert_eq!(run.status, 1);
    assert!(run.stdout.ends_with("2 frames of 4 bytes, 1 error\n"), "{}", run.stdout);
}

#[test]
fn what_is_too_long_is_refused() {
    let refused = "error at 0x00000000 (package): package exceeds max_len 3134; --max-len raises it [limit_exceeded]\n";
    assert!(inspect(&["drift", "--max-len=3134"], VIBRATION).stdout.contains(refused));
    assert_eq!(inspect(&["drift", "--max-len=3135"], VIBRATION).status, 0);
    let run = inspect(&["drift-bytes", "--max-len=100"], VALUES);
    assert!(run.stdout.contains("drift_bytes exceeds max_len 100;"), "{}", run.stdout);
}

/// Packages in packages: a few are looked into, and no number of them is too many.
#[test]
fn packages_in_packages_are_shown_to_some_depth() {
    let url = b"/drift.proto.common.DriftPackage";
    let mut input = b"\x08\x07".to_vec();
    let len = |len: usize| vec![0x80 | (len & 0x7f) as u8, 0x80 | (len >> 7 & 0x7f) as u8, (len >> 14) as u8];
    for _ in 0..2000 {
        let any = [&[0x0a, 32][..], url, &[0x12], &len(input.len()), &input].concat();
        input = [&[0x2a][..], &len(any.len()), &any].concat();
    }
    let run = inspect(&["drift"], &input);
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert_eq!(run.stdout.matches("value DriftPackage\n").count(), 4);
    assert_eq!(run.stdout.matches("value bytes ").count(), 1);
}

#[test]
fn every_line_is_where_it_says() {
    let packages = vectors(PACKAGES).into_iter().map(|(vector, bytes)| ("drift", vector, bytes));
    let buffers = vectors(BUFFERS).into_iter().map(|(vector, bytes)| ("drift-bytes", vector, bytes));
    let captures = [("drift", TYPED), ("drift", ALIGNED), ("drift", VIBRATION), ("drift-bytes", VALUES)];
    let captures = captures.into_iter().map(|(protocol, bytes)| (protocol, Value::Null, bytes.to_vec()));
    let mut lines = 0;
    for (protocol, _, input) in packages.chain(buffers).chain(captures) {
        let Run { status, stdout, .. } = inspect(&[protocol], &input);
        let mut due = 0;
        for line in stdout.lines().filter(|line| line.starts_with("  ")) {
            let Ok(at) = usize::from_str_radix(line.get(2..10).unwrap_or_default(), 16) else { continue };
            let column: String = line[12..].chars().take(26).collect();
            let (shown, more) = match column.split_once('…') {
                Some((shown, more)) => (hex(shown), more.trim().strip_prefix('+').unwrap().parse().unwrap()),
                None => (hex(&column), 0),
            };
            // Nothing is left out, and nothing is shown twice.
            assert_eq!((at, input.get(at..at + shown.len())), (due, Some(&*shown)), "{line}\n{stdout}");
            due = at + shown.len() + more;
            lines += 1;
        }
        assert!(due == input.len() || status == 1, "{stdout}");
    }
    assert!(lines > 900, "{lines}");
}

/// Whatever a capture is turned into, it is shown to its end, and the count of errors is the status.
#[test]
fn captures_that_went_bad() {
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let (mut good, mut bad) = (0, 0);
    for round in 0..600 {
        let (protocol, input) = [("drift", TYPED), ("drift", ALIGNED), ("drift-bytes", VALUES)][round % 3];
        let mut input = input.to_vec();
        for _ in 0..=random(3) {
            let at = random(input.len());
            match random(4) {
                0 | 1 => input[at] ^= 1 << random(8),
                2 if input.len() > 1 => drop(input.remove(at)),
                _ => input.truncate(at.max(1)),
            }
        }
        let run = inspect(&[protocol], &input);
        let last = run.stdout.lines().last().unwrap().to_owned();
        assert_eq!((run.status == 0, &*run.stderr), (last.ends_with(", 0 errors"), ""), "{last}");
        let errors = json_lines(&inspect(&[protocol, "--json"], &input).stdout);
        let errors = errors.iter().filter(|line| line["error"].is_string()).count();
        let s = if errors == 1 { "" } else { "s" };
        assert!(last.ends_with(&format!(", {errors} error{s}")), "{last}");
        if errors == 0 { good += 1 } else { bad += 1 }
    }
    assert!(good > 50 && bad > 200, "{good} {bad}");
}

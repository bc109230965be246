//! The captures, made anew by the real package, or held against the text they come from.

use std::path::Path;
use std::process::Command;

#[test]
fn the_real_package_makes_the_same_bytes() {
    let Some(python) = testkit::peers::python() else { return };
    let (captures, made) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"), Path::new(env!("CARGO_TARGET_TMPDIR")));
    let status = Command::new(python).arg("-I").arg(captures.join("make.py")).arg(made).status().unwrap();
    assert!(status.success());
    for name in [
        "siridb-answer.qpack",
        "siridb-insert.qpack",
        "datakit-sensor.txt",
        "beamline.msgpack",
        "karabo-trains.zmtp",
        "karabo-cut.zmtp",
        "drift-trigger.dp",
        "drift-vibration.dp",
        "drift-image.dp",
        "drift-typed.dp",
        "drift-aligned.dp",
        "drift-failed.dp",
        "values.drift-bytes",
        "atlas-run.tsv",
        "atlas-bad.tsv",
        "0ec63347ffc5.json",
    ] {
        assert_eq!(std::fs::read(made.join(name)).unwrap(), std::fs::read(captures.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn the_packages_are_golden_frames() {
    let vectors = include_str!("../../../crates/thingsdb-wire/tests/vectors/thingsdb.jsonl");
    let frames: Vec<_> = vectors.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect();
    let mut left = testkit::vectors::to_hex(include_bytes!("../captures/thingsdb-v1.bin"));
    for (id, name) in [
        (4, "REQ_QUERY"),
        (4, "RES_DATA"),
        (28, "REQ_EMIT"),
        (65535, "ROOM_EMIT"),
        (28, "RES_OK"),
        (31, "REQ_EMIT"),
        (31, "RES_ERROR"),
    ] {
        let is_meant = |frame: &&serde_json::Value| {
            (&frame["dialect"], &frame["id"], &frame["name"]) == (&"v1-msgpack".into(), &id.into(), &name.into())
        };
        let hex = frames.iter().find(is_meant).unwrap()["hex"].as_str().unwrap();
        left = left.strip_prefix(hex).unwrap().to_owned();
    }
    assert_eq!(left, "");
}

#[test]
fn the_conversation_is_the_documents() {
    let (spec, lines) =
        (include_str!("../../../crates/datakit/SPEC.md"), include_str!("../captures/datakit-conversation.txt"));
    assert!(spec.contains(&format!("```text\n{lines}```\n")));
}

#[test]
fn the_records_are_golden_vectors() {
    let vectors = include_str!("../../../crates/atlas-stream/tests/vectors/atlas.jsonl");
    let vectors: Vec<serde_json::Value> = vectors.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let of = |file: &str, is_valid: bool| {
        let is_meant = |line: &&str| {
            let (key, value) = line.split_once('\t').unwrap();
            let value = value.strip_prefix("base64:").unwrap_or(value);
            vectors
                .iter()
                .any(|v| v["valid"] == is_valid && (text(&v["key"]), text(&v["value"])) == (key.into(), value.into()))
        };
        file.lines().filter(|line| line.contains('\t')).filter(is_meant).count()
    };
    let (run, bad) = (include_str!("../captures/atlas-run.tsv"), include_str!("../captures/atlas-bad.tsv"));
    assert_eq!((of(run, true), run.lines().count()), (20, 20));
    // One more is no base64, and one is no record.
    assert_eq!((of(bad, true), of(bad, false), bad.lines().count()), (2, 6, 10));
    let format = include_str!("../captures/0ec63347ffc5.json");
    assert!(vectors.iter().any(|v| v["key"] == "dev/dataFormat/0ec63347ffc5" && v["value"] == format));
}

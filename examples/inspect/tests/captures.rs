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
    for name in ["siridb-answer.qpack", "siridb-insert.qpack", "datakit-sensor.txt"] {
        assert_eq!(std::fs::read(made.join(name)).unwrap(), std::fs::read(captures.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn the_conversation_is_the_documents() {
    let (spec, lines) =
        (include_str!("../../../crates/datakit/SPEC.md"), include_str!("../captures/datakit-conversation.txt"));
    assert!(spec.contains(&format!("```text\n{lines}```\n")));
}

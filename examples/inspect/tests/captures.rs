//! The captures, made anew by the real package.

use std::path::Path;
use std::process::Command;

#[test]
fn the_real_package_makes_the_same_bytes() {
    let Some(python) = testkit::peers::python() else { return };
    let (captures, made) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"), Path::new(env!("CARGO_TARGET_TMPDIR")));
    let status = Command::new(python).arg("-I").arg(captures.join("make.py")).arg(made).status().unwrap();
    assert!(status.success());
    for name in ["siridb-answer.qpack", "siridb-insert.qpack"] {
        assert_eq!(std::fs::read(made.join(name)).unwrap(), std::fs::read(captures.join(name)).unwrap(), "{name}");
    }
}

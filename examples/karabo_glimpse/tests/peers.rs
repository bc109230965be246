//! The program on the simulated server of karabo-bridge 0.7.0: each version that it sends, each kind of socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

use std::process::Command;

use serde_json::json;
use testkit::Worker;

const SCRIPT: &str = r#"
from karabo_bridge.server import SimServerInThread

running = {}

def start(request):
    running["it"] = SimServerInThread(
        "tcp://127.0.0.1:*", sock=request["sock"], protocol_version=request["version"], detector="AGIPDModule", raw=True,
        datagen=request["datagen"], debug=False)
    running["it"].start()
    return {"endpoint": running["it"].endpoint}

serve({"start": start})
"#;

#[test]
fn the_simulated_server_of_the_python_package() {
    for (version, parts) in [("1.0", "1 part"), ("2.2", "12 parts")] {
        for (sock, socket) in [("REP", "req"), ("PUB", "sub"), ("PUSH", "pull")] {
            // Each in a process that is ended with it: one that pushes to nobody waits for ever, and does not stop.
            let Some(mut peer) = Worker::start(SCRIPT) else { return };
            let started = peer.call(&json!({"op": "start", "sock": sock, "version": version, "datagen": "zeros"}));
            let endpoint = started["endpoint"].as_str().unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_karabo_glimpse"));
            command.args([endpoint, "--socket", socket, "--timeout", "60", "--count", "2"]);
            let run = command.output().unwrap();
            let (out, log) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap());
            assert!(run.status.success(), "{version} {sock} {out}{log}");
            drop(peer);

            let trains: Vec<_> = out.lines().filter(|line| line.starts_with("train 100000000")).collect();
            assert_eq!(trains.len(), 2, "{version} {sock} {out}");
            for line in trains {
                assert!(line.contains(&format!(", version {version}: 1 source, {parts}, 16.8 MB")), "{sock} {out}");
            }
            for (path, what) in [
                ("image.data", "uint16 (128, 512, 64), 8388.6 kB: 0, 0, 0, 0, …"),
                ("image.cellId", "uint16 (64,), 128 bytes: 0, 1, 2, 3, …"),
                ("image.gain", "uint16 (128, 512, 64), 8388.6 kB: 0, 0, 0, 0, …"),
                ("image.pulseId", "uint64 (64,), 512 bytes: 0, 1, 2, 3, …"),
                ("image.trainId", "uint64 (64,), 512 bytes: 100000000"),
            ] {
                let lines = out.lines().filter_map(|line| line.trim().strip_prefix(path)).map(str::trim_start);
                assert_eq!(lines.filter(|line| line.starts_with(what)).count(), 2, "{version} {sock} {path} {out}");
            }
            assert!(out.contains("  SPB_DET_AGIPD1M-1/DET/0CH0:xtdf\n    metadata: tid 100000000"), "{out}");
            assert!(!out.contains("  lost: "), "{out}");
        }
    }
}

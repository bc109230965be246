//! The client of karabo-bridge 0.7.0 on our server: every version, every kind of socket, all of each train compared. And pyzmq with
//! requests that are none. Waiting is bounded, and no time is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::print_stderr,
    missing_docs,
    reason = "a test may panic"
)]

mod peer;

use std::sync::Mutex;

use karabo_bridge::Version;
use karabo_simulate::{Field, InThread, Made, MadeSource, Settings, Simulation, Source};
use karabo_zeromq::ServerSocket;
use serde_json::{Map, Value, json};
use testkit::Worker;

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];
const SOCKETS: [(&str, ServerSocket); 3] =
    [("REQ", ServerSocket::Reply), ("SUB", ServerSocket::Publish), ("PULL", ServerSocket::Push)];

/// Large trains, one at a time.
static MEMORY: Mutex<()> = Mutex::new(());

fn bridge(socket: ServerSocket, version: Version, simulation: &Simulation) -> InThread {
    InThread::start(Settings::new("tcp://127.0.0.1:0".into(), socket, version, simulation.clone())).unwrap()
}

/// A source as the Python client has it: where metadata is depends on the version.
fn source(source: &MadeSource, version: Version) -> Value {
    let meta: Map<_, _> =
        source.metadata.iter().map(|(name, value)| ((*name).to_owned(), peer::describe(value.as_ref()))).collect();
    let data = source.properties.iter().map(|(path, field)| {
        let what = match field {
            Field::Value(value) => peer::describe(value.as_ref()),
            Field::Array(array) => peer::describe_array(array.as_ref()),
        };
        ((*path).to_owned(), what)
    });
    let mut data: Map<_, _> = data.collect();
    match version {
        Version::V2_2 => return json!({"data": data, "meta": meta}),
        Version::V2_1 => data.extend(meta.into_iter().map(|(name, value)| (format!("metadata.{name}"), value))),
        // Version 1.0 is told of twice.
        _ => drop(data.insert("metadata".to_owned(), json!({"map": meta.clone()}))),
    }
    let meta = if version == Version::V1_0 { data["metadata"]["map"].clone() } else { json!({}) };
    json!({"data": data, "meta": meta})
}

fn expected(made: &Made, version: Version) -> Value {
    made.sources.iter().map(|made| (made.name.to_owned(), source(made, version))).collect::<Map<_, _>>().into()
}

/// The number of a train as it was received, wherever it stands.
fn tid(train: &Value, version: Version) -> u64 {
    let source = train.as_object().unwrap().values().next().unwrap();
    let tid = match version {
        Version::V2_0 => &source["data"]["metadata"]["map"]["timestamp.tid"],
        Version::V2_1 => &source["data"]["metadata.timestamp.tid"],
        _ => &source["meta"]["timestamp.tid"],
    };
    tid["int"].as_str().unwrap_or_else(|| panic!("no number in {train}")).parse().unwrap()
}

fn receive(peer: &mut Worker, bridge: &InThread, sock: &str, count: u64) -> Vec<Value> {
    let request = json!({"op": "receive", "endpoint": bridge.endpoint(), "sock": sock, "count": count});
    peer.call(&request)["trains"].as_array().unwrap().clone()
}

#[test]
fn every_version_and_socket() {
    let _memory = MEMORY.lock();
    let Some(mut peer) = peer::start() else { return };
    let simulation = Simulation { seed: 3, ..Simulation::default() };
    for version in VERSIONS {
        for (sock, socket) in SOCKETS {
            let bridge = bridge(socket, version, &simulation);
            let trains = receive(&mut peer, &bridge, sock, 3);
            drop(bridge);
            let tids: Vec<_> = trains.iter().map(|train| tid(&train["train"], version)).collect();
            assert!(tids.is_sorted_by(|one, next| one < next), "{version} {sock} {tids:?}");
            if sock != "SUB" {
                assert_eq!(tids, [10_000_000_000, 10_000_000_001, 10_000_000_002], "{version} {sock}");
            }
            for (tid, train) in tids.into_iter().zip(trains) {
                let made = simulation.train(tid - simulation.first).unwrap();
                assert_eq!(train["train"], expected(&made, version), "{version} {sock} {tid}");
            }
        }
    }
}

/// One train of a detector, and how fast it came.
fn one(source: Source, version: Version) {
    let _memory = MEMORY.lock();
    let Some(mut peer) = peer::start() else { return };
    let simulation = Simulation { sources: vec![source], rate: 0.0, ..Simulation::default() };
    let mut settings = Settings::new("tcp://127.0.0.1:0".into(), ServerSocket::Reply, version, simulation.clone());
    settings.count = Some(1);
    let bridge = InThread::start(settings).unwrap();
    let train = receive(&mut peer, &bridge, "REQ", 1).remove(0);
    assert_eq!(bridge.wait().unwrap().sent, 1);
    let (bytes, seconds) = (train["bytes"].as_f64().unwrap(), train["seconds"].as_f64().unwrap());
    let name = source.as_str();
    eprintln!("{name} {version} to karabo-bridge: {bytes} bytes in {seconds:.3} s, {:.0} MB/s", bytes / seconds / 1e6);
    assert_eq!(train["train"], expected(&simulation.train(0).unwrap(), version));
}

#[test]
fn a_corrected_agipd_train_of_277_mb() {
    one(Source::Agipd, Version::V2_2);
}

#[test]
fn a_corrected_lpd_train_of_1300_mb_if_asked_for() {
    if std::env::var_os("KARABO_LPD").is_some() {
        one(Source::Lpd, Version::V2_2);
    }
}

#[test]
fn bad_requests_are_answered_and_cost_no_train() {
    let Some(mut peer) = peer::start() else { return };
    let sources = vec![Source::Xgm];
    let simulation = Simulation { sources, rate: 0.0, ..Simulation::default() };
    let mut settings =
        Settings::new("tcp://127.0.0.1:0".into(), ServerSocket::Reply, Version::V2_2, simulation.clone());
    settings.count = Some(3);
    let bridge = InThread::start(settings).unwrap();
    let hex = |text: &str| testkit::vectors::to_hex(text.as_bytes());
    let requests = json!([
        [hex("next")],
        [hex("nexT")],
        [""],
        [hex("next"), hex("next")],
        [hex("next")],
        [hex("next ")],
        [hex("next")],
    ]);
    let request = json!({"op": "raw", "endpoint": bridge.endpoint(), "requests": requests});
    let answers = peer.call(&request)["answers"].clone();
    let counts = bridge.wait().unwrap();
    let train = |index: u64| {
        let parts = simulation.train(index).unwrap().encode(Version::V2_2, None).unwrap();
        parts.iter().map(|part| testkit::vectors::to_hex(part)).collect::<Value>()
    };
    let refused = |text: &str| json!([hex(text)]);
    let due = [
        train(0),
        refused("Error: bad request nexT"),
        refused("Error: bad request "),
        refused("Error: bad request of 2 parts"),
        train(1),
        refused("Error: bad request next "),
        train(2),
    ];
    assert_eq!(answers.as_array().unwrap()[..], due);
    assert_eq!((counts.sent, counts.refused, counts.dropped), (3, 4, 0));
}

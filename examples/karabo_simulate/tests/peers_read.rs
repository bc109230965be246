//! Our reader on servers of karabo-bridge 0.7.0 with the trains of its own simulation: every version that it sends, every kind of
//! socket, each array checked by a checksum that both ends work out. Waiting is bounded, and no time is asserted.
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

use core::time::Duration;
use std::sync::Mutex;
use std::time::Instant;

use karabo_bridge::{Message, Train, Version};
use karabo_zeromq::{Client, ClientSocket, block_on};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);
const SOCKETS: [(&str, ClientSocket); 3] =
    [("REP", ClientSocket::Request), ("PUB", ClientSocket::Subscribe), ("PUSH", ClientSocket::Pull)];

/// Large trains, one at a time.
static MEMORY: Mutex<()> = Mutex::new(());

fn client(served: &Value, socket: ClientSocket) -> Client {
    Client::new(served["endpoint"].as_str().unwrap(), socket).unwrap().with_timeout(PATIENCE)
}

async fn next(client: &mut Client) -> Train {
    match client.next().await.unwrap().message {
        Ok(Message::Train(train)) => train,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_version_and_socket() {
    let _memory = MEMORY.lock();
    let Some(mut peer) = peer::start() else { return };
    for (name, version) in [("1.0", Version::V1_0), ("2.2", Version::V2_2)] {
        for (sock, socket) in SOCKETS {
            let served = peer.call(&json!({
                "op": "serve", "sock": sock, "version": name, "detector": "AGIPDModule", "raw": true, "trains": 2,
                "values": true, "again": true,
            }));
            let mut client = client(&served, socket);
            let trains = async { [next(&mut client).await, next(&mut client).await, next(&mut client).await] };
            for train in block_on(trains, Duration::ZERO).unwrap() {
                let view = train.as_ref();
                assert_eq!((view.version(), view.is_mixed()), (Some(version), false), "{name} {sock}");
                let tid = view.tid().unwrap().to_string();
                assert_eq!(peer::describe_train(&train), served["trains"][&tid], "{name} {sock} {tid}");
            }
            peer.call(&json!({"op": "stop"}));
        }
    }
}

/// One train of a detector, and how fast it came.
fn one(detector: &str, pulses: u64, bytes: usize) {
    let _memory = MEMORY.lock();
    let Some(mut peer) = peer::start() else { return };
    let served = peer.call(&json!({
        "op": "serve", "sock": "REP", "version": "2.2", "detector": detector, "raw": false, "trains": 1, "again": false,
    }));
    let mut client = client(&served, ClientSocket::Request);
    let start = Instant::now();
    let train = block_on(next(&mut client), Duration::ZERO).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let came = train.parts().iter().map(|part| part.len()).sum::<usize>();
    eprintln!("{detector} from karabo-bridge: {came} bytes in {seconds:.3} s, {:.0} MB/s", came as f64 / seconds / 1e6);
    let source = train.indexed().sources().next().unwrap().name();
    let image = train.array(source, "image.data").unwrap();
    assert_eq!((image.shape()[0], image.shape()[3], image.data().len()), (16, pulses, bytes));
    assert_eq!(peer::describe_train(&train), served["trains"]["10000000000"]);
    peer.call(&json!({"op": "stop"}));
}

#[test]
fn a_corrected_agipd_train_of_277_mb() {
    one("AGIPD", 64, 268_435_456);
}

#[test]
fn a_corrected_lpd_train_of_1300_mb_if_asked_for() {
    if std::env::var_os("KARABO_LPD").is_some() {
        one("LPD", 300, 1_258_291_200);
    }
}

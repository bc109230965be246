//! Packages that are broken, or well formed in a way that no peer writes.

use std::collections::BTreeMap;

use drift_proto::{DecodeErrorKind, InfoRef, Limits, PackageBuilder, PackageRef};
use serde_json::{Value as Json, json};
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, Worker, rng};

use crate::building::delimited;
use crate::packages::SCRIPT;
use crate::{mutated, reading, texts};

/// Compares packages with what Python says of them; how many were taken, how many refused, and why Python alone takes some otherwise.
fn compare(peer: &mut Worker, packages: &[Vec<u8>]) -> (usize, usize, BTreeMap<String, usize>) {
    let shown: Vec<String> = packages.iter().map(|bytes| to_hex(bytes)).collect();
    let answer = peer.call(&json!({"op": "read", "packages": shown}));
    let (mut taken, mut refused, mut why) = (0, 0, BTreeMap::new());
    let mut pairs = Vec::new();
    for ((bytes, shown), theirs) in packages.iter().zip(&shown).zip(answer["packages"].as_array().unwrap()) {
        let ours = PackageRef::decode(bytes);
        let told = ours.map_or(Json::Null, reading::package);
        assert_eq!(told, theirs["told"], "{shown}: {:?}", ours.err());
        if let Some(reason) = theirs["why"].as_str() {
            *why.entry(reason.to_owned()).or_default() += 1;
        }
        let Ok(package) = ours else {
            refused += 1;
            continue;
        };
        taken += 1;
        pairs.push([shown.clone(), to_hex(&PackageBuilder::from(package).encode_to_vec().unwrap())]);
    }
    let answer = peer.call(&json!({"op": "same", "pairs": pairs}));
    for (pair, same) in pairs.iter().zip(answer["packages"].as_array().unwrap()) {
        assert_eq!(same[0], same[1], "{pair:?}");
    }
    (taken, refused, why)
}

fn some(peer: &mut Worker, seed: u64, count: usize) -> Vec<Vec<u8>> {
    let answer = peer.call(&json!({"op": "batch", "seed": seed, "count": count}));
    answer["packages"].as_array().unwrap().iter().map(|made| hex(made["hex"].as_str().unwrap())).collect()
}

#[test]
fn what_is_broken_is_refused_by_both() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut rng = Rng::new(rng::seed() ^ 0x0b);
    let (mut taken, mut refused, mut why) = (0, 0, BTreeMap::new());
    for round in 0..6 {
        let packages = some(&mut peer, (rng::seed() >> 12) + 100 + round, 250);
        let broken: Vec<_> = packages.iter().chain(&packages).map(|bytes| mutated(&mut rng, bytes, 3)).collect();
        let (more, less, reasons) = compare(&mut peer, &broken);
        (taken, refused) = (taken + more, refused + less);
        why.extend(reasons);
    }
    assert!(taken + refused == 3000 && taken > 600 && refused > 600, "{taken} taken, {refused} refused");
    // Where Python's runtime is not as protobuf is; each has its test below.
    assert!(why.keys().all(|why| ["tag", "number", "group"].contains(&&**why)), "{why:?}");
}

#[test]
fn fields_in_any_order_twice_in_pieces_and_unknown() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    for round in 0..4 {
        let seed = (rng::seed() >> 12) + 200 + round;
        let answer = peer.call(&json!({"op": "scramble", "seed": seed, "count": 500}));
        let packages: Vec<_> = texts(&answer["packages"]).into_iter().map(hex).collect();
        let (taken, refused, why) = compare(&mut peer, &packages);
        assert_eq!((taken, refused, why), (500, 0, BTreeMap::new()), "seed {seed}");
    }
}

#[test]
fn what_is_not_known_in_a_message_of_a_package_is_written_again() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    for package in [
        "3a050a016b1801",
        "2a041a02abcd",
        "120508011a0131",
        "1a031a0131",
        "320412024807",
        // A known number with another wire type, and a group.
        "3a0408010a00",
        "2a020b0c",
    ] {
        let bytes = hex(package);
        let written = PackageBuilder::from(PackageRef::decode(&bytes).unwrap()).encode_to_vec().unwrap();
        let pairs = json!([[package, to_hex(&written)]]);
        let answer = peer.call(&json!({"op": "same", "pairs": pairs}));
        assert_eq!(answer["packages"][0][0], answer["packages"][0][1], "{package}");
    }
}

/// A package with a payload of these bytes.
fn with_payload(message: &[u8]) -> String {
    let url = delimited(1, b"/drift.proto.common.DataPayload");
    to_hex(&delimited(5, &[url, delimited(2, message)].concat()))
}

#[test]
fn encodings_that_no_peer_writes() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let image = json!({"image_info": [0, "0", "0", ""]});
    let mixed = with_payload(b"\x08\x01\x0a\x02\x02\x03\x12\x01x\x08\x80\x01\x12\x00\x0a\x00");
    let started = json!({"start": ["5", 7], "stop": null, "size": "0", "floats": vec!["00000000"; 5]});
    let taken = [
        ("", "/meta", json!(null)),
        ("08010802", "/id", json!("2")),
        ("08050800", "/id", json!("0")),
        ("0881808080808080808000", "/id", json!("1")),
        // Bits beyond 64, and beyond 32.
        ("08ffffffffffffffffff7f", "/id", json!("-1")),
        ("208082808010", "/status", json!(256)),
        ("20ffffffff0f", "/status", json!(-1)),
        ("3a000807", "/id", json!("7")),
        ("12020805120210070a0131", "/source", json!(["5", 7])),
        ("320612040a020805320612040a021007", "/meta/info/time_series_info", started),
        // Of a choice the last, and of it what came after another.
        ("32072a030a01611a00", "/meta/info", image.clone()),
        ("32092a030a01611a002a00", "/meta/info", json!({"text_info": ""})),
        ("32052a030a016132041a002a00", "/meta/info", json!({"text_info": ""})),
        ("32041a0028013204080a1001", "/meta/info", image),
        ("320a3a087a008201008a0100", "/meta/wavelet/denoising", json!({"partial_denoising": ["00000000"]})),
        // Known numbers with another wire type, and groups.
        ("0a0131", "/id", json!("0")),
        ("2801", "/data", json!([])),
        ("3334", "/meta", json!(null)),
        ("4b08014b4c4c0807", "/id", json!("7")),
        (&mixed, "/data/0/as/payload", json!({"shape": [1, 2, 3, 128], "data": ""})),
        (&with_payload(b"\x0a\x02\x01\x80"), "/data/0/as", json!("error")),
        (&with_payload(b"\x0a\x01\x80\x01"), "/data/0/as", json!("error")),
    ];
    let refused = [
        "08",
        "0880",
        "08ffffffffffffffffff8000",
        "0000",
        "0e",
        "0f",
        "0c",
        "4b",
        "4b4b4c",
        "4b4c4c",
        "3a030a01ff",
        "3a050a03eda080",
        "3a040a02c080",
        "2a030a01ff",
        "32052a030a01ff",
        "320508",
        "12020880",
        "120110",
        "3a020a05",
    ];
    for (package, pointer, due) in &taken {
        let bytes = hex(package);
        let told = PackageRef::decode(&bytes).map(reading::package);
        assert_eq!(told.as_ref().map(|told| told.pointer(pointer)), Ok(Some(due)), "{package}");
    }
    let all: Vec<_> = taken.iter().map(|(package, ..)| *package).chain(refused).map(hex).collect();
    assert_eq!(compare(&mut peer, &all), (taken.len(), refused.len(), BTreeMap::new()));
}

/// Its runtime looks at the bytes of a tag, and among groups at less than that.
#[test]
fn tags_that_only_python_takes_otherwise() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut read = |package: &str| peer.call(&json!({"op": "read", "packages": [package]}))["packages"][0].clone();
    let long = read("880007");
    assert_eq!((&long["why"], &long["told"]["id"]), (&json!("tag"), &json!("7")));
    assert_eq!(PackageRef::decode(&hex("880007")).unwrap().id(), 7);
    for (package, why, kind) in [
        ("808080801000", "number", DecodeErrorKind::InvalidTag),
        ("4b00004c", "number", DecodeErrorKind::InvalidTag),
        ("4b54", "group", DecodeErrorKind::UnexpectedGroupEnd),
    ] {
        assert_eq!(read(package), json!({"why": why, "told": null}), "{package}");
        assert_eq!(PackageRef::decode(&hex(package)).unwrap_err().kind(), kind, "{package}");
    }
}

/// Its runtime has one NaN, and takes minus zero for what is not there.
#[test]
fn floats_that_only_python_changes() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let package = "320c120a25000000802dad0bc0ff";
    let bytes = hex(package);
    let decoded = PackageRef::decode(&bytes).unwrap();
    let Some(InfoRef::TimeSeries(info)) = decoded.meta().unwrap().info() else { panic!("no time series") };
    assert_eq!([info.first.to_bits(), info.last.to_bits()], [0x8000_0000, 0xffc0_0bad]);
    assert_eq!(to_hex(&PackageBuilder::from(decoded).encode_to_vec().unwrap()), package);
    let answer = peer.call(&json!({"op": "same", "pairs": [[package, package]]}));
    assert_eq!(answer["packages"][0][0], "320712052d0000c07f");
}

/// So many packages aligned in one another, and what the innermost says.
fn nested(levels: usize, info: Json) -> Json {
    let innermost = json!({"type": 3, "info": info, "wavelet": null});
    let meta = (0..levels)
        .fold(innermost, |inner, _| json!({"type": 4, "info": {"alignment_info": [["t", inner]]}, "wavelet": null}));
    json!({"id": "1", "status": 0, "source": null, "publish": null, "data": [], "meta": meta, "labels": []})
}

/// A level is three messages, and the outermost meta is one: 21 levels are 64.
#[test]
fn depth_that_only_python_takes() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let text = json!({"text_info": "text/plain"});
    let packages = [nested(20, text.clone()), nested(21, json!(null)), nested(21, text.clone()), nested(30, text)];
    let written = peer.call(&json!({"op": "write", "packages": packages}));
    let all: Vec<Vec<u8>> = texts(&written["packages"]).into_iter().map(hex).collect();
    assert_eq!(compare(&mut peer, &all[..2]), (2, 0, BTreeMap::new()));
    for (bytes, told) in all.iter().zip(&packages) {
        let deep = PackageRef::decode_with(bytes, &Limits::DEFAULT.with_max_depth(u8::MAX)).unwrap();
        assert_eq!(reading::package(deep), *told);
    }
    for bytes in &all[2..] {
        assert_eq!(PackageRef::decode(bytes).unwrap_err().kind(), DecodeErrorKind::LimitExceeded);
    }
}

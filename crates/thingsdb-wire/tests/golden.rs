//! Every golden frame both ways, and every faulty one against the committed expectation.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

mod common;

use bytes::Bytes;
use common::{frames, limits, read, vectors};
use serde_json::json;
use testkit::vectors::{encoding, text, to_hex};
use thingsdb_wire::{HEADER_LEN, Package, PackageRef};

#[test]
fn golden_frames_are_the_packages_stated_and_written_again() {
    for (vector, bytes) in frames() {
        let limits = limits(text(&vector, "dialect"));
        let package = PackageRef::decode_with(&bytes, &limits).unwrap();
        assert_eq!(json!([package.id, package.kind]), json!([vector["id"], vector["type"]]), "{vector}");
        assert_eq!(package.data.is_empty(), vector["empty"], "{vector}");
        let mut out = b"before".to_vec();
        package.encode_with(&mut out, &limits).unwrap();
        assert_eq!(to_hex(&out[6..]), to_hex(&bytes), "{vector}");
        assert_eq!(package.encoded_len(), bytes.len());

        let shared = Bytes::copy_from_slice(&bytes);
        let owned = Package::decode_bytes_with(&shared, &limits).unwrap();
        assert_eq!((owned.as_ref(), &owned), (package, &package.into_owned()));
        if !owned.data.is_empty() {
            assert_eq!(owned.data.as_ptr(), shared[HEADER_LEN..].as_ptr(), "shared, not copied");
        }
    }
}

#[test]
fn faulty_frames_come_to_what_is_committed() {
    let malformed = vectors("thingsdb_malformed.jsonl", 43);
    for (vector, expected) in malformed.iter().zip(vectors("framing_expected.jsonl", 43)) {
        let bytes = encoding(vector);
        for size in [1, 3, 8, bytes.len()] {
            let (packages, end) = read(&mut bytes.chunks(size), &limits(text(vector, "dialect")));
            let packages: Vec<_> =
                packages.iter().map(|package| (package.id, package.kind, package.data.len())).collect();
            let mut found = json!({"packages": packages});
            match end {
                Ok(0) => {}
                Ok(missing) => found["incomplete"] = json!(missing),
                Err(error) => {
                    found["error"] = json!(error.kind().to_string());
                    found["offset"] = json!(error.offset());
                    found["what"] = json!(error.what());
                }
            }
            assert_eq!(found, expected, "{vector} in pieces of {size}");
        }
    }
}

/// Field by field it is looked at in `v1.rs`, `module.rs`, `legacy.rs` and `siridb.rs`; this is what Miri runs.
#[cfg(all(feature = "msgpack", feature = "qpack"))]
#[test]
fn golden_bodies_are_read_by_the_types_of_their_dialect_and_written_again() {
    use thingsdb_wire::legacy::State;
    use thingsdb_wire::{Body, legacy, module, siridb, v1};

    let (mut same, mut other, mut refused) = (0, 0, 0);
    for (vector, bytes) in frames() {
        let dialect = text(&vector, "dialect");
        let package = PackageRef::decode_with(&bytes, &limits(dialect)).unwrap();
        let asks = ["client->server", "server->module"].contains(&text(&vector, "dir"));
        let tells = match dialect {
            "v1-msgpack" => package.kind < 16,
            "module-msgpack" | "siridb-qpack" => false,
            _ => (16..32).contains(&package.kind),
        };
        let state = match dialect {
            "legacy-qpack-2019-06" => State::S1,
            "legacy-qpack-2019-09" => State::September,
            _ => State::S2,
        };
        let body: Result<Body, _> = match (dialect, asks) {
            ("v1-msgpack", true) => v1::RequestRef::decode(package).map(|read| read.to_body().unwrap()),
            ("v1-msgpack", false) if tells => v1::EventRef::decode(package).map(|read| read.to_body().unwrap()),
            ("v1-msgpack", false) => v1::AnswerRef::decode(package).map(|read| read.to_body().unwrap()),
            ("module-msgpack", true) => Ok(module::ToModule::from(package).to_body().unwrap()),
            ("module-msgpack", false) => module::FromModule::decode(package).map(|read| read.to_body().unwrap()),
            ("siridb-qpack", true) => siridb::RequestRef::decode(package).map(|read| read.to_body().unwrap()),
            ("siridb-qpack", false) => siridb::AnswerRef::decode(package).map(|read| read.to_body().unwrap()),
            (_, true) => legacy::RequestRef::decode(package, state).map(|read| read.to_body(state).unwrap()),
            (_, false) if tells => legacy::EventRef::decode(package).map(|read| read.to_body().unwrap()),
            (_, false) => legacy::AnswerRef::decode(package, state).map(|read| read.to_body().unwrap()),
        };
        match body {
            Ok(body) if body.with_id(package.id).as_ref() == package => same += 1,
            Ok(_) => other += 1,
            Err(_) => refused += 1,
        }
    }
    // Those that were sent to be refused, and nil where nothing is said.
    #[cfg(not(miri))]
    assert_eq!((same, other, refused), (242 - 2 - 6, 2, 6));
    assert!(same > 10 * (other + refused), "{same} {other} {refused}");
}

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

//! Packages that are as they should be, both ways.

use std::collections::BTreeMap;

use drift_proto::{PackageBuilder, PackageRef};
use serde_json::{Value as Json, json};
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, Worker, rng};

use crate::{building, reading, texts};

pub const SCRIPT: &str = concat!(include_str!("packages.py"), "\n\n", include_str!("wire.py"));

/// How often which kind of thing is in packages: a run that leaves one out shows nothing of it.
#[derive(Default)]
struct Seen(BTreeMap<String, usize>);

impl Seen {
    fn add(&mut self, kind: &str) {
        *self.0.entry(kind.to_owned()).or_default() += 1;
    }

    fn package(&mut self, told: &Json) {
        for part in told["data"].as_array().unwrap() {
            self.add(part["as"].as_object().map_or("foreign", |found| found.keys().next().unwrap()));
            if part["as"]["payload"]["shape"].as_array().is_some_and(|shape| !shape.is_empty()) {
                self.add("shape");
            }
        }
        self.meta(&told["meta"], "");
        let labels = told["labels"].as_array().unwrap();
        let keys: Vec<_> = labels.iter().map(|label| &label[0]).collect();
        if keys.iter().enumerate().any(|(index, key)| keys[..index].contains(key)) {
            self.add("label twice");
        }
    }

    fn meta(&mut self, meta: &Json, level: &str) {
        if let Some(info) = meta["info"].as_object() {
            let (which, told) = info.iter().next().unwrap();
            self.add(&format!("{level}{which}"));
            if which == "alignment_info" {
                told.as_array().unwrap().iter().for_each(|package| self.meta(&package[1], "inner "));
            }
        }
        if meta["wavelet"].is_object() {
            let denoising = meta["wavelet"]["denoising"].as_object().map_or("none", |one| one.keys().next().unwrap());
            self.add(&format!("wavelet {denoising}"));
        }
    }

    fn all(&self) {
        let infos = ["time_series_info", "image_info", "scalar_info", "text_info", "alignment_info", "typed_data_info"];
        let others = [
            "payload",
            "trigger",
            "interval",
            "foreign",
            "shape",
            "label twice",
            "wavelet none",
            "wavelet no_denoising",
            "wavelet threshold_denoising",
            "wavelet partial_denoising",
        ];
        let inner = infos.map(|info| format!("inner {info}"));
        for kind in infos.into_iter().chain(others).chain(inner.iter().map(String::as_str)) {
            assert!(self.0.get(kind).is_some_and(|count| *count >= 20), "{kind} in {:?}", self.0);
        }
    }
}

#[test]
fn what_python_writes_is_read_and_written_again() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let (mut count, mut seen) = (0, Seen::default());
    for round in 0..5 {
        let seed = (rng::seed() >> 12) + round;
        let answer = peer.call(&json!({"op": "batch", "seed": seed, "count": 500}));
        for (index, made) in answer["packages"].as_array().unwrap().iter().enumerate() {
            let bytes = hex(made["hex"].as_str().unwrap());
            let package = PackageRef::decode(&bytes).unwrap();
            assert_eq!(reading::package(package), made["told"], "package {index} of seed {seed}");
            let written = PackageBuilder::from(package).encode_to_vec().unwrap();
            assert_eq!(to_hex(&written), made["hex"], "package {index} of seed {seed}");
            seen.package(&made["told"]);
            count += 1;
        }
    }
    assert_eq!(count, 2500);
    seen.all();
}

#[test]
fn what_is_built_is_what_python_writes_and_is_read_by_it() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let (mut rng, mut count, mut seen) = (Rng::new(rng::seed() ^ 0xd1), 0, Seen::default());
    for round in 0..5 {
        let told: Vec<Json> = (0..500).map(|_| building::package(&mut rng)).collect();
        let ours: Vec<Vec<u8>> = told.iter().map(building::built).collect();
        let shown: Vec<String> = ours.iter().map(|bytes| to_hex(bytes)).collect();
        let theirs = peer.call(&json!({"op": "write", "packages": told}));
        let found = peer.call(&json!({"op": "read", "packages": shown}));
        for (index, theirs) in texts(&theirs["packages"]).into_iter().enumerate() {
            let place = format!("package {index} of round {round}: {}", told[index]);
            assert_eq!(shown[index], theirs, "{place}");
            // Minus zero is not written.
            let due: Json =
                serde_json::from_str(&told[index].to_string().replace("\"80000000\"", "\"00000000\"")).unwrap();
            assert_eq!(found["packages"][index], json!({"why": null, "told": due}), "{place}");
            assert_eq!(reading::package(PackageRef::decode(&ours[index]).unwrap()), due, "{place}");
            seen.package(&due);
            count += 1;
        }
    }
    assert_eq!(count, 2500);
    seen.all();
}

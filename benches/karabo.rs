//! karabo-bridge by itself: `cargo bench -p benches --bench karabo`.
#![expect(missing_docs, reason = "what criterion's macros make")]

use benches::work::karabo::{Ends, SMALL, agipd, encode, message, sources, walk, walk_index};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use karabo_bridge::{MessageRef, Property, TrainIndex, Version};

// Arrays are of 1 kB: how long they are does not matter to anything here.

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2];

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("karabo/decode");
    for (name, train) in [("AGIPD", agipd(SMALL)), ("100 sources", sources())] {
        for version in VERSIONS {
            let parts = message(&train, version);
            let pairs = (parts.len() / 2).max(1) as u64;
            group.throughput(Throughput::Elements(pairs));
            group.bench_function(BenchmarkId::new(format!("items, {name}"), version), |b| {
                b.iter(|| walk::<Ends>(&parts));
            });
            let mut index = TrainIndex::new();
            group.bench_function(BenchmarkId::new(format!("index, {name}"), version), |b| {
                b.iter(|| walk_index::<Ends>(&parts, &mut index));
            });
        }
    }
    group.finish();
}

fn find(c: &mut Criterion) {
    let mut group = c.benchmark_group("karabo/find");
    let parts = message(&sources(), Version::V2_2);
    let Ok(MessageRef::Train(train)) = MessageRef::decode(&parts) else { panic!("no train") };
    let mut index = TrainIndex::new();
    group.bench_function("build, 100 sources", |b| b.iter(|| index.build(train).errors().count()));
    let indexed = index.build(train);
    let source = "SA1_XTD2_XGM/DOOCS/MAIN_061:output";
    assert!(matches!(indexed.get(source, "data.intensityTD"), Some(Property::Array(_))));
    assert!(matches!(indexed.get(source, "pressure.pressureFiltered.value"), Some(Property::Value(_))));
    group.bench_function("an array", |b| b.iter(|| indexed.get(source, "data.intensityTD").is_some()));
    group.bench_function("a value", |b| b.iter(|| indexed.get(source, "pressure.pressureFiltered.value").is_some()));
    group.finish();
}

fn write(c: &mut Criterion) {
    let mut group = c.benchmark_group("karabo/encode");
    for (name, train) in [("AGIPD", agipd(SMALL)), ("100 sources", sources())] {
        for version in VERSIONS {
            group.bench_function(BenchmarkId::new(name, version), |b| b.iter(|| encode(&train, version)));
        }
    }
    group.finish();
}

criterion_group!(benches, decode, find, write);
criterion_main!(benches);

//! drift-proto by itself: `cargo bench -p benches --bench drift`.
#![expect(missing_docs, reason = "what criterion's macros make")]

use benches::work::drift::{Ends, encode, large, payload, payload_of, small, typed, walk, walk_typed};
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drift_proto::{DriftBytesRef, PackageBuilder, PackageRef};

fn packages(c: &mut Criterion) {
    let large = Bytes::from(large());
    let builder = small();
    let small = builder.encode_to_vec().expect("fits");
    let mut group = c.benchmark_group("drift/package");
    group.bench_function("view, 10 kB", |b| b.iter(|| PackageRef::decode(&large).is_ok()));
    group.bench_function("payload, 10 kB", |b| b.iter(|| payload(&large).len()));
    group.bench_function("payload of Bytes, 10 kB", |b| b.iter(|| payload_of::<Ends>(&large)));
    group.throughput(Throughput::Bytes(small.len() as u64));
    group.bench_function("view, 250 bytes", |b| b.iter(|| PackageRef::decode(&small).is_ok()));
    group.bench_function("all fields, 250 bytes", |b| b.iter(|| walk::<Ends>(&small)));
    let mut out = Vec::new();
    group.bench_function("encode, 250 bytes", |b| b.iter(|| encode(&builder, &mut out)));
    let package = PackageRef::decode(&small).expect("valid");
    group.bench_function("taken over and encoded, 250 bytes", |b| {
        b.iter(|| encode(&PackageBuilder::from(package), &mut out));
    });
    group.finish();
}

fn drift_bytes(c: &mut Criterion) {
    let mut group = c.benchmark_group("drift/typed");
    for items in [1000, 16_000, 32_000] {
        let bytes = typed(items);
        group.throughput(Throughput::Elements(items as u64));
        group.bench_function(BenchmarkId::new("decode", items), |b| b.iter(|| DriftBytesRef::decode(&bytes).is_ok()));
        group.bench_function(BenchmarkId::new("walk", items), |b| b.iter(|| walk_typed::<Ends>(&bytes)));
    }
    group.finish();
}

criterion_group!(benches, packages, drift_bytes);
criterion_main!(benches);

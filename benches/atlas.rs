//! atlas-stream by itself: `cargo bench -p benches --bench atlas`.
#![expect(missing_docs, reason = "what criterion's macros make")]

use atlas_stream::{Columns, TelemetryRef};
use benches::work::atlas::{
    count_keys, decode, decode_protobuf, encode, exact, keys, short, sum_view, to_json, to_protobuf, view,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn json(c: &mut Criterion) {
    let mut group = c.benchmark_group("atlas/json");
    for (name, data) in [("exact", exact()), ("short", short())] {
        let json = to_json(&data);
        let mut columns = Columns::new();
        group.throughput(Throughput::Bytes(json.len() as u64));
        group.bench_function(BenchmarkId::new("decode", name), |b| b.iter(|| decode(&json, &mut columns).len()));
        let telemetry = TelemetryRef::from(&columns);
        group.bench_function(BenchmarkId::new("encode", name), |b| b.iter(|| encode(&telemetry).len()));
    }
    group.finish();
}

fn protobuf(c: &mut Criterion) {
    let message = to_protobuf(&exact());
    let mut columns = Columns::new();
    let mut group = c.benchmark_group("atlas/protobuf");
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("view", |b| b.iter(|| view(&message).len()));
    group.bench_function("view, summed", |b| b.iter(|| sum_view(&message)));
    group.bench_function("columns", |b| b.iter(|| decode_protobuf(&message, &mut columns).len()));
    let mut out = Vec::new();
    let telemetry = view(&message);
    group.bench_function("encode", |b| {
        b.iter(|| {
            out.clear();
            telemetry.encode_protobuf(&mut out).is_ok()
        });
    });
    group.finish();
}

fn records(c: &mut Criterion) {
    let keys = keys(100_000);
    let mut group = c.benchmark_group("atlas/keys");
    group.throughput(Throughput::Elements(keys.len() as u64));
    group.bench_function("decode", |b| b.iter(|| count_keys(&keys)));
    group.finish();
}

criterion_group!(benches, json, protobuf, records);
criterion_main!(benches);

//! atlas-stream by itself: `cargo bench -p benches --bench atlas`.
#![expect(missing_docs, reason = "what criterion's macros make")]

use atlas_stream::{Columns, TelemetryRef};
use benches::work::atlas::{
    count_keys, decode, decode_protobuf, encode, exact, keys, short, sum_view, to_json, to_protobuf, view,
};
use benches::work::atlas_streams::{Bare, Running, barrier, glance, json_mix, late, protobuf_mix, shuffled, small_mix};
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

fn streams(c: &mut Criterion) {
    let mut group = c.benchmark_group("atlas/streams");
    for (name, partition) in [("JSON", json_mix()), ("protobuf", protobuf_mix()), ("small", small_mix())] {
        group.throughput(Throughput::Elements(partition.count() as u64));
        let (mut bare, mut running) = (Bare::default(), Running::new(&partition));
        group.bench_function(BenchmarkId::new("reader", name), |b| b.iter(|| running.run(&partition, glance)));
        group.bench_function(BenchmarkId::new("decoder", name), |b| b.iter(|| bare.run(&partition, glance)));
    }
    group.finish();
}

fn order(c: &mut Criterion) {
    let mut group = c.benchmark_group("atlas/barrier");
    group.sample_size(20);
    for (name, entries) in [("shuffled", shuffled(1_000_000)), ("late", late(1_000_000))] {
        group.throughput(Throughput::Elements(entries.len() as u64));
        group.bench_function(name, |b| b.iter(|| barrier(&entries)));
    }
    group.finish();
}

criterion_group!(benches, json, protobuf, records, streams, order);
criterion_main!(benches);

//! datakit by itself: `cargo bench -p benches --bench datakit`.
#![expect(missing_docs, reason = "what criterion's macros make")]

use benches::work::datakit::{datakit_lines, encode, readings, walk_datakit};
use core::time::Duration;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datakit::{Columns, Config, Decoder, Server};

fn decode(c: &mut Criterion) {
    let lines = datakit_lines(&readings());
    let mut group = c.benchmark_group("datakit/decode");
    group.throughput(Throughput::Bytes(lines.len() as u64));
    group.bench_function("packets", |b| b.iter(|| walk_datakit(&lines)));
    let mut columns = Columns::new();
    group.bench_function("columns", |b| {
        b.iter(|| {
            columns.clear();
            let mut rest = lines.as_slice();
            assert!(columns.decode(&mut Decoder::new(), &mut rest).is_none());
            columns.len()
        });
    });
    group.bench_function("server, in 1 KiB pieces", |b| {
        b.iter(|| {
            let mut server = Server::new(&Config::DEFAULT, Duration::ZERO);
            assert_eq!(server.handle_input(Duration::ZERO, b"$H|pump|bar||stream\n"), 20);
            server.accept(Duration::ZERO, "1").expect("greeted");
            server.start(Duration::ZERO).expect("registered");
            let mut events = 0_usize;
            for piece in lines.chunks(1024) {
                assert_eq!(server.handle_input(Duration::ZERO, piece), piece.len());
                while server.poll_event().is_some() {
                    events += 1;
                }
            }
            events
        });
    });
    group.finish();
}

fn write(c: &mut Criterion) {
    let readings = readings();
    let mut out = datakit_lines(&readings);
    let mut group = c.benchmark_group("datakit/encode");
    group.throughput(Throughput::Bytes(out.len() as u64));
    group.bench_function("reused buffer", |b| b.iter(|| encode(&readings, &mut out)));
    group.finish();
}

criterion_group!(benches, decode, write);
criterion_main!(benches);

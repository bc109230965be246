//! qpack by itself: `cargo bench -p benches --bench qpack`.
#![expect(missing_docs, reason = "what criterion's macros make")]

use benches::work::qpack::{Reading, names, readings, walk_qpack};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use qpack_codec::{Config, DecodeError, Decoded, Decoder, Reader, Tape, Value, ValueRef};

fn decode(c: &mut Criterion) {
    let names = names();
    let document = qpack_codec::serde::to_vec(&readings(&names)).expect("encodes");
    let mut group = c.benchmark_group("qpack/decode");
    group.throughput(Throughput::Bytes(document.len() as u64));
    group.bench_function("walk", |b| b.iter(|| walk_qpack(&document)));
    group.bench_function("token by token", |b| {
        b.iter(|| {
            let mut reader = Reader::new(&document);
            let mut tokens = 0_usize;
            while let Ok(Some(_)) = reader.token() {
                tokens += 1;
            }
            tokens
        });
    });
    group.bench_function("pull reader", |b| b.iter(|| pull(&document)));
    group.bench_function("look up in views", |b| b.iter(|| look_up(&document)));
    group.bench_function("view", |b| b.iter(|| ValueRef::decode(&document).map(|_| ())));
    let mut tape = Tape::new();
    group.bench_function("tree", |b| b.iter(|| tape.parse(&document, &Config::DEFAULT).map(|tree| tree.len())));
    group.bench_function("owned", |b| b.iter(|| Value::decode(&document)));
    group.bench_function("serde", |b| {
        b.iter(|| qpack_codec::serde::from_slice::<Vec<Reading<'_>>>(&document).map(|readings| readings.len()));
    });
    group.bench_function("in 1 KiB pieces", |b| {
        b.iter(|| {
            let mut decoder = Decoder::new();
            let mut to = 0;
            loop {
                to = document.len().min(to + 1024);
                if let Ok(Decoded::Complete { consumed, .. }) = decoder.decode(&document[..to]) {
                    break consumed;
                }
            }
        });
    });
    group.finish();
}

/// Reads each map by the names of its fields.
fn pull(document: &[u8]) -> Result<i64, DecodeError> {
    let mut reader = Reader::new(document);
    let mut sum = 0_i64;
    reader.array()?;
    while reader.more()? {
        reader.map()?;
        while reader.more()? {
            match reader.str()? {
                "time" | "quality" => sum = sum.wrapping_add(reader.int()?),
                "value" => sum = sum.wrapping_add(reader.double()? as i64),
                _ => reader.skip()?,
            }
        }
    }
    reader.finish()?;
    Ok(sum)
}

/// Checks the document, and finds one field of each map by its name.
fn look_up(document: &[u8]) -> Result<i64, DecodeError> {
    let readings = ValueRef::decode(document)?.as_array().into_iter().flatten();
    Ok(readings.filter_map(|reading| reading.as_map()?.get("quality")?.as_int()).sum())
}

fn encode(c: &mut Criterion) {
    let names = names();
    let readings = readings(&names);
    let document = qpack_codec::serde::to_vec(&readings).expect("encodes");
    let value = Value::decode(&document).expect("valid");
    let view = ValueRef::decode(&document).expect("valid");
    let mut group = c.benchmark_group("qpack/encode");
    group.throughput(Throughput::Bytes(document.len() as u64));
    group.bench_function("serde", |b| b.iter(|| qpack_codec::serde::to_vec(&readings)));
    group.bench_function("owned", |b| b.iter(|| value.encode_to_vec()));
    group.bench_function("view", |b| b.iter(|| view.encode_to_vec()));
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);

//! msgpack-numpy by itself: `cargo bench -p benches --bench msgpack_numpy`.
#![expect(missing_docs, reason = "what criterion's macros make")]

use benches::work::msgpack_numpy::{list, noise, records, values, walk_tokens, walk_values};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use msgpack_numpy_codec::{Array, ArrayRef, DType, Limits, Reader, ShapeRef, StridedArrayRef, Tape, Token, ValueRef};

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("msgpack-numpy/decode");
    for items in [1, 100, 10_000, 1 << 20] {
        let message = Array::from_slice(&[items], &vec![1.0_f32; items as usize]).expect("fits").encode_to_vec();
        let message = message.expect("encodes");
        // Its time does not depend on the bytes of the array, so that there is no throughput to speak of.
        group.bench_function(BenchmarkId::new("one array of f32", items), |b| {
            b.iter(|| ArrayRef::decode(&message).expect("valid").data().len());
        });
    }
    let small = list(&values(1000, 100), &[100]);
    group.throughput(Throughput::Elements(1000));
    group.bench_function("1000 arrays, `Reader::value`", |b| {
        b.iter(|| {
            let mut reader = Reader::new(&small);
            assert_eq!(reader.token(), Ok(Token::List(1000)));
            (0..1000).map(|_| matches!(reader.value(), Ok(ValueRef::Array(_)))).filter(|array| *array).count()
        });
    });
    group.finish();
}

fn walk(c: &mut Criterion) {
    let mut group = c.benchmark_group("msgpack-numpy/walk");
    for (name, document) in [("records", records()), ("noise", noise())] {
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function(BenchmarkId::new("tokens", name), |b| b.iter(|| walk_tokens(&document)));
        let mut tape = Tape::new();
        group.bench_function(BenchmarkId::new("values", name), |b| {
            b.iter(|| walk_values(tape.parse(&document, &Limits::DEFAULT).expect("valid")));
        });
    }
    group.finish();
}

fn access(c: &mut Criterion) {
    let mut group = c.benchmark_group("msgpack-numpy/access");
    let bytes = vec![1_u8; 1 << 20];
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    for name in ["<u2", ">u2", "<f4", ">f4", ">f8"] {
        let dtype = DType::parse(name).expect("a dtype");
        let items = bytes.len() as u64 / dtype.itemsize().expect("known");
        let shape = [items];
        let array = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&shape), &bytes).expect("fits");
        group.bench_function(BenchmarkId::new("copy_to", name), |b| match name {
            "<u2" | ">u2" => {
                let mut out = vec![0_u16; items as usize];
                b.iter(|| array.copy_to(&mut out));
            }
            "<f4" | ">f4" => {
                let mut out = vec![0_f32; items as usize];
                b.iter(|| array.copy_to(&mut out));
            }
            _ => {
                let mut out = vec![0_f64; items as usize];
                b.iter(|| array.copy_to(&mut out));
            }
        });
    }
    group.finish();
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("msgpack-numpy/encode");
    let bytes = vec![1_u8; 1 << 20];
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    let dtype = DType::parse("<f4").expect("a dtype");
    let array = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[512, 512]), &bytes).expect("fits");
    group.bench_function("C order", |b| b.iter(|| array.encode_to_vec().expect("encodes").len()));
    let rows = StridedArrayRef::new(dtype.as_ref(), &[512, 512], &[-2048, 4], &bytes, 511 * 2048).expect("fits");
    group.bench_function("rows reversed", |b| b.iter(|| rows.encode_to_vec().expect("encodes").len()));
    let transposed = StridedArrayRef::new(dtype.as_ref(), &[512, 512], &[4, 2048], &bytes, 0).expect("fits");
    group.bench_function("transposed", |b| b.iter(|| transposed.encode_to_vec().expect("encodes").len()));
    group.finish();
}

criterion_group!(benches, decode, walk, access, encode);
criterion_main!(benches);

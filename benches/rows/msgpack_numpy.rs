//! msgpack-numpy beside the crate of that name, `rmp`, `rmpv` and the Python package.

use msgpack_numpy_codec::{Array, ArrayRef, ByteOrder, DTypeRef, Kind, Limits, Plain, ShapeRef, Tape};

use crate::ratio::{Python, Row, Side, leak};
use crate::work::msgpack_numpy::{
    PYTHON, encode, ends, ends_rival, list, noise, records, sum, sum_rival, values, walk_rmp, walk_rmpv, walk_tokens,
    walk_values,
};

/// Axes of a large array: 8 MiB of f32.
const LARGE: [u64; 2] = [1024, 2048];

/// All of them; that against Python only where live peers are not skipped.
pub fn rows() -> Vec<Row<'static>> {
    let large: &[Vec<f32>] = leak(values(10, 1024 * 2048));
    let packed = list(large, &LARGE);
    let unaligned = unaligned(large);
    let small: &[u8] = leak(list(&values(100_000, 100), &[100]));
    let (records, noise): (&[u8], &[u8]) = (leak(records()), leak(noise()));
    eprintln!("msgpack-numpy: nested records of {} bytes, nested noise of {}", records.len(), noise.len());

    let image: &[u8] = leak((0..64_u32 << 20).map(|n| (n % 251) as u8).collect::<Vec<_>>());
    let pixels = image.len() / 2;
    let swapped = leak(vec![0_u16; pixels]);
    let copied = leak(vec![0_u8; image.len()]);
    let shape: &[u64] = leak(vec![pixels as u64]);
    let mut swap = move || {
        let dtype = Plain::new(Kind::UInt, ByteOrder::Big, 2).expect("a dtype");
        let array = ArrayRef::new(DTypeRef::Plain(dtype), ShapeRef::new(shape), image).expect("fits");
        array.copy_to(swapped).expect("fits");
        u64::from(swapped[0]) + u64::from(swapped[pixels - 1])
    };
    let mut copy = move || {
        copied.copy_from_slice(image);
        let at = |index: usize| u64::from(u16::from_be_bytes([copied[2 * index], copied[2 * index + 1]]));
        at(0) + at(pixels - 1)
    };

    let mut rows = vec![
        Row {
            work: "msgpack-numpy: 10 arrays of 8 MiB, unaligned",
            bytes: packed.len(),
            goal: 100.0,
            ours: Side::new("ArrayRef", ends(unaligned), || ends(unaligned)),
            rival: Side::new("crate `msgpack-numpy`, borrowed", ends_rival(unaligned), || ends_rival(unaligned)),
        },
        Row {
            work: "msgpack-numpy: 100 000 arrays of 100 f32, summed",
            bytes: small.len(),
            goal: 3.0,
            ours: Side::new("`Reader::value`, `copy_to`", sum(small), || sum(small)),
            rival: Side::new("crate `msgpack-numpy`, borrowed", sum_rival(small), || sum_rival(small)),
        },
        Row {
            work: "msgpack-numpy: big-endian image of 64 MiB, u16",
            bytes: image.len(),
            goal: 0.5,
            ours: Side::new("ArrayRef, `copy_to`", swap(), swap),
            rival: Side::new("one copy of the bytes", copy(), copy),
        },
        values_of("msgpack-numpy: values of nested records", records),
        tokens_of("msgpack-numpy: tokens of nested records", records),
        values_of("msgpack-numpy: values of nested noise", noise),
        tokens_of("msgpack-numpy: tokens of nested noise", noise),
    ];
    if let Some(python) = leak(Python::start(PYTHON)) {
        rows.push(Row {
            work: "msgpack-numpy: writing 10 arrays of 8 MiB",
            bytes: packed.len(),
            goal: 20.0,
            ours: Side::new("Writer", encode(large, &LARGE), || encode(large, &LARGE)),
            rival: python.side("encode", "Python msgpack-numpy", &packed),
        });
    }
    rows
}

fn values_of(work: &'static str, document: &'static [u8]) -> Row<'static> {
    let mut tape = Tape::new();
    let mut walk = move || walk_values(tape.parse(document, &Limits::DEFAULT).expect("valid"));
    Row {
        work,
        bytes: document.len(),
        goal: 4.0,
        ours: Side::new("Tape", walk(), walk),
        rival: Side::new("`rmpv` value ref", walk_rmpv(document), || walk_rmpv(document)),
    }
}

fn tokens_of(work: &'static str, document: &'static [u8]) -> Row<'static> {
    Row {
        work,
        bytes: document.len(),
        goal: 1.2,
        ours: Side::new("Reader", walk_tokens(document), || walk_tokens(document)),
        rival: Side::new("`rmp` token walk", walk_rmp(document), || walk_rmp(document)),
    }
}

/// A message for each array, whose floats begin at an odd address.
fn unaligned(arrays: &[Vec<f32>]) -> &'static [&'static [u8]] {
    let message = |items: &Vec<f32>| -> &'static [u8] {
        let message = Array::from_slice(&LARGE, items).expect("fits").encode_to_vec().expect("encodes");
        let mut buffer = vec![0; 4 + message.len()];
        let floats = buffer.as_ptr().addr() + message.len() - size_of_val(items.as_slice());
        let start = (5 - floats % 4) % 4;
        buffer[start..][..message.len()].copy_from_slice(&message);
        &leak(buffer)[start..][..message.len()]
    };
    leak(arrays.iter().map(message).collect::<Vec<_>>())
}

//! The framing of ThingsDB beside the least that can be done.

use thingsdb_wire::{Decoded, Decoder, PackageRef};

use crate::ratio::{Row, Side, leak};

/// All of them.
pub fn rows() -> Vec<Row<'static>> {
    let data = [7; 56];
    let mut stream = Vec::new();
    for id in 0..4000 {
        PackageRef { id, kind: 18, data: &data }.encode(&mut stream).expect("encodes");
    }
    let stream: &[u8] = leak(stream);
    vec![Row {
        work: "thingsdb: framing, packages of 64 bytes",
        bytes: stream.len(),
        goal: 0.5,
        ours: Side::new("Decoder", walk(stream), || walk(stream)),
        rival: Side::new("a loop that reads LEN, checks CHK and skips", walk_by_hand(stream), || walk_by_hand(stream)),
    }]
}

/// Ours.
fn walk(mut input: &[u8]) -> u64 {
    let (mut decoder, mut sum) = (Decoder::new(), 0_u64);
    while let Decoded::Complete { value, consumed } = decoder.decode(input).expect("valid") {
        sum = sum.wrapping_add(u64::from(value.id)).wrapping_add(value.data.len() as u64);
        input = &input[consumed..];
    }
    assert_eq!(input, b"");
    sum
}

/// By hand, without limits, offsets and errors.
fn walk_by_hand(mut input: &[u8]) -> u64 {
    let mut sum = 0_u64;
    while let Some((header, rest)) = input.split_first_chunk::<8>() {
        let [a, b, c, d, e, f, kind, check] = *header;
        assert_eq!(kind, !check);
        let len = u32::from_le_bytes([a, b, c, d]) as usize;
        let Some(after) = rest.get(len..) else { break };
        sum = sum.wrapping_add(u64::from(u16::from_le_bytes([e, f]))).wrapping_add(len as u64);
        input = after;
    }
    assert_eq!(input, b"");
    sum
}

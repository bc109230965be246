//! Faults that were found, each in the shape in which it was.
#![cfg(feature = "alloc")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use datakit::{Columns, Config, DecodeErrorKind, Decoder, Limits, PacketRef};

fn decoder(max_line_len: usize) -> Decoder {
    Decoder::with_config(&Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(max_line_len)))
}

/// The rest of a line over the limit looked like a reading, and `packets` took it for one.
#[test]
fn the_rest_of_a_line_over_the_limit_is_no_line() {
    let mut input = &b"123456789012345678901>a|1459309227|1.5\n$P\n"[..];
    let mut decoder = decoder(20);
    let mut packets = decoder.packets(&mut input);
    assert_eq!(packets.next().unwrap().unwrap_err().kind(), DecodeErrorKind::LimitExceeded);
    assert_eq!(packets.next(), Some(Ok(PacketRef::Heartbeat)));
    assert_eq!(packets.next(), None);

    let (mut columns, mut input) = (Columns::new(), &b"123456789012345678901>a|1459309227|1.5\n$P\n"[..]);
    let mut decoder = self::decoder(20);
    assert!(columns.decode(&mut decoder, &mut input).unwrap().is_err());
    assert_eq!(columns.decode(&mut decoder, &mut input), Some(Ok(PacketRef::Heartbeat)));
    assert!(columns.is_empty());
}

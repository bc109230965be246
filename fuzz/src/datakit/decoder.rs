use std::time::Duration;

use bytes::BytesMut;
use datakit::{
    Codec, Columns, Config, DecodeError, DecodeErrorKind, Decoded, Decoder, EncodeError, Lines, Packet, PacketRef,
    PeerErrorPolicy, Server, ServerEvent,
};
use tokio_util::codec::Decoder as _;

use super::{config, oracle};

/// What a stream held: packets and errors, with the bytes of each as they came.
type Told = Vec<(Result<Packet, DecodeError>, Vec<u8>)>;

/// Every way to read the same bytes agrees with every other, and with a reader that knows nothing but `split` and `parse`.
pub fn decoder(data: &[u8]) {
    let [settings, cuts, input @ ..] = data else { return };
    let config = config(*settings);
    // Many lines are read in blocks of more bytes than a fuzzer likes to try.
    let times = if *settings < 192 { 1 } else { 1 + 5000 / (input.len() + 1) };
    let input = &input.repeat(times)[..];
    let lines = oracle::lines(input, &config);
    let whole = decode(input, &config, &[input.len()], Way::Decode);
    assert_eq!(whole.len(), lines.len(), "{whole:?}");
    for (read, expected) in whole.iter().zip(&lines) {
        expected.check(read);
    }

    let whole: Told = whole.into_iter().zip(&lines).map(|(read, expected)| (read, expected.bytes.to_vec())).collect();
    let mut unread = Lines::new(input);
    for line in input.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n")) {
        assert_eq!(unread.next(), Some(line));
    }
    assert_eq!(unread.next(), None);
    assert!(!unread.rest().contains(&b'\n') && input.ends_with(unread.rest()));

    let cuts = pieces(*cuts, input.len());
    let read = |whole: &Told| whole.iter().map(|(read, _)| read.clone()).collect::<Vec<_>>();
    for way in [Way::Decode, Way::Packets, Way::Both] {
        assert_eq!(decode(input, &config, &cuts, way), read(&whole));
        assert_eq!(decode(input, &config, &[input.len()], way), read(&whole));
    }
    assert_eq!(decode_codec(input, &config, &cuts), read(&whole));
    for pieces in [&[input.len()][..], &cuts] {
        columns(input, &config, pieces, &whole);
        machine(input, &config, pieces, &whole);
    }
    // A part of it where all is said many times over.
    for (read, bytes) in whole.iter().take(if times > 1 { 20 } else { usize::MAX }) {
        alone(bytes, &config, read);
        if let Ok(packet) = read {
            recode(packet, &config);
        }
    }
}

/// Lengths of pieces: all the same for small seeds, else as a generator has it.
fn pieces(seed: u8, len: usize) -> Vec<usize> {
    let (mut state, mut left, mut pieces) = (u32::from(seed), len, Vec::new());
    while left > 0 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let piece = if seed < 8 { usize::from(seed) + 1 } else { (state >> 24) as usize % 24 };
        pieces.push(piece.min(left));
        left -= piece.min(left);
    }
    pieces
}

/// How to ask a decoder for the packets of a piece.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Decode,
    Packets,
    /// One by `decode`, two by `packets`, and so on.
    Both,
}

/// Through a [`Decoder`], whose caller keeps what was not consumed.
fn decode(input: &[u8], config: &Config, pieces: &[usize], way: Way) -> Vec<Result<Packet, DecodeError>> {
    let (mut decoder, mut out, mut from, mut to) = (Decoder::with_config(config), Vec::new(), 0, 0);
    for piece in pieces {
        to += piece;
        let mut rest = &input[from..to];
        loop {
            let len = out.len();
            if way != Way::Packets {
                out.extend(decoder.decode(&mut rest).map(owned));
            }
            let count = if way == Way::Both { 2 } else { usize::MAX };
            if way != Way::Decode {
                out.extend(decoder.packets(&mut rest).take(count).map(owned));
            }
            assert_eq!(decoder.offset(), (to - rest.len()) as u64);
            if out.len() == len {
                break;
            }
        }
        let torn = rest;
        assert!(decoder.decode(&mut rest).is_none() && decoder.packets(&mut rest).next().is_none(), "asked again");
        assert_eq!(rest, torn);
        from = to - rest.len();
        assert!(rest.len() <= config.limits.max_line_len, "no more has to be kept");
    }
    out.extend(decoder.finish(&input[from..]).err().map(Err));
    assert_eq!(decoder.offset(), input.len() as u64, "the torn line is consumed too");
    assert_eq!(decoder.line(), 1 + input.split_inclusive(|byte| *byte == b'\n').count() as u64);
    out
}

fn owned(packet: Result<PacketRef<'_>, DecodeError>) -> Result<Packet, DecodeError> {
    packet.map(|view| {
        let packet = view.into_owned();
        assert_eq!((packet.as_ref(), packet.kind()), (view, view.kind()));
        packet
    })
}

fn decode_codec(input: &[u8], config: &Config, pieces: &[usize]) -> Vec<Result<Packet, DecodeError>> {
    let (mut codec, mut out, mut buffer, mut rest) = (Codec::with_config(config), Vec::new(), BytesMut::new(), input);
    for piece in pieces {
        let (now, later) = rest.split_at(*piece);
        buffer.extend_from_slice(now);
        rest = later;
        while let Some(item) = codec.decode(&mut buffer).expect("a bad line is no error of the stream") {
            out.push(item);
        }
    }
    while let Some(item) = codec.decode_eof(&mut buffer).expect("as above") {
        out.push(item);
    }
    assert!(buffer.is_empty());
    out
}

/// Readings arrive in the rows, everything else is handed over, in the order of the stream.
fn columns(input: &[u8], config: &Config, pieces: &[usize], whole: &Told) {
    let (mut columns, mut decoder, mut others) = (Columns::new(), Decoder::with_config(config), Vec::new());
    let (mut from, mut to) = (0, 0);
    for piece in pieces {
        to += piece;
        let mut rest = &input[from..to];
        while let Some(other) = columns.decode(&mut decoder, &mut rest) {
            others.push((columns.len(), other.map(PacketRef::into_owned)));
        }
        from = to - rest.len();
    }
    others.extend(decoder.finish(&input[from..]).err().map(|error| (columns.len(), Err(error))));

    let (mut rows, mut tags, mut others) = (Vec::new(), Vec::new(), others.into_iter());
    let mut pushed = Columns::new();
    for (read, _) in whole {
        match read {
            Ok(Packet::Data(data)) if tags.contains(&data.tag) || tags.len() < config.limits.max_tags => {
                if !tags.contains(&data.tag) {
                    tags.push(data.tag.clone());
                }
                rows.push(data);
                assert_eq!(pushed.push(data.as_ref(), &config.limits), Ok(()));
            }
            Ok(Packet::Data(data)) => match others.next() {
                Some((len, Err(error))) => {
                    assert!(pushed.push(data.as_ref(), &config.limits).is_err());
                    assert_eq!((len, error.kind()), (rows.len(), DecodeErrorKind::LimitExceeded));
                    assert_eq!((error.column(), error.what()), (2, "tag"));
                }
                other => panic!("a tag too many gave {other:?}"),
            },
            read => assert_eq!(others.next(), Some((rows.len(), read.clone()))),
        }
    }
    assert_eq!(others.next(), None);
    assert_eq!((pushed.tag_ids(), pushed.timestamps()), (columns.tag_ids(), columns.timestamps()));
    assert_eq!((pushed.nanos(), pushed.len()), (columns.nanos(), columns.len()));
    assert!(pushed.tags().eq(columns.tags()));
    assert!(columns.tags().eq(tags.iter()));
    assert!(columns.tag_ids().len() == rows.len() && columns.timestamps().len() == rows.len());
    assert_eq!(columns.nanos().is_empty(), rows.iter().all(|row| row.nanos == 0));
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(columns.tag(columns.tag_ids()[index]), Some(&*row.tag));
        assert_eq!(columns.timestamps()[index], row.timestamp);
        assert_eq!(columns.nanos().get(index).copied().unwrap_or_default(), row.nanos);
        assert_eq!(columns.values()[index].to_bits(), row.value.to_bits());
    }
}

/// A machine tells the same errors, and of each line its bytes.
fn machine(input: &[u8], config: &Config, pieces: &[usize], whole: &Told) {
    let limits = config.limits.with_max_queued_bytes(1 << 20);
    let config = config.with_on_peer_error(PeerErrorPolicy::Report).with_limits(limits);
    let (mut server, mut told, mut rest) = (Server::new(&config, Duration::ZERO), Vec::new(), input);
    let mut drain = |server: &mut Server| {
        let _ = server.poll_transmit();
        while let Some(event) = server.poll_event() {
            match event {
                ServerEvent::BadLine { error, line } => told.push((Err(error), line)),
                ServerEvent::Hello(_) => server.accept(Duration::ZERO, "u").expect("the HELLO is answered at once"),
                _ => {}
            }
        }
    };
    for piece in pieces {
        let (mut now, later) = rest.split_at(*piece);
        while !now.is_empty() {
            let taken = server.handle_input(Duration::ZERO, now);
            assert!(taken > 0, "nothing waits, so that something is taken");
            now = &now[taken..];
            drain(&mut server);
        }
        rest = later;
    }
    server.handle_eof(Duration::ZERO);
    drain(&mut server);
    let bad: Told = whole.iter().filter(|(read, _)| read.is_err()).cloned().collect();
    assert_eq!(told, bad);
}

/// A line by itself, without a decoder around it.
fn alone(bytes: &[u8], config: &Config, read: &Result<Packet, DecodeError>) {
    let view = PacketRef::decode_with(bytes, config);
    assert_eq!(Packet::decode_with(bytes, config), view.map(PacketRef::into_owned));
    match (view, read) {
        (Ok(view), Ok(packet)) => {
            assert_eq!(view, packet.as_ref());
            let longer = [bytes, b"\n"].concat();
            let prefix = PacketRef::decode_prefix(&longer, config);
            assert_eq!(prefix, Ok(Decoded::Complete { value: view, consumed: bytes.len() }));
            let error = PacketRef::decode_with(&longer, config).expect_err("a byte follows");
            assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::TrailingBytes, bytes.len() as u64));
            for cut in [0, bytes.len() / 2, bytes.len() - 1] {
                let torn = PacketRef::decode_prefix(&bytes[..cut], config);
                assert!(matches!(torn, Ok(Decoded::Incomplete { needed }) if needed.get() == 1));
            }
        }
        (Err(a), Err(b)) => {
            assert_eq!((a.kind(), a.column(), a.what(), a.limit()), (b.kind(), b.column(), b.what(), b.limit()));
            assert_eq!((a.line(), a.offset() + 1), (1, u64::from(a.column())));
        }
        (a, b) => panic!("{a:?} against {b:?}"),
    }
}

/// What was read is written in a form that reads as the same.
fn recode(packet: &Packet, config: &Config) {
    let (mut out, len) = (Vec::new(), packet.encoded_len());
    let max = config.limits.max_line_len;
    match packet.encode_with(&mut out, config) {
        Ok(()) => assert!(len - 1 <= max),
        // Our form of a number may be longer than the one that was read.
        Err(EncodeError::LimitExceeded { .. }) => assert!(len - 1 > max && out.is_empty()),
        Err(error) => panic!("read and not to be written: {error}"),
    }
    let wide = config.with_limits(config.limits.with_max_line_len(max.saturating_mul(400)));
    out.clear();
    packet.encode_with(&mut out, &wide).expect("what was read can be written");
    assert_eq!(out.len(), len);
    assert_eq!(Packet::decode_with(&out, &wide.with_accept_crlf(false)).expect("what we write we read"), *packet);
    if let Packet::Data(_) = packet {
        let value = out.rsplit(|byte| *byte == b'|').next().unwrap_or_default();
        assert!(!value.ends_with(b".0\n") && !value.contains(&b'+'), "no longer than need be");
    }
    let mut room = vec![b'#'; len];
    assert_eq!(packet.as_ref().encode_to_slice_with(&mut room, &wide), Ok(len));
    assert_eq!(room, out);
    let mut small = vec![b'#'; len - 1];
    let refused = packet.as_ref().encode_to_slice_with(&mut small, &wide);
    assert_eq!(refused, Err(EncodeError::BufferTooSmall { len, available: len - 1 }));
    assert!(small.iter().all(|byte| *byte == b'#'), "on an error nothing is written");
}

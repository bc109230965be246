//! The tokio codec in `Framed`, over memory and without a runtime.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]
#![cfg(feature = "tokio-util")]

mod common;

use std::collections::VecDeque;
use std::io;
use std::iter;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use common::read_stream;
use datakit::{
    Codec, CodecError, Config, DataRef, DecodeError, DecodeErrorKind, EncodeError, Limits, Packet, PacketRef,
};
use futures_core::Stream;
use testkit::{Rng, laws};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::codec::{Decoder as _, Encoder, FramedRead};

type Item = Result<Packet, DecodeError>;

/// Gives these pieces, one for each read, with a wait before each; an empty one is an end, after which it may go on.
struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    is_ready: bool,
}

impl Pieces {
    fn new(pieces: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { pieces: pieces.into_iter().collect(), is_ready: false }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(mut piece) = self.pieces.pop_front() {
            let len = piece.len().min(buffer.remaining());
            buffer.put_slice(&piece[..len]);
            if len < piece.len() {
                self.pieces.push_front(piece.split_off(len));
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What the stream gives until it gives nothing.
fn drain<R: AsyncRead + Unpin>(framed: &mut FramedRead<R, Codec>) -> Vec<Item> {
    let mut context = Context::from_waker(Waker::noop());
    let mut items = Vec::new();
    loop {
        match Pin::new(&mut *framed).poll_next(&mut context) {
            Poll::Ready(Some(item)) => items.push(item.expect("the transport does not fail, nor does the codec")),
            Poll::Ready(None) => return items,
            Poll::Pending => {}
        }
    }
}

#[test]
fn a_slice_is_read_to_its_end() {
    let mut framed = FramedRead::new(&b"START\n>some_tag|1459309227|-273.15\nSTOP\n"[..], Codec::new());
    let reading = PacketRef::Data(DataRef::new("some_tag", 1_459_309_227, -273.15)).into_owned();
    assert_eq!(drain(&mut framed), [Ok(Packet::Start), Ok(reading), Ok(Packet::Stop)]);
    assert_eq!(drain(&mut framed), []);
    assert_eq!(drain(&mut FramedRead::new(&b""[..], Codec::new())), []);
}

#[test]
fn bad_lines_are_items_and_the_stream_goes_on() {
    let stream = b"$P\n\nstart\n>t|1|x\n\xff\n>t|1|2\nSTART\r\nACK|1\n";
    let items = drain(&mut FramedRead::new(&stream[..], Codec::new()));
    let kinds: Vec<Option<DecodeErrorKind>> =
        items.iter().map(|item| item.as_ref().err().map(DecodeError::kind)).collect();
    let expected = [
        None,
        Some(DecodeErrorKind::EmptyLine),
        Some(DecodeErrorKind::UnknownPacket),
        Some(DecodeErrorKind::InvalidValue),
        Some(DecodeErrorKind::InvalidUtf8),
        None,
        Some(DecodeErrorKind::CarriageReturn),
        None,
    ];
    assert_eq!(kinds, expected);
    let places: Vec<_> =
        items.iter().filter_map(|item| item.as_ref().err()).map(|error| (error.line(), error.offset())).collect();
    assert_eq!(places, [(2, 3), (3, 4), (4, 15), (5, 17), (7, 31)]);
}

#[test]
fn a_torn_last_line_is_one_error_and_then_nothing() {
    for torn in [&b"$"[..], b">t|1|2", b"START", b"\r", b"\xff", b"bad"] {
        let stream = [b"START\n", torn].concat();
        let mut framed = FramedRead::new(&stream[..], Codec::new());
        let items = drain(&mut framed);
        let [Ok(Packet::Start), Err(error)] = &items[..] else { panic!("{items:?}") };
        let found = (error.kind(), error.line(), error.offset(), error.column());
        assert_eq!(found, (DecodeErrorKind::UnexpectedEnd, 2, stream.len() as u64, torn.len() as u32 + 1));
        assert!(error.is_incomplete());
        for _ in 0..3 {
            assert_eq!(drain(&mut framed), []);
        }
        assert!(framed.read_buffer().is_empty());
    }
}

#[test]
fn in_any_pieces_framed_gives_what_the_decoder_gives() {
    let mut rng = Rng::new(testkit::rng::seed());
    for _ in 0..if cfg!(miri) { 2 } else { 200 } {
        let config = Config::DEFAULT
            .with_accept_crlf(rng.below(2) == 0)
            .with_fractional_timestamps(rng.below(2) == 0)
            .with_limits(Limits::DEFAULT.with_max_line_len(*rng.choose(&[0, 8, 20, 4096])));
        let mut stream = Vec::new();
        while stream.len() < 300 {
            stream.extend(common::any_line(&mut rng));
            stream.extend(*rng.choose(&[&b"\n"[..], b"\n", b"\r\n", b"\n\n"]));
        }
        stream.truncate(stream.len() - rng.below(3));
        let told = read_stream(&mut iter::once(&stream[..]), &config);
        let expected: Vec<Item> = told.lines.into_iter().chain(told.end.err().map(Err)).collect();
        for cut in laws::cuts(stream.len()).skip(rng.below(30)).step_by(30) {
            let pieces = cut.chunks(&stream).filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec);
            let mut framed = FramedRead::new(Pieces::new(pieces), Codec::with_config(&config));
            assert_eq!(drain(&mut framed), expected, "{cut}");
        }
    }
}

#[test]
fn lines_over_the_limit_do_not_grow_the_buffer() {
    const PIECES: usize = if cfg!(miri) { 20 } else { 2_000 };
    let pieces = iter::repeat_n(vec![b'x'; 1000], PIECES).chain([b"\nSTART\n".to_vec()]);
    let mut framed = FramedRead::new(Pieces::new(pieces), Codec::new());
    let mut context = Context::from_waker(Waker::noop());
    let (mut items, mut widest) = (Vec::new(), 0);
    loop {
        match Pin::new(&mut framed).poll_next(&mut context) {
            Poll::Ready(Some(item)) => items.push(item.unwrap()),
            Poll::Ready(None) => break,
            Poll::Pending => {}
        }
        assert!(framed.read_buffer().len() <= 4096);
        widest = widest.max(framed.read_buffer().capacity());
    }
    let [Err(error), Ok(Packet::Start)] = &items[..] else { panic!("{items:?}") };
    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::LimitExceeded, 4096));
    // `FramedRead` begins with 8 KiB, and doubles when that is full.
    assert!(widest <= 32 * 1024, "{widest} bytes of buffer");
}

/// `FramedRead` may be asked again behind an end, as of a file that grows: the lines that come then are read as lines.
#[test]
fn behind_an_end_in_a_torn_line_lines_are_lines_again() {
    for torn in ["$", ">t|1", "ACK|12345", "a long line without an end"] {
        let pieces = [torn.as_bytes().to_vec(), Vec::new(), b"ACK|1\nSTOP\n$P\n>t|1|2\nSTART\n".to_vec()];
        let mut framed = FramedRead::new(Pieces::new(pieces), Codec::new());
        let items = drain(&mut framed);
        assert!(matches!(&items[..], [Err(error)] if error.is_incomplete()), "{items:?}");
        let reading = PacketRef::Data(DataRef::new("t", 1, 2.0)).into_owned();
        let expected = [Packet::Ack("1".into()), Packet::Stop, Packet::Heartbeat, reading, Packet::Start].map(Ok);
        assert_eq!(drain(&mut framed), expected, "behind {torn:?}");
    }
}

/// An end ends the line it is in, one over the limit too: what follows is a line of its own.
#[test]
fn behind_an_end_in_a_line_over_the_limit_a_line_begins() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(8));
    let pieces = [vec![b'x'; 20], Vec::new(), b"xxx\nSTOP\n".to_vec()];
    let mut framed = FramedRead::new(Pieces::new(pieces), Codec::with_config(&config));
    let items = drain(&mut framed);
    assert!(matches!(&items[..], [Err(error)] if error.kind() == DecodeErrorKind::LimitExceeded), "{items:?}");
    let items = drain(&mut framed);
    assert!(matches!(&items[..], [Err(error), Ok(Packet::Stop)] if error.line() == 2), "{items:?}");
}

#[test]
fn what_is_encoded_is_decoded() {
    let mut rng = Rng::new(testkit::rng::seed());
    let config = Config::DEFAULT.with_fractional_timestamps(true);
    let mut codec = Codec::with_config(&config);
    let mut out = BytesMut::new();
    let packets: Vec<Packet> =
        (0..if cfg!(miri) { 20 } else { 1_000 }).map(|_| common::packet(&mut rng, true)).collect();
    for packet in &packets {
        codec.encode(packet.as_ref(), &mut out).unwrap();
    }
    for packet in packets {
        assert_eq!(codec.decode(&mut out).unwrap(), Some(Ok(packet)));
    }
    assert_eq!((codec.decode(&mut out).unwrap(), out.len()), (None, 0));
}

#[test]
fn what_cannot_be_encoded_is_an_error_and_leaves_nothing() {
    let mut codec = Codec::new();
    let mut out = BytesMut::from(&b"$P\n"[..]);
    let fractional = PacketRef::Data(DataRef::new("t", 1, 2.0).with_nanos(5));
    for (packet, expected) in [
        (PacketRef::Ack(""), EncodeError::EmptyField { field: "UID" }),
        (PacketRef::Ack("a\nSTOP"), EncodeError::ForbiddenCharacter { field: "UID", byte: b'\n', offset: 1 }),
        (fractional, EncodeError::FractionalTimestamp),
    ] {
        let error = codec.encode(packet, &mut out).unwrap_err();
        assert!(matches!(error, CodecError::Encode(error) if error == expected), "{error}");
        assert_eq!(out, "$P\n");
    }
    codec.encode(PacketRef::Stop, &mut out).unwrap();
    assert_eq!(out, "$P\nSTOP\n");
}

/// A transport that fails is an error of the stream, unlike a bad line.
#[test]
fn a_broken_transport_is_an_error_of_the_stream() {
    struct Broken;

    impl AsyncRead for Broken {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }

    let mut framed = FramedRead::new(Broken, Codec::new());
    let found = Pin::new(&mut framed).poll_next(&mut Context::from_waker(Waker::noop()));
    assert!(
        matches!(&found, Poll::Ready(Some(Err(CodecError::Io(error)))) if error.kind() == io::ErrorKind::ConnectionReset),
        "{found:?}"
    );
}

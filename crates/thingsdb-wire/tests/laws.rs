//! The laws of `DESIGN.md`, over the golden frames and over generated packages.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

mod common;

testkit::counting_allocator!();

use bytes::BufMut;
use common::{frames, read};
use proptest::prelude::*;
use testkit::laws::{self, Prefix};
use testkit::vectors::to_hex;
use testkit::{assert_no_alloc, slices};
use thingsdb_wire::{
    DecodeError, DecodeErrorKind, Decoded, Decoder, EncodeError, HEADER_LEN, Header, Limit, Limits, PackageRef,
};

/// The header stays with the error, so that a log can show it.
#[test]
fn an_error_keeps_the_header() {
    let header = *b"\x00\x00\x00\x00\x06\x00\x20\x00";
    let mut decoder = Decoder::new();
    let stream = [&b"\x00\x00\x00\x00\x05\x00\x20\xdf"[..], &header].concat();
    let Ok(Decoded::Complete { consumed: 8, .. }) = decoder.decode(&stream) else { panic!() };
    let error = decoder.decode(&stream[8..]).unwrap_err();
    assert_eq!((error.header(), error.offset()), (Some(header), 15));
    assert_eq!(error.to_string(), "check byte 0x00 is not the inverse of type 0x20 at byte 15 (CHK)");
    assert_eq!(size_of::<DecodeError>(), 32);
    // Dead, whatever comes.
    laws::repeats_error(&error, |round| match round % 2 {
        0 => decoder.decode(&stream[..8]).err(),
        _ => decoder.finish(b"").err().or(Some(error)),
    });
    decoder.reset();
    assert!(decoder.decode(&stream[..8]).is_ok());
}

#[test]
fn law_1_no_split_changes_what_comes_out() {
    let mut stream: Vec<u8> = frames().into_iter().flat_map(|(_, bytes)| bytes).take(3000).collect();
    laws::chunking(&stream, |pieces| read(pieces, &Limits::DEFAULT));
    stream.extend(b"\x00\x00\x00\x00\x06\x00\x20\x00\x00\x00\x00\x00\x07\x00\x20\xdf");
    laws::chunking(&stream[2000..], |pieces| read(pieces, &Limits::DEFAULT));
}

#[test]
fn law_2_a_prefix_is_incomplete_by_what_is_missing() {
    for (_, bytes) in frames().into_iter().filter(|(_, bytes)| bytes.len() < 200) {
        laws::prefix(&bytes, |bytes| match PackageRef::decode_prefix(bytes, &Limits::DEFAULT).unwrap() {
            Decoded::Complete { consumed, .. } => Prefix::Complete { consumed },
            Decoded::Incomplete { needed } => Prefix::Incomplete { needed: needed.get() },
        });
        for len in 0..bytes.len() {
            let Ok(Decoded::Incomplete { needed }) = PackageRef::decode_prefix(&bytes[..len], &Limits::DEFAULT) else {
                panic!("{len} bytes of {}", to_hex(&bytes));
            };
            // To the end of the header, and then exactly to the end of the package.
            let end = if len < HEADER_LEN { HEADER_LEN } else { bytes.len() };
            assert_eq!(needed.get(), end - len);
        }
    }
}

#[test]
fn law_5_views_allocate_nothing_and_nothing_is_reserved_for_a_length() {
    for (_, bytes) in frames().into_iter().filter(|(_, bytes)| bytes.len() < 40).step_by(12) {
        for hostile in laws::mutations(&bytes) {
            laws::totality(&hostile, 0, |bytes| {
                let _ = PackageRef::decode(bytes);
                let _ = Decoder::new().finish(bytes);
            });
        }
    }
    for len in [u32::MAX, u32::MAX - 7, u32::MAX - 8, 1 << 31, (1 << 30) + 1] {
        let header = Header { len, id: 1, kind: 32 }.to_bytes();
        let error = assert_no_alloc(|| PackageRef::decode(&header).unwrap_err());
        assert_eq!((error.kind(), error.limit()), (DecodeErrorKind::LimitExceeded, Some(Limit::MaxDataLen)));
        let all = Limits::DEFAULT.with_max_data_len(u32::MAX);
        let waits = assert_no_alloc(|| PackageRef::decode_prefix(&header, &all).unwrap());
        assert!(matches!(waits, Decoded::Incomplete { needed } if needed.get() == len as usize));
    }
    let frame = b"\x0c\x00\x00\x00\x00\x00\x21\xde\xef\x85admin\x84pass";
    slices::at_every_offset(frame, |bytes| assert_eq!(PackageRef::decode(bytes).unwrap().data.len(), 12));
    slices::before_guard_page(frame, |bytes| assert_eq!(PackageRef::decode(bytes).unwrap().data.len(), 12));
}

/// What is over the limit is not written, and neither is what does not fit: nothing of it.
#[test]
fn law_4_the_encoder_has_the_same_limits() {
    let data = [0; 20];
    let package = PackageRef { id: 1, kind: 34, data: &data };
    let limits = Limits::DEFAULT.with_max_data_len(19);
    let mut out = vec![7];
    let error = package.encode_with(&mut out, &limits).unwrap_err();
    assert_eq!(error, EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met: 20, max: 19 });
    assert_eq!(out, [7]);
    let mut room = [9; 27];
    let mut rest = &mut room[..];
    assert_eq!(package.encode(&mut rest), Err(EncodeError::BufferTooSmall { len: 28, available: 27 }));
    assert_eq!(rest.remaining_mut(), 27);
    assert_eq!(room, [9; 27]);
    package.encode_with(&mut out, &limits.with_max_data_len(20)).unwrap();
    assert_eq!(out.len(), 29);
}

#[test]
fn data_is_not_shown() {
    let package = PackageRef { id: 0, kind: 33, data: b"\xef\x85admin\x84pass" };
    for shown in [format!("{package:?}"), format!("{:?}", package.into_owned()), format!("{package:#?}")] {
        assert!(shown.contains("12 bytes") && !shown.contains("pass") && !shown.contains("112"), "{shown}");
    }
}

#[cfg(feature = "tokio-util")]
#[test]
fn law_6_the_codec_is_the_decoder() {
    use bytes::BytesMut;
    use thingsdb_wire::{Codec, CodecError};
    use tokio_util::codec::Decoder as _;

    let stream: Vec<u8> = frames().into_iter().flat_map(|(_, bytes)| bytes).take(2000).collect();
    let (expected, _) = read(&mut std::iter::once(&stream[..]), &Limits::DEFAULT);
    for size in [1, 7, 64, stream.len()] {
        let (mut codec, mut buffer, mut found) = (Codec::new(), BytesMut::new(), Vec::new());
        for piece in stream.chunks(size) {
            buffer.extend_from_slice(piece);
            while let Some(package) = codec.decode(&mut buffer).unwrap() {
                found.push(package);
            }
        }
        assert_eq!(found, expected);
        let torn = codec.decode_eof(&mut buffer);
        assert!(matches!(torn, Err(CodecError::Decode(error)) if error.offset() == 2000), "{torn:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 10 } else { 5000 }))]

    #[test]
    fn law_3_any_package_comes_back(id: u16, kind: u8, data in prop::collection::vec(any::<u8>(), 0..300)) {
        let package = PackageRef { id, kind, data: &data };
        let bytes = package.encode_to_vec().unwrap();
        // Its header by the document's own words.
        let [len @ .., _, _, _, _] = <[u8; 8]>::try_from(&bytes[..8]).unwrap();
        prop_assert_eq!(u32::from_le_bytes(len) as usize, data.len());
        prop_assert_eq!(&bytes[4..8], &[id as u8, (id >> 8) as u8, kind, kind ^ 0xff]);
        prop_assert_eq!(PackageRef::decode(&bytes).unwrap(), package);
    }
}

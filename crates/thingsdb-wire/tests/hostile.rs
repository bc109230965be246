//! Framing and bodies in MessagePack that mean harm: one test or comment for each bug class R1 to R15. The machines have theirs in
//! `client.rs`, `server.rs` and `pair.rs`.
#![cfg(feature = "msgpack")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

mod common;

use bytes::Bytes;
use common::{frames, read};
use testkit::laws::{self, hostile_lengths};
use testkit::vectors::to_hex;
use testkit::{SMALL_STACK, assert_no_alloc, measure, on_small_stack, slices};
use thingsdb_wire::module::{self, FromModule, ToModule};
use thingsdb_wire::msgpack::{Data, Reader, ValueRef, ValuesBuf, ValuesRef};
use thingsdb_wire::v1::{AnswerRef, Credentials, ErrorCode, ErrorRef, EventRef, ExtRef, Kind, RequestRef, Room, Scope};
use thingsdb_wire::{
    Body, BodyError, BodyErrorKind, DecodeError, DecodeErrorKind, Decoded, Decoder, EncodeError, Header, Limit, Limits,
    Package, PackageRef,
};

/// The body that its TYPE and who sends it say.
fn body(package: PackageRef<'_>) -> Result<(), BodyError> {
    match package.kind {
        0..16 => EventRef::decode(package).map(drop),
        16..32 => AnswerRef::decode(package).map(drop),
        64..96 => FromModule::decode(package).map(drop),
        _ => RequestRef::decode(package).map(drop),
    }
}

fn walk_run(values: ValuesRef<'_>) {
    assert_eq!(values.iter().count(), values.len());
    assert!(values.iter().filter_map(ExtRef::of).count() <= values.len());
    let _ = values.rooms().count();
}

/// Every public way to read a body, under every TYPE: it allocates nothing, whatever comes.
fn read_every_way(data: &[u8]) {
    for kind in (0..10).chain(15..20).chain(31..42).chain([64, 65, 66, 80, 81, 82, 255]) {
        let package = PackageRef { id: 1, kind, data };
        match RequestRef::decode(package) {
            Ok(RequestRef::Join { rooms: run, .. } | RequestRef::Leave { rooms: run, .. }) => walk_run(run),
            Ok(RequestRef::Emit { args: run, .. } | RequestRef::EmitPeer { args: run, .. }) => walk_run(run),
            _ => {}
        }
        if let Ok(EventRef::RoomEmit { args, .. }) = EventRef::decode(package) {
            walk_run(args);
        }
        let _ = (AnswerRef::decode(package), ToModule::from(package), FromModule::decode(package));
    }
    let whole = Data::of(PackageRef { id: 1, kind: 18, data });
    let _ = (whole.value().map(ExtRef::of), whole.room_ids(|_| ()), ValueRef::decode(data));
    let mut reader = Reader::new(data);
    while reader.token().is_ok() {}
    let _ = (Reader::new(data).skip(), reader.finish());
}

/// Where a value is due: the TYPE and what comes before.
const PLACES: [(Kind, &[u8]); 21] = [
    (Kind::AUTH, b""),
    (Kind::AUTH, b"\x92"),
    (Kind::AUTH, b"\x92\xa0"),
    (Kind::QUERY, b"\x92"),
    (Kind::QUERY, b"\x92\xa0"),
    (Kind::QUERY, b"\x93\xa0\xa0"),
    (Kind::QUERY, b"\x93\xa0\xa0\x81\xa0"),
    (Kind::RUN, b"\x93\xa0\xa0"),
    (Kind::JOIN, b"\x92\xa0"),
    (Kind::EMIT, b"\x93\xa0"),
    (Kind::EMIT, b"\x94\xa0\x05\xa0"),
    (Kind::ERROR, b""),
    (Kind::ERROR, b"\x81"),
    (Kind::ERROR, b"\x81\xaaerror_code"),
    (Kind::ERROR, b"\x81\xa9error_msg"),
    (Kind::NODE_STATUS, b""),
    (Kind::ROOM_JOIN, b"\x81\xa5scope"),
    (Kind::ROOM_EMIT, b"\x81\xa4args"),
    (Kind::WARN, b"\x81\xa5other"),
    (Kind(module::Kind::ERR.0), b""),
    (Kind(module::Kind::ERR.0), b"\x92\xff"),
];

#[test]
fn r01_announced_lengths_reserve_nothing() {
    let headers = [
        (0xd9_u8, 1),
        (0xda, 2),
        (0xdb, 4),
        (0xc4, 1),
        (0xc5, 2),
        (0xc6, 4),
        (0xc7, 1),
        (0xc8, 2),
        (0xc9, 4),
        (0xdc, 2),
        (0xdd, 4),
        (0xde, 2),
        (0xdf, 4),
    ];
    let mut tried = 0;
    for (kind, before) in PLACES {
        for (first, size) in headers {
            for content in [&b""[..], b"abc"] {
                for len in hostile_lengths(8 * size as u32, content.len() as u64) {
                    if len <= content.len() as u64 {
                        continue;
                    }
                    let data = [before, &[first], &len.to_be_bytes()[8 - size..], content].concat();
                    let error = assert_no_alloc(|| body(PackageRef { id: 1, kind: kind.0, data: &data })).unwrap_err();
                    let found = (error.kind(), error.offset());
                    assert_eq!(found, (BodyErrorKind::UnexpectedEnd, data.len() as u64), "{kind} {}", to_hex(&data));
                    if tried % 16 == 0 {
                        laws::totality(&data, 0, read_every_way);
                    }
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 2000, "{tried}");
}

/// And LEN itself: see also law 5 in `laws.rs`.
#[test]
fn r01_an_announced_package_reserves_nothing() {
    for len in hostile_lengths(32, 3) {
        let bytes = [&Header { len: len as u32, id: 1, kind: 18 }.to_bytes()[..], b"abc"].concat();
        let all = Limits::DEFAULT.with_max_data_len(u32::MAX);
        for limits in [Limits::V1, Limits::LEGACY, Limits::SIRIDB, all] {
            assert_no_alloc(|| {
                let _ = Decoder::with_limits(&limits).decode(&bytes);
                let _ = Decoder::with_limits(&limits).finish(&bytes);
            });
        }
    }
}

const MANY: usize = if cfg!(miri) { 100 } else { 100_000 };

#[test]
fn r02_small_elements_cost_a_view_nothing_and_an_encoder_its_bytes() {
    for element in [&b"\xc0"[..], b"\x90", b"\x80", b"\xa0", b"\xc4\0", b"\xc7\0\x05"] {
        let run = element.repeat(MANY);
        let data = [&[0xdd][..], &(MANY as u32 + 3).to_be_bytes(), b"\xa0\x05\xa0", &run].concat();
        assert_no_alloc(|| read_every_way(&data));
        let request = RequestRef::decode(PackageRef { id: 1, kind: 40, data: &data }).unwrap();
        let (again, stats) = measure(|| request.to_body().unwrap());
        assert!(again.data == data);
        // A vector that doubles while it grows.
        assert!(stats.peak <= 2 * data.len() + 1024, "{} for {}", stats.peak, data.len());
    }
    // Further keys of a map are passed, and kept nowhere.
    let data = [&[0xdf][..], &(MANY as u32).to_be_bytes(), &b"\xc0\xc0".repeat(MANY)].concat();
    assert_no_alloc(|| read_every_way(&data));
}

#[test]
fn r03_a_mebibyte_of_openers_needs_no_stack() {
    const LEN: usize = if cfg!(miri) { 1 << 12 } else { 1 << 20 };
    for (kind, before) in PLACES {
        for opener in [&b"\x91"[..], b"\x81\xc0", b"\x81"] {
            let open = [before, &opener.repeat(LEN / opener.len())].concat();
            on_small_stack(SMALL_STACK, || {
                assert_no_alloc(|| body(PackageRef { id: 1, kind: kind.0, data: &open })).unwrap_err();
            });
        }
    }
    let deep = [vec![0x91; LEN], vec![0xc0]].concat();
    on_small_stack(SMALL_STACK, || {
        assert_no_alloc(|| read_every_way(&deep));
        let value = ValueRef::decode(&deep).unwrap();
        let request = RequestRef::Run { scope: "", procedure: "", args: Some(value) };
        let body = request.to_body().unwrap();
        let package = body.with_id(1);
        assert!(RequestRef::decode(package.as_ref()).unwrap() == request);
        assert!(format!("{request:?} {body:?} {package:?} {value:?}").len() < 1000);
        drop((package.clone(), body.clone()));
    });
}

/// The types given to `payload` do recurse; see also `payload.rs`.
#[cfg(feature = "serde")]
#[test]
fn r03_a_payload_ends_at_its_limit() {
    let deep = vec![0x91; if cfg!(miri) { 1 << 12 } else { 1 << 20 }];
    let data = Data::of(PackageRef { id: 1, kind: 18, data: &deep });
    on_small_stack(8 * SMALL_STACK, || data.payload::<serde::de::IgnoredAny>().unwrap_err());
}

#[test]
fn r04_short_and_odd_input_is_answered() {
    let mut inputs: Vec<Vec<u8>> = frames()
        .into_iter()
        .filter(|(vector, bytes)| {
            let dialect = &vector["dialect"];
            (dialect == "v1-msgpack" || dialect == "module-msgpack") && bytes.len() <= 64
        })
        .map(|(_, bytes)| bytes)
        .collect();
    inputs.sort();
    inputs.dedup_by(|one, other| one[6..] == other[6..]);
    let mut tried = 0;
    for frame in inputs.iter().step_by(3) {
        let mutations: Vec<_> = laws::mutations(&frame[8..]).step_by(3).collect();
        tried += mutations.len();
        on_small_stack(SMALL_STACK, || {
            for data in &mutations {
                assert_no_alloc(|| {
                    let _ = body(PackageRef { id: 1, kind: frame[6], data });
                    let mut reader = Reader::new(data);
                    while reader.token().is_ok() {}
                });
            }
            if let Some(data) = mutations.get(7) {
                read_every_way(data);
            }
        });
    }
    assert!(tried > 10_000 || cfg!(miri), "{tried}");
    for data in [&b""[..], b"\xc1", b"\x92", b"\xdd\0\0\0\0", b"\xff"] {
        laws::totality(data, 0, read_every_way);
    }
}

/// The Go client adds 8 to LEN in 32 bits: eight bytes are enough to make it panic.
#[test]
fn r05_a_length_that_wraps_with_its_header_is_refused_or_waited_for() {
    for len in 0xffff_fff8..=u32::MAX {
        let header = Header { len, id: 0xffff, kind: 18 }.to_bytes();
        for limits in [Limits::V1, Limits::LEGACY, Limits::SIRIDB] {
            let error = PackageRef::decode_with(&header, &limits).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::LimitExceeded, 0));
        }
        let all = Limits::DEFAULT.with_max_data_len(u32::MAX);
        let mut decoder = Decoder::with_limits(&all);
        for input in [&header[..], &[&header[..], b"abcdefgh"].concat()] {
            let Ok(Decoded::Incomplete { needed }) = decoder.decode(input) else { panic!("{len:x}") };
            assert_eq!(needed.get() as u64, u64::from(len) + 8 - input.len() as u64);
        }
        let error = decoder.finish(&header).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::UnexpectedEnd, 8));
    }
}

/// Inside a body: a length of 2^32-1 at the end of another.
#[test]
fn r05_lengths_that_wrap_inside_a_body_are_refused() {
    for first in [0xc6_u8, 0xc9, 0xdb, 0xdd, 0xdf] {
        for len in [u32::MAX, u32::MAX - 1, u32::MAX - 4, u32::MAX - 8, 1 << 31] {
            let data = [b"\x93\xa0\x05", &[first][..], &len.to_be_bytes(), &[0; 9]].concat();
            let error = body(PackageRef { id: 1, kind: 38, data: &data }).unwrap_err();
            assert_eq!((error.kind(), error.what()), (BodyErrorKind::UnexpectedEnd, "room"), "{}", to_hex(&data));
        }
    }
}

/// The C# client takes one byte of LEN and of ID: bodies and IDs at the ends of what one and two bytes hold. rmpv says what a text of
/// such a length looks like.
#[test]
fn r06_lengths_and_ids_are_written_in_full() {
    for len in [0, 1, 31, 32, 254, 255, 256, 257, 65_534, 65_535, 65_536, 65_537] {
        let text = "x".repeat(len);
        let mut expected = Vec::new();
        rmpv::encode::write_value(&mut expected, &rmpv::Value::from(text.as_str())).unwrap();
        let request = RequestRef::Auth(Credentials::Token(&text));
        let package = request.to_body().unwrap().with_id(1);
        assert!(package.data == expected, "{len}");
        assert!(RequestRef::decode(package.as_ref()).unwrap() == request);

        let mut run = ValuesBuf::new();
        run.push_bin(text.as_bytes()).push_ext(ExtRef::Name(text.as_bytes()));
        let mut expected = Vec::new();
        rmpv::encode::write_value(&mut expected, &rmpv::Value::Binary(text.clone().into_bytes())).unwrap();
        rmpv::encode::write_value(&mut expected, &rmpv::Value::Ext(6, text.clone().into_bytes())).unwrap();
        assert!(run.as_ref().as_bytes() == expected, "{len}");

        let ids: Vec<i64> = (0..len as i64).collect();
        let rooms = Room::values(ids.iter().map(|id| Room::Id(*id)));
        let request = RequestRef::Join { scope: "//stuff", rooms: rooms.as_ref() };
        let body = request.to_body().unwrap();
        let tree = rmpv::decode::read_value(&mut &body.data[..]).unwrap();
        assert_eq!(tree.as_array().unwrap().len(), len + 1);

        // A package of exactly so many bytes, in one read with another.
        for id in [0, 1, 254, 255, 256, 257, 65_534, 65_535] {
            let package = Package { id, kind: 18, data: Bytes::from(text.clone()) };
            let bytes = package.as_ref().encode_to_vec().unwrap();
            assert_eq!(&bytes[..4], (len as u32).to_le_bytes());
            assert_eq!(&bytes[4..6], id.to_le_bytes());
            let stream = [&bytes[..], &bytes].concat();
            for size in [stream.len(), len + 7, len + 9] {
                let (found, end) = read(&mut stream.chunks(size.max(1)), &Limits::DEFAULT);
                assert!(found == [package.clone(), package.clone()] && end == Ok(0), "{len} {id} {size}");
            }
        }
    }
    // 4 GiB and more do not fit LEN; that the limit is at most 2^32-1 and is checked before anything is written is law 4 in `laws.rs`.
}

#[test]
fn r07_bytes_that_come_one_by_one_cost_no_more() {
    if cfg!(miri) {
        return;
    }
    let stream = |n: usize| {
        let data = vec![0xc0; n];
        PackageRef { id: 1, kind: 18, data: &data }.encode_to_vec().unwrap()
    };
    laws::linear_cpu(20_000, stream, |bytes| read(&mut bytes.chunks(1), &Limits::DEFAULT).0.len());
    laws::linear_cpu(1_000, |n| stream(1).repeat(n), |bytes| read(&mut bytes.chunks(1), &Limits::DEFAULT).0.len());
}

#[test]
fn r07_maps_of_many_equal_or_distinct_keys_are_linear() {
    if cfg!(miri) {
        return;
    }
    let map = |n: usize, key: &dyn Fn(usize) -> String| {
        let mut data = [&[0xdf][..], &(n as u32 + 1).to_be_bytes()].concat();
        for index in 0..n {
            let key = key(index);
            data.push(0xa0 | key.len() as u8);
            data.extend(key.as_bytes());
            data.push(0xc0);
        }
        [&data[..], b"\xa2id\x05"].concat()
    };
    let decode = |data: Vec<u8>| body(PackageRef { id: 1, kind: 6, data: &data }).unwrap();
    laws::linear_cpu(5_000, |n| map(n, &|_| "same".into()), decode);
    laws::linear_cpu(5_000, |n| map(n, &|index| format!("k{index}")), decode);
    let rooms = |n: usize| [&[0xdd][..], &(n as u32 + 1).to_be_bytes(), b"\xa0", &b"\xa1r".repeat(n)].concat();
    laws::linear_cpu(5_000, rooms, |data| body(PackageRef { id: 1, kind: 38, data: &data }).unwrap());
}

#[test]
fn r08_every_call_takes_something_or_says_what_it_wants() {
    for (_, bytes) in frames().into_iter().filter(|(_, bytes)| bytes.len() < 120) {
        let mut decoder = Decoder::new();
        for end in 0..bytes.len() {
            match decoder.decode(&bytes[..end]) {
                Ok(Decoded::Incomplete { needed }) => assert!(needed.get() <= bytes.len() - end),
                other => panic!("{other:?}"),
            }
            // At the end of the stream: nothing, or a torn package, told again and again.
            let mut at_end = decoder.clone();
            let ended = at_end.finish(&bytes[..end]);
            assert_eq!(ended.is_ok(), end == 0);
            assert_eq!(at_end.finish(&bytes[..end]), ended);
        }
        assert!(matches!(decoder.decode(&bytes), Ok(Decoded::Complete { consumed, .. }) if consumed == bytes.len()));
        assert!(matches!(decoder.decode(b""), Ok(Decoded::Incomplete { .. })));
        assert_eq!(decoder.finish(b""), Ok(()));
        let mut reader = Reader::new(&bytes[8..]);
        let mut steps = 0;
        while reader.finish().is_err() {
            let before = reader.position();
            if reader.token().is_err() {
                assert_eq!(reader.position(), before);
                break;
            }
            assert!(reader.position() > before);
            steps += 1;
            assert!(steps <= bytes.len());
        }
    }
}

// R9, unsound fast paths: no unsafe code is allowed here. What is left is text that is not checked, and reads past the end.
#[test]
fn r09_every_place_in_memory_reads_the_same() {
    for (vector, bytes) in frames().into_iter().filter(|(vector, _)| vector["dialect"] == "v1-msgpack").step_by(3) {
        let verdict = |bytes: &[u8]| body(PackageRef::decode(bytes).unwrap());
        let expected = verdict(&bytes);
        slices::at_every_offset(&bytes, |bytes| assert_eq!(verdict(bytes), expected, "{vector}"));
        slices::before_guard_page(&bytes, |bytes| assert_eq!(verdict(bytes), expected, "{vector}"));
    }
}

#[test]
fn r09_texts_are_utf8_in_each_field() {
    let texts: [(u8, &[u8], &str); 10] = [
        (33, b"\x92", "user"),
        (33, b"\x92\xa0", "password"),
        (34, b"\x92", "scope"),
        (34, b"\x92\xa0", "code"),
        (37, b"\x92\xa0", "procedure"),
        (40, b"\x93\xa0", "room"),
        (40, b"\x93\xa0\x05", "event"),
        (19, b"\x81\xa9error_msg", "error_msg"),
        (5, b"\x81\xa8warn_msg", "warn_msg"),
        (82, b"\x92\xff", "text"),
    ];
    // Overlong, a surrogate, beyond the last plane, cut, a lone continuation.
    for bad in [&b"\xc0\x80"[..], b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"a\x80", b"12345678\xff12345678"]
    {
        for (kind, before, what) in texts {
            let data = [before, &[0xa0 | bad.len() as u8], bad, b"\xa0"].concat();
            let error = body(PackageRef { id: 1, kind, data: &data }).unwrap_err();
            let found = (error.kind(), error.offset(), error.what());
            assert_eq!(found, (BodyErrorKind::InvalidUtf8, before.len() as u64, what), "{kind} {}", to_hex(bad));
        }
    }
}

// R10, conversions of time: neither packages nor bodies have a time; one in an extension (-1) is bytes.

/// Code, closures, regular expressions and nested MessagePack are bytes: nothing looks into them.
#[test]
fn r11_content_is_not_interpreted() {
    let mut run = ValuesBuf::new();
    let hostile = b"\xdd\xff\xff\xff\xff\xc1";
    for ext in [
        ExtRef::Mpdata(hostile),
        ExtRef::Regex(b"/(a+)+$/"),
        ExtRef::Closure(b"|| wse()"),
        ExtRef::AnonymousType(hostile),
    ] {
        run.push_ext(ext);
        let value = run.as_ref().iter().last().unwrap();
        assert_eq!(ExtRef::of(value), Some(ext));
        assert_eq!(ValueRef::decode(value.as_bytes()), Ok(value));
    }
    let code = "del('everything'); \u{0}";
    let query = RequestRef::Query { scope: "@t", code, variables: None };
    let body = query.to_body().unwrap().with_id(1);
    assert!(matches!(RequestRef::decode(body.as_ref()), Ok(RequestRef::Query { code: found, .. }) if found == code));
}

/// What a reader of bodies makes of a stream; at a wrong header it ends.
fn bodies(pieces: &mut dyn Iterator<Item = &[u8]>) -> Vec<Result<(u16, u8), BodyError>> {
    let (packages, end) = read(pieces, &Limits::V1);
    assert!(end.is_ok());
    let one = |package: &Package| body(package.as_ref()).map(|()| (package.id, package.kind));
    packages.iter().map(one).collect()
}

/// The Python client loses every package behind one that does not decode, and its place in the stream if a read ends in one.
#[test]
fn r12_a_body_that_does_not_decode_costs_no_other_package() {
    let frame = |id, kind, data: &[u8]| PackageRef { id, kind, data }.encode_to_vec().unwrap();
    let good = [frame(1, 18, b"\x02"), frame(2, 19, b"\x82\xaaerror_code\xff\xa9error_msg\xa1m")].concat();
    let after = [frame(4, 17, b""), frame(65535, 6, b"\x81\xa2id\x05")].concat();
    for bad in
        [&b""[..], b"\xc1", b"\x80", b"\x82\xaaerror_code", b"\xdd\xff\xff\xff\xff", b"\x82\0\xff\xff\xff\xff\x20\xdf"]
    {
        laws::good_bad_good(&good, &frame(3, 19, bad), &after, bodies);
    }
}

/// It takes a wrong CHK for right. Here it is an error as soon as the header is there, final, and what came before is delivered: it cannot
/// be known where the next package begins.
#[test]
fn r12_a_wrong_check_byte_ends_the_stream_behind_the_good_packages() {
    let good = PackageRef { id: 1, kind: 18, data: b"\x02" }.encode_to_vec().unwrap();
    let stream = [&good[..], b"\xff\xff\xff\xff\x03\x00\x12\x12", &good].concat();
    for check in (0..=0xff_u8).filter(|check| *check != 0xed) {
        let mut stream = stream.clone();
        stream[good.len() + 7] = check;
        laws::chunking(&stream, |pieces| {
            let (packages, end) = read(pieces, &Limits::V1);
            assert_eq!(packages.iter().map(|package| package.id).collect::<Vec<_>>(), [1]);
            let error = end.unwrap_err();
            assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::InvalidCheck, good.len() as u64 + 7));
            error
        });
        if cfg!(miri) {
            break;
        }
    }
}

/// The Java client reads the second package of one read from the wrong place, and drops what it has of one that is not complete.
#[test]
fn r12_the_second_package_of_a_read_and_a_part_of_the_third() {
    let packages: Vec<_> = [300_usize, 20, 1000]
        .iter()
        .enumerate()
        .map(|(index, len)| Package { id: index as u16, kind: 18, data: Bytes::from(vec![index as u8; *len]) })
        .collect();
    let stream: Vec<u8> = packages.iter().flat_map(|package| package.as_ref().encode_to_vec().unwrap()).collect();
    for first in [336, 337, 340, 344, 345, 700, stream.len() - 1] {
        for second in [1, 7, 8, 9, 500] {
            let middle = (first + second).min(stream.len());
            let mut pieces = [&stream[..first], &stream[first..middle], &stream[middle..]].into_iter();
            assert_eq!(read(&mut pieces, &Limits::V1), (packages.clone(), Ok(0)), "{first} {second}");
        }
    }
}

#[test]
fn r13_a_package_that_is_too_long_is_refused_at_its_header() {
    for (limits, max) in [(Limits::V1, 1 << 30), (Limits::LEGACY, 200 << 20), (Limits::SIRIDB, 40 << 20)] {
        for len in [max + 1, 1 << 31, u32::MAX] {
            let header = Header { len, id: 1, kind: 32 }.to_bytes();
            let error = Decoder::with_limits(&limits).decode(&header).unwrap_err();
            assert_eq!((error.kind(), error.limit()), (DecodeErrorKind::LimitExceeded, Some(Limit::MaxDataLen)));
        }
        let header = Header { len: max, id: 1, kind: 32 }.to_bytes();
        let waits = Decoder::with_limits(&limits).decode(&header);
        assert!(matches!(waits, Ok(Decoded::Incomplete { needed }) if needed.get() == max as usize), "{waits:?}");
    }
}

#[test]
fn r13_a_flood_of_nothing_leaves_nothing_behind() {
    let flood = b"\0\0\0\0\x01\0\x20\xdf".repeat(if cfg!(miri) { 100 } else { 1_000_000 });
    let mut decoder = Decoder::new();
    let mut rest = &flood[..];
    let seen = assert_no_alloc(|| {
        let mut seen = 0;
        while let Ok(Decoded::Complete { value, consumed }) = decoder.decode(rest) {
            assert_eq!((value.id, value.kind, RequestRef::decode(value)), (1, 32, Ok(RequestRef::Ping)));
            rest = &rest[consumed..];
            seen += 1;
        }
        seen
    });
    assert_eq!((seen, rest.len()), (flood.len() / 8, 0));
}

#[test]
fn r14_numbers_cost_what_their_bytes_cost() {
    for digits in ["9".repeat(10_000), "0".repeat(10_000), format!("-{}", "1".repeat(10_000))] {
        let text = format!("@node:{digits}");
        let found = assert_no_alloc(|| Scope::parse(&text));
        // Zeros alone are a number: 0.
        assert_eq!(found.ok(), digits.starts_with('0').then_some(Scope::Node(Some(0))));
    }
    for id in [0, -1, i64::MIN, i64::MAX] {
        let mut run = ValuesBuf::new();
        run.push_int(id);
        assert_eq!(run.as_ref().rooms().collect::<Vec<_>>(), [Room::Id(id)]);
        assert!(ErrorCode(id).to_string().len() <= 20);
    }
}

/// One way to read under a limit, or to write.
type Framed = (&'static str, fn(&[u8], &Limits) -> Result<(), DecodeError>);

/// Every public way to read a package. R15: whoever adds one adds it here.
fn framings() -> Vec<Framed> {
    vec![
        ("PackageRef::decode_with", |bytes, limits| PackageRef::decode_with(bytes, limits).map(drop)),
        ("PackageRef::decode_prefix", |bytes, limits| PackageRef::decode_prefix(bytes, limits).map(drop)),
        ("Package::decode_bytes_with", |bytes, limits| {
            Package::decode_bytes_with(&Bytes::copy_from_slice(bytes), limits).map(drop)
        }),
        ("Decoder::decode", |bytes, limits| Decoder::with_limits(limits).decode(bytes).map(drop)),
        ("Decoder::decode after reset", |bytes, limits| {
            let mut decoder = Decoder::with_limits(limits);
            decoder.reset();
            decoder.decode(bytes).map(drop)
        }),
        ("Decoder::finish", |bytes, limits| Decoder::with_limits(limits).finish(bytes)),
        #[cfg(feature = "tokio-util")]
        ("Codec::decode", |bytes, limits| {
            use tokio_util::codec::Decoder as _;

            let mut codec = thingsdb_wire::Codec::with_limits(limits);
            match codec.decode(&mut bytes::BytesMut::from(bytes)) {
                Ok(_) => Ok(()),
                Err(thingsdb_wire::CodecError::Decode(error)) => Err(error),
                Err(error) => panic!("{error}"),
            }
        }),
    ]
}

#[test]
fn r15_every_way_to_read_and_to_write_honours_the_limit() {
    for len in [1_u32, 20, 300] {
        let data = vec![0xc0; len as usize];
        let package = PackageRef { id: 1, kind: 18, data: &data };
        let bytes = package.encode_to_vec().unwrap();
        let (exact, less) = (Limits::V1.with_max_data_len(len), Limits::V1.with_max_data_len(len - 1));
        for (way, decode) in framings() {
            assert_eq!(decode(&bytes, &exact), Ok(()), "{way}");
            let error = decode(&bytes, &less).unwrap_err();
            assert_eq!(
                (error.kind(), error.limit()),
                (DecodeErrorKind::LimitExceeded, Some(Limit::MaxDataLen)),
                "{way}"
            );
        }
        let expected = EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met: len.into(), max: (len - 1).into() };
        assert_eq!(package.header(&less), Err(expected));
        assert_eq!(laws::nothing_written(|out| package.encode_with(out, &less)), expected);
        assert_eq!(package.encode_with(&mut Vec::new(), &exact), Ok(()));
        let answer = AnswerRef::Data(Data::of(package));
        assert_eq!(answer.to_body_with(&less), Err(expected));
        assert_eq!(answer.to_body_with(&exact).unwrap().data, data);
        // That bodies of all types do is in `v1.rs`.
    }
}

/// Under the defaults, too: a mebibyte more than 1 GiB that is not there.
#[test]
fn r15_the_entries_without_settings_are_under_the_defaults() {
    let header = Header { len: (1 << 30) + 1, id: 1, kind: 18 }.to_bytes();
    let kind = |error: DecodeError| error.kind();
    assert_eq!(PackageRef::decode(&header).map_err(kind), Err(DecodeErrorKind::LimitExceeded));
    assert_eq!(
        Package::decode_bytes(&Bytes::copy_from_slice(&header)).map_err(kind),
        Err(DecodeErrorKind::LimitExceeded)
    );
    assert_eq!(Decoder::new().finish(&header).map_err(kind), Err(DecodeErrorKind::LimitExceeded));
    assert_eq!(Decoder::default().decode(&header).map_err(kind), Err(DecodeErrorKind::LimitExceeded));
}

const SECRET: &str = "Tr0ub4dor";

/// The secret as text, and as `Debug` shows a slice of bytes.
fn shows_the_secret(shown: &str) -> bool {
    let as_numbers = format!("{:?}", SECRET.as_bytes());
    let compact: String = shown.split_whitespace().collect();
    let numbers: String = as_numbers.trim_matches(['[', ']']).split_whitespace().collect();
    compact.contains(SECRET) || compact.contains(&numbers)
}

fn secrets() -> [Package; 2] {
    let password = Credentials::Password { user: "admin", password: SECRET };
    [password, Credentials::Token(SECRET)].map(|who| RequestRef::Auth(who).to_body().unwrap().with_id(1))
}

#[test]
fn secrets_are_not_shown() {
    assert!(shows_the_secret(SECRET) && shows_the_secret(&format!("{:#?}", [SECRET.as_bytes(), b"x"].concat())));
    for owned in secrets() {
        let package = owned.as_ref();
        let request = RequestRef::decode(package).unwrap();
        let RequestRef::Auth(credentials) = request else { panic!() };
        let (data, value) = (Data::of(package), ValueRef::decode(package.data).unwrap());
        let mut run = ValuesBuf::new();
        run.push(value).push_str(SECRET);
        let mut shown = vec![
            format!("{owned:?} {owned:#?} {package:?} {package:#?}"),
            format!("{:?} {:#?}", Body::from(owned.clone()), Body::from(owned.clone())),
            format!("{request:?} {request:#?} {credentials:?} {credentials:#?}"),
            format!("{data:?} {value:?} {run:?} {:?} {:?}", run.as_ref(), run.as_ref().iter()),
            format!("{:?} {:?}", Reader::new(package.data), ExtRef::Name(SECRET.as_bytes())),
            format!("{:?} {:?}", ToModule::Conf(data), FromModule::Res(data)),
            format!("{:?}", AnswerRef::Data(data)),
        ];
        let mut reader = Reader::new(package.data);
        while let Ok(token) = reader.token() {
            shown.push(format!("{token:?} {token:#?}"));
        }
        // Faults in it say nothing of it either.
        for end in 0..package.data.len() {
            let error = RequestRef::decode(PackageRef { data: &package.data[..end], ..package }).unwrap_err();
            shown.push(format!("{error:?} {error}"));
        }
        let bytes = package.encode_to_vec().unwrap();
        shown.push(format!("{:?}", PackageRef::decode_with(&bytes, &Limits::V1.with_max_data_len(3))));
        for shown in shown {
            assert!(!shows_the_secret(&shown), "{shown}");
        }
    }
}

/// An AUTH that is read as an answer or an event, or one of another dialect.
#[test]
fn secrets_in_a_package_of_another_type_are_not_shown() {
    let mut found = Vec::new();
    for owned in secrets() {
        let package = owned.as_ref();
        let with = |kind| PackageRef { kind, ..package };
        for (what, shown) in [
            ("RequestRef::Unknown", format!("{:?}", RequestRef::decode(with(2)).unwrap())),
            ("RequestRef::Watch", format!("{:?}", RequestRef::decode(with(35)).unwrap())),
            ("RequestRef::Unwatch", format!("{:?}", RequestRef::decode(with(36)).unwrap())),
            ("AnswerRef::Unknown", format!("{:?}", AnswerRef::decode(package).unwrap())),
            ("EventRef::Unknown", format!("{:?}", EventRef::decode(package).unwrap())),
            ("ToModule::Unknown", format!("{:?}", ToModule::from(package))),
            ("FromModule::Unknown", format!("{:?}", FromModule::decode(package).unwrap())),
        ] {
            if shows_the_secret(&shown) {
                found.push(what);
            }
        }
    }
    assert_eq!(found, [""; 0]);
}

/// `Display` has serde's words, which quote: that is documented.
#[cfg(feature = "serde")]
#[test]
fn secrets_are_not_shown_by_an_error_of_their_type() {
    for owned in secrets() {
        let data = Data::of(owned.as_ref());
        let shown = [
            data.payload::<std::collections::BTreeMap<u8, u8>>().map_err(|error| format!("{error:?}")).unwrap_err(),
            data.payload::<(String, bool)>().map_err(|error| format!("{error:?}")).unwrap_err(),
            data.payload::<(String, std::net::IpAddr)>().map_err(|error| format!("{error:?}")).unwrap_err(),
            data.payload::<char>().map_err(|error| format!("{error:?}")).unwrap_err(),
        ];
        for shown in shown {
            assert!(!shows_the_secret(&shown), "{shown}");
        }
    }
}

/// A body that is refused is not the end of the error's use: it says of which package, and an excerpt is asked for.
#[test]
fn an_error_says_which_package_and_shows_bytes_only_on_demand() {
    let data = b"\x92\xa7//stuff\xc4\x30aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let error = body(PackageRef { id: 513, kind: 34, data }).unwrap_err();
    assert_eq!((error.package_id(), error.package_kind(), error.offset()), (513, 34, 9));
    assert_eq!(error.excerpt(data), &data[9..25]);
    assert_eq!(error.excerpt(&data[..12]), &data[9..12]);
    assert_eq!(error.excerpt(b""), b"");
    assert_eq!(error.to_string(), "value of another type at byte 9 (code) of package 513 of type 34");
    let error = AnswerRef::Error(ErrorRef { code: ErrorCode::AUTH, message: "m" })
        .to_body_with(&Limits::V1.with_max_data_len(5));
    assert_eq!(error.unwrap_err().to_string().split(' ').next_back(), Some("(LEN)"));
}

//! Values at the ends of their ranges: axes (R5), items that end (R8), parts anywhere (R9), times (R10), and pickles (R11).

use std::time::Duration;

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{DecodeErrorKind as Kind, Item, Limits, Timestamp, TrainIndex, TrainWriter, Version};
use testkit::assert_no_alloc;

use crate::support::*;

#[test]
fn r05_products_of_axes_do_not_wrap() {
    const K32: u64 = 1 << 32;
    let refused: [(&[u64], &str, Kind); 10] = [
        (&[K32, K32], "uint8", Kind::InvalidShape),
        (&[K32, K32 - 1, 2], "uint8", Kind::InvalidShape),
        (&[65536, 65536, 65536, 65536], "uint8", Kind::InvalidShape),
        (&[u64::MAX, 2], "uint8", Kind::InvalidShape),
        (&[u64::MAX], "uint16", Kind::InvalidShape),
        (&[1 << 63], "uint16", Kind::InvalidShape),
        (&[u64::MAX / 16 + 1], "complex128", Kind::InvalidShape),
        (&[u64::MAX], "uint8", Kind::InvalidLength),
        (&[65536, 65536], "uint8", Kind::InvalidLength),
        (&[K32 + 4], "uint8", Kind::InvalidLength),
    ];
    for (axes, dtype, kind) in refused {
        for data in [&b""[..], b"1234"] {
            let parts = [&source_header("d")[..], b"\x80", &array_header("d", "p", dtype, &shape(axes)), data];
            let error = assert_no_alloc(|| train(&parts).items().nth(1).unwrap().expect_err("an array").error);
            assert_eq!(error.kind(), kind, "{axes:?} of {dtype}");
            assert_eq!(index_errors(&TrainIndex::new().build(train(&parts))), [error]);
        }
    }
    // Where one axis has nothing, nothing is due, however long the others are.
    for axes in [&[0][..], &[0, u64::MAX, u64::MAX], &[u64::MAX, u64::MAX, 0], &[K32, K32, 0]] {
        let of = |data: &'static [u8]| {
            [source_header("d"), b"\x80".into(), array_header("d", "p", "float64", &shape(axes)), data.into()]
        };
        let parts = of(b"");
        let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("{axes:?}") };
        assert_eq!((array.shape().product(), array.as_array().unwrap().to_vec::<f64>()), (Some(0), Ok(vec![])));
        let parts = of(b"12345678");
        let error = train(&parts).items().nth(1).unwrap().expect_err("an array").error;
        assert_eq!(error.kind(), Kind::InvalidLength);
    }
    // Fields multiply, too.
    for dtype in ["[('a', 'u1', (4294967296, 4294967296))]", "[('a', 'V4294967295', (4294967295, 4294967295))]"] {
        let parts = [source_header("d"), b"\x80".into(), array_header("d", "p", dtype, &shape(&[1])), b"".into()];
        read(&parts, &Limits::DEFAULT);
        if let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) {
            assert!(array.to_array().is_none(), "{array:?}");
        }
    }
}

#[test]
fn r05_negative_and_odd_axes_are_refused() {
    let axes: [&[u8]; 10] = [
        b"\xff",
        b"\xd0\x80",
        b"\xd1\x80\x00",
        b"\xd2\x80\x00\x00\x00",
        b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
        b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xc0",
        b"\xc3",
        b"\xcb\x40\x00\x00\x00\x00\x00\x00\x00",
        b"\xa12",
    ];
    for axis in axes {
        for shape in [[b"\x91", axis].concat(), [b"\x92\x02", axis].concat(), [b"\x92\x00", axis].concat()] {
            let parts = [source_header("d"), b"\x80".into(), array_header("d", "p", "uint8", &shape), b"ab".into()];
            let error = train(&parts).items().nth(1).unwrap().expect_err("an array").error;
            assert_eq!((error.kind(), error.part(), error.what()), (Kind::InvalidShape, 2, "shape"), "{shape:?}");
        }
    }
}

#[test]
fn r08_items_end_and_stay_ended() {
    let messages: [&[&[u8]]; 8] = [
        &[b"\x80"],
        &[b"\x82\xa1a\x80\xa1b\x80"],
        &[b"", b""],
        &[b"", b"", b""],
        &[&b"\xc1"[..]; 7],
        &[b"\x82\xa6source\xa1d\xa7content\xa7msgpack", b"\x80"],
        &[&b"\x82\xa6source\xa1d\xa7content\xa7msgpack"[..]; 3],
        &[&b"\xdf\xff\xff\xff\xff"[..]; 4],
    ];
    for parts in messages {
        let mut items = train(parts).items();
        let most = if parts.len() == 1 { parts[0].len() } else { parts.len().div_ceil(2) };
        let count = items.by_ref().take(100).count();
        assert!(count <= most, "{count} of {} parts", parts.len());
        if parts.len() > 1 {
            // Each pair is one item, and so is a part by itself.
            assert_eq!(count, most);
        }
        assert!((0..3).all(|_| items.next().is_none()));
    }
}

#[test]
fn r09_parts_lie_anywhere() {
    // No unsafe code; that bytes at odd places are read alike is tested all the same.
    let parts =
        [source_header("d"), b"\x81\xa1x\x2a".into(), array_header("d", "p", "float64", &shape(&[2])), vec![7; 16]];
    let whole: Vec<_> = train(&parts).items().map(|item| format!("{item:?}")).collect();
    testkit::slices::at_every_offset(&parts[3], |data| {
        let parts = [&parts[0][..], &parts[1], &parts[2], data];
        let found: Vec<_> = train(&parts).items().map(|item| format!("{item:?}")).collect();
        assert_eq!(found, whole);
        let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("no array") };
        assert_eq!(array.as_array().unwrap().to_vec::<f64>(), Ok(vec![f64::from_le_bytes([7; 8]); 2]));
    });
    let single = [[
        &b"\x81\xa1d\x81\xa1x"[..],
        b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3<f8\xc4\x04kind\xc4\x00\xc4\x05shape\x91\x01\xc4\x04data\xc4\x08",
        &[7; 8],
    ]
    .concat()];
    testkit::slices::at_every_offset(&single[0], |part| {
        let parts = [part];
        let Some(Ok(Item::Source(source))) = train(&parts).items().next() else { panic!("no source") };
        let array = source.get("x").unwrap().as_array().unwrap();
        assert_eq!(array.to_vec::<f64>(), Ok(vec![f64::from_le_bytes([7; 8])]));
    });
    #[cfg(all(unix, not(miri)))]
    for cut in 0..parts[2].len() {
        testkit::slices::before_guard_page(&parts[2][..cut], |header| {
            let parts = [&parts[0][..], &parts[1], header, &parts[3]];
            assert_eq!(read(&parts, &Limits::DEFAULT), (2, 1));
        });
    }
}

#[test]
fn r10_times_at_the_ends_of_their_ranges() {
    let max = u64::MAX.to_string();
    let time = |sec: &[u8], frac: &[u8]| time_of(&with_metadata(&[("timestamp.sec", sec), ("timestamp.frac", frac)]));
    let (nines, padded) = ("9".repeat(18), format!("1{}", "0".repeat(17)));
    let some = |sec, frac| Some(Timestamp { sec, frac });
    let rows: [(&[u8], &[u8], Option<Timestamp>); 14] = [
        (&text(&max), &text(&nines), some(u64::MAX, 999_999_999_999_999_999)),
        (&uint(u64::MAX), &uint(999_999_999_999_999_999), some(u64::MAX, 999_999_999_999_999_999)),
        (b"\xa10", b"\xa10", some(0, 0)),
        (b"\x00", b"\x00", some(0, 0)),
        (b"\xa15", &text(&padded), some(5, 100_000_000_000_000_000)),
        // An integer of a second or more, and digits that are too many.
        (b"\xa15", &uint(1_000_000_000_000_000_000), None),
        (b"\xa15", &uint(u64::MAX), None),
        (b"\xa15", &text(&format!("{nines}9")), None),
        (&text("18446744073709551616"), b"\xa10", None),
        // Before 1970, and no numbers.
        (b"\xff", b"\xa10", None),
        (b"\xa2-1", b"\xa10", None),
        (b"\xa2+1", b"\xa10", None),
        (b"\xa15", b"\xff", None),
        (b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", b"\xa10", None),
    ];
    for (sec, frac, due) in rows {
        assert_eq!(time(sec, frac), due, "{sec:02x?} {frac:02x?}");
    }
    for odd in ["", " 5", "5 ", "0x5", "1e3", "5.0", "\u{665}", "1_0"] {
        assert_eq!((time(&text(odd), b"\xa10"), time(b"\xa10", &text(odd))), (None, None), "{odd:?}");
    }
    // What is told as a float is what it is.
    for bits in [f64::NAN, f64::INFINITY, -0.0, 1e300, f64::MIN].map(f64::to_bits) {
        let parts = with_metadata(&[("timestamp", &[&[0xcb][..], &bits.to_be_bytes()].concat())]);
        let Some(Ok(Item::Source(source))) = train(&parts).items().next() else { panic!("no source") };
        assert_eq!(source.metadata().timestamp().map(f64::to_bits), Some(bits));
        assert_eq!(source.metadata().time(), None);
    }
    // And times are written as the doubles that they become, up to seconds that fit.
    for now in [Duration::ZERO, Duration::from_nanos(1), Duration::new(1 << 40, 0), Duration::MAX] {
        let mut writer = TrainWriter::new(Version::V2_2).with_dummy_timestamps(now);
        writer.source("d");
        let parts: Vec<_> = writer.finish().unwrap().iter().map(|part| part.as_ref().to_vec()).collect();
        let Some(Ok(Item::Source(source))) = train(&parts).items().next() else { panic!("no source") };
        assert_eq!(source.metadata().timestamp(), Some(now.as_secs_f64()));
        let due = Duration::try_from_secs_f64(now.as_secs_f64()).ok();
        let due = due.map(|due| Timestamp { sec: due.as_secs(), frac: u64::from(due.subsec_nanos()) * 1_000_000_000 });
        assert_eq!(time_of(&parts), due, "{now:?}");
    }
}

#[test]
fn r11_pickles_are_refused_by_name_wherever_they_are() {
    // What `pickle.dumps` makes of a call: protocols 1 to 5 begin alike.
    for protocol in 1..=5 {
        let pickle = [&[0x80, protocol][..], b"cposix\nsystem\n(S'false'\ntR."].concat();
        let refused = |parts: &[Vec<u8>], part, what| {
            let error = only_error(parts, &Limits::DEFAULT);
            assert_eq!((error.kind(), error.part(), error.offset(), error.what()), (Kind::Pickle, part, 0, what));
            assert!(error.to_string().starts_with("a pickle, which is not run at byte 0"), "{error}");
        };
        refused(std::slice::from_ref(&pickle), 0, "message");
        refused(&[pickle.clone(), b"\x80".into()], 0, "header");
        refused(&[source_header("d"), pickle.clone()], 1, "data");
        // What is not known is not looked at.
        let parts = [map(&[("source", b"\xa1d"), ("content", b"\xa1x")]), pickle.clone()];
        let Some(Ok(Item::Other(other))) = train(&parts).items().next() else { panic!("no other") };
        assert_eq!(other.data(), pickle);
        // Bytes of an array are bytes.
        let header = array_header("d", "p", "uint8", &shape(&[pickle.len() as u64]));
        let parts = [source_header("d"), b"\x80".into(), header, pickle.clone()];
        let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("no array") };
        assert_eq!(array.data(), pickle);
        // Among values they are bytes or what is told of them, and nothing else.
        let bin = [&[0xc4, pickle.len() as u8][..], &pickle].concat();
        let objects =
            [&b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3|O8\xc4\x04kind\xc4\x01O\xc4\x05shape\x91\x01\xc4\x04data"[..], &bin]
                .concat();
        for (value, is_pickle) in [(&bin, false), (&objects, true)] {
            for parts in [vec![source_header("d"), map(&[("x", value)])], vec![map(&[("d", &map(&[("x", value)]))])]] {
                let Some(Ok(Item::Source(source))) = train(&parts).items().next() else { panic!("no source") };
                let found = source.get("x").unwrap();
                assert_eq!(matches!(found, ValueRef::Pickle(_)), is_pickle, "{found:?}");
                assert_eq!(matches!(found, ValueRef::Bin(_)), !is_pickle, "{found:?}");
            }
        }
    }
    // Words that announce them.
    for word in ["pickle", "pickle.HIGHEST_PROTOCOL", "pickle.DEFAULT_PROTOCOL"] {
        let parts = [map(&[("source", b"\xa1d"), ("content", &text(word))]), b"\x80".into()];
        let error = only_error(&parts, &Limits::DEFAULT);
        assert_eq!((error.kind(), error.part(), error.what()), (Kind::Pickle, 0, "content"));
    }
    // Objects are addresses in somebody's memory: bytes that are no array.
    let parts = [source_header("d"), b"\x80".into(), array_header("d", "p", "object", &shape(&[1])), vec![1; 8]];
    let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("no array") };
    assert!(array.as_array().is_none() && array.to_array().is_none() && array.dtype().parse().is_none());
    assert_eq!((array.dtype().as_str(), array.data()), ("object", &[1; 8][..]));
    // One byte is a train without sources.
    assert_eq!(read(&[b"\x80"], &Limits::DEFAULT), (0, 0));
    assert!(train(&[b"\x80"]).items().next().is_none());
}

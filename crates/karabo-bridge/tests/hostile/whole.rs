//! What is of the whole message: a bad pair among good ones (R12), floods (R13), numbers (R14), and limits on every path (R15).

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{
    DecodeError, DecodeErrorKind as Kind, Item, Limit, Limits, MessageRef, Property, Timestamp, TrainIndex,
};
use testkit::{alloc, assert_no_alloc};

use crate::support::*;

#[test]
fn r12_a_bad_pair_costs_no_good_ones() {
    // All malformed pairs at all places: `laws/faults.rs`.
    let good = [source_header("d"), b"\x81\xa1x\x01".into()];
    let last = [source_header("e"), b"\x81\xa1y\x02".into()];
    for bad in [[b"\xc1".to_vec(), b"".to_vec()], [source_header("d"), b"\x81".to_vec()], [b"".into(), vec![0xff; 99]]]
    {
        let parts: Vec<_> = [&good[..], &bad, &last].concat();
        let items: Vec<_> = train(&parts).items().collect();
        assert_eq!(items.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        let mut index = TrainIndex::new();
        let indexed = index.build(train(&parts));
        assert_eq!(index_errors(&indexed).len(), 1);
        assert_eq!(indexed.get("d", "x"), Some(Property::Value(ValueRef::Int(1))));
        assert_eq!(indexed.get("e", "y"), Some(Property::Value(ValueRef::Int(2))));
    }
}

#[test]
fn r13_floods_of_nothing_end_at_the_limit() {
    // Messages come whole, so nothing is waited for.
    let parts: Vec<&[u8]> = vec![b""; 1 << 16];
    let (found, stats) = alloc::measure(|| read(&parts, &Limits::DEFAULT));
    assert_eq!((found, stats.allocations), ((1 << 15, 1 << 15), 0));
    let parts: Vec<&[u8]> = vec![b""; (1 << 16) + 1];
    let error = assert_no_alloc(|| train_with(&parts, &Limits::DEFAULT).unwrap_err());
    assert_eq!((error.kind(), error.limit()), (Kind::LimitExceeded, Some(Limit::MaxParts)));
    let none: [&[u8]; 0] = [];
    assert_eq!(train_with(&none, &Limits::DEFAULT).unwrap_err().kind(), Kind::NoParts);
    // The sources of version 1.0 are counted, too.
    let single = |n: u32| [[&[0xdf][..], &n.to_be_bytes(), &b"\xa0\x80".repeat(n as usize)].concat()];
    assert_eq!(read(&single(1 << 16), &Limits::DEFAULT), (1 << 16, 0));
    let error = train_with(&single((1 << 16) + 1), &Limits::DEFAULT).unwrap_err();
    assert_eq!((error.kind(), error.limit()), (Kind::LimitExceeded, Some(Limit::MaxParts)));
}

#[test]
fn r14_numbers_cost_what_their_digits_cost() {
    let digits = "9".repeat(10_000);
    // Zeros in front are no number more.
    let zeros = "0".repeat(10_000);
    for (sec, frac, due) in [(&digits[..], "0", None), ("0", &digits, None), (&zeros, "0", Some(0))] {
        let parts = with_metadata(&[("timestamp.sec", &text(sec)), ("timestamp.frac", &text(frac))]);
        let time = assert_no_alloc(|| time_of(&parts));
        assert_eq!(time, due.map(|sec| Timestamp { sec, frac: 0 }));
    }
    // Widths of dtypes, and axes: they are multiplied, not counted up to.
    let dtypes =
        ["V4294967295", "|V4294967295", "S2147483647", "<U1073741823", "U99999999999", "V99999999999999999999"];
    for dtype in dtypes.into_iter().chain([&*format!("S{digits}"), "datetime64[4294967295s]", "M8[99999999999s]"]) {
        for axes in [&[][..], &[u64::MAX], &[0, u64::MAX], &[1 << 40]] {
            let header = array_header("d", "p", dtype, &shape(axes));
            let parts = [source_header("d"), b"\x80".into(), header, b"".into()];
            assert_no_alloc(|| read(&parts, &Limits::DEFAULT));
            if let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) {
                // Nothing is nothing, or not understood.
                assert!(array.as_array().is_none_or(|array| array.shape().product() == Some(0)), "{array:?}");
            }
        }
    }
}

/// Reads a message in each public way, and tells the first error of each.
fn each_way(parts: &[Vec<u8>], limits: &Limits) -> [Option<DecodeError>; 4] {
    let owned = owned_with(parts, limits);
    let train = match train_with(parts, limits) {
        Err(error) => {
            assert_eq!(owned, Some(error));
            return [Some(error); 4];
        }
        Ok(train) => train,
    };
    let mut index = TrainIndex::new();
    let indexed = index.build(train);
    // Whoever asks for what is lost is told nothing.
    let lost = indexed.source("d").is_none() || indexed.get("d", "p").is_none();
    let errors = index_errors(&indexed);
    assert_eq!((lost, owned), (!errors.is_empty(), errors.first().copied()));
    // Pair by pair, too.
    if let [.., header, data] = parts {
        assert_eq!(Item::decode_with(0, header, data, limits).is_err(), lost);
    }
    let from_items = train.items().find_map(|item| item.err().map(|error| error.error));
    let last = train.items().filter_map(|item| item.err().map(|error| error.error)).last();
    [from_items, last, errors.first().copied(), errors.last().copied()]
}

#[test]
fn r15_limits_hold_on_every_path() {
    // Three lists or maps in one another, the header and the data being the first.
    let deep = b"\x91\x91\x00";
    let with_header = |header: Vec<u8>| vec![header, b"\x81\xa1p\x00".to_vec()];
    let entries: [(&str, &[u8]); 2] = [("source", b"\xa1d"), ("content", b"\xa7msgpack")];
    let deep_messages = [
        with_header(map(&[entries[0], entries[1], ("x", deep)])),
        with_header(map(&[entries[0], entries[1], ("metadata", b"\x81\xa1x\x91\x00")])),
        vec![source_header("d"), map(&[("p", deep)])],
        vec![map(&[("d", &map(&[("p", b"\x91\x00")]))])],
    ];
    for parts in &deep_messages {
        for depth in [0, 1, 2, 3, 4, 64, 255] {
            let found = each_way(parts, &Limits::DEFAULT.with_max_depth(depth));
            if depth >= 3 {
                assert_eq!(found, [None; 4], "{depth}");
            } else {
                let limits = found.map(|error| error.map(|error| (error.kind(), error.limit())));
                assert_eq!(limits, [Some((Kind::LimitExceeded, Some(Limit::MaxDepth))); 4], "{depth} for {parts:02x?}");
            }
        }
    }
    let axes = |n: usize| shape(&vec![1; n]);
    let tagged = |n: usize| {
        let head = b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3|u1\xc4\x04kind\xc4\x00\xc4\x05shape";
        [&head[..], &axes(n), b"\xc4\x04data\xc4\x01x"].concat()
    };
    for max in [0_u8, 1, 5, 64] {
        let limits = Limits::DEFAULT.with_max_axes(max);
        for (n, over) in [(usize::from(max), false), (usize::from(max) + 1, true)] {
            for content in ["array", "ImageData"] {
                let header = map(&[
                    ("source", b"\xa1d"),
                    ("content", &text(content)),
                    ("path", b"\xa1p"),
                    ("dtype", b"\xa5uint8"),
                    ("shape", &axes(n)),
                ]);
                let parts = vec![source_header("d"), b"\x80".to_vec(), header, b"x".to_vec()];
                let found = each_way(&parts, &limits).map(|error| error.map(|error| (error.kind(), error.limit())));
                assert_eq!(found, [over.then_some((Kind::LimitExceeded, Some(Limit::MaxAxes))); 4], "{n} of {max}");
            }
            // A tagged map among the values is faulty, and nothing else is lost.
            for parts in
                [vec![source_header("d"), map(&[("p", &tagged(n))])], vec![map(&[("d", &map(&[("p", &tagged(n))]))])]]
            {
                let train = train_with(&parts, &limits).unwrap();
                let Some(Ok(Item::Source(source))) = train.items().next() else { panic!("no source") };
                let found = source.get("p").unwrap();
                assert_eq!(matches!(found, ValueRef::Faulty(..)), over, "{n} of {max}: {found:?}");
                let mut index = TrainIndex::new();
                assert_eq!(index.build(train).get("d", "p"), Some(Property::Value(found)));
            }
        }
    }
    for max in [0_u32, 1, 2, 3] {
        for n in 1..=4_u32 {
            let parts: Vec<Vec<u8>> = (0..n).map(|_| source_header("d")).collect();
            let parts = if n == 1 { vec![b"\x80".to_vec()] } else { parts };
            let found = train_with(&parts, &Limits::DEFAULT.with_max_parts(max)).map(|train| train.parts().len());
            let found = found.map_err(|error| (error.kind(), error.limit()));
            assert_eq!(
                found,
                if n <= max { Ok(n as usize) } else { Err((Kind::LimitExceeded, Some(Limit::MaxParts))) }
            );
        }
    }
    for (max, n) in [(1, 1), (1, 2), (2, 2), (2, 3)] {
        let parts = [[&[0x80 | n as u8][..], &b"\xa0\x80".repeat(n)].concat()];
        let found = train_with(&parts, &Limits::DEFAULT.with_max_parts(max)).map(|train| train.items().count());
        let found = found.map_err(|error| (error.kind(), error.limit()));
        assert_eq!(found, if n <= max as usize { Ok(n) } else { Err((Kind::LimitExceeded, Some(Limit::MaxParts))) });
    }
    // The defaults are those of `decode`, and let real trains through.
    let header = source_header("d");
    let many: Vec<&[u8]> = [&header[..], b"\x80"].repeat(1 << 15);
    let Ok(MessageRef::Train(train)) = MessageRef::decode(&many) else { panic!("refused") };
    assert_eq!(train.items().filter(Result::is_ok).count(), 1 << 15);
    assert!(MessageRef::decode(&[b""; (1 << 16) + 1]).is_err());
}

/// A header is one of the maps that count, as the data and the only part of version 1.0 are.
#[test]
fn r15_no_depth_at_all_allows_no_map() {
    for (parts, due) in [
        (vec![map(&[("source", b"\xa1d"), ("content", b"\xa1x")]), b"".to_vec()], [true, false]),
        (vec![source_header("d"), b"\x81\xa1p\x00".to_vec()], [true, false]),
        // One without entries counts, too.
        (vec![b"\x81\xa1d\x80".to_vec()], [true, true]),
        (vec![b"\x80".to_vec()], [true, false]),
    ] {
        for (depth, due) in [0, 1].into_iter().zip(due) {
            let limits = Limits::DEFAULT.with_max_depth(depth);
            let over = |error: DecodeError| error.limit() == Some(Limit::MaxDepth);
            let found = match train_with(&parts, &limits) {
                Err(error) => over(error),
                Ok(train) => train.items().any(|item| item.is_err_and(|error| over(error.error))),
            };
            assert_eq!(found, due, "{depth}: {parts:02x?}");
        }
    }
}

/// numpy has 64 axes at most, and so has a limit, which is named as that.
#[test]
fn r15_a_limit_of_more_axes_than_there_can_be_is_that_of_numpy() {
    let limits = Limits::DEFAULT.with_max_axes(100);
    for (n, fine) in [(64, true), (65, false), (100, false), (101, false)] {
        let parts =
            [source_header("d"), b"\x80".into(), array_header("d", "p", "uint8", &shape(&vec![1; n])), b"x".into()];
        match train_with(&parts, &limits).unwrap().items().nth(1).unwrap() {
            Ok(_) => assert!(fine, "{n}"),
            Err(error) => assert!(!fine && error.to_string().starts_with("exceeds max_axes 64 at byte "), "{error}"),
        }
    }
}

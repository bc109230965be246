//! The same train in other words: orders of headers, trains of several trains, metadata in each version.

use karabo_bridge::{Item, Timestamp, Version};

use crate::support::*;

#[test]
fn the_order_of_a_header_is_free() {
    let fields: [(&[u8], &[u8]); 5] = [
        (b"source", b"\xa1s"),
        (b"content", b"\xa5array"),
        (b"path", b"\xa1p"),
        (b"dtype", b"\xa6uint16"),
        (b"shape", b"\x92\x01\x02"),
    ];
    let mut orders = vec![vec![]];
    for field in 0..fields.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut longer = order.clone();
                    longer.insert(at, field);
                    longer
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    let first = source_pair("s", &[], &[]);
    for order in orders {
        for tag in [0xd9, 0xc4] {
            let packed: Vec<u8> = order
                .iter()
                .flat_map(|at| {
                    let (name, value) = fields[*at];
                    [&[tag, name.len() as u8][..], name, value].concat()
                })
                .collect();
            let parts = [first[0].clone(), first[1].clone(), [&[0x85][..], &packed].concat(), b"1234".to_vec()];
            let Some(Ok(Item::Array(array))) = train(&parts).items().nth(1) else { panic!("{order:?}") };
            let found = (array.source(), array.path(), array.dtype().as_str(), array.shape().to_string(), array.data());
            assert_eq!(found, ("s", "p", "uint16", "(1, 2)".to_owned(), &b"1234"[..]));
        }
    }
}

#[test]
fn trains_of_several_trains_are_seen() {
    let with = |tids: &[Option<u8>]| -> Vec<Vec<u8>> {
        let pair = |(n, tid): (usize, &Option<u8>)| {
            let tid = tid.map(|tid| [tid]);
            let metadata: Vec<(&str, &[u8])> = tid.iter().map(|tid| ("timestamp.tid", &tid[..])).collect();
            source_pair(&n.to_string(), &metadata, &[])
        };
        tids.iter().enumerate().flat_map(pair).collect()
    };
    let rows: [(&[Option<u8>], bool, Option<u64>); 7] = [
        (&[Some(5), Some(5), Some(5)], false, Some(5)),
        (&[Some(5), Some(6), Some(5)], true, Some(5)),
        (&[Some(5), Some(5), Some(6)], true, Some(5)),
        (&[None, Some(6), None], false, Some(6)),
        (&[None, Some(6), Some(7)], true, Some(6)),
        (&[None, None], false, None),
        // Of servers that know none.
        (&[Some(0), Some(7), Some(0)], false, Some(7)),
    ];
    for (tids, mixed, tid) in rows {
        let parts = with(tids);
        let train = train(&parts);
        assert_eq!((train.is_mixed(), train.tid()), (mixed, tid), "{tids:?}");
        // Each source tells its own.
        let each = train
            .items()
            .map(|item| if let Ok(Item::Source(source)) = item { source.metadata().tid() } else { panic!() });
        assert!(each.eq(tids.iter().map(|tid| tid.map(u64::from))));
    }
}

/// A source with these entries of metadata and properties in each version.
fn in_each_version(metadata: &[(&str, &[u8])], data: &[(&str, &[u8])]) -> [(Version, Vec<Vec<u8>>); 4] {
    let header = map(&[("source", b"\xa1s"), ("content", b"\xa7msgpack")]);
    let nested = map(metadata);
    let beside = [data, &[("metadata", &nested[..])]].concat();
    let flat: Vec<_> = metadata.iter().map(|(name, value)| (format!("metadata.{name}"), *value)).collect();
    let flat: Vec<_> = data.iter().copied().chain(flat.iter().map(|(name, value)| (&name[..], *value))).collect();
    [
        (Version::V1_0, vec![map(&[("s", &map(&beside))])]),
        (Version::V2_0, vec![header.clone(), map(&beside)]),
        (Version::V2_1, vec![header, map(&flat)]),
        (Version::V2_2, source_pair("s", metadata, data).to_vec()),
    ]
}

#[test]
fn ignored_keys_are_read_in_both_places() {
    let keys = b"\x92\xa1a\xa3b.c";
    let rows: [(&[(&str, &[u8])], &[(&str, &[u8])], &[&str]); 6] = [
        (&[("source", b"\xa1s"), ("ignored_keys", keys)], &[], &["a", "b.c"]),
        (&[("source", b"\xa1s")], &[("ignored_keys", keys)], &["a", "b.c"]),
        // Those in the metadata win.
        (&[("ignored_keys", b"\x91\xa1z")], &[("ignored_keys", keys)], &["z"]),
        (&[("ignored_keys", b"\x90")], &[], &[]),
        (&[("source", b"\xa1s")], &[], &[]),
        (&[("ignored_keys", b"\x07")], &[], &[]),
    ];
    for (metadata, data, due) in rows {
        for (version, parts) in in_each_version(metadata, data) {
            let source = source(&parts);
            assert_eq!(source.version(), Some(version));
            assert_eq!(source.ignored_keys().collect::<Vec<_>>(), due, "{version}");
        }
    }
}

#[test]
fn fractions_of_seconds_are_exact_in_every_spelling() {
    let number = |number: u64| [&[0xcf][..], &number.to_be_bytes()].concat();
    let flat = |frac: &[u8]| vec![("timestamp.sec", b"\xaa1526464869".to_vec()), ("timestamp.frac", frac.to_vec())];
    let nested = |frac: u64| {
        let inner = map(&[("tid", b"\x07"), ("sec", &number(1_526_464_869)), ("frac", &number(frac))]);
        vec![("timestamp", inner)]
    };
    let rows = [
        (flat(&text("410975500000000000")), 410_975_500_000_000_000),
        (flat(&text("4109755")), 410_975_500_000_000_000),
        (flat(&text("000000000000000001")), 1),
        (flat(&text("000000000000000000")), 0),
        (flat(&text("0")), 0),
        (flat(&text("1")), 100_000_000_000_000_000),
        (flat(&text("01")), 10_000_000_000_000_000),
        (flat(&text("999999999999999999")), 999_999_999_999_999_999),
        (flat(&text("123456789012345678")), 123_456_789_012_345_678),
        (flat(&text("12345678901234567")), 123_456_789_012_345_670),
        (flat(&number(410_975_500_000_000_000)), 410_975_500_000_000_000),
        (flat(&number(4_109_755)), 4_109_755),
        (flat(&number(1)), 1),
        (flat(b"\x00"), 0),
        (flat(&number(999_999_999_999_999_999)), 999_999_999_999_999_999),
        (nested(4_109_755), 410_975_500_000_000_000),
        (nested(1), 100_000_000_000_000_000),
        (nested(0), 0),
        (nested(123_456_789_012_345_678), 123_456_789_012_345_678),
    ];
    for (metadata, frac) in rows {
        let metadata: Vec<(&str, &[u8])> = metadata.iter().map(|(name, value)| (*name, &value[..])).collect();
        for (version, parts) in in_each_version(&metadata, &[]) {
            let time = source(&parts).metadata().time();
            assert_eq!(time, Some(Timestamp { sec: 1_526_464_869, frac }), "{metadata:02x?} in {version}");
        }
    }
    // Seconds as a number, too, and the one without the other is no time.
    for (metadata, due) in [
        (vec![("timestamp.sec", number(5)), ("timestamp.frac", b"\xa15".to_vec())], Some(500_000_000_000_000_000)),
        (vec![("timestamp.sec", number(5))], None),
        (vec![("timestamp.frac", number(5))], None),
        (nested(1_234_567_890_123_456_789), None),
    ] {
        let metadata: Vec<(&str, &[u8])> = metadata.iter().map(|(name, value)| (*name, &value[..])).collect();
        for (version, parts) in in_each_version(&metadata, &[]) {
            let time = source(&parts).metadata().time().map(|time| time.frac);
            assert_eq!(time, due, "{version}");
        }
    }
    for (version, parts) in in_each_version(&[("timestamp", &map(&[("tid", b"\x07")]))], &[]) {
        assert_eq!(source(&parts).metadata().tid(), Some(7), "{version}");
    }
}

//! Columns against the packets decoded one by one, and what they cost.
#![cfg(feature = "alloc")]
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

testkit::counting_allocator!();

mod common;

use std::iter;

use common::read_stream;
use datakit::{Columns, Config, DecodeError, DecodeErrorKind, Decoder, Limit, Limits, Packet, PacketRef};
use testkit::{Rng, assert_no_alloc, laws, measure};

/// A reading as it stands in the columns: tag, seconds, nanoseconds, bits.
type Row = (String, i64, u32, u64);

/// What is no reading, with the number of rows before it.
type Other = (usize, Result<Packet, DecodeError>);

/// The rows of all columns, which have to be of one length; nanoseconds may be left out where all are 0.
fn rows(columns: &Columns) -> Vec<Row> {
    let len = columns.len();
    assert_eq!((columns.tag_ids().len(), columns.timestamps().len(), columns.values().len()), (len, len, len));
    assert_eq!(columns.is_empty(), len == 0);
    let nanos = columns.nanos();
    assert_eq!(nanos.len(), if nanos.is_empty() { 0 } else { len });
    let row = |index: usize| {
        let tag = columns.tag(columns.tag_ids()[index]).expect("an id has a tag");
        let nanos = nanos.get(index).copied().unwrap_or_default();
        (tag.to_owned(), columns.timestamps()[index], nanos, columns.values()[index].to_bits())
    };
    (0..len).map(row).collect()
}

/// Reads a stream into columns; what is no reading is handed over in order, with the number of rows before it.
fn read(columns: &mut Columns, chunks: &mut dyn Iterator<Item = &[u8]>, config: &Config) -> Vec<Other> {
    let mut decoder = Decoder::with_config(config);
    let (mut held, mut others) = (Vec::new(), Vec::new());
    for chunk in chunks {
        held.extend_from_slice(chunk);
        let mut rest = &held[..];
        while let Some(other) = columns.decode(&mut decoder, &mut rest) {
            others.push((columns.len(), other.map(PacketRef::into_owned)));
        }
        let left = rest.len();
        held.drain(..held.len() - left);
    }
    others.extend(decoder.finish(&held).err().map(|error| (columns.len(), Err(error))));
    others
}

fn expected(stream: &[u8], config: &Config) -> (Vec<Row>, Vec<Other>) {
    let told = read_stream(&mut iter::once(stream), config);
    let (mut rows, mut others) = (Vec::new(), Vec::new());
    for result in told.lines.into_iter().chain(told.end.err().map(Err)) {
        match result {
            Ok(Packet::Data(data)) => rows.push((data.tag, data.timestamp, data.nanos, data.value.to_bits())),
            other => others.push((rows.len(), other)),
        }
    }
    (rows, others)
}

fn some_stream(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    while stream.len() < len {
        match rng.below(10) {
            0 => stream.extend(common::any_line(rng)),
            1 => stream.extend(vec![b'x'; rng.below(100)]),
            2 => stream.extend(common::data_line(rng)),
            _ => {
                let tag = rng.choose(&["in", "out", "é", "in2", "a longer tag"]);
                let number = common::number(rng);
                stream.extend(format!(">{tag}|{}|{number}", common::seconds(rng)).into_bytes());
            }
        }
        stream.push(b'\n');
    }
    stream.truncate(stream.len() - rng.below(4));
    stream
}

fn some_config(rng: &mut Rng) -> Config {
    Config::DEFAULT
        .with_accept_crlf(rng.below(2) == 0)
        .with_fractional_timestamps(rng.below(2) == 0)
        .with_limits(Limits::DEFAULT.with_max_line_len(*rng.choose(&[20, 30, 60, 4096])))
}

#[test]
fn columns_are_the_packets_decoded_one_by_one() {
    let mut rng = Rng::new(testkit::rng::seed());
    let mut count = 0;
    for _ in 0..if cfg!(miri) { 3 } else { 500 } {
        let (stream, config) = (some_stream(&mut rng, 1_000), some_config(&mut rng));
        let (expected_rows, expected_others) = expected(&stream, &config);
        let mut columns = Columns::new();
        let others = read(&mut columns, &mut iter::once(&stream[..]), &config);
        assert_eq!((rows(&columns), others), (expected_rows, expected_others));
        count += columns.len();
        // Ids count from 0 in the order in which tags were met.
        let mut known: Vec<&str> = Vec::new();
        for id in columns.tag_ids() {
            let tag = columns.tag(*id).unwrap();
            let met = known.iter().position(|other| *other == tag).unwrap_or_else(|| {
                known.push(tag);
                known.len() - 1
            });
            assert_eq!(met, *id as usize);
        }
        assert!(columns.tags().eq(known.iter().copied()));
        assert_eq!((columns.tag(known.len() as u32), columns.tag(u32::MAX)), (None, None));
    }
    assert!(count > if cfg!(miri) { 20 } else { 2_000 }, "{count}");
}

#[test]
fn columns_are_the_same_however_the_stream_is_cut() {
    let mut rng = Rng::new(testkit::rng::seed());
    for _ in 0..if cfg!(miri) { 1 } else { 20 } {
        let (stream, config) = (some_stream(&mut rng, 250), some_config(&mut rng));
        laws::chunking(&stream, |chunks| {
            let mut columns = Columns::new();
            let others = read(&mut columns, chunks, &config);
            (rows(&columns), others)
        });
    }
}

#[test]
fn a_tag_too_many_is_an_error_and_costs_its_line_only() {
    for max in [0, 1, 2, 3] {
        let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_tags(max));
        let stream = b">a|1|1\n>b|2|2\n>a|3|3\n$P\n>c|4|4\n>b|5|5\n>c|6|6\n";
        let mut columns = Columns::new();
        let others = read(&mut columns, &mut iter::once(&stream[..]), &config);
        let known = &["a", "b", "c"][..max];
        let lines = [("a", 1, 0), ("b", 2, 7), ("a", 3, 14), ("c", 4, 24), ("b", 5, 31), ("c", 6, 38)];
        let kept: Vec<i64> = lines.iter().filter(|line| known.contains(&line.0)).map(|line| line.1).collect();
        assert_eq!(columns.timestamps(), kept);
        assert!(columns.tags().eq(known.iter().copied()));
        let refused = lines.iter().filter(|line| !known.contains(&line.0));
        let faults: Vec<DecodeError> = others.iter().filter_map(|(_, other)| other.as_ref().err().copied()).collect();
        assert_eq!((faults.len(), others.len()), (6 - kept.len(), 6 - kept.len() + 1));
        for ((_, number, start), fault) in refused.zip(faults) {
            let number = *number as u64 + u64::from(*number > 3);
            assert_eq!(
                (fault.kind(), fault.limit(), fault.what()),
                (DecodeErrorKind::LimitExceeded, Some(Limit::MaxTags), "tag")
            );
            assert_eq!((fault.line(), fault.column(), fault.offset()), (number, 2, start + 1));
        }
    }
}

/// The place of a tag that is too many is that of its own line, also behind a line that was skipped.
#[test]
fn a_tag_too_many_behind_a_line_over_the_limit_is_told_with_its_own_place() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_tags(1).with_max_line_len(8));
    let stream = b">a|1|1\nxxxxxxxxxxxxxxxxxxxx\n>b|2|2\n";
    for cut in laws::cuts(stream.len()) {
        let mut columns = Columns::new();
        let others = read(&mut columns, &mut cut.chunks(stream), &config);
        let faults: Vec<_> = others
            .iter()
            .map(|(_, other)| other.as_ref().unwrap_err())
            .map(|error| (error.limit().unwrap(), error.line(), error.column(), error.offset()))
            .collect();
        assert_eq!(faults, [(Limit::MaxLineLen, 2, 9, 15), (Limit::MaxTags, 3, 2, 29)], "{cut}");
    }
}

#[test]
fn the_column_of_nanoseconds_exists_from_the_first_fraction_on() {
    let config = Config::DEFAULT.with_fractional_timestamps(true);
    let mut columns = Columns::new();
    let append = |columns: &mut Columns, stream: &[u8]| {
        assert_eq!(read(columns, &mut iter::once(stream), &config), []);
    };
    append(&mut columns, b">a|1|1\n>a|2.0|1\n");
    assert_eq!((columns.nanos(), columns.timestamps()), (&[][..], &[1, 2][..]));
    append(&mut columns, b">a|-0.5|1\n");
    assert_eq!((columns.nanos(), columns.timestamps()), (&[0, 0, 500_000_000][..], &[1, 2, -1][..]));
    append(&mut columns, b">a|4|1\n>b|5.000000001|1\n");
    assert_eq!(columns.nanos(), [0, 0, 500_000_000, 0, 1]);
    columns.clear();
    assert_eq!((columns.len(), columns.nanos().len(), columns.tag(1)), (0, 0, Some("b")));
    append(&mut columns, b">b|6|1\n");
    assert_eq!((columns.nanos(), columns.tag_ids()), (&[][..], &[1][..]));
    append(&mut columns, b">a|7.25|1\n");
    assert_eq!((columns.nanos(), columns.tag_ids()), (&[0, 250_000_000][..], &[1, 0][..]));
}

#[test]
fn a_line_allocates_nothing_once_tags_and_room_are_there() {
    let config = Config::DEFAULT.with_fractional_timestamps(true);
    let mut rng = Rng::new(testkit::rng::seed());
    let tags: Vec<String> = (0..50).map(|index| format!("sensor {index} é")).collect();
    let mut stream = Vec::new();
    for _ in 0..2_000 {
        let fraction = if rng.below(4) == 0 { ".5" } else { "" };
        let line =
            format!(">{}|{}{fraction}|{}\n", rng.choose(&tags), rng.below(1_000_000), rng.below(10_000) as f64 / 8.0);
        stream.extend(line.into_bytes());
        // Bad lines, other packets and lines over the limit are free, too.
        stream.extend(*rng.choose(&[&b""[..], b"", b"", b"$P\n", b"\n", b">a|b|c\n", b"\xff\n"]));
    }
    stream.extend(vec![b'x'; 10_000]);
    stream.push(b'\n');
    let (mut columns, mut decoder) = (Columns::new(), Decoder::with_config(&config));
    let mut pass = |columns: &mut Columns| {
        columns.clear();
        let mut rest = &stream[..];
        while columns.decode(&mut decoder, &mut rest).is_some() {}
        assert!(rest.is_empty());
    };
    let ((), cold) = measure(|| pass(&mut columns));
    assert!(cold.allocations > 0);
    let first = rows(&columns);
    assert_eq!(first.len(), 2_000);
    assert_no_alloc(|| pass(&mut columns));
    assert_eq!(rows(&columns), first);
}

/// Tags that look alike, sort badly, or come in an order that guesses at the next one get wrong.
#[test]
fn hostile_tags_are_told_apart() {
    let alike = ["a", "A", "a ", " a", "a\0", "á", "a\u{301}", "aa", "", "a\u{200b}", "а"];
    let mut rng = Rng::new(testkit::rng::seed());
    let mut stream = Vec::new();
    let mut tags = Vec::new();
    for _ in 0..if cfg!(miri) { 50 } else { 5_000 } {
        let tag = format!("t{}", rng.choose(&alike));
        stream.extend(format!(">{tag}|1|2\n").into_bytes());
        tags.push(tag);
    }
    let mut columns = Columns::new();
    assert_eq!(read(&mut columns, &mut iter::once(&stream[..]), &Config::DEFAULT), []);
    let found: Vec<String> = rows(&columns).into_iter().map(|row| row.0).collect();
    assert_eq!(found, tags);
    assert!(columns.tags().count() <= alike.len());
}

#[test]
fn as_many_tags_as_allowed_and_long_ones_take_memory_in_proportion() {
    let count = if cfg!(miri) { 50 } else { 10_000 };
    let limits = Limits::DEFAULT.with_max_tags(count);
    let config = Config::DEFAULT.with_limits(limits);
    let stream: Vec<u8> = (0..2 * count).flat_map(|index| format!(">tag number {index}|1|2\n").into_bytes()).collect();
    let mut columns = Columns::new();
    let mut decoder = Decoder::with_config(&config);
    let (refused, stats) = measure(|| {
        let mut rest = &stream[..];
        iter::from_fn(|| columns.decode(&mut decoder, &mut rest).map(|other| assert!(other.is_err()))).count()
    });
    assert_eq!((columns.len(), columns.tags().count(), refused), (count, count, count));
    // Two copies of a name of up to 20 bytes, its places in a table and a tree, and a row, each grown by doubling.
    assert!(stats.peak < 300 * count + 4096, "{stats:?}");
    // Refused tags leave nothing behind.
    let ((), stats) = measure(|| {
        let mut rest = &stream[..];
        columns.clear();
        while columns.decode(&mut decoder, &mut rest).is_some() {}
    });
    assert_eq!((stats.allocations, columns.len()), (0, count));
}

//! atlas-stream's machines: what they cost beside bare decoding, and beside an ordered map.

use std::time::Instant;

use testkit::alloc::assert_no_alloc;

use crate::ratio::{Row, Side, leak};
use crate::work::atlas_streams::{
    Bare, Entries, Partition, Running, barrier, glance, json_mix, late, look, map, map_split, protobuf_mix, shuffled,
    small_mix,
};

/// Entries that are put in order.
const ENTRIES: u64 = 1_000_000;

/// All of them.
pub fn rows() -> Vec<Row<'static>> {
    // Aggregated data is 20 parameters with 10 samples each, about 2 kB; the last row has one sample of each.
    let mixes = [
        ("atlas: 8 streams read, JSON mix", json_mix()),
        ("atlas: 8 streams read, protobuf, messages of 2 kB", protobuf_mix()),
        ("atlas: 8 streams read, protobuf, messages of 0.4 kB", small_mix()),
    ];
    let mut rows: Vec<_> = mixes.into_iter().map(|(work, partition)| reading(work, leak(partition))).collect();
    let work = "atlas: a million shuffled entries, one sync";
    rows.extend(ordering(work, leak(shuffled(ENTRIES))));
    let work = "atlas: a million late entries, a sync each thousand";
    rows.extend(ordering(work, leak(late(ENTRIES))));
    rows
}

fn reading(work: &'static str, partition: &'static Partition) -> Row<'static> {
    let lens = ["tdata", "tdata-protobuf", "tsamples", "tsamples-protobuf", "session"].map(|name| partition.mean(name));
    eprintln!(
        "{work}: {} records; bytes of tdata, the same in protobuf, tsamples, session: {lens:?}",
        partition.count()
    );
    let (bare, running) = (leak(Bare::default()), leak(Running::new(partition)));
    let (theirs, ours) = (bare.run(partition, look), running.run(partition, look));
    assert_no_alloc(|| running.run_telemetry(partition));
    Row {
        work,
        bytes: partition.bytes(),
        goal: 0.8,
        ours: Side::new("StreamReader", ours, || running.run(partition, glance)),
        rival: Side::new("Decoder", theirs, || bare.run(partition, glance)),
    }
}

fn ordering(work: &'static str, entries: &'static Entries) -> [Row<'static>; 2] {
    let rates = [barrier, map, map_split].map(|run| {
        let fastest = (0..3).map(|_| {
            let start = Instant::now();
            std::hint::black_box(run(entries));
            start.elapsed().as_secs_f64()
        });
        format!("{:.1} M/s", entries.len() as f64 / fastest.fold(f64::MAX, f64::min) / 1e6)
    });
    eprintln!("{work}: barrier, map, map split: {rates:?}");
    let row = |name, run: fn(&Entries) -> u64| Row {
        work,
        bytes: entries.len() * size_of::<(i64, u64)>(),
        goal: 1.0,
        ours: Side::new("SyncBarrier", barrier(entries), || barrier(entries)),
        rival: Side::new(name, run(entries), move || run(entries)),
    };
    [row("`BTreeMap`, `pop_first`", map), row("`BTreeMap`, `split_off`", map_split)]
}

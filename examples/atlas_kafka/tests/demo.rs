//! The demo over the real protocol, at mock clusters in this process. Waiting is bounded, and no time is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    unreachable_pub,
    missing_docs,
    dead_code,
    reason = "a test may panic"
)]

mod common;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use atlas_kafka::{Failure, Part, Report, Role, Settings, run};
use atlas_stream::SessionState;
use common::{Output, PATIENCE, Running, cluster};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

fn small() -> Settings {
    Settings {
        partitions: 3,
        streams: 2,
        samples: 600,
        lap_samples: 150,
        speed: 0.0,
        readers: 1,
        pause: Duration::ZERO,
        ..Settings::default()
    }
}

fn assert_came(report: &Report, samples: u64, laps: u64) {
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    for stream in &report.streams {
        assert_eq!((stream.sent.samples, stream.sent.laps), (samples, laps), "{stream:?}");
        assert_eq!(stream.came, stream.sent, "{stream:?}");
        assert_eq!(stream.state, SessionState::CLOSED);
    }
}

/// Numbers and samples of the laps that a reader had of a stream.
fn laps<'o>(out: &'o str, reader: &str, stream: &str) -> Vec<(&'o str, &'o str)> {
    let lines = out.lines().filter_map(|line| line.strip_prefix(reader));
    let rows = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[0] == stream).map(|row| (row[1], row[4])).collect()
}

#[test]
fn all_samples_come_in_json_and_in_protobuf() {
    for protobuf in [None, Some("tdata-protobuf".to_owned())] {
        let demo = Running::start(Settings { protobuf, ..small() });
        let (out, log) = (demo.out.clone(), demo.log.clone());
        let report = demo.end();
        let out = out.text();
        assert_came(&report, 600, 4);
        assert_eq!((report.streams.len(), log.text()), (2, String::new()));
        for stream in &report.streams {
            let due = [("1", "150"), ("2", "150"), ("3", "150"), ("4", "150")];
            assert_eq!(laps(&out, "reader 1", &stream.id), due, "{out}");
        }
        assert_eq!(out.lines().last(), Some("all that was sent has come, in the order of time"), "{out}");
    }
}

/// Chunks have 20 samples: the writer stops behind 200 of them, and the middle is behind 300.
#[test]
fn a_writer_goes_on_with_its_stream_and_a_reader_comes_late() {
    let demo = Running::start(small());
    let out = demo.out.clone();
    let report = demo.end();
    let (out, stream) = (out.text(), &report.streams[0]);
    assert_came(&report, 600, 4);
    let told = |what: &str| out.lines().filter(|line| line.contains(what)).collect::<Vec<_>>();
    assert_eq!(told("its writer is stopped").len(), 1, "{out}");
    assert_eq!(told("another writer goes on with it").len(), 1, "{out}");
    // Readers see no other stream: it has not started again.
    assert!(told("restarted").is_empty() && told("after_end").is_empty(), "{out}");
    let opened = format!("late      stream {}: opened, late (offset ", stream.id);
    assert_eq!(told(&opened).len(), 1, "{out}");
    let (late, due) = report.late.unwrap();
    assert_eq!((late.samples, late.laps), (300, 2));
    assert_eq!(late, due);
    assert_eq!(laps(&out, "late", &stream.id), [("3", "150"), ("4", "150")], "{out}");
    // The session came again, with all that is told of it.
    let session = format!("late      stream {}: session random_walk is closed (new: state, identifier,", stream.id);
    assert_eq!(told(&session).len(), 1, "{out}");
}

/// Partitions as a reader was told last.
fn partitions<'o>(out: &'o str, reader: &str) -> Option<BTreeSet<&'o str>> {
    let lines = out.lines().filter_map(|line| line.strip_prefix(reader));
    let last = lines.filter_map(|line| line.trim().strip_prefix("has partitions [")?.strip_suffix("] now")).next_back();
    last.map(|list| list.split(", ").filter(|number| !number.is_empty()).collect())
}

#[test]
fn two_readers_of_a_group_share_many_partitions() {
    let demo = Running::start(Settings { partitions: 8, streams: 16, samples: 100, readers: 2, ..small() });
    let out = demo.out.clone();
    let report = demo.end();
    let out = out.text();
    assert_came(&report, 100, 1);
    let (one, two) = (partitions(&out, "reader 1").unwrap(), partitions(&out, "reader 2").unwrap());
    assert!(!one.is_empty() && !two.is_empty() && one.is_disjoint(&two), "{out}");
    assert_eq!(one.len() + two.len(), 8, "{out}");
    // All of a stream is where it was told to be: who has another partition saw nothing of it.
    for stream in &report.streams {
        let number = stream.partition.to_string();
        let (has, has_not) = if one.contains(&*number) { ("reader 1", "reader 2") } else { ("reader 2", "reader 1") };
        assert_eq!(laps(&out, has, &stream.id), [("1", "100")], "{out}");
        assert!(laps(&out, has_not, &stream.id).is_empty(), "{out}");
    }
}

/// A folder of its own, gone after the test.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Waits until the group has committed all that the topic has. A mock cluster takes none once a rebalance has begun; real brokers do.
fn wait_for_commits(servers: &str, topic: &str, group: &str, count: i32) {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", servers).set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_range(topic, 0, count - 1);
    let start = Instant::now();
    loop {
        let committed = consumer.committed_offsets(list.clone(), PATIENCE).unwrap();
        let is_done = committed.elements().iter().all(|element| {
            let (_, end) = consumer.fetch_watermarks(topic, element.partition(), PATIENCE).unwrap();
            // Where nothing came nothing is committed.
            element.offset() == Offset::Offset(end) || (end == 0 && element.offset() == Offset::Invalid)
        });
        if is_done {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{committed:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn readers_that_come_and_go_lose_nothing_and_have_nothing_twice() {
    let (_mock, servers) = cluster("shared", 4);
    let scratch = Scratch(std::env::temp_dir().join(format!("atlas_kafka-{}", std::process::id())));
    let settings = |role| Settings {
        brokers: Some(servers.clone()),
        topic: "shared".to_owned(),
        role,
        streams: 4,
        documents: Some(scratch.0.clone()),
        ..small()
    };
    let mut sent = BTreeMap::new();
    let mut write = || {
        let report = Running::start(settings(Role::Write)).end();
        assert_eq!(report.streams.len(), 4);
        sent.extend(report.streams.iter().map(|stream| (stream.id.clone(), stream.sent.clone())));
    };
    let wait = || wait_for_commits(&servers, "shared", &settings(Role::Read).group, 4);
    let closed = |out: &str| out.matches(" is closed ").count();
    let has = |count: usize| move |out: &str| partitions(out, "reader 1").is_some_and(|list| list.len() == count);

    let one = Running::start(settings(Role::Read));
    one.out.wait("the first has all partitions", has(4));
    write();
    one.out.wait("it reads four streams", |out| closed(out) == 4);
    wait();
    let two = Running::start(settings(Role::Read));
    two.out.wait("the second has half of them", has(2));
    one.out.wait("and the first the other half", has(2));
    write();
    one.out.wait("both read four more", |out| closed(out) + closed(&two.out.text()) == 8);
    wait();
    one.stop();
    let one = one.end();
    two.out.wait("the second has all partitions", has(4));
    write();
    two.out.wait("it reads the last four", |out| {
        sent.keys().rev().take(4).all(|id| out.contains(&format!("stream {id}: session random_walk is closed")))
    });
    two.stop();
    let two = two.end();
    for (id, sent) in &sent {
        let none = Part::default();
        let parts = [one.came.get(id).unwrap_or(&none), two.came.get(id).unwrap_or(&none)];
        assert_eq!(parts.iter().map(|part| part.samples).sum::<u64>(), sent.samples, "{id} {parts:?}");
        assert_eq!(parts.iter().fold(0, |all: u64, part| all.wrapping_add(part.digest)), sent.digest, "{id}");
        assert_eq!(parts.iter().map(|part| part.laps).sum::<u64>(), sent.laps, "{id} {parts:?}");
        assert!(parts.iter().any(|part| part.has_ended), "{id}");
    }
    assert_eq!(sent.len(), 12);
}

/// A group that is new begins behind what the topic has.
#[test]
fn a_second_run_in_the_same_topic_reads_its_own_streams() {
    let (_mock, servers) = cluster("twice", 2);
    let settings = Settings { brokers: Some(servers), topic: "twice".to_owned(), samples: 100, streams: 1, ..small() };
    for _ in 0..2 {
        let report = Running::start(settings.clone()).end();
        assert_came(&report, 100, 1);
        let streams: Vec<_> = report.streams.iter().map(|stream| &stream.id).collect();
        assert_eq!(report.came.keys().collect::<Vec<_>>(), streams);
    }
}

#[test]
fn who_is_stopped_truncates_its_streams() {
    // Nearly seven minutes, if nobody stops it.
    let demo = Running::start(Settings { samples: 20_000, speed: 1.0, ..small() });
    demo.out.wait("a lap", |out| out.lines().any(|line| line.starts_with("reader 1  ") && line.contains("   150  ")));
    demo.stop();
    let report = demo.end();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    for stream in &report.streams {
        assert_eq!(stream.state, SessionState::TRUNCATED);
        assert_eq!(stream.came, stream.sent);
        assert!((150..20_000).contains(&stream.sent.samples), "{stream:?}");
    }
}

#[test]
fn brokers_that_are_not_there_are_told() {
    let settings = Settings { brokers: Some("127.0.0.1:1".to_owned()), ..small() };
    let outcome = run(&settings, &mut Output::default(), &mut Output::default(), &false.into());
    let failure = outcome.unwrap_err();
    assert!(matches!(failure, Failure::Kafka("brokers do not answer", _)), "{failure}");
}

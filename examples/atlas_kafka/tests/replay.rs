//! Captures, sent again over the real protocol to mock clusters in this process. Waiting is bounded, and no time is asserted.
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

use core::num::NonZeroU32;
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use atlas_kafka::{Failure, ReplaySettings, Replayed, replay};
use atlas_stream::Partitioner;
use common::{Output, PATIENCE, cluster};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const RUN: &str = "7c1e0a52-5b0f-4d55-9a3e-0d2f6b9e4a10";

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../inspect/captures").join(name)
}

/// A file of its own, gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("atlas_kafka-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn fast(file: &Path) -> ReplaySettings {
    ReplaySettings { file: file.to_owned(), speed: 0.0, ..ReplaySettings::default() }
}

fn replayed(settings: &ReplaySettings) -> (Replayed, String, String) {
    let (mut out, mut log) = (Output::default(), Output::default());
    let replayed = replay(settings, &mut out, &mut log, &false.into()).unwrap();
    (replayed, out.text(), log.text())
}

#[test]
fn a_capture_comes_back_as_it_was_sent() {
    // A real pause in the capture, of half a day, is cut.
    for speed in [0.0, 1000.0] {
        let max_gap = Duration::from_millis(300);
        let formats = vec![capture("0ec63347ffc5.json")];
        let (replayed, out, log) =
            replayed(&ReplaySettings { speed, max_gap, formats, ..fast(&capture("atlas-run.tsv")) });
        assert_eq!((replayed.sent, replayed.bad, replayed.foreign, &*log), (20, 0, 0, ""));
        assert_eq!(replayed.streams.keys().collect::<Vec<_>>(), [RUN]);
        // Of its three messages of data one is of the feed of the view, with two times.
        let part = &replayed.came.unwrap()[RUN];
        assert_eq!((part.samples, part.laps, part.events, part.has_ended), (2, 1, 1, true));
        assert!(out.contains("20 records came back, as they were sent\n"), "{out}");
        assert!(out.contains(&format!("stream {RUN}: session Rig 4 run 12 is closed")), "{out}");
    }
}

#[test]
fn without_its_format_data_is_told_to_be_unbound() {
    let (replayed, out, _) = replayed(&fast(&capture("atlas-run.tsv")));
    assert_eq!(replayed.came.unwrap()[RUN].samples, 0);
    assert!(out.contains("data format \"0ec63347ffc5\" is not to be had: nobody has stored it\n"), "{out}");
}

#[test]
fn bad_lines_cost_no_others() {
    let (replayed, out, log) = replayed(&fast(&capture("atlas-bad.tsv")));
    assert_eq!((replayed.sent, replayed.bad, replayed.foreign), (3, 6, 1), "{log}");
    let numbers: Vec<_> = log.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(numbers, ["line 3", "line 4", "line 6", "line 7", "line 9", "line 10"]);
    assert!(log.contains("line 9: character that is not of base64 at column "), "{log}");
    assert!(log.ends_with("line 10: no TAB behind a key\n"), "{log}");
    assert!(out.contains("3 records came back, as they were sent\n"), "{out}");

    let scratch = Scratch::new("long", b"weather:a\t0123456789\nweather:a\t1\n");
    let (replayed, _, log) = self::replayed(&ReplaySettings { max_line: 15, ..fast(&scratch.0) });
    assert_eq!((replayed.sent, replayed.bad, &*log), (1, 1, "line 1: longer than 15 bytes\n"));
}

#[test]
fn streams_get_new_ids_if_they_are_asked_for() {
    let settings = ReplaySettings { new_ids: true, ..fast(&capture("atlas-run.tsv")) };
    let ids: Vec<_> = (0..2)
        .map(|_| {
            let (replayed, out, _) = replayed(&settings);
            assert_eq!((replayed.sent, replayed.streams.len()), (20, 1));
            let id = replayed.streams.into_keys().next().unwrap();
            assert!(out.contains(&format!("stream {RUN} is {id} now\n")), "{out}");
            id
        })
        .collect();
    assert!(ids[0] != ids[1] && !ids.contains(&RUN.to_owned()), "{ids:?}");
}

type Came = (i32, String, Option<String>);

/// All that a topic has, partition by partition in order, without any of ours.
fn records(servers: &str, topic: &str, partitions: i32, count: usize) -> Vec<Came> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", servers).set("group.id", "test").create().unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut came, start) = (Vec::new(), Instant::now());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    while came.len() < count {
        assert!(start.elapsed() < PATIENCE, "{came:?}");
        if let Some(record) = consumer.poll(Duration::from_millis(100)) {
            let record = record.unwrap();
            came.push((record.partition(), text(record.key().unwrap()), record.payload().map(text)));
        }
    }
    came
}

#[test]
fn each_stream_is_in_its_partition_and_in_order() {
    let (_mock, servers) = cluster("many", 5);
    let (mut text, mut due) = (String::new(), Vec::new());
    let mut partitioner = Partitioner::new(NonZeroU32::new(5).unwrap());
    for step in 0..4 {
        for stream in 0..12 {
            let id = format!("stream:{stream}");
            let (key, value) = match step {
                0 => (format!("$start:{id}"), ""),
                1 => (format!("x-raw:{id}"), "\t tab and spaces "),
                2 => (format!("x-null:{id}"), "null"),
                _ => (format!("$end:{id}"), ""),
            };
            text += &format!("{key}\t{value}\n");
            let value = (value != "null").then(|| value.to_owned());
            due.push((partitioner.partition(&id).unwrap(), key, value));
        }
    }
    let scratch = Scratch::new("many", text.as_bytes());
    let settings = ReplaySettings { brokers: Some(servers.clone()), topic: "many".to_owned(), ..fast(&scratch.0) };
    let (replayed, _, log) = replayed(&settings);
    assert_eq!((replayed.sent, replayed.streams.len(), replayed.came, &*log), (48, 12, None, ""));
    let mut came = records(&servers, "many", 5, 48);
    // The order within each partition stays.
    came.sort_by_key(|(partition, ..)| *partition);
    due.sort_by_key(|(partition, ..)| *partition);
    assert_eq!(came, due);
    assert!(due[0].0 != due[47].0);
}

#[test]
fn it_can_be_stopped_while_it_waits() {
    let (out, mut log) = (Output::default(), Output::default());
    // At this speed it would take all day.
    let settings = ReplaySettings {
        speed: 1.0,
        max_gap: Duration::from_secs(86_400),
        ..ReplaySettings { file: capture("atlas-run.tsv"), ..ReplaySettings::default() }
    };
    let stop = core::sync::atomic::AtomicBool::new(false);
    let replayed = std::thread::scope(|scope| {
        let run = scope.spawn(|| replay(&settings, &mut out.clone(), &mut log, &stop));
        out.wait("the session", |out| out.contains("is open"));
        stop.store(true, core::sync::atomic::Ordering::Relaxed);
        run.join().unwrap().unwrap()
    });
    assert!(replayed.is_stopped && (3..20).contains(&replayed.sent), "{replayed:?}");
}

#[test]
fn files_that_are_none_are_told() {
    let outcome = |settings: &ReplaySettings| {
        let outcome = replay(settings, &mut Output::default(), &mut Output::default(), &false.into());
        outcome.unwrap_err()
    };
    let failure = outcome(&fast(Path::new("/is/not/there")));
    assert!(matches!(&failure, Failure::File(path, _) if path == Path::new("/is/not/there")), "{failure}");
    let run = capture("atlas-run.tsv");
    let failure = outcome(&ReplaySettings { formats: vec![run.clone()], ..fast(&run) });
    assert!(matches!(&failure, Failure::File(path, _) if *path == run), "{failure}");
}

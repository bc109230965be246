//! The laws of machines: idle, determinism, memory under hostile floods, and no allocation once warm.

use core::time::Duration;

use atlas_stream::{Decoder, Limits, MessageKind, ReadError, ReaderLimits, StreamReader, TelemetryKind, TypeMap};
use testkit::{Rng, assert_no_alloc, laws, measure};

use crate::proto;
use crate::support::*;

testkit::counting_allocator!();

#[derive(Clone, Debug)]
enum Step {
    Record(u64, String, String),
    Give(&'static str),
    Unavailable(&'static str),
    Timeout(u64),
    Finish,
}

fn script() -> Vec<Step> {
    let record = |second, key: &str, value: &str| Step::Record(second, key.to_owned(), value.to_owned());
    vec![
        record(0, "$start:a", ""),
        record(1, "session:a", &listing("open", &["f", "g"])),
        record(2, "tdata:a", &data("f")),
        record(3, "lap:a", LAP),
        record(3, "tdata:b", &data("h")),
        record(4, "tdata:b", "refused"),
        record(4, "not ours", ""),
        Step::Give("f"),
        Step::Timeout(12),
        Step::Timeout(13),
        record(14, "tdata:a", &data("g")),
        record(15, "session:c", &session("open", "")),
        Step::Unavailable("g"),
        Step::Timeout(44),
        Step::Timeout(46),
        record(50, "session:a", &listing("closed", &["f", "g"])),
        record(51, "tdata:c", &data("i")),
        record(51, "$end:a", ""),
        record(52, "$end:c", ""),
        Step::Finish,
        Step::Timeout(1000),
    ]
}

/// Does a step, and tells all that came out: records, events, and the deadline.
fn step(reader: &mut StreamReader, step: &Step) -> Vec<String> {
    let mut out = Vec::new();
    match step {
        Step::Record(second, key, value) => {
            let result = reader.handle_record(Duration::from_secs(*second), 7, key.as_bytes(), value.as_bytes());
            out.push(format!("{:?}", result.map(|received| received.map(Told::from))));
        }
        Step::Give(id) => out.push(reader.provide_format(id, format()).to_string()),
        Step::Unavailable(id) => reader.format_unavailable(id),
        Step::Timeout(second) => reader.handle_timeout(Duration::from_secs(*second)),
        Step::Finish => reader.finish(),
    }
    out.extend(polled(reader));
    out.push(format!("{:?} {:?}", reader.poll_deadline(), reader.first_waiting_offset()));
    out
}

fn polled(reader: &mut StreamReader) -> Vec<String> {
    let mut out = Vec::new();
    while let Some(received) = reader.poll_record() {
        out.push(format!("{:?}", Told::from(received)));
    }
    out.extend(core::iter::from_fn(|| reader.poll_event()).map(|event| format!("{event:?}")));
    out
}

#[test]
fn law_7_what_is_not_due_changes_nothing() {
    let poke = |reader: &mut StreamReader, _: &Step| {
        // A time that was before all others, and one that is no later than the last.
        reader.handle_timeout(Duration::ZERO);
        polled(reader)
    };
    laws::idle(&script(), || StreamReader::new().with_limits(ReaderLimits::DEFAULT.with_max_streams(2)), step, poke);
}

#[test]
fn law_8_the_same_records_are_told_the_same() {
    for max in [1, 2, 1024] {
        laws::deterministic(|| {
            let mut reader = StreamReader::new().with_limits(ReaderLimits::DEFAULT.with_max_streams(max));
            script().iter().map(|next| step(&mut reader, next)).collect::<Vec<_>>()
        });
    }
}

/// What the reader holds after a flood, and at most on the way.
fn held(reader: StreamReader, flood: impl FnOnce(&mut StreamReader)) -> (isize, usize) {
    let (reader, stats) = measure(|| {
        let mut reader = reader;
        flood(&mut reader);
        reader
    });
    drop(reader);
    (stats.live, stats.peak)
}

const MANY: u64 = if cfg!(miri) { 20 } else { 5000 };

fn hand(reader: &mut StreamReader, key: &str, value: &str) {
    match reader.handle_record(Duration::ZERO, 0, key.as_bytes(), value.as_bytes()) {
        Ok(_) | Err(ReadError::Decode(_)) => {}
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn law_3_a_flood_of_streams_stays_under_the_limit() {
    let limits = ReaderLimits::DEFAULT.with_max_streams(20);
    for is_polled in [true, false] {
        let (live, peak) = held(StreamReader::new().with_limits(limits), |reader| {
            for at in 0..MANY {
                hand(reader, &format!("$start:{at}"), "");
                hand(reader, &format!("session:{at}"), &session("open", r#""identifier":"x""#));
                if is_polled {
                    while reader.poll_event().is_some() {}
                }
            }
        });
        // Twenty streams with a session each, and as many ids of those that went.
        assert!(live < 100_000 && peak < 200_000, "{live} {peak}");
    }
}

#[test]
fn law_3_streams_that_are_silent_and_come_back_and_go_leave_nothing() {
    let limits = ReaderLimits::DEFAULT.with_max_streams(2);
    let (live, _) = held(StreamReader::new().with_limits(limits), |reader| {
        for at in 0..MANY {
            let key = format!("sync:{at}");
            reader.handle_record(Duration::from_secs(100 * at), 0, key.as_bytes(), b"").unwrap();
            // Nobody polls for what is told of it.
            reader.handle_timeout(Duration::from_secs(100 * at + 50));
            reader.handle_record(Duration::from_secs(100 * at + 51), 0, key.as_bytes(), b"").unwrap();
        }
    });
    assert!(live < 20_000, "{live}");
}

#[test]
fn law_3_long_ids_and_long_sessions_stay_under_the_limit() {
    let limits = ReaderLimits::DEFAULT.with_max_stream_bytes(100_000);
    for is_id in [true, false] {
        let (live, _) = held(StreamReader::new().with_limits(limits), |reader| {
            for at in 0..MANY / 10 {
                let long = format!("{at:05000}");
                let (id, text) = if is_id { (&*long, "") } else { (&long[4995..], &*long) };
                hand(reader, &format!("session:{id}"), &session("open", &format!(r#""identifier":"{text}""#)));
            }
        });
        // Ids are kept twice and of forgotten ones once more; sessions once; and then what lies around them.
        assert!(live < 500_000, "{is_id} {live}");
    }
}

#[test]
fn law_3_a_flood_of_formats_stays_under_the_limit() {
    let limits = ReaderLimits::DEFAULT.with_max_formats(10);
    let ids = |at: u64| (0..20).map(|id| format!("{at}-{id}")).collect::<Vec<_>>();
    let (live, _) = held(StreamReader::new().with_limits(limits), |reader| {
        for at in 0..MANY / 10 {
            let ids = ids(at);
            hand(reader, "session:a", &listing("open", &ids.iter().map(|id| &**id).collect::<Vec<_>>()));
            // Samples by their names do not wait, but a format is asked for.
            hand(reader, "tsamples:b", &NAMED.replace(r#""format":"f""#, &format!(r#""format":"{at}""#)));
            reader.provide_format(&format!("given {at}"), format());
        }
        assert!(reader.formats().count() <= 10);
    });
    assert!(live < 50_000, "{live}");
    // Nobody polls, and each is waited for: none of them goes, and there are no more.
    let (live, _) = held(StreamReader::new().with_limits(limits), |reader| {
        for at in 0..MANY / 10 {
            hand(reader, &format!("tdata:{at}"), &data(&format!("f{at}")));
        }
        assert_eq!(reader.waiting(), 10);
    });
    assert!(live < 1_000_000, "{live}");
}

#[test]
fn law_3_data_that_waits_for_ever_stays_under_the_limit() {
    let limits = ReaderLimits::DEFAULT.with_max_waiting_bytes(50_000).with_max_waiting(1000);
    for streams in [1, 30] {
        let mut delivered = 0_u64;
        let (live, peak) = held(StreamReader::new().with_limits(limits), |reader| {
            for at in 0..MANY {
                let key = format!("tdata:{}", at % streams);
                let value = data(&format!("f{}", at / 10));
                // More is taken only when what waits is taken out.
                loop {
                    match reader.handle_record(Duration::ZERO, 0, key.as_bytes(), value.as_bytes()) {
                        Err(ReadError::NotTaken) => {
                            reader.poll_record().expect("it has to give way");
                            delivered += 1;
                        }
                        Ok(received) => {
                            delivered += u64::from(received.is_some());
                            break;
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                assert!(reader.waiting_bytes() < 50_000 + 200 && reader.waiting() <= 1001);
            }
            reader.finish();
            while reader.poll_record().is_some() {
                delivered += 1;
            }
            assert_eq!((reader.waiting(), reader.waiting_bytes()), (0, 0));
        });
        assert_eq!(delivered, MANY, "each is delivered once");
        assert!(live < 200_000 && peak < 500_000, "{live} {peak}");
    }
}

#[test]
fn law_3_endless_heartbeats_take_nothing() {
    let mut reader = StreamReader::new();
    let beat = |reader: &mut StreamReader, second: u64| {
        let heartbeat = format!(r#""lastHeartbeat":"2023-11-14T11:{:02}:{:02}Z""#, second / 60 % 60, second % 60);
        let value = session("open", &format!(r#""details":{{"Driver":"KMZ"}},{heartbeat}"#));
        reader.handle_record(Duration::from_secs(second), 0, b"session:a", value.as_bytes()).unwrap().unwrap();
        reader.handle_timeout(Duration::from_secs(second));
        assert_eq!(reader.poll_event(), None);
    };
    (0..10).for_each(|second| beat(&mut reader, second));
    let ((), stats) = measure(|| (10..10 + MANY).for_each(|second| beat(&mut reader, second)));
    assert_eq!(stats.live, 0);
}

#[test]
fn law_3_what_is_refused_takes_nothing() {
    let mut reader = StreamReader::new();
    hand(&mut reader, "$start:a", "");
    let mut rng = Rng::new(testkit::rng::seed());
    let keys = ["tdata:a", "session:a", "lap:a", "tdata:other", "events:b", "gibberish", ":"];
    let flood = |reader: &mut StreamReader, rng: &mut Rng| {
        for _ in 0..MANY {
            let value = rng.bytes(20);
            let result = reader.handle_record(Duration::ZERO, 0, rng.choose(&keys).as_bytes(), &value);
            assert!(matches!(result, Err(ReadError::Decode(_))));
        }
    };
    flood(&mut reader, &mut rng);
    let ((), stats) = measure(|| flood(&mut reader, &mut rng));
    assert_eq!((stats.live, reader.streams().count()), (0, 1));
}

#[test]
fn law_9_data_with_a_known_format_allocates_nothing_once_warm() {
    let kinds = proto::KINDS.map(|kind| (format!("x{}:a", kind as u8), kind));
    let types = kinds.iter().fold(TypeMap::new(), |types, (key, kind)| {
        types.with(key.split(':').next().unwrap(), MessageKind::ProtobufTelemetry(*kind))
    });
    let decoder = Decoder::new().with_types(types).with_limits(Limits::DEFAULT.with_max_len(1 << 20));
    let mut reader = StreamReader::new().with_decoder(decoder);
    reader.provide_format("f", format());
    hand(&mut reader, "$start:a", "");
    hand(&mut reader, "session:a", &listing("open", &["f"]));
    let long = data("f").replace("[1]", &format!("[1{}]", ",1".repeat(999)));
    let long = long.replace("[211.5]", &format!("[211.5{}]", ",211.5".repeat(999)));
    let protobuf = kinds.iter().map(|(key, kind)| (key.clone(), proto::message(*kind, [0])));
    let json = [("tdata:a".to_owned(), long.into_bytes()), ("tsamples:a".to_owned(), NAMED.as_bytes().to_vec())];
    for (key, value) in json.into_iter().chain(protobuf) {
        let take = |reader: &mut StreamReader, second: u64| {
            let received = reader.handle_record(Duration::from_secs(second), 0, key.as_bytes(), &value);
            let received = received.unwrap().expect("it waits");
            assert!(received.format().is_some() && received.stream().is_some() && received.notes().is_empty());
        };
        take(&mut reader, 1);
        assert_no_alloc(|| {
            for second in 2..200 {
                take(&mut reader, second);
                assert!(reader.poll_record().is_none() && reader.poll_event().is_none());
                assert!(reader.poll_deadline().is_some());
            }
        });
    }
    // Nor do records without telemetry that have nothing to keep.
    assert_no_alloc(|| (0..100).for_each(|_| hand(&mut reader, "lap:a", LAP)));
    assert_eq!(reader.stream("a").unwrap().waiting(), 0);
    assert!(matches!(kinds[0].1, TelemetryKind::Data));
}

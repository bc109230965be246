//! Data formats: asked for, waited for, given, given up, forgotten (SPEC.md §9).

#![allow(clippy::std_instead_of_alloc)]

use core::time::Duration;
use std::sync::Arc;

use atlas_stream::{
    Decoder, MessageKind, ReadError, ReaderLimits, StreamNotes, StreamReader, TelemetryKind, TypeMap, View,
};

use crate::proto;
use crate::support::*;

const BOUND: (StreamNotes, bool) = (StreamNotes::NONE, true);
const UNBOUND: (StreamNotes, bool) = (StreamNotes::UNBOUND, false);

fn place(told: &Told) -> (StreamNotes, bool) {
    (told.notes, told.is_bound)
}

fn offsets(told: &[Told]) -> Vec<i64> {
    told.iter().map(|told| told.offset).collect()
}

fn desk(limits: ReaderLimits) -> Desk {
    let mut desk = Desk::of(StreamReader::new().with_limits(limits));
    desk.one("$start:a", "");
    desk
}

#[test]
fn asked_once_and_when_a_session_lists_it() {
    let mut desk = desk(ReaderLimits::DEFAULT);
    desk.one("session:a", listing("open", &["f", "g"]));
    assert_eq!(desk.asked(), ["f", "g"], "before there is data");
    assert!(desk.give("f"));
    assert_eq!(place(&desk.one("tdata:a", data("f"))), BOUND, "it does not wait");
    desk.one("session:a", listing("open", &["f", "g", "h"]));
    desk.one("session:b", listing("open", &["g", "h"]));
    assert_eq!(desk.asked(), ["h"], "the others were asked for before");
    desk.wait("tdata:a", data("g"));
    desk.wait("tdata:a", data("i"));
    assert_eq!(desk.asked(), ["i"], "when it comes, and not when its turn comes");
    desk.give("g");
    assert_eq!(desk.drain().iter().map(place).collect::<Vec<_>>(), [BOUND]);
    desk.wait("session:a", listing("open", &["j"]));
    assert_eq!(desk.asked(), ["j"], "also by a session that waits");
    // Other dependencies are not for a reader.
    desk.one("session:c", session("open", r#""dependencies":{"atlasConfiguration":["x"]}"#));
    assert_eq!(desk.asked(), [""; 0]);
}

#[test]
fn what_is_given_before_it_is_asked_for_is_not_asked_for() {
    let mut desk = desk(ReaderLimits::DEFAULT);
    assert!(desk.give("f"));
    desk.one("session:a", listing("open", &["f"]));
    assert_eq!(place(&desk.one("tdata:a", data("f"))), BOUND);
    desk.one("session:a", listing("open", &["f", "g"]));
    assert!(desk.give("g"), "given before anybody was told");
    assert_eq!(desk.asked(), [""; 0]);
    let ids: Vec<_> = desk.reader.formats().map(|(id, _)| id).collect();
    assert_eq!(ids, ["f", "g"]);
}

#[test]
fn a_format_is_shared_and_binds() {
    let (mut desk, shared) = (desk(ReaderLimits::DEFAULT), format());
    desk.reader.provide_format("f", Arc::clone(&shared));
    for stream in ["a", "b"] {
        let (key, value) = (format!("tdata:{stream}"), data("f"));
        let received = desk.reader.handle_record(Duration::ZERO, 0, key.as_bytes(), value.as_bytes()).unwrap().unwrap();
        assert!(Arc::ptr_eq(received.format().unwrap(), &shared));
        let atlas_stream::Message::Data(data) = received.message() else { panic!() };
        let mut view = View::new("").with("vCar:Chassis", atlas_stream::Aggregates::AVG);
        let bound = view.bind(data, received.format().unwrap()).unwrap();
        assert_eq!(bound.column(0).unwrap().values().to_vec(), [211.5]);
    }
    assert_eq!(Arc::strong_count(&shared), 2);
}

#[test]
fn a_stream_waits_in_order_and_others_flow() {
    let mut desk = desk(ReaderLimits::DEFAULT);
    let value = data("f");
    desk.wait("tdata:a", &value);
    for (key, value) in [("lap:a", LAP), ("session:a", &session("closed", "")), ("other:a", "x"), ("$end:a", "")] {
        desk.wait(key, value);
    }
    assert_eq!(desk.notes("$start:b", ""), StreamNotes::OPENED);
    assert_eq!(desk.notes("tdata:b", data("")), StreamNotes::NONE);
    assert_eq!((desk.drain(), desk.reader.waiting(), desk.reader.first_waiting_offset()), (vec![], 5, Some(1)));
    assert_eq!(desk.reader.stream("a").unwrap().waiting(), 5);
    assert_eq!(desk.state("a"), None, "it is as far as was delivered");
    desk.give("f");
    assert_eq!(desk.reader.waiting(), 5, "nobody took it yet");
    desk.wait("sync:a", "");
    let told = desk.drain();
    assert_eq!(offsets(&told), [1, 2, 3, 4, 5, 8]);
    let notes: Vec<_> = told.iter().map(|told| told.notes).collect();
    let none = StreamNotes::NONE;
    assert_eq!(notes, [none, none, StreamNotes::AFTER_DATA, none, none, StreamNotes::AFTER_END]);
    assert_eq!((desk.reader.waiting(), desk.reader.waiting_bytes()), (0, 0));
    assert_eq!((desk.reader.first_waiting_offset(), desk.reader.stream("a").unwrap().has_ended()), (None, true));
}

#[test]
fn what_waits_is_counted_by_its_bytes_and_by_its_first() {
    let mut desk = desk(ReaderLimits::DEFAULT);
    let (mut bytes, mut firsts) = (0, Vec::new());
    for (key, format) in [("tdata:b", "f"), ("tdata:a", "g"), ("tdata:b", "f")] {
        desk.wait(key, data(format));
        bytes += key.len() + data(format).len();
        firsts.push(desk.reader.first_waiting_offset());
        assert_eq!(desk.reader.waiting_bytes(), bytes);
    }
    assert_eq!(firsts, [Some(1); 3]);
    desk.give("f");
    desk.reader.poll_record().unwrap();
    assert_eq!(desk.reader.first_waiting_offset(), Some(2), "of the other stream");
    desk.drain();
    assert_eq!((desk.reader.first_waiting_offset(), desk.reader.waiting()), (Some(2), 1));
    desk.reader.format_unavailable("g");
    assert_eq!(desk.drain().iter().map(place).collect::<Vec<_>>(), [UNBOUND]);
    assert_eq!(desk.reader.waiting_bytes(), 0);
}

#[test]
fn what_has_names_and_what_names_no_format_does_not_wait() {
    let mut desk = desk(ReaderLimits::DEFAULT);
    desk.one("session:a", listing("open", &["f"]));
    assert_eq!(place(&desk.one("tsamples:a", NAMED)), (StreamNotes::NONE, false), "names are enough");
    assert_eq!(place(&desk.one("tdata:a", data(""))), (StreamNotes::NONE, false), "which one is not guessed");
    desk.give("f");
    assert_eq!(place(&desk.one("tsamples:a", NAMED)), BOUND, "it goes with it");
    assert_eq!(place(&desk.one("tdata:a", data(""))), (StreamNotes::NONE, false));
    // Samples before February 2020 have none.
    desk.wait("tsamples:a", r#"{"format":"g","time":[1],"data":[[1.0]]}"#);
    desk.reader.format_unavailable("g");
    assert_eq!(desk.drain().iter().map(place).collect::<Vec<_>>(), [UNBOUND]);
}

#[test]
fn ten_seconds_from_the_first_that_waits() {
    let mut desk = desk(ReaderLimits::DEFAULT);
    desk.one("session:a", listing("open", &["f"]));
    desk.at(100).wait("tdata:a", data("f"));
    desk.at(109).wait("tdata:b", data("f"));
    desk.at(109).wait("tdata:b", data("g"));
    assert_eq!(desk.reader.poll_deadline(), Some(Duration::from_secs(30)), "it is looked at the stream");
    desk.reader.handle_timeout(Duration::from_millis(109_999));
    assert_eq!(desk.reader.poll_deadline(), Some(Duration::from_secs(110)));
    assert_eq!(desk.drain(), []);
    desk.reader.handle_timeout(Duration::from_secs(110));
    let told = desk.drain();
    assert_eq!(offsets(&told), [2, 3]);
    assert!(told.iter().all(|told| told.notes.contains(StreamNotes::UNBOUND) && !told.is_bound));
    // What names it later does not wait any more, until it is given; another has a time of its own, from when it came.
    assert_eq!(place(&desk.at(111).one("tdata:a", data("f"))), UNBOUND);
    assert_eq!(desk.reader.poll_deadline(), Some(Duration::from_secs(119)));
    desk.give("f");
    assert_eq!(place(&desk.one("tdata:a", data("f"))), BOUND);
    desk.reader.handle_timeout(Duration::from_secs(119));
    assert_eq!(desk.drain().iter().map(place).collect::<Vec<_>>(), [UNBOUND]);
    // As it is told.
    let mut desk = Desk::of(StreamReader::new().with_format_timeout(Duration::from_secs(2)));
    desk.wait("tdata:a", data("f"));
    assert_eq!(desk.reader.poll_deadline(), Some(Duration::from_secs(2)));
}

#[test]
fn a_format_that_is_given_up_was_asked_for_all_the_same() {
    // By a time-out, for room, and at the end, each before anybody looked at the events.
    type Act = fn(&mut Desk);
    let ways: [Act; 3] = [
        |desk| desk.reader.handle_timeout(Duration::from_secs(10)),
        |desk| desk.wait("lap:a", LAP),
        |desk| desk.reader.finish(),
    ];
    for (at, act) in ways.into_iter().enumerate() {
        let mut desk = Desk::of(StreamReader::new().with_limits(ReaderLimits::DEFAULT.with_max_waiting(1)));
        desk.wait("tdata:a", data("f"));
        act(&mut desk);
        assert!(!desk.drain()[0].is_bound);
        assert_eq!(desk.asked(), ["f"], "{at}");
    }
}

#[test]
fn what_is_not_to_be_had_is_not_waited_for() {
    let mut desk = desk(ReaderLimits::DEFAULT);
    desk.one("session:a", listing("open", &["f"]));
    desk.reader.format_unavailable("f");
    assert_eq!(desk.asked(), [""; 0], "who knows that needs no telling");
    assert_eq!(place(&desk.one("tdata:a", data("f"))), UNBOUND);
    // What is known stays known.
    desk.give("f");
    desk.reader.format_unavailable("f");
    assert_eq!(place(&desk.one("tdata:a", data("f"))), BOUND);
}

#[test]
fn before_a_caller_goes_all_is_to_be_had() {
    let mut desk = desk(ReaderLimits::DEFAULT);
    for (key, format) in [("tdata:a", "f"), ("tdata:b", "g"), ("tdata:a", "h"), ("tdata:b", "g")] {
        desk.wait(key, data(format));
    }
    desk.wait("$end:a", "");
    assert_eq!(desk.drain(), []);
    desk.reader.finish();
    assert!(matches!(desk.hand("lap:a", LAP), Err(ReadError::NotTaken)), "in order");
    let told = desk.drain();
    let of = |key: &str| told.iter().filter(|told| told.key.ends_with(key)).map(|told| told.offset).collect::<Vec<_>>();
    assert_eq!((of(":a"), of(":b"), desk.reader.waiting()), (vec![1, 3, 5], vec![2, 4], 0));
    let mut data = told.iter().filter(|told| told.key.starts_with("tdata"));
    assert!(data.all(|told| told.notes.contains(StreamNotes::UNBOUND)));
    // Who goes on has data wait again.
    desk.wait("tdata:c", crate::support::data("k"));
    assert_eq!(desk.drain(), []);
    // With nothing that waits it changes nothing.
    let mut desk = Desk::default();
    desk.reader.finish();
    desk.wait("tdata:a", crate::support::data("f"));
    assert_eq!(desk.drain(), []);
}

#[test]
fn long_ids_and_more_than_there_is_room_for_are_unbound() {
    let (longest, longer) = ("x".repeat(256), "x".repeat(257));
    let mut first = desk(ReaderLimits::DEFAULT);
    assert_eq!(place(&first.one("tdata:a", data(&longer))), UNBOUND);
    first.one("session:a", listing("open", &[&longer]));
    assert_eq!(first.asked(), [""; 0]);
    first.wait("tdata:a", data(&longest));
    assert_eq!(first.asked(), [longest]);
    // All that there is room for is waited for.
    let mut desk = desk(ReaderLimits::DEFAULT.with_max_formats(2));
    desk.wait("tdata:b", data("f"));
    desk.wait("tdata:c", data("g"));
    assert_eq!(place(&desk.one("tdata:a", data("h"))), UNBOUND);
    assert!(!desk.give("h"), "nor is it kept");
    desk.give("f");
    desk.drain();
    assert_eq!(desk.asked(), ["g"], "the other was given before anybody was told");
    desk.wait("tdata:a", data("h"));
    assert_eq!(desk.asked(), ["h"], "in the place of the first");
}

#[test]
fn a_session_that_lists_what_is_known_asks_for_the_rest() {
    let mut desk = desk(ReaderLimits::DEFAULT.with_max_formats(2));
    desk.give("f");
    desk.one("session:a", listing("open", &["f", "g"]));
    assert_eq!(desk.asked(), ["g"]);
}

#[test]
fn the_format_used_longest_ago_is_forgotten_and_asked_for_again() {
    let mut desk = desk(ReaderLimits::DEFAULT.with_max_formats(2));
    desk.give("f");
    desk.give("g");
    assert_eq!(place(&desk.one("tdata:a", data("f"))), BOUND);
    desk.give("h");
    assert_eq!(desk.reader.formats().map(|(id, _)| id).collect::<Vec<_>>(), ["f", "h"]);
    desk.wait("tdata:a", data("g"));
    assert_eq!(desk.asked(), ["g"]);
    assert_eq!(desk.reader.formats().map(|(id, _)| id).collect::<Vec<_>>(), ["h"]);
    // None that is waited for goes, however many come.
    for id in ["i", "j", "k"] {
        assert!(desk.give(id));
    }
    desk.give("g");
    assert_eq!(desk.drain().iter().map(place).collect::<Vec<_>>(), [BOUND]);
}

#[test]
fn with_too_many_records_that_wait_the_oldest_wait_ends() {
    let mut desk = desk(ReaderLimits::DEFAULT.with_max_waiting(3));
    for (second, (key, format)) in (0..).zip([("tdata:a", "f"), ("tdata:b", "g"), ("lap:b", ""), ("tdata:a", "f")]) {
        let value = if key == "lap:b" { LAP.to_owned() } else { data(format) };
        desk.at(second).wait(key, value);
    }
    assert_eq!(desk.reader.waiting(), 4, "one more is taken");
    assert!(matches!(desk.hand("lap:a", LAP), Err(ReadError::NotTaken)));
    assert!(matches!(desk.hand("$end:b", ""), Err(ReadError::NotTaken)));
    assert!(!desk.one("tdata:c", data("h")).is_bound, "streams that do not wait go on without");
    assert_eq!(desk.one("tdata:c", data("f")).notes, StreamNotes::UNBOUND);
    let told = desk.drain();
    assert_eq!(
        (offsets(&told), desk.reader.waiting()),
        (vec![1, 4], 2),
        "the first format is given up, the second not"
    );
    assert!(told.iter().all(|told| told.notes == StreamNotes::UNBOUND));
    desk.give("g");
    let told = desk.drain();
    assert_eq!((offsets(&told), told[0].is_bound), (vec![2, 3], true));
    assert_eq!(desk.notes("lap:a", LAP), StreamNotes::NONE, "handed in again");
}

#[test]
fn with_too_many_bytes_that_wait_the_oldest_wait_ends() {
    let one = "tdata:a".len() + data("f").len();
    let mut desk = desk(ReaderLimits::DEFAULT.with_max_waiting_bytes(2 * one));
    for _ in 0..3 {
        desk.wait("tdata:a", data("f"));
    }
    assert_eq!(desk.reader.waiting_bytes(), 3 * one, "one more is taken");
    assert!(matches!(desk.hand("tdata:a", data("f")), Err(ReadError::NotTaken)));
    assert_eq!(desk.drain().iter().map(place).collect::<Vec<_>>(), [UNBOUND; 3]);
    // None waits that is more by itself, but it is delivered.
    let mut desk = Desk::of(StreamReader::new().with_limits(ReaderLimits::DEFAULT.with_max_waiting(0)));
    desk.wait("tdata:a", data("f"));
    assert_eq!(desk.drain().len(), 1);
}

#[test]
fn what_is_refused_is_so_when_it_comes() {
    let mut desk = desk(ReaderLimits::DEFAULT);
    desk.wait("tdata:a", data("f"));
    for (key, value) in [("tdata:a", "{"), ("lap:a", "[]"), ("session:a", ""), ("no colon", "")] {
        assert!(matches!(desk.hand(key, value), Err(ReadError::Decode(_))), "{key}");
    }
    assert_eq!(desk.reader.waiting(), 1, "none of them waits");
    desk.wait("sync:a", "");
    desk.give("f");
    assert_eq!(offsets(&desk.drain()), [1, 6]);
}

#[test]
fn telemetry_in_protobuf_waits_and_is_bound() {
    for (kind, at) in proto::KINDS.into_iter().zip(0_usize..) {
        let types = TypeMap::new().with("x", MessageKind::ProtobufTelemetry(kind));
        let mut desk = Desk::of(StreamReader::new().with_decoder(Decoder::new().with_types(types)));
        desk.one("$start:a", "");
        let value = proto::message(kind, [0]);
        desk.wait("x:a", &value);
        desk.wait("$end:a", "");
        assert_eq!(desk.asked(), ["f"], "{at}");
        desk.give("f");
        let received = desk.reader.poll_record().unwrap();
        assert!(received.format().is_some());
        let (atlas_stream::Message::Data(telemetry) | atlas_stream::Message::Samples(telemetry)) = received.message()
        else {
            panic!()
        };
        assert_eq!((telemetry.kind(), telemetry.is_in_place()), (kind, kind == TelemetryKind::Data || at > 0));
        assert_eq!(desk.drain().len(), 1);
        assert!(desk.one("x:b", &value).is_bound);
    }
    // Without a map nothing is known of it, and it waits for nothing.
    let mut desk = desk(ReaderLimits::DEFAULT);
    assert_eq!(desk.notes("x:a", proto::message(TelemetryKind::Data, [0])), StreamNotes::NONE);
}

#[test]
fn what_names_no_format_is_not_given_one() {
    let mut desk = Desk::default();
    assert!(desk.give(""));
    let told = desk.one("tdata:a", r#"{"time":[1],"data":[{"status":[1],"avg":[211.5]}],"format":""}"#);
    assert_eq!((told.is_bound, told.notes), (false, StreamNotes::OPENED | StreamNotes::LATE));
    assert!(desk.give("f") && desk.one("tdata:a", data("f")).is_bound);
}

//! All of the demo over MQTT, at a broker in this process; strangers who publish what is none, what goes nowhere, and too little. Waiting is
//! bounded, and no time is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_alloc,
    unreachable_pub,
    missing_docs,
    reason = "a test may panic"
)]

mod common;

use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use common::{PATIENCE, Ran, Scratch, listen, settings, stranger};
use drift_demo::recorded::{SERIES, VIBRATION, WAVELET_BUFFER};
use drift_demo::{Address, Failure, Settings, Source, ids};
use drift_proto::{DataType, InfoRef, PackageBuilder, PackageRef, StatusCode, TimeSeriesInfo, Timestamp};

#[test]
fn every_id_is_complete_and_its_files_are_what_was_published() {
    let scratch = Scratch::new("whole");
    let settings = Settings { store: Some(scratch.0.clone()), ..settings(3) };
    let (_link, published) = listen(settings.broker.as_ref().unwrap(), "drift/#");
    let ran = Ran::of(&settings);
    ran.assert_complete(3, 0, 0);
    assert_eq!(ran.log, "");
    assert_eq!(ran.table.lines().last(), Some("3 of 3 ids complete, 0 bad packages"));

    let mut due = BTreeMap::new();
    for _ in 0..9 {
        let (topic, payload) = published.recv_timeout(PATIENCE).unwrap();
        let id = PackageRef::decode(&payload).unwrap().id();
        due.insert(format!("{}/{id}.dp", topic.strip_prefix("drift/").unwrap()), payload.to_vec());
    }
    let files = scratch.files();
    assert!(files == due, "{:?} {:?}", files.keys(), due.keys());

    for id in ids(3) {
        let package = |source: &str| PackageRef::decode(&files[&format!("{source}/{id}.dp")]).unwrap();
        let sensor = package("sensor");
        assert_eq!((sensor.id(), sensor.status()), (id, StatusCode::GOOD));
        assert_eq!(sensor.payload().unwrap().unwrap().data(), VIBRATION);
        let (start, stop) = (Timestamp::from_unix_millis(id - 1000), Timestamp::from_unix_millis(id));
        assert_eq!(sensor.meta().unwrap().info(), Some(InfoRef::TimeSeries(TimeSeriesInfo { start, stop, ..SERIES })));
        assert_eq!(sensor.meta().unwrap().wavelet_buffer(), Some(WAVELET_BUFFER));
        let camera = package("camera");
        assert_eq!((camera.id(), camera.status()), (id, StatusCode::BAD_SOURCE_STATE));
        assert_eq!((camera.data().count(), camera.meta()), (0, None));
        let plc = package("plc");
        assert_eq!(plc.meta().unwrap().data_type(), DataType::TYPED_DATA);
        let data = plc.typed_data().unwrap().unwrap();
        assert_eq!(data.get("spindle_speed").unwrap().values.unwrap().value(), Some(3000.5));
        assert_eq!(data.get("tool").unwrap().values.unwrap().text(), Some("mill 6 mm"));
        assert_eq!(data.get("temperatures").unwrap().status, StatusCode::UNCERTAIN);
    }
}

#[test]
fn the_table_has_a_row_for_each_package() {
    let ran = Ran::of(&settings(2));
    for (id, time) in ids(2).zip(["2021-08-27T11:14:29.443Z", "2021-08-27T11:14:30.443Z"]) {
        let mut rows = ran.rows(id);
        rows.sort_by_key(|row| row[2].to_owned());
        // Bytes and latency depend on the time it is: timestamps are as short as they can be.
        let known: Vec<_> = rows.iter().map(|row| (row[1], row[2], row[3], row[4], row[5])).collect();
        assert_eq!(
            known,
            [
                (time, "drift/camera", "BAD_SOURCE_STATE", "-", "-"),
                (time, "drift/plc", "GOOD", "typed data", "7"),
                (time, "drift/sensor", "GOOD", "wavelet buffer", "48000"),
                (time, "trigger", "GOOD", "interval trigger", "-"),
            ]
        );
        // An id of so many milliseconds takes seven bytes, a status of 518 three.
        assert_eq!((rows[0][6], rows[0][7]), ("10", "-"));
        assert!(rows[1..].iter().all(|row| row.len() == 8 && row[7].ends_with(" ms")), "{rows:?}");
    }
}

#[test]
fn topics_have_any_prefix_of_whole_levels() {
    for prefix in ["plant/7/drift/", ""] {
        let scratch = Scratch::new(&format!("prefix-{}", prefix.len()));
        let ran = Ran::of(&Settings { prefix: prefix.to_owned(), store: Some(scratch.0.clone()), ..settings(2) });
        ran.assert_complete(2, 0, 0);
        // Without a prefix triggers are at a topic like the others, and come once.
        assert_eq!(ran.log, "", "{prefix}");
        assert_eq!(scratch.files().len(), if prefix.is_empty() { 8 } else { 6 });
    }
}

#[test]
fn bad_packages_of_a_stranger_cost_no_other() {
    let settings = Settings { mute: vec![Source::Sensor], ..settings(3) };
    // One connection: the core gets them in this order.
    stranger(&settings, |trigger| {
        let answer = Source::Sensor.answer(trigger.as_ref()).unwrap();
        vec![
            // The key of a label is "ab" and a byte that begins no character.
            ("drift/x".to_owned(), b"\x08\x07\x3a\x05\x0a\x03ab\xff".to_vec()),
            // Three bytes are said to follow.
            ("drift/x\u{1b}[2J".to_owned(), b"\x32\x03\x08".to_vec()),
            ("drift/sensor".to_owned(), answer.bytes().to_vec()),
        ]
    });
    let ran = Ran::of(&settings);
    ran.assert_complete(3, 6, 0);
    let lines: Vec<_> = ran.log.lines().collect();
    let utf8 = "drift/x: 9 bytes are no package: text is not UTF-8 at byte 8 (key), in labels[0].key";
    assert_eq!(lines.iter().filter(|line| **line == utf8).count(), 3, "{}", ran.log);
    let torn = "drift/x\\u{1b}[2J: 3 bytes are no package: ends in a field at byte ";
    assert_eq!(lines.iter().filter(|line| line.starts_with(torn)).count(), 3, "{}", ran.log);
    assert_eq!(lines.len(), 6, "{}", ran.log);
    assert_eq!(ran.table.lines().last(), Some("3 of 3 ids complete, 6 bad packages"));
}

#[test]
fn topics_that_would_leave_the_folder_are_not_kept() {
    let scratch = Scratch::new("escape");
    let inner = scratch.0.join("a/b");
    let settings = Settings { mute: vec![Source::Plc], store: Some(inner), ..settings(1) };
    stranger(&settings, |trigger| {
        let answer = Source::Plc.answer(trigger.as_ref()).unwrap().bytes().to_vec();
        let topics = ["drift/../up", "drift/../../up", "drift//root", "drift/a\\b", "drift/room/7", "drift/plc"];
        topics.map(|topic| (topic.to_owned(), answer.clone())).into()
    });
    let ran = Ran::of(&settings);
    ran.assert_complete(1, 0, 4);
    let id = ids(1).next().unwrap();
    let due = ["camera", "plc", "room/7", "sensor"].map(|source| format!("a/b/{source}/{id}.dp"));
    assert_eq!(scratch.files().into_keys().collect::<Vec<_>>(), due);
    assert!(ran.log.starts_with(&format!("drift/../up {id}: not kept, the topic names no file\n")), "{}", ran.log);
}

/// Of topics that are valid, and whose files would be in the way of others.
#[test]
fn topics_that_are_in_the_way_are_not_kept() {
    let scratch = Scratch::new("way");
    let settings = Settings { mute: vec![Source::Plc, Source::Camera], store: Some(scratch.0.clone()), ..settings(1) };
    let id = ids(1).next().unwrap();
    let (long, file) = (format!("drift/{}x", "a/".repeat(3000)), format!("drift/plc/{id}.dp"));
    let topics = [&*long, &file, "drift/plc", &file, "drift/nul", "drift/camera"].map(str::to_owned);
    stranger(&settings, move |trigger| {
        let answer = Source::Plc.answer(trigger.as_ref()).unwrap().bytes().to_vec();
        topics.clone().map(|topic| (topic, answer.clone())).into()
    });
    let ran = Ran::of(&settings);
    ran.assert_complete(1, 0, 4);
    let due = ["camera", "plc", "sensor"].map(|source| format!("{source}/{id}.dp"));
    assert_eq!(scratch.files().into_keys().collect::<Vec<_>>(), due);
    let told = |topic: &str| format!("{topic} {id}: not kept, the topic names no file");
    let lines: Vec<_> = ran.log.lines().filter(|line| line.contains("not kept")).collect();
    assert_eq!(lines, [told(&long), told(&file), told(&file), told("drift/nul")]);
    assert!(ran.table.ends_with("\n1 of 1 ids complete, 0 bad packages, 4 not kept\n"), "{}", ran.table);
}

/// A folder where a file goes, and a file where a folder goes.
#[test]
fn files_that_cannot_be_written_cost_no_other() {
    let scratch = Scratch::new("unwritten");
    let mut all = ids(2);
    let (first, second) = (all.next().unwrap(), all.next().unwrap());
    fs::create_dir_all(scratch.0.join(format!("plc/{first}.dp/x"))).unwrap();
    fs::write(scratch.0.join("camera"), "mine").unwrap();
    let ran = Ran::of(&Settings { store: Some(scratch.0.clone()), ..settings(2) });
    ran.assert_complete(2, 0, 3);
    let mut lines: Vec<_> = ran.log.lines().map(|line| line.split(", ").next().unwrap()).collect();
    lines.sort_unstable();
    let told = |source: &str, id: i64| format!("drift/{source} {id}: not kept");
    assert_eq!(lines, [told("camera", first), told("camera", second), told("plc", first)]);
    let files = scratch.files();
    assert_eq!(files["camera"], b"mine");
    // Nor is half of one left.
    let due =
        ["camera".to_owned(), format!("plc/{second}.dp"), format!("sensor/{first}.dp"), format!("sensor/{second}.dp")];
    assert_eq!(files.into_keys().collect::<Vec<_>>(), due);
}

/// More than rumqttc takes unless told, by far.
#[test]
fn a_package_may_be_large() {
    let settings = Settings { mute: vec![Source::Sensor], ..settings(1) };
    stranger(&settings, |trigger| {
        let mut package = PackageBuilder::new(trigger.as_ref().id());
        package.payload(vec![7; 20_000_000]);
        vec![("drift/sensor".to_owned(), package.encode_to_vec().unwrap())]
    });
    let ran = Ran::of(&settings);
    ran.assert_complete(1, 0, 0);
    let rows = ran.rows(ids(1).next().unwrap());
    let sensor = rows.iter().find(|row| row[2] == "drift/sensor").unwrap();
    // Without meta nobody knows what it is.
    assert_eq!(sensor[4..6], ["unknown", "-"]);
    assert!(sensor[6].parse::<u32>().unwrap() > 20_000_000);
}

#[test]
fn who_does_not_answer_is_named() {
    let settings = Settings { mute: vec![Source::Camera], timeout: Duration::from_secs(2), ..settings(2) };
    let ran = Ran::of(&settings);
    let report = ran.outcome.unwrap();
    assert_eq!((report.complete, report.missing), (vec![], ids(2).collect()));
    assert_eq!(ran.table.lines().last(), Some("0 of 2 ids complete, 0 bad packages"));
    for (id, line) in ids(2).zip(ran.log.lines()) {
        let rest = line.strip_prefix(&format!("{id}: not complete in time, without ")).unwrap();
        assert!(rest.split(", ").any(|topic| topic == "drift/camera"), "{line}");
    }
}

/// Ids of others at the same broker are printed, and are nobody's fault.
#[test]
fn ids_that_nobody_triggered_are_not_missing() {
    let settings = Settings { mute: vec![Source::Sensor], ..settings(1) };
    stranger(&settings, |trigger| {
        let other = PackageBuilder::failed(-5, StatusCode(600)).encode_to_vec().unwrap();
        let answer = Source::Sensor.answer(trigger.as_ref()).unwrap();
        vec![
            ("drift/other".to_owned(), other.clone()),
            ("drift/other".to_owned(), other),
            ("drift/sensor".to_owned(), answer.bytes().to_vec()),
        ]
    });
    let ran = Ran::of(&settings);
    ran.assert_complete(1, 0, 0);
    assert_eq!(
        ran.log,
        "drift/other -5: came before\n\
         -5: not complete in time, without trigger, drift/sensor, drift/camera, drift/plc\n"
    );
    // The id takes ten bytes, the status two, and each a byte in front.
    assert_eq!(ran.rows(-5), [["-5", "1969-12-31T23:59:59.995Z", "drift/other", "600", "-", "-", "14", "-"]]);
}

fn broker_failure(ran: Ran) -> (Address, String) {
    match ran.outcome {
        Err(Failure::Broker(address, why)) => (address, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_broker_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: Address = listener.local_addr().unwrap().to_string().parse().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let (told, why) = broker_failure(Ran::of(&Settings { broker: Some(address.clone()), ..Settings::default() }));
    assert_eq!(told, address);
    assert_ne!(why, "");
}

/// Through a proxy that takes the core and one service, and nobody else: both connections end with the run.
#[test]
fn what_was_started_is_closed_when_the_rest_cannot_be() {
    let direct = settings(1);
    let broker = direct.broker.clone().unwrap().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy: Address = listener.local_addr().unwrap().to_string().parse().unwrap();
    let (sender, ended) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            let (mut front, mut back) = (stream.unwrap(), TcpStream::connect(&broker).unwrap());
            let (mut to, mut from) = (front.try_clone().unwrap(), back.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            let sender = sender.clone();
            thread::spawn(move || {
                let _ = std::io::copy(&mut front, &mut back);
                sender.send(())
            });
        }
        // The listener is gone.
    });
    let ran = Ran::of(&Settings { broker: Some(proxy.clone()), ..direct });
    assert_eq!((&*ran.table, &*ran.log), ("", ""));
    assert_eq!(broker_failure(ran).0, proxy);
    for _ in 0..2 {
        ended.recv_timeout(PATIENCE).unwrap();
    }
}

/// Through a proxy, which cuts all connections when it gets the first trigger that was published.
#[test]
fn a_broker_that_goes_away_is_told() {
    let direct = settings(1);
    let broker = direct.broker.clone().unwrap().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy: Address = listener.local_addr().unwrap().to_string().parse().unwrap();
    let (_link, triggers) = listen(direct.broker.as_ref().unwrap(), "trigger");
    let (sender, streams) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (front, back) = (stream.unwrap(), TcpStream::connect(&broker).unwrap());
            for (from, to) in [(&front, &back), (&back, &front)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
            sender.send(front).unwrap();
        }
    });
    thread::spawn(move || {
        triggers.recv_timeout(PATIENCE).unwrap();
        streams.try_iter().for_each(|stream| stream.shutdown(Shutdown::Both).unwrap());
    });
    // Nobody would ever be done: there are triggers for a day.
    let settings =
        Settings { broker: Some(proxy.clone()), triggers: 1000, interval: Duration::from_secs(86_400), ..direct };
    assert_eq!(broker_failure(Ran::of(&settings)).0, proxy);
}

//! The golden vectors whose fault is their place: each behind the records that it has in front of it.

use core::num::NonZeroU32;
use core::time::Duration;

use atlas_stream::{KeyRef, Message, Partitioner, SessionState, StreamNotes, StreamReader};
use serde_json::Value as Json;

fn vectors() -> Vec<Json> {
    let lines = include_str!("../vectors/atlas.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).filter(|vector: &Json| vector["level"] == "order").collect()
}

fn vector(id: &str) -> Json {
    vectors().into_iter().find(|vector| vector["id"] == id).unwrap()
}

/// Reads what is in front of a vector, and then the vector.
fn read(reader: &mut StreamReader, vector: &Json) -> StreamNotes {
    let mut offset = 0;
    for record in vector["prior"].as_array().unwrap() {
        let (key, value) = (record["key"].as_str().unwrap(), record["value"].as_str().unwrap());
        let received = reader.handle_record(Duration::ZERO, offset, key.as_bytes(), value.as_bytes()).unwrap().unwrap();
        let due = match (offset, key.starts_with("$end:")) {
            (0, _) => StreamNotes::OPENED,
            // What is in front of atlas-143 ends without a closed session.
            (_, true) => StreamNotes::NOT_CLOSED,
            _ => StreamNotes::NONE,
        };
        assert_eq!((received.notes(), received.offset()), (due, offset), "{}", vector["id"]);
        offset += 1;
    }
    reader.format_unavailable("0ec63347ffc5");
    let (key, value) = (vector["key"].as_str().unwrap(), vector["value"].as_str().unwrap());
    let received = reader.handle_record(Duration::ZERO, offset, key.as_bytes(), value.as_bytes()).unwrap();
    if let Some(received) = received {
        return received.notes();
    }
    reader.finish();
    reader.poll_record().unwrap().notes()
}

#[test]
fn there_are_seven() {
    let ids: Vec<_> = vectors().iter().map(|vector| vector["id"].as_str().unwrap().to_owned()).collect();
    let due = ["atlas-142", "atlas-143", "atlas-144", "atlas-145", "atlas-146", "atlas-147", "atlas-148"];
    assert_eq!(ids, due);
}

#[test]
fn each_is_delivered_and_says_what_is_wrong() {
    let due = [
        ("atlas-142", StreamNotes::OPENED | StreamNotes::LATE | StreamNotes::UNBOUND),
        ("atlas-143", StreamNotes::AFTER_END | StreamNotes::UNBOUND),
        ("atlas-144", StreamNotes::AFTER_CLOSE | StreamNotes::UNBOUND),
        ("atlas-145", StreamNotes::REOPENED),
        ("atlas-146", StreamNotes::WENT_BACK),
        ("atlas-147", StreamNotes::RESTARTED),
    ];
    for (id, notes) in due {
        assert_eq!(read(&mut StreamReader::new(), &vector(id)), notes, "{id}");
    }
}

#[test]
fn states_stay_as_they_have_to() {
    let due =
        [("atlas-144", SessionState::CLOSED), ("atlas-145", SessionState::CLOSED), ("atlas-146", SessionState::OPEN)];
    for (id, state) in due {
        let (mut reader, vector) = (StreamReader::new(), vector(id));
        read(&mut reader, &vector);
        let stream = reader.streams().next().unwrap();
        assert_eq!((stream.state(), stream.is_complete(), stream.has_ended()), (Some(state), true, false), "{id}");
    }
    // A second `$start` begins anew.
    let mut reader = StreamReader::new();
    read(&mut reader, &vector("atlas-147"));
    let stream = reader.streams().next().unwrap();
    assert_eq!((stream.state(), stream.session().is_none(), stream.is_complete()), (None, true, true));
}

#[test]
fn a_stream_in_two_partitions_is_told_by_who_sees_both() {
    let vector = vector("atlas-148");
    let mut partitioner = Partitioner::new(NonZeroU32::new(2).unwrap());
    let place = |record: &Json| {
        let key = KeyRef::decode(record["key"].as_str().unwrap().as_bytes()).unwrap().stream_id().to_owned();
        (key, i32::try_from(record["partition"].as_i64().unwrap()).unwrap())
    };
    for record in vector["prior"].as_array().unwrap() {
        let (stream_id, partition) = place(record);
        assert_eq!(partitioner.note(&stream_id, partition), None);
    }
    let (stream_id, partition) = place(&vector);
    assert_eq!((partition, partitioner.note(&stream_id, partition)), (1, Some(0)));
    // The reader of the other partition takes it for a stream that it joins late.
    let mut reader = StreamReader::new();
    let (key, value) = (vector["key"].as_str().unwrap(), vector["value"].as_str().unwrap());
    assert!(reader.handle_record(Duration::ZERO, 0, key.as_bytes(), value.as_bytes()).unwrap().is_none());
    reader.finish();
    let received = reader.poll_record().unwrap();
    assert!(matches!(received.message(), Message::Data(data) if data.len() == 2));
    assert_eq!(received.notes(), StreamNotes::OPENED | StreamNotes::LATE | StreamNotes::UNBOUND);
}

//! The protobuf messages of the golden vectors, by the types of prost.

#![cfg(feature = "prost")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use atlas_stream::proto::{
    EventMessage, ParameterDataBackFillMessage, ParameterDataMessage, ParameterSamplesBackFillMessage,
    ParameterSamplesMessage,
};
use prost::Message;
use serde_json::Value as Json;
use testkit::vectors::{base64, hex};

const EPOCH: i64 = 1_699_920_000_000_000_000;
const TIME: i64 = 36_930_000_000_000;

/// The value of a vector.
fn value(id: &str) -> Vec<u8> {
    let lines = include_str!("vectors/atlas.jsonl").lines();
    let vector = lines.map(|line| serde_json::from_str::<Json>(line).unwrap()).find(|line| line["id"] == id).unwrap();
    base64(vector["value"].as_str().unwrap())
}

#[test]
fn data_is_by_index_in_the_feed() {
    let message = ParameterDataMessage::decode(&value("atlas-061")[..]).unwrap();
    assert_eq!((message.data_format_id.as_str(), message.feed.as_str()), ("0ec63347ffc5", ""));
    assert_eq!((message.epoch_nanos, &message.timestamps_nanos), (EPOCH, &vec![TIME, TIME + 20_000_000]));
    let (speed, force) = (&message.parameters[&0], &message.parameters[&1]);
    assert_eq!((&speed.statuses, &speed.avg_values), (&vec![1, 1], &vec![211.5, 212.25]));
    assert!(speed.min_values.is_empty() && speed.max_values.is_empty() && speed.first_values.is_empty());
    assert_eq!(
        (&force.statuses, &force.min_values, &force.max_values),
        (&vec![1, 17], &vec![-0.5, -0.75], &vec![0.5, 1.0])
    );

    let sparse = ParameterDataMessage::decode(&value("atlas-062")[..]).unwrap();
    assert_eq!((sparse.feed.as_str(), sparse.parameters.keys().collect::<Vec<_>>()), ("raw", vec![&1]));
    assert_eq!(sparse.parameters[&1].avg_values, [12.5]);
    let unpacked = ParameterDataMessage::decode(&value("atlas-068")[..]).unwrap();
    assert_eq!((&unpacked.timestamps_nanos, &unpacked.parameters[&0].avg_values), (&vec![TIME], &vec![2.5]));
    assert_eq!(ParameterDataMessage::decode(&value("atlas-067")[..]), Ok(ParameterDataMessage::default()));
    assert!(ParameterDataMessage::decode(&value("atlas-149")[..]).is_err(), "torn");
}

#[test]
fn samples_have_times_of_their_own() {
    let message = ParameterSamplesMessage::decode(&value("atlas-064")[..]).unwrap();
    let gear = &message.parameters[&0];
    assert_eq!((message.feed.as_str(), gear.epoch_nanos, gear.timestamps_nanos[0]), ("raw", EPOCH, TIME));
    assert_eq!(gear.values, [3.0, 4.0]);
    let late = ParameterSamplesBackFillMessage::decode(&value("atlas-065")[..]).unwrap();
    let samples = &late.parameters[&1];
    assert_eq!((&samples.timestamps_nanos, samples.values[0]), (&vec![-4, -2], 0.5));
    assert!(samples.values[1].is_nan());
    let late = ParameterDataBackFillMessage::decode(&value("atlas-063")[..]).unwrap();
    assert_eq!(late.parameters[&1].values.as_ref().unwrap().statuses, [1, 33]);
    assert_eq!(late.parameters[&0].timestamps_nanos, [TIME]);
}

#[test]
fn events_and_the_bytes_of_the_documents() {
    let event = EventMessage::decode(&value("atlas-066")[..]).unwrap();
    assert_eq!((event.epoch_nanos, event.timestamps_nanos), (EPOCH, TIME));
    assert_eq!(
        (event.id.as_str(), event.status.as_str(), &event.values),
        ("02D4:Chassis", "Active", &vec![3.0, 0.0, 12.0])
    );
    assert_eq!(event.encode_to_vec(), value("atlas-066"));
    assert!(EventMessage::decode(&value("atlas-153")[..]).is_err(), "JSON");
    let event = EventMessage {
        epoch_nanos: 1,
        timestamps_nanos: 2,
        id: "a".into(),
        values: vec![1.0],
        ..EventMessage::default()
    };
    assert_eq!(event.encode_to_vec(), hex("08 01 10 02 1a 01 61 2a 08 00 00 00 00 00 00 f0 3f"));
}

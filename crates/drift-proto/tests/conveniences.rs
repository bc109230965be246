//! Ways that are there to spare callers longer ones.

#![allow(clippy::unwrap_used, clippy::panic)]

use core::time::Duration;

use drift_proto::{
    Correlated, Correlator, DataPayloadRef, DriftBytesReader, DriftBytesRef, DriftBytesWriter, InfoRef,
    IntervalTrigger, Package, PackageBuilder, PackageRef, StatusCode, Timestamp, Trigger, TypedDataWriter, Values,
    ValuesRef,
};

#[test]
fn values_of_any_type_are_taken_and_shown() {
    let mut writer = DriftBytesWriter::new();
    for values in [
        Values::Bool(&[true, false]),
        Values::I8(&[-1]),
        Values::U8(&[200]),
        Values::I16(&[-300]),
        Values::U16(&[60_000]),
        Values::I32(&[-70_000]),
        Values::U32(&[4_000_000_000]),
        Values::I64(&[i64::MIN]),
        Values::U64(&[u64::MAX]),
        Values::F32(&[0.5]),
        Values::F64(&[-0.25]),
        Values::Texts(&["a\n", ""]),
        Values::None,
        Values::U8(&[7; 100]),
    ] {
        writer.value(values).unwrap();
    }
    let bytes = writer.finish();
    let shown: Vec<String> = DriftBytesRef::decode(&bytes).unwrap().items().map(|item| format!("{item:?}")).collect();
    let due = [
        "ItemRef(bool, [2], [true, false])",
        "ItemRef(int8, [1], [-1])",
        "ItemRef(uint8, [1], [200])",
        "ItemRef(int16, [1], [-300])",
        "ItemRef(uint16, [1], [60000])",
        "ItemRef(int32, [1], [-70000])",
        "ItemRef(uint32, [1], [4000000000])",
        "ItemRef(int64, [1], [-9223372036854775808])",
        "ItemRef(uint64, [1], [18446744073709551615])",
        "ItemRef(float32, [1], [0.5])",
        "ItemRef(float64, [1], [-0.25])",
        r#"ItemRef(string, [2], ["a\n", ""])"#,
        "ItemRef(none, [0], [])",
        "ItemRef(uint8, [100], [7, 7, 7, 7, 7, 7, 7, 7])",
    ];
    assert_eq!(shown, due);
    let last = DriftBytesRef::decode(&bytes).unwrap().items().last().unwrap();
    let ValuesRef::U8(values) = last.any_values() else { panic!() };
    assert!(values.eq([7; 100]));
}

#[test]
fn triggers_are_found_among_other_messages() {
    let (first, last) = (Timestamp { seconds: 1, nanos: 0 }, Timestamp { seconds: 2, nanos: 0 });
    let (trigger, interval) = (Trigger { timestamp: Some(last) }, IntervalTrigger { start: Some(first), stop: None });
    let mut builder = PackageBuilder::new(0);
    builder.trigger(Trigger { timestamp: Some(first) }).interval_trigger(interval).trigger(trigger).payload(b"p");
    let package = builder.build().unwrap();
    assert_eq!(package.as_ref().trigger(), Ok(Some(trigger)), "the last, as of payloads");
    assert_eq!(package.as_ref().interval_trigger(), Ok(Some(interval)));
    let none = PackageRef::decode(b"").unwrap();
    assert_eq!((none.trigger(), none.interval_trigger()), (Ok(None), Ok(None)));
    // Its timestamp is cut off.
    let package = PackageBuilder::new(0).message("drift.proto.trigger_service.TriggerMessage", b"\x12\x05").build();
    let error = package.unwrap().as_ref().trigger().unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.root()),
        ("ends in a field at byte 2 (trigger_message)", "trigger_message")
    );
}

#[test]
fn errors_tell_what_their_offsets_count_in() {
    assert_eq!(PackageRef::decode(b"\x08").unwrap_err().root(), "package");
    assert_eq!(DataPayloadRef::decode(b"\x08").unwrap_err().root(), "data_payload");
    assert_eq!(DriftBytesReader::new(b"\x01").unwrap_err().root(), "drift_bytes");
}

#[test]
fn typed_data_takes_the_place_of_all_data() {
    let mut data = TypedDataWriter::new();
    data.value("a", StatusCode::GOOD, Values::U8(&[1])).unwrap();
    let received = PackageBuilder::new(7).typed_data(data).label("kept", "").build().unwrap();
    let mut data = TypedDataWriter::new();
    data.value("b", StatusCode::BAD, Values::U8(&[2])).unwrap();
    let package = PackageBuilder::from(received.as_ref()).payload(b"gone, too").typed_data(data).build().unwrap();
    assert_eq!((package.as_ref().payloads().count(), package.as_ref().labels().count()), (1, 1));
    let data = package.as_ref().typed_data().unwrap().unwrap();
    assert!(data.get("a").is_none());
    assert_eq!(data.get("b").unwrap().values.unwrap().value(), Some(2_u8));
    assert!(matches!(package.as_ref().meta().unwrap().info(), Some(InfoRef::Typed(_))));
}

#[test]
fn labels_may_be_made_on_the_way() {
    let package = |number: u8| PackageBuilder::new(1).label(format!("l{number}"), number.to_string()).build().unwrap();
    let package = package(4);
    let label = package.as_ref().labels().next().unwrap();
    assert_eq!((label.key, label.value), ("l4", "4"));
}

#[test]
fn every_event_has_its_id_and_every_package_its_own() {
    let package = |id| PackageBuilder::failed(id, StatusCode::BAD).build().unwrap();
    assert_eq!((package(-4).id(), package(-4).status()), (-4, StatusCode::BAD));
    let mut correlator = Correlator::new(|_, packages: &[(String, Package)]| packages.len() == 2, Duration::MAX);
    let mut told = Vec::new();
    for (topic, id) in [("a", 1), ("a", 1), ("b", 1), ("b", 1), ("a", 2)] {
        told.extend(correlator.handle_package(Duration::ZERO, topic, package(id)));
    }
    told.extend(correlator.finish());
    assert_eq!(told.iter().map(Correlated::id).collect::<Vec<_>>(), [1, 1, 1, 2]);
    assert!(matches!(
        told[..],
        [
            Correlated::Duplicate { .. },
            Correlated::Complete { .. },
            Correlated::Late { .. },
            Correlated::TimedOut { .. }
        ]
    ));
}

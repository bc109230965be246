//! What nobody here knows is kept (SPEC.md §1, §3): what is not changed is written as it came, fields of the package itself last.

use drift_proto::{
    AlignedPackageRef, DataPayloadRef, IntervalTrigger, Limits, PackageBuilder, PackageRef, StatusCode, Timestamp,
    Trigger, Unpack,
};

use crate::proto::*;

/// Known only to who wrote them: of each wire type, and a group with a group in it.
fn unknown() -> Vec<u8> {
    let group = group(2000, &[group(9, &part(3, "x")), number(1, 1)].concat());
    let long = [&tag(99, 1)[..], &[7; 8]].concat();
    [
        number(18, u64::MAX),
        long,
        part(300, "future"),
        group,
        float((1 << 29) - 1, 0.0),
        vec![0xa0, 0x81, 0x00, 0x85, 0x00],
    ]
    .concat()
}

/// Sent on with another status.
fn sent_on(bytes: &[u8]) -> Vec<u8> {
    let mut builder = PackageBuilder::from(PackageRef::decode(bytes).unwrap());
    builder.status = StatusCode::BAD;
    assert_eq!(builder.encoded_len(), builder.encode_to_vec().unwrap().len());
    builder.encode_to_vec().unwrap()
}

/// `20 80 04` is the status BAD.
fn with_status(before: &[u8], after: &[u8]) -> Vec<u8> {
    [before, &[0x20, 0x80, 0x04], after].concat()
}

#[test]
fn fields_of_the_package_come_last_in_their_order() {
    let label = part(7, part(1, "k"));
    let bytes = [unknown(), label.clone(), number(100, 1), number(1, 5), number(18, 3)].concat();
    let due = with_status(&number(1, 5), &[label, unknown(), number(100, 1), number(18, 3)].concat());
    assert_eq!(sent_on(&bytes), due);
    let package = PackageRef::decode(&bytes).unwrap();
    assert_eq!(
        package.unknown_fields().collect::<Vec<_>>().concat(),
        [unknown(), number(100, 1), number(18, 3)].concat()
    );
    // Six of those above, and two.
    assert_eq!(package.unknown_fields().count(), 8);
}

#[test]
fn known_numbers_with_other_wire_types_are_unknown() {
    let odd = [
        part(1, "id"),
        number(2, 7),
        float(3, 1.0),
        group(4, &number(1, 1)),
        number(5, 1),
        group(6, &[]),
        [&tag(7, 1)[..], &[1; 8]].concat(),
    ];
    let bytes = odd.concat();
    let package = PackageRef::decode(&bytes).unwrap();
    assert_eq!((package.id(), package.status(), package.meta()), (0, StatusCode::GOOD, None));
    assert_eq!((package.source_timestamp(), package.publish_timestamp()), (None, None));
    assert_eq!((package.data().count(), package.labels().count()), (0, 0));
    assert!(package.unknown_fields().eq(odd.iter().map(Vec::as_slice)));
    assert_eq!(sent_on(&bytes), with_status(b"", &bytes));
}

#[test]
fn fields_in_a_meta_stay_where_they_are() {
    let image = part(3, [number(2, 4), unknown(), number(3, 5), part(2, "no number")].concat());
    let meta = [unknown(), number(1, 1), image, unknown(), part(7, unknown())].concat();
    let aligned = [part(6, [unknown(), part(1, [unknown(), part(2, &meta)].concat())].concat()), unknown()].concat();
    for meta in [&meta, &aligned] {
        assert_eq!(sent_on(&part(6, meta)), with_status(b"", &part(6, meta)));
        // In pieces they are one piece, with the same in it.
        let pieces = [part(6, meta), part(6, unknown())].concat();
        assert_eq!(sent_on(&pieces), with_status(b"", &part(6, [&meta[..], &unknown()].concat())));
    }
}

#[test]
fn what_an_any_holds_stays_as_it_is() {
    for value in [unknown(), [unknown(), part(2, "data"), unknown()].concat(), vec![0xff; 9]] {
        for name in [PAYLOAD, "some.Other"] {
            assert_eq!(sent_on(&any(name, &value)), with_status(b"", &any(name, &value)));
        }
    }
}

#[test]
fn fields_in_a_label_stay_where_they_are() {
    let label = part(7, [part(1, "k"), unknown(), part(2, "v")].concat());
    assert_eq!(sent_on(&label), with_status(b"", &label));
}

#[test]
fn fields_in_an_any_stay_where_they_are() {
    let any = part(5, [part(1, "/a"), unknown(), part(2, "v")].concat());
    assert_eq!(sent_on(&any), with_status(&[], &any));
}

#[test]
fn fields_in_a_timestamp_stay_where_they_are() {
    let time = part(2, [number(1, 5), unknown(), number(2, 6)].concat());
    assert_eq!(sent_on(&time), with_status(&time, b""));
}

/// In pieces they become one piece, with all that was in them.
#[test]
fn a_timestamp_in_pieces_stays_with_all_its_fields() {
    let pieces = [part(2, [number(1, 5), unknown()].concat()), number(1, 7), part(2, number(2, 6))].concat();
    let due = [number(1, 7), part(2, [number(1, 5), unknown(), number(2, 6)].concat())].concat();
    assert_eq!(sent_on(&pieces), with_status(&due, b""));
    // One that is set anew has nothing of it.
    let mut builder = PackageBuilder::from(PackageRef::decode(&pieces).unwrap());
    builder.source_timestamp = Some(Timestamp { seconds: 5, nanos: 7 });
    let due = [number(1, 7), part(2, [number(1, 5), number(2, 7)].concat())].concat();
    assert_eq!(builder.encode_to_vec().unwrap(), due);
}

#[test]
fn messages_and_labels_are_added_behind_those_that_came() {
    let (label, data) = (part(7, [unknown(), part(1, "k")].concat()), part(5, [part(1, "/a"), unknown()].concat()));
    let bytes = [label.clone(), data.clone(), unknown()].concat();
    let mut builder = PackageBuilder::from(PackageRef::decode(&bytes).unwrap());
    builder.label("l", "").message("a.B", b"x");
    let added = (any("a.B", b"x"), part(7, part(1, "l")));
    let due = [data, added.0.clone(), label, added.1.clone(), unknown()].concat();
    assert_eq!(builder.encode_to_vec().unwrap(), due);
    // All are taken away, and others are added.
    builder.clear_data().clear_labels();
    assert_eq!(builder.encode_to_vec().unwrap(), unknown());
    builder.message("a.B", b"x").label("l", "");
    assert_eq!(builder.encode_to_vec().unwrap(), [added.0, added.1, unknown()].concat());
}

#[test]
fn numbers_without_a_name_stay() {
    let bytes = [number(4, 999), part(6, number(1, 42))].concat();
    assert_eq!(PackageBuilder::from(PackageRef::decode(&bytes).unwrap()).encode_to_vec().unwrap(), bytes);
}

#[test]
fn what_is_set_anew_replaces_what_came() {
    let bytes = [part(2, number(1, 5)), part(6, unknown()), unknown()].concat();
    let mut builder = PackageBuilder::from(PackageRef::decode(&bytes).unwrap());
    (builder.source_timestamp, builder.meta) = (None, None);
    assert_eq!(builder.encode_to_vec().unwrap(), unknown());
}

/// The numbers next to those that are known, with values that would do for these.
#[test]
fn numbers_next_to_known_ones_are_unknown() {
    let payload = [number(1, 2), part(2, "data")].concat();
    for odd in [number(3, 7), part(3, [7, 8]), part(3, "other")] {
        for message in [[&odd[..], &payload].concat(), [&payload[..], &odd].concat()] {
            let found = DataPayloadRef::decode(&message).unwrap();
            assert_eq!((found.shape().collect::<Vec<_>>(), found.data()), (vec![2], &b"data"[..]), "{odd:02x?}");
            // And the axes of another wire type, which bytes are not.
            let other = [&message[..], &float(1, 1.0), &number(2, 9)].concat();
            assert_eq!(DataPayloadRef::decode(&other).unwrap().shape().collect::<Vec<_>>(), [2]);
        }
    }
    let aligned = [part(1, "t"), part(2, &payload)].concat();
    for odd in [part(3, &payload), part(3, "u"), number(2, 1), number(1, 1)] {
        let message = [&aligned[..], &odd].concat();
        let found = AlignedPackageRef::unpack(&message, &Limits::DEFAULT).unwrap();
        assert_eq!((found.topic_name(), found.payloads().count()), ("t", 1), "{odd:02x?}");
    }
    let (time, at) = ([number(1, 5), number(2, 6)].concat(), Some(Timestamp { seconds: 5, nanos: 6 }));
    let other = number(1, 9);
    for odd in [part(1, &other), part(3, &other), part(4, &other)] {
        let found = Trigger::unpack(&[part(2, &time), odd.clone()].concat(), &Limits::DEFAULT);
        assert_eq!(found, Ok(Trigger { timestamp: at }), "{odd:02x?}");
    }
    for odd in [part(1, &other), part(4, &other)] {
        let message = [part(2, &time), part(3, &time), odd].concat();
        let found = IntervalTrigger::unpack(&message, &Limits::DEFAULT);
        assert_eq!(found, Ok(IntervalTrigger { start: at, stop: at }));
    }
    let odd_time = part(2, [&time[..], &number(3, 9), &part(1, "x"), &float(2, 1.0)].concat());
    assert_eq!(PackageRef::decode(&odd_time).unwrap().source_timestamp(), at);
    let texts = [part(1, "/a"), part(2, "v"), part(3, "w")].concat();
    let package = [part(5, &texts), part(7, &texts)].concat();
    let package = PackageRef::decode(&package).unwrap();
    let found = package.data().map(|any| (any.type_url(), any.value())).next();
    assert_eq!(found, Some(("/a", &b"v"[..])));
    assert_eq!(package.labels().map(|label| (label.key, label.value)).next(), Some(("/a", "v")));
}

/// In a meta, too: it says the same with them and without.
#[test]
fn numbers_next_to_known_ones_say_nothing_of_a_meta() {
    let time = [number(1, 5), number(2, 6)].concat();
    let text = part(1, "a");
    let floats = [float(1, 1.0), float(2, 2.0)].concat();
    let series = [part(1, &time), part(2, &time), number(3, 9), float(8, 1.0)].concat();
    let image = [number(1, 1), number(2, 2), number(3, 3), part(4, "RGB")].concat();
    let named = [part(1, "a"), number(2, 512)].concat();
    // The fields down to the message, what is in it, and what is added to it.
    for (down, inner, odd) in [
        (&[][..], number(1, 3), [number(9, 4), part(9, &text), number(0x1000, 2)].concat()),
        (&[2], series, [number(9, 1), part(9, &time), number(1, 1), float(9, 5.0), float(3, 5.0)].concat()),
        (&[3], image, [number(5, 7), part(5, "BGR"), number(4, 1)].concat()),
        (&[4], part(1, &named), part(2, &named)),
        (&[4, 1], named.clone(), [part(3, "b"), number(3, 7), part(2, "c")].concat()),
        (&[8], part(1, &named), [part(2, &named), number(1, 1)].concat()),
        (&[8, 1], named.clone(), [part(3, "b"), number(3, 7), number(1, 7)].concat()),
        (&[5], text.clone(), [part(2, "b"), number(1, 1)].concat()),
        (&[6], part(1, &text), [part(2, &text), number(1, 1)].concat()),
        (
            &[6, 1],
            [text.clone(), part(2, number(1, 3))].concat(),
            [part(3, "b"), part(3, number(1, 4)), number(2, 1)].concat(),
        ),
        (&[7], number(1, 1), [number(5, 7), number(14, 7), part(14, &floats), part(18, &floats)].concat()),
        (&[7, 16], floats.clone(), [float(3, 9.0), number(1, 9)].concat()),
        (&[7, 17], float(1, 1.0), [float(2, 9.0), number(1, 9)].concat()),
    ] {
        let fields = || [6].iter().chain(down).copied().collect::<Vec<u32>>().into_iter();
        let plain = nested(fields(), &inner);
        let due = PackageRef::decode(&plain).unwrap().meta().unwrap();
        for inner in [[&inner[..], &odd].concat(), [&odd[..], &inner].concat()] {
            let bytes = nested(fields(), &inner);
            assert_eq!(PackageRef::decode(&bytes).unwrap().meta(), Some(due), "{down:?} {due:?}");
        }
        let nothing = nested(fields(), b"");
        assert_ne!(PackageRef::decode(&nothing).unwrap().meta(), Some(due), "{down:?} says something");
    }
}

//! What nobody here knows is kept (SPEC.md §1, §3): what is not changed is written as it came, fields of the package itself last.

use drift_proto::{PackageBuilder, PackageRef, StatusCode, Timestamp};

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

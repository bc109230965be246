//! Work that grows with the square (R7): these end only because it does not. A million squared is days.

use bytes::Bytes;
use drift_proto::{DriftBytesRef, InfoRef, Limits, Package, PackageBuilder, PackageRef, TypedDataWriter, Values};

use crate::proto::*;
use crate::support::*;

const MILLION: usize = if cfg!(miri) { 100 } else { 1_000_000 };
/// Where each is read several times.
const MANY: usize = MILLION / 20;

#[test]
fn r07_a_million_labels() {
    let mut package = [0x3a, 0].repeat(MILLION);
    let view = PackageRef::decode(&package).unwrap();
    assert_eq!(view.labels().count(), MILLION);
    assert_eq!(PackageBuilder::from(view).encode_to_vec().unwrap(), package);
    // Where the fault is, is found in one pass, too.
    package.extend(part(7, part(2, [0xff])));
    let error = PackageRef::decode(&package).unwrap_err();
    assert_eq!(error.path(&package), format!("labels[{MILLION}].value"));
}

#[test]
fn r07_a_million_of_everything_between_the_others() {
    // Of each by turns, so that none is found without passing the others.
    let turn = [&[0x3a, 0][..], &[0x2a, 0], &[0x32, 0], &[0x40, 0], &[0x12, 0]].concat();
    let package = turn.repeat(MILLION / 4);
    let view = PackageRef::decode(&package).unwrap();
    assert_eq!(
        (view.labels().count(), view.data().count(), view.unknown_fields().count()),
        (MILLION / 4, MILLION / 4, MILLION / 4)
    );
    assert_eq!((view.payloads().count(), view.meta().unwrap().info()), (0, None));
    assert_eq!(view.payload(), Ok(None));
}

#[test]
fn r07_a_million_packages_in_an_alignment() {
    let package = part(6, part(6, [0x0a, 0].repeat(MILLION)));
    let view = PackageRef::decode(&package).unwrap();
    let Some(InfoRef::Aligned(packages)) = view.meta().unwrap().info() else { panic!() };
    assert_eq!(packages.iter().filter(|package| package.topic.is_empty() && package.meta.is_none()).count(), MILLION);
    assert!(view.meta() == view.meta());
}

#[test]
fn r07_very_many_pieces_of_a_meta() {
    // What it is about changes with each piece, and in the end is of very many.
    let turns = [part(6, part(5, part(1, "a"))), part(6, part(4, part(1, [])))].concat().repeat(MANY);
    let last = part(6, part(8, part(1, part(1, "n")))).repeat(MANY);
    let package = [&turns[..], &last].concat();
    let view = PackageRef::decode(&package).unwrap();
    let Some(InfoRef::Typed(names)) = view.meta().unwrap().info() else { panic!() };
    assert_eq!(names.iter().filter(|name| name.name == "n").count(), MANY);
    assert!(view.meta() == view.meta());
    // A timestamp in a series in a meta, each in pieces.
    let pieces = [number(1, 3), part(2, part(1, number(1, 5)))].concat();
    let package = part(6, pieces).repeat(MANY);
    let Some(InfoRef::TimeSeries(series)) = PackageRef::decode(&package).unwrap().meta().unwrap().info() else {
        panic!()
    };
    assert_eq!(series.start.map(|start| start.seconds), Some(5));
}

#[test]
fn r07_pieces_in_pieces() {
    // At each level a thousand pieces, of which the last goes further down.
    let mut inner = Vec::new();
    for level in 0..20 {
        let meta = part(6, part(1, &inner));
        let field = if level == 19 { 6 } else { 2 };
        inner = [part(field, []).repeat(1000), part(field, [&part(6, []).repeat(1000)[..], &meta].concat())].concat();
    }
    let view = PackageRef::decode(&inner).unwrap();
    assert_eq!(read_meta(view.meta().unwrap()), 20);
    assert!(view.meta() == view.meta());
}

#[test]
fn r07_a_million_names_and_values() {
    let mut data = TypedDataWriter::new();
    for _ in 0..MILLION / 4 {
        data.value("a", Default::default(), Values::I8(&[1])).unwrap();
    }
    let mut builder = PackageBuilder::new(1);
    let package = builder.typed_data(data).build().unwrap();
    let typed = package.as_ref().typed_data().unwrap().unwrap();
    assert_eq!(typed.iter().filter(|item| item.name == Some("a") && item.values.is_some()).count(), MILLION / 4);
    assert!(typed.get("a").is_some() && typed.get("b").is_none());
    assert_eq!(typed.values().items().count(), MILLION / 4);
}

#[test]
fn r07_texts_axes_and_fields_of_groups() {
    let texts = [&[1, 0][..], &item(11, &[MILLION as u32], &[0; 8].repeat(MILLION))].concat();
    let item = DriftBytesRef::decode(&texts).unwrap().items().next().unwrap();
    assert_eq!(item.texts().unwrap().count(), MILLION);
    let shape = [&[0x08, 1].repeat(MILLION / 2)[..], &part(1, [1].repeat(MILLION / 2))].concat();
    let package = any(PAYLOAD, &shape);
    let package = PackageRef::decode(&package).unwrap();
    assert_eq!(package.payload().unwrap().unwrap().shape().filter(|axis| *axis == 1).count(), MILLION / 2 * 2);
    // Groups one after the other, and many fields in one.
    for group in [groups(1).repeat(MILLION / 2), group(10, &number(3, 1).repeat(MILLION))] {
        let package = Package::decode_with(Bytes::from(group), &Limits::DEFAULT).unwrap();
        assert!(package.as_ref().unknown_fields().map(<[u8]>::len).sum::<usize>() == package.bytes().len());
    }
}

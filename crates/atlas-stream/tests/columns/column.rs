//! A column is the same in every way that it is looked at.

use atlas_stream::{Column, Columns, Element, Event, Limits, TelemetryKind, TelemetryRef};
use proptest::prelude::*;
use testkit::assert_no_alloc;
use testkit::slices::at_every_offset;

use crate::proto::*;

const DEFAULT: &Limits = &Limits::DEFAULT;

/// That all ways to a column give these, by their bits.
fn same<T: Element>(column: Column<'_, T>, due: &[T], bits: impl Fn(T) -> u64, filler: T) {
    let bits_of = |values: &[T]| values.iter().map(|value| bits(*value)).collect::<Vec<_>>();
    let want = bits_of(due);
    assert_eq!((column.len(), column.is_empty()), (due.len(), due.is_empty()));
    let (mut chunks, mut count) = (Vec::new(), 0);
    column.for_each_chunk(|chunk| {
        assert!(!chunk.is_empty());
        count += 1;
        chunks.extend_from_slice(chunk);
    });
    assert_eq!(bits_of(&chunks), want);
    assert!(
        count <= 1 + due.len() / 32 && (column.as_slice().is_none() || count <= 1),
        "{count} chunks of {}",
        due.len()
    );
    assert_eq!(column.iter().map(&bits).collect::<Vec<_>>(), want);
    assert_eq!(column.into_iter().map(&bits).collect::<Vec<_>>(), want);
    assert_eq!(bits_of(&column.to_vec()), want);
    let mut behind = vec![filler];
    column.append_to(&mut behind);
    assert_eq!(bits_of(&behind), [&[bits(filler)][..], &want].concat());
    let got: Vec<_> = (0..due.len()).map(|index| bits(column.get(index).unwrap())).collect();
    assert_eq!(got, want);
    for beyond in [due.len(), due.len() + 1, usize::MAX / 8, usize::MAX] {
        assert!(column.get(beyond).is_none(), "{beyond}");
    }
    let mut out = vec![filler; due.len()];
    column.copy_to(&mut out).unwrap();
    assert_eq!(bits_of(&out), want);
    for other in [due.len() + 1, due.len() + 70, due.len().wrapping_sub(1)] {
        if other > due.len() + 70 {
            continue;
        }
        let mut out = vec![filler; other];
        let error = column.copy_to(&mut out).unwrap_err();
        assert_eq!((error.values(), error.available()), (due.len(), other));
        assert_eq!(bits_of(&out), vec![bits(filler); other], "nothing is written");
    }
    let mut iter = column.iter();
    for left in (0..due.len()).rev() {
        assert!(iter.next().is_some());
        assert_eq!((iter.len(), iter.size_hint()), (left, (left, Some(left))));
    }
    assert!(iter.next().is_none() && iter.next().is_none());
    assert!(column == Column::from(due) || due.iter().any(|value| *value != *value));
    if let [rest @ .., _] = due {
        assert!(column != Column::from(rest), "of another length");
    }
}

/// Times, flags and values of all widths, as many as fill no chunk, one, and more.
fn values(len: usize) -> (Vec<i64>, Vec<u32>, Vec<f64>) {
    let mut rng = testkit::Rng::new(len as u64 + 1);
    let times = (0..len).map(|_| (rng.next_u64() as i64) >> (1 + rng.below(63))).collect();
    let flags = (0..len).map(|_| (rng.next_u64() >> (32 + rng.below(32))) as u32).collect();
    (times, flags, (0..len).map(|_| rng.f64()).collect())
}

const LENGTHS: [usize; 11] = [0, 1, 2, 7, 63, 64, 65, 127, 128, 129, 200];

#[test]
fn slices_are_the_same_in_every_way() {
    for len in LENGTHS {
        let (times, flags, doubles) = values(len);
        same(Column::from(&times[..]), &times, |time| time as u64, 7);
        same(Column::from(&flags[..]), &flags, u64::from, 7);
        same(Column::from(&doubles[..]), &doubles, f64::to_bits, 0.5);
        assert_eq!(Column::from(&doubles[..]).as_slice().map(<[f64]>::as_ptr), Some(doubles.as_ptr()), "not copied");
    }
}

/// What lies in a message, at whatever address.
#[test]
fn packed_bytes_are_the_same_in_every_way_at_every_offset() {
    for len in LENGTHS {
        let (times, flags, values) = values(len);
        let flags_packed = part(1, flags.iter().flat_map(|flags| varint(u64::from(*flags))).collect::<Vec<_>>());
        let of = [flags_packed, doubles(2, &values), doubles(5, &values)].concat();
        let message = [numbers(4, &times), entry(TelemetryKind::Data, 3, of)].concat();
        at_every_offset(&message, |message| {
            let telemetry = assert_no_alloc(|| {
                TelemetryRef::decode_protobuf_with(TelemetryKind::Data, message, DEFAULT).unwrap().0
            });
            assert!(telemetry.is_in_place());
            let parameter = telemetry.parameters().next().unwrap();
            same(parameter.times(), &times, |time| time as u64, 7);
            same(telemetry.times(), &times, |time| time as u64, 7);
            same(parameter.statuses().unwrap(), &flags, u64::from, 7);
            for column in [parameter.min(), parameter.first()] {
                // Absent and empty are the same on the wire.
                match column {
                    Some(column) => same(column, &values, f64::to_bits, 0.5),
                    None => assert_eq!(len, 0),
                }
            }
            assert!(parameter.avg().is_none() && parameter.max().is_none() && parameter.values().is_none());
            assert!(parameter.times().as_slice().is_none() || len == 0);
        });
    }
}

#[test]
fn values_of_events_are_the_same_in_every_way() {
    for len in LENGTHS {
        let (.., values) = values(len);
        let bytes = doubles(5, &values);
        at_every_offset(&bytes, |bytes| {
            let event = Event::decode_protobuf_with(bytes, DEFAULT).unwrap().0;
            same(event.values.column(), &values, f64::to_bits, 0.5);
            same(event.into_owned().values.column(), &values, f64::to_bits, 0.5);
        });
    }
}

#[test]
fn samples_and_late_telemetry_are_the_same_in_every_way() {
    for kind in [TelemetryKind::Samples, TelemetryKind::SamplesBackFill, TelemetryKind::DataBackFill] {
        for len in LENGTHS {
            let (times, flags, values) = values(len);
            let flags_packed = part(1, flags.iter().flat_map(|flags| varint(u64::from(*flags))).collect::<Vec<_>>());
            let of = if kind.is_samples() {
                doubles(3, &values)
            } else {
                part(3, [flags_packed, doubles(3, &values)].concat())
            };
            let message = entry(kind, 9, [numbers(2, &times), of].concat());
            let view = TelemetryRef::decode_protobuf_with(kind, &message, DEFAULT).unwrap().0;
            let owned = view.clone().into_owned();
            for telemetry in [&view, &TelemetryRef::from(&owned)] {
                let parameter = telemetry.parameters().next().unwrap();
                same(parameter.times(), &times, |time| time as u64, 7);
                if kind.is_samples() {
                    same(parameter.values().unwrap(), &values, f64::to_bits, 0.5);
                    assert!(
                        parameter.statuses().is_none()
                            && parameter.aggregates().is_empty()
                            && parameter.max().is_none()
                    );
                } else {
                    same(parameter.statuses().unwrap(), &flags, u64::from, 7);
                    parameter.max().into_iter().for_each(|column| same(column, &values, f64::to_bits, 0.5));
                    assert_eq!((parameter.max().is_some(), parameter.values().is_none()), (len > 0, true));
                }
            }
        }
    }
}

/// Of a key that comes twice the last stays, where it is; the others keep their order.
#[test]
fn parameters_that_come_twice_are_where_they_were_last() {
    for kind in KINDS {
        let message = message(kind, [5000, 3, 7000, 5000, 1, 3, 9]);
        let telemetry = TelemetryRef::decode_protobuf(kind, &message).unwrap().0;
        let keys: Vec<_> = telemetry.parameters().map(|parameter| parameter.key().to_string()).collect();
        assert_eq!((keys.join(" "), telemetry.is_in_place()), ("7000 5000 1 3 9".into(), false), "{kind:?}");
    }
}

proptest! {
    #[test]
    fn any_values_are_the_same_in_place_and_copied(values in prop::collection::vec(any::<u64>().prop_map(f64::from_bits), 0..150),
                                                   times in prop::collection::vec(-1_000_000_i64..i64::MAX / 2, 150)) {
        let times = &times[..values.len()];
        let message = entry(TelemetryKind::Samples, 1, [numbers(2, times), doubles(3, &values)].concat());
        let view = TelemetryRef::decode_protobuf_with(TelemetryKind::Samples, &message, DEFAULT).unwrap().0;
        let mut columns = Columns::new();
        columns.decode_protobuf_with(TelemetryKind::Samples, &message, DEFAULT).unwrap();
        for telemetry in [&view, &TelemetryRef::from(&columns)] {
            let parameter = telemetry.parameters().next().unwrap();
            same(parameter.values().unwrap(), &values, f64::to_bits, 0.5);
            same(parameter.times(), times, |time| time as u64, 7);
        }
    }
}

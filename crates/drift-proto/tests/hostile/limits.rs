//! Waiting without end and floods (R13), and limits on every path (R15).

use std::time::Duration;

use bytes::Bytes;
use drift_proto::{
    AlignedPackageRef, AnyRef, Correlated, Correlator, CorrelatorLimits, DataPayloadRef, DecodeError, DriftBytesReader,
    DriftBytesRef, DriftBytesWriter, EncodeError, IntervalTrigger, Limit, Limits, Package, PackageBuilder, PackageRef,
    Trigger, TypedDataWriter, Unpack, Values,
};
use testkit::measure;

use crate::proto::*;
use crate::support::*;

/// Packages and typed data come whole, so nothing is waited for but by a correlator, and what that holds is bounded.
#[test]
fn r13_a_flood_of_ids_stays_under_the_limits() {
    let limits =
        CorrelatorLimits::DEFAULT.with_max_groups(8).with_max_told(16).with_max_packages(2).with_max_bytes(400);
    let flood = if cfg!(miri) { 50 } else { 20_000 };
    let (mut held, mut events) = (0, 0);
    let mut correlator = Correlator::new(|_, _| false, Duration::MAX).with_limits(limits);
    let ((), stats) = measure(|| {
        for id in 0..flood {
            let package = PackageBuilder::new(id).build().unwrap();
            for topic in ["a", "b", "c", "a"] {
                events += correlator.handle_package(Duration::ZERO, topic, package.clone()).count();
            }
            held = held.max(correlator.waiting_bytes());
        }
    });
    // Of each id a third topic is one too many, and the first again is there already.
    assert!(events >= 2 * (flood as usize) && correlator.waiting() <= 8 && held <= 400, "{events} {held}");
    assert!(stats.peak < 16 << 10, "{stats:?}");
}

#[test]
fn r13_one_package_of_very_many_bytes_is_told_at_once() {
    let limits = CorrelatorLimits::DEFAULT.with_max_bytes(100);
    let mut correlator = Correlator::new(|_, _| false, Duration::MAX).with_limits(limits);
    let mut builder = PackageBuilder::new(1);
    let package = builder.payload(&[0; 200][..]).build().unwrap();
    let events: Vec<_> = correlator.handle_package(Duration::ZERO, "a", package.clone()).collect();
    assert_eq!(events, [Correlated::TooMany { topic: "a".into(), package }]);
    assert_eq!((correlator.waiting(), correlator.waiting_bytes()), (0, 0));
}

#[cfg(feature = "prost")]
fn of_prost(url: &str, bytes: &[u8]) -> drift_proto::proto::protobuf::Any {
    drift_proto::proto::protobuf::Any { type_url: url.into(), value: Bytes::copy_from_slice(bytes) }
}

/// Every public function that reads and takes limits; whoever adds one adds it here.
fn each_way(bytes: &[u8], limits: &Limits) -> Vec<Result<(), DecodeError>> {
    macro_rules! messages {
        ($($type:ty)*) => {
            [$({
                let url = ["/", <$type as Unpack<'_>>::NAME].concat();
                let direct = <$type as Unpack<'_>>::unpack(bytes, limits).map(drop);
                assert_eq!(AnyRef::new(&url, bytes).unpack_with::<$type>(limits).map(drop), direct);
                #[cfg(feature = "prost")]
                assert_eq!(of_prost(&url, bytes).unpack_ref_with::<$type>(limits).map(drop), direct);
                direct
            }),*]
        };
    }
    let messages = messages!(PackageRef<'_> DataPayloadRef<'_> Trigger IntervalTrigger AlignedPackageRef<'_>);
    let owned = Package::decode_with(Bytes::copy_from_slice(bytes), limits).map(drop);
    [&messages[..], &[PackageRef::decode_with(bytes, limits).map(drop), owned]].concat()
}

/// Those that take none are under the defaults.
fn by_default(bytes: &[u8]) -> Vec<Result<(), DecodeError>> {
    macro_rules! messages {
        ($($type:ty)*) => {
            [$({
                let url = ["/", <$type as Unpack<'_>>::NAME].concat();
                let found = AnyRef::new(&url, bytes).unpack::<$type>().map(drop);
                #[cfg(feature = "prost")]
                assert_eq!(of_prost(&url, bytes).unpack_ref::<$type>().map(drop), found);
                found
            }),*]
        };
    }
    let messages = messages!(PackageRef<'_> DataPayloadRef<'_> Trigger IntervalTrigger AlignedPackageRef<'_>);
    assert_eq!(DataPayloadRef::decode(bytes).map(drop), messages[1]);
    let owned = Package::decode(Bytes::copy_from_slice(bytes)).map(drop);
    [&messages[..], &[PackageRef::decode(bytes).map(drop), owned]].concat()
}

#[test]
fn r15_limits_hold_on_every_path() {
    // Field 9 is known to nobody, groups are of any message.
    let (long, deep) = (part(9, [0; 98]), groups(65));
    assert_eq!((long.len(), Limits::default()), (100, Limits::DEFAULT));
    for (bytes, limits, limit) in [
        (&long, Limits::DEFAULT.with_max_len(99), Some(Limit::MaxLen)),
        (&long, Limits::DEFAULT.with_max_len(100), None),
        (&long, Limits::DEFAULT.with_max_len(0), Some(Limit::MaxLen)),
        (&deep, Limits::DEFAULT, Some(Limit::MaxDepth)),
        (&deep, Limits::DEFAULT.with_max_depth(65), None),
        (&groups(1), Limits::DEFAULT.with_max_depth(0), Some(Limit::MaxDepth)),
    ] {
        for found in each_way(bytes, &limits) {
            assert_eq!(found.map_err(kind), limit.map_or(Ok(()), |limit| Err(too_much(limit))));
        }
    }
    for bytes in [&long, &deep] {
        assert_eq!(by_default(bytes), each_way(bytes, &Limits::DEFAULT));
    }
}

/// What is taken out of a package is under the limits that it was read under.
#[test]
fn r15_what_is_in_a_package_is_under_its_limits() {
    let meta = part(6, number(1, 5));
    let payload = |message: &[u8]| [any(PAYLOAD, message), meta.clone()].concat();
    let flat = [vec![1, 0], item(2, &[1; 9], &[7])].concat();
    let (deep, ranks) = (payload(&groups(65)), payload(&part(2, &flat)));
    for (bytes, limits, limit, of_typed) in [
        (&deep, Limits::DEFAULT, Some(Limit::MaxDepth), Some(Limit::MaxDepth)),
        (&deep, Limits::DEFAULT.with_max_depth(65), None, None),
        (&payload(&groups(3)), Limits::DEFAULT.with_max_depth(2), Some(Limit::MaxDepth), Some(Limit::MaxDepth)),
        (&ranks, Limits::DEFAULT, None, Some(Limit::MaxRank)),
        (&ranks, Limits::DEFAULT.with_max_rank(9), None, None),
    ] {
        let due = |limit: Option<Limit>| limit.map_or(Ok(()), |limit| Err(too_much(limit)));
        let owned = Package::decode_with(bytes.clone().into(), &limits).unwrap();
        for package in [PackageRef::decode_with(bytes, &limits).unwrap(), owned.as_ref()] {
            assert_eq!(package.payload().map(drop).map_err(kind), due(limit));
            assert_eq!(package.payloads().next().unwrap().map(drop).map_err(kind), due(limit));
            assert_eq!(package.typed_data().map(drop).map_err(kind), due(of_typed));
        }
    }
}

#[test]
fn r15_typed_data_is_under_limits_on_every_path() {
    let (plain, flat) = (item(2, &[1, 1, 1, 1], &[7]), item(2, &[50], &[7; 50]));
    let ranks = [vec![1, 0], plain.clone()].concat();
    let long = [vec![1, 0], flat.clone()].concat();
    for (bytes, item, limits, limit) in [
        (&ranks, &plain, Limits::DEFAULT.with_max_rank(3), Some(Limit::MaxRank)),
        (&ranks, &plain, Limits::DEFAULT.with_max_rank(4), None),
        (&long, &flat, Limits::DEFAULT.with_max_len(long.len() as u32 - 1), Some(Limit::MaxLen)),
        (&long, &flat, Limits::DEFAULT.with_max_len(long.len() as u32 + 4), None),
    ] {
        let due = limit.map_or(Ok(1), |limit| Err(too_much(limit)));
        let reader =
            DriftBytesReader::with_limits(bytes, &limits).and_then(|reader| reader.collect::<Result<Vec<_>, _>>());
        assert_eq!(reader.map(|items| items.len()).map_err(kind), due);
        assert_eq!(DriftBytesRef::decode_with(bytes, &limits).map(|all| all.items().count()).map_err(kind), due);
        let package = typed(&[("a", 0)], std::slice::from_ref(item));
        let package = PackageRef::decode(&package).unwrap();
        let found = package.typed_data_with(&limits).map(|typed| typed.unwrap().iter().count());
        assert_eq!(found.map_err(kind), due);
    }
    // Nine axes are more than the defaults allow.
    let nine = [vec![1, 0], item(2, &[1; 9], &[7])].concat();
    for found in [
        DriftBytesReader::new(&nine).unwrap().next().unwrap().map(drop),
        DriftBytesRef::decode(&nine).map(drop),
        PackageRef::decode(&typed(&[], &[item(2, &[1; 9], &[7])])).unwrap().typed_data().map(drop),
    ] {
        assert_eq!(kind(found.unwrap_err()), too_much(Limit::MaxRank));
    }
}

#[test]
fn r15_limits_hold_when_writing() {
    let limits = Limits::DEFAULT.with_max_rank(1).with_max_len(18);
    let mut writer = DriftBytesWriter::with_limits(&limits);
    assert_eq!(writer.item(&[1, 1], Values::I8(&[1])).err(), Some(EncodeError::TooManyAxes { rank: 2, max: 1 }));
    assert_eq!(writer.value(Values::I8(&[1, 2, 3])).err(), Some(EncodeError::TooLong { len: 19, max: 18 }));
    assert!(writer.value(Values::I8(&[1, 2])).is_ok());
    assert_eq!(writer.value(Values::None).err(), Some(EncodeError::TooLong { len: 32, max: 18 }));
    let mut named = TypedDataWriter::with_limits(&limits);
    assert!(named.value("a", Default::default(), Values::I8(&[1, 2, 3])).is_err());
    let (mut builder, mut out) = (PackageBuilder::new(1), Vec::new());
    builder.label("a", "b");
    assert_eq!(builder.encode_with(&mut out, &limits.with_max_len(9)), Err(EncodeError::TooLong { len: 10, max: 9 }));
    assert_eq!(builder.encode_with(&mut out, &limits.with_max_depth(0)), Err(EncodeError::TooDeep { max: 0 }));
    assert_eq!(builder.encode_with(&mut out, &limits.with_max_len(10).with_max_depth(1)), Ok(()));
}

/// What is large and real passes the defaults: a payload of 100 MB, and metas ten deep.
#[test]
#[cfg_attr(miri, ignore = "too much for it")]
fn r15_what_is_real_passes_the_defaults() {
    let mut builder = PackageBuilder::new(1);
    let data = vec![0; 100 << 20];
    let bytes = builder.payload(&data[..]).encode_to_vec().unwrap();
    assert_eq!(PackageRef::decode(&bytes).unwrap().payload().unwrap().unwrap().data().len(), 100 << 20);
    assert!(PackageRef::decode(&aligned(30, b"")).is_ok());
}

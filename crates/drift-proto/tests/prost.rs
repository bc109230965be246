//! The types of prost as a second reader: what both accept says the same to both.

#![cfg(feature = "prost")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[path = "hostile/proto.rs"]
mod proto;

use bytes::Bytes;
use drift_proto::proto::common::{self, DataPayload, DriftPackage};
use drift_proto::proto::meta::{self, MetaInfo, meta_info::Info, wavelet_buffer_info as wavelet};
use drift_proto::proto::protobuf;
use drift_proto::proto::trigger_service::{IntervalTriggerMessage, TriggerMessage};
use drift_proto::{
    DataPayloadRef, DataType, Denoising, ImageType, InfoRef, IntervalTrigger, Limit, Limits, MetaRef, NamesRef,
    Package, PackageBuilder, PackageRef, StatusCode, TimeSeriesInfo, Timestamp, Trigger, WaveletBufferInfo,
};
use prost::Message;
use testkit::{Rng, rng};

fn time(timestamp: Option<protobuf::Timestamp>) -> Option<Timestamp> {
    timestamp.map(|timestamp| Timestamp { seconds: timestamp.seconds, nanos: timestamp.nanos })
}

fn names(found: NamesRef<'_>, due: impl Iterator<Item = (String, i32)>) {
    assert!(found.iter().map(|named| (named.name.to_owned(), named.status.0)).eq(due));
}

fn same_meta(found: MetaRef<'_>, due: &MetaInfo) {
    assert_eq!(found.data_type().0, due.r#type);
    match (found.info(), &due.info) {
        (None, None) => {}
        (Some(InfoRef::TimeSeries(found)), Some(Info::TimeSeriesInfo(due))) => {
            assert_eq!(
                (found.start, found.stop, found.size),
                (time(due.start_timestamp), time(due.stop_timestamp), due.size)
            );
            let found = [found.first, found.last, found.min, found.max, found.mean].map(f32::to_bits);
            assert_eq!(found, [due.first, due.last, due.min, due.max, due.mean].map(f32::to_bits));
        }
        (Some(InfoRef::Image(found)), Some(Info::ImageInfo(due))) => {
            let found = (found.image_type.0, found.width, found.height, found.channel_layout);
            assert_eq!(found, (due.r#type, due.width, due.height, &*due.channel_layout));
        }
        (Some(InfoRef::Scalars(found)), Some(Info::ScalarInfo(due))) => {
            names(found, due.variables.iter().map(|due| (due.name.clone(), due.status)));
        }
        (Some(InfoRef::Typed(found)), Some(Info::TypedDataInfo(due))) => {
            names(found, due.items.iter().map(|due| (due.name.clone(), due.status)));
        }
        (Some(InfoRef::Text(found)), Some(Info::TextInfo(due))) => assert_eq!(found, due.mime_type),
        (Some(InfoRef::Aligned(found)), Some(Info::AlignmentInfo(due))) => {
            assert_eq!(found.iter().count(), due.packages.len());
            for (found, due) in found.iter().zip(&due.packages) {
                assert_eq!((found.topic, found.meta.is_some()), (&*due.topic, due.meta.is_some()));
                if let (Some(found), Some(due)) = (found.meta, &due.meta) {
                    same_meta(found, due);
                }
            }
        }
        (found, due) => panic!("{found:?} {due:?}"),
    }
    assert_eq!(found.wavelet_buffer().is_some(), due.wavelet_buffer_info.is_some());
    let (Some(found), Some(due)) = (found.wavelet_buffer(), &due.wavelet_buffer_info) else { return };
    let numbers = [found.abi_version, found.wavelet_type, found.decomposition_steps, found.float_compression];
    assert_eq!(numbers, [due.abi_version, due.wavelet_type, due.decomposition_steps, due.float_compression]);
    match (found.denoising, &due.denoising) {
        (None, None) | (Some(Denoising::None), Some(wavelet::Denoising::NoDenoising(_))) => {}
        (Some(Denoising::Threshold { a, b }), Some(wavelet::Denoising::ThresholdDenoising(due))) => {
            assert_eq!([a, b].map(f32::to_bits), [due.a, due.b].map(f32::to_bits));
        }
        (Some(Denoising::Partial(found)), Some(wavelet::Denoising::PartialDenoising(due))) => {
            assert_eq!(found.to_bits(), due.partial.to_bits());
        }
        (found, due) => panic!("{found:?} {due:?}"),
    }
}

fn same(found: PackageRef<'_>, due: &DriftPackage) {
    assert_eq!((found.id(), found.status().0), (due.id, due.status));
    let times = (found.source_timestamp(), found.publish_timestamp());
    assert_eq!(times, (time(due.source_timestamp), time(due.publish_timestamp)));
    assert!(
        found.labels().map(|label| (label.key, label.value)).eq(due.labels.iter().map(|due| (&*due.key, &*due.value)))
    );
    assert!(
        found
            .data()
            .map(|any| (any.type_url(), any.value()))
            .eq(due.data.iter().map(|due| (&*due.type_url, &due.value[..])))
    );
    assert_eq!(found.meta().is_some(), due.meta.is_some());
    if let (Some(found), Some(due)) = (found.meta(), &due.meta) {
        same_meta(found, due);
    }
    // Numbers that are not equal to themselves are equal on the wire.
    assert_eq!(DriftPackage::from(found).encode_to_vec(), due.encode_to_vec());
}

/// Read here, and not by prost: a known field of another wire type is one that is not known (SPEC.md §1).
const ONLY_HERE: [(&str, &str); 1] = [("wrong_wire_type", "invalid wire type: LengthDelimited (expected Varint)")];

#[test]
fn what_both_read_is_the_same() {
    for (name, bytes) in proto::packages() {
        let only_here = ONLY_HERE.iter().find(|(other, _)| *other == name).map(|(_, reason)| *reason);
        match (PackageRef::decode(&bytes), DriftPackage::decode(&bytes[..])) {
            (Ok(found), Ok(due)) => {
                assert!(only_here.is_none() && !name.starts_with("err_"), "{name}");
                same(found, &due);
            }
            (Ok(_), Err(error)) => assert!(error.to_string().ends_with(only_here.expect(&name)), "{name}: {error}"),
            (Err(_), Err(_)) => assert!(name.starts_with("err_"), "{name}"),
            (Err(error), Ok(_)) => panic!("{name}: {error}"),
        }
    }
}

/// Whether there is a number of ten bytes that are more than 64 bits.
fn has_a_number_of_too_many_bits(bytes: &[u8]) -> bool {
    bytes.windows(10).any(|ten| ten[..9].iter().all(|byte| *byte > 0x7f) && (2..0x80).contains(&ten[9]))
}

#[test]
fn what_both_read_of_mutated_packages_is_the_same() {
    let vectors = proto::packages();
    let mut rng = Rng::new(rng::seed());
    let (mut both, mut neither, mut wire_types, mut numbers) = (0, 0, 0, 0);
    for _ in 0..60_000 {
        // Pieces of packages one behind the other, so that messages merge; and some bytes changed.
        let mut bytes: Vec<u8> = (0..=rng.below(2)).flat_map(|_| vectors[rng.below(vectors.len())].1.clone()).collect();
        for _ in 0..rng.below(3) {
            if !bytes.is_empty() {
                let at = rng.below(bytes.len());
                bytes[at] = u8::try_from(rng.below(256)).unwrap();
            }
        }
        match (PackageRef::decode(&bytes), DriftPackage::decode(&bytes[..])) {
            (Ok(found), Ok(due)) => {
                same(found, &due);
                both += 1;
            }
            // prost refuses known fields of another wire type, and numbers of ten bytes that do not fit (SPEC.md §1); no other fault is
            // one for prost alone. The end of a group is a wire type, too, and to prost another one than that of a field that is known.
            (Ok(_), Err(error)) => match error.to_string() {
                text if text.contains("invalid wire type: ") && !text.contains("EndGroup") => wire_types += 1,
                text if text.ends_with("invalid varint") && has_a_number_of_too_many_bits(&bytes) => numbers += 1,
                text => panic!("{text} of {bytes:02x?}"),
            },
            (Err(_), Err(_)) => neither += 1,
            (Err(error), Ok(_)) => panic!("{error} of {bytes:02x?}"),
        }
    }
    let counts = format!("{both} {neither} {wire_types} {numbers}");
    assert!(both > 10_000 && neither > 1_000 && wire_types > 100 && numbers > 5, "{counts}");
}

#[test]
fn messages_are_packed_and_unpacked() {
    let payload = DataPayload { shape: vec![2, 300], data: Bytes::from_static(b"abc") };
    let any = protobuf::Any::pack(&payload);
    assert_eq!(any.type_url, "type.googleapis.com/drift.proto.common.DataPayload");
    assert!(any.is::<DataPayload>() && !any.is::<TriggerMessage>());
    assert_eq!((any.unpack(), any.unpack::<TriggerMessage>()), (Ok(Some(payload.clone())), Ok(None)));
    let view: DataPayloadRef<'_> = any.unpack_ref().unwrap().unwrap();
    assert!(view.data() == b"abc" && any.value.as_ptr_range().contains(&view.data().as_ptr()));
    assert_eq!(DataPayload::from(view), payload);
    assert_eq!(any.as_ref().unpack_message(), Ok(Some(payload.clone())));
    assert!(any.as_ref().unpack_message::<IntervalTriggerMessage>().unwrap().is_none());
    let (trigger, time) = (Trigger { timestamp: None }, Timestamp { seconds: -5, nanos: 7 });
    let interval = IntervalTrigger { start: Some(time), stop: None };
    let message = IntervalTriggerMessage { start_timestamp: Some(time.into()), stop_timestamp: None };
    assert_eq!(
        (TriggerMessage::from(trigger), IntervalTriggerMessage::from(interval)),
        (TriggerMessage::default(), message)
    );
    assert_eq!((Trigger::from(TriggerMessage::default()), IntervalTrigger::from(message)), (trigger, interval));

    // Written by name, and as prost packs it.
    let mut builder = PackageBuilder::new(1);
    builder.message("drift.proto.common.DataPayload", payload.encode_to_vec()).any(any.as_ref());
    let package = builder.build().unwrap();
    let prost = DriftPackage::from(&package);
    assert_eq!(prost.data, [any.clone(), any]);
    assert!(package.bytes().as_ptr_range().contains(&prost.data[1].value.as_ptr()), "shared, not copied");
    assert_eq!(Package::try_from(&prost).unwrap(), package);
}

#[test]
fn numbers_without_a_name_are_none_of_prosts() {
    assert_eq!(common::StatusCode::try_from(StatusCode::BAD_SOURCE_STATE), Ok(common::StatusCode::BadSourceState));
    assert_eq!(StatusCode::from(common::StatusCode::Uncertain), StatusCode::UNCERTAIN);
    assert!(common::StatusCode::try_from(StatusCode(3)).is_err());
    assert_eq!(DataType::from(meta::meta_info::DataType::TypedData), DataType::TYPED_DATA);
    assert_eq!(ImageType::from(meta::image_info::ImageType::Jpeg), ImageType::JPEG);
}

/// Its types are in the public API.
#[test]
fn packages_of_prost_are_read_here() {
    let package = DriftPackage {
        id: -1,
        meta: Some(MetaInfo {
            info: Some(Info::TextInfo(meta::TextInfo { mime_type: "a/b".into() })),
            ..MetaInfo::default()
        }),
        ..DriftPackage::default()
    };
    same(PackageRef::decode(&package.encode_to_vec()).unwrap(), &package);
}

#[test]
fn infos_are_the_same_both_ways() {
    let (start, stop) = (Timestamp { seconds: -1, nanos: 2 }, Timestamp { seconds: 3, nanos: -4 });
    let ours = TimeSeriesInfo {
        start: Some(start),
        stop: Some(stop),
        size: u64::MAX,
        first: 1.0,
        last: 2.0,
        min: 3.0,
        max: 4.0,
        mean: 5.0,
    };
    let theirs = meta::TimeSeriesInfo {
        start_timestamp: Some(protobuf::Timestamp { seconds: -1, nanos: 2 }),
        stop_timestamp: Some(protobuf::Timestamp { seconds: 3, nanos: -4 }),
        size: u64::MAX,
        first: 1.0,
        last: 2.0,
        min: 3.0,
        max: 4.0,
        mean: 5.0,
    };
    assert_eq!((TimeSeriesInfo::from(theirs), meta::TimeSeriesInfo::from(ours)), (ours, theirs));
    let half = (TimeSeriesInfo { start: None, ..ours }, meta::TimeSeriesInfo { start_timestamp: None, ..theirs });
    assert_eq!((TimeSeriesInfo::from(half.1), meta::TimeSeriesInfo::from(half.0)), half);

    let threshold = wavelet::Denoising::ThresholdDenoising(wavelet::ThresholdDenoising { a: 0.5, b: 0.25 });
    let partial = wavelet::Denoising::PartialDenoising(wavelet::PartialDenoising { partial: 0.75 });
    let nothing = wavelet::Denoising::NoDenoising(wavelet::NoDenoising {});
    for (denoising, theirs) in [
        (None, None),
        (Some(Denoising::None), Some(nothing)),
        (Some(Denoising::Threshold { a: 0.5, b: 0.25 }), Some(threshold)),
        (Some(Denoising::Partial(0.75)), Some(partial)),
    ] {
        let ours = WaveletBufferInfo {
            abi_version: 1,
            wavelet_type: 2,
            decomposition_steps: 3,
            float_compression: 4,
            denoising,
        };
        let theirs = meta::WaveletBufferInfo {
            abi_version: 1,
            wavelet_type: 2,
            decomposition_steps: 3,
            float_compression: 4,
            denoising: theirs,
        };
        assert_eq!((WaveletBufferInfo::from(theirs), meta::WaveletBufferInfo::from(ours)), (ours, theirs));
    }
}

/// prost allows a hundred messages in one another, and the defaults 64.
#[test]
fn packages_of_prost_are_under_the_defaults() {
    for (depth, limit) in [(64, None), (65, Some(Limit::MaxDepth)), (90, Some(Limit::MaxDepth))] {
        let bytes = proto::aligned(depth, b"");
        let prost = DriftPackage::decode(&bytes[..]).unwrap();
        assert_eq!(Package::try_from(&prost).err().and_then(|error| error.limit()), limit, "{depth}");
        let package = Package::decode_with(bytes.into(), &Limits::DEFAULT.with_max_depth(90)).unwrap();
        assert_eq!(DriftPackage::from(&package), prost);
    }
}

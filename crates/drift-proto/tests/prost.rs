//! The types of prost as a second reader: what both accept says the same to both.

#![cfg(feature = "prost")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use bytes::Bytes;
use drift_proto::proto::common::{self, DataPayload, DriftPackage};
use drift_proto::proto::meta::{self, MetaInfo, meta_info::Info, wavelet_buffer_info as wavelet};
use drift_proto::proto::protobuf;
use drift_proto::proto::trigger_service::{IntervalTriggerMessage, TriggerMessage};
use drift_proto::{
    DataPayloadRef, DataType, Denoising, ImageType, InfoRef, IntervalTrigger, MetaRef, NamesRef, Package,
    PackageBuilder, PackageRef, StatusCode, Timestamp, Trigger,
};
use prost::Message;
use serde_json::Value as Json;
use testkit::vectors::hex;
use testkit::{Rng, rng};

fn vectors() -> Vec<Vec<u8>> {
    let lines = include_str!("vectors/drift.jsonl").lines();
    lines.map(|line| hex(serde_json::from_str::<Json>(line).unwrap()["hex"].as_str().unwrap())).collect()
}

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

#[test]
fn what_both_read_is_the_same() {
    let mut both = 0;
    for bytes in vectors() {
        let (found, due) = (PackageRef::decode(&bytes), DriftPackage::decode(&bytes[..]));
        if let (Ok(found), Ok(due)) = (found, due) {
            same(found, &due);
            both += 1;
        }
    }
    assert!(both > 60, "{both}");
}

#[test]
fn what_both_read_of_mutated_packages_is_the_same() {
    let vectors = vectors();
    let mut rng = Rng::new(rng::seed());
    let (mut both, mut neither) = (0, 0);
    for _ in 0..60_000 {
        // Pieces of packages one behind the other, so that messages merge; and some bytes changed.
        let mut bytes: Vec<u8> = (0..=rng.below(2)).flat_map(|_| vectors[rng.below(vectors.len())].clone()).collect();
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
            // prost refuses known fields of another wire type, and numbers of ten bytes that do not fit (SPEC.md §1).
            (Ok(_), Err(_)) => {}
            (Err(_), Err(_)) => neither += 1,
            (Err(error), Ok(_)) => panic!("{error} of {bytes:02x?}"),
        }
    }
    assert!(both > 10_000 && neither > 1_000, "{both} {neither}");
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

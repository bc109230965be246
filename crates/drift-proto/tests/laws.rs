//! The laws of the workspace over golden, mutated and random packages. Nothing here comes in a stream, so that of the eleven these do not
//! apply: chunking (1), prefix (2), since a package that is cut is often one, too, and good–bad–good (9), of which `hostile/values.rs` has
//! what there is. Those of machines (7, 8) are in `correlator/model.rs`, too, and linear work (11) is in `hostile/work.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

#[path = "hostile/proto.rs"]
mod proto;

use bytes::{Bytes, BytesMut};
use drift_proto::{
    AnyRef, Denoising, DriftBytesReader, DriftBytesRef, DriftBytesWriter, ImageInfoRef, ImageType, Info, InfoRef,
    IntervalTrigger, Limits, Meta, MetaRef, NameRef, Package, PackageBuilder, PackageRef, StatusCode, TimeSeriesInfo,
    Timestamp, Trigger, Values, WaveletBufferInfo,
};
use proto::*;
use testkit::laws;
use testkit::{Rng, rng};

const TEXTS: [&str; 8] =
    ["", "a", "drift/sensor", "ä\0b", "\u{10ffff}", "type.googleapis.com/", "key", "a somewhat longer text"];

fn text(rng: &mut Rng) -> &'static str {
    TEXTS[rng.below(TEXTS.len())]
}

/// Often nothing or little, and sometimes anything.
fn any_number(rng: &mut Rng) -> u64 {
    match rng.below(4) {
        0 => 0,
        1 => rng.below(300) as u64,
        2 => rng.next_u64() >> rng.below(64),
        _ => rng.next_u64(),
    }
}

fn float_of(rng: &mut Rng) -> f32 {
    *rng.choose(&[0.0, 1.5, -2.25, f32::INFINITY, f32::MIN_POSITIVE, 1e-45, f32::MAX])
}

fn time(rng: &mut Rng) -> Option<Timestamp> {
    let time = Timestamp { seconds: any_number(rng) as i64, nanos: any_number(rng) as i32 };
    (rng.below(3) > 0).then_some(time)
}

fn names(rng: &mut Rng) -> Vec<NameRef<'static>> {
    (0..rng.below(4)).map(|_| NameRef { name: text(rng), status: StatusCode(any_number(rng) as i32) }).collect()
}

type Told = (Info<'static>, Option<WaveletBufferInfo>);

fn meta((info, wavelet_buffer): Told) -> Meta<'static> {
    match wavelet_buffer {
        None => Meta::new(info),
        Some(wavelet_buffer) => Meta::with_wavelet_buffer(info, wavelet_buffer),
    }
}

fn told(rng: &mut Rng, depth: usize) -> Told {
    let info = match rng.below(if depth > 0 { 6 } else { 5 }) {
        0 => Info::TimeSeries(TimeSeriesInfo {
            start: time(rng),
            stop: time(rng),
            size: any_number(rng),
            first: float_of(rng),
            last: float_of(rng),
            min: float_of(rng),
            max: float_of(rng),
            mean: float_of(rng),
        }),
        1 => Info::Image(ImageInfoRef {
            image_type: ImageType(any_number(rng) as i32),
            width: any_number(rng),
            height: any_number(rng),
            channel_layout: text(rng),
        }),
        2 => Info::Scalars(names(rng)),
        3 => Info::Text(text(rng)),
        4 => Info::Typed(names(rng)),
        _ => {
            let package = |rng: &mut Rng| (text(rng), (rng.below(2) == 0).then(|| meta(told(rng, depth - 1))));
            Info::Aligned((0..rng.below(4)).map(|_| package(rng)).collect())
        }
    };
    if rng.below(3) > 0 {
        return (info, None);
    }
    let denoising = match rng.below(4) {
        0 => None,
        1 => Some(Denoising::None),
        2 => Some(Denoising::Threshold { a: float_of(rng), b: float_of(rng) }),
        _ => Some(Denoising::Partial(float_of(rng))),
    };
    let wavelet_buffer = WaveletBufferInfo {
        abi_version: any_number(rng) as u32,
        wavelet_type: any_number(rng) as u32,
        decomposition_steps: any_number(rng) as u32,
        float_compression: any_number(rng) as u32,
        denoising,
    };
    (info, Some(wavelet_buffer))
}

fn builder(rng: &mut Rng) -> PackageBuilder<'static> {
    builder_and_told(rng).0
}

/// And what its meta tells.
fn builder_and_told(rng: &mut Rng) -> (PackageBuilder<'static>, Option<Told>) {
    let mut builder = PackageBuilder::new(any_number(rng) as i64);
    builder.status = StatusCode(any_number(rng) as i32);
    (builder.source_timestamp, builder.publish_timestamp) = (time(rng), time(rng));
    let told = (rng.below(3) > 0).then(|| told(rng, 3));
    builder.meta = told.clone().map(meta);
    for _ in 0..rng.below(4) {
        let data = rng.below(300);
        match rng.below(6) {
            0 => builder.payload(rng.bytes(data)),
            1 => builder.payload_with_shape([any_number(rng) as u32, 1], rng.bytes(data)),
            2 => builder.trigger(Trigger { timestamp: time(rng) }),
            3 => builder.interval_trigger(IntervalTrigger { start: time(rng), stop: time(rng) }),
            4 => builder.message(text(rng), rng.bytes(data)),
            _ => builder.any(AnyRef::new(text(rng), text(rng).as_bytes())),
        };
    }
    for _ in 0..rng.below(4) {
        builder.label(text(rng), text(rng));
    }
    (builder, told)
}

const ROUNDS: usize = if cfg!(miri) { 20 } else { 2000 };

/// What a package says, in an order that does not depend on the bytes.
fn said(package: PackageRef<'_>) -> String {
    let labels: Vec<_> = package.labels().collect();
    let data: Vec<_> = package.data().map(|any| (any.type_url(), any.value())).collect();
    let times = (package.source_timestamp(), package.publish_timestamp());
    let unknown: Vec<_> = package.unknown_fields().collect();
    format!("{} {} {times:?} {:?} {labels:?} {data:?} {unknown:?}", package.id(), package.status(), package.meta())
}

#[test]
fn law_3_packages_survive_writing_and_reading() {
    let mut rng = Rng::new(rng::seed());
    for _ in 0..ROUNDS {
        let (builder, told) = builder_and_told(&mut rng);
        let package = builder.build().unwrap();
        let view = package.as_ref();
        assert_eq!((view.id(), view.status()), (builder.id, builder.status));
        assert_eq!(
            (view.source_timestamp(), view.publish_timestamp()),
            (builder.source_timestamp, builder.publish_timestamp)
        );
        assert_eq!(view.meta().is_some(), told.is_some());
        if let (Some(found), Some(due)) = (view.meta(), told) {
            assert_told(found, due);
        }
        // What is written is canonical: read and written once more, it is the same.
        laws::round_trip_bytes(package.bytes(), |bytes| {
            PackageBuilder::from(PackageRef::decode(bytes).unwrap()).encode_to_vec().unwrap()
        });
        let mut anew = PackageBuilder::new(view.id());
        anew.status = view.status();
        (anew.source_timestamp, anew.publish_timestamp) = (view.source_timestamp(), view.publish_timestamp());
        anew.meta.clone_from(&builder.meta);
        for any in view.data() {
            anew.any(any);
        }
        for label in view.labels() {
            anew.label(label.key, label.value);
        }
        assert_eq!(anew.build().unwrap(), package);
    }
}

/// What the packages of an alignment have for meta is read by prost, too, below.
fn assert_told(found: MetaRef<'_>, (info, wavelet_buffer): Told) {
    assert_eq!(found.wavelet_buffer(), wavelet_buffer);
    match (found.info().unwrap(), info) {
        (InfoRef::TimeSeries(found), Info::TimeSeries(due)) => assert_eq!(found, due),
        (InfoRef::Image(found), Info::Image(due)) => assert_eq!(found, due),
        (InfoRef::Text(found), Info::Text(due)) => assert_eq!(found, due),
        (InfoRef::Scalars(found), Info::Scalars(due)) | (InfoRef::Typed(found), Info::Typed(due)) => {
            assert!(found.iter().eq(due));
        }
        (InfoRef::Aligned(found), Info::Aligned(due)) => {
            let found = found.iter().map(|package| (package.topic, package.meta.is_some()));
            assert!(found.eq(due.iter().map(|(topic, meta)| (*topic, meta.is_some()))));
        }
        (found, due) => panic!("{found:?} of {due:?}"),
    }
}

/// Values by their bits.
#[test]
fn law_3_typed_data_survives_writing_and_reading() {
    let mut rng = Rng::new(rng::seed());
    for _ in 0..ROUNDS {
        let numbers: Vec<f64> = (0..rng.below(5)).map(|_| rng.f64()).collect();
        let texts: Vec<&str> = (0..rng.below(5)).map(|_| text(&mut rng)).collect();
        let ints: Vec<i16> = (0..6).map(|_| any_number(&mut rng) as i16).collect();
        let mut writer = DriftBytesWriter::new();
        writer.value(Values::F64(&numbers)).unwrap().value(Values::Texts(&texts)).unwrap();
        writer.item(&[2, 3], Values::I16(&ints)).unwrap();
        let bytes = writer.finish();
        let items: Vec<_> = DriftBytesRef::decode(&bytes).unwrap().items().collect();
        let bits: Vec<u64> = items[0].values::<f64>().into_iter().flatten().map(f64::to_bits).collect();
        assert_eq!(bits, numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>());
        assert!(items[1].texts().into_iter().flatten().eq(texts.iter().map(|text| text.as_bytes())));
        assert_eq!(items[2].values::<i16>().unwrap().collect::<Vec<_>>(), ints);
        laws::round_trip_bytes(&bytes, |bytes| {
            let mut writer = DriftBytesWriter::new();
            for item in DriftBytesRef::decode(bytes).unwrap().items() {
                writer.item_ref(item).unwrap();
            }
            writer.finish()
        });
    }
}

#[test]
fn law_4_what_is_written_is_as_long_as_it_is_said_to_be() {
    let mut rng = Rng::new(rng::seed());
    for _ in 0..ROUNDS {
        let builder = builder(&mut rng);
        laws::size(builder.encoded_len(), |out| builder.encode(out));
        let mut other = BytesMut::new();
        builder.encode(&mut other).unwrap();
        assert_eq!(other, builder.encode_to_vec().unwrap());
        if let Some(max) = (builder.encoded_len() as u32).checked_sub(1) {
            laws::nothing_written(|out| builder.encode_with(out, &Limits::DEFAULT.with_max_len(max)));
        }
    }
    for (_, bytes) in packages() {
        let Ok(package) = PackageRef::decode(&bytes) else { continue };
        let builder = PackageBuilder::from(package);
        laws::size(builder.encoded_len(), |out| builder.encode(out));
    }
}

/// All mutations are in `hostile/input.rs`; here is what is nothing but noise, and noise in front of which a package stands.
#[test]
fn law_5_noise_is_taken_without_a_panic_or_an_allocation() {
    let mut rng = Rng::new(rng::seed());
    let packages = packages();
    for round in 0..ROUNDS / 10 {
        let (len, tags) = (rng.below(100), [0x08, 0x12, 0x1a, 0x20, 0x2a, 0x32, 0x3a, 0x0a, 0x53, 0x54]);
        let mut noise = if round % 2 == 0 { packages[rng.below(packages.len())].1.clone() } else { Vec::new() };
        noise.extend((0..len).map(|_| if rng.below(2) == 0 { *rng.choose(&tags) } else { rng.below(8) as u8 }));
        laws::totality(&noise, 0, |bytes| {
            let Ok(package) = PackageRef::decode(bytes) else { return 0 };
            package.labels().count() + package.data().count() + usize::from(package.meta() == package.meta())
        });
        laws::totality(&[&[1, 0, 1][..], &noise].concat(), 0, |bytes| {
            DriftBytesRef::decode(bytes).map(|all| all.items().count())
        });
    }
}

#[test]
fn law_6_a_view_and_a_package_are_the_same() {
    let mut all: Vec<Vec<u8>> = packages().into_iter().map(|(_, bytes)| bytes).collect();
    let mut rng = Rng::new(rng::seed());
    all.extend((0..ROUNDS / 10).map(|_| builder(&mut rng).encode_to_vec().unwrap()));
    for bytes in &all {
        let owned = |bytes: &[u8]| Package::decode(Bytes::copy_from_slice(bytes));
        laws::two_forms(bytes, |bytes| PackageRef::decode(bytes).map(PackageRef::into_owned), owned);
        laws::two_forms(
            bytes,
            |bytes| PackageRef::decode(bytes).map(said),
            |bytes| owned(bytes).map(|package| said(package.as_ref())),
        );
        laws::two_forms(bytes, PackageRef::decode, |bytes| {
            AnyRef::new("/drift.proto.common.DriftPackage", bytes).unpack().map(Option::unwrap)
        });
        let last = |bytes| PackageRef::decode(bytes).map(|package| package.payloads().last().transpose());
        laws::two_forms(bytes, last, |bytes| PackageRef::decode(bytes).map(PackageRef::payload));
    }
    for (_, bytes) in typed_data() {
        let collected = |bytes| DriftBytesReader::new(bytes).and_then(|reader| reader.collect::<Result<Vec<_>, _>>());
        laws::two_forms(&bytes, collected, |bytes| DriftBytesRef::decode(bytes).map(|all| all.items().collect()));
    }
}

#[cfg(feature = "prost")]
#[test]
fn law_6_prost_reads_and_writes_the_same() {
    use drift_proto::DataPayloadRef;
    use drift_proto::proto::common::{DataPayload, DriftPackage};
    use prost::Message as _;
    let mut rng = Rng::new(rng::seed());
    for _ in 0..ROUNDS {
        let package = builder(&mut rng).build().unwrap();
        let bytes = &package.bytes()[..];
        laws::two_forms(
            bytes,
            |bytes| DriftPackage::decode(bytes).unwrap(),
            |bytes| PackageRef::decode(bytes).unwrap().into(),
        );
        // Both leave out what is a default. Of a meta prost writes the choice first, whatever its number.
        let prost = DriftPackage::from(&package);
        assert_eq!(prost.encoded_len(), bytes.len());
        let back = Package::try_from(&prost).unwrap();
        assert_eq!(said(back.as_ref()), said(package.as_ref()));
        for any in package.as_ref().data() {
            let payload = any.unpack::<DataPayloadRef<'_>>().unwrap().map(DataPayload::from);
            assert_eq!(any.unpack_message::<DataPayload>().unwrap(), payload);
        }
    }
}

#[test]
fn law_8_the_same_bytes_say_the_same() {
    for (_, bytes) in packages() {
        laws::deterministic(|| PackageRef::decode(&bytes).map(said));
    }
}

#[test]
fn law_10_what_is_unknown_passes_through() {
    let mut rng = Rng::new(rng::seed());
    for _ in 0..ROUNDS / 10 {
        let package = builder(&mut rng).encode_to_vec().unwrap();
        let (len, field) = (rng.below(40), 8 + rng.below(1 << 20) as u32);
        let unknown = match rng.below(4) {
            0 => number(field, any_number(&mut rng)),
            1 => part(field, rng.bytes(len)),
            2 => group(field, &number(1, any_number(&mut rng))),
            _ => float(field, float_of(&mut rng)),
        };
        let bytes = [package, unknown.clone()].concat();
        laws::pass_through(
            &bytes,
            |bytes| PackageRef::decode(bytes).unwrap(),
            |package| package.unknown_fields().eq([&unknown[..]]),
            |package| PackageBuilder::from(*package).encode_to_vec().unwrap(),
        );
    }
    // Numbers that have no name, and messages of types that nobody knows.
    let bytes = [number(4, 999), any("a.Future", b"\xff\x00"), part(6, number(1, 77))].concat();
    laws::pass_through(
        &bytes,
        |bytes| PackageRef::decode(bytes).unwrap(),
        |package| package.status() == StatusCode(999) && package.data().any(|any| any.is("a.Future")),
        |package| PackageBuilder::from(*package).encode_to_vec().unwrap(),
    );
}

use drift_proto::proto::{alignment_service, common, protobuf, trigger_service};
use drift_proto::{
    AlignedPackageRef, DataPayloadRef, DecodeError, DecodeErrorKind, Denoising, InfoRef, IntervalTrigger, Limit,
    Limits, MetaRef, Package, PackageBuilder, PackageRef, Trigger, Unpack,
};
use prost::{Message, Name};

use super::oracle::{ALIGNED_PACKAGE, DATA_PAYLOAD, INTERVAL_TRIGGER, PACKAGE, Reader, Schema, TRIGGER};
use super::{Script, build};

/// More messages in one another are never taken.
const MOST: usize = 100;
/// As deep as anything can be.
const ANY_DEPTH: usize = usize::MAX;

/// A view reads what prost reads, but for what SPEC.md §1 lists; what is written again says the same.
pub fn package(data: &[u8]) {
    let Some((&settings, input)) = data.split_first() else { return };
    let limits = Limits::DEFAULT
        .with_max_depth([64, 3, 255, 0][usize::from(settings & 3)])
        .with_max_len(if settings & 4 == 0 { u32::MAX } else { 60 });
    let made =
        |schema| if settings & 0x80 == 0 { input.to_vec() } else { build::message(schema, &mut Script(input), 0) };
    match settings >> 3 & 15 {
        0 => payload(&made(&DATA_PAYLOAD), &limits),
        1 => aligned(&made(&ALIGNED_PACKAGE), &limits),
        2 => triggers(&made(&TRIGGER), &limits),
        3 => triggers(&made(&INTERVAL_TRIGGER), &limits),
        _ => whole(&made(&PACKAGE), &limits),
    }
}

/// Whether a message is read, or refused with the fault that the oracle finds; and what prost reads of it.
fn read<T, M: Message + Default>(
    bytes: &[u8],
    schema: &'static Schema,
    limits: &Limits,
    found: Result<T, DecodeError>,
) -> Option<(T, M)> {
    let mut all = Reader::new(bytes, ANY_DEPTH);
    let normal = all.read(schema);
    let met = all.met;
    // What prost makes of the bytes themselves.
    let is_prosts = normal.is_ok() && !met.wrong_type && !met.wide && !met.too_deep_for_prost;
    assert_eq!(M::decode(bytes).is_ok(), is_prosts);

    let due = Reader::new(bytes, usize::from(limits.max_depth).min(MOST)).read(schema);
    match (found, due) {
        (Err(error), _) if bytes.len() as u64 > u64::from(limits.max_len) => {
            let limit = Some(Limit::MaxLen);
            assert_eq!((error.kind(), error.limit(), error.offset()), (DecodeErrorKind::LimitExceeded, limit, 0));
            assert_eq!((error.what(), error.path(bytes)), (schema.root, String::new()));
            None
        }
        (Err(error), Err(fault)) => {
            assert_eq!((error.kind(), error.offset()), (fault.kind, fault.at as u64), "{error}");
            let limit = (fault.kind == DecodeErrorKind::LimitExceeded).then_some(Limit::MaxDepth);
            assert_eq!(error.limit(), limit);
            assert_eq!(error.what(), fault.what, "{error}");
            assert_eq!(error.path(bytes), fault.path, "{error}");
            assert!(error.to_string().ends_with(&format!(" at byte {} ({})", fault.at, fault.what)));
            None
        }
        (Ok(found), Ok(_)) if !met.known_too_deep_for_prost => {
            assert!(bytes.len() as u64 <= u64::from(limits.max_len));
            Some((found, M::decode(&*normal.expect("it was read")).expect("nothing in it that prost refuses")))
        }
        (Ok(_), Ok(_)) => None,
        (found, due) => panic!("{:?} {due:?}", found.err()),
    }
}

fn whole(bytes: &[u8], limits: &Limits) {
    let found = PackageRef::decode_with(bytes, limits);
    let owned = Package::decode_with(bytes.to_vec().into(), limits);
    assert_eq!(found, owned.as_ref().map(Package::as_ref).map_err(|error| *error));
    let Some((found, due)) = read::<_, common::DriftPackage>(bytes, &PACKAGE, limits, found) else { return };
    same(found, &due);
    again(found, limits);
    for (any, due) in found.data().zip(&due.data) {
        let (value, inner) = (any.value(), Limits::DEFAULT);
        assert_eq!(any.name(), due.type_url.rsplit_once('/').map(|(_, name)| name));
        match any.name().unwrap_or_default() {
            DataPayloadRef::NAME => payload(value, &inner),
            AlignedPackageRef::NAME => aligned(value, &inner),
            Trigger::NAME | IntervalTrigger::NAME => triggers(value, &inner),
            // As deep as the input is long: one is enough.
            PackageRef::NAME => {
                assert_eq!(any.unpack::<PackageRef<'_>>().map(Option::unwrap), PackageRef::decode(value))
            }
            _ => assert_eq!(any.unpack::<DataPayloadRef<'_>>(), Ok(None)),
        }
    }
    // All payloads are those of the data, and the last is the last.
    let name = common::DataPayload::full_name();
    let payloads: Vec<_> =
        found.data().filter(|any| any.is(&name)).map(|any| DataPayloadRef::unpack(any.value(), limits)).collect();
    assert!(found.payloads().eq(payloads.iter().copied()));
    assert_eq!(found.payload(), payloads.last().copied().transpose());
    // Whatever it is, it can be asked for and printed.
    let _ = found.typed_data().map(|data| data.map(|data| format!("{data:?}")));
    let _ = format!("{found:?} {:?} {:?}", found.meta(), found.meta().map(MetaRef::payload_kind));
}

fn time(due: Option<protobuf::Timestamp>) -> Option<(i64, i32)> {
    due.map(|due| (due.seconds, due.nanos))
}

fn same(found: PackageRef<'_>, due: &common::DriftPackage) {
    assert_eq!((found.id(), found.status().0), (due.id, due.status));
    let times = [found.source_timestamp(), found.publish_timestamp()];
    let times = times.map(|time| time.map(|time| (time.seconds, time.nanos)));
    assert_eq!(times, [time(due.source_timestamp), time(due.publish_timestamp)]);
    assert!(
        found.labels().map(|label| (label.key, label.value)).eq(due.labels.iter().map(|due| (&*due.key, &*due.value)))
    );
    assert!(
        found
            .data()
            .map(|any| (any.type_url(), any.value()))
            .eq(due.data.iter().map(|due| (&*due.type_url, &*due.value)))
    );
    assert_eq!(found.meta().is_some(), due.meta.is_some());
    // Numbers that are not equal to themselves are equal on the wire.
    assert_eq!(common::DriftPackage::from(found).encode_to_vec(), due.encode_to_vec());
    if let Some((found, due)) = found.meta().zip(due.meta.as_ref()) {
        floats(found, due);
    }
}

/// The floats of a meta, bit by bit: zero of either sign is not written.
fn floats(found: MetaRef<'_>, due: &drift_proto::proto::meta::MetaInfo) {
    use drift_proto::proto::meta::{meta_info::Info, wavelet_buffer_info as wavelet};
    match (found.info(), &due.info) {
        (Some(InfoRef::TimeSeries(found)), Some(Info::TimeSeriesInfo(due))) => {
            let found = [found.first, found.last, found.min, found.max, found.mean];
            let due = [due.first, due.last, due.min, due.max, due.mean];
            assert_eq!(found.map(f32::to_bits), due.map(f32::to_bits));
        }
        (Some(InfoRef::Aligned(found)), Some(Info::AlignmentInfo(due))) => {
            for (found, due) in found.iter().zip(&due.packages) {
                assert_eq!((found.topic, found.meta.is_some()), (&*due.topic, due.meta.is_some()));
                if let Some((found, due)) = found.meta.zip(due.meta.as_ref()) {
                    floats(found, due);
                }
            }
        }
        (found, due) => assert_eq!(found.is_some(), due.is_some()),
    }
    let found = found.wavelet_buffer().and_then(|info| info.denoising);
    let due = due.wavelet_buffer_info.and_then(|info| info.denoising);
    match (found, due) {
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

/// A package that was read is written so that it says the same, and has the same that is not known.
fn again(found: PackageRef<'_>, limits: &Limits) {
    let builder = PackageBuilder::from(found);
    // Numbers may take more bytes than they did.
    let limits = limits.with_max_len(u32::MAX);
    let mut written = Vec::new();
    builder.encode_with(&mut written, &limits).expect("as deep as it was");
    assert_eq!(builder.encoded_len(), written.len());
    let read = PackageRef::decode_with(&written, &limits).expect("what was written");
    let prost = |package| common::DriftPackage::from(package).encode_to_vec();
    assert_eq!(prost(read), prost(found));
    assert!(read.unknown_fields().eq(found.unknown_fields()));
    assert_eq!(PackageBuilder::from(read).encode_to_vec_with(&limits).as_ref(), Ok(&written));

    let (unknown, kept) = (unknown(found.as_bytes()), self::unknown(&written));
    assert_eq!(unknown, kept);
}

/// What is not known, by the message it is in: the order of these changes.
fn unknown(bytes: &[u8]) -> Vec<(usize, &'static str, Vec<u8>)> {
    let mut reader = Reader::new(bytes, ANY_DEPTH);
    reader.read(&PACKAGE).expect("it was read");
    let mut unknown: Vec<_> =
        reader.met.unknown.into_iter().map(|(depth, what, raw)| (depth, what, raw.to_vec())).collect();
    unknown.sort_by_key(|(depth, what, _)| (*depth, *what));
    unknown
}

fn payload(bytes: &[u8], limits: &Limits) {
    let found = DataPayloadRef::unpack(bytes, limits);
    let Some((found, due)) = read::<_, common::DataPayload>(bytes, &DATA_PAYLOAD, limits, found) else { return };
    assert_eq!(found.data(), due.data);
    assert!(found.shape().eq(due.shape.iter().copied()));
    assert_eq!(common::DataPayload::from(found), due);
}

fn aligned(bytes: &[u8], limits: &Limits) {
    let found = AlignedPackageRef::unpack(bytes, limits);
    let Some((found, due)) = read::<_, alignment_service::AlignedPackage>(bytes, &ALIGNED_PACKAGE, limits, found)
    else {
        return;
    };
    assert_eq!(found.topic_name(), due.topic_name);
    assert!(found.payloads().map(common::DataPayload::from).eq(due.payloads));
}

fn triggers(bytes: &[u8], limits: &Limits) {
    let found = Trigger::unpack(bytes, limits);
    if let Some((found, due)) = read::<_, trigger_service::TriggerMessage>(bytes, &TRIGGER, limits, found) {
        assert_eq!(trigger_service::TriggerMessage::from(found), due);
    }
    let found = IntervalTrigger::unpack(bytes, limits);
    if let Some((found, due)) =
        read::<_, trigger_service::IntervalTriggerMessage>(bytes, &INTERVAL_TRIGGER, limits, found)
    {
        assert_eq!(trigger_service::IntervalTriggerMessage::from(found), due);
    }
}

//! All messages, versions 0.1 to 0.6 of them, statuses and kinds.

use drift_proto::{
    AlignedPackageRef, DataPayloadRef, DataType, Denoising, ImageInfoRef, ImageType, InfoRef, IntervalTrigger, NameRef,
    PackageRef, PayloadKind, StatusClass, StatusCode, TimeSeriesInfo, Timestamp, Trigger, WaveletBufferInfo,
};

use crate::proto::*;

fn time(seconds: u64, nanos: u64) -> Vec<u8> {
    [number(1, seconds), number(2, nanos)].concat()
}

const fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

fn names<'a>(info: Option<InfoRef<'a>>) -> Vec<NameRef<'a>> {
    match info {
        Some(InfoRef::Scalars(names) | InfoRef::Typed(names)) => names.into_iter().collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn version_0_1() {
    // Payloads of a topic, in an `Any` since gone; a reader can have them still.
    let payloads = [part(2, part(2, "one")), part(2, [part(1, [2, 3]), part(2, "two")].concat()), part(2, "")];
    let aligned = [vec![part(1, "drift/acc")], payloads.to_vec()].concat().concat();
    let series = [part(1, time(1, 2)), part(2, time(3, 4)), number(3, 5)].concat();
    let meta = part(6, part(2, series));
    let package = [any("drift.proto.alignment_service.AlignedPackage", &aligned), meta].concat();
    let package = PackageRef::decode(&package).unwrap();
    let any = package.data().next().unwrap();
    let aligned: AlignedPackageRef<'_> = any.unpack().unwrap().unwrap();
    assert_eq!(aligned.topic_name(), "drift/acc");
    let found: Vec<_> =
        aligned.payloads().map(|payload| (payload.data(), payload.shape().collect::<Vec<_>>())).collect();
    assert_eq!(found, [(&b"one"[..], vec![]), (b"two", vec![2, 3]), (b"", vec![])]);
    assert_eq!((any.unpack::<DataPayloadRef<'_>>(), package.payload()), (Ok(None), Ok(None)));
    // A series knew its ends and its size.
    let due = TimeSeriesInfo { start: at(1, 2), stop: at(3, 4), size: 5, ..TimeSeriesInfo::default() };
    assert_eq!(package.meta().unwrap().info(), Some(InfoRef::TimeSeries(due)));
    // Values had names only, and packages that were aligned a topic only.
    let scalars = part(6, [number(1, 2), part(4, [part(1, part(1, "a")), part(1, part(1, "b"))].concat())].concat());
    let meta = PackageRef::decode(&scalars).unwrap().meta().unwrap();
    let good = |name| NameRef { name, status: StatusCode::GOOD };
    assert_eq!((meta.data_type(), names(meta.info())), (DataType::SCALAR_VALUES, vec![good("a"), good("b")]));
    let aligned = part(6, [number(1, 4), part(6, part(1, part(1, "t")))].concat());
    let Some(InfoRef::Aligned(packages)) = PackageRef::decode(&aligned).unwrap().meta().unwrap().info() else {
        panic!()
    };
    assert_eq!(packages.into_iter().map(|package| (package.topic, package.meta)).collect::<Vec<_>>(), [("t", None)]);
}

#[test]
fn versions_0_2_to_0_4() {
    let text = part(2, [number(1, 3), part(5, part(1, "text/plain"))].concat());
    let aligned = part(6, [number(1, 4), part(6, part(1, [part(1, "t"), text].concat()))].concat());
    let Some(InfoRef::Aligned(packages)) = PackageRef::decode(&aligned).unwrap().meta().unwrap().info() else {
        panic!()
    };
    let meta = packages.iter().next().unwrap().meta.unwrap();
    assert_eq!((meta.data_type(), meta.info()), (DataType::TEXT, Some(InfoRef::Text("text/plain"))));

    let floats = [(4, 1.0), (5, 2.0), (6, 0.5), (7, 4.0), (8, 1.5)].map(|(field, value)| float(field, value)).concat();
    let series = part(6, part(2, [number(3, 9), floats].concat()));
    let due =
        TimeSeriesInfo { size: 9, first: 1.0, last: 2.0, min: 0.5, max: 4.0, mean: 1.5, ..TimeSeriesInfo::default() };
    assert_eq!(PackageRef::decode(&series).unwrap().meta().unwrap().info(), Some(InfoRef::TimeSeries(due)));
    let named = part(1, [part(1, "a"), number(2, 519)].concat());
    let scalars = part(6, [number(1, 2), part(4, named)].concat());
    let meta = PackageRef::decode(&scalars).unwrap().meta().unwrap();
    assert_eq!(names(meta.info()), [NameRef { name: "a", status: StatusCode::BAD_SOURCE_DATA_QUALITY }]);

    let labels = ["a", "b", "a"].map(|key| part(7, [part(1, key), part(2, "v")].concat())).concat();
    let labels: Vec<_> = PackageRef::decode(&labels).unwrap().labels().map(|label| label.key).collect();
    assert_eq!(labels, ["a", "b", "a"]);
}

#[test]
fn versions_0_5_and_0_6() {
    let numbers = [(1, 3), (2, 5), (3, 7), (4, 31)].map(|(field, value)| number(field, value)).concat();
    for (denoising, due) in [
        (vec![], None),
        (part(15, ""), Some(Denoising::None)),
        (part(16, [float(1, 0.25), float(2, -1.0)].concat()), Some(Denoising::Threshold { a: 0.25, b: -1.0 })),
        (part(17, float(1, 0.5)), Some(Denoising::Partial(0.5))),
    ] {
        let meta = part(6, part(7, [&numbers[..], &denoising].concat()));
        let due = WaveletBufferInfo {
            abi_version: 3,
            wavelet_type: 5,
            decomposition_steps: 7,
            float_compression: 31,
            denoising: due,
        };
        let meta = PackageRef::decode(&meta).unwrap().meta().unwrap();
        assert_eq!((meta.wavelet_buffer(), meta.info()), (Some(due), None));
    }
    let image = [number(1, 1), number(2, 640), number(3, u64::MAX), part(4, "RGBG")].concat();
    let image = part(6, [number(1, 1), part(3, image)].concat());
    let due = ImageInfoRef { image_type: ImageType::JPEG, width: 640, height: u64::MAX, channel_layout: "RGBG" };
    assert_eq!(PackageRef::decode(&image).unwrap().meta().unwrap().info(), Some(InfoRef::Image(due)));
    let typed = typed(&[("a", 0), ("", 256), ("a", 999)], &[]);
    let meta = PackageRef::decode(&typed).unwrap().meta().unwrap();
    let due = [("a", 0), ("", 256), ("a", 999)].map(|(name, status)| NameRef { name, status: StatusCode(status) });
    assert_eq!((meta.data_type(), names(meta.info())), (DataType::TYPED_DATA, due.to_vec()));
}

#[test]
fn triggers() {
    let one = any("drift.proto.trigger_service.TriggerMessage", &[number(1, 9), part(2, time(1, 2))].concat());
    let from_to = [part(2, time(1, 2)), part(3, time(3, 4))].concat();
    let two = any("drift.proto.trigger_service.IntervalTriggerMessage", &from_to);
    let open = any("drift.proto.trigger_service.IntervalTriggerMessage", &part(3, ""));
    let package = [one, two, open].concat();
    let data: Vec<_> = PackageRef::decode(&package).unwrap().data().collect();
    assert_eq!(data[0].unpack(), Ok(Some(Trigger { timestamp: at(1, 2) })));
    assert_eq!(data[1].unpack(), Ok(Some(IntervalTrigger { start: at(1, 2), stop: at(3, 4) })));
    assert_eq!(data[2].unpack(), Ok(Some(IntervalTrigger { start: None, stop: at(0, 0) })));
    assert_eq!((data[0].unpack::<IntervalTrigger>(), data[1].unpack::<Trigger>()), (Ok(None), Ok(None)));
}

/// By what is behind the last slash, and nothing else (SPEC.md §2).
#[test]
fn an_any_is_what_is_behind_its_last_slash() {
    for (url, is) in [
        ("type.googleapis.com/drift.proto.common.DataPayload", true),
        ("/drift.proto.common.DataPayload", true),
        ("a/b/drift.proto.common.DataPayload", true),
        ("//drift.proto.common.DataPayload", true),
        ("drift.proto.common.DataPayload", false),
        ("type.googleapis.com/.drift.proto.common.DataPayload", false),
        ("type.googleapis.com/drift.proto.common.datapayload", false),
        ("type.googleapis.com/drift.proto.common.DataPayload/", false),
        ("type.googleapis.com/drift.proto.common.DataPayload ", false),
        ("type.googleapis.com/xdrift.proto.common.DataPayload", false),
        ("", false),
        ("/", false),
    ] {
        let package = part(5, [part(1, url), part(2, part(2, "data"))].concat());
        let package = PackageRef::decode(&package).unwrap();
        let any = package.data().next().unwrap();
        let payload = any.unpack::<DataPayloadRef<'_>>().unwrap().map(DataPayloadRef::data);
        assert_eq!((any.is(PAYLOAD), payload), (is, is.then_some(&b"data"[..])), "{url}");
        assert_eq!(package.payload().unwrap().map(DataPayloadRef::data), payload);
        assert_eq!(any.name(), url.rfind('/').map(|at| &url[at + 1..]));
    }
}

/// Names and numbers of the definition; the class is the second byte.
const STATUSES: [(i32, &str, StatusClass); 12] = [
    (0x000, "GOOD", StatusClass::Good),
    (0x100, "UNCERTAIN", StatusClass::Uncertain),
    (0x101, "UNCERTAIN_SERVICE_BUSY", StatusClass::Uncertain),
    (0x200, "BAD", StatusClass::Bad),
    (0x201, "BAD_MALFORMED_REQUEST", StatusClass::Bad),
    (0x202, "BAD_MALFORMED_RESPONSE", StatusClass::Bad),
    (0x203, "BAD_INVALID_ARGUMENT", StatusClass::Bad),
    (0x204, "BAD_INTERNAL_ERROR", StatusClass::Bad),
    (0x205, "BAD_COMMUNICATION_ERROR", StatusClass::Bad),
    (0x206, "BAD_SOURCE_STATE", StatusClass::Bad),
    (0x207, "BAD_SOURCE_DATA_QUALITY", StatusClass::Bad),
    (0x208, "BAD_DATA_READ_TIMEOUT", StatusClass::Bad),
];

#[test]
fn statuses_have_names_and_classes() {
    for (number, name, class) in STATUSES {
        let status = StatusCode(number);
        assert_eq!((status.name(), status.class(), status.to_string()), (Some(name), class, name.to_owned()));
        assert_eq!(status.is_good(), number == 0);
    }
    for (number, class) in [
        (1, StatusClass::Good),
        (0x1ff, StatusClass::Uncertain),
        (0x209, StatusClass::Bad),
        (0x300, StatusClass::Unknown),
        (-1, StatusClass::Unknown),
        (i32::MIN, StatusClass::Unknown),
        (i32::MAX, StatusClass::Unknown),
        (0x1_0000, StatusClass::Unknown),
    ] {
        let status = StatusCode(number);
        assert_eq!((status.name(), status.class(), status.to_string()), (None, class, number.to_string()));
        assert!(!status.is_good());
    }
}

#[test]
fn a_status_is_never_a_gate() {
    for number_of in STATUSES.map(|(number, ..)| number).into_iter().chain([1, 999, -1]) {
        let status = number(4, i64::from(number_of) as u64);
        let item = item(1, &[1], &[5]);
        let package = [status, typed(&[("a", 512)], &[item])].concat();
        let package = PackageRef::decode(&package).unwrap();
        assert_eq!((package.status(), package.payloads().count()), (StatusCode(number_of), 1));
        assert!(!package.payload().unwrap().unwrap().data().is_empty());
        let typed = package.typed_data().unwrap().unwrap();
        assert_eq!(typed.get("a").unwrap().values.unwrap().value(), Some(5_i8));
    }
}

#[test]
fn no_meta_and_a_time_series_are_told_apart() {
    let (none, empty, series) = (Vec::new(), part(6, ""), part(6, part(2, "")));
    let meta = |bytes| PackageRef::decode(bytes).unwrap().meta();
    assert_eq!(meta(&none), None);
    let kind = |bytes| PackageRef::decode(bytes).unwrap().payload_kind();
    let kinds = (PayloadKind::Unknown, PayloadKind::WaveletBuffer, PayloadKind::WaveletBuffer);
    assert_eq!((kind(&none), kind(&empty), kind(&series)), kinds);
    // Without a meta it is unknown with a payload, too.
    assert_eq!(kind(&any(PAYLOAD, &part(2, "data"))), PayloadKind::Unknown);
    let empty = meta(&empty).unwrap();
    assert_eq!((empty.data_type(), empty.info(), empty.wavelet_buffer()), (DataType::TIME_SERIES, None, None));
    let series = meta(&series).unwrap();
    assert_eq!(series.info(), Some(InfoRef::TimeSeries(TimeSeriesInfo::default())));
    assert_ne!(empty, series);
}

#[test]
fn what_a_payload_is_tells_the_type() {
    let image = |kind| part(3, number(1, kind));
    for (meta, due) in [
        (vec![], PayloadKind::WaveletBuffer),
        (number(1, 0), PayloadKind::WaveletBuffer),
        ([number(1, 1), image(0)].concat(), PayloadKind::WaveletBuffer),
        ([number(1, 1), image(1)].concat(), PayloadKind::Jpeg),
        ([number(1, 1), image(7)].concat(), PayloadKind::Unknown),
        (number(1, 2), PayloadKind::WaveletBuffer),
        (number(1, 3), PayloadKind::Text),
        // It goes by the type, whatever is told beside it.
        ([number(1, 3), image(1)].concat(), PayloadKind::Text),
        (number(1, 4), PayloadKind::Aligned),
        (number(1, 5), PayloadKind::DriftBytes),
        (number(1, 6), PayloadKind::Unknown),
        (number(1, u64::MAX), PayloadKind::Unknown),
    ] {
        let package = part(6, &meta);
        let package = PackageRef::decode(&package).unwrap();
        assert_eq!((package.payload_kind(), package.meta().unwrap().payload_kind()), (due, due), "{meta:02x?}");
    }
}

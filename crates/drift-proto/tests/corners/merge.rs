//! A field that is there more than once: of numbers and texts the last, of messages all together, of a choice what came after the other.

use drift_proto::{
    DataType, Denoising, ImageInfoRef, ImageType, InfoRef, LabelRef, MetaRef, PackageBuilder, PackageRef, StatusCode,
    TimeSeriesInfo, Timestamp, WaveletBufferInfo,
};

use crate::proto::*;

/// A package; prost reads the same, and what is written again says the same.
fn package(bytes: &[u8]) -> PackageRef<'_> {
    let package = PackageRef::decode(bytes).unwrap();
    #[cfg(feature = "prost")]
    {
        use drift_proto::proto::common::DriftPackage;
        use prost::Message as _;
        assert_eq!(DriftPackage::from(package), DriftPackage::decode(bytes).unwrap());
    }
    let written = PackageBuilder::from(package).encode_to_vec().unwrap();
    let again = PackageRef::decode(&written).unwrap();
    assert_eq!(
        (again.id(), again.source_timestamp(), again.meta()),
        (package.id(), package.source_timestamp(), package.meta())
    );
    package
}

fn meta(bytes: &[u8]) -> MetaRef<'_> {
    package(bytes).meta().unwrap()
}

fn time(seconds: u64, nanos: u64) -> Vec<u8> {
    [number(1, seconds), number(2, nanos)].concat()
}

const fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

#[test]
fn of_numbers_and_texts_the_last_counts() {
    let bytes = [number(1, 5), number(4, 512), number(1, 6), number(4, 0), number(1, 0)].concat();
    assert_eq!((package(&bytes).id(), package(&bytes).status()), (0, StatusCode::GOOD));
    let label = bytes_of_label(&[(1, "a"), (2, "b"), (1, ""), (2, "c"), (1, "d")]);
    assert_eq!(package(&label).labels().collect::<Vec<_>>(), [LabelRef { key: "d", value: "c" }]);
    let any = part(5, [part(2, "x"), part(1, "/a"), part(2, ""), part(1, "/b")].concat());
    let any = package(&any).data().next().unwrap();
    assert_eq!((any.name(), any.value()), (Some("b"), &b""[..]));
    let payload = [part(2, "one"), part(1, [1, 2]), number(1, 3), part(2, "two"), part(1, [0x85, 0x80, 0])];
    let payload = any_payload(&payload.concat());
    let payload = package(&payload).payload().unwrap().unwrap();
    // Of axes there are as many as came, in either form.
    assert_eq!((payload.data(), payload.shape().collect::<Vec<_>>()), (&b"two"[..], vec![1, 2, 3, 5]));
}

fn any_payload(payload: &[u8]) -> Vec<u8> {
    any(PAYLOAD, payload)
}

fn bytes_of_label(fields: &[(u32, &str)]) -> Vec<u8> {
    part(7, fields.iter().flat_map(|(field, text)| part(*field, text)).collect::<Vec<_>>())
}

#[test]
fn what_is_repeated_is_not_merged() {
    let labels = [bytes_of_label(&[(1, "a")]), bytes_of_label(&[(2, "b")])].concat();
    let due = [LabelRef { key: "a", value: "" }, LabelRef { key: "", value: "b" }];
    assert_eq!(package(&labels).labels().collect::<Vec<_>>(), due);
    let data = [part(5, part(1, "/a")), part(5, part(2, "b"))].concat();
    let data: Vec<_> = package(&data).data().map(|any| (any.type_url(), any.value())).collect();
    assert_eq!(data, [("/a", &b""[..]), ("", b"b")]);
}

#[test]
fn a_timestamp_in_pieces_is_one() {
    let bytes = [part(2, number(1, 7)), part(3, ""), part(2, number(2, 8)), part(2, ""), part(3, time(1, 2))].concat();
    assert_eq!((package(&bytes).source_timestamp(), package(&bytes).publish_timestamp()), (at(7, 8), at(1, 2)));
}

#[test]
fn a_meta_in_pieces_is_one() {
    let pieces = [
        part(6, number(1, 1)),
        number(1, 9),
        part(6, part(3, number(2, 640))),
        part(6, ""),
        part(6, part(7, number(2, 5))),
        part(6, [part(3, number(3, 480)), number(1, 3)].concat()),
        part(6, [part(3, [number(1, 1), part(4, "RGB")].concat()), part(7, number(3, 2))].concat()),
    ];
    let image = ImageInfoRef { image_type: ImageType::JPEG, width: 640, height: 480, channel_layout: "RGB" };
    let wavelet = WaveletBufferInfo { wavelet_type: 5, decomposition_steps: 2, ..WaveletBufferInfo::default() };
    let bytes = pieces.concat();
    let meta = meta(&bytes);
    assert_eq!((meta.data_type(), meta.info()), (DataType::TEXT, Some(InfoRef::Image(image))));
    assert_eq!(meta.wavelet_buffer(), Some(wavelet));
}

/// A timestamp in a series in a meta, each in pieces, and these across one another.
#[test]
fn pieces_in_pieces_in_pieces_are_one() {
    let start = |content: Vec<u8>| part(1, content);
    let series = |content: &[Vec<u8>]| part(2, content.concat());
    let first = [series(&[start(number(1, 1))]), series(&[number(3, 10), start(number(2, 2)), start(vec![])])].concat();
    let second = [series(&[]), series(&[start(number(1, 3)), float(4, 0.5)])].concat();
    let third = [number(1, 0), series(&[part(2, time(8, 9)), start(number(2, 4)), float(4, -2.0)])].concat();
    let pieces = [part(6, first), part(6, second), part(6, third)].concat();
    let due = TimeSeriesInfo { start: at(3, 4), stop: at(8, 9), size: 10, first: -2.0, ..TimeSeriesInfo::default() };
    assert_eq!(meta(&pieces).info(), Some(InfoRef::TimeSeries(due)));
}

#[test]
fn of_a_choice_counts_what_came_after_the_other() {
    let (text, width, height) = (part(5, part(1, "a/b")), part(3, number(2, 4)), part(3, number(3, 5)));
    let image = |width, height| {
        Some(InfoRef::Image(ImageInfoRef { image_type: ImageType::WB, width, height, channel_layout: "" }))
    };
    let none = part(5, "");
    let typed = part(8, "");
    for (fields, due) in [
        (vec![&width, &text], Some(InfoRef::Text("a/b"))),
        (vec![&text, &width], image(4, 0)),
        (vec![&width, &height], image(4, 5)),
        (vec![&width, &text, &height], image(0, 5)),
        (vec![&width, &height, &text, &width], image(4, 0)),
        (vec![&height, &text, &width, &none, &height, &height], image(0, 5)),
        // An empty one takes its place, too, and is empty.
        (vec![&text, &width, &none], Some(InfoRef::Text(""))),
        (vec![&text, &none], Some(InfoRef::Text("a/b"))),
        (vec![&text, &typed, &text, &width, &text], Some(InfoRef::Text("a/b"))),
    ] {
        // In one meta, and each in a meta of its own.
        let fields: Vec<Vec<u8>> = fields.into_iter().cloned().collect();
        let (one, many) = (part(6, fields.concat()), fields.iter().map(|field| part(6, field)).collect::<Vec<_>>());
        assert_eq!((meta(&one).info(), meta(&many.concat()).info()), (due, due), "{fields:02x?}");
    }
    // What is beside the choice is not touched by it.
    let beside = part(6, [part(7, number(1, 3)), text, part(7, number(2, 1)), width].concat());
    let wavelet = WaveletBufferInfo { abi_version: 3, wavelet_type: 1, ..WaveletBufferInfo::default() };
    assert_eq!(meta(&beside).wavelet_buffer(), Some(wavelet));
}

/// A member with another wire type is a field that is not known, and takes no place.
#[test]
fn what_is_unknown_takes_nothing_back() {
    let bytes = part(6, [part(5, part(1, "a/b")), number(3, 1), group(6, &[]), float(8, 1.0)].concat());
    // prost refuses such fields, so it is not asked.
    assert_eq!(PackageRef::decode(&bytes).unwrap().meta().unwrap().info(), Some(InfoRef::Text("a/b")));
}

#[test]
fn a_choice_in_a_message_in_pieces() {
    let (threshold, partial) = (|field, value| part(16, float(field, value)), |value| part(17, float(1, value)));
    let none = || part(15, "");
    for (fields, due) in [
        (vec![threshold(1, 1.0), threshold(2, 2.0)], Denoising::Threshold { a: 1.0, b: 2.0 }),
        (vec![threshold(1, 1.0), partial(0.5), threshold(2, 2.0)], Denoising::Threshold { a: 0.0, b: 2.0 }),
        (vec![threshold(1, 1.0), none()], Denoising::None),
        (vec![none(), partial(0.5), part(17, "")], Denoising::Partial(0.5)),
        (vec![partial(0.5), none(), part(17, "")], Denoising::Partial(0.0)),
    ] {
        let whole = part(6, part(7, fields.concat()));
        let pieces: Vec<u8> = fields.iter().flat_map(|field| part(6, part(7, field))).collect();
        for bytes in [whole, pieces] {
            assert_eq!(meta(&bytes).wavelet_buffer().unwrap().denoising, Some(due));
        }
    }
}

/// Names, and packages of an alignment, are those of all pieces, in their order.
#[test]
fn lists_in_pieces_are_one_list() {
    let name = |name: &str| part(1, part(1, name));
    let pieces = [part(6, part(8, [name("a"), name("b")].concat())), part(6, ""), part(6, part(8, name("c")))];
    let bytes_of_names = pieces.concat();
    let Some(InfoRef::Typed(names)) = meta(&bytes_of_names).info() else { panic!() };
    assert_eq!(names.iter().map(|name| name.name).collect::<Vec<_>>(), ["a", "b", "c"]);

    // The meta of the second is in pieces, too, of which one is of another kind.
    let text = |text: &str| part(2, part(5, part(1, text)));
    let second = [text("old"), part(2, part(3, "")), part(1, "t"), text("new"), part(2, number(1, 3))].concat();
    let pieces = [part(6, part(6, part(1, ""))), part(6, part(6, part(1, second)))].concat();
    let Some(InfoRef::Aligned(packages)) = meta(&pieces).info() else { panic!() };
    let found: Vec<_> = packages
        .iter()
        .map(|package| (package.topic, package.meta.map(|meta| (meta.data_type(), meta.info()))))
        .collect();
    assert_eq!(found, [("", None), ("t", Some((DataType::TEXT, Some(InfoRef::Text("new")))))]);
    // A list that was taken back begins anew.
    let again = [pieces, part(6, part(2, "")), part(6, part(6, part(1, part(1, "u"))))].concat();
    let Some(InfoRef::Aligned(packages)) = meta(&again).info() else { panic!() };
    assert_eq!(packages.iter().map(|package| package.topic).collect::<Vec<_>>(), ["u"]);
}

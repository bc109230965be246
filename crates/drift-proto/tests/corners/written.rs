//! What is made and written: bytes that other writers would write, a meta that cannot contradict itself, and errors that write nothing.

use drift_proto::{
    DataType, Denoising, DriftBytesWriter, EncodeError, ImageInfoRef, ImageType, Info, InfoRef, IntervalTrigger,
    Limits, Meta, NameRef, Package, PackageBuilder, PackageRef, StatusCode, TimeSeriesInfo, Timestamp, Trigger,
    TypedDataWriter, Values, WaveletBufferInfo,
};
use testkit::laws::{nothing_written, size};

use crate::proto::*;

const AT: Timestamp = Timestamp { seconds: 1, nanos: 2 };

fn written(builder: &PackageBuilder<'_>) -> Vec<u8> {
    let bytes = builder.encode_to_vec().unwrap();
    size(builder.encoded_len(), |out| builder.encode(out));
    bytes
}

#[test]
fn a_package_is_written_by_ascending_numbers() {
    let mut builder = PackageBuilder::new(5);
    builder.label("k", "").payload(b"data").label("", "v").payload(b"").message("a.B", b"x").message("a.C", b"");
    builder.trigger(Trigger { timestamp: Some(AT) }).trigger(Trigger { timestamp: None });
    builder.interval_trigger(IntervalTrigger { start: Some(Timestamp::default()), stop: Some(AT) });
    builder.status = StatusCode(-1);
    (builder.source_timestamp, builder.publish_timestamp) = (Some(AT), Some(Timestamp::default()));
    builder.meta = Some(Meta::new(Info::Text("")));
    let time = [number(1, 1), number(2, 2)].concat();
    let url = |name: &str| part(1, format!("type.googleapis.com/{name}"));
    let empty = |name: &str| part(5, url(name));
    let due = [
        number(1, 5),
        part(2, &time),
        part(3, ""),
        number(4, u64::MAX),
        any(PAYLOAD, &part(2, "data")),
        // What is empty is not written, and is not missed.
        empty(PAYLOAD),
        any("a.B", b"x"),
        empty("a.C"),
        any("drift.proto.trigger_service.TriggerMessage", &part(2, &time)),
        empty("drift.proto.trigger_service.TriggerMessage"),
        any("drift.proto.trigger_service.IntervalTriggerMessage", &[part(2, ""), part(3, &time)].concat()),
        part(6, [number(1, 3), part(5, "")].concat()),
        part(7, part(1, "k")),
        part(7, part(2, "v")),
    ];
    assert_eq!(written(&builder), due.concat());
    assert_eq!(written(&PackageBuilder::new(0)), b"");
    assert_eq!(written(&PackageBuilder::failed(7, StatusCode::BAD)), b"\x08\x07\x20\x80\x04");
    assert_eq!(Package::failed(7, StatusCode::BAD).unwrap().bytes(), &b"\x08\x07\x20\x80\x04"[..]);
}

#[test]
fn a_meta_is_of_the_kind_of_what_it_tells() {
    let named = vec![NameRef { name: "a", status: StatusCode(256) }, NameRef::default()];
    let names = [part(1, [part(1, "a"), number(2, 256)].concat()), part(1, "")].concat();
    let series =
        TimeSeriesInfo { start: Some(AT), size: 9, first: -0.0, last: 2.0, mean: f32::INFINITY, ..Default::default() };
    let image = ImageInfoRef { image_type: ImageType::JPEG, width: 3, height: 4, channel_layout: "G" };
    let wavelet = WaveletBufferInfo { wavelet_type: 5, denoising: Some(Denoising::None), ..Default::default() };
    // Minus zero is not written, as nobody does.
    let in_series =
        [part(1, [number(1, 1), number(2, 2)].concat()), number(3, 9), float(5, 2.0), float(8, f32::INFINITY)];
    let in_image = [number(1, 1), number(2, 3), number(3, 4), part(4, "G")].concat();
    let in_wavelet = part(7, [number(2, 5), part(15, "")].concat());
    let inner = Meta::new(Info::Text("a/b"));
    let text = [number(1, 3), part(5, part(1, "a/b"))].concat();
    let in_aligned = [part(1, [part(1, "t"), part(2, &text)].concat()), part(1, part(1, "u"))].concat();
    for (info, data_type, field, content) in [
        (Info::TimeSeries(series), DataType::TIME_SERIES, 2, in_series.concat()),
        (Info::Image(image), DataType::IMAGE, 3, in_image),
        (Info::Scalars(named.clone()), DataType::SCALAR_VALUES, 4, names.clone()),
        (Info::Text("a/b"), DataType::TEXT, 5, part(1, "a/b")),
        (Info::Aligned(vec![("t", Some(inner)), ("u", None)]), DataType::ALIGNED_PACKAGE, 6, in_aligned),
        (Info::Typed(named), DataType::TYPED_DATA, 8, names),
    ] {
        let mut builder = PackageBuilder::new(0);
        let kind = if data_type.0 == 0 { Vec::new() } else { number(1, data_type.0 as u64) };
        builder.meta = Some(Meta::new(info.clone()));
        assert_eq!(written(&builder), part(6, [&kind[..], &part(field, &content)].concat()));
        // How a wavelet buffer was made stands beside it, in the order of the numbers.
        builder.meta = Some(Meta::with_wavelet_buffer(info, wavelet));
        let (before, after) = if field < 7 { (part(field, &content), vec![]) } else { (vec![], part(field, &content)) };
        let package = written(&builder);
        assert_eq!(package, part(6, [&kind[..], &before, &in_wavelet, &after].concat()));
        let meta = PackageRef::decode(&package).unwrap().meta().unwrap();
        assert_eq!((meta.data_type(), meta.wavelet_buffer()), (data_type, Some(wavelet)));
        let told = match meta.info().unwrap() {
            InfoRef::TimeSeries(_) => DataType::TIME_SERIES,
            InfoRef::Image(_) => DataType::IMAGE,
            InfoRef::Scalars(_) => DataType::SCALAR_VALUES,
            InfoRef::Text(_) => DataType::TEXT,
            InfoRef::Aligned(_) => DataType::ALIGNED_PACKAGE,
            InfoRef::Typed(_) => DataType::TYPED_DATA,
            _ => panic!(),
        };
        assert_eq!(told, data_type);
    }
}

#[test]
fn denoising_is_written_even_if_it_is_nothing() {
    for (denoising, due) in [
        (Denoising::None, part(15, "")),
        (Denoising::Threshold { a: 0.0, b: 0.0 }, part(16, "")),
        (Denoising::Threshold { a: f32::NAN, b: 2.0 }, part(16, [float(1, f32::NAN), float(2, 2.0)].concat())),
        (Denoising::Partial(0.0), part(17, "")),
        (Denoising::Partial(1.0), part(17, float(1, 1.0))),
    ] {
        let wavelet = WaveletBufferInfo { denoising: Some(denoising), ..Default::default() };
        let mut builder = PackageBuilder::new(0);
        builder.meta = Some(Meta::with_wavelet_buffer(Info::Text(""), wavelet));
        assert_eq!(written(&builder), part(6, [number(1, 3), part(5, ""), part(7, due)].concat()));
    }
}

fn example() -> (PackageBuilder<'static>, u64) {
    let mut builder = PackageBuilder::new(5);
    builder.meta = Some(Meta::new(Info::Aligned(vec![("t", Some(Meta::new(Info::Text("a/b"))))])));
    builder.label("k", "v");
    let len = builder.encoded_len() as u64;
    (builder, len)
}

#[test]
fn a_package_over_a_limit_is_not_written() {
    let (builder, len) = example();
    let max = len as u32;
    let fits = Limits::DEFAULT.with_max_len(max);
    size(len as usize, |out| builder.encode_with(out, &fits));
    let error = nothing_written(|out| builder.encode_with(out, &fits.with_max_len(max - 1)));
    assert_eq!(error, EncodeError::TooLong { len, max: max - 1 });
    assert_eq!(error.to_string(), format!("{len} bytes exceed max_len {}", max - 1));
    // A meta, its alignment, a package of that, its meta, and the text.
    for max in 0..=8 {
        let limits = Limits::DEFAULT.with_max_depth(max);
        if max >= 5 {
            size(len as usize, |out| builder.encode_with(out, &limits));
            continue;
        }
        let error = nothing_written(|out| builder.encode_with(out, &limits));
        assert_eq!(error, EncodeError::TooDeep { max });
        // What is not written would not be read.
        assert!(PackageRef::decode_with(&builder.encode_to_vec().unwrap(), &limits).is_err());
    }
    assert_eq!(EncodeError::TooDeep { max: 4 }.to_string(), "messages in one another exceed max_depth 4");
}

#[test]
fn a_package_without_room_is_not_written() {
    let (builder, len) = example();
    let due = builder.encode_to_vec().unwrap();
    for room in 0..=due.len() {
        let mut buffer = vec![0xee; due.len()];
        let (mut out, _) = buffer.split_at_mut(room);
        let found = builder.encode(&mut out);
        if room == due.len() {
            assert_eq!((found, out.len()), (Ok(()), 0));
            assert_eq!(buffer, due);
        } else {
            assert_eq!((found, out.len()), (Err(EncodeError::NoRoom { len, room: room as u64 }), room));
            assert_eq!(buffer, vec![0xee; due.len()]);
        }
    }
    assert_eq!(EncodeError::NoRoom { len: 9, room: 8 }.to_string(), "package of 9 bytes in a buffer for 8");
}

#[test]
fn depth_is_of_messages_and_not_of_texts() {
    let mut builder = PackageBuilder::new(0);
    builder.message("a.B", b"x");
    let bytes = builder.encode_to_vec().unwrap();
    let one = Limits::DEFAULT.with_max_depth(1);
    assert_eq!(PackageRef::decode_with(&bytes, &one).unwrap().data().count(), 1);
    assert_eq!(builder.encode_with(&mut Vec::new(), &one), Ok(()));
}

/// What was read, in what is made: written under a limit if and only if it would be read under it.
#[test]
fn a_meta_that_was_read_counts_with_all_that_is_in_it() {
    for (depth, inner) in [(1, vec![]), (2, vec![]), (7, groups(1)), (10, groups(5)), (31, part(99, "x")), (90, vec![])]
    {
        let read = aligned(depth, &inner);
        let meta = PackageRef::decode_with(&read, &Limits::DEFAULT.with_max_depth(100)).unwrap().meta().unwrap();
        let mut builder = PackageBuilder::new(0);
        builder.meta = Some(Meta::new(Info::Aligned(vec![("t", None), ("u", Some(Meta::from(meta)))])));
        let bytes = builder.encode_to_vec_with(&Limits::DEFAULT.with_max_depth(100)).unwrap();
        // Three messages around it.
        let groups = if inner.starts_with(&tag(10, 3)) { inner.len() / 2 } else { 0 };
        let due = (3 + depth + groups) as u8;
        for max in [due - 1, due] {
            let limits = Limits::DEFAULT.with_max_depth(max);
            assert_eq!(PackageRef::decode_with(&bytes, &limits).is_ok(), max == due, "{depth}");
            let written = builder.encode_to_vec_with(&limits);
            assert_eq!(written, if max == due { Ok(bytes.clone()) } else { Err(EncodeError::TooDeep { max }) });
            assert_eq!(builder.build_with(&limits).is_ok(), max == due);
        }
    }
}

#[test]
fn an_item_that_is_wrong_is_not_written() {
    let limits = Limits::DEFAULT.with_max_rank(2).with_max_len(40);
    // Two bytes of header and an item of 18.
    let start = [vec![1, 0], item(5, &[1], &[7, 0, 0, 0])].concat();
    for (shape, values, due) in [
        (&[2][..], Values::I32(&[1]), EncodeError::Shape { values: 1, due: 2 }),
        (&[2, 2], Values::I32(&[1, 2, 3]), EncodeError::Shape { values: 3, due: 4 }),
        (&[], Values::None, EncodeError::Shape { values: 0, due: 1 }),
        (&[1], Values::Texts(&[]), EncodeError::Shape { values: 0, due: 1 }),
        (&[0], Values::Bool(&[true]), EncodeError::Shape { values: 1, due: 0 }),
        (&[1, 1, 1], Values::I8(&[1]), EncodeError::TooManyAxes { rank: 3, max: 2 }),
        (&[0, 5, 1], Values::None, EncodeError::TooManyAxes { rank: 3, max: 2 }),
        // 14 bytes in front of the values.
        (&[7], Values::U8(&[0; 7]), EncodeError::TooLong { len: 41, max: 40 }),
        (&[1], Values::Texts(&[""]), EncodeError::TooLong { len: 42, max: 40 }),
    ] {
        let mut writer = DriftBytesWriter::with_limits(&limits);
        writer.value(Values::I32(&[7])).unwrap();
        assert_eq!(writer.item(shape, values).err(), Some(due), "{shape:?}");
        assert_eq!(writer.clone().finish(), start, "nothing is added");
        let mut typed = TypedDataWriter::with_limits(&limits);
        typed.value("a", StatusCode::GOOD, Values::I32(&[7])).unwrap();
        assert_eq!(typed.item("b", StatusCode::GOOD, shape, values).err(), Some(due));
        let Info::Typed(names) = typed.clone().finish().0 else { panic!() };
        assert_eq!((names.len(), typed.finish().1), (1, start.clone()), "nor a name");
        // It goes on.
        assert!(writer.item(&[6], Values::U8(&[0; 6])).is_ok());
    }
    assert_eq!(EncodeError::Shape { values: 3, due: 4 }.to_string(), "3 values in a shape of 4");
    assert_eq!(EncodeError::TooManyAxes { rank: 3, max: 2 }.to_string(), "3 axes exceed max_rank 2");
}

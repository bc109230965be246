use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::{DTypeRef, ValueRef};
use karabo_bridge::{
    ArrayPart, DecodeError, DecodeErrorKind, EncodeError, ImageRef, Indexed, Item, Limit, Limits, Message, MessageRef,
    Part, PartError, Property, SourceRef, Train, TrainIndex, TrainRef, TrainWriter, Version,
};

use super::oracle::{self, Seen};
use super::{message, told};

type Items<'a> = Vec<Result<Item<'a>, PartError<'a>>>;

/// A message is what another reader takes it for, the same whichever way it is asked, and the same when it was written again.
pub fn train(data: &[u8]) {
    let Some((limits, parts)) = message(data) else { return };
    let shared: Vec<Bytes> = parts.iter().map(|part| Bytes::copy_from_slice(part)).collect();
    let owned = Message::decode_with(shared.clone(), &limits);
    let train = match MessageRef::decode_with(&parts, &limits) {
        Err(error) => {
            assert_eq!(owned, Err(error));
            assert_eq!(TrainRef::decode_with(&parts, &limits).err(), Some(error));
            told(error, &parts);
            return lost(error.kind(), error.limit(), &parts, &limits);
        }
        Ok(MessageRef::Error(text)) => {
            assert!(parts.len() == 1 && text == parts[0] && text.starts_with(b"Error:"));
            assert_eq!(owned, Ok(Message::Error(shared[0].clone())));
            return;
        }
        Ok(MessageRef::Train(train)) => train,
        Ok(message) => panic!("{message:?}"),
    };
    assert!(parts.len() as u64 <= limits.max_parts.into());
    let items: Items<'_> = train.items().collect();
    if let [part] = &parts[..] {
        single(&items, part, &limits);
    } else {
        pairs(&items, &parts, &limits);
    }
    of_all(train, &items);

    let Ok(Message::Train(owned)) = owned else { panic!("{owned:?}") };
    same_owned(&owned, train, &items);
    let mut index = TrainIndex::new();
    let indexed = index.build(train);
    for source in indexed.sources() {
        images(&indexed, source);
    }
    for version in [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_2] {
        again(&indexed, version);
    }
}

/// Of a message that is refused as a whole.
fn lost(kind: DecodeErrorKind, limit: Option<Limit>, parts: &[Vec<u8>], limits: &Limits) {
    match (kind, parts) {
        (DecodeErrorKind::NoParts, parts) => assert!(parts.is_empty()),
        (DecodeErrorKind::LimitExceeded, [part]) => match limit {
            Some(Limit::MaxParts) => {
                let sources = oracle::single(part).map_or(usize::MAX, |sources| sources.len());
                assert!(sources as u64 > limits.max_parts.into());
            }
            limit => assert_eq!(limit, Some(Limit::MaxDepth)),
        },
        (DecodeErrorKind::LimitExceeded, parts) => assert!(parts.len() as u64 > limits.max_parts.into()),
        (_, [part]) => {
            let is_known = kind == DecodeErrorKind::InvalidTag || oracle::may_be_tagged(part);
            assert!(is_known || oracle::single(part).is_none(), "{kind}");
        }
        (kind, parts) => panic!("{kind} of {} parts", parts.len()),
    }
}

/// Version 1.0.
fn single(items: &Items<'_>, part: &[u8], limits: &Limits) {
    let Some(seen) = oracle::single(part) else { panic!("{items:?} of what is no train") };
    assert_eq!(items.len(), seen.len());
    assert!(items.len() as u64 <= limits.max_parts.into());
    for (item, seen) in items.iter().zip(seen) {
        match (item, seen) {
            (Ok(Item::Source(source)), Some(seen)) => same_source(*source, &seen, oracle::may_be_tagged(part)),
            (Err(error), None) => told(error.error, &[part.to_vec()]),
            (Err(error), Some(_)) => {
                assert!(oracle::may_be_tagged(part), "{error:?}");
                assert_eq!(error.error.kind(), DecodeErrorKind::UnexpectedType);
            }
            (item, seen) => panic!("{item:?} is {seen:?}"),
        }
    }
}

/// Versions 2.x.
fn pairs(items: &Items<'_>, parts: &[Vec<u8>], limits: &Limits) {
    assert_eq!(items.len(), parts.len().div_ceil(2));
    let mut begun = false;
    for (index, (item, pair)) in items.iter().zip(parts.chunks(2)).enumerate() {
        let part = index * 2;
        let [header, data] = pair else {
            let Err(PartError { error, .. }) = item else { panic!("{item:?}") };
            assert_eq!((error.kind(), error.part(), error.offset()), (DecodeErrorKind::OddParts, part, 0));
            continue;
        };
        let alone = Item::decode_with(part as u32, header, data, limits);
        if let (Err(PartError { error, .. }), Ok(Item::Array(array))) = (item, alone)
            && error.kind() == DecodeErrorKind::UnknownSource
        {
            assert!(!begun);
            assert_eq!((error.part(), error.what()), (part, "source"));
            let at = error.offset() as usize;
            assert_eq!(&header[at..at + array.source().len()], array.source().as_bytes());
            continue;
        }
        assert_eq!(*item, alone);
        let is_header = |error: &DecodeError| error.part() == part && error.what() != "metadata";
        // Of a source whose header can be read only its properties are lost.
        if oracle::introduced(header).is_some() && !alone.is_err_and(|error| is_header(&error.error)) {
            begun = true;
        }
        let is_tagged = oracle::may_be_tagged(header) || oracle::may_be_tagged(data);
        match (item, oracle::pair(header, data, limits)) {
            (Ok(Item::Source(source)), Some(Seen::Source(seen))) => {
                assert!(begun);
                assert_eq!(source.part(), part);
                same_source(*source, &seen, is_tagged);
            }
            (Ok(Item::Array(array)), Some(Seen::Array { source, path, dtype, shape, has_params })) => {
                assert!(begun);
                assert_eq!((array.source(), array.path(), array.dtype().as_str()), (&*source, &*path, &*dtype));
                assert!(array.shape().iter().eq(shape));
                assert_eq!((array.part(), array.params().is_some()), (part, has_params));
                assert!(std::ptr::eq(array.data(), &data[..]));
                same_array(*array);
            }
            (Ok(Item::Other(other)), Some(Seen::Other { source, path, content })) => {
                assert_eq!((other.source(), other.path(), other.part()), (&*source, path.as_deref(), part));
                assert_eq!(
                    (other.content().as_str(), other.header(), other.data()),
                    (&*content, &header[..], &data[..])
                );
            }
            (Err(PartError { source_name, path, error }), seen) => {
                told(*error, parts);
                assert!(error.part() == part || error.part() == part + 1);
                for name in [*source_name, *path].into_iter().flatten() {
                    assert!(header.as_ptr_range().contains(&name.as_ptr()) || name.is_empty());
                }
                match (error.kind(), seen) {
                    (_, None) => {}
                    // The other reader takes c1 for nil, and looks at neither depth nor bytes.
                    (DecodeErrorKind::InvalidTag, Some(_)) => {
                        assert_eq!(parts[error.part()][error.offset() as usize], 0xc1);
                    }
                    (DecodeErrorKind::LimitExceeded, Some(_)) => assert_ne!(error.limit(), Some(Limit::MaxParts)),
                    (
                        DecodeErrorKind::InvalidLength | DecodeErrorKind::InvalidShape | DecodeErrorKind::ZeroItemSize,
                        Some(Seen::Array { shape, .. }),
                    ) => fits_nothing(error.kind(), &shape),
                    (DecodeErrorKind::UnexpectedType, Some(_)) => assert!(is_tagged, "{error}"),
                    (kind, Some(seen)) => panic!("{kind} of {seen:?}"),
                }
            }
            (item, seen) => panic!("{item:?} is {seen:?}"),
        }
    }
}

/// That axes have a product or not is plain arithmetic.
fn fits_nothing(kind: DecodeErrorKind, shape: &[u64]) {
    let product = if shape.contains(&0) {
        Some(0)
    } else {
        shape.iter().try_fold(1_u128, |product, axis| product.checked_mul((*axis).into()))
    };
    match kind {
        // Items may have several bytes.
        DecodeErrorKind::InvalidShape => assert!(product.is_none_or(|product| product > u128::from(u64::MAX >> 24))),
        _ => assert!(product.is_some_and(|product| product <= u64::MAX.into())),
    }
}

fn same_array(array: ArrayPart<'_>) {
    let text = array.dtype();
    assert_eq!(text.parse().is_some(), array.to_array().is_some());
    assert_eq!(text.as_plain().is_some(), array.as_array().is_some());
    let Some(whole) = array.to_array() else { return };
    assert!(whole.data() == array.data() && array.shape().iter().eq(whole.shape().iter().copied()));
    // An axis of nothing is one, however long the others are.
    let items = if whole.shape().contains(&0) { 0 } else { whole.shape().iter().product::<u64>() };
    assert_eq!(Some(array.data().len() as u64), whole.dtype().itemsize().map(|size| size * items));
    if let Some(plain) = array.as_array() {
        assert_eq!(plain, whole.as_ref());
    }
}

fn same_source(source: SourceRef<'_>, seen: &oracle::Source, is_tagged: bool) {
    assert_eq!(source.name(), seen.name);
    let properties: Vec<_> = source.properties().collect();
    for (path, value) in &properties {
        let first = properties.iter().find(|(other, _)| other == path).map(|(_, value)| format!("{value:?}"));
        assert_eq!(source.get(path).map(|value| format!("{value:?}")), first);
        let _ = value.encode_to_vec();
    }
    if is_tagged {
        return;
    }
    assert_eq!(source.version(), seen.version);
    assert!(properties.iter().map(|(path, _)| *path).eq(seen.properties.iter()));
    let metadata = source.metadata();
    assert!(metadata.entries().map(|(name, _)| name).eq(seen.metadata.iter()));
    assert_eq!(metadata.tid(), seen.tid);
    let [right, left] = seen.times;
    let may_be_left = metadata.timestamp().is_some() && metadata.time() == left;
    assert!(metadata.time() == right || may_be_left, "{:?} is {:?}", metadata.time(), seen.times);
    assert!(source.ignored_keys().eq(seen.ignored.iter()));
    let first = metadata.entries().find(|(name, _)| *name == "source").map(|(_, value)| value);
    assert_eq!(metadata.source(), first.and_then(|value| value.as_str()));
    let first = metadata.entries().find(|(name, _)| *name == "timestamp").map(|(_, value)| value);
    let seconds = |value: ValueRef<'_>| value.as_f64().or_else(|| value.as_i64().map(|seconds| seconds as f64));
    assert_eq!(metadata.timestamp().map(f64::to_bits), first.and_then(seconds).map(f64::to_bits));
}

/// What is told of the train as a whole.
fn of_all(train: TrainRef<'_, Vec<u8>>, items: &Items<'_>) {
    let sources = || {
        items.iter().filter_map(|item| match item {
            Ok(Item::Source(source)) => Some(*source),
            _ => None,
        })
    };
    let tids: Vec<_> = sources().filter_map(|source| source.metadata().tid()).filter(|tid| *tid != 0).collect();
    assert_eq!(train.tid(), tids.first().copied());
    assert_eq!(train.is_mixed(), tids.iter().any(|tid| *tid != tids[0]));
    let version = if train.parts().len() == 1 { Some(Version::V1_0) } else { sources().find_map(SourceRef::version) };
    assert_eq!(train.version(), version);
}

/// A train that owns its parts, made in either way.
fn same_owned(owned: &Train, train: TrainRef<'_, Vec<u8>>, items: &Items<'_>) {
    assert_eq!(*owned, train.into_owned());
    let again: Items<'_> = owned.as_ref().items().collect();
    assert_eq!(again.len(), items.len());
    for (again, item) in again.iter().zip(items) {
        assert_eq!(again, item);
    }
    let mut index = TrainIndex::new();
    let indexed = index.build(train);
    assert!(owned.indexed().errors().eq(indexed.errors()));
    for source in indexed.sources() {
        for (path, _) in source.properties() {
            same_property(owned, &indexed, source.name(), path);
        }
        for array in indexed.arrays(source.name()) {
            same_property(owned, &indexed, source.name(), array.path());
        }
    }
    assert_eq!(owned.clone().into_parts(), train.parts());
}

fn same_property(owned: &Train, indexed: &Indexed<'_, '_, Vec<u8>>, source: &str, path: &str) {
    let property = indexed.get(source, path);
    assert_eq!(format!("{:?}", owned.get(source, path)), format!("{property:?}"));
    match (owned.array(source, path), property.expect("it is there")) {
        (Some(shared), Property::Array(array)) => assert_eq!(shared, array.to_array().expect("it is the same")),
        (Some(shared), Property::Value(value)) => {
            let array = value.as_array().expect("it is the same");
            assert_eq!(shared, array.into_owned());
            let is_shared = owned.parts().iter().any(|part| {
                let (inner, outer) = (shared.data().as_ptr_range(), part.as_ptr_range());
                outer.start <= inner.start && inner.end <= outer.end
            });
            assert!(is_shared || shared.data().is_empty(), "bytes were copied");
        }
        (None, Property::Array(array)) => assert!(array.to_array().is_none()),
        (None, Property::Value(value)) => assert!(value.as_array().is_none()),
        (_, property) => panic!("{property:?}"),
    }
}

/// Images are what properties of these names say (SPEC.md §5).
fn images(indexed: &Indexed<'_, '_, Vec<u8>>, source: SourceRef<'_>) {
    for path in ["image", "", "a"] {
        let image = indexed.image(source.name(), path);
        if let Some(Property::Array(array)) = indexed.get(source.name(), path)
            && array.params().is_some()
        {
            assert_eq!(format!("{image:?}"), format!("{:?}", Some(array.image())));
            all_of(&array.image());
            assert_eq!(array.image().pixels(), array.as_array());
            continue;
        }
        let mut told = Vec::new();
        let below = |key: &str| {
            let rest = key.strip_prefix(path)?;
            if rest.is_empty() { Some(String::new()) } else { Some(rest.strip_prefix('.')?.to_ascii_lowercase()) }
        };
        for (key, property) in indexed.properties(source.name()) {
            let array = property.as_array().map(ValueRef::Array);
            let Some(value) = property.as_value().or(array) else { continue };
            told.extend(below(key).map(|name| (name, value)));
        }
        let Some(image) = image else {
            let fields = ["encoding", "bitsperpixel", "bitsperpixels", "geometry.tileid", "dims", "dimensions"];
            assert!(!told.iter().any(|(name, _)| fields.contains(&&**name)), "{told:?}");
            continue;
        };
        all_of(&image);
        let first = |names: &[&str]| told.iter().find(|(name, _)| names.contains(&&**name)).map(|(_, value)| *value);
        assert_eq!(image.encoding(), first(&["encoding"]).and_then(|value| value.as_str()));
        assert_eq!(image.encoding_number(), first(&["encoding"]).and_then(|value| value.as_i64()));
        let bits = first(&["bitsperpixel", "bitsperpixels"]).and_then(|value| value.as_u64());
        assert_eq!(image.bits_per_pixel(), bits);
        assert_eq!(image.tile_id(), first(&["geometry.tileid"]).and_then(|value| value.as_i64()));
        if let Some(ValueRef::List(list)) = first(&["roioffsets"]) {
            let integers: Vec<_> = list.iter().map(|item| item.as_i64()).collect();
            if let Some(found) = image.roi_offsets() {
                assert!(found.integers().eq(integers));
            } else {
                assert!(list.iter().any(|item| item.as_i64().is_none()), "{list:?}");
            }
        }
        // Those with fields are none.
        let plain = |value: &ValueRef<'_>| value.as_array().is_some_and(|array| array.dtype().as_plain().is_some());
        let pixels = ["data", "pixels", ""].iter().find_map(|place| {
            told.iter().find(|(name, value)| name == place && plain(value)).and_then(|(_, value)| value.as_array())
        });
        assert_eq!(image.pixels(), pixels);
    }
}

/// Nothing of it panics.
fn all_of(image: &ImageRef<'_>) {
    let lists = [
        image.dimensions(),
        image.dimension_types(),
        image.roi_offsets(),
        image.binning(),
        image.alignment_offsets(),
        image.alignment_rotations(),
        image.pixel_region(),
    ];
    for numbers in lists.into_iter().flatten() {
        assert_eq!(numbers.integers().count(), numbers.floats().count());
        assert_eq!(numbers.len(), numbers.floats().count());
    }
    let _ = (image.dimension_scales(), image.header(), image.rotation(), image.flip_x(), image.flip_y());
    let _ = image.sub_assemblies();
}

/// A train in words: sources, metadata and properties by name.
#[derive(Debug, PartialEq)]
struct Content(Vec<(String, Entries, Entries)>);

type Entries = Vec<(String, String)>;

impl Content {
    fn of(indexed: &Indexed<'_, '_, impl AsRef<[u8]>>, target: Version) -> Self {
        let of = |source: SourceRef<'_>| {
            let metadata = source.metadata().entries().map(|(name, value)| (name.to_owned(), plain(value, target)));
            let properties = indexed.properties(source.name()).map(|(path, property)| {
                let array = |dtype: String, shape: &[u64], data: &[u8]| format!("array {dtype} {shape:?} {data:x?}");
                let described = match property {
                    Property::Array(part) => {
                        let params = part.params().filter(|_| target != Version::V1_0);
                        let params = params.map(|params| encoded(ValueRef::Map(params))).unwrap_or_default();
                        let shape: Vec<_> = part.shape().iter().collect();
                        match part.to_array() {
                            Some(whole) => array(whole.dtype().as_ref().to_string(), &shape, whole.data()) + &params,
                            None => array(part.dtype().to_string(), &shape, part.data()) + &params,
                        }
                    }
                    Property::Value(ValueRef::Array(inside)) => {
                        let dtype = match inside.dtype() {
                            DTypeRef::Opaque(opaque) => opaque.as_str().unwrap_or("none").to_owned(),
                            dtype => dtype.to_string(),
                        };
                        array(dtype, &inside.shape().iter().collect::<Vec<_>>(), inside.data())
                    }
                    Property::Value(value) => plain(value, target),
                    property => panic!("{property:?}"),
                };
                (path.to_owned(), described)
            });
            let properties = properties.collect();
            let mut metadata: Vec<_> = metadata.collect();
            metadata.sort();
            (source.name().to_owned(), metadata, properties)
        };
        Self(indexed.sources().map(of).collect())
    }
}

/// A value; numbers of numpy are plain ones in versions 2.x.
fn plain(value: ValueRef<'_>, target: Version) -> String {
    match value {
        ValueRef::Scalar(_) | ValueRef::Bool(_) | ValueRef::Int(_) | ValueRef::UInt(_) | ValueRef::F64(_)
            if target != Version::V1_0 =>
        {
            let bits = value.as_f64().map(f64::to_bits);
            format!("{:?} {:?} {:?} {bits:?}", value.as_bool(), value.as_i64(), value.as_u64())
        }
        value => encoded(value),
    }
}

/// Whether there is no telling here what a scalar becomes: of numbers it is itself, of spans of time it depends on the unit.
fn is_special(value: ValueRef<'_>) -> bool {
    let is_number = || {
        value.as_bool().is_some() || value.as_f64().is_some() || value.as_i64().is_some() || value.as_u64().is_some()
    };
    matches!(value, ValueRef::Scalar(_)) && !is_number()
}

fn encoded(value: ValueRef<'_>) -> String {
    format!("{:x?}", value.encode_to_vec().expect("what was read can be written"))
}

/// Written in any version, a train is the same train.
fn again(indexed: &Indexed<'_, '_, Vec<u8>>, version: Version) {
    let is_single = version == Version::V1_0;
    let sources: Vec<_> = indexed.sources().collect();
    let mut writer = TrainWriter::new(version);
    let (mut twice, mut special, mut is_covered, mut has_no_place) = (false, false, false, false);
    // As the names of a map in a map they may make it an array.
    let mut is_reserved = false;
    for source in &sources {
        writer.source(source.name());
        let mut names = Vec::new();
        for (name, value) in source.metadata().entries() {
            writer.metadata(name, value).expect("a source was begun");
            twice |= names.contains(&name);
            special |= is_special(value);
            is_reserved |= matches!(name, "nd" | "complex");
            names.push(name);
        }
        for (path, property) in indexed.properties(source.name()) {
            // What is called as metadata is would be taken for it.
            let is_map = matches!(property, Property::Value(ValueRef::Map(_) | ValueRef::Faulty(..)));
            is_covered |= match version {
                Version::V2_1 => path.starts_with("metadata.") || path == "metadata" && is_map,
                Version::V2_2 => false,
                _ => path == "metadata",
            };
            match property {
                Property::Array(array) => {
                    has_no_place |= is_single && (array.to_array().is_none() || array.params().is_some());
                    writer.item(Item::Array(array)).expect("its source was begun");
                }
                Property::Value(value) => {
                    writer.value(path, value).expect("a source was begun");
                    match value {
                        ValueRef::Scalar(_) => special |= is_special(value),
                        ValueRef::Array(array) => {
                            has_no_place |= matches!(array.dtype(), DTypeRef::Opaque(_)) && !is_single;
                        }
                        _ => {}
                    }
                }
                property => panic!("{property:?}"),
            }
        }
    }
    special &= !is_single;
    let parts = match writer.finish() {
        Ok(parts) => parts,
        Err(EncodeError::NoSources) => return assert!(sources.is_empty() && !is_single),
        Err(EncodeError::DuplicatePath { .. }) => return assert!(twice),
        Err(EncodeError::Reserved { .. }) => return assert!(is_covered),
        Err(EncodeError::Scalar { .. }) => return assert!(special),
        Err(EncodeError::Unsupported { .. }) => return assert!(has_no_place),
        // One map deeper than it was.
        Err(EncodeError::Value { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    assert!(!twice && !is_covered);
    for (index, part) in parts.iter().enumerate() {
        let is_array = !is_single && matches!(part, Part::Borrowed(_) | Part::Shared(_));
        assert!(!is_array || index % 2 == 1);
    }
    if is_reserved || special {
        return;
    }
    let MessageRef::Train(train) = MessageRef::decode(&parts).expect("what we write we read") else { panic!() };
    let mut index = TrainIndex::new();
    let rebuilt = index.build(train);
    assert_eq!(rebuilt.errors().next(), None);
    assert_eq!(Content::of(&rebuilt, version), Content::of(indexed, version));
    for source in rebuilt.sources() {
        let told = source.metadata().entries().next().is_some() || version != Version::V2_1;
        assert_eq!(source.version(), told.then_some(version));
    }
}

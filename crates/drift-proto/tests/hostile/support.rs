//! Reading all that there is, in every public way.

use std::fmt::{self, Write as _};
use std::hint::black_box;

use drift_proto::{
    AlignedPackageRef, AnyRef, DataPayloadRef, DecodeError, DecodeErrorKind, DriftBytesReader, DriftBytesRef, Element,
    InfoRef, IntervalTrigger, ItemRef, Limit, Limits, MetaRef, PackageRef, Trigger,
};

/// Formats into nothing.
pub(crate) struct Nowhere;

impl fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}

/// What an error is, and which limit.
pub(crate) fn kind(error: DecodeError) -> (DecodeErrorKind, Option<Limit>) {
    (error.kind(), error.limit())
}

pub(crate) const fn too_much(limit: Limit) -> (DecodeErrorKind, Option<Limit>) {
    (DecodeErrorKind::LimitExceeded, Some(limit))
}

/// Looks at all of a package, allocates nothing, and says how many things there are in it.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<usize, DecodeError> {
    let package = PackageRef::decode_with(bytes, limits)?;
    write!(Nowhere, "{package:?} {:?} {:?}", package.source_timestamp(), package.publish_timestamp()).unwrap();
    write!(Nowhere, "{:?} {:?}", package.status().class(), package.payload()).unwrap();
    let labels = package.labels().inspect(|label| write!(Nowhere, "{label:?}").unwrap()).count();
    let unknown = package.unknown_fields().inspect(|field| assert!(field.len() >= 2)).count();
    let data = package.data().map(|any| read_any(any, limits)).sum::<usize>();
    let payloads = package.payloads().filter_map(Result::ok).map(|payload| payload.shape().count()).sum::<usize>();
    let metas = package.meta().map_or(0, read_meta);
    let typed = package.typed_data_with(limits).ok().flatten().map_or(0, |typed| {
        write!(Nowhere, "{typed:?}").unwrap();
        let _ = black_box(typed.get("a"));
        typed.iter().filter_map(|item| item.values).map(read_item).sum()
    });
    Ok(labels + unknown + data + payloads + metas + typed)
}

fn read_any(any: AnyRef<'_>, limits: &Limits) -> usize {
    write!(Nowhere, "{any:?} {:?}", any.name()).unwrap();
    if let Ok(Some(payload)) = any.unpack_with::<DataPayloadRef<'_>>(limits) {
        write!(Nowhere, "{payload:?} {}", payload.shape().count()).unwrap();
    }
    let _ = black_box((any.unpack_with::<Trigger>(limits), any.unpack_with::<IntervalTrigger>(limits)));
    if let Ok(Some(aligned)) = any.unpack_with::<AlignedPackageRef<'_>>(limits) {
        write!(Nowhere, "{aligned:?} {}", aligned.payloads().count()).unwrap();
    }
    let _ = black_box(any.unpack_with::<PackageRef<'_>>(limits));
    1
}

/// How many metas are in one another, the first of each taken.
pub(crate) fn read_meta(meta: MetaRef<'_>) -> usize {
    write!(Nowhere, "{meta:?} {:?}", meta.payload_kind()).unwrap();
    let same = meta;
    let _ = black_box(meta == same);
    let (mut next, mut count) = (Some(meta), 0);
    while let Some(meta) = next {
        count += 1;
        next = match meta.info() {
            Some(InfoRef::Aligned(packages)) => packages.iter().next().and_then(|package| package.meta),
            Some(InfoRef::Scalars(names) | InfoRef::Typed(names)) => {
                count += names.iter().filter(|name| !name.name.is_empty()).count();
                None
            }
            _ => None,
        };
    }
    count
}

pub(crate) fn read_typed(bytes: &[u8], limits: &Limits) -> Result<usize, DecodeError> {
    let reader = DriftBytesReader::with_limits(bytes, limits);
    let all = DriftBytesRef::decode_with(bytes, limits);
    if let Ok(reader) = reader {
        let most = bytes.len() / 10;
        let mut again = reader.clone();
        assert!(again.by_ref().count() <= most + 1, "items are of ten bytes or more");
        assert!(again.next().is_none() && again.next().is_none());
        let first = reader.filter_map(Result::ok).map(read_item).sum::<usize>();
        if let Ok(all) = all {
            write!(Nowhere, "{all:?}").unwrap();
            assert_eq!(all.items().map(read_item).sum::<usize>(), first);
        }
    }
    all.map(|all| all.items().count())
}

fn read_item(item: ItemRef<'_>) -> usize {
    fn values<T: Element>(item: ItemRef<'_>) -> usize {
        let _ = black_box(item.value::<T>());
        item.values::<T>().map_or(0, |values| {
            assert_eq!((values.len(), item.item_type()), (item.len(), T::ITEM_TYPE));
            values.map(black_box).count()
        })
    }
    write!(Nowhere, "{item:?} {:?} {:?}", item.shape(), item.text()).unwrap();
    let texts = item.texts().map_or(0, Iterator::count);
    let small = values::<bool>(item) + values::<i8>(item) + values::<u8>(item) + values::<i16>(item);
    let middle = values::<u16>(item) + values::<i32>(item) + values::<u32>(item) + values::<f32>(item);
    let count = texts + small + middle + values::<i64>(item) + values::<u64>(item) + values::<f64>(item);
    assert_eq!((count, item.is_empty()), (item.len(), count == 0));
    count
}

use alloc::vec::Vec;
use core::fmt;

use msgpack_numpy_codec::ValueRef;

use crate::array::ArrayPart;
use crate::error::{DecodeError, DecodeErrorKind, What};
use crate::source::SourceRef;
use crate::train::{Item, TrainRef};

/// The room for an [`Indexed`] train: kept from one to the next, so that once it has grown to the largest nothing is allocated.
///
/// ```
/// use karabo_bridge::{MessageRef, Property, TrainIndex};
///
/// let parts = [
///     &b"\x83\xa6source\xa1S\xa7content\xa7msgpack\xa8metadata\x80"[..],
///     b"\x81\xa1a\x07",
///     b"\x85\xa6source\xa1S\xa7content\xa5array\xa4path\xaaimage.data\xa5dtype\xa6uint16\xa5shape\x91\x02",
///     b"\x01\x00\x02\x00",
/// ];
/// let MessageRef::Train(train) = MessageRef::decode(&parts)? else { panic!() };
/// let mut index = TrainIndex::new();
/// let indexed = index.build(train);
/// assert!(indexed.errors().is_empty());
/// let Some(Property::Array(image)) = indexed.get("S", "image.data") else { panic!() };
/// assert_eq!(image.as_array().unwrap().to_vec::<u16>().unwrap(), [1, 2]);
/// # Ok::<(), karabo_bridge::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TrainIndex {
    sources: Vec<Entry>,
    arrays: Vec<Entry>,
    errors: Vec<DecodeError>,
}

/// Where something is, and where its names are.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Its header; 0 in version 1.0.
    part: u32,
    /// Where its name begins in the only part of version 1.0.
    at: u64,
    source: Span,
    /// Of an array.
    path: Span,
}

/// A text in a header, or in the only part.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u64,
    len: u32,
}

impl Span {
    /// Where a text of a part is in it.
    fn of(text: &str, part: &[u8]) -> Self {
        let start = (text.as_ptr() as usize).wrapping_sub(part.as_ptr() as usize);
        Self { start: start as u64, len: u32::try_from(text.len()).unwrap_or(u32::MAX) }
    }
}

impl TrainIndex {
    /// An index without room yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sources: Vec::new(), arrays: Vec::new(), errors: Vec::new() }
    }

    /// Looks at all of a train once, and sorts what is in it by name: O(n log n) for n parts and properties.
    pub fn build<'i, 'a, P: AsRef<[u8]>>(&'i mut self, train: TrainRef<'a, P>) -> Indexed<'i, 'a, P> {
        self.sources.clear();
        self.arrays.clear();
        self.errors.clear();
        let mut items = train.items();
        loop {
            let (part, at) = items.position();
            let bytes = train.part(part);
            match items.next() {
                None => break,
                Some(Ok(Item::Source(source))) => {
                    self.sources.push(Entry {
                        part,
                        at,
                        source: Span::of(source.name(), bytes),
                        path: Span::default(),
                    });
                }
                Some(Ok(Item::Array(array))) => {
                    let (source, path) = (Span::of(array.source(), bytes), Span::of(array.path(), bytes));
                    self.arrays.push(Entry { part, at, source, path });
                }
                Some(Ok(Item::Other(_))) => {}
                // Which source there was before does not matter to who looks for all of them.
                Some(Err(error)) if error.error.kind() == DecodeErrorKind::UnknownSource => {
                    if let Ok(Item::Array(array)) = train.at(part, at) {
                        let (source, path) = (Span::of(array.source(), bytes), Span::of(array.path(), bytes));
                        self.arrays.push(Entry { part, at, source, path });
                    } else {
                        self.errors.push(error.error);
                    }
                }
                Some(Err(error)) => self.errors.push(error.error),
            }
        }
        self.reject_twice(train);
        self.reject_lost(train);
        self.reject_covered(train);
        self.errors.sort_unstable_by_key(|error| (error.part(), error.offset()));
        Indexed { index: self, train }
    }

    /// Sources and properties that are there more than once: the first counts.
    fn reject_twice<P: AsRef<[u8]>>(&mut self, train: TrainRef<'_, P>) {
        let Self { sources, arrays, errors } = self;
        let in_order =
            |a: &Entry, b: &Entry| names(train, a).cmp(&names(train, b)).then((a.part, a.at).cmp(&(b.part, b.at)));
        for (entries, kind, what) in [
            (sources, DecodeErrorKind::DuplicateSource, What::Source),
            (arrays, DecodeErrorKind::DuplicatePath, What::Path),
        ] {
            entries.sort_unstable_by(in_order);
            entries.dedup_by(|next, kept| {
                let twice = names(train, next) == names(train, kept);
                if twice {
                    errors.push(fault(next, kind, what));
                }
                twice
            });
        }
    }

    /// Arrays of sources that are not there.
    fn reject_lost<P: AsRef<[u8]>>(&mut self, train: TrainRef<'_, P>) {
        let Self { sources, arrays, errors } = self;
        arrays.retain(|array| {
            let found = find(train, sources, name(train, array), b"").is_some();
            if !found {
                errors.push(fault(array, DecodeErrorKind::UnknownSource, What::Source));
            }
            found
        });
    }

    /// Arrays at whose path there is another property.
    fn reject_covered<P: AsRef<[u8]>>(&mut self, train: TrainRef<'_, P>) {
        let Self { sources, arrays, errors } = self;
        if arrays.is_empty() {
            return;
        }
        for entry in sources.iter() {
            let Ok(Item::Source(source)) = train.at(entry.part, entry.at) else { continue };
            for (path, _) in source.properties() {
                let covered = find(train, arrays, source.name().as_bytes(), path.as_bytes());
                if let Some(array) = covered.and_then(|at| arrays.get_mut(at)).filter(|array| array.at == 0) {
                    errors.push(fault(array, DecodeErrorKind::DuplicatePath, What::Path));
                    array.at = LOST;
                }
            }
        }
        arrays.retain(|array| array.at != LOST);
    }
}

/// In place of where an array is: it is not to be found. Arrays have parts of their own, and are at their beginning.
const LOST: u64 = u64::MAX;

/// What is wrong with the header of something.
fn fault(entry: &Entry, kind: DecodeErrorKind, what: What) -> DecodeError {
    let span = if what == What::Path { entry.path } else { entry.source };
    DecodeError::new(kind, entry.part, usize::try_from(span.start).unwrap_or(usize::MAX), what)
}

fn slice<'a, P: AsRef<[u8]>>(train: TrainRef<'a, P>, entry: &Entry, span: Span) -> &'a [u8] {
    let range = usize::try_from(span.start).ok().and_then(|start| Some(start..start.checked_add(span.len as usize)?));
    range.and_then(|range| train.part(entry.part).get(range)).unwrap_or_default()
}

fn name<'a, P: AsRef<[u8]>>(train: TrainRef<'a, P>, entry: &Entry) -> &'a [u8] {
    slice(train, entry, entry.source)
}

/// Source and path: bytes of UTF-8, whose order is that of code points.
fn names<'a, P: AsRef<[u8]>>(train: TrainRef<'a, P>, entry: &Entry) -> (&'a [u8], &'a [u8]) {
    (name(train, entry), slice(train, entry, entry.path))
}

fn find<P: AsRef<[u8]>>(train: TrainRef<'_, P>, entries: &[Entry], source: &[u8], path: &[u8]) -> Option<usize> {
    entries.binary_search_by(|entry| names(train, entry).cmp(&(source, path))).ok()
}

/// A property of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Property<'a> {
    /// A value among the properties of the source; in version 1.0 arrays are, too.
    Value(ValueRef<'a>),
    /// An array with a part of its own.
    Array(ArrayPart<'a>),
}

/// A train whose sources and properties are found by name.
pub struct Indexed<'i, 'a, P> {
    index: &'i TrainIndex,
    train: TrainRef<'a, P>,
}

impl<'i, 'a, P: AsRef<[u8]>> Indexed<'i, 'a, P> {
    /// The source with this name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<SourceRef<'a>> {
        let at = find(self.train, &self.index.sources, name.as_bytes(), b"")?;
        self.source_of(self.index.sources.get(at)?)
    }

    /// The property of this source with this path.
    #[must_use]
    pub fn get(&self, source: &str, path: &str) -> Option<Property<'a>> {
        match find(self.train, &self.index.arrays, source.as_bytes(), path.as_bytes()) {
            Some(at) => self.array_of(self.index.arrays.get(at)?).map(Property::Array),
            None => self.source(source)?.get(path).map(Property::Value),
        }
    }

    /// The sources, by name.
    pub fn sources(&self) -> impl Iterator<Item = SourceRef<'a>> {
        self.index.sources.iter().filter_map(|entry| self.source_of(entry))
    }

    /// The arrays of a source that have parts of their own, by path.
    pub fn arrays(&self, source: &str) -> impl Iterator<Item = ArrayPart<'a>> {
        let arrays = &self.index.arrays;
        let start = arrays.partition_point(|entry| name(self.train, entry) < source.as_bytes());
        let rest = arrays.get(start..).unwrap_or_default();
        let end = rest.partition_point(|entry| name(self.train, entry) == source.as_bytes());
        rest.get(..end).unwrap_or_default().iter().filter_map(|entry| self.array_of(entry))
    }

    /// What is wrong with parts that are lost, in their order: each of them is told once, and costs no other.
    #[must_use]
    pub fn errors(&self) -> &'i [DecodeError] {
        &self.index.errors
    }

    /// Whether sources say that they are of different trains.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        let mut tids = self.sources().filter_map(|source| source.metadata().tid());
        let first = tids.next();
        tids.any(|tid| Some(tid) != first)
    }

    fn source_of(&self, entry: &Entry) -> Option<SourceRef<'a>> {
        if let Ok(Item::Source(source)) = self.train.at(entry.part, entry.at) { Some(source) } else { None }
    }

    fn array_of(&self, entry: &Entry) -> Option<ArrayPart<'a>> {
        if let Ok(Item::Array(array)) = self.train.at(entry.part, entry.at) { Some(array) } else { None }
    }
}

impl<P> fmt::Debug for Indexed<'_, '_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TrainIndex { sources, arrays, errors } = self.index;
        write!(f, "Indexed({} sources, {} arrays, {} errors)", sources.len(), arrays.len(), errors.len())
    }
}

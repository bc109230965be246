use alloc::vec::Vec;
use core::fmt;

use msgpack_numpy_codec::ValueRef;

use crate::array::ArrayPart;
use crate::error::{DecodeError, DecodeErrorKind, PartError, What};
use crate::image::ImageRef;
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
/// assert_eq!(indexed.errors().count(), 0);
/// let Some(Property::Array(image)) = indexed.get("S", "image.data") else { panic!() };
/// assert_eq!(image.as_array().unwrap().to_vec::<u16>().unwrap(), [1, 2]);
/// # Ok::<(), karabo_bridge::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TrainIndex {
    sources: Vec<Entry>,
    arrays: Vec<Entry>,
    faults: Vec<Fault>,
}

/// What is wrong with something that is lost, and whose it is.
#[derive(Clone, Copy, Debug)]
struct Fault {
    error: DecodeError,
    source: Option<Span>,
    path: Option<Span>,
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
        Self { sources: Vec::new(), arrays: Vec::new(), faults: Vec::new() }
    }

    /// Looks at all of a train once, and sorts what is in it by name: O(n log n) for n parts and properties.
    pub fn build<'i, 'a, P: AsRef<[u8]>>(&'i mut self, train: TrainRef<'a, P>) -> Indexed<'i, 'a, P> {
        self.sources.clear();
        self.arrays.clear();
        self.faults.clear();
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
                    }
                }
                Some(Err(PartError { source_name, path, error })) => {
                    let span = |name: &str| Span::of(name, bytes);
                    self.faults.push(Fault { error, source: source_name.map(span), path: path.map(span) });
                }
            }
        }
        self.reject_twice(train);
        self.reject_lost(train);
        self.reject_covered(train);
        self.faults.sort_unstable_by_key(|fault| (fault.error.part(), fault.error.offset()));
        Indexed::new(self, train)
    }

    /// Sources and properties that are there more than once: the first counts.
    fn reject_twice<P: AsRef<[u8]>>(&mut self, train: TrainRef<'_, P>) {
        let Self { sources, arrays, faults } = self;
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
                    faults.push(fault(next, kind, what));
                }
                twice
            });
        }
    }

    /// Arrays of sources that are not there.
    fn reject_lost<P: AsRef<[u8]>>(&mut self, train: TrainRef<'_, P>) {
        let Self { sources, arrays, faults } = self;
        arrays.retain(|array| {
            let found = find(train, sources, name(train, array), b"").is_some();
            if !found {
                faults.push(fault(array, DecodeErrorKind::UnknownSource, What::Source));
            }
            found
        });
    }

    /// Arrays at whose path there is another property.
    fn reject_covered<P: AsRef<[u8]>>(&mut self, train: TrainRef<'_, P>) {
        let Self { sources, arrays, faults } = self;
        if arrays.is_empty() {
            return;
        }
        for entry in sources.iter() {
            let Ok(Item::Source(source)) = train.at(entry.part, entry.at) else { continue };
            for (path, _) in source.properties() {
                let covered = find(train, arrays, source.name().as_bytes(), path.as_bytes());
                if let Some(array) = covered.and_then(|at| arrays.get_mut(at)).filter(|array| array.at == 0) {
                    faults.push(fault(array, DecodeErrorKind::DuplicatePath, What::Path));
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
fn fault(entry: &Entry, kind: DecodeErrorKind, what: What) -> Fault {
    let span = if what == What::Path { entry.path } else { entry.source };
    let error = DecodeError::new(kind, entry.part, usize::try_from(span.start).unwrap_or(usize::MAX), what);
    // Sources have no path.
    Fault { error, source: Some(entry.source), path: Some(entry.path).filter(|path| path.start != 0) }
}

fn slice<P: AsRef<[u8]>>(train: TrainRef<'_, P>, part: u32, span: Span) -> &[u8] {
    let range = usize::try_from(span.start).ok().and_then(|start| Some(start..start.checked_add(span.len as usize)?));
    range.and_then(|range| train.part(part).get(range)).unwrap_or_default()
}

fn name<'a, P: AsRef<[u8]>>(train: TrainRef<'a, P>, entry: &Entry) -> &'a [u8] {
    slice(train, entry.part, entry.source)
}

/// Source and path: bytes of UTF-8, whose order is that of code points.
fn names<'a, P: AsRef<[u8]>>(train: TrainRef<'a, P>, entry: &Entry) -> (&'a [u8], &'a [u8]) {
    (name(train, entry), slice(train, entry.part, entry.path))
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

impl<P> Clone for Indexed<'_, '_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Indexed<'_, '_, P> {}

impl<'i, 'a, P: AsRef<[u8]>> Indexed<'i, 'a, P> {
    pub(crate) const fn new(index: &'i TrainIndex, train: TrainRef<'a, P>) -> Self {
        Self { index, train }
    }

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

    /// The image of this source with this path, in whichever form it comes: `data.image` for the pixels `data.image.data`, with what is told of
    /// them beside it.
    #[must_use]
    pub fn image(&self, source: &str, path: &str) -> Option<ImageRef<'a>> {
        match self.get(source, path) {
            Some(Property::Array(array)) if array.params().is_some() => Some(array.image()),
            _ => ImageRef::flat(self, source, path),
        }
    }

    /// The sources, by name.
    pub fn sources(&self) -> impl Iterator<Item = SourceRef<'a>> + use<'i, 'a, P> {
        let indexed = *self;
        self.index.sources.iter().filter_map(move |entry| indexed.source_of(entry))
    }

    /// The arrays of a source that have parts of their own, by path.
    pub fn arrays(&self, source: &str) -> impl Iterator<Item = ArrayPart<'a>> + use<'i, 'a, P> {
        let indexed = *self;
        let arrays = &self.index.arrays;
        let start = arrays.partition_point(|entry| name(self.train, entry) < source.as_bytes());
        let rest = arrays.get(start..).unwrap_or_default();
        let end = rest.partition_point(|entry| name(self.train, entry) == source.as_bytes());
        rest.get(..end).unwrap_or_default().iter().filter_map(move |entry| indexed.array_of(entry))
    }

    /// What is wrong with parts that are lost, in their order: each of them is told once, and costs no other.
    pub fn errors(&self) -> impl ExactSizeIterator<Item = PartError<'a>> + use<'i, 'a, P> {
        let train = self.train;
        self.index.faults.iter().map(move |&Fault { error, source, path }| {
            // Names stand in headers, which are even.
            let header = u32::try_from(error.part()).unwrap_or(u32::MAX) & !1;
            let text = |span: Option<Span>| core::str::from_utf8(slice(train, header, span?)).ok();
            PartError { source_name: text(source), path: text(path), error }
        })
    }

    /// The train that is looked through.
    #[must_use]
    pub const fn train(&self) -> TrainRef<'a, P> {
        self.train
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
        let TrainIndex { sources, arrays, faults } = self.index;
        write!(f, "Indexed({} sources, {} arrays, {} errors)", sources.len(), arrays.len(), faults.len())
    }
}

use alloc::vec::Vec;
use core::fmt;

use msgpack_numpy_codec::{Reader, ValueRef};

use crate::array::{ArrayPart, OtherPart};
use crate::error::{DecodeError, DecodeErrorKind, Limit, PartError, What};
use crate::image::ImageRef;
use crate::source::SourceRef;
use crate::train::{Item, TrainRef, introduced};

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
    sources: Vec<SourceEntry>,
    properties: Vec<Entry>,
    /// Arrays that do not follow their source.
    strays: Vec<Stray>,
    /// Where the sources went when they were sorted.
    ranks: Vec<Rank>,
    faults: Vec<Fault>,
}

/// A text, and where it is.
#[derive(Clone, Copy, Debug)]
struct Text {
    start: u64,
    len: u32,
    part: u32,
}

#[derive(Clone, Copy, Debug)]
struct SourceEntry {
    name: Text,
    /// Where it begins in the only part of version 1.0.
    at: u64,
    /// Which it was in the message.
    ordinal: u32,
    /// Its properties are lost, and that was told.
    lost: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// In a header, if it is an array with a part of its own; else among the properties of its source, with the value behind it.
    path: Text,
    /// Which source, at first in the message and then by name.
    source: u32,
}

#[derive(Clone, Copy, Debug)]
struct Stray {
    source: Text,
    path: Text,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rank {
    rank: u32,
    /// It has the name of another, and only arrays are taken from it: they belong to that.
    twice: bool,
}

/// What is wrong with something that is lost, and whose it is.
#[derive(Clone, Copy, Debug)]
struct Fault {
    error: DecodeError,
    source: Option<Text>,
    path: Option<Text>,
}

impl Text {
    /// A text in a part.
    fn of(text: &str, part: u32, bytes: &[u8]) -> Self {
        let start = (text.as_ptr() as usize).wrapping_sub(bytes.as_ptr() as usize);
        Self { start: start as u64, len: u32::try_from(text.len()).unwrap_or(u32::MAX), part }
    }

    fn end(self) -> Option<usize> {
        usize::try_from(self.start.checked_add(self.len.into())?).ok()
    }

    fn get<P: AsRef<[u8]>>(self, train: TrainRef<'_, P>) -> &[u8] {
        let range = usize::try_from(self.start).ok().and_then(|start| Some(start..self.end()?));
        range.and_then(|range| train.part(self.part).get(range)).unwrap_or_default()
    }

    /// What is wrong where it is.
    fn fault(self, kind: DecodeErrorKind, what: What) -> DecodeError {
        DecodeError::new(kind, self.part, usize::try_from(self.start).unwrap_or(usize::MAX), what)
    }
}

impl TrainIndex {
    /// An index without room yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sources: Vec::new(), properties: Vec::new(), strays: Vec::new(), ranks: Vec::new(), faults: Vec::new() }
    }

    /// Looks at all of a train once, and sorts what is in it by name: O(n log n) for n parts and properties.
    ///
    /// For each source, each property and each part that is lost at most 200 bytes are kept: properties are as many as
    /// [`Limits::max_properties`](crate::Limits::max_properties) at most. What a large train took stays for the next.
    pub fn build<'i, 'a, P: AsRef<[u8]>>(&'i mut self, train: TrainRef<'a, P>) -> Indexed<'i, 'a, P> {
        self.sources.clear();
        self.properties.clear();
        self.strays.clear();
        self.ranks.clear();
        self.faults.clear();
        self.collect(train);
        self.sort_sources(train);
        self.sort_properties(train);
        self.faults.sort_unstable_by_key(|fault| (fault.error.part(), fault.error.offset()));
        Indexed::new(self, train)
    }

    fn collect<P: AsRef<[u8]>>(&mut self, train: TrainRef<'_, P>) {
        let mut items = train.items();
        // The name of the last source.
        let mut current = None;
        loop {
            let (part, at) = items.position();
            let bytes = train.part(part);
            match items.next() {
                None => break,
                Some(Ok(Item::Source(source))) => {
                    current = Some(source.name());
                    self.source(train, source, part, at);
                }
                Some(Ok(Item::Array(array))) => self.array(train, array, part, current),
                Some(Ok(Item::Other(_))) => {}
                // Which source there was before does not matter to who looks for all of them.
                Some(Err(error)) if error.error.kind() == DecodeErrorKind::UnknownSource => {
                    if let Ok(Item::Array(array)) = train.at(part, at) {
                        self.array(train, array, part, current);
                    }
                }
                Some(Err(PartError { source_name, path, error })) => {
                    let text = |text: &str| Text::of(text, part, bytes);
                    // Its properties are lost, and its arrays are not.
                    let has_data = !train.is_single() && error.kind() != DecodeErrorKind::OddParts;
                    let begun = if has_data { introduced(part, bytes, &train.limits()) } else { None };
                    if let Some(name) = begun {
                        current = Some(name);
                        self.sources.push(SourceEntry { lost: true, ..self.begun(text(name), at) });
                    }
                    self.faults.push(Fault { error, source: source_name.map(text), path: path.map(text) });
                }
            }
        }
    }

    fn source<P: AsRef<[u8]>>(&mut self, train: TrainRef<'_, P>, source: SourceRef<'_>, part: u32, at: u64) {
        let name = Text::of(source.name(), part, train.part(part));
        let data = if train.is_single() { part } else { part.saturating_add(1) };
        if let Some(error) = self.over(train, source.len(), name, What::Source) {
            self.faults.push(Fault { error, source: Some(name), path: None });
            return self.sources.push(SourceEntry { lost: true, ..self.begun(name, at) });
        }
        let begun = self.begun(name, at);
        let ordinal = begun.ordinal;
        self.sources.push(begun);
        let bytes = train.part(data);
        let entry = |(path, _)| Entry { path: Text::of(path, data, bytes), source: ordinal };
        self.properties.extend(source.properties().map(entry));
    }

    fn begun(&self, name: Text, at: u64) -> SourceEntry {
        // There are no more than `max_parts`.
        SourceEntry { name, at, ordinal: u32::try_from(self.sources.len()).unwrap_or(u32::MAX), lost: false }
    }

    fn array<P: AsRef<[u8]>>(
        &mut self,
        train: TrainRef<'_, P>,
        array: ArrayPart<'_>,
        part: u32,
        current: Option<&str>,
    ) {
        let text = |text| Text::of(text, part, train.part(part));
        let (source, path) = (text(array.source()), text(array.path()));
        if let Some(error) = self.over(train, 1, path, What::Path) {
            self.faults.push(Fault { error, source: Some(source), path: Some(path) });
        } else if current == Some(array.source()) {
            let last = self.sources.len().saturating_sub(1);
            self.properties.push(Entry { path, source: u32::try_from(last).unwrap_or(u32::MAX) });
        } else {
            self.strays.push(Stray { source, path });
        }
    }

    /// That there are too many properties with so many more.
    fn over<P>(&self, train: TrainRef<'_, P>, more: usize, at: Text, what: What) -> Option<DecodeError> {
        let met = self.properties.len().saturating_add(self.strays.len()).saturating_add(more) as u64;
        let max = train.limits().max_properties.into();
        let offset = usize::try_from(at.start).unwrap_or(usize::MAX);
        (met > max).then(|| DecodeError::over(Limit::MaxProperties, met, max, at.part, offset, what))
    }

    /// By name; of those that are there more than once the first counts that can be read.
    fn sort_sources<P: AsRef<[u8]>>(&mut self, train: TrainRef<'_, P>) {
        let Self { sources, ranks, faults, .. } = self;
        let key = |entry: &SourceEntry| (entry.name.get(train), entry.lost, entry.ordinal);
        sources.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        ranks.resize(sources.len(), Rank::default());
        let (mut rank, mut kept) = (0_u32, None);
        sources.retain(|entry| {
            let name = entry.name.get(train);
            let twice = kept == Some(name);
            if twice && !entry.lost {
                let error = entry.name.fault(DecodeErrorKind::DuplicateSource, What::Source);
                faults.push(Fault { error, source: Some(entry.name), path: None });
            }
            if !twice {
                rank = rank.saturating_add(kept.is_some().into());
                kept = Some(name);
            }
            if let Some(slot) = ranks.get_mut(entry.ordinal as usize) {
                *slot = Rank { rank, twice };
            }
            !twice
        });
    }

    /// By source and path; of those that are there more than once the first counts.
    fn sort_properties<P: AsRef<[u8]>>(&mut self, train: TrainRef<'_, P>) {
        let Self { sources, properties, strays, ranks, faults } = self;
        properties.retain_mut(|entry| {
            let Rank { rank, twice } = ranks.get(entry.source as usize).copied().unwrap_or_default();
            entry.source = rank;
            !twice || is_array(train, entry)
        });
        for &Stray { source, path } in strays.iter() {
            if let Some(rank) = find(train, sources, source.get(train)) {
                properties.push(Entry { path, source: u32::try_from(rank).unwrap_or(u32::MAX) });
            } else {
                let error = source.fault(DecodeErrorKind::UnknownSource, What::Source);
                faults.push(Fault { error, source: Some(source), path: Some(path) });
            }
        }
        let key = |entry: &Entry| (entry.source, entry.path.get(train));
        let place = |entry: &Entry| (entry.path.part, entry.path.start);
        properties.sort_unstable_by(|a, b| key(a).cmp(&key(b)).then_with(|| place(a).cmp(&place(b))));
        properties.dedup_by(|next, kept| {
            let twice = key(next) == key(kept);
            if twice {
                let error = next.path.fault(DecodeErrorKind::DuplicatePath, What::Path);
                let source = sources.get(next.source as usize).map(|source| source.name);
                faults.push(Fault { error, source, path: Some(next.path) });
            }
            twice
        });
    }
}

/// Whether it has a part of its own: headers are even.
fn is_array<P: AsRef<[u8]>>(train: TrainRef<'_, P>, entry: &Entry) -> bool {
    !train.is_single() && entry.path.part % 2 == 0
}

/// Names are bytes of UTF-8, whose order is that of code points.
fn find<P: AsRef<[u8]>>(train: TrainRef<'_, P>, sources: &[SourceEntry], name: &[u8]) -> Option<usize> {
    sources.binary_search_by(|entry| entry.name.get(train).cmp(name)).ok()
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
        self.source_of(self.index.sources.get(self.rank(name)?)?)
    }

    /// The property of this source with this path.
    #[must_use]
    pub fn get(&self, source: &str, path: &str) -> Option<Property<'a>> {
        let key = (u32::try_from(self.rank(source)?).ok()?, path.as_bytes());
        let properties = &self.index.properties;
        let at = properties.binary_search_by(|entry| (entry.source, entry.path.get(self.train)).cmp(&key)).ok()?;
        self.property_of(properties.get(at)?)
    }

    /// The properties of a source, by path.
    pub fn properties(&self, source: &str) -> impl Iterator<Item = (&'a str, Property<'a>)> + use<'i, 'a, P> {
        let indexed = *self;
        let path = move |entry: &Entry| core::str::from_utf8(entry.path.get(indexed.train)).ok();
        self.entries(source).iter().filter_map(move |entry| Some((path(entry)?, indexed.property_of(entry)?)))
    }

    /// The names of all sources, sorted; also of those whose properties are lost, and which may have arrays.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'i, 'a, P> {
        let train = self.train;
        self.index.sources.iter().filter_map(move |entry| core::str::from_utf8(entry.name.get(train)).ok())
    }

    /// The properties of a source whose paths begin with this, by path.
    pub(crate) fn below(
        &self,
        source: &str,
        path: &str,
    ) -> impl Iterator<Item = (&'a str, Property<'a>)> + use<'i, 'a, P> {
        let indexed = *self;
        let entries = self.entries(source);
        let start = entries.partition_point(|entry| entry.path.get(self.train) < path.as_bytes());
        let rest = entries.get(start..).unwrap_or_default();
        let end = rest.partition_point(|entry| entry.path.get(self.train).starts_with(path.as_bytes()));
        let name = move |entry: &Entry| core::str::from_utf8(entry.path.get(indexed.train)).ok();
        let found = rest.get(..end).unwrap_or_default().iter();
        found.filter_map(move |entry| Some((name(entry)?, indexed.property_of(entry)?)))
    }

    /// The arrays of a source that have parts of their own, by path: in versions 2.x, see [`array`](Self::array).
    pub fn arrays(&self, source: &str) -> impl Iterator<Item = ArrayPart<'a>> + use<'i, 'a, P> {
        let indexed = *self;
        let arrays = self.entries(source).iter().filter(move |entry| is_array(indexed.train, entry));
        arrays.filter_map(move |entry| indexed.array_of(entry))
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

    /// The sources, by name. One whose properties are lost is not among them, and may have arrays: its name is among the
    /// [names](Self::names).
    pub fn sources(&self) -> impl Iterator<Item = SourceRef<'a>> + use<'i, 'a, P> {
        let indexed = *self;
        self.index.sources.iter().filter_map(move |entry| indexed.source_of(entry))
    }

    /// Pairs whose content is not known, in their order.
    pub fn others(&self) -> impl Iterator<Item = OtherPart<'a>> + use<'i, 'a, P> {
        let of = |item| if let Ok(Item::Other(other)) = item { Some(other) } else { None };
        self.train.items().filter_map(of)
    }

    /// What is wrong with parts that are lost, in their order: each of them is told once, and costs no other.
    pub fn errors(&self) -> impl ExactSizeIterator<Item = PartError<'a>> + use<'i, 'a, P> {
        let train = self.train;
        self.index.faults.iter().map(move |&Fault { error, source, path }| {
            let text = |text: Option<Text>| core::str::from_utf8(text?.get(train)).ok();
            PartError { source_name: text(source), path: text(path), error }
        })
    }

    /// The train that is looked through.
    #[must_use]
    pub const fn train(&self) -> TrainRef<'a, P> {
        self.train
    }

    fn rank(&self, source: &str) -> Option<usize> {
        find(self.train, &self.index.sources, source.as_bytes())
    }

    /// Those of a source.
    fn entries(&self, source: &str) -> &'i [Entry] {
        let Some(rank) = self.rank(source).and_then(|rank| u32::try_from(rank).ok()) else { return &[] };
        let properties = &self.index.properties;
        let start = properties.partition_point(|entry| entry.source < rank);
        let rest = properties.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|entry| entry.source == rank)).unwrap_or_default()
    }

    fn source_of(&self, entry: &SourceEntry) -> Option<SourceRef<'a>> {
        let item = (!entry.lost).then(|| self.train.at(entry.name.part, entry.at))?;
        if let Ok(Item::Source(source)) = item { Some(source) } else { None }
    }

    fn property_of(&self, entry: &Entry) -> Option<Property<'a>> {
        if is_array(self.train, entry) {
            return self.array_of(entry).map(Property::Array);
        }
        let value = self.train.part(entry.path.part).get(entry.path.end()?..)?;
        Reader::new(value).value_with(&self.train.limits().values()).ok().map(Property::Value)
    }

    fn array_of(&self, entry: &Entry) -> Option<ArrayPart<'a>> {
        if let Ok(Item::Array(array)) = self.train.at(entry.path.part, 0) { Some(array) } else { None }
    }
}

impl<P> fmt::Debug for Indexed<'_, '_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TrainIndex { sources, properties, faults, .. } = self.index;
        write!(f, "Indexed({} sources, {} properties, {} errors)", sources.len(), properties.len(), faults.len())
    }
}

use msgpack_numpy_codec::{Entries, ListRef, MapRef, ValueRef};

use crate::metadata::{MetadataRef, PREFIX, Place};

/// A version of the protocol. No number travels: where metadata stands tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// `1.0`: everything in one part.
    V1_0,
    /// `2.0`: metadata as a map among the properties.
    V2_0,
    /// `2.1`: metadata among the properties, one by one.
    V2_1,
    /// `2.2`: metadata in the header.
    V2_2,
}

impl Version {
    /// As servers name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
        }
    }
}

impl core::fmt::Display for Version {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A source: its name, what is told of it, and its properties but for the arrays that have parts of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceRef<'a> {
    name: &'a str,
    version: Option<Version>,
    metadata: MetadataRef<'a>,
    data: MapRef<'a>,
    /// That of the header.
    part: u32,
}

impl<'a> SourceRef<'a> {
    /// Of version 1.0: the map of a source in the only part. Metadata that is no map is none, and is among the properties.
    pub(crate) fn of_single(name: &'a str, data: MapRef<'a>) -> Self {
        let place = match data.get("metadata") {
            Some(ValueRef::Map(map) | ValueRef::Faulty(map, _)) => Place::Map(map),
            _ => Place::Nowhere,
        };
        Self { name, version: Some(Version::V1_0), metadata: MetadataRef(place), data, part: 0 }
    }

    /// Of a pair: that of the header wins.
    pub(crate) fn of_pair(part: u32, name: &'a str, header: Option<MapRef<'a>>, data: MapRef<'a>) -> Self {
        let (version, place) = match header {
            Some(map) => (Some(Version::V2_2), Place::Map(map)),
            None => match data.get("metadata") {
                Some(ValueRef::Map(map) | ValueRef::Faulty(map, _)) => (Some(Version::V2_0), Place::Map(map)),
                _ if data.iter().any(|(key, _)| flat(key).is_some()) => (Some(Version::V2_1), Place::Flat(data)),
                _ => (None, Place::Nowhere),
            },
        };
        Self { name, version, metadata: MetadataRef(place), data, part }
    }

    /// Its name, such as `SPB_DET_AGIPD1M-1/DET/0CH0:xtdf`.
    #[must_use]
    pub const fn name(self) -> &'a str {
        self.name
    }

    /// The version, as far as this source tells: without metadata 2.x are all the same.
    #[must_use]
    pub const fn version(self) -> Option<Version> {
        self.version
    }

    /// What is told of it.
    #[must_use]
    pub const fn metadata(self) -> MetadataRef<'a> {
        self.metadata
    }

    /// The part it begins in, counted from 0.
    #[must_use]
    pub const fn part(self) -> usize {
        self.part as usize
    }

    /// Its properties with their paths, in the order they came in, metadata left out; in version 1.0 arrays are among them.
    #[must_use]
    pub fn properties(self) -> Properties<'a> {
        Properties { entries: self.data.iter(), place: self.metadata.0, version: self.version }
    }

    /// At least as many as there are properties.
    pub(crate) const fn len(self) -> usize {
        self.data.len()
    }

    /// The first property with this path; in versions 2.x arrays are not among them, see [`TrainIndex`](crate::TrainIndex).
    #[must_use]
    pub fn get(self, path: &str) -> Option<ValueRef<'a>> {
        self.properties().find(|(key, _)| *key == path).map(|(_, value)| value)
    }

    /// Paths of properties that the bridge was told to leave out; it says so in one of two places, or not at all.
    pub fn ignored_keys(self) -> impl Iterator<Item = &'a str> + use<'a> {
        let beside = || self.data.get("ignored_keys");
        let list = match self.metadata.get("ignored_keys").or_else(beside) {
            Some(ValueRef::List(list)) => Some(list),
            _ => None,
        };
        list.into_iter().flat_map(ListRef::iter).filter_map(|key| key.as_str())
    }
}

/// The name of a flat entry of metadata.
fn flat(key: ValueRef<'_>) -> Option<&str> {
    core::str::from_utf8(key.as_bytes()?).ok()?.strip_prefix(PREFIX)
}

/// Iterator over the properties of a [`SourceRef`].
#[derive(Clone, Debug)]
pub struct Properties<'a> {
    entries: Entries<'a>,
    place: Place<'a>,
    version: Option<Version>,
}

impl<'a> Iterator for Properties<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (version, place) = (self.version, self.place);
        self.entries.find_map(|(key, value)| {
            // Keys were checked to be texts.
            let path = core::str::from_utf8(key.as_bytes()?).ok()?;
            let is_metadata = match (version, place) {
                (Some(Version::V1_0 | Version::V2_0), Place::Map(_)) => path == "metadata",
                (_, Place::Flat(_)) => path.starts_with(PREFIX),
                _ => false,
            };
            (!is_metadata).then_some((path, value))
        })
    }
}

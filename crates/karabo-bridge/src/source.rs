use msgpack_numpy_codec::{ListRef, MapRef, Named, ValueRef};

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
    /// Tells where metadata is, too.
    version: Option<Version>,
    /// If it is a map of its own.
    metadata: Option<MapRef<'a>>,
    data: MapRef<'a>,
    /// That of the header.
    part: u32,
}

impl<'a> SourceRef<'a> {
    /// Of version 1.0: the map of a source in the only part. Metadata that is no map is none, and is among the properties.
    pub(crate) fn of_single(name: &'a str, data: MapRef<'a>) -> Self {
        let metadata = match data.get("metadata") {
            Some(ValueRef::Map(map) | ValueRef::Faulty(map, _)) => Some(map),
            _ => None,
        };
        Self { name, version: Some(Version::V1_0), metadata, data, part: 0 }
    }

    /// Of a pair without metadata in its header.
    pub(crate) fn of_pair(part: u32, name: &'a str, data: MapRef<'a>) -> Self {
        let (version, metadata) = match data.get("metadata") {
            Some(ValueRef::Map(map) | ValueRef::Faulty(map, _)) => (Some(Version::V2_0), Some(map)),
            _ if data.iter().any(|(key, _)| flat(key).is_some()) => (Some(Version::V2_1), None),
            _ => (None, None),
        };
        Self { name, version, metadata, data, part }
    }

    /// Of a pair with metadata in its header, which wins.
    pub(crate) const fn of_header(part: u32, name: &'a str, metadata: MapRef<'a>, data: MapRef<'a>) -> Self {
        Self { name, version: Some(Version::V2_2), metadata: Some(metadata), data, part }
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
        MetadataRef(match (self.version, self.metadata) {
            (Some(Version::V2_1), _) => Place::Flat(self.data),
            (_, Some(map)) => Place::Map(map),
            _ => Place::Nowhere,
        })
    }

    /// The part it begins in, counted from 0.
    #[must_use]
    pub const fn part(self) -> usize {
        self.part as usize
    }

    /// Its properties with their paths, in the order they came in, metadata left out; in version 1.0 arrays are among them.
    #[must_use]
    pub fn properties(self) -> Properties<'a> {
        let passed = match (self.version, self.metadata) {
            (Some(Version::V2_1), _) => Passed::Flat,
            (Some(Version::V1_0 | Version::V2_0), Some(_)) => Passed::Map,
            _ => Passed::Nothing,
        };
        Properties { entries: self.data.named(), passed }
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
        let list = match self.metadata().get("ignored_keys").or_else(beside) {
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
    entries: Named<'a>,
    passed: Passed,
}

/// Which entries are metadata.
#[derive(Clone, Copy, Debug)]
enum Passed {
    Nothing,
    Map,
    Flat,
}

impl<'a> Properties<'a> {
    /// The next path.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn path(&mut self) -> Option<&'a str> {
        loop {
            let key = self.entries.key()?;
            let is_metadata = match self.passed {
                Passed::Nothing => false,
                // A second one is a property.
                Passed::Map if key == b"metadata" => {
                    self.passed = Passed::Nothing;
                    true
                }
                Passed::Map => false,
                Passed::Flat => key.starts_with(PREFIX.as_bytes()),
            };
            if !is_metadata {
                // Keys were checked to be texts.
                return core::str::from_utf8(key).ok();
            }
            self.entries.pass();
        }
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = (&'a str, ValueRef<'a>);

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next(&mut self) -> Option<Self::Item> {
        let path = self.path()?;
        self.entries.value_into(None, |_, value| Some((path, value)))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn fold<T, F: FnMut(T, Self::Item) -> T>(mut self, mut folded: T, mut fold: F) -> T {
        while let Some(path) = self.path() {
            folded = self.entries.value_into(folded, |folded, value| fold(folded, (path, value)));
        }
        folded
    }
}

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use msgpack_numpy_codec::{self as msgpack, Array, ArrayRef, ValueRef};

use crate::array::{ArrayPart, OtherPart};
use crate::error::UnknownVersion;
use crate::limits::Limits;
use crate::metadata::{PREFIX, Timestamp};
use crate::source::Version;
use crate::train::Item;
use dummy::Dummy;

mod dummy;
mod parts;

/// Why a train was not written. Sources and properties are counted from 0, in the order they were begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A train without sources has no parts in versions 2.x, and no message can be that.
    #[error("a train without sources")]
    NoSources,
    /// A property before the first source, or an array of a source that was not begun.
    #[error("a property without a source")]
    NoSource,
    /// A source with a name that another has.
    #[error("source {index} has the name of another")]
    DuplicateSource {
        /// Which.
        index: usize,
    },
    /// A source with two properties of one path, or two entries of metadata of one name.
    #[error("property {property} of source {index} is there twice")]
    DuplicatePath {
        /// Which.
        index: usize,
        /// Which of its properties, or of its entries of metadata, is the second.
        property: usize,
    },
    /// A property with the name of metadata, which in versions before 2.2 is among the properties: `metadata`, or `metadata.…` in 2.1.
    #[error("property {property} of source {index} has the place of metadata")]
    Reserved {
        /// Which.
        index: usize,
        /// Which of its properties.
        property: usize,
    },
    /// A scalar that is no number: versions 2.x have no scalars of numpy.
    #[error("property {property} of source {index} is a scalar that is no number")]
    Scalar {
        /// Which source.
        index: usize,
        /// Which of its properties, or of its entries of metadata.
        property: usize,
    },
    /// Something that this version has no place for: a dtype that is no text in 2.x, one that is not understood or a content that is not
    /// known in 1.0.
    #[error("property {property} of source {index} is nothing that this version has")]
    Unsupported {
        /// Which source.
        index: usize,
        /// Which of its properties.
        property: usize,
    },
    /// A value that MessagePack has not.
    #[error("source {index}: {error}")]
    Value {
        /// Which.
        index: usize,
        /// Why.
        #[source]
        error: msgpack::EncodeError,
    },
}

/// Makes a train of sources and their properties into the parts of a message, in any version. In versions 2.x arrays stay where they are; the
/// one part of version 1.0 has copies of them.
///
/// ```
/// use karabo_bridge::msgpack_numpy_codec::Array;
/// use karabo_bridge::{Timestamp, TrainWriter, Version};
///
/// let pixels = vec![0_u16; 512 * 1024];
/// let image = Array::from_slice(&[512, 1024], &pixels).unwrap();
/// let mut train = TrainWriter::new(Version::V2_2);
/// train.source("MID_EXP_SAM/CAM/SIDE:output");
/// train.stamp(10_000_000_001, Timestamp { sec: 1_700_000_000, frac: 0 })?;
/// train.value("image.encoding", "GRAY")?;
/// train.value("image.bitsPerPixel", 16)?;
/// train.list("image.dimensions", [512, 1024])?;
/// train.array("image.data", image.as_ref())?;
/// let parts = train.finish()?;
/// assert_eq!(parts.len(), 4);
/// assert!(core::ptr::eq(parts[3].as_ref(), image.data()));
/// # Ok::<(), karabo_bridge::EncodeError>(())
/// ```
///
/// A train that was read is written again, in the same version or another, item by item:
///
/// ```
/// use karabo_bridge::{TrainRef, TrainWriter, Version};
///
/// let parts = [b"\x81\xa1S\x82\xa1a\x07\xa8metadata\x80"];
/// let mut train = TrainWriter::new(Version::V2_2);
/// for item in TrainRef::decode(&parts)?.items() {
///     train.item(item.unwrap())?;
/// }
/// assert_eq!(train.finish()?[1].as_ref(), b"\x81\xa1a\x07");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrainWriter<'a> {
    version: Version,
    sources: Vec<Source<'a>>,
    /// Items that do not follow their source: its name, the path, and the item.
    strays: Vec<(&'a str, &'a str, Property<'a>)>,
    dummy: Option<Dummy>,
    limits: Limits,
}

#[derive(Clone, Debug)]
struct Source<'a> {
    name: Cow<'a, str>,
    metadata: Vec<(Cow<'a, str>, Told<'a>)>,
    properties: Vec<(Cow<'a, str>, Property<'a>)>,
    /// Which it was when it was begun.
    index: usize,
}

/// A value of metadata.
#[derive(Clone, Debug)]
enum Told<'a> {
    Value(ValueRef<'a>),
    Text(String),
    List(Vec<ValueRef<'a>>),
}

/// The same, borrowed.
#[derive(Clone, Copy)]
enum ToldRef<'s> {
    Value(ValueRef<'s>),
    List(&'s [ValueRef<'s>]),
}

impl Told<'_> {
    fn as_ref(&self) -> ToldRef<'_> {
        match self {
            Self::Value(value) => ToldRef::Value(*value),
            Self::Text(text) => ToldRef::Value(ValueRef::Str(text.as_bytes())),
            Self::List(items) => ToldRef::List(items),
        }
    }
}

#[derive(Clone, Debug)]
enum Property<'a> {
    Value(ValueRef<'a>),
    List(Vec<ValueRef<'a>>),
    Map(Vec<(Cow<'a, str>, ValueRef<'a>)>),
    Array(ArrayRef<'a>),
    Shared(&'a Array),
    Part(ArrayPart<'a>),
    Other(OtherPart<'a>),
}

/// A part of a message that was written.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "all that a part can be")]
pub enum Part<'a> {
    /// Bytes of its own: headers and properties.
    Own(Vec<u8>),
    /// Those of an array, where they are.
    Borrowed(&'a [u8]),
    /// Those of an array, shared.
    Shared(Bytes),
}

impl AsRef<[u8]> for Part<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl PartialEq for Part<'_> {
    /// By their bytes.
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Part<'_> {}

impl From<Part<'_>> for Bytes {
    /// Copies only what is borrowed.
    fn from(part: Part<'_>) -> Self {
        match part {
            Part::Own(bytes) => bytes.into(),
            Part::Borrowed(bytes) => Self::copy_from_slice(bytes),
            Part::Shared(bytes) => bytes,
        }
    }
}

impl<'a> TrainWriter<'a> {
    /// A train without sources yet, under [`Limits::DEFAULT`].
    #[must_use]
    pub const fn new(version: Version) -> Self {
        Self { version, sources: Vec::new(), strays: Vec::new(), dummy: None, limits: Limits::DEFAULT }
    }

    /// How deep values may be, and how many axes arrays may have.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Gives sources that have no `timestamp` one, with `timestamp.sec` and `timestamp.frac`: time since 1970, to the precision of a double,
    /// as the Python server does.
    #[must_use]
    pub fn with_dummy_timestamps(mut self, now: Duration) -> Self {
        self.dummy = Some(Dummy::new(now));
        self
    }

    /// Begins a source.
    pub fn source(&mut self, name: impl Into<Cow<'a, str>>) {
        let index = self.sources.len();
        self.sources.push(Source { name: name.into(), metadata: Vec::new(), properties: Vec::new(), index });
    }

    /// Tells something of the source that was begun last.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn metadata(
        &mut self,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<ValueRef<'a>>,
    ) -> Result<(), EncodeError> {
        self.tell(name, Told::Value(value.into()))
    }

    /// Tells a list of the source that was begun last, such as its `ignored_keys`.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn metadata_list(
        &mut self,
        name: impl Into<Cow<'a, str>>,
        items: impl IntoIterator<Item = impl Into<ValueRef<'a>>>,
    ) -> Result<(), EncodeError> {
        self.tell(name, Told::List(items.into_iter().map(Into::into).collect()))
    }

    /// Tells of the source that was begun last what servers tell and clients look for: `source`, `timestamp`, `timestamp.tid`,
    /// `timestamp.sec` and `timestamp.frac`, these two as texts.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn stamp(&mut self, tid: u64, time: Timestamp) -> Result<(), EncodeError> {
        let name = self.sources.last().ok_or(EncodeError::NoSource)?.name.clone().into_owned();
        let seconds = time.sec as f64 + time.frac as f64 / 1e18;
        self.tell("source", Told::Text(name))?;
        self.tell("timestamp", Told::Value(ValueRef::F64(seconds)))?;
        self.tell("timestamp.tid", Told::Value(tid.into()))?;
        self.tell("timestamp.sec", Told::Text(time.sec.to_string()))?;
        self.tell("timestamp.frac", Told::Text(alloc::format!("{:018}", time.frac)))
    }

    fn tell(&mut self, name: impl Into<Cow<'a, str>>, told: Told<'a>) -> Result<(), EncodeError> {
        self.sources.last_mut().ok_or(EncodeError::NoSource)?.metadata.push((name.into(), told));
        Ok(())
    }

    /// A property of the source that was begun last. Arrays in lists and maps stay there; those by themselves are for
    /// [`array`](Self::array), and taken here, too.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn value(&mut self, path: impl Into<Cow<'a, str>>, value: impl Into<ValueRef<'a>>) -> Result<(), EncodeError> {
        let value = value.into();
        let property = if let ValueRef::Array(array) = value { Property::Array(array) } else { Property::Value(value) };
        self.property(path, property)
    }

    /// A list, as a property of the source that was begun last.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn list(
        &mut self,
        path: impl Into<Cow<'a, str>>,
        items: impl IntoIterator<Item = impl Into<ValueRef<'a>>>,
    ) -> Result<(), EncodeError> {
        self.property(path, Property::List(items.into_iter().map(Into::into).collect()))
    }

    /// A map, as a property of the source that was begun last.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn map(
        &mut self,
        path: impl Into<Cow<'a, str>>,
        entries: impl IntoIterator<Item = (Cow<'a, str>, ValueRef<'a>)>,
    ) -> Result<(), EncodeError> {
        self.property(path, Property::Map(entries.into_iter().collect()))
    }

    /// An array of the source that was begun last: a part of its own in versions 2.x.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn array(&mut self, path: impl Into<Cow<'a, str>>, array: ArrayRef<'a>) -> Result<(), EncodeError> {
        self.property(path, Property::Array(array))
    }

    /// The same, and its part shares its bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn shared(&mut self, path: impl Into<Cow<'a, str>>, array: &'a Array) -> Result<(), EncodeError> {
        self.property(path, Property::Shared(array))
    }

    /// What is in a train that was read: a source with its metadata and properties, or an array of a source that was begun, with its dtype
    /// as it came and what is told of an image, or a pair that is not known, as it came. Metadata that stands in the header and once more among
    /// the properties is written once, but in version 2.2; fields of headers that are not known are not written.
    ///
    /// Of a source whose properties were lost there may be arrays: whoever wants them begins it by its name,
    /// [`PartError::source_name`](crate::PartError::source_name), in place of the error.
    ///
    /// # Errors
    ///
    /// None now; [`finish`](Self::finish) finds arrays whose source was not begun.
    pub fn item(&mut self, item: Item<'a>) -> Result<(), EncodeError> {
        let (name, path, property) = match item {
            Item::Source(source) => {
                self.source(source.name());
                source.metadata().entries().try_for_each(|(name, value)| self.metadata(name, value))?;
                let twice = source.version() == Some(Version::V2_2) && self.version != Version::V2_2;
                let mut properties = source.properties().filter(|(path, value)| !(twice && is_metadata(path, *value)));
                return properties.try_for_each(|(path, value)| self.value(path, value));
            }
            Item::Array(part) => (part.source(), part.path(), Property::Part(part)),
            // One without a path has the name of none.
            Item::Other(part) => (part.source(), part.path().unwrap_or_default(), Property::Other(part)),
        };
        match self.sources.last_mut().filter(|source| source.name == name) {
            Some(source) => source.properties.push((path.into(), property)),
            None => self.strays.push((name, path, property)),
        }
        Ok(())
    }

    /// Gives strays to their sources.
    fn gather(&mut self) -> Result<(), EncodeError> {
        if self.strays.is_empty() {
            return Ok(());
        }
        let mut by_name: Vec<_> = (0..self.sources.len()).collect();
        by_name.sort_by(|a, b| self.name(*a).cmp(&self.name(*b)));
        for (source, path, property) in core::mem::take(&mut self.strays) {
            let found = by_name.binary_search_by(|at| self.name(*at).cmp(&Some(source)));
            let at = found.ok().and_then(|found| by_name.get(found).copied()).ok_or(EncodeError::NoSource)?;
            self.sources.get_mut(at).ok_or(EncodeError::NoSource)?.properties.push((path.into(), property));
        }
        Ok(())
    }

    fn name(&self, at: usize) -> Option<&str> {
        self.sources.get(at).map(|source| &*source.name)
    }

    fn property(&mut self, path: impl Into<Cow<'a, str>>, property: Property<'a>) -> Result<(), EncodeError> {
        self.sources.last_mut().ok_or(EncodeError::NoSource)?.properties.push((path.into(), property));
        Ok(())
    }

    /// The parts of the message; `into_iter().map(Bytes::from)` for a socket that takes these, which copies arrays that are borrowed.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn finish(mut self) -> Result<Vec<Part<'a>>, EncodeError> {
        self.gather()?;
        self.check()?;
        match self.version {
            Version::V1_0 => Ok(alloc::vec![Part::Own(self.single()?)]),
            _ if self.sources.is_empty() => Err(EncodeError::NoSources),
            Version::V2_0 | Version::V2_1 => self.pairs(),
            Version::V2_2 => {
                self.sources.sort_by(|a, b| a.name.cmp(&b.name));
                self.pairs()
            }
        }
    }

    /// Names are there once.
    fn check(&self) -> Result<(), EncodeError> {
        if let Some(index) = twice(self.sources.iter().map(|source| &*source.name)) {
            return Err(EncodeError::DuplicateSource { index });
        }
        for (index, source) in self.sources.iter().enumerate() {
            let known = source.properties.iter().filter(|(_, property)| !matches!(property, Property::Other(_)));
            let paths = twice(known.map(|(path, _)| &**path));
            let names = twice(source.metadata.iter().map(|(name, _)| &**name));
            if let Some(property) = paths.or(names) {
                return Err(EncodeError::DuplicatePath { index, property });
            }
            if let Some(property) = self.reserved(source) {
                return Err(EncodeError::Reserved { index, property });
            }
        }
        Ok(())
    }

    /// The property that has the place of metadata, and would be read as that.
    fn reserved(&self, source: &Source<'_>) -> Option<usize> {
        source.properties.iter().position(|(path, property)| match self.version {
            Version::V1_0 | Version::V2_0 => path == METADATA,
            Version::V2_1 => path.starts_with(PREFIX) || path == METADATA && property.is_map(),
            Version::V2_2 => false,
        })
    }

    /// Entries of metadata, and the timestamp that is made up.
    fn entries<'s>(&'s self, source: &'s Source<'_>) -> Vec<(&'s str, ToldRef<'s>)> {
        let mut entries: Vec<_> = source.metadata.iter().map(|(name, told)| (&**name, told.as_ref())).collect();
        if let Some(dummy) = &self.dummy {
            dummy.complete(&mut entries);
        }
        entries
    }
}

impl core::str::FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(name: &str) -> Result<Self, UnknownVersion> {
        let all = [Self::V1_0, Self::V2_0, Self::V2_1, Self::V2_2];
        all.into_iter().find(|version| version.as_str() == name).ok_or(UnknownVersion)
    }
}

/// Where metadata is in versions 1.0 and 2.0.
const METADATA: &str = "metadata";

impl Property<'_> {
    const fn is_map(&self) -> bool {
        matches!(self, Self::Map(_) | Self::Value(ValueRef::Map(_) | ValueRef::Faulty(..)))
    }
}

/// Whether a property is what other versions have metadata in.
fn is_metadata(path: &str, value: ValueRef<'_>) -> bool {
    path == METADATA && Property::Value(value).is_map()
}

/// The second of two equal names.
fn twice<'n>(names: impl Iterator<Item = &'n str>) -> Option<usize> {
    let mut sorted: Vec<_> = names.zip(0..).collect();
    sorted.sort_unstable();
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    pairs.filter(|(one, next)| one.0 == next.0).map(|(_, next)| next.1).min()
}

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use msgpack_numpy_codec::{self as msgpack, Array, ArrayRef, ScalarRef, ValueRef, Writer};

use crate::metadata::{PREFIX, Timestamp};
use crate::source::Version;

/// Why a train was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A train without sources has no parts in versions 2.x, and no message can be that.
    #[error("a train without sources")]
    NoSources,
    /// A property before the first source.
    #[error("a property before the first source")]
    NoSource,
    /// A source with a name that another has.
    #[error("source {index} has the name of another")]
    DuplicateSource {
        /// Which, in the order they were begun.
        index: usize,
    },
    /// A source with two properties of one path, or two entries of metadata of one name.
    #[error("source {index} has a property twice")]
    DuplicatePath {
        /// Which, in the order they were begun.
        index: usize,
    },
    /// A scalar that is no number: versions 2.x have no scalars of numpy.
    #[error("source {index} has a scalar that is no number")]
    Scalar {
        /// Which, in the order they were begun.
        index: usize,
    },
    /// A value that MessagePack has not.
    #[error(transparent)]
    Value(#[from] msgpack::EncodeError),
}

/// Makes a train of sources and their properties into the parts of a message, in any version; arrays stay where they are.
///
/// ```
/// use karabo_bridge::msgpack_numpy_codec::{Array, ValueRef};
/// use karabo_bridge::{TrainWriter, Version};
///
/// let pixels = vec![0_u16; 512 * 1024];
/// let image = Array::from_slice(&[512, 1024], &pixels).unwrap();
/// let mut train = TrainWriter::new(Version::V2_2);
/// train.source("MID_DET_AGIPD1M-1/DET/0CH0:xtdf");
/// train.metadata("timestamp.tid", ValueRef::UInt(10_000_000_001))?;
/// train.value("header.pulseCount", ValueRef::Int(64))?;
/// train.array("image.data", image.as_ref())?;
/// let parts = train.finish()?;
/// assert_eq!(parts.len(), 4);
/// assert!(core::ptr::eq(parts[3].as_ref(), image.data()));
/// # Ok::<(), karabo_bridge::EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrainWriter<'a> {
    version: Version,
    sources: Vec<Source<'a>>,
    dummy: Option<Dummy>,
}

#[derive(Clone, Debug)]
struct Source<'a> {
    name: &'a str,
    metadata: Vec<(&'a str, ValueRef<'a>)>,
    properties: Vec<(&'a str, Property<'a>)>,
}

#[derive(Clone, Debug)]
enum Property<'a> {
    Value(ValueRef<'a>),
    Array(ArrayRef<'a>),
    Shared(&'a Array),
}

/// The timestamp of sources that have none.
#[derive(Clone, Debug)]
struct Dummy {
    seconds: f64,
    sec: String,
    frac: String,
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
    /// A train without sources yet.
    #[must_use]
    pub const fn new(version: Version) -> Self {
        Self { version, sources: Vec::new(), dummy: None }
    }

    /// Gives sources that have no `timestamp` one, with `timestamp.sec` and `timestamp.frac`: time since 1970, to the precision of a double,
    /// as the Python server does.
    #[must_use]
    pub fn with_dummy_timestamps(mut self, now: Duration) -> Self {
        let time = Timestamp { sec: now.as_secs(), frac: u64::from(now.subsec_nanos()).saturating_mul(1_000_000_000) };
        self.dummy = Some(Dummy {
            seconds: now.as_secs_f64(),
            sec: alloc::format!("{}", time.sec),
            frac: alloc::format!("{:018}", time.frac),
        });
        self
    }

    /// Begins a source.
    pub fn source(&mut self, name: &'a str) {
        self.sources.push(Source { name, metadata: Vec::new(), properties: Vec::new() });
    }

    /// Tells something of the source that was begun last.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn metadata(&mut self, name: &'a str, value: ValueRef<'a>) -> Result<(), EncodeError> {
        self.sources.last_mut().ok_or(EncodeError::NoSource)?.metadata.push((name, value));
        Ok(())
    }

    /// A property of the source that was begun last. Arrays in lists and maps stay there; those by themselves are for
    /// [`array`](Self::array), and taken here, too.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn value(&mut self, path: &'a str, value: ValueRef<'a>) -> Result<(), EncodeError> {
        let property = if let ValueRef::Array(array) = value { Property::Array(array) } else { Property::Value(value) };
        self.property(path, property)
    }

    /// An array of the source that was begun last: a part of its own in versions 2.x.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn array(&mut self, path: &'a str, array: ArrayRef<'a>) -> Result<(), EncodeError> {
        self.property(path, Property::Array(array))
    }

    /// The same, and its part shares its bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NoSource`].
    pub fn shared(&mut self, path: &'a str, array: &'a Array) -> Result<(), EncodeError> {
        self.property(path, Property::Shared(array))
    }

    fn property(&mut self, path: &'a str, property: Property<'a>) -> Result<(), EncodeError> {
        self.sources.last_mut().ok_or(EncodeError::NoSource)?.properties.push((path, property));
        Ok(())
    }

    /// The parts of the message.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn finish(mut self) -> Result<Vec<Part<'a>>, EncodeError> {
        self.check()?;
        match self.version {
            Version::V1_0 => Ok(alloc::vec![Part::Own(self.single()?)]),
            _ if self.sources.is_empty() => Err(EncodeError::NoSources),
            Version::V2_0 | Version::V2_1 => self.pairs(),
            Version::V2_2 => {
                self.sources.sort_by_key(|source| source.name);
                self.pairs()
            }
        }
    }

    /// Names are there once.
    fn check(&self) -> Result<(), EncodeError> {
        if let Some(index) = twice(self.sources.iter().map(|source| source.name)) {
            return Err(EncodeError::DuplicateSource { index });
        }
        for (index, source) in self.sources.iter().enumerate() {
            let paths = twice(source.properties.iter().map(|(path, _)| *path));
            if paths.or_else(|| twice(source.metadata.iter().map(|(name, _)| *name))).is_some() {
                return Err(EncodeError::DuplicatePath { index });
            }
        }
        Ok(())
    }

    /// Version 1.0: a map of maps.
    fn single(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Writer::new();
        out.map(count(self.sources.len())?)?;
        for source in &self.sources {
            out.str(source.name)?;
            out.map(count(source.properties.len().saturating_add(1))?)?;
            for (path, property) in &source.properties {
                out.str(path)?;
                match property {
                    Property::Value(value) => out.value(*value)?,
                    Property::Array(array) => out.array(*array)?,
                    Property::Shared(array) => out.array(array.as_ref())?,
                }
            }
            out.str("metadata")?;
            self.write_metadata(source, &mut out)?;
        }
        Ok(out.finish()?.to_vec())
    }

    fn pairs(self) -> Result<Vec<Part<'a>>, EncodeError> {
        let mut parts = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            parts.push(Part::Own(self.header(source)?));
            parts.push(Part::Own(self.data(index, source)?));
            for (path, property) in &source.properties {
                let (array, part) = match property {
                    Property::Value(_) => continue,
                    Property::Array(array) => (*array, Part::Borrowed(array.data())),
                    Property::Shared(array) => (array.as_ref(), Part::Shared(array.bytes().clone())),
                };
                parts.push(Part::Own(array_header(source.name, path, array)?));
                parts.push(part);
            }
        }
        Ok(parts)
    }

    fn header(&self, source: &Source<'_>) -> Result<Vec<u8>, EncodeError> {
        let mut out = Writer::new();
        let with_metadata = self.version == Version::V2_2;
        out.map(if with_metadata { 3 } else { 2 })?;
        out.str("source")?;
        out.str(source.name)?;
        out.str("content")?;
        out.str("msgpack")?;
        if with_metadata {
            out.str("metadata")?;
            self.write_metadata(source, &mut out)?;
        }
        Ok(out.finish()?.to_vec())
    }

    /// The properties of a source but for its arrays.
    fn data(&self, index: usize, source: &Source<'_>) -> Result<Vec<u8>, EncodeError> {
        let mut out = Writer::new();
        let values = source.properties.iter().filter_map(|(path, property)| match property {
            Property::Value(value) => Some((path, value)),
            Property::Array(_) | Property::Shared(_) => None,
        });
        let metadata = match self.version {
            Version::V2_0 => 1,
            Version::V2_1 => self.entries(source).count(),
            Version::V1_0 | Version::V2_2 => 0,
        };
        out.map(count(values.clone().count().saturating_add(metadata))?)?;
        for (path, value) in values {
            out.str(path)?;
            if let ValueRef::Scalar(scalar) = value {
                number(*scalar, &mut out).ok_or(EncodeError::Scalar { index })??;
            } else {
                out.value(*value)?;
            }
        }
        match self.version {
            Version::V2_0 => {
                out.str("metadata")?;
                self.write_metadata(source, &mut out)?;
            }
            Version::V2_1 => {
                for (name, value) in self.entries(source) {
                    out.str(&alloc::format!("{PREFIX}{name}"))?;
                    out.value(value)?;
                }
            }
            Version::V1_0 | Version::V2_2 => {}
        }
        Ok(out.finish()?.to_vec())
    }

    /// Entries of metadata, and the timestamp that is made up.
    fn entries<'s>(&'s self, source: &'s Source<'_>) -> impl Iterator<Item = (&'s str, ValueRef<'s>)> + Clone {
        let has = source.metadata.iter().any(|(name, _)| *name == "timestamp");
        let dummy = self.dummy.iter().filter(move |_| !has).flat_map(|dummy| {
            [
                ("timestamp", ValueRef::F64(dummy.seconds)),
                ("timestamp.sec", ValueRef::Str(dummy.sec.as_bytes())),
                ("timestamp.frac", ValueRef::Str(dummy.frac.as_bytes())),
            ]
        });
        source.metadata.iter().copied().chain(dummy)
    }

    fn write_metadata<'s>(&'s self, source: &'s Source<'_>, out: &mut Writer<'s>) -> Result<(), EncodeError> {
        let entries = self.entries(source);
        out.map(count(entries.clone().count())?)?;
        for (name, value) in entries {
            out.str(name)?;
            out.value(value)?;
        }
        Ok(())
    }
}

fn array_header(source: &str, path: &str, array: ArrayRef<'_>) -> Result<Vec<u8>, EncodeError> {
    let mut out = Writer::new();
    out.map(5)?;
    for (name, value) in [("source", source), ("content", "array"), ("path", path)] {
        out.str(name)?;
        out.str(value)?;
    }
    out.str("dtype")?;
    out.str(&alloc::format!("{}", array.dtype().name()))?;
    out.str("shape")?;
    out.list(count(array.shape().len())?)?;
    for axis in array.shape().iter() {
        out.uint(axis)?;
    }
    Ok(out.finish()?.to_vec())
}

/// A scalar as a plain number; `None` if it is none.
fn number(scalar: ScalarRef<'_>, out: &mut Writer<'_>) -> Option<Result<(), msgpack::EncodeError>> {
    macro_rules! first {
        ($($type:ty => $write:ident,)*) => {
            $(if let Some(value) = scalar.get::<$type>() {
                return Some(out.$write(value.into()));
            })*
        };
    }
    first! {
        bool => bool, i8 => int, i16 => int, i32 => int, i64 => int, u8 => uint, u16 => uint, u32 => uint, u64 => uint, f32 => f64, f64 => f64,
    }
    None
}

fn count(len: usize) -> Result<u32, EncodeError> {
    u32::try_from(len).map_err(|_| msgpack::EncodeError::TooLong { len: len as u64 }.into())
}

/// The second of two equal names.
fn twice<'n>(names: impl Iterator<Item = &'n str>) -> Option<usize> {
    let mut sorted: Vec<_> = names.zip(0..).collect();
    sorted.sort_unstable();
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    pairs.filter(|(one, next)| one.0 == next.0).map(|(_, next)| next.1).min()
}

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use msgpack_numpy_codec::{self as msgpack, ArrayRef, DTypeRef, MapRef, ShapeRef, ValueRef, Writer};

use super::{EncodeError, METADATA, Part, Property, Source, ToldRef, TrainWriter};
use crate::metadata::PREFIX;
use crate::number::number;
use crate::source::Version;

impl<'a> TrainWriter<'a> {
    /// Version 1.0: a map of maps.
    pub(super) fn single(&self) -> Result<Vec<u8>, EncodeError> {
        let limits = self.limits.values();
        let mut out = Writer::with_limits(limits);
        let of = |index| move |error| EncodeError::Value { index, error };
        let count = |len| u32::try_from(len).map_err(|_| too_long(0, len));
        out.map(count(self.sources.len())?).map_err(of(0))?;
        // Dtypes that are made of a text have to stay somewhere.
        let owned: Vec<Vec<_>> =
            self.sources.iter().map(|source| source.properties.iter().map(to_array).collect()).collect();
        for (source, owned) in self.sources.iter().zip(&owned) {
            let (index, of) = (source.index, of(source.index));
            out.str(&source.name).map_err(of)?;
            let len = source.properties.len().saturating_add(1);
            out.map(u32::try_from(len).map_err(|_| too_long(index, len))?).map_err(of)?;
            for (property, ((path, value), owned)) in source.properties.iter().zip(owned).enumerate() {
                out.str(path).map_err(of)?;
                match (value, owned) {
                    (Property::Value(ValueRef::Scalar(scalar)), _) => match scalar.get::<f64>() {
                        // Python's own float, and packed as that.
                        Some(value) => out.f64(value),
                        None => out.scalar(*scalar),
                    },
                    (Property::Value(value), _) => out.value(*value),
                    (Property::List(items), _) => list(items, &mut out),
                    (Property::Map(entries), _) => map(entries, &mut out),
                    (Property::Array(array), _) => out.array(*array),
                    (Property::Shared(array), _) => out.array(array.as_ref()),
                    // What is told of an image has no place.
                    (Property::Part(part), Some(array)) if part.params().is_none() => out.array(array.as_ref()),
                    (Property::Part(_) | Property::Other(_), _) => {
                        return Err(EncodeError::Unsupported { index, property });
                    }
                }
                .map_err(of)?;
            }
            out.str(METADATA).map_err(of)?;
            self.write_metadata(source, &mut out)?;
        }
        Ok(out.finish().map_err(of(0))?.to_vec())
    }

    /// Versions 2.x: each source, and behind it each of its arrays.
    pub(super) fn pairs(self) -> Result<Vec<Part<'a>>, EncodeError> {
        let mut parts = Vec::new();
        for source in &self.sources {
            parts.push(Part::Own(self.header(source)?));
            parts.push(Part::Own(self.data(source)?));
            for (property, (path, value)) in source.properties.iter().enumerate() {
                let (header, part) = match value {
                    Property::Value(_) | Property::List(_) | Property::Map(_) => continue,
                    Property::Other(other) => (other.header().to_vec(), Part::Borrowed(other.data())),
                    Property::Part(array) => {
                        let dtype = Cow::Borrowed(array.dtype().as_str());
                        (
                            self.array_header(source, path, &dtype, array.shape(), array.params())?,
                            Part::Borrowed(array.data()),
                        )
                    }
                    Property::Array(array) => {
                        (self.plain_header(source, property, path, *array)?, Part::Borrowed(array.data()))
                    }
                    Property::Shared(array) => (
                        self.plain_header(source, property, path, array.as_ref())?,
                        Part::Shared(array.bytes().clone()),
                    ),
                };
                parts.push(Part::Own(header));
                parts.push(part);
            }
        }
        Ok(parts)
    }

    fn header(&self, source: &Source<'_>) -> Result<Vec<u8>, EncodeError> {
        let of = |error| EncodeError::Value { index: source.index, error };
        let mut out = Writer::with_limits(self.limits.values());
        let with_metadata = self.version == Version::V2_2;
        out.map(if with_metadata { 3 } else { 2 }).map_err(of)?;
        for text in ["source", &source.name, "content", "msgpack"] {
            out.str(text).map_err(of)?;
        }
        if with_metadata {
            out.str(METADATA).map_err(of)?;
            self.write_metadata(source, &mut out)?;
        }
        Ok(out.finish().map_err(of)?.to_vec())
    }

    /// The properties of a source but for its arrays.
    fn data(&self, source: &Source<'_>) -> Result<Vec<u8>, EncodeError> {
        let index = source.index;
        let of = |error| EncodeError::Value { index, error };
        let mut out = Writer::with_limits(self.limits.values());
        let is_value =
            |property: &Property<'_>| matches!(property, Property::Value(_) | Property::List(_) | Property::Map(_));
        let entries = self.entries(source);
        let metadata = match self.version {
            Version::V2_0 => 1,
            Version::V2_1 => entries.len(),
            Version::V1_0 | Version::V2_2 => 0,
        };
        let values = source.properties.iter().filter(|(_, property)| is_value(property)).count();
        let len = values.saturating_add(metadata);
        out.map(u32::try_from(len).map_err(|_| too_long(index, len))?).map_err(of)?;
        for (property, (path, value)) in source.properties.iter().enumerate() {
            if is_value(value) {
                out.str(path).map_err(of)?;
            }
            match value {
                Property::Value(value) => {
                    let value = plain(*value).ok_or(EncodeError::Scalar { index, property })?;
                    out.value(value).map_err(of)?;
                }
                Property::List(items) => list(items, &mut out).map_err(of)?,
                Property::Map(entries) => map(entries, &mut out).map_err(of)?,
                Property::Array(_) | Property::Shared(_) | Property::Part(_) | Property::Other(_) => {}
            }
        }
        match self.version {
            Version::V2_0 => {
                out.str(METADATA).map_err(of)?;
                self.write_metadata(source, &mut out)?;
            }
            Version::V2_1 => {
                for (property, (name, told)) in entries.into_iter().enumerate() {
                    let name: String = [PREFIX, name].concat();
                    out.str(&name).map_err(of)?;
                    self.write_told(index, property, told, &mut out)?;
                }
            }
            Version::V1_0 | Version::V2_2 => {}
        }
        Ok(out.finish().map_err(of)?.to_vec())
    }

    fn write_metadata<'s>(&'s self, source: &'s Source<'_>, out: &mut Writer<'s>) -> Result<(), EncodeError> {
        let index = source.index;
        let of = |error| EncodeError::Value { index, error };
        let entries = self.entries(source);
        out.map(u32::try_from(entries.len()).map_err(|_| too_long(index, entries.len()))?).map_err(of)?;
        for (property, (name, told)) in entries.into_iter().enumerate() {
            out.str(name).map_err(of)?;
            self.write_told(index, property, told, out)?;
        }
        Ok(())
    }

    fn write_told<'s>(
        &self,
        index: usize,
        property: usize,
        told: ToldRef<'s>,
        out: &mut Writer<'s>,
    ) -> Result<(), EncodeError> {
        let written = match (self.version, told) {
            (_, ToldRef::List(items)) => list(items, out),
            (Version::V1_0, ToldRef::Value(ValueRef::Scalar(scalar))) => match scalar.get::<f64>() {
                Some(value) => out.f64(value),
                None => out.scalar(scalar),
            },
            (Version::V1_0, ToldRef::Value(value)) => out.value(value),
            (_, ToldRef::Value(value)) => out.value(plain(value).ok_or(EncodeError::Scalar { index, property })?),
        };
        written.map_err(|error| EncodeError::Value { index, error })
    }

    fn plain_header(
        &self,
        source: &Source<'_>,
        property: usize,
        path: &str,
        array: ArrayRef<'_>,
    ) -> Result<Vec<u8>, EncodeError> {
        let dtype = if let DTypeRef::Opaque(opaque) = array.dtype() {
            Cow::Borrowed(opaque.as_str().ok_or(EncodeError::Unsupported { index: source.index, property })?)
        } else {
            Cow::Owned(array.dtype().name().to_string())
        };
        self.array_header(source, path, &dtype, array.shape(), None)
    }

    fn array_header(
        &self,
        source: &Source<'_>,
        path: &str,
        dtype: &str,
        shape: ShapeRef<'_>,
        params: Option<MapRef<'_>>,
    ) -> Result<Vec<u8>, EncodeError> {
        let of = |error| EncodeError::Value { index: source.index, error };
        let max = self.limits.axes();
        if shape.len() > max.into() {
            return Err(of(msgpack::EncodeError::LimitExceeded { limit: msgpack::Limit::MaxAxes, max: max.into() }));
        }
        let mut out = Writer::with_limits(self.limits.values());
        let content = if params.is_some() { "ImageData" } else { "array" };
        out.map(if params.is_some() { 6 } else { 5 }).map_err(of)?;
        for text in ["source", &source.name, "content", content, "path", path, "dtype", dtype, "shape"] {
            out.str(text).map_err(of)?;
        }
        out.list(u32::try_from(shape.len()).map_err(|_| too_long(source.index, shape.len()))?).map_err(of)?;
        shape.iter().try_for_each(|axis| out.uint(axis)).map_err(of)?;
        if let Some(params) = params {
            out.str("params").map_err(of)?;
            out.value(ValueRef::Map(params)).map_err(of)?;
        }
        Ok(out.finish().map_err(of)?.to_vec())
    }
}

const fn too_long(index: usize, len: usize) -> EncodeError {
    EncodeError::Value { index, error: msgpack::EncodeError::TooLong { len: len as u64 } }
}

/// With a plain number in place of a scalar.
fn plain(value: ValueRef<'_>) -> Option<ValueRef<'_>> {
    if let ValueRef::Scalar(scalar) = value { number(scalar) } else { Some(value) }
}

/// An array of a part, if its dtype is understood.
fn to_array<'a>((_, property): &(Cow<'a, str>, Property<'a>)) -> Option<msgpack::Array<&'a [u8]>> {
    if let Property::Part(part) = property { part.to_array() } else { None }
}

fn list<'s>(items: &'s [ValueRef<'_>], out: &mut Writer<'s>) -> Result<(), msgpack::EncodeError> {
    out.list(u32::try_from(items.len()).map_err(|_| msgpack::EncodeError::TooLong { len: items.len() as u64 })?)?;
    items.iter().try_for_each(|item| out.value(*item))
}

fn map<'s>(entries: &'s [(Cow<'_, str>, ValueRef<'_>)], out: &mut Writer<'s>) -> Result<(), msgpack::EncodeError> {
    let len = entries.len();
    out.map(u32::try_from(len).map_err(|_| msgpack::EncodeError::TooLong { len: len as u64 })?)?;
    entries.iter().try_for_each(|(key, value)| {
        out.str(key)?;
        out.value(*value)
    })
}

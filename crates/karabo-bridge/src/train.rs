use core::fmt;

use bytes::Bytes;
use msgpack_numpy_codec::{Limits as ValueLimits, MapRef, Reader, ShapeRef, Token};

use crate::array::{ArrayPart, DTypeText, OtherPart};
use crate::error::{DecodeError, DecodeErrorKind, Limit, PartError, What};
use crate::header::{Content, Header, Refused, behind, is_pickle, text};
use crate::limits::Limits;
use crate::owned::Train;
use crate::source::{SourceRef, Version};

/// What comes out of a socket.
#[non_exhaustive]
pub enum MessageRef<'a, P> {
    /// A train.
    Train(TrainRef<'a, P>),
    /// What a server says to a bad request, `Error: bad request …`: bytes, since it repeats the request.
    Error(&'a [u8]),
}

/// A train of data, where it lies: sources with their properties, in the parts of a message.
///
/// It is read while it is iterated over. Parts with faults are errors, and cost no others.
pub struct TrainRef<'a, P> {
    parts: &'a [P],
    limits: Limits,
}

impl<P> Clone for MessageRef<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for MessageRef<'_, P> {}

impl<P> fmt::Debug for MessageRef<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Train(train) => train.fmt(f),
            Self::Error(reply) => write!(f, "Error({:?})", reply.escape_ascii()),
        }
    }
}

impl<P> Clone for TrainRef<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for TrainRef<'_, P> {}

impl<P> fmt::Debug for TrainRef<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrainRef({} parts)", self.parts.len())
    }
}

/// Something in a train.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// A source, with its properties but for arrays that have parts of their own, which follow.
    Source(SourceRef<'a>),
    /// An array of a source.
    Array(ArrayPart<'a>),
    /// Something of a source that is not known.
    Other(OtherPart<'a>),
}

impl<'a> Item<'a> {
    /// A header and what is behind it, under limits of the caller's: for who gets a message part by part. `part` is the number that errors
    /// give the header.
    ///
    /// # Errors
    ///
    /// What is wrong with the pair. That its source was not there before is for the caller to know.
    pub fn decode_with(part: u32, header: &'a [u8], data: &'a [u8], limits: &Limits) -> Result<Self, PartError<'a>> {
        pair(part, header, data, limits, |item| item)
    }
}

impl<'a, P: AsRef<[u8]>> MessageRef<'a, P> {
    /// Looks at the parts of a message, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// As [`decode_with`](Self::decode_with).
    pub fn decode(parts: &'a [P]) -> Result<Self, DecodeError> {
        Self::decode_with(parts, &Limits::DEFAULT)
    }

    /// Looks at the parts of a message, under limits of the caller's.
    ///
    /// # Errors
    ///
    /// No parts, too many, and, where there is only one, anything that is wrong with its MessagePack: then there is nothing to be had of it.
    pub fn decode_with(parts: &'a [P], limits: &Limits) -> Result<Self, DecodeError> {
        match parts {
            [part] if part.as_ref().starts_with(b"Error:") => Ok(Self::Error(part.as_ref())),
            _ => TrainRef::decode_with(parts, limits).map(Self::Train),
        }
    }
}

impl<P> TrainRef<'_, P> {
    pub(crate) const fn limits(self) -> Limits {
        self.limits
    }
}

impl<'a, P: AsRef<[u8]>> TrainRef<'a, P> {
    /// The parts of a train, under [`Limits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// As [`decode_with`](Self::decode_with).
    pub fn decode(parts: &'a [P]) -> Result<Self, DecodeError> {
        Self::decode_with(parts, &Limits::DEFAULT)
    }

    /// The parts of a train, under limits of the caller's: where nobody asked, none are error replies.
    ///
    /// # Errors
    ///
    /// No parts, too many, and, where there is only one, anything that is wrong with its MessagePack: then there is nothing to be had of it.
    pub fn decode_with(parts: &'a [P], limits: &Limits) -> Result<Self, DecodeError> {
        if parts.is_empty() {
            return Err(DecodeError::new(DecodeErrorKind::NoParts, 0, 0, What::Message));
        }
        let met = parts.len() as u64;
        if met > limits.max_parts.into() {
            return Err(DecodeError::over(Limit::MaxParts, met, limits.max_parts.into(), 0, 0, What::Message));
        }
        if let [part] = parts {
            single(part.as_ref(), limits)?;
        }
        Ok(Self { parts, limits: *limits })
    }

    /// The parts of the message.
    #[must_use]
    pub const fn parts(self) -> &'a [P] {
        self.parts
    }

    /// The version, as the first source with metadata tells it; `None` if none has.
    #[must_use]
    pub fn version(self) -> Option<Version> {
        if let [_] = self.parts {
            return Some(Version::V1_0);
        }
        self.items().find_map(|item| if let Ok(Item::Source(source)) = item { source.version() } else { None })
    }

    /// The number of the train: that of the first source which knows it. Servers that do not know send 0, which counts as none.
    #[must_use]
    pub fn tid(self) -> Option<u64> {
        self.tids().next()
    }

    /// Whether sources say that they are of different trains. Nothing in the protocol forbids it.
    #[must_use]
    pub fn is_mixed(self) -> bool {
        let mut tids = self.tids();
        let first = tids.next();
        tids.any(|tid| Some(tid) != first)
    }

    fn tids(self) -> impl Iterator<Item = u64> {
        let of = |item| if let Ok(Item::Source(source)) = item { source.metadata().tid() } else { None };
        self.items().filter_map(of).filter(|tid| *tid != 0)
    }

    /// A train of its own, whose parts are copies of these.
    #[must_use]
    pub fn into_owned(self) -> Train {
        let parts = self.parts.iter().map(|part| Bytes::copy_from_slice(part.as_ref())).collect();
        Train::new(parts, self.limits)
    }

    /// Whether it is one part: version 1.0.
    pub(crate) const fn is_single(self) -> bool {
        self.parts.len() == 1
    }

    pub(crate) const fn new(parts: &'a [P], limits: Limits) -> Self {
        Self { parts, limits }
    }

    /// A part, if it is there.
    pub(crate) fn part(self, part: u32) -> &'a [u8] {
        self.parts.get(part as usize).map(AsRef::as_ref).unwrap_or_default()
    }

    /// What is in a pair, or begins there in the only part, whatever is before it.
    pub(crate) fn at(self, part: u32, at: u64) -> Result<Item<'a>, PartError<'a>> {
        if let [single] = self.parts {
            let rest = usize::try_from(at).ok().and_then(|at| single.as_ref().get(at..)).unwrap_or_default();
            return entry(&mut Reader::new(rest), &self.limits).map(Item::Source);
        }
        pair(part, self.part(part), self.part(part.saturating_add(1)), &self.limits, |item| item)
    }

    /// What is in it, in the order of the parts, and what is wrong with those that are not. Nothing is allocated, but for dtypes with
    /// fields.
    ///
    /// A source twice, or a property, and an array whose source is somewhere else, are for the
    /// [`TrainIndex`](crate::TrainIndex) to find.
    #[must_use]
    pub fn items(self) -> Items<'a, P> {
        let single = match self.parts {
            [part] => {
                let mut reader = Reader::new(part.as_ref());
                match reader.token() {
                    Ok(Token::Map(len)) => Some((reader, len)),
                    _ => None,
                }
            }
            _ => None,
        };
        Items { train: self, next: 0, begun: false, single }
    }
}

/// Checks the only part of a version 1.0 message.
fn single(part: &[u8], limits: &Limits) -> Result<(), DecodeError> {
    if is_pickle(part) {
        return Err(DecodeError::new(DecodeErrorKind::Pickle, 0, 0, What::Message));
    }
    let map = whole_map(part, limits).map_err(|error| of(&error, 0, 0, What::Message, limits))?;
    if map.len() as u64 > limits.max_parts.into() {
        return Err(DecodeError::over(Limit::MaxParts, map.len() as u64, limits.max_parts.into(), 0, 0, What::Message));
    }
    Ok(())
}

/// A part that is one map, whose keys are names of the sender's.
fn whole_map<'a>(part: &'a [u8], limits: &Limits) -> Result<MapRef<'a>, msgpack_numpy_codec::DecodeError> {
    let mut reader = Reader::new(part);
    let map = reader.map_with(&limits.values())?;
    reader.finish()?;
    Ok(map)
}

fn of(error: &msgpack_numpy_codec::DecodeError, part: u32, at: usize, what: What, limits: &Limits) -> DecodeError {
    DecodeError::of(error, part, at, what, limits.max_depth.into())
}

/// Iterator over what is in a train.
pub struct Items<'a, P> {
    train: TrainRef<'a, P>,
    /// The next header.
    next: usize,
    /// Whether there was a source.
    begun: bool,
    /// The entries of the only part, and how many are left.
    single: Option<(Reader<'a>, u32)>,
}

impl<P> Clone for Items<'_, P> {
    fn clone(&self) -> Self {
        Self { train: self.train, next: self.next, begun: self.begun, single: self.single.clone() }
    }
}

impl<P> fmt::Debug for Items<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Items(part {} of {})", self.next, self.train.parts.len())
    }
}

impl<'a, P: AsRef<[u8]>> Iterator for Items<'a, P> {
    type Item = Result<Item<'a>, PartError<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let [_] = self.train.parts {
            let (reader, left) = self.single.as_mut()?;
            *left = left.checked_sub(1)?;
            return Some(entry(reader, &self.train.limits).map(Item::Source));
        }
        let header = self.train.parts.get(self.next)?.as_ref();
        let Some(data) = self.train.parts.get(self.next.saturating_add(1)).map(AsRef::as_ref) else {
            return Some(Err(self.odd(header)));
        };
        // Counted by a limit of 32 bits.
        let part = u32::try_from(self.next).unwrap_or(u32::MAX);
        self.next = self.next.saturating_add(2);
        if self.begun {
            return pair(part, header, data, &self.train.limits, Some);
        }
        Some(self.first(part, header, data))
    }
}

impl<'a, P: AsRef<[u8]>> Items<'a, P> {
    /// A last part without a partner.
    #[cold]
    fn odd(&mut self, header: &'a [u8]) -> PartError<'a> {
        let part = u32::try_from(self.next).unwrap_or(u32::MAX);
        self.next = self.train.parts.len();
        let error = DecodeError::new(DecodeErrorKind::OddParts, part, 0, What::Header);
        let (source_name, path) = match Header::read(part, header, &self.train.limits) {
            Ok(header) => (Some(header.source.value), header.path.map(|path| path.value)),
            Err(refused) => (refused.source, refused.path),
        };
        PartError { source_name, path, error }
    }

    /// A pair before which there was no source.
    fn first(&mut self, part: u32, header: &'a [u8], data: &'a [u8]) -> Result<Item<'a>, PartError<'a>> {
        let limits = &self.train.limits;
        let item = pair(part, header, data, limits, |item| item);
        match &item {
            Ok(Item::Source(_)) => self.begun = true,
            // What is lost of it are its properties.
            Err(_) if introduced(part, header, limits).is_some() => self.begun = true,
            // Whether it is the right one is another question.
            Ok(Item::Array(array)) => {
                let (kind, name) = (DecodeErrorKind::UnknownSource, array.source());
                let at = (name.as_ptr() as usize).wrapping_sub(header.as_ptr() as usize);
                let error = DecodeError::new(kind, part, at, What::Source);
                return Err(PartError { source_name: Some(name), path: Some(array.path()), error });
            }
            _ => {}
        }
        item
    }
}

impl<P: AsRef<[u8]>> Items<'_, P> {
    /// Where the next is: its part, and in the only part of version 1.0 the byte.
    pub(crate) fn position(&self) -> (u32, u64) {
        match &self.single {
            Some((reader, _)) => (0, reader.position() as u64),
            None => (u32::try_from(self.next).unwrap_or(u32::MAX), 0),
        }
    }
}

/// The source that a header is of, if what follows are its properties.
pub(crate) fn introduced<'a>(part: u32, header: &'a [u8], limits: &Limits) -> Option<&'a str> {
    let header = Header::read(part, header, limits).ok()?;
    (header.content == Content::MsgPack).then_some(header.source.value)
}

/// What is in a pair, handed to `make` where it is made: it takes seventeen words, and each move of it is waited for.
#[cfg_attr(not(debug_assertions), inline(always))]
fn pair<'a, T>(
    part: u32,
    header: &'a [u8],
    data: &'a [u8],
    limits: &Limits,
    make: impl Fn(Result<Item<'a>, PartError<'a>>) -> T,
) -> T {
    let values = limits.values();
    // The header is one of the maps that count.
    let inner = values.with_max_depth(limits.max_depth.saturating_sub(1));
    match header.split_first_chunk() {
        Some((b"\x83\xa6source", rest)) if limits.max_depth > 0 => {
            if let Some((name, metadata, data)) = common_source(rest, data, &inner, &values) {
                return make(Ok(Item::Source(SourceRef::of_header(part, name, metadata, data))));
            }
        }
        // So is the list of axes.
        Some((b"\x85\xa6source", rest)) if limits.max_depth > 1 => {
            if let Some((name, path, dtype, shape)) = common_array(rest, data, &inner) {
                if dtype.as_str().len() as u64 <= limits.max_dtype.into() {
                    return make(Ok(Item::Array(ArrayPart::of_fields(part, name, path, dtype, shape, data))));
                }
            }
        }
        _ => {}
    }
    make(any_pair(part, header, data, limits))
}

/// Name, metadata and properties of a source whose header has its fields as Python writes them. Everything else, and everything with a fault,
/// is for [`any_pair`], which comes to the same.
#[cfg_attr(not(debug_assertions), inline(always))]
fn common_source<'a>(
    header: &'a [u8],
    data: &'a [u8],
    inner: &ValueLimits,
    values: &ValueLimits,
) -> Option<(&'a str, MapRef<'a>, MapRef<'a>)> {
    let (name, rest) = text_of(header)?;
    let mut metadata = Reader::new(behind(rest, b"\xa7content\xa7msgpack\xa8metadata")?);
    let mut properties = Reader::new(data);
    let fields = (core::str::from_utf8(name).ok()?, metadata.map_of_texts(inner)?, properties.map_of_texts(values)?);
    (metadata.rest().is_empty() && properties.rest().is_empty()).then_some(fields)
}

/// The same of an array whose bytes are as many as they should be: its source, path, dtype and axes.
#[cfg_attr(not(debug_assertions), inline(always))]
fn common_array<'a>(
    header: &'a [u8],
    data: &[u8],
    inner: &ValueLimits,
) -> Option<(&'a str, &'a str, DTypeText<'a>, ShapeRef<'a>)> {
    let (name, rest) = text_of(header)?;
    let (path, rest) = text_of(behind(rest, b"\xa7content\xa5array\xa4path")?)?;
    let (dtype, rest) = text_of(behind(rest, b"\xa5dtype")?)?;
    let dtype = DTypeText::named(dtype)?;
    let shape = ShapeRef::decode_with(behind(rest, b"\xa5shape")?, inner).ok()?;
    let fits = shape.product()?.checked_mul(dtype.as_plain()?.itemsize().into())? == data.len() as u64;
    fits.then_some((core::str::from_utf8(name).ok()?, core::str::from_utf8(path).ok()?, dtype, shape))
}

/// The bytes of a text, and what is behind it.
#[cfg_attr(not(debug_assertions), inline(always))]
fn text_of(encoded: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = Reader::new(encoded);
    let Ok(Token::Str(text)) = reader.token() else { return None };
    Some((text, reader.rest()))
}

fn any_pair<'a>(part: u32, encoded: &'a [u8], data: &'a [u8], limits: &Limits) -> Result<Item<'a>, PartError<'a>> {
    let header = Header::read(part, encoded, limits).map_err(|Refused { source, path, error }| PartError {
        source_name: source,
        path,
        error,
    })?;
    let item = match header.content {
        Content::MsgPack => source(&header, data, limits).map(Item::Source),
        Content::Array | Content::ImageData => ArrayPart::read(&header, data, limits).map(Item::Array),
        Content::Other(_) => Ok(Item::Other(OtherPart::read(&header, encoded, data))),
    };
    item.map_err(|error| PartError {
        source_name: Some(header.source.value),
        path: header.path.map(|path| path.value),
        error,
    })
}

/// The next source of the only part, which was checked.
fn entry<'a>(reader: &mut Reader<'a>, limits: &Limits) -> Result<SourceRef<'a>, PartError<'a>> {
    let inner = limits.values();
    let failed = |source_name, error| PartError { source_name, path: None, error };
    let (start, key) = (reader.position(), reader.value_with(&inner));
    let key = key.map_err(|error| of(&error, 0, 0, What::Message, limits));
    let name = key.and_then(|key| text(key, 0, start, What::Source));
    let (at, value) = (reader.position(), reader.map_with(&inner));
    if value.is_err() {
        // It was checked, and is passed.
        let _ = reader.skip();
    }
    let name = name.map_err(|error| failed(None, error))?;
    let map = value.map_err(|error| failed(Some(name), of(&error, 0, 0, What::Data, limits)))?;
    texts(map, 0, at).map_err(|error| failed(Some(name), error))?;
    Ok(SourceRef::of_single(name, map))
}

/// The data part of a source.
fn source<'a>(header: &Header<'a>, data: &'a [u8], limits: &Limits) -> Result<SourceRef<'a>, DecodeError> {
    let part = header.part.saturating_add(1);
    if is_pickle(data) {
        return Err(DecodeError::new(DecodeErrorKind::Pickle, part, 0, What::Data));
    }
    let metadata = header.map(header.metadata, What::Metadata)?;
    let map = whole_map(data, limits).map_err(|error| of(&error, part, 0, What::Data, limits))?;
    texts(map, part, 0)?;
    let (part, name) = (header.part, header.source.value);
    Ok(match metadata {
        Some(metadata) => SourceRef::of_header(part, name, metadata, map),
        None => SourceRef::of_pair(part, name, map),
    })
}

/// Paths are texts; as bytes they are taken too.
fn texts(map: MapRef<'_>, part: u32, start: usize) -> Result<(), DecodeError> {
    let mut reader = Reader::new(map.as_encoded());
    let of = |error| DecodeError::of(&error, part, start, What::Data, 0);
    reader.token().map_err(of)?;
    for _ in 0..map.len() {
        let offset = start.saturating_add(reader.position());
        let (Token::Str(key) | Token::Bin(key)) = reader.token().map_err(of)? else {
            return Err(DecodeError::new(DecodeErrorKind::UnexpectedType, part, offset, What::Path));
        };
        if core::str::from_utf8(key).is_err() {
            return Err(DecodeError::new(DecodeErrorKind::InvalidUtf8, part, offset, What::Path));
        }
        reader.skip().map_err(of)?;
    }
    Ok(())
}

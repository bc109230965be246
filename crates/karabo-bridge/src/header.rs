use msgpack_numpy_codec::{MapRef, Reader, ShapeRef, Token, ValueRef};

use crate::error::{DecodeError, DecodeErrorKind, Limit, What};
use crate::limits::Limits;

/// What comes in the data part behind a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Content<'a> {
    /// `msgpack`: the properties of a source, without its arrays.
    MsgPack,
    /// `array`: the bytes of an array.
    Array,
    /// `ImageData`: the same, with parameters of the image; before version 2.1.
    ImageData,
    /// Any other word.
    Other(&'a str),
}

impl<'a> Content<'a> {
    fn of(word: &'a str) -> Self {
        match word {
            "msgpack" => Self::MsgPack,
            "array" => Self::Array,
            "ImageData" => Self::ImageData,
            word => Self::Other(word),
        }
    }

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::MsgPack => "msgpack",
            Self::Array => "array",
            Self::ImageData => "ImageData",
            Self::Other(word) => word,
        }
    }

    /// Words for which the data part is a pickle.
    fn is_pickle(self) -> bool {
        matches!(self, Self::Other(word) if word == "pickle" || word.starts_with("pickle."))
    }
}

/// A field of a header, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) offset: usize,
}

/// The fields of a header, those that are there.
#[derive(Clone, Copy)]
pub(crate) struct Header<'a> {
    pub(crate) part: u32,
    pub(crate) source: At<&'a str>,
    pub(crate) content: Content<'a>,
    pub(crate) metadata: Option<At<ValueRef<'a>>>,
    pub(crate) path: Option<At<&'a str>>,
    pub(crate) dtype: Option<At<&'a str>>,
    pub(crate) shape: Option<At<ValueRef<'a>>>,
    pub(crate) params: Option<At<ValueRef<'a>>>,
}

/// A header that was refused, and what was read of it before.
pub(crate) struct Refused<'a> {
    pub(crate) source: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
    pub(crate) error: DecodeError,
}

/// Python's pickles begin with their version and end with a full stop; MessagePack has nothing that looks so.
pub(crate) fn is_pickle(part: &[u8]) -> bool {
    matches!(part, [0x80, 1..=5, .., b'.'])
}

/// What follows `prefix`. Its length is known where it is used, so that no loop is needed.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn behind<'a, const N: usize>(input: &'a [u8], prefix: &[u8; N]) -> Option<&'a [u8]> {
    let (front, rest) = input.split_first_chunk()?;
    (front == prefix).then_some(rest)
}

/// Whether they are all of `name`.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is<const N: usize>(bytes: &[u8], name: &[u8; N]) -> bool {
    behind(bytes, name).is_some_and(<[u8]>::is_empty)
}

impl<'a> Header<'a> {
    pub(crate) fn read(part: u32, input: &'a [u8], limits: &Limits) -> Result<Self, Refused<'a>> {
        let mut fields = Fields::default();
        let (source, content) = match fields.read(part, input, limits) {
            Ok(found) => found,
            Err(error) => {
                let source = fields.source.map(|source| source.value);
                return Err(Refused { source, path: fields.path.map(|path| path.value), error });
            }
        };
        let Fields { metadata, path, dtype, shape, params, .. } = fields;
        Ok(Self { part, source, content, metadata, path, dtype, shape, params })
    }

    /// That a field is missing.
    pub(crate) const fn missing(&self, what: What) -> DecodeError {
        DecodeError::new(DecodeErrorKind::MissingField, self.part, 0, what)
    }

    /// The axes.
    pub(crate) fn shape(&self, limits: &Limits) -> Result<At<ShapeRef<'a>>, DecodeError> {
        let shape = self.shape.ok_or_else(|| self.missing(What::Shape))?;
        let ValueRef::List(list) = shape.value else {
            return Err(DecodeError::new(DecodeErrorKind::UnexpectedType, self.part, shape.offset, What::Shape));
        };
        match ShapeRef::of_list(list) {
            Ok(value) => Ok(At { value, offset: shape.offset }),
            Err(error) => Err(DecodeError::of(&error, self.part, shape.offset, What::Shape, limits.axes().into())),
        }
    }

    /// A map among the fields, if it is there.
    pub(crate) fn map(&self, field: Option<At<ValueRef<'a>>>, what: What) -> Result<Option<MapRef<'a>>, DecodeError> {
        match field {
            None => Ok(None),
            // Whatever its keys are.
            Some(At { value: ValueRef::Map(map) | ValueRef::Faulty(map, _), .. }) => Ok(Some(map)),
            Some(At { offset, .. }) => Err(DecodeError::new(DecodeErrorKind::UnexpectedType, self.part, offset, what)),
        }
    }
}

#[derive(Default)]
struct Fields<'a> {
    source: Option<At<&'a str>>,
    content: Option<At<&'a str>>,
    metadata: Option<At<ValueRef<'a>>>,
    path: Option<At<&'a str>>,
    dtype: Option<At<&'a str>>,
    shape: Option<At<ValueRef<'a>>>,
    params: Option<At<ValueRef<'a>>>,
}

impl<'a> Fields<'a> {
    fn read(&mut self, part: u32, input: &'a [u8], limits: &Limits) -> Result<(At<&'a str>, Content<'a>), DecodeError> {
        if is_pickle(input) {
            return Err(DecodeError::new(DecodeErrorKind::Pickle, part, 0, What::Header));
        }
        let failed = |error| DecodeError::of(&error, part, 0, What::Header, limits.max_depth.into());
        let mut reader = Reader::new(input);
        let Token::Map(len) = reader.token().map_err(failed)? else {
            return Err(DecodeError::new(DecodeErrorKind::UnexpectedType, part, 0, What::Header));
        };
        // The header is one of the maps that count.
        let Some(depth) = limits.max_depth.checked_sub(1) else {
            return Err(DecodeError::over(Limit::MaxDepth, 0, 0, part, 0, What::Header));
        };
        let inner = limits.values().with_max_depth(depth);
        for _ in 0..len {
            let key = reader.value_with(&inner).map_err(failed)?;
            let offset = reader.position();
            let value = reader.value_with(&inner).map_err(failed)?;
            let text = |what| text(value, part, offset, what).map(|value| At { value, offset });
            let any = At { value, offset };
            let twice = match key.as_bytes() {
                Some(b"source") => set(&mut self.source, text(What::Source)?, What::Source),
                Some(b"content") => set(&mut self.content, text(What::Content)?, What::Content),
                Some(b"path") => set(&mut self.path, text(What::Path)?, What::Path),
                Some(b"dtype") => set(&mut self.dtype, text(What::DType)?, What::DType),
                Some(b"metadata") => set(&mut self.metadata, any, What::Metadata),
                Some(b"shape") => set(&mut self.shape, any, What::Shape),
                Some(b"params") => set(&mut self.params, any, What::Params),
                _ => None,
            };
            if let Some(what) = twice {
                return Err(DecodeError::new(DecodeErrorKind::DuplicateField, part, offset, what));
            }
        }
        reader.finish().map_err(failed)?;
        let missing = |what| DecodeError::new(DecodeErrorKind::MissingField, part, 0, what);
        let source = self.source.ok_or_else(|| missing(What::Source))?;
        let content = self.content.ok_or_else(|| missing(What::Content))?;
        let word = Content::of(content.value);
        if word.is_pickle() {
            return Err(DecodeError::new(DecodeErrorKind::Pickle, part, content.offset, What::Content));
        }
        Ok((source, word))
    }
}

/// Fills a field, unless it is.
fn set<T>(field: &mut Option<T>, value: T, what: What) -> Option<What> {
    let twice = field.is_some().then_some(what);
    field.get_or_insert(value);
    twice
}

/// A text; as bytes it is taken too.
pub(crate) fn text(value: ValueRef<'_>, part: u32, offset: usize, what: What) -> Result<&str, DecodeError> {
    let bytes =
        value.as_bytes().ok_or_else(|| DecodeError::new(DecodeErrorKind::UnexpectedType, part, offset, what))?;
    core::str::from_utf8(bytes).map_err(|_| DecodeError::new(DecodeErrorKind::InvalidUtf8, part, offset, what))
}

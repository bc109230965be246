use core::fmt;

use msgpack_numpy_codec::{Array, ArrayRef, ByteOrder, DType, DTypeRef, Kind, MapRef, Plain, ShapeRef};

use crate::error::{DecodeError, Limit, What};
use crate::header::{Content, Header, is};
use crate::image::ImageRef;
use crate::limits::Limits;

/// What the items of an array are, as the header says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DTypeText<'a> {
    text: &'a str,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain(Plain),
    Structured,
    Unknown,
}

impl<'a> DTypeText<'a> {
    /// As `str(dtype)` prints it, or a typestr.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self::read(text).0
    }

    /// With the dtype, if it has fields.
    fn read(text: &'a str) -> (Self, Option<DType>) {
        if let Some(plain) = plain(text) {
            return (Self { text, form: Form::Plain(plain) }, None);
        }
        let structured = DType::parse(text).filter(|_| text.starts_with(['[', '{', '(']));
        let form = if structured.is_some() { Form::Structured } else { Form::Unknown };
        (Self { text, form }, structured)
    }

    /// One of those that nearly all arrays have.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn named(text: &'a [u8]) -> Option<Self> {
        let plain = named(text)?;
        Some(Self { text: core::str::from_utf8(text).ok()?, form: Form::Plain(*plain) })
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// The dtype, if it is one without fields.
    #[must_use]
    pub const fn as_plain(self) -> Option<Plain> {
        if let Form::Plain(plain) = self.form { Some(plain) } else { None }
    }

    /// The dtype, if it is understood; one with fields is read again, and takes memory.
    #[must_use]
    pub fn parse(self) -> Option<DType> {
        match self.form {
            Form::Plain(plain) => Some(DType::Plain(plain)),
            Form::Structured => DType::parse(self.text),
            Form::Unknown => None,
        }
    }
}

/// A dtype without fields. numpy knows some with marks of an order that they have not.
fn plain(text: &str) -> Option<Plain> {
    let bool = matches!(text.as_bytes(), [b'<' | b'>' | b'=' | b'|', b'?']);
    let text = if bool { "?" } else { text };
    Plain::parse(text).or_else(|| Plain::from_name(text))
}

macro_rules! named {
    ($($len:literal $name:literal: $kind:ident $itemsize:literal,)*) => {
        /// The dtypes that nearly all arrays have, by name.
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn named(name: &[u8]) -> Option<&'static Plain> {
            match name.len() {
                $($len if is(name, $name) => {
                    const { &Plain::new(Kind::$kind, ByteOrder::Little, $itemsize) }.as_ref()
                })*
                _ => None,
            }
        }
    };
}

named! {
    4 b"bool": Bool 1,
    4 b"int8": Int 1,
    5 b"int16": Int 2,
    5 b"int32": Int 4,
    5 b"int64": Int 8,
    5 b"uint8": UInt 1,
    6 b"uint16": UInt 2,
    6 b"uint32": UInt 4,
    6 b"uint64": UInt 8,
    7 b"float32": Float 4,
    7 b"float64": Float 8,
}

impl fmt::Display for DTypeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for DTypeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

/// An array that has a part of its own, where it lies: in C order, at any alignment.
#[derive(Clone, Copy, PartialEq)]
pub struct ArrayPart<'a> {
    source: &'a str,
    path: &'a str,
    dtype: DTypeText<'a>,
    shape: ShapeRef<'a>,
    data: &'a [u8],
    params: Option<MapRef<'a>>,
    part: u32,
}

impl<'a> ArrayPart<'a> {
    pub(crate) fn read(header: &Header<'a>, data: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let path = header.path.ok_or_else(|| header.missing(What::Path))?;
        let text = header.dtype.ok_or_else(|| header.missing(What::DType))?;
        let shape = header.shape(limits)?;
        let params = header.map(header.params, What::Params)?;
        let (met, max) = (text.value.len() as u64, limits.max_dtype.into());
        if met > max {
            return Err(DecodeError::over(Limit::MaxDType, met, max, header.part, text.offset, What::DType));
        }
        let (dtype, structured) = DTypeText::read(text.value);
        let understood = match dtype.form {
            Form::Plain(plain) => Some(DTypeRef::Plain(plain)),
            Form::Structured | Form::Unknown => structured.as_ref().map(DType::as_ref),
        };
        if let Some(Err(error)) = understood.map(|dtype| ArrayRef::new(dtype, shape.value, data)) {
            let axes = limits.axes().into();
            return Err(DecodeError::of_layout(error, header.part, shape.offset, text.offset, axes));
        }
        Ok(Self {
            source: header.source.value,
            path: path.value,
            dtype,
            shape: shape.value,
            data,
            params,
            part: header.part,
        })
    }

    /// Of fields that are known to fit.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn of_fields(
        part: u32,
        source: &'a str,
        path: &'a str,
        dtype: DTypeText<'a>,
        shape: ShapeRef<'a>,
        data: &'a [u8],
    ) -> Self {
        Self { source, path, dtype, shape, data, params: None, part }
    }

    /// Whose it is.
    #[must_use]
    pub const fn source(self) -> &'a str {
        self.source
    }

    /// Which of its properties.
    #[must_use]
    pub const fn path(self) -> &'a str {
        self.path
    }

    /// What its items are.
    #[must_use]
    pub const fn dtype(self) -> DTypeText<'a> {
        self.dtype
    }

    /// Its axes.
    #[must_use]
    pub const fn shape(self) -> ShapeRef<'a> {
        self.shape
    }

    /// Its bytes: as many as axes and items make, unless the dtype is not understood.
    #[must_use]
    pub const fn data(self) -> &'a [u8] {
        self.data
    }

    /// What an `ImageData` tells of the image beside it.
    #[must_use]
    pub const fn params(self) -> Option<MapRef<'a>> {
        self.params
    }

    /// The array as an image, with what the parameters tell of it.
    #[must_use]
    pub fn image(self) -> ImageRef<'a> {
        ImageRef::of_part(self)
    }

    /// The part its header is in, counted from 0; its bytes are the next.
    #[must_use]
    pub const fn part(self) -> usize {
        self.part as usize
    }

    /// The array, if its dtype is one without fields: nearly all are.
    #[must_use]
    pub fn as_array(self) -> Option<ArrayRef<'a>> {
        ArrayRef::new(DTypeRef::Plain(self.dtype.as_plain()?), self.shape, self.data).ok()
    }

    /// The array with a dtype of its own, fields or none, and its bytes where they are; `None` if the dtype is not understood.
    #[must_use]
    pub fn to_array(self) -> Option<Array<&'a [u8]>> {
        Array::new(self.dtype.parse()?, self.shape.iter().collect(), self.data).ok()
    }
}

impl fmt::Debug for ArrayPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, path, dtype, shape, data, .. } = self;
        write!(f, "ArrayPart({source:?}, {path:?}, {dtype:?}, {shape}, [{} bytes])", data.len())
    }
}

/// A pair whose content is no known word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OtherPart<'a> {
    source: &'a str,
    path: Option<&'a str>,
    content: Content<'a>,
    header: &'a [u8],
    data: &'a [u8],
    part: u32,
}

impl<'a> OtherPart<'a> {
    pub(crate) fn read(header: &Header<'a>, encoded: &'a [u8], data: &'a [u8]) -> Self {
        let path = header.path.map(|path| path.value);
        Self { source: header.source.value, path, content: header.content, header: encoded, data, part: header.part }
    }

    /// Whose it is.
    #[must_use]
    pub const fn source(self) -> &'a str {
        self.source
    }

    /// Which of its properties, if the header tells.
    #[must_use]
    pub const fn path(self) -> Option<&'a str> {
        self.path
    }

    /// What it is.
    #[must_use]
    pub const fn content(self) -> Content<'a> {
        self.content
    }

    /// The header, a map in MessagePack.
    #[must_use]
    pub const fn header(self) -> &'a [u8] {
        self.header
    }

    /// What is behind it.
    #[must_use]
    pub const fn data(self) -> &'a [u8] {
        self.data
    }

    /// The part its header is in, counted from 0.
    #[must_use]
    pub const fn part(self) -> usize {
        self.part as usize
    }
}

impl fmt::Debug for OtherPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OtherPart({:?}, {:?}, [{} bytes])", self.source, self.content.as_str(), self.data.len())
    }
}

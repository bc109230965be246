//! qpack as `legacy` and `siridb` carry it: a reader that names fields, values that stay encoded, runs of values.
//!
//! Containers that were opened may end with the data, as all peers take it (SPEC.md §5); what follows the one value is an error.

use alloc::vec::Vec;
use core::fmt;

use qpack_codec::{Config, DecodeError, DecodeErrorKind, Kind, ValueRef, Writer};

use crate::body::Body;
use crate::body_error::{BodyError, BodyErrorKind};
use crate::error::EncodeError;
use crate::limits::{Limit, Limits};
use crate::package::PackageRef;

/// Length and number of values are bounded by the package; the depth is qpack's own.
const LIMITS: qpack_codec::Limits = qpack_codec::Limits::DEFAULT.with_max_len(usize::MAX).with_max_values(usize::MAX);

/// How data is read.
pub(crate) const READ: Config = Config::DEFAULT.with_limits(LIMITS).with_end_closes_open(true);

/// How values are read and written that are to be put into a body: no body has more than two containers around one.
pub(crate) const INNER: Config = READ.with_limits(LIMITS.with_max_depth(62));

/// How a value is read that is to be put into an array.
pub(crate) const ITEM: Config = READ.with_limits(LIMITS.with_max_depth(63));

/// How values are read that were walked before.
const CHECKED: Config = READ.with_limits(LIMITS.with_max_depth(u8::MAX)).with_ignore_trailing(true);

/// Walks through data. Errors say which field was due.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    data: &'a [u8],
    inner: qpack_codec::Reader<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self::with_config(data, &READ)
    }

    pub(crate) fn with_config(data: &'a [u8], config: &Config) -> Self {
        Self { data, inner: qpack_codec::Reader::with_config(data, config) }
    }

    /// Bytes read.
    pub(crate) fn position(&self) -> usize {
        self.inner.position()
    }

    /// An error here.
    pub(crate) fn error(&self, kind: BodyErrorKind, what: &'static str) -> BodyError {
        BodyError::new(kind, self.position(), what)
    }

    /// There is nothing left.
    pub(crate) fn finish(&mut self) -> Result<(), BodyError> {
        self.inner.finish().map(|_| ()).map_err(|error| fault(self.data, error, "DATA"))
    }

    /// Whether a raw comes next.
    pub(crate) fn is_raw(&self, what: &'static str) -> Result<bool, BodyError> {
        self.inner.peek().map(|kind| kind == Some(Kind::Raw)).map_err(|error| fault(self.data, error, what))
    }

    /// Whether the container goes on; leaves it if not.
    pub(crate) fn more(&mut self, what: &'static str) -> Result<bool, BodyError> {
        self.inner.more().map_err(|error| fault(self.data, error, what))
    }

    pub(crate) fn str(&mut self, what: &'static str) -> Result<&'a str, BodyError> {
        self.inner.str().map_err(|error| fault(self.data, error, what))
    }

    pub(crate) fn raw(&mut self, what: &'static str) -> Result<&'a [u8], BodyError> {
        self.inner.raw().map_err(|error| fault(self.data, error, what))
    }

    pub(crate) fn int(&mut self, what: &'static str) -> Result<i64, BodyError> {
        self.inner.int().map_err(|error| fault(self.data, error, what))
    }

    pub(crate) fn bool(&mut self, what: &'static str) -> Result<bool, BodyError> {
        self.inner.bool().map_err(|error| fault(self.data, error, what))
    }

    pub(crate) fn null(&mut self, what: &'static str) -> Result<(), BodyError> {
        self.inner.null().map_err(|error| fault(self.data, error, what))
    }

    /// Enters an array; where it begins.
    pub(crate) fn array(&mut self, what: &'static str) -> Result<usize, BodyError> {
        let start = self.position();
        self.inner.array().map(|_| start).map_err(|error| fault(self.data, error, what))
    }

    /// Enters a map; where it begins.
    pub(crate) fn map(&mut self, what: &'static str) -> Result<usize, BodyError> {
        let start = self.position();
        self.inner.map().map(|_| start).map_err(|error| fault(self.data, error, what))
    }

    /// The array that begins at `start`, and is the data, has another item.
    pub(crate) fn item(&mut self, start: usize, what: &'static str) -> Result<(), BodyError> {
        if self.more(what)? { Ok(()) } else { Err(BodyError::new(BodyErrorKind::InvalidLength, start, "DATA")) }
    }

    /// The array that begins at `start`, and is the data, has no further item.
    pub(crate) fn end(&mut self, start: usize) -> Result<(), BodyError> {
        if self.more("DATA")? { Err(BodyError::new(BodyErrorKind::InvalidLength, start, "DATA")) } else { Ok(()) }
    }

    /// The bytes of one value.
    pub(crate) fn pass(&mut self, what: &'static str) -> Result<&'a [u8], BodyError> {
        let start = self.position();
        self.inner.skip().map_err(|error| fault(self.data, error, what))?;
        Ok(self.since(start))
    }

    /// All that is left of the innermost container, read by `read` one after the other; how many, and their bytes.
    pub(crate) fn rest(
        &mut self,
        what: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<(), BodyError>,
    ) -> Result<(usize, &'a [u8]), BodyError> {
        let (start, mut count) = (self.position(), 0_usize);
        let mut bytes = &[][..];
        while self.more(what)? {
            read(self)?;
            count = count.saturating_add(1);
            bytes = self.since(start);
        }
        Ok((count, bytes))
    }

    /// The one value that was read from `start` on.
    pub(crate) fn walked(&self, start: usize) -> Option<ValueRef<'a>> {
        ValueRef::decode_with(self.since(start), &CHECKED).ok()
    }

    /// What was read from `start` on.
    fn since(&self, start: usize) -> &'a [u8] {
        self.data.get(start..self.position()).unwrap_or_default()
    }
}

/// What is wrong with `data`, in the terms of this crate.
#[cold]
fn fault(data: &[u8], error: DecodeError, what: &'static str) -> BodyError {
    let offset = error.offset();
    let (kind, offset) = match error.kind() {
        // Where the data ends, and not where the torn token begins: as in all dialects.
        DecodeErrorKind::UnexpectedEnd | DecodeErrorKind::Unclosed => (BodyErrorKind::UnexpectedEnd, data.len()),
        DecodeErrorKind::UnexpectedClose | DecodeErrorKind::MissingValue => (BodyErrorKind::InvalidTag, offset),
        DecodeErrorKind::TrailingBytes => (BodyErrorKind::TrailingBytes, offset),
        DecodeErrorKind::InvalidUtf8 => (BodyErrorKind::InvalidUtf8, offset),
        DecodeErrorKind::UnexpectedKind => (BodyErrorKind::UnexpectedType, offset),
        DecodeErrorKind::NoMoreValues => (BodyErrorKind::InvalidLength, offset),
        // The depth; the other limits are those of the package.
        DecodeErrorKind::LimitExceeded | DecodeErrorKind::NothingOpen | _ => (BodyErrorKind::InvalidNesting, offset),
    };
    BodyError::new(kind, offset, what)
}

/// Reads a map; `read` takes the value of a key it knows, others are passed.
pub(crate) fn fields<'a>(
    reader: &mut Reader<'a>,
    what: &'static str,
    mut read: impl FnMut(&'a [u8], &mut Reader<'a>) -> Result<bool, BodyError>,
) -> Result<usize, BodyError> {
    let start = reader.map(what)?;
    while reader.more("key")? {
        let known = if reader.is_raw("key")? {
            let key = reader.raw("key")?;
            read(key, reader)?
        } else {
            reader.pass("key")?;
            false
        };
        if !known {
            reader.pass(what)?;
        }
    }
    Ok(start)
}

/// As [`fields`], where a key that `read` does not know is an error.
pub(crate) fn known_fields<'a>(
    reader: &mut Reader<'a>,
    mut read: impl FnMut(&'a [u8], &mut Reader<'a>) -> Result<bool, BodyError>,
) -> Result<(), BodyError> {
    reader.map("DATA")?;
    while reader.more("key")? {
        let start = reader.position();
        let known = reader.is_raw("key")? && {
            let key = reader.raw("key")?;
            read(key, reader)?
        };
        if !known {
            return Err(BodyError::new(BodyErrorKind::UnknownField, start, "key"));
        }
    }
    Ok(())
}

/// Reads a field that must not be there twice.
pub(crate) fn once<'a, T>(
    field: &mut Option<T>,
    reader: &mut Reader<'a>,
    what: &'static str,
    read: impl FnOnce(&mut Reader<'a>, &'static str) -> Result<T, BodyError>,
) -> Result<(), BodyError> {
    if field.is_some() {
        return Err(reader.error(BodyErrorKind::DuplicateField, what));
    }
    *field = Some(read(reader, what)?);
    Ok(())
}

/// A field that must be in the map that begins at `start`.
pub(crate) fn required<T>(field: Option<T>, start: usize, what: &'static str) -> Result<T, BodyError> {
    field.ok_or_else(|| BodyError::new(BodyErrorKind::MissingField, start, what))
}

/// The data of a package, not looked at yet; or a value inside of one.
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::legacy::{AnswerRef, State, ValueRef};
///
/// let answer = PackageRef::decode(b"\x01\x00\x00\x00\x04\x00\x42\xbd\x02")?;
/// let AnswerRef::Query(data) = AnswerRef::decode(answer, State::S2).unwrap() else { panic!() };
/// assert_eq!(data.value().unwrap(), ValueRef::Int(2));
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Data<'a> {
    package: PackageRef<'a>,
}

impl<'a> Data<'a> {
    /// A value to be sent, encoded; not looked at.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self::of(PackageRef { id: 0, kind: 0, data })
    }

    /// The data of this package, whatever its type.
    #[must_use]
    pub const fn of(package: PackageRef<'a>) -> Self {
        Self { package }
    }

    /// As it came.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.package.data
    }

    /// The one value it is; walks through it. Containers may end with the data.
    ///
    /// # Errors
    ///
    /// If it is none, or is nested deeper than 64, or if bytes follow it.
    pub fn value(self) -> Result<ValueRef<'a>, BodyError> {
        let data = self.package.data;
        ValueRef::decode_with(data, &READ).map_err(|error| fault(data, error, "DATA").of(self.package))
    }

    /// The data as a type of the caller's, which may borrow from it. Containers may end with the data.
    ///
    /// # Errors
    ///
    /// If it does not fit the type, is nested deeper than 64, or is not exactly one value.
    #[cfg(feature = "serde")]
    #[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
    pub fn payload<T: serde::Deserialize<'a>>(self) -> Result<T, crate::PayloadError> {
        Ok(qpack_codec::serde::from_slice_with(self.package.data, &READ)?)
    }
}

/// The same bytes.
impl PartialEq for Data<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Data<'_> {}

impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data([{} bytes])", self.package.data.len())
    }
}

/// Values in a row: the arguments of a RUN, the jobs of a WATCH_UPD. Made from a package or by a [`ValuesBuf`].
#[derive(Clone, Copy, Default)]
pub struct ValuesRef<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> ValuesRef<'a> {
    /// None.
    pub const EMPTY: ValuesRef<'static> = ValuesRef { count: 0, bytes: &[] };

    /// What is left of the innermost container.
    pub(crate) fn read(reader: &mut Reader<'a>, what: &'static str) -> Result<Self, BodyError> {
        let (count, bytes) = reader.rest(what, |reader| reader.pass(what).map(|_| ()))?;
        Ok(Self { count, bytes })
    }

    /// An array of raws.
    pub(crate) fn read_raws(reader: &mut Reader<'a>, what: &'static str) -> Result<Self, BodyError> {
        let (count, bytes) = reader.rest(what, |reader| reader.raw(what).map(|_| ()))?;
        Ok(Self { count, bytes })
    }

    /// An array of integers.
    pub(crate) fn read_ints(reader: &mut Reader<'a>, what: &'static str) -> Result<Self, BodyError> {
        let (count, bytes) = reader.rest(what, |reader| reader.int(what).map(|_| ()))?;
        Ok(Self { count, bytes })
    }

    /// How many.
    #[must_use]
    pub const fn len(self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Their bytes, one behind the other. The last may lack the bytes that close it.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// One after the other.
    #[must_use]
    pub const fn iter(self) -> Values<'a> {
        Values { rest: self.bytes, left: self.count }
    }

    pub(crate) fn write(self, out: &mut Writer<'_, Vec<u8>>) -> Written {
        for value in self {
            out.value_ref(value)?;
        }
        Ok(())
    }
}

impl<'a> IntoIterator for ValuesRef<'a> {
    type Item = ValueRef<'a>;
    type IntoIter = Values<'a>;

    fn into_iter(self) -> Values<'a> {
        self.iter()
    }
}

/// The same values, whichever of several forms they have.
impl PartialEq for ValuesRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.iter().eq(other.iter())
    }
}

impl Eq for ValuesRef<'_> {}

impl fmt::Debug for ValuesRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValuesRef({}, [{} bytes])", self.count, self.bytes.len())
    }
}

/// Iterator over a [`ValuesRef`].
#[derive(Clone)]
pub struct Values<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        // They were walked when the run was made.
        let mut reader = qpack_codec::Reader::with_config(self.rest, &CHECKED);
        reader.skip().ok()?;
        let (value, rest) = self.rest.split_at_checked(reader.position())?;
        self.rest = rest;
        ValueRef::decode_with(value, &CHECKED).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Values({} left)", self.left)
    }
}

/// Values in a row, to be sent.
///
/// ```
/// use thingsdb_wire::legacy::ValuesBuf;
///
/// let mut args = ValuesBuf::new();
/// args.push_str("Hello!").push_int(1).push_null();
/// assert_eq!(args.as_ref().len(), 3);
/// assert_eq!(args.as_ref().as_bytes(), b"\x86Hello!\x01\xfb");
/// ```
#[derive(Clone, Default)]
pub struct ValuesBuf {
    count: usize,
    bytes: Vec<u8>,
}

impl ValuesBuf {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Null.
    pub fn push_null(&mut self) -> &mut Self {
        self.put(ValueRef::Null)
    }

    /// True or false.
    pub fn push_bool(&mut self, value: bool) -> &mut Self {
        self.put(ValueRef::Bool(value))
    }

    /// An integer, in its shortest form.
    pub fn push_int(&mut self, value: i64) -> &mut Self {
        self.put(ValueRef::Int(value))
    }

    /// A double.
    pub fn push_double(&mut self, value: f64) -> &mut Self {
        self.put(ValueRef::Double(value))
    }

    /// A text, which is a raw on the wire.
    pub fn push_str(&mut self, text: &str) -> &mut Self {
        self.push_raw(text.as_bytes())
    }

    /// Bytes.
    pub fn push_raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.put(ValueRef::Raw(bytes))
    }

    /// A value made elsewhere.
    ///
    /// # Errors
    ///
    /// If it is nested deeper than 62, which leaves two for the package around it. Nothing is added then.
    pub fn push(&mut self, value: ValueRef<'_>) -> Result<&mut Self, qpack_codec::EncodeError> {
        value.encode_with(&mut self.bytes, &INNER)?;
        self.count = self.count.saturating_add(1);
        Ok(self)
    }

    /// A value of a type of the caller's; structs become maps.
    ///
    /// # Errors
    ///
    /// If the type refuses, or is nested deeper than 62. Nothing is added then.
    #[cfg(feature = "serde")]
    #[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
    pub fn push_payload<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<&mut Self, crate::PayloadError> {
        self.bytes.extend(qpack_codec::serde::to_vec_with(value, &INNER)?);
        self.count = self.count.saturating_add(1);
        Ok(self)
    }

    /// The values.
    #[must_use]
    pub fn as_ref(&self) -> ValuesRef<'_> {
        ValuesRef { count: self.count, bytes: &self.bytes }
    }

    /// Of a value without depth, which a vector always takes.
    fn put(&mut self, value: ValueRef<'_>) -> &mut Self {
        let _ = value.encode_with(&mut self.bytes, &INNER);
        self.count = self.count.saturating_add(1);
        self
    }
}

impl fmt::Debug for ValuesBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValuesBuf({}, [{} bytes])", self.count, self.bytes.len())
    }
}

/// Whether something was written.
pub(crate) type Written = Result<(), qpack_codec::EncodeError>;

/// A body of one value. What is over the limit is refused before it is copied.
pub(crate) fn write(
    kind: impl Into<u8>,
    limits: &Limits,
    write: impl FnOnce(&mut Writer<'_, Vec<u8>>) -> Written,
) -> Result<Body, EncodeError> {
    let out = value(limits.max_data_len, write)?;
    Body::checked(kind, out, limits)
}

/// A body of one map that is opened and never closed, with one text, as SiriDB sends them.
pub(crate) fn write_unclosed(kind: impl Into<u8>, limits: &Limits, key: &str, text: &str) -> Result<Body, EncodeError> {
    let texts = [key, text].map(|text| ValueRef::Raw(text.as_bytes()).encoded_len());
    limits.check_data_len(texts.iter().fold(1, |sum, len| sum.saturating_add(*len)))?;
    let mut out = value(u32::MAX, |out| {
        out.map_open()?.str(key)?.str(text)?.end()?;
        Ok(())
    })?;
    // The close byte.
    out.pop();
    Body::checked(kind, out, limits)
}

fn value(max_len: u32, write: impl FnOnce(&mut Writer<'_, Vec<u8>>) -> Written) -> Result<Vec<u8>, EncodeError> {
    let max = usize::try_from(max_len).unwrap_or(usize::MAX);
    // What nests was bounded when it was read or put together.
    let config = CHECKED.with_limits(LIMITS.with_max_depth(u8::MAX).with_max_len(max));
    let mut out = Vec::new();
    let mut writer = Writer::with_config(&mut out, &config);
    match write(&mut writer).and_then(|()| writer.finish()) {
        Ok(_) => Ok(out),
        Err(qpack_codec::EncodeError::LimitExceeded { met, max, .. }) => {
            Err(EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met, max })
        }
        // Cannot be: the shapes are ours.
        Err(_) => Err(EncodeError::LimitExceeded { limit: Limit::MaxDataLen, met: u64::MAX, max: max_len.into() }),
    }
}

/// A body of data that is encoded already.
pub(crate) fn copy(kind: impl Into<u8>, data: &[u8], limits: &Limits) -> Result<Body, EncodeError> {
    limits.check_data_len(data.len())?;
    Ok(Body::new(kind, data.to_vec()))
}

use core::fmt;

use super::read::Reader;
use crate::body_error::BodyError;
use crate::package::PackageRef;

/// One whole MessagePack value, where it lies. Walked when made; what is in it is not looked at until asked for.
///
/// ```
/// use thingsdb_wire::BodyErrorKind;
/// use thingsdb_wire::msgpack::ValueRef;
///
/// assert_eq!(ValueRef::decode(b"\x91\xc3")?.as_bytes(), b"\x91\xc3"); // [true]
/// assert_eq!(ValueRef::decode(b"\x91").unwrap_err().kind(), BodyErrorKind::UnexpectedEnd);
/// # Ok::<(), thingsdb_wire::BodyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueRef<'a>(&'a [u8]);

impl<'a> ValueRef<'a> {
    /// `nil`.
    pub const NIL: ValueRef<'static> = ValueRef(&[0xc0]);

    /// Takes exactly one value.
    ///
    /// # Errors
    ///
    /// [`UnexpectedEnd`](crate::BodyErrorKind::UnexpectedEnd), [`InvalidTag`](crate::BodyErrorKind::InvalidTag) or
    /// [`TrailingBytes`](crate::BodyErrorKind::TrailingBytes).
    pub fn decode(data: &'a [u8]) -> Result<Self, BodyError> {
        let mut reader = Reader::new(data);
        let value = Self::read(&mut reader, "DATA")?;
        reader.finish()?;
        Ok(value)
    }

    pub(crate) fn read(reader: &mut Reader<'a>, what: &'static str) -> Result<Self, BodyError> {
        reader.pass(what).map(Self)
    }

    /// Bytes that were written as one value.
    pub(crate) const fn walked(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Its tokens.
    #[must_use]
    pub const fn reader(self) -> Reader<'a> {
        Reader::new(self.0)
    }

    /// Whether it is a map.
    #[must_use]
    pub const fn is_map(self) -> bool {
        matches!(self.0, [0x80..=0x8f | 0xde | 0xdf, ..])
    }

    /// Whether it is an array.
    #[must_use]
    pub const fn is_array(self) -> bool {
        matches!(self.0, [0x90..=0x9f | 0xdc | 0xdd, ..])
    }

    /// The value as a type of the caller's, which may borrow from it.
    ///
    /// # Errors
    ///
    /// If it does not fit the type, or is nested deeper than 128.
    #[cfg(feature = "serde")]
    #[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
    pub fn payload<T: serde::Deserialize<'a>>(self) -> Result<T, crate::PayloadError> {
        crate::payload::from_msgpack(self.0)
    }
}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueRef([{} bytes])", self.0.len())
    }
}

/// The data of a package, not looked at yet.
///
/// ```
/// use thingsdb_wire::PackageRef;
/// use thingsdb_wire::v1::AnswerRef;
///
/// let answer = PackageRef::decode(b"\x01\x00\x00\x00\x03\x00\x12\xed\x02")?;
/// let AnswerRef::Data(data) = AnswerRef::decode(answer).unwrap() else { panic!() };
/// assert_eq!(data.value().unwrap().as_bytes(), [2]);
/// # Ok::<(), thingsdb_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    pub(crate) package: PackageRef<'a>,
}

impl<'a> Data<'a> {
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

    /// The one value it is; walks through it.
    ///
    /// # Errors
    ///
    /// As [`ValueRef::decode`].
    pub fn value(self) -> Result<ValueRef<'a>, BodyError> {
        ValueRef::decode(self.package.data).map_err(|error| error.of(self.package))
    }

    /// The data as a type of the caller's, which may borrow from it: read in one pass, and checked to be one value.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use thingsdb_wire::PackageRef;
    /// use thingsdb_wire::msgpack::Data;
    ///
    /// let data = Data::of(PackageRef { id: 3, kind: 18, data: b"\x81\xa4name\xa4Iris" });
    /// assert_eq!(data.payload::<BTreeMap<&str, &str>>()?["name"], "Iris");
    /// # Ok::<(), thingsdb_wire::PayloadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it does not fit the type, is nested deeper than 128, or is not exactly one value.
    #[cfg(feature = "serde")]
    #[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
    pub fn payload<T: serde::Deserialize<'a>>(self) -> Result<T, crate::PayloadError> {
        crate::payload::from_msgpack(self.package.data)
    }
}

impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data([{} bytes])", self.package.data.len())
    }
}

/// Values in a row: the arguments of an EMIT, the rooms of a JOIN. Made from a package or by a
/// [`ValuesBuf`](super::ValuesBuf).
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ValuesRef<'a> {
    pub(crate) count: u32,
    pub(crate) bytes: &'a [u8],
}

impl<'a> ValuesRef<'a> {
    /// None.
    pub const EMPTY: ValuesRef<'static> = ValuesRef { count: 0, bytes: &[] };

    /// Reads `count` values.
    pub(crate) fn read(reader: &mut Reader<'a>, count: u32, what: &'static str) -> Result<Self, BodyError> {
        let start = reader.rest();
        for _ in 0..count {
            reader.pass(what)?;
        }
        let len = start.len().saturating_sub(reader.rest().len());
        Ok(Self { count, bytes: start.get(..len).unwrap_or(start) })
    }

    /// Reads an array.
    pub(crate) fn read_array(reader: &mut Reader<'a>, what: &'static str) -> Result<Self, BodyError> {
        let count = reader.array(what)?;
        Self::read(reader, count, what)
    }

    /// How many.
    #[must_use]
    pub const fn len(self) -> usize {
        // Each took a byte of a slice.
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Their bytes, one behind the other.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// One after the other.
    #[must_use]
    pub const fn iter(self) -> Values<'a> {
        Values { reader: Reader::new(self.bytes), left: self.count }
    }
}

impl<'a> IntoIterator for ValuesRef<'a> {
    type Item = ValueRef<'a>;
    type IntoIter = Values<'a>;

    fn into_iter(self) -> Values<'a> {
        self.iter()
    }
}

impl fmt::Debug for ValuesRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValuesRef({}, [{} bytes])", self.count, self.bytes.len())
    }
}

/// Iterator over a [`ValuesRef`].
#[derive(Clone, Debug)]
pub struct Values<'a> {
    reader: Reader<'a>,
    left: u32,
}

impl<'a> Iterator for Values<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        // They were walked when the run was made.
        ValueRef::read(&mut self.reader, "DATA").ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, usize::try_from(self.left).ok())
    }
}

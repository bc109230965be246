use alloc::vec::Vec;
use core::fmt;

use rmp::encode::{self, ByteBuf, RmpWrite};

use super::value::{ValueRef, ValuesRef};
use crate::body::Body;
use crate::error::EncodeError;
use crate::limits::Limits;

/// Values in a row, to be sent: arguments, rooms, variables of a query.
///
/// ```
/// use thingsdb_wire::msgpack::ValuesBuf;
///
/// let mut args = ValuesBuf::new();
/// args.push_str("Hello!").push_int(1).push_nil();
/// assert_eq!(args.as_ref().len(), 3);
/// assert_eq!(args.as_ref().as_bytes(), b"\xa6Hello!\x01\xc0");
/// assert_eq!(args.to_array().as_bytes(), b"\x93\xa6Hello!\x01\xc0");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ValuesBuf {
    count: u32,
    out: Writer,
}

impl ValuesBuf {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `nil`.
    pub fn push_nil(&mut self) -> &mut Self {
        self.push(ValueRef::NIL)
    }

    /// True or false.
    pub fn push_bool(&mut self, value: bool) -> &mut Self {
        self.put(|out| out.bool(value))
    }

    /// An integer, in its shortest form.
    pub fn push_int(&mut self, value: i64) -> &mut Self {
        self.put(|out| out.int(value))
    }

    /// A float of 64 bits.
    pub fn push_f64(&mut self, value: f64) -> &mut Self {
        self.put(|out| out.f64(value))
    }

    /// A text. One of 4 GiB or more cannot be sent, and comes out as an error when the package is made.
    pub fn push_str(&mut self, text: &str) -> &mut Self {
        self.put(|out| out.str(text))
    }

    /// Bytes. 4 GiB or more of them cannot be sent, and come out as an error when the package is made.
    pub fn push_bin(&mut self, bytes: &[u8]) -> &mut Self {
        self.put(|out| out.bin(bytes))
    }

    /// A value made elsewhere.
    pub fn push(&mut self, value: ValueRef<'_>) -> &mut Self {
        self.put(|out| out.raw(value.as_bytes()))
    }

    /// A value of a type of the caller's; structs become maps.
    ///
    /// # Errors
    ///
    /// If the type refuses. Nothing is added then.
    #[cfg(feature = "serde")]
    #[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
    pub fn push_payload<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<&mut Self, crate::PayloadError> {
        let bytes = crate::payload::to_msgpack(value)?;
        Ok(self.put(|out| out.raw(&bytes)))
    }

    /// The values.
    #[must_use]
    pub fn as_ref(&self) -> ValuesRef<'_> {
        ValuesRef { count: self.count, bytes: self.out.as_slice() }
    }

    /// One array of all.
    #[must_use]
    pub fn to_array(&self) -> ValueBuf {
        let mut out = Writer::new();
        out.array(self.count).raw(self.out.as_slice());
        ValueBuf(out.into_vec())
    }

    /// One map of all: a key, its value, a key, and so on. `None` if a value is missing.
    #[must_use]
    pub fn to_map(&self) -> Option<ValueBuf> {
        if self.count % 2 == 1 {
            return None;
        }
        let mut out = Writer::new();
        out.map(self.count / 2).raw(self.out.as_slice());
        Some(ValueBuf(out.into_vec()))
    }

    pub(crate) fn put(&mut self, write: impl FnOnce(&mut Writer) -> &mut Writer) -> &mut Self {
        write(&mut self.out);
        self.count = self.count.saturating_add(1);
        self
    }
}

impl fmt::Debug for ValuesBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValuesBuf({}, [{} bytes])", self.count, self.out.as_slice().len())
    }
}

/// One value of its own, to be sent: variables of a query, arguments of a procedure, an answer.
///
/// ```
/// use thingsdb_wire::msgpack::ValuesBuf;
/// use thingsdb_wire::v1::{Kind, RequestRef};
///
/// let mut names = ValuesBuf::new();
/// names.push_str("x").push_int(41);
/// let variables = names.to_map().unwrap();
/// let query = RequestRef::Query { scope: "@t", code: "x + 1;", variables: Some(variables.as_ref()) };
/// assert_eq!(&query.to_body()?.data[..], b"\x93\xa2@t\xa6x + 1;\x81\xa1x\x29");
/// assert_eq!(&variables.into_body(Kind::DATA).data[..], b"\x81\xa1x\x29");
/// # Ok::<(), thingsdb_wire::EncodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ValueBuf(Vec<u8>);

impl ValueBuf {
    /// A value of a type of the caller's; structs become maps.
    ///
    /// # Errors
    ///
    /// If the type refuses.
    #[cfg(feature = "serde")]
    #[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
    pub fn of<T: serde::Serialize + ?Sized>(value: &T) -> Result<Self, crate::PayloadError> {
        crate::payload::to_msgpack(value).map(Self)
    }

    /// The value.
    #[must_use]
    pub fn as_ref(&self) -> ValueRef<'_> {
        ValueRef::walked(&self.0)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The data of a package, without copying it.
    #[must_use]
    pub fn into_body(self, kind: impl Into<u8>) -> Body {
        Body::new(kind, self.0)
    }
}

impl fmt::Debug for ValueBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueBuf([{} bytes])", self.0.len())
    }
}

/// Writes data into a vector, which cannot fail.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Writer(ByteBuf);

impl Writer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn into_vec(self) -> Vec<u8> {
        self.0.into_vec()
    }

    fn as_slice(&self) -> &[u8] {
        self.0.as_slice()
    }

    pub(crate) fn array(&mut self, len: u32) -> &mut Self {
        let _ = encode::write_array_len(&mut self.0, len);
        self
    }

    pub(crate) fn map(&mut self, len: u32) -> &mut Self {
        let _ = encode::write_map_len(&mut self.0, len);
        self
    }

    fn bool(&mut self, value: bool) -> &mut Self {
        let _ = encode::write_bool(&mut self.0, value);
        self
    }

    /// In its shortest form: unsigned if it is not negative.
    pub(crate) fn int(&mut self, value: i64) -> &mut Self {
        let _ = encode::write_sint(&mut self.0, value);
        self
    }

    fn f64(&mut self, value: f64) -> &mut Self {
        let _ = encode::write_f64(&mut self.0, value);
        self
    }

    pub(crate) fn str(&mut self, text: &str) -> &mut Self {
        let _ = encode::write_str(&mut self.0, text);
        self
    }

    fn bin(&mut self, bytes: &[u8]) -> &mut Self {
        let _ = encode::write_bin(&mut self.0, bytes);
        self
    }

    pub(crate) fn ext(&mut self, kind: i8, content: &[u8]) -> &mut Self {
        let len = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let _ = encode::write_ext_meta(&mut self.0, len, kind);
        self.raw(content)
    }

    /// Values that are encoded already.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        let _ = self.0.write_bytes(bytes);
        self
    }
}

/// A body out of parts, refused before anything is copied if they are over the limit together. Below it, every length fits 32
/// bits.
pub(crate) fn write(
    kind: impl Into<u8>,
    parts: &[&[u8]],
    limits: &Limits,
    write: impl FnOnce(&mut Writer) -> &mut Writer,
) -> Result<Body, EncodeError> {
    let len = parts.iter().fold(0, |sum: usize, part| sum.saturating_add(part.len()));
    limits.check_data_len(len)?;
    let mut out = Writer::new();
    write(&mut out);
    Body::checked(kind, out.into_vec(), limits)
}

/// A body of data that is encoded already.
pub(crate) fn copy(kind: impl Into<u8>, data: &[u8], limits: &Limits) -> Result<Body, EncodeError> {
    write(kind, &[data], limits, |out| out.raw(data))
}

mod guard;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use self::guard::{Depth, Guard};
use crate::msgpack::Reader;
use serde::Deserialize as _;

/// Most bytes of data in which the place of an error is searched for.
const MAX_SEARCHED: usize = 64 << 10;

/// Why data does not become a type of the caller's, or a type does not become data. A box.
///
/// `Display` has serde's own words, which may quote the data; `Debug` has not.
pub struct PayloadError(Box<Cause>);

enum Cause {
    Decode(rmp_serde::decode::Error, Option<u64>),
    Encode(rmp_serde::encode::Error),
    TrailingBytes(u64),
    #[cfg(feature = "qpack")]
    Qpack(qpack_codec::serde::Error),
}

impl PayloadError {
    /// How many bytes of the data were read when it did not fit. `None` if a type could not be written, and for MessagePack of
    /// more than 64 KiB that is well-formed but of another type: rmp-serde does not tell where it stopped, so it has to be
    /// searched for.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match &*self.0 {
            Cause::Decode(_, offset) => *offset,
            Cause::TrailingBytes(offset) => Some(*offset),
            Cause::Encode(_) => None,
            #[cfg(feature = "qpack")]
            Cause::Qpack(error) => error.offset().map(|offset| offset as u64),
        }
    }
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Decode(error, Some(offset)) => write!(f, "{error} at byte {offset}"),
            Cause::Decode(error, None) => error.fmt(f),
            Cause::Encode(error) => error.fmt(f),
            Cause::TrailingBytes(offset) => write!(f, "bytes follow the value at byte {offset}"),
            #[cfg(feature = "qpack")]
            Cause::Qpack(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadError").field("offset", &self.offset()).finish_non_exhaustive()
    }
}

impl core::error::Error for PayloadError {}

#[cfg(feature = "qpack")]
impl From<qpack_codec::serde::Error> for PayloadError {
    fn from(error: qpack_codec::serde::Error) -> Self {
        Self(Box::new(Cause::Qpack(error)))
    }
}

/// Exactly one value.
#[inline]
pub(crate) fn from_msgpack<'a, T: serde::Deserialize<'a>>(data: &'a [u8]) -> Result<T, PayloadError> {
    match read(data) {
        (Ok(value), true) => Ok(value),
        (Ok(_), false) => {
            let mut reader = Reader::new(data);
            let end = reader.skip().map(|()| reader.position());
            Err(PayloadError(Box::new(Cause::TrailingBytes(end.unwrap_or_default() as u64))))
        }
        (Err(error), _) => Err(PayloadError(Box::new(Cause::Decode(error, offset::<T>(data))))),
    }
}

/// A value, and whether it was all.
#[inline]
fn read<'a, T: serde::Deserialize<'a>>(data: &'a [u8]) -> (Result<T, rmp_serde::decode::Error>, bool) {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(data);
    let value = T::deserialize(Guard { inner: &mut deserializer, depth: Depth::START });
    // It does not tell how far it is, but a marker cannot be read at the end only.
    let rest = u8::deserialize(&mut deserializer);
    (value, matches!(rest, Err(rmp_serde::decode::Error::InvalidMarkerRead(_))))
}

/// Where reading failed. rmp-serde does not tell: where the data is malformed our own reader does, and otherwise it is the shortest
/// front part that does not fail for want of more.
#[cold]
fn offset<'a, T: serde::Deserialize<'a>>(data: &'a [u8]) -> Option<u64> {
    use rmp_serde::decode::Error::{InvalidDataRead, InvalidMarkerRead};
    if let Err(error) = Reader::new(data).skip() {
        return Some(error.offset());
    }
    if data.len() > MAX_SEARCHED {
        return None;
    }
    let (mut short, mut long) = (0, data.len());
    while short < long {
        let middle = short.midpoint(long);
        let part = data.get(..middle)?;
        match read::<T>(part).0 {
            Err(InvalidMarkerRead(_) | InvalidDataRead(_)) => short = middle.saturating_add(1),
            _ => long = middle,
        }
    }
    Some(long as u64)
}

/// Structs become maps, as things are.
pub(crate) fn to_msgpack<T: serde::Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, PayloadError> {
    rmp_serde::to_vec_named(value).map_err(|error| PayloadError(Box::new(Cause::Encode(error))))
}

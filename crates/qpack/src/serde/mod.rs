//! serde, thin: `from_slice` and `to_vec` for types that derive its traits.
//!
//! | Rust | qpack written | qpack read |
//! |---|---|---|
//! | `i8`…`i64`, `u8`…`u64` | integer; above `i64::MAX` an error | integer in the type's range |
//! | `i128`, `u128` | integer in the range of i64, else an error | integer |
//! | `f64` | double | double, or an integer (rounded to the nearest) |
//! | `f32` | double | as `f64`, rounded to the nearest |
//! | `bool` | boolean | boolean |
//! | `char`, `str`, `String` | raw, UTF-8 | raw of UTF-8; `&str` borrows |
//! | bytes (`serde_bytes`, `&[u8]`) | raw | raw; `&[u8]` borrows |
//! | `Vec<u8>`, `[u8; N]` without `serde_bytes` | array of integers, as serde has it | array of integers |
//! | `Option<T>` | null, or as `T` | null, or as `T` |
//! | `()`, unit struct | null | null |
//! | newtype struct | as what it wraps | as what it wraps |
//! | sequence, tuple, tuple struct | array | array; of just that length for the last two |
//! | map | map, keys of any kind | map |
//! | struct | map of its field names | map of its field names, in any order; other raws as keys are passed over, other kinds of key are an error |
//! | unit variant | raw, its name | raw, or a map of one pair, name to null |
//! | other variants | map of one pair, name to content | map of one pair |
//! | `deserialize_any` on a raw | | text if it is UTF-8, else bytes |
//! | the hook byte | cannot be written | an error |
//!
//! Arrays and maps are counted as they are written: counted tags up to five, open and close from six (SPEC.md §3).
//! `Option<Option<T>>` cannot tell `Some(None)` from `None`. A key that comes twice is an error for a struct, and for a map
//! whatever the map's type makes of it.
//!
//! Both directions honour [`Limits`](crate::Limits). Options and newtypes nest without a byte on the wire, so a type may be
//! endless where its value is not; 16 of them may stand in one another without a container in between, which bounds the
//! stack.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Login<'a> {
//!     user: &'a str,
//!     #[serde(with = "serde_bytes")]
//!     token: &'a [u8],
//! }
//!
//! let login = Login { user: "admin", token: b"\x00\xff" };
//! let bytes = qpack_codec::serde::to_vec(&login)?;
//! assert_eq!(bytes, b"\xf5\x84user\x85admin\x85token\x82\x00\xff");
//! assert_eq!(qpack_codec::serde::from_slice::<Login>(&bytes)?, login);
//!
//! // An answer of SiriDB, whose map is never closed, is read under the peers' leniencies.
//! #[derive(Debug, Deserialize)]
//! struct Refusal<'a> {
//!     error_msg: &'a str,
//! }
//!
//! let answer = b"\xfd\x89error_msg\x82ho";
//! let refusal: Refusal<'_> = qpack_codec::serde::from_slice_with(answer, &qpack_codec::Config::PEER)?;
//! assert_eq!(refusal.error_msg, "ho");
//!
//! // What a type refuses is told with its place.
//! let input = b"\xf4\x84data\xef\x07\xe9\x2c\x01";
//! let error = qpack_codec::serde::from_slice::<std::collections::BTreeMap<&str, Vec<u8>>>(input).unwrap_err();
//! assert_eq!(error.to_string(), "invalid value: integer `300`, expected u8 at byte 8");
//! assert_eq!(error.path(input).unwrap().to_string(), "data[1]");
//! # Ok::<(), qpack_codec::serde::Error>(())
//! ```
//!
//! The module has the name of the crate that it serves: import what you need by name, not all of this crate with `*`.

mod access;
mod de;
mod error;
mod ser;

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use self::de::Deserializer;
pub use self::error::Error;
use crate::limits::Config;

/// Options and newtypes in one another, without a container in between.
const MAX_WRAPS: u8 = 16;

#[cold]
fn too_wrapped() -> Error {
    serde::de::Error::custom(format_args!("more than {MAX_WRAPS} options and newtypes in one another"))
}

/// Reads the one value in `input` as a `T`, which may borrow from it; strict, under
/// [`Limits::DEFAULT`](crate::Limits::DEFAULT).
///
/// # Errors
///
/// Bytes that are no value, or none that `T` takes.
pub fn from_slice<'de, T: Deserialize<'de>>(input: &'de [u8]) -> Result<T, Error> {
    from_slice_with(input, &Config::DEFAULT)
}

/// As [`from_slice`], with limits and settings of the caller's.
///
/// # Errors
///
/// As [`from_slice`].
pub fn from_slice_with<'de, T: Deserialize<'de>>(input: &'de [u8], config: &Config) -> Result<T, Error> {
    let mut deserializer = Deserializer::with_config(input, config);
    let read = T::deserialize(&mut deserializer).and_then(|value| deserializer.finish().map(|_| value));
    read.map_err(|error| error.or_at(deserializer.position()))
}

/// Writes `value` in canonical form.
///
/// # Errors
///
/// [`EncodeError::IntOutOfRange`](crate::EncodeError::IntOutOfRange),
/// [`EncodeError::LimitExceeded`](crate::EncodeError::LimitExceeded), and what `T` itself reports.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    to_vec_with(value, &Config::DEFAULT)
}

/// As [`to_vec`], with limits and settings of the caller's.
///
/// # Errors
///
/// As [`to_vec`].
pub fn to_vec_with<T: Serialize + ?Sized>(value: &T, config: &Config) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut serializer = ser::Serializer::new(&mut out, config);
    value.serialize(&mut serializer)?;
    serializer.finish()?;
    Ok(out)
}

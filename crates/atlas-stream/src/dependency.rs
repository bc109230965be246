//! Documents that streams name and do not carry: their ids, and where the Dependencies Service has them.

use alloc::string::String;
use core::fmt::Write as _;

use sha1::{Digest as _, Sha1};

use crate::error::{DecodeError, DecodeErrorKind, Field};

/// The type of data formats in `dependencies` of a session.
pub const DATA_FORMAT: &str = "dataFormat";
/// The type of ATLAS configurations in `dependencies` of a session.
pub const ATLAS_CONFIGURATION: &str = "atlasConfiguration";

/// Most characters of a group, a type or an id.
const MOST: usize = 64;

/// The id of a document as the service makes it: the first 12 hex digits of the SHA-1 of its compact JSON. Only for bytes that are written as
/// the vendor's writer does (SPEC.md §8): else the id that the service gave counts.
///
/// ```
/// let format = r#"{"feeds":{"":{"parameters":[{"identifier":"example:app","aggregates":"Avg"}],"frequency":100.0}}}"#;
/// assert_eq!(atlas_stream::dependency_id(format), "9a9627b7bc25");
/// ```
#[must_use]
pub fn dependency_id(document: &str) -> String {
    id_of(document.as_bytes())
}

pub(crate) fn id_of(document: &[u8]) -> String {
    let mut id = String::with_capacity(12);
    for byte in Sha1::digest(document).iter().take(6) {
        // Writing into a text does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// Whether a text may be an id, a group or a type: 1 to 64 of `A` to `Z`, `a` to `z`, `0` to `9`, `{`, `}`, `_` and `-`.
#[must_use]
pub fn is_dependency_id(text: &str) -> bool {
    check(text, Field::DependencyId).is_ok()
}

/// Where a document is stored under an id the service makes, to `POST` to, behind the service's address, which ends with a slash.
///
/// # Errors
///
/// What is wrong with the group or the type, with offsets in it.
pub fn store_path(group: &str, dependency_type: &str) -> Result<String, DecodeError> {
    check(group, Field::DependencyGroup)?;
    check(dependency_type, Field::DependencyType)?;
    Ok([group, "/", dependency_type].concat())
}

/// Where a document is, to `GET` or `PUT`, behind the service's address.
///
/// # Errors
///
/// What is wrong with the group, the type or the id, with offsets in it.
pub fn item_path(group: &str, dependency_type: &str, id: &str) -> Result<String, DecodeError> {
    let mut path = store_path(group, dependency_type)?;
    check(id, Field::DependencyId)?;
    path.push('/');
    path.push_str(id);
    Ok(path)
}

fn check(text: &str, field: Field) -> Result<(), DecodeError> {
    let may_be = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'{' | b'}' | b'_' | b'-');
    if let Some(at) = text.bytes().position(|byte| !may_be(byte)) {
        return Err(DecodeError::new(DecodeErrorKind::InvalidCharacter, at, field));
    }
    match text.len() {
        0 => Err(DecodeError::new(DecodeErrorKind::Empty, 0, field)),
        1..=MOST => Ok(()),
        _ => Err(DecodeError::new(DecodeErrorKind::TooLong, MOST, field)),
    }
}

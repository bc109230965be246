//! Arrays and scalars inside what other crates read and write with serde: the same maps (SPEC.md §2 and §5), key by key.

mod any;
mod de;
mod ser;

use crate::limits::Limits;

/// Lists and maps in one another within the map of an array, which is one of those that [`Limits`] allow.
const DEPTH: u8 = Limits::DEFAULT.max_depth.saturating_sub(1);

/// The name by which rmp-serde knows an extension: a newtype of this name around a pair of type and content.
const EXT: &str = "_ExtStruct";

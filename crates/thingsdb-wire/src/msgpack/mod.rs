//! MessagePack as `v1` and `module` carry it: tokens, values that stay where they are, and runs of values (SPEC.md §3).
//!
//! Nothing here recurses or allocates, however deep the data is nested.

mod build;
mod read;
mod value;

pub use build::{ValueBuf, ValuesBuf};
pub(crate) use build::{Writer, copy, write};
pub use read::{Reader, Token};
pub use value::{Data, ValueRef, Values, ValuesRef};

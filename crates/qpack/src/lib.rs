//! qpack.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "arbitrary")]
mod arbitrary;
mod decode;
mod encode;
mod error;
mod limits;
mod path;
mod print;
mod reader;
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub mod serde;
mod token;
mod tree;
mod value;
mod value_ref;
mod wire;

pub use crate::decode::{Decoded, Decoder};
pub use crate::encode::{Buffer, Writer};
pub use crate::error::{DecodeError, DecodeErrorKind, EncodeError};
pub use crate::limits::{Config, Limit, Limits};
pub use crate::path::Path;
pub use crate::reader::Reader;
pub use crate::token::Token;
pub use crate::tree::{Children, Node, Tape, Tree};
pub use crate::value::{Array, Kind, Map, Value};
pub use crate::value_ref::{ArrayRef, Entries, Items, MapRef, ValueRef};
pub use crate::wire::tag_name;

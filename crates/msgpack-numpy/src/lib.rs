//! Numpy arrays and scalars inside MessagePack, as the Python package msgpack-numpy writes them: views that borrow, at any alignment and
//! in any byte order, and no pickle is ever run.
//!
//! No unsafe code; no panic on any input; `no_std` with `alloc`, and views allocate nothing. The format as implemented, in all its
//! generations, is in [SPEC.md](https://docs.rs/crate/msgpack-numpy-codec/latest/source/SPEC.md).
//!
//! # On the wire
//!
//! An array is a map, which a reader knows by its keys:
//!
//! ```text
//! 85                                map of 5
//!    c4 02 n d            c3         nd: true
//!    c4 04 t y p e        a3 < i 2   type: "<i2"
//!    c4 04 k i n d        c4 00      kind: empty, V for dtypes with fields, O for pickles
//!    c4 05 s h a p e      92 02 03   shape: [2, 3]
//!    c4 04 d a t a        c4 0c ...  data: 12 bytes, in C order
//! ```
//!
//! [`ValueRef`] finds these maps wherever they stand in a message, with keys as text or bytes, in any order:
//!
//! ```
//! use msgpack_numpy_codec::ValueRef;
//!
//! let message = b"\x81\xa5image\x85\xc4\x02nd\xc3\xc4\x04type\xa3>u2\xc4\x04kind\xc4\x00\xc4\x05shape\x91\x02\xc4\x04data\xc4\x04\x00\x01\x02\x03";
//! let ValueRef::Map(map) = ValueRef::decode(message)? else { panic!() };
//! let Some(ValueRef::Array(image)) = map.get("image") else { panic!() };
//! assert_eq!((image.dtype().to_string(), image.shape().to_string()), (">u2".into(), "(2,)".into()));
//! assert_eq!(image.to_vec::<u16>().unwrap(), [1, 0x0203]); // bytes swapped where need be
//! assert_eq!(image.as_slice::<u16>(), None); // not in the order of this machine
//! # Ok::<(), msgpack_numpy_codec::DecodeError>(())
//! ```
//!
//! A tagged map with a fault is [`ValueRef::Faulty`], and harms no other value. A dtype that is not understood is
//! [`DTypeRef::Opaque`]: its text, and its bytes.
//!
//! # Arrays of objects
//!
//! What Python cannot put into bytes it pickles. A pickle is a program, and whoever loads it runs it: here it is a
//! [`PickleRef`], bytes that nothing looks into.
//!
//! # Limits
//!
//! [`Limits`]: 64 lists and maps in one another, 64 axes. Items without bytes are refused, since any number of them fits in none.
//!
//! # What it does not do yet
//!
//! It does not write, has no owned arrays and no index for going down deep values. Features for serde, ndarray, half and num-complex are to
//! come.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod array;
mod complex;
mod dtype;
mod element;
mod encode;
mod error;
mod limits;
mod owned;
mod reader;
mod shape;
mod tag;
mod text;
mod tree;
mod value;
mod wire;

pub use crate::array::{ArrayRef, PickleRef, ScalarRef};
pub use crate::dtype::{
    ByteOrder, DType, DTypeRef, Field, FieldRef, Fields, Kind, Opaque, OpaqueRef, Plain, Structured, StructuredRef,
    TimeUnit, Unit,
};
pub use crate::element::{AccessError, Element, Iter, StridedRef};
pub use crate::encode::{Encoded, StridedArrayRef, Writer};
pub use crate::error::{DecodeError, DecodeErrorKind, EncodeError, LayoutError, Limit};
pub use crate::limits::Limits;
pub use crate::owned::{Array, Scalar, Value};
pub use crate::reader::Reader;
pub use crate::shape::ShapeRef;
pub use crate::tree::{Children, Node, Tape, Tree};
pub use crate::value::{Entries, Items, ListRef, MapRef, ValueRef};
pub use crate::wire::Token;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

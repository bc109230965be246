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
//! [`Reader`] pulls tokens or whole values off a slice, one after the other; [`Tape`] makes an index of all of them, for going down deep
//! values and for [every value in turn](Tree::values).
//!
//! # Writing
//!
//! Byte for byte what msgpack-numpy 0.4.8 writes. [`Writer`] leaves arrays where they are, and gives a list of slices:
//!
//! ```
//! use msgpack_numpy_codec::{Array, Writer};
//!
//! let pixels = vec![0_u16; 1024 * 1024];
//! let image = Array::from_slice(&[1024, 1024], &pixels).unwrap();
//! let mut writer = Writer::new();
//! writer.map(1)?;
//! writer.str("image")?;
//! writer.array(image.as_ref())?;
//! let message = writer.finish()?;
//! assert_eq!(message.slices().map(<[u8]>::len).collect::<Vec<_>>(), [56, 2 * 1024 * 1024]);
//! # Ok::<(), msgpack_numpy_codec::EncodeError>(())
//! ```
//!
//! `encode` and `encode_to_vec` of arrays, scalars and values copy into one buffer. [`StridedArrayRef`] takes items that stand apart or in
//! another order, and copies them once. A shape or bytes that do not fit are a [`LayoutError`], before anything is written.
//!
//! # Owned
//!
//! [`Array`] has a dtype and a shape of its own, and bytes that are copied, shared or borrowed. `Array::decode_bytes` shares the input: a
//! small array then keeps a large message in memory. [`Value`] is any checked value.
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
//! A [`Tape`] takes messages of less than 4 GiB, and what MessagePack cannot say, from 4 GiB on, is not written.
//!
//! # What it does not do
//!
//! It does not run pickles, and does not make numbers of long doubles, whose layout the wire does not tell: ask for
//! [`data`](ArrayRef::data), as for texts and bytes. Masks of masked arrays are not on the wire.
//!
//! # Features
//!
//! | feature | default | gives |
//! |---|---|---|
//! | `std` | yes | `From` into `std::io::Error` |
//! | `half` | | `half::f16` as an [`Element`] |
//! | `num-complex` | | `num_complex::Complex` of `f32` and `f64` as an [`Element`] |
//! | `ndarray` | | `ArrayRef::as_ndarray` and `to_ndarray`, `Array::from_ndarray` |
//! | `serde` | | `Serialize` and `Deserialize` for arrays and scalars |
//!
//! None but `std` needs std.
//!
//! ## half
//!
#![cfg_attr(feature = "half", doc = "```")]
#![cfg_attr(not(feature = "half"), doc = "```ignore")]
//! use half::f16;
//! use msgpack_numpy_codec::{ArrayRef, DType, ShapeRef};
//!
//! let dtype = DType::parse(">f2").unwrap();
//! let array = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&[2]), b"\x3c\x00\xc0\x00")?;
//! assert_eq!(array.to_vec::<f16>().unwrap(), [f16::ONE, f16::from_f32(-2.0)]);
//! # Ok::<(), msgpack_numpy_codec::LayoutError>(())
//! ```
//!
//! ## num-complex
//!
#![cfg_attr(feature = "num-complex", doc = "```")]
#![cfg_attr(not(feature = "num-complex"), doc = "```ignore")]
//! use msgpack_numpy_codec::Array;
//! use num_complex::Complex;
//!
//! let items = [Complex::new(1.0_f32, 2.0), Complex::new(0.0, -1.0)];
//! let array = Array::from_slice(&[2], &items)?; // real part first: not copied
//! assert_eq!(array.as_ref().as_slice::<Complex<f32>>(), Some(&items[..]));
//! # Ok::<(), msgpack_numpy_codec::LayoutError>(())
//! ```
//!
//! ## ndarray
//!
//! `as_ndarray` copies nothing, where alignment and byte order allow, and `to_ndarray` always works. `Array::from_ndarray` borrows the items
//! of a view in C order, and copies those of any other once.
//!
#![cfg_attr(feature = "ndarray", doc = "```")]
#![cfg_attr(not(feature = "ndarray"), doc = "```ignore")]
//! use msgpack_numpy_codec::{Array, ArrayRef};
//! use ndarray::array;
//!
//! let image = array![[1_u16, 2, 3], [4, 5, 6]];
//! let message = Array::from_ndarray(image.t())?.encode_to_vec().unwrap(); // transposed: copied to C order
//! let read = ArrayRef::decode(&message).unwrap();
//! assert_eq!(read.to_ndarray::<u16>().unwrap(), array![[1, 4], [2, 5], [3, 6]].into_dyn());
//! # Ok::<(), msgpack_numpy_codec::LayoutError>(())
//! ```
//!
//! ## serde
//!
//! [`Array`] and [`Scalar`] stand anywhere in types that rmp-serde reads and writes. Written are the bytes that `encode` writes; read is
//! what [`ArrayRef::decode`] reads, and refused is what it refuses. `Array<&[u8]>` borrows its bytes from the slice that is read, `Array`
//! copies them. [`ArrayRef`] and [`ScalarRef`] can be written, too.
//!
#![cfg_attr(feature = "serde", doc = "```")]
#![cfg_attr(not(feature = "serde"), doc = "```ignore")]
//! use msgpack_numpy_codec::{Array, Scalar};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Frame<'a> {
//!     train: u64,
//!     #[serde(borrow)]
//!     image: Array<&'a [u8]>,
//!     gain: Gain,
//! }
//!
//! // Python writes a float64 scalar as a plain number.
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! #[serde(untagged)]
//! enum Gain {
//!     F64(f64),
//!     Scalar(Scalar),
//! }
//!
//! let image = Array::from_slice(&[1, 2], &[1_u16, 2])?;
//! let message = rmp_serde::to_vec_named(&Frame { train: 7, image, gain: Gain::Scalar(Scalar::of(2_u8)) })?;
//! let frame: Frame<'_> = rmp_serde::from_slice(&message)?;
//! assert_eq!(frame.image.as_ref().to_vec::<u16>()?, [1, 2]);
//! assert_eq!(frame.gain, Gain::Scalar(Scalar::of(2_u8)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A dtype that is not understood goes through serde, too, and may come out in the shortest forms of MessagePack, and a text in it that is
//! not UTF-8 as bytes. Depth counts from the array, under [`Limits::DEFAULT`]. Formats that have no keys of bytes, JSON among them, refuse to
//! write an array.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod array;
mod complex;
mod convert;
mod dtype;
mod element;
mod encode;
mod error;
mod limits;
mod named;
#[cfg(feature = "ndarray")]
mod ndarray;
mod owned;
mod reader;
#[cfg(feature = "serde")]
mod serde;
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
pub use crate::named::Named;
pub use crate::owned::{Array, Scalar, Value};
pub use crate::reader::Reader;
pub use crate::shape::ShapeRef;
pub use crate::tree::{Children, Node, Tape, Tree, Values};
pub use crate::value::{Entries, Items, ListRef, MapRef, ValueRef};
pub use crate::wire::Token;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

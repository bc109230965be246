//! qpack, the schema-free binary format of SiriDB and of ThingsDB up to 2019: a sans-IO codec.
//!
//! Bytes in, values out, and back. No socket, clock, thread or runtime; no unsafe code; no panic on any input; `no_std` with
//! `alloc`. The format as implemented, with what each of the peers does, is in
//! [SPEC.md](https://docs.rs/crate/qpack-codec/latest/source/SPEC.md).
//!
//! # On the wire
//!
//! A value is a tag byte and what it asks for. All numbers are little-endian, text is bytes, a container tells its length
//! (up to five) or is opened and closed:
//!
//! ```text
//! ef  85 61 64 6d 69 6e  84 70 61 73 73        ["admin", "pass"]
//! │   │  └ a d m i n     └ raw of 4 bytes
//! │   └ raw of 5 bytes
//! └ array of 2
//!
//! fd 81 61 fc 01 02 03 04 05 06 fe ff          {"a": [1, 2, 3, 4, 5, 6]}
//! │        └ opens an array     │  └ closes the map
//! └ opens a map                 └ closes the array
//! ```
//!
//! # Decoding
//!
//! | to | use | allocates |
//! |---|---|---|
//! | look at a value | [`ValueRef::decode`]: a `Copy` view over checked bytes | nothing |
//! | jump about in a large one | [`Tape::parse`]: a flat [`Tree`] with skip offsets | nothing, once the tape is warm |
//! | keep it | [`Value::decode`], or [`Value::decode_bytes`], which shares its input | 40 to 96 bytes a value |
//! | read just what you expect | [`Reader`]: a pull reader of tokens | nothing |
//! | read into your own types | [`serde::from_slice`] (feature `serde`), borrowing text and bytes | what they do |
//! | find the values of a stream | [`Decoder`], whatever the pieces it comes in | nothing |
//!
//! ```
//! use qpack_codec::{Config, Tape, Value, ValueRef};
//!
//! let input = b"\xf5\x84name\x84pump\x86points\xef\xef\x01\x7f\xef\x02\x7e"; // {"name": "pump", "points": [[1, 1.0], [2, 0.0]]}
//!
//! let view = ValueRef::decode(input)?;
//! assert_eq!(view.as_map().unwrap().get("name").unwrap().as_str(), Some("pump"));
//!
//! let mut tape = Tape::new();
//! let tree = tape.parse(input, &Config::DEFAULT)?;
//! assert_eq!(tree.root().get("points").unwrap().at(1).unwrap().at(0).unwrap().value().as_int(), Some(2));
//!
//! let owned: Value = view.into_owned();
//! assert_eq!(format!("{owned:?}"), r#"{"name": "pump", "points": [[1, 1.0], [2, 0.0]]}"#);
//! # Ok::<(), qpack_codec::DecodeError>(())
//! ```
//!
//! # Encoding
//!
//! [`Value`] and [`ValueRef`] have `encode`, `encoded_len` and `encode_to_vec`; [`Writer`] pushes tokens into a `Vec<u8>` or
//! a `BytesMut`, containers of unknown length included; [`serde::to_vec`] takes your own types. All write the canonical form:
//! the smallest encoding of every number and raw, counted containers up to five. On an error nothing was written.
//!
//! ```
//! use qpack_codec::Writer;
//!
//! let mut out = Vec::new();
//! let mut writer = Writer::new(&mut out);
//! writer.array(2)?.str("admin")?.str("pass")?.end()?;
//! writer.finish()?;
//! assert_eq!(out, b"\xef\x85admin\x84pass");
//! # Ok::<(), qpack_codec::EncodeError>(())
//! ```
//!
//! # Strict, and the peers
//!
//! The peers take the end of a buffer for the close of every open container, and SiriDB's answers rely on it. They ignore
//! what follows a value, and write −0.0 as 0.0. None of this is done unless a [`Config`] asks: `end_closes_open`,
//! `ignore_trailing`, `peer_compatible`, or all of them as [`Config::PEER`]:
//!
//! ```
//! use qpack_codec::{Config, ValueRef};
//!
//! let answer = b"\xfd\x89error_msg\x82ho"; // SiriDB: the map is never closed
//! assert!(ValueRef::decode(answer).is_err());
//! assert_eq!(ValueRef::decode_with(answer, &Config::PEER)?.as_map().unwrap().len(), 1);
//! # Ok::<(), qpack_codec::DecodeError>(())
//! ```
//!
//! The hook byte `7c`, which has no meaning that two peers share, is a value of its own ([`ValueRef::Hook`]): it is neither
//! lost nor guessed at.
//!
//! # Limits
//!
//! [`Limits`] bound depth (64), length (256 MiB) and number of values (16 777 216) on every path, the encoder's too. Nothing
//! is reserved for a length that was only announced.
//!
//! # Errors
//!
//! [`DecodeError`] is 32 bytes and `Copy`: a kind, the offset of the token at fault, its name in the byte map, and the limit
//! if it is one. [`DecodeError::path`] walks the input again to tell the way there, such as `data[3].avg`.
//!
//! # Features
//!
//! | feature | default | gives |
//! |---|---|---|
//! | `std` | yes | `From` into `std::io::Error` |
//! | `serde` | | the module [`serde`] |
//! | `arbitrary` | | `Arbitrary` for [`Value`], for your own fuzzing; brings `std` |
//!
//! # What it does not do
//!
//! It knows no packages, headers or connections: what frames qpack in a protocol is that protocol's. What comes off a SiriDB
//! or ThingsDB connection has a header of eight bytes in front of each value. It does not take apart
//! what a raw holds. It does not sort or merge the keys of a map.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "serde"), allow(rustdoc::broken_intra_doc_links))]

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

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

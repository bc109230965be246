use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{DEPTH, EXT};
use crate::array::{ArrayRef, ScalarRef};
use crate::encode::to_vec;
use crate::error::EncodeError;
use crate::owned::{Array, Scalar};
use crate::reader::Reader;
use crate::wire::Token;

#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl Serialize for ArrayRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let head = ArrayRef::of_parts(self.dtype(), self.shape(), &[]);
        tagged(serializer, &to_vec(&head).map_err(S::Error::custom)?, self.data())
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl<B: AsRef<[u8]>> Serialize for Array<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl Serialize for ScalarRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let head = ScalarRef::of_parts(self.dtype(), &[]);
        tagged(serializer, &to_vec(&head).map_err(S::Error::custom)?, self.data())
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

/// A tagged map that was written without data, with these bytes as its data.
fn tagged<S: Serializer>(serializer: S, head: &[u8], data: &[u8]) -> Result<S::Ok, S::Error> {
    let len = data.len() as u64;
    if u32::try_from(len).is_err() {
        return Err(S::Error::custom(EncodeError::TooLong { len }));
    }
    let mut reader = Reader::new(head);
    let Ok(Token::Map(len)) = reader.token() else { return Err(S::Error::custom("no map")) };
    let mut map = serializer.serialize_map(usize::try_from(len).ok())?;
    for _ in 1..len {
        let key = Encoded::next(&mut reader, DEPTH)?;
        map.serialize_entry(&key, &Encoded::next(&mut reader, DEPTH)?)?;
    }
    map.serialize_entry(&Raw(b"data"), &Raw(data))?;
    map.end()
}

struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A value in MessagePack.
struct Encoded<'a> {
    encoded: &'a [u8],
    /// Lists and maps that may be in one another.
    depth: u8,
}

impl<'a> Encoded<'a> {
    fn next<E: Error>(reader: &mut Reader<'a>, depth: u8) -> Result<Self, E> {
        Ok(Self { encoded: reader.pass().map_err(E::custom)?, depth })
    }

    fn inner<E: Error>(&self) -> Result<u8, E> {
        self.depth.checked_sub(1).ok_or_else(|| E::custom("a dtype nested too deep"))
    }
}

impl Serialize for Encoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut reader = Reader::new(self.encoded);
        match reader.token().map_err(S::Error::custom)? {
            Token::Nil => serializer.serialize_unit(),
            Token::Bool(value) => serializer.serialize_bool(value),
            Token::Int(value) => serializer.serialize_i64(value),
            Token::UInt(value) => serializer.serialize_u64(value),
            Token::F32(value) => serializer.serialize_f32(value),
            Token::F64(value) => serializer.serialize_f64(value),
            Token::Bin(bytes) => serializer.serialize_bytes(bytes),
            Token::Str(text) => match core::str::from_utf8(text) {
                Ok(text) => serializer.serialize_str(text),
                Err(_) => serializer.serialize_bytes(text),
            },
            Token::Ext(kind, content) => serializer.serialize_newtype_struct(EXT, &(kind, Raw(content))),
            Token::List(len) => {
                let depth = self.inner()?;
                let mut list = serializer.serialize_seq(usize::try_from(len).ok())?;
                for _ in 0..len {
                    list.serialize_element(&Encoded::next(&mut reader, depth)?)?;
                }
                list.end()
            }
            Token::Map(len) => {
                let depth = self.inner()?;
                let mut map = serializer.serialize_map(usize::try_from(len).ok())?;
                for _ in 0..len {
                    let key = Encoded::next(&mut reader, depth)?;
                    map.serialize_entry(&key, &Encoded::next(&mut reader, depth)?)?;
                }
                map.end()
            }
        }
    }
}

//! A value in half a line.

use core::fmt::{self, Display};

use msgpack_numpy_codec::ValueRef;

use super::block;
use crate::dissect::Value;
use crate::render::{clip, value, visible};

const SUMMARY_LEN: usize = 60;

pub(super) fn summary(value: ValueRef<'_>) -> String {
    visible(&clip(format_args!("{}", Short(value)), SUMMARY_LEN))
}

/// Recurses as deep as the value was allowed to be, and stops where its reader does.
struct Short<'a>(ValueRef<'a>);

impl Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ValueRef::Nil => f.write_str("null"),
            ValueRef::Bool(value) => value.fmt(f),
            ValueRef::Int(value) => value.fmt(f),
            ValueRef::UInt(value) => value.fmt(f),
            ValueRef::F32(value) => write!(f, "{value:?}"),
            ValueRef::F64(value) => write!(f, "{value:?}"),
            ValueRef::Str(text) => f.write_str(&value(&Value::Raw(text.into()))),
            ValueRef::Bin(bytes) => f.write_str(&value(&Value::Bytes(bytes))),
            ValueRef::Ext(kind, bytes) => f.write_str(&value(&Value::Ext(kind, bytes))),
            ValueRef::List(list) => {
                f.write_str("[")?;
                for (index, item) in list.iter().enumerate() {
                    write!(f, "{}{}", comma(index), Short(item))?;
                }
                f.write_str("]")
            }
            ValueRef::Map(map) | ValueRef::Faulty(map, _) => {
                f.write_str("{")?;
                for (index, (key, value)) in map.iter().enumerate() {
                    write!(f, "{}{}: {}", comma(index), Short(key), Short(value))?;
                }
                f.write_str("}")
            }
            ValueRef::Array(array) => write!(f, "{} {}", array.dtype(), array.shape()),
            ValueRef::Scalar(scalar) => f.write_str(&value(&block::scalar(scalar, 0))),
            ValueRef::Complex(real, imaginary) => {
                f.write_str(&value(&block::complex([real, imaginary].map(Value::Double))))
            }
            ValueRef::Pickle(pickle) => write!(f, "objects {}", pickle.shape()),
            // The enum may grow.
            _ => f.write_str("?"),
        }
    }
}

fn comma(index: usize) -> &'static str {
    if index == 0 { "" } else { ", " }
}

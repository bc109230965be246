use crate::array::{ArrayRef, ScalarRef};
use crate::value::{ListRef, MapRef, ValueRef};

/// Values of Rust as what is written of them, and what is read again.
macro_rules! convert {
    ($($type:ty: $value:ident => $into:expr,)*) => {$(
        impl<'a> From<$type> for ValueRef<'a> {
            fn from($value: $type) -> Self {
                $into
            }
        }
    )*};
}

convert! {
    (): _nothing => Self::Nil,
    bool: value => Self::Bool(value),
    i8: value => Self::Int(value.into()),
    i16: value => Self::Int(value.into()),
    i32: value => Self::Int(value.into()),
    i64: value => Self::Int(value),
    u8: value => Self::Int(value.into()),
    u16: value => Self::Int(value.into()),
    u32: value => Self::Int(value.into()),
    u64: value => i64::try_from(value).map_or(Self::UInt(value), Self::Int),
    f32: value => Self::F32(value),
    f64: value => Self::F64(value),
    &'a str: text => Self::Str(text.as_bytes()),
    &'a [u8]: bytes => Self::Bin(bytes),
    ListRef<'a>: list => Self::List(list),
    MapRef<'a>: map => Self::Map(map),
    ArrayRef<'a>: array => Self::Array(array),
    ScalarRef<'a>: scalar => Self::Scalar(scalar),
}

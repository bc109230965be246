//! What a value means, in a text: equal for values that mean the same, whatever the form, and different for all others.
#![allow(dead_code, unreachable_pub)]

use std::fmt::Write;

use msgpack_numpy_codec::{DTypeRef, ShapeRef, ValueRef};
use testkit::vectors::to_hex;

pub fn of(value: ValueRef<'_>) -> String {
    let mut out = String::new();
    put(&mut out, value);
    out
}

fn put(out: &mut String, value: ValueRef<'_>) {
    match value {
        ValueRef::F32(value) => write!(out, "f32 {:08x}", value.to_bits()),
        ValueRef::F64(value) => write!(out, "f64 {:016x}", value.to_bits()),
        // Of a NaN their text tells no bits.
        ValueRef::Complex(real, imaginary) => {
            let bits = |part: f64| if part.is_nan() { "nan".into() } else { format!("{:016x}", part.to_bits()) };
            write!(out, "complex {} {}", bits(real), bits(imaginary))
        }
        ValueRef::Str(text) => write!(out, "str {}", to_hex(text)),
        ValueRef::Bin(bytes) => write!(out, "bin {}", to_hex(bytes)),
        ValueRef::Ext(kind, bytes) => write!(out, "ext {kind} {}", to_hex(bytes)),
        ValueRef::List(list) => {
            out.push('[');
            for item in list {
                put(out, item);
                out.push(',');
            }
            write!(out, "]{}", list.len())
        }
        ValueRef::Map(map) | ValueRef::Faulty(map, _) => {
            if let ValueRef::Faulty(_, error) = value {
                write!(out, "{error:?}").unwrap();
            }
            out.push('{');
            for (key, value) in map {
                put(out, key);
                out.push(':');
                put(out, value);
                out.push(',');
            }
            write!(out, "}}{}", map.len())
        }
        ValueRef::Array(array) => {
            let dtype = of_dtype(array.dtype());
            write!(out, "array {dtype} {} {}", of_shape(array.shape()), to_hex(array.data()))
        }
        ValueRef::Scalar(scalar) => write!(out, "scalar {} {}", of_dtype(scalar.dtype()), to_hex(scalar.data())),
        ValueRef::Pickle(pickle) => write!(out, "pickle {} {}", of_shape(pickle.shape()), to_hex(pickle.pickle())),
        // Their text is all there is to them.
        other => write!(out, "{other:?}"),
    }
    .unwrap();
}

fn of_shape(shape: ShapeRef<'_>) -> String {
    format!("{:?}", shape.iter().collect::<Vec<_>>())
}

/// Fields with their places, and not what is between them.
pub fn of_dtype(dtype: DTypeRef<'_>) -> String {
    match dtype {
        DTypeRef::Plain(plain) => plain.to_string(),
        DTypeRef::Structured(structured) => {
            let mut out = format!("{} bytes (", structured.itemsize());
            for field in structured.fields() {
                let (inner, shape) = (of_dtype(field.dtype), of_shape(field.shape));
                write!(out, "{:?} {:?} at {} {inner} {shape},", field.title, field.name, field.offset).unwrap();
            }
            out + ")"
        }
        DTypeRef::Opaque(opaque) => format!("opaque {} {}", to_hex(opaque.kind()), to_hex(opaque.as_encoded())),
        other => panic!("{other:?}"),
    }
}

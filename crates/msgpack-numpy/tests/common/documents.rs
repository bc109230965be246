//! Documents as Python may have them, and how they are told to it.
#![allow(dead_code, unreachable_pub)]

use msgpack_numpy_codec::{ArrayRef, DType, DTypeRef, Plain, ScalarRef, ShapeRef, StridedArrayRef, ValueRef, Writer};
use serde_json::{Value as Json, json};
use testkit::rng::Rng;
use testkit::vectors::to_hex;

use crate::dtypes::{NUMBERS, STRUCTURED, TEXTS};
use crate::layout::{LAYOUTS, Layout};

#[derive(Clone, Debug)]
pub enum Doc {
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// The same of numpy's.
    Float64(f64),
    Str(String),
    Bin(Vec<u8>),
    Ext(i8, Vec<u8>),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    /// Text and dtype; its items in C order.
    Array(&'static str, DType, Layout, Vec<u8>),
    Scalar(&'static str, Vec<u8>),
    Complex(f64, f64),
}

/// An array of this dtype.
pub fn of_layout(text: &str, array: &Layout) -> Json {
    json!({
        "dtype": text,
        "shape": array.shape,
        "strides": array.strides,
        "start": array.start,
        "data": to_hex(&array.data),
    })
}

impl Doc {
    pub fn random(rng: &mut Rng, depth: usize) -> Self {
        let kinds = if depth > 0 { 16 } else { 11 };
        match rng.below(kinds) {
            0 => Self::Nil,
            1 => Self::Bool(rng.below(2) == 0),
            2 => {
                let bits = rng.below(65);
                let number = if bits == 0 { 0 } else { i128::from(rng.next_u64() >> (64 - bits)) };
                Self::Int(if rng.below(2) == 0 { number } else { (-number).max(i64::MIN.into()) })
            }
            3 => Self::Float(rng.f64()),
            4 => Self::Float64(rng.f64()),
            5 => {
                let letters = ['a', 'Z', ' ', 'é', '€', '😀', '\n', '\0'];
                Self::Str((0..rng.below(40)).map(|_| *rng.choose(&letters)).collect())
            }
            6 => {
                let len = rng.below(300);
                Self::Bin(rng.bytes(len))
            }
            7 => {
                let len = rng.below(20);
                Self::Ext(rng.below(128) as i8, rng.bytes(len))
            }
            8 => {
                let typestr = *rng.choose(&["|i1", "<u2", "<i4", "<u8", "<f4", "<f2", "<c8", "<c16", "<m8[s]"]);
                let size = Plain::parse(typestr).unwrap().itemsize() as usize;
                Self::Scalar(typestr, rng.bytes(size))
            }
            9 => Self::Complex(rng.f64(), rng.f64()),
            10..=12 => Self::array(rng),
            13 => {
                let len = rng.below(20);
                Self::List((0..len).map(|_| Self::random(rng, depth - 1)).collect())
            }
            _ => {
                let len = rng.below(18);
                Self::Map((0..len).map(|index| (Self::key(index, rng), Self::random(rng, depth - 1))).collect())
            }
        }
    }

    fn array(rng: &mut Rng) -> Self {
        let groups = [&NUMBERS[..], &TEXTS, &STRUCTURED];
        // Times are refused where they are contiguous, and numpy copies no padding, and long doubles only aligned ones.
        let text = loop {
            let group = *rng.choose(&groups);
            let text = *rng.choose(group);
            if !["M8", "m8", "f16", "c32", "offsets"].iter().any(|part| text.contains(part)) {
                break text;
            }
        };
        let dtype = DType::parse(text).unwrap();
        let itemsize = dtype.itemsize().unwrap();
        let name = *rng.choose(&LAYOUTS);
        let layout = Layout::random(name, itemsize, rng);
        let items = layout.items(itemsize);
        Self::Array(text, dtype, layout, items)
    }

    /// Different for each index.
    fn key(index: usize, rng: &mut Rng) -> Self {
        match rng.below(3) {
            0 => Self::Int(index as i128 * 1000 - 5),
            1 => Self::Bin(format!("key {index}").into()),
            _ => Self::Str(format!("key {index}")),
        }
    }

    pub fn to_json(&self) -> Json {
        let double = |number: &f64| to_hex(&number.to_be_bytes());
        match self {
            Self::Nil => json!(["nil", null]),
            Self::Bool(value) => json!(["bool", value]),
            Self::Int(value) => json!(["int", value.to_string()]),
            Self::Float(value) => json!(["float", double(value)]),
            Self::Float64(value) => json!(["float64", double(value)]),
            Self::Str(text) => json!(["str", text]),
            Self::Bin(bytes) => json!(["bin", to_hex(bytes)]),
            Self::Ext(kind, bytes) => json!(["ext", [kind, to_hex(bytes)]]),
            Self::List(items) => json!(["list", items.iter().map(Self::to_json).collect::<Vec<_>>()]),
            Self::Map(entries) => {
                let pairs: Vec<_> =
                    entries.iter().map(|(key, value)| json!([key.to_json(), value.to_json()])).collect();
                json!(["map", pairs])
            }
            Self::Array(text, _, layout, _) => json!(["array", of_layout(text, layout)]),
            Self::Scalar(typestr, data) => json!(["scalar", [typestr, to_hex(data)]]),
            Self::Complex(real, imaginary) => json!(["complex", [double(real), double(imaginary)]]),
        }
    }

    /// With the writer's own methods.
    pub fn write<'a>(&'a self, writer: &mut Writer<'a>) {
        match self {
            Self::Nil => writer.nil(),
            Self::Bool(value) => writer.bool(*value),
            Self::Int(value) => match i64::try_from(*value) {
                Ok(value) => writer.int(value),
                Err(_) => writer.uint(u64::try_from(*value).unwrap()),
            },
            Self::Float(value) | Self::Float64(value) => writer.f64(*value),
            Self::Str(text) => writer.str(text),
            Self::Bin(bytes) => writer.bin(bytes),
            Self::Ext(kind, bytes) => writer.value(ValueRef::Ext(*kind, bytes)),
            Self::List(items) => {
                writer.list(items.len() as u32).unwrap();
                items.iter().for_each(|item| item.write(writer));
                Ok(())
            }
            Self::Map(entries) => {
                writer.map(entries.len() as u32).unwrap();
                for (key, value) in entries {
                    key.write(writer);
                    value.write(writer);
                }
                Ok(())
            }
            Self::Array(_, dtype, layout, items) => {
                let array = ArrayRef::new(dtype.as_ref(), ShapeRef::new(&layout.shape), items).unwrap();
                let Layout { shape, strides, data, start } = layout;
                let strided = StridedArrayRef::new(dtype.as_ref(), shape, strides, data, *start).unwrap();
                // Either way, by turns.
                if items.len() % 2 == 0 { writer.array(array) } else { writer.strided(strided) }
            }
            Self::Scalar(typestr, data) => {
                writer.scalar(ScalarRef::new(DTypeRef::Plain(Plain::parse(typestr).unwrap()), data).unwrap())
            }
            Self::Complex(real, imaginary) => writer.complex(*real, *imaginary),
        }
        .unwrap();
    }

    pub fn visit(&self, see: &mut impl FnMut(&Self)) {
        see(self);
        match self {
            Self::List(items) => items.iter().for_each(|item| item.visit(see)),
            Self::Map(entries) => entries.iter().for_each(|(key, value)| {
                key.visit(see);
                value.visit(see);
            }),
            _ => {}
        }
    }
}

//! What the test files share: vectors, values in the notation of the expectations, and a small encoder.
#![allow(dead_code, unreachable_pub)]

use msgpack_numpy_codec::{DTypeRef, FieldRef, StructuredRef, ValueRef};
use serde_json::{Value as Json, json};
use testkit::vectors::to_hex;

/// The golden vectors of a class, and their bytes. Under Miri, which is some thousand times slower, every twelfth.
pub fn golden(class: &str) -> Vec<(Json, Vec<u8>)> {
    let text = std::fs::read_to_string("tests/vectors/msgpack_numpy.jsonl").unwrap();
    let class = format!("\"class\": \"{class}\"");
    // The class stands at the front of a line; JSON is made of the sample only.
    let lines = text.lines().filter(|line| line.get(..99).unwrap_or(line).contains(&class)).enumerate();
    let sample = lines.filter(|(index, _)| !cfg!(miri) || index % 12 == 0);
    let found = sample.map(|(_, line)| serde_json::from_str::<Json>(line).unwrap());
    found.map(|vector| (testkit::vectors::hex(vector["msgpack_hex"].as_str().unwrap()), vector)).map(swap).collect()
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

/// A dtype as the wire has it: a typestr or a list of fields; null for one that is not understood.
pub fn descr(dtype: DTypeRef<'_>) -> Json {
    match dtype {
        DTypeRef::Plain(plain) => json!(plain.to_string()),
        DTypeRef::Structured(structured) => fields(structured),
        DTypeRef::Opaque(_) => Json::Null,
        _ => panic!("{dtype}"),
    }
}

fn fields(structured: StructuredRef<'_>) -> Json {
    structured.all_fields().map(|field| one_field(&field)).collect()
}

fn one_field(field: &FieldRef<'_>) -> Json {
    let name = field.title.map_or(json!(field.name), |title| json!([title, field.name]));
    let mut parts = vec![name, descr(field.dtype)];
    if !field.shape.is_empty() {
        parts.push(field.shape.iter().collect());
    }
    parts.into()
}

/// A value in the notation of `expected.jsonl`.
pub fn described(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Array(array) => json!({
            "value": "array",
            "type": descr(array.dtype()),
            "shape": array.shape().iter().collect::<Vec<_>>(),
            "data": to_hex(array.data()),
        }),
        ValueRef::Scalar(scalar) => {
            json!({"value": "scalar", "type": descr(scalar.dtype()), "data": to_hex(scalar.data())})
        }
        ValueRef::Pickle(pickle) => json!({
            "value": "pickle",
            "shape": pickle.shape().iter().collect::<Vec<_>>(),
            "data": to_hex(pickle.pickle()),
        }),
        ValueRef::Complex(real, imaginary) => json!({"value": "complex", "parts": [real, imaginary]}),
        ValueRef::Map(_) => json!({"value": "map"}),
        ValueRef::Faulty(_, error) => json!({
            "value": "faulty",
            "kind": error.kind().to_string(),
            "offset": error.offset(),
            "field": error.what(),
        }),
        other => panic!("{other:?}"),
    }
}

/// MessagePack in the shortest forms, and nothing that the crate under test had a hand in.
#[derive(Default, Clone)]
pub struct Pack(pub Vec<u8>);

impl Pack {
    pub fn map(entries: usize) -> Self {
        Self(vec![0x80 | u8::try_from(entries).ok().filter(|len| *len < 16).unwrap()])
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn bin(self, bytes: &[u8]) -> Self {
        match bytes.len() {
            len @ 0..=0xff => self.raw(&[0xc4, len as u8]),
            len @ 0x100..=0xffff => self.raw(&[0xc5]).raw(&(len as u16).to_be_bytes()),
            len => self.raw(&[0xc6]).raw(&(len as u32).to_be_bytes()),
        }
        .raw(bytes)
    }

    pub fn str(self, text: &str) -> Self {
        match text.len() {
            len @ 0..=31 => self.raw(&[0xa0 | len as u8]),
            len => self.raw(&[0xd9, u8::try_from(len).unwrap()]),
        }
        .raw(text.as_bytes())
    }

    pub fn axes(self, axes: &[u64]) -> Self {
        let head = self.raw(&[0xdc]).raw(&(axes.len() as u16).to_be_bytes());
        axes.iter().fold(head, |pack, axis| match axis {
            0..=0x7f => pack.raw(&[*axis as u8]),
            _ => pack.raw(&[0xcf]).raw(&axis.to_be_bytes()),
        })
    }
}

/// An array as msgpack-numpy 0.4.8 writes it, but for the form of `shape`.
pub fn array(typestr: &str, shape: &[u64], data: &[u8]) -> Vec<u8> {
    array_of(&Pack::default().str(typestr).0, b"", shape, &Pack::default().bin(data).0)
}

/// The same with `type` and `data` in MessagePack.
pub fn array_of(dtype: &[u8], kind: &[u8], shape: &[u64], data: &[u8]) -> Vec<u8> {
    let head = Pack::map(5).bin(b"nd").raw(&[0xc3]).bin(b"type").raw(dtype).bin(b"kind").bin(kind);
    head.bin(b"shape").axes(shape).bin(b"data").raw(data).0
}

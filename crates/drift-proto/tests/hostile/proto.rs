//! Protobuf by hand, so that what is read was not written by the crate.
#![allow(dead_code, reason = "each test has use for some of it")]

use testkit::vectors::hex;

pub(crate) const PAYLOAD: &str = "drift.proto.common.DataPayload";

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// `kind` is the wire type: 0 a number, 1 eight bytes, 2 bytes, 3 and 4 the ends of a group, 5 four bytes.
pub(crate) fn tag(field: u32, kind: u64) -> Vec<u8> {
    varint(u64::from(field) << 3 | kind)
}

pub(crate) fn number(field: u32, value: u64) -> Vec<u8> {
    [tag(field, 0), varint(value)].concat()
}

pub(crate) fn part(field: u32, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    [&tag(field, 2)[..], &varint(content.len() as u64), content].concat()
}

pub(crate) fn float(field: u32, value: f32) -> Vec<u8> {
    [&tag(field, 5)[..], &value.to_le_bytes()].concat()
}

pub(crate) fn group(field: u32, content: &[u8]) -> Vec<u8> {
    [&tag(field, 3)[..], content, &tag(field, 4)].concat()
}

/// Groups in one another.
pub(crate) fn groups(levels: usize) -> Vec<u8> {
    [tag(10, 3).repeat(levels), tag(10, 4).repeat(levels)].concat()
}

/// An element of `data` of a package.
pub(crate) fn any(name: &str, value: &[u8]) -> Vec<u8> {
    part(5, [part(1, format!("type.googleapis.com/{name}")), part(2, value)].concat())
}

/// A message in a message and so on: the fields are those from the outermost on, and `inner` is the innermost.
pub(crate) fn nested(fields: impl DoubleEndedIterator<Item = u32>, inner: &[u8]) -> Vec<u8> {
    let (mut len, mut heads) = (inner.len(), Vec::new());
    for field in fields.rev() {
        let head = [tag(field, 2), varint(len as u64)].concat();
        len += head.len();
        heads.push(head);
    }
    heads.reverse();
    [heads.concat(), inner.to_vec()].concat()
}

/// A package with so many messages in one another: a meta, its `alignment_info`, a package of that, its meta and so on.
pub(crate) fn aligned(depth: usize, inner: &[u8]) -> Vec<u8> {
    let fields: Vec<u32> = [6].into_iter().chain([6, 1, 2].into_iter().cycle()).take(depth).collect();
    nested(fields.into_iter(), inner)
}

/// An item of typed data, little-endian.
pub(crate) fn item(kind: u8, shape: &[u32], values: &[u8]) -> Vec<u8> {
    let axes: Vec<u8> = shape.iter().flat_map(|axis| axis.to_le_bytes()).collect();
    [&[1, kind][..], &(shape.len() as u64).to_le_bytes(), &axes, values].concat()
}

/// The same, big-endian.
pub(crate) fn big_item(kind: u8, shape: &[u32], values: &[u8]) -> Vec<u8> {
    let axes: Vec<u8> = shape.iter().flat_map(|axis| axis.to_be_bytes()).collect();
    [&[0, kind][..], &(shape.len() as u64).to_be_bytes(), &axes, values].concat()
}

/// A package of typed data with these names, statuses and items.
pub(crate) fn typed(names: &[(&str, u64)], items: &[Vec<u8>]) -> Vec<u8> {
    let names: Vec<Vec<u8>> =
        names.iter().map(|(name, status)| part(1, [part(1, name), number(2, *status)].concat())).collect();
    let data = [vec![1, 0], items.concat()].concat();
    [any(PAYLOAD, &part(2, data)), part(6, [number(1, 5), part(8, names.concat())].concat())].concat()
}

/// Golden vectors by name; under Miri, which is some thousand times slower, every twelfth.
fn vectors(file: &str) -> Vec<(String, Vec<u8>)> {
    let step = if cfg!(miri) { 12 } else { 1 };
    let lines = file.lines().step_by(step).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.map(|line| (line["name"].as_str().unwrap().to_owned(), hex(line["hex"].as_str().unwrap()))).collect()
}

pub(crate) fn packages() -> Vec<(String, Vec<u8>)> {
    vectors(include_str!("../vectors/drift.jsonl"))
}

pub(crate) fn typed_data() -> Vec<(String, Vec<u8>)> {
    vectors(include_str!("../vectors/drift_bytes.jsonl"))
}

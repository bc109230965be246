//! Messages that are nearly right.

use super::Script;
use super::oracle::{Is, Schema};

const URLS: [&str; 8] = [
    "type.googleapis.com/drift.proto.common.DataPayload",
    "/drift.proto.common.DataPayload",
    "/drift.proto.trigger_service.TriggerMessage",
    "/drift.proto.trigger_service.IntervalTriggerMessage",
    "/drift.proto.alignment_service.AlignedPackage",
    "/drift.proto.common.DriftPackage",
    "drift.proto.common.DataPayload",
    "é",
];

/// A message of these fields, in any order, some of them again and again.
pub(super) fn message(schema: &'static Schema, script: &mut Script<'_>, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let count = script.byte() % 8;
    for _ in 0..count {
        if script.0.is_empty() {
            break;
        }
        field(schema, script, depth, &mut out);
    }
    match script.byte() {
        250 => drop(out.pop()),
        251 => out.extend(script.bytes()),
        252 => out.truncate(out.len() / 2),
        _ => {}
    }
    out
}

fn field(schema: &'static Schema, script: &mut Script<'_>, depth: usize, out: &mut Vec<u8>) {
    let choice = script.byte();
    let known = schema.fields.get(usize::from(choice >> 4) % schema.fields.len().max(1));
    let (Some((number, name, is)), 0..14) = (known, choice & 15) else {
        return unknown(schema, script, out);
    };
    let number_of = |kind: u64, out: &mut Vec<u8>| varint(number << 3 | kind, 0, out);
    match is {
        Is::Varint => {
            number_of(0, out);
            numbers(script, out);
        }
        Is::Fixed32 => {
            number_of(5, out);
            out.extend(script.pick(&[0_u32, 0x8000_0000, 0x3f80_0000, 0x7fc0_0001, 1]).to_le_bytes());
        }
        Is::Numbers if choice & 1 == 0 => {
            number_of(0, out);
            numbers(script, out);
        }
        Is::Numbers => {
            let mut packed = Vec::new();
            (0..script.byte() % 4).for_each(|_| numbers(script, &mut packed));
            number_of(2, out);
            bytes(&packed, out);
        }
        Is::Text => {
            number_of(2, out);
            let text = if *name == "type_url" { script.pick(&URLS) } else { script.pick(&["", "a", "räume", "a/b"]) };
            let text = if choice & 15 == 13 { script.bytes() } else { text.as_bytes() };
            bytes(text, out);
        }
        Is::Bytes => {
            number_of(2, out);
            bytes(script.bytes(), out);
        }
        Is::One(inner) | Is::Many(inner) => {
            let content = if depth < 12 { message(inner, script, depth + 1) } else { Vec::new() };
            number_of(2, out);
            bytes(&content, out);
        }
    }
}

/// Of any number and wire type, those of the message among them.
fn unknown(schema: &'static Schema, script: &mut Script<'_>, out: &mut Vec<u8>) {
    let number = match script.byte() {
        choice @ ..128 => schema.fields.get(usize::from(choice) % 9).map_or(18, |field| field.0),
        128..250 => u64::from(script.byte()) + 1,
        250..254 => (1 << 29) - 1,
        254 => 1 << 29,
        255 => 0,
    };
    let kind = u64::from(script.byte() % 8);
    varint(number << 3 | kind, 0, out);
    match kind {
        0 => numbers(script, out),
        1 => out.extend(script.number().to_le_bytes()),
        2 => bytes(script.bytes(), out),
        3 => {
            let levels = script.pick(&[0_usize, 1, 2, 40, 70]);
            (0..levels).for_each(|_| out.push(0x0b));
            if script.byte() & 1 == 0 {
                out.extend(b"\x08\x01");
            }
            (0..levels).for_each(|_| out.push(0x0c));
            let end = if script.byte() > 240 { number + 1 } else { number };
            varint(end << 3 | 4, 0, out);
        }
        5 => out.extend(b"\x01\x02\x03\x04"),
        _ => {}
    }
}

/// A number in any of its forms.
fn numbers(script: &mut Script<'_>, out: &mut Vec<u8>) {
    match script.byte() {
        200..220 => varint(u64::MAX, 0, out),
        220..235 => varint(script.number(), 1 + usize::from(script.byte() % 10), out),
        // With bits beyond 64, and of eleven bytes.
        235..245 => out.extend(b"\x81\x80\x80\x80\x80\x80\x80\x80\x80\x7e"),
        245 => out.extend(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        _ => varint(script.number(), 0, out),
    }
}

/// In so many bytes at least.
fn varint(mut value: u64, least: usize, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        let is_last = value < 0x80 && out.len() + 1 - start >= least;
        out.push(value as u8 & 0x7f | if is_last { 0 } else { 0x80 });
        value >>= 7;
        if is_last {
            return;
        }
    }
}

fn bytes(content: &[u8], out: &mut Vec<u8>) {
    varint(content.len() as u64, 0, out);
    out.extend(content);
}

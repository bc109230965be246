//! Protobuf that is nearly right.

use super::Script;
use super::wire::{Is, Schema};

/// A message whose arrays are mostly of one length.
pub(super) fn message(schema: &Schema, script: &mut Script<'_>) -> Vec<u8> {
    let len = script.byte() % 4;
    let mut out = Vec::new();
    fields(schema, len, script, &mut out);
    match script.byte() {
        250 => drop(out.pop()),
        251 => out.extend(script.bytes()),
        252 => out.truncate(out.len() * usize::from(script.byte()) / 256),
        _ => {}
    }
    out
}

fn fields(schema: &Schema, len: u8, script: &mut Script<'_>, out: &mut Vec<u8>) {
    let mut parts = Vec::new();
    for (number, is) in schema.0 {
        let times = match script.byte() {
            ..190 => 1,
            190..215 => 0,
            215..235 => 2,
            235..250 => {
                let mut part = Vec::new();
                unknown(*number, script, &mut part);
                parts.push(part);
                1
            }
            250.. => {
                // In front of what else there is.
                let mut part = Vec::new();
                field(*number, is, len, script, &mut part);
                parts.insert(0, part);
                0
            }
        };
        let times = if matches!(is, Is::Entry(_)) { times * (script.byte() % 4) } else { times };
        for _ in 0..times {
            let mut part = Vec::new();
            field(*number, is, len, script, &mut part);
            parts.push(part);
        }
    }
    parts.into_iter().for_each(|part| out.extend(part));
}

fn field(number: u64, is: &Is, len: u8, script: &mut Script<'_>, out: &mut Vec<u8>) {
    let mut packed = Vec::new();
    match is {
        Is::Varint => {
            varint(number << 3, 0, out);
            return numbers(script, out);
        }
        Is::Text => packed.extend(script.pick(&["f", "", "räume", "9a9627b7bc25"]).bytes()),
        Is::Message(schema) | Is::Entry(schema) => fields(schema, len, script, &mut packed),
        Is::Varints | Is::Flags | Is::Doubles => {
            let choice = script.byte();
            let count = if choice > 245 { len + 1 } else { len };
            let mut item = |out: &mut Vec<u8>| match is {
                Is::Varints | Is::Flags => numbers(script, out),
                _ => {
                    let of = [
                        0,
                        1 << 63,
                        f64::NAN.to_bits(),
                        f64::INFINITY.to_bits(),
                        1,
                        1.5_f64.to_bits(),
                        0x7ff0_0000_0000_0001,
                    ];
                    let value = if script.byte() < 128 { script.pick(&of) } else { script.number() };
                    out.extend(value.to_le_bytes());
                }
            };
            // Some one by one, and the others in one.
            let single = if choice & 7 == 7 { count.min(choice >> 6) } else { 0 };
            for _ in 0..single {
                varint(number << 3 | if matches!(is, Is::Doubles) { 1 } else { 0 }, 0, out);
                item(out);
            }
            if single > 0 && single == count {
                return;
            }
            (single..count).for_each(|_| item(&mut packed));
        }
    }
    if script.byte() > 252 {
        packed.extend(script.bytes());
    }
    varint(number << 3 | 2, 0, out);
    varint(packed.len() as u64, 0, out);
    out.extend(packed);
}

/// A field of any wire type.
fn unknown(known: u64, script: &mut Script<'_>, out: &mut Vec<u8>) {
    let number = match script.byte() {
        ..160 => known,
        160..230 => u64::from(script.byte()) + 1,
        230..245 => (1 << 29) - 1,
        245..250 => 1 << 29,
        250.. => 0,
    };
    let kind = u64::from(script.byte() % 8);
    varint(number << 3 | kind, 0, out);
    match kind {
        0 => numbers(script, out),
        1 => out.extend(script.number().to_le_bytes()),
        2 => {
            let content = script.bytes();
            varint(content.len() as u64, 0, out);
            out.extend(content);
        }
        3 => {
            let levels = script.pick(&[0_usize, 1, 2, 59, 60, 61, 62, 63, 64]);
            out.extend(std::iter::repeat_n(0x0b, levels));
            if script.byte() & 1 == 0 {
                out.extend(b"\x08\x01");
            }
            out.extend(std::iter::repeat_n(0x0c, levels));
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
        choice @ ..128 => varint(u64::from(choice % 5), 0, out),
        128..136 => varint(u64::MAX, 0, out),
        136..140 => varint(1 << 31, 0, out),
        140..144 => varint(i64::MAX as u64, 0, out),
        144..148 => varint(1 << 63, 0, out),
        148..156 => varint(script.number(), 1 + usize::from(script.byte() % 10), out),
        // With bits beyond 64, and of eleven bytes.
        156..159 => out.extend(b"\x81\x80\x80\x80\x80\x80\x80\x80\x80\x7e"),
        159 => out.extend(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
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

//! A field of a protobuf message, as far as it has to be known to show it.

/// By its wire type.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// All of it, with its end.
    Group(&'a [u8]),
    Fixed32(u32),
}

#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) number: u64,
    pub(super) value: Value<'a>,
    /// Bytes in front of the value: its tag, and its length.
    pub(super) head: usize,
    /// Of all of it.
    pub(super) len: usize,
}

/// The field at the front; none if there is none that is whole.
pub(super) fn field(bytes: &[u8]) -> Option<Field<'_>> {
    let (tag, rest) = varint(bytes)?;
    let (value, after) = match tag & 7 {
        0 => varint(rest).map(|(value, rest)| (Value::Varint(value), rest))?,
        1 => rest.split_first_chunk().map(|(value, rest)| (Value::Fixed64(u64::from_le_bytes(*value)), rest))?,
        2 => {
            let (len, rest) = varint(rest)?;
            rest.split_at_checked(usize::try_from(len).ok()?).map(|(value, rest)| (Value::Bytes(value), rest))?
        }
        3 => {
            let after = group(rest)?;
            (Value::Group(rest.get(..rest.len().saturating_sub(after.len()))?), after)
        }
        5 => rest.split_first_chunk().map(|(value, rest)| (Value::Fixed32(u32::from_le_bytes(*value)), rest))?,
        _ => return None,
    };
    let len = bytes.len().saturating_sub(after.len());
    let head = match value {
        Value::Bytes(value) => len.saturating_sub(value.len()),
        Value::Varint(_) | Value::Fixed64(_) | Value::Group(_) | Value::Fixed32(_) => {
            bytes.len().saturating_sub(rest.len())
        }
    };
    Some(Field { number: tag >> 3, value, head, len })
}

/// A number of up to ten bytes.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let len = bytes.iter().take(10).position(|byte| *byte < 0x80)?.saturating_add(1);
    let (number, rest) = bytes.split_at_checked(len)?;
    let add = |value: u64, byte: &u8| value << 7 | u64::from(byte & 0x7f);
    Some((number.iter().rev().fold(0, add), rest))
}

/// What follows a group, of which the start was read.
fn group(bytes: &[u8]) -> Option<&[u8]> {
    let (mut level, mut rest) = (1_usize, bytes);
    while level > 0 {
        let (tag, after) = varint(rest)?;
        rest = match tag & 7 {
            3 => {
                level = level.saturating_add(1);
                after
            }
            4 => {
                level = level.saturating_sub(1);
                after
            }
            _ => rest.get(field(rest)?.len..)?,
        };
    }
    Some(rest)
}

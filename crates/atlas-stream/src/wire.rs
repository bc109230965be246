//! Protobuf as it stands on the wire: fields one after the other, whatever they mean.

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The message ends in it.
    End,
    /// A number of more than ten bytes.
    Varint,
    /// A field number of 0 or of more than 29 bits, or a wire type that is none.
    Tag,
    /// A group ends that did not begin.
    Group,
    /// Groups in groups, more than are allowed.
    Depth,
}

/// Where something is wrong: an address, since who reads a message in a message does not know where the outer one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireError {
    pub(crate) fault: Fault,
    address: usize,
}

impl WireError {
    #[cold]
    pub(crate) fn new(fault: Fault, at: &[u8]) -> Self {
        Self { fault, address: at.as_ptr() as usize }
    }

    /// Bytes from the start of the message that was given.
    pub(crate) fn offset(self, message: &[u8]) -> usize {
        self.address.wrapping_sub(message.as_ptr() as usize)
    }
}

/// The value of a field by its wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Group,
    Fixed32(u32),
}

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
    /// All of it, tag and value.
    pub(crate) raw: &'a [u8],
}

/// The fields of a message that are left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

/// Most groups in one another that can be allowed.
const GROUPS: usize = 100;

/// Largest field number.
const MAX_NUMBER: u64 = (1 << 29) - 1;

impl<'a> Fields<'a> {
    pub(crate) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The bytes of the next field, if it has this number, which is of at most 15.
    #[inline]
    pub(crate) fn bytes(&mut self, number: u32) -> Option<&'a [u8]> {
        let (tag, rest) = self.rest.split_first()?;
        if u32::from(*tag) != number << 3 | 2 {
            return None;
        }
        let (bytes, rest) = bytes(rest).ok()?;
        self.rest = rest;
        Some(bytes)
    }

    /// The next field; groups in one another are passed up to this depth.
    #[inline(always)]
    pub(crate) fn checked(&mut self, depth: u8) -> Result<Option<Field<'a>>, WireError> {
        let start = self.rest;
        if start.is_empty() {
            return Ok(None);
        }
        let (number, kind, rest) = tag(start)?;
        // Those that nearly all are, first and not by a table.
        let (value, rest) = match kind {
            2 => bytes(rest).map(|(bytes, rest)| (Value::Bytes(bytes), rest)),
            0 => varint(rest).map(|(value, rest)| (Value::Varint(value), rest)),
            5 => fixed(rest).map(|(bytes, rest)| (Value::Fixed32(u32::from_le_bytes(bytes)), rest)),
            _ => rare(start, number, kind, rest, depth).map(|(bits, rest)| match kind {
                1 => (Value::Fixed64(bits), rest),
                _ => (Value::Group, rest),
            }),
        }?;
        self.rest = rest;
        let len = start.len().saturating_sub(rest.len());
        Ok(Some(Field { number, value, raw: start.get(..len).unwrap_or(start) }))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    /// Of a message that was checked: a fault is its end.
    #[inline(always)]
    fn next(&mut self) -> Option<Field<'a>> {
        self.checked(u8::MAX).ok().flatten()
    }
}

/// A value of another wire type.
#[cold]
fn rare<'a>(start: &[u8], number: u32, kind: u8, rest: &'a [u8], depth: u8) -> Result<(u64, &'a [u8]), WireError> {
    match kind {
        1 => fixed(rest).map(|(bytes, rest)| (u64::from_le_bytes(bytes), rest)),
        3 if depth == 0 => Err(WireError::new(Fault::Depth, start)),
        3 => group(number, rest, depth).map(|rest| (0, rest)),
        4 => Err(WireError::new(Fault::Group, start)),
        _ => Err(WireError::new(Fault::Tag, start)),
    }
}

/// Bytes with the numbers 1 and 2, one behind the other and nothing else, as they are written nearly always.
#[inline(always)]
pub(crate) fn two_bytes(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x0a, rest @ ..] = message else { return None };
    let (one, rest) = bytes(rest).ok()?;
    let [0x12, rest @ ..] = rest else { return None };
    let (two, rest) = bytes(rest).ok()?;
    rest.is_empty().then_some((one, two))
}

/// The same of numbers.
#[inline(always)]
pub(crate) fn two_varints(message: &[u8]) -> Option<(u64, u64)> {
    let [0x08, rest @ ..] = message else { return None };
    let (one, rest) = varint(rest).ok()?;
    let [0x10, rest @ ..] = rest else { return None };
    if let (3..8, Some(word)) = (rest.len(), message.last_chunk()) {
        // Too few are left to be read at once from where they begin, and enough up to where they end.
        let before = 8_usize.wrapping_sub(rest.len()).wrapping_mul(8);
        let (two, len) = close_up(u64::from_le_bytes(*word) >> before)?;
        return (len == rest.len()).then_some((one, two));
    }
    let (two, rest) = varint(rest).ok()?;
    rest.is_empty().then_some((one, two))
}

/// Field number, wire type, and what follows.
#[inline]
fn tag(start: &[u8]) -> Result<(u32, u8, &[u8]), WireError> {
    // Numbers up to 15 are nearly all there are.
    if let [tag @ 8..=0x7f, rest @ ..] = start {
        return Ok((u32::from(tag >> 3), tag & 7, rest));
    }
    let (tag, rest) = varint(start)?;
    let number = tag >> 3;
    match u32::try_from(number) {
        Ok(narrow) if (1..=MAX_NUMBER).contains(&number) => Ok((narrow, (tag & 7) as u8, rest)),
        _ => Err(WireError::new(Fault::Tag, start)),
    }
}

/// A number of up to ten bytes; bits beyond 64 are dropped, as peers do.
#[inline]
pub(crate) fn varint(start: &[u8]) -> Result<(u64, &[u8]), WireError> {
    match start {
        [byte @ ..0x80, rest @ ..] => Ok((u64::from(*byte), rest)),
        [low, high @ ..0x80, rest @ ..] => Ok((u64::from(low & 0x7f) | u64::from(*high) << 7, rest)),
        _ => match eight(start) {
            Some(found) => Ok(found),
            None => long_varint(start),
        },
    }
}

/// A number of up to eight bytes, all at once; `None` if it is longer, or fewer than eight are left.
#[inline]
fn eight(start: &[u8]) -> Option<(u64, &[u8])> {
    let (value, len) = close_up(u64::from_le_bytes(*start.first_chunk()?))?;
    Some((value, start.get(len..)?))
}

/// The number that eight bytes begin with, and its bytes; `None` if it is longer.
#[inline]
fn close_up(word: u64) -> Option<(u64, usize)> {
    // The lowest bit is at the top of the last byte.
    let ends = !word & 0x8080_8080_8080_8080;
    let len = (ends.trailing_zeros() / 8).wrapping_add(1) as usize;
    // Up to there, seven bits of each byte, closed up.
    let word = word & (ends ^ ends.wrapping_sub(1)) & 0x7f7f_7f7f_7f7f_7f7f;
    let word = word & 0x007f_007f_007f_007f | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let word = word & 0x0000_3fff_0000_3fff | (word & 0x3fff_0000_3fff_0000) >> 2;
    let word = word & 0x0fff_ffff | (word & 0x0fff_ffff_0000_0000) >> 4;
    (ends != 0).then_some((word, len))
}

fn long_varint(start: &[u8]) -> Result<(u64, &[u8]), WireError> {
    let (mut value, mut rest, mut shift) = (0, start, 0_u32);
    while let [byte, after @ ..] = rest {
        value |= u64::from(byte & 0x7f) << shift;
        rest = after;
        if *byte < 0x80 {
            return Ok((value, rest));
        }
        shift = shift.wrapping_add(7);
        if shift == 70 {
            return Err(WireError::new(Fault::Varint, start));
        }
    }
    Err(WireError::new(Fault::End, rest))
}

#[inline]
fn fixed<const N: usize>(start: &[u8]) -> Result<([u8; N], &[u8]), WireError> {
    let (bytes, rest) = start.split_first_chunk().ok_or_else(|| end(start))?;
    Ok((*bytes, rest))
}

/// So many bytes as the number in front of them says.
#[inline]
pub(crate) fn bytes(start: &[u8]) -> Result<(&[u8], &[u8]), WireError> {
    let (len, rest) = varint(start)?;
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    rest.split_at_checked(len).ok_or_else(|| end(start))
}

/// That a message ends too early.
#[cold]
fn end(start: &[u8]) -> WireError {
    WireError::new(Fault::End, start.get(start.len()..).unwrap_or(start))
}

/// What follows a group, passed without recursion.
#[cold]
fn group(number: u32, start: &[u8], depth: u8) -> Result<&[u8], WireError> {
    let mut open = [number; GROUPS];
    let most = usize::from(depth).min(GROUPS);
    let (mut level, mut rest) = (1_usize, start);
    while let Some(inner) = level.checked_sub(1) {
        if rest.is_empty() {
            return Err(end(rest));
        }
        let at = rest;
        let (number, kind, after) = tag(at)?;
        rest = match kind {
            0 => varint(after)?.1,
            1 => fixed::<8>(after)?.1,
            2 => bytes(after)?.1,
            3 => {
                let slot = open.get_mut(level).filter(|_| level < most);
                *slot.ok_or_else(|| WireError::new(Fault::Depth, at))? = number;
                level = level.saturating_add(1);
                after
            }
            4 if open.get(inner) == Some(&number) => {
                level = inner;
                after
            }
            4 => return Err(WireError::new(Fault::Group, at)),
            5 => fixed::<4>(after)?.1,
            _ => return Err(WireError::new(Fault::Tag, at)),
        };
    }
    Ok(rest)
}

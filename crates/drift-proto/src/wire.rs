//! Protobuf as it stands on the wire: fields one after the other, whatever they mean. Two crates have this file, and a test keeps both the
//! same.

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

    /// The next field; groups in one another are passed up to this depth.
    #[inline]
    pub(crate) fn checked(&mut self, depth: u8) -> Result<Option<Field<'a>>, WireError> {
        let start = self.rest;
        if start.is_empty() {
            return Ok(None);
        }
        let (number, kind, rest) = tag(start)?;
        let (value, rest) = match kind {
            0 => varint(rest).map(|(value, rest)| (Value::Varint(value), rest)),
            1 => fixed(rest).map(|(bytes, rest)| (Value::Fixed64(u64::from_le_bytes(bytes)), rest)),
            2 => bytes(rest).map(|(bytes, rest)| (Value::Bytes(bytes), rest)),
            3 => group(number, rest, depth).map(|rest| (Value::Group, rest)),
            5 => fixed(rest).map(|(bytes, rest)| (Value::Fixed32(u32::from_le_bytes(bytes)), rest)),
            4 => Err(WireError::new(Fault::Group, start)),
            _ => Err(WireError::new(Fault::Tag, start)),
        }?;
        self.rest = rest;
        let len = start.len().saturating_sub(rest.len());
        Ok(Some(Field { number, value, raw: start.get(..len).unwrap_or(start) }))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    /// Of a message that was checked: a fault is its end.
    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        self.checked(u8::MAX).ok().flatten()
    }
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
        _ => long_varint(start),
    }
}

fn long_varint(start: &[u8]) -> Result<(u64, &[u8]), WireError> {
    let (mut value, mut rest) = (0, start);
    for shift in (0..70).step_by(7) {
        let Some((byte, after)) = rest.split_first() else { return Err(WireError::new(Fault::End, rest)) };
        value |= u64::from(byte & 0x7f) << shift;
        rest = after;
        if *byte < 0x80 {
            return Ok((value, rest));
        }
    }
    Err(WireError::new(Fault::Varint, start))
}

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
    if most == 0 {
        return Err(WireError::new(Fault::Depth, start));
    }
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

//! MessagePack, token by token.

/// One step through MessagePack data.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "all that MessagePack has")]
pub enum Token<'a> {
    /// Nothing.
    Nil,
    /// True or false.
    Bool(bool),
    /// An integer that fits, in whatever form it came.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// Of 32 bits.
    F32(f32),
    /// Of 64 bits.
    F64(f64),
    /// A text, or bytes in the form that texts have: writers before 2013 and msgpack-numpy 0.4.2 to 0.4.4.3 know no other.
    Str(&'a [u8]),
    /// Bytes.
    Bin(&'a [u8]),
    /// So many items follow.
    List(u32),
    /// So many entries follow, two values each.
    Map(u32),
    /// Type and content of an extension.
    Ext(i8, &'a [u8]),
}

impl Token<'_> {
    /// Values that belong to it and follow.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn items(&self) -> u64 {
        match self {
            Self::List(len) => *len as u64,
            Self::Map(len) => (*len as u64) << 1,
            Self::Nil
            | Self::Bool(_)
            | Self::Int(_)
            | Self::UInt(_)
            | Self::F32(_)
            | Self::F64(_)
            | Self::Str(_)
            | Self::Bin(_)
            | Self::Ext(..) => 0,
        }
    }
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoToken {
    /// The bytes end in it.
    Short,
    /// The byte that begins no value.
    Reserved,
}

/// The token at the front of `input`, and what follows it.
///
/// Forms that differ in width only share an arm: what comes next is then easier to foresee.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn lex(input: &[u8]) -> Result<(Token<'_>, &[u8]), NoToken> {
    let (&tag, rest) = input.split_first().ok_or(NoToken::Short)?;
    // Keys and short texts are most of all tokens: they come before the search for the right arm.
    if matches!(tag, 0xa0..=0xbf) {
        return fix_str(tag, rest);
    }
    let token = match tag {
        0x00..=0x7f | 0xe0..=0xff => Token::Int(i64::from(i8::from_be_bytes([tag]))),
        0x80..=0x8f => Token::Map(u32::from(tag & 0x0f)),
        0x90..=0x9f => Token::List(u32::from(tag & 0x0f)),
        0xa0..=0xbf => return fix_str(tag, rest),
        0xc0 => Token::Nil,
        0xc1 => return Err(NoToken::Reserved),
        0xc2 | 0xc3 => Token::Bool(tag & 1 == 1),
        0xc4..=0xc6 => {
            let (len, rest) = length(rest, tag & 3)?;
            return bytes(rest, len, Token::Bin);
        }
        0xc7..=0xc9 => {
            let (len, rest) = length(rest, tag.wrapping_sub(0xc7))?;
            return ext(rest, len);
        }
        0xca => return number(rest, |bytes| Token::F32(f32::from_be_bytes(bytes))),
        0xcb => return number(rest, |bytes| Token::F64(f64::from_be_bytes(bytes))),
        0xcc..=0xd3 => return integer(tag, rest),
        0xd4..=0xd8 => return ext(rest, 1 << (tag & 0x0f).wrapping_sub(4)),
        0xd9..=0xdb => {
            let (len, rest) = length(rest, tag.wrapping_sub(0xd9))?;
            return bytes(rest, len, Token::Str);
        }
        0xdc | 0xdd => {
            let (len, rest) = count(rest, tag & 1)?;
            return Ok((Token::List(len), rest));
        }
        0xde | 0xdf => {
            let (len, rest) = count(rest, tag & 1)?;
            return Ok((Token::Map(len), rest));
        }
    };
    Ok((token, rest))
}

/// Bytes of a value by its first byte, where that tells all of them and nothing is in it; 0 for all others.
const LEAVES: [u8; 256] = leaves();

const fn leaves() -> [u8; 256] {
    let mut lens = [0; 256];
    let mut tag = 0_usize;
    while tag < 256 {
        #[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tag is below 256")]
        {
            lens[tag] = match tag {
                0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => 1,
                0xa0..=0xbf => (tag as u8 & 0x1f).saturating_add(1),
                0xcc | 0xd0 => 2,
                0xcd | 0xd1 => 3,
                0xca | 0xce | 0xd2 => 5,
                0xcb | 0xcf | 0xd3 => 9,
                _ => 0,
            };
        }
        tag = tag.saturating_add(1);
    }
    lens
}

/// What follows a value whose first byte tells its length, and in which there is no other; `None` for all others, and if it is cut short.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn hop(input: &[u8]) -> Option<&[u8]> {
    let len = LEAVES.get(usize::from(*input.first()?)).copied().unwrap_or_default();
    if len == 0 { None } else { input.get(usize::from(len)..) }
}

/// What follows `prefix`. Its length is known where it is used, so that no loop is needed.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn behind<'a, const N: usize>(input: &'a [u8], prefix: &[u8; N]) -> Option<&'a [u8]> {
    let (front, rest) = input.split_first_chunk()?;
    (front == prefix).then_some(rest)
}

/// Whether it is UTF-8. ASCII, as nearly all are, is seen at a glance.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    is_ascii(bytes) || core::str::from_utf8(bytes).is_ok()
}

/// Whether they are ASCII, eight at a time: the last eight may be seen twice.
#[cfg_attr(not(debug_assertions), inline(always))]
fn is_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    if let Some(last) = bytes.last_chunk() {
        let whole = bytes.chunks_exact(8).filter_map(<[u8]>::first_chunk);
        let any = whole.fold(u64::from_ne_bytes(*last), |any, chunk| any | u64::from_ne_bytes(*chunk));
        return any & HIGH == 0;
    }
    bytes.is_ascii()
}

type Lexed<'a> = Result<(Token<'a>, &'a [u8]), NoToken>;

#[cfg_attr(not(debug_assertions), inline(always))]
fn fix_str(tag: u8, rest: &[u8]) -> Lexed<'_> {
    bytes(rest, usize::from(tag & 0x1f), Token::Str)
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn number<'a, const N: usize>(rest: &'a [u8], make: impl FnOnce([u8; N]) -> Token<'a>) -> Lexed<'a> {
    let (bytes, rest) = rest.split_first_chunk().ok_or(NoToken::Short)?;
    Ok((make(*bytes), rest))
}

/// An integer of 1, 2, 4 or 8 bytes, without sign up to `cf`.
#[cfg_attr(not(debug_assertions), inline(always))]
fn integer(tag: u8, rest: &[u8]) -> Lexed<'_> {
    let len = 1_usize << (tag & 3);
    let (_, after) = rest.split_at_checked(len).ok_or(NoToken::Short)?;
    // The first of them on top, and what follows them cut off.
    let top = match rest.first_chunk() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => few(rest),
    };
    let cut = 64_u32.wrapping_sub(8 << (tag & 3));
    let unsigned = top.wrapping_shr(cut);
    let signed = i64::from_be_bytes(top.to_be_bytes()).wrapping_shr(cut);
    let token = if tag & 0x10 != 0 {
        Token::Int(signed)
    } else {
        i64::try_from(unsigned).map_or(Token::UInt(unsigned), Token::Int)
    };
    Ok((token, after))
}

/// An integer that is not negative, in any form, and what follows it; `None` for all else.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn unsigned(input: &[u8]) -> Option<(u64, &[u8])> {
    let (&tag, rest) = input.split_first()?;
    if tag <= 0x7f {
        return Some((tag.into(), rest));
    }
    if !matches!(tag, 0xcc..=0xd3) {
        return None;
    }
    match integer(tag, rest).ok()? {
        (Token::Int(value), rest) => Some((u64::try_from(value).ok()?, rest)),
        (Token::UInt(value), rest) => Some((value, rest)),
        _ => None,
    }
}

/// Fewer than eight bytes, the first of them on top.
#[cold]
fn few(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    all.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    u64::from_be_bytes(all)
}

/// A length of 1, 2 or 4 bytes.
#[cfg_attr(not(debug_assertions), inline(always))]
fn length(rest: &[u8], width: u8) -> Result<(usize, &[u8]), NoToken> {
    let (bytes, after) = rest.split_at_checked(1 << width).ok_or(NoToken::Short)?;
    let top = match rest.first_chunk() {
        Some(bytes) => u32::from_be_bytes(*bytes),
        None => u32::try_from(few(bytes) >> 32).unwrap_or_default(),
    };
    let len = top.wrapping_shr(32_u32.wrapping_sub(8 << width));
    Ok((usize::try_from(len).unwrap_or(usize::MAX), after))
}

/// A number of items of 2 or 4 bytes.
#[cfg_attr(not(debug_assertions), inline(always))]
fn count(rest: &[u8], wide: u8) -> Result<(u32, &[u8]), NoToken> {
    if wide == 0 {
        let (bytes, rest) = rest.split_first_chunk().ok_or(NoToken::Short)?;
        return Ok((u16::from_be_bytes(*bytes).into(), rest));
    }
    let (bytes, rest) = rest.split_first_chunk().ok_or(NoToken::Short)?;
    Ok((u32::from_be_bytes(*bytes), rest))
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn bytes<'a>(rest: &'a [u8], len: usize, make: impl FnOnce(&'a [u8]) -> Token<'a>) -> Lexed<'a> {
    let (bytes, rest) = rest.split_at_checked(len).ok_or(NoToken::Short)?;
    Ok((make(bytes), rest))
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn ext(rest: &[u8], len: usize) -> Lexed<'_> {
    let (kind, rest) = rest.split_first().ok_or(NoToken::Short)?;
    let (bytes, rest) = rest.split_at_checked(len).ok_or(NoToken::Short)?;
    Ok((Token::Ext(i8::from_be_bytes([*kind]), bytes), rest))
}

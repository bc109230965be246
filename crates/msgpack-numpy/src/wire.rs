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
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn lex(input: &[u8]) -> Result<(Token<'_>, &[u8]), NoToken> {
    let (&tag, rest) = input.split_first().ok_or(NoToken::Short)?;
    let token = match tag {
        0x00..=0x7f => Token::Int(i64::from(tag)),
        0x80..=0x8f => Token::Map(u32::from(tag & 0x0f)),
        0x90..=0x9f => Token::List(u32::from(tag & 0x0f)),
        0xa0..=0xbf => return str(rest, usize::from(tag & 0x1f)),
        0xc0 => Token::Nil,
        0xc1 => return Err(NoToken::Reserved),
        0xc2 => Token::Bool(false),
        0xc3 => Token::Bool(true),
        0xc4 => return with(rest, |[a]| usize::from(a), bin),
        0xc5 => return with(rest, |len| usize::from(u16::from_be_bytes(len)), bin),
        0xc6 => return with(rest, long, bin),
        0xc7 => return with(rest, |[a]| usize::from(a), ext),
        0xc8 => return with(rest, |len| usize::from(u16::from_be_bytes(len)), ext),
        0xc9 => return with(rest, long, ext),
        0xca => return scalar(rest, |bytes| Token::F32(f32::from_be_bytes(bytes))),
        0xcb => return scalar(rest, |bytes| Token::F64(f64::from_be_bytes(bytes))),
        0xcc => return scalar(rest, |[a]| Token::Int(i64::from(a))),
        0xcd => return scalar(rest, |bytes| Token::Int(i64::from(u16::from_be_bytes(bytes)))),
        0xce => return scalar(rest, |bytes| Token::Int(i64::from(u32::from_be_bytes(bytes)))),
        0xcf => {
            return scalar(rest, |bytes| {
                let value = u64::from_be_bytes(bytes);
                i64::try_from(value).map_or(Token::UInt(value), Token::Int)
            });
        }
        0xd0 => return scalar(rest, |bytes| Token::Int(i64::from(i8::from_be_bytes(bytes)))),
        0xd1 => return scalar(rest, |bytes| Token::Int(i64::from(i16::from_be_bytes(bytes)))),
        0xd2 => return scalar(rest, |bytes| Token::Int(i64::from(i32::from_be_bytes(bytes)))),
        0xd3 => return scalar(rest, |bytes| Token::Int(i64::from_be_bytes(bytes))),
        0xd4 => return ext(rest, 1),
        0xd5 => return ext(rest, 2),
        0xd6 => return ext(rest, 4),
        0xd7 => return ext(rest, 8),
        0xd8 => return ext(rest, 16),
        0xd9 => return with(rest, |[a]| usize::from(a), str),
        0xda => return with(rest, |len| usize::from(u16::from_be_bytes(len)), str),
        0xdb => return with(rest, long, str),
        0xdc => return scalar(rest, |len| Token::List(u32::from(u16::from_be_bytes(len)))),
        0xdd => return scalar(rest, |len| Token::List(u32::from_be_bytes(len))),
        0xde => return scalar(rest, |len| Token::Map(u32::from(u16::from_be_bytes(len)))),
        0xdf => return scalar(rest, |len| Token::Map(u32::from_be_bytes(len))),
        0xe0..=0xff => Token::Int(i64::from(i8::from_be_bytes([tag]))),
    };
    Ok((token, rest))
}

type Lexed<'a> = Result<(Token<'a>, &'a [u8]), NoToken>;

#[cfg_attr(not(debug_assertions), inline(always))]
fn scalar<'a, const N: usize>(rest: &'a [u8], make: impl FnOnce([u8; N]) -> Token<'a>) -> Lexed<'a> {
    let (bytes, rest) = rest.split_first_chunk().ok_or(NoToken::Short)?;
    Ok((make(*bytes), rest))
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn with<'a, const N: usize>(
    rest: &'a [u8],
    len: impl FnOnce([u8; N]) -> usize,
    then: impl FnOnce(&'a [u8], usize) -> Lexed<'a>,
) -> Lexed<'a> {
    let (bytes, rest) = rest.split_first_chunk().ok_or(NoToken::Short)?;
    then(rest, len(*bytes))
}

fn long(len: [u8; 4]) -> usize {
    usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX)
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn str(rest: &[u8], len: usize) -> Lexed<'_> {
    let (bytes, rest) = rest.split_at_checked(len).ok_or(NoToken::Short)?;
    Ok((Token::Str(bytes), rest))
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn bin(rest: &[u8], len: usize) -> Lexed<'_> {
    let (bytes, rest) = rest.split_at_checked(len).ok_or(NoToken::Short)?;
    Ok((Token::Bin(bytes), rest))
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn ext(rest: &[u8], len: usize) -> Lexed<'_> {
    let (kind, rest) = rest.split_first().ok_or(NoToken::Short)?;
    let (bytes, rest) = rest.split_at_checked(len).ok_or(NoToken::Short)?;
    Ok((Token::Ext(i8::from_be_bytes([*kind]), bytes), rest))
}

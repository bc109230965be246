//! Texts, where they lie.

use alloc::borrow::Cow;
use alloc::string::String;
use core::str;

use crate::error::DecodeErrorKind as Kind;

/// What is between the quotes, checked.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    raw: &'a str,
    has_escapes: bool,
}

impl<'a> Text<'a> {
    /// Reads up to the quote, and returns what is behind it; else what is wrong, and where.
    pub(crate) fn read(start: &'a [u8]) -> Result<(Self, &'a [u8]), (Kind, usize)> {
        let mut has_escapes = false;
        let mut rest = start;
        let len = loop {
            let at = start.len().wrapping_sub(rest.len());
            match rest {
                [b'"', ..] => break at,
                [b'\\', ..] => {
                    has_escapes = true;
                    let (_, len) = escape(rest).map_err(|(kind, off)| (kind, at.wrapping_add(off)))?;
                    rest = rest.get(len..).unwrap_or_default();
                }
                [0..=0x1f, ..] => return Err((Kind::InvalidString, at)),
                [_, after @ ..] => rest = after,
                [] => return Err((Kind::UnexpectedEnd, at)),
            }
        };
        let (raw, rest) = start.split_at_checked(len).unwrap_or_default();
        let raw = str::from_utf8(raw).map_err(|error| (Kind::InvalidUtf8, error.valid_up_to()))?;
        Ok((Self { raw, has_escapes }, rest.get(1..).unwrap_or_default()))
    }

    /// Whether it is this one, escapes and all.
    #[inline]
    pub(crate) fn is(self, text: &str) -> bool {
        if self.has_escapes { self.to_cow() == text } else { self.raw == text }
    }

    pub(crate) fn to_cow(self) -> Cow<'a, str> {
        if !self.has_escapes {
            return Cow::Borrowed(self.raw);
        }
        let mut text = String::with_capacity(self.raw.len());
        self.push_to(&mut text);
        Cow::Owned(text)
    }

    /// Writes it behind a text, without escapes.
    pub(crate) fn push_to(self, out: &mut String) {
        let mut rest = self.raw;
        while let Some(at) = rest.find('\\').filter(|_| self.has_escapes) {
            let (plain, escaped) = rest.split_at_checked(at).unwrap_or_default();
            out.push_str(plain);
            // It was checked.
            let Ok((character, len)) = escape(escaped.as_bytes()) else { return };
            out.push(character);
            rest = escaped.get(len..).unwrap_or_default();
        }
        out.push_str(rest);
    }

    /// As it was written, with its escapes.
    pub(crate) const fn raw(self) -> &'a str {
        self.raw
    }
}

/// The character that an escape is, and its bytes; else what is wrong, and where in it.
#[cold]
fn escape(start: &[u8]) -> Result<(char, usize), (Kind, usize)> {
    let simple = match start.get(1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(start),
        Some(_) => return Err((Kind::InvalidString, 1)),
        None => return Err((Kind::UnexpectedEnd, 1)),
    };
    Ok((simple, 2))
}

/// `\u` and four digits, or two of these for what is beyond 16 bits; half of such a pair is no character.
fn unicode(start: &[u8]) -> Result<(char, usize), (Kind, usize)> {
    let high = hex(start, 2)?;
    if let Some(character) = char::from_u32(high) {
        return Ok((character, 6));
    }
    let follows = |at: usize, due: u8| match start.get(at) {
        Some(byte) if *byte == due => Ok(()),
        Some(_) => Err((Kind::InvalidString, 0)),
        None => Err((Kind::UnexpectedEnd, at)),
    };
    if high >= 0xdc00 {
        return Err((Kind::InvalidString, 0));
    }
    follows(6, b'\\')?;
    follows(7, b'u')?;
    let low = hex(start, 8)?;
    if !(0xdc00..0xe000).contains(&low) {
        return Err((Kind::InvalidString, 0));
    }
    let code = 0x10000_u32.wrapping_add((high & 0x3ff) << 10 | low & 0x3ff);
    char::from_u32(code).map(|character| (character, 12)).ok_or((Kind::InvalidString, 0))
}

fn hex(start: &[u8], at: usize) -> Result<u32, (Kind, usize)> {
    let mut value = 0;
    for at in at..at.wrapping_add(4) {
        let byte = start.get(at).ok_or((Kind::UnexpectedEnd, at))?;
        let digit = char::from(*byte).to_digit(16).ok_or((Kind::InvalidString, at))?;
        value = value << 4 | digit;
    }
    Ok(value)
}

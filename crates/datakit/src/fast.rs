//! The common DATA line, read in one pass without looking for its end first. `None` means: ask the grammar.

use core::str;

use crate::packet::DataRef;

/// Reads a DATA line with its `\n` off the front of `input` and tells how many bytes it took.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn data(input: &[u8], max_line_len: usize) -> Option<(DataRef<'_>, usize)> {
    let Line { tag_end, timestamp, value, len } = line(input, max_line_len)?;
    let tag = str::from_utf8(input.get(1..tag_end)?).ok()?;
    Some((DataRef::new(tag, timestamp, value), len))
}

/// The same, with the front of `input` that is known to be text.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn data_of_text<'a>(text: &'a str, input: &[u8], max_line_len: usize) -> Option<(DataRef<'a>, usize)> {
    let Line { tag_end, timestamp, value, len } = line(input, max_line_len)?;
    let tag = text.get(1..tag_end)?;
    Some((DataRef::new(tag, timestamp, value), len))
}

struct Line {
    tag_end: usize,
    timestamp: i64,
    value: f64,
    /// With the `\n`.
    len: usize,
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn line(input: &[u8], max_line_len: usize) -> Option<Line> {
    let rest = input.strip_prefix(b">")?;
    let tag_len = tag_len(rest)?;
    let (timestamp, rest) = seconds(rest.get(tag_len..)?.strip_prefix(b"|")?)?;
    let (value, rest) = value(rest.strip_prefix(b"|")?)?;
    let rest = rest.strip_prefix(b"\n")?;
    let len = input.len().wrapping_sub(rest.len());
    if tag_len == 0 || len > max_line_len.saturating_add(1) {
        return None;
    }
    Some(Line { tag_end: tag_len.wrapping_add(1), timestamp, value, len })
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Bytes before the first `|` or control character, eight at a time.
#[cfg_attr(not(debug_assertions), inline(always))]
fn tag_len(text: &[u8]) -> Option<usize> {
    let mut len = 0_usize;
    let mut rest = text;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        // The high bit of each byte that is below 0x20, or 0x7c; bits above the first such may be wrong.
        let bar = word ^ ONES.wrapping_mul(0x7c);
        let stops = ((word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word) | (bar.wrapping_sub(ONES) & !bar)) & HIGH;
        if stops != 0 {
            return Some(len.wrapping_add((stops.trailing_zeros() / 8) as usize));
        }
        len = len.wrapping_add(8);
        rest = after;
    }
    let at = rest.iter().position(|byte| *byte == b'|' || *byte < 0x20)?;
    Some(len.wrapping_add(at))
}

/// Between 2001 and 2286 a timestamp has ten digits: with the length known beforehand nothing has to wait for it.
#[cfg_attr(not(debug_assertions), inline(always))]
fn seconds(text: &[u8]) -> Option<(i64, &[u8])> {
    if let Some(([a, b, c, d, e, f, g, h, tens, ones, b'|'], _)) = text.split_first_chunk::<11>() {
        let (head, count) = leading_digits(u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]));
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        if count == 8 && tens <= 9 && ones <= 9 {
            let tail = u64::from(tens).wrapping_mul(10).wrapping_add(u64::from(ones));
            return Some((i64::try_from(head.wrapping_mul(100).wrapping_add(tail)).ok()?, text.get(10..)?));
        }
    }
    let (value, digits, rest) = digits(0, text);
    if digits == 0 || digits > MAX_DIGITS {
        return None;
    }
    Some((i64::try_from(value).ok()?, rest))
}

/// So many digits fit into 64 bits, whatever they are.
const MAX_DIGITS: usize = 18;

/// Reads digits behind those of `value`: the number, how many there were, and what follows. Over [`MAX_DIGITS`] in all the
/// number is wrong.
#[cfg_attr(not(debug_assertions), inline(always))]
fn digits(mut value: u64, mut text: &[u8]) -> (u64, usize, &[u8]) {
    let whole = text.len();
    while let Some(chunk) = text.first_chunk::<8>() {
        let (number, count) = leading_digits(u64::from_le_bytes(*chunk));
        value = value.wrapping_mul(power_of_ten(count)).wrapping_add(number);
        text = text.get(count..).unwrap_or_default();
        if count < 8 {
            return (value, whole.wrapping_sub(text.len()), text);
        }
    }
    while let [byte @ b'0'..=b'9', rest @ ..] = text {
        value = value.wrapping_mul(10).wrapping_add(u64::from(byte.wrapping_sub(b'0')));
        text = rest;
    }
    (value, whole.wrapping_sub(text.len()), text)
}

/// The number that leads a word of eight characters, the first in the lowest byte, and its digits.
#[cfg_attr(not(debug_assertions), inline(always))]
fn leading_digits(word: u64) -> (u64, usize) {
    let word = word ^ ONES.wrapping_mul(0x30);
    // The high bit of each byte that is over 9; a carry spoils only bytes above the first such.
    let stops = (word.wrapping_add(ONES.wrapping_mul(0x76)) | word) & HIGH;
    let bits = stops.trailing_zeros() & 0x78;
    // Zeros in front take the place of what follows the digits.
    let digits = word.checked_shl(64_u32.wrapping_sub(bits)).unwrap_or_default();
    // Pairs, then fours, then all.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let all = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    (all, (bits / 8) as usize)
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn power_of_ten(count: usize) -> u64 {
    static POWERS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    POWERS.get(count).copied().unwrap_or_default()
}

/// A plain decimal number, by Clinger's exact case: its digits and the power of ten are both exact in binary64, so that one
/// division rounds correctly.
#[cfg_attr(not(debug_assertions), inline(always))]
fn value(text: &[u8]) -> Option<(f64, &[u8])> {
    static POWERS: [f64; 19] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];
    let (is_negative, mantissa, whole, rest) = whole_part(text)?;
    // Without a point no digit follows.
    let (mantissa, fraction, rest) = digits(mantissa, rest);
    let count = whole.wrapping_add(fraction);
    if count == 0 || count > MAX_DIGITS || mantissa > 1 << 53 {
        return None;
    }
    let value = mantissa as f64 / POWERS.get(fraction)?;
    Some((f64::from_bits(value.to_bits() | (u64::from(is_negative) << 63)), rest))
}

/// Whether there is a minus, the digits in front of the point, how many they are, and what follows the point or them. Signs
/// and points are as good as random, so nothing here is decided by a branch on them.
#[cfg_attr(not(debug_assertions), inline(always))]
fn whole_part(text: &[u8]) -> Option<(bool, u64, usize, &[u8])> {
    let is_negative = text.first() == Some(&b'-');
    let sign_len = usize::from(is_negative);
    if let Some(chunk) = text.first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let minus_to_zero = u64::from(is_negative).wrapping_mul(u64::from(b'-' ^ b'0'));
        let (number, count) = leading_digits(word ^ minus_to_zero);
        if let Some(next) = chunk.get(count) {
            let rest = text.get(count.wrapping_add(usize::from(*next == b'.'))..)?;
            return Some((is_negative, number, count.wrapping_sub(sign_len), rest));
        }
    }
    let (number, count, rest) = digits(0, text.get(sign_len..)?);
    let has_point = rest.first() == Some(&b'.');
    Some((is_negative, number, count, rest.get(usize::from(has_point)..)?))
}

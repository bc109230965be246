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
    let fields = rest.get(tag_len..)?;
    let (timestamp, value, fields_len) = match common_fields(fields) {
        Some(read) => read,
        None => any_fields(fields)?,
    };
    let line_len = tag_len.wrapping_add(fields_len);
    if tag_len == 0 || line_len >= max_line_len {
        return None;
    }
    Some(Line { tag_end: tag_len.wrapping_add(1), timestamp, value, len: line_len.wrapping_add(2) })
}

/// `|timestamp|value`, the `\n` behind it not counted, where the timestamp has ten digits, as between 2001 and 2286, and the
/// value at most seven on each side of its point. Signs and points are as good as random, so that nothing branches on them.
#[cfg_attr(not(debug_assertions), inline(always))]
fn common_fields(fields: &[u8]) -> Option<(i64, f64, usize)> {
    let (timestamp, text) = fields.split_first_chunk::<12>()?;
    let [b'|', a, b, c, d, e, f, g, h, tens, ones, b'|'] = *timestamp else { return None };
    let (head, count) = leading_digits(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if count != 8 || tens > 9 || ones > 9 {
        return None;
    }
    let tail = u64::from(tens).wrapping_mul(10).wrapping_add(u64::from(ones));
    let timestamp = i64::try_from(head.wrapping_mul(100).wrapping_add(tail)).ok()?;

    let chunk = text.first_chunk::<8>()?;
    let is_negative = chunk.first() == Some(&b'-');
    let minus_to_zero = u64::from(is_negative).wrapping_mul(u64::from(b'-' ^ b'0'));
    let (whole, whole_end) = leading_digits(u64::from_le_bytes(*chunk) ^ minus_to_zero);
    let has_point = *chunk.get(whole_end)? == b'.';
    let fraction_at = whole_end.wrapping_add(usize::from(has_point));
    let chunk = text.get(fraction_at..)?.first_chunk::<8>()?;
    // Without a point no digit follows.
    let (fraction, fraction_len) = leading_digits(u64::from_le_bytes(*chunk));
    let len = fraction_at.wrapping_add(fraction_len);
    let marks = usize::from(is_negative).wrapping_add(usize::from(has_point));
    if *chunk.get(fraction_len)? != b'\n' || len == marks {
        return None;
    }
    let mantissa = whole.wrapping_mul(power_of_ten(fraction_len)).wrapping_add(fraction);
    Some((timestamp, quotient(mantissa, fraction_len, is_negative)?, len.wrapping_add(12)))
}

/// The same with other numbers of digits, and at the end of the input.
#[inline(never)]
fn any_fields(fields: &[u8]) -> Option<(i64, f64, usize)> {
    let (timestamp, count, rest) = digits(0, fields.strip_prefix(b"|")?);
    if count == 0 || count > MAX_DIGITS {
        return None;
    }
    let rest = rest.strip_prefix(b"|")?;
    let is_negative = rest.first() == Some(&b'-');
    let (mantissa, whole, rest) = digits(0, rest.get(usize::from(is_negative)..)?);
    let (mantissa, fraction, rest) = match rest {
        [b'.', rest @ ..] => digits(mantissa, rest),
        _ => (mantissa, 0, rest),
    };
    let count = whole.wrapping_add(fraction);
    if rest.first() != Some(&b'\n') || count == 0 || count > MAX_DIGITS {
        return None;
    }
    let value = quotient(mantissa, fraction, is_negative)?;
    Some((i64::try_from(timestamp).ok()?, value, fields.len().wrapping_sub(rest.len())))
}

/// So many digits fit into 64 bits, whatever they are.
const MAX_DIGITS: usize = 18;

/// Clinger's exact case: the digits and the power of ten are both exact in binary64, so that one division rounds correctly.
#[cfg_attr(not(debug_assertions), inline(always))]
fn quotient(mantissa: u64, fraction_len: usize, is_negative: bool) -> Option<f64> {
    static POWERS: [f64; 19] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];
    if mantissa > 1 << 53 {
        return None;
    }
    let value = mantissa as f64 / POWERS.get(fraction_len)?;
    Some(f64::from_bits(value.to_bits() | (u64::from(is_negative) << 63)))
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

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::std_instead_of_alloc)]
mod tests {
    extern crate std;

    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use testkit::Rng;

    use super::{data, data_of_text};
    use crate::grammar;
    use crate::limits::Config;
    use crate::packet::PacketRef;

    /// Characters of numbers and what may be taken for them, the likely ones more often.
    const NUMBER: &[u8] = b"0123456789012345678901234567890123456789..--+eE|\r/:;'\xff ";

    fn number(rng: &mut Rng, usual_len: usize) -> Vec<u8> {
        let len = if rng.below(4) == 0 { rng.below(24) } else { usual_len };
        let wild = rng.below(4) == 0;
        let mut text: Vec<u8> = (0..len).map(|_| NUMBER[rng.below(if wild { NUMBER.len() } else { 40 })]).collect();
        if !text.is_empty() && rng.below(2) == 0 {
            let at = rng.below(text.len());
            text[at] = b'.';
        }
        if !text.is_empty() && rng.below(3) == 0 {
            text[0] = b'-';
        }
        text
    }

    /// Whatever the fast path accepts the grammar accepts, as the same packet; so do both of its forms.
    #[test]
    fn agrees_with_the_grammar() {
        let mut rng = Rng::new(testkit::rng::seed());
        let (mut accepted, mut common) = (0, 0);
        for round in 0..300_000 {
            let tag: String = (0..rng.below(20))
                .map(|_| ['a', 'Z', '_', '.', ' ', 'é', '|', '\t', '>'][rng.below(if round % 2 == 0 { 6 } else { 9 })])
                .collect();
            let seconds = if rng.below(3) == 0 {
                number(&mut rng, 10)
            } else {
                format!("{}", 1_000_000_000 + rng.below(9_000_000_000)).into_bytes()
            };
            let mut line = format!(">{tag}|").into_bytes();
            line.extend_from_slice(&seconds);
            line.push(b'|');
            let digits = 1 + rng.below(12);
            line.extend_from_slice(&number(&mut rng, digits));
            let len = line.len();
            line.push(b'\n');
            let max = if rng.below(8) == 0 { len.saturating_sub(rng.below(3)) } else { 4096 };
            // Something may follow, or nothing.
            line.extend_from_slice(&b">next|1459309227|1.5\n"[..rng.below(22)]);
            let Some((read, consumed)) = data(&line, max) else { continue };
            accepted += 1;
            common += usize::from(seconds.len() == 10);
            assert!(consumed == len + 1 && len <= max, "{:?}", line.escape_ascii());
            let expected = grammar::packet(&line[..len], &Config::DEFAULT).unwrap();
            assert_eq!(PacketRef::Data(read), expected, "{:?}", line.escape_ascii());
            let text = core::str::from_utf8(&line[..consumed]).unwrap();
            assert_eq!(data_of_text(text, &line, max), Some((read, consumed)));
        }
        assert!(accepted > 50_000 && common > 30_000, "{accepted} accepted, {common} of them common: too few to tell");
    }

    /// Lines as sensors send them do not fall through to the grammar, the last one of an input among them.
    #[test]
    fn takes_the_usual_lines() {
        for line in
            [">some_tag|1459309227|3.141593\n", ">a|1459309227|-1\n", ">a|7|5.\n", ">a|1459309227|0.2500000000000001\n"]
        {
            assert!(data(line.as_bytes(), 4096).is_some(), "{line}");
        }
    }
}

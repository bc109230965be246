//! JSON numbers (RFC 8259, section 6) in one pass; what is read can then be asked for as a double and as an integer.

mod float;
mod powers;

pub use powers::POWERS;

/// A number as it was written.
///
/// Its value is `digits · 10^exponent`; if digits were cut off, it is between that and the same with `digits` one higher.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    text: &'a [u8],
    digits: u64,
    exponent: i64,
    cut: bool,
    negative: bool,
    integer: bool,
}

/// Reads the number that `start` begins with, and returns it and what is behind it.
///
/// The number ends at the first byte that cannot go on; what may follow is the caller's to know.
///
/// # Errors
///
/// The offset of the byte at fault, `start.len()` if that is the end. A digit behind a leading zero is one, too.
#[inline(always)]
pub fn read(start: &[u8]) -> Result<(Number<'_>, &[u8]), usize> {
    // Two copies of the short way, since a sign is mostly guessed right: what follows need not wait for it.
    let (negative, whole, short) = match start {
        [b'-', whole @ ..] => (true, whole, short(whole)),
        whole => (false, whole, short(whole)),
    };
    let Mantissa { digits, mut exponent, cut, mut integer, len } = match short {
        Some(mantissa) => mantissa,
        None => long(whole).map_err(|at| at.wrapping_add(usize::from(negative)))?,
    };
    let mut rest = whole.get(len..).unwrap_or_default();
    if let Some((b'e' | b'E', power)) = rest.split_first() {
        let (explicit, behind) = power_of_ten(power).map_err(|left| start.len().wrapping_sub(left))?;
        exponent = exponent.saturating_add(explicit);
        integer = false;
        rest = behind;
    }
    let text = start.get(..start.len().wrapping_sub(rest.len())).unwrap_or_default();
    Ok((Number { text, digits, exponent, cut, negative, integer }, rest))
}

/// The same for nearly all doubles: a number without an exponent, of a few digits or so many that they fit at once. `None` for others
/// and for faults.
#[inline(always)]
pub(crate) fn read_plain(start: &[u8]) -> Option<(f64, &[u8])> {
    let (negative, whole, short) = match start {
        [b'-', whole @ ..] => (true, whole, short(whole)),
        whole => (false, whole, short(whole)),
    };
    let Mantissa { digits, exponent, len, .. } = short?;
    let rest = whole.get(len..)?;
    if let [b'e' | b'E', ..] = rest {
        return None;
    }
    let magnitude = float::magnitude(digits, exponent);
    Some((if negative { -magnitude } else { magnitude }, rest))
}

impl<'a> Number<'a> {
    /// The number as it was written.
    pub fn text(self) -> &'a str {
        core::str::from_utf8(self.text).unwrap_or_default()
    }

    /// Whether it was written without a point and an exponent.
    #[inline]
    pub const fn is_integer(self) -> bool {
        self.integer
    }

    /// The number, if it is a whole one and an `i64`, however it was written: `15`, `15.0` and `1.5e1` are the same.
    #[inline]
    pub fn to_i64(self) -> Option<i64> {
        // What was cut off is not zero: there is a fraction, or there are 20 digits in front of the point.
        if self.cut {
            return None;
        }
        let magnitude = if self.exponent == 0 { self.digits } else { self.whole()? };
        if self.negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
    }

    /// `digits · 10^exponent`, where that is a `u64`.
    fn whole(self) -> Option<u64> {
        if self.digits == 0 {
            return Some(0);
        }
        let power = 10_u64.checked_pow(u32::try_from(self.exponent.unsigned_abs()).ok()?)?;
        if self.exponent > 0 {
            return self.digits.checked_mul(power);
        }
        if self.digits.checked_rem(power)? == 0 { self.digits.checked_div(power) } else { None }
    }
}

/// A number without its sign and what is behind an `e`.
struct Mantissa {
    digits: u64,
    exponent: i64,
    cut: bool,
    integer: bool,
    len: usize,
}

/// As many digits as a `u64` always has room for.
const MAX_DIGITS: usize = 19;

/// As many bytes as nearly all numbers need, with one that ends them.
const WINDOW: usize = 24;

/// Nearly all numbers, from all of their text at once: where the point and the end are becomes shifts, and not branches that
/// are guessed wrong. `None` for others and for faults.
#[inline(always)]
fn short(start: &[u8]) -> Option<Mantissa> {
    let window = start.first_chunk::<WINDOW>()?;
    let first = load(window, 0);
    let others = above_nine(first);
    if others == 0 {
        return short_integer(window, first);
    }
    let point = lowest(others);
    if point == 0 || (first & 0xff == 0 && point != 1) {
        return None;
    }
    if first >> bits(point) & 0xff != u64::from(b'.' ^ b'0') {
        return Some(Mantissa::short(append(0, first, point), 0, point));
    }
    let others = others & others.wrapping_sub(1);
    if others != 0 {
        let len = lowest(others);
        let places = len.wrapping_sub(point).wrapping_sub(1);
        let digits = eight(without(first, point) << bits(8_usize.wrapping_sub(len)));
        return if places == 0 { None } else { Some(Mantissa::short(digits, places, len)) };
    }
    let others = above_nine(load(window, 8));
    let len = if others != 0 {
        lowest(others).wrapping_add(8)
    } else {
        match above_nine(load(window, 16)) {
            0 => return None,
            others => lowest(others).wrapping_add(16),
        }
    };
    let places = len.wrapping_sub(point).wrapping_sub(1);
    if places == 0 || places.wrapping_add(point) > MAX_DIGITS {
        return None;
    }
    let digits = if places >= 16 {
        // At most three digits are in front of the last 16, and the point is among them.
        let front = eight(without(first, point) << bits(24_usize.wrapping_sub(len)));
        let middle = append_eight(front, load(window, len.wrapping_sub(16)));
        append_eight(middle, load(window, len.wrapping_sub(8)))
    } else if places >= 8 {
        let front = append_eight(append(0, first, point), load(window, point.wrapping_add(1)));
        append(front, load(window, point.wrapping_add(9)), places.wrapping_sub(8))
    } else {
        append(append(0, first, point), load(window, point.wrapping_add(1)), places)
    };
    Some(Mantissa::short(digits, places, len))
}

/// `first`, of eight digits, and up to eleven more.
#[inline(always)]
fn short_integer(window: &[u8; WINDOW], first: u64) -> Option<Mantissa> {
    if first & 0xff == 0 {
        return None;
    }
    let second = load(window, 8);
    let others = above_nine(second);
    let (digits, len) = if others != 0 {
        let more = lowest(others);
        (append(eight(first), second, more), more.wrapping_add(8))
    } else {
        // No more than three; if there are, it does not end here.
        let third = load(window, 16);
        let more = lowest(above_nine(third) | 1 << 31);
        (append(append_eight(eight(first), second), third, more), more.wrapping_add(16))
    };
    let goes_on = window.get(len).is_none_or(|&byte| byte == b'.' || byte.is_ascii_digit());
    if goes_on { None } else { Some(Mantissa::short(digits, 0, len)) }
}

/// Every mantissa, or the offset of the byte at fault.
#[inline(never)]
fn long(start: &[u8]) -> Result<Mantissa, usize> {
    let (mut digits, mut rest) = run(start, 0);
    let point = start.len().wrapping_sub(rest.len());
    if point == 0 || (point > 1 && start.first() == Some(&b'0')) {
        return Err(point.min(1));
    }
    let mut places = 0_usize;
    if let Some((b'.', fraction)) = rest.split_first() {
        (digits, rest) = run(fraction, digits);
        places = fraction.len().wrapping_sub(rest.len());
        if places == 0 {
            return Err(point.wrapping_add(1));
        }
    }
    let len = start.len().wrapping_sub(rest.len());
    let mut mantissa = Mantissa::short(digits, places, len);
    if len > MAX_DIGITS {
        mantissa.cut_off(start.get(..len).unwrap_or_default());
    }
    Ok(mantissa)
}

impl Mantissa {
    const fn short(digits: u64, places: usize, len: usize) -> Self {
        Self { digits, exponent: (places as i64).wrapping_neg(), cut: false, integer: places == 0, len }
    }

    /// More digits than may fit. So far `exponent` counts from the last one of `text`; now from the last that is kept.
    #[cold]
    fn cut_off(&mut self, text: &[u8]) {
        let mut digits = Digits::new(text);
        if digits.left() <= MAX_DIGITS {
            return; // The others are zeros in front, which added nothing.
        }
        self.digits = 0;
        for digit in digits.by_ref().take(MAX_DIGITS) {
            self.digits = self.digits.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        self.exponent = self.exponent.saturating_add(digits.left() as i64);
        self.cut = digits.rest.iter().any(|&byte| matches!(byte, b'1'..=b'9'));
    }
}

/// The significant digits of a mantissa: neither its sign and point nor zeros in front.
#[derive(Debug)]
struct Digits<'a> {
    rest: &'a [u8],
}

impl<'a> Digits<'a> {
    fn new(mantissa: &'a [u8]) -> Self {
        let front = mantissa.iter().position(|byte| matches!(byte, b'1'..=b'9')).unwrap_or(mantissa.len());
        Self { rest: mantissa.get(front..).unwrap_or_default() }
    }

    fn left(&self) -> usize {
        self.rest.len().wrapping_sub(usize::from(self.rest.contains(&b'.')))
    }
}

impl Iterator for Digits<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        let (&byte, rest) = if first == b'.' { rest.split_first()? } else { (&first, rest) };
        self.rest = rest;
        Some(byte.wrapping_sub(b'0'))
    }
}

/// An exponent is not counted any further than this. No text has the zeros that would bring such a number back into range.
const MAX_EXPONENT: i64 = i64::MAX / 16;

/// What is behind the `e`, or how many bytes are left at the one at fault.
#[inline]
fn power_of_ten(start: &[u8]) -> Result<(i64, &[u8]), usize> {
    let (negative, mut rest) = match start {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let before = rest.len();
    let mut value = 0_i64;
    while let Some((&byte @ b'0'..=b'9', behind)) = rest.split_first() {
        if value < MAX_EXPONENT {
            value = value.wrapping_mul(10).wrapping_add(i64::from(byte.wrapping_sub(b'0')));
        }
        rest = behind;
    }
    if rest.len() == before {
        return Err(before);
    }
    Ok((if negative { value.wrapping_neg() } else { value }, rest))
}

/// Appends the digits that `rest` begins with to `value`, which overflows if there are many, and returns what is behind them.
fn run(mut rest: &[u8], mut value: u64) -> (u64, &[u8]) {
    while let Some((&chunk, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(chunk) ^ repeat(b'0');
        if above_nine(word) != 0 {
            break;
        }
        value = append_eight(value, word);
        rest = behind;
    }
    while let Some((&byte @ b'0'..=b'9', behind)) = rest.split_first() {
        value = value.wrapping_mul(10).wrapping_add(u64::from(byte.wrapping_sub(b'0')));
        rest = behind;
    }
    (value, rest)
}

// Eight bytes of text are a word whose lowest byte is the first one; digits are bytes of 0 to 9.

/// The eight bytes at `at`, which is at most 16.
#[inline(always)]
fn load(window: &[u8; WINDOW], at: usize) -> u64 {
    let chunk = window.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    u64::from_le_bytes(chunk) ^ repeat(b'0')
}

const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of each byte that is above 9; true up to the first byte of 0x8a or more, which carries into the next.
/// A point does not.
const fn above_nine(word: u64) -> u64 {
    (word.wrapping_add(repeat(0x7f - 9)) | word) & repeat(0x80)
}

/// The first byte with its highest bit set; there is one.
const fn lowest(others: u64) -> usize {
    (others.trailing_zeros() >> 3 & 7) as usize
}

/// Bytes in bits, at most 7 of them, as no shift may be longer.
const fn bits(bytes: usize) -> usize {
    (bytes & 7).wrapping_mul(8)
}

/// `word` without its byte at `point`, and a 0 in front of it.
const fn without(word: u64, point: usize) -> u64 {
    let front = (1_u64 << bits(point)).wrapping_sub(1);
    (word & front) << 8 | word & !(front << 8 | 0xff)
}

/// `value` with the first `count` digits of `word` behind it, at most 7.
#[inline(always)]
fn append(value: u64, word: u64, count: usize) -> u64 {
    const POWERS_OF_TEN: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let power = POWERS_OF_TEN.get(count & 7).copied().unwrap_or_default();
    // The digits move to the upper end of the word, and zeros come in front of them: 8 bytes less `count`.
    let digits = word << bits(7_usize.wrapping_sub(count)) << 8;
    value.wrapping_mul(power).wrapping_add(eight(digits))
}

/// `value` with all eight digits of `word` behind it.
const fn append_eight(value: u64, word: u64) -> u64 {
    value.wrapping_mul(100_000_000).wrapping_add(eight(word))
}

/// The number that the eight digits of `word` are: neighbours become pairs, pairs fours, fours the whole.
const fn eight(word: u64) -> u64 {
    let pairs = word.wrapping_mul(1 + (10 << 8)) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(1 + (100 << 16)) >> 16 & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(1 + (10_000 << 32)) >> 32
}

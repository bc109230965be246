//! The nearest double of a number.
//!
//! The two fast ways are those of W. D. Clinger, "How to read floating point numbers accurately" (1990), and of M. Eisel and
//! D. Lemire, "Number parsing at a gigabyte per second" (2021).

use super::powers::{LEAST_POWER, POWERS};
use super::{Digits, MAX_DIGITS, Number};

impl Number<'_> {
    /// The nearest double, of two that are equally near the even one. An infinity where that is out of range.
    #[inline]
    pub fn to_f64(self) -> f64 {
        let magnitude = if self.cut {
            undecided(self.text, self.digits, self.exponent)
        } else {
            magnitude(self.digits, self.exponent)
        };
        if self.negative { -magnitude } else { magnitude }
    }
}

/// The double nearest to `digits · 10^exponent`.
#[inline]
pub(super) fn magnitude(digits: u64, exponent: i64) -> f64 {
    product(digits, exponent).unwrap_or_else(|| f64::from_bits(nearest(digits, exponent)))
}

/// One operation, which rounds once, if both sides of it are doubles without loss.
#[inline]
fn product(digits: u64, exponent: i64) -> Option<f64> {
    // The 387 would round twice.
    if digits >> SMALL_BITS != 0 || cfg!(all(target_arch = "x86", not(target_feature = "sse2"))) {
        return None;
    }
    let power = EXACT_POWERS.get(usize::try_from(exponent.unsigned_abs()).ok()?)?;
    Some(if exponent < 0 { digits as f64 / power } else { digits as f64 * power })
}

/// It could be 53, but shortest texts have 16 digits or 17, and nothing can guess on which side of it they are.
const SMALL_BITS: u32 = 40;

/// Digits were cut off: if both neighbours of what is left agree, it is between them.
#[cold]
#[inline(never)]
fn undecided(text: &[u8], digits: u64, exponent: i64) -> f64 {
    let lower = nearest(digits, exponent);
    if lower == nearest(digits.wrapping_add(1), exponent) { f64::from_bits(lower) } else { halfway(text, exponent) }
}

/// What was cut off decides: leaves it to `core`.
///
/// In another form, since `core` does not count exponents beyond 65535, which zeros may bring back into range, and since no
/// digits but the first [`HALFWAY_DIGITS`] and whether another follows can make a difference.
#[cold]
fn halfway(text: &[u8], exponent: i64) -> f64 {
    let mantissa = text.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
    let mut digits = Digits::new(mantissa);
    let mut text = [b'0'; HALFWAY_DIGITS + 1 + EXPONENT_LEN];
    let mut places = text.iter_mut();
    for place in places.by_ref().take(HALFWAY_DIGITS) {
        *place = digit(u64::from(digits.next().unwrap_or_default()));
    }
    if let Some(place) = places.next() {
        *place = digit(u64::from(digits.any(|digit| digit != 0)));
    }
    // Below zero, and of four digits at most, since what is out of range was never undecided.
    let mut left = MORE_DIGITS.saturating_sub(exponent).unsigned_abs();
    let mut places = places.rev();
    for place in places.by_ref().take(EXPONENT_LEN - 2) {
        *place = digit(left.wrapping_rem(10));
        left = left.wrapping_div(10);
    }
    for (letter, place) in [b'-', b'e'].into_iter().zip(places) {
        *place = letter;
    }
    core::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

fn digit(value: u64) -> u8 {
    b'0'.wrapping_add(u8::try_from(value).unwrap_or_default())
}

/// The bits of the double nearest to `digits · 10^exponent`.
///
/// The product is a little less than the number, where the power was rounded down, or a little more. Yet no multiple of the last
/// of its 54 bits lies between them: for exponents from -27 to 55 a product is either such a multiple or further away from one
/// than that, and for the others the least factor that would come so near is 2^64.7 (at -167; found by continued fractions).
/// So one look is enough, and nobody has to be asked.
#[inline]
fn nearest(digits: u64, exponent: i64) -> u64 {
    let power = usize::try_from(exponent.wrapping_sub(LEAST_POWER)).ok().and_then(|at| POWERS.get(at));
    let (Some(&(upper, lower)), 1..) = (power, digits) else {
        return if exponent < 0 || digits == 0 { 0 } else { INFINITY };
    };
    // The 128 highest bits of the 192 of the product.
    let zeros = digits.leading_zeros();
    let factor = u128::from(digits << zeros);
    let small = factor.wrapping_mul(u128::from(lower)) >> 64;
    let product = factor.wrapping_mul(u128::from(upper)).wrapping_add(small);
    #[expect(clippy::cast_possible_truncation, reason = "the upper half is kept, too")]
    let (high, low) = ((product >> 64) as u64, product as u64);
    let carry = high >> 63;

    // 54 bits: those of a double, and the one to round by.
    let mut bits = high >> carry.wrapping_add(9);
    // Halfway, where nothing is missing from the product; then 5^q, or its reciprocal, divides 64 bits. Even means down.
    if low == 0 && bits & 3 == 1 && high << 55_u64.wrapping_sub(carry) == 0 && (-27..=27).contains(&exponent) {
        bits = bits.wrapping_sub(1);
    }
    // 217706 / 65536 is nearly the logarithm of 10 to base 2.
    let mut biased = (exponent.wrapping_mul(217_706) >> 16)
        .wrapping_add(63 + 1023)
        .wrapping_add_unsigned(carry)
        .wrapping_sub(i64::from(zeros));
    if biased <= 0 {
        bits >>= 1_i64.wrapping_sub(biased).min(63);
        biased = 1;
    }
    // The leading bit of `bits` counts the exponent up, and so does the carry of rounding, into infinity if need be.
    (biased.wrapping_sub(1).unsigned_abs() << 52).wrapping_add(bits.wrapping_add(1) >> 1).min(INFINITY)
}

/// The digits of a number halfway between two doubles: at most this many.
const HALFWAY_DIGITS: usize = 768;

/// How many more than the usual number there are then, with one for all that follow.
const MORE_DIGITS: i64 = (HALFWAY_DIGITS + 1 - MAX_DIGITS) as i64;

/// `e-1234`.
const EXPONENT_LEN: usize = 6;

const INFINITY: u64 = f64::INFINITY.to_bits();

const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

//! Python's text for complex numbers (SPEC.md §2).

use core::fmt::{self, Write};

use crate::text::Text;

/// Real and imaginary part.
///
/// `(1+2j)`, `-0j`, `(nan-infj)`, ` ( 1+2J ) `, `3.5`, `j`: blanks around, one pair of parentheses around or none.
pub(crate) fn parse(text: &[u8]) -> Option<(f64, f64)> {
    let text = core::str::from_utf8(text).ok()?.trim_matches(BLANKS);
    let text = match text.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')')?.trim_matches(BLANKS),
        None => text,
    };
    let Some(body) = text.strip_suffix(['j', 'J']) else { return Some((float(text)?, 0.0)) };
    // The sign of the imaginary part: the last one that is neither the first character nor part of an exponent.
    let bytes = body.as_bytes();
    let splits = (1..bytes.len()).rev().find(|&at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        matches!(bytes.get(at), Some(b'+' | b'-')) && !matches!(before, Some(b'e' | b'E'))
    });
    let (real, imaginary) = body.split_at_checked(splits.unwrap_or(0))?;
    let real = if real.is_empty() { 0.0 } else { float(real)? };
    let imaginary = match imaginary {
        "" | "+" => 1.0,
        "-" => -1.0,
        imaginary => float(imaginary)?,
    };
    Some((real, imaginary))
}

/// What Python trims, of ASCII.
const BLANKS: [char; 6] = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];

/// A float as Python reads it, without the digit underscores that nobody writes.
fn float(text: &str) -> Option<f64> {
    // Python takes `infinity`, `inf` and `nan` in any case, as Rust does, and nothing else with a letter but an exponent.
    text.parse().ok()
}

/// Prints real and imaginary part as Python does.
pub(crate) struct Repr(pub(crate) f64, pub(crate) f64);

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(real, imaginary) = self;
        // Only a zero that is negative, or a number, is worth the parentheses.
        if real.to_bits() == 0 {
            return write!(f, "{}j", Float(*imaginary));
        }
        let plus = if imaginary.is_nan() || imaginary.is_sign_positive() { "+" } else { "" };
        write!(f, "({}{plus}{}j)", Float(*real), Float(*imaginary))
    }
}

/// The shortest digits that are this number and no other; from 1e16 on, and below 0.0001, with an exponent.
struct Float(f64);

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_nan() {
            return f.write_str("nan");
        }
        if self.0 == 0.0 || self.0.is_infinite() {
            return write!(f, "{}", self.0);
        }
        let text = shortest(self.0.abs())?;
        let (digits, exponent) = text.as_str().split_once('e').unwrap_or_default();
        let exponent: i32 = exponent.parse().unwrap_or_default();
        let (first, rest) = digits.split_once('.').unwrap_or((digits, ""));
        if self.0.is_sign_negative() {
            f.write_str("-")?;
        }
        match usize::try_from(exponent) {
            Ok(0..=15) => {
                let after = usize::try_from(exponent).unwrap_or_default();
                f.write_str(first)?;
                match rest.split_at_checked(after) {
                    Some((whole, "")) => f.write_str(whole),
                    Some((whole, part)) => write!(f, "{whole}.{part}"),
                    None => write!(f, "{rest:0<after$}"),
                }
            }
            Err(_) if exponent >= -4 => {
                let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or_default();
                write!(f, "0.{first:0>zeros$}{rest}")
            }
            _ => {
                let sign = if exponent < 0 { '-' } else { '+' };
                write!(f, "{digits}e{sign}{:0>2}", exponent.unsigned_abs())
            }
        }
    }
}

/// The shortest digits with an exponent. Of two that are as near, Rust takes the larger, Python the even one.
fn shortest(value: f64) -> Result<Text, fmt::Error> {
    let mut text = Text::default();
    write!(text, "{value:e}")?;
    let digits = text.as_str().split('e').next().unwrap_or_default();
    let places = digits.len().saturating_sub(2);
    let mut even = Text::default();
    write!(even, "{value:.places$e}")?;
    let is_same = even.as_str().parse::<f64>().is_ok_and(|even| even.to_bits() == value.to_bits());
    Ok(if is_same { even } else { text })
}

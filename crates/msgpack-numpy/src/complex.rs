//! Python's text for complex numbers (SPEC.md §2).

/// Real and imaginary part.
///
/// `(1+2j)`, `-0j`, `(nan-infj)`, ` ( 1+2J ) `, `3.5`, `j`: blanks around, one pair of parentheses around or none.
pub(crate) fn parse(text: &[u8]) -> Option<(f64, f64)> {
    let text = core::str::from_utf8(text).ok()?.trim_ascii();
    let text = match text.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')')?.trim_ascii(),
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

/// A float as Python reads it, without the digit underscores that nobody writes.
fn float(text: &str) -> Option<f64> {
    // Python takes `infinity`, `inf` and `nan` in any case, as Rust does, and nothing else with a letter but an exponent.
    text.parse().ok()
}

//! What a broken law says.

use std::fmt::{self, Debug};

use crate::vectors::to_hex;

/// An input in hex, its middle left out when it is long.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        if bytes.is_empty() {
            f.write_str("(no bytes)")
        } else if bytes.len() <= 2 * ENDS {
            f.write_str(&to_hex(bytes))
        } else {
            let (head, tail) = (&bytes[..ENDS], &bytes[bytes.len() - ENDS..]);
            write!(f, "{}…{} ({} bytes)", to_hex(head), to_hex(tail), bytes.len())
        }
    }
}

/// Runs a closure of the caller; if it panics, says in which law and where before the panic goes on.
pub(super) fn within<T>(law: &str, place: impl fmt::Display, f: impl FnOnce() -> T) -> T {
    let guard = Guard { law, place };
    let value = f();
    std::mem::forget(guard);
    value
}

struct Guard<'a, P: fmt::Display> {
    law: &'a str,
    place: P,
}

impl<P: fmt::Display> Drop for Guard<'_, P> {
    fn drop(&mut self) {
        eprintln!("the panic above happened in {}: {}", self.law, self.place);
    }
}

/// The first line in which two values differ when printed, with what stands around it.
pub(super) fn difference(expected: &impl Debug, found: &impl Debug) -> String {
    let (expected, found) = (format!("{expected:#?}"), format!("{found:#?}"));
    let same = expected.lines().zip(found.lines()).take_while(|(one, other)| one == other).count();
    if same == expected.lines().count().max(found.lines().count()) {
        return format!("both print as {}, yet they are not equal", excerpt(&expected, 0));
    }
    let from = same.saturating_sub(2);
    format!("\n  expected: {}\n  found:    {}", excerpt(&expected, from), excerpt(&found, from))
}

fn excerpt(printed: &str, from: usize) -> String {
    let mut lines = printed.lines().skip(from).map(str::trim);
    let mut text = if from > 0 { "… ".to_owned() } else { String::new() };
    text.push_str(&lines.by_ref().take(LINES).collect::<Vec<_>>().join(" "));
    let cut = text.char_indices().nth(CHARACTERS).map(|(at, _)| at);
    text.truncate(cut.unwrap_or(text.len()));
    if cut.is_some() || lines.next().is_some() {
        text.push_str(" …");
    }
    text
}

/// Bytes shown of each end of a long input.
const ENDS: usize = 32;
const LINES: usize = 12;
const CHARACTERS: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_inputs_lose_their_middle() {
        assert_eq!(Shown(&[1, 2]).to_string(), "0102");
        let shown = Shown(&[7; 1000]).to_string();
        assert!(shown.ends_with("07 (1000 bytes)") && shown.len() < 200, "{shown}");
    }

    #[test]
    fn the_difference_is_shown_with_its_surroundings() {
        let one: Vec<u32> = (0..1000).collect();
        let mut other = one.clone();
        other[500] = 7;
        let text = difference(&one, &other);
        assert!(text.contains("expected: … 498, 499, 500, ") && text.contains("found:    … 498, 499, 7, "), "{text}");
    }

    #[test]
    fn values_that_print_alike_are_named() {
        assert!(difference(&f64::NAN, &f64::NAN).contains("both print as NaN"));
    }
}

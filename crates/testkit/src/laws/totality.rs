//! Law 5: no input panics, overflows a small stack or takes more memory than was stated.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::report::Shown;
use crate::alloc::measure;
use crate::stack::{SMALL_STACK, on_named_stack};

/// Law 5, totality: on a stack of [`SMALL_STACK`], `f` takes `input` without a panic and holds at most `max_peak` bytes
/// of the heap at any moment. Its result is dropped there, too, and counts.
///
/// What cannot be caught is at least named: an overflow of the stack or memory that is refused ends the process, and
/// the message holds the input; one that runs for a minute is printed, again and again.
///
/// # Panics
///
/// When the law is broken, or the [counting allocator](crate::counting_allocator) is not installed.
#[track_caller]
pub fn totality<T>(input: &[u8], max_peak: usize, f: impl Fn(&[u8]) -> T + Sync) {
    let name = format!("{TOTALITY} of {}", Shown(input));
    // Here as well as there: a missing allocator is no finding about the input.
    measure(|| ());
    let (outcome, stats) = on_named_stack(&name, SMALL_STACK, || {
        measure(|| catch_unwind(AssertUnwindSafe(|| drop(f(input)))).map_err(|panic| message(panic.as_ref())))
    });
    if let Err(message) = outcome {
        panic!("{TOTALITY} is broken on {}: it panics with: {message}", Shown(input));
    }
    assert!(
        stats.peak <= max_peak,
        "{TOTALITY} is broken on {}: {} bytes of heap instead of at most {max_peak} ({stats:?})",
        Shown(input),
        stats.peak
    );
}

/// Broken variants of a valid input: every strict prefix, every byte changed, every byte left out, every byte doubled.
///
/// Up to 64 bytes a byte takes every other value, above that those that formats are built around. There are some 15 of
/// them for each byte of a longer input, and each is a copy: short vectors tell as much, in less time.
pub fn mutations(valid: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let prefixes = (0..valid.len()).map(move |end| valid[..end].to_vec());
    let changed = (0..valid.len()).flat_map(move |at| {
        other_values(valid[at], valid.len() <= 64).into_iter().map(move |value| {
            let mut bytes = valid.to_vec();
            bytes[at] = value;
            bytes
        })
    });
    let without = (0..valid.len()).map(move |at| [&valid[..at], &valid[at + 1..]].concat());
    let doubled = (0..valid.len()).map(move |at| [&valid[..=at], &valid[at..]].concat());
    prefixes.chain(changed).chain(without).chain(doubled)
}

/// What to put into a length or count field of so many `bits`, when `remaining` bytes follow it.
///
/// The ends of the range, its sign bit, what a header of up to 16 bytes makes wrap, and one more than there is.
///
/// # Panics
///
/// When `bits` is not between 8 and 64.
pub fn hostile_lengths(bits: u32, remaining: u64) -> Vec<u64> {
    assert!((8..=64).contains(&bits), "no field of {bits} bits");
    let max = u64::MAX >> (64 - bits);
    let mut lengths = vec![0, max / 2, max / 2 + 1, max - 1, max];
    lengths.extend([4, 8, 16].map(|header| max - header));
    lengths.extend(remaining.checked_add(1));
    lengths.retain(|&length| length <= max);
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

fn other_values(value: u8, all: bool) -> Vec<u8> {
    let mut values: Vec<u8> = if all {
        (0..=u8::MAX).collect()
    } else {
        let near = [value.wrapping_add(1), value.wrapping_sub(1), value ^ 0x01, value ^ 0x80, !value];
        [&[0x00, 0x01, b'\n', b' ', b'"', 0x7f, 0x80, 0xc1, 0xfe, 0xff][..], &near].concat()
    };
    values.sort_unstable();
    values.dedup();
    values.retain(|&other| other != value);
    values
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("something that is no text").to_owned()
}

const TOTALITY: &str = "law 5 (totality)";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A count, then so many bytes.
    fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
        let (&count, rest) = bytes.split_first()?;
        rest.get(..count.into()).map(<[u8]>::to_vec)
    }

    #[test]
    fn totality_passes() {
        for input in mutations(b"\x03abc").chain(hostile_lengths(8, 3).into_iter().map(|len| vec![len as u8, 1, 2, 3]))
        {
            totality(&input, input.len(), decode);
        }
    }

    #[test]
    #[should_panic(expected = "law 5 (totality) is broken on 036162: it panics with: range end index 3")]
    fn totality_catches_a_panic() {
        totality(b"\x03ab", 1000, |bytes| bytes[1..][..bytes[0].into()].to_vec());
    }

    #[test]
    #[should_panic(expected = "law 5 (totality) is broken on ff: 255 bytes of heap instead of at most 100")]
    fn totality_catches_a_reservation_from_the_wire() {
        totality(b"\xff", 100, |bytes| Vec::<u8>::with_capacity(bytes[0].into()));
    }

    #[test]
    fn totality_runs_on_a_small_stack() {
        totality(b"\x01", 10_000, |_| {
            let name = std::thread::current().name().map(str::to_owned);
            assert_eq!(name.as_deref(), Some("law 5 (totality) of 01"));
        });
    }

    #[test]
    fn mutations_are_complete_and_differ_from_the_input() {
        let made: Vec<Vec<u8>> = mutations(b"abc").collect();
        assert_eq!(made.len(), 3 + 3 * 255 + 3 + 3);
        for expected in [&b""[..], b"ab", b"a\xffc", b"bc", b"aabc", b"abcc"] {
            assert!(made.iter().any(|bytes| bytes == expected), "{expected:?}");
        }
        assert!(made.iter().all(|bytes| bytes != b"abc"));
        let long = vec![7; 100];
        let different: BTreeSet<Vec<u8>> = mutations(&long).collect();
        assert!(different.len() > 100 * 12 && !different.contains(&long));
    }

    #[test]
    fn hostile_lengths_fit_their_field() {
        assert_eq!(hostile_lengths(8, 3), [0, 4, 127, 128, 239, 247, 251, 254, 255]);
        assert!(hostile_lengths(64, 3).contains(&u64::MAX));
        assert!(hostile_lengths(16, 70_000).iter().all(|&length| length <= 0xffff));
    }
}

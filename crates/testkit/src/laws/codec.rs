//! Laws over single frames and values.

use std::fmt::Debug;

use super::report::{Shown, difference, within};
use super::stream::cut_places;

/// What a decoder says about bytes that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// A frame, and how many bytes it took.
    Complete {
        /// Bytes of the frame.
        consumed: usize,
    },
    /// More bytes are wanted.
    Incomplete {
        /// At least so many.
        needed: usize,
    },
    /// No continuation makes this a frame.
    Failed,
}

/// Law 2, prefix: every strict prefix of a frame wants more, at least one byte and no more than is missing; the whole
/// is complete; and bytes after it are left alone.
///
/// A frame above 4096 bytes is cut at a sample of places, as [`cuts`](super::cuts) describes.
#[track_caller]
pub fn prefix(frame: &[u8], decode: impl Fn(&[u8]) -> Prefix) {
    for cut in cut_places(frame.len()).into_iter().filter(|&cut| cut < frame.len()) {
        let place = format!("{} cut at {cut}", Shown(frame));
        let missing = frame.len() - cut;
        match within(PREFIX, &place, || decode(&frame[..cut])) {
            Prefix::Incomplete { needed } => assert!(
                (1..=missing).contains(&needed),
                "{PREFIX} is broken on {place}: needed is {needed}, but {missing} are missing"
            ),
            other => panic!("{PREFIX} is broken on {place}: {other:?} instead of Incomplete"),
        }
    }
    let complete = Prefix::Complete { consumed: frame.len() };
    for trailing in [&b""[..], b"\x00", b"\xff", frame] {
        let place = format!("{} followed by {}", Shown(frame), Shown(trailing));
        let found = within(PREFIX, &place, || decode(&[frame, trailing].concat()));
        assert!(found == complete, "{PREFIX} is broken on {place}: {found:?} instead of {complete:?}");
    }
}

/// Law 3, round trip: `decode(encode(value)) == value`. For floats see [`round_trip_value_by`].
#[track_caller]
pub fn round_trip_value<T>(value: &T, encode: impl Fn(&T) -> Vec<u8>, decode: impl Fn(&[u8]) -> T)
where
    T: PartialEq + Debug,
{
    round_trip_value_by(value, encode, decode, T::eq);
}

/// Law 3, round trip, with an equality of the caller's: that of bits where `==` says that NaN is not NaN and -0.0 is 0.0.
#[track_caller]
pub fn round_trip_value_by<T>(
    value: &T,
    encode: impl Fn(&T) -> Vec<u8>,
    decode: impl Fn(&[u8]) -> T,
    same: impl Fn(&T, &T) -> bool,
) where
    T: Debug,
{
    let bytes = within(ROUND_TRIP, format_args!("{value:?}"), || encode(value));
    let found = within(ROUND_TRIP, Shown(&bytes), || decode(&bytes));
    assert!(same(value, &found), "{ROUND_TRIP} is broken on {}: {}", Shown(&bytes), difference(value, &found));
}

/// Law 3, round trip, for values that may be beyond what the format holds: an error is fine, other bytes are not.
///
/// Tells whether there was something to read back.
#[track_caller]
pub fn round_trip_or_error<T, E>(
    value: &T,
    encode: impl Fn(&T) -> Result<Vec<u8>, E>,
    decode: impl Fn(&[u8]) -> T,
) -> bool
where
    T: PartialEq + Debug,
{
    let Ok(bytes) = within(ROUND_TRIP, format_args!("{value:?}"), || encode(value)) else {
        return false;
    };
    round_trip_value(value, |_| bytes.clone(), decode);
    true
}

/// Law 3, round trip: `encode(decode(bytes)) == bytes` for canonical bytes; `recode` does both.
#[track_caller]
pub fn round_trip_bytes(bytes: &[u8], recode: impl Fn(&[u8]) -> Vec<u8>) {
    let found = within(ROUND_TRIP, Shown(bytes), || recode(bytes));
    assert_same_bytes(ROUND_TRIP, bytes, &found);
}

/// Law 4, size: `encode` adds exactly `encoded_len` bytes and leaves what is there already.
///
/// It gets vectors with content, with and without room for more. For another kind of buffer, convert in the closure.
#[track_caller]
pub fn size<E: Debug>(encoded_len: usize, encode: impl Fn(&mut Vec<u8>) -> Result<(), E>) {
    let mut first = None;
    for spare in [0, 1, encoded_len.saturating_add(64)] {
        let (mut buffer, before) = prefilled(spare);
        if let Err(error) = within(SIZE, format_args!("a vector with room for {spare}"), || encode(&mut buffer)) {
            panic!("{SIZE}: the encoder fails with {error:?}");
        }
        let kept = buffer.starts_with(&before);
        assert!(kept, "{SIZE} is broken: what was in the vector became {}", Shown(&buffer));
        let written = buffer.split_off(before.len());
        assert!(
            written.len() == encoded_len,
            "{SIZE} is broken: encoded_len is {encoded_len}, but {} bytes are written: {}",
            written.len(),
            Shown(&written)
        );
        assert_same_bytes(SIZE, first.get_or_insert_with(|| written.clone()), &written);
    }
}

/// Law 4, size: an encoder that fails has written nothing. Returns its error.
#[track_caller]
pub fn nothing_written<E: Debug>(encode: impl Fn(&mut Vec<u8>) -> Result<(), E>) -> E {
    let fail = |spare| {
        let (mut buffer, before) = prefilled(spare);
        let result = within(SIZE, format_args!("a vector with room for {spare}"), || encode(&mut buffer));
        let Err(error) = result else {
            panic!("{SIZE}: the encoder does not fail, it gives {}", Shown(&buffer));
        };
        assert!(
            buffer == before,
            "{SIZE} is broken: after {error:?} the vector holds {} instead of {}",
            Shown(&buffer),
            Shown(&before)
        );
        error
    };
    fail(0);
    fail(1);
    fail(4096)
}

/// Law 6, two forms: both ways over the same input come to the same.
///
/// View then owned and owned at once; the tokio codec and the decoder. Results compare with their errors.
#[track_caller]
pub fn two_forms<'a, T>(input: &'a [u8], one: impl Fn(&'a [u8]) -> T, other: impl Fn(&'a [u8]) -> T)
where
    T: PartialEq + Debug,
{
    let first = within(TWO_FORMS, Shown(input), || one(input));
    let second = within(TWO_FORMS, Shown(input), || other(input));
    assert!(first == second, "{TWO_FORMS} is broken on {}: {}", Shown(input), difference(&first, &second));
}

/// Law 10, pass-through: what is unknown comes out as a value, and survives being encoded again.
///
/// `is_unknown` checks that the value shows the unknown thing.
#[track_caller]
pub fn pass_through<'a, T: Debug>(
    input: &'a [u8],
    decode: impl Fn(&'a [u8]) -> T,
    is_unknown: impl Fn(&T) -> bool,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    let value = within(PASS_THROUGH, Shown(input), || decode(input));
    assert!(
        is_unknown(&value),
        "{PASS_THROUGH} is broken on {}: the unknown thing does not show in {value:?}",
        Shown(input)
    );
    let found = within(PASS_THROUGH, Shown(input), || encode(&value));
    assert_same_bytes(PASS_THROUGH, input, &found);
}

#[track_caller]
fn assert_same_bytes(law: &str, expected: &[u8], found: &[u8]) {
    if expected != found {
        let at = expected.iter().zip(found).take_while(|(one, other)| one == other).count();
        panic!("{law} is broken on {}: other bytes from {at} on: {}", Shown(expected), Shown(found));
    }
}

/// A vector with content and exactly so much room, and its content.
fn prefilled(spare: usize) -> (Vec<u8>, Vec<u8>) {
    let before = b"before".to_vec();
    let mut buffer = Vec::with_capacity(before.len() + spare);
    buffer.extend_from_slice(&before);
    (buffer, before)
}

const PREFIX: &str = "law 2 (prefix)";
const ROUND_TRIP: &str = "law 3 (round trip)";
const SIZE: &str = "law 4 (size)";
const TWO_FORMS: &str = "law 6 (two forms)";
const PASS_THROUGH: &str = "law 10 (pass-through)";

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = b"\x03abc";

    fn decode_prefix(bytes: &[u8]) -> Prefix {
        let Some(&len) = bytes.first() else {
            return Prefix::Incomplete { needed: 1 };
        };
        let consumed = usize::from(len) + 1;
        match consumed.checked_sub(bytes.len()) {
            None | Some(0) => Prefix::Complete { consumed },
            Some(needed) => Prefix::Incomplete { needed },
        }
    }

    fn encode(content: &[u8]) -> Vec<u8> {
        [&[content.len() as u8], content].concat()
    }

    /// The encoder that wraps a length of 256 to 0 would be `encode`; this one refuses.
    fn encode_checked(content: &[u8]) -> Result<Vec<u8>, &'static str> {
        if content.len() < 256 { Ok(encode(content)) } else { Err("too long") }
    }

    fn content(frame: &[u8]) -> Vec<u8> {
        frame[1..][..usize::from(frame[0])].to_vec()
    }

    #[test]
    fn prefix_passes() {
        prefix(FRAME, decode_prefix);
        prefix(b"\x00", decode_prefix);
    }

    #[test]
    #[should_panic(expected = "law 2 (prefix) is broken on 03616263 cut at 1: needed is 4, but 3 are missing")]
    fn prefix_catches_a_need_that_overshoots() {
        prefix(FRAME, |bytes| match decode_prefix(bytes) {
            Prefix::Incomplete { needed } if needed > 1 => Prefix::Incomplete { needed: needed + 1 },
            other => other,
        });
    }

    #[test]
    #[should_panic(expected = "cut at 0: needed is 0, but 4 are missing")]
    fn prefix_catches_a_need_of_nothing() {
        prefix(FRAME, |bytes| match decode_prefix(bytes) {
            Prefix::Incomplete { .. } => Prefix::Incomplete { needed: 0 },
            other => other,
        });
    }

    #[test]
    #[should_panic(expected = "cut at 0: Failed instead of Incomplete")]
    fn prefix_catches_an_early_failure() {
        prefix(FRAME, |bytes| if bytes.is_empty() { Prefix::Failed } else { decode_prefix(bytes) });
    }

    #[test]
    #[should_panic(expected = "followed by 00: Complete { consumed: 5 } instead of Complete { consumed: 4 }")]
    fn prefix_catches_a_greedy_frame() {
        prefix(FRAME, |bytes| match decode_prefix(bytes) {
            Prefix::Complete { .. } => Prefix::Complete { consumed: bytes.len() },
            other => other,
        });
    }

    #[test]
    fn round_trips_pass() {
        round_trip_value(&b"abc".to_vec(), |value| encode(value), content);
        round_trip_bytes(FRAME, |bytes| encode(&content(bytes)));
        round_trip_value_by(
            &f64::NAN,
            |value| value.to_le_bytes().to_vec(),
            |bytes| f64::from_le_bytes(bytes.try_into().unwrap()),
            |one, other| one.to_bits() == other.to_bits(),
        );
        assert!(round_trip_or_error(&vec![1; 255], |value| encode_checked(value), content));
        assert!(!round_trip_or_error(&vec![1; 256], |value| encode_checked(value), content));
    }

    #[test]
    #[should_panic(expected = "law 3 (round trip) is broken on 00010101")]
    fn round_trip_catches_a_length_that_wraps() {
        round_trip_or_error(&vec![1; 256], |value| Ok::<_, ()>(encode(value)), content);
    }

    #[test]
    #[should_panic(expected = "law 3 (round trip) is broken on 0000000000000000")]
    fn round_trip_catches_a_lost_sign() {
        round_trip_value_by(
            &-0.0_f64,
            |value| (value + 0.0).to_le_bytes().to_vec(),
            |bytes| f64::from_le_bytes(bytes.try_into().unwrap()),
            |one, other| one.to_bits() == other.to_bits(),
        );
    }

    #[test]
    #[should_panic(expected = "law 3 (round trip) is broken on 03616263: other bytes from 1 on: 03414243")]
    fn round_trip_catches_other_bytes() {
        round_trip_bytes(FRAME, |bytes| encode(&content(bytes).to_ascii_uppercase()));
    }

    #[test]
    fn size_passes() {
        size(4, |buffer| {
            buffer.extend(encode(b"abc"));
            Ok::<_, ()>(())
        });
        assert_eq!(nothing_written(|_| Err("too long")), "too long");
    }

    #[test]
    #[should_panic(expected = "law 4 (size) is broken: encoded_len is 3, but 4 bytes are written: 03616263")]
    fn size_catches_a_wrong_length() {
        size(3, |buffer| {
            buffer.extend(encode(b"abc"));
            Ok::<_, ()>(())
        });
    }

    #[test]
    #[should_panic(expected = "law 4 (size) is broken: what was in the vector became 03616263")]
    fn size_catches_an_encoder_that_starts_over() {
        size(4, |buffer| {
            *buffer = encode(b"abc");
            Ok::<_, ()>(())
        });
    }

    #[test]
    #[should_panic(expected = "law 4 (size) is broken: after \"too long\" the vector holds 6265666f7265ff")]
    fn size_catches_half_a_frame() {
        nothing_written(|buffer| {
            buffer.push(0xff);
            Err("too long")
        });
    }

    #[test]
    fn two_forms_pass() {
        two_forms(FRAME, |bytes| bytes[1..].to_vec(), content);
    }

    #[test]
    #[should_panic(expected = "law 6 (two forms) is broken on 03616263")]
    fn two_forms_catch_a_difference() {
        two_forms(FRAME, |bytes| bytes.to_vec(), content);
    }

    #[test]
    fn pass_through_passes() {
        pass_through(&[9, 1], |bytes| (bytes[0], bytes), |(kind, _)| *kind > 5, |(_, bytes)| bytes.to_vec());
    }

    #[test]
    #[should_panic(
        expected = "law 10 (pass-through) is broken on 0901: the unknown thing does not show in (5, [9, 1])"
    )]
    fn pass_through_catches_an_unknown_that_is_mapped_away() {
        pass_through(&[9, 1], |bytes| (bytes[0].min(5), bytes), |(kind, _)| *kind > 5, |(_, bytes)| bytes.to_vec());
    }

    #[test]
    #[should_panic(expected = "law 10 (pass-through) is broken on 0901: other bytes from 1 on: 09")]
    fn pass_through_catches_an_unknown_that_is_not_written() {
        pass_through(&[9, 1], |bytes| bytes[0], |kind| *kind > 5, |kind| vec![*kind]);
    }
}

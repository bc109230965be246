//! The reader of numbers against `core`, `i128` and serde_json.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use std::fmt::Write;

use atlas_stream::__number::{POWERS, read};
use testkit::Rng;

/// Texts a kind in one run.
const ROUNDS: usize = 30_000;

/// What may follow a number; with none, the text is the end.
const FOLLOWERS: [&str; 3] = ["", "]", ",-0.25,1234567890123456789012345"];

/// The double, read from the text alone and with others behind it, so that all ways of reading are gone.
#[track_caller]
fn check(text: &str) {
    let expected: f64 = text.parse().unwrap();
    for follower in FOLLOWERS {
        let input = format!("{text}{follower}");
        let (number, rest) = read(input.as_bytes()).unwrap_or_else(|at| panic!("{input:?}: fault at {at}"));
        assert_eq!(rest, follower.as_bytes(), "{input:?}");
        assert_eq!(number.text(), text);
        assert_eq!(number.is_integer(), !text.contains(['.', 'e', 'E']), "{text}");
        let value = number.to_f64();
        assert_eq!(value.to_bits(), expected.to_bits(), "{input:?}: {value:?} and not {expected:?}");
        assert_eq!(number.to_i64(), whole(text), "{input:?}");
    }
}

/// The `i64` that `text` is, by counting digits: a slow way that shares nothing with ours.
fn whole(text: &str) -> Option<i64> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (front, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{front}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let kept = significant.trim_end_matches('0');
    // What does not fit an i128 is far outside, whatever it is.
    let power: i128 = power
        .trim_start_matches('+')
        .parse()
        .unwrap_or(i128::from(i64::MAX) * if power.starts_with('-') { -1 } else { 1 });
    let zeros = power - fraction.len() as i128 + (significant.len() - kept.len()) as i128;
    if !(0..20).contains(&zeros) || kept.len() > 19 {
        return None;
    }
    let magnitude = kept.parse::<i128>().unwrap() * 10_i128.pow(zeros as u32);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

fn digits(rng: &mut Rng, count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        // Runs of nines and zeros are where carries are.
        let digit = match rng.below(8) {
            0 => 9,
            1 => 0,
            _ => rng.below(10),
        };
        let digit = if at == 0 { digit.max(1) } else { digit };
        write!(text, "{digit}").unwrap();
    }
    text
}

/// `digits` with a point somewhere, and zeros in front if it is the first.
fn with_point(rng: &mut Rng, digits: &str) -> String {
    match rng.below(digits.len() + 3) {
        at if at >= digits.len() => digits.to_owned(),
        0 => format!("0.{}{digits}", "0".repeat(rng.below(6))),
        at => format!("{}.{}", &digits[..at], &digits[at..]),
    }
}

fn sign(rng: &mut Rng) -> &'static str {
    if rng.below(2) == 0 { "-" } else { "" }
}

fn exponent(rng: &mut Rng, range: i64) -> String {
    let value = rng.below(2 * range as usize + 1) as i64 - range;
    let zeros = if rng.below(10) == 0 { "00" } else { "" };
    match (value < 0, rng.below(2)) {
        (true, 0) => format!("e-{zeros}{}", -value),
        (true, _) => format!("E-{}", -value),
        (false, 0) => format!("e{value}"),
        (false, _) => format!("E+{zeros}{value}"),
    }
}

fn rng(stream: u64) -> Rng {
    Rng::new(testkit::rng::seed() ^ stream)
}

fn finite(rng: &mut Rng) -> f64 {
    loop {
        let value = rng.f64();
        if value.is_finite() {
            return value;
        }
    }
}

fn unit(rng: &mut Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

#[test]
fn shortest_texts_of_any_bits() {
    let rng = &mut rng(1);
    for _ in 0..ROUNDS {
        let value = finite(rng);
        check(&format!("{value:?}"));
        check(&format!("{value:e}"));
    }
}

#[test]
fn telemetry() {
    let rng = &mut rng(2);
    for _ in 0..ROUNDS / 2 {
        let value = (unit(rng) - 0.5) * 10_f64.powi(rng.below(12) as i32 - 4);
        check(&format!("{value}"));
        check(&format!("{value:?}"));
        check(&format!("{value:.2}"));
        check(&format!("{:.16e}", value));
    }
}

#[test]
fn digits_of_any_number() {
    let rng = &mut rng(3);
    for _ in 0..ROUNDS {
        let count = 1 + rng.below(40);
        let digits = digits(rng, count);
        let mantissa = with_point(rng, &digits);
        check(&format!("{}{mantissa}", sign(rng)));
        let range = *rng.choose(&[5, 30, 345, 400]);
        check(&format!("{}{mantissa}{}", sign(rng), exponent(rng, range)));
    }
}

#[test]
fn halfway_and_beside_it() {
    let rng = &mut rng(4);
    for round in 0..ROUNDS / 25 {
        let bits = match round % 4 {
            0 => rng.next_u64() >> 12,                                            // subnormals
            1 => (1023 + 40 + rng.below(60) as u64) << 52 | rng.next_u64() >> 12, // ties of few digits
            2 => 0x7fef_ffff_ffff_ffff - rng.below(100) as u64,                   // next to the largest
            _ => (rng.next_u64() >> 1) % 0x7ff0_0000_0000_0000,
        };
        let exact = halfway(bits);
        check(&exact);
        // The last digit of what is exactly between them is not 0 or there is no point; a little more, a little less.
        let longer = if exact.contains('.') { exact.clone() } else { format!("{exact}.0") };
        check(&format!("{longer}{}1", "0".repeat(rng.below(900))));
        check(&format!("{}{}", less(&exact), "9".repeat(rng.below(30))));
        let len = 1 + rng.below(exact.len());
        let cut = exact[..len].trim_end_matches('.');
        check(cut);
    }
}

/// Ties that fit 64 bits: the product has to be exact where the power is a reciprocal.
#[test]
fn ties_of_few_digits() {
    let rng = &mut rng(5);
    for _ in 0..ROUNDS / 4 {
        let odd = rng.next_u64() >> 10 | 1 << 53 | 1;
        for fives in 0..=4_u32 {
            if let Some(digits) = odd.checked_mul(5_u64.pow(fives)) {
                let shifted = digits << rng.below(digits.leading_zeros() as usize + 1);
                for digits in [shifted - 1, shifted, shifted.saturating_add(1)] {
                    check(&format!("{digits}e-{fives}"));
                }
            }
        }
        let fives = rng.below(24) as u32;
        let factor = ((1_u64 << 53) / 5_u64.pow(fives) + 1).max(1) | 1;
        let digits = factor.saturating_add(2 * rng.below(factor as usize) as u64);
        check(&format!("{digits}e{fives}"));
    }
}

#[test]
fn cases_of_the_literature() {
    for text in [
        "0",
        "-0",
        "0.0",
        "-0.0",
        "0e999999999999",
        "-0e-999999999999",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "9007199254740995",
        "9007199254740993.0000000000000000000000000001",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1.797693134862315807e308",
        "1e308",
        "1e309",
        "-1e309",
        "5e-324",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.47e-324",
        "3e-324",
        "1e-400",
        "1e23",
        "8.5e22",
        "8.5e23",
        "9.5e-823",
        "1e22",
        "1e-22",
        "1e21",
        "123456789012345678e-40",
        "7.0420557077594588669468784357561207962098443483187940792729600000e+59",
        "6929495644600919.5",
        "3.7455744005952583e15",
        "8.589973437413488e9",
        "9.259259259259259259e+18",
        "1448997445238699",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "4503599627370496.5",
        "4503599627370497.5",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999",
        "10000000000000000000",
        "99999999999999999999",
        "10000000.0",
        "1.5e1",
        "1E3",
        "1E+16",
        "1.5E-05",
        "53.424999237060547",
        "1521990630000000000",
        "9223372036854775807.0",
        "9223372036854775807.5",
        "922337203685477580700e-2",
        "0.9223372036854775807e19",
        "1000000000000000000000000000000e-30",
        "12345678",
        "123456789",
        "1234567.8",
        "12345678.9",
        "1.2345678",
        "0.1234567890123456789",
        "0.12345678901234567",
        "12.12345678901234567",
        "123.1234567890123456",
        "1234567.123456789012",
    ] {
        check(text);
        check(&text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned));
    }
}

#[test]
fn integers_in_all_forms() {
    let rng = &mut rng(6);
    for _ in 0..ROUNDS / 2 {
        let bits = rng.below(67) as u32;
        let value = (i128::from(rng.next_u64()) * 8) >> (66 - bits);
        let value = if rng.below(4) == 0 { i128::from(i64::MAX) + rng.below(5) as i128 - 2 } else { value };
        let plain = format!("{}{}", sign(rng), value.max(1));
        check(&plain);
        check(&format!("{plain}.{}", "0".repeat(1 + rng.below(30))));
        let count = rng.below(25);
        check(&format!("{plain}{}e-{count}", "0".repeat(count)));
        let digits = plain.trim_start_matches('-');
        let at = rng.below(digits.len());
        if at > 0 {
            check(&format!("{}.{}e{}", &digits[..at], &digits[at..], digits.len() - at));
            check(&format!("{}.{}E+{}", &digits[..at], &digits[at..], digits.len() - at - rng.below(2)));
        }
        check(&format!("0.{}{digits}e{}", "0".repeat(count), digits.len() + count));
    }
}

/// Accepts what serde_json does, and all of it; where there is a fault, the text in front of it can be completed.
#[test]
fn grammar() {
    const ALPHABET: &[u8] = b"0123456789012345678900..--++eeE,] x/:\x80\xb0\xffN\"\0";
    let rng = &mut rng(7);
    for _ in 0..3 * ROUNDS {
        let mut text = if rng.below(4) == 0 {
            let count = rng.below(12);
            (0..count).map(|_| *rng.choose(ALPHABET)).collect()
        } else {
            let count = 1 + rng.below(24);
            let digits = digits(rng, count);
            let power = if rng.below(2) == 0 { exponent(rng, 99) } else { String::new() };
            format!("{}{}{power}", sign(rng), with_point(rng, &digits)).into_bytes()
        };
        for _ in 0..rng.below(3) {
            let at = rng.below(text.len() + 1);
            match rng.below(3) {
                0 => text.insert(at, *rng.choose(ALPHABET)),
                1 if at < text.len() => text[at] = *rng.choose(ALPHABET),
                _ => drop(text.drain(at.min(text.len())..(at + 1).min(text.len()))),
            }
        }
        grammar_of(&text);
        // Room behind it makes it the short way's.
        let padded = [&text[..], b",1,2,3,4,5,6,7,8,9,10,11,12"].concat();
        let (alone, inside) = (read(&text), read(&padded));
        match (alone, inside) {
            (Ok((alone, _)), Ok((inside, _))) => assert_eq!(alone.text(), inside.text()),
            (alone, inside) => assert_eq!(alone.err(), inside.err(), "{:?}", text.escape_ascii().to_string()),
        }
    }
}

#[track_caller]
fn grammar_of(text: &[u8]) {
    let shown = text.escape_ascii().to_string();
    let is_number = |text: &[u8]| {
        let raw = serde_json::from_slice::<&serde_json::value::RawValue>(text);
        raw.is_ok_and(|raw| {
            raw.get().len() == text.len() && raw.get().starts_with(|c: char| c == '-' || c.is_ascii_digit())
        })
    };
    match read(text) {
        Ok((number, rest)) => {
            let len = number.text().len();
            assert_eq!((number.text().as_bytes(), rest), text.split_at(len), "{shown}");
            assert!(is_number(number.text().as_bytes()), "{shown}: {}", number.text());
            assert_eq!(rest.is_empty(), is_number(text), "{shown}");
            // It is the longest one.
            assert!((len + 1..=text.len()).all(|len| !is_number(&text[..len])), "{shown}");
        }
        Err(at) => {
            assert!(!is_number(text), "{shown}");
            assert!(at <= text.len(), "{shown}");
            let front = &text[..at];
            assert!(is_number(front) || is_number(&[front, b"1"].concat()), "{shown} at {at}");
            if at < text.len() {
                let through = &text[..=at];
                assert!(!is_number(through) && !is_number(&[through, b"1"].concat()), "{shown} at {at}");
            }
        }
    }
}

#[test]
fn faults_have_a_place() {
    for (text, at) in [
        ("", 0),
        ("-", 1),
        ("--1", 1),
        ("+1", 0),
        (".5", 0),
        ("-.5", 1),
        ("1.", 2),
        ("1.e5", 2),
        ("-12.x", 4),
        ("01", 1),
        ("-01", 2),
        ("00", 1),
        ("0123456789012345678901234567", 1),
        ("1e", 2),
        ("1e+", 3),
        ("1e-x", 3),
        ("1.5E", 4),
        ("NaN", 0),
        ("12345678.", 9),
        ("1234567.,00000000000000000000", 8),
        ("Infinity", 0),
        ("12345678901234567890123456789.", 30),
        ("1e++5", 3),
    ] {
        assert_eq!(read(text.as_bytes()).err(), Some(at), "{text}");
    }
}

/// Zeros bring giant exponents back into range: `core` does not count so far, and our halfway case does not ask it to.
#[test]
fn long_texts_are_exact() {
    let zeros = "0".repeat(1_000_000);
    for (text, expected) in [
        (format!("0.{zeros}15e1000001"), 1.5),
        (format!("15{zeros}e-1000001"), 1.5),
        ("9".repeat(2_000_000), f64::INFINITY),
        (format!("1e{zeros}1"), 10.0),
        (format!("1e-{}", "9".repeat(2_000_000)), 0.0),
        (format!("1e{}", "9".repeat(2_000_000)), f64::INFINITY),
        (format!("0.{zeros}e{}", "9".repeat(2_000_000)), 0.0),
        (format!("0.{zeros}9007199254740993{zeros}1e1000016"), 9007199254740994.0),
        (format!("0.{zeros}9007199254740993{zeros}e1000016"), 9007199254740992.0),
        (format!("9007199254740993{zeros}{zeros}1e-2000001"), 9007199254740994.0),
        (format!("9007199254740993{zeros}.{zeros}1e-1000000"), 9007199254740994.0),
        (format!("9007199254740993{zeros}.{zeros}e-1000000"), 9007199254740992.0),
    ] {
        let (number, rest) = read(text.as_bytes()).unwrap();
        assert!(rest.is_empty());
        assert_eq!(number.to_f64().to_bits(), expected.to_bits(), "{}…", &text[..20]);
        let integral =
            number.to_f64() != 1.5 && !text.starts_with("1e-") && !text.starts_with("99") && !text.starts_with("1e9");
        let cut = text.ends_with("1e1000016") || text.ends_with("1e-2000001") || text.ends_with("1e-1000000");
        assert_eq!(number.to_i64().is_some(), integral && !cut, "{}…", &text[..20]);
    }
}

#[test]
fn long_texts_cost_their_length() {
    let kinds: [fn(usize) -> String; 6] = [
        |len| "7".repeat(len),
        |len| format!("0.{}1", "0".repeat(len)),
        |len| format!("1e{}", "9".repeat(len)),
        |len| format!("-1.5E-{}", "0".repeat(len)),
        |len| format!("9007199254740993.{}", "0".repeat(len)),
        |len| format!("{}x", "1".repeat(len)),
    ];
    for kind in kinds {
        testkit::laws::linear_cpu(100_000, kind, |text: String| {
            read(text.as_bytes()).map(|(number, _)| (number.to_f64(), number.to_i64()))
        });
    }
}

/// The table, made again with integers of any length.
#[test]
fn powers_of_five() {
    assert_eq!(POWERS.len(), 651);
    for (power, met) in (-342_i32..).zip(POWERS) {
        let five = power_of_five(power.unsigned_abs());
        let expected = if power >= 0 {
            top(&five)
        } else {
            // 2^(len + 127), divided bit by bit.
            let mut rest = vec![0_u32];
            let mut quotient = 0_u128;
            for at in 0..bit_len(&five) + 128 {
                shift_in(&mut rest, u32::from(at == 0));
                quotient <<= 1;
                if at_least(&rest, &five) {
                    subtract(&mut rest, &five);
                    quotient |= 1;
                }
            }
            quotient + u128::from(power >= -27)
        };
        assert_eq!(u128::from(met.0) << 64 | u128::from(met.1), expected, "5^{power}");
    }
}

// Large integers: 32 bits each, the lowest first.

fn times(value: &mut Vec<u32>, factor: u32) {
    let mut carry = 0_u64;
    for limb in value.iter_mut() {
        carry += u64::from(*limb) * u64::from(factor);
        *limb = carry as u32;
        carry >>= 32;
    }
    if carry != 0 {
        value.push(carry as u32);
    }
}

fn power_of_five(power: u32) -> Vec<u32> {
    let mut value = vec![1];
    (0..power).for_each(|_| times(&mut value, 5));
    value
}

fn bit_len(value: &[u32]) -> u32 {
    value.len() as u32 * 32 - value.last().unwrap().leading_zeros()
}

fn top(value: &[u32]) -> u128 {
    let bit = |at: u32| value[at as usize / 32] >> (at % 32) & 1;
    let len = bit_len(value);
    (0..128).fold(0, |top, back| top << 1 | if back < len { u128::from(bit(len - 1 - back)) } else { 0 })
}

fn shift_in(value: &mut Vec<u32>, mut carry: u32) {
    for limb in value.iter_mut() {
        (*limb, carry) = (*limb << 1 | carry, *limb >> 31);
    }
    if carry != 0 {
        value.push(carry);
    }
}

fn at_least(left: &[u32], right: &[u32]) -> bool {
    let limb = |value: &[u32], at: usize| value.get(at).copied().unwrap_or(0);
    let differs = (0..left.len().max(right.len())).rev().find(|&at| limb(left, at) != limb(right, at));
    differs.is_none_or(|at| limb(left, at) > limb(right, at))
}

fn subtract(left: &mut [u32], right: &[u32]) {
    let mut borrow = false;
    for (at, limb) in left.iter_mut().enumerate() {
        let (less, first) = limb.overflowing_sub(right.get(at).copied().unwrap_or(0));
        let (less, second) = less.overflowing_sub(u32::from(borrow));
        (*limb, borrow) = (less, first | second);
    }
}

/// The number exactly between the double of these bits and the next, in all of its digits.
fn halfway(bits: u64) -> String {
    let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
    let (mantissa, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let double = 2 * mantissa + 1;
    let mut value = vec![double as u32, (double >> 32) as u32];
    let power = exponent - 1;
    // 2^-n is 5^n · 10^-n.
    (0..power.unsigned_abs()).for_each(|_| times(&mut value, if power < 0 { 5 } else { 2 }));
    let mut digits = Vec::new();
    while value.iter().any(|&limb| limb != 0) {
        let mut rest = 0_u64;
        for limb in value.iter_mut().rev() {
            rest = rest << 32 | u64::from(*limb);
            *limb = (rest / 1_000_000_000) as u32;
            rest %= 1_000_000_000;
        }
        digits.push(format!("{rest:09}"));
    }
    digits.reverse();
    let digits = digits.concat().trim_start_matches('0').to_owned();
    let places = if power < 0 { power.unsigned_abs() as usize } else { 0 };
    if places == 0 {
        return digits;
    }
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (front, fraction) = digits.split_at(digits.len() - places);
    format!("{front}.{fraction}")
}

/// One less in the last place.
fn less(number: &str) -> String {
    let mut text = number.to_owned().into_bytes();
    for byte in text.iter_mut().rev() {
        match byte {
            b'.' => {}
            b'0' => *byte = b'9',
            _ => {
                *byte -= 1;
                break;
            }
        }
    }
    let text = String::from_utf8(text).unwrap();
    if text.contains('.') { text } else { text.trim_start_matches('0').to_owned() + ".9" }
}

use atlas_stream::__number::read;
use serde_json::value::RawValue;

use super::tree::whole;

/// A number is read up to the byte where the grammar of JSON ends it, refused at the byte that breaks it, and is the double that `core` and
/// serde_json make of it, and the integer that its digits are.
pub fn number(data: &[u8]) {
    let Some((&settings, input)) = data.split_first() else { return };
    let dense;
    let input = if settings & 1 == 0 {
        input
    } else {
        dense = input.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(letter).collect::<Vec<_>>();
        &dense
    };
    let Ok(len) = check(input) else { return };
    // With other bytes behind it, or none, it is read another way.
    let text = &input[..len];
    assert_eq!(check(text), Ok(len));
    for behind in [&b","[..], b"]", b" }", b",-0.25,1234567890123456789012345", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"]
    {
        assert_eq!(check(&[text, behind].concat()), Ok(len));
    }
    let minus = [b"-", text.strip_prefix(b"-").unwrap_or(text)].concat();
    assert_eq!(check(&minus), Ok(minus.len()));
}

/// Digits, and what else numbers have.
fn letter(bits: u8) -> u8 {
    b"0123456789.e-+09"[usize::from(bits)]
}

fn check(input: &[u8]) -> Result<usize, usize> {
    let due = grammar(input);
    let (number, rest) = match (read(input), due) {
        (Ok(found), Ok(_)) => found,
        (Err(at), Err(due)) => {
            assert_eq!(at, due, "{}", input.escape_ascii());
            return Err(due);
        }
        (found, due) => panic!("{:?} {due:?} {}", found.err(), input.escape_ascii()),
    };
    let len = input.len() - rest.len();
    assert_eq!(Ok(len), due, "{}", input.escape_ascii());
    let text = std::str::from_utf8(&input[..len]).expect("ASCII");
    assert!(serde_json::from_str::<&RawValue>(text).is_ok(), "{text}");
    assert_eq!(number.text(), text);
    assert_eq!(number.is_integer(), !text.contains(['.', 'e', 'E']));
    assert_eq!(number.to_i64(), whole(text).and_then(|whole| whole.try_into().ok()), "{text}");

    let value = number.to_f64();
    let core = text.parse::<f64>().expect("more is a number for core than for JSON");
    assert_eq!(value.to_bits(), core.to_bits(), "{text}: {value:?} and not {core:?}");
    match serde_json::from_str::<f64>(text) {
        Ok(due) => assert_eq!(value.to_bits(), due.to_bits(), "{text}: {value:?} and not {due:?}"),
        Err(_) => assert!(value.is_infinite(), "{text}"),
    }
    Ok(len)
}

/// How long the number is that an input begins with, or the byte at fault.
fn grammar(input: &[u8]) -> Result<usize, usize> {
    let byte = |at: usize| input.get(at).copied().unwrap_or_default();
    let digits = |from: usize| from + input[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(byte(0) == b'-');
    if byte(at) == b'0' {
        at += 1;
        if byte(at).is_ascii_digit() {
            return Err(at);
        }
    } else {
        let end = digits(at);
        if end == at {
            return Err(at);
        }
        at = end;
    }
    if byte(at) == b'.' {
        let end = digits(at + 1);
        if end == at + 1 {
            return Err(end);
        }
        at = end;
    }
    if matches!(byte(at), b'e' | b'E') {
        let start = at + 1 + usize::from(matches!(byte(at + 1), b'+' | b'-'));
        let end = digits(start);
        if end == start {
            return Err(end);
        }
        at = end;
    }
    Ok(at)
}

//! Loaders for golden vectors. They panic with the file and the line, since a test has nothing better to do.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

/// Reads a file of one JSON value per line; blank lines are skipped.
///
/// A relative path starts at the package's folder, where cargo runs its tests.
///
/// # Panics
///
/// Names the file, and the line that is not JSON.
#[track_caller]
pub fn jsonl(path: impl AsRef<Path>) -> Vec<Value> {
    let path = path.as_ref();
    lines(path)
        .map(|(number, line)| match serde_json::from_str(&line) {
            Ok(value) => value,
            Err(error) => panic!("{}:{number}: {error}", path.display()),
        })
        .collect()
}

/// Reads a file of one hex input per line. Blank lines are skipped, and so is what follows a `#`.
///
/// The empty input has no line of its own: name it in the test.
///
/// # Panics
///
/// Names the file, and the line that is not hex.
#[track_caller]
pub fn hex_lines(path: impl AsRef<Path>) -> Vec<Vec<u8>> {
    let path = path.as_ref();
    lines(path)
        .filter_map(|(number, line)| {
            let digits = line.split('#').next().unwrap_or_default().trim();
            let bytes = parse_hex(digits).unwrap_or_else(|error| panic!("{}:{number}: {error}", path.display()));
            (!digits.is_empty()).then_some(bytes)
        })
        .collect()
}

/// The bytes that hex digits of either case spell; white space between them is ignored.
///
/// # Panics
///
/// On another character or a missing digit.
#[track_caller]
pub fn hex(digits: &str) -> Vec<u8> {
    parse_hex(digits).unwrap_or_else(|error| panic!("{error}"))
}

/// The lower-case hex digits of `bytes`.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// The bytes that base64 spells, with its ordinary alphabet; padding may be missing.
///
/// # Panics
///
/// On another character.
#[track_caller]
pub fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("{:?} is no digit of base64", char::from(*other)),
    };
    let digits = text.trim_end_matches('=').as_bytes().iter().map(digit);
    let bits = digits.flat_map(|digit| (0..6).rev().map(move |bit| digit >> bit & 1)).collect::<Vec<_>>();
    bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// The encoding a vector holds: its `hex`, and with `"hex_repeat": ["61", 3]` that byte so many times after it.
///
/// # Panics
///
/// Shows the vector when one of them is missing or malformed.
#[track_caller]
pub fn encoding(vector: &Value) -> Vec<u8> {
    let mut bytes = hex(text(vector, "hex"));
    if let Some(repeat) = vector.get("hex_repeat") {
        let (Some(digits), Some(count)) = (repeat[0].as_str(), repeat[1].as_u64()) else {
            panic!("hex_repeat is not [\"hex\", count] in {}", shortened(vector));
        };
        bytes.extend(hex(digits).repeat(usize::try_from(count).expect("a count that fits memory")));
    }
    bytes
}

/// The text under `key`.
///
/// # Panics
///
/// Shows the vector when there is none.
#[track_caller]
pub fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_else(|| panic!("no text under {key:?} in {}", shortened(vector)))
}

#[track_caller]
fn lines(path: &Path) -> impl Iterator<Item = (usize, String)> {
    let content = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines: Vec<String> = content.lines().map(str::to_owned).collect();
    lines.into_iter().enumerate().map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.trim().is_empty())
}

fn parse_hex(digits: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    let mut high = None;
    for character in digits.chars().filter(|character| !character.is_whitespace()) {
        let digit = character.to_digit(16).ok_or_else(|| format!("{character:?} is not a hex digit"))? as u8;
        match high.take() {
            None => high = Some(digit << 4),
            Some(high) => bytes.push(high | digit),
        }
    }
    match high {
        None => Ok(bytes),
        Some(_) => Err("odd number of hex digits".to_owned()),
    }
}

fn shortened(vector: &Value) -> String {
    vector.to_string().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;
    use std::path::PathBuf;

    /// A file that is gone after the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, content: &str) -> Self {
            let path = std::env::temp_dir().join(format!("testkit-{}-{name}", std::process::id()));
            fs::write(&path, content).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn hex_goes_both_ways() {
        assert_eq!(hex("EF 01\n8161"), [0xef, 0x01, 0x81, 0x61]);
        assert_eq!(to_hex(&[0xef, 0x01, 0x0a]), "ef010a");
        assert!(hex("").is_empty());
    }

    #[test]
    #[should_panic(expected = "odd number of hex digits")]
    fn half_a_byte_is_refused() {
        hex("ef0");
    }

    #[test]
    #[should_panic(expected = "'g' is not a hex digit")]
    fn other_letters_are_refused() {
        hex("0g");
    }

    #[test]
    fn reads_lines() {
        let file = Scratch::new("lines", "# a comment\n\nef01 # why\r\n00\n");
        assert_eq!(hex_lines(&file.0), [vec![0xef, 0x01], vec![0x00]]);
        let file = Scratch::new("values", "{\"a\":1}\n\n[2]\n");
        assert_eq!(jsonl(&file.0), [json!({"a": 1}), json!([2])]);
    }

    #[test]
    #[should_panic(expected = "broken:3: key must be a string")]
    fn a_broken_line_is_named() {
        jsonl(&Scratch::new("broken", "1\n\n{x\n").0);
    }

    #[test]
    #[should_panic(expected = "no-such-file")]
    fn a_missing_file_is_named() {
        jsonl("no-such-file");
    }

    #[test]
    fn encodings_may_repeat_a_byte() {
        assert_eq!(encoding(&json!({"hex": "e5", "hex_repeat": ["61", 3]})), *b"\xe5aaa");
        assert_eq!(encoding(&json!({"hex": "e5"})), [0xe5]);
    }

    #[test]
    #[should_panic(expected = "no text under \"hex\" in {\"note\":\"odd\"}")]
    fn a_vector_without_encoding_is_shown() {
        encoding(&json!({"note": "odd"}));
    }
}

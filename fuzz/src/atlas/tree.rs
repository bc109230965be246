//! JSON as serde_json reads it, with what its own tree does not keep: members that are there twice, and numbers as they were written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A value, and its text.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) raw: &'a str,
    pub(super) is: Is<'a>,
}

#[derive(Debug)]
pub(super) enum Is<'a> {
    Null,
    Bool,
    /// As it was written: it may be no double.
    Number(&'a str),
    Text(String),
    /// A number that is none, without quotes.
    Bare(f64),
    Array(Vec<Node<'a>>),
    Object(Vec<(String, Node<'a>)>),
}

/// What stands for a number that is none: a text that nobody writes.
const BARE: [(&str, &str, f64); 3] = [
    ("-Infinity", "\"9b1f7d3c2e604a58 -\"", f64::NEG_INFINITY),
    ("Infinity", "\"9b1f7d3c2e604a58 +\"", f64::INFINITY),
    ("NaN", "\"9b1f7d3c2e604a58\"", f64::NAN),
];

/// A text in which numbers that are none are JSON: read by [`read`] they are such again.
pub(super) fn quote_bare(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut is_text = false;
    while let Some(first) = rest.chars().next() {
        if !is_text && let Some((word, quoted, _)) = BARE.iter().find(|(word, ..)| rest.starts_with(word)) {
            out += quoted;
            rest = &rest[word.len()..];
            continue;
        }
        let mut len = first.len_utf8();
        match first {
            '"' => is_text = !is_text,
            '\\' if is_text => len += rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => {}
        }
        out += &rest[..len];
        rest = &rest[len..];
    }
    out
}

/// Reads a document in which values are in one another so deep at most; `None` if it is none.
pub(super) fn read(text: &str, depth: usize) -> Option<Node<'_>> {
    node(serde_json::from_str::<&RawValue>(text).ok()?.get(), depth)
}

fn node(raw: &str, depth: usize) -> Option<Node<'_>> {
    let is = match raw.as_bytes()[0] {
        b'{' => {
            let depth = depth.checked_sub(1)?;
            let Members(members) = serde_json::from_str(raw).ok()?;
            let members = members.into_iter().map(|(name, value)| {
                // Numbers are no names.
                let is_bare = BARE.iter().any(|(_, quoted, _)| *quoted == format!("\"{name}\""));
                if is_bare { None } else { Some((name, node(value.get(), depth)?)) }
            });
            Is::Object(members.collect::<Option<_>>()?)
        }
        b'[' => {
            let depth = depth.checked_sub(1)?;
            let items: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
            Is::Array(items.into_iter().map(|item| node(item.get(), depth)).collect::<Option<_>>()?)
        }
        b'"' => match BARE.iter().find(|(_, quoted, _)| *quoted == raw) {
            Some((.., value)) => Is::Bare(*value),
            // Of texts that are passed serde_json does not look at halves of pairs.
            None => Is::Text(serde_json::from_str(raw).ok()?),
        },
        b'n' => Is::Null,
        b't' | b'f' => Is::Bool,
        _ => Is::Number(raw),
    };
    Some(Node { raw, is })
}

/// Members in the order they are in, however often.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

impl Node<'_> {
    /// Whether a number that is none is anywhere in it.
    pub(super) fn has_bare(&self) -> bool {
        match &self.is {
            Is::Bare(_) => true,
            Is::Array(items) => items.iter().any(Node::has_bare),
            Is::Object(members) => members.iter().any(|(_, node)| node.has_bare()),
            Is::Null | Is::Bool | Is::Number(_) | Is::Text(_) => false,
        }
    }
}

/// The whole number that a number of JSON is, if it is one of less than 30 digits: by moving the point through its text.
pub(super) fn whole(text: &str) -> Option<i128> {
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or((1, mantissa), |mantissa| (-1, mantissa));
    let (front, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [front, behind].concat();
    let digits = all.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let digits = digits.trim_end_matches('0');
    // Of more digits than any text here makes up for.
    let power = power.parse::<i64>().unwrap_or(if power.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 });
    let power = power + zeros as i64 - behind.len() as i64;
    if power < 0 || power + digits.len() as i64 > 30 {
        return None;
    }
    Some(sign * digits.parse::<i128>().ok()? * 10_i128.pow(power as u32))
}

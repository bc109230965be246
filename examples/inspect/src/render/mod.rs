//! From frames and faults to what is printed, the same for every protocol.

mod json;
mod text;

use core::fmt::{self, Write as _};
use std::io;

pub(crate) use self::json::Json;
pub(crate) use self::text::Text;
use crate::dissect::{Block, By, Capture, Fault, First, Frame, Items, Value};

pub(crate) trait Render {
    /// A capture of the demonstration begins.
    fn capture(&mut self, out: &mut dyn io::Write, protocol: &str, capture: &Capture) -> io::Result<()>;
    fn frame(&mut self, out: &mut dyn io::Write, at: &At, frame: &Frame<'_>) -> io::Result<()>;
    fn fault(&mut self, out: &mut dyn io::Write, at: &At, fault: &Fault<'_>) -> io::Result<()>;
    /// An input ended.
    fn total(&mut self, out: &mut dyn io::Write, protocol: &str, total: &Total) -> io::Result<()>;
}

/// Where in the input something is.
pub(crate) struct At {
    pub(crate) protocol: &'static str,
    /// The capture of the demonstration.
    pub(crate) capture: Option<&'static str>,
    /// The line of hex input, from 1.
    pub(crate) line: Option<u64>,
    /// The number of the frame, from 1.
    pub(crate) frame: u64,
    /// Of the frame or fault.
    pub(crate) offset: u64,
    /// After a fault.
    pub(crate) rest: Rest,
}

/// What becomes of the bytes from a fault on.
#[derive(Clone, Copy)]
pub(crate) enum Rest {
    /// There are none, or there is nothing to say of them.
    None,
    /// So many are given up.
    Undecoded(u64),
    /// All are given up; how many is not known.
    Unknown,
}

/// What an input came to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Total {
    pub(crate) frames: u64,
    pub(crate) errors: u64,
    /// In frames.
    pub(crate) bytes: u64,
    /// What was not of the protocol.
    pub(crate) passed: u64,
}

/// Formats `what` and cuts it after `max` characters, without looking at what comes behind.
pub(crate) fn clip(what: fmt::Arguments<'_>, max: usize) -> String {
    let mut clip = Clip { text: String::new(), room: max };
    if clip.write_fmt(what).is_err() {
        clip.text.push('…');
    }
    clip.text
}

struct Clip {
    text: String,
    room: usize,
}

impl fmt::Write for Clip {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        for c in piece.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}

/// Escapes what a terminal would act on, and nothing else.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            ' '..='~' => shown.push(c),
            // Controls, marks that turn the writing direction, and the like.
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// Characters shown of a text, and bytes of what is none.
const TEXT_LEN: usize = 60;
const BYTES_LEN: usize = 16;

/// A value in one line; nothing for what has lines of its own.
pub(crate) fn value(value: &Value<'_>) -> String {
    match value {
        Value::Int(value) => value.to_string(),
        // With a point, so that it is not taken for an integer.
        Value::Double(value) => format!("{value:?}"),
        Value::Float(value) => format!("{value:?}"),
        Value::Complex(parts) => {
            let [real, imaginary] = parts.each_ref().map(self::value);
            let plus = if imaginary.starts_with('-') { "" } else { "+" };
            format!("{real}{plus}{imaginary}j")
        }
        Value::Count(count, unit) if unit.is_empty() => count.to_string(),
        Value::Count(count, unit) => format!("{count} {unit}"),
        Value::Raw(raw) => text_or_bytes(raw),
        Value::Bytes(raw) => bytes(raw),
        Value::Hex(raw) => hex(raw),
        Value::Ext(kind, raw) => format!("{kind} {}", bytes(raw)),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
        Value::Special(name) => (*name).to_owned(),
        Value::Block(block) => self::block(block),
        Value::Row(row) => {
            let cells: Vec<_> = row.iter().map(|(name, value)| format!("{name} {}", self::value(value))).collect();
            cells.join("; ")
        }
        Value::List(values) if values.values.is_empty() => "none".to_owned(),
        Value::List(First { values, has_more }) => {
            let mut items: Vec<_> = values.iter().map(self::value).collect();
            items.extend(has_more.then(|| "…".to_owned()));
            items.join(", ")
        }
        Value::Series(_, values) if values.values.is_empty() => "none".to_owned(),
        Value::Series(Some([least, most]), values) if values.has_more => {
            format!("{least:?} to {most:?}: {}", first(values))
        }
        Value::Series(_, values) => first(values),
        Value::Array | Value::Map | Value::Close(By::Bytes | By::Count) => String::new(),
        Value::Close(By::EndOfInput) => "(no byte: the input ends)".to_owned(),
    }
}

/// Type, shape, and the first values, but of fields.
pub(crate) fn block(block: &Block<'_>) -> String {
    let Block { dtype, shape, data, items, .. } = block;
    let mut text = match dtype {
        Some(Value::Raw(dtype)) => visible(&clip(format_args!("{}", String::from_utf8_lossy(dtype)), TEXT_LEN)),
        Some(dtype) => value(dtype),
        None => String::new(),
    };
    if let Some(shape) = shape {
        let space = if text.is_empty() { "" } else { " " };
        let s = if data.len() == 1 { "" } else { "s" };
        text.push_str(&format!("{space}{}, {} byte{s}", axes(shape), data.len()));
    }
    match items {
        Items::Unread(why) if data.is_empty() => text.push_str(why),
        Items::Unread(why) => text.push_str(&format!("{why}: {}", hex(data))),
        Items::Plain(values) if shape.is_none() => text.push_str(&format!(" {}", first(values))),
        Items::Plain(values) if values.values.is_empty() => {}
        Items::Plain(values) => text.push_str(&format!(": {}", first(values))),
        Items::Fields(..) => {}
    }
    text
}

/// A shape, as Python writes it.
pub(crate) fn axes(shape: &[u64]) -> String {
    let axes: Vec<_> = shape.iter().map(u64::to_string).collect();
    let comma = if axes.len() == 1 { "," } else { "" };
    format!("({}{comma})", axes.join(", "))
}

/// A value in one line, with its fields too.
pub(crate) fn described(value: &Value<'_>) -> String {
    let mut text = self::value(value);
    if let Value::Block(block) = value
        && let Items::Fields(columns, has_more) = &block.items
    {
        for column in columns {
            text.push_str(&format!("; {:?} {}", column.name, first(&column.first)));
        }
        text.push_str(if *has_more { "; …" } else { "" });
    }
    text
}

/// The first values, one after the other.
pub(crate) fn first(first: &First<'_>) -> String {
    let mut text = String::new();
    for (index, value) in first.values.iter().enumerate() {
        // The first one, however long it is: it was cut.
        if index > 0 && text.chars().count() > TEXT_LEN {
            text.push_str(", …");
            return text;
        }
        let comma = if index == 0 { "" } else { ", " };
        text.push_str(&format!("{comma}{}", self::value(value)));
    }
    if first.has_more {
        text.push_str(", …");
    }
    text
}

/// Text in quotes, other bytes as a byte string; escaped, and cut where it is long.
fn text_or_bytes(raw: &[u8]) -> String {
    // `Debug` escapes what a terminal would act on: controls, escape sequences, marks that turn the writing direction.
    let Ok(text) = core::str::from_utf8(raw) else { return bytes(raw) };
    match text.char_indices().nth(TEXT_LEN).and_then(|(at, _)| text.get(..at)) {
        Some(cut) => format!("{cut:?}… ({} bytes)", raw.len()),
        None => format!("{text:?}"),
    }
}

/// A byte string; escaped, and cut where it is long.
fn bytes(raw: &[u8]) -> String {
    match raw.get(..BYTES_LEN) {
        Some(cut) if raw.len() > BYTES_LEN => format!("b\"{}\"… ({} bytes)", cut.escape_ascii(), raw.len()),
        Some(_) | None => format!("b\"{}\"", raw.escape_ascii()),
    }
}

/// Bytes in hex, cut where they are many.
fn hex(raw: &[u8]) -> String {
    let mut hex = String::new();
    for byte in raw.iter().take(BYTES_LEN) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    if raw.len() > BYTES_LEN {
        hex.push('…');
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_by_characters() {
        assert_eq!(clip(format_args!("{}", "äöü"), 3), "äöü");
        assert_eq!(clip(format_args!("{}{}", "äö", "ü"), 2), "äö…");
        assert_eq!(clip(format_args!(""), 0), "");
    }
}

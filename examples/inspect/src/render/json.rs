//! Frames and faults as JSON objects, one a line.
//!
//! Nothing is lost: what JSON has no form for stands in an object of one member under a name of its own, listed in
//! [`NAMES`]; a map that could be mistaken for such an object, or whose keys are not distinct text, is a list of pairs.

use alloc::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};

use super::{At, Render, Rest, Total};
use crate::dissect::{Block, Capture, Column, Fault, Field, First, Frame, Items, Place, Value};

pub(crate) struct Json {
    show_secrets: bool,
}

/// Names of what JSON has no form for.
const NAMES: [&str; 12] =
    ["int", "double", "float", "complex", "raw", "ext", "map", "special", "masked", "array", "scalar", "pickle"];

/// Beyond this many readers of JSON lose integers: they keep doubles.
const EXACT: i128 = 1 << 53;

impl Json {
    pub(crate) fn new(show_secrets: bool) -> Self {
        Self { show_secrets }
    }

    /// What every line starts with.
    fn head(&self, out: &mut dyn Write, at: &At) -> io::Result<()> {
        write!(out, "{{\"protocol\":\"{}\"", at.protocol)?;
        if let Some(capture) = at.capture {
            write!(out, ",\"capture\":\"{capture}\"")?;
        }
        if let Some(line) = at.line {
            write!(out, ",\"line\":{line}")?;
        }
        Ok(())
    }

    fn value(&self, out: &mut dyn Write, field: &Field<'_>) -> io::Result<()> {
        if field.secret && !self.show_secrets {
            return write!(out, "{{\"masked\":true}}");
        }
        value(out, &field.value)
    }

    /// The text of a key, if it may be seen.
    fn key<'a>(&self, field: &Field<'a>) -> Option<Cow<'a, str>> {
        let Value::Raw(raw) = &field.value else { return None };
        match raw {
            _ if field.secret && !self.show_secrets => None,
            Cow::Borrowed(raw) => core::str::from_utf8(raw).ok().map(Cow::Borrowed),
            Cow::Owned(raw) => String::from_utf8(raw.clone()).ok().map(Cow::Owned),
        }
    }

    /// Writes the parts of a frame. They are walked twice: how a map is written depends on its last key, and the length
    /// of a part on its end.
    fn parts(&self, out: &mut dyn Write, frame: &Frame<'_>) -> io::Result<()> {
        let plan = Plan::of(self, frame);
        let (mut objects, mut lengths) = (plan.objects.into_iter(), plan.lengths.into_iter());
        let mut open: Vec<Open> = Vec::new();
        let mut is_first = true;
        for field in (frame.fields)() {
            let parent = open.last_mut();
            match field.place {
                Place::Part(name) => {
                    let comma = if is_first { "" } else { "," };
                    let length = lengths.next().unwrap_or_default();
                    write!(out, "{comma}{{\"name\":\"{name}\",\"type\":\"{}\",\"offset\":{}", field.tag, field.offset)?;
                    write!(out, ",\"length\":{length},\"value\":")?;
                    is_first = false;
                }
                Place::Item(0) | Place::End => {}
                Place::Item(_) => write!(out, ",")?,
                Place::Key => {
                    let Some(parent) = parent else { continue };
                    let comma = if core::mem::take(&mut parent.is_empty) { "" } else { "," };
                    let bracket = if parent.shape == Shape::Pairs { "[" } else { "" };
                    write!(out, "{comma}{bracket}")?;
                }
                Place::Member(name) => {
                    let Some(parent) = parent else { continue };
                    let comma = if core::mem::take(&mut parent.is_empty) { "" } else { "," };
                    let (bracket, colon) = if parent.shape == Shape::Pairs { ("[", ",") } else { ("", ":") };
                    write!(out, "{comma}{bracket}\"{name}\"{colon}")?;
                }
                Place::Value => write!(out, "{}", if parent_is(&open, Shape::Pairs) { "," } else { ":" })?,
            }
            let place = match field.value {
                Value::Array => {
                    write!(out, "[")?;
                    open.push(Open { shape: Shape::Array, place: field.place, is_empty: true });
                    continue;
                }
                Value::Map => {
                    let shape = if objects.next().unwrap_or_default() { Shape::Object } else { Shape::Pairs };
                    write!(out, "{}", if shape == Shape::Object { "{" } else { "{\"map\":[" })?;
                    open.push(Open { shape, place: field.place, is_empty: true });
                    continue;
                }
                Value::Close(_) => {
                    let Some(Open { shape, place, .. }) = open.pop() else { continue };
                    write!(out, "{}", shape.close())?;
                    place
                }
                Value::Int(_)
                | Value::Double(_)
                | Value::Float(_)
                | Value::Complex(_)
                | Value::Count(..)
                | Value::Raw(_)
                | Value::Bytes(_)
                | Value::Hex(_)
                | Value::Ext(..)
                | Value::Bool(_)
                | Value::Null
                | Value::Special(_)
                | Value::Block(_)
                | Value::Row(_)
                | Value::List(_)
                | Value::Series(..) => {
                    self.value(out, &field)?;
                    field.place
                }
            };
            // A value is complete, and perhaps what it was in.
            match place {
                Place::Part(_) if field.note.is_empty() => write!(out, "}}")?,
                Place::Part(_) => {
                    write!(out, ",\"note\":")?;
                    string(out, &field.note)?;
                    write!(out, "}}")?;
                }
                Place::Value | Place::Member(_) if parent_is(&open, Shape::Pairs) => write!(out, "]")?,
                Place::Value | Place::Member(_) | Place::Item(_) | Place::Key | Place::End => {}
            }
        }
        Ok(())
    }
}

impl Render for Json {
    fn capture(&mut self, _: &mut dyn Write, _: &str, _: &Capture) -> io::Result<()> {
        Ok(())
    }

    fn frame(&mut self, out: &mut dyn Write, at: &At, frame: &Frame<'_>) -> io::Result<()> {
        self.head(out, at)?;
        write!(out, ",\"frame\":{},\"offset\":{},\"length\":{},\"fields\":[", at.frame, at.offset, frame.len)?;
        self.parts(out, frame)?;
        writeln!(out, "]}}")
    }

    fn fault(&mut self, out: &mut dyn Write, at: &At, fault: &Fault<'_>) -> io::Result<()> {
        self.head(out, at)?;
        let Fault { kind, what, message, path, .. } = fault;
        write!(out, ",\"error\":\"{kind}\",\"offset\":{},\"what\":\"{what}\",\"message\":", at.offset)?;
        string(out, message)?;
        if let Some(path) = path {
            write!(out, ",\"path\":")?;
            string(out, path)?;
        }
        match at.rest {
            Rest::Undecoded(count) => writeln!(out, ",\"undecoded\":{count}}}"),
            Rest::None | Rest::Unknown => writeln!(out, "}}"),
        }
    }

    fn total(&mut self, out: &mut dyn Write, protocol: &str, total: &Total) -> io::Result<()> {
        match total.passed {
            0 => Ok(()),
            passed => writeln!(out, "{{\"protocol\":\"{protocol}\",\"passed\":{passed}}}"),
        }
    }
}

/// An array or map being written.
struct Open {
    shape: Shape,
    /// Its own place.
    place: Place,
    is_empty: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Array,
    Object,
    /// A map as a list of pairs.
    Pairs,
}

impl Shape {
    fn close(self) -> &'static str {
        match self {
            Self::Array => "]",
            Self::Object => "}",
            Self::Pairs => "]}",
        }
    }
}

fn parent_is(open: &[Open], shape: Shape) -> bool {
    open.last().is_some_and(|open| open.shape == shape)
}

/// What has to be known of a frame before it is written.
#[derive(Default)]
struct Plan {
    /// Of each map, in the order in which they start: whether it can be an object.
    objects: Vec<bool>,
    /// Of each part: its bytes, with what is inside.
    lengths: Vec<u64>,
}

impl Plan {
    fn of<'a>(json: &Json, frame: &Frame<'a>) -> Self {
        let mut plan = Self::default();
        // The maps and arrays around a field; arrays have no keys.
        let mut open: Vec<Option<(usize, HashSet<Cow<'a, str>>)>> = Vec::new();
        let mut start = 0;
        for field in (frame.fields)() {
            if let Place::Part(_) = field.place {
                start = field.offset;
                plan.lengths.push(0);
            }
            if let Some(length) = plan.lengths.last_mut() {
                *length = field.offset.saturating_add(field.bytes.len() as u64).saturating_sub(start);
            }
            if let (Place::Key, Some(Some((map, keys)))) = (field.place, open.last_mut()) {
                let is_new = json.key(&field).is_some_and(|key| keys.insert(key));
                if let Some(object) = plan.objects.get_mut(*map) {
                    *object &= is_new;
                }
            }
            if let (Place::Member(name), Some(Some((map, keys)))) = (field.place, open.last_mut()) {
                let is_new = keys.insert(Cow::Borrowed(name));
                if let Some(object) = plan.objects.get_mut(*map) {
                    *object &= is_new;
                }
            }
            match field.value {
                Value::Array => open.push(None),
                Value::Map => {
                    open.push(Some((plan.objects.len(), HashSet::new())));
                    plan.objects.push(true);
                }
                Value::Close(_) => {
                    let Some(Some((map, keys))) = open.pop() else { continue };
                    let is_lone_name = keys.len() == 1 && NAMES.iter().any(|name| keys.contains(*name));
                    if let Some(object) = plan.objects.get_mut(map) {
                        *object &= !is_lone_name;
                    }
                }
                Value::Int(_)
                | Value::Double(_)
                | Value::Float(_)
                | Value::Complex(_)
                | Value::Count(..)
                | Value::Raw(_)
                | Value::Bytes(_)
                | Value::Hex(_)
                | Value::Ext(..)
                | Value::Bool(_)
                | Value::Null
                | Value::Special(_)
                | Value::Block(_)
                | Value::Row(_)
                | Value::List(_)
                | Value::Series(..) => {}
            }
        }
        plan
    }
}

/// A value that holds no others of the frame.
fn value(out: &mut dyn Write, value: &Value<'_>) -> io::Result<()> {
    match value {
        Value::Int(value) => int(out, *value),
        Value::Count(value, _) => int(out, (*value).into()),
        Value::Double(value) if value.is_finite() => write!(out, "{value:?}"),
        Value::Double(value) => write!(out, "{{\"double\":\"{:016x}\"}}", value.to_bits()),
        Value::Float(value) if value.is_finite() => write!(out, "{value:?}"),
        Value::Float(value) => write!(out, "{{\"float\":\"{:08x}\"}}", value.to_bits()),
        Value::Complex(parts) => {
            write!(out, "{{\"complex\":")?;
            list(out, parts.iter(), |out, part| self::value(out, part))?;
            write!(out, "}}")
        }
        Value::Raw(raw) => match core::str::from_utf8(raw) {
            Ok(text) => string(out, text),
            Err(_) => bytes(out, raw),
        },
        Value::Bytes(raw) | Value::Hex(raw) => bytes(out, raw),
        Value::Ext(kind, raw) => {
            write!(out, "{{\"ext\":[{kind},\"")?;
            hex(out, raw)?;
            write!(out, "\"]}}")
        }
        Value::Bool(value) => write!(out, "{value}"),
        Value::Null => write!(out, "null"),
        Value::Special(name) => write!(out, "{{\"special\":\"{name}\"}}"),
        Value::Block(block) => self::block(out, block),
        Value::Row(row) => {
            write!(out, "{{")?;
            let mut comma = "";
            for (name, cell) in row {
                write!(out, "{comma}\"{name}\":")?;
                self::value(out, cell)?;
                comma = ",";
            }
            write!(out, "}}")
        }
        Value::List(First { values, .. }) => list(out, values.iter(), |out, item| self::value(out, item)),
        Value::Series(range, first) => {
            write!(out, "{{")?;
            if let Some([least, most]) = range {
                write!(out, "\"min\":")?;
                self::value(out, &Value::Double(*least))?;
                write!(out, ",\"max\":")?;
                self::value(out, &Value::Double(*most))?;
                write!(out, ",")?;
            }
            self::first(out, first)?;
            write!(out, "}}")
        }
        Value::Array | Value::Map | Value::Close(_) => Ok(()),
    }
}

fn int(out: &mut dyn Write, value: i128) -> io::Result<()> {
    if (-EXACT..=EXACT).contains(&value) { write!(out, "{value}") } else { write!(out, "{{\"int\":\"{value}\"}}") }
}

/// A block under its name, with all of its bytes.
fn block(out: &mut dyn Write, block: &Block<'_>) -> io::Result<()> {
    let Block { what, dtype, shape, data, items } = block;
    write!(out, "{{\"{what}\":{{")?;
    if let Some(dtype) = dtype {
        write!(out, "\"dtype\":")?;
        value(out, dtype)?;
        write!(out, ",")?;
    }
    if let Some(shape) = shape {
        self::shape(out, shape)?;
    }
    match items {
        Items::Unread(_) => {}
        Items::Plain(First { values, .. }) if shape.is_none() => {
            write!(out, "\"value\":")?;
            values.iter().try_for_each(|item| value(out, item))?;
            write!(out, ",")?;
        }
        Items::Plain(first) => {
            self::first(out, first)?;
            write!(out, ",")?;
        }
        Items::Fields(columns, _) => {
            write!(out, "\"fields\":")?;
            list(out, columns.iter(), |out, Column { name, dtype, shape, first, .. }| {
                write!(out, "{{\"name\":")?;
                string(out, name)?;
                write!(out, ",\"dtype\":\"{dtype}\",")?;
                if !shape.is_empty() {
                    self::shape(out, shape)?;
                }
                self::first(out, first)?;
                write!(out, "}}")
            })?;
            write!(out, ",")?;
        }
    }
    write!(out, "\"data\":\"")?;
    hex(out, data)?;
    write!(out, "\"}}}}")
}

fn shape(out: &mut dyn Write, shape: &[u64]) -> io::Result<()> {
    write!(out, "\"shape\":")?;
    list(out, shape.iter(), |out, axis| int(out, (*axis).into()))?;
    write!(out, ",")
}

fn first(out: &mut dyn Write, first: &First<'_>) -> io::Result<()> {
    write!(out, "\"first\":")?;
    list(out, first.values.iter(), |out, item| value(out, item))
}

fn list<'a, T: 'a>(
    out: &mut dyn Write,
    items: impl Iterator<Item = &'a T>,
    mut write: impl FnMut(&mut dyn Write, &T) -> io::Result<()>,
) -> io::Result<()> {
    write!(out, "[")?;
    for (index, item) in items.enumerate() {
        if index > 0 {
            write!(out, ",")?;
        }
        write(out, item)?;
    }
    write!(out, "]")
}

fn hex(out: &mut dyn Write, raw: &[u8]) -> io::Result<()> {
    raw.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

/// Bytes as an object.
fn bytes(out: &mut dyn Write, raw: &[u8]) -> io::Result<()> {
    write!(out, "{{\"raw\":\"")?;
    hex(out, raw)?;
    write!(out, "\"}}")
}

/// A JSON string without a character that a terminal might act on.
fn string(out: &mut dyn Write, text: &str) -> io::Result<()> {
    write!(out, "\"")?;
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| must_escape(*c)) {
        let (plain, tail) = rest.split_at(at);
        write!(out, "{plain}")?;
        match c {
            '"' | '\\' => write!(out, "\\{c}")?,
            '\n' => write!(out, "\\n")?,
            '\t' => write!(out, "\\t")?,
            '\r' => write!(out, "\\r")?,
            _ => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?,
        }
        rest = tail.get(c.len_utf8()..).unwrap_or_default();
    }
    write!(out, "{rest}\"")
}

/// Quote and backslash, and all that `Debug` escapes: controls, marks that turn the writing direction, and the like.
fn must_escape(c: char) -> bool {
    match c {
        ' '..='~' => matches!(c, '"' | '\\'),
        _ => c.escape_debug().len() > 1,
    }
}

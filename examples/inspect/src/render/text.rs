//! Frames as lines: offset, hex, name, value.

use core::fmt::Write as _;
use std::io::{self, Write};

use super::{At, Render, Rest, Total, axes, clip, first, value, visible};
use crate::dissect::{By, Capture, Column, Fault, Field, Frame, Items, Place, Value};

pub(crate) struct Text {
    palette: Palette,
    show_secrets: bool,
    /// Something was printed, so that what follows keeps a distance.
    has_printed: bool,
}

/// Bytes shown of a field that has more, and characters the hex column is wide: nine bytes, the longest number.
const HEX_SHORT: usize = 6;
const HEX_LEN: usize = 9;
const HEX_WIDTH: usize = 26;
/// Levels that are told apart by blanks.
const MAX_INDENT: usize = 100;
/// Characters shown of the name of a field.
const NAME_LEN: usize = 40;

impl Text {
    pub(crate) fn new(in_color: bool, show_secrets: bool) -> Self {
        Self { palette: if in_color { COLORS } else { PLAIN }, show_secrets, has_printed: false }
    }

    fn line(&self, out: &mut dyn Write, field: &Field<'_>) -> io::Result<()> {
        if matches!(field.value, Value::Close(By::Count)) {
            return Ok(());
        }
        let Palette { dim, name, key, tag, value: _, error: _, bold: _, off } = self.palette;
        let label = match field.place {
            Place::Part(part) | Place::Member(part) => format!("{name}{part}{off}"),
            Place::Item(index) => format!("{name}[{index}]{off}"),
            Place::Key => format!("{key}key{off}"),
            Place::Value => format!("{name}  ={off}"),
            Place::End => format!("{name}end{off}"),
        };
        let hex = self.hex(field);
        write!(out, "  {dim}{:08x}{off}  {dim}{hex:<HEX_WIDTH$}{off}  ", field.offset)?;
        write!(out, "{:indent$}{label}", "", indent = indent(field.depth))?;
        if !field.tag.is_empty() {
            write!(out, " {tag}{}{off}", field.tag)?;
        }
        let shown = self.value(field);
        if !shown.is_empty() {
            let color = if field.place == Place::Key { key } else { self.palette.value };
            write!(out, " {color}{shown}{off}")?;
        }
        if !field.note.is_empty() {
            write!(out, " {dim}({}){off}", field.note)?;
        }
        writeln!(out)?;
        if let Value::Block(block) = &field.value
            && let Items::Fields(columns, has_more) = &block.items
        {
            let indent = indent(field.depth.saturating_add(2));
            columns.iter().try_for_each(|column| self.column(out, column, indent))?;
            if *has_more {
                let width = HEX_WIDTH.saturating_add(14).saturating_add(indent);
                writeln!(out, "{:width$}{dim}and more fields{off}", "")?;
            }
        }
        Ok(())
    }

    /// A field of the items of a block.
    fn column(&self, out: &mut dyn Write, column: &Column<'_>, indent: usize) -> io::Result<()> {
        let Palette { dim, name, tag, value, off, .. } = self.palette;
        let Column { offset, bytes, dtype, shape, .. } = column;
        let hex = hex(bytes, if bytes.len() <= HEX_LEN { HEX_LEN } else { HEX_SHORT });
        write!(out, "  {dim}{offset:08x}{off}  {dim}{hex:<HEX_WIDTH$}{off}  {:indent$}{name}", "")?;
        write!(out, "{:?}{off} {tag}{}{off}", clip(format_args!("{}", column.name), NAME_LEN), visible(dtype))?;
        if !shape.is_empty() {
            write!(out, " {tag}{}{off}", axes(shape))?;
        }
        writeln!(out, " {value}{}{off}", first(&column.first))
    }

    fn is_masked(&self, field: &Field<'_>) -> bool {
        field.secret && !self.show_secrets
    }

    fn hex(&self, field: &Field<'_>) -> String {
        let shown = match field.bytes.len() {
            _ if self.is_masked(field) => field.tag_len,
            len if len <= HEX_LEN => len,
            _ => HEX_SHORT,
        };
        if self.is_masked(field) {
            return hex(field.bytes.get(..shown).unwrap_or_default(), shown) + " **";
        }
        hex(field.bytes, shown)
    }

    fn value(&self, field: &Field<'_>) -> String {
        if self.is_masked(field) {
            return "********".to_owned();
        }
        value(&field.value)
    }

    fn fields<'a>(&mut self, out: &mut dyn Write, fields: impl Iterator<Item = Field<'a>>) -> io::Result<()> {
        for field in fields {
            self.line(out, &field)?;
        }
        Ok(())
    }

    /// An empty line between frames.
    fn apart(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.has_printed {
            writeln!(out)?;
        }
        self.has_printed = true;
        Ok(())
    }
}

impl Render for Text {
    fn capture(&mut self, out: &mut dyn Write, protocol: &str, capture: &Capture) -> io::Result<()> {
        let Palette { bold, off, .. } = self.palette;
        self.apart(out)?;
        writeln!(out, "{bold}{protocol}: {}{off}, {}", capture.file, capture.about)
    }

    fn frame(&mut self, out: &mut dyn Write, at: &At, frame: &Frame<'_>) -> io::Result<()> {
        let Palette { bold, off, .. } = self.palette;
        self.apart(out)?;
        let s = plural(frame.len as u64);
        write!(out, "{bold}{}frame {} at 0x{:08x}, {} byte{s}{off}", line(at), at.frame, at.offset, frame.len)?;
        writeln!(out, ": {}", frame.summary)?;
        self.fields(out, (frame.fields)())
    }

    fn fault(&mut self, out: &mut dyn Write, at: &At, fault: &Fault<'_>) -> io::Result<()> {
        let Palette { error, off, dim, .. } = self.palette;
        self.apart(out)?;
        let path = fault.path.as_ref().map(|path| format!(", in {path}")).unwrap_or_default();
        let Fault { kind, what, message, .. } = fault;
        writeln!(out, "{error}{}error at 0x{:08x} ({what}): {message}{path} [{kind}]{off}", line(at), at.offset)?;
        self.fields(out, (fault.fields)())?;
        match at.rest {
            Rest::None => Ok(()),
            Rest::Undecoded(count) => {
                writeln!(out, "  {dim}{count} byte{} from there on not decoded{off}", plural(count))
            }
            Rest::Unknown => writeln!(out, "  {dim}nothing from there on is decoded{off}"),
        }
    }

    fn total(&mut self, out: &mut dyn Write, protocol: &str, total: &Total) -> io::Result<()> {
        let Palette { dim, off, .. } = self.palette;
        let Total { frames, errors, bytes, passed } = *total;
        self.apart(out)?;
        let [f, e, b] = [frames, errors, bytes].map(plural);
        write!(out, "{dim}{frames} frame{f} of {bytes} byte{b}, {errors} error{e}")?;
        if passed > 0 {
            write!(out, ", {passed} passed over that {} not of {protocol}", if passed == 1 { "is" } else { "are" })?;
        }
        writeln!(out, "{off}")
    }
}

fn line(at: &At) -> String {
    at.line.map(|line| format!("line {line}, ")).unwrap_or_default()
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Two blanks a level, and no more from where on it could not be seen: what is deeper would be mostly blanks.
fn indent(depth: usize) -> usize {
    depth.min(MAX_INDENT).saturating_mul(2)
}

/// The first `shown` bytes, and how many more there are.
fn hex(bytes: &[u8], shown: usize) -> String {
    let mut hex = String::new();
    for byte in bytes.iter().take(shown) {
        let space = if hex.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(hex, "{space}{byte:02x}");
    }
    let hidden = bytes.len().saturating_sub(shown);
    if hidden > 0 {
        let _ = write!(hex, " …+{hidden}");
    }
    hex
}

/// What switches colours on, and off again.
#[derive(Clone, Copy)]
struct Palette {
    dim: &'static str,
    bold: &'static str,
    name: &'static str,
    key: &'static str,
    tag: &'static str,
    value: &'static str,
    error: &'static str,
    off: &'static str,
}

const PLAIN: Palette = Palette { dim: "", bold: "", name: "", key: "", tag: "", value: "", error: "", off: "" };

const COLORS: Palette = Palette {
    dim: "\x1b[2m",
    bold: "\x1b[1m",
    name: "\x1b[34m",
    key: "\x1b[36m",
    tag: "\x1b[35m",
    value: "\x1b[32m",
    error: "\x1b[1;31m",
    off: "\x1b[0m",
};

use core::fmt::{self, Formatter, Write};

use crate::token::Token;

/// Prints a value from its tokens, without recursion: text in quotes, other raws as byte strings, doubles with a point.
pub(crate) fn tokens<'a>(f: &mut Formatter<'_>, tokens: impl Iterator<Item = Token<'a>>) -> fmt::Result {
    let mut open = Open::default();
    for token in tokens {
        if token != Token::End {
            f.write_str(open.separator())?;
        }
        match token {
            Token::Int(value) => write!(f, "{value}")?,
            Token::Double(value) => write!(f, "{value:?}")?,
            Token::Raw(bytes) => raw(f, bytes)?,
            Token::Bool(value) => write!(f, "{value}")?,
            Token::Null => f.write_str("null")?,
            Token::Hook => f.write_str("hook")?,
            Token::Array(_) => {
                f.write_char('[')?;
                open.push(Position::FirstItem);
                continue;
            }
            Token::Map(_) => {
                f.write_char('{')?;
                open.push(Position::FirstKey);
                continue;
            }
            Token::End => f.write_char(if open.pop() { '}' } else { ']' })?,
        }
        open.step();
    }
    Ok(())
}

fn raw(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    match core::str::from_utf8(bytes) {
        Ok(text) => write!(f, "{text:?}"),
        Err(_) => write!(f, "b\"{}\"", bytes.escape_ascii()),
    }
}

/// Where in the innermost container the next value goes.
#[derive(Clone, Copy)]
enum Position {
    FirstItem,
    Item,
    FirstKey,
    Key,
    Value,
}

/// The containers that are open, outermost first.
#[derive(Default)]
struct Open {
    levels: alloc::vec::Vec<Position>,
}

impl Open {
    fn separator(&self) -> &'static str {
        match self.levels.last() {
            None | Some(Position::FirstItem | Position::FirstKey) => "",
            Some(Position::Item | Position::Key) => ", ",
            Some(Position::Value) => ": ",
        }
    }

    fn push(&mut self, position: Position) {
        self.levels.push(position);
    }

    /// Leaves the innermost container; true for a map.
    fn pop(&mut self) -> bool {
        matches!(self.levels.pop(), Some(Position::FirstKey | Position::Key | Position::Value))
    }

    /// Goes on behind a value.
    fn step(&mut self) {
        if let Some(position) = self.levels.last_mut() {
            *position = match position {
                Position::FirstItem | Position::Item => Position::Item,
                Position::FirstKey | Position::Key => Position::Value,
                Position::Value => Position::Key,
            };
        }
    }
}

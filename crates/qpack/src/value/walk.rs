use alloc::vec::Vec;
use core::slice;

use super::Value;
use crate::token::Token;

/// A walk over an owned value. Keeps its own stack, so that depth costs memory of the heap only.
pub(super) struct Walk<'a> {
    root: Option<&'a Value>,
    open: Vec<Level<'a>>,
}

pub(super) enum Visit<'a> {
    /// A scalar, or a container whose content follows.
    Enter(&'a Value),
    /// The end of the innermost container.
    Leave,
}

enum Level<'a> {
    Items(slice::Iter<'a, Value>),
    /// The pairs to come, and the value of the pair whose key was visited last.
    Pairs(slice::Iter<'a, (Value, Value)>, Option<&'a Value>),
}

impl<'a> Walk<'a> {
    pub(super) const fn new(root: &'a Value) -> Self {
        Self { root: Some(root), open: Vec::new() }
    }

    pub(super) fn tokens(root: &'a Value) -> impl Iterator<Item = Token<'a>> {
        Self::new(root).map(|visit| match visit {
            Visit::Enter(Value::Int(value)) => Token::Int(*value),
            Visit::Enter(Value::Double(value)) => Token::Double(*value),
            Visit::Enter(Value::Raw(bytes)) => Token::Raw(bytes),
            Visit::Enter(Value::Bool(value)) => Token::Bool(*value),
            Visit::Enter(Value::Null) => Token::Null,
            Visit::Enter(Value::Hook) => Token::Hook,
            Visit::Enter(Value::Array(array)) => Token::Array(Some(array.len())),
            Visit::Enter(Value::Map(map)) => Token::Map(Some(map.len())),
            Visit::Leave => Token::End,
        })
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Visit<'a>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next(&mut self) -> Option<Visit<'a>> {
        let value = match self.open.last_mut() {
            None => Some(self.root.take()?),
            Some(Level::Items(items)) => items.next(),
            Some(Level::Pairs(pairs, due)) => match due.take() {
                Some(value) => Some(value),
                None => pairs.next().map(|(key, value)| {
                    *due = Some(value);
                    key
                }),
            },
        };
        match value {
            Some(Value::Array(array)) => self.open.push(Level::Items(array.iter())),
            Some(Value::Map(map)) => self.open.push(Level::Pairs(map.iter(), None)),
            Some(_) => {}
            None => {
                self.open.pop();
                return Some(Visit::Leave);
            }
        }
        value.map(Visit::Enter)
    }
}

use alloc::vec::Vec;

use bytes::Bytes;

use super::walk::{Visit, Walk};
use super::{Array, Map, Value};
use crate::token::Token;

/// Puts an owned value together from its parts, in order.
pub(super) struct Builder {
    whole: Value,
    open: Vec<Level>,
}

enum Level {
    Items(Vec<Value>),
    /// The pairs so far, and the key whose value is due.
    Pairs(Vec<(Value, Value)>, Option<Value>),
}

impl Builder {
    pub(super) const fn new() -> Self {
        Self { whole: Value::Null, open: Vec::new() }
    }

    /// Takes the next token; `own` makes bytes that can stay.
    #[inline]
    pub(super) fn token(&mut self, token: Token<'_>, own: impl FnOnce(&[u8]) -> Bytes) {
        match token {
            Token::Int(value) => self.value(Value::Int(value)),
            Token::Double(value) => self.value(Value::Double(value)),
            Token::Raw(bytes) => self.value(Value::Raw(own(bytes))),
            Token::Bool(value) => self.value(Value::Bool(value)),
            Token::Null => self.value(Value::Null),
            Token::Hook => self.value(Value::Hook),
            // The count of a tag is five at most; nothing else is reserved before it is there.
            Token::Array(count) => self.array(count.unwrap_or_default()),
            Token::Map(count) => self.map(count.unwrap_or_default()),
            Token::End => self.end(),
        }
    }

    fn array(&mut self, capacity: usize) {
        self.open.push(Level::Items(Vec::with_capacity(capacity)));
    }

    fn map(&mut self, capacity: usize) {
        self.open.push(Level::Pairs(Vec::with_capacity(capacity), None));
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Level::Items(items)) => self.value(Value::Array(Array::from(fitted(items)))),
            Some(Level::Pairs(pairs, _)) => self.value(Value::Map(Map::from(fitted(pairs)))),
            None => {}
        }
    }

    #[inline]
    fn value(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Level::Items(items)) => items.push(value),
            Some(Level::Pairs(pairs, key)) => match key.take() {
                Some(key) => pairs.push((key, value)),
                None => *key = Some(value),
            },
            None => self.whole = value,
        }
    }

    pub(super) fn finish(self) -> Value {
        self.whole
    }
}

/// Gives back room that is more than twice what is used: a vector starts with four places, and many containers hold one.
fn fitted<T>(mut items: Vec<T>) -> Vec<T> {
    if items.capacity() / 2 > items.len() {
        items.shrink_to_fit();
    }
    items
}

/// A copy whose raws share the original's bytes.
pub(super) fn copy_of(value: &Value) -> Value {
    let mut builder = Builder::new();
    for visit in Walk::new(value) {
        match visit {
            Visit::Enter(Value::Array(array)) => builder.array(array.len()),
            Visit::Enter(Value::Map(map)) => builder.map(map.len()),
            Visit::Enter(scalar) => builder.value(scalar.clone()),
            Visit::Leave => builder.end(),
        }
    }
    builder.finish()
}

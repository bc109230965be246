//! A toy in the place of ThingsDB's language: statements of integers and texts, variables, properties of the collection's root.
//!
//! ```text
//! x = 2; .total = (x + 40) * 1;  'text' + "text";  raise('why');  blob(0);
//! ```
//!
//! It runs as it reads: what stands before a syntax error has happened.

use std::collections::{BTreeMap, BTreeSet};

use rmpv::Value;
use thingsdb_wire::v1::ErrorCode;

use crate::node::{Failure, Node};

/// Parentheses and signs in one another: the depth of the stack.
const MAX_DEPTH: usize = 32;
/// Bytes of code, of a text that is put together, and variables: short code must not make much work or many bytes.
const MAX_CODE: usize = 16 << 10;
const MAX_TEXT: usize = 64 << 10;
const MAX_VARIABLES: usize = 100;

/// What code can see.
pub(crate) struct Names<'n> {
    /// The collection, if the code runs in one.
    pub(crate) collection: Option<&'n mut Node>,
    pub(crate) variables: BTreeMap<String, Value>,
    pub(crate) blobs: Vec<Value>,
    /// Properties that were set.
    pub(crate) changed: BTreeSet<String>,
}

/// The result of the last statement.
pub(crate) fn run(code: &str, names: &mut Names<'_>) -> Result<Value, Failure> {
    if code.len() > MAX_CODE {
        return Err(quota(format!("maximum of {MAX_CODE} bytes of code is reached")));
    }
    let mut parser = Parser { code, rest: code, depth: 0, names };
    let mut result = Value::Nil;
    loop {
        if parser.is_at_end() {
            return Ok(result);
        }
        if !parser.eat(';') {
            result = parser.statement()?;
            if !parser.is_at_end() && !parser.eat(';') {
                return Err(parser.syntax());
            }
        }
    }
}

struct Parser<'c, 'n, 'v> {
    code: &'c str,
    rest: &'c str,
    depth: usize,
    names: &'v mut Names<'n>,
}

impl<'c> Parser<'c, '_, '_> {
    fn is_at_end(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.is_empty()
    }

    fn eat(&mut self, sign: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// As long as it goes on like this.
    fn take(&mut self, is_part: impl Fn(char) -> bool) -> &'c str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn name(&mut self) -> Option<&'c str> {
        self.rest = self.rest.trim_start();
        let is_name = self.rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        is_name.then(|| self.take(|c| c.is_ascii_alphanumeric() || c == '_'))
    }

    fn syntax(&self) -> Failure {
        let position = self.code.len().saturating_sub(self.rest.len());
        Failure::new(ErrorCode::SYNTAX, format!("error at position {position}"))
    }

    /// An assignment or an expression.
    fn statement(&mut self) -> Result<Value, Failure> {
        let before = self.rest;
        let is_property = self.eat('.');
        if let Some(name) = self.name() {
            if self.eat('=') {
                let value = self.expression()?;
                self.assign(is_property, name, value.clone())?;
                return Ok(value);
            }
        }
        self.rest = before;
        self.expression()
    }

    fn assign(&mut self, is_property: bool, name: &str, value: Value) -> Result<(), Failure> {
        if !is_property {
            let variables = &mut self.names.variables;
            if variables.len() >= MAX_VARIABLES && !variables.contains_key(name) {
                return Err(quota(format!("maximum of {MAX_VARIABLES} variables is reached")));
            }
            variables.insert(name.to_owned(), value);
            return Ok(());
        }
        let Some(node) = &mut self.names.collection else { return Err(no_root(name)) };
        node.set(name, value)?;
        self.names.changed.insert(name.to_owned());
        Ok(())
    }

    fn expression(&mut self) -> Result<Value, Failure> {
        let mut sum = self.product()?;
        loop {
            if self.eat('+') {
                sum = add(&sum, &self.product()?)?;
            } else if self.eat('-') {
                sum = arithmetic(&sum, &self.product()?, i64::checked_sub)?;
            } else {
                return Ok(sum);
            }
        }
    }

    fn product(&mut self) -> Result<Value, Failure> {
        let mut product = self.operand()?;
        loop {
            if self.eat('*') {
                product = arithmetic(&product, &self.operand()?, i64::checked_mul)?;
            } else if self.eat('/') {
                let divisor = self.operand()?;
                if divisor.as_i64() == Some(0) {
                    return Err(Failure::new(ErrorCode::ZERO_DIV, "division or modulo by zero"));
                }
                product = arithmetic(&product, &divisor, i64::checked_div)?;
            } else {
                return Ok(product);
            }
        }
    }

    fn operand(&mut self) -> Result<Value, Failure> {
        if self.depth >= MAX_DEPTH {
            return Err(self.syntax());
        }
        self.depth = self.depth.saturating_add(1);
        let value = self.nested();
        self.depth = self.depth.saturating_sub(1);
        value
    }

    fn nested(&mut self) -> Result<Value, Failure> {
        if self.eat('(') {
            let value = self.expression()?;
            return if self.eat(')') { Ok(value) } else { Err(self.syntax()) };
        }
        if self.eat('-') {
            return arithmetic(&0.into(), &self.operand()?, i64::checked_sub);
        }
        for quote in ['\'', '"'] {
            if self.eat(quote) {
                let text = self.take(|c| c != quote);
                return if self.eat(quote) { Ok(text.into()) } else { Err(self.syntax()) };
            }
        }
        if self.eat('.') {
            let name = self.name().ok_or_else(|| self.syntax())?;
            return match &self.names.collection {
                Some(node) => node.get(name).cloned().ok_or_else(|| no_root(name)),
                None => Err(no_root(name)),
            };
        }
        let digits = self.take(|c| c.is_ascii_digit());
        if !digits.is_empty() {
            let number = digits.parse::<i64>();
            return number.map(Value::from).map_err(|_| Failure::new(ErrorCode::OVERFLOW, "integer overflow"));
        }
        let name = self.name().ok_or_else(|| self.syntax())?;
        if self.eat('(') {
            let value = self.expression()?;
            return if self.eat(')') { self.call(name, &value) } else { Err(self.syntax()) };
        }
        match name {
            "nil" => Ok(Value::Nil),
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => {
                self.names.variables.get(name).cloned().ok_or_else(|| lookup(format!("variable `{name}` is undefined")))
            }
        }
    }

    fn call(&self, name: &str, arg: &Value) -> Result<Value, Failure> {
        match name {
            // The first of the codes that are for users.
            "raise" => Err(Failure::new(ErrorCode(-100), arg.as_str().unwrap_or("raised"))),
            "blob" => {
                let index = arg.as_u64().and_then(|index| usize::try_from(index).ok());
                let blob = index.and_then(|index| self.names.blobs.get(index));
                blob.cloned().ok_or_else(|| lookup("blob index out of range".into()))
            }
            _ => Err(lookup(format!("function `{name}` is undefined"))),
        }
    }
}

fn quota(message: String) -> Failure {
    Failure::new(ErrorCode::MAX_QUOTA, message)
}

fn lookup(message: String) -> Failure {
    Failure::new(ErrorCode::LOOKUP, message)
}

fn no_root(name: &str) -> Failure {
    lookup(format!("thing has no property `{name}`"))
}

fn add(left: &Value, right: &Value) -> Result<Value, Failure> {
    match (left.as_str(), right.as_str()) {
        (Some(left), Some(right)) if left.len().saturating_add(right.len()) > MAX_TEXT => {
            Err(quota(format!("maximum of {MAX_TEXT} bytes in a text is reached")))
        }
        (Some(left), Some(right)) => Ok(format!("{left}{right}").into()),
        _ => arithmetic(left, right, i64::checked_add),
    }
}

fn arithmetic(left: &Value, right: &Value, of: fn(i64, i64) -> Option<i64>) -> Result<Value, Failure> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => {
            of(left, right).map(Value::from).ok_or_else(|| Failure::new(ErrorCode::OVERFLOW, "integer overflow"))
        }
        _ => Err(Failure::new(ErrorCode::TYPE, "not for values of these types")),
    }
}

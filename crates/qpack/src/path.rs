use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::error::DecodeError;
use crate::limits::Config;
use crate::reader::Reader;
use crate::token::Token;

/// The way from the outermost value to a place in it, such as `data[3].avg`.
///
/// Names that are not plain words stand in brackets and quotes. Empty for the outermost value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
}

impl DecodeError {
    /// The way to the fault, found by walking `input`, the bytes that were decoded, once more up to the offset.
    #[must_use]
    pub fn path(&self, input: &[u8]) -> Path {
        Path::to(input, self.offset())
    }
}

impl Path {
    /// The way to the token at `offset` of the value in `input`; as far as the tokens before it can be read.
    #[must_use]
    pub fn to(input: &[u8], offset: usize) -> Self {
        let mut reader = Reader::with_config(input, &Config::CHECKED);
        let mut steps: Vec<Step<'_>> = Vec::new();
        // Ends that no byte stands for belong to what is before the offset.
        while reader.position() < offset || reader.is_at_counted_end() {
            let Ok(Some(token)) = reader.token() else { break };
            match token {
                Token::Array(_) => steps.push(Step::Item(0)),
                Token::Map(_) => steps.push(Step::Key),
                Token::End => {
                    steps.pop();
                    advance(&mut steps, token);
                }
                Token::Int(_) | Token::Double(_) | Token::Raw(_) | Token::Bool(_) | Token::Null | Token::Hook => {
                    advance(&mut steps, token);
                }
            }
        }
        let mut text = String::new();
        for step in &steps {
            // Writing to a string cannot fail.
            let _ = step.write(&mut text);
        }
        Self { text }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

enum Step<'a> {
    Item(usize),
    /// At a key.
    Key,
    /// At the value of a key; containers as keys have no name.
    Value(Option<Token<'a>>),
}

/// Goes on behind a value of the innermost container.
fn advance<'a>(steps: &mut [Step<'a>], token: Token<'a>) {
    if let Some(step) = steps.last_mut() {
        *step = match step {
            Step::Item(index) => Step::Item(index.saturating_add(1)),
            Step::Key => Step::Value((token != Token::End).then_some(token)),
            Step::Value(_) => Step::Key,
        };
    }
}

impl Step<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        use fmt::Write;

        match self {
            Self::Item(index) => write!(out, "[{index}]"),
            Self::Key => Ok(()),
            Self::Value(Some(Token::Raw(bytes))) => match core::str::from_utf8(bytes) {
                Ok(word) if is_word(word) && out.is_empty() => out.write_str(word),
                Ok(word) if is_word(word) => write!(out, ".{word}"),
                Ok(text) => write!(out, "[{text:?}]"),
                Err(_) => write!(out, "[b\"{}\"]", bytes.escape_ascii()),
            },
            Self::Value(Some(Token::Int(value))) => write!(out, "[={value}]"),
            Self::Value(Some(Token::Double(value))) => write!(out, "[={value:?}]"),
            Self::Value(Some(Token::Bool(value))) => write!(out, "[={value}]"),
            Self::Value(Some(Token::Null)) => out.write_str("[=null]"),
            Self::Value(_) => out.write_str("[=?]"),
        }
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '#'))
}

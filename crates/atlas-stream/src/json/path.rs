//! The way down to a byte.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::Text;

/// An object or an array that is open.
enum Frame<'a> {
    Object { name: Option<Text<'a>>, is_name_next: bool },
    Array { index: usize },
}

/// The way from the outermost value to the one that is at `offset`, such as `data[3].avg[17]`. What is in front of it was read without a fault
/// before. With `is_closing` the value is the one that ends there.
pub(crate) fn path(input: &[u8], offset: usize, is_closing: bool) -> String {
    let mut open = Vec::new();
    let mut rest = input;
    while let [byte, after @ ..] = rest {
        let at = input.len().wrapping_sub(rest.len());
        if at >= offset {
            break;
        }
        rest = after;
        match byte {
            b'{' => open.push(Frame::Object { name: None, is_name_next: true }),
            b'[' => open.push(Frame::Array { index: 0 }),
            b'}' | b']' => drop(open.pop()),
            b',' => match open.last_mut() {
                Some(Frame::Object { name, is_name_next }) => (*name, *is_name_next) = (None, true),
                Some(Frame::Array { index }) => *index = index.wrapping_add(1),
                None => {}
            },
            b'"' => {
                let Ok((text, behind)) = Text::read(after) else { break };
                if input.len().wrapping_sub(behind.len()) > offset {
                    break;
                }
                rest = behind;
                if let Some(Frame::Object { name, is_name_next: is_next @ true }) = open.last_mut() {
                    (*name, *is_next) = (Some(text), false);
                }
            }
            _ => {}
        }
    }
    if is_closing {
        open.pop();
    }
    let mut path = String::new();
    for frame in open {
        // Writing into a text does not fail.
        let _ = match frame {
            Frame::Object { name: Some(name), .. } => {
                let name = name.to_cow();
                if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    let dot = if path.is_empty() { "" } else { "." };
                    write!(path, "{dot}{name}")
                } else {
                    write!(path, "[{name:?}]")
                }
            }
            Frame::Object { name: None, .. } => Ok(()),
            Frame::Array { index } => write!(path, "[{index}]"),
        };
    }
    path
}

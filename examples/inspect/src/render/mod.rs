//! From frames and faults to what is printed, the same for every protocol.

mod json;
mod text;

use core::fmt::{self, Write as _};
use std::io;

pub(crate) use self::json::Json;
pub(crate) use self::text::Text;
use crate::dissect::{Capture, Fault, Frame};

pub(crate) trait Render {
    /// A capture of the demonstration begins.
    fn capture(&mut self, out: &mut dyn io::Write, protocol: &str, capture: &Capture) -> io::Result<()>;
    fn frame(&mut self, out: &mut dyn io::Write, at: &At, frame: &Frame<'_>) -> io::Result<()>;
    fn fault(&mut self, out: &mut dyn io::Write, at: &At, fault: &Fault<'_>) -> io::Result<()>;
    /// An input ended.
    fn total(&mut self, out: &mut dyn io::Write, total: &Total) -> io::Result<()>;
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

//! ATLAS. The first byte of an input, or the first two, choose what is read, how it is made and under which limits; the rest is that, or what it
//! is made of.

mod barrier;
mod configuration;
mod format;
mod json;
mod json_build;
mod key;
mod messages;
mod model;
mod number;
mod protobuf;
mod protobuf_build;
mod reader;
mod reader_check;
mod reader_model;
mod reader_script;
mod session;
mod telemetry;
mod tree;
mod wire;
mod writer;
mod writer_check;

use atlas_stream::{DecodeError, DecodeErrorKind, Limits};

pub use self::barrier::barrier;
pub use self::format::format;
pub use self::json::json;
pub use self::key::key;
pub use self::number::number;
pub use self::protobuf::protobuf;
pub use self::reader::reader;
pub use self::writer::writer;

/// Few or the default ones.
fn limits(settings: u8) -> Limits {
    Limits::DEFAULT
        .with_max_depth([64, 64, 5, 3, 255, 2, 0, 64][usize::from(settings & 7)])
        .with_max_parameters(if settings & 8 == 0 { 1 << 16 } else { 2 })
        .with_max_len(if settings & 16 == 0 { 1 << 26 } else { 60 })
}

/// What every error has, whatever was refused.
fn check_error(error: &DecodeError, input: &[u8]) {
    assert!(error.offset() <= input.len() as u64, "{error} of {} bytes", input.len());
    let path = error.path(input);
    // Of another value than the one that was refused it may be anything.
    let _ = error.path(b"") + &error.path(&input[input.len() / 2..]);
    assert!(!error.what().is_empty() && !error.reason().to_string().is_empty() && !error.kind().to_string().is_empty());
    assert!(error.to_string().ends_with(&format!(" at byte {} ({})", error.offset(), error.what())));
    assert_eq!(error.limit().is_some(), error.kind() == DecodeErrorKind::LimitExceeded);
    assert!(!error.is_of_key() || path.is_empty());
}

/// Reads what is to be done from an input: a byte each, and zeros behind the end.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// A length and so many bytes, or what is left of them.
    fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte() % 24).min(self.0.len());
        self.0.split_off(..len).unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        let width = self.byte() % 9;
        (0..width).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }
}

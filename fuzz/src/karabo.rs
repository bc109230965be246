//! The Karabo bridge. The first bytes of an input choose limits and how parts are made, the rest is what they are made of, or what is
//! done.

mod build;
mod capture;
mod client;
mod index;
mod oracle;
mod server;
mod train;

use std::time::Duration;

use karabo_bridge::{DecodeError, DecodeErrorKind, Limits};

pub use self::capture::capture;
pub use self::client::client;
pub use self::index::index;
pub use self::server::server;
pub use self::train::train;

/// Limits, and a message under them: in parts whose lengths the input tells, in one part, or built so that much of it is right.
fn message(data: &[u8]) -> Option<(Limits, Vec<Vec<u8>>)> {
    let (&settings, input) = data.split_first()?;
    let limits = Limits::DEFAULT
        .with_max_depth(if settings & 1 == 0 { 64 } else { 3 })
        .with_max_axes(if settings & 2 == 0 { 64 } else { 2 })
        .with_max_parts(if settings & 4 == 0 { 1 << 16 } else { 4 })
        .with_max_properties(if settings & 8 == 0 { 1 << 20 } else { 5 });
    let parts = match settings >> 6 {
        0 => cut(input),
        1 => vec![input.to_vec()],
        _ => build::parts(&mut Script(input)),
    };
    Some((limits, parts))
}

/// Parts, each behind its length in two bytes; the last may have fewer.
fn cut(mut input: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let [low, high, rest @ ..] = input {
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (part, left) = rest.split_at(len);
        parts.push(part.to_vec());
        input = left;
    }
    parts
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
        let len = usize::from(self.byte()).min(self.0.len());
        self.0.split_off(..len).unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        let width = self.byte() % 9;
        (0..width).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// A time to hand in, where `now` is the latest that was, and something is due at `deadline`.
    fn time(&mut self, now: Duration, deadline: Option<Duration>) -> Duration {
        let deadline = deadline.unwrap_or(now);
        match self.byte() {
            byte @ ..100 => now.saturating_add(Duration::from_millis(u64::from(byte) * 50)),
            byte @ 100..180 => now.saturating_sub(Duration::from_secs(u64::from(byte - 100))),
            180..220 => deadline,
            220..240 => deadline.saturating_sub(Duration::from_nanos(1)),
            240..250 => deadline.saturating_add(Duration::from_secs(3)),
            250..255 => now.saturating_add(Duration::from_secs(1 << 40)),
            255 => Duration::MAX,
        }
    }
}

/// What is wrong is somewhere.
fn told(error: DecodeError, parts: &[Vec<u8>]) {
    let (part, offset) = (error.part(), error.offset());
    assert_eq!(error.limit().is_some(), error.kind() == DecodeErrorKind::LimitExceeded);
    assert!(error.to_string().ends_with(&format!(" at byte {offset} of part {part} ({})", error.what())));
    if error.kind() == DecodeErrorKind::NoParts {
        assert!(parts.is_empty() && part == 0 && offset == 0);
    } else {
        assert!(offset <= parts[part].len() as u64, "{error}");
    }
}

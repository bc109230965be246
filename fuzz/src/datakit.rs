//! DataKit. The first bytes of an input choose settings, limits and cuts, the rest is what is read or what is done.

mod client;
mod decoder;
mod oracle;
mod server;

use std::time::Duration;

use datakit::{Config, Limits, PeerErrorPolicy};

pub use self::client::client;
pub use self::decoder::decoder;
pub use self::server::server;

fn config(settings: u8) -> Config {
    let mut limits = Limits::DEFAULT;
    if settings & 4 != 0 {
        limits = limits.with_max_line_len(12);
    }
    if settings & 8 != 0 {
        limits = limits.with_max_line_len(40);
    }
    if settings & 16 != 0 {
        limits = limits.with_max_tags(2);
    }
    if settings & 32 != 0 {
        limits = limits.with_max_queued_events(usize::from(settings & 3)).with_max_queued_bytes(48);
    }
    Config::DEFAULT
        .with_limits(limits)
        .with_accept_crlf(settings & 1 != 0)
        .with_fractional_timestamps(settings & 2 != 0)
        .with_on_peer_error(if settings & 64 != 0 { PeerErrorPolicy::Close } else { PeerErrorPolicy::Report })
        .with_heartbeat_only(settings & 128 != 0)
}

/// Reads what is to be done from an input: a byte each, and zeros behind the end.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    /// A length and so many bytes, or what is left of them.
    fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        self.0.split_off(..len).unwrap_or_default()
    }

    /// What a peer may say: often a packet that means something, with or without its end, seldom noise.
    fn said(&mut self) -> Vec<u8> {
        let choice = self.byte();
        let line: &[u8] = match choice & 15 {
            0 => b"ACK|u\n",
            1 => b"START\n",
            2 => b"STOP\n",
            3 => b"$P\n",
            4 => b"$H|n|u||stream\n",
            5 => b">t|1|2.5\n",
            6 => b"$Q|later\n",
            7 => b"ACK|u\nSTART\n",
            8 => b"\n\n\n",
            9 => b"12345678901234567890123456789012345678901234567890",
            10 => b"\xff\n",
            _ => return self.bytes().to_vec(),
        };
        let repeated = line.repeat(1 + usize::from(choice >> 6) * 3);
        let torn = usize::from(choice >> 4 & 3).min(repeated.len());
        repeated[..repeated.len() - torn].to_vec()
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

//! ThingsDB and SiriDB. The first bytes of an input choose the dialect, settings and limits, the rest is what is read or what is
//! done.

mod client;
mod framing;
mod legacy;
mod rooms;
mod server;
mod v1;

use std::time::Duration;

use thingsdb_wire::{Config, Dialect, PackageRef, legacy as bodies_2019, module, siridb, v1 as bodies_v1};

pub use self::client::client;
pub use self::framing::framing;
pub use self::legacy::legacy;
pub use self::server::server;
pub use self::v1::v1;

const DIALECTS: [&Dialect; 6] = [
    &bodies_v1::DIALECT,
    &bodies_2019::S1,
    &bodies_2019::S2,
    &bodies_2019::SEPTEMBER,
    &module::DIALECT,
    &siridb::DIALECT,
];

/// The dialect by one byte, and limits by another.
fn config(dialect: u8, settings: u8) -> Config {
    let dialect = DIALECTS[usize::from(dialect) % DIALECTS.len()];
    let pick = |shift: u8, sizes: [usize; 4]| sizes[usize::from(settings >> shift & 3)];
    let limits = dialect
        .limits
        .with_max_data_len(if settings & 1 == 0 { 1 << 20 } else { 70 })
        .with_max_in_flight(if settings & 2 == 0 { 1000 } else { 3 })
        .with_max_queued_events(pick(2, [1000, 0, 1, 3]))
        .with_max_queued_bytes(pick(4, [64 << 20, 0, 60, 9000]))
        .with_max_rooms(pick(6, [1000, 0, 1, 2]));
    let login = if settings & 1 == 0 { Duration::from_secs(20) } else { Duration::MAX };
    Config::new(dialect).with_limits(limits).with_login_timeout(login)
}

/// Reads what is to be done from an input: a byte each, and zeros behind the end.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    fn id(&mut self) -> u16 {
        match self.byte() {
            byte @ ..250 => u16::from(byte % 16),
            250.. => u16::MAX,
        }
    }

    /// Data to send: as [`bytes`](Self::bytes), and seldom more than goes out at once.
    fn data(&mut self) -> Vec<u8> {
        match self.0 {
            [254, byte, rest @ ..] => {
                self.0 = rest;
                vec![*byte; 300_000]
            }
            _ => self.bytes(),
        }
    }

    /// A length and so many bytes, or what is left of them; seldom many.
    fn bytes(&mut self) -> Vec<u8> {
        match self.byte() {
            255 => vec![self.byte(); 5000],
            len => {
                let len = usize::from(len).min(self.0.len());
                self.0.split_off(..len).unwrap_or_default().to_vec()
            }
        }
    }

    /// What a peer may say: often packages of the TYPEs in `kinds`, whole or torn, seldom noise.
    fn said(&mut self, kinds: &[u8]) -> Vec<u8> {
        let mut said = Vec::new();
        let choice = self.byte();
        if choice >= 250 {
            return self.bytes();
        }
        for _ in 0..=choice % 3 {
            let (id, kind) = (self.id(), self.byte());
            let kind = if kind < 240 { kinds[usize::from(kind) % kinds.len()] } else { self.byte() };
            let data = self.bytes();
            let package = PackageRef { id, kind, data: &data };
            said.extend(package.encode_to_vec().expect("below the limit"));
        }
        match choice >> 4 {
            12 => said.truncate(said.len() - 1),
            13 => said.truncate(said.len() / 2),
            14 => said[7] ^= 1,
            _ => {}
        }
        said
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

/// The same call to both of two machines, whose answers have to agree.
fn both<M, T: PartialEq + std::fmt::Debug>(machines: &mut [M; 2], call: impl Fn(&mut M) -> T) -> T {
    let [first, second] = machines;
    let result = call(first);
    assert_eq!(call(second), result);
    result
}

/// Offers all at once to one machine, and in pieces to the other; tells how much was taken.
fn offer<M>(machines: &mut [M; 2], input: &[u8], size: usize, take: impl Fn(&mut M, &[u8]) -> usize) -> usize {
    let [first, second] = machines;
    let taken = take(first, input);
    assert!(taken <= input.len(), "more was taken than offered");
    let mut piecewise = 0;
    loop {
        let piece = &input[piecewise..input.len().min(piecewise + size)];
        let count = take(second, piece);
        assert!(count <= piece.len(), "more was taken than offered");
        piecewise += count;
        if count < piece.len() || piecewise == input.len() {
            break;
        }
    }
    assert_eq!(piecewise, taken, "a cut decides what is taken");
    taken
}

/// When a time from now on is over; the longest is never.
fn due(now: Duration, time: Duration) -> Option<Duration> {
    if time == Duration::MAX { None } else { now.checked_add(time) }
}

/// What is to be sent, in the words of the protocol's document.
fn put(out: &mut Vec<u8>, id: u16, kind: u8, data: &[u8]) {
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(id.to_le_bytes());
    out.extend([kind, kind ^ 0xff]);
    out.extend(data);
}

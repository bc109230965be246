//! The firmware, for a target without an operating system; elsewhere a program that shows what the firmware sends.
//!
//! Port and clock of the board are a few words in memory, `board::PORT`, so that this links without the support crate of
//! any one chip. Over a real one, `board` is the driver of its UART or network, and the rest stays as it is.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::time::Duration;

use datakit::HelloRef;
use datakit_micro::Sensor;

/// Room for `ACK|` and a UID of 123 bytes.
const ROOM: usize = 128;

fn sensor(now: Duration) -> Sensor<'static, ROOM> {
    let hello = HelloRef::new("board 7", "degrees_celsius").with_data_type("float");
    Sensor::new(hello, "core", Duration::from_secs(1), now)
}

#[cfg(target_os = "none")]
mod board {
    use core::hint::{black_box, spin_loop};
    use core::sync::atomic::{AtomicU32, Ordering};
    use core::time::Duration;

    /// What a driver would find in the registers of the hardware.
    pub(crate) struct Port {
        /// Milliseconds since the start, from a timer.
        clock: AtomicU32,
        /// Seconds since 1970, from a clock with a battery.
        calendar: AtomicU32,
        /// 256 and a byte that came, or 0.
        received: AtomicU32,
        /// 256 and a byte to send, or 0 when there is room for one.
        sending: AtomicU32,
        /// The converter, 1/16 of a degree.
        converter: AtomicU32,
    }

    static PORT: Port = Port {
        clock: AtomicU32::new(0),
        calendar: AtomicU32::new(0),
        received: AtomicU32::new(0),
        sending: AtomicU32::new(0),
        converter: AtomicU32::new(0),
    };

    impl Port {
        /// The one there is; the compiler may not know that nobody else writes to it.
        pub(crate) fn get() -> &'static Self {
            black_box(&PORT)
        }

        pub(crate) fn now(&self) -> Duration {
            Duration::from_millis(self.clock.load(Ordering::Relaxed).into())
        }

        pub(crate) fn read(&self) -> (i64, f64) {
            let value = f64::from(self.converter.load(Ordering::Relaxed)) / 16.0;
            (self.calendar.load(Ordering::Relaxed).into(), value)
        }

        pub(crate) fn receive(&self) -> Option<u8> {
            let [byte, is_there, ..] = self.received.swap(0, Ordering::Acquire).to_le_bytes();
            (is_there != 0).then_some(byte)
        }

        pub(crate) fn send(&self, byte: u8) {
            while self.sending.load(Ordering::Acquire) != 0 {
                spin_loop();
            }
            self.sending.store(u32::from_le_bytes([byte, 1, 0, 0]), Ordering::Release);
        }
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {
            spin_loop();
        }
    }
}

/// Where the firmware starts, by the name that the linker looks for.
#[cfg(target_os = "none")]
#[expect(unsafe_code, reason = "the linker finds the entry by its name, and no other crate here has one of that name")]
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let port = board::Port::get();
    let mut sensor = sensor(port.now());
    let mut out = [0; 96];
    loop {
        if let Some(byte) = port.receive() {
            sensor.receive(port.now(), &[byte]);
        }
        // A line that does not fit is one that this board never sends.
        let len = sensor.transmit(port.now(), || port.read(), &mut out).unwrap_or_default();
        for byte in out.iter().take(len) {
            port.send(*byte);
        }
    }
}

#[cfg(not(target_os = "none"))]
fn main() -> std::io::Result<()> {
    use std::io::Write;

    let mut sensor = sensor(Duration::ZERO);
    let (mut out, mut stdout) = ([0; 96], std::io::stdout());
    let server: [(u64, &[u8]); 3] = [(2, b"ACK|17\n"), (3, b"START\n"), (8, b"STOP\n")];
    for second in 0..=12 {
        let now = Duration::from_secs(second);
        if let Some((_, line)) = server.iter().find(|(when, _)| *when == second) {
            write!(stdout, "{second:2} s  server  {}", line.escape_ascii().to_string().replace("\\n", "\n"))?;
            sensor.receive(now, line);
        }
        loop {
            let reading = || (1_459_309_227_i64.saturating_add_unsigned(second), 36.6);
            match sensor.transmit(now, reading, &mut out) {
                Ok(0) => break,
                Ok(len) => {
                    write!(stdout, "{second:2} s  sensor  ")?;
                    stdout.write_all(out.get(..len).unwrap_or_default())?;
                }
                Err(error) => return Err(std::io::Error::other(error)),
            }
        }
    }
    Ok(())
}

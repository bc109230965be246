//! A DataKit sensor without std and without an allocator: [`Sensor`] reads ACK, START and STOP out of one fixed buffer, and
//! writes HELLO, DATA and heartbeats, a line at a time, into whatever the caller lends. It owns no port and no clock.
#![no_std]

use core::time::Duration;

use datakit::{Config, DataRef, Decoder, EncodeError, HelloRef, Limits, PacketRef, State};

/// A sensor whose longest incoming line has `ROOM` − 1 bytes; a longer one is passed over.
#[derive(Debug)]
pub struct Sensor<'a, const ROOM: usize> {
    hello: HelloRef<'a>,
    tag: &'a str,
    interval: Duration,
    config: Config,
    decoder: Decoder,
    buffer: [u8; ROOM],
    filled: usize,
    state: State,
    /// When HELLO, or the next heartbeat, is due.
    due: Duration,
    reading_due: Duration,
    bad_lines: u32,
}

impl<'a, const ROOM: usize> Sensor<'a, ROOM> {
    /// A connection that was just made: HELLO is due at once. While SENDING there is a reading every `interval`.
    #[must_use]
    pub fn new(hello: HelloRef<'a>, tag: &'a str, interval: Duration, now: Duration) -> Self {
        let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_line_len(ROOM.saturating_sub(1)));
        Self {
            hello,
            tag,
            interval,
            config,
            decoder: Decoder::with_config(&config),
            buffer: [0; ROOM],
            filled: 0,
            state: State::Greeted,
            due: now,
            reading_due: now,
            bad_lines: 0,
        }
    }

    /// Takes bytes that came, in whatever pieces.
    pub fn receive(&mut self, now: Duration, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let Some((part, rest)) = bytes.split_at_checked(room.len().min(bytes.len())) else { return };
            room.iter_mut().zip(part).for_each(|(room, byte)| *room = *byte);
            bytes = rest;
            self.filled = self.filled.saturating_add(part.len());

            let mut left = self.buffer.get(..self.filled).unwrap_or_default();
            while let Some(packet) = self.decoder.decode(&mut left) {
                match (packet, self.state) {
                    (Ok(PacketRef::Ack(_)), State::Greeted) => {
                        self.state = State::Standby;
                        self.due = now.saturating_add(self.config.heartbeat_interval);
                    }
                    (Ok(PacketRef::Start), State::Standby) => (self.state, self.reading_due) = (State::Sending, now),
                    (Ok(PacketRef::Stop), State::Sending) => self.state = State::Standby,
                    // Said once more, at the wrong time, or in a later version: nothing here has to change for it.
                    (Ok(_), _) => {}
                    (Err(_), _) => self.bad_lines = self.bad_lines.saturating_add(1),
                }
            }
            // At most the longest line is left, so that there is room for at least one byte more.
            let (consumed, filled) = (self.filled.saturating_sub(left.len()), left.len());
            self.buffer.copy_within(consumed..self.filled, 0);
            self.filled = filled;
        }
    }

    /// Writes the next line that is due, if any, and tells its length: to be called until that is 0. `read` is asked for
    /// seconds since 1970 and a value when it is time for a reading.
    ///
    /// # Errors
    ///
    /// If the line cannot be written or has no room. It is due again later, with what comes after it.
    pub fn transmit(
        &mut self,
        now: Duration,
        read: impl FnOnce() -> (i64, f64),
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        if self.due <= now {
            if self.state.is_registered() {
                self.due = now.saturating_add(self.config.heartbeat_interval);
                return PacketRef::Heartbeat.encode_to_slice(out);
            }
            // Said until it is heard: behind a serial bridge nobody knows when the connection is made.
            self.due = now.saturating_add(self.config.ack_timeout);
            return PacketRef::Hello(self.hello).encode_to_slice(out);
        }
        if self.state == State::Sending && self.reading_due <= now {
            self.reading_due = now.saturating_add(self.interval);
            let (timestamp, value) = read();
            return PacketRef::Data(DataRef::new(self.tag, timestamp, value)).encode_to_slice(out);
        }
        Ok(0)
    }

    /// Where the connection stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Lines so far that were no packet.
    #[must_use]
    pub fn bad_lines(&self) -> u32 {
        self.bad_lines
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, clippy::approx_constant, reason = "times and the document's value")]
mod tests {
    extern crate std;

    use core::time::Duration;
    use std::string::String;

    use datakit::{HelloRef, State};

    use super::Sensor;

    const SECOND: Duration = Duration::from_secs(1);

    fn sensor() -> Sensor<'static, 16> {
        Sensor::new(HelloRef::new("board", "mV"), "cell", 2 * SECOND, 10 * SECOND)
    }

    fn sent(sensor: &mut Sensor<'_, 16>, now: Duration) -> String {
        let (mut all, mut out) = (String::new(), [0; 64]);
        loop {
            match sensor.transmit(now, || (1_459_309_227, 3.141593), &mut out).unwrap() {
                0 => return all,
                len => all.push_str(core::str::from_utf8(&out[..len]).unwrap()),
            }
        }
    }

    #[test]
    fn it_says_hello_until_it_is_registered() {
        let mut sensor = sensor();
        assert_eq!(sent(&mut sensor, 10 * SECOND), "$H|board|mV||stream\n");
        assert_eq!(sent(&mut sensor, 19 * SECOND), "");
        assert_eq!(sent(&mut sensor, 20 * SECOND), "$H|board|mV||stream\n");
        sensor.receive(21 * SECOND, b"ACK|17\n");
        assert_eq!((sensor.state(), sent(&mut sensor, 25 * SECOND)), (State::Standby, "".into()));
        assert_eq!(sent(&mut sensor, 26 * SECOND), "$P\n");
    }

    #[test]
    fn it_reads_between_start_and_stop_and_beats_all_the_time() {
        let mut sensor = sensor();
        let _ = sent(&mut sensor, 10 * SECOND);
        sensor.receive(10 * SECOND, b"ACK|17\nSTART\n");
        assert_eq!(sent(&mut sensor, 10 * SECOND), ">cell|1459309227|3.141593\n");
        assert_eq!(sent(&mut sensor, 11 * SECOND), "");
        assert_eq!(sent(&mut sensor, 12 * SECOND), ">cell|1459309227|3.141593\n");
        assert_eq!(sent(&mut sensor, 15 * SECOND), "$P\n>cell|1459309227|3.141593\n");
        sensor.receive(16 * SECOND, b"STOP\n");
        assert_eq!(sent(&mut sensor, 19 * SECOND), "");
        assert_eq!(sent(&mut sensor, 20 * SECOND), "$P\n");
    }

    /// All cuts of a stream with a line that is bad, and one longer than the buffer.
    #[test]
    fn pieces_and_bad_lines_change_nothing() {
        let stream = b"what\nACK|17\nthis line is longer than the buffer has room for\nSTART\nSTOP\nSTART\n";
        for step in 1..stream.len() {
            let mut sensor = sensor();
            for piece in stream.chunks(step) {
                sensor.receive(10 * SECOND, piece);
            }
            assert_eq!((sensor.state(), sensor.bad_lines()), (State::Sending, 2), "{step}");
        }
    }

    #[test]
    fn a_line_without_room_is_an_error_and_due_again() {
        let mut sensor = sensor();
        let read = || (0, 0.0);
        let (mut small, mut out) = ([0; 19], [0; 20]);
        assert!(sensor.transmit(10 * SECOND, read, &mut small).is_err());
        assert_eq!(sensor.transmit(20 * SECOND, read, &mut out), Ok(20));
        assert_eq!(&out, b"$H|board|mV||stream\n");
    }
}

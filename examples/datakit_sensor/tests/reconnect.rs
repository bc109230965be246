//! The sensor against a server that is played by hand. Waiting is bounded, and no time is asserted.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use core::time::Duration;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use datakit_sensor::{Sensor, Settings};

struct Peer {
    lines: BufReader<TcpStream>,
}

impl Peer {
    fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { lines: BufReader::new(stream) }
    }

    fn say(&mut self, text: &str) {
        self.lines.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line within a minute");
        line
    }
}

#[test]
fn a_sensor_starts_stops_and_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let sensor = thread::spawn(move || {
        let settings = Settings {
            address,
            name: "by hand".into(),
            units: "m".into(),
            tag: "t".into(),
            interval: Duration::from_millis(1),
            count: Some(5),
            pause: Duration::from_millis(1),
        };
        let (mut value, mut log) = (0.0, Vec::new());
        let mut read = || {
            value += 0.5;
            value
        };
        Sensor::new(&settings, &mut read, &mut log).unwrap().run().unwrap();
        String::from_utf8(log).unwrap()
    });

    let mut first = Peer::accept(&listener);
    assert_eq!(first.hear(), "$H|by hand|m|float|stream\n");
    drop(first);

    let mut second = Peer::accept(&listener);
    assert_eq!(second.hear(), "$H|by hand|m|float|stream\n", "a new connection begins anew");
    second.say("what?\nACK|u7\nSTART\n");
    for value in ["0.5", "1"] {
        let line = second.hear();
        assert!(line.starts_with(">t|") && line.ends_with(&format!("|{value}\n")), "{line}");
    }
    drop(second);

    let mut third = Peer::accept(&listener);
    assert_eq!(third.hear(), "$H|by hand|m|float|stream\n");
    third.say("ACK|u8\nSTART\nSTOP\nSTART\n");
    // How many of the readings before were lost with their connection nobody can tell; the last one is the fifth.
    let mut last = third.hear();
    while !last.ends_with("|2.5\n") {
        assert!(last.starts_with(">t|"), "{last}");
        last = third.hear();
    }
    assert_eq!(third.hear(), "", "and that is all");
    drop(third);

    let log = sensor.join().unwrap();
    assert!(log.contains("bad line from the server: no packet begins like this at line 1, column 1"), "{log}");
    assert!(log.contains("registered as \"u7\"") && log.contains("registered as \"u8\""), "{log}");
}

//! A broker in this program, for who has none: rumqttd, on a port that is free.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use rumqttd::{Config, ConnectionSettings, RouterConfig, ServerSettings};

use crate::Failure;
use crate::mqtt::MOST;
use crate::settings::Address;

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts one at a free port of this machine, for MQTT 3.1.1 without TLS, as the Python client of Drift speaks it. It ends with the program:
/// rumqttd cannot be stopped.
///
/// # Errors
///
/// [`Failure::NoBroker`] when no port can be had.
pub fn start_broker() -> Result<Address, Failure> {
    let no_broker = |why: &dyn core::fmt::Display| Failure::NoBroker(why.to_string());
    for _ in 0..8 {
        // rumqttd tells nobody which port it got, so it is told one. Should another program be quicker, it ends, and there is a next try.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let listen = free.map_err(|error| no_broker(&error))?;
        let mut broker = rumqttd::Broker::new(config(listen));
        let broker = thread::Builder::new().name("broker".to_owned()).spawn(move || drop(broker.start()));
        let broker = broker.map_err(|error| no_broker(&error))?;
        let start = Instant::now();
        while !broker.is_finished() && start.elapsed() < PATIENCE {
            let answers = TcpStream::connect(listen).is_ok();
            thread::sleep(Duration::from_millis(if answers { 20 } else { 5 }));
            // Who answers may be that other program, just before ours finds the port taken.
            if answers && !broker.is_finished() {
                return Ok(Address { host: listen.ip().to_string(), port: listen.port() });
            }
        }
    }
    Err(no_broker(&"no port that stays free"))
}

fn config(listen: SocketAddr) -> Config {
    let connections = ConnectionSettings {
        connection_timeout_ms: 60_000,
        max_payload_size: MOST,
        max_inflight_count: 100,
        auth: None,
        external_auth: None,
        // A topic that nobody listens to is no fault of who publishes.
        dynamic_filters: true,
    };
    let server =
        ServerSettings { name: "drift_demo".to_owned(), listen, tls: None, next_connection_delay_ms: 0, connections };
    let router = RouterConfig {
        max_connections: 100,
        max_outgoing_packet_count: 200,
        // What is kept of each filter, to be sent to slow clients: 128 MiB, and a package more.
        max_segment_size: 16 << 20,
        max_segment_count: 8,
        ..RouterConfig::default()
    };
    let v4 = HashMap::from([("drift_demo".to_owned(), server)]);
    Config { router, v4: Some(v4), ..Config::default() }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// That is how another program at the port shows.
    #[test]
    fn a_broker_without_its_port_ends() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut broker = rumqttd::Broker::new(config(taken.local_addr().unwrap()));
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || sender.send(broker.start().is_ok()));
        ended.recv_timeout(PATIENCE).unwrap();
    }
}

//! A connection to a broker: the loop around rumqttc, the part to copy.

use core::convert::Infallible;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use drift_proto::{Package, is_topic};
use rumqttc::{
    Client, Connection, ConnectionError, Event, MqttOptions, NetworkOptions, Outgoing, Packet, QoS, StateError,
    SubscribeFilter, SubscribeReasonCode,
};

use crate::Failure;
use crate::settings::Address;

/// Most bytes of a packet: what MQTT can say, as in [`drift_proto::Limits`]. rumqttc begins with 10 KiB, and a subscriber that gets more than
/// that loses its connection, over and over.
pub(crate) const MOST: usize = 268_435_455;

/// Most bytes of a packet for who subscribes to nothing: only acknowledgements come.
const LITTLE: usize = 1 << 16;

/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Message {
    /// Somebody published this.
    Published {
        /// Where.
        topic: String,
        /// What.
        payload: Bytes,
    },
    /// The connection has ended, for this reason, and no more comes.
    Lost(String),
}

/// A connection to a broker.
#[derive(Debug)]
pub struct Link {
    publisher: Publisher,
    /// Ends with the thread.
    ended: Receiver<Infallible>,
}

/// The half of a [`Link`] that publishes, for any thread.
#[derive(Clone)]
pub struct Publisher {
    client: Client,
    address: Address,
}

impl Link {
    /// Connects, and subscribes to what these filters take: when this returns, the broker knows. What comes then goes to `deliver`, on a
    /// thread of its own, as long as that says that it wants more.
    ///
    /// # Errors
    ///
    /// [`Failure::Broker`]: there is none, or it does not want to.
    pub fn connect(
        address: &Address,
        who: &str,
        filters: &[String],
        mut deliver: impl FnMut(Message) -> bool + Send + 'static,
    ) -> Result<Self, Failure> {
        let failed = |why: String| Failure::Broker(address.clone(), why);
        // Of two clients with one name a broker keeps the last, and this may be one of several demos.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("{who}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut options = MqttOptions::new(name, &address.host, address.port);
        options.set_max_packet_size(if filters.is_empty() { LITTLE } else { MOST }, MOST);
        let (client, mut connection) = Client::new(options, 64);
        let mut network = NetworkOptions::new();
        // Unless told, what is small waits until what was sent before has arrived, which may take 40 ms.
        network.set_tcp_nodelay(true);
        connection.eventloop.set_network_options(network);
        if !filters.is_empty() {
            let filters = filters.iter().map(|filter| SubscribeFilter::new(filter.clone(), QoS::AtLeastOnce));
            client.subscribe_many(filters).map_err(|_| failed("no filters of MQTT".to_owned()))?;
        }
        let came = wait(&mut connection, !filters.is_empty(), PATIENCE, MOST).map_err(failed)?;
        let (alive, ended) = mpsc::channel();
        let pump = move || {
            let _alive = alive;
            let published =
                |publish: rumqttc::Publish| Message::Published { topic: publish.topic, payload: publish.payload };
            if came.into_iter().all(|publish| deliver(published(publish))) {
                run(&mut connection, |event| match event {
                    Ok(publish) => deliver(published(publish)),
                    Err(why) => deliver(Message::Lost(why)),
                });
            }
        };
        let pump = thread::Builder::new().name(who.to_owned()).spawn(pump);
        pump.map_err(|error| failed(error.to_string()))?;
        Ok(Self { publisher: Publisher { client, address: address.clone() }, ended })
    }

    /// What publishes.
    #[must_use]
    pub const fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Says goodbye, after all that was published. Whether the connection has ended: a broker that hangs is not waited for.
    pub fn close(self) -> bool {
        // If there is nobody to tell, it has ended already, or hangs.
        let _ = self.publisher.client.try_disconnect();
        self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Disconnected)
    }
}

impl Publisher {
    /// Publishes a package: at least once, and not retained, since it is of its moment.
    ///
    /// # Errors
    ///
    /// [`Failure::Broker`]: the connection has ended.
    pub fn publish(&self, topic: &str, package: &Package) -> Result<(), Failure> {
        self.publish_bytes(topic, package.bytes())
    }

    /// Publishes what may be no package.
    ///
    /// # Errors
    ///
    /// [`Failure::Broker`]: the connection has ended, or that is no topic.
    pub fn publish_bytes(&self, topic: &str, payload: &[u8]) -> Result<(), Failure> {
        let sent = self.client.publish(topic, QoS::AtLeastOnce, false, payload);
        let why = if is_topic(topic) { "the connection has ended" } else { "no topic to publish at" };
        sent.map_err(|_| Failure::Broker(self.address.clone(), why.to_owned()))
    }
}

impl core::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Publisher({})", self.address)
    }
}

/// Until the broker knows us, and what we subscribe to. Returns what came before it said so, which may be about as many bytes as `most`:
/// nobody takes it yet.
fn wait(
    connection: &mut Connection,
    subscribes: bool,
    patience: Duration,
    most: usize,
) -> Result<Vec<rumqttc::Publish>, String> {
    let start = Instant::now();
    let (mut came, mut bytes) = (Vec::new(), 0_usize);
    loop {
        let left = patience.saturating_sub(start.elapsed());
        // Without time left it would still tell what is there, and there may always be something.
        let event = if left.is_zero() { None } else { connection.recv_timeout(left).ok() };
        match event {
            Some(Ok(Event::Incoming(Packet::ConnAck(_)))) if !subscribes => return Ok(came),
            Some(Ok(Event::Incoming(Packet::SubAck(ack)))) => {
                let is_refused = ack.return_codes.contains(&SubscribeReasonCode::Failure);
                return if is_refused { Err("it refuses a subscription".to_owned()) } else { Ok(came) };
            }
            Some(Ok(Event::Incoming(Packet::Publish(publish)))) => {
                if bytes >= most {
                    return Err(format!("{bytes} bytes came, and no answer to the subscription"));
                }
                let size = size_of_val(&publish).saturating_add(publish.topic.len());
                bytes = bytes.saturating_add(size).saturating_add(publish.payload.len());
                came.push(publish);
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(said(&error)),
            None => return Err(format!("no answer in {patience:?}")),
        }
    }
}

/// Until the connection ends, or nobody wants more.
fn run(connection: &mut Connection, mut deliver: impl FnMut(Result<rumqttc::Publish, String>) -> bool) {
    loop {
        match connection.recv() {
            Ok(Ok(Event::Incoming(Packet::Publish(publish)))) => {
                if !deliver(Ok(publish)) {
                    return;
                }
            }
            // Asked once more, it would connect again.
            Ok(Ok(Event::Outgoing(Outgoing::Disconnect))) | Err(_) => return,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                deliver(Err(said(&error)));
                return;
            }
        }
    }
}

fn said(error: &ConnectionError) -> String {
    match error {
        ConnectionError::Io(error) | ConnectionError::MqttState(StateError::Io(error)) => error.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// A broker that publishes so many bytes, again and again, and never answers a subscription.
    fn wait_at(payload: usize, pause: Duration, patience: Duration, most: usize) -> Result<usize, String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            assert_ne!(stream.read(&mut [0; 256]).unwrap(), 0);
            let publish =
                [&[0x30, u8::try_from(payload.saturating_add(3)).unwrap(), 0, 1, b'x'], &*vec![7; payload]].concat();
            let mut written = stream.write_all(&[0x20, 2, 0, 0]);
            while written.is_ok() {
                written = stream.write_all(&publish);
                thread::sleep(pause);
            }
        });
        let (client, mut connection) = Client::new(MqttOptions::new("x", "127.0.0.1", port), 64);
        client.subscribe("x", QoS::AtLeastOnce).unwrap();
        wait(&mut connection, true, patience, most).map(|came| came.len())
    }

    #[test]
    fn patience_is_for_all_that_comes_before_the_answer() {
        let patience = Duration::from_millis(300);
        assert_eq!(wait_at(1, Duration::from_millis(5), patience, MOST), Err("no answer in 300ms".to_owned()));
        // There is always something.
        assert_eq!(wait_at(1, Duration::ZERO, patience, usize::MAX), Err("no answer in 300ms".to_owned()));
    }

    #[test]
    fn what_comes_before_the_answer_has_an_end() {
        let why = wait_at(100, Duration::ZERO, Duration::from_secs(60), 10_000).unwrap_err();
        let bytes = why.strip_suffix(" bytes came, and no answer to the subscription").unwrap();
        assert!((10_000..11_000).contains(&bytes.parse::<u32>().unwrap()), "{why}");
    }
}

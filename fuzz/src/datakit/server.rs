use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use datakit::{Config, ConnectionId, Error, PacketKind, PacketRef, Registry, Server, ServerEvent, State, UsageError};

use super::{Script, config};

/// One connection of a registry as a server of its own.
struct Peer {
    server: Server,
    /// UIDs that were accepted and not unregistered.
    accepted: VecDeque<String>,
    pending: Vec<u8>,
    /// It has told its end, and is kept for what it has to send.
    told_end: bool,
}

/// A registry tells, sends and waits for what as many servers do, and every client that was accepted is unregistered once.
pub fn server(data: &[u8]) {
    let [settings, script @ ..] = data else { return };
    let mut config = config(*settings);
    config = config.with_limits(config.limits.with_max_connections(5)).with_late_data(Duration::from_secs(4));
    let mut script = Script(script);
    let mut registry = Registry::new(&config);
    let (mut now, mut peers, mut ids) = (Duration::ZERO, BTreeMap::<ConnectionId, Peer>::new(), Vec::new());
    let mut seen = BTreeSet::new();
    while !script.0.is_empty() {
        let operation = script.byte();
        let at = script.time(now, registry.poll_deadline());
        // One of all names there ever were.
        let id: Option<ConnectionId> = match ids.len() {
            0 => None,
            len => ids.get(len - 1 - usize::from(operation >> 4) % len).copied(),
        };
        match (operation & 15, id) {
            (0 | 1, _) | (_, None) => {
                now = now.max(at);
                let inserted = registry.insert(at);
                assert_eq!(inserted.is_ok(), peers.len() < 5);
                if let Ok(id) = inserted {
                    assert!(seen.insert(id), "a name is used once");
                    ids.push(id);
                    let server = Server::new(&config, now);
                    peers.insert(id, Peer { server, accepted: VecDeque::new(), pending: Vec::new(), told_end: false });
                }
            }
            (2, _) => {
                now = now.max(at);
                registry.handle_timeout(at);
                peers.values_mut().for_each(|peer| peer.server.handle_timeout(now));
                let deadline = registry.poll_deadline();
                assert!(deadline.is_none_or(|deadline| deadline > now));
            }
            (3, Some(id)) => {
                let removed = registry.remove(id);
                assert_eq!(removed.is_ok(), peers.remove(&id).is_some());
            }
            (4, _) => while take_event(&mut registry, &mut peers) {},
            (5, _) => {
                take_event(&mut registry, &mut peers);
            }
            (6, _) => while take_transmit(&mut registry, &mut peers) {},
            (operation, Some(id)) => {
                now = now.max(at);
                let peer = peers.get_mut(&id);
                let unknown = peer.is_none();
                let result = call(operation, at, now, id, &mut registry, peer, &mut script);
                assert_eq!(result == Err(Error::Usage(UsageError::UnknownConnection)), unknown);
            }
        }
        assert_eq!(registry.len(), peers.len());
        assert_eq!(registry.is_empty(), peers.is_empty());
        let states = registry.connections().collect::<BTreeMap<_, _>>();
        assert!(states.into_iter().eq(peers.iter().map(|(id, peer)| (*id, peer.server.state()))));
        assert_eq!(registry.poll_deadline(), peers.values().filter_map(|peer| peer.server.poll_deadline()).min());
        for id in &ids {
            let server = peers.get(id).map(|peer| &peer.server);
            assert_eq!(registry.state(*id), server.map(Server::state));
            assert_eq!(registry.uid(*id), server.and_then(Server::uid));
            if let Some(server) = server.filter(|server| server.state() == State::Greeted) {
                assert_eq!(server.clone().poll_transmit(), None, "nothing is for whoever said HELLO before");
            }
        }
    }
    while take_transmit(&mut registry, &mut peers) {}
    for (id, peer) in &mut peers {
        registry.close(now, *id).expect("it is there");
        peer.server.close(now);
    }
    while take_event(&mut registry, &mut peers) {}
    while take_transmit(&mut registry, &mut peers) {}
    assert!(peers.is_empty(), "who is closed has told so");
    assert_eq!((registry.len(), registry.poll_deadline(), registry.poll_transmit()), (0, None, None));
}

/// The same call to both.
fn call(
    operation: u8,
    at: Duration,
    now: Duration,
    id: ConnectionId,
    registry: &mut Registry,
    peer: Option<&mut Peer>,
    script: &mut Script<'_>,
) -> Result<(), Error> {
    let mut nobody = Peer {
        server: Server::new(&Config::DEFAULT, now),
        accepted: VecDeque::new(),
        pending: Vec::new(),
        told_end: false,
    };
    let is_there = peer.is_some();
    let peer = peer.unwrap_or(&mut nobody);
    let (result, expected) = match operation {
        7 => {
            let word = script.byte();
            let uid = match word {
                ..240 => format!("u{}", word % 16),
                240.. => String::from_utf8_lossy(script.bytes()).into_owned(),
            };
            let result = registry.accept(at, id, &uid);
            let expected = peer.server.accept(now, &uid);
            if expected.is_ok() {
                assert_eq!(peer.server.state(), State::Standby);
                peer.accepted.push_back(uid);
            }
            (result, expected)
        }
        8 => (registry.start(at, id).map_err(Error::from), peer.server.start(now).map_err(Error::from)),
        9 => (registry.stop(at, id).map_err(Error::from), peer.server.stop(now).map_err(Error::from)),
        10 => {
            peer.server.handle_eof(now);
            (registry.handle_eof(at, id).map_err(Error::from), Ok(()))
        }
        11 => {
            peer.server.close(now);
            (registry.close(at, id).map_err(Error::from), Ok(()))
        }
        _ => {
            peer.pending.extend_from_slice(&script.said());
            let owes_answer = peer.server.state() == State::Greeted;
            let expected = peer.server.handle_input(now, &peer.pending);
            assert!(!owes_answer || expected == 0, "nothing is read behind a HELLO without an answer");
            let result = registry.handle_input(at, id, &peer.pending);
            if let Ok(taken) = result {
                assert_eq!(taken, expected);
                peer.pending.drain(..taken);
            }
            (result.map(|_| ()).map_err(Error::from), Ok(()))
        }
    };
    if is_there {
        assert_eq!(result, expected);
        assert_eq!(registry.state(id), Some(peer.server.state()));
    }
    result
}

/// One event, the next one of its connection; tells whether there was one.
fn take_event(registry: &mut Registry, peers: &mut BTreeMap<ConnectionId, Peer>) -> bool {
    let Some((id, event)) = registry.poll_event() else {
        assert!(peers.values_mut().all(|peer| peer.server.poll_event().is_none()));
        return false;
    };
    let peer = peers.get_mut(&id).expect("who tells something is there");
    assert_eq!(Some(&event), peer.server.poll_event().as_ref());
    assert!(!peer.told_end, "nothing follows");
    match event {
        ServerEvent::Unregistered { uid, .. } => assert_eq!(Some(uid), peer.accepted.pop_front()),
        ServerEvent::Closed(_) => {
            assert!(peer.accepted.is_empty(), "every client that was accepted is unregistered before");
            assert_eq!(peer.server.poll_event(), None);
            peer.told_end = true;
            forget_if_done(id, peers);
        }
        ServerEvent::PeerError { error, packet } => assert_eq!(error.packet(), packet.kind()),
        ServerEvent::BadLine { error, line } => assert!(error.column() as usize <= line.len() + 1),
        _ => {}
    }
    true
}

/// All that waits for one connection; tells whether there was something.
fn take_transmit(registry: &mut Registry, peers: &mut BTreeMap<ConnectionId, Peer>) -> bool {
    let Some((id, bytes)) = registry.poll_transmit() else {
        assert!(peers.values_mut().all(|peer| peer.server.poll_transmit().is_none()));
        return false;
    };
    let peer = peers.get_mut(&id).expect("who is sent something is there");
    assert_eq!(peer.server.poll_transmit(), Some(bytes.clone()));
    assert!(bytes.ends_with(b"\n"));
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let kind = PacketRef::decode(line).expect("what is sent is a strict line").kind();
        assert!(matches!(kind, PacketKind::Ack | PacketKind::Start | PacketKind::Stop));
    }
    forget_if_done(id, peers);
    true
}

/// A connection is gone when it has told its end and sent what it had to.
fn forget_if_done(id: ConnectionId, peers: &mut BTreeMap<ConnectionId, Peer>) {
    // A clone is asked, since to ask is to take.
    if peers.get(&id).is_some_and(|peer| peer.told_end && peer.server.clone().poll_transmit().is_none()) {
        peers.remove(&id);
    }
}

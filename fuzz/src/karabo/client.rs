use std::num::NonZeroU64;
use std::time::Duration;

use karabo_bridge::{
    Arrivals, Limits, MessageRef, PeerError, ReplyError, RequestClient, RequestState, SocketId, Step, Subscriber,
    TrainRef, UsageError,
};

use super::Script;

/// A client, or a subscriber, does what SPEC.md §6 says, whatever comes and whoever calls.
pub fn client(data: &[u8]) {
    let [settings, script @ ..] = data else { return };
    let limits = Limits::DEFAULT.with_max_parts(if settings & 1 == 0 { 1 << 16 } else { 2 });
    let mut script = Script(script);
    if settings & 2 == 0 {
        request(&mut script, limits, *settings);
    } else {
        subscribe(&mut script, limits);
    }
}

/// What a server may say: trains of one and more parts with and without a number, and what is none.
fn said(script: &mut Script<'_>) -> Vec<Vec<u8>> {
    let numbered = |tid: u64| {
        [b"\x81\xa1S\x81\xa8metadata\x81\xadtimestamp.tid\xcf".to_vec(), tid.to_be_bytes().to_vec()].concat()
    };
    match script.byte() {
        ..100 => vec![numbered(u64::from(script.byte()))],
        100..120 => vec![numbered(script.number())],
        120..140 => vec![b"\x80".to_vec()],
        140..180 => {
            let header = b"\x83\xa6source\xa1S\xa7content\xa7msgpack\xa8metadata\x81\xadtimestamp.tid".to_vec();
            vec![[header, vec![script.byte() & 0x7f]].concat(), b"\x80".to_vec()]
        }
        180..190 => vec![b"\x80".to_vec(); 3],
        190..200 => vec![b"Error: bad request x".to_vec()],
        200..210 => Vec::new(),
        210..220 => vec![b"\x80\x04.".to_vec()],
        _ => vec![script.bytes().to_vec()],
    }
}

fn request(script: &mut Script<'_>, limits: Limits, settings: u8) {
    let timeout = match settings >> 2 & 3 {
        0 => None,
        1 => Some(Duration::from_secs(1)),
        2 => Some(Duration::ZERO),
        _ => Some(Duration::MAX),
    };
    let mut client = RequestClient::new().with_limits(limits);
    if let Some(timeout) = timeout {
        client = client.with_timeout(timeout);
    }
    let mut sockets: Vec<SocketId> = vec![client.socket()];
    let (mut state, mut deadline, mut now) = (RequestState::Idle, None, Duration::ZERO);
    while !script.0.is_empty() {
        match script.byte() % 8 {
            0..=2 => {
                let at = script.time(now, deadline);
                now = now.max(at);
                match client.request(at) {
                    Ok(request) => {
                        assert_eq!((request, state), (&b"next"[..], RequestState::Idle), "asked twice");
                        (state, deadline) = (RequestState::Asked, timeout.map(|timeout| at.saturating_add(timeout)));
                    }
                    Err(UsageError::Outstanding) => assert_eq!(state, RequestState::Asked),
                    Err(UsageError::StuckSocket) => assert_eq!(state, RequestState::TimedOut),
                    Err(error) => panic!("{error}"),
                }
            }
            3 => {
                let at = script.time(now, deadline);
                now = now.max(at);
                let is_due = state == RequestState::Asked && deadline.is_some_and(|deadline| deadline <= at);
                assert_eq!(client.handle_timeout(at), is_due);
                if is_due {
                    (state, deadline) = (RequestState::TimedOut, None);
                }
                assert!(!client.handle_timeout(at), "told twice");
            }
            4 => {
                let socket = client.replace_socket();
                assert!(!sockets.contains(&socket), "a socket twice");
                sockets.push(socket);
                (state, deadline) = (RequestState::Idle, None);
            }
            _ => {
                let socket = sockets[sockets.len() - 1 - usize::from(script.byte() / 64) % sockets.len()];
                let parts = said(script);
                let is_current = socket == client.socket();
                let due = MessageRef::decode_with(&parts, &limits);
                match client.handle_message(socket, &parts) {
                    Err(ReplyError::Peer(error)) => {
                        assert_eq!((error, is_current, state), (PeerError::Unasked, true, RequestState::Idle));
                    }
                    Err(ReplyError::Decode(error)) => {
                        assert_eq!(due.err(), Some(error));
                        assert!(!is_current || state != RequestState::Idle);
                    }
                    Ok(reply) => {
                        assert_eq!(reply.late, !is_current || state == RequestState::TimedOut);
                        assert!(!is_current || state != RequestState::Idle, "an answer to nothing");
                        // No train is lost, whenever it comes.
                        assert_eq!(format!("{:?}", reply.message), format!("{:?}", due.expect("it was read")));
                    }
                    Err(error) => panic!("{error}"),
                }
                if is_current && state != RequestState::Idle {
                    (state, deadline) = (RequestState::Idle, None);
                }
            }
        }
        assert_eq!((client.state(), client.poll_deadline()), (state, deadline));
        assert_eq!(Some(&client.socket()), sockets.last());
    }
}

/// What arrived, with all of it kept.
struct Model {
    stride: u64,
    last: Option<u64>,
    lost: u128,
    arrived: Vec<(Duration, u64)>,
}

impl Model {
    fn note(&mut self, now: Duration, bytes: u64, tid: Option<u64>) -> Step {
        self.arrived.push((now, bytes));
        let Some(tid) = tid else { return Step::Unknown };
        match self.last.replace(tid) {
            None => Step::First,
            Some(last) if tid < last => Step::Back,
            Some(last) if tid == last => Step::Repeated,
            Some(last) => {
                let lost = (tid - last - 1) / self.stride;
                self.lost += u128::from(lost);
                if lost == 0 { Step::Next } else { Step::Lost(lost) }
            }
        }
    }

    /// Trains and bytes a second over the last 32.
    fn rates(&self) -> Option<(f64, f64)> {
        let window = &self.arrived[self.arrived.len().saturating_sub(32)..];
        let ((first, _), (last, _)) = (window.first()?, window.last()?);
        let time = last.checked_sub(*first).filter(|time| !time.is_zero())?.as_secs_f64();
        let bytes: u64 = window[1..].iter().map(|(_, bytes)| bytes).sum();
        Some(((window.len() - 1) as f64 / time, bytes as f64 / time))
    }
}

fn subscribe(script: &mut Script<'_>, limits: Limits) {
    let stride = NonZeroU64::new(script.number()).unwrap_or(NonZeroU64::MIN);
    let mut subscriber = Subscriber::new().with_limits(limits).with_stride(stride);
    let mut model = Model { stride: stride.get(), last: None, lost: 0, arrived: Vec::new() };
    let mut now = Duration::ZERO;
    while !script.0.is_empty() {
        let at = script.time(now, None);
        now = now.max(at);
        let parts = said(script);
        let due = TrainRef::decode_with(&parts, &limits);
        match subscriber.handle_message(at, &parts) {
            Ok(received) => {
                let train = due.expect("it was read");
                let bytes = parts.iter().map(|part| part.len() as u64).sum();
                assert_eq!((received.tid, received.train.parts()), (train.tid(), &parts[..]));
                assert_eq!(received.step, model.note(at, bytes, received.tid));
            }
            Err(error) => assert_eq!(due.err(), Some(error)),
        }
        same(subscriber.arrivals(), &model);
    }
}

fn same(arrivals: &Arrivals, model: &Model) {
    assert_eq!(arrivals.trains(), model.arrived.len() as u64);
    assert_eq!(arrivals.bytes(), model.arrived.iter().map(|(_, bytes)| bytes).sum::<u64>());
    assert_eq!(arrivals.lost(), u64::try_from(model.lost).unwrap_or(u64::MAX));
    let rates = arrivals.rate().zip(arrivals.bytes_per_second());
    assert_eq!(rates, model.rates());
    assert_eq!(arrivals.rate().is_some(), arrivals.bytes_per_second().is_some());
}

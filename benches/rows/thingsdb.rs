//! thingsdb-wire beside the least that can be done, and beside the Python client.

use core::hint::black_box;
use core::time::Duration;

use thingsdb_wire::v1::{self, AnswerRef};
use thingsdb_wire::{Client, ClientEvent, Config, Decoded, Decoder, PackageRef};

use crate::ratio::{Python, Row, Side, leak};
use crate::work::qpack::{Reading, names, readings, sum};

/// What a connection is read in.
const READ: usize = 64 << 10;

/// The client's protocol class, fed as asyncio feeds it.
const PYTHON: &str = "
import asyncio
from thingsdb.client.protocol import Protocol
loop = asyncio.new_event_loop()
def prepare(name, data):
    pieces = [data[at:at + 65536] for at in range(0, len(data), 65536)]
    total = 0
    def on_event(package):
        nonlocal total
        total += package.pid + package.length
    protocol = Protocol(lambda *args: None, on_event, loop)
    def work():
        for piece in pieces:
            protocol.data_received(piece)
    work()
    return work, total
";

/// All of them; that against Python only where live peers are not skipped.
pub fn rows() -> Vec<Row<'static>> {
    // WARN, with bytes in MessagePack, which are the least work for Python.
    let data: Vec<u8> = [0xc4, 54].into_iter().chain([7; 54]).collect();
    let mut stream = Vec::new();
    for id in 0..4096 {
        PackageRef { id, kind: v1::Kind::WARN.0, data: &data }.encode(&mut stream).expect("encodes");
    }
    let stream: &[u8] = leak(stream);

    let names = leak(names());
    let body: &[u8] = leak(rmp_serde::to_vec_named(&readings(names)).expect("encodes"));
    let answer = PackageRef { id: 3, kind: v1::Kind::DATA.0, data: body };
    let answer: &[u8] = leak(answer.encode_to_vec().expect("encodes"));
    let typed = || {
        let package = PackageRef::decode(answer).expect("valid");
        let AnswerRef::Data(data) = AnswerRef::decode(package).expect("valid") else { panic!("no DATA") };
        sum(&data.payload::<Vec<Reading<'_>>>().expect("valid"))
    };
    let bare = || sum(&rmp_serde::from_slice::<Vec<Reading<'_>>>(body).expect("valid"));

    let large: &[u8] = leak((0..20_u32 << 20).map(|n| (n % 251) as u8).collect::<Vec<_>>());
    let event = PackageRef { id: u16::MAX, kind: v1::Kind::ROOM_EMIT.0, data: large };
    let event: &[u8] = leak(event.encode_to_vec().expect("encodes"));
    let mut client = Client::new(&Config::new(&v1::DIALECT), Duration::ZERO);
    let mut deliver = move || {
        for piece in event.chunks(READ) {
            assert_eq!(client.handle_input(Duration::ZERO, piece), piece.len());
        }
        let Some(ClientEvent::Event(package)) = client.poll_event() else { panic!("no event") };
        ends(&package.data)
    };

    let mut rows = vec![
        Row {
            work: "thingsdb: framing, packages of 64 bytes",
            bytes: stream.len(),
            goal: 0.5,
            ours: Side::new("Decoder", walk(stream), || walk(stream)),
            rival: Side::new("a loop that reads LEN, checks CHK and skips", walk_by_hand(stream), || {
                walk_by_hand(stream)
            }),
        },
        Row {
            work: "thingsdb: answer of 1000 small maps, typed, borrowed",
            bytes: answer.len(),
            goal: 0.95,
            ours: Side::new("AnswerRef, `payload`", typed(), typed),
            rival: Side::new("`rmp-serde` on the bare data", bare(), bare),
        },
        Row {
            work: "thingsdb: 20 MiB in reads of 64 KiB",
            bytes: event.len(),
            goal: 0.5,
            ours: Side::new("Client", deliver(), deliver),
            rival: Side::new("one copy of the data", ends(large), || {
                let copy = black_box(large.to_vec());
                ends(&copy)
            }),
        },
    ];
    if let Some(python) = leak(Python::start(PYTHON)) {
        rows.push(Row {
            work: "thingsdb: framing, packages of 64 bytes",
            bytes: stream.len(),
            goal: 100.0,
            ours: Side::new("Decoder", walk(stream), || walk(stream)),
            rival: python.side("framing", "python-thingsdb, `Protocol`", stream),
        });
    }
    rows
}

/// Ours.
fn walk(input: &[u8]) -> u64 {
    let (mut decoder, mut sum) = (Decoder::new(), 0_u64);
    for mut piece in input.chunks(READ) {
        while let Decoded::Complete { value, consumed } = decoder.decode(piece).expect("valid") {
            sum = sum.wrapping_add(u64::from(value.id)).wrapping_add(value.data.len() as u64);
            piece = &piece[consumed..];
        }
        assert_eq!(piece, b"");
    }
    sum
}

/// By hand, without limits, offsets and errors.
fn walk_by_hand(input: &[u8]) -> u64 {
    let mut sum = 0_u64;
    for mut piece in input.chunks(READ) {
        while let Some((header, rest)) = piece.split_first_chunk::<8>() {
            let [a, b, c, d, e, f, kind, check] = *header;
            assert_eq!(kind, !check);
            let len = u32::from_le_bytes([a, b, c, d]) as usize;
            let Some(after) = rest.get(len..) else { break };
            sum = sum.wrapping_add(u64::from(u16::from_le_bytes([e, f]))).wrapping_add(len as u64);
            piece = after;
        }
        assert_eq!(piece, b"");
    }
    sum
}

/// Whether all of it is there, cheap enough not to be what is measured.
fn ends(data: &[u8]) -> u64 {
    let at = |index: usize| u64::from(data[index]);
    data.len() as u64 + at(0) + at(data.len() / 2) + at(data.len() - 1)
}

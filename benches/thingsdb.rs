//! thingsdb-wire by itself: `cargo bench -p benches --bench thingsdb`.
#![expect(missing_docs, reason = "what criterion's macros make")]

use core::time::Duration;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use thingsdb_wire::v1::{self, Credentials, EventRef, RequestRef};
use thingsdb_wire::{Body, Client, ClientEvent, Config, Decoded, Decoder, PackageRef, Server, ServerEvent};

const NOW: Duration = Duration::ZERO;

/// 4096 events of a room.
fn events() -> Vec<u8> {
    let mut stream = Vec::new();
    let data = b"\x84\xa5scope\xb1@collection:stuff\xa2id\x05\xa5event\xabnew-message\xa4args\x91\xa6Hello!";
    for id in 0..4096 {
        PackageRef { id, kind: v1::Kind::ROOM_EMIT.0, data }.encode(&mut stream).expect("encodes");
    }
    stream
}

fn decode(c: &mut Criterion) {
    let stream = events();
    let mut group = c.benchmark_group("thingsdb/decode");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("events, typed", |b| {
        b.iter(|| {
            let (mut decoder, mut rest, mut sum) = (Decoder::new(), stream.as_slice(), 0);
            while let Decoded::Complete { value, consumed } = decoder.decode(rest).expect("valid") {
                let EventRef::RoomEmit { room, args, .. } = EventRef::decode(value).expect("valid") else { panic!() };
                sum += room.id + args.len() as i64;
                rest = &rest[consumed..];
            }
            sum
        });
    });
    group.bench_function("client, in 1 KiB pieces", |b| {
        b.iter(|| {
            let mut client = Client::new(&Config::new(&v1::DIALECT), NOW);
            let mut events = 0;
            for piece in stream.chunks(1024) {
                assert_eq!(client.handle_input(NOW, piece), piece.len());
                while let Some(ClientEvent::Event(_)) = client.poll_event() {
                    events += 1;
                }
            }
            events
        });
    });
    group.finish();
}

/// Requests and answers between a client and a server, one at a time.
fn exchange(c: &mut Criterion) {
    let config = Config::new(&v1::DIALECT);
    let (mut client, mut server) = (Client::new(&config, NOW), Server::new(&config, NOW));
    let auth = RequestRef::Auth(Credentials::Token("0123456789012345678901"));
    client.request(NOW, auth.to_body().expect("fits")).expect("open");
    let query = RequestRef::Query { scope: "@t", code: "1 + 1;", variables: None };
    let mut turn = move |request: bool| {
        if request {
            client.request(NOW, query.to_body().expect("fits")).expect("authenticated");
        }
        while let Some(bytes) = client.poll_transmit() {
            assert_eq!(server.handle_input(NOW, &bytes), bytes.len());
        }
        match server.poll_event() {
            Some(ServerEvent::Request(package)) => {
                let two = Body::new(v1::Kind::DATA, &b"\x02"[..]);
                server.answer(NOW, package.id, two).expect("it waits");
            }
            _ => server.accept(NOW).expect("it asks"),
        }
        while let Some(bytes) = server.poll_transmit() {
            assert_eq!(client.handle_input(NOW, &bytes), bytes.len());
        }
        client.poll_event().expect("an answer")
    };
    assert_eq!(turn(false), ClientEvent::Authenticated);
    c.bench_function("thingsdb/request and answer", |b| b.iter(|| turn(true)));
}

criterion_group!(benches, decode, exchange);
criterion_main!(benches);

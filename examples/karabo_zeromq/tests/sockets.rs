//! Both ends over TCP and over Unix sockets: servers that say nothing, that go and come back, receives that are cancelled, large parts, and
//! who does not read. Waiting is bounded, and no time is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "a test may panic"
)]

use core::time::Duration;

use bytes::Bytes;
use karabo_bridge::Message;
use karabo_zeromq::{Client, ClientSocket, Error, Received, Server, ServerSocket, block_on};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use zeromq::{RepSocket, Socket, SocketRecv, SocketSend, ZmqMessage};

const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough to be asked in, short enough to be waited for.
const MOMENT: Duration = Duration::from_millis(200);
const ANY: &str = "tcp://127.0.0.1:0";
const PAIRS: [(ServerSocket, ClientSocket); 3] = [
    (ServerSocket::Reply, ClientSocket::Request),
    (ServerSocket::Publish, ClientSocket::Subscribe),
    (ServerSocket::Push, ClientSocket::Pull),
];

/// Runs it, and does not wait for ever.
fn run<T>(test: impl Future<Output = T>) -> T {
    block_on(async { timeout(PATIENCE, test).await }, Duration::ZERO).unwrap().expect("done within a minute")
}

/// A train of two parts, with a number and so many bytes.
fn train(number: u8, len: usize) -> Vec<Bytes> {
    let header = b"\x83\xa6source\xa1S\xa7content\xa7msgpack\xa8metadata\x81\xadtimestamp.tid";
    let body = [&b"\x81\xa1a\xc6"[..], &u32::try_from(len).unwrap().to_be_bytes(), &vec![number; len]].concat();
    vec![[&header[..], &[number]].concat().into(), body.into()]
}

fn tid(received: &Received) -> u64 {
    let Ok(Message::Train(train)) = &received.message else { panic!("{received:?}") };
    train.as_ref().tid().unwrap()
}

fn client(endpoint: &str, how: ClientSocket) -> Client {
    Client::new(endpoint, how).unwrap().with_timeout(PATIENCE)
}

/// A server that says what a test wants it to say.
async fn silent() -> (RepSocket, String) {
    let mut socket = RepSocket::new();
    let endpoint = socket.bind(ANY).await.unwrap().to_string();
    (socket, endpoint)
}

async fn asked(socket: &mut RepSocket) {
    assert_eq!(socket.recv().await.unwrap().into_vec(), [&b"next"[..]]);
}

async fn answer(socket: &mut RepSocket, parts: Vec<Bytes>) {
    socket.send(ZmqMessage::try_from(parts).unwrap()).await.unwrap();
}

/// At a place that was somebody's a moment ago.
async fn bind_again(place: &str, how: ServerSocket) -> Server {
    loop {
        match Server::bind(place, how).await {
            Ok(server) => return server,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

#[test]
fn an_answer_that_does_not_come_asks_for_another_socket() {
    run(async {
        let (mut server, endpoint) = silent().await;
        let mut client = Client::new(&endpoint, ClientSocket::Request).unwrap().with_timeout(MOMENT);
        let (outcome, ()) = tokio::join!(client.next(), asked(&mut server));
        assert!(matches!(outcome, Err(Error::TimedOut(MOMENT))), "{outcome:?}");
        assert_eq!(client.sockets(), 1);

        let mut client = client.with_timeout(PATIENCE);
        let (received, ()) = tokio::join!(client.next(), async {
            asked(&mut server).await;
            answer(&mut server, train(7, 10)).await;
        });
        assert_eq!((tid(&received.unwrap()), client.sockets()), (7, 2));
    });
}

#[test]
fn a_server_that_dies_after_the_request_and_is_started_again() {
    run(async {
        let (mut server, endpoint) = silent().await;
        let mut client = client(&endpoint, ClientSocket::Request);
        let restart = async {
            asked(&mut server).await;
            drop(server);
            let server = bind_again(&endpoint, ServerSocket::Reply).await;
            server.send(train(8, 10)).await.unwrap();
            server
        };
        let (received, server) = tokio::join!(client.next(), restart);
        assert_eq!((tid(&received.unwrap()), client.sockets()), (8, 2));
        // And it goes on.
        server.send(train(9, 10)).await.unwrap();
        assert_eq!((tid(&client.next().await.unwrap()), client.sockets()), (9, 2));
    });
}

#[test]
fn who_gives_up_waiting_gets_the_same_answer_later() {
    run(async {
        let (mut server, endpoint) = silent().await;
        let mut client = client(&endpoint, ClientSocket::Request);
        tokio::select! {
            received = client.next() => panic!("{received:?}"),
            () = asked(&mut server) => {}
        }
        answer(&mut server, train(1, 10)).await;
        assert_eq!(tid(&client.next().await.unwrap()), 1);
        tokio::select! {
            received = client.next() => panic!("{received:?}"),
            () = asked(&mut server) => {}
        }
        answer(&mut server, train(2, 10)).await;
        assert_eq!((tid(&client.next().await.unwrap()), client.sockets()), (2, 1));
    });
}

#[test]
fn receives_that_are_cancelled_lose_nothing_of_a_large_part() {
    for (serves, receives) in PAIRS {
        run(async {
            let server = Server::bind(ANY, serves).await.unwrap();
            let due = train(3, 64 << 20);
            let mut client = client(server.endpoint(), receives);
            let publish = async {
                loop {
                    server.send(due.clone()).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            let receive = async {
                let mut cancelled = 0;
                loop {
                    match timeout(Duration::from_millis(1), client.next()).await {
                        Ok(received) => return (received.unwrap().parts, cancelled),
                        Err(_) => cancelled += 1,
                    }
                }
            };
            let (parts, cancelled) = tokio::select! {
                received = receive => received,
                () = publish => unreachable!("it has no end"),
            };
            assert!(cancelled > 0, "{serves:?}");
            assert_eq!(parts.iter().map(Bytes::len).collect::<Vec<_>>(), [due[0].len(), due[1].len()], "{serves:?}");
            assert!(parts == due, "{serves:?}");
            assert_eq!(client.sockets(), 1, "{serves:?}");
        });
    }
}

#[test]
fn servers_that_come_back_are_found_again() {
    for (serves, receives) in PAIRS {
        run(async {
            let mut server = Server::bind(ANY, serves).await.unwrap();
            let endpoint = server.endpoint().to_owned();
            let mut client = client(&endpoint, receives);
            for round in 1..=3_u8 {
                let send = async {
                    loop {
                        // A publisher speaks to nobody at first.
                        server.send(train(round, 100)).await.unwrap();
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                };
                let receive = async {
                    loop {
                        // Of the last round one may be on its way.
                        if tid(&client.next().await.unwrap()) == u64::from(round) {
                            break;
                        }
                    }
                };
                tokio::select! {
                    () = receive => {}
                    () = send => unreachable!("it has no end"),
                }
                drop(server);
                server = bind_again(&endpoint, serves).await;
            }
            assert_eq!(client.sockets(), 3, "{serves:?}");
        });
    }
}

#[test]
fn a_client_may_come_before_its_server() {
    run(async {
        let place = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let endpoint = format!("tcp://{place}");
        let mut client = client(&endpoint, ClientSocket::Request);
        let server = async {
            tokio::time::sleep(MOMENT).await;
            let server = bind_again(&endpoint, ServerSocket::Reply).await;
            server.send(train(4, 1)).await.unwrap();
            server
        };
        let (received, _server) = tokio::join!(client.next(), server);
        assert_eq!(tid(&received.unwrap()), 4);

        let mut nobody = Client::new("tcp://127.0.0.1:1", ClientSocket::Pull).unwrap().with_timeout(MOMENT);
        assert_eq!(
            nobody.next().await.unwrap_err().to_string(),
            "never connected (nobody listens there: connection refused)"
        );
    });
}

/// Who listens, and says this as soon as it was spoken to. For ever, and again and again.
async fn stranger(says: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut connections = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut greeting = [0; 10];
            // Who looks whether anybody is there says nothing.
            if connection.read_exact(&mut greeting).await.is_ok() && !says.is_empty() {
                let _ = connection.write_all(says).await;
            } else {
                connections.push(connection);
            }
        }
    });
    format!("tcp://{place}")
}

#[test]
fn what_stands_against_a_connection() {
    const STRANGE: &str = "something is there, and it does not answer as ZeroMQ does";
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for how in [ClientSocket::Request, ClientSocket::Subscribe, ClientSocket::Pull] {
        run(async {
            let mut all = vec![
                (format!("tcp://{gone}"), "nobody listens there: connection refused"),
                (stranger(b"").await, STRANGE),
                (stranger(b"HTTP/1.1 400 Bad Request\r\nServer: one that is not meant\r\n\r\n........").await, STRANGE),
            ];
            if cfg!(unix) {
                all.push(("ipc:///tmp/there is no such place/at all".to_owned(), "there is no such file"));
            }
            for (place, due) in all {
                let mut client = Client::new(&place, how).unwrap().with_timeout(MOMENT);
                let outcome = client.next().await;
                let Err(Error::Unreachable { was_up: false, why }) = outcome else { panic!("{outcome:?}") };
                assert_eq!(why, due, "{place}");
            }
        });
    }
}

#[test]
fn who_watches_is_told_once_until_there_was_a_connection() {
    run(async {
        let place = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let endpoint = format!("tcp://{place}");
        let mut client = client(&endpoint, ClientSocket::Request);
        let mut watch = client.watch();
        tokio::select! {
            received = client.next() => panic!("{received:?}"),
            missing = watch.missing(MOMENT) => {
                assert_eq!(missing.to_string(), "never connected (nobody listens there: connection refused)");
            }
        }
        let again = timeout(MOMENT * 3, watch.missing(MOMENT));
        tokio::select! {
            received = client.next() => panic!("{received:?}"),
            missing = again => assert!(missing.is_err(), "{missing:?}"),
        }
        let server = bind_again(&endpoint, ServerSocket::Reply).await;
        server.send(train(1, 1)).await.unwrap();
        // It is told of the connection while it comes.
        let received = tokio::select! {
            received = client.next() => received,
            missing = watch.missing(PATIENCE) => panic!("{missing:?}"),
        };
        assert_eq!(tid(&received.unwrap()), 1);
        assert!(timeout(MOMENT, watch.missing(Duration::ZERO)).await.is_err());
        drop(server);
        tokio::select! {
            received = client.next() => panic!("{received:?}"),
            missing = watch.missing(MOMENT) => {
                assert!(matches!(missing, Error::Unreachable { was_up: true, .. }), "{missing:?}");
            }
        }
    });
}

#[test]
fn a_socket_of_the_wrong_kind_is_told_at_once() {
    run(async {
        let server = Server::bind(ANY, ServerSocket::Reply).await.unwrap();
        for (how, due) in [
            (ClientSocket::Subscribe, "its socket is not one for sub: try --socket req or --socket pull"),
            (ClientSocket::Pull, "its socket is not one for pull: try --socket req or --socket sub"),
        ] {
            assert_eq!(client(server.endpoint(), how).next().await.unwrap_err().to_string(), due);
        }
        let server = Server::bind(ANY, ServerSocket::Push).await.unwrap();
        let outcome = client(server.endpoint(), ClientSocket::Request).next().await;
        let due = "its socket is not one for req: try --socket sub or --socket pull";
        assert_eq!(outcome.unwrap_err().to_string(), due);
    });
}

#[test]
fn a_place_that_is_taken() {
    run(async {
        let server = Server::bind(ANY, ServerSocket::Push).await.unwrap();
        let outcome = Server::bind(server.endpoint(), ServerSocket::Push).await;
        assert!(matches!(outcome, Err(Error::Transport(_))), "{outcome:?}");
    });
}

#[test]
fn a_message_of_which_nothing_can_be_read_costs_no_other() {
    run(async {
        let server = Server::bind(ANY, ServerSocket::Reply).await.unwrap();
        let mut client = client(server.endpoint(), ClientSocket::Request);
        for (parts, good) in [(train(1, 5), true), (vec![Bytes::from_static(b"\xc1")], false), (train(2, 5), true)] {
            server.send(parts.clone()).await.unwrap();
            let received = client.next().await.unwrap();
            assert_eq!((received.message.is_ok(), received.parts), (good, parts));
        }
        assert_eq!(client.sockets(), 1);
    });
}

#[test]
fn each_request_gets_the_next_train_whoever_asks() {
    run(async {
        let server = Server::bind(ANY, ServerSocket::Reply).await.unwrap();
        let mut clients =
            [client(server.endpoint(), ClientSocket::Request), client(server.endpoint(), ClientSocket::Request)];
        for number in 1..=6_u8 {
            server.send(train(number, 5)).await.unwrap();
            let client = &mut clients[usize::from(number % 2)];
            assert_eq!(tid(&client.next().await.unwrap()), u64::from(number));
        }
        assert_eq!(server.close(PATIENCE).await.sent, 6);
    });
}

/// The transport queues 100 000 messages for each who does not read, so that a test without our count of trains would take 32 GB.
#[test]
fn who_does_not_read_costs_a_few_trains_of_memory() {
    const SENT: u64 = 1000;
    let large = train(1, 32 << 20);
    for (serves, receives) in [PAIRS[1], PAIRS[2]] {
        let counts = run(async {
            let server = Server::bind(ANY, serves).await.unwrap();
            let mut client = client(server.endpoint(), receives);
            // Until it is known to the server.
            let greet = async {
                loop {
                    server.send(train(0x7f, 1)).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::select! {
                received = client.next() => assert_eq!(tid(&received.unwrap()), 0x7f),
                () = greet => unreachable!("it has no end"),
            }
            let before = server.counts();
            let send = async {
                for _ in 0..SENT {
                    server.send(large.clone()).await.unwrap();
                    tokio::task::yield_now().await;
                }
            };
            // A pusher waits, and a publisher does not.
            let _ = timeout(MOMENT * 5, send).await;
            let after = server.counts();
            (after.sent - before.sent, after.dropped - before.dropped)
        });
        let (sent, dropped) = counts;
        assert!(sent <= 4, "{serves:?} {counts:?}");
        if serves == ServerSocket::Publish {
            assert_eq!(sent + dropped, SENT, "{counts:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn unix_sockets_and_what_a_dead_server_left_of_them() {
    let path = std::env::temp_dir().join(format!("karabo_zeromq-{}.sock", std::process::id()));
    let endpoint = format!("ipc://{}", path.display());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "it is left");
    run(async {
        for (number, (serves, receives)) in (1..).zip(PAIRS) {
            let server = bind_again(&endpoint, serves).await;
            let mut client = client(&endpoint, receives);
            let send = async {
                loop {
                    server.send(train(number, 300)).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::select! {
                received = client.next() => assert_eq!(tid(&received.unwrap()), u64::from(number)),
                () = send => unreachable!("it has no end"),
            }
            let taken = Server::bind(&endpoint, serves).await;
            assert!(matches!(taken, Err(Error::Transport(_))), "a living server keeps its place: {taken:?}");
        }
    });
    let _ = std::fs::remove_file(path);
}

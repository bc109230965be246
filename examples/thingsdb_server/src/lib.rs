//! A ThingsDB node in memory, over tokio: to try clients with, in v1 and in the qpack dialect of 2019.
//!
//! `connection.rs` is the loop around [`thingsdb_wire::Server`], the part to copy. `v1.rs` and `legacy.rs` read requests and
//! write answers, `node.rs` is what all connections share, and `code.rs` a toy in the place of ThingsDB's language.
#![expect(clippy::std_instead_of_alloc, reason = "a program, which has std")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what does not matter here is passed over")]

mod code;
mod connection;
mod legacy;
mod node;
mod v1;

use core::fmt;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use thingsdb_wire::Dialect;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

pub use crate::legacy::TOKEN as TOKEN_LEGACY;
pub use crate::v1::TOKEN as TOKEN_V1;

/// Name and password of the only user.
pub const USER: (&str, &str) = ("admin", "pass");

/// Connections at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 1024;

/// One of the dialects that the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Spoken {
    /// MessagePack, since 2020.
    V1,
    /// qpack, of 2019 (S2).
    Legacy,
}

impl Spoken {
    fn dialect(self) -> Dialect {
        match self {
            Self::V1 => thingsdb_wire::v1::DIALECT,
            Self::Legacy => thingsdb_wire::legacy::S2,
        }
    }
}

/// How to serve.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a program, not a library that grows")]
pub struct Settings {
    /// What clients speak; without, each connection's first request tells.
    pub spoken: Option<Spoken>,
    /// Where to say what happens.
    pub log: fn(fmt::Arguments<'_>),
}

/// Where connections come from.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Listener {
    /// A port.
    Tcp(TcpListener),
    /// A path.
    #[cfg(unix)]
    Unix(UnixListener),
}

/// Serves until `quit` is done; then tells all clients that the node shuts down, and gives them a second to hear it.
pub async fn serve(listener: Listener, settings: Settings, quit: impl Future<Output = ()>) {
    let node = node::shared();
    let (stop, stopped) = watch::channel(());
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    tokio::pin!(quit);
    loop {
        // It is never closed, and so always gives a permit in the end.
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit,
            () = &mut quit => break,
        };
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut quit => break,
        };
        let (node, stopped) = (Arc::clone(&node), stopped.clone());
        match accepted {
            Ok(stream) => drop(tokio::spawn(async move {
                match stream {
                    Stream::Tcp(stream) => connection::run(stream, node, settings, stopped).await,
                    #[cfg(unix)]
                    Stream::Unix(stream) => connection::run(stream, node, settings, stopped).await,
                }
                drop(permit);
            })),
            // Out of file descriptors, or a client that was gone again: neither is a reason to end.
            Err(error) => {
                (settings.log)(format_args!("not accepted: {error}"));
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    drop(stopped);
    let _ = stop.send(());
    // Until the last connection has let go of its end.
    let _ = timeout(Duration::from_secs(1), stop.closed()).await;
}

enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

async fn accept(listener: &Listener) -> io::Result<Stream> {
    Ok(match listener {
        Listener::Tcp(listener) => {
            let (stream, _) = listener.accept().await?;
            // An answer is a few bytes that should not wait for more.
            let _ = stream.set_nodelay(true);
            Stream::Tcp(stream)
        }
        #[cfg(unix)]
        Listener::Unix(listener) => Stream::Unix(listener.accept().await?.0),
    })
}

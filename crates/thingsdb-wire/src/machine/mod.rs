mod client;
mod config;
mod dialect;
mod event;
mod feed;
mod keep_alive;
mod outbox;
mod rooms;
mod server;

pub use client::Client;
pub use config::Config;
pub use dialect::{Change, Dialect, Exchange, FromClient, FromServer, Reply, Rooms};
pub use event::{ClientEvent, CloseReason, Error, Joined, ServerEvent, UsageError};
pub use server::Server;

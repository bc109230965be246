use super::Kind;
use crate::limits::Limits;
use crate::machine::{Dialect, FromClient, FromServer, Reply};

/// For [`Client`](crate::Client), which is the node here, and [`Server`](crate::Server), which is the module. The configuration takes
/// the place of the authentication: requests may go out if it was not sent, or was accepted.
pub const DIALECT: Dialect = Dialect {
    name: "module",
    limits: Limits::V1,
    from_client,
    from_server,
    ping: None,
    auth_id: Some(0),
    auth_optional: true,
    accepted: Reply { kind: Kind::CONF_OK.0, data: &[] },
    denied: Reply { kind: Kind::CONF_ERR.0, data: &[] },
    // [-63, ...]; a module takes requests at any time, so that it never says this.
    unauthenticated: Reply { kind: Kind::ERR.0, data: b"\x92\xd0\xc1\xaenot configured" },
    event_id: 0,
    first_id: 0,
    rooms: |_, _| {},
};

fn from_client(kind: u8) -> FromClient {
    match Kind(kind) {
        Kind::CONF => FromClient::Auth,
        Kind::REQ => FromClient::Request,
        _ => FromClient::Unknown,
    }
}

fn from_server(kind: u8) -> FromServer {
    match Kind(kind) {
        Kind::CONF_OK => FromServer::Accepted,
        Kind::CONF_ERR => FromServer::Denied,
        Kind::RES => FromServer::Answer,
        Kind::ERR => FromServer::Error,
        _ => FromServer::Unknown,
    }
}

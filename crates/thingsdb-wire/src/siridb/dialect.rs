use super::{Answer, Request};
use crate::limits::Limits;
use crate::machine::{Dialect, FromClient, FromServer, Reply};

/// For [`Client`](crate::Client) and [`Server`](crate::Server).
pub const DIALECT: Dialect = Dialect {
    name: "siridb",
    limits: Limits::SIRIDB,
    from_client,
    from_server,
    ping: Some((Request::PING.0, Answer::ACK.0)),
    auth_id: None,
    auth_optional: false,
    accepted: Reply { kind: Answer::AUTH_SUCCESS.0, data: &[] },
    denied: Reply { kind: Answer::ERR_AUTH_CREDENTIALS.0, data: &[] },
    unauthenticated: Reply { kind: Answer::ERR_NOT_AUTHENTICATED.0, data: &[] },
    // There are no events.
    event_id: 0,
    first_id: 1,
    rooms: |_, _| {},
};

fn from_client(kind: u8) -> FromClient {
    match Request(kind) {
        Request::AUTH => FromClient::Auth,
        // A SERVICE brings its own user and password.
        Request::PING | Request::SERVICE => FromClient::Open,
        Request::QUERY | Request::INSERT | Request::REGISTER_SERVER => FromClient::Request,
        Request::FILE_SERVERS | Request::FILE_USERS | Request::FILE_GROUPS | Request::FILE_DATABASE => {
            FromClient::Request
        }
        _ => FromClient::Unknown,
    }
}

fn from_server(kind: u8) -> FromServer {
    match Answer(kind) {
        Answer(64..=75) | Answer::ERR_SERVICE | Answer::ERR_INVALID_SERVICE => FromServer::Error,
        Answer::QUERY | Answer::INSERT | Answer::AUTH_SUCCESS | Answer::ACK | Answer::FILE => FromServer::Answer,
        Answer::SERVICE_OK | Answer::SERVICE_DATA => FromServer::Answer,
        _ => FromServer::Unknown,
    }
}

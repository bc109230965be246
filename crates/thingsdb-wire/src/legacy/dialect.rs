use alloc::string::ToString;

use super::{Collection, EventRef, Kind, RequestRef, State};
use crate::limits::Limits;
use crate::machine::{Change, Dialect, Exchange, FromClient, FromServer, Reply};

/// What a WATCH without data is remembered as: the status of nodes alone. No thing has this ID.
const NODE_STATUS: i64 = 0;

/// [`State::S1`](super::State::S1), for [`Client`](crate::Client) and [`Server`](crate::Server).
pub const S1: Dialect = Dialect {
    name: "legacy S1",
    limits: Limits::LEGACY,
    from_client: queries_by_target,
    from_server: errors_by_type,
    ping: Some((Kind::PING.0, Kind::RES_PING.0)),
    auth_id: None,
    auth_optional: false,
    accepted: Reply { kind: Kind::RES_AUTH.0, data: &[] },
    // {"error_code": -99, "error_msg": ...}
    denied: Reply {
        kind: Kind::ERR_AUTH.0,
        data: b"\xf5\x8aerror_code\xe8\x9d\x89error_msg\x9cinvalid username or password",
    },
    unauthenticated: Reply {
        kind: Kind::ERR_AUTH.0,
        data: b"\xf5\x8aerror_code\xe8\x9d\x89error_msg\x9fconnection is not authenticated",
    },
    event_id: 0,
    first_id: 1,
    rooms,
};

/// [`State::S2`](super::State::S2), for [`Client`](crate::Client) and [`Server`](crate::Server).
pub const S2: Dialect = Dialect {
    name: "legacy S2",
    from_server: one_error,
    // {"error_code": -56, "error_msg": ...}
    denied: Reply {
        kind: Kind::RES_ERROR.0,
        data: b"\xf5\x8aerror_code\x77\x89error_msg\x9cinvalid username or password",
    },
    unauthenticated: Reply {
        kind: Kind::RES_ERROR.0,
        data: b"\xf5\x8aerror_code\x77\x89error_msg\x9fconnection is not authenticated",
    },
    ..S1
};

/// [`State::September`](super::State::September), for [`Client`](crate::Client) and [`Server`](crate::Server).
pub const SEPTEMBER: Dialect = Dialect { name: "legacy September", from_client: one_query, ..S2 };

fn queries_by_target(kind: u8) -> FromClient {
    match Kind(kind) {
        Kind::QUERY_THINGSDB | Kind::QUERY_COLLECTION => FromClient::Request,
        _ => one_query(kind),
    }
}

fn one_query(kind: u8) -> FromClient {
    match Kind(kind) {
        Kind::AUTH => FromClient::Auth,
        Kind::PING => FromClient::Open,
        Kind::QUERY | Kind::RUN => FromClient::Request,
        Kind::WATCH | Kind::UNWATCH => FromClient::Room,
        _ => FromClient::Unknown,
    }
}

fn errors_by_type(kind: u8) -> FromServer {
    match Kind(kind) {
        Kind(96..=105) | Kind::ERR_INTERNAL => FromServer::Error,
        _ => one_error(kind),
    }
}

fn one_error(kind: u8) -> FromServer {
    match Kind(kind) {
        Kind::RES_PING | Kind::RES_AUTH | Kind::RES_QUERY | Kind::RES_WATCH | Kind::RES_UNWATCH => FromServer::Answer,
        Kind::RES_ERROR => FromServer::Error,
        Kind(16..=31) => FromServer::Event,
        _ => FromServer::Unknown,
    }
}

/// Data that does not decode changes nothing: the caller gets it too. All states have the same requests and events here, but
/// for arrays in September, of which nothing is known.
fn rooms(exchange: Exchange<'_>, change: &mut dyn FnMut(Change<'_>)) {
    match exchange {
        Exchange::Answered { request, .. } => {
            let (things, joins) = match RequestRef::decode(request, State::S2) {
                Ok(RequestRef::Watch(things)) => (things, true),
                Ok(RequestRef::Unwatch(things)) => (things, false),
                _ => return,
            };
            let id_of_collection;
            let scope = match things.map(|things| things.collection) {
                None => "",
                Some(Collection::Name(name)) => name,
                Some(Collection::Id(id)) => {
                    id_of_collection = id.to_string();
                    &id_of_collection
                }
            };
            if things.is_none() && joins {
                change(Change::Joined { scope, id: NODE_STATUS });
            }
            for id in things.into_iter().flat_map(|things| things.ids.iter()) {
                change(if joins { Change::Joined { scope, id } } else { Change::Left { scope: Some(scope), id } });
            }
        }
        Exchange::Event(event) => {
            match EventRef::decode(event) {
                // No thing has the ID that stands for the status of nodes.
                Ok(EventRef::WatchDel { id }) if id != NODE_STATUS => change(Change::Left { scope: None, id }),
                _ => {}
            }
        }
    }
}

use alloc::string::{String, ToString};

use super::{AnswerRef, EventRef, Kind, RequestRef, Room, Scope};
use crate::limits::Limits;
use crate::machine::{Change, Dialect, Exchange, FromClient, FromServer, Reply};

/// For [`Client`](crate::Client) and [`Server`](crate::Server).
pub const DIALECT: Dialect = Dialect {
    name: "v1",
    limits: Limits::V1,
    from_client,
    from_server,
    ping: Some((Kind::PING.0, Kind::PONG.0)),
    auth_id: None,
    auth_optional: false,
    accepted: Reply { kind: Kind::OK.0, data: &[] },
    // {"error_code": -56, "error_msg": ...}
    denied: Reply {
        kind: Kind::ERROR.0,
        data: b"\x82\xaaerror_code\xd0\xc8\xa9error_msg\xbcinvalid username or password",
    },
    unauthenticated: Reply {
        kind: Kind::ERROR.0,
        data: b"\x82\xaaerror_code\xd0\xc8\xa9error_msg\xbfconnection is not authenticated",
    },
    event_id: u16::MAX,
    first_id: 1,
    rooms,
};

fn from_client(kind: u8) -> FromClient {
    match Kind(kind) {
        Kind::AUTH => FromClient::Auth,
        Kind::PING | Kind::WATCH | Kind::UNWATCH => FromClient::Open,
        Kind::QUERY | Kind::RUN | Kind::EMIT | Kind::EMIT_PEER => FromClient::Request,
        Kind::JOIN | Kind::LEAVE => FromClient::Room,
        _ => FromClient::Unknown,
    }
}

fn from_server(kind: u8) -> FromServer {
    match Kind(kind) {
        Kind::PONG | Kind::OK | Kind::DATA => FromServer::Answer,
        Kind::ERROR => FromServer::Error,
        // By the numbering's own plan: old servers tell of watched things with 1 to 4, later ones may tell more.
        Kind(..=15) => FromServer::Event,
        _ => FromServer::Unknown,
    }
}

/// Data that does not decode changes nothing: the caller gets it too.
fn rooms(exchange: Exchange<'_>, change: &mut dyn FnMut(Change<'_>)) {
    match exchange {
        Exchange::Answered { request, answer } => {
            let Ok(AnswerRef::Data(data)) = AnswerRef::decode(answer) else { return };
            let (scope, rooms, joins) = match RequestRef::decode(request) {
                Ok(RequestRef::Join { scope, rooms }) => (scope, rooms, true),
                Ok(RequestRef::Leave { scope, rooms }) => (scope, rooms, false),
                _ => return,
            };
            let canonical = canonical(scope);
            let scope = canonical.as_deref().unwrap_or(scope);
            let mut asked = rooms.rooms();
            if data.room_ids(|_| {}).is_err() {
                return;
            }
            // One for each that was asked for, and none for what else an answer may hold.
            let _ = data.room_ids(|id| match (asked.next(), id) {
                (Some(Room::Id(asked)), Some(id)) if asked != id => {}
                (Some(_), Some(id)) if joins => change(Change::Joined { scope, id }),
                (Some(_), Some(id)) | (Some(Room::Id(id)), None) => change(Change::Left { scope: Some(scope), id }),
                (Some(Room::Name(_)), None) | (None, _) => {}
            });
        }
        Exchange::Event(event) => match EventRef::decode(event) {
            Ok(EventRef::RoomJoin(room)) => {
                if let Some(scope) = room.scope {
                    change(Change::Joined { scope: canonical(scope).as_deref().unwrap_or(scope), id: room.id });
                }
            }
            Ok(EventRef::RoomLeave(room) | EventRef::RoomDelete(room)) => {
                let canonical = room.scope.and_then(canonical);
                change(Change::Left { scope: canonical.as_deref().or(room.scope), id: room.id });
            }
            _ => {}
        },
    }
}

/// The long form of a scope, as events have it: `//stuff` and `@:stuff` are `@collection:stuff`.
fn canonical(scope: &str) -> Option<String> {
    Scope::parse(scope).ok().map(|scope| scope.to_string())
}

//! The rooms a client is in, by SPEC.md §7.

use thingsdb_wire::legacy::{self, Collection, State, Things};
use thingsdb_wire::v1::{self, Room, RoomRef};
use thingsdb_wire::{Config, PackageRef};

/// A room joined or left; without a scope, those of all scopes are left.
pub(super) enum Step {
    Joins(String, i64),
    Leaves(Option<String>, i64),
}

/// The rooms that an event tells of.
pub(super) fn steps_of_event(config: &Config, event: PackageRef<'_>) -> Vec<Step> {
    match config.dialect.name {
        "v1" => match v1::EventRef::decode(event) {
            Ok(v1::EventRef::RoomJoin(RoomRef { scope: Some(scope), id })) => vec![Step::Joins(long(scope), id)],
            Ok(v1::EventRef::RoomLeave(room) | v1::EventRef::RoomDelete(room)) => {
                vec![Step::Leaves(room.scope.map(long), room.id)]
            }
            _ => Vec::new(),
        },
        name if name.starts_with("legacy") => match legacy::EventRef::decode(event) {
            // 0 stands for the status of nodes, which is no thing.
            Ok(legacy::EventRef::WatchDel { id }) if id != 0 => vec![Step::Leaves(None, id)],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The rooms that a request was about, now that it is answered.
pub(super) fn steps_of_answer(config: &Config, request: PackageRef<'_>, answer: PackageRef<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    match config.dialect.name {
        "v1" => {
            let (scope, rooms, joins) = match v1::RequestRef::decode(request) {
                Ok(v1::RequestRef::Join { scope, rooms }) => (long(scope), rooms, true),
                Ok(v1::RequestRef::Leave { scope, rooms }) => (long(scope), rooms, false),
                _ => return steps,
            };
            let Ok(v1::AnswerRef::Data(data)) = v1::AnswerRef::decode(answer) else { return steps };
            let mut told = Vec::new();
            if data.room_ids(|id| told.push(id)).is_err() {
                return steps;
            }
            for (room, told) in rooms.rooms().zip(told) {
                match (room, told) {
                    (Room::Id(asked), None) => steps.push(Step::Leaves(Some(scope.clone()), asked)),
                    (Room::Id(asked), Some(id)) if asked != id => {}
                    (_, Some(id)) if joins => steps.push(Step::Joins(scope.clone(), id)),
                    (_, Some(id)) => steps.push(Step::Leaves(Some(scope.clone()), id)),
                    (Room::Name(_), None) => {}
                }
            }
        }
        name if name.starts_with("legacy") => {
            if request.data.is_empty() {
                if request.kind == legacy::Kind::WATCH.0 {
                    steps.push(Step::Joins(String::new(), 0));
                }
                return steps;
            }
            // The maps of S2 in all states.
            let (Things { ids, collection }, joins) = match legacy::RequestRef::decode(request, State::S2) {
                Ok(legacy::RequestRef::Watch(Some(things))) => (things, true),
                Ok(legacy::RequestRef::Unwatch(Some(things))) => (things, false),
                _ => return steps,
            };
            let scope = match collection {
                Collection::Name(name) => name.to_owned(),
                Collection::Id(id) => id.to_string(),
            };
            for id in ids.iter() {
                steps.push(if joins { Step::Joins(scope.clone(), id) } else { Step::Leaves(Some(scope.clone()), id) });
            }
        }
        _ => {}
    }
    steps
}

/// A scope in its long form, by SPEC.md §3; as it is if it is none.
fn long(scope: &str) -> String {
    let (text, separator) = match scope.as_bytes().first() {
        Some(b'@') => (&scope[1..], ':'),
        Some(b'/') => (&scope[1..], '/'),
        _ => return scope.to_owned(),
    };
    let is_front = |word: &str, of: &str| of.get(..word.len()) == Some(word);
    match text.find(separator).map(|at| (&text[..at], &text[at + 1..])) {
        None if !text.is_empty() && is_front(text, "thingsdb") => "@thingsdb".to_owned(),
        None if !text.is_empty() && is_front(text, "node") => "@node".to_owned(),
        Some((word, name)) if is_front(word, "collection") => {
            let is_letter = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
            let is_name = (1..256).contains(&name.len())
                && is_letter(name.as_bytes()[0])
                && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit());
            if is_name { format!("@collection:{name}") } else { scope.to_owned() }
        }
        Some((word, "")) if is_front(word, "node") => "@node".to_owned(),
        Some((word, id)) if is_front(word, "node") && id.bytes().all(|byte| byte.is_ascii_digit()) => {
            match id.trim_start_matches('0') {
                "" => "@node:0".to_owned(),
                id if id.len() <= 2 && id.parse::<u8>().is_ok_and(|id| id < 64) => format!("@node:{id}"),
                _ => scope.to_owned(),
            }
        }
        _ => scope.to_owned(),
    }
}

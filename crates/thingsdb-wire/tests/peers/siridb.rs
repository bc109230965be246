//! siridb-connector against a server of ours.

use std::collections::BTreeMap;

use qpack_codec::Value;
use serde_json::json;
use testkit::Worker;
use thingsdb_wire::siridb::{Answer, AnswerRef, Credentials, DIALECT, Precision, RequestRef, ValueRef};
use thingsdb_wire::{Body, Raw, ServerEvent};

use crate::hub::{Host, Hub, Links};
use crate::{assert_version, tear};

/// A database in memory.
#[derive(Default)]
struct Database {
    series: BTreeMap<String, Vec<Value>>,
    held: Vec<(usize, u16, Body)>,
    dropped_once: bool,
    users: usize,
}

impl Host for Database {
    fn event(&mut self, from: usize, event: ServerEvent, links: &mut Links) {
        match event {
            ServerEvent::Authenticate(package) => {
                let RequestRef::Auth(credentials) = RequestRef::decode(package.as_ref()).unwrap() else {
                    unreachable!()
                };
                match credentials {
                    Credentials { user: "iris", password: "siri", database: "dbtest" } => {
                        self.users += 1;
                        links.accept(from);
                    }
                    Credentials { user: "iris", password: "siri", .. } => {
                        let unknown = AnswerRef::Error { kind: Answer::ERR_AUTH_UNKNOWN_DB, message: None };
                        links.deny_with(from, unknown.to_body().unwrap());
                    }
                    _ => links.deny(from),
                }
            }
            ServerEvent::Request(package) => {
                let answer = match RequestRef::decode(package.as_ref()).unwrap() {
                    RequestRef::Query { query: "drop once", .. } if !self.dropped_once => {
                        self.dropped_once = true;
                        return links.hang_up(from);
                    }
                    RequestRef::Query { query: "release", .. } => {
                        let held = std::mem::take(&mut self.held);
                        links.answer(from, package.id, unclosed("held", &Value::from(held.len() as i64)));
                        return held.into_iter().rev().for_each(|(from, id, body)| links.answer(from, id, body));
                    }
                    RequestRef::Query { query, .. } if query.starts_with("hold ") => {
                        return self.held.push((from, package.id, unclosed("held", &Value::from(&query[5..]))));
                    }
                    RequestRef::Query { query, precision } => self.query(package.id, query, precision),
                    RequestRef::Insert(points) => self.insert(points.value().unwrap()),
                    RequestRef::FileServers => AnswerRef::File(Raw(b"servers\x00\xff")).to_body().unwrap(),
                    RequestRef::FileUsers => AnswerRef::File(Raw(b"users")).to_body().unwrap(),
                    RequestRef::FileGroups => AnswerRef::File(Raw(b"")).to_body().unwrap(),
                    RequestRef::RegisterServer { uuid, host, port, pool } => {
                        assert_eq!((uuid, host, port, pool), (&[0; 16][..], "siridb.local", 9010, 0));
                        AnswerRef::Ack.to_body().unwrap()
                    }
                    request => panic!("{request:?}"),
                };
                links.answer(from, package.id, answer);
            }
            ServerEvent::Closed(_) => {}
            event => panic!("{event:?}"),
        }
    }
}

impl Database {
    fn query(&self, id: u16, query: &str, precision: Option<Precision>) -> Body {
        let (word, rest) = query.split_once(' ').unwrap_or((query, ""));
        match word {
            "select" => {
                let name = query.strip_prefix("select * from \"").unwrap().strip_suffix('"').unwrap();
                unclosed(name, &self.series[name].iter().cloned().collect())
            }
            "precision" => unclosed("precision", &precision.map_or(Value::Null, |precision| Value::from(precision.0))),
            "id" => unclosed("id", &Value::from(i64::from(id))),
            "drop" => unclosed("dropped", &Value::Null),
            "echo" => unclosed("echo", &Value::from(rest)),
            "error" => {
                let kind = Answer(rest.parse().unwrap());
                // From 70 on they have no data.
                let message = (kind.0 < 70).then_some(rest);
                AnswerRef::Error { kind, message }.to_body().unwrap()
            }
            _ => panic!("{query}"),
        }
    }

    fn insert(&mut self, points: ValueRef<'_>) -> Body {
        let added: Vec<(String, Vec<Value>)> = match points {
            ValueRef::Map(series) => series.iter().map(|(name, points)| (text(name), items(points))).collect(),
            ValueRef::Array(series) => {
                let series = series.iter().map(|series| series.as_map().unwrap());
                series.map(|series| (text(series.get("name").unwrap()), items(series.get("points").unwrap()))).collect()
            }
            _ => panic!("{points:?}"),
        };
        if added.is_empty() {
            return AnswerRef::Error { kind: Answer::ERR_INSERT, message: Some("nothing to insert") }
                .to_body()
                .unwrap();
        }
        let count: usize = added.iter().map(|(_, points)| points.len()).sum();
        for (name, points) in added {
            self.series.entry(name).or_default().extend(points);
        }
        AnswerRef::Insert { message: &format!("Successfully inserted {count} point(s).") }.to_body().unwrap()
    }
}

fn text(name: ValueRef<'_>) -> String {
    name.as_str().unwrap().to_owned()
}

fn items(points: ValueRef<'_>) -> Vec<Value> {
    points.as_array().unwrap().iter().map(ValueRef::into_owned).collect()
}

/// A map of one pair that is opened and never closed, as SiriDB's are.
fn unclosed(key: &str, value: &Value) -> Body {
    let mut data = vec![0xfd];
    ValueRef::Raw(key.as_bytes()).encode(&mut data).unwrap();
    value.encode(&mut data).unwrap();
    Body::new(Answer::QUERY, data)
}

fn client() -> Option<Worker> {
    let mut peer = Worker::start(include_str!("siridb_client.py"))?;
    assert_version(&mut peer, "siridb-connector", "2.1.6");
    Some(peer)
}

fn talks(torn: bool) {
    let Some(mut peer) = client() else { return };
    let hub = Hub::start(&DIALECT, Database::default(), tear(torn, 6));
    let large = if torn { 20_000 } else { 3_000_000 };
    let mut found = peer.call(&json!({"op": "talk", "port": hub.port, "large": large}));
    let held: Vec<_> = (0..20).map(|number| json!({"held": number.to_string()})).chain([json!({"held": 20})]).collect();
    let expected = json!({
        "wrong password": ["AuthenticationError", "Invalid credentials"],
        "wrong database": ["AuthenticationError", "Unknown database"],
        "insert": {"success_msg": "Successfully inserted 7 point(s)."},
        "insert a list": {"success_msg": "Successfully inserted 1 point(s)."},
        "insert nothing": ["InsertError", "nothing to insert"],
        "query": {"series-001": [[1471254705, 1.5], [1471254707, -3], [1471254709, 4]]},
        "same": [true, true],
        "precisions": [{"precision": null}, {"precision": 0}, {"precision": 1}, {"precision": 2}, {"precision": 3}],
        "held": held,
        "errors": [
            ["RuntimeError", "64"],
            ["QueryError", "65"],
            ["InsertError", "66"],
            ["ServerError", "67"],
            ["PoolError", "68"],
            ["UserAuthError", "69"],
            ["RuntimeError", "Unexpected error occurred, view siridb log for more info"],
            ["AuthenticationError", "This connection is not authenticated"],
            ["AuthenticationError", "Invalid credentials"],
            ["AuthenticationError", "Unknown database"],
            ["RuntimeError", "Error loading database, please check the SiriDB log files"],
            ["RuntimeError", "Error retreiving file"],
        ],
        "large": true,
        "ping": null,
        "files": ["7365727665727300ff", "7573657273", ""],
        "register": null,
        "ids": [{"id": 65534}, {"id": 65535}, {"id": 0}, {"id": 1}, {"id": 2}],
    });
    for (name, expected) in expected.as_object().unwrap() {
        assert_eq!(found[name].take(), *expected, "{name}");
    }
    assert_eq!(hub.stop().users, 1);
}

#[test]
fn siridb_connector_talks_to_our_server() {
    talks(false);
}

#[test]
fn siridb_connector_talks_to_our_server_that_tears_everything() {
    talks(true);
}

#[test]
fn the_other_clients_of_siridb_connector_talk_to_our_server() {
    let Some(mut peer) = client() else { return };
    let hub = Hub::start(&DIALECT, Database::default(), None);
    let found = peer.call(&json!({"op": "others", "port": hub.port}));
    let inserted = json!({"success_msg": "Successfully inserted 1 point(s)."});
    let a = json!({"a": [[1, 2]]});
    let expected = json!({
        "connect": null,
        "insert": inserted,
        "query": a,
        "dropped": {"no error": "{'dropped': None}"},
        "pool": [null],
        "pool query": a,
    });
    assert_eq!(found, expected);
    let found = peer.call(&json!({"op": "blocking", "port": hub.port}));
    assert_eq!(found, json!({"insert": inserted, "query": {"b": [[1, 2]]}, "file": "7365727665727300ff"}));
    assert_eq!(hub.stop().users, 4);
}

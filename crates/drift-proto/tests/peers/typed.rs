//! Typed data of packages, as the Python client reads it.

use drift_proto::{
    Info, ItemType, Meta, NameRef, PackageBuilder, PackageRef, StatusCode, TypedDataWriter, TypedItemRef,
};
use serde_json::{Map, Value as Json, json};
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, Worker, rng};

use crate::building::delimited;
use crate::drift_bytes::{SCRIPT, described, item, quiet, wraps, write, written};
use crate::{mutated, texts};

const NAMES: [&str; 8] = ["speed", "", "\u{e9}\u{1f600}", "a", "b", "c", "x/y", "\0"];
const STATUS: [i32; 8] = [0, 0, 0, 0, 256, 519, 1, -1];

/// What the client makes of a package: a map, or an error. It has no value for what is not good, passes values without names, and wants one for
/// each name; one value alone is a scalar, and axes are lost.
fn client(bytes: &[u8]) -> Option<Json> {
    let package = PackageRef::decode(bytes).ok().filter(|package| package.status().is_good())?;
    let data = package.typed_data().ok()??;
    // Where there is no payload, or one without bytes, there are no values here; the client has an error.
    package.payload().ok()?.filter(|payload| !payload.data().is_empty())?;
    let mut found = Map::new();
    for TypedItemRef { name, status, values } in data {
        let Some(name) = name else { continue };
        let values = values?;
        let told = quiet(json!([described(values)]))[0].take();
        let value = match &told["data"] {
            _ if !status.is_good() || values.item_type() == ItemType::None => Json::Null,
            Json::Array(list) => {
                let data = if told["shape"] == json!([1]) { list[0].clone() } else { json!(list) };
                json!([told["type"], data])
            }
            // Texts that are not UTF-8.
            _ => return None,
        };
        found.insert(name.to_owned(), value);
    }
    Some(Json::Object(found))
}

/// A package with items: names, statuses, and descriptions of values.
fn some(rng: &mut Rng) -> Json {
    let len = *rng.choose(&[0, 1, 3, 6]);
    let items: Json = (0..len).map(|_| json!([rng.choose(&NAMES), rng.choose(&STATUS), item(rng)])).collect();
    json!({"id": (rng.next_u64() as i64).to_string(), "items": items})
}

fn name(told: &Json) -> NameRef<'_> {
    NameRef { name: told[0].as_str().unwrap(), status: StatusCode(told[1].as_i64().unwrap() as i32) }
}

fn id(told: &Json) -> i64 {
    told["id"].as_str().unwrap().parse().unwrap()
}

fn built(told: &Json) -> Vec<u8> {
    let mut data = TypedDataWriter::new();
    for one in told["items"].as_array().unwrap() {
        let NameRef { name, status } = name(one);
        write(&one[2], |shape, values| match shape {
            [_] => drop(data.value(name, status, values).unwrap()),
            _ => drop(data.item(name, status, shape, values).unwrap()),
        });
    }
    PackageBuilder::new(id(told)).typed_data(data).encode_to_vec().unwrap()
}

fn read(peer: &mut Worker, packages: &[Vec<u8>]) -> Vec<Json> {
    let shown: Vec<String> = packages.iter().map(|bytes| to_hex(bytes)).collect();
    peer.call(&json!({"op": "read_typed", "packages": shown}))["packages"].as_array().unwrap().clone()
}

#[test]
fn what_is_written_is_what_python_writes_and_its_client_reads() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let (mut rng, mut bad, mut twice) = (Rng::new(rng::seed() ^ 0x7d), 0, 0);
    for _ in 0..4 {
        let told: Vec<Json> = (0..500).map(|_| some(&mut rng)).collect();
        let ours: Vec<Vec<u8>> = told.iter().map(built).collect();
        let theirs = peer.call(&json!({"op": "write_typed", "packages": told}));
        let found = read(&mut peer, &ours);
        for (index, theirs) in texts(&theirs["packages"]).into_iter().enumerate() {
            assert_eq!(to_hex(&ours[index]), theirs, "{}", told[index]);
            assert_eq!(client(&ours[index]), Some(found[index].clone()), "{}", told[index]);
            let items = told[index]["items"].as_array().unwrap();
            bad += items.iter().filter(|item| item[1] != 0).count();
            twice += items.len() - found[index].as_object().unwrap().len();
            // All that was given is there, whatever its status.
            let package = PackageRef::decode(&ours[index]).unwrap();
            let data: Vec<_> = package.typed_data().unwrap().unwrap().iter().collect();
            let again = |item: &TypedItemRef<'_>| json!([item.name, item.status.0, described(item.values.unwrap())]);
            assert_eq!(data.iter().map(again).collect::<Json>(), told[index]["items"]);
        }
    }
    assert!(bad > 500 && twice > 500, "{bad} bad, {twice} of the same name");
}

#[test]
fn what_does_not_belong_together() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let (mut rng, mut packages) = (Rng::new(rng::seed() ^ 0x7e), Vec::new());
    for index in 0..2000 {
        let told = some(&mut rng);
        let items = told["items"].as_array().unwrap();
        let names: Vec<NameRef<'_>> = items.iter().map(name).collect();
        let mut values: Vec<Json> = items.iter().map(|item| item[2].clone()).collect();
        match index % 5 {
            // More values than names, or fewer.
            0 => values.push(item(&mut rng)),
            1 => drop(values.pop()),
            _ => {}
        }
        let mut payload = written(&json!(values));
        if index % 5 == 2 {
            payload = mutated(&mut rng, &payload, 1);
        }
        let mut builder = PackageBuilder::new(id(&told));
        builder.meta = Some(Meta::new(Info::Typed(names)));
        if index % 5 == 3 {
            builder.status = StatusCode(*rng.choose(&STATUS));
            builder.meta = builder.meta.filter(|_| rng.below(4) != 0);
            // Of several payloads the last.
            builder.payload(b"\x01\0\x01\x01");
        }
        builder.payload(&payload);
        if index % 5 == 4 && rng.below(2) == 0 {
            builder.meta = Some(Meta::new(Info::Text("text/plain")));
        }
        packages.push(builder.encode_to_vec().unwrap());
    }
    let found = read(&mut peer, &packages);
    let (mut errors, mut wrapped) = (0, 0);
    for (bytes, found) in packages.iter().zip(&found) {
        let payload = PackageRef::decode(bytes).unwrap().payload().unwrap().unwrap().data();
        if client(bytes).is_none() && wraps(payload) {
            wrapped += 1;
            continue;
        }
        assert_eq!(client(bytes).unwrap_or_default(), *found, "{}", to_hex(bytes));
        errors += usize::from(found.is_null());
    }
    assert!((600..1400).contains(&errors) && wrapped < 50, "{errors} errors, {wrapped} wrapped");
}

#[test]
fn packages_without_a_payload_or_with_another_meta() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut one = |package: &str| {
        let bytes = hex(package);
        (client(&bytes), read(&mut peer, &[bytes])[0].clone())
    };
    let empty = |meta: &str| {
        let url = delimited(1, b"/drift.proto.common.DataPayload");
        let value = delimited(2, &delimited(2, b"\x01\0"));
        format!("{}{meta}", to_hex(&delimited(5, &[url, value].concat())))
    };
    let nothing = json!({});
    // The type counts, and names are those of the choice, if they are there.
    assert_eq!(one(&empty("32020805")), (Some(nothing.clone()), nothing.clone()));
    assert_eq!(one(&empty("320408052a00")), (Some(nothing.clone()), nothing.clone()));
    assert_eq!(one(&empty("32024200")), (None, Json::Null));
    assert_eq!(one(&empty("3206080542020a00")), (None, Json::Null));
    let no_bytes = to_hex(&delimited(5, &delimited(1, b"/drift.proto.common.DataPayload")));
    let named = "3206080542020a00";
    for package in ["32020805".to_owned(), named.to_owned(), no_bytes + named] {
        assert_eq!(one(&package), (None, Json::Null));
        let bytes = hex(&package);
        let data = PackageRef::decode(&bytes).unwrap().typed_data().unwrap().unwrap();
        assert_eq!(data.iter().count(), usize::from(package.ends_with(named)));
        assert!(data.iter().all(|item| item.name == Some("") && item.values.is_none()));
    }
}

//! atlas-stream beside serde_json, sonic-rs, prost, and the standard library.

use atlas_stream::{Columns, TelemetryRef};
use testkit::alloc::{assert_no_alloc, measure};

use crate::ratio::{Row, Side, leak};
use crate::work::atlas::{
    Data, count_keys, count_keys_std, decode, decode_prost, decode_protobuf, decode_serde, decode_sonic, encode, exact,
    hash, hash_prost, hash_typed, keys, long, short, sum_prost, sum_view, to_json, to_protobuf, view,
};

/// Records whose keys are read.
const KEYS: usize = 1_000_000;

/// All of them.
///
/// `float_roundtrip` of serde_json, without which its doubles are not the nearest ones, is a feature of all of it in this
/// package; no other row has numbers read by it. sonic-rs is exact by default.
pub fn rows() -> Vec<Row<'static>> {
    let (exact, short) = (&*leak(exact()), &*leak(short()));
    let message: &[u8] = leak(to_protobuf(exact));
    let keys: &[Vec<u8>] = leak(keys(KEYS));
    assert_memory(message, exact);

    let mut rows = Vec::new();
    for (data, texts) in [
        (exact, ["atlas: JSON into columns, exact", "atlas: encode JSON, exact"]),
        (short, ["atlas: JSON into columns, short", "atlas: encode JSON, short"]),
    ] {
        let [into_columns, to_text] = texts;
        let json: &[u8] = leak(to_json(data));
        let goal = if texts[0].ends_with("short") { 1.2 } else { 1.0 };
        eprintln!("atlas: {} bytes; {} in protobuf", json.len(), to_protobuf(data).len());
        let by_serde = hash_typed(&decode_serde(json));
        let by_sonic = hash_typed(&decode_sonic(json));
        let serde = Side::new("`serde_json` typed, `float_roundtrip`", by_serde, || decode_serde(json));
        let sonic = Side::new("`sonic-rs` typed", by_sonic, || decode_sonic(json));
        for (goal, rival) in [(2.5, serde), (1.5, sonic)] {
            let columns = leak(Columns::new());
            let ours = hash(&decode(json, columns));
            let ours = Side::new("Columns", ours, || decode(json, columns).len());
            rows.push(Row { work: into_columns, bytes: json.len(), goal, ours, rival });
        }
        rows.push(encoding(to_text, goal, data, json));
    }

    let columns = leak(Columns::new());
    let owned = hash(&decode_protobuf(message, columns));
    rows.push(Row {
        work: "atlas: protobuf, all doubles summed",
        bytes: message.len(),
        goal: 5.0,
        ours: Side::new("TelemetryRef", sum_view(message), || sum_view(message)),
        rival: Side::new("prost decode", sum_prost(message), || sum_prost(message)),
    });
    rows.push(Row {
        work: "atlas: protobuf into owned columns",
        bytes: message.len(),
        goal: 1.2,
        ours: Side::new("Columns", owned, || decode_protobuf(message, columns).len()),
        rival: Side::new("prost decode", hash_prost(&decode_prost(message)), || decode_prost(message)),
    });
    rows.push(Row {
        work: "atlas: a million keys",
        bytes: keys.iter().map(Vec::len).sum(),
        goal: 0.8,
        ours: Side::new("KeyRef", count_keys(keys), || count_keys(keys)),
        rival: Side::new("std: `split_once`, `match`", count_keys_std(keys), || count_keys_std(keys)),
    });
    rows
}

fn encoding(work: &'static str, goal: f64, data: &'static Data<'static>, json: &'static [u8]) -> Row<'static> {
    let columns = leak(Columns::new());
    decode(json, columns);
    let telemetry = leak(TelemetryRef::from(&*columns));
    let (ours, theirs) = (encode(telemetry), to_json(data));
    // The text of a double is the same, too.
    assert_eq!(ours, theirs);
    let written = |json: &[u8]| hash_typed(&decode_serde(json));
    Row {
        work,
        bytes: json.len(),
        goal,
        ours: Side::new("encode_json", written(&ours), || encode(telemetry)),
        rival: Side::new("`serde_json::to_vec`", written(&theirs), || to_json(data)),
    }
}

/// Views allocate nothing, nor do warm columns; cold ones as often as they grow, and not for each sample.
fn assert_memory(message: &[u8], data: &Data<'_>) {
    let json = to_json(data);
    let mut columns = Columns::new();
    decode(&json, &mut columns);
    assert_no_alloc(|| decode(&json, &mut columns).len());
    decode_protobuf(message, &mut columns);
    assert_no_alloc(|| decode_protobuf(message, &mut columns).len());
    assert!(view(message).is_in_place());
    assert_no_alloc(|| sum_view(message));

    let million = long(1_000_000);
    let mut columns = Columns::new();
    let (_, cold) = measure(|| decode(&million, &mut columns).len());
    assert!(cold.allocations < 200, "a million samples: {cold:?}");
    assert_no_alloc(|| decode(&million, &mut columns).len());
}

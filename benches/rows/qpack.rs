//! qpack beside MessagePack, and beside the Python package.

use qpack_codec::{Config, Tape, Value};

use crate::ratio::{Python, Row, Side, leak};
use crate::work::qpack::{
    PYTHON, Reading, ZeroReading, names, readings, sum, sum_zero, walk_qpack, walk_rmp, walk_rmp_nested, walk_rmpv,
    walk_tree, walk_value,
};

/// All of them; those against Python only where live peers are not skipped.
pub fn rows() -> Vec<Row<'static>> {
    let names = leak(names());
    let readings = leak(readings(names));
    let qpack: &[u8] = leak(qpack_codec::serde::to_vec(readings).expect("encodes"));
    let msgpack: &[u8] = leak(rmp_serde::to_vec_named(readings).expect("encodes"));
    eprintln!("qpack: {} bytes of qpack, {} of MessagePack", qpack.len(), msgpack.len());

    let typed = |input| sum(&qpack_codec::serde::from_slice::<Vec<Reading<'_>>>(input).expect("valid"));
    let typed_rmp = |input| sum(&rmp_serde::from_slice::<Vec<Reading<'_>>>(input).expect("valid"));
    let typed_zero = |input| sum_zero(&zerompk::from_msgpack::<Vec<ZeroReading<'_>>>(input).expect("valid"));

    let value = leak(Value::decode(qpack).expect("valid"));
    let mut tape = Tape::new();
    let tree_sum = walk_tree(tape.parse(qpack, &Config::DEFAULT).expect("valid").root());
    let packed_sum = walk_value(&Value::decode(&value.encode_to_vec().expect("encodes")).expect("valid"));
    let python = leak(Python::start(PYTHON));

    let mut rows = vec![
        Row {
            work: "qpack: token walk, `for_each_token`",
            bytes: qpack.len(),
            goal: 2.0,
            ours: Side::new("Reader", walk_qpack(qpack), || walk_qpack(qpack)),
            rival: Side::new("`rmp` token walk", walk_rmp(msgpack), || walk_rmp(msgpack)),
        },
        Row {
            work: "qpack: token walk, `for_each_token`",
            bytes: qpack.len(),
            goal: 2.0,
            ours: Side::new("Reader", walk_qpack(qpack), || walk_qpack(qpack)),
            rival: Side::new("`rmp` token walk that knows its depth", walk_rmp_nested(msgpack), || {
                walk_rmp_nested(msgpack)
            }),
        },
        Row {
            work: "qpack: token walk, `for_each_token`",
            bytes: qpack.len(),
            goal: 5.0,
            ours: Side::new("Reader", walk_qpack(qpack), || walk_qpack(qpack)),
            rival: Side::new("`rmpv` value ref", walk_rmpv(msgpack), || walk_rmpv(msgpack)),
        },
        Row {
            work: "qpack: serde decode, typed, borrowed",
            bytes: qpack.len(),
            goal: 1.5,
            ours: Side::new("from_slice", typed(qpack), move || typed(qpack)),
            rival: Side::new("`rmp-serde` typed, borrowed", typed_rmp(msgpack), move || typed_rmp(msgpack)),
        },
        Row {
            work: "qpack: serde decode, typed, borrowed",
            bytes: qpack.len(),
            goal: 1.0,
            ours: Side::new("from_slice", typed(qpack), move || typed(qpack)),
            rival: Side::new("`zerompk` typed, borrowed", typed_zero(msgpack), move || typed_zero(msgpack)),
        },
        Row {
            work: "qpack: serde encode",
            bytes: qpack.len(),
            goal: 1.3,
            ours: Side::new("to_vec", typed(&qpack_codec::serde::to_vec(readings).expect("encodes")), || {
                qpack_codec::serde::to_vec(readings)
            }),
            rival: Side::new(
                "`rmp-serde` to_vec_named",
                typed_rmp(&rmp_serde::to_vec_named(readings).expect("encodes")),
                || rmp_serde::to_vec_named(readings),
            ),
        },
    ];

    if let Some(python) = python {
        rows.push(Row {
            work: "qpack: decode to a tree, a warm `Tape`",
            bytes: qpack.len(),
            goal: 5.0,
            ours: Side::new("Tape", tree_sum, move || tape.parse(qpack, &Config::DEFAULT).expect("valid").len()),
            rival: python.side("unpackb", "Python `qpack.unpackb`, C", qpack),
        });
        rows.push(Row {
            work: "qpack: decode to a tree, an owned `Value`",
            bytes: qpack.len(),
            goal: 5.0,
            ours: Side::new("Value", walk_value(value), || Value::decode(qpack)),
            rival: python.side("unpackb", "Python `qpack.unpackb`, C", qpack),
        });
        rows.push(Row {
            work: "qpack: pack from a tree, an owned `Value`",
            bytes: qpack.len(),
            goal: 4.0,
            ours: Side::new("Value", packed_sum, || value.encode_to_vec()),
            rival: python.side("packb", "Python `qpack.packb`, C", qpack),
        });
    }
    rows
}

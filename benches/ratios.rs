//! Us and each rival, side by side: see the crate's documentation.

use std::process::ExitCode;

use benches::ratio::{self, Python, Row, Side};
use benches::work::qpack::{
    self, Reading, ZeroReading, names, readings, sum, sum_zero, walk_qpack, walk_rmp, walk_rmp_nested, walk_rmpv,
    walk_tree, walk_value,
};
use qpack_codec::{Config, Tape, Value};

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let names = names();
    let readings = readings(&names);
    let qpack = qpack_codec::serde::to_vec(&readings).expect("encodes");
    let msgpack = rmp_serde::to_vec_named(&readings).expect("encodes");
    eprintln!("document: {} bytes of qpack, {} of MessagePack", qpack.len(), msgpack.len());

    let typed = |input| sum(&qpack_codec::serde::from_slice::<Vec<Reading<'_>>>(input).expect("valid"));
    let typed_rmp = |input| sum(&rmp_serde::from_slice::<Vec<Reading<'_>>>(input).expect("valid"));
    let typed_zero = |input| sum_zero(&zerompk::from_msgpack::<Vec<ZeroReading<'_>>>(input).expect("valid"));

    let value = Value::decode(&qpack).expect("valid");
    let mut tape = Tape::new();
    let tree_sum = walk_tree(tape.parse(&qpack, &Config::DEFAULT).expect("valid").root());
    let packed_sum = walk_value(&Value::decode(&value.encode_to_vec().expect("encodes")).expect("valid"));
    let python = Python::start(qpack::PYTHON);

    let mut rows = vec![
        Row {
            work: "qpack: token walk, `for_each_token`",
            bytes: qpack.len(),
            goal: 2.0,
            ours: Side::new("Reader", walk_qpack(&qpack), || walk_qpack(&qpack)),
            rival: Side::new("`rmp` token walk", walk_rmp(&msgpack), || walk_rmp(&msgpack)),
        },
        Row {
            work: "qpack: token walk, `for_each_token`",
            bytes: qpack.len(),
            goal: 2.0,
            ours: Side::new("Reader", walk_qpack(&qpack), || walk_qpack(&qpack)),
            rival: Side::new("`rmp` token walk that knows its depth", walk_rmp_nested(&msgpack), || {
                walk_rmp_nested(&msgpack)
            }),
        },
        Row {
            work: "qpack: token walk, `for_each_token`",
            bytes: qpack.len(),
            goal: 5.0,
            ours: Side::new("Reader", walk_qpack(&qpack), || walk_qpack(&qpack)),
            rival: Side::new("`rmpv` value ref", walk_rmpv(&msgpack), || walk_rmpv(&msgpack)),
        },
        Row {
            work: "qpack: serde decode, typed, borrowed",
            bytes: qpack.len(),
            goal: 1.5,
            ours: Side::new("from_slice", typed(&qpack), || typed(&qpack)),
            rival: Side::new("`rmp-serde` typed, borrowed", typed_rmp(&msgpack), || typed_rmp(&msgpack)),
        },
        Row {
            work: "qpack: serde decode, typed, borrowed",
            bytes: qpack.len(),
            goal: 1.0,
            ours: Side::new("from_slice", typed(&qpack), || typed(&qpack)),
            rival: Side::new("`zerompk` typed, borrowed", typed_zero(&msgpack), || typed_zero(&msgpack)),
        },
        Row {
            work: "qpack: serde encode",
            bytes: qpack.len(),
            goal: 1.3,
            ours: Side::new("to_vec", typed(&qpack_codec::serde::to_vec(&readings).expect("encodes")), || {
                qpack_codec::serde::to_vec(&readings)
            }),
            rival: Side::new(
                "`rmp-serde` to_vec_named",
                typed_rmp(&rmp_serde::to_vec_named(&readings).expect("encodes")),
                || rmp_serde::to_vec_named(&readings),
            ),
        },
    ];

    if let Some(python) = &python {
        rows.push(Row {
            work: "qpack: decode to a tree, a warm `Tape`",
            bytes: qpack.len(),
            goal: 5.0,
            ours: Side::new("Tape", tree_sum, || tape.parse(&qpack, &Config::DEFAULT).expect("valid").len()),
            rival: python.side("unpackb", "Python `qpack.unpackb`, C", &qpack),
        });
        rows.push(Row {
            work: "qpack: decode to a tree, an owned `Value`",
            bytes: qpack.len(),
            goal: 5.0,
            ours: Side::new("Value", walk_value(&value), || Value::decode(&qpack)),
            rival: python.side("unpackb", "Python `qpack.unpackb`, C", &qpack),
        });
        rows.push(Row {
            work: "qpack: pack from a tree, an owned `Value`",
            bytes: qpack.len(),
            goal: 4.0,
            ours: Side::new("Value", packed_sum, || value.encode_to_vec()),
            rival: python.side("packb", "Python `qpack.packb`, C", &qpack),
        });
    }

    ratio::head();
    let (mut at_goal, mut run) = (0, 0);
    for row in rows {
        if wanted.is_empty() || wanted.iter().any(|word| row.work.contains(word.as_str())) {
            run += 1;
            at_goal += u32::from(row.run().at_goal);
        }
    }
    println!("{at_goal} of {run} rows at goal");
    if at_goal == run { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! karabo-bridge beside the Python package, and large trains beside small ones.

use std::fs;

use karabo_bridge::{TrainIndex, Version};
use testkit::alloc::assert_no_alloc;

use crate::ratio::{Python, Row, Side, leak};
use crate::work::karabo::{
    Ends, FULL, PYTHON, SMALL, Whole, agipd, assert_read_in_place, assert_written_in_place, encode, message, outline,
    sources, sum_parts, walk, walk_index,
};

/// All of them; those against Python only where live peers are not skipped.
///
/// Python's time is that of `deserialize` or `serialize` alone; ours is that of looking at all there is as well.
pub fn rows() -> Vec<Row<'static>> {
    let train = leak(agipd(FULL));
    let full: &[Vec<u8>] = leak(message(train, Version::V2_2));
    let small: &[Vec<u8>] = leak(message(&agipd(SMALL), Version::V2_2));
    let single: &[Vec<u8>] = leak(message(train, Version::V1_0));
    let sources: &[Vec<u8>] = leak(message(&sources(), Version::V2_2));
    let bytes = |parts: &[Vec<u8>]| parts.iter().map(Vec::len).sum::<usize>();
    for parts in [full, small, single, sources] {
        eprintln!("karabo: train of {} parts, {} bytes", parts.len(), bytes(parts));
        assert_read_in_place(parts);
        assert_no_alloc(|| walk::<Ends>(parts));
        let mut index = TrainIndex::new();
        let cold = walk_index::<Ends>(parts, &mut index);
        assert_eq!(assert_no_alloc(|| walk_index::<Ends>(parts, &mut index)), cold);
    }
    let written = encode(train, Version::V2_2);
    assert_written_in_place(train, &written);

    let items =
        |parts: &'static [Vec<u8>]| Side::new("TrainRef::items", walk::<Whole>(parts), move || walk::<Ends>(parts));
    let mut rows = vec![Row {
        work: "karabo: AGIPD train of 277 MB as against one of 1 kB arrays",
        bytes: bytes(full),
        // 1.1 times the time at most.
        goal: 0.91,
        ours: Side::new("277 MB", outline(full), || walk::<Ends>(full)),
        rival: Side::new("the same parts with 1 kB arrays", outline(small), || walk::<Ends>(small)),
    }];
    let Some(python) = leak(Python::start(PYTHON)) else { return rows };
    let mut row = |work, parts: &'static [Vec<u8>], goal, ours, name, label| {
        rows.push(Row { work, bytes: bytes(parts), goal, ours, rival: python_side(python, name, label, parts) });
    };
    let read = "karabo-bridge-py `deserialize`";
    row("karabo: AGIPD train of 277 MB, all visited", full, 20.0, items(full), "agipd", read);
    row("karabo: 100 sources in 400 parts, all visited", sources, 40.0, items(sources), "sources", read);
    row("karabo: version 1.0, 277 MB in one part", single, 1000.0, items(single), "single", read);
    let encoded = Side::new("TrainWriter", sum_parts(&written), || encode(train, Version::V2_2));
    row("karabo: writing the AGIPD train for 2.2", full, 5.0, encoded, "encode", "karabo-bridge-py `serialize`");
    rows
}

/// Python gets the parts in a file: they are too long for a line.
fn python_side(python: &'static Python, name: &'static str, label: &'static str, parts: &[Vec<u8>]) -> Side<'static> {
    let path = std::env::temp_dir().join(format!("karabo-{}-{name}", std::process::id()));
    let mut file = Vec::new();
    for part in parts {
        file.extend_from_slice(&(part.len() as u64).to_le_bytes());
        file.extend_from_slice(part);
    }
    fs::write(&path, file).expect("room for a file");
    let side = python.side(name, label, path.to_str().expect("a path in UTF-8").as_bytes());
    fs::remove_file(path).expect("a file of ours");
    side
}

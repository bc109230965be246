//! drift-proto beside prost and buffa, and beside the Python packages.

use bytes::Bytes;
use testkit::alloc::{assert_no_alloc, measure};

use crate::ratio::{Python, Row, Side, leak};
use crate::work::drift::{
    Ends, Look as _, PYTHON, Whole, assert_payload_in_place, encode, encode_prost, large, payload, payload_buffa,
    payload_of, payload_prost, small, typed, walk, walk_buffa, walk_prost, walk_typed,
};

/// All of them; those against Python only where live peers are not skipped.
///
/// A view of buffa's decodes all messages in it when it is made, as prost does; ours checks them then. What is in an `Any` is
/// decoded on all sides.
pub fn rows() -> Vec<Row<'static>> {
    let large: &Bytes = leak(Bytes::from(large()));
    let builder = &*leak(small());
    let small: &[u8] = leak(builder.encode_to_vec().expect("fits"));
    assert_eq!(small.len(), 250);
    // Shared from now on: later clones do not allocate.
    drop(large.clone());
    assert_payload_in_place(large);
    assert_no_alloc(|| walk::<Ends>(small));
    let prost = measure(|| payload_prost::<Ends>(large)).1;
    let buffa = measure(|| payload_buffa::<Ends>(large)).1;
    eprintln!("drift: package of {} bytes; allocations: prost {prost:?}, buffa {buffa:?}", large.len());

    let view = |goal, rival| Row {
        work: "drift: view of a package, its payload of 10 kB reached",
        bytes: large.len(),
        goal,
        ours: Side::new("PackageRef", Whole::data(payload(large)), || Ends::data(payload(large))),
        rival,
    };
    let all = |goal, rival| Row {
        work: "drift: view of a package of 250 bytes, all fields read",
        bytes: small.len(),
        goal,
        ours: Side::new("PackageRef", walk::<Whole>(small), || walk::<Ends>(small)),
        rival,
    };
    let prost = Side::new("prost, `Vec<u8>`", payload_prost::<Whole>(large), || payload_prost::<Ends>(large));
    let buffa = Side::new("buffa view", payload_buffa::<Whole>(large), || payload_buffa::<Ends>(large));
    let mut rows = vec![view(15.0, prost), view(1.0, buffa)];
    rows.push(Row {
        work: "drift: `Package` from `Bytes`, its payload of 10 kB reached",
        bytes: large.len(),
        goal: 5.0,
        ours: Side::new("Package", payload_of::<Whole>(large), || payload_of::<Ends>(large)),
        rival: Side::new("prost, `Vec<u8>`", payload_prost::<Whole>(large), || payload_prost::<Ends>(large)),
    });
    rows.push(all(3.0, Side::new("prost, owned", walk_prost::<Whole>(small), || walk_prost::<Ends>(small))));
    rows.push(all(1.0, Side::new("buffa view", walk_buffa::<Whole>(small), || walk_buffa::<Ends>(small))));

    let by_prost = encode_prost(small);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    encode(builder, &mut ours);
    by_prost(&mut theirs);
    assert_eq!(ours, theirs);
    rows.push(Row {
        work: "drift: encode the package of 250 bytes into a reused buffer",
        bytes: small.len(),
        goal: 1.0,
        ours: Side::new("PackageBuilder", Whole::data(&ours), move || encode(builder, &mut ours)),
        rival: Side::new("prost", Whole::data(&theirs), move || by_prost(&mut theirs)),
    });

    let half: &[u8] = leak(typed(16_000));
    let items: &[u8] = leak(typed(32_000));
    let twice = || walk_typed::<Ends>(half).wrapping_add(walk_typed::<Ends>(half));
    rows.push(Row {
        work: "drift: DriftBytes of 32 000 items as against 16 000 twice",
        bytes: items.len(),
        // 1.1 times the time at most.
        goal: 0.91,
        ours: Side::new("32 000", walk_typed::<Ends>(items), || walk_typed::<Ends>(items)),
        rival: Side::new("16 000, twice", twice(), twice),
    });
    let Some(python) = leak(Python::start(PYTHON)) else { return rows };
    rows.push(all(200.0, python.side("package", "Python drift-protocol", small)));
    rows.push(Row {
        work: "drift: DriftBytes of 32 000 items, all visited",
        bytes: items.len(),
        goal: 100.0,
        ours: Side::new("DriftBytesRef", walk_typed::<Whole>(items), || walk_typed::<Ends>(items)),
        rival: python.side("typed", "Python drift-bytes", items),
    });
    rows
}

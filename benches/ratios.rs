//! Us and each rival, side by side: see the crate's documentation.

use std::process::ExitCode;

use benches::{ratio, rows};

// Rows that say that nothing is allocated assert it.
testkit::counting_allocator!();

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let rows = rows::qpack::rows()
        .into_iter()
        .chain(rows::datakit::rows())
        .chain(rows::thingsdb::rows())
        .chain(rows::msgpack_numpy::rows())
        .chain(rows::karabo::rows())
        .chain(rows::drift::rows())
        .chain(rows::atlas::rows())
        .chain(rows::atlas_streams::rows());
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

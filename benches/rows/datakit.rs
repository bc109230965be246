//! DataKit beside the standard library, InfluxDB's line protocol, and memchr.

use crate::ratio::{Row, Side, leak};
use crate::work::datakit::{
    datakit_lines, encode, encode_std, influx_lines, line_ends, newlines, readings, sum, walk_columns, walk_datakit,
    walk_datakit_by_line, walk_influx, walk_std,
};
use datakit::Columns;

/// All of them.
pub fn rows() -> Vec<Row<'static>> {
    let readings = &*leak(readings());
    let lines: &[u8] = leak(datakit_lines(readings));
    let influx: &str = leak(influx_lines(readings));
    eprintln!("datakit: {} lines, {} bytes of DataKit, {} of InfluxDB", readings.len(), lines.len(), influx.len());
    assert_eq!(walk_datakit(lines), sum(readings));
    let written = |write: fn(&[_], &mut Vec<u8>)| {
        let mut out = Vec::new();
        write(readings, &mut out);
        walk_std(&out)
    };
    let columns = leak(Columns::new());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    vec![
        Row {
            work: "datakit: decode DATA lines",
            bytes: lines.len(),
            goal: 3.0,
            ours: Side::new("packets", walk_datakit(lines), || walk_datakit(lines)),
            rival: Side::new("std: `split`, `parse`", walk_std(lines), || walk_std(lines)),
        },
        Row {
            work: "datakit: decode DATA lines, a call per line",
            bytes: lines.len(),
            goal: 3.0,
            ours: Side::new("decode", walk_datakit_by_line(lines), || walk_datakit_by_line(lines)),
            rival: Side::new("std: `split`, `parse`", walk_std(lines), || walk_std(lines)),
        },
        Row {
            work: "datakit: decode DATA lines",
            bytes: lines.len(),
            goal: 3.0,
            ours: Side::new("packets", walk_datakit(lines), || walk_datakit(lines)),
            rival: Side::new("`influxdb-line-protocol`", walk_influx(influx), || walk_influx(influx)),
        },
        Row {
            work: "datakit: decode DATA lines into columns",
            bytes: lines.len(),
            goal: 3.0,
            ours: Side::new("columns", walk_columns(lines, columns), move || walk_columns(lines, columns)),
            rival: Side::new("std: `split`, `parse`", walk_std(lines), || walk_std(lines)),
        },
        Row {
            work: "datakit: find lines",
            bytes: lines.len(),
            goal: 0.8,
            ours: Side::new("Lines", line_ends(lines), || line_ends(lines)),
            rival: Side::new("`memchr_iter`", newlines(lines), || newlines(lines)),
        },
        Row {
            work: "datakit: encode DATA into a reused buffer",
            bytes: lines.len(),
            goal: 2.0,
            ours: Side::new("encode", written(encode), move || encode(readings, &mut ours)),
            rival: Side::new("std: `write!`", written(encode_std), move || encode_std(readings, &mut theirs)),
        },
    ]
}

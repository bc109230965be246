//! Messages that are nearly right.

use super::Script;

const SOURCES: [&str; 5] = ["S", "A/B/C:x", "", "é", "SPB_DET_AGIPD1M-1/DET/0CH0:xtdf"];

const PATHS: [&str; 24] = [
    "",
    "a",
    "a.b",
    "image",
    "image.data",
    "image.pixels",
    "image.encoding",
    "IMAGE.encoding",
    "image.bitsPerPixel",
    "image.bitsperpixels",
    "image.dims",
    "image.rOIOffsets",
    "image.ROIOffsets",
    "image.geometry.tileId",
    "metadata",
    "metadata.timestamp.tid",
    "metadata.source",
    "metadata.ignored_keys",
    "ignored_keys",
    "nd",
    "type",
    "shape",
    "data",
    "é",
];

const METADATA: [&str; 8] =
    ["source", "timestamp", "timestamp.tid", "timestamp.sec", "timestamp.frac", "ignored_keys", "x", "nd"];

const PARAMS: [&str; 8] =
    ["encoding", "bitsPerPixel", "Geometry", "alignment", "tileId", "dims", "roiOffsets", "subAssemblies"];

/// With the bytes of an item; 0 where it is not known, or there are none.
const DTYPES: [(&str, u64); 20] = [
    ("uint16", 2),
    ("float32", 4),
    ("bool", 1),
    ("int64", 8),
    (">i2", 2),
    (">c16", 16),
    ("|S5", 5),
    ("<U2", 8),
    ("|V3", 3),
    ("datetime64[ns]", 8),
    ("timedelta64[25us]", 8),
    ("float128", 16),
    ("[('a', '<i4'), ('b', '<f8')]", 12),
    ("[('p', [('x', 'u1'), ('y', '>u2')]), ('q', 'i1', (2,))]", 5),
    ("{'names': ['a', 'b'], 'formats': ['i1', '<f8'], 'offsets': [0, 8], 'itemsize': 16, 'aligned': True}", 16),
    ("(numpy.record, [('a', '<i4')])", 4),
    ("object", 0),
    ("|S0", 0),
    ("q9", 0),
    ("i2,i4", 0),
];

/// A message of one of the versions.
pub(super) fn parts(script: &mut Script<'_>) -> Vec<Vec<u8>> {
    let version = script.byte() % 4;
    let mut parts = Vec::new();
    if version == 0 {
        let count = usize::from(script.byte() % 6);
        let mut part = Vec::new();
        map(&mut part, count);
        for _ in 0..count {
            text(script, &mut part, SOURCES[usize::from(script.0.len() as u8) % SOURCES.len()]);
            properties(script, 1, &mut part);
        }
        torn(script, &mut part);
        return vec![part];
    }
    while !script.0.is_empty() && parts.len() < 64 {
        match script.byte() % 16 {
            0..=4 => source(script, version, &mut parts),
            5..=12 => array(script, &mut parts),
            13 => {
                let header = header(
                    script,
                    &[("source", Field::Text("S")), ("content", Field::Text("later")), ("path", Field::Text("a"))],
                );
                parts.extend([header, script.bytes().to_vec()]);
            }
            14 => parts.push(script.bytes().to_vec()),
            _ => {
                parts.pop();
            }
        }
    }
    parts
}

fn source(script: &mut Script<'_>, version: u8, parts: &mut Vec<Vec<u8>>) {
    let name = script.pick(&SOURCES);
    let mut fields = vec![("source", Field::Text(name)), ("content", Field::Text("msgpack"))];
    if version == 3 {
        let mut out = Vec::new();
        metadata(script, &mut out);
        fields.push(("metadata", Field::Encoded(out)));
    }
    let header = header(script, &fields);
    let mut data = Vec::new();
    properties(script, version, &mut data);
    torn(script, &mut data);
    parts.extend([header, data]);
}

/// Where version 2.0 has its metadata, there is more of it.
fn properties(script: &mut Script<'_>, version: u8, out: &mut Vec<u8>) {
    let count = usize::from(script.byte() % 8);
    let has_metadata = version == 1 && !script.byte().is_multiple_of(4);
    map(out, count + usize::from(has_metadata));
    for _ in 0..count {
        let path = script.pick(&PATHS);
        text(script, out, path);
        value(script, out);
    }
    if has_metadata {
        str(out, "metadata");
        metadata(script, out);
    }
}

fn metadata(script: &mut Script<'_>, out: &mut Vec<u8>) {
    let count = usize::from(script.byte() % 6);
    map(out, count);
    for _ in 0..count {
        let name = script.pick(&METADATA);
        text(script, out, name);
        match script.byte() % 4 {
            0 => {
                map(out, 3);
                for name in ["tid", "sec", "frac"] {
                    str(out, name);
                    uint(out, script.number());
                }
            }
            1 => str(out, &script.number().to_string()),
            2 => uint(out, script.number()),
            _ => value(script, out),
        }
    }
}

fn array(script: &mut Script<'_>, parts: &mut Vec<Vec<u8>>) {
    let (source, path, (dtype, size)) = (script.pick(&SOURCES), script.pick(&PATHS), script.pick(&DTYPES));
    let mut shape = Vec::new();
    let mut items = 1_u64;
    let axes = usize::from(script.byte() % 5);
    list(&mut shape, axes);
    for _ in 0..axes {
        let axis = match script.byte() {
            byte @ ..240 => u64::from(byte % 4),
            _ => script.number(),
        };
        uint(&mut shape, axis);
        items = items.saturating_mul(axis);
    }
    let content = if script.byte().is_multiple_of(4) { "ImageData" } else { "array" };
    let mut fields = vec![
        ("source", Field::Text(source)),
        ("content", Field::Text(content)),
        ("path", Field::Text(path)),
        ("dtype", Field::Text(dtype)),
        ("shape", Field::Encoded(shape)),
    ];
    if content == "ImageData" {
        fields.push(("params", Field::Encoded(params(script))));
    }
    let header = header(script, &fields);
    let len = items.saturating_mul(size).min(600) as usize;
    let len = match script.byte() {
        ..250 => len,
        250..253 => len + 1,
        _ => len.saturating_sub(1),
    };
    let seed = script.byte();
    parts.extend([header, (0..len).map(|index| seed.wrapping_add(index as u8)).collect()]);
}

/// Parameters of an image, those of geometry in maps of their own.
fn params(script: &mut Script<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let count = usize::from(script.byte() % 5);
    map(&mut out, count);
    for _ in 0..count {
        let name = script.pick(&PARAMS);
        text(script, &mut out, name);
        if script.byte().is_multiple_of(2) {
            value(script, &mut out);
            continue;
        }
        map(&mut out, 2);
        for name in ["Alignment", "tileId"] {
            str(&mut out, name);
            map(&mut out, 1);
            str(&mut out, "rotations");
            value(script, &mut out);
        }
    }
    out
}

enum Field<'a> {
    Text(&'a str),
    Encoded(Vec<u8>),
}

/// A header of these, seldom of fewer or more, and in any order.
fn header(script: &mut Script<'_>, fields: &[(&str, Field<'_>)]) -> Vec<u8> {
    let fault = script.byte();
    let chosen = usize::from(script.byte()) % fields.len();
    let mut entries: Vec<Vec<u8>> = fields
        .iter()
        .map(|(name, field)| {
            let mut entry = Vec::new();
            text(script, &mut entry, name);
            match field {
                Field::Text(value) => text(script, &mut entry, value),
                Field::Encoded(encoded) => entry.extend(encoded),
            }
            entry
        })
        .collect();
    match fault {
        200..205 => drop(entries.remove(chosen)),
        205..210 => entries.push(entries[chosen].clone()),
        210..225 => entries.rotate_left(chosen),
        225..235 => {
            let mut entry = Vec::new();
            str(&mut entry, fields[chosen].0);
            value(script, &mut entry);
            entries[chosen] = entry;
        }
        235..240 => {
            let mut entry = vec![chosen as u8];
            value(script, &mut entry);
            entries.insert(chosen, entry);
        }
        _ => {}
    }
    let mut header = Vec::new();
    map(&mut header, entries.len());
    header.extend(entries.concat());
    torn(script, &mut header);
    header
}

/// Seldom shorter, longer, or with a bit the other way round.
fn torn(script: &mut Script<'_>, part: &mut Vec<u8>) {
    match script.byte() {
        250 => drop(part.pop()),
        251 => part.push(script.byte()),
        252 => part.truncate(part.len() / 2),
        253 => {
            let at = usize::from(script.byte()) % part.len().max(1);
            if let Some(byte) = part.get_mut(at) {
                *byte ^= 1 << (script.byte() & 7);
            }
        }
        _ => {}
    }
}

fn value(script: &mut Script<'_>, out: &mut Vec<u8>) {
    match script.byte() % 28 {
        0 => out.push(0xc0),
        1 => out.push(0xc2),
        2 => out.push(0xc3),
        3 => uint(out, script.number()),
        4 => out.extend([0xd3, script.byte(), 0, 0, 0, 0, 0, 0, script.byte()]),
        5 => out.extend([0xca, script.byte(), script.byte(), 0, 0]),
        6 => out.extend([0xcb, script.byte(), script.byte(), 0, 0, 0, 0, 0, 0]),
        7 => str(out, &String::from_utf8_lossy(script.bytes())),
        8 => bin(out, script.bytes()),
        9 => str(out, &script.number().to_string()),
        10 | 11 => {
            let count = usize::from(script.byte() % 4);
            list(out, count);
            (0..count).for_each(|_| uint(out, script.number()));
        }
        12 => {
            list(out, 2);
            (0..2).for_each(|_| str(out, script.pick(&PATHS)));
        }
        13 => {
            map(out, 1);
            str(out, script.pick(&METADATA));
            uint(out, script.number());
        }
        // As deep as is allowed, and deeper.
        14 => {
            let depth = usize::from(script.byte() % 80);
            out.extend(std::iter::repeat_n(0x91, depth));
            out.push(0xc0);
        }
        15 | 16 => {
            let (dtype, size) =
                script.pick(&[("<u2", 2), (">f4", 4), ("|b1", 1), ("<M8[s]", 8), ("q9", 3), ("|S0", 0)]);
            let items = script.byte() % 4;
            map(out, 5);
            bin(out, b"nd");
            out.push(0xc3);
            bin(out, b"type");
            str(out, dtype);
            bin(out, b"kind");
            bin(out, b"");
            bin(out, b"shape");
            list(out, 1);
            out.push(items);
            bin(out, b"data");
            let len = items * size + u8::from(script.byte() > 250);
            bin(out, &vec![script.byte(); len.into()]);
        }
        17 | 18 => {
            let (dtype, size) = script.pick(&[("<f4", 4), ("|b1", 1), (">i8", 8), ("<f2", 2), ("|V2", 2)]);
            map(out, 3);
            bin(out, b"nd");
            out.push(0xc2);
            bin(out, b"type");
            str(out, dtype);
            bin(out, b"data");
            bin(out, &vec![script.byte(); size]);
        }
        19 => {
            map(out, 2);
            bin(out, b"complex");
            out.push(0xc3);
            bin(out, b"data");
            str(out, "1-2j");
        }
        20 => {
            map(out, 5);
            for name in ["nd", "type", "kind", "shape", "data"] {
                bin(out, name.as_bytes());
                match name {
                    "nd" => out.push(0xc3),
                    "type" => str(out, "|O8"),
                    "kind" => bin(out, b"O"),
                    "shape" => out.extend([0x91, 1]),
                    _ => bin(out, b"\x80\x03]."),
                }
            }
        }
        21 => out.extend([0xd4, script.byte(), script.byte()]),
        22 => out.push(0xc1),
        23 => out.extend(script.bytes()),
        24 => str(out, script.pick(&["GRAY", "RGB", "000012", "410975500000000000", "1.5", ""])),
        _ => out.push(script.byte() & 0x7f),
    }
}

/// A text, seldom as bytes.
fn text(script: &mut Script<'_>, out: &mut Vec<u8>, text: &str) {
    if script.byte() > 240 { bin(out, text.as_bytes()) } else { str(out, text) }
}

fn str(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        len @ ..32 => out.push(0xa0 | len as u8),
        len => {
            out.push(0xda);
            out.extend((len as u16).to_be_bytes());
        }
    }
    out.extend(text.as_bytes());
}

fn bin(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend([0xc4, bytes.len() as u8]);
    out.extend(bytes);
}

fn uint(out: &mut Vec<u8>, number: u64) {
    match number {
        ..128 => out.push(number as u8),
        128..65536 => {
            out.push(0xcd);
            out.extend((number as u16).to_be_bytes());
        }
        _ => {
            out.push(0xcf);
            out.extend(number.to_be_bytes());
        }
    }
}

fn list(out: &mut Vec<u8>, len: usize) {
    out.push(0x90 | len as u8);
}

fn map(out: &mut Vec<u8>, len: usize) {
    out.push(0x80 | len as u8);
}

//! A train in print.

use std::collections::BTreeSet;
use std::io::{self, Write};

use karabo_bridge::msgpack_numpy_codec::{ArrayRef, ValueRef};
use karabo_bridge::{ImageRef, Indexed, Numbers, Property, SourceRef, Step, Timestamp, Train};
use karabo_zeromq::{printable, utc};

/// Items of a list, entries of a map, and numbers of an array that are printed.
const ITEMS: usize = 4;
/// Characters of a text.
const TEXT: usize = 48;
/// Images of a source.
const IMAGES: usize = 64;
/// Lists and maps in one another.
const DEPTH: u32 = 3;

/// Prints all of a train: sources, their properties, images, and what is lost.
///
/// # Errors
///
/// If it cannot be printed.
pub fn show(train: &Train, step: Step, out: &mut dyn Write) -> io::Result<()> {
    brief(train, step, out)?;
    let indexed = train.indexed();
    for name in indexed.names() {
        writeln!(out, "  {}", printable(name))?;
        // Of one whose properties are lost there may be arrays.
        if let Some(source) = indexed.source(name) {
            metadata(source, out)?;
        }
        properties(&indexed, name, out)?;
        for path in images(&indexed, name).into_iter().take(IMAGES) {
            if let Some(image) = indexed.image(name, &path).filter(|image| image.pixels().is_some()) {
                writeln!(out, "    image {}: {}", printable(&path), describe(&image))?;
            }
        }
    }
    for part in indexed.others() {
        let (source, path) = (printable(part.source()), printable(part.path().unwrap_or("-")));
        let (word, size) = (printable(part.content().as_str()), size(part.data().len() as u64));
        writeln!(out, "  not known: content {word} of source {source}, path {path}, {size}")?;
    }
    lost(&indexed, out)
}

/// Prints a line for a train, and another for each part that is lost.
pub(crate) fn brief(train: &Train, step: Step, out: &mut dyn Write) -> io::Result<()> {
    let view = train.as_ref();
    match view.tid() {
        Some(tid) => write!(out, "train {tid}")?,
        None => write!(out, "train without a number")?,
    }
    if view.is_mixed() {
        write!(out, ", and of others")?;
    }
    match step {
        Step::Lost(count) => write!(out, ", {count} lost before it")?,
        Step::Back => write!(out, ", which is less than the last")?,
        Step::Repeated => write!(out, ", again")?,
        _ => {}
    }
    if let Some(version) = view.version() {
        write!(out, ", version {version}")?;
    }
    let bytes = train.parts().iter().map(|part| part.len() as u64).sum();
    let indexed = train.indexed();
    let sources = indexed.names().count();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let parts = train.parts().len();
    write!(out, ": {sources} source{}, {parts} part{}, {}", plural(sources), plural(parts), size(bytes))?;
    match indexed.errors().len() {
        0 => writeln!(out),
        errors => writeln!(out, ", {errors} lost"),
    }
}

fn lost<P: AsRef<[u8]>>(indexed: &Indexed<'_, '_, P>, out: &mut dyn Write) -> io::Result<()> {
    for error in indexed.errors() {
        let name = |name: Option<&str>| name.map_or_else(|| "-".to_owned(), printable);
        writeln!(out, "  lost: source {}, path {}: {}", name(error.source_name), name(error.path), error.error)?;
    }
    Ok(())
}

fn metadata(source: SourceRef<'_>, out: &mut dyn Write) -> io::Result<()> {
    let metadata = source.metadata();
    write!(out, "    metadata:")?;
    match metadata.tid() {
        Some(tid) => write!(out, " tid {tid}")?,
        None => write!(out, " no tid")?,
    }
    match metadata.time() {
        Some(time) => write!(out, ", time {}", date(time))?,
        None => write!(out, ", no time")?,
    }
    for (name, value) in metadata.entries().filter(|(name, _)| *name != "source" && !name.starts_with("timestamp")) {
        write!(out, ", {} {}", printable(name), short(value, DEPTH))?;
    }
    let ignored = source.ignored_keys().count();
    if ignored > 0 {
        write!(out, ", {ignored} properties left out by the bridge")?;
    }
    writeln!(out)
}

/// Date and time in UTC, and the seconds they are, with all digits that are not zeros at the end.
fn date(time: Timestamp) -> String {
    let frac = format!(".{:018}", time.frac);
    let frac = frac.trim_end_matches('0').trim_end_matches('.');
    format!("{}{frac}Z ({}{frac} s)", utc(time.sec).trim_end_matches('Z'), time.sec)
}

/// Properties by path.
fn properties<P: AsRef<[u8]>>(indexed: &Indexed<'_, '_, P>, source: &str, out: &mut dyn Write) -> io::Result<()> {
    let all = || indexed.properties(source);
    let width = all().map(|(path, _)| printable(path).chars().count()).max().unwrap_or_default().min(TEXT);
    for (path, property) in all() {
        let what = match property {
            Property::Value(ValueRef::Array(values)) => array(values, &values.dtype().name().to_string()),
            Property::Value(value) => short(value, DEPTH),
            Property::Array(part) => match part.as_array() {
                Some(values) => array(values, part.dtype().as_str()),
                None => {
                    format!("{} {}, {}", printable(part.dtype().as_str()), part.shape(), size(part.data().len() as u64))
                }
            },
            _ => "not known".to_owned(),
        };
        writeln!(out, "    {:<width$}  {what}", printable(path))?;
    }
    Ok(())
}

/// Type, shape, bytes, and the first numbers.
fn array(array: ArrayRef<'_>, dtype: &str) -> String {
    let bytes = array.data().len() as u64;
    let mut text = format!("{} {}, {}", printable(dtype), array.shape(), size(bytes));
    macro_rules! first {
        ($($type:ty),*) => {
            $(if let Some(items) = array.iter::<$type>() {
                let more = items.len() > ITEMS;
                let first: Vec<_> = items.take(ITEMS).map(|item| item.to_string()).collect();
                if !first.is_empty() {
                    text.push_str(&format!(": {}{}", first.join(", "), if more { ", …" } else { "" }));
                }
                return text;
            })*
        };
    }
    first!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64, bool);
    text
}

/// A value in a few characters.
fn short(value: ValueRef<'_>, depth: u32) -> String {
    let inner = depth.saturating_sub(1);
    match value {
        ValueRef::Nil => "nil".to_owned(),
        ValueRef::Bool(value) => value.to_string(),
        ValueRef::Int(value) => value.to_string(),
        ValueRef::UInt(value) => value.to_string(),
        ValueRef::F32(value) => format!("{value:?}"),
        ValueRef::F64(value) => format!("{value:?}"),
        ValueRef::Str(text) => {
            let text = String::from_utf8_lossy(text);
            let mut shown: String = text.chars().take(TEXT).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            format!("\"{}\"", printable(&shown))
        }
        ValueRef::Bin(bytes) => format!("{} of binary", size(bytes.len() as u64)),
        ValueRef::List(list) if depth == 0 => format!("[{} items]", list.len()),
        ValueRef::List(list) => {
            let mut items: Vec<_> = list.iter().take(ITEMS).map(|item| short(item, inner)).collect();
            if list.len() > ITEMS {
                items.push(format!("… {} items", list.len()));
            }
            format!("[{}]", items.join(", "))
        }
        ValueRef::Map(map) if depth == 0 => format!("{{{} entries}}", map.len()),
        ValueRef::Map(map) => {
            let entry = |(key, value)| format!("{}: {}", short(key, 0), short(value, inner));
            let mut entries: Vec<_> = map.iter().take(ITEMS).map(entry).collect();
            if map.len() > ITEMS {
                entries.push(format!("… {} entries", map.len()));
            }
            format!("{{{}}}", entries.join(", "))
        }
        ValueRef::Ext(kind, bytes) => format!("extension {kind}, {}", size(bytes.len() as u64)),
        ValueRef::Array(values) => array(values, &values.dtype().name().to_string()),
        ValueRef::Complex(re, im) => format!("{re:?} {im:+?}i"),
        ValueRef::Pickle(pickle) => format!("a pickle, which is not run, {}", size(pickle.pickle().len() as u64)),
        ValueRef::Faulty(_, error) => format!("array with a fault: {error}"),
        other => {
            let mut text = printable(&format!("{other:?}"));
            if let Some((at, _)) = text.char_indices().nth(TEXT) {
                text.truncate(at);
                text.push('…');
            }
            text
        }
    }
}

/// Paths below which something is told of an image. Whether there is one is for the crate to say.
fn images<P: AsRef<[u8]>>(indexed: &Indexed<'_, '_, P>, source: &str) -> BTreeSet<String> {
    const TOLD: [&str; 5] = [".encoding", ".bitsperpixel", ".bitsperpixels", ".dimensions", ".dims"];
    let keys = indexed.properties(source).map(|(path, _)| path);
    let flat = keys.filter_map(|key| {
        let lower = key.to_ascii_lowercase();
        let end = TOLD.iter().find(|end| lower.ends_with(**end))?;
        key.get(..key.len().checked_sub(end.len())?)
    });
    let with_params = indexed.arrays(source).filter(|array| array.params().is_some()).map(|array| array.path());
    flat.chain(with_params).map(str::to_owned).collect()
}

fn describe(image: &ImageRef<'_>) -> String {
    let mut words = Vec::new();
    if let Some(pixels) = image.pixels() {
        words.push(format!("pixels {} {}", printable(&pixels.dtype().name().to_string()), pixels.shape()));
    }
    match (image.encoding(), image.encoding_number()) {
        (Some(encoding), _) => words.push(short(ValueRef::Str(encoding.as_bytes()), 0).trim_matches('"').to_owned()),
        (None, Some(number)) => words.push(format!("encoding {number}")),
        (None, None) => {}
    }
    if let Some(bits) = image.bits_per_pixel() {
        words.push(format!("{bits} bits a pixel"));
    }
    let lists = [
        ("dimensions", image.dimensions()),
        ("region of interest from", image.roi_offsets()),
        ("binning", image.binning()),
        ("tile at", image.alignment_offsets()),
    ];
    words.extend(lists.into_iter().filter_map(|(name, numbers)| Some(format!("{name} {}", list(numbers?)))));
    if let Some(rotation) = image.rotation().filter(|rotation| *rotation != 0) {
        words.push(format!("rotated by {rotation}"));
    }
    for (name, flip) in [("left and right exchanged", image.flip_x()), ("top and bottom exchanged", image.flip_y())] {
        if flip == Some(true) {
            words.push(name.to_owned());
        }
    }
    if let Some(header) = image.header() {
        words.push(format!("header of {} entries", header.len()));
    }
    words.join(", ")
}

fn list(numbers: Numbers<'_>) -> String {
    let count = numbers.floats().count();
    let mut items: Vec<_> = numbers.floats().take(ITEMS).map(|number| number.to_string()).collect();
    if count > ITEMS {
        items.push("…".to_owned());
    }
    items.join(" x ")
}

/// Bytes, in words.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

//! What is in a message, by another reader of MessagePack and the rules of SPEC.md.

use karabo_bridge::{Limits, Timestamp, Version};
use rmpv::ValueRef;

/// A pair of parts, or a source of version 1.0.
#[derive(Debug)]
pub(super) enum Seen {
    Source(Source),
    Array { source: String, path: String, dtype: String, shape: Vec<u64>, has_params: bool },
    Other { source: String, path: Option<String>, content: String },
}

#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) version: Option<Version>,
    pub(super) metadata: Vec<String>,
    pub(super) properties: Vec<String>,
    pub(super) tid: Option<u64>,
    /// With zeros behind the digits, and with zeros in front.
    pub(super) times: [Option<Timestamp>; 2],
    pub(super) ignored: Vec<String>,
}

type Entries<'v, 'a> = Vec<(&'v ValueRef<'a>, &'v ValueRef<'a>)>;

/// Whether maps may stand for something else, of which this knows nothing.
pub(super) fn may_be_tagged(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|window| window == b"\xa2nd" || window == b"\x02nd")
        || bytes.windows(7).any(|window| window == b"complex")
}

/// One value and nothing behind it, in at most 64 lists and maps, of which the reader counts each twice.
pub(super) fn decode(mut bytes: &[u8]) -> Option<ValueRef<'_>> {
    let value = rmpv::decode::read_value_ref_with_max_depth(&mut bytes, 140).ok()?;
    bytes.is_empty().then_some(value)
}

fn raw<'v>(value: &'v ValueRef<'_>) -> Option<&'v [u8]> {
    match value {
        ValueRef::String(text) => Some(text.as_bytes()),
        ValueRef::Binary(bytes) => Some(bytes),
        _ => None,
    }
}

fn text(value: &ValueRef<'_>) -> Option<String> {
    String::from_utf8(raw(value)?.to_vec()).ok()
}

fn entries<'v, 'a>(value: &'v ValueRef<'a>) -> Option<Entries<'v, 'a>> {
    let ValueRef::Map(entries) = value else { return None };
    Some(entries.iter().map(|(key, value)| (key, value)).collect())
}

fn get<'v, 'a>(entries: &Entries<'v, 'a>, name: &str) -> Option<&'v ValueRef<'a>> {
    entries.iter().find(|(key, _)| raw(key) == Some(name.as_bytes())).map(|(_, value)| *value)
}

fn is_pickle(part: &[u8]) -> bool {
    part.len() >= 3 && part[0] == 0x80 && (1..=5).contains(&part[1]) && part[part.len() - 1] == b'.'
}

/// The source whose properties follow a header, if it can be read.
pub(super) fn introduced(header: &[u8]) -> Option<String> {
    let header = decode(header).filter(|_| !is_pickle(header))?;
    let fields = fields(&header)?;
    let name = |name| get(&fields, name).and_then(text);
    name("source").filter(|_| name("content").as_deref() == Some("msgpack"))
}

/// The entries of a header, if none is there twice and texts are texts.
fn fields<'v, 'a>(header: &'v ValueRef<'a>) -> Option<Entries<'v, 'a>> {
    let fields = entries(header)?;
    for name in ["source", "content", "path", "dtype", "metadata", "shape", "params"] {
        let mut found = fields.iter().filter(|(key, _)| raw(key) == Some(name.as_bytes()));
        let first = found.next();
        if found.next().is_some() {
            return None;
        }
        if let Some((_, value)) = first.filter(|_| matches!(name, "source" | "content" | "path" | "dtype")) {
            text(value)?;
        }
    }
    Some(fields)
}

/// What a pair is, unless something is wrong with it. Bytes of arrays are not looked at, since dtypes are not understood here; nor is depth.
pub(super) fn pair(header: &[u8], data: &[u8], limits: &Limits) -> Option<Seen> {
    if is_pickle(header) {
        return None;
    }
    let header = decode(header)?;
    let fields = fields(&header)?;
    let name = |name| get(&fields, name).and_then(text);
    let (source, content) = (name("source")?, name("content")?);
    match &*content {
        _ if content == "pickle" || content.starts_with("pickle.") => None,
        "msgpack" if is_pickle(data) => None,
        "msgpack" => {
            let data = decode(data)?;
            let metadata = match get(&fields, "metadata") {
                Some(metadata) => Some(entries(metadata)?),
                None => None,
            };
            self::source(source, metadata, entries(&data)?, false).map(Seen::Source)
        }
        "array" | "ImageData" => {
            let (path, dtype) = (name("path")?, name("dtype")?);
            let ValueRef::Array(axes) = get(&fields, "shape")? else { return None };
            let shape: Vec<_> = axes.iter().map(ValueRef::as_u64).collect::<Option<_>>()?;
            let params = get(&fields, "params");
            let is_wrong = params.is_some_and(|params| entries(params).is_none());
            if shape.len() > usize::from(limits.max_axes) || is_wrong {
                return None;
            }
            Some(Seen::Array { source, path, dtype, shape, has_params: params.is_some() })
        }
        _ => Some(Seen::Other { source, path: name("path"), content }),
    }
}

/// The sources of the only part, and none for those that are wrong; nothing if all of it is.
pub(super) fn single(part: &[u8]) -> Option<Vec<Option<Source>>> {
    if is_pickle(part) {
        return None;
    }
    let whole = decode(part)?;
    let of = |(name, value): (&ValueRef<'_>, &ValueRef<'_>)| source(text(name)?, None, entries(value)?, true);
    Some(entries(&whole)?.into_iter().map(of).collect())
}

/// The first; a second one is a property.
fn remove_metadata(properties: &mut Vec<String>) {
    let at = properties.iter().position(|path| path == "metadata").expect("it is there");
    properties.remove(at);
}

/// A source by its properties, and the metadata of its header if there is some.
fn source(name: String, header: Option<Entries<'_, '_>>, data: Entries<'_, '_>, is_single: bool) -> Option<Source> {
    let mut properties: Vec<_> = data.iter().map(|(key, _)| text(key)).collect::<Option<_>>()?;
    let inside = get(&data, "metadata").and_then(entries);
    let flat = || -> Vec<_> {
        let named = data.iter().filter_map(|(key, value)| Some((text(key)?, *value)));
        named.filter_map(|(key, value)| Some((key.strip_prefix("metadata.")?.to_owned(), value))).collect()
    };
    let texts = |entries: Entries<'_, '_>| -> Vec<_> {
        entries.into_iter().filter_map(|(key, value)| Some((text(key)?, value.to_owned()))).collect()
    };
    let (version, metadata) = match (is_single, header, inside) {
        (true, _, inside) => {
            if inside.is_some() {
                remove_metadata(&mut properties);
            }
            (Some(Version::V1_0), inside.map(texts).unwrap_or_default())
        }
        (_, Some(header), _) => (Some(Version::V2_2), texts(header)),
        (_, None, Some(inside)) => {
            remove_metadata(&mut properties);
            (Some(Version::V2_0), texts(inside))
        }
        (_, None, None) => {
            let flat = flat();
            properties.retain(|path| !path.starts_with("metadata."));
            let version = if flat.is_empty() { None } else { Some(Version::V2_1) };
            (version, flat.into_iter().map(|(name, value)| (name, value.to_owned())).collect())
        }
    };
    let first = |name: &str| metadata.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let nested = |name: &str| match first("timestamp") {
        Some(rmpv::Value::Map(map)) => {
            let is_it = |key: &rmpv::Value| match key {
                rmpv::Value::String(text) => text.as_bytes() == name.as_bytes(),
                rmpv::Value::Binary(bytes) => bytes == name.as_bytes(),
                _ => false,
            };
            map.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
        }
        _ => None,
    };
    let either = |name: &str| first(&format!("timestamp.{name}")).or_else(|| nested(name));
    let ignored = first("ignored_keys").cloned().or_else(|| get(&data, "ignored_keys").map(ValueRef::to_owned));
    Some(Source {
        name,
        version,
        tid: either("tid").and_then(rmpv::Value::as_u64),
        times: time(either("sec"), first("timestamp.frac"), nested("frac")),
        ignored: match ignored {
            Some(rmpv::Value::Array(list)) => list.iter().filter_map(own_text).collect(),
            _ => Vec::new(),
        },
        metadata: metadata.into_iter().map(|(name, _)| name).collect(),
        properties,
    })
}

fn own_text(value: &rmpv::Value) -> Option<String> {
    match value {
        rmpv::Value::String(text) => text.as_str().map(str::to_owned),
        rmpv::Value::Binary(bytes) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    }
}

/// SPEC.md §4, with digits as text throughout. Where `timestamp` may put zeros in front of them, it is one of two.
fn time(sec: Option<&rmpv::Value>, flat: Option<&rmpv::Value>, nested: Option<&rmpv::Value>) -> [Option<Timestamp>; 2] {
    let digits = |text: String| (!text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())).then_some(text);
    let sec = sec.and_then(|sec| sec.as_u64().or_else(|| digits(own_text(sec)?)?.parse().ok()));
    let right = |text: String| if text.len() <= 18 { format!("{text:0<18}").parse().ok() } else { None };
    let left = |text: String| if text.len() <= 18 { text.parse().ok() } else { None };
    let text = || flat.and_then(own_text).and_then(digits);
    let fracs: [Option<u64>; 2] = match (flat, nested) {
        (Some(flat), _) => match flat.as_u64() {
            Some(frac) => [Some(frac); 2],
            None => [text().and_then(right), text().and_then(left)],
        },
        (None, Some(nested)) => [nested.as_u64().and_then(|frac| right(frac.to_string())); 2],
        (None, None) => [None; 2],
    };
    fracs.map(|frac| Some(Timestamp { sec: sec?, frac: frac.filter(|frac| *frac < 1_000_000_000_000_000_000)? }))
}

//! What is told of a train beside its bytes.

use alloc::collections::BTreeMap;
use core::ops::Range;

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{ImageRef, Indexed, Item, MetadataRef, Numbers, Property, SourceRef, Version};

use super::told::quoted;
use crate::protocols::datakit::utc;
use crate::render::{axes, clip};

/// Of what stands at an address: of a header at its first byte, of a key at its text.
#[derive(Clone, Default)]
pub(super) struct Notes(BTreeMap<usize, String>);

/// Characters of a note.
const NOTE_LEN: usize = 200;
/// Most images of a message: all properties of a source are looked through for each.
const IMAGES: usize = 16;

impl Notes {
    pub(super) fn of(indexed: &Indexed<'_, '_, &[u8]>) -> Self {
        let mut notes = Self::default();
        let parts = indexed.train().parts();
        let is_single = parts.len() == 1;
        let mut images = 0..IMAGES;
        for (index, item) in indexed.train().items().enumerate() {
            let header = parts.get(index.saturating_mul(2)).map_or(0, |part| part.as_ptr() as usize);
            match item {
                Ok(Item::Source(source)) => {
                    let at = if is_single { source.name().as_ptr() as usize } else { header };
                    notes.add(at, &about(source));
                }
                Ok(Item::Array(array)) => {
                    notes.add(header, &format!("array {} of {}", quoted(array.path()), quoted(array.source())));
                    let image = match array.params() {
                        Some(_) => Some(array.image()),
                        None => images.next().and_then(|_| image(indexed, array.source(), array.path())),
                    };
                    if let Some(image) = image {
                        notes.add(array.data().as_ptr() as usize, &described(&image));
                    }
                }
                // The enum may grow.
                Ok(Item::Other(_) | _) => notes.add(header, "of a content that is not known"),
                Err(lost) if is_single => {
                    let at = lost.source_name.map_or(0, |name| name.as_ptr() as usize);
                    notes.add(at, &format!("lost: {}", lost.error.reason()));
                }
                Err(lost) => notes.add(header, &format!("lost: {}", lost.error.reason())),
            }
        }
        if is_single {
            notes.add_images(indexed, images);
        }
        notes
    }

    /// Of arrays among the properties, at their keys.
    fn add_images(&mut self, indexed: &Indexed<'_, '_, &[u8]>, mut images: Range<usize>) {
        for source in indexed.sources() {
            for (path, property) in indexed.properties(source.name()) {
                let Property::Value(ValueRef::Array(_)) = property else { continue };
                if images.next().is_none() {
                    return;
                }
                if let Some(image) = image(indexed, source.name(), path) {
                    self.add(path.as_ptr() as usize, &described(&image));
                }
            }
        }
    }

    fn add(&mut self, at: usize, note: &str) {
        if !note.is_empty() {
            self.0.insert(at, clip(format_args!("{note}"), NOTE_LEN));
        }
    }

    /// Of what stands there.
    pub(super) fn at(&self, bytes: &[u8]) -> Option<&str> {
        self.0.get(&(bytes.as_ptr() as usize)).map(String::as_str)
    }
}

/// The train in half a line.
pub(super) fn summary(indexed: &Indexed<'_, '_, &[u8]>) -> String {
    let train = indexed.train();
    let version = train.version().map_or("2.x", Version::as_str);
    let tid = train.tid().map(|tid| format!(", train {tid}")).unwrap_or_default();
    let mixed = if train.is_mixed() { " and others" } else { "" };
    let time = indexed.sources().find_map(|source| time(source.metadata())).unwrap_or_default();
    let (mut sources, mut properties) = (0_usize, 0_usize);
    // Also those of which only arrays are left.
    for name in indexed.names() {
        sources = sources.saturating_add(1);
        properties = properties.saturating_add(indexed.properties(name).count());
    }
    let faults = indexed.errors().len();
    let lost = if faults == 0 { String::new() } else { format!(", {faults} lost") };
    let properties = if properties == 1 { "1 property".to_owned() } else { format!("{properties} properties") };
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (sources, parts) = (count(sources, "source"), count(train.parts().len(), "part"));
    format!("version {version}{tid}{mixed}{time}, {sources}, {properties} in {parts}{lost}")
}

/// Of a source.
fn about(source: SourceRef<'_>) -> String {
    let mut note = format!("source, version {}", source.version().map_or("2.x", Version::as_str));
    let metadata = source.metadata();
    if let Some(tid) = metadata.tid().filter(|tid| *tid != 0) {
        note.push_str(&format!(", train {tid}"));
    }
    note.push_str(&time(metadata).unwrap_or_default());
    let mut ignored = source.ignored_keys().map(quoted);
    if let Some(first) = ignored.next() {
        let more = if ignored.next().is_some() { " and others" } else { "" };
        note.push_str(&format!(", without {first}{more}"));
    }
    note
}

/// When it was, with all digits that are not zeros at the end.
fn time(metadata: MetadataRef<'_>) -> Option<String> {
    let time = metadata.time()?;
    let utc = utc(i64::try_from(time.sec).ok()?);
    let frac = format!(".{:018}", time.frac);
    let frac = frac.trim_end_matches('0').trim_end_matches('.');
    Some(format!(" at {}{frac}Z", utc.trim_end_matches('Z')))
}

/// The image whose pixels are at this path, if anything is told of it.
fn image<'a>(indexed: &Indexed<'_, 'a, &[u8]>, source: &str, path: &str) -> Option<ImageRef<'a>> {
    let outer = [".data", ".pixels"].iter().find_map(|end| path.strip_suffix(end));
    let image = indexed.image(source, outer.unwrap_or(path))?;
    let is_told = image.encoding().is_some() || image.bits_per_pixel().is_some() || image.dimensions().is_some();
    (is_told && image.pixels().is_some()).then_some(image)
}

/// An image in half a line.
fn described(image: &ImageRef<'_>) -> String {
    let mut text = "image".to_owned();
    match (image.encoding(), image.encoding_number()) {
        (Some(encoding), _) => text.push_str(&format!(", {}", quoted(encoding))),
        (None, Some(number)) => text.push_str(&format!(", encoding {number}")),
        (None, None) => {}
    }
    if let Some(bits) = image.bits_per_pixel() {
        text.push_str(&format!(", {bits} bits"));
    }
    let lists = [("", image.dimensions()), (" from", image.roi_offsets()), (" binned", image.binning())];
    for (what, numbers) in lists {
        if let Some(list) = numbers.and_then(list) {
            text.push_str(&format!(",{what} {list}"));
        }
    }
    if let Some(rotation) = image.rotation() {
        text.push_str(&format!(", turned by {rotation}"));
    }
    text
}

/// A few numbers, as Python writes them.
fn list(numbers: Numbers<'_>) -> Option<String> {
    let few: Vec<_> = numbers.integers().take(8).map(|number| u64::try_from(number?).ok()).collect::<Option<_>>()?;
    Some(axes(&few))
}

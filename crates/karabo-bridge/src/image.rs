use msgpack_numpy_codec::{ArrayRef, ListRef, MapRef, ValueRef};

use crate::array::ArrayPart;
use crate::index::{Indexed, Property};
use crate::numbers::Numbers;

/// An image and what is told of it, from either of the two forms (SPEC.md §5): flat keys with the path of the image in front, or the
/// parameters of an `ImageData`.
///
/// Names are the same in any case, since servers and documents disagree about it. What is missing or of another type is `None`;
/// anything else that the keys say is among the properties of the source, or in [`params`](ArrayPart::params).
///
/// ```
/// use karabo_bridge::{MessageRef, TrainIndex};
///
/// let parts = [
///     &b"\x83\xa6source\xa1C\xa7content\xa7msgpack\xa8metadata\x80"[..],
///     b"\x82\xb3data.image.encoding\xa4GRAY\xb7data.image.bitsPerPixel\x10",
///     b"\x85\xa6source\xa1C\xa7content\xa5array\xa4path\xafdata.image.data\xa5dtype\xa6uint16\xa5shape\x92\x01\x02",
///     b"\x01\x00\x02\x00",
/// ];
/// let MessageRef::Train(train) = MessageRef::decode(&parts)? else { panic!() };
/// let mut index = TrainIndex::new();
/// let image = index.build(train).image("C", "data.image").unwrap();
/// assert_eq!((image.encoding(), image.bits_per_pixel()), (Some("GRAY"), Some(16)));
/// assert_eq!(image.pixels().unwrap().to_vec::<u16>().unwrap(), [1, 2]);
/// # Ok::<(), karabo_bridge::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ImageRef<'a> {
    pixels: Option<Property<'a>>,
    /// How good a place for pixels they are in.
    place: u8,
    fields: [Option<ValueRef<'a>>; FIELDS],
}

/// What is told of an image.
#[derive(Clone, Copy)]
enum Field {
    BitsPerPixel,
    Dimensions,
    DimensionTypes,
    DimensionScales,
    Encoding,
    Offsets,
    Rotations,
    PixelRegion,
    SubAssemblies,
    TileId,
    Header,
    RoiOffsets,
    Binning,
    Rotation,
    FlipX,
    FlipY,
}

/// How many of them.
const FIELDS: usize = 16;

/// Their names, without regard to case: in flat keys, and, where these are others, in the framework.
const NAMES: &[(&str, Field)] = &[
    ("bitsPerPixel", Field::BitsPerPixel),
    ("bitsPerPixels", Field::BitsPerPixel),
    ("dimensions", Field::Dimensions),
    ("dims", Field::Dimensions),
    ("dimensionTypes", Field::DimensionTypes),
    ("dimTypes", Field::DimensionTypes),
    ("dimensionScales", Field::DimensionScales),
    ("dimScales", Field::DimensionScales),
    ("encoding", Field::Encoding),
    ("geometry.alignment.offsets", Field::Offsets),
    ("geometry.alignment.rotations", Field::Rotations),
    ("geometry.pixelRegion", Field::PixelRegion),
    ("geometry.subAssemblies", Field::SubAssemblies),
    ("geometry.tileId", Field::TileId),
    ("header", Field::Header),
    ("roiOffsets", Field::RoiOffsets),
    ("binning", Field::Binning),
    ("rotation", Field::Rotation),
    ("flipX", Field::FlipX),
    ("flipY", Field::FlipY),
];

/// Where pixels are below the path of an image, the likeliest last; calibrated data has them at the path itself.
const PIXELS: [&str; 3] = ["", "pixels", "data"];

impl<'a> ImageRef<'a> {
    /// An image of flat keys.
    pub(crate) fn flat<P: AsRef<[u8]>>(indexed: &Indexed<'_, 'a, P>, source: &str, path: &str) -> Option<Self> {
        let mut image = Self::default();
        for (key, property) in indexed.below(source, path) {
            if let Some(name) = below(key, path) {
                image.offer(name, property);
            }
        }
        (image != Self::default()).then_some(image)
    }

    /// An array with parameters beside it.
    pub(crate) fn of_part(array: ArrayPart<'a>) -> Self {
        let mut image = Self { pixels: Some(Property::Array(array)), ..Self::default() };
        if let Some(params) = array.params() {
            image.params(params);
        }
        image
    }

    /// Parameters; those of geometry are in maps of their own.
    fn params(&mut self, params: MapRef<'a>) {
        const GEOMETRY: &[&str] = &["geometry"];
        const ALIGNMENT: &[&str] = &["geometry", "alignment"];
        for (name, value) in texts(params) {
            self.set(&[], name, value);
            for (name, value) in child(name, "geometry", value) {
                self.set(GEOMETRY, name, value);
                for (name, value) in child(name, "alignment", value) {
                    self.set(ALIGNMENT, name, value);
                }
            }
        }
    }

    /// Something below the path of the image.
    fn offer(&mut self, name: &str, property: Property<'a>) {
        let array = plain(property);
        if let (Some(place), Some(_)) = (PIXELS.iter().position(|place| name.eq_ignore_ascii_case(place)), array) {
            let place = u8::try_from(place).unwrap_or_default();
            if self.pixels.is_none() || place > self.place {
                (self.pixels, self.place) = (Some(property), place);
            }
            return;
        }
        match (property, array) {
            (Property::Value(value), _) => self.set(&[], name, value),
            // Lists of numbers may come as arrays.
            (Property::Array(_), Some(array)) => self.set(&[], name, ValueRef::Array(array)),
            (Property::Array(_), None) => {}
        }
    }

    /// The first of a name counts: in `params` as they came, among flat keys by path.
    fn set(&mut self, outer: &[&str], name: &str, value: ValueRef<'a>) {
        let field = NAMES.iter().find(|(field, _)| is(field, outer, name));
        if let Some(place) = field.and_then(|(_, field)| self.fields.get_mut(*field as usize)) {
            place.get_or_insert(value);
        }
    }

    fn field(&self, field: Field) -> Option<ValueRef<'a>> {
        self.fields.get(field as usize).copied().flatten()
    }

    /// Its pixels, unless they are missing, or have fields.
    #[must_use]
    pub fn pixels(&self) -> Option<ArrayRef<'a>> {
        plain(self.pixels?)
    }

    /// Bits that a pixel has.
    #[must_use]
    pub fn bits_per_pixel(&self) -> Option<u64> {
        self.field(Field::BitsPerPixel)?.as_u64()
    }

    /// Height, width, and channels if there are any, in the order of the axes.
    #[must_use]
    pub fn dimensions(&self) -> Option<Numbers<'a>> {
        Numbers::of(self.field(Field::Dimensions)?)
    }

    /// Of each axis: 0 if it is not known, 1 for data, -1 for a stack of images.
    #[must_use]
    pub fn dimension_types(&self) -> Option<Numbers<'a>> {
        Numbers::of(self.field(Field::DimensionTypes)?)
    }

    /// Scales of the axes; empty, as a rule.
    #[must_use]
    pub fn dimension_scales(&self) -> Option<&'a str> {
        self.field(Field::DimensionScales)?.as_str()
    }

    /// How pixels are to be understood, such as `GRAY`, `RGB` or `JPEG`.
    #[must_use]
    pub fn encoding(&self) -> Option<&'a str> {
        self.field(Field::Encoding)?.as_str()
    }

    /// The same as the number that the framework has for it. From 5 on numbers mean one thing before Karabo 3.0 and another since, and a
    /// message does not tell which.
    #[must_use]
    pub fn encoding_number(&self) -> Option<i64> {
        self.field(Field::Encoding)?.as_i64()
    }

    /// What the camera adds, if it adds anything.
    #[must_use]
    pub fn header(&self) -> Option<MapRef<'a>> {
        self.field(Field::Header)?.as_map()
    }

    /// Where the region of interest begins, axis by axis.
    #[must_use]
    pub fn roi_offsets(&self) -> Option<Numbers<'a>> {
        Numbers::of(self.field(Field::RoiOffsets)?)
    }

    /// How many pixels were made one, axis by axis.
    #[must_use]
    pub fn binning(&self) -> Option<Numbers<'a>> {
        Numbers::of(self.field(Field::Binning)?)
    }

    /// Degrees counter-clockwise: 0, 90, 180, 270, or -1 if it is not known.
    #[must_use]
    pub fn rotation(&self) -> Option<i64> {
        self.field(Field::Rotation)?.as_i64()
    }

    /// Whether left and right are exchanged.
    #[must_use]
    pub fn flip_x(&self) -> Option<bool> {
        self.field(Field::FlipX)?.as_bool()
    }

    /// Whether top and bottom are exchanged.
    #[must_use]
    pub fn flip_y(&self) -> Option<bool> {
        self.field(Field::FlipY)?.as_bool()
    }

    /// Where the tile is.
    #[must_use]
    pub fn alignment_offsets(&self) -> Option<Numbers<'a>> {
        Numbers::of(self.field(Field::Offsets)?)
    }

    /// How the tile is turned.
    #[must_use]
    pub fn alignment_rotations(&self) -> Option<Numbers<'a>> {
        Numbers::of(self.field(Field::Rotations)?)
    }

    /// Which pixels the tile has.
    #[must_use]
    pub fn pixel_region(&self) -> Option<Numbers<'a>> {
        Numbers::of(self.field(Field::PixelRegion)?)
    }

    /// What the tile is made of: a list of maps.
    #[must_use]
    pub fn sub_assemblies(&self) -> Option<ListRef<'a>> {
        self.field(Field::SubAssemblies)?.as_list()
    }

    /// The number of the tile.
    #[must_use]
    pub fn tile_id(&self) -> Option<i64> {
        self.field(Field::TileId)?.as_i64()
    }
}

/// An array whose items have no fields.
fn plain(property: Property<'_>) -> Option<ArrayRef<'_>> {
    property.as_array().filter(|array| array.dtype().as_plain().is_some())
}

/// What follows the path of an image in a key; nothing, if it is the path.
fn below<'k>(key: &'k str, path: &str) -> Option<&'k str> {
    let rest = key.strip_prefix(path)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

/// Whether a field has this name below these.
fn is(field: &str, outer: &[&str], name: &str) -> bool {
    let mut rest = Some(field);
    for outer in outer {
        rest = rest.and_then(|rest| rest.strip_prefix(outer)?.strip_prefix('.'));
    }
    rest.is_some_and(|rest| rest.eq_ignore_ascii_case(name))
}

/// The entries of a map whose keys are texts.
fn texts<'a>(map: MapRef<'a>) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> {
    map.iter().filter_map(|(key, value)| Some((key.as_str()?, value)))
}

/// The entries of a value, if it is a map and has this name.
fn child<'a>(name: &str, due: &str, value: ValueRef<'a>) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> + use<'a> {
    let map = value.as_map().filter(|_| name.eq_ignore_ascii_case(due));
    map.into_iter().flat_map(texts)
}

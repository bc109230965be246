use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::encode::{EncodeError, EncodeErrorKind, JsonOptions};
use crate::error::{DecodeError, DecodeErrorKind as Kind, Field};
use crate::json::{Cursor, Seen, Shape, Text, Writer};
use crate::limits::Limits;
use crate::notes::Notes;
use crate::unknown::{Kept, UnknownMembers};

/// Names with what stands behind them, in the order of the document.
type Map<'a, T> = Vec<(Cow<'a, str>, T)>;

/// The document that tells ATLAS how parameters are shown: a tree of them for each application.
///
/// Little of it is published. What is known is read into members, and if it has another type, or is not known, kept as it came; both are written.
///
/// ```
/// use atlas_stream::{ApplicationGroup, AtlasConfiguration, ConfigurationParameter, ParameterGroup};
///
/// let mut parameter = ConfigurationParameter::default();
/// (parameter.name, parameter.units) = (Some("example".into()), Some("kmh".into()));
/// let mut group = ParameterGroup::default();
/// group.parameters.push(("example:app".into(), parameter));
/// let mut application = ApplicationGroup::default();
/// application.tree.groups.push(("group".into(), group));
/// let mut configuration = AtlasConfiguration::default();
/// configuration.app_groups.push(("app".into(), application));
/// assert_eq!(configuration.dependency_id()?, "e7548e787967");
/// # Ok::<(), atlas_stream::EncodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AtlasConfiguration<'a> {
    /// Applications by their names, such as `Chassis`.
    pub app_groups: Vec<(Cow<'a, str>, ApplicationGroup<'a>)>,
    unknown: Kept<'a>,
}

/// What belongs to an application.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ApplicationGroup<'a> {
    /// The JSON of conversions by their ids, whose members are not published.
    conversions: Map<'a, RawJson<'a>>,
    /// The JSON of events by their ids.
    events: Map<'a, RawJson<'a>>,
    /// Its groups and parameters.
    pub tree: ParameterGroup<'a>,
}

/// JSON that was read, as it came.
#[derive(Clone, Debug, Default, PartialEq)]
struct RawJson<'a>(Cow<'a, str>);

/// Members that are known and came as another type, by their names: of each the last.
#[derive(Clone, Debug, Default, PartialEq)]
struct Odd<'a>(Vec<(&'static str, RawJson<'a>)>);

impl<'a> Odd<'a> {
    /// Passes a value that is no object, or no text, and keeps it in the place of an earlier one.
    fn keep(&mut self, cursor: &mut Cursor<'a>, name: &'static str) -> Result<(), DecodeError> {
        self.0.push((name, RawJson(Cow::Borrowed(cursor.any(Field::Member)?))));
        Ok(())
    }

    /// Forgets an earlier one.
    fn forget(&mut self, name: &str) {
        self.0.retain(|(other, _)| *other != name);
    }

    fn get(&self, name: &str) -> Option<&RawJson<'a>> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, json)| json)
    }

    fn into_owned(self) -> Odd<'static> {
        Odd(self.0.into_iter().map(|(name, json)| (name, RawJson(own(json.0)))).collect())
    }
}

/// Groups and parameters in a group.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ParameterGroup<'a> {
    /// Groups by their names.
    pub groups: Vec<(Cow<'a, str>, Self)>,
    /// Parameters by the identifiers that data formats have.
    pub parameters: Vec<(Cow<'a, str>, ConfigurationParameter<'a>)>,
    unknown: Kept<'a>,
    odd: Odd<'a>,
    /// What stands in its place and is no object.
    other: Option<RawJson<'a>>,
}

/// How a parameter is shown.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ConfigurationParameter<'a> {
    /// Its name for people.
    pub name: Option<Cow<'a, str>>,
    /// Its unit.
    pub units: Option<Cow<'a, str>>,
    /// What it is. *Ours*: the name of the member, `description`.
    pub description: Option<Cow<'a, str>>,
    unknown: Kept<'a>,
    odd: Odd<'a>,
    /// What stands in its place and is no object.
    other: Option<RawJson<'a>>,
}

impl<'a> AtlasConfiguration<'a> {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// What is not JSON; what lacks `appGroups`, which another document of the vendor has not; limits.
    pub fn decode(document: &'a [u8]) -> Result<(Self, Notes), DecodeError> {
        Self::decode_with(document, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_with(document: &'a [u8], limits: &Limits) -> Result<(Self, Notes), DecodeError> {
        let mut cursor = Cursor::new(document, limits)?;
        let mut configuration = Self::default();
        let mut has_groups = false;
        let end = cursor.object(Field::Value, |cursor, name| {
            if !name.is("appGroups") {
                configuration.unknown.push(cursor.whole(name)?);
                return Ok(());
            }
            if core::mem::replace(&mut has_groups, true) {
                cursor.notes |= Notes::DUPLICATE_MEMBER;
            }
            configuration.app_groups.clear();
            read_map(cursor, Field::AppGroups, &mut configuration.app_groups, read_application)
        })?;
        cursor.end()?;
        if !has_groups {
            return Err(DecodeError::json(Kind::MissingMember, end, Field::AppGroups));
        }
        Ok((configuration, cursor.notes))
    }

    /// Writes the document as the vendor's writer does: compactly, members in its order, and those of groups that are empty, too.
    ///
    /// # Errors
    ///
    /// A name twice; limits. Nothing was written then.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_with(out, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_with(&self, out: &mut Vec<u8>, limits: &Limits) -> Result<(), EncodeError> {
        let options = JsonOptions::DEFAULT.with_limits(*limits);
        Writer::write(out, &options, |writer| {
            writer.raw("{\"appGroups\":");
            let depth = limits.depth();
            write_map(writer, "appGroups", &self.app_groups, |writer, group| write_application(writer, group, depth))?;
            writer.unknown(&mut false, self.unknown());
            writer.raw("}");
            Ok(())
        })
    }

    /// The id that the service makes of the document as [`encode`](Self::encode) writes it. Who stores it goes by the id that the service returns.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn dependency_id(&self) -> Result<String, EncodeError> {
        let mut document = Vec::new();
        self.encode(&mut document)?;
        Ok(crate::dependency::id_of(&document))
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        self.unknown.members()
    }

    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> AtlasConfiguration<'static> {
        let own_application = |group: ApplicationGroup<'_>| ApplicationGroup {
            conversions: own_map(group.conversions, |json| RawJson(own(json.0))),
            events: own_map(group.events, |json| RawJson(own(json.0))),
            tree: own_tree(group.tree),
        };
        AtlasConfiguration { app_groups: own_map(self.app_groups, own_application), unknown: self.unknown.into_owned() }
    }
}

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn own_map<T, U>(map: Map<'_, T>, own_value: impl Fn(T) -> U) -> Map<'static, U> {
    map.into_iter().map(|(name, value)| (own(name), own_value(value))).collect()
}

#[inline(never)]
fn own_tree(tree: ParameterGroup<'_>) -> ParameterGroup<'static> {
    let own_parameter = |parameter: ConfigurationParameter<'_>| ConfigurationParameter {
        name: parameter.name.map(own),
        units: parameter.units.map(own),
        description: parameter.description.map(own),
        unknown: parameter.unknown.into_owned(),
        odd: parameter.odd.into_owned(),
        other: parameter.other.map(|json| RawJson(own(json.0))),
    };
    ParameterGroup {
        groups: own_map(tree.groups, own_tree),
        parameters: own_map(tree.parameters, own_parameter),
        unknown: tree.unknown.into_owned(),
        odd: tree.odd.into_owned(),
        other: tree.other.map(|json| RawJson(own(json.0))),
    }
}

impl ApplicationGroup<'_> {
    /// The JSON of its conversions, by their ids.
    pub fn conversions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.conversions.iter().map(|(id, json)| (&**id, &*json.0))
    }

    /// The JSON of its events, by the ids that events have.
    pub fn events(&self) -> impl Iterator<Item = (&str, &str)> {
        self.events.iter().map(|(id, json)| (&**id, &*json.0))
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        self.tree.unknown.members()
    }
}

impl ParameterGroup<'_> {
    fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.parameters.is_empty() && self.unknown().is_empty() && self.odd.0.is_empty()
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        self.unknown.members()
    }
}

impl ConfigurationParameter<'_> {
    fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.units.is_none()
            && self.description.is_none()
            && self.unknown().is_empty()
            && self.odd.0.is_empty()
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        self.unknown.members()
    }
}

/// Reads an object of names; of those that are there twice the last counts, in the place of the first.
fn read_map<'a, T: Default>(
    cursor: &mut Cursor<'a>,
    field: Field,
    map: &mut Map<'a, T>,
    read: impl Fn(&mut Cursor<'a>, &mut T) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut places = BTreeMap::new();
    cursor.object(field, |cursor, name| match slot_of(cursor, name, map, &mut places) {
        Some(slot) => read(cursor, slot),
        None => Ok(()),
    })?;
    Ok(())
}

/// An empty place for what stands behind a name; not in a frame of what goes down by recursion.
#[inline(never)]
fn slot_of<'m, 'a, T: Default>(
    cursor: &mut Cursor<'a>,
    name: Text<'a>,
    map: &'m mut Map<'a, T>,
    places: &mut BTreeMap<Cow<'a, str>, usize>,
) -> Option<&'m mut T> {
    let name = name.to_cow();
    let place = *places.entry(name.clone()).or_insert(map.len());
    if place == map.len() {
        map.push((name, T::default()));
    } else {
        cursor.notes |= Notes::DUPLICATE_MEMBER;
    }
    let (_, slot) = map.get_mut(place)?;
    *slot = T::default();
    Some(slot)
}

fn read_application<'a>(cursor: &mut Cursor<'a>, group: &mut ApplicationGroup<'a>) -> Result<(), DecodeError> {
    if cursor.shape(Field::Group)? != Shape::Object {
        group.tree.other = Some(RawJson(Cow::Borrowed(cursor.any(Field::Group)?)));
        return Ok(());
    }
    let mut seen = Seen::default();
    cursor.object(Field::Group, |cursor, name| {
        let (known, bit, field, map) = match &*name.to_cow() {
            "conversions" => ("conversions", 2, Field::Conversions, &mut group.conversions),
            "events" => ("events", 3, Field::Events, &mut group.events),
            _ => return read_tree_member(cursor, name, &mut group.tree, &mut seen),
        };
        seen.member(cursor, bit);
        group.tree.odd.forget(known);
        map.clear();
        if cursor.shape(field)? == Shape::Object {
            return read_map(cursor, field, map, read_raw);
        }
        group.tree.odd.keep(cursor, known)
    })?;
    Ok(())
}

/// Groups in groups, as deep as values may be.
fn read_group<'a>(cursor: &mut Cursor<'a>, group: &mut ParameterGroup<'a>) -> Result<(), DecodeError> {
    if cursor.shape(Field::Group)? != Shape::Object {
        group.other = Some(RawJson(Cow::Borrowed(cursor.any(Field::Group)?)));
        return Ok(());
    }
    let mut seen = Seen::default();
    cursor.object(Field::Group, |cursor, name| read_tree_member(cursor, name, group, &mut seen))?;
    Ok(())
}

fn read_tree_member<'a>(
    cursor: &mut Cursor<'a>,
    name: Text<'a>,
    tree: &mut ParameterGroup<'a>,
    seen: &mut Seen,
) -> Result<(), DecodeError> {
    let is_object = cursor.shape(Field::Member)? == Shape::Object;
    if name.is("groups") {
        seen.member(cursor, 0);
        tree.odd.forget("groups");
        tree.groups.clear();
        if is_object {
            return read_map(cursor, Field::Groups, &mut tree.groups, read_group);
        }
        return tree.odd.keep(cursor, "groups");
    }
    if name.is("parameters") {
        seen.member(cursor, 1);
        tree.odd.forget("parameters");
        tree.parameters.clear();
        if is_object {
            return read_map(cursor, Field::Parameters, &mut tree.parameters, read_parameter);
        }
        return tree.odd.keep(cursor, "parameters");
    }
    tree.unknown.push(cursor.whole(name)?);
    Ok(())
}

#[inline(never)]
fn read_parameter<'a>(cursor: &mut Cursor<'a>, parameter: &mut ConfigurationParameter<'a>) -> Result<(), DecodeError> {
    if cursor.shape(Field::Item)? != Shape::Object {
        parameter.other = Some(RawJson(Cow::Borrowed(cursor.any(Field::Item)?)));
        return Ok(());
    }
    let mut seen = Seen::default();
    cursor.object(Field::Item, |cursor, name| {
        let (known, bit, field, slot) = match &*name.to_cow() {
            "name" => ("name", 0, Field::Name, &mut parameter.name),
            "units" => ("units", 1, Field::Units, &mut parameter.units),
            "description" => ("description", 2, Field::Description, &mut parameter.description),
            _ => {
                parameter.unknown.push(cursor.whole(name)?);
                return Ok(());
            }
        };
        seen.member(cursor, bit);
        parameter.odd.forget(known);
        *slot = None;
        if cursor.shape(field)? != Shape::Text {
            return parameter.odd.keep(cursor, known);
        }
        *slot = Some(cursor.cow(field)?);
        Ok(())
    })?;
    Ok(())
}

#[inline(never)]
fn read_raw<'a>(cursor: &mut Cursor<'a>, json: &mut RawJson<'a>) -> Result<(), DecodeError> {
    json.0 = Cow::Borrowed(cursor.any(Field::Member)?);
    Ok(())
}

/// Writes an object of names, each once.
fn write_map<T>(
    writer: &mut Writer<'_>,
    what: &'static str,
    map: &[(Cow<'_, str>, T)],
    mut write: impl FnMut(&mut Writer<'_>, &T) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let mut names: Vec<&str> = map.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| matches!(pair, [one, two] if one == two)) {
        return Err(EncodeError::new(EncodeErrorKind::Duplicate, what));
    }
    writer.raw("{");
    let mut first = true;
    for (name, value) in map {
        writer.name(&mut first, name);
        write(writer, value)?;
    }
    writer.raw("}");
    Ok(())
}

#[inline(never)]
fn write_raw(writer: &mut Writer<'_>, json: &RawJson<'_>) -> Result<(), EncodeError> {
    writer.raw(&json.0);
    Ok(())
}

fn write_application(writer: &mut Writer<'_>, group: &ApplicationGroup<'_>, depth: u8) -> Result<(), EncodeError> {
    let is_empty = group.conversions.is_empty() && group.events.is_empty() && group.tree.is_empty();
    if let Some(json) = group.tree.other.as_ref().filter(|_| is_empty) {
        return write_raw(writer, json);
    }
    let mut first = true;
    writer.raw("{");
    for (name, map) in [("conversions", &group.conversions), ("events", &group.events)] {
        writer.name(&mut first, name);
        match group.tree.odd.get(name).filter(|_| map.is_empty()) {
            Some(json) => write_raw(writer, json)?,
            None => write_map(writer, name, map, write_raw)?,
        }
    }
    write_tree(writer, &group.tree, depth, first)
}

fn write_group(writer: &mut Writer<'_>, group: &ParameterGroup<'_>, depth: u8) -> Result<(), EncodeError> {
    if let Some(json) = group.other.as_ref().filter(|_| group.is_empty()) {
        return write_raw(writer, json);
    }
    writer.raw("{");
    write_tree(writer, group, depth, true)
}

/// Writes members of a group up to its end. What is known but came as another type is written as it came, as long as there is nothing else of it.
#[inline(never)]
fn write_tree(
    writer: &mut Writer<'_>,
    tree: &ParameterGroup<'_>,
    depth: u8,
    is_first: bool,
) -> Result<(), EncodeError> {
    let mut first = is_first;
    writer.name(&mut first, "groups");
    match tree.odd.get("groups").filter(|_| tree.groups.is_empty()) {
        Some(json) => write_raw(writer, json)?,
        None => {
            let depth = depth.checked_sub(1).ok_or(EncodeError::new(EncodeErrorKind::LimitExceeded, "max_depth"))?;
            write_map(writer, "groups", &tree.groups, |writer, group| write_group(writer, group, depth))?;
        }
    }
    writer.name(&mut first, "parameters");
    match tree.odd.get("parameters").filter(|_| tree.parameters.is_empty()) {
        Some(json) => write_raw(writer, json)?,
        None => write_map(writer, "parameters", &tree.parameters, write_parameter)?,
    }
    writer.unknown(&mut first, tree.unknown());
    writer.raw("}");
    Ok(())
}

#[inline(never)]
fn write_parameter(writer: &mut Writer<'_>, parameter: &ConfigurationParameter<'_>) -> Result<(), EncodeError> {
    if let Some(json) = parameter.other.as_ref().filter(|_| parameter.is_empty()) {
        return write_raw(writer, json);
    }
    let mut first = true;
    writer.raw("{");
    let members = [("name", &parameter.name), ("units", &parameter.units), ("description", &parameter.description)];
    for (name, text) in members {
        match (text, parameter.odd.get(name)) {
            (Some(text), _) => writer.optional_text(&mut first, name, Some(text)),
            (None, Some(json)) => {
                writer.name(&mut first, name);
                write_raw(writer, json)?;
            }
            (None, None) => {}
        }
    }
    writer.unknown(&mut first, parameter.unknown());
    writer.raw("}");
    Ok(())
}

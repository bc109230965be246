//! Configurations.

use atlas_stream::{
    AtlasConfiguration, ConfigurationParameter, EncodeErrorKind, Limits, ParameterGroup, dependency_id,
};
use serde::de::IgnoredAny;

use super::format::{map, same};
use super::model::{Members, Model, Unknown, kept, object, text, unknown};
use super::tree::{Is, Node};

/// The JSON of what stands behind names.
type Raw = Vec<(String, String)>;

#[derive(Clone, Debug, PartialEq)]
struct Configuration {
    applications: Vec<(String, Application)>,
    unknown: Unknown,
}

#[derive(Clone, Debug, PartialEq)]
struct Application {
    conversions: Raw,
    events: Raw,
    tree: Group,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Group {
    groups: Vec<(String, Self)>,
    parameters: Vec<(String, Shown)>,
    unknown: Unknown,
    /// Members that are known and have another type: what was read does not show them.
    odd: Raw,
    /// What stands there if it is no object: what was read does not show it.
    other: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Shown {
    /// Name, units, description.
    texts: [Option<String>; 3],
    unknown: Unknown,
    odd: Raw,
    other: Option<String>,
}

fn configuration_model(model: &mut Model, node: &Node<'_>) -> Option<Configuration> {
    // There are no numbers in it.
    let members = object(node).filter(|_| !node.has_bare())?;
    let applications = model.nullable(members, "appGroups", |model, node| {
        map(model, object(node)?, |model, node| {
            let Is::Object(members) = &node.is else {
                let tree = Group { other: Some(node.raw.to_owned()), ..Group::default() };
                return Some(Application { conversions: Vec::new(), events: Vec::new(), tree });
            };
            let raw =
                |model: &mut Model, members: &Members<'_>| map(model, members, |_, node| Some(node.raw.to_owned()));
            let conversions = lenient(model, members, "conversions", raw)?;
            let events = lenient(model, members, "events", raw)?;
            Some(Application { conversions, events, tree: group_model(model, members, &["conversions", "events"])? })
        })
    })?;
    Some(Configuration { applications: applications?, unknown: unknown(members, &["appGroups"])? })
}

/// The last counts, and if it is no object there is nothing; it is not known then.
fn lenient<T: Default>(
    model: &mut Model,
    members: &Members<'_>,
    name: &str,
    mut read: impl FnMut(&mut Model, &Members<'_>) -> Option<T>,
) -> Option<T> {
    let last = model.nullable(members, name, |model, node| match &node.is {
        Is::Object(members) => read(model, members),
        _ => Some(T::default()),
    });
    last.map(Option::unwrap_or_default)
}

fn group_model(model: &mut Model, members: &Members<'_>, more: &[&str]) -> Option<Group> {
    let groups = lenient(model, members, "groups", |model, members| {
        map(model, members, |model, node| match &node.is {
            Is::Object(members) => group_model(model, members, &[]),
            _ => Some(Group { other: Some(node.raw.to_owned()), ..Group::default() }),
        })
    })?;
    let parameters = lenient(model, members, "parameters", |model, members| map(model, members, shown_model))?;
    let known = [&["groups", "parameters"][..], more].concat();
    let odd = odd(members, &known, |node| matches!(node.is, Is::Object(_)));
    Some(Group { groups, parameters, unknown: others(members, &known), odd, other: None })
}

/// Of each known member the last, if it is not what it has to be.
fn odd(members: &Members<'_>, known: &[&str], is_good: impl Fn(&Node<'_>) -> bool) -> Raw {
    let last = |name: &&str| members.iter().rfind(|(other, _)| other == name);
    let odd = known.iter().filter_map(last).filter(|(_, node)| !is_good(node));
    odd.map(|(name, node)| (name.clone(), node.raw.to_owned())).collect()
}

fn others(members: &Members<'_>, known: &[&str]) -> Unknown {
    let others = members.iter().filter(|(name, _)| !known.contains(&&**name));
    others.map(|(name, node)| (name.clone(), node.raw.to_owned())).collect()
}

fn shown_model(model: &mut Model, node: &Node<'_>) -> Option<Shown> {
    let Is::Object(members) = &node.is else {
        return Some(Shown { other: Some(node.raw.to_owned()), ..Shown::default() });
    };
    let names = ["name", "units", "description"];
    let mut shown = Shown::default();
    for (name, slot) in names.into_iter().zip(&mut shown.texts) {
        *slot = model.nullable(members, name, |_, node| Some(text(node)))?.flatten();
    }
    shown.unknown = others(members, &names);
    shown.odd = odd(members, &names, |node| text(node).is_some());
    Some(shown)
}

impl Configuration {
    /// Changes each group, the ones in it first, and each parameter.
    fn each(mut self, of_group: fn(&mut Group), of_parameter: fn(&mut Shown)) -> Self {
        fn walk(group: &mut Group, of_group: fn(&mut Group), of_parameter: fn(&mut Shown)) {
            group.groups.iter_mut().for_each(|(_, group)| walk(group, of_group, of_parameter));
            group.parameters.iter_mut().for_each(|(_, parameter)| of_parameter(parameter));
            of_group(group);
        }
        self.applications.iter_mut().for_each(|(_, it)| walk(&mut it.tree, of_group, of_parameter));
        self
    }

    /// What there is to be seen of it.
    fn shown(self) -> Self {
        self.each(
            |group| (group.other, group.odd) = (None, Raw::new()),
            |parameter| (parameter.other, parameter.odd) = (None, Raw::new()),
        )
    }
}

fn configuration_of(found: &AtlasConfiguration<'_>) -> Configuration {
    fn tree(group: &ParameterGroup<'_>) -> Group {
        let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_ref().map(|text| text.clone().into_owned());
        let shown = |parameter: &ConfigurationParameter<'_>| {
            let texts = [&parameter.name, &parameter.units, &parameter.description].map(text);
            Shown { texts, unknown: kept(parameter.unknown()), odd: Raw::new(), other: None }
        };
        Group {
            groups: group.groups.iter().map(|(name, group)| (name.clone().into_owned(), tree(group))).collect(),
            parameters: group.parameters.iter().map(|(name, it)| (name.clone().into_owned(), shown(it))).collect(),
            unknown: kept(group.unknown()),
            odd: Raw::new(),
            other: None,
        }
    }
    let applications = found.app_groups.iter().map(|(name, group)| {
        let own = |(name, raw): (&str, &str)| (name.to_owned(), raw.to_owned());
        assert_eq!(kept(group.unknown()), kept(group.tree.unknown()));
        let application = Application {
            conversions: group.conversions().map(own).collect(),
            events: group.events().map(own).collect(),
            tree: tree(&group.tree),
        };
        (name.clone().into_owned(), application)
    });
    Configuration { applications: applications.collect(), unknown: kept(found.unknown()) }
}

pub(super) fn configuration(document: &[u8], limits: &Limits, tight: &Limits) {
    let due = Model::read(document, limits, configuration_model);
    let hidden = due.clone();
    let due = due.map(|(due, notes)| (due.shown(), notes));
    let found = AtlasConfiguration::decode_with(document, limits);
    let (Some((found, _)), Some((due, _))) = (same(document, found, due, configuration_of), hidden) else { return };
    assert_eq!(found.clone().into_owned(), found);
    let mut out = b"x".to_vec();
    if let Err(error) = found.encode(&mut out) {
        // Groups that are not there are written, too, one level deeper than what was read.
        let max_depth = (EncodeErrorKind::LimitExceeded, "max_depth");
        assert_eq!(((error.kind(), error.what()), out.as_slice()), (max_depth, &b"x"[..]));
        assert!(Model::read(document, &Limits::DEFAULT.with_max_depth(62), configuration_model).is_none());
        return;
    }
    let text = std::str::from_utf8(&out[1..]).expect("JSON is a text");
    serde_json::from_str::<IgnoredAny>(text).expect("JSON");
    assert_eq!(found.dependency_id().expect("as it was written"), dependency_id(text));
    let (again, notes) = Model::read(text.as_bytes(), &Limits::DEFAULT, configuration_model).expect("as it was read");
    assert_eq!(again, due, "{text}");
    let (read, read_notes) =
        AtlasConfiguration::decode_with(text.as_bytes(), &Limits::DEFAULT).expect("as it was read");
    assert_eq!((configuration_of(&read), read_notes), (again.shown(), notes));
    let mut once_more = b"x".to_vec();
    read.encode(&mut once_more).expect("as it was written");
    assert_eq!(once_more, out);

    let mut few = b"x".to_vec();
    let read = AtlasConfiguration::decode_with(text.as_bytes(), tight);
    match found.encode_with(&mut few, tight) {
        Ok(()) => {
            assert_eq!(few, out);
            read.expect("it was written under the same limits");
        }
        Err(error) => {
            assert_eq!((error.kind(), few.as_slice()), (EncodeErrorKind::LimitExceeded, &b"x"[..]));
            read.expect_err("it could not be written under the same limits");
        }
    }
}

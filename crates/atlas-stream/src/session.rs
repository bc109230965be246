use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem::take;

use crate::date_time::DateTime;
use crate::state::SessionState;
use crate::unknown::{Kept, UnknownMembers};

/// What a stream is a recording of, told again and again.
///
/// ```
/// use atlas_stream::{DATA_FORMAT, Session, SessionState};
///
/// let session = Session::new("f2b8755c", SessionState::OPEN).with_dependency(DATA_FORMAT, "9a9627b7bc25");
/// let mut json = Vec::new();
/// session.encode_json(&mut json)?;
/// assert_eq!(json, br#"{"id":"f2b8755c","state":"open","dependencies":{"dataFormat":["9a9627b7bc25"]}}"#);
/// # Ok::<(), atlas_stream::EncodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Session<'a> {
    /// Which session it is; not the id of the stream.
    pub id: Cow<'a, str>,
    /// How far it has come; [`SessionState::UNKNOWN`] if it is none of those that are described.
    pub state: SessionState,
    /// The name of a state that is not described.
    pub(crate) other_state: Option<Cow<'a, str>>,
    /// What kind of session it is, at most 32 characters; `StreamSession` if it is not said.
    pub session_type: Option<Cow<'a, str>>,
    /// How complete it is, from 0 to 1; 0.9 if it is not said.
    pub quality: Option<f64>,
    /// Its name for people.
    pub identifier: Option<Cow<'a, str>>,
    /// What else is told of it.
    pub details: Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>>,
    /// The model that made the data.
    pub model: Option<Model<'a>>,
    /// Ids of documents, by their type.
    pub dependencies: Option<BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>>,
    /// When there is data.
    pub activity: Option<Activity<'a>>,
    /// When its writer was there.
    pub last_heartbeat: Option<DateTime<'a>>,
    /// What it was made of. *Ours*: the name of the member, `sources`.
    pub sources: Vec<Self>,
    /// How readers tell sessions apart. *Ours*: the name of the member, `label`.
    pub label: Option<Cow<'a, str>>,
    pub(crate) unknown: Kept<'a>,
}

/// The model that made the data of a session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Model<'a> {
    /// What models it is one of, at most 255 characters.
    pub group: Cow<'a, str>,
    /// Which of them, from 1; 0 if it is not said.
    pub version: Option<i64>,
    /// How it was set up.
    pub configuration: Option<Cow<'a, str>>,
    pub(crate) unknown: Kept<'a>,
}

/// When a session has data.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Activity<'a> {
    /// When it begins.
    pub start: Option<DateTime<'a>>,
    /// How long it is up to now, in nanoseconds.
    pub duration_nanos: Option<i64>,
    pub(crate) unknown: Kept<'a>,
}

impl<'a> Session<'a> {
    /// A session of which nothing else is told.
    #[must_use]
    pub fn new(id: impl Into<Cow<'a, str>>, state: SessionState) -> Self {
        Self {
            id: id.into(),
            state,
            other_state: None,
            session_type: None,
            quality: None,
            identifier: None,
            details: None,
            model: None,
            dependencies: None,
            activity: None,
            last_heartbeat: None,
            sources: Vec::new(),
            label: None,
            unknown: Kept::NONE,
        }
    }

    /// With a name for people.
    #[must_use]
    pub fn with_identifier(mut self, identifier: impl Into<Cow<'a, str>>) -> Self {
        self.identifier = Some(identifier.into());
        self
    }

    /// With one thing more that is told of it, or told otherwise.
    #[must_use]
    pub fn with_detail(mut self, name: impl Into<Cow<'a, str>>, text: impl Into<Cow<'a, str>>) -> Self {
        self.details.get_or_insert_default().insert(name.into(), text.into());
        self
    }

    /// With the id of one document more, such as a [`DATA_FORMAT`](crate::DATA_FORMAT).
    #[must_use]
    pub fn with_dependency(mut self, dependency_type: impl Into<Cow<'a, str>>, id: impl Into<Cow<'a, str>>) -> Self {
        let (all, id) = (self.dependencies.get_or_insert_default(), id.into());
        let ids = all.entry(dependency_type.into()).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
        self
    }

    /// The name of its state, as it came if it is not described.
    #[must_use]
    pub fn state_name(&self) -> &str {
        self.state.name().unwrap_or_else(|| self.other_state.as_deref().unwrap_or("unknown"))
    }

    /// The ids of documents of a type, such as [`DATA_FORMAT`](crate::DATA_FORMAT).
    pub fn dependencies(&self, dependency_type: &str) -> impl Iterator<Item = &str> {
        let of_type = self.dependencies.as_ref().and_then(|all| all.get(dependency_type));
        of_type.into_iter().flatten().map(|id| &**id)
    }

    /// What is told of it by this name.
    #[must_use]
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.details.as_ref()?.get(name).map(|text| &**text)
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        self.unknown.members()
    }

    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Session<'static> {
        let mut session = self;
        let mut owned = Session::new("", session.state);
        session.own_to(&mut owned);
        owned
    }

    /// Those it was made of by recursion, in a function that keeps little on the stack.
    fn own_to(&mut self, owned: &mut Session<'static>) {
        self.own_members_to(owned);
        for source in &mut self.sources {
            push_blank(&mut owned.sources);
            if let Some(owned) = owned.sources.last_mut() {
                source.own_to(owned);
            }
        }
    }

    #[inline(never)]
    fn own_members_to(&mut self, owned: &mut Session<'static>) {
        owned.id = own(take(&mut self.id));
        owned.state = self.state;
        owned.other_state = self.other_state.take().map(own);
        owned.session_type = self.session_type.take().map(own);
        owned.quality = self.quality;
        owned.identifier = self.identifier.take().map(own);
        let details = self.details.take();
        owned.details = details.map(|all| all.into_iter().map(|(name, text)| (own(name), own(text))).collect());
        owned.model = self.model.take().map(Model::into_owned);
        owned.dependencies = self
            .dependencies
            .take()
            .map(|all| all.into_iter().map(|(name, ids)| (own(name), ids.into_iter().map(own).collect())).collect());
        owned.activity = self.activity.take().map(Activity::into_owned);
        owned.last_heartbeat = self.last_heartbeat.take().map(DateTime::into_owned);
        owned.label = self.label.take().map(own);
        owned.unknown = take(&mut self.unknown).into_owned();
    }
}

/// Not in a frame of what goes down by recursion.
#[inline(never)]
pub(crate) fn push_blank(sources: &mut Vec<Session<'_>>) {
    sources.push(Session::new("", SessionState::UNKNOWN));
}

impl<'a> Model<'a> {
    /// A model of which nothing else is told.
    #[must_use]
    pub fn new(group: impl Into<Cow<'a, str>>) -> Self {
        Self { group: group.into(), version: None, configuration: None, unknown: Kept::NONE }
    }

    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Model<'static> {
        Model {
            group: own(self.group),
            version: self.version,
            configuration: self.configuration.map(own),
            unknown: self.unknown.into_owned(),
        }
    }
}

impl<'a> Activity<'a> {
    /// From a time on.
    #[must_use]
    pub const fn new(start: DateTime<'a>) -> Self {
        Self { start: Some(start), duration_nanos: None, unknown: Kept::NONE }
    }

    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Activity<'static> {
        Activity {
            start: self.start.map(DateTime::into_owned),
            duration_nanos: self.duration_nanos,
            unknown: self.unknown.into_owned(),
        }
    }
}

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

use crate::bits::bits;
use crate::session::Session;

bits! {
    /// What of a session is not as it was told before. A session that is told again without changes is a heartbeat: see
    /// [`Received::is_heartbeat`](crate::Received::is_heartbeat).
    ///
    /// ```
    /// use atlas_stream::{Changes, Session, SessionState};
    ///
    /// let waiting = Session::new("f2b8755c", SessionState::WAITING);
    /// let open = Session::new("f2b8755c", SessionState::OPEN).with_detail("Driver", "KMZ");
    /// assert_eq!(open.changes(&waiting), Changes::STATE | Changes::DETAILS);
    /// assert_eq!(open.changes(&open), Changes::NONE);
    /// ```
    Changes;
    /// Its state.
    STATE = 0, "state";
    /// Its name for people.
    IDENTIFIER = 1, "identifier";
    /// What else is told of it.
    DETAILS = 2, "details";
    /// Ids of documents.
    DEPENDENCIES = 3, "dependencies";
    /// The label.
    LABEL = 4, "label";
    /// What it was made of.
    SOURCES = 5, "sources";
    /// Which session it is.
    ID = 6, "id";
    /// What kind of session it is.
    TYPE = 7, "type";
    /// How complete it is.
    QUALITY = 8, "quality";
    /// The model that made the data.
    MODEL = 9, "model";
    /// When there is data: with each message, while it is recorded.
    ACTIVITY = 10, "activity";
    /// A member that nobody here knows.
    UNKNOWN = 11, "unknown";
}

impl Session<'_> {
    /// What of it is not as in another, which was told before, as it is written; `lastHeartbeat` aside.
    #[must_use]
    pub fn changes(&self, before: &Session<'_>) -> Changes {
        let parts = [
            (Changes::STATE, (self.state, self.state_name()) != (before.state, before.state_name())),
            (Changes::IDENTIFIER, self.identifier != before.identifier),
            (Changes::DETAILS, self.details != before.details),
            (Changes::DEPENDENCIES, self.dependencies != before.dependencies),
            (Changes::LABEL, self.label != before.label),
            (Changes::SOURCES, !are_same(&self.sources, &before.sources)),
            (Changes::ID, self.id != before.id),
            (Changes::TYPE, self.session_type != before.session_type),
            (Changes::QUALITY, self.quality != before.quality),
            (Changes::MODEL, self.model != before.model),
            (Changes::ACTIVITY, self.activity != before.activity),
            (Changes::UNKNOWN, self.unknown != before.unknown),
        ];
        let changed = parts.into_iter().filter(|(_, is_other)| *is_other);
        changed.fold(Changes::NONE, |all, (part, _)| all | part)
    }
}

/// Those of which nothing changed.
fn are_same(sources: &[Session<'_>], before: &[Session<'_>]) -> bool {
    sources.len() == before.len() && sources.iter().zip(before).all(|(one, other)| one.changes(other).is_empty())
}
